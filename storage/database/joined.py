"""Rows of several units in one INSERT or UPDATE, on PostgreSQL: a statement costs its server more than the row in it.

The writes of a group wait, and travel in their order (`journeys`). A write that may be joined goes earlier: with the
first of its kind, up to the last write that names one of its tables and may not be joined. Nothing in between can tell:

- No two INSERTs that may be joined make the same row, and no key of the database refers to their tables or from them.
- An UPDATE that may be joined changes one row, and a parameter names it. It never goes past another of the same row. It
  changes no column that a key of the database refers to, and it names the tables that its own columns refer to.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, Protocol, TypeVar

MOST: Final = 16
"""Rows of one statement. Each number of rows is a statement of its own, so there are only powers of two."""
_PLACE: Final = re.compile(r"\$(\d+)")
_TYPED_PLACE: Final = re.compile(r"\$(\d+)(::[A-Z]+(?: WITH TIME ZONE)?)")
_VALUES: Final = " VALUES "


class Statement(Protocol):
    """The statement of a write that waits."""

    @property
    def sql(self) -> str: ...

    @property
    def tables(self) -> frozenset[str]:
        """The tables that it names."""

    @property
    def writes(self) -> str:
        """The table that it changes."""

    @property
    def is_joined(self) -> bool:
        """Whether it writes one row, and may be joined with others of its kind."""

    @property
    def key(self) -> int | None:
        """Which parameter names the only row that it writes; None if none does."""


class Write(Protocol):
    """A write that waits."""

    @property
    def statement(self) -> Statement: ...

    @property
    def dumped(self) -> Any:
        """The values of its parameters."""


W = TypeVar("W", bound=Write)


def joined(writes: Iterable[W]) -> list[list[W]]:
    """Return these writes in the order in which they are sent, those together that become one statement."""
    found: list[list[W]] = []
    growing: dict[str, list[W]] = {}
    tables: frozenset[str] = frozenset()
    """The tables that the growing ones name."""
    rows: set[tuple[str, bytes]] = set()
    """The rows that an UPDATE has named."""
    for write in writes:
        statement = write.statement
        may_pass = statement.is_joined
        if may_pass and statement.key is not None:
            row = (statement.writes, bytes(write.dumped[statement.key]))
            may_pass = row not in rows
            rows.add(row)
        batch = growing.get(statement.sql) if may_pass else None
        if batch is not None:
            batch.append(write)
            if len(batch) == MOST:
                del growing[statement.sql]
            continue
        batch = [write]
        found.append(batch)
        if not (may_pass or tables.isdisjoint(statement.tables)):
            growing = {sql: them for sql, them in growing.items() if statement.tables.isdisjoint(_tables(them))}
            tables = frozenset().union(*map(_tables, growing.values()))
        if statement.is_joined:
            growing[statement.sql] = batch
            tables |= statement.tables
    return [part for batch in found for part in (_parts(batch) if len(batch) > 1 else (batch,))]


def _tables(batch: Sequence[Write]) -> frozenset[str]:
    return batch[0].statement.tables


def _parts(batch: list[W]) -> list[list[W]]:
    """Divide a batch into powers of two, the largest first."""
    parts = []
    while batch:
        size = 1 << (len(batch).bit_length() - 1)
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


def _end_of_row(text: str) -> int:
    """Return where the bracket closes that opens at the beginning."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return at + 1
    raise ValueError("not an INSERT of one row")
