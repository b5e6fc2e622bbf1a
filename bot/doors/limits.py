"""How often a client may call: a burst, and then at a steady rate, for each token and each address.

The counts are in memory, so each process counts for itself. Memory is bounded: the counts of clients that were not seen
for longest are dropped.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, and one more every `every` seconds."""

    burst: int
    every: float


READS: Final = Rate(60, 0.5)
"""For a token."""
STRANGERS: Final = Rate(20, 10.0)
"""For an address: requests without a good token."""
NETWORKS: Final = Rate(200, 5.0)
"""The same for a network of 48 bits, in which somebody may have 65 536 addresses that count as one each."""


class Allowances:
    """A token bucket for each client."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate, self._monotonic = rate, monotonic
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """For each caller: how many calls of its burst are spent, and when that was counted."""

    def wait(self, who: str) -> float:
        """Seconds until the client may call again; 0 now."""
        return max(0.0, (self._now(who) - self._rate.burst + 1) * self._rate.every)

    def __contains__(self, who: str) -> bool:
        return who in self._spent

    def spend(self, who: str) -> None:
        self._spent[who] = self._now(who) + 1, self._monotonic()
        self._spent.move_to_end(who)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)

    def _now(self, who: str) -> float:
        spent, at = self._spent.get(who, (0.0, 0.0))
        return max(0.0, spent - (self._monotonic() - at) / self._rate.every)
