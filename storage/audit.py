"""Who did what to others' access and data: entries are added, never changed (S13).

An administrator of a national plan has power over colleagues; the log is what keeps that power honest. Entries
commit with the act itself. `hash` stays empty here: one sealer links the chain, so that commits do not queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from storage.models import AuditEntry, table

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_E = table(AuditEntry)
_RECORD = insert(_E)


@dataclass(frozen=True, slots=True)
class StoredAuditEntry:
    """One act. `details` holds codes and numbers, never answers or tokens."""

    id: int
    plan_id: int | None
    at: datetime
    actor_id: int | None
    act: str
    details: dict[str, Any] = field(repr=False)


_COLUMNS = tuple(_E.c[name] for name in StoredAuditEntry.__slots__)


class Audit:
    """The log of audited acts: grants, imports, exports, reviews, reopenings, views of restricted text."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._connection = unit.connection

    def record(
        self, act: str, actor_id: int | None, plan_id: int | None, details: Mapping[str, Any], now: datetime
    ) -> None:
        """Add an entry; it exists exactly if the act does. `actor_id` None: the command line or the clock."""
        self._connection.execute(
            _RECORD,
            {"act": act, "actor_id": actor_id, "plan_id": plan_id, "details": dict(details), "at": now, "hash": None},
        )

    def latest(
        self, plan_id: int | None = None, *, limit: int = 20, before: int | None = None
    ) -> list[StoredAuditEntry]:
        """The newest entries first; the next page is what lies `before` the last one's id."""
        statement = select(*_COLUMNS).order_by(_E.c.id.desc()).limit(limit)
        if plan_id is not None:
            statement = statement.where(_E.c.plan_id == plan_id)
        if before is not None:
            statement = statement.where(_E.c.id < before)
        return [StoredAuditEntry(*row) for row in self._connection.execute(statement)]
