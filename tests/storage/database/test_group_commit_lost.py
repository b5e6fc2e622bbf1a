"""SQLite lets go of a whole transaction (disk full, RAISE(ROLLBACK)): nobody of the group is told success (G2)."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from storage.database.engines import is_unavailable, parse_url, sqlite_engine, sqlite_module
from storage.database.vault import KeyUnknown, key_unknown
from storage.errors import Unavailable
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.units import NOW, held, known, learn, set_trap, update_number


# ------------------------------------------------------------------ SQLite lets go of a transaction
def interrupt(unit: UnitOfWork) -> None:
    """What another thread's `interrupt()` does, at the worst moment."""
    driver: Any = unit.connection.connection.dbapi_connection
    driver.set_progress_handler(lambda: 1, 1)
    try:
        unit.connection.execute(text("DELETE FROM processed_update"))
    finally:
        driver.set_progress_handler(None, 1)


def fill(unit: UnitOfWork) -> None:
    unit.facts.set("big", "x" * 4_000_000, NOW)


FAULTS = {"RAISE(ROLLBACK)": learn("trap"), "interrupt": interrupt, "disk full": fill}


@pytest.fixture(params=list(FAULTS))
def fault(request: pytest.FixtureRequest, sqlite_database: Database) -> Callable[[UnitOfWork], Any]:
    """A unit after which SQLite has dropped the whole transaction."""
    set_trap(sqlite_database)
    if request.param == "disk full":

        @event.listens_for(sqlite_database.engine, "begin")
        def shrink(connection: Connection) -> None:
            driver: Any = connection.connection.dbapi_connection
            pages = driver.execute("PRAGMA page_count").fetchone()[0]
            driver.execute(f"PRAGMA max_page_count={pages + 30}")

    return FAULTS[request.param]


