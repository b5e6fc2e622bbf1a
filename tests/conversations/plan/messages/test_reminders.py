"""Reminding by hand, and what a coordinator is told: the words and buttons of reminders."""

from dataclasses import replace
from datetime import date

import pytest

from conversations.card import plain, unstyled
from conversations.languages import LANGUAGES
from conversations.plan.calendar.agenda import Pause, Topic
from conversations.plan.calendar.ladder import Left, Rung
from conversations.plan.calendar.notices import Say, Silence, chase, still_due
from conversations.plan.messages.reminders import close_button, reminder
from conversations.plan.periods import Frequency, period_name, period_names, reporting_period
from conversations.wording import wording
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
    gone = replace(ANA, absence="unreachable")
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
    assert "Septiembre 2018 quedó cerrado. Sin cerrar (2):" in text
    assert "• PGR · queda 1" in text
    assert "• MIDE · todo enviado, sin cerrar" in text


def test_a_notice_tells_what_is_only_to_be_adjusted() -> None:
    """A returned report was sent, and is left: both are said."""
    left = {"PGR": (Left(ACTIVITY, SEPTEMBER), Left(QUARTERLY, SEPTEMBER, is_returned=True))}
    text, _ = noticed("2018-10-15", left=left, unclosed={"201809": ("PGR",)})
    assert "• PGR · quedan 2 (por ajustar: 1)" in text


def test_a_notice_offers_what_works() -> None:
    """Nobody can be reminded of what has locked, and it can be reopened."""
    _, buttons = noticed("2018-10-15", reachable=frozenset({"MMUJER"}))
    assert [tap for _, tap in buttons] == ["command:reabrir:201809", "command:progreso:201809"]


def test_of_many_letters_one_button_opens_the_list() -> None:
    """Nine agencies are nine letters, not four."""
    agencies = tuple(f"A{number}" for number in range(9))
    text, buttons = noticed("2018-10-15", left={}, unclosed={"201809": agencies}, in_a_row=dict.fromkeys(agencies, 5))
    assert text.count("5 períodos seguidos sin cerrar: para la agenda del pleno") == 9
    assert buttons[-2] == ("✉️ Oficios: 9 instituciones", "command:oficio:")
    _, buttons = noticed("2018-10-15", left={}, unclosed={"201809": agencies}, in_a_row={"A1": 2})
    assert buttons[-2] == ("✉️ A1: oficio", "command:oficio:A1")


@pytest.mark.parametrize("language", ["es", "en", "ht"])
@pytest.mark.parametrize("code", ["201809", "2018Q3", "2018S2", "2018"])
def test_every_button_of_a_notice_fits(language: str, code: str) -> None:
    """At most 30 characters, whatever the period is called (docs/domain.md#words-in-the-chat)."""
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


def test_something_restricted_is_named_by_its_code() -> None:
    """S24: a reminder lights up on a lock screen; the list in the chat has the title."""
    hidden = replace(ACTIVITY, code="ASI-201", sensitivity="restricted")
    shown = plain(reminder((Topic(SEPTEMBER, (Left(hidden, SEPTEMBER),)),), ANA, agenda_on("2018-10-03")))
    assert "• ASI-201 🔒" in shown
    assert hidden.title("es") not in shown


@pytest.mark.parametrize("language", ["es", "en", "ht"])
@pytest.mark.parametrize("day", ["2018-10-01", "2018-10-03", "2018-10-05", "2018-10-08", "2018-10-12"])
def test_every_wording_fits_a_phone(language: str, day: str) -> None:
    """At most 330 characters before the list, buttons of at most 30 (docs/domain.md#words-in-the-chat)."""
    agenda = agenda_on(day)
    card = reminder(
        (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),) * 9),), replace(ANA, language=language), agenda, colleague=LUIS
    )
    assert all(len(unstyled(each)) <= 330 for each in card.lines)
    assert all(len(button.text) <= 30 for row in card.rows for button in row)
    assert "{" not in plain(card)


def test_the_button_that_closes_names_a_month_only_if_one_is_closed() -> None:
    """An institution that reports by the quarter closes no month."""
    say = wording("es")
    month, quarter = reporting_period("201809"), reporting_period("2018Q3")
    assert close_button([month, quarter], say).text == "✅ Cerrar el mes"
    assert close_button([quarter], say).text == "✅ Cerrar el período"


SEVERAL_PERIODS = (
    "close.added", "close.added_one", "close.done", "close.sure", "digest.closing_of", "receipt.last",
    "remind.also_close", "remind.close",
)  # fmt: skip
"""The sentences that name the periods of a closing, which may be three."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", SEVERAL_PERIODS)
def test_several_periods_are_named_in_a_sentence_as_people_say_them(language: str, key: str) -> None:
    """A dot between names is for headings: "9 · Q3 2018 were sent" is no sentence."""
    names = period_names([reporting_period(code) for code in ("201812", "2018Q4", "2018S2")], language)
    gaps = dict.fromkeys(("name", "agency", "codes", "n", "date", "on_time", "until"), "x")
    said = wording(language)(key, **gaps | {"period_name": names})
    assert "·" not in said
    assert f" {wording(language)('sign.and')} " in said
