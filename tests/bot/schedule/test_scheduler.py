"""The scan, the second look and the clock, over a real database; what is claimed is what delivery would send."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.schedule import jobs as scheduling
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import ClockWatch, Scheduler
from bot.telegram.in_hand import Asked, as_claimed, look
from storage.calendar.schedules import NewSchedule
from storage.database.models import OutboxMessage, PlanImport, table
from storage.errors import Unavailable
from storage.messages.leases import Watch
from storage.open_database import Database
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.bot.house import ANA, CARMEN
from tests.bot.schedule.wound import NINE, NOBODY, Wound, claimed, ledger


@pytest.fixture
def scheduler(database: Database) -> Scheduler:
    return Scheduler(database, Wound(), said=lambda: None)


def close_everything_of_ana(unit: UnitOfWork) -> None:
    plan, agency = unit.plans.only(), unit.plans.agency(unit.plans.only().id, "MMUJER")
    person = unit.people.by_telegram_id(ANA)
    assert person is not None
    for period in unit.plans.open_periods(plan.id, NINE.date()):
        unit.closings.close(plan.id, agency.id, period.id, person.id, NINE)


async def test_a_second_scan_of_the_same_moment_says_nothing(database: Database, scheduler: Scheduler) -> None:
    """Nor one by another replica."""
    assert await scheduler.scan(NINE) > 0
    assert await scheduler.scan(NINE) == 0
    assert await Scheduler(database, Wound(), said=lambda: None).scan(NINE + timedelta(hours=3)) == 0


async def test_a_defect_in_one_schedule_silences_no_other(database: Database, scheduler: Scheduler) -> None:
    """Smell 4: one try around the whole loop. A recurrence that nobody can read is in the log, and Ana is reminded."""
    database.units.submit(
        None, lambda unit: unit.schedules.add(1, NewSchedule("export", "month:x", NINE.time()), NINE)
    ).result()
    with structlog.testing.capture_logs() as logged:
        assert await scheduler.scan(NINE) > 0
    assert [(one["event"], one["what"].partition(".")[0]) for one in logged] == [("scan.defect", "export")]
    assert ANA in claimed(database, NINE, scheduler.second_look)


async def test_a_defect_at_the_second_look_holds_up_nothing_else(
    database: Database, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be looked at is looked at again in a minute; the unit that claims it claims all else."""

    def broken(*_: object) -> dict[int, str]:
        raise KeyError("a defect")

    await scheduler.scan(NINE)
    job = scheduling.BY_WHAT["reminders"]
    monkeypatch.setitem(scheduling.BY_WHAT, "reminders", replace(job, again=broken))
    with structlog.testing.capture_logs() as logged:
        assert ANA not in claimed(database, NINE, scheduler.second_look)
    assert [(one["event"], one["what"]) for one in logged] == [("scan.defect", "reminders")]

    monkeypatch.undo()
    assert ANA in claimed(database, NINE + timedelta(minutes=2), scheduler.second_look)


