"""The buttons under a reminder, and what stops reminders: tomorrow, nothing new, an explanation, a pause, a delegation.

Each button is an ordinary route of PERMISSIONS. A reminder stays in a chat for months, so a tap looks at the present
state and not at the state when it was sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from bot.acts.calendar import pauses
from bot.acts.reports.reports import NothingNew, Report, is_begun, report_nothing_new, without_news
from bot.chat.exchange import Denied, Exchange, existing
from bot.schedule.agenda import agenda_of, outlook_of, reasons_of
from bot.schedule.by_hand import begin_broadcast, remind, show_broadcast_on, stop_broadcast
from bot.schedule.job import Moment
from bot.schedule.reminders import to_chase
from bot.screens.reports.closing import to_close
from bot.screens.reports.filling import reporter_of
from bot.screens.reports.opening import open_report, show_nothing_left
from bot.screens.reports.own_reports import pending
from conversations.card import Button, Card, Line, bold, home_button, italic, line, unstyled
from conversations.dates import show_day
from conversations.plan.calendar.agenda import NEEDS, Agenda, PauseKind, Recipient, Topic, told_topics
from conversations.plan.calendar.ledger import LADDER
from conversations.plan.calendar.notices import Chase, next_reminder_on
from conversations.plan.calendar.working_time import working_days_after
from conversations.plan.expected import DueReport
from conversations.plan.messages.reminders import close_button, left_of, reason_rows, reminder
from conversations.plan.model import AGENCY_ROLES
from conversations.plan.periods import ONE_DAY, ReportingPeriod, period_name, period_names, working_day_from
from conversations.routes import Route, tap
from conversations.session.profiles import FORM_OF
from storage.reports.submissions import StoredSubmission

REASONS = ("no_progress", "waiting", "budget", "season")
"""Reasons why there is nothing new; catalogue keys `nothing.reason.…`. A reason in words needs an ordinary report."""
PAUSES: tuple[int, ...] = (1, 3, 7, 14)
"""Days of a pause that can be chosen. None lasts until somebody ends it."""
LISTED = 8
LOOKED_AHEAD = timedelta(days=60)


# ------------------------------------------------------------------ under a reminder
def begin(ex: Exchange, code: str) -> None:
    """Empezar: begin the report of the reminder's period that is due first.

    A reminder stays in a chat for months. If its period takes no more reports, say so, and show what is left of other
    periods.
    """
    due = _left(ex)
    about = _period_of_own(ex, code)
    if about is not None:
        of_it = [report for report in due if report.period.code == about.code]
        if not of_it:
            key = "remind.all_sent" if about.is_open(ex.today) else "remind.closed"
            ex.opening = ex.say(key, period_name=period_name(about, ex.language))
            if due:
                pending(ex)
            else:
                show_nothing_left(ex)
            return
        due = of_it
    if not due:
        show_nothing_left(ex)
        return
    open_report(ex, Report(FORM_OF["activity"], due[0].item, due[0].period))


def _period_of_own(ex: Exchange, code: str) -> ReportingPeriod | None:
    return existing(ex.unit.plans.period, ex.membership.plan_id, code, ex.agency_id) if code else None


def postpone(ex: Exchange) -> None:
    """Recordarme mañana: nothing more today, and a reminder on the next possible day if something is left.

    If no reminder is possible before everything locks, say so.
    """
    plan_id, moment = ex.membership.plan_id, Moment(ex.membership.plan_id, ex.now, ex.today)
    [who] = ex.unit.recipients.all(plan_id, [ex.person.id])
    agenda = agenda_of(ex.unit, moment, outlook_of(ex.unit, moment), [who])
    topics = told_topics(agenda, who, is_chased=True)
    about = [topic.period for topic in topics]
    if not about and not who.is_contributor:
        about = [report.period for report in _left(ex)]  # reopened for them: no reminder mentions it
    if not about:
        show_nothing_left(ex)
        return
    last = max(about, key=lambda period: period.locks_on)
    day = _next_word(ex, who, agenda, moment.day_of(who))
    until = day or moment.day_of(who) + ONE_DAY
    pauses.postpone(ex.actor, until)
    if day is not None:
        ex.answer_line(ex.say("remind.postponed", date=ex.day(day)))
    elif not last.is_reopened and working_day_from(moment.day_of(who) + ONE_DAY, agenda.holidays) < last.locks_on:
        ex.answer_line(ex.say("remind.postponed_off"))
    else:
        only_closes = any(topic.closes and topic.period == last for topic in topics)
        key = "remind.postponed_last_close" if only_closes else "remind.postponed_last"
        ex.answer_line(ex.say(key, date=ex.day(last.last_on), period_name=period_name(last, ex.language)))


def _next_word(ex: Exchange, who: Recipient, agenda: Agenda, today: date) -> date | None:
    """Return the next day on which a reminder of the rest can come. None if none can come while the period is open."""
    found = [one for one in ex.unit.schedules.all(ex.membership.plan_id) if one.what == LADDER]
    days = list(working_days_after(today, today + LOOKED_AHEAD, agenda.holidays))
    meant = (one for one in found if one.paused_at is None and one.among([who.role]))
    coming = (next_reminder_on(agenda, who, one.recurrence, days) for one in meant)
    return next((day for day in coming if day is not None), None)


def nothing_new(ex: Exchange, reason: str) -> None:
    """Sin novedades: one reason for everything that is left.

    Each item gets an ordinary report that repeats the last one.
    """
    due = _left(ex)
    if not due:
        show_nothing_left(ex)
        return
    if reason not in REASONS:
        _ask_why(ex, due)
        return
    sent: list[tuple[DueReport, StoredSubmission]] = []
    apart: list[DueReport] = []
    for report in due:
        stored = None if report.returned else report_nothing_new(reporter_of(ex), _about(report), reason)
        if stored is None:
            apart.append(report)
        else:
            sent.append((report, stored))
    lines: list[Line] = []
    if sent:
        lines.append(line(bold(ex.say("nothing.done" if len(sent) > 1 else "nothing.done_one", n=len(sent)))))
        for report, stored in sent:
            receipt = ex.say("nothing.receipt", receipt=f"{stored.receipt_number:04d}")
            lines.append(line(f"• {report.code} · {period_name(report.period, ex.language)} · {receipt}"))
    lines += _apart(ex, apart)
    rows: list[tuple[Button, ...]] = []
    if apart:
        rows.append((_start(ex),))
    elif closes := to_close(ex, ex.unit.plans.open_periods(ex.membership.plan_id, ex.today, ex.agency_id)):
        rows.append((close_button(closes, ex.say),))
    rows.append((home_button(ex.say, anew=True),))
    pauses.answer(ex.actor, "nothing_new")
    ex.answer(Card(tuple(lines), tuple(rows)), kind="receipt", is_last=True)


def _ask_why(ex: Exchange, due: Sequence[DueReport]) -> None:
    """Name what would be sent, and ask for the reason. What must be reported apart is named before, not after."""
    stays: list[tuple[DueReport, NothingNew]] = []
    others: list[DueReport] = []
    for report in due:
        found = None if report.returned else without_news(reporter_of(ex), _about(report), REASONS[0])
        if found is None:
            others.append(report)
        else:
            stays.append((report, found))
    apart = _apart(ex, others)
    home = (home_button(ex.say),)
    if not stays:
        ex.answer(Card(tuple(apart), ((_start(ex),), home)))
        return
    names = period_names(dict.fromkeys(report.period for report, _ in stays), ex.language)
    head = line(bold(f"{names[0].upper()}{names[1:]}"))
    rows = [(Button(ex.say(f"nothing.reason.{reason}"), tap(Route.NOTHING_NEW, reason)),) for reason in REASONS]
    ex.answer(Card((head, *_what_stays(ex, stays), *apart, line(ex.say("nothing.why"))), (*rows, home)))


def _apart(ex: Exchange, reports: Sequence[DueReport]) -> Iterator[Line]:
    """Name what is not sent with the rest, and why: somebody has begun it, it came back, or its form asks for more."""
    by_reason: dict[str, list[str]] = {"nothing.begun": [], "nothing.returned": [], "nothing.left": []}
    for report in reports:
        is_draft = not report.returned and is_begun(reporter_of(ex), _about(report))
        key = "nothing.returned" if report.returned else "nothing.begun" if is_draft else "nothing.left"
        by_reason[key].append(report.code)
    for key, codes in by_reason.items():
        if codes:
            yield line(ex.say(key, codes=_some(ex, codes)))


def _about(report: DueReport) -> Report:
    return Report(FORM_OF["activity"], report.item, report.period)


def _start(ex: Exchange) -> Button:
    return Button(ex.say("menu.report"), tap(Route.BEGIN), "primary")


def _what_stays(ex: Exchange, stays: Sequence[tuple[DueReport, NothingNew]]) -> Iterator[Line]:
    """Show what would be stored: the values of the report before, or "not begun" without one."""
    for many, one, some in (
        ("nothing.stays", "nothing.stays_one", [report.code for report, new in stays if new.repeats]),
        ("nothing.first", "nothing.first_one", [report.code for report, new in stays if not new.repeats]),
    ):
        if some:
            yield line(ex.say(many if len(some) > 1 else one, n=len(some), codes=_some(ex, some)))


def _some(ex: Exchange, codes: Sequence[str]) -> str:
    named = ", ".join(codes[:LISTED])
    return named if len(codes) <= LISTED else f"{named} {ex.say('digest.more', n=len(codes) - LISTED)}"


def explain(ex: Exchange, need: str) -> None:
    """Explicar qué pasa: record what holds them back, for the coordinator's list. Nobody is notified."""
    reasons = reasons_of(ex.unit, ex.membership.plan_id)
    if need not in NEEDS and need not in reasons:
        rows = reason_rows(reasons, ex.language)
        rows.append((Button(ex.say("remind.not_me"), tap(Route.LEAVE_POST)),))
        ex.answer(Card((line(ex.say("remind.help")),), tuple(rows)))
        return
    pauses.answer(ex.actor, need)
    ex.answer_line(ex.say("remind.explained"))


