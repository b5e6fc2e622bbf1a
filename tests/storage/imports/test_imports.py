"""The plan workbook: every mistake at once, every difference before it happens, nothing ever deleted."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from conversations.languages import LANGUAGES
from conversations.plan.figures.annual import PILLARS, limit_of
from conversations.plan.periods import periods_between
from conversations.wording import catalogue
from conversations.xforms.problems import AuthorError, Problem
from storage.database.models import Base
from storage.imports import applying, history
from storage.imports.applying import differences
from storage.imports.differences import Difference, Differences
from storage.imports.reading import read_plan
from storage.open_database import Database
from storage.seed import SEED_PLAN, seed_workbook
from storage.unit_of_work import UnitOfWork
from tests.storage.imports.next_plan import next_plan
from tests.storage.imports.plan_books import (
    LATER,
    NOW,
    Book,
    bring,
    contents,
    seed_draft,
    told,
    with_resources,
    with_targets,
    wrong_units,
)

pytestmark = pytest.mark.slow

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


# ------------------------------------------------------------------ reading
def test_the_shipped_plan_is_read_without_a_complaint() -> None:
    """26 agencies, 3 areas, 12 objectives, 28 indicators, 60 activities; the two seed files agree with the code."""
    draft = seed_draft()
    assert {table: len(rows) for table, rows in draft.rows.items()} == {
        "strategic_area": 3,
        "agency": 26,
        "objective": 12,
        "indicator": 28,
        "activity": 60,
        "code": 6 + 5 + 71 + 45,
    }
    assert draft.problems == ()
    assert (draft.starts_on, draft.ends_on) == (date(2018, 1, 1), date(2020, 12, 31))


def everything_wrong() -> Book:
    book = Book()
    activities, agencies = "activities", "agencies"
    book.put(activities, "PRE-101", "responsible", "MMUJERES")
    book.put(activities, "PRE-102", "objective_code", "PRE-9")
    book.put(activities, "PRE-103", "indicator_code", "IND-99")
    book.put(activities, "PRE-104", "start_date", "31/12/2018")
    book.put(activities, "PRE-105", "due_date", "2018-01-01")
    book.put(activities, "PRE-201", "report_frequency", "semanal")
    book.put(activities, "PRE-202", "sensitivity", "secreto")
    book.put(activities, "PRE-203", "target_qty", "1,250")
    book.put(activities, "PRE-204", "name_es", None)
    book.put(activities, "PRE-205", "short_es", "x" * 61)
    book.put(activities, "PRE-301", "code", "PRE-302")
    book.put(activities, "PRE-303", "code", "PRE 303")
    book.put(activities, "PRE-304", "target_qty", -1)
    book.put(activities, "PRE-305", "due_date", datetime(2218, 1, 1))
    book.put(activities, "PRE-401", "area_code", "PER")
    book.put(activities, "PRE-402", "target_qty", "=1+1")
    book.put(activities, "PRE-403", "supporting", "MIREX;XX")
    book.put(activities, "PRE-404", "due_date", "always").put(activities, "PRE-405", "due_date", None)
    book.put(activities, "PRE-405", "responsible", "MIREX; MoI")
    book.put("indicators", "IND-03", "area_code", "PRE / PER")
    book.put(agencies, "MITUR", "role_type", "guest")
    book.put("objectives", "PRE-1", "area_code", "PREV")
    book.put("objectives", "PRE-2", "sdg_targets", "99.9")
    book.put("status_codes", "delayed", "code", "late")
    book.cells["indicators"][0][book.column("indicators", "unit")] = "units"
    book.put("settings", SEED_PLAN, "currency", "Lps").put("settings", SEED_PLAN, "timezone", "America/Tegucigalpa2")
    book.cells["settings"].append(["another-plan", "Otro"])
    book.cells["hoja2"] = [["a"], ["b"]]
    book.put(activities, "ASI-405", "short_ht", None)
    book.put(activities, "ASI-404", "responsible", "MIREX")
    book.put(activities, "PRE-404", "responsible", "MIREX")
    book.put(activities, "PRE-102", "responsible", "MIREX")
    book.put("indicators", "IND-02", "responsible", "MIREX")
    book.put(agencies, "DGM", "role_type", "proposed")
    return book


def test_everything_that_is_wrong_is_told_at_once_each_with_its_place() -> None:
    """One round trip through Excel, not one for each mistake."""
    errors = everything_wrong().errors()
    assert sorted(errors) == sorted(
        [
            ("bad_iso", "settings · G2"),
            ("unknown_zone", "settings · H2"),
            ("second_plan", "settings · A3"),
            ("unknown_area", "objectives · B2"),
            ("unknown_agency", "activities · J2"),
            ("unknown_objective", "activities · B3"),
            ("unknown_indicator", "activities · O4"),
            ("bad_date", "activities · L5"),
            ("start_after_due", "activities · M6"),
            ("unknown_word", "activities · N7"),
            ("unknown_word", "activities · U8"),
            ("bad_number", "activities · P9"),
            ("missing_value", "activities · D10"),
            ("too_long", "activities · F11"),
            ("duplicate_code", "activities · A13"),
            ("bad_code", "activities · A14"),
            ("negative_number", "activities · P15"),
            ("far_date", "activities · M16"),
            ("area_mismatch", "activities · C17"),
            ("formula", "activities · P18"),
            ("unknown_agency", "activities · K19"),
            ("bad_last_day", "activities · M20"),
            ("unknown_agency", "activities · J21"),
            ("one_code", "indicators · F4"),
            ("unknown_word", "agencies · G7"),
            ("missing_column", "indicators · fila 1"),
            ("unknown_word", "status_codes · A5"),
        ]
    )


def all_problems() -> Iterator[Problem]:
    yield from everything_wrong().problems()
    missing = Book()
    del missing.cells["agencies"]
    missing.cells["objectives"] = missing.cells["objectives"][:1]
    yield from missing.problems()
    yield from Book().cadences(monthly=(1, 0, 10, 10), quarterly=(9, 8, 15, 20)).problems()
    yield from beginners().problems()
    yield from wrong_resources().problems()
    yield from wrong_units().problems()
    yield from next_plan(
        ("PRE-101", "split", "PRE-101"), ("PRE-102", "continued", "PRE-1O2"), ("PRE-103", "dropped")
    ).problems()
    yield from with_targets(("IND-01", 2019, 9), ("IND-01", "2019-12-31", 8), ("IND-01", "2020-12-31", 5)).problems()


def test_a_share_below_one_per_cent_is_told_in_whichever_sheet_it_stands() -> None:
    """The last target of an indicator too, although it is kept as the indicator's own."""
    book = with_targets(("IND-23", 2018, 0.4), ("IND-23", 2019, 40), ("IND-23", 2030, "0.85"), ("IND-01", 2019, 0.5))
    book.put("indicators", "IND-23", "unit", "percent").put("indicators", "IND-23", "baseline", "-0.05")
    shares = [(p.place("es"), p.values["value"]) for p in book.draft().problems if p.code == "plan.small_share"]
    assert shares == [("indicators · M24", "-0.05"), ("targets · C2", "0.4"), ("targets · C4", "0.85")]


