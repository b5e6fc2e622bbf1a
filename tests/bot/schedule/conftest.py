"""Schedules in the house whose days these tests live through."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from storage.open_database import Database
from tests.bot.desk import Desk
from tests.bot.house import furnish, settings_in
from tests.bot.schedule.days import opened
from tests.storage.database import scratch


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    """The dispatch over a house whose schedules have been there since July."""
    yield from opened(furnished, tmp_path / "house")


@pytest.fixture
def database(tmp_path: Path, furnished: Path) -> Iterator[Database]:
    """The house on SQLite, without a dispatch."""
    shutil.copytree(furnished, tmp_path / "house")
    with open_storage(settings_in(tmp_path / "house")) as opened_one:
        yield opened_one


@pytest.fixture
def postgres_database(tmp_path: Path) -> Iterator[Database]:
    """The house on PostgreSQL."""
    with scratch.schema_or_skip() as url:
        furnish(tmp_path, url)
        with open_storage(settings_in(tmp_path, database_url=url)) as opened_one:
            yield opened_one


@pytest.fixture(params=["database", "postgres_database"])
def either_database(request: pytest.FixtureRequest) -> Database:
    """The house on SQLite, and then on PostgreSQL, where a statement that failed spoils its transaction."""
    found: Database = request.getfixturevalue(request.param)
    return found
