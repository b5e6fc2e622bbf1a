"""The ledger of fires: once for who, what and window, whoever comes first, on both databases (G8)."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from bot.settings import inherited_environment
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.calendar.ladder import Rung
from conversations.plan.model import Post, Role
from storage.calendar import recipients
from storage.calendar.ledger import NewFire
from storage.calendar.schedules import NewSchedule
from storage.database.models import Agency, Fire, Membership, OutboxMessage, Plan, table
from storage.database.vault import Vault
from storage.messages.outbox import OutboxDraft, Sent
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.bot.cli import forked
from tests.deadlines import PATIENCE, wait_until
from tests.storage.agendas import agenda as agenda_of
from tests.storage.agendas import outlook as outlook_of

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]
World = Any
"""The `world` of conftest: a plan with two agencies, three people, two periods."""
NOW = datetime(2018, 10, 5, 13, 0, tzinfo=UTC)
TODAY = date(2018, 10, 5)
ZONE = "America/Santo_Domingo"


def draft(chat_id: int = 501) -> OutboxDraft:
    return OutboxDraft(chat_id, "reminder", "sendMessage", {"text": "Hoy vence"})


def fire(unit: UnitOfWork, world: World, person: int = 0, window: date = TODAY, **more: Any) -> bool:
    by = more.pop("broadcast_id", None)
    values: dict[str, Any] = {"drafts": lambda: [draft()], "rungs": (Rung.DUE,), **more}
    new = NewFire(world.person_ids[person], values.pop("what", "reminders"), window, **values)
    return unit.ledger.fire_all(world.plan_id, [new], NOW, is_by_hand=by is not None, broadcast_id=by) == [True]


def counted(unit: UnitOfWork) -> tuple[int, int]:
    """Rows of the ledger, rows of the outbox."""
    fires, rows = (
        unit.connection.execute(select(func.count()).select_from(table(model))).scalar_one()
        for model in (Fire, OutboxMessage)
    )
    return fires, rows


def test_a_fire_and_its_message_are_one(apply: Apply, world: World) -> None:
    """The second for the same window inserts neither; another window, person or job is another fire."""
    assert apply(lambda unit: fire(unit, world))
    assert not apply(lambda unit: fire(unit, world))
    assert apply(counted) == (1, 1)
    assert apply(lambda unit: fire(unit, world, person=1))
    assert apply(lambda unit: fire(unit, world, window=TODAY + timedelta(days=1)))
    assert apply(counted) == (3, 3)


def test_a_unit_that_fails_leaves_neither(apply: Apply, world: World) -> None:
    """A ledger that says "told" without a message would silence a step for ever."""

    def half(unit: UnitOfWork) -> None:
        fire(unit, world)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        apply(half)
    assert apply(counted) == (0, 0)
    assert apply(lambda unit: fire(unit, world))


# Of one writer (SQLite) the second scan sees the first one's row, key or no key.
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_the_unique_key_is_what_keeps_it_once(database: Database, world: World) -> None:
    """Planted: without it two scans of one moment would both say it."""

    def unkeyed(unit: UnitOfWork) -> None:
        unit.connection.execute(text("ALTER TABLE fire DROP CONSTRAINT uq_fire_plan_id_person_id_what_window"))

    def rekeyed(unit: UnitOfWork) -> None:
        unit.connection.execute(text("DELETE FROM fire"))
        unit.connection.execute(
            text(
                "ALTER TABLE fire ADD CONSTRAINT uq_fire_plan_id_person_id_what_window"
                ' UNIQUE (plan_id, person_id, what, "window")'
            )
        )

    database.units.submit(None, unkeyed).result(PATIENCE)
    try:
        assert [database.units.submit(None, lambda unit: fire(unit, world)).result(PATIENCE) for _ in (1, 2)] == [
            True,
            True,
        ]
    finally:
        database.units.submit(None, rekeyed).result(PATIENCE)


# On SQLite there is one writer.
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_two_scans_ask_one_after_the_other_who_has_had_a_notice(database: Database, world: World) -> None:
    """Else both would hear that nothing was said, and somebody get two notices from two jobs."""
    person = world.person_ids[0]
    waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")

    def ask(unit: UnitOfWork) -> list[str]:
        return [row.what for row in unit.ledger.messages_since([person], NOW - timedelta(days=2))]

    def first(unit: UnitOfWork) -> Future[list[str]]:
        assert ask(unit) == []
        second = database.units.submit(None, ask)
        wait_until(lambda: unit.connection.execute(waits).scalar_one() > 0, "the second scan waits")
        fire(unit, world)
        return second

    second = database.units.submit(None, first).result(PATIENCE)

    assert second.result(PATIENCE) == ["reminders"]


def test_the_ledger_learns_what_became_of_a_message(apply: Apply, world: World) -> None:
    """Sent, ambiguous or undeliverable, in one statement for all."""
    apply(lambda unit: fire(unit, world))
    apply(lambda unit: fire(unit, world, person=1))

    def send_one(unit: UnitOfWork) -> None:
        (row, *_) = unit.outbox.claim(NOW, NOW + timedelta(minutes=1))
        unit.outbox.record(row.id, Sent(7), NOW)

    apply(send_one)

    assert len(apply(lambda unit: unit.ledger.settle())) == 1
    assert apply(lambda unit: unit.ledger.counts()) == {"sent": 1, "queued": 1}


def test_who_is_in_the_ledger_is_not_looked_at_again(apply: Apply, world: World) -> None:
    """By zone, window and role; an open row counts too: it is of its day."""
    from conversations.plan.model import AGENCY_ROLES

    def untold(unit: UnitOfWork) -> list[Recipient]:
        return unit.recipients.not_told(world.plan_id, "reminders", "America/Santo_Domingo", TODAY, AGENCY_ROLES)

    assert [who.person_id for who in apply(untold)] == list(world.person_ids[:2])

    apply(lambda unit: fire(unit, world, drafts=tuple, state="open", reason="paused"))
    assert [who.person_id for who in apply(untold)] == [world.person_ids[1]]


@pytest.mark.parametrize("few", [1, 8])
def test_of_an_agencys_crowd_a_few_are_read(
    apply: Apply, world: World, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look happens in the unit in which messages leave: ten thousand colleagues are not looked through."""
    monkeypatch.setattr(recipients, "TOLD_TOO", few)

    def told(unit: UnitOfWork) -> list[tuple[int, date]]:
        membership = table(Membership)
        together = update(membership).where(membership.c.person_id == world.person_ids[1])
        unit.connection.execute(together.values(agency_id=world.agency_ids[0]))
        for person in (0, 1):
            for window in (TODAY, TODAY - timedelta(days=1)):
                fire(unit, world, person=person, window=window)
        codes = {who.agency_code for who in unit.recipients.all(world.plan_id)}
        return [
            (who.person_id, on)
            for who, on in unit.recipients.told_colleagues(world.plan_id, "reminders", codes, {TODAY})
        ]

    assert apply(told) == [(number, TODAY) for number in world.person_ids[: min(few, 2)]]


