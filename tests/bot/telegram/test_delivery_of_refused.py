"""The silence that a 429 asks for: for all, or for the chat that was refused (docs/decisions/sending.md)."""

import asyncio
from datetime import timedelta

from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram.delivery import Delivery
from bot.telegram.handled import TapAnswer
from bot.telegram.pacer import CHAT_BURST, CHAT_INTERVAL
from storage.messages.silence import note_silence
from storage.open_database import Database
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    ROSA,
    Bot,
    HandClock,
    WrongClock,
    calls,
    quiet,
    running,
    said,
    swept,
    texts,
    until,
)  # fmt: skip

DAY = 86_400


async def heard(bot: Bot, refusals: int = 1) -> None:
    """Until the bot has heard of so many refusals: Telegram has said them a moment before."""
    await until(lambda: bot.delivery.counts["prompt", "RetryAfter"] == refusals)


async def test_a_minute_of_silence_is_kept_by_all(sandbox: Sandbox, database: Database) -> None:
    """A short 429 binds everything until it is over (G11): other chats, reminders, even replies to taps; also one that
    was about to be called.
    """
    clock, may_go = HandClock(), asyncio.Event()

    class Slow(Delivery):
        async def _answer(self, answer: TapAnswer) -> None:
            await may_go.wait()
            await super()._answer(answer)

    sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=60, times=1))
    async with running(sandbox, database, clock=clock, delivery_class=Slow) as bot:
        bot.delivery.answer(TapAnswer("0"))
        await bot.commit(*said(ANA, "one"))
        await heard(bot)
        may_go.set()
        begun = len(sandbox.world.calls)
        await bot.commit(*said(LUIS, "two"), *said(ROSA, "three", kind="reminder"))
        bot.delivery.answer(TapAnswer("1"))
        await swept(bot)
        assert len(sandbox.world.calls) == begun
        clock.move(61)
        await until(lambda: texts(sandbox, ROSA) == ["three"])
        await quiet(bot)

    assert not calls(sandbox, "answerCallbackQuery")
    assert texts(sandbox, ANA) == ["one"]
    assert texts(sandbox, LUIS) == ["two"]


async def test_a_chat_that_was_refused_has_no_burst_left(sandbox: Sandbox, sqlite: Database) -> None:
    """One refusal is enough: its next messages come one a second."""
    rule = sandbox.world.faults.add(Fault("429", method="sendMessage", chat=ANA, retry_after=60, times=1))
    async with running(sandbox, sqlite) as bot:
        pace = bot.delivery._pace
        await bot.commit(*said(LUIS, "heard"), *said(ANA, "refused"))
        await until(lambda: rule.hits == 1 and bot.delivery.is_held and texts(sandbox, LUIS) == ["heard"])
        await until(lambda: LUIS in pace._full_at)
        assert pace._full_at[ANA] - pace._sent_at[ANA] > (CHAT_BURST - 1) * CHAT_INTERVAL
        assert pace._full_at[LUIS] - pace._sent_at[LUIS] < 2 * CHAT_INTERVAL


async def test_a_long_silence_is_for_all_when_a_second_chat_is_refused(sandbox: Sandbox, database: Database) -> None:
    """One reply to another chat asks; after its refusal nothing is called. No reminder asks: nobody waits for it."""
    clock = HandClock()
    rule = sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=600))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one"))
        await heard(bot)
        await bot.commit(*said(ROSA, "three", kind="reminder"))
        await swept(bot)
        assert rule.hits == 1
        await bot.commit(*said(LUIS, "two"))
        await heard(bot, 2)
        begun = len(sandbox.world.calls)
        await bot.commit(*said(ROSA, "four"), *said(LUIS, "five"), *said(ANA, "six"))
        bot.delivery.answer(TapAnswer("1"))
        await swept(bot)
        assert len(sandbox.world.calls) == begun
        sandbox.world.faults.remove()
        clock.move(601)
        await until(lambda: all(len(texts(sandbox, chat)) == 2 for chat in (ANA, LUIS, ROSA)))

    assert sorted(texts(sandbox, ROSA)) == ["four", "three"]
    assert texts(sandbox, ANA) == ["one", "six"]
    assert texts(sandbox, LUIS) == ["two", "five"]


async def test_a_day_of_silence_for_one_chat_keeps_nobody_else_waiting(sandbox: Sandbox, database: Database) -> None:
    """The others are answered and reminded; what the chat waits for arrives after it, in order, also after a start."""
    clock = HandClock()
    rule = sandbox.world.faults.add(Fault("429", method="sendMessage", chat=ANA, retry_after=DAY))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one", "two"))
        await heard(bot)
        await bot.commit(*said(ROSA, "due", kind="reminder"))
        for number in range(3):
            await bot.commit(*said(LUIS, f"line {number}"))
        await until(lambda: len(texts(sandbox, LUIS)) == 3)
        await until(lambda: texts(sandbox, ROSA) == ["due"])
        assert not bot.delivery.is_held
        await bot.commit(*said(ANA, "three"))
        await swept(bot)
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "four"), *said(LUIS, "line 3"))
        await until(lambda: len(texts(sandbox, LUIS)) == 4)
        await swept(bot)
        assert rule.hits == 1
        sandbox.world.faults.remove()
        clock.move(DAY + 1)
        await until(lambda: len(texts(sandbox, ANA)) == 4)
        await quiet(bot)

    assert texts(sandbox, ANA) == ["one", "two", "three", "four"]
    assert texts(sandbox, LUIS) == [f"line {number}" for number in range(4)]


