"""A furnished plan on both databases, and the door before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from tests.bot.doors.served import Served, served
from tests.bot.house import furnish, settings_in
from tests.storage.database import scratch


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("door")
    if request.param == "sqlite":
        furnish(folder)
        with open_storage(settings_in(folder)) as database, served(database) as opened:
            yield opened
        return
    with scratch.schema_or_skip() as url:
        furnish(folder, url)
        with open_storage(settings_in(folder, database_url=url)) as database, served(database) as opened:
            yield opened


@pytest.fixture
def door_on_sqlite(tmp_path: Path) -> Iterator[Served]:
    """One of a test's own, for what changes more than a report."""
    furnish(tmp_path)
    with open_storage(settings_in(tmp_path)) as database, served(database) as opened:
        yield opened
