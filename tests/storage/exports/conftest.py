"""A small plan with reports, and a history of which everything is known, on both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.open_database import Database
from tests.storage.exports.small_plan import Plan, furnish
from tests.storage.exports.truth import NOW, History, Truth


@pytest.fixture
def plan(database: Database, apply: Callable[[Any], Any], world: Any, tmp_path: Path) -> Plan:
    apply(lambda unit: furnish(unit, world))
    return Plan(database, world, tmp_path)


@pytest.fixture
def told(database: Database, apply: Callable[[Any], Any], world: Any, tmp_path: Path) -> tuple[Plan, Truth]:
    """What is exported of a history that was played, and the truth beside it."""
    truth = apply(lambda unit: History(unit, world, 3).play())
    return Plan(database, world, tmp_path, NOW), truth
