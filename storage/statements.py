"""Statements that both databases know: INSERT … ON CONFLICT, and those that every update executes.

An insert that collides must not raise: on PostgreSQL a failed statement spoils the whole transaction, and with
it the update that caused it. So what may already be there is inserted with ON CONFLICT, and the count says.

SQLAlchemy's way of executing a statement costs about 15 µs, SQLite's own 3 to 10, and an update needs eight of
them: it was a third of all that the bot did. So the few on that path are compiled once (`Prepared`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, literal
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT of this database that has `on_conflict_do_nothing` and `on_conflict_do_update`, alike in both."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_or_ignore(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Whether the row is new; if one of its unique keys was taken, nothing has changed."""
    # RETURNING, because rowcount of an INSERT means nothing in SQLAlchemy where it fetches keys by itself.
    statement = insert_into(connection, table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(statement).first() is not None


_Processor = Callable[[Any], Any] | None


class Prepared:
    """A statement of SQLAlchemy's, compiled once and on SQLite handed to the driver as it is.

    Types are bound and read by SQLAlchemy's own processors, so that a value is the same either way. On PostgreSQL,
    where the journey to the server outweighs all this, SQLAlchemy executes: there it cleans what errors say and
    watches the connection. Every execution gives the same names in `values`; an IN of a list cannot be prepared.
    """

    def __init__(self, statement: Any, *, postgresql: Any = None) -> None:
        self._statement = statement
        self._postgresql = statement if postgresql is None else postgresql
        self._sql = ""
        self._binds: list[tuple[str, Any, _Processor]] = []
        self._reads: list[tuple[int, Callable[[Any], Any]]] = []

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """What it selects or returns, each row a sequence."""
        if connection.dialect.name == "postgresql":
            return list(connection.execute(self._postgresql, values).all())
        found: list[Any] = self._execute(connection, values).fetchall()
        return [self._read(row) for row in found] if self._reads else found

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row, None if there is none."""
        if connection.dialect.name == "postgresql":
            return connection.execute(self._postgresql, values).first()
        # All are fetched: a statement that is not at its end holds its transaction open.
        found = self._execute(connection, values).fetchall()
        return self._read(found[0]) if found else None

    def count(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows it has changed."""
        if connection.dialect.name == "postgresql":
            return connection.execute(self._postgresql, values).rowcount
        return int(self._execute(connection, values).rowcount)

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        if not self._sql:
            self._compile(connection, values)
        bound = [
            values.get(name, constant) if process is None else process(values.get(name, constant))
            for name, constant, process in self._binds
        ]
        driver: Any = connection.connection.dbapi_connection
        return driver.execute(self._sql, bound)

    def _compile(self, connection: Connection, values: Mapping[str, Any]) -> None:
        dialect = connection.dialect
        compiled = self._statement.compile(dialect=dialect, column_keys=list(values))
        sql = str(compiled)
        if "POSTCOMPILE" in sql:
            raise ValueError("an IN of a list cannot be prepared")
        for name in compiled.positiontup:
            process = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            self._binds.append((name, compiled.params[name], process))
        for position, column in enumerate(self._statement.exported_columns):
            process = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if process is not None:
                self._reads.append((position, process))
        self._sql = sql

    def _read(self, row: Any) -> Any:
        if not self._reads:
            return row
        read = list(row)
        for position, process in self._reads:
            read[position] = process(read[position])
        return read
