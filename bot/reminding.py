"""The ladder's job: who is reminded now, in which words, and the second look when the words are about to leave."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from zoneinfo import ZoneInfo

from bot.occasion import Message, Moment, Planned
from bot.telegram import render
from bot.telegram.updates import command_token
from conversations.cards import Card
from conversations.due import Rung, hour_there, is_hour
from conversations.plan import AGENCY_ROLES, Role
from conversations.reminders import (
    Agenda,
    Recipient,
    Say,
    Silence,
    Topic,
    Verdict,
    concerns,
    decide,
    pending_steps,
    reminder,
    still_due,
)
from storage.schedule import StoredFire, StoredSchedule
from storage.unit_of_work import UnitOfWork

ROLES = AGENCY_ROLES | {Role.COORDINATOR, Role.OBSERVER}
"""Of observers those who contribute indicators."""


def plan_reminders(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
    """Who is told something now, and who is not although a step has come.

    Cheap while nothing is due, since it is asked every few seconds: the plan is read only if it concerns somebody.
    """
    holidays = unit.schedule.holidays(moment.plan_id)
    found: list[tuple[Recipient, ZoneInfo]] = []
    roles = ROLES & set(schedule.roles) if schedule.roles else ROLES
    for name in unit.schedule.zones(moment.plan_id):
        own = ZoneInfo(name)
        day = moment.now.astimezone(own).date()
        if is_hour(schedule.days, hour_of(schedule, day, own), own, moment.now, holidays):
            untold = unit.schedule.untold(moment.plan_id, schedule.what, name, day, roles)
            found += [(who, own) for who in untold if is_meant(who)]
    if not found:
        return ()
    outlook = unit.schedule.outlook(moment.plan_id, moment.today)
    found = [(who, zone) for who, zone in found if concerns(outlook, who, moment.now.astimezone(zone).date())]
    if not found:
        return ()
    agenda = agenda_of(unit, moment, outlook, [who for who, _ in found])
    names = unit.schedule.colleagues(moment.plan_id, {who.agency_code for who, _ in found})
    planned = []
    for who, zone in found:
        at = hour_of(schedule, moment.now.astimezone(zone).date(), zone)
        verdict = decide(agenda, who, moment.now, at, zone)
        if (one := _planned(verdict, agenda, who, moment, zone, names)) is not None:
            planned.append(one)
    return planned


def hour_of(schedule: StoredSchedule, day: date, own: ZoneInfo) -> time:
    """When it looks for steps that day, on the clock of who lives there."""
    return hour_there(day, schedule.at, schedule.zone(own.key), own)


def _planned(
    verdict: Verdict,
    agenda: Agenda,
    who: Recipient,
    moment: Moment,
    zone: ZoneInfo,
    names: Mapping[str, Sequence[tuple[int, str]]],
) -> Planned | None:
    match verdict:
        case Say(window, topics, missed):
            rungs = {step.rung for step in pending_steps(agenda, who, window)}
            message = worded(topics, who, agenda, names)
            return Planned(who, window, (message,), rungs=tuple(rung for rung in Rung if rung in rungs), missed=missed)
        case Silence(reason, window):
            return None if window is None else Planned(who, window, reason=reason, is_open=verdict.is_open)


def look_again(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, told: Sequence[tuple[StoredFire, Recipient]]
) -> Mapping[int, Message | str | None]:
    """The words as things stand now: reports that came in between are no longer asked for (G8)."""
    agenda = agenda_of(unit, moment, outlook, [who for _, who in told], is_decided=True)
    names = unit.schedule.colleagues(moment.plan_id, {who.agency_code for _, who in told})
    seen: dict[int, Message | str | None] = {}
    for fire, who in told:
        if not is_meant(who):
            seen[fire.id] = "no_role"
            continue
        match still_due(agenda, who, moment.now, ZoneInfo(who.timezone), fire.on, fire.told_rungs):
            case Say(_, topics):
                seen[fire.id] = worded(topics, who, agenda, names)
            case Silence(reason):
                seen[fire.id] = reason
    return seen


def worded(
    topics: Sequence[Topic], who: Recipient, agenda: Agenda, names: Mapping[str, Sequence[tuple[int, str]]]
) -> Message:
    others = [name for person_id, name in names.get(who.agency_code, ()) if person_id != who.person_id]
    card = reminder(topics, who, agenda, colleague=others[0] if others else "")
    return message_of(card)


def message_of(card: Card) -> Message:
    """A card of nobody's session, whose buttons are commands."""
    return Message(render.message(card, _token))


def _token(tap: str) -> str:
    _, name, argument = tap.split(":", 2)
    return command_token(name, argument)


def is_meant(who: Recipient) -> bool:
    """Whether the ladder has anything to say to such a person at all."""
    return who.reports or who.role is Role.COORDINATOR


def agenda_of(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, people: Sequence[Recipient], *, is_decided: bool = False
) -> Agenda:
    """The figures these people are told of: of their agencies, or of all if there is a coordinator among them."""
    agencies = {who.agency_code for who in people if who.role in AGENCY_ROLES}
    contributing = {who.agency_code for who in people if who.is_contributor}
    is_for_all = any(not who.reports for who in people)
    return unit.schedule.agenda(
        moment.plan_id,
        outlook,
        moment.now,
        None if is_for_all else agencies,
        contributing=contributing,
        is_decided=is_decided,
    )
