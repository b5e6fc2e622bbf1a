"""What tests of review begin with."""

import pytest

from tests.bot.desk import Desk
from tests.bot.screens.reports.reviewed import a_second_coordinator


@pytest.fixture
def two_coordinators(desk: Desk) -> None:
    """Carmen is not the only coordinator: Mario is one too."""
    desk.do(a_second_coordinator)
