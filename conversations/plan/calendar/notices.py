"""May this person be told now, and what: each rule that says yes or no, in one place (docs/domain.md#reminders, G8,
G10).

People accept reminders only while they are right: a sent report is never asked for again, nobody gets two in a day,
nobody is woken. So the steps whose day has come decide whether somebody is told. The state at the moment of sending
decides what they are told. Everything is decided twice, when a message is planned and when it is sent, and must be
allowed both times. The scheduler asks here and writes the ledger; it decides nothing itself.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from conversations.plan.calendar.agenda import (
    Agenda,
    Lapsing,
    Reason,
    Recipient,
    Topic,
    agency_topics,
    asked_for_evidence,
    asks_for_evidence,
    closing_topics,
    owes_evidence,
    told_topics,
)
from conversations.plan.calendar.ladder import ALONE, FOR_ALTERNATES, FOR_REPORTERS, Rung, Step, is_timely
from conversations.plan.calendar.ledger import OFFICERS, has_room, week_of
from conversations.plan.calendar.working_time import (
    WORK_BEGINS,
    WORK_ENDS,
    Times,
    falls_on,
    has_begun,
    hour_there,
    instant,
    is_quiet,
    is_too_late,
    next_working_hour,
    windows_until,
    working_day_until,
)
from conversations.plan.model import AGENCY_ROLES, Role
from conversations.plan.periods import ONE_DAY, ReportingPeriod, closing_due_on, is_working_day, working_day_from

OPEN_REASONS = frozenset(
    {
        "paused_for_everybody",
        "paused",
        "snoozed",
        "unreachable",
        "no_privacy",
        "quiet_hours",
        "held_over",
        "schedule_paused",
    }
)
"""Reasons for which the step waits: it is told if the reason ends while it is not too late."""
WAITED_FOR = frozenset({"paused_for_everybody", "paused", "told_today"})
"""Regular messages wait only for the end of these reasons, so that each scan reads few people."""


@dataclass(frozen=True, slots=True)
class Say:
    """A message is sent on this day (in the recipient's zone). `missed`: earlier days that the message covers too."""

    window: date
    topics: tuple[Topic, ...]
    missed: tuple[date, ...] = ()
    is_asked_for: bool = False
    """Whether the reader asked for it, so that it is outside of their budget."""


@dataclass(frozen=True, slots=True)
class Silence:
    """No message is sent. If there is a `window`, the ledger records why; an open window may still be told later."""

    reason: Reason
    window: date | None = None

    @property
    def is_open(self) -> bool:
        return self.reason in OPEN_REASONS


Verdict = Say | Silence


# ------------------------------------------------------------------ the ladder
def decide(agenda: Agenda, who: Recipient, now: datetime, at: time, zone: ZoneInfo) -> Verdict:
    """Decide whether this person is told something now. The first rule that says no is the reason."""
    day = now.astimezone(zone).date()
    if is_quiet(now, zone, agenda.holidays):
        return Silence("quiet_hours")
    if now < instant(day, at, zone):
        return Silence("before_the_hour")
    if (reason := settled(agenda, who, day)) is not None:
        return Silence(reason)
    pending = pending_steps(agenda, who, day)
    if not pending and not _is_awaited(agenda, who, day) and not _announced(agenda, who, day):
        lapsed = _lapsed(agenda, who, day)
        return Silence("too_late", max(lapsed)) if lapsed else Silence("no_step")
    if (silence := not_reminded(agenda, who, now, day)) is not None:
        return Silence(silence, day)
    earlier = {step.on for step in pending if step.on < day}
    missed = tuple(sorted(on for on in earlier if (who.person_id, on) not in agenda.windows))
    if who.reports:
        return _decide_for_reporter(agenda, who, day, pending, missed)
    topics = closing_topics(agenda, pending)
    return Say(day, topics, missed) if topics else Silence("everybody_closed", day)


def _decide_for_reporter(
    agenda: Agenda, who: Recipient, day: date, pending: Collection[Step], missed: tuple[date, ...]
) -> Verdict:
    """Decide whether somebody who reports is told of these steps. What they wait for is told without a step."""
    is_asked_for, is_announced = _is_awaited(agenda, who, day), bool(_announced(agenda, who, day))
    topics = told_topics(agenda, who)
    left = {one.period for topic in topics for one in topic.left}
    closes = {period for topic in topics for period in topic.closes}
    still = tuple(
        step
        for step in pending
        if step.period in left or _tells_to_close(step, closes) or asks_for_evidence(agenda, who, step)
    )
    own = [step for step in still if step.rung in _rungs(agenda, who)]
    if not is_asked_for and not is_announced:
        if not any(_is_expected(agenda, who, step.period) for step in pending):
            return Silence("nothing_expected", day)
        if why := _why_silent(agenda, who, day, still, own):
            return Silence(why, day)
    ranks = [RANK[step.rung] for step in own] + ([0] if is_announced else [])
    if not is_asked_for and ranks and not keeps_budget(agenda, who, day, min(ranks)):
        return Silence("yields", day)
    is_due = topics or is_announced or asked_for_evidence(agenda, who, still)
    return Say(day, topics, missed, is_asked_for) if is_due else Silence("nothing_left", day)


def _why_silent(agenda: Agenda, who: Recipient, day: date, still: Sequence[Step], own: Sequence[Step]) -> Reason | None:
    """Return why nothing of these steps is told, if nothing else is told either."""
    if not still:
        return "nothing_left"
    if who.role is Role.ALTERNATE and not own:
        return "focal_point_told"
    return "told_already" if all(_was_just_opened(agenda, who, step, day) for step in still) else None


def settled(agenda: Agenda, who: Recipient, day: date) -> Reason | None:
    """Return why nothing more is decided about this person on a day: the ledger has the day, or a message is on its
    way.
    """
    if (who.person_id, day) in agenda.windows:
        return agenda.windows[who.person_id, day]
    if (who.person_id, day) in agenda.had_notice:
        return "told_today"
    return agenda.waiting.get(who.person_id)


def is_meant(who: Recipient) -> bool:
    """Whether the ladder ever has a message for such a person."""
    return who.reports or who.role is Role.COORDINATOR


def pending_steps(agenda: Agenda, who: Recipient, day: date) -> tuple[Step, ...]:
    """Return the steps for this role that the ledger does not have, if their day has come in the person's zone too."""
    return _meant(agenda.steps, agenda, who, day)


def _meant(steps: Collection[Step], agenda: Agenda, who: Recipient, day: date) -> tuple[Step, ...]:
    rungs = FOR_REPORTERS if who.reports else ALONE
    told = agenda.told_until.get(who.person_id, agenda.told.get(who.person_id, date.min))
    return tuple(step for step in steps if step.rung in rungs and told < step.on <= day)


def _lapsed(agenda: Agenda, who: Recipient, day: date) -> list[date]:
    """Return the days of steps that are too late to be told and are not in the ledger yet."""
    mine = (step.on for step in _meant(agenda.lapsed, agenda, who, day) if has_begun(who.since, step.on, day))
    return [on for on in mine if (who.person_id, on) not in agenda.windows]


def concerns(agenda: Agenda, who: Recipient, day: date) -> bool:
    """Whether there is something to decide about this person. It needs only the steps, the pauses and the ledger."""
    return bool(
        pending_steps(agenda, who, day)
        or _is_awaited(agenda, who, day)
        or _announced(agenda, who, day)
        or _lapsed(agenda, who, day)
    )


def silenced(agenda: Agenda, who: Recipient, now: datetime, day: date) -> Reason | None:
    """Return why this person may be told nothing at all now, or None. It is called at planning and again at sending."""
    if day >= who.until:
        return "no_role"
    if who.absence is not None:
        return who.absence
    kinds: Mapping[str, Reason] = {"everybody": "paused_for_everybody", "own": "paused", "delegated": "delegated"}
    for pause in agenda.pauses:
        if pause.kind in kinds and pause.holds(who.person_id, now, day):
            return kinds[pause.kind]
    return None


def snoozed(agenda: Agenda, who: Recipient, now: datetime, day: date) -> Reason | None:
    """Return `snoozed` if they asked not to be reminded before another day.

    Only reminders wait; other messages do not.
    """
    is_snoozed = any(pause.kind == "snooze" and pause.holds(who.person_id, now, day) for pause in agenda.pauses)
    return "snoozed" if is_snoozed else None


def _is_awaited(agenda: Agenda, who: Recipient, day: date) -> bool:
    """Whether they asked to be told again, for a day that has come."""
    told = agenda.told.get(who.person_id, date.min)
    return any(
        pause.kind == "snooze"
        and pause.person_id == who.person_id
        and pause.until_on is not None
        and told < pause.until_on <= day
        and not is_too_late(pause.until_on, day, agenda.holidays)
        for pause in agenda.pauses
    )


def _announced(agenda: Agenda, who: Recipient, day: date) -> tuple[Lapsing, ...]:
    """Return the drafts whose expiry is announced now: on the last working day before it, if no earlier notice named
    them.
    """
    told = agenda.told.get(who.person_id, date.min)
    return tuple(
        draft
        for draft in agenda.lapsing.get(who.person_id, ())
        if told < draft.announced_on(agenda.holidays) <= day < draft.on
    )


def _is_expected(agenda: Agenda, who: Recipient, period: ReportingPeriod) -> bool:
    if who.is_contributor:
        return any(left.period == period for left in agenda.left_indicators.get(who.agency_code, ()))
    return who.agency_code in agenda.expecting.get(period.code, ())


def _was_just_opened(agenda: Agenda, who: Recipient, step: Step, day: date) -> bool:
    """Whether this step comes on the working day after the person was told of the opening."""
    opened = working_day_from(step.period.opens_on, agenda.holidays)
    return (
        step.rung is Rung.BEFORE
        and opened == working_day_until(day - ONE_DAY, agenda.holidays)
        and opened in agenda.notices.get(who.person_id, ())
    )


def _tells_to_close(step: Step, closes: Collection[ReportingPeriod]) -> bool:
    """Whether this step is told if only the closing is left. That is so for the due day and the last day."""
    return step.period in closes and step.rung is not Rung.LATE


def _rungs(agenda: Agenda, who: Recipient) -> frozenset[Rung]:
    """Return the steps that are told to somebody who reports.

    An alternate gets only a few while the focal point can be told.
    """
    is_beside = who.role is Role.ALTERNATE and who.agency_code in agenda.with_focal_point
    return FOR_ALTERNATES if is_beside and not agenda.stands_in(who) else FOR_REPORTERS


# ------------------------------------------------------------------ the ladder's part of the budget
RANK: Mapping[Rung, int] = {
    rung: rank for rank, rung in enumerate((Rung.DUE, Rung.LAST, Rung.OPEN, Rung.LATE, Rung.BEFORE))
}
"""The order of the steps if there is not room for all. A step that yields becomes a part of the next notice."""


def keeps_budget(agenda: Agenda, who: Recipient, day: date, rank: int) -> bool:
    """Whether a step of that rank is told on that day.

    Otherwise it yields to earlier messages or to steps that come soon.
    """
    return is_next(day, rank, agenda.spent.get(who.person_id, ()), steps_meant(agenda, who, agenda.ahead))


def paced(
    fires: Iterable[tuple[date, datetime]],
    meant: Sequence[Step],
    notices: Collection[date],
    told: date,
    holidays: Collection[date],
) -> Iterator[tuple[date, datetime]]:
    """Return the coming days of the ladder on which these steps bring a notice that does not have to yield."""
    taken = list(notices)
    for day, moment in fires:
        ranks = [RANK[step.rung] for step in meant if told < step.on and is_timely(step, day, holidays)]
        told = day
        if ranks and is_next(day, min(ranks), taken, meant):
            taken.append(day)
            yield day, moment


def is_next(day: date, rank: int, told: Iterable[date], coming: Iterable[Step]) -> bool:
    """Whether a notice on this day keeps the budget beside the days already told and the steps that go first.

    It leaves room for the steps that go first in its week, and for each due day within a month. What is told around a
    due day leaves room for each last day, too.
    """
    kept = {Rung.DUE} if rank <= RANK[Rung.OPEN] else {Rung.DUE, Rung.LAST}
    taken = [on for on in told if on != day]
    for step in sorted(coming, key=lambda step: (RANK[step.rung], step.on)):
        first = RANK[step.rung] < rank and (step.rung in kept or week_of(step.on) == week_of(day))
        if first and step.on > day and has_room(step.on, taken, OFFICERS):
            taken.append(step.on)
    return has_room(day, taken, OFFICERS)


def steps_meant(agenda: Agenda, who: Recipient, steps: Iterable[Step]) -> list[Step]:
    """Return those of these steps that a reporter is told of, if nothing more is reported."""
    topics = told_topics(agenda, who, is_chased=True)
    left = {one.period for topic in topics for one in topic.left}
    closes = {period: closing_due_on(topic.closes) for topic in topics for period in topic.closes}
    since = dict.fromkeys(left, date.min) | closes
    rungs = _rungs(agenda, who)
    return [
        step
        for step in steps
        if step.rung in rungs
        and (
            asks_for_evidence(agenda, who, step)
            or (
                (step.period.opens_on > agenda.today or step.on >= since.get(step.period, date.max))
                and (step.period not in closes or step.period in left or _tells_to_close(step, closes))
            )
        )
    ]


# ------------------------------------------------------------------ what is said regularly
@dataclass(frozen=True, slots=True)
class Recurrence:
    """The times of a regular message. If `timezone` is blank, they are in each recipient's own zone.

    `begins_at`: the first moment of the schedule. Nobody has missed a message from before it.
    """

    days: str
    at: time
    timezone: str
    begins_at: datetime

    def zone(self, own: str) -> ZoneInfo:
        """The zone of the schedule's time, for somebody who lives in `own`."""
        return ZoneInfo(self.timezone or own)

    def hour_there(self, day: date, own: ZoneInfo) -> time:
        """Return the hour, on their own clock, at which somebody who lives in `own` gets it on that day."""
        return hour_there(day, self.at, self.zone(own.key), own)


def windows_now(when: Recurrence, own: ZoneInfo, now: datetime, holidays: Collection[date]) -> list[date]:
    """Return the windows that have come for somebody who lives in `own`. The last one is sent, if it is in time.

    Return no window before today's. If an outage missed an earlier window, today's message covers it.
    """
    if is_to_come(when, own, now, holidays):
        return []
    zone = when.zone(own.key)
    return [
        window
        for window in windows_until(Times(when.days, when.at, zone), now, holidays, own=own)
        if has_begun(when.begins_at, instant(window, when.at, zone), now)
    ]


def is_to_come(when: Recurrence, own: ZoneInfo, now: datetime, holidays: Collection[date]) -> bool:
    """Whether one of its windows comes later on this day, in that zone."""
    zone, day = when.zone(own.key), now.astimezone(own).date()
    at = when.hour_there(day, own)
    return (
        falls_on(when.days, day, holidays)
        and now < instant(day, at, own)
        and at < WORK_ENDS
        and has_begun(when.begins_at, instant(day, when.at, zone), now)
    )


def window_of_today(when: Recurrence, own: ZoneInfo, now: datetime, holidays: Collection[date]) -> date | None:
    """Return the window of this day. Everybody who has not been told yet is told now or later on this day."""
    if is_to_come(when, own, now, holidays):
        return now.astimezone(own).date()
    windows = windows_now(when, own, now, holidays)
    return windows[-1] if windows and not is_too_late(windows[-1], now.astimezone(own).date(), holidays) else None


def regular_silence(outlook: Agenda, who: Recipient, now: datetime, window: date, *, is_by_hand: bool) -> Reason | None:
    """Return why this person does not get this window's message now. None if they get it.

    A message that somebody sends by hand does not wait because of another message of today.
    """
    day = now.astimezone(ZoneInfo(who.timezone)).date()
    if _was_told(outlook, who, window, day):
        return "told_already"
    if is_too_late(window, day, outlook.holidays):
        return "too_late"
    silence = silenced(outlook, who, now, day)
    if silence is None and not is_by_hand and (who.person_id, day) in outlook.had_notice:
        return "told_today"
    return silence


def why_no_window(outlook: Agenda, when: Recurrence, who: Recipient, now: datetime) -> Reason | Literal["no_window"]:
    """Return why a digest or card says nothing now to a person for whom nothing is planned."""
    own, holidays = ZoneInfo(who.timezone), outlook.holidays
    day, comes_later = now.astimezone(own).date(), is_to_come(when, own, now, holidays)
    window = window_of_today(when, own, now, holidays)
    if window is None or not has_begun(who.since, window, day):
        last = windows_now(when, own, now, holidays)[-1:]
        is_missed = any(outlook.windows.get((who.person_id, each)) == "too_late" for each in last)
        return "too_late" if is_missed else "no_window"
    if comes_later and now < instant(day, when.at, when.zone(who.timezone)):
        return "before_the_hour"
    known = outlook.windows.get((who.person_id, window))
    if known is not None and known not in OPEN_REASONS:
        return known if window == day else "no_window"
    if (silence := silenced(outlook, who, now, day)) is not None:
        return silence
    if (who.person_id, day) in outlook.had_notice:
        return "told_today"
    return "quiet_hours" if comes_later or is_quiet(now, own, holidays) else known or "no_window"


def next_reminder_on(agenda: Agenda, who: Recipient, when: Recurrence, days: Iterable[date]) -> date | None:
    """Return the first of these days on which the ladder can remind this person of the rest. None if there is none."""
    own = ZoneInfo(who.timezone)
    for day in days:
        at = instant(day, when.hour_there(day, own), own)
        if (
            falls_on(when.days, day, agenda.holidays)
            and silenced(agenda, who, at, day) is None
            and told_topics(replace(agenda, today=day), who)
        ):
            return day
    return None


def _was_told(outlook: Agenda, who: Recipient, window: date, today: date) -> bool:
    """Whether this window was told already: by hand today, or on a day that has become a holiday since.

    Such a holiday moved the window to the next working day.
    """
    if outlook.windows.get((who.person_id, today)) == "told_today":
        return True
    day = window - ONE_DAY
    while not is_working_day(day, outlook.holidays):
        if outlook.windows.get((who.person_id, day)) == "told_today":
            return True
        day -= ONE_DAY
    return False


# ------------------------------------------------------------------ the second look
def second_look(
    outlook: Agenda, who: Recipient, now: datetime, window: date, *, is_by_hand: bool
) -> Reason | datetime | None:
    """Check a message that is about to leave. Return why it is dropped, when to look again, or None: send it.

    A message that was sent by hand waits for the next working hour. A scheduled one is dropped, because it is planned
    again.
    """
    zone = ZoneInfo(who.timezone)
    if now < instant(window, WORK_BEGINS, zone):  # the clock has gone back to before its day
        return now + timedelta(minutes=1)
    if is_quiet(now, zone, outlook.holidays):
        return next_working_hour(now, zone, outlook.holidays) if is_by_hand else "quiet_hours"
    return silenced(outlook, who, now, now.astimezone(zone).date())


def is_held_over(who: Recipient, now: datetime, made_at: datetime, *, is_by_hand: bool) -> bool:
    """Return whether a message waited beyond its day, so that its words are old. Never so if it was sent by hand."""
    zone = ZoneInfo(who.timezone)
    return not is_by_hand and made_at.astimezone(zone).date() < now.astimezone(zone).date()


def not_reminded(agenda: Agenda, who: Recipient, now: datetime, day: date) -> Reason | None:
    """Return why this person gets no reminder now: they may be told nothing, or they asked to wait."""
    return silenced(agenda, who, now, day) or snoozed(agenda, who, now, day)


def still_due(
    agenda: Agenda,
    who: Recipient,
    now: datetime,
    zone: ZoneInfo,
    window: date,
    rungs: Collection[Rung],
    *,
    is_chased: bool = False,
) -> Say | Silence:
    """Check a reminder at the moment of sending. Return what it says now, or why it is dropped.

    A reminder that was held until a later day is dropped, because that day has a message of its own. This does not
    apply to one that a coordinator asked for (`is_chased`).
    """
    day = now.astimezone(zone).date()
    if is_quiet(now, zone, agenda.holidays):
        return Silence("quiet_hours")
    if day != window and not is_chased:
        return Silence("held_over")
    silence = not_reminded(agenda, who, now, day)
    if silence is not None:
        return Silence(silence)
    if who.reports:
        topics = told_topics(agenda, who, is_chased=is_chased)
        is_due = topics or agenda.lapsing.get(who.person_id) or owes_evidence(agenda, who, rungs)
        return Say(day, topics) if is_due else Silence("nothing_left")
    topics = closing_topics(agenda, tuple(step for step in agenda.steps if step.rung in rungs))
    return Say(day, topics) if topics else Silence("everybody_closed")


# ------------------------------------------------------------------ reminding by hand
@dataclass(frozen=True, slots=True)
class Chase:
    """The people whom a coordinator may remind now, and why the others who owe something cannot be reminded.

    It counts agencies. The list of /recordar and the button of the digest both use it.
    """

    waiting: tuple[str, ...] = ()
    """Agencies with something left to report or to close, including those below."""
    meant: tuple[tuple[Recipient, tuple[Topic, ...]], ...] = ()
    told_today: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    """Agencies whose people are all outside of their working hours."""
    silent: Mapping[str, Reason] = field(default_factory=dict)
    """Agencies where nobody can be told anything, and why; `no_role` where nobody reports."""

    @property
    def agencies(self) -> tuple[str, ...]:
        """Agencies where somebody is reminded now."""
        return tuple(sorted({who.agency_code for who, _ in self.meant}))


def chase(agenda: Agenda, everybody: Sequence[Recipient], now: datetime) -> Chase:
    """Find the agencies that have not reported or closed an open period, and who of them can be reminded now."""
    topics = {
        code: found
        for code in sorted({*agenda.left, *(code for codes in agenda.unclosed.values() for code in codes)})
        if (found := agency_topics(agenda, code, is_chased=True))
    }
    by_agency: dict[str, list[Recipient]] = {}
    for who in everybody:
        if who.role in AGENCY_ROLES and who.agency_code in topics:
            by_agency.setdefault(who.agency_code, []).append(who)
    meant: list[tuple[Recipient, tuple[Topic, ...]]] = []
    told_today, resting, silent = [], [], dict[str, Reason]()
    for code, found in topics.items():
        asked = [who for who in by_agency.get(code, ()) if _is_asked(agenda, who)]
        reasons = {who: why_not_chased(agenda, who, now) for who in asked}
        told = [who for who, reason in reasons.items() if reason is None]
        known = [reason for reason in reasons.values() if reason is not None]
        if told:
            meant += [(who, found) for who in told]
        elif "told_today" in known:
            told_today.append(code)
        elif "quiet_hours" in known:
            resting.append(code)
        else:
            # A person who gave the post away is silent because of that. The reason that counts is the deputy's.
            silent[code] = next((why for why in known if why != "delegated"), known[0]) if known else "no_role"
    return Chase(tuple(topics), tuple(meant), tuple(told_today), tuple(resting), silent)


def _is_asked(agenda: Agenda, who: Recipient) -> bool:
    """Whether a coordinator's reminder is for this person. An alternate gets it only if no focal point can be told."""
    return who.role is not Role.ALTERNATE or who.agency_code not in agenda.with_focal_point or agenda.stands_in(who)


def why_not_chased(agenda: Agenda, who: Recipient, now: datetime) -> Reason | None:
    """Why a coordinator cannot have this person reminded now; None if they can."""
    zone = ZoneInfo(who.timezone)
    day = now.astimezone(zone).date()
    known = agenda.windows.get((who.person_id, day), agenda.waiting.get(who.person_id))
    if known == "told_today" or (who.person_id, day) in agenda.had_notice:
        return "told_today"
    if (silence := not_reminded(agenda, who, now, day)) is not None:
        return silence
    if not has_room(day, agenda.spent.get(who.person_id, ()), OFFICERS):
        return "spent"
    return "quiet_hours" if is_quiet(now, zone, agenda.holidays) else None
