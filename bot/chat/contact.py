"""Whom to ask for help."""

from conversations.plan.model import Role
from conversations.wording import wording
from storage.people.chats import VisitMembership
from storage.plan.settings import CONTACT
from storage.unit_of_work import UnitOfWork


# ------------------------------------------------------------------ for whoever has no plan yet
def contact(unit: UnitOfWork, language: str, plan_id: int | None = None) -> str:
    """Return the contact for somebody who cannot get in. With several plans, a stranger is told of none."""
    say = wording(language)
    if plan_id is None:
        plan_id = only_plan(unit)
    kept = unit.settings.text(plan_id, CONTACT) if plan_id is not None else ""
    return kept or say("settings.contact.default")


NAMED = 3
"""The people who are named to somebody who wants to speak with a person."""


def whom_to_ask(unit: UnitOfWork, language: str, membership: VisitMembership, person_id: int) -> str:
    """The names of the people to ask: the coordinators, or the admins if a coordinator asks.

    If there are none, those of the other role; and if nobody has either, the plan's contact.
    """
    say = wording(language)
    roles = (Role.COORDINATOR, Role.ADMIN) if membership.role != Role.COORDINATOR else (Role.ADMIN, Role.COORDINATOR)
    named: list[str] = []
    for role in roles:
        found = (one for one in unit.people.with_role(membership.plan_id, role) if one.id != person_id)
        named = named or [f"{one.name} ({say(f'role.{role}')})" for one in found if not one.is_suspended][:NAMED]
    kept = unit.settings.text(membership.plan_id, CONTACT)
    return " · ".join([*named, *([kept] if kept else [])]) or say("settings.contact.default")


def only_plan(unit: UnitOfWork) -> int | None:
    plans = unit.plans.all()
    return plans[0].id if len(plans) == 1 else None
