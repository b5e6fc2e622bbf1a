"""Who is reminded of what, and of everybody who is not, why: the ladder of DOMAIN §5.3 as a pure decision.

A reminder is thanked for as long as it is right: nothing that was sent already is asked for again, nobody gets two in
a day, nobody is woken. So whether somebody is told is decided by steps whose day has come, and what they are told by
how things stand when it is said: a message that an outage delayed says "closed yesterday", not "closes today".
`decide` is asked twice, when a reminder is planned and when it is sent, and must say yes both times (GUARANTEES G8).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from conversations.cards import Button, Card, Line, bold, line
from conversations.due import (
    FOR_COORDINATORS,
    FOR_REPORTERS,
    ONE_DAY,
    Left,
    Rung,
    Step,
    instant,
    is_quiet,
    is_too_late,
    ladder,
    working_day_from,
    working_day_until,
)
from conversations.engine import show_date
from conversations.monitoring import PLENARY
from conversations.plan import (
    AGENCY_ROLES,
    ReportingPeriod,
    Role,
    closes_together,
    closing_due_on,
    period_name,
    period_names,
)
from conversations.wording import wording

MINUTES_EACH = 2
LISTED = 6
"""Activities named in one reminder; the rest is a number."""
AGENCIES_LISTED = 16
IN_A_ROW = 2
"""Periods let pass after which a letter is offered (DOMAIN §5.3, step 6)."""
LETTERS = 4
"""Agencies that have a button to a letter under one notice; of more, one button opens their list."""

LADDER = "reminders"
"""The ladder's name among the jobs and in the ledger."""
CARRIERS: Mapping[str, frozenset[Role]] = {
    "digest": frozenset({Role.COORDINATOR}),
    "card": frozenset({Role.OBSERVER, Role.READER}),
}
"""What is said regularly, to whom. On its day it says what the ladder has for the same person, and the ladder is
silent: one message a day, all topics together (DOMAIN §5.3)."""

NEEDS = ("days", "call", "no_data")
"""What somebody says they need in order to report; catalogue keys `remind.need.…`."""
PauseKind = Literal["everybody", "own", "delegated", "snooze"]
Reason = Literal[
    "no_role",
    "before_the_hour",
    "quiet_hours",
    "no_step",
    "told_today",
    "told_in_digest",
    "told_already",
    "paused_for_everybody",
    "paused",
    "snoozed",
    "delegated",
    "unreachable",
    "no_privacy",
    "nothing_expected",
    "nothing_left",
    "nothing_validated",
    "nothing_to_tell",
    "focal_point_told",
    "everybody_closed",
    "too_late",
    "told_later",
    "held_over",
    "schedule_paused",
]
"""Why somebody is not told. Catalogue keys are `due.reason.…`."""

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
"""The step stays to be told, if the reason goes away while it is not too late."""
PAUSED = frozenset({"paused_for_everybody", "paused"})
"""What is said regularly waits for the end of these, and of nothing else: who is asked for at every scan are few."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody with a role in the plan, as far as telling them anything goes."""

    person_id: int
    chat_id: int
    name: str
    language: str
    timezone: str
    role: Role
    agency_code: str = ""
    since: date = date.min
    until: date = date.max
    """The first day on which the role is over: it was for a time, or the agency takes part no more."""
    is_unreachable: bool = False
    has_accepted_privacy: bool = True
    is_contributor: bool = False

    @property
    def reports(self) -> bool:
        """Whether anything is theirs to report; of a contributor, the indicators that their agency leads."""
        return self.role in AGENCY_ROLES or self.is_contributor


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence that somebody asked for, until a day: on `until_on` it is over. `person_id` None: for everybody.

    A `snooze` silences the ladder alone, and on its day its owner is told of whatever is left.
    """

    kind: PauseKind
    from_at: datetime
    until_on: date | None = None
    person_id: int | None = None

    def holds(self, person_id: int, now: datetime, day: date) -> bool:
        return (
            self.person_id in (None, person_id)
            and self.from_at <= now
            and (self.until_on is None or day < self.until_on)
        )


@dataclass(frozen=True, slots=True)
class Lapsing:
    """A draft that expires: of what, and from which day of the plan's zone it cannot be sent any more."""

    code: str
    on: date

    def announced_on(self, holidays: Collection[date]) -> date:
        """The last working day on which it can still be sent."""
        return working_day_until(self.on - ONE_DAY, holidays)


