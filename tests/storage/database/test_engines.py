"""Opening and looking; and what is refused before it can do harm."""

import gc
import shutil
import sqlite3
import sys
import threading
import types
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine.interfaces import CacheStats

from storage.database import engines as module
from storage.database.engines import parse_url, postgres_engine, sqlite_engine, sqlite_module, sqlite_readers
from storage.database.models import Agency, table
from storage.database.vault import Vault
from storage.errors import StorageError, Unavailable
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.health import health
from tests.deadlines import PATIENCE
from tests.storage.database.units import known, learn

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "url", ["", "enlace.db", "sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "postgresql:///x?bogus=1"]
)
def test_a_url_that_cannot_work_is_refused_with_what_would(url: str) -> None:
    """Before anything is opened, and without repeating a password."""
    with pytest.raises(StorageError):
        open_database(url)


def test_a_plain_postgresql_url_means_psycopg() -> None:
    """What people copy from their provider works."""
    with open_database("postgresql://nobody:secret@127.0.0.1:1/x") as opened:
        assert opened.engine.dialect.driver == "psycopg"
        assert "secret" not in repr(opened.engine)


def test_an_old_sqlite_is_replaced_and_without_replacement_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's library may be years old; the wheel is not."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    assert sqlite_module().sqlite_version_info >= module.OLDEST_SQLITE
    old = types.ModuleType("dbapi2")
    old.sqlite_version_info, old.sqlite_version = (3, 46, 1), "3.46.1"  # type: ignore[attr-defined]
    package = types.ModuleType("pysqlite3")
    package.dbapi2 = old  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pysqlite3", package)
    with pytest.raises(StorageError, match=r"3\.46\.1"):
        sqlite_module()
    monkeypatch.setitem(sys.modules, "pysqlite3", None)
    with pytest.raises(StorageError, match=r"3\.51\.3"):
        sqlite_module()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", module.OLDEST_SQLITE)
    assert sqlite_module() is sqlite3


def test_the_writing_connection_is_durable_and_strict(sqlite_database: Database) -> None:
    """The settings that what is guaranteed asks for, read back from the connection itself."""

    def read(unit: Any) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        return {name: unit.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    assert sqlite_database.units.submit(None, read).result(PATIENCE) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": module.BUSY_MS,
        "secure_delete": 1,
    }


def test_a_reader_cannot_write(database: Database) -> None:
    """Not by mistake either: the database itself refuses."""
    with pytest.raises(Exception, match=r"readonly|read-only"), database.view() as unit:
        unit.facts.set("a", "b", NOW)
    with pytest.raises(Exception, match=r"readonly|read-only"), database.view() as unit:
        unit.inbox.first_sight(1, 1, NOW)  # prepared: its transaction is the same


def test_a_reader_sees_one_moment_and_holds_up_nobody(database: Database, apply: Any) -> None:
    """An export that runs for minutes is of one state of the plan."""
    apply(lambda unit: unit.facts.set("a", "before", NOW))
    with database.view() as unit:
        assert unit.facts.get("a") == "before"
        apply(lambda unit: unit.facts.set("a", "after", NOW))
        assert unit.facts.get("a") == "before"
    with database.view() as unit:
        assert unit.facts.get("a") == "after"


@pytest.mark.parametrize("begins", ["before", "after"])
def test_who_still_reads_when_it_is_closed_leaves_no_connection_open(url: str, begins: str) -> None:
    """A task that is cancelled leaves its thread reading. It gave its connection back to a pool that was gone."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        _close_beside_a_reader(url, begins)
        gc.collect()
    assert [str(each.message) for each in told if "still open" in str(each.message)] == []


def _close_beside_a_reader(url: str, begins: str) -> None:
    database, is_ready, goes_on = open_database(url), threading.Event(), threading.Event()

    def read() -> None:
        if begins == "after":
            is_ready.set()
            goes_on.wait(PATIENCE)
        with database.reader() as connection:
            connection.execute(text("SELECT 1"))
            is_ready.set()
            goes_on.wait(PATIENCE)

    reading = threading.Thread(target=read)
    reading.start()
    assert is_ready.wait(PATIENCE)
    database.close()
    goes_on.set()
    reading.join(PATIENCE)


def test_a_second_process_may_write_beside_the_bot(sqlite_database: Database, sqlite_url: str) -> None:
    """`enlace people add` while `enlace run` is running: they take turns."""
    with open_database(sqlite_url) as other:
        futures = [
            opened.units.submit(None, lambda unit, n=n: unit.facts.set(f"f{n}", "x", NOW))
            for n in range(100)
            for opened in ((sqlite_database, other)[n % 2],)
        ]
        for future in futures:
            future.result(PATIENCE)
    with sqlite_database.view() as unit:
        assert unit.connection.execute(text("SELECT count(*) FROM fact")).scalar_one() == 100


# ------------------------------------------------------------------ what goes wrong
@pytest.mark.parametrize("way", ["prepared", "SQLAlchemy's"])
def test_a_session_that_began_read_only_is_not_used_again(
    postgres_role: tuple[str, Callable[[str], None]], way: str
) -> None:
    """A failover, or an operator's hand: when it is over, the sessions of that time would still refuse every write."""
    url, alter = postgres_role

    def write(unit: UnitOfWork) -> None:
        if way == "prepared":
            unit.facts.set("a", "x", NOW)
        else:
            unit.connection.execute(text("DELETE FROM fact"))

    alter("SET default_transaction_read_only = on")
    with open_database(url) as looking, looking.view() as unit:
        assert not health(unit, NOW).takes_writes
    with open_database(url) as database:
        with pytest.raises(Unavailable):
            database.units.submit(None, write).result(PATIENCE)
        alter("RESET default_transaction_read_only")
        database.units.submit(None, write).result(PATIENCE)


