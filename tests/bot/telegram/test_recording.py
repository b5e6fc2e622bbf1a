"""What became of each row is recorded beside the sending: of one chat in the order in which it was sent (G3, G7)."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.telegram import in_hand, recording
from bot.telegram.in_hand import Note
from bot.telegram.recording import Recorder
from storage.database.unit import Opening
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


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The rows that each unit has tried to record. `Unavailable` and defects of a test come after that."""
    units: list[list[int]] = []

    def write(unit: UnitOfWork, notes: Sequence[Note], *rest: Any, **more: Any) -> None:
        units.append([note.row.id for note in notes])
        in_hand.write(unit, notes, *rest, **more)

    monkeypatch.setattr(recording, "write", write)
    return units


async def test_an_edit_is_not_recorded_before_the_message_that_it_edits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit that records the message may have to try again. What is noted meanwhile waits.

    If the process died between them, the message was sent once more, with a question that had been answered, and the
    edit that would have put it right counted as done.
    """
    asked, edited, other = await database.units.run(None, a_card_and_its_edit)
    loop, has_failed = asyncio.get_running_loop(), asyncio.Event()
    away = [True]

    def write(unit: UnitOfWork, *given: Any, **more: Any) -> None:
        if away:
            loop.call_soon_threadsafe(has_failed.set)
            raise Unavailable("for a moment")
        in_hand.write(unit, *given, **more)

    monkeypatch.setattr(recording, "write", write)
    recorded: list[int] = []
    abandon = asyncio.Event()

    def heard(notes: Sequence[Note]) -> None:
        recorded.extend(note.row.id for note in notes)

    async with asyncio.TaskGroup() as tasks:
        recorder = Recorder(database.units, HandClock(), tasks, abandon, heard)
        recorder.note(Note(asked, Sent(5), 5))
        await has_failed.wait()
        recorder.note(Note(edited, Sent()))
        recorder.note(Note(other, Sent(6), 6))
        await until(lambda: recorder.is_stuck)
        assert recorded == []
        away.clear()
        abandon.set()
        await recorder.idle.wait()

    assert recorded == [asked.id, edited.id, other.id]
    with database.view() as unit:
        states = unit.outbox.states([asked.id, edited.id, other.id])
        assert {state for state, _ in states.values()} == {"sent"}


async def test_outcomes_wait_for_each_other_until_a_message_waits_for_one(
    database: Database, monkeypatch: pytest.MonkeyPatch, written: list[list[int]]
) -> None:
    """Each unit by itself would be a commit by itself. But nobody's next message waits for that."""
    monkeypatch.setattr(recording, "GATHER", 2 * PATIENCE)
    asked, _, other = await database.units.run(None, a_card_and_its_edit)

    async with asyncio.TaskGroup() as tasks:
        recorder = Recorder(database.units, HandClock(), tasks, asyncio.Event(), lambda notes: None)
        recorder.note(Note(other, Sent(6), 6))
        recorder.note(Note(asked, Sent(5), 5))
        assert recorder.unrecorded(ROSA) is None
        assert written == []
        assert recorder.unrecorded(ANA) is not None
        await until(recorder.idle.is_set)
    assert written == [[other.id, asked.id]]


async def test_what_is_noted_while_a_message_waits_is_recorded_at_once_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit in line may have taken its outcomes before the one that a message waits for."""
    monkeypatch.setattr(recording, "GATHER", 2 * PATIENCE)
    asked, _, other = await database.units.run(None, a_card_and_its_edit)
    has_taken, may_end = threading.Event(), threading.Event()

    def write(*given: Any, **more: Any) -> None:
        has_taken.set()
        assert may_end.wait(PATIENCE)
        in_hand.write(*given, **more)

    monkeypatch.setattr(recording, "write", write)
    async with asyncio.TaskGroup() as tasks:
        recorder = Recorder(database.units, HandClock(), tasks, asyncio.Event(), lambda notes: None)
        recorder.note(Note(other, Sent(6), 6))
        assert recorder.unrecorded(LUIS) is not None
        await asyncio.to_thread(has_taken.wait, PATIENCE)
        recorder.note(Note(asked, Sent(5), 5))
        is_recorded = recorder.unrecorded(ANA)
        assert is_recorded is not None
        may_end.set()
        await asyncio.wait_for(is_recorded.wait(), PATIENCE)
        await recorder.idle.wait()


async def test_outcomes_share_the_commit_of_the_next_group(
    database: Database, monkeypatch: pytest.MonkeyPatch, written: list[list[int]]
) -> None:
    """They are there when it has been told, so that no message that it leaves waits for them."""
    monkeypatch.setattr(recording, "GATHER", 2 * PATIENCE)
    asked, _, other = await database.units.run(None, a_card_and_its_edit)
    commits = database.units.commits.count

    async with asyncio.TaskGroup() as tasks:
        recorder = Recorder(database.units, HandClock(), tasks, asyncio.Event(), lambda notes: None)
        recorder.note(Note(other, Sent(6), 6))
        recorder.note(Note(asked, Sent(5), 5))
        await database.units.run(None, lambda unit: None, opening=Opening())
        assert recorder.unrecorded(ANA) is None
        assert recorder.idle.is_set()
    assert written == [[other.id, asked.id]]
    assert database.units.commits.count == commits + 1


async def test_a_note_that_cannot_be_recorded_costs_no_other_its_record(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither while the database is away for a moment, nor the window in which Telegram wants silence.

    What is not recorded is sent again when its lease ends; a reminder counts as unknown for good.
    """
    asked, edited, other = await database.units.run(None, a_card_and_its_edit)
    reopens_at = datetime.now(UTC) + timedelta(hours=1)
    written: list[tuple[list[int], datetime | None]] = []
    away = [True]

    def write(unit: UnitOfWork, notes: Sequence[Note], reopens_at: datetime | None, now: datetime) -> None:
        if any(note.row.id == edited.id for note in notes):
            raise ValueError("a defect of ours")
        if away.pop() if away else False:
            raise Unavailable("for a moment")
        written.append(([note.row.id for note in notes], reopens_at))
        in_hand.write(unit, notes, reopens_at, now)

    monkeypatch.setattr(recording, "write", write)
    async with asyncio.TaskGroup() as tasks:
        recorder = Recorder(database.units, HandClock(), tasks, asyncio.Event(), lambda notes: None)
        recorder.note_window(reopens_at)
        recorder.note(Note(asked, Sent(5), 5))
        recorder.note(Note(edited, Sent()))
        recorder.note(Note(other, Sent(6), 6))
        await recorder.idle.wait()

    assert written == [([asked.id], reopens_at), ([other.id], reopens_at)]
    with database.view() as unit:
        states = unit.outbox.states([asked.id, edited.id, other.id])
        assert [states[row.id][0] for row in (asked, edited, other)] == ["sent", "sending", "sent"]
