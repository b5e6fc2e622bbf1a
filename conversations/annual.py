"""Figures by the year: what is asked of a plan every May and every March, and what of it may be told.

The government's report covers January to December, the one that grades the country April to March, and today somebody
gathers both by letter (DOMAIN §1.2, §1.6). Figures come in by month or quarter, so both years are cut from the same
ones. A year without a figure is no zero: it is said how many of its periods have one.

Law: what may be told of small numbers is decided over the whole history of an indicator, in the order in which it was
told, never over the part that somebody filters: two files laid beside each other are one release.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from conversations.plan import Indicator, periods_between
from conversations.suppression import STANDARD_CELL, Figure, is_small, safe_spans, suppress, told_until

Calendar = Literal["calendar", "april"]
CALENDARS: tuple[Calendar, ...] = ("calendar", "april")

MEASURES: tuple[tuple[str, str], ...] = (
    ("prosecution", "IND-10"),
    ("prosecution", "IND-11"),
    ("prosecution", "IND-12"),
    ("protection", "IND-20"),
    ("protection", "IND-22"),
    ("protection", "IND-25"),
    ("prevention", "IND-01"),
    ("prevention", "IND-03"),
)
"""The annual 3P table: its pillar and its indicator, in the order in which the questionnaires ask."""

DIMENSIONS: Mapping[str, Mapping[str, str]] = {
    "sex_age": {"sa_women": "women", "sa_men": "men", "sa_girls": "girls", "sa_boys": "boys", "sa_unknown": "unknown"},
    "exploitation": {"ex_sexual": "sexual", "ex_labour": "labour", "ex_servitude": "servitude",
                     "ex_begging": "begging", "ex_marriage": "marriage", "ex_other": "other", "ex_unknown": "unknown"},
    "nationality": {"na_dom": "dominican", "na_hti": "haitian", "na_ven": "venezuelan",
                    "na_oth": "other_nationality", "na_unk": "unknown"},
}  # fmt: skip
"""How people are counted apart: the question of the form, and the category it counts."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A figure for a period: a number, or a share of `base`; how it divides, where that was given."""

    start_on: date
    end_on: date
    number: int
    base: int | None = None
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Dimension → category → number."""


@dataclass(frozen=True, slots=True)
class Year:
    """What is known of a year, or of the part of it that may be told."""

    calendar: Calendar
    first: date
    last: date
    until: date | None
    """The last day that the value counts; None where there is no figure, or none that may be told."""
    value: Figure | None
    """None: no figure, which is not zero."""
    percent: float | None = None
    parts: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    reported: int = 0
    expected: int = 0
    is_over: bool = False

    @property
    def coverage(self) -> str:
        if not self.reported:
            return "missing"
        if not self.is_over:
            return "running"
        return "complete" if self.reported >= self.expected else "partial"


def limit_of(indicator: Indicator) -> int:
    """Below how many its figures are small; 0 where none is."""
    return max(indicator.min_cell, STANDARD_CELL if indicator.is_restricted and not indicator.min_cell else 0)


def is_protected(indicator: Indicator) -> bool:
    return limit_of(indicator) > 1


def years(
    indicator: Indicator,
    figures: Iterable[Reported],
    *,
    first: int,
    last: int,
    today: date,
    begun_on: date,
    protect: bool,
    calendars: Sequence[Calendar] = CALENDARS,
) -> tuple[Year, ...]:
    """The years of an indicator, in order; with `protect` as they may be told to those outside."""
    found = sorted(figures, key=lambda figure: figure.end_on)
    spans = [(calendar, *_bounds(calendar, year)) for year in range(first, last + 1) for calendar in calendars]
    told = _told(indicator, found, begun_on) if protect and is_protected(indicator) else None
    return tuple(_year(indicator, found, *span, today, told) for span in spans)


def _bounds(calendar: Calendar, year: int) -> tuple[date, date]:
    if calendar == "calendar":
        return date(year, 1, 1), date(year, 12, 31)
    return date(year, 4, 1), date(year + 1, 3, 31)


def _year(
    indicator: Indicator, found: Sequence[Reported], calendar: Calendar, first: date, last: date, today: date,
    told: "dict[tuple[date, date], bool] | None",
) -> Year:  # fmt: skip
    inside = [each for each in found if first <= each.start_on and each.end_on <= last]
    periods = periods_between(first, last, types=(indicator.frequency.period_type,))
    year = Year(calendar, first, last, None, None, reported=len(inside), expected=len(periods),
                is_over=bool(periods) and today >= periods[-1].locks_on)  # fmt: skip
    if not inside:
        return year
    until = inside[-1].end_on
    if inside[-1].base is not None:
        return _share(indicator, year, inside[-1], told is not None)
    if told is None:
        exact = {name: _figures(each) for name, each in _split(indicator, inside).items()}
        return _with(year, until, Figure(_value(indicator, inside)), exact)
    may_tell = [each for each in inside if told.get((first, each.end_on))]
    if not may_tell or (calendar == "april" and may_tell[-1].end_on < last):
        total = suppress(_value(indicator, inside), min_cell=limit_of(indicator)).total
        return _with(year, None, total if total.is_hidden else Figure(None), {})
    upto = inside[: inside.index(may_tell[-1]) + 1]
    total = Figure(_value(indicator, upto))
    parts: dict[str, Mapping[str, Figure]] = {}
    if indicator.aggregation == "sum" and calendar == "calendar" and year.is_over and upto == inside:
        # Told once, when nothing more can come; by April to March it would be told twice, three months apart, and of
        # a count that goes on over the years every year.
        for name, split in _split(indicator, inside).items():
            parts[name] = suppress(sum(split.values()), split, min_cell=limit_of(indicator)).parts
    return _with(year, upto[-1].end_on, total, parts)


def _with(year: Year, until: date | None, value: Figure, parts: Mapping[str, Mapping[str, Figure]]) -> Year:
    return Year(year.calendar, year.first, year.last, until, value, None, {k: v for k, v in parts.items() if v},
                year.reported, year.expected, year.is_over)  # fmt: skip


def _share(indicator: Indicator, year: Year, last: Reported, protect: bool) -> Year:
    """The last share of the year, rounded; with `protect` nothing where it or its rest is of few."""
    base = last.base or 0
    limit = limit_of(indicator)
    if protect and any(is_small(number, limit) for number in (last.number, base - last.number, base)):
        return _with(year, None, Figure(None), {})
    percent = round(100 * last.number / base, 0 if protect else 1) if base else None
    return Year(year.calendar, year.first, year.last, last.end_on, Figure(None), percent, {},
                year.reported, year.expected, year.is_over)  # fmt: skip


def _value(indicator: Indicator, figures: Sequence[Reported]) -> int:
    return sum(each.number for each in figures) if indicator.aggregation == "sum" else figures[-1].number


def _split(indicator: Indicator, figures: Sequence[Reported]) -> dict[str, dict[str, int]]:
    """Dimension → category → number; whom a period has not divided is unknown."""
    counted = figures if indicator.aggregation == "sum" else figures[-1:]
    found: dict[str, dict[str, int]] = {}
    for name in DIMENSIONS:
        if not any(name in each.parts for each in counted):
            continue
        split: dict[str, int] = {}
        for each in counted:
            parts = each.parts.get(name, {})
            for category, number in parts.items():
                split[category] = split.get(category, 0) + number
            split["unknown"] = split.get("unknown", 0) + each.number - sum(parts.values())
        if all(number >= 0 for number in split.values()):
            found[name] = split
    return found


def _figures(parts: Mapping[str, int]) -> dict[str, Figure]:
    return {name: Figure(number) for name, number in parts.items()}


def _told(indicator: Indicator, found: Sequence[Reported], begun_on: date) -> dict[tuple[date, date], bool]:
    """Which spans may be told, in the order in which they could be: each as soon as its last period is in."""
    limit = limit_of(indicator)
    if indicator.aggregation != "sum":
        return _told_of_a_stock(indicator, found, limit)
    amounts = [(each.end_on, each.number) for each in found]
    spans: list[tuple[date, date]] = []
    for each in found:
        spans.append((date(each.end_on.year, 1, 1), each.end_on))
        if each.end_on.month == 3:
            spans.append((date(each.end_on.year - 1, 4, 1), each.end_on))
    may = safe_spans(amounts, spans, nothing_before=begun_on, min_cell=limit)
    return dict(zip(spans, may, strict=True))


def _told_of_a_stock(
    indicator: Indicator, found: Sequence[Reported], limit: int
) -> dict[tuple[date, date], bool]:  # fmt: skip
    """A count that goes on over the years: beside its baseline, which everybody knows, and all told before."""
    baseline = [int(indicator.baseline)] if indicator.baseline.isdecimal() else []
    told: dict[tuple[date, date], bool] = {}
    for at, each in enumerate(found):
        numbers = [*baseline, *(one.number for one in found[: at + 1])]
        is_told = told_until(numbers, min_cell=limit) == len(numbers) - 1
        for calendar in CALENDARS:
            for year in (each.end_on.year - 1, each.end_on.year):
                start, end = _bounds(calendar, year)
                if start <= each.end_on <= end:
                    told[start, each.end_on] = is_told
    return told
