"""Prepared statements for PostgreSQL, given to libpq directly instead of through psycopg's cursors.

For a small statement, a psycopg cursor costs more processor time than everything an update computes. So the statements
of every update are prepared once for each connection, by name, and given to libpq. The connection stays psycopg's.
psycopg's own dumpers and loaders convert the values, so both ways can be mixed in one transaction.

A round trip to the server (a journey) is expensive, and a statement in it is cheap. So the writes of a group wait here
(`write_later`) and travel together, with the next question or before COMMIT.

This module is imported only with PostgreSQL, because SQLite does not need psycopg.
"""

import select
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from psycopg import OperationalError, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from sqlalchemy import Connection

from storage.database.ahead import Ahead, Known
from storage.database.engines import tell_sqlalchemy
from storage.database.steady import STEADY, Steady, written
from storage.errors import ApplyAlone

_IDLE: Final = TransactionStatus.IDLE
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_BINARY: Final = Format.BINARY
"""How rows are answered: written and read as text they take half as long again, on both sides."""
_NAME: Final = "line"


class Statement:
    """SQL with `$1`, `$2` …; a parameter without a type of its own has a cast."""

    __slots__ = ("formats", "is_steady", "read", "sql", "writes")

    def __init__(
        self,
        sql: str,
        is_binary: Sequence[bool],
        read: Callable[[Sequence[Any]], Any] = tuple,
        *,
        is_steady: bool = False,
    ) -> None:
        self.sql = sql
        self.writes = written(sql)
        self.read = read
        """Makes a row of what the driver gives."""
        self.is_steady = is_steady
        """Whether it reads only tables that seldom change."""
        self.formats = [PyFormat.BINARY if binary else PyFormat.TEXT for binary in is_binary]

    def rows(self, connection: Connection, bound: tuple[Any, ...]) -> list[Any]:
        """Return the rows that it selects or returns. It is not executed if they are known."""
        line = line_of(connection)
        known = line.ahead.take(self.sql, bound)
        if known is not None:
            return known
        if self.is_steady and line.steady is not None:
            return line.steady.rows((self.sql, bound), lambda: self._asked(connection, bound))
        return self._asked(connection, bound)

    def steady(self, connection: Connection) -> Steady | None:
        """Return the rows that the group of this connection keeps; None outside a group."""
        return line_of(connection).steady

    def _asked(self, connection: Connection, bound: Sequence[Any]) -> list[Any]:
        return list(map(self.read, self.execute(connection, bound).fetchall()))

    def execute(self, connection: Connection, bound: Sequence[Any]) -> "Answer":
        """Execute it in the transaction of `connection`, or begin one. Errors are SQLAlchemy's (S8)."""
        try:
            return line_of(connection).ask(self, bound)
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise

    def execute_each(self, connection: Connection, many: Sequence[Sequence[Any]]) -> None:
        """Execute it once for each of these rows, in one journey."""
        execute_together(connection, [(self, bound) for bound in many])


_FORGET_PLANS: Final = Statement("DISCARD PLANS", ())


def execute_together(connection: Connection, asked: "Sequence[tuple[Statement, Sequence[Any]]]") -> "list[Answer]":
    """Execute all of these in one journey. Each begins when the one before it has ended, and sees its effects."""
    try:
        return line_of(connection).ask_all(asked)
    except Exception as error:
        tell_sqlalchemy(connection, error)
        raise


def rows_of_all(connection: Connection, asked: "Sequence[tuple[Statement, tuple[Any, ...]]]") -> list[list[Any]]:
    """Return the rows of each of these, in their order. Those that are not known take one journey."""
    ahead = line_of(connection).ahead
    found = [ahead.take(statement.sql, bound) for statement, bound in asked]
    left = [question for question, known in zip(asked, found, strict=True) if known is None]
    answers = iter(execute_together(connection, left) if left else ())
    return [
        [*map(statement.read, next(answers).fetchall())] if known is None else known
        for (statement, _), known in zip(asked, found, strict=True)
    ]


def finish(connection: Connection) -> None:
    """Write what a group has left to write, before its COMMIT."""
    if any(each.statement.writes for each in line_of(connection).waiting):
        write_what_waits(connection)


def write_what_waits(connection: Connection) -> None:
    """Send the writes that wait."""
    if line_of(connection).has_waiting:
        execute_together(connection, ())


