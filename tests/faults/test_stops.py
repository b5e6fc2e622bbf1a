"""Told to stop in any trouble, while people report, the bot ends well and goes on after the next start."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.plants import PLANTS, found
from tests.faults.stops import HANGING, STATES, stopped

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)])
def test_whatever_goes_on_a_stop_is_clean_and_loses_nothing(tmp_path: Path, kind: str, webhook: bool) -> None:
    """Exit code 0 and no traceback, in each state."""
    states = tuple(STATES) if kind == "sqlite" else ("load", "no database", HANGING)
    outcome = stopped(tmp_path, kind, random.Random(seed_of()), webhook=webhook, cast=Cast(6, 2), states=states)
    assert outcome.violations == []
    assert outcome.counts["ends"] == len(states)


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "stops"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """A stop that fails, and one that lets go of what is in hand."""
    plant = PLANTS[name]
    dice = random.Random(seed_of())
    given = {"cast": Cast(6, 2), "plant": name, **plant.given}
    assert found(name, tmp_path, lambda folder: stopped(folder, "sqlite", dice, **given))
