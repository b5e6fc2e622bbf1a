"""Give results to threads and to asyncio. The results of one group wake its loop once."""

import asyncio
import logging
import threading

from storage.database.lines import Told

logger = logging.getLogger(__name__)


class Telling:
    """Results on their way to their callers."""

    def __init__(self) -> None:
        self._letters: dict[asyncio.AbstractEventLoop, list[Told]] = {}
        self._lock = threading.Lock()

    def tell(self, told: list[Told]) -> None:
        """Give out results. The results for one asyncio loop travel together and wake it once."""
        travelling: dict[asyncio.AbstractEventLoop, list[Told]] = {}
        for each in told:
            work, result, error = each
            if work.loop is None:
                work.tell(result, error)
            else:
                travelling.setdefault(work.loop, []).append(each)
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
            try:
                work.tell(result, error)
            except Exception:  # the others are told all the same
                logger.exception("a caller failed when it was told the result of its unit")
