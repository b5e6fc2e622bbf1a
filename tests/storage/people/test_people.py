"""Nobody gets in by name, a link works once, and leaving takes everything along."""

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from conversations.plan.model import Post, Role
from storage.database.models import Base
from storage.errors import Conflict
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.people.people import Membership, Person
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE, wait_until
from tests.storage.database import scratch

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONE = "America/Santo_Domingo"
ANA, BETO = 7_000_000_001, 7_000_000_002

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


def issue(world: Any, role: Role = Role.FOCAL_POINT, **values: Any) -> Callable[[UnitOfWork], str]:
    standard: dict[str, Any] = {"plan_id": world.plan_id, "now": NOW, "by": world.person_ids[2]}
    of_agency = {"agency_id": world.agency_ids[1]} if role in (Role.FOCAL_POINT, Role.ALTERNATE) else {}
    post = {key: values.pop(key) for key in ("agency_id", "is_contributor", "until_on") if key in values}
    return lambda unit: unit.invitations.issue(Post(role, **of_agency | post), **standard | values)


def redeem(token: str, telegram_id: int = ANA, now: datetime = NOW) -> Callable[[UnitOfWork], Membership | None]:
    return lambda unit: unit.joining.redeem(token, telegram_id, "Ana", "es", now, timezone=ZONE)


def person(telegram_id: int = ANA) -> Callable[[UnitOfWork], Person | None]:
    return lambda unit: unit.people.by_telegram_id(telegram_id)


def make_admin(world: Any, number: int = 0) -> Callable[[UnitOfWork], Membership]:
    return lambda unit: unit.roles.grant(world.person_ids[number], world.plan_id, Post(Role.ADMIN), now=NOW)


def acts(unit: UnitOfWork) -> list[str]:
    return [entry.act for entry in reversed(unit.audit.latest(limit=100))]


def everything_written(database: Database) -> str:
    with database.reader() as connection:
        return "\n".join(
            repr(row) for table in Base.metadata.tables.values() for row in connection.execute(select(table))
        )


# ------------------------------------------------------------------ links
def test_a_link_lets_one_person_in_for_one_role_and_agency(world: Any, apply: Apply) -> None:
    """Bound to role and agency when it was made; the person brings name and language (S1)."""
    token = apply(issue(world))
    granted = apply(redeem(token))
    assert (granted.role, granted.agency_code, granted.plan_id) == (Role.FOCAL_POINT, "PGR", world.plan_id)

    found = apply(person())
    assert (found.name, found.language, found.timezone, found.membership) == ("Ana", "es", ZONE, granted)
    assert apply(acts) == ["invitation.issued", "membership.granted"]


def test_a_hundred_who_press_the_link_together_are_one_who_gets_in(
    world: Any, apply: Apply, database: Database
) -> None:
    """One conditional UPDATE decides (S1)."""
    token = apply(issue(world))
    futures = [database.units.submit(number, redeem(token, 8_000_000_000 + number)) for number in range(100)]
    answers = [future.result(PATIENCE) for future in futures]

    assert sum(answer is not None for answer in answers) == 1
    assert len(apply(lambda unit: unit.people.of_agency(world.plan_id, world.agency_ids[1]))) == 1


@pytest.mark.parametrize("why", ["unknown", "used", "expired", "withdrawn", "nonsense"])
def test_a_link_that_does_not_work_does_not_say_why(world: Any, apply: Apply, why: str) -> None:
    """Same answer, same trace, nobody added (S1)."""
    token = apply(issue(world))
    now = NOW
    match why:
        case "unknown":
            token = secrets.token_urlsafe(32)
        case "used":
            apply(redeem(token, BETO))
        case "expired":
            now = NOW + timedelta(hours=72)
        case "withdrawn":
            (invitation,) = apply(lambda unit: unit.invitations.open(world.plan_id, NOW))
            revoke = {"plan_id": world.plan_id, "now": NOW, "by": None}
            assert apply(lambda unit: unit.invitations.revoke(invitation.id, **revoke))
            assert not apply(lambda unit: unit.invitations.revoke(invitation.id, **revoke))
        case "nonsense":
            token = "'; DROP TABLE person; --" * 40
    assert apply(redeem(token, now=now)) is None
    assert apply(person()) is None

    stranger = Base.metadata.tables["stranger"]
    rows = apply(lambda unit: unit.connection.execute(select(stranger)).all())
    assert [tuple(row) for row in rows] == [(ANA, None, 1, now)]


