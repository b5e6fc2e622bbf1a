"""/programar and /calendario: what is shown to come is what comes, by the scheduler's own scan of a real database."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.acts.calendar.holidays import add_public_holidays
from bot.chat.zones import zones_called
from bot.schedule.explain import PREVIEWED, explained, upcoming
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due, look_at
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from conversations.plan.calendar.ladder import FOR_COORDINATORS, FOR_REPORTERS, all_steps, ladder_fires_after, steps
from conversations.plan.calendar.working_time import Times, hour_there, instant, is_quiet
from conversations.plan.periods import PeriodType, period_for
from storage.calendar.schedules import StoredSchedule
from storage.messages.outbox import Sent
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import CARMEN, PEDRO

ZONE = "America/Santo_Domingo"
HERE = ZoneInfo(ZONE)
THURSDAY = datetime(2018, 10, 4, 14, tzinfo=UTC)
"""Ten in the morning in Santo Domingo."""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.now = THURSDAY
    desk.do(lambda unit: furnish_schedules(unit, 1, THURSDAY - timedelta(days=90)))
    return desk


def scan(desk: Desk, now: datetime) -> set[tuple[str, int]]:
    """What the scheduler says when it wakes: (ledger, person)."""

    def work(unit: UnitOfWork) -> set[tuple[str, int]]:
        before = len(unit.ledger.fires(1, date(2000, 1, 1)))
        for batch in list(due(unit, now)):
            write_once(unit, batch, now)
        new = unit.ledger.fires(1, date(2000, 1, 1))[before:]
        return {(fire.what, fire.person_id) for fire in new if fire.state == "queued"}

    return desk.do(work)


def send(desk: Desk, now: datetime) -> None:
    """All that waits leaves."""

    def work(unit: UnitOfWork) -> None:
        while rows := unit.outbox.claim(now, now + timedelta(minutes=1), 100):
            for row in rows:
                unit.outbox.begin(row)
                unit.outbox.record(row.id, Sent(1), now)
        unit.ledger.settle()

    desk.do(work)


def of(desk: Desk, what: str) -> StoredSchedule:
    """The youngest schedule of it."""
    return desk.do(lambda unit: [s for s in unit.schedules.all(1) if s.what == what][-1])


def coming(desk: Desk, schedule: StoredSchedule, now: datetime) -> list[datetime]:
    def work(unit: UnitOfWork) -> list[datetime]:
        found = unit.schedules.get(1, schedule.id)
        assert found is not None
        return upcoming(unit, found, now, HERE)

    return desk.do(work)


def here(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE).astimezone(UTC)


def change(desk: Desk, schedule: StoredSchedule, what: str) -> list[str]:
    return said(tap(desk, PEDRO, "programar", f"{schedule.id}.{what}"), PEDRO)


# ------------------------------------------------------------------ each schedule has its own windows
def test_a_second_digest_on_the_same_day_arrives_as_its_preview_says(desk: Desk) -> None:
    """Its ledger is its own; a second look still knows whose job it is."""
    tap(desk, PEDRO, "programar", "new.digest")
    second = of(desk, "digest")
    change(desk, second, "at.1600")
    assert coming(desk, second, THURSDAY)[0] == here("2018-10-08T16:00")

    morning = {what for what, _ in scan(desk, here("2018-10-08T08:31"))}
    assert "digest" in morning
    assert second.ledger not in morning

    afternoon = {what for what, _ in scan(desk, here("2018-10-08T16:01"))}
    assert second.ledger in afternoon
    assert "digest" not in afternoon
    assert scan(desk, here("2018-10-08T16:02")) == set()

    claimed = desk.do(lambda unit: unit.outbox.claim(here("2018-10-08T16:02"), here("2018-10-08T16:03")))
    kept, dropped = desk.do(lambda unit: look_at(unit, claimed, here("2018-10-08T16:02")))
    assert (len(kept), not dropped) == (len(claimed), True)


def test_a_window_that_was_told_is_not_told_again_after_an_edit_nor_previewed(desk: Desk) -> None:
    """The ledger's name stays; the hour is later on the same day."""
    digest = of(desk, "digest")
    assert scan(desk, here("2018-10-08T08:31"))

    desk.now = here("2018-10-08T10:00")
    change(desk, digest, "at.1600")
    assert coming(desk, digest, desk.now)[0] == here("2018-10-15T16:00")
    assert "digest" not in {what for what, _ in scan(desk, here("2018-10-08T16:01"))}


