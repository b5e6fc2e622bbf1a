"""Reporting periods: their codes as DHIS2 writes them, their days and their names."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Literal

from conversations.dates import short_date
from conversations.wording import wording


# ------------------------------------------------------------------ reporting periods
class PeriodType(StrEnum):
    """The types of periods, as DHIS2 names them."""

    MONTHLY = "Monthly"
    QUARTERLY = "Quarterly"
    SIX_MONTHLY = "SixMonthly"
    YEARLY = "Yearly"


class Frequency(StrEnum):
    """The frequencies, as the plan workbook names them."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"

    @cached_property
    def period_type(self) -> PeriodType:
        return _PERIOD_TYPES[self]


_PERIOD_TYPES = {
    Frequency.MONTHLY: PeriodType.MONTHLY,
    Frequency.QUARTERLY: PeriodType.QUARTERLY,
    Frequency.SEMIANNUAL: PeriodType.SIX_MONTHLY,
    Frequency.ANNUAL: PeriodType.YEARLY,
}


@dataclass(frozen=True, slots=True)
class Cadence:
    """The days after a period's end on which its reporting opens, is due, ends its grace, and locks.

    Day 1 is the day after the end. The days come in this order; the lock comes after the last day of grace.
    """

    opening: int
    due: int
    grace: int
    lock: int


Cadences = Mapping[PeriodType, Cadence]
"""The periodicities of a plan."""
USUAL_CADENCES: Cadences = {
    PeriodType.MONTHLY: Cadence(opening=1, due=5, grace=10, lock=15),
    PeriodType.QUARTERLY: Cadence(opening=1, due=10, grace=15, lock=20),
    PeriodType.SIX_MONTHLY: Cadence(opening=1, due=15, grace=20, lock=25),
    PeriodType.YEARLY: Cadence(opening=1, due=20, grace=25, lock=30),
}
"""The cadences of a plan that names none (docs/domain.md#calendar)."""
LONGEST_CADENCE = 180
"""The latest day on which a period may lock."""

_MONTHS: Mapping[PeriodType, int] = {
    PeriodType.MONTHLY: 1,
    PeriodType.QUARTERLY: 3,
    PeriodType.SIX_MONTHLY: 6,
    PeriodType.YEARLY: 12,
}

ONE_DAY = timedelta(days=1)

PeriodStage = Literal["ahead", "open", "grace", "late", "locked"]


@dataclass(frozen=True, slots=True)
class ReportingPeriod:
    """A span of time that is reported on, with the days on which its reporting opens, is due, and locks.

    `due_on` and `grace_until_on` are the last day, until 23:59 in the plan's zone; on `locks_on` it is locked from the
    first minute.
    """

    code: str
    type: PeriodType
    start_on: date
    end_on: date
    opens_on: date
    due_on: date
    grace_until_on: date
    locks_on: date
    id: int = field(default=0, compare=False)
    """The number of its row, if it comes from storage."""
    is_moved: bool = field(default=False, compare=False)
    """Whether an admin has set its days."""
    is_reopened: bool = field(default=False, compare=False)
    """Whether it was reopened for one agency. Then `locks_on` is the end of the reopening."""
    sealed_on: date | None = field(default=None, compare=False)
    """The day on which it locked first, if it was opened again since. It has settled what was expected."""

    @property
    def seals_on(self) -> date:
        """Return the day that settles what is expected for it: the one on which it locks first."""
        return self.sealed_on or self.locks_on

    def stage(self, on: date) -> PeriodStage:
        """Return the stage of reporting on a day: ahead, open, grace (past due), late (past grace), locked."""
        if on < self.opens_on:
            return "ahead"
        if on <= self.due_on:
            return "open"
        if on <= self.grace_until_on:
            return "grace"
        return "late" if on < self.locks_on else "locked"

    @property
    def last_on(self) -> date:
        """Return the last day on which a report about it is received: the day before it locks."""
        return self.locks_on - ONE_DAY

    def until(self, language: str) -> str:
        """Say until when it can be reported. Usually it names two days; for a reopened period, only the last."""
        say = wording(language)
        due, last = (short_date(day, language) for day in (self.due_on, self.last_on))
        return say("period.until_reopened", last=last) if self.is_reopened else say("period.until", due=due, last=last)

    def named_until(self, language: str) -> str:
        """Say its name and until when, as a sentence of its own."""
        said = f"{period_name(self, language)}{wording(language).colon}{self.until(language)}."
        return f"{said[0].upper()}{said[1:]}"

    def is_open(self, on: date) -> bool:
        """Whether it can be reported on: it has opened and not locked. A late period is still open."""
        return self.opens_on <= on < self.locks_on


