"""Record the outcomes of rows, many to a unit, beside the sending.

If an outcome is lost with the process, a reply may be sent twice; no reply is lost. It is one reply at most, because a
chat gets no new message before the last one is recorded.

So outcomes may wait a moment for each other, and share a unit. They do not while a message waits for one of them.

The outcomes of a chat are recorded in their order. If an edit were recorded before the message that it edits, the next
process would send that message again, with a question that has been answered, and nothing would follow to put it right.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from bot.stopping import until
from bot.telegram.handled import Clock
from bot.telegram.in_hand import Note, write
from bot.telegram.methods import makes_message
from storage.database.unit import Opening
from storage.errors import Unavailable
from storage.messages import outbox
from storage.unit_of_work import Units

logger = structlog.get_logger(__name__)

NOTES_A_UNIT: Final = 200
RECORDERS: Final = 2
"""Units that record at the same time. While one commits, the next fills, because chats wait for the record."""
GATHER: Final = 0.01
"""Seconds that outcomes wait for each other. One by itself is a commit by itself, and on PostgreSQL three journeys."""


class Recorder:
    """Writes notes into the database. `recorded` is called with the notes of each unit that is written.

    While the database is away it tries again each second, until `abandon` is set.
    """

    def __init__(
        self,
        units: Units,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        abandon: asyncio.Event,
        recorded: Callable[[Sequence[Note]], None],
    ) -> None:
        self._units = units
        self._clock = clock
        self._tasks = tasks
        self._abandon = abandon
        self._recorded = recorded
        self._notes: list[Note] = []
        self._writing: set[int] = set()
        """Chats of which a unit is being written. Their later notes wait for it."""
        self._reopens_at: datetime | None = None
        self._recorders = 0
        self._is_wanted = asyncio.Event()
        """Set while a message waits until the last one to its chat is recorded."""
        self._is_gathering = False
        self._unrecorded: dict[int, set[int]] = {}
        """By chat, the messages that would be sent twice if the process died now: Telegram has them, and the database
        does not know."""
        self._awaited: dict[int, asyncio.Event] = {}
        """Set when all of those of a chat are recorded."""
        self.is_stuck = False
        """Whether the last unit could not be written."""
        self.idle = asyncio.Event()
        self.idle.set()

    def note(self, note: Note) -> None:
        """Record this outcome as soon as a unit has room for it."""
        self._notes.append(note)
        row = note.row
        if isinstance(note.outcome, outbox.Sent) and (note.message_id is not None or makes_message(row.method)):
            self._unrecorded.setdefault(row.chat_id, set()).add(row.id)
        self._start()

    def note_window(self, reopens_at: datetime) -> None:
        """Record until when Telegram wants silence: a new start must keep to it."""
        self._reopens_at = reopens_at
        self._start()

    def unrecorded(self, chat_id: int) -> asyncio.Event | None:
        """The event to wait for before this chat may get a new message. None if there is nothing to wait for."""
        if chat_id not in self._unrecorded:
            return None
        self._is_wanted.set()
        return self._awaited.setdefault(chat_id, asyncio.Event())

    def _start(self) -> None:
        if self._recorders < RECORDERS and not self._is_gathering:
            self._recorders += 1
            self.idle.clear()
            self._tasks.create_task(self._record())

    async def _record(self) -> None:
        try:
            while (self._notes or self._reopens_at is not None) and not self._is_gathering:
                notes, reopens_at = await self._gather()
                if not notes and reopens_at is None:
                    return  # the other recorder goes on with what waits for it
                chats = {note.row.chat_id for note in notes}
                self._writing |= chats
                if not await self._record_batch(notes, reopens_at):
                    return
                self._writing -= chats
        finally:
            self._recorders -= 1
            if not self._recorders:
                self.idle.set()

    async def _gather(self) -> tuple[list[Note], datetime | None]:
        """Wait a moment for other outcomes, unless a message waits for one of these. Take what the next unit writes."""
        self._is_gathering = True
        await until(self._is_wanted, GATHER)
        self._is_wanted.clear()
        self._is_gathering = False
        reopens_at, self._reopens_at = self._reopens_at, None
        return self._next_notes(), reopens_at

    def _next_notes(self) -> list[Note]:
        """Take the notes of the next unit. What waits for the unit of another recorder is taken by that recorder."""
        free = [note for note in self._notes if note.row.chat_id not in self._writing]
        waiting = [note for note in self._notes if note.row.chat_id in self._writing] if self._writing else []
        self._notes = waiting + free[NOTES_A_UNIT:]
        return free[:NOTES_A_UNIT]

    async def _record_batch(self, notes: Sequence[Note], reopens_at: datetime | None) -> bool:
        """False if the database stayed away until there was no more time.

        If something else is wrong, each note is recorded by itself, and what is wrong by itself is given up.
        """
        while True:
            try:
                await self._write(notes, reopens_at)
            except Unavailable as error:
                self.is_stuck = True
                logger.debug("outbox.unavailable", reason=str(error))
                if self._abandon.is_set():
                    return False
                await until(self._abandon, 1.0)
                continue
            except Exception:  # the boundary of one outbox row
                logger.exception("outbox.not_recorded", rows=[note.row.id for note in notes])
                if len(notes) > 1:
                    return await self._record_singly(notes, reopens_at)
            self.is_stuck = False
            self._forget(notes)
            return True

    async def _record_singly(self, notes: Sequence[Note], reopens_at: datetime | None) -> bool:
        for note in notes:
            if not await self._record_batch([note], reopens_at):
                return False
        return True

    async def _write(self, notes: Sequence[Note], reopens_at: datetime | None) -> None:
        work = partial(write, notes=notes, reopens_at=reopens_at, now=self._clock.now())
        await self._units.run(None, work, opening=Opening())

    def _forget(self, notes: Sequence[Note]) -> None:
        for note in notes:
            chat_id = note.row.chat_id
            unrecorded = self._unrecorded.get(chat_id)
            if unrecorded is not None:
                unrecorded.discard(note.row.id)
                if not unrecorded:
                    del self._unrecorded[chat_id]
                    if (is_awaited := self._awaited.pop(chat_id, None)) is not None:
                        is_awaited.set()
        self._recorded(notes)
