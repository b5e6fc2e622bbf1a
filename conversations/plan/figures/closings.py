"""What an agency had to close at a month's end, and whether it did. Rates, digests and exports all read it here.

A month's end closes the periods of every frequency that end on that day, and an agency closes by the latest due day of
its own periods (docs/domain.md#calendar). With monthly and quarterly items, it has closed September when it has closed
both. Rates are DHIS2's: an agency that closed late counts as having reported, but not as on time
(docs/domain.md#rates).
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from conversations.plan.expected import EXPECTED_BY, is_expected
from conversations.plan.figures.standing_records import Closing, Records, Report
from conversations.plan.model import Activity, ActivityStatus, Agency, ValidationState
from conversations.plan.periods import ONE_DAY, ReportingPeriod, closing_due_on
from conversations.plan.versions import was_in_plan


class Known:
    """The reports about one activity, in the order in which their periods end."""

    __slots__ = ("current", "ended_on", "periods", "shown")

    def __init__(self, reports: Sequence[Report], *, only_validated: bool = False) -> None:
        self.periods = {report.period_id: report.sent_at for report in reports}
        """When the report of each period was first sent."""
        self.current = [report for report in reports if report.is_current]
        last = self.current[-1] if self.current else None
        self.ended_on = last.end_on if last is not None and last.ends_activity else date.max
        """The last day of the period of the report that ended it."""
        self.shown = [r for r in reports if r.is_read(only_validated=True)] if only_validated else self.current

    def has_standing(self, period_id: int) -> bool:
        """Whether there is a report of this period, and it was not returned."""
        return any(r.period_id == period_id and r.state != ValidationState.RETURNED for r in self.current)


NOTHING = Known(())


def known_reports(reports: Iterable[Report], *, only_validated: bool = False) -> dict[str, Known]:
    """Return activity code → its reports."""
    by_activity: defaultdict[str, list[Report]] = defaultdict(list)
    for report in reports:
        by_activity[report.activity_code].append(report)
    return {code: Known(found, only_validated=only_validated) for code, found in by_activity.items()}


def closings_until(periods: Iterable[ReportingPeriod], today: date, count: int | None = None) -> tuple[Closing, ...]:
    """Return the last closings that have opened by that day, or all, in their order.

    The last one is the present one.
    """
    by_end: dict[date, list[ReportingPeriod]] = {}
    for period in periods:
        if period.opens_on <= today:
            by_end.setdefault(period.end_on, []).append(period)
    ends = sorted(by_end)
    return tuple(Closing(end, tuple(by_end[end])) for end in (ends if count is None else ends[-count:]))


def kept_closings(closings: Sequence[Closing], kept_since: date, lived: Collection[date]) -> tuple[Closing, ...]:
    """Return the closings from the first that the bot kept. One that locked before the plan was here counts for nobody.

    It counts all the same if a report or a closing of it came (`lived`, the ends of such periods).
    """
    is_kept = (each.locks_on > kept_since or each.month_end in lived for each in closings)
    first = next((at for at, kept in enumerate(is_kept) if kept), len(closings))
    return tuple(closings[first:])


@dataclass(frozen=True, slots=True)
class AgencyClosing:
    """An agency at one closing. It may have nothing to report there."""

    closing: Closing
    expected: int
    """How many reports the closing expects of it."""
    periods: Sequence[ReportingPeriod]
    """The periods in which it had something to report."""
    received: int
    """How many of the expected reports were sent."""
    closed_at: datetime | None
    """When the agency closed the last of the periods in which it had something to report.

    None while one is not closed.
    """

    @property
    def is_expected(self) -> bool:
        return self.expected > 0

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def due_on(self) -> date:
        """The latest due day of the periods in which the agency had something to report."""
        return closing_due_on(self.periods)

    @property
    def locks_on(self) -> date:
        return max(period.locks_on for period in self.periods)

    def is_on_time(self, zone: ZoneInfo) -> bool:
        """Whether the agency had closed by 23:59 of the due day."""
        return self.closed_at is not None and self.closed_at.astimezone(zone).date() <= self.due_on


class Alike(NamedTuple):
    """Activities of an agency of which reports are expected for the same periods."""

    first: Activity
    ended_on: date
    known: Sequence[Known]
    """The reports about each."""

    def is_expected(self, period: ReportingPeriod) -> bool:
        return is_expected(self.first, period, self.ended_on)


def alike(activities: Iterable[Activity], known: Mapping[str, Known]) -> tuple[Alike, ...]:
    """Return these activities by what is expected of them. An agency has many, and most began on the same day."""
    groups: dict[Hashable, tuple[Activity, list[Known]]] = {}
    for activity in activities:
        found = known.get(activity.code, NOTHING)
        groups.setdefault((EXPECTED_BY(activity), found.ended_on), (activity, []))[1].append(found)
    return tuple(Alike(first, found[0].ended_on, found) for first, found in groups.values())


def agency_closing(own: Sequence[Alike], closing: Closing, closed: Mapping[int, datetime]) -> AgencyClosing:
    """Return how an agency closes, from its activities and the periods (by id) that it has closed."""
    expected = received = 0
    periods: list[ReportingPeriod] = []
    for period in closing.periods:
        known = [found for some in own if some.is_expected(period) for found in some.known]
        if known:
            periods.append(period)
            expected += len(known)
            received += sum([period.id in found.periods for found in known])
    done = [at for at in (closed.get(period.id) for period in periods) if at is not None]
    return AgencyClosing(
        closing=closing,
        expected=expected,
        periods=tuple(periods),
        received=received,
        closed_at=max(done) if done and len(done) == len(periods) else None,
    )


# ------------------------------------------------------------------ the whole history
@dataclass(frozen=True, slots=True)
class ClosingHistory:
    """A closing: the agencies that had something to close, and the progress of the plan's activities."""

    closing: Closing
    agencies: tuple[tuple[Agency, AgencyClosing], ...]
    completed: int
    """How many activities were completed by then, by their last validated report."""
    activities: int
    """Those that were in the plan at the closing's end."""

    def counted(self, computation: str, zone: ZoneInfo) -> tuple[int, int]:
        """Return the numerator and denominator of each figure that the bot computes itself (`COMPUTATIONS`)."""
        match computation:
            case "reporting_rate":
                return sum(each.is_closed for _, each in self.agencies), len(self.agencies)
            case "rate_on_time":
                return sum(each.is_on_time(zone) for _, each in self.agencies), len(self.agencies)
            case "share_completed":
                return self.completed, self.activities
            case _:
                raise ValueError(f"nothing is counted as {computation!r}")


