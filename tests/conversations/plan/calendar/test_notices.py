"""Who is reminded, and who is not: decisions over random plans, calendars and outages (GUARANTEES G8, G10)."""

import functools
import heapq
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from conversations.card import plain
from conversations.plan.calendar.agenda import Agenda, Lapsing, Pause, Recipient, Topic, to_close
from conversations.plan.calendar.ladder import Left, Rung, Step, lapsed_steps, steps, steps_ahead
from conversations.plan.calendar.notices import A_WEEK, Say, Silence, chase, decide, still_due
from conversations.plan.calendar.working_time import instant, is_quiet, working_day_from, working_days_after
from conversations.plan.expected import unclosed_row
from conversations.plan.messages.reminders import reminder
from conversations.plan.model import Activity, Role
from conversations.plan.periods import Frequency, ReportingPeriod, period_name, period_names, reporting_period

SANTO_DOMINGO = ZoneInfo("America/Santo_Domingo")
NINE = time(9)
SEPTEMBER, THIRD_QUARTER = reporting_period("201809"), reporting_period("2018Q3")
ACTIVITY = Activity("PRE-101", "MMUJER", date(2018, 1, 1), date(2020, 12, 31), Frequency.MONTHLY, {"es": "Campaña"})
ANA = Recipient(1, 501, "Ana Martínez", "es", "America/Santo_Domingo", Role.FOCAL_POINT, "MMUJER")
LUIS = replace(ANA, person_id=2, chat_id=502, name="Luis Peña", role=Role.ALTERNATE)
CARMEN = replace(ANA, person_id=3, chat_id=503, name="Carmen Soto", role=Role.COORDINATOR, agency_code="MIREX")


def at(text: str, zone: ZoneInfo = SANTO_DOMINGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def agenda_on(text: str, **changes: object) -> Agenda:
    """As things stand that day, if PRE-101 of MMUJER is left for September."""
    today = date.fromisoformat(text)
    given_: dict[str, object] = {
        "today": today,
        "periods": (SEPTEMBER,),
        "steps": steps([SEPTEMBER], today, ()),
        "lapsed": lapsed_steps([SEPTEMBER], today, ()),
        "left": {"MMUJER": (Left(ACTIVITY, SEPTEMBER),)},
        "expecting": {"201809": frozenset({"MMUJER"})},
        "unclosed": {"201809": ("MMUJER",)},
        "with_focal_point": frozenset({"MMUJER"}),
    }
    return Agenda(**given_ | changes)  # type: ignore[arg-type]


def decided(agenda: Agenda, who: Recipient, when: str) -> Say | Silence:
    return decide(agenda, who, at(when), NINE, ZoneInfo(who.timezone))


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
    """DOMAIN §5.3, step 3; a focal point on leave or blocked is no focal point."""
    assert decided(agenda_on("2018-10-05"), LUIS, "2018-10-05T09:00").reason == "focal_point_told"  # type: ignore[union-attr]
    assert isinstance(decided(agenda_on("2018-10-08"), LUIS, "2018-10-08T09:00"), Say)
    alone = agenda_on("2018-10-05", with_focal_point=frozenset())
    assert isinstance(decided(alone, LUIS, "2018-10-05T09:00"), Say)


def test_the_coordinator_is_told_when_grace_ends_and_when_the_period_locks() -> None:
    """And not before: what is late by a day is between the bot and the agency."""
    assert decided(agenda_on("2018-10-08"), CARMEN, "2018-10-08T09:00") == Silence("no_step")
    for day in ("2018-10-11", "2018-10-15"):
        verdict = decided(agenda_on(day), CARMEN, f"{day}T09:00")
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
    assert "El borrador de PRE-101 se conserva hasta el 14 oct 2018:" in plain(reminder(verdict.topics, ANA, agenda))


def test_three_periods_in_a_row_are_counted_from_the_last() -> None:
    """One closed in between ends the row; one of which nothing was expected does not; more than three are all told."""
    periods = [reporting_period(code) for code in ("201805", "201806", "201807", "201808", "201809")]

    def row(*, expected: str = "", closed: str = "", kept_since: date = date.min) -> list[str]:
        found = unclosed_row(
            periods,
            date(2018, 10, 15),
            kept_since,
            date.min,
            lambda period: period.code != expected,
            lambda period: period.code == closed,
        )
        return [period.code for period in found]

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


QUARTERLY = replace(ACTIVITY, code="PER-201", frequency=Frequency.QUARTERLY)
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


# ------------------------------------------------------------------ nothing left but to close
def whole_on(day: str, **changes: object) -> Agenda:
    """As things stand that day, if MMUJER has sent everything and has not closed September."""
    return agenda_on(day, **({"left": {}} | changes))


@pytest.mark.parametrize("day", ["2018-10-05", "2018-10-08"])
def test_who_has_sent_everything_is_asked_to_close(day: str) -> None:
    """DOMAIN §1.5: completeness is declared; on the due day and after, in a sentence with the button that does it."""
    agenda = whole_on(day)
    verdict = decided(agenda, ANA, f"{day}T09:00")
    assert isinstance(verdict, Say)
    card = reminder(verdict.topics, ANA, agenda)
    assert plain(card) == "Gracias, Ana: ya está enviado todo lo de septiembre 2018. Solo falta cerrarlo."
    assert [button.tap for row in card.rows for button in row] == [
        "command:cerrar:", "command:posponer:", "command:relevo:",
    ]  # fmt: skip


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
    """DOMAIN §2.4: closed together, so not asked for while the quarter has time; and in one sentence for both."""
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
    assert "También: todo lo de septiembre 2018 está enviado y solo falta cerrarlo." in plain(card)
    taps = [button.tap for row in card.rows for button in row]
    assert {"command:cerrar:", "command:empezar:201810"} <= set(taps)


def test_a_colleague_is_named_for_being_told_too() -> None:
    """Who is not named to `reminder` was told nothing, and nothing is said of them."""
    topics = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)),)
    assert "Copio a" not in plain(reminder(topics, ANA, agenda_on("2018-10-08")))
    assert "Copio a Luis" in plain(reminder(topics, ANA, agenda_on("2018-10-08"), colleague=LUIS))


