"""Rows of several units in one INSERT or UPDATE, on PostgreSQL: a statement costs its server more than the row in it.

The writes of a group wait, and travel in their order (`journeys`). A write that may be joined goes earlier, to the last
of its kind, but never past a write that it minds. There are three sorts:

- One row: an INSERT, or an UPDATE of the row that a parameter names (`key`). It minds whatever writes the same row, and
  an INSERT into a table that it refers to. No two INSERTs make the same row. The UPDATE changes no column of a unique
  key, and none that a key of the database refers to.
- All rows that have a value (`value`): an UPDATE. It minds whatever names one of its tables.
- Any other write stays in its place.

Each of them minds a write of the last two sorts that names one of its tables.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from functools import cache
from typing import Any, Final, NamedTuple, Protocol, TypeVar

SIZES: Final = (24, 16, 12, 8, 6, 4, 3, 2, 1)
"""Rows of one statement. Each number of rows is a statement of its own, so there are few."""
_PLACE: Final = re.compile(r"\$(\d+)")
_TYPED_PLACE: Final = re.compile(r"\$(\d+)(::[A-Z]+(?: WITH TIME ZONE)?)")
_VALUES: Final = " VALUES "


class Statement(Protocol):
    """The statement of a write that waits."""

    @property
    def sql(self) -> str: ...

    @property
    def writes(self) -> str:
        """The table that it changes."""

    @property
    def is_joined(self) -> bool:
        """Whether it writes one row, and may be joined with others of its kind."""

    @property
    def key(self) -> int | None:
        """Which parameter names the only row that it writes; None if none does."""

    @property
    def value(self) -> int | None:
        """Which parameter is the value of all rows that it changes, if it may be joined with others like that."""

    @property
    def marks(self) -> "Marks":
        """Return what it leaves where it stands, and what it minds."""


S = TypeVar("S", bound=Statement)


class Marks(NamedTuple):
    """What a write leaves where it stands, and what it minds: nothing that minds a mark goes past it."""

    left: Collection[Hashable]
    minded: Collection[Hashable]


def marks(sql: str, writes: str, tables: Collection[str], *, is_row: bool) -> Marks:
    """Return the marks of a write that changes `writes` and names these tables."""
    named = {("named", each) for each in tables}
    if not is_row:
        return Marks(named.union(*({("held", each), ("filled", each)} for each in tables)), named)
    if sql.startswith("INSERT"):
        named.add(("filled", writes))
    return Marks(named, {("held" if each == writes else "filled", each) for each in tables})


Write = tuple[S, tuple[Any, ...], int | None, Callable[[Any], None] | None]
"""A write that waits: its statement, its parameters, how many rows it must change if that matters, and who hears what
it returns. It is a plain tuple because a unit makes seven.
"""


def joined(writes: "Iterable[Write[S]]") -> "list[list[Write[S]]]":
    """Return these writes in the order in which they are sent, those together that become one statement."""
    found: list[list[Write[S]]] = []
    growing: dict[Hashable, int] = {}
    """Where the last of each kind stands."""
    rows: dict[tuple[str, Any], int] = {}
    """Where a row is written last."""
    last: defaultdict[Hashable, int] = defaultdict(int)
    """Where the last write stands that has left a mark."""
    free: set[Hashable] = set()
    """The kinds that are known to grow past all marks."""
    for write in writes:
        statement, bound, _, _ = write
        kind = statement.sql if statement.is_joined else _same(statement, bound)
        at = growing.get(kind)
        if at is not None and kind not in free:
            if max(map(last.__getitem__, statement.marks.minded)) > at:
                at = None
            else:
                free.add(kind)
        if statement.key is not None:
            row = (statement.writes, bound[statement.key])
            if at is not None and rows.get(row, -1) >= at:
                at = None
            rows[row] = len(found) if at is None else at
        if at is None:
            at = len(found)
            found.append([])
            last.update(dict.fromkeys(statement.marks.left, at))
            free.clear()
            if kind is not None:
                growing[kind] = at
        found[at].append(write)
    return [part for batch in found for part in _parts(batch)]


def _same(statement: Statement, bound: tuple[Any, ...]) -> Hashable:
    """Return what is the same for all that differ in their value only. None for a write that stays in its place."""
    value = statement.value
    return None if value is None else (statement.sql, *bound[:value], *bound[value + 1 :])


def _parts(batch: list[Write[S]]) -> list[list[Write[S]]]:
    """Divide a batch into `SIZES`, the largest first, unless one statement has any number of values."""
    if len(batch) == 1 or batch[0][0].value is not None:
        return [batch]
    parts = []
    while batch:
        size = next(size for size in SIZES if size <= len(batch))
        parts.append(batch[:size])
        batch = batch[size:]
    return parts


@cache
def insert_of(sql: str, rows: int) -> str:
    """Return the same INSERT for so many rows: the parameters of the first row come first."""
    if rows == 1:
        return sql
    head, _, rest = sql.partition(_VALUES)
    end = _end_of_row(rest)
    row, tail = rest[:end], rest[end:]
    width = len(_PLACE.findall(row))
    every = (_PLACE.sub(lambda found, at=at: f"${int(found[1]) + at * width}", row) for at in range(rows))  # type: ignore[misc]
    return f"{head}{_VALUES}{', '.join(every)}{tail}"


@cache
def update_of(sql: str, rows: int, key: int) -> str:
    """Return the same UPDATE for so many rows: the parameters of the first row come first.

    The rows are looked up by their keys as one is: a join alone would keep a plan that reads the whole table.
    """
    if rows == 1:
        return sql
    places = _TYPED_PLACE.findall(sql)
    width = len(places)
    assert width == len(_PLACE.findall(sql)), "each parameter has a type"
    typed = [[f"${int(place) + at * width}{type_}" for place, type_ in places] for at in range(rows)]
    values = ", ".join(f"({', '.join(row)})" for row in typed)
    names = ", ".join(f"p{place}" for place, _ in places)
    keys = ", ".join(row[key] for row in typed)
    column = re.search(rf"([\w.]+) = \${key + 1}::", sql)
    assert column is not None
    head, where = _TYPED_PLACE.sub(r"many.p\1", sql).split(" WHERE ")
    return f"{head} FROM (VALUES {values}) AS many ({names}) WHERE {where} AND {column[1]} = ANY (ARRAY[{keys}])"


@cache
def update_of_values(sql: str, value: int) -> str:
    """Return the same UPDATE of rows that have one of several values: this parameter is an array."""
    return re.sub(rf"= \${value + 1}::(\w+)", rf"= ANY (${value + 1}::\1[])", sql)


def _end_of_row(text: str) -> int:
    """Return where the bracket closes that opens at the beginning."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return at + 1
    raise ValueError("not an INSERT of one row")
