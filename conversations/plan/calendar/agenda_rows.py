"""Make an agenda from rows of the database. Repositories return the rows; their meaning is decided here."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import cast

from conversations.plan.calendar.agenda import IN_A_ROW, Agenda, Lapsing, Pause, Promise, Reason, Recipient
from conversations.plan.calendar.ladder import (
    FOR_COORDINATORS,
    Left,
    Step,
    lapsed_steps,
    left_indicators,
    left_reports,
    steps,
    steps_ahead,
)
from conversations.plan.calendar.ledger import CARRIERS, LADDER, LedgerRow, day_there, job_name, waits_for
from conversations.plan.calendar.notices import silenced
from conversations.plan.expected import (
    ClosingOfPeriods,
    PastReport,
    ended_activities,
    expected_activities,
    longest_unclosed_row,
)
from conversations.plan.figures.closings import closings_until
from conversations.plan.figures.monitoring import LOOK_BACK as CLOSINGS_KNOWN
from conversations.plan.model import Activity, Indicator, Role, ValidationState
from conversations.plan.periods import ONE_DAY, ReportingPeriod

LOOK_BACK = timedelta(days=21)
"""How far back the ledger is read: beyond the last step that could still be told."""


# ------------------------------------------------------------------ rows
@dataclass(frozen=True, slots=True)
class Delegated:
    """A post that is delegated until a day. `deputy_id` is None while no deputy receives messages for it."""

    person_id: int
    deputy_id: int | None
    begun_at: datetime
    until_on: date


@dataclass(frozen=True, slots=True)
class OutlookRows:
    """The rows for the outlook of one job on one day of the plan's zone. `what` is the job's name in the ledger."""

    plan_id: int
    what: str
    today: date
    holidays: frozenset[date]
    periods: tuple[ReportingPeriod, ...]
    ledger: Sequence[LedgerRow]
    """The job's own rows since `LOOK_BACK`."""
    others: Sequence[LedgerRow]
    """What every job has said to people of the plan, or waits to send, in all their plans."""
    pauses: tuple[Pause, ...]
    delegations: Sequence[Delegated]
    drafts: Sequence[tuple[int, str, date]]
    """Person, code and lock day of each open draft."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The current report of a subject in a period: who sent it, and whether its evidence is still to come."""

    subject: str
    period: str
    state: str
    id: int
    person_id: int
    promises: bool
    sent_at: datetime
    plan_timezone: str


@dataclass(frozen=True)
class Reports:
    """The reports that some periods expect, and those that have come."""

    activities: tuple[Activity, ...]
    """Retired ones too."""
    ending: Sequence[PastReport]
    """The last report that says that its activity has ended, and later ones: one may have taken it up again."""
    sent: Sequence[Sent]
    """The reports of these periods."""
    unreportable: frozenset[str] = frozenset()
    """Subjects that no published form can report. They are expected, but nobody is asked for them."""

    @cached_property
    def ended(self) -> dict[str, date]:
        return ended_activities(self.ending)

    @cached_property
    def reported(self) -> set[tuple[str, str]]:
        return {(one.subject, one.period) for one in self.sent if one.state != ValidationState.RETURNED}

    @cached_property
    def returned(self) -> set[tuple[str, str]]:
        return {(one.subject, one.period) for one in self.sent if one.state == ValidationState.RETURNED}

    def left(
        self, periods: Iterable[ReportingPeriod], closed: Mapping[tuple[str, str], date]
    ) -> Mapping[str, tuple[Left, ...]]:
        asked = tuple(one for one in self.activities if one.subject not in self.unreportable)
        return left_reports(asked, periods, self.ended, self.reported, self.returned, closed)


@dataclass(frozen=True, slots=True)
class PassedRows:
    """The rows that tell how many periods in a row locked before an agency closed them."""

    periods: tuple[ReportingPeriod, ...]
    reports: Reports
    closed: Mapping[tuple[str, str], date]
    """By agency and period, the day of the closing in the plan's zone."""
    kept_since: date
    """The day since which the bot keeps the calendar. Nobody could close a period before."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The people for whom an agenda is made.

    `agencies`: only these agencies, or all (None). `contributing`: agencies whose contributors are reminded of
    indicators. `is_decided`: the recipients are decided already, so it is not asked whether the agencies can be told.
    """

    agencies: Collection[str] | None = None
    contributing: Collection[str] = ()
    is_decided: bool = False


