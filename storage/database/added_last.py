"""New rows that wait for the end of their group on SQLite, where they are added many at once.

An interaction adds two or three rows to the outbox and its cards, and nothing else in its group reads them. Added one
by one, each between a thousand other calls, they take three times as long as in a row. So a unit draws their numbers,
and the rows wait here. A statement that names one of these tables has them added first.
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
    """What one connection still has to add."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._rows: _Rows = {}
        self._numbers: dict[str, int] = {}
        """The last number that was given, by table; empty: the database knows."""
        self._marks: dict[str, int] = {}
        """How many rows waited when the present unit began."""
        self._of_others: _Rows = {}
        """What earlier units left and the present one had to have added: if it is undone, their rows are undone too."""

    def begin_group(self) -> None:
        """Nothing waits: units that failed were undone, and what others left has been added."""
        self._numbers.clear()

    def begin_unit(self) -> None:
        self._marks = {sql: len(rows) for sql, rows in self._rows.items()}
        self._of_others = {}

    def undo_unit(self) -> None:
        """What earlier units left waits again, and nothing else."""
        still = {sql: rows[: self._marks.get(sql, 0)] for sql, rows in self._rows.items()}
        self._rows = still | self._of_others

    def number(self, table: str) -> int:
        """The number of a new row, which is to be added before anything else is asked."""
        if not self._numbers:
            self._numbers = dict.fromkeys(ADDED_LAST, 0) | dict(self._driver.execute(_LAST_NUMBERS).fetchall())
        self._numbers[table] += 1
        return self._numbers[table]

    def add(self, sql: str, bound: tuple[Any, ...]) -> None:
        """Add this row later."""
        self._rows.setdefault(sql, []).append(bound)

    def write(self) -> None:
        """Add what waits, now. What comes next may number rows by itself."""
        waiting, self._rows = self._rows, {}
        self._of_others |= {sql: waiting[sql][:mark] for sql, mark in self._marks.items() if mark}
        self._marks = {}
        self._numbers.clear()
        for sql, rows in waiting.items():
            self._driver.cursor().executemany(sql, rows)

    def drop(self) -> None:
        """What waits is not wanted any more."""
        self._rows.clear()


def added_last(connection: Connection) -> AddedLast | None:
    """What this connection still has to add; None if it adds everything at once."""
    found: AddedLast | None = connection.info.get(_NAME)
    return found


def add_last(connection: Connection) -> AddedLast:
    """The same, which from now on there is. It goes with the connection to the database."""
    waiting = added_last(connection)
    if waiting is None:
        waiting = connection.info[_NAME] = AddedLast(connection.connection.dbapi_connection)
    return waiting


def write_first(connection: Connection, _cursor: Any, sql: str, *_: object) -> None:
    """Listens to what SQLAlchemy executes."""
    waiting = added_last(connection)
    if waiting is not None and is_of_these(sql):
        waiting.write()
