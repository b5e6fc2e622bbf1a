"""A correction of what was expected in a locked period: one period, with what it said before, on record and marked."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from bot.acts.plan.periods import correct
from bot.chat.actor import Actor
from bot.open_storage import open_storage
from conversations.plan.versions import as_of
from storage.database.marks import altered_contents
from storage.database.models import Base
from storage.errors import Conflict, NotFound
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk
from tests.bot.house import install, settings_in

NOW = datetime(2018, 11, 1, 12, tzinfo=UTC)
ZONE = "America/Santo_Domingo"
Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.fixture
def apply(tmp_path: Path) -> Iterator[Apply]:
    """The shipped plan, and nobody."""
    install(tmp_path)
    with open_storage(settings_in(tmp_path)) as database:
        yield Desk(database).do


def corrected(unit: UnitOfWork, code: str, changes: dict[str, str], period: str = "201809") -> dict[str, str]:
    plan_id = unit.plans.only().id
    return correct(
        Actor(unit, plan_id, NOW, ZONE, ZoneInfo(ZONE)), unit.plans.period(plan_id, period), code, changes, "acta"
    )


def said(unit: UnitOfWork, code: str, period: str) -> Any:
    plan_id = unit.plans.only().id
    every = [*unit.plans.activities_ever(plan_id), *unit.plans.indicators_ever(plan_id)]
    return as_of([each for each in every if each.code == code], unit.plans.period(plan_id, period).seals_on)


def test_what_was_expected_of_a_locked_period_is_corrected_there_alone(apply: Apply) -> None:
    """Lead, cadence, target and days of an activity; lead, cadence and target of an indicator."""
    changes = {
        "lead": "PGR",
        "cadence": "quarterly",
        "target": "12",
        "start_date": "2018-09-01",
        "due_date": "2019-01-31",
    }
    before = apply(lambda unit: said(unit, "PRE-101", "201808"))
    assert apply(lambda unit: corrected(unit, "PRE-101", changes)) == {
        "lead": "MMUJER",
        "cadence": "monthly",
        "target": "30",
        "start_date": "2018-07-01",
        "due_date": "2020-11-30",
    }
    found = apply(lambda unit: said(unit, "PRE-101", "201809"))
    told = found.agency_code, found.frequency.value, found.target_quantity, str(found.start_on), str(found.due_on)
    assert told == tuple(changes.values())
    assert apply(lambda unit: said(unit, "PRE-101", "201808")) == before
    assert apply(lambda unit: said(unit, "PRE-101", "201810")) == before
    assert apply(lambda unit: corrected(unit, "PRE-101", {"due_date": ""})) == {"due_date": "2019-01-31"}
    assert apply(lambda unit: said(unit, "PRE-101", "201809")).due_on is None, "continuous"
    assert apply(lambda unit: corrected(unit, "PRE-101", {"due_date": "2019-06-30"})) == {"due_date": ""}
    apply(lambda unit: corrected(unit, "IND-01", {"target": "77"}))
    assert [
        apply(lambda unit, on=on: said(unit, "IND-01", on)).target_of(2018).value for on in ("201809", "201810")
    ] == [
        "77",
        apply(lambda unit: unit.plans.indicator(unit.plans.only().id, "IND-01")).target_of(2018).value,
    ]


@pytest.mark.parametrize(
    ("code", "changes", "period", "error"),
    [
        ("PRE-101", {"lead": "PGR"}, "201810", Conflict),
        ("PRE-101", {"lead": "NOBODY"}, "201809", NotFound),
        ("PRE-999", {"lead": "PGR"}, "201809", NotFound),
        ("PRE-101", {"title": "Cine"}, "201809", ValueError),
        ("PRE-101", {"due_date": "soon"}, "201809", ValueError),
        ("PRE-101", {"start_date": ""}, "201809", ValueError),
        ("PRE-101", {"cadence": "daily"}, "201809", ValueError),
        ("IND-01", {"due_date": "2019-01-31"}, "201809", ValueError),
        ("IND-01", {"target": "many"}, "201809", ValueError),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    apply: Apply, code: str, changes: dict[str, str], period: str, error: type[Exception]
) -> None:
    """Of an open period, of nothing, or to what the row cannot have."""
    with pytest.raises(error):
        apply(lambda unit: corrected(unit, code, changes, period))


def test_what_a_locked_period_goes_by_is_not_altered_unseen(apply: Apply) -> None:
    """Who has the database changes what September expected: the log's last mark of it is another."""
    apply(lambda unit: corrected(unit, "PRE-101", {"lead": "PGR"}))

    def altered(unit: UnitOfWork) -> dict[str, list[str]]:
        return altered_contents(unit, unit.plans.only().id)

    assert apply(altered) == {}
    apply(lambda unit: unit.connection.execute(text("UPDATE past_row SET valid_to = '2018-12-01' WHERE reason <> ''")))
    assert apply(altered) == {"past_row": ["valid_to"]}
    apply(lambda unit: corrected(unit, "PRE-102", {"lead": "PGR"}))
    assert "valid_to" in apply(altered)["past_row"]
    [details] = apply(
        lambda unit: unit.connection.execute(
            select(Base.metadata.tables["audit_entry"].c.details).where(text("act = 'plan.corrected'"))
        ).scalars().all()[:1]
    )  # fmt: skip
    assert (details["was"], details["is"], details["reason"]) == ({"lead": "MMUJER"}, {"lead": "PGR"}, "acta")
