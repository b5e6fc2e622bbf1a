"""Lights, queue, first screen and workbook, counted again with SQL: what a quarter of chance left in the tables.

Closings are counted in `test_one_number`.
"""

from datetime import date, datetime, time
from pathlib import Path

import pytest

from tests.bot.desk import Desk
from tests.bot.schedule.days import HERE
from tests.bot.screens.everyone.quarter import WORST_FIRST, Quarter, assert_numbers

DAYS = ("2018-10-12", "2018-11-15", "2018-12-28", "2019-01-09", "2019-02-01")


@pytest.mark.parametrize(
    ("either_settings", "seed"),
    [("sqlite", 1), ("postgresql", 3)],
    indirect=["either_settings"],
)
def test_every_light_and_count_is_what_the_tables_say(either_desk: Desk, tmp_path: Path, seed: int) -> None:
    """In the middle of a closing, at a lock, after a quarter, and when all of it has locked."""
    quarter, seen = Quarter(either_desk, seed), set()
    for day in DAYS:
        either_desk.now = datetime.combine(date.fromisoformat(day), time(12), HERE)
        quarter.live(either_desk.now)
        seen |= assert_numbers(quarter, tmp_path, is_workbook=day == DAYS[-1])
    assert seen == set(WORST_FIRST)
