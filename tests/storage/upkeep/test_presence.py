"""Who is running: one row a process, and on PostgreSQL a lock that the server frees when the process dies."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from bot.settings import inherited_environment
from storage.database.models import Job, OutboxMessage, table
from storage.errors import Unavailable
from storage.messages.outbox import LEASE, OutboxDraft
from storage.messages.replicas import OTHERS
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.presence import GRACE, Presence
from tests.bot.cli import forked
from tests.deadlines import ended

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
OTHER = Path(__file__).with_name("another_process.py")


class Other:
    """Another process that has entered, and holds a question, a reminder under way, and a job."""

    def __init__(self, url: str) -> None:
        self._process = forked.start(
            url, program=str(OTHER), env=inherited_environment(), stdout=subprocess.PIPE, stderr=sys.__stderr__
        )
        assert self._process.stdout is not None
        self.id = int(self._process.stdout.readline())
        assert self._process.stdout.readline() == b"working\n"

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def leave(self) -> None:
        self._process.terminate()
        assert self._end() == 0

    def _end(self) -> int:
        assert self._process.stdout is not None
        self._process.stdout.close()
        return ended(self._process)


@pytest.fixture
def start(url: str) -> Iterator[Callable[[], Other]]:
    others: list[Other] = []

    def begin() -> Other:
        others.append(Other(url))
        return others[-1]

    yield begin
    for other in others:
        other.kill()


class Hand:
    """A monotonic clock that is wound by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def until_unheld(database: Database, id: int) -> None:
    """The server frees the lock when it has noticed the death: at once, but not in the same instant."""
    while not database.is_sqlite:
        with database.reader() as connection:
            if (id, False) in connection.execute(OTHERS, {"me": 0}).all():
                return


def states(database: Database) -> dict[str, str]:
    """State by text of what is in the outbox, and of the job."""

    def read(unit: UnitOfWork) -> dict[str, str]:
        rows = unit.connection.execute(text("SELECT kind, state, lease_until FROM outbox ORDER BY id")).all()
        jobs = unit.connection.execute(text("SELECT kind, state, lease_until FROM job")).all()
        return {
            f"{kind} {n}": f"{state}{' in hand' if lease else ''}"
            for n, (kind, state, lease) in enumerate([*rows, *jobs])
        }

    return database.units.submit(None, read).result()


FREED = {"prompt 0": "queued", "reminder 1": "ambiguous", "reminder 2": "queued", "fetch_file 3": "queued"}
HELD = {
    "prompt 0": "sending in hand",
    "reminder 1": "sending in hand",
    "reminder 2": "queued",
    "fetch_file 3": "working in hand",
}


def test_a_killed_process_is_found_at_the_next_start_and_what_it_held_is_free(
    database: Database, start: Callable[[], Other]
) -> None:
    """At once, long before any lease ends; a reminder whose call had begun is in doubt, and not repeated."""
    other = start()
    assert states(database) == HELD
    other.kill()
    presence = Presence(database, lambda: NOW)
    until_unheld(database, other.id)
    entered = presence.enter()
    assert (entered.ended, entered.is_alone) == ({other.id}, True)
    assert database.units.replica_id == entered.replica_id
    assert states(database) == FREED
    presence.leave()


def test_a_clean_stop_leaves_nothing_for_the_next_start_to_find(database: Database, start: Callable[[], Other]) -> None:
    """No row, and whatever was in hand waits for whoever comes next."""
    start().leave()
    presence = Presence(database, lambda: NOW)
    entered = presence.enter()
    assert (entered.ended, entered.is_alone) == (frozenset(), True)
    assert states(database) == FREED
    presence.leave()


def test_a_look_that_is_late_adds_nothing_after_a_clean_stop(
    postgres_database: Database,
) -> None:
    """Its task was cancelled, its thread was not: it connected again, added the row again, and was never closed."""
    presence = Presence(postgres_database, lambda: NOW)
    presence.enter()
    presence.leave()
    presence.look()
    with postgres_database.view() as unit:
        assert unit.replicas.all() == frozenset()


