"""The conversation, told as an officer has it: answer, see, answer. The session is read back before every turn."""

import pytest

from conversations.languages import LANGUAGES
from conversations.session.effects import Ask, Fetch, Leave, Notice, Stale, Submit
from conversations.session.events import (
    Corrected,
    Fetched,
    LanguageChanged,
    Resumed,
    Tap,
)
from conversations.wording import wording
from tests.conversations.session.talk import PREVIOUS, Talk


def test_the_same_as_last_month_takes_three_taps_and_one_line() -> None:
    """Status, progress and units are copied; nobody is counted twice; only the next step is asked."""
    talk = Talk(previous=PREVIOUS)
    talk.tap("Igual que el reporte anterior")
    assert talk.at == "next_step"

    talk.say("Visitar 12 centros antes del 30 de octubre").tap("Enviar ahora")
    assert talk.has(Submit)
    assert talk.taps == 2  # and one for the activity in the list

    answers = talk.answers
    assert (answers["status"], answers["progress"], float(answers["qty_done"])) == ("in_progress", "12", 40)
    assert (answers["reached"], answers["evidence_type"]) == ("no", "none")
    assert answers["progress_final"] == "12"
    assert "ben_total" not in answers


def test_in_progress_takes_at_most_eight_taps() -> None:
    """Everything else by one typed line."""
    talk = Talk(previous=PREVIOUS)
    talk.tap("En curso").tap("25").tap("Omitir").tap("No").tap("Sin evidencia").tap("Omitir")
    talk.say("Visitar 12 centros").tap("Enviar ahora")

    assert talk.has(Submit)
    assert talk.taps + 1 <= 8


def test_a_completed_activity_with_people_and_a_photo() -> None:
    """The worked exchange of docs/domain.md#a-report, with the photo sent as it comes."""
    talk = Talk(previous=PREVIOUS)
    talk.tap("Completada").tap("Omitir").say("ayer").tap("Sí").say("230")
    assert talk.at == "ben_women"

    talk.say("20 10 110 85")
    assert "Personas sin dato de sexo o edad: 5." in talk.text

    talk.tap("Omitir").tap("📷 Foto").send_photo()
    assert talk.has(Fetch)
    assert "Recibiendo" in talk.text

    talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg", True))
    talk.tap("Entendido").say("Lista de asistencia").tap("Nivel nacional")
    talk.tap("Enviar ahora")
    assert talk.has(Submit)

    answers = talk.answers
    assert answers["completion_date"] == "2018-10-02"
    assert [answers[f"ben_{k}"] for k in ("total", "women", "men", "girls", "boys")] == ["230", "20", "10", "110", "85"]
    assert answers["ben_unknown"] == "5"
    assert answers["progress_final"] == "100"
    assert "next_step" not in answers


@pytest.mark.parametrize(
    ("typed", "words"),
    [("0", "de 1 a 99"), ("100", "0 a 99"), ("doce coma algo", ""), ("", "")],
)
def test_a_wrong_answer_gets_the_constraints_own_words_and_changes_nothing(typed: str, words: str) -> None:
    """Reject, the session as it was, the same question."""
    talk = Talk().tap("En curso")
    before = talk.session
    talk.say(typed)

    assert talk.session == before
    assert words in talk.rejection()
    assert talk.rejection()
    assert talk.at == "progress"


def test_a_tap_of_another_turn_is_stale_and_changes_nothing() -> None:
    """A keyboard stays clickable for ever."""
    talk = Talk()
    first = talk.session.turn
    talk.tap("En curso").tap("25").tap("Omitir")

    assert talk.at == "reached"  # a choice too: the old button would answer it

    before = talk.session
    for turn in (first, before.turn - 1, before.turn + 1):
        talk.happen(Tap(turn, "pick", "1"))
        assert talk.effects == (Stale(),)
        assert talk.session == before