# ------------------------------------------------------------------ reminding by hand
def test_a_coordinator_reaches_who_has_something_left_and_who_only_has_to_close() -> None:
    """Also before the due day: whoever asks by hand knows why."""
    for agenda in (agenda_on("2018-10-03"), whole_on("2018-10-03")):
        found = chase(agenda, [ANA, LUIS, CARMEN], at("2018-10-03T10:00"))
        assert found.agencies == found.waiting == ("MMUJER",)
        assert [who for who, _ in found.meant] == [ANA]
        (topic,) = found.meant[0][1]
        sent = still_due(agenda, ANA, at("2018-10-03T10:01"), SANTO_DOMINGO, date(2018, 10, 3), (), is_chased=True)
        assert isinstance(sent, Say)
        assert sent.topics == (topic,)
    assert chase(whole_on("2018-10-03", unclosed={}), [ANA], at("2018-10-03T10:00")).waiting == ()
    assert chase(whole_on("2018-10-15"), [ANA], at("2018-10-15T10:00")).waiting == (), "it has locked"


def test_who_was_told_nothing_does_not_count_as_told() -> None:
    """Under a pause the ledger has a row for everybody, and nobody has heard anything."""
    today = date(2018, 10, 5)
    told = agenda_on("2018-10-05", windows={(1, today): "told_today"})
    assert chase(told, [ANA], at("2018-10-05T10:00")).told_today == ("MMUJER",)
    assert decided(told, ANA, "2018-10-05T10:00") == Silence("told_today")
    hurricane = (Pause("everybody", at("2018-10-04T12:00")),)
    paused = agenda_on("2018-10-05", windows={(1, today): "paused_for_everybody"}, pauses=hurricane)
    found = chase(paused, [ANA], at("2018-10-05T10:00"))
    assert (found.told_today, dict(found.silent)) == ((), {"MMUJER": "paused_for_everybody"})
    assert decided(paused, ANA, "2018-10-05T10:00") == Silence("paused_for_everybody")
    over = chase(replace(paused, pauses=()), [ANA], at("2018-10-05T10:00"))
    assert over.agencies == ("MMUJER",), "the pause is over: what was not said may be said by hand"


