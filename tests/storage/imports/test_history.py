"""The last import taken back, whole or not at all; and the plan as a workbook that comes back without a difference."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from conversations.plan.model import Post
from conversations.plan.versions import as_of, by_code
from conversations.xforms.problems import AuthorError
from conversations.xforms.workbook import check_workbook
from storage.database.models import Base
from storage.imports import history
from storage.imports.applying import apply as plan_apply
from storage.imports.applying import differences
from storage.imports.history import Hanging, Undo
from storage.imports.reading import read_plan
from storage.imports.sheets import is_plan
from storage.imports.workbook import plan_workbook
from storage.open_database import Database
from storage.plan import past_rows
from storage.reports.submissions import NewSubmission
from storage.seed import SEED_PLAN, seed_workbook
from storage.unit_of_work import UnitOfWork
from tests.storage.blank_forms import blank_form
from tests.storage.imports.plan_books import (
    LATER,
    NOW,
    Book,
    bring,
    contents,
    seed_draft,
    take_back,
    told,
    with_resources,
    with_targets,
)

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]
PLAN_TABLES = ("plan", *history.TABLES, *history.LISTS)
_tables = Base.metadata.tables


def plan_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """The plan's rows; of targets and supporting agencies, whose numbers mean nothing, only what they say."""
    rows = contents(database)
    plain = {name: rows[name] for name in PLAN_TABLES}
    revision = list(_tables["plan"].c.keys()).index("lists_revision")  # another one with every change, undone or not
    plain["plan"] = [(*row[:revision], *row[revision + 1 :]) for row in plain["plan"]]
    return plain | {"target": sorted(row[1:] for row in rows["target"])}


def look(unit: UnitOfWork) -> Undo | None:
    return history.look_back(unit, unit.plans.only().id, NOW)


def another_edition() -> Book:
    """Something of everything: changed, added, retired, a longer span, another target, other supporters."""
    book = Book()
    book.put("activities", "PRE-101", "due_date", "2021-03-31").put("activities", "PRE-102", "supporting", "MIREX")
    book.put("indicators", "IND-01", "target", "300000").put("objectives", "PRE-1", "name_en", "Another name")
    book.drop("activities", "ASI-405").drop("agencies", "CESFRONT")
    agency = [*book.cells["agencies"][book.row("agencies", "MIREX")]]
    agency[book.column("agencies", "code")] = "NUEVA"
    book.cells["agencies"].append(agency)
    activity = [*book.cells["activities"][book.row("activities", "PRE-103")]]
    activity[book.column("activities", "code")] = "PRE-199"
    activity[book.column("activities", "responsible")] = "NUEVA"
    book.cells["activities"].append(activity)
    book.put("activities", "PRE-104", "responsible", "NUEVA")
    return book


# ------------------------------------------------------------------ undo
def test_undo_makes_the_plan_what_it_was(database: Database, apply: Apply) -> None:
    """Every row and column of it, also targets, supporters and the periods of a longer span; then there is no more."""
    apply(bring(seed_draft()))
    assert apply(look) is None, "the first import has nothing before it"

    before = plan_of(database)
    found = apply(bring(another_edition().draft(), LATER))
    assert {"added", "changed", "retired"} <= {one.kind for one in found}
    assert plan_of(database) != before

    done = apply(take_back)
    assert done.is_possible
    assert {("agency", "NUEVA"), ("activity", "PRE-199"), ("reporting_period", "202101")} <= set(done.removed)
    assert {("activity", "PRE-101"), ("activity", "ASI-405"), ("indicator", "IND-01")} <= set(done.restored)
    assert plan_of(database) == before
    assert apply(look) is None
    assert apply(take_back) is None

    acts = [entry.act for entry in apply(lambda unit: unit.audit.latest())]
    assert acts == ["plan.undone", "plan.imported", "plan.imported"]
    assert not apply(lambda unit: differences(unit, seed_draft(), SEED_PLAN))


def test_only_the_last_import_is_undone(apply: Apply) -> None:
    """A button of an earlier import does nothing; and an import that changed nothing is none."""
    apply(bring(seed_draft()))
    apply(bring(Book().put("activities", "PRE-101", "due_date", "2020-12-01").draft(), LATER))
    first = apply(look).import_id
    apply(bring(Book().put("activities", "PRE-101", "due_date", "2020-12-02").draft(), LATER))
    apply(bring(Book().put("activities", "PRE-101", "due_date", "2020-12-02").draft(), LATER))
    plan_id = apply(lambda unit: unit.plans.only().id)
    assert apply(lambda unit: history.undo(unit, plan_id, first, actor_id=None, now=LATER)) is None
    assert apply(lambda unit: unit.plans.activity(plan_id, "PRE-101")).due_on == date(2020, 12, 2)

    apply(take_back)
    assert apply(lambda unit: unit.plans.activity(plan_id, "PRE-101")).due_on == date(2020, 12, 1)


