"""An APScheduler job for each schedule of the plans: when its hour comes, it says so.

What is due, and whether it was said, are rows (`bot.schedule.scheduler`). So jobs live in memory alone, are made anew
from the rows whenever somebody may have changed them, and one that is lost costs a minute and no message.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.telegram.handled import Clock
from conversations.plan.calendar.working_time import Times, fires_after
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one schedule: its times, the zones in which people get it, and the plan's holidays."""

    times: Sequence[tuple[Times, ZoneInfo]]
    holidays: Collection[date] = field(repr=False)

    def after(self, now: datetime) -> datetime | None:
        """Return the first instant after `now` at which somebody gets it. None if there is none in two years."""
        coming = (next(fires_after(when, now, self.holidays, own=own), None) for when, own in self.times)
        return min((at for one in coming if one is not None for _, at in [one]), default=None)


def hours_of(unit: UnitOfWork) -> dict[int, Hours]:
    """Return the hours of each schedule that is not paused, by the schedule's id."""
    found: dict[int, Hours] = {}
    zones: dict[int, list[ZoneInfo]] = {}
    holidays: dict[int, Collection[date]] = {}
    for schedule in unit.schedules.all():
        if schedule.paused_at is not None:
            continue
        plan_id = schedule.plan_id
        if plan_id not in zones:
            zones[plan_id] = [ZoneInfo(name) for name in unit.recipients.zones(plan_id)]
            holidays[plan_id] = unit.holidays.days(plan_id)
        times = [(Times(schedule.days, schedule.at, schedule.zone(own.key)), own) for own in zones[plan_id]]
        found[schedule.id] = Hours(times, holidays[plan_id])
    return found


class Timetable:
    """The jobs, on APScheduler's machine clock. `rang` is called with the schedule whose hour has come."""

    def __init__(self, clock: Clock, rang: Callable[[int], None]) -> None:
        self._clock = clock
        self._rang = rang
        self.jobs = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None})

    def arrange(self, hours: Mapping[int, Hours], since: datetime) -> None:
        """Make the jobs anew. An hour that has come since the instant when somebody last looked rings at once."""
        self.jobs.remove_all_jobs()
        for id, one in hours.items():
            with suppress(ValueError):  # days that nobody can read: the scan of this schedule says so
                self.jobs.add_job(self._ring, Ringing(one, self._clock, since), args=(id,), id=str(id))

    async def _ring(self, id: int) -> None:
        """Being a coroutine, it needs no thread of a pool that a hanging database may have filled."""
        self._rang(id)


class Ringing(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The hours of a schedule, which are told by the deployment's clock, as the machine's clock tells them."""

    def __init__(self, hours: Hours, clock: Clock, since: datetime) -> None:
        self._hours = hours
        self._clock = clock
        self._since = since

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the machine's instant of the next hour: at first of the first one since `since`, then from now on."""
        there = self._clock.now()
        at = self._hours.after(self._since if previous_fire_time is None else there)
        return None if at is None else now + (at - there)