def test_of_whom_nobody_can_be_reminded_it_says_why() -> None:
    """Nobody there, out of reach, or asleep; the alternate is asked where the focal point cannot be."""
    alone = agenda_on("2018-10-05", with_focal_point=frozenset())
    now = at("2018-10-05T10:00")
    assert chase(alone, [], now).silent == {"MMUJER": "no_role"}
    gone = replace(ANA, is_unreachable=True)
    assert chase(alone, [gone], now).silent == {"MMUJER": "unreachable"}
    assert [who for who, _ in chase(alone, [gone, LUIS], now).meant] == [LUIS]
    night = chase(alone, [ANA], at("2018-10-05T20:00"))
    assert (night.agencies, night.resting) == ((), ("MMUJER",))


# ------------------------------------------------------------------ the coordinator's notices
def noticed(day: str, **changes: object) -> tuple[str, list[tuple[str, str]]]:
    """What the coordinator reads that day, and the buttons under it."""
    agenda = agenda_on(day, **changes)
    verdict = decided(agenda, CARMEN, f"{day}T09:00")
    assert isinstance(verdict, Say)
    card = reminder(verdict.topics, CARMEN, agenda)
    return plain(card), [(button.text, button.tap) for row in card.rows for button in row]


def test_a_notice_counts_what_is_left_of_its_own_period() -> None:
    """Five reports of the quarter are no reports of September; one who sent all of it has only to close."""
    left = {"PGR": (Left(ACTIVITY, SEPTEMBER), *(Left(QUARTERLY, THIRD_QUARTER),) * 5)}
    both = {"201809": frozenset({"MIDE", "PGR"})}
    text, _ = noticed("2018-10-15", left=left, expecting=both, unclosed={"201809": ("MIDE", "PGR")})
    assert "Septiembre 2018 quedó cerrado. Cierre de septiembre 2018: 0 de 2 instituciones" in text
    assert "• PGR · queda 1" in text
    assert "• MIDE · todo enviado, sin cerrar" in text


def test_a_notice_tells_what_is_only_to_be_adjusted() -> None:
    """A returned report was sent, and is left: both are said."""
    left = {"PGR": (Left(ACTIVITY, SEPTEMBER), Left(QUARTERLY, SEPTEMBER, is_returned=True))}
    text, _ = noticed("2018-10-15", left=left, unclosed={"201809": ("PGR",)})
    assert "• PGR · quedan 2 (por ajustar: 1)" in text


def test_a_notice_offers_what_works() -> None:
    """Nobody can be reminded of what has locked, and it can be reopened; in grace who can be told is reminded."""
    _, buttons = noticed("2018-10-15", reachable=frozenset({"MMUJER"}))
    assert [tap for _, tap in buttons] == ["command:reabrir:201809", "command:progreso:201809"]
    _, buttons = noticed("2018-10-11", reachable=frozenset({"MMUJER"}))
    assert [tap for _, tap in buttons] == ["command:recordar:", "command:progreso:201809"]
    _, buttons = noticed("2018-10-11", reachable=frozenset({"PGR"}))
    assert [tap for _, tap in buttons] == ["command:progreso:201809"]


def test_of_many_letters_one_button_opens_the_list() -> None:
    """Nine agencies are nine letters, not four."""
    agencies = tuple(f"A{number}" for number in range(9))
    text, buttons = noticed("2018-10-15", left={}, unclosed={"201809": agencies}, in_a_row=dict.fromkeys(agencies, 5))
    assert text.count("5 períodos seguidos: para la agenda del pleno") == 9
    assert buttons[-2] == ("✉️ Oficios: 9 instituciones", "command:oficio:")
    _, buttons = noticed("2018-10-15", left={}, unclosed={"201809": agencies}, in_a_row={"A1": 2})
    assert buttons[-2] == ("✉️ A1: oficio", "command:oficio:A1")


