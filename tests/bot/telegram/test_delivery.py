"""The delivery: what is committed is sent, in order, and what became of it is decided by kind (G7, G11)."""

import asyncio
import functools
import socket
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.exc import DBAPIError

from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox, running_sandbox
from bot.telegram import delivery
from bot.telegram.calls import Calls
from bot.telegram.delivery import Delivery
from bot.telegram.handled import TapAnswer, TokenRejected
from bot.telegram.methods import anew
from bot.telegram.outcomes import Outcome
from bot.telegram.pacer import Pacer
from bot.telegram.recording import Recorder
from storage.database.models import OutboxMessage, Person, table
from storage.errors import Unavailable
from storage.messages.outbox import Outbox, OutboxDraft, OutboxRow
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.presence import Presence
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    ROSA,
    HandClock,
    StillClock,
    calls,
    empty_database,
    leap,
    opened,
    people_of,
    quiet,
    rows_of,
    running,
    said,
    shown,
    swept,
    texts,
    until,
)
from tests.deadlines import PATIENCE


def silence(kind: str) -> dict[str, float]:
    """How long the bot waits for an answer: where none comes, not for long."""
    return {"timeout": 1.5} if kind == "timeout" else {}


@pytest.fixture(scope="module")
def telegram() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(telegram: Sandbox) -> Sandbox:
    people_of(telegram)
    return telegram


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with opened(empty_database(request.param, tmp_path), tmp_path) as found:
        yield found


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """Where the kind of database makes no difference."""
    with opened(empty_database("sqlite", tmp_path), tmp_path) as found:
        yield found


# ------------------------------------------------------------------ order
async def test_a_chats_messages_arrive_in_the_order_of_their_commits(sandbox: Sandbox, database: Database) -> None:
    """One at a time in each chat, whatever the others do."""
    async with running(sandbox, database) as bot:
        for number in range(10):
            await bot.commit(*said(ANA, f"a{number}"), *said(LUIS, f"b{number}"))
        await quiet(bot)
        assert texts(sandbox, ANA) == [f"a{number}" for number in range(10)]
        assert texts(sandbox, LUIS) == [f"b{number}" for number in range(10)]
        assert set(await bot.states()) == {"sent"}


async def test_what_is_sent_is_not_remembered(sandbox: Sandbox, database: Database) -> None:
    """A settled row has no payload any more: what it said is Telegram's, not ours (S14)."""
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, "secret"))
        await quiet(bot)
        assert [row.payload for row in await bot.outbox()] == [None]


async def test_order_survives_a_retry(sandbox: Sandbox, database: Database) -> None:
    """A message that must be repeated is not overtaken by the next one of its chat."""
    rule = sandbox.world.faults.add(Fault("5xx", method="sendMessage", times=2))
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, "one", "two", "three"))
        await quiet(bot)
    assert rule.hits == 2
    assert texts(sandbox, ANA) == ["one", "two", "three"]