def wrong_resources() -> Book:
    return with_resources(
        ("PRE-101", "UNDP", "20,000 USD", "USD"),
        ("PRE-999", "UNDP", 20000, "dollars"),
        ("PRE-102", None, 5, None),
        ("PRE-102", "UE", 5, "EUR"),
        ("PRE-102", "UE", -6, "EUR"),
    )


def test_what_is_wrong_in_the_resources_is_told_with_its_cell() -> None:
    """An activity that is none, an amount with its currency in one cell, a source without a name or twice."""
    assert sorted(wrong_resources().errors()) == [
        ("bad_iso", "resources · D3"),
        ("bad_number", "resources · C2"),
        ("missing_value", "resources · B4"),
        ("negative_number", "resources · C6"),
        ("repeated_part", "resources · B6"),
        ("unknown_activity", "resources · A3"),
    ]


def beginners() -> Book:
    """A title above the headers, a code twice, a share as Excel stores it, a sheet without its language."""
    book = Book().put("agencies", "MIDE", "code", "pgr").put("indicators", "IND-23", "unit", "percent")
    book.put("indicators", "IND-23", "target", "0.8")
    book.cells["objectives"].insert(0, ["Objetivos del plan"])
    names = [number for number, header in enumerate(book.cells["strategic_areas"][0]) if str(header)[:5] == "name_"]
    for row in book.cells["strategic_areas"][1:]:
        for number in names:
            row[number] = None
    return book


