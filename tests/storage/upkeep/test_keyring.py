"""S12: a key is retired while bots seal, on this server and on others, and nothing that it sealed is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from storage.database import engines
from storage.database.vault import Vault
from storage.errors import Conflict, Unavailable
from storage.open_database import Database, open_database
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from storage.upkeep.keyring import WrongKeyring, retire, rotate
from storage.upkeep.resealing import key_ids, reseal
from tests.deadlines import PATIENCE
from tests.storage.conftest import NOW
from tests.storage.database.groups import begin_chats, update


@pytest.fixture
def ring(tmp_path: Path, vault: Vault) -> Path:
    """The keyring that the databases of these tests seal with."""
    return tmp_path / "keyring.json"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return the address of a database for a process that does not wait long for the locks of others."""
    monkeypatch.setattr(engines, "BUSY_MS", 50)

    def hurried(url: str) -> str:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return url
        options = f"{parsed.query.get('options', '')} -c lock_timeout=50ms"
        return parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)

    return hurried


def no_files() -> list[str]:
    return []


def used(database: Database) -> frozenset[str]:
    with database.view() as unit:
        return key_ids(unit)


def test_a_key_is_not_retired_while_somebody_writes_what_it_sealed(
    url: str, database: Database, world: Any, ring: Path, soon: Callable[[str], str]
) -> None:
    """The answer is sealed and not yet committed, so nobody sees it: whoever retires has to wait for it."""
    old = Vault.load(ring).current

    def answer(unit: UnitOfWork) -> None:
        world.open(unit, "uuid:1", sensitive=True)
        if Vault.load(ring).current != old:
            return  # applied anew
        Vault.rotate(ring)
        with open_database(soon(url)) as other, pytest.raises(Unavailable):
            other.units.submit(None, lambda unit: retire(unit, ring, old, no_files)).result(PATIENCE)

    database.units.submit(None, answer).result(PATIENCE)
    assert old in Vault.load(ring).key_ids
    while database.units.submit(None, reseal).result(PATIENCE):
        pass
    database.units.submit(None, lambda unit: retire(unit, ring, old, no_files)).result(PATIENCE)
    with open_database(url, vault=Vault.load(ring)) as anew, anew.view() as unit:
        assert unit.sessions.by_instance("uuid:1") is not None
        assert Vault.load(ring).key_ids == key_ids(unit)


def test_what_was_sealed_before_a_rotation_is_sealed_anew_before_it_is_written(
    postgres_database: Database, world_on_postgres: Any, ring: Path
) -> None:
    """On PostgreSQL others retire the old key between the seal and the row; on SQLite nobody writes meanwhile."""
    applied = []

    def answer(unit: UnitOfWork) -> None:
        world_on_postgres.open(unit, "uuid:1", sensitive=True)
        applied.append(unit.vault.current)
        if len(applied) == 1:
            Vault.rotate(ring)

    postgres_database.units.submit(None, answer).result(PATIENCE)
    assert (applied, used(postgres_database)) == (["k1", "k2"], {"k2"})


def test_a_key_is_not_retired_while_a_group_seals_with_it(
    postgres_database: Database, postgres_url: str, world_on_postgres: Any, ring: Path, soon: Callable[[str], str]
) -> None:
    """What a group has sealed is sent with COMMIT. Before that it has written nothing, but has locked its chats."""
    begin_chats(postgres_database)
    old = Vault.load(ring).current

    def answer(unit: UnitOfWork) -> bool:
        world_on_postgres.open(unit, "uuid:1", sensitive=True)
        Vault.rotate(ring)
        with open_database(soon(postgres_url)) as other, pytest.raises(Unavailable):
            other.units.submit(None, lambda unit: retire(unit, ring, old, no_files)).result(PATIENCE)
        return unit.is_shared

    assert postgres_database.units.submit(1, answer, opening=update(1)).result(PATIENCE)
    assert (old in Vault.load(ring).key_ids, used(postgres_database)) == (True, {old})


