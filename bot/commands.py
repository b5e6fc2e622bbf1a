"""COMMANDS: everything a person can ask for, by typing or by button, and who may (S2).

One literal table, read from top to bottom: /help, the command menu of each role and language, and the access
matrix derive from it. What is not in it does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot import (
    administration,
    agencies,
    auditing,
    digests,
    exporting,
    home,
    importing,
    notices,
    observing,
    periods,
    planning,
    posts,
    preferences,
    returns,
    reviewing,
    schedules,
    status,
)
from bot.access import ENROLLED, REPORTERS, Reach, may
from bot.exchange import Denied, Exchange, number_of
from bot.publishing import decide, fill, show_form, show_forms
from bot.reporting import (
    FORM_OF,
    Report,
    correct,
    due_tap,
    find_report,
    open_report,
    resume,
    status_label,
    take_over,
)
from conversations import review
from conversations.cards import Button, Card, Line, bold, italic, line, paragraph
from conversations.engine import show_date
from conversations.plan import (
    DueReport,
    PeriodType,
    ReportingPeriod,
    Role,
    closing_due_on,
    expected_reports,
    period_name,
)
from conversations.session import Session
from conversations.wording import LANGUAGE_NAMES, LANGUAGES, wording
from storage.errors import NotFound
from storage.sessions import StoredSession
from storage.submissions import StoredSubmission

Handler = Callable[[Exchange, str], None]

DUE_SHOWN = 8
"""Buttons of the due list on one screen."""
HISTORY_PAGE = 8


@dataclass(frozen=True, slots=True)
class Command:
    """One row: its name (Spanish), its aliases, who may, over what, and what it does.

    `is_typed`: people may type it as /name; the others exist as buttons only. `in_menu`: listed in Telegram's
    command menu and in /help.
    """

    name: str
    handler: Handler
    roles: frozenset[Role]
    reach: Reach
    aliases: tuple[str, ...] = ()
    is_typed: bool = True
    in_menu: bool = True
    takes_words: bool = False
    """Whether what is typed after the name is for the handler; else only its buttons carry an argument."""
    hears: Callable[[Exchange, str, str], None] | None = None
    """Gets (exchange, argument, text) when the chat stands awaiting `name:argument` and somebody types."""
    looks_people_up: bool = False
    """Whether a name or number may be typed to it; everywhere else personal data is refused before it is heard."""
    also_contributors: bool = False
    """Whether an observer with the right to report may too, over the indicators that their agency leads."""

    def is_for(self, role: str, *, is_contributor: bool = False) -> bool:
        """Whether somebody with this role, and that right, may."""
        return may(role, self.roles) or (self.also_contributors and is_contributor)

    def allows(self, ex: Exchange) -> bool:
        """Whether whoever is being answered may, by their role as it is now."""
        return self.is_for(ex.membership.role, is_contributor=ex.membership.is_contributor)


# ------------------------------------------------------------------ menu and due list
def start(ex: Exchange, argument: str) -> None:
    """The first screen; and Telegram's own menu is what the role may do, however it came by its role."""
    offer_menu(ex)
    menu(ex)


def menu(ex: Exchange, argument: str = "") -> None:
    """The first screen of a role. A focal point's is the due list itself: reporting begins with one tap."""
    if argument == "new":
        ex.forget_card()
    if ex.membership.role in REPORTERS:
        pending(ex, "")
        return
    home.home(ex, {command.name for command in COMMANDS if command.allows(ex)})


def pending(ex: Exchange, argument: str) -> None:
    """What is left to report, those due first on top; a screen holds eight."""
    due = tuple(
        report for report in ex.unit.plans.due(ex.membership.plan_id, ex.agency_id, ex.today) if not report.is_indicator
    )
    page = number_of(argument or "0")
    ex.show(_due_card(ex, due, page))
    ex.stand(None)