def test_a_double_tap_answers_once() -> None:
    """The second of two identical taps belongs to a turn that is over."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir")
    turn = talk.session.turn
    talk.happen(Tap(turn, "pick", "1"))
    assert talk.at == "evidence_type"  # a choice as well: a second answer would show

    after = talk.session
    talk.happen(Tap(turn, "pick", "1"))
    assert talk.session == after


def test_back_after_an_answer_stands_where_it_stood_and_forgets_nothing() -> None:
    """Atrás shows the answer that was given; answering again goes straight on to the first open question."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir")
    assert talk.at == "reached"

    talk.tap("Atrás").tap("Atrás")
    assert talk.at == "progress"
    assert "Su respuesta: 25" in talk.text

    talk.say("30")
    assert talk.at == "reached"
    assert talk.answers["progress"] == "30"


def test_an_answer_that_would_drop_others_is_confirmed_first() -> None:
    """What becomes irrelevant is shown before it is dropped; no leaves everything as it was."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No")
    talk.tap("Atrás").tap("Atrás").tap("Atrás").tap("Atrás").tap("No iniciada")
    assert "ya no aplican" in talk.text
    assert "25" in talk.text

    talk.tap("No, dejar igual")
    assert talk.answers["status"] == "in_progress"
    assert talk.at == "evidence_type"

    talk.tap("Atrás").tap("Atrás").tap("Atrás").tap("Atrás").tap("No iniciada").tap("Sí, cambiar")
    assert talk.answers["status"] == "not_started"
    assert "progress" not in talk.answers
    assert talk.at == "next_step"


def test_every_answer_is_three_taps_from_the_review() -> None:
    """Cambiar algo → the answer → the new one → back at the review."""
    talk = Talk(previous=PREVIOUS).tap("Igual que el reporte anterior").say("Visitar 12 centros")
    talk.tap("Cambiar algo").tap("Qué porcentaje lleva").tap("50")
    assert talk.at == "send_action"
    assert talk.answers["progress"] == "50"


def test_a_word_that_chooses_no_answer_to_change_is_meant_for_the_form() -> None:
    """At the list of answers, "atrás" goes to the question before: the list is no longer open."""
    talk = Talk(previous=PREVIOUS).tap("Igual que el reporte anterior").say("Visitar 12 centros")
    talk.tap("Cambiar algo").say("atrás")
    assert talk.at == "next_step"


def test_editing_a_message_corrects_its_answer_and_the_conversation_stays() -> None:
    """One's own Telegram message is the answer."""
    talk = Talk().tap("En curso").say("25")
    origin = talk.messages
    talk.tap("Omitir")
    talk.happen(Corrected("30", origin))
    assert talk.answers["progress"] == "30"
    assert talk.at == "reached"
    assert talk.has(Notice)

    before = talk.session
    talk.happen(Corrected("300", origin))
    assert talk.session == before
    assert talk.rejection()


def test_a_message_whose_answer_was_given_anew_corrects_nothing() -> None:
    """Only the message that gave the present answer does."""
    talk = Talk().tap("En curso").say("25")
    first = talk.messages
    talk.say("atrás").say("30")

    talk.happen(Corrected("40", first))
    assert talk.answers["progress"] == "30"

    talk.happen(Corrected("40", talk.messages))
    assert talk.answers["progress"] == "40"


def test_editing_several_numbers_corrects_all_of_them() -> None:
    """As many numbers as the message answered."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí").say("230 20 10 110 85")
    origin = talk.messages
    talk.happen(Corrected("240 20 10 110 85", origin))

    assert talk.answers["ben_total"] == "240"
    assert talk.at == "ben_group"


def test_numbers_that_do_not_add_up_are_refused_together() -> None:
    """All or none: the message of the constraint that failed, and nothing stored."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí").say("10")
    before = talk.session
    talk.say("8 4 1 1")

    assert talk.session == before
    assert "suma pasa del total" in talk.rejection()


def test_a_number_that_odk_cannot_hold_is_told_as_such() -> None:
    """Ten digits are no wrong answer of the form's: the limit is named."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí").say("3000000000")
    assert "2,147,483,647" in talk.rejection()


def test_no_breakdown_leaves_the_defaults() -> None:
    """ "No tengo el desglose" is one tap for four questions."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí").say("10").tap("No tengo el desglose")
    assert talk.at == "ben_group"
    assert talk.answers["ben_unknown"] == "10"


