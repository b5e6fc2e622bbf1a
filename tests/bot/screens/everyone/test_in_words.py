"""What is answered in words where a text leads to no screen, to each role what it can do."""

import re
from datetime import timedelta

import pytest

from conversations.wording import wording
from tests.bot.desk import Desk, buttons, said, tap
from tests.bot.house import ANA, CARMEN


def test_what_was_done_is_asked_for_in_a_report(desk: Desk) -> None:
    """A reporter is told that it is not kept yet, and is offered the reports that are due."""
    handled = desk.say(ANA, "ayer capacitamos a cuarenta fiscales en la provincia")
    assert said(handled, ANA)[-1] == wording("es")("heard.told")
    assert any("PRE-101" in each for each in buttons(handled, ANA))


def test_who_does_not_report_is_told_who_does(desk: Desk) -> None:
    """A coordinator who tells what was done has no report to put it in."""
    handled = desk.say(CARMEN, "ayer capacitamos a cuarenta fiscales en la provincia")
    assert said(handled, CARMEN)[-1] == wording("es")("heard.told_elsewhere")


def test_a_coordinator_who_is_away_may_pause(desk: Desk) -> None:
    """A nod would be no answer to somebody who gets notices."""
    offered = buttons(desk.say(CARMEN, "estoy de vacaciones hasta el lunes"), CARMEN)
    assert wording("es")("heard.pause") in offered
    assert wording("es")("remind.not_me") not in offered


def test_who_cannot_upload_is_told_whom_to_ask(desk: Desk) -> None:
    """Where a photo goes is not all that somebody wants to know whose photo does not go."""
    assert "Carmen Soto" in said(desk.say(ANA, "intenté subir la foto varias veces"), ANA)[-1]


@pytest.mark.parametrize(
    ("who", "text", "code"),
    [(ANA, "voy a llenar la 2.1.4 ahora", "2.1.4"), (CARMEN, "búscame la 3.2", "3.2")],
)
def test_a_number_of_another_plan_is_told_so(desk: Desk, who: int, text: str, code: str) -> None:
    """Plans are often numbered with points. Such a number is no answer."""
    shown = said(desk.say(who, text), who)[-1]
    keys = ("heard.no_code", "heard.not_among")
    assert shown in [wording("es")(key, code=code, agency="MMUJER") for key in keys]


@pytest.mark.parametrize(
    ("language", "text", "key"),
    [
        ("fr", "la réunion s'éternise, je reviens vers vous", "heard.not_today"),
        ("es", "salgo de pre y post natal, son tres meses y algo", "heard.away"),
        ("ht", "m ap nan vakans jis 15 desanm, se pou n ka konnen", "heard.away"),
    ],
)
def test_what_is_surely_wanted_explains_its_small_words(desk: Desk, language: str, text: str, key: str) -> None:
    """None of them is a name or somebody's day, though the strict rules know such ones. Nothing is deleted."""
    tap(desk, ANA, "idioma", language)
    handled = desk.say(ANA, text)
    assert said(handled, ANA)[-1].startswith(wording(language)(key))
    assert "deleteMessage" not in [row.method for row in handled.deliveries]


@pytest.mark.parametrize("text", ["tengo aquí una víctima, yokasta", "ayer atendimos a yokasta"])
def test_what_may_be_about_a_victim_is_read_by_all_rules(desk: Desk, text: str) -> None:
    """S15: a name in small letters leaves the chat too."""
    assert "deleteMessage" in [row.method for row in desk.say(ANA, text).deliveries]


@pytest.mark.parametrize("text", ["yokasta lo llena por mí, estoy de licencia", "borra lo que puse de yokasta"])
def test_a_name_in_small_letters_leaves_the_chat_beside_a_sure_wish(desk: Desk, text: str) -> None:
    """It can be nothing else. What is wanted is done all the same."""
    assert "deleteMessage" in [row.method for row in desk.say(ANA, text).deliveries]


def test_whom_to_call_for_a_victim_stays_in_the_chat(desk: Desk) -> None:
    """Also if the next message comes at once: its answer is sent below."""
    assert "9-1-1" in said(desk.say(ANA, "tengo una víctima en mi oficina"), ANA)[-1]
    desk.now += timedelta(seconds=2)
    assert [row.method for row in desk.say(ANA, "menú").deliveries] == ["sendMessage"]


@pytest.mark.parametrize(
    ("language", "text", "key"),
    [
        ("en", "can I send a voice note or do I have to type?", "heard.voice_asked"),
        ("fr", "je peux envoyer un vocal ?", "heard.voice_asked"),
        ("ht", "lapli ap tonbe anpil jodi a", "heard.chat"),
        ("es", "mi amor compra pan cuando vengas", "heard.chat"),
        ("fr", "rappelle moi jeudi matin", "heard.hours"),
        ("es", "actividad 2.3", "heard.not_among"),
    ],
)
def test_what_leads_nowhere_is_answered_as_what_it_is(desk: Desk, language: str, text: str, key: str) -> None:
    """Voice notes, small talk, a day on which to be reminded, the number of an activity of others."""
    tap(desk, ANA, "idioma", language)
    told = max(re.split(r"\{\w+\}", wording(language)(key)), key=len)
    assert told in said(desk.say(ANA, text), ANA)[-1]


def test_how_one_is_is_a_greeting_if_it_is_asked(desk: Desk) -> None:
    """ "Ça va" agrees, and "ça va ?" greets."""
    tap(desk, ANA, "idioma", "fr")
    assert [row.method for row in desk.say(ANA, "ça va").deliveries] == ["setMessageReaction"]
    assert said(desk.say(ANA, "ça va ?"), ANA)[-1].startswith("Bonjour, Ana")


def test_a_reporter_seldom_means_what_only_others_may_do(desk: Desk) -> None:
    """Announcements go out on schedules for an admin; a reporter tells what was done."""
    shown = said(desk.say(ANA, "el próximo mes salen los anuncios"), ANA)[-1]
    assert not shown.startswith(wording("es")("heard.not_yours"))
    assert "Ajustes" not in shown


@pytest.mark.parametrize("text", ["hoy no, estoy de licencia", "estoy de licencia, hoy no"])
def test_two_wishes_with_the_same_answer_are_one(desk: Desk, text: str) -> None:
    """Not today and away both offer a colleague and tomorrow: one of them is answered."""
    shown = said(desk.say(ANA, text), ANA)[-1]
    assert shown.startswith((wording("es")("heard.not_today"), wording("es")("heard.away")))
