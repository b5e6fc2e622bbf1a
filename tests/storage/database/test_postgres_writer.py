"""Units that share a transaction on PostgreSQL: read first, written last, and given up as a whole.

What a group relies on is taken away once in each of these: the count of what was written, the order of numbers, the
chat that another replica holds.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from storage.database.journeys import Line
from storage.database.steady import STEADY
from storage.database.unit import Opening
from storage.errors import Conflict, Unavailable
from storage.messages.outbox import OutboxDraft, Sent
from storage.open_database import Database, open_database
from storage.people.opening import _SEEN
from storage.plan import lists
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE, wait_until
from tests.storage.database import scratch
from tests.storage.database.groups import BOT, CHATS, NOW, answer, begin_chats, broken_commits, gathered, reader, update


class Wrong(Exception):
    """An ordinary failure."""


@pytest.fixture
def database(postgres_database: Database) -> Database:
    begin_chats(postgres_database)
    return postgres_database


def turns(database: Database) -> dict[int, int]:
    with database.view() as unit:
        return {chat_id: unit.chats.get(chat_id).turn for chat_id in CHATS}  # type: ignore[union-attr]


def said(database: Database) -> Counter[int]:
    with database.reader() as connection:
        return Counter(connection.execute(text("SELECT chat_id FROM outbox")).scalars())


# ------------------------------------------------------------------ the ordinary day
def test_updates_of_many_chats_are_two_journeys_and_one_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: what they begin with, and what they write."""
    journeys: list[int] = []
    ask_all = Line.ask_all

    def counted(self: Line, asked: Any) -> Any:
        journeys.append(len(asked))
        return ask_all(self, asked)

    def alone(self: Line, *_: object) -> Any:
        raise AssertionError("a journey for one statement")

    with gathered(database):
        futures = [database.units.submit(chat_id, answer(chat_id), opening=update(chat_id)) for chat_id in CHATS]
        monkeypatch.setattr(Line, "ask_all", counted)
        monkeypatch.setattr(Line, "ask", alone)
        commits = database.units.commits.count
    assert len({future.result(PATIENCE) for future in futures}) == len(CHATS)
    held_elsewhere = database.units._writer.groups - 1
    assert (len(journeys), database.units.commits.count - commits) == (2, 1 + held_elsewhere)
    assert turns(database) == dict.fromkeys(CHATS, 1)
    assert said(database) == Counter(CHATS)


def test_a_unit_without_a_chat_is_one_journey_and_its_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of what was sent: it reads nothing."""
    draft = OutboxDraft(1, "prompt", "sendMessage", {"text": "?"})
    row = database.units.submit(1, lambda unit: unit.outbox.add(draft, now=NOW)).result(PATIENCE)
    made: list[Any] = []
    ask_all = Line.ask_all

    def heard(self: Line, asked: Any) -> Any:
        made.append(asked)
        return ask_all(self, asked)

    def record(unit: UnitOfWork) -> None:
        unit.outbox.record_all([(row, Sent(), NOW)])

    monkeypatch.setattr(Line, "ask_all", heard)
    database.units.submit(None, record, opening=Opening()).result(PATIENCE)
    assert made == [()]
    with database.view() as unit:
        assert unit.outbox.states([row.id]) == {row.id: ("sent", "")}


def test_nothing_is_committed_that_does_not_add_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An UPDATE of no row commits happily. So what was changed is counted before COMMIT."""
    ask_all = Line.ask_all

    def heard(self: Line, asked: Any) -> Any:
        if not asked:  # the group writes
            with database.engine.begin() as by_hand:
                by_hand.execute(text("INSERT INTO processed_update VALUES (:bot, 2, now())"), {"bot": BOT})
        return ask_all(self, asked)

    with gathered(database):
        futures = [database.units.submit(n, answer(n), opening=update(n)) for n in (1, 2, 3)]
        monkeypatch.setattr(Line, "ask_all", heard)
    assert [type(future.exception(PATIENCE)) for future in futures] == [type(None), AssertionError, type(None)]
    assert (said(database), turns(database)[2], database.units.parted) == (Counter((1, 3)), 0, 1)


