"""The audit log is a chain: whatever somebody with the database does to it is found, and named by its entry (S13)."""

import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from conversations.plan.model import Post, Role
from storage.database.models import AUDIT_TRIGGERS
from storage.database.vault import Vault
from storage.errors import StorageError
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep import chain
from storage.upkeep.chain import Head, Verdict
from storage.upkeep.resealing import reseal
from tests.deadlines import PATIENCE
from tests.storage.conftest import build_world

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
ENTRIES = 9


def act(unit: UnitOfWork, number: int) -> None:
    details = {"form_id": f"número {number}", "nested": {"b": [1, None, 2.5], "a": True}}
    unit.audit.record("exported", None, None, details, NOW + timedelta(microseconds=number))


def acts(database: Database, count: int = ENTRIES, start: int = 1) -> None:
    for number in range(start, start + count):
        database.units.submit(None, lambda unit, n=number: act(unit, n)).result(PATIENCE)


def seal(database: Database, limit: int = 200) -> Head | None:
    return database.units.submit(None, lambda unit: chain.seal(unit, limit=limit)).result(PATIENCE)


def look(database: Database, noted: Head | None = None) -> Verdict:
    with database.view() as unit:
        return chain.verify(unit, noted=noted)


def as_its_owner(database: Database, *statements: str) -> None:
    """What somebody does who may change tables: the triggers are no obstacle to them."""
    names = [
        statement.split()[2] for statement in AUDIT_TRIGGERS[database.engine.dialect.name] if "TRIGGER" in statement
    ]
    on = "" if database.is_sqlite else " ON audit_entry"

    def work(unit: UnitOfWork) -> None:
        for name in names:
            unit.connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
        for statement in statements:
            unit.connection.exec_driver_sql(statement)
        for statement in AUDIT_TRIGGERS[database.engine.dialect.name]:
            if "TRIGGER" in statement:
                unit.connection.exec_driver_sql(statement)

    database.units.submit(None, work).result(PATIENCE)


# ------------------------------------------------------------------ a log that nobody touched
def test_entries_are_linked_in_order_and_the_head_is_the_last(database: Database) -> None:
    """A few at a time, as often as it takes; then there is nothing to do."""
    acts(database)
    assert look(database).unsealed == ENTRIES
    first = seal(database, limit=4)
    assert first is not None
    assert first.position == 4
    assert [head.position for head in (seal(database, 4), seal(database, 4)) if head] == [8, 9]
    assert seal(database) is None
    verdict = look(database, noted=Head.read(first.note))
    assert verdict.is_whole
    assert (verdict.sealed, verdict.unsealed) == (ENTRIES, 0)
    assert verdict.head is not None
    assert verdict.head.position == ENTRIES


def test_an_empty_log_is_whole(database: Database) -> None:
    """Nothing has happened, nothing is missing."""
    assert seal(database) is None
    assert look(database).is_whole


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "not yet sealed"])
def test_a_log_that_was_emptied_whole_is_found(database: Database, is_sealed: bool) -> None:
    """Its head is gone too; but somebody has a role, and that leaves an entry."""

    def begin(unit: UnitOfWork) -> None:
        person = unit.people.add(4711, "Ana", "es", NOW, timezone="America/Santo_Domingo")
        unit.roles.grant(person.id, build_world(unit).plan_id, Post(Role.READER), now=NOW)

    database.units.submit(None, begin).result(PATIENCE)
    if is_sealed:
        assert seal(database) is not None
    assert look(database).is_whole
    as_its_owner(database, "DELETE FROM audit_entry", f"DELETE FROM fact WHERE name = '{chain.HEAD}'")
    assert [finding.kind for finding in look(database).findings] == ["emptied"]


def test_what_waits_for_the_sealer_is_no_fault_but_a_forged_entry_is(database: Database) -> None:
    """Who cannot make a mark cannot have an entry linked unnoticed either: before the sealing and after."""
    acts(database)
    seal(database)
    acts(database, 2, 100)
    assert look(database).is_whole
    as_its_owner(
        database, "INSERT INTO audit_entry (at, act, details) VALUES ('2018-10-03 12:00:00', 'exported', '{}')"
    )
    for _ in range(2):
        (finding,) = look(database).findings
        assert (finding.kind, finding.id) == ("foreign", ENTRIES + 3)
        seal(database)