@dataclass(frozen=True, slots=True)
class Agenda:
    """The figures of one plan at one moment; `today` and the steps are days of the plan's own zone."""

    today: date
    holidays: frozenset[date] = frozenset()
    periods: tuple[ReportingPeriod, ...] = ()
    steps: tuple[Step, ...] = ()
    lapsed: tuple[Step, ...] = ()
    left: Mapping[str, tuple[Left, ...]] = field(default_factory=dict)
    left_indicators: Mapping[str, tuple[Left, ...]] = field(default_factory=dict)
    """Of the agencies that have a contributor; nobody else is reminded of indicators."""
    expecting: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By period, the agencies of which it expects something."""
    unclosed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By period, those of them that have not closed it."""
    in_a_row: Mapping[str, int] = field(default_factory=dict)
    """By agency, how many periods in a row it has let lock without closing (`plan.unclosed_row`)."""
    put_off: frozenset[str] = frozenset()
    """Agencies of which no letter is offered before that row grows."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """By agency, what it last said it needs."""
    with_focal_point: frozenset[str] = frozenset()
    """Agencies with a focal point who can be told, or with somebody in their place."""
    reachable: frozenset[str] = frozenset()
    """Agencies of which somebody who reports can be told something, be it an alternate."""
    silent: Mapping[str, Reason] = field(default_factory=dict)
    """Of the others those for which somebody reports, and why they can be told nothing."""
    deputies: frozenset[int] = frozenset()
    """People in whose hands a focal point has left the post."""
    pauses: tuple[Pause, ...] = ()
    lapsing: Mapping[int, tuple[Lapsing, ...]] = field(default_factory=dict)
    """By person, the drafts that expire within a week."""
    told: Mapping[int, date] = field(default_factory=dict)
    """By person, the last day of theirs for which everything was told or needed no telling."""
    told_until: Mapping[int, date] = field(default_factory=dict)
    """The same as a day of the plan's, where it is not the same: in Tokyo Tuesday begins while the plan has Monday's
    steps.
    """
    windows: Mapping[tuple[int, date], Reason] = field(default_factory=dict)
    """Days that are in the ledger already, by person: `told_today` where something was said or will be, or why not;

    and `told_in_digest` where one of `CARRIERS` speaks that day, or has spoken.
    """
    waiting: Mapping[int, Reason] = field(default_factory=dict)
    """By person, what waits to be sent to them: it is said first, or taken back, before anything is decided anew."""

    def stands_in(self, who: Recipient) -> bool:
        """Whether they are told what the focal point would be."""
        return who.person_id in self.deputies


@dataclass(frozen=True, slots=True)
class Topic:
    """What is left of one period, that it is to be closed, or whose reports of it are missing."""

    period: ReportingPeriod
    left: tuple[Left, ...] = ()
    closes: tuple[ReportingPeriod, ...] = ()
    """All that they expect has been sent: "Cerrar el mes" closes these together, and nobody has pressed it."""
    rung: Rung | None = None
    agencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """To be said on this day of the recipient's, and of which earlier days it speaks too."""

    window: date
    topics: tuple[Topic, ...]
    missed: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is said. With a `window` the ledger records why; an open one may still be told later."""

    reason: Reason
    window: date | None = None

    @property
    def is_open(self) -> bool:
        return self.reason in OPEN_REASONS


Verdict = Say | Silence


# ------------------------------------------------------------------ the decision
def decide(agenda: Agenda, who: Recipient, now: datetime, at: time, zone: ZoneInfo) -> Verdict:
    """Whether this person is told something now. The first rule that says no is the reason."""
    day = now.astimezone(zone).date()
    if is_quiet(now, zone, agenda.holidays):
        return Silence("quiet_hours")
    if now < instant(day, at, zone):
        return Silence("before_the_hour")
    if (who.person_id, day) in agenda.windows:
        return Silence(agenda.windows[who.person_id, day])
    if who.person_id in agenda.waiting:
        return Silence(agenda.waiting[who.person_id])
    pending = pending_steps(agenda, who, day)
    is_awaited = _is_awaited(agenda, who, day) or bool(_announced(agenda, who, day))
    if not pending and not is_awaited:
        lapsed = _lapsed(agenda, who, day)
        return Silence("too_late", max(lapsed)) if lapsed else Silence("no_step")
    silence = silenced(agenda, who, now, day) or snoozed(agenda, who, now, day)
    if silence is not None:
        return Silence(silence, day)
    missed = tuple(
        sorted({step.on for step in pending if step.on < day and (who.person_id, step.on) not in agenda.windows})
    )
    if who.reports:
        if not is_awaited and not any(_is_expected(agenda, who, step.period) for step in pending):
            return Silence("nothing_expected", day)
        topics = told_topics(agenda, who)
        about = {period for topic in topics for period in (*(left.period for left in topic.left), *topic.closes)}
        pending = tuple(step for step in pending if step.period in about)
        if not is_awaited and not pending:
            return Silence("nothing_left", day)
        if who.role is Role.ALTERNATE and not is_awaited and not _alternate_is_meant(agenda, who, pending):
            return Silence("focal_point_told", day)
        if not is_awaited and all(_was_just_opened(agenda, who, step, day) for step in pending):
            return Silence("told_already", day)
        is_due = topics or _announced(agenda, who, day)
        return Say(day, topics, missed) if is_due else Silence("nothing_left", day)
    topics = closing_topics(agenda, pending)
    return Say(day, topics, missed) if topics else Silence("everybody_closed", day)


def pending_steps(agenda: Agenda, who: Recipient, day: date) -> tuple[Step, ...]:
    """The steps meant for this role that have come, there too, and that no day in the ledger has dealt with."""
    return _meant(agenda.steps, agenda, who, day)


def _meant(steps: Collection[Step], agenda: Agenda, who: Recipient, day: date) -> tuple[Step, ...]:
    rungs = FOR_REPORTERS if who.reports else FOR_COORDINATORS
    told = agenda.told_until.get(who.person_id, agenda.told.get(who.person_id, date.min))
    return tuple(step for step in steps if step.rung in rungs and told < step.on <= day)


def _lapsed(agenda: Agenda, who: Recipient, day: date) -> list[date]:
    """The days of steps that are too late to be told, and of which the ledger says nothing yet."""
    meant = _meant(agenda.lapsed, agenda, who, day)
    return [step.on for step in meant if step.on >= who.since and (who.person_id, step.on) not in agenda.windows]


def concerns(agenda: Agenda, who: Recipient, day: date) -> bool:
    """Whether there is anything to decide about this person: of the figures, steps, pauses and ledger suffice."""
    return bool(
        pending_steps(agenda, who, day)
        or _is_awaited(agenda, who, day)
        or _announced(agenda, who, day)
        or _lapsed(agenda, who, day)
    )


def silenced(agenda: Agenda, who: Recipient, now: datetime, day: date) -> Reason | None:
    """What forbids telling this person anything, whatever there is to tell; asked again when it is sent."""
    if day >= who.until:
        return "no_role"
    if who.is_unreachable:
        return "unreachable"
    if not who.has_accepted_privacy:
        return "no_privacy"
    kinds: Mapping[str, Reason] = {"everybody": "paused_for_everybody", "own": "paused", "delegated": "delegated"}
    for pause in agenda.pauses:
        if pause.kind in kinds and pause.holds(who.person_id, now, day):
            return kinds[pause.kind]
    return None


def snoozed(agenda: Agenda, who: Recipient, now: datetime, day: date) -> Reason | None:
    """Whether they asked not to be reminded again before another day; whatever else they are told, they are told."""
    is_snoozed = any(pause.kind == "snooze" and pause.holds(who.person_id, now, day) for pause in agenda.pauses)
    return "snoozed" if is_snoozed else None


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
    """The second look, at the moment of sending: what is to be said now, or why not after all.

    What was held beyond its day gives way: the new day has a decision, and a message, of its own. What a coordinator
    asked for (`is_chased`) has no other day.
    """
    day = now.astimezone(zone).date()
    if is_quiet(now, zone, agenda.holidays):
        return Silence("quiet_hours")
    if day != window and not is_chased:
        return Silence("held_over")
    silence = silenced(agenda, who, now, day) or snoozed(agenda, who, now, day)
    if silence is not None:
        return Silence(silence)
    if who.reports:
        topics = told_topics(agenda, who, is_chased=is_chased)
        return Say(day, topics) if topics or agenda.lapsing.get(who.person_id) else Silence("nothing_left")
    topics = closing_topics(agenda, tuple(step for step in agenda.steps if step.rung in rungs))
    return Say(day, topics) if topics else Silence("everybody_closed")


def told_topics(agenda: Agenda, who: Recipient, *, is_chased: bool = False) -> tuple[Topic, ...]:
    """What is left of what is this person's to report, and what only has to be closed.

    Before its due day nobody is asked to close: they may be about to. A coordinator who asks may ask sooner.
    """
    if who.is_contributor:
        return _topics(agenda, agenda.left_indicators.get(who.agency_code, ()))
    return agency_topics(agenda, who.agency_code, is_chased=is_chased)


def agency_topics(agenda: Agenda, agency_code: str, *, is_chased: bool = False) -> tuple[Topic, ...]:
    """The same of an agency's reports."""
    topics = _topics(agenda, agenda.left.get(agency_code, ()))
    closes = to_close(agenda, agency_code)
    if closes and (is_chased or closing_due_on(closes) <= agenda.today):
        topics = (*topics, Topic(max(closes, key=lambda period: period.due_on), closes=closes))
    return topics