def test_a_failing_unit_takes_nothing_with_it_and_leaves_nothing(database: Database) -> None:
    """What it would have written has not been sent: the others need not be applied again."""

    def fail(unit: UnitOfWork) -> None:
        answer(3)(unit)
        raise Wrong

    with gathered(database):
        others = [database.units.submit(n, answer(n), opening=update(n)) for n in (1, 2)]
        failing = database.units.submit(3, fail, opening=update(3))
        others += [database.units.submit(n, answer(n), opening=update(n)) for n in (4, 5)]
    assert isinstance(failing.exception(PATIENCE), Wrong)
    assert [future.exception(PATIENCE) for future in others] == [None] * 4
    assert (said(database), database.units.parted) == (Counter((1, 2, 4, 5)), 0)
    assert database.units.submit(3, answer(3), opening=update(3)).result(PATIENCE)  # it was never seen


def test_a_unit_that_fails_after_something_was_sent_has_its_group_applied_one_by_one(database: Database) -> None:
    """Nothing is undone in part: each of the others is applied once, and nothing of this one."""

    def fail(unit: UnitOfWork) -> None:
        answer(3)(unit)
        assert unit.outbox.counts()  # reading sends what waits
        raise Wrong

    with gathered(database):
        others = [database.units.submit(n, answer(n), opening=update(n)) for n in (1, 2)]
        failing = database.units.submit(3, fail, opening=update(3))
        others += [database.units.submit(n, answer(n), opening=update(n)) for n in (4, 5)]
    assert isinstance(failing.exception(PATIENCE), Wrong)
    assert [future.exception(PATIENCE) for future in others] == [None] * 4
    assert (said(database), database.units.parted) == (Counter((1, 2, 4, 5)), 1)


def test_an_error_of_the_server_is_its_own_units(database: Database) -> None:
    """It shows when others' writes are sent. They are applied all the same, and it alone fails with it."""

    def spoil(unit: UnitOfWork) -> None:
        assert unit.inbox.first_sight(BOT, 2**70, NOW, chat_id=3)

    with gathered(database):
        others = [database.units.submit(n, answer(n), opening=update(n)) for n in (1, 2)]
        spoiling = database.units.submit(3, spoil, opening=update(3))
        others += [database.units.submit(n, answer(n), opening=update(n)) for n in (4, 5)]
    assert isinstance(spoiling.exception(PATIENCE), DBAPIError)
    assert [future.exception(PATIENCE) for future in others] == [None] * 4
    assert said(database) == Counter((1, 2, 4, 5))


@pytest.mark.parametrize("value", ["\x00", "\ud83d"])
def test_a_value_that_cannot_be_sent_is_its_own_units(database: Database, value: str) -> None:
    """No driver writes it. That shows when it is sent: here, when another unit reads something."""

    def spoil(unit: UnitOfWork) -> None:
        answer(3)(unit)
        unit.chats.set(3, awaits=value)

    with gathered(database):
        others = [database.units.submit(n, answer(n), opening=update(n)) for n in (1, 2)]
        spoiling = database.units.submit(3, spoil, opening=update(3))
        others.append(database.units.submit(4, answer(4), opening=update(4)))
        reading = database.units.submit(5, lambda unit: unit.outbox.counts(), opening=update(5))
    assert isinstance(spoiling.exception(PATIENCE), DBAPIError | UnicodeEncodeError)
    assert [future.exception(PATIENCE) for future in (*others, reading)] == [None] * 4
    assert said(database) == Counter((1, 2, 4))


def test_units_read_what_those_before_them_in_the_group_have_written(database: Database) -> None:
    """They are one transaction, and each of them sees the ones before it."""

    def look(unit: UnitOfWork) -> int:
        return unit.chats.get(1).turn  # type: ignore[union-attr]

    with gathered(database):
        database.units.submit(1, answer(1), opening=update(1))
        found = database.units.submit(2, look, opening=update(2))
    assert found.result(PATIENCE) == 1