class PlanPhase(StrEnum):
    """Where a plan stands on a day. Outside of `UNDER_WAY` nobody can report."""

    AHEAD = "ahead"
    UNDER_WAY = "under_way"
    OVER = "over"


def plan_phase(starts_on: date, periods: Collection[ReportingPeriod], on: date) -> PlanPhase:
    """Return the phase of a plan with this first day and these periods. It is over once all its periods are locked."""
    if on < starts_on:
        return PlanPhase.AHEAD
    is_over = bool(periods) and all(period.locks_on <= on for period in periods)
    return PlanPhase.OVER if is_over else PlanPhase.UNDER_WAY


_CODE = re.compile(r"(?P<year>[12]\d{3})(?:(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4])|S(?P<half>[12]))?", re.ASCII)


def reporting_period(
    code: str, holidays: Collection[date] = frozenset(), cadences: Cadences = USUAL_CADENCES
) -> ReportingPeriod:
    """Return the period with this DHIS2 code (`201809`, `2018Q3`, `2018S2`, `2018`); ValueError for anything else.

    Due, grace and lock days that fall on a weekend or a holiday move to the next working day; the opening does not,
    since nobody has to do anything on it. A type that `cadences` lacks has its usual days.
    """
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError(f"not a reporting period: {code!r}")
    year = int(found["year"])
    if found["month"]:
        return _period(PeriodType.MONTHLY, year, int(found["month"]) - 1, holidays, cadences)
    if found["quarter"]:
        return _period(PeriodType.QUARTERLY, year, int(found["quarter"]) - 1, holidays, cadences)
    if found["half"]:
        return _period(PeriodType.SIX_MONTHLY, year, int(found["half"]) - 1, holidays, cadences)
    return _period(PeriodType.YEARLY, year, 0, holidays, cadences)


