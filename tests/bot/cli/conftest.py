"""A fresh installation, for the tests of the commands."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox, running_sandbox
from tests.bot.cli.commands import Installed, enlace


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A deployment right after its first `enlace init`; tests work on copies."""
    folder = tmp_path_factory.mktemp("installed")
    return Installed(folder, enlace(folder, "init"))


@pytest.fixture
def folder(installed: Installed, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed.folder, tmp_path / "deployment"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running
