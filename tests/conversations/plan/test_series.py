"""A row that goes on under another code: renamed, merged, split."""

from datetime import date
from typing import Any

import pytest

from conversations.plan.model import Activity
from conversations.plan.periods import Frequency
from conversations.plan.series import earlier, series


def row(code: str, continues: str = "") -> Activity:
    day: Any = date(2018, 1, 1)
    return Activity(code, "MT", day, day, Frequency.MONTHLY, continues=continues)


@pytest.mark.parametrize(
    ("rows", "ends"),
    [
        ("A", "A:A"),
        ("A B<A", "A:B B:B"),
        ("A B<A C<B", "A:C B:C C:C"),
        ("A B C<A,B", "A:C B:C C:C"),
        ("A B<A C<A", "A:B,C B:B C:C"),
        ("A<B B<A", "A:B B:A"),
        ("A<A", "A:A"),
        ("B<GONE", "B:B"),
    ],
)
def test_a_series_goes_on_under_the_last_code(rows: str, ends: str) -> None:
    """Of one that was split, under all of its parts. A circle ends."""
    made = [row(*each.partition("<")[::2]) for each in rows.replace(",", "+").split()]
    made = [row(each.code, each.continues.replace("+", " ")) for each in made]
    assert series(made) == {code: end.replace(",", " ") for code, end in (each.split(":") for each in ends.split())}


def test_what_a_row_continues_is_told_latest_first() -> None:
    """C continues B and Z, and B continued A."""
    rows = {each.code: each for each in (row("A", "C"), row("B", "A"), row("Z"), row("C", "B Z NOBODY"))}
    assert [each.code for each in earlier(rows, "C")] == ["B", "Z", "A"]