# ------------------------------------------------------------------ what has changed since it was read
@pytest.mark.parametrize("shows", ["at COMMIT", "when another unit reads"])
def test_what_somebody_else_has_changed_since_it_was_read_is_a_conflict_of_its_unit_alone(
    world_on_postgres: Any, database: Database, shows: str
) -> None:
    """An UPDATE of no row commits happily. So its count is looked at before COMMIT, and then nothing is committed."""
    world, units = world_on_postgres, database.units
    session = units.submit(None, world.open).result(PATIENCE)
    conflicts: list[Conflict] = []

    def take(unit: UnitOfWork) -> None:
        unit.sessions.reassign(session.id, world.person_ids[1])

    def save(unit: UnitOfWork) -> str:
        answer(3)(unit)
        if not conflicts:
            with contextlib.suppress(Conflict):
                units.submit(None, take).result(PATIENCE)  # after it was read, and before it is written
        try:
            unit.sessions.save(session._replace(data={"answer": "lost?"}), NOW)
        except Conflict as error:
            conflicts.append(error)
            return "conflict"
        return "saved"

    with gathered(database):
        other = units.submit(1, answer(1), opening=update(1))
        saving = units.submit(3, save, opening=update(3))
        if shows != "at COMMIT":
            units.submit(4, lambda unit: unit.outbox.counts(), opening=update(4))
    assert (saving.result(PATIENCE), other.exception(PATIENCE)) == ("conflict", None)
    assert (len(conflicts), said(database)) == (1, Counter((1, 3)))


def test_an_update_that_was_dealt_with_meanwhile_changes_nothing(database: Database) -> None:
    """G2: that it was new is looked at together with its chat, and believed only when it has been written."""

    def seen_elsewhere(unit: UnitOfWork) -> None:
        assert unit.inbox.first_sight(BOT, 3, NOW)

    def work(unit: UnitOfWork) -> bool:
        if unit.is_shared:
            database.units.submit(None, seen_elsewhere).result(PATIENCE)
        is_new = unit.inbox.first_sight(BOT, 3, NOW, chat_id=3)
        if is_new:
            unit.chats.set(3, turn=9)
        return is_new

    with gathered(database):
        other = database.units.submit(1, answer(1), opening=update(1))
        late = database.units.submit(3, work, opening=update(3))
    assert (late.result(PATIENCE), other.exception(PATIENCE)) == (False, None)
    assert (turns(database)[3], turns(database)[1]) == (0, 1)


