"""The forms are published anew in the midst of everybody's reports (T15)."""

import random
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.upgrade import FORMS, upgraded

pytestmark = pytest.mark.slow


def test_every_session_is_finished_on_the_version_it_began_with(tmp_path: Path) -> None:
    """Whoever was in the midst of a form sees nothing of the new one until it is sent."""
    outcome = upgraded(tmp_path, "sqlite", random.Random(seed_of()), cast=Cast(6, 3))
    assert outcome.violations == []
    assert outcome.counts["finished on their version"] > 0
    assert outcome.counts["versions sent"] > len(FORMS)