def _due_card(ex: Exchange, due: tuple[DueReport, ...], page: int) -> Card:
    say, language = ex.say, ex.language
    lines: list[Line] = []
    rows: list[tuple[Button, ...]] = []
    own = [draft for draft in ex.unit.sessions.drafts_of(ex.person.id) if draft.expires_at > ex.now]
    drafts = {(draft.subject, draft.reporting_period_id) for draft in own}
    listed = {(report.subject, report.period.id) for report in due}
    others = [draft for draft in own if (draft.subject, draft.reporting_period_id) not in listed]
    periods = ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id)
    if due:
        first = due[0].period
        lines.append(line(bold(say("menu.title", agency=ex.agency_code, period_name=_period_names(due, language)))))
        key = "menu.left" if len(due) > 1 else "menu.left_one"
        last_day = first.locks_on - timedelta(days=1) if first.is_reopened else first.due_on
        lines.append(line(say(key, n=len(due), due_date=show_date(last_day.isoformat(), language))))
        lines.append(line(say("menu.pick")))
        pages = -(-len(due) // DUE_SHOWN)
        page = page % pages
        for report in due[page * DUE_SHOWN : (page + 1) * DUE_SHOWN]:
            mark = "✎ " if (report.subject, report.period.id) in drafts else ("↩️ " if report.returned else "")
            reopened = "🔓 " if report.period.is_reopened else ""  # it may stand there for this month too
            text = f"{reopened}{mark}{report.code} · {report.item.title(language)}"
            rows.append((Button(text if len(text) <= 40 else text[:39] + "…", due_tap(report)),))
        if pages > 1:
            rows.append((Button(say("menu.more"), f"command:pendientes:{page + 1}"),))
    elif periods:
        lines.append(
            line(bold(say("menu.title", agency=ex.agency_code, period_name=period_name(periods[0], language))))
        )
        lines.append(line(say("menu.nothing")))
    else:
        lines.append(line(bold(ex.agency_code)))
        lines.append(line(say("menu.no_period")))
    for draft in others[:DUE_SHOWN]:  # corrections, indicators, referrals: whatever was begun is one tap away
        about = Session.from_json(draft.data).about
        text = f"✎ {about.get('code') or say('menu.referrals')} · {about.get('period', '')}"
        rows.append((Button(text, f"command:continuar:{draft.id}"),))
    for number, text in posts.drafts_of_others(ex, only_left=True)[:DUE_SHOWN]:
        rows.append((Button(text if len(text) <= 40 else text[:39] + "…", f"command:tomar:{number}"),))
    second = [Button(say("menu.indicators"), "command:indicadores:")] if periods else []
    if periods and _reports_referrals(ex):
        second.append(Button(say("menu.referrals"), "command:referimientos:"))
    if second:
        rows.append(tuple(second))
    if not due and _to_close(ex, periods):
        rows.append((Button(say("menu.close"), "command:cerrar:", "success"),))
    if own:
        lines.append(line(italic(say("menu.drafts"))))
    lines[1:1] = [
        line(posts.standing_line(ex, one))
        for one in ex.unit.delegations.of_agency(ex.agency_id)
        if ex.today < one.until_on
    ]
    for period in periods:
        if period.is_reopened:
            until = show_date((period.locks_on - timedelta(days=1)).isoformat(), language)
            lines.append(line(say("menu.reopened", period_name=period_name(period, language), date=until)))
    rows.append((Button(say("menu.history"), "command:historial:"), Button(say("menu.help"), "command:ayuda:")))
    return Card(tuple(lines), tuple(rows))


def _period_names(due: tuple[DueReport, ...], language: str) -> str:
    names = dict.fromkeys(period_name(report.period, language) for report in due)
    return ", ".join(names)


def _to_close(ex: Exchange, periods: tuple[ReportingPeriod, ...]) -> tuple[ReportingPeriod, ...]:
    """The open periods of one month's end in which the agency had to report and that it has not closed."""
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    activities, ended = plans.activities(plan_id, ex.agency_id), plans.ended(plan_id)
    open_ones = [
        p for p in periods if expected_reports(activities, p, ended) and not plans.is_closed(ex.agency_id, p.id)
    ]
    return tuple(p for p in open_ones if p.end_on == open_ones[0].end_on)


def report(ex: Exchange, argument: str) -> None:
    """Report what a button names; typed without one, the list to choose from."""
    the_list = indicators if ex.membership.is_contributor else pending
    if not argument:
        the_list(ex, "")
        return
    if "." not in argument:
        wanted = argument.strip().upper()
        for due in ex.unit.plans.due(ex.membership.plan_id, ex.agency_id, ex.today):
            if due.code == wanted:
                open_report(ex, Report(FORM_OF["indicator" if due.is_indicator else "activity"], due.item, due.period))
                return
        the_list(ex, "")
        return
    open_report(ex, find_report(ex, argument))


def indicators(ex: Exchange, argument: str) -> None:
    due = [report for report in ex.unit.plans.due(ex.membership.plan_id, ex.agency_id, ex.today) if report.is_indicator]
    home = (Button(ex.say("menu.home"), "command:menu:"),)
    if not due:
        ex.show(Card((line(ex.say("indicators.none")),), (home,)))
    else:
        page = number_of(argument or "0") % -(-len(due) // DUE_SHOWN)
        rows = []
        for report in due[page * DUE_SHOWN : (page + 1) * DUE_SHOWN]:
            text = f"{report.code} · {report.item.title(ex.language)}"
            rows.append((Button(text if len(text) <= 40 else text[:39] + "…", due_tap(report)),))
        if len(due) > DUE_SHOWN:
            rows.append((Button(ex.say("menu.more"), f"command:indicadores:{page + 1}"),))
        ex.show(Card((line(bold(ex.agency_code)), line(ex.say("indicators.pick"))), (*rows, home)))
    ex.stand(None)


def referrals(ex: Exchange, argument: str) -> None:
    """The referral form, for agencies that its own list names; totals of the month that is open, or reopened."""
    open_ones = ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id)
    months = [p for p in open_ones if p.type == PeriodType.MONTHLY]
    home = (Button(ex.say("menu.home"), "command:menu:"),)
    if not months or not _reports_referrals(ex):
        ex.show(Card((line(ex.say("referrals.none")),), (home,)))
        ex.stand(None)
        return
    named = [month for month in months if month.code == argument] or months
    if len(named) > 1:
        rows = tuple((Button(period_name(p, ex.language), f"command:referimientos:{p.code}"),) for p in named)
        ex.show(Card((line(ex.say("referrals.which")),), (*rows, home)))
        ex.stand(None)
        return
    open_report(ex, Report(FORM_OF["agency"], None, named[0]))


def _reports_referrals(ex: Exchange) -> bool:
    version = ex.unit.forms.current(ex.membership.plan_id, FORM_OF["agency"])
    if version is None:
        return False
    return ex.agency_code in ex.house.forms.choice_values(ex.unit, version.id, "agency")


# ------------------------------------------------------------------ drafts
def go_on(ex: Exchange, argument: str) -> None:
    resume(ex, _own_session(ex, argument))


def discard(ex: Exchange, argument: str) -> None:
    """Throw a draft away, after one question. What was sent is not touched by it."""
    number, _, answer = argument.partition(".")
    stored = _own_session(ex, number)
    if answer != "yes":
        rows = (
            (Button(ex.say("form.yes_discard"), f"command:descartar:{stored.id}.yes", "danger"),),
            (Button(ex.say("form.continue"), f"command:continuar:{stored.id}"),),
        )
        ex.show(Card((line(ex.say("form.discard_sure")),), rows))
    else:
        ex.unit.sessions.close(stored.id, "cancelled")
        ex.show(Card((line(ex.say("form.discarded")),), ((Button(ex.say("menu.home"), "command:menu:"),),)))
    ex.stand(None)


def _own_session(ex: Exchange, number: str) -> StoredSession:
    try:
        stored = ex.unit.sessions.get(number_of(number))
    except NotFound:
        raise Denied from None
    if stored.person_id != ex.person.id or stored.state != "open":
        raise Denied
    return stored


def take(ex: Exchange, argument: str) -> None:
    try:
        stored = ex.unit.sessions.get(number_of(argument))
    except NotFound:
        raise Denied from None
    take_over(ex, stored)


def cancel(ex: Exchange, argument: str) -> None:
    """Leave the open form; its draft stays, and can be thrown away from there."""
    stored = ex.visit.session
    if stored is None:
        ex.show(Card((line(ex.say("form.nothing_open")),), ((Button(ex.say("menu.home"), "command:menu:"),),)))
        ex.stand(None)
        return
    about = Session.from_json(stored.data).about
    until = show_date(stored.expires_at.astimezone(ex.zone).date().isoformat(), ex.language)
    rows = (
        (Button(ex.say("form.continue"), f"command:continuar:{stored.id}", "primary"),),
        (
            Button(ex.say("form.discard"), f"command:descartar:{stored.id}"),
            Button(ex.say("menu.home"), "command:menu:"),
        ),
    )
    ex.show(Card((line(ex.say("form.left", title=str(about.get("code", "")) or "…", date=until)),), rows))
    ex.stand(None)


# ------------------------------------------------------------------ what was sent
def history(ex: Exchange, argument: str) -> None:
    """The agency's latest reports with their receipts, newest first."""
    before = number_of(argument) if argument else None
    kind = "indicator" if ex.membership.is_contributor else None
    sent = ex.unit.submissions.of_agency(ex.agency_id, limit=HISTORY_PAGE + 1, before=before, kind=kind)
    home = (Button(ex.say("menu.home"), "command:menu:"),)
    if not sent:
        ex.show(Card((line(ex.say("history.none")),), (home,)))
    else:
        rows: list[tuple[Button, ...]] = []
        for one in sent[:HISTORY_PAGE]:
            rows.append((Button(_history_row(ex, one), f"command:recibo:{one.id}"),))
        if len(sent) > HISTORY_PAGE:
            rows.append((Button(ex.say("menu.more"), f"command:historial:{sent[HISTORY_PAGE - 1].id}"),))
        ex.show(Card((line(bold(ex.say("history.title"))),), (*rows, home)))
    ex.stand(None)


def _history_row(ex: Exchange, sent: StoredSubmission) -> str:
    code = (sent.subject or "").partition(":")[2] or ex.unit.forms.version(sent.form_version_id).title
    period = (
        period_name(ex.unit.plans.period_by_id(sent.reporting_period_id), ex.language)
        if sent.reporting_period_id
        else ""
    )
    text = ex.say("history.row", receipt=f"{sent.receipt_number:04d}", code=code, period=period).rstrip(" ·")
    return text if len(text) <= 40 else text[:39] + "…"


def receipt(ex: Exchange, argument: str) -> None:
    """One receipt again: number, time, state and what was sent, except restricted text."""
    sent = _own_submission(ex, argument)
    say = ex.say
    at = sent.submitted_at.astimezone(ex.zone)
    who = ex.unit.people.by_id(sent.person_id).name
    when = say("history.by", name=who, date=show_date(at.date().isoformat(), ex.language), time=f"{at:%H:%M}")
    state = say(f"history.{sent.validation_state}")
    lines: list[Line] = [
        line(bold(_history_row(ex, sent))),
        line(italic(f"{when} · {state} · {say('history.version', version=sent.version)}")),
    ]
    if sent.activity_status is not None:
        lines.append(line(f"{status_label(ex, sent.activity_status)}, {sent.progress or 0}%"))
    if sent.sensitive:
        lines.append(line(say("history.hidden")))
    else:
        _, asked = returns.asked_again(ex, sent)
        if asked:
            lines.append(line("↩️ ", say("review.asked", reason=asked)))
        lines += ex.house.forms.summary(ex.unit, sent, ex.language)
    rows: list[tuple[Button, ...]] = [(Button(say("form.correct"), f"command:corregir:{sent.id}"),)]
    if sent.validation_state == "returned":
        rows[0] = (*rows[0], Button(say("review.reply"), f"command:responder:{sent.id}"))
    if sent.version > 1:
        rows.append((Button(say("versions.see", version=sent.version), f"command:versiones:{sent.id}"),))
    rows.append((Button(say("menu.history"), "command:historial:"), Button(say("menu.home"), "command:menu:")))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def versions(ex: Exchange, argument: str) -> None:
    """What a version changed against the one before it; of a restricted report, which answers and not what."""
    sent = _own_submission(ex, argument)
    say = ex.say
    chain = ex.unit.submissions.versions(sent.root_id)
    before = next((each for each in chain if each.version == sent.version - 1), None)
    lines: list[Line] = [line(bold(_history_row(ex, sent))), line(say("versions.title", version=sent.version))]
    if before is None:
        lines.append(line(say("versions.first")))
    else:
        old, new = (ex.house.forms.answers(ex.unit, each, ex.language) for each in (before, sent))
        found = review.differences(old, new)
        if not found:
            lines.append(line(say("versions.same")))
        elif sent.sensitive:
            lines += [line(f"• {each.label}") for each in found]
        else:
            lines += review.difference_lines(found, say, most=len(found))
    rows: list[tuple[Button, ...]] = []
    if before is not None and before.version > 1:
        rows.append((Button(say("versions.see", version=before.version), f"command:versiones:{before.id}"),))
    current = chain[-1]
    rows.append(
        (Button(say("versions.back"), f"command:recibo:{current.id}"), Button(say("menu.home"), "command:menu:"))
    )
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def correction(ex: Exchange, argument: str) -> None:
    ex.forget_card()  # the receipt stays as it is
    correct(ex, _own_submission(ex, argument))


def _own_submission(ex: Exchange, argument: str) -> StoredSubmission:
    try:
        sent = ex.unit.submissions.get(number_of(argument))
    except NotFound:
        raise Denied from None
    if sent.agency_id != ex.agency_id or sent.plan_id != ex.membership.plan_id or not ex.may_report(sent.subject):
        raise Denied
    return sent


def close(ex: Exchange, argument: str) -> None:
    """ "Cerrar el mes": all that ended with the month, together. Refused, with the list, while something is left."""
    plans, say = ex.unit.plans, ex.say
    home = (Button(say("menu.home"), "command:menu:"),)
    periods = _to_close(ex, plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id))
    if not periods:
        ex.show(Card((line(say("menu.nothing")),), (home,)))
        ex.stand(None)
        return
    name = " · ".join(period_name(period, ex.language) for period in periods)
    codes = {period.code for period in periods}
    due = plans.due(ex.membership.plan_id, ex.agency_id, ex.today)
    left = [report.code for report in due if not report.is_indicator and report.period.code in codes]
    if left:
        rows = ((Button(say("menu.report"), "command:pendientes:", "primary"),), home)
        key = "close.missing" if len(left) > 1 else "close.missing_one"
        card = Card((line(say(key, n=len(left), codes=", ".join(left[:8]))),), rows)
    elif argument != f"{periods[0].end_on:%Y%m%d}":
        rows = (
            (Button(say("close.yes"), f"command:cerrar:{periods[0].end_on:%Y%m%d}", "success"),),
            (Button(say("close.no"), "command:menu:"),),
        )
        card = Card((line(say("close.sure", period_name=name, agency=ex.agency_code)),), rows)
    else:
        for period in periods:
            plans.close(ex.membership.plan_id, ex.agency_id, period.id, ex.person.id, ex.now)
        on_time = say("close.on_time" if ex.today <= closing_due_on(periods) else "close.late")
        day = show_date(ex.today.isoformat(), ex.language)
        text = say("close.done", agency=ex.agency_code, period_name=name, date=day, on_time=on_time)
        card = Card((line(text),), (home,))
    ex.show(card)
    ex.stand(None)


