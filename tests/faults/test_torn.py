"""The database goes away under load, and COMMITs are lost on the way there or back (T7)."""

import random
import threading
from pathlib import Path

import pytest

from tests.faults.deployment import Cast, seed_of
from tests.faults.torn import Proxy, torn

pytestmark = pytest.mark.slow


def test_a_database_that_goes_away_and_commits_that_nobody_answers_lose_nothing(tmp_path: Path) -> None:
    """Telegram hears 503 meanwhile; afterwards every form is there once, and every question came in its order."""
    outcome = torn(tmp_path, "postgresql", random.Random(seed_of()), cast=Cast(8, 2), faults=4)
    assert outcome.violations == []
    assert outcome.counts["503"] == 2
    assert outcome.counts["commits cut"] == 2
    assert outcome.counts["answers of a commit lost"] >= 1


def test_a_wire_that_is_closed_is_waited_at_by_nobody() -> None:
    """Who still waited would let in, and turn away, whoever comes to the next wire."""
    at_work = set(threading.enumerate())
    proxy = Proxy(to=1)
    assert set(threading.enumerate()) > at_work
    proxy.close()
    assert set(threading.enumerate()) <= at_work