async def test_one_slow_chat_holds_up_nobody(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one chat waits for its answer, the others are served (G11)."""
    waits, is_answered = asyncio.Event(), asyncio.Event()

    class Slow(Calls):
        async def make(self, row: OutboxRow, *, is_anew: bool) -> Outcome:
            if row.chat_id == ANA:
                waits.set()
                await is_answered.wait()
            return await super().make(row, is_anew=is_anew)

    monkeypatch.setattr(delivery, "Calls", Slow)
    async with running(sandbox, sqlite) as bot:
        await bot.commit(*said(ANA, "slow"))
        await waits.wait()
        await bot.commit(*said(LUIS, "fast"))
        await until(lambda: texts(sandbox, LUIS) == ["fast"])
        is_answered.set()
        await quiet(bot)
    assert texts(sandbox, ANA) == ["slow"]


# ------------------------------------------------------------------ certain, ambiguous
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "timeout", "5xx", "html", "truncated"])
async def test_a_prompt_is_repeated_until_it_has_arrived(
    sandbox: Sandbox, sqlite: Database, kind: Any, when: Any
) -> None:
    """At least once: it may be seen twice, never not at all (G7)."""
    rule = sandbox.world.faults.add(Fault(kind, method="sendMessage", when=when, times=1))
    async with running(sandbox, sqlite, **silence(kind)) as bot:
        await bot.commit(*said(ANA, "which?"))
        await quiet(bot)
        assert await bot.states() == ["sent"]
    assert rule.hits == 1
    assert texts(sandbox, ANA) == ["which?"] * (2 if when == "after" else 1)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "timeout", "5xx", "html", "truncated"])
async def test_an_ambiguous_reminder_is_not_repeated(sandbox: Sandbox, sqlite: Database, kind: Any, when: Any) -> None:
    """At most once: nobody is chased twice because a connection broke (G7)."""
    rule = sandbox.world.faults.add(Fault(kind, method="sendMessage", when=when, times=1))
    async with running(sandbox, sqlite, **silence(kind)) as bot:
        await bot.commit(*said(ANA, "due!", kind="reminder"))
        await until(lambda: rule.hits == 1)
        await quiet(bot)
        await swept(bot)
        assert await bot.states() == ["ambiguous"]
    assert texts(sandbox, ANA) == (["due!"] if when == "after" else [])
    assert len(calls(sandbox, "sendMessage")) == 1


def _refuses(address: str) -> bool:
    where = urlsplit(address)
    with socket.socket() as trying:
        return trying.connect_ex((str(where.hostname), int(where.port or 0))) != 0


@pytest.mark.parametrize("kind", ["prompt", "reminder", "export"])
async def test_what_was_certainly_not_sent_is_repeated_whatever_it_is(
    sandbox: Sandbox, database: Database, kind: str
) -> None:
    """Refused is not reset: nobody has seen it, so nobody can see it twice."""
    async with running(sandbox, database, server=sandbox.api) as bot:
        sandbox.world.switch(down=True)
        await until(lambda: _refuses(sandbox.api))  # a connection that is still taken is reset, which is another thing
        await bot.commit(*said(ANA, "later", kind=kind))
        await until(lambda: bot.delivery.counts[kind, "NotSent"] >= 2)
        sandbox.world.switch(down=False)
        await until(lambda: texts(sandbox, ANA) == ["later"])
        await quiet(bot)
        assert await bot.states() == ["sent"]
    assert texts(sandbox, ANA) == ["later"]


async def test_a_prompt_that_never_gets_an_answer_is_given_up(
    sandbox: Sandbox, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A message on which Telegram stumbles every time must not close its chat for ever."""
    sandbox.world.faults.add(Fault("5xx", method="sendMessage", times=10))
    async with running(sandbox, sqlite, back_off=(0.01,)) as bot:
        await bot.commit(*said(ANA, "cursed", "next"))
        await quiet(bot)
        assert await bot.states() == ["undeliverable", "sent"]
    assert texts(sandbox, ANA) == ["next"]


async def test_a_message_telegram_refuses_does_not_hold_up_the_next(sandbox: Sandbox, database: Database) -> None:
    """A 400 is final, and a defect of ours that the log names."""
    async with running(sandbox, database) as bot:
        broken = OutboxDraft(ANA, "prompt", "sendMessage", {"text": "<b>never closed", "parse_mode": "HTML"})
        await bot.commit(broken, *said(ANA, "fine"))
        await quiet(bot)
        assert await bot.states() == ["undeliverable", "sent"]
    assert texts(sandbox, ANA) == ["fine"]


# ------------------------------------------------------------------ people who cannot be reached
async def test_somebody_who_blocked_the_bot_gets_one_attempt(sandbox: Sandbox, database: Database) -> None:
    """403: the person is flagged, what else was to go out to them is dropped, and nobody tries again (T5)."""

    def enrol(unit: UnitOfWork) -> None:
        unit.connection.execute(
            insert(table(Person)).values(
                telegram_id=ANA, name="Ana", language="es", timezone="UTC", joined_at=datetime.now(UTC)
            )
        )

    people.block(sandbox.world, ANA)
    await database.units.run(None, enrol)
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, "one", "two", "three", kind="reminder"), *said(LUIS, "still", kind="reminder"))
        await until(lambda: texts(sandbox, LUIS) == ["still"])
        await swept(bot)
        assert await bot.states() == ["undeliverable"] * 3 + ["sent"]
        flagged = select(table(Person).c.unreachable_at)
        assert await database.units.run(None, lambda unit: unit.connection.execute(flagged).scalar_one()) is not None
    assert len([call for call in calls(sandbox, "sendMessage") if call.chat == ANA]) == 1


async def test_a_deactivated_person_is_found_out_by_one_attempt(sandbox: Sandbox, sqlite: Database) -> None:
    """Deactivated, or never met (400 chat not found): the same as blocked."""
    async with running(sandbox, sqlite) as bot:
        await bot.commit(*said(999, "who?", kind="reminder"))
        await until(lambda: bot.delivery.counts["reminder", "Unreachable"] == 1)
        await quiet(bot)
        assert await bot.states() == ["undeliverable"]
    assert len(calls(sandbox, "sendMessage")) == 1


async def test_a_group_that_became_a_supergroup_is_followed(sandbox: Sandbox, sqlite: Database) -> None:
    """Telegram gives the new number with the refusal; the message goes there."""
    people.add_to_group(sandbox.world, -100, "Comisión", [ANA], kind="group")
    people.migrate(sandbox.world, -100, -1000000000100)
    async with running(sandbox, sqlite) as bot:
        await bot.commit(*said(-100, "goodbye", kind="notice"))
        await quiet(bot)
        assert await bot.states() == ["sent"]
    assert texts(sandbox, -1000000000100) == ["goodbye"]


