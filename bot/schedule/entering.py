"""Those who have stopped on their way into the plan: they are asked to go on, and then their admins hear of them.

The bot says nothing to a person who has not accepted the privacy note, and nothing fails. Without this, an agency would
be dead and nobody would know. `conversations.plan.entering` says who has stopped where, and since when.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from bot.acts.people.people import post_name
from bot.chat.actor import message
from bot.schedule.job import Job, Message, Moment
from bot.schedule.regular import as_planned, regular
from conversations.card import Button, Card, Line, line
from conversations.languages import LANGUAGES, language_name, translated
from conversations.plan.calendar.agenda import Agenda, Recipient
from conversations.plan.calendar.ledger import LADDER, day_there
from conversations.plan.calendar.working_time import instant
from conversations.plan.entering import LOST_AFTER, NUDGED_AFTER, Station, UnusedLink, Way, is_nudged, is_told
from conversations.plan.expected import expected_activities
from conversations.plan.messages.entering import where_stopped
from conversations.plan.model import OF_AN_AGENCY, Role
from conversations.plan.periods import ONE_DAY
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.calendar.ledger import StoredFire
from storage.unit_of_work import UnitOfWork

LISTED = 8
"""People whom one message names."""


def concerned(unit: UnitOfWork, moment: Moment) -> Collection[int]:
    """Return the people who have something to be told. Two statements while nobody has stopped."""
    return _to_tell(unit, moment, moment.now).keys()


def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """Return what people are told: those who have stopped are asked to go on, and admins hear who does not."""
    zone = unit.plans.zone(moment.plan_id)
    found = _to_tell(unit, moment, instant(moment.today, time(0), zone))
    made: dict[int, tuple[Message, ...]] = {}
    for who in people:
        match found.get(who.person_id):
            case None:
                continue
            case Way() as way:
                made[who.person_id] = (_nudge(unit, moment, way, who.language),)
            case news:
                made[who.person_id] = (_told(news, zone, who.language),)
    return made


def _to_tell(unit: UnitOfWork, moment: Moment, before: datetime) -> Mapping[int, Way | Sequence[Way | UnusedLink]]:
    """Return, by person, their own way if they are asked to go on, or of whom they hear if they are admins.

    What was said before that instant is not said again.
    """
    plan_id = moment.plan_id
    ways, links = unit.entering.stopped(plan_id), unit.entering.unused_links(plan_id, moment.now)
    if not ways and not links:
        return {}
    zone = unit.plans.zone(plan_id)
    admins = [admin.id for admin in unit.people.with_role(plan_id, Role.ADMIN) if admin.absence is None]
    nudged = [way for way in ways if way.absence != "unreachable"]
    last_at = unit.ledger.last_said(plan_id, ENTERING.what, [*admins, *(way.person_id for way in nudged)], before)
    last_on = {person_id: day_there(at, zone.key) for person_id, at in last_at.items()}
    awaited = _first_reports(unit, moment, ways)
    news = [*_news(ways, links, awaited, moment.now, zone)]
    found: dict[int, Way | Sequence[Way | UnusedLink]] = {}
    for way in _waiting_for_a_nudge(unit, moment, nudged, awaited):
        if is_nudged(day_there(way.reached_at, zone.key), last_on.get(way.person_id), moment.today):
            found[way.person_id] = way
    for admin in admins:
        last = last_on.get(admin)
        told = [one for on, one, by in news if is_told(on, last, moment.today) and (by == admin or by not in admins)]
        if told:
            found[admin] = told
    return found


def _waiting_for_a_nudge(
    unit: UnitOfWork, moment: Moment, ways: Sequence[Way], awaited: Mapping[int, date]
) -> Iterator[Way]:
    """Yield who has not accepted, and whose first report is awaited and no reminder has asked for it."""
    reminded = unit.ledger.last_said(moment.plan_id, LADDER, awaited, moment.now) if awaited else {}
    for way in ways:
        at = reminded.get(way.person_id)
        if way.station is Station.OPENED or (way.person_id in awaited and (at is None or at < way.reached_at)):
            yield way


def _first_reports(unit: UnitOfWork, moment: Moment, ways: Sequence[Way]) -> Mapping[int, date]:
    """Return the focal points whose first report could be sent and is awaited, with the day on which it was due.

    That is the first due day of the periods that were open since they accepted. It stays the same when a colleague
    reports or a period locks, so nobody becomes news twice.
    """
    waiting = {way.person_id: way for way in ways if way.station is Station.ACCEPTED and way.absence is None}
    zone = unit.plans.zone(moment.plan_id)
    since = {person_id: day_there(way.reached_at, zone.key) for person_id, way in waiting.items()}
    if not any(day + NUDGED_AFTER[0] <= moment.today for day in since.values()):
        return {}
    periods = unit.plans.periods(moment.plan_id)
    open_ones = [period for period in periods if period.is_open(moment.today)]
    if not open_ones:
        return {}
    reports = unit.agendas.reports(moment.plan_id, open_ones, {way.agency_code for way in waiting.values()})
    left = reports.left(open_ones, unit.agendas.closed(moment.plan_id, min(one.end_on for one in open_ones)))
    by_due_day = sorted((one for one in periods if one.opens_on <= moment.today), key=lambda one: one.due_on)

    def first_due(way: Way) -> date:
        theirs = [each for each in reports.activities if each.agency_code == way.agency_code]
        return next(
            one.due_on
            for one in by_due_day
            if one.locks_on > since[way.person_id] and expected_activities(theirs, one, reports.ended)
        )

    return {person_id: first_due(way) for person_id, way in waiting.items() if left.get(way.agency_code)}


def _news(
    ways: Sequence[Way], links: Sequence[UnusedLink], awaited: Mapping[int, date], now: datetime, zone: ZoneInfo
) -> Iterator[tuple[date, Way | UnusedLink, int | None]]:
    """Return what admins hear: the day on which it is news, who has stopped, and who had invited them."""
    for way in ways:
        on = day_there(way.stopped_at + way.told_after, zone.key)
        if way.absence is not None:
            yield on, way, way.invited_by_id
        elif way.person_id in awaited:  # a first report that is not due yet is not late
            yield max(on, awaited[way.person_id] + ONE_DAY), way, way.invited_by_id
    for link in links:
        if link.expires_at <= now:
            yield day_there(link.expires_at + LOST_AFTER, zone.key), link, link.created_by_id


# ------------------------------------------------------------------ the words
def _nudge(unit: UnitOfWork, moment: Moment, way: Way, language: str) -> Message:
    say = wording(language)
    plan = translated(unit.plans.by_id(moment.plan_id).name, language)
    text = line(say(f"entering.nudge.{way.station}", plan=plan))
    if way.station is Station.ACCEPTED:
        return _card((text,), ((Button(say("command.pendientes"), tap(Route.DUE), "primary"),),))
    languages = tuple(Button(language_name(code), tap(Route.LANGUAGE, code)) for code in LANGUAGES)
    return _card((text,), ((Button(say("entering.go_on"), tap(Route.PRIVACY), "primary"),), languages))


def _told(told: Sequence[Way | UnusedLink], zone: ZoneInfo, language: str) -> Message:
    """Say who has stopped where, and what to do about it."""
    say, count = wording(language), len(told)
    lines = [line(say("entering.told" if count > 1 else "entering.told_one", n=count))]
    for one in told[:LISTED]:
        post = post_name(say, one.role, one.agency_code)
        who = post if isinstance(one, UnusedLink) else f"{one.name} · {post}"
        lines.append(line(f"• {who}{say.colon}{where_stopped(one, zone, say)}"))
    if count > LISTED:
        lines.append(line(say("digest.more", n=count - LISTED)))
    lines.append(line(say("entering.what_to_do")))
    rows: list[tuple[Button, ...]] = []
    if count == 1:
        [one] = told
        to = tap(Route.INVITE, one.role, *((one.agency_code,) if one.role in OF_AN_AGENCY else ()))
        look = () if isinstance(one, UnusedLink) else (Button(say("invite.look"), tap(Route.PERSON, one.person_id)),)
        rows.append((*look, Button(say("handover.invite"), to)))
    rows.append((Button(say("entering.list"), tap(Route.PEOPLE, "entering", 0)),))
    return _card(lines, rows)


def _card(lines: Sequence[Line], rows: Sequence[tuple[Button, ...]]) -> Message:
    return Message(message(Card(tuple(lines), tuple(rows))), is_card=True)


# ------------------------------------------------------------------ the second look
def look_again(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, told: Sequence[tuple[StoredFire, Recipient]]
) -> Mapping[int, Message | str | None]:
    """Return the words of now, for whoever has still stopped. Who has gone on meanwhile is not asked to."""
    held = as_planned(unit, moment, outlook, told)
    present = compose(unit, moment, [who for _, who in told])
    return {
        fire.id: held.get(fire.id) or next(iter(present.get(who.person_id, ())), "nothing_to_tell")
        for fire, who in told
    }


def _as_asked(who: Recipient) -> Recipient:
    """Return the person as one who may be told: this job asks for the consent for which all others wait."""
    return replace(who, absence=None) if who.absence == "no_privacy" else who


ENTERING = Job(
    "entering",
    "reminder",
    frozenset(Role),
    "workdays",
    time(10),
    regular(compose, frozenset(Role), among=concerned, sees=_as_asked),
    look_again,
    is_only=True,
    sees=_as_asked,
)
"""Later than the ladder, which reminds everybody who can be reminded of a first report."""
