"""Tables as a workbook that an office can open, sort and print: typed cells, a sheet for each table, a cover.

Somebody who gets the file three years from now must know what it is. So the cover says which part of which plan it
holds, for whom and when it was made, and what each column means. A text is written as a text whatever it begins with
(S6). A text too long for a cell is cut, and the cut is reported. Rows go to disk as they come, so a million of them
need no memory.

Source: "Excel specifications and limits".
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from conversations.wording import wording
from storage.exports.codes import shown
from storage.exports.cover import about, note_of
from storage.exports.formats.charts import Charts
from storage.exports.formats.crosstab import Crosstab
from storage.exports.tables import Cell, Column, Extract, Kind, Table
from storage.exports.wanted import Progress, Wanted, Written
from storage.upkeep.whole_files import working_folder

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

ROWS = 1_048_576
"""The rows of a sheet, with its header. Further rows go on another sheet."""
CHARACTERS = 32_767
DIGITS = 10**15
"""From here on, whole numbers are written as texts, because a spreadsheet would round them."""
FIRST_DAY = date(1900, 3, 1)
"""Earlier days are written as texts, because programs disagree about their numbers."""
A4 = 9
NUMBERED = frozenset({"receipt", "root_receipt", "replaced_by", "number", "version"})
"""Whole numbers that identify something: they are written without thousands separators."""
BEHIND = NUMBERED | {"key", "parent_key", "instance", "form_version", "hash"}
"""Columns by which programs find a row. People read them last, so a workbook has them on the right."""
ON_A_PAGE = 220
"""Characters that can still be read when they share the width of a sheet of paper. Wider tables take several pages."""
WIDTHS = {Kind.DAY: 12, Kind.INSTANT: 19}
NARROWEST, WIDEST = 10, 48
WIDEST_OF = {"hash": 68}
"""The longest word that is not broken."""
BUTTON = 4
"""Characters that the button of a filter hides."""
FITS = 10**6
"""Numbers below it fit in the narrowest column."""
MEASURED = 100
"""How many rows decide the width of a column."""
NAME_OF_COLUMN = 200
"""Characters of a column's name. Excel allows 255 in a table."""
STYLE = "Table Style Light 1"
"""Bands without colours: they can be seen on paper too."""


class Overview(Protocol):
    """A summary sheet for people who look and do not compute. It is made from the rows of a table while they pass."""

    def take(self, row: Sequence[Cell]) -> None: ...
    def draw(self, book: Any, sheet: Any, wanted: Wanted, looks: Any) -> None: ...


OVERVIEWS: Mapping[str, Callable[[Extract, str], Overview]] = {"charts": Charts, "crosstab": Crosstab}


