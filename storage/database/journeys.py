"""A journey to PostgreSQL: prepared statements handed to its own library, past psycopg's cursors.

A cursor of psycopg's costs more processor time for a small statement than everything an update computes for it. So the
statements of every update are prepared once a connection, by name, and given to libpq; the connection stays psycopg's,
and so do the values: its own dumpers write them and its own loaders read them. Whoever mixes both ways in one
transaction notices nothing.

Only where there is a PostgreSQL is this module imported: psycopg is not needed beside SQLite.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final

from psycopg import OperationalError, errors, generators, waiting
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import Connection

from storage.database.engines import tell_sqlalchemy

_IDLE: Final = TransactionStatus.IDLE
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_NAME: Final = "line"


class Statement:
    """SQL with `$1`, `$2` …; what has no type of its own there has a cast."""

    __slots__ = ("formats", "sql")

    def __init__(self, sql: str, is_binary: Sequence[bool]) -> None:
        self.sql = sql
        self.formats = [PyFormat.BINARY if binary else PyFormat.TEXT for binary in is_binary]

    def execute(self, connection: Connection, bound: Sequence[Any]) -> "Answer":
        """In the transaction of `connection`, which begins with it if nothing has yet. Errors are SQLAlchemy's (S8)."""
        try:
            return line_of(connection).ask(self, bound)
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise

    def execute_before(
        self, connection: Connection, bound: Sequence[Any], other: "Statement", others: Sequence[Any]
    ) -> "list[Answer]":
        """This and then the other, in one journey: the other sees what this one has waited for."""
        try:
            return line_of(connection).ask_all([(self, bound), (other, others)])
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise

    def execute_each(self, connection: Connection, many: Sequence[Sequence[Any]]) -> None:
        """Once for each of these, in one journey."""
        try:
            line_of(connection).ask_all([(self, bound) for bound in many])
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise


class Answer:
    """What the server said to one statement."""

    __slots__ = ("_result", "_values")

    def __init__(self, values: Any, result: Any) -> None:
        self._values = values
        self._result = result

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        return int(self._result.command_tuples or 0)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """What it selected or returned."""
        self._values.set_pgresult(self._result)
        found: list[tuple[Any, ...]] = self._values.load_rows(0, self._result.ntuples, tuple)
        return found


class Line:
    """One connection, and the statements it knows by name. Errors are psycopg's own, as a cursor would raise them."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._library = driver.pgconn
        self._values = Transformer(driver)
        self._names: dict[str, bytes] = {}

    def ask(self, statement: Statement, bound: Sequence[Any]) -> Answer:
        dumped = self._values.dump_sequence(bound, statement.formats)
        formats = self._values.formats
        try:
            name = self._named(statement)
            if begin := self._begin():
                self._checked(self._library.exec_(begin))
            result = self._library.exec_prepared(name, dumped, formats)
        except MemoryError:
            raise self._silent() from None
        return Answer(self._values, self._checked(result))

    def ask_all(self, asked: Sequence[tuple[Statement, Sequence[Any]]]) -> list[Answer]:
        """One after the other on the server, which begins with the first while the last is on its way."""
        library, values = self._library, self._values
        sending: list[tuple[bytes, Any, Any]] = []
        try:
            for statement, bound in asked:
                dumped = values.dump_sequence(bound, statement.formats)
                sending.append((self._named(statement), dumped, values.formats))
        except MemoryError:
            raise self._silent() from None
        begin = self._begin()
        library.enter_pipeline_mode()
        try:
            if begin:
                library.send_query_params(begin, None)
            for name, dumped, formats in sending:
                library.send_query_prepared(name, dumped, formats)
            library.pipeline_sync()
            results = waiting.wait(_told(library, len(sending) + bool(begin)), library.socket, interval=1.0)
        finally:
            if library.status == ConnStatus.OK:
                library.exit_pipeline_mode()
        answers = [Answer(values, self._checked(result)) for result in results]
        return answers[1:] if begin else answers

    def _named(self, statement: Statement) -> bytes:
        """Its name here, where it is prepared now if it never was."""
        name = self._names.get(statement.sql)
        if name is None:
            name = b"enlace_%d" % len(self._names)
            self._checked(self._library.prepare(name, statement.sql.encode()))
            self._names[statement.sql] = name
        return name

    def _begin(self) -> bytes:
        """What begins a transaction, as psycopg would: a reader's or a writer's. Empty if one has begun."""
        driver = self._driver
        if self._library.transaction_status != _IDLE or driver.autocommit:
            return b""
        begin = b"BEGIN"
        if driver.isolation_level is not None:
            begin += b" ISOLATION LEVEL " + driver.isolation_level.name.replace("_", " ").encode()
        if driver.read_only is not None:
            begin += b" READ ONLY" if driver.read_only else b" READ WRITE"
        return begin

    def _checked(self, result: Any) -> Any:
        if result.status not in _DONE:
            raise errors.error_from_result(result, encoding=self._values.encoding)
        return result

    def _silent(self) -> Exception:
        """Why there is no answer at all: psycopg takes it for a lack of memory, mostly the connection is lost."""
        if self._library.status == ConnStatus.OK:
            return MemoryError("no memory for what the database answers")
        return OperationalError(self._library.get_error_message() or "the connection is lost")


def _told(library: Any, number: int) -> Generator[Any, Any, list[Any]]:
    """What the server says to so many statements; waited for as psycopg waits, so that other threads go on."""
    yield from generators.send(library)
    results = []
    for _ in range(number):
        [result] = yield from generators.fetch_many(library)
        results.append(result)
    yield from generators.fetch_many(library)  # that it has come to their end
    return results


def line_of(connection: Connection) -> Line:
    """The one of this connection: gone with it, as what was prepared there is."""
    known = connection.info
    found: Line | None = known.get(_NAME)
    if found is None:
        found = known[_NAME] = Line(connection.connection.dbapi_connection)
    return found
