"""Figures by the year: what is told outside cannot be laid together to find anybody."""

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, product
from operator import or_

import pytest

from conversations.plan.figures.annual import (
    Reported,
    Revision,
    Year,
    counts_by_category,
    is_protected,
    limit_of,
    years,
)
from conversations.plan.figures.suppression import Figure, Releases, in_a_row
from conversations.plan.model import LEAST_CELL, Indicator
from conversations.plan.periods import Frequency, PeriodType, ReportingPeriod, periods_between
from tests.conversations.plan.figures.subtraction import Basis, follows, reduced, without

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


def in_order(figures: Sequence[Reported]) -> list[Revision]:
    """Each validated on the day after its period."""
    return [Revision(each.end_on + timedelta(days=1), f"{each.end_on}", each) for each in figures]


def told(indicator: Indicator, figures: Sequence[Reported], today: date, *, protect: bool = True) -> dict[str, Year]:
    last = max(today.year, 2018)
    return by_name(
        years((indicator,), in_order(figures), first=2018, last=last, today=today, protect=protect, locks={})
    )


def by_name(found: Sequence[Year]) -> dict[str, Year]:
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


def test_whoever_a_form_counts_apart_is_a_category_whatever_it_asks() -> None:
    """By the name of the question, or by the plan's code beside it; what is no count is none."""
    answers = {
        "sa_women": "3",
        "sa_unknown": "1",
        "ex_organs": "2",
        "value_people": "9",
        "sa_note": "two",
        "na_hnd": "1",
    }
    answers |= {"na_1": "4", "na_1_code": "HTI", "na_2": "", "na_2_code": "VEN", "na_oth": "0", "na_unk": "5"}
    assert counts_by_category(answers) == {
        "sex_age": {"women": 3, "unknown": 1},
        "exploitation": {"organs": 2},
        "nationality": {"hnd": 1, "hti": 4, "other": 0, "unknown": 5},
    }


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


def test_the_order_of_nationalities_tells_no_number() -> None:
    """A reporter writes the largest first, and the first that is not small is the cover."""
    [month] = monthly(60)
    found = told(REACHED, [replace(month, parts={"nationality": {"ven": 30, "hti": 20, "other": 4, "col": 6}})],
                 date(2019, 3, 1), protect=False)  # fmt: skip
    assert list(found["calendar 2018"].parts["nationality"]) == ["col", "hti", "ven", "other", "unknown"]


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


@pytest.mark.parametrize("december", [[9], [30, 9], [9, 3, 9]])
def test_two_that_are_known_to_be_few_are_not_told_together(december: list[int]) -> None:
    """70 to November, and 2019 is `<10`: with 48 to March, December and the quarter would be 18, so nine each.

    December came as it is, or was corrected to it.
    """
    first = [each for each in monthly(0, 0, 40, 30, *[0] * 7) if each.number]
    [last] = monthly(december[0], first=date(2018, 12, 1))[:1]
    made = in_order(first)
    made += [Revision(date(2018, 12, 31), "12", replace(last, number=number)) for number in december]
    made += in_order(monthly(9, 0, 0, first=date(2019, 1, 1)))
    found = by_name(years((VICTIMS,), made, first=2018, last=2019, today=date(2019, 4, 2), protect=True, locks={}))
    assert text(found["calendar 2019"]) == "<10"
    assert text(found["april 2018"]) == "protected"
    more = [*made, *in_order(monthly(20, first=date(2019, 4, 1)))]
    found = by_name(years((VICTIMS,), more, first=2018, last=2019, today=date(2019, 5, 2), protect=True, locks={}))
    assert (text(found["calendar 2019"]), text(found["april 2019"])) == ("29", "protected")


@pytest.mark.parametrize("october", [0, 3])
def test_a_sum_that_divides_few_people_is_never_told(october: int) -> None:
    """If it were told that it is of nobody, "protected" would mean somebody, and leave fewer for January to March."""
    found = told(VICTIMS, monthly(3, *[0] * 8, october, *[0] * 5), date(2019, 4, 2))
    assert (text(found["calendar 2018"]), text(found["april 2018"])) == ("<10", "protected")


