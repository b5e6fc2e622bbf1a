"""The transaction: order, tries, group commit, and the ways in which a database lets go of one.

Every fault here is shown to have happened, and the checks that stand against it are taken away once, to see
the test turn red (GUARANTEES §3): a crash suite in which nothing crashes proves nothing.
"""

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, text
from sqlalchemy.exc import DBAPIError, OperationalError

from storage.database.engines import sqlite_module
from storage.database.models import Fact, table
from storage.database.statements import Prepared
from storage.database.vault import KeyUnknown, Vault, key_unknown
from storage.errors import StorageError, Unavailable
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork, Units
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
BOT = 77


class Wrong(Exception):
    """An ordinary failure."""


def fail(unit: UnitOfWork) -> None:
    raise Wrong


def learn(name: str, value: str = "yes") -> Callable[[UnitOfWork], str]:
    """A unit that leaves a trace called `name`."""

    def work(unit: UnitOfWork) -> str:
        unit.facts.set(name, value, NOW)
        return name

    return work


def known(database: Database, *names: str) -> set[str]:
    """Which of the traces are in the database, seen from outside."""
    with database.view() as unit:
        return {name for name in names if unit.facts.get(name) is not None}


@contextlib.contextmanager
def held(units: Units, key: object = "held") -> Iterator[None]:
    """Keep every writer busy, so that what is submitted meanwhile waits and shares the next group."""
    entered, leave = threading.Semaphore(0), threading.Event()

    def wait(unit: UnitOfWork) -> None:
        entered.release()
        leave.wait(PATIENCE)

    blockers = [units.submit((key, number), wait) for number in range(units._writer.threads or 1)]
    for _ in blockers:
        assert entered.acquire(PATIENCE)
    try:
        yield
    finally:
        leave.set()


# ------------------------------------------------------------------ the ordinary day
def test_a_result_is_told_only_when_it_is_durable(database: Database) -> None:
    """What the future says is in the database for everybody else."""
    assert database.units.submit("chat", learn("a")).result(PATIENCE) == "a"
    assert known(database, "a") == {"a"}


def test_a_failing_unit_takes_nothing_with_it(database: Database) -> None:
    """Its own writes are gone, those of its neighbours stay."""

    def write_then_fail(unit: UnitOfWork) -> None:
        unit.facts.set("bad", "yes", NOW)
        raise Wrong

    with held(database.units):
        before = database.units.submit("a", learn("before"))
        bad = database.units.submit("b", write_then_fail)
        after = database.units.submit("c", learn("after"))
    with pytest.raises(Wrong):
        bad.result(PATIENCE)
    assert (before.result(PATIENCE), after.result(PATIENCE)) == ("before", "after")
    assert known(database, "before", "bad", "after") == {"before", "after"}


def test_a_database_error_is_an_ordinary_failure_of_its_unit(database: Database) -> None:
    """A broken statement harms nobody else."""
    with held(database.units):
        bad = database.units.submit("a", lambda unit: unit.connection.execute(text("SELECT * FROM nowhere")))
        good = database.units.submit("b", learn("good"))
    with pytest.raises(Exception, match="nowhere"):
        bad.result(PATIENCE)
    assert good.result(PATIENCE) == "good"


def test_units_of_one_key_are_applied_in_the_order_submitted(database: Database) -> None:
    """Whatever other keys do in between (G3)."""
    seen: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    futures = [
        database.units.submit(key, lambda unit, key=key, number=number: seen[key].append(number))  # type: ignore[misc]
        for number in range(40)
        for key in seen
    ]
    for future in futures:
        future.result(PATIENCE)
    assert seen == {key: list(range(40)) for key in seen}


def test_two_units_of_one_key_never_run_at_once(postgres_database: Database) -> None:
    """Several threads, and still one chat at a time."""
    inside: list[int] = []
    most: list[int] = []

    def work(unit: UnitOfWork) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    for future in [postgres_database.units.submit("chat", work) for _ in range(20)]:
        future.result(PATIENCE)
    assert max(most) == 1


