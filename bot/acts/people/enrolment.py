"""Enrol somebody at the server, for scripts and tests."""

from datetime import datetime

from bot.errors import Complaint, Misuse
from bot.open_storage import plan_named
from conversations.plan.model import Role
from storage.errors import Conflict, NotFound
from storage.people.people import Person
from storage.unit_of_work import UnitOfWork


def enrol(
    unit: UnitOfWork,
    telegram_id: int,
    name: str,
    role: Role,
    agency_code: str,
    language: str,
    now: datetime,
    timezone: str,
    *,
    is_contributor: bool = False,
    plan_code: str = "",
) -> Person:
    """The person with this role; made inside the unit."""
    plan = plan_named(unit, plan_code)
    person = unit.people.add(telegram_id, name, language, now, timezone=timezone)
    try:
        agency_id = agency_id_of(unit, plan.id, agency_code)
        unit.roles.grant(person.id, plan.id, role, agency_id=agency_id, now=now, is_contributor=is_contributor)
    except (Conflict, ValueError) as error:
        raise Complaint(f"Nobody was enrolled: {error}.") from None
    unit.people.accept_privacy(person.id, now)
    return person


def role_named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Misuse(f"Role {name!r} is not one of {', '.join(Role)}.") from None


def agency_id_of(unit: UnitOfWork, plan_id: int, code: str) -> int | None:
    if not code:
        return None
    try:
        return unit.plans.agency(plan_id, code).id
    except NotFound:
        known = ", ".join(agency.code for agency in unit.plans.agencies(plan_id))
        raise Complaint(f"Agency {code!r} is not in the plan; it has {known}.") from None
