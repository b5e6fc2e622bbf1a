"""One look serves all workers, and little is asked while nobody does anything."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.settings import Reach
from bot.workers.events import EventWorker
from bot.workers.job_loop import JobLoop
from bot.workers.lookout import Lookout
from storage.messages.outbox import LEASE
from storage.open_database import Database
from tests.bot.telegram.wire import empty_database, opened
from tests.deadlines import PATIENCE
from tests.storage.database.hearing import heard

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)


class Clock:
    """One that is wound by hand, and whose wall clock may be moved."""

    at = NOW
    jump = timedelta(0)

    def now(self) -> datetime:
        return self.at + self.jump

    def monotonic(self) -> float:
        return self.at.timestamp()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two replicas on one database."""
    url = empty_database(request.param, tmp_path)
    with opened(url, tmp_path) as one, opened(url, tmp_path) as other:
        for database in (one, other):
            database.units.replica_id = did(database, lambda unit: unit.replicas.add(NOW))
        yield one, other


def did(database: Database, work: Any) -> Any:
    return database.units.submit(None, work).result(PATIENCE)


async def test_a_look_wakes_only_whose_work_there_is(pair: tuple[Database, Database]) -> None:
    """By kind. Work of a kind that nobody here does wakes nobody."""
    lookout = Lookout(pair[0].units, Clock())
    fetching, exporting = lookout.news_of(("fetch", "slow fetch")), lookout.news_of(("export",))
    for kind in ("slow fetch", "another"):
        did(pair[1], lambda unit, kind=kind: unit.jobs.add(kind, {}, NOW))
    await lookout.look()
    assert (fetching.is_set(), exporting.is_set()) == (True, False)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-3)])
async def test_a_job_is_taken_over_when_it_has_stood_for_a_lease_and_by_no_jump(
    pair: tuple[Database, Database], jump: timedelta
) -> None:
    """The wall clock was set on, and two replicas judged the same file; or back, and what was left waited for hours."""
    one, other = pair
    clock = Clock()
    did(one, lambda unit: unit.jobs.add("chore", {}, NOW))
    [left] = did(one, lambda unit: unit.jobs.claim(NOW, NOW + LEASE))  # and stands still
    lookout = Lookout(other.units, clock)
    news = lookout.news_of(("chore",))
    seen = []
    for after in (timedelta(0), LEASE - timedelta(seconds=1), LEASE):
        clock.at = NOW + after
        await lookout.look()
        with one.view() as unit:
            seen.append((unit.jobs.is_held(left), news.is_set()))
        clock.jump = jump  # between the first look and the second
    assert seen == [(True, False), (True, False), (False, True)]
    [again] = did(other, lambda unit: unit.jobs.claim(clock.now(), clock.now() + LEASE))
    assert (again.id, again.attempts) == (left.id, 2)


def test_a_look_that_finds_nothing_asks_five_questions(pair: tuple[Database, Database]) -> None:
    """For all workers together, and for the calendar: two are the last row of a table."""
    lookout = Lookout(pair[0].units, Clock())
    asked: list[str] = []

    def look(unit: Any) -> None:
        asked.extend(heard(unit, lookout._look))

    did(pair[0], look)
    assert [statement.partition(" ")[0] for statement in asked] == ["SELECT"] * 5


async def test_workers_who_have_nothing_to_do_open_no_view_and_apply_no_unit(pair: tuple[Database, Database]) -> None:
    """However often is looked: an idle bot asks what the lookout asks."""
    database, views = pair[0], list[object]()
    event.listen(database._readers, "begin", views.append)
    lookout = Lookout(database.units, Clock())

    async def never(*_: object) -> None:
        raise AssertionError("there is nothing to do")

    loops = [JobLoop(kind, (kind,), lookout) for kind in ("fetch", "export")]
    async with asyncio.TaskGroup() as tasks:
        worker = EventWorker(database, Clock(), tasks, lookout, Reach(), feed=lambda _: None)
        tasks.create_task(worker.run())
        for loop in loops:
            tasks.create_task(loop.run(never, never))
        before = database.units.applied
        for _ in range(5):
            await lookout.look()
            await asyncio.to_thread(lambda: None)  # whoever was woken has begun
        assert (database.units.applied - before, views) == (5, [])
        for each in (worker, *loops):
            each.stop()
