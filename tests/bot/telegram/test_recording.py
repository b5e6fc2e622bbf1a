"""What became of each row is recorded beside the sending: of one chat in the order in which it was sent (G3, G7)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.telegram import recording
from bot.telegram.in_hand import Note
from bot.telegram.recording import Recorder
from storage.errors import Unavailable
from storage.messages.outbox import OutboxDraft, OutboxRow, Sent
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import ANA, LUIS, ROSA, HandClock, edit_of, rows_of, said, until
from tests.deadlines import PATIENCE


def a_card_and_its_edit(unit: UnitOfWork) -> tuple[OutboxRow, OutboxRow, OutboxRow]:
    card = unit.outbox.new_card(ANA)
    message = OutboxDraft(ANA, "prompt", "sendMessage", {"text": "first question"}, card)
    asked, edited, other = rows_of(unit, [message, edit_of(ANA, card), *said(LUIS, "other")], datetime.now(UTC))
    return asked, edited, other


async def test_an_edit_is_not_recorded_before_the_message_that_it_edits(database: Database) -> None:
    """Two recorders work at the same time, and the one with the message may have to try again.

    If the process died between them, the message was sent once more, with a question that had been answered, and the
    edit that would have put it right counted as done.
    """
    asked, edited, other = await database.units.run(None, a_card_and_its_edit)
    has_begun, may_go = asyncio.Event(), asyncio.Event()
    recorded: list[int] = []

    class Held(Recorder):
        async def _write(self, notes: Sequence[Note], reopens_at: datetime | None) -> None:
            if any(note.row.id == asked.id for note in notes):
                has_begun.set()
                await may_go.wait()
            await super()._write(notes, reopens_at)

    def heard(notes: Sequence[Note]) -> None:
        recorded.extend(note.row.id for note in notes)

    async with asyncio.TaskGroup() as tasks:
        recorder = Held(database.units, HandClock(), tasks, asyncio.Event(), heard)
        recorder.note(Note(asked, Sent(5), 5))
        await has_begun.wait()
        recorder.note(Note(edited, Sent()))
        recorder.note(Note(other, Sent(6), 6))
        await until(lambda: other.id in recorded)
        assert recorded == [other.id]
        may_go.set()
        await recorder.idle.wait()

    assert recorded == [other.id, asked.id, edited.id]
    with database.view() as unit:
        states = unit.outbox.states([asked.id, edited.id, other.id])
        assert {state for state, _ in states.values()} == {"sent"}


async def test_outcomes_wait_for_each_other_until_a_message_waits_for_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each unit by itself would be a commit by itself. But nobody's next message waits for that."""
    monkeypatch.setattr(recording, "GATHER", 2 * PATIENCE)
    asked, _, other = await database.units.run(None, a_card_and_its_edit)
    written: list[list[int]] = []

    class Seen(Recorder):
        async def _write(self, notes: Sequence[Note], reopens_at: datetime | None) -> None:
            written.append([note.row.id for note in notes])
            await super()._write(notes, reopens_at)

    async with asyncio.TaskGroup() as tasks:
        recorder = Seen(database.units, HandClock(), tasks, asyncio.Event(), lambda notes: None)
        recorder.note(Note(other, Sent(6), 6))
        await database.units.run(None, lambda unit: None)
        recorder.note(Note(asked, Sent(5), 5))
        await database.units.run(None, lambda unit: None)
        assert recorder.unrecorded(ROSA) is None
        await database.units.run(None, lambda unit: None)
        assert written == []
        assert recorder.unrecorded(ANA) is not None
        await until(recorder.idle.is_set)
        assert written == [[other.id, asked.id]]


async def test_a_note_that_cannot_be_recorded_costs_no_other_its_record(database: Database) -> None:
    """Neither while the database is away for a moment, nor the window in which Telegram wants silence.

    What is not recorded is sent again when its lease ends; a reminder counts as unknown for good.
    """
    asked, edited, other = await database.units.run(None, a_card_and_its_edit)
    reopens_at = datetime.now(UTC) + timedelta(hours=1)
    written: list[tuple[list[int], datetime | None]] = []
    away = [True]

    class Troubled(Recorder):
        async def _write(self, notes: Sequence[Note], reopens_at: datetime | None) -> None:
            if any(note.row.id == edited.id for note in notes):
                raise ValueError("a defect of ours")
            if away.pop() if away else False:
                raise Unavailable("for a moment")
            written.append(([note.row.id for note in notes], reopens_at))
            await super()._write(notes, reopens_at)

    async with asyncio.TaskGroup() as tasks:
        recorder = Troubled(database.units, HandClock(), tasks, asyncio.Event(), lambda notes: None)
        recorder.note_window(reopens_at)
        recorder.note(Note(asked, Sent(5), 5))
        recorder.note(Note(edited, Sent()))
        recorder.note(Note(other, Sent(6), 6))
        await recorder.idle.wait()
        assert written == [([asked.id], reopens_at), ([other.id], reopens_at)]

        recorder.note(Note(other, Sent(6), 6))  # of a chat that was among them
        await recorder.idle.wait()

    assert written[2:] == [([other.id], None)]
    with database.view() as unit:
        states = unit.outbox.states([asked.id, edited.id, other.id])
        assert [states[row.id][0] for row in (asked, edited, other)] == ["sent", "sending", "sent"]
