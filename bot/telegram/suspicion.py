"""Which updates may have killed an earlier process: those that were in flight when it died.

They come again: by polling at once, by webhook perhaps after many others, since Telegram waits longer before each try.
Nobody noted which they were, since that would cost every update a commit. But an update has a higher number than all
that were sent before it. So suspected are the first to come, and later what is older than one of these.
"""

from bot.telegram.waiting import BATCH


class Suspicion:
    """Falls on the first updates, and on as many older ones as can have been in flight. After that, on nobody."""

    def __init__(self, first: int = 0) -> None:
        self._left = first
        """How many of the next are suspected. Below zero: how many older ones have come since."""
        self._newest = -1

    def widen(self, more: int) -> None:
        """Suspect more of the next updates, if any are suspected."""
        if self._left > 0:
            self._left += more

    def falls_on(self, update_id: int | None, number: int = 1) -> bool:
        """Whether to apply this update alone, with so many of its chat that come with it."""
        if update_id is None or self._left <= -BATCH or (self._left <= 0 and update_id > self._newest):
            return False
        if self._left > 0:
            self._newest = max(self._newest, update_id)
        self._left -= number
        return True

    def give_back(self) -> None:
        """Note that one was not applied: it comes again."""
        self._left += 1
