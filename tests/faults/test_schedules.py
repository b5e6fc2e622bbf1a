"""Schedules in every zone, under a clock that jumps (T12); each law broken once on purpose."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.plants import PLANTS, found
from tests.faults.schedules import schedules

FEW = {"zones": 2, "last_year": 2024, "days": 3, "cast": Cast(8, 2)}


def test_schedules_fire_once_in_each_window_and_never_at_night_or_ahead(tmp_path: Path) -> None:
    """A year by the clocks of the world, and days in which the bot's own clock is wrong (G9, G10)."""
    outcome = schedules(tmp_path, "sqlite", random.Random(seed_of()), **FEW)
    assert outcome.violations == []
    assert outcome.counts["skipped"] > 0
    assert outcome.counts["shown twice"] > 0
    assert outcome.counts["jumps"] == 3
    assert outcome.counts["reminders"] >= 8


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "T12"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """Each of these breaks what is promised of time: the walk above turns red."""
    plant = PLANTS[name]
    dice, given = random.Random(seed_of()), FEW | dict(plant.given) | {"plant": name}
    assert found(name, tmp_path, lambda folder: schedules(folder, "sqlite", dice, **given))
