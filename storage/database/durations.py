"""Plain counters for the hot path. One thread at a time writes them; the metrics page may read them at any moment.

A counter with a lock costs a microsecond, several times for each update. An integer costs nothing. If a reader sees a
number that is one too low, it sees the right one the next time. `bot.web.metrics` explains each counter to operators.
"""

from bisect import bisect_left

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets, in seconds. One more bucket counts everything slower."""


class Durations:
    """Durations of one kind of work: how many ended in each bucket, and their sum in seconds."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    @property
    def count(self) -> int:
        return sum(self.buckets)
