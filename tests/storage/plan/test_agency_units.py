"""Who is asked for a share of which activity, in the months that have locked and in those to come."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from conversations.xforms.workbook import check_workbook
from storage.imports import history
from storage.imports.applying import differences
from storage.imports.history import Hanging
from storage.imports.reading import read_plan
from storage.imports.workbook import plan_workbook
from storage.open_database import Database
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.storage.imports.plan_books import (
    LATER,
    NOW,
    bring,
    contents,
    seed_draft,
    take_back,
    told,
    with_units,
    wrong_units,
)

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]
PLAIN = ("unit", "activity_unit", "activity", "agency", "past_row")


@pytest.fixture
def asked(database: Database, apply: Apply) -> Callable[[str], list[str]]:
    """The units that are asked about PRE-101 for a period."""
    apply(bring(seed_draft(), NOW - timedelta(days=300)))

    def ask(period: str) -> list[str]:
        with database.view() as unit:
            plan_id = unit.plans.only().id
            found = unit.agency_units.asked(plan_id, unit.plans.period(plan_id, period))
            return [one.code for one in found.get(unit.plans.activity(plan_id, "PRE-101").id, ())]

    return ask


def test_a_unit_is_asked_by_its_days(asked: Callable[[str], list[str]], apply: Apply) -> None:
    """One that opens or closes in a month is asked if it is there on the last day; a plan without units asks none."""
    assert asked("201810") == []
    units = (
        ("HAV", "MIREX", "La Habana", None, date(2018, 10, 31)),
        ("MAD", "MIREX", "Madrid", date(2018, 10, 31), None),
        ("NY", "MMUJER", "Nueva York"),
        ("PAR", "MIREX", "París"),
    )
    apply(bring(with_units(*(("PRE-101", code) for code in ("HAV", "MAD", "NY")), units=units).draft(), NOW))
    assert [asked(each) for each in ("201809", "201810", "201811")] == [["HAV", "NY"], ["MAD", "NY"], ["MAD", "NY"]]


def test_a_locked_month_asks_whom_it_asked(asked: Callable[[str], list[str]], apply: Apply) -> None:
    """A unit that leaves the activity, ends earlier or comes anew moves only what locks later."""
    first = (("NY", "MIREX", "Nueva York"), ("MAD", "MIREX", "Madrid"))
    apply(bring(with_units(("PRE-101", "NY"), ("PRE-101", "MAD"), units=first).draft(), NOW))
    assert asked("201808") == [], "August had locked before there were units"
    assert asked("201809") == ["MAD", "NY"]
    ended = (("NY", "MIREX", "Nueva York", None, date(2018, 9, 1)), first[1], ("PAR", "MIREX", "París"))
    apply(bring(with_units(("PRE-101", "NY"), ("PRE-101", "PAR"), units=ended).draft(), LATER))
    assert [asked(each) for each in ("201809", "201810", "201811")] == [["MAD", "NY"], ["MAD", "NY"], ["PAR"]]


def test_a_unit_that_a_locked_month_asked_is_not_undone(asked: Callable[[str], list[str]], apply: Apply) -> None:
    """It is named, as an activity is. Before that month locked, it was undone."""
    apply(bring(with_units(("PRE-101", "NY")).draft(), NOW))
    for now, hanging in ((NOW, ()), (LATER, (Hanging("unit", "NY", "reporting_period", 2),))):
        found = apply(lambda unit, now=now: history.look_back(unit, unit.plans.only().id, now))
        assert found.hanging == hanging


def test_units_go_out_and_come_back(database: Database, apply: Apply) -> None:
    """With the activities that they report on. Without the two sheets they stay; a unit that the sheet lost ends."""
    apply(bring(seed_draft()))
    before = contents(database)
    draft = with_units(("PRE-101", "NY", 40), ("PRE-101", "MAD"), ("PRE-103", "NY")).draft()
    assert [each[:4] for each in told(apply(bring(draft, LATER)))] == [
        ("added", "unit", "MAD", ""),
        ("added", "unit", "NY", ""),
        ("changed", "activity", "PRE-101", "activity_units"),
        ("changed", "activity", "PRE-103", "activity_units"),
    ]
    with database.view() as unit:
        data = plan_workbook(unit, SEED_PLAN, LATER)
    for again in (read_plan(data), draft, seed_draft()):
        assert told(apply(lambda unit, again=again: differences(unit, again, SEED_PLAN))) == []
    fewer = with_units(("PRE-101", "NY", 40)).draft()
    assert [each[:3] for each in told(apply(lambda unit: differences(unit, fewer, SEED_PLAN)))] == [
        ("retired", "unit", "MAD"),
        ("changed", "activity", "PRE-101"),
        ("changed", "activity", "PRE-103"),
    ]

    apply(take_back)
    after = contents(database)
    assert {name: after[name] for name in PLAIN} == {name: before[name] for name in PLAIN}
    with database.view() as unit:
        assert not {"units", "activity_units"} & check_workbook(plan_workbook(unit, SEED_PLAN, LATER)).rows.keys()


def test_what_is_wrong_in_the_units_is_told_with_its_cell() -> None:
    """A unit that is none or of an agency that has no part in the activity, an agency that is none; without units."""
    assert sorted(wrong_units().errors()) == [
        ("negative_number", "activity_units · C4"),
        ("repeated_part", "activity_units · B5"),
        ("unit_of_another", "activity_units · B4"),
        ("unknown_agency", "units · B3"),
        ("unknown_unit", "activity_units · B3"),
    ]
    book = with_units(("PRE-101", "NY"))
    del book.cells["units"]
    assert book.errors() == [("missing_sheet", "units")]
