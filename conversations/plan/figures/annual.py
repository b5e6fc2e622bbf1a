"""Figures by the year: what a plan is asked for every May and every March, and which part may be told.

The government's report covers January to December. The report that grades the country covers April to March. Today
somebody gathers both by letter (docs/domain.md#annual-table). Figures come in by month or quarter, so both years are
made from the same ones. A year without a figure is not zero; the text says how many of its periods have one.

Law: what may be told of small numbers is decided over the whole history of an indicator, corrections included, in the
order of its validations. It is never decided over the part that somebody filters, because a reader can compare two
files, also yesterday's file and today's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Literal

from conversations.plan.figures.suppression import Figure, Releases, is_small, protected_below, suppress
from conversations.plan.model import Indicator
from conversations.plan.periods import Frequency, ReportingPeriod, periods_between
from conversations.plan.versions import as_of

Calendar = Literal["calendar", "april"]
CALENDARS: tuple[Calendar, ...] = ("calendar", "april")

PILLARS: tuple[str, ...] = ("prosecution", "protection", "prevention")
"""The parts of the annual 3P table, in the order of the questionnaires. Each indicator's column names one of them."""


DIMENSIONS: Mapping[str, str] = {"sex_age": "sa_", "exploitation": "ex_", "nationality": "na_"}
"""The ways in which people are divided, and how the names of their questions begin in the form.

The rest of the name is the category: `sa_women`. If the form takes its categories from the plan, the code of `na_1` is
the answer of `na_1_code`. The form and the plan decide which categories there are.
"""
_LAST = ("other", "unknown")
"""Categories that come after those of the form."""
_SHORT: Mapping[str, str] = {"unk": "unknown", "oth": "other"}


