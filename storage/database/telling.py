"""Give results to threads and to asyncio. The results of one group wake its loop once."""

import asyncio
import threading
from typing import Any

from storage.database.lines import Told, Work


class Telling:
    """Results on their way to their callers."""

    def __init__(self) -> None:
        self._letters: dict[asyncio.AbstractEventLoop, list[Told]] = {}
        self._lock = threading.Lock()

    def tell(self, told: list[Told]) -> None:
        """Give out results. The results for one asyncio loop travel together and wake it once."""
        travelling: dict[asyncio.AbstractEventLoop, list[Told]] = {}
        for work, result, error in told:
            if work.loop is None:
                _answer(work, result, error)
            else:
                travelling.setdefault(work.loop, []).append((work, result, error))
        for loop, letters in travelling.items():
            with self._lock:
                waiting = self._letters.get(loop)
                if waiting is not None:
                    waiting.extend(letters)
                    continue
                self._letters[loop] = letters
            try:
                loop.call_soon_threadsafe(self._deliver, loop)
            except RuntimeError:  # the loop is closed: nobody waits there any more
                with self._lock:
                    self._letters.pop(loop, None)

    def _deliver(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            letters = self._letters.pop(loop)
        for work, result, error in letters:
            _answer(work, result, error)


def _answer(work: Work, result: Any, error: BaseException | None) -> None:
    future = work.future
    if future.cancelled() or future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
