"""Clocks, holidays, previews and reasons: what comes on another day, and why somebody hears nothing today."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from bot.acts.people.enrolment import Newcomer, enrol
from bot.schedule.explain import explained, upcoming
from bot.schedule.scheduler import due
from conversations.plan.calendar.ladder import Rung
from conversations.plan.calendar.ledger import SAID
from conversations.plan.model import Role
from storage.database.models import Person, table
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, said, tap
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, LUIS, PEDRO, ROSA
from tests.bot.schedule.days import HERE, ZONE, here, number_of, of, scan, schedule_of, set_schedule

LOCKED = "septiembre 2018 quedó cerrado"
"""On Monday 15 October, when the digest comes too."""


# ------------------------------------------------------------------ clocks, holidays, previews and reasons
def test_a_clock_that_ran_ahead_silences_nobody(desk: Desk) -> None:
    """A machine that booted a week ahead has noted a window of the tenth; set right, the days before are told."""
    scan(desk, here("2018-10-10T09:01"))
    assert ANA in scan(desk, here("2018-10-03T09:01"))
    assert ANA in scan(desk, here("2018-10-05T09:01"))


def test_a_day_that_becomes_a_holiday_brings_no_second_digest(desk: Desk) -> None:
    """Told on Monday morning; at ten Monday is declared free, and Tuesday stands in for it."""
    assert CARMEN in scan(desk, here("2018-10-15T08:31"))
    desk.now = here("2018-10-15T10:00")
    tap(desk, PEDRO, "calendario", "2018-10-15")
    assert not any(told.what == "digest" for told in scan(desk, here("2018-10-16T09:01")).get(CARMEN, ()))


def test_the_preview_of_a_digest_begins_with_the_one_that_is_owed(desk: Desk) -> None:
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    scan(desk, here("2018-10-15T19:00"))
    first, second, _ = desk.do(lambda unit: upcoming(unit, schedule_of(unit, "digest"), here("2018-10-15T19:05"), HERE))

    assert (first, second) == (here("2018-10-16T08:00"), here("2018-10-22T08:30"))
    assert CARMEN in scan(desk, first)


def test_a_role_that_is_added_after_the_hour_waits_for_the_next_time(desk: Desk) -> None:
    """As the preview says."""
    desk.now = here("2018-10-10T09:00")
    number = desk.do(lambda unit: schedule_of(unit, "card").id)
    tap(desk, PEDRO, "programar", f"{number}.roles.observer")
    scan(desk, here("2018-10-16T09:01"))
    desk.now = here("2018-10-16T15:00")
    tap(desk, PEDRO, "programar", f"{number}.roles.observer")
    shown = desk.do(lambda unit: upcoming(unit, schedule_of(unit, "card"), desk.now, HERE))

    assert shown[0] == here("2018-11-16T09:00")
    assert GRACE not in scan(desk, here("2018-10-16T15:01"))


@pytest.mark.parametrize(
    ("job", "days", "at", "words"),
    [("card", "month:25", "2019-01-25", "indicators of IJM"), ("card", "month:29", "2019-01-29", "is kept until")],
)
def test_a_card_carries_what_was_promised_and_what_expires(
    desk: Desk, job: str, days: str, at: str, words: str
) -> None:
    """A contributor asked to be reminded on its day, or has a draft that lapses the day after."""
    desk.now = here("2019-01-10T12:00")
    set_schedule(desk, job, days=days, begins_at=desk.now)
    tap(desk, PEDRO, "aporta", f"{desk.do(lambda unit: number_of(unit, GRACE))}.yes")
    for day in range(18, 25):
        scan(desk, here(f"2019-01-{day}T09:05"))
    desk.now = here("2019-01-24T12:01")
    if days == "month:25":
        tap(desk, GRACE, "posponer")
    else:
        tap(desk, GRACE, "reportar", "i.IND-14.2018")
    for day in range(25, int(at[-2:])):
        scan(desk, here(f"2019-01-{day}T09:05"))
    [card] = scan(desk, here(f"{at}T09:05"))[GRACE]

    assert words in card.text
    assert GRACE not in scan(desk, here(f"{at}T12:00"))


def reasons(desk: Desk, at: str) -> dict[str, str]:
    """Of `enlace due`, why the coordinator is told nothing."""
    return desk.do(
        lambda unit: {one.what: one.reason for one in explained(unit, here(at)) if one.who.chat_id == CARMEN}
    )


def test_due_gives_the_reason_that_holds(desk: Desk) -> None:
    """Paused, both are; not "told in the digest" and "not today"."""
    desk.now = here("2018-10-12T12:00")
    tap(desk, CARMEN, "pausar", "0")
    found = reasons(desk, "2018-10-16T09:00")
    assert found.pop("entering") == "before_the_hour"
    assert found == dict.fromkeys(("reminders", "digest"), "paused_for_everybody")

    tap(desk, CARMEN, "pausar", "end")
    set_schedule(desk, "reminders", days="mon")
    assert reasons(desk, "2018-11-15T09:30")["reminders"] == "no_window"


def test_a_window_that_nobody_said_is_in_the_ledger_with_the_reason(desk: Desk) -> None:
    """The card of the 16th; the bot was away until Friday (G8). Once, and `enlace due` says it too."""
    scan(desk, here("2018-10-12T12:00"))
    for now in map(here, ("2018-10-19T12:00", "2018-10-19T12:01", "2018-10-22T12:00")):

        def reason(unit: UnitOfWork, now: datetime = now) -> str:
            return next(o.reason for o in explained(unit, now) if o.what == "card" and "Grace" in o.who.name)

        assert desk.do(reason) == "too_late"
        assert GRACE not in scan(desk, now)
        assert [(f.window, f.state, f.reason) for f in of(desk, GRACE, "card")] == [
            ("2018-10-16", "skipped", "too_late"),
        ]  # fmt: skip
        assert not desk.do(lambda unit: list(due(unit, desk.now)))


def test_due_reads_each_clock(desk: Desk) -> None:
    """At nine in Santo Domingo it is three in Honolulu: the digest comes there at eight."""

    def move(unit: UnitOfWork) -> None:
        person = table(Person)
        unit.connection.execute(
            update(person).where(person.c.telegram_id == CARMEN).values(timezone="Pacific/Honolulu")
        )

    desk.do(move)
    set_schedule(desk, "digest", timezone=ZONE)

    assert reasons(desk, "2018-10-15T09:00")["digest"] == "quiet_hours"
    assert CARMEN in scan(desk, here("2018-10-15T14:00"))


def test_a_digest_waits_for_the_ladders_notice_that_waits(desk: Desk) -> None:
    """What the ladder made on Monday is taken back on Wednesday: Tuesday's digest, still owed, says it instead."""
    set_schedule(desk, "digest", days="tue,thu", begins_at=here("2018-10-01T08:00"))
    assert CARMEN in scan(desk, here("2018-10-11T09:10"))

    scan(desk, here("2018-10-15T09:10"), is_sent=False)
    assert [fire.state for fire in of(desk, CARMEN, "reminders") if fire.window == "2018-10-15"] == ["queued"]

    [digest] = scan(desk, here("2018-10-17T12:00"))[CARMEN]
    assert LOCKED in digest.text.lower()

    [*_, said_one] = [fire for fire in of(desk, CARMEN, "digest") if fire.state in SAID]
    assert Rung.LOCKED in said_one.told_rungs


