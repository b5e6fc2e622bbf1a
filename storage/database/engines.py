"""Engines, and everything in which SQLite and PostgreSQL differ.

SQLite before 3.51.3 can corrupt a database in WAL mode when two connections write or checkpoint (the "WAL-reset"
defect), and Linux distributions ship older ones for years: so the interpreter's library is used only if it is new
enough, otherwise the `pysqlite3` wheel's, otherwise none.

SQLite has one writing connection, used by one thread; it begins IMMEDIATE (a deferred transaction that reads first
fails at once with BUSY_SNAPSHOT, whatever the timeout) and syncs the log on every commit (`synchronous=FULL`: NORMAL
may lose the last commits when the power fails). Every other connection is read-only. PostgreSQL has a pool; sessions
that hang in a transaction (a paused replica) are cut off by the server, so that their row locks do not outlive them by
long.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool
from sqlalchemy.util import LRUCache

from storage.database.steady import keep_steady, note_change
from storage.errors import StorageError, Unavailable

OLDEST_SQLITE = (3, 51, 3)
BUSY_MS = 6_000
"""How long a writer waits for another process, in milliseconds: longer than the 4 s that users must not notice (T9)."""


def parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StorageError("ENLACE_DATABASE_URL is not a database URL") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        _check_options(parsed)
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StorageError(f"no support for {backend}: use sqlite:///FILE or postgresql+psycopg://…")
    if not parsed.database or ":memory:" in parsed.database or parsed.database.startswith("file:"):
        raise StorageError("SQLite needs a file: sqlite:///FILE (a database in memory survives nothing)")
    return parsed


def _check_options(url: URL) -> None:
    """Raise StorageError for an option that PostgreSQL does not know: connecting would raise it as a defect of ours."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo("", **dict.fromkeys(url.query, ""))
    except ProgrammingError as error:
        raise StorageError(f"ENLACE_DATABASE_URL is no address of PostgreSQL: {str(error).strip()}") from None


def _json_text(value: object) -> str:
    return orjson.dumps(value).decode()