def test_every_problem_has_a_sentence_and_a_remedy_in_every_language_and_none_is_left_over() -> None:
    """What an author is told is complete, filled in, and nothing in the catalogue is about nothing."""
    problems = list(all_problems())
    for problem in problems:
        for language in LANGUAGES:
            for text in (problem.sentence(language), problem.remedy(language)):
                assert "problem." not in text
                assert "remedy." not in text
                assert "{" not in text
    codes = {problem.code for problem in problems if problem.code.startswith("plan.")}
    for language in LANGUAGES:
        keys = catalogue(language)
        assert {key.removeprefix("problem.") for key in keys if key.startswith("problem.plan.")} == codes
        assert {key.removeprefix("remedy.") for key in keys if key.startswith("remedy.plan.")} == codes


def test_what_a_beginner_gets_wrong_in_a_whole_sheet_is_one_sentence() -> None:
    """Not one for each column and row, and no row that refers to that sheet is blamed for it."""
    told = [(p.code, p.place("es")) for p in beginners().problems() if p.sheet in ("objectives", "strategic_areas")]
    assert told == [("plan.no_text", "strategic_areas · fila 1"), ("plan.no_headers", "objectives · fila 1")]
    assert "unknown_objective" not in {code for code, _ in beginners().errors()}


def test_a_word_is_read_in_capitals_too() -> None:
    """Excel begins a cell with a capital letter by itself; what is stored is the word."""
    book = Book().put("activities", "PRE-101", "report_frequency", "Monthly")
    draft = book.put("agencies", "PGR", "founding_member", "Yes").draft()
    assert draft.rows["activity"]["PRE-101"]["report_frequency"] == "monthly"
    assert draft.rows["agency"]["PGR"]["founding_member"] is True


def test_many_added_rows_are_counted_and_changes_are_all_told() -> None:
    """A first import can be read on a screen; what changes of a plan that runs is never summed up."""
    added = [Difference("added", "activity", f"A-{number}") for number in range(60)]
    changed = [Difference("changed", "activity", f"A-{number}", "name_es", "a", "b") for number in range(60)]
    found = Differences((*added, *changed))
    told = list(found.sentences("en", 5))

    assert told[4:7] == ["+ activity A-4", "+ activity: 55 more (--all)", "~ activity A-0 · name_es: a → b"]
    assert len(told) == 66
    assert len(list(found.sentences("en"))) == 120
    assert found.summary("en") == "activity: 60 new, 60 changed"


def test_a_wrong_reference_names_the_code_that_was_meant() -> None:
    """The remedy is a code, not a rule."""
    (problem,) = Book().put("activities", "PRE-101", "responsible", "MMUJERES").problems()
    assert problem.remedy("es") == "Escriba un código de la hoja agencies (¿MMUJER?)."


def test_what_is_only_worth_saying_stops_nothing() -> None:
    """Warnings and notes come with the draft."""
    book = Book().put("objectives", "PRE-1", "sdg_targets", "5.2;99.9").put("activities", "PRE-101", "short_ht", None)
    book.cells["Hoja2"] = [["a"], ["b"]]
    draft = book.draft()
    assert [(p.code, p.severity, p.place("es")) for p in draft.problems] == [
        ("plan.unknown_reference", "warning", "objectives · H2"),
        ("plan.untranslated", "note", "activities · H2"),
        ("plan.unread_sheet", "warning", "Hoja2"),
    ]


def test_what_an_agency_leads_after_it_has_left_or_before_it_comes_is_named() -> None:
    """Nobody would report it: each activity and each figure that is asked for, with its row; the plan is imported."""
    book = Book().add_column("agencies", "active_from").add_column("agencies", "active_to")
    book.put("agencies", "MITUR", "active_to", "2019-06-30").put("agencies", "DGM", "role_type", "proposed")
    draft = book.put("agencies", "MIDE", "active_from", "2019-01-01").draft()
    found = {p.place("es"): p.values for p in draft.problems if p.code == "plan.led_by_nobody"}
    told = {(str(values["agency"]), str(values["gap"])) for values in found.values()}
    assert told == {("MITUR", "active_to 2019-06-30"), ("DGM", "proposed"), ("MIDE", "active_from 2019-01-01")}
    assert all(place.startswith(("activities · ", "indicators · ")) for place in found)

    in_time = Book().add_column("agencies", "active_to").put("agencies", "MITUR", "active_to", "2021-01-01").draft()
    assert [p.place("es") for p in in_time.problems if p.sheet == "activities"] == []


