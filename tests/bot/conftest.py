"""What many of these tests begin with."""

from pathlib import Path

import pytest

from tests.bot.house import furnish


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with the demo's plan and people. Whoever changes anything copies it first."""
    folder: Path = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder
