"""The contract of every dataset in every format: the same cells come back from each, and they are the database's."""

import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy import event, insert, select, update

from conversations.languages import LANGUAGES, translated
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import AUDIENCES, FILTERS
from conversations.wording import catalogue, wording
from storage.database.models import (
    Activity,
    Agency,
    Code,
    Fire,
    FormVersion,
    Indicator,
    Objective,
    ReportingPeriod,
    StrategicArea,
    table,
)
from storage.errors import Conflict, NotFound
from storage.exports import DATASETS, EXPORTERS, FORMATS, check_wanted, exporter, file_name, record_export
from storage.exports.formats.delimited import neutral, original, write_csv
from storage.exports.formats.workbooks import in_reading_order, names_of_columns, write_xlsx
from storage.exports.tables import PROTECTED, Cell, Column, Extract, Kind, Table
from storage.exports.wanted import Refused, Wanted, Written, span_of
from storage.open_database import Database
from storage.plan.settings import SHOW_GCM
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from tests import ROOT
from tests.deadlines import PATIENCE
from tests.forms import compiled

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
ZONE = ZoneInfo("America/Santo_Domingo")
FIRST = b"""
| survey |
| | type | name | label::Espanol (es) | label::English (en) | calculation |
| | start | begun | | | |
| | text | village | Aldea | Village | |
| | integer | age | Edad | Age | |
| | decimal | height | Altura | Height | |
| | date | born | Nacimiento | Born | |
| | select_one yes_no | agreed | De acuerdo | Agreed | |
| | text | dropped | Se quita | Dropped | |
| | calculate | double | | | ${age} * 2 |
| | begin repeat | person | Persona | Person | |
| | text | who | Quien | Who | |
| | begin repeat | visit | Visita | Visit | |
| | date | on | Dia | Day | |
| | end repeat | | | | |
| | end repeat | | | | |
| choices |
| | list_name | name | label::Espanol (es) | label::English (en) |
| | yes_no | yes | Si | Yes |
| | yes_no | no | No | No |
| settings |
| | form_id | form_title | version |
| | household | Hogar | 1 |
"""
SECOND = (
    FIRST.replace(b"| | text | village | Aldea | Village | |\n", b"")
    .replace(b"| | text | dropped | Se quita | Dropped | |\n", b"| | text | hamlet | Caserio | Hamlet | |\n")
    .replace(b"| household | Hogar | 1 |", b"| household | Hogar | 2 |")
)
NASTY = (
    "=1+1",
    "-2+3",
    "+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "'=1",
    "O'Brien",
    " =1",
    "-5",
    "007",
    'ñ, "x"; y',
)


@dataclass(frozen=True)
class Plan:
    """A plan with two activities, of which one is restricted, an indicator, and reports and answers about them."""

    database: Database
    world: Any
    folder: Path
    now: datetime = NOW

    def wanted(self, **asked: Any) -> Wanted:
        return Wanted(self.world.plan_id, str(ZONE), self.now, **{"role": Role.COORDINATOR, **asked})

    def take(self, dataset: str, format: str, **asked: Any) -> tuple[bytes, Written]:
        wanted = self.wanted(**asked)
        used = exporter(dataset, format, wanted.audience, wanted.role)
        assert used is not None
        out = io.BytesIO()
        store = FileStore(self.folder, self.database.vault)
        seen: list[tuple[int, int]] = []
        with self.database.view() as unit:
            written = used.write(unit, store, wanted, out, lambda done, total: seen.append((done, total)))
        assert seen == [(number, written.count) for number in range(1, written.count + 1)]
        return out.getvalue(), written

    def read(self, dataset: str, format: str, **asked: Any) -> dict[str, list[dict[str, Cell]]]:
        """Its tables as rows of cells, whatever the format, typed as the dataset says they are."""
        data, _ = self.take(dataset, format, **asked)
        wanted = self.wanted(**asked)
        with self.database.view() as unit:
            tables = {name: make for name, make, *_ in DATASETS}[dataset](unit, wanted).tables
        return READERS[format](data, tables)

    def rows(self, dataset: str, **asked: Any) -> list[dict[str, Cell]]:
        [rows] = self.read(dataset, "jsonl", **asked).values()
        return rows


