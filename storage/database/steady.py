"""Data that seldom changes is read once: the plan and its forms, which nearly every update reads.

The rows are kept for as long as nobody can have changed them, which is asked at the beginning of each group. Our own
writes pass through here. Those of others are told by `PRAGMA data_version` on SQLite, and on PostgreSQL by a fact that
triggers write (`models.TELL_CHANGES`). There, others may commit while a group is applied: units that join later see it.

What a transaction has changed is kept only after the transaction has ended, because it may be undone.
"""

import re
from collections.abc import Callable, Hashable
from typing import Any, Final

from sqlalchemy import Connection

STEADY: Final = frozenset(
    (
        "activity",
        "activity_support",
        "activity_unit",
        "agency",
        "cadence",
        "closing",
        "code",
        "form",
        "form_version",
        "indicator",
        "objective",
        "past_row",
        "plan",
        "reopening",
        "reporting_period",
        "resource",
        "strategic_area",
        "target",
        "unit",
    )
)
"""Tables of the plan and its forms. Units read them all the time and seldom change them."""
UNKNOWN: Final = "?"
MOST_ROWS: Final = 2_000
"""How many rows are kept. With one more, all are forgotten."""
_WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_WRITES_NOTHING = re.compile(r"\s*(?:SELECT|BEGIN|PRAGMA)\b")
_NAME: Final = "steady"


def written(sql: str) -> str:
    """Return the table that a statement changes: blank for none, UNKNOWN if in doubt."""
    if _WRITES_NOTHING.match(sql):
        return ""
    found = _WRITTEN.match(sql)
    return UNKNOWN if found is None else found[1]


def is_change(writes: str) -> bool:
    """Whether a statement that writes this table changes a steady table."""
    return writes in STEADY or writes == UNKNOWN


class Steady:
    """The rows of steady tables that one connection has read."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, list[Any]] = {}
        self._count = 0
        self._version: object = None
        self._is_changing = False

    def begin(self, version: object) -> None:
        """Begin a transaction. `version` has changed if others have changed the database since the last transaction."""
        if version != self._version:
            self._forget()
        self._version, self._is_changing = version, False

    def look_again(self, version: object) -> None:
        """Keep nothing until the next transaction if others have changed the database since this one began."""
        if version != self._version:
            self._forget()
            self._is_changing = True

    def note(self, writes: str) -> None:
        """Note that the transaction is about to change this table."""
        if is_change(writes):
            self._forget()
            self._is_changing = True

    def rows(self, question: Hashable, ask: Callable[[], list[Any]]) -> list[Any]:
        """Return the rows that answer this question. `ask` asks the database."""
        if self._is_changing:
            return ask()
        found = self._rows.get(question)
        if found is None:
            found = ask()
            if self._count + len(found) > MOST_ROWS:
                self._forget()
            self._rows[question] = found
            self._count += len(found)
        return found.copy()

    def _forget(self) -> None:
        self._rows.clear()
        self._count = 0


def steady_of(connection: Connection) -> Steady | None:
    """Return the steady rows of this connection; None if it keeps none.

    They are dropped with the connection to the database.
    """
    found: Steady | None = connection.info.get(_NAME)
    return found


def keep_steady(connection: Connection) -> Steady:
    """Keep steady rows on this connection from now on, and return them."""
    found: Steady = connection.info.setdefault(_NAME, Steady())
    return found


def note_change(connection: Connection, _cursor: Any, statement: str, *_: object) -> None:
    """Note the changes that SQLAlchemy executes."""
    steady = steady_of(connection)
    if steady is not None:
        steady.note(written(statement))
