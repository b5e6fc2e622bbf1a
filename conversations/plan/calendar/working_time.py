"""Working time: working days and hours, wall times that exist, and the windows in which something is said.

People mute a bot that writes at three in the morning, on a holiday, or an hour late because the clocks changed. A
schedule has wall time in a zone, and a zone skips hours, repeats them, and may already have tomorrow's date. All of
that is computed here, from dates and instants that are passed in (G9, G10; docs/domain.md#calendar).
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from conversations.plan.periods import ONE_DAY, ReportingPeriod, is_working_day, working_day_from

T = TypeVar("T", date, datetime)

WORK_BEGINS = time(8)
WORK_ENDS = time(18)
LAST_HOUR = time(17, 30)
"""The latest hour at which a message may begin. At six people are at home."""
LOOKED_BACK = 10
"""Days at the least that are looked back for a window that has not been told."""
GRACE_DAYS = 2
"""For how many working days a step may be told late."""


# ------------------------------------------------------------------ working days
def working_day_until(day: date, holidays: Collection[date]) -> date:
    """Return that day, or the working day before it."""
    while not is_working_day(day, holidays):
        day -= ONE_DAY
    return day


def working_days_after(first: date, last: date, holidays: Collection[date]) -> Iterator[date]:
    """The working days after the first day, up to the last."""
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return (day for day in days if is_working_day(day, holidays))


def is_too_late(planned: date, today: date, holidays: Collection[date]) -> bool:
    """Return whether a message that was due on a day is not sent any more.

    It stops counting as soon as the answer is certain, so that a day years ago costs no more than a day last week.
    """
    return next(islice(working_days_after(planned, today, holidays), GRACE_DAYS, None), None) is not None


# ------------------------------------------------------------------ days moved for everybody
def opened_early(period: ReportingPeriod, today: date) -> ReportingPeriod:
    """Return the period opened from today on."""
    return replace(period, opens_on=min(period.opens_on, today))


def closed_early(period: ReportingPeriod, today: date) -> ReportingPeriod:
    """Return the period closed at the end of today. Its due day is no later than that."""
    return replace(
        period,
        due_on=min(period.due_on, today),
        grace_until_on=min(period.grace_until_on, today),
        locks_on=min(period.locks_on, today + ONE_DAY),
    )


def extended(period: ReportingPeriod, days: int, today: date, holidays: Collection[date]) -> ReportingPeriod:
    """Move all days that much later, to working days. Of a period that has locked once, only the lock, from today."""
    more = timedelta(days=days)
    if period.sealed_on is not None or period.stage(today) == "locked":
        return replace(period, locks_on=working_day_from(max(today, period.locks_on) + more, holidays))
    due_on, grace_until_on, locks_on = (
        working_day_from(day + more, holidays) for day in (period.due_on, period.grace_until_on, period.locks_on)
    )
    return replace(period, due_on=due_on, grace_until_on=grace_until_on, locks_on=locks_on)


def follow(
    period: ReportingPeriod, fallen: ReportingPeriod, today: date, holidays: Collection[date]
) -> ReportingPeriod:
    """Give a period the coming days of `fallen`, which is the same period as it is computed now.

    Days in the past stay. No day moves into the past.
    """

    def moved(day: date, wanted: date, first: date) -> date:
        return working_day_from(max(wanted, first), holidays) if day >= first else day

    grace_until_on = moved(period.grace_until_on, fallen.grace_until_on, today)
    return replace(
        period,
        opens_on=max(fallen.opens_on, today) if period.opens_on > today else period.opens_on,
        due_on=moved(period.due_on, fallen.due_on, today),
        grace_until_on=grace_until_on,
        locks_on=moved(period.locks_on, max(fallen.locks_on, grace_until_on + ONE_DAY), today + ONE_DAY),
    )


# ------------------------------------------------------------------ wall time
def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which the wall clock of that zone shows this time on this day.

    A time that the zone skips is the instant at which it goes on; one that it shows twice is the first (G9).
    """
    wall = datetime.combine(day, at)
    before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    moment = (wall - before).replace(tzinfo=UTC)
    if before >= after or moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    early, late = (wall - after).replace(tzinfo=UTC), moment
    while late - early > timedelta(seconds=1):  # the zone's change lies between them
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == after:
            late = middle
        else:
            early = middle
    return late.replace(microsecond=0)


