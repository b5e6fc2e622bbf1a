"""The first screen of whoever does not report, and who has reported so far.

Somebody who opens the bot between two meetings wants one number and one button. So the screen says how the closing
stands, offers what its role does most on top, two to a row, and leaves the rest to a line below. A focal point has
no such screen: theirs is the due list itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.chat.exchange import Denied, Exchange
from conversations.card import Button, Card, Line, bold, home_button, line
from conversations.plan.closings import closings_until
from conversations.plan.expected import expected_reports
from conversations.plan.model import Role
from conversations.plan.periods import PeriodType, ReportingPeriod, period_name, period_names
from conversations.routes import Route, tap
from storage.errors import NotFound

_LAST = ((Route.MY_DATA, "home.misdatos"), (Route.PREFERENCES, "home.ajustes"), (Route.HELP, "menu.help"))

HOMES: Mapping[str, tuple[tuple[tuple[Route, str], ...], ...]] = {
    Role.COORDINATOR: (
        ((Route.DIGEST, "command.resumen"),),
        ((Route.QUEUE, "home.revisar"), (Route.CHASE, "home.recordar")),
        ((Route.PROGRESS, "home.progreso"), (Route.PERIODS, "home.periodo")),
        ((Route.PLAN, "home.plan"), (Route.EXPORT, "home.exportar")),
        ((Route.PEOPLE, "home.personas"), (Route.COMMENTS, "home.comentarios")),
        ((Route.AUDIT, "home.auditoria"), (Route.PAUSE, "home.pausar")),
        _LAST,
    ),
    Role.ADMIN: (
        ((Route.DIGEST, "command.resumen"),),
        ((Route.PEOPLE, "home.personas"), (Route.INVITE, "home.invitar")),
        ((Route.AGENCIES, "home.instituciones"), (Route.PLAN, "home.plan")),
        ((Route.FORMS, "home.formularios"), (Route.PERIODS, "home.periodo")),
        ((Route.PROGRESS, "home.progreso"), (Route.CHASE, "home.recordar")),
        ((Route.SCHEDULES, "home.programar"), (Route.HOLIDAYS, "home.calendario")),
        ((Route.EXPORT, "home.exportar"), (Route.PAUSE, "home.pausar")),
        ((Route.AUDIT, "home.auditoria"), (Route.STATUS, "home.estado")),
        _LAST,
    ),
    Role.OBSERVER: (
        ((Route.DIGEST, "home.summary"), (Route.PLAN, "home.areas")),
        ((Route.INDICATORS, "contributor.own"), (Route.INDICATOR_DIGEST, "digest.indicators")),
        ((Route.COMMENT, "command.comentar"), (Route.COMMENTS, "comment.own")),
        ((Route.EXPORT, "home.download"),),
        _LAST,
    ),
    Role.READER: (
        ((Route.DIGEST, "home.summary"), (Route.PLAN, "home.areas")),
        ((Route.INDICATOR_DIGEST, "digest.indicators"), (Route.EXPORT, "home.download")),
        _LAST,
    ),
}
"""The buttons of each role's first screen, as far as the person may: route and wording."""


def home(ex: Exchange) -> None:
    """How things stand in a line or two, and what the role may do."""
    rows = []
    for row in HOMES[ex.membership.role]:
        buttons = tuple(Button(ex.say(text), tap(route)) for route, text in row if ex.allows(route))
        if buttons:
            rows.append(buttons)
    head, *rest = _headline(ex)
    ex.offer(Card((line(bold(head)), *map(line, rest)), tuple(rows)))


def _headline(ex: Exchange) -> list[str]:
    say, role = ex.say, ex.membership.role
    if role == Role.OBSERVER:
        return say(
            "observer.home", period_name=_month(ex), k=ex.unit.plans.by_id(ex.membership.plan_id).min_cell
        ).split("\n")
    if role == Role.READER:
        return [f"{say('role.reader')} · {_month(ex)}", say("welcome.home")]
    tally = count(ex)
    title = say(f"role.{role}")
    lines = [f"{title} · {period_name(tally.periods[0], ex.language)}" if tally else title]
    if tally:
        closed = sum(each.is_closed for each in tally.agencies.values())
        lines.append(say("home.closing", closed=closed, expected=len(tally.agencies)))
    if role == Role.COORDINATOR:
        waiting = ex.unit.reviews.count_waiting(ex.membership.plan_id)
        lines.append(say("home.waiting" if waiting != 1 else "home.waiting_one", n=waiting))
    return lines


