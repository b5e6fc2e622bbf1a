"""The chart sheet: figures of indicators beside their targets, drawn by the spreadsheet, telling nothing protected."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest

from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.wording import wording
from storage.exports.datasets.indicators import EARLIER, INDICATORS
from storage.exports.formats.charts import CHARTS, Charts, _Block
from storage.exports.formats.workbooks import write_xlsx
from storage.exports.tables import one_table
from storage.exports.wanted import Wanted

NOW = datetime(2018, 10, 16, 12, tzinfo=UTC)


def book(figures: dict[str, Sequence[Any]], language: str = "es", **more: Any) -> bytes:
    wanted = Wanted(1, "America/Santo_Domingo", NOW, role=Role.COORDINATOR, language=language)
    rows = [
        {"indicator": code, "indicator_name": f"=Indicador {code}", "period": f"20180{month}", "dimension": dimension,
         "value": value, "target": 30, "baseline": 17, **more}
        for code, values in figures.items()
        for month, value in enumerate(values, 1)
        for dimension in ("total", "sex_age")
    ]  # fmt: skip
    told = ([row.get(name) for name, _ in INDICATORS] for row in rows)
    extract = replace(one_table("indicators", wanted, INDICATORS, len(rows), told), overview="charts")
    out = io.BytesIO()
    write_xlsx(extract, wanted, out, lambda done, total: None)
    return out.getvalue()


def cells(content: bytes, language: str = "es") -> list[tuple[Any, ...]]:
    opened = openpyxl.load_workbook(io.BytesIO(content))
    sheet = opened[wording(language)("table.charts")]
    return [tuple(row) for row in sheet.iter_rows(values_only=True, max_col=4)]


def charts(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("xl/charts/chart"))
        return [archive.read(name).decode() for name in names]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_indicator_with_figures_has_its_chart_beside_its_numbers(language: str) -> None:
    """Totals only; without a figure there is no chart, and a name that looks like a formula stays a text (S6)."""
    content = book({"IND-10": [3, 5, 2], "IND-21": [None]}, language)
    [chart] = charts(content)
    assert "barChart" in chart
    assert "lineChart" in chart
    assert "IND-10 · =Indicador IND-10" in chart
    rows = cells(content, language)
    assert ("201802", 5, 30, None) in rows
    assert len([row for row in rows if row[0] == "201802"]) == 1
    assert not any("IND-21" in str(row[0]) for row in rows)


def test_what_is_added_up_stands_beside_its_target_as_the_sum_since_the_beginning() -> None:
    """Over January and over a gap; and not beyond a figure that is protected, which the next sum would tell."""
    rows = cells(book({"IND-10": [3, 5, 2], "IND-13": [12, "<10", 15], "IND-14": [7, None, 1]}, aggregation="sum"))
    told = {(row[0], row[1]): row[3] for row in rows if str(row[0]).startswith("2018")}
    assert told == {("201801", 3): 3, ("201802", 5): 8, ("201803", 2): 10,
                    ("201801", 12): 12, ("201802", "<10"): None, ("201803", 15): None,
                    ("201801", 7): 7, ("201802", None): 7, ("201803", 1): 8}  # fmt: skip
    one = _Block(
        "IND-15", "IND-15", True, rows=[("2018Q4", 4, 9), ("2019Q1", 3, 9), ("2019Q2", None, 9), ("2019Q3", 1, 9)]
    )
    assert one.sums == [4, 7, 7, 8]
    assert replace(one, is_by_the_year=True).sums == [4, 3, 3, 4], "its target is of a year"


def test_the_line_of_a_yearly_count_is_parted_in_january() -> None:
    """It begins anew there, and a line that falls would read as a loss. A count that goes on is not parted."""
    one = _Block("IND-15", "IND-15", True, rows=[("2018Q4", 4, 9), ("2019Q1", 3, 9), ("2019Q2", None, 9)])
    assert [period for period, *_ in one.lines] == ["2018Q4", "2019Q1", "2019Q2"]
    assert replace(one, is_by_the_year=True).lines == [
        ("2018Q4", 4, 9, 4), ("", None, None, None), ("2019Q1", 3, 9, 3), ("2019Q2", None, 9, 3),
    ]  # fmt: skip
    by_the_year = replace(one, is_by_the_year=True, rows=[("2018", 4, 9), ("2019", 3, 9)])
    assert [period for period, *_ in by_the_year.lines] == ["2018", "2019"]


def test_a_number_that_is_counted_has_separators_and_a_receipt_has_none() -> None:
    """As it is read on paper; the cell is a number all the same."""
    opened = openpyxl.load_workbook(io.BytesIO(book({"IND-10": [12345.5, 1234567]}, receipt=12345)))
    sheet = next(each for each in opened.worksheets if each.tables)
    head = [cell.value for cell in sheet[1]]
    at = head.index(wording("es")("table.column.value"))
    assert [(row[at].value, row[at].number_format) for row in sheet.iter_rows(2) if row[at].value][::2] == [
        (12345.5, "#,##0.0##"), (1234567, "#,##0"),
    ]  # fmt: skip


def test_a_page_never_ends_below_the_title_alone() -> None:
    """However long the first block is; each further one that does not fit begins a page of its own."""
    sheet = openpyxl.load_workbook(io.BytesIO(book({"IND-10": [1] * 40, "IND-11": [1] * 40})))[
        wording("es")("table.charts")
    ]
    blocks = [cell.row for [cell] in sheet.iter_rows(max_col=1) if str(cell.value).startswith("IND-")]
    assert [each.id for each in sheet.row_breaks.brk] == [blocks[1] - 1]


def test_a_workbook_without_figures_says_so_and_a_large_one_says_how_many_more() -> None:
    """An empty sheet would look broken; a thousand charts would not open."""
    empty = book({"IND-21": [None]})
    assert not charts(empty)
    assert any("Todavía no hay cifras" in str(row[0]) for row in cells(empty))
    full = book({f"IND-{number:03}": [1] for number in range(CHARTS + 5)})
    assert len(charts(full)) == CHARTS
    assert any("y 5 más" in str(row[0]) for row in cells(full))


def test_a_row_that_goes_on_under_another_code_is_one_line_with_it() -> None:
    """Renamed in March: one chart, of both codes' figures in turn. Two that were merged have a chart each."""

    def told(code: str, continues: str, months: range) -> list[dict[str, Any]]:
        return [
            {"indicator": code, "continues": continues, "period": f"20180{month}", "period_end": f"2018-0{month}-28",
             "dimension": "total", "value": month, "aggregation": "sum"}
            for month in months
        ]  # fmt: skip

    names = [name for name, _ in INDICATORS]
    of_charts = Charts(one_table("indicators", Wanted(1, "UTC", NOW), INDICATORS, 0, ()), "es")
    for each in (*told("I-1", "", range(1, 3)), *told("I-9", "I-1", range(3, 5)), *told("I-2", "", range(1, 3)),
                 *told("I-3", "", range(1, 3)), *told("I-8", "I-2 I-3", range(3, 5))):  # fmt: skip
        of_charts.take([each.get(name) for name in names])
    joined = {block.title: [value for _, value, _ in block.rows] for block in of_charts._joined()}
    assert joined == {"I-9": [1, 2, 3, 4], "I-2": [1, 2], "I-3": [1, 2], "I-8": [3, 4]}


