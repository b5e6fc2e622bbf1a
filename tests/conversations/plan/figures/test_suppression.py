"""Small numbers: hidden, and not to be had by subtracting, by whoever knows every number shown and the rule."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.plan.figures.suppression import (
    Figure,
    Releases,
    Table,
    in_a_row,
    is_small,
    suppress,
)

LIMIT = 4
"""Small enough that all tables can be tried one by one."""


def candidates(shown: Table, min_cell: int) -> Iterator[dict[str, int]]:
    """All the tables that look like this one: what an attacker is left with."""
    total = shown.total.value
    assert total is not None
    ranges = []
    for figure in shown.parts.values():
        if figure.value is not None:
            ranges.append(range(figure.value, figure.value + 1))
        elif figure.below:
            ranges.append(range(1, min_cell))
        else:
            ranges.append(range(min_cell, total + 1))
    for values in product(*ranges):
        if sum(values) == total:
            yield dict(zip(shown.parts, values, strict=True))


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 9), min_size=1))
def test_no_small_number_is_had_by_subtracting(parts: Mapping[str, int]) -> None:
    """Every value from one to the limit stays possible, for each number that is hidden for being small."""
    shown = suppress(sum(parts.values()), parts, min_cell=LIMIT)
    if shown.total.is_hidden or not shown.parts:
        assert shown.parts == {}
        return
    left = list(candidates(shown, LIMIT))
    assert dict(parts) in left
    for name, value in parts.items():
        if is_small(value, LIMIT):
            assert {table[name] for table in left} == set(range(1, LIMIT))


def looks(shown: Table) -> tuple[object, ...]:
    """All that a reader sees of a table."""
    return shown.total, *shown.parts.items()


@pytest.mark.parametrize(("count", "limit", "most"), [(3, 10, 44), (4, 10, 33), (3, 5, 26), (4, 5, 20)])
def test_whoever_knows_the_rule_finds_no_small_number(count: int, limit: int, most: int) -> None:
    """Of all tables that the rule shows alike, a part that is small in each of them has every small number in some."""
    alike: dict[tuple[object, ...], list[set[int]]] = {}
    names = "abcd"[:count]
    for others in product(range(most + 1), repeat=count - 1):
        for last in range(most + 1 - sum(others)):
            values = (*others, last)
            shown = looks(suppress(sum(values), dict(zip(names, values, strict=True)), min_cell=limit))
            for found, value in zip(alike.setdefault(shown, [set() for _ in names]), values, strict=True):
                found.add(value)
    small = set(range(1, limit))
    for shown, left in alike.items():
        for found in left:
            assert not found <= small or found == small, (shown, found)


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 60), min_size=1))
def test_what_is_shown_is_true(parts: Mapping[str, int]) -> None:
    """Numbers are hidden, never changed."""
    shown = suppress(sum(parts.values()), parts, min_cell=10)
    assert shown.total.value in (None, sum(parts.values()))
    for name, figure in shown.parts.items():
        assert figure.value in (None, parts[name])
        assert not is_small(figure.value or 0, 10)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"women": 120, "men": 40}, "160: 120 40"),
        ({"women": 120, "men": 40, "girls": 3}, "163: ● 40 <10"),
        ({"women": 120, "men": 40, "girls": 0}, "160: 120 40 0"),
        ({"women": 11, "men": 10, "girls": 1}, "22:"),
        ({"women": 12, "men": 10, "girls": 7, "boys": 1}, "30: ● 10 <10 <10"),
        ({"women": 10, "girls": 1}, "11:"),
        ({"girls": 9, "boys": 9}, "18:"),
        ({"girls": 4}, "<10:"),
        ({"girls": 40, "boys": 0}, "40:"),
        ({"girls": 2, "boys": 5}, "<10:"),
    ],
    ids=["nothing small", "one and what covers it", "zero is shown", "ten and one", "two small ones", "no cover",
         "nine and nine", "a small total", "one category holds everybody", "small parts of a small total"],
)  # fmt: skip
def test_the_worked_cases(parts: Mapping[str, int], text: str) -> None:
    """docs/domain.md#small-numbers, as a reader sees it."""
    shown = suppress(sum(parts.values()), parts)
    cells = " ".join(figure.text("●") for figure in shown.parts.values())
    assert f"{shown.total.text('●')}: {cells}".strip() == text


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_what_is_told_month_after_month_does_not_subtract_to_a_small_number(steps: list[int]) -> None:
    """A reader remembers last month's total: whatever was told in any month, no two differ by a small number."""
    releases, told, first = Releases(10), [0], date(2018, 1, 1)
    for month, people in enumerate(steps, 1):
        releases.learn(date(2018, month, 28), people)
        if releases.tell(first, date(2018, month, 28)):
            told.append(sum(steps[:month]))
            assert releases.is_told(first, date(2018, month, 28))
    assert all(not is_small(abs(later - earlier), 10) for i, earlier in enumerate(told) for later in told[i + 1 :])


def test_of_two_releases_the_longer_is_published() -> None:
    """docs/domain.md#small-numbers: 40 until June was told, so the 43 of September are not; the year is, if it is of
    enough more.
    """
    releases, first = Releases(10), date(2018, 1, 1)
    told = []
    for day, people in ((date(2018, 6, 30), 40), (date(2018, 9, 30), 3), (date(2018, 12, 31), 7)):
        releases.learn(day, people)
        told.append(releases.tell(first, day))
    assert told == [True, False, True]


def test_no_limit_hides_nothing() -> None:
    """An indicator that counts schools has none."""
    assert suppress(3, {"a": 1, "b": 2}, min_cell=0) == Table(Figure(3), {"a": Figure(1), "b": Figure(2)})


def test_parts_that_do_not_add_up_are_a_defect() -> None:
    """Whatever is missing has a part of its own."""
    with pytest.raises(ValueError):
        suppress(10, {"a": 4})


def test_in_a_row_nobody_is_shown_and_zeros_only_where_they_single_out_no_one() -> None:
    """All four girls: that the others are zero would say it (docs/domain.md#small-numbers)."""
    hidden = Figure(None)
    alone = in_a_row(4, {"women": 0, "girls": 4})
    assert (alone.total, dict(alone.parts)) == (hidden, {"women": hidden, "girls": hidden})
    two = in_a_row(40, {"women": 36, "girls": 4, "boys": 0})
    assert dict(two.parts) == {"women": hidden, "girls": hidden, "boys": Figure(0)}
    assert in_a_row(0, {"women": 0}).total == Figure(0)
    assert dict(in_a_row(4, {"women": 0, "girls": 4}, min_cell=0).parts) == {"women": Figure(0), "girls": Figure(4)}
