"""The contract of every dataset in every format: the same cells come back from each, and they are the database's."""

import io
import zipfile
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from conversations.plan.model import Role
from storage.database.models import (
    Activity,
    Agency,
    Code,
    Fire,
    Indicator,
    ReportingPeriod,
    StrategicArea,
    table,
)
from storage.database.models import Plan as PlanRow
from storage.errors import Conflict
from storage.exports.exporters import DATASETS
from storage.exports.tables import PROTECTED, Cell
from storage.plan.settings import SHOW_GCM
from storage.unit_of_work import UnitOfWork
from tests.storage.exports.small_plan import (
    NOW,
    Plan,
    add,
    comparable,
    correct,
    names_of_formats,
)

UNTYPED = frozenset({"csv", "datapackage"})
"""Formats whose cells are all texts."""


# ------------------------------------------------------------------ the contract
def said_and_done(world: Any, unit: UnitOfWork) -> None:
    """A reminder that was sent, one that was not, and an act with details."""
    about = {"plan_id": world.plan_id, "what": "reminders", "fired_at": NOW}
    for person, state, reason in ((0, "sent", ""), (1, "skipped", "nothing_left")):
        add(unit, Fire, **about, person_id=world.person_ids[person], window="2018-10-03", state=state, reason=reason,
            rungs="due" if state == "sent" else "", settled_at=NOW)  # fmt: skip
    unit.audit.record("exported", world.person_ids[2], world.plan_id, {"dataset": "plan", "what": "=1+1"}, NOW)
    correct(unit, world)


@pytest.mark.parametrize(("dataset", "audience"), [(each.name, a) for each in DATASETS for a in sorted(each.audiences)])
def test_the_same_cells_come_back_from_every_format(plan: Plan, apply: Any, dataset: str, audience: str) -> None:
    """Each of FORMATS holds the same rows of the same cells, for every audience that gets them."""
    apply(partial(said_and_done, plan.world))
    tables = plan.tables(dataset, audience=audience)
    read = [
        comparable(plan.read(dataset, format, tables, audience=audience), loose=("double",))
        for format in names_of_formats()
    ]
    first, *others = read
    assert any(row for rows in first.values() for row in rows), "nothing to compare"
    for other in others:
        for name, rows in first.items():
            for at, row in enumerate(rows):
                assert other[name][at] == row
        assert other == first


def test_what_is_written_is_what_the_database_holds(plan: Plan) -> None:
    """Every answer that was sent is a cell, under its question's name, in the row of its submission or repeat."""
    tables = plan.read("answers", "csv", form_id="household")
    main, person, visit = (tables[name] for name in ("household", "household.person", "household.person.visit"))
    visits = {row["_key"]: row for row in visit}
    people = {row["_key"]: row for row in person}
    held = 0
    with plan.database.view() as unit:
        for row in main:
            sent = unit.submissions.by_instance(str(row["_key"]))
            assert sent is not None
            said = unit.submissions.answers(sent)
            for ref, value in said.items():
                held += 1
                name = ref.rpartition("/")[2]
                if "visit[" in ref:
                    first, second = ref.split("/")[2:4]
                    found = visits[f"{row['_key']}/{first}/{second}"]
                    assert found["_parent_key"] in people
                elif "person[" in ref:
                    found = people[f"{row['_key']}/{ref.split('/')[2]}"]
                    assert (found["_parent_key"], found["_receipt"]) == (row["_key"], row["_receipt"])
                else:
                    found = row
                cell = found[name]
                if isinstance(cell, datetime):
                    assert cell == datetime.fromisoformat(value)
                else:
                    assert cell == value or str(cell) == value or float(str(cell)) == float(value)
    assert (len(main), held > 400) == (60, True)


def test_a_column_that_the_next_version_renames_or_drops_loses_nothing(plan: Plan) -> None:
    """The columns are the union of both editions, the newest one's first, and each row fills its own."""
    rows = plan.read("answers", "jsonl", form_id="household")["household"]
    old, new = rows[:30], rows[30:]
    names = [name for name in rows[0] if not name.startswith("_")]
    assert names == ["begun", "age", "height", "born", "agreed", "hamlet", "double", "village", "dropped"]
    assert [row["dropped"] for row in old] == [f"kept {number}" for number in range(30)]
    assert all(row["village"] is not None and row["hamlet"] is None for row in old)
    assert all(row["hamlet"] is not None and row["village"] is row["dropped"] is None for row in new)


