"""The figures of a plan at one moment that messages are made from: recipients, steps, reports that are left, pauses.

Nothing is decided here: `notices` decides who may be told, `reminders` has the words. The figures are made from rows by
`agenda_rows`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from conversations.plan.calendar.ladder import FOR_COORDINATORS, Left, Rung, Step
from conversations.plan.calendar.working_time import working_day_until
from conversations.plan.entering import Absence
from conversations.plan.expected import closes_together
from conversations.plan.model import AGENCY_ROLES, Role
from conversations.plan.periods import ONE_DAY, ReportingPeriod, closing_due_on

IN_A_ROW = 2
"""After this many periods in a row without a closing, a letter is offered (docs/domain.md#reminders)."""
NEEDS = ("days", "call", "no_data")
"""The things that somebody may need in order to report; catalogue keys `remind.need.…`."""
PASSING = ("tomorrow", "nothing_new")
"""Answers to a reminder that do not say what the person needs."""
UNANSWERED = 2
"""After this many notices without an answer, the next one asks what holds the person back."""
FOR_EVIDENCE = frozenset({Rung.LATE, Rung.LAST})
"""The steps that ask for promised evidence, also where nothing else is left."""
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
    "suspended",
    "unreachable",
    "no_privacy",
    "nothing_expected",
    "nothing_left",
    "nothing_validated",
    "no_vacancies",
    "nothing_to_tell",
    "focal_point_told",
    "everybody_closed",
    "too_late",
    "told_later",
    "yields",
    "spent",
    "held_over",
    "schedule_paused",
    "restored",
]
"""Why somebody is not told. Catalogue keys are `due.reason.…`."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with a role in the plan, with everything that is needed to send them a message."""

    person_id: int
    chat_id: int
    name: str
    language: str
    timezone: str
    role: Role
    agency_code: str = ""
    since: date = date.min
    until: date = date.max
    """The first day on which the role is over: because it was for a time, or because the agency leaves the plan."""
    absence: Absence | None = None
    """Why nothing reaches them. None: messages do."""
    is_contributor: bool = False

    @property
    def reports(self) -> bool:
        """Whether they report anything. A contributor reports the indicators that their agency leads."""
        return self.role in AGENCY_ROLES or self.is_contributor


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that somebody asked for. It is over on `until_on`. `person_id` None: for everybody.

    A `snooze` silences the ladder alone. On its day the person is told of everything that is still left.
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
class Promise:
    """A report that was sent without its evidence, which is to come later.

    Its number, the code it is about, the code of its period, and the day on which it was sent.
    """

    id: int
    code: str
    period: str = ""
    sent_on: date = date.min


@dataclass(frozen=True, slots=True)
class Lapsing:
    """A draft that expires: its report, and the first day (in the plan's zone) on which it cannot be sent."""

    code: str
    on: date

    def announced_on(self, holidays: Collection[date]) -> date:
        """Return the last working day on which the draft can still be sent."""
        return working_day_until(self.on - ONE_DAY, holidays)