@pytest.mark.parametrize(("what", "first"), [("digest", "2018-10-09T08:00"), ("reminders", "2018-10-09T09:00")])
def test_the_preview_begins_where_everybodys_pause_ends(desk: Desk, what: str, first: str) -> None:
    """Monday is inside it; what is not too late by then comes on Tuesday, and the preview says both."""
    desk.do(lambda unit: unit.pauses.begin(1, "everybody", THURSDAY, date(2018, 10, 9), person_id=None, by=None))
    schedule, now = of(desk, what), THURSDAY + timedelta(minutes=1)
    assert coming(desk, schedule, now)[0] == here(first)

    desk.now = now
    shown = said(tap(desk, PEDRO, "programar", f"{schedule.id}"), PEDRO)[-1]
    assert "⏸ Pausa general hasta el 8 oct 2018" in shown
    assert f"• mar 9 oct 2018, {first[-5:]}" in shown
    for at in ("2018-10-05T09:00", "2018-10-08T08:31", "2018-10-08T14:00"):
        assert scan(desk, here(at)) == set()
    assert what in {said_ for said_, _ in scan(desk, here(first))}


def test_a_pause_without_an_end_promises_no_time(desk: Desk) -> None:
    """Neither everybody's nor the schedule's own."""
    digest = of(desk, "digest")
    change(desk, digest, "pause")
    assert coming(desk, digest, THURSDAY) == []

    [*_, shown] = said(tap(desk, PEDRO, "programar", f"{digest.id}"), PEDRO)
    assert "⏸ En pausa" in shown
    assert "próximas" not in shown

    change(desk, digest, "resume")
    desk.do(lambda unit: unit.pauses.begin(1, "everybody", THURSDAY, None, person_id=None, by=None))
    assert coming(desk, digest, THURSDAY) == []

    [*_, shown] = said(tap(desk, PEDRO, "programar", f"{digest.id}"), PEDRO)
    assert "⏸ Pausa general hasta nuevo aviso" in shown
    assert "próximas" not in shown


@pytest.mark.parametrize("act", ["days.thu", "at.0800", "resume"])
def test_a_change_says_nothing_at_once(desk: Desk, act: str) -> None:
    """A window that would have been before the change is none: the preview shows the next, and the next it is."""
    digest = of(desk, "digest")
    if act == "at.0800":
        change(desk, digest, "days.thu")
    if act == "resume":
        desk.do(
            lambda unit: unit.schedules.change(1, digest.id, days="thu", paused_at=here("2018-10-03T09:00")),
        )
    change(desk, digest, act)

    assert "digest" not in {what for what, _ in scan(desk, THURSDAY + timedelta(minutes=1))}
    assert coming(desk, digest, THURSDAY)[0].astimezone(HERE).date() == date(2018, 10, 11)


def test_what_can_only_be_said_once_is_scheduled_once(desk: Desk) -> None:
    """A second ladder is refused with a sentence; a deleted one comes back under its old name in the ledger."""
    assert "ya está programado" in said(tap(desk, PEDRO, "programar", "new.reminders"), PEDRO)[-1]

    ladder = of(desk, "reminders")
    change(desk, ladder, "delete.yes")
    tap(desk, PEDRO, "programar", "new.reminders")
    assert of(desk, "reminders").ledger == "reminders"
    assert of(desk, "reminders").id == ladder.id


# ------------------------------------------------------------------ the ladder
@pytest.mark.parametrize("days", ["workdays", "mon", "fri", "month:10"])
def test_the_ladder_comes_on_the_days_its_preview_names(desk: Desk, days: str) -> None:
    """Scanned morning and afternoon for four weeks: the first three times at which anybody is told something new."""
    ladder = of(desk, "reminders")
    desk.do(lambda unit: unit.schedules.change(1, ladder.id, days=days))
    now = here("2018-10-04T10:30")
    scan(desk, now)
    send(desk, now)
    promised = coming(desk, ladder, now)
    found = []
    for on in (date(2018, 10, 4) + timedelta(days=number) for number in range(27)):
        for at in (time(9), time(14)):
            then = instant(on, at, HERE)
            if then > now and any(what == "reminders" for what, _ in scan(desk, then)):
                found.append(then)
            send(desk, then)

    assert found[:PREVIEWED] == [at for at in promised if at < here("2018-10-31T00:00")]
    assert found