def test_headers_and_sheets_are_known_whatever_their_case_and_dates_may_be_dates() -> None:
    """What Excel's users do to a file without changing what it says is no mistake."""
    book = Book().put("activities", "PRE-101", "start_date", datetime(2018, 7, 1))
    book.cells["activities"][0][book.column("activities", "start_date")] = "Start Date"
    book.cells["Agencies"] = book.cells.pop("agencies")
    draft = book.draft()

    assert draft.rows == seed_draft().rows


def test_what_is_no_workbook_is_refused_as_the_author_s_error() -> None:
    """Never another exception."""
    with pytest.raises(AuthorError):
        read_plan(b"code,name\nA,B\n")


# ------------------------------------------------------------------ applying
def test_a_first_import_brings_everything_and_a_second_one_changes_nothing(database: Database, apply: Apply) -> None:
    """Not a row, not a time, not an audit entry."""
    first = apply(bring(seed_draft()))
    before = contents(database)
    second = apply(bring(read_plan(seed_workbook()), LATER))

    assert first.counts() == {
        "plan": {"added": 1},
        "cadence": {"added": 4},
        "strategic_area": {"added": 3},
        "agency": {"added": 26},
        "objective": {"added": 12},
        "indicator": {"added": 28},
        "activity": {"added": 60},
        "code": {"added": 127},
        "reporting_period": {"added": 76},
    }
    assert not second
    assert second.summary("es") == "Sin diferencias: el plan ya es igual al archivo."
    assert contents(database) == before
    assert len(before["audit_entry"]) == 1


def test_the_reporting_periods_of_the_plan_s_whole_span_are_computed(apply: Apply) -> None:
    """2017 to 2020, as the plan's code says, though its first activity begins in 2018."""
    apply(bring(seed_draft()))
    found = apply(lambda unit: unit.plans.periods(unit.plans.only().id))
    assert sorted(found, key=lambda p: p.code) == sorted(
        periods_between(date(2017, 1, 1), date(2020, 12, 31)), key=lambda p: p.code
    )


def test_a_dry_run_writes_nothing(database: Database, apply: Apply) -> None:
    """The database itself refuses to write meanwhile."""
    with database.view() as unit:
        expected = told(differences(unit, seed_draft(), SEED_PLAN))
    assert all(not rows for name, rows in contents(database).items())
    assert told(apply(bring(seed_draft()))) == expected


def test_what_changed_is_told_column_by_column_and_then_it_is_so(apply: Apply) -> None:
    """Old → new, in the words of the workbook."""
    apply(bring(seed_draft()))
    book = Book().put("activities", "PRE-101", "due_date", "2020-12-15").put("agencies", "DPD", "name_es", "Despacho")
    book.put("indicators", "IND-02", "target", "650").put("activities", "PRE-101", "supporting", "PGR; MIREX")
    book.put("activities", "PRE-102", "indicator_code", None)
    old_name = seed_draft().rows["agency"]["DPD"]["name_es"]
    found = apply(bring(book.draft(), LATER))
    assert told(found) == [
        ("changed", "agency", "DPD", "name_es", old_name, "Despacho"),
        ("changed", "indicator", "IND-02", "target", "600", "650"),
        ("changed", "activity", "PRE-101", "supporting", ("DPD", "MIREX", "PGR"), ("MIREX", "PGR")),
        ("changed", "activity", "PRE-101", "due_date", date(2020, 11, 30), date(2020, 12, 15)),
        ("changed", "activity", "PRE-102", "indicator_code", "IND-02", ""),
    ]
    assert next(found.sentences("es")) == f"~ institución DPD · name_es: {old_name} → Despacho"

    def look(unit: UnitOfWork) -> tuple[object, ...]:
        plan_id = unit.plans.only().id
        return (
            unit.plans.activity(plan_id, "PRE-101").due_on,
            unit.plans.agency(plan_id, "DPD").name["es"],
            unit.plans.indicator(plan_id, "IND-02").target_of(2018).value,
            unit.plans.activity(plan_id, "PRE-102").indicator_code,
        )

    assert apply(look) == (date(2020, 12, 15), "Despacho", "650", "")
    assert not apply(bring(book.draft(), LATER))