async def test_a_statement_that_fails_at_the_second_look_holds_up_nothing_else(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is undone alone: the unit that claims goes on, a reply is claimed in it, and the reminder comes later."""
    scheduler = Scheduler(either_database, Wound(), said=lambda: None)

    def broken(unit: UnitOfWork, *_: object) -> dict[int, str]:
        unit.facts.set("half", "done", NINE)
        unit.connection.execute(text("SELECT nothing FROM person"))
        raise AssertionError("it fails before")

    await scheduler.scan(NINE)
    job = scheduling.BY_WHAT["reminders"]
    monkeypatch.setitem(scheduling.BY_WHAT, "reminders", replace(job, again=broken))
    with structlog.testing.capture_logs() as logged:
        assert ANA not in claimed(either_database, NINE, scheduler.second_look)
    assert [(one["event"], one["what"]) for one in logged] == [("scan.defect", "reminders")]

    with either_database.view() as unit:
        assert unit.facts.get("half") is None
    monkeypatch.undo()
    assert ANA in claimed(either_database, NINE + timedelta(minutes=2), scheduler.second_look)


async def test_a_database_that_fails_at_the_second_look_ends_the_unit(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is committed, and nobody takes it for a defect of the job."""
    scheduler = Scheduler(either_database, Wound(), said=lambda: None)

    def away(unit: UnitOfWork, *_: object) -> dict[int, str]:
        unit.facts.set("half", "done", NINE)
        raise OperationalError("SELECT 1", None, sqlite3.OperationalError("disk I/O error"))

    await scheduler.scan(NINE)
    job = scheduling.BY_WHAT["reminders"]
    monkeypatch.setitem(scheduling.BY_WHAT, "reminders", replace(job, again=away))
    with structlog.testing.capture_logs() as logged, pytest.raises(Unavailable):
        claimed(either_database, NINE, scheduler.second_look)

    assert logged == []

    with either_database.view() as unit:
        assert unit.facts.get("half") is None


@pytest.mark.parametrize("hour", ["2018-10-05T12:59", "2018-10-06T13:00", "2018-10-05T22:00", "2018-10-05T04:00"])
async def test_nothing_is_said_before_nine_at_night_or_on_a_weekend(scheduler: Scheduler, hour: str) -> None:
    """In the recipient's zone; the demo's people live in Santo Domingo (UTC-4)."""
    assert await scheduler.scan(datetime.fromisoformat(hour).replace(tzinfo=UTC)) == 0


async def test_what_was_reported_after_the_scan_is_not_asked_for(database: Database, scheduler: Scheduler) -> None:
    """The second look, inside the unit that claims: cancelled, and the ledger says why."""
    await scheduler.scan(NINE)
    database.units.submit(None, close_everything_of_ana).result()
    sent = claimed(database, NINE, scheduler.second_look)

    assert sent
    assert ANA not in sent
    assert ledger(database) == ("cancelled", "nothing_left")
    assert scheduler.counts["reminders", "cancelled"] == 1


async def test_without_the_second_look_it_would_be_asked_for(database: Database, scheduler: Scheduler) -> None:
    """Planted: the test above would be red."""
    await scheduler.scan(NINE)
    database.units.submit(None, close_everything_of_ana).result()
    assert ANA in claimed(database, NINE, as_claimed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda unit, plan, person: unit.leaving.suspend(person, now=NINE, by=None), "no_role"),
        (
            lambda unit, plan, person: unit.pauses.begin(plan, "own", NINE, None, person_id=person, by=person),
            "paused",
        ),
        (
            lambda unit, plan, person: unit.pauses.begin(plan, "everybody", NINE, None, person_id=None, by=person),
            "paused_for_everybody",
        ),
        (lambda unit, plan, person: unit.people.mark_unreachable(ANA, NINE), "unreachable"),
    ],
    ids=["role", "own pause", "hurricane", "blocked"],
)
async def test_role_and_pause_are_looked_at_again(
    database: Database, scheduler: Scheduler, change: Callable[[UnitOfWork, int, int], Any], reason: str
) -> None:
    """Whatever happened between the plan and the sending (G8)."""
    await scheduler.scan(NINE)

    def work(unit: UnitOfWork) -> None:
        person = unit.people.by_telegram_id(ANA)
        assert person is not None
        change(unit, unit.plans.only().id, person.id)

    database.units.submit(None, work).result()

    assert ANA not in claimed(database, NINE + timedelta(minutes=1), scheduler.second_look)
    if reason != "no_role":  # a suspension takes the message out of the outbox by itself
        assert ledger(database)[1] == reason


MONDAY = datetime(2018, 10, 8, 12, 30, tzinfo=UTC)


def digests(database: Database, now: datetime, scheduler: Scheduler) -> set[int]:
    """The chats to which delivery would send the week."""

    def work(unit: UnitOfWork) -> set[int]:
        found = look(unit, now, Asked(60, NOBODY, NOBODY, NOBODY), Watch(), lambda: 0.0, scheduler.second_look)
        return {row.chat_id for row in found.rows if row.kind == "digest"}

    return database.units.submit(None, work).result()


def changes_the_plan(unit: UnitOfWork) -> None:
    rows = table(PlanImport)
    values = {
        "plan_id": unit.plans.only().id,
        "imported_at": MONDAY + timedelta(seconds=1),
        "sha256": "",
        "before": b"",
    }
    unit.connection.execute(rows.insert().values(**values))


async def test_a_week_that_was_written_for_another_plan_is_made_anew(either_database: Database) -> None:
    """A reader counted it beside the unit that changed the plan, and perhaps restricted what it says."""
    database, scheduler = either_database, Scheduler(either_database, Wound(), said=lambda: None)
    planned, _ = scheduler._plan(MONDAY)
    database.units.submit(None, changes_the_plan).result()
    for batch in planned:
        database.units.submit(None, partial(write_once, batch=batch, now=MONDAY)).result()
    assert CARMEN not in digests(database, MONDAY + timedelta(seconds=2), scheduler)

    later = MONDAY + timedelta(minutes=5)
    await scheduler.scan(later)
    assert CARMEN in digests(database, later, scheduler)


