"""Another process holds the database's lock (T9)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.locked import locked
from tests.faults.plants import PLANTS, found

pytestmark = pytest.mark.slow


def test_a_lock_of_four_seconds_is_not_noticed_and_a_longer_one_is_told(tmp_path: Path) -> None:
    """By a pause of polling or a 503; then everything goes on."""
    outcome = locked(tmp_path, "sqlite", random.Random(seed_of()), webhook=True, cast=Cast(8, 2))
    assert outcome.violations == []
    assert outcome.counts["told"] == 1


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "T9"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """A writer that waits for nobody."""
    plant = PLANTS[name]
    dice = random.Random(seed_of())
    given = {"cast": Cast(8, 2), "plant": name, **plant.given}
    assert found(name, tmp_path, lambda folder: locked(folder, "sqlite", dice, **given))
