"""The first screen of roles that do not report, what is behind *Más*, and the progress of the closing.

Somebody who opens the bot between two meetings wants one number and one button. So the screen says how the closing
stands and offers what the role does most, with its counts. The rest is behind *Más*. A focal point begins with the due
list. Every command of a role's menu is reached from here by taps.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bot.chat.exchange import Exchange, existing
from bot.schedule.job import Moment
from bot.schedule.reminders import to_chase
from bot.screens.plan.digests import vacancies
from bot.screens.reports.evaluating import evaluation_button
from bot.screens.reports.filling import phase_lines
from bot.screens.reports.own_plans import elsewhere_lines, plans_rows
from conversations.card import Button, Card, Line, bold, home_button, line
from conversations.plan.expected import expected_activities
from conversations.plan.figures.closings import closings_until, kept_closings
from conversations.plan.figures.monitoring import percent_of
from conversations.plan.model import Role
from conversations.plan.periods import PeriodType, ReportingPeriod, period_name, period_names
from conversations.routes import Part, Route, tap
from conversations.session.profiles import FORM_OF


@dataclass(frozen=True, slots=True)
class Item:
    """A button of a first screen: its route, its label, and the argument that it carries.

    `count` is one of `_COUNTS`. If the count is above zero, the label is `counted`; otherwise it is `text`. If `text`
    is blank then, there is no button.
    """

    route: Route
    text: str
    parts: tuple[Part, ...] = ()
    count: str = ""
    counted: str = ""


_PAGE = Item(Route.EXPORT, "home.page", ("page",))
_LAST = (Item(Route.MY_DATA, "home.misdatos"), Item(Route.PREFERENCES, "home.ajustes"), Item(Route.HELP, "menu.help"))
_COMMENTS = Item(Route.COMMENTS, "home.comentarios", count="comments", counted="home.comments")

_REPORTERS = (
    (Item(Route.CLOSE, "menu.close_period"), Item(Route.REFERRALS, "menu.referrals")),
    (Item(Route.INDICATORS, "menu.indicators"), Item(Route.FORMS, "", count="forms", counted="home.formularios")),
    (Item(Route.DIGEST, "home.summary"), Item(Route.PLAN, "home.plan")),
    (Item(Route.DELEGATE, "home.delegar"), Item(Route.PAUSE, "home.pausar")),
    _LAST,
)

HOMES: Mapping[str, tuple[tuple[Item, ...], ...]] = {
    Role.COORDINATOR: (
        (Item(Route.QUEUE, "home.revisar", count="waiting", counted="digest.review"),),
        (
            Item(Route.DIGEST, "home.summary"),
            Item(Route.CHASE, "home.recordar", count="to_remind", counted="digest.remind"),
        ),
        (_PAGE, Item(Route.SEARCH, "home.buscar")),
        (Item(Route.HOME, "home.more", ("more",), count="comments", counted="home.more_comments"),),
    ),
    Role.ADMIN: (
        (Item(Route.PEOPLE, "", ("vacant",), count="vacancies", counted="people.vacancies"),),
        (Item(Route.PEOPLE, "home.personas"), Item(Route.INVITE, "home.invitar")),
        (Item(Route.DIGEST, "home.summary"), Item(Route.STATUS, "home.estado")),
        (_PAGE, Item(Route.SEARCH, "home.buscar")),
        (Item(Route.HOME, "home.more", ("more",)),),
    ),
    Role.OBSERVER: (
        (Item(Route.DIGEST, "home.summary"), Item(Route.PLAN, "home.areas")),
        (Item(Route.INDICATORS, "contributor.own"), Item(Route.INDICATOR_DIGEST, "digest.indicators")),
        (Item(Route.COMMENT, "command.comentar"), Item(Route.COMMENTS, "comment.own")),
        (Item(Route.HISTORY, "menu.history"),),
        (_PAGE, Item(Route.EXPORT, "home.download")),
        (Item(Route.SEARCH, "home.buscar"),),
        _LAST,
    ),
    Role.READER: (
        (_PAGE, Item(Route.SEARCH, "home.buscar")),
        (Item(Route.DIGEST, "home.summary"), Item(Route.PLAN, "home.areas")),
        (Item(Route.INDICATOR_DIGEST, "digest.indicators"), Item(Route.EXPORT, "home.download")),
        _LAST,
    ),
}
"""The buttons of each role's first screen. A person sees those that they may use."""