def test_what_somebody_decided_since_stays(apply: Apply) -> None:
    """An undo takes back what the import did, not a later hand's work, and names what it left."""
    apply(bring(seed_draft()))
    book = (
        Book()
        .put("activities", "PRE-101", "due_date", "2020-12-01")
        .put("activities", "PRE-101", "start_date", "2018-08-01")
    )
    apply(bring(book.draft(), LATER))
    activity = _tables["activity"]
    moved = update(activity).where(activity.c.code == "PRE-101").values(due_on=date(2020, 6, 1))
    apply(lambda unit: unit.connection.execute(moved) and None)
    done = apply(take_back)
    assert done.kept == (("activity", "PRE-101", "due_on"),)

    found = apply(lambda unit: unit.plans.activity(unit.plans.only().id, "PRE-101"))
    assert (found.start_on, found.due_on) == (date(2018, 7, 1), date(2020, 6, 1))


def test_what_reports_or_people_hang_on_does_not_vanish(database: Database, apply: Apply) -> None:
    """A report about a new activity, a person of a new agency: nothing is undone, and each is named."""
    apply(bring(seed_draft()))
    apply(bring(another_edition().draft(), LATER))

    def live_on(unit: UnitOfWork) -> None:
        plan = unit.plans.only()
        agency = unit.plans.agency(plan.id, "NUEVA")
        person = unit.people.add(7, "Ana", "es", NOW, timezone="America/Santo_Domingo")
        from conversations.plan.model import Role

        unit.roles.grant(person.id, plan.id, Post(Role.FOCAL_POINT, agency.id), now=NOW)
        unit.comments.add(plan.id, person.id, "activity:PRE-199", "Algo", NOW)
        form = unit.forms.publish(blank_form(plan.id, "f"), NOW)
        unit.submissions.add(
            NewSubmission(
                plan_id=plan.id,
                form_id=form.form_key,
                form_version_id=form.id,
                instance_id="uuid:1",
                person_id=person.id,
                agency_id=agency.id,
                answers={},
                language="es",
                started_at=NOW,
                subject="activity:PRE-199",
                reporting_period_id=unit.plans.period(plan.id, "202101").id,
            ),
            NOW,
        )

    apply(live_on)
    before = plan_of(database)
    refused = apply(take_back)

    assert not refused.is_possible
    assert {
        Hanging("agency", "NUEVA", "membership", 1),
        Hanging("agency", "NUEVA", "submission", 1),
        Hanging("activity", "PRE-199", "submission", 1),
        Hanging("activity", "PRE-199", "comment", 1),
        Hanging("reporting_period", "202101", "submission", 1),
    } == set(refused.hanging)
    assert plan_of(database) == before
    assert apply(look).import_id == refused.import_id, "it can still be undone once they are settled"


def test_a_row_that_was_moved_onto_a_new_one_holds_it(apply: Apply) -> None:
    """Somebody gave another activity to the new agency since: it cannot go from under it."""
    apply(bring(seed_draft()))
    apply(bring(another_edition().draft(), LATER))

    def move(unit: UnitOfWork) -> None:
        agency = unit.plans.agency(unit.plans.only().id, "NUEVA")
        activity = _tables["activity"]
        unit.connection.execute(update(activity).where(activity.c.code == "PER-101").values(agency_id=agency.id))
        supported = unit.connection.execute(select(activity.c.id).where(activity.c.code == "PER-102")).scalar_one()
        unit.connection.execute(insert(_tables["activity_support"]).values(activity_id=supported, agency_id=agency.id))

    apply(move)

    assert set(apply(take_back).hanging) == {
        Hanging("agency", "NUEVA", "activity", 1),
        Hanging("agency", "NUEVA", "activity_support", 1),
    }


# ------------------------------------------------------------------ applying what was shown
def test_an_import_is_applied_only_to_the_state_it_was_shown_for(apply: Apply) -> None:
    """The plan changed between the look and the tap: nothing is applied, and what it would do now is told."""
    apply(bring(seed_draft()))
    draft = Book().put("activities", "PRE-101", "due_date", "2020-12-01").draft()
    shown = apply(lambda unit: differences(unit, draft, SEED_PLAN))
    apply(bring(Book().put("activities", "PRE-101", "due_date", "2020-10-31").draft(), LATER))
    again = apply(lambda unit: plan_apply(unit, draft, SEED_PLAN, None, LATER, shown=shown.fingerprint()))

    assert again != shown
    assert apply(lambda unit: unit.plans.activity(unit.plans.only().id, "PRE-101")).due_on == date(2020, 10, 31)
    assert apply(lambda unit: plan_apply(unit, draft, SEED_PLAN, None, LATER, shown=again.fingerprint())) == again
    assert apply(lambda unit: unit.plans.activity(unit.plans.only().id, "PRE-101")).due_on == date(2020, 12, 1)