def test_what_is_not_reported_is_not_zero(plan: Plan) -> None:
    """0 stays 0 and nothing stays nothing, in every format."""
    for format in names_of_formats():
        [rows] = plan.read("reports", format).values()
        assert [row["people_total"] for row in rows] == [12, 0, 3]
        assert [row["men"] for row in rows] == [0, None, None]


def test_only_a_coordinator_has_what_is_not_validated_and_what_is_restricted(plan: Plan) -> None:
    """An admin, and whoever is at the server, has validated data without the restricted text
    (docs/domain.md#who-sees-what).
    """
    for role in (Role.ADMIN, None):
        rows = plan.rows("reports", role=role)
        assert [(row["activity"], row["people_total"], row["obstacle_detail"]) for row in rows] == [
            ("PRE-101", 12, None),
            ("ASI-101", 3, None),
        ]
        for format in names_of_formats():
            for dataset in ("reports", "answers"):
                assert b"secreto" not in readable(plan.take(dataset, format, role=role)[0])
    assert [row["obstacle_detail"] for row in plan.rows("reports")] == [None, None, "secreto"]
    assert [row["zero_reason"] for row in plan.rows("reports")] == [None, "budget", None]
    assert b"secreto" in readable(plan.take("answers", "csv")[0])


def test_what_was_validated_is_told_outside_while_its_correction_waits(plan: Plan, apply: Any) -> None:
    """The version before, until the new one is validated; a coordinator takes out what was sent last."""
    world = plan.world
    first = apply(lambda unit: unit.submissions.by_instance("uuid:r0"))
    about = {"subject": first.subject, "reporting_period_id": first.reporting_period_id, "agency_id": first.agency_id}
    second = apply(
        lambda unit: world.submit(
            unit, "uuid:r0b", supersedes_id=first.id, activity_status="in_progress", progress=10,
            validation_state="corrected", answers={"/data/ben_total": "40", "/data/ben_men": "40"}, **about,
        )
    )  # fmt: skip

    receipts = {first.receipt_number, second.receipt_number}

    def versions(**asked: Any) -> list[Cell]:
        return [row["version"] for row in plan.rows("reports", **asked) if row["receipt"] in receipts]

    for asked in ({"role": Role.ADMIN}, {"audience": "observers"}, {"audience": "public", "role": Role.ADMIN}):
        assert versions(**asked) == [1]
    assert versions() == [2]


def test_a_correction_is_on_time_if_what_it_corrects_was(plan: Plan, apply: Any) -> None:
    """Sent on the 3rd, due on the 5th, returned, and corrected on the 9th: the agency was on time
    (docs/domain.md#rates).
    """
    world = plan.world

    def sent(number: int, **more: Any) -> Any:
        about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[1], "progress": 10,
                 "activity_status": "in_progress", "now": datetime(2018, 10, number, 12, tzinfo=UTC)}  # fmt: skip
        return apply(lambda unit: world.submit(unit, f"uuid:t{number}", **about | more))

    def on_time() -> list[Cell]:
        return [row["on_time"] for row in plan.rows("reports", period="201809")]

    before = apply(lambda unit: unit.submissions.by_instance("uuid:r1"))
    assert on_time() == [True]
    again = sent(9, supersedes_id=before.id)
    assert on_time() == [True]
    sent(11, supersedes_id=again.id)
    assert on_time() == [True]
    late = sent(6, subject="activity:ASI-101")
    assert on_time() == [True, False]
    sent(12, subject="activity:ASI-101", supersedes_id=late.id)
    assert on_time() == [True, False]


