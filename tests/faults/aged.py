"""A database full of reports that an old commit made: its process is killed, an upgrade too, and then it is upgraded.

What the old program had said was durable is there afterwards: each report once, under its receipt's number, with every
answer, open or sealed. The old code is that of the history of this repository (`of_old.py`).
"""

import contextlib
import random
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from bot.open_storage import open_storage
from bot.sandbox.server import running_sandbox
from storage.database.migrating import found, head
from storage.database.models import Submission, table
from tests.bot.cli import forked
from tests.bot.house import ANA, BEGINS, Town
from tests.deadlines import PATIENCE
from tests.faults.deployment import Cast
from tests.faults.of_old import hash_of
from tests.faults.outcome import Outcome
from tests.history import tree_of
from tests.storage.database import scratch

OLD = "7b6c921"
"""Of 26 November 2026: eight migrations, and the oldest that anybody is known to have tried."""
PROGRAM = Path(__file__).with_name("of_old.py")
_S = table(Submission)


def aged(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    reports: int = 120,
    webhook: bool = False,
    cast: Cast = Cast(),
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nothing that an old version has stored is lost or changed by kills and upgrades."""
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(scratch.schema_or_skip("enlace_aged", bots=1)) if kind == "postgresql" else ""
        sandbox = stack.enter_context(running_sandbox(start=BEGINS.timestamp()))
        town = Town(sandbox, folder, database_url=url)
        stack.callback(town.stop)
        told = filled(town, tree_of(OLD, folder / "tree"), reports, dice, outcome)
        old = found(town.settings.database_url)
        assert old is not None
        assert old < head()
        interrupt(town, dice, outcome)
        done = town.enlace("db", "upgrade")
        assert done.returncode == 0, done.stderr
        assert found(town.settings.database_url) == head()
        outcome.violations += compared(town, told)
        outcome.counts["forms"] += len(told)
        town.start()
        town.officer(ANA).say("/pendientes")
        town.stop()
        for command in (("audit", "verify"), ("db", "check")):
            done = town.enlace(*command)
            if done.returncode:
                outcome.violations.append(f"{' '.join(command)}: {done.stderr}")
        outcome.violations += compared(town, told)
    return outcome


def filled(town: Town, tree: Path, reports: int, dice: random.Random, outcome: Outcome) -> dict[str, tuple[int, str]]:
    """Let the old program fill the database, and kill it in the midst; what it had told by then, by the report."""
    given = [str(tree), str(town.folder), town.settings.database_url, str(10 * reports), str(dice.randrange(1 << 30))]
    told: dict[str, tuple[int, str]] = {}
    with (town.folder / "old.log").open("wb") as log:
        old = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(PROGRAM), *given],
            cwd=town.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert old.stdout is not None
        with old:
            for line in old.stdout:
                instance, number, answers = line.split()
                told[instance] = int(number), answers
                if len(told) == reports:
                    old.kill()  # it is in the midst of the next one; what it has printed since is read on
            assert old.wait(PATIENCE) == -signal.SIGKILL, (town.folder / "old.log").read_text()
    outcome.counts["deaths"] += 1
    return told


def interrupt(town: Town, dice: random.Random, outcome: Outcome) -> None:
    """Kill an upgrade somewhere: it is done whole, or it has not begun."""
    before = found(town.settings.database_url)
    with (town.folder / "upgrade.log").open("wb") as log:
        upgrading = forked.start("db", "upgrade", env=town.environment, stdout=log, stderr=log)
        with contextlib.suppress(subprocess.TimeoutExpired):
            upgrading.wait(dice.uniform(0, 1.5))  # the instant is drawn: whichever it is, the same holds
        upgrading.kill()
        upgrading.wait(PATIENCE)
    after = found(town.settings.database_url)
    outcome.counts["deaths"] += 1
    if after not in (before, head()):
        outcome.violations.append(f"an upgrade that was killed left the tables at {after}")


def compared(town: Town, told: dict[str, tuple[int, str]]) -> list[str]:
    """What is not as the old program had told it."""
    with open_storage(town.settings) as database, database.view() as unit:
        sent = [unit.submissions.get(id) for id in unit.connection.execute(select(_S.c.id)).scalars()]
        now = {one.instance_id: (one.receipt_number, hash_of(unit.submissions.answers(one))) for one in sent}
    lost = [
        f"{instance} is not {each}, but {now.get(instance)}"
        for instance, each in told.items()
        if now.get(instance) != each
    ]
    more = len(sent) - len(told)  # one was committed, and its program died before it could say so
    numbers = len({number for number, _ in now.values()})
    return [
        *lost,
        *([f"{more} reports more than were told"] if more not in (0, 1) else []),
        *([f"{len(sent)} reports have {numbers} numbers"] if numbers != len(sent) else []),
    ]
