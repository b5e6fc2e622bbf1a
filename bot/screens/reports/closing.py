"""The periods that close together: every screen that offers to close a period names the same ones."""

from bot.chat.exchange import Exchange
from conversations.plan.expected import closes_together, expected_activities
from conversations.plan.model import ValidationState
from conversations.plan.periods import ReportingPeriod


def to_close(ex: Exchange, periods: tuple[ReportingPeriod, ...]) -> tuple[ReportingPeriod, ...]:
    """Return what "Cerrar el mes" closes now, or will close when everything is sent.

    `periods` are open for the agency.
    """
    if not periods:
        return ()
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    ids, ends = {period.id for period in periods}, {period.end_on for period in periods}
    beside = plans.periods_ending(plan_id, min(ends), max(ends))
    locked = [period for period in beside if period.end_on in ends and period.id not in ids]
    activities, ended = plans.activities_ever(plan_id, ex.agency_id), plans.ended(plan_id, ex.agency_id)
    expected = {p.id: {e.subject for e in expected_activities(activities, p, ended)} for p in (*locked, *periods)}
    unreportable = plans.unreportable(plan_id)
    sent = {
        (report.subject, report.period_code)
        for period in locked
        for report in plans.reports(plan_id, ex.agency_id, period.id)
        if report.validation_state != ValidationState.RETURNED
    }
    return closes_together(
        sorted((*locked, *periods), key=lambda period: period.end_on),
        ex.today,
        lambda period: bool(expected[period.id]) and not ex.unit.closings.is_closed(ex.agency_id, period.id),
        lambda period: all((subject, period.code) in sent for subject in expected[period.id] - unreportable),
    )
