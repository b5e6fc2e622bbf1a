"""Engines, and everything in which SQLite and PostgreSQL differ.

SQLite before 3.51.3 can corrupt a database in WAL mode when two connections write or checkpoint (the
"WAL-reset" defect), and Linux distributions ship older ones for years: here the interpreter's library is
taken only if it is new enough, else the `pysqlite3` wheel's, else none.

SQLite has one writing connection, used by one thread; it begins IMMEDIATE (a deferred transaction that reads
first fails at once with BUSY_SNAPSHOT, whatever the timeout) and syncs the log on every commit
(`synchronous=FULL`: NORMAL may lose the last commits when the power fails). Every other connection is read-only.
PostgreSQL has a pool; sessions that hang in a transaction (a paused replica) are cut off by the server, so
that their row locks do not outlive them by long.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from storage.errors import Conflict, NotFound, StorageError, Unavailable, Unmigrated
from storage.unit_of_work import UnitOfWork, Units, Writer
from storage.vault import Vault

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "Conflict",
    "Database",
    "NotFound",
    "StorageError",
    "Unavailable",
    "Unmigrated",
    "backup",
    "check",
    "downgrade",
    "open_database",
    "restore",
    "upgrade",
]

OLDEST_SQLITE = (3, 51, 3)
BUSY_MS = 6_000
"""How long a writer waits for another process: above the 4 s that nobody may notice (T9)."""
MIGRATING = 7_236_528_430
"""The advisory lock under which replicas that start together migrate one after the other."""


# ------------------------------------------------------------------ opening
class Database:
    """One database: `units` to change it, `reader` and `view` to look at it. Threads and connections until `close`."""

    def __init__(self, writer_engine: Engine, reader_engine: Engine, writer: Writer, vault: Vault | None) -> None:
        self.engine = writer_engine
        self.vault = vault
        self.units = Units(writer, vault)
        self.before_close: Callable[[Database], None] = lambda database: None
        """What is done last, while units still can be."""
        self._readers = reader_engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that cannot write and sees one moment of the database for as long as it is held.

        For exports, dashboards and the web; it never waits for the writer, nor the writer for it.
        """
        try:
            with self._readers.connect() as connection:
                yield connection
        except DBAPIError as error:
            # Here a refusal to write is the caller's defect, not a full or failed-over disk.
            if _is_unavailable(error) and "read-only" not in str(error.orig).replace("readonly", "read-only"):
                raise Unavailable(str(error.orig).partition("\n")[0]) from error
            raise

    @contextlib.contextmanager
    def view(self) -> Iterator[UnitOfWork]:
        """The repositories over a `reader`: what they would change is refused by the database."""
        with self.reader() as connection:
            yield UnitOfWork(connection, self.vault)

    def close(self) -> None:
        """Drain the units and close every connection."""
        self.before_close(self)
        self.units.close()
        self.engine.dispose()
        if self._readers is not self.engine:
            self._readers.dispose()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_database(url: str, *, vault: Vault | None = None, group_size: int = 64, threads: int = 6) -> Database:
    """The database at `url`: `sqlite:///file` or `postgresql+psycopg://…`. Tables are not touched (see `check`).

    `group_size` is how many units share a commit on SQLite, `threads` how many are applied at once on
    PostgreSQL. StorageError for a URL or a library that cannot be used.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite_engine(parsed)
        return Database(engine, _sqlite_readers(parsed), SqliteWriter(engine, group_size), vault)
    engine = _postgres_engine(parsed, threads)
    readers = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(engine, readers, PostgresWriter(engine, threads), vault)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StorageError("ENLACE_DATABASE_URL is not a database URL") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StorageError(f"no support for {backend}: use sqlite:///FILE or postgresql+psycopg://…")
    if not parsed.database or ":memory:" in parsed.database or parsed.database.startswith("file:"):
        raise StorageError("SQLite needs a file: sqlite:///FILE (a database in memory survives nothing)")
    return parsed


def _json_text(value: object) -> str:
    return orjson.dumps(value).decode()


ENGINE_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # S8: answers do not travel in exceptions
    "json_serializer": _json_text,
    "json_deserializer": orjson.loads,
}


# ------------------------------------------------------------------ SQLite
def sqlite_module() -> ModuleType:
    """The SQLite driver to use: the interpreter's own where its library is sound, else the wheel's."""
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


def _sqlite_file(url: URL) -> Path:
    return Path(url.database or "").absolute()


def _sqlite_engine(url: URL, *, pooled: bool = True) -> Engine:
    file = _sqlite_file(url)
    engine = create_engine(
        f"sqlite:///{file}",
        module=sqlite_module(),
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


def _sqlite_readers(url: URL) -> Engine:
    address = f"file:{quote(str(_sqlite_file(url)))}?mode=ro"
    module = sqlite_module()
    engine = create_engine(
        "sqlite://",
        module=module,
        creator=lambda: module.connect(
            address, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
        ),
        poolclass=NullPool,
        **ENGINE_OPTIONS,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA temp_store=MEMORY")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


class SqliteWriter:
    """One thread, one connection, many units a commit."""

    threads = 1

    def __init__(self, engine: Engine, group_size: int) -> None:
        self.engine = engine
        self.group_size = group_size

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            connection.begin()
            yield connection

    def begin(self, connection: Connection) -> None:
        _driver(connection).execute("SAVEPOINT unit")

    def end(self, connection: Connection) -> None:
        _driver(connection).execute("RELEASE unit")

    def undo(self, connection: Connection) -> None:
        driver = _driver(connection)
        driver.execute("ROLLBACK TO unit")
        driver.execute("RELEASE unit")

    def is_in_transaction(self, connection: Connection) -> bool:
        return bool(_driver(connection).in_transaction)

    def is_unavailable(self, error: BaseException) -> bool:
        return _is_unavailable(error)

    def is_collision(self, error: BaseException) -> bool:
        return False

    def distrust(self, connection: Connection) -> None:
        # Opened anew each time: cheap beside what happened, and right for a file that moved, filled or went read-only.
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


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


# ------------------------------------------------------------------ PostgreSQL
def _postgres_engine(url: URL, threads: int) -> Engine:
    settings = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=15s -c statement_timeout=60s"
    given = url.query.get("options")
    if given:
        settings += f" {given if isinstance(given, str) else ' '.join(given)}"
    engine = create_engine(
        url.difference_update_query(["options"]),
        pool_size=threads + 4,
        max_overflow=4,
        pool_timeout=10,
        connect_args={
            "options": settings,
            "connect_timeout": 5,
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
    def keep_answers_out(context: ExceptionContext) -> None:
        # "Failing row contains (…)" and "Key (…)=(…) already exists": the DETAIL line quotes what was written (S8).
        primary = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
        if primary:
            context.original_exception.args = (primary,)
            if context.sqlalchemy_exception is not None:
                context.sqlalchemy_exception.args = (f"({type(context.original_exception).__name__}) {primary}",)

    return engine


class PostgresWriter:
    """Several threads, each unit a transaction of its own."""

    group_size = 1

    def __init__(self, engine: Engine, threads: int) -> None:
        self.engine = engine
        self.threads = threads

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            connection.begin()
            yield connection

    def begin(self, connection: Connection) -> None:
        """A group of one needs no savepoint: undoing the unit is undoing the transaction."""

    def end(self, connection: Connection) -> None:
        # PostgreSQL answers COMMIT in a spoilt transaction with ROLLBACK and no error.
        if _status(connection) == "INERROR":
            raise StorageError("a unit of work went on after a database error")

    def undo(self, connection: Connection) -> None:
        """Nothing of a failed group of one is committed: `connect` rolls it back."""

    def is_in_transaction(self, connection: Connection) -> bool:
        # IDLE: nothing has been asked yet, psycopg begins with the first statement.
        return _status(connection) != "UNKNOWN"

    def is_unavailable(self, error: BaseException) -> bool:
        return _is_unavailable(error)

    def is_collision(self, error: BaseException) -> bool:
        return (_sqlstate(error) or "").startswith("40")

    def distrust(self, connection: Connection) -> None:
        """SQLAlchemy drops broken connections by itself; the others are as good as before."""


# Classes of SQLSTATE (PostgreSQL manual, appendix A): connection, resources, operator's hand, system; and
# lock not available, read-only (a failover), cut off while idle in a transaction.
POSTGRES_UNAVAILABLE = ("08", "53", "57", "58", "55P03", "25006", "25P03", "XX")


def _status(connection: Connection) -> str:
    if connection.invalidated or connection.closed:
        return "UNKNOWN"
    return str(_driver(connection).info.transaction_status.name)


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _is_unavailable(error: BaseException) -> bool:
    """Whether the machine is to blame: then the same unit may well succeed later, unchanged."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    original = getattr(error, "orig", error)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_UNAVAILABLE
    state = _sqlstate(error)
    if state:
        return state.startswith(POSTGRES_UNAVAILABLE)
    # A driver that could not even connect has no code to give.
    return isinstance(error, DBAPIError) and type(original).__name__ == "OperationalError"


