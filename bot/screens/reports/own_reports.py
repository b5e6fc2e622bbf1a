"""The focal point's month: what is left to report, the drafts, what was sent, and closing.

Reporting begins with the due list, which is this role's first screen: sixty seconds in a corridor are enough for a
report if nothing must be searched for. Every draft is one tap away, and every sent report can be read again.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.acts.people.delegations import in_words
from bot.acts.plan.periods import close as close_periods
from bot.acts.reports import reviewing
from bot.acts.reports.reports import Report, discard_draft
from bot.chat.exchange import Denied, Exchange, existing
from bot.chat.permissions import REPORTERS
from bot.screens.reports.closing import to_close
from bot.screens.reports.drafts import drafts_of_others
from bot.screens.reports.evaluating import evaluation_button
from bot.screens.reports.filling import apply, phase_lines
from bot.screens.reports.lights import light_lines
from bot.screens.reports.opening import (
    correct,
    find_report,
    lapsed,
    lapsed_line,
    open_report,
    resume,
    show_nothing_left,
    take_over,
)
from bot.screens.reports.own_plans import plans_rows
from bot.screens.reports.receipts import due_button, due_tap, status_label
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line, page_of
from conversations.plan import review
from conversations.plan.expected import DueReport, expected_activities
from conversations.plan.messages.reminders import close_button
from conversations.plan.model import Activity
from conversations.plan.periods import PeriodType, ReportingPeriod, closing_due_on, period_name, period_names
from conversations.routes import ButtonTap, Route, in_plan, tap
from conversations.session.events import Tap
from conversations.session.profiles import FORM_OF
from conversations.session.session import Session
from storage.reports.sessions import StoredSession
from storage.reports.submissions import StoredSubmission

DUE_SHOWN = 8
"""Buttons of the due list on one screen."""
MARKS: Final = "②③④⑤⑥⑦⑧⑨"
"""What is due in other plans than the card's begins with one, as the plan's name above it does."""
HISTORY_PAGE = 8
LOOKED_BACK: Final = 10
"""How many sent reports are searched for an answer that the person has edited in the chat."""


# ------------------------------------------------------------------ the due list
def pending(ex: Exchange, page: int = 0) -> None:
    """Show the reports that are left, eight on a screen. The one that is due first is on top."""
    due = tuple(report for report in ex.due() if not report.is_indicator)
    ex.offer(_due_card(ex, due, page))


def _due_card(ex: Exchange, due: tuple[DueReport, ...], page: int) -> Card:
    """Make one list of what is due in all plans of this person, and below it what belongs to the present one."""
    say, elsewhere = ex.say, ex.due_elsewhere()
    own = [draft for draft in ex.unit.sessions.drafts_of(ex.person.id) if draft.expires_at > ex.now]
    periods = ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id)
    closes = () if due else to_close(ex, periods)
    missed = None if due or closes else lapsed(ex)
    shown = _due_lines(ex, ex.agency_code, due) if due else _nothing_due_lines(ex, periods, missed, closes)
    head, *lines = shown
    listed = [(report, "", due_tap(report)) for report in due]
    for mark, (held, left) in zip(MARKS, elsewhere.items(), strict=False):
        lines.append(line(italic(f"{mark} {ex.unit.plans.titles(ex.language)[held.plan_id]}")))
        lines += _due_lines(ex, held.agency_code or "", left)
        listed += [(report, f"{mark} ", in_plan(due_tap(report), held.plan_id)) for report in left]
    listed.sort(key=lambda one: one[0].period.due_on)
    if len(listed) > 1:
        lines.append(line(say("menu.pick")))
    if own:
        lines.append(line(italic(say("menu.drafts"))))
    rows = [*_due_rows(ex, listed, own, page), *_draft_rows(ex, [report for report, *_ in listed], own)]
    second = [Button(say("menu.indicators"), tap(Route.INDICATORS))] if periods else []
    if _months(periods) and _reports_referrals(ex):
        second.append(Button(say("menu.referrals"), tap(Route.REFERRALS)))
    if second:
        rows.append(tuple(second))
    if (judging := evaluation_button(ex)) is not None:
        rows.append((judging,))
    if closes:
        rows.append((close_button(closes, say),))
    if missed is not None:
        rows.append((lapsed_line(ex, missed)[1],))
    last = (("menu.history", Route.HISTORY, ()), ("menu.help", Route.HELP, ()), ("home.more", Route.HOME, ("more",)))
    rows += [tuple(Button(say(key), tap(route, *given)) for key, route, given in last), *plans_rows(ex)]
    return Card(
        (head, *_added_lines(ex, due), *_delegated_lines(ex), *lines, *_reopened_lines(ex, periods, due)), tuple(rows)
    )


def _due_lines(ex: Exchange, agency_code: str, due: Sequence[DueReport]) -> Iterator[Line]:
    """The reports that are due: how many, and until when, period by period."""
    say, language = ex.say, ex.language
    names = ", ".join(dict.fromkeys(period_name(report.period, language) for report in due))
    yield line(bold(say("menu.title", agency=agency_code, period_name=names)))
    yield line(say("menu.left" if len(due) > 1 else "menu.left_one", n=len(due)))
    periods = {report.period.code: report.period for report in due}
    for each in periods.values():
        until = f"{each.until(language)}."
        is_named = len(periods) == 1  # by the title
        yield line(until[0].upper() + until[1:] if is_named else each.named_until(language))


def _nothing_due_lines(
    ex: Exchange,
    periods: Sequence[ReportingPeriod],
    missed: ReportingPeriod | None,
    closes: Sequence[ReportingPeriod],
) -> Iterator[Line]:
    """That nothing is due. If the agency let a period lock, say so: it may ask to reopen it."""
    say = ex.say
    theirs = closes or [period for period in periods if _expects(ex, period)][:1]
    names = ", ".join(period_name(period, ex.language) for period in theirs)
    title = say("menu.title", agency=ex.agency_code, period_name=names) if theirs else ""
    yield line(bold(title or ex.agency_code))
    rests = () if periods else phase_lines(ex)
    yield from rests
    if missed is not None:
        yield lapsed_line(ex, missed)[0]
    elif rests:
        return
    elif not periods:
        yield line(say("menu.no_period"))
    else:
        yield line(say("menu.only_close" if closes else "menu.nothing"))


def _due_rows(
    ex: Exchange, due: Sequence[tuple[DueReport, str, ButtonTap]], own: Sequence[StoredSession], page: int
) -> Iterator[tuple[Button, ...]]:
    """A button for each due report, a page of them. What is due in another plan begins with that plan's mark."""
    drafts = {(draft.subject, draft.reporting_period_id) for draft in own}
    shown, following = page_of(due, page, DUE_SHOWN)
    for report, plan, leads in shown:
        mark = "✎ " if (report.subject, report.period.id) in drafts else ("↩️ " if report.returned else "")
        reopened = "🔓 " if report.period.is_reopened else ""  # the month's page may list it too
        text = f"{reopened}{mark}{plan}{report.code} · {report.item.title(ex.language)}"
        yield (Button(cut(text), leads),)
    if following is not None:
        yield (Button(ex.say("menu.more"), tap(Route.DUE, following)),)