def test_what_is_gone_from_the_file_is_retired_and_comes_back_with_it(apply: Apply) -> None:
    """Reports were made about it: nothing is deleted."""
    apply(bring(seed_draft()))
    smaller = Book().drop("activities", "PRE-103", "PRE-304").drop("indicators", "IND-07").drop("agencies", "OIM")
    for code in ("PRE-101", "PRE-102"):
        smaller.put("activities", code, "supporting", None)
    for row in smaller.cells["activities"][1:]:
        position = smaller.column("activities", "supporting")
        row[position] = ";".join(name for name in (row[position] or "").split(";") if name != "OIM")
    retired = [one for one in apply(bring(smaller.draft(), LATER)) if one.kind != "changed"]

    def look(unit: UnitOfWork) -> tuple[object, ...]:
        plan_id = unit.plans.only().id
        return (
            unit.plans.activity(plan_id, "PRE-103").retired_on,
            unit.plans.indicator(plan_id, "IND-07").retired_on,
            unit.plans.agency(plan_id, "OIM").active_to,
            len(unit.plans.activities(plan_id)),
        )

    assert told(Differences(tuple(retired))) == [
        ("retired", table, code, "", None, None)
        for table, code in (
            ("agency", "OIM"),
            ("indicator", "IND-07"),
            ("activity", "PRE-103"),
            ("activity", "PRE-304"),
        )
    ]
    assert apply(look) == (LATER.date(), LATER.date(), LATER.date(), 58)
    assert not apply(bring(smaller.draft(), LATER))

    restored = apply(bring(seed_draft(), LATER))
    assert {one.code for one in restored if one.kind == "restored"} == {"OIM", "IND-07", "PRE-103", "PRE-304"}
    assert apply(look) == (None, None, None, 60)


def test_a_column_that_the_file_lacks_changes_nothing(apply: Apply) -> None:
    """Somebody deletes the Creole column to make the sheet narrower; the Creole names stay."""
    apply(bring(seed_draft()))
    book = Book().drop_column("agencies", "name_ht").drop_column("activities", "supporting")
    assert not apply(bring(book.drop_column("indicators", "note").draft(), LATER))

    lists = Book().drop_column("codelists", "label_ht").drop_column("status_codes", "label_ht")
    lists.cells["status_codes"][1][lists.column("status_codes", "label_es")] = "Otra palabra"
    assert len(list(apply(bring(lists.draft(), LATER)))) == 1
    status, *_ = apply(lambda unit: unit.plans.code_list(1, "activity_status"))
    assert status.label["es"] == "Otra palabra"
    assert status.label["ht"]


def test_a_workbook_of_before_changes_nothing(apply: Apply) -> None:
    """Headers that had other names are still understood; what was no column yet stays."""
    apply(bring(seed_draft()))
    book = Book().drop_column("indicators", "computed").drop_column("indicators", "annual_table")
    for sheet, header, was in (("agencies", "founding_member", "member_2018"), ("activities", "budget", "budget_dop")):
        book.cells[sheet][0][book.column(sheet, header)] = was
    del book.cells["settings"]
    draft = book.draft()

    assert draft.problems == ()
    assert "budget" in draft.rows["activity"]["PRE-101"]
    assert not apply(bring(draft, LATER))


