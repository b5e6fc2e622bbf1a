"""One notice a person and day (docs/domain.md#reminders), whatever the job: also of a job that has never heard of the
rule.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.chat.actor import message
from bot.schedule import jobs, scheduler
from bot.schedule.explain import explained
from bot.schedule.job import Job, Message, Moment, Planned
from bot.schedule.jobs import JOBS
from bot.schedule.regular import as_planned, regular
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from conversations.card import Card, line
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.calendar.ledger import BESIDE, CARRIERS, LedgerRow, Withheld, job_name, waits_for, withheld
from conversations.plan.calendar.working_time import instant
from conversations.plan.model import Role
from storage.calendar.schedules import StoredSchedule
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, tap
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO
from tests.bot.schedule.days import HERE, HOURS, here, number_of, opened, scan, schedule_of, set_schedule
from tests.bot.second_plan import LONG_AGO, open_second_plan

WORDS = Message(message(Card((line("Un consejo"),))))


# ------------------------------------------------------------------ two jobs that somebody adds
def advise(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    return {who.person_id: (WORDS,) for who in people}


def advise_bluntly(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
    """A scan that asks nobody: everybody, on each day, as soon as it is looked."""
    untold = (
        who
        for zone in unit.recipients.zones(moment.plan_id)
        for who in unit.recipients.not_told(moment.plan_id, schedule.ledger, zone, moment.today, frozenset(Role))
    )
    return [Planned(who, moment.day_of(who), (WORDS,), ledger=schedule.ledger) for who in untold]


EVERYBODY = frozenset(Role)
POLITE = Job("advice", "digest", EVERYBODY, "workdays", time(8), regular(advise, EVERYBODY), as_planned)
BLUNT = Job("blunt", "digest", EVERYBODY, "workdays", time(8), advise_bluntly, as_planned)


@pytest.fixture
def two_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows more in JOBS, and nothing else."""
    every = (*JOBS, POLITE, BLUNT)
    monkeypatch.setattr(scheduler, "JOBS", every)
    for known in (jobs.BY_WHAT, scheduler.BY_WHAT):
        for job in (POLITE, BLUNT):
            monkeypatch.setitem(known, job.what, job)


@pytest.fixture
def desk(two_more: None, desk: Desk) -> Desk:
    return desk


@dataclass(frozen=True, order=True)
class Notice:
    """What somebody was told: by a schedule of which job, of which plan."""

    plan_id: int
    what: str

    def should_wait_for(self, other: "Notice") -> bool:
        return waits_for(self.what, other.what, is_other_plan=self.plan_id != other.plan_id)


def said(desk: Desk) -> dict[tuple[int, date], set[Notice]]:
    """Who was told something on a day of theirs, in any plan."""

    def work(unit: UnitOfWork) -> dict[tuple[int, date], set[Notice]]:
        people = {who.person_id for plan in unit.plans.all() for who in unit.recipients.all(plan.id)}
        found = defaultdict(set)
        for row in unit.ledger.messages_since(people, LONG_AGO):
            if row.state != "queued":
                found[row.person_id, row.said_on].add(Notice(row.plan_id, row.what))
        return found

    return desk.do(work)


def two_in_a_day(desk: Desk) -> list[tuple[tuple[int, date], set[Notice]]]:
    """The days on which somebody got two notices that should have waited for each other."""
    return [
        (when, notices)
        for when, notices in said(desk).items()
        if any(one.should_wait_for(other) for one in notices for other in notices)
    ]


# ------------------------------------------------------------------ the table
def test_every_exception_is_a_job_and_has_its_reason() -> None:
    """A name that is no job's would exempt nothing, or a job to come."""
    names = {job.what for job in JOBS}
    assert BESIDE.keys() | CARRIERS.keys() <= names
    assert all(reason.endswith(".") for reason in BESIDE.values())
    assert not BESIDE.keys() & CARRIERS.keys()


def test_jobs_that_are_not_named_wait_for_each_other() -> None:
    """A new one too. Two schedules of one job do not: an admin made each for its own hour."""
    assert waits_for("advice", "reminders")
    assert waits_for("reminders", "advice.7")
    assert waits_for("digest.7", "card")
    assert not waits_for("digest.7", "digest")
    assert not any(waits_for(beside, "reminders") or waits_for("reminders", beside) for beside in BESIDE)


# ------------------------------------------------------------------ the property
@dataclass(frozen=True)
class Habits:
    """When each job speaks, and from which scan, for how many, Telegram took nothing."""

    hours: tuple[time, ...]
    digest_days: str
    card_days: str
    advice_days: str
    holds: tuple[tuple[int, int], ...]


habits = st.builds(
    Habits,
    st.tuples(*(st.sampled_from(HOURS) for _ in range(5))),
    st.sampled_from(["mon", "tue,thu", "workdays"]),
    st.sampled_from(["month:11", "wed", "workdays"]),
    st.sampled_from(["fri", "tue,thu", "workdays"]),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=3).map(tuple),
)
SCANS = [
    instant(date(2018, 10, 9) + timedelta(days=day), at, HERE)
    for day in range(8)
    for at in (time(8, 5), time(9, 10), time(12), time(17, 5))
]


