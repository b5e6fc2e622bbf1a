"""Who is reminded, and who is not: decisions over random plans, calendars and outages (G8, G10)."""

from dataclasses import replace
from datetime import date

import pytest

from conversations.card import plain
from conversations.plan.calendar.agenda import Agenda, Lapsing, Pause, Recipient, Topic, to_close
from conversations.plan.calendar.ladder import Left, steps
from conversations.plan.calendar.notices import Say, Silence, still_due
from conversations.plan.expected import ClosingOfPeriods, unclosed_row
from conversations.plan.messages.reminders import reminder, stage
from conversations.plan.model import Role
from conversations.plan.periods import Frequency, reporting_period
from tests.conversations.plan.calendar.september import (
    ACTIVITY,
    ANA,
    CARMEN,
    LUIS,
    QUARTERLY,
    SANTO_DOMINGO,
    SEPTEMBER,
    THIRD_QUARTER,
    agenda_on,
    at,
    decided,
    whole_on,
)


@pytest.mark.parametrize("day", ["2018-10-01", "2018-10-03", "2018-10-05", "2018-10-08"])
def test_each_step_reminds_the_focal_point_at_nine(day: str) -> None:
    """Opening, D-2, D, and D+2 moved off the Sunday."""
    assert isinstance(decided(agenda_on(day), ANA, f"{day}T09:00"), Say)
    assert decided(agenda_on(day), ANA, f"{day}T08:59") == Silence("before_the_hour")


def test_two_words_of_the_same_on_two_days_are_one() -> None:
    """November opens on Thursday the 1st, and two days before Monday the 5th is Friday: that was said yesterday."""
    november = reporting_period("201810")
    agenda = agenda_on(
        "2018-11-02",
        steps=steps([november], date(2018, 11, 2), ()),
        left={"MMUJER": (Left(ACTIVITY, november),)},
        expecting={"201810": frozenset({"MMUJER"})},
        told={1: date(2018, 11, 1)},
        notices={1: frozenset({date(2018, 11, 1)})},
    )
    assert decided(agenda, ANA, "2018-11-02T09:00") == Silence("told_already", date(2018, 11, 2))
    assert isinstance(decided(replace(agenda, told={}, notices={}), ANA, "2018-11-02T09:00"), Say)


def test_the_alternate_is_told_after_the_due_day_or_when_nobody_else_can_be() -> None:
    """docs/domain.md#reminders; a focal point on leave or blocked is no focal point."""
    assert decided(agenda_on("2018-10-05"), LUIS, "2018-10-05T09:00").reason == "focal_point_told"  # type: ignore[union-attr]
    assert isinstance(decided(agenda_on("2018-10-08"), LUIS, "2018-10-08T09:00"), Say)
    alone = agenda_on("2018-10-05", with_focal_point=frozenset())
    assert isinstance(decided(alone, LUIS, "2018-10-05T09:00"), Say)


def test_the_coordinator_is_told_when_the_period_locks() -> None:
    """And not before: the weekly digest carries everything else, also that grace has ended."""
    for day in ("2018-10-08", "2018-10-11"):
        assert decided(agenda_on(day), CARMEN, f"{day}T09:00") == Silence("no_step")
    verdict = decided(agenda_on("2018-10-15"), CARMEN, "2018-10-15T09:00")
    assert isinstance(verdict, Say)
    assert verdict.topics[0].agencies == ("MMUJER",)


def test_nothing_left_is_nothing_said() -> None:
    """Recorded, and final: the same step is not told the next day either."""
    verdict = decided(agenda_on("2018-10-05", left={}, unclosed={}), ANA, "2018-10-05T09:00")
    assert verdict == Silence("nothing_left", date(2018, 10, 5))
    assert not verdict.is_open


@pytest.mark.parametrize(
    ("pauses", "reason"),
    [
        ((Pause("everybody", at("2018-10-04T12:00")),), "paused_for_everybody"),
        ((Pause("own", at("2018-10-04T12:00"), date(2018, 10, 9), 1),), "paused"),
        ((Pause("delegated", at("2018-10-04T12:00"), date(2018, 10, 9), 1),), "delegated"),
    ],
    ids=["hurricane", "own", "delegated"],
)
def test_a_pause_silences(pauses: tuple[Pause, ...], reason: str) -> None:
    """A pause of one person silences nobody else."""
    agenda = agenda_on("2018-10-05", pauses=pauses)
    verdict = decided(agenda, ANA, "2018-10-05T09:00")
    assert isinstance(verdict, Silence)
    assert verdict.reason == reason
    other = replace(ANA, person_id=9)
    assert isinstance(decided(agenda, other, "2018-10-05T09:00"), Say) is (reason != "paused_for_everybody")


