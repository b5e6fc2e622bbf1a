"""The digest in the chat: the week, its picture, and from an agency down to the evidence in the same message.

A coordinator reads it between two meetings, so whatever it names is a tap away and the way back is one too. Every
button proves nothing (S3): role, plan and agency are read again inside each tap's unit, and what a reader may not
see is not there to be found by a forged one.

The text is a message with buttons, edited in place; the picture is a message of its own above it, because a
photo's caption ends at 1 024 characters and a digest does not. The picture travels through the outbox as what it
shows, not as a file, and is drawn while it is sent (`bot.picture`): no update waits for Pillow, nothing is left on
disk, and after a crash it is drawn again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from bot.access import REPORTERS
from bot.exchange import Denied, Exchange, number_of
from bot.hands import message
from bot.occasion import Job, Message, Moment, as_planned, regular
from bot.reminding import carried, to_chase, told_rungs
from bot.reporting import status_label
from bot.telegram import render
from conversations import digests
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.due import Rung
from conversations.monitoring import ActivityStanding, AgencyStanding, Standing, plenary_items
from conversations.plan import Light, Role, period_name, translated
from conversations.reminders import CARRIERS, Agenda, Chase, Recipient, closing_acts, closing_topics
from conversations.wording import Wording, wording
from storage.figures import Figures
from storage.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

WEEK = timedelta(days=7)
ON_A_SCREEN = 24
"""Agencies with a button of their own; the worst, or in alphabetical order: a commission fits, three taps from all."""
IN_A_ROW = 3
ACTIVITIES = 12
BUTTON = 40


@dataclass(frozen=True, slots=True)
class View:
    """What a role sees of a plan (DOMAIN §2.7)."""

    only_validated: bool
    """Statuses and lights come from reports that the coordinator has validated."""
    is_public: bool
    """A restricted activity has a light and a code here, but no text."""
    alphabetical: bool
    """Institutions are not ranked before those who do not have to act."""
    is_answers: bool
    """Whether answers and files of a report are shown, restricted ones never."""


VIEWS: dict[str, View] = {
    Role.COORDINATOR: View(only_validated=False, is_public=False, alphabetical=False, is_answers=True),
    Role.ADMIN: View(only_validated=True, is_public=True, alphabetical=False, is_answers=False),
    Role.OBSERVER: View(only_validated=True, is_public=True, alphabetical=True, is_answers=False),
    Role.READER: View(only_validated=True, is_public=True, alphabetical=True, is_answers=False),
    Role.FOCAL_POINT: View(only_validated=False, is_public=False, alphabetical=False, is_answers=True),
    Role.ALTERNATE: View(only_validated=False, is_public=False, alphabetical=False, is_answers=True),
}
RANKED = frozenset({Role.COORDINATOR, Role.ADMIN})
"""Who gets the week; the others get a card."""


# ------------------------------------------------------------------ handlers
def summary(ex: Exchange, argument: str) -> None:
    """/resumen: the week for whoever coordinates, the card of the month for readers, one's own agency for the rest.

    Asked for anew it goes below with its picture; coming back to it (`argument` is a page) it is edited in place.
    """
    if ex.membership.role in REPORTERS:
        agency(ex, "")
        return
    found = _standing(ex)
    role = Role(ex.membership.role)
    page = number_of(argument) if argument else 0
    card = _card(ex.unit, ex.membership.plan_id, role, found, ex.language, page, _ladder(ex.unit, _moment(ex)))
    if argument:
        _show(ex, card)
        return
    ex.forget_card()
    if shown := _picture(role, found, ex.language):
        ex.post("sendPhoto", shown)
    ex.show(card)
    ex.stand(None)


def agency(ex: Exchange, argument: str) -> None:
    """One institution: whether it closed, who reports for it, and its activities, the worst first."""
    code, _, page = argument.partition(".")
    is_own = ex.membership.role in REPORTERS
    if is_own:
        if code not in ("", ex.agency_code):
            raise Denied
        code = ex.agency_code
    found = _standing(ex)
    one = found.agency(code)
    if one is None:
        if code and not is_own:
            raise Denied
        ex.show(Card((line(ex.say("digest.no_reports")),), ((Button(ex.say("menu.home"), "command:menu:"),),)))
        ex.stand(None)
        return
    card = _agency_card(one, found, _view(ex), ex.say, number_of(page or "0"), is_own=is_own)
    if is_own and not ex.query_id:
        ex.show(card)
        ex.stand(None)
    else:
        _show(ex, card)


def activity(ex: Exchange, argument: str) -> None:
    """One activity: its light and why, what was last reported, and its evidence."""
    one, found = _activity(ex, argument)
    sent = None
    if one.last is not None:
        sent = ex.unit.submissions.get(one.last.submission_id)
    _show(ex, _activity_card(ex, one, found, sent))


def evidence(ex: Exchange, argument: str) -> None:
    """Send one file of an activity's last report, below. Never of a restricted one, never to who reads no answers."""
    code, _, number = argument.partition(".")
    one, _found = _activity(ex, code)
    if one.last is None or not _view(ex).is_answers or one.activity.is_restricted:
        raise Denied
    sent = ex.unit.submissions.get(one.last.submission_id)
    wanted = number_of(number)
    for file in ex.unit.attachments.of_instance(sent.instance_id):
        if file.id == wanted and not file.sensitive:
            upload = {"path": f"evidence:{file.key}", "name": file.original_name, "type": file.mime_type}
            payload = {"caption": f"{one.code} · {file.original_name}"[:200], "@files": {"document": upload}}
            ex.post("sendDocument", payload | {"protect_content": True})
            return
    raise Denied


