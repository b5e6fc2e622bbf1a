"""Filters: each that is declared leaves something out, one that is not is refused, and a file says what is in it."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from conversations.plan.model import Role
from storage.database.models import (
    Fire,
    Indicator,
    table,
)
from storage.errors import Conflict, NotFound
from storage.exports.exporters import DATASETS, EXPORTERS, FORMATS, check_wanted, exporter, file_name, record_export
from storage.exports.tables import Extract
from storage.exports.wanted import Refused, Wanted, span_of
from storage.unit_of_work import UnitOfWork
from tests.storage.exports.small_plan import (
    NOW,
    ZONE,
    Plan,
    add,
    correct,
    hostile,
    names_of_formats,
)

# ------------------------------------------------------------------ filters
NARROWER: dict[tuple[str, str], dict[str, str]] = {
    ("*", "agency"): {"agency": "PGR"},
    ("*", "area"): {"area": "ASI"},
    ("*", "period"): {"period": "201808"},
    ("*", "status"): {"status": "completed"},
    ("*", "validation"): {"validation": "submitted"},
    ("*", "form_id"): {"form_id": "household"},
    ("*", "since"): {"since": "2018-10-04"},
    ("3p", "period"): {"period": "2017"},
    ("withdrawn", "period"): {"period": "201809"},
    ("audit", "period"): {"period": "201808"},
}
"""For a dataset and a filter of it a value that leaves something out of the plan that is furnished here."""


@pytest.mark.parametrize(("dataset", "name"), [(each.name, f) for each in DATASETS for f in sorted(each.filters)])
def test_every_filter_that_is_declared_leaves_something_out(plan: Plan, apply: Any, dataset: str, name: str) -> None:
    """EXPORTERS says what a dataset is filtered by, and the dataset does it: its cover claims no more than it holds."""
    apply(lambda unit: take_part(unit, plan.world))
    prevention = update(table(Indicator)).where(table(Indicator).c.code == "IND-01").values(annual_table="prevention")
    apply(lambda unit: unit.connection.execute(prevention).rowcount)
    asked = NARROWER.get((dataset, name)) or NARROWER["*", name]

    def count(**more: Any) -> int:
        return sum(len(rows) for rows in plan.read(dataset, "jsonl", **more).values())

    assert count(**asked) < count()


def take_part(unit: UnitOfWork, world: Any) -> None:
    """Somebody of another agency, who was reminded, and who did something, each on another day."""
    correct(unit, world)
    person = world.person_ids[0]
    unit.audit.record("exported", person, world.plan_id, {}, NOW)
    unit.audit.record("exported", person, world.plan_id, {}, datetime(2018, 9, 1, 3, 59, tzinfo=UTC))
    for each, day in ((world.person_ids[0], "2018-08-05"), (world.person_ids[1], "2018-10-03")):
        add(unit, Fire, plan_id=world.plan_id, person_id=each, what="reminders", window=day, state="sent",
            fired_at=NOW)  # fmt: skip


def test_a_filter_that_is_not_declared_is_refused_with_those_that_are(plan: Plan) -> None:
    """Passed over in silence, the cover would say what the file is not."""
    some = {"form_id": "household", "period": "201808", "agency": "PGR", "area": "PRE", "status": "delayed",
            "validation": "validated", "since": "2018-10-03"}  # fmt: skip
    with plan.database.view() as unit:
        for used, (name, value) in product(EXPORTERS, some.items()):
            if name in used.filters:
                check_wanted(unit, used, plan.wanted(**{name: value}))
                continue
            with pytest.raises(Refused, match=f"^{used.dataset} cannot be filtered by ") as caught:
                check_wanted(unit, used, plan.wanted(**{name: value}))
            assert caught.value.why == "filter"
            for known in used.filters:
                assert known.removesuffix("_id") in str(caught.value).partition(";")[2]


def test_the_audit_of_a_month_is_of_its_local_days(plan: Plan, apply: Any) -> None:
    """An act of 31 August, 23:59 in the plan's zone, is of August, though it was September in Greenwich."""
    apply(lambda unit: take_part(unit, plan.world))

    def days(period: str) -> list[Any]:
        return [row["at"] for row in plan.rows("audit", period=period)]

    assert [datetime.fromisoformat(str(each)).date() for each in days("201808")] == [date(2018, 8, 31)]
    assert days("201809") == []
    assert len(days("201808..201809")) == 1


def test_a_misspelt_filter_is_an_error_and_no_empty_file(plan: Plan) -> None:
    """What does not exist is named, with what does; what may not be taken is refused."""
    used = exporter("answers", "csv", "internal", Role.COORDINATOR)
    assert used is not None
    with plan.database.view() as unit:
        for asked in ({"period": "201813"}, {"period": "2025"}, {"agency": "PGX"}, {"area": "X"}, {"status": "done"},
                      {"form_id": "hous"}, {"validation": "ok"}, {"period": "201809..201808"}):  # fmt: skip
            with pytest.raises(NotFound):
                check_wanted(unit, used, plan.wanted(**asked))
        check_wanted(unit, used, plan.wanted(period="201808..201809", agency="PGR,MINERD"))
        with pytest.raises(Conflict, match="validated"):
            check_wanted(unit, used, plan.wanted(role=Role.ADMIN, validation="submitted"))