def test_a_target_is_a_number_where_it_is_one(plan: Plan, apply: Any) -> None:
    """A ministry adds it up; "todas" stays a word, and nothing stays nothing."""
    activity = table(Activity)

    def promise(unit: UnitOfWork) -> None:
        for code, target in (("PRE-101", "600"), ("ASI-101", "todas")):
            unit.connection.execute(update(activity).where(activity.c.code == code).values(target_quantity=target))

    apply(promise)
    for format in set(names_of_formats()) - UNTYPED:
        [rows] = plan.read("plan", format).values()
        assert [row["target"] for row in rows] == [600, "todas"]


def readable(data: bytes) -> bytes:
    """What is inside, of a ZIP too."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(map(archive.read, archive.namelist()))


@pytest.mark.parametrize("audience", ["observers", "public"])
def test_outside_there_is_no_free_text_no_name_and_nobody_who_is_few(plan: Plan, audience: str) -> None:
    """Of a restricted report only its state is told; forms that are not the plan's own are not there at all."""
    rows = plan.rows("reports", audience=audience)
    assert [(row["activity"], row["activity_name"]) for row in rows] == [
        ("PRE-101", "Actividad PRE-101"),
        ("ASI-101", None),
    ]
    assert [(row["people_total"], row["women"], row["girls"]) for row in rows] == [
        (12, 7, None),
        (PROTECTED, PROTECTED, PROTECTED),
    ]
    tables = plan.read("answers", "csv", audience=audience)
    assert list(tables) == ["activity_report", "indicator_update"]
    assert [row.get("ben_total") for row in tables["activity_report"]] == [12, None]
    assert [row.get("value_people") for row in tables["indicator_update"]] == [None] * 4
    for each in DATASETS:
        for format in names_of_formats():
            if audience in each.audiences:
                data = readable(plan.take(each.name, format, audience=audience)[0])
                assert not [w for w in (b"Person ", b"secreto", b"1+1", b"uuid:h1") if w in data], each.name
    with pytest.raises(Conflict):
        plan.take("answers", "csv", audience=audience, form_id="household")


def test_people_of_a_restricted_indicator_are_few_though_it_names_no_limit(plan: Plan, apply: Any) -> None:
    """The activity is open, what it counts is not; and one category that holds everybody is not told by its zeros."""
    indicator, activity = table(Indicator), table(Activity)
    apply(
        lambda unit: (
            unit.connection.execute(
                update(indicator).where(indicator.c.code == "IND-01").values(sensitivity="restricted", min_cell=0)
            )
            and unit.connection.execute(
                update(activity)
                .where(activity.c.code == "PRE-101")
                .values(indicator_id=select(indicator.c.id).where(indicator.c.code == "IND-01").scalar_subquery())
            )
            and None
        )
    )
    row = plan.rows("reports", audience="observers")[0]
    assert (row["people_total"], row["women"], row["men"]) == (PROTECTED, PROTECTED, 0)
    answers = plan.read("answers", "jsonl", audience="observers")["activity_report"][0]
    assert (answers["ben_total"], answers["ben_women"], answers["ben_men"]) == (PROTECTED,) * 3


def test_the_global_compact_is_in_no_ministerial_or_public_file_unless_an_admin_says_so(plan: Plan, apply: Any) -> None:
    """Not adopted here: on for partners and inside, a switch for the others
    (docs/domain.md#sdgs-and-the-global-compact).
    """

    def columns() -> list[bool]:
        asked = ({}, {"audience": "observers"}, {"audience": "observers", "role": Role.READER}, {"audience": "public"})
        return [
            name in plan.rows(dataset, **each)[0]
            for dataset, name in (("plan", "gcm_objectives"), ("indicators", "gcm_objective"))
            for each in asked
        ]

    assert columns() == [True, True, False, False] * 2
    apply(lambda unit: unit.settings.set(plan.world.plan_id, SHOW_GCM, "yes", now=NOW, by=None) and None)
    assert columns() == [True] * 8