# ------------------------------------------------------------------ pauses
def pause(ex: Exchange, choice: str) -> None:
    """/pausar: pause the person's own reminders. A coordinator or admin can pause everybody's
    (docs/domain.md#reminders).
    """
    is_everybody = ex.membership.role not in AGENCY_ROLES
    today = ex.today if is_everybody else ex.now.astimezone(ex.zone).date()  # everybody's is the plan's
    if choice == "end":
        (pauses.resume_everybody if is_everybody else pauses.resume_own)(ex.actor)
        ex.answer_line(ex.say(f"pause.{_kind(ex)}.ended"))
    elif choice in map(str, (0, *PAUSES)):
        until_on = today + timedelta(days=int(choice)) if choice != "0" else None
        (pauses.pause_everybody if is_everybody else pauses.pause_own)(ex.actor, until_on)
        _show_begun(ex, until_on)
    else:
        _offer_pauses(ex, today)


def _kind(ex: Exchange) -> PauseKind:
    return "own" if ex.membership.role in AGENCY_ROLES else "everybody"


def _show_begun(ex: Exchange, until_on: date | None) -> None:
    if until_on is None:
        text = ex.say(f"pause.{_kind(ex)}.begun_unlimited")
    else:
        text = ex.say(f"pause.{_kind(ex)}.begun", date=last_day(until_on, ex.language))
    rows = ((Button(ex.say("pause.end"), tap(Route.PAUSE, "end")),), (home_button(ex.say),))
    ex.answer(Card((line(text),), rows))