def test_a_link_works_until_the_last_moment_of_its_life(world: Any, apply: Apply) -> None:
    """72 hours, and not longer on anybody's word."""
    token = apply(issue(world))
    assert apply(redeem(token, now=NOW + timedelta(hours=72) - MINUTE)) is not None
    for ttl in (timedelta(hours=73), timedelta(0)):
        with pytest.raises(ValueError, match="72 hours"):
            apply(issue(world, ttl=ttl))


def test_five_failures_in_an_hour_lock_a_number_out_for_an_hour(world: Any, apply: Apply) -> None:
    """Also from a link that is good, which stays good; another number is not concerned (S1)."""
    token, other = apply(issue(world)), apply(issue(world))
    for minute in range(5):
        assert apply(redeem("x", now=NOW + minute * MINUTE)) is None

    last = NOW + 4 * MINUTE
    assert apply(redeem(token, now=last + HOUR - MINUTE)) is None
    assert apply(redeem(other, BETO, now=last)) is not None
    assert apply(redeem(token, now=last + HOUR)) is not None


def test_failures_under_a_clock_that_was_years_ahead_lock_nobody_out_for_years(world: Any, apply: Apply) -> None:
    """They are as old as any: a good link lets them in."""
    token = apply(issue(world))
    for _ in range(6):
        apply(redeem("x", now=NOW + timedelta(days=3000)))
    assert apply(redeem(token, now=NOW)) is not None


def test_failures_that_are_an_hour_old_are_forgotten(world: Any, apply: Apply) -> None:
    """Four of them, and one an hour later: a good link still lets them in."""
    token = apply(issue(world))
    for moment in (NOW, NOW, NOW, NOW, NOW + HOUR):
        apply(redeem("x", now=moment))
    assert apply(redeem(token, now=NOW + HOUR)) is not None


def test_the_token_is_in_no_table_and_in_no_file(world: Any, apply: Apply, database: Database, tmp_path: Path) -> None:
    """Only its keyed hash is kept: a stolen database lets nobody in (S1)."""
    tokens = [apply(issue(world)), apply(issue(world))]
    apply(redeem(tokens[0]))
    written = everything_written(database)
    for token in tokens:
        assert len(token) == 43
        assert token not in written
        assert not any(token.encode() in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())


def test_a_focal_point_belongs_to_an_agency(world: Any, apply: Apply) -> None:
    """Neither a link nor a grant makes one of no agency."""
    with pytest.raises(ValueError, match="belongs to an agency"):
        apply(issue(world, Role.ALTERNATE, agency_id=None))
    with pytest.raises(ValueError, match="belongs to an agency"):
        apply(lambda unit: unit.roles.grant(world.person_ids[2], world.plan_id, Post(Role.FOCAL_POINT), now=NOW))


# ------------------------------------------------------------------ admins
def test_the_first_admin_comes_from_the_command_line_by_a_link_of_15_minutes(world: Any, apply: Apply) -> None:
    """However long a life was asked for (S19)."""
    token = apply(issue(world, Role.ADMIN, by=None))
    assert apply(redeem(token, now=NOW + 15 * MINUTE)) is None
    token = apply(issue(world, Role.ADMIN, by=None, now=NOW + HOUR))
    assert apply(redeem(token, now=NOW + HOUR + 14 * MINUTE)).role is Role.ADMIN


def test_only_the_latest_first_admin_link_works_and_none_once_there_is_an_admin(world: Any, apply: Apply) -> None:
    """Two terminals cannot make two first admins (S19)."""
    first, second = apply(issue(world, Role.ADMIN, by=None)), apply(issue(world, Role.ADMIN, by=None))
    assert apply(redeem(first)) is None

    apply(make_admin(world))
    assert apply(redeem(second, BETO)) is None

    with pytest.raises(Conflict):
        apply(issue(world, Role.ADMIN, by=None))
    by_admin = apply(issue(world, Role.ADMIN, by=world.person_ids[0]))
    assert apply(redeem(by_admin, BETO)).role is Role.ADMIN