def test_a_running_year_to_march_is_not_said_to_be_few() -> None:
    """Of March and April, 18 people, April would be `<10`; and March is nine at most, or it would have been told."""
    found = told(VICTIMS, monthly(40, 0, 9, 9), date(2018, 5, 1))
    assert (text(found["calendar 2018"]), text(found["april 2018"])) == ("58", "protected")


def test_a_count_that_goes_on_is_told_beside_its_baseline() -> None:
    """110 is known to all; 113 would tell of three."""

    def yearly(*numbers: int) -> list[Reported]:
        return [Reported(date(2018 + n, 1, 1), date(2018 + n, 12, 31), v) for n, v in enumerate(numbers)]

    found = told(RESCUED, yearly(113, 125), date(2020, 6, 1))
    assert (text(found["calendar 2018"]), text(found["calendar 2019"])) == ("protected", "125")


def test_a_corrected_share_does_not_tell_who_came_between() -> None:
    """62 % of 80, then 66 %: three people, to whoever has the 80 from another indicator. Twenty more are told."""
    share = replace(VICTIMS, code="IND-21", aggregation="ratio")
    first = Reported(date(2018, 9, 1), date(2018, 9, 30), 50, 80)

    def after(*corrections: tuple[int, int]) -> float | None:
        figures = [first, *(replace(first, number=number, base=base) for number, base in corrections)]
        made = [Revision(date(2018, 10, day), "1", figure) for day, figure in enumerate(figures, 1)]
        return years((share,), made, first=2018, last=2018, today=date(2019, 3, 1), protect=True, locks={})[0].percent

    assert after((53, 80)) is None
    assert after((50, 83)) is None, "there the three came to the others"
    assert after((53, 80), (50, 80)) == 62
    assert after((70, 100)) == 70
    assert after((70, 100), (53, 80)) is None, "beside the first one, not the last, it tells of three"


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


def test_no_limit_opens_what_is_restricted() -> None:
    """A workbook may set the limit of one indicator to one: then nobody would be few."""
    assert limit_of(replace(VICTIMS, min_cell=1)) == LEAST_CELL
    assert limit_of(replace(VICTIMS, sensitivity="public", min_cell=2), was_sealed=True) == LEAST_CELL


def test_what_was_sealed_once_stays_protected_whatever_the_plan_says_since() -> None:
    """An import that calls an indicator public opens nothing that was told under seal."""
    made = [replace(each, is_sealed=True) for each in in_order(monthly(4))]
    opened = replace(VICTIMS, sensitivity="public", min_cell=0)
    found = by_name(years((opened,), made, first=2018, last=2018, today=date(2018, 6, 1), protect=True, locks={}))
    assert text(found["calendar 2018"]) == "<10"


def test_one_row_of_many_shows_nobody_where_anybody_could_be_few() -> None:
    """Zero is no person; a hidden number does not even say that it is small."""
    assert in_a_row(12, {"women": 7, "men": 5}, min_cell=0).parts["men"].value == 5
    hidden = in_a_row(12, {"women": 9, "girls": 3, "men": 0}, min_cell=5)
    assert (hidden.total.text("x"), hidden.parts["women"].text("x"), hidden.parts["men"].value) == ("x", "x", 0)
    assert in_a_row(0, min_cell=5).total.value == 0


# ------------------------------------------------------------------ laid together
@pytest.mark.parametrize("seed", range(20))
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
        today = here[-1].end_on
        for year in years((VICTIMS,), in_order(here), first=2018, last=2020, today=today, protect=True, locks={}):
            if year.value is None or year.value.value is None or year.until is None:
                continue
            row = tuple(int(year.first <= start and end <= year.until) for start, end in spans)
            known.add((row, year.value.value))
    assert all(sum(r * n for r, n in zip(row, numbers, strict=True)) == value for row, value in known)
    basis = reduced(row for row, _ in known)
    for start in range(len(numbers)):
        for end in range(start + 1, len(numbers) + 1):
            if 0 < sum(numbers[start:end]) < LIMIT:
                wanted = [start <= at < end for at in range(len(numbers))]
                assert not follows(wanted, basis), (start, end, numbers)


