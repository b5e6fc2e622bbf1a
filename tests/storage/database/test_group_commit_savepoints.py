"""On SQLite units share a savepoint at their first try, and one that fails still takes nothing with it (G3, G4)."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from storage.database.unit import Opening
from storage.errors import Unavailable
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.units import NOW, held, known, learn, set_trap

SHARES = Opening()


class Wrong(Exception):
    """The failure of a unit."""


def fail(name: str) -> Callable[[UnitOfWork], object]:
    """A unit that leaves a trace and fails."""

    def work(unit: UnitOfWork) -> None:
        unit.facts.set(name, "yes", NOW)
        unit.outbox.add(OutboxDraft(7, "notice", "sendMessage", {"text": name}), now=NOW)
        raise Wrong(name)

    return work


def say(name: str, hooked: list[str]) -> Callable[[UnitOfWork], object]:
    """A unit that leaves a trace, a row that waits for its group, and a hook."""

    def work(unit: UnitOfWork) -> object:
        unit.facts.set(name, "yes", NOW)
        unit.after_commit(lambda: hooked.append(name))
        return unit.outbox.add(OutboxDraft(7, "notice", "sendMessage", {"text": name}), now=NOW).id

    return work


def said(database: Database) -> dict[object, str]:
    """The messages in the outbox, by their numbers."""
    with database.view() as unit:
        rows = unit.connection.execute(text("SELECT id, payload ->> 'text' AS said FROM outbox ORDER BY id"))
        return {row.id: row.said for row in rows}


@pytest.mark.parametrize("seed", range(20))
def test_each_unit_is_durable_or_gone_whoever_fails_beside_it(sqlite_database: Database, seed: int) -> None:
    """Whatever its place: who succeeds is stored once, in its key's order, with its row and its hook."""
    dice = random.Random(seed)
    units = [(dice.choice("abc"), dice.random() < 0.7, dice.random() < 0.8) for _ in range(dice.randrange(1, 25))]
    hooked: list[str] = []
    futures = []
    with held(sqlite_database.units):
        for number, (key, succeeds, shares) in enumerate(units):
            work = say(str(number), hooked) if succeeds else fail(str(number))
            futures.append(sqlite_database.units.submit(key, work, opening=SHARES if shares else None))
    numbers: dict[object, str] = {}
    for number, (future, (_, succeeds, _)) in enumerate(zip(futures, units, strict=True)):
        if succeeds:
            numbers[future.result(PATIENCE)] = str(number)
        else:
            assert isinstance(future.exception(PATIENCE), Wrong)
    done = {str(number) for number, (_, succeeds, _) in enumerate(units) if succeeds}
    assert known(sqlite_database, *map(str, range(len(units)))) == done
    assert said(sqlite_database) == numbers
    assert sorted(hooked) == sorted(done)
    for key in "abc":
        mine = [int(number) for number in hooked if units[int(number)][0] == key]
        assert mine == sorted(mine)


def test_what_waits_behind_a_failed_unit_of_its_key_waits_until_it_has_ended(sqlite_database: Database) -> None:
    """Its key was undone with the others and applied again: not even then does a later unit overtake it."""
    seen: list[str] = []

    def stumble(unit: UnitOfWork) -> None:
        seen.append("stumble")
        if seen.count("stumble") < 3:
            raise Wrong

    with held(sqlite_database.units):
        futures = [
            sqlite_database.units.submit("a", lambda unit: seen.append("first"), opening=SHARES),
            sqlite_database.units.submit("b", lambda unit: seen.append("other"), opening=SHARES),
            sqlite_database.units.submit("a", stumble, tries=3, opening=SHARES),
            sqlite_database.units.submit("a", lambda unit: seen.append("last"), opening=SHARES),
        ]
    for future in futures:
        future.result(PATIENCE)
    assert seen[-1] == "last"
    assert seen.count("last") == 1
    assert seen.count("stumble") == 3


def test_a_transaction_that_a_sharing_unit_lets_go_of_is_found_out_at_once(sqlite_database: Database) -> None:
    """Its error was swallowed. Without a look after each, the next unit's writes would be stored one by one."""
    set_trap(sqlite_database)

    def swallow(unit: UnitOfWork) -> None:
        with pytest.raises(Exception, match="the trap shut"):
            learn("trap")(unit)

    with held(sqlite_database.units):
        before = sqlite_database.units.submit("a", learn("before"), opening=SHARES)
        bad = sqlite_database.units.submit("b", swallow, opening=SHARES)
        after = sqlite_database.units.submit("c", learn("after"), opening=SHARES)
    assert isinstance(before.exception(PATIENCE), Unavailable)
    assert isinstance(bad.exception(PATIENCE), Unavailable)
    assert after.result(PATIENCE) == "after"  # in the next group
    assert known(sqlite_database, "before", "trap", "after") == {"after"}


@pytest.mark.parametrize("opens", ["SAVEPOINT unit", "BEGIN IMMEDIATE"])
def test_a_sharing_unit_that_ends_the_transaction_itself_is_found_out(sqlite_database: Database, opens: str) -> None:
    """It covers its tracks: the driver is in a transaction again, but not in the one of the others."""

    def end_it(unit: UnitOfWork) -> None:
        driver: Any = unit.connection.connection.dbapi_connection
        driver.execute("ROLLBACK")
        driver.execute(opens)

    with held(sqlite_database.units):
        before = sqlite_database.units.submit("a", learn("before"), opening=SHARES)
        bad = sqlite_database.units.submit("b", end_it, opening=SHARES)
    assert isinstance(bad.exception(PATIENCE), Unavailable)
    assert isinstance(before.exception(PATIENCE), Unavailable)
    assert known(sqlite_database, "before") == set()