# ------------------------------------------------------------------ 429
async def test_nothing_is_sent_inside_the_window_of_a_429(sandbox: Sandbox, database: Database) -> None:
    """A 429 binds everything until it is over (G11): other chats, reminders, even replies to taps."""
    clock = HandClock()
    rule = sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=600, times=1))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one"))
        await until(lambda: rule.hits == 1)
        await until(lambda: bot.delivery.is_held)
        begun = len(sandbox.world.calls)
        await bot.commit(*said(LUIS, "two"), *said(ROSA, "three", kind="reminder"))
        bot.delivery.answer(TapAnswer("1"))
        await quiet(bot)
        assert len(sandbox.world.calls) == begun
        clock.move(601)
        await until(lambda: texts(sandbox, ROSA) == ["three"])
        await quiet(bot)
    assert not calls(sandbox, "answerCallbackQuery")
    assert texts(sandbox, ANA) == ["one"]
    assert texts(sandbox, LUIS) == ["two"]


async def test_a_window_that_closes_while_a_card_is_looked_up_is_kept(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may take its time to say which message a card is; the call is made when the window is over."""
    clock = HandClock()
    async with running(sandbox, sqlite, clock=clock) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card))
        await until(lambda: bool(texts(sandbox, ANA)))
        look_up = bot.delivery._calls._message_of

        async def slowly(card_id: int) -> int | None:
            if not bot.delivery.retries:
                bot.delivery._close_window(60.0)
            return await look_up(card_id)

        monkeypatch.setattr(bot.delivery._calls, "_message_of", slowly)
        await bot.commit(_edit(ANA, card))
        await until(lambda: bot.delivery.retries == 1)
        assert calls(sandbox, "editMessageText") == []
        clock.move(61)
        await until(lambda: len(calls(sandbox, "editMessageText")) == 1)


async def test_a_429_of_hours_is_kept_across_a_restart(sandbox: Sandbox, database: Database) -> None:
    """The rows go back with a `not_before`, the new process reads when the window ends, and order is kept."""
    clock = HandClock()
    rule = sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=10_072, times=1))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one", "two"))
        await until(lambda: rule.hits == 1)
        await quiet(bot)
        await bot.commit(*said(ANA, "three"))
        await quiet(bot)
        rows = await bot.outbox()
        assert [row.state for row in rows] == ["queued"] * 3
        assert all(row.not_before - clock.now() > timedelta(seconds=9_000) for row in rows)
    sent = len(sandbox.world.calls)
    clock.move(10_000)
    async with running(sandbox, database, clock=clock) as bot:
        assert bot.delivery.is_held
        await bot.commit(*said(LUIS, "meanwhile"))
        await swept(bot)
        assert [call.method for call in list(sandbox.world.calls)[sent:]] == ["getMe"]
        clock.move(80)
        await until(lambda: len(texts(sandbox, ANA)) == 3)
        await quiet(bot)
    assert texts(sandbox, ANA) == ["one", "two", "three"]
    assert texts(sandbox, LUIS) == ["meanwhile"]


# ------------------------------------------------------------------ cards
async def test_a_card_is_edited_before_its_number_is_known(sandbox: Sandbox, database: Database) -> None:
    """The next update commits while the card is still on its way: the lane resolves it."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question 1"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2"}, card),
        )
        await quiet(bot)
        assert shown(sandbox, ANA) == [("send", "question 1"), ("edit", "question 2")]
        number = await bot.database.units.run(None, lambda unit: unit.outbox.card_message_id(card))
        assert number == sandbox.world.ledger.entries[0].message_id


async def test_a_card_is_found_again_after_a_restart(sandbox: Sandbox, database: Database) -> None:
    """Its number is in the database by then."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question 1"}, card))
        await quiet(bot)
    async with running(sandbox, database) as bot:
        await bot.commit(OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2"}, card))
        await quiet(bot)
    assert shown(sandbox, ANA) == [("send", "question 1"), ("edit", "question 2")]


async def test_a_card_that_is_gone_is_sent_anew_and_edited_from_then_on(sandbox: Sandbox, database: Database) -> None:
    """The person cleared the chat: the question appears again below, and the card is that message now."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question 1"}, card))
        await quiet(bot)
        people.clear(sandbox.world, ANA)
        markup = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}
        await bot.commit(
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2", "reply_markup": markup}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 3"}, card),
        )
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert shown(sandbox, ANA)[1:] == [("send", "question 2"), ("edit", "question 3")]
    assert sandbox.world.ledger.entries[1].message["reply_markup"] == markup  # type: ignore[index]


async def test_a_card_that_was_never_delivered_is_sent_by_its_edit(sandbox: Sandbox, sqlite: Database) -> None:
    """Its first message was refused: what was to replace it is shown all the same."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "<i", "parse_mode": "HTML"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2"}, card),
        )
        await quiet(bot)
        assert await bot.states() == ["undeliverable", "sent"]
    assert shown(sandbox, ANA) == [("send", "question 2")]


async def test_not_modified_is_what_was_wanted(sandbox: Sandbox, sqlite: Database) -> None:
    """Editing to the same content is a success, and no second message."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "same"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "same"}, card),
        )
        await quiet(bot)
        assert await bot.states() == ["sent", "sent"]
    assert shown(sandbox, ANA) == [("send", "same")]


