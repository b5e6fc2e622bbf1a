"""Read an .xlsx as rows of text, after checking that it is one.

A file that people call "the Excel" may be a renamed CSV, an old .xls, a file with a password, or a zip that unpacks to
gigabytes; a sheet may claim a billion rows in forty bytes. Libraries that read workbooks trust the file, so everything
is checked here first.

Laws: entries are counted before anything is unpacked. Unpacked sizes are measured, never taken from a header. Nothing
with a DTD reaches a parser that would obey it. An unusable file is an `AuthorError`, never another exception.
"""

import io
import posixpath
import re
import struct
import warnings
import xml.parsers.expat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from conversations.xforms.limits import FILE_BYTES, FILE_MB
from conversations.xforms.problems import AuthorError, Problem

MAX_ENTRIES = 1_000
MAX_UNZIPPED = 64 * 1024 * 1024
MAX_RATIO = 250
"""Unzipped to zipped size, for an entry of over 1 MiB. Deflate cannot exceed 1032; sheets of text reach 20."""
MAX_TAGS = 3_000_000
"""XML tags in the whole workbook: they bound the memory of a tree of it."""
MAX_PART_TAGS = 250_000
"""The most XML tags in a part that is neither a sheet nor the table of strings. openpyxl needs 10 µs for a style."""
MAX_ROWS = 100_000
MAX_COLUMNS = 1_000

