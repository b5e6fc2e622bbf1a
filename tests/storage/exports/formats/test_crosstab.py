"""The 3P table as a crosstab: measures downwards, years across, and no figure that its dataset does not have."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest

from conversations.languages import LANGUAGES
from conversations.plan.messages.plan_state import Reader, plan_state
from conversations.plan.model import Role
from conversations.wording import wording
from storage.exports.datasets.indicators import THREE_P
from storage.exports.files import plan_pages
from storage.exports.files.paper import Paper
from storage.exports.formats.crosstab import Crosstab, Line
from storage.exports.formats.workbooks import write_xlsx
from storage.exports.tables import Extract, one_table
from storage.exports.wanted import Wanted
from tests.conversations.plan.commission import stand

NOW = datetime(2019, 10, 16, 12, tzinfo=UTC)


def row(code: str, year: str, value: Any, **more: Any) -> dict[str, Any]:
    calendar = "april" if "/" in year else "calendar"
    last = date(int(year[:4]) + 1, 3, 31) if "/" in year else date(int(year), 12, 31)
    status = "missing" if value is None else "told"
    return {
        "pillar": "prosecution", "indicator": code, "measure": f"=Medida {code}", "unit": "people", "agency": "PGR",
        "calendar": calendar, "year": year, "period_end": last, "cut_off": last, "dimension": "total",
        "category": "total", "value": value, "value_status": status, "coverage": "complete",
    } | more  # fmt: skip


ROWS = (
    row("IND-11", "2019", 8, coverage="running"),
    row("IND-11", "2018/2019", 1234, cut_off=date(2018, 12, 31)),
    row("IND-11", "2018", 1250.5),
    row("IND-12", "2018", None),
    row("IND-11", "2018", 30, dimension="sex_age", category="women", category_name="Mujeres"),
    row("IND-11", "2018", 0, dimension="sex_age", category="unknown", category_name="Sin dato"),
    row("IND-12", "2019", None, value_status="suppressed", value_below=10),
    row("IND-12", "2018/2019", None, value_status="suppressed"),
    row("IND-21", "2018", 47.3, pillar="protection", unit="percent"),
)


def extract(*rows: dict[str, Any], language: str = "es") -> Extract:
    wanted = Wanted(1, "America/Santo_Domingo", NOW, role=Role.COORDINATOR, language=language)
    told = ([each.get(name) for name, _ in THREE_P] for each in rows)
    return replace(one_table("3p", wanted, THREE_P, len(rows), told), overview="crosstab")


def test_a_measure_runs_along_its_years_and_what_is_no_number_is_a_word() -> None:
    """Its categories below it; a year under way, or cut short, is marked; nobody undivided is no line."""
    table = Crosstab(made := extract(*ROWS), "es")
    for _, each in made.rows:
        table.take(each)
    assert table.years == [("calendar", "2018"), ("calendar", "2019"), ("april", "2018/2019")]
    assert [name for name, _ in table.calendars] == ["Enero-diciembre", "Abril-marzo"]
    told = [
        (line.name, *((each.number or each.word, each.is_whole) if each else None for each in cells))
        for line in table.lines
        for cells in [[line.figures.get(year) for year in table.years]]
    ]
    assert told == [
        ("IND-11 · =Medida IND-11", (1250.5, True), (8, False), (1234, False)),
        ("Mujeres", (30, True), None, None),
        ("IND-12 · =Medida IND-12", ("–", True), ("<10", True), ("protegida", True)),
        ("IND-21 · =Medida IND-21", (47.3, True), None, None),
    ]


def test_the_sheet_is_numbers_that_print_on_a_page_in_every_language() -> None:
    """A mark is in the format and the cell a number; a name that looks like a formula stays a text (S6)."""
    for language in LANGUAGES:
        out = io.BytesIO()
        wanted = Wanted(1, "America/Santo_Domingo", NOW, role=Role.COORDINATOR, language=language)
        write_xlsx(extract(*ROWS, language=language), wanted, out, lambda done, total: None)
        sheet = openpyxl.load_workbook(out)[wording(language)("table.crosstab")]
        cells = {cell.value: cell for line in sheet.iter_rows() for cell in line if cell.value is not None}
        assert cells["IND-11 · =Medida IND-11"].data_type == "s"
        assert [cells[number].number_format for number in (1250.5, 8, 1234, 30, 47.3)] == [
            '#,##0.0##" "', '#,##0"*"', '#,##0"*"', '#,##0" "', '0.0"%"" "',
        ]  # fmt: skip
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$3:$4"


def measures(sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Measures M0, M1 … with so many lines each."""
    for measure, size in enumerate(sizes):
        yield row(f"M{measure}", "2018", 12)
        for number in range(1, size):
            yield row(f"M{measure}", "2018", 12, dimension="nationality", category=f"n{number}",
                      category_name=f"M{measure}, {number}")  # fmt: skip


def test_no_measure_of_the_page_is_cut_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its categories stand below it, on the same page; one that no page holds goes on, and all of it is there."""
    drawn_on: list[tuple[int, str]] = []
    row = plan_pages._row

    def seen(sheet: Paper, line: Line, *more: Any) -> None:
        drawn_on.append((sheet.pdf.page, line.name))
        row(sheet, line, *more)

    monkeypatch.setattr(plan_pages, "_row", seen)
    page = plan_state(stand(only_validated=False), (), [("PRE", "Prevención")], "Plan", Reader("internal"), "es")
    for sizes in ((7,) * 9, (3, 80, 3)):
        table = Crosstab(made := extract(*measures(sizes)), "es")
        for _, each in made.rows:
            table.take(each)
        drawn_on.clear()
        plan_pages.drawn_table(page, table, NOW)
        assert [name for _, name in drawn_on] == [line.name for line in table.lines]
        pages = [{on for on, name in drawn_on if f"M{measure}" in name} for measure in range(len(sizes))]
        assert [len(each) for each in pages] == [1 if size < 50 else 2 for size in sizes]
        assert len(set.union(*pages)) > 1


def test_a_plan_without_measures_has_no_crosstab() -> None:
    """A sheet that says so, and nothing that looks broken."""
    out = io.BytesIO()
    wanted = Wanted(1, "America/Santo_Domingo", NOW, role=Role.COORDINATOR)
    write_xlsx(extract(), wanted, out, lambda done, total: None)
    sheet = openpyxl.load_workbook(out)[wording("es")("table.crosstab")]
    assert wording("es")("table.charts.none") in {cell.value for line in sheet.iter_rows() for cell in line}
