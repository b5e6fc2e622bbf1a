"""A fresh installation, for the tests of the commands."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox, running_sandbox
from tests.bot.cli.commands import Done, Installed, enlace
from tests.once import made_once


@pytest.fixture(scope="session")
def installed() -> Installed:
    """A deployment right after its first `enlace init`; tests work on copies."""
    kept = made_once("installed", _install)
    return Installed(kept / "folder", Done(*json.loads((kept / "told.json").read_text("utf-8"))))


def _install(kept: Path) -> None:
    (kept / "folder").mkdir()
    done = enlace(kept / "folder", "init")
    (kept / "told.json").write_text(json.dumps([done.code, done.out, done.err]), "utf-8")


@pytest.fixture
def folder(installed: Installed, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed.folder, tmp_path / "deployment"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running