REPORT = b"""
| survey |
| | type | name | label::Espanol (es) | label::English (en) |
| | integer | ben_total | Total | Total |
| | integer | ben_women | Mujeres | Women |
| | integer | ben_men | Hombres | Men |
| | integer | ben_girls | Ninas | Girls |
| | select_multiple why | obstacle | Obstaculo | Obstacle |
| | text | obstacle_detail | Detalle | Detail |
| | select_one place | place | Lugar | Place |
| | text | next_step | Proximo paso | Next step |
| choices |
| | list_name | name | label::Espanol (es) | label::English (en) |
| | why | budget | Presupuesto | Budget |
| | why | staff | Personal | Staff |
| | place | x | Equis | Ex |
| settings |
| | form_id | form_title | version |
| | activity_report | Reporte | 1 |
"""


INDICATOR = b"""
| survey |
| | type | name | label |
| | select_one s | data_status | Status |
| | integer | value_people | People |
| | integer | sa_women | Women |
| | integer | sa_girls | Girls |
| | text | comment | Comment |
| choices |
| | list_name | name | label |
| | s | final | Final |
| | s | zero | Zero |
| | s | not_available | None |
| settings |
| | form_id | form_title | version |
| | indicator_update | Indicador | 1 |
"""


LISTED = b"| | select_one_from_file plan_agencies.csv | agency | Agency |\n"