def test_the_next_unit_of_a_key_begins_when_the_one_before_it_has_committed(database: Database) -> None:
    """Not when it has been applied: until the commit, another connection sees the database as it was."""
    slow = threading.Event()
    together = threading.Barrier(1 if database.is_sqlite else 2)
    for future in [database.units.submit(None, lambda unit: together.wait(PATIENCE)) for _ in range(together.parties)]:
        future.result(PATIENCE)  # several threads stand ready, where there can be several

    def delay(_: object) -> None:
        if not slow.is_set():
            slow.set()
            time.sleep(0.2)

    event.listen(database.engine, "commit", delay)
    database.units.submit("chat", lambda unit: unit.chats.set(7, turn=1))
    second = database.units.submit("chat", lambda unit: unit.connection.scalar(text("SELECT turn FROM chat")))
    assert second.result(PATIENCE) == 1
    assert slow.is_set()


def test_a_later_unit_waits_until_the_failed_one_before_it_has_been_retried(database: Database) -> None:
    """The order of a key survives a failure; other keys do not wait."""
    seen: list[str] = []
    other_is_through = threading.Event()

    def stumble(unit: UnitOfWork) -> None:
        seen.append("first")
        if seen.count("first") < 3:
            raise Wrong
        assert other_is_through.wait(PATIENCE)

    with held(database.units):
        first = database.units.submit("chat", stumble, tries=3)
        second = database.units.submit("chat", lambda unit: seen.append("second"))
        other = database.units.submit("other", lambda unit: other_is_through.set())
    for future in (first, second, other):
        future.result(PATIENCE)
    assert seen == ["first", "first", "first", "second"]


def test_a_unit_that_fails_every_time_is_set_aside_before_the_next_of_its_key(database: Database) -> None:
    """`give_up` has a unit of its own, between the last try and what waits behind it."""
    seen: list[str] = []

    def poison(unit: UnitOfWork) -> str:
        seen.append("poison")
        unit.facts.set("half", "yes", NOW)
        raise Wrong("five times")

    def set_aside(unit: UnitOfWork, failure: Exception) -> str:
        seen.append("set aside")
        unit.inbox.set_aside(BOT, 1, "message", type(failure).__name__, NOW)
        return "poison"

    with held(database.units):
        first = database.units.submit("chat", poison, tries=3, give_up=set_aside)
        second = database.units.submit("chat", lambda unit: seen.append("next"))
    assert first.result(PATIENCE) == "poison"
    second.result(PATIENCE)
    assert seen == ["poison", "poison", "poison", "set aside", "next"]
    assert known(database, "half") == set()
    with database.view() as unit:
        assert unit.inbox.poisoned(NOW) == 1


def test_what_cannot_even_be_set_aside_takes_all_behind_it_along(database: Database) -> None:
    """It was not applied, so what came after it must not be: the caller brings all of them again. The key goes on."""
    with held(database.units):
        first = database.units.submit("chat", fail, tries=2, give_up=lambda unit, failure: fail(unit))
        behind = [database.units.submit("chat", learn(f"behind {n}")) for n in range(3)]
        other = database.units.submit("another", learn("other"))
    with pytest.raises(Wrong):
        first.result(PATIENCE)
    for each in behind:
        with pytest.raises(Unavailable):
            each.result(PATIENCE)
    assert other.result(PATIENCE) == "other"
    assert database.units.submit("chat", learn("again")).result(PATIENCE) == "again"
    assert known(database, "behind 0", "behind 1", "behind 2", "other", "again") == {"other", "again"}


def test_without_give_up_the_future_carries_the_last_failure(database: Database) -> None:
    """And the key goes on."""
    first = database.units.submit("chat", fail, tries=2)
    second = database.units.submit("chat", learn("next"))
    with pytest.raises(Wrong):
        first.result(PATIENCE)
    assert second.result(PATIENCE) == "next"


