"""The shipped bot is killed in the midst of an import and a rotation, while a receiver is called."""

import random
from pathlib import Path

import pytest

from tests.faults.at_once import all_at_once
from tests.faults.deployment import seed_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "polling"), ("postgresql", "webhook")])
def test_all_at_once_loses_and_doubles_nothing(tmp_path: Path, kind: str, mode: str) -> None:
    """No answer, no event, no row of the plan."""
    outcome = all_at_once(tmp_path, kind, random.Random(seed_of()), webhook=mode == "webhook")
    assert outcome.violations == []
    assert (outcome.counts["deaths"], outcome.counts["import"], outcome.counts["rotation"]) == (2, 2, 2)
    assert outcome.counts["events"] > 0