def test_what_goes_on_from_an_earlier_plan_is_one_line_with_a_mark_between() -> None:
    """A dash, or what is defined otherwise; the sum begins anew. The same code may stand in both plans."""
    names = [name for name, _ in (*INDICATORS, *EARLIER)]
    of_charts = Charts(one_table("indicators", Wanted(1, "UTC", NOW), (*INDICATORS, *EARLIER), 0, ()), "es")

    def told(code: str, year: int, **more: str) -> None:
        for month, value in ((1, 2), (2, 3)):
            row = {"indicator": code, "period": f"{year}0{month}", "period_end": f"{year}-0{month}-28",
                   "dimension": "total", "value": value, "aggregation": "sum", **more}  # fmt: skip
            of_charts.take([row.get(name) for name in names])

    told("I-1", 2018, earlier_plan="OLD", goes_on_as="I-1")
    told("I-2", 2018, earlier_plan="OLD", goes_on_as="I-9", differs="unit")
    told("I-1", 2025)
    told("I-9", 2025)
    told("I-3", 2018, earlier_plan="OLD", goes_on_as="I-1 I-9")
    found = {block.title: [(period, total) for period, *_, total in block.lines] for block in of_charts._joined()}
    earlier, own = [("201801", 2), ("201802", 5)], [("202501", 2), ("202502", 5)]
    assert found["I-9"] == [*earlier, ("≠ Unidad", None), *own]
    assert found["I-1"] == [*earlier, ("—", None), *own]
    assert found["I-3 (OLD)"] == earlier
