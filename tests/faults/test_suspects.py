"""What kills the process is found among what was in flight, set aside and told; nobody else is (G1, G4).

Real processes: an update or a job that ends the process is there again after each restart, and so is everybody else's.
"""

import random
import time
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select, text

from bot.sandbox.faults import Fault
from bot.telegram.waiting import BATCH
from storage.database.models import PoisonUpdate, Suspect, table
from tests.bot.telegram.wire import opened, texts
from tests.deadlines import wait_until
from tests.faults.town import CHATS, MakeTown, Town, lines, make_town, note_marks

pytestmark = pytest.mark.slow

__all__ = ["make_town"]

KILLER = CHATS[5]
SCRIPT = ["line 0", "line 1"]


def poisoned(town: Town) -> list[str]:
    """Why updates were set aside."""
    return _column(town, lambda: select(table(PoisonUpdate).c.reason))


def marks(town: Town) -> list[str]:
    return _column(town, lambda: select(table(Suspect).c.number))


def _column(town: Town, query: Callable[[], object]) -> list[str]:
    with opened(town.url, town.folder) as database, database.view() as unit:
        return [row[0] for row in unit.connection.execute(query())]  # type: ignore[call-overload]


def start_until_it_stays(town: Town, plant: Sequence[str] = (), at_most: int = 4) -> int:
    """Start it again whenever it has died, as a supervisor does, until Telegram has nothing left; how many deaths."""
    deaths = 0
    town.start(plant=plant)
    while town.world.bot.pending:
        assert town.process is not None
        if town.process.poll() is not None:
            deaths += 1
            town.wait_for_death()
            if deaths == at_most:
                return deaths
            town.start(plant=plant)
        town.hurry()
        time.sleep(0.02)
    town.settle()
    town.stop()
    return deaths


def everybody_says(town: Town) -> None:
    """Two lines each, and between those of one a word that kills."""
    town.say(SCRIPT[:1])
    town.say(["kill me"], chats=[KILLER])
    town.say(SCRIPT[1:])


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "polling"), ("postgresql", "webhook")])
def test_an_update_that_kills_is_set_aside_at_its_third_death_alone(make_town: MakeTown, kind: str, mode: str) -> None:
    """Three deaths after an unclean end (`opened` leaves one); its person is told, everybody is answered in order.

    A reply that had been sent at a death, and was not recorded yet, is sent once more (G7).
    """
    town = make_town(kind, webhook=mode == "webhook")
    everybody_says(town)
    assert start_until_it_stays(town) == 3, town.log()
    assert poisoned(town) == ["the process ended 3 times while this alone was being applied"]
    assert marks(town) == []
    for chat in CHATS:
        apology = ["sorry: kill me"] if chat == KILLER else []
        replies = texts(town.sandbox, chat)
        assert list(dict.fromkeys(replies)) == ["1: line 0", *apology, "2: line 1"]
        assert len(replies) <= len(set(replies)) + 3
    assert town.log().count("repeated_deaths") == 1


@pytest.mark.planted
def test_planted_nobody_is_marked_and_it_is_tried_for_ever(make_town: MakeTown) -> None:
    """Planted: a start after a death is like any other. Four deaths, and it would go on."""
    town = make_town()
    everybody_says(town)
    assert start_until_it_stays(town, ["never_wary"]) == 4


