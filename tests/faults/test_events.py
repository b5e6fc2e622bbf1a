"""Events reach their receiver, whatever dies in between: small here, with 200 deaths in `make torture`."""

import random
from pathlib import Path

import pytest

from tests.faults.events import told

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_events_are_told_whatever_dies(kind: str, tmp_path: Path) -> None:
    """Nothing lost, nothing invented, and each report in order."""
    outcome = told(tmp_path, kind, random.Random(18), deaths=5)
    assert outcome.violations == []
    assert outcome.counts["kills"] == 5