def write_xlsx(extract: Extract, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write a cover, then the tables. A repeat's table is on its own sheet, with the keys of its parents."""
    import xlsxwriter  # 4 MB that a bot without exports of workbooks saves

    with working_folder() as folder:  # its rows wait there
        options = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        target = _Target(out)
        book = xlsxwriter.Workbook(target, options)
        try:
            book.use_zip64()
            book.set_properties({"title": f"{extract.plan} · {extract.tables[0].title}"})
            looks = Looks(book)
            cover = book.add_worksheet(_sheet_name(wording(wanted.language)("table.cover"), book))
            overview, drawn = None, None
            if extract.overview:
                overview = OVERVIEWS[extract.overview](extract, wanted.language)
                drawn = book.add_worksheet(_sheet_name(wording(wanted.language)(f"table.{extract.overview}"), book))
            sheets = [_Sheet(book, table, looks, extract.lacking) for table in extract.tables]
            done = 0
            for number, row in extract.rows:
                sheets[number].write(row)
                if overview is not None:
                    overview.take(row)
                if extract.tables[number].is_main:
                    done += 1
                    progress(done, extract.total)
            for sheet in sheets:
                sheet.finish()
            if overview is not None:
                overview.draw(book, drawn, wanted, looks)
            _cover(cover, looks, extract, wanted, done)
            _close(book)
        except BaseException:
            target.give_up()
            for left in book.worksheets():  # it closes its temporary files only when it ends normally
                left.row_data_fh.close()
            raise
    return Written(done, tuple(extract.lacking))


class _Target:
    """The file of a workbook, as its archive wants one. `give_up`: from then on nothing is written and nothing fails.

    The library leaves its archive open if the disk is full. The archive's destructor would write its end to a file that
    is closed by then, and complain of it on the terminal.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out: BinaryIO | _Nowhere = out

    def give_up(self) -> None:
        self._out = _Nowhere()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


class _Nowhere:
    """A file that keeps nothing but its position."""

    def __init__(self) -> None:
        self._at = 0

    def write(self, content: bytes) -> int:
        self._at += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def flush(self) -> None: ...


def _close(book: Any) -> None:
    """Close the book. An error of the system is raised as it is, not as a class of the library."""
    from xlsxwriter.exceptions import FileCreateError

    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from None


class Looks:
    """The formats of a workbook."""

    def __init__(self, book: Any) -> None:
        band = {"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter",
                "border": 1, "border_color": "#FFFFFF"}  # fmt: skip

        def head(align: str) -> Any:
            return book.add_format(band | {"align": align})

        self.head, self.head_middle, self.head_right = head("left"), head("center"), head("right")
        self.title = book.add_format({"bold": True, "font_size": 16, "font_color": "#1F3A5F"})
        self.bold = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top", "align": "left", "indent": 1})
        # Indented, because a number ends at the right edge of the cell before it.
        self.text = book.add_format({"valign": "top", "align": "left", "indent": 1})
        self.word = book.add_format({"valign": "top", "align": "right"})
        self.whole = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.name = book.add_format({"num_format": "0", "valign": "top", "align": "left"})
        self.fraction = book.add_format({"num_format": "#,##0.0##", "valign": "top"})
        # At the right edge, a day would touch the text of the next cell.
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "center", "valign": "top"})
        self.instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "center", "valign": "top"})
        self.flag = book.add_format({"align": "center", "valign": "top"})
        self.pillar = book.add_format({"bold": True, "bg_color": "#DCE6F1"})
        self.measure = book.add_format({"bold": True})
        self.category = book.add_format({"indent": 2, "text_wrap": True, "valign": "top"})


class _Sheet:
    """One table on as many sheets as it needs. Each sheet is an Excel table with filters, bands and unique names."""

    def __init__(self, book: Any, table: Table, looks: Looks, lacking: list[str]) -> None:
        self._book, self._table, self._looks, self._lacking = book, table, looks, lacking
        self._encode: dict[type, Callable[[int, int, Any], object]] = {}
        self._sheet: Worksheet
        self._order = in_reading_order(table)
        self._columns = [table.columns[at] for at in self._order]
        self._widths: list[int] = []
        self._labels = [column.labels for column in self._columns]
        self._is_counted = [column.name.lstrip("_") not in NUMBERED for column in self._columns]
        self._row = 0
        self._begin()

    def _begin(self) -> None:
        looks = self._looks
        sheet = self._sheet = self._book.add_worksheet(_sheet_name(self._table.title, self._book))
        sheet.freeze_panes(1, 1)
        sheet.set_row(0, 32)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.print_across()
        sheet.repeat_rows(0)
        sheet.repeat_columns(0)
        sheet.hide_gridlines(0)  # grid lines are printed too: a reader follows a row across a page
        sheet.set_footer("&L&A&R&P / &N")
        self._widths = [_first_width(column) for column in self._columns]
        names = names_of_columns(self._columns)
        _begin_table(sheet, names)
        for at, name in enumerate(names):
            sheet.write_string(0, at, name, looks.head)
        self._encode = {
            str: self._text,
            int: self._whole,
            float: self._fraction,
            bool: self._flag,
            date: self._day,
            datetime: self._instant,
        }
        self._row = 1

    def write(self, row: Sequence[Cell]) -> None:
        if self._row == ROWS:
            self.finish()
            self._begin()
        number, encode = self._row, self._encode
        for at, place in enumerate(self._order):
            cell = row[place]
            if cell is not None:
                encode[type(cell)](number, at, cell)
        self._row += 1

    def finish(self) -> None:
        widths = [min(width, self._widest(at)) for at, width in enumerate(self._widths)]
        for at, width in enumerate(widths):
            self._sheet.set_column(at, at, width)
        self._sheet.fit_to_pages(max(1, -(-sum(widths) // ON_A_PAGE)), 0)
        _end_table(self._sheet, max(self._row - 1, 1))

    def _text(self, row: int, at: int, cell: str) -> None:
        if labels := self._labels[at]:
            cell = shown(cell, labels)
        if len(cell) > CHARACTERS:
            self._lacking.append(f"{self._table.name}, row {row}, {self._columns[at].name}: cut to fit a cell")
            cell = cell[: CHARACTERS - 1] + "…"
        if row <= MEASURED:
            self._widen(at, len(cell) + 2)
        # A text that is wider than its column is wrapped; otherwise the next cell would cover it.
        is_wide = len(cell) > min(self._widths[at], self._widest(at)) or "\n" in cell
        self._sheet.write_string(row, at, cell, self._looks.wrap if is_wide else self._looks.text)

    def _whole(self, row: int, at: int, cell: int) -> None:
        if -DIGITS < cell < DIGITS:
            if not -FITS < cell < FITS:  # a number that is wider than its column is not shown at all
                self._widen(at, len(f"{cell:,}") + 2)
            self._sheet.write_number(row, at, cell, self._looks.whole if self._is_counted[at] else self._looks.name)
        else:
            self._widen(at, len(str(cell)) + 2)
            self._sheet.write_string(row, at, str(cell), self._looks.text)

    def _fraction(self, row: int, at: int, cell: float) -> None:
        if not -FITS / 1000 < cell < FITS / 1000:
            self._widen(at, len(f"{cell:,.3f}") + 2)
        self._sheet.write_number(row, at, cell, self._looks.whole if cell == int(cell) else self._looks.fraction)

    def _flag(self, row: int, at: int, cell: bool) -> None:
        self._sheet.write_boolean(row, at, cell, self._looks.flag)

    def _widest(self, at: int) -> int:
        return WIDEST_OF.get(self._columns[at].name, WIDEST)

    def _widen(self, at: int, width: int) -> None:
        if width > self._widths[at]:
            self._widths[at] = width

    def _day(self, row: int, at: int, cell: date) -> None:
        if cell < FIRST_DAY:
            self._sheet.write_string(row, at, cell.isoformat())
        else:
            self._sheet.write_datetime(row, at, cell, self._looks.day)

    def _instant(self, row: int, at: int, cell: datetime) -> None:
        if cell.date() < FIRST_DAY:
            self._sheet.write_string(row, at, cell.isoformat())
        else:  # a spreadsheet has no time zones: it is the plan's, as the cover says
            self._sheet.write_datetime(row, at, cell.replace(tzinfo=None), self._looks.instant)


def _cover(sheet: "Worksheet", looks: Looks, extract: Extract, wanted: Wanted, count: int) -> None:
    say = wording(wanted.language)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 40)
    sheet.set_column(2, 2, 22)
    sheet.set_column(3, 3, 64)
    row = 0

    def write(*cells: Cell, looks_of: Any = None) -> None:
        nonlocal row
        for at, cell in enumerate(cells):
            if cell not in (None, ""):
                sheet.write_string(row, at, str(cell)[:CHARACTERS], looks_of or (looks.wrap if at else looks.bold))
        row += 1

    write(extract.tables[0].title, looks_of=looks.title)
    write(extract.plan, looks_of=looks.measure)
    row += 1
    for name, value in about(wanted, count):
        write(name, value)
    row += 1
    write(say("table.definitions"), looks_of=looks.title)
    write(*(say(f"table.definition.{each}") for each in ("label", "name", "kind", "note")), looks_of=looks.head)
    for table in extract.tables:
        if len(extract.tables) > 1:
            write(table.title, looks_of=looks.measure)
        for column in table.columns:
            write(column.label, column.name, say(f"table.kind.{column.kind}"), note_of(column))


def _sheet_name(title: str, book: Any) -> str:
    """A name that a sheet may have and no other sheet has: 31 characters, no []:*?/\\ and no apostrophe at an end."""
    name = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).strip(" '")[:31].strip(" '") or "-"
    taken = {each.get_name().casefold() for each in book.worksheets()} | {"history"}
    number, found = 1, name
    while found.casefold() in taken:
        number += 1
        found = f"{name[: 30 - len(str(number))]} {number}"
    return found


def in_reading_order(table: Table) -> list[int]:
    """Return the columns in the order for people: those for programs come last."""
    return sorted(range(len(table.columns)), key=lambda at: table.columns[at].name.lstrip("_") in BEHIND)


def _first_width(column: Column) -> int:
    """The width that the header needs on two lines, and that the kind of column needs."""
    longest = max(map(len, column.label.split()), default=0)
    of_head = max(len(column.label) // 2 + 5, longest + BUTTON)
    return max(WIDTHS.get(column.kind, NARROWEST), min(WIDEST, of_head))


def names_of_columns(columns: Sequence[Column]) -> list[str]:
    """The headers: the labels on one line, none empty, all different for Excel, which ignores case."""
    labels = [" ".join(column.label.split())[:NAME_OF_COLUMN] or column.name for column in columns]
    count = Counter(label.casefold() for label in labels)
    made: list[str] = []
    taken: set[str] = set()
    for label, column in zip(labels, columns, strict=True):
        name = label if count[label.casefold()] == 1 else f"{label} ({column.name[:40]})"
        while name.casefold() in taken:
            name += "'"
        made.append(name)
        taken.add(name.casefold())
    return made


# XlsxWriter offers no tables when rows go to disk at once, because it wants to fill the cells itself and keep them. A
# table is only a range and the names above it. So it is made over one row, and its end is set at the end.
def _begin_table(sheet: "Worksheet", names: Sequence[str]) -> None:
    sheet.constant_memory = False
    try:
        made = sheet.add_table(
            0, 0, 1, len(names) - 1, {"style": STYLE, "columns": [{"header": name} for name in names]}
        )
    finally:
        sheet.constant_memory = True
    assert made == 0, names


def _end_table(sheet: "Worksheet", last: int) -> None:
    from xlsxwriter.utility import xl_range

    [table] = sheet.tables
    for name in ("range", "a_range", "autofilter"):
        table[name] = xl_range(0, 0, last, len(table["columns"]) - 1)
