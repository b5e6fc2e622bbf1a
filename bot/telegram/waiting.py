"""What waits for its turn in a chat: in memory, or behind that in the database (`storage.messages.kept`)."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.telegram.handled import Handled
from storage.database.lines import Work
from storage.database.unit import Opening
from storage.unit_of_work import UnitOfWork

BATCH: Final = 100
"""Updates a getUpdates brings at most; also how far we may run ahead of one that does not commit."""
TRIES: Final = 5
"""How often something is tried before it is set aside."""
MOST_WAITING: Final = 32
"""How many updates of one chat wait in memory, while others are kept. A phone that was offline sends about as many."""
MOST_POSTED: Final = 8
"""The same by webhook. There Telegram sends an update of a chat when the one before it is acknowledged."""
LOOK_BEHIND: Final = 2.0
"""Seconds between two looks at what other processes have kept: what stands still between them is taken over."""


class Waiting(Work):
    """A piece of work that waits for its turn in a chat, and then for its commit."""

    __slots__ = (
        "chat_id", "ended", "future", "is_suspect", "is_told", "key", "rides", "since", "update", "update_id",
        "was_put_back",
    )  # fmt: skip
    give_up: Callable[[UnitOfWork, Exception], Handled]

    def __init__(
        self,
        apply: Callable[[UnitOfWork], Handled],
        give_up: Callable[[UnitOfWork, Exception], Handled],
        chat_id: int | None,
        opening: Opening | None,
        ended: "Callable[[Waiting, Handled | BaseException], object]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`ended` is called with the result of the unit, or with its error."""
        super().__init__(apply, TRIES, give_up, opening)
        self.loop = loop
        self.future: asyncio.Future[Handled] = loop.create_future()
        self.chat_id = chat_id
        self.ended = ended
        self.since = loop.time()
        self.key: int | str | None = None
        """The line in which it was begun."""
        self.update_id: int | None = None
        """None: something else."""
        self.update: Mapping[str, Any] | None = None
        """The update, if it may be kept in the database until its turn."""
        self.rides = False
        self.is_told = False
        self.is_suspect = False
        """Whether it may have killed an earlier process. Then it is applied alone."""
        self.was_put_back = False
        """Whether it has given way to the other chats of its line. It does so once."""

    def tell(self, result: Any, error: BaseException | None) -> None:
        self.ended(self, result if error is None else error)


@dataclass(slots=True)
class Backlog:
    """The updates of a chat that wait in the database, and those that are on their way there, in order."""

    pending: deque[Waiting] = field(default_factory=deque)
    """Those that are not written yet."""
    writing: list[Waiting] = field(default_factory=list)
    first: list[Waiting] = field(default_factory=list)
    """What had been begun before. It is written with the rest: otherwise the rest would overtake what is lost of it."""
    is_stored: bool = False
    """Whether something may be in the database."""
    stored: int = 0
    """How many this process has written there and not taken yet."""
    uncounted: int = 0
    """How many of a stranger's were put here before it was known that they are one. They do not count yet."""
    is_taking: bool = False
    """Whether the next ones are being read, or applied in another line than the chat's."""
    taken_at: float | None = None
    """When the last ones were begun."""


@dataclass(slots=True)
class Line:
    """The updates of a chat that were begun together, and those that wait until all of them have ended."""

    begun: deque[Waiting] = field(default_factory=deque)
    waiting: deque[Waiting] = field(default_factory=deque)
    backlog: Backlog | None = None
    """What waits behind them. None: nothing does."""

    def has(self, chat_id: int | None) -> bool:
        """Whether there is anything of this chat in it."""
        return any(each.chat_id == chat_id for each in (*self.begun, *self.waiting))

    def behind_no_suspect(self) -> list[int | None]:
        """The chats of a line of several of which no suspect is first."""
        first: dict[int | None, Waiting] = {}
        for each in self.waiting:
            first.setdefault(each.chat_id, each)
        return [chat_id for chat_id, each in first.items() if not each.is_suspect]

    def take_of(self, chat_id: int | None) -> list[Waiting]:
        """Take what waits of this chat out of a line of several chats, in order."""
        taken = [each for each in self.waiting if each.chat_id == chat_id]
        self.waiting = deque(each for each in self.waiting if each.chat_id != chat_id)
        return taken

    def keep_excess(self, most: int) -> bool:
        """Move what waits in excess behind the line, in order. Return whether there is anything behind it now."""
        if self.backlog is None:
            if len(self.waiting) <= most:
                return False
            self.backlog = Backlog(first=[each for each in self.begun if each.update is not None])
        self.backlog.pending.extend(each for each in self.waiting if each.update is not None)
        self.waiting = deque(each for each in self.waiting if each.update is None)
        return True

    def excess_of(self, chat_id: int, most: int) -> Backlog | None:
        """Take what waits of this chat out of a line of several chats, if it is in excess."""
        excess = [each for each in self.waiting if each.chat_id == chat_id and each.update is not None]
        if len(excess) <= most:
            return None
        first = [each for each in self.begun if each.chat_id == chat_id and each.update is not None]
        self.waiting = deque(each for each in self.waiting if each.chat_id != chat_id or each.update is None)
        return Backlog(first=first, pending=deque(excess), is_taking=bool(first))

    def next_of_several(self, last: int | None) -> Waiting:
        """Take the next one of a line of several chats: if there is one of another chat than the last one, the first.

        The order of each chat stays. A chat whose update was put back comes after all others.
        """
        put_back = {each.chat_id for each in self.waiting if each.was_put_back}
        others = [place for place, each in enumerate(self.waiting) if each.chat_id not in put_back]
        place = next((place for place in others if self.waiting[place].chat_id != last), others[0] if others else 0)
        found = self.waiting[place]
        del self.waiting[place]
        return found
