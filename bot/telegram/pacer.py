"""When the next call may be made: evenly spaced turns, the silence after a 429, and each chat's own pace.

Telegram allows about 30 messages a second, and one a second in a chat. A limiter that allows bursts earned 45 to 89
refusals per 600 messages (docs/decisions/sending.md), and one refusal silences the bot for everybody.
"""

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from bot.telegram.handled import Clock
from bot.telegram.http import LONGEST_RETRY

CHAT_INTERVAL: Final = 1.05
"""Seconds between a message to a chat and the next fan-out to it.

Also between replies, once a chat's burst is used up.
"""
CHAT_BURST: Final = 20
"""Replies that a chat gets at once. Its next replies are slowed down, because a 429 would stop all chats."""
CHATS_REMEMBERED: Final = 2_000
BINDS_ALL: Final = 60.0
"""Seconds: a silence that is not longer is for all, whoever was refused. Nobody asks."""
ASKED_WITHIN: Final = 1.0
"""Seconds after which a chat looks again whether it must be silent, while another chat asks."""


class Slots:
    """Room for so many calls at the same time. It goes to whoever has waited longest."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._line: deque[asyncio.Future[None]] = deque()

    def take(self) -> asyncio.Future[None] | None:
        """Take a slot, and `give` it back. Return what to wait for before it is there; None: it is."""
        if self._free:
            self._free -= 1
            return None
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(slot)
        return slot

    def give(self) -> None:
        """Give a slot back."""
        while self._line:
            slot = self._line.popleft()
            if not slot.done():
                slot.set_result(None)
                return
        self._free += 1


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

    def turn(self, *, is_reply: bool) -> asyncio.Future[None] | None:
        """Take a turn. Return what to wait for before it comes; None: it is now."""
        if not self._interval:
            return None
        loop = asyncio.get_running_loop()
        if self._timer is None and loop.time() >= self._next:
            self._next = loop.time() + self._interval
            return None
        turn: asyncio.Future[None] = loop.create_future()
        (self._replies if is_reply else self._fan_out).append(turn)
        if self._timer is None:
            self._timer = loop.call_at(self._next, self._give)
        return turn

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
    """The silence that Telegram asks for with a 429. No call is made during it, but for one that asks whose it is.

    A 429 does not say whether it is for one chat or for the bot. A short one binds everything. A long one may silence
    everybody for a day because of one chat, so another chat's reply asks (`ask`): if it is heard, only the refused
    chat waits. If it is refused too, the silence is for all.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_at = 0.0
        """Until when all are silent. This and the next ones are on the clock that never jumps."""
        self._doubt_ends_at = 0.0
        """Until when all may have to be silent."""
        self._chats: dict[int, float] = {}
        """Until when a chat is silent."""
        self._refused: set[int] = set()
        """The chats for which the doubt began."""
        self._asking: int | None = None

    def left(self, chat_id: int | None = None) -> float:
        """Seconds until something may be sent again, or something to this chat; never negative.

        While it is in doubt whether another chat must wait, that chat looks again in a second.
        """
        if not (self._ends_at or self._doubt_ends_at or self._chats):
            return 0.0  # no 429 has come yet, and every call asks
        now = self._clock.monotonic()
        doubt = max(0.0, self._doubt_ends_at - now)
        if chat_id is not None:
            doubt = 0.0 if chat_id == self._asking else min(doubt, ASKED_WITHIN)
        ends_at = max(self._ends_at, self._chats.get(chat_id, 0.0)) if chat_id is not None else self._ends_at
        return max(0.0, ends_at - now, doubt)

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows yet if the silence is for all."""
        now = self._clock.monotonic()
        return self._ends_at <= now < self._doubt_ends_at

    def close(self, seconds: float, chat_id: int | None = None) -> datetime | None:
        """Keep silent for so long. Return when the silence ends, if it is for all and ends later than known before."""
        now = self._clock.monotonic()
        ends_at = now + seconds
        if seconds > BINDS_ALL and not self._is_for_all(now, chat_id):
            self._doubt_ends_at = max(self._doubt_ends_at, ends_at)
            if chat_id is not None:
                self._refused.add(chat_id)
                self._chats = {chat: at for chat, at in self._chats.items() if at > now}
                self._chats[chat_id] = max(self._chats.get(chat_id, 0.0), ends_at)
            return None
        if seconds > BINDS_ALL:
            ends_at = max(ends_at, self._doubt_ends_at)
            self._doubt_ends_at = 0.0
        if ends_at <= self._ends_at:
            return None
        self._ends_at = ends_at
        return self._clock.now() + timedelta(seconds=ends_at - now)

    def _is_for_all(self, now: float, chat_id: int | None) -> bool:
        """Whether this long refusal is not the first one: another chat was refused so before."""
        if self._ends_at - now > BINDS_ALL:
            return True
        if self._doubt_ends_at <= now:
            self._refused.clear()
        return chat_id is not None and bool(self._refused - {chat_id})

    def restore(self, seconds: float) -> None:
        """Keep the silence for all that an earlier process was told of. A longer one was written by a wrong clock."""
        self._ends_at = self._clock.monotonic() + min(seconds, LONGEST_RETRY)

    # -------------------------------------------------------------- whose it is
    def ask(self, chat_id: int) -> bool:
        """Whether a reply to this chat may be sent now to learn whose the silence is. Call `asked` after it."""
        if self._asking is not None or not self._doubt_ends_at or not self.is_in_doubt:
            return False
        if self._chats.get(chat_id, 0.0) > self._clock.monotonic():
            return False
        self._asking = chat_id
        return True

    def heard(self) -> None:
        """Note that Telegram took the call that asked: only the refused chats are silent."""
        self._doubt_ends_at = 0.0

    def asked(self) -> None:
        """Let another ask, if it is still in doubt."""
        self._asking = None


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

    def called(self, chat_id: int, now: float, *, made_message: bool) -> None:
        """Count a call for this chat that has ended."""
        if len(self._sent_at) > CHATS_REMEMBERED:
            self._sent_at = {chat: at for chat, at in self._sent_at.items() if at > now - CHAT_INTERVAL}
            self._full_at = {chat: at for chat, at in self._full_at.items() if at > now}
        self._sent_at[chat_id] = now
        if made_message:
            self._full_at[chat_id] = max(self._full_at.get(chat_id, now), now) + CHAT_INTERVAL

    def refused(self, chat_id: int, now: float) -> None:
        """Note a 429 for a message to this chat. Its burst is used up: one refusal is enough."""
        self._full_at[chat_id] = now + CHAT_BURST * CHAT_INTERVAL
