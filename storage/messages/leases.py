"""Which claims have run out, judged by the steady clock of the process that looks.

A lease ends at a moment of the wall clock, and two processes read that moment with two clocks, or with one that jumps.
A jump by a quarter of an hour ended every lease at once: reminders that a living replica was sending counted as in
doubt, and its replies were sent a second time.

So no moment is compared. A process that wants to take over watches: a claim has run out when it has stood unchanged,
before the watcher's eyes, for as long as its lease lasts. The holder counts from before its claim, and the watcher from
after it has read it, so the holder stops first.

That clock goes on while the machine is suspended (`since_boot`). Otherwise a process that wakes up would believe that
it still holds what another machine has taken over meanwhile.
"""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

if sys.platform == "linux":

    def since_boot() -> float:
        """Return the seconds since the machine was started, with those in which it was suspended. It never jumps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)  # CLOCK_MONOTONIC stands still meanwhile

else:
    since_boot = time.monotonic


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that somebody holds. A new claim of the same row, or a longer lease, is another one."""

    id: int
    attempts: int
    lease_until: datetime
    """What its holder has written. It tells two leases apart, and is compared with no clock."""
    lasts: timedelta

    @property
    def key(self) -> tuple[int, int, datetime]:
        """Return what its row has in its columns for as long as it stands."""
        return self.id, self.attempts, self.lease_until


class Watch:
    """Remembers since when each claim has been seen, on a clock that never jumps."""

    def __init__(self) -> None:
        self._seen_at: dict[Claim, float] = {}

    def run_out(self, claims: Iterable[Claim], at: float) -> list[Claim]:
        """Return those of the present claims that have stood for as long as they last. `at`: after they were read."""
        self._seen_at = {claim: self._seen_at.get(claim, at) for claim in claims}
        return [claim for claim, since in self._seen_at.items() if at - since >= claim.lasts.total_seconds()]
