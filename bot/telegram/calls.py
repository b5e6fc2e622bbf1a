"""Make one call of the Bot API for one row: find its message, open its files, and then call and classify the outcome.

Whatever takes time is done before a row is begun: a row that has begun is in doubt if we die. If a picture cannot be
drawn, its caption is sent as text.

Only earlier calls tell a card's message, and the number of a chat that has moved. They are remembered here; a card's
message is read from the database if it is not.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import IO, Any, Final, NamedTuple

import structlog

from bot.telegram import errors
from bot.telegram.api import Api, File
from bot.telegram.in_hand import Note
from bot.telegram.lanes import Held
from bot.telegram.methods import anew, in_words, makes_message
from bot.telegram.outcomes import Gone, Migrated, Outcome, classify
from bot.telegram.verdict import UNTRIED
from storage.messages import outbox
from storage.messages.outbox import REPLIES, OutboxRow, Sent, Undeliverable
from storage.unit_of_work import Units

logger = structlog.get_logger(__name__)

CARDS_REMEMBERED: Final = 20_000

IsWanted = Callable[[], bool]
OpenFile = Callable[[str, IsWanted], Awaitable[IO[bytes]]]
"""FileNotFoundError if the file no longer exists, ValueError if it is a drawing that cannot be made.

Unavailable if it is not wanted any more, which is asked again and again while it is drawn.
"""


async def open_path(path: str, is_wanted: IsWanted) -> IO[bytes]:
    return await asyncio.to_thread(open, path, "rb")


class Call(NamedTuple):
    """A call that can be made at once: all that it needs has been read, drawn and opened."""

    row: OutboxRow
    method: str
    payload: Mapping[str, Any]
    files: Mapping[str, File] | None = None


class Calls:
    """Makes the calls of outbox rows."""

    def __init__(
        self,
        api: Api,
        units: Units,
        open_file: OpenFile = open_path,
        is_wanted: IsWanted = lambda: True,
    ) -> None:
        """`is_wanted`: whether calls will still be made."""
        self._api = api
        self._units = units
        self._open_file = open_file
        self._is_wanted = is_wanted
        self._cards: OrderedDict[int, int] = OrderedDict()
        self._migrated: dict[int, int] = {}

    def at_hand(self, held: Held) -> Call | None:
        """Return the call for a row that needs nothing but what is remembered. None: it must be prepared."""
        row, payload = held.row, held.row.payload
        if held.tried is not UNTRIED or "@files" in payload or "@cards" in payload:
            return None
        if row.card_id is not None and not held.makes_message:
            message_id = self._cards.get(row.card_id)
            if message_id is None:
                return None
            payload = {**payload, "message_id": message_id}
        return Call(row, row.method, payload)

    async def prepare(self, row: OutboxRow, opened: ExitStack, *, is_anew: bool) -> Call | Outcome:
        """Prepare the call for any row. Its files are added to `opened`. An outcome instead: no call can be made.

        `is_anew`: the message to edit is gone, so a new message is sent instead.
        """
        method, payload = row.method, dict(row.payload)
        if row.card_id is not None and not makes_message(method):
            message_id = await self._message_of(row.card_id)
            if message_id is not None:
                payload["message_id"] = message_id
            else:
                is_anew = True
        if is_anew:
            replacement = anew(method, payload)
            if replacement is None:
                return Gone("its card has no message")
            method, payload = replacement
        if (cards := payload.pop("@cards", None)) is not None:
            found = [await self._message_of(card_id) for card_id in cards]
            if None in found:  # nobody would notice a message that is left out of a call for many
                return Gone("a card has no message")
            payload["message_ids"] = [*payload["message_ids"], *found]
        files: dict[str, File] = {}
        for field, upload in (payload.pop("@files", None) or {}).items():
            try:
                content = await self._open_file(upload["path"], self._is_wanted)
            except FileNotFoundError:
                return Undeliverable("the file to send does not exist any more")
            except ValueError as error:  # it cannot be drawn
                if (said := in_words(method, payload)) is None:
                    raise
                logger.error("outbox.not_drawn", reason=str(error))
                method, payload = said
                continue
            opened.enter_context(content)
            files[field] = (upload["name"], content, upload.get("type", "application/octet-stream"))
        return Call(row, method, payload, files)

    async def make(self, call: Call) -> Outcome:
        """Make a prepared call, at once."""
        row = call.row
        payload = {**call.payload, "chat_id": self._migrated.get(row.chat_id, row.chat_id)}
        # The server may just have closed a kept connection. That must not leave a reminder in doubt.
        fresh = row.kind not in REPLIES
        try:
            result = await self._api.post(call.method, payload, call.files, fresh=fresh)
        except errors.TelegramError as error:
            return self._follow(row.chat_id, classify(error))
        message_id = result.get("message_id") if isinstance(result, dict) else None
        return Sent(message_id if isinstance(message_id, int) else None)

    def _follow(self, chat_id: int, outcome: Outcome) -> Outcome:
        """Remember the number of a chat that has moved."""
        if isinstance(outcome, Migrated):
            if self._migrated.get(chat_id) == outcome.chat_id:
                return Undeliverable("the chat migrated in circles")
            self._migrated[chat_id] = outcome.chat_id
        return outcome

    async def _message_of(self, card_id: int) -> int | None:
        """The Telegram number of a card's message, from memory or else from the database."""
        message_id = self._cards.get(card_id)
        if message_id is None:
            message_id = await self._units.run(None, lambda unit: unit.outbox.card_message_id(card_id))
            if message_id is not None:
                self._remember(card_id, message_id)
        return message_id

    def _remember(self, card_id: int, message_id: int) -> None:
        self._cards[card_id] = message_id
        if len(self._cards) > CARDS_REMEMBERED:
            self._cards.popitem(last=False)

    def note(self, held: Held, outcome: outbox.Outcome, *, is_card_gone: bool = False) -> Note:
        """Return the note to record for a row whose outcome is known, with its card's message."""
        row, at = held.row, held.called_at
        if row.card_id is None:
            return Note(row, outcome, at=at)
        message_id = outcome.message_id if isinstance(outcome, Sent) else None
        if is_card_gone or (row.method == "deleteMessage" and isinstance(outcome, Sent)):
            self._cards.pop(row.card_id, None)
            return Note(row, outcome if message_id is None else Sent(), is_card_gone=True, at=at)
        if message_id is None:
            return Note(row, outcome, at=at)
        if self._cards.get(row.card_id) == message_id:
            return Note(row, Sent(), at=at)
        self._remember(row.card_id, message_id)
        return Note(row, outcome, message_id, at=at)
