"""After an unclean end the shipped bot applies alone what may have been its cause, and no more."""

import random
from pathlib import Path

import pytest

from tests.faults.busy import busied
from tests.faults.deployment import seed_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "webhook"), ("postgresql", "polling")])
def test_what_may_have_killed_the_bot_is_applied_alone(tmp_path: Path, kind: str, mode: str) -> None:
    """In both modes. That it ends, however much comes, is shown beside it: `test_suspects`."""
    outcome = busied(tmp_path, kind, random.Random(seed_of()), webhook=mode == "webhook", waves=1)
    assert outcome.violations == []
    assert outcome.counts["deaths"] == 1
