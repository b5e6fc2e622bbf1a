"""Somebody else has the token (T6)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.plants import PLANTS, found
from tests.faults.rivals import rivals

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)])
def test_who_takes_the_updates_is_told_to_an_admin_and_nothing_is_lost(
    tmp_path: Path, kind: str, webhook: bool
) -> None:
    """On their phone, while people report; afterwards every form is there."""
    outcome = rivals(tmp_path, kind, random.Random(seed_of()), webhook=webhook, cast=Cast(6, 2))
    assert outcome.violations == []
    assert outcome.counts["foreign webhook"] == 1
    assert outcome.counts["second poller"] == (0 if webhook else 1)


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "T6"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """An alarm that reaches nobody."""
    plant = PLANTS[name]
    dice = random.Random(seed_of())
    given = {"cast": Cast(6, 2), "plant": name, **plant.given}
    assert found(name, tmp_path, lambda folder: rivals(folder, "sqlite", dice, **given))