def live(desk: Desk, kept: Habits) -> None:
    """A week and a bit: grace ends, a month locks, everybody has something to hear."""
    desk.do(lambda unit: furnish_schedules(unit, 1, LONG_AGO))
    for what, at in zip(("reminders", "digest", "card", "advice", "blunt"), kept.hours, strict=True):
        set_schedule(desk, what, at=at)
    set_schedule(desk, "digest", days=kept.digest_days)
    set_schedule(desk, "card", days=kept.card_days)
    set_schedule(desk, "advice", days=kept.advice_days)
    held = {number for start, length in kept.holds for number in range(start, start + length)}
    for number, now in enumerate(SCANS):
        scan(desk, now, is_sent=number not in held)


@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kept=habits)
def test_nobody_gets_two_notices_on_a_day_from_any_two_jobs(
    kept: Habits, furnished: Path, tmp_path_factory: pytest.TempPathFactory, two_more: None
) -> None:
    """Everybody in the plan, every job, and two that know nothing of each other."""
    for desk in opened(furnished, tmp_path_factory.mktemp("house") / "house"):
        live(desk, kept)
        assert two_in_a_day(desk) == []
        everything = said(desk)
        assert len({person for person, _ in everything}) > 6
        spoke = {job_name(notice.what) for notices in everything.values() for notice in notices}
        assert "reminders" in spoke
        assert spoke & {"advice", "blunt"}


def test_planted_without_the_rule_a_new_job_is_a_second_notice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property above would be red."""
    monkeypatch.setattr("bot.schedule.ledger.one_a_day", lambda unit, batch, now: batch.planned)
    live(desk, Habits((time(9),) * 5, "mon", "month:11", "workdays", ()))
    assert two_in_a_day(desk)


# ------------------------------------------------------------------ two plans
def live_two_plans(desk: Desk) -> None:
    desk.do(lambda unit: furnish_schedules(unit, 1, LONG_AGO))
    open_second_plan(desk)
    for what in ("advice", "blunt"):
        set_schedule(desk, what, paused_at=LONG_AGO)
    for now in SCANS:
        scan(desk, now)


def test_who_has_roles_in_two_plans_gets_one_notice_a_day_and_hears_of_both(desk: Desk) -> None:
    """Both ladders have a step on the same days: each plan has its turn, and neither is the second notice."""
    live_two_plans(desk)
    assert two_in_a_day(desk) == []
    heard = said(desk)
    for who in (ANA, JEAN):
        number = desk.do(lambda unit, who=who: number_of(unit, who))  # type: ignore[misc]
        plans = {notice.plan_id for (person, _), notices in heard.items() if person == number for notice in notices}
        assert len(plans) == 2


def test_one_notice_is_about_all_plans(desk: Desk) -> None:
    """What is due in both shares one message; the other plan's ladder reads it as its own, and says nothing after."""
    desk.do(lambda unit: furnish_schedules(unit, 1, LONG_AGO))
    open_second_plan(desk)
    for what in ("advice", "blunt"):
        set_schedule(desk, what, paused_at=LONG_AGO)
    told = [one for day in (5, 8) for one in scan(desk, here(f"2018-10-{day:02}T09:10")).get(ANA, ())]
    assert told
    other = [one.text for one in told if "Plan segundo" in one.text or "Plan Nacional" in one.text]
    assert other == [one.text for one in told]
    assert sum("septiembre 2018" in line.lower() for line in told[0].text.splitlines()) >= 2
    number = desk.do(lambda unit: number_of(unit, ANA))
    days = [on for (person, on), _ in said(desk).items() if person == number]
    assert len(days) == len(told)