def to_close(agenda: Agenda, agency_code: str) -> tuple[ReportingPeriod, ...]:
    """What "Cerrar el mes" would close for an agency; empty while one of their reports is left."""
    left = {left.period for left in agenda.left.get(agency_code, ())}
    together = closes_together(
        agenda.periods,
        agenda.today,
        lambda period: agency_code in agenda.unclosed.get(period.code, ()),
        lambda period: period not in left,
    )
    return () if left.intersection(together) else together


def _topics(agenda: Agenda, all_left: Sequence[Left]) -> tuple[Topic, ...]:
    by_period: dict[str, list[Left]] = {}
    for left in all_left:
        if left.period.is_open(agenda.today):
            by_period.setdefault(left.period.code, []).append(left)
    return tuple(Topic(found[0].period, tuple(found)) for found in by_period.values())


def closing_topics(agenda: Agenda, pending: Collection[Step]) -> tuple[Topic, ...]:
    """For the coordinator: who has not closed when grace ends, and when the period locks; of a period the later."""
    latest = {step.period.code: step for step in pending if step.rung in FOR_COORDINATORS}
    return tuple(
        Topic(step.period, rung=step.rung, agencies=agencies)
        for step in latest.values()
        if (
            agencies := tuple(
                code for code in agenda.unclosed.get(step.period.code, ()) if _is_late(agenda, code, step.period)
            )
        )
    )