def add(unit: UnitOfWork, model: Any, /, **values: Any) -> int:
    key = unit.connection.execute(insert(table(model)).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


@pytest.fixture
def plan(database: Database, apply: Callable[[Any], Any], world: Any, tmp_path: Path) -> Plan:
    apply(lambda unit: furnish(unit, world))
    return Plan(database, world, tmp_path)


def furnish(unit: UnitOfWork, world: Any) -> None:
    here = {"plan_id": world.plan_id}
    area = add(
        unit, StrategicArea, **here, code="PRE", name={"es": "Prevención", "en": "Prevention"}, intent={}, position=1
    )
    other = add(unit, StrategicArea, **here, code="ASI", name={"es": "Asistencia"}, intent={}, position=2)
    add(unit, Indicator, **here, strategic_area_id=area, agency_id=world.agency_ids[0], code="IND-01",
        name={"es": "Personas"}, level="output", unit="people", direction="increase", aggregation="sum",
        frequency="monthly", min_cell=0)  # fmt: skip
    for code, area_id, agency in (("PRE-101", area, 0), ("ASI-101", other, 1)):
        objective = add(unit, Objective, **here, strategic_area_id=area_id, code=code[:5], name={"es": "Objetivo"})
        add(unit, Activity, **here, objective_id=objective, agency_id=world.agency_ids[agency], code=code,
            name={"es": f"Actividad {code}"}, short_name={}, start_on=date(2018, 1, 1), due_on=date(2019, 1, 1),
            report_frequency="monthly", target_unit={}, means_of_verification={})  # fmt: skip
    unit.connection.execute(update(table(ReportingPeriod)).values(period_type="Monthly"))
    unit.connection.execute(update(table(FormVersion)).values(xform=compiled(REPORT).xform))
    for number, (code, period, state, said) in enumerate([
        ("PRE-101", 0, "validated", {"ben_total": "12", "ben_women": "7", "ben_men": "0", "next_step": NASTY[0]}),
        ("PRE-101", 1, "submitted", {"ben_total": "0", "next_step": NASTY[1], "obstacle": "budget staff"}),
        ("ASI-101", 0, "validated", {"ben_total": "3", "ben_girls": "3", "obstacle_detail": "secreto", "place": "x"}),
    ]):  # fmt: skip
        world.submit(unit, f"uuid:r{number}", subject=f"activity:{code}", reporting_period_id=world.period_ids[period],
                     activity_status="in_progress", progress=10 * number, validation_state=state,
                     sensitive=code == "ASI-101", agency_id=world.agency_ids[code == "ASI-101"],
                     zero_reason="budget" if period else None,
                     answers={f"/data/{name}": value for name, value in said.items()})  # fmt: skip
    add(unit, Indicator, **here, strategic_area_id=other, agency_id=world.agency_ids[1], code="IND-20",
        name={"es": "Víctimas"}, level="outcome", unit="people", direction="contextual", aggregation="sum",
        frequency="monthly", sensitivity="restricted", min_cell=10, baseline="102", baseline_period="2017",
        by_exploitation=True, annual_table="protection")  # fmt: skip
    checked = compiled(INDICATOR)
    form = unit.forms.publish(**here, form_id="indicator_update", version="1", title="Indicador", xform=checked.xform,
                              workbook=INDICATOR, sha256="1" * 64, now=NOW)  # fmt: skip
    for number, (code, period, said) in enumerate([
        ("IND-20", 0, {"data_status": "final", "value_people": "12", "sa_women": "9", "sa_girls": "3"}),
        ("IND-20", 1, {"data_status": "final", "value_people": "3", "sa_girls": "3"}),
        ("IND-01", 0, {"data_status": "zero"}),
        ("IND-01", 1, {"data_status": "not_available", "comment": "=1+1 nada"}),
    ]):  # fmt: skip
        world.submit(unit, f"uuid:i{number}", subject=f"indicator:{code}", reporting_period_id=world.period_ids[period],
                     form_id=form.form_key, form_version_id=form.id, validation_state="validated",
                     agency_id=world.agency_ids[code == "IND-20"], sensitive=code == "IND-20",
                     answers={f"/data/{name}": value for name, value in said.items()})  # fmt: skip
    for source in (FIRST, SECOND):
        checked = compiled(source)
        stored = unit.forms.publish(
            **here, form_id="household", version=checked.form.version, title="Hogar", xform=checked.xform,
            workbook=source, sha256=checked.form.version * 64, now=NOW,
        )  # fmt: skip
        fill(unit, world, checked.form.root.path, stored)


def fill(unit: UnitOfWork, world: Any, root: str, stored: Any) -> None:
    chance = random.Random(stored.version)
    for number in range(30):
        text = NASTY[number % len(NASTY)]
        said = {
            "begun": f"2018-10-03T08:{number:02}:00.123-04:00",
            "age": str(chance.randrange(-3, 90)),
            "height": str(chance.randrange(100, 200) / 100),
            "born": str(date(1899, 12, 1) + timedelta(days=1000 * number)),
            "agreed": chance.choice(("yes", "no")),
            "double": str(chance.choice((4, "4.5", "004", "x"))),
            ("village" if stored.version == "1" else "hamlet"): text,
        }
        if stored.version == "1":
            said["dropped"] = f"kept {number}"
        for person in range(1, number % 3 + 1):
            said[f"person[{person}]/who"] = text
            for visit in range(1, person + 1):
                said[f"person[{person}]/visit[{visit}]/on"] = f"2018-0{person}-0{visit}"
        world.submit(
            unit, f"uuid:h{stored.version}-{number}", form_id=stored.form_key, form_version_id=stored.id,
            answers={f"{root}/{name}": value for name, value in said.items() if value},
            sensitive=number % 4 == 0, validation_state="validated",
        )  # fmt: skip


# ------------------------------------------------------------------ reading back
def typed(text: str, column: Column) -> Cell:
    if text == "":
        return None
    text = original(text)
    try:
        match column.kind:
            case Kind.WHOLE:
                return int(text)
            case Kind.DECIMAL:
                return float(text)
            case Kind.FLAG:
                return {"true": True, "false": False}[text]
            case Kind.DAY:
                return date.fromisoformat(text)
            case Kind.INSTANT:
                return datetime.fromisoformat(text)
            case _:
                return text
    except (ValueError, KeyError):
        return text


def read_csv(data: bytes, tables: Sequence[Table]) -> dict[str, list[dict[str, Cell]]]:
    def rows(content: bytes, one: Table) -> list[dict[str, Cell]]:
        head, *body = csv.reader(io.StringIO(content.decode(), newline=""))
        assert head == [column.name for column in one.columns]
        return [{c.name: typed(cell, c) for c, cell in zip(one.columns, row, strict=True)} for row in body]

    if not data.startswith(b"PK"):
        return {tables[0].name: rows(data, tables[0])}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["datapackage.json", *(f"{one.name}.csv" for one in tables)]
        return {one.name: rows(archive.read(f"{one.name}.csv"), one) for one in tables}


def read_xlsx(data: bytes, tables: Sequence[Table]) -> dict[str, list[dict[str, Cell]]]:
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=False)
    sheets = [sheet for sheet in book.worksheets[1:] if sheet.tables]  # an overview has none

    def cell(found: Any, column: Column) -> Cell:
        assert found.data_type != "f"
        value: Cell = found.value
        if isinstance(value, datetime):
            if column.kind is Kind.DAY:
                return value.date()
            # A workbook counts in fractions of a day and knows no zone: the plan's.
            return (value + timedelta(microseconds=500)).replace(tzinfo=ZONE)
        if isinstance(value, str) and column.kind in (Kind.DAY, Kind.INSTANT):
            return typed(value, column)  # before 1900
        if isinstance(value, str) and column.labels:
            codes = {label: code for code, label in column.labels.items()}
            assert len(codes) == len(column.labels)
            parts = value.split("; ")
            return codes.get(value) or (" ".join(codes[p] for p in parts) if codes.keys() >= set(parts) else value)
        return openpyxl.utils.escape.unescape(value) if isinstance(value, str) else value

    found = {}
    for one, sheet in zip(tables, sheets, strict=True):
        head, *body = list(sheet.iter_rows())
        columns = [one.columns[at] for at in in_reading_order(one)]
        [listed] = sheet.tables.values()
        assert [each.value for each in head] == names_of_columns(columns) == listed.column_names
        last = f"{openpyxl.utils.get_column_letter(len(columns))}{max(len(body), 1) + 1}"
        assert listed.ref == listed.autoFilter.ref == f"A1:{last}"
        assert sheet.freeze_panes == "B2"
        rows = [{c.name: cell(value, c) for c, value in zip(columns, row, strict=True)} for row in body]
        found[one.name] = [{c.name: row[c.name] for c in one.columns} for row in rows]
    return found