def _draft_rows(ex: Exchange, due: Sequence[DueReport], own: Sequence[StoredSession]) -> Iterator[tuple[Button, ...]]:
    """Drafts that are not about a due report (corrections, indicators, referrals), and those of people who left."""
    listed = {(report.subject, report.period.id) for report in due}
    others = [draft for draft in own if (draft.subject, draft.reporting_period_id) not in listed]
    for draft in others[:DUE_SHOWN]:
        yield (Button(draft_title(ex, draft), in_plan(tap(Route.CONTINUE, draft.id), draft.plan_id)),)
    for number, text in drafts_of_others(ex, only_left=True)[:DUE_SHOWN]:
        yield (Button(cut(text), tap(Route.TAKE_OVER, number)),)


def _added_lines(ex: Exchange, due: Sequence[DueReport]) -> Iterator[Line]:
    """The items that were added to the plan after the agency had closed."""
    if since := [report for report in due if _is_since(ex, report)]:
        yield line(_added_words(ex, since))


def _added_words(ex: Exchange, since: Sequence[DueReport]) -> str:
    codes = ", ".join(report.code for report in since[:DUE_SHOWN])
    names = period_names(dict.fromkeys(report.period for report in since), ex.language)
    return ex.say("close.added" if len(since) > 1 else "close.added_one", n=len(since), codes=codes, period_name=names)


