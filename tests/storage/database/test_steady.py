"""What seldom changes is asked once, and again as soon as anybody has changed it."""

from typing import Any

import pytest
from sqlalchemy import update

from storage.database.models import Agency, table
from storage.database.statements import Prepared
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.units import held

_A = table(Agency)
_RENAME = update(_A).where(_A.c.code == "PGR").values(name={"es": "otro"})


class Wrong(Exception):
    """An ordinary failure."""


def name(unit: UnitOfWork) -> str:
    """What the plan's second agency is called, as every update asks."""
    [plan] = unit.plans.all()
    return unit.plans.agency(plan.id, "PGR").name["es"]


def rename(unit: UnitOfWork) -> str:
    unit.connection.execute(_RENAME)
    return name(unit)


def rename_prepared(unit: UnitOfWork) -> str:
    Prepared(_RENAME).count(unit.connection, {})
    return name(unit)


def read(database: Database) -> str:
    return database.units.submit(None, name).result(PATIENCE)


def test_it_is_asked_once(sqlite_database: Database, world_on_sqlite: Any) -> None:
    """The second group finds what the first one read."""

    def heard(unit: UnitOfWork) -> list[str]:
        """What reaches SQLite while it is asked for the name."""
        driver: Any = unit.connection.connection.dbapi_connection
        said: list[str] = []
        driver.set_trace_callback(said.append)
        name(unit)
        driver.set_trace_callback(None)
        return said

    first, second = (sqlite_database.units.submit(None, heard).result(PATIENCE) for _ in range(2))
    assert (len(first), second) == (2, [])


@pytest.mark.parametrize("change", [rename, rename_prepared])
def test_what_a_unit_has_changed_is_read_by_itself_and_by_those_after_it(
    sqlite_database: Database, world_on_sqlite: Any, change: Any
) -> None:
    """However it was written."""
    before = read(sqlite_database)
    with held(sqlite_database.units):
        changed = sqlite_database.units.submit("a", change)
        after = sqlite_database.units.submit("b", name)
    assert (before, changed.result(PATIENCE), after.result(PATIENCE)) == ("PGR", "otro", "otro")
    assert read(sqlite_database) == "otro"


def test_what_was_undone_is_not_kept(sqlite_database: Database, world_on_sqlite: Any) -> None:
    """A unit that fails may have read what it had changed."""

    def fail(unit: UnitOfWork) -> None:
        rename(unit)
        raise Wrong

    with held(sqlite_database.units):
        failed = sqlite_database.units.submit("a", fail)
        after = sqlite_database.units.submit("b", name)
    with pytest.raises(Wrong):
        failed.result(PATIENCE)
    assert after.result(PATIENCE) == "PGR"
    assert read(sqlite_database) == "PGR"


def test_what_another_process_has_changed_is_read_by_the_next_group(
    sqlite_database: Database, world_on_sqlite: Any, sqlite_url: str
) -> None:
    """A command at the server changes the plan while the bot runs."""
    before = read(sqlite_database)
    with open_database(sqlite_url) as other:
        other.units.submit(None, rename).result(PATIENCE)
    assert (before, read(sqlite_database)) == ("PGR", "otro")


def test_who_changes_the_rows_they_got_changes_nothing_for_others(
    sqlite_database: Database, world_on_sqlite: Any
) -> None:
    """Each gets a list of their own."""
    asked = Prepared(_A.select().order_by(_A.c.id))

    def empty(unit: UnitOfWork) -> int:
        rows = asked.rows(unit.connection, {})
        count = len(rows)
        rows.clear()
        return count

    first, second = (sqlite_database.units.submit(None, empty).result(PATIENCE) for _ in range(2))
    assert (first, second) == (2, 2)


def test_more_than_is_worth_keeping_is_forgotten(
    sqlite_database: Database, world_on_sqlite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan may be large, and the machine small; what is read stays true."""
    monkeypatch.setattr("storage.database.steady.MOST_ROWS", 1)
    assert [read(sqlite_database) for _ in range(3)] == ["PGR"] * 3
