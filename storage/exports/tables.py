"""What a dataset is, whatever file it ends in: tables of typed cells, a row after the other.

A CSV, a workbook and a line of JSON disagree about everything but this: a table has named columns, a cell is a
number, a day, an instant, a word or nothing. A dataset is a function from what is wanted to an `Extract`; a format is
a function from an `Extract` to a file; neither knows the other.

Laws: nothing is missing by being zero (0 is a number, None is nothing, and "" does not occur); instants are aware and
in the plan's zone; a number that is not to be told is a word in a column of numbers, `PROTECTED`, or nothing with its
reason in the column beside it; words for programs are the same in every language.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from conversations.wording import Wording, wording
from storage.exports.codes import labels_of
from storage.exports.wanted import Wanted
from storage.unit_of_work import UnitOfWork

PROTECTED: Final = "protected"
"""Stands in a column of numbers for one that is not told; a workbook says it in the reader's language."""
Cell = str | int | float | bool | date | datetime | None


class Kind(StrEnum):
    """What the cells of a column are, where they are not empty."""

    TEXT = "text"
    WHOLE = "whole"
    DECIMAL = "decimal"
    FLAG = "flag"
    DAY = "day"
    INSTANT = "instant"
    CODE = "code"
    """One word of a list, or several with blanks between; a workbook shows what they are called."""
    ANY = "any"
    """Calculated: a number where it reads as one, else a text."""


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs and never changes; `label` is for people, in the reader's language."""

    name: str
    kind: Kind
    label: str
    note: str = ""
    """What the cover says of it: the choices of a question, what a code means."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of codes, and of words among numbers: what each is called in the reader's language, no two alike."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    columns: tuple[Column, ...]
    is_main: bool = True
    """Its rows are what is counted; those of a repeat belong to a row of another table."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Tables, and their rows in one pass: (number of the table, cells)."""

    tables: tuple[Table, ...]
    total: int
    """Rows of the main tables, as counted before."""
    rows: Iterator[tuple[int, Sequence[Cell]]]
    lacking: list[str] = field(default_factory=list)
    """What could not be put in; filled while the rows are read."""
    overview: str = ""
    """What a workbook shows of its rows on a sheet of its own, for whoever looks and does not count:

    `charts` or `crosstab` (`storage.exports.workbooks.OVERVIEWS`).
    """
    is_several: bool = False
    """Whether there may be more tables than one: then it is written as if there were, whatever was answered."""
    plan: str = ""
    """The plan's name, in the reader's language."""


Dataset = Callable[[UnitOfWork, Wanted], Extract]


def columns(
    language: str, *named: tuple[str, Kind], lists: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Column, ...]:
    """Columns with their labels from the catalogue, `table.column.NAME`; codes also from the plan's own lists."""
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
    """An extract of one table whose title is `table.NAME`; `lists` word the codes that are the plan's own."""
    title = wording(wanted.language)(f"table.{name}")
    table = Table(name, title, columns(wanted.language, *named, lists=lists))
    return Extract((table,), total, ((0, row) for row in rows), [] if lacking is None else lacking)


def at(moment: datetime | None, wanted: Wanted) -> datetime | None:
    """An instant in the plan's zone, to the second."""
    return None if moment is None else moment.astimezone(wanted.zone).replace(microsecond=0)
