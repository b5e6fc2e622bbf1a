"""Posts left to somebody for a time, roles that a link would change, and leaving, raced against everything."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from conversations.plan.model import Post, Role
from storage.database.models import Base
from storage.errors import Conflict
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.people.joining import OfferedRole
from storage.people.people import Membership
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.agendas import agenda as agenda_of
from tests.storage.agendas import outlook as outlook_of

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
TODAY = date(2018, 10, 3)
UNTIL = date(2018, 10, 10)
ZONE = "America/Santo_Domingo"
NEWCOMER = 6_000_000_001

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


def held(world: Any, number: int = 0) -> Callable[[UnitOfWork], Membership]:
    return lambda unit: unit.people.in_plan(world.plan_id, world.person_ids[number])[1]


def delegate(world: Any, **values: Any) -> Callable[[UnitOfWork], Any]:
    deputy = values.pop("deputy", world.person_ids[1])
    until_on = values.pop("until_on", UNTIL)
    return lambda unit: unit.roles.delegate(held(world)(unit), deputy, until_on, now=NOW)


def press(token: str, telegram_id: int, now: datetime = NOW) -> Callable[[UnitOfWork], Any]:
    return lambda unit: unit.joining.redeem(token, telegram_id, "Marta", "es", now, timezone=ZONE)


def issue(world: Any, role: Role = Role.FOCAL_POINT, agency: int = 1, **values: Any) -> Callable[[UnitOfWork], str]:
    return lambda unit: unit.invitations.issue(
        Post(role, world.agency_ids[agency]), plan_id=world.plan_id, now=NOW, by=world.person_ids[2], **values
    )


def acts(unit: UnitOfWork) -> list[str]:
    return [entry.act for entry in reversed(unit.audit.latest(limit=50))]


# ------------------------------------------------------------------ delegating
def test_a_post_is_in_a_colleagues_hands_until_its_day(world: Any, apply: Apply) -> None:
    """The reminders too: whoever gave it is silent, whoever has it is meant; on the day it is as before."""
    made = apply(delegate(world))
    assert apply(lambda unit: unit.delegations.given_by(world.plan_id, world.person_ids[0])) == made

    outlook = apply(lambda unit: outlook_of(unit, world.plan_id, TODAY))
    assert [(pause.kind, pause.person_id) for pause in outlook.pauses] == [("delegated", world.person_ids[0])]
    assert outlook.deputies == {world.person_ids[1]}

    agenda = apply(lambda unit: agenda_of(unit, world.plan_id, outlook, NOW))
    assert agenda.with_focal_point == {"MINERD"}

    after = apply(lambda unit: outlook_of(unit, world.plan_id, UNTIL))
    assert (after.pauses, after.deputies) == ((), frozenset())
    assert apply(lambda unit: unit.delegations.over(world.plan_id, UNTIL - timedelta(days=1))) == ()
    assert apply(lambda unit: unit.delegations.over(world.plan_id, UNTIL)) == (made,)
    assert apply(lambda unit: unit.leaving.end_delegation(made, now=NOW, by=None))
    assert not apply(lambda unit: unit.leaving.end_delegation(made, now=NOW, by=None))
    assert apply(acts) == ["delegation.begun", "delegation.ended"]
    assert apply(held(world, 1)).role is Role.ALTERNATE


def test_only_a_focal_point_delegates_and_only_to_a_colleague(world: Any, apply: Apply) -> None:
    """Not to oneself, not to another agency, not by the alternate; one at a time, the latest holds."""
    for deputy in (world.person_ids[0], world.person_ids[2], 999):
        with pytest.raises(Conflict):
            apply(delegate(world, deputy=deputy))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.roles.delegate(held(world, 1)(unit), world.person_ids[0], UNTIL, now=NOW))
    apply(delegate(world))
    later = apply(delegate(world, until_on=date(2018, 10, 20)))

    assert apply(lambda unit: unit.delegations.of_plan(world.plan_id)) == (later,)


def test_whoever_is_invited_for_some_days_is_alternate_until_then(world: Any, apply: Apply) -> None:
    """The role says until when; given back, it is gone and what they had begun is the focal point's."""
    giver = world.person_ids[0]
    token, made = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), UNTIL, now=NOW))
    assert made.deputy_id is None
    assert apply(lambda unit: outlook_of(unit, world.plan_id, TODAY)).pauses == ()  # nobody has come yet

    granted = apply(press(token, NEWCOMER))
    assert (granted.role, granted.agency_id, granted.until_on) == (Role.ALTERNATE, world.agency_ids[0], UNTIL)

    made = apply(lambda unit: unit.delegations.given_by(world.plan_id, giver))
    assert made.deputy_id == granted.person_id

    draft = apply(lambda unit: world.open(unit, person_id=granted.person_id, subject="activity:A",
                                          reporting_period_id=world.period_ids[0]))  # fmt: skip
    assert apply(lambda unit: unit.leaving.end_delegation(made, now=NOW, by=giver))
    assert apply(lambda unit: unit.people.by_id(granted.person_id)).memberships == ()

    found = apply(lambda unit: unit.sessions.get(draft.id))
    assert (found.person_id, found.state) == (giver, "open")