def _delegated_lines(ex: Exchange) -> Iterator[Line]:
    for one in ex.unit.delegations.of_agency(ex.agency_id):
        if ex.today < one.until_on:
            yield line(in_words(ex.unit, one, ex.say))


def _reopened_lines(ex: Exchange, periods: Sequence[ReportingPeriod], due: Sequence[DueReport]) -> Iterator[Line]:
    """The reopened periods of which nothing is due. What is due says itself until when."""
    told = {report.period.code for report in due}
    for period in periods:
        if period.is_reopened and period.code not in told:
            until = ex.day(period.last_on)
            yield line(ex.say("menu.reopened", period_name=period_name(period, ex.language), date=until))


def draft_title(ex: Exchange, draft: StoredSession) -> str:
    """A draft's subject and period, short enough for a button."""
    about = Session.from_json(draft.data).about
    code = about.get("code") or ex.say("menu.referrals")
    period = draft.reporting_period_id and ex.unit.plans.period_by_id(draft.reporting_period_id)
    return cut(" · ".join([f"✎ {code}", *([period_name(period, ex.language)] if period else [])]))


def _expects(ex: Exchange, period: ReportingPeriod) -> bool:
    """Whether the period expects a report of their agency."""
    plans, plan_id, agency_id = ex.unit.plans, ex.membership.plan_id, ex.agency_id
    return bool(expected_activities(plans.activities_ever(plan_id, agency_id), period, plans.ended(plan_id, agency_id)))


def is_any_open(ex: Exchange) -> bool:
    """Whether there is a report that could ask this person for a file now, or could be corrected."""
    if ex.membership.role not in REPORTERS:
        return ex.is_reporter and bool(ex.due())
    return any(_expects(ex, each) for each in ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id))


def report(ex: Exchange, kind: str, code: str, period_code: str) -> None:
    """Begin the report that a button names. Without a name, show the list to choose from."""
    if kind:
        open_report(ex, find_report(ex, kind, code, period_code))
    else:
        _list_due(ex)


def report_typed(ex: Exchange, text: str) -> None:
    """Report the item with a typed code. If it is not due, show the list to choose from."""
    wanted = text.strip().upper()
    for due in ex.due():
        if due.code == wanted:
            open_report(ex, Report(FORM_OF["indicator" if due.is_indicator else "activity"], due.item, due.period))
            return
    _list_due(ex)


def _list_due(ex: Exchange) -> None:
    if ex.membership.is_contributor:
        indicators(ex)
    else:
        pending(ex)


def indicators(ex: Exchange, page: int = 0) -> None:
    due = [report for report in ex.due() if report.is_indicator]
    if not due:
        ex.answer_line(ex.say("indicators.none"))
        return
    shown, following = page_of(due, page, DUE_SHOWN)
    rows = [(due_button(ex, report),) for report in shown]
    if following is not None:
        rows.append((Button(ex.say("menu.more"), tap(Route.INDICATORS, following)),))
    lines = (line(bold(ex.agency_code)), line(ex.say("indicators.pick")))
    ex.answer(Card(lines, (*rows, (home_button(ex.say),))))


def referrals(ex: Exchange, period_code: str) -> None:
    """The referral form, for agencies that must report referrals: totals of the open or reopened month."""
    months = _months(ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id))
    if not _reports_referrals(ex):
        ex.answer_line(ex.say("referrals.none"))
        return
    if not months:
        ex.answer_line(ex.say("referrals.no_month"))
        return
    named = [month for month in months if month.code == period_code] or months
    if len(named) > 1:
        rows = tuple((Button(period_name(p, ex.language), tap(Route.REFERRALS, p.code)),) for p in named)
        ex.answer(Card((line(ex.say("referrals.which")),), (*rows, (home_button(ex.say),))))
        return
    open_report(ex, Report(FORM_OF["agency"], None, named[0]))


def _months(periods: Sequence[ReportingPeriod]) -> list[ReportingPeriod]:
    return [period for period in periods if period.type is PeriodType.MONTHLY]


def _reports_referrals(ex: Exchange) -> bool:
    version = ex.unit.forms.current(ex.membership.plan_id, FORM_OF["agency"])
    if version is None:
        return False
    return ex.agency_code in ex.house.forms.choice_values(ex.unit, version.id, "agency")


