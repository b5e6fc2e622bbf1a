"""Texts that are made to be slow to read, from an enrolled, a suspended and an unknown sender, in both modes (S16)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import seed_of
from tests.faults.plants import PLANTS, found
from tests.faults.slow_texts import FEW, TEXTS, slow_texts

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)], ids=["polling", "webhook"])
def test_nobody_waits_for_texts_that_are_made_to_be_slow(tmp_path: Path, kind: str, webhook: bool) -> None:
    """Everybody else is answered, such a text costs what an honest one does, and of the suspended nothing is read."""
    outcome = slow_texts(tmp_path, kind, random.Random(seed_of()), webhook=webhook)
    assert outcome.violations == []
    assert outcome.counts["texts"] == 2 * TEXTS + 3 * FEW


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "texts"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """A pattern that tries each beginning with each end, or a guard that reads what nobody may send."""
    dice = random.Random(seed_of())
    assert found(name, tmp_path, lambda folder: slow_texts(folder, "sqlite", dice, plant=name))