def test_what_can_be_read_two_ways_is_asked() -> None:
    """ "1.250" is 1250 or 1.25: nothing is taken until the respondent says which."""
    talk = Talk().tap("En curso").tap("25")
    assert talk.at == "qty_done"

    talk.say("1.250")
    assert talk.at == "qty_done"
    assert "¿Cuál quiso decir?" in talk.text

    talk.tap("1250")
    assert float(talk.answers["qty_done"]) == 1250


def test_choices_are_understood_by_number_label_and_part_of_a_label() -> None:
    """Accents, case and emoji forgiven."""
    assert Talk().say("2").answers["status"] == "in_progress"
    assert Talk().say("en curso").answers["status"] == "in_progress"
    assert Talk().say("EN CURSO").answers["status"] == "in_progress"
    assert Talk().say("compl").answers["status"] == "completed"
    assert Talk().say("xyzzy").rejection()


def test_marks_of_a_select_multiple_are_kept_until_listo() -> None:
    """Marks are idempotent: on is on, however often it arrives."""
    talk = Talk().tap("Retrasada").tap("25").tap("Omitir").tap("+1 mes").tap("No")
    assert talk.at == "obstacle"

    turn = talk.session.turn
    talk.happen(Tap(turn, "on", "0")).happen(Tap(turn, "on", "0")).happen(Tap(turn, "on", "2")).happen(
        Tap(turn, "off", "0")
    )
    assert talk.session.turn == turn

    talk.tap("Listo")
    assert talk.answers["obstacle"] == "coordination"


def test_listo_without_a_mark_on_a_required_question_is_refused() -> None:
    """Required stays required."""
    talk = Talk().tap("Retrasada").tap("25").tap("Omitir").tap("+1 mes").tap("No")
    talk.happen(Tap(talk.session.turn, "done", ""))
    assert talk.rejection()
    assert talk.at == "obstacle"


def test_the_language_may_change_at_any_question() -> None:
    """Same question, other words; nothing re-asked."""
    talk = Talk().tap("En curso")
    talk.happen(LanguageChanged("ht"))
    assert talk.at == "progress"
    assert talk.has(Ask)
    assert "Tounen" in str(talk.card.rows)

    talk.say("25")
    assert talk.answers["progress"] == "25"


def test_leaving_keeps_the_draft_and_coming_back_finds_the_same_question() -> None:
    """Nothing is lost by leaving."""
    talk = Talk().tap("En curso").say("25")
    talk.tap("Salir")
    assert talk.has(Leave)

    at = talk.session.at
    turn = talk.session.turn
    talk.happen(Resumed())
    assert talk.session.at == at
    assert talk.session.turn > turn  # what was drawn before is stale
    assert talk.answers["progress"] == "25"


def test_words_of_the_keyboard_are_understood_when_typed() -> None:
    """Atrás, Omitir and Salir need no button."""
    talk = Talk().tap("En curso").tap("25").say("omitir")
    assert talk.at == "reached"

    talk.say("atrás")
    assert talk.at == "qty_done"

    talk.say("salir")
    assert talk.has(Leave)


@pytest.mark.parametrize("word", ["enviar", "Enviar ahora"])
def test_send_before_the_end_is_answered_and_leaves_nothing(word: str) -> None:
    """At a number nobody is asked for: what they wanted comes at the end, and the draft is not left for it."""
    talk = Talk().tap("En curso").tap("25")
    talk.say(word)

    assert not talk.has(Leave)
    assert "se envía al final" in talk.rejection()
    assert talk.at == "qty_done"


def test_a_correction_begins_at_the_list_of_what_was_answered() -> None:
    """Three taps to any answer of a report that was sent."""
    first = Talk(previous=PREVIOUS).tap("Igual que el reporte anterior").say("Visitar 12 centros")
    answers = first.taken.instance.answers()
    talk = Talk(answers=answers)
    assert talk.at == "send_action"

    talk.tap("próximo paso").say("Visitar 15 centros").tap("Enviar ahora")
    assert talk.has(Submit)
    assert talk.answers["next_step"] == "Visitar 15 centros"