def test_a_link_that_nobody_used_dies_with_the_delegation(world: Any, apply: Apply) -> None:
    """Taken back before anybody came."""
    token, made = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), UNTIL, now=NOW))
    apply(lambda unit: unit.leaving.end_delegation(made, now=NOW, by=world.person_ids[0]))
    assert apply(press(token, NEWCOMER)) is None


def test_a_link_for_some_days_takes_nobodys_role_and_lives_no_longer_than_its_days(world: Any, apply: Apply) -> None:
    """A focal point of another agency would lose the post for a week's help."""
    pgr = apply(press(apply(issue(world)), NEWCOMER))
    assert pgr.agency_code == "PGR"

    token, _ = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), UNTIL, now=NOW))
    assert apply(press(token, NEWCOMER)) is None

    short, _ = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), TODAY + timedelta(days=1), now=NOW))
    assert apply(press(short, NEWCOMER + 1, NOW + timedelta(days=1))) is None


def test_a_delegation_lasts_no_longer_than_the_role_of_whoever_gave_it(world: Any, apply: Apply) -> None:
    """A stolen phone has given nobody a role that outlives its suspension."""
    token, _ = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), UNTIL, now=NOW))
    granted = apply(press(token, NEWCOMER))
    apply(lambda unit: unit.leaving.suspend(world.person_ids[0], now=NOW, by=None))

    assert apply(lambda unit: unit.people.by_id(granted.person_id)).memberships == ()
    assert apply(lambda unit: unit.delegations.of_plan(world.plan_id)) == ()


def test_a_role_for_a_time_becomes_one_for_good_by_another_link(world: Any, apply: Apply) -> None:
    """And one for good is not cut short by a link for a time."""
    token, made = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), UNTIL, now=NOW))
    apply(press(token, NEWCOMER))
    stays = apply(press(apply(issue(world, Role.ALTERNATE, 0)), NEWCOMER))
    assert stays.until_on is None

    apply(lambda unit: unit.leaving.end_delegation(made, now=NOW, by=None))
    assert apply(lambda unit: unit.people.by_id(stays.person_id)).membership is not None

    again, _ = apply(lambda unit: unit.roles.delegate_by_link(held(world)(unit), UNTIL, now=NOW))
    assert apply(press(again, NEWCOMER)).until_on is None


# ------------------------------------------------------------------ a link that takes another role
def test_a_link_that_would_take_a_role_asks_first(world: Any, apply: Apply) -> None:
    """Used up at once, so nobody else has it; nothing changes until it is accepted; pressed again it asks again."""
    who, telegram_id = world.person_ids[1], world.telegram_ids[1]
    token = apply(issue(world))
    offered = apply(press(token, telegram_id))
    assert isinstance(offered, OfferedRole)
    assert apply(press(token, NEWCOMER)) is None
    assert apply(press(token, telegram_id)) == offered
    assert apply(held(world, 1)).role is Role.ALTERNATE

    person = apply(lambda unit: unit.people.by_id(who))
    other = apply(lambda unit: unit.people.by_id(world.person_ids[2]))

    def accept(somebody: Any) -> Callable[[UnitOfWork], Any]:
        return lambda unit: unit.joining.accept(offered.invitation_id, somebody, NOW, timezone=ZONE)

    assert apply(accept(other)) is None

    granted = apply(accept(person))
    assert (granted.role, granted.agency_code) == (Role.FOCAL_POINT, "PGR")
    assert apply(accept(person)) is None


