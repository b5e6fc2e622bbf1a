"""The units that wait to be applied (`group_commit`): in a line for each key, in queues with their threads."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from storage.database.unit import LastWords, Opened, Opening, Unit


class Work:
    """One unit on its way to its result. Its class says how the caller is told."""

    __slots__ = (
        "collisions", "failures", "found", "function", "give_up", "is_given_up", "loop", "opening", "shares", "tries",
    )  # fmt: skip

    def __init__(
        self,
        function: Callable[[Any], Any],
        tries: int = 1,
        give_up: Callable[[Any, Exception], Any] | None = None,
        opening: Opening | None = None,
    ) -> None:
        self.function = function
        self.tries = tries
        self.give_up = give_up
        self.opening = opening
        self.loop: asyncio.AbstractEventLoop | None = None
        """In whose thread the caller is told. None: in any."""
        self.shares = opening is not None
        """Whether it may share a transaction. False after it could not."""
        self.failures = 0
        self.collisions = 0
        self.found: tuple[Callable[[], Any], ...] = ()
        """The results of reads beside the writer, in the order in which the unit asks for them."""
        self.is_given_up = False
        """Whether this attempt sets it aside."""

    def is_wanted(self) -> bool:
        """Return False if the caller cancelled before it began, or has ended. From now on it cannot be cancelled."""
        return self.loop is None or not self.loop.is_closed()

    def tell(self, result: Any, error: BaseException | None) -> None:
        """Give the caller the result, or the error if there is one."""
        raise NotImplementedError


class Submitted(Work):
    """A unit whose caller is a thread."""

    __slots__ = ("future", "is_started")

    def __init__(self, *unit: Any) -> None:
        super().__init__(*unit)
        self.future: Future[Any] = Future()
        self.is_started = False

    def is_wanted(self) -> bool:
        if self.is_started:
            return True
        self.is_started = True
        return self.future.set_running_or_notify_cancel()

    def tell(self, result: Any, error: BaseException | None) -> None:
        _settle(self.future, result, error)


class Awaited(Work):
    """A unit whose caller is asyncio, in the loop that is running now."""

    __slots__ = ("future",)

    def __init__(self, *unit: Any) -> None:
        super().__init__(*unit)
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def tell(self, result: Any, error: BaseException | None) -> None:
        _settle(self.future, result, error)


def _settle(future: "Future[Any] | asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Line:
    """The units of one key, in order."""

    __slots__ = ("key", "waiting")

    def __init__(self, key: Hashable | None) -> None:
        self.key = key
        self.waiting: deque[Work] = deque()


class Queue:
    """Lines that are ready, those that rest before their next try, and the threads that serve them."""

    def __init__(self, lock: threading.Lock, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        self.ready: deque[Line] = deque()
        self.resting: list[tuple[float, int, Line]] = []
        self.changed = threading.Condition(lock)
        self.threads = 0
        self.idle = 0


class Group:
    """The units of one transaction whose callers still wait for a result."""

    __slots__ = ("done", "failed", "hooks", "last", "lines", "unsaid")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.done: list[tuple[Line, Work, Any]] = []
        self.failed: list[tuple[Line, Work, BaseException]] = []
        self.hooks: list[Callable[[], object]] = []
        self.last: list[tuple[Line, Opened]] = []
        """Lines whose first unit is applied after those of all other lines."""
        self.unsaid: list[tuple[Unit, LastWords]] = []
        """Units that are done, but for what they say last."""

    def __len__(self) -> int:
        return len(self.done) + len(self.failed) + len(self.last)


Told = tuple[Work, Any, BaseException | None]
"""A unit, and its result or the error."""
