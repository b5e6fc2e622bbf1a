"""What was expected of a locked period stays, whatever somebody edits afterwards: every export says the same."""

import random
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from conversations.plan.model import Role
from conversations.plan.versions import as_of, changed_on, period_named
from storage.calendar.figures import Figures
from storage.calendar.holidays import known_since
from storage.database.models import Base, Person
from storage.exports.files.plan_state import state_of
from storage.exports.wanted import AUDIENCES
from storage.imports import applying, history
from storage.imports.differences import ReusedCodes
from storage.imports.reading import read_plan
from storage.imports.workbook import plan_workbook
from storage.open_database import Database
from storage.plan.past_reports import _LED_BY_AGENCY
from storage.plan.past_rows import PastRows
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.forms import compiled
from tests.storage.blank_forms import blank_form
from tests.storage.exports.small_plan import INDICATOR, REPORT, ZONE, Plan, add
from tests.storage.imports.plan_books import Apply, Book, bring, seed_draft

BEGUN = datetime(2018, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2018, 11, 1, 12, tzinfo=UTC)
"""September has locked, October opens."""
LOCKED = "201807", "201808", "201809", "2018Q3"
LEADS = "MINERD", "PGR", "MT", "MMUJER"
WORDS = "Taller", "Ruta", "Mesa", "Comprar vehículos"
_tables = Base.metadata.tables


@pytest.fixture
def lived(database: Database, apply: Apply, tmp_path: Path) -> Plan:
    """The shipped plan since June, of which two agencies have closed September."""

    def make(unit: UnitOfWork) -> int:
        bring(seed_draft(), BEGUN)(unit)
        plan_id = unit.plans.only().id
        unit.facts.set(known_since(plan_id), "", BEGUN)
        person_id = add(unit, Person, telegram_id=4711, name="Rosa", language="es", timezone=str(ZONE), joined_at=BEGUN)
        for code in ("MMUJER", "PGR"):
            for period in ("201808", "201809"):
                agency, month = unit.plans.agency(plan_id, code), unit.plans.period(plan_id, period)
                unit.closings.close(plan_id, agency.id, month.id, person_id, datetime(2018, 10, 4, 12, tzinfo=UTC))
        return plan_id

    return Plan(database, SimpleNamespace(plan_id=apply(make)), tmp_path, NOW)


def told(plan: Plan, now: datetime = NOW) -> dict[str, list[Any]]:
    """What is exported of the locked periods at that instant, and the rates and cells of a digest about them."""
    seen = Plan(plan.database, plan.world, plan.folder, now)
    found: dict[str, list[Any]] = {
        name: [row for row in seen.rows(name) if row.get("period") in LOCKED] for name in ("closings", "indicators")
    }
    with plan.database.view() as unit:
        standing = Figures(unit).standing(plan.world.plan_id, now, now - timedelta(days=7), ZONE)
    ends = [closing.month_end for closing in standing.closings]
    past = [place for place, end in enumerate(ends) if end <= date(2018, 9, 30)]
    found["rates"] = [standing.rates[place] for place in past]
    # Whoever has nothing to do in the plan any more has no line in its digest.
    found["cells"] = [
        (each.code, place, cell)
        for each in standing.agencies
        for place in past
        if each.activities and (cell := each.cells[place])
    ]
    return found