def test_the_last_admin_cannot_be_removed_in_any_way(world: Any, apply: Apply) -> None:
    """Not suspended, not ended, not made something less, not by pressing a link meant for another (S19)."""
    apply(make_admin(world))
    admin = world.person_ids[0]
    with pytest.raises(Conflict):
        apply(lambda unit: unit.leaving.suspend(admin, now=NOW, by=None))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.leaving.end_membership(admin, world.plan_id, now=NOW, by=None))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.roles.grant(admin, world.plan_id, Post(Role.READER), now=NOW))
    token = apply(issue(world, by=admin))

    assert apply(redeem(token, world.telegram_ids[0])) is None
    assert apply(redeem(token, ANA)) is not None
    assert apply(person(world.telegram_ids[0])).membership.role is Role.ADMIN


def test_a_suspended_admin_does_not_count_as_one(world: Any, apply: Apply) -> None:
    """With two, one may go; then the other is the last."""
    apply(make_admin(world, 0))
    apply(make_admin(world, 1))
    assert apply(lambda unit: unit.leaving.suspend(world.person_ids[0], now=NOW, by=None))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.leaving.suspend(world.person_ids[1], now=NOW, by=None))


def test_two_admins_who_remove_each_other_at_once_leave_one(world: Any, apply: Apply, database: Database) -> None:
    """The check holds the plan until it has committed: whoever is second waits, and then is the last (S19)."""
    apply(make_admin(world, 0))
    apply(make_admin(world, 1))
    has_suspended, other_is_through = threading.Event(), threading.Event()

    def first(unit: UnitOfWork) -> bool:
        done = unit.leaving.suspend(world.person_ids[0], now=NOW, by=None)
        has_suspended.set()
        if not database.is_sqlite:  # there it has not even begun: one unit writes at a time
            me = scratch.own_number(unit.connection)
            # Not committed yet: the other one must not get past us.
            wait_until(lambda: other_is_through.is_set() or scratch.is_waited_for(me), "the other comes")
        return done

    def second(unit: UnitOfWork) -> bool:
        done = unit.leaving.suspend(world.person_ids[1], now=NOW, by=None)
        other_is_through.set()
        return done

    one = database.units.submit("one", first)
    assert has_suspended.wait(PATIENCE)

    other = database.units.submit("other", second)
    assert one.result(PATIENCE)
    assert isinstance(other.exception(PATIENCE), Conflict)
    assert apply(lambda unit: unit.people.has_admin(world.plan_id))


# ------------------------------------------------------------------ leaving
def test_a_suspension_takes_role_drafts_messages_work_and_links_in_one_transaction(world: Any, apply: Apply) -> None:
    """What was there for that person is settled; others keep theirs (S17)."""
    leaving, staying = world.person_ids[0], world.person_ids[1]
    chats = {leaving: world.telegram_ids[0], staying: world.telegram_ids[1]}

    def prepare(unit: UnitOfWork) -> None:
        for number, (who, chat_id) in enumerate(chats.items()):
            unit.chats.lock(chat_id, who)
            world.open(unit, f"uuid:{number}", person_id=who)
            unit.outbox.add(OutboxDraft(chat_id, "reminder", "sendMessage", {"text": "x"}), now=NOW)
            unit.jobs.add("export", {}, NOW, chat_id=chat_id)
            unit.invitations.issue(Post(Role.READER), plan_id=world.plan_id, now=NOW, by=who)

    def look(unit: UnitOfWork) -> dict[str, list[Any]]:
        def values(table: str, column: str) -> list[Any]:
            of = Base.metadata.tables[table]
            return list(unit.connection.execute(select(of.c[column]).order_by(of.c.id)).scalars())

        return {
            "session": values("session", "state"),
            "outbox": values("outbox", "state"),
            "job": values("job", "state"),
            "links": [one.created_by_id for one in unit.invitations.open(world.plan_id, NOW)],
        }

    apply(prepare)

    assert apply(lambda unit: unit.leaving.suspend(leaving, now=NOW, by=world.person_ids[2]))
    assert not apply(lambda unit: unit.leaving.suspend(leaving, now=NOW, by=world.person_ids[2]))
    assert apply(look) == {
        "session": ["cancelled", "open"],
        "outbox": ["undeliverable", "queued"],
        "job": ["cancelled", "queued"],
        "links": [staying],
    }
    assert apply(person(world.telegram_ids[0])).membership is None
    assert apply(acts)[-1] == "person.suspended"


