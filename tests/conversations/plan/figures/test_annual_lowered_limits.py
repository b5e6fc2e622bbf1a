"""A workbook lowers the limit of an indicator: files of before said `<10` of people, and files of after say less."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import pytest

from conversations.plan.figures.annual import Reported, Revision, Year, is_protected, years
from conversations.plan.model import Indicator
from conversations.plan.periods import Frequency, PeriodType, periods_between
from tests.conversations.plan.figures.subtraction import follows, reduced

BEFORE, NOW = 10, 5
HIGH = Indicator("IND-20", "PGR", Frequency.QUARTERLY, aggregation="sum", sensitivity="restricted", min_cell=BEFORE)
LOW = replace(HIGH, min_cell=NOW)
QUARTERS = periods_between(date(2018, 1, 1), date(2019, 12, 31), types=(PeriodType.QUARTERLY,))
GROUPS = ("women", "men", "girls")


def figure(quarter: int, *people: int) -> Reported:
    period = QUARTERS[quarter]
    parts = {"sex_age": dict(zip(GROUPS, people, strict=True))} if len(people) > 1 else {}
    return Reported(period.start_on, period.end_on, sum(people), parts=parts)


def validated(found: Reported, limit: int) -> Revision:
    return Revision(found.end_on + timedelta(days=1), f"{found.end_on}", found, is_sealed=True, limit=limit)


def told(indicator: Indicator, made: Sequence[Revision], today: date = date(2020, 2, 1)) -> tuple[Year, ...]:
    return years((indicator,), made, first=2018, last=2019, today=today, protect=True, locks={})


@pytest.mark.parametrize("people", [(7, 0, 0, 0), (3, 0, 0, 0), (40, 7, 0, 0), (40, 3, 30, 20), (12, 11, 2, 0)])
def test_nothing_is_opened_on_the_day_on_which_the_limit_is_lowered(people: Sequence[int]) -> None:
    """The same reports, told once under each limit, would be two answers about the same few people."""
    made = [validated(figure(at, number, 2 * number, 0), BEFORE) for at, number in enumerate(people)]
    assert told(LOW, made) == told(HIGH, made)


def test_the_lower_limit_holds_from_the_next_report_on() -> None:
    """Seven people of 2018 stay `<10`, seven of 2019 are told; and its parts are hidden below five."""
    made = [validated(figure(0, 7), BEFORE), validated(figure(4, 7), NOW), validated(figure(5, 30, 20, 3), NOW)]
    before, after = (each for each in told(LOW, made) if each.calendar == "calendar")
    assert before.value is not None
    assert (before.value.value, before.value.below) == (None, BEFORE)
    assert after.value is not None
    assert after.value.value == 60
    assert [each.below for each in after.parts["sex_age"].values() if each.is_hidden and each.below] == [NOW]


def test_a_limit_that_is_taken_away_leaves_what_was_reported_under_it_protected() -> None:
    """As a report that was sealed stays sealed."""
    made = [replace(validated(figure(0, 3), BEFORE), is_sealed=False)]
    free = replace(HIGH, min_cell=0, sensitivity="public")
    assert is_protected(free, made)
    assert not is_protected(free, [replace(each, limit=0) for each in made])
    assert told(free, made)[0].value == told(HIGH, made)[0].value


def stretches() -> Iterator[tuple[int, ...]]:
    for start, end in combinations(range(len(QUARTERS) + 1), 2):
        yield tuple(int(start <= quarter < end) for quarter in range(len(QUARTERS)))


@pytest.mark.parametrize("seed", range(40))
def test_nobody_few_follows_from_files_of_before_and_after(seed: int) -> None:
    """Somebody keeps every file, from the first report to the last, and solves for the people of any stretch."""
    chance = random.Random(seed)
    lowered = chance.randrange(1, len(QUARTERS))
    people = [chance.choice((0, 2, 3, 4, 6, 8, 9, 14, 30)) for _ in QUARTERS]
    made: list[Revision] = []
    known: dict[tuple[int, ...], int] = {}
    for quarter, number in enumerate(people):
        indicator, limit = (LOW, NOW) if quarter >= lowered else (HIGH, BEFORE)
        made.append(validated(figure(quarter, number), limit))
        for year in told(indicator, made, made[-1].on):
            if year.value is not None and year.value.value is not None and year.until is not None:
                row = tuple(int(year.first <= each.start_on and each.end_on <= year.until) for each in QUARTERS)
                assert known.setdefault(row, year.value.value) == year.value.value
    basis = reduced(known)
    for stretch in stretches():
        if 0 < sum(number for number, inside in zip(people, stretch, strict=True) if inside) < NOW:
            assert not follows(stretch, basis), (stretch, people, lowered)