def _month(ex: Exchange) -> str:
    opened = [
        period
        for period in ex.unit.plans.periods(ex.membership.plan_id)
        if period.type == PeriodType.MONTHLY and period.opens_on <= ex.today
    ]
    return period_name(opened[-1], ex.language) if opened else "–"


# ------------------------------------------------------------------ who has reported
@dataclass
class _Reported:
    expected: int = 0
    received: int = 0
    returned: int = 0
    added: int = 0
    """Of what is expected and has not come: what came into the plan after the agency had closed."""
    open_periods: set[int] = field(default_factory=set)
    """Those in which something was expected of the agency and that it has not closed."""

    @property
    def is_closed(self) -> bool:
        return not self.open_periods


@dataclass(frozen=True, slots=True)
class Tally:
    """A closing: its periods, and by agency code what has come; only agencies of which something is expected."""

    periods: tuple[ReportingPeriod, ...]
    agencies: dict[str, _Reported]


def count(ex: Exchange) -> Tally | None:
    """How the present closing stands, as the digest has it: of all periods that end with it, also those that have

    locked while another is open. None before the first. The same few statements, whatever there is.
    """
    present = closings_until(ex.unit.plans.periods(ex.membership.plan_id), ex.today, 1)
    return _tally(ex, present[-1].periods) if present else None


def _tally(ex: Exchange, periods: tuple[ReportingPeriod, ...]) -> Tally:
    plan_id, unit = ex.membership.plan_id, ex.unit
    activities, ended = unit.plans.activities(plan_id, include_retired=True), unit.plans.ended(plan_id)
    returned, closed = unit.reviews.returned(plan_id), unit.closings.closed(plan_id, periods[0].end_on)
    agencies: dict[str, _Reported] = {}
    for period in periods:
        done = unit.submissions.current_for(plan_id, period.id)
        for report in expected_reports(activities, period, ended):
            code, subject = report.activity.agency_code, report.activity.subject
            found = agencies.setdefault(code, _Reported())
            found.expected += 1
            found.received += subject in done
            found.returned += (subject, period.id) in returned
            closed_on = closed.get((code, period.id))
            if closed_on is None:
                found.open_periods.add(period.id)
            elif subject not in done and report.activity.is_new_since(closed_on):
                found.added += 1
    return Tally(periods, agencies)


def progress(ex: Exchange, period_code: str) -> None:
    """/progreso: who has reported for the present closing, agency by agency, counts only.

    With the code of a period for that one alone.
    """
    say = ex.say
    back = (home_button(say),)
    tally = _tally(ex, (_period(ex, period_code),)) if period_code else count(ex)
    if tally is None:
        ex.answer(Card((line(say("progress.none")),), (back,)))
        return
    lines: list[Line] = [line(bold(say("progress.title", period_name=period_names(tally.periods, ex.language))))]
    for agency in ex.unit.plans.agencies(ex.membership.plan_id):
        found = tally.agencies.get(agency.code)
        if found is None:
            continue
        is_whole = found.received == found.expected and not found.returned
        shape = "✅" if is_whole else "🟡" if found.received else "⚪"
        row = say("progress.row", agency=agency.code, reported=found.received, expected=found.expected)
        sent_back = f" · ↩️ {say('progress.returned', n=found.returned)}" if found.returned else ""
        closed = f" · {say('progress.closed')}" if found.is_closed else ""
        key = "progress.added" if found.added > 1 else "progress.added_one"
        added = f" · {say(key, n=found.added)}" if found.added else ""
        lines.append(line(f"{shape} {row}{sent_back}{closed}{added}"))
    received = sum(found.received for found in tally.agencies.values())
    expected = sum(found.expected for found in tally.agencies.values())
    percent = round(100 * received / expected) if expected else 0
    total = say("progress.total", reported=received, expected=expected, percent=percent)
    ex.answer(Card((*lines, line(""), line(bold(total))), (back,)))


def _period(ex: Exchange, code: str) -> ReportingPeriod:
    try:
        return ex.unit.plans.period(ex.membership.plan_id, code)
    except NotFound:
        raise Denied from None