# ------------------------------------------------------------------ oneself
def choose_language(ex: Exchange, argument: str) -> None:
    """Change language, at any question: the open form goes on in it."""
    if argument not in LANGUAGES:
        rows = tuple((Button(LANGUAGE_NAMES[code], f"command:idioma:{code}"),) for code in LANGUAGES)
        ex.show(Card((line(ex.say("language.choose")),), rows), anew=ex.visit.session is not None)
        return  # the open form stays open: what is typed next still answers it
    ex.unit.people.set_language(ex.person.id, argument)
    ex.language = argument
    offer_menu(ex)
    ex.toast = ex.say("language.changed")
    if not ex.person.has_accepted_privacy:
        privacy(ex, "")
    elif ex.visit.session is not None:
        resume(ex, ex.visit.session)
    else:
        menu(ex)


def privacy(ex: Exchange, argument: str) -> None:
    """The notice before anything else: totals only, no names; then what is kept about oneself."""
    if argument == "accept":
        ex.unit.people.accept_privacy(ex.person.id, ex.now)
        menu(ex)
        return
    if argument in ("data", "more"):
        lines = paragraph(ex.say("start.data_notice"))
        rows = [(Button(ex.say("privacy.agree"), "command:privacidad:accept", "primary"),)]
        if argument == "more":
            lines += paragraph(ex.say("privacy.details"))
        else:
            rows.append((Button(ex.say("privacy.more"), "command:privacidad:more"),))
        ex.show(Card(lines, tuple(rows)))
        return
    lines = (*paragraph(_joined(ex)), line(""), *paragraph(ex.say("start.privacy")))
    ex.show(Card(lines, ((Button(ex.say("privacy.understood"), "command:privacidad:data", "primary"),),)))


