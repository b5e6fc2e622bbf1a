"""Indicators and the annual 3P table: value, how it divides, target, baseline, unit and cut-off (DOMAIN §1.2, §1.6).

Counting units differ between sources, and a figure without its unit, its source and its last day has been quoted
wrongly before; so each row carries them. Inside, a row is what was reported for a period. For those outside, what
counts few people is told by the year alone, as `conversations.annual` decides over the whole history, whatever is
filtered here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select

from conversations.annual import MEASURES, Revision, Year, is_protected, years
from conversations.plan import Indicator, expected_indicators
from conversations.suppression import Figure
from conversations.wording import Wording, wording
from storage.exports.choosing import allowed
from storage.exports.plan import shows_gcm
from storage.exports.reports import number_or_text
from storage.exports.tables import Cell, Extract, Kind, at, one_table
from storage.exports.wanted import Wanted, span_of
from storage.models import Indicator as IndicatorTable
from storage.models import ReportingPeriod, Submission, table
from storage.revisions import reported, revisions
from storage.submissions import named_answers
from storage.unit_of_work import UnitOfWork

_S, _P, _I = table(Submission), table(ReportingPeriod), table(IndicatorTable)

INDICATORS: tuple[tuple[str, Kind], ...] = (
    ("indicator", Kind.TEXT),
    ("indicator_name", Kind.TEXT),
    ("area", Kind.TEXT),
    ("agency", Kind.TEXT),
    ("unit", Kind.CODE),
    ("level", Kind.CODE),
    ("direction", Kind.CODE),
    ("aggregation", Kind.CODE),
    ("period", Kind.TEXT),
    ("period_start", Kind.DAY),
    ("cut_off", Kind.DAY),
    ("data_status", Kind.CODE),
    ("dimension", Kind.CODE),
    ("category", Kind.TEXT),
    ("category_name", Kind.TEXT),
    ("value", Kind.DECIMAL),
    ("baseline", Kind.DECIMAL),
    ("baseline_period", Kind.TEXT),
    ("baseline_source", Kind.TEXT),
    ("target", Kind.DECIMAL),
    ("target_on", Kind.DAY),
    ("sdg_target", Kind.TEXT),
    ("sdg_indicator", Kind.TEXT),
)
GCM = ("gcm_objective", Kind.TEXT)
INDICATORS_INSIDE: tuple[tuple[str, Kind], ...] = (
    ("numerator", Kind.WHOLE),
    ("denominator", Kind.WHOLE),
    ("data_source", Kind.CODE),
    ("validation", Kind.CODE),
    ("receipt", Kind.WHOLE),
    ("submitted_at", Kind.INSTANT),
)
THREE_P: tuple[tuple[str, Kind], ...] = (
    ("pillar", Kind.TEXT),
    ("indicator", Kind.TEXT),
    ("measure", Kind.TEXT),
    ("unit", Kind.CODE),
    ("agency", Kind.TEXT),
    ("calendar", Kind.TEXT),
    ("year", Kind.TEXT),
    ("period_start", Kind.DAY),
    ("period_end", Kind.DAY),
    ("cut_off", Kind.DAY),
    ("dimension", Kind.CODE),
    ("category", Kind.TEXT),
    ("category_name", Kind.TEXT),
    ("value", Kind.DECIMAL),
    ("periods_reported", Kind.WHOLE),
    ("periods_expected", Kind.WHOLE),
    ("coverage", Kind.CODE),
)


def indicators(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row a figure: the total, and each category it divides into.

    "Missing" is said of what was asked for in the part that the filters leave, and is not there; zero is another thing
    (DOMAIN §2.3). Of the whole plan an indicator that nobody was asked for yet has a row too, for its target.
    """
    named = INDICATORS
    if shows_gcm(unit, wanted):
        named = (*named, GCM)
    if not wanted.is_released:
        named = (*named, *INDICATORS_INSIDE)
    rows = list(_indicators(unit, wanted))
    told = ([row.get(name) for name, _ in named] for row in rows)
    return replace(one_table("indicators", wanted, named, len(rows), told), has_charts=True)