class Answer:
    """The server's answer to one statement."""

    __slots__ = ("_result", "_values")

    def __init__(self, values: Any, result: Any) -> None:
        self._values = values
        self._result = result

    @property
    def rowcount(self) -> int:
        """Return how many rows the statement changed."""
        return int(self._result.command_tuples or 0)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows that the statement selected or returned."""
        self._values.set_pgresult(self._result)
        found: list[tuple[Any, ...]] = self._values.load_rows(0, self._result.ntuples, tuple)
        return found


class _Write(NamedTuple):
    """A write that waits."""

    statement: Statement
    bound: tuple[Any, ...]
    rows: int | None
    """How many rows it must change; None if that does not matter."""
    then: Callable[[Any], None] | None
    """Hears what it returns."""


class Line:
    """One connection, and the statements that it knows by name. Errors are psycopg's, as a cursor would raise them."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._library = driver.pgconn
        self._values = Transformer(driver)
        self._names: dict[str, bytes] = {}
        self.waiting: list[_Write] = []
        """Writes that travel with the next journey."""
        self._mark = 0
        """How many writes waited when the present unit began."""
        self._has_written = False
        """Whether a write of the present unit has been sent."""
        self._has_missed = False
        """Whether a write of this transaction has changed other rows than it had to."""
        self.steady: Steady | None = None
        """What groups have read from `STEADY` tables; None outside a group."""
        self._kept = Steady()
        self.ahead = Ahead()
        """What was read for the present unit before it asked."""
        self._openings, self._plans_last_until = 0, 4
        self.series: dict[Hashable, Any] = {}
        """Numbers that this transaction counts on by itself, because nobody else can until it ends."""

    # -------------------------------------------------------------- a group's writes
    @property
    def has_waiting(self) -> bool:
        return bool(self.waiting)

    def write_later(
        self,
        statement: Statement,
        bound: tuple[Any, ...],
        rows: int | None = None,
        then: Callable[[Any], None] | None = None,
    ) -> None:
        """Send the statement with the next question, or before COMMIT.

        If it does not change exactly `rows` rows, the group is given up.
        """
        if statement.writes in STEADY:
            raise ApplyAlone("the plan changes")
        if self.ahead.known:
            self.ahead.note(statement.writes)
        self.waiting.append(_Write(statement, bound, rows, then))

    def plan_anew(self) -> None:
        """Have the server forget its plans when this is called for the 4th, 16th, 64th … time.

        A plan that was made while a table was empty may read all of it, and is kept while its rows become many.
        """
        self._openings += 1
        if self._openings == self._plans_last_until:
            self._plans_last_until *= 4
            self.write_later(_FORGET_PLANS, ())

    def begin_group(self, version: object) -> None:
        """Begin a group, or go on with it. `version` is the last change of a steady table.

        From now on a question about steady tables is asked once, until such a table is written here, or another
        `version` is met. Units may join a group that has begun: what their own chat has changed just before is new.
        """
        if self.steady is None:
            self._kept.begin(version)
            self.steady = self._kept
        else:
            self.steady.look_again(version)

    def begin_unit(self, known: Mapping[str, Known]) -> None:
        """Begin a unit: `undo_unit` goes back to this point. `known` was read for it already."""
        self._mark, self._has_written = len(self.waiting), False
        self.ahead.begin(known)

    def undo_unit(self) -> bool:
        """Forget the writes of the unit that still wait.

        False if some were sent already, or the transaction is spoilt.
        """
        del self.waiting[self._mark :]
        self.series.clear()  # what the unit has counted is not used: the next one asks again
        return not self._has_written and not self.is_spoilt

    @property
    def is_spoilt(self) -> bool:
        """Whether the transaction must not be committed."""
        return self._has_missed or bool(self._library.transaction_status == TransactionStatus.INERROR)

    def forget(self) -> None:
        """Forget everything about the transaction, which is over."""
        self.waiting.clear()
        self._has_missed = False
        self.steady = None
        self.ahead.begin({})
        self.series.clear()

    def note(self, writes: str) -> None:
        """Note that something is sent, on this line or past it.

        The waiting writes go first; `writes` is the table it changes.
        """
        self._has_written |= bool(writes) or len(self.waiting) > self._mark
        self.ahead.note(writes)
        if self.steady is not None:
            self.steady.note(writes)

    # -------------------------------------------------------------- asking
    def ask(self, statement: Statement, bound: Sequence[Any]) -> Answer:
        if self.waiting:
            return self.ask_all([(statement, bound)])[0]
        self.note(statement.writes)
        dumped = self._values.dump_sequence(bound, statement.formats)
        formats = self._values.formats
        try:
            name = self._named(statement.sql)
            if begin := self._begin():
                self._checked(self._library.exec_(begin))
            result = self._library.exec_prepared(name, dumped, formats, _BINARY)
        except MemoryError:
            raise self._silent() from None
        return Answer(self._values, self._checked(result))

    def ask_all(self, asked: Sequence[tuple[Statement, Sequence[Any]]]) -> list[Answer]:
        """Send the writes that wait, then these statements; the server executes none behind one that fails.

        It begins with the first while the last is still being sent.
        """
        library, values = self._library, self._values
        self.note("")
        for statement, _ in asked:
            self.note(statement.writes)
        try:
            sending = [self._sent(each.statement, each.bound) for each in self.waiting]
        except MemoryError:
            raise self._silent() from None
        except Exception as error:
            # Nobody knows whose value it is. All of it still waits, so the group is given up.
            raise ApplyAlone("a value that cannot be sent") from error
        writes, self.waiting, self._mark = self.waiting, [], 0
        try:
            sending += [self._sent(*each) for each in asked]
        except MemoryError:
            raise self._silent() from None
        begin = self._begin()
        library.enter_pipeline_mode()
        try:
            if begin:
                library.send_query_params(begin, None)
            for name, dumped, formats in sending:
                library.send_query_prepared(name, dumped, formats, _BINARY)
            library.pipeline_sync()
            results = _told(library, bool(begin) + len(sending))
            if library.status == ConnStatus.OK:
                library.exit_pipeline_mode()
        except BaseException:
            library.finish()  # half way: nobody knows where its transaction stands
            raise
        for result in results:
            self._checked(result)
        answers = [Answer(values, result) for result in results[bool(begin) :]]
        for write, answer in zip(writes, answers, strict=False):
            if write.rows not in (None, answer.rowcount):
                self._has_missed = True
                raise ApplyAlone("something has changed since it was read")
            if write.then is not None:
                write.then(write.statement.read(answer.fetchall()[0]))
        return answers[len(writes) :]

    def _sent(self, statement: Statement, bound: Sequence[Any]) -> tuple[bytes, Any, Any]:
        """Return the name of the statement, its parameters as they are sent, and their formats."""
        name = self._named(statement.sql)
        return name, self._values.dump_sequence(bound, statement.formats), self._values.formats

    def _named(self, sql: str) -> bytes:
        """The name of a statement on this connection. It is prepared now if it was not yet."""
        name = self._names.get(sql)
        if name is None:
            name = b"enlace_%d" % len(self._names)
            self._checked(self._library.prepare(name, sql.encode()))
            self._names[sql] = name
        return name

    def _begin(self) -> bytes:
        """Return the command that begins a transaction, as psycopg would: for reading or for writing.

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
        """Return the error for a missing answer. psycopg calls it a lack of memory; mostly the connection is lost."""
        if self._library.status == ConnStatus.OK:
            return MemoryError("no memory for what the database answers")
        return OperationalError(self._library.get_error_message() or "the connection is lost")


def _told(library: Any, number: int) -> list[Any]:
    """Return the server's answers to so many statements of a pipeline. Other threads go on while it waits."""
    socket = select.poll()
    socket.register(library.socket, select.POLLIN | select.POLLOUT)
    while library.flush():
        socket.poll()
        library.consume_input()  # the server reads no more while nobody takes what it answers
    socket.modify(library.socket, select.POLLIN)
    results: list[Any] = []
    while len(results) <= number:  # the last one is that of the pipeline's end
        while library.is_busy():
            socket.poll()
            library.consume_input()
        if (result := library.get_result()) is not None:  # None ends the results of one statement
            results.append(result)
    return results[:-1]


def line_of(connection: Connection) -> Line:
    """The `Line` of this connection. It is dropped with the connection, as the prepared statements are."""
    known = connection.info
    found: Line | None = known.get(_NAME)
    if found is None:
        found = known[_NAME] = Line(connection.connection.dbapi_connection)
    return found
