"""Open a report: begin it, go on with it, take it over from a colleague, or correct it after it was sent."""

from dataclasses import replace

from bot.acts.reports import reports
from bot.acts.reports.items import item_of, names_of, until_in_words
from bot.acts.reports.reports import Report, Reporter
from bot.chat.exchange import Denied, Exchange
from bot.schedule.agenda import lacking, passed_by
from bot.screens.reports.closing import to_close
from bot.screens.reports.filling import apply, phase_lines, reporter_of, show_first, show_locked
from conversations.card import Button, Card, Line, bold, home_button, line, line_card
from conversations.plan.messages.reminders import close_button
from conversations.plan.periods import ReportingPeriod, period_name
from conversations.routes import Route, tap
from conversations.session.events import Resumed
from conversations.session.profiles import FORM_OF
from conversations.session.session import Session
from conversations.session.turn import Step
from storage.errors import Conflict, NotFound
from storage.reports.forms import StoredForm
from storage.reports.sessions import StoredSession
from storage.reports.submissions import StoredSubmission


def open_report(ex: Exchange, report: Report, *, anew: bool = False) -> None:
    """Begin this report or continue it.

    The person's own draft is resumed. A colleague's draft can be taken over. A report that was sent can be corrected.
    Denied if the item is another agency's. A contributor may report only indicators. There is one report for each
    subject and period, even if two people begin it at the same moment.
    """
    if (report.item is not None and report.item.agency_code != ex.agency_code) or not ex.may_report(report.subject):
        raise Denied
    if not report.is_open(ex.today):
        show_locked(ex, report.period, anew=anew)
        return
    membership, unit = ex.membership, ex.unit
    version = unit.forms.current(membership.plan_id, report.form_id)
    if version is None:
        ex.answer(line_card(ex.say("form.none_published"), ex.say), anew=anew)
        return
    if report.subject is not None:
        holder = unit.sessions.holder(membership.plan_id, version.form_key, report.subject, report.period.id)
        if holder is not None:
            _meet_holder(ex, holder, report, anew=anew)
            return
        sent = unit.submissions.current(membership.plan_id, version.form_key, report.subject, report.period.id)
        if sent is not None and sent.validation_state != "returned":
            _offer_correction(ex, sent, report, anew=anew)
            return
        if sent is not None:
            correct(ex, sent, anew=anew)
            return
    elif draft := _own_draft(ex, version.form_key, report.period.id):
        resume(ex, draft, anew=anew)
        return
    reporter = reporter_of(ex)
    begun = reports.begin(reporter, report, version)
    if begun is None:
        ex.answer(line_card(ex.say("form.disagrees"), ex.say), anew=anew)
        return
    _open(ex, reporter, begun, version, report, anew=anew)


def correct(ex: Exchange, sent: StoredSubmission, *, anew: bool = True, meant: tuple[str, str] | None = None) -> None:
    """Open a correction of a submission of their agency. It shows the answers; each can be tapped.

    `meant` is the ref of a question, and an answer that was typed for it after sending. In a returned report, only the
    questions that the coordinator asked about are open; everything else stays as it was sent.
    """
    ex.expect_theirs(sent)
    unit = ex.unit
    if not sent.is_current:
        ex.show(line_card(ex.say("form.edit_unknown"), ex.say), anew=anew)
        return
    version = unit.forms.version(sent.form_version_id)
    if sent.reporting_period_id is None:
        _correct_free(ex, sent, version, anew=anew)
        return
    period = unit.plans.period_by_id(sent.reporting_period_id, sent.agency_id)
    report = Report(version.form_id, item_of(unit, ex.membership.plan_id, sent.subject), period)
    if not report.is_open(ex.today):
        show_locked(ex, period, anew=anew)
        return
    if sent.subject is not None and (
        holder := unit.sessions.holder(sent.plan_id, sent.form_id, sent.subject, sent.reporting_period_id)
    ):
        _meet_holder(ex, holder, report, anew=anew)
        return
    reporter = reporter_of(ex)
    begun = reports.begin_correction(reporter, sent, report, meant)
    _open(ex, reporter, begun, version, report, supersedes_id=sent.id, anew=anew)


