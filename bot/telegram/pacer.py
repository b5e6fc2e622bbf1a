"""Turns to send, evenly spaced: a limiter that allows bursts earned 45 to 89 refusals per 600 messages (DESIGN §11)."""

import asyncio
from collections import deque


class Pacer:
    """Turns, evenly spaced: `rate` a second, replies before fan-out; 0 gives every turn at once.

    After a quiet moment the first turn is immediate; turns that were not taken are not saved up.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1.0 / rate if rate > 0 else 0.0
        self._next = 0.0
        self._replies: deque[asyncio.Future[None]] = deque()
        self._fan_out: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, *, is_reply: bool) -> None:
        if not self._interval:
            return
        loop = asyncio.get_running_loop()
        if self._timer is None and loop.time() >= self._next:
            self._next = loop.time() + self._interval
            return
        turn: asyncio.Future[None] = loop.create_future()
        (self._replies if is_reply else self._fan_out).append(turn)
        if self._timer is None:
            self._timer = loop.call_at(self._next, self._give)
        await turn

    def _give(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        for line in (self._replies, self._fan_out):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    # A late timer is made up for by a few milliseconds only, or two turns would share an interval.
                    now = loop.time()
                    self._next = max(self._next + self._interval, now + self._interval - 0.004)
                    if self._replies or self._fan_out:
                        self._timer = loop.call_at(self._next, self._give)
                    return
