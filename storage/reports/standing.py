"""The changes of current reports, in the order in which a reader of copies sees them.

A reader keeps a copy up to date by asking for changes since its last reading. Neither a clock nor a row's number can
say what "since" is: both are taken before the commit, and on PostgreSQL a lower one may become visible after a higher
one was read. So a reader's place is a `Moment`: what it has seen. On PostgreSQL that is a snapshot, and a change
belongs to it exactly if its transaction does. On SQLite writers follow each other, and it is the number of the last
change.
"""

from typing import Any, Final, NewType

from sqlalchemy import ColumnElement, Text, and_, cast, func, insert, literal, not_, select, text, true
from sqlalchemy.types import UserDefinedType

from storage.database.models import StandingChange, table
from storage.database.unit import Repository

CHANGE: Final = table(StandingChange)
Moment = NewType("Moment", str)
"""What a reader has seen: `pg_current_snapshot` as PostgreSQL writes it, or the last number of SQLite."""

_NOTE = insert(CHANGE)


class _Named(UserDefinedType[Any]):
    """A type of PostgreSQL that is only used in a cast."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


_XID8, _SNAPSHOT = _Named("xid8"), _Named("pg_snapshot")


class StandingChanges(Repository):
    """The record of changes: a row whenever another version of a report becomes the valid one, or none is valid any
    more.
    """

    def note(self, plan_id: int, root_id: str) -> None:
        """Record, in the transaction of the change, that a report has changed for readers who keep a copy."""
        values: dict[str, Any] = {"plan_id": plan_id, "root_id": root_id, "transaction_id": 0}
        if self._unit.is_postgresql:
            values["transaction_id"] = self._connection.execute(_TRANSACTION).scalar_one()
        self._connection.execute(_NOTE, values)

    def now(self) -> Moment:
        """The changes that this transaction sees, as a reader's place."""
        found = self._connection.execute(_SNAPSHOT_NOW if self._unit.is_postgresql else _LAST).scalar_one()
        return Moment(str(found))

    def seen_in(self, moment: Moment, of: Any = CHANGE) -> ColumnElement[bool]:
        """Return the condition that a change had been seen at that moment."""
        if not self._unit.is_postgresql:
            before: ColumnElement[bool] = of.c.id <= int(moment)
            return before
        seen: ColumnElement[bool] = func.pg_visible_in_snapshot(
            cast(cast(of.c.transaction_id, Text), _XID8), cast(literal(moment, Text), _SNAPSHOT)
        )
        return seen

    def unseen_in(self, moment: Moment, of: Any = CHANGE) -> ColumnElement[bool]:
        """Return the opposite of `seen_in`, written so that an index can be used if there is one."""
        # All transactions below a snapshot's first number had ended before the snapshot.
        first = of.c.transaction_id >= int(moment.partition(":")[0]) if self._unit.is_postgresql else true()
        return and_(first, not_(self.seen_in(moment, of)))


_TRANSACTION = text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
_SNAPSHOT_NOW = text("SELECT CAST(pg_current_snapshot() AS text)")
_LAST = select(func.coalesce(func.max(CHANGE.c.id), 0))
