"""A flood while somebody kills: what was acknowledged before its turn is applied once, in order, by whoever is next."""

import random

import pytest
from sqlalchemy import select

from bot.sandbox import people
from storage.database.models import KeptUpdate, PoisonUpdate, table
from tests.bot.telegram.wire import opened, texts
from tests.deadlines import wait_until
from tests.faults.town import CHATS, MakeTown, Town, lines, make_town

pytestmark = pytest.mark.slow

__all__ = ["make_town"]

FLOODER, OTHER = CHATS[0], CHATS[1]
FLOOD = 240
"""More than two batches of getUpdates."""


def flooded(town: Town, kills: int) -> None:
    """One chat sends everything at once, another a line now and then, and somebody kills, at random."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for line in lines(FLOOD):
        people.say(town.world, FLOODER, line)
    town.start()
    for number in range(kills):
        people.say(town.world, OTHER, f"line {number}")
        shown = len(town.world.ledger.entries) + dice.randrange(40)
        wait_until(
            lambda shown=shown: len(town.world.ledger.entries) >= shown,  # type: ignore[misc]
            "it goes on",
            show=town.log,
        )
        town.kill()
        town.start()
    wait_until(lambda: len(set(texts(town.sandbox, FLOODER))) == FLOOD, "everything is answered", show=town.log)
    town.settle()
    town.stop()


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "polling"), ("sqlite", "webhook"), ("postgresql", "polling")])
def test_a_flood_that_is_broken_off_is_applied_once_and_in_order(make_town: MakeTown, kind: str, mode: str) -> None:
    """Nothing is lost, doubled or set aside, and nothing is left in the database (G1, G2, G3)."""
    kills = 4
    town = make_town(kind, webhook=mode == "webhook")
    flooded(town, kills)
    heard = town.heard()
    assert heard[FLOODER] == lines(FLOOD)
    assert heard[OTHER] == lines(kills)
    replies = texts(town.sandbox, FLOODER)
    assert list(dict.fromkeys(replies)) == [f"{turn}: {line}" for turn, line in enumerate(lines(FLOOD), 1)]
    assert len(replies) <= FLOOD + kills
    with opened(town.url, town.folder) as database, database.view() as unit:
        for left in (KeptUpdate, PoisonUpdate):
            assert unit.connection.execute(select(table(left))).all() == []