@dataclass(frozen=True, slots=True)
class AgendaRows:
    """The rows that complete an outlook. Those for coordinators are empty unless there is something to tell them."""

    reports: Reports
    closed: Mapping[tuple[str, str], date]
    kept_since: date
    indicators: tuple[Indicator, ...]
    reporters: Sequence[Recipient]
    answers: Mapping[str, str]
    letters: Mapping[str, str]
    """By agency, the period up to which a letter to its head was put off."""


# ------------------------------------------------------------------ the outlook
def outlook(rows: OutlookRows) -> Agenda:
    """Return the steps, the pauses and the ledger. That is enough to know whom a reminder concerns."""
    today, holidays = rows.today, rows.holidays
    delegated = [one for one in rows.delegations if one.deputy_id is not None and today < one.until_on]
    lapsing: dict[int, tuple[Lapsing, ...]] = {}
    for person_id, code, on in rows.drafts:
        lapsing[person_id] = (*lapsing.get(person_id, ()), Lapsing(code, on))
    return _with_ledger(
        Agenda(
            today=today,
            holidays=holidays,
            periods=rows.periods,
            steps=steps(rows.periods, today, holidays),
            lapsed=lapsed_steps(rows.periods, today, holidays),
            ahead=steps_ahead(rows.periods, today, holidays),
            pauses=(
                *rows.pauses,
                *(Pause("delegated", one.begun_at, one.until_on, one.person_id) for one in delegated),
            ),
            deputies=frozenset(one.deputy_id for one in delegated if one.deputy_id is not None),
            lapsing=lapsing,
        ),
        rows,
    )


def _with_ledger(agenda: Agenda, rows: OutlookRows) -> Agenda:
    told = _Told(rows)
    for row in sorted(rows.ledger, key=lambda row: row.fired_at):
        told.note_own(row)
    told.windows |= dict.fromkeys(told.late, "told_today")
    for row in rows.others:
        told.note_other(row)
    return replace(
        agenda,
        told=told.told,
        told_until=told.told_until,
        windows=told.windows,
        waiting=told.waiting,
        had_notice=told.had_notice,
        notices={person: frozenset(days) for person, days in told.notices.items()},
        spent={person: tuple(days) for person, days in told.spent.items()},
        unanswered={person: frozenset(days) for person, days in told.unanswered.items()},
    )


class _Told:
    """What the ledger says of each person, row by row. Its parts are those of an agenda."""

    def __init__(self, rows: OutlookRows) -> None:
        self.plan_id, self.what, self.tomorrow = rows.plan_id, rows.what, rows.today + ONE_DAY
        self.told: dict[int, date] = {}
        self.told_until: dict[int, date] = {}
        self.windows: dict[tuple[int, date], Reason] = {}
        self.waiting: dict[int, Reason] = {}
        self.late: set[tuple[int, date]] = set()
        """The days on which a message left that was sent by hand. A scheduled one leaves on its own day or not."""
        self.notices: dict[int, set[date]] = defaultdict(set)
        self.unanswered: dict[int, set[date]] = defaultdict(set)
        self.spent: dict[int, list[date]] = defaultdict(list)
        self.had_notice: set[tuple[int, date]] = set()

    def note_own(self, row: LedgerRow) -> None:
        """Note a row of this job, the rows in the order in which they fired."""
        who, on = row.person_id, row.on
        if row.is_notice and (row.rungs or row.is_by_hand):
            self.notices[who].add(row.said_on)
        if row.is_said:
            self.unanswered[who].add(row.said_on)
            if row.is_by_hand:
                self.late.add((who, row.said_on))
        if row.answer:
            self.unanswered.pop(who, None)
        # Undeliverable has no reason of ours: Telegram's is that nobody is there.
        self.windows[who, on] = "told_today" if row.is_said else cast("Reason", row.reason or "unreachable")
        if row.state == "queued":
            self.waiting[who] = "told_today"
        # A step that another message already covered counts as sent. A wrong clock noted the windows of the future.
        is_settled = row.state not in ("open", "undeliverable") and row.reason != "told_later"
        if self.told.get(who, date.min) < on <= self.tomorrow and is_settled:
            self.told[who] = on
            self.told_until[who] = min(on, row.made_on_in_plan)

    def note_other(self, row: LedgerRow) -> None:
        """Note a row of any job in any plan: it is one of the day's notices, or it told what this job would tell."""
        who, is_other_plan = row.person_id, row.plan_id != self.plan_id
        if row.is_notice:
            self.spent[who].append(row.said_on)
        if not waits_for(self.what, row.what, is_other_plan=is_other_plan):
            return
        # The ladder of another plan names what is left in this one, as a digest names what the ladder has.
        is_carried = (row.what == LADDER and bool(row.rungs)) if is_other_plan else job_name(row.what) in CARRIERS
        if self.what != LADDER or not is_carried:
            self.had_notice.add((who, row.said_on))
            if row.state == "queued":
                self.waiting[who] = "told_today"
        elif row.made_on <= self.tomorrow:
            self._note_carried(row, "told_today" if is_other_plan else "told_in_digest")

    def _note_carried(self, row: LedgerRow, reason: Reason) -> None:
        who = row.person_id
        if row.is_said and row.rungs:
            self.notices[who].add(row.said_on)
        steps_until = min(row.made_on, row.made_on_in_plan) if row.rungs else date.min
        self.told[who] = max(self.told.get(who, date.min), row.made_on)
        self.told_until[who] = max(self.told_until.get(who, date.min), steps_until)
        self.windows.setdefault((who, row.said_on), reason)
        if row.state == "queued":
            self.waiting.setdefault(who, reason)