def test_nothing_of_a_group_that_was_given_up_stays_with_its_connection(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool gives it to somebody else, who would write it, or read the plan as it was then."""
    lines: list[Any] = []
    begin = Line.begin_group

    def begun(self: Line, version: object) -> None:
        lines.append(self)
        begin(self, version)

    def wrong(unit: UnitOfWork) -> None:
        answer(3)(unit)
        if unit.is_shared:
            raise OperationalError("", {}, psycopg.OperationalError())  # with what waits still unsent

    monkeypatch.setattr(Line, "begin_group", begun)
    with gathered(database):
        other = database.units.submit(1, answer(1), opening=update(1))
        parting = database.units.submit(3, wrong, opening=update(3))
    assert (other.exception(PATIENCE), parting.exception(PATIENCE), database.units.parted) == (None, None, 1)
    assert [(each.waiting, each.steady) for each in lines] == [([], None)] * len(lines)
    assert said(database) == Counter((1, 3))


def test_an_update_that_is_known_is_not_new(database: Database) -> None:
    """G2, in a group: read with the others, and nothing is written for it."""
    database.units.submit(3, answer(3), opening=update(3)).result(PATIENCE)
    again = database.units.submit(3, lambda unit: unit.inbox.first_sight(BOT, 3, NOW, chat_id=3), opening=update(3))
    assert (again.result(PATIENCE), database.units.parted) == (False, 0)


def test_updates_are_looked_up_by_their_numbers_even_if_the_plan_was_made_while_there_were_none(
    database: Database,
) -> None:
    """Such a plan is kept, and each group would read whatever the bot has handled lately."""
    with database.engine.begin() as connection:
        sql, bound = _SEEN.bound(connection, {"bot": BOT, "updates": [1, 2]})
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        connection.exec_driver_sql(f"PREPARE looked_up AS {sql}")
        explained = connection.exec_driver_sql(f"EXPLAIN EXECUTE looked_up ({bound[0]}, '{bound[1]}')").scalars().all()
        connection.exec_driver_sql("DEALLOCATE looked_up")
    assert [line for line in explained if "Index Cond" in line and "update_id = ANY" in line]


def test_plans_are_forgotten_ever_more_seldom(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """On each connection by itself. Those of empty tables are soon made again, and those of large ones are kept."""
    asked: dict[Line, Counter[str]] = {}
    name = Line._named

    def noting(self: Line, sql: str) -> bytes:
        asked.setdefault(self, Counter())["groups" if sql.endswith("SKIP LOCKED") else sql] += 1
        return name(self, sql)

    monkeypatch.setattr(Line, "_named", noting)
    for number in range(70):
        database.units.submit(1, answer(1, 400 + number), opening=update(1, 400 + number)).result(PATIENCE)

    assert sum(each["groups"] for each in asked.values()) == 70
    for each in asked.values():
        assert each["DISCARD PLANS"] == sum(seldom <= each["groups"] for seldom in (4, 16, 64))


def test_what_is_kept_of_a_chat_comes_first_also_if_a_record_begins_the_group(database: Database) -> None:
    """G3: another replica has kept an update. A unit without a chat does not say whose bot this is."""
    kept = [{"update_id": 4, "message": {"message_id": 4}}]
    database.units.submit(None, lambda unit: unit.kept.keep(BOT, 1, kept, NOW)).result(PATIENCE)
    with gathered(database):
        database.units.submit(None, lambda unit: None, opening=Opening())
        is_before = database.units.submit(1, lambda unit: unit.kept.is_before(BOT, 1, 5), opening=update(1, 5))
    assert is_before.result(PATIENCE)


def test_who_changes_the_plan_is_heard_by_the_rest_of_the_group(world_on_postgres: Any, database: Database) -> None:
    """What seldom changes is asked once in a group, and again when somebody has changed it."""
    plan_id = world_on_postgres.plan_id

    def revised(unit: UnitOfWork) -> str:
        return lists.revision(unit, plan_id)

    with gathered(database):
        before = database.units.submit(1, revised, opening=update(1))
        database.units.submit(2, lambda unit: lists.touch(unit, plan_id), opening=update(2))
        after = database.units.submit(3, revised, opening=update(3))
    assert before.result(PATIENCE) != after.result(PATIENCE)
    assert after.result(PATIENCE) == database.units.submit(None, revised).result(PATIENCE)


def test_the_next_group_asks_again_only_if_somebody_has_changed_the_plan(
    world_on_postgres: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replica, or a hand in psql: the database tells of each. What is undone, or is no plan, is not told."""
    plan_id = world_on_postgres.plan_id
    asked: list[str] = []
    ask = Line.ask

    def heard(self: Line, statement: Any, bound: Any) -> Any:
        asked.append(statement.sql)
        return ask(self, statement, bound)

    def revised(number: int) -> tuple[str, int]:
        """What a group of its own is told, and how many questions that took."""
        asked.clear()
        told = database.units.submit(
            number, lambda unit: lists.revision(unit, plan_id), opening=update(1, number)
        ).result(PATIENCE)
        return told, sum("lists_revision" in sql for sql in asked)

    monkeypatch.setattr(Line, "ask", heard)
    first, again = revised(1), revised(2)
    assert (first[1], again) == (1, (first[0], 0))
    with database.engine.begin() as by_hand:
        by_hand.execute(text("UPDATE plan SET lists_revision = lists_revision || 'x'"))
    changed, kept = revised(3), revised(4)
    assert (changed[0] != first[0], changed[1], kept) == (True, 1, (changed[0], 0))
    with database.engine.connect() as undone:
        undone.execute(text("UPDATE plan SET lists_revision = 'undone'"))
        undone.rollback()
    assert revised(5) == kept
    database.units.submit(2, answer(2), opening=update(2, 6)).result(PATIENCE)
    assert revised(7) == kept


def test_who_joins_a_group_late_sees_what_was_changed_since_it_began(
    world_on_postgres: Any, database: Database
) -> None:
    """An act on the plan goes alone; the next update of its chat may find a group that began before."""
    plan_id = world_on_postgres.plan_id
    told: list[str] = []
    revised = reader(plan_id, told)

    def joined(unit: UnitOfWork) -> None:
        revised(unit)
        with database.engine.begin() as elsewhere:
            elsewhere.execute(text("UPDATE plan SET lists_revision = lists_revision || 'x'"))
        late.append(database.units.submit(2, revised, opening=update(2)))

    late: list[Any] = []
    with gathered(database):
        first = database.units.submit(1, joined, opening=update(1))
    first.result(PATIENCE)
    late[0].result(PATIENCE)
    assert told[1] == told[0] + "x"


def test_every_table_that_seldom_changes_has_its_trigger(database: Database) -> None:
    """A table that nobody watches would be kept for as long as the bot runs."""
    with database.reader() as connection:
        watched = connection.execute(
            text(
                "SELECT event_object_table FROM information_schema.triggers "
                "WHERE trigger_schema = current_schema() AND action_statement LIKE '%plan_has_changed%'"
            )
        ).scalars()
        assert set(watched) == STEADY


def test_while_one_group_waits_another_is_applied(database: Database) -> None:
    """Of two chats; and what comes meanwhile from the first one waits for it (G3)."""
    entered, leave = threading.Event(), threading.Event()

    def slow(unit: UnitOfWork) -> int:
        entered.set()
        leave.wait(PATIENCE)
        return answer(1)(unit)

    waiting = database.units.submit(1, slow, opening=update(1))
    assert entered.wait(PATIENCE)
    behind = database.units.submit(1, answer(1, 9), opening=update(1, 9))
    meanwhile = database.units.submit(2, answer(2), opening=update(2)).result(PATIENCE)
    assert (waiting.done(), behind.done()) == (False, False)
    leave.set()
    assert waiting.result(PATIENCE) < behind.result(PATIENCE)
    assert meanwhile not in (waiting.result(), behind.result())
    assert (turns(database)[1], turns(database)[2]) == (2, 1)


# ------------------------------------------------------------------ what does not fit
def test_a_chat_that_is_new_and_a_unit_that_wants_another_chat_go_alone(database: Database) -> None:
    """Who locks one chat after the other can wait for somebody who does it the other way round."""

    def cross(unit: UnitOfWork) -> int:
        number = answer(3)(unit)
        unit.chats.set(4, turn=7)
        shared.append(unit.is_shared)
        return number

    shared: list[bool] = []

    def meet(unit: UnitOfWork) -> int:
        shared.append(unit.is_shared)
        return answer(50)(unit)

    with gathered(database):
        futures = [
            database.units.submit(1, answer(1), opening=update(1)),
            database.units.submit(3, cross, opening=update(3)),
            database.units.submit(50, meet, opening=update(50)),
        ]
    assert all(future.result(PATIENCE) for future in futures)
    assert (said(database), turns(database)[4], shared) == (Counter((1, 3, 50)), 7, [False, False])


def test_a_chat_that_another_replica_holds_is_waited_for_and_holds_up_nobody(
    database: Database, postgres_url: str
) -> None:
    """G3, G11: its update is applied after the other's, and the rest of the group meanwhile."""
    holding, leave = threading.Event(), threading.Event()
    holders: list[int] = []

    def hold(unit: UnitOfWork) -> int:
        number = answer(3, 30)(unit)
        holders.append(scratch.own_number(unit.connection))
        holding.set()
        leave.wait(PATIENCE)
        return number

    with open_database(postgres_url) as replica:
        theirs = replica.units.submit(3, hold, opening=update(3, 30))
        assert holding.wait(PATIENCE)
        with gathered(database):
            ours = {n: database.units.submit(n, answer(n), opening=update(n)) for n in (1, 2, 3, 4)}
        assert [ours[n].exception(PATIENCE) for n in (1, 2, 4)] == [None] * 3
        wait_until(lambda: scratch.is_waited_for(holders[0]), "ours waits", unless=ours[3].done)
        leave.set()
        assert theirs.result(PATIENCE) < ours[3].result(PATIENCE)  # as they are sent
    assert turns(database)[3] == 2


def test_the_numbers_of_a_chat_grow_whichever_replica_gives_them(database: Database, postgres_url: str) -> None:
    """G3: an outbox is sent in the order of its numbers. What a group has drawn and not used is nobody's."""
    given = []
    with open_database(postgres_url) as replica:
        for number, units in enumerate((database.units, replica.units) * 4, 100):
            given.append(units.submit(5, answer(5, number), opening=update(5, number)).result(PATIENCE))
    assert given == sorted(given)


def test_two_replicas_with_the_same_chats_apply_every_update_once_and_in_order(
    database: Database, postgres_url: str
) -> None:
    """Every update to both of them, in groups and out of them: no deadlock costs an update, none is applied twice."""
    numbers = [(chat_id, chat_id * 1000 + turn) for turn in range(12) for chat_id in CHATS]

    def once(chat_id: int, number: int) -> Callable[[UnitOfWork], bool]:
        def work(unit: UnitOfWork) -> bool:
            if not unit.inbox.first_sight(BOT, number, NOW, chat_id=chat_id):
                return False
            visit = unit.chats.open(chat_id, chat_id)
            assert visit.chat.turn == number % 1000, "out of order"
            unit.chats.set(chat_id, turn=visit.chat.turn + 1)
            unit.outbox.add(OutboxDraft(chat_id, "prompt", "sendMessage", {"number": number}), now=NOW)
            return True

        return work

    with open_database(postgres_url) as replica:
        futures = [
            units.submit(chat_id, once(chat_id, number), opening=update(chat_id, number))
            for chat_id, number in numbers
            for units in (database.units, replica.units)
        ]
        told = [future.result(PATIENCE) for future in futures]
    assert sum(told) == len(numbers)
    assert turns(database) == dict.fromkeys(CHATS, 12)
    with database.reader() as connection:
        sent = connection.execute(text("SELECT chat_id, payload FROM outbox ORDER BY id")).all()
    for chat_id in CHATS:
        mine = [payload for chat, payload in sent if chat == chat_id]
        assert mine == sorted(mine, key=len) == [f'{{"number":{chat_id * 1000 + turn}}}' for turn in range(12)]


# ------------------------------------------------------------------ PostgreSQL goes away
@pytest.mark.parametrize("is_stored", [False, True])
def test_a_group_whose_commit_has_no_known_outcome_is_nobodys_success_and_its_redelivery_is_absorbed(
    database: Database, *, is_stored: bool
) -> None:
    """T7: all of it is unavailable, and whichever way it went, each is applied once."""
    stored = (lambda: bool(said(database))) if is_stored else None
    with broken_commits(after=stored), gathered(database):
        lost = [database.units.submit(n, answer(n), opening=update(n)) for n in (1, 3)]
    assert [type(future.exception(PATIENCE)) for future in lost] == [Unavailable, Unavailable]
    assert (database.units.doubts, said(database)) == (1, Counter((1, 3) if is_stored else ()))
    for n in (1, 3):
        with contextlib.suppress(AssertionError):
            database.units.submit(n, answer(n), opening=update(n)).result(PATIENCE)
    assert (said(database), turns(database)[1], turns(database)[3]) == (Counter((1, 3)), 1, 1)
