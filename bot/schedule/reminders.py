"""The ladder's job: who is reminded now, in which words, and the second look before sending."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

from bot.chat.actor import message
from bot.schedule.agenda import agenda_of, agenda_within, outlook_of
from bot.schedule.job import Job, Message, Moment, Planned
from conversations.card import Card, Line
from conversations.languages import translated
from conversations.plan.calendar.agenda import (
    Agenda,
    Reason,
    Recipient,
    Topic,
    asked_for_evidence,
    closing_topics,
    told_topics,
)
from conversations.plan.calendar.agenda_rows import Scope
from conversations.plan.calendar.ladder import Rung
from conversations.plan.calendar.ledger import ASKED_FOR, CARRIERS, LADDER, OFFICERS, has_room
from conversations.plan.calendar.notices import (
    Chase,
    Say,
    Silence,
    Verdict,
    chase,
    concerns,
    decide,
    is_meant,
    not_reminded,
    pending_steps,
    settled,
    silenced,
    still_due,
    window_of_today,
)
from conversations.plan.calendar.working_time import WORK_BEGINS, Times, has_begun, is_hour
from conversations.plan.messages.reminders import names_colleagues, of_another_plan, reminder
from conversations.plan.model import AGENCY_ROLES, Role
from storage.calendar.ledger import StoredFire
from storage.calendar.schedules import StoredSchedule
from storage.unit_of_work import UnitOfWork

IN_DIGEST: Reason = "told_in_digest"
ROLES = AGENCY_ROLES | {Role.COORDINATOR, Role.OBSERVER}
"""Observers get a reminder only if they contribute indicators."""


def plan_reminders(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
    """Decide who is reminded now, and why others are not although a step has come.

    It is asked every few seconds, so it is cheap while nothing is due: the plan is read only if it concerns somebody.
    """
    found = [*_at_their_hour(unit, schedule, moment)]
    outlook = outlook_of(unit, moment) if found else Agenda(moment.today)
    found = [who for who in found if concerns(outlook, who, moment.day_of(who))]
    if found:
        outlook = leaving_to_digests(unit, moment, outlook, found)
        found = [who for who in found if settled(outlook, who, moment.day_of(who)) is None]
    if not found:
        return ()
    agenda = agenda_of(unit, moment, outlook, found)
    verdicts = [(who, _verdict(schedule, agenda, who, moment)) for who in found]
    said = [who for who, verdict in verdicts if isinstance(verdict, Say)]
    told, others = by_agency(said), left_elsewhere(unit, moment, said)
    return [one for who, verdict in verdicts if (one := _planned(verdict, agenda, who, told, others)) is not None]


def _at_their_hour(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Iterator[Recipient]:
    """The people in whose zone the hour of the schedule has come, and who have not been told today."""
    holidays, roles = unit.holidays.days(moment.plan_id), schedule.among(ROLES)
    for name in unit.recipients.zones(moment.plan_id):
        own = ZoneInfo(name)
        day = moment.now.astimezone(own).date()
        if is_hour(Times(schedule.days, schedule.recurrence.hour_there(day, own), own), moment.now, holidays):
            untold = unit.recipients.not_told(moment.plan_id, schedule.what, name, day, roles)
            yield from (who for who in untold if is_meant(who))


def _verdict(schedule: StoredSchedule, agenda: Agenda, who: Recipient, moment: Moment) -> Verdict:
    zone = ZoneInfo(who.timezone)
    return decide(agenda, who, moment.now, schedule.recurrence.hour_there(moment.day_of(who), zone), zone)


def leaving_to_digests(unit: UnitOfWork, moment: Moment, outlook: Agenda, people: Sequence[Recipient]) -> Agenda:
    """Return the outlook with the people whom a digest or a card will still reach on this day.

    It does not reach somebody who reports and whose budget is spent.
    """
    carried = {role for roles in CARRIERS.values() for role in roles}
    if not any(who.role in carried for who in people):
        return outlook
    days = [(who.person_id, moment.day_of(who)) for who in _awaiting(unit, moment, outlook)]
    return replace(outlook, windows=dict.fromkeys(days, IN_DIGEST) | dict(outlook.windows))


def _awaiting(unit: UnitOfWork, moment: Moment, outlook: Agenda) -> Iterator[Recipient]:
    plan_id = moment.plan_id
    for schedule, roles in carriers_of(unit, plan_id):
        for name in unit.recipients.zones(plan_id):
            window = window_of_today(schedule.recurrence, ZoneInfo(name), moment.now, outlook.holidays)
            if window is not None:
                untold = unit.recipients.not_told(
                    plan_id, schedule.ledger, name, window, roles, ignore_states=("open",)
                )
                there = (who for who in untold if has_begun(who.since, window, moment.day_of(who)))
                yield from (who for who in there if not who.reports or _has_room(outlook, who, moment.day_of(who)))


def _has_room(outlook: Agenda, who: Recipient, day: date) -> bool:
    return has_room(day, outlook.spent.get(who.person_id, ()), OFFICERS)


def carriers_of(unit: UnitOfWork, plan_id: int) -> list[tuple[StoredSchedule, Collection[Role]]]:
    """Return the plan's schedules whose messages also contain the ladder's, with the roles that they are for."""
    return [
        (schedule, schedule.among(roles))
        for schedule in unit.schedules.all(plan_id)
        if schedule.paused_at is None and (roles := CARRIERS.get(schedule.what)) is not None
    ]


def carried(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Card, tuple[Rung, ...]]]:
    """Return what the ladder has today for those of these people who report. It is put into their digest or card."""
    found = [who for who in people if who.reports]
    outlook = outlook_of(unit, moment) if found else Agenda(moment.today)
    found = [who for who in found if concerns(outlook, who, moment.day_of(who))]
    if not found:
        return {}
    agenda = agenda_of(unit, moment, outlook, found)
    made = {}
    for who in found:
        verdict = decide(agenda, who, moment.now, WORK_BEGINS, ZoneInfo(who.timezone))
        if isinstance(verdict, Say):
            steps = pending_steps(agenda, who, verdict.window)
            made[who.person_id] = reminder(verdict.topics, who, agenda), _in_order(step.rung for step in steps)
    return made


def _planned(
    verdict: Verdict,
    agenda: Agenda,
    who: Recipient,
    told: Mapping[str, Sequence[Recipient]],
    elsewhere: Mapping[int, Sequence[Line]],
) -> Planned | None:
    match verdict:
        case Say(window, topics, missed, is_asked_for):
            pending = pending_steps(agenda, who, window)
            about = {period for topic in topics for period in (topic.period, *topic.closes)}
            about.update(asked_for_evidence(agenda, who, pending))
            rungs = _in_order(step.rung for step in pending if step.period in about)
            reason = ASKED_FOR if is_asked_for else ""
            words = (worded(topics, who, agenda, told, elsewhere.get(who.person_id, ())),)
            return Planned(who, window, words, reason, rungs=rungs, missed=missed)
        case Silence(reason, window):
            return None if window is None else Planned(who, window, reason=reason, is_open=verdict.is_open)


def told_rungs(agenda: Agenda, who: Recipient, moment: Moment) -> tuple[Rung, ...]:
    """Return the ladder's steps that a digest covers for a coordinator: all that the ladder has for them now."""
    pending = pending_steps(agenda, who, moment.day_of(who))
    concerned = {topic.period for topic in closing_topics(agenda, pending)}
    return _in_order(step.rung for step in pending if step.period in concerned)