def test_a_day_that_a_refused_message_spoke_of_is_still_to_be_told(desk: Desk) -> None:
    """Nobody looked on Monday, and on Tuesday Telegram refused the word about it: Wednesday has it all the same."""
    set_schedule(desk, "digest", paused_at=here("2018-10-01T12:00"))
    scan(desk, here("2018-10-16T09:01"), reaches=False)
    assert [fire.reason for fire in of(desk, CARMEN, "reminders") if fire.window == "2018-10-15"] == ["told_later"]
    assert any(LOCKED in one.text.lower() for one in scan(desk, here("2018-10-17T09:01"))[CARMEN])


def test_a_step_that_is_too_late_for_whoever_is_out_of_reach_is_decided_once(desk: Desk) -> None:
    """The ledger says why already: the next scan plans nothing, and opens no unit."""
    desk.do(lambda unit: unit.people.mark_unreachable(ANA, here("2018-10-01T08:00")))
    for day in (1, 3, 5, 8, 9, 10, 11, 12, 16):
        scan(desk, here(f"2018-10-{day:02}T09:01"))
    now = here("2018-10-17T09:30")
    scan(desk, now)

    assert desk.do(lambda unit: list(due(unit, now + timedelta(minutes=1)))) == []


def test_a_lock_says_of_whom_nobody_can_be_called(desk: Desk) -> None:
    """With the reasons (docs/domain.md#reminders): no focal point, out of reach, paused by herself."""
    set_schedule(desk, "digest", paused_at=here("2018-10-01T12:00"))
    for day in (1, 3, 5, 8):
        scan(desk, here(f"2018-10-{day:02}T09:01"))
    desk.now = here("2018-10-09T10:00")
    desk.do(lambda unit: unit.people.mark_unreachable(ROSA, desk.now))
    tap(desk, JEAN, "pausar", "7")
    [notice] = scan(desk, here("2018-10-15T09:01"))[CARMEN]
    told = {row.split(" · ")[0]: row for row in notice.text.splitlines() if row.startswith("• ")}

    assert told["• PGR"] == "• PGR · quedan 2 · bloqueó al asistente"
    assert told["• DGP"] == "• DGP · queda 1 · en pausa por decisión propia"
    assert any(row.endswith(" · sin punto focal") for row in told.values())
    assert told["• MMUJER"] == "• MMUJER · quedan 2"


