"""Pace: at most Telegram's rate, replies before fan-out, and a chat's messages a second apart."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sandbox.server import Sandbox
from bot.telegram.calls import Call
from bot.telegram.pacer import Pacer, Slots
from storage.open_database import Database
from tests.bot.telegram.wire import (
    ANA,
    leap,
    quiet,
    rows_of,
    running,
    said,
    texts,
    until,
)


# ------------------------------------------------------------------ pace
def now() -> float:
    return asyncio.get_running_loop().time()


def in_leaping_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def leaping() -> None:
        leap(test())

    return leaping


async def turn(pacer: Pacer, *, is_reply: bool) -> None:
    if (later := pacer.turn(is_reply=is_reply)) is not None:
        await later


@in_leaping_time
async def test_turns_are_even_and_never_more_than_the_rate_in_any_second() -> None:
    """Telegram counts: 30 in a second is the end of it."""
    pacer, at = Pacer(29.5), []

    async def take() -> None:
        await turn(pacer, is_reply=False)
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
        await turn(pacer, is_reply=is_reply)
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
    await turn(pacer, is_reply=True)
    await asyncio.sleep(0.04)
    begun = now()
    await turn(pacer, is_reply=True)

    assert now() == begun


@in_leaping_time
async def test_whoever_gave_up_waiting_does_not_use_a_turn() -> None:
    """A cancelled wait leaves its place to the next."""
    pacer = Pacer(20.0)
    await turn(pacer, is_reply=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await turn(pacer, is_reply=True)
    await turn(pacer, is_reply=True)

    assert now() == pytest.approx(0.05)


async def test_room_goes_to_whoever_has_waited_longest_and_still_waits() -> None:
    """A place that is given back is somebody else's, and is lost by nobody who has gone away."""
    slots = Slots(1)
    assert slots.take() is None
    gone, second, third = slots.take(), slots.take(), slots.take()
    assert gone is not None
    assert second is not None
    assert third is not None

    gone.cancel()
    slots.give()
    assert (second.done(), third.done()) == (True, False)
    slots.give()
    slots.give()
    assert third.done()
    assert slots.take() is None
    assert slots.take() is not None


async def test_fan_out_to_one_chat_is_a_message_a_second(sandbox: Sandbox, sqlite: Database) -> None:
    """Telegram allows one a second in a chat; replies to a person's own messages are exempt.

    It is asked where calls begin: when they arrive is the network's and the machine's doing.
    """
    began: list[tuple[str, float]] = []
    async with running(sandbox, sqlite) as bot:
        replies = await sqlite.units.run(None, lambda unit: rows_of(unit, said(ANA, "reply"), datetime.now(UTC)))
        make = bot.delivery._calls.make

        async def noting(call: Call) -> Any:
            began.append((call.payload["text"], now()))
            if len(began) == 1:
                bot.delivery.feed(replies)
            return await make(call)

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
        def turn(self, *, is_reply: bool) -> asyncio.Future[None] | None:
            later = super().turn(is_reply=is_reply)
            if later is None:
                granted.append(now())
            else:
                later.add_done_callback(lambda _: granted.append(now()))
            return later

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