def test_restricted_text_leaves_the_phone_of_whoever_loses_the_role_at_once(world: Any, apply: Apply) -> None:
    """It is due now, not tomorrow, and what takes it out is not dropped with their other messages (S15, S17)."""
    who, chat_id = world.person_ids[0], world.telegram_ids[0]

    def prepare(unit: UnitOfWork) -> None:
        unit.chats.lock(chat_id, who)
        unit.restricted.note_written(chat_id, 7, NOW)
        card = unit.outbox.new_card(chat_id)
        later = NOW + timedelta(seconds=1)
        unit.outbox.add(OutboxDraft(chat_id, "notice", "deleteMessage", {}, card, not_before=later), now=NOW)
        many = {"message_ids": [8, 9], "@cards": []}
        unit.outbox.add(OutboxDraft(chat_id, "notice", "deleteMessages", many, not_before=later), now=NOW)

    apply(prepare)

    assert apply(lambda unit: unit.leaving.suspend(who, now=NOW, by=None))
    assert [one.payload for one in apply(lambda unit: unit.restricted.due(NOW))] == [{"message_id": 7}]
    assert apply(lambda unit: unit.outbox.waiting())["queued"] == 2


def test_whoever_is_restored_has_the_role_of_before(world: Any, apply: Apply) -> None:
    """A found phone needs no new link."""
    who = world.person_ids[0]
    before = apply(person(world.telegram_ids[0]))
    apply(lambda unit: unit.leaving.suspend(who, now=NOW, by=None))

    assert apply(lambda unit: unit.roles.restore(who, now=NOW, by=None))
    assert not apply(lambda unit: unit.roles.restore(who, now=NOW, by=None))
    assert apply(person(world.telegram_ids[0])) == before


def test_no_link_lifts_a_suspension(world: Any, apply: Apply) -> None:
    """Neither one in the lost phone nor one issued since: whoever found the phone may find that one too (S18)."""
    who, telegram_id = world.person_ids[0], world.telegram_ids[0]
    in_the_pocket = apply(issue(world))
    apply(lambda unit: unit.leaving.suspend(who, now=NOW + HOUR, by=None))
    assert apply(redeem(in_the_pocket, telegram_id, NOW + 2 * HOUR)) is None

    since = apply(issue(world, now=NOW + 3 * HOUR))
    assert apply(redeem(since, telegram_id, NOW + 3 * HOUR)) is None
    assert apply(person(telegram_id)).is_suspended
    assert apply(redeem(since, 999, NOW + 3 * HOUR)).agency_code == "PGR"


def test_a_handover_ends_the_old_role_and_its_draft(world: Any, apply: Apply) -> None:
    """ "Ya no soy el punto focal": the past stays, the draft does not block the successor."""
    who = world.person_ids[0]
    apply(lambda unit: world.open(unit))

    assert apply(lambda unit: unit.leaving.end_membership(who, world.plan_id, now=NOW, by=who))
    assert not apply(lambda unit: unit.leaving.end_membership(who, world.plan_id, now=NOW, by=who))
    assert apply(lambda unit: unit.sessions.drafts_of(who)) == []
    assert apply(person(world.telegram_ids[0])).membership is None
    assert [p.id for p in apply(lambda unit: unit.people.list(world.plan_id))] == list(world.person_ids[1:])