def test_hooks_run_after_the_commit_and_never_for_what_failed(database: Database) -> None:
    """A cache that changed before COMMIT would remember what never happened."""
    seen: list[str] = []

    def with_hook(unit: UnitOfWork) -> None:
        unit.facts.set("a", "yes", NOW)
        unit.after_commit(lambda: seen.extend(known(database, "a")))

    def fail_with_hook(unit: UnitOfWork) -> None:
        unit.after_commit(lambda: seen.append("never"))
        raise Wrong

    database.units.submit("a", with_hook).result(PATIENCE)
    with pytest.raises(Wrong):
        database.units.submit("b", fail_with_hook).result(PATIENCE)
    assert seen == ["a"]


def test_a_broken_hook_does_not_unsay_the_commit(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """The unit is durable: its future says so, and the log has the rest."""

    def work(unit: UnitOfWork) -> str:
        unit.after_commit(lambda: 1 / 0)
        return "done"

    assert database.units.submit("a", work).result(PATIENCE) == "done"
    assert "hook" in caplog.text


def test_a_unit_is_over_with_its_function(database: Database) -> None:
    """What it held is free without a collection, and who kept it can do nothing with it."""
    kept: list[UnitOfWork] = []

    def work(unit: UnitOfWork) -> "weakref.ref[object]":
        kept.append(unit)
        return weakref.ref(unit.inbox)

    gc.disable()
    try:
        inbox = database.units.submit(None, work).result()
        assert inbox() is None
    finally:
        gc.enable()
    with pytest.raises(AttributeError):
        kept[0].outbox.counts()


# ------------------------------------------------------------------ what is read first
def test_while_something_is_read_first_others_are_applied_and_its_own_key_waits(database: Database) -> None:
    """Nothing of the unit is there meanwhile; then it is applied anew, once, with what was found (G3)."""
    is_reading, may_end = threading.Event(), threading.Event()
    seen: list[str] = []

    def read(view: UnitOfWork) -> str | None:
        is_reading.set()
        assert may_end.wait(PATIENCE)
        return view.facts.get("before")

    def slow(unit: UnitOfWork) -> str | None:
        unit.facts.set("mine", "yes", NOW)
        found = unit.read_first(read)
        seen.append("slow")
        return found

    database.units.submit("chat", learn("before")).result(PATIENCE)
    first = database.units.submit("chat", slow)
    second = database.units.submit("chat", lambda unit: seen.append("behind it"))
    assert is_reading.wait(PATIENCE)
    assert database.units.submit("somebody else", learn("other")).result(PATIENCE) == "other"
    assert known(database, "mine", "other") == {"other"}
    may_end.set()
    assert first.result(PATIENCE) == "yes"
    second.result(PATIENCE)
    assert seen == ["slow", "behind it"]
    assert known(database, "mine") == {"mine"}


def test_what_is_read_first_is_handed_over_in_the_order_in_which_it_is_asked_for(database: Database) -> None:
    """A unit may ask twice; it begins anew each time, and no try is counted."""

    def work(unit: UnitOfWork) -> tuple[str, str]:
        return unit.read_first(lambda view: "one"), unit.read_first(lambda view: "two")

    assert database.units.submit("chat", work, tries=1).result(PATIENCE) == ("one", "two")


def test_a_unit_fails_with_what_its_reading_failed_with(database: Database) -> None:
    """As often as it has tries; what reads cannot write."""
    times: list[int] = []

    def fails(view: UnitOfWork) -> None:
        times.append(1)
        raise Wrong

    def refused(unit: UnitOfWork) -> str:
        return unit.read_first(learn("written beside the writer"))

    with pytest.raises(Wrong):
        database.units.submit("chat", lambda unit: unit.read_first(fails), tries=3).result(PATIENCE)
    assert times == [1]
    with pytest.raises(StorageError, match="could not be read"):
        database.units.submit("chat", refused).result(PATIENCE)
    assert known(database, "written beside the writer") == set()


def test_close_waits_for_what_is_being_read_first(url: str) -> None:
    """A unit that has been accepted is applied, with what was read for it."""
    may_end, is_reading = threading.Event(), threading.Event()

    def read(view: UnitOfWork) -> str:
        is_reading.set()
        assert may_end.wait(PATIENCE)
        return "found"

    database = open_database(url)
    future = database.units.submit("chat", lambda unit: unit.read_first(read))
    assert is_reading.wait(PATIENCE)
    closing = threading.Thread(target=database.close)
    closing.start()
    may_end.set()
    closing.join(PATIENCE)
    assert future.result(PATIENCE) == "found"


def test_close_applies_everything_in_line(url: str) -> None:
    """Stopping loses nothing that was taken on; what comes later is told so."""
    database = open_database(url)
    with held(database.units):
        futures = [database.units.submit(f"chat {n % 3}", learn(f"f{n}")) for n in range(30)]
    database.close()
    assert [future.result(0) for future in futures] == [f"f{n}" for n in range(30)]
    with pytest.raises(Unavailable):
        database.units.submit("chat", learn("late")).result(PATIENCE)


def test_a_cancelled_unit_that_has_not_begun_is_not_applied(database: Database) -> None:
    """And one that has begun can no longer be cancelled."""
    with held(database.units):
        future = database.units.submit("chat", learn("cancelled"))
        assert future.cancel()
        after = database.units.submit("chat", learn("after"))
    assert after.result(PATIENCE) == "after"
    assert known(database, "cancelled") == set()
    assert not after.cancel()


async def test_asyncio_hears_of_a_whole_group_at_once(sqlite_database: Database) -> None:
    """Fifty results wake the loop once, not fifty times."""
    loop = asyncio.get_running_loop()
    wakeups = 0
    original = loop.call_soon_threadsafe

    def count(*args: Any, **options: Any) -> asyncio.Handle:
        nonlocal wakeups
        wakeups += 1
        return original(*args, **options)

    loop.call_soon_threadsafe = count  # type: ignore[method-assign,assignment]
    with held(sqlite_database.units):
        futures = [sqlite_database.units.begin(f"chat {n}", learn(f"f{n}")) for n in range(50)]
    assert await asyncio.gather(*futures) == [f"f{n}" for n in range(50)]
    # The group that held the writer may still have taken the first of them.
    assert wakeups <= 2


async def test_what_is_begun_together_stands_in_line_before_any_of_it_is_applied(database: Database) -> None:
    """If the first is Unavailable all are, however fast it was, and none overtakes it."""

    def away(unit: UnitOfWork) -> str:
        raise Unavailable("the database is away")

    for _ in range(20):
        begun = database.units.begin_all(
            "chat", [(away, None, None), *((learn(f"b{n}"), None, None) for n in range(5))]
        )
        told = await asyncio.gather(*begun, return_exceptions=True)
        assert [type(each) for each in told] == [Unavailable] * 6
    assert known(database, *(f"b{n}" for n in range(5))) == set()


async def test_run_raises_what_the_unit_raised(database: Database) -> None:
    """The same outcomes as `submit`, awaited."""
    assert await database.units.run("chat", learn("a")) == "a"
    with pytest.raises(Wrong):
        await database.units.run("chat", fail)


async def test_a_waiting_task_may_be_cancelled(database: Database) -> None:
    """The unit may commit all the same; nothing breaks when its result finds nobody."""
    with held(database.units):
        task = asyncio.ensure_future(database.units.run("chat", learn("a")))
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.units.run("chat", learn("b")) == "b"


# ------------------------------------------------------------------ SQLite lets go of a transaction
TRAP = """
CREATE TRIGGER trap BEFORE INSERT ON fact WHEN NEW.name = 'trap'
BEGIN SELECT RAISE(ROLLBACK, 'the trap shut'); END
"""


def update_number(number: int) -> Callable[[UnitOfWork], bool]:
    """A unit as intake makes them: seen for the first time, and its consequence."""

    def work(unit: UnitOfWork) -> bool:
        if not unit.inbox.first_sight(BOT, number, NOW):
            return False
        unit.facts.set(f"update {number}", "applied", NOW)
        return True

    return work


def visited_by(number: int) -> Callable[[UnitOfWork], bool]:
    """What begins an update."""

    def work(unit: UnitOfWork) -> bool:
        return unit.inbox.first_sight(BOT, number, NOW, chat_id=5) and unit.chats.open(5, 5) is not None

    return work


def set_trap(database: Database) -> None:
    database.units.submit(None, lambda unit: unit.connection.execute(text(TRAP))).result(PATIENCE)


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

        @event.listens_for(sqlite_database.engine, "checkout")
        def shrink(connection: Any, *_: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + 30}")

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
    assert sqlite_database.engine.connect().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


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


def test_updates_of_many_chats_share_commits(sqlite_database: Database) -> None:
    """Group commit happens at all."""
    commits: list[int] = []
    event.listen(sqlite_database.engine, "commit", lambda connection: commits.append(1))
    with held(sqlite_database.units):
        futures = [sqlite_database.units.submit(f"chat {n}", learn(f"f{n}")) for n in range(60)]
    for future in futures:
        future.result(PATIENCE)
    assert len(commits) <= 3


# ------------------------------------------------------------------ PostgreSQL goes away
def backend(unit: UnitOfWork) -> int:
    return int(unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def kill(server: Engine, pid: int) -> None:
    with server.connect() as connection:
        assert connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid}).scalar_one()