def comes_again_behind_a_hundred(town: Town, plant: Sequence[str] = (), at_most: int = 4) -> int:
    """Telegram tries again late what killed: others have written more than a hundred times by then; how many deaths."""
    town.say(["kill me"], chats=[KILLER])
    [killing] = town.world.bot.pending
    others = [chat for chat in CHATS if chat != KILLER]
    deaths = 0
    while killing in town.world.bot.pending and deaths < at_most:
        held = town.world.faults.add(Fault("reset", "webhook", KILLER))
        town.say([f"{deaths}.{number}" for number in range(1 + BATCH // len(others))], chats=others)
        town.start(plant=plant)
        wait_until(lambda: town.world.bot.pending == [killing], "all others are applied", show=town.log)
        town.world.faults.remove(held.id)
        town.hurry()
        process = town.process
        assert process is not None
        wait_until(lambda p=process: not town.world.bot.pending or p.poll() is not None, "it dies, or has survived")  # type: ignore[misc]
        if process.poll() is not None:
            town.wait_for_death()
            deaths += 1
    return deaths


def test_an_update_that_kills_is_found_also_if_it_comes_again_behind_a_hundred_others(make_town: MakeTown) -> None:
    """By webhook the first to come are others: what is older than these is suspected too."""
    town = make_town(webhook=True)
    assert comes_again_behind_a_hundred(town) == 3, town.log()
    town.settle()
    town.stop()
    assert poisoned(town) == ["the process ended 3 times while this alone was being applied"]
    assert marks(town) == []


@pytest.mark.planted
def test_planted_only_the_first_to_come_are_suspected(make_town: MakeTown) -> None:
    """Planted: a number alone. By webhook what kills comes behind it, and would kill for ever."""
    assert comes_again_behind_a_hundred(make_town(webhook=True), ["only_the_first"]) == 4


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "webhook"), ("sqlite", "polling"), ("postgresql", "webhook")])
def test_after_a_death_no_more_is_applied_alone_than_can_have_been_its_cause(
    make_town: MakeTown, kind: str, mode: str
) -> None:
    """However much comes afterwards: `opened` leaves an unclean end, and 480 lines wait."""
    town = make_town(kind, webhook=mode == "webhook")
    with opened(town.url, town.folder) as database:
        for statement in note_marks(is_sqlite=kind == "sqlite"):
            database.units.submit(None, lambda unit, s=statement: unit.connection.execute(text(s))).result()  # type: ignore[misc]
    script = lines(40)
    town.say(script)
    town.start()
    town.settle()
    town.stop()
    assert town.violations(script, extra_messages=0) == []
    assert len(_column(town, lambda: text("SELECT number FROM marked"))) in range(BATCH, 2 * BATCH + 1)


def killed_at_random(town: Town, kills: int, plant: Sequence[str] = ()) -> list[str]:
    """Everybody writes, and somebody outside kills.

    How far the process comes before that is random, and it may be nowhere, several times in a row: the one at the head
    of the line is not taken for the cause, since before the death that would count the others are tried first.
    """
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    town.start(plant=plant)
    for number in range(kills):
        town.say([f"line {number}"])
        further = dice.choice((0, 0, 0, 1, 2, 5))
        left = max(0, len(town.world.bot.pending) - further)
        wait_until(lambda left=left: len(town.world.bot.pending) <= left, "it goes on", show=town.log)  # type: ignore[misc]
        town.kill()
        town.start(plant=plant)
    town.settle()
    town.stop()
    return poisoned(town)


@pytest.mark.parametrize(("kind", "mode", "kills"), [("sqlite", "polling", 5), ("postgresql", "webhook", 3)])
def test_kills_at_random_set_nobodys_answer_aside(make_town: MakeTown, kind: str, mode: str, kills: int) -> None:
    """Who was in flight is innocent, however often, and each is answered once and in order."""
    town = make_town(kind, webhook=mode == "webhook")
    assert killed_at_random(town, kills) == []
    assert town.violations(lines(kills), extra_messages=kills) == []
    assert marks(town) == []


@pytest.mark.planted
def test_planted_deaths_in_company_are_counted_and_the_innocent_are_set_aside(make_town: MakeTown) -> None:
    """Planted: each update is marked when it comes in, and who was in flight beside the killer goes with it."""
    town = make_town()
    everybody_says(town)
    start_until_it_stays(town, ["count_everybody"])
    assert len(poisoned(town)) > 1
