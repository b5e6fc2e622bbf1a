"""What is sent by hand waits for the morning, and is then the one message of that day (docs/domain.md#reminders)."""

from datetime import timedelta

import pytest

from bot.chat.actor import Actor
from bot.schedule.edit import run_now
from bot.schedule.scheduler import look_at
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, tap
from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, ROSA
from tests.bot.schedule.days import HERE, ZONE, here, of, scan, schedule_of, set_schedule

LOCKED = "septiembre 2018 quedó cerrado"
"""On Monday 15 October, when the digest comes too."""


# ------------------------------------------------------------------ by hand
def test_a_broadcast_that_is_stopped_leaves_the_days_reminder_to_the_calendar(desk: Desk) -> None:
    """The quarter's due day: "Recordar" at a quarter past eight, stopped at once."""
    for before in ("2018-10-03T09:01", "2018-10-05T09:01", "2018-10-08T09:01"):
        scan(desk, here(before))
    desk.now = here("2018-10-10T08:15")
    tap(desk, CARMEN, "recordar", "yes")
    tap(desk, CARMEN, "detener", str(desk.do(lambda unit: unit.broadcasts.going_on())[0].id))

    assert ROSA in scan(desk, here("2018-10-10T09:01"))


def send_the_week_by_hand_too_late(desk: Desk, day: str) -> None:
    """At twenty to six, and Telegram takes nothing until five past."""
    scan(desk, here("2018-10-15T08:31"))
    desk.now = here(f"{day}T17:40")
    tap(desk, PEDRO, "programar", f"{desk.do(lambda unit: schedule_of(unit, 'digest').id)}.now")
    assert CARMEN not in scan(desk, here(f"{day}T18:05"))


def test_what_is_sent_by_hand_waits_for_the_morning(desk: Desk) -> None:
    """No window of its own would bring it again; and it is the day's."""
    send_the_week_by_hand_too_late(desk, "2018-10-18")
    assert CARMEN in scan(desk, here("2018-10-19T08:05"))


def test_a_chase_held_over_night_is_the_mornings_one_message(desk: Desk) -> None:
    """Asked for on Thursday evening, it comes on Friday, the due day, and the ladder adds none."""
    desk.now = here("2018-10-04T17:40")
    tap(desk, CARMEN, "recordar", "yes")

    assert ANA not in scan(desk, here("2018-10-04T18:05"))
    assert [told.text[:9] for told in scan(desk, here("2018-10-05T08:05"))[ANA]] == ["Hoy vence"]
    assert ANA not in scan(desk, here("2018-10-05T09:05"))


def test_a_digest_sent_by_hand_and_held_over_night_is_that_days_one_message(desk: Desk) -> None:
    """Sent on Friday evening, it comes on Monday at eight; the week of half past eight would be a second one."""
    send_the_week_by_hand_too_late(desk, "2018-10-19")

    assert CARMEN in scan(desk, here("2018-10-22T08:05"))
    assert CARMEN not in scan(desk, here("2018-10-22T08:31"))
    assert of(desk, CARMEN, "digest")[-1].reason == "told_already"
    assert CARMEN in scan(desk, here("2018-10-29T08:31"))


def test_the_server_reminds_who_has_only_to_close(desk: Desk) -> None:
    """The second look asks as the first did, whoever pressed."""
    desk.now = here("2018-10-03T10:00")
    tap(desk, ANA, "novedades", "no_progress")
    now = here("2018-10-03T10:30")

    def work(unit: UnitOfWork) -> tuple[int, int]:
        count = run_now(Actor(unit, 1, now, ZONE, HERE), schedule_of(unit, "reminders"))
        claimed = unit.outbox.claim(now, now + timedelta(minutes=1), 9, ("fan_out",))
        return count, len(look_at(unit, claimed, now)[0])

    count, left = desk.do(work)

    assert count == left > 0


def test_now_reaches_also_who_was_passed_over_this_morning(desk: Desk) -> None:
    """Out of reach at half past eight, back at twenty to nine."""
    desk.do(lambda unit: unit.people.mark_unreachable(CARMEN, here("2018-10-15T08:00")))
    scan(desk, here("2018-10-15T08:31"))
    desk.now = here("2018-10-15T08:40")
    desk.say(CARMEN, "/start")
    tap(desk, PEDRO, "programar", f"{desk.do(lambda unit: schedule_of(unit, 'digest').id)}.now")

    assert CARMEN in scan(desk, here("2018-10-15T08:41"))


def test_what_telegram_refused_has_told_nothing(desk: Desk) -> None:
    """The notice that a period has locked meets a block, which is lifted: it comes on the next day."""
    set_schedule(desk, "digest", paused_at=here("2018-10-01T12:00"))
    scan(desk, here("2018-10-15T09:01"), reaches=False)
    assert any(LOCKED in told.text.lower() for told in scan(desk, here("2018-10-16T09:01"))[CARMEN])


@pytest.mark.parametrize("act", ["delete.yes", "pause"])
def test_a_schedule_that_is_gone_takes_back_what_waits(desk: Desk, act: str) -> None:
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    desk.now = here("2018-10-15T08:35")
    tap(desk, PEDRO, "programar", f"{desk.do(lambda unit: schedule_of(unit, 'digest').id)}.{act}")
    assert CARMEN not in scan(desk, here("2018-10-15T08:40"))

    [notice] = scan(desk, here("2018-10-15T09:01"))[CARMEN]
    assert LOCKED in notice.text.lower()


def test_a_schedule_that_loses_a_role_takes_back_what_waits_for_it(desk: Desk) -> None:
    """Observers get the card no more; the one that Telegram has not taken yet is none of theirs either."""
    set_schedule(desk, "card", days="mon")
    scan(desk, here("2018-10-15T09:01"), is_sent=False)
    desk.now = here("2018-10-15T09:05")
    tap(desk, PEDRO, "programar", f"{desk.do(lambda unit: schedule_of(unit, 'card').id)}.roles.observer")

    assert GRACE not in scan(desk, here("2018-10-15T09:10"))
    assert of(desk, GRACE, "card")[-1].state == "open"