def test_a_plan_says_its_name_country_currency_and_zone_itself(apply: Apply) -> None:
    """In the sheet settings; a language that the file lacks is kept, a blank says nothing, undo takes it back."""
    code = "settings"
    apply(bring(seed_draft()))
    assert apply(lambda unit: unit.plans.only().currency) == "DOP"

    book = Book().drop_column(code, "name_ht").put(code, SEED_PLAN, "name_en", None)
    book.put(code, SEED_PLAN, "name_es", "Otro").put(code, SEED_PLAN, "currency", "HNL")
    book.put(code, SEED_PLAN, "country", "HN").put(code, SEED_PLAN, "timezone", "America/Tegucigalpa")
    found = apply(bring(book.draft(), LATER))
    assert {(one.table, one.column) for one in found} == {
        ("plan", column) for column in ("name", "country", "currency", "timezone")
    }

    plan = apply(lambda unit: unit.plans.only())
    assert (plan.country, plan.currency, plan.timezone) == ("HN", "HNL", "America/Tegucigalpa")
    assert (plan.name["es"], plan.name["en"][:8], plan.name["ht"][:4]) == ("Otro", "National", "Plan")
    assert not apply(bring(book.draft(), LATER))

    apply(lambda unit: undo_last(unit))
    assert apply(lambda unit: unit.plans.only()).currency == "DOP"


def undo_last(unit: UnitOfWork) -> None:
    plan_id = unit.plans.only().id
    found = history.look_back(unit, plan_id, LATER)
    assert found is not None
    history.undo(unit, plan_id, found.import_id, actor_id=None, now=LATER)


def test_a_plan_says_below_how_many_people_a_figure_is_protected(apply: Apply) -> None:
    """Ten, until it says another number; less protection is marked as such, of one indicator too; two are too few."""

    def limits(unit: UnitOfWork) -> tuple[int, ...]:
        plan_id = unit.plans.only().id
        return tuple(limit_of(unit.plans.indicator(plan_id, code)) for code in ("IND-01", "IND-20"))

    def with_limit(number: object) -> Book:
        book = Book().put("indicators", "IND-20", "min_cell", 0)
        for row, cell in zip(book.cells["settings"], ("min_cell", number), strict=True):
            row.append(cell)
        return book

    apply(bring(Book().put("indicators", "IND-20", "min_cell", 0).draft()))
    assert apply(limits) == (0, 10)

    found = apply(bring(with_limit(20).draft(), LATER))
    assert (told(found), found.lowering) == ([("changed", "plan", SEED_PLAN, "min_cell", 10, 20)], ())
    assert apply(limits) == (0, 20)

    lower = apply(lambda unit: differences(unit, with_limit(4).draft(), SEED_PLAN))
    assert [each.column for each in lower.lowering] == ["min_cell"]

    own = with_limit(20).put("indicators", "IND-20", "min_cell", 5)
    assert [each.code for each in apply(lambda unit: differences(unit, own.draft(), SEED_PLAN)).lowering] == ["IND-20"]
    assert not apply(bring(with_limit(None).draft(), LATER)), "blank says nothing"
    assert with_limit(2).errors() == [("number_out_of_range", "settings · I2")]


def test_what_the_bot_computes_and_what_the_annual_table_holds_is_the_plans_to_say(apply: Apply) -> None:
    """Any indicator of any plan, whatever its code."""
    book = (
        Book().put("indicators", "IND-17", "computed", None).put("indicators", "IND-02", "computed", "reporting_rate")
    )
    book.put("indicators", "IND-09", "annual_table", "prevention")
    apply(bring(book.draft()))
    indicators = apply(lambda unit: unit.plans.indicators(unit.plans.only().id))

    assert [each.code for each in indicators if each.is_computed] == ["IND-02", "IND-18", "IND-19"]
    of_table = {pillar: [each.code for each in indicators if each.annual_table == pillar] for pillar in PILLARS}
    assert of_table == {
        "prosecution": ["IND-10", "IND-11", "IND-12"],
        "protection": ["IND-20", "IND-22", "IND-25"],
        "prevention": ["IND-01", "IND-03", "IND-09"],
    }


def test_a_file_that_gives_an_agency_s_dates_decides_them(apply: Apply) -> None:
    """The optional columns active_from and active_to; an office that was closed keeps its past."""
    apply(bring(seed_draft()))
    book = Book()
    book.cells["agencies"][0].append("active_to")
    for row in book.cells["agencies"][1:]:
        row.append("2020-08-16" if row[0] == "DPD" else None)
    found = apply(bring(book.draft(), LATER))

    assert told(found) == [("changed", "agency", "DPD", "active_to", None, date(2020, 8, 16))]
    assert not apply(bring(book.draft(), LATER))