def _correct_free(ex: Exchange, sent: StoredSubmission, version: StoredForm, *, anew: bool) -> None:
    """Correct a submission that no period bounds: at any time, one correction at a time."""
    holder = ex.unit.sessions.correcting(sent.id)
    if holder is not None and holder.expires_at > ex.now:
        _meet_holder(ex, holder, None, anew=anew)
        return
    if holder is not None:
        reports.expire_draft(ex.unit, holder)
    reporter = reporter_of(ex)
    begun = reports.begin_free(reporter, version, corrected=sent)
    _open(ex, reporter, begun, version, None, supersedes_id=sent.id, anew=anew)


def open_free(ex: Exchange, version: StoredForm) -> None:
    """Begin a form that belongs to no report of the plan."""
    reporter = reporter_of(ex)
    _open(ex, reporter, reports.begin_free(reporter, version), version, None, anew=False)


def _open(
    ex: Exchange,
    reporter: Reporter,
    begun: Step,
    version: StoredForm,
    report: Report | None,
    *,
    supersedes_id: int | None = None,
    anew: bool,
) -> None:
    try:
        stored = reports.store(reporter, begun, version, report, supersedes_id=supersedes_id)
    except Conflict:
        if report is None:
            raise
        holder = ex.unit.sessions.holder(
            ex.membership.plan_id, version.form_key, report.subject or "", report.period.id
        )
        if holder is None:
            raise
        _meet_holder(ex, holder, report, anew=anew)
        return
    show_first(ex, stored, ex.house.forms.version(ex.unit, version.id), begun, anew=anew)


def resume(ex: Exchange, stored: StoredSession, *, anew: bool = False) -> None:
    """Go on with a draft at the same question. Nothing is asked again."""
    ex.visit.stand_in(stored.plan_id)
    if stored.person_id != ex.person.id or stored.state != "open" or not ex.may_report(stored.subject):
        raise Denied
    session = Session.from_json(stored.data)
    if stored.reporting_period_id is not None and "until" in session.about:  # its days may have been moved since
        period = ex.unit.plans.period_by_id(stored.reporting_period_id, stored.agency_id)
        about = {**session.about, "until": until_in_words(stored.subject, period)}
        session, stored = _changed(stored, replace(session, about=about))
    if (session.language, session.asked_in) != (ex.language, ex.person.form_language):
        session, stored = _changed(stored, replace(session, language=ex.language, asked_in=ex.person.form_language))
    apply(ex, stored, Resumed(), anew=anew or not ex.has_card)


def _changed(stored: StoredSession, session: Session) -> tuple[Session, StoredSession]:
    return session, stored._replace(data=session.to_json())


def take_over(ex: Exchange, stored: StoredSession) -> None:
    """A colleague of the same agency goes on with this draft. Its former owner is notified."""
    if stored.agency_id != ex.agency_id or stored.state != "open" or not ex.may_report(stored.subject):
        raise Denied
    taken, news = reports.take_over(reporter_of(ex), stored)
    ex.pass_on(news)
    resume(ex, taken)


def _meet_holder(ex: Exchange, holder: StoredSession, report: Report | None, *, anew: bool) -> None:
    if holder.person_id == ex.person.id:
        resume(ex, holder, anew=anew)
        return
    name = ex.unit.people.by_id(holder.person_id).name
    when = ex.day(holder.touched_at)
    rows = ((Button(ex.say("form.take_over"), tap(Route.TAKE_OVER, holder.id), "primary"),), (home_button(ex.say),))
    ex.answer(Card((*_heading(report, ex), line(""), line(ex.say("form.held", name=name, date=when))), rows), anew=anew)


