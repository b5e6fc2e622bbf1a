"""The pace of the ladder: one a person over all periods, whatever the calendar (docs/decisions/notices.md)."""

import zoneinfo
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.plan.calendar import notices
from conversations.plan.calendar.agenda import Agenda, Recipient
from conversations.plan.calendar.ladder import (
    FOR_ALTERNATES,
    FOR_REPORTERS,
    Left,
    Rung,
    Step,
    all_steps,
    steps,
    steps_ahead,
)
from conversations.plan.calendar.ledger import OFFICERS, month_of, week_of
from conversations.plan.calendar.notices import RANK, Say, decide, keeps_budget, pending_steps
from conversations.plan.calendar.working_time import instant
from conversations.plan.model import Activity, Role
from conversations.plan.periods import (
    USUAL_CADENCES,
    Cadence,
    Frequency,
    PeriodType,
    ReportingPeriod,
    periods_between,
)

NINE, PLAN = time(9), ZoneInfo("America/Santo_Domingo")
ACTIVITY = Activity("PRE-101", "MMUJER", date(2018, 1, 1), date(2030, 12, 31), Frequency.MONTHLY, {"es": "Campaña"})
ANA = Recipient(1, 501, "Ana", "es", PLAN.key, Role.FOCAL_POINT, "MMUJER")
LUIS = replace(ANA, person_id=2, role=Role.ALTERNATE)
NEW_YEAR = frozenset({date(2019, 1, 1), date(2019, 1, 21)})


@dataclass
class Life:
    """What somebody is told, day after day, if they report nothing (or what they report, on `reports_on`)."""

    periods: tuple[ReportingPeriod, ...]
    holidays: frozenset[date] = frozenset()
    who: Recipient = ANA
    stopped: frozenset[date] = frozenset()
    reports_at_once: bool = False
    said: dict[date, tuple[Step, ...]] = field(default_factory=dict)
    yielded: dict[date, tuple[Step, ...]] = field(default_factory=dict)
    _settled: date = date.min
    _reported: set[str] = field(default_factory=set)

    def agenda(self, now: datetime) -> Agenda:
        today = now.astimezone(PLAN).date()
        open_ones = [period for period in self.periods if period.is_open(today) and period.code not in self._reported]
        number = self.who.person_id
        return Agenda(
            today=today,
            holidays=self.holidays,
            periods=self.periods,
            steps=steps(self.periods, today, self.holidays),
            ahead=steps_ahead(self.periods, today, self.holidays),
            left={"MMUJER": tuple(Left(ACTIVITY, period) for period in open_ones)},
            expecting={period.code: frozenset({"MMUJER"}) for period in self.periods},
            with_focal_point=frozenset({"MMUJER"}),
            told={number: self._settled},
            told_until={number: self._settled},
            notices={number: frozenset(self.said)},
            spent={number: tuple(self.said)},
        )

    def look(self, day: date) -> None:
        """The scan of nine o'clock where they live."""
        zone = ZoneInfo(self.who.timezone)
        now = instant(day, NINE, zone)
        if day in self.stopped:
            return
        agenda = self.agenda(now)
        verdict = decide(agenda, self.who, now, NINE, zone)
        rungs = FOR_ALTERNATES if self.who.role is Role.ALTERNATE else FOR_REPORTERS
        pending = tuple(step for step in pending_steps(agenda, self.who, day) if step.rung in rungs)
        if isinstance(verdict, Say):
            self.said[day] = pending
            if self.reports_at_once:
                self._reported |= {left.period.code for left in agenda.left["MMUJER"]}
        elif verdict.reason == "yields":
            self.yielded[day] = pending
        if isinstance(verdict, Say) or (verdict.window is not None and not verdict.is_open):
            self._settled = day

    def lived(self, first: date, days: int) -> "Life":
        for number in range(days):
            self.look(first + timedelta(days=number))
        return self


def most_in(span: Callable[[date], date], days: Collection[date]) -> int:
    """The most notices in one week, or one month."""
    return max(Counter(map(span, days)).values(), default=0)


def ended_with(end: date, holidays: Collection[date] = (), *, is_yearly: bool = True) -> tuple[ReportingPeriod, ...]:
    """The periods of every periodicity that end on that day; without the year's, if that is not wanted."""
    found = periods_between(end - timedelta(days=370), end, holidays=holidays)
    return tuple(p for p in found if p.end_on == end and (is_yearly or p.type is not PeriodType.YEARLY))


def test_who_is_silent_hears_four_times_in_the_first_ten_working_days_of_january() -> None:
    """A month, a quarter and a half-year end together: nine notices before, four now, each due day among them."""
    periods = ended_with(date(2018, 12, 31), NEW_YEAR, is_yearly=False)
    life = Life(periods, NEW_YEAR).lived(date(2019, 1, 1), 31)
    ten = [day for day in life.said if day <= date(2019, 1, 15)]
    assert [day.day for day in ten] == [2, 7, 10, 15]
    assert [min(step.rung for step in life.said[day] if RANK[step.rung] == 0) for day in ten[1:]] == [Rung.DUE] * 3


def test_what_is_told_around_the_due_day_leaves_room_for_the_last_day() -> None:
    """In January the month alone has five steps within ten working days; two days after is the one that yields."""
    [month] = [one for one in ended_with(date(2018, 12, 31), NEW_YEAR) if one.type is PeriodType.MONTHLY]
    life = Life((month,), NEW_YEAR).lived(date(2019, 1, 1), 31)
    assert [day.day for day in life.said] == [2, 4, 7, 14]
    assert [step.rung for step in life.said[date(2019, 1, 14)]] == [Rung.LAST]