def test_a_read_only_folder_is_unavailable_and_nothing_is_acknowledged(sqlite_url: str, vault: Vault) -> None:
    """T8. (Root may write anywhere: a database marked read-only stands in for the file system.)"""
    from sqlalchemy import event

    with open_database(sqlite_url, vault=vault) as opened:

        @event.listens_for(opened.engine, "checkout")
        def forbid(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        failure = opened.units.submit("chat", lambda unit: unit.inbox.first_sight(1, 1, NOW)).exception(PATIENCE)
    assert isinstance(failure, Unavailable)


@pytest.mark.parametrize("way", ["deleted", "replaced"])
def test_nothing_is_saved_in_a_file_that_is_not_there_any_more(sqlite_url: str, vault: Vault, way: str) -> None:
    """No file is made in its place. When it is put back, everything in it is there, and it goes on."""
    file, elsewhere = Path(sqlite_url.removeprefix("sqlite:///")), Path(sqlite_url.removeprefix("sqlite:///") + ".old")
    endings = ("", "-wal", "-shm")
    with open_database(sqlite_url, vault=vault) as opened:
        assert opened.units.submit(None, learn("before")).result(PATIENCE) == "before"
        for ending in endings:
            Path(f"{file}{ending}").rename(f"{elsewhere}{ending}")
        if way == "replaced":
            shutil.copy(elsewhere, file)
        for _ in range(2):
            with pytest.raises(Unavailable, match="is not the one"):
                opened.units.submit(None, learn("meanwhile")).result(PATIENCE)
        assert file.exists() == (way == "replaced")
        for ending in endings:
            if (kept := Path(f"{elsewhere}{ending}")).exists():
                kept.rename(f"{file}{ending}")
        assert opened.units.submit(None, learn("after")).result(PATIENCE) == "after"
        assert known(opened, "before", "meanwhile", "after") == {"before", "after"}


def test_a_log_that_somebody_deleted_takes_nothing_along(sqlite_url: str, vault: Vault) -> None:
    """What was committed is still in the deleted log: whoever closes it writes it into the file. Then it goes on."""
    log = Path(sqlite_url.removeprefix("sqlite:///") + "-wal")
    with open_database(sqlite_url, vault=vault) as opened:
        assert opened.units.submit(None, learn("before")).result(PATIENCE) == "before"
        assert known(opened, "before") == {"before"}  # by a connection that is kept, and has the log too
        log.unlink()
        with pytest.raises(Unavailable):
            opened.units.submit(None, learn("meanwhile")).result(PATIENCE)
        assert opened.units.submit(None, learn("after")).result(PATIENCE) == "after"
        assert known(opened, "before", "meanwhile", "after") == {"before", "after"}


def test_a_reader_is_kept_until_the_file_is_another_one_or_something_failed(sqlite_url: str, vault: Vault) -> None:
    """A new one reads the whole schema, and several are needed each second."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))

    def driver(opened: Database) -> object:
        with opened.reader() as connection:
            return connection.connection.dbapi_connection

    with open_database(sqlite_url, vault=vault) as opened:
        assert opened.units.submit(None, learn("before")).result(PATIENCE) == "before"
        driver(opened)  # the log may be new with the first one
        first = driver(opened)
        assert driver(opened) is first

        with pytest.raises(KeyError), opened.reader():
            raise KeyError
        second = driver(opened)
        assert second is not first

        shutil.copy(file, file.with_suffix(".copy"))
        file.with_suffix(".copy").replace(file)
        assert driver(opened) is not second


def test_what_one_engine_has_compiled_another_of_its_kind_does_not_compile_again(
    sqlite_url: str, postgres_url: str
) -> None:
    """A reader asks what the writer has asked; a command opens three engines. The kinds do not mix."""
    agency = table(Agency).c
    asked = select(func.count()).where(agency.code == "ONLY-HERE", agency.id > 7)

    def is_compiled_anew(engine: Engine) -> bool:
        with engine.connect() as connection:
            cursor = connection.execute(asked)
            assert cursor.scalar_one() == 0
        engine.dispose()
        return cursor.context.cache_hit is CacheStats.CACHE_MISS

    lite, postgres = parse_url(sqlite_url), parse_url(postgres_url)
    made = [sqlite_engine(lite), sqlite_readers(lite), postgres_engine(postgres, 1), postgres_engine(postgres, 1)]

    assert [is_compiled_anew(engine) for engine in made] == [True, False, True, False]