async def test_a_deletion_that_cannot_be_is_settled_and_listed(sandbox: Sandbox, sqlite: Database) -> None:
    """Older than 48 h: one attempt, the reason stays, and the card is known by its number: it is there still (S15)."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card))
        await quiet(bot)
        sandbox.world.move_clock(by=49 * 3600)
        await bot.commit(OutboxDraft(ANA, "notice", "deleteMessage", {}, card))
        await quiet(bot)
        [_, row] = await bot.outbox()
        assert row.state == "undeliverable"
        assert "can't be deleted" in row.error
        assert sqlite.units.submit(None, lambda unit: unit.outbox.card_message_id(card)).result() is not None
    assert len(calls(sandbox, "deleteMessage")) == 1


async def test_what_is_gone_already_need_not_be_deleted(sandbox: Sandbox, sqlite: Database) -> None:
    """A deletion whose answer was lost is tried again, and nobody is told of a message that could not be deleted."""
    async with running(sandbox, sqlite) as bot:
        await bot.commit(OutboxDraft(ANA, "notice", "deleteMessage", {"message_id": 4_711}))
        await quiet(bot)
        assert await bot.states() == ["sent"]
    assert len(calls(sandbox, "deleteMessage")) == 1


async def test_many_messages_leave_a_chat_by_one_call(sandbox: Sandbox, sqlite: Database) -> None:
    """Which messages the cards are is known when the call is made: the last of them has only just been sent."""
    async with running(sandbox, sqlite) as bot:
        cards = [await bot.card(ANA), await bot.card(ANA)]
        await bot.commit(
            *(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card) for card in cards),
            OutboxDraft(ANA, "notice", "deleteMessages", {"message_ids": [4_711], "@cards": cards}),
        )
        await quiet(bot)
        assert await bot.states() == ["sent"] * 3
    assert [what for what, _ in shown(sandbox, ANA)] == ["send", "send", "delete", "delete"]
    assert len(calls(sandbox, "deleteMessages")) == 1


async def test_a_call_for_many_leaves_none_of_them_out(sandbox: Sandbox, sqlite: Database) -> None:
    """It would answer True: nobody would hear of a card that never got a message."""
    async with running(sandbox, sqlite) as bot:
        cards = [await bot.card(ANA), await bot.card(ANA)]
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, cards[0]),
            OutboxDraft(ANA, "notice", "deleteMessages", {"message_ids": [], "@cards": cards}),
        )
        await quiet(bot)
        assert await bot.states() == ["sent", "undeliverable"]
    assert not calls(sandbox, "deleteMessages")


async def test_a_deleted_card_is_a_new_message_when_it_is_edited(sandbox: Sandbox, sqlite: Database) -> None:
    """Without asking Telegram about a message we know to be gone."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card),
            OutboxDraft(ANA, "notice", "deleteMessage", {}, card),
        )
        await quiet(bot)
        await bot.commit(OutboxDraft(ANA, "prompt", "editMessageText", {"text": "two"}, card))
        await quiet(bot)
    assert [what for what, _ in shown(sandbox, ANA)] == ["send", "delete", "send"]
    assert not calls(sandbox, "editMessageText")


def test_a_picture_that_cannot_be_edited_is_sent_anew_with_its_file() -> None:
    """editMessageMedia names the file by attachment, sendPhoto by its own parameter."""
    edit = {
        "message_id": 5,
        "media": {"type": "photo", "media": "attach://chart", "caption": "Semana"},
        "@files": {"chart": {"path": "chart.png", "name": "chart.png"}},
        "reply_markup": {"inline_keyboard": []},
    }
    assert anew("editMessageMedia", edit) == (
        "sendPhoto",
        {
            "caption": "Semana",
            "@files": {"photo": {"path": "chart.png", "name": "chart.png"}},
            "reply_markup": {"inline_keyboard": []},
        },
    )
    assert anew("editMessageReplyMarkup", {"reply_markup": {}}) is None


async def test_a_file_is_uploaded_under_its_own_name(sandbox: Sandbox, sqlite: Database, tmp_path: Path) -> None:
    """The row names the file; its content is read when it is sent. One that is gone settles the row."""
    (tmp_path / "out.csv").write_bytes(b"a;b\n1;2\n")
    files = {"document": {"path": str(tmp_path / "out.csv"), "name": "reporte del año.csv", "type": "text/csv"}}
    gone = {"document": {"path": str(tmp_path / "nothing.csv"), "name": "x.csv"}}
    async with running(sandbox, sqlite) as bot:
        await bot.commit(
            OutboxDraft(ANA, "export", "sendDocument", {"caption": "Listo", "@files": files}),
            OutboxDraft(LUIS, "export", "sendDocument", {"@files": gone}),
        )
        await until(lambda: len(sandbox.world.ledger.entries) == 1)
        await quiet(bot)
        assert sorted(await bot.states()) == ["sent", "undeliverable"]
    message = sandbox.world.ledger.entries[0].message
    assert message is not None
    assert message["document"]["file_name"] == "reporte del año.csv"


