"""The letter to an agency that has let periods pass without closing them."""

from collections.abc import Sequence

from bot.chat.actor import Actor
from conversations.plan.periods import ReportingPeriod


def put_off(actor: Actor, agency_code: str, passed: Sequence[ReportingPeriod]) -> None:
    """Offer no letter now. It is offered again when the agency lets one more period pass."""
    actor.unit.agendas.put_letter_off(actor.plan_id, agency_code, passed, actor.now)
