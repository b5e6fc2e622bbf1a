"""An unreliable Telegram, and hours of its silence, before the shipped bot (T4)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.plants import PLANTS, found
from tests.faults.weather import weathered

pytestmark = pytest.mark.slow


def test_whatever_telegram_fails_at_no_question_is_lost_and_no_reminder_comes_twice(tmp_path: Path) -> None:
    """Each kind of failure strikes reminders and questions; nothing is called inside the window of a 429."""
    outcome = weathered(tmp_path, "sqlite", random.Random(seed_of()), cast=Cast(10, 2), windows=(1, 10_072))
    assert outcome.violations == []
    assert outcome.counts["calls that failed"] >= 16
    assert outcome.counts["reminders in doubt"] > 0
    assert outcome.counts["windows of 10072 s"] == 1


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "T4"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """A reminder in doubt that is sent again, a window that nobody looks at."""
    plant = PLANTS[name]
    dice = random.Random(seed_of())
    assert found(name, tmp_path, lambda folder: weathered(folder, "sqlite", dice, plant=name, **plant.given))
