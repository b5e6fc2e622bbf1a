"""The delivery: what is committed is sent, in order, and what became of it is decided by kind (G7, G11)."""

import asyncio
import contextlib
import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert, select

from bot import stopping
from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram import delivery
from bot.telegram.calls import Call, Calls
from bot.telegram.delivery import Delivery
from bot.telegram.handled import TapAnswer, TokenRejected
from bot.telegram.outcomes import Outcome
from bot.telegram.recording import Recorder
from storage.database.models import OutboxMessage, Person, table
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    ROSA,
    HandClock,
    calls,
    edit_of,
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
        async def make(self, call: Call) -> Outcome:
            if call.row.chat_id == ANA:
                waits.set()
                await is_answered.wait()
            return await super().make(call)

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
async def test_a_reply_that_failed_is_not_repeated_to_somebody_who_is_out(sandbox: Sandbox, database: Database) -> None:
    """It waits in hand for a second call when its person is suspended: nobody else asks the database about it (S17)."""
    clock = HandClock()
    rule = sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=5, times=1))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one", "two"))
        await until(lambda: rule.hits == 1)
        await until(lambda: bot.delivery.is_held)
        await database.units.run(ANA, lambda unit: unit.outbox.cancel(ANA, clock.now()))
        clock.move(6)
        await quiet(bot)
        assert set(await bot.states()) == {"undeliverable"}
    assert texts(sandbox, ANA) == []


async def test_a_window_that_closes_while_a_card_is_looked_up_is_kept(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may take its time to say which message a card is; the call is made when the window is over."""
    clock = HandClock()
    async with running(sandbox, sqlite, clock=clock) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card))
        await until(lambda: bool(texts(sandbox, ANA)))
        await quiet(bot)
        bot.delivery._calls._cards.clear()
        look_up = bot.delivery._calls._message_of

        looked_up: list[int] = []

        async def slowly(card_id: int) -> int | None:
            looked_up.append(card_id)
            if len(looked_up) == 1:
                bot.delivery._close_window(60.0)
            return await look_up(card_id)

        monkeypatch.setattr(bot.delivery._calls, "_message_of", slowly)
        await bot.commit(edit_of(ANA, card))
        await until(lambda: looked_up == [card])
        await swept(bot)
        assert calls(sandbox, "editMessageText") == []
        clock.move(61)
        await until(lambda: len(calls(sandbox, "editMessageText")) == 1)


async def test_a_window_that_closes_while_a_call_waits_for_room_is_kept(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more calls are made at once than there is room for, and what has waited is not made without asking again."""
    has_begun, may_go, clock = asyncio.Event(), asyncio.Event(), HandClock()

    class Slow(Calls):
        async def make(self, call: Call) -> Outcome:
            has_begun.set()
            await may_go.wait()
            return await super().make(call)

    monkeypatch.setattr(delivery, "Calls", Slow)
    async with running(sandbox, sqlite, clock=clock, in_flight=1) as bot:
        await bot.commit(*said(ANA, "first"))
        await has_begun.wait()
        await bot.commit(*said(LUIS, "second"))
        await until(lambda: len(bot.delivery._reply_slots._line) == 1)
        bot.delivery._close_window(60.0)
        may_go.set()
        await swept(bot)
        assert (texts(sandbox, ANA), texts(sandbox, LUIS)) == (["first"], [])
        clock.move(61)
        await until(lambda: texts(sandbox, LUIS) == ["second"])


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
    """However late its outcome is recorded: else Thursday's reminder would pass for Monday's notice.

    A sweep that comes meanwhile does not take the row for one that nobody sends.
    """
    clock = HandClock()

    class Outlasting(Calls):
        async def make(self, call: Call) -> Outcome:
            outcome = await super().make(call)
            clock.move(4 * 24 * 3600.0)
            await bot.delivery._sweep()
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


async def test_stopping_sends_what_is_in_hand_and_records_it(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, in the time that a stop has; here that is as long as a busy machine may need."""
    monkeypatch.setattr(delivery, "until", lambda event, _: stopping.until(event, PATIENCE))
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, *(f"{number}" for number in range(20))))
    assert texts(sandbox, ANA) == [f"{number}" for number in range(20)]
    assert states(database) == ["sent"] * 20


async def test_stopping_hands_back_what_must_wait(sandbox: Sandbox, database: Database) -> None:
    """A clean stop leaves nothing `sending`: it is queued for the next start, without waiting for its turn."""
    rule = sandbox.world.faults.add(Fault("5xx", method="sendMessage", chat=LUIS))
    async with running(sandbox, database, back_off=(10 * PATIENCE,)) as bot:
        await bot.commit(*said(LUIS, "stuck"))
        await until(lambda: rule.hits == 1)
    assert states(database) == ["queued"]


def states(database: Database) -> list[str]:
    """Of all messages, while no bot runs."""
    with database.view() as unit:
        return list(unit.connection.execute(select(table(OutboxMessage).c.state)).scalars())


class CutShort(Delivery):
    """Its end takes longer than the stop has patience for."""

    async def run(self) -> None:
        self.work = asyncio.create_task(super().run())
        with contextlib.suppress(asyncio.CancelledError):
            await self.work

    def stop(self) -> None:
        self.work.cancel()


@pytest.mark.parametrize("kind", [Delivery, CutShort])
async def test_what_is_committed_after_the_end_is_sent_by_the_next_start(
    sandbox: Sandbox, database: Database, kind: type[Delivery]
) -> None:
    """A unit that took longer than the stop had patience for is handed over to nobody, and lost by nobody."""
    async with running(sandbox, database, delivery_class=kind) as bot:
        await bot.commit(*said(ANA, "early"))
        await until(lambda: texts(sandbox, ANA) == ["early"])
    bot.delivery.answer(TapAnswer("nobody waits any more", ""))
    bot.delivery.feed(await database.units.run(None, lambda unit: rows_of(unit, said(ANA, "late"), datetime.now(UTC))))
    async with running(sandbox, database):
        await until(lambda: texts(sandbox, ANA) == ["early", "late"])


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
