"""Statements that both databases know: INSERT … ON CONFLICT, and those that every update executes.

An insert that collides must not raise: on PostgreSQL a failed statement spoils the whole transaction, and with
it the update that caused it. So what may already be there is inserted with ON CONFLICT, and the count says.

SQLAlchemy's way of executing a statement costs about 15 µs, SQLite's own 3 to 10, and an update needs eight of
them: it was a third of all that the bot did. So the few on that path are compiled once (`Prepared`).
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, literal
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT of this database that has `on_conflict_do_nothing` and `on_conflict_do_update`, alike in both."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: Table) -> Any:
    """The same, by the database's name."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_or_ignore(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Whether the row is new; if one of its unique keys was taken, nothing has changed."""
    # RETURNING, because rowcount of an INSERT means nothing in SQLAlchemy where it fetches keys by itself.
    statement = insert_into(connection, table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(statement).first() is not None


_Processor = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What SQLite is given, and how values go in and come out."""

    sql: str
    binds: tuple[tuple[str, Any, _Processor], ...]
    """Name, constant and processor of each parameter, in their order."""
    reads: tuple[tuple[int, Callable[[Any], Any]], ...]
    """Positions of the columns that do not come out as they are."""
    row: Callable[[Iterable[Any]], Any]

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        return [
            values.get(name, constant) if process is None else process(values.get(name, constant))
            for name, constant, process in self.binds
        ]

    def read(self, found: Sequence[Any]) -> Any:
        if self.reads:
            found = list(found)
            for position, process in self.reads:
                found[position] = process(found[position])
        return self.row(found)


class Prepared:
    """A statement of SQLAlchemy's, compiled once and on SQLite handed to the driver as it is.

    Types are bound and read by SQLAlchemy's own processors, so that a value is the same either way. On PostgreSQL,
    where the journey to the server outweighs all this, SQLAlchemy executes: there it cleans what errors say and
    watches the connection. Every execution gives the same names in `values`; an IN of a list cannot be prepared.
    """

    def __init__(self, statement: Any, *, postgresql: Any = None) -> None:
        self._statement = statement
        self._postgresql = statement if postgresql is None else postgresql
        self._compiled: _Compiled | None = None

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """What it selects or returns; a row is a tuple whose columns have their names."""
        if connection.dialect.name == "postgresql":
            return list(connection.execute(self._postgresql, values).all())
        compiled, cursor = self._execute(connection, values)
        return [compiled.read(found) for found in cursor.fetchall()]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row, None if there is none."""
        if connection.dialect.name == "postgresql":
            return connection.execute(self._postgresql, values).first()
        compiled, cursor = self._execute(connection, values)
        found = cursor.fetchall()  # all of it: a statement that is not at its end holds its transaction open
        return compiled.read(found[0]) if found else None

    def count(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows it has changed."""
        if connection.dialect.name == "postgresql":
            return connection.execute(self._postgresql, values).rowcount
        return int(self._execute(connection, values)[1].rowcount)

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> tuple[_Compiled, Any]:
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = _compile(self._statement, connection.dialect, list(values))
        driver: Any = connection.connection.dbapi_connection
        return compiled, driver.execute(compiled.sql, compiled.bind(values))


def _compile(statement: Any, dialect: Dialect, names: list[str]) -> _Compiled:
    made = statement.compile(dialect=dialect, column_keys=names)
    sql = str(made)
    if "POSTCOMPILE" in sql:
        raise ValueError("an IN of a list cannot be prepared")
    columns = statement.exported_columns
    reads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    names_read = list(columns.keys())
    row: Any = namedtuple("Row", names_read, rename=True)  # type: ignore[misc]  # known when it is compiled
    return _Compiled(
        sql,
        tuple(
            (name, made.params[name], made.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in made.positiontup
        ),
        tuple((position, process) for position, process in enumerate(reads) if process is not None),
        row._make,
    )


prepared = cache(Prepared)
"""The same for a statement that is a constant elsewhere: prepared the first time it is asked for."""