def three_p(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """The annual table, January to December and April to March, of every year of the plan that has begun."""
    rows = list(_three_p(unit, wanted))
    return one_table("3p", wanted, THREE_P, len(rows), ([row.get(name) for name, _ in THREE_P] for row in rows))


# ------------------------------------------------------------------ rows
def _indicators(unit: UnitOfWork, wanted: Wanted) -> Iterator[dict[str, Cell]]:
    say = wording(wanted.language)
    sent = _sent(unit, wanted)
    history = revisions(unit, wanted.plan_id, wanted.zone) if wanted.is_released else {}
    more = _columns_of(unit, wanted)
    asked = _asked(unit, wanted)
    is_whole = not wanted.period and not wanted.validation
    for indicator in _chosen(unit, wanted):
        about = _about(indicator, more[indicator.code], wanted)
        made = history.get(indicator.subject, ())
        if wanted.is_released and is_protected(indicator, made):
            rows = list(_by_the_year(indicator, made, unit, wanted, say))
        else:
            found = sent.get(indicator.subject, ())
            rows = [row for one in found for row in _as_reported(indicator, one, wanted, say)]
        if not rows and (indicator.code in asked or is_whole):
            rows = [{"data_status": "missing" if indicator.code in asked else None}]
        yield from (about | row for row in rows)


def _asked(unit: UnitOfWork, wanted: Wanted) -> frozenset[str]:
    """Codes of the indicators that had to report by now in what the filters leave.

    What is in one state of validation was sent, all of it: nothing of that is missing.
    """
    if wanted.validation:
        return frozenset()
    today = wanted.now.astimezone(wanted.zone).date()
    span = span_of(wanted.period)
    known = tuple(_chosen(unit, wanted))
    by_the_year = frozenset(each.code for each in known if wanted.is_released and is_protected(each))
    found: set[str] = set()
    for period in unit.plans.periods(wanted.plan_id):
        if period.opens_on > today:
            continue
        expected = {each.code for each in expected_indicators(known, period)}
        if span is None or span.holds(period.code, period.start_on, period.end_on):
            found |= expected - by_the_year
        year = f"{period.end_on:%Y}"
        if span is None or span.holds(year, date(period.end_on.year, 1, 1), date(period.end_on.year, 12, 31)):
            found |= expected & by_the_year
    return frozenset(found)


def _as_reported(indicator: Indicator, sent: Any, wanted: Wanted, say: Wording) -> Iterator[dict[str, Cell]]:
    said = sent.said
    figure = reported(said, sent.found.start_on, sent.found.end_on)
    common: dict[str, Cell] = {
        "period": sent.found.code,
        "period_start": sent.found.start_on,
        "cut_off": sent.found.end_on,
        "data_status": said.get("data_status") or None,
        "data_source": said.get("data_source") or None,
        "validation": sent.found.validation_state,
        "receipt": sent.found.receipt_number,
        "submitted_at": at(sent.found.submitted_at, wanted),
    }
    value: Cell = None
    if figure is not None:
        value = figure.number
        if figure.base is not None:
            value = round(100 * figure.number / figure.base, 1) if figure.base else None
            common |= {"numerator": figure.number, "denominator": figure.base}
    yield common | _category("total", "total", say) | {"value": value}
    for dimension, parts in (figure.parts if figure else {}).items():
        for category, amount in parts.items():
            yield common | _category(dimension, category, say) | {"value": amount}


def _by_the_year(
    indicator: Indicator, made: Sequence[Revision], unit: UnitOfWork, wanted: Wanted, say: Wording
) -> Iterator[dict[str, Cell]]:
    span = span_of(wanted.period)
    for year in _years(indicator, made, unit, wanted):
        if year.value is None or year.calendar != "calendar":
            continue
        if span is not None and not span.holds(str(year.first.year), year.first, year.last):
            continue
        common: dict[str, Cell] = {
            "period": str(year.first.year),
            "period_start": year.first,
            "cut_off": year.until,
            "data_status": "final" if year.is_over else "preliminary",
        }
        yield from (common | row for row in _cells(year, say))


def _three_p(unit: UnitOfWork, wanted: Wanted) -> Iterator[dict[str, Cell]]:
    say = wording(wanted.language)
    known = {indicator.code: indicator for indicator in _chosen(unit, wanted)}
    history = revisions(unit, wanted.plan_id, wanted.zone)
    span = span_of(wanted.period)
    for pillar, code in MEASURES:
        if code not in known:
            continue
        indicator = known[code]
        for year in _years(indicator, history.get(indicator.subject, ()), unit, wanted):
            if span is not None and not span.start_on <= year.first <= span.end_on:
                continue
            common: dict[str, Cell] = {
                "pillar": say(f"table.pillar.{pillar}"),
                "indicator": code,
                "measure": indicator.title(wanted.language),
                "unit": indicator.unit or None,
                "agency": indicator.agency_code,
                "calendar": say(f"table.calendar.{year.calendar}"),
                "year": str(year.first.year) if year.calendar == "calendar" else f"{year.first.year}/{year.last.year}",
                "period_start": year.first,
                "period_end": year.last,
                "cut_off": year.until,
                "periods_reported": year.reported,
                "periods_expected": year.expected,
                "coverage": year.coverage,
            }
            yield from (common | row for row in _cells(year, say))


def _cells(year: Year, say: Wording) -> Iterator[dict[str, Cell]]:
    """Its total and its categories."""
    total = year.percent if year.percent is not None else _cell(year.value, say)
    yield _category("total", "total", say) | {"value": total}
    for dimension, parts in year.parts.items():
        for category, figure in parts.items():
            yield _category(dimension, category, say) | {"value": _cell(figure, say)}


def _cell(figure: Figure | None, say: Wording) -> Cell:
    if figure is None:
        return None
    return figure.text(say("table.protected")) if figure.is_hidden else figure.value


def _category(dimension: str, category: str, say: Wording) -> dict[str, Cell]:
    return {"dimension": dimension, "category": category, "category_name": say(f"table.category.{category}")}


def _about(indicator: Indicator, more: Any, wanted: Wanted) -> dict[str, Cell]:
    return {
        "indicator": indicator.code,
        "indicator_name": indicator.title(wanted.language),
        "area": indicator.area_code,
        "agency": indicator.agency_code,
        "unit": indicator.unit or None,
        "level": indicator.level or None,
        "direction": indicator.direction or None,
        "aggregation": indicator.aggregation or None,
        "baseline": number_or_text(indicator.baseline),
        "baseline_period": more.baseline_period or None,
        "baseline_source": more.baseline_source or None,
        "target": number_or_text(indicator.target),
        "target_on": indicator.target_on,
        "sdg_target": more.sdg_target or None,
        "sdg_indicator": more.sdg_indicator or None,
        "gcm_objective": more.gcm_objective or None,
    }


# ------------------------------------------------------------------ what was sent
class _Sent:
    """A report about an indicator: its row, and its answers by the name of their question."""

    __slots__ = ("found", "said")

    def __init__(self, found: Any, said: Mapping[str, str]) -> None:
        self.found, self.said = found, said


def _chosen(unit: UnitOfWork, wanted: Wanted) -> Iterator[Indicator]:
    agencies, areas = wanted.one_of("agency"), wanted.one_of("area")
    for indicator in unit.plans.indicators(wanted.plan_id, include_retired=True):
        if (not agencies or indicator.agency_code in agencies) and (not areas or indicator.area_code in areas):
            yield indicator


def _sent(unit: UnitOfWork, wanted: Wanted) -> dict[str, list[_Sent]]:
    """By subject, in the order of their periods, what the filters leave and allow."""
    rows = unit.connection.execute(
        select(
            _S.c.subject, _S.c.instance_id, _S.c.receipt_number, _S.c.validation_state, _S.c.submitted_at, _S.c.answers,
            _S.c.sealed_answers, _P.c.code, _P.c.start_on, _P.c.end_on,
        )
        .join(_P, _P.c.id == _S.c.reporting_period_id)
        .where(*allowed(unit, wanted), _S.c.subject.startswith("indicator:"))
        .order_by(_S.c.subject, _P.c.end_on, _S.c.id)
    )  # fmt: skip
    return {
        subject: [_Sent(found, named_answers(unit, found)) for found in group]
        for subject, group in groupby(rows, key=lambda found: found.subject)
    }


def _years(indicator: Indicator, made: Sequence[Revision], unit: UnitOfWork, wanted: Wanted) -> tuple[Year, ...]:
    plan = next(each for each in unit.plans.all() if each.id == wanted.plan_id)
    today: date = wanted.now.astimezone(wanted.zone).date()
    first = min([plan.starts_on, *(each.figure.start_on for each in made if each.figure is not None)])
    last = min(plan.ends_on, today)
    return years(indicator, made, first=first.year, last=last.year, today=today, protect=wanted.is_released)


def _columns_of(unit: UnitOfWork, wanted: Wanted) -> dict[str, Any]:
    rows = unit.connection.execute(select(_I).where(_I.c.plan_id == wanted.plan_id))
    return {found.code: found for found in rows}