def test_an_indicator_has_a_row_a_figure_inside_and_a_year_outside(plan: Plan) -> None:
    """Value, category, baseline, unit and cut-off; zero and no figure apart; few people by the year alone."""

    def rows(**asked: Any) -> list[tuple[Cell, ...]]:
        names = ("indicator", "period", "data_status", "category", "value")
        return [tuple(row.get(name) for name in names) for row in plan.rows("indicators", **asked)]

    assert (
        rows()
        == rows(role=Role.ADMIN)
        == [
            ("IND-01", "201808", "zero", "total", 0),
            ("IND-01", "201809", "not_available", "total", None),
            ("IND-20", "201808", "final", "total", 12),
            ("IND-20", "201808", "final", "women", 9),
            ("IND-20", "201808", "final", "girls", 3),
            ("IND-20", "201809", "final", "total", 3),
            ("IND-20", "201809", "final", "girls", 3),
        ]
    )
    outside = rows(audience="public")
    assert outside[2:] == [("IND-20", "2018", "preliminary", "total", 12)]
    # A filter narrows what is shown, never what is counted: a month by itself would be told by leaving it out.
    # And it is not missing: it was reported, and is told by the year.
    assert rows(audience="public", period="201809")[1:] == []
    assert rows(audience="public", period="2018")[2:] == outside[2:]
    assert plan.rows("indicators")[2]["baseline"] == 102
    assert "gcm_objective" not in plan.rows("indicators", audience="public")[0]


def test_the_3p_table_has_both_years_and_says_how_much_of_them_there_is(plan: Plan) -> None:
    """January to December and April to March, of each measure that the plan has."""
    rows = [row for row in plan.rows("3p") if row["indicator"] == "IND-20" and row["category"] == "total"]
    assert [(row["year"], row["value"], row["periods_reported"], row["coverage"]) for row in rows] == [
        ("2017", None, 0, "missing"),
        ("2017/2018", None, 0, "missing"),
        ("2018", 15, 2, "running"),
        ("2018/2019", 15, 2, "running"),
    ]
    outside = [row for row in plan.rows("3p", audience="observers") if row["indicator"] == "IND-20"]
    assert [(row["year"], row["value"], row["value_status"]) for row in outside] == [
        ("2017", None, "missing"),
        ("2017/2018", None, "missing"),
        ("2018", 12, "told"),
        ("2018/2019", None, "suppressed"),
    ]
    assert {(row["pillar"], row["calendar"]) for row in rows} == {
        ("protection", "calendar"), ("protection", "april"),
    }  # fmt: skip


def test_a_filter_leaves_in_what_it_names(plan: Plan) -> None:
    """Period, agency, area, status and validation, one by one and together."""

    def receipts(**asked: Any) -> list[Cell]:
        return [row["receipt"] for row in plan.rows("reports", **asked)]

    assert receipts() == [1, 2, 3]
    assert receipts(period="201808") == [1, 3]
    assert (
        receipts(period="2018") == receipts(period="201808..201809") == receipts(period="2018Q3..2018Q3") == [1, 2, 3]
    )
    assert receipts(agency="PGR") == [3]
    assert receipts(agency="PGR, MINERD") == [1, 2, 3]
    assert receipts(area="PRE") == [1, 2]
    assert receipts(status="in_progress") == [1, 2, 3]
    assert receipts(status="completed") == []
    assert receipts(validation="submitted") == [2]
    assert receipts(area="PRE", period="201808", validation="validated") == [1]


