"""A role that decides over others takes two admins where there are two."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conversations.plan.model import Post, Role
from storage.people.role_requests import REQUEST_TTL
from storage.unit_of_work import UnitOfWork

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.fixture
def admins(world: Any, apply: Apply) -> tuple[int, int]:
    """The focal point and the alternate of the small plan, made admins: (who asks, who decides)."""

    def work(unit: UnitOfWork) -> None:
        for person_id in world.person_ids[:2]:
            unit.roles.grant(person_id, world.plan_id, Post(Role.ADMIN), now=NOW)

    apply(work)
    return world.person_ids[0], world.person_ids[1]


def ask(world: Any, by: int, person: int | None = None, role: Role = Role.ADMIN) -> Callable[[UnitOfWork], Any]:
    return lambda unit: unit.role_requests.ask(world.plan_id, role, person_id=person, now=NOW, by=by)


def decide(world: Any, id: int, decision: Any, by: int, now: datetime = NOW) -> Callable[[UnitOfWork], Any]:
    return lambda unit: unit.joining.decide(world.plan_id, id, decision, now=now, by=by)


def role_of(person_id: int) -> Callable[[UnitOfWork], Role]:
    return lambda unit: unit.people.by_id(person_id).memberships[0].role


def acts(unit: UnitOfWork) -> list[str]:
    return [entry.act for entry in reversed(unit.audit.latest(limit=100)) if entry.act.startswith("role.")]


def test_a_second_admin_is_needed_for_roles_that_decide_and_where_there_is_one(
    world: Any, apply: Apply, admins: tuple[int, int]
) -> None:
    """Admins and coordinators; with one admin it takes effect at once, but not for who has just made it one."""
    first, second = admins
    later = NOW + REQUEST_TTL

    def needed(now: datetime) -> set[Role]:
        return {
            role
            for role in Role
            if apply(lambda unit, role=role: unit.role_requests.needs_second(world.plan_id, role, first, now))
        }

    assert needed(NOW) == {Role.ADMIN, Role.COORDINATOR}

    apply(lambda unit: unit.leaving.suspend(second, now=NOW, by=first))
    assert needed(later - MINUTE) == {Role.ADMIN, Role.COORDINATOR}, "suspended by whoever wants to be alone"
    assert needed(later) == set()

    apply(lambda unit: unit.roles.restore(second, now=later, by=None))
    assert needed(later) == {Role.ADMIN, Role.COORDINATOR}

    apply(lambda unit: unit.roles.grant(second, world.plan_id, Post(Role.READER), now=later, by=first))
    assert needed(later + REQUEST_TTL - MINUTE) == {Role.ADMIN, Role.COORDINATOR}, "of another role since"
    assert needed(later + REQUEST_TTL) == set()


def test_nothing_takes_effect_before_another_admin_has_granted_it(
    world: Any, apply: Apply, admins: tuple[int, int]
) -> None:
    """Asking changes nobody's role, and who asks cannot grant; the second one's word does it, once."""
    first, second = admins
    third = world.person_ids[2]
    request = apply(ask(world, first, third))
    assert apply(role_of(third)) is Role.COORDINATOR
    assert apply(decide(world, request.id, "granted", first)) is None
    assert apply(role_of(third)) is Role.COORDINATOR

    granted = apply(decide(world, request.id, "granted", second))
    assert (granted.decision, granted.decided_by_id) == ("granted", second)
    assert apply(role_of(third)) is Role.ADMIN
    assert apply(decide(world, request.id, "refused", second)) is None
    assert apply(acts) == ["role.requested", "role.granted"]


def test_the_server_decides_where_no_second_admin_is_to_be_had(
    world: Any, apply: Apply, admins: tuple[int, int]
) -> None:
    """By nobody's hand, once; whoever asked is not nobody."""
    request = apply(ask(world, admins[0], world.person_ids[2]))
    granted = apply(lambda unit: unit.joining.decide(world.plan_id, request.id, "granted", now=NOW, by=None))

    assert (granted.decision, granted.decided_by_id) == ("granted", None)
    assert apply(role_of(world.person_ids[2])) is Role.ADMIN
    assert apply(lambda u: u.joining.decide(world.plan_id, request.id, "refused", now=NOW, by=None)) is None


