"""The ladder of reminders (docs/domain.md#reminders): its steps, and the days on which they are told."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from heapq import merge
from itertools import chain

from conversations.plan.calendar.working_time import Times, fires_after, is_hour, is_too_late, working_day_until
from conversations.plan.expected import expected_activities, expected_indicators
from conversations.plan.model import Activity, Indicator
from conversations.plan.periods import ONE_DAY, ReportingPeriod, working_day_from


# ------------------------------------------------------------------ the ladder
class Rung(StrEnum):
    """The steps of the ladder (docs/domain.md#reminders), in their order."""

    OPEN = "open"
    BEFORE = "before"
    DUE = "due"
    LATE = "late"
    GRACE_ENDED = "grace_ended"
    LAST = "last"
    LOCKED = "locked"


FOR_REPORTERS = frozenset({Rung.OPEN, Rung.BEFORE, Rung.DUE, Rung.LATE, Rung.LAST})
FOR_ALTERNATES = frozenset({Rung.LATE, Rung.LAST})
"""The steps that an alternate is told of besides the focal point."""
FOR_COORDINATORS = frozenset({Rung.GRACE_ENDED, Rung.LOCKED})
ALONE = frozenset({Rung.LOCKED})
"""The steps for coordinators that come by themselves. Their weekly digest carries everything else."""


def ladder(period: ReportingPeriod, holidays: Collection[date]) -> Mapping[Rung, date]:
    """Return the working day of each step.

    If a step's own day is no working day, it moves to the next one. The steps before the due day and on the last day
    move back instead.
    """
    return {
        Rung.OPEN: working_day_from(period.opens_on, holidays),
        Rung.BEFORE: working_day_until(period.due_on - timedelta(days=2), holidays),
        Rung.DUE: working_day_from(period.due_on, holidays),
        Rung.LATE: working_day_from(period.due_on + timedelta(days=2), holidays),
        Rung.GRACE_ENDED: working_day_from(period.grace_until_on + ONE_DAY, holidays),
        Rung.LAST: working_day_until(period.last_on, holidays),
        Rung.LOCKED: working_day_from(period.locks_on, holidays),
    }


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one period, and its day."""

    period: ReportingPeriod
    rung: Rung
    on: date


def steps(periods: Iterable[ReportingPeriod], today: date, holidays: Collection[date]) -> tuple[Step, ...]:
    """The steps whose day has come and that are not too late, in the order of their days.

    A step is too late after two more working days. A reminder is also too late once its period is locked, and too early
    before it is open.
    """
    return tuple(step for step in all_steps(_near(periods, today), holidays) if is_timely(step, today, holidays))


def lapsed_steps(periods: Iterable[ReportingPeriod], today: date, holidays: Collection[date]) -> tuple[Step, ...]:
    """The steps of the last week that have become too late. The ledger notes them for people who were not told."""
    return tuple(
        step
        for step in all_steps(_near(periods, today), holidays)
        if _is_of(step, today)
        and today - timedelta(days=7) <= step.on <= today
        and is_too_late(step.on, today, holidays)
    )


def steps_ahead(periods: Iterable[ReportingPeriod], today: date, holidays: Collection[date]) -> tuple[Step, ...]:
    """The steps for reporters within a month. A message of today may have to leave room for them."""
    until = today + timedelta(days=31)
    near = [period for period in periods if period.opens_on <= until and today <= period.locks_on]
    return tuple(s for s in all_steps(near, holidays) if s.rung in FOR_REPORTERS and today <= s.on <= until)


def _near(periods: Iterable[ReportingPeriod], today: date) -> Iterator[ReportingPeriod]:
    """The periods that have opened, and locked at most two months ago.

    No other period has a step, with any number of holidays.
    """
    return (period for period in periods if period.opens_on <= today <= period.locks_on + timedelta(days=62))


def all_steps(periods: Iterable[ReportingPeriod], holidays: Collection[date]) -> tuple[Step, ...]:
    """Every step of these periods, in the order of their days."""
    order = list(Rung)
    found = [Step(period, rung, on) for period in periods for rung, on in ladder(period, holidays).items()]
    return tuple(sorted(found, key=lambda step: (step.on, order.index(step.rung), step.period.due_on)))


def _is_of(step: Step, today: date) -> bool:
    return step.rung in FOR_COORDINATORS or step.period.is_open(today)


def is_timely(step: Step, today: date, holidays: Collection[date]) -> bool:
    """Whether the step's day has come and it is not too late for the step."""
    return _is_of(step, today) and step.on <= today and not is_too_late(step.on, today, holidays)


def ladder_fires_after(
    every_step: Sequence[Step],
    when: Times,
    now: datetime,
    holidays: Collection[date],
    told: date = date.min,
    carriers: Iterable[Times] = (),
) -> Iterator[tuple[date, datetime]]:
    """Return the days, and instants, on which a schedule of the ladder tells one of these steps.

    The first may be `now`. `told` is the last day on which steps were told. If the schedule skips the day of a step,
    the step is told on the schedule's next day, unless that is too late. `carriers` are other schedules: if one of them
    tells a step, the ladder does not tell it again.
    """
    if not every_step:
        return
    last = max(step.on for step in every_step) + timedelta(days=14)
    fires = fires_after(when, now, holidays)
    if is_hour(when, now, holidays):
        fires = chain([(now.astimezone(when.zone).date(), now)], fires)
    others = [((day, False, moment) for day, moment in fires_after(carrier, now, holidays)) for carrier in carriers]
    for day, is_ladder, moment in merge(*others, ((day, True, moment) for day, moment in fires)):
        if day > last:
            return
        if is_ladder and not is_hour(when, moment, holidays):
            continue
        if any(told < step.on and is_timely(step, day, holidays) for step in every_step):
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
    """Return, by agency, the reports it still has to send, those due first on top.

    The rules are those of `plan.due_list`.

    `reported` and `returned` are (subject, period), `closed` is (agency, period) → day; all by their codes.
    """
    activities = tuple(activities)
    left: dict[str, list[Left]] = {}
    for period in periods:
        for activity in expected_activities(activities, period, ended):
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
    """Return the same for indicators. Closing a period does not affect them (`plan.due_list`)."""
    indicators = tuple(indicators)
    left: dict[str, list[Left]] = {}
    for period in periods:
        for indicator in expected_indicators(indicators, period):
            key = indicator.subject, period.code
            if key not in reported:
                left.setdefault(indicator.agency_code, []).append(Left(indicator, period, key in returned))
    return {agency: tuple(sorted(reports, key=_urgency)) for agency, reports in left.items()}


def _urgency(left: Left) -> tuple[date, date, str]:
    item_ends_on = left.item.ends_on if isinstance(left.item, Activity) else date.max
    return left.period.due_on, item_ends_on, left.item.code
