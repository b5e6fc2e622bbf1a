"""Which updates have been dealt with already.

Telegram delivers an update again until it is told that it arrived, and after an idle week its numbers start
anywhere: only a set of numbers can recognise a repetition, never a high-water mark (G2).
"""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from storage.models import PoisonUpdate, ProcessedUpdate, table

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_SEEN = table(ProcessedUpdate)
_POISON = table(PoisonUpdate)

_SEE = {
    "sqlite": sqlite.insert(_SEEN).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_SEEN).on_conflict_do_nothing(),
}


class Inbox:
    """The updates this deployment has seen, by bot and number."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._connection = unit.connection

    def first_sight(self, bot_id: int, update_id: int, now: datetime) -> bool:
        """True once for each update, and only if the unit commits.

        Two replicas that see the same update at once: the second waits for the first, then hears False.
        """
        done = self._connection.execute(
            _SEE[self._connection.dialect.name], {"bot_id": bot_id, "update_id": update_id, "processed_at": now}
        )
        return done.rowcount == 1

    def set_aside(self, bot_id: int, update_id: int, update_type: str, reason: str, now: datetime) -> None:
        """Give the update up as poison: it counts as seen, so its chat goes on. Its content is not kept."""
        self.first_sight(bot_id, update_id, now)
        self._connection.execute(
            insert(_POISON).values(
                bot_id=bot_id, update_id=update_id, update_type=update_type[:64], reason=reason, set_aside_at=now
            )
        )

    def poisoned(self, since: datetime) -> int:
        """How many updates have been set aside since then: the operator is told."""
        return len(self._connection.execute(select(_POISON.c.id).where(_POISON.c.set_aside_at >= since)).all())

    def purge(self, before: datetime) -> int:
        """Forget the updates seen before then (7 days: Telegram keeps none longer than one). Returns how many."""
        return self._connection.execute(_PURGE, {"before": before}).rowcount


_PURGE = delete(_SEEN).where(_SEEN.c.processed_at < bindparam("before"))