def test_a_file_says_in_its_name_what_is_in_it(plan: Plan) -> None:
    """Plan, dataset, filters, audience and time; answers as CSV are a ZIP, whatever was answered."""
    used, many = (exporter(name, "csv", "internal", None) for name in ("reports", "answers"))
    assert used is not None
    assert many is not None
    with plan.database.view() as unit:
        wanted = plan.wanted(period="201808", agency="PGR")
        assert file_name(unit, used, wanted) == "RD-2017_reports_201808_PGR_internal_20181003-0800.csv"
        assert file_name(unit, many, plan.wanted()) == "RD-2017_answers_internal_20181003-0800.zip"
        assert file_name(unit, many, plan.wanted(form_id="activity_report")).endswith(".zip")


@pytest.mark.parametrize(
    ("language", "role", "named"),
    [
        ("es", Role.READER, "Estado del plan - septiembre 2018 - Lectura ministerial - 3 oct 2018.pdf"),
        ("en", Role.OBSERVER, "State of the plan - September 2018 - Observer - 3 Oct 2018.pdf"),
        ("fr", Role.COORDINATOR, "État du plan - septembre 2018 - Observateurs - 3 oct 2018.pdf"),
        ("ht", Role.READER, "Eta plan an - septanm 2018 - Lekti minis - 3 okt 2018.pdf"),
    ],
)
def test_a_page_has_a_name_in_words(plan: Plan, language: str, role: Role, named: str) -> None:
    """Whoever opens it on a phone reads no code: what it is, for whom, and the day as their language writes it."""
    used = exporter("plan-state", "pdf", "observers", role)
    assert used is not None
    wanted = plan.wanted(period="201809", language=language, role=role, audience="observers")
    with plan.database.view() as unit:
        assert file_name(unit, used, wanted) == named


def test_every_export_leaves_an_entry_of_who_took_what(plan: Plan, apply: Callable[[Any], Any]) -> None:
    """Dataset, format, audience, filters and role: no answers."""
    used = exporter("reports", "csv", "public", Role.ADMIN)
    assert used is not None
    apply(lambda unit: record_export(unit, used, plan.wanted(audience="public", role=Role.ADMIN, area="PRE"), 1))
    with plan.database.view() as unit:
        [entry] = unit.audit.latest(limit=1)
    assert (entry.act, entry.actor_id, entry.details["audience"], entry.details["area"], entry.details["role"]) == (
        "exported", 1, "public", "PRE", "admin",
    )  # fmt: skip


@pytest.mark.parametrize("bom", [False, True])
def test_a_csv_begins_with_the_mark_of_utf_8_if_asked(plan: Plan, bom: bool) -> None:
    """And its lines end as RFC 4180 says."""
    data, _ = plan.take("reports", "csv", bom=bom)
    assert data.startswith(b"\xef\xbb\xbf") == bom
    assert data.count(b"\r\n") == 4
    assert data.decode("utf-8-sig").startswith("receipt,")


def test_periods_are_a_code_a_year_or_a_range() -> None:
    """One code is that period alone; a year and a range are all that lie in them."""
    quarter = span_of("2018Q3")
    assert quarter is not None
    assert quarter.code == "2018Q3"
    year, both = span_of("2018"), span_of("2018Q1..201809")
    assert year is not None
    assert both is not None
    assert (year.code, year.start_on, year.end_on) == ("", date(2018, 1, 1), date(2018, 12, 31))
    assert (both.code, both.start_on, both.end_on) == ("", date(2018, 1, 1), date(2018, 9, 30))
    assert span_of("") is None
    for wrong in ("2018-13", "abc", "201809..", "2018Q5"):
        with pytest.raises(ValueError):
            span_of(wrong)


# ------------------------------------------------------------------ left off
@pytest.mark.parametrize("format", names_of_formats())
@pytest.mark.parametrize("tables", [1, 2])
def test_what_is_left_off_leaves_nothing_open(tmp_path: Path, format: str, tables: int) -> None:
    """Somebody cancels, or another worker has taken it over: no spool stays open until somebody collects it."""
    write = {each.name: each.write for each in FORMATS}[format]
    one = hostile().tables[0]
    named = tuple(replace(one, name=f"t{n}", title=f"T{n}", is_main=n == 0) for n in range(tables))
    rows = iter([(number % tables, (f"text {number}", number, number / 2)) for number in range(10)])

    def stop(done: int, total: int) -> None:
        if done >= 3:
            raise InterruptedError

    open_ones = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InterruptedError) as caught, (tmp_path / "out").open("w+b") as out:
        write(Extract(named, 10, rows, is_several=tables > 1), Wanted(1, str(ZONE), NOW), out, stop)
    assert len(os.listdir("/proc/self/fd")) == open_ones, caught
