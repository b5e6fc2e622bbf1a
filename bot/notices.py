"""The buttons under a reminder, and what stops reminders: tomorrow, nothing new, an explanation, a pause, a hand-over.

Every one of them is an ordinary command of COMMANDS: a reminder lies in a chat for months, so whatever is pressed is
looked at as things stand then, not as they stood when it was sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bot.exchange import Denied, Exchange
from bot.hands import Hand
from bot.occasion import Moment, Planned, carry
from bot.reminding import agenda_of, by_agency, hour_of, to_chase, worded
from bot.reporting import FORM_OF, Report, is_begun, open_report, report_nothing_new, show_nothing_left
from conversations.cards import Button, Card, Line, bold, line
from conversations.due import ONE_DAY, falls_on, instant, working_day_from, working_days_after
from conversations.engine import show_date
from conversations.plan import AGENCY_ROLES, DueReport, period_name, period_names
from conversations.reminders import (
    LADDER,
    NEEDS,
    Agenda,
    PauseKind,
    Recipient,
    Topic,
    left_of,
    silenced,
    told_topics,
)
from conversations.wording import wording
from storage.submissions import StoredSubmission

REASONS = ("no_progress", "waiting", "budget", "season")
"""Why there is nothing new; catalogue keys `nothing.reason.…`. What is said in words is a report of its own."""
PAUSES: tuple[int, ...] = (1, 3, 7, 14)
"""Days that can be chosen; none of them: until it is ended."""
LISTED = 8
LOOKED_AHEAD = timedelta(days=60)


# ------------------------------------------------------------------ under a reminder
def begin(ex: Exchange, argument: str) -> None:
    """Empezar: the report that is due first, or the word that nothing is left."""
    due = _left(ex)
    if not due:
        show_nothing_left(ex)
        return
    open_report(ex, Report(FORM_OF["activity"], due[0].item, due[0].period))


def postpone(ex: Exchange, argument: str) -> None:
    """Recordarme mañana: nothing more today, and a word on the next day on which one can come, if something is left.

    Where none can before everything locks, it says so.
    """
    plan_id, moment = ex.membership.plan_id, Moment.of(ex.membership.plan_id, ex.now, ex.house.timezone)
    [who] = ex.unit.schedule.recipients(plan_id, [ex.person.id])
    agenda = agenda_of(ex.unit, moment, ex.unit.schedule.outlook(plan_id, moment.today), [who])
    topics = told_topics(agenda, who, is_chased=True)
    about = [topic.period for topic in topics]
    if not about and not who.is_contributor:
        about = [report.period for report in _left(ex)]  # reopened for them: no reminder speaks of it
    if not about:
        show_nothing_left(ex)
        return
    ex.unit.schedule.answer(plan_id, ex.person.id, LADDER, "tomorrow")
    last = max(about, key=lambda period: period.locks_on)
    day = _next_word(ex, who, agenda, moment.day_of(who))
    until = day or moment.day_of(who) + ONE_DAY
    ex.unit.schedule.pause(plan_id, "snooze", ex.now, until, person_id=ex.person.id, by=ex.person.id)
    if day is not None:
        _say(ex, ex.say("remind.postponed", date=show_date(day.isoformat(), ex.language)))
    elif not last.is_reopened and working_day_from(moment.day_of(who) + ONE_DAY, agenda.holidays) < last.locks_on:
        _say(ex, ex.say("remind.postponed_off"))
    else:
        date = show_date((last.locks_on - ONE_DAY).isoformat(), ex.language)
        only_closes = any(topic.closes and topic.period == last for topic in topics)
        key = "remind.postponed_last_close" if only_closes else "remind.postponed_last"
        _say(ex, ex.say(key, date=date, period_name=period_name(last, ex.language)))


def _next_word(ex: Exchange, who: Recipient, agenda: Agenda, today: date) -> date | None:
    """The next day on which a reminder of what is left can come to them; None if none can while it is open."""
    found = [one for one in ex.unit.schedule.all(ex.membership.plan_id) if one.what == LADDER]
    own = ZoneInfo(who.timezone)
    for schedule in found:
        if schedule.paused_at is not None or (schedule.roles and who.role not in schedule.roles):
            continue
        for day in working_days_after(today, today + LOOKED_AHEAD, agenda.holidays):
            at = instant(day, hour_of(schedule, day, own), own)
            if (
                falls_on(schedule.days, day, agenda.holidays)
                and silenced(agenda, who, at, day) is None
                and told_topics(replace(agenda, today=day), who)
            ):
                return day
    return None


def nothing_new(ex: Exchange, argument: str) -> None:
    """Sin novedades: one reason for all that is left, and each is reported as last time. A report like any other."""
    due = _left(ex)
    if not due:
        show_nothing_left(ex)
        return
    if argument not in REASONS:
        rows = [(Button(ex.say(f"nothing.reason.{reason}"), f"command:novedades:{reason}"),) for reason in REASONS]
        rows.append((Button(ex.say("menu.home"), "command:menu:"),))
        unsent = [report for report in due if not report.returned]
        if not unsent:
            codes = _some(ex, [report.code for report in due])
            start = Button(ex.say("menu.report"), "command:empezar:", "primary")
            ex.show(Card((line(ex.say("nothing.returned", codes=codes)),), ((start,), rows[-1])))
            ex.stand(None)
            return
        about_ = period_names(dict.fromkeys(report.period for report in unsent), ex.language)
        ex.show(Card((line(bold(about_)), *_what_stays(ex, unsent), line(ex.say("nothing.why"))), tuple(rows)))
        ex.stand(None)
        return
    sent: list[tuple[DueReport, StoredSubmission]] = []
    begun: list[str] = []
    asking_more: list[str] = []
    returned = [report.code for report in due if report.returned]
    for report in due:
        about = Report(FORM_OF["activity"], report.item, report.period)
        if report.returned:
            continue
        if (stored := report_nothing_new(ex, about, argument)) is not None:
            sent.append((report, stored))
        else:
            (begun if is_begun(ex, about) else asking_more).append(report.code)
    lines: list[Line] = []
    if sent:
        lines.append(line(bold(ex.say("nothing.done" if len(sent) > 1 else "nothing.done_one", n=len(sent)))))
        for report, stored in sent:
            receipt = ex.say("nothing.receipt", receipt=f"{stored.receipt_number:04d}")
            lines.append(line(f"• {report.code} · {period_name(report.period, ex.language)} · {receipt}"))
    rows = []
    for key, some in (("nothing.begun", begun), ("nothing.returned", returned), ("nothing.left", asking_more)):
        if some:
            lines.append(line(ex.say(key, codes=_some(ex, some))))
    if begun or returned or asking_more:
        rows.append((Button(ex.say("menu.report"), "command:empezar:", "primary"),))
    else:
        rows.append((Button(ex.say("menu.close"), "command:cerrar:", "success"),))
    rows.append((Button(ex.say("menu.home"), "command:menu:new"),))
    ex.unit.schedule.answer(ex.membership.plan_id, ex.person.id, LADDER, "nothing_new")
    ex.show(Card(tuple(lines), tuple(rows)), kind="receipt", is_last=True)
    ex.stand(None)


def _what_stays(ex: Exchange, due: Sequence[DueReport]) -> Iterator[Line]:
    """What would be stored: as the report before, or, where there is none, that it has not begun."""
    for many, one, some in (
        ("nothing.stays", "nothing.stays_one", [report for report in due if report.previous is not None]),
        ("nothing.first", "nothing.first_one", [report for report in due if report.previous is None]),
    ):
        if some:
            codes = _some(ex, [report.code for report in some])
            yield line(ex.say(many if len(some) > 1 else one, n=len(some), codes=codes))


def _some(ex: Exchange, codes: Sequence[str]) -> str:
    named = ", ".join(codes[:LISTED])
    return named if len(codes) <= LISTED else f"{named} {ex.say('digest.more', n=len(codes) - LISTED)}"


def explain(ex: Exchange, argument: str) -> None:
    """Explicar qué pasa: what they need, for the coordinator's list; nobody is written to because of it."""
    if argument not in NEEDS:
        rows = [(Button(ex.say(f"remind.need.{need}"), f"command:explicar:{need}"),) for need in NEEDS]
        rows.append((Button(ex.say("remind.not_me"), "command:relevo:"),))
        ex.show(Card((line(ex.say("remind.help")),), tuple(rows)))
        ex.stand(None)
        return
    ex.unit.schedule.answer(ex.membership.plan_id, ex.person.id, LADDER, argument)
    _say(ex, ex.say("remind.explained"))


