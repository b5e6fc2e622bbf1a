"""Indicators and the annual 3P table: value, divisions, target, baseline, unit and cut-off
(docs/domain.md#annual-table).

Sources count in different units, and figures without their unit, source and last day have been quoted wrongly. So each
row has all of these. Inside the coordination, a row is what was reported for a period. For outsiders, a figure of few
people is told only for the year. `conversations.plan.figures.annual` decides that over the whole history, whatever the
filters are.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select

from conversations.plan.expected import expected_indicators
from conversations.plan.figures.annual import DIMENSIONS, PILLARS, Locks, Revision, Year, is_protected, years
from conversations.plan.figures.suppression import Figure
from conversations.plan.model import DEFINITION, Indicator, Target
from conversations.plan.periods import ReportingPeriod as PlanPeriod
from conversations.plan.versions import as_of, by_code
from conversations.wording import Wording, wording
from storage.database.models import Indicator as IndicatorTable
from storage.database.models import ReportingPeriod, Submission, table
from storage.exports.choosing import allowed, root_receipt
from storage.exports.datasets.closings import history_of
from storage.exports.datasets.plan import shows_gcm
from storage.exports.datasets.reports import number_or_text
from storage.exports.tables import Cell, Extract, Kind, at, one_table
from storage.exports.wanted import PUBLIC, Wanted, span_of
from storage.plan.cadences import Cadences
from storage.reports.revisions import reported, revisions
from storage.reports.submissions import named_answers
from storage.unit_of_work import UnitOfWork

_S, _P, _I = table(Submission), table(ReportingPeriod), table(IndicatorTable)

INDICATORS: tuple[tuple[str, Kind], ...] = (
    ("indicator", Kind.TEXT),
    ("continues", Kind.TEXT),
    ("indicator_name", Kind.TEXT),
    ("area", Kind.TEXT),
    ("agency", Kind.TEXT),
    ("unit", Kind.CODE),
    ("level", Kind.CODE),
    ("direction", Kind.CODE),
    ("aggregation", Kind.CODE),
    ("period", Kind.TEXT),
    ("period_start", Kind.DAY),
    ("period_end", Kind.DAY),
    ("cut_off", Kind.DAY),
    ("data_status", Kind.CODE),
    ("dimension", Kind.CODE),
    ("category", Kind.TEXT),
    ("category_name", Kind.TEXT),
    ("value", Kind.DECIMAL),
    ("value_status", Kind.CODE),
    ("value_below", Kind.WHOLE),
    ("baseline", Kind.DECIMAL),
    ("baseline_period", Kind.TEXT),
    ("baseline_source", Kind.TEXT),
    ("target", Kind.DECIMAL),
    ("target_on", Kind.DAY),
    ("sdg_target", Kind.TEXT),
    ("sdg_indicator", Kind.TEXT),
)
GCM = ("gcm_objective", Kind.TEXT)
EARLIER: tuple[tuple[str, Kind], ...] = (("earlier_plan", Kind.TEXT), ("goes_on_as", Kind.TEXT), ("differs", Kind.TEXT))
"""Of a plan that follows another: the plan that a row is from, its indicators here, and what they define otherwise."""
INDICATORS_INSIDE: tuple[tuple[str, Kind], ...] = (
    ("numerator", Kind.WHOLE),
    ("denominator", Kind.WHOLE),
    ("data_source", Kind.CODE),
    ("validation", Kind.CODE),
    ("receipt", Kind.WHOLE),
    ("root_receipt", Kind.WHOLE),
    ("submitted_at", Kind.INSTANT),
)
THREE_P: tuple[tuple[str, Kind], ...] = (
    ("pillar", Kind.CODE),
    ("indicator", Kind.TEXT),
    ("measure", Kind.TEXT),
    ("unit", Kind.CODE),
    ("agency", Kind.TEXT),
    ("calendar", Kind.CODE),
    ("year", Kind.TEXT),
    ("period_start", Kind.DAY),
    ("period_end", Kind.DAY),
    ("cut_off", Kind.DAY),
    ("dimension", Kind.CODE),
    ("category", Kind.TEXT),
    ("category_name", Kind.TEXT),
    ("value", Kind.DECIMAL),
    ("value_status", Kind.CODE),
    ("value_below", Kind.WHOLE),
    ("periods_reported", Kind.WHOLE),
    ("periods_expected", Kind.WHOLE),
    ("coverage", Kind.CODE),
)


def indicators(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each figure: the total, and each category.

    Every period in which an indicator was expected has a row: with a figure, or with the reason why there is none.
    `value` is a number or empty; `value_status` is the reason. Zero is a number (docs/domain.md#rates). In an export of
    the whole plan, an indicator that was never asked yet has a row too, for its target.

    In a plan that follows another, the rows of the earlier one come first, as anybody may see them.
    """
    named = INDICATORS
    if unit.plans.by_id(wanted.plan_id).succeeds_id is not None:
        named = (*named, *EARLIER)
    if shows_gcm(unit, wanted):
        named = (*named, GCM)
    if not wanted.is_released:
        named = (*named, *INDICATORS_INSIDE)
    rows = [*_earlier(unit, wanted), *_named(_indicators(unit, wanted), unit, wanted)]
    told = ([row.get(name) for name, _ in named] for row in rows)
    return replace(one_table("indicators", wanted, named, len(rows), told), overview="charts")