def _offer_pauses(ex: Exchange, today: date) -> None:
    """Offer the lengths of a pause; if one lasts now, say until when, and offer its end."""
    say, kind = ex.say, _kind(ex)
    rows: list[tuple[Button, ...]] = [
        tuple(Button(say("pause.days" if days > 1 else "pause.day", n=days), tap(Route.PAUSE, days)) for days in pair)
        for pair in (PAUSES[:2], PAUSES[2:])
    ]
    if kind == "everybody":
        rows.append((Button(say("pause.unlimited_button"), tap(Route.PAUSE, 0)),))
    person_id = None if kind == "everybody" else ex.person.id
    current = ex.unit.pauses.current(ex.membership.plan_id, today)
    now = [p for p in current if p.kind == kind and p.person_id == person_id]
    lines = [line(say(f"pause.{kind}.choose"))]
    if any(p.pause.until_on is None or today < p.pause.until_on for p in now):
        until = now[-1].until_on
        text = say("pause.now", date=last_day(until, ex.language)) if until else say("pause.now_unlimited")
        lines.insert(0, line(bold(text)))
        rows.append((Button(say("pause.end"), tap(Route.PAUSE, "end"), "success"),))
    rows.append((home_button(say),))
    ex.answer(Card(tuple(lines), tuple(rows)))


def last_day(until_on: date, language: str) -> str:
    """Return the last day without reminders: people understand "until" as including that day."""
    return show_day(until_on - ONE_DAY, language)