# ------------------------------------------------------------------ while much is going on
async def test_a_reminder_is_not_forgotten_while_everybody_talks(sandbox: Sandbox, database: Database) -> None:
    """The sweep goes on although there is always something being recorded."""
    async with running(sandbox, database) as bot:
        talks = True

        async def talk() -> None:
            while talks:
                await bot.commit(*said(LUIS, "x"), *said(ROSA, "y"))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk())
            await bot.commit(*said(ANA, "due", kind="reminder"))
            try:
                await until(lambda: texts(sandbox, ANA) == ["due"])
            finally:
                talks = False
        await quiet(bot)


async def test_a_chat_gets_no_new_message_before_the_last_is_recorded(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill then repeats one message at most (T1); edits, which can be repeated, do not wait."""
    recorded: list[int] = []
    may_record = asyncio.Event()

    class Slow(Recorder):
        async def _write(self, notes: Any, reopens_at: Any) -> None:
            await may_record.wait()
            await super()._write(notes, reopens_at)
            recorded.append(len(texts(sandbox, ANA)))

    monkeypatch.setattr(delivery, "Recorder", Slow)
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "one!"}, card),
            *said(ANA, "two", "three"),
        )
        await until(lambda: ("edit", "one!") in shown(sandbox, ANA))
        may_record.set()
        await quiet(bot)
    assert recorded[0] == 1
    assert texts(sandbox, ANA) == ["one", "two", "three"]


@pytest.mark.parametrize("kind", ["prompt", "reminder"])
async def test_a_message_counts_for_the_moment_of_its_call(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """However late its outcome is recorded: else Thursday's reminder would pass for Monday's notice."""
    clock = HandClock()

    class Outlasting(Calls):
        async def make(self, row: OutboxRow, *, is_anew: bool) -> Outcome:
            outcome = await super().make(row, is_anew=is_anew)
            clock.move(4 * 24 * 3600.0)
            return outcome

    monkeypatch.setattr(delivery, "Calls", Outlasting)
    async with running(sandbox, database, clock=clock) as bot:
        before = clock.now()
        await bot.commit(*said(ANA, "one", kind=kind))
        await until(lambda: texts(sandbox, ANA) == ["one"])
        await quiet(bot)
        assert await bot.states() == ["sent"]
        query = select(table(OutboxMessage).c.settled_at)
        settled_at = await database.units.run(None, lambda unit: unit.connection.execute(query).scalar_one())
    assert settled_at.date() - before.date() < timedelta(days=2)


# ------------------------------------------------------------------ what a crash left
async def test_what_a_dead_process_left_is_settled_by_kind(sandbox: Sandbox, database: Database) -> None:
    """Alone, a new process takes over at once: replies again, of the reminders those that were not under way (G7)."""

    def leave(unit: UnitOfWork) -> None:
        now = datetime.now(UTC)
        for chat, kind in ((ANA, "prompt"), (ANA, "reminder"), (LUIS, "reminder")):
            unit.outbox.add(OutboxDraft(chat, kind, "sendMessage", {"text": kind}), now=now)  # type: ignore[arg-type]
        under_way, _ = unit.outbox.claim(now, now + timedelta(seconds=60), 10, ("fan_out",))
        assert unit.outbox.begin(under_way)

    await database.units.run(None, leave)
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, "after"))
        await until(lambda: len(texts(sandbox, ANA)) == 2 and len(texts(sandbox, LUIS)) == 1)
        await quiet(bot)
        assert await bot.states() == ["sent", "ambiguous", "sent", "sent"]
    assert texts(sandbox, ANA) == ["prompt", "after"]


async def test_a_reply_that_is_being_handed_back_is_not_overtaken(sandbox: Sandbox, database: Database) -> None:
    """After a start a chat's new replies wait behind those that a dead process left, until the first sweep.

    One that was handed back, and was seen by that sweep as still in hand, is not in hand any more when the sweep ends.
    """

    def leave(unit: UnitOfWork) -> None:
        unit.outbox.add(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}), now=datetime.now(UTC))

    swept = asyncio.Event()

    class Hurried(Delivery):
        async def start(self) -> None:
            await super().start()
            drafts = said(ANA, "two")
            self.feed(await self._units.run(ANA, lambda unit: rows_of(unit, drafts, datetime.now(UTC))))

        async def _sweep(self) -> None:
            await super()._sweep()
            swept.set()

    await database.units.run(None, leave)
    sandbox.world.faults.add(Fault("slow", method="sendMessage", times=1, delay=0.4))
    async with running(sandbox, database, delivery_class=Hurried) as bot:
        await swept.wait()
        await bot.commit(*said(ANA, "three"))
        await until(lambda: len(texts(sandbox, ANA)) == 3)
    assert texts(sandbox, ANA) == ["one", "two", "three"]


class Beside:
    """Another replica on the same PostgreSQL, which commits and sends nothing."""

    def __init__(self, database: Database, url: str, clock: HandClock) -> None:
        self.database = open_database(url, vault=database.vault)
        self.presence = Presence(self.database, clock.now)
        self.presence.enter()
        self._clock = clock

    async def commit(self, *drafts: OutboxDraft) -> None:
        await self.database.units.run(None, lambda unit: rows_of(unit, drafts, self._clock.now()))

    def die(self) -> None:
        """Its lock is free, as the server frees it when a process is killed; its row stays."""
        self.presence.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[tuple[Database, str]]:
    url = empty_database("postgresql", tmp_path)
    with opened(url, tmp_path) as found:
        yield found, url


async def test_beside_a_replica_a_lease_is_respected_until_it_ends(
    sandbox: Sandbox, postgres: tuple[Database, str]
) -> None:
    """What another may be sending is left to it, and later replies of the chat wait behind it, in every unit."""
    database, url = postgres
    clock = HandClock()
    async with running(sandbox, database, clock=clock) as bot:
        beside = await asyncio.to_thread(Beside, database, url, clock)
        with beside.database:
            await beside.commit(*said(ANA, "theirs"))
            [ours, _] = await bot.commit(*said(ANA, "ours"), *said(LUIS, "free"))
            assert ours.is_behind
            await until(lambda: texts(sandbox, LUIS) == ["free"])
            await swept(bot)
            assert texts(sandbox, ANA) == []
            clock.move(61)
            await until(lambda: len(texts(sandbox, ANA)) == 2)
            beside.presence.leave()
    assert texts(sandbox, ANA) == ["theirs", "ours"]


async def test_what_a_replica_had_in_hand_when_it_died_is_sent_without_waiting_for_its_lease(
    sandbox: Sandbox, postgres: tuple[Database, str]
) -> None:
    """First its own, then what came later: the clock by which leases run stands still."""
    database, url = postgres
    clock = StillClock()
    async with running(sandbox, database, clock=clock) as bot, asyncio.TaskGroup() as tasks:
        beside = await asyncio.to_thread(Beside, database, url, clock)
        with beside.database:
            await beside.commit(*said(ANA, "theirs"))
            await bot.commit(*said(ANA, "ours"))
            watching = tasks.create_task(bot.presence.run(bot.delivery.wake))
            beside.die()
            await until(lambda: len(texts(sandbox, ANA)) == 2)
            bot.presence.stop()
            await watching
    assert texts(sandbox, ANA) == ["theirs", "ours"]


def silently(database: Database, times: int = 1) -> None:
    """Let the next commits happen and their answers be lost, as when the connection is cut behind COMMIT.

    Of units that say something: the sweep, which commits beside them, has said nothing yet.
    """
    left = [times]

    def lose(connection: Any) -> None:
        raw = connection.connection.dbapi_connection
        if left[0] and raw.execute("SELECT count(*) FROM outbox").fetchone()[0]:
            left[0] -= 1
            raw.execute("COMMIT")
            if not database.is_sqlite:
                raw.close()  # the driver finds out when it asks next
                return
            raise DBAPIError("COMMIT", None, OSError("cut"), connection_invalidated=True)

    event.listen(database.engine, "commit", lose)


async def test_what_was_committed_without_our_being_told_is_sent_before_anything_later(
    sandbox: Sandbox, database: Database
) -> None:
    """Its own chat's, and what the same unit said to somebody else; each once, and no lease is waited for."""
    clock = StillClock()
    async with running(sandbox, database, clock=clock) as bot:
        silently(database)
        with pytest.raises(Unavailable):
            await bot.commit(*said(ANA, "one"), *said(LUIS, "for Luis"))
        bot.delivery.look_after(ANA)  # as the intake does
        await bot.commit(*said(ANA, "two"))
        await until(lambda: len(texts(sandbox, ANA)) == 2 and len(texts(sandbox, LUIS)) == 1)
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert (texts(sandbox, ANA), texts(sandbox, LUIS)) == (["one", "two"], ["for Luis"])


async def test_a_redelivered_update_sends_what_its_first_sight_left(sandbox: Sandbox, database: Database) -> None:
    """Absorbed, since it is seen already; what it says is said all the same, before what comes after it, once."""
    update = {"update_id": 1, "message": {"message_id": 1, "chat": {"id": ANA}, "text": "one"}}
    later = {"update_id": 2, "message": {"message_id": 2, "chat": {"id": ANA}, "text": "two"}}
    async with running(sandbox, database, clock=StillClock()) as bot:
        silently(database)
        with pytest.raises(Unavailable):
            await bot.intake.apply(update)
        again, after = bot.intake.apply(update), bot.intake.apply(later)
        assert (await again).is_repeated
        await after
        await until(lambda: len(texts(sandbox, ANA)) == 2)
        await quiet(bot)
        assert await bot.heard(ANA) == ["one", "two"]
    assert texts(sandbox, ANA) == ["1: one", "2: two"]


async def test_without_a_database_the_number_of_a_card_is_waited_for(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nobody can be asked says nothing about the message: it is sent when the database is back."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question"}, card))
        await until(lambda: texts(sandbox, ANA) == ["question"])
        await quiet(bot)
        bot.delivery._calls._cards.clear()
        rows = await database.units.run(
            None, lambda unit: rows_of(unit, [_edit(ANA, card), *said(ANA, "next")], datetime.now(UTC))
        )
        look_up = Outbox.card_message_id
        is_away = [True]
        asked: list[int] = []

        def away(outbox: Outbox, card_id: int) -> int | None:
            if is_away[0]:
                asked.append(1)
                raise Unavailable("the database is away")
            return look_up(outbox, card_id)

        monkeypatch.setattr(Outbox, "card_message_id", away)
        bot.delivery.feed(rows)
        await until(lambda: len(asked) >= 2)
        is_away[0] = False
        await until(lambda: texts(sandbox, ANA) == ["question", "next"])
        await quiet(bot)
        assert await bot.states() == ["sent"] * 3
    assert [what for what, _ in shown(sandbox, ANA)] == ["send", "edit", "send"]