def _is_late(agenda: Agenda, agency_code: str, period: ReportingPeriod) -> bool:
    """Whether one that has not closed a period is missing: not if all is sent, and it closes with one that is open."""
    return any(left.period == period for left in agenda.left.get(agency_code, ())) or not any(
        other.end_on == period.end_on
        and other.locks_on > period.locks_on
        and other.is_open(agenda.today)
        and agency_code in agenda.unclosed.get(other.code, ())
        for other in agenda.periods
    )


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
    """Drafts whose expiry is to be announced: it is the last working day before it, and nobody has spoken since."""
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
    """Whether this step before the due day comes on the working day after they were told of the opening."""
    told = agenda.told.get(who.person_id)
    return (
        step.rung is Rung.BEFORE
        and told == working_day_until(day - ONE_DAY, agenda.holidays)
        and told == working_day_from(step.period.opens_on, agenda.holidays)
    )


def _alternate_is_meant(agenda: Agenda, who: Recipient, pending: Collection[Step]) -> bool:
    if agenda.stands_in(who) or who.agency_code not in agenda.with_focal_point:
        return True
    return any(step.rung is Rung.LATE for step in pending)


# ------------------------------------------------------------------ reminding by hand
@dataclass(frozen=True, slots=True)
class Chase:
    """Whom a coordinator may remind now, and of everybody else who has something to do, why not.

    Counted by agencies, for whoever asks: the list of /recordar and the button of the digest.
    """

    waiting: tuple[str, ...] = ()
    """Agencies with something left to report or to close, those below among them."""
    meant: tuple[tuple[Recipient, tuple[Topic, ...]], ...] = ()
    told_today: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    """Whose people are outside of working hours."""
    silent: Mapping[str, Reason] = field(default_factory=dict)
    """Of whom nobody can be told anything, and why; `no_role` where nobody reports."""

    @property
    def agencies(self) -> tuple[str, ...]:
        """Of whom somebody is reminded now."""
        return tuple(sorted({who.agency_code for who, _ in self.meant}))