# ------------------------------------------------------------------ pauses
def pause(ex: Exchange, argument: str) -> None:
    """/pausar: for oneself; for a coordinator or admin, everybody's: a hurricane is one command (DOMAIN §5.3)."""
    is_everybody = ex.membership.role not in AGENCY_ROLES
    kind: PauseKind = "everybody" if is_everybody else "own"
    _paused(ex, argument, kind, "pausar", person_id=None if is_everybody else ex.person.id)


def _paused(ex: Exchange, argument: str, kind: PauseKind, command: str, *, person_id: int | None) -> date | None:
    """Choose, begin or end a pause of this kind; the day until which one has just begun."""
    say, plan_id, schedule = ex.say, ex.membership.plan_id, ex.unit.schedule
    today = ex.today if person_id is None else ex.now.astimezone(ex.zone).date()  # everybody's is the plan's
    if argument == "end":
        if person_id is None:
            resume_everybody(ex.hand)
        else:
            schedule.resume(plan_id, ex.now, person_id=person_id, kinds=(kind,))
        _say(ex, say(f"pause.{kind}.ended"))
        return None
    if argument.isascii() and argument.isdecimal() and int(argument) in (0, *PAUSES):
        until_on = today + timedelta(days=int(argument)) if argument != "0" else None
        if person_id is None:
            pause_everybody(ex.hand, until_on)
        else:
            schedule.pause(plan_id, kind, ex.now, until_on, person_id=person_id, by=ex.person.id)
        if until_on is None:
            text = say(f"pause.{kind}.begun_unlimited")
        else:
            text = say(f"pause.{kind}.begun", date=last_day(until_on, ex.language))
        rows = ((Button(say("pause.end"), f"command:{command}:end"),), (Button(say("menu.home"), "command:menu:"),))
        ex.show(Card((line(text),), rows))
        ex.stand(None)
        return until_on
    rows_: list[tuple[Button, ...]] = [
        tuple(
            Button(say("pause.days" if days > 1 else "pause.day", n=days), f"command:{command}:{days}") for days in pair
        )
        for pair in (PAUSES[:2], PAUSES[2:])
    ]
    if kind == "everybody":
        rows_.append((Button(say("pause.unlimited_button"), f"command:{command}:0"),))
    now = [p for p in schedule.pauses(plan_id, today) if p.kind == kind and p.person_id == person_id]
    lines = [line(say(f"pause.{kind}.choose"))]
    if any(p.pause.until_on is None or today < p.pause.until_on for p in now):
        until = now[-1].until_on
        text = say("pause.now", date=last_day(until, ex.language)) if until else say("pause.now_unlimited")
        lines.insert(0, line(bold(text)))
        rows_.append((Button(say("pause.end"), f"command:{command}:end", "success"),))
    rows_.append((Button(say("menu.home"), "command:menu:"),))
    ex.show(Card(tuple(lines), tuple(rows_)))
    ex.stand(None)
    return None