def _edit(chat_id: int, card: int) -> OutboxDraft:
    return OutboxDraft(chat_id, "prompt", "editMessageText", {"text": "edited"}, card)


async def test_what_only_waits_for_its_turn_is_not_in_doubt_when_we_die(sandbox: Sandbox, database: Database) -> None:
    """A reminder is `sending` when its call begins: of thirty, those in doubt are those that Telegram was asked for."""
    async with running(sandbox, database, rate=2.0) as bot:
        everybody = [OutboxDraft(5_000 + n, "reminder", "sendMessage", {"text": "due"}) for n in range(30)]
        await bot.commit(*everybody)
        for _ in range(3):
            seen = len(bot.delivery.counts)
            await until(lambda seen=seen: len(calls(sandbox, "sendMessage")) > seen)  # type: ignore[misc]
            rows = await bot.outbox()
            begun = [row.state for row in rows].count("sending")
            assert begun <= len(calls(sandbox, "sendMessage")) + 1
        assert "queued" in await bot.states()


async def test_a_reminder_that_telegram_refused_for_now_is_not_in_doubt_while_it_waits(
    sandbox: Sandbox, database: Database
) -> None:
    """Inside the window of a 429 nothing is `sending`: a crash there costs nobody a reminder."""
    sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=3_600))
    async with running(sandbox, database, clock=HandClock()) as bot:
        await bot.commit(*said(ANA, "due", kind="reminder"))
        await until(lambda: bot.delivery.counts["reminder", "RetryAfter"] == 1)
        await quiet(bot)
        assert await bot.states() == ["queued"]