def read_jsonl(data: bytes, tables: Sequence[Table]) -> dict[str, list[dict[str, Cell]]]:
    found: dict[str, list[dict[str, Cell]]] = {one.name: [] for one in tables}
    kinds = {one.name: {column.name: column for column in one.columns} for one in tables}
    for line in data.splitlines():
        row = json.loads(line)
        name = row.pop("$table", tables[0].name)
        assert list(row) == list(kinds[name])
        for key, value in row.items():
            if isinstance(value, str) and kinds[name][key].kind in (Kind.DAY, Kind.INSTANT):
                row[key] = typed(value, kinds[name][key])
        found[name].append(row)
    return found


READERS = {"csv": read_csv, "xlsx": read_xlsx, "jsonl": read_jsonl, "datapackage": read_csv}
"""How a file of each format is read back: a format without a reader has not been looked at."""
UNTYPED = frozenset({"csv", "datapackage"})
"""Formats whose cells are all texts."""


def names_of_formats() -> list[str]:
    """Those of the table, as it stands now."""
    return [name for name, *_ in FORMATS]


def same(cell: Cell) -> object:
    """As formats agree on it: CSV has no types of its own, a workbook has no thousandth of a millisecond."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(microsecond=cell.microsecond // 1000 * 1000)
    if isinstance(cell, bool):
        return cell
    return str(float(cell)) if isinstance(cell, int | float) else cell


def comparable(tables: dict[str, list[dict[str, Cell]]], *, loose: Sequence[str] = ()) -> dict[str, Any]:
    return {
        name: [{k: (number_or_text(v) if k in loose else same(v)) for k, v in row.items()} for row in rows]
        for name, rows in tables.items()
    }


def number_or_text(cell: Cell) -> object:
    """Of a calculation: CSV cannot tell 4 from "4"."""
    try:
        return float(str(cell))
    except ValueError:
        return cell


# ------------------------------------------------------------------ the contract
def said_and_done(world: Any, unit: UnitOfWork) -> None:
    """A reminder that was sent, one that was not, and an act with details."""
    about = {"plan_id": world.plan_id, "what": "reminders", "fired_at": NOW}
    for person, state, reason in ((0, "sent", ""), (1, "skipped", "nothing_left")):
        add(unit, Fire, **about, person_id=world.person_ids[person], window="2018-10-03", state=state, reason=reason,
            rungs="due" if state == "sent" else "", settled_at=NOW)  # fmt: skip
    unit.audit.record("exported", world.person_ids[2], world.plan_id, {"dataset": "plan", "what": "=1+1"}, NOW)
    correct(unit, world)


def correct(unit: UnitOfWork, world: Any) -> Any:
    """What MINERD's first report said stands no longer: its correction was validated too."""
    first = unit.submissions.by_instance("uuid:r0")
    assert first is not None
    return world.submit(
        unit, "uuid:r0-corrected", subject=first.subject, reporting_period_id=first.reporting_period_id,
        agency_id=first.agency_id, activity_status="in_progress", progress=20, validation_state="validated",
        supersedes_id=first.id, answers={"/data/ben_total": "14"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "audience"), [(n, a) for n, _, audiences, *_ in DATASETS for a in sorted(audiences)]
)
def test_the_same_cells_come_back_from_every_format(plan: Plan, apply: Any, dataset: str, audience: str) -> None:
    """Each of FORMATS holds the same rows of the same cells, for every audience that gets them."""
    apply(partial(said_and_done, plan.world))
    read = [
        comparable(plan.read(dataset, format, audience=audience), loose=("double",)) for format in names_of_formats()
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
    """An admin, and whoever is at the server, has validated data without the restricted text (DOMAIN §2.7)."""
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
    """Sent on the 3rd, due on the 5th, returned, and corrected on the 9th: the agency was on time (DOMAIN §2.3)."""
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
    for dataset, _, audiences, *_ in DATASETS:
        for format in names_of_formats():
            if audience in audiences:
                data = readable(plan.take(dataset, format, audience=audience)[0])
                assert not [w for w in (b"Person ", b"secreto", b"1+1", b"uuid:h1") if w in data], dataset
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
    """Not adopted here: on for partners and inside, a switch for the others (DOMAIN §1.3)."""

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
    """A filter makes no figure that exists "missing", and what was asked of nobody is not (DOMAIN §2.3)."""

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


@pytest.mark.parametrize(("dataset", "name"), [(d, f) for d, *_, filters in DATASETS for f in sorted(filters)])
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


def test_the_workbooks_cover_says_what_it_holds(plan: Plan) -> None:
    """Filter, audience, time, rows and what each column means, in the reader's language."""
    data, _ = plan.take("answers", "xlsx", form_id="household", language="en")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Cover", "Hogar", "Person", "Visit"]
    said = {str(row[0].value): row[1].value for row in book["Cover"].iter_rows() if row[0].value}
    assert book["Cover"]["A2"].value == "Plan"
    assert said["Holds"] == "Form: household"
    assert said["For whom"] == "Internal use of the commission"
    assert said["Made"] == "2018-10-03 08:00 · America/Santo_Domingo"
    assert said["Rows"] == "60"
    assert said["Age"] == "age"
    assert [row[3].value for row in book["Cover"].iter_rows() if row[1].value == "agreed"] == ["yes = Yes; no = No"]
    head = [cell.value for cell in book["Hogar"][1]]
    assert head.index("Village") + 1 == head.index("Dropped") < head.index("Receipt"), "what people read comes first"


def test_a_cover_names_what_is_the_plans_own_in_the_readers_language(plan: Plan, apply: Any) -> None:
    """Agencies, indicators and places of a form are the plan's, and the plan names them in each language."""
    checked = compiled(INDICATOR.replace(b"| | text | comment", LISTED + b"| | text | comment"))

    def name(unit: UnitOfWork) -> None:
        both = {"es": "Procuraduría", "en": "Prosecution"}
        unit.connection.execute(update(table(Agency)).where(table(Agency).c.code == "PGR").values(name=both))
        unit.connection.execute(
            update(table(FormVersion)).where(table(FormVersion).c.title == "Indicador").values(xform=checked.xform)
        )

    apply(name)
    for language, called in (("es", "Procuraduría"), ("en", "Prosecution"), ("fr", "Procuraduría")):
        data, _ = plan.take("answers", "xlsx", language=language)
        cover = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
        [note] = [row[3].value for row in cover.iter_rows() if row[1].value == "agency"]
        assert note == f"MINERD = MINERD; PGR = {called}", "a code that its label begins with is said once"
        # A word that never stands in a column is not explained there.
        assert not [row for row in cover.iter_rows(values_only=True) if row[3] and "protected" in row[3]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_says_what_its_codes_mean_in_the_readers_language(plan: Plan, apply: Any, language: str) -> None:
    """Cells of the workbook and words of the cover are the reader's; programs keep the codes."""
    world = plan.world
    other = {"es": "Otro", "en": "Other", "ht": "Lòt"}
    budget = {"es": "Falta de presupuesto", "en": "Lack of budget", "ht": "Manke lajan"}
    words = {"budget": budget, "staff": other, "other": other}

    def word(unit: UnitOfWork) -> None:
        for number, (name, label) in enumerate(words.items()):
            add(unit, Code, plan_id=world.plan_id, list="obstacle", code=name, label=label, attributes={},
                position=number)  # fmt: skip

    apply(word)
    say = wording(language)

    def sheet(dataset: str, **asked: Any) -> tuple[list[dict[str, Any]], str]:
        data, _ = plan.take(dataset, "xlsx", language=language, **asked)
        book = openpyxl.load_workbook(io.BytesIO(data))
        with plan.database.view() as unit:
            make = {name: make for name, make, *_ in DATASETS}[dataset]
            one = make(unit, plan.wanted(**asked)).tables[0]
        names = [one.columns[at].name for at in in_reading_order(one)]
        [listed] = [each for each in book.worksheets if each.tables]
        rows = [dict(zip(names, row, strict=True)) for row in listed.iter_rows(min_row=2, values_only=True)]
        told = "\n".join(str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row if cell)
        return rows, told

    rows, told = sheet("indicators")
    assert (rows[0]["unit"], rows[0]["level"], rows[0]["direction"], rows[0]["data_status"]) == (
        say("plan.unit.people"), say("table.code.level.output"), say("plan.direction.increase"),
        say("table.code.data_status.zero"),
    )  # fmt: skip
    assert f"missing = {say('table.code.data_status.missing')}" in told
    rows, told = sheet("3p")
    assert {row["coverage"] for row in rows} == {say(f"table.code.coverage.{each}") for each in ("missing", "running")}
    for each in ("complete", "partial", "missing", "running"):
        # Explained by what it is called, before it is told which code that is.
        assert say(f"table.code.coverage.{each}") in say("table.note.coverage").lower()
    assert say("table.note.coverage") in told
    rows, told = sheet("reports", validation="submitted", status="in_progress")
    [row] = rows
    assert row["validation"] == say("history.submitted")
    assert (
        row["obstacles"] == f"{translated(words['budget'], language)}; {translated(words['staff'], language)} (staff)"
    )
    assert f"{say('table.filter.validation')}: {say('history.submitted')}" in told
    assert f"{say('table.filter.status')}: {say('export.status.in_progress')}" in told
    [same] = plan.rows("reports", validation="submitted", language=language)
    assert (same["validation"], same["obstacles"], same["status"]) == ("submitted", "budget staff", "in_progress")


def test_the_columns_of_an_excel_table_have_names_that_excel_takes() -> None:
    """On one line, none empty, no two alike over case: a table that breaks that is "repaired", and its names lost."""
    labels = ("Edad", "EDAD", "  Dos\nlíneas ", "", "=1+1", "Edad (b)", "x" * 300, "x" * 300)
    columns = [Column(f"{'abcdefgh'[at]}", Kind.TEXT, label) for at, label in enumerate(labels)]
    names = names_of_columns(columns)
    assert names[:6] == ["Edad (a)", "EDAD (b)", "Dos líneas", "d", "=1+1", "Edad (b)'"]
    assert len({name.casefold() for name in names}) == len(labels)
    assert max(map(len, names)) <= 255
    table = Table("t", "T", tuple(columns))
    out = io.BytesIO()
    row = ("=1", None, None, None, 10**9, None, None, None)
    wanted = Wanted(1, str(ZONE), NOW, role=Role.COORDINATOR)
    write_xlsx(Extract((table,), 1, iter([(0, row)])), wanted, out, lambda done, total: None)
    sheet = openpyxl.load_workbook(out).worksheets[1]
    [listed] = sheet.tables.values()
    assert listed.column_names == [cell.value for cell in sheet[1]] == names
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    assert sheet.column_dimensions["E"].width > len("1,000,000,000")


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
    write = {name: write for name, write, _ in FORMATS}[format]
    one = hostile().tables[0]
    named = tuple(replace(one, name=f"t{n}", title=f"T{n}", is_main=n == 0) for n in range(tables))
    rows = iter([(number % tables, (f"text {number}", number, number / 2)) for number in range(10)])

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise InterruptedError

    open_ones = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InterruptedError) as caught, (tmp_path / "out").open("w+b") as out:
        write(Extract(named, 10, rows, is_several=tables > 1), Wanted(1, str(ZONE), NOW), out, stop)
    assert len(os.listdir("/proc/self/fd")) == open_ones, caught


# ------------------------------------------------------------------ formulas (S6)
SIGNS = "=", "+", "-", "@", "\t", "\r", "\x00", "＝", "＋", "－", "＠"
BODIES = "1+1", "SUM(1;2)", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.test";"y")', "@SUM(1)"
PAYLOADS = [
    *(sign + body for sign in SIGNS for body in BODIES),
    " =1+1", "\u00a0=1+1", "\ufeff=1+1", "\u200b=1+1", "'=1+1", "\n=1+1", '"=1+1', "=1+1,=2+2", "x\r\n=1+1", ";=1+1",
    "=DDE(\"cmd\";\"/C calc\";\"x\")", "=1+1\x00", "％=1", "\x0b=1+1",
]  # fmt: skip


def hostile() -> Extract:
    columns = (Column("=1+1", Kind.TEXT, "=2+2"), Column("n", Kind.WHOLE, "@n"), Column("d", Kind.DECIMAL, "+d"))
    rows = iter([(0, (payload, -number, -number / 2)) for number, payload in enumerate(PAYLOADS, 1)])
    return Extract((Table("hostile", "=3+3", columns),), len(PAYLOADS), rows)


def hostile_file(format: str) -> bytes:
    out = io.BytesIO()
    write = {"csv": write_csv, "xlsx": write_xlsx}[format]
    write(hostile(), Wanted(1, str(ZONE), NOW), out, lambda done, total: None)
    return out.getvalue()


def test_no_text_begins_like_a_formula() -> None:
    """More than sixty payloads: every cell is text with an apostrophe before it or harmless; numbers stay numbers."""
    assert len(PAYLOADS) >= 60
    head, *rows = csv.reader(io.StringIO(hostile_file("csv").decode(), newline=""))
    assert head[0] == "'=1+1"
    for number, (payload, row) in enumerate(zip(PAYLOADS, rows, strict=True), 1):
        assert original(row[0]) == payload
        assert row[0].lstrip(" \u00a0\ufeff\u200b\x0b\n")[:1] not in SIGNS
        assert row[1:] == [str(-number), str(-number / 2)]
    book = openpyxl.load_workbook(io.BytesIO(hostile_file("xlsx")))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert len([cell for cell in cells if cell.data_type == "n" and cell.value is not None]) == 2 * len(PAYLOADS)


@pytest.mark.slow
def test_libreoffice_finds_no_formula_either(tmp_path: Path) -> None:
    """Opened and saved again by a spreadsheet, as those who get it do: 0 formulas, and the numbers are numbers."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed here: apt-get install libreoffice-calc-nogui")
    for format in ("csv", "xlsx"):
        (tmp_path / f"{format}.{format}").write_bytes(hostile_file(format))
        done = subprocess.run(
            [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "fods",
             "--outdir", tmp_path, tmp_path / f"{format}.{format}"],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        cells = [e for e in parse(tmp_path / f"{format}.fods").iter() if e.tag.endswith("}table-cell")]
        assert not [cell for cell in cells if any(name.endswith("}formula") for name in cell.attrib)]
        floats = [cell for cell in cells if "float" in cell.attrib.values()]
        assert len(floats) == 2 * len(PAYLOADS)


def test_what_a_cell_cannot_hold_is_cut_and_said() -> None:
    """A text beyond a cell's limit, a number beyond its digits, a day before its calendar."""
    columns = tuple(Column(str(kind), kind, str(kind)) for kind in (Kind.TEXT, Kind.WHOLE, Kind.DAY))
    row = ("x" * 40_000, 10**17, date(1899, 1, 1))
    extract = Extract((Table("big", "Big", columns),), 1, iter([(0, row)]))
    out = io.BytesIO()
    written = write_xlsx(extract, Wanted(1, str(ZONE), NOW), out, lambda done, total: None)
    assert len(written.lacking) == 1
    cells = [cell.value for cell in openpyxl.load_workbook(out).worksheets[1][2]]
    assert cells == ["x" * 32_766 + "…", str(10**17), "1899-01-01"]


def test_sheets_of_the_same_name_are_told_apart_and_a_full_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are cut to what a sheet may be called, and rows beyond a sheet's limit are on the next one."""
    monkeypatch.setattr("storage.exports.formats.workbooks.ROWS", 3)
    columns = (Column("n", Kind.WHOLE, "n"),)
    tables = tuple(Table(f"t{n}", "Una tabla con: un título muy, muy largo", columns) for n in range(2))
    extract = Extract(tables, 10, iter([(n % 2, (n,)) for n in range(10)]))
    out = io.BytesIO()
    write_xlsx(extract, Wanted(1, str(ZONE), NOW), out, lambda done, total: None)
    sheets = openpyxl.load_workbook(out).worksheets[1:]
    assert len({sheet.title.casefold() for sheet in sheets}) == len(sheets) == 6
    assert sorted(row[0] for sheet in sheets for row in sheet.iter_rows(2, values_only=True)) == list(range(10))


@pytest.mark.parametrize("text", [*PAYLOADS, "", "'", "''=", "plain", "ñandú", "3-4"])
def test_an_apostrophe_that_was_put_before_comes_off_again(text: str) -> None:
    """Neutralising is undone exactly, also for a text that had an apostrophe of its own."""
    assert original(neutral(text)) == text


def test_every_exporter_is_told_apart_and_names_its_audiences() -> None:
    """No two rows for the same dataset and format; audiences are those there are; answers of others stay inside."""
    keys = [(each.dataset, each.format) for each in EXPORTERS]
    assert len(set(keys)) == len(keys)
    assert all(each.audiences <= set(AUDIENCES) for each in EXPORTERS)
    assert exporter("audit", "csv", "observers") is None
    assert exporter("reports", "csv", "internal", Role.FOCAL_POINT) is None
    assert exporter("submissions", "xml-zip", "internal", Role.ADMIN) is None
    assert exporter("submissions", "xml-zip", "internal") is None, "at the server nobody is a coordinator unless told"


# ------------------------------------------------------------------ what is said of it
PAGE_OF_EXPORTS = ROOT / "docs" / "exports.md"


def remade(page: str, name: str, lines: Sequence[str]) -> str:
    """The page with these lines between the markers of that name."""
    made = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- /made -->)", re.DOTALL)
    text = "\n".join(lines)
    return made.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)