def test_whoever_stands_in_is_told_what_the_focal_point_would_be() -> None:
    """The other alternates are not, and the focal point is silent until the post is their own again."""
    deputy, other = (replace(ANA, person_id=number, role=Role.ALTERNATE) for number in (7, 8))
    agenda = agenda_on("2018-10-05", with_focal_point=frozenset({"MMUJER"}), deputies=frozenset({7}))
    assert isinstance(decided(agenda, deputy, "2018-10-05T09:00"), Say)
    assert decided(agenda, other, "2018-10-05T09:00") == Silence("focal_point_told", date(2018, 10, 5))


def test_whose_role_is_over_is_told_nothing() -> None:
    """From its first day on: a role for a time, or an agency that takes part no more."""
    last = replace(ANA, until=date(2018, 10, 6))
    assert isinstance(decided(agenda_on("2018-10-05"), last, "2018-10-05T09:00"), Say)
    over = replace(ANA, until=date(2018, 10, 5))
    assert decided(agenda_on("2018-10-05"), over, "2018-10-05T09:00") == Silence("no_role", date(2018, 10, 5))


def test_a_pause_that_is_over_lets_a_step_be_told_late() -> None:
    """The hurricane passed on Monday: the due day's word is told then, as things stand then."""
    agenda = agenda_on(
        "2018-10-08",
        pauses=(Pause("everybody", at("2018-10-04T12:00"), date(2018, 10, 8)),),
        windows={(1, date(2018, 10, 5)): "paused_for_everybody"},
    )
    verdict = decided(agenda, ANA, "2018-10-08T09:00")
    assert isinstance(verdict, Say)
    assert "ya pasó" in plain(reminder(verdict.topics, ANA, agenda))


def test_tomorrow_means_the_day_that_was_said() -> None:
    """Snoozed on the opening day: a word the next day, although no step falls on it; not before."""
    snooze = Pause("snooze", at("2018-10-01T10:00"), date(2018, 10, 2), 1)
    told = {1: date(2018, 10, 1)}
    agenda = agenda_on("2018-10-02", pauses=(snooze,), told=told)
    assert isinstance(decided(agenda, ANA, "2018-10-02T09:00"), Say)
    assert decided(replace(agenda, pauses=()), ANA, "2018-10-02T09:00") == Silence("no_step")
    assert decided(replace(agenda, told={1: date(2018, 10, 2)}), ANA, "2018-10-02T09:00") == Silence("no_step")


def test_a_draft_that_expires_is_announced_on_the_working_day_before() -> None:
    """September locks on Monday the 15th: on Friday its owner is told, also where nothing else is left."""
    drafts = {1: (Lapsing("PRE-101", date(2018, 10, 15)),)}
    agenda = agenda_on("2018-10-12", steps=(), left={}, lapsing=drafts, told={1: date(2018, 10, 8)})
    verdict = decided(agenda, ANA, "2018-10-12T09:00")
    assert isinstance(verdict, Say)
    told = plain(reminder(verdict.topics, ANA, agenda))
    assert "El borrador de PRE-101 se conserva hasta el 14 oct 2018. Envíelo" in told


def test_three_periods_in_a_row_are_counted_from_the_last() -> None:
    """One closed in between ends the row; one of which nothing was expected does not; more than three are all told."""
    periods = [reporting_period(code) for code in ("201805", "201806", "201807", "201808", "201809")]

    def row(*, expected: str = "", closed: str = "", kept_since: date = date.min) -> list[str]:
        closing = ClosingOfPeriods(
            is_expected=lambda period: period.code != expected,
            is_closed=lambda period: period.code == closed,
            kept_since=kept_since,
        )
        return [period.code for period in unclosed_row(periods, date(2018, 10, 15), closing)]

    assert row() == ["201805", "201806", "201807", "201808", "201809"]
    assert row(closed="201808") == ["201809"]
    assert row(expected="201808") == ["201805", "201806", "201807", "201809"]
    assert row(kept_since=date(2018, 8, 15)) == ["201808", "201809"], "July had locked before anybody could close it"


