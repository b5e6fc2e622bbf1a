"""One message a person and day (docs/domain.md#reminders): where a digest or a card comes, it says what the ladder has
to say.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from bot.schedule.digests import compose
from bot.schedule.explain import explained, upcoming
from bot.schedule.job import Moment
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due, look_at
from conversations.plan.calendar.ladder import ALONE, Rung, Step, all_steps
from conversations.plan.calendar.ledger import SAID
from conversations.plan.calendar.working_time import GRACE_DAYS, WORK_ENDS, falls_on, instant, working_days_after
from conversations.plan.model import Role
from conversations.wording import wording
from storage.database.models import Person, Plan, table
from storage.messages.outbox import Outcome, Sent, Undeliverable
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, said, tap
from tests.bot.house import CARMEN, GRACE, PEDRO
from tests.bot.schedule.days import HERE, HOURS, ZONE, here, number_of, of, opened, scan, schedule_of, set_schedule

LOCKED = "septiembre 2018 quedó cerrado"
"""On Monday 15 October, when the digest comes too."""


def steps_until(desk: Desk, until: date) -> list[Step]:
    """What the ladder has for coordinators in the days before."""
    found = all_steps(desk.do(lambda unit: unit.plans.periods(1)), ())
    return [step for step in found if step.rung in ALONE and timedelta(0) <= until - step.on < timedelta(days=7)]


def why(desk: Desk, now: datetime, name: str = "Carmen") -> str:
    """Of the ladder, as `enlace due` says it."""

    def work(unit: UnitOfWork) -> str:
        found = [one for one in explained(unit, now) if one.what == "reminders" and name in one.who.name]
        return found[0].why(wording("es"))

    return desk.do(work)


# ------------------------------------------------------------------ the coordinator
def test_the_digest_says_that_the_period_has_locked_and_the_ladder_is_silent(desk: Desk) -> None:
    """No row of the ladder's own; the step is told, on this day and on the next. That grace has ended is no notice."""
    assert CARMEN not in scan(desk, here("2018-10-11T09:01"))

    [digest] = scan(desk, here("2018-10-15T08:31"))[CARMEN]
    assert "Semana al 15 oct 2018" in digest.text
    assert LOCKED in digest.text.lower()
    assert "Ver completo" in digest.buttons
    assert why(desk, here("2018-10-15T09:01")) == "lo dice el resumen de ese día"
    for later in ("2018-10-15T09:01", "2018-10-15T14:00"):
        assert CARMEN not in scan(desk, here(later))

    told = [fire for fire in of(desk, CARMEN) if fire.state in SAID][-1]
    assert (told.what, told.told_rungs) == ("digest", (Rung.LOCKED,))

    assert CARMEN not in scan(desk, here("2018-10-16T09:01"))
    desk.now = here("2018-10-17T08:05")
    assert LOCKED in said(tap(desk, CARMEN, "resumen"), CARMEN)[-1].lower(), "asked for, the week is a week"
    tap(desk, PEDRO, "programar", f"{desk.do(lambda unit: schedule_of(unit, 'digest').id)}.now")
    [again] = scan(desk, here("2018-10-17T09:01"))[CARMEN]
    assert "Cambió desde el 15 oct 2018" in again.text
    assert "Terminaron los días de gracia del 3.er trimestre 2018" in again.text
    assert LOCKED not in again.text.lower(), "what the last digest has told is told again"


def test_without_a_digest_the_ladder_says_it(desk: Desk) -> None:
    """Paused, deleted, or for others."""
    set_schedule(desk, "digest", paused_at=here("2018-10-14T12:00"))
    assert CARMEN not in scan(desk, here("2018-10-15T08:31"))
    [notice] = scan(desk, here("2018-10-15T09:01"))[CARMEN]
    assert LOCKED in notice.text.lower()


def test_the_ladder_waits_for_a_digest_that_comes_later_that_day(desk: Desk) -> None:
    """And says it itself when that digest is taken away before its hour."""
    set_schedule(desk, "digest", at=time(16))
    assert CARMEN not in scan(desk, here("2018-10-15T09:01"))
    assert why(desk, here("2018-10-15T09:01")) == "lo dice el resumen de ese día"

    set_schedule(desk, "digest", deleted_at=here("2018-10-15T10:30"))
    [notice] = scan(desk, here("2018-10-15T11:00"))[CARMEN]
    assert LOCKED in notice.text.lower()


