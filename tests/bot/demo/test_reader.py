"""The reader that the demonstration shows: a copy at the data door to which validated reports come."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.reader import Reader
from bot.open_storage import open_storage
from conversations.plan.model import ValidationState
from storage.unit_of_work import UnitOfWork
from tests.bot.doors.served import NOW, Served, served
from tests.bot.house import CARMEN, furnish, settings_in
from tests.ports import free_port
from tests.storage.validation import set_state


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Served]:
    furnish(tmp_path)
    with open_storage(settings_in(tmp_path)) as database, served(database) as opened:
        yield opened


def test_what_is_validated_arrives_at_the_reader(door: Served) -> None:
    """With the next look after the bot has done something; while it does nothing, a look reads nothing."""
    reader = Reader(door.port, door.token("public"))
    before = len(door.ask("reports", "public").rows)
    assert reader.look() == {"rows": before, "arrived": 0}
    assert reader.look({"updates": 1}) == {"rows": before, "arrived": 0}

    def validate(unit: UnitOfWork) -> None:
        carmen = unit.people.by_telegram_id(CARMEN)
        assert carmen is not None
        sent = unit.submissions.get(1)
        set_state(unit, sent.id, ValidationState.SUBMITTED)
        again = unit.submissions.get(1)
        unit.reviews.decide(again, "validated", carmen.id, NOW)

    door.do(validate)
    door.clock.moved += 60
    assert reader.look({"updates": 1}) == {"rows": before, "arrived": 0}
    assert reader.look({"updates": 2}) == {"rows": before, "arrived": 1}


def test_a_reader_waits_for_a_bot_that_is_down_and_is_nobody_without_a_token() -> None:
    assert Reader(free_port(), "x").look() == {"rows": 0, "arrived": 0}
    assert Reader(free_port(), "").look() is None
