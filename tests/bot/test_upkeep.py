"""The house's chores, and how they leave off."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.upkeep import Chore, Premises, keep_house

NOON = datetime(2018, 10, 3, 16, tzinfo=UTC)


class Still:
    """A clock whose wall stands."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return time.monotonic()


async def test_the_chore_in_hand_is_finished_before_the_house_is_closed() -> None:
    """A thread cannot be cancelled: the bot waits for what it does, and begins nothing else once it is told to stop."""
    began, may_end = threading.Event(), threading.Event()
    did: list[str] = []

    def slow(_: Premises, __: datetime) -> None:
        began.set()
        may_end.wait(10)
        did.append("slow")

    def another(_: Premises, __: datetime) -> None:
        did.append("another")

    chores = (Chore("slow", timedelta(0), slow), Chore("another", timedelta(0), another))
    stopping = asyncio.Event()
    house = asyncio.create_task(keep_house(lambda: cast(Premises, None), Still(), stopping, chores=chores))
    await asyncio.to_thread(began.wait, 10)
    stopping.set()
    assert not (await asyncio.wait({house}, timeout=0.1))[0]
    may_end.set()
    await asyncio.wait_for(house, 10)
    assert did == ["slow"]