def test_what_a_digest_told_counts_as_told_on_the_day_on_which_it_left(apply: Apply, world: World) -> None:
    """Shipped or added; the steps of the day on which it was made; one without steps keeps that day alone."""
    person, later = world.person_ids[0], NOW + timedelta(days=1)

    def tell(unit: UnitOfWork) -> None:
        unit.schedules.add(world.plan_id, NewSchedule("digest", "fri", time(8, 30)), NOW)
        [added] = unit.schedules.all(world.plan_id)
        told = NewFire(person, added.ledger, TODAY, rungs=(Rung.LOCKED,), drafts=lambda: [draft()])
        unit.ledger.fire_all(world.plan_id, [told], NOW)

    def leave(unit: UnitOfWork) -> None:
        [row] = unit.outbox.claim(later, later + timedelta(minutes=1))
        assert unit.outbox.begin(row)
        unit.outbox.record(row.id, Sent(7), later)
        unit.ledger.settle()

    apply(tell)
    waiting = apply(lambda unit: outlook_of(unit, world.plan_id, TODAY))
    assert (waiting.told[person], waiting.windows[person, TODAY]) == (TODAY, "told_in_digest")

    apply(leave)
    left = apply(lambda unit: outlook_of(unit, world.plan_id, TODAY))
    assert left.told[person] == TODAY
    assert left.windows == {(person, TODAY + timedelta(days=1)): "told_in_digest"}
    assert apply(lambda unit: outlook_of(unit, world.plan_id, TODAY, "digest")).windows == {}


def test_what_somebody_needs_is_of_the_agency_they_reported_for(apply: Apply, world: World) -> None:
    """They have moved to another since, and report in another plan too."""
    person, agency = world.person_ids[0], world.agency_ids[1]
    later = NOW + timedelta(days=1)

    def move(unit: UnitOfWork) -> None:
        fire(unit, world)
        unit.ledger.answer(world.plan_id, person, "reminders", "no_data")
        unit.roles.grant(person, world.plan_id, Post(Role.FOCAL_POINT, agency), now=later)
        values = {"code": "OTHER", "name": {}, "starts_on": TODAY, "ends_on": TODAY, "timezone": ZONE}
        plan_id = unit.connection.execute(insert(table(Plan)).values(**values)).inserted_primary_key[0]
        there = {"plan_id": plan_id, "code": "PGR", "name": {}}
        other_id = unit.connection.execute(insert(table(Agency)).values(**there)).inserted_primary_key[0]
        unit.roles.grant(person, plan_id, Post(Role.FOCAL_POINT, other_id), now=NOW)

    def answers(unit: UnitOfWork) -> dict[str, str]:
        outlook = outlook_of(unit, world.plan_id, date(2018, 10, 9))
        return dict(agenda_of(unit, world.plan_id, outlook, NOW + timedelta(days=4)).answers)

    apply(move)

    assert apply(answers) == {"MINERD": "no_data"}


