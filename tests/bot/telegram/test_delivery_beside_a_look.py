"""What happens while delivery looks into the outbox: of a row that it sees there it may hear later, or never (G3, G5).

On PostgreSQL two connections commit at the same time, and whoever commits first is not always heard first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram.in_hand import Found
from storage.messages.outbox import OutboxRow
from storage.open_database import Database
from tests.bot.telegram.wire import ANA, Bot, quiet, rows_of, running, said, swept, texts, until


class Late:
    """The units of a delivery that hears of a look when the test lets it."""

    def __init__(self, units: Any) -> None:
        self._units = units
        self.is_let = asyncio.Event()
        self.has_looked = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._units, name)

    async def run(self, *given: Any, **options: Any) -> Any:
        found = await self._units.run(*given, **options)
        if isinstance(found, Found):
            self.has_looked.set()
            await self.is_let.wait()
        return found


async def committed(bot: Bot, *words: str) -> list[OutboxRow]:
    """Replies that are durable; delivery has not been told of them yet."""
    drafts = [draft for word in words for draft in said(ANA, word)]
    return await bot.database.units.run(ANA, lambda unit: rows_of(unit, drafts, datetime.now(UTC)))


@asynccontextmanager
async def looking(bot: Bot) -> AsyncIterator[None]:
    """Meanwhile a look has been made, and delivery has not heard of it."""
    await swept(bot)
    delivery: Any = bot.delivery
    units = delivery._units
    delivery._units = late = Late(units)
    delivery.look_after(ANA)
    await late.has_looked.wait()
    delivery._units = units  # for the looks that follow
    yield
    late.is_let.set()


async def recorded(bot: Bot) -> None:
    """Until what was fed is sent or handed back, and that is recorded."""
    await until(lambda: not bot.delivery._lanes and bot.delivery._recorder.idle.is_set())


async def then_another(bot: Bot, sandbox: Sandbox) -> None:
    """Until the next reply has arrived, and everything in hand is recorded."""
    await bot.commit(*said(ANA, "then"))
    await until(lambda: texts(sandbox, ANA)[-1:] == ["then"])
    await quiet(bot)


async def test_what_was_fed_and_handed_back_meanwhile_is_sent_once(sandbox: Sandbox, database: Database) -> None:
    """The look has read it just before, as one that nobody sends. The next one comes while it is being sent."""
    sandbox.world.faults.add(Fault("slow", method="sendMessage", times=1, delay=0.4))
    async with running(sandbox, database) as bot:
        rows = await committed(bot, "one")
        async with looking(bot):
            bot.delivery.feed(rows)
            await recorded(bot)
        await then_another(bot, sandbox)
    assert texts(sandbox, ANA) == ["one", "then"]


async def test_what_was_fed_and_sent_meanwhile_is_sent_once(sandbox: Sandbox, database: Database) -> None:
    """The look has read it just before. A commit was in doubt, so all chats are looked at, and its own was free."""
    async with running(sandbox, database) as bot:
        rows = await committed(bot, "one")
        async with looking(bot):
            bot.delivery._lanes.parked.clear()
            bot.delivery.feed(rows)
            await recorded(bot)
            assert texts(sandbox, ANA) == ["one"]
        await then_another(bot, sandbox)
    assert texts(sandbox, ANA) == ["one", "then"]


async def test_what_was_found_and_sent_before_we_are_told_of_it_is_sent_once(
    sandbox: Sandbox, database: Database
) -> None:
    """The answer to its COMMIT was lost in the network for a while."""
    async with running(sandbox, database) as bot:
        rows = await committed(bot, "one")
        bot.delivery.look_after(ANA)
        await until(lambda: texts(sandbox, ANA) == ["one"])
        await quiet(bot)
        bot.delivery.feed(rows)
        await then_another(bot, sandbox)
    assert texts(sandbox, ANA) == ["one", "then"]


async def test_a_look_ends_no_parking_that_is_later_than_itself(sandbox: Sandbox, database: Database) -> None:
    """It has seen nothing of what was committed since, and the next reply would overtake that."""
    async with running(sandbox, database) as bot:
        async with looking(bot):
            await committed(bot, "one")
            bot.delivery.look_after(ANA)
            two = await committed(bot, "two")
            delivery: Any = bot.delivery
            units, delivery._units = delivery._units, Late(delivery._units)
        await delivery._units.has_looked.wait()  # what the first look saw has been heard, what the second saw has not
        delivery.feed(two)
        delivery._units.is_let.set()
        delivery._units = units
        await then_another(bot, sandbox)
    assert texts(sandbox, ANA) == ["one", "two", "then"]
