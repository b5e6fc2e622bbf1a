"""An open database: `units` change it, `reader` and `view` only read it."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.database.engines import (
    SqliteWriter,
    is_unavailable,
    parse_url,
    postgres_engine,
    sqlite_engine,
    sqlite_readers,
)
from storage.database.group_commit import Writer
from storage.database.outage import Outage
from storage.database.vault import Vault
from storage.errors import Unavailable
from storage.unit_of_work import UnitOfWork, Units


# ------------------------------------------------------------------ opening
class Database:
    """One database: `units` to change it, `reader` and `view` to look at it. Threads and connections until `close`."""

    def __init__(self, writer_engine: Engine, reader_engine: Engine, writer: Writer, vault: Vault | None) -> None:
        self.engine = writer_engine
        self.is_sqlite = writer_engine.dialect.name == "sqlite"
        self.vault = vault
        self.units = Units(writer, UnitOfWork, vault)
        self.units.view = self.view
        self.before_close: Callable[[Database], None] = lambda database: None
        """Called last, while units can still be applied."""
        self._readers = reader_engine
        self._outage = Outage("readers")
        self._is_closed = False

    @contextlib.contextmanager
    def reader(self) -> Iterator[Connection]:
        """Return a connection that cannot write. It shows one moment of the database for as long as it is held.

        For exports, dashboards and the web. It never waits for the writer, and the writer never waits for it.
        """
        pool = self._readers.pool
        try:
            try:
                with self._readers.connect() as connection:
                    connection.begin()  # now: a prepared statement goes past SQLAlchemy, and would begin nothing
                    try:
                        yield connection
                    except BaseException:
                        if self.is_sqlite:  # after trouble, another one
                            connection.invalidate()
                        raise
            finally:
                if self._is_closed or pool is not self._readers.pool:
                    pool.dispose()  # meanwhile: nobody else closes what has just been given back
                if self._is_closed:
                    self._readers.dispose()
        except PoolTimeout as error:
            self._outage.lasts(error)
            raise Unavailable("no connection is free") from error
        except DBAPIError as error:
            # Here a refusal to write is the caller's defect, not a full or failed-over disk.
            if is_unavailable(error) and "read-only" not in str(error.orig).replace("readonly", "read-only"):
                self._outage.lasts(error)
                raise Unavailable(str(error.orig).partition("\n")[0]) from error
            raise
        self._outage.ends()

    @contextlib.contextmanager
    def view(self) -> Iterator[UnitOfWork]:
        """Return the repositories over a `reader`. The database refuses every change."""
        with self.reader() as connection:
            unit = UnitOfWork(connection, self.vault)
            try:
                yield unit
            finally:
                for result in unit.streams:
                    result.close()

    def close(self) -> None:
        """Finish the waiting units and close every connection."""
        self.before_close(self)
        self.units.close()
        self._is_closed = True
        self._readers.dispose()  # the writer's connection is the last: SQLite tidies its log up then
        self.engine.dispose()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close it. If a signal has broken off the command, nothing that still waits is applied: the process ends."""
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            self.close()


def open_database(url: str, *, vault: Vault | None = None, group_size: int = 64, threads: int = 6) -> Database:
    """The database at `url`: `sqlite:///file` or `postgresql+psycopg://…`. Tables are not touched (see `check`).

    `group_size` is how many units share a commit at most. On PostgreSQL, `threads` is how many other units are applied
    at the same time, each in its own transaction. StorageError for a URL or a library that cannot be used.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine, readers = sqlite_engine(parsed), sqlite_readers(parsed)
        return Database(engine, readers, SqliteWriter(engine, group_size, readers), vault)
    from storage.database.postgres_writer import PostgresWriter  # psycopg is not needed beside SQLite
    from storage.people.opening import Endings, open_together

    engine = postgres_engine(parsed, threads + PostgresWriter.groups)
    readers = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(
        engine, readers, PostgresWriter(engine, partial(open_together, Endings()), group_size, threads), vault
    )