def test_an_opening_is_told_as_that_alone(desk: Desk) -> None:
    """Somebody with quarterly items alone has nothing of the month's next step: it is no reminder of theirs."""
    long_ago = here("2018-08-01T12:00")
    desk.do(lambda unit: enrol(unit, Newcomer(521, "Vera Gil", Role.FOCAL_POINT, "DPD", "es"), long_ago, ZONE))
    scan(desk, here("2018-10-03T09:01"))
    assert [fire.rungs for who in (521, ANA) for fire in of(desk, who) if fire.rungs] == ["open", "open,before"]


# ------------------------------------------------------------------ nothing more today
@pytest.mark.parametrize("waits", [False, True])
def test_whoever_asked_to_be_reminded_tomorrow_is_reminded_of_nothing_today(desk: Desk, waits: bool) -> None:
    """Under yesterday's message, before today's step is said or while it waits to leave; and on its day it comes."""
    assert ANA in scan(desk, here("2018-10-03T09:01"))

    if waits:
        scan(desk, here("2018-10-05T09:01"), is_sent=False)
    desk.now = here("2018-10-05T09:05" if waits else "2018-10-05T08:30")
    assert "8 oct 2018" in said(tap(desk, ANA, "posponer"), ANA)[-1]
    assert ANA not in scan(desk, here("2018-10-05T09:10"))
    assert [fire.state for fire in of(desk, ANA, "reminders") if fire.window == "2018-10-05"] == ["open"]
    assert ANA in scan(desk, here("2018-10-08T09:01"))


def test_whoever_asked_to_be_reminded_tomorrow_is_not_reminded_by_a_coordinator_either(desk: Desk) -> None:
    """She is told why, and of her alternate nothing is asked in her place: the post is not vacant."""
    assert ANA in scan(desk, here("2018-10-03T09:01"))

    desk.now = here("2018-10-04T08:30")
    tap(desk, ANA, "posponer")
    desk.now = here("2018-10-04T10:00")
    shown = said(tap(desk, CARMEN, "recordar"), CARMEN)[-1]
    assert "pidió que se le recuerde otro día" in shown

    tap(desk, CARMEN, "recordar", "yes")
    assert not {ANA, LUIS} & set(scan(desk, here("2018-10-04T10:01")))
