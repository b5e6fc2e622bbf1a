"""The state of a plan as a PDF: one page for a minister's meeting. The 3P table is another PDF, for who asks for it.

This module decides what is on the page. `storage.exports.files.plan_pages` draws it, in a process of its own
(`apart`).
"""

from dataclasses import replace
from datetime import date, datetime, time
from typing import BinaryIO

from conversations.languages import translated
from conversations.plan.figures.balance import balance
from conversations.plan.figures.monitoring import standing
from conversations.plan.figures.standing_records import Records
from conversations.plan.messages.balance import INDICATORS, BalancePages, balance_pages
from conversations.plan.messages.plan_state import INDICATORS as ROOM
from conversations.plan.messages.plan_state import Page, Reader, plan_state
from conversations.plan.model import Role
from conversations.plan.periods import ReportingPeriod
from conversations.plan.versions import until
from storage.calendar.figures import Figures
from storage.exports.datasets.indicators import three_p
from storage.exports.files.drawing_process import draw_in_child
from storage.exports.formats.crosstab import Crosstab
from storage.exports.wanted import INTERNAL, OBSERVERS, PUBLIC, Progress, Wanted, Written, span_of
from storage.plan.past_rows import PastRows, as_it_was
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork


def write_plan_state(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write the plan on one page. The number of rows is the number of activities that it counts."""
    page, count = state_of(unit, wanted)
    given = (page, wanted.now)
    out.write(draw_in_child("storage.exports.files.plan_pages", "drawn", *given, go_on=lambda: progress(0, 0)))
    progress(count, count)
    return Written(count)


def write_three_p(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write the 3P table as it is printed. The number of rows is the number of its measures and categories."""
    page, _ = state_of(unit, wanted)
    table = table_of(unit, wanted)
    count = len(table.lines)
    given = (page, table, wanted.now)
    out.write(
        draw_in_child("storage.exports.files.plan_pages", "drawn_table", *given, go_on=lambda: progress(0, count))
    )
    progress(count, count)
    return Written(count)


def write_balance(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write the balance of the plan on two pages. The number of rows is the number of activities that it counts."""
    pages, count = balance_of(unit, wanted)
    given = (pages, wanted.now)
    out.write(
        draw_in_child("storage.exports.files.plan_pages", "drawn_balance", *given, go_on=lambda: progress(0, count))
    )
    progress(count, count)
    return Written(count)


def balance_of(unit: UnitOfWork, wanted: Wanted) -> tuple[BalancePages, int]:
    """The content of the balance, and the number of activities that it counts."""
    page, _ = state_of(unit, wanted, INDICATORS)
    records = Figures(unit).records(wanted.plan_id, wanted.now, wanted.zone, is_whole=True)
    found = balance(_of_part(records, wanted), wanted.now, wanted.zone)
    areas = _areas(unit, wanted)
    dropped = unit.endings.dropped(wanted.plan_id)
    return balance_pages(found, page, areas, dropped, reader_of(wanted), wanted.language), len(found.activities)


def state_of(unit: UnitOfWork, wanted: Wanted, room: int = ROOM) -> tuple[Page, int]:
    """The content of the page with so many indicators, and the number of activities that it counts.

    With a period, it is the state on the day when its last part locked, as it is known today. With an agency or an
    area, it covers only their activities and indicators.
    """
    plan = unit.plans.by_id(wanted.plan_id)
    at, seals_on = _at(unit, wanted), _seals_on(unit, wanted)
    figures = Figures(unit)
    records = figures.records(plan.id, at, wanted.zone)
    if seals_on is not None:
        agencies = (each for each in until(unit.plans.agencies_ever(plan.id), seals_on) if each.valid_to is None)
        records = replace(records, agencies=tuple(agencies), activities=until(records.activities, seals_on))
    records = _of_part(records, wanted)
    found = standing(records, at, at, wanted.zone, only_validated=wanted.only_validated)
    indicators = [
        each
        for each in figures.indicators(plan.id, at, wanted.zone, protect=not wanted.sees_restricted, seals_on=seals_on)
        if _is_in(each.indicator.agency_code, wanted, "agency") and _is_in(each.indicator.area_code, wanted, "area")
    ]
    areas = _areas(unit, wanted, seals_on)
    name = translated(plan.name, wanted.language) or plan.code
    page = plan_state(found, indicators, areas, name, reader_of(wanted), wanted.language, room)
    return page, len(found.activities)


def table_of(unit: UnitOfWork, wanted: Wanted) -> Crosstab:
    """Return the 3P table of the same day and part. It is protected where the figures of the page are."""
    is_exact = wanted.is_released or wanted.sees_restricted
    asked = replace(wanted, now=_at(unit, wanted), period="", audience=wanted.audience if is_exact else OBSERVERS)
    extract = three_p(unit, asked)
    table = Crosstab(extract, wanted.language)
    for _, row in extract.rows:
        table.take(row)
    return table


def reader_of(wanted: Wanted) -> Reader:
    """Return what the reader may see (docs/domain.md#who-sees-what): decisions are for those who take them, reasons are
    not for the public.
    """
    return Reader(
        audience=wanted.audience,
        role=wanted.role,
        reads_restricted=wanted.sees_restricted,
        reads_decisions=wanted.audience == INTERNAL or wanted.role is Role.READER,
        reads_reasons=wanted.audience != PUBLIC,
        ranks=wanted.audience == INTERNAL,
    )


def _at(unit: UnitOfWork, wanted: Wanted) -> datetime:
    locks = [each.locks_on for each in _asked(unit, wanted)]
    return min(wanted.now, datetime.combine(max(locks), time(0), wanted.zone)) if locks else wanted.now


def _seals_on(unit: UnitOfWork, wanted: Wanted) -> date | None:
    """Return the day that settled the plan for the period that is asked for. None: the plan is told as it is today."""
    seals = [each.seals_on for each in _asked(unit, wanted)]
    return max(seals) if seals and max(seals) <= wanted.now.astimezone(wanted.zone).date() else None


def _asked(unit: UnitOfWork, wanted: Wanted) -> list[ReportingPeriod]:
    """Return the periods of the time that is asked for; none for the present."""
    span = span_of(wanted.period)
    every = unit.plans.periods(wanted.plan_id)
    return [each for each in every if span is not None and span.start_on <= each.end_on <= span.end_on]


def _areas(unit: UnitOfWork, wanted: Wanted, seals_on: date | None = None) -> list[tuple[str, str]]:
    """Return the codes and names of the areas, as they were for a period that locked on that day."""
    past = unit.of(PastRows).of_plan(wanted.plan_id).get("strategic_area", {}) if seals_on else {}
    names = (
        (each, as_it_was(past.get(each.id, ()), "name", each.name, seals_on or date.max))
        for each in unit.plans.strategic_areas(wanted.plan_id)
    )
    return [(each.code, translated(name, wanted.language)) for each, name in names]


def _of_part(records: Records, wanted: Wanted) -> Records:
    return replace(
        records,
        agencies=tuple(each for each in records.agencies if _is_in(each.code, wanted, "agency")),
        activities=tuple(
            each
            for each in records.activities
            if _is_in(each.agency_code, wanted, "agency") and _is_in(each.area_code, wanted, "area")
        ),
    )


def _is_in(code: str, wanted: Wanted, name: str) -> bool:
    allowed = wanted.one_of(name)
    return not allowed or code in allowed