def test_missing_is_said_of_what_had_to_be_reported_and_is_not_there(plan: Plan, apply: Any) -> None:
    """A filter makes no figure that exists "missing", and what was asked of nobody is not (docs/domain.md#rates)."""

    def found(**asked: Any) -> list[tuple[Cell, ...]]:
        rows = plan.rows("indicators", **asked)
        return [(row["indicator"], row["period"], row["data_status"]) for row in rows if row["indicator"] != "IND-20"]

    def indicator(unit: UnitOfWork, code: str, frequency: str, computed: str = "") -> int:
        areas = table(StrategicArea)
        area = unit.connection.execute(select(areas.c.id).where(areas.c.code == "PRE")).scalar_one()
        return add(unit, Indicator, plan_id=plan.world.plan_id, agency_id=plan.world.agency_ids[0], code=code, unit="u",
                   strategic_area_id=area,
                   name={"es": code}, level="output", direction="increase", aggregation="sum", frequency=frequency,
                   min_cell=0, computed=computed)  # fmt: skip

    apply(lambda unit: indicator(unit, "IND-02", "monthly"))
    apply(lambda unit: indicator(unit, "IND-03", "annual"))
    apply(lambda unit: indicator(unit, "IND-17", "monthly", "reporting_rate"))  # the bot's own, asked of nobody
    reported = [("IND-01", "201808", "zero"), ("IND-01", "201809", "not_available")]
    missing = [("IND-02", "201808", "missing"), ("IND-02", "201809", "missing")]
    counted = [("IND-17", "201808", "final"), ("IND-17", "201809", "preliminary")]
    assert found() == [*reported, *missing, ("IND-03", None, None), *counted]
    assert found(period="201809") == [reported[1], missing[1], counted[1]]
    assert found(period="201808..201809") == found(period="2018") == [*reported, *missing, *counted]
    assert found(period="2018Q3") == []
    assert found(period="201807") == []
    assert found(validation="validated") == reported
    assert found(validation="submitted") == []
    assert found(agency="PGR") == []
    days = {name: date(2018, 10, 25) for name in ("end_on", "opens_on", "due_on", "grace_until_on", "locks_on")}
    apply(lambda unit: add(unit, ReportingPeriod, plan_id=plan.world.plan_id, code="201810", period_type="Monthly",
                           start_on=date(2018, 10, 1), **days))  # fmt: skip
    assert found(period="201810") == []  # nobody can report on it yet
    for outside in ({"audience": "public"}, {"audience": "observers"}):
        assert found(period="201809", **outside) == [reported[1], missing[1], counted[1]]


# ------------------------------------------------------------------ two plans
def test_the_figures_of_an_earlier_plan_stand_before_those_of_the_plan_that_follows(plan: Plan, apply: Any) -> None:
    """As anybody may see them, whoever asks; with the codes under which they go on, and what is defined otherwise."""
    before = plan.rows("indicators", audience="public")

    def follow(unit: UnitOfWork) -> int:
        values = {"code": "NEXT", "name": {}, "starts_on": date(2019, 1, 1), "ends_on": date(2020, 12, 31)}
        values |= {"timezone": "Europe/Tirane", "imported_at": NOW, "succeeds_id": plan.world.plan_id}
        here = {"plan_id": add(unit, PlanRow, **values)}
        area = add(unit, StrategicArea, **here, code="A", name={}, intent={}, position=1)
        agency = add(unit, Agency, **here, code="MINERD", name={}, role_type="member")
        for code, counts in (("N-1", "people"), ("N-2", "count")):
            add(unit, Indicator, **here, strategic_area_id=area, agency_id=agency, code=code, name={}, level="output",
                unit=counts, direction="increase", aggregation="sum", frequency="monthly", min_cell=0)  # fmt: skip
        for was, relation, became in (("IND-01", "split", "N-1 N-2"), ("IND-20", "merged", "N-2")):
            told = {"relation": relation, "new_codes": became}
            add(unit, Code, **here, list="succession", code=was, label={}, attributes=told, position=1)
        return here["plan_id"]

    plan_id = apply(follow)
    more = {"IND-01": ("RD-2017", "N-1 N-2", "unit"), "IND-20": ("RD-2017", "N-2", "unit direction")}
    for audience in ("public", "internal"):
        rows = plan.rows("indicators", plan_id=plan_id, audience=audience)
        earlier = [row for row in rows if row["earlier_plan"]]
        told = [{name: cell for name, cell in row.items() if name in before[0]} for row in earlier]
        assert told == before
        assert all(
            (row["earlier_plan"], row["goes_on_as"], row["differs"]) == more[row["indicator"]] for row in earlier
        )
        assert {row["indicator"] for row in rows[len(earlier) :]} == {"N-1", "N-2"}
    assert not any(row["earlier_plan"] for row in plan.rows("indicators", plan_id=plan_id, since="2018-01-01"))
    assert all("earlier_plan" not in row for row in plan.rows("indicators"))
