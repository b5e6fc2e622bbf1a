"""What a workbook is besides its cells: a cover, words for codes, tables that Excel takes, and no formula (S6)."""

import csv
import io
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import openpyxl
import pytest
from sqlalchemy import update

from conversations.languages import LANGUAGES, translated
from conversations.plan.model import Role
from conversations.wording import wording
from storage.database.models import (
    Agency,
    Code,
    FormVersion,
    table,
)
from storage.exports.exporters import DATASETS
from storage.exports.formats.delimited import neutral, original, write_csv
from storage.exports.formats.workbooks import in_reading_order, names_of_columns, write_xlsx
from storage.exports.tables import Column, Extract, Kind, Table
from storage.exports.wanted import Wanted
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.forms import compiled
from tests.storage.exports.small_plan import (
    INDICATOR,
    NOW,
    PAYLOADS,
    SIGNS,
    ZONE,
    Plan,
    add,
    hostile,
)

LISTED = b"| | select_one_from_file plan_agencies.csv | agency | Agency |\n"


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
            make = {each.name: each.tables for each in DATASETS}[dataset]
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
    assert f"{say('table.filter.validation')}{say.colon}{say('history.submitted')}" in told
    assert f"{say('table.filter.status')}{say.colon}{say('export.status.in_progress')}" in told
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
