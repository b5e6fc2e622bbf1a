"""Opening, looking, backing up; and what is refused before it can do harm."""

import sqlite3
import sys
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage import database as module
from storage.database import (
    Database,
    NotFound,
    StorageError,
    Unavailable,
    backup,
    check,
    open_database,
    restore,
    sqlite_module,
)
from storage.outbox import OutboxDraft
from storage.vault import Vault

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("url", ["", "enlace.db", "sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
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
    """The settings GUARANTEES asks for, read back from the connection itself."""

    def read(unit: Any) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        return {name: unit.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    assert sqlite_database.units.submit(None, read).result(10) == {
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


def test_a_reader_sees_one_moment_and_holds_up_nobody(database: Database, apply: Any) -> None:
    """An export that runs for minutes is of one state of the plan."""
    apply(lambda unit: unit.facts.set("a", "before", NOW))
    with database.view() as unit:
        assert unit.facts.get("a") == "before"
        apply(lambda unit: unit.facts.set("a", "after", NOW))
        assert unit.facts.get("a") == "before"
    with database.view() as unit:
        assert unit.facts.get("a") == "after"


def test_a_second_process_may_write_beside_the_bot(sqlite_database: Database, sqlite_url: str) -> None:
    """`enlace people add` while `enlace run` is running: they take turns."""
    with open_database(sqlite_url) as other:
        futures = [
            opened.units.submit(None, lambda unit, n=n: unit.facts.set(f"f{n}", "x", NOW))
            for n in range(100)
            for opened in ((sqlite_database, other)[n % 2],)
        ]
        for future in futures:
            future.result(30)
    with sqlite_database.view() as unit:
        assert unit.connection.execute(text("SELECT count(*) FROM fact")).scalar_one() == 100


# ------------------------------------------------------------------ backup
def test_a_backup_under_load_misses_nothing_acknowledged_before_it(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    """T14: and opens elsewhere as it was."""
    units = sqlite_database.units

    def see(number: int) -> Any:
        return lambda unit: unit.inbox.first_sight(1, number, NOW)

    acknowledged = [units.submit(n, see(n)) for n in range(200)]
    for future in acknowledged:
        future.result(20)
    later = [units.submit(n, see(1000 + n)) for n in range(200)]
    copy = tmp_path / "copy.backup"
    backup(sqlite_url, copy)
    for future in later:
        future.result(20)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.glob("copy*")} == {"copy.backup"}
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    restore(copy, elsewhere, now=NOW)
    check(elsewhere)
    with open_database(elsewhere) as restored:
        again = [restored.units.submit(n, see(n)).result(20) for n in range(200)]
        assert again == [False] * 200
        assert restored.engine.connect().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_nothing_stale_is_sent_after_a_restore(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> None:
    """T14: what was open then may have been sent since."""
    units = sqlite_database.units

    def speak(unit: Any) -> None:
        unit.outbox.add(OutboxDraft(1, "prompt", "sendMessage", {"text": "old question"}), now=NOW)
        unit.outbox.add(OutboxDraft(1, "reminder", "sendMessage", {"text": "old reminder"}), now=NOW)

    units.submit(None, speak).result(10)
    backup(sqlite_url, tmp_path / "copy")
    units.submit(None, lambda unit: unit.facts.set("since", "yes", NOW)).result(10)
    sqlite_database.close()
    restore(tmp_path / "copy", sqlite_url, now=NOW)
    later = NOW + timedelta(days=1)
    with open_database(sqlite_url) as restored:
        assert restored.units.submit(None, lambda unit: unit.outbox.settle_expired(later)).result(10) == (0, 0)
        assert restored.units.submit(None, lambda unit: unit.outbox.claim(later, later)).result(10) == []
        with restored.view() as unit:
            assert unit.facts.get("since") is None
            assert unit.outbox.counts() == {"ambiguous": 2}


def test_a_damaged_or_foreign_file_is_not_restored(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> None:
    """And what was there stays."""
    sqlite_database.units.submit(None, lambda unit: unit.facts.set("kept", "yes", NOW)).result(10)
    garbage, foreign = tmp_path / "garbage", tmp_path / "foreign"
    garbage.write_bytes(b"not a database" * 1000)
    with sqlite_module().connect(str(foreign)) as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    backup(sqlite_url, tmp_path / "copy")
    damaged = bytearray((tmp_path / "copy").read_bytes())
    damaged[5000:40_000] = b"\xff" * 35_000
    (tmp_path / "damaged").write_bytes(damaged)
    for file in (garbage, foreign, tmp_path / "damaged"):
        with pytest.raises(StorageError):
            restore(file, sqlite_url, now=NOW)
    with pytest.raises(NotFound):
        restore(tmp_path / "missing", sqlite_url, now=NOW)
    with sqlite_database.view() as unit:
        assert unit.facts.get("kept") == "yes"


def test_a_restore_into_a_database_in_use_is_refused(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot is to be stopped first."""
    monkeypatch.setattr(module, "BUSY_MS", 200)
    backup(sqlite_url, tmp_path / "copy")
    other = sqlite_module().connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="stop the bot"):
        restore(tmp_path / "copy", sqlite_url, now=NOW)
    other.execute("ROLLBACK")
    other.close()


def test_postgresql_is_backed_up_with_its_own_tools(tmp_path: Path) -> None:
    """A clear word instead of half a copy."""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/x"
    with pytest.raises(StorageError, match="pg_dump"):
        backup(url, tmp_path / "copy")
    with pytest.raises(StorageError, match="pg_restore"):
        restore(tmp_path / "copy", url, now=NOW)


def test_a_database_that_is_not_there_cannot_be_backed_up(tmp_path: Path) -> None:
    """And is not made by trying."""
    with pytest.raises(NotFound):
        backup(f"sqlite:///{tmp_path / 'missing.db'}", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_unavailable_and_nothing_is_acknowledged(sqlite_url: str, vault: Vault) -> None:
    """T8. (Root may write anywhere: a database marked read-only stands in for the file system.)"""
    from sqlalchemy import event

    with open_database(sqlite_url, vault=vault) as opened:

        @event.listens_for(opened.engine, "checkout")
        def forbid(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        failure = opened.units.submit("chat", lambda unit: unit.inbox.first_sight(1, 1, NOW)).exception(10)
    assert isinstance(failure, Unavailable)
