"""Two replicas behind a balancer: one is killed, one stands still, one is cut off from the database (T11)."""

import random
from pathlib import Path

import pytest

from tests.faults.balanced import FAULTS, balanced
from tests.faults.deployment import Cast, seed_of

pytestmark = pytest.mark.slow


def test_of_two_replicas_the_other_serves_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Whoever reports goes on while one of the two is away, and nothing is said twice when it comes back."""
    outcome = balanced(tmp_path, "postgresql", random.Random(seed_of()), cast=Cast(6, 2))
    assert outcome.violations == []
    assert [outcome.counts[fault] for fault in FAULTS] == [1, 1, 1]
