"""The database at the server: backups, upgrades, keys, the audit log; and what is taken out of it."""

import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.acts.upkeep.status import Vitals
from bot.open_storage import open_storage
from bot.workers.upkeep import UPKEEP, Premises
from storage.database.vault import Vault
from storage.reports.files import FileStore
from storage.upkeep import chain
from tests.bot.cli.commands import contents, enlace, is_one_line
from tests.bot.house import settings_in

pytestmark = pytest.mark.slow
NOON = datetime(2018, 10, 3, 12, tzinfo=UTC)


# ------------------------------------------------------------------ database and keys
def test_a_backup_is_restored_elsewhere(folder: Path, tmp_path: Path) -> None:
    """The copy is one file, the owner's alone; restored it is the same, and passes `db check`."""
    assert enlace(folder, "db", "backup", "copy.db").code == 0
    assert stat.S_IMODE((folder / "copy.db").stat().st_mode) == 0o600
    there = tmp_path / "elsewhere"
    there.mkdir()

    assert enlace(there, "db", "restore", str(folder / "copy.db")).code == 0

    assert enlace(there, "db", "check").code == 0
    # What says of a database that it is a copy, and how far it has come, is each one's own.
    own = ("'held'", "'lineage'")
    kept, restored = ([row for row in contents(at) if not any(name in row for name in own)] for at in (folder, there))
    assert restored == kept
    shutil.copy(folder / "keys.json", there)
    assert "The bot speaks again." in enlace(there, "db", "resume").err
    assert "It was not held." in enlace(there, "db", "resume").err


def test_the_operator_says_by_hand_that_a_database_went_back(folder: Path, tmp_path: Path) -> None:
    """A snapshot of the whole machine takes every trace along: only who put it back knows."""
    there = Path(shutil.copytree(folder, tmp_path / "copy"))

    assert enlace(there, "db", "hold").code == 0
    assert "restored" in enlace(there, "status").out
    assert enlace(there, "db", "resume").code == 0
    assert "restored" not in enlace(there, "status").out


def test_a_full_disk_is_called_a_full_disk(folder: Path) -> None:
    """It is no question of ENLACE_DATABASE_URL, which is what somebody would look at who reads it in the sentence."""
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        fails = "SELECT RAISE(ROLLBACK, 'database or disk is full')"
        connection.executescript(f"CREATE TRIGGER full BEFORE INSERT ON holiday BEGIN {fails}; END")

    done = enlace(folder, "holidays", "add", "2018-11-07")

    assert done.code == 1
    assert "The disk is full" in done.err
    assert "Make room" in done.err
    assert "ENLACE_DATABASE_URL" not in done.err


def test_a_backup_never_replaces_its_own_database(folder: Path) -> None:
    """The bot would go on writing into a file that is no longer there."""
    number = (folder / "enlace.db").stat().st_ino
    done = enlace(folder, "db", "backup", "enlace.db")
    assert (done.code, is_one_line(done)) == (1, True)
    assert (folder / "enlace.db").stat().st_ino == number


