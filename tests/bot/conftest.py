"""What most of these tests begin with: a furnished house, with its dispatch at hand or the real bot running in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from bot.settings import Settings
from tests.bot.desk import Desk
from tests.bot.house import Town, furnish, settings_in, town_in
from tests.storage.database import scratch


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with the demo's plan and people. Whoever changes anything copies it first."""
    folder: Path = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    """The dispatch over a copy of that house: one says, taps, and reads what a phone shows. No process, no wire."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with open_storage(settings_in(tmp_path)) as database:
        yield Desk(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def either_settings(request: pytest.FixtureRequest, tmp_path: Path, furnished: Path) -> Iterator[Settings]:
    """A copy of that house on SQLite, and then on PostgreSQL. Nobody has opened it."""
    if request.param == "sqlite":
        shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
        yield settings_in(tmp_path)
        return
    with scratch.schema_or_skip() as url:
        furnish(tmp_path, url)
        yield settings_in(tmp_path, database_url=url)


@pytest.fixture
def either_desk(either_settings: Settings) -> Iterator[Desk]:
    """The dispatch over it."""
    with open_storage(either_settings) as database:
        yield Desk(database)


@pytest.fixture
def town(tmp_path: Path, furnished: Path) -> Iterator[Town]:
    """The real bot in a copy of that house, beside the emulated Telegram: each officer has a phone."""
    with town_in(tmp_path, furnished) as town:
        yield town