def chase(agenda: Agenda, everybody: Sequence[Recipient], now: datetime) -> Chase:
    """Who is expected to report or to close an open period, has not, and can be told."""
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
        reasons: list[Reason] = []
        is_meant = False
        for who in by_agency.get(code, ()):
            if who.role is Role.ALTERNATE and code in agenda.with_focal_point and not agenda.stands_in(who):
                continue
            zone = ZoneInfo(who.timezone)
            day = now.astimezone(zone).date()
            silence = silenced(agenda, who, now, day) or snoozed(agenda, who, now, day)
            if agenda.windows.get((who.person_id, day), agenda.waiting.get(who.person_id)) == "told_today":
                reasons.append("told_today")
            elif silence is not None:
                reasons.append(silence)
            elif is_quiet(now, zone, agenda.holidays):
                reasons.append("quiet_hours")
            else:
                meant.append((who, found))
                is_meant = True
        if is_meant:
            continue
        if "told_today" in reasons:
            told_today.append(code)
        elif "quiet_hours" in reasons:
            resting.append(code)
        else:
            # Whoever gave the post away is silent because of that; why nobody speaks is the reason of who took it.
            silent[code] = next((why for why in reasons if why != "delegated"), reasons[0]) if reasons else "no_role"
    return Chase(tuple(topics), tuple(meant), tuple(told_today), tuple(resting), silent)


# ------------------------------------------------------------------ the words
def reminder(topics: Collection[Topic], who: Recipient, agenda: Agenda, *, colleague: Recipient | None = None) -> Card:
    """One message with all topics, the one whose step brings it in full; buttons that deal with all of it.

    `colleague` is somebody of the agency who is told the same, and is named for that alone.
    """
    return _to_coordinator(topics, who, agenda) if not who.reports else _to_reporter(topics, who, agenda, colleague)


def stage(period: ReportingPeriod, today: date, holidays: Collection[date]) -> str:
    """Where a period stands for whoever has something left in it: the key of what they are told."""
    if today < period.due_on:
        # The step itself may lie further before it: a Friday, of a Tuesday.
        is_near = (period.due_on - today).days <= 3 or today >= ladder(period, holidays)[Rung.BEFORE]
        return "before" if is_near else "open"
    if today == period.due_on:
        return "due"
    return "grace" if today <= period.grace_until_on else "late"


def _head(topics: Collection[Topic], agenda: Agenda) -> Topic:
    """The topic with the newest step: what is due today is said today, whatever has been late for longer.

    Of several steps of one day, or none, the most urgent.
    """

    def newness(topic: Topic) -> tuple[date, int, int, int]:
        about = topic.closes or (topic.period,)
        came = [
            (step.on, _ORDER[step.rung]) for step in agenda.steps if step.rung in FOR_REPORTERS and step.period in about
        ]
        urgency = STAGES.index(stage(topic.period, agenda.today, agenda.holidays)), -topic.period.due_on.toordinal()
        return (*max(came, default=(date.min, 0)), *urgency)

    return max(topics, key=newness)


_ORDER = {rung: place for place, rung in enumerate(Rung)}