@pytest.mark.parametrize("way", ["executed by SQLAlchemy", "prepared", "together"])
def test_a_connection_cut_in_a_unit_is_unavailable_and_the_next_one_works(
    postgres_database: Database, postgres_server: Engine, way: str
) -> None:
    """T7: a restarted server makes no update poison, and leaves nothing half done."""
    gave_up: list[Exception] = []
    ways = {"executed by SQLAlchemy": learn("more"), "prepared": update_number(10), "together": visited_by(10)}
    more = ways[way]

    def cut(unit: UnitOfWork) -> str:
        unit.facts.set("cut", "yes", NOW)
        kill(postgres_server, backend(unit))
        more(unit)
        return "done"

    line = [
        postgres_database.units.submit("chat", cut, tries=1, give_up=lambda unit, e: str(gave_up.append(e))),
        postgres_database.units.submit("chat", learn("behind")),
    ]
    assert isinstance(line[0].exception(PATIENCE), Unavailable)
    assert gave_up == []
    assert postgres_database.units.submit("chat", learn("again")).result(PATIENCE) == "again"
    assert known(postgres_database, "cut", "more", "update 10") == set()


def test_a_commit_of_unknown_outcome_is_unavailable_and_the_redelivery_is_absorbed(
    postgres_database: Database, postgres_server: Engine
) -> None:
    """T7: cut exactly at COMMIT, nothing is acknowledged; whichever way it went, it is applied once."""
    pids: list[int] = []

    def cut(connection: Connection) -> None:
        if pids:
            kill(postgres_server, pids.pop())

    event.listen(postgres_database.engine, "commit", cut)

    def work(unit: UnitOfWork) -> bool:
        pids.append(backend(unit))
        return update_number(9)(unit)

    future = postgres_database.units.submit("chat", work)
    assert isinstance(future.exception(PATIENCE), Unavailable)
    event.remove(postgres_database.engine, "commit", cut)
    assert postgres_database.units.submit("chat", update_number(9)).result(PATIENCE) in (True, False)
    assert known(postgres_database, "update 9") == {"update 9"}


