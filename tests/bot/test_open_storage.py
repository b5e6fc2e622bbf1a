"""A keyring beside data that another one sealed: said in one sentence wherever it is met, and nothing is touched."""

import shutil
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from bot.settings import inherited_environment
from storage.database.vault import KeyUnknown, Vault
from storage.errors import Unavailable
from storage.reports.files import FileStore
from storage.upkeep.resealing import key_ids, reseal
from tests.bot.cli import forked
from tests.bot.house import furnish, settings_in
from tests.deadlines import PATIENCE


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture
def folder(furnished: Path, tmp_path: Path) -> Path:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def enlace(folder: Path, *arguments: str) -> tuple[int, str]:
    settings = settings_in(folder)
    given = inherited_environment() | {
        "ENLACE_DATABASE_URL": settings.database_url,
        "ENLACE_KEYS": str(settings.keys),
        "ENLACE_FILES": str(settings.files),
        "ENLACE_TELEGRAM_TOKEN": "1:only-for-this-test",
        "ENLACE_TELEGRAM_API": "http://127.0.0.1:1",
    }
    done = forked.run(*arguments, env=given)
    return done.returncode, done.stderr


COMMANDS = (("db", "check"), ("status",), ("audit", "verify"), ("init",), ("run",))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "_".join(words))
def test_a_keyring_of_another_house_is_refused(folder: Path, command: tuple[str, ...]) -> None:
    """Its first key has the same name as the right one's, and proves nothing by that."""
    keys = settings_in(folder).keys
    keys.unlink()
    Vault.create(keys)
    code, told = enlace(folder, *command)
    assert code == 1
    assert "is not the keyring that this data was sealed with (needed: k1)" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("command", [("init",), ("keys", "new")], ids=lambda words: "_".join(words))
def test_no_new_keyring_is_made_beside_sealed_data(folder: Path, command: tuple[str, ...]) -> None:
    """Whoever restored the database and forgot the keyring is told, before anything is sealed with another."""
    keys = settings_in(folder).keys
    keys.unlink()
    code, told = enlace(folder, *command)
    assert (code, keys.exists()) == (1, False)
    assert "needed: k1" in told


def test_a_database_from_before_is_tried_with_what_it_holds(folder: Path) -> None:
    """Without a known value, what is sealed there says which keyring is right; the right one is then known."""
    settings = settings_in(folder)
    with open_storage(settings) as database:
        forget = "DELETE FROM fact WHERE name = 'keyring'"
        database.units.submit(None, lambda unit: unit.connection.exec_driver_sql(forget)).result()
    with open_storage(settings) as database, database.view() as unit:
        assert unit.facts.get("keyring") is not None


def test_rotation_and_retirement_keep_the_keyring_known(folder: Path) -> None:
    """A rotated ring is the same ring; a copy from before the rotation lacks a key, and is told which."""
    settings = settings_in(folder)
    before = settings.keys.read_bytes()
    assert enlace(folder, "keys", "rotate")[0] == 0
    assert enlace(folder, "db", "check")[0] == 0
    after = settings.keys.read_bytes()
    settings.keys.write_bytes(before)
    assert "needed: k1, k2" in enlace(folder, "db", "check")[1]
    settings.keys.write_bytes(after)
    assert enlace(folder, "db", "check")[0] == 0


def test_the_wipe_drill_leaves_a_stolen_backup_that_no_keyring_opens(folder: Path) -> None:
    """S12: rotate, renew what was sealed, retire; before that retiring is refused, and afterwards only we can read."""
    settings = settings_in(folder)
    stolen = folder / "stolen.db"
    assert enlace(folder, "db", "backup", str(stolen))[0] == 0
    assert enlace(folder, "keys", "rotate")[0] == 0
    code, told = enlace(folder, "keys", "retire", "k1")
    assert (code, Vault.load(settings.keys).key_ids) == (1, {"k1", "k2"})
    assert "k1 still seals something" in told
    with open_storage(settings) as database:
        while database.units.submit(None, reseal).result(PATIENCE):
            pass
        with database.view() as unit:
            assert key_ids(unit) == {"k2"}
    FileStore(settings.files, Vault.load(settings.keys)).reseal()
    assert enlace(folder, "keys", "retire", "k1")[0] == 0
    assert enlace(folder, "db", "check")[0] == 0
    shutil.copyfile(stolen, folder / "enlace.db")
    code, told = enlace(folder, "db", "check")
    assert code == 1
    assert "needed: k1" in told


def test_a_key_that_is_not_there_is_no_poison(tmp_path: Path) -> None:
    """Another replica may have it: nothing is given up, and Telegram brings the answer again."""
    old = Vault.create(tmp_path / "ring")
    shutil.copyfile(tmp_path / "ring", tmp_path / "elsewhere")
    (tmp_path / "elsewhere").chmod(0o600)
    new = Vault.rotate(tmp_path / "elsewhere")
    with pytest.raises(Unavailable) as caught:
        old.open(new.seal("x", "row:1"), "row:1")
    assert isinstance(caught.value, KeyUnknown)


def test_a_key_that_came_since_is_found_in_the_file(tmp_path: Path) -> None:
    """A rotation reaches who runs: what is sealed with the new key opens, and is sealed from now on."""
    old = Vault.create(tmp_path / "ring")
    before = old.seal("x", "row:1")
    new = Vault.rotate(tmp_path / "ring")
    assert old.open(new.seal("y", "row:2"), "row:2") == "y"
    assert (old.current, old.open(before, "row:1")) == (new.current, "x")
    assert new.open(old.seal("z", "row:3"), "row:3") == "z"


@pytest.mark.parametrize("there", ["another ring", "no ring", "readable by others", "nothing"])
def test_what_is_not_this_ring_is_not_taken_for_it(tmp_path: Path, there: str) -> None:
    """Somebody put something else in its place: the process keeps what it has, and the key stays unknown."""
    path = tmp_path / "ring"
    old = Vault.create(path)
    before, kept = old.seal("x", "row:1"), path.read_bytes()
    new = Vault.rotate(path)
    sealed = new.seal("y", "row:2")
    whole = path.read_bytes()
    path.unlink()
    if there == "another ring":
        Vault.create(path)
        Vault.rotate(path)
    elif there != "nothing":
        path.write_bytes(b"{}" if there == "no ring" else whole)
        path.chmod(0o644 if there == "readable by others" else 0o600)
    with pytest.raises(KeyUnknown):
        old.open(sealed, "row:2")
    assert (old.current, old.open(before, "row:1")) == ("k1", "x")
    path.unlink(missing_ok=True)
    path.write_bytes(kept)
    path.chmod(0o600)
    assert Vault.rotate(path).current == "k2"
