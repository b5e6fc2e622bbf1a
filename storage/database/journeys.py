"""Prepared statements for PostgreSQL, given to libpq directly instead of through psycopg's cursors.

For a small statement, a psycopg cursor costs more processor time than everything an update computes. So the statements
of every update are prepared once for each connection, by name, and given to libpq. The connection stays psycopg's.
psycopg's own dumpers and loaders convert the values, so both ways can be mixed in one transaction.

A round trip to the server (a journey) is expensive, and a statement in it is cheap. So the writes of a group wait here
(`write_later`) and travel with the next question, or with COMMIT. The server itself checks how many rows they change
(`counted`), so that nobody needs to look before COMMIT.

This module is imported only with PostgreSQL, because SQLite does not need psycopg.
"""

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from psycopg import OperationalError, errors, generators, waiting
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from sqlalchemy import Connection

from storage.database.ahead import Ahead, Known
from storage.database.engines import tell_sqlalchemy
from storage.database.joined import Write, insert_of, joined, marks, update_of, update_of_values
from storage.database.steady import STEADY, Steady, written
from storage.errors import ApplyAlone

_IDLE: Final = TransactionStatus.IDLE
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_BINARY: Final = Format.BINARY
"""How rows are answered: written and read as text they take half as long again, on both sides."""
_NAME: Final = "line"
_OR_NOTHING: Final = " ON CONFLICT DO NOTHING"


class Statement:
    """SQL with `$1`, `$2` …; a parameter without a type of its own has a cast."""

    __slots__ = (
        "formats",
        "is_joined",
        "is_steady",
        "key",
        "marks",
        "may_miss",
        "read",
        "sql",
        "tables",
        "value",
        "writes",
    )

    def __init__(
        self,
        sql: str,
        is_binary: Sequence[bool],
        tables: frozenset[str] = frozenset(),
        read: Callable[[Sequence[Any]], Any] = tuple,
        *,
        is_joined: bool = False,
        key: int | None = None,
        value: int | None = None,
        is_steady: bool = False,
    ) -> None:
        self.sql = sql
        self.writes = written(sql)
        self.may_miss = not sql.startswith("INSERT") or "ON CONFLICT" in sql
        """Whether it may change fewer rows than it was given. An INSERT without ON CONFLICT adds them all, or fails."""
        self.tables = tables
        """The tables that it names."""
        self.read = read
        """Makes a row of what the driver gives."""
        self.is_steady = is_steady
        """Whether it reads only tables that seldom change."""
        self.is_joined = is_joined
        """Whether it writes a row, and may become one with others of its kind. What it returns begins with its first
        parameter.
        """
        self.key = key
        """Which parameter names the only row that it writes; None if none does."""
        self.value = value
        """Which parameter is the value of all rows that it changes, if it may become one with others like that."""
        self.marks = marks(sql, self.writes, tables, is_row=is_joined)
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
    """Write what a group has left to write, with COMMIT in the same journey."""
    line = line_of(connection)
    if any(statement.writes for statement, *_ in line.waiting):
        try:
            line.ask_all((), commit=True)
        except Exception as error:
            tell_sqlalchemy(connection, error)
            raise


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


_Waiting = Write[Statement]
_BOUND: Final = itemgetter(1)


@cache
def counted(sql: str, rows: int) -> str:
    """Return a statement that does the same, and fails if it changes another number of rows."""
    if sql.endswith(_OR_NOTHING):  # a plain INSERT adds them all, or fails, and is half as dear
        return sql.removesuffix(_OR_NOTHING)
    return f"WITH done AS ({sql} RETURNING 1) SELECT 1 / (count(*) = {rows})::INTEGER FROM done"


def _tell(batch: Sequence[_Waiting], answer: Answer) -> None:
    """Tell each of these writes what it has returned."""
    if batch[0][3] is None:
        return
    found = answer.fetchall()
    if len(batch) > 1:  # nothing promises that the rows come back in their order
        by_number = {row[0]: row for row in found}
        found = [by_number[bound[0]] for _, bound, _, _ in batch]
    for (statement, _, _, then), row in zip(batch, found, strict=True):
        if then is not None:
            then(statement.read(row))


