"""Events reach a receiver that fails at random, while the process that calls it is killed again and again."""

import asyncio
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.acts.sharing.receivers import new_secret
from conversations.plan.sharing.events import kinds_for
from storage.messages.endpoints import NewEndpoint, Target
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.cli import forked
from tests.bot.telegram.wire import empty_database, opened
from tests.bot.workers.receiver import MOODS, Receiver, receiving
from tests.deadlines import PATIENCE, has_ended, wait_until
from tests.faults.outcome import Outcome
from tests.storage.conftest import World, build_world

PROGRAM = Path(__file__).with_name("event_caller.py")
REPORTS = 20
VERSIONS = 5


def told(folder: Path, kind: str, dice: random.Random, *, deaths: int, **_: Any) -> Outcome:
    """Whatever dies in whatever moment: each event at least once, and the versions of a report in their order."""
    outcome, secret, url = Outcome(), new_secret(), empty_database(kind, folder)
    receiver = Receiver(secret, lambda: dice.choice(MOODS))
    with opened(url, folder) as database, listening(receiver):
        world: World = database.units.submit(None, build_world).result(PATIENCE)
        database.units.submit(None, lambda unit: _add(unit, world, receiver)).result(PATIENCE)
        killed = round_ = 0
        while killed < deaths:
            round_ += 1
            for number in range(REPORTS):
                _report(database, world, f"{round_}-{number}", dice)
            while killed < deaths and _waiting(database):
                _call_and_kill(database, url, folder, receiver, dice.randint(1, 25))
                killed += 1
        _call_and_kill(database, url, folder, receiver, 0)
        outcome.counts["kills"] = killed
        outcome.violations += not_told(database, receiver)
        outcome.counts["events"] = len(receiver.kept)
        outcome.counts["calls"] = receiver.calls
    return outcome


def _add(unit: UnitOfWork, world: World, receiver: Receiver) -> None:
    target = Target(receiver.url, receiver.secret)
    unit.endpoints.add(
        world.plan_id,
        NewEndpoint(target, "127.0.0.1", audience="internal", kinds=kinds_for("internal")),
        datetime.now(UTC),
        by=None,
    )


def _report(database: Database, world: World, code: str, dice: random.Random) -> None:
    for number in range(dice.randint(1, VERSIONS)):

        def send(unit: UnitOfWork, number: int = number) -> None:
            before = unit.submissions.by_instance(f"uuid:{code}:{number - 1}")
            about = {"subject": f"activity:{code}", "reporting_period_id": world.period_ids[0]}
            old = before.id if before else None
            world.submit(unit, f"uuid:{code}:{number}", supersedes_id=old, now=datetime.now(UTC), **about)

        database.units.submit(None, send).result(PATIENCE)


def _waiting(database: Database) -> int:
    with database.view() as unit:
        return sum(count for (_, state), count in unit.event_deliveries.counts().items() if state == "waiting")


def _call_and_kill(database: Database, url: str, folder: Path, receiver: Receiver, calls: int) -> None:
    """One life of the process: until so many calls have come in, or nothing waits any more."""
    command = [url, str(folder / "keys.json")]
    with (folder / "caller.log").open("ab") as log:
        process = forked.start(*command, program=str(PROGRAM), stdout=subprocess.PIPE, stderr=log, env=os.environ)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", (folder / "caller.log").read_text()
        wanted = receiver.calls + calls
        wait_until(
            lambda: (calls and receiver.calls >= wanted) or not _waiting(database),
            "calls come in",
            unless=has_ended(process),
            look_again=0.05,  # as often as the database is asked
        )
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def not_told(database: Database, receiver: Receiver) -> list[str]:
    """Each event that the receiver has not, that never was, or that came before an earlier one of its lane."""
    with database.view() as unit:
        rows = unit.connection.exec_driver_sql(
            "SELECT e.uid, d.lane FROM event e LEFT JOIN event_delivery d ON d.event_id = e.id ORDER BY e.id"
        ).all()
    lanes: dict[str, list[str]] = {}
    for uid, lane in rows:
        lanes.setdefault(lane, []).append(uid)
    expected = {uid for uid, _ in rows}
    found = [f"lost: {uid}" for uid in sorted(expected - receiver.kept.keys())]
    found += [f"never happened: {uid}" for uid in sorted(receiver.kept.keys() - expected)]
    for lane, uids in lanes.items():
        if [uid for uid in receiver.kept if uid in uids] != [uid for uid in uids if uid in receiver.kept]:
            found.append(f"out of order: {lane}")
    return found


@contextmanager
def listening(receiver: Receiver) -> Iterator[None]:
    """The receiver, in a thread with a loop of its own."""
    up, over = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def listen() -> None:
        loops.append(asyncio.get_running_loop())
        async with receiving(receiver):
            up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert up.wait(PATIENCE)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join()