@dataclass(frozen=True, slots=True)
class Agenda:
    """The figures of one plan at one moment; `today` and the steps are days of the plan's own zone."""

    today: date
    holidays: frozenset[date] = frozenset()
    periods: tuple[ReportingPeriod, ...] = ()
    steps: tuple[Step, ...] = ()
    lapsed: tuple[Step, ...] = ()
    ahead: tuple[Step, ...] = ()
    """The steps for reporters that are to come (`steps_ahead`)."""
    left: Mapping[str, tuple[Left, ...]] = field(default_factory=dict)
    left_indicators: Mapping[str, tuple[Left, ...]] = field(default_factory=dict)
    """The indicators left, of agencies that have a contributor. Nobody else is reminded of indicators."""
    expecting: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By period, the agencies that have something to report in it."""
    unclosed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By period, the expecting agencies that have not closed it."""
    in_a_row: Mapping[str, int] = field(default_factory=dict)
    """By agency, how many periods in a row locked before it closed them (`unclosed_row`)."""
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Code → language → words of the reasons that can hold somebody back.

    Read only if somebody is asked or has answered.
    """
    put_off: frozenset[str] = frozenset()
    """Agencies that are offered no letter until they let another period pass."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """By agency, the need that it named last."""
    with_focal_point: frozenset[str] = frozenset()
    """Agencies with a focal point who can be told, or with somebody in their place."""
    reachable: frozenset[str] = frozenset()
    """Agencies with somebody who reports and can be told something: a focal point or an alternate."""
    silent: Mapping[str, Reason] = field(default_factory=dict)
    """Agencies with reporters who all cannot be told anything, and why."""
    deputies: frozenset[int] = frozenset()
    """The people who hold a focal point's post by delegation."""
    pauses: tuple[Pause, ...] = ()
    lapsing: Mapping[int, tuple[Lapsing, ...]] = field(default_factory=dict)
    """By person, the drafts that expire within a week."""
    promised: Mapping[int, tuple[Promise, ...]] = field(default_factory=dict)
    """By person, their reports of open periods that still lack promised evidence. The next notice asks for it."""
    told: Mapping[int, date] = field(default_factory=dict)
    """By person, the last day (in their zone) of which every step was told, or did not have to be told."""
    told_until: Mapping[int, date] = field(default_factory=dict)
    """The same day in the plan's zone, if it differs: in Tokyo Tuesday begins while the plan still has Monday's steps.
    """
    windows: Mapping[tuple[int, date], Reason] = field(default_factory=dict)
    """Days that are in the ledger already, by person: `told_today` where something was said or will be, or why not;

    and `told_in_digest` where one of `CARRIERS` speaks that day, or has spoken.
    """
    notices: Mapping[int, frozenset[date]] = field(default_factory=dict)
    """By person, the days on which the ladder told them something, by itself or because a coordinator asked."""
    spent: Mapping[int, tuple[date, ...]] = field(default_factory=dict)
    """By person, the days of the notices that count for their budget: of every job, in all their plans."""
    unanswered: Mapping[int, frozenset[date]] = field(default_factory=dict)
    """By person, the days of the notices since the last one under which they pressed something."""
    reporting: frozenset[str] = frozenset()
    """Agencies that have sent a report in an open period."""
    had_notice: Collection[tuple[int, date]] = frozenset()
    """Days on which another job has given a person the day's notice."""
    waiting: Mapping[int, Reason] = field(default_factory=dict)
    """By person, the messages that wait to be sent. They are sent or taken back before anything new is decided."""

    def promises_of(self, who: Recipient, period: ReportingPeriod) -> tuple[Promise, ...]:
        """The evidence of this period that somebody promised, and that no notice has asked for yet."""
        notices = self.notices.get(who.person_id, ())
        return tuple(
            each
            for each in self.promised.get(who.person_id, ())
            if each.period == period.code and not any(each.sent_on < on for on in notices)
        )

    def stands_in(self, who: Recipient) -> bool:
        """Whether this person gets the focal point's messages."""
        return who.person_id in self.deputies


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that a reminder speaks of: reports that are left of a period, or its closing."""

    period: ReportingPeriod
    left: tuple[Left, ...] = ()
    closes: tuple[ReportingPeriod, ...] = ()
    """The periods that "Cerrar el mes" would close together: all their reports are sent, and nobody has pressed it."""
    rung: Rung | None = None
    agencies: tuple[str, ...] = ()


def asks_why(agenda: Agenda, who: Recipient, period: ReportingPeriod) -> bool:
    """Whether a reminder of this period asks what holds them back.

    It does if two reminders were sent and nothing was reported since.
    """
    days = agenda.unanswered.get(who.person_id, ())
    silent = sum(period.opens_on <= on < agenda.today for on in days) >= UNANSWERED
    return silent and who.agency_code not in agenda.reporting and not who.is_contributor


def asks_for_evidence(agenda: Agenda, who: Recipient, step: Step) -> bool:
    """Whether a step is told because of evidence that was promised, and that no notice since then has asked for."""
    return step.rung in FOR_EVIDENCE and bool(agenda.promises_of(who, step.period))


def asked_for_evidence(agenda: Agenda, who: Recipient, pending: Iterable[Step]) -> tuple[ReportingPeriod, ...]:
    """The periods whose promised evidence these steps ask for."""
    return tuple(dict.fromkeys(step.period for step in pending if asks_for_evidence(agenda, who, step)))


def owes_evidence(agenda: Agenda, who: Recipient, rungs: Collection[Rung]) -> bool:
    """Whether a reminder of these steps still has evidence to ask for."""
    return not FOR_EVIDENCE.isdisjoint(rungs) and bool(agenda.promised.get(who.person_id))


# ------------------------------------------------------------------ topics
def told_topics(agenda: Agenda, who: Recipient, *, is_chased: bool = False) -> tuple[Topic, ...]:
    """Return the reports that this person still has to send, and the periods that only have to be closed.

    Nobody is reminded to close before the due day, because they may be about to do it. A coordinator who reminds by
    hand may do it earlier.
    """
    if who.is_contributor:
        return _topics(agenda, agenda.left_indicators.get(who.agency_code, ()))
    return agency_topics(agenda, who.agency_code, is_chased=is_chased)


def agency_topics(agenda: Agenda, agency_code: str, *, is_chased: bool = False) -> tuple[Topic, ...]:
    """The topics of an agency: the reports it has to send, and the periods it has to close."""
    topics = _topics(agenda, agenda.left.get(agency_code, ()))
    closes = to_close(agenda, agency_code)
    if closes and (is_chased or closing_due_on(closes) <= agenda.today):
        topics = (*topics, Topic(max(closes, key=lambda period: period.due_on), closes=closes))
    return topics


def to_close(agenda: Agenda, agency_code: str) -> tuple[ReportingPeriod, ...]:
    """Return what "Cerrar el mes" would close for an agency; empty while one of its reports is left."""
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
    """Return the topics for coordinators: who has not closed when grace ends, and when the period locks.

    If both apply to one period, return the later.
    """
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
    """Whether an agency is late with a period.

    It is not late if all its reports are sent and it closes with an open one.
    """
    return any(left.period == period for left in agenda.left.get(agency_code, ())) or not any(
        other.end_on == period.end_on
        and other.locks_on > period.locks_on
        and other.is_open(agenda.today)
        and agency_code in agenda.unclosed.get(other.code, ())
        for other in agenda.periods
    )
