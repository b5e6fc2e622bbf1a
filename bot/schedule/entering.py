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
from bot.schedule.agenda import agenda_of, outlook_of
from bot.schedule.digests import plan_zone
from bot.schedule.job import Job, Message, Moment
from bot.schedule.regular import as_planned, regular
from conversations.card import Button, Card, Line, line
from conversations.languages import LANGUAGES, language_name, translated
from conversations.plan.calendar.agenda import Agenda, Recipient, told_topics
from conversations.plan.calendar.ledger import LADDER, day_there
from conversations.plan.calendar.working_time import ONE_DAY, instant
from conversations.plan.entering import LOST_AFTER, NUDGED_AFTER, Station, UnusedLink, Way, is_nudged, is_told
from conversations.plan.messages.entering import where_stopped
from conversations.plan.model import OF_AN_AGENCY, Role
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.calendar.ledger import StoredFire
from storage.unit_of_work import UnitOfWork

LISTED = 8
"""People whom one message names."""


def concerned(unit: UnitOfWork, moment: Moment) -> Collection[int]:
    """Return the people about whom this job decides something: those who have stopped, and the admins who may hear."""
    ways = unit.entering.stopped(moment.plan_id)
    if not ways and not unit.entering.unused_links(moment.plan_id, moment.now):
        return ()
    admins = {admin.id for admin in unit.people.with_role(moment.plan_id, Role.ADMIN) if admin.absence is None}
    return admins | {way.person_id for way in ways if way.absence != "unreachable"}


def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """Return what people are told: those who have stopped are asked to go on, and admins hear who does not."""
    plan_id, zone = moment.plan_id, plan_zone(unit, moment.plan_id)
    ways = unit.entering.stopped(plan_id)
    awaited = _first_reports(unit, moment, ways)
    news = [*_news(ways, unit.entering.unused_links(plan_id, moment.now), awaited, moment.now, zone)]
    stopped = {way.person_id: way for way in ways}
    admins = {admin.id for admin in unit.people.with_role(plan_id, Role.ADMIN)}
    ids = [who.person_id for who in people]
    heard = unit.ledger.last_said(plan_id, ENTERING.what, ids, instant(moment.today, time(0), zone))
    reminded = unit.ledger.last_said(plan_id, LADDER, awaited, moment.now) if awaited else {}
    made: dict[int, tuple[Message, ...]] = {}
    for who in people:
        last_at, today = heard.get(who.person_id), moment.day_of(who)
        last_on = day_there(last_at, who.timezone) if last_at is not None else None
        if (way := stopped.get(who.person_id)) is not None:
            reminded_at = reminded.get(who.person_id)
            is_asked = way.station is Station.OPENED or (
                way.person_id in awaited and (reminded_at is None or reminded_at < way.reached_at)
            )
            if is_asked and is_nudged(day_there(way.reached_at, who.timezone), last_on, today):
                made[who.person_id] = (_nudge(unit, moment, way, who.language),)
        elif told := [
            one for on, one, by in news if is_told(on, last_on, today) and (by == who.person_id or by not in admins)
        ]:
            made[who.person_id] = (_told(told, zone, who.language),)
    return made


def _first_reports(unit: UnitOfWork, moment: Moment, ways: Sequence[Way]) -> Mapping[int, date]:
    """Return the focal points whose first report could be sent and is awaited, with the day on which it is due."""
    waiting = {way.person_id: way for way in ways if way.station is Station.ACCEPTED and way.absence is None}
    if not any(way.reached_at + NUDGED_AFTER[0] <= moment.now for way in waiting.values()):
        return {}
    people = unit.recipients.all(moment.plan_id, waiting)
    agenda = agenda_of(unit, moment, outlook_of(unit, moment), people)
    left = {who.person_id: [topic for topic in told_topics(agenda, who) if topic.left] for who in people}
    return {id: min(topic.period.due_on for topic in topics) for id, topics in left.items() if topics}


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
