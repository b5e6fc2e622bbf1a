"""Of a replica that dies, or stands still, another one does the jobs, and each is answered once (T11)."""

import random
from pathlib import Path

import pytest

from tests.faults.standing import stood_still

pytestmark = pytest.mark.slow


def test_a_job_is_taken_over_and_answered_once(tmp_path: Path) -> None:
    """An export, and a file that is looked at. The long version has a replica that stands still, for half a minute."""
    outcome = stood_still(tmp_path, "postgresql", random.Random(0))
    assert outcome.violations == []
    assert outcome.counts == {"export, kill": 1, "file, kill": 1}
