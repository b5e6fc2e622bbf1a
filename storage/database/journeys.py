"""Prepared statements for PostgreSQL, given to libpq directly instead of through psycopg's cursors.

For a small statement, a psycopg cursor costs more processor time than everything an update computes. So the statements
of every update are prepared once for each connection, by name, and given to libpq. The connection stays psycopg's.
psycopg's own dumpers and loaders convert the values, so both ways can be mixed in one transaction.

This module is imported only with PostgreSQL: SQLite does not need psycopg.
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
    """SQL with `$1`, `$2` …; a parameter without a type of its own has a cast."""

    __slots__ = ("formats", "sql")

    def __init__(self, sql: str, is_binary: Sequence[bool]) -> None:
        self.sql = sql
        self.formats = [PyFormat.BINARY if binary else PyFormat.TEXT for binary in is_binary]

    def execute(self, connection: Connection, bound: Sequence[Any]) -> "Answer":
        """Execute it in the transaction of `connection`; it begins one if there is none.

        Errors are SQLAlchemy's (S8).
        """
        try:
            return line_of(connection).ask(self, bound)
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise

    def execute_before(
        self, connection: Connection, bound: Sequence[Any], other: "Statement", others: Sequence[Any]
    ) -> "list[Answer]":
        """Execute this statement and then the other in one round trip. The other sees what the first one waited for."""
        try:
            return line_of(connection).ask_all([(self, bound), (other, others)])
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise

    def execute_each(self, connection: Connection, many: Sequence[Sequence[Any]]) -> None:
        """Execute it once for each of these rows, in one round trip."""
        try:
            line_of(connection).ask_all([(self, bound) for bound in many])
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise


class Answer:
    """The server's answer to one statement."""

    __slots__ = ("_result", "_values")

    def __init__(self, values: Any, result: Any) -> None:
        self._values = values
        self._result = result

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        return int(self._result.command_tuples or 0)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that it selected or returned."""
        self._values.set_pgresult(self._result)
        found: list[tuple[Any, ...]] = self._values.load_rows(0, self._result.ntuples, tuple)
        return found


class Line:
    """One connection, and the statements that it knows by name. Errors are psycopg's, as a cursor would raise them."""

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
        """Execute several statements in order. The server begins with the first while the last is still on its way."""
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
        """The statement's name on this connection. It is prepared now if it was not yet."""
        name = self._names.get(statement.sql)
        if name is None:
            name = b"enlace_%d" % len(self._names)
            self._checked(self._library.prepare(name, statement.sql.encode()))
            self._names[statement.sql] = name
        return name

    def _begin(self) -> bytes:
        """The command that begins a transaction, as psycopg would: for reading or for writing.

        Empty if one has begun.
        """
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
        """The error for a missing answer. psycopg calls it a lack of memory; mostly the connection is lost."""
        if self._library.status == ConnStatus.OK:
            return MemoryError("no memory for what the database answers")
        return OperationalError(self._library.get_error_message() or "the connection is lost")


def _told(library: Any, number: int) -> Generator[Any, Any, list[Any]]:
    """The server's answers to so many statements. Waits as psycopg waits, so other threads go on."""
    yield from generators.send(library)
    results = []
    for _ in range(number):
        [result] = yield from generators.fetch_many(library)
        results.append(result)
    yield from generators.fetch_many(library)  # the end of the results of one statement
    return results


def line_of(connection: Connection) -> Line:
    """The `Line` of this connection. It is dropped with the connection, as the prepared statements are."""
    known = connection.info
    found: Line | None = known.get(_NAME)
    if found is None:
        found = known[_NAME] = Line(connection.connection.dbapi_connection)
    return found