MORE: Mapping[str, tuple[tuple[Item, ...], ...]] = {
    Role.FOCAL_POINT: _REPORTERS,
    Role.ALTERNATE: _REPORTERS,
    Role.COORDINATOR: (
        (_COMMENTS, Item(Route.PROGRESS, "home.progreso")),
        (Item(Route.PLAN, "home.plan"), Item(Route.PEOPLE, "home.personas")),
        (Item(Route.PERIODS, "home.periodo"), Item(Route.PAUSE, "home.pausar")),
        (Item(Route.EXPORT, "home.exportar"), Item(Route.AUDIT, "home.auditoria")),
        (Item(Route.LETTERS, "home.oficio"),),
        _LAST,
    ),
    Role.ADMIN: (
        (Item(Route.PLAN, "home.plan"), Item(Route.AGENCIES, "home.instituciones")),
        (Item(Route.FORMS, "home.formularios"), Item(Route.PERIODS, "home.periodo")),
        (Item(Route.SCHEDULES, "home.programar"), Item(Route.HOLIDAYS, "home.calendario")),
        (Item(Route.PAUSE, "home.pausar"),),
        (Item(Route.PROGRESS, "home.progreso"), Item(Route.CHASE, "home.recordar")),
        (Item(Route.EXPORT, "home.exportar"), Item(Route.AUDIT, "home.auditoria")),
        _LAST,
    ),
}
"""The buttons behind *Más*: needed once a week, or less."""

_COUNTS: Mapping[str, Callable[[Exchange], int]] = {
    "waiting": lambda ex: ex.unit.reviews.count_waiting(ex.membership.plan_id),
    "to_remind": lambda ex: len(to_chase(ex.unit, _moment(ex))[1].agencies),
    "vacancies": lambda ex: len(vacancies(ex)),
    "forms": lambda ex: sum(form.form_id not in FORM_OF.values() for form in ex.unit.forms.list(ex.membership.plan_id)),
    "comments": lambda ex: len(ex.unit.comments.open(ex.membership.plan_id)),
}
"""What the buttons count: the same as the screen behind each, and as the digest."""


def home(ex: Exchange) -> None:
    """The first screen: how things stand, in a line or two, and the acts of the role."""
    head, *rest = _headline(ex)
    judging = evaluation_button(ex)
    rows = (*([(judging,)] if judging else ()), *_rows(ex, HOMES[ex.membership.role]), *plans_rows(ex))
    ex.offer(Card((line(bold(head)), *phase_lines(ex), *map(line, rest), *elsewhere_lines(ex)), rows))


def more(ex: Exchange) -> None:
    """The other acts of the role. Roles without this screen have all their acts on the first one."""
    if ex.membership.role not in MORE:
        home(ex)
        return
    rows = (*_rows(ex, MORE[ex.membership.role]), (home_button(ex.say),))
    ex.offer(Card((line(bold(ex.say(f"role.{ex.membership.role}"))), line(ex.say("home.more_says"))), rows))


def _rows(ex: Exchange, items: Iterable[tuple[Item, ...]]) -> tuple[tuple[Button, ...], ...]:
    rows = (tuple(button for item in row if (button := _button(ex, item))) for row in items)
    return tuple(row for row in rows if row)


def _button(ex: Exchange, item: Item) -> Button | None:
    """Return the button. None if the person may not use it, or if its count is zero and it has no text for that."""
    n = _COUNTS[item.count](ex) if item.count and ex.allows(item.route) else 0
    if not ex.allows(item.route) or not (n or item.text):
        return None
    return Button(ex.say(item.counted, n=n) if n else ex.say(item.text), tap(item.route, *item.parts))


