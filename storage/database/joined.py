"""New rows of several units in one INSERT, on PostgreSQL: a statement costs its server more than the row that it adds.

The writes of a group wait, and travel in their order (`journeys`). An INSERT that may be joined goes earlier: with the
first of its kind, up to the last write that names its table and is no such INSERT itself. Nothing in between can tell,
because no key of the database refers to these tables or from them, and no two such INSERTs make the same row.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, Protocol, TypeVar

MOST: Final = 16
"""Rows of one statement. Each number of rows is a statement of its own, so there are only powers of two."""
_PLACE: Final = re.compile(r"\$(\d+)")
_VALUES: Final = " VALUES "


class Statement(Protocol):
    """The statement of a write that waits."""

    @property
    def sql(self) -> str: ...

    @property
    def tables(self) -> frozenset[str]:
        """The tables that it names."""

    @property
    def is_joined(self) -> bool:
        """Whether it is an INSERT of one row that may be joined with others."""


class Write(Protocol):
    """A write that waits."""

    @property
    def statement(self) -> Statement: ...


W = TypeVar("W", bound=Write)


def joined(writes: Iterable[W]) -> list[list[W]]:
    """Return these writes in the order in which they are sent, those together that become one statement."""
    found: list[list[W]] = []
    growing: dict[str, list[W]] = {}
    tables: frozenset[str] = frozenset()
    """The tables that the growing ones name."""
    for write in writes:
        statement = write.statement
        batch = growing.get(statement.sql) if statement.is_joined else None
        if batch is not None:
            batch.append(write)
            if len(batch) == MOST:
                del growing[statement.sql]
            continue
        batch = [write]
        found.append(batch)
        if statement.is_joined:
            growing[statement.sql] = batch
            tables |= statement.tables
        elif not tables.isdisjoint(statement.tables):
            growing = {sql: them for sql, them in growing.items() if statement.tables.isdisjoint(_tables(them))}
            tables = frozenset().union(*map(_tables, growing.values()))
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


def _end_of_row(text: str) -> int:
    """Return where the bracket closes that opens at the beginning."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return at + 1
    raise ValueError("not an INSERT of one row")
