"""A plan of two agencies with a few reports, what is exported of it, and the file read back cell by cell."""

import csv
import io
import json
import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
from sqlalchemy import insert, update

from conversations.plan.model import Role
from storage.database.models import (
    Activity,
    FormVersion,
    Indicator,
    Objective,
    ReportingPeriod,
    StrategicArea,
    table,
)
from storage.exports.exporters import DATASETS, FORMATS, exporter
from storage.exports.formats.delimited import original
from storage.exports.formats.json_lines import write_jsonl
from storage.exports.formats.workbooks import in_reading_order, names_of_columns
from storage.exports.tables import Cell, Column, Extract, Kind, Table
from storage.exports.wanted import Wanted, Written
from storage.open_database import Database
from storage.reports.files import FileStore
from storage.reports.forms import NewForm
from storage.unit_of_work import UnitOfWork
from tests.forms import compiled
from tests.storage.blank_forms import blank_form

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
        plan_id = asked.pop("plan_id", self.world.plan_id)
        return Wanted(plan_id, str(ZONE), self.now, **{"role": Role.COORDINATOR, **asked})

    def take(self, dataset: str, format: str, **asked: Any) -> tuple[bytes, Written]:
        wanted = self.wanted(**asked)
        used = exporter(dataset, format, wanted.audience, wanted.role)
        assert used is not None
        out = io.BytesIO()
        store = FileStore(self.folder, self.database.vault)
        seen: list[tuple[int, int]] = []
        with self.database.view() as unit:
            written = used.write(unit, store, wanted, out, lambda done, total: seen.append((done, total)))
        assert seen == sorted(seen)
        assert {total for _, total in seen} <= {written.count}
        assert not written.count or seen[-1] == (written.count, written.count)
        return out.getvalue(), written

    def read(
        self, dataset: str, format: str, tables: Sequence[Table] = (), **asked: Any
    ) -> dict[str, list[dict[str, Cell]]]:
        """Its tables as rows of cells, whatever the format, typed as the dataset says they are.

        `tables` where its columns are known from before.
        """
        data, _ = self.take(dataset, format, **asked)
        return READERS[format](data, tables or self.tables(dataset, **asked))

    def tables(self, dataset: str, **asked: Any) -> Sequence[Table]:
        """Its columns. To know them costs as much as to write the dataset."""
        with self.database.view() as unit:
            return {each.name: each.tables for each in DATASETS}[dataset](unit, self.wanted(**asked)).tables

    def rows(self, dataset: str, tables: Sequence[Table] = (), **asked: Any) -> list[dict[str, Cell]]:
        """Those of its one table; `tables` where its columns are known from before."""
        if not tables:
            return self._rows_at_one_look(dataset, **asked)
        [rows] = self.read(dataset, "jsonl", tables, **asked).values()
        return rows

    def _rows_at_one_look(self, dataset: str, **asked: Any) -> list[dict[str, Cell]]:
        """As the exporter writes them: it tells its columns with what it has found, so it finds it once."""
        wanted, out = self.wanted(**asked), io.BytesIO()
        used = exporter(dataset, "jsonl", wanted.audience, wanted.role)
        assert used is not None
        assert used.tables is not None
        with self.database.view() as unit:
            extract = used.tables(unit, wanted)
            write_jsonl(extract, wanted, out, lambda done, total: None)
        [rows] = read_jsonl(out.getvalue(), extract.tables).values()
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


def add(unit: UnitOfWork, model: Any, /, **values: Any) -> int:
    key = unit.connection.execute(insert(table(model)).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


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
    form = unit.forms.publish(
        blank_form(**here, form_id="indicator_update", title="Indicador", xform=checked.xform, workbook=INDICATOR),
        NOW,
    )
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
            NewForm(
                **here,
                form_id="household",
                version=checked.form.version,
                title="Hogar",
                xform=checked.xform,
                workbook=source,
                sha256=checked.form.version * 64,
            ),
            NOW,
        )
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


def names_of_formats() -> list[str]:
    """Those of the table, as it stands now."""
    return [each.name for each in FORMATS]


def same(cell: Cell) -> object:
    """As formats agree on it: CSV has no types of its own, a workbook has no thousandth of a millisecond."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(microsecond=cell.microsecond // 1000 * 1000)
    if isinstance(cell, bool):
        return cell
    return str(float(cell)) if isinstance(cell, int | float) else cell


def correct(unit: UnitOfWork, world: Any) -> Any:
    """What MINERD's first report said stands no longer: its correction was validated too."""
    first = unit.submissions.by_instance("uuid:r0")
    assert first is not None
    return world.submit(
        unit, "uuid:r0-corrected", subject=first.subject, reporting_period_id=first.reporting_period_id,
        agency_id=first.agency_id, activity_status="in_progress", progress=20, validation_state="validated",
        supersedes_id=first.id, answers={"/data/ben_total": "14"},
    )  # fmt: skip


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


def number_or_text(cell: Cell) -> object:
    """Of a calculation: CSV cannot tell 4 from "4"."""
    try:
        return float(str(cell))
    except ValueError:
        return cell


def comparable(tables: dict[str, list[dict[str, Cell]]], *, loose: Sequence[str] = ()) -> dict[str, Any]:
    return {
        name: [{k: (number_or_text(v) if k in loose else same(v)) for k, v in row.items()} for row in rows]
        for name, rows in tables.items()
    }
