"""What makes serving pointless is one sentence and exit code 1; what can be worked around is an alarm."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import Complaint
from bot.sandbox.server import Sandbox, running_sandbox
from bot.settings import inherited_environment
from bot.starting import only_one
from tests.bot.cli import forked
from tests.bot.house import PEDRO, Town, settings_in, town_in
from tests.deadlines import has_ended, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(furnished: Path, tmp_path: Path) -> Path:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(folder: Path, sandbox: Sandbox) -> tuple[int, str]:
    town = Town(sandbox, folder)
    done = forked.run("run", env=inherited_environment() | town.environment)
    return done.returncode, done.stderr


def a_file_for_a_folder(folder: Path) -> None:
    evidence = settings_in(folder).files
    shutil.rmtree(evidence, ignore_errors=True)
    evidence.write_text("not a folder")


def a_table_that_cannot_grow(folder: Path) -> None:
    """As on a full disk: SQLite says so at the first page that it would add."""
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        connection.executescript(
            "CREATE TRIGGER full BEFORE INSERT ON fact WHEN new.name = 'telegram.username' "
            "BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
        )


def no_keyring(folder: Path) -> None:
    settings_in(folder).keys.unlink()


MENDABLE: dict[Callable[[Path], None], str] = {
    a_file_for_a_folder: "Evidence cannot be kept in",
    a_table_that_cannot_grow: "The disk is full",
    no_keyring: "The keyring",
}


@pytest.mark.parametrize("wrong", MENDABLE, ids=lambda wrong: wrong.__name__)
def test_what_makes_serving_pointless_is_told_in_one_sentence(folder: Path, wrong: Callable[[Path], None]) -> None:
    """With its remedy, and nobody is answered."""
    wrong(folder)
    with running_sandbox() as sandbox:
        code, told = run(folder, sandbox)
    assert code == 1
    assert MENDABLE[wrong] in told.splitlines()[-1]
    assert "Traceback" not in told


def test_a_form_that_this_release_does_not_read_stops_nobody_else(tmp_path: Path, furnished: Path) -> None:
    """What is compiled ahead is compiled for speed: one that an older release took ended the bot at every start."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with closing(sqlite3.connect(tmp_path / "enlace.db")) as connection, connection:
        connection.execute("UPDATE form_version SET xform = '' WHERE id = (SELECT min(id) FROM form_version)")
    with town_in(tmp_path, None) as town:
        assert town.process is not None
        gone = has_ended(town.process)
        wait_until(lambda: "bot.form_not_read" in town.logged(), "it is told", show=town.logged, unless=gone)
        town.officer(PEDRO).say("/estado")
        assert town.process.poll() is None


def test_a_second_copy_on_one_sqlite_file_is_refused_and_the_first_goes_on(tmp_path: Path, furnished: Path) -> None:
    """Commands beside it write as ever; and once the first is gone, however it went, the next one starts."""
    with town_in(tmp_path, furnished) as town:
        assert town.process is not None
        code, told = run(tmp_path, town.sandbox)
        assert code == 1
        assert f"Another `enlace run` (process {town.process.pid}) serves" in told
        assert town.enlace("keys", "rotate").returncode == 0
        assert town.officer(PEDRO).say("/estado")
        town.kill()
        town.start()


def test_the_lock_is_of_a_process_that_runs(folder: Path) -> None:
    """What a dead one left in the file is no lock; PostgreSQL serves several."""
    settings = settings_in(folder)
    lock = folder / "enlace.db.running"
    lock.write_text("1")
    with only_one(settings):
        assert lock.read_text() == str(os.getpid())
    with only_one(settings_in(folder, database_url="postgresql+psycopg://127.0.0.1:1/none")):
        pass
    lock.unlink()
    lock.mkdir()
    with pytest.raises(Complaint, match="cannot be written to"), only_one(settings):
        pass


def test_a_clock_that_is_wrong_at_boot_is_told_to_the_admins(tmp_path: Path, furnished: Path) -> None:
    """Nothing is said on schedule by a clock that is years behind the date of Telegram's answers."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with running_sandbox(start=datetime(2031, 1, 1, tzinfo=UTC).timestamp()) as sandbox:
        town = Town(sandbox, tmp_path)
        try:
            town.start(on_its_clock=False)
            pedro = town.officer(PEDRO)
            wait_until(
                lambda: any("El reloj del servidor no es de fiar" in m.get("text", "") for m in pedro.from_bot),
                "an admin is told of the clock",
                show=town.logged,
            )
            assert "bad\talarm.clock" in town.enlace("status").stdout
        finally:
            town.stop()