# ------------------------------------------------------------------ drafts
def go_on(ex: Exchange, session_id: int) -> None:
    resume(ex, _own_session(ex, session_id))


def discard(ex: Exchange, session_id: int, answer: str) -> None:
    """Delete a draft, after one question. Sent reports stay."""
    stored = _own_session(ex, session_id)
    if answer != "yes":
        rows = (
            (Button(ex.say("form.yes_discard"), tap(Route.DISCARD, stored.id, "yes"), "danger"),),
            (Button(ex.say("form.continue"), tap(Route.CONTINUE, stored.id)),),
        )
        ex.answer(Card((line(ex.say("form.discard_sure")),), rows))
    else:
        discard_draft(ex.unit, stored)
        ex.answer_line(ex.say("form.discarded"))
        ex.clean_chat()


def _own_session(ex: Exchange, session_id: int) -> StoredSession:
    stored = existing(ex.unit.sessions.get, session_id)
    if stored.person_id != ex.person.id or stored.state != "open":
        raise Denied
    return stored


def take(ex: Exchange, session_id: int) -> None:
    take_over(ex, existing(ex.unit.sessions.get, session_id))


def cancel(ex: Exchange) -> None:
    """Leave the open form, as its button Salir does. Its draft stays and can be deleted from there."""
    stored = ex.visit.session
    if stored is None:
        ex.answer_line(ex.say("form.nothing_open"))
        return
    apply(ex, stored, Tap(Session.from_json(stored.data).turn, "leave"))


# ------------------------------------------------------------------ what was sent
def history(ex: Exchange, before: int | None) -> None:
    """Show the agency's latest reports with their receipts, the newest first."""
    kind = "indicator" if ex.membership.is_contributor else None
    sent = ex.unit.submissions.of_agency(ex.agency_id, limit=HISTORY_PAGE + 1, before=before, kind=kind)
    if not sent:
        ex.answer_line(ex.say("history.none"))
        return
    rows = [(Button(_history_row(ex, one), tap(Route.RECEIPT, one.id)),) for one in sent[:HISTORY_PAGE]]
    if len(sent) > HISTORY_PAGE:
        rows.append((Button(ex.say("menu.more"), tap(Route.HISTORY, sent[HISTORY_PAGE - 1].id)),))
    ex.answer(Card((line(bold(ex.say("history.title"))),), (*rows, (home_button(ex.say),))))


def _history_row(ex: Exchange, sent: StoredSubmission) -> str:
    code = (sent.subject or "").partition(":")[2] or ex.unit.forms.version(sent.form_version_id).title
    period = (
        period_name(ex.unit.plans.period_by_id(sent.reporting_period_id), ex.language)
        if sent.reporting_period_id
        else ""
    )
    text = ex.say("history.row", receipt=f"{sent.receipt_number:04d}", code=code, period=period).rstrip(" ·")
    return cut(text)


def receipt(ex: Exchange, submission_id: int) -> None:
    """Show a receipt again: number, time, state and the answers, except restricted text.

    It says more than the receipt that stays, so the card of a restricted report leaves the chat again (S15).
    """
    sent = ex.own_submission(submission_id)
    say = ex.say
    at = sent.submitted_at.astimezone(ex.zone)
    who = ex.unit.people.by_id(sent.person_id).name
    when = say("history.by", name=who, date=ex.day(at.date()), time=f"{at:%H:%M}")
    state = say(f"history.{sent.validation_state}")
    lines: list[Line] = [
        line(bold(_history_row(ex, sent))),
        line(italic(f"{when} · {state} · {say('history.version', version=sent.version)}")),
    ]
    if sent.activity_status is not None:
        lines.append(line(f"{status_label(ex, sent.activity_status)}, {say.percent(sent.progress or 0)}"))
        lines += light_lines(ex, sent.subject)
    if sent.zero_reason:
        lines.append(review.zero_line(sent.zero_reason, say))
    remarked = reviewing.open_remark(ex.unit, sent)
    if sent.sensitive:
        lines.append(line(say("history.hidden")))
    else:
        _, asked = reviewing.asked_again(ex.unit, sent, ex.say)
        if asked:
            lines.append(line("↩️ ", say("review.asked", reason=asked)))
        if remarked is not None:
            lines.append(line("💬 ", say("review.asked", reason=ex.unit.reviews.reason(remarked))))
        lines += ex.house.forms.summary(ex.unit, sent, ex.language)
    rows: list[tuple[Button, ...]] = [(Button(say("form.correct"), tap(Route.CORRECT, sent.id)),)]
    if sent.validation_state == "returned" or remarked is not None:
        rows[0] = (*rows[0], Button(say("review.reply"), tap(Route.REPLY, sent.id)))
    if sent.version > 1:
        rows.append((Button(say("versions.see", version=sent.version), tap(Route.VERSIONS, sent.id)),))
    rows.append((Button(say("menu.history"), tap(Route.HISTORY)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)), restricted=sent.sensitive)


