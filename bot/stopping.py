"""How the process stops: work can be interrupted at any time, and the end has a limit.

Committed data needs no orderly end, and an update that is not committed is not acknowledged. So an end that takes too
long (a database that hangs, a folder that has gone) is interrupted, within the ten seconds that `docker stop` waits.
Its steps and its limit leave a quarter of them to a machine that is busy with other work.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Final

import structlog

from bot.signals import on_signal

logger = structlog.get_logger(__name__)

COMMITTING: Final = 2.0
"""Seconds in which what was begun is committed. What is not, was not acknowledged."""
SENDING: Final = 4.0
"""Seconds in which what was committed is sent, and the workers end."""
LONGEST: Final = 7.5
"""Seconds that an orderly end may take, with what follows those two: leaving, and closing the database."""
LAST_WORDS: Final = 0.5
"""Seconds in which it is logged that the end took longer. Nobody may be reading the log."""


class Breakable:
    """Work that can be broken off from outside. `end` may come at any time: before it, within it, and after it."""

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None
        self.is_ended = False

    def end(self) -> None:
        self.is_ended = True
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    @contextlib.asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Run the block, which `end` cancels. The code after the block runs in both cases."""
        timeout = asyncio.timeout(0 if self.is_ended else None)
        try:
            async with timeout:
                self._timeout = timeout
                try:
                    yield
                finally:
                    self._timeout = None
        except TimeoutError:
            if not timeout.expired():
                raise


class Stopping:
    """Whether this process has been told to stop; made inside its event loop."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._scope = Breakable()
        self._loop = asyncio.get_running_loop()
        self._limit = threading.Timer(LONGEST, _break_off)
        self._limit.daemon = True
        self._is_asked = False

    @property
    def is_asked(self) -> bool:
        return self.event.is_set()

    def listen(self) -> None:
        """Let a signal ask the process to stop, from now on."""
        on_signal(self.ask)

    def ask(self) -> None:
        """Ask to stop, from a signal's handler. A second call changes nothing, even during the first."""
        if self._is_asked:
            return
        self._is_asked = True
        self._limit.start()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends already
            self._loop.call_soon_threadsafe(self.set)

    def set(self) -> None:
        """Ask to stop, from inside the event loop."""
        self.event.set()
        self._scope.end()

    def breaking(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Break off the block when it is time to stop. Look at `is_asked` after it."""
        return self._scope.work()


def _break_off() -> None:
    limit = threading.Timer(LAST_WORDS, os._exit, (0,))
    limit.daemon = True
    limit.start()
    logger.warning("bot.stopped_late", seconds=LONGEST)
    sys.stderr.flush()
    os._exit(0)


async def until(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, at most for this many seconds."""
    if event.is_set():
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
