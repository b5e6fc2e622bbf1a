"""One conversation, delivered again and again, mixed with others, to two replicas (T2)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import seed_of
from tests.faults.plants import found
from tests.faults.repeats import repeated

pytestmark = pytest.mark.slow


def test_what_is_delivered_up_to_five_times_to_two_replicas_is_stored_once(tmp_path: Path) -> None:
    """The database is as after the clean run: forms, sessions, and every message that was to be sent (G2, G3, G6)."""
    outcome = repeated(tmp_path, "postgresql", random.Random(seed_of()), together=2, examples=3)
    assert outcome.violations == []
    assert outcome.counts["forms"] == 6
    assert outcome.counts["deliveries"] > outcome.counts["answers"] > 50


@pytest.mark.planted
def test_planted_is_found(tmp_path: Path) -> None:
    """Without the unique key what came twice counts twice."""
    dice = random.Random(seed_of())
    given = {"together": 2, "examples": 2, "plant": "no_unique_key"}
    assert found("no_unique_key", tmp_path, lambda folder: repeated(folder, "postgresql", dice, **given))