def _to_reporter(topics: Collection[Topic], who: Recipient, agenda: Agenda, colleague: Recipient | None) -> Card:
    say = wording(who.language)
    drafts = [
        line(say("remind.draft", code=draft.code, date=show_date(draft.on.isoformat(), who.language)))
        for draft in agenda.lapsing.get(who.person_id, ())
    ]
    if not topics:
        command = "indicadores" if who.is_contributor else "pendientes"
        return Card(tuple(drafts), ((Button(say("remind.start"), f"command:{command}:", "primary"),),))
    head = _head(topics, agenda)
    key = stage(head.period, agenda.today, agenda.holidays)
    lines: list[Line] = [line(_told(head, key, who, agenda.today))]
    for left in head.left[:LISTED]:
        returned = f" · {say('remind.is_returned')}" if left.is_returned else ""
        lines.append(line(f"• {left.item.code} ", left.item.title(who.language), returned))
    if len(head.left) > LISTED:
        lines.append(line(say("remind.more", n=len(head.left) - LISTED)))
    lines += [line(_also(topic, who, agenda.today)) for topic in topics if topic is not head]
    lines += drafts
    if key in PAST_DUE and colleague and head.left:
        is_copied = colleague.role is Role.ALTERNATE and who.role is not Role.ALTERNATE
        lines.append(line(say("remind.copied" if is_copied else "remind.told_too", colleague=colleague.name)))
    if who.is_contributor:
        start = Button(say("remind.start"), "command:indicadores:", "primary")
        return Card(tuple(lines), ((start,), (Button(say("remind.tomorrow"), "command:posponer:"),)))
    has_left = any(topic.left for topic in topics)
    has_unsent = any(not left.is_returned for topic in topics for left in topic.left)
    tomorrow = Button(say("remind.tomorrow"), "command:posponer:")
    rows: list[tuple[Button, ...]] = []
    if any(topic.closes for topic in topics):
        rows.append((Button(say("menu.close"), "command:cerrar:", "success"),))
    if has_left:
        rows.append((Button(say("remind.start"), "command:empezar:", "primary"),))
    rows.append((tomorrow, Button(say("remind.nothing_new"), "command:novedades:")) if has_unsent else (tomorrow,))
    if has_left and key in PAST_DUE:
        rows.append((Button(say("remind.explain"), "command:explicar:"),))
    rows.append((Button(say("remind.not_me"), "command:relevo:"),))
    return Card(tuple(lines), tuple(rows))


def _told(topic: Topic, key: str, who: Recipient, today: date) -> str:
    """What the message begins with."""
    say, period, count = wording(who.language), topic.period, len(topic.left)
    name = who.name.partition(" ")[0]
    if topic.closes:
        return say("remind.close", name=name, period_name=period_names(topic.closes, who.language))
    if all(left.is_returned for left in topic.left):
        wanted = "remind.returned" if count > 1 else "remind.returned_one"
    elif who.is_contributor:
        wanted = "remind.indicators_late" if key in PAST_DUE else "remind.indicators"
    else:
        wanted = f"remind.{key}" if count > 1 else f"remind.{key}_one"
    return say(
        wanted,
        name=name,
        agency=who.agency_code,
        period_name=period_name(period, who.language),
        n=count,
        minutes=MINUTES_EACH * count,
        days=(period.due_on - today).days,
        due_date=show_date(period.due_on.isoformat(), who.language),
        grace_date=show_date(period.grace_until_on.isoformat(), who.language),
        lock_date=show_date(period.locks_on.isoformat(), who.language),
        last_date=show_date((period.locks_on - ONE_DAY).isoformat(), who.language),
    )


def _also(topic: Topic, who: Recipient, today: date) -> str:
    """A line for what does not begin it."""
    say = wording(who.language)
    if topic.closes:
        return say("remind.also_close", period_name=period_names(topic.closes, who.language))
    return say(
        "remind.also" if len(topic.left) > 1 else "remind.also_one",
        period_name=period_name(topic.period, who.language),
        n=len(topic.left),
        due_date=show_date(_until(topic.period, today).isoformat(), who.language),
    )


def _until(period: ReportingPeriod, today: date) -> date:
    """The day up to which a report is still welcome: in time, in grace, or at all."""
    if today <= period.due_on:
        return period.due_on
    return period.grace_until_on if today <= period.grace_until_on else period.locks_on - ONE_DAY


STAGES = ("open", "before", "due", "grace", "late")
PAST_DUE = STAGES[3:]
"""What is told then names who else was told."""