def test_what_was_refused_withdrawn_or_left_a_week_is_over(world: Any, apply: Apply, admins: tuple[int, int]) -> None:
    """None of the three can be granted afterwards."""
    first, second = admins
    refused, withdrawn, old = (apply(ask(world, first, None)) for _ in range(3))
    assert apply(decide(world, refused.id, "refused", second)).decision == "refused"

    withdraw = {"now": NOW, "by": first}
    assert not apply(lambda unit: unit.role_requests.withdraw(world.plan_id, withdrawn.id, now=NOW, by=second))
    assert apply(lambda unit: unit.role_requests.withdraw(world.plan_id, withdrawn.id, **withdraw))
    assert not apply(lambda unit: unit.role_requests.withdraw(world.plan_id, withdrawn.id, **withdraw))
    assert [r.id for r in apply(lambda unit: unit.role_requests.waiting(world.plan_id, NOW))] == [old.id]

    late = NOW + REQUEST_TTL
    assert apply(lambda unit: unit.role_requests.waiting(world.plan_id, late)) == ()
    for request in (refused, withdrawn):
        assert apply(decide(world, request.id, "granted", second)) is None
    assert apply(decide(world, old.id, "granted", second, late)) is None
    assert apply(decide(world, old.id, "granted", second, late - MINUTE)) is not None


@pytest.mark.parametrize("leaver", ["who asked", "who it is for"])
@pytest.mark.parametrize("how", ["suspended", "other role"])
def test_a_request_does_not_outlive_the_people_it_is_of(
    world: Any, apply: Apply, admins: tuple[int, int], leaver: str, how: str
) -> None:
    """An admin who is shut out leaves nothing that somebody could still grant in good faith (S17)."""
    first, second = admins
    third = world.person_ids[2]
    request = apply(ask(world, first, third))
    who = first if leaver == "who asked" else third
    if how == "suspended":
        apply(lambda unit: unit.leaving.suspend(who, now=NOW, by=second))
    else:
        apply(lambda unit: unit.roles.grant(who, world.plan_id, Post(Role.READER), now=NOW, by=second))

    assert apply(decide(world, request.id, "granted", second)) is None


def test_asking_twice_for_the_same_is_one_request(world: Any, apply: Apply, admins: tuple[int, int]) -> None:
    """Two taps of an impatient finger are not two messages to the other admins."""
    first, _ = admins
    third = world.person_ids[2]
    assert apply(ask(world, first, third)).id == apply(ask(world, first, third)).id
    assert apply(ask(world, first, third, Role.COORDINATOR)).id != apply(ask(world, first, third)).id


def test_another_plans_request_cannot_be_decided(world: Any, apply: Apply, admins: tuple[int, int]) -> None:
    """The number of a request is input, not proof (S3)."""
    first, second = admins
    request = apply(ask(world, first))
    assert apply(lambda u: u.joining.decide(world.plan_id + 1, request.id, "granted", now=NOW, by=second)) is None


# ------------------------------------------------------------------ what hangs on a role
@pytest.mark.parametrize(
    ("role", "is_kept"),
    [(Role.ALTERNATE, True), (Role.OBSERVER, False), (Role.READER, False), (Role.COORDINATOR, False)],
)
def test_drafts_stay_only_with_who_still_reports_for_the_agency(
    world: Any, apply: Apply, role: Role, is_kept: bool
) -> None:
    """A focal point who becomes an observer of the same agency must not send what was begun as a focal point."""
    stored = apply(lambda unit: world.open(unit))
    agency_id = world.agency_ids[0] if role is not Role.READER else None
    apply(lambda unit: unit.roles.grant(world.person_ids[0], world.plan_id, Post(role, agency_id), now=NOW))
    assert apply(lambda unit: unit.sessions.get(stored.id).state) == ("open" if is_kept else "cancelled")