def last_day(until_on: date, language: str) -> str:
    """The last one without reminders, as people understand "until": that day too."""
    return show_date((until_on - ONE_DAY).isoformat(), language)


def pause_everybody(hand: Hand, until_on: date | None) -> None:
    """Nobody in the plan is reminded of anything before that day; without one, until it is ended."""
    hand.unit.schedule.pause(hand.plan_id, "everybody", hand.now, until_on, person_id=None, by=hand.person_id)
    details = {"until": until_on.isoformat() if until_on else ""}
    hand.unit.audit.record("reminders.paused", hand.person_id, hand.plan_id, details, hand.now)


def resume_everybody(hand: Hand) -> bool:
    """End that pause; whether there was one."""
    was = hand.unit.schedule.resume(hand.plan_id, hand.now, person_id=None, kinds=("everybody",))
    if was:
        hand.unit.audit.record("reminders.resumed", hand.person_id, hand.plan_id, {}, hand.now)
    return was


# ------------------------------------------------------------------ reminding by hand
def chase(ex: Exchange, argument: str) -> None:
    """/recordar: who has something to report or to close and was not reminded today; one press reminds them.

    Each in private. Of everybody else on the list it says why they are not reminded.
    """
    say, home = ex.say, (Button(ex.say("menu.home"), "command:menu:"),)
    agenda, found = to_chase(ex.unit, Moment.of(ex.membership.plan_id, ex.now, ex.house.timezone))
    if not found.waiting:
        ex.show(Card((line(say("chase.nobody")),), (home,)))
        ex.stand(None)
        return
    if argument == "yes" and found.meant:
        ex.forget_card()
        card = Card((line(say("chase.sending", sent=0, total=len(found.meant))),), (_stop_row(ex, 0),))
        _broadcast(ex, agenda, found.meant, card)
        return
    count = len(found.waiting)
    lines = [line(bold(say("chase.title" if count > 1 else "chase.title_one", n=count)))]
    open_ones = [period for period in agenda.periods if period.is_open(ex.today)]
    for code in found.waiting[: 2 * LISTED]:
        parts = [code, left_of(agenda, code, open_ones, ex.language)]
        reason = found.silent.get(code, "quiet_hours" if code in found.resting else None)
        if reason is not None and reason != "paused_for_everybody":
            parts.append(say("digest.no_focal_point") if reason == "no_role" else say(f"due.reason.{reason}"))
        lines.append(line("• ", " · ".join(parts)))
    if count > 2 * LISTED:
        lines.append(line(say("remind.more", n=count - 2 * LISTED)))
    if meant := len(found.meant):
        lines.append(line(say("chase.people" if meant > 1 else "chase.people_one", n=meant)))
    if told := len(found.told_today):
        lines.append(line(say("chase.told_today" if told > 1 else "chase.told_today_one", n=told)))
    if "paused_for_everybody" in found.silent.values():
        lines.append(line(say("chase.paused")))
    if found.resting and not found.meant:
        lines.append(line(say("chase.quiet")))
    now = len(found.agencies)
    key = "chase.now" if now > 1 else "chase.now_one"
    rows = [(Button(say(key, n=now), "command:recordar:yes", "primary"),)] if now else []
    ex.show(Card(tuple(lines), (*rows, home)))
    ex.stand(None)