def test_a_digest_at_four_carries_what_nine_would_have_said(desk: Desk) -> None:
    set_schedule(desk, "digest", at=time(16))
    assert CARMEN not in scan(desk, here("2018-10-15T09:01"))
    [digest] = scan(desk, here("2018-10-15T16:00"))[CARMEN]
    assert LOCKED in digest.text.lower()


def test_after_a_stop_of_both_hours_one_message_comes(desk: Desk) -> None:
    """The bot was down from Sunday until Tuesday noon: Monday's digest, with what Monday and Tuesday had to say."""
    [digest] = scan(desk, here("2018-10-16T12:00"))[CARMEN]

    assert LOCKED in digest.text.lower()
    assert "Terminaron los días de gracia" in digest.text, "since there was no digest, of a week"
    assert CARMEN not in scan(desk, here("2018-10-16T12:01"))
    assert CARMEN not in scan(desk, here("2018-10-17T09:01"))


def test_a_digest_that_never_arrives_has_said_nothing(desk: Desk) -> None:
    """Telegram refuses it: the ladder speaks at its own hour."""
    scan(desk, here("2018-10-15T08:31"), reaches=False)
    [notice] = scan(desk, here("2018-10-15T09:01"))[CARMEN]
    assert LOCKED in notice.text.lower()


def test_a_digest_that_waits_to_be_sent_will_say_it(desk: Desk) -> None:
    """Telegram is away for an hour: nothing beside it is added, and nothing follows it."""
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    scan(desk, here("2018-10-15T09:01"), is_sent=False)
    [digest] = scan(desk, here("2018-10-15T09:40"))[CARMEN]
    assert LOCKED in digest.text.lower()


def test_a_pause_that_ends_does_not_take_the_week_with_it(desk: Desk) -> None:
    """A hurricane from Friday to Tuesday: Monday's digest comes on Tuesday, and says what the ladder has."""
    desk.now = here("2018-10-12T12:00")
    tap(desk, CARMEN, "pausar", "0")
    for silent in ("2018-10-15T08:31", "2018-10-15T09:01", "2018-10-16T08:05"):
        assert CARMEN not in scan(desk, here(silent))

    desk.now = here("2018-10-16T10:00")
    tap(desk, CARMEN, "pausar", "end")
    [digest] = scan(desk, here("2018-10-16T10:01"))[CARMEN]
    assert LOCKED in digest.text.lower()
    assert CARMEN not in scan(desk, here("2018-10-16T12:00"))


def test_the_week_asked_for_says_it_too_and_changes_nothing(desk: Desk) -> None:
    """/resumen: as of today, also after it was told; whoever only reads along is offered nothing to do."""
    desk.now = here("2018-10-15T08:00")
    for _ in range(2):
        shown = tap(desk, CARMEN, "resumen")
        assert LOCKED in said(shown, CARMEN)[-1].lower()
        whole = tap(desk, CARMEN, "resumen", "0.whole")
        assert any("Reabrir septiembre 2018" in words for words in buttons(whole, CARMEN))

    assert of(desk, CARMEN) == []
    assert not any("Reabrir" in words for words in buttons(tap(desk, PEDRO, "resumen", "0.whole"), PEDRO))
    assert CARMEN in scan(desk, here("2018-10-15T08:31"))


def test_the_week_asked_for_is_of_the_same_day_as_the_one_that_comes(desk: Desk) -> None:
    """That of the plan, whatever the zone of the house: at six in the evening here it is tomorrow in Madrid."""
    desk.do(lambda unit: unit.connection.execute(update(table(Plan)).values(timezone="Europe/Madrid")) and None)
    desk.now = here("2018-10-18T18:30")

    def scheduled(unit: UnitOfWork) -> str:
        people = [who for who in unit.recipients.all(1) if who.chat_id == CARMEN]
        (*_, digest) = compose(unit, Moment.of(unit, 1, desk.now), people)[people[0].person_id]
        return str(digest.payload["text"])

    [asked_for] = [text for text in said(tap(desk, CARMEN, "resumen"), CARMEN) if text.startswith("Semana")]

    assert asked_for.splitlines()[0] == desk.do(scheduled).splitlines()[0]


