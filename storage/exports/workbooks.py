"""Tables as a workbook that a ministry can open, sort and print: typed cells, a sheet a table, a cover.

Whoever gets the file three years from now must be able to tell what it is: the cover says which part of which plan it
holds, for whom and when it was made, and what each column means. A text is written as a text whatever it begins with
(S6); what a cell cannot hold is cut and said. Rows go to disk as they come, so that a million of them need no memory.

Source: "Excel specifications and limits".
"""

import re
import tempfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from conversations.wording import wording
from storage.exports.charts import Charts
from storage.exports.codes import shown
from storage.exports.cover import about, note_of
from storage.exports.tables import Cell, Extract, Kind, Table
from storage.exports.wanted import Progress, Wanted, Written

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

ROWS = 1_048_576
"""Of a sheet, its header included; what is beyond goes on in a further sheet."""
CHARACTERS = 32_767
DIGITS = 10**15
"""Whole numbers from here on a spreadsheet would round: they are texts."""
FIRST_DAY = date(1900, 3, 1)
"""Before it, programs disagree about which day a number is: texts."""
A4 = 9
NUMBERED = frozenset({"receipt", "root_receipt", "replaced_by", "number", "version"})
"""Whole numbers that name something: nobody reads them with separators."""
FIT_ON_A_PAGE = 14
"""Columns that are still read when they share the width of a sheet of paper; more share two."""
WIDTHS = {Kind.DAY: 12, Kind.INSTANT: 19}
NARROWEST, WIDEST = 10, 48
MEASURED = 100
"""Rows whose texts decide how wide a column is."""


def write_xlsx(extract: Extract, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """A cover, then the tables; a table of a repeat has a sheet of its own, with the keys of its parents."""
    import xlsxwriter  # 4 MB that a bot of which nobody wants a workbook does without

    with tempfile.TemporaryDirectory(prefix="enlace-") as folder:  # its rows wait there, readable by us alone
        options = {
            "constant_memory": True,
            "tmpdir": str(Path(folder)),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        book = xlsxwriter.Workbook(out, options)
        try:
            book.use_zip64()
            looks = _Looks(book)
            cover = book.add_worksheet(_sheet_name(wording(wanted.language)("table.cover"), book))
            sheets = [_Sheet(book, table, looks, extract.lacking) for table in extract.tables]
            charts = Charts(extract) if extract.has_charts else None
            done = 0
            for number, row in extract.rows:
                sheets[number].write(row)
                if charts is not None:
                    charts.take(row)
                if extract.tables[number].is_main:
                    done += 1
                    progress(done, extract.total)
            for sheet in sheets:
                sheet.finish()
            if charts is not None:
                drawn = book.add_worksheet(_sheet_name(wording(wanted.language)("table.charts"), book))
                charts.draw(book, drawn, wanted, looks)
            _cover(cover, looks, extract, wanted, done)
            _close(book)
        except BaseException:
            for left in book.worksheets():  # it closes its spools at its own end alone
                left.row_data_fh.close()
            raise
    return Written(done, tuple(extract.lacking))


def _close(book: Any) -> None:
    """What the system refuses comes as it is, not in a class of the library's own."""
    from xlsxwriter.exceptions import FileCreateError

    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from None


class _Looks:
    """The formats of one workbook."""

    def __init__(self, book: Any) -> None:
        self.head = book.add_format({"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True,
                                     "valign": "vcenter", "border": 1, "border_color": "#FFFFFF"})  # fmt: skip
        self.title = book.add_format({"bold": True, "font_size": 16, "font_color": "#1F3A5F"})
        self.bold = book.add_format({"bold": True, "valign": "top"})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self.whole = book.add_format({"num_format": "#,##0"})
        self.fraction = book.add_format({"num_format": "#,##0.0##"})
        # At the right edge of its cell a day would run into the text of the next one.
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "center"})
        self.instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "center"})