def test_one_that_runs_is_left_alone(
    postgres_database: Database, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    """Its lock is held, so nobody takes over what it has in hand, at a start or later."""
    other = Other(postgres_url)
    request.addfinalizer(other.kill)
    clock = Hand()
    presence = Presence(postgres_database, lambda: NOW, monotonic=clock)
    entered = presence.enter()
    assert (entered.ended, entered.is_alone) == (frozenset(), False)
    for _ in range(3):
        clock.at += 60
        assert presence.look() == frozenset()
    assert states(postgres_database) == HELD
    presence.leave()


def test_one_killed_beside_us_is_buried_at_the_second_look(
    postgres_database: Database, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    """Not at the first: its holder may be about to take the lock again. Then what it held is free."""
    other = Other(postgres_url)
    request.addfinalizer(other.kill)
    clock = Hand()
    presence = Presence(postgres_database, lambda: NOW, monotonic=clock)
    presence.enter()
    other.kill()
    until_unheld(postgres_database, other.id)
    assert presence.look() == frozenset()
    clock.at += GRACE - 0.1
    assert presence.look() == frozenset()
    assert states(postgres_database) == HELD
    clock.at += 0.2
    assert presence.look() == {other.id}
    assert states(postgres_database) == FREED
    assert presence.look() == frozenset()
    presence.leave()


def pair(database: Database, url: str) -> Iterator[tuple[Presence, Presence, Hand]]:
    clock = Hand()
    with open_database(url) as second:
        one = Presence(database, lambda: NOW, monotonic=clock)
        two = Presence(second, lambda: NOW, monotonic=clock)
        one.enter()
        two.enter()
        yield one, two, clock
        one.leave()
        two.leave()


@pytest.fixture
def both(postgres_database: Database, postgres_url: str) -> Iterator[tuple[Presence, Presence, Hand]]:
    """Two that run on one PostgreSQL."""
    yield from pair(postgres_database, postgres_url)


Both = tuple[Presence, Presence, Hand]


def cut(server: Engine, presence: Presence) -> None:
    """End the connection that holds its lock, as a restart of the server does."""
    assert presence._holder is not None
    driver: Any = presence._holder.connection.dbapi_connection
    pid = driver.info.backend_pid
    with server.connect() as connection:
        assert connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid}).scalar_one()


def test_a_restart_of_the_server_makes_nobody_dead(both: Both, postgres_server: Engine) -> None:
    """All locks are gone at once; whoever takes theirs again within the grace was never missed."""
    one, two, clock = both
    cut(postgres_server, one)
    cut(postgres_server, two)
    with pytest.raises(Unavailable):
        one.look()
    assert one.look() == frozenset()  # ours is held again, theirs is seen without
    with pytest.raises(Unavailable):
        two.look()
    assert two.look() == frozenset()
    clock.at += GRACE + 1
    assert one.look() == two.look() == frozenset()


def test_what_was_seen_before_our_own_lock_was_lost_counts_for_nothing(both: Both, postgres_server: Engine) -> None:
    """The look that failed says that everybody may have lost theirs: the grace begins anew."""
    one, two, clock = both
    cut(postgres_server, two)
    assert one.look() == frozenset()
    clock.at += GRACE + 1
    cut(postgres_server, one)
    with pytest.raises(Unavailable):
        one.look()
    assert one.look() == frozenset()


def test_one_that_was_taken_for_dead_is_there_again_when_it_comes_back(both: Both, postgres_server: Engine) -> None:
    """Under its number; what was taken over meanwhile stays so."""
    one, two, clock = both
    cut(postgres_server, two)
    one.look()
    clock.at += GRACE + 1
    assert one.look() == {two.id}
    with pytest.raises(Unavailable):
        two.look()
    assert two.look() == frozenset()
    assert two.others() == {one.id}
    assert one.others() == {two.id}
    clock.at += GRACE + 1
    assert one.look() == frozenset()


def test_who_could_not_write_that_it_runs_leaves_nothing_that_holds_its_lock(
    postgres_role: tuple[str, Callable[[str], None]], postgres_server: Engine
) -> None:
    """A connection that was given up stayed open while anybody remembered why, and the next try waited for its lock."""
    url, alter = postgres_role
    with open_database(url) as database:
        presence = Presence(database, lambda: NOW)
        presence.enter()
        cut(postgres_server, presence)
        alter("SET default_transaction_read_only = on")
        with pytest.raises(Unavailable):
            presence.look()  # the lock is lost
        with pytest.raises(Unavailable) as remembered:
            presence.look()  # it is held again, and nothing can be written
        alter("RESET default_transaction_read_only")
        assert presence.look() == frozenset()
        assert "read-only" in str(remembered.value.__cause__)
        presence.leave()


async def look_once(presence: Presence, on_return: Callable[[], object] = lambda: None) -> None:
    """Let it run for one look."""
    looked = asyncio.Event()
    look, loop = presence.look, asyncio.get_running_loop()

    def looks() -> frozenset[int]:
        try:
            return look()
        finally:
            loop.call_soon_threadsafe(looked.set)

    presence.look = looks  # type: ignore[method-assign]
    running = asyncio.create_task(presence.run(on_return=on_return))
    await looked.wait()
    presence.stop()
    await running
    presence.look, presence._stop = look, asyncio.Event()  # type: ignore[method-assign]