@given(
    st.dates(date(2018, 1, 1), date(2019, 12, 31)),
    st.sampled_from(["workdays", "mon", "tue", "fri", "month:15", "month:last"]),
    st.sampled_from([FOR_REPORTERS, FOR_COORDINATORS]),
)
def test_a_day_is_promised_exactly_when_a_step_is_pending(on: date, days: str, rungs: frozenset[str]) -> None:
    """The preview is made of the steps that decide: between two promised days no step was pending and timely."""
    periods = [period_for(kind, on + timedelta(days=31 * n)) for kind in PeriodType for n in range(-14, 4)]
    meant = [step for step in all_steps(periods, ()) if step.rung in rungs]
    now, told = instant(on, time(12), HERE), date.min
    for day, at in list(ladder_fires_after(meant, Times(days, time(9), HERE), now, ()))[:4]:
        assert any(told < step.on for step in steps(periods, day, ()) if step.rung in rungs)
        assert not is_quiet(at, HERE, ())
        told = day


def test_sending_the_ladder_now_asks_first_and_names_how_many(desk: Desk) -> None:
    """One question; nothing is in the ledger until it is answered."""
    shown = tap(desk, PEDRO, "programar", f"{of(desk, 'reminders').id}.now")
    assert "Se escribe a" in said(shown, PEDRO)[-1]
    assert desk.do(lambda unit: unit.ledger.fires(1, date(2000, 1, 1))) == []

    [words] = [words for words in buttons(shown, PEDRO) if "Recordar a" in words]
    press(desk, PEDRO, shown, words)
    assert desk.do(lambda unit: unit.ledger.fires(1, date(2000, 1, 1), "reminders"))


def test_sending_now_notes_nothing_but_what_it_says(desk: Desk) -> None:
    """No row for days that were no windows, none for people who were not told."""
    tap(desk, PEDRO, "programar", f"{of(desk, 'digest').id}.now")
    found = desk.do(lambda unit: unit.ledger.fires(1, date(2000, 1, 1)))
    assert {(fire.what, fire.window, fire.state) for fire in found} == {("digest", "2018-10-04", "queued")}


# ------------------------------------------------------------------ zones and days
@pytest.mark.parametrize(
    ("text", "zone"),
    [("Madrid", "Europe/Madrid"), ("europe/madrid", "Europe/Madrid"), ("MADRÍD", "Europe/Madrid"),
     ("port au prince", "America/Port-au-Prince"), ("Buenos Aires", "America/Argentina/Buenos_Aires")],
)  # fmt: skip
def test_a_zone_is_typed_as_people_write_it(desk: Desk, text: str, zone: str) -> None:
    """Issue 5, point 5: in which zone. Case, accents and the continent are forgiven."""
    assert zone in zones_called(text)

    digest = of(desk, "digest")
    change(desk, digest, "zone")
    shown = desk.say(PEDRO, text)
    if of(desk, "digest").timezone != zone:
        press(desk, PEDRO, shown, next(words for words in buttons(shown, PEDRO) if zone.replace("_", " ") in words))
    assert of(desk, "digest").timezone == zone


def test_a_zone_that_is_none_is_said_to_be_none(desk: Desk) -> None:
    """And nothing changes; the next word is heard as a zone again."""
    digest = of(desk, "digest")
    change(desk, digest, "zone")
    assert "No conozco la zona «Macondo»" in said(desk.say(PEDRO, "Macondo"), PEDRO)[-1]
    assert of(desk, "digest").timezone == ""

    desk.say(PEDRO, "Europe/Madrid")
    assert of(desk, "digest").timezone == "Europe/Madrid"


@given(
    st.dates(date(2018, 1, 1), date(2030, 12, 31)),
    st.sampled_from([time(8), time(12), time(17, 30)]),
    st.sampled_from(["America/Santo_Domingo", "Europe/Madrid", "Asia/Tokyo", "Pacific/Auckland"]),
    st.sampled_from(["America/Santo_Domingo", "Europe/Madrid", "America/Los_Angeles", "Pacific/Kiritimati"]),
)
def test_a_fixed_zone_reaches_everybody_on_the_same_day_in_their_own_hours(
    on: date, at: time, zone: str, own: str
) -> None:
    """G10: never at a quiet hour there, and never not at all."""
    there = ZoneInfo(own)
    moment = instant(on, hour_there(on, at, ZoneInfo(zone), there), there)
    assert moment.astimezone(there).date() == on
    assert time(8) <= moment.astimezone(there).time() <= time(17, 30)