def _broadcast(
    ex: Exchange,
    agenda: Agenda,
    meant: Sequence[tuple[Recipient, tuple[Topic, ...]]],
    card: Card,
) -> None:
    plan_id = ex.membership.plan_id
    number = ex.unit.schedule.begin_broadcast(plan_id, ex.person.id, None, len(meant), ex.now)
    card_id = ex.show(replace(card, rows=(_stop_row(ex, number),)), anew=True)
    ex.unit.schedule.set_broadcast(number, card_id=card_id, shown=f"0/{len(meant)}")
    _remind(ex.hand, agenda, meant, number)
    ex.forget_card()
    ex.stand(None)


def remind_now(hand: Hand) -> int:
    """What that press does, where nobody looks on: how many are reminded."""
    agenda, found = to_chase(hand.unit, Moment.of(hand.plan_id, hand.now, hand.timezone))
    return _remind(hand, agenda, found.meant, None)


def _remind(
    hand: Hand, agenda: Agenda, meant: Sequence[tuple[Recipient, tuple[Topic, ...]]], broadcast_id: int | None
) -> int:
    told = by_agency(who for who, _ in meant)
    planned = [
        Planned(
            who,
            hand.now.astimezone(ZoneInfo(who.timezone)).date(),
            (worded(topics, who, agenda, told),),
        )
        for who, topics in meant
    ]
    made = carry(
        hand.unit, hand.plan_id, LADDER, "reminder", planned, hand.now, is_by_hand=True, broadcast_id=broadcast_id
    )
    return made["said"]


def _stop_row(ex: Exchange, number: int) -> tuple[Button, ...]:
    return (Button(ex.say("chase.stop"), f"command:detener:{number}", "danger"),)


def stop(ex: Exchange, argument: str) -> None:
    """Take back what has not begun to leave of one's own broadcast, and say how many that were."""
    if not (argument.isascii() and argument.isdecimal() and len(argument) < 18):
        raise Denied
    found = ex.unit.schedule.broadcasts(int(argument))
    if not found or found[0].plan_id != ex.membership.plan_id or found[0].person_id != ex.person.id:
        raise Denied
    dropped = ex.unit.schedule.stop_broadcast(found[0].id, ex.now)
    if not dropped:
        ex.toast = ex.say("chase.all_gone")
    else:
        ex.toast = ex.say("chase.stopping" if dropped > 1 else "chase.stopping_one", n=dropped)


def progress_card(language: str, sent: int, total: int, *, is_over: bool, is_stopped: bool, number: int) -> Card:
    """How far a broadcast is, on its sender's phone."""
    say = wording(language)
    if not is_over:
        row = (Button(say("chase.stop"), f"command:detener:{number}", "danger"),)
        return Card((line(say("chase.sending", sent=sent, total=total)),), (row,))
    if is_stopped:
        key = "chase.stopped" if sent < total else "chase.stopped_late"
    elif sent < total:
        key = "chase.done_some"
    else:
        key = "chase.done" if sent != 1 else "chase.done_one"
    return Card((line(say(key, n=sent, total=total)),), ((Button(say("menu.home"), "command:menu:new"),),))


# ------------------------------------------------------------------ inside
def _left(ex: Exchange) -> list[DueReport]:
    due = ex.unit.plans.due(ex.membership.plan_id, ex.agency_id, ex.today)
    return [report for report in due if not report.is_indicator]


def _say(ex: Exchange, text: str) -> None:
    ex.show(Card((line(text),), ((Button(ex.say("menu.home"), "command:menu:"),),)))
    ex.stand(None)