# ------------------------------------------------------------------ the workbook
def test_the_plan_goes_out_and_comes_back_without_a_difference(database: Database, apply: Apply) -> None:
    """As it was shipped, and after a life: retired rows stay retired, and nothing of it is a formula."""
    apply(bring(seed_draft()))

    def difference() -> list[Any]:
        with database.view() as unit:
            data = plan_workbook(unit, SEED_PLAN, LATER)
        draft = read_plan(data)
        assert [problem for problem in draft.problems if problem.severity != "note"] == []
        assert draft.rows.keys() == {*seed_draft().rows, "cadence"}
        return told(apply(lambda unit: differences(unit, draft, SEED_PLAN)))

    assert difference() == []

    book = (
        another_edition()
        .put("activities", "PRE-105", "source", "=1+1")
        .put("activities", "PRE-105", "target_qty", "12.50")
    )
    book.put("indicators", "IND-05", "target", "007").put("indicators", "IND-05", "target_date", None)
    with pytest.raises(AuthorError, match="formula"):
        read_plan(book.data())
    book.put("activities", "PRE-105", "source", "@SUM(A1)").put("activities", "PRE-105", "meets_victims", None)
    apply(bring(book.draft(), LATER))
    assert difference() == []


def test_a_target_of_a_year_holds_in_that_year_and_goes_out_and_comes_back(database: Database, apply: Apply) -> None:
    """In whichever sheet the last one stands. A locked period keeps the target that it had; an undo takes them back."""
    apply(bring(seed_draft()))
    before = plan_of(database)
    rows = ("IND-01", 2019, 200), ("IND-01", 2018, 100), ("IND-02", "2019-06-30", 5), ("IND-02", 2020, 600)

    def targets() -> list[str]:
        with database.view() as unit:
            found = unit.plans.indicator(unit.plans.only().id, "IND-01")
        return [found.target_of(year).value for year in (2017, 2018, 2019, 2020, 2021)]

    draft = with_targets(*rows).draft()
    assert [each[2:] for each in told(apply(bring(draft, LATER)))] == [
        ("IND-01", "targets", (), (("2018-12-31", "100", ""), ("2019-12-31", "200", ""))),
        ("IND-02", "targets", (), (("2019-06-30", "5", ""),)),
    ]
    assert targets() == ["100", "100", "200", "250000", "250000"]
    with database.view() as unit:
        every = unit.plans.indicators_ever(unit.plans.only().id)
        was, now = (as_of(by_code(every)["IND-01"], day) for day in (NOW.date(), LATER.date().replace(year=2019)))
        data = plan_workbook(unit, SEED_PLAN, LATER)
    assert [each.target_of(2018).value for each in (was, now)] == ["250000", "100"]
    for again in (read_plan(data), with_targets(*rows).put("indicators", "IND-02", "target", None).draft()):
        assert told(apply(lambda unit, again=again: differences(unit, again, SEED_PLAN))) == []
    assert told(apply(lambda unit: differences(unit, seed_draft(), SEED_PLAN))) == []

    apply(take_back)
    assert plan_of(database) == before


def test_a_continuous_activity_goes_out_and_comes_back_and_a_locked_period_keeps_its_day(
    database: Database, apply: Apply
) -> None:
    """Whoever leaves the day out is told; the plan still ends when its last dated activity does."""
    apply(bring(seed_draft()))
    before = plan_of(database)
    draft = Book().put("activities", "PRE-101", "due_date", None).draft()
    assert [(each.code, each.severity, each.row) for each in draft.problems] == [("plan.continuous", "note", 2)]
    assert told(apply(bring(draft, LATER))) == [
        ("changed", "activity", "PRE-101", "due_date", date(2020, 11, 30), None)
    ]
    with database.view() as unit:
        every = by_code(unit.plans.activities_ever(unit.plans.only().id))["PRE-101"]
        data = plan_workbook(unit, SEED_PLAN, LATER)
    days = [as_of(every, day).due_on for day in (NOW.date(), LATER.date().replace(year=2019))]
    assert days == [date(2020, 11, 30), None]
    assert told(apply(lambda unit: differences(unit, read_plan(data), SEED_PLAN))) == []

    apply(take_back)
    assert plan_of(database) == before