async def test_stopping_sends_what_is_in_hand_and_records_it(sandbox: Sandbox, database: Database) -> None:
    """A clean stop leaves nothing `sending`: sent, or queued for the next start, without waiting for its turn."""
    sandbox.world.faults.add(Fault("5xx", method="sendMessage", chat=LUIS))
    async with running(sandbox, database, back_off=(10 * PATIENCE,)) as bot:
        await bot.commit(*said(ANA, *(f"{number}" for number in range(20))), *said(LUIS, "stuck"))
    async with running(sandbox, database, rate=0.001) as bot:
        assert sorted(set(await bot.states()) - {"sending"}) == ["queued", "sent"]
    assert len(texts(sandbox, ANA)) == 20


async def test_what_is_committed_after_the_end_is_sent_by_the_next_start(sandbox: Sandbox, database: Database) -> None:
    """A unit that took longer than the stop had patience for is handed over to nobody, and lost by nobody."""
    async with running(sandbox, database) as bot:
        pass
    bot.delivery.feed(await database.units.run(None, lambda unit: rows_of(unit, said(ANA, "late"), datetime.now(UTC))))
    async with running(sandbox, database):
        await until(lambda: texts(sandbox, ANA) == ["late"])


async def test_a_rejected_token_stops_the_bot(sandbox: Sandbox, sqlite: Database) -> None:
    """401, also from getMe: nothing can be said any more, and the operator reads which setting it is."""
    sandbox.world.faults.add(
        Fault("refuse", method="getMe|sendMessage", status=401, description="Unauthorized", skip=1)
    )
    with pytest.RaisesGroup(pytest.RaisesExc(TokenRejected, match="ENLACE_TELEGRAM_TOKEN")):
        async with running(sandbox, sqlite) as bot:
            await bot.commit(*said(ANA, "hello"))
            await until(lambda: False)  # cancelled before that


# ------------------------------------------------------------------ replies to taps
async def test_the_answer_to_a_tap_does_not_keep_the_next_message_waiting(sandbox: Sandbox, sqlite: Database) -> None:
    """It is sent beside the rows, and what goes wrong with it does not matter."""
    may_go = asyncio.Event()

    class Slow(Delivery):
        async def _answer(self, answer: TapAnswer) -> None:
            await may_go.wait()
            await super()._answer(answer)

    async with running(sandbox, sqlite, delivery_class=Slow) as bot:
        bot.delivery.answer(TapAnswer("no such query", "Listo", show_alert=True))
        await bot.commit(*said(ANA, "next"))
        await until(lambda: texts(sandbox, ANA) == ["next"])
        may_go.set()
    assert [call.params for call in calls(sandbox, "answerCallbackQuery")] == [
        {"callback_query_id": "no such query", "text": "Listo", "show_alert": True}
    ]