def test_planted_without_the_pace_it_is_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law above would be red."""
    monkeypatch.setattr(notices, "keeps_budget", lambda agenda, who, day, rank: True)
    periods = ended_with(date(2018, 12, 31), NEW_YEAR, is_yearly=False)
    life = Life(periods, NEW_YEAR).lived(date(2019, 1, 1), 31)
    assert sum(day <= date(2019, 1, 15) for day in life.said) >= 9


@pytest.mark.parametrize("year", [2018, 2019, 2020, 2021, 2022, 2023, 2026])  # from each day of the week on, and a leap
def test_the_worst_of_each_year_keeps_the_pace_and_every_due_day(year: int) -> None:
    """All four periodicities for a whole year, by somebody who never reports; and by an alternate."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    periods = periods_between(first - timedelta(days=370), last)
    ana, luis = (Life(periods, who=who).lived(first, 400) for who in (ANA, LUIS))
    for life in (ana, luis):
        assert most_in(week_of, life.said) <= OFFICERS[week_of]
        assert most_in(month_of, life.said) <= OFFICERS[month_of]
    due = {step.on for step in all_steps(periods, ()) if step.rung is Rung.DUE and first < step.on <= last}
    assert due <= set(ana.said)


@pytest.mark.parametrize("month", range(1, 13))
def test_who_reports_when_it_opens_hears_once_a_month(month: int) -> None:
    """The prompt person's one notice, whatever ends with the month."""
    opens = date(2019, month, 1)
    assert len(Life(ended_with(opens - timedelta(days=1)), reports_at_once=True).lived(opens, 31).said) == 1


def test_what_yields_is_a_part_of_the_next_notice() -> None:
    """On 14 January the month's last day yields to the half-year's due day, and is not told later by itself."""
    periods = ended_with(date(2018, 12, 31), NEW_YEAR)
    life = Life(periods, NEW_YEAR).lived(date(2019, 1, 1), 31)
    assert date(2019, 1, 14) in life.yielded
    assert date(2019, 1, 15) in life.said
    assert not any(step.on == date(2019, 1, 14) for step in life.said[date(2019, 1, 15)])


# ------------------------------------------------------------------ random lives
ZONES = sorted(zoneinfo.available_timezones())
FEWER = settings().max_examples // 3
"""Of the profile: a life is long."""


@st.composite
def cadences(draw: st.DrawFn) -> dict[PeriodType, Cadence]:
    """Of each periodicity days that follow each other, some with none of it."""
    kinds = draw(st.sets(st.sampled_from(list(PeriodType)), min_size=1))
    found = {}
    for kind in kinds:
        opens = draw(st.integers(1, 8))
        due = opens + draw(st.integers(0, 20))
        grace = due + draw(st.integers(0, 8))
        found[kind] = Cadence(opens, due, grace, grace + draw(st.integers(1, 8)))
    return found


@st.composite
def lives(draw: st.DrawFn, *, is_stopped: bool = True) -> tuple[Life, date]:
    first = date(draw(st.integers(2018, 2030)), draw(st.integers(1, 12)), 1)
    free = draw(st.frozensets(st.dates(first, first + timedelta(days=70)), max_size=8))
    kinds = draw(st.one_of(st.just(dict(USUAL_CADENCES)), cadences()))
    from_, until = first - timedelta(days=31), first + timedelta(days=62)
    periods = periods_between(from_, until, types=tuple(kinds), holidays=free, cadences=kinds)
    zone = draw(st.sampled_from(ZONES))
    days = st.dates(first, first + timedelta(days=70))
    stopped = draw(st.frozensets(days, max_size=12)) if is_stopped else frozenset()
    who = replace(draw(st.sampled_from([ANA, LUIS])), timezone=zone)
    return Life(periods, free, who, stopped), first


@pytest.mark.slow
@settings(max_examples=FEWER)
@given(lives())
def test_over_random_calendars_nobody_hears_more_than_twice_a_week(drawn: tuple[Life, date]) -> None:
    """Any cadences, holidays, zone and days on which the bot does not run; the focal point and the alternate."""
    life, first = drawn
    life.lived(first, 75)
    assert most_in(week_of, life.said) <= OFFICERS[week_of]
    assert most_in(month_of, life.said) <= OFFICERS[month_of]


@pytest.mark.slow
@settings(max_examples=FEWER)
@given(lives(is_stopped=False))
def test_over_random_calendars_no_step_takes_the_room_of_one_that_goes_first(drawn: tuple[Life, date]) -> None:
    """What yields would have yielded too, had nothing been told in its week that ranks below it."""
    life, first = drawn
    life = replace(life, who=replace(life.who, timezone=PLAN.key)).lived(first, 75)
    for day, yielded in life.yielded.items():
        rank = min(RANK[step.rung] for step in yielded)
        monday = day - timedelta(days=day.weekday())
        below = {on for on in life.said if monday <= on < day and min(RANK[step.rung] for step in life.said[on]) > rank}
        others = frozenset(on for on in life.said if on < day) - below
        agenda = replace(life.agenda(instant(day, NINE, PLAN)), spent={life.who.person_id: tuple(others)})
        assert not below or not keeps_budget(agenda, life.who, day, rank)