def separate(basis: Basis, days: Sequence[date]) -> list[int]:
    """Events in groups: what was told knows nothing of two groups together that it does not know of each.

    A figure and its correction speak of the same people, and stay together.
    """
    alone = [without(row, basis[at + 1 :]) for at, (_, row) in enumerate(basis)]
    rows = [sum(1 << n for n, value in enumerate(row) if value) for row in alone]
    groups: list[int] = []
    for events in [*rows, *(sum(1 << n for n, day in enumerate(days) if day == each) for each in set(days))]:
        joined = [group for group in groups if group & events]
        groups = [group for group in groups if not group & events] + [functools.reduce(or_, joined, events)]
    return groups


def few(events: int, groups: Sequence[int], people: Sequence[int]) -> bool:
    """Whether in some group these events are few people: 20 more here and 17 fewer there are nobody's three."""
    sums = [sum(people[n] for n in range(len(people)) if events & group & 1 << n) for group in groups]
    return any(0 < abs(found) < LIMIT for found in sums)


def test_what_is_told_sees_what_the_months_before_the_plan_tell() -> None:
    """That there was nothing before it began is known: a first quarter of three is not told by two years."""
    releases = Releases(LIMIT)
    releases.learn(date(2018, 6, 30), 40)
    assert releases.tell(date(2018, 1, 1), date(2018, 12, 31))
    releases.learn(date(2019, 2, 28), 3)
    assert not releases.tell(date(2018, 4, 1), date(2019, 3, 31))


# ------------------------------------------------------------------ what comes late, and what is corrected
def test_a_month_that_comes_late_is_not_told_by_yesterdays_total() -> None:
    """70 to September without the second quarter; with its five, 75 would tell them. At 95 they are among 25."""
    first, second, third, last = (
        Reported(p.start_on, p.end_on, n) for p, n in zip(QUARTERS, (40, 5, 30, 20), strict=True)
    )
    made = [Revision(date(2018, 4, 9), "1", first), Revision(date(2018, 10, 9), "3", third)]
    assert shown(made) == ("70", date(2018, 9, 30))
    made.append(Revision(date(2018, 11, 9), "2", second))
    assert shown(made)[0] == "40", "what was told to March still is as it was told"
    made.append(Revision(date(2019, 1, 9), "4", last))
    assert shown(made) == ("95", date(2018, 12, 31))


def test_a_small_correction_is_not_told_until_it_is_among_others() -> None:
    """43 where 40 was told: three more. Taken back, it is 40 again, as it was told."""
    [figure] = monthly(40)
    made = [Revision(date(2018, 2, 1), "1", figure), Revision(date(2018, 2, 5), "1", replace(figure, number=43))]
    assert shown(made)[0] == "protected"
    assert shown([*made, Revision(date(2018, 2, 6), "1", figure)])[0] == "40"
    assert shown([*made, Revision(date(2018, 2, 6), "1", replace(figure, number=61))])[0] == "61"


def test_a_year_is_divided_anew_only_if_nobody_few_is_told_by_it() -> None:
    """A correction after the year is over: two girls more are not told, and twenty are."""
    split = {"women": 120, "men": 120, "girls": 120, "boys": 120}
    figures = [replace(each, parts={"sex_age": split}) for each in monthly(*[480] * 12)]

    def divided(girls: int) -> int | None:
        more = replace(figures[3], number=480 + 60 + girls,
                       parts={"sex_age": split | {"men": 120 + 60, "girls": 120 + girls}})  # fmt: skip
        made = [*in_order(figures), Revision(date(2019, 3, 1), f"{more.end_on}", more)]
        found = years((VICTIMS,), made, first=2018, last=2018, today=date(2019, 6, 1), protect=True, locks={})
        year = by_name(found)["calendar 2018"]
        assert text(year) == str(12 * 480 + 60 + girls)
        return year.parts["sex_age"]["girls"].value if year.parts else None

    assert divided(2) is None
    assert divided(20) == 12 * 120 + 20
    assert told(VICTIMS, figures, date(2019, 6, 1))["calendar 2018"].parts["sex_age"]["girls"].value == 1440


