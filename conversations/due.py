"""When something is to be said: working days, wall times that exist, the days of the ladder, what is left to report.

A reminder at three in the morning, on a holiday, or an hour late because the clocks changed is a reminder that is
muted. Schedules are wall time in somebody's zone, and zones skip hours, repeat them, and sit on the other side of
midnight; the plan's own days are days of its country. All of it is decided here, from dates and instants that are
handed in (GUARANTEES G9, G10; DOMAIN §2.4, §5.3).
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from heapq import merge
from itertools import chain, islice
from zoneinfo import ZoneInfo

from conversations.plan import Activity, Indicator, ReportingPeriod, expected_indicators, expected_reports

WORK_BEGINS = time(8)
WORK_ENDS = time(18)
LAST_HOUR = time(17, 30)
"""The latest time of day at which something begins to be said: what is said at six is heard at home."""
GRACE_DAYS = 2
"""Working days for which a step that could not be told on its day is still told."""
ONE_DAY = timedelta(days=1)


# ------------------------------------------------------------------ working days
def is_working_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


def working_day_from(day: date, holidays: Collection[date]) -> date:
    """That day, or the next working one."""
    while not is_working_day(day, holidays):
        day += ONE_DAY
    return day


def working_day_until(day: date, holidays: Collection[date]) -> date:
    """That day, or the working one before it."""
    while not is_working_day(day, holidays):
        day -= ONE_DAY
    return day


def working_days_after(first: date, last: date, holidays: Collection[date]) -> Iterator[date]:
    """The working days after the first day, up to the last."""
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return (day for day in days if is_working_day(day, holidays))


def is_too_late(planned: date, today: date, holidays: Collection[date]) -> bool:
    """Whether what was to be told on a day is not told any more; of a day years ago no more is counted than of one
    last week.
    """
    return next(islice(working_days_after(planned, today, holidays), GRACE_DAYS, None), None) is not None


# ------------------------------------------------------------------ days moved for everybody
def opened_early(period: ReportingPeriod, today: date) -> ReportingPeriod:
    """Open from today on."""
    return replace(period, opens_on=min(period.opens_on, today))


def closed_early(period: ReportingPeriod, today: date) -> ReportingPeriod:
    """Open until the end of today, and no later due than that."""
    return replace(
        period,
        due_on=min(period.due_on, today),
        grace_until_on=min(period.grace_until_on, today),
        locks_on=min(period.locks_on, today + ONE_DAY),
    )


def extended(period: ReportingPeriod, days: int, today: date, holidays: Collection[date]) -> ReportingPeriod:
    """So many days more for everything, on working days; of one that has locked only the lock moves, from today."""
    more = timedelta(days=days)
    if period.stage(today) == "locked":
        return replace(period, locks_on=working_day_from(today + more, holidays))
    due_on, grace_until_on, locks_on = (
        working_day_from(day + more, holidays) for day in (period.due_on, period.grace_until_on, period.locks_on)
    )
    return replace(period, due_on=due_on, grace_until_on=grace_until_on, locks_on=locks_on)


# ------------------------------------------------------------------ wall time
def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When the wall clock of that zone shows this time on this day, as UTC.

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
    """Whether nothing is said of the bot's own accord: outside 08:00-18:00 of a working day, there (G10)."""
    local = now.astimezone(zone)
    return not is_working_day(local.date(), holidays) or not WORK_BEGINS <= local.time() < WORK_ENDS


def next_working_hour(now: datetime, zone: ZoneInfo, holidays: Collection[date]) -> datetime:
    """That moment, or the first after it at which something may be said there."""
    if not is_quiet(now, zone, holidays):
        return now
    local = now.astimezone(zone)
    day = local.date() if local.time() < WORK_BEGINS else local.date() + ONE_DAY
    return instant(working_day_from(day, holidays), WORK_BEGINS, zone)


# ------------------------------------------------------------------ schedules
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST_DAY = "last"
"""Of a month, in `month:last`: not every month has a 29th."""


def hour_there(day: date, at: time, zone: ZoneInfo, own: ZoneInfo) -> time:
    """What the clock shows where somebody lives (`own`) when they are told on that day what is said `at` in `zone`.

    That moment, or as near to it as their own working hours of that day let (G10): nobody goes without because the
    schedule keeps another country's time.
    """
    if zone == own:
        return at
    first, last = instant(day, WORK_BEGINS, own), instant(day, LAST_HOUR, own)
    return min(max(instant(day, at, zone), first), last).astimezone(own).time()


