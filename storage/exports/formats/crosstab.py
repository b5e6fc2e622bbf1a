"""The 3P table as people know it: measures in rows, years in columns, January to December beside April to March.

The dataset has a row for each figure, which suits a program. A person who answers a questionnaire looks for a measure
and reads along its years. Both are made of the same rows, so that two copies of a figure cannot differ. A word replaces
a figure that is hidden or missing. A year that is not complete is marked, because its number will change.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.wording import Wording, wording
from storage.exports.codes import labels_of
from storage.exports.tables import Cell, Extract
from storage.exports.wanted import Wanted

NOT_WHOLE = "*"
MISSING = "–"
A4 = 9
YEARS_UPRIGHT = 8
"""The most years, of both calendars together, that can be read on a page in portrait format."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a year: a number, or the word in its place."""

    number: int | float | None
    word: str = ""
    is_whole: bool = True


@dataclass(slots=True)
class Line:
    """A row of the table: a measure, or a category of the measure above it, with the figures of its years."""

    pillar: str
    name: str
    unit: str
    agency: str = ""
    is_total: bool = True
    is_percent: bool = False
    figures: dict[tuple[str, str], Figure] = field(default_factory=dict)
    """Calendar and year → figure."""


class Crosstab:
    """Collects the rows of the dataset `3p` while they pass."""

    def __init__(self, extract: Extract, language: str) -> None:
        self._at = {column.name: number for number, column in enumerate(extract.tables[0].columns)}
        self._say = wording(language)
        self._units, self._pillars, self._calendars = (
            labels_of(name, language) for name in ("unit", "pillar", "calendar")
        )
        self._lines: dict[tuple[Cell, ...], Line] = {}
        self._years: dict[tuple[str, str], None] = {}

    def take(self, row: Sequence[Cell]) -> None:
        def cell(name: str) -> Cell:
            return row[self._at[name]]

        year = str(cell("calendar")), str(cell("year"))
        self._years[year] = None
        key = cell("indicator"), cell("dimension"), cell("category")
        if key not in self._lines:
            self._lines[key] = self._line(cell)
        self._lines[key].figures[year] = self._figure(cell)

    def _line(self, cell: Callable[[str], Cell]) -> Line:
        is_total = cell("dimension") == "total"
        name = f"{cell('indicator')} · {cell('measure')}" if is_total else str(cell("category_name"))
        unit, pillar = str(cell("unit") or ""), str(cell("pillar"))
        return Line(
            self._pillars.get(pillar, pillar), name, self._units.get(unit, unit), str(cell("agency") or ""), is_total,
            unit == "percent",
        )  # fmt: skip

    def _figure(self, cell: Callable[[str], Cell]) -> Figure:
        value = cell("value")
        is_whole = cell("coverage") == "complete" and cell("cut_off") == cell("period_end")
        if isinstance(value, int | float):
            return Figure(value, is_whole=is_whole)
        if cell("value_status") == "suppressed":
            below = cell("value_below")
            return Figure(None, f"<{below}" if below else self._say("table.crosstab.protected"))
        return Figure(None, MISSING)

    @property
    def years(self) -> list[tuple[str, str]]:
        """The columns: calendar and year, one calendar after the other."""
        calendars = list(self._calendars)
        return sorted(self._years, key=lambda year: (calendars.index(year[0]), year[1]))

    @property
    def lines(self) -> list[Line]:
        """Return each measure, followed by its categories. A measure without figures by category has none."""
        measures = list(dict.fromkeys(key[0] for key in self._lines))
        return [
            line
            for code in measures
            for key, line in self._lines.items()
            if key[0] == code and (key[2] != "unknown" or any(told.number != 0 for told in line.figures.values()))
        ]

    @property
    def calendars(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Each calendar's title and years."""
        return [
            (name, years)
            for calendar, name in self._calendars.items()
            if (years := [year for year in self.years if year[0] == calendar])
        ]

    @property
    def notes(self) -> Iterator[str]:
        """The notes that a reader needs for the figures in the table."""
        told = [each for line in self._lines.values() for each in line.figures.values()]
        if any(each.number is not None and not each.is_whole for each in told):
            yield f"{NOT_WHOLE} {self._say('table.crosstab.not_whole')}"
        yield f"{MISSING} {self._say('table.crosstab.missing')}"

    def draw(self, book: Any, sheet: Any, wanted: Wanted, looks: Any) -> None:
        """Draw the sheet of a workbook. It prints one page wide, with the headings on every page."""
        say, years = self._say, self.years
        sheet.hide_gridlines(2)
        if len(years) > YEARS_UPRIGHT:
            sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        sheet.set_column(0, 0, 54)
        sheet.set_column(1, 2, 11)
        sheet.set_column(3, 3 + max(len(years), 1), 11)
        sheet.write_string(0, 0, say("table.crosstab"), looks.title)
        if not self._lines:
            sheet.write_string(2, 0, say("table.charts.none"))
            return
        self._head(sheet, looks, say)
        numbers = _Numbers(book)
        row, pillar = 4, ""
        for line in self.lines:
            if line.pillar != pillar:
                pillar = line.pillar
                sheet.write_string(row, 0, pillar, looks.pillar)
                for at in range(1, 3 + len(years)):
                    sheet.write_blank(row, at, None, looks.pillar)
                row += 1
            sheet.write_string(row, 0, line.name, looks.bold if line.is_total else looks.category)
            if line.is_total:
                sheet.write_string(row, 1, line.unit, looks.text)
                sheet.write_string(row, 2, line.agency, looks.text)
            for at, year in enumerate(years, 3):
                told = line.figures.get(year)
                if told is not None and told.number is not None:
                    sheet.write_number(row, at, told.number, numbers.format(line, told))
                elif told is not None:
                    sheet.write_string(row, at, told.word, looks.word)
            row += 1
        row += 1
        for note in self.notes:
            sheet.write_string(row, 0, note)
            row += 1

    def _head(self, sheet: Any, looks: Any, say: Wording) -> None:
        at = 3
        for name, years in self.calendars:
            if len(years) > 1:
                sheet.merge_range(2, at, 2, at + len(years) - 1, name, looks.head_middle)
            else:
                sheet.write_string(2, at, name, looks.head_middle)
            at += len(years)
        for at, name in enumerate(("measure", "unit", "agency")):
            sheet.write_string(3, at, say(f"table.column.{name}"), looks.head)
        for at, (_, year) in enumerate(self.years, 3):
            sheet.write_string(3, at, year, looks.head_right)
        sheet.set_row(2, 30)
        sheet.freeze_panes(4, 1)
        sheet.repeat_rows(2, 3)


class _Numbers:
    """The formats of figures: a measure is bolder than its categories, and a year that is not complete has its mark."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[bool, bool, str], Any] = {}

    def format(self, line: Line, figure: Figure) -> Any:
        picture = '0.0"%"' if line.is_percent else "#,##0" if figure.number == int(figure.number or 0) else "#,##0.0##"
        key = line.is_total, figure.is_whole, picture
        if key not in self._made:
            # The mark has a fixed width, so that digits of a column stand below each other.
            mark = " " if figure.is_whole else NOT_WHOLE
            self._made[key] = self._book.add_format(
                {"num_format": f'{picture}"{mark}"', "bold": line.is_total, "valign": "top"}
            )
        return self._made[key]