class _Compiled(LRUCache[Any, Any]):
    """The statements that SQLAlchemy has compiled, by the kind of database, for all engines of this process.

    An engine's own cache has the engine in its keys: then a reader compiles anew what the writer has compiled, and a
    command, which opens three engines, everything.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), compiled)


ENGINE_OPTIONS: dict[str, Any] = {
    "execution_options": {"compiled_cache": _Compiled(1_000)},
    "hide_parameters": True,  # S8: answers do not travel in exceptions
    "json_serializer": _json_text,
    "json_deserializer": orjson.loads,
}


# ------------------------------------------------------------------ SQLite
def sqlite_module() -> ModuleType:
    """The SQLite driver to use: the interpreter's own if its library is sound, otherwise the wheel's."""
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return sqlite3
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        found = sqlite3.sqlite_version
    else:
        if dbapi2.sqlite_version_info >= OLDEST_SQLITE:
            return dbapi2  # type: ignore[no-any-return]
        found = dbapi2.sqlite_version
    wanted = ".".join(map(str, OLDEST_SQLITE))
    raise StorageError(f"SQLite {found} can corrupt databases: {wanted} or newer is needed (pip install pysqlite3)")


def sqlite_file(url: URL) -> Path:
    return Path(url.database or "").absolute()


def sqlite_engine(url: URL, *, pooled: bool = True) -> Engine:
    file = sqlite_file(url)
    module = sqlite_module()
    engine = create_engine(
        f"sqlite:///{file}",
        module=module,
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_MS / 1000},
        **({"pool_size": 1, "max_overflow": 0} if pooled else {"poolclass": NullPool}),
        **ENGINE_OPTIONS,
    )

    @event.listens_for(engine, "do_connect")
    def make_private(*_: object) -> None:
        # Created by us before SQLite does it, so that nobody else on the machine can read it; -wal and -shm follow.
        with contextlib.suppress(FileExistsError, OSError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # sorting answers leaves no trace in a temporary file
        connection.execute("PRAGMA secure_delete=ON")  # a purged answer is gone from the file, not only from its table

    @event.listens_for(engine, "begin")
    def begin_immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def sqlite_readers(url: URL) -> Engine:
    """Return an engine whose connections cannot write. It keeps one: a new one reads the whole schema (1 to 3 ms).

    A connection that is kept is not used any more if the file or its log is another one now.
    """
    file = str(sqlite_file(url))
    address = f"file:{quote(str(sqlite_file(url)))}?mode=ro"
    module = sqlite_module()
    engine = create_engine(
        "sqlite://",
        module=module,
        creator=lambda: module.connect(
            address, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
        ),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        **ENGINE_OPTIONS,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA temp_store=MEMORY")

    @event.listens_for(engine, "checkout")
    def expect_own_files(_connection: object, record: Any, _: object) -> None:
        found = [_identity(each) for each in (file, f"{file}-wal", f"{file}-shm")]
        if record.info.setdefault("files", found) != found:
            raise DisconnectionError("the database's file or its log is another one")

    @event.listens_for(engine, "checkin")
    def free_memory(connection: Any, _: object) -> None:
        if connection is not None:  # None: it was dropped
            connection.execute("PRAGMA shrink_memory")  # nothing that was read stays in memory

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


class OwnFile:
    """Whether a path still leads to the files that this process has open.

    SQLite goes on writing to a file that was deleted, moved away or replaced, and says that all is well: everybody is
    told "Saved", and it is gone with the process. It knows (SQLITE_FCNTL_HAS_MOVED) and tells no driver of Python's.
    """

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._logs = f"{file}-wal", f"{file}-shm"
        self._opened: _Identity = None

    def check(self, connection: Connection | None = None) -> None:
        """Raise Unavailable if there is another file now, or none. `connection`: if its log is another one, too.

        A log that is gone is mended by a new connection. A file that is gone is not: SQLite would make an empty one.
        """
        found = _identity(self._file)
        if self._opened not in (None, found):
            raise Unavailable("the database's file is not the one that was opened: put it back, or start anew")
        if connection is not None:
            self._opened = found
            logs = [_identity(log) for log in self._logs]
            if connection.info.setdefault("logs", logs) != logs:
                raise Unavailable("somebody has deleted or replaced the database's log")


_Identity = tuple[int, int] | None


def _identity(file: str) -> _Identity:
    try:
        status = os.stat(file)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


class SqliteWriter:
    """One thread, one connection, many units for each commit."""

    groups = 1
    threads = 0

    def __init__(self, engine: Engine, group_size: int, readers: Engine) -> None:
        self.engine = engine
        self.group_size = group_size
        self._readers = readers
        self._file = OwnFile(sqlite_file(engine.url))
        event.listen(engine, "before_cursor_execute", note_change)

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        self._file.check()
        with self.engine.connect() as connection:
            connection.begin()
            if "logs" not in connection.info:  # a new connection; of a known one, the look before COMMIT decides
                self._file.check(connection)
            [version] = _driver(connection).execute("PRAGMA data_version").fetchone()
            keep_steady(connection).begin(version)
            yield connection

    def open(self, connection: Connection, openings: Sequence[object], *, waits: bool) -> list[None]:
        """Read nothing ahead: every read of SQLite is fast enough."""
        raise NotImplementedError

    def begin(self, connection: Connection, known: object) -> None:
        _driver(connection).execute("SAVEPOINT unit")

    def end(self, connection: Connection) -> None:
        _driver(connection).execute("RELEASE unit")

    def undo(self, connection: Connection) -> bool:
        driver = _driver(connection)
        driver.execute("ROLLBACK TO unit")
        driver.execute("RELEASE unit")
        return True

    def finish(self, connection: Connection) -> None:
        self._file.check(connection)

    def is_in_transaction(self, connection: Connection) -> bool:
        return bool(_driver(connection).in_transaction)

    def is_unavailable(self, error: BaseException) -> bool:
        return is_unavailable(error)

    def is_collision(self, error: BaseException) -> bool:
        return False

    def distrust(self, connection: Connection) -> None:
        # The connection is opened again after each trouble. That is cheap, and right for a file that moved, filled up
        # or became read-only. It is the last to be closed: then SQLite writes into the file what is in a deleted log,
        # and takes nothing of that log over.
        self._readers.dispose()
        connection.invalidate()


# Primary result codes (sqlite.org/rescode.html) that blame the machine and not the statement.
SQLITE_UNAVAILABLE = {
    5: "BUSY",
    6: "LOCKED",
    7: "NOMEM",
    8: "READONLY",
    9: "INTERRUPT",
    10: "IOERR",
    11: "CORRUPT",
    13: "FULL",
    14: "CANTOPEN",
    15: "PROTOCOL",
    22: "NOLFS",
    26: "NOTADB",
}
SQLITE_MOVED = "no such table"
"""SQLite has no code of its own for tables that somebody has moved. A missing column is a defect of the statement."""


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


# ------------------------------------------------------------------ PostgreSQL
def postgres_engine(url: URL, threads: int) -> Engine:
    settings = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=15s -c statement_timeout=60s"
    given = url.query.get("options")
    if given:
        settings += f" {given if isinstance(given, str) else ' '.join(given)}"
    engine = create_engine(
        url.difference_update_query(["options"]),
        pool_size=threads + 4,
        max_overflow=4,
        pool_timeout=10,
        pool_use_lifo=True,  # the connection that was used last knows its statements and the plan
        connect_args={
            "options": settings,
            "connect_timeout": 5,
            # psycopg itself would forget by DEALLOCATE ALL after a ROLLBACK TO, and drop what `journeys` has prepared
            # too.
            "prepare_threshold": None,
            "application_name": "enlace",
            # A replica cut off from the database notices within 15 s (T11).
            "keepalives_idle": 5,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 15_000,
        },
        **ENGINE_OPTIONS,
    )

    @event.listens_for(engine, "handle_error")
    def take_note(context: ExceptionContext) -> None:
        context.is_disconnect |= _belongs_to_session(context.original_exception)
        primary = _without_details(context.original_exception)
        if primary and context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(context.original_exception).__name__}) {primary}",)

    return engine


def _without_details(error: BaseException) -> str:
    """Keep only the first line of the error.

    "Failing row contains (…)" and "Key (…)=(…) already exists" quote data (S8).
    """
    primary: str = getattr(getattr(error, "diag", None), "message_primary", None) or ""
    if primary:
        error.args = (primary,)
    return primary


def _belongs_to_session(error: BaseException) -> bool:
    """Whether the trouble may stay with the session when it is over for everybody else: only a new one is without it.

    A session is read-only that began while the server, the database or the role was (`default_transaction_read_only`),
    or on a server that has handed over to another one.
    """
    return sqlstate(error) == READ_ONLY


def tell_sqlalchemy(connection: Connection, error: Exception) -> None:
    """Raise SQLAlchemy's error for this error of the driver. If the connection is lost, drop it."""
    dialect = connection.dialect
    if dialect.loaded_dbapi is None or not isinstance(error, dialect.loaded_dbapi.Error):
        return
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None) or _belongs_to_session(error)
    _without_details(error)
    if is_lost:
        connection.invalidate(error)
    raise DBAPIError.instance(
        None,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    ) from error