def falls_on(days: str, day: date, holidays: Collection[date]) -> bool:
    """Whether a recurrence falls on that day; what would fall on a holiday or a weekend, on the next working day.

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


def fires_after(
    days: str, at: time, zone: ZoneInfo, now: datetime, holidays: Collection[date]
) -> Iterator[tuple[date, datetime]]:
    """The windows of a schedule from now on, and their instants."""
    day = now.astimezone(zone).date()
    for _ in range(366 * 2):
        if falls_on(days, day, holidays) and (moment := instant(day, at, zone)) > now:
            yield day, moment
        day += ONE_DAY


def windows_until(
    days: str,
    at: time,
    zone: ZoneInfo,
    now: datetime,
    holidays: Collection[date],
    *,
    back: int = 10,
    own: ZoneInfo | None = None,
) -> list[date]:
    """The windows whose instant has come for who lives in `own` (or in the zone itself), oldest first.

    Of so many days back, and of all for which it is not too late: holidays may be longer.
    """
    own = own or zone
    day, working, candidates = now.astimezone(own).date(), 0, deque[date]()
    while len(candidates) <= back or working <= GRACE_DAYS:
        candidates.appendleft(day)
        working += is_working_day(day, holidays)
        day -= ONE_DAY
    return [
        day
        for day in candidates
        if falls_on(days, day, holidays) and instant(day, hour_there(day, at, zone, own), own) <= now
    ]


def is_hour(days: str, at: time, zone: ZoneInfo, now: datetime, holidays: Collection[date]) -> bool:
    """Whether a schedule that looks for steps looks now: on one of its days, from its hour on, not at a quiet one."""
    day = now.astimezone(zone).date()
    return not is_quiet(now, zone, holidays) and now >= instant(day, at, zone) and falls_on(days, day, holidays)


# ------------------------------------------------------------------ the ladder
class Rung(StrEnum):
    """The steps of the ladder (DOMAIN §5.3), in their order."""

    OPEN = "open"
    BEFORE = "before"
    DUE = "due"
    LATE = "late"
    GRACE_ENDED = "grace_ended"
    LOCKED = "locked"


FOR_REPORTERS = frozenset({Rung.OPEN, Rung.BEFORE, Rung.DUE, Rung.LATE})
FOR_COORDINATORS = frozenset({Rung.GRACE_ENDED, Rung.LOCKED})


def ladder(period: ReportingPeriod, holidays: Collection[date]) -> Mapping[Rung, date]:
    """The working day of each step. Two steps before the due day come earlier rather than late, all others after."""
    return {
        Rung.OPEN: working_day_from(period.opens_on, holidays),
        Rung.BEFORE: working_day_until(period.due_on - timedelta(days=2), holidays),
        Rung.DUE: working_day_from(period.due_on, holidays),
        Rung.LATE: working_day_from(period.due_on + timedelta(days=2), holidays),
        Rung.GRACE_ENDED: working_day_from(period.grace_until_on + ONE_DAY, holidays),
        Rung.LOCKED: working_day_from(period.locks_on, holidays),
    }


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of one period, and its day."""

    period: ReportingPeriod
    rung: Rung
    on: date


def steps(periods: Iterable[ReportingPeriod], today: date, holidays: Collection[date]) -> tuple[Step, ...]:
    """The steps whose day has come and for which it is not too late, in the order of their days.

    Too late is: after two more working days, once a reminder's period is locked, and before it is open.
    """
    return tuple(step for step in all_steps(periods, holidays) if _is_timely(step, today, holidays))


def lapsed_steps(periods: Iterable[ReportingPeriod], today: date, holidays: Collection[date]) -> tuple[Step, ...]:
    """The steps of the last week for which it has become too late: where nobody was told, the ledger says so."""
    return tuple(
        step
        for step in all_steps(periods, holidays)
        if _is_of(step, today)
        and today - timedelta(days=7) <= step.on <= today
        and is_too_late(step.on, today, holidays)
    )