def counts_by_category(answers: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return dimension → category → number, as the names of a report's questions give them."""
    found: dict[str, dict[str, int]] = {}
    for dimension, beginning in DIMENSIONS.items():
        for name, text in answers.items():
            if name.startswith(beginning) and (number := whole(text)) is not None:
                category = (answers.get(f"{name}_code") or name.removeprefix(beginning)).casefold()
                found.setdefault(dimension, {})[_SHORT.get(category, category)] = number
    return found


def whole(text: str | None) -> int | None:
    """Read an answer as a count. None if it is not one: another edition of the form may ask something else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None


Locks = Mapping[str, date]
"""The day on which each period locks by its cadence, by the period's code. A year is over when its last period locks.

A day that an admin has set does not count: otherwise an old year's figures would change with it.
"""


@dataclass(frozen=True, slots=True)
class Reported:
    """A figure for a period: a number, or a share of `base`; and its parts by category, if they were given."""

    start_on: date
    end_on: date
    number: int
    base: int | None = None
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Dimension → category → number."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The validated figure of a report, valid from one day on. None: the report has no figure any more."""

    on: date
    report: str
    """The report's name. All its versions share it."""
    figure: Reported | None
    is_sealed: bool = False
    """Whether the indicator was restricted when it was reported. What the plan says now does not matter."""
    limit: int = 0
    """The number below which its figures were small on that day. A lower one of today does not open them."""


@dataclass(frozen=True, slots=True)
class Year:
    """The figures of a year, or of the part of a year that may be told."""

    indicator: Indicator = field(compare=False)
    """As it was when the year's last period locked, which settled what was expected of the year."""
    calendar: Calendar
    first: date
    last: date
    until: date | None
    """The last day that the value includes. None if there is no figure, or none that may be told."""
    value: Figure | None
    """None: no figure, which is not zero."""
    percent: float | None = None
    parts: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    reported: int = 0
    expected: int = 0
    is_over: bool = False
    reported_until: date | None = None
    """The last day that was reported, whether it may be told or not."""

    @property
    def coverage(self) -> str:
        if not self.reported:
            return "missing"
        if not self.is_over:
            return "running"
        return "complete" if self.reported >= self.expected else "partial"


def limit_of(indicator: Indicator, *, was_sealed: bool = False) -> int:
    """Return the number below which this indicator's figures are small; 0 if none is.

    `was_sealed`: one of its reports was sealed when it was sent. Such an indicator stays protected.
    """
    is_restricted = indicator.is_restricted or was_sealed
    return protected_below(indicator.min_cell, indicator.standard_cell, is_restricted=is_restricted)


def is_protected(indicator: Indicator, revisions: Collection[Revision] = ()) -> bool:
    return max([_limit(indicator, revisions), *(each.limit for each in revisions)]) > 1


def _limit(indicator: Indicator, revisions: Iterable[Revision]) -> int:
    return limit_of(indicator, was_sealed=any(each.is_sealed for each in revisions))


@dataclass(frozen=True, slots=True)
class IndicatorYear:
    """An indicator and its year, as a reader gets them."""

    indicator: Indicator
    year: Year
    so_far: Figure | None = None
    """For an indicator that is added up: the sum since its first year. A target of the whole plan is compared with it.

    None if the indicator is not added up, if its target is of a year, or if there are no earlier years.
    """

    @property
    def target(self) -> str:
        """The target that holds in this year."""
        return self.indicator.target_of(self.year.first.year).value


def years(
    versions: Sequence[Indicator],
    revisions: Sequence[Revision],
    *,
    first: int,
    last: int,
    today: date,
    protect: bool,
    locks: Locks,
    calendars: Sequence[Calendar] = CALENDARS,
) -> tuple[Year, ...]:
    """Return the years of an indicator as they are on that day, in order. With `protect`, as outsiders may see them.

    `versions` are those of the indicator, the present one first. A year goes by the one of the day on which its last
    period locked. What protects people counts as it is today, and so does what is added up under protection: what was
    told of it was decided so. `revisions` are all that were ever made, in their order.
    """
    indicator = versions[0]
    standing = {each.report: each.figure for each in revisions}
    found = sorted((figure for figure in standing.values() if figure is not None), key=lambda figure: figure.end_on)
    spans = [(calendar, *_bounds(calendar, year)) for year in range(first, last + 1) for calendar in calendars]
    told = None
    if protect and is_protected(indicator, revisions):
        versions = [replace(each, aggregation=indicator.aggregation) for each in versions]
        told = _Told(versions, _limit(indicator, revisions), revisions, today, locks)
    return tuple(_year(_of_year(versions, span[-1], locks), found, *span, today, told, locks) for span in spans)


def _of_year(versions: Sequence[Indicator], last: date, locks: Locks) -> Indicator:
    """Return the version by which the year goes that ends on this day."""
    ends = _ends(last)
    return as_of(versions, max(_locks_on(each, locks) for each in ends)) if ends else versions[0]


@lru_cache(maxsize=256)
def _ends(last: date) -> tuple[ReportingPeriod, ...]:
    """Return the periods, of whatever length, that end on this day."""
    return tuple(each for each in periods_between(date(last.year, 1, 1), last) if each.end_on == last)


def this_year(
    indicator: Indicator, revisions: Sequence[Revision], today: date, *, protect: bool, locks: Locks
) -> IndicatorYear:
    """Return the figures of that day's calendar year, up to that day."""
    ends = [each.figure.end_on.year for each in revisions if each.figure is not None]
    found = years(
        (indicator,),
        revisions,
        first=min([today.year, *ends]),
        last=today.year,
        today=today,
        protect=protect,
        locks=locks,
        calendars=CALENDARS[:1],
    )
    return IndicatorYear(indicator, found[-1], _so_far(indicator, found))


def _so_far(indicator: Indicator, found: Sequence[Year]) -> Figure | None:
    """Return the sum since the beginning.

    It is hidden if one of its years is: the other years are not the whole sum.
    """
    known = [each.value for each in found if each.reported and each.value is not None]
    is_added_up = indicator.aggregation == "sum" and not indicator.is_by_the_year
    if not is_added_up or not any(each.reported for each in found[:-1]):
        return None
    numbers = [each.value for each in known if each.value is not None]
    return Figure(sum(numbers)) if len(numbers) == len(known) else Figure(None)


@lru_cache(maxsize=256)
def _periods(first: date, last: date, frequency: Frequency) -> tuple[ReportingPeriod, ...]:
    """Return the periods of a year. Every indicator of this frequency asks for the same ones, release by release."""
    return periods_between(first, last, types=(frequency.period_type,))


def _bounds(calendar: Calendar, year: int) -> tuple[date, date]:
    if calendar == "calendar":
        return date(year, 1, 1), date(year, 12, 31)
    return date(year, 4, 1), date(year + 1, 3, 31)


def _year(
    indicator: Indicator, found: Sequence[Reported], calendar: Calendar, first: date, last: date, today: date,
    told: "_Told | None", locks: Locks,
) -> Year:  # fmt: skip
    inside = [each for each in found if first <= each.start_on and each.end_on <= min(last, today)]
    periods = _periods(first, last, indicator.frequency)
    year = Year(indicator, calendar, first, last, None, None, reported=len(inside), expected=len(periods),
                is_over=bool(periods) and today >= _locks_on(periods[-1], locks),
                reported_until=inside[-1].end_on if inside else None)  # fmt: skip
    if not inside:
        return year
    until = inside[-1].end_on
    if inside[-1].base is not None:
        return _share(year, inside[-1], told)
    if told is None:
        exact = {name: _figures(each) for name, each in _split(indicator, inside).items()}
        return _with(year, until, Figure(_value(indicator, inside)), exact)
    may_tell = [each for each in inside if told.is_told(first, each)]
    if calendar == "april" and (not may_tell or may_tell[-1].end_on < last):
        # That it is small would limit a quarter which the calendar years leave open.
        return _with(year, None, Figure(None), {})
    if not may_tell:
        total = suppress(_value(indicator, inside), min_cell=told.highest).total
        return _with(year, None, total if total.is_hidden else Figure(None), {})
    upto = inside[: inside.index(may_tell[-1]) + 1]
    total = Figure(_value(indicator, upto))
    parts: dict[str, Mapping[str, Figure]] = {}
    if calendar == "calendar" and year.is_over and upto == inside:
        for name, split in _split(indicator, inside).items():
            if limit := told.divided_under(first.year, name, split):
                parts[name] = suppress(sum(split.values()), split, min_cell=limit).parts
    return _with(year, upto[-1].end_on, total, parts)


def _locks_on(period: ReportingPeriod, locks: Locks) -> date:
    return locks.get(period.code, period.locks_on)


def _with(year: Year, until: date | None, value: Figure, parts: Mapping[str, Mapping[str, Figure]]) -> Year:
    return replace(year, until=until, value=value, parts={name: split for name, split in parts.items() if split})


def _share(year: Year, last: Reported, told: "_Told | None") -> Year:
    """Return the last share of the year. For outsiders it is rounded, and hidden if it was not told."""
    if told and not told.is_share_told(last):
        return _with(year, None, Figure(None), {})
    percent = round(100 * last.number / last.base, 0 if told else 1) if last.base else None
    return replace(year, until=last.end_on, value=Figure(None), percent=percent)


def _value(indicator: Indicator, figures: Sequence[Reported]) -> int:
    return sum(each.number for each in figures) if indicator.aggregation == "sum" else figures[-1].number


def _split(indicator: Indicator, figures: Sequence[Reported]) -> dict[str, dict[str, int]]:
    """Return dimension → category → number. People whom a report did not divide by category are counted as unknown."""
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
            found[name] = dict(sorted(split.items(), key=lambda each: _place(name, each[0])))
    return found


def _place(dimension: str, category: str) -> tuple[int, str]:
    """Return what sorts a category: its place in the form, or the code that a reporter chose for it.

    Reporters write the largest nationality first, so their order would tell about the numbers.
    """
    return (_LAST.index(category) if category in _LAST else -1), (category if dimension == "nationality" else "")


def _figures(parts: Mapping[str, int]) -> dict[str, Figure]:
    return {name: Figure(number) for name, number in parts.items()}


class _Told:
    """Everything that outsiders have been told about an indicator, release by release.

    A limit that is lowered holds from the next report on. If it opened the reports of before, the files of before,
    which said `<10` of them, and the new ones would be two answers to one question. A limit that is raised holds for
    all of them.
    """

    def __init__(
        self, versions: Sequence[Indicator], limit: int, revisions: Sequence[Revision], today: date, locks: Locks
    ) -> None:
        indicator = versions[0]
        self._locks = locks
        self._versions = versions
        self._limit = limit
        self.highest = max([limit, *(each.limit for each in revisions)])
        self._is_sum = indicator.aggregation == "sum"
        self._known: dict[str, Reported] = {}
        self._sums = Releases(limit)
        # For a count that goes on over the years: its baseline, which is public, and everything told since.
        self._numbers = {int(indicator.baseline)} if indicator.baseline.isdecimal() else set()
        self._told: dict[date, int] = {}
        self._shares: dict[date, list[Reported]] = {}
        self._splits: dict[tuple[int, str], list[tuple[Mapping[str, int], int]]] = {}
        """Every split that was told, with the limit then. A later one must hide nobody beside any of them."""
        self._over: set[int] = set()
        self._ends: dict[int, date] = {}
        for each in revisions:
            self._years_end(each.on)
            self._limit = max(limit, each.limit)
            self._sums.limit(self._limit)
            self._learn(each)
        self._years_end(today)

    def is_told(self, first: date, figure: Reported) -> bool:
        """Return whether the sum from a first day to the end of this figure was told as it is known now."""
        if self._is_sum:
            return self._sums.is_told(first, figure.end_on)
        return self._told.get(figure.end_on) == figure.number

    def divided_under(self, year: int, dimension: str, split: Mapping[str, int]) -> int:
        """Return the limit under which the year was told with exactly these parts; 0 if it was not."""
        return next((limit for told, limit in self._splits.get((year, dimension), ()) if told == split), 0)

    def is_share_told(self, figure: Reported) -> bool:
        """Return whether this share was told with exactly these people."""
        return figure in self._shares.get(figure.end_on, ())

    def _learn(self, revision: Revision) -> None:
        old, new = self._known.pop(revision.report, None), revision.figure
        if new is not None:
            self._known[revision.report] = new
        about = new or old
        if about is None:
            return
        if new is not None and new.base is not None:
            self._tell_share(new)
        if self._is_sum:
            self._sums.learn(about.end_on, (new.number if new else 0) - (old.number if old else 0))
        for calendar in CALENDARS:
            for year in (about.end_on.year - 1, about.end_on.year):
                first, last = _bounds(calendar, year)
                if first <= about.start_on and about.end_on <= last:
                    self._tell(calendar, first, last)
        if about.end_on.year in self._over:
            self._divide(about.end_on.year)

    def _tell(self, calendar: Calendar, first: date, last: date) -> None:
        """Tell a calendar year as far as it is known. Tell the year to March only when it is complete."""
        inside = self._inside(first, last)
        if not inside or (calendar == "april" and inside[-1].end_on < last):
            return
        if self._is_sum:
            self._sums.tell(first, inside[-1].end_on)
            return
        number = inside[-1].number
        is_safe = not is_small(number, self._limit) and not any(
            is_small(abs(number - other), self._limit) for other in self._numbers
        )
        if is_safe:
            self._numbers.add(number)
            self._told[inside[-1].end_on] = number

    def _tell_share(self, figure: Reported) -> None:
        """Tell a share if few people are neither in it nor outside it, nor between it and one told of its period."""
        told = self._shares.setdefault(figure.end_on, [])
        people = _people(figure)
        changes = (abs(new - old) for each in told for new, old in zip(people, _people(each), strict=True))
        if not any(is_small(number, self._limit) for number in (*people, *changes)):
            told.append(figure)

    def _years_end(self, on: date) -> None:
        """Tell how the years that are over by that day divide into categories, as far as that is known."""
        for year in sorted({each.end_on.year for each in self._known.values()} - self._over):
            if on >= self._end_of(year):
                self._over.add(year)
                self._divide(year)

    def _end_of(self, year: int) -> date:
        if year not in self._ends:
            first, last = _bounds("calendar", year)
            periods = _periods(first, last, _of_year(self._versions, last, self._locks).frequency)
            self._ends[year] = _locks_on(periods[-1], self._locks) if periods else date.max
        return self._ends[year]

    def _divide(self, year: int) -> None:
        """Tell the parts of a calendar year's sum. A year from April is not divided, nor is a count that goes on.

        If a later figure changes them, the new parts are told only if nothing is hidden in them nor in any split told
        before, and no category differs by few people. A reader who knows that could compute what is hidden.
        """
        first, last = _bounds("calendar", year)
        inside = self._inside(first, last)
        if not self._is_sum or not inside or not self._sums.is_told(first, inside[-1].end_on):
            return
        for name, split in _split(self._versions[0], inside).items():
            told = self._splits.setdefault((year, name), [])
            if not told or (
                _has_none_hidden(split, self._limit) and all(self._may_follow(split, *each) for each in told)
            ):
                told.append((split, self._limit))

    def _may_follow(self, split: Mapping[str, int], before: Mapping[str, int], limit: int) -> bool:
        changes = (split.get(one, 0) - before.get(one, 0) for one in {*split, *before})
        return _has_none_hidden(before, limit) and not any(is_small(abs(change), self._limit) for change in changes)

    def _inside(self, first: date, last: date) -> list[Reported]:
        found = [each for each in self._known.values() if first <= each.start_on and each.end_on <= last]
        return sorted(found, key=lambda figure: figure.end_on)


def _has_none_hidden(split: Mapping[str, int], limit: int) -> bool:
    parts = suppress(sum(split.values()), split, min_cell=limit).parts
    return not any(split.values()) or (bool(parts) and not any(each.is_hidden for each in parts.values()))


def _people(share: Reported) -> tuple[int, int, int]:
    """Return the people in a share, those outside it, and both together."""
    base = share.base or 0
    return share.number, base - share.number, base