def _in_order(rungs: Iterable[Rung]) -> tuple[Rung, ...]:
    found = set(rungs)
    return tuple(rung for rung in Rung if rung in found)


def look_again(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, told: Sequence[tuple[StoredFire, Recipient]]
) -> Mapping[int, Message | str | None]:
    """Make the words again as things are now. Reports that have arrived since are no longer asked for (G8)."""
    agenda = agenda_of(unit, moment, outlook, [who for _, who in told], is_decided=True)
    agencies = {who.agency_code for _, who in told if who.reports}
    days = {fire.on for fire, _ in told}
    others = unit.recipients.told_colleagues(moment.plan_id, LADDER, agencies, days) if names_colleagues(agenda) else ()
    heard: dict[date, list[Recipient]] = {}
    for who, on in others:
        if silenced(agenda, who, moment.now, moment.day_of(who)) is None:
            heard.setdefault(on, []).append(who)
    colleagues = {on: by_agency(people) for on, people in heard.items()}
    elsewhere = left_elsewhere(unit, moment, [who for _, who in told])
    seen: dict[int, Message | str | None] = {}
    for fire, who in told:
        if not is_meant(who):
            seen[fire.id] = "no_role"
            continue
        zone = ZoneInfo(who.timezone)
        match still_due(agenda, who, moment.now, zone, fire.on, fire.told_rungs, is_chased=fire.is_by_hand):
            case Say(_, topics):
                there = elsewhere.get(who.person_id, ())
                seen[fire.id] = worded(topics, who, agenda, colleagues.get(fire.on, {}), there)
            case Silence(reason):
                seen[fire.id] = reason
    return seen


