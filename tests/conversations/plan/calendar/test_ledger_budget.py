"""One budget a person, over all plans and jobs: one notice a day, two a week, four a month.

See docs/decisions/notices.md.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from conversations.plan.calendar import ledger, notices
from conversations.plan.calendar.agenda import Agenda, Pause, Recipient, told_topics
from conversations.plan.calendar.agenda_rows import OutlookRows, outlook
from conversations.plan.calendar.ladder import Left
from conversations.plan.calendar.ledger import (
    ASKED_FOR,
    BESIDE,
    EVERYBODY,
    LADDER,
    LONGEST,
    OFFICERS,
    LedgerRow,
    day_of,
    has_room,
    month_of,
    week_of,
    withheld,
)
from conversations.plan.calendar.notices import Say, chase, decide, pending_steps
from conversations.plan.calendar.working_time import instant
from conversations.plan.model import Activity, Role
from conversations.plan.periods import (
    USUAL_CADENCES,
    Cadence,
    Frequency,
    PeriodType,
    ReportingPeriod,
    is_working_day,
    periods_between,
    working_day_from,
)

ZONE = ZoneInfo("America/Santo_Domingo")
NINE = time(9)
ANA = Recipient(1, 501, "Ana", "es", ZONE.key, Role.FOCAL_POINT, "MMUJER")
ACTIVITY = Activity("PRE-101", "MMUJER", date(2018, 1, 1), date(2040, 12, 31), Frequency.MONTHLY, {"es": "Campaña"})
ADVICE, DANGER = "advice", "restored"
"""A job of which the ladder knows nothing, and one that is outside of the budget."""
Due = tuple[int, str]
"""A plan and the code of one of its periods."""


@dataclass(frozen=True)
class Message:
    """What a phone was shown: on which day, by which job, and which periods were named, each with its plan."""

    on: date
    what: str
    named: frozenset[Due] = frozenset()
    is_asked_for: bool = False


@dataclass
class Life:
    """Somebody who reports in several plans, and what several jobs want to tell them."""

    plans: dict[int, tuple[ReportingPeriod, ...]]
    reported_on: dict[Due, date] = field(default_factory=dict)
    advised_on: frozenset[date] = frozenset()
    danger_on: frozenset[date] = frozenset()
    snoozed_on: frozenset[date] = frozenset()
    rows: list[LedgerRow] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    held: list[tuple[date, frozenset[Due]]] = field(default_factory=list)
    """What was withheld, and on which day."""

    def left(self, plan_id: int, today: date) -> tuple[Left, ...]:
        return tuple(
            Left(ACTIVITY, period)
            for period in self.plans[plan_id]
            if period.is_open(today) and self.reported_on.get((plan_id, period.code), date.max) > today
        )

    def agenda(self, plan_id: int, now: datetime) -> Agenda:
        today, periods = now.date(), self.plans[plan_id]
        recent = [row for row in self.rows if row.said_on > today - LONGEST]
        rows = OutlookRows(
            plan_id=plan_id,
            what=LADDER,
            today=today,
            holidays=frozenset(),
            periods=periods,
            ledger=[row for row in self.rows if (row.plan_id, row.what) == (plan_id, LADDER)],
            others=[row for row in recent if row.is_said],
            pauses=tuple(
                Pause("snooze", instant(on, time(12), ZONE), working_day_from(on + timedelta(1), ()), 1)
                for on in self.snoozed_on
                if on < today
            ),
            delegations=(),
            drafts=(),
        )
        return replace(
            outlook(rows),
            left={"MMUJER": self.left(plan_id, today)},
            expecting={period.code: frozenset({"MMUJER"}) for period in periods},
            with_focal_point=frozenset({"MMUJER"}),
        )

    def note(self, plan_id: int, what: str, now: datetime, state: str, reason: str = "", rungs: str = "") -> None:
        times = (now, now if state == "sent" else None, ZONE.key, ZONE.key)
        row = LedgerRow(plan_id, what, 1, now.date().isoformat(), state, reason, rungs, "", False, *times)
        self.rows.append(row)

    def named(self, now: datetime, plan_id: int) -> frozenset[Due]:
        """What a notice of this plan names: everything that is left, also in the other plans (`left_elsewhere`)."""
        return frozenset(
            (other, one.period.code)
            for other in self.plans
            for topic in told_topics(self.agenda(other, now), ANA)
            for one in topic.left
        )

    def look(self, now: datetime) -> None:
        """One scan of every job, the plans in turn (`in_turn`)."""
        today = now.date()
        if today in self.danger_on:
            found = withheld(1, DANGER, self.rows, now, {1})
            assert not found.today
            assert not found.spent
            self.note(1, DANGER, now, "sent")
            self.said.append(Message(today, DANGER))
        order = sorted(self.plans, key=lambda plan_id: (plan_id + today.toordinal()) % len(self.plans))
        for plan_id in order:
            self._remind(plan_id, now)
        if today in self.advised_on:
            found = withheld(1, ADVICE, self.rows, now, {1})
            if 1 not in found.today and 1 not in found.spent:
                self.note(1, ADVICE, now, "sent")
                self.said.append(Message(today, ADVICE))

    def _remind(self, plan_id: int, now: datetime) -> None:
        agenda, today = self.agenda(plan_id, now), now.date()
        verdict = decide(agenda, ANA, now, NINE, ZONE)
        pending = pending_steps(agenda, ANA, today)
        due = frozenset((plan_id, step.period.code) for step in pending)
        if isinstance(verdict, Say):
            found = withheld(plan_id, LADDER, self.rows, now, {1})
            if 1 in found.today or (1 in found.spent and not verdict.is_asked_for):
                self.held.append((today, due))
                return
            rungs = ",".join(dict.fromkeys(step.rung for step in pending))
            self.said.append(Message(today, LADDER, self.named(now, plan_id), verdict.is_asked_for))
            self.note(plan_id, LADDER, now, "sent", ASKED_FOR if verdict.is_asked_for else "", rungs)
        elif verdict.window is not None:
            self.note(plan_id, LADDER, now, "open" if verdict.is_open else "skipped", verdict.reason)
            if verdict.reason == "yields":
                self.held.append((today, due))

    def lived(self, first: date, days: int) -> "Life":
        for number in range(days):
            day = first + timedelta(days=number)
            if is_working_day(day, ()):
                self.look(datetime.combine(day, NINE, ZONE))
        return self


def violations(life: Life) -> Iterator[str]:
    paid = [one.on for one in life.said if one.what not in BESIDE and not one.is_asked_for]
    for span, most in OFFICERS.items():
        if max(Counter(map(span, paid)).values(), default=0) > most:
            yield span.__name__
    if len([one for one in life.said if one.what == DANGER]) != len({on for on in life.danger_on if on.weekday() < 5}):
        yield "an emergency was withheld"
    for day, due in life.held:
        later = [one for one in life.said if one.what == LADDER and one.on >= day]
        still = lambda at: {(plan, one.period.code) for plan in life.plans for one in life.left(plan, at)}  # noqa: E731
        if later and not due & still(later[0].on) <= later[0].named:
            yield "what was withheld is not in the next notice"


@st.composite
def lives(draw: st.DrawFn) -> tuple[Life, date]:
    first = date(draw(st.integers(2018, 2028)), draw(st.integers(1, 12)), 1)
    plans = {}
    for plan_id in range(1, draw(st.integers(1, 3)) + 1):
        kinds = draw(st.one_of(st.just(dict(USUAL_CADENCES)), cadences()))
        plans[plan_id] = periods_between(
            first - timedelta(days=370), first + timedelta(days=92), types=tuple(kinds), cadences=kinds
        )
    days = st.frozensets(st.dates(first, first + timedelta(days=91)), max_size=20)
    due = [(plan_id, period.code) for plan_id, periods in plans.items() for period in periods[-8:]]
    reported = draw(st.dictionaries(st.sampled_from(due), st.dates(first, first + timedelta(days=91)), max_size=6))
    return Life(plans, reported, draw(days), draw(days), draw(days)), first


@st.composite
def cadences(draw: st.DrawFn) -> dict[PeriodType, Cadence]:
    found = {}
    for kind in draw(st.sets(st.sampled_from(list(PeriodType)), min_size=1)):
        opens = draw(st.integers(1, 8))
        due = opens + draw(st.integers(0, 20))
        grace = due + draw(st.integers(0, 8))
        found[kind] = Cadence(opens, due, grace, grace + draw(st.integers(1, 8)))
    return found


@settings(max_examples=max(10, settings().max_examples // 10))
@given(lives())
def test_nobody_hears_more_than_their_budget_and_nothing_is_lost(drawn: tuple[Life, date]) -> None:
    """Three months of due things over up to three plans, a job that knows of nothing, emergencies, and "tomorrow".

    Never more than one a day, two a week, four a month; no emergency is withheld; and what was withheld is said in the
    next notice, whichever plan sends it.
    """
    life, first = drawn
    assert list(violations(life.lived(first, 92))) == []


@pytest.mark.parametrize("span", ["day_of", "week_of", "month_of"])
def test_planted_a_budget_without_one_of_its_spans_is_found(span: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the day, the week or the month the law above is red."""
    spans = {"day_of": day_of, "week_of": week_of, "month_of": month_of}
    less = {each: most for each, most in OFFICERS.items() if each is not spans[span]}
    for place in (ledger, notices):
        monkeypatch.setattr(place, "OFFICERS", less)
    monkeypatch.setattr(ledger, "EVERYBODY", {each: most for each, most in EVERYBODY.items() if each in less})

    def is_found(drawn: tuple[Life, date]) -> bool:
        life, first = drawn
        fresh = replace(life, rows=[], said=[], held=[])
        return span in list(violations(fresh.lived(first, 92)))

    find(lives(), is_found, settings=_SEARCH, random=Random(1))