@pytest.mark.parametrize("language", ["es", "en", "ht"])
@pytest.mark.parametrize("code", ["201809", "2018Q3", "2018S2", "2018"])
def test_every_button_of_a_notice_fits(language: str, code: str) -> None:
    """At most 30 characters, whatever the period is called (DOMAIN §4)."""
    period = reporting_period(code)
    for rung in (Rung.GRACE_ENDED, Rung.LOCKED):
        topic = Topic(period, rung=rung, agencies=("MMUJER",))
        agenda = agenda_on("2018-10-15", reachable=frozenset({"MMUJER"}))
        card = reminder((topic,), replace(CARMEN, language=language), agenda)
        assert all(len(button.text) <= 30 for row in card.rows for button in row)


def test_a_period_is_named_as_the_sentence_needs_it() -> None:
    """De el is del, in Spanish; what begins a sentence begins with a capital."""
    year = period_name(reporting_period("2018"), "es")
    assert f"{year} {year:of} {year:the} {year:The}" == "año 2018 del año 2018 el año 2018 El año 2018"
    month = period_name(SEPTEMBER, "es")
    assert f"{month:of} {month:The}" == "de septiembre 2018 Septiembre 2018"
    both = period_names((SEPTEMBER, THIRD_QUARTER), "en")
    assert f"{both} | {both:of}" == "September 2018 · 3rd quarter 2018 | of September 2018 and of the 3rd quarter 2018"


def test_each_period_is_named_with_its_two_days() -> None:
    """The same two whenever it is said, in full and in the line of what comes along; the alternate hears who else was

    told.
    """
    quarterly = replace(ACTIVITY, code="PER-201", frequency=Frequency.QUARTERLY)
    topics = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)), Topic(THIRD_QUARTER, (Left(quarterly, THIRD_QUARTER),)))
    shown = plain(reminder(topics, LUIS, agenda_on("2018-10-12"), colleague=ANA))
    assert "\nA tiempo hasta el 5 oct; se recibe hasta el 14 oct.\n" in shown
    assert "También 3.er trimestre 2018: 1 (a tiempo hasta el 10 oct; se recibe hasta el 21 oct)." in shown
    assert "Ana Martínez también recibió este aviso." in shown


@pytest.mark.parametrize("language", ["es", "en", "ht"])
@pytest.mark.parametrize("day", ["2018-10-01", "2018-10-03", "2018-10-05", "2018-10-08", "2018-10-12"])
def test_every_wording_fits_a_phone(language: str, day: str) -> None:
    """At most 330 characters before the list, buttons of at most 30 (DOMAIN §4)."""
    agenda = agenda_on(day)
    card = reminder(
        (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),) * 9),), replace(ANA, language=language), agenda, colleague=LUIS
    )
    assert all(len("".join(span.text for span in spans)) <= 330 for spans in card.lines)
    assert all(len(button.text) <= 30 for row in card.rows for button in row)
    assert "{" not in plain(card)


# ------------------------------------------------------------------ random lives
ZONES = sorted(zoneinfo.available_timezones())
MONTHS = [f"{year}{month:02}" for year in range(2024, 2031) for month in range(1, 13)][:-3]
SCANS = (time(3), time(7, 59), NINE, time(13), time(17, 59), time(18))
"""Wall times of the recipient at which the scan looks, whatever else happens."""


@functools.lru_cache
def seen_on(
    today: date, periods: tuple[ReportingPeriod, ...], holidays: frozenset[date]
) -> tuple[tuple[Step, ...], ...]:
    """The steps of a day, lapsed and to come: once a day, for a life looks at them six times and more."""
    return (
        steps(periods, today, holidays),
        lapsed_steps(periods, today, holidays),
        steps_ahead(periods, today, holidays),
    )


