"""Schedules in the house whose days these tests live through."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.desk import Desk
from tests.bot.schedule.days import opened


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    """The dispatch over a house whose schedules have been there since July."""
    yield from opened(furnished, tmp_path / "house")