def test_planted_a_rule_that_looks_at_one_plan_alone_lets_two_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The law above would be red."""

    def of_one_plan(
        plan_id: int, what: str, rows: Iterable[LedgerRow], now: datetime, officers: Collection[int]
    ) -> Withheld:
        return withheld(plan_id, what, [row for row in rows if row.plan_id == plan_id], now, officers)

    monkeypatch.setattr("bot.schedule.one_a_day.withheld", of_one_plan)
    live_two_plans(desk)
    assert two_in_a_day(desk)


def test_a_new_job_lets_the_ladder_of_another_plan_go_first(desk: Desk) -> None:
    """The advice of eight in one plan would be the day's notice, and the other's step of nine come too late."""
    at_noon(desk)
    open_second_plan(desk)
    set_schedule(desk, "advice", at=time(8))
    set_schedule(desk, "reminders", paused_at=LONG_AGO)
    assert ANA not in scan(desk, here("2018-10-05T08:01"))

    [reminder] = scan(desk, here("2018-10-05T09:01"))[ANA]
    assert reminder.what == "reminder"


# ------------------------------------------------------------------ what it means to wait
def at_noon(desk: Desk) -> None:
    desk.do(lambda unit: furnish_schedules(unit, 1, LONG_AGO))
    set_schedule(desk, "blunt", paused_at=LONG_AGO)
    set_schedule(desk, "advice", at=time(12))


def test_what_waits_is_said_on_the_next_free_day(desk: Desk) -> None:
    """The due day's reminder at nine, so the advice of noon comes on Monday, unless that day has a notice too."""
    at_noon(desk)
    set_schedule(desk, "advice", days="fri")
    assert len(scan(desk, here("2018-10-05T09:01"))[ANA]) == 1
    assert ANA not in scan(desk, here("2018-10-05T12:01"))
    assert [one.text for one in scan(desk, here("2018-10-05T12:01")).get(PEDRO, ())] == []

    desk.do(
        lambda unit: unit.pauses.begin(
            1, "snooze", desk.now, date(2018, 10, 20), person_id=number_of(unit, ANA), by=None
        )
    )
    assert [one.text for one in scan(desk, here("2018-10-08T12:01"))[ANA]] == ["Un consejo"]


def test_a_new_job_lets_the_ladder_go_first(desk: Desk) -> None:
    """The advice of eight would be the day's notice, and the step of nine come too late."""
    at_noon(desk)
    set_schedule(desk, "advice", at=time(8))
    told = scan(desk, here("2018-10-05T08:01"))
    assert ANA not in told
    assert [one.text for one in told[PEDRO]] == ["Un consejo"]

    [reminder] = scan(desk, here("2018-10-05T09:01"))[ANA]
    assert reminder.what == "reminder"


def test_a_new_job_lets_the_digest_go_first(desk: Desk) -> None:
    """On Monday the week comes at half past eight."""
    at_noon(desk)
    set_schedule(desk, "advice", at=time(8))
    assert CARMEN not in scan(desk, here("2018-10-08T08:01"))

    [week] = scan(desk, here("2018-10-08T08:31"))[CARMEN]
    assert week.text.startswith("Semana")


def test_a_ladder_that_is_paused_keeps_nobody_waiting(desk: Desk) -> None:
    at_noon(desk)
    set_schedule(desk, "reminders", paused_at=LONG_AGO)
    set_schedule(desk, "advice", at=time(8))
    assert [one.text for one in scan(desk, here("2018-10-05T08:01"))[ANA]] == ["Un consejo"]


def test_due_says_that_somebody_was_told_something_today(desk: Desk) -> None:
    """Of the job that asks the rule itself, and of the one that does not."""
    at_noon(desk)
    set_schedule(desk, "blunt", paused_at=None)
    scan(desk, here("2018-10-05T09:01"))
    found = desk.do(lambda unit: list(explained(unit, here("2018-10-05T12:01"))))
    of_ana = {one.what: one for one in found if one.who.chat_id == ANA}

    assert not any(one.is_said for one in of_ana.values())
    assert of_ana["advice"].reason == "told_today"


def test_what_somebody_sends_by_hand_does_not_wait(desk: Desk) -> None:
    """An admin who presses "now" decides; and the ladder is silent on the rest of that day."""
    at_noon(desk)
    scan(desk, here("2018-10-11T09:01"))
    desk.now = here("2018-10-11T10:00")
    tap(
        desk,
        PEDRO,
        "programar",
        f"{desk.do(lambda unit: schedule_of(unit, 'digest').id)}.now",
    )

    assert CARMEN in scan(desk, here("2018-10-11T10:01"))


def test_the_card_of_whoever_contributes_keeps_their_budget(desk: Desk) -> None:
    """An observer who reports indicators has two notices a week, cards and reminders together. What they asked for is
    said on its day, by the ladder: no card takes it along.
    """
    desk.now = here("2019-01-11T12:00")
    set_schedule(desk, "card", days="workdays", at=time(8), begins_at=desk.now)
    tap(desk, PEDRO, "aporta", f"{desk.do(lambda unit: number_of(unit, GRACE))}.yes")
    week = [GRACE in scan(desk, here(f"2019-01-{day}T08:01")) for day in range(14, 17)]
    assert week == [True, True, False]

    desk.now = here("2019-01-16T12:01")
    tap(desk, GRACE, "posponer")
    assert GRACE not in scan(desk, here("2019-01-17T08:01"))
    [reminder] = scan(desk, here("2019-01-17T09:01"))[GRACE]
    assert "IND-14" in reminder.text


def test_a_card_waits_for_a_reminder_that_came_first(desk: Desk) -> None:
    """An observer who contributes is told of their indicators at nine; the card of noon comes on the day after."""
    set_schedule(desk, "card", days="workdays", at=time(8), begins_at=LONG_AGO)
    assert GRACE in scan(desk, here("2018-10-09T08:01"))
    assert two_in_a_day(desk) == []
