"""A chat that sends in excess, and a bot that applies only a part of it until the test lets it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.sandbox import people
from bot.sandbox.server import Sandbox
from bot.telegram.handled import Handled
from bot.telegram.raw import chat_of
from bot.telegram.waiting import MOST_WAITING
from storage.database.models import KeptUpdate, table
from storage.errors import Unavailable
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import ANA, Bot, Echo

FLOOD = 130
"""More than a batch of getUpdates, and four times what waits of one chat in memory."""


class Slow(Echo):  # type: ignore[misc, valid-type]
    """Applies what Ana sends up to a number; the rest fails until the test lets it through."""

    up_to = MOST_WAITING

    def __init__(self, bot_id: int) -> None:
        super().__init__(bot_id)
        self.is_open = threading.Event()

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        if chat_of(raw) == ANA and not self.is_open.is_set() and int(raw["message"]["text"]) >= self.up_to:
            raise Unavailable("not yet")
        handled: Handled = super().handle(unit, raw, now)
        return handled


def starting(slow: list[Slow], *, up_to: int | None = None) -> Callable[[int], Any]:
    def handle(bot_id: int) -> Any:
        slow.append(Slow(bot_id))
        if up_to is not None:
            slow[-1].up_to = up_to
        return slow[-1].handle

    return handle


def flood(sandbox: Sandbox, begin: int = 0, end: int = FLOOD) -> None:
    for number in range(begin, end):
        people.say(sandbox.world, ANA, f"{number}")


def posted(number: int) -> dict[str, Any]:
    """One of Ana's updates, as it comes to a webhook."""
    chat = {"id": ANA, "type": "private"}
    message = {"message_id": 9_000 + number, "date": 1, "chat": chat, "from": {"id": ANA}, "text": str(number)}
    return {"update_id": 2**40 + number, "message": message}


async def kept(bot: Bot) -> Sequence[Any]:
    return await bot.database.units.run(
        None, lambda unit: list(unit.connection.execute(select(table(KeptUpdate)).order_by(table(KeptUpdate).c.id)))
    )


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]