class _Sheet:
    """One table on as many sheets as it takes."""

    def __init__(self, book: Any, table: Table, looks: _Looks, lacking: list[str]) -> None:
        self._book, self._table, self._looks, self._lacking = book, table, looks, lacking
        self._encode: dict[type, Callable[[int, int, Any], object]] = {}
        self._sheet: Worksheet
        self._widths: list[int] = []
        self._labels: list[Mapping[str, str]] = []
        self._is_counted: list[bool] = []
        self._row = 0
        self._begin()

    def _begin(self) -> None:
        looks = self._looks
        sheet = self._sheet = self._book.add_worksheet(_sheet_name(self._table.title, self._book))
        sheet.freeze_panes(1, 1)
        sheet.set_row(0, 32)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1 if len(self._table.columns) <= FIT_ON_A_PAGE else 2, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&R&P / &N")
        labels = [column.label for column in self._table.columns]
        self._is_counted = [column.name.lstrip("_") not in NUMBERED for column in self._table.columns]
        self._labels = [column.labels for column in self._table.columns]
        self._widths = [
            max(WIDTHS.get(column.kind, NARROWEST), min(WIDEST, len(column.label) // 2 + 5))
            for column in self._table.columns
        ]
        for at, column in enumerate(self._table.columns):
            # Two columns of one label could not be told apart; a filter needs to.
            shown = column.label if labels.count(column.label) == 1 else f"{column.label} ({column.name})"
            sheet.write_string(0, at, shown[:CHARACTERS], looks.head)
        self._encode = {
            str: self._text,
            int: self._whole,
            float: self._fraction,
            bool: sheet.write_boolean,
            date: self._day,
            datetime: self._instant,
        }
        self._row = 1

    def write(self, row: "Any") -> None:
        if self._row == ROWS:
            self.finish()
            self._begin()
        number, encode = self._row, self._encode
        for at, cell in enumerate(row):
            if cell is not None:
                encode[type(cell)](number, at, cell)
        self._row += 1

    def finish(self) -> None:
        for at, width in enumerate(self._widths):
            self._sheet.set_column(at, at, min(width, WIDEST))
        self._sheet.autofilter(0, 0, max(self._row - 1, 1), len(self._table.columns) - 1)

    def _text(self, row: int, at: int, cell: str) -> None:
        if labels := self._labels[at]:
            cell = shown(cell, labels)
        if len(cell) > CHARACTERS:
            self._lacking.append(f"{self._table.name}, row {row}, {self._table.columns[at].name}: cut to fit a cell")
            cell = cell[: CHARACTERS - 1] + "…"
        if row <= MEASURED and len(cell) >= self._widths[at]:
            self._widths[at] = len(cell) + 2
        self._sheet.write_string(row, at, cell)

    def _whole(self, row: int, at: int, cell: int) -> None:
        if -DIGITS < cell < DIGITS:
            self._sheet.write_number(row, at, cell, self._looks.whole if self._is_counted[at] else None)
        else:
            self._sheet.write_string(row, at, str(cell))

    def _fraction(self, row: int, at: int, cell: float) -> None:
        looks = self._looks.whole if cell == int(cell) else self._looks.fraction
        self._sheet.write_number(row, at, cell, looks if self._is_counted[at] else None)

    def _day(self, row: int, at: int, cell: date) -> None:
        if cell < FIRST_DAY:
            self._sheet.write_string(row, at, cell.isoformat())
        else:
            self._sheet.write_datetime(row, at, cell, self._looks.day)

    def _instant(self, row: int, at: int, cell: datetime) -> None:
        if cell.date() < FIRST_DAY:
            self._sheet.write_string(row, at, cell.isoformat())
        else:  # a spreadsheet knows no zones: the plan's, as the cover says
            self._sheet.write_datetime(row, at, cell.replace(tzinfo=None), self._looks.instant)


def _cover(sheet: "Worksheet", looks: _Looks, extract: Extract, wanted: Wanted, count: int) -> None:
    say = wording(wanted.language)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 62)
    sheet.set_column(2, 2, 16)
    sheet.set_column(3, 3, 60)
    row = 0

    def write(*cells: Cell, looks_of: Any = None) -> None:
        nonlocal row
        for at, cell in enumerate(cells):
            if cell not in (None, ""):
                sheet.write_string(row, at, str(cell)[:CHARACTERS], looks_of or (looks.wrap if at else looks.bold))
        row += 1

    write(extract.tables[0].title, looks_of=looks.title)
    write(extract.plan)
    row += 1
    for name, value in about(wanted, count):
        write(name, value)
    row += 1
    write(say("table.definitions"), looks_of=looks.title)
    write(*(say(f"table.definition.{each}") for each in ("label", "name", "kind", "note")), looks_of=looks.head)
    for table in extract.tables:
        if len(extract.tables) > 1:
            write(table.title)
        for column in table.columns:
            write(column.label, column.name, say(f"table.kind.{column.kind}"), note_of(column))


def _sheet_name(title: str, book: Any) -> str:
    """A name that a sheet may have and no other has: 31 characters, without []:*?/\\ and apostrophes at its ends."""
    name = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).strip(" '")[:31].strip(" '") or "-"
    taken = {each.get_name().casefold() for each in book.worksheets()} | {"history"}
    number, found = 1, name
    while found.casefold() in taken:
        number += 1
        found = f"{name[: 30 - len(str(number))]} {number}"
    return found