def test_a_new_role_replaces_the_old_one_and_the_same_one_changes_nothing(world: Any, apply: Apply) -> None:
    """One role at a time in each plan."""
    who = world.person_ids[2]
    before = apply(person(world.telegram_ids[2])).membership
    again = apply(lambda unit: unit.roles.grant(who, world.plan_id, Post(Role.COORDINATOR), now=NOW + DAY))
    reader = apply(lambda unit: unit.roles.grant(who, world.plan_id, Post(Role.READER), now=NOW + DAY))

    assert again == before
    assert (reader.role, reader.active_from) == (Role.READER, NOW + DAY)
    assert apply(person(world.telegram_ids[2])).memberships == (reader,)
    assert apply(acts) == ["membership.granted"]


# ------------------------------------------------------------------ the small things
def test_colleagues_are_the_others_of_the_agency_who_are_there(world: Any, apply: Apply) -> None:
    """The alternate for the focal point, nobody once suspended."""
    membership = apply(person(world.telegram_ids[0])).membership
    look = lambda unit: [p.id for p in unit.people.colleagues(world.person_ids[0], membership)]  # noqa: E731
    assert apply(look) == [world.person_ids[1]]

    apply(lambda unit: unit.leaving.suspend(world.person_ids[1], now=NOW, by=None))
    assert apply(look) == []

    found = apply(lambda unit: unit.people.with_role(world.plan_id, Role.COORDINATOR))
    assert [p.id for p in found] == [world.person_ids[2]]


def test_a_stranger_is_answered_once_a_day(apply: Apply, database: Database) -> None:
    """And asking does not lengthen the day (S16)."""
    moments = [NOW, NOW + MINUTE, NOW + DAY - MINUTE, NOW + DAY, NOW + DAY + MINUTE]
    answers = [apply(lambda unit, now=now: unit.people.may_answer_stranger(ANA, now)) for now in moments]
    assert answers == [True, False, False, True, False]
    assert apply(lambda unit: unit.people.may_answer_stranger(BETO, NOW))


def test_what_people_decide_and_what_telegram_says_is_kept(world: Any, apply: Apply) -> None:
    """The first acceptance and the first refusal count."""
    who, telegram_id = world.person_ids[0], world.telegram_ids[0]
    people = Base.metadata.tables["person"]

    def decide(unit: UnitOfWork) -> None:
        unit.connection.execute(update(people).values(privacy_accepted_at=None))
        unit.people.set_language(who, "ht")
        unit.people.set_timezone(who, "Europe/Madrid")
        for moment in (NOW, NOW + DAY):
            unit.people.accept_privacy(who, moment)
            unit.people.mark_unreachable(telegram_id, moment)

    apply(decide)
    found = apply(person(telegram_id))
    assert (found.language, found.timezone) == ("ht", "Europe/Madrid")
    assert (found.privacy_accepted_at, found.unreachable_at) == (NOW, NOW)

    apply(lambda unit: unit.people.mark_reachable(telegram_id))
    assert apply(person(telegram_id)).unreachable_at is None


def test_a_name_is_one_line_of_reasonable_length(world: Any, apply: Apply) -> None:
    """Telegram lets people call themselves anything."""
    add = lambda unit: unit.people.add(ANA, "  Ana\n\n María " + "x" * 500, "es", NOW, timezone=ZONE)  # noqa: E731
    first = apply(add)

    assert first.name.startswith("Ana María x")
    assert len(first.name) == 128
    assert apply(add) == first


@pytest.mark.parametrize("name", ["\u00a0\u2003", "\u200b\u200b", "\u202e", "🌸", ""])
def test_nobody_is_let_in_under_a_name_that_cannot_be_read(world: Any, apply: Apply, name: str) -> None:
    """Telegram lets it pass; whoever is known already keeps the name they have."""
    with pytest.raises(ValueError, match="letter"):
        apply(lambda unit: unit.people.add(ANA, name, "es", NOW, timezone=ZONE))
    assert apply(lambda unit: unit.people.by_telegram_id(ANA)) is None

    apply(lambda unit: unit.people.add(ANA, "Ana\u202e\u2003Pérez", "es", NOW, timezone=ZONE))
    assert apply(lambda unit: unit.people.add(ANA, name, "es", NOW, timezone=ZONE)).name == "Ana Pérez"