def test_a_unit_that_swallows_a_database_error_is_not_told_success(postgres_database: Database) -> None:
    """PostgreSQL answers COMMIT in a spoilt transaction with ROLLBACK, and no error."""

    def swallow(unit: UnitOfWork) -> str:
        unit.facts.set("kept", "yes", NOW)
        with contextlib.suppress(Exception):
            unit.connection.execute(text("SELECT * FROM nowhere"))
        return "done"

    assert postgres_database.units.submit("chat", swallow).exception(PATIENCE) is not None
    assert known(postgres_database, "kept") == set()


def test_what_is_prepared_outlives_what_is_undone(postgres_database: Database) -> None:
    """A ROLLBACK TO, as psycopg hears it, would have it forget all that the connection had prepared."""

    def work(unit: UnitOfWork, number: int) -> bool:
        for text_ in range(12):  # as often as it takes to be worth preparing
            unit.connection.execute(text("SELECT 1")).all()
            unit.connection.execute(text(f"SELECT {text_}")).all()
        seen = update_number(number)(unit)
        with contextlib.suppress(ValueError), unit.aside():
            raise ValueError
        return seen and update_number(number + 1)(unit) and visited_by(number + 2)(unit)

    units = postgres_database.units
    assert units.submit("chat", lambda unit: work(unit, 10)).result(PATIENCE)
    assert units.submit("chat", lambda unit: work(unit, 20)).result(PATIENCE)