def test_the_step_before_a_tuesday_is_no_greeting() -> None:
    """The second half of 2018 is due on Tuesday 15 January: its step lies on the Friday, four days before."""
    half = reporting_period("2018S2")
    assert half.due_on.weekday() == 1
    agenda = replace(agenda_on("2019-01-11"), periods=(half,), steps=steps([half], date(2019, 1, 11), ()))
    text = plain(reminder((Topic(half, (Left(ACTIVITY, half),)),), ANA, agenda))
    assert text.startswith("Ana, se acerca el plazo del 2.º semestre 2018")


def test_all_topics_are_one_message_with_the_most_urgent_in_full() -> None:
    """Buttons for all of it: begin, tomorrow, nothing new, no longer me."""
    quarterly = replace(ACTIVITY, code="PER-201", frequency=Frequency.QUARTERLY)
    topics = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)), Topic(THIRD_QUARTER, (Left(quarterly, THIRD_QUARTER),)))
    card = reminder(topics, ANA, agenda_on("2018-10-05"))
    assert plain(card).startswith("Hoy vence el plazo de septiembre 2018 para MMUJER. Queda 1.")
    assert "También 3.er trimestre 2018: 1" in plain(card)
    taps = [button.tap for row in card.rows for button in row]
    assert taps == ["command:empezar:201809", "command:posponer:", "command:novedades:", "command:relevo:"]


@pytest.mark.parametrize(("day", "told"), [("2018-12-03", "open"), ("2018-12-04", "before")])
def test_the_first_word_of_a_period_is_that_it_has_opened(day: str, told: str) -> None:
    """November opens on a Saturday; the Monday after is two days before its due day as well."""
    november = reporting_period("201811")
    assert stage(november, date.fromisoformat(day), ()) == told


BOTH = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)), Topic(THIRD_QUARTER, (Left(QUARTERLY, THIRD_QUARTER),)))


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ("2018-10-01", "Hola, Ana. Abrió el reporte de septiembre 2018"),
        ("2018-10-05", "Hoy vence el plazo de septiembre 2018"),
        ("2018-10-08", "Ana, el plazo de septiembre 2018 ya pasó"),
        ("2018-10-10", "Hoy vence el plazo del 3.er trimestre 2018"),
        ("2018-10-12", "Ana, este es el último aviso de septiembre 2018"),
    ],
)
def test_a_message_begins_with_what_brings_it_today(day: str, begins: str) -> None:
    """September late for a week does not hide that the quarter is due today, nor is any day the day before again."""
    periods = (SEPTEMBER, THIRD_QUARTER)
    agenda = agenda_on(
        day,
        periods=periods,
        steps=steps(periods, date.fromisoformat(day), ()),
        left={"MMUJER": tuple(left for topic in BOTH for left in topic.left)},
        expecting={period.code: frozenset({"MMUJER"}) for period in periods},
    )
    verdict = decided(agenda, ANA, f"{day}T09:00")
    assert isinstance(verdict, Say)
    told = plain(reminder(verdict.topics, ANA, agenda))
    assert told.startswith(begins)
    assert "También" in told


def test_who_has_no_name_is_told_all_the_same() -> None:
    """One row without a name must not silence those who come after it."""
    agenda, nobody = agenda_on("2018-10-05"), replace(ANA, name="")
    verdict = decided(agenda, nobody, "2018-10-05T09:00")
    assert isinstance(verdict, Say)
    assert "septiembre 2018" in plain(reminder(verdict.topics, nobody, agenda))


@pytest.mark.parametrize("day", ["2018-10-05", "2018-10-12"])
def test_who_has_sent_everything_is_asked_to_close(day: str) -> None:
    """docs/domain.md#closing: completeness is declared, on the due day and the last, with the button that does it."""
    agenda = whole_on(day)
    verdict = decided(agenda, ANA, f"{day}T09:00")
    assert isinstance(verdict, Say)
    card = reminder(verdict.topics, ANA, agenda)
    assert plain(card) == (
        "Gracias, Ana: ya está enviado todo lo de septiembre 2018. Solo falta cerrarlo.\n"
        "A tiempo hasta el 5 oct; se recibe hasta el 14 oct."
    )
    assert [button.tap for row in card.rows for button in row] == [
        "command:cerrar:", "command:posponer:", "command:relevo:",
    ]  # fmt: skip