def test_sent_now_it_speaks_for_the_ladder_too(desk: Desk) -> None:
    """By /programar, on any day."""
    set_schedule(desk, "digest", days="fri")
    desk.now = here("2018-10-15T08:05")
    number = desk.do(lambda unit: schedule_of(unit, "digest").id)
    tap(desk, PEDRO, "programar", f"{number}.now")
    [digest] = scan(desk, here("2018-10-15T09:01"))[CARMEN]

    assert "Semana al 15 oct 2018" in digest.text
    assert [fire.told_rungs for fire in of(desk, CARMEN) if fire.state in SAID][-1] == (Rung.LOCKED,)


def test_the_preview_of_the_ladder_leaves_out_what_a_digest_will_say(desk: Desk) -> None:
    """For coordinators alone: of the next steps those that no Monday takes over."""
    set_schedule(desk, "reminders", roles="coordinator")

    def work(unit: UnitOfWork) -> list[datetime]:
        return upcoming(unit, schedule_of(unit, "reminders"), here("2018-10-10T12:00"), HERE)

    assert desk.do(work) == [here("2018-11-15T09:00"), here("2019-01-15T09:00"), here("2019-01-25T09:00")]


def test_a_digest_held_beyond_the_hours_is_said_the_next_morning(desk: Desk) -> None:
    """Made at half past eight, and Telegram took nothing until seven in the evening: with Tuesday's figures, once."""
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    assert CARMEN not in scan(desk, here("2018-10-15T19:00"))
    assert why(desk, here("2018-10-16T09:01")) == "lo dice el resumen de ese día"

    [digest] = scan(desk, here("2018-10-16T08:01"))[CARMEN]
    assert LOCKED in digest.text.lower()
    assert [fire.fired_at for fire in of(desk, CARMEN, "digest") if fire.state in SAID] == [here("2018-10-16T08:01")]
    assert CARMEN not in scan(desk, here("2018-10-16T09:01"))


def test_a_digest_held_over_night_is_made_anew(desk: Desk) -> None:
    """Telegram takes messages again at ten on Tuesday: not Monday's figures, and nothing beside it at nine."""
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    scan(desk, here("2018-10-16T09:01"), is_sent=False)
    [digest] = scan(desk, here("2018-10-16T10:00"))[CARMEN]

    assert LOCKED in digest.text.lower()
    assert [fire.fired_at for fire in of(desk, CARMEN, "digest") if fire.state in SAID] == [here("2018-10-16T10:00")]


def test_the_preview_knows_of_a_digest_that_is_still_owed(desk: Desk) -> None:
    """Monday's was held beyond the hours: on Tuesday it comes at eight, and the ladder has nothing at nine."""
    set_schedule(desk, "reminders", roles="coordinator")

    def work(unit: UnitOfWork) -> list[datetime]:
        return upcoming(unit, schedule_of(unit, "reminders"), here("2018-10-15T19:01"), HERE)

    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    assert CARMEN not in scan(desk, here("2018-10-15T19:00"))

    coming = desk.do(work)
    assert coming[0].astimezone(HERE).date() == date(2018, 11, 15)
    assert CARMEN in scan(desk, here("2018-10-16T08:01"))
    assert CARMEN not in scan(desk, here("2018-10-16T09:01"))


# ------------------------------------------------------------------ an observer who contributes
def test_a_contributors_card_carries_their_reminder(desk: Desk) -> None:
    """What is left of their agency's indicators, with its button; the ladder does not say it again."""
    now = here("2019-01-25T09:05")
    set_schedule(desk, "card", days="month:25")
    desk.now = here("2019-01-10T12:00")
    tap(desk, PEDRO, "aporta", f"{desk.do(lambda unit: number_of(unit, GRACE))}.yes")
    desk.do(lambda unit: unit.schedules.change(1, schedule_of(unit, "card").id, begins_at=desk.now))
    [card] = scan(desk, now)[GRACE]

    assert "Observer view" in card.text
    assert "IND-14" in card.text
    assert "c:indicadores:" in card.buttons
    assert why(desk, now, "Grace") == "lo dice el resumen de ese día"
    assert GRACE not in scan(desk, now + timedelta(hours=2))
    assert of(desk, GRACE, "card")[-1].told_rungs


