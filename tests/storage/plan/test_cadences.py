"""When reporting opens, is due and locks is the plan's to say; what has come due keeps the days it had."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.acts.calendar.holidays import follow_calendar
from storage.imports import history
from storage.imports.applying import differences
from storage.imports.reading import read_plan
from storage.imports.workbook import plan_workbook
from storage.plan.cadences import Cadences
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.storage.imports.plan_books import Book, bring, seed_draft, told

pytestmark = pytest.mark.slow

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]
USUAL = {"monthly": (1, 5, 10, 15), "quarterly": (1, 10, 15, 20), "semiannual": (1, 15, 20, 25),
         "annual": (1, 20, 25, 30)}  # fmt: skip


def at(day: int, month: int = 10) -> datetime:
    return datetime(2018, month, day, 15, tzinfo=UTC)


def days(code: str) -> Callable[[UnitOfWork], tuple[date, ...]]:
    def look(unit: UnitOfWork) -> tuple[date, ...]:
        period = unit.plans.period(unit.plans.only().id, code)
        return period.opens_on, period.due_on, period.grace_until_on, period.locks_on

    return look


def october(*numbers: int) -> tuple[date, ...]:
    return tuple(date(2018, 10, number) for number in numbers)


# ------------------------------------------------------------------ reading
def test_days_out_of_order_and_what_has_no_cadence_are_told_with_their_place() -> None:
    """Due before it opens, a lock in the days of grace, a number that is none of a period's, a frequency without."""
    book = Book().cadences(monthly=(6, 5, 10, 10), quarterly=(1, 10, 15, 181), annual=(0, 20, 25, 30))
    found = book.errors()
    assert [one for one in found if one[1].startswith("cadences")] == [
        ("days_out_of_order", "cadences · C2"),
        ("lock_in_grace", "cadences · E2"),
        ("number_out_of_range", "cadences · E3"),
        ("number_out_of_range", "cadences · B4"),
    ]
    assert {code for code, place in found if not place.startswith("cadences")} == {"no_cadence"}


# ------------------------------------------------------------------ importing
def test_a_plan_that_says_nothing_has_the_usual_days_and_says_them_when_it_goes_out(apply: Apply) -> None:
    """Every cadence is a row of the workbook that is written, and comes back without a difference."""
    apply(bring(seed_draft(), at(3)))
    data = apply(lambda unit: plan_workbook(unit, SEED_PLAN, at(3)))
    draft = read_plan(data)

    assert {code: tuple(row.values())[1:] for code, row in draft.rows["cadence"].items()} == USUAL
    assert not apply(lambda unit: differences(unit, draft, SEED_PLAN))
    assert not apply(bring(seed_draft(), at(4))), "a workbook without the sheet keeps them"


def test_what_is_not_due_follows_a_new_cadence_and_what_is_past_due_does_not(apply: Apply) -> None:
    """On the 3rd September is open, August has locked, the quarter keeps its own days; October will follow."""
    apply(bring(seed_draft(), at(3)))
    before = apply(days("201808")), apply(days("2018Q3"))
    book = Book().cadences(**USUAL | {"monthly": (3, 12, 17, 22)})
    found = apply(bring(book.draft(), at(3)))
    assert told(found) == [
        ("changed", "cadence", "monthly", "opening_day", 1, 3),
        ("changed", "cadence", "monthly", "due_day", 5, 12),
        ("changed", "cadence", "monthly", "grace_day", 10, 17),
        ("changed", "cadence", "monthly", "lock_day", 15, 22),
    ]
    assert apply(days("201809")) == october(1, 12, 17, 22), "what has opened stays open"
    assert apply(days("201810"))[0] == date(2018, 11, 3)
    assert (apply(days("201808")), apply(days("2018Q3"))) == before

    apply(bring(Book().cadences(**USUAL).draft(), at(15)))
    assert apply(days("201809")) == october(1, 12, 17, 22), "past due, it keeps what was told"
    assert apply(days("201810"))[:2] == (date(2018, 11, 1), date(2018, 11, 5))


def test_a_day_that_would_be_past_falls_on_the_first_that_can_be_kept(apply: Apply) -> None:
    """Brought forward on the 4th, a report cannot have been due on the 2nd, nor its period have locked."""
    apply(bring(seed_draft(), at(3)))
    apply(bring(Book().cadences(**USUAL | {"monthly": (1, 2, 2, 3)}).draft(), at(4)))
    assert apply(days("201809")) == october(1, 4, 4, 5)


