"""A flood while somebody kills: what was acknowledged before its turn is applied once, in order, by whoever is next."""

import random
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.sandbox import people
from storage.database.models import KeptUpdate, PoisonUpdate, table
from tests.bot.telegram.wire import opened, texts
from tests.deadlines import wait_until
from tests.faults.deployment import seed_of
from tests.faults.floods import flooded as flooded_with_reports
from tests.faults.plants import PLANTS, found
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


def test_a_flood_by_webhook_that_is_broken_off_is_applied_once_and_in_order(make_town: MakeTown) -> None:
    """Nothing is lost, doubled or set aside, and nothing is left in the database (G1, G2, G3)."""
    kills = 4
    town = make_town("sqlite", webhook=True)
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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_flood_of_whole_reports_leaves_each_as_it_was_typed(tmp_path: Path, kind: str) -> None:
    """The shipped bot, killed again and again: an update out of its order would stand at another question.

    It polls: by webhook Telegram sends what a chat has said one after the other, and nothing is kept.
    """
    outcome = flooded_with_reports(tmp_path, kind, random.Random(seed_of()))
    assert outcome.violations == []
    assert outcome.counts["deaths"] == 4
    assert outcome.counts["kept at a death"] > 0


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test == "flood"])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """What is acknowledged and not applied has to be somewhere."""
    given = {"plant": name, **PLANTS[name].given}
    dice = random.Random(seed_of())
    assert found(name, tmp_path, lambda folder: flooded_with_reports(folder, "sqlite", dice, **given))