async def test_who_asks_in_vain_asks_again(sandbox: Sandbox, database: Database) -> None:
    """A call that the network loses says nothing about the silence; the next one does."""
    sandbox.world.faults.add(Fault("429", method="sendMessage", chat=ANA, retry_after=DAY))
    lost = sandbox.world.faults.add(Fault("reset", method="sendMessage", chat=LUIS, times=2))
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, "one"))
        await heard(bot)
        await bot.commit(*said(LUIS, "two"))
        await until(lambda: texts(sandbox, LUIS) == ["two"])
        await bot.commit(*said(ROSA, "three"))
        await until(lambda: texts(sandbox, ROSA) == ["three"])
    assert lost.hits == 2


async def test_a_clock_that_is_set_back_lengthens_no_pause(sandbox: Sandbox, database: Database) -> None:
    """Who was to wait for a minute waited until the clock had come so far again, and so did all later replies."""
    clock = WrongClock()
    clock.set_by(timedelta(days=400))
    sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=60, times=1))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one"))
        await quiet(bot)
        assert [row.not_before - clock.now() > timedelta(seconds=50) for row in await bot.outbox()] == [True]
        clock.set_by(timedelta(0))
        await bot.commit(*said(ANA, "two"))
        await swept(bot)
        assert texts(sandbox, ANA) == []
        clock.move(61)
        await until(lambda: texts(sandbox, ANA) == ["one", "two"])


async def test_a_clock_that_is_set_back_between_two_processes_lengthens_no_pause(
    sandbox: Sandbox, database: Database
) -> None:
    """The second one knows only what is written: everybody waited for three hours, and who was refused too."""
    clock = WrongClock()
    clock.set_by(timedelta(hours=3))
    sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=60))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one"))
        await heard(bot)
        await quiet(bot)
        await asyncio.to_thread(bot.presence.leave)  # nobody finds it dead
    clock.set_by(timedelta(0))
    sandbox.world.faults.remove()
    async with running(sandbox, database, clock=clock) as bot:
        assert 0.0 < bot.delivery.held_for <= 60.0
        assert [row.not_before - clock.now() < timedelta(hours=1) for row in await bot.outbox()] == [True]
        await bot.commit(*said(ANA, "two"))
        await swept(bot)
        assert texts(sandbox, ANA) == []
        clock.move(61)
        await until(lambda: texts(sandbox, ANA) == ["one", "two"])


async def test_no_silence_is_longer_than_any_that_is_believed(sandbox: Sandbox, database: Database) -> None:
    """A start finds one that a clock has written which was ahead by a year: everybody would wait for it."""
    clock = HandClock()
    now = clock.now()
    await database.units.run(None, lambda unit: note_silence(unit, now + timedelta(days=400), now))
    async with running(sandbox, database, clock=clock) as bot:
        assert 0.0 < bot.delivery.held_for <= DAY


async def test_hours_of_silence_are_kept_across_a_restart(sandbox: Sandbox, database: Database) -> None:
    """The rows go back with a `not_before`, the new process reads when the window ends, and order is kept."""
    clock = HandClock()
    sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=10_072))
    async with running(sandbox, database, clock=clock) as bot:
        await bot.commit(*said(ANA, "one", "two"))
        await heard(bot)
        await bot.commit(*said(LUIS, "hello"))
        await heard(bot, 2)
        await quiet(bot)
        await bot.commit(*said(ANA, "three"))
        await quiet(bot)
        rows = await bot.outbox()
        assert [row.state for row in rows] == ["queued"] * 4
        assert all(row.not_before - clock.now() > timedelta(seconds=9_000) for row in rows)
    sandbox.world.faults.remove()
    sent = len(sandbox.world.calls)
    clock.move(10_000)
    async with running(sandbox, database, clock=clock) as bot:
        assert bot.delivery.is_held
        await bot.commit(*said(ROSA, "meanwhile"))
        await swept(bot)
        assert [call.method for call in list(sandbox.world.calls)[sent:]] == ["getMe"]
        clock.move(80)
        await until(lambda: len(texts(sandbox, ANA)) == 3)
        await quiet(bot)

    assert texts(sandbox, ANA) == ["one", "two", "three"]
    assert (texts(sandbox, LUIS), texts(sandbox, ROSA)) == (["hello"], ["meanwhile"])