def _joined(ex: Exchange) -> str:
    membership = ex.membership
    agency = ex.unit.plans.agency_by_id(membership.agency_id) if membership.agency_id else None
    colleague = ex.say("joined.nobody")
    if membership.role in REPORTERS and membership.agency_id is not None:
        others = [p for p in ex.unit.people.of_agency(membership.plan_id, membership.agency_id) if p.id != ex.person.id]
        if others:
            colleague = others[0].name
    return ex.say(
        f"joined.{membership.role}",
        name=ex.person.name,
        agency=agency.name.get(ex.language, agency.code) if agency else ex.say("unit.no_agency"),
        colleague=colleague,
    )


def show_help(ex: Exchange, argument: str) -> None:
    """What this role can do, from the table itself."""
    key = {"unknown": "help.unknown"}.get(argument, "help.title")
    lines: list[Line] = [line(bold(ex.say(key)))]
    for command in COMMANDS:
        if command.in_menu and command.allows(ex):
            lines.append(line(f"/{shown_name(command, ex.language)} · {ex.say(f'command.{command.name}')}"))
    if ex.is_reporter:
        lines += [line(""), line(ex.say("help.form"))]
    rows = ((Button(ex.say("menu.home"), "command:menu:"),),)
    ex.show(Card(tuple(lines), rows))
    ex.stand(None)