def test_entries_from_before_there_was_a_chain_are_linked_as_they_stand(database: Database) -> None:
    """A database that comes from an older version has a whole log after its first sealing."""
    acts(database, 3)
    as_its_owner(database, "UPDATE audit_entry SET mark = NULL")
    acts(database, 2, 50)
    seal(database)
    assert look(database).is_whole


def test_keys_may_rotate_and_what_was_linked_stays_so(database: Database, url: str, tmp_path: Path) -> None:
    """The chain's keys are not those that rotate; another keyring's say nothing about it."""
    acts(database)
    noted = seal(database)
    rotated = Vault.rotate(tmp_path / "keyring.json")
    with open_database(url, vault=rotated) as again:
        again.units.submit(None, reseal).result(PATIENCE)
        acts(again, 3, 20)
        seal(again)
        assert look(again, noted).is_whole
    with open_database(url, vault=Vault.create(tmp_path / "another.json")) as stranger:
        assert look(stranger).found > ENTRIES


# ------------------------------------------------------------------ append-only
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_entry WHERE id = 3",
        "UPDATE audit_entry SET act = 'restored' WHERE id = 3",
        "UPDATE audit_entry SET details = '{}' WHERE id = 9",
        "UPDATE audit_entry SET hash = NULL WHERE id = 3",
        "UPDATE audit_entry SET position = 77 WHERE id = 3",
    ],
)
def test_the_database_itself_refuses_to_change_an_entry(database: Database, statement: str) -> None:
    """Also to a program that was taken over: it may add, and fill a hash once."""
    acts(database)
    seal(database)
    with pytest.raises(DBAPIError, match="append-only"):
        database.units.submit(None, lambda unit: unit.connection.execute(text(statement))).result(PATIENCE)
    assert look(database).is_whole


# ------------------------------------------------------------------ tampering
UNINDEXED = "DROP INDEX uq_audit_entry_mark; DROP INDEX uq_audit_entry_position"
INSERT = "INSERT INTO log (at, act, details, hash, position, mark)"
TAMPERING: dict[str, tuple[str, str, int | None]] = {
    # what is done to the log, what is found first, at which position
    "edit the act": ("UPDATE log SET act = 'person.restored' WHERE id = 4", "altered", 4),
    "edit the details": ("UPDATE log SET details = '{}' WHERE id = 1", "altered", 1),
    "edit the time": ("UPDATE log SET at = '2017-10-03 12:00:00' WHERE id = 9", "altered", 9),
    "edit the hash": (f"UPDATE log SET hash = '{'0' * 64}' WHERE id = 5", "moved", 5),
    "take the hash away": ("UPDATE log SET hash = NULL WHERE id = 9", "altered", 9),
    "take the place away": ("UPDATE log SET position = NULL WHERE id = 5", "missing", 5),
    "take the mark away": ("UPDATE log SET mark = NULL WHERE id = 5", "foreign", 5),
    "delete in the middle": ("DELETE FROM log WHERE id IN (4, 5)", "missing", 4),
    "delete the first": ("DELETE FROM log WHERE id = 1", "missing", 1),
    "delete and close the gap": (
        "DELETE FROM log WHERE id = 8; UPDATE log SET position = 8 WHERE id = 9",
        "moved",
        8,
    ),
    "insert at the end": (f"{INSERT} VALUES ('2018-10-03', 'exported', '{{}}', '{'a' * 64}', 10, 'b')", "altered", 10),
    "insert a copy": (
        f"{UNINDEXED}; {INSERT} SELECT at, act, details, hash, 10, mark FROM log WHERE id = 2",
        "moved",
        10,
    ),
    "insert a copy that waits": (
        f"{UNINDEXED}; {INSERT} SELECT at, act, details, NULL, NULL, mark FROM log WHERE id = 2",
        "copied",
        None,
    ),
    "insert in a place taken": (
        f"{UNINDEXED}; {INSERT} SELECT at, act, details, hash, 4, mark FROM log WHERE id = 4",
        "moved",
        4,
    ),
    "reorder two": (
        "UPDATE log SET position = 99 WHERE id = 3; UPDATE log SET position = 3 WHERE id = 4;"
        "UPDATE log SET position = 4 WHERE id = 3",
        "moved",
        3,
    ),
    "reorder ids": (
        "UPDATE log SET id = 99 WHERE id = 3; UPDATE log SET id = 3 WHERE id = 4; UPDATE log SET id = 4 WHERE id = 99",
        "moved",
        3,
    ),
    "truncate the last": ("DELETE FROM log WHERE id = 9", "truncated", 9),
    "truncate all": ("DELETE FROM log ", "truncated", 1),
    "truncate and drop the head": (
        "DELETE FROM log WHERE id > 6; DELETE FROM fact WHERE name = 'chain.head'",
        "head",
        6,
    ),
    "truncate and make a head": (
        "DELETE FROM log WHERE id > 6;"
        f"UPDATE fact SET value = '6.' || (SELECT hash FROM log WHERE id = 6) || '.{'0' * 64}'"
        " WHERE name = 'chain.head'",
        "head",
        None,
    ),
}


