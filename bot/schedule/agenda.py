"""The agenda of a plan: repositories return its rows, and `agenda_rows` makes figures of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from bot.schedule.job import Moment
from conversations.plan.calendar import agenda_rows
from conversations.plan.calendar.agenda import UNANSWERED, Agenda, Recipient
from conversations.plan.calendar.agenda_rows import Scope
from conversations.plan.calendar.ladder import Left
from conversations.plan.calendar.ledger import LADDER
from conversations.plan.model import AGENCY_ROLES
from conversations.plan.periods import ReportingPeriod
from storage.unit_of_work import UnitOfWork

OBSTACLES = "obstacle"
"""The plan's code list of what holds an activity back."""


def outlook_of(unit: UnitOfWork, moment: Moment, what: str = LADDER, people: Collection[int] | None = None) -> Agenda:
    """The steps, the pauses and the ledger of one job; of these people, if any are named. Seven statements."""
    return agenda_rows.outlook(unit.agendas.outlook_rows(moment.plan_id, moment.today, what, people))


def agenda_of(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, people: Sequence[Recipient], *, is_decided: bool = False
) -> Agenda:
    """Return the figures that these people are told: of their agencies, or of all agencies for a coordinator."""
    is_for_all = any(not who.reports for who in people)
    scope = Scope(
        agencies=None if is_for_all else {who.agency_code for who in people if who.role in AGENCY_ROLES},
        contributing={who.agency_code for who in people if who.is_contributor},
        is_decided=is_decided,
    )
    return agenda_within(unit, moment, outlook, scope)


def agenda_within(unit: UnitOfWork, moment: Moment, outlook: Agenda, scope: Scope) -> Agenda:
    """Return the outlook with everything that is left to report and to close.

    It takes six statements, or ten if coordinators are told. One more is needed if somebody is asked what holds them
    back, or has answered that.
    """
    rows = unit.agendas.agenda_rows(moment.plan_id, outlook, scope)
    found = agenda_rows.agenda(outlook, rows, scope, moment.now)
    needs_reasons = any(len(days) >= UNANSWERED for days in found.unanswered.values()) or found.answers
    return replace(found, reasons=reasons_of(unit, moment.plan_id)) if needs_reasons else found


def reasons_of(unit: UnitOfWork, plan_id: int) -> dict[str, Mapping[str, str]]:
    """The reasons that can hold somebody back, as the plan's forms list them: code → language → words."""
    return {one.code: one.label for one in unit.plans.code_list(plan_id, OBSTACLES)}


# ------------------------------------------------------------------ periods that passed unclosed
def passed_by(unit: UnitOfWork, plan_id: int, agency_code: str, today: date) -> tuple[ReportingPeriod, ...]:
    """The longest row of periods that an agency has let lock without closing them, up to the last period."""
    rows = unit.agendas.passed_rows(plan_id, today, agency_code)
    return agenda_rows.passed(rows, today).get(agency_code, ())


def with_letters(unit: UnitOfWork, plan_id: int, today: date) -> dict[str, tuple[ReportingPeriod, ...]]:
    """Return the periods of each agency that has let enough of them pass for a letter. The longest row is first."""
    return agenda_rows.with_letters(agenda_rows.passed(unit.agendas.passed_rows(plan_id, today), today))


def lacking(unit: UnitOfWork, plan_id: int, agency_code: str, periods: Collection[ReportingPeriod]) -> tuple[Left, ...]:
    """The reports of these periods that an agency has not sent, or that were returned. Closed periods count too."""
    return unit.agendas.reports(plan_id, periods, {agency_code}).left(periods, {}).get(agency_code, ())
