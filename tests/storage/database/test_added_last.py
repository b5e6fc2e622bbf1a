"""New rows of the outbox wait for the end of their group on SQLite, and nobody can tell."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from storage.database.models import Card, OutboxMessage, table
from storage.database.statements import Prepared
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.units import NOW, held, learn

_O, _C = table(OutboxMessage), table(Card)
_SAID = select(_O.c.chat_id).order_by(_O.c.id)
_SAID_PREPARED = Prepared(_SAID)
_CARDS = select(func.count()).select_from(_C)


class Wrong(Exception):
    """An ordinary failure."""


def say(chat_id: int) -> Callable[[UnitOfWork], int]:
    """A unit that says something on a card of its own."""

    def work(unit: UnitOfWork) -> int:
        card_id = unit.outbox.new_card(chat_id)
        return unit.outbox.add(OutboxDraft(chat_id, "prompt", "sendMessage", {"text": "?"}, card_id), now=NOW).id

    return work


def said(unit: UnitOfWork) -> list[int]:
    return list(unit.connection.execute(_SAID).scalars())


def said_prepared(unit: UnitOfWork) -> list[int]:
    return [chat_id for (chat_id,) in _SAID_PREPARED.rows(unit.connection, {})]


def run(database: Database, *works: Callable[[UnitOfWork], Any]) -> list[Any]:
    """What these return, or what they fail with: units of one group, in this order."""
    with held(database.units):
        futures = [database.units.submit(number, work) for number, work in enumerate(works)]
    return [future.exception(PATIENCE) or future.result(PATIENCE) for future in futures]


def test_a_group_adds_them_together(sqlite_database: Database) -> None:
    """In the order in which they were said, with the numbers that were told."""
    first, second, third = run(sqlite_database, say(1), say(2), say(1))
    assert (second, third) == (first + 1, first + 2)
    with sqlite_database.reader() as connection:
        rows = connection.execute(select(_O.c.id, _O.c.chat_id).order_by(_O.c.id)).all()
    assert [tuple(row) for row in rows] == [(first, 1), (second, 2), (third, 1)]


@pytest.mark.parametrize("look", [said, said_prepared])
def test_who_looks_sees_what_was_said_before_in_the_group(sqlite_database: Database, look: Any) -> None:
    """Their own rows and those of units before them."""

    def say_and_look(unit: UnitOfWork) -> list[int]:
        say(2)(unit)
        found: list[int] = look(unit)
        return found

    assert run(sqlite_database, say(1), say_and_look, say(3), look)[1::2] == [[1, 2], [1, 2, 3]]


def test_a_number_is_not_given_twice_because_a_unit_was_undone(sqlite_database: Database) -> None:
    """It had what was said before it written, inside its own savepoint: that waits again, with its numbers."""

    def fail(unit: UnitOfWork) -> None:
        said(unit)
        unit.facts.set("left", "something", NOW)
        raise Wrong

    first, _, second = run(sqlite_database, say(1), fail, say(3))
    assert second == first + 1
    with sqlite_database.view() as unit:
        assert said(unit) == [1, 3]


@pytest.mark.parametrize("has_looked", [True, False])
def test_what_a_failing_unit_said_is_gone_and_what_others_said_is_not(
    sqlite_database: Database, has_looked: bool
) -> None:
    """Even if it had looked, so that what others had said was written inside its own savepoint."""

    def fail(unit: UnitOfWork) -> None:
        say(2)(unit)
        if has_looked:
            said(unit)
            say(2)(unit)
        raise Wrong

    outcomes = run(sqlite_database, say(1), fail, say(3))
    assert isinstance(outcomes[1], Wrong)
    with sqlite_database.view() as unit:
        assert said(unit) == [1, 3]
        assert unit.connection.execute(_CARDS).scalar_one() == 2


@pytest.mark.parametrize("has_looked", [True, False])
def test_what_was_said_aside_fails_alone(sqlite_database: Database, has_looked: bool) -> None:
    """A part of a unit that may fail: what was said before it and after it stays, in the unit and in those before."""

    def work(unit: UnitOfWork) -> None:
        say(2)(unit)
        with contextlib.suppress(Wrong), unit.aside():
            say(3)(unit)
            if has_looked:
                said(unit)
                say(3)(unit)
            raise Wrong
        with unit.aside():
            say(4)(unit)
        say(5)(unit)

    run(sqlite_database, say(1), work, say(6))
    with sqlite_database.view() as unit:
        assert said(unit) == [1, 2, 4, 5, 6]


def test_what_is_lost_with_its_group_does_not_come_back(sqlite_database: Database) -> None:
    """A unit alone in its group fails; the next group begins with nothing."""
    [outcome] = run(sqlite_database, lambda unit: [say(1)(unit), unit.plans.only()])
    assert isinstance(outcome, Exception)
    run(sqlite_database, learn("a"), say(2))
    with sqlite_database.view() as unit:
        assert said(unit) == [2]


def test_rows_that_the_database_numbers_come_between(sqlite_database: Database) -> None:
    """Written by another way in the same unit: no number is given twice."""

    def mixed(unit: UnitOfWork) -> list[int]:
        one = say(1)(unit)
        values = {"chat_id": 2, "kind": "digest", "method": "sendMessage", "state": "queued", "created_at": NOW}
        two = unit.connection.execute(insert(_O).values(**values).returning(_O.c.id)).scalar_one()
        return [one, two, say(3)(unit)]

    [[one, two, three]] = run(sqlite_database, mixed)
    assert (two, three) == (one + 1, one + 2)


def test_another_process_numbers_rows_too(sqlite_database: Database, sqlite_url: str) -> None:
    """A command at the server writes to the outbox while the bot runs, here after a group that came to nothing."""
    [mine] = run(sqlite_database, say(1))
    failing = sqlite_database.units.submit(None, lambda unit: [say(1)(unit), unit.plans.only()])
    assert failing.exception(PATIENCE) is not None
    with open_database(sqlite_url) as other:
        theirs = run(other, say(2), say(2))
    assert [*theirs, *run(sqlite_database, say(3))] == [mine + 1, mine + 2, mine + 3]
