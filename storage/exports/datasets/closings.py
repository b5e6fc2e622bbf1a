"""Who closed what, and when. The reporting rate of every agency and month can be computed from this
(docs/domain.md#rates).

A row is an agency and a closing (the end of a month) at which something was expected of it. An agency with nothing to
report has no row. So the mean of `closed` is the reporting rate, and the mean of `on_time` is the rate on time. They
are counted by the same function as in the digests, over the whole history.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from conversations.languages import translated
from conversations.plan.figures.closings import AgencyClosing, ClosingHistory
from conversations.plan.model import Agency
from conversations.plan.periods import PeriodType, ReportingPeriod, period_for
from conversations.plan.versions import as_of, by_code
from storage.calendar.figures import Figures
from storage.exports.tables import ColumnOf, Extract, Kind, at, table_of
from storage.exports.wanted import Wanted, span_of
from storage.plan.past_rows import PastRows
from storage.unit_of_work import UnitOfWork


class _Row(NamedTuple):
    """An agency and a closing that expected something of it. The agency is as it was when that was sealed."""

    agency: Agency
    each: AgencyClosing
    expectation: str
    wanted: Wanted

    @property
    def month(self) -> ReportingPeriod:
        return period_for(PeriodType.MONTHLY, self.each.closing.month_end)

    @property
    def closed_at(self) -> datetime | None:
        return at(self.each.closed_at, self.wanted.zone)

    @property
    def is_on_time(self) -> bool | None:
        """Whether it was closed in time. None while it still can be: nobody knows yet."""
        today = self.wanted.now.astimezone(self.wanted.zone).date()
        if self.closed_at is None and today <= self.each.due_on:
            return None
        return self.each.is_on_time(self.wanted.zone)

    @property
    def days_late(self) -> int | None:
        return None if self.closed_at is None else max(0, (self.closed_at.date() - self.each.due_on).days)


CLOSINGS: tuple[ColumnOf[_Row], ...] = (
    ("agency", Kind.TEXT, lambda of: of.agency.code),
    ("agency_name", Kind.TEXT, lambda of: translated(of.agency.name, of.wanted.language) or None),
    ("period", Kind.TEXT, lambda of: of.month.code),
    ("period_start", Kind.DAY, lambda of: of.month.start_on),
    ("period_end", Kind.DAY, lambda of: of.month.end_on),
    ("periods", Kind.TEXT, lambda of: " ".join(period.code for period in of.each.periods)),
    ("due_on", Kind.DAY, lambda of: of.each.due_on),
    ("locks_on", Kind.DAY, lambda of: of.each.locks_on),
    ("expected_reports", Kind.WHOLE, lambda of: of.each.expected),
    ("received_reports", Kind.WHOLE, lambda of: of.each.received),
    ("closed", Kind.FLAG, lambda of: of.each.is_closed),
    ("closed_at", Kind.INSTANT, lambda of: of.closed_at),
    ("on_time", Kind.FLAG, lambda of: of.is_on_time),
    ("days_late", Kind.WHOLE, lambda of: of.days_late),
    ("expectation", Kind.CODE, lambda of: of.expectation),
)


def closings(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each agency and closing that expected something of it, by closing and agency."""
    names, marks = by_code(unit.plans.agencies_ever(wanted.plan_id)), _Marks(unit, wanted)
    rows = [
        row
        for told in history_of(unit, wanted)
        if _is_chosen(told, wanted)
        for row in _rows(told, names, marks, wanted)
    ]
    return table_of("closings", wanted, CLOSINGS, len(rows), rows)


def history_of(unit: UnitOfWork, wanted: Wanted) -> tuple[ClosingHistory, ...]:
    return Figures(unit).closing_history(wanted.plan_id, wanted.now, wanted.zone)


def _is_chosen(told: ClosingHistory, wanted: Wanted) -> bool:
    """Whether the filters choose a closing. They do if they choose any period that it closes."""
    span = span_of(wanted.period)
    return span is None or any(span.holds(each.code, each.start_on, each.end_on) for each in told.closing.periods)


class _Marks:
    """By which state of the plan it is known what was expected of an agency."""

    def __init__(self, unit: UnitOfWork, wanted: Wanted) -> None:
        past = unit.of(PastRows)
        self._today = wanted.now.astimezone(wanted.zone).date()
        self._late_until = past.sealed_late_until(wanted.plan_id) or date.min
        self._corrected: set[tuple[str, date]] = set()
        marked = past.corrected(wanted.plan_id)
        for versions in by_code(unit.plans.activities_ever(wanted.plan_id)).values() if marked else ():
            for table, id, seals_on in marked:
                if table == "activity" and id == versions[0].id:
                    # The agency that the correction took it from, and the one that it gave it to.
                    for day in (seals_on - timedelta(days=1), seals_on, seals_on + timedelta(days=1)):
                        self._corrected.add((as_of(versions, day).agency_code, seals_on))

    def of(self, agency: str, periods: Iterable[ReportingPeriod]) -> str:
        seals = [period.seals_on for period in periods]
        if any((agency, day) in self._corrected for day in seals):
            return "corrected"
        if max(seals) > self._today:
            return "open"
        return "late" if min(seals) <= self._late_until else "sealed"


def _rows(told: ClosingHistory, names: Mapping[str, Sequence[Agency]], marks: _Marks, wanted: Wanted) -> Iterator[_Row]:
    chosen = wanted.one_of("agency")
    for agency, each in sorted(told.agencies, key=lambda pair: pair[0].code):
        if not chosen or agency.code in chosen:
            as_sealed = as_of(names[agency.code], told.closing.seals_on)
            yield _Row(as_sealed, each, marks.of(agency.code, each.periods), wanted)
