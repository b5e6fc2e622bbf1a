"""Which updates have been dealt with already.

Telegram delivers an update again until it is told that it arrived, and after an idle week its numbers start
anywhere: only a set of numbers can recognise a repetition, never a high-water mark (G2).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from storage.database.models import Chat, PoisonUpdate, ProcessedUpdate, table
from storage.database.statements import Prepared
from storage.database.unit import Unit

_SEEN = table(ProcessedUpdate)
_POISON = table(PoisonUpdate)
_CHAT = table(Chat)

_SEE = Prepared(
    sqlite.insert(_SEEN).on_conflict_do_nothing(),
    postgresql=postgresql.insert(_SEEN).on_conflict_do_nothing(),
)
# The same with the chat's row locked on the way: one journey to the server less for every update.
_NAMES = ("bot_id", "update_id", "processed_at")
_LOCKED = select(_CHAT.c.id).where(_CHAT.c.id == bindparam("chat_id")).with_for_update().cte("locked")
_THIS = select(*(bindparam(name, type_=_SEEN.c[name].type).label(name) for name in _NAMES)).subquery("this")
_SEE_AND_LOCK = Prepared(
    postgresql.insert(_SEEN)
    .from_select(
        _NAMES,
        select(*(_THIS.c[name] for name in _NAMES)).select_from(
            _THIS.outerjoin(_LOCKED, _LOCKED.c.id == bindparam("chat_id"))
        ),
    )
    .on_conflict_do_nothing()
)


class Inbox:
    """The updates this deployment has seen, by bot and number."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._connection = unit.connection

    def first_sight(
        self,
        bot_id: int,
        update_id: int,
        now: datetime,
        *,
        chat_id: int | None = None,
        ahead: tuple[Prepared, Mapping[str, Any]] | None = None,
    ) -> bool:
        """True once for each update, and only if the unit commits.

        Two replicas that see the same update at once: the second waits for the first, then hears False. With
        `chat_id` the chat is locked on the way, which `unit.chats` would otherwise do in a statement of its own;
        what is asked `ahead` then comes back in the same journey, for `unit.read_ahead`.
        """
        values: dict[str, Any] = {"bot_id": bot_id, "update_id": update_id, "processed_at": now}
        if chat_id is not None and self._unit.is_postgresql:
            values["chat_id"] = chat_id
            if ahead is None:
                done = _SEE_AND_LOCK.count(self._connection, values)
            else:
                done, found = _SEE_AND_LOCK.count_and_rows(self._connection, values, *ahead)
                self._unit.ahead = (*ahead, found)
            self._unit.locked_chats.add(chat_id)
            return done == 1
        return _SEE.count(self._connection, values) == 1

    def has_seen(self, bot_id: int, update_id: int) -> bool:
        """Whether an update was dealt with. It does not tell whether another replica is dealing with it now."""
        is_it = (_SEEN.c.bot_id == bot_id) & (_SEEN.c.update_id == update_id)
        return self._connection.execute(select(_SEEN.c.update_id).where(is_it)).first() is not None

    def set_aside(self, bot_id: int, update_id: int, update_type: str, reason: str, now: datetime) -> bool:
        """Give the update up as poison: it counts as seen, so its chat goes on. Its content is not kept.

        False, and nothing changed, if it has been seen: another replica has applied it, or set it aside.
        """
        if not self.first_sight(bot_id, update_id, now):
            return False
        self._connection.execute(
            insert(_POISON).values(
                bot_id=bot_id, update_id=update_id, update_type=update_type[:64], reason=reason, set_aside_at=now
            )
        )
        return True

    def poisoned(self, since: datetime) -> int:
        """How many updates have been set aside since then: the operator is told."""
        return len(self._connection.execute(select(_POISON.c.id).where(_POISON.c.set_aside_at >= since)).all())

    def purge(self, before: datetime) -> int:
        """Forget the updates seen before then (7 days: Telegram keeps none longer than one). Returns how many."""
        return self._connection.execute(_PURGE, {"before": before}).rowcount


_PURGE = delete(_SEEN).where(_SEEN.c.processed_at < bindparam("before"))