def test_what_was_offered_is_declined_withdrawn_and_expires(world: Any, apply: Apply) -> None:
    """Each time the present role stays."""
    person = apply(lambda unit: unit.people.by_id(world.person_ids[1]))

    def offer() -> int:
        number: int = apply(press(apply(issue(world)), world.telegram_ids[1])).invitation_id
        return number

    def accept(number: int, now: datetime = NOW) -> Any:
        return apply(lambda unit: unit.joining.accept(number, person, now, timezone=ZONE))

    declined, withdrawn, expired = offer(), offer(), offer()

    assert apply(lambda unit: unit.invitations.decline(declined, person.id, NOW))
    assert not apply(lambda unit: unit.invitations.decline(declined, person.id, NOW))
    assert apply(lambda unit: unit.invitations.revoke(withdrawn, plan_id=world.plan_id, now=NOW, by=None))
    assert accept(declined) is accept(withdrawn) is accept(expired, NOW + timedelta(hours=73)) is None
    assert apply(held(world, 1)).role is Role.ALTERNATE
    assert "invitation.declined" in apply(acts)


def test_whoever_is_shut_out_has_no_offer_left(world: Any, apply: Apply) -> None:
    """Nor after coming back."""
    who = world.person_ids[1]
    offered = apply(press(apply(issue(world)), world.telegram_ids[1]))
    apply(lambda unit: unit.leaving.suspend(who, now=NOW, by=None))
    apply(lambda unit: unit.roles.restore(who, now=NOW, by=None))
    person = apply(lambda unit: unit.people.by_id(who))

    assert apply(lambda unit: unit.joining.accept(offered.invitation_id, person, NOW, timezone=ZONE)) is None


# ------------------------------------------------------------------ handing over
def test_what_somebody_had_begun_goes_to_the_colleague_or_waits_for_the_successor(world: Any, apply: Apply) -> None:
    """With an alternate it is the alternate's; without one it can be taken over by whoever comes."""
    focal, alternate = world.person_ids[:2]
    draft = apply(lambda unit: world.open(unit, subject="activity:A", reporting_period_id=world.period_ids[0]))
    apply(lambda unit: unit.leaving.end_membership(focal, world.plan_id, now=NOW, by=None))
    assert apply(lambda unit: unit.sessions.get(draft.id)).person_id == alternate

    apply(lambda unit: unit.leaving.end_membership(alternate, world.plan_id, now=NOW, by=None))
    left = apply(lambda unit: unit.sessions.left_in(world.agency_ids[0]))
    assert [(one.id, one.person_id) for one in left] == [(draft.id, alternate)]

    with pytest.raises(Conflict):
        apply(lambda unit: unit.sessions.save(draft, NOW))


# ------------------------------------------------------------------ agencies that leave
def test_nobody_is_let_in_for_an_agency_that_takes_no_part(world: Any, apply: Apply) -> None:
    """No new link, no use of an older one, no grant; before its last day all of that is as ever."""
    agencies = Base.metadata.tables["agency"]
    token = apply(issue(world))

    def end(on: date) -> Callable[[UnitOfWork], object]:
        which = update(agencies).where(agencies.c.id == world.agency_ids[1])
        return lambda unit: unit.connection.execute(which.values(active_to=on))

    apply(end(TODAY))
    with pytest.raises(Conflict):
        apply(issue(world))
    assert apply(press(token, NEWCOMER)) is None

    with pytest.raises(Conflict):
        apply(
            lambda unit: unit.roles.grant(
                world.person_ids[1], world.plan_id, Post(Role.ALTERNATE, world.agency_ids[1]), now=NOW
            )
        )
    apply(end(TODAY + timedelta(days=1)))
    assert {who.until for who in apply(lambda unit: unit.recipients.all(world.plan_id))} == {date.max}

    pgr = apply(press(apply(issue(world)), NEWCOMER))
    assert pgr.agency_code == "PGR"

    (who,) = apply(lambda unit: unit.recipients.all(world.plan_id, {pgr.person_id}))
    assert who.until == TODAY + timedelta(days=1)


# ------------------------------------------------------------------ leaving, raced
def _draft(world: Any, unit: UnitOfWork, who: int, chat_id: int, n: int) -> None:
    opened = world.open(unit, f"uuid:{n}", person_id=who)
    unit.chats.set(chat_id, session_id=opened.id)


def _answer(world: Any, unit: UnitOfWork, who: int, chat_id: int, n: int) -> None:
    for draft in unit.sessions.drafts_of(who):
        unit.sessions.save(draft, NOW)


