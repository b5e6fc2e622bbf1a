"""Copies of the database, made while it is used: put back, nothing is missing and nothing stale is said."""

import contextlib
import os
import re
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from storage.database.engines import sqlite_module
from storage.database.migrating import check
from storage.database.models import AUDIT_TRIGGERS, FUNCTIONS, TELL_CHANGES
from storage.database.vault import Vault
from storage.errors import NotFound, StorageError, Unavailable
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database, open_database
from storage.upkeep import backups as module
from storage.upkeep.backups import backup, restore
from storage.upkeep.holding import Held, held
from storage.upkeep.presence import Presence
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ELSEWHERE = "postgresql+psycopg://nobody:canary@127.0.0.1:1/x"


@pytest.fixture
def other_url(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Another place of the same kind, without any table."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'elsewhere.db'}"
    make: Callable[[], str] = request.getfixturevalue("make_schema")
    return make()


def speak(unit: Any) -> None:
    unit.outbox.add(OutboxDraft(1, "prompt", "sendMessage", {"text": "old question"}), now=NOW)
    unit.outbox.add(OutboxDraft(1, "reminder", "sendMessage", {"text": "old reminder"}), now=NOW)


def test_a_backup_under_load_misses_nothing_acknowledged_before_it(
    database: Database, url: str, other_url: str, tmp_path: Path
) -> None:
    """T14: and opens elsewhere as it was, whoever wrote meanwhile."""
    units = database.units

    def see(number: int) -> Any:
        return lambda unit: unit.inbox.first_sight(1, number, NOW)

    for future in [units.submit(n, see(n)) for n in range(200)]:
        future.result(PATIENCE)
    is_over = threading.Event()

    def write() -> None:
        number = 1000
        while not is_over.is_set():
            units.submit(number, see(number)).result(PATIENCE)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    copy = tmp_path / "copy.backup"
    backup(url, copy)
    is_over.set()
    writer.join(PATIENCE)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.glob("copy*")} == {"copy.backup"}
    restore(copy, other_url, now=NOW)
    check(other_url)
    assert not list(tmp_path.glob("*.restoring*"))
    with open_database(other_url) as restored:
        assert [restored.units.submit(n, see(n)).result(PATIENCE) for n in range(200)] == [False] * 200


def test_nothing_stale_is_sent_after_a_restore(database: Database, url: str, tmp_path: Path, vault: Vault) -> None:
    """T14: what was open then may have been sent since; and the database is held, as of when it was copied."""
    database.units.submit(None, speak).result(PATIENCE)
    backup(url, tmp_path / "copy")
    database.units.submit(None, lambda unit: unit.facts.set("since", "yes", NOW)).result(PATIENCE)
    database.close()
    restore(tmp_path / "copy", url, now=LATER)
    with open_database(url, vault=vault) as restored:
        submit = restored.units.submit
        assert submit(None, lambda unit: unit.outbox.settle_expired(unit.outbox.leased(), LATER)).result(PATIENCE) == (
            0,
            0,
        )
        assert submit(None, lambda unit: unit.outbox.claim(LATER, LATER)).result(PATIENCE) == []
        with restored.view() as unit:
            assert unit.facts.get("since") is None
            assert unit.outbox.counts() == {"ambiguous": 2}
            assert held(unit) == Held(as_of=NOW, since=LATER)
        submit(None, speak).result(PATIENCE)  # its numbers go on where they were


