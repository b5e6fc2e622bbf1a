"""What an import changed says under which limit a report of before was told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from storage.plan.past_limits import PastLimits
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import NOW
from tests.storage.imports.plan_books import LATER, Book, bring, seed_draft, take_back

FEW, OPEN = "indicator:IND-20", "indicator:IND-01"
AFTER = LATER + timedelta(days=1)


def limits(unit: UnitOfWork) -> tuple[bool, tuple[int, ...]]:
    past = PastLimits(unit, unit.plans.only().id)
    asked = [(FEW, NOW), (FEW, AFTER), (OPEN, NOW), ("activity:PRE-101", NOW)]
    return bool(past), tuple(past.at(*each) for each in asked) if past else ()


def test_a_report_keeps_the_limit_of_its_day(apply: Callable[[Any], Any]) -> None:
    """Of an indicator that was lowered; of no other; and an import that is undone was never made."""
    apply(bring(seed_draft()))
    assert apply(limits) == (False, ())
    apply(bring(Book().put("indicators", "IND-20", "min_cell", 5).draft(), LATER))
    assert apply(limits) == (True, (10, 5, 0, 0))
    apply(take_back)
    assert apply(limits) == (False, ())


def test_what_was_restricted_was_protected_then(apply: Callable[[Any], Any]) -> None:
    """Its own limit was blank, and the plan's held; the highest of before is found from any earlier day."""
    apply(bring(Book().put("indicators", "IND-20", "min_cell", 0).draft()))
    opened = Book().put("indicators", "IND-20", "min_cell", 0).put("indicators", "IND-20", "sensitivity", "public")
    apply(bring(opened.draft(), LATER))

    def found(unit: UnitOfWork) -> tuple[int, ...]:
        past = PastLimits(unit, unit.plans.only().id)
        return past.at(FEW, NOW), past.at(FEW, AFTER), past.highest(FEW, NOW), past.highest(FEW, AFTER)

    assert apply(found) == (10, 0, 10, 0)