def _headline(ex: Exchange) -> list[str]:
    say, role = ex.say, ex.membership.role
    if role == Role.OBSERVER:
        return say(
            "observer.home", period_name=_month(ex), k=ex.unit.plans.by_id(ex.membership.plan_id).min_cell
        ).split("\n")
    if role == Role.READER:
        return [f"{say('role.reader')} · {_month(ex)}", say("home.reader")]
    counted = count(ex)
    title = say(f"role.{role}")
    lines = [f"{title} · {period_name(counted.periods[0], ex.language)}" if counted else title]
    if counted:
        closed = sum(each.is_closed for each in counted.agencies.values())
        lines.append(say("home.closing", closed=closed, expected=len(counted.agencies)))
        open_ones = [period for period in counted.periods if period.is_open(ex.today)]
        lines += [period.named_until(ex.language) for period in open_ones]
    return lines


def _moment(ex: Exchange) -> Moment:
    return Moment(ex.membership.plan_id, ex.now, ex.today)


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
    """Expected and not sent: items that came into the plan after the agency had closed."""
    open_periods: set[int] = field(default_factory=set)
    """The periods in which the agency had something to report and that it has not closed."""

    @property
    def is_closed(self) -> bool:
        return not self.open_periods


@dataclass(frozen=True, slots=True)
class ClosingCount:
    """The count of a closing: its periods, and by agency code what was sent.

    Agencies with nothing to report are left out.
    """

    periods: tuple[ReportingPeriod, ...]
    agencies: dict[str, _Reported]


def count(ex: Exchange) -> ClosingCount | None:
    """Count the present closing as the digest does. None before the first that the bot kept.

    It counts all periods that end with it, also a locked one beside an open one. The number of statements does not
    depend on the plan.
    """
    present = closings_until(ex.unit.plans.periods(ex.membership.plan_id), ex.today, 1)
    if not present:
        return None
    counted = _count_of(ex, present[-1].periods)
    is_lived = any(each.received or each.is_closed for each in counted.agencies.values())
    kept_since = ex.unit.agendas.kept_since(ex.membership.plan_id, ex.today)
    return counted if kept_closings(present, kept_since, {present[-1].month_end} if is_lived else ()) else None


def _count_of(ex: Exchange, periods: tuple[ReportingPeriod, ...]) -> ClosingCount:
    plan_id, unit = ex.membership.plan_id, ex.unit
    activities, ended = unit.plans.activities_ever(plan_id), unit.plans.ended(plan_id)
    returned, closed = unit.reviews.returned(plan_id), unit.closings.closed(plan_id, periods[0].end_on)
    agencies: dict[str, _Reported] = {}
    for period in periods:
        done = unit.submissions.current_for(plan_id, period.id)
        for activity in expected_activities(activities, period, ended):
            code, subject = activity.agency_code, activity.subject
            found = agencies.setdefault(code, _Reported())
            found.expected += 1
            found.received += subject in done
            found.returned += (subject, period.id) in returned
            closed_on = closed.get((code, period.id))
            if closed_on is None:
                found.open_periods.add(period.id)
            elif subject not in done and activity.is_new_since(closed_on):
                found.added += 1
    return ClosingCount(periods, agencies)


def progress(ex: Exchange, period_code: str) -> None:
    """/progreso: who has reported for the present closing, agency by agency, counts only.

    With the code of a period, for that period alone.
    """
    say = ex.say
    back = (home_button(say),)
    counted = _count_of(ex, (_period(ex, period_code),)) if period_code else count(ex)
    if counted is None:
        ex.answer(Card((line(say("progress.none")),), (back,)))
        return
    lines: list[Line] = [line(bold(say("progress.title", period_name=period_names(counted.periods, ex.language))))]
    for agency in ex.unit.plans.agencies(ex.membership.plan_id):
        found = counted.agencies.get(agency.code)
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
    received = sum(found.received for found in counted.agencies.values())
    expected = sum(found.expected for found in counted.agencies.values())
    percent = percent_of(received, expected)
    total = say("progress.total", reported=received, expected=expected, percent=percent)
    ex.answer(Card((*lines, line(""), line(bold(total))), (back,)))


def _period(ex: Exchange, code: str) -> ReportingPeriod:
    return existing(ex.unit.plans.period, ex.membership.plan_id, code)
