"""APScheduler rings at the plan's hours; what it does not ring for is found within a minute."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.schedule import scheduler as scheduling
from bot.schedule.scheduler import Scheduler
from bot.schedule.timetable import Hours, Ringing, Timetable, hours_of
from bot.workers.lookout import Lookout
from conversations.plan.calendar.working_time import Times
from storage.calendar.schedules import NewSchedule
from storage.errors import Unavailable
from storage.messages.leases import since_boot
from storage.open_database import Database
from tests.bot.house import ANA
from tests.bot.schedule.wound import NINE, ZONE, Wound
from tests.deadlines import until

HERE = ZoneInfo(ZONE)
MADRID = ZoneInfo("Europe/Madrid")


class Ahead:
    """A clock that runs as the machine's does, from another instant."""

    def __init__(self, start: datetime) -> None:
        self.offset = start - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        return since_boot()


@dataclass
class Looked:
    """A scheduler that runs, and what it scanned: the schedules, or None for all of them."""

    scheduler: Scheduler
    scans: list[set[int] | None] = field(default_factory=list)

    def rung(self) -> set[int]:
        return set().union(*(each for each in self.scans if each))

    def jobs(self) -> list[Any]:
        timetable = self.scheduler._timetable
        return timetable.jobs.get_jobs() if timetable is not None else []


@asynccontextmanager
async def running(database: Database, clock: Any) -> AsyncIterator[Looked]:
    looked = Looked(Scheduler(database, clock, said=lambda: None))
    scan = looked.scheduler.scan

    async def noted(now: datetime, only: Any = None) -> int:
        looked.scans.append(None if only is None else set(only))
        return await scan(now, only)

    looked.scheduler.scan = noted  # type: ignore[method-assign]
    lookout = Lookout(database.units, clock, looked.scheduler.wake)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(looked.scheduler.run())
        tasks.create_task(lookout.run())
        try:
            await until(looked.jobs, "the jobs are made")
            yield looked
        finally:
            looked.scheduler.stop()
            lookout.stop()


def did(database: Database, work: Callable[[Any], Any]) -> Any:
    return database.units.submit(None, work).result()


def ids(database: Database) -> dict[str, int]:
    return {one.what: one.id for one in did(database, lambda unit: unit.schedules.all())}


def seconds_before(at: datetime) -> Ahead:
    return Ahead(at - timedelta(seconds=2))


async def test_a_schedule_rings_at_its_hour_and_is_scanned_alone(either_database: Database) -> None:
    """Friday at nine: the ladder's hour. The Monday's digest is not looked at, and no minute has passed."""
    async with running(either_database, seconds_before(NINE)) as looked:
        await until(looked.rung, "it rings")
    assert looked.scans[0] is None
    assert ids(either_database)["reminders"] in looked.rung()
    assert ids(either_database)["digest"] not in looked.rung()


async def test_a_change_is_followed_at_once_whoever_makes_it(either_database: Database) -> None:
    """By any process: the log tells of it. The job has the new hour before the minute is over."""
    async with running(either_database, Ahead(NINE + timedelta(hours=1))) as looked:
        schedule_id = str(ids(either_database)["digest"])
        before = {job.id: job.next_run_time for job in looked.jobs()}

        def change(unit: Any) -> None:
            plan_id = unit.plans.only().id
            unit.schedules.change(plan_id, int(schedule_id), at="11:11")
            unit.audit.record("schedule_changed", None, plan_id, {}, NINE)

        did(either_database, change)
        await until(lambda: looked.scans.count(None) > 1, "all is looked at again")
        await until(
            lambda: {job.id: job.next_run_time for job in looked.jobs()}[schedule_id] != before[schedule_id], "new hour"
        )


async def test_what_is_not_of_the_calendar_wakes_nobody(either_database: Database) -> None:
    """A reader of the data door leaves an entry at every reading. A broadcast has a progress to show."""
    woken: list[str] = []
    lookout = Lookout(either_database.units, Ahead(NINE), lambda: woken.append("woken"))
    await lookout.look()
    did(either_database, lambda unit: unit.audit.record("token.read", None, unit.plans.only().id, {}, NINE))
    await lookout.look()
    assert woken == []

    did(either_database, lambda unit: unit.audit.record("holiday_changed", None, unit.plans.only().id, {}, NINE))
    await lookout.look()
    await lookout.look()
    assert woken == ["woken"]

    ana = did(either_database, lambda unit: unit.people.by_telegram_id(ANA).id)
    did(either_database, lambda unit: unit.broadcasts.begin(unit.plans.only().id, ana, None, 1, NINE))
    await lookout.look()
    assert woken == ["woken"] * 2