def all_steps(periods: Iterable[ReportingPeriod], holidays: Collection[date]) -> tuple[Step, ...]:
    """Every step of these periods, in the order of their days."""
    order = list(Rung)
    found = [Step(period, rung, on) for period in periods for rung, on in ladder(period, holidays).items()]
    return tuple(sorted(found, key=lambda step: (step.on, order.index(step.rung), step.period.due_on)))


def _is_of(step: Step, today: date) -> bool:
    return step.rung in FOR_COORDINATORS or step.period.is_open(today)


def _is_timely(step: Step, today: date, holidays: Collection[date]) -> bool:
    return _is_of(step, today) and step.on <= today and not is_too_late(step.on, today, holidays)


def ladder_fires_after(
    every_step: Sequence[Step],
    days: str,
    at: time,
    zone: ZoneInfo,
    now: datetime,
    holidays: Collection[date],
    told: date = date.min,
    carriers: Iterable[tuple[str, time, ZoneInfo]] = (),
) -> Iterator[tuple[date, datetime]]:
    """The days on which a schedule of the ladder has something of these steps to tell, and when; `told`: the last one.

    The first may be this very moment. A step whose day the schedule passes over is told on its next day, if that is
    not too late, together with what has come since. `carriers` are other schedules (days, time, zone) that tell
    of the steps on their days, and it need not.
    """
    if not every_step:
        return
    last = max(step.on for step in every_step) + timedelta(days=14)
    fires = fires_after(days, at, zone, now, holidays)
    if is_hour(days, at, zone, now, holidays):
        fires = chain([(now.astimezone(zone).date(), now)], fires)
    others = [((day, False, moment) for day, moment in fires_after(*carrier, now, holidays)) for carrier in carriers]
    for day, is_ladder, moment in merge(*others, ((day, True, moment) for day, moment in fires)):
        if day > last:
            return
        if is_ladder and not is_hour(days, at, zone, moment, holidays):
            continue
        if any(told < step.on and _is_timely(step, day, holidays) for step in every_step):
            told = day
            if is_ladder:
                yield day, moment


# ------------------------------------------------------------------ what is left
@dataclass(frozen=True, slots=True)
class Left:
    """A report that is expected and has not come, or came and was returned."""

    item: Activity | Indicator
    period: ReportingPeriod
    is_returned: bool = False


def left_reports(
    activities: Iterable[Activity],
    periods: Iterable[ReportingPeriod],
    ended: Mapping[str, date],
    reported: Collection[tuple[str, str]],
    returned: Collection[tuple[str, str]],
    closed: Mapping[tuple[str, str], date],
) -> Mapping[str, tuple[Left, ...]]:
    """By agency, what it has still to report, those due first on top: the rules of `plan.due_list`, for all at once.

    `reported` and `returned` are (subject, period), `closed` are (agency, period) with the day, all by their codes.
    """
    activities = tuple(activities)
    left: dict[str, list[Left]] = {}
    for period in periods:
        for expected in expected_reports(activities, period, ended):
            activity = expected.activity
            key = activity.subject, period.code
            is_returned = key in returned
            closed_on = closed.get((activity.agency_code, period.code))
            is_closed = closed_on is not None and not activity.is_new_since(closed_on)
            if key in reported or (is_closed and not is_returned):
                continue
            left.setdefault(activity.agency_code, []).append(Left(activity, period, is_returned))
    return {agency: tuple(sorted(reports, key=_urgency)) for agency, reports in left.items()}


def left_indicators(
    indicators: Iterable[Indicator],
    periods: Iterable[ReportingPeriod],
    reported: Collection[tuple[str, str]],
    returned: Collection[tuple[str, str]],
) -> Mapping[str, tuple[Left, ...]]:
    """The same of indicators, which closing does not touch (`plan.due_list`)."""
    indicators = tuple(indicators)
    left: dict[str, list[Left]] = {}
    for period in periods:
        for indicator in expected_indicators(indicators, period):
            key = indicator.subject, period.code
            if key not in reported:
                left.setdefault(indicator.agency_code, []).append(Left(indicator, period, key in returned))
    return {agency: tuple(sorted(reports, key=_urgency)) for agency, reports in left.items()}


def _urgency(left: Left) -> tuple[date, date, str]:
    item_due_on = left.item.due_on if isinstance(left.item, Activity) else date.max
    return left.period.due_on, item_due_on, left.item.code
