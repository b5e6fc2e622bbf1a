"""A job in hand stays with its worker while that one lives, and is another replica's soon after it stands still."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.workers import job_loop, lookout
from bot.workers.job_loop import JobLoop
from bot.workers.lookout import Lookout
from storage.messages.jobs import JobRow
from storage.messages.outbox import LEASE
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import empty_database, opened
from tests.deadlines import PATIENCE, until

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)


class Clock:
    """A clock that is wound by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request.param, tmp_path)


@pytest.fixture
def pair(url: str, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two replicas on one database."""
    with opened(url, tmp_path) as one, opened(url, tmp_path) as other:
        for database in (one, other):
            database.units.replica_id = did(database, lambda unit: unit.replicas.add(NOW))
        yield one, other


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_loop, "HOLD_EVERY", 0.01)
    monkeypatch.setattr(lookout, "LOOK_EVERY", 0.01)


def did(database: Database, work: Any) -> Any:
    return database.units.submit(None, work).result(PATIENCE)


def expire(unit: UnitOfWork) -> int:
    """Every lease of another replica has run out, for whoever looks."""
    return unit.jobs.requeue_expired(unit.jobs.leased())


def lease(database: Database) -> timedelta:
    """For how long after NOW the job is somebody's."""
    with database.view() as unit:
        [until] = unit.connection.exec_driver_sql("SELECT lease_until FROM job").scalars()
    at = until if isinstance(until, datetime) else datetime.fromisoformat(until)
    return at.replace(tzinfo=at.tzinfo or UTC) - NOW


@asynccontextmanager
async def working(
    database: Database,
    clock: Clock,
    done: list[JobRow],
) -> AsyncIterator[asyncio.Event]:
    """The loop, with a job in hand; it goes on with that once the event is set."""
    let_go, begun = asyncio.Event(), asyncio.Event()

    async def work(job: JobRow) -> None:
        begun.set()
        await let_go.wait()
        if await database.units.run(None, lambda unit: unit.jobs.settle(job, clock.now())):
            done.append(job)

    async def fail(job: JobRow, reason: str) -> None:
        raise AssertionError(reason)

    looks = Lookout(database.units, clock)
    loop = JobLoop("chores", ("chore",), looks)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(looks.run())
        tasks.create_task(loop.run(work, fail))
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        try:
            yield let_go
        finally:
            let_go.set()
            loop.stop()
            looks.stop()


async def test_a_job_in_hand_stays_in_hand_however_long_it_takes(pair: tuple[Database, Database]) -> None:
    """Each renewal makes its lease as long as at first; a lease is as long as that of a message (T11: 30 s)."""
    one, _ = pair
    clock, done = Clock(), []
    did(one, lambda unit: unit.jobs.add("chore", {}, NOW))
    async with working(one, clock, done):
        assert lease(one) == LEASE < timedelta(seconds=30)
        clock.at += timedelta(hours=1)
        await until(lambda: lease(one) == timedelta(hours=1) + LEASE, "the lease is renewed")
    assert len(done) == 1


async def test_what_was_taken_over_is_neither_held_nor_settled_by_who_wakes_up(pair: tuple[Database, Database]) -> None:
    """Its claim has an older number; the other's lease and outcome stay as they are."""
    one, other = pair
    clock, done = Clock(), []
    did(one, lambda unit: unit.jobs.add("chore", {}, NOW))
    async with working(one, clock, done) as let_go:
        later = NOW + timedelta(days=1)
        await until(lambda: did(other, expire) == 1, "it is taken over between two renewals")
        [job] = did(other, lambda unit: unit.jobs.claim(later, later + LEASE))
        clock.at += timedelta(days=2)
        let_go.set()
    assert done == []
    assert lease(one) == timedelta(days=1) + LEASE
    assert did(other, lambda unit: unit.jobs.settle(job, later))
