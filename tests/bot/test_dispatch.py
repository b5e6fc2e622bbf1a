"""The two tables by which an update is taken."""

from typing import get_args

from bot.dispatch import HANDLERS
from bot.telegram.updates import Pressed, Written


def test_every_kind_of_update_that_a_person_causes_has_a_handler():
    """A new kind of update is a row of the table; without it, nothing answers the person."""
    assert HANDLERS.keys() == {Pressed, *get_args(Written)}