STEPS: dict[str, Callable[[Any, UnitOfWork, int, int, int], object]] = {
    "begins": _draft,
    "answers": _answer,
    "is written to": lambda world, unit, who, chat_id, n: unit.outbox.add(
        OutboxDraft(chat_id, "reminder", "sendMessage", {"text": "x"}), now=NOW
    ),
    "asks for an export": lambda world, unit, who, chat_id, n: unit.jobs.add("export", {}, NOW, chat_id=chat_id),
    "pauses": lambda world, unit, who, chat_id, n: unit.pauses.begin(
        world.plan_id, "own", NOW, None, person_id=who, by=who
    ),
    "delegates": lambda world, unit, who, chat_id, n: delegate(world)(unit),
    "invites a deputy": lambda world, unit, who, chat_id, n: unit.roles.delegate_by_link(
        held(world)(unit), UNTIL, now=NOW
    ),
    "uses a link": lambda world, unit, who, chat_id, n: unit.joining.redeem(
        issue(world)(unit), world.telegram_ids[0], "x", "es", NOW, timezone=ZONE
    ),
    "is asked something": lambda world, unit, who, chat_id, n: unit.chats.set(chat_id, awaits="periodo:"),
}
"""What somebody does in the moment in which they are shut out; each as dispatch does it, with the chat held."""


def _leavings(world: Any, unit: UnitOfWork, who: int) -> dict[str, list[Any]]:
    tables = Base.metadata.tables

    def open_ones(name: str, column: str, *which: Any) -> list[Any]:
        of = tables[name]
        return list(unit.connection.execute(select(of.c[column]).where(*which)).scalars())

    s, o, j, p, d, i, c = (
        tables[name] for name in ("session", "outbox", "job", "pause", "delegation", "invitation", "chat")
    )
    chat_id = world.telegram_ids[0]
    return {
        "session": open_ones("session", "id", s.c.person_id == who, s.c.state == "open"),
        "outbox": open_ones("outbox", "id", o.c.chat_id == chat_id, o.c.state == "queued"),
        "job": open_ones("job", "id", j.c.chat_id == chat_id, j.c.state == "queued"),
        "pause": open_ones("pause", "id", p.c.person_id == who, p.c.ended_at.is_(None)),
        "delegation": open_ones("delegation", "id", d.c.person_id == who, d.c.ended_at.is_(None)),
        "issued": open_ones(
            "invitation", "id", i.c.created_by_id == who, i.c.accepted_at.is_(None), i.c.revoked_at.is_(None)
        ),
        "offered": open_ones(
            "invitation", "id", i.c.redeemed_by_id == who, i.c.accepted_at.is_(None), i.c.revoked_at.is_(None)
        ),
        "chat": open_ones("chat", "id", c.c.id == chat_id, (c.c.session_id.is_not(None)) | (c.c.awaits != "")),
    }


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.replace(" ", "_"))
@pytest.mark.parametrize("way", ["suspended", "relieved"])
def test_leaving_is_one_transaction_whatever_happens_beside_it(
    world: Any, apply: Apply, database: Database, step: str, way: str
) -> None:
    """S17: whichever comes first, the act finds no role, or leaving finds the act; nothing is left of it."""
    who, telegram_id = world.person_ids[0], world.telegram_ids[0]
    apply(lambda unit: unit.chats.lock(telegram_id, who))
    for n in range(4):
        together = threading.Barrier(2)

        def act(unit: UnitOfWork, n: int = n, together: threading.Barrier = together) -> None:
            visit = unit.chats.open(telegram_id, telegram_id)
            if visit.person is not None and visit.membership is not None and not visit.person.is_suspended:
                STEPS[step](world, unit, who, telegram_id, n)

        def leave(unit: UnitOfWork) -> None:
            if way == "suspended":
                unit.leaving.suspend(who, now=NOW, by=None)
            else:
                unit.leaving.end_membership(who, world.plan_id, now=NOW, by=None)

        def at_once(work: Callable[[UnitOfWork], None], key: str, together: threading.Barrier = together) -> None:
            together.wait(PATIENCE)
            outcome = database.units.submit(key, work).exception(PATIENCE)
            assert outcome is None or isinstance(outcome, Conflict)

        threads = [
            threading.Thread(target=at_once, args=(act, "own")),
            threading.Thread(target=at_once, args=(leave, "b")),
        ]
        for thread in threads[:: 1 if n % 2 else -1]:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        found = apply(lambda unit: _leavings(world, unit, who))
        assert found == {name: [] for name in found}
        apply(lambda unit: _come_back(world, unit, who))


def _come_back(world: Any, unit: UnitOfWork, who: int) -> None:
    unit.roles.restore(who, now=NOW, by=None)
    unit.roles.grant(who, world.plan_id, Post(Role.FOCAL_POINT, world.agency_ids[0]), now=NOW)