async def test_who_has_not_held_the_lock_for_the_grace_is_not_sure_of_anything(
    both: Both, postgres_server: Engine
) -> None:
    """Nobody is buried before that, so nobody sends what another has taken over; and who was, hears it first."""
    one, two, clock = both
    assert two.is_sure()
    clock.at += GRACE
    assert not two.is_sure()
    await look_once(two)
    assert two.is_sure()
    cut(postgres_server, two)
    await look_once(two)
    clock.at += GRACE
    assert not two.is_sure()
    one.look()
    clock.at += GRACE
    assert one.look() == {two.id}
    heard: list[bool] = []
    await look_once(two, lambda: heard.append(two.is_sure()))
    assert (heard, two.is_sure()) == ([False], True)
    await look_once(two, lambda: heard.append(True))
    assert heard == [False]


async def test_who_has_lost_the_database_is_cut_off_if_somebody_else_has_it(
    both: Both, postgres_server: Engine
) -> None:
    """A single replica has nobody to leave the work to: it stays, and says that one is to come again."""
    one, two, clock = both
    await look_once(two)
    assert not two.is_cut_off()
    clock.at += GRACE
    assert two.is_cut_off()
    await look_once(two)
    assert not two.is_cut_off()
    cut(postgres_server, two)
    await look_once(two)
    assert two.is_cut_off(), "at once: its connection is known to be lost"
    await look_once(two)
    assert not two.is_cut_off()
    cut(postgres_server, one)
    one.close()
    await look_once(two)
    clock.at += GRACE
    assert not two.is_cut_off()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has its own ways")
def test_who_was_suspended_with_the_machine_is_not_sure_of_anything(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server freed the lock meanwhile, and another machine took over, although CLOCK_MONOTONIC stood still."""
    presence, since_boot, slept = Presence(postgres_database, lambda: NOW), time.clock_gettime, 0.0
    monkeypatch.setattr(time, "clock_gettime", lambda which: since_boot(which) + slept)
    presence.enter()
    slept = 600.0
    assert not presence.is_sure()
    presence.leave()


def test_one_heir_alone_takes_over(
    both: Both, postgres_database: Database, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    """Two that see the same death free what the dead one held once."""
    one, two, clock = both
    other = Other(postgres_url)
    request.addfinalizer(other.kill)
    other.kill()
    until_unheld(postgres_database, other.id)
    assert one.look() == two.look() == frozenset()
    clock.at += GRACE + 1
    assert (one.look(), two.look()) == ({other.id}, frozenset())


def test_a_lock_is_of_its_own_tables_alone(
    postgres_database: Database, make_schema: Callable[[], str], tmp_path: Path
) -> None:
    """Two deployments in two schemas of one server: the same number is somebody else there."""
    from storage.database.migrating import upgrade

    url = make_schema()
    upgrade(url)
    ours = Presence(postgres_database, lambda: NOW)
    entered = ours.enter()
    with open_database(url) as elsewhere:
        elsewhere.units.submit(None, lambda unit: [unit.replicas.add(NOW) for _ in range(entered.replica_id)]).result()
        theirs = Presence(elsewhere, lambda: NOW)
        assert entered.replica_id in theirs.enter().ended
        theirs.leave()
    ours.leave()


def test_rows_in_hand_say_whose_they_are(database: Database) -> None:
    """Of a process that has entered; one that has not (a command at the server) owns nothing."""
    outbox, job = table(OutboxMessage), table(Job)

    def work(unit: UnitOfWork) -> tuple[list[int | None], list[int | None]]:
        unit.outbox.add(OutboxDraft(1, "prompt", "sendMessage", {}), now=NOW)
        unit.outbox.add(OutboxDraft(2, "reminder", "sendMessage", {}), now=NOW)
        unit.outbox.claim(NOW, NOW + LEASE)
        unit.jobs.add("fetch_file", {}, NOW)
        unit.jobs.claim(NOW, NOW + timedelta(minutes=1))
        owners = unit.connection.execute(outbox.select().order_by(outbox.c.id)).all()
        return [row.owner for row in owners], [row.owner for row in unit.connection.execute(job.select())]

    presence = Presence(database, lambda: NOW)
    mine = presence.enter().replica_id
    assert database.units.submit(None, work).result() == ([mine, mine], [mine])
    presence.leave()