# ------------------------------------------------------------------ whatever the hours are
@dataclass(frozen=True)
class Habits:
    """When things are said, and from which scan, for how many, the bot was not there, or Telegram took nothing."""

    digest_days: str
    digest_at: time
    ladder_days: str
    ladder_at: time
    stops: tuple[tuple[int, int], ...]
    holds: tuple[tuple[int, int], ...]


spans = st.lists(st.tuples(st.integers(0, 45), st.integers(1, 9)), max_size=3).map(tuple)

habits = st.builds(
    Habits,
    st.sampled_from(["mon", "tue,thu", "workdays", "month:11", "fri"]),
    st.sampled_from(HOURS),
    st.sampled_from(["workdays", "mon,wed,fri"]),
    st.sampled_from(HOURS),
    spans,
    spans,
)

SCANS = [
    instant(date(2018, 10, 9) + timedelta(days=day), at, HERE)
    for day in range(10)
    for at in (time(8, 5), time(9, 10), time(12), time(16, 20), time(21))
]


@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kept=habits)
def test_never_two_in_a_day_and_no_step_lost_or_told_twice(
    kept: Habits, furnished: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A month locks, under any hours and outages."""
    for desk in opened(furnished, tmp_path_factory.mktemp("house") / "house"):
        set_schedule(desk, "digest", days=kept.digest_days, at=kept.digest_at)
        set_schedule(desk, "reminders", days=kept.ladder_days, at=kept.ladder_at)
        missed, held = (
            {number for start, length in some for number in range(start, start + length)}
            for some in (kept.stops, kept.holds)
        )
        scans = [(now, number not in held) for number, now in enumerate(SCANS) if number not in missed]
        heard = Counter(
            now.astimezone(HERE).date()
            for now, is_sent in scans
            for _ in scan(desk, now, is_sent=is_sent).get(CARMEN, ())
        )
        made = [now for now, is_sent in scans if is_sent]
        assert max(heard.values(), default=0) <= 1
        told = [
            (rung, fire.fired_at.astimezone(HERE).date())
            for fire in of(desk, CARMEN)
            if fire.state in SAID
            for rung in fire.told_rungs
        ]
        for step in steps_until(desk, date(2018, 10, 16)):
            late = step.on + timedelta(days=4)
            came = [on for rung, on in told if rung is step.rung and step.on <= on <= late]
            assert len(came) <= 1, (step, told)
            in_time = [now.astimezone(HERE) for now in made]
            assert came or not any(
                max(kept.digest_at, kept.ladder_at) <= now.time() < WORK_ENDS
                and step.on <= now.date()
                and len(list(working_days_after(step.on, now.date(), ()))) <= GRACE_DAYS
                and falls_on(kept.ladder_days, now.date(), ())
                for now in in_time
            ), (step, told, heard)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Honolulu", ZONE])
def test_no_step_is_lost_where_the_plans_day_begins_later(desk: Desk, zone: str) -> None:
    """Monday's digest comes in Tokyo while the plan has Sunday's steps: those that follow are told after it."""
    there = ZoneInfo(zone)

    def move(unit: UnitOfWork) -> None:
        person = table(Person)
        unit.connection.execute(update(person).where(person.c.telegram_id == CARMEN).values(timezone=zone))

    desk.do(move)
    heard: Counter[date] = Counter()
    for day in range(18):
        for at in (time(8, 31), time(9, 1), time(17, 30)):
            now = instant(date(2018, 10, 9) + timedelta(days=day), at, there)
            heard[now.astimezone(there).date()] += len(scan(desk, now).get(CARMEN, ()))
    assert max(heard.values()) == 1

    rungs = Counter(rung for fire in of(desk, CARMEN) if fire.state in SAID for rung in fire.told_rungs)
    assert rungs == {Rung.LOCKED: 2}


def test_planted_a_ladder_that_does_not_wait_for_the_digest_makes_no_second_notice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest comes on the next day: the scheduler keeps the rule, whatever a job forgets to look at."""
    monkeypatch.setattr("bot.schedule.reminders.leaving_to_digests", lambda unit, moment, outlook, people: outlook)
    set_schedule(desk, "digest", at=time(16))

    assert CARMEN in scan(desk, here("2018-10-15T09:01"))
    assert CARMEN not in scan(desk, here("2018-10-15T16:01"))
    assert CARMEN in scan(desk, here("2018-10-16T08:05"))


# ------------------------------------------------------------------ a picture and a text
@pytest.fixture
def pictured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The week has its picture above it, as readers' cards have: whatever is made of two messages."""
    monkeypatch.setattr("bot.schedule.digests.PICTURED", frozenset(Role))


def sweep(desk: Desk, at: str, *, limit: int = 1, outcome: Outcome = Sent(1)) -> list[str]:
    """One claim of delivery, looked at and sent; by which calls of the Bot API."""
    desk.now = now = here(at)

    def work(unit: UnitOfWork) -> list[str]:
        unit.ledger.settle()
        for batch in list(due(unit, now)):
            write_once(unit, batch, now)
        rows, _ = look_at(unit, unit.outbox.claim(now, now + timedelta(minutes=1), limit, ("fan_out",)), now)
        for row in rows:
            unit.outbox.begin(row)
            unit.outbox.record(row.id, outcome, now)
        return [row.method for row in rows]

    return desk.do(work)


def test_the_text_of_a_digest_is_looked_at_like_its_picture(desk: Desk, pictured: None) -> None:
    """A kill or a 429 lies between them: neither at night nor in a pause does the text follow alone."""
    assert sweep(desk, "2018-10-15T08:31") == ["sendPhoto"]
    assert sweep(desk, "2018-10-15T22:00") == []
    assert sweep(desk, "2018-10-16T08:01") == ["sendPhoto"], "made anew, both of it"

    desk.now = here("2018-10-16T08:02")
    tap(desk, CARMEN, "pausar", "0")
    assert sweep(desk, "2018-10-16T08:40") == []


def test_a_picture_that_is_taken_back_takes_its_text_along(desk: Desk, pictured: None) -> None:
    """Claimed one by one: yesterday's text would follow the new digest, and nobody would know whose it is."""
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    assert sweep(desk, "2018-10-15T22:00") == []
    assert len(scan(desk, here("2018-10-16T08:01"))[CARMEN]) == 1


def test_what_becomes_of_the_text_becomes_of_the_digest(desk: Desk, pictured: None) -> None:
    """A refused text has told nothing, though its picture came; a refused picture takes nothing from the text."""
    sweep(desk, "2018-10-15T08:31")
    sweep(desk, "2018-10-15T08:32", outcome=Undeliverable("400"))
    [notice] = scan(desk, here("2018-10-15T09:01"))[CARMEN]
    assert LOCKED in notice.text.lower()


def test_a_digest_without_its_picture_has_been_told(desk: Desk, pictured: None) -> None:
    sweep(desk, "2018-10-15T08:31", outcome=Undeliverable("400"))
    sweep(desk, "2018-10-15T08:32", limit=9)
    assert CARMEN not in scan(desk, here("2018-10-15T09:01"))


def test_one_digest_taken_back_takes_no_other_along(desk: Desk) -> None:
    """Two schedules, both held beyond the hours: both are made anew."""
    desk.now = here("2018-10-14T12:00")
    tap(desk, PEDRO, "programar", "new.digest")
    scan(desk, here("2018-10-15T08:31"), is_sent=False)
    scan(desk, here("2018-10-15T19:00"))
    scan(desk, here("2018-10-16T08:01"))
    found = [fire for fire in of(desk, CARMEN) if fire.on == date(2018, 10, 15)]

    assert {fire.what.partition(".")[0] for fire in found} == {"digest"}
    assert [fire.state for fire in found] == ["sent", "sent"]