def test_the_page_lists_every_exporter(request: pytest.FixtureRequest) -> None:
    """docs/exports.md is made from EXPORTERS, between its markers; `--rewrite-golden` writes it anew."""
    formats = list(dict.fromkeys(each.format for each in EXPORTERS))
    lines = [f"| dataset | {' | '.join(formats)} |", "|---" * (len(formats) + 1) + "|"]
    for dataset in dict.fromkeys(each.dataset for each in EXPORTERS):
        found = {each.format: each for each in EXPORTERS if each.dataset == dataset}
        cells = [", ".join(a for a in AUDIENCES if f in found and a in found[f].audiences) for f in formats]
        lines.append(f"| {dataset} | {' | '.join(cells)} |")
    options = " | ".join("`--" + name.removesuffix("_id") + "`" for name in FILTERS)
    filters = [f"| dataset | {options} |"]
    filters.append("|---" * (len(FILTERS) + 1) + "|")
    for dataset, known in {each.dataset: each.filters for each in EXPORTERS}.items():
        filters.append(f"| {dataset} | {' | '.join('yes' if name in known else '' for name in FILTERS)} |")
    page = PAGE_OF_EXPORTS.read_text("utf-8")
    written = remade(remade(page, "exporters", lines), "filters", filters)
    if request.config.getoption("--rewrite-golden"):
        PAGE_OF_EXPORTS.write_text(written, "utf-8")
    assert PAGE_OF_EXPORTS.read_text("utf-8") == written


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_label_in_every_language(plan: Plan, language: str) -> None:
    """Titles, columns, dimensions and covers: nothing shows its key."""
    say = wording(language)
    own = catalogue(language)
    with plan.database.view() as unit:
        for _, make, audiences, *_ in DATASETS:
            for audience in audiences:
                for one in make(unit, plan.wanted(audience=audience, language=language)).tables:
                    shown = [one.title, *(column.label for column in one.columns)]
                    assert not [text for text in shown if text.startswith("table.")]
    assert all(say(f"table.kind.{kind}") != f"table.kind.{kind}" for kind in Kind)
    assert {key for key in catalogue("es") if key.startswith("table.")} <= set(own)


def test_submissions_are_read_along_their_key(sqlite_database: Database, world_on_sqlite: Any, tmp_path: Path) -> None:
    """However many there are, the first row comes at once: they are not sorted before."""
    sqlite_database.units.submit(None, lambda unit: furnish(unit, world_on_sqlite)).result(PATIENCE)
    plan = Plan(sqlite_database, world_on_sqlite, tmp_path)
    for dataset in ("reports", "answers"):
        make = {name: make for name, make, *_ in DATASETS}[dataset]
        with plan.database.view() as unit:
            statement, values = last_asked(unit, partial(list, make(unit, plan.wanted()).rows))
            explained = unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        assert not [row for row in explained if "TEMP B-TREE" in row[-1]], dataset


def last_asked(unit: UnitOfWork, read: Callable[[], object]) -> tuple[str, Any]:
    """The last statement that `read` has the database execute, and its values."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(unit.connection, "before_cursor_execute", note)
    read()
    event.remove(unit.connection, "before_cursor_execute", note)
    return asked[-1]