# ------------------------------------------------------------------ pace
def in_leaping_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def leaping() -> None:
        leap(test())

    return leaping


def now() -> float:
    return asyncio.get_running_loop().time()


@in_leaping_time
async def test_turns_are_even_and_never_more_than_the_rate_in_any_second() -> None:
    """Telegram counts: 30 in a second is the end of it."""
    pacer, at = Pacer(29.5), []

    async def take() -> None:
        await pacer.turn(is_reply=False)
        at.append(now())

    async with asyncio.TaskGroup() as tasks:
        for _ in range(600):
            tasks.create_task(take())
    assert at[-1] - at[0] == pytest.approx(599 / 29.5)
    assert max(sum(1 for each in at if start <= each < start + 1.0) for start in at) <= 30


@in_leaping_time
async def test_replies_take_their_turn_before_fan_out() -> None:
    """Somebody who is waiting for an answer does not queue behind a digest (G11)."""
    pacer, order = Pacer(29.5), []

    async def take(name: str, *, is_reply: bool) -> None:
        await pacer.turn(is_reply=is_reply)
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(take(f"fan-out {number}", is_reply=False))
        await asyncio.sleep(0)
        tasks.create_task(take("reply", is_reply=True))
    assert order.index("reply") <= 1


@in_leaping_time
async def test_after_a_quiet_moment_a_turn_costs_nothing() -> None:
    """One person alone is answered at once, at any rate."""
    pacer = Pacer(29.5)
    await pacer.turn(is_reply=True)
    await asyncio.sleep(0.04)
    begun = now()
    await pacer.turn(is_reply=True)
    assert now() == begun


@in_leaping_time
async def test_whoever_gave_up_waiting_does_not_use_a_turn() -> None:
    """A cancelled wait leaves its place to the next."""
    pacer = Pacer(20.0)
    await pacer.turn(is_reply=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pacer.turn(is_reply=True)
    await pacer.turn(is_reply=True)
    assert now() == pytest.approx(0.05)


async def test_fan_out_to_one_chat_is_a_message_a_second(sandbox: Sandbox, sqlite: Database) -> None:
    """Telegram allows one a second in a chat; replies to a person's own messages are exempt.

    It is asked where calls begin: when they arrive is the network's and the machine's doing.
    """
    began: list[tuple[str, float]] = []
    async with running(sandbox, sqlite) as bot:
        replies = await sqlite.units.run(None, lambda unit: rows_of(unit, said(ANA, "reply"), datetime.now(UTC)))
        make = bot.delivery._calls.make

        async def noting(row: Any, **given: Any) -> Any:
            began.append((row.payload["text"], now()))
            if len(began) == 1:
                bot.delivery.feed(replies)
            return await make(row, **given)

        bot.delivery._calls.make = noting  # type: ignore[method-assign]
        await bot.commit(*said(ANA, "one", "two", kind="reminder"))
        await until(lambda: len(texts(sandbox, ANA)) == 3)
    assert [text for text, _ in began] == ["one", "reply", "two"]
    assert began[2][1] - began[0][1] >= 1.0


async def test_replies_do_not_wait_for_fan_out_and_nothing_goes_beyond_the_rate(
    sandbox: Sandbox, database: Database
) -> None:
    """Whoever answers a question while a digest goes out overtakes all of it that has not left (T13).

    The rate is that at which turns are granted: when a message then arrives is the network's and the machine's doing.
    How near to the allowed rate it comes is measured: tests/benchmarks/fan_out.py.
    """
    rate, slots = 60.0, 12
    for number in range(1_000, 1_120):
        sandbox.world.add_person(_person(number), started=True)
    seen, granted = sandbox.world.ledger.entries, []

    class Noting(Pacer):
        async def turn(self, *, is_reply: bool) -> None:
            await super().turn(is_reply=is_reply)
            granted.append(now())

    async with running(sandbox, database, rate=rate) as bot:
        bot.delivery._pacer = Noting(rate)
        drafts = [draft for number in range(1_000, 1_120) for draft in said(number, "weekly", kind="digest")]
        await bot.commit(*drafts)
        await until(lambda: len(seen) > 5)
        await bot.commit(*said(ANA, "reply"))
        overtaken = len(seen)
        await until(lambda: texts(sandbox, ANA) == ["reply"])
        assert [entry.chat for entry in seen].index(ANA) <= overtaken + slots
        await until(lambda: len(seen) == 121)
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert len(granted) == 121
    assert max(sum(1 for each in granted if start <= each < start + 1.0) for start in granted) <= rate + 2


def _person(number: int) -> Any:
    from bot.sandbox.telegram import Person as Somebody

    return Somebody(number, f"P{number}")