@dataclass(frozen=True)
class Life:
    """Two periods in a row of one focal point, the plan being kept in Santo Domingo."""

    zone: ZoneInfo
    holidays: frozenset[date]
    periods: tuple[ReportingPeriod, ...]
    reported_at: tuple[datetime | None, ...]
    """When each of the periods was reported, if at all."""
    closed_at: tuple[datetime | None, ...]
    """When each was closed, if at all: never before it was reported."""
    stops: tuple[tuple[datetime, datetime], ...]
    holds: tuple[tuple[datetime, datetime], ...]
    """Windows of a 429: what was decided waits in the outbox until the end of one."""
    snoozes: tuple[tuple[datetime, date], ...] = ()
    """When "tomorrow" was pressed, and the next working day."""

    def stopped_until(self, now: datetime, *, is_message: bool) -> datetime | None:
        """When it goes on, if the bot does not run, or is not allowed to send."""
        closed = (*self.stops, *self.holds) if is_message else self.stops
        return max((end for start, end in closed if start <= now < end), default=None)

    def agenda(self, ledger: "Ledger", now: datetime) -> Agenda:
        today = now.astimezone(SANTO_DOMINGO).date()
        on_the_ladder = seen_on(today, self.periods, self.holidays)
        settled = [on for on, state in ledger.windows.items() if state != "open"]
        return Agenda(
            today=today,
            holidays=self.holidays,
            periods=self.periods,
            steps=on_the_ladder[0],
            lapsed=on_the_ladder[1],
            ahead=on_the_ladder[2],
            notices={1: frozenset(on for on, state in ledger.windows.items() if state == "queued")},
            left={
                "MMUJER": tuple(
                    Left(ACTIVITY, period)
                    for period, sent_at in zip(self.periods, self.reported_at, strict=True)
                    if sent_at is None or now < sent_at
                )
            },
            expecting={period.code: frozenset({"MMUJER"}) for period in self.periods},
            unclosed={
                period.code: ("MMUJER",)
                for period, closed_at in zip(self.periods, self.closed_at, strict=True)
                if closed_at is None or now < closed_at
            },
            with_focal_point=frozenset({"MMUJER"}),
            told={1: max(settled, default=date.min)},
            told_until={1: max((min(on, ledger.fired_on[on]) for on in settled), default=date.min)},
            windows={(1, on): "told_today" for on in ledger.windows},
            pauses=tuple(Pause("snooze", at_, until, 1) for at_, until in self.snoozes if at_ <= now),
        )


