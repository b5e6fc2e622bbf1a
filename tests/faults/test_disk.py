"""The disk of the database, or of the evidence, is full or frozen (T8)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.disk import FAULTS, exhausted
from tests.faults.plants import PLANTS, found

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)])
def test_what_cannot_be_stored_is_not_acknowledged_and_goes_on_when_there_is_room(
    tmp_path: Path, kind: str, webhook: bool
) -> None:
    """Photographs are asked for again; nothing that was acknowledged is missing; the file is whole."""
    outcome = exhausted(tmp_path, kind, random.Random(seed_of()), webhook=webhook, cast=Cast(8, 3))
    assert outcome.violations == []
    assert [outcome.counts[f"disk {fault}"] for fault in FAULTS] == [1] * len(FAULTS)
    assert outcome.counts["evidence refused"] > 0
    if kind == "sqlite":  # a server finds room in its pages for a while, until everybody waits for a photograph
        assert outcome.counts["refused"] > 0


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "T8"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """What could not be committed is acknowledged."""
    plant = PLANTS[name]
    dice = random.Random(seed_of())
    given = {"cast": Cast(8, 3), "plant": name, **plant.given}
    assert found(name, tmp_path, lambda folder: exhausted(folder, "sqlite", dice, **given))
