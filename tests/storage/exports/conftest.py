"""A small plan with reports, and a history of which everything is known, on both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import World, build_world
from tests.storage.database.put_back import once_made
from tests.storage.exports.small_plan import Plan, furnish
from tests.storage.exports.truth import NOW, History, Truth


@pytest.fixture
def plan(database: Database, apply: Callable[[Any], Any], tmp_path: Path) -> Plan:
    def make(unit: UnitOfWork) -> World:
        world = build_world(unit)
        furnish(unit, world)
        return world

    return Plan(database, apply(lambda unit: once_made("small plan", unit, make)), tmp_path)


@pytest.fixture
def told(database: Database, apply: Callable[[Any], Any], tmp_path: Path) -> tuple[Plan, Truth]:
    """What is exported of a history that was played, and the truth beside it."""

    def make(unit: UnitOfWork) -> tuple[World, Truth]:
        world = build_world(unit)
        return world, History(unit, world, 3).play()

    world, truth = apply(lambda unit: once_made("history", unit, make))
    return Plan(database, world, tmp_path, NOW), truth