@dataclass
class Ledger:
    """What a deployment would have stored, and what the phone was shown."""

    windows: dict[date, str] = field(default_factory=dict)
    fired_on: dict[date, date] = field(default_factory=dict)
    """The plan's day on which each window was noted."""
    said: list[tuple[datetime, tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    """When, of which periods reports were asked for, and which were to be closed."""

    def note(self, windows: Iterable[date], state: str, now: datetime) -> None:
        for on in windows:
            self.windows[on] = state
            self.fired_on[on] = now.astimezone(SANTO_DOMINGO).date()


@st.composite
def lives(draw: st.DrawFn, *, is_snoozed: bool = True) -> Life:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    first = draw(st.integers(0, len(MONTHS) - 2))
    codes = MONTHS[first : first + 2]
    begins = reporting_period(codes[0]).opens_on
    free = draw(st.frozensets(st.dates(begins, begins + timedelta(days=60)), max_size=6))
    periods = tuple(reporting_period(code, free) for code in codes)
    due = [instant(period.due_on, NINE, zone) for period in periods]
    # Where it hurts: around nine on the due day, to the minute.
    reported = [
        draw(st.one_of(st.none(), st.integers(-24 * 60, 10 * 24 * 60).map(lambda late, at=at: at + late * MINUTE)))
        for at in due
    ]
    closed = [
        None
        if at is None
        else draw(st.one_of(st.none(), st.integers(0, 8 * 24 * 60).map(lambda late, at=at: at + late * MINUTE)))
        for at in reported
    ]
    stops = draw(_intervals(due, before=9, shortest=8 * 60, longest=24 * 60))
    holds = draw(_intervals(due, before=80, shortest=1, longest=90 * 60))
    pressed = draw(st.frozensets(st.sampled_from(due))) if is_snoozed else ()
    taps = [at + draw(st.integers(-48 * 60, 24 * 60)) * MINUTE for at in pressed]
    snoozes = tuple((at, working_day_from(at.astimezone(zone).date() + timedelta(days=1), free)) for at in taps)
    return Life(zone, free, periods, tuple(reported), tuple(closed), stops, holds, snoozes)


@st.composite
def _intervals(
    draw: st.DrawFn, around: Sequence[datetime], *, before: int, shortest: int, longest: int
) -> tuple[tuple[datetime, datetime], ...]:
    """At none, some or all of these instants: one that begins up to so many hours before; lengths are minutes."""
    starts = [at - draw(st.integers(0, before * 60)) * MINUTE for at in draw(st.frozensets(st.sampled_from(around)))]
    return tuple((start, start + draw(st.integers(shortest, longest)) * MINUTE) for start in starts)


MINUTE = timedelta(minutes=1)


def lived(
    life: Life,
    *,
    looks_again: bool = True,
    remembers: bool = True,
    catches_up: bool = True,
    asks_to_close: bool = True,
    waits_for_the_day: bool = True,
    sees_closings: bool = True,
    keeps_silent: bool = True,
    keeps_pace: bool = True,
) -> Ledger:
    """What the bot makes of it. Each flag taken away is a defect, which `violations` must find."""
    ledger, who = Ledger(), replace(ANA, timezone=life.zone.key)
    begins = life.periods[0].opens_on - timedelta(days=2)
    days = (begins + timedelta(days=number) for number in range(62))
    moments = {instant(on, at_, life.zone) for on in days for at_ in SCANS} | {end for _, end in life.stops}
    coming: list[tuple[datetime, int, Say | None]] = [(moment, 0, None) for moment in moments]
    heapq.heapify(coming)
    number = 0
    while coming:
        now, _, waiting = heapq.heappop(coming)
        goes_on_at = life.stopped_until(now, is_message=waiting is not None)
        if goes_on_at is not None:
            if waiting is not None:
                number += 1
                heapq.heappush(coming, (goes_on_at, number, waiting))
            continue
        agenda = life.agenda(ledger, now)
        if not asks_to_close:
            agenda = replace(agenda, unclosed={})
        if not sees_closings:
            agenda = replace(agenda, unclosed={period.code: ("MMUJER",) for period in life.periods})
        if not keeps_silent:
            agenda = replace(agenda, pauses=())
        if not waits_for_the_day:
            agenda = replace(agenda, periods=tuple(replace(p, due_on=p.opens_on) for p in agenda.periods))
        if waiting is not None:
            again = still_due(agenda, who, now, life.zone, waiting.window, ()) if looks_again else waiting
            if isinstance(again, Say):
                asked = tuple(topic.period.code for topic in again.topics if topic.left)
                ledger.said.append((now, asked, tuple(p.code for topic in again.topics for p in topic.closes)))
            else:
                ledger.windows[waiting.window] = "open" if again.is_open else "cancelled"
            continue
        if not remembers:
            agenda = replace(agenda, windows={}, told={})
        if not keeps_pace:
            agenda = replace(agenda, notices={})
        if not catches_up:
            agenda = replace(agenda, steps=tuple(step for step in agenda.steps if step.on == agenda.today))
        match decide(agenda, who, now, NINE, life.zone):
            case Say(window, _, missed) as decided_:
                ledger.note(missed, "skipped", now)
                ledger.note([window], "queued", now)
                number += 1
                heapq.heappush(coming, (now + MINUTE, number, decided_))
            case Silence(_, window) as silence if window is not None:
                ledger.note([window], "open" if silence.is_open else "skipped", now)
    return ledger


def violations(life: Life, ledger: Ledger) -> set[str]:
    """Everything that G8 and G10 forbid."""
    found: set[str] = set()
    reported = {period.code: sent_at for period, sent_at in zip(life.periods, life.reported_at, strict=True)}
    closed = {period.code: closed_at for period, closed_at in zip(life.periods, life.closed_at, strict=True)}
    by_code = {period.code: period for period in life.periods}
    days = [now.astimezone(life.zone).date() for now, _, _ in ledger.said]
    if len(days) != len(set(days)):
        found.add("twice in a day")
    unasked = [day for day in days if day not in {until for _, until in life.snoozes}]
    if any(sum(0 <= (day - monday).days < 7 for day in unasked) > A_WEEK for monday in map(_monday, unasked)):
        found.add("three in a week")
    for now, asked, to_be_closed in ledger.said:
        if is_quiet(now, life.zone, life.holidays):
            found.add("in quiet hours")
        if not asked and not to_be_closed:
            found.add("about nothing")
        if any((sent_at := reported[code]) is not None and now >= sent_at for code in asked):
            found.add("after the report")
        for code in to_be_closed:
            sent_at, closed_at, today = reported[code], closed[code], now.astimezone(SANTO_DOMINGO).date()
            if closed_at is not None and now >= closed_at:
                found.add("after the closing")
            if sent_at is None or now < sent_at:
                found.add("to close what is not whole")
            if today < by_code[code].due_on or not by_code[code].is_open(today):
                found.add("to close too soon or too late")
        if any(at_ <= now and now.astimezone(life.zone).date() < until for at_, until in life.snoozes):
            found.add("before the day that was asked for")
    if not life.holds and any(_is_missed(life, ledger, period) for period in life.periods):
        found.add("missed")
    if not life.holds and any(_is_left_unclosed(life, ledger, period) for period in life.periods):
        found.add("never asked to close")
    return found


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _horizon(life: Life, period: ReportingPeriod) -> tuple[date, date, datetime] | None:
    """The day of the due day's word, the next working day, and its end; None if the period is not open so long."""
    due = steps([period], period.due_on, life.holidays)
    on = next((step.on for step in due if step.rung is Rung.DUE), None)
    if on is None:
        return None
    horizon = on + timedelta(days=1)
    while not list(working_days_after(on, horizon, life.holidays)):
        horizon += timedelta(days=1)
    end = instant(horizon, time(17, 59), life.zone)
    return (on, horizon, end) if period.is_open(end.astimezone(SANTO_DOMINGO).date()) else None


def _is_missed(life: Life, ledger: Ledger, period: ReportingPeriod) -> bool:
    """Nothing had come by the end of the next working day, and still the due day's word had not been said."""
    span = _horizon(life, period)
    sent_at = dict(zip(life.periods, life.reported_at, strict=True))[period]
    if span is None or (sent_at is not None and sent_at <= span[2]) or _is_snoozed_beyond(life, span[1]):
        return False
    return not any(
        span[0] <= now.astimezone(life.zone).date() <= span[1] and period.code in asked for now, asked, _ in ledger.said
    )


def _is_snoozed_beyond(life: Life, day: date) -> bool:
    """Whether they asked, up to the end of that day, for a word on a later one."""
    return any(at_.astimezone(life.zone).date() <= day < until for at_, until in life.snoozes)


def _is_left_unclosed(life: Life, ledger: Ledger, period: ReportingPeriod) -> bool:
    """All had come before the due day, by its end nobody had closed, and still nobody was asked to."""
    span = _horizon(life, period)
    sent_at = dict(zip(life.periods, life.reported_at, strict=True))[period]
    closed_at = dict(zip(life.periods, life.closed_at, strict=True))[period]
    if span is None or sent_at is None or sent_at > instant(span[0], time(0), life.zone):
        return False
    if (closed_at is not None and closed_at <= span[2]) or _is_snoozed_beyond(life, span[1]):
        return False
    return not any(
        span[0] <= now.astimezone(life.zone).date() <= span[1] and period.code in to_be_closed
        for now, _, to_be_closed in ledger.said
    )


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(lives())
def test_over_random_lives_reminders_are_right(life: Life) -> None:
    """In any zone, 2024 to 2030: none after the report, none twice a day, none in quiet hours, and none missed

    across a stop of up to 24 hours; none before the day that somebody has asked for; however long a message waits
    between the decision and the sending. After the report it may be asked to close, from the due day on, and never
    after the closing.
    """
    assert violations(life, lived(life)) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "violation"),
    [("looks_again", "after the report"), ("looks_again", "in quiet hours"), ("remembers", "twice in a day"),
     ("catches_up", "missed"), ("looks_again", "after the closing"), ("sees_closings", "after the closing"),
     ("asks_to_close", "never asked to close"), ("waits_for_the_day", "to close too soon or too late"),
     ("keeps_silent", "before the day that was asked for"), ("keeps_pace", "three in a week")],
)  # fmt: skip
def test_planted_what_a_defect_does_to_them_is_found(defect: str, violation: str) -> None:
    """Without the second look, the ledger, or the steps of days gone by: otherwise the law above proves nothing."""
    find(
        lives(is_snoozed=defect == "keeps_silent"),
        lambda life: violation in violations(life, lived(life, **{defect: False})),
        settings=settings(max_examples=5_000, deadline=None, database=None, derandomize=True, phases=[Phase.generate]),
    )
