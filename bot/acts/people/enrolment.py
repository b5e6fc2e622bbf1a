"""Enrol somebody at the server, for scripts and tests."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import Complaint, Misuse
from bot.open_storage import plan_named
from conversations.plan.model import Post, Role
from storage.errors import Conflict, NotFound
from storage.people.people import Person
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody whom the operator names. A blank or absent `agency_code` means no agency."""

    telegram_id: int
    name: str = field(repr=False)
    role: Role
    agency_code: str | None
    language: str
    is_contributor: bool = False


def enrol(unit: UnitOfWork, who: Newcomer, now: datetime, timezone: str, *, plan_code: str = "") -> Person:
    """Add a person with their role, as one who has accepted the privacy notice."""
    plan = plan_named(unit, plan_code)
    person = unit.people.add(who.telegram_id, who.name, who.language, now, timezone=timezone)
    try:
        agency_id = agency_id_of(unit, plan.id, who.agency_code)
        unit.roles.grant(person.id, plan.id, Post(who.role, agency_id, is_contributor=who.is_contributor), now=now)
    except (Conflict, ValueError) as error:
        raise Complaint(f"Nobody was enrolled: {error}.") from None
    unit.people.accept_privacy(person.id, now)
    return person


def role_named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Misuse(f"Role {name!r} is not one of {', '.join(Role)}.") from None


def agency_id_of(unit: UnitOfWork, plan_id: int, code: str | None) -> int | None:
    if not code:
        return None
    try:
        return unit.plans.agency(plan_id, code).id
    except NotFound:
        known = ", ".join(agency.code for agency in unit.plans.agencies(plan_id))
        raise Complaint(f"Agency {code!r} is not in the plan; it has {known}.") from None