def moved(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What is in one and not in the other, either way. Of agencies that left or came, no cells."""
    both = {code for code, *_ in before["cells"]} & {code for code, *_ in after["cells"]}
    before, after = (each | {"cells": [one for one in each["cells"] if one[0] in both]} for each in (before, after))
    return {
        name: found
        for name, rows in before.items()
        if (found := [each for each in rows if each not in after[name]] + [e for e in after[name] if e not in rows])
    }


def edited(chance: random.Random) -> Book:
    """The plan as somebody sends it back: rows renamed, given to others, moved, retired, added."""
    book = Book()
    agencies = [row[0] for row in book.cells["agencies"][1:]]
    activities = [row[0] for row in book.cells["activities"][1:]]
    indicators = [row[0] for row in book.cells["indicators"][1:]]
    for code in chance.sample(activities, 6):
        match chance.randrange(5):
            case 0:
                book.put("activities", code, "responsible", chance.choice(LEADS))
                book.put("activities", code, "supporting", "")
            case 1:
                book.put("activities", code, "report_frequency", chance.choice(["monthly", "quarterly"]))
            case 2:
                book.put("activities", code, "start_date", "2018-12-01")
            case 3:
                book.put("activities", code, "name_es", chance.choice(WORDS))
            case _:
                book.drop("activities", code)
    for code in chance.sample(indicators, 3):
        match chance.randrange(4):
            case 0:
                book.put("indicators", code, "responsible", chance.choice(LEADS))
            case 1:
                book.put("indicators", code, "target", str(chance.randrange(900)))
            case 2:
                book.put("indicators", code, "name_es", chance.choice(WORDS))
            case _:
                book.put("indicators", code, "unit", "percent")
    book.put("agencies", chance.choice(agencies), "name_es", chance.choice(WORDS))
    return book


@pytest.mark.parametrize("seed", range(8))
def test_no_edit_rewrites_a_locked_period(lived: Plan, apply: Apply, seed: int) -> None:
    """Nor does its undo, nor a second edit on another day."""
    chance = random.Random(seed)
    before, at = told(lived), NOW
    assert all(before.values())
    for _ in range(3):
        _bring_as_asked(apply, chance, edited(chance), at)
        assert not moved(before, told(lived))
        if chance.random() < 0.5:
            apply(lambda unit, at=at: _take_back(unit, at))
            assert not moved(before, told(lived))
        at += timedelta(days=chance.choice([0, 1]))


def _bring_as_asked(apply: Apply, chance: random.Random, book: Book, at: datetime) -> None:
    """Import it from some period on. Of each code that is used again, say that it is the same or give it another."""
    opens = chance.choice(("", "201810", "201811", "201901", "2018Q4", "2019-03-15"))
    held = apply(lambda unit: _last_day(unit, opens, at)) if opens else None
    try:
        apply(bring(book.draft(), at, changed_on=held))
    except ReusedCodes as asked:
        others = [each for each in asked.doubts if chance.random() < 0.5]
        for each in others:
            sheet = "activities" if each.table == "activity" else "indicators"
            if each.table != "agency":
                if "continues" not in book.cells[sheet][0]:
                    book.add_column(sheet, "continues")
                book.put(sheet, each.code, "code", f"{each.code}b")
                book.put(sheet, f"{each.code}b", "continues", each.code)
        apply(bring(book.draft(), at, changed_on=held, same=" ".join(each.code for each in asked.doubts)))


def _last_day(unit: UnitOfWork, name: str, now: datetime) -> date:
    periods = unit.plans.periods(unit.plans.only().id)
    found = period_named(periods, name)
    assert found is not None
    return changed_on(found, periods, now.date())


def _take_back(unit: UnitOfWork, now: datetime) -> None:
    plan_id = unit.plans.only().id
    found = history.look_back(unit, plan_id, now)
    assert found is not None
    history.undo(unit, plan_id, found.import_id, actor_id=None, now=now)


def test_an_activity_that_changes_hands_is_its_new_leads_from_then_on(lived: Plan, apply: Apply) -> None:
    """September stays MMUJER's, and October is expected of the other."""
    before = led(lived, NOW)
    apply(bring(Book().put("activities", "PRE-101", "responsible", "PGR").draft(), NOW))
    later = NOW + timedelta(days=20)  # October has locked
    assert before["201809"] == "MMUJER"
    assert {period: who for period, who in led(lived, later).items() if period in ("201808", "201809", "201810")} == {
        "201808": "MMUJER",
        "201809": "MMUJER",
        "201810": "PGR",
    }


def led(plan: Plan, now: datetime) -> dict[str, str]:
    """By period, who was expected to report PRE-101."""
    with plan.database.view() as unit:
        versions = [each for each in unit.plans.activities_ever(plan.world.plan_id) if each.code == "PRE-101"]
        expected = {
            each.code: [one.agency_code for one in versions if _is_asked(one, each)]
            for each in unit.plans.periods(plan.world.plan_id)
            if each.opens_on <= now.astimezone(ZONE).date()
        }
    assert all(len(who) <= 1 for who in expected.values())
    return {period: who[0] for period, who in expected.items() if who}


def _is_asked(activity: Any, period: Any) -> bool:
    from conversations.plan.expected import is_expected

    return is_expected(activity, period)


def test_a_month_that_is_opened_again_expects_what_it_did(lived: Plan, apply: Apply) -> None:
    """For one agency and for all: its due list has the activity that it led then, and the seal stays where it was."""

    def due(unit: UnitOfWork, agency: str, on: date) -> list[tuple[str, str]]:
        plan_id = unit.plans.only().id
        found = unit.plans.due(plan_id, unit.plans.agency(plan_id, agency).id, on)
        return [(each.code, each.period.code) for each in found if each.code == "PRE-101"]

    apply(bring(Book().put("activities", "PRE-101", "responsible", "MT").draft(), NOW))

    def reopen(unit: UnitOfWork) -> None:
        plan_id = unit.plans.only().id
        mmujer, july = unit.plans.agency(plan_id, "MMUJER"), unit.plans.period(plan_id, "201807")
        unit.periods.reopen(plan_id, mmujer.id, july, date(2018, 11, 9), reason="missing", now=NOW, by=None)

    apply(reopen)
    on = date(2018, 11, 2)
    assert apply(lambda unit: due(unit, "MMUJER", on)) == [("PRE-101", "201807")]
    assert ("PRE-101", "201810") in apply(lambda unit: due(unit, "MT", on))
    before = told(lived)

    def open_for_all(unit: UnitOfWork) -> None:
        from dataclasses import replace

        july = unit.plans.period(unit.plans.only().id, "201807")
        unit.periods.set_days(replace(july, locks_on=date(2018, 11, 20)), now=NOW, by=None)

    apply(open_for_all)
    assert [row["expected_reports"] for row in told(lived)["closings"]] == [
        row["expected_reports"] for row in before["closings"]
    ]
    assert apply(lambda unit: unit.plans.period(unit.plans.only().id, "201807").seals_on) < NOW.date()


def test_an_edit_of_which_no_locked_period_would_tell_is_not_kept(database: Database, apply: Apply) -> None:
    """A plan that begins stores no past, and what is put back on its day leaves none."""

    def count(unit: UnitOfWork) -> int:
        return int(unit.connection.execute(select(func.count()).select_from(_tables["past_row"])).scalar_one())

    before = datetime(2017, 1, 2, 12, tzinfo=UTC)
    apply(bring(seed_draft(), before))
    apply(bring(Book().put("activities", "PRE-101", "responsible", "PGR").draft(), before))
    assert apply(count) == 0
    apply(bring(Book().put("activities", "PRE-101", "responsible", "MT").draft(), NOW))
    assert apply(count) == 1
    apply(lambda unit: _take_back(unit, NOW))
    assert apply(count) == 0


def test_a_row_on_which_a_locked_period_hangs_is_not_undone(lived: Plan, apply: Apply) -> None:
    """It was expected in a month that has locked since: its removal would rewrite that month."""
    book = Book()
    row = list(book.cells["activities"][book.row("activities", "PRE-101")])
    row[0] = "PRE-199"
    book.cells["activities"].append(row)
    apply(bring(book.draft(), NOW))
    later = NOW + timedelta(days=20)
    found = apply(lambda unit: history.look_back(unit, unit.plans.only().id, later))
    assert found is not None
    assert [(one.code, one.what, one.count) for one in found.hanging] == [("PRE-199", "reporting_period", 1)]
    found = apply(lambda unit: history.look_back(unit, unit.plans.only().id, NOW))
    assert found is not None
    assert found.is_possible


def test_a_correction_changes_its_own_period_and_no_other(lived: Plan, apply: Apply) -> None:
    """September was PGR's after all. August, October and the plan as it is stay."""
    apply(bring(Book().put("activities", "PRE-101", "responsible", "MT").draft(), NOW))
    before = led(lived, NOW + timedelta(days=20))

    def correct(unit: UnitOfWork) -> Any:
        plan_id = unit.plans.only().id
        activity, september = unit.plans.activity(plan_id, "PRE-101"), unit.plans.period(plan_id, "201809")
        pgr = unit.plans.agency(plan_id, "PGR")
        past = unit.of(PastRows)
        was = past.correct(plan_id, "activity", activity.id, september.seals_on, {"agency_id": pgr.id}, "acta 4")
        assert past.corrected(plan_id) == {("activity", activity.id, september.seals_on)}
        return was, unit.plans.agency(plan_id, "MMUJER").id

    was, mmujer = apply(correct)
    assert was == {"agency_id": mmujer}
    assert led(lived, NOW + timedelta(days=20)) == before | {"201809": "PGR"}


def test_an_edit_may_hold_from_a_later_period(lived: Plan, apply: Apply) -> None:
    """From November: October, which is open, is still its old lead's, and its due list says so."""
    book = Book()
    row = list(book.cells["activities"][book.row("activities", "PRE-101")])
    row[0] = "PRE-199"
    book.put("activities", "PRE-101", "responsible", "PGR").drop("activities", "ASI-201")
    book.cells["activities"].append(row)
    before = past_of(apply)
    held = apply(lambda unit: _last_day(unit, "201811", NOW))
    assert held == date(2018, 11, 30)
    apply(bring(book.draft(), NOW, changed_on=held))
    after = NOW + timedelta(days=50)  # November has locked
    assert {period: who for period, who in led(lived, after).items() if period >= "201809" and "Q" not in period} == {
        "201809": "MMUJER",
        "201810": "MMUJER",
        "201811": "PGR",
    }
    asked = apply(lambda unit: due_of(unit, "MMUJER", date(2018, 11, 2)))
    assert ("PRE-101", "201810") in asked
    assert ("ASI-201", "201810") in asked
    assert not [code for code, _ in asked if code == "PRE-199"]
    assert "PRE-101" not in [code for code, _ in apply(lambda unit: due_of(unit, "PGR", date(2018, 11, 2)))]
    later = date(2018, 12, 3)
    assert {code for code, period in apply(lambda unit: due_of(unit, "MMUJER", later)) if period == "201811"} >= {
        "PRE-199"
    }
    assert not {"PRE-101", "ASI-201"} & {code for code, _ in apply(lambda unit: due_of(unit, "MMUJER", later))}
    assert ("PRE-101", "201811") in apply(lambda unit: due_of(unit, "PGR", later))

    apply(lambda unit: _take_back(unit, NOW + timedelta(days=3)))
    assert past_of(apply) == before
    assert ("PRE-101", "201811") in apply(lambda unit: due_of(unit, "MMUJER", later))


def due_of(unit: UnitOfWork, agency: str, on: date) -> list[tuple[str, str]]:
    plan_id = unit.plans.only().id
    found = unit.plans.due(plan_id, unit.plans.agency(plan_id, agency).id, on)
    return [(each.code, each.period.code) for each in found]


def past_of(apply: Apply) -> dict[str, dict[int, list[Any]]]:
    return apply(lambda unit: unit.of(PastRows).of_plan(unit.plans.only().id))


def test_what_its_former_lead_sends_is_no_longer_due(lived: Plan, apply: Apply) -> None:
    """October is still MMUJER's, and done when MMUJER has sent it, although the plan gives it to another already."""
    held = apply(lambda unit: _last_day(unit, "201811", NOW))
    apply(bring(Book().put("activities", "PRE-101", "responsible", "PGR").draft(), NOW, changed_on=held))

    def sent(unit: UnitOfWork) -> set[str]:
        plan_id = unit.plans.only().id
        agency = unit.plans.agency(plan_id, "MMUJER")
        return {row[0] for row in unit.connection.execute(_LED_BY_AGENCY, {"plan_id": plan_id, "agency_id": agency.id})}

    assert "activity:PRE-101" in apply(sent)


def test_an_earlier_edit_changes_a_later_one_in_its_own_columns_alone(lived: Plan, apply: Apply) -> None:
    """The new title begins in January. Who gives the row to another today neither hastens it nor puts it off."""
    january = apply(lambda unit: _last_day(unit, "201901", NOW))
    book = Book().put("activities", "PRE-101", "short_es", "Cine")
    apply(bring(book.draft(), NOW, changed_on=january))
    before = past_of(apply)
    apply(bring(book.put("activities", "PRE-101", "responsible", "MT").draft(), NOW + timedelta(days=1)))

    def said(unit: UnitOfWork) -> dict[str, tuple[str, str]]:
        plan_id = unit.plans.only().id
        own = [each for each in unit.plans.activities_ever(plan_id) if each.code == "PRE-101"]
        found = {each.code: as_of(own, each.seals_on) for each in unit.plans.periods(plan_id)}
        codes = ("201809", "201810", "201812", "201901")
        return {code: (found[code].agency_code, found[code].title("es")[:4]) for code in codes}

    assert apply(said) == {
        "201809": ("MMUJER", "Camp"),
        "201810": ("MT", "Camp"),
        "201812": ("MT", "Camp"),
        "201901": ("MT", "Cine"),
    }
    apply(lambda unit: _take_back(unit, NOW + timedelta(days=2)))
    assert past_of(apply) == before


def test_what_a_row_continues_is_told_from_then_on_and_comes_back_in_the_workbook(lived: Plan, apply: Apply) -> None:
    """PRE-101 goes on as PRE-191: its reports keep their code, and rows of locked months say nothing new."""
    book = Book().add_column("activities", "continues").add_column("indicators", "continues")
    book.put("activities", "PRE-101", "code", "PRE-191").put("activities", "PRE-191", "continues", "PRE-101; PRE-101")
    book.put("indicators", "IND-01", "continues", "IND-00")
    before = told(lived)
    found = apply(bring(book.draft(), NOW))
    assert found.never_was == ("IND-00",)
    assert "IND-00" in found.summary("es")
    assert not moved(before, told(lived))
    new = apply(lambda unit: unit.plans.activity(unit.plans.only().id, "PRE-191"))
    assert new.continues == "PRE-101"
    data = apply(lambda unit: plan_workbook(unit, unit.plans.only().code, NOW))
    assert not apply(lambda unit: applying.differences(unit, read_plan(data), unit.plans.only().code))


AFTER = datetime(2019, 3, 20, 12, tzinfo=UTC)
"""2018 has locked, for months and for quarters."""
PLAIN = "IND-01", "IND-05", "IND-06", "IND-08", "IND-09", "IND-13"
"""Indicators whose small numbers are not protected."""


@pytest.fixture
def over(lived: Plan, apply: Apply) -> Plan:
    """The same plan in the year after: of each quarter and month of 2018, something was reported and validated."""

    def report(unit: UnitOfWork) -> None:
        plan_id, chance = lived.world.plan_id, random.Random(0)
        people = unit.connection.execute(select(Person.__table__.c.id)).scalars().all()
        forms = {}
        for form_id, source in (("activity_report", REPORT), ("indicator_update", INDICATOR)):
            checked = compiled(source)
            blank = blank_form(plan_id=plan_id, form_id=form_id, title=form_id, xform=checked.xform, workbook=source)
            forms[form_id] = unit.forms.publish(blank, BEGUN)
        periods = [each for each in unit.plans.periods(plan_id) if date(2018, 7, 1) <= each.start_on < AFTER.date()]
        subjects = [("activity_report", each, "in_progress") for each in unit.plans.activities(plan_id)]
        subjects += [
            ("indicator_update", each, None) for each in unit.plans.indicators(plan_id) if not each.is_computed
        ]
        for form_id, about, status in subjects:
            for period in periods:
                if period.type != about.frequency.period_type:
                    continue
                people_told = str(chance.randrange(20, 90))
                said = {"ben_total": people_told} if status else {"data_status": "final", "value_people": people_told}
                unit.submissions.add(
                    NewSubmission(
                        plan_id=plan_id, form_id=forms[form_id].form_key, form_version_id=forms[form_id].id,
                        instance_id=f"uuid:{about.code}-{period.code}", person_id=people[0],
                        agency_id=unit.plans.agency(plan_id, about.agency_code).id, subject=about.subject,
                        reporting_period_id=period.id, activity_status=status, validation_state="validated",
                        answers={f"/data/{name}": value for name, value in said.items()}, language="es",
                        started_at=BEGUN, sensitive=about.sensitivity == "restricted",
                    ),
                    datetime.combine(period.end_on + timedelta(days=3), time(12), UTC),
                )  # fmt: skip

    apply(report)
    return Plan(lived.database, lived.world, lived.folder, AFTER)


def told_of_year(plan: Plan) -> dict[str, list[Any]]:
    """What every file says of 2018, for whoever reads it; and the page of September."""
    found: dict[str, list[Any]] = {}
    for audience in AUDIENCES:
        asked = {"audience": audience, "role": Role.COORDINATOR}
        found[f"3p {audience}"] = [row for row in plan.rows("3p", **asked) if row["year"] == "2018"]
        found[f"indicators {audience}"] = plan.rows("indicators", period="2018", **asked)
        for area in ("PRE", "PER"):
            found[f"reports {area} {audience}"] = plan.rows("reports", period="2018", area=area, **asked)
        with plan.database.view() as unit:
            found[f"page {audience}"] = [*asdict(state_of(unit, plan.wanted(period="201809", **asked))[0]).items()]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_no_edit_rewrites_a_year_that_is_over(over: Plan, apply: Apply, seed: int) -> None:
    """Nor the area in which its reports are found, nor how its figures are added up, nor its measures."""
    chance, before = random.Random(seed), told_of_year(over)
    assert all(before.values())
    book = edited(chance)
    objectives = [(row[0], row[1]) for row in book.cells["objectives"][1:]]
    for code in chance.sample([row[0] for row in book.cells["activities"][1:]], 6):
        objective, area = chance.choice(objectives)
        book.put("activities", code, "objective_code", objective).put("activities", code, "area_code", area)
    for code in chance.sample([row[0] for row in book.cells["indicators"][1:]], 6):
        match chance.randrange(6):
            case 0:
                book.put("indicators", code, "frequency", chance.choice(["monthly", "quarterly"]))
            case 1:
                book.put("indicators", code, "annual_table", chance.choice(["", "prevention", "protection"]))
            case 2:
                book.put("indicators", code, "area_code", chance.choice(["PRE", "PER"]))
            case 3 if code in PLAIN:  # under protection, what is added up goes by today's rule
                book.put("indicators", code, "aggregation", chance.choice(["sum", "latest"]))
            case 4:
                book.put("indicators", code, "baseline", "7").put("indicators", code, "baseline_period", "2016")
            case _ if code not in {
                row[book.column("activities", "indicator_code")] for row in book.cells["activities"]
            }:
                book.drop("indicators", code)
    book.put("strategic_areas", "PRE", "name_es", "Prevenir")
    try:
        apply(bring(book.draft(), AFTER))
    except ReusedCodes as asked:
        apply(bring(book.draft(), AFTER, same=" ".join(each.code for each in asked.doubts)))
    after = told_of_year(over)
    different = {
        name: [(one, other) for one, other in zip(said, after[name], strict=False) if one != other]
        for name, said in before.items()
        if said != after[name]
    }
    assert different == {}