# ------------------------------------------------------------------ the agenda
def concerned(outlook: Agenda) -> dict[str, ReportingPeriod]:
    """The periods in an agenda, by code: those that end with one that is open, or that coordinators are told about."""
    ends = {period.end_on for period in outlook.periods if period.is_open(outlook.today)}
    ends |= {step.period.end_on for step in closing_steps(outlook)}
    return {p.code: p for p in outlook.periods if p.end_on in ends and p.opens_on <= outlook.today}


def closing_steps(outlook: Agenda) -> list[Step]:
    """The steps that coordinators are told about."""
    return [step for step in outlook.steps if step.rung in FOR_COORDINATORS]


def agenda(outlook: Agenda, rows: AgendaRows, scope: Scope, now: datetime) -> Agenda:
    """Return the outlook with what is left to report and to close, within the scope."""
    periods, reports = concerned(outlook), rows.reports
    open_ones = [code for code, period in periods.items() if period.is_open(outlook.today)]
    expecting = {code: _agencies(reports, period) for code, period in periods.items()}
    left = reports.left(periods.values(), rows.closed)
    in_a_row: dict[str, tuple[ReportingPeriod, ...]] = {}
    if closing_steps(outlook):
        known = PassedRows(outlook.periods, reports, rows.closed, rows.kept_since)
        in_a_row = _unclosed_rows(known, outlook.today, left)
    reporters = {who: _cannot_be_told(outlook, who, now) for who in rows.reporters}
    there = [who for who, silence in reporters.items() if silence is None]
    reachable = frozenset(who.agency_code for who in there)
    return replace(
        outlook,
        left=left,
        left_indicators=left_indicators(
            [each for each in rows.indicators if each.agency_code in scope.contributing],
            periods.values(),
            reports.reported,
            reports.returned,
        ),
        expecting=expecting,
        unclosed={
            code: tuple(sorted(agency for agency in expecting[code] if (agency, code) not in rows.closed))
            for code in periods
        },
        reporting=_reporting(reports, open_ones),
        promised=_promised(reports, open_ones),
        in_a_row={agency: len(row) for agency, row in in_a_row.items()},
        put_off=put_off(in_a_row, rows.letters),
        answers=rows.answers,
        with_focal_point=frozenset(
            who.agency_code for who in there if who.role is Role.FOCAL_POINT or who.person_id in outlook.deputies
        ),
        reachable=reachable,
        silent={
            who.agency_code: silence
            # A person who gave the post away is silent because of that. The reason that counts is the deputy's.
            for who, silence in sorted(reporters.items(), key=lambda each: each[1] != "delegated")
            if silence is not None and who.agency_code not in reachable
        },
    )


def _reporting(reports: Reports, codes: Collection[str]) -> frozenset[str]:
    """The agencies that have sent a report of these periods."""
    sent = {subject for subject, period in reports.reported if period in codes}
    return frozenset(activity.agency_code for activity in reports.activities if activity.subject in sent)


