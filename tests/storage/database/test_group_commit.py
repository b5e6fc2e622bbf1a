"""The transaction: order, tries, group commit, and the ways in which a database lets go of one.

Every fault here is shown to have happened, and the checks that stand against it are taken away once, to see
the test turn red (docs/reliability.md): a crash suite in which nothing crashes proves nothing.
"""

import asyncio
import gc
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import DBAPIError

from storage.database.lines import Awaited
from storage.database.models import Fact, table
from storage.database.statements import Prepared
from storage.errors import StorageError, Unavailable
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.units import BOT, NOW, held, known, learn


class Wrong(Exception):
    """An ordinary failure."""


def fail(unit: UnitOfWork) -> None:
    raise Wrong


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


@pytest.mark.parametrize("seed", range(20))
def test_each_unit_is_durable_or_gone_whoever_fails_beside_it(database: Database, seed: int) -> None:
    """Whatever its place: who succeeds is stored, in its key's order, and its hook runs once."""
    dice = random.Random(seed)
    units = [(dice.choice("abc"), dice.random() < 0.7) for _ in range(dice.randrange(1, 25))]
    hooked: list[int] = []

    def say(number: int) -> Callable[[UnitOfWork], object]:
        def work(unit: UnitOfWork) -> None:
            unit.after_commit(lambda: hooked.append(number))
            learn(str(number))(unit)
            if not units[number][1]:
                raise Wrong

        return work

    with held(database.units):
        futures = [database.units.submit(key, say(number)) for number, (key, _) in enumerate(units)]
    failed = {number for number, future in enumerate(futures) if future.exception(PATIENCE) is not None}
    assert failed == {number for number, (_, succeeds) in enumerate(units) if not succeeds}
    done = set(range(len(units))) - failed
    assert known(database, *map(str, range(len(units)))) == set(map(str, done))
    assert sorted(hooked) == sorted(done)
    for key in "abc":
        mine = [number for number in hooked if units[number][0] == key]
        assert mine == sorted(mine)


def test_a_database_error_is_an_ordinary_failure_of_its_unit(database: Database) -> None:
    """A broken statement harms nobody else, and it is not tried for ever as if the database were away."""
    with held(database.units):
        bad = database.units.submit("a", lambda unit: unit.connection.execute(text("SELECT nothing FROM person")))
        good = database.units.submit("b", learn("good"))
    with pytest.raises(DBAPIError, match="nothing"):
        bad.result(PATIENCE)
    assert good.result(PATIENCE) == "good"


def test_tables_that_are_not_there_are_a_database_that_is_away(database: Database) -> None:
    """Somebody has moved them, and may put them back: the update is tried again."""
    lost = database.units.submit("a", lambda unit: unit.connection.execute(text("SELECT * FROM nowhere")))
    assert isinstance(lost.exception(PATIENCE), Unavailable)


def test_nobody_waits_for_a_group_that_has_lasted_long_enough(sqlite_database: Database) -> None:
    """Units that take long do not share: whoever came behind the first of them is in the next group (S16)."""
    units, passed = sqlite_database.units, [0.0]
    units._monotonic = lambda: passed[0]

    def slow(unit: UnitOfWork) -> None:
        passed[0] += 1.0

    def groups(work: Any) -> int:
        before = units.commits.count
        with held(units, longest=units._longest):
            futures = [units.submit(key, work) for key in ("a", "a", "a", "b")]
        for future in futures:
            future.result(PATIENCE)
        return units.commits.count - before

    assert groups(lambda unit: None) == 1
    assert groups(slow) > 3


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


def test_close_waits_for_no_read_that_nobody_waits_for(url: str) -> None:
    """The first text where nothing is asked reads tables for seconds: a bot that is told to stop does not wait."""
    may_end, is_reading = threading.Event(), threading.Event()

    def read(view: UnitOfWork) -> bool:
        is_reading.set()
        return may_end.wait(PATIENCE)

    database = open_database(url)

    async def begin_and_go() -> None:
        database.units.run("chat", lambda unit: unit.read_first(read))
        await asyncio.to_thread(is_reading.wait, PATIENCE)

    asyncio.run(begin_and_go())
    closing = threading.Thread(target=database.units.close)
    closing.start()
    closing.join(PATIENCE / 10)
    is_closed = not closing.is_alive()
    may_end.set()
    for thread in threading.enumerate():
        if thread is closing or thread.name == "reading-first":  # its connection is its own until it ends
            thread.join(PATIENCE)
    database.close()
    assert is_closed


def test_close_leaves_what_nobody_waits_for(url: str) -> None:
    """A bot that has been told to stop has ended its loop: what is in line there was not acknowledged, and comes again.

    A flood that waited for its turn kept the process for longer than it may take to end.
    """
    database = open_database(url)

    async def begin_and_go() -> None:
        for number in range(20):
            database.units.run("chat", learn(f"f{number}"))

    with held(database.units):
        asyncio.run(begin_and_go())
        behind = database.units.submit("chat", learn("behind"))
    database.units.close()
    assert behind.result(0) == "behind"
    with database.view() as unit:
        assert [unit.facts.get(f"f{number}") for number in range(20)] == [None] * 20
    database.close()


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
        futures = [sqlite_database.units.run(f"chat {n}", learn(f"f{n}")) for n in range(50)]
    assert await asyncio.gather(*futures) == [f"f{n}" for n in range(50)]
    # The group that held the writer may still have taken the first of them.
    assert wakeups <= 2


async def test_what_is_begun_together_stands_in_line_before_any_of_it_is_applied(database: Database) -> None:
    """If the first is Unavailable all are, however fast it was, and none overtakes it."""

    def away(unit: UnitOfWork) -> str:
        raise Unavailable("the database is away")

    for _ in range(20):
        begun = [Awaited(away), *(Awaited(learn(f"b{n}")) for n in range(5))]
        database.units.enqueue("chat", begun)
        told = await asyncio.gather(*(each.future for each in begun), return_exceptions=True)
        assert [type(each) for each in told] == [Unavailable] * 6
    assert known(database, *(f"b{n}" for n in range(5))) == set()


async def test_a_caller_that_fails_when_it_is_told_harms_no_other(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so. Those of the same group hear their results all the same."""

    class Failing(Awaited):
        def tell(self, result: object, error: BaseException | None) -> None:
            raise Wrong

    failing, other = Failing(learn("a")), Awaited(learn("b"))
    with held(sqlite_database.units):
        sqlite_database.units.enqueue("a", [failing])
        sqlite_database.units.enqueue("b", [other])
    assert await other.future == "b"
    assert known(sqlite_database, "a", "b") == {"a", "b"}
    assert "Wrong" in caplog.text


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
