"""What a schedule says next, and why somebody gets a message or none."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.schedule.agenda import agenda_of, outlook_of
from bot.schedule.job import Batch, Moment
from bot.schedule.jobs import job_of
from bot.schedule.one_a_day import one_a_day
from bot.schedule.regular import why_not
from bot.schedule.reminders import IN_DIGEST, carriers_of, leaving_to_digests
from conversations.plan.calendar.agenda import Agenda, Pause, Recipient
from conversations.plan.calendar.agenda_rows import LOOK_BACK
from conversations.plan.calendar.ladder import ALONE, Step, all_steps, ladder_fires_after
from conversations.plan.calendar.ledger import LADDER
from conversations.plan.calendar.notices import Say, decide, is_meant, paced, silenced, steps_meant, window_of_today
from conversations.plan.calendar.working_time import Times, fires_after, has_begun, instant, next_working_hour
from conversations.plan.model import Role
from conversations.plan.periods import ONE_DAY
from conversations.wording import Wording
from storage.calendar.schedules import StoredSchedule
from storage.unit_of_work import UnitOfWork

PREVIEWED = 3
PREVIEW = timedelta(days=400)
"""How many days ahead the steps of the ladder are looked for."""


def upcoming(unit: UnitOfWork, schedule: StoredSchedule, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the next three instants at which this schedule sends something.

    For the ladder, these are the days of its steps. A window that everybody has been told does not count. Nothing is
    sent while the schedule is paused, or before a pause for everybody ends.
    """
    if schedule.paused_at is not None:
        return []
    if (pause := pause_of_all(unit, schedule.plan_id, now, zone)) is not None:
        if pause.until_on is None:
            return []
        now = instant(pause.until_on, time(0), zone)
    coming = _steps_ahead if schedule.what == LADDER else _windows_ahead
    return [*islice(coming(unit, schedule, now, zone), PREVIEWED)]


def _wanted(schedule: StoredSchedule) -> Collection[Role]:
    job = job_of(schedule.what)
    assert job is not None
    return job.roles_of(schedule)