def decision(ex: Exchange, argument: str) -> None:
    """What waits for a decision, one at a time."""
    found, say = _standing(ex), ex.say
    number = number_of(argument or "0")
    rows = [(Button(say("digest.back"), "command:resumen:0"),)]
    if len(plenary_items(found)) > 1:
        rows.insert(0, (Button(say("digest.next"), f"command:decision:{number + 1}"),))
    _show(ex, Card(digests.decision_card(found, number, ex.language), tuple(rows)))


def indicators(ex: Exchange, argument: str) -> None:
    """Indicators against their targets, as they may be shown to anybody: the figures pass through this chat."""
    say, page, plan_id = ex.say, number_of(argument or "0"), ex.membership.plan_id
    found = Figures(ex.unit).indicators(plan_id, ex.now, _zone(ex.unit, plan_id))
    rows = [(Button(say("digest.back"), "command:resumen:0"),)]
    if digests.indicator_pages(found) > 1:
        rows.insert(0, (Button(say("digest.page"), f"command:metas:{page + 1}"),))
    _show(ex, Card(digests.indicators_card(found, page, ex.language), tuple(rows)))


def vacancy(ex: Exchange, argument: str) -> None:
    """Ask whoever administers to name a focal point: a link is theirs to make. Once a day for an agency."""
    found = _standing(ex)
    one = found.agency(argument)
    if one is None or one.focal_points:
        raise Denied
    name, today = f"vacancy.{ex.membership.plan_id}.{one.code}", found.today.isoformat()
    if ex.unit.facts.get(name) != today:
        ex.unit.facts.set(name, today, ex.now)
        for admin in ex.unit.people.with_role(ex.membership.plan_id, Role.ADMIN):
            say = wording(admin.language)
            tap = f"command:invitar:{Role.FOCAL_POINT}.{one.code}"
            card = Card(
                (line(say("digest.vacancy", name=ex.person.name, agency=one.code)),),
                ((Button(say("digest.invite", agency=one.code), tap),),),
            )
            payload = message(card)
            ex.post("sendMessage", payload, kind="notice", chat_id=admin.telegram_id)
    ex.toast = ex.say("digest.vacancy_told", agency=one.code)


def vacancies(ex: Exchange) -> list[str]:
    """Codes of the agencies that the week counts as without a focal point, for whoever names one."""
    return [agency.code for agency in digests.vacancies(_standing(ex))]


