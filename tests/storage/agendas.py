"""Rows of the repository, made into figures as the floor above makes them."""

from datetime import date, datetime

from conversations.plan.calendar import agenda_rows
from conversations.plan.calendar.agenda import Agenda
from conversations.plan.calendar.agenda_rows import Scope
from conversations.plan.calendar.ledger import LADDER
from storage.unit_of_work import UnitOfWork


def outlook(unit: UnitOfWork, plan_id: int, today: date, what: str = LADDER) -> Agenda:
    return agenda_rows.outlook(unit.agendas.outlook_rows(plan_id, today, what))


def agenda(unit: UnitOfWork, plan_id: int, outlook: Agenda, now: datetime) -> Agenda:
    """Of all agencies."""
    return agenda_rows.agenda(outlook, unit.agendas.agenda_rows(plan_id, outlook, Scope()), Scope(), now)
