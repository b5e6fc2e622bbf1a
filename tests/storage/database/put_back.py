"""What many tests begin with is made once a process, and then its rows are put back: making them costs ten times that.

    world = once_made("world", unit, build_world)    # in an empty database: the fixture comes before all that writes

Everything is as if it had been made: the same rows, and the next number of each table.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from storage.database.models import Base
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")

_HAS_ROWS = text("SELECT EXISTS (SELECT 1 FROM chat) OR EXISTS (SELECT 1 FROM plan) OR EXISTS (SELECT 1 FROM person)")
TABLES = [table.name for table in Base.metadata.sorted_tables]

_NUMBERS = text("""
    SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL
""")
_GO_ON = text("SELECT setval(format('%I.%I', current_schema(), CAST(:name AS text))::regclass, :number)")


@dataclass(frozen=True, slots=True)
class _Made:
    """What was returned, the rows of each table that has any, and its numbers, as its database writes them.

    SQLite goes on after the highest number that it finds by itself.
    """

    returned: Any
    rows: dict[str, Any]
    numbers: list[tuple[Any, ...]]


_made: dict[tuple[str, str], _Made] = {}


def is_empty(unit: UnitOfWork) -> bool:
    """Whether nothing has been made in it yet."""
    return not unit.connection.execute(_HAS_ROWS).scalar()


def once_made(name: str, unit: UnitOfWork, make: Callable[[UnitOfWork], T]) -> T:
    """Return what `make` returns in this empty database. From the second time on, its rows are put back instead."""
    connection = unit.connection
    is_sqlite = connection.dialect.name == "sqlite"
    key = (name, connection.dialect.name)
    assert is_empty(unit), "a fixture that writes comes after what is put back"
    if key not in _made:
        returned = make(unit)
        rows, numbers = (_rows_of_sqlite if is_sqlite else _rows_of_postgresql)(connection)
        _made[key] = _Made(copy.deepcopy(returned), rows, numbers)
        return returned
    made = _made[key]
    (_into_sqlite if is_sqlite else _into_postgresql)(connection, made)
    kept: T = copy.deepcopy(made.returned)
    return kept


def _rows_of_sqlite(connection: Connection) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    found = {name: connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall() for name in TABLES}
    return {name: [tuple(row) for row in rows] for name, rows in found.items() if rows}, []


def _into_sqlite(connection: Connection, made: _Made) -> None:
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for name, rows in made.rows.items():
        gaps = ", ".join("?" * len(rows[0]))
        connection.exec_driver_sql(f'INSERT INTO "{name}" VALUES ({gaps})', rows)


def _rows_of_postgresql(connection: Connection) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    found = {}
    with _driver(connection).cursor() as cursor:
        for name in TABLES:
            with cursor.copy(f'COPY "{name}" TO STDOUT') as copied:
                found[name] = b"".join(bytes(part) for part in copied)
    return {name: rows for name, rows in found.items() if rows}, [tuple(row) for row in connection.execute(_NUMBERS)]


def _into_postgresql(connection: Connection, made: _Made) -> None:
    # Neither foreign keys nor triggers: they have looked at these rows before.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    with _driver(connection).cursor() as cursor:
        for name, rows in made.rows.items():
            with cursor.copy(f'COPY "{name}" FROM STDIN') as copied:
                copied.write(rows)
    connection.execute(_GO_ON, [{"name": name, "number": number} for name, number in made.numbers])
    connection.execute(text("SET LOCAL session_replication_role = origin"))


def _driver(connection: Connection) -> Any:
    """The connection of psycopg: only it copies."""
    return connection.connection.driver_connection