def test_a_broadcast_is_stopped_before_it_has_gone_out(apply: Apply, world: World) -> None:
    """What is being sent cannot be taken back; the rest is, and what the calendar has for them is still to be said."""

    def begin(unit: UnitOfWork) -> int:
        number = unit.broadcasts.begin(world.plan_id, world.person_ids[2], None, 2, NOW)
        for person in (0, 1):
            fire(unit, world, person=person, drafts=lambda person=person: [draft(501 + person)], broadcast_id=number)
        return number

    number = apply(begin)
    apply(lambda unit: [unit.outbox.begin(row) for row in unit.outbox.claim(NOW, NOW + timedelta(minutes=1), 1)])
    assert apply(lambda unit: unit.broadcasts.stop(number, NOW)) == 1

    (progress,) = apply(lambda unit: unit.broadcasts.going_on())
    assert (progress.total, progress.sent, progress.waiting, progress.is_stopped) == (2, 0, 1, True)

    stopped = [(one.state, one.person_id) for one in apply(lambda unit: unit.ledger.fires(world.plan_id, TODAY))]
    assert stopped == [("queued", world.person_ids[0])]
    assert apply(lambda unit: fire(unit, world, person=1))


def test_what_is_sent_by_hand_takes_the_place_of_a_silence_and_of_nothing_that_was_said(
    apply: Apply, world: World
) -> None:
    """A row that says why nothing was said; one that was said, or is being said, stays the only one (G8)."""

    def by_hand(unit: UnitOfWork) -> bool:
        number = unit.broadcasts.begin(world.plan_id, world.person_ids[2], None, 1, NOW)
        return fire(unit, world, broadcast_id=number)

    apply(lambda unit: fire(unit, world, drafts=tuple, state="open", reason="paused_for_everybody"))
    assert not apply(lambda unit: fire(unit, world)), "the ladder has had its word"
    assert apply(by_hand)
    assert apply(counted) == (1, 1)
    assert not apply(by_hand)
    assert apply(counted) == (1, 1)

    (row,) = apply(lambda unit: unit.ledger.fires(world.plan_id, TODAY))
    assert (row.state, row.reason) == ("queued", "")


@pytest.mark.parametrize(
    ("state", "replaceable_states"), [("open", True), ("queued", False), ("sent", False), ("skipped", False)]
)
def test_an_open_row_gives_way_to_what_is_said_of_its_window_after_all(
    apply: Apply, world: World, state: str, replaceable_states: bool
) -> None:
    """Of what is said regularly; nobody else's row, and no other window's, goes with it."""
    for other in (
        {"person": 1},
        {"person": 1, "window": TODAY - timedelta(days=7)},
        {"window": TODAY - timedelta(days=7)},
        {"what": "card"},
        {"what": "digest.7"},
    ):
        apply(
            lambda unit, other=other: fire(unit, world, **{"what": "digest", "drafts": tuple, "state": "open"} | other)
        )
    apply(lambda unit: fire(unit, world, what="digest", drafts=tuple, state=state, reason="quiet_hours"))
    assert apply(lambda unit: fire(unit, world, what="digest")) is replaceable_states

    found = apply(lambda unit: unit.ledger.fires(world.plan_id, TODAY - timedelta(days=9)))
    assert len(found) == 6
    assert [(one.state, one.reason) for one in found[5:]] == [
        ("queued", "") if replaceable_states else (state, "quiet_hours")
    ]


def test_what_was_to_be_told_too_is_open_again_with_it(apply: Apply, world: World) -> None:
    """Friday's message was to tell of Thursday, and was not sent: Thursday is not lost with it."""

    def cancel(unit: UnitOfWork) -> list[tuple[str, str]]:
        *_, last = unit.ledger.fires(world.plan_id, TODAY)
        unit.ledger.cancel(last, "quiet_hours", NOW + timedelta(hours=9), is_open=True)
        found = unit.ledger.fires(world.plan_id, TODAY - timedelta(days=3))
        return [(one.window[-2:], one.state) for one in found]

    late = {"drafts": tuple, "state": "skipped", "reason": "told_later"}
    apply(lambda unit: fire(unit, world, window=TODAY - timedelta(days=1), **late))
    apply(lambda unit: fire(unit, world, window=TODAY - timedelta(days=1), person=1, **late))
    apply(lambda unit: fire(unit, world))

    assert apply(cancel) == [("04", "open"), ("04", "skipped"), ("05", "open")]