def test_planted_a_restore_that_settles_nothing_leaves_something_to_be_sent(
    database: Database, url: str, tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: settling removed. What the copy was about to say is there to be claimed."""
    database.units.submit(None, speak).result(PATIENCE)
    backup(url, tmp_path / "copy")
    database.close()
    monkeypatch.setattr(module, "SETTLE_AND_HOLD", ())
    monkeypatch.setattr(module, "settle_and_hold", lambda connection, now: 0)
    restore(tmp_path / "copy", url, now=LATER)
    with open_database(url, vault=vault) as restored:
        submit = restored.units.submit
        submit(None, lambda unit: unit.outbox.settle_expired(unit.outbox.leased(), LATER)).result(PATIENCE)
        assert submit(None, lambda unit: unit.outbox.claim(LATER, LATER)).result(PATIENCE) != []


def test_a_damaged_or_foreign_file_is_not_restored(database: Database, url: str, tmp_path: Path) -> None:
    """And what was there stays, with nothing left beside it."""
    database.units.submit(None, lambda unit: unit.facts.set("kept", "yes", NOW)).result(PATIENCE)
    files = {name: tmp_path / name for name in ("garbage", "foreign", "damaged", "cut", "copy")}
    files["garbage"].write_bytes(b"not a database" * 1000)
    with sqlite_module().connect(str(files["foreign"])) as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    backup(url, files["copy"])
    whole = files["copy"].read_bytes()
    middle = len(whole) // 2
    files["damaged"].write_bytes(whole[: middle - 2000] + b"\xff" * 20_000 + whole[middle + 18_000 :])
    files["cut"].write_bytes(whole[:middle])
    for name in ("garbage", "foreign", "damaged", "cut"):
        with pytest.raises(StorageError, match=name):
            restore(files[name], url, now=NOW)
    with pytest.raises(NotFound):
        restore(tmp_path / "missing", url, now=NOW)
    with database.view() as unit:
        assert unit.facts.get("kept") == "yes"
        assert held(unit) is None
    assert not list(tmp_path.glob("*.restoring*"))


@pytest.mark.parametrize("damage", ["a name that is no text", "a table that is gone"])
def test_a_damage_that_the_driver_stumbles_over_is_a_damage(sqlite_url: str, tmp_path: Path, damage: str) -> None:
    """SQLite quotes a broken name, which Python cannot read; and a file may be whole without having our tables."""
    copy = tmp_path / "copy"
    backup(sqlite_url, copy)
    if damage == "a table that is gone":
        with contextlib.closing(sqlite_module().connect(str(copy))) as database:
            database.execute("DROP TABLE outbox")
    else:
        whole = copy.read_bytes()
        assert b"CREATE INDEX ix_outbox" in whole
        copy.write_bytes(whole.replace(b"CREATE INDEX ix_outbox", b"CREATE INDE\xe1 ix_outbox", 1))
    with pytest.raises(StorageError, match="copy: the copy is damaged"):
        restore(copy, sqlite_url, now=NOW)
    check(sqlite_url)
    assert not list(tmp_path.glob("*.restoring*"))


def test_a_copy_of_the_other_kind_is_named_as_one(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    """A clear word instead of a page of SQL errors."""
    backup(sqlite_url, tmp_path / "lite")
    backup(postgres_url, tmp_path / "post")
    with pytest.raises(StorageError, match="a copy of SQLite, and this database is PostgreSQL"):
        restore(tmp_path / "lite", postgres_url, now=NOW)
    with pytest.raises(StorageError, match="a copy of PostgreSQL, and this database is SQLite"):
        restore(tmp_path / "post", sqlite_url, now=NOW)


def test_a_restore_into_a_file_in_use_is_refused(
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


def test_a_restore_beside_a_running_bot_is_refused(
    postgres_database: Database, postgres_url: str, tmp_path: Path
) -> None:
    """PostgreSQL would let both: the bot's own lock tells that it runs; once it has stopped, nothing is in the way."""
    backup(postgres_url, tmp_path / "copy")
    presence = Presence(postgres_database, lambda: NOW)
    presence.enter()
    with pytest.raises(Unavailable, match="stop the bot"):
        restore(tmp_path / "copy", postgres_url, now=NOW)
    presence.leave()
    restore(tmp_path / "copy", postgres_url, now=NOW)


def test_another_schema_of_the_copys_name_stays_as_it_is(
    postgres_database: Database, postgres_url: str, make_schema: Callable[[], str], tmp_path: Path
) -> None:
    """A rehearsal beside the real thing, in one database: both are there afterwards, and only one is held."""
    postgres_database.units.submit(None, lambda unit: unit.facts.set("kept", "yes", NOW)).result(PATIENCE)
    backup(postgres_url, tmp_path / "copy")
    postgres_database.units.submit(None, lambda unit: unit.facts.set("kept", "still", NOW)).result(PATIENCE)
    there = make_schema()
    restore(tmp_path / "copy", there, now=NOW)
    restore(tmp_path / "copy", there, now=LATER)  # again, over itself
    with open_database(there) as restored, restored.view() as unit:
        assert (unit.facts.get("kept"), held(unit) is None) == ("yes", False)
    with postgres_database.view() as unit:
        assert (unit.facts.get("kept"), held(unit)) == ("still", None)
    with postgres_database.engine.connect() as connection:
        asked = text("SELECT count(*) FROM pg_namespace WHERE nspname = 'enlace_restore_aside'")
        assert connection.scalar(asked) == 0


def test_a_password_is_in_nobodys_list_of_processes() -> None:
    """Arguments can be read by whoever is on the machine; what travels there is everything else."""
    url = make_url(f"{ELSEWHERE}?options=-csearch_path%3Da&sslmode=require")
    address = module.address_of(url)
    assert "canary" not in address
    assert all(part in address for part in ("host=127.0.0.1", "port=1", "search_path", "sslmode=require"))


@pytest.mark.parametrize(("tool", "act"), [("pg_dump", "backup"), ("pg_restore", "restore")])
def test_without_postgresqls_tools_it_is_said_what_is_missing(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, act: str
) -> None:
    """Missing, or older than the server."""
    (tmp_path / "copy").write_bytes(b"PGDMP")

    def tried() -> None:
        if act == "backup":
            backup(postgres_url, tmp_path / "made")
        else:
            restore(tmp_path / "copy", postgres_url, now=NOW)

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match=f"{tool} is not installed"):
        tried()
    old = tmp_path / tool
    old.write_text(f"#!/bin/sh\necho '{tool} (PostgreSQL) 9.6.24'\n")
    old.chmod(0o700)
    with pytest.raises(StorageError, match=f"{tool} is of version 9"):
        tried()
    assert not (tmp_path / "made").exists()


def test_a_database_that_is_not_there_cannot_be_backed_up(tmp_path: Path) -> None:
    """And is not made by trying; of a server that does not answer that is said."""
    with pytest.raises(NotFound):
        backup(f"sqlite:///{tmp_path / 'missing.db'}", tmp_path / "copy")
    with pytest.raises(Unavailable):
        backup(ELSEWHERE, tmp_path / "copy")
    assert os.listdir(tmp_path) == []


def test_every_function_of_ours_is_known_to_the_restore() -> None:
    """One that stays behind ends the next restore: PostgreSQL makes none twice."""
    made = re.findall(r"CREATE FUNCTION (\w+)", " ".join((*AUDIT_TRIGGERS["postgresql"], *TELL_CHANGES)))
    assert sorted(made) == sorted(FUNCTIONS)
