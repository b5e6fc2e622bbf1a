"""The updates that have been dealt with already.

Telegram delivers an update again until it is told that it arrived, and after an idle week its numbers start anywhere.
So only a set of numbers can recognise a repetition, never a highest number (G2).
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from storage.database.migrating import expect_own_tables
from storage.database.models import Chat, PoisonUpdate, ProcessedUpdate, table
from storage.database.statements import Prepared, insert_of
from storage.database.unit import Repository
from storage.errors import Unavailable, Unmigrated

_SEEN = table(ProcessedUpdate)
_POISON = table(PoisonUpdate)
_CHAT = table(Chat)

_SEE = Prepared(lambda dialect: insert_of(dialect, _SEEN).on_conflict_do_nothing())
_LOCK = Prepared(select(_CHAT.c.id).where(_CHAT.c.id == bindparam("chat_id")).with_for_update())


class Inbox(Repository):
    """The updates this deployment has seen, by bot and number."""

    def first_sight(self, bot_id: int, update_id: int, now: datetime, *, chat_id: int | None = None) -> bool:
        """Return True once for each update, and only if the unit commits.

        If two replicas see the same update at once, the second waits for the first, and then gets False. With `chat_id`
        it waits for the chat, as every unit does, and not for the row: if two units waited for both in a different
        order, they would wait for ever.
        """
        if chat_id is not None and self._unit.must_lock(chat_id):
            _LOCK.first(self._connection, {"chat_id": chat_id})
            self._unit.locked_chats.add(chat_id)
        opened = self._unit.opened
        if opened is not None and opened.is_seen and opened.opening.update_id == update_id:
            return False
        values = {"bot_id": bot_id, "update_id": update_id, "processed_at": now}
        return self._unit.write(_SEE, values, rows=1) == 1

    def has_seen(self, bot_id: int, update_id: int) -> bool:
        """Whether an update was dealt with. It does not say whether another replica is dealing with it now."""
        is_it = (_SEEN.c.bot_id == bot_id) & (_SEEN.c.update_id == update_id)
        return self._connection.execute(select(_SEEN.c.update_id).where(is_it)).first() is not None

    def set_aside(
        self,
        bot_id: int,
        update_id: int,
        update_type: str,
        reason: str,
        now: datetime,
        *,
        chat_id: int | None = None,
    ) -> bool:
        """Give the update up as poison: it counts as seen, so its chat goes on. Its content is not kept.

        False, and nothing changed, if it has been seen: another replica has applied it, or set it aside. Unavailable if
        a newer program has changed the tables since: then the update is no poison, and waits for that program.
        """
        try:
            expect_own_tables(self._connection)
        except Unmigrated as error:
            raise Unavailable(str(error)) from error
        if not self.first_sight(bot_id, update_id, now, chat_id=chat_id):
            return False
        self._connection.execute(
            insert(_POISON).values(
                bot_id=bot_id, update_id=update_id, update_type=update_type[:64], reason=reason, set_aside_at=now
            )
        )
        return True

    def poisoned(self, since: datetime) -> int:
        """Return how many updates have been set aside since then, for the operator."""
        return len(self._connection.execute(select(_POISON.c.id).where(_POISON.c.set_aside_at >= since)).all())

    def purge(self, before: datetime) -> int:
        """Forget the updates seen before then (7 days: Telegram keeps none longer than one). Return how many."""
        return self._connection.execute(_PURGE, {"before": before}).rowcount


_PURGE = delete(_SEEN).where(_SEEN.c.processed_at < bindparam("before"))
