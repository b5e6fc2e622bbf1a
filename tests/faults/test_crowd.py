"""Everybody is reminded, one phone answers to nobody, two are gone, and people go on talking to the bot (G11, T5)."""

import random
from pathlib import Path

import pytest

from tests.faults.crowd import FEW, crowd
from tests.faults.deployment import seed_of
from tests.faults.plants import PLANTS, found

pytestmark = pytest.mark.slow


def test_replies_go_before_reminders_and_nobody_waits_for_a_phone_that_is_gone(tmp_path: Path) -> None:
    """One that hangs holds up nobody; who has blocked the bot is tried once, flagged, and back after /start."""
    outcome = crowd(tmp_path, "sqlite", random.Random(seed_of()))
    assert outcome.violations == []
    assert outcome.counts["reminders"] == FEW.people - 6


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "crowd"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """One lane for all, or fan-out before replies."""
    dice = random.Random(seed_of())
    assert found(name, tmp_path, lambda folder: crowd(folder, "sqlite", dice, delay=5.0, plant=name))