def test_an_error_among_what_is_asked_together_is_the_units(postgres_database: Database) -> None:
    """The server skips what stands behind it; the unit fails as by a statement alone, and the next one works."""

    def work(unit: UnitOfWork) -> bool:
        unit.facts.set("kept", "yes", NOW)
        return unit.inbox.first_sight(BOT, 2**70, NOW, chat_id=5)

    failure = postgres_database.units.submit("chat", work).exception(PATIENCE)
    assert isinstance(failure, DBAPIError)
    assert postgres_database.units.submit("chat", visited_by(11)).result(PATIENCE)
    assert known(postgres_database, "kept") == set()


def test_two_units_in_each_others_way_are_both_applied_without_costing_a_try(postgres_database: Database) -> None:
    """A deadlock is nobody's fault: the one that was sacrificed runs again."""
    units = postgres_database.units
    for name in ("left", "right"):
        units.submit(None, learn(name, "0")).result(PATIENCE)
    meeting = threading.Barrier(2)
    attempts: list[str] = []

    def cross(first: str, second: str) -> Callable[[UnitOfWork], str]:
        def work(unit: UnitOfWork) -> str:
            attempts.append(first)
            unit.facts.set(first, f"by {first}", NOW)
            if len(attempts) <= meeting.parties:  # whoever runs again has nobody to meet
                meeting.wait(PATIENCE)
            unit.facts.set(second, f"by {first}", NOW)
            return first

        return work

    futures = [units.submit("a", cross("left", "right")), units.submit("b", cross("right", "left"))]
    assert [future.result(PATIENCE) for future in futures] == ["left", "right"]
    assert len(attempts) == 3, "there was no deadlock"


def test_a_server_that_is_not_there_is_unavailable(postgres_server: Engine, vault: Vault) -> None:
    """Not an ordinary failure: the updates wait with Telegram."""
    with open_database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", vault=vault) as database:
        futures = [database.units.submit(f"chat {n}", learn("a")) for n in range(20)]
        assert all(isinstance(future.exception(PATIENCE), Unavailable) for future in futures)


# ------------------------------------------------------------------ what leaves with an error
@pytest.mark.parametrize("way", ["executed by SQLAlchemy", "prepared"])
def test_no_answer_travels_in_an_error(database: Database, way: str) -> None:
    """S8: neither in the statement's parameters nor in the database's own DETAIL line."""
    canary = "canary-8842"

    def collide(unit: UnitOfWork) -> None:
        values = {"name": canary, "value": canary, "learnt_at": NOW}
        for _ in range(2):
            if way == "prepared":
                Prepared(insert(table(Fact))).count(unit.connection, values)
            else:
                unit.connection.execute(insert(table(Fact)), values)

    failure = database.units.submit("chat", collide).exception(PATIENCE)
    assert failure is not None
    texts = [str(failure), repr(failure), str(getattr(failure, "orig", "")), repr(getattr(failure, "orig", ""))]
    assert not [found for found in texts if canary in found]
