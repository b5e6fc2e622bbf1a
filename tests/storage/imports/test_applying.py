"""One cell of the plan, changed as its workbook would: an import of all the rest that changes nothing else."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from storage.errors import Conflict
from storage.imports.applying import differences, one_cell
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.storage.imports.plan_books import LATER, Book, bring, seed_draft, told, with_targets

pytestmark = pytest.mark.slow


def another_edition() -> Book:
    """Without one activity, with another led jointly, and with targets on the way."""
    book = with_targets(("IND-02", "2019", "300")).drop("activities", "PRE-105")
    return book.put("activities", "PRE-102", "responsible", "MINERD;CONANI").put(
        "activities", "PRE-102", "supporting", ""
    )


Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.mark.parametrize(
    ("table", "code", "header", "old", "new", "kept"),
    [
        ("activity", "PRE-101", "due_date", "2020-11-30", "2020-12-15", (date(2020, 11, 30), date(2020, 12, 15))),
        ("activity", "PRE-101", "target_qty", "30", "36", ("30", "36")),
        ("activity", "PRE-101", "name_fr", "", "Campagne", ("", "Campagne")),
        ("indicator", "IND-02", "target", "600", "700", ("600", "700")),
        ("indicator", "IND-02", "target_date", "2020-12-31", "2020-06-30", (date(2020, 12, 31), date(2020, 6, 30))),
    ],
)
def test_one_cell_changes_and_nothing_else(
    apply: Apply, table: str, code: str, header: str, old: str, new: str, kept: tuple[object, object]
) -> None:
    """Also after another edition, with retired rows, parts and joint leads: none of them comes back or goes."""
    apply(bring(seed_draft()))
    apply(bring(another_edition().draft(), LATER))

    def change(unit: UnitOfWork) -> None:
        draft = one_cell(unit, SEED_PLAN, table, code, header, old, new)
        assert told(differences(unit, draft, SEED_PLAN)) == [("changed", table, code, header, *kept)]
        bring(draft, LATER)(unit)

    apply(change)
    with pytest.raises(Conflict):
        apply(lambda unit: one_cell(unit, SEED_PLAN, table, code, header, old, new))


def test_a_cell_of_a_row_that_has_left_the_plan_is_not_changed(apply: Apply) -> None:
    """A proposal may be older than the edition without its row."""
    apply(bring(seed_draft()))
    apply(lambda unit: unit.connection.exec_driver_sql("UPDATE activity SET retired_on = '2018-10-01'"))
    with pytest.raises(Conflict):
        apply(lambda unit: one_cell(unit, SEED_PLAN, "activity", "PRE-101", "target_qty", "30", "36"))