# ------------------------------------------------------------------ for the scheduler and the command line
def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """For the scheduler: to each of these people the picture and the text of their role, in their language.

    Counted once a role. The text is a card: its buttons work as those of /resumen, in the same message. It says what
    the ladder has for the same person that day (`CARRIERS`): to coordinators what /resumen says of it too, to those
    who contribute indicators their reminder.
    """
    zone = _zone(unit, moment.plan_id)
    counted: dict[bool, Standing] = {}
    made: dict[int, tuple[Message, ...]] = {}
    ladder = _ladder(unit, moment)
    reminders = carried(unit, moment, people)
    for who in people:
        only_validated = VIEWS[who.role].only_validated
        if only_validated not in counted:
            counted[only_validated] = Figures(unit).standing(
                moment.plan_id, moment.now, moment.now - WEEK, zone, only_validated=only_validated
            )
        found = counted[only_validated]
        card = _card(unit, moment.plan_id, who.role, found, who.language, 0, ladder)
        rungs: tuple[Rung, ...] = ()
        if who.role is Role.COORDINATOR:
            rungs = told_rungs(ladder()[0], who, moment)
        elif who.person_id in reminders:
            reminder, rungs = reminders[who.person_id]
            card = Card((*card.lines, line(""), *reminder.lines), (*reminder.rows, *card.rows))
        payload = message(card)
        shown = _picture(who.role, found, who.language)
        picture = (Message(shown, "sendPhoto"),) if shown else ()
        made[who.person_id] = (*picture, Message(payload, is_card=True, rungs=rungs))
    return made


COORDINATORS, READERS = CARRIERS["digest"], CARRIERS["card"]

WEEKLY = Job("digest", "digest", COORDINATORS, "mon", time(8, 30), regular(compose, COORDINATORS), as_planned)
"""The coordinator's week, on Monday before the first meeting."""
MONTHLY = Job("card", "digest", READERS, "month:16", time(9), regular(compose, READERS), as_planned)
"""The reader's card and the observer's view: on the 16th or the next working day, when the month is locked."""


def printed(unit: UnitOfWork, plan_id: int, now: datetime, since: datetime, language: str) -> str:
    """The coordinator's week as text."""
    found = Figures(unit).standing(plan_id, now, since, _zone(unit, plan_id))
    return "\n".join("".join(span.text for span in each) for each in digests.digest(found, language))


# ------------------------------------------------------------------ cards
def _card(
    unit: UnitOfWork,
    plan_id: int,
    role: Role,
    found: Standing,
    language: str,
    page: int,
    ladder: Callable[[], tuple[Agenda, Chase]],
) -> Card:
    say, view = wording(language), VIEWS[role]
    rows: list[tuple[Button, ...]] = []
    lines: tuple[Line, ...]
    if role in RANKED:
        agenda, to_chase = ladder()
        topics = closing_topics(agenda, agenda.steps) if role is Role.COORDINATOR else ()
        lines = digests.digest(found, language, topics, agenda, is_public=view.is_public)
        rows += _acts(role, found, say, len(to_chase.agencies))
        rows += closing_acts(agenda, topics, language)
    elif role is Role.READER:
        lines = digests.minister_card(found, language)
        if waiting := plenary_items(found):
            rows.append((Button(say("digest.see_decisions", n=len(waiting)), "command:decision:0"),))
    else:
        areas = [(area.code, translated(area.name, language)) for area in unit.plans.strategic_areas(plan_id)]
        lines = digests.observer_card(found, language, areas, MIN_CELL)
    rows.append((Button(say("digest.indicators"), "command:metas:0"),))
    rows += _agency_rows(found, view, page, say)
    rows.append((Button(say("menu.home"), "command:menu:"),))
    return Card(lines, tuple(rows))


MIN_CELL = 10
"""What the observer's card promises; an indicator's own rule may be finer."""


def _acts(role: Role, found: Standing, say: Wording, to_remind: int) -> list[tuple[Button, ...]]:
    """What can be done from here, as far as this role may and the house has it."""
    from bot import commands  # the table that this module's handlers are in

    def may(name: str) -> bool:
        command = commands.find(name)
        return command is not None and role in command.roles

    row: list[Button] = []
    if found.queue.count and may("revisar"):
        row.append(Button(say("digest.review", n=found.queue.count), "command:revisar:"))
    if to_remind and may("recordar"):
        row.append(Button(say("digest.remind", n=to_remind), "command:recordar:"))
    rows = [tuple(row)] if row else []
    vacant = [agency.code for agency in digests.vacancies(found)]
    if len(vacant) > 1 and may("personas"):
        rows.append((Button(say("digest.invite_several", n=len(vacant)), "command:personas:vacant"),))
    elif vacant:
        tap = f"command:invitar:{Role.FOCAL_POINT}.{vacant[0]}" if may("invitar") else f"command:vacante:{vacant[0]}"
        rows.append((Button(say("digest.invite", agency=vacant[0]), tap),))
    return rows