@pytest.mark.parametrize(
    ("state", "reason", "known"),
    [
        ("queued", "", "told_today"),
        ("sent", "", "told_today"),
        ("ambiguous", "", "told_today"),
        ("open", "paused_for_everybody", "paused_for_everybody"),
        ("skipped", "focal_point_told", "focal_point_told"),
        ("cancelled", "nothing_left", "nothing_left"),
        ("undeliverable", "", "unreachable"),
    ],
)
def test_only_who_was_told_something_is_told(apply: Apply, world: World, state: str, reason: str, known: str) -> None:
    """Of everybody else the ledger knows the reason."""
    apply(lambda unit: fire(unit, world, drafts=tuple, state=state, reason=reason))
    outlook = apply(lambda unit: outlook_of(unit, world.plan_id, TODAY))
    assert outlook.windows == {(world.person_ids[0], TODAY): known}


def test_a_shipped_schedule_is_made_once_also_after_it_was_deleted(apply: Apply, world: World) -> None:
    def add(unit: UnitOfWork) -> bool:
        return unit.schedules.add(
            world.plan_id, NewSchedule("reminders", "workdays", time(9), shipped="reminders"), NOW
        )

    assert apply(add)
    assert not apply(add)

    (made,) = apply(lambda unit: unit.schedules.all(world.plan_id))
    assert apply(lambda unit: unit.schedules.change(world.plan_id, made.id, deleted_at=NOW))
    assert not apply(add)
    assert apply(lambda unit: unit.schedules.all(world.plan_id)) == ()


def test_a_removed_holiday_does_not_come_back_with_the_calendar(apply: Apply, world: World) -> None:
    """Unless an admin adds it again."""
    on = date(2018, 11, 5)
    apply(lambda unit: unit.holidays.add_all(world.plan_id, {on: "Constitution Day"}))
    assert apply(lambda unit: unit.holidays.remove(world.plan_id, on))

    apply(lambda unit: unit.holidays.add_all(world.plan_id, {on: "Constitution Day"}))
    assert apply(lambda unit: unit.holidays.days(world.plan_id)) == frozenset()

    apply(lambda unit: unit.holidays.add(world.plan_id, on, by=world.person_ids[2]))
    assert apply(lambda unit: unit.holidays.days(world.plan_id)) == {on}


def test_the_figures_of_a_decision_take_a_fixed_number_of_statements(
    apply: Apply,
    world: World,
    statements: Callable[[UnitOfWork, Callable[[UnitOfWork], object]], list[str]],
) -> None:
    """Whatever the plan holds: fourteen at most."""
    apply(lambda unit: unit.connection.execute(text("UPDATE reporting_period SET period_type = 'Monthly'")))

    def ask(unit: UnitOfWork) -> object:
        return agenda_of(unit, world.plan_id, outlook_of(unit, world.plan_id, TODAY), NOW)

    assert len(apply(lambda unit: statements(unit, ask))) <= 14


SCHEDULER = Path(__file__).with_name("scheduler_process.py")


@pytest.mark.slow
def test_two_schedulers_that_are_killed_and_started_again_say_it_once(
    postgres_database: Database, world_on_postgres: World, postgres_url: str, vault: Vault
) -> None:
    """The same windows by two processes at once; SIGKILL at a random place, twice; then a third one finishes."""
    people = ",".join(map(str, world_on_postgres.person_ids))

    def start() -> forked.Process:
        process = forked.start(
            *(postgres_url, str(world_on_postgres.plan_id), people),
            program=str(SCHEDULER), env=inherited_environment(), stdout=subprocess.PIPE, stderr=sys.__stderr__,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def fired() -> int:
        with postgres_database.view() as unit:
            return counted(unit)[0]

    def killed() -> int:
        both = [start(), start()]
        enough = fired() + 40
        wait_until(lambda: fired() >= enough, "windows", unless=lambda: {each.poll() for each in both} - {None})
        kills = 0
        for process in both:
            process.kill()
            kills += process.wait() == -9
            assert process.stdout is not None
            process.stdout.close()
        return kills

    kills = killed() + killed()
    with open_database(postgres_url) as database, database.view() as unit:
        fires, rows = counted(unit)
        linked = unit.connection.execute(select(func.count(table(Fire).c.outbox_id.distinct()))).scalar_one()
        windows = unit.connection.execute(
            select(func.count()).select_from(
                select(table(Fire).c.person_id, table(Fire).c.window).distinct().subquery()
            )
        ).scalar_one()

    assert kills == 4
    assert fires == rows == linked == windows >= 80
