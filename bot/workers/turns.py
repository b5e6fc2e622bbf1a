"""Whose file is opened next: the one of who has used least of the worker lately.

A file may be made to take as long as a file may take. So somebody who sends many of them waits behind everybody else.
This is remembered by each process for itself: after a start everybody begins anew.
"""

from collections import deque
from typing import Final

from bot.telegram.handled import Clock

WINDOW: Final = 600.0
"""Seconds after which what somebody used is forgotten."""
BUDGET: Final = 15.0
"""Seconds in a window. The files of who has used more are not tried among those of others."""


class Turns:
    """The seconds that the files of each chat took within the last window."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: deque[tuple[float, int, float]] = deque()

    def note(self, chat_id: int, seconds: float) -> None:
        """Note that a file of this chat took so long."""
        self._noted.append((self._clock.monotonic(), chat_id, seconds))

    def used(self) -> dict[int, float]:
        """Return the seconds by chat. Whoever is missing has used none."""
        begins_at = self._clock.monotonic() - WINDOW
        while self._noted and self._noted[0][0] < begins_at:
            self._noted.popleft()
        found: dict[int, float] = {}
        for _, chat_id, seconds in self._noted:
            found[chat_id] = found.get(chat_id, 0.0) + seconds
        return found

    def is_spent(self, chat_id: int) -> bool:
        """Whether this chat has used more than its budget."""
        return self.used().get(chat_id, 0.0) > BUDGET
