"""Every kind of update, mutated, from strangers and from people with a role, to the shipped bot (T10)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.fuzz import KINDS, fuzzed
from tests.faults.plants import PLANTS, found

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)])
def test_updates_of_every_kind_kill_nothing_and_strangers_change_nothing(
    tmp_path: Path, kind: str, webhook: bool
) -> None:
    """It lives, everybody is still answered, and what strangers sent is not in any table of the plan."""
    outcome = fuzzed(tmp_path, kind, random.Random(seed_of()), webhook=webhook, cast=Cast(8, 2), rounds=4)
    assert outcome.violations == []
    assert outcome.counts["of strangers"] == outcome.counts["of people"] == 4 * len(KINDS)
    assert outcome.counts["set aside"] > 0


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "T10"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """A bot that enrols whoever writes to it is found out."""
    dice = random.Random(seed_of())
    assert found(name, tmp_path, lambda folder: fuzzed(folder, "sqlite", dice, cast=Cast(8, 2), rounds=2, plant=name))
