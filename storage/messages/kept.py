"""Updates that were acknowledged and wait for their turn, because their chat has sent many more before them.

Telegram hands out a hundred updates, and the next ones only when those are acknowledged. So what one chat sends at once
would stand before everybody else's. What is in excess is kept here, sealed, and acknowledged; it is applied in its
order, and the unit that applies it deletes it.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, func, literal_column, select

from storage.database.facts import HELD, Facts
from storage.database.models import Chat, KeptUpdate, ProcessedUpdate, Session, table
from storage.database.statements import Prepared, insert_of
from storage.database.unit import Repository
from storage.database.vault import SealBroken
from storage.messages.restricted import RestrictedMessages

logger = logging.getLogger(__name__)

_K, _SEEN, _CHAT, _SESSION = map(table, (KeptUpdate, ProcessedUpdate, Chat, Session))
_OF_CHAT = (_K.c.bot_id == bindparam("of_bot")) & (_K.c.chat_id == bindparam("of_chat"))
_KEEP: Final = Prepared(lambda dialect: insert_of(dialect, _K).on_conflict_do_nothing())
_NEXT: Final = Prepared(
    select(_K.c.update_id, _K.c.sealed_update).where(_OF_CHAT).order_by(_K.c.id).limit(bindparam("at_most"))
)
_REMOVE: Final = Prepared(
    delete(_K).where(_K.c.bot_id == bindparam("of_bot"), _K.c.update_id == bindparam("of_update"))
)
_FORGET: Final = Prepared(
    delete(_K).where(_OF_CHAT, exists().where(_SEEN.c.bot_id == _K.c.bot_id, _SEEN.c.update_id == _K.c.update_id))
)
_BESIDE: Final = Prepared(
    select(_SESSION.c.id)
    .join(_CHAT, _CHAT.c.session_id == _SESSION.c.id)
    .where(_CHAT.c.id == bindparam("of_chat"), _SESSION.c.sensitive, _SESSION.c.state == literal_column("'open'"))
)
_FIRST: Final = Prepared(select(_K.c.update_id).where(_OF_CHAT).order_by(_K.c.id).limit(1))
_PURGE: Final = delete(_K).where(_K.c.kept_at < bindparam("before"), _K.c.bot_id != bindparam("mine"))
BOT_FACT: Final = "telegram.bot_id"
"""The number of the bot that runs on this database."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An update whose turn has come."""

    update_id: int
    update: Mapping[str, Any] = field(repr=False)
    broken: SealBroken | None = None
    """Why its content is not known: somebody has altered it."""


class KeptUpdates(Repository):
    """The updates that wait in the database, in a line for each chat."""

    def keep(self, bot_id: int, chat_id: int, updates: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Put these updates at the end of their chat's line. One that is there already keeps its place.

        What is written beside a restricted form must leave the chat (S15), also if its writer is suspended before its
        turn: nobody reads it then. So it is noted now.
        """
        vault = self._unit.vault
        rows = [
            {
                "bot_id": bot_id,
                "update_id": update["update_id"],
                "chat_id": chat_id,
                "sealed_update": vault.seal(json.dumps(update), row(bot_id, update["update_id"])),
                "kept_at": now,
            }
            for update in updates
        ]
        self._unit.write_each(_KEEP, rows)
        beside = _BESIDE.first(self._connection, {"of_chat": chat_id})
        if beside is not None:
            noted = self._unit.of(RestrictedMessages)
            for message_id in filter(None, map(_written, updates)):
                noted.note_written(chat_id, message_id, now, session_id=beside.id)

    def is_before(self, bot_id: int, chat_id: int, update_id: int) -> bool:
        """Whether another update of this chat stands first here, so that this one must not be applied yet.

        On SQLite there is one process, which knows that itself; it is not asked there.
        """
        if not self._unit.is_postgresql:
            return False
        opened = self._unit.opened
        if opened is not None and opened.opening.chat_id == chat_id:
            return opened.first_kept not in (None, update_id)
        found = _FIRST.first(self._connection, {"of_bot": bot_id, "of_chat": chat_id})
        return found is not None and found.update_id != update_id

    def chats(self, bot_id: int) -> dict[int, int]:
        """Return the number of the first update in the line of each chat, without the chats that rest."""
        since = self._held_since()
        return {found.chat_id: found.first for found in self._lines(bot_id) if since is None or found.last_at >= since}

    def resting(self, bot_id: int) -> frozenset[int]:
        """Return the chats whose lines rest: they are of before a restore, and nobody has released the database.

        They go on when their person writes, or at the release.
        """
        since = self._held_since()
        if since is None:
            return frozenset()
        return frozenset(found.chat_id for found in self._lines(bot_id) if found.last_at < since)

    def _lines(self, bot_id: int) -> Sequence[Any]:
        first, last_at = func.min(_K.c.id).label("first"), func.max(_K.c.kept_at).label("last_at")
        of_bot = select(_K.c.chat_id, first, last_at).where(_K.c.bot_id == bot_id).group_by(_K.c.chat_id)
        return self._connection.execute(of_bot).all()

    def _held_since(self) -> datetime | None:
        since = self._unit.of(Facts).get(HELD)
        return datetime.fromisoformat(since) if since else None

    def first(self, bot_id: int, chat_id: int, at_most: int) -> list[Kept]:
        """Return the first updates of a chat's line. KeyUnknown if a key is missing.

        Those that have been applied otherwise are deleted: they were begun before they were kept.
        """
        self._unit.write(_FORGET, {"of_bot": bot_id, "of_chat": chat_id})
        values = {"of_bot": bot_id, "of_chat": chat_id, "at_most": at_most}
        return [
            self._open(bot_id, found.update_id, found.sealed_update) for found in _NEXT.rows(self._connection, values)
        ]

    def _open(self, bot_id: int, update_id: int, sealed: bytes) -> Kept:
        try:
            return Kept(update_id, json.loads(self._unit.vault.open(bytes(sealed), row(bot_id, update_id))))
        except SealBroken as error:
            return Kept(update_id, {"update_id": update_id}, error)

    def remove(self, bot_id: int, update_id: int) -> None:
        """Delete an update that is applied, or set aside, in this unit."""
        self._unit.write(_REMOVE, {"of_bot": bot_id, "of_update": update_id})

    def purge(self, before: datetime) -> int:
        """Delete what was kept before then for bots that do not run here any more. Return how many.

        What was kept for the bot that runs here is applied, however late: it was acknowledged. It may look old only
        because the clock has jumped, or because the bot was not running.
        """
        mine = self._unit.of(Facts).get(BOT_FACT)
        if mine is None:
            return 0
        deleted = self._connection.execute(_PURGE, {"before": before, "mine": int(mine)}).rowcount
        if deleted:
            logger.warning("%s kept updates of another bot were deleted: they were never applied", deleted)
        return deleted


def _written(update: Mapping[str, Any]) -> int | None:
    """Return the number of the message that an update brings, if it brings one."""
    message = update.get("message")
    number = message.get("message_id") if isinstance(message, Mapping) else None
    return number if type(number) is int else None


def row(bot_id: int, update_id: int) -> str:
    """Return the name that the seal of a kept update is bound to."""
    return f"kept:{bot_id}:{update_id}"