def test_the_days_of_a_period_that_exists_are_left_to_the_admin(apply: Apply) -> None:
    """A holiday entered by hand survives the next import, a longer plan gets its new periods."""
    apply(bring(seed_draft()))
    period = Base.metadata.tables["reporting_period"]
    moved = update(period).where(period.c.code == "201809").values(due_on=date(2018, 10, 9))
    apply(lambda unit: unit.connection.execute(moved).rowcount)
    found = apply(bring(Book().put("activities", "PRE-101", "due_date", "2021-03-31").draft(), LATER))

    assert found.counts()["reporting_period"] == {"added": 19}
    assert ("changed", "plan", SEED_PLAN, "ends_on", date(2020, 12, 31), date(2021, 12, 31)) in told(found)
    assert apply(lambda unit: unit.plans.period(unit.plans.only().id, "201809").due_on) == date(2018, 10, 9)


def test_new_periods_fall_where_the_plans_holidays_let_them(apply: Apply) -> None:
    """January 2021 would be due on Friday the 5th of February; the plan's calendar has a holiday then."""
    apply(bring(seed_draft()))
    friday = {date(2021, 2, 5): "fiesta"}
    apply(lambda unit: unit.holidays.add_all(unit.plans.only().id, friday))
    apply(bring(Book().put("activities", "PRE-101", "due_date", "2021-03-31").draft(), LATER))

    assert apply(lambda unit: unit.plans.period(unit.plans.only().id, "202101").due_on) == date(2021, 2, 8)


def test_an_import_that_fails_at_the_end_has_not_begun(database: Database, apply: Apply) -> None:
    """One unit of work: all of it or nothing."""

    def fail(unit: UnitOfWork) -> None:
        applying.apply(unit, seed_draft(), SEED_PLAN, None, NOW)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        apply(fail)
    assert all(not rows for rows in contents(database).values())


def test_two_plans_share_no_row(database: Database, apply: Apply) -> None:
    """The same workbook under another code is another plan, and importing it again touches only that one."""
    apply(bring(seed_draft()))
    before = contents(database)
    apply(bring(seed_draft(), code="otro"))
    book = Book().drop("activities", "PRE-101").put("agencies", "MITUR", "name_es", "Turismo")
    apply(bring(book.draft(), LATER, "otro"))
    after = contents(database)
    for name, rows in before.items():
        assert [row for row in after[name] if row in rows] == rows

    count = select(func.count()).select_from(Base.metadata.tables["activity"])
    assert apply(lambda unit: unit.connection.execute(count).scalar_one()) == 120


def test_an_import_is_audited_with_its_old_and_new_values(apply: Apply) -> None:
    """Who, which file, what changed."""
    apply(bring(seed_draft()))
    draft = Book().put("activities", "PRE-101", "due_date", "2020-12-15").draft()
    apply(bring(draft, LATER))
    latest = apply(lambda unit: unit.audit.latest(limit=1)[0])

    told = {**latest.details}
    assert all(told.pop(name) for name in ("protects", "contents", "import", "before"))
    assert (latest.act, latest.at, told) == (
        "plan.imported",
        LATER,
        {
            "plan": SEED_PLAN,
            "workbook": draft.sha256,
            "rows": {"activity": {"changed": 1}},
            "changes": [["activity", "PRE-101", "due_date", "2020-11-30", "2020-12-15"]],
        },
    )


def test_what_a_later_import_adds_is_in_the_plan_from_that_day_on(apply: Apply) -> None:
    """The first import is the plan's beginning; the day is the plan's own, not that of Greenwich."""
    apply(bring(seed_draft()))
    later = Book()
    row = list(later.cells["activities"][later.row("activities", "PRE-101")])
    row[later.column("activities", "code")] = "PRE-199"
    later.cells["activities"].append(row)
    draft = read_plan(later.data())
    apply(bring(draft, datetime(2018, 10, 6, 2, tzinfo=UTC)))

    def added(unit: UnitOfWork) -> dict[str, date | None]:
        found = unit.plans.activities(unit.plans.only().id)
        return {each.code: each.added_on for each in found if each.code in ("PRE-101", "PRE-199")}

    assert apply(added) == {"PRE-101": None, "PRE-199": date(2018, 10, 5)}