async def test_a_message_that_was_held_into_the_night_is_not_sent(database: Database, scheduler: Scheduler) -> None:
    """After hours of 429 it is evening: the step stays open for the next working day."""
    await scheduler.scan(NINE)
    assert claimed(database, NINE + timedelta(hours=9), scheduler.second_look) == {}
    assert ledger(database) == ("open", "quiet_hours")


async def test_the_words_are_those_of_the_moment_of_sending(database: Database, scheduler: Scheduler) -> None:
    """Of two reports left one comes in: the reminder that leaves asks for the other."""
    await scheduler.scan(NINE)
    before = claimed(database, NINE, as_claimed)[ANA].payload["text"]
    assert "Quedan 2" in before

    def requeue_and_report(unit: UnitOfWork) -> None:
        rows = table(OutboxMessage)
        unit.connection.execute(rows.update().where(rows.c.state == "queued").values(lease_until=None))
        plan, person = unit.plans.only(), unit.people.by_telegram_id(ANA)
        assert person is not None
        assert person.membership is not None
        version = unit.forms.current(plan.id, "activity_report")
        assert version is not None
        unit.submissions.add(
            NewSubmission(
                plan_id=plan.id,
                form_id=version.form_key,
                form_version_id=version.id,
                instance_id="uuid:now",
                person_id=person.id,
                agency_id=person.membership.agency_id,
                subject="activity:PRE-101",
                reporting_period_id=unit.plans.period(plan.id, "201809").id,
                answers={},
                language="es",
                activity_status="in_progress",
                progress=20,
                started_at=NINE,
            ),
            NINE,
        )

    database.units.submit(None, requeue_and_report).result()
    after = claimed(database, NINE, scheduler.second_look)[ANA].payload["text"]
    assert "Queda 1" in after
    assert "PRE-101" not in after


# ------------------------------------------------------------------ the clock
@pytest.mark.parametrize("jump", [timedelta(hours=1), -timedelta(hours=1), timedelta(days=1), timedelta(days=3653)])
def test_a_clock_that_jumps_holds_everything_until_it_has_run_well_for_half_an_hour(jump: timedelta) -> None:
    """Wall and monotonic time disagree by more than five minutes (G9)."""
    clock = Wound()
    watch = ClockWatch(clock)
    clock.run(minutes=10)
    assert watch.look() is None

    clock.wall += jump
    assert watch.look() == jump
    assert watch.is_held

    clock.run(minutes=29)
    assert (watch.look(), watch.is_held) == (None, True)

    clock.run(minutes=2)
    assert (watch.look(), watch.is_held) == (None, False)


def test_a_clock_that_is_set_right_by_a_minute_is_trusted() -> None:
    """NTP corrects all the time."""
    clock = Wound()
    watch = ClockWatch(clock)
    clock.wall += timedelta(minutes=1)
    assert (watch.look(), watch.is_held) == (None, False)


async def test_a_jump_is_an_alarm_for_as_long_as_it_holds(database: Database) -> None:
    """A log is read by nobody at nine in the morning; who can have the clock set right is told in chat (G9)."""
    clock, raised = Wound(), []
    scheduler = Scheduler(
        database, clock, said=lambda: None, watch=ClockWatch(clock), alarm=lambda kind, _: raised.append(kind)
    )
    for jump in (timedelta(), timedelta(days=1), -timedelta(hours=3), timedelta()):
        clock.run(minutes=1)
        clock.wall += jump
        await scheduler.look()
    assert raised == ["clock"] * 3


def test_a_clock_that_was_wrong_from_the_beginning_is_known_by_telegrams_date() -> None:
    """It never jumps, so only somebody else's clock shows it; set right, it is still watched for half an hour."""
    clock = Wound()
    told = clock.now()
    watch = ClockWatch(clock, lambda: (clock.now() - told).total_seconds())
    assert not watch.is_held

    clock.wall += timedelta(hours=2)
    watch = ClockWatch(clock, lambda: (clock.now() - told).total_seconds())
    assert watch.is_held

    clock.wall -= timedelta(hours=2)
    assert watch.is_held


def test_whoever_asks_learns_of_a_jump_at_once(database: Database) -> None:
    """Delivery sweeps every two seconds, the scheduler once a minute."""
    clock = Wound()
    scheduler = Scheduler(database, clock, said=lambda: None, watch=ClockWatch(clock))
    assert not scheduler.is_held

    clock.wall += timedelta(hours=13)
    assert scheduler.is_held
