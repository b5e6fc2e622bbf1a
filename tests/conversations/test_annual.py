"""Figures by the year: what is told outside cannot be laid together to find anybody."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from conversations.annual import Reported, Year, is_protected, limit_of, years
from conversations.plan import Frequency, Indicator, PeriodType, ReportingPeriod, periods_between
from conversations.suppression import in_a_row, safe_spans

LIMIT = 10
VICTIMS = Indicator("IND-20", "PGR", Frequency.MONTHLY, aggregation="sum", sensitivity="restricted", min_cell=LIMIT)
REACHED = Indicator("IND-01", "MMUJER", Frequency.MONTHLY, aggregation="sum")
RESCUED = Indicator("IND-23", "IJM", Frequency.ANNUAL, aggregation="latest", sensitivity="restricted", min_cell=LIMIT,
                    baseline="110")  # fmt: skip
BEGUN = date(2018, 5, 1)


def months(first: date, last: date) -> tuple[ReportingPeriod, ...]:
    return periods_between(first, last, types=(PeriodType.MONTHLY,))


def monthly(*numbers: int, first: date = date(2018, 1, 1)) -> list[Reported]:
    return [Reported(p.start_on, p.end_on, n) for p, n in zip(months(first, date(2030, 1, 1)), numbers, strict=False)]


def told(indicator: Indicator, figures: Sequence[Reported], today: date, *, protect: bool = True) -> dict[str, Year]:
    last = max(today.year, 2018)
    found = years(indicator, figures, first=2018, last=last, today=today, begun_on=date(2018, 1, 1), protect=protect)
    return {f"{year.calendar} {year.first.year}": year for year in found}


def text(year: Year) -> str | None:
    return None if year.value is None else year.value.text("protected")


def test_both_calendars_are_cut_from_the_same_months() -> None:
    """January to December and April to March; what has not come is counted as not come."""
    found = told(REACHED, monthly(*range(1, 16)), date(2020, 5, 1), protect=False)
    assert text(found["calendar 2018"]) == str(sum(range(1, 13)))
    assert text(found["april 2018"]) == str(sum(range(4, 16)))
    assert text(found["calendar 2019"]) == str(13 + 14 + 15)
    assert [found[name].coverage for name in ("calendar 2018", "april 2018", "calendar 2019", "calendar 2020")] == [
        "complete", "complete", "partial", "missing",
    ]  # fmt: skip
    assert (found["calendar 2018"].until, found["calendar 2019"].until) == (date(2018, 12, 31), date(2019, 3, 31))


def test_zero_is_a_figure_and_nothing_is_none() -> None:
    """A year of zeros is 0; a year without a figure has no value."""
    found = told(VICTIMS, monthly(*[0] * 12), date(2020, 5, 1))
    assert (text(found["calendar 2018"]), text(found["calendar 2019"])) == ("0", None)


def test_a_small_year_is_told_as_small() -> None:
    """`<10`, and no split of it."""
    figures = [replace(each, parts={"sex_age": {"girls": each.number}}) for each in monthly(1, 2, 3)]
    found = told(VICTIMS, figures, date(2019, 5, 1))["calendar 2018"]
    assert (text(found), found.parts) == ("<10", {})


def test_a_running_year_waits_until_it_has_grown_by_enough() -> None:
    """12, then 15: the three of that month are not told; at 25 they are among thirteen."""
    assert [
        (text(year), year.until)
        for count in (1, 2, 3)
        for year in [told(VICTIMS, monthly(12, 3, 10)[:count], date(2018, 6, 1))["calendar 2018"]]
    ] == [("12", date(2018, 1, 31)), ("12", date(2018, 1, 31)), ("25", date(2018, 3, 31))]


def test_a_year_is_divided_once_it_is_over() -> None:
    """Before, each month's split could be subtracted from the next one's."""
    parts = {"sex_age": {"women": 20, "men": 20, "girls": 20, "boys": 20}}
    figures = [replace(each, parts=parts) for each in monthly(*[80] * 12)]
    assert told(VICTIMS, figures[:8], date(2018, 10, 1))["calendar 2018"].parts == {}
    over = told(VICTIMS, figures, date(2019, 3, 1))
    assert over["calendar 2018"].parts["sex_age"]["women"].value == 240
    assert told(VICTIMS, figures * 1, date(2019, 6, 1))["april 2018"].parts == {}


def test_whom_a_month_has_not_divided_is_unknown() -> None:
    """Parts add up to their total whatever was left out."""
    first, second = monthly(50, 30)
    figures = [replace(first, parts={"sex_age": {"women": 30, "men": 20}}), second]
    found = told(REACHED, figures, date(2019, 3, 1), protect=False)["calendar 2018"]
    assert {name: figure.value for name, figure in found.parts["sex_age"].items()} == {
        "women": 30, "men": 20, "unknown": 30,
    }  # fmt: skip


def test_the_year_to_march_is_hidden_where_it_would_tell_a_quarter() -> None:
    """2018 and the year to March 2019 share nine months: 40 and 43 would tell of the three more in the quarter."""
    figures = monthly(*[0] * 3, 40, *[0] * 8, 3)
    found = told(VICTIMS, figures + monthly(0, 0, first=date(2019, 2, 1)), date(2019, 6, 1))
    assert (text(found["calendar 2018"]), text(found["april 2018"])) == ("40", "protected")
    wider = told(VICTIMS, monthly(*[0] * 3, 40, *[0] * 8, 30, 0, 0), date(2019, 6, 1))
    assert text(wider["april 2018"]) == "70"


def test_a_count_that_goes_on_is_told_beside_its_baseline() -> None:
    """110 is known to all; 113 would tell of three."""

    def yearly(*numbers: int) -> list[Reported]:
        return [Reported(date(2018 + n, 1, 1), date(2018 + n, 12, 31), v) for n, v in enumerate(numbers)]

    found = told(RESCUED, yearly(113, 125), date(2020, 6, 1))
    assert (text(found["calendar 2018"]), text(found["calendar 2019"])) == ("protected", "125")


@pytest.mark.parametrize(("number", "base", "percent"), [(50, 80, 62), (3, 80, None), (78, 80, None), (0, 80, 0)])
def test_a_share_of_few_is_not_told(number: int, base: int, percent: int | None) -> None:
    """Neither where they are few nor where the rest is."""
    share = replace(VICTIMS, code="IND-21", aggregation="ratio")
    figure = Reported(date(2018, 9, 1), date(2018, 9, 30), number, base)
    found = told(share, [figure], date(2019, 3, 1))["calendar 2018"]
    assert found.percent == percent
    assert (text(found) == "protected") == (percent is None) or percent is not None


def test_the_limit_is_the_indicators_own_or_the_standard_for_what_is_restricted() -> None:
    """Offenders by five, victims by ten, also where the plan forgot to say so."""
    assert limit_of(VICTIMS) == limit_of(replace(VICTIMS, min_cell=0)) == 10
    assert limit_of(replace(REACHED, min_cell=5)) == 5
    assert not is_protected(REACHED)


def test_one_row_of_many_shows_nobody_where_anybody_could_be_few() -> None:
    """Zero is no person; a hidden number does not even say that it is small."""
    assert in_a_row(12, {"women": 7, "men": 5}, min_cell=0).parts["men"].value == 5
    hidden = in_a_row(12, {"women": 9, "girls": 3, "men": 0}, min_cell=5)
    assert (hidden.total.text("x"), hidden.parts["women"].text("x"), hidden.parts["men"].value) == ("x", "x", 0)
    assert in_a_row(0, min_cell=5).total.value == 0


# ------------------------------------------------------------------ laid together
@pytest.mark.parametrize("seed", range(60))
def test_no_small_number_follows_from_everything_that_was_ever_told(seed: int) -> None:
    """Somebody keeps every release of three years, month after month, and both calendars, and solves for the months.

    A sum over months in a row follows if it is a combination of what was told: none that is small may.
    """
    chance = random.Random(seed)
    size = chance.choice((2, 6, 20, 60))
    numbers = [chance.randrange(size) if chance.random() < 0.7 else 0 for _ in range(32)]
    figures = monthly(*numbers, first=BEGUN)
    spans = [(each.start_on, each.end_on) for each in figures]
    known: set[tuple[tuple[int, ...], int]] = set()
    for count in range(1, len(figures) + 1):
        here = figures[:count]
        for year in years(VICTIMS, here, first=2018, last=2020, today=here[-1].end_on, begun_on=BEGUN, protect=True):
            if year.value is None or year.value.value is None or year.until is None:
                continue
            row = tuple(int(year.first <= start and end <= year.until) for start, end in spans)
            known.add((row, year.value.value))
    assert all(sum(r * n for r, n in zip(row, numbers, strict=True)) == value for row, value in known)
    basis = reduced([[Fraction(each) for each in row] for row, _ in known])
    for start in range(len(numbers)):
        for end in range(start + 1, len(numbers) + 1):
            if 0 < sum(numbers[start:end]) < LIMIT:
                wanted = [Fraction(start <= at < end) for at in range(len(numbers))]
                assert not follows(wanted, basis), (start, end, numbers)


def reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """A basis in echelon form."""
    basis: list[list[Fraction]] = []
    for row in rows:
        rest = without(row, basis)
        if any(rest):
            pivot = next(value for value in rest if value)
            basis.append([value / pivot for value in rest])
    return basis


def without(row: list[Fraction], basis: list[list[Fraction]]) -> list[Fraction]:
    for each in basis:
        pivot = next(at for at, value in enumerate(each) if value)
        if row[pivot]:
            row = [a - row[pivot] * b for a, b in zip(row, each, strict=True)]
    return row


def follows(row: list[Fraction], basis: list[list[Fraction]]) -> bool:
    rest = row
    for _ in basis:
        rest = without(rest, basis)
    return not any(rest)


def test_safe_spans_see_what_the_months_before_the_plan_tell() -> None:
    """That there was nothing before it began is known: a first quarter of three is not told by two years."""
    amounts = [(date(2018, 6, 30), 40), (date(2019, 2, 28), 3)]
    spans = [(date(2018, 1, 1), date(2018, 12, 31)), (date(2018, 4, 1), date(2019, 3, 31))]
    assert safe_spans(amounts, spans, nothing_before=BEGUN) == (True, False)
    assert safe_spans(amounts, spans) == (True, True)