def _agency_rows(found: Standing, view: View, page: int, say: Wording) -> list[tuple[Button, ...]]:
    order = (lambda a: (a.code,)) if view.alphabetical else digests.urgency
    agencies = sorted(found.agencies, key=order)
    pages = max(1, -(-len(agencies) // ON_A_SCREEN))
    page %= pages
    shown = agencies[page * ON_A_SCREEN : (page + 1) * ON_A_SCREEN]
    buttons = [Button(f"{a.worst.light.shape} {a.code}", f"command:institucion:{a.code}") for a in shown]
    rows = [tuple(buttons[at : at + IN_A_ROW]) for at in range(0, len(buttons), IN_A_ROW)]
    if pages > 1:
        rows.append((Button(say("digest.page"), f"command:resumen:{(page + 1) % pages}"),))
    return rows


def _agency_card(
    one: AgencyStanding, found: Standing, view: View, say: Wording, page: int, *, is_own: bool = False
) -> Card:
    name = translated(one.agency.name, say.language)
    lines: list[Line] = [line(bold(say("digest.agency", agency=one.code, name=name)))]
    if one.is_expected:
        month = digests.closing_name(found.closing, say)
        if one.closed_at is None:
            text = say("digest.not_closed", period_name=month, reported=one.reported, expected=one.expected)
        else:
            key = "digest.closed_on_time" if one.is_on_time else "digest.closed_late"
            text = say(key, period_name=month, date=digests.day(one.closed_at, found, say))
        lines.append(line(text))
    lines.append(line(digests.light_counts(one.activities, say)))
    if not view.is_public:
        if not one.focal_points:
            lines.append(line(f"👤 {say('digest.no_focal_point')}"))
        if one.unreachable:
            lines.append(line(f"🚫 {say('digest.unreachable')} {', '.join(one.unreachable)}"))
    order = sorted(one.activities, key=lambda each: (_ORDER[each.light], each.code))
    pages = max(1, -(-len(order) // ACTIVITIES))
    page %= pages
    rows: list[tuple[Button, ...]] = []
    for each in order[page * ACTIVITIES : (page + 1) * ACTIVITIES]:
        text = f"{_shape(each)} {digests.title(each.activity, say, is_public=view.is_public)}"
        rows.append((Button(digests.cut(text, BUTTON), f"command:avance:{each.code}"),))
    if pages > 1:
        rows.append((Button(say("digest.page"), f"command:institucion:{one.code}.{page + 1}"),))
    rows.append(
        (Button(say("menu.home"), "command:menu:"),) if is_own else (Button(say("digest.back"), "command:resumen:0"),)
    )
    return Card(tuple(lines), tuple(rows))


_ORDER = {Light.CRITICAL: 0, Light.ATTENTION: 1, Light.ON_TRACK: 2, Light.GREY: 3}


def _shape(each: ActivityStanding) -> str:
    return "✅" if each.is_completed else each.light.shape


def _activity_card(ex: Exchange, one: ActivityStanding, found: Standing, sent: StoredSubmission | None) -> Card:
    say, view = ex.say, _view(ex)
    is_hidden = one.activity.is_restricted or (sent is not None and sent.sensitive)
    head = digests.title(one.activity, say, is_public=view.is_public)
    lines: list[Line] = [line(bold(f"{one.activity.agency_code} · {head}"))]
    start, due = (digests.day(on, found, say) for on in (one.activity.start_on, one.activity.due_on))
    lines.append(line(italic(say("digest.dates", start=start, due=due))))
    lines.append(line(one.light.label(say.language) if one.light is not Light.GREY else say("digest.grey")))
    if why := digests.why(one, found, say):
        lines.append(line(say("digest.why", what=", ".join(why))))
    lines.append(line(""))
    rows: list[tuple[Button, ...]] = []
    if one.last is None or sent is None:
        lines.append(line(say("digest.no_validated" if view.only_validated else "digest.no_reports")))
    else:
        period = next(p for p in found.periods if p.id == one.last.period_id)
        lines.append(
            line(
                italic(
                    say(
                        "digest.reported_on",
                        period_name=period_name(period, say.language),
                        date=digests.day(one.last.sent_at, found, say),
                        state=say(f"history.{one.last.state}"),
                    )
                )
            )
        )
        status = status_label(ex, one.last.status)
        lines.append(line(bold(say("digest.progress", status=status, progress=one.last.progress))))
        if reasons := digests.reason(one, found, say):
            lines.append(line(say("digest.held_back", what=reasons)))
        if is_hidden:
            lines.append(line(say("history.hidden" if view.is_answers else "digest.reserved")))
        elif view.is_answers:
            lines += ex.house.forms.summary(ex.unit, sent, ex.language)
        if not is_hidden:
            rows += _files(ex, one, found, sent, lines)
    if ex.membership.role == Role.OBSERVER:
        rows.append((Button(say("command.comentar"), f"command:comentar:{one.code}"),))
    code = one.activity.agency_code
    rows.append((Button(say("digest.back_to", agency=code), f"command:institucion:{code}"),))
    return Card(tuple(lines), tuple(rows))


def _files(
    ex: Exchange, one: ActivityStanding, found: Standing, sent: StoredSubmission, lines: list[Line]
) -> list[tuple[Button, ...]]:
    """A button for each file; without one, a line that says so."""
    say = ex.say
    files = [file for file in ex.unit.attachments.of_instance(sent.instance_id) if not file.sensitive]
    if not files:
        if one.last is not None and one.last.promises_evidence:
            date = digests.day(one.last.sent_at, found, say)
            lines.append(line(say("digest.evidence_later", date=date)))
        else:
            lines.append(line(say("digest.evidence_none")))
        return []
    if not _view(ex).is_answers:
        lines.append(line(say("digest.evidence_there", n=len(files))))
        return []
    return [
        (Button(digests.cut(f"📎 {file.original_name}", BUTTON), f"command:evidencia:{one.code}.{file.id}"),)
        for file in files[:ACTIVITIES]
    ]


# ------------------------------------------------------------------ inside
def _moment(ex: Exchange) -> Moment:
    return Moment.of(ex.membership.plan_id, ex.now, ex.house.timezone)


def _ladder(unit: UnitOfWork, moment: Moment) -> Callable[[], tuple[Agenda, Chase]]:
    """What the ladder goes by, and whom /recordar would reach, as it counts them: asked for when needed, and once."""
    return cache(lambda: to_chase(unit, moment))


def _view(ex: Exchange) -> View:
    return VIEWS[ex.membership.role]


def _zone(unit: UnitOfWork, plan_id: int) -> ZoneInfo:
    """The plan's own: what comes on schedule, what is asked for and what is printed count by the same days."""
    return ZoneInfo(unit.plans.by_id(plan_id).timezone)


def _standing(ex: Exchange) -> Standing:
    plan_id, only_validated = ex.membership.plan_id, _view(ex).only_validated
    zone = _zone(ex.unit, plan_id)
    return Figures(ex.unit).standing(plan_id, ex.now, ex.now - WEEK, zone, only_validated=only_validated)


def _activity(ex: Exchange, code: str) -> tuple[ActivityStanding, Standing]:
    """The activity of this code. Denied for what is not in the plan, or not of one's own agency (S3)."""
    found = _standing(ex)
    one = next((each for each in found.activities if each.code == code), None)
    if one is None or (ex.membership.role in REPORTERS and one.activity.agency_code != ex.agency_code):
        raise Denied
    return one, found


def _show(ex: Exchange, card: Card) -> None:
    """In place of the message whose button was pressed, be it the present card or an older digest; else below."""
    if ex.return_to_tapped():
        ex.show(card)
        return
    ex.show(card)
    ex.stand(None)


def _picture(role: Role, found: Standing, language: str) -> dict[str, Any] | None:
    """Parameters of sendPhoto; None while there is nothing to draw."""
    shown = digests.matrix(found, language, alphabetical=VIEWS[role].alphabetical)
    if not shown["rows"]:
        return None
    text = render.plain_message(digests.caption(found, language, ranked=role in RANKED))["text"]
    upload = {"path": f"matrix:{orjson.dumps(shown).decode()}", "name": "semaforo.png", "type": "image/png"}
    return {"caption": text, "@files": {"photo": upload}}