def test_when_the_transaction_is_gone_nobody_of_the_group_is_told_success(
    sqlite_database: Database, fault: Callable[[UnitOfWork], Any]
) -> None:
    """Units before and after the faulty one are Unavailable, and come back to a database without a trace of them."""
    units = sqlite_database.units
    with held(units):
        before = [units.submit(f"chat {n}", update_number(n)) for n in range(3)]
        bad = units.submit("bad", fault)
        after = [units.submit(f"chat {n}", update_number(n)) for n in range(3, 6)]
    with pytest.raises(Unavailable):
        bad.result(PATIENCE)
    lost = {n for n, future in enumerate([*before, *after]) if isinstance(future.exception(PATIENCE), Unavailable)}
    assert {0, 1, 2} <= lost, "the fault did not happen while they shared a group"
    told = {n for n in range(6) if n not in lost}
    applied = known(sqlite_database, *(f"update {n}" for n in range(6)))
    assert applied == {f"update {n}" for n in told}
    # Telegram brings everything again: what was lost is applied now, what was not is recognised.
    again = [units.submit(f"chat {n}", update_number(n)).result(PATIENCE) for n in range(6)]
    assert {n for n, first in enumerate(again) if first} == lost
    with sqlite_database.reader() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_planted_bug_without_asking_whether_the_transaction_stands_acknowledged_updates_are_lost(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is what saves them: blind to the loss, the writer tells success for what is not there."""
    set_trap(sqlite_database)
    units = sqlite_database.units
    writer = units._writer

    def undo_blindly(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        with contextlib.suppress(sqlite_module().OperationalError):
            driver.execute("ROLLBACK TO unit")
            driver.execute("RELEASE unit")

    monkeypatch.setattr(writer, "is_in_transaction", lambda connection: True)
    monkeypatch.setattr(writer, "undo", undo_blindly)
    with held(units):
        before = [units.submit(f"chat {n}", update_number(n)) for n in range(3)]
        bad = units.submit("bad", learn("trap"))
    assert bad.exception(PATIENCE) is not None
    acknowledged = {f"update {n}" for n, future in enumerate(before) if future.result(PATIENCE)}
    assert acknowledged == {"update 0", "update 1", "update 2"}
    assert known(sqlite_database, *acknowledged) == set(), "nothing was lost: the planted bug is not one"


def test_what_fails_aside_is_undone_alone_and_its_unit_goes_on(database: Database) -> None:
    """Also after a statement that failed, which on PostgreSQL spoils the rest of a transaction; its hooks never run."""
    seen: list[str] = []

    def work(unit: UnitOfWork) -> None:
        unit.facts.set("before", "yes", NOW)
        with contextlib.suppress(Exception), unit.aside():
            unit.facts.set("aside", "yes", NOW)
            unit.after_commit(lambda: seen.append("never"))
            unit.connection.execute(text("SELECT nothing FROM nowhere"))
        with unit.aside():
            unit.facts.set("after", "yes", NOW)
            unit.after_commit(lambda: seen.append("after"))

    database.units.submit("a", work).result(PATIENCE)
    assert known(database, "before", "aside", "after") == {"before", "after"}
    assert seen == ["after"]


def test_what_fails_aside_with_the_whole_transaction_is_unavailable(
    sqlite_database: Database, fault: Callable[[UnitOfWork], Any]
) -> None:
    """There is nothing left to go on with, and whoever catches defects does not catch this one."""
    seen: list[BaseException] = []

    def work(unit: UnitOfWork) -> None:
        unit.facts.set("before", "yes", NOW)
        try:
            with unit.aside():
                fault(unit)
        except Exception as error:
            seen.append(error)
            raise

    assert isinstance(sqlite_database.units.submit("a", work).exception(PATIENCE), Unavailable)
    assert [type(error) for error in seen] == [Unavailable]
    assert known(sqlite_database, "before") == set()


def test_a_unit_that_swallows_the_loss_is_found_out_too(sqlite_database: Database) -> None:
    """The writer asks after every unit, not only after those that admit a failure."""
    set_trap(sqlite_database)

    def swallow(unit: UnitOfWork) -> str:
        with contextlib.suppress(Exception):
            unit.facts.set("trap", "yes", NOW)
        return "all is well"

    with held(sqlite_database.units):
        before = sqlite_database.units.submit("a", update_number(1))
        bad = sqlite_database.units.submit("b", swallow)
    assert isinstance(bad.exception(PATIENCE), Unavailable)
    assert isinstance(before.exception(PATIENCE), Unavailable)
    assert known(sqlite_database, "update 1") == set()


def test_a_unit_that_ends_the_transaction_itself_is_found_out_before_the_commit(sqlite_database: Database) -> None:
    """Even one that covers its tracks: nobody but `Units` commits or rolls back."""

    def end_it(unit: UnitOfWork) -> str:
        driver: Any = unit.connection.connection.dbapi_connection
        driver.execute("ROLLBACK")
        driver.execute("SAVEPOINT unit")
        return "all is well"

    with held(sqlite_database.units):
        before = sqlite_database.units.submit("a", update_number(1))
        bad = sqlite_database.units.submit("b", end_it)
    assert isinstance(bad.exception(PATIENCE), Unavailable)
    assert isinstance(before.exception(PATIENCE), Unavailable)
    assert known(sqlite_database, "update 1") == set()


def test_after_unavailable_those_in_line_behind_fail_too(sqlite_database: Database) -> None:
    """Otherwise the third answer of a chat would be applied although the second was not (G3)."""
    set_trap(sqlite_database)
    units = sqlite_database.units
    with held(units):
        line = [units.submit("chat", work) for work in (update_number(1), learn("trap"), update_number(2))]
        other = units.submit("other", update_number(3))
    assert [isinstance(future.exception(PATIENCE), Unavailable) for future in line] == [True, True, True]
    assert other.exception(PATIENCE) is None or isinstance(other.exception(), Unavailable)
    assert known(sqlite_database, "update 1", "update 2") == set()


def test_a_unit_that_is_unavailable_by_itself_takes_nothing_of_others_along(database: Database) -> None:
    """A key is unknown: those who share its group are committed, or whoever comes with it each time never would be."""
    lost: list[BaseException] = []
    database.units.on_lost = lost.append
    tried: list[int] = []

    def locked(unit: UnitOfWork) -> None:
        tried.append(1)
        unit.facts.set("half", "done", NOW)
        raise KeyUnknown("sealed under the key k9")

    with held(database.units):
        before = database.units.submit("a", update_number(1))
        itself = database.units.submit("b", locked, tries=5, give_up=lambda unit, error: None)
        behind = database.units.submit("b", update_number(2))
        after = database.units.submit("c", update_number(3))
    assert (before.result(PATIENCE), after.result(PATIENCE)) == (True, True)
    for one in (itself, behind):
        failure = one.exception(PATIENCE)
        assert isinstance(failure, Unavailable)
        assert key_unknown(failure) is not None
    assert len(tried) == 1
    assert [type(error) for error in lost] == [KeyUnknown]
    assert known(database, "update 1", "update 2", "update 3", "half") == {"update 1", "update 3"}


def test_unavailable_is_not_a_try(sqlite_database: Database) -> None:
    """The database being down makes no update poison."""
    set_trap(sqlite_database)
    gave_up: list[Exception] = []
    future = sqlite_database.units.submit(
        "chat", learn("trap"), tries=1, give_up=lambda unit, e: str(gave_up.append(e))
    )
    with pytest.raises(Unavailable):
        future.result(PATIENCE)
    assert gave_up == []


def test_a_failed_commit_is_nobodys_success(sqlite_database: Database) -> None:
    """COMMIT itself may fail; what it would have kept is not told."""

    def refuse(connection: Connection) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    event.listen(sqlite_database.engine, "commit", refuse)
    futures = [sqlite_database.units.submit(f"chat {n}", update_number(n)) for n in range(3)]
    assert [isinstance(future.exception(PATIENCE), Unavailable) for future in futures] == [True] * 3
    event.remove(sqlite_database.engine, "commit", refuse)
    assert known(sqlite_database, "update 0", "update 1", "update 2") == set()
    assert sqlite_database.units.submit("chat 0", update_number(0)).result(PATIENCE) is True


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process in the middle of a write."""
    other = sqlite_module().connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_lock_held_by_another_process_for_a_moment_is_waited_for(sqlite_database: Database, sqlite_url: str) -> None:
    """T9: nobody notices."""
    with locked(sqlite_url):
        begun = threading.Event()
        event.listen(sqlite_database.engine, "checkout", lambda *_: begun.set())
        future = sqlite_database.units.submit("chat", learn("a"))
        assert begun.wait(PATIENCE)
        assert not future.done()
    assert future.result(PATIENCE) == "a"


def test_a_lock_held_for_long_makes_everybody_in_line_unavailable_at_once(
    sqlite_database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T9: not one after the other, each after its own wait."""

    waits: list[int] = []

    @event.listens_for(sqlite_database.engine, "checkout")
    def impatient(connection: Any, *_: object) -> None:
        waits.append(1)
        connection.execute("PRAGMA busy_timeout=300")

    with locked(sqlite_url):
        futures = [sqlite_database.units.submit(f"chat {n}", learn(f"f{n}")) for n in range(20)]
        failures = [future.exception(PATIENCE) for future in futures]
    assert all(isinstance(failure, Unavailable) for failure in failures)
    assert len(waits) < 10
    assert sqlite_database.units.submit("chat 1", learn("after")).result(PATIENCE) == "after"


def test_whoever_begins_beside_a_lock_hears_of_it_as_of_any_refusal(sqlite_url: str) -> None:
    """Commands catch SQLAlchemy's errors, and no driver's."""
    engine = sqlite_engine(parse_url(sqlite_url))
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0"))
    with locked(sqlite_url), engine.connect() as connection, pytest.raises(OperationalError, match="locked") as refused:
        connection.begin()
    assert is_unavailable(refused.value)
    engine.dispose()


def test_between_its_groups_the_writer_locks_nothing(sqlite_database: Database, sqlite_url: str) -> None:
    """Also after a group of which nothing was committed."""

    def fail(unit: UnitOfWork) -> None:
        unit.facts.set("undone", "yes", NOW)
        raise ValueError

    for work in (learn("a"), fail, learn("b")):
        sqlite_database.units.submit("chat", work).exception(PATIENCE)
        with locked(sqlite_url):
            pass
    assert known(sqlite_database, "a", "undone", "b") == {"a", "b"}


def test_updates_of_many_chats_share_commits(sqlite_database: Database) -> None:
    """Group commit happens at all."""
    commits: list[int] = []
    event.listen(sqlite_database.engine, "commit", lambda connection: commits.append(1))
    with held(sqlite_database.units):
        futures = [sqlite_database.units.submit(f"chat {n}", learn(f"f{n}")) for n in range(60)]
    for future in futures:
        future.result(PATIENCE)
    assert len(commits) <= 3
