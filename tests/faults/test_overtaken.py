"""A replica that was stopped and taken for dead sends nothing any more of what it had in hand (T11)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import seed_of
from tests.faults.overtaken import overtaken
from tests.faults.plants import found

pytestmark = pytest.mark.slow


def test_one_that_wakes_up_sends_nothing_of_what_was_taken_over(tmp_path: Path) -> None:
    """No chat sees an older question after a newer one."""
    outcome = overtaken(tmp_path, "postgresql", random.Random(seed_of()))
    assert outcome.violations == []
    assert outcome.counts["lock"] == 1


@pytest.mark.planted
def test_planted_is_found(tmp_path: Path) -> None:
    """Who goes on with what it had in hand asks again what was asked before."""
    dice, name = random.Random(seed_of()), "send_what_was_taken_over"
    assert found(name, tmp_path, lambda folder: overtaken(folder, "postgresql", dice, plant=name))
