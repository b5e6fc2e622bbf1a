"""Two replicas behind the shipped nginx and the shipped Caddy, of which one is cut off from the database (T11)."""

import random
from pathlib import Path

import pytest

from tests.faults.cut_off import cut_off
from tests.faults.deployment import seed_of
from tests.proxies import FRONTS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("front", FRONTS)
def test_who_is_cut_off_leaves_and_everybody_is_served_by_the_other(tmp_path: Path, front: str) -> None:
    """While it lasts each of them is answered again and again, and soon Telegram is refused nothing."""
    outcome = cut_off(tmp_path, "postgresql", random.Random(seed_of()), front=front)
    assert outcome.violations == []
    assert outcome.counts["cuts"] == 1
