"""A database that an old commit filled is upgraded, and keeps every answer."""

import random
from pathlib import Path

import pytest

from tests.faults.aged import aged
from tests.faults.deployment import seed_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_an_old_commit_has_stored_is_there_after_kills_and_an_upgrade(tmp_path: Path, kind: str) -> None:
    """Each report once, under its number, with the same answers, open or sealed; and whoever reports is answered."""
    outcome = aged(tmp_path, kind, random.Random(seed_of()), reports=60)
    assert outcome.violations == []
    assert outcome.counts["forms"] >= 60
    assert outcome.counts["deaths"] == 2