_ADMINS = frozenset({Role.ADMIN})
_COORDINATORS = frozenset({Role.COORDINATOR})
_OBSERVERS = frozenset({Role.OBSERVER})
_CHIEFS = frozenset({Role.ADMIN, Role.COORDINATOR})

COMMANDS: tuple[Command, ...] = (
    Command("start", start, ENROLLED, "self"),
    Command("pendientes", pending, REPORTERS, "own_agency", ("pending", "rete")),
    Command(
        "reportar", report, REPORTERS, "own_agency", ("report", "rapote"), takes_words=True, also_contributors=True
    ),
    Command("indicadores", indicators, REPORTERS, "own_agency", ("indicators", "endikate"), also_contributors=True),
    Command("referimientos", referrals, REPORTERS, "own_agency", ("referrals", "referans")),
    Command("historial", history, REPORTERS, "own_agency", ("history", "istwa"), also_contributors=True),
    Command("cerrar", close, REPORTERS, "own_agency", ("close", "femen")),
    Command("resumen", digests.summary, ENROLLED, "plan", ("summary", "rezime")),
    Command("delegar", posts.delegate, REPORTERS, "own_agency", ("delegate", "delege"), hears=posts.delegate_until),
    Command("revisar", reviewing.queue, _COORDINATORS, "plan", ("review", "revize")),
    Command("progreso", home.progress, _CHIEFS, "plan", ("progress", "pwogre")),
    Command("recordar", notices.chase, _CHIEFS, "plan", ("remind", "raple")),
    Command("programar", schedules.schedules, _ADMINS, "plan", ("schedule", "pwograme")),
    Command("exportar", exporting.export, exporting.TAKERS, "plan", ("export", "ekspote"), takes_words=True),
    Command("calendario", schedules.calendar, _ADMINS, "plan", ("calendar", "kalandriye"), takes_words=True),
    Command("periodo", periods.periods, _CHIEFS, "plan", ("period", "peryod")),
    Command("estado", status.status, _ADMINS, "plan", ("status", "eta")),
    Command(
        "auditoria",
        auditing.log,
        REPORTERS | _CHIEFS,
        "plan",
        ("auditlog", "jounal"),
        takes_words=True,
        hears=auditing.hear_day,
    ),
    Command("pausar", notices.pause, REPORTERS | _CHIEFS, "plan", ("pause", "poze")),
    Command(
        "personas",
        administration.people,
        _CHIEFS,
        "plan",
        ("people", "moun"),
        hears=administration.search,
        looks_people_up=True,
    ),
    Command("instituciones", agencies.agencies, _ADMINS, "plan", ("agencies", "enstitisyon")),
    Command("invitar", administration.invite, _ADMINS, "plan", ("invite", "envite")),
    Command("formularios", show_forms, _ADMINS | REPORTERS, "plan", ("forms", "fomile")),
    Command("plan", planning.plan, ENROLLED, "plan", ("workplan", "plan_aksyon")),
    Command("importar", importing.decide, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("deshacer", importing.undo, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("libro", importing.download, importing.CHIEFS, "plan", is_typed=False, in_menu=False),
    Command(
        "comentar",
        observing.comment,
        _OBSERVERS,
        "plan",
        ("comment", "komante"),
        takes_words=True,
        hears=observing.hear_comment,
    ),
    Command(
        "comentarios",
        observing.comments,
        _OBSERVERS | {Role.COORDINATOR},
        "plan",
        ("comments", "komante_yo"),
        hears=observing.hear_answer,
    ),
    Command("aporta", observing.contribution, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("ajustes", preferences.preferences, ENROLLED, "self", ("settings", "reglaj"), hears=preferences.hear_zone),
    Command("misdatos", preferences.my_data, ENROLLED, "self", ("mydata", "donem")),
    Command("idioma", choose_language, ENROLLED, "self", ("language", "lang"), takes_words=True),
    Command("cancelar", cancel, REPORTERS, "self", ("cancel", "anile"), also_contributors=True),
    Command("ayuda", show_help, ENROLLED, "self", ("help", "ed")),
    Command("menu", menu, ENROLLED, "self", ("meni",), in_menu=False),
    Command("empezar", notices.begin, REPORTERS, "own_agency", is_typed=False, in_menu=False),
    Command(
        "posponer", notices.postpone, REPORTERS, "own_agency", is_typed=False, in_menu=False, also_contributors=True
    ),
    Command("novedades", notices.nothing_new, REPORTERS, "own_agency", is_typed=False, in_menu=False),
    Command("explicar", notices.explain, REPORTERS, "own_agency", is_typed=False, in_menu=False),
    Command("relevo", posts.leave_post, REPORTERS, "own_agency", is_typed=False, in_menu=False),
    Command("relevar", posts.relieve, _CHIEFS, "plan", is_typed=False, in_menu=False),
    Command("suplente", posts.promote, _CHIEFS, "plan", is_typed=False, in_menu=False),
    Command("sucesor", posts.succeed, _CHIEFS, "plan", is_typed=False, in_menu=False),
    Command("aceptar", posts.decide_offer, ENROLLED, "self", is_typed=False, in_menu=False),
    Command(
        "reapertura", periods.ask, REPORTERS, "own_agency", is_typed=False, in_menu=False, hears=periods.ask_because
    ),
    Command("reabrir", periods.reopen, _CHIEFS, "plan", is_typed=False, in_menu=False, hears=periods.reopen_because),
    Command("plazos", periods.move, _CHIEFS, "plan", is_typed=False, in_menu=False),
    Command("detener", notices.stop, _CHIEFS, "plan", is_typed=False, in_menu=False),
    Command("recibo", receipt, REPORTERS, "own_agency", is_typed=False, in_menu=False, also_contributors=True),
    Command("corregir", correction, REPORTERS, "own_agency", is_typed=False, in_menu=False, also_contributors=True),
    Command("continuar", go_on, REPORTERS, "self", is_typed=False, in_menu=False, also_contributors=True),
    Command("descartar", discard, REPORTERS, "self", is_typed=False, in_menu=False, also_contributors=True),
    Command("tomar", take, REPORTERS, "own_agency", is_typed=False, in_menu=False, also_contributors=True),
    Command("versiones", versions, REPORTERS, "own_agency", is_typed=False, in_menu=False, also_contributors=True),
    Command(
        "responder",
        returns.reply,
        REPORTERS,
        "own_agency",
        is_typed=False,
        in_menu=False,
        also_contributors=True,
        hears=returns.hear_reply,
    ),
    Command("revision", reviewing.item, _COORDINATORS, "plan", is_typed=False, in_menu=False),
    Command("prueba", reviewing.evidence, _COORDINATORS, "plan", is_typed=False, in_menu=False),
    Command("validar", reviewing.validate, _COORDINATORS, "plan", is_typed=False, in_menu=False),
    Command(
        "devolver",
        reviewing.send_back,
        _COORDINATORS,
        "plan",
        is_typed=False,
        in_menu=False,
        hears=reviewing.hear_why,
    ),
    Command("institucion", digests.agency, ENROLLED, "plan", is_typed=False, in_menu=False),
    Command("avance", digests.activity, ENROLLED, "plan", is_typed=False, in_menu=False),
    Command("metas", digests.indicators, frozenset(Role) - REPORTERS, "plan", is_typed=False, in_menu=False),
    Command("evidencia", digests.evidence, ENROLLED, "plan", is_typed=False, in_menu=False),
    Command("decision", digests.decision, frozenset({Role.READER}), "plan", is_typed=False, in_menu=False),
    Command("vacante", digests.vacancy, _COORDINATORS, "plan", is_typed=False, in_menu=False),
    Command("persona", administration.person, _CHIEFS, "plan", is_typed=False, in_menu=False),
    Command("funcion", administration.change_role, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("suspender", administration.suspend, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("restaurar", administration.restore, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("agencia", agencies.agency, _ADMINS, "plan", is_typed=False, in_menu=False, hears=agencies.hear),
    Command(
        "ajuste",
        preferences.settings,
        _ADMINS,
        "plan",
        is_typed=False,
        in_menu=False,
        hears=preferences.hear_setting,
        looks_people_up=True,
    ),
    Command("enlaces", administration.links, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("solicitudes", administration.requests, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("solicitud", administration.decide, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("formulario", show_form, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("publicar", decide, _ADMINS, "plan", is_typed=False, in_menu=False),
    Command("llenar", fill, REPORTERS, "own_agency", is_typed=False, in_menu=False),
    Command("privacidad", privacy, ENROLLED, "self", is_typed=False, in_menu=False),
)

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


def find(name: str) -> Command | None:
    """The command of this name or alias."""
    return _BY_NAME.get(name)


def shown_name(command: Command, language: str) -> str:
    """The name people of this language type: Spanish, or its English or Creole alias."""
    position = LANGUAGES.index(language) if language in LANGUAGES else 0
    names = (command.name, *command.aliases)
    return names[position] if position < len(names) else command.name


def offer_menu(ex: Exchange) -> None:
    """Telegram's own command menu of this chat: what the role may do, in the person's language."""
    role, is_contributor = Role(ex.membership.role), ex.membership.is_contributor
    ex.post("setMyCommands", menu_of(ex.chat_id, role, ex.language, is_contributor=is_contributor), kind="notice")


def menu_of(chat_id: int, role: Role, language: str, *, is_contributor: bool = False) -> dict[str, Any]:
    """Parameters of setMyCommands for one chat.

    Of the chat, not of a language of Telegram's apps: they have no Creole, and who chose Spanish here reads Spanish.
    """
    menu = telegram_menu(role, language, is_contributor=is_contributor)
    listed = [{"command": name, "description": what} for name, what in menu]
    return {"commands": listed, "scope": {"type": "chat", "chat_id": chat_id}}


def telegram_menu(role: Role, language: str, *, is_contributor: bool = False) -> list[tuple[str, str]]:
    """Telegram's command menu of a role in a language: (command, description)."""
    say = wording(language)
    return [
        (shown_name(command, language), say(f"command.{command.name}"))
        for command in COMMANDS
        if command.in_menu and command.is_for(role, is_contributor=is_contributor)
    ]