def versions(ex: Exchange, submission_id: int) -> None:
    """Show the differences between a version and the one before.

    Of a restricted report, name only the changed answers.
    """
    sent = ex.own_submission(submission_id)
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
        rows.append((Button(say("versions.see", version=before.version), tap(Route.VERSIONS, before.id)),))
    current = chain[-1]
    rows.append((Button(say("versions.back"), tap(Route.RECEIPT, current.id)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)), restricted=sent.sensitive)


def correction(ex: Exchange, submission_id: int, origin: int | None, text: str) -> None:
    """Open a sent report for correction; each answer can be tapped. With `text`, that answer is filled in already."""
    sent = ex.own_submission(submission_id)
    ex.forget_card()  # the receipt stays as it is
    ref = answered_by(ex, sent, origin) if origin is not None and text else ""
    correct(ex, sent, meant=(ref, text) if ref else None)


def answered_by(ex: Exchange, sent: StoredSubmission, message_id: int) -> str:
    """The ref of the one question that this message answered.

    Blank if it answered none or several. Blank too for a restricted report, because its text must stand only in the
    form.
    """
    if sent.sensitive:
        return ""
    for stored in ex.unit.sessions.sent_by(ex.person.id, LOOKED_BACK):
        if stored.instance_id == sent.instance_id:
            refs = stored.data.get("origins", {}).get(str(message_id), [])
            return str(refs[0]) if len(refs) == 1 else ""
    return ""


def close(ex: Exchange, agreed: str) -> None:
    """Cerrar el mes: close everything that ended with the month. Refused, with the list, while something is left."""
    plans, say = ex.unit.plans, ex.say
    home, to_report = (home_button(say),), (Button(say("menu.report"), tap(Route.DUE), "primary"),)
    periods = to_close(ex, plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id))
    if not periods:
        if since := [one for one in ex.due() if _is_since(ex, one)]:
            ex.answer(Card((line(_added_words(ex, since)),), (to_report, home)))
        else:
            show_nothing_left(ex)
        return
    name = period_names(periods, ex.language)
    codes = {period.code for period in periods}
    due = ex.due()
    left = [report.code for report in due if not report.is_indicator and report.period.code in codes]
    if left:
        key = "close.missing" if len(left) > 1 else "close.missing_one"
        card = Card((line(say(key, n=len(left), codes=", ".join(left[:8]))),), (to_report, home))
    elif agreed != f"{periods[0].end_on:%Y%m%d}":
        rows = (
            (Button(say("close.yes"), tap(Route.CLOSE, f"{periods[0].end_on:%Y%m%d}"), "success"),),
            (Button(say("close.no"), tap(Route.HOME)),),
        )
        card = Card((line(say("close.sure", period_name=name, agency=ex.agency_code)),), rows)
    else:
        close_periods(ex.actor, ex.agency_id, periods)
        on_time = say("close.on_time" if ex.today <= closing_due_on(periods) else "close.late")
        day = ex.day(ex.today)
        text = say("close.done", agency=ex.agency_code, period_name=name, date=day, on_time=on_time)
        card = Card((line(text),), (home,))
    ex.answer(card)


def _is_since(ex: Exchange, due: DueReport) -> bool:
    """Whether the item came into the plan after the agency had closed its period."""
    if not isinstance(due.item, Activity) or due.item.added_on is None or due.returned is not None:
        return False
    return ex.unit.closings.is_closed(ex.agency_id, due.period.id)