@pytest.mark.parametrize("who", [ANA, LUIS])
def test_who_has_sent_everything_is_not_asked_three_times(who: Recipient) -> None:
    """Two days after the due day it would be the same sentence; what is still to be reported is told on that day."""
    told = {who.person_id: date(2018, 10, 5)}
    whole, left = replace(whole_on("2018-10-08"), told=told), replace(agenda_on("2018-10-08"), told=told)
    assert decided(whole, who, "2018-10-08T09:00") == Silence("nothing_left", date(2018, 10, 8))
    assert isinstance(decided(left, who, "2018-10-08T09:00"), Say)


@pytest.mark.parametrize("day", ["2018-10-01", "2018-10-03"])
def test_nobody_is_asked_to_close_before_the_due_day(day: str) -> None:
    """They may be about to; a snooze changes nothing about that."""
    on = date.fromisoformat(day)
    assert decided(whole_on(day), ANA, f"{day}T09:00") == Silence("nothing_left", on)
    snooze = Pause("snooze", at("2018-09-28T10:00"), on, 1)
    assert decided(whole_on(day, pauses=(snooze,)), ANA, f"{day}T09:00") == Silence("nothing_left", on)


def test_who_has_closed_is_not_asked_again() -> None:
    """Nor at the moment of sending."""
    closed = whole_on("2018-10-08", unclosed={})
    assert decided(closed, ANA, "2018-10-08T09:00") == Silence("nothing_left", date(2018, 10, 8))
    assert still_due(closed, ANA, at("2018-10-08T09:01"), SANTO_DOMINGO, date(2018, 10, 8), ()).reason == "nothing_left"  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["everybody", "own", "delegated"])
def test_a_pause_silences_the_closing_too(kind: str) -> None:
    """It stops like any other reminder."""
    pause = Pause(kind, at("2018-10-04T12:00"), date(2018, 10, 20), None if kind == "everybody" else 1)  # type: ignore[arg-type]
    assert isinstance(decided(whole_on("2018-10-08", pauses=(pause,)), ANA, "2018-10-08T09:00"), Silence)


def test_with_monthly_and_quarterly_items_the_later_day_counts() -> None:
    """docs/domain.md#calendar: closed together, so not asked for while the quarter has time; and in one sentence for
    both.
    """
    periods = (SEPTEMBER, THIRD_QUARTER)
    both = {period.code: ("MMUJER",) for period in periods}

    def on(day: str) -> Agenda:
        return whole_on(
            day,
            periods=periods,
            steps=steps(periods, date.fromisoformat(day), ()),
            expecting={code: frozenset(agencies) for code, agencies in both.items()},
            unclosed=both,
        )

    assert decided(on("2018-10-08"), ANA, "2018-10-08T09:00") == Silence("nothing_left", date(2018, 10, 8))
    verdict = decided(on("2018-10-10"), ANA, "2018-10-10T09:00")
    assert isinstance(verdict, Say)
    assert "todo lo de septiembre 2018 y del 3.er trimestre 2018" in plain(
        reminder(verdict.topics, ANA, on("2018-10-10"))
    )
    left = replace(on("2018-10-10"), left={"MMUJER": (Left(QUARTERLY, THIRD_QUARTER),)})
    assert to_close(left, "MMUJER") == (), "one report is left of what would be closed"


def test_what_only_has_to_be_closed_comes_with_the_rest_in_one_message() -> None:
    """Of two months that are open at once, one is whole: a line and a button for it beside the other's reports."""
    october = replace(reporting_period("201810"), opens_on=date(2018, 10, 10))
    topics = (Topic(october, (Left(ACTIVITY, october),)), Topic(SEPTEMBER, closes=(SEPTEMBER,)))
    agenda = agenda_on("2018-10-10", steps=steps([october], date(2018, 10, 10), ()))
    card = reminder(topics, ANA, agenda)
    assert "Abrió el reporte de octubre 2018" in plain(card)
    assert (
        "También: todo lo de septiembre 2018 está enviado y solo falta cerrarlo "
        "(a tiempo hasta el 5 oct; se recibe hasta el 14 oct)." in plain(card)
    )
    taps = [button.tap for row in card.rows for button in row]
    assert {"command:cerrar:", "command:empezar:201810"} <= set(taps)


def test_a_colleague_is_named_for_being_told_too() -> None:
    """Who is not named to `reminder` was told nothing, and nothing is said of them."""
    topics = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)),)
    assert "Copio a" not in plain(reminder(topics, ANA, agenda_on("2018-10-08")))
    assert "Copio a Luis" in plain(reminder(topics, ANA, agenda_on("2018-10-08"), colleague=LUIS))