@pytest.mark.parametrize("done", TAMPERING, ids=lambda done: done.replace(" ", "_"))
def test_whatever_is_done_to_the_log_is_found(database: Database, done: str) -> None:
    """Edit, delete, insert, reorder, truncate: the first finding names the entry."""
    statements, kind, position = TAMPERING[done]
    acts(database)
    seal(database)
    as_its_owner(database, *statements.replace(" log ", " audit_entry ").replace(" log;", " audit_entry;").split(";"))
    verdict = look(database)
    if UNINDEXED in statements:  # PostgreSQL's tables are shared with the tests that follow
        indexes = [
            f"CREATE UNIQUE INDEX uq_audit_entry_{name} ON audit_entry ({name})" for name in ("mark", "position")
        ]
        as_its_owner(database, "DELETE FROM audit_entry", *indexes)
    assert (verdict.findings[0].kind, verdict.findings[0].position) == (kind, position)


def test_a_change_of_any_one_cell_is_found(sqlite_database: Database) -> None:
    """100 %: every column of every entry, four random values each, seeded."""
    acts(sqlite_database)
    seal(sqlite_database)
    dice = random.Random(13)
    missed = []

    def change(unit: UnitOfWork) -> None:
        for name in [s.split()[2] for s in AUDIT_TRIGGERS["sqlite"]]:
            unit.connection.exec_driver_sql(f"DROP TRIGGER {name}")
        columns = ("at", "act", "details", "hash", "position", "mark", "id")
        for number, column, id in product(range(4), columns, range(1, ENTRIES + 1)):
            value = {
                "at": f"2018-10-0{dice.randint(4, 9)} 12:00:00.00000{dice.randint(0, 9)}",
                "details": f'{{"form_id": {dice.randint(0, 99)}}}',
                "position": dice.randint(10, 10**6),
                "id": dice.randint(10, 10**6),
            }.get(column, f"{dice.getrandbits(256):064x}"[: 48 if column == "mark" else 64])
            unit.connection.exec_driver_sql("SAVEPOINT try")
            unit.connection.execute(text(f"UPDATE audit_entry SET {column} = :v WHERE id = :i"), {"v": value, "i": id})
            if chain.verify(unit).is_whole:
                missed.append((number, column, id))
            unit.connection.exec_driver_sql("ROLLBACK TO try")

    sqlite_database.units.submit(None, change).result(PATIENCE)
    assert missed == []


def test_a_log_put_back_whole_is_found_by_a_head_noted_elsewhere(database: Database) -> None:
    """Yesterday's database agrees with itself; what somebody wrote down today does not agree with it."""
    acts(database)
    seal(database)
    with database.view() as unit:
        yesterday = unit.facts.get(chain.HEAD)
    acts(database, 3, 30)
    noted = seal(database)
    assert noted is not None
    as_its_owner(
        database,
        "DELETE FROM audit_entry WHERE id > 9",
        f"UPDATE fact SET value = '{yesterday}' WHERE name = 'chain.head'",
    )
    assert look(database).is_whole
    (finding,) = look(database, Head.read(noted.note)).findings
    assert (finding.kind, finding.position) == ("noted", 10)
    acts(database, 5, 60)
    seal(database)
    (finding,) = look(database, Head.read(noted.note)).findings
    assert (finding.kind, finding.position) == ("noted", 12)