def test_a_group_seals_with_the_newest_key_of_the_moment_when_it_has_its_chats(
    postgres_database: Database, world_on_postgres: Any, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then, a key that it knows may be retired."""
    begin_chats(postgres_database)
    writer = postgres_database.units._writer
    open_ = writer.open

    def opened(*args: Any, **given: Any) -> Any:
        if Vault.load(ring).current == "k1":
            Vault.rotate(ring)
            Vault.retire(ring, "k1")
        return open_(*args, **given)

    def answer(unit: UnitOfWork) -> bool:
        world_on_postgres.open(unit, "uuid:1", sensitive=True)
        return unit.is_shared

    monkeypatch.setattr(writer, "open", opened)
    assert postgres_database.units.submit(1, answer, opening=update(1)).result(PATIENCE)
    assert used(postgres_database) == {"k2"}


def test_a_file_that_a_rotation_overtakes_is_sealed_anew(
    tmp_path: Path, ring: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it has its name, whoever retires the old key does not see it."""
    files = FileStore(tmp_path / "files", vault)
    write = FileStore._write

    def and_rotate(self: FileStore, path: Path, data: bytes) -> None:
        write(self, path, data)
        if Vault.load(ring).current == "k1":
            Vault.rotate(ring)
            Vault.retire(ring, "k1")

    monkeypatch.setattr(FileStore, "_write", and_rotate)
    key = files.put(b"acta", sensitive=True)
    assert FileStore(tmp_path / "files", Vault.load(ring)).get(key) == b"acta"


def test_a_key_stays_while_a_bot_on_another_server_seals_with_it(
    postgres_database: Database, ring: Path, vault: Vault
) -> None:
    """Its copy of the ring has not come yet; so it is with one that has told nothing."""
    apply = lambda work: postgres_database.units.submit(None, work).result(PATIENCE)  # noqa: E731
    postgres_database.units.replica_id = apply(lambda unit: unit.replicas.add(NOW))
    Vault.rotate(ring)
    for told in (None, "k1"):
        if told:
            apply(lambda unit: unit.replicas.tell_key("k1", NOW))
        with pytest.raises(Conflict, match="may still seal with k1"):
            apply(lambda unit: retire(unit, ring, "k1", no_files))
    apply(lambda unit: unit.replicas.tell_key("k2", NOW))
    apply(lambda unit: retire(unit, ring, "k1", no_files))
    assert Vault.load(ring).key_ids == {"k2"}
    apply(lambda unit: unit.replicas.bury([postgres_database.units.replica_id], NOW))
    assert apply(lambda unit: unit.facts.starting("replica.key.")) == []


def test_two_servers_do_not_both_rotate(url: str, ring: Path, tmp_path: Path) -> None:
    """Each would make a k2 of its own, and what one seals would not open at the other."""
    other = tmp_path / "other.json"
    other.write_bytes(ring.read_bytes())
    other.chmod(0o600)
    with open_database(url) as database:
        database.units.submit(None, lambda unit: rotate(unit, ring, NOW)).result(PATIENCE)
        with pytest.raises(WrongKeyring) as refused:
            database.units.submit(None, lambda unit: rotate(unit, other, NOW)).result(PATIENCE)
        assert refused.value.needed == {"k1", "k2"}
        assert Vault.load(other).key_ids == {"k1"}
        other.write_bytes(ring.read_bytes())
        database.units.submit(None, lambda unit: rotate(unit, other, NOW)).result(PATIENCE)
    assert Vault.load(other).current == "k3"


@pytest.mark.parametrize("there", ["an older copy", "another key of one name"])
def test_a_ring_that_does_not_continue_this_one_is_not_taken(tmp_path: Path, ring: Path, there: str) -> None:
    """A running process would seal with a key that was retired, or lose what it sealed under that name."""
    running, older = Vault.load(ring), ring.read_bytes()
    Vault.rotate(ring)
    running.look_again()
    sealed = running.seal("texto", "row:1")
    ring.write_bytes(older)
    if there != "an older copy":
        Vault.rotate(ring)
    assert not running.look_again()
    assert (running.current, running.open(sealed, "row:1")) == ("k2", "texto")