# Classes of SQLSTATE (PostgreSQL manual, appendix A): connection, resources, operator's hand, system; and
# lock not available, read-only (a failover), cut off while idle in a transaction; and what is seen of tables that
# somebody moves under a running bot: no table, no schema. A missing column is a defect of the statement.
READ_ONLY = "25006"
POSTGRES_UNAVAILABLE = ("08", "53", "57", "58", "55P03", READ_ONLY, "25P03", "XX", "42P01", "3F000")


def status(connection: Connection) -> str:
    if connection.invalidated or connection.closed:
        return "UNKNOWN"
    return str(_driver(connection).info.transaction_status.name)


def sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def is_unavailable(error: BaseException) -> bool:
    """Whether the cause is the machine or its operator, so that the same unit may succeed later without a change."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    original = getattr(error, "orig", error)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_UNAVAILABLE or str(original).startswith(SQLITE_MOVED)
    state = sqlstate(error)
    if state:
        return state.startswith(POSTGRES_UNAVAILABLE)
    # A driver that could not even connect has no code to give. A connection that timed out is a class of its own.
    names = {each.__name__ for each in type(original).__mro__}
    return isinstance(error, DBAPIError) and "OperationalError" in names


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Raise `Unavailable` for an error of the database that the machine has caused."""
    try:
        yield
    except DBAPIError as error:
        if is_unavailable(error):
            raise Unavailable(str(error.orig).partition("\n")[0]) from error
        raise