def test_the_sealer_links_nothing_to_a_head_that_is_not_its_own(database: Database) -> None:
    """It must not launder what somebody else did."""
    acts(database)
    seal(database)
    acts(database, 1, 30)
    as_its_owner(database, "UPDATE fact SET value = '6' || substr(value, 2) WHERE name = 'chain.head'")
    with pytest.raises(StorageError, match="audit verify"):
        seal(database)
    as_its_owner(database, "DELETE FROM fact WHERE name = 'chain.head'")
    with pytest.raises(StorageError, match="audit verify"):
        seal(database)


@pytest.mark.parametrize(
    "noted", ["", "7", "7.abc", "x.0123456789ab", "7.0123456789aX", "٣.0123456789ab", f"7.{'a' * 65}"]
)
def test_what_is_no_head_is_refused(noted: str) -> None:
    """A slip of the pen must not pass for a broken log."""
    with pytest.raises(StorageError):
        Head.read(noted)


# ------------------------------------------------------------------ several at once
def test_a_lower_id_that_commits_later_is_linked_too(postgres_database: Database) -> None:
    """PostgreSQL numbers rows before they are committed: the chain follows what is seen, not the numbers."""
    engine = postgres_database.engine
    with engine.connect() as slow, slow.begin():
        act(UnitOfWork(slow, postgres_database.vault), 1)
        acts(postgres_database, 2, 2)
        assert seal(postgres_database) is not None
    assert look(postgres_database).unsealed == 1
    head = seal(postgres_database)
    assert head is not None
    assert head.position == 3
    assert look(postgres_database).is_whole
    with postgres_database.reader() as connection:
        order = connection.execute(text("SELECT id FROM audit_entry ORDER BY position")).scalars().all()
    assert order == [2, 3, 1]


def test_one_sealer_at_a_time_and_acts_do_not_wait_for_it(postgres_database: Database) -> None:
    """The second goes away empty-handed; an act commits while the first is at it."""
    acts(postgres_database)
    with postgres_database.engine.connect() as connection, connection.begin():
        assert chain.seal(UnitOfWork(connection, postgres_database.vault), limit=3) is not None
        assert seal(postgres_database) is None
        acts(postgres_database, 1, 40)
    seal(postgres_database)
    assert look(postgres_database).is_whole


def test_two_sealers_and_many_appends_never_fork(postgres_database: Database, postgres_url: str, vault: Vault) -> None:
    """Two replicas seal as fast as they can while acts commit on both: one chain, no entry left out."""
    with open_database(postgres_url, vault=vault) as replica:
        houses = [postgres_database, replica]

        def append(worker: int) -> None:
            acts(houses[worker % 2], 40, 1000 * worker)

        def sealing(worker: int) -> int:
            done = 0
            both.wait(PATIENCE)
            while not appended.is_set():
                done += seal(houses[worker], limit=7) is not None
            return done

        both, appended = threading.Barrier(3), threading.Event()
        with ThreadPoolExecutor(8) as pool:
            sealers = [pool.submit(sealing, worker) for worker in range(2)]
            both.wait(PATIENCE)
            list(pool.map(append, range(6)))
            appended.set()
            assert sum(sealer.result(PATIENCE) for sealer in sealers) > 0  # how many each of them got is chance
        while seal(replica):
            pass
        verdict = look(postgres_database)
    assert verdict.is_whole
    assert (verdict.sealed, verdict.unsealed) == (240, 0)


def test_a_long_log_is_looked_through_in_constant_memory(sqlite_database: Database) -> None:
    """Three times as many entries take no more memory than one time."""

    def peak() -> int:
        tracemalloc.start()
        assert look(sqlite_database).is_whole
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    def grow(count: int) -> None:
        def many(unit: UnitOfWork) -> None:
            for number in range(count):
                act(unit, number)

        sqlite_database.units.submit(None, many).result(PATIENCE)
        while seal(sqlite_database, 1000):
            pass

    grow(2 * chain.PAGE)
    short = peak()
    grow(4 * chain.PAGE)
    assert peak() < short * 1.2