def test_a_holiday_moves_what_is_past_due_by_its_own_cadence(apply: Apply) -> None:
    """On the 8th the lock of September is still the 15th, whatever the plan says by now."""
    apply(bring(seed_draft(), at(3)))
    apply(bring(Book().cadences(**USUAL | {"monthly": (1, 6, 12, 25)}).draft(), at(8)))

    def holiday(unit: UnitOfWork) -> None:
        plan_id = unit.plans.only().id
        unit.holidays.add(plan_id, date(2018, 10, 15), by=None)
        follow_calendar(unit, plan_id, date(2018, 10, 8), at(8))

    apply(holiday)

    assert apply(days("201809")) == october(1, 5, 10, 16)


def test_when_a_year_was_over_is_not_moved_by_a_later_cadence_or_by_an_admin(apply: Apply) -> None:
    """What was told of it then is told: its lock is the one it had when it came due."""
    apply(bring(seed_draft(), at(3)))

    def locks(unit: UnitOfWork) -> dict[str, date]:
        return dict(unit.of(Cadences).locks(unit.plans.only().id))

    before = apply(locks)
    apply(bring(Book().cadences(**USUAL | {"monthly": (1, 6, 12, 25)}).draft(), at(8)))
    after = apply(locks)

    assert {code for code in before if before[code] != after[code]} == {
        code for code in before if len(code) == 6 and code.isdecimal() and code > "201809"
    }


def test_a_change_of_cadence_is_taken_back_with_its_import(apply: Apply) -> None:
    """Rows and days."""
    apply(bring(seed_draft(), at(3)))
    before = apply(days("201809")), apply(days("201903"))
    apply(bring(Book().cadences(**USUAL | {"monthly": (1, 12, 17, 22)}).draft(), at(3)))
    assert apply(days("201809")) == october(1, 12, 17, 22)

    def undo(unit: UnitOfWork) -> Any:
        plan_id = unit.plans.only().id
        found = history.look_back(unit, plan_id, at(3))
        assert found is not None
        return history.undo(unit, plan_id, found.import_id, actor_id=None, now=at(3))

    assert apply(undo).restored == (("cadence", "monthly"),)
    assert (apply(days("201809")), apply(days("201903"))) == before


def test_a_cadence_that_nothing_is_reported_by_goes_and_comes_back_with_what_is(apply: Apply) -> None:
    """Without the row no period of it is made; what names it needs it, in a workbook that lists none, too."""
    apply(bring(seed_draft(), at(3)))
    without = {code: numbers for code, numbers in USUAL.items() if code != "semiannual"}
    book = Book().cadences(**without)
    for sheet, header in (("activities", "report_frequency"), ("indicators", "frequency")):
        for row in book.cells[sheet][1:]:
            if row[book.column(sheet, header)] == "semiannual":
                row[book.column(sheet, header)] = "annual"
    book.put("activities", "PRE-101", "due_date", "2021-03-31")
    found = apply(bring(book.draft(), at(3)))
    assert ("retired", "cadence", "semiannual", "", None, None) in told(found)

    added = {one.code for one in found if one.table == "reporting_period"}
    assert {"2021Q1", "2021"} <= added
    assert not any("S" in code for code in added)

    plan_id = apply(lambda unit: unit.plans.only().id)
    listed = [each.code for each in apply(lambda unit: unit.plans.periods(plan_id))]
    assert "2018S1" in listed, "it had opened"
    assert "2018S2" not in listed

    open_later = [each.code for each in apply(lambda unit: unit.plans.open_periods(plan_id, date(2019, 1, 12)))]
    assert "201812" in open_later
    assert "2018S2" not in open_later

    again = Book().put("activities", "PRE-101", "due_date", "2021-03-31")
    back = apply(bring(again.draft(), at(4)))
    assert ("restored", "cadence", "semiannual") in {row[:3] for row in told(back)}
    assert {"2021S1", "2021S2"} <= {one.code for one in back if one.table == "reporting_period"}
    assert "2018S2" in [each.code for each in apply(lambda unit: unit.plans.periods(plan_id))]
