"""What the log is told while the database is away.

The loops of a bot ask the database again and again. If each of them wrote a line whenever it asks in vain, an outage
of one night would be a log in which nobody finds anything else. So the two doors of the database, its writer and its
readers, tell it for all: when it begins, once a minute while it lasts, and when it is over.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from storage.database.failures import original_of, reason_of

logger = logging.getLogger(__name__)

TELL_EVERY: Final = 60.0


class Outage:
    """One door: `lasts` whenever it was tried in vain, `ends` whenever it was not. From any thread.

    A door that opens and shuts all the time is told no more often than one that stays shut.
    """

    def __init__(self, door: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._door = door
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._since: float | None = None
        self._told_at = float("-inf")
        self._times = 0

    def lasts(self, error: BaseException) -> None:
        """Tell it, unless it was told within a minute: then only to whoever reads the log at DEBUG."""
        now = self._monotonic()
        with self._lock:
            self._since = now if self._since is None else self._since
            self._times += 1
            is_due = now - self._told_at >= TELL_EVERY
            told = {"door": self._door, "code": _code_of(error), "reason": reason_of(error), "times": self._times}
            if is_due:
                self._told_at, self._times = now, 0
        logger.log(logging.WARNING if is_due else logging.DEBUG, "database.unavailable", extra=told)

    def ends(self) -> None:
        """Tell that it is over, if its beginning was told."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
            is_told = since is not None and self._told_at >= since
        if is_told:
            logger.info("database.recovered", extra={"door": self._door, "after": round(self._monotonic() - since, 1)})


def _code_of(error: BaseException) -> str | None:
    """The driver's own code: an SQLSTATE, or a name such as SQLITE_FULL."""
    original = original_of(error)
    return getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
