"""New rows that wait for the end of their group on SQLite, where they are added many at once.

An interaction adds two or three rows to the outbox and its cards, and nothing else in its group reads them. If they are
added one by one among a thousand other calls, they take three times as long. So a unit draws their numbers, and the
rows wait here. Before a statement that names one of these tables, they are added.
"""

import re
from typing import Any, Final

from sqlalchemy import Connection

ADDED_LAST: Final = ("card", "outbox")
"""Tables whose new rows wait. Their numbers are never used again (`NEVER_AGAIN`), and no key refers to them."""
_NAMED = re.compile(rf"\b(?:{'|'.join(ADDED_LAST)})\b")
_LAST_NUMBERS: Final = "SELECT name, seq FROM sqlite_sequence WHERE name IN ('card', 'outbox')"
_NAME: Final = "added last"
_Rows = dict[str, list[tuple[Any, ...]]]
"""The parameters of new rows, by their statement."""


def is_of_these(sql: str) -> bool:
    """Whether a statement may read or write one of these tables."""
    return _NAMED.search(sql) is not None


class AddedLast:
    """The rows that one connection still has to add."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._rows: _Rows = {}
        self._numbers: dict[str, int] = {}
        """The last number that was given, by table. Empty: the database gives the next one."""
        self._marks: dict[str, int] = {}
        """How many rows waited when the present unit began."""
        self._numbers_before: dict[str, int] = {}
        """The last number of those rows, by table."""
        self._of_others: _Rows = {}
        """Rows of earlier units that the present unit had to add. If it is undone, they are undone too."""

    def begin_group(self) -> None:
        """Begin a group. No row waits: failed units were undone, and the rows of the others have been added."""
        self._numbers.clear()

    def begin_unit(self) -> None:
        self._marks = {sql: len(rows) for sql, rows in self._rows.items()}
        self._numbers_before = self._numbers.copy()
        self._of_others = {}

    def undo_unit(self) -> None:
        """Go back to the rows that earlier units left waiting, with their numbers. Drop the rows of this unit."""
        still = {sql: rows[: self._marks.get(sql, 0)] for sql, rows in self._rows.items()}
        self._rows = still | self._of_others
        self._numbers = self._numbers_before

    def number(self, table: str) -> int:
        """Return the number of a new row. The row must be added before the database is asked anything else."""
        if not self._numbers:
            self._numbers = dict.fromkeys(ADDED_LAST, 0) | dict(self._driver.execute(_LAST_NUMBERS).fetchall())
        self._numbers[table] += 1
        return self._numbers[table]

    def add(self, sql: str, bound: tuple[Any, ...]) -> None:
        """Add this row later."""
        self._rows.setdefault(sql, []).append(bound)

    def write(self) -> None:
        """Add the waiting rows now. Later rows may get their numbers from the database."""
        waiting, self._rows = self._rows, {}
        self._of_others |= {sql: waiting[sql][:mark] for sql, mark in self._marks.items() if mark}
        self._marks = {}
        self._numbers.clear()
        for sql, rows in waiting.items():
            self._driver.cursor().executemany(sql, rows)

    def drop(self) -> None:
        """Drop the waiting rows."""
        self._rows.clear()


def added_last(connection: Connection) -> AddedLast | None:
    """Return the rows that this connection still has to add; None if it adds every row at once."""
    found: AddedLast | None = connection.info.get(_NAME)
    return found


def add_last(connection: Connection) -> AddedLast:
    """Let rows wait on this connection from now on, and return them.

    They are dropped with the connection to the database.
    """
    waiting = added_last(connection)
    if waiting is None:
        waiting = connection.info[_NAME] = AddedLast(connection.connection.dbapi_connection)
    return waiting


def write_first(connection: Connection, _cursor: Any, sql: str, *_: object) -> None:
    """Add the waiting rows before SQLAlchemy executes a statement on their tables."""
    waiting = added_last(connection)
    if waiting is not None and is_of_these(sql):
        waiting.write()
