"""Plain counters for the hot path: written by one thread at a time, read by a scrape whenever it comes.

A counter with a lock of its own costs a microsecond each, several times an update; an integer costs nothing, and a
scrape that sees it one too low sees it right the next time. What they mean to an operator is told in
`bot.web.metrics`.
"""

from bisect import bisect_left

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets, in seconds; one more bucket holds what took longer."""


class Durations:
    """How long something took: how often it ended in each bucket, and seconds in all."""

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