def closing_history(records: Records, today: date) -> tuple[ClosingHistory, ...]:
    """Return every closing that has opened by that day, from the first that the bot kept.

    `records` hold the reports and closings of the whole history. If a closing locked before the bot kept the calendar,
    it counts only if some agency reported or closed by then.
    """
    known, validated = known_reports(records.reports), _validated(records.reports)
    closed, led = records.closed_at(), records.led_by()
    own = [(agency, alike(led.get(agency.code, ()), known), closed.get(agency.id, {})) for agency in records.agencies]
    told: list[ClosingHistory] = []
    for closing in closings_until(records.periods, today):
        found = [(agency, agency_closing(some, closing, closed_at)) for agency, some, closed_at in own]
        agencies = tuple((agency, each) for agency, each in found if each.is_expected)
        is_kept = closing.locks_on > records.kept_since
        if not told and not is_kept and not any(each.received or each.is_closed for _, each in agencies):
            continue
        after = closing.month_end + ONE_DAY
        present = [each for each in records.activities if was_in_plan(each, after, closing.seals_on)]
        completed = sum(_is_completed(validated.get(each.code, ()), closing.month_end) for each in present)
        told.append(ClosingHistory(closing, agencies, completed, len(present)))
    return tuple(told)


def _validated(reports: Iterable[Report]) -> dict[str, list[Report]]:
    found: dict[str, list[Report]] = {}
    for report in reports:
        if report.state == ValidationState.VALIDATED:
            found.setdefault(report.activity_code, []).append(report)
    return found


def _is_completed(reports: Sequence[Report], month_end: date) -> bool:
    last = next((report for report in reversed(reports) if report.end_on <= month_end), None)
    return last is not None and last.status == ActivityStatus.COMPLETED
