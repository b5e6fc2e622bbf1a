"""What is known before a unit asks for it, on PostgreSQL: it spares a journey, and never hides a write."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text

from storage.database.journeys import Line
from storage.database.models import Fact, table
from storage.database.statements import Prepared, Question
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.groups import NOW, begin_chats, gathered, update

_FACT = table(Fact)
_NAMED = _FACT.c.name == bindparam("name")
_A: Question = Prepared(select(_FACT.c.value).where(_NAMED)), {"name": "a"}
_B: Question = Prepared(select(_FACT.c.value, _FACT.c.name).where(_NAMED)), {"name": "b"}
Said = list[list[Any]]


@pytest.fixture
def database(postgres_database: Database) -> Database:
    begin_chats(postgres_database)
    postgres_database.units.submit(None, lambda unit: unit.facts.set("a", "old", NOW)).result(PATIENCE)
    return postgres_database


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of questions of each journey that is made from now on."""
    journeys: list[int] = []
    ask_all, ask = Line.ask_all, Line.ask

    def together(self: Line, asked: Any, **more: Any) -> Any:
        journeys.append(len(asked))
        return ask_all(self, asked, **more)

    def alone(self: Line, *asked: Any) -> Any:
        if not self.waiting:
            journeys.append(1)
        return ask(self, *asked)

    monkeypatch.setattr(Line, "ask_all", together)
    monkeypatch.setattr(Line, "ask", alone)
    return journeys


def asked(unit: UnitOfWork, question: Question) -> list[Any]:
    return question[0].rows(unit.connection, question[1])


def ending(
    say: Callable[[UnitOfWork], object], questions: Sequence[Question], before: Callable[[UnitOfWork], object] = id
) -> Callable[[UnitOfWork], Said]:
    """A unit that says something last. Its result receives it."""

    def work(unit: UnitOfWork) -> Said:
        before(unit)
        said: Said = []
        unit.say_last(lambda: said.append([say(unit)]), questions)
        return said

    return work


def results(database: Database, *works: Callable[[UnitOfWork], Any]) -> list[Any]:
    """What these units return, applied in one group."""
    with gathered(database):
        futures = [database.units.submit(chat, work, opening=update(chat)) for chat, work in enumerate(works, 1)]
    return [future.result(PATIENCE) for future in futures]


def test_what_units_ask_last_takes_one_journey(database: Database, made: list[int]) -> None:
    """A question of both is asked once. All of it is answered before the first of them speaks."""

    def say(unit: UnitOfWork) -> tuple[list[Any], list[Any], int]:
        return asked(unit, _A), asked(unit, _B), len(made)

    one, two = results(database, ending(say, [_A, _B]), ending(say, [_B, _A]))
    [[(*answers, journeys)]] = one
    assert (answers, one == two, made[journeys - 1]) == ([[("old",)], []], True, 2)


def test_what_is_said_last_sees_what_all_units_of_the_group_have_written(database: Database) -> None:
    """Also what its own unit has."""

    def say(unit: UnitOfWork) -> list[Any]:
        return [*asked(unit, _A), *asked(unit, _B)]

    one = ending(say, [_A, _B], lambda unit: unit.facts.set("a", "new", NOW))
    two = ending(say, [_A, _B], lambda unit: unit.facts.set("b", "too", NOW))
    assert results(database, one, two) == [[[[("new",), ("too", "b")]]]] * 2


def test_an_answer_is_given_once_and_to_its_own_question(database: Database, made: list[int]) -> None:
    """Whoever asks again wants to know what is now."""

    def say(unit: UnitOfWork) -> list[Any]:
        before = len(made)
        return [(asked(unit, each), len(made) - before) for each in ((_A[0], {"name": "c"}), _A, _A)]

    [[[found]]] = results(database, ending(say, [_A]))
    assert found == [([], 1), ([("old",)], 1), ([("old",)], 2)]


@pytest.mark.parametrize(
    "change",
    [
        lambda unit: unit.facts.set("a", "new", NOW),
        lambda unit: unit.connection.execute(text("UPDATE fact SET value = 'new' WHERE name = 'a'")),
        lambda unit: unit.connection.execute(text("WITH it AS (UPDATE fact SET value = 'new') SELECT 1")),
    ],
    ids=["repository", "statement", "in doubt"],
)
def test_what_is_known_is_forgotten_with_the_first_write_of_its_table(
    database: Database, change: Callable[[UnitOfWork], object]
) -> None:
    """However it is written."""

    def say(unit: UnitOfWork) -> list[Any]:
        change(unit)
        return asked(unit, _A)

    assert results(database, ending(say, [_A])) == [[[[("new",)]]]]


def test_what_is_known_to_one_unit_is_not_known_to_the_next(database: Database) -> None:
    """They share a connection, and the first one may have changed everything."""

    def change(unit: UnitOfWork) -> None:
        unit.facts.set("a", "new", NOW)

    _, said = results(database, ending(change, [_A]), ending(lambda unit: asked(unit, _A), [_B]))
    assert said == [[[("new",)]]]


def test_who_fails_at_the_end_fails_alone(database: Database) -> None:
    """The group is given up, and each unit is applied by itself, from its beginning."""

    def fail(unit: UnitOfWork) -> None:
        raise ValueError("nothing to say")

    def count(unit: UnitOfWork) -> None:
        unit.facts.set("a", f"{unit.facts.get('a')}, once", NOW)

    works = [ending(lambda unit: asked(unit, _A), [_A], count), ending(fail, [_A], count)]
    with gathered(database):
        one, two = (database.units.submit(chat, work, opening=update(chat)) for chat, work in enumerate(works, 1))
    assert (one.result(PATIENCE), database.units.parted) == ([[[("old, once",)]]], 1)
    assert isinstance(two.exception(PATIENCE), ValueError)
    with database.view() as unit:
        assert unit.facts.get("a") == "old, once"


def test_what_waits_for_the_commit_may_be_said_last(database: Database) -> None:
    """Hooks are called when the result is given, and not before."""
    called: list[str] = []

    def say(unit: UnitOfWork) -> list[str]:
        unit.after_commit(lambda: called.append("after"))
        return called.copy()

    assert (results(database, ending(say, [])), called) == ([[[[]]]], ["after"])


@pytest.mark.parametrize("which", ["sqlite_database", "postgres_database"])
def test_a_unit_by_itself_says_it_at_once(which: str, request: pytest.FixtureRequest) -> None:
    """There is nobody to wait for."""
    units = request.getfixturevalue(which).units

    def work(unit: UnitOfWork) -> list[str]:
        said: list[str] = []
        unit.say_last(lambda: said.append("now"), [_A])
        return said.copy()

    assert units.submit(None, work).result(PATIENCE) == ["now"]
