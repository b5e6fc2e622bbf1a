"""Telegram's end, and a database of both kinds: what every test of the wire begins with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox, running_sandbox
from storage.open_database import Database
from tests.bot.telegram.wire import empty_database, opened, people_of


@pytest.fixture(scope="module")
def telegram() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(telegram: Sandbox) -> Sandbox:
    people_of(telegram)
    return telegram


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of one kind and then the other."""
    return empty_database(request.param, tmp_path)


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    with opened(url, tmp_path) as found:
        yield found


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """Where the kind of database makes no difference."""
    with opened(empty_database("sqlite", tmp_path), tmp_path) as found:
        yield found