# ------------------------------------------------------------------ reminding by hand
def chase(ex: Exchange, answer: str = "") -> None:
    """/recordar: show the people who owe something and were not reminded today. One press reminds them.

    Each of them is reminded in private. For the others on the list, it says why they are not reminded.
    """
    say, home = ex.say, (home_button(ex.say),)
    agenda, found = to_chase(ex.unit, Moment(ex.membership.plan_id, ex.now, ex.today))
    if not found.waiting:
        ex.answer_line(say("chase.nobody"))
        return
    if answer == "yes" and found.meant:
        ex.forget_card()
        card = Card((line(say("chase.sending", sent=0, total=len(found.meant))),), (_stop_row(ex, 0),))
        _broadcast(ex, agenda, found.meant, card)
        return
    now = len(found.agencies)
    key = "chase.now" if now > 1 else "chase.now_one"
    rows = [(Button(say(key, n=now), tap(Route.CHASE, "yes"), "primary"),)] if now else []
    ex.answer(Card((*_who_waits(ex, agenda, found), *_who_is_told(ex, agenda, found)), (*rows, home)))


def _who_waits(ex: Exchange, agenda: Agenda, found: Chase) -> Iterator[Line]:
    """List the agencies that owe something, what it is, and why nobody there is reminded."""
    say, count = ex.say, len(found.waiting)
    yield line(bold(say("chase.title" if count > 1 else "chase.title_one", n=count)))
    open_ones = [period for period in agenda.periods if period.is_open(ex.today)]
    yield from (line(each.named_until(ex.language)) for each in open_ones)
    for code in found.waiting[: 2 * LISTED]:
        parts = [code, left_of(agenda, code, open_ones, ex.language)]
        reason = found.silent.get(code, "quiet_hours" if code in found.resting else None)
        if reason is not None and reason != "paused_for_everybody":
            parts.append(say("digest.no_focal_point") if reason == "no_role" else say(f"due.reason.{reason}"))
        yield line("• ", " · ".join(parts))
    if count > 2 * LISTED:
        yield line(say("remind.more", n=count - 2 * LISTED))


def _who_is_told(ex: Exchange, agenda: Agenda, found: Chase) -> Iterator[Line]:
    """Say how many people a press reminds and how many were reminded today, and show the words that one would read."""
    say = ex.say
    if meant := len(found.meant):
        yield line(say("chase.people" if meant > 1 else "chase.people_one", n=meant))
    if told := len(found.told_today):
        yield line(say("chase.told_today" if told > 1 else "chase.told_today_one", n=told))
    if "paused_for_everybody" in found.silent.values():
        yield line(say("chase.paused"))
    if found.meant:
        yield from (line(""), line(say("chase.text")), *_text_of(ex, agenda, *found.meant[0]))
    elif found.resting:
        yield line(say("chase.quiet"))


def _text_of(ex: Exchange, agenda: Agenda, who: Recipient, topics: tuple[Topic, ...]) -> Iterator[Line]:
    """The text that one of them would read, in the language of the person who looks."""
    for parts in reminder(topics, replace(who, language=ex.language), agenda, colleague=None).lines:
        if text := unstyled(parts):
            yield line(italic(text))


def _broadcast(
    ex: Exchange,
    agenda: Agenda,
    meant: Sequence[tuple[Recipient, tuple[Topic, ...]]],
    card: Card,
) -> None:
    number = begin_broadcast(ex.actor, len(meant))
    card_id = ex.show(card._replace(rows=(_stop_row(ex, number),)), anew=True)
    show_broadcast_on(ex.actor, number, card_id, len(meant))
    remind(ex.actor, agenda, meant, number)
    ex.forget_card()
    ex.stand(None)


def _stop_row(ex: Exchange, number: int) -> tuple[Button, ...]:
    return (Button(ex.say("chase.stop"), tap(Route.STOP_BROADCAST, number), "danger"),)


def stop(ex: Exchange, number: int) -> None:
    """Cancel the messages of the person's own broadcast that are not sent yet, and say how many."""
    dropped = stop_broadcast(ex.actor, number)
    if dropped is None:
        raise Denied
    if not dropped:
        ex.toast = ex.say("chase.all_gone")
    else:
        ex.toast = ex.say("chase.stopping" if dropped > 1 else "chase.stopping_one", n=dropped)


# ------------------------------------------------------------------ inside
def _left(ex: Exchange) -> list[DueReport]:
    due = ex.due()
    return [report for report in due if not report.is_indicator]
