"""The shape of a dataset, for every format: tables of typed cells, row after row.

CSV, workbooks and JSON Lines have only this in common: a table has named columns, and a cell is a number, a day, an
instant, a word or nothing. A dataset is a function from a request (`Wanted`) to an `Extract`. A format is a function
from an `Extract` to a file. Neither knows the other.

Laws: 0 is a number, None is nothing, and "" does not occur. Instants are aware and in the plan's zone. A protected
number is the word `PROTECTED` in a column of numbers, or None with its reason in the column beside it. Words for
programs are the same in every language.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from conversations.session.safeguards.characters import visible
from conversations.wording import Wording, wording
from storage.exports.codes import labels_of
from storage.exports.wanted import Wanted

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

PROTECTED: Final = "protected"
"""Replaces a protected number in a column of numbers. A workbook says it in the reader's language."""
Cell = str | int | float | bool | date | datetime | None


class Kind(StrEnum):
    """The type of a column's cells that are not empty."""

    TEXT = "text"
    WHOLE = "whole"
    DECIMAL = "decimal"
    FLAG = "flag"
    DAY = "day"
    INSTANT = "instant"
    CODE = "code"
    """One code of a list, or several with blanks between. A workbook shows their labels."""
    ANY = "any"
    """A calculation: a number if it reads as one, otherwise a text."""


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs and never changes. `label` is for people, in the reader's language."""

    name: str
    kind: Kind
    label: str
    note: str = ""
    """The explanation on the cover: the choices of a question, the meaning of a code."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """For codes, and for words among numbers: the label of each in the reader's language, all different."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    columns: tuple[Column, ...]
    is_main: bool = True
    """Its rows are counted. Rows of a repeat are not: they belong to a row of another table."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Tables, and their rows in one pass: (number of the table, cells)."""

    tables: tuple[Table, ...]
    total: int
    """The number of rows of the main tables, counted before."""
    rows: Iterator[tuple[int, Sequence[Cell]]]
    lacking: list[str] = field(default_factory=list)
    """What could not be included. It fills while the rows are read."""
    overview: str = ""
    """The summary of the rows on a separate sheet of a workbook, for people who look and do not compute:

        `charts` or `crosstab` (`storage.exports.formats.workbooks.OVERVIEWS`).
    """
    is_several: bool = False
    """Whether the dataset may have several tables. Then it is written as several, even if there is only one now."""
    plan: str = ""
    """The plan's name, in the reader's language."""


Dataset = Callable[["UnitOfWork", Wanted], Extract]
R = TypeVar("R")
ColumnOf = tuple[str, Kind, Callable[[R], Cell]]
"""A column of a dataset: its name, its kind, and the cell that it has for something which is a row."""


def shown(extract: Extract, plan: str) -> Extract:
    """Return the extract as every format writes it: with the name of its plan, and all its texts `visible`."""
    tables = tuple(
        replace(table, title=visible(table.title), columns=tuple(map(_shown_column, table.columns)))
        for table in extract.tables
    )
    texts = [
        [at for at, column in enumerate(table.columns) if column.kind in (Kind.TEXT, Kind.ANY)] for table in tables
    ]
    rows = ((number, _shown_row(row, texts[number])) for number, row in extract.rows)
    return replace(extract, tables=tables, rows=rows, plan=visible(plan))


def _shown_row(row: Sequence[Cell], texts: Sequence[int]) -> Sequence[Cell]:
    for at in texts:
        cell = row[at]
        if type(cell) is str and not cell.isprintable():
            return [visible(each) if type(each) is str else each for each in row]
    return row


def _shown_column(column: Column) -> Column:
    labels = {code: visible(label) for code, label in column.labels.items()}
    return replace(column, label=visible(column.label), note=visible(column.note), labels=labels)


def columns(
    language: str, *named: tuple[str, Kind], lists: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Column, ...]:
    """Columns with their labels from the catalogue, `table.column.NAME`.

    `lists` has the labels of the plan's own codes.
    """
    say = wording(language)

    protected = {PROTECTED: say("table.protected")}

    def codes(name: str, kind: Kind) -> Mapping[str, str]:
        if kind is not Kind.CODE:
            return protected if kind in (Kind.WHOLE, Kind.DECIMAL) else {}
        return lists[name] if lists and name in lists else labels_of(name, language)

    return tuple(Column(name, kind, label(say, name), note(say, name), codes(name, kind)) for name, kind in named)


def label(say: Wording, name: str) -> str:
    return say(f"table.column.{name}")


def note(say: Wording, name: str) -> str:
    key = f"table.note.{name}"
    return say(key) if key in say else ""


def one_table(
    name: str,
    wanted: Wanted,
    named: Sequence[tuple[str, Kind]],
    total: int,
    rows: Iterator[Sequence[Cell]],
    lacking: list[str] | None = None,
    *,
    lists: Mapping[str, Mapping[str, str]] | None = None,
) -> Extract:
    """An extract of one table with the title `table.NAME`. `lists` has the labels of the plan's own codes."""
    title = wording(wanted.language)(f"table.{name}")
    table = Table(name, title, columns(wanted.language, *named, lists=lists))
    return Extract((table,), total, ((0, row) for row in rows), [] if lacking is None else lacking)


def table_of(
    name: str,
    wanted: Wanted,
    columns: Sequence[ColumnOf[R]],
    total: int,
    of: Iterable[R],
    *,
    lists: Mapping[str, Mapping[str, str]] | None = None,
) -> Extract:
    """An extract of one table that has a row for each of these."""
    cells = [cell for _, _, cell in columns]
    rows = ([cell(each) for cell in cells] for each in of)
    return one_table(name, wanted, [(named, kind) for named, kind, _ in columns], total, rows, lists=lists)


def at(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """Return an instant in the plan's zone, to the second."""
    if moment is None:
        return None
    local = moment.astimezone(zone)
    return local.replace(microsecond=0) if local.microsecond else local  # `replace` takes as long as the rest
