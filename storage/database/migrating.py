"""Bring the tables to the state that this version of the program needs."""

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from storage.database.engines import parse_url, postgres_engine, reaching, sqlite_engine, sqlite_file, sqlite_readers
from storage.database.models import Base
from storage.errors import Unmigrated

if TYPE_CHECKING:
    from alembic.config import Config
MIGRATING = 7_236_528_430
"""The advisory lock with which replicas that start together migrate one after the other."""
LAST_WITH_EVERY_STEP = "5dd6162e"
"""The last commit that upgrades from each version, also from those between two versions."""
_ONE_IN_A_PROCESS = threading.Lock()
"""Alembic keeps the connection of a migration in a module: of two at once, one would change the other's tables."""


# ------------------------------------------------------------------ migrations
# Alembic takes 7 MB of memory. It is needed when tables change, not whenever a database is opened.
def _alembic(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _migrating(url: str) -> Iterator[Connection]:
    """A connection in one transaction. Nobody else can change the tables meanwhile."""
    parsed = parse_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = sqlite_engine(parsed, pooled=False) if sqlite else postgres_engine(parsed, 1)
    try:
        with reaching(), engine.begin() as connection:
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            yield connection
    finally:
        engine.dispose()


def upgrade(url: str) -> None:
    """Bring the tables to this version, all or nothing. If they are at this version already, change nothing.

    New tables are made from the models, older ones are brought there step by step. Unmigrated if this program has no
    step from where they are.
    """
    from alembic import command

    with _migrating(url) as connection, _ONE_IN_A_PROCESS:
        found = _found(connection)
        _expect_known(found)
        if found is None:
            Base.metadata.create_all(connection, checkfirst=False)
            command.stamp(_alembic(connection), "head")
        else:
            command.upgrade(_alembic(connection), "head")


def head() -> str:
    """The number of the newest migration."""
    return max(_numbers())


@cache
def _numbers() -> frozenset[str]:
    """The numbers of the migrations that this process knows. The name of each one's file begins with its number.

    They are read once: a newer version that is installed under a running bot brings files that this process is not of.
    """
    versions = (files("storage") / "migrations" / "versions").iterdir()
    return frozenset(file.name.partition("_")[0] for file in versions if file.name.endswith(".py"))


def _found(connection: Connection) -> str | None:
    is_migrated = inspect(connection).has_table("alembic_version")
    return connection.scalar(text("SELECT version_num FROM alembic_version")) if is_migrated else None


def _expect_known(found: str | None) -> None:
    """Raise Unmigrated if no command of this program brings these tables to its own version."""
    if found is None or found in _numbers():
        return
    if found < head():
        raise Unmigrated(
            f"The tables are at {found}, a step between two versions: `enlace db upgrade` of commit "
            f"{LAST_WITH_EVERY_STEP} brings them to one that this version knows"
        )
    raise Unmigrated(
        f"The tables are at {found}: a newer version of Enlace has made them, and this one knows them up to "
        f"{head()}. Install that version, or a newer one, and start it"
    )


def _expect_own(found: str | None) -> None:
    _expect_known(found)
    if found != head():
        raise Unmigrated(
            f"The tables are at {found or 'nothing'} and this version of Enlace needs {head()}: "
            "`enlace db upgrade` brings them there"
        )


def expect_own_tables(connection: Connection) -> None:
    """Raise Unmigrated if somebody has brought the tables to another version under a running program.

    Tables that are not there at all may come back: somebody moves or restores them.
    """
    found = _found(connection)
    if found is not None:
        _expect_own(found)


def found(url: str) -> str | None:
    """The version of the tables. None if there are none yet, or no file; nothing is logged as a failure then."""
    parsed = parse_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and not sqlite_file(parsed).exists():
        return None
    engine = sqlite_readers(parsed) if is_sqlite else postgres_engine(parsed, 1)
    try:
        with reaching(), engine.connect() as connection:
            return _found(connection)
    finally:
        engine.dispose()


def check(url: str) -> None:
    """Raise Unmigrated unless the tables are exactly those of this version. Changes nothing."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not sqlite_file(parsed).exists():
        raise Unmigrated("There is no database yet: `enlace init` makes one")
    _expect_own(found(url))
