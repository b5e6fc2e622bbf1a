"""The row every update locks, and all that an update needs to know, in one look."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from storage.database.models import Membership, Person, table
from storage.database.unit import Opening
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE, wait_until
from tests.storage.database import scratch

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


def test_a_stranger_has_a_chat_and_nothing_else(apply: Any) -> None:
    """The first message makes the chat; nobody is let in by it."""
    visit = apply(lambda unit: unit.chats.open(42, 42))
    assert (visit.chat.id, visit.chat.turn, visit.person, visit.memberships, visit.membership) == (
        42,
        0,
        None,
        (),
        None,
    )
    assert visit.session is None


def test_a_visit_tells_who_writes_and_what_they_may(apply: Any, world: Any) -> None:
    """Person, role, agency."""
    visit = apply(lambda unit: unit.chats.open(world.telegram_ids[0], world.telegram_ids[0]))

    assert visit.person.id == world.person_ids[0]
    assert (visit.person.language, visit.person.timezone) == ("es", "America/Santo_Domingo")
    assert (visit.person.is_suspended, visit.person.is_unreachable, visit.person.has_accepted_privacy) == (
        False,
        False,
        True,
    )
    assert (visit.membership.role, visit.membership.agency_code) == ("focal_point", "MINERD")
    assert visit.membership.plan_id == world.plan_id


def test_a_role_that_ended_is_no_role(apply: Any, world: Any) -> None:
    """Read inside the transaction, not from memory (S2)."""
    members = table(Membership)
    apply(lambda unit: unit.connection.execute(update(members).values(active_to=NOW)).rowcount)
    visit = apply(lambda unit: unit.chats.open(1, world.telegram_ids[0]))

    assert visit.person is not None
    assert visit.memberships == ()


def test_suspended_and_unreachable_are_seen_at_once(apply: Any, world: Any) -> None:
    """The flags are times in the table and yes or no here."""
    apply(
        lambda unit: (
            unit.connection.execute(
                update(table(Person)).where(table(Person).c.id == world.person_ids[0]).values(suspended_at=NOW)
            ).rowcount
        )
    )
    visit = apply(lambda unit: unit.chats.open(1, world.telegram_ids[0]))
    assert (visit.person.is_suspended, visit.person.is_unreachable) == (True, False)


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_visit_brings_the_open_session_of_the_chat(apply: Any, world: Any, sensitive: bool) -> None:
    """As it was saved, sealed or not."""
    chat_id = world.telegram_ids[0]

    def begin(unit: UnitOfWork) -> int:
        session = world.open(unit, sensitive=sensitive, data={"/data/age": "ñ 12"})
        unit.chats.set(chat_id, person_id=world.person_ids[0], session_id=session.id, card_id=9, turn=3)
        return session.id

    id = apply(begin)

    def look(unit: UnitOfWork) -> tuple[Any, Any]:
        visit = unit.chats.open(chat_id, chat_id)
        return visit, visit.session

    visit, session = apply(look)

    assert (visit.chat.session_id, visit.chat.card_id, visit.chat.turn) == (id, 9, 3)
    assert (session.id, session.data, session.version) == (id, {"/data/age": "ñ 12"}, 1)
    assert (session.opened_at, session.expires_at) == (NOW, NOW + timedelta(days=14))


def test_a_session_that_ended_or_is_somebody_elses_is_not_brought(apply: Any, world: Any) -> None:
    """A chat that still points there changes nothing."""
    chat_id = world.telegram_ids[0]

    def visit(unit: UnitOfWork) -> Any:
        return unit.chats.open(chat_id, chat_id).session

    ended = apply(lambda unit: world.open(unit, "uuid:1").id)
    apply(lambda unit: unit.sessions.close(ended, "cancelled"))
    apply(lambda unit: unit.chats.set(chat_id, session_id=ended))
    assert apply(visit) is None

    foreign = apply(lambda unit: world.open(unit, "uuid:2", person_id=world.person_ids[1]).id)
    apply(lambda unit: unit.chats.set(chat_id, session_id=foreign))
    assert apply(visit) is None


def test_a_visit_tells_whether_the_present_card_is_restricted(apply: Any) -> None:
    """Also while a call deletes it: it is still what the phone shows."""
    at = datetime(2018, 10, 1, tzinfo=UTC)

    def seen(unit: UnitOfWork) -> list[bool]:
        found = []
        unit.chats.open(7, 7)
        card = unit.outbox.new_card(7)
        unit.chats.set(7, card_id=card)
        for change in (
            lambda: None,
            lambda: unit.restricted.note_card(7, card, at),
            lambda: unit.restricted.card_leaves(card, 1),
        ):
            change()
            found.append(unit.chats.open(7, 7).is_card_restricted)
        return found

    assert apply(seen) == [False, True, True]


def test_of_two_plans_the_role_is_that_of_the_open_session_else_of_the_present_card(apply: Any, world: Any) -> None:
    """Somebody may be coordinator of one plan and focal point of another."""
    chat_id = world.telegram_ids[0]

    def join_another_plan(unit: UnitOfWork) -> int:
        unit.connection.execute(
            text(
                "INSERT INTO plan (id, code, name, starts_on, ends_on, timezone) VALUES (99, 'B', '{}', :a, :a, 'UTC')"
            ),
            {"a": "2018-01-01"},
        )
        unit.connection.execute(
            table(Membership)
            .insert()
            .values(plan_id=99, person_id=world.person_ids[0], role="coordinator", active_from=NOW)
        )
        return world.open(unit, plan_id=99).id

    session_id = apply(join_another_plan)
    visit = apply(lambda unit: unit.chats.open(chat_id, chat_id))
    assert [m.role for m in visit.memberships] == ["focal_point", "coordinator"]
    assert visit.membership is None  # nobody has said yet in which of them this person stands

    apply(lambda unit: unit.chats.set(chat_id, plan_id=world.plan_id))
    assert apply(lambda unit: unit.chats.open(chat_id, chat_id)).membership.role == "focal_point"

    apply(lambda unit: unit.chats.set(chat_id, session_id=session_id))
    assert apply(lambda unit: unit.chats.open(chat_id, chat_id)).membership.role == "coordinator"


def test_a_visit_to_a_known_chat_is_one_select(sqlite_database: Database, statements: Any) -> None:
    """The path of every update stays short."""
    units = sqlite_database.units
    units.submit(None, lambda unit: unit.chats.open(1, 1)).result(PATIENCE)
    asked = units.submit(None, lambda unit: statements(unit, lambda unit: unit.chats.open(1, 1))).result(PATIENCE)
    assert [statement.split()[0] for statement in asked] == ["SELECT"]


def test_what_is_asked_ahead_is_not_asked_again_but_once(postgres_database: Database, statements: Any) -> None:
    """What an update begins with is read before it begins; whoever opens the chat later in the unit sees it anew."""
    units = postgres_database.units
    units.submit(None, lambda unit: unit.chats.open(1, 1)).result(PATIENCE)

    def work(unit: UnitOfWork) -> list[list[str]]:
        assert unit.inbox.first_sight(1, 7, NOW, chat_id=1)
        other = statements(unit, lambda unit: unit.chats.get(2))
        return [statements(unit, lambda unit: unit.chats.open(1, 1)) for _ in "12"] + [other]

    asked = units.submit(None, work, opening=Opening(1, 1, 7)).result(PATIENCE)

    assert [[statement.split()[0] for statement in each] for each in asked] == [[], ["SELECT"], ["SELECT"]]


def test_only_what_is_given_is_set(apply: Any, world: Any) -> None:
    """None empties, silence keeps."""
    apply(lambda unit: unit.chats.set(5, person_id=world.person_ids[0], turn=4, card_id=8))
    apply(lambda unit: unit.chats.set(5, card_id=None))
    chat = apply(lambda unit: unit.chats.get(5))
    assert (chat.person_id, chat.turn, chat.card_id) == (world.person_ids[0], 4, None)


def test_lock_makes_the_chat_and_gives_it_to_the_person(apply: Any, world: Any) -> None:
    """Get or create, in one call."""
    chat = apply(lambda unit: unit.chats.lock(5, world.person_ids[1]))
    assert chat == apply(lambda unit: unit.chats.get(5))
    assert chat.person_id == world.person_ids[1]
    assert apply(lambda unit: unit.chats.get(6)) is None


HOLDS = {
    "chats.open": lambda unit: unit.chats.open(5, 5),
    "chats.lock": lambda unit: unit.chats.lock(5),
    "sessions.lock": lambda unit: unit.sessions.lock(5),
    "inbox.first_sight": lambda unit: unit.inbox.first_sight(1, 1, NOW, chat_id=5),
}


@pytest.mark.parametrize("name", HOLDS)
def test_two_replicas_never_work_on_one_chat_at_once(postgres_database: Database, postgres_url: str, name: str) -> None:
    """The second waits for the row, then sees everything the first one did, session and all (G3)."""
    hold: Callable[[UnitOfWork], Any] = HOLDS[name]
    units = postgres_database.units
    units.submit(None, lambda unit: unit.chats.lock(5)).result(PATIENCE)
    holding, leave = threading.Event(), threading.Event()
    holders: list[int] = []

    def first(unit: UnitOfWork) -> None:
        hold(unit)
        holders.append(scratch.own_number(unit.connection))
        holding.set()
        leave.wait(PATIENCE)
        unit.chats.set(5, turn=unit.chats.get(5).turn + 1)  # type: ignore[union-attr]

    def second(unit: UnitOfWork) -> int:
        visit = unit.chats.open(5, 5)
        unit.chats.set(5, turn=visit.chat.turn + 1)
        return visit.chat.turn

    with open_database(postgres_url) as replica:
        one = units.submit("a", first)
        assert holding.wait(PATIENCE)
        two = replica.units.submit("b", second)
        wait_until(
            lambda: scratch.is_waited_for(holders[0]), "the other waits", unless=lambda: two.done() and "it did not"
        )
        leave.set()
        one.result(PATIENCE)
        assert two.result(PATIENCE) == 1


@pytest.mark.parametrize("is_asked_ahead", [False, True])
def test_who_waited_for_a_chat_sees_the_session_as_it_is_now(
    postgres_database: Database, postgres_url: str, world_on_postgres: Any, is_asked_ahead: bool
) -> None:
    """PostgreSQL shows a waiting statement the locked row anew, but all others as they were: hence two statements.

    They may travel together: the second begins when the first has ended. No group waits for the chat, its unit does.
    """
    world, units = world_on_postgres, postgres_database.units
    chat_id = world.telegram_ids[0]

    def begin(unit: UnitOfWork) -> None:
        unit.chats.set(chat_id, session_id=world.open(unit, data={"n": 0}).id)

    units.submit(None, begin).result(PATIENCE)
    holding, leave = threading.Event(), threading.Event()
    holders: list[int] = []

    def count(unit: UnitOfWork) -> int:
        session = unit.chats.open(chat_id, chat_id).session
        assert session is not None
        unit.sessions.save(session._replace(data={"n": session.data["n"] + 1}), NOW)
        return session.data["n"] + 1

    def count_slowly(unit: UnitOfWork) -> int:
        result = count(unit)
        holders.append(scratch.own_number(unit.connection))
        holding.set()
        leave.wait(PATIENCE)
        return result

    with open_database(postgres_url) as replica:
        one = units.submit("a", count_slowly, opening=Opening(chat_id, 1, 1) if is_asked_ahead else None)
        assert holding.wait(PATIENCE)
        two = replica.units.submit("b", count, opening=Opening(chat_id, 1, 2) if is_asked_ahead else None)
        wait_until(
            lambda: scratch.is_waited_for(holders[0]), "the other waits", unless=lambda: two.done() and "it did not"
        )
        leave.set()
        assert (one.result(PATIENCE), two.result(PATIENCE)) == (1, 2)