def _promised(reports: Reports, codes: Collection[str]) -> dict[int, tuple[Promise, ...]]:
    """Return, by person, their reports of these periods that still lack promised evidence.

    Returned reports are left out, because they are asked for anyway.
    """
    found: dict[int, tuple[Promise, ...]] = {}
    for one in reports.sent:
        if one.promises and one.period in codes and one.state != ValidationState.RETURNED:
            sent_on = day_there(one.sent_at, one.plan_timezone)
            promise = Promise(one.id, one.subject.partition(":")[2], one.period, sent_on)
            found[one.person_id] = (*found.get(one.person_id, ()), promise)
    return found


def _cannot_be_told(outlook: Agenda, who: Recipient, now: datetime) -> Reason | None:
    """Return why this agency's people can be told nothing.

    A pause for everybody is no reason here, because each person is checked later.
    """
    own = replace(outlook, pauses=tuple(pause for pause in outlook.pauses if pause.person_id is not None))
    return silenced(own, who, now, day_there(now, who.timezone))


def _agencies(reports: Reports, period: ReportingPeriod) -> frozenset[str]:
    return frozenset(each.agency_code for each in expected_activities(reports.activities, period, reports.ended))


# ------------------------------------------------------------------ periods that passed unclosed
def passed(rows: PassedRows, today: date) -> dict[str, tuple[ReportingPeriod, ...]]:
    """Return, by agency, its longest row of periods that locked without being closed, back from the last."""
    left = rows.reports.left(ended_together(rows.periods, today), {})
    return _unclosed_rows(rows, today, left)


def ended_together(periods: Iterable[ReportingPeriod], today: date) -> list[ReportingPeriod]:
    """The periods that end on the same day as one that is open."""
    periods = tuple(periods)
    open_ends = {period.end_on for period in periods if period.is_open(today)}
    return [period for period in periods if period.end_on in open_ends]


def with_letters(rows: Mapping[str, tuple[ReportingPeriod, ...]]) -> dict[str, tuple[ReportingPeriod, ...]]:
    """Return the rows that are long enough for a letter, the longest first."""
    found = sorted((code for code in rows if len(rows[code]) >= IN_A_ROW), key=lambda code: (-len(rows[code]), code))
    return {code: rows[code] for code in found}


def put_off(rows: Mapping[str, Sequence[ReportingPeriod]], letters: Mapping[str, str]) -> frozenset[str]:
    """Return the agencies whose letter was put off, if they have let no period pass since then."""
    return frozenset(code for code, row in rows.items() if len(row) >= IN_A_ROW and letters.get(code) == row[-1].code)


def _unclosed_rows(
    rows: PassedRows, today: date, left: Mapping[str, Iterable[Left]]
) -> dict[str, tuple[ReportingPeriod, ...]]:
    """Return, by agency, the longest row of periods that locked without being closed.

    The digest counts them in the same way (`monitoring.standing`, `passed`): only for agencies that still have an
    activity, or a report to send for the present closing. `left`: the reports they still owe for periods that end on
    the same day as an open one.
    """
    since = today - CLOSINGS_KNOWN
    recent = [p for p in rows.periods if p.end_on >= since and rows.kept_since < p.locks_on <= today]
    open_ones = [period for period in rows.periods if period.is_open(today)]
    expecting = {period.code: _agencies(rows.reports, period) for period in (*recent, *open_ones)}
    lacking = {agency: {one.period.code for one in reports} for agency, reports in left.items()}
    there = {activity.agency_code for activity in rows.reports.activities if activity.retired_on is None}
    for closing in closings_until(rows.periods, today, 1):
        there.update(*(_agencies(rows.reports, period) for period in closing.periods))

    def longest(agency: str) -> tuple[ReportingPeriod, ...]:
        closing = ClosingOfPeriods(
            is_expected=lambda period: agency in expecting[period.code],
            is_closed=lambda period: (agency, period.code) in rows.closed,
            is_complete=lambda period: period.code not in lacking.get(agency, ()),
            open_ones=open_ones,
            kept_since=rows.kept_since,
            known_since=since,
        )
        return longest_unclosed_row(recent, today, closing)

    return {agency: longest(agency) for agency in sorted(there & frozenset[str]().union(*expecting.values()))}
