"""Statements for both databases: INSERT … ON CONFLICT, and the prepared statements of every update.

An insert that collides must not raise: on PostgreSQL a failed statement spoils the whole transaction, and with it the
update. So rows that may exist already are inserted with ON CONFLICT, and the number of rows says what happened.

SQLAlchemy needs about 15 µs to execute a statement, SQLite itself 3 to 10, and an update needs eight statements. That
was a third of all the bot's work. So these few statements are compiled once (`Prepared`) and given to the driver. On
PostgreSQL they go to libpq (`journeys`), because a psycopg cursor costs several times as much again.
"""

import re
from collections import ChainMap, namedtuple
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Connection,
    DateTime,
    Dialect,
    LargeBinary,
    Select,
    Table,
    false,
    literal,
    literal_column,
    or_,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from storage.database.ahead import Known
from storage.database.models import UtcDateTime
from storage.database.steady import STEADY, is_change, note_change, steady_of, written

if TYPE_CHECKING:
    from storage.database.journeys import Line, Statement

T = TypeVar("T")


def insert_into(connection: Connection, table: Table) -> Any:
    """Return an INSERT for this database, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: Table) -> Any:
    """Return the same, by the name of the database."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # 2 MB that nobody needs beside SQLite

        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_or_ignore(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Insert a row; return whether it is new. If one of its unique keys exists, nothing changes."""
    # With RETURNING: when SQLAlchemy fetches keys by itself, the rowcount of an INSERT has no meaning.
    statement = insert_into(connection, table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(statement).first() is not None


def one_of(column: Any, values: Iterable[str]) -> Any:
    """Return the condition that a column has one of these values, which are constants of the code.

    They are written out: an IN of a list is expanded anew at every execution, and cannot be prepared.
    """
    return or_(false(), *(column == literal_column(f"'{value}'") for value in values))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A compiled statement: how it is given to the driver, and how values are converted in both directions."""

    sql: str
    execute: Callable[[Connection, Sequence[Any]], Any]
    execute_each: Callable[[Connection, Sequence[Sequence[Any]]], Any]
    on_server: "Statement | None"
    bind: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    """The parameters in their order, as the driver writes them."""
    read: Callable[[Sequence[Any]], Any]
    """A row of the driver as a named tuple."""
    is_steady: bool
    """Whether it reads only tables that seldom change."""
    tables: frozenset[str]
    """The tables that it names."""

    def ask(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows that it selects or returns."""
        bound = self.bind(values)
        if self.on_server is not None:
            return self.on_server.rows(connection, bound)
        if self.is_steady and (steady := steady_of(connection)) is not None:
            return steady.rows((self.sql, bound), lambda: self._asked(connection, bound))
        return self._asked(connection, bound)

    def made(self, connection: Connection, values: Mapping[str, Any], make: Callable[[Any], T]) -> list[T]:
        """Return what `make` makes of each row. If the rows would be kept, this is kept instead."""
        if not self.is_steady:
            return list(map(make, self.ask(connection, values)))
        bound = self.bind(values)
        steady = steady_of(connection) if self.on_server is None else self.on_server.steady(connection)
        if steady is None:
            return list(map(make, self._asked(connection, bound)))
        return steady.rows((self.sql, bound, make), lambda: list(map(make, self._asked(connection, bound))))

    def _asked(self, connection: Connection, bound: tuple[Any, ...]) -> list[Any]:
        # Fetch everything: a statement that is not at its end holds its transaction open.
        return list(map(self.read, self.execute(connection, bound).fetchall()))


class Prepared:
    """A statement of SQLAlchemy, compiled once for each kind of database and given to its driver directly.

    SQLAlchemy's own processors convert the values, so a value is the same either way. On PostgreSQL errors are
    SQLAlchemy's, without the written data. Each execution must give the same names in `values`. A statement with an IN
    of a list cannot be prepared.
    """

    def __init__(self, statement: Any) -> None:
        """Take a statement for both databases, or a function that makes one from a database's name."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows that it selects or returns; each row is a named tuple."""
        return self._for(connection, values).ask(connection, values)

    def made(self, connection: Connection, values: Mapping[str, Any], make: Callable[[Any], T]) -> list[T]:
        """Return what `make` makes of each row. It is made once for as long as the rows of steady tables are kept.

        `make` is a function of a module, because what it has made is found by it. Nobody may change what it makes.
        """
        return self._for(connection, values).made(connection, values, make)

    def raw(self, connection: Connection, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """The rows as the driver gives them: for who reads tens of thousands, and converts what it needs itself."""
        compiled = self._for(connection, values)
        found: list[Sequence[Any]] = compiled.execute(connection, compiled.bind(values)).fetchall()
        return found

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row, or None."""
        found = self._for(connection, values).ask(connection, values)
        return found[0] if found else None

    def count(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute it; return how many rows it has changed."""
        compiled = self._for(connection, values)
        changed: int = compiled.execute(connection, compiled.bind(values)).rowcount
        return changed

    def number(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute an INSERT on SQLite; return the number of its row."""
        compiled = self._for(connection, values)
        given: int = compiled.execute(connection, compiled.bind(values)).lastrowid
        return given

    def bound(self, connection: Connection, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """Return its SQL, and the parameters as the driver writes them."""
        compiled = self._for(connection, values)
        return compiled.sql, compiled.bind(values)

    def later(
        self,
        line: "Line",
        connection: Connection,
        values: Mapping[str, Any],
        rows: int | None = None,
        then: Callable[[Any], None] | None = None,
    ) -> None:
        """Execute it together with the next statement of this line, on PostgreSQL (`Unit.write`)."""
        compiled = self._compiled.get("postgresql") or self._for(connection, values)
        assert compiled.on_server is not None
        line.write_later(compiled.on_server, compiled.bind(values), rows, then)

    def known(self, connection: Connection, values: Mapping[str, Any], rows: list[Any]) -> dict[str, Known]:
        """Return these rows, which were read otherwise, as the answer to this question (`Opened.known`)."""
        compiled = self._for(connection, values)
        return {compiled.sql: Known(compiled.bind(values), rows, compiled.tables)}

    def each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each row. There must be at least one."""
        compiled = self._for(connection, rows[0])
        compiled.execute_each(connection, [compiled.bind(values) for values in rows])

    @staticmethod
    def rows_of_all(connection: Connection, asked: "Sequence[Question]") -> list[list[Any]]:
        """The rows of each of these selects, in their order. On PostgreSQL it takes one journey."""
        if connection.dialect.name != "postgresql":
            return [prepared.rows(connection, values) for prepared, values in asked]
        from storage.database.journeys import rows_of_all  # psycopg is not needed beside SQLite

        questions = []
        for prepared, values in asked:
            compiled = prepared._for(connection, values)
            assert compiled.on_server is not None
            questions.append((compiled.on_server, compiled.bind(values)))
        return rows_of_all(connection, questions)

    @staticmethod
    def known_of_all(connection: Connection, asked: "Sequence[Sequence[Question]]") -> list[dict[str, Known]]:
        """Return for each of these lists the answers to its questions (`Opened.known`). It takes one journey."""
        every = {each.bound(connection, values): (each, values) for questions in asked for each, values in questions}
        rows = dict(zip(every, Prepared.rows_of_all(connection, [*every.values()]), strict=True))

        def known(prepared: Prepared, values: Mapping[str, Any]) -> dict[str, Known]:
            return prepared.known(connection, values, rows[prepared.bound(connection, values)])

        return [dict(ChainMap(*(known(*question) for question in questions))) for questions in asked]

    def _for(self, connection: Connection, values: Mapping[str, Any]) -> _Compiled:
        return self._compiled.get(connection.dialect.name) or self._compile(connection.dialect, list(values))

    def _compile(self, dialect: Dialect, names: list[str]) -> _Compiled:
        statement = self._statement(dialect.name) if callable(self._statement) else self._statement
        compiled = self._compiled[dialect.name] = _compile(statement, dialect, names)
        return compiled


def _compile(statement: Any, dialect: Dialect, names: list[str]) -> _Compiled:
    columns = statement.exported_columns
    read = _reading(list(columns.keys()), [_from_driver(column.type, dialect) for column in columns])
    made = statement.compile(dialect=dialect, column_keys=names)
    sql = str(made)
    if "POSTCOMPILE" in sql:
        raise ValueError("an IN of a list cannot be prepared")
    order = made.positiontup
    tables = frozenset(each.name for each in iterate(statement) if isinstance(each, Table))
    execute: Any
    on_server = None
    is_steady = _reads_steady(statement, sql, tables)
    if order is None:  # psycopg's names
        from storage.database import journeys  # psycopg is not needed beside SQLite

        order = _NAMED.findall(sql)
        kinds = [made.binds[name].type for name in order]
        places = (f"${at}::BYTEA" if isinstance(kind, LargeBinary) else f"${at}" for at, kind in enumerate(kinds, 1))
        sql = _NAMED.sub(lambda _: next(places), sql).replace("%%", "%")
        on_server = journeys.Statement(
            sql,
            [isinstance(kind, LargeBinary | UtcDateTime) for kind in kinds],  # an instant as text: 1.8 µs and not 0.2
            read,
            is_steady=is_steady,
        )
        execute, execute_each = on_server.execute, on_server.execute_each
    elif is_change(written(sql)):
        execute, execute_each = partial(_mind, _execute, sql), partial(_mind, _execute_each, sql)
    else:
        execute, execute_each = partial(_execute, sql), partial(_execute_each, sql)
    return _Compiled(
        sql,
        execute,
        execute_each,
        on_server,
        _binding([(name, _to_driver(made.binds[name].type, dialect)) for name in order], made.params, names),
        read,
        is_steady,
        tables,
    )


def _reads_steady(statement: Any, sql: str, tables: frozenset[str]) -> bool:
    """Whether a statement reads only tables that seldom change."""
    return isinstance(statement, Select) and bool(tables) and tables <= STEADY and "FOR " not in sql


def _execute(sql: str, connection: Connection, bound: Sequence[Any]) -> Any:
    driver: Any = connection.connection.dbapi_connection
    return driver.execute(sql, bound)


def _execute_each(sql: str, connection: Connection, many: Sequence[Sequence[Any]]) -> None:
    driver: Any = connection.connection.dbapi_connection
    driver.cursor().executemany(sql, many)


def _mind(execute: Callable[..., Any], sql: str, connection: Connection, bound: Sequence[Any]) -> Any:
    """Execute a statement that changes a steady table."""
    note_change(connection, None, sql)
    return execute(sql, connection, bound)


_NAMED = re.compile(r"%\((\w+)\)s")


# ------------------------------------------------------------------ values on the way in and out
_Process = Callable[[Any], Any]


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Process | None:
    """Return how a parameter is converted; None if the driver takes it as it is.

    SQLite stores a truth value as a number. Drivers take bytes as they are; what SQLAlchemy would make of them is asked
    in Python how it wants to be stored (1 µs). PostgreSQL reads an array of numbers or instants from one text: psycopg
    would write it element by element, in Python.
    """
    if isinstance(kind, Boolean | LargeBinary):
        return None
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, BigInteger):
        return _numbers
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, DateTime):
        return _instants
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _numbers(values: Iterable[int | None]) -> str:
    return f"{{{','.join(map(str, values))}}}".replace("None", "NULL")


def _instants(values: Iterable[datetime]) -> str:
    return f"{{{','.join(map(datetime.isoformat, values))}}}"


def value_reader(connection: Connection, kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    """Return what converts a column of this type in the rows of `Prepared.raw`."""
    return _from_driver(kind, connection.dialect) or (lambda value: value)


def _from_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Process | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _binding(
    order: Sequence[tuple[str, _Process | None]], constants: Mapping[str, Any], given: Collection[str]
) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return a function that makes the driver's parameters from the given values and the statement's own constants."""
    own = {name: constants[name] for name, _ in order if name not in given}
    names = [name for name, _ in order]
    processes = _processes([process for _, process in order])

    def bind(values: Mapping[str, Any]) -> tuple[Any, ...]:
        if own:
            values = {**own, **values}
        return _processed(list(map(values.__getitem__, names)), processes)

    return bind


def _reading(columns: Sequence[str], reads: Sequence[_Process | None]) -> Callable[[Sequence[Any]], Any]:
    """Return a function that makes a named tuple from a row of the driver."""
    row: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]  # the value is known when the statement is compiled
    processes = _processes(reads)
    if not processes:
        return partial(tuple.__new__, row)
    return lambda found: tuple.__new__(row, _processed(list(found), processes))


def _processes(each: Iterable[_Process | None]) -> list[tuple[int, _Process]]:
    """Return the processors of a row, each with its place."""
    return [(place, process) for place, process in enumerate(each) if process is not None]


def _processed(values: list[Any], processes: list[tuple[int, _Process]]) -> tuple[Any, ...]:
    for place, process in processes:
        values[place] = process(values[place])
    return tuple(values)


Question = tuple[Prepared, Mapping[str, Any]]
"""A statement that selects, and its values."""
prepared = cache(Prepared)
"""The `Prepared` of a statement that is a constant elsewhere. It is prepared at the first call."""