_LAST_ROW_OF_EXCEL = 1_048_576
_CHUNK = 1 << 16
_RATIO_MATTERS_FROM = 1 << 20
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an .xls, and of a workbook with a password."""
CENTRAL_ENTRY = b"PK\x01\x02"
"""What each entry of a ZIP begins with in its directory."""

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # ElementTree.ParseError
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    OSError,
    EOFError,
    RuntimeError,
)
"""What libraries raise on a damaged file: they find damage only by failing. (Pillow's own error is an OSError.)"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet and its header, which is the first row that is not empty.

    `headers` gives each header its column letter. `rows` pairs each non-empty row with its number in Excel. Empty cells
    are absent. If two columns have the same header, the first is read; `problems` names the other.
    """

    name: str
    header_row: int
    headers: dict[str, str]
    rows: tuple[tuple[int, dict[str, str]], ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """The sheets that a plan is read from. `formulas` has folded sheet name, column letter and row of each formula."""

    sheets: tuple[Sheet, ...]
    formulas: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to read, counted before anything is built: openpyxl takes 20 µs for a cell.

    `rows` are the non-empty rows of each sheet, with the header, by the sheet's name in the order of the tabs. `lines`
    are all rows of all sheets, also those that have only a border.
    """

    rows: dict[str, int]
    cells: int
    lines: int


def check_workbook(data: bytes) -> Size:
    """Check an .xlsx file, and return its size. AuthorError with the reasons if it may not be read (S11).

    It takes at most 2 s and bounded memory for any file.
    """
    if problem := _not_a_zip(data):
        raise AuthorError([problem])
    found = _measured(data)
    if isinstance(found, Problem):
        raise AuthorError([found])
    return found


def read_sheets(data: bytes) -> tuple[Sheet, ...]:
    """Check the workbook, then read it like `read_checked`."""
    check_workbook(data)
    return read_checked(data)


def read_checked(data: bytes) -> tuple[Sheet, ...]:
    """The non-empty sheets of a checked workbook, in the order of the tabs, hidden ones included.

    Text keeps its inner line breaks and loses outer blanks. Whole numbers have no ".0", dates are ISO, truth is TRUE or
    FALSE, a formula is the value it had when saved.
    """
    try:
        sheets = tuple(_sheets(data))
    except DAMAGE as error:
        raise AuthorError([Problem("workbook.damaged")]) from error
    if not sheets:
        raise AuthorError([Problem("workbook.no_sheet")])
    return sheets


def read_book(data: bytes, names: Collection[str]) -> Book:
    """Return the sheets, and the formulas in the sheets of these (folded) names. AuthorError if it cannot be read."""
    sheets = read_sheets(data)
    try:
        return Book(sheets, tuple(_formulas(data, names)))
    except DAMAGE as error:  # it looks like a formula and is none
        raise AuthorError([Problem("workbook.damaged")]) from error


def headers(data: bytes) -> dict[str, dict[str, str]]:
    """Sheet name → header → column letter."""
    return {sheet.name: dict(sheet.headers) for sheet in read_sheets(data)}


# ------------------------------------------------------------------ is it one?
def _not_a_zip(data: bytes) -> Problem | None:
    if not data:
        return Problem("workbook.empty")
    if len(data) > FILE_BYTES:
        return Problem("workbook.too_big", values={"size": _megabytes(len(data)), "limit": FILE_MB})
    if data.startswith(b"PK"):
        return None
    if data.startswith(OLE):
        return Problem("workbook.password" if is_locked(data) else "workbook.old_xls")
    head = data[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if head.startswith(b"<"):
        return Problem("workbook.html")
    return Problem("workbook.not_xlsx" if b"\0" in head else "workbook.csv")


def is_locked(data: bytes) -> bool:
    """Whether it is a workbook with a password: an OLE container around the encrypted zip."""
    return "EncryptedPackage".encode("utf-16-le") in data


def _measured(data: bytes) -> Problem | Size:
    # Counted in the raw bytes, because zipfile builds an object for each entry before it can be asked.
    if data.count(CENTRAL_ENTRY) > MAX_ENTRIES:
        return Problem("workbook.too_many_entries", values={"limit": MAX_ENTRIES})
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if problem := _by_its_names(archive):
                return problem
            measured = _Measured()
            for entry in archive.infolist():
                if problem := _scan(archive, entry, measured):
                    return problem
            if not measured.cells:
                return Problem("workbook.no_sheet")
            parts = [measured.parts.get(id, "") for id in measured.sheets.values()]
            if not parts or len(set(parts)) < measured.listed:
                return Problem("workbook.damaged")  # one part used by many sheets is read as often
            return measured.size()
    except DAMAGE:
        return Problem("workbook.damaged")


def _by_its_names(archive: zipfile.ZipFile) -> Problem | None:
    entries = archive.infolist()
    names = {entry.filename.replace("\\", "/").lower() for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        return Problem("workbook.password")
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        return Problem("workbook.macros")
    if "xl/workbook.bin" in names:
        return Problem("workbook.old_xls")
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        return Problem("workbook.not_xlsx")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        return Problem("workbook.damaged")  # Excel uses no other method, and zipfile unpacks others without a limit
    if sum(entry.file_size for entry in entries) > MAX_UNZIPPED:
        return _unzips_too_far()
    return None


_Reader = Callable[[str, dict[str, str]], None]
"""Notes an element of a part: its name and its attributes."""


@dataclass(slots=True)
class _Measured:
    unzipped: int = 0
    tags: int = 0
    cells: int = 0
    lines: int = 0
    listed: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    """Part → number of non-empty rows."""
    sheets: dict[str, str] = field(default_factory=dict)
    """Sheet name → the workbook's id of its part."""
    parts: dict[str, str] = field(default_factory=dict)

    def size(self) -> Size:
        found = {name: self.parts.get(id, "") for name, id in self.sheets.items()}
        rows = {name: self.rows[part] for name, part in found.items() if part in self.rows}
        return Size(rows, self.cells, self.lines)

    def reader_of(self, part: str) -> _Reader | None:
        """Return the reader that notes the elements of this part. None if nothing in it is counted."""
        if re.fullmatch(r"xl/workbook\d*\.xml", part):
            return self._list_sheet
        if re.fullmatch(r"xl/_rels/workbook\d*\.xml\.rels", part):
            return self._list_part
        return self._row_counter(part) if "worksheets/" in part else None

    def _list_sheet(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "sheet" and self.listed < MAX_ENTRIES:
            self.listed += 1
            id = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            self.sheets.setdefault(attributes.get("name", "").strip(), id)

    def _list_part(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Relationship" and len(self.parts) < MAX_ENTRIES:
            target = attributes.get("Target", "")
            part = posixpath.normpath(target[1:] if target.startswith("/") else f"xl/{target}")
            self.parts.setdefault(attributes.get("Id", ""), part)

    def _row_counter(self, part: str) -> _Reader:
        is_new_row = True

        def count(name: str, _: object) -> None:
            nonlocal is_new_row
            match name.rpartition(":")[2]:
                case "row":
                    is_new_row = True
                    self.lines += 1
                case "v" | "is":
                    self.cells += 1
                    if is_new_row:
                        is_new_row = False
                        self.rows[part] = self.rows.get(part, 0) + 1

        return count


class _Doctype(Exception):
    pass


class _Xml:
    """A part that is parsed for as long as it is XML. The package itself says which parts are, so every part is tried.

    A picture fails at its first byte.
    """

    def __init__(self, part: str, reader: _Reader | None) -> None:
        self._parser = xml.parsers.expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._parser.EntityDeclHandler = self._refuse
        self._parser.StartElementHandler = reader
        self.must_be = part.lower().endswith((".xml", ".rels"))
        self.is_it = True

    def feed(self, chunk: bytes) -> Problem | None:
        if not self.is_it:
            return None
        try:
            self._parser.Parse(chunk, False)
        except _Doctype:
            return Problem("workbook.doctype")
        except xml.parsers.expat.ExpatError:
            if self.must_be:
                return Problem("workbook.damaged")
            self.is_it = False
        return None

    def end(self) -> Problem | None:
        try:
            if self.must_be:
                self._parser.Parse(b"", True)
        except xml.parsers.expat.ExpatError:
            return Problem("workbook.damaged")
        return None

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _Doctype


def _scan(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, measured: _Measured) -> Problem | None:
    """Unpack one entry in pieces, to measure it and to find a DTD. Nothing of it is kept."""
    part = _Xml(entry.filename, measured.reader_of(entry.filename))
    is_long = "worksheets/" in entry.filename or "sharedStrings" in entry.filename
    size = tags = 0
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            measured.unzipped += len(chunk)
            tags += chunk.count(b"<")
            measured.tags += chunk.count(b"<")
            if measured.unzipped > MAX_UNZIPPED or (
                size > _RATIO_MATTERS_FROM and size > MAX_RATIO * max(entry.compress_size, 1)
            ):
                return _unzips_too_far()
            if measured.tags > MAX_TAGS or (tags > MAX_PART_TAGS and part.is_it and not is_long):
                return Problem("workbook.too_many_cells")
            if problem := part.feed(chunk):
                return problem
    return part.end()


def _unzips_too_far() -> Problem:
    return Problem("workbook.unzips_too_far", values={"limit": _megabytes(MAX_UNZIPPED)})


def _megabytes(size: int) -> int:
    return -(-size // (1024 * 1024))


# ------------------------------------------------------------------ what it says
@contextmanager
def _opened(data: bytes, *, data_only: bool = False) -> Iterator[Any]:
    from openpyxl import load_workbook  # 17 MB that a caller who only measures saves

    with warnings.catch_warnings():
        # openpyxl warns about what it does not keep (validations, styles). We write nothing back.
        warnings.simplefilter("ignore")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=data_only)
        try:
            yield book
        finally:
            book.close()


_FORMULA = re.compile(rb"""<(?:[^\s<>/:]+:)?f[\s/>]|\bt\s*=\s*["']f["']""")
"""How a cell's formula looks in a part that is UTF-8; in a chart it looks the same."""
_IS_UTF_8 = re.compile(
    rb"""(?:\xef\xbb\xbf)?<(?:[^?\0]|\?xml(?:(?!encoding)[^>\0])*(?:encoding\s*=\s*["']utf-8["'][^>]*)?>)""",
    re.IGNORECASE,
)


def _may_hold_formulas(data: bytes) -> bool:
    """Return False if no part looks like a sheet with a formula.

    This check takes a hundredth of the time of reading.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = (archive.read(entry) for entry in archive.infolist() if not entry.is_dir())
        return any(_FORMULA.search(part) or not _IS_UTF_8.match(part) for part in parts)


def _formulas(data: bytes, names: Collection[str]) -> Iterator[tuple[str, str, int]]:
    if not _may_hold_formulas(data):
        return
    with _opened(data) as book:
        for worksheet in book.worksheets:
            name = worksheet.title.strip().casefold()
            if name in names:
                yield from ((name, letter, number) for letter, number in _formula_cells(worksheet))


def _formula_cells(worksheet: Any) -> Iterator[tuple[str, int]]:
    """The column letter and the row number of each formula."""
    from openpyxl.utils import get_column_letter

    worksheet.reset_dimensions()
    for number, cells in enumerate(worksheet.iter_rows(), start=1):
        for position, cell in enumerate(cells, start=1):
            if cell.data_type == "f":
                yield get_column_letter(position), number


def _sheets(data: bytes) -> Iterator[Sheet]:
    with _opened(data, data_only=True) as book:
        for worksheet in book.worksheets:
            worksheet.reset_dimensions()  # the declared ones are often wrong, and would cut rows off
            rows = worksheet.iter_rows(max_row=_LAST_ROW_OF_EXCEL, max_col=MAX_COLUMNS + 1, values_only=True)
            sheet = _sheet(worksheet.title.strip(), enumerate(rows, start=1))
            if sheet is not None:
                yield sheet


def _sheet(name: str, rows: Iterator[tuple[int, tuple[object, ...]]]) -> Sheet | None:
    from openpyxl.utils import get_column_letter

    header_row = width = 0
    by_position: dict[int, str] = {}
    letters: dict[str, str] = {}
    found: list[tuple[int, dict[str, str]]] = []
    problems: list[Problem] = []
    missing: tuple[object, ...] | None = None
    for number, cells in rows:
        if cells is missing:
            continue  # openpyxl fills gaps with one and the same empty row: up to a million of them
        # A row may be as wide as a sheet. Cells without a header are ignored, except the last one.
        is_too_wide = len(cells) > MAX_COLUMNS and cells[MAX_COLUMNS] is not None
        looked_at = cells[:width] if header_row else cells
        if cells.count(None) == len(cells):
            missing = cells
            continue
        filled = {
            position: text for position, cell in enumerate(looked_at) if cell is not None and (text := _text(cell))
        }
        if not filled and not is_too_wide:
            continue
        if number > MAX_ROWS or is_too_wide:
            raise AuthorError([Problem("workbook.too_many_cells", sheet=name, row=number)])
        if not header_row:
            header_row, width = number, max(filled) + 1
            for position, text in filled.items():
                header = " ".join(text.split())
                letter = get_column_letter(position + 1)
                if header in letters:
                    problems.append(
                        Problem("workbook.duplicate_header", name, number, letter, {"header": header}, "warning")
                    )
                else:
                    letters[header] = letter
                    by_position[position] = header
        elif row := {by_position[position]: text for position, text in filled.items() if position in by_position}:
            found.append((number, row))
    if not header_row:
        return None
    return Sheet(name, header_row, letters, tuple(found), tuple(problems))


def _text(cell: object) -> str:
    match cell:
        case str():
            return _ESCAPED.sub(_unescape, cell).replace("\xa0", " ").strip()
        case bool():
            return "TRUE" if cell else "FALSE"
        case int():
            return str(cell)
        case float():
            return _number(cell)
        case datetime():
            whole_day = cell.time() == time.min
            return cell.date().isoformat() if whole_day else cell.replace(microsecond=0).isoformat()
        case date():
            return cell.isoformat()
        case time():
            return cell.replace(microsecond=0).isoformat()
        case timedelta():
            minutes, seconds = divmod(int(cell.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        case _:
            return str(cell).strip()


def _number(value: float) -> str:
    """The number as a cell shows it: 15 significant digits, no exponent, no ".0"."""
    shown = f"{Decimal(f'{value:.15g}'):f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _unescape(match: re.Match[str]) -> str:
    """Decode Excel's `_x000D_` for control characters, mostly carriage returns (ECMA-376, ST_Xstring)."""
    code = int(match[1], 16)
    if code in (0x0D, 0x0A, 0x09):
        return {0x0D: "", 0x0A: "\n", 0x09: "\t"}[code]
    return match[0] if code >= 0x20 and code != 0x5F else ("_" if code == 0x5F else "")