def corrected(*splits: Mapping[str, int]) -> dict[str, Figure]:
    """The parts that are told of a year that was over, with these parts, and was corrected to each of the others."""
    figures = [Reported(date(2018, 1, 1), date(2018, 1, 31), sum(each.values()), None, {"sex_age": each})
               for each in splits]  # fmt: skip
    made = [Revision(date(2019, 3, day), "1", figure) for day, figure in enumerate(figures, 1)]
    [year] = years((VICTIMS,), made, first=2018, last=2018, today=date(2019, 6, 1), protect=True, locks={},
                   calendars=("calendar",))  # fmt: skip
    return dict(year.parts.get("sex_age", {}))


def test_a_split_that_hid_few_is_told_once() -> None:
    """3 women hidden beside 30 men; with 20 women more both are told, and then so are the three of before."""
    few_women, more_women = {"women": 3, "men": 30}, {"women": 23, "men": 30}
    hidden = {name: each.text("protected") for name, each in corrected(few_women).items() if each.is_hidden}
    assert hidden == {"women": "<10", "men": "protected"}
    assert corrected(few_women, more_women) == {}
    assert corrected(more_women, few_women) == {}, "nor the other way round: the men have not changed"
    assert corrected(few_women, more_women, few_women) == corrected(few_women)


def test_a_split_is_laid_beside_every_one_that_was_told() -> None:
    """20 girls, 40, and 22: each differs by many from the one before, and the last by two from the first."""
    first, second = {"women": 50, "girls": 20}, {"women": 50, "girls": 40}
    assert corrected(first, second)["girls"].value == 40
    assert corrected(first, second, {"women": 80, "girls": 22}) == {}
    assert corrected(first, second, {"women": 80, "girls": 70})["girls"].value == 70


QUARTERS = periods_between(date(2018, 1, 1), date(2018, 12, 31), types=(PeriodType.QUARTERLY,))


def shown(made: Sequence[Revision]) -> tuple[str | None, date | None]:
    year = years((VICTIMS,), made, first=2018, last=2018, today=date(2019, 1, 10), protect=True, locks={})[0]
    return text(year), year.until