# ------------------------------------------------------------------ migrations
# Alembic weighs 7 MB and is needed when tables change, not whenever a database is opened.
def _alembic(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _migrating(url: str) -> Iterator[Connection]:
    """A connection in one transaction, alone with the tables."""
    parsed = _parse(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = _sqlite_engine(parsed, pooled=False) if sqlite else _postgres_engine(parsed, 1)
    try:
        with engine.begin() as connection:
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            yield connection
    except DBAPIError as error:
        if _is_unavailable(error):
            raise Unavailable(str(error.orig).partition("\n")[0]) from error
        raise
    finally:
        engine.dispose()


def upgrade(url: str) -> None:
    """Tables as this version of the program wants them; all or nothing, and nothing if they are already."""
    from alembic import command

    with _migrating(url) as connection:
        command.upgrade(_alembic(connection), "head")


def downgrade(url: str, revision: str = "base") -> None:
    """Tables as they were at `revision`; "base" removes everything."""
    from alembic import command

    with _migrating(url) as connection:
        command.downgrade(_alembic(connection), revision)


def head() -> str:
    """The number of the newest migration: each one's file begins with its own."""
    versions = (files("storage") / "migrations" / "versions").iterdir()
    return max(file.name.partition("_")[0] for file in versions if file.name.endswith(".py"))


def check(url: str) -> None:
    """Unmigrated unless the tables are exactly those of this version. Creates and changes nothing."""
    parsed = _parse(url)
    wanted = head()
    if parsed.get_backend_name() == "sqlite":
        if not _sqlite_file(parsed).exists():
            raise Unmigrated("there is no database yet: run 'enlace init'")
        engine = _sqlite_readers(parsed)
    else:
        engine = _postgres_engine(parsed, 1)
    try:
        with engine.connect() as connection:
            is_migrated = inspect(connection).has_table("alembic_version")
            found = connection.scalar(text("SELECT version_num FROM alembic_version")) if is_migrated else None
    except DBAPIError as error:
        if _is_unavailable(error):
            raise Unavailable(str(error.orig).partition("\n")[0]) from error
        raise
    finally:
        engine.dispose()
    if found != wanted:
        raise Unmigrated(f"tables are at {found or 'nothing'}, this version needs {wanted}: run 'enlace db upgrade'")


# ------------------------------------------------------------------ backup
def backup(url: str, file: Path) -> None:
    """A copy of the whole database as of now in `file` (mode 0600), also while the bot is running.

    The file appears under its name only when it is complete and on the disk. Keys are not in it.
    """
    source = _sqlite_only(url, "back up", "pg_dump --format=custom --file=FILE")
    if not source.exists():
        raise NotFound("there is no database to back up")
    if file.exists() and file.samefile(source):
        raise StorageError(f"{file}: this is the database itself, not a place for its backup")
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    module = sqlite_module()
    try:
        with (
            contextlib.closing(module.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as origin,
            contextlib.closing(module.connect(str(unfinished))) as copy,
        ):
            origin.backup(copy)
            # WAL is noted in the file itself; a copy is one file and must stay one.
            copy.execute("PRAGMA journal_mode=DELETE")
        _sync(unfinished)
        unfinished.replace(file)
        _sync(file.absolute().parent)
    except module.Error as error:
        unfinished.unlink(missing_ok=True)
        raise Unavailable(str(error)) from error


def restore(file: Path, url: str, *, now: datetime) -> None:
    """The database as it was when `file` was backed up. The bot must not be running.

    What was waiting to be sent then is settled as ambiguous: it may have been sent since, and nothing stale may
    be sent now (T14). StorageError, and nothing changed, if the file is damaged or no database of ours;
    Unavailable if somebody else is writing.
    """
    target = _sqlite_only(url, "restore", "pg_restore --clean --dbname=DATABASE FILE")
    if not file.exists():
        raise NotFound(f"{file}: no such file")
    module = sqlite_module()
    try:
        with contextlib.closing(module.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)) as origin:
            if origin.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise StorageError(f"{file}: the copy is damaged")
            if origin.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
                raise StorageError(f"{file}: not a database of this program")
            if not target.exists():
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            connection = module.connect(str(target), timeout=BUSY_MS / 1000, isolation_level=None)
            with contextlib.closing(connection) as copy:
                # Alone, or not at all: a bot that idles has the file open too, and copying waits for ever for a lock.
                copy.execute("PRAGMA locking_mode=EXCLUSIVE")
                copy.execute("BEGIN EXCLUSIVE")
                copy.execute("COMMIT")
                origin.backup(copy)
    except module.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None) or 0
        if code & 0xFF in (5, 6):
            raise Unavailable("the database is in use: stop the bot first") from error
        raise StorageError(f"{file}: {error}") from error
    engine = _sqlite_engine(_parse(url), pooled=False)
    try:
        with engine.begin() as connection:
            from storage.outbox import settle_restored

            settle_restored(connection, now)
    finally:
        engine.dispose()


def _sqlite_only(url: str, verb: str, instead: str) -> Path:
    parsed = _parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise StorageError(f"'enlace db' does not {verb} PostgreSQL, which has a tool of its own: {instead}")
    return _sqlite_file(parsed)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
