"""The bot dies while the picture of everybody's digest is drawn: nobody misses it, and nobody gets it twice (G7)."""

import random
from pathlib import Path

import pytest

from tests.faults.drawn import drawn
from tests.faults.plants import PLANTS, found

pytestmark = pytest.mark.slow
WHAT = ("called before", "in doubt", "not arrived")


def test_a_digest_is_not_in_doubt_while_its_picture_is_drawn(tmp_path: Path) -> None:
    """Of forty, twelve were, though none had been on its way. Whoever asks meanwhile is answered, and no stop waits.

    The long version has a replica that stands still for a minute beside another, and a kill while the digests go out.
    """
    outcome = drawn(tmp_path, "sqlite", random.Random(0), ways=("kill", "stop"))
    assert outcome.violations == []
    assert outcome.counts == dict.fromkeys((f"{way}: {what}" for way in ("kill", "stop") for what in WHAT), 0)


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "drawn"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """A message counts as begun before its picture is drawn."""
    assert found(name, tmp_path, lambda folder: drawn(folder, "sqlite", random.Random(0), plant=name))
