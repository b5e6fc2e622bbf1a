"""The state of a plan on a day: who closed and when, what is red and why, what changed, who has fallen silent.

A coordinator, a minister and an observer ask the same questions with different rights, in a chat, a picture and a
report. All of it is counted here, once, from rows that storage reads, so that no two of them can disagree. Rates are
DHIS2's: an agency that closed late counts as having reported, but not as on time (docs/domain.md#rates). Lights are
computed (docs/domain.md#lights).

A past day is counted with what is known today: a report counts from the day on which it was first sent, and its
correction replaces it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from conversations.plan.entering import Absence
from conversations.plan.expected import ClosingOfPeriods, is_expected, longest_unclosed_row
from conversations.plan.figures.closings import (
    NOTHING,
    AgencyClosing,
    Alike,
    Known,
    agency_closing,
    alike,
    closings_until,
    kept_closings,
    known_reports,
)
from conversations.plan.figures.lights import Declared, Light, traffic_light
from conversations.plan.figures.standing_records import Closing, Queue, Records, Report
from conversations.plan.figures.vacancies import not_reached, vacant_since, vacant_why
from conversations.plan.model import Activity, ActivityStatus, Agency, Role, ValidationState
from conversations.plan.periods import Frequency, PeriodType, ReportingPeriod
from conversations.plan.versions import was_in_plan

COLUMNS = 6
"""Closings that are looked back on, the present one included: half a year fits a phone."""
UNEXPLAINED = timedelta(days=60)
"""An activity that has been red for so long without an explanation is for the plenary too."""
LOOK_BACK = timedelta(days=400)
"""How far back closings are known: three quarters in a row, and the days until they lock."""
WORST_FIRST = (Light.CRITICAL, Light.ATTENTION, Light.NO_REPORT, Light.TO_VALIDATE, Light.ON_TRACK, Light.GREY)


# ------------------------------------------------------------------ what comes out
@dataclass(frozen=True, slots=True)
class Rate:
    """The agencies with something to report: how many have closed, and how many of them in time (DHIS2)."""

    expected: int = 0
    closed: int = 0
    on_time: int = 0

    @property
    def closed_percent(self) -> int:
        return percent_of(self.closed, self.expected)

    @property
    def on_time_percent(self) -> int:
        return percent_of(self.on_time, self.expected)


@dataclass(frozen=True, slots=True)
class Cell:
    """An agency at a closing: its worst light, and how many of its activities have this light."""

    light: Light
    count: int


@dataclass(frozen=True, slots=True)
class ActivityStanding:
    activity: Activity
    light: Light
    light_before: Light
    """The light at `Standing.since`, computed from what had been sent by then."""
    last: Report | None
    """The latest report that this reader may see."""
    before: Report | None
    missed: int
    """How many expected reports are missing in a row, up to the last one. Counted to two only."""
    is_started: bool
    is_over: bool
    """Completed, or cancelled with approval."""
    unexplained_since: date | None = None
    """The first day of a red light that no report has explained, validated or not. None if that is not long ago."""
    asked_at: datetime | None = None
    """Since when all its reports have asked for a decision. None if the last one does not."""

    @property
    def code(self) -> str:
        return self.activity.code

    @property
    def is_completed(self) -> bool:
        return self.last is not None and self.last.status == ActivityStatus.COMPLETED and self.is_over


@dataclass(frozen=True, slots=True)
class AgencyStanding:
    agency: Agency
    activities: tuple[ActivityStanding, ...]
    cells: tuple[Cell | None, ...]
    """One a closing; None where it had nothing to do."""
    expected: int
    """Reports that the present closing expects of it."""
    reported: int
    closed_at: datetime | None
    is_on_time: bool
    focal_points: int
    """Those whom messages reach: an agency with others alone is vacant."""
    vacant_since: date | None
    unreachable: tuple[str, ...]
    """Names of those whom nothing reaches: they have not accepted, blocked the bot, or left Telegram."""
    reminders: int
    passed: tuple[ReportingPeriod, ...] = ()
    """Its longest row of periods, up to the last, that locked before it closed them: the one measure of silence."""
    due_on: date | None = None
    """Until when it closes in time. None if nothing is expected of it."""
    vacant_why: Absence | None = None
    """Why nothing reaches its focal point. None if it has none at all, or one who receives."""

    @property
    def code(self) -> str:
        return self.agency.code

    @property
    def is_expected(self) -> bool:
        return self.expected > 0

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def in_a_row(self) -> int:
        """Return how many periods in a row locked before it closed them (docs/domain.md#reminders)."""
        return len(self.passed)

    @property
    def worst(self) -> Cell:
        return worst_of(standing.light for standing in self.activities) or Cell(Light.GREY, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan on a day, as one reader may see it."""

    now: datetime
    since: datetime
    zone: ZoneInfo
    closings: tuple[Closing, ...]
    """The closings of the last months. The present one is last. Empty before the first."""
    agencies: tuple[AgencyStanding, ...]
    """Those with something to do in the plan, in its author's order."""
    activities: tuple[ActivityStanding, ...]
    """Those of all agencies."""
    rates: tuple[Rate, ...]
    """One a closing."""
    received: int
    """Reports sent since then."""
    changed: tuple[ActivityStanding, ...]
    """Activities whose status was changed by a report of this week."""
    advanced: tuple[ActivityStanding, ...]
    """Activities whose progress was changed by a report of this week, or that have a corrected report of this week."""
    started: tuple[Activity, ...]
    promised: tuple[Report, ...]
    """Evidence that was to come later and is still received, the longest promised first."""
    missed: tuple[Report, ...]
    """Evidence that had not come when its period locked, since then."""
    queue: Queue
    reasons: Mapping[str, Mapping[str, str]]
    periods: tuple[ReportingPeriod, ...] = ()
    """All of the plan."""
    kept_since: date = date.min
    is_public: bool = False
    """Whether its reader may not read the text of restricted activities."""
    only_validated: bool = False
    """Whether statuses and lights are those of validated reports."""

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def closing(self) -> Closing | None:
        return self.closings[-1] if self.closings else None

    @property
    def rate(self) -> Rate:
        return self.rates[-1] if self.rates else Rate()

    @property
    def due_on(self) -> date | None:
        """The last due day of the agencies at the present closing; None if nothing is expected of anybody."""
        return max((agency.due_on for agency in self.agencies if agency.due_on), default=None)

    @property
    def is_due(self) -> bool:
        """Whether that day is over: until then nobody is late, and a rate would be no news."""
        return self.due_on is not None and self.today > self.due_on

    def agency(self, code: str) -> AgencyStanding | None:
        return next((agency for agency in self.agencies if agency.code == code), None)


def standing(
    records: Records, now: datetime, since: datetime, zone: ZoneInfo, *, only_validated: bool = False
) -> Standing:
    """Count the state of a plan.

    With `only_validated`, statuses and lights come from reports that the coordinator has validated. Whether something
    was reported, and when it was closed, is the same for everybody.
    """
    today = now.astimezone(zone).date()
    ends = {period.id: period.end_on for period in records.periods}
    lived = {report.end_on for report in records.reports} | {ends[each.period_id] for each in records.closed}
    closings = kept_closings(closings_until(records.periods, today, COLUMNS), records.kept_since, lived)
    past = {
        kind: tuple(period for period in records.periods if period.type == kind and period.opens_on <= today)
        for kind in PeriodType
    }
    known = known_reports(records.reports, only_validated=only_validated)
    moment = cache(partial(_moment, past, cache(_light_of_case)))
    then = moment(since.astimezone(zone).date(), since)
    look = _Look(records, known, past, moment(today, now), then, zone, records.closed_at(), moment)

    agencies, rates = _agencies(records, closings, look)
    locks = {period.id: period.locks_on for period in records.periods}
    owing = _owing(records.reports, only_validated=only_validated) if closings else []
    activities = tuple(activity for agency in agencies for activity in agency.activities)
    return Standing(
        now=now,
        since=since,
        zone=zone,
        closings=closings,
        agencies=tuple(agencies),
        activities=activities,
        rates=rates,
        received=sum([report.is_current and since < report.sent_at <= now for report in records.reports]),
        changed=tuple(each for each in activities if _has_changed(each, since, now)),
        advanced=tuple(each for each in activities if _has_advanced(each, since, now)),
        started=tuple(
            each.activity for each in activities if then.day < each.activity.start_on <= today and not each.is_over
        ),
        promised=tuple(report for report in owing if locks[report.period_id] > today),
        missed=tuple(report for report in owing if then.day < locks[report.period_id] <= today),
        queue=records.queue,
        reasons=records.reasons,
        periods=records.periods,
        kept_since=records.kept_since,
        only_validated=only_validated,
    )


def _owing(reports: Iterable[Report], *, only_validated: bool) -> list[Report]:
    """Return the reports that promise evidence, in the order in which they were sent."""
    found = [each for each in reports if each.promises_evidence and each.is_read(only_validated=only_validated)]
    return sorted(found, key=lambda report: (report.sent_at, report.submission_id))


def worst_of(lights: Iterable[Light]) -> Cell | None:
    """Return the worst of these lights, and how many there are of it. None if there are no lights."""
    found = list(lights)
    for light in WORST_FIRST:
        if light in found:
            return Cell(light, found.count(light))
    return None


# ------------------------------------------------------------------ inside
_Past = Mapping[PeriodType, Sequence[ReportingPeriod]]


class _On(NamedTuple):
    """A day in the plan's zone, and the instant by which a report must have been sent to count on that day."""

    day: date
    by: datetime
    opened: Mapping[Frequency, Sequence[ReportingPeriod]]
    """The periods that have opened by that day. The last one is first."""
    light: Callable[..., Light]
    """`_light_of_case`, which computes the same light once: many reports of a plan declare the same."""


_SUSPENDED, _VALIDATED = ActivityStatus.SUSPENDED, ValidationState.VALIDATED  # as in `lights`


def _moment(past: _Past, light: Callable[..., Light], day: date, by: datetime) -> _On:
    opened = {kind: [each for each in reversed(periods) if each.opens_on <= day] for kind, periods in past.items()}
    return _On(day, by, {each: opened[each.period_type] for each in Frequency}, light)


def _light_of_case(start_on: date, due_on: date, today: date, missed: int, *declared: Any) -> Light:
    """Compute a light; a `Declared` is made once for each case, and not for each report."""
    return traffic_light(start_on, due_on, today, Declared(*declared), missed)


@dataclass(frozen=True, slots=True)
class _Look:
    """The data from which everything is counted for one moment."""

    records: Records
    known: Mapping[str, Known]
    past: _Past
    """By type, the periods that have opened."""
    on: _On
    then: _On
    """The day and instant that `on` is compared with."""
    zone: ZoneInfo
    closed: Mapping[int, Mapping[int, datetime]]
    """By agency, when it closed each period."""
    moment: Callable[[date, datetime], _On]
    """Makes each moment once."""


def _agencies(
    records: Records, closings: Sequence[Closing], look: _Look
) -> tuple[list[AgencyStanding], tuple[Rate, ...]]:
    """Return the agencies that have a part in the plan now, and the rates of all at each closing."""
    led = records.led_by()
    agencies: list[AgencyStanding] = []
    counts = [[0, 0, 0] for _ in closings]
    for agency in records.agencies:
        own = led.get(agency.code, ())
        due = alike(own, look.known)
        told = [agency_closing(due, closing, look.closed.get(agency.id, {})) for closing in closings]
        for count, one in zip(counts, told, strict=True):
            count[0] += one.is_expected
            count[1] += one.is_closed
            count[2] += one.is_on_time(look.zone)
        if any(map(_is_present, own)) or (told and told[-1].is_expected):
            agencies.append(_agency_standing(agency, own, due, closings, told, look))
    return agencies, tuple(Rate(*count) for count in counts)


def _agency_standing(
    agency: Agency,
    own: Sequence[Activity],
    due: Sequence[Alike],
    closings: Sequence[Closing],
    told: Sequence[AgencyClosing],
    look: _Look,
) -> AgencyStanding:
    """Return an agency's activities, its cells for each closing, and its state at the present closing, the last of
    `told`.
    """
    standings = tuple(_standing_of(activity, look) for activity in own if _is_present(activity))
    now_due = told[-1] if told else None
    reporters = [reporter for reporter in look.records.reporters if reporter.agency_id == agency.id]
    return AgencyStanding(
        agency=agency,
        activities=standings,
        cells=_cells(own, {each.code: each.light for each in standings}, closings, look),
        expected=now_due.expected if now_due else 0,
        reported=now_due.received if now_due else 0,
        closed_at=now_due.closed_at if now_due else None,
        is_on_time=now_due is not None and now_due.is_on_time(look.zone),
        focal_points=sum(r.is_there and r.role is Role.FOCAL_POINT for r in reporters),
        vacant_since=vacant_since(reporters, look.zone),
        vacant_why=vacant_why(reporters),
        unreachable=not_reached(reporters),
        reminders=look.records.reminded.get(agency.id, 0),
        passed=_passed(agency, due, look),
        due_on=now_due.due_on if now_due and now_due.is_expected else None,
    )


def _is_present(activity: Activity) -> bool:
    """Whether it is in the plan today, and this is how."""
    return activity.retired_on is None and activity.valid_to is None


def _missed(activity: Activity, known: Known, on: _On) -> int:
    """Count the missing reports, back from the last one, by what had been sent by then.

    It counts to two, because more make no light worse. A report that was sent early is not missing. Who had to send it
    makes no difference to the light, so an activity that was edited counts as if it had always been as it is.
    """
    missed = 0
    if activity.valid_from is not None:
        activity = replace(activity, valid_from=None)
    for period in on.opened[activity.frequency]:
        sent_at = known.periods.get(period.id)
        if sent_at is not None and sent_at <= on.by:
            break
        if period.due_on >= on.day or not is_expected(activity, period, known.ended_on):
            if period.end_on < activity.start_on:
                break
            continue
        missed += 1
        if missed == 2:
            break
    return missed


def _is_waiting(known: Known, on: _On, until: date = date.max) -> bool:
    """Whether a report waits for validation, of those that had been sent by then about periods that end by `until`."""
    return any(each.is_waiting and each.sent_at <= on.by and each.end_on <= until for each in known.current)


def _light(activity: Activity, last: Report | None, missed: int, on: _On, *, is_waiting: bool = False) -> Light:
    """`is_waiting` counts only where no report does."""
    start_on, ends_on, day = activity.start_on, activity.ends_on, on.day
    if day < start_on:
        return Light.GREY
    if last is None:
        return on.light(start_on, ends_on, day, missed, None, 0, False, False, None, is_waiting)
    status = last.status
    # The form asks for the new date. Only a report that this reader may read can say that there is none.
    new_due_on = last.detail.new_due_on if status is _SUSPENDED and last.detail else ends_on
    is_validated = last.state is _VALIDATED
    return on.light(
        start_on, ends_on, day, missed, status, last.progress, last.promises_evidence, is_validated, new_due_on
    )


def _standing_of(activity: Activity, look: _Look) -> ActivityStanding:
    known, on, then = look.known.get(activity.code, NOTHING), look.on, look.then
    last = known.shown[-1] if known.shown else None
    last_then = next((report for report in reversed(known.shown) if report.sent_at <= then.by), None)
    missed = _missed(activity, known, on)
    return ActivityStanding(
        activity=activity,
        light=_light(activity, last, missed, on, is_waiting=last is None and _is_waiting(known, on)),
        light_before=_light(
            activity,
            last_then,
            _missed(activity, known, then),
            then,
            is_waiting=last_then is None and _is_waiting(known, then),
        ),
        last=last,
        before=known.shown[-2] if len(known.shown) > 1 else None,
        missed=missed,
        is_started=activity.start_on <= on.day,
        is_over=last is not None and last.ends_activity,
        unexplained_since=_unexplained_since(activity, known, look),
        asked_at=_asked_at(known.shown),
    )


def _asked_at(reports: Sequence[Report]) -> datetime | None:
    asked_at = None
    for report in reversed(reports):
        if report.detail is None or not report.detail.needs_decision:
            break
        asked_at = report.sent_at
    return asked_at


def _unexplained_since(activity: Activity, known: Known, look: _Look) -> date | None:
    """Return since when an activity is red without an explanation.

    It goes back from report to report. Between two reports a light only gets worse, so its first red day is found by
    bisection.
    """
    today, zone = look.on.day, look.zone
    first_day = max(activity.start_on, look.records.kept_since, activity.added_on or activity.start_on)
    if known.ended_on <= today or first_day > today - UNEXPLAINED:
        return None

    def is_red(report: Report | None, day: date) -> bool:
        end = datetime.combine(day + timedelta(days=1), time.min, zone)
        on = look.moment(day, end)
        return _light(activity, report, _missed(activity, known, on), on) is Light.CRITICAL

    found, until = None, today
    for report in (*reversed(known.current), None):
        if report is not None and report.is_explained:
            break
        begun = first_day if report is None else max(first_day, report.sent_at.astimezone(zone).date())
        if begun > until:
            continue  # sent after one about a later period
        if not is_red(report, until):
            break
        after = bisect_left(range((until - begun).days), True, key=lambda days: is_red(report, begun + timedelta(days)))
        found = begun + timedelta(after)
        if after or begun == first_day:
            break
        until = begun - timedelta(days=1)
    return found if found is not None and found <= today - UNEXPLAINED else None


def _passed(agency: Agency, due: Iterable[Alike], look: _Look) -> tuple[ReportingPeriod, ...]:
    today, closed = look.on.day, look.closed.get(agency.id, {})
    periods = [period for of_type in look.past.values() for period in of_type]
    closing = ClosingOfPeriods(
        is_expected=lambda period: any(some.is_expected(period) for some in due),
        is_closed=lambda period: period.id in closed,
        is_complete=lambda period: all(
            found.has_standing(period.id) for some in due if some.is_expected(period) for found in some.known
        ),
        open_ones=[period for period in periods if period.is_open(today)],
        kept_since=look.records.kept_since,
        known_since=today - LOOK_BACK,
    )
    return longest_unclosed_row(periods, today, closing)


def _cells(
    own: Iterable[Activity], todays: Mapping[str, Light], closings: Sequence[Closing], look: _Look
) -> tuple[Cell | None, ...]:
    """Return the state on the day each closing locked, or today's. What came since to a reopened period counts too.

    `own` are the versions of the agency's activities; each counts where it was the one in the plan. `todays` are the
    lights of those that are in it today.
    """
    on = look.on
    columns: list[list[Light]] = [[] for _ in closings]
    backwards = [
        (closing, closing.month_end, look.moment(min(on.day, closing.locks_on), on.by), lights)
        for closing, lights in zip(reversed(closings), reversed(columns), strict=True)
    ]
    for activity in own:
        known = look.known.get(activity.code, NOTHING)
        shown, at = known.shown, len(known.shown)
        for closing, month_end, at_lock, lights in backwards:
            if at_lock.day < on.day:
                if activity.start_on > month_end or not was_in_plan(activity, closing.seals_on, closing.seals_on):
                    continue  # it began later than this column's day, or was another's then
            elif not _is_present(activity):
                continue
            while at and shown[at - 1].end_on > month_end:
                at -= 1
            is_todays = at_lock is on and at == len(shown)
            last = shown[at - 1] if at else None
            if is_todays:
                lights.append(todays[activity.code])
                continue
            is_waiting = last is None and _is_waiting(known, at_lock, month_end)
            lights.append(_light(activity, last, _missed(activity, known, at_lock), at_lock, is_waiting=is_waiting))
    return tuple(map(worst_of, columns))


def _has_changed(each: ActivityStanding, since: datetime, now: datetime) -> bool:
    """Whether a report of this week, or a correction, has changed the status."""
    if (last := each.last) is None:
        return False
    if since < last.sent_at <= now:
        return last.status != (each.before.status if each.before else ActivityStatus.NOT_STARTED)
    return last.corrected_at is not None and since < last.corrected_at <= now and last.status != last.corrected_from


def _has_advanced(each: ActivityStanding, since: datetime, now: datetime) -> bool:
    """Whether a report of this week has changed the progress, or a correction whatever it corrects."""
    if (last := each.last) is None:
        return False
    if since < last.sent_at <= now:
        return last.progress != (each.before.progress if each.before else 0)
    return last.corrected_at is not None and since < last.corrected_at <= now


def percent_of(part: int, whole: int) -> int:
    """Return the percentage, rounded half up, as people round; 0 if the whole is 0."""
    return (200 * part + whole) // (2 * whole) if whole else 0


def days_between(earlier: datetime, later: datetime, zone: ZoneInfo) -> int:
    """Return the number of calendar days between two instants in that zone."""
    return (later.astimezone(zone).date() - earlier.astimezone(zone).date()).days


def due_within(standing: Standing, days: int) -> tuple[tuple[date, tuple[ReportingPeriod, ...]], ...]:
    """Return the coming due days on which reports are expected, each with its periods."""
    today, until = standing.today, standing.today + timedelta(days=days)
    running = [each.activity for each in standing.activities if not each.is_over]
    by_day: dict[date, list[ReportingPeriod]] = {}
    for period in standing.periods:
        if today <= period.due_on <= until and any(is_expected(each, period, date.max) for each in running):
            by_day.setdefault(period.due_on, []).append(period)
    return tuple((day, tuple(by_day[day])) for day in sorted(by_day))
