"""What every scenario brings back."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """What a scenario counted, and what it found to be against the guarantees."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """From each start after a death until somebody was answered."""
