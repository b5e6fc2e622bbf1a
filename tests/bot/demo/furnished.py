"""A demo's folder as `enlace demo` furnishes it: made once for all tests that start one there.

That a demo furnishes an empty folder itself is seen where one starts without it (tests/e2e, tests/faults).
"""

import contextlib
import shutil
from datetime import UTC
from pathlib import Path

from bot.demo.cast import BEGINS
from bot.demo.demo import FOLDER, demo_settings
from bot.demo.furnishing import seed
from bot.setup import set_up
from tests.once import made_once


def furnish_demo(folder: Path) -> None:
    """A folder in which a demo goes on at once."""
    shutil.copytree(made_once("demo", _make), folder, dirs_exist_ok=True)


def _make(folder: Path) -> None:
    with contextlib.chdir(folder):
        FOLDER.mkdir()
        settings = demo_settings()
        for _ in set_up(settings, BEGINS.astimezone(UTC)):
            pass
        seed(settings)