def test_joint_leads_go_out_and_come_back(database: Database, apply: Apply) -> None:
    """However the cell divides them: the first reports, the others lead with it and support it no more."""
    apply(bring(seed_draft()))
    before = plan_of(database)
    draft = Book().put("activities", "PRE-101", "responsible", "MMUJER / PGR & DPD").draft()
    assert [each.code for each in draft.problems] == ["plan.joint_leads", "plan.supports_itself"]
    assert [each[2:] for each in told(apply(bring(draft, LATER)))] == [
        ("PRE-101", "responsible", "MMUJER", "MMUJER;DPD;PGR"),
        ("PRE-101", "supporting", ("DPD", "MIREX", "PGR"), ("MIREX",)),
    ]
    with database.view() as unit:
        [found] = [each for each in unit.plans.activities(unit.plans.only().id) if each.code == "PRE-101"]
        assert found.agency_code == "MMUJER"
        assert [unit.plans.supporting(found.id, leads=leads) for leads in (True, False)] == [("DPD", "PGR"), ("MIREX",)]
        data = plan_workbook(unit, SEED_PLAN, LATER)
    for again in (read_plan(data), draft):
        assert told(apply(lambda unit, again=again: differences(unit, again, SEED_PLAN))) == []

    apply(take_back)
    assert plan_of(database) == before
    apply(bring(draft, LATER))
    apply(bring(Book().drop_column("activities", "supporting").draft(), LATER))
    assert told(apply(lambda unit: differences(unit, Book().draft(), SEED_PLAN))) == [
        ("changed", "activity", "PRE-101", "supporting", ("MIREX",), ("DPD", "MIREX", "PGR"))
    ]


def test_resources_go_out_and_come_back(database: Database, apply: Apply) -> None:
    """In their order, each currency as it was written; blank is the plan's. Without the sheet, they stay."""
    apply(bring(seed_draft()))
    before = plan_of(database)
    rows = (
        ("PRE-101", "UNDP", "20000.50", "USD"),
        ("PRE-101", "Presupuesto nacional", 0, None),
        ("PRE-102", "UE", 7, "EUR"),
    )
    draft = with_resources(*rows).draft()
    state, undp, eu = ("Presupuesto nacional", "0", ""), ("UNDP", "20000.50", "USD"), ("UE", "7", "EUR")
    assert [each[2:] for each in told(apply(bring(draft, LATER)))] == [
        ("PRE-101", "resources", (), (state, undp)),
        ("PRE-102", "resources", (), (eu,)),
    ]
    with database.view() as unit:
        plan = unit.plans.only()
        found = {id: [tuple(each) for each in some] for id, some in unit.plans.resources(plan.id).items()}
        ids = [unit.plans.activity(plan.id, code).id for code in ("PRE-101", "PRE-102")]
        data = plan_workbook(unit, SEED_PLAN, LATER)
    assert found == {ids[0]: [(*state[:2], plan.currency), undp], ids[1]: [eu]}
    for again in (read_plan(data), draft, seed_draft()):
        assert told(apply(lambda unit, again=again: differences(unit, again, SEED_PLAN))) == []
    with database.view() as unit:
        assert plan_workbook(unit, SEED_PLAN, LATER) == data
    fewer = with_resources(rows[2]).draft()
    assert [each[2:] for each in told(apply(lambda unit: differences(unit, fewer, SEED_PLAN)))] == [
        ("PRE-101", "resources", (state, undp), ())
    ]

    apply(take_back)
    assert plan_of(database) == before
    with database.view() as unit:
        assert "resources" not in check_workbook(plan_workbook(unit, SEED_PLAN, LATER)).rows


def test_a_workbook_is_told_from_a_form_by_its_sheets() -> None:
    """A plan with a mistake is still a plan; a form is not."""
    assert is_plan(check_workbook(seed_workbook()).rows)

    broken = Book()
    del broken.cells["indicators"]
    assert is_plan(check_workbook(broken.data()).rows)

    form = Book()
    form.cells = {"survey": [["type", "name"], ["text", "a"]], "agencies": [["code"]], "activities": [["code"]]}
    assert not is_plan(check_workbook(form.data()).rows)


def test_what_is_noted_reads_back_as_what_it_was() -> None:
    """Instants and days, out of JSON."""
    assert past_rows.typed(_tables["plan"].c.imported_at, NOW.isoformat()) == NOW
    assert past_rows.typed(_tables["plan"].c.starts_on, "2018-01-02") == date(2018, 1, 2)
