"""Floods: a stranger is heard so often and no more, and nobody enrolled waits behind one (S16)."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.sandbox import people
from bot.sandbox.server import Sandbox
from bot.telegram.handled import Handled, TapAnswer
from bot.telegram.raw import chat_of
from bot.telegram.strangers import Strangers
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    ROSA,
    Echo,
    calls,
    pending,
    running,
    texts,
)
from tests.deadlines import until as come

# ------------------------------------------------------------------ floods
FLOOD = 300
"""Three of Telegram's batches, from one chat, before anybody else's."""


class Doorman(Echo):  # type: ignore[misc, valid-type]
    """An echo to whom Ana is a stranger, and everybody else is not."""

    def __init__(self, bot_id: int) -> None:
        super().__init__(bot_id)
        self.looked_at: list[int] = []

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        self.looked_at.append(raw["update_id"])
        if chat_of(raw) != ANA:
            return super().handle(unit, raw, now)._replace(is_stranger=False)
        unit.inbox.first_sight(self._bot_id, raw["update_id"], now)
        return Handled(is_stranger=True)


def test_a_stranger_is_looked_at_so_often_and_then_no_more() -> None:
    """Thirty at once, then three a second; who is no stranger is always looked at (S16)."""
    strangers = Strangers(30, 10.0)
    assert all(strangers.admits(ANA, 100.0) for _ in range(100))

    strangers.meet(ANA, 100.0, is_stranger=True)
    assert sum(strangers.admits(ANA, 100.0) for _ in range(100)) == 29
    assert [strangers.admits(ANA, 101.0) for _ in range(4)] == [True, True, True, False]
    assert strangers.admits(LUIS, 101.0)

    strangers.meet(ANA, 101.0, is_stranger=False)
    assert all(strangers.admits(ANA, 101.0) for _ in range(100))


def test_only_so_many_strangers_are_remembered() -> None:
    """Whoever makes chats by the thousand fills no memory; who is forgotten is looked at once more."""
    strangers = Strangers(known=2)
    for chat_id in (1, 2, 3):
        strangers.meet(chat_id, 0.0, is_stranger=True)
    assert [chat_id in strangers for chat_id in (1, 2, 3)] == [False, True, True]


async def test_three_batches_of_one_person_are_all_applied_in_order_and_others_are_answered_first(
    sandbox: Sandbox, database: Database
) -> None:
    """Nothing of an enrolled person is dropped or slowed; their own replies wait, at the pace we ship (S16, G11)."""
    flood = [f"{number}" for number in range(FLOOD)]
    for line in flood:
        people.say(sandbox.world, ANA, line)
    for person in (LUIS, ROSA):
        people.say(sandbox.world, person, "quick")
    async with running(sandbox, database, polls=True, rate=29.0) as bot:
        await come(lambda: texts(sandbox, LUIS) == texts(sandbox, ROSA) == ["1: quick"], "the others' answers")
        assert len(texts(sandbox, ANA)) < FLOOD
        await come(lambda: pending(sandbox) == 0, "everything is acknowledged")

        async def all_heard() -> bool:  # what is in excess is kept before it is applied
            return len(await bot.heard(ANA)) == FLOOD

        await come(all_heard, "all of it is applied")
        assert await bot.heard(ANA) == flood
        assert texts(sandbox, ANA) == [f"{number + 1}: {number}" for number in range(len(texts(sandbox, ANA)))]


async def test_what_a_stranger_sends_in_excess_makes_no_unit(sandbox: Sandbox, database: Database) -> None:
    """It is acknowledged, so that it does not stand before others; what is behind it is applied (S16)."""
    doormen: list[Doorman] = []

    def handle(bot_id: int) -> Any:
        doormen.append(Doorman(bot_id))
        return doormen[0].handle

    for number in range(FLOOD):
        people.say(sandbox.world, ANA, f"{number}")
    people.say(sandbox.world, LUIS, "quick")
    begun = asyncio.get_running_loop().time()
    async with running(sandbox, database, polls=True, handle=handle, rate=29.0) as bot:
        await come(lambda: texts(sandbox, LUIS) == ["1: quick"], "the other's answer")
        await come(lambda: pending(sandbox) == 0, "everything is acknowledged")
        count = FLOOD + 1
        await come(lambda: bot.intake.dropped + len(doormen[0].looked_at) == count, "all is looked at or dropped")
        passed = asyncio.get_running_loop().time() - begun
        looked_at = len(doormen[0].looked_at) - 1
        assert 30 <= looked_at <= 30 + 3 * passed + 1
        assert bot.intake.dropped == FLOOD - looked_at


async def test_a_tap_in_excess_is_answered_where_that_costs_no_call(sandbox: Sandbox, sqlite: Database) -> None:
    """A webhook's own answer can stop the button. A call for each would use up what everybody's messages need."""

    def tap(number: int) -> dict[str, Any]:
        message = {"message_id": 1, "date": 1, "chat": {"id": ANA, "type": "private"}}
        return {"update_id": number, "callback_query": {"id": f"q{number}", "from": {"id": ANA}, "message": message}}

    async with running(
        sandbox, sqlite, handle=lambda bot_id: Doorman(bot_id).handle, strangers=Strangers(1, 1e6)
    ) as bot:
        assert (await bot.intake.apply(tap(1), rides=True)).answer is None
        assert (await bot.intake.apply(tap(2), rides=True)).answer == TapAnswer("q2")
        assert (await bot.intake.apply(tap(3))).answer == TapAnswer("q3")
        assert bot.intake.dropped == 2
    assert calls(sandbox, "answerCallbackQuery") == []