def names_colleagues(agenda: Agenda) -> bool:
    """Whether anybody can be named in a reminder of that day."""
    open_ones = (period for period in agenda.periods if period.is_open(agenda.today))
    return any(stage(period, agenda.today, agenda.holidays) in PAST_DUE for period in open_ones)


def _to_coordinator(topics: Collection[Topic], who: Recipient, agenda: Agenda) -> Card:
    say = wording(who.language)
    lines: list[Line] = []
    rows = closing_acts(agenda, topics, who.language)
    for topic in topics:
        if lines:
            lines.append(line(""))
        lines.append(line(bold(closing_head(topic, who.language))))
        for agency in topic.agencies[:AGENCIES_LISTED]:
            left = left_of(agenda, agency, (topic.period,), who.language)
            parts = [agency, left]
            if agency not in agenda.reachable:
                parts.append(silence_of(agenda.silent.get(agency, "no_role"), who.language))
            parts += closing_remarks(agenda, topic, agency, who.language)
            lines.append(line("• ", " · ".join(parts)))
        if len(topic.agencies) > AGENCIES_LISTED:
            lines.append(line(say("remind.more", n=len(topic.agencies) - AGENCIES_LISTED)))
        lines.append(line(say(f"closing.{topic.rung}_then")))
        name = period_name(topic.period, who.language)
        rows.append((Button(say("closing.progress", period_name=name), f"command:progreso:{topic.period.code}"),))
        if topic.rung is not Rung.LOCKED and set(topic.agencies) & agenda.reachable:
            rows.insert(0, (Button(say("remind.chase"), "command:recordar:", "primary"),))
    return Card(tuple(lines), tuple(rows))


def closing_head(topic: Topic, language: str) -> str:
    """That grace has ended, or that the period has locked, and for how many that have not closed it."""
    key = f"closing.{topic.rung}" if len(topic.agencies) > 1 else f"closing.{topic.rung}_one"
    return wording(language)(key, period_name=period_name(topic.period, language), n=len(topic.agencies))


def silence_of(reason: Reason, language: str) -> str:
    """Why nobody of an agency can be told anything."""
    return wording(language)("digest.no_focal_point" if reason == "no_role" else f"due.reason.{reason}")


def closing_remarks(agenda: Agenda, topic: Topic, agency: str, language: str) -> list[str]:
    """What an agency that has not closed says it needs, and how many periods in a row it has let lock."""
    say, remarks = wording(language), []
    if answer := agenda.answers.get(agency):
        remarks.append(say(f"remind.need.{answer}"))
    if topic.rung is Rung.LOCKED and (times := agenda.in_a_row.get(agency, 0)) >= IN_A_ROW:
        remarks.append(say("remind.in_a_row" if times < PLENARY else "remind.to_plenary", n=times))
    return remarks


def closing_acts(agenda: Agenda, topics: Collection[Topic], language: str) -> list[tuple[Button, ...]]:
    """What only a coordinator does about what has locked: reopen it for an agency, have a letter drafted."""
    say, locked = wording(language), [topic for topic in topics if topic.rung is Rung.LOCKED]
    rows: list[tuple[Button, ...]] = []
    for topic in locked:
        name = period_name(topic.period, language)
        rows.append((Button(say("closing.reopen", period_name=name), f"command:reabrir:{topic.period.code}"),))
    passed = {code for topic in locked for code in topic.agencies if agenda.in_a_row.get(code, 0) >= IN_A_ROW}
    letters = sorted(passed - agenda.put_off)
    if len(letters) > LETTERS:
        rows.append((Button(say("escalate.open_all", n=len(letters)), "command:oficio:"),))
    else:
        rows += [(Button(say("escalate.open", agency=agency), f"command:oficio:{agency}"),) for agency in letters]
    return rows


def left_of(agenda: Agenda, agency_code: str, periods: Collection[ReportingPeriod], language: str) -> str:
    """How much of these periods an agency has left, as a coordinator reads it; or that it only has to close."""
    say = wording(language)
    found = [left for left in agenda.left.get(agency_code, ()) if left.period in periods]
    if not found:
        return say("remind.left_none")
    count = say("remind.left_n" if len(found) > 1 else "remind.left_one", n=len(found))
    returned = sum(left.is_returned for left in found)
    return f"{count} {say('remind.left_returned', n=returned)}" if returned else count
