"""What is kept for its turn is applied once and in order, whatever strikes meanwhile: a disk, a clock, a replica."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import seed_of
from tests.faults.excess import struck_while_kept
from tests.faults.plants import PLANTS, found

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "ways"), [("sqlite", ("full", "yesterday")), ("postgresql", ("killed",))], ids=lambda it: str(it)
)
def test_what_is_kept_outlives_what_strikes(tmp_path: Path, kind: str, ways: tuple[str, ...]) -> None:
    """Nothing is lost, doubled, misplaced or set aside (G1, G2, G3)."""
    outcome = struck_while_kept(
        tmp_path, kind, random.Random(seed_of()), webhook=kind == "postgresql", ways=ways, forms=12
    )
    assert outcome.violations == []
    assert outcome.counts["kept"] > 0
    assert all(outcome.counts[way] == 1 for way in ways)


@pytest.mark.planted
def test_planted_is_found(tmp_path: Path) -> None:
    """Of two that share a line each must know what the other has applied."""
    dice, name = random.Random(seed_of()), "apply_a_line_twice"
    given = {"plant": name, "webhook": True, **PLANTS[name].given}
    assert found(name, tmp_path, lambda folder: struck_while_kept(folder, "postgresql", dice, **given))
