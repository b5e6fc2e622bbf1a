"""T9: another process holds SQLite's lock: for half a second, for four, and until the bot has had to say so.

Somebody runs a backup, an import, a script of their own. Up to four seconds of that nobody may notice: the writer
waits. What is longer is told to Telegram (503, or no acknowledgement by polling), which brings everything again. On
PostgreSQL it is the table into which every update is written that is locked.
"""

import contextlib
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from tests.deadlines import PATIENCE
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.storage.database import scratch

SHORT = (0.5, 4.0)
"""Seconds that nobody may notice."""
UNNOTICED = 5.0
"""Whoever has to wait no longer than this notices nothing; where a busy machine let go later, nothing can be said."""
LONG = 30.0


@contextlib.contextmanager
def lock_on(deployment: Deployment) -> Iterator[None]:
    """Nobody else writes meanwhile; these tests are another process than the bot."""
    if not deployment.is_sqlite:
        with scratch.connected(deployment.url) as session, session.transaction(force_rollback=True):
            session.execute("LOCK TABLE processed_update IN ACCESS EXCLUSIVE MODE")
            yield
        return
    with contextlib.closing(
        sqlite3.connect(deployment.folder / "enlace.db", isolation_level=None, timeout=PATIENCE)
    ) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def locked(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    rounds: int = 1,
    longest: float = 0.0,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Everybody reports, and cannot be stored for a while (T9): at last for `longest`, and until Telegram was told."""
    from tests.faults.scenarios import answered, at_work, finish

    outcome = Outcome()
    with deployed(folder, kind, cast, webhook=webhook) as deployment, at_work(deployment, dice) as work:
        deployment.start(plant=plant)
        for seconds in (*SHORT, LONG) * rounds:
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + dice.randint(5, 30))
            if work.violations or outcome.violations:
                break
            before = deployment.refusals()
            with lock_on(deployment):
                began, answers = time.monotonic(), work.answers
                if seconds == LONG:
                    until(lambda before=before: deployment.refusals() > before, deployment.bot.log)  # type: ignore[misc]
                    time.sleep(max(0.0, longest - (time.monotonic() - began)))  # how long it is held is the fault
                    outcome.counts["told"] += 1
                else:
                    time.sleep(seconds)
            is_short = time.monotonic() - began < UNNOTICED
            outcome.counts[f"locked {seconds} s"] += 1
            outcome.violations += answered(deployment, work, max(work.answers, answers) + cast.people)
            if seconds != LONG and is_short and deployment.refusals() > before:
                outcome.violations.append(f"a lock of {seconds} s was noticed: {deployment.bot.log()[-300:]}")
        return finish(deployment, work, outcome)
