"""What observers say: kept, answered once, and of its own plan alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from conversations.plan.model import Post, Role
from storage.database.models import Comment, Membership, table
from storage.errors import NotFound
from storage.unit_of_work import UnitOfWork
from storage.upkeep.retention import RETENTION

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


def test_a_comment_waits_until_somebody_settles_it_once(apply: Apply, world: Any) -> None:
    """The second of two coordinators changes nothing; whoever wrote it finds the answer."""
    observer, coordinator = world.person_ids[0], world.person_ids[2]

    def write(unit: UnitOfWork) -> tuple[int, int]:
        first = unit.comments.add(world.plan_id, observer, "activity:PRE-101", "Falta la firma", NOW)
        return first, unit.comments.add(world.plan_id, observer, None, "Buen avance", NOW + timedelta(hours=1))

    first, second = apply(write)
    [one, other] = apply(lambda unit: unit.comments.open(world.plan_id))
    assert (one.id, one.code, one.agency_code, one.text, one.chat_id) == (
        first,
        "PRE-101",
        "MINERD",
        "Falta la firma",
        world.telegram_ids[0],
    )
    assert (other.id, other.subject, other.code) == (second, None, "")
    assert apply(lambda unit: unit.comments.count_open_of(world.plan_id, observer)) == 2

    settle = lambda unit: unit.comments.settle(world.plan_id, first, by=coordinator, now=NOW, reply="Firmado ayer")  # noqa: E731
    assert apply(settle)
    assert not apply(lambda unit: unit.comments.settle(world.plan_id, first, by=coordinator, now=NOW, reply="No"))
    assert [each.id for each in apply(lambda unit: unit.comments.open(world.plan_id))] == [second]

    own = apply(lambda unit: unit.comments.of_person(world.plan_id, observer))
    assert [(each.id, each.reply) for each in own] == [(second, None), (first, "Firmado ayer")]


def test_what_is_said_is_in_the_database_for_nobody_to_read(apply: Apply, world: Any) -> None:
    """Words and answer are sealed (S12); once their time is over the row says that there was one, and no more."""
    comment = table(Comment)
    number = apply(lambda unit: unit.comments.add(world.plan_id, world.person_ids[0], None, "Falta la firma", NOW))
    apply(lambda unit: unit.comments.settle(world.plan_id, number, by=world.person_ids[2], now=NOW, reply="Firmado"))
    kept = apply(lambda unit: [bytes(cell) for cell in unit.connection.execute(
        select(comment.c.sealed_text, comment.c.sealed_reply)).one()])  # fmt: skip
    assert not any(word in cell for cell in kept for word in (b"firma", b"Firma"))

    rule = next(rule for rule in RETENTION if rule.name == "sensitive")
    apply(lambda unit: rule.at(unit, NOW + rule.kept - timedelta(days=1)))
    assert apply(lambda unit: unit.comments.get(world.plan_id, number)).text == "Falta la firma"

    apply(lambda unit: rule.at(unit, NOW + rule.kept + timedelta(days=1)))
    forgotten = apply(lambda unit: unit.comments.get(world.plan_id, number))
    assert (forgotten.text, forgotten.reply, forgotten.settled_at) == ("", None, NOW)


def test_a_comment_outlives_its_writers_role_and_is_of_one_plan(apply: Apply, world: Any) -> None:
    """Whoever left is still named; another plan's number is nobody's."""
    number = apply(lambda unit: unit.comments.add(world.plan_id, world.person_ids[0], None, "Algo", NOW))
    ended = update(table(Membership)).where(table(Membership).c.person_id == world.person_ids[0]).values(active_to=NOW)
    apply(lambda unit: unit.connection.execute(ended) and None)
    found = apply(lambda unit: unit.comments.get(world.plan_id, number))
    assert (found.name, found.agency_code) == ("Person 0", "")

    with pytest.raises(NotFound):
        apply(lambda unit: unit.comments.get(world.plan_id + 1, number))
    assert not apply(lambda unit: unit.comments.settle(world.plan_id + 1, number, by=1, now=NOW))


# ------------------------------------------------------------------ the right to report
def granted(apply: Apply, world: Any, **more: Any) -> None:
    apply(
        lambda unit: (
            unit.roles.grant(
                world.person_ids[0], world.plan_id, Post(Role.OBSERVER, world.agency_ids[0], **more), now=NOW
            )
            and None
        )
    )


def acts(apply: Apply, world: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.act, entry.details) for entry in apply(lambda unit: unit.audit.latest(world.plan_id))]


def test_an_observer_is_given_the_right_to_report_and_loses_it_with_what_was_begun(apply: Apply, world: Any) -> None:
    """Each change once, with its audit entry; the open draft goes with the right."""
    granted(apply, world)
    person_id, plan_id = world.person_ids[0], world.plan_id
    change = lambda to: apply(lambda unit: unit.roles.set_contributor(person_id, plan_id, to, now=NOW, by=None))  # noqa: E731
    assert change(True)
    assert not change(True)

    visit = apply(lambda unit: unit.chats.open(world.telegram_ids[0], world.telegram_ids[0]))
    assert visit.membership.is_contributor is True
    assert apply(lambda unit: unit.people.by_id(person_id)).membership.is_contributor

    draft = apply(lambda unit: world.open(unit))
    assert change(False)
    assert apply(lambda unit: unit.sessions.get(draft.id)).state == "cancelled"
    assert not apply(lambda unit: unit.people.by_id(person_id)).membership.is_contributor

    told = [details["contributor"] for act, details in acts(apply, world) if act == "membership.contributor"]
    assert told == [False, True]


def test_only_an_observer_of_an_agency_contributes(apply: Apply, world: Any) -> None:
    """Refused for every other role, and for an observer of none, wherever the right may come from."""
    with pytest.raises(ValueError, match="only an observer"):
        apply(lambda unit: unit.roles.set_contributor(world.person_ids[2], world.plan_id, True, now=NOW, by=None))
    for role, agency_id in ((Role.READER, world.agency_ids[0]), (Role.OBSERVER, None)):
        with pytest.raises(ValueError, match="only an observer"):
            apply(
                lambda unit, role=role, agency_id=agency_id: unit.invitations.issue(
                    Post(role, agency_id, is_contributor=True), plan_id=world.plan_id, now=NOW
                )
            )
    with pytest.raises(NotFound):
        apply(lambda unit: unit.roles.set_contributor(world.person_ids[0], world.plan_id + 1, True, now=NOW, by=None))


def test_a_link_carries_the_right_to_whoever_redeems_it(apply: Apply, world: Any) -> None:
    """A new observer; and one who is an observer already gains the right by it."""

    def invite(unit: UnitOfWork) -> str:
        return unit.invitations.issue(
            Post(Role.OBSERVER, world.agency_ids[1], is_contributor=True), plan_id=world.plan_id, now=NOW
        )

    for telegram_id in (77, 78):
        if telegram_id == 78:
            add = lambda unit: unit.people.add(78, "Grace", "en", NOW, timezone="America/Santo_Domingo").id  # noqa: E731
            known = apply(add)
            agency_id = world.agency_ids[1]
            apply(
                lambda unit, known=known, agency_id=agency_id: (
                    unit.roles.grant(known, world.plan_id, Post(Role.OBSERVER, agency_id), now=NOW) and None
                )
            )
        token = apply(invite)
        redeem = lambda unit, token=token, telegram_id=telegram_id: unit.joining.redeem(  # noqa: E731
            token, telegram_id, "Grace", "en", NOW, timezone="America/Santo_Domingo"
        )
        membership = apply(redeem)
        assert (membership.role, membership.is_contributor) == (Role.OBSERVER, True)


def test_whoever_stops_reporting_leaves_no_draft_behind(apply: Apply, world: Any) -> None:
    """A focal point who becomes an observer of the same agency cannot go on with what was begun (S17)."""
    draft = apply(lambda unit: world.open(unit))
    granted(apply, world)
    assert apply(lambda unit: unit.sessions.get(draft.id)).state == "cancelled"