def test_who_lives_elsewhere_gets_a_digest_of_a_fixed_zone(desk: Desk) -> None:
    """Planned at four in Santo Domingo, Carmen is in Madrid: at half past five there, and not at ten at night."""

    def move(unit: UnitOfWork) -> None:
        carmen = unit.people.by_telegram_id(CARMEN)
        assert carmen is not None
        unit.people.set_timezone(carmen.id, "Europe/Madrid")
        unit.schedules.change(1, digest.id, timezone=ZONE, at=time(16))

    digest = of(desk, "digest")
    desk.do(move)

    assert "digest" not in {what for what, _ in scan(desk, datetime(2018, 10, 8, 15, 29, tzinfo=UTC))}
    assert "digest" in {what for what, _ in scan(desk, datetime(2018, 10, 8, 15, 31, tzinfo=UTC))}


def test_any_day_of_the_month_is_chosen_by_tap_also_the_last(desk: Desk) -> None:
    """What a plan begins with (the sixteenth) can be chosen again once it was changed."""
    card = of(desk, "card")
    shown = tap(desk, PEDRO, "programar", f"{card.id}.days.month")
    words = buttons(shown, PEDRO)
    assert [str(day) in words for day in range(1, 29)] == [True] * 28

    press(desk, PEDRO, shown, "último día")
    assert of(desk, "card").days == "month:last"
    assert coming(desk, card, THURSDAY)[0] == here("2018-10-31T09:00")

    press(desk, PEDRO, shown, "16")
    assert of(desk, "card").days == "month:16"


def test_due_explains_everybody_for_every_schedule(desk: Desk) -> None:
    """Each verdict has a reason the catalogue knows."""
    tap(desk, PEDRO, "programar", "new.digest")
    for at in ("2018-10-08T08:31", "2018-10-15T09:01", "2018-10-06T12:00"):
        found = desk.do(lambda unit, at=at: list(explained(unit, here(at))))
        assert all(one.is_said or one.reason for one in found)


# ------------------------------------------------------------------ /calendario
@pytest.mark.parametrize("text", ["foo", "29/2/2019", "32/13/2018"])
def test_a_day_that_is_none_is_said_to_be_none(desk: Desk, text: str) -> None:
    """In the card, since a typed command has no toast; with how to write it."""
    shown = said(desk.say(PEDRO, f"/calendario {text}"), PEDRO)[-1]
    assert f"No entendí «{text}»" in shown
    assert "24/12/2018" in shown
    assert added(desk) == []


def test_a_past_day_is_stored_after_a_question_only(desk: Desk) -> None:
    """A slip of the finger moves nothing; who means it, may."""
    shown = desk.say(PEDRO, "/calendario ayer")
    assert "ya pasó" in said(shown, PEDRO)[-1]
    assert added(desk) == []

    press(desk, PEDRO, shown, "Sí, guardar")
    assert added(desk) == [date(2018, 10, 3)]


def test_a_day_typed_below_the_calendar_is_added(desk: Desk) -> None:
    """And said to be, also where it is beyond the list."""
    desk.say(PEDRO, "/calendario")
    assert "Añadido: " in said(desk.say(PEDRO, "24/12/2018"), PEDRO)[-1]
    assert added(desk) == [date(2018, 12, 24)]


@pytest.mark.parametrize(
    ("today", "changed", "code", "moved"),
    [
        (date(2018, 10, 9), "2018-10-10", "201809", (date(2018, 10, 5), date(2018, 10, 11), date(2018, 10, 15))),
        (date(2018, 11, 6), "-2018-11-05", "201810", (date(2018, 11, 6), date(2018, 11, 12), date(2018, 11, 15))),
        (date(2018, 10, 15), "2018-10-15", "201809", (date(2018, 10, 5), date(2018, 10, 10), date(2018, 10, 15))),
    ],
    ids=["grace to come", "a due day that would be past", "a lock that has come"],
)
def test_each_day_of_a_period_that_is_to_come_rolls_by_itself(
    desk: Desk, today: date, changed: str, code: str, moved: tuple[date, date, date]
) -> None:
    """None into the past, and none that is over."""
    desk.do(lambda unit: add_public_holidays(unit, unit.plans.only(), THURSDAY))
    desk.now = instant(today, time(10), HERE)
    tap(desk, PEDRO, "calendario", changed)
    found = desk.do(lambda unit: unit.plans.period(1, code))

    assert (found.due_on, found.grace_until_on, found.locks_on) == moved


def added(desk: Desk) -> list[date]:
    return desk.do(lambda unit: [day.on for day in unit.holidays.all(1) if day.added_by_id])