@pytest.mark.parametrize("seed", range(31))  # without `_linked` five of these are red, the first at 10
def test_no_small_change_follows_from_everything_that_was_ever_told(seed: int) -> None:
    """Months come in late, are corrected and taken back; somebody keeps every release, day after day.

    Whatever comes in is an event with its number of people. A day at a moment is the events before it by then; where
    one such set lies in another, those between are people. If they are few, their number must not follow.
    """
    chance = random.Random(seed)
    size = chance.choice((6, 20, 60))
    spans = months(BEGUN, date(2019, 7, 31))
    made: list[Revision] = []
    events: list[tuple[date, int]] = []
    numbers: dict[int, int] = {}
    known: set[tuple[int, int]] = set()
    sets = {0}
    waiting = list(range(len(spans)))
    while waiting:
        late = chance.random() < 0.3
        at = chance.choice(waiting[:4]) if late else waiting[0]
        if numbers and chance.random() < 0.25:  # a correction, or a validation that is taken back
            at = chance.choice(list(numbers))
        else:
            waiting.remove(at)
        period = spans[at]
        number = chance.randrange(size) if chance.random() < 0.8 else 0
        is_gone = at in numbers and chance.random() < 0.3
        events.append((period.end_on, (0 if is_gone else number) - numbers.get(at, 0)))
        numbers[at] = 0 if is_gone else number
        on = spans[max(numbers)].end_on + timedelta(days=1)
        made.append(Revision(on, str(at), None if is_gone else Reported(period.start_on, period.end_on, number)))
        before = {day: sum(1 << n for n, (end, _) in enumerate(events) if end < day)
                  for p in spans for day in (p.start_on, p.end_on + timedelta(days=1))}  # fmt: skip
        sets |= set(before.values())
        for year in years((VICTIMS,), made, first=2018, last=2019, today=on, protect=True, locks={}):
            if year.value is not None and year.value.value is not None and year.until is not None:
                inside = sum(1 << n for n, (end, _) in enumerate(events) if year.first <= end <= year.until)
                assert year.value.value == sum(people for n, (_, people) in enumerate(events) if inside >> n & 1)
                known.add((inside, year.value.value))
    size = len(events)
    basis = reduced([row >> n & 1 for n in range(size)] for row, _ in known)
    apart = separate(basis, [end for end, _ in events])
    people = {found: sum(people for n, (_, people) in enumerate(events) if found >> n & 1) for found in sets}
    for earlier, later in product(sets, sets):
        if earlier & later == earlier and 0 < abs(people[later] - people[earlier]) < LIMIT:
            between = later & ~earlier
            if few(between, apart, [number for _, number in events]):
                assert not follows([between >> n & 1 for n in range(size)], basis), (between, events)


@pytest.mark.parametrize("seed", range(6))
def test_nobody_few_follows_for_any_days_between_any_two_moments(seed: int) -> None:
    """Stretches that lie apart too: two years and the year to March told of December and March together, three people.

    Quarters of two years come in, some late, some corrected. Whoever keeps every release of both calendars solves for
    the people of any days, at any moment and since any earlier one.
    """
    chance = random.Random(seed)
    ends = [each.end_on for year in (2018, 2019) for each in quarters(year)]
    events: list[tuple[date, int]] = []
    releases, known = Releases(LIMIT), set()
    for _ in range(11):
        on = chance.choice(ends)
        now = sum(people for day, people in events if day == on)
        events.append((on, chance.choice((0, 3, 9, 14, 25)) - now))
        releases.learn(*events[-1])
        for first, last in ((date(2018, 1, 1), 2018), (date(2019, 1, 1), 2019), (date(2018, 4, 1), 2019)):
            until = chance.choice([end for end in ends if first < end and end.year <= last])
            if releases.tell(first, until):
                known.add(sum(1 << n for n, (day, _) in enumerate(events) if first <= day <= until))
    size, people = len(events), [number for _, number in events]
    basis = reduced([row >> n & 1 for n in range(size)] for row in known)
    apart = separate(basis, [day for day, _ in events])

    for count, (since, moment) in product(range(1, 9), combinations(range(size + 1), 2)):
        for days in combinations(ends, count):
            between = sum(1 << n for n in range(since, moment) if events[n][0] in days)
            if few(between, apart, people):
                assert not follows([between >> n & 1 for n in range(size)], basis), (between, events)


def quarters(year: int) -> tuple[ReportingPeriod, ...]:
    return periods_between(date(year, 1, 1), date(year, 12, 31), types=(PeriodType.QUARTERLY,))


def test_two_years_and_the_year_to_march_do_not_tell_what_lies_apart() -> None:
    """52 to September, 42 to February: 97 to March would be three people, in December and March together."""
    numbers = {(2018, 4): 30, (2018, 9): 22, (2018, 12): 2, (2019, 2): 42, (2019, 3): 1}
    releases = Releases(LIMIT)
    for (year, month), people in numbers.items():
        releases.learn(date(year, month, 28), people)
        releases.tell(date(year, 1, 1), date(year, month, 28))
    assert releases.is_told(date(2018, 1, 1), date(2018, 9, 28))
    assert releases.is_told(date(2019, 1, 1), date(2019, 2, 28))
    assert not releases.tell(date(2018, 4, 1), date(2019, 3, 31))
