"""Two groups are applied at the same time, in one process: what one of them holds, changes or loses, and the other.

They are to each other what two replicas are. In each test one group stands still in the middle of a unit, on purpose.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import pytest

from storage.database.unit import Opening
from storage.errors import Unavailable
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.plan import lists
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE, wait_until
from tests.storage.database import scratch
from tests.storage.database.groups import broken_commits, reader

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
BOT = 77
CHATS = range(1, 9)
Act = Callable[[UnitOfWork], object]


def update(chat_id: int, number: int | None = None) -> Opening:
    return Opening(chat_id, BOT, chat_id if number is None else number)


def answer(unit: UnitOfWork, chat_id: int, number: int | None = None) -> int:
    """What an update does: it is new, the chat goes on, something is said. Return the number of the message."""
    assert unit.inbox.first_sight(BOT, chat_id if number is None else number, NOW, chat_id=chat_id)
    visit = unit.chats.open(chat_id, chat_id)
    unit.chats.set(chat_id, turn=visit.chat.turn + 1)
    return unit.outbox.add(OutboxDraft(chat_id, "prompt", "sendMessage", {"text": "?"}), now=NOW).id


class Standing:
    """A group in the middle of a unit of this chat. `pid` is its connection's number at the server."""

    def __init__(self, database: Database, chat_id: int, before: Act, after: Act) -> None:
        self._entered, self._leave = threading.Event(), threading.Event()
        self.pid = 0
        self.times = 0

        def work(unit: UnitOfWork) -> int:
            self.times += 1
            before(unit)
            if not self.pid:
                self.pid = scratch.own_number(unit.connection)
                self._entered.set()
                self._leave.wait(PATIENCE)
            after(unit)
            return answer(unit, chat_id)

        self.future: Future[int] = database.units.submit(chat_id, work, opening=update(chat_id))
        assert self._entered.wait(PATIENCE)

    def go_on(self) -> int:
        self._leave.set()
        return self.future.result(PATIENCE)

    def let_go(self) -> None:
        self._leave.set()
        self.future.exception(PATIENCE)


def nothing(unit: UnitOfWork) -> None:
    """Do nothing."""


@contextlib.contextmanager
def standing(database: Database, chat_id: int, before: Act = nothing, after: Act = nothing) -> Iterator[Standing]:
    made = Standing(database, chat_id, before, after)
    try:
        yield made
    finally:
        made.let_go()


def submit(database: Database, chat_id: int, work: Act, number: int | None = None) -> "Future[Any]":
    return database.units.submit(chat_id, work, opening=update(chat_id, number))


@pytest.fixture
def database(postgres_database: Database) -> Database:
    def begin(unit: UnitOfWork) -> None:
        for chat_id in CHATS:
            unit.chats.lock(chat_id)

    postgres_database.units.submit(None, begin).result(PATIENCE)
    return postgres_database


def turns(database: Database) -> dict[int, int]:
    with database.view() as unit:
        return {chat_id: unit.chats.get(chat_id).turn for chat_id in CHATS}  # type: ignore[union-attr]


def test_who_touches_a_chat_of_the_other_group_does_it_after_that_groups_commit(database: Database) -> None:
    """And sees what was written there: a coordinator's act on somebody who is answering at that moment."""
    seen: list[int] = []

    def touch(unit: UnitOfWork) -> None:
        answer(unit, 2)
        unit.chats.lock(1)
        seen.append(unit.chats.get(1).turn)  # type: ignore[union-attr]
        unit.chats.set(1, turn=10)

    with standing(database, 1) as first:
        touching = submit(database, 2, touch)
        beside = submit(database, 3, lambda unit: answer(unit, 3))
        assert beside.result(PATIENCE)
        wait_until(lambda: scratch.is_waited_for(first.pid), "the other one waits", unless=touching.done)
        assert first.go_on()
    assert touching.exception(PATIENCE) is None
    assert (seen, turns(database)[1], turns(database)[2]) == ([1], 10, 1)


def test_what_is_acknowledged_as_changed_is_read_by_every_group_that_begins_later(
    world_on_postgres: Any, database: Database
) -> None:
    """A month is closed while both threads have read the plan: each of them reads it anew in its next group."""
    plan_id = world_on_postgres.plan_id
    told: list[str] = []
    look = reader(plan_id, told)

    with standing(database, 1, look) as one, standing(database, 2, look) as two:
        assert one.pid != two.pid
        database.units.submit(None, lambda unit: lists.touch(unit, plan_id)).result(PATIENCE)
        one.go_on()
        two.go_on()
    with standing(database, 3, look) as three, standing(database, 4, look) as four:
        assert {three.pid, four.pid} == {one.pid, two.pid}
    with database.view() as unit:
        now = lists.revision(unit, plan_id)
    assert told[0] == told[1] != now
    assert told[2:] == [now, now]