def left_elsewhere(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Line, ...]]:
    """Return what each of these people has to hear of other plans: one notice is about all plans
    (docs/domain.md#reminders).

    The ladders there read this notice as their own (`agenda_rows`).
    """
    found: dict[int, tuple[Line, ...]] = {}
    for plan in unit.plans.all() if people else ():
        there = Moment.of(unit, plan.id, moment.now)
        same = unit.recipients.all(plan.id, [who.person_id for who in people]) if plan.id != moment.plan_id else ()
        if not any(is_meant(who) for who in same):
            continue
        agenda = agenda_of(unit, there, outlook_of(unit, there), same)
        for who in same:
            if is_meant(who) and not_reminded(agenda, who, moment.now, there.day_of(who)) is None:
                closings = () if who.reports else closing_topics(agenda, pending_steps(agenda, who, there.day_of(who)))
                topics = told_topics(agenda, who) if who.reports else closings
                lines = of_another_plan(translated(plan.name, who.language), topics, who, agenda)
                found[who.person_id] = (*found.get(who.person_id, ()), *lines)
    return found


def worded(
    topics: Sequence[Topic],
    who: Recipient,
    agenda: Agenda,
    told: Mapping[str, Sequence[Recipient]],
    elsewhere: Sequence[Line] = (),
) -> Message:
    """Write a reminder. If colleagues of the agency are reminded too (`told`), it names the first of them."""
    others = (other for other in told.get(who.agency_code, ()) if other.person_id != who.person_id)
    card = reminder(topics, who, agenda, colleague=next(others, None), elsewhere=elsewhere)
    return replace(message_of(card), is_card=True)


def by_agency(told: Iterable[Recipient]) -> dict[str, list[Recipient]]:
    """The people in `told` who report for an agency, by the agency's code."""
    found: dict[str, list[Recipient]] = {}
    for who in told:
        if who.role in AGENCY_ROLES:
            found.setdefault(who.agency_code, []).append(who)
    return found


def to_chase(unit: UnitOfWork, moment: Moment) -> tuple[Agenda, Chase]:
    """Return the figures, and the people whom a coordinator could remind at that moment."""
    outlook = outlook_of(unit, moment)
    agenda = agenda_within(unit, moment, outlook, Scope())
    return agenda, chase(agenda, unit.recipients.all(moment.plan_id), moment.now)


def message_of(card: Card) -> Message:
    """Return a card that belongs to no session. Its buttons are commands."""
    return Message(message(card))


REMINDERS = Job("reminders", "reminder", ROLES, "workdays", time(9), plan_reminders, look_again, is_only=True)
"""The ladder: people are reminded of all they still have to do, and coordinators learn who has not closed."""
