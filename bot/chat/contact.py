"""Whom to ask for help."""

from conversations.wording import wording
from storage.plan.settings import CONTACT
from storage.unit_of_work import UnitOfWork


# ------------------------------------------------------------------ for whoever has no plan yet
def contact(unit: UnitOfWork, language: str, plan_id: int | None = None) -> str:
    """Whom somebody asks who cannot get in; of several plans, none is named to a stranger."""
    say = wording(language)
    if plan_id is None:
        plan_id = only_plan(unit)
    kept = unit.settings.text(plan_id, CONTACT) if plan_id is not None else ""
    return kept or say("settings.contact.default")


def only_plan(unit: UnitOfWork) -> int | None:
    plans = unit.plans.all()
    return plans[0].id if len(plans) == 1 else None