def three_p(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """The annual table, January to December and April to March, for every year of the plan that has begun."""
    rows = list(_named(_three_p(unit, wanted), unit, wanted))
    told = ([row.get(name) for name, _ in THREE_P] for row in rows)
    return replace(one_table("3p", wanted, THREE_P, len(rows), told), overview="crosstab")


# ------------------------------------------------------------------ rows
Row = dict[str, Cell]


def _earlier(unit: UnitOfWork, wanted: Wanted) -> Iterator[Row]:
    """The public rows of the plans before this one, of the indicators that go on in it; the oldest plan first.

    Nothing is added up across plans. An export of what has changed, or of a state of validation, has none of them.
    """
    plan = unit.plans.by_id(wanted.plan_id)
    if plan.succeeds_id is None or wanted.validation or wanted.since:
        return
    old = unit.plans.by_id(plan.succeeds_id)
    of_old = replace(wanted, plan_id=old.id, timezone=old.timezone, audience=PUBLIC, agency="", area="")
    present = {each.code: each for each in unit.plans.indicators(plan.id) if _is_wanted(each, wanted)}
    became = unit.succession.became(plan.id)
    for row in (*_earlier(unit, of_old), *_named(_indicators(unit, of_old), unit, of_old)):
        codes = str(row.get("goes_on_as") or row["indicator"]).split()
        new = dict.fromkeys(code for each in codes if each in became for code in became[each].codes)
        here = [present[code] for code in new if code in present]
        differs = [name for name in DEFINITION if any((getattr(each, name) or None) != row[name] for each in here)]
        if here:
            yield {"earlier_plan": old.code} | row | {
                "goes_on_as": " ".join(each.code for each in here), "differs": " ".join(differs) or None
            }  # fmt: skip


def _indicators(unit: UnitOfWork, wanted: Wanted) -> Iterator[Row]:
    panel = _Panel(unit, wanted)
    more = _columns_of(unit, wanted)
    is_whole = not any((wanted.period, wanted.validation, wanted.since))
    for versions in _chosen(unit, wanted):
        rows = list(panel.rows(versions)) or ([{"value_status": "not_expected"}] if is_whole else [])
        for row in rows:
            told = as_of(versions, panel.seals_on(row)) if "period" in row else versions[0]
            if _is_wanted(told, wanted):
                end_on = row.get("period_end")
                year = end_on.year if isinstance(end_on, date) else panel.year
                yield _about(told, more[told.code], wanted, told.target_of(year)) | row


class _Panel:
    """The figures of indicators, and the reason for each expected figure that is missing."""

    def __init__(self, unit: UnitOfWork, wanted: Wanted) -> None:
        self._unit, self._wanted, self._say = unit, wanted, wording(wanted.language)
        self._sent = _sent(unit, wanted)
        self._history = revisions(unit, wanted.plan_id, wanted.zone) if wanted.is_released else {}
        self._locks = unit.of(Cadences).locks(wanted.plan_id) if wanted.is_released else {}
        self._reported = _reported_periods(unit, wanted)
        self._span = span_of(wanted.period)
        self._today = wanted.now.astimezone(wanted.zone).date()
        self.year = self._today.year
        self._periods = [each for each in unit.plans.periods(wanted.plan_id) if each.opens_on <= self._today]
        # With a filter by state or by change, every row was sent, so nothing of it is missing.
        self._tells_gaps = not wanted.validation and not wanted.since
        self._seals = {each.code: each.seals_on for each in unit.plans.periods(wanted.plan_id)}
        has_computed = not wanted.validation and any(each[0].is_computed for each in _chosen(unit, wanted))
        self._closings = history_of(unit, wanted) if has_computed else ()

    def seals_on(self, row: Row) -> date:
        """Return the day that settled what was expected for a row's period, or for the last one of its year."""
        code, end_on = row["period"], row["period_end"]
        assert isinstance(code, str)
        assert isinstance(end_on, date)
        within = [self._seals[each.code] for each in self._periods if code in (each.code, str(each.end_on.year))]
        return self._seals.get(code) or max(within, default=end_on)

    def rows(self, versions: Sequence[Indicator]) -> Iterator[Row]:
        """The rows of an indicator. `versions` are how it is and how it was."""
        indicator = versions[0]
        if indicator.is_computed:
            return self._computed(versions)
        made = self._history.get(indicator.subject, ())
        if self._wanted.is_released and is_protected(indicator, made):
            return self._by_the_year(versions, made)
        return self._by_the_period(versions)

    def _by_the_period(self, versions: Sequence[Indicator]) -> Iterator[Row]:
        indicator = versions[0]
        sent = {one.found.code: one for one in self._sent.get(indicator.subject, ())}
        periods = {code: (one.found.end_on, one.found.start_on) for code, one in sent.items()}
        if self._tells_gaps:
            for period in self._periods:
                if expected_indicators(versions, period) and self._is_chosen(period):
                    periods[period.code] = period.end_on, period.start_on
        for code, (end_on, start_on) in sorted(periods.items(), key=lambda pair: (pair[1], pair[0])):
            common: Row = {"period": code, "period_start": start_on, "period_end": end_on}
            if code in sent:
                yield from (common | row for row in _as_reported(sent[code], self._wanted, self._say))
            else:
                yield common | self._gap(indicator, (code,))

    def _by_the_year(self, versions: Sequence[Indicator], made: Sequence[Revision]) -> Iterator[Row]:
        indicator = versions[0]
        since = self._wanted.since_at
        for year in _years(versions, made, self._unit, self._wanted, self._locks):
            if year.calendar != "calendar":
                continue
            if self._span is not None and not self._span.holds(str(year.first.year), year.first, year.last):
                continue
            if since is not None and not _has_changed(year, made, since.astimezone(self._wanted.zone).date()):
                continue
            common: Row = {"period": str(year.first.year), "period_start": year.first, "period_end": year.last}
            if year.reported:
                # A year that a filter cuts short is not told as a year: missing periods would be wrong, and few people
                # would show.
                is_whole = year.coverage == "complete" and year.until == year.reported_until
                common |= {"cut_off": year.until, "data_status": "final" if is_whole else "preliminary"}
                yield from (common | row for row in _cells(year))
                continue
            asked = [
                each.code
                for each in self._periods
                if year.first <= each.end_on <= year.last and expected_indicators(versions, each)
            ]
            if asked and self._tells_gaps:
                yield common | self._gap(indicator, asked)

    def _gap(self, indicator: Indicator, codes: Collection[str]) -> Row:
        """The row of an expected figure that is not told: nobody sent it, or this audience may not have it."""
        if any((indicator.subject, code) in self._reported for code in codes):
            return {"value_status": "not_allowed"}
        return {"data_status": "missing", "value_status": "missing"}

    def _computed(self, versions: Sequence[Indicator]) -> Iterator[Row]:
        """The figures that the bot computes itself, at the closing of each period."""
        since = self._wanted.since_at
        for told in self._closings:
            for period in told.closing.periods:
                indicator = as_of(versions, period.seals_on)
                if period.type != indicator.frequency.period_type or not self._is_chosen(period):
                    continue
                if since is not None and told.closing.locks_on < since.astimezone(self._wanted.zone).date():
                    continue
                number, base = told.counted(indicator.computed, self._wanted.zone)
                if not base:
                    continue
                about: Row = {
                    "period": period.code, "period_start": period.start_on, "period_end": period.end_on,
                    "cut_off": period.end_on, "numerator": number, "denominator": base, "data_source": "system",
                    "data_status": "final" if self._today >= told.closing.locks_on else "preliminary",
                    "value": round(100 * number / base, 1), "value_status": "told",
                }  # fmt: skip
                yield about | _category("total", "total")

    def _is_chosen(self, period: PlanPeriod) -> bool:
        return self._span is None or self._span.holds(period.code, period.start_on, period.end_on)


def _has_changed(year: Year, made: Sequence[Revision], since: date) -> bool:
    return any(
        each.on >= since and (each.figure is None or year.first <= each.figure.end_on <= year.last) for each in made
    )


def _as_reported(sent: "_Sent", wanted: Wanted, say: Wording) -> Iterator[Row]:
    said, found = sent.said, sent.found
    figure = reported(said, found.start_on, found.end_on)
    common: Row = {
        "cut_off": found.end_on,
        "data_status": said.get("data_status") or None,
        "data_source": said.get("data_source") or None,
        "validation": found.validation_state,
        "receipt": found.receipt_number,
        "root_receipt": found.root_receipt,
        "submitted_at": at(found.submitted_at, wanted.zone),
    }
    value: Cell = None
    if figure is not None:
        value = figure.number
        if figure.base is not None:
            value = round(100 * figure.number / figure.base, 1) if figure.base else None
            common |= {"numerator": figure.number, "denominator": figure.base}
    status = "told" if value is not None else "no_figure"
    yield common | _category("total", "total") | {"value": value, "value_status": status}
    for dimension, parts in (figure.parts if figure else {}).items():
        for category, amount in parts.items():
            yield common | _category(dimension, category) | {"value": amount, "value_status": "told"}


def _three_p(unit: UnitOfWork, wanted: Wanted) -> Iterator[Row]:
    """The rows of one pillar after the other; each year's as the indicator was when the year had locked."""
    history, locks = revisions(unit, wanted.plan_id, wanted.zone), unit.of(Cadences).locks(wanted.plan_id)
    span, today = span_of(wanted.period), wanted.now.astimezone(wanted.zone).date()
    chosen = [
        year
        for versions in _chosen(unit, wanted)
        for year in _years(versions, history.get(versions[0].subject, ()), unit, wanted, locks)
        if year.first <= today and (span is None or span.start_on <= year.first <= span.end_on)
        if year.indicator.annual_table in PILLARS and _is_wanted(year.indicator, wanted)
    ]
    for year in sorted(chosen, key=lambda each: PILLARS.index(each.indicator.annual_table)):
        indicator = year.indicator
        common: Row = {
            "pillar": indicator.annual_table,
            "indicator": indicator.code,
            "measure": indicator.title(wanted.language),
            "unit": indicator.unit or None,
            "agency": indicator.agency_code,
            "calendar": year.calendar,
            "year": str(year.first.year) if year.calendar == "calendar" else f"{year.first.year}/{year.last.year}",
            "period_start": year.first,
            "period_end": year.last,
            "cut_off": year.until,
            "periods_reported": year.reported,
            "periods_expected": year.expected,
            "coverage": year.coverage,
        }
        yield from (common | row for row in _cells(year))


def _cells(year: Year) -> Iterator[Row]:
    """The cells of a year: its total and its categories."""
    total: Row = _cell(year.value)
    if year.percent is not None:
        total = {"value": year.percent, "value_status": "told"}
    yield _category("total", "total") | total
    for dimension, parts in year.parts.items():
        for category, figure in parts.items():
            yield _category(dimension, category) | _cell(figure)


def _cell(figure: Figure | None) -> Row:
    """The cell of a figure. None: nobody reported it."""
    if figure is None:
        return {"value_status": "missing"}
    if figure.is_hidden:
        return {"value_status": "suppressed", "value_below": figure.below or None}
    return {"value": figure.value, "value_status": "told"}


def _category(dimension: str, category: str) -> Row:
    return {"dimension": dimension, "category": category}


def _named(rows: Iterable[Row], unit: UnitOfWork, wanted: Wanted) -> Iterator[Row]:
    """Give each category its label.

    It comes from the catalogue, otherwise from the plan's list of its dimension; otherwise the label is the code.
    """
    say = wording(wanted.language)
    listed = {
        (dimension, label.code.casefold()): label.text(wanted.language)
        for dimension in DIMENSIONS
        for label in unit.plans.code_list(wanted.plan_id, dimension)
    }
    for row in rows:
        if isinstance(category := row.get("category"), str):
            key = f"table.category.{category}"
            told = say(key) if key in say else listed.get((str(row["dimension"]), category), category.upper())
            yield row | {"category_name": told}
        else:
            yield row


def _about(indicator: Indicator, more: Any, wanted: Wanted, target: Target) -> Row:
    return {
        "indicator": indicator.code,
        "continues": indicator.continues or None,
        "indicator_name": indicator.title(wanted.language),
        "area": indicator.area_code,
        "agency": indicator.agency_code,
        "unit": indicator.unit or None,
        "level": indicator.level or None,
        "direction": indicator.direction or None,
        "aggregation": indicator.aggregation or None,
        "baseline": number_or_text(indicator.baseline),
        "baseline_period": indicator.baseline_period or None,
        "baseline_source": more.baseline_source or None,
        "target": number_or_text(target.value),
        "target_on": target.on,
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


def _chosen(unit: UnitOfWork, wanted: Wanted) -> list[list[Indicator]]:
    """Return the indicators that the filters choose in any version, each as its versions, the present one first."""
    every = by_code(unit.plans.indicators_ever(wanted.plan_id)).values()
    return [versions for versions in every if any(_is_wanted(each, wanted) for each in versions)]


def _is_wanted(indicator: Indicator, wanted: Wanted) -> bool:
    agencies, areas = wanted.one_of("agency"), wanted.one_of("area")
    return (not agencies or indicator.agency_code in agencies) and (not areas or indicator.area_code in areas)


def _sent(unit: UnitOfWork, wanted: Wanted) -> dict[str, list[_Sent]]:
    """Return, by subject and in the order of the periods, the reports that the filters and the audience allow."""
    rows = unit.connection.execute(
        select(
            _S.c.subject, _S.c.instance_id, _S.c.receipt_number, root_receipt(), _S.c.validation_state,
            _S.c.submitted_at, _S.c.answers, _S.c.sealed_answers, _P.c.code, _P.c.start_on, _P.c.end_on,
        )
        .join(_P, _P.c.id == _S.c.reporting_period_id)
        .where(*allowed(unit, wanted), _S.c.subject.startswith("indicator:"))
        .order_by(_S.c.subject, _P.c.end_on, _S.c.id)
    )  # fmt: skip
    return {
        subject: [_Sent(found, named_answers(unit, found)) for found in group]
        for subject, group in groupby(rows, key=lambda found: found.subject)
    }


def _reported_periods(unit: UnitOfWork, wanted: Wanted) -> frozenset[tuple[str, str]]:
    """Subject and period of every report about an indicator, in any state and for any audience."""
    rows = unit.connection.execute(
        select(_S.c.subject, _P.c.code)
        .join(_P, _P.c.id == _S.c.reporting_period_id)
        .where(_S.c.plan_id == wanted.plan_id, _S.c.is_current, _S.c.subject.startswith("indicator:"))
    )
    return frozenset((subject, code) for subject, code in rows)


def _years(
    versions: Sequence[Indicator], made: Sequence[Revision], unit: UnitOfWork, wanted: Wanted, locks: Locks
) -> tuple[Year, ...]:
    plan = unit.plans.by_id(wanted.plan_id)
    today: date = wanted.now.astimezone(wanted.zone).date()
    first = min([plan.starts_on, *(each.figure.start_on for each in made if each.figure is not None)])
    last = min(plan.ends_on, today)
    return years(versions, made, first=first.year, last=last.year, today=today, protect=wanted.is_released, locks=locks)


def _columns_of(unit: UnitOfWork, wanted: Wanted) -> dict[str, Any]:
    rows = unit.connection.execute(select(_I).where(_I.c.plan_id == wanted.plan_id))
    return {found.code: found for found in rows}