def test_a_change_that_one_group_has_not_committed_is_not_read_by_the_other_and_not_kept(
    world_on_postgres: Any, database: Database
) -> None:
    """Who changed it reads it; when it has been undone, neither thread knows of it."""
    plan_id = world_on_postgres.plan_id
    told: list[str] = []
    look = reader(plan_id, told)

    def change(unit: UnitOfWork) -> None:
        lists.touch(unit, plan_id)
        look(unit)

    def undo(unit: UnitOfWork) -> None:
        raise ValueError

    submit(database, 3, look, 100).result(PATIENCE)
    with standing(database, 1, change, undo) as changing:
        submit(database, 2, look, 101).result(PATIENCE)
        changing.let_go()
        assert isinstance(changing.future.exception(PATIENCE), ValueError)
    with standing(database, 4, look), standing(database, 5, look):
        before, changed, beside, _, *later = told  # `change` is applied again by itself
    assert changed != before == beside
    assert later == [before, before]


def test_a_commit_that_is_lost_is_the_loss_of_its_own_group(database: Database) -> None:
    """T7: the other group, which was being applied, is told success, and it is there."""
    with standing(database, 1) as one, standing(database, 2) as two:
        with broken_commits(lambda line: line._library.backend_pid == one.pid):
            one.let_go()
        assert two.go_on()
    assert isinstance(one.future.exception(PATIENCE), Unavailable)
    assert (database.units.doubts, turns(database)[1], turns(database)[2]) == (1, 0, 1)
    assert submit(database, 1, lambda unit: answer(unit, 1, 50), 50).result(PATIENCE)


def test_a_row_that_the_other_group_holds_keeps_a_group_for_half_a_second_and_no_longer(database: Database) -> None:
    """Two receipts of one plan: then the units part, and who wants nothing of it is done first."""

    def want(unit: UnitOfWork) -> None:
        unit.facts.set("wanted", "by both", NOW)

    def receive(unit: UnitOfWork) -> None:
        want(unit)
        answer(unit, 2)

    with standing(database, 1, want) as first:
        waiting = submit(database, 2, receive)
        beside = [submit(database, n, lambda unit, n=n: answer(unit, n)) for n in (3, 4, 5)]  # type: ignore[misc]
        assert all(each.result(PATIENCE) for each in beside)
        assert not waiting.done()
        assert first.go_on()
    assert waiting.exception(PATIENCE) is None
    assert [turns(database)[n] for n in (1, 2, 3, 4, 5)] == [1] * 5


def test_two_groups_in_each_others_way_both_end_and_apply_everything_once(database: Database) -> None:
    """Receipts of two plans the other way round. The server ends one; no update is lost or set aside for it."""

    def take(name: str) -> Act:
        return lambda unit: unit.facts.set(name, "taken", NOW)

    with (
        standing(database, 1, take("left"), take("right")) as one,
        standing(database, 2, take("right"), take("left")) as two,
    ):
        threading.Thread(target=one.let_go, daemon=True).start()
        wait_until(lambda: scratch.is_waited_for(two.pid), "one waits for two", unless=one.future.done)
        assert two.go_on()
        assert one.go_on()
    assert (turns(database)[1], turns(database)[2]) == (1, 1)
    assert database.units.doubts == 0


def test_closing_lets_both_groups_and_all_that_waits_for_them_end(database: Database) -> None:
    """SIGTERM between two groups and a unit that waits for one of them: everything in line is applied and told."""

    def touch(unit: UnitOfWork) -> int:
        unit.chats.lock(1)
        return answer(unit, 3)

    with standing(database, 1) as one, standing(database, 2) as two:
        touching = database.units.submit(3, touch)  # by itself: both threads of groups stand still
        behind = submit(database, 1, lambda unit: answer(unit, 1, 60), 60)
        wait_until(lambda: scratch.is_waited_for(one.pid), "somebody waits", unless=touching.done)
        closing = threading.Thread(target=database.units.close)
        closing.start()
        wait_until(lambda: database.units._is_closing, "it is closing")
        one.let_go()
        two.let_go()
        closing.join(PATIENCE)
    assert not closing.is_alive()
    told = [each.exception(0) for each in (one.future, two.future, touching, behind)]
    assert told == [None] * 4
    assert submit(database, 4, nothing).exception(PATIENCE).__class__ is Unavailable
