"""The sandbox's time, which can be moved forward, and bells that wake those who wait for something in it."""

import asyncio
import threading
import time


class Clock:
    """Seconds since 1970, started anywhere, running at the pace of the real clock, moved forward at will."""

    def __init__(self, start: float | None = None) -> None:
        self._ahead = (time.time() if start is None else start) - time.monotonic()

    def now(self) -> float:
        return time.monotonic() + self._ahead

    def move_to(self, moment: float) -> None:
        """Move the time forward, never back: messages from tomorrow would make no sense. Raises ValueError."""
        if moment < self.now():
            raise ValueError("the sandbox clock moves forward only")
        self._ahead = moment - time.monotonic()

    def move_by(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the sandbox clock moves forward only")
        self._ahead += seconds


class Bell:
    """Wakes everybody who waits, on any event loop, from any thread.

    Take a `waiter` while the world is locked, after looking whether there is something to wait for. Then no ring
    between looking and waiting is missed.
    """

    def __init__(self) -> None:
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = set()
        self._lock = threading.Lock()

    def waiter(self) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        entry = (loop, future)
        with self._lock:
            self._waiting.add(entry)
        future.add_done_callback(lambda _: self._forget(entry))
        return future

    def _forget(self, entry: tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]) -> None:
        with self._lock:
            self._waiting.discard(entry)

    def ring(self) -> None:
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, future in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, future)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def rung(waiter: "asyncio.Future[None]", timeout: float | None) -> None:
    """Wait until the bell rings, or `timeout` real seconds."""
    await asyncio.wait([waiter], timeout=timeout)
    waiter.cancel()
