"""PostgreSQL schemas that tests and benchmarks make, and that are gone afterwards.

The server is at ENLACE_TEST_POSTGRES (default: this machine's), with a role that is a superuser there.
"""

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, TextClause, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from storage.database.migrating import upgrade
from storage.database.models import Base
from tests.once import made_once
from tests.storage.database.connections import patiently, room

POSTGRES = os.environ.get("ENLACE_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/test")
UNREACHABLE = f"PostgreSQL is not reachable at {make_url(POSTGRES).render_as_string()}: set ENLACE_TEST_POSTGRES"
"""Begins with the word that the summary of a run looks for."""

# The server learns that a process was killed when it answers it: until then it goes on with what it had been
# told, and what it has locked meanwhile and what DROP SCHEMA has may be each other's turn.
_END_THOSE_AT_WORK = text("""
    SELECT pg_terminate_backend(at_work.pid, 5000)
    FROM (SELECT DISTINCT pid FROM pg_locks JOIN pg_class ON pg_class.oid = pg_locks.relation
          WHERE pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND pg_class.relnamespace = to_regnamespace(:schema) AND pid <> pg_backend_pid()) AS at_work
""")

_RESTART_NUMBERS = text("""
    SELECT 'SELECT ' || string_agg(format('setval(%L, %s, false)', quote_ident(sequencename), start_value), ', ')
    FROM pg_sequences WHERE schemaname = current_schema()
""")


def own_number(connection: Connection) -> int:
    """The server's own number of a connection: for `is_waited_for`."""
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def is_waited_for(number: int) -> bool:
    """Whether the server makes another connection wait for what this one has locked."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE :number = ANY(pg_blocking_pids(pid))")
    with server() as engine, engine.connect() as connection:
        return bool(connection.execute(waiting, {"number": number}).scalar_one())


@contextlib.contextmanager
def server() -> Iterator[Engine]:
    """Where schemas are made. OperationalError where nothing answers.

    No connection is kept meanwhile: some fixtures last as long as their process, and all processes share the server's.
    """
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect():
        pass
    yield engine


def connected(url: str, **given: Any) -> psycopg.Connection[Any]:
    """Return a connection of a test's own, past SQLAlchemy."""
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return patiently(lambda: psycopg.connect(dsn, **given))


@contextlib.contextmanager
def server_or_skip() -> Iterator[Engine]:
    """The same for a test: where no server answers it is skipped, saying so."""
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(server())
        except OperationalError:
            pytest.skip(UNREACHABLE)
        yield engine


@contextlib.contextmanager
def schema(prefix: str = "enlace", *, bots: int = 0) -> Iterator[str]:
    """The URL of a schema that nobody else uses, empty, and `room` for the processes that are started on it.

    OperationalError where no server answers.
    """
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    with server() as engine, room(engine, bots):
        with engine.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        try:
            # No test cuts the power of a server: what it has committed need not lie on its disk before the next act.
            # A bot that is started has the setting that it is shipped with. A tab is the one space that SQLAlchemy
            # writes into a URL as libpq reads it.
            hurry = "" if bots else "-csynchronous_commit=off\t"
            url = make_url(POSTGRES).update_query_dict({"options": f"{hurry}-csearch_path={name}"})
            yield url.render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(_END_THOSE_AT_WORK, {"schema": name})
                connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


@contextlib.contextmanager
def schema_or_skip(prefix: str = "enlace", *, bots: int = 0) -> Iterator[str]:
    """The same for a test: where no server answers it is skipped, saying so."""
    with server_or_skip(), schema(prefix, bots=bots) as url:
        yield url


def migrated_sqlite() -> Path:
    """The file of migrated, empty tables; whoever changes anything copies it first."""
    return made_once("migrated", _migrate_sqlite) / "enlace.db"


def _migrate_sqlite(folder: Path) -> None:
    upgrade(f"sqlite:///{folder / 'enlace.db'}")


def fill(url: str, folder: Path, name: str, make: Callable[[str, Path], None]) -> None:
    """A schema without rows and a folder, filled as `make` does it: once a run under this name, then they are copied.

    A database of its own, without such a schema, is filled by `make` itself. A copy costs the server a quarter of a
    second; to migrate and to seed cost the tests five times as much.
    """
    if shutil.which("pg_dump") is None or "options" not in make_url(url).query:
        make(url, folder)
        return
    kept = made_once(name, lambda kept: _keep(kept, make))
    shutil.copytree(kept / "folder", folder, dirs_exist_ok=True)
    engine = create_engine(url)
    with contextlib.closing(engine.raw_connection()) as connection, connection.cursor() as cursor:
        # It may hold the empty tables of an earlier test.
        cursor.execute(f"DROP SCHEMA {_name_of(url)} CASCADE")
        cursor.execute((kept / "schema.sql").read_text("utf-8").replace(_SCHEMA, _name_of(url)))
        connection.commit()
    engine.dispose()


def migrate(url: str) -> None:
    """Migrated, empty tables in an empty schema."""
    with tempfile.TemporaryDirectory() as folder:
        fill(url, Path(folder), "migrated-postgresql", lambda at, _: upgrade(at))


_SCHEMA = "«schema»"


def _name_of(url: str) -> str:
    return str(make_url(url).query["options"]).rpartition("search_path=")[2]


def _keep(kept: Path, make: Callable[[str, Path], None]) -> None:
    (kept / "folder").mkdir()
    with schema() as url:
        make(url, kept / "folder")
        name = _name_of(url)
        address = make_url(url).set(drivername="postgresql", query={}).render_as_string(hide_password=False)
        dump = ["pg_dump", "--inserts", "--rows-per-insert=100", "--no-owner", f"--schema={name}", address]
        told = subprocess.run(dump, capture_output=True, encoding="utf-8", check=True).stdout
    left_out = ("\\restrict ", "\\unrestrict ")  # they are for psql
    lines = [line for line in told.splitlines() if not line.startswith(left_out)]
    (kept / "schema.sql").write_text("\n".join(lines).replace(name, _SCHEMA), "utf-8")


def empty(url: str) -> None:
    """Take every row out of our tables, and number from 1 again.

    TRUNCATE makes each table and index anew on disk, half a second before a test for the few rows of the last one.
    As it does, this waits for whoever is still at work in them.
    """
    tables = [f'"{name}"' for name in Base.metadata.tables]
    with _kept_open(url).begin() as connection:
        connection.execute(text(f"LOCK TABLE {', '.join(tables)}"))
        # Neither foreign keys nor the triggers that keep the audit log as it is.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("; ".join(f"DELETE FROM {name}" for name in tables)))
        connection.execute(_restart_numbers(url))


@functools.cache
def _restart_numbers(url: str) -> TextClause:
    """The statement that lets each number of a schema begin anew.

    To ask each time which of them were used took the server three quarters of this: it opens each of them for that.
    """
    with _kept_open(url).connect() as connection:
        return text(connection.execute(_RESTART_NUMBERS).scalar_one())


@functools.cache
def _kept_open(url: str) -> Engine:
    """For the next test too: a new connection learns anew of every table, six times as long as it takes to empty them.

    A test may have ended it with the others, so it is tried first.
    """
    engine = create_engine(url, pool_size=1, pool_pre_ping=True)
    atexit.register(engine.dispose)
    return engine
