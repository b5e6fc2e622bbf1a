"""The reports that are expected of an agency in a period, and those that are still due."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter
from typing import NamedTuple, TypeVar

from conversations.plan.model import Activity, ActivityStatus, Agency, Indicator, ValidationState, ends_activity
from conversations.plan.periods import PeriodType, ReportingPeriod
from conversations.plan.versions import as_of, by_code, holds

T = TypeVar("T", Activity, Indicator, Agency)


# ------------------------------------------------------------------ what is expected
def is_expected(activity: Activity, period: ReportingPeriod, ended_on: date | None = None) -> bool:
    """Whether a report about an activity is expected for that period. `ended_on` as in `expected_activities`.

    Only this function decides it: the due list, the reminder, the digest and the rates all call it.
    """
    is_open = activity.start_on <= period.end_on and (ended_on is None or ended_on >= period.end_on)
    return is_open and _is_for(period, activity)


def _is_for(period: ReportingPeriod, row: Activity | Indicator) -> bool:
    """Whether a period goes by this version of a row: added before the due day, and not retired before the lock."""
    return (
        row.frequency.period_type == period.type
        and (row.added_on is None or row.added_on < period.due_on)
        and (row.retired_on is None or row.retired_on >= period.seals_on)
        and holds(row, period.seals_on)
    )


EXPECTED_BY = attrgetter("start_on", "frequency", "added_on", "retired_on", "valid_from", "valid_to")
"""All that `is_expected` asks of an activity: it says the same of all activities that have the same."""


def expected_activities(
    activities: Iterable[Activity], period: ReportingPeriod, ended: Mapping[str, date] | None = None
) -> tuple[Activity, ...]:
    """Return the activities about which a report is expected: those that are open and due in that period
    (docs/domain.md#rates).

    An activity is open from its start, even if that is the last day of the period. It stays open until a report says
    that it is completed or cancelled. `ended` gives, by activity code, the last day of the period of that report; that
    report itself was still expected. The due date does not end an activity, because the commission most wants to hear
    about overdue work. Not expected: an activity that was added on the period's due day or later, or that was retired
    before the period locked. Of an activity that was edited, each period counts the version that it goes by.
    """
    ended = ended or {}
    return tuple(each for each in activities if is_expected(each, period, ended.get(each.code)))


def closes_together(
    periods: Iterable[ReportingPeriod],
    today: date,
    is_unclosed: Callable[[ReportingPeriod], bool],
    is_complete: Callable[[ReportingPeriod], bool],
) -> tuple[ReportingPeriod, ...]:
    """Return the periods that "Cerrar el mes" closes for an agency: all that end on the first month's end that is open.

    Periods that the agency has closed are left out (`is_unclosed`: it had something to report, and has not closed the
    period). All close by the latest of their days (docs/domain.md#calendar). A month may lock with all its reports sent
    while its quarter is still open; then it is closed together with the quarter.
    """
    periods = tuple(periods)
    open_ones = [period for period in periods if period.is_open(today) and is_unclosed(period)]
    together = [one for one in open_ones if one.end_on == open_ones[0].end_on]

    def goes_along(period: ReportingPeriod) -> bool:
        """A month that was reopened opens no quarter; a quarter that was takes its month along."""
        is_later = any(not one.is_reopened or one.due_on > period.due_on for one in together)
        return is_later and period.locks_on <= today and is_complete(period)

    return tuple(
        period
        for period in periods
        if together
        and period.end_on == together[0].end_on
        and is_unclosed(period)
        and (period in together or goes_along(period))
    )


@dataclass(frozen=True, slots=True)
class ClosingOfPeriods:
    """What is known of an agency's periods: whether a report is expected, the period is closed, all reports have come.

    The calendar is kept since `kept_since`; closings are known since `known_since`.
    """

    is_expected: Callable[[ReportingPeriod], bool]
    is_closed: Callable[[ReportingPeriod], bool]
    is_complete: Callable[[ReportingPeriod], bool] = lambda period: False
    open_ones: Sequence[ReportingPeriod] = ()
    kept_since: date = date.min
    known_since: date = date.min


def unclosed_row(
    periods: Sequence[ReportingPeriod], today: date, closing: ClosingOfPeriods
) -> tuple[ReportingPeriod, ...]:
    """Return the latest periods in a row, of one type, that locked without being closed; oldest first.

    A closed period ends the row. A period for which no report was expected neither counts nor ends it. Three kinds of
    periods do not count against anybody: a period that locked before the calendar was kept; one that ended before
    closings were recorded; and one that can still be closed with an open period, if all its reports are in.
    """
    row: list[ReportingPeriod] = []
    open_ends = {
        other.end_on
        for other in closing.open_ones
        if other.is_open(today) and closing.is_expected(other) and not closing.is_closed(other)
    }
    for period in reversed(periods):
        if period.locks_on > today:
            continue
        if period.locks_on <= closing.kept_since or period.end_on < closing.known_since or closing.is_closed(period):
            break
        if closing.is_expected(period) and not (period.end_on in open_ends and closing.is_complete(period)):
            row.append(period)
    return tuple(reversed(row))


def longest_unclosed_row(
    periods: Sequence[ReportingPeriod], today: date, closing: ClosingOfPeriods
) -> tuple[ReportingPeriod, ...]:
    """Return the longest `unclosed_row` of all types of periods.

    Notices, letters, the digest and the plenary's agenda count with this function.
    """
    by_type = ([period for period in periods if period.type == kind] for kind in PeriodType)
    return max((unclosed_row(some, today, closing) for some in by_type), key=len)


def expected_indicators(indicators: Iterable[Indicator], period: ReportingPeriod) -> tuple[Indicator, ...]:
    """Return the indicators that are asked for in that period, by their frequency. Computed ones never are."""
    return tuple(each for each in indicators if not each.is_computed and _is_for(period, each))


def rewritten(before: Iterable[T], after: Iterable[T], locked: Sequence[ReportingPeriod]) -> tuple[str, ...]:
    """Return the codes of the rows that say something else for a locked period than they did, or are asked for there
    and were not. `before` and `after` are all versions of all rows. It must be empty after an edit, but for today's
    protection, which counts for every period.
    """
    was, is_now = by_code(map(_shown, before)), by_code(map(_shown, after))

    def says_otherwise(code: str, versions: Sequence[T]) -> bool:
        if code not in was:
            return any(_is_asked(one, period) for one in versions for period in locked)
        if len(versions) == len(was[code]) == 1:
            return versions != was[code] and bool(locked)
        return any(as_of(versions, each.seals_on) != as_of(was[code], each.seals_on) for each in locked)

    return tuple(code for code, versions in is_now.items() if says_otherwise(code, versions))


def _shown(row: T) -> T:
    """The row without what no figure or export tells: how strictly texts about it are read."""
    return replace(row, meets_victims=None) if isinstance(row, Activity) else row


def _is_asked(row: Activity | Indicator | Agency, period: ReportingPeriod) -> bool:
    match row:
        case Activity():
            return is_expected(row, period)
        case Indicator():
            return bool(expected_indicators((row,), period))
    return False


def led_by_nobody(
    activities: Iterable[Activity], indicators: Iterable[Indicator], agencies: Iterable[Agency], today: date
) -> tuple[str, ...]:
    """Return the codes of activities and indicators whose agency does not take part in the plan at their time.

    Nobody reports them.
    """
    by_code = {agency.code: agency for agency in agencies}
    ongoing = [(each.code, each.agency_code, max(each.start_on, today)) for each in activities
               if each.retired_on is None and each.ends_on >= today]  # fmt: skip
    ongoing += [(each.code, each.agency_code, today) for each in indicators
                if each.retired_on is None and not each.is_computed]  # fmt: skip
    return tuple(code for code, agency, on in ongoing if not by_code[agency].is_active(on))


# ------------------------------------------------------------------ what is still due
# An agency has one of these for each of its items and periods, and a named tuple is made quicker.
class PastReport(NamedTuple):
    """The current version of a report: the parts that the due list needs."""

    subject: str
    period_code: str
    period_end_on: date
    validation_state: ValidationState
    status: ActivityStatus | None = None


def ended_activities(reports: Iterable[PastReport]) -> dict[str, date]:
    """Return the activities that their latest report ended → the last day of its period.

    It is the argument `ended` of `expected_activities`.
    """
    latest: dict[str, PastReport] = {}
    for report in reports:
        known = latest.get(report.subject)
        if known is None or known.period_end_on < report.period_end_on:
            latest[report.subject] = report
    return {
        subject.removeprefix("activity:"): report.period_end_on
        for subject, report in latest.items()
        if ends_activity(report.status, report.validation_state)
    }


class DueReport(NamedTuple):
    """One report that an agency still has to send."""

    item: Activity | Indicator
    period: ReportingPeriod
    returned: PastReport | None = None
    """Set when the coordinator sent this period's report back."""
    is_reportable: bool = True
    """False if no published form can report it. It is expected all the same, but nobody is asked for it."""

    @property
    def subject(self) -> str:
        return self.item.subject

    @property
    def code(self) -> str:
        return self.item.code

    @property
    def is_indicator(self) -> bool:
        return isinstance(self.item, Indicator)


def due_list(
    activities: Iterable[Activity],
    indicators: Iterable[Indicator],
    periods: Iterable[ReportingPeriod],
    reports: Iterable[PastReport],
    on: date,
    *,
    closed: Mapping[str, date] | None = None,
    unreportable: Collection[str] = frozenset(),
) -> tuple[DueReport, ...]:
    """Return the reports that one agency still has to send on a day, in the order in which they are due.

    Of its `reports`, those about open periods are needed, and the last one of each activity that a report has ended.
    Periods that are not open on that day are skipped. `closed` gives the day on which a period was closed, by its code.
    In a closed period, only the activities that were added to the plan after that day are due. Indicators stay due,
    because closing is about activity reports (docs/domain.md#rates). Computed indicators are never due. A report that
    was returned is due again, also in a closed period. `unreportable` are the subjects that no published form can
    report.
    """
    reports = tuple(reports)
    sent = {(report.subject, report.period_code): report for report in reports}
    ended = ended_activities(reports)
    activities, indicators = tuple(activities), tuple(indicators)
    due: list[DueReport] = []
    for period in periods:
        if not period.is_open(on):
            continue
        closed_on = closed.get(period.code) if closed else None
        expected = expected_activities(activities, period, ended)
        items: tuple[Activity | Indicator, ...] = (*expected, *expected_indicators(indicators, period))
        for item in items:
            this = sent.get((item.subject, period.code))
            if this is not None and this.validation_state != ValidationState.RETURNED:
                continue
            if this is None and closed_on and isinstance(item, Activity) and not item.is_new_since(closed_on):
                continue
            due.append(DueReport(item, period, this, item.subject not in unreportable))
    return tuple(sorted(due, key=_urgency))


def _urgency(due: DueReport) -> tuple[date, bool, date, str]:
    item_ends_on = due.item.ends_on if isinstance(due.item, Activity) else date.max
    return due.period.due_on, due.is_indicator, item_ends_on, due.item.code