def _windows_ahead(unit: UnitOfWork, schedule: StoredSchedule, now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the windows of a schedule, today's too if it was missed, without those that everybody has been told."""
    free, today = unit.holidays.days(schedule.plan_id), now.astimezone(zone).date()
    opens = next_working_hour(now, zone, free)
    owed = window_of_today(schedule.recurrence, zone, opens, free)
    done = _told_to_all(unit, schedule, min(today, owed or today), _wanted(schedule))
    coming = fires_after(Times(schedule.days, schedule.at, zone), now, free)
    if owed is not None and instant(owed, schedule.at, zone) <= now:
        coming = chain([(owed, opens)], coming)
    return (at for on, at in coming if on not in done)


def _steps_ahead(unit: UnitOfWork, schedule: StoredSchedule, now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants at which the ladder reminds somebody, in their order."""
    free, wanted = unit.holidays.days(schedule.plan_id), _wanted(schedule)
    opens = next_working_hour(now, zone, free)
    moment = Moment(schedule.plan_id, opens, opens.astimezone(zone).date())
    people = [who for who in unit.recipients.all(schedule.plan_id) if who.role in wanted and is_meant(who)]
    outlook = leaving_to_digests(unit, moment, outlook_of(unit, moment), people)
    agenda = agenda_of(unit, moment, outlook, people)
    every_step = [s for s in all_steps(outlook.periods, free) if -LOOK_BACK <= s.on - moment.today <= PREVIEW]
    carriers = [
        (Times(one.days, one.at, one.zone(zone.key)), roles) for one, roles in carriers_of(unit, schedule.plan_id)
    ]
    times = Times(schedule.days, schedule.at, zone)
    coming: set[datetime] = set()
    for one in {_prospect(agenda, who, moment, every_step, carriers) for who in people}:
        since = instant(one.over + ONE_DAY, time(0), zone) if one.over else now
        fires = ladder_fires_after(one.steps, times, since, free, one.told, one.carriers)
        if one.notices is not None:
            fires = paced(fires, one.steps, one.notices, one.told, free)
        coming |= {at for _, at in islice(fires, PREVIEWED)}
    return iter(sorted(coming))


class _Prospect(NamedTuple):
    """What decides on which days the ladder reminds a person. It is the same for most people of a plan."""

    steps: tuple[Step, ...]
    notices: tuple[date, ...] | None
    """The days on which they had a notice; None for those whose reminders keep no distance."""
    told: date
    over: date | None
    """The day that is over for them, because a message has covered it."""
    carriers: tuple[Times, ...]


def _prospect(
    agenda: Agenda,
    who: Recipient,
    moment: Moment,
    every_step: Sequence[Step],
    carriers: Iterable[tuple[Times, Collection[Role]]],
) -> _Prospect:
    day = moment.day_of(who)
    reason = agenda.windows.get((who.person_id, day))
    told = agenda.told_until.get(who.person_id, date.min)
    return _Prospect(
        tuple(steps_meant(agenda, who, every_step) if who.reports else (s for s in every_step if s.rung in ALONE)),
        tuple(agenda.spent.get(who.person_id, ())) if who.reports else None,
        max(told, day) if reason == IN_DIGEST else told,
        day if reason else None,
        tuple(when for when, roles in carriers if who.role in roles),
    )


def pause_of_all(unit: UnitOfWork, plan_id: int, now: datetime, zone: ZoneInfo) -> Pause | None:
    """Return the pause for everybody, if there is one now. No scheduled message is sent then."""
    today = now.astimezone(zone).date()
    found = (stored.pause for stored in unit.pauses.current(plan_id, today) if stored.person_id is None)
    return next((pause for pause in found if pause.holds(0, now, today)), None)


def _told_to_all(unit: UnitOfWork, schedule: StoredSchedule, today: date, wanted: Collection[Role]) -> set[date]:
    """Return the windows in the ledger, from today on, that have a row for everybody."""
    plan_id = schedule.plan_id
    zones = unit.recipients.zones(plan_id)
    return {
        on
        for on in {fire.on for fire in unit.ledger.fires(plan_id, today, schedule.ledger)}
        if not any(
            has_begun(who.since, on, today)
            for name in zones
            for who in unit.recipients.not_told(plan_id, schedule.ledger, name, on, wanted, ignore_states=("open",))
        )
    }


# ------------------------------------------------------------------ enlace due
@dataclass(frozen=True, slots=True)
class Explained:
    """One line of `enlace due`: the message that a person gets, or the reason why they get none."""

    what: str
    who: Recipient
    is_said: bool
    reason: str
    text: str = ""
    at: time = time(0)
    """The time of day of its schedule."""

    def why(self, say: Wording) -> str:
        if self.is_said:
            return self.text
        if self.reason == "before_the_hour":
            return say("due.not_before", at=f"{self.at:%H:%M}")
        return say(f"due.reason.{self.reason}")


def explained(unit: UnitOfWork, now: datetime, plan_id: int | None = None) -> Iterator[Explained]:
    """Return, for every schedule and each of its people, the message that would be sent at that instant, or why
    none.
    """
    for schedule in unit.schedules.all(plan_id):
        job = job_of(schedule.what)
        if job is None:
            continue
        moment = Moment.of(unit, schedule.plan_id, now)
        roles = job.roles_of(schedule)
        everybody = [job.sees(who) for who in unit.recipients.all(schedule.plan_id) if who.role in roles]
        if schedule.what == LADDER:
            everybody = [who for who in everybody if is_meant(who)]
        wanted = job.scan(unit, schedule, moment)
        planned = one_a_day(unit, Batch(schedule.plan_id, job, wanted), now)
        said = {one.who.person_id: one for one in planned}
        reasons = dict(_reasons(unit, schedule, everybody, moment))
        for held in wanted:
            if held.is_said and held.who.person_id not in said and reasons.get(held.who.person_id) == "no_window":
                reasons[held.who.person_id] = "spent"
        for who in everybody:
            one = said.get(who.person_id)
            if schedule.paused_at is not None:
                yield Explained(schedule.what, who, False, "schedule_paused")
            elif one is not None and one.messages:
                text = next((str(m.payload["text"]) for m in one.messages if "text" in m.payload), "")
                yield Explained(schedule.what, who, True, "", text)
            else:
                reason = one.reason if one is not None else reasons.get(who.person_id, "no_window")
                yield Explained(schedule.what, who, False, reason, at=schedule.at)


def _reasons(
    unit: UnitOfWork, schedule: StoredSchedule, everybody: list[Recipient], moment: Moment
) -> Mapping[int, str]:
    """Return, by person, why nothing is planned for them."""
    if schedule.what != LADDER:
        return why_not(unit, schedule, everybody, moment)
    outlook = leaving_to_digests(unit, moment, outlook_of(unit, moment), everybody)
    agenda = agenda_of(unit, moment, outlook, everybody)
    found: dict[int, str] = {}
    for who in everybody:
        own = ZoneInfo(who.timezone)
        at = schedule.recurrence.hour_there(moment.now.astimezone(own).date(), own)
        verdict = decide(agenda, who, moment.now, at, own)
        if isinstance(verdict, Say):  # the scan returned nothing: today is not one of its days
            found[who.person_id] = "no_window"
        elif verdict.reason == IN_DIGEST:
            found[who.person_id] = silenced(agenda, who, moment.now, moment.day_of(who)) or IN_DIGEST
        else:
            found[who.person_id] = verdict.reason
    return found