async def test_a_job_that_is_lost_loses_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep scans every schedule and makes its job again."""
    monkeypatch.setattr(scheduling, "SWEEP_EVERY", 0.5)
    monkeypatch.setattr(scheduling, "LOOK_EVERY", 0.25)
    async with running(database, Ahead(NINE + timedelta(hours=1))) as looked:
        all_of_them = {job.id for job in looked.jobs()}
        timetable: Any = looked.scheduler._timetable

        looked.scheduler.wake()
        timetable.jobs.remove_all_jobs()
        await until(lambda: looked.scans.count(None) > 2, "it sweeps")
        await until(lambda: {job.id for job in looked.jobs()} == all_of_them, "the jobs are back")


async def test_a_clock_that_is_moved_rings_by_the_new_time(database: Database) -> None:
    """Forward and back: whoever moves it wakes the loop."""
    clock = Ahead(NINE + timedelta(hours=1))
    async with running(database, clock) as looked:
        hours = did(database, hours_of)

        def follow() -> bool:
            """Each job has the machine's time of its hour."""
            coming = [(job, hours[int(job.id)].after(clock.now())) for job in looked.jobs()]
            return bool(coming) and all(
                at is not None and abs(job.next_run_time + clock.offset - at) < timedelta(seconds=5)
                for job, at in coming
            )

        for moved in (timedelta(days=3), -timedelta(days=9)):
            clock.offset += moved
            assert not follow()
            looked.scheduler.wake()
            await until(follow, "the jobs follow")


async def test_who_could_not_look_looks_again_soon(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away when the bot starts, or held after a restore, does not cost a minute."""
    monkeypatch.setattr(scheduling, "LOOK_EVERY", 0.1)
    plan, tries = Scheduler._plan, []

    def away(self: Scheduler, *given: Any) -> Any:
        tries.append(given)
        if len(tries) < 3:
            raise Unavailable("away")
        return plan(self, *given)

    monkeypatch.setattr(Scheduler, "_plan", away)
    async with running(database, Ahead(NINE + timedelta(hours=1))) as looked:
        assert looked.jobs()
    assert len(tries) >= 3


def test_an_hour_that_came_while_the_jobs_were_made_rings_at_once() -> None:
    """The sweep looked a moment before nine; the job is made a moment after it."""
    clock = Wound()
    clock.wall = NINE + timedelta(milliseconds=3)
    hours = Hours([(Times("workdays", time(9), HERE), HERE)], ())
    now = datetime(2026, 1, 1, tzinfo=UTC)

    ringing = Ringing(hours, clock, NINE - timedelta(milliseconds=3))
    assert ringing.get_next_fire_time(None, now) == now - timedelta(milliseconds=3)
    later = ringing.get_next_fire_time(now, now)
    assert later == now + timedelta(days=3) - timedelta(milliseconds=3)  # Monday


@pytest.mark.parametrize(
    ("own", "now", "expected"),
    [
        (HERE, datetime(2018, 10, 5, tzinfo=UTC), NINE),
        (MADRID, datetime(2018, 10, 26, tzinfo=UTC), datetime(2018, 10, 26, 13, tzinfo=UTC)),
        (MADRID, datetime(2018, 10, 27, tzinfo=UTC), datetime(2018, 10, 29, 13, tzinfo=UTC)),
    ],
    ids=["here", "summer time", "after it"],
)
def test_the_hour_is_each_recipients(own: ZoneInfo, now: datetime, expected: datetime) -> None:
    """Nine in Santo Domingo is three in the afternoon in Madrid in summer, two in winter, within its working hours."""
    assert Hours([(Times("workdays", time(9), HERE), own)], ()).after(now) == expected


async def test_a_pause_and_a_defect_leave_no_hour(database: Database) -> None:
    """A schedule that is paused rings no more, and one whose days nobody can read silences no other."""
    found = ids(database)

    def change(unit: Any) -> None:
        unit.schedules.change(1, found["digest"], paused_at=NINE)
        unit.schedules.add(1, NewSchedule("export", "month:x", NINE.time()), NINE)

    did(database, change)
    hours = did(database, hours_of)
    assert found["digest"] not in hours
    timetable = Timetable(Wound(), lambda _: None)
    timetable.jobs.start()
    timetable.arrange(hours, NINE)
    assert {job.id for job in timetable.jobs.get_jobs()} == {str(id) for id in set(hours) & set(found.values())}
    timetable.jobs.shutdown(wait=False)
