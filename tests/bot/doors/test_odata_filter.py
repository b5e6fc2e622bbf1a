"""`$filter`: what is read is obeyed, and what cannot be read is refused with what there is."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.doors.odata_filter import BOOLEAN, DAY, DEPTH, INSTANT, NUMBER, STRING, WORDS, read_filter
from bot.doors.problems import Problem

TYPES = {"name": STRING, "n": NUMBER, "flag": BOOLEAN, "on": DAY, "at": INSTANT, "in": NUMBER, "not_": STRING}
ROW = {
    "name": "O'Higgins PGR", "n": 12, "flag": True, "on": date(2018, 9, 1),
    "at": datetime(2018, 9, 1, 12, tzinfo=UTC), "in": 3, "not_": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n eq 12", True), ("n ne 12", False), ("n lt 12.5", True), ("n le 12", True), ("n gt 12", False),
        ("n ge -1e1", True), ("12 eq n", True), ("name eq 'O''Higgins PGR'", True), ("contains(name,'PGR')", True),
        ("startswith(name, 'O''')", True), ("endswith(name,'x')", False), ("not contains(name,'PGR')", False),
        ("contains(name,'PGR') eq true", True), ("contains(name,'x') eq false", True),
        ("flag", True), ("flag eq false", False), ("not flag", False), ("on ge 2018-09-01", True),
        ("at lt 2018-09-01T08:00:00-05:00", True), ("at eq 2018-09-01T08:00:00-04:00", True),
        ("n eq 1 or n eq 12 and flag", True), ("(n eq 1 or n eq 12) and not flag", False), ("n in (1, 2,12)", True),
        ("name in ('a','b')", False), ("in eq 3", True),
        ("not_ eq null", True), ("not_ ne null", False), ("null eq not_", True), ("not_ gt 'a'", False),
        ("contains(not_,'a')", None), ("not contains(not_,'a')", None), ("contains(not_,'a') or flag", True),
        ("contains(not_,'a') and not flag", False), ("not_ ne 'x'", True),
    ],
)  # fmt: skip
def test_what_is_read_is_obeyed(text: str, expected: bool | None) -> None:
    assert read_filter(text, TYPES)(ROW) is expected


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400), ("n", 400), ("n eq", 400), ("eq 1", 400), ("n eq 1 n", 400), ("(n eq 1", 400), ("n eq 'a'", 400),
        ("name lt 1", 400), ("flag lt true", 400), ("x eq 1", 400), ("n eq 1;", 400), ("on eq 2018-02-30", 400),
        ("contains(n,'a')", 400), ("contains(name)", 400), ("year(on) eq 2018", 501), ("tolower(name) eq 'a'", 501),
        ("name eq 'a", 400), ("n eq 1' OR 1=1 --", 400), ("n eq $it", 400), ("n in ()", 400), ("n eq 1e999", 400),
        ("(" * (DEPTH + 5) + "n eq 1", 400), ("not " * (DEPTH + 5) + "flag", 400),
        (" or ".join(["n eq 1"] * WORDS), 400),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, status: int) -> None:
    with pytest.raises(Problem) as refused:
        read_filter(text, TYPES)
    assert refused.value.status == status
    assert "here is:" in refused.value.detail


def words() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(
        [*TYPES, "eq", "ne", "gt", "and", "or", "not", "in", "(", ")", ",", "1", "'a'", "null", "true", "contains",
         "2018-09-01", "''", "\"", "\\", "%", "é"]
    )  # fmt: skip
    return st.lists(atoms, max_size=25).map(" ".join) | st.text(max_size=60)


@given(words(), words())
def test_anything_is_a_test_or_a_problem(one: str, other: str) -> None:
    """Never another error, and of a row always yes, no or null."""
    for text in (one, f"n eq 1 and ({other})"):
        try:
            test = read_filter(text, TYPES)
        except Problem:
            continue
        for row in (ROW, dict.fromkeys(TYPES)):
            found: Any = test(row)
            assert found in (True, False, None)
