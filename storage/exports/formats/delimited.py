"""Tables as CSV: RFC 4180, UTF-8, and never a formula.

A spreadsheet that opens a CSV executes a cell that begins like a formula, and anybody who writes to the bot can write
such a text (S6). So a text that begins with such a sign, also after blanks, gets an apostrophe in front; `original`
removes it again. Numbers stay numbers, negative ones too. A dataset of several tables is a ZIP with a file for each
table, also if it has only one now: a program must not depend on the answers.
"""

import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from itertools import islice
from typing import IO, Any, BinaryIO

from storage.exports.formats.dictionary import NAME as DICTIONARY
from storage.exports.formats.dictionary import write_dictionary
from storage.exports.tables import Cell, Extract
from storage.exports.wanted import Progress, Wanted, Written

_BLANKS = r"[\s\u00a0\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff\x00-\x1f]*"
# A tab, a line break or a NUL is dangerous by itself; a blank only before a sign.
_FORMULA = re.compile(rf"'*(?:[\t\r\n\x00]|{_BLANKS}[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe63\ufe62\ufe66\ufe6b])")


def neutral(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    if text[:1].isalnum():  # nearly all of them, and no sign is one
        return text
    return f"'{text}" if _FORMULA.match(text) else text


def original(cell: str) -> str:
    """The text that `neutral` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


_ENCODE: dict[type, Callable[[Any], str]] = {
    str: neutral,
    int: str,
    float: repr,
    bool: lambda value: "true" if value else "false",
    date: date.isoformat,
    datetime: datetime.isoformat,
    type(None): lambda _: "",
}
_QUOTED = ('"', ",", "\r", "\n")
ROWS = 500
"""Rows that are encoded together."""


def _lines(rows: Sequence[Sequence[Cell]]) -> str:
    """Write rows of one table, column by column: the cells of a column are of one type or two.

    The csv module looks at each character by itself, and takes three times as long.
    """
    columns = map(_column, zip(*rows, strict=True))
    return "".join(f"{','.join(row)}\r\n" for row in zip(*columns, strict=True))


def _column(cells: Sequence[Cell]) -> Sequence[str]:
    match list(set(map(type, cells))):
        case [kind]:
            texts = list(map(_ENCODE[kind], cells))
        case _:
            texts = [_ENCODE[type(cell)](cell) for cell in cells]
    whole = "".join(texts)
    return list(map(_quoted, texts)) if any(sign in whole for sign in _QUOTED) else texts


def _quoted(text: str) -> str:
    if any(sign in text for sign in _QUOTED):
        return '"' + text.replace('"', '""') + '"'
    return text


def write_csv(extract: Extract, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write one table as a CSV. A dataset with several tables is a ZIP of CSV files and a data dictionary."""
    if extract.is_several:
        return write_package(extract, wanted, out, progress)
    return _write(extract, [out], _encoding(wanted), progress)


def write_package(extract: Extract, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write a ZIP of a CSV for each table and a data dictionary: a Frictionless data package."""
    with ExitStack() as stack:
        # Rows of different tables come mixed, and a ZIP takes one file after the other. So they wait in unnamed files,
        # which vanish with the process.
        spools: list[IO[bytes]] = [stack.enter_context(tempfile.TemporaryFile()) for _ in extract.tables]
        written = _write(extract, spools, _encoding(wanted), progress)
        paths = {table.name: f"{table.name}.csv" for table in extract.tables}
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open(DICTIONARY, "w") as entry:
                write_dictionary(extract, wanted, paths, "csv", entry)
            for table, spool in zip(extract.tables, spools, strict=True):
                spool.seek(0)
                with archive.open(paths[table.name], "w", force_zip64=True) as entry:
                    while block := spool.read(1 << 20):
                        entry.write(block)
    return written


def write_table(extract: Extract, number: int, wanted: Wanted, out: BinaryIO) -> int:
    """Write one of several tables as it is in the ZIP; return the number of rows."""
    text = io.TextIOWrapper(out, _encoding(wanted), newline="")
    try:
        done = 0
        text.write(_lines([[column.name for column in extract.tables[number].columns]]))
        while chunk := list(islice(extract.rows, ROWS)):
            rows = [row for of, row in chunk if of == number]
            text.write(_lines(rows))
            done += len(rows)
    finally:
        text.detach()
    return done


def _encoding(wanted: Wanted) -> str:
    return "utf-8-sig" if wanted.bom else "utf-8"


def _write(extract: Extract, files: "list[IO[bytes]] | list[BinaryIO]", encoding: str, progress: Progress) -> Written:
    texts = [io.TextIOWrapper(file, encoding, newline="", write_through=False) for file in files]
    done = 0
    try:
        for text, table in zip(texts, extract.tables, strict=True):
            text.write(_lines([[column.name for column in table.columns]]))
        while chunk := list(islice(extract.rows, ROWS)):
            for number, text in enumerate(texts):
                rows = [row for of, row in chunk if of == number]
                text.write(_lines(rows))
                done += len(rows) * extract.tables[number].is_main
            progress(done, extract.total)
    finally:
        for text in texts:
            text.detach()
    return Written(done, tuple(extract.lacking))