def is_quiet(now: datetime, zone: ZoneInfo, holidays: Collection[date]) -> bool:
    """Whether the bot may not write without being asked: outside 08:00-18:00 of a working day, in that zone (G10)."""
    local = now.astimezone(zone)
    return not is_working_day(local.date(), holidays) or not WORK_BEGINS <= local.time() < WORK_ENDS


def next_working_hour(now: datetime, zone: ZoneInfo, holidays: Collection[date]) -> datetime:
    """Return that moment, or the first one after it at which something may be said in that zone."""
    if not is_quiet(now, zone, holidays):
        return now
    local = now.astimezone(zone)
    day = local.date() if local.time() < WORK_BEGINS else local.date() + ONE_DAY
    return instant(working_day_from(day, holidays), WORK_BEGINS, zone)


# ------------------------------------------------------------------ schedules
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST_DAY = "last"
"""The last day that `month:N` may name: not every month has a 29th."""


def hour_there(day: date, at: time, zone: ZoneInfo, own: ZoneInfo) -> time:
    """Return the local time (`own`) at which a person gets the message that a schedule sends `at` in `zone`.

    If that is outside their working hours on that day, it is the nearest hour inside them (G10). So nobody misses a
    message because the schedule uses the time of another country.
    """
    if zone == own:
        return at
    first, last = instant(day, WORK_BEGINS, own), instant(day, LAST_HOUR, own)
    return min(max(instant(day, at, zone), first), last).astimezone(own).time()


def falls_on(days: str, day: date, holidays: Collection[date]) -> bool:
    """Whether a recurrence falls on that day. A holiday or a weekend moves it to the next working day.

    `daily`, `workdays`, `mon,thu`, `month:5` or `month:last`.
    """
    if days == "daily":
        return True
    if not is_working_day(day, holidays):
        return False
    if days == "workdays":
        return True
    while True:
        if days == f"month:{LAST_DAY}":
            is_named = (day + ONE_DAY).month != day.month
        elif days.startswith("month:"):
            is_named = day.day == int(days.removeprefix("month:"))
        else:
            is_named = WEEKDAYS[day.weekday()] in days.split(",")
        if is_named:
            return True
        day -= ONE_DAY
        if is_working_day(day, holidays):
            return False


@dataclass(frozen=True, slots=True)
class Times:
    """The days, and the wall time in a zone, at which something is sent regularly. `days` as in `falls_on`."""

    days: str
    at: time
    zone: ZoneInfo


def fires_after(
    when: Times, now: datetime, holidays: Collection[date], *, own: ZoneInfo | None = None
) -> Iterator[tuple[date, datetime]]:
    """Return the windows of a schedule from now on, with their instants: for a person who lives in `own`, or in the
    zone itself.
    """
    own = own or when.zone
    day = now.astimezone(own).date()
    for _ in range(366 * 2):
        if falls_on(when.days, day, holidays):
            moment = instant(day, hour_there(day, when.at, when.zone, own), own)
            if moment > now:
                yield day, moment
        day += ONE_DAY


def windows_until(when: Times, now: datetime, holidays: Collection[date], *, own: ZoneInfo | None = None) -> list[date]:
    """Return the windows that have come for a person who lives in `own` (or in the zone itself), oldest first.

    It looks back some days, and further while it is not too late: holidays may last longer.
    """
    own = own or when.zone
    day, working, candidates = now.astimezone(own).date(), 0, deque[date]()
    while len(candidates) <= LOOKED_BACK or working <= GRACE_DAYS:
        candidates.appendleft(day)
        working += is_working_day(day, holidays)
        day -= ONE_DAY
    return [
        day
        for day in candidates
        if falls_on(when.days, day, holidays) and instant(day, hour_there(day, when.at, when.zone, own), own) <= now
    ]


def has_begun(since: T, at: T, now: T) -> bool:
    """Whether something that begins `since` had begun `at` that moment or day.

    What lies ahead of now was written under another clock, and says nothing: a deployment was prepared on a machine
    whose clock was years ahead, and its digests would have been due years later.
    """
    return since <= at or since > now


def is_hour(when: Times, now: datetime, holidays: Collection[date]) -> bool:
    """Return whether the ladder looks for steps now: on one of its days, after its hour, in working hours."""
    day = now.astimezone(when.zone).date()
    return (
        not is_quiet(now, when.zone, holidays)
        and now >= instant(day, when.at, when.zone)
        and falls_on(when.days, day, holidays)
    )