def test_progress_that_falls_asks_why() -> None:
    """The previous progress is filled by the bot; a fall needs a reason (docs/domain.md#forms)."""
    talk = Talk(previous=PREVIOUS | {"progress_final": "40"})
    talk.tap("En curso").tap("25")
    assert talk.at == "drop_reason"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_indicator_form_runs_to_the_end(language: str) -> None:
    """People, by sex and age and by form of exploitation, in every language."""
    talk = Talk(
        "indicator_update",
        code="IND-20",
        language=language,
        values={"agency": "PGR", "indicator": "IND-20", "period": "201809"},
    )
    talk.say("1").say("27").say("10 9 2 1 5").say("12 8 2 2 1 1 1").say("2").say("1").say("2")
    talk.happen(Tap(talk.session.turn, "skip"))
    talk.happen(Tap(talk.session.turn, "skip"))
    assert talk.at == "send_action", talk.text

    talk.happen(Tap(talk.session.turn, "pick", "0"))
    assert talk.has(Submit)
    assert talk.answers["value_final"] == "27"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_referral_form_runs_to_the_end(language: str) -> None:
    """Totals only, acknowledged first and last; small figures force restricted."""
    talk = Talk("incident_free_text", code="", language=language, values={"agency": "PGR", "period": "201809"})
    talk.happen(Tap(talk.session.turn, "pick", "0"))
    talk.say("8").say("9").say("4 1 2 1 1").say("5 2 1 1").say("1 2 3")
    talk.happen(Tap(talk.session.turn, "skip")).say("1")
    talk.say(wording(language)("nav.skip").strip("‹ "))
    assert talk.at == "sensitivity", talk.text

    talk.say("2")
    assert talk.rejection()

    talk.say("1").happen(Tap(talk.session.turn, "pick", "0"))
    assert talk.at == "send_action"

    talk.happen(Tap(talk.session.turn, "pick", "0"))
    assert talk.has(Submit)


def test_no_button_is_longer_than_its_data_may_be() -> None:
    """A button's data travels in 64 bytes, with session and turn."""
    from bot.telegram.updates import TOKEN_LIMIT
    from tests.taps import form_token

    talk = Talk(previous=PREVIOUS)
    for _ in range(3):
        for row in talk.card.rows:
            for button in row:
                _, action, argument = ([*button.tap.split(":", 2), ""])[:3]
                assert len(form_token(2**40, 2**20, action, argument).encode()) <= TOKEN_LIMIT
        talk.tap("En curso") if talk.at == "status" else talk.say("25")


def test_what_is_shown_counts_when_asked_which_one_was_meant() -> None:
    """A number picks from the readings on the screen, not from the list behind them; yes takes a single one."""
    talk = Talk().say("en cuso")
    assert "¿Cuál quiso decir?" in talk.text

    talk.say("1")
    assert talk.answers["status"] == "in_progress"
    assert Talk().say("en cuso").say("sí").answers["status"] == "in_progress"


def test_a_number_typed_where_numbers_are_offered_is_asked_again() -> None:
    """ "1" may be the first of them or one unit: nothing is taken."""
    talk = Talk().tap("En curso").tap("25").say("1.250").say("1")
    assert talk.at == "qty_done"
    assert "¿Cuál quiso decir?" in talk.text

    talk.say("1250")
    assert float(talk.answers["qty_done"]) == 1250


def test_a_forms_default_is_not_told_as_an_earlier_report() -> None:
    """Nobody reported that zero."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí").say("230")
    assert "Reporte anterior" not in talk.text
    assert "Por ejemplo: 12 8 3 4" in talk.text


def test_a_day_is_not_taken_for_a_count() -> None:
    """ "15 sep" at a number is asked about."""
    talk = Talk().tap("En curso").say("15 sep")
    assert talk.at == "progress"
    assert "¿Cuál quiso decir?" in talk.text