class Line:
    """One connection, and the statements that it knows by name. Errors are psycopg's, as a cursor would raise them."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._library = driver.pgconn
        self._values = Transformer(driver)
        self._names: dict[str, bytes] = {}
        self.waiting: list[_Waiting] = []
        """Writes that travel with the next journey."""
        self._mark = 0
        """How many writes waited when the present unit began."""
        self._has_written = False
        """Whether a write of the present unit has been sent."""
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
        """Send the statement with the next question, or with COMMIT.

        If it does not change exactly `rows` rows, the server goes no further, and the group is given up.
        """
        if statement.writes in STEADY:
            raise ApplyAlone("the plan changes")
        if self.ahead.known:
            self.ahead.note(statement.writes)
        self.waiting.append((statement, bound, rows, then))

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
        return bool(self._library.transaction_status == TransactionStatus.INERROR)

    def forget(self) -> None:
        """Forget everything about the transaction, which is over."""
        self.waiting.clear()
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

    def ask_all(self, asked: Sequence[tuple[Statement, Sequence[Any]]], *, commit: bool = False) -> list[Answer]:
        """Execute several statements in order, then `commit`; the server executes none behind one that fails.

        It begins with the first while the last is still being sent.
        """
        library, values = self._library, self._values
        self.note("")
        for statement, _ in asked:
            self.note(statement.writes)
        batches = joined(self.waiting)
        try:
            sending = [self._sent(batch) for batch in batches]
            self.waiting, self._mark = [], 0
            for statement, bound in asked:
                dumped = values.dump_sequence(bound, statement.formats)
                sending.append((self._named(statement.sql), dumped, values.formats))
        except MemoryError:
            raise self._silent() from None
        begin = self._begin()
        library.enter_pipeline_mode()
        try:
            if begin:
                library.send_query_params(begin, None)
            for name, dumped, formats in sending:
                library.send_query_prepared(name, dumped, formats, _BINARY)
            if commit:
                library.send_query_params(b"COMMIT", None)
            library.pipeline_sync()
            number = bool(begin) + len(sending) + commit
            results = waiting.wait(_told(library, number), library.socket, interval=1.0)
            if library.status == ConnStatus.OK:
                library.exit_pipeline_mode()
        except BaseException:
            library.finish()  # half way: it seems to be in its transaction, which may have been committed
            raise
        for result in results:
            self._checked(result)
        if commit and results.pop().command_status != b"COMMIT":
            raise ApplyAlone("the transaction could not be committed")
        answers = [Answer(values, result) for result in results[bool(begin) :]]
        for batch, answer in zip(batches, answers, strict=False):
            _tell(batch, answer)
        return answers[len(batches) :]

    def _sent(self, batch: Sequence[_Waiting]) -> tuple[bytes, Any, Any]:
        """Return the name of one statement for all these writes, its parameters, and their formats."""
        many = len(batch)
        statement, bound, rows, _ = batch[0]
        sql, key, value, formats = statement.sql, statement.key, statement.value, statement.formats
        if many > 1 and value is not None:
            sql = update_of_values(sql, value)
            every = ",".join([str(bound[value]) for _, bound, _, _ in batch])
            bound = (*bound[:value], f"{{{every}}}", *bound[value + 1 :])
        elif many > 1:
            is_insert = sql.startswith("INSERT")
            sql = insert_of(sql, many) if key is None or is_insert else update_of(sql, many, key)
            bound, formats = tuple(chain.from_iterable(map(_BOUND, batch))), formats * many
        if rows is not None and statement.may_miss:
            sql = counted(sql, rows * many)
        name = self._named(sql)
        try:
            return name, self._values.dump_sequence(bound, formats), self._values.formats
        except Exception as error:
            # Nobody knows whose value it is. All of it still waits, so the group is given up.
            raise ApplyAlone("a value that cannot be sent") from error

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
            error = errors.error_from_result(result, encoding=self._values.encoding)
            if isinstance(error, errors.DivisionByZero):  # `counted`
                raise ApplyAlone("something has changed since it was read")
            raise error
        return result

    def _silent(self) -> Exception:
        """Return the error for a missing answer. psycopg calls it a lack of memory; mostly the connection is lost."""
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
