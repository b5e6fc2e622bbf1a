"""When the next call may be made: evenly spaced turns, the silence after a 429, and each chat's own pace.

Telegram allows about 30 messages a second, and one a second in a chat. A limiter that allows bursts earned 45 to 89
refusals per 600 messages (DESIGN §11), and one refusal silences the bot for everybody.
"""

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from bot.telegram.handled import Clock

CHAT_INTERVAL: Final = 1.05
"""Seconds between a message to a chat and the next fan-out to it.

Also between replies, once a chat's burst is used up.
"""
CHAT_BURST: Final = 20
"""Replies that a chat gets at once. Its next replies are slowed down, because a 429 would stop all chats."""
CHATS_REMEMBERED: Final = 2_000


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


class Window:
    """The silence that Telegram asks for with a 429. No call is made during it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_at: float | None = None
        """On the clock that never jumps. None: no 429 has come yet."""

    def left(self) -> float:
        """Seconds until anything may be sent again; never negative."""
        return 0.0 if self._ends_at is None else max(0.0, self._ends_at - self._clock.monotonic())

    def close(self, seconds: float) -> datetime | None:
        """Keep silent for so long. Return when the silence ends, if that is later than known before; otherwise None."""
        if seconds <= self.left():
            return None
        self._ends_at = self._clock.monotonic() + seconds
        return self._clock.now() + timedelta(seconds=seconds)


class ChatPace:
    """The pace of one chat: a burst of replies at once, then one message a second. Fan-out has no burst."""

    def __init__(self, *, is_paced: bool) -> None:
        self._is_paced = is_paced
        self._sent_at: dict[int, float] = {}
        self._full_at: dict[int, float] = {}
        """When a chat may get a whole burst again."""

    def reply_wait(self, chat_id: int) -> float:
        """Seconds until a chat may get its next reply; not positive if it may have it now."""
        full_at = self._full_at.get(chat_id)
        if full_at is None or not self._is_paced:
            return 0.0
        return full_at - asyncio.get_running_loop().time() - (CHAT_BURST - 1) * CHAT_INTERVAL

    def fan_out_wait(self, chat_id: int) -> float:
        """Seconds until a chat may get its next fan-out; not positive if it may have it now."""
        sent_at = self._sent_at.get(chat_id)
        return 0.0 if sent_at is None else sent_at + CHAT_INTERVAL - asyncio.get_running_loop().time()

    def called(self, chat_id: int, now: float, *, made_message: bool, was_refused: bool) -> None:
        """Count a call for this chat that has ended. After a 429 its burst is used up: one refusal is enough."""
        if len(self._sent_at) > CHATS_REMEMBERED:
            self._sent_at = {chat: at for chat, at in self._sent_at.items() if at > now - CHAT_INTERVAL}
            self._full_at = {chat: at for chat, at in self._full_at.items() if at > now}
        self._sent_at[chat_id] = now
        if made_message:
            full_at = max(self._full_at.get(chat_id, now), now) + CHAT_INTERVAL
            self._full_at[chat_id] = now + CHAT_BURST * CHAT_INTERVAL if was_refused else full_at
