"""Record the outcomes of rows, many to a unit, beside the sending.

If an outcome is lost with the process, a reply may be sent twice; no reply is lost. It is one reply at most, because a
chat gets no new message before the last one is recorded.

So outcomes may wait a moment for each other, and for the next group of updates, whose commit they share. They do not
while a message waits for one of them.

The outcomes of a chat are recorded in their order. If an edit were recorded before the message that it edits, the next
process would send that message again, with a question that has been answered, and nothing would follow to put it right.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog

from bot.stopping import until
from bot.telegram.handled import Clock
from bot.telegram.in_hand import Note, write
from bot.telegram.methods import makes_message
from storage.database.lines import Work
from storage.database.unit import Opening
from storage.errors import Unavailable
from storage.messages import outbox
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)

NOTES_A_UNIT: Final = 200
GATHER: Final = 0.02
"""Seconds that outcomes wait for each other and for a group. By itself, one is a commit and, on PostgreSQL, three
journeys."""


class _Recording(Work):
    """A unit on its way to the database. `ended` is called with its error, if it has one."""

    __slots__ = ("ended",)

    def __init__(self, record: Callable[[UnitOfWork], None], ended: Callable[[BaseException | None], None]) -> None:
        super().__init__(record, opening=Opening(), loop=asyncio.get_running_loop())
        self.ended = ended

    def tell(self, result: Any, error: BaseException | None) -> None:
        self.ended(error)


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
        self._loop = asyncio.get_running_loop()
        self._notes: deque[Note] = deque()
        self._reopens_at: datetime | None = None
        self._taken: list[Note] = []
        """What the unit in line records. It takes more, in its own thread, whenever it is applied."""
        self._taken_window: datetime | None = None
        self._is_recording = False
        """Whether a unit is in line, or what it could not record. There is one at a time, so that the outcomes of a
        chat stay in their order."""
        self._timer: asyncio.TimerHandle | None = None
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
        if not self._is_recording:
            self._begin()

    def note_window(self, reopens_at: datetime) -> None:
        """Record until when Telegram wants silence: a new start must keep to it."""
        self._reopens_at = reopens_at
        if not self._is_recording:
            self._begin()

    def unrecorded(self, chat_id: int) -> asyncio.Event | None:
        """The event to wait for before this chat may get a new message. None if there is nothing to wait for."""
        if chat_id not in self._unrecorded:
            return None
        is_recorded = self._awaited.get(chat_id)
        if is_recorded is None:
            is_recorded = self._awaited[chat_id] = asyncio.Event()
            self._units.hurry()
        return is_recorded

    def _begin(self) -> None:
        """Have a unit record what is noted until it is applied. It joins a group, unless none comes for a moment."""
        self._is_recording = True
        self.idle.clear()
        self._taken, self._taken_window, self._reopens_at = [], self._reopens_at, None
        self._units.join(_Recording(self._record, self._ended))
        self._timer = self._loop.call_later(0 if self._awaited else GATHER, self._units.hurry)

    def _record(self, unit: UnitOfWork) -> None:
        while self._notes and len(self._taken) < NOTES_A_UNIT:
            self._taken.append(self._notes.popleft())
        write(unit, self._taken, self._taken_window, self._clock.now())

    def _ended(self, error: BaseException | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if error is not None:
            self._tasks.create_task(self._record_later(error))
            return
        self._forget(self._taken)
        self._go_on()

    def _go_on(self) -> None:
        if self._notes or self._reopens_at is not None:
            self._begin()
        else:
            self._is_recording = False
            self.idle.set()

    # -------------------------------------------------------------- trouble
    async def _record_later(self, error: BaseException) -> None:
        """Record what the unit could not record. Everything else waits for it."""
        if await self._record_again(self._taken, self._taken_window, error):
            self._go_on()
        else:
            self.idle.set()

    async def _record_again(
        self, notes: Sequence[Note], reopens_at: datetime | None, error: BaseException | None
    ) -> bool:
        """False if the database stayed away until there was no more time. `error`: why it is not recorded yet.

        If something else is wrong, each note is recorded by itself, and what is wrong by itself is given up.
        """
        while isinstance(error, Unavailable):
            self.is_stuck = True
            logger.debug("outbox.unavailable", reason=str(error))
            if self._abandon.is_set():
                return False
            await until(self._abandon, 1.0)
            error = await self._write(notes, reopens_at)
        self.is_stuck = False
        if error is not None:
            logger.error("outbox.not_recorded", rows=[note.row.id for note in notes], exc_info=error)
            if len(notes) > 1:
                return await self._record_singly(notes, reopens_at)
        self._forget(notes)
        return True

    async def _record_singly(self, notes: Sequence[Note], reopens_at: datetime | None) -> bool:
        for note in notes:
            if not await self._record_again([note], reopens_at, await self._write([note], reopens_at)):
                return False
        return True

    async def _write(self, notes: Sequence[Note], reopens_at: datetime | None) -> Exception | None:
        """Record these by themselves. Return why they could not be, if so."""
        work = partial(write, notes=notes, reopens_at=reopens_at, now=self._clock.now())
        try:
            await self._units.run(None, work, opening=Opening())
        except Exception as error:  # noqa: BLE001  # the boundary of one outbox row
            return error
        return None

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