def test_the_audit_log_is_verified_and_a_noted_head_finds_what_was_cut_off(folder: Path, tmp_path: Path) -> None:
    """Exit 0 and where it ends; exit 1 names the entry. A backup's line holds a head to compare with."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)
    settings = settings_in(there)
    with open_storage(settings) as database, database.view() as unit:
        head = chain.stored_head(unit)
    assert head is not None
    whole = enlace(there, "audit", "verify")
    assert (whole.code, whole.out) == (0, "")
    assert f"{head.position} sealed entries, up to {head.note}" in whole.err
    assert head.note in enlace(there, "db", "backup", "copy.db").err
    assert enlace(there, "audit", "verify", "--head", head.note).code == 0
    assert enlace(there, "audit", "verify", "--head", "yesterday").code == 1
    (there / "picture").write_bytes(b"\x89PNG\xff")
    for file in (there / "lost" / "heads", there / "picture", there):
        refused = enlace(there, "audit", "verify", "--head", str(file))
        assert (refused.code, is_one_line(refused)) == (1, True)

    with closing(sqlite3.connect(there / "enlace.db")) as connection, connection:
        for name in ("audit_entry_undeleted", "audit_entry_unchanged"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit_entry SET act = 'exported' WHERE position = 1")
        connection.execute("DELETE FROM audit_entry WHERE position = ?", (head.position,))
    broken = enlace(there, "audit", "verify", "--head", head.note)
    assert broken.code == 1
    kinds = [row.split("\t")[:2] for row in broken.out.splitlines()]
    end = f"entry {head.position}"
    assert kinds == [["altered", "entry 1"], ["truncated", end], ["noted", end]]


def test_upgrade_makes_the_tables_and_again_changes_nothing(tmp_path: Path) -> None:
    """`db check` says so before and after."""
    before = enlace(tmp_path, "db", "check")
    assert (before.code, is_one_line(before)) == (1, True)
    assert not (tmp_path / "enlace.db").exists()
    assert enlace(tmp_path, "db", "upgrade").code == 0

    tables = contents(tmp_path)
    assert enlace(tmp_path, "db", "upgrade").code == 0
    assert contents(tmp_path) == tables
    assert enlace(tmp_path, "db", "check").code == 0


def test_a_new_key_is_used_and_old_ones_still_open(tmp_path: Path) -> None:
    """`keys new` never overwrites; after `rotate` what was sealed before is readable."""
    path = tmp_path / "keys.json"
    assert enlace(tmp_path, "keys", "new").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sealed, ring = Vault.load(path).seal("restringido", "row:1"), path.read_bytes()
    again = enlace(tmp_path, "keys", "new")
    assert (again.code, is_one_line(again), path.read_bytes()) == (1, True, ring)

    assert enlace(tmp_path, "keys", "rotate").code == 0

    vault = Vault.load(path)
    assert vault.open(sealed, "row:1") == "restringido"
    assert len(vault.key_ids) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_done_at_the_server_is_linked_before_the_command_ends(folder: Path, tmp_path: Path) -> None:
    """No bot need be running: an entry of a moment ago that is taken out is missed (S13)."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)
    assert enlace(there, "people", "add", "--telegram-id", "4711", "--name", "Eva", "--role", "reader").code == 0

    with closing(sqlite3.connect(there / "enlace.db")) as connection:
        assert connection.execute("SELECT count(*) FROM audit_entry WHERE hash IS NULL").fetchone() == (0,)
        assert enlace(there, "audit", "verify").code == 0
        connection.execute("DROP TRIGGER audit_entry_undeleted")
        connection.execute("DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)")
        connection.commit()
    assert enlace(there, "audit", "verify").code == 1


def test_an_old_key_is_thrown_away_when_nothing_needs_it_any_more(folder: Path, tmp_path: Path) -> None:
    """Answers and files first come under the new key, as the running bot does it; until then the key stays."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)
    settings = settings_in(there)
    vault = Vault.load(settings.keys)
    store = FileStore(settings.files, vault)
    store.put(b"evidence", sensitive=True)
    assert enlace(there, "keys", "rotate").code == 0
    assert enlace(there, "keys", "retire", "k1", ENLACE_FILES=str(settings.files)).code == 1

    with open_storage(settings) as database:
        premises = Premises(
            database, FileStore(settings.files, database.vault), Vitals("", NOON, None, None, 0, None, False)
        )
        for chore in UPKEEP:
            chore.do(premises, NOON)
    done = enlace(there, "keys", "retire", "k1", ENLACE_FILES=str(settings.files))
    assert (done.code, Vault.load(settings.keys).key_ids) == (0, {"k2"})
    assert enlace(there, "keys", "retire", "k2", ENLACE_FILES=str(settings.files)).code == 1
    assert enlace(there, "audit", "verify").code == 0


def test_submissions_are_taken_out_as_one_file(tmp_path: Path) -> None:
    """A ZIP for its owner alone, with an audit entry; what is not declared is misuse and leaves no file."""
    assert enlace(tmp_path, "init").code == 0

    nobodys = enlace(tmp_path, "export", "submissions", "--format", "xml-zip", "--out", "all.zip")
    assert (nobodys.code, "--role coordinator" in nobodys.err, (tmp_path / "all.zip").exists()) == (2, True, False)
    theirs = ("export", "submissions", "--format", "xml-zip", "--role", "coordinator")
    done = enlace(tmp_path, *theirs, "--out", "all.zip")
    refused = enlace(tmp_path, "export", "submissions", "--format", "xml-zip", "--audience", "public", "--out", "p.zip")

    several = enlace(tmp_path, "export", "answers", "--format", "csv", "--out", "answers.csv")
    misspelt = enlace(tmp_path, "export", "reports", "--format", "csv", "--agency", "MMUJERES", "--out", "r.csv")

    assert done.code == 0
    assert (tmp_path / "all.zip").stat().st_mode & 0o777 == 0o600
    assert (refused.code, (tmp_path / "p.zip").exists()) == (2, False)
    assert (several.code, "end --out in .zip" in several.err) == (2, True)
    assert (misspelt.code, "no agency 'MMUJERES'; there are:" in misspelt.err) == (1, True)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".csv" or path.name.startswith(".enlace-new-")]
    with sqlite3.connect(tmp_path / "enlace.db") as connection:
        acts = [act for (act,) in connection.execute("SELECT act FROM audit_entry WHERE act = 'exported'")]
    assert acts == ["exported"]
