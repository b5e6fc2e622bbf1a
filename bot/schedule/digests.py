"""Digests: the coordinator's week, the minister's card and the observer's view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

import orjson

from bot.chat.actor import message
from bot.chat.permissions import permission_of
from bot.schedule.job import Job, Message, Moment
from bot.schedule.regular import as_planned, regular
from bot.schedule.reminders import carried, to_chase, told_rungs
from bot.telegram import render
from conversations.card import Button, Card, Line, home_button, in_rows, line, page_of, unstyled
from conversations.languages import translated
from conversations.plan.calendar.agenda import Agenda, Recipient, closing_topics
from conversations.plan.calendar.ladder import Rung
from conversations.plan.calendar.ledger import CARRIERS
from conversations.plan.calendar.notices import Chase
from conversations.plan.figures.monitoring import ActivityStanding, Standing
from conversations.plan.figures.plenary import plenary_items
from conversations.plan.messages import digests, week
from conversations.plan.messages.reminders import closing_acts, letters_offered
from conversations.plan.messages.week import Act, Offer
from conversations.plan.model import Role
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.calendar.figures import Figures
from storage.errors import StorageError
from storage.unit_of_work import UnitOfWork
from storage.upkeep.chain import sealed_until

WEEK = timedelta(days=7)
LONGEST = timedelta(days=31)
"""What changed before is no news, also for somebody whose last digest is older."""
ON_A_SCREEN = 24
"""How many agencies have a button: the worst, or the first in the alphabet. Others are at most three taps away."""
IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class View:
    """The parts of a plan that a role sees (docs/domain.md#who-sees-what)."""

    only_validated: bool
    """Statuses and lights come only from reports that the coordinator has validated."""
    is_public: bool
    """A restricted activity has a light and a code here, but no text."""
    alphabetical: bool
    """Agencies in alphabetical order: readers who do not have to act see no ranking."""
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
"""Roles that get the week. The others get a card."""
PICTURED = frozenset({Role.OBSERVER, Role.READER})
"""Roles whose scheduled card has its picture above it. The week is one message; /resumen shows the picture."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of a digest that is shown: the page of its agencies, and whether it is the whole one."""

    page: int = 0
    is_whole: bool = False


# ------------------------------------------------------------------ for the scheduler and the command line
def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """Return, for the scheduler, the message of each person's role, in their language.

    Coordinators get the week since their last digest, in one message. A card for readers has its picture above it. What
    several people see is counted once. The text is a card: its buttons work as those of /resumen, in the same message.
    It also says what the ladder has for the same person that day (`CARRIERS`): to coordinators that a period has
    locked, to contributors of indicators their reminder.
    """
    zone = unit.plans.zone(moment.plan_id)
    made: dict[int, tuple[Message, ...]] = {}
    ladder = ladder_of(unit, moment)
    reminders = carried(unit, moment, people)
    ranked = [who.person_id for who in people if who.role in RANKED]
    last = unit.ledger.last_said(moment.plan_id, WEEKLY.what, ranked, moment.now) if ranked else {}

    @cache
    def counted(since: datetime, *, only_validated: bool) -> Standing:
        return Figures(unit).standing(moment.plan_id, moment.now, since, zone, only_validated=only_validated)

    for who in people:
        since = max(last.get(who.person_id, moment.now - WEEK), moment.now - LONGEST)
        found = counted(since, only_validated=VIEWS[who.role].only_validated)
        card = digest_card(unit, moment.plan_id, who.role, found, who.language, Shown(), ladder)
        rungs: tuple[Rung, ...] = ()
        if who.role is Role.COORDINATOR:
            rungs = told_rungs(ladder()[0], who, moment)
        elif who.person_id in reminders:
            reminder, rungs = reminders[who.person_id]
            card = Card((*card.lines, line(""), *reminder.lines), (*reminder.rows, *card.rows))
        payload = message(card)
        is_pictured = who.role in PICTURED
        shown = picture_of(unit, moment.plan_id, who.role, found, who.language) if is_pictured else None
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
    found = Figures(unit).standing(plan_id, now, since, unit.plans.zone(plan_id))
    return "\n".join(map(unstyled, digests.digest(found, language)))


# ------------------------------------------------------------------ cards
def digest_card(
    unit: UnitOfWork,
    plan_id: int,
    role: Role,
    found: Standing,
    language: str,
    shown: Shown,
    ladder: Callable[[], tuple[Agenda, Chase]],
) -> Card:
    """Return a role's digest: to coordinators and administrators the week in a few lines, or the whole one."""
    say, view = wording(language), VIEWS[role]
    rows: list[tuple[Button, ...]] = []
    lines: tuple[Line, ...]
    if role in RANKED and not shown.is_whole:
        return week_card(role, found, language, *ladder(), unit.comments.count_proposals(plan_id))
    if role in RANKED:
        agenda, to_chase = ladder()
        topics = closing_topics(agenda, agenda.steps) if role is Role.COORDINATOR else ()
        foot = sealed_lines(unit, say) if role is Role.ADMIN else ()
        lines = digests.digest(found, language, topics, agenda, is_public=view.is_public, foot=foot)
        rows.append((Button(say("digest.short"), tap(Route.DIGEST, 0)),))
        rows += acts_of(role, found, say, len(to_chase.agencies))
        rows += closing_acts(agenda, topics, language)
    elif role is Role.READER:
        lines = digests.minister_card(found, language)
        if waiting := plenary_items(found):
            rows.append((Button(say("digest.see_decisions", n=len(waiting)), tap(Route.DECISION, 0)),))
    else:
        areas = [(area.code, translated(area.name, language)) for area in unit.plans.strategic_areas(plan_id)]
        lines = digests.observer_card(found, language, areas, unit.plans.by_id(plan_id).min_cell)
    rows.append((Button(say("digest.indicators"), tap(Route.INDICATOR_DIGEST, 0)),))
    rows += agency_rows(found, view, shown.page, say)
    rows.append((home_button(say),))
    return Card(lines, tuple(rows))


def week_card(role: Role, found: Standing, language: str, agenda: Agenda, to_chase: Chase, proposed: int) -> Card:
    """Return the week in a few lines, with the button of the act that helps most, and those of two more."""
    say = wording(language)
    letters = letters_offered(agenda, closing_topics(agenda, agenda.steps))
    ways = {offer: _button_of(offer, role, say) for offer in week.offers(found, to_chase.agencies, letters, proposed)}
    offered = {offer: button for offer, button in ways.items() if button is not None}
    first, *others = offered.values() if offered else (None,)
    rows: list[tuple[Button, ...]] = [(first._replace(tone="primary"),)] if first else []
    rows += [tuple(others[:2])] if others else []
    rows += [(Button(say("digest.whole"), tap(Route.DIGEST, 0, "whole")),), (home_button(say),)]
    return Card(week.week(found, language, tuple(offered), is_public=VIEWS[role].is_public), tuple(rows))


def _button_of(offer: Offer, role: Role, say: Wording) -> Button | None:
    """Return the button with which this role does an act. None if it may not."""
    match offer.act:
        case Act.REMIND:
            found = Route.CHASE, Button(say("digest.remind", n=offer.n), tap(Route.CHASE))
        case Act.VALIDATE:
            found = Route.QUEUE, Button(say("digest.review", n=offer.n), tap(Route.QUEUE))
        case Act.NAME:
            return _naming(offer.names, role, say)
        case Act.LETTER:
            one = Button(say("escalate.open", agency=offer.names[0]), tap(Route.LETTERS, offer.names[0]))
            several = Button(say("escalate.open_all", n=offer.n), tap(Route.LETTERS))
            found = Route.LETTERS, several if offer.n > 1 else one
        case Act.CHANGE:
            found = Route.CHANGES, Button(say("change.waiting", n=offer.n), tap(Route.CHANGES))
        case Act.DECIDE:
            found = Route.DIGEST, Button(say("digest.see_decisions", n=offer.n), tap(Route.DIGEST, 0, "whole"))
    route, button = found
    return button if permission_of(route).is_for(role) else None


def _naming(vacant: Sequence[str], role: Role, say: Wording) -> Button:
    """Return the button for posts that nobody holds: an invitation, or the request for one."""
    if len(vacant) > 1 and permission_of(Route.PEOPLE).is_for(role):
        return Button(say("digest.invite_several", n=len(vacant)), tap(Route.PEOPLE, "vacant"))
    invites = permission_of(Route.INVITE).is_for(role)
    to = tap(Route.INVITE, Role.FOCAL_POINT, vacant[0]) if invites else tap(Route.VACANCY, vacant[0])
    return Button(say("digest.invite", agency=vacant[0]), to)


def sealed_lines(unit: UnitOfWork, say: Wording) -> tuple[Line, ...]:
    """Say how far the audit log is sealed. So the head of its chain is on a phone too, which no server can change."""
    try:
        head, waiting = sealed_until(unit)
    except StorageError:
        return (line(""), line(f"⛔ {say('status.audit_broken')}"))
    if head is None:
        return ()
    return (line(""), line(f"🔏 {say('status.audit', head=head.note, n=waiting)}"))


def acts_of(role: Role, found: Standing, say: Wording, to_remind: int) -> list[tuple[Button, ...]]:
    """The buttons for acts that this role may do from here."""

    def may(route: Route) -> bool:
        return permission_of(route).is_for(role)

    row: list[Button] = []
    if found.queue.count and may(Route.QUEUE):
        row.append(Button(say("digest.review", n=found.queue.count), tap(Route.QUEUE)))
    if to_remind and may(Route.CHASE):
        row.append(Button(say("digest.remind", n=to_remind), tap(Route.CHASE)))
    rows = [tuple(row)] if row else []
    if vacant := [agency.code for agency in digests.vacancies(found)]:
        rows.append((_naming(vacant, role, say),))
    return rows


def agency_rows(found: Standing, view: View, page: int, say: Wording) -> list[tuple[Button, ...]]:
    order = (lambda a: (a.code,)) if view.alphabetical else digests.silence
    agencies = sorted(found.agencies, key=order)
    shown, following = page_of(agencies, page, ON_A_SCREEN)
    buttons = [Button(f"{a.worst.light.shape} {a.code}", tap(Route.AGENCY_DIGEST, a.code)) for a in shown]
    rows = in_rows(buttons, IN_A_ROW)
    if following is not None:
        rows.append((Button(say("digest.page"), tap(Route.DIGEST, following, "whole")),))
    return rows


def shape_of(each: ActivityStanding) -> str:
    return "✅" if each.is_completed else each.light.shape


def ladder_of(unit: UnitOfWork, moment: Moment) -> Callable[[], tuple[Agenda, Chase]]:
    """Return a function that gives the ladder's view of this moment and the people whom /recordar would remind.

    The view is read when it is needed, and only once.
    """
    return cache(lambda: to_chase(unit, moment))


def picture_of(unit: UnitOfWork, plan_id: int, role: Role, found: Standing, language: str) -> dict[str, Any] | None:
    """Parameters of sendPhoto; None while there is nothing to draw."""
    plan = translated(unit.plans.by_id(plan_id).name, language)
    shown = digests.matrix(found, language, plan=plan, alphabetical=VIEWS[role].alphabetical)
    if not shown["rows"]:
        return None
    text = render.plain_message(digests.caption(found, language, ranked=role in RANKED))["text"]
    upload = {"path": f"matrix:{orjson.dumps(shown).decode()}", "name": "semaforo.png", "type": "image/png"}
    return {"caption": text, "@files": {"photo": upload}}
