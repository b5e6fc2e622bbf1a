"""A restore that comes to no end: the disk is full, or the connection is lost. It says what became of the database."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from storage.errors import StorageError
from storage.open_database import Database, open_database
from storage.upkeep import backups
from storage.upkeep.backups import UNCHANGED, backup, restore
from storage.upkeep.holding import held
from tests.deadlines import PATIENCE
from tests.faults.disk import Disk, disk
from tests.faults.torn import Proxy

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
PAGES = 4096
ROOMS = {"none": 0.0, "half a copy": 0.5, "a copy and two pages": 1.01, "a copy and a half": 1.5}
"""How many copies there is room for. A restore needs two: one to prepare, one in place."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    with disk(place, "16m") as made:
        if not made.is_mounted:
            pytest.skip("nothing can be mounted here")
        yield made


def leave(small: Disk, room: float) -> None:
    """Leave so many bytes free, in whole pages."""
    found = os.statvfs(small.folder)
    taken = found.f_bavail * found.f_bsize - int(room) // PAGES * PAGES
    with (small.folder / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, taken)


def facts(file: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [name for (name,) in connection.execute("SELECT name FROM fact WHERE name IN ('kept', 'held')")]


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("room", ROOMS)
def test_a_restore_without_room_blames_the_disk_and_leaves_what_was_there(
    sqlite_url: str, tmp_path: Path, small: Disk, room: str, is_there: bool
) -> None:
    """Before it was said of some amounts of room that the copy is damaged: a reason to throw a good copy away.

    Where there was no database, there is none afterwards: not an empty one.
    """
    copy, target = tmp_path / "copy", small.folder / "enlace.db"
    backup(sqlite_url, copy)
    if is_there:
        target.write_bytes(copy.read_bytes())
        with contextlib.closing(sqlite3.connect(target)) as connection, connection:
            connection.execute("INSERT INTO fact VALUES ('kept', 'yes', '2018-10-03 12:00:00')")
    there = sorted(os.listdir(small.folder))
    leave(small, ROOMS[room] * copy.stat().st_size)

    with pytest.raises(StorageError, match="Make room") as raised:
        restore(copy, f"sqlite:///{target}", now=NOW)

    small.free()
    assert str(raised.value).startswith(str(target))
    assert UNCHANGED in str(raised.value)
    assert sorted(os.listdir(small.folder)) == there
    if is_there:
        assert facts(target) == ["kept"]
    restore(copy, f"sqlite:///{target}", now=NOW)
    assert facts(target) == ["held"]


def test_a_restore_that_the_server_refuses_says_that_nothing_has_changed(
    postgres_database: Database, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its disk is full: an error before COMMIT undoes everything, and psql's prefixes are left out."""
    backup(postgres_url, tmp_path / "copy")
    postgres_database.units.submit(None, lambda unit: unit.facts.set("kept", "yes", NOW)).result(PATIENCE)
    monkeypatch.setattr(backups, "SETTLE_AND_HOLD", ("SELECT 1 / 0",))
    with pytest.raises(StorageError) as raised:
        restore(tmp_path / "copy", postgres_url, now=NOW)
    assert str(raised.value) == f"{tmp_path / 'copy'}: psql: division by zero. {UNCHANGED}"
    with postgres_database.view() as unit:
        assert (unit.facts.get("kept"), held(unit)) == ("yes", None)


@pytest.mark.parametrize("cut", ["answer", "request"])
def test_a_restore_whose_commit_is_not_answered_does_not_say_that_nothing_has_changed(
    postgres_database: Database, postgres_url: str, tmp_path: Path, cut: str
) -> None:
    """T7: it is restored where the answer was lost, and unchanged where COMMIT was. Who reads it must look."""
    backup(postgres_url, tmp_path / "copy")
    postgres_database.units.submit(None, lambda unit: unit.facts.set("kept", "yes", NOW)).result(PATIENCE)
    postgres_database.close()
    proxy = Proxy(make_url(postgres_url).port or 5432)
    through = make_url(postgres_url).set(host="127.0.0.1", port=proxy.port).update_query_dict({"sslmode": "disable"})
    proxy.cut_next = cut
    with contextlib.closing(proxy), pytest.raises(StorageError, match="`enlace status` says whether") as raised:
        restore(tmp_path / "copy", through.render_as_string(hide_password=False), now=NOW)
    assert (proxy.cuts[cut], UNCHANGED in str(raised.value)) == (1, False)
    with open_database(postgres_url) as found, found.view() as unit:
        is_restored = held(unit) is not None
        assert (is_restored, unit.facts.get("kept")) == ((True, None) if cut == "answer" else (False, "yes"))