def period_for(
    frequency: Frequency | PeriodType,
    on: date,
    holidays: Collection[date] = frozenset(),
    cadences: Cadences = USUAL_CADENCES,
) -> ReportingPeriod:
    """Return the period of this frequency that contains the day."""
    period_type = frequency.period_type if isinstance(frequency, Frequency) else frequency
    return _period(period_type, on.year, (on.month - 1) // _MONTHS[period_type], holidays, cadences)


def periods_between(
    start: date,
    end: date,
    *,
    types: Collection[PeriodType] = tuple(PeriodType),
    holidays: Collection[date] = frozenset(),
    cadences: Cadences = USUAL_CADENCES,
) -> tuple[ReportingPeriod, ...]:
    """Return every period that ends within these days, in the order in which they end; of equals, the shorter first."""
    found: list[ReportingPeriod] = []
    for period_type in types:
        period = period_for(period_type, start, holidays, cadences)
        while period.end_on <= end:
            found.append(period)
            period = period_for(period_type, period.end_on + ONE_DAY, holidays, cadences)
    order = tuple(PeriodType)
    return tuple(sorted(found, key=lambda period: (period.end_on, order.index(period.type))))


def last_period(periods: Iterable[ReportingPeriod]) -> ReportingPeriod | None:
    """Return the period that ends last, the longest of several: what is said of a whole plan is said about it."""
    return max(periods, key=lambda each: (each.end_on, -each.start_on.toordinal()), default=None)


def closing_due_on(periods: Iterable[ReportingPeriod]) -> date:
    """Return the day until which an agency closes these periods: the latest of their due days
    (docs/domain.md#calendar).
    """
    return max(period.due_on for period in periods)


def _period(
    period_type: PeriodType, year: int, index: int, holidays: Collection[date], cadences: Cadences
) -> ReportingPeriod:
    months = _MONTHS[period_type]
    cadence = cadences.get(period_type) or USUAL_CADENCES[period_type]
    start_on = date(year, 1 + index * months, 1)
    after = start_on.month + months
    end_on = (date(year + 1, 1, 1) if after > 12 else date(year, after, 1)) - ONE_DAY
    code = {
        PeriodType.MONTHLY: f"{year}{index + 1:02}",
        PeriodType.QUARTERLY: f"{year}Q{index + 1}",
        PeriodType.SIX_MONTHLY: f"{year}S{index + 1}",
        PeriodType.YEARLY: f"{year}",
    }[period_type]
    grace_until_on = working_day_from(end_on + timedelta(days=cadence.grace), holidays)
    return ReportingPeriod(
        code=code,
        type=period_type,
        start_on=start_on,
        end_on=end_on,
        opens_on=end_on + timedelta(days=cadence.opening),
        due_on=working_day_from(end_on + timedelta(days=cadence.due), holidays),
        grace_until_on=grace_until_on,
        # Where a weekend moves the last day of grace onto the lock, that day is still one of grace.
        locks_on=working_day_from(max(end_on + timedelta(days=cadence.lock), grace_until_on + ONE_DAY), holidays),
    )


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


def working_day_from(day: date, holidays: Collection[date]) -> date:
    """Return that day, or the next working day."""
    while not is_working_day(day, holidays):
        day += ONE_DAY
    return day


class PeriodName(str):
    """A period's name. A sentence asks for the form that it needs.

    `{period_name:of}` is "del año 2018", `{period_name:the}` "el año 2018", `{period_name:The}` begins a sentence.
    """

    __slots__ = ("of", "the")
    of: str
    the: str

    def __new__(cls, name: str, of: str, the: str) -> "PeriodName":
        made = super().__new__(cls, name)
        made.of, made.the = of, the
        return made

    def __format__(self, form: str, /) -> str:
        match form:
            case "of":
                return self.of
            case "the":
                return self.the
            case "The":
                return self.the[:1].upper() + self.the[1:]
        return super().__format__(form)


def period_name(period: ReportingPeriod, language: str) -> PeriodName:
    """Name the period as a person does: "septiembre 2018", "3.er trimestre 2018", "2.º semestre 2018", "año 2018"."""
    say = wording(language)
    year, month = period.start_on.year, period.start_on.month
    match period.type:
        case PeriodType.MONTHLY:
            name = say("plan.period.month", month=say(f"plan.month.{month}"), year=year)
            return PeriodName(name, say("plan.period.of_month", name=name), name)
        case PeriodType.QUARTERLY:
            name = say(f"plan.period.quarter.{(month + 2) // 3}", year=year)
        case PeriodType.SIX_MONTHLY:
            name = say(f"plan.period.half.{(month + 5) // 6}", year=year)
        case PeriodType.YEARLY:
            name = say("plan.period.year", year=year)
    return PeriodName(name, say("plan.period.of_longer", name=name), say("plan.period.the_longer", name=name))


def period_names(periods: Iterable[ReportingPeriod], language: str) -> PeriodName:
    """Return the names of several periods in one line: "septiembre 2018 · 3.er trimestre 2018"."""
    names = [period_name(period, language) for period in periods]
    listed = wording(language).listed
    return PeriodName(" · ".join(names), listed([name.of for name in names]), listed([name.the for name in names]))