def _offer_correction(ex: Exchange, sent: StoredSubmission, report: Report, *, anew: bool) -> None:
    code = report.item.code if report.item else ""
    text = ex.say("form.already_sent", code=code, period=period_name(report.period, ex.language))
    rows = ((Button(ex.say("form.correct"), tap(Route.CORRECT, sent.id), "primary"),), (home_button(ex.say),))
    ex.answer(Card((*_heading(report, ex), line(""), line(text)), rows), anew=anew)


def _own_draft(ex: Exchange, form_id: int, period_id: int) -> StoredSession | None:
    for draft in ex.unit.sessions.drafts_of(ex.person.id):
        if draft.form_id == form_id and draft.reporting_period_id == period_id:
            return draft
    return None


def _heading(report: Report | None, ex: Exchange) -> tuple[Line, ...]:
    if report is None or report.item is None:
        return ()
    name = names_of(report.item).get(ex.language) or report.item.title(ex.language)
    until = until_in_words(report.subject, report.period)[ex.language]
    return line(bold(report.item.code), f" · {name}"), line(until)


def show_nothing_left(ex: Exchange) -> None:
    """Say that nothing can be reported now.

    What is only to be closed has its button, and a period that the agency let lock has one to ask for it.
    """
    plans, plan_id, home = ex.unit.plans, ex.membership.plan_id, (home_button(ex.say),)
    told = phase_lines(ex) or (line(ex.say("menu.nothing")),)
    if ex.membership.is_contributor:
        ex.answer(Card(told, (home,)))
    elif closes := to_close(ex, plans.open_periods(plan_id, ex.today, ex.agency_id)):
        ex.answer(Card((line(ex.say("menu.only_close")),), ((close_button(closes, ex.say),), home)))
    elif (period := lapsed(ex)) is not None:
        let_lock, asking = lapsed_line(ex, period)
        ex.answer(Card((*phase_lines(ex), let_lock), ((asking,), home)))
    else:
        ex.answer(Card(told, (home,)))


def lapsed(ex: Exchange) -> ReportingPeriod | None:
    """Return the period that the agency let lock, and may ask to reopen. None if it has closed a later one.

    Of the periods that ended together, it is the one that lacks a report.
    """
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    if not ex.unit.agendas.may_have_let_lock(plan_id, ex.agency_id, ex.today):
        return None
    passed = passed_by(ex.unit, plan_id, ex.agency_code, ex.today)
    periods = [period for period in plans.periods(plan_id) if passed and period.opens_on <= ex.today]
    later = [period for period in periods if period.end_on > passed[-1].end_on]
    if not passed or any(ex.unit.closings.is_closed(ex.agency_id, period.id) for period in later):
        return None
    locked = [period for period in periods if period.end_on == passed[-1].end_on and not period.is_open(ex.today)]
    missing = {left.period for left in lacking(ex.unit, plan_id, ex.agency_code, locked)}
    return max(missing, key=lambda period: period.locks_on, default=passed[-1])


def lapsed_line(ex: Exchange, period: ReportingPeriod) -> tuple[Line, Button]:
    """The line about a period that the agency let lock, and the button that asks to reopen it."""
    text = ex.say("menu.lapsed", period_name=period_name(period, ex.language), agency=ex.agency_code)
    return line(text), Button(ex.say("reopening.ask"), tap(Route.ASK_REOPENING, period.code))


def find_report(ex: Exchange, kind: str, code: str, period_code: str) -> Report:
    """The report that a button names by `a` (activity) or `i` (indicator), code and period. Denied if there is none."""
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    try:
        period = plans.period(plan_id, period_code, ex.agency_id)
        if kind == "a":
            return Report(FORM_OF["activity"], plans.activity(plan_id, code), period)
        return Report(FORM_OF["indicator"], plans.indicator(plan_id, code), period)
    except NotFound:
        raise Denied from None
