"""What is known before a unit asks for it, on PostgreSQL: it spares a journey, and never hides a write."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text

from storage.database.journeys import Line, line_of
from storage.database.models import Fact, table
from storage.database.statements import Prepared
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.groups import NOW, begin_chats, gathered, update

_FACT = Prepared(select(table(Fact).c.value).where(table(Fact).c.name == bindparam("name")))
_NOW = Prepared(select(text("1")))


@pytest.fixture
def database(postgres_database: Database) -> Database:
    begin_chats(postgres_database)
    postgres_database.units.submit(None, lambda unit: unit.facts.set("a", "old", NOW)).result(PATIENCE)
    return postgres_database


def journeys_of(
    database: Database, monkeypatch: pytest.MonkeyPatch, work: Callable[[UnitOfWork, list[int]], object]
) -> None:
    """Apply a unit of a group. The list gets the number of statements of each journey that it makes."""
    made: list[int] = []
    ask_all, ask = Line.ask_all, Line.ask

    def together(self: Line, asked: Any, **more: Any) -> Any:
        made.append(len(asked) + len(self._soon))
        return ask_all(self, asked, **more)

    def alone(self: Line, *asked: Any) -> Any:
        before = len(made)
        answer = ask(self, *asked)
        if len(made) == before:
            made.append(1)
        return answer

    def watched(unit: UnitOfWork) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Line, "ask_all", together)
            patch.setattr(Line, "ask", alone)
            work(unit, made)

    with gathered(database):
        future = database.units.submit(1, watched, opening=update(1))
    future.result(PATIENCE)


def test_what_will_be_asked_travels_with_what_is_asked_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One journey for two questions. The answer is given once: whoever asks again wants to know what is now."""

    def work(unit: UnitOfWork, made: list[int]) -> None:
        unit.ask_soon(_FACT, {"name": "a"})
        assert (_NOW.rows(unit.connection, {}), made) == ([(1,)], [2])
        assert (_FACT.rows(unit.connection, {"name": "a"}), made) == ([("old",)], [2])
        assert (_FACT.rows(unit.connection, {"name": "a"}), made) == ([("old",)], [2, 1])

    journeys_of(database, monkeypatch, work)


def test_what_is_asked_at_once_or_about_something_else_is_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that is asked before its journey goes once, and another parameter is another question."""

    def work(unit: UnitOfWork, made: list[int]) -> None:
        unit.ask_soon(_FACT, {"name": "a"})
        assert (_FACT.rows(unit.connection, {"name": "a"}), made) == ([("old",)], [1])
        unit.ask_soon(_FACT, {"name": "a"})
        assert (_FACT.rows(unit.connection, {"name": "b"}), made) == ([], [1, 2])

    journeys_of(database, monkeypatch, work)


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

    def work(unit: UnitOfWork) -> list[Any]:
        unit.ask_soon(_FACT, {"name": "a"})
        _NOW.rows(unit.connection, {})
        change(unit)
        return _FACT.rows(unit.connection, {"name": "a"})

    with gathered(database):
        future = database.units.submit(1, work, opening=update(1))
    assert future.result(PATIENCE) == [("new",)]


def test_what_is_known_to_one_unit_is_not_known_to_the_next(database: Database) -> None:
    """They share a connection, and the first one may have changed everything."""

    def first(unit: UnitOfWork) -> None:
        unit.ask_soon(_FACT, {"name": "a"})
        _NOW.rows(unit.connection, {})
        unit.ask_soon(_FACT, {"name": "b"})

    def second(unit: UnitOfWork) -> tuple[dict[str, Any], list[Any]]:
        line = line_of(unit.connection)
        return dict(line.ahead._known), list(line._soon)

    with gathered(database):
        database.units.submit(1, first, opening=update(1))
        future = database.units.submit(2, second, opening=update(2))
    known, soon = future.result(PATIENCE)
    assert ([sql for sql in known if "fact" in sql], soon) == ([], [])