_SEARCH = settings(max_examples=400, deadline=None, database=None, phases=[Phase.generate])


# ------------------------------------------------------------------ the table
def test_a_row_of_every_job_is_a_notice_but_of_those_beside() -> None:
    """Also of a job that nobody has written yet; not what its reader asked for, nor what was not said."""
    life = Life({1: ()})
    now = datetime(2018, 10, 5, 9, tzinfo=ZONE)
    for what in (LADDER, ADVICE, "digest.7", *BESIDE):
        life.note(1, what, now, "sent")
    life.note(1, LADDER, now, "sent", ASKED_FOR)
    life.note(1, LADDER, now, "skipped", "yields")
    assert [row.what for row in life.rows if row.is_notice] == [LADDER, ADVICE, "digest.7"]


def test_notices_of_other_plans_are_paid_from_the_same_budget() -> None:
    """Two of this week from one plan: the other plan has none left until Monday; a reader who reports nothing has."""
    life = Life({1: (), 2: ()})
    for day in (1, 3):
        life.note(1, LADDER, datetime(2018, 10, day, 9, tzinfo=ZONE), "sent", rungs="due")
    friday, monday = (datetime(2018, 10, day, 9, tzinfo=ZONE) for day in (5, 8))
    assert set(withheld(2, LADDER, life.rows, friday, {1}).spent) == {1}
    assert not withheld(2, LADDER, life.rows, friday, ()).spent
    assert not withheld(2, LADDER, life.rows, monday, {1}).spent


def test_a_coordinators_reminder_is_a_notice_too() -> None:
    """Who has had this week's two is not reminded by hand, and the coordinator is told why."""
    periods = periods_between(date(2018, 9, 1), date(2018, 9, 30), types=(PeriodType.MONTHLY,))
    life = Life({1: periods})
    now = datetime(2018, 10, 5, 10, tzinfo=ZONE)
    assert chase(life.agenda(1, now), [ANA], now).agencies == ("MMUJER",)
    for day in (1, 3):
        life.note(1, ADVICE, datetime(2018, 10, day, 9, tzinfo=ZONE), "sent")
    found = chase(life.agenda(1, now), [ANA], now)
    assert (found.agencies, dict(found.silent)) == ((), {"MMUJER": "spent"})


def test_a_month_has_four() -> None:
    """In five weeks of one month, two a week would be ten."""
    days = [date(2018, 10, day) for day in (1, 3, 8, 10)]
    assert not has_room(date(2018, 10, 31), days, OFFICERS)
    assert has_room(date(2018, 11, 1), days, OFFICERS)
