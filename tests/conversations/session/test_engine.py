"""The conversation, told as an officer has it: answer, see, answer. The session is read back before every turn."""

import json
from datetime import UTC, datetime

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.card import plain
from conversations.languages import LANGUAGES
from conversations.session import engine
from conversations.session.cards.session_card import session_card
from conversations.session.effects import Ask, Effect, Fetch, Leave, Notice, Reject, Stale, Submit, Withhold
from conversations.session.engine import Given
from conversations.session.events import (
    Corrected,
    Event,
    Fetched,
    FetchFailed,
    LanguageChanged,
    Located,
    Offered,
    Resumed,
    Tap,
    Typed,
)
from conversations.session.session import Session
from conversations.wording import wording
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling
from tests import ROOT
from tests.conversations.lists import LISTS

FORMS = ROOT / "conversations" / "forms"
NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
PREVIOUS = {
    "status": "in_progress",
    "progress": "12",
    "progress_final": "12",
    "qty_done": "40",
    "next_step": "Convocar",
}
_COMPILED: dict[str, Form] = {}


def compiled(name: str) -> Form:
    if name not in _COMPILED:
        _COMPILED[name] = read_xlsform((FORMS / f"{name}.xlsx").read_bytes(), f"{name}.xlsx", media=LISTS).form
    return _COMPILED[name]


class Talk:
    """One officer's session; every turn goes through JSON, as between two processes."""

    def __init__(
        self,
        name: str = "activity_report",
        *,
        code: str = "PRE-102",
        restricted: bool = False,
        previous: dict[str, str] | None = None,
        language: str = "es",
        values: dict[str, str] | None = None,
        answers: dict[str, str] | None = None,
    ) -> None:
        self.form = compiled(name)
        filled = {
            "agency": "MINERD",
            "activity": code,
            "period": "201809",
            "prev_progress": (previous or {}).get("progress_final", "0"),
            "restricted": "yes" if restricted else "no",
        }
        self.taken = engine.begin(
            self.form,
            Filling("uuid:test", NOW, "America/Santo_Domingo", language),
            Given(
                values=values if values is not None else filled,
                previous=previous or {},
                about={"code": code, "name": {"es": "Jornadas"}, "due_on": "2020-06-30"},
                restricted=restricted,
                answers=answers or {},
            ),
        )
        self.messages = 100
        self.taps = 0

    @property
    def session(self) -> Session:
        return self.taken.session

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.taken.effects

    def happen(self, event: Event) -> "Talk":
        stored = Session.from_json(json.loads(json.dumps(self.session.to_json())))
        assert stored == self.session
        self.taken = engine.step(self.form, stored, event, now=NOW)
        return self

    def tap(self, text: str) -> "Talk":
        """Press the button that says this, as somebody who reads the card does."""
        self.taps += 1
        for row in self.card.rows:
            for button in row:
                if button.text == text or text in button.text:
                    _, action, argument = (
                        button.tap.split(":", 2) if button.tap.count(":") > 1 else (*button.tap.split(":"), "")
                    )
                    return self.happen(Tap(self.session.turn, action, argument))  # type: ignore[arg-type]
        raise AssertionError(f"no button {text!r} on {[b.text for r in self.card.rows for b in r]}")

    def say(self, text: str) -> "Talk":
        self.messages += 1
        return self.happen(Typed(text, self.messages))

    def send_photo(self, unique_id: str = "u1", *, size: int = 1000, album: str = "") -> "Talk":
        self.messages += 1
        return self.happen(Offered("photo", "f1", unique_id, "photo.jpg", "image/jpeg", size, album, self.messages))

    def send_document(self, mime: str = "application/pdf", name: str = "acta.pdf", unique_id: str = "u2") -> "Talk":
        self.messages += 1
        return self.happen(Offered("document", "f2", unique_id, name, mime, 1000, "", self.messages))

    @property
    def card(self):  # type: ignore[no-untyped-def]
        return session_card(self.form, self.session, self.taken.instance, now=NOW)

    @property
    def text(self) -> str:
        return plain(self.card)

    @property
    def at(self) -> str:
        return self.session.at.rpartition("/")[2]

    @property
    def answers(self) -> dict[str, str]:
        return {ref.rpartition("/")[2]: value for ref, value in self.taken.instance.answers().items()}

    def rejection(self) -> str:
        return next((effect.message for effect in self.effects if isinstance(effect, Reject)), "")

    def has(self, kind: type[Effect]) -> bool:
        return any(isinstance(effect, kind) for effect in self.effects)


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
    """The worked exchange of DOMAIN §4.2, with the photo sent as it comes."""
    talk = Talk(previous=PREVIOUS)
    talk.tap("Completada").tap("Omitir").say("ayer").tap("Sí").say("230")
    assert talk.at == "ben_women"
    talk.say("20 10 110 85")
    assert "Quedan 5 personas sin dato" in talk.text
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


def test_a_photo_sent_at_the_evidence_question_picks_photo() -> None:
    """Nobody should have to say first that a photo will follow."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No")
    assert talk.at == "evidence_type"
    talk.send_photo()
    assert talk.has(Fetch)
    talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg"))
    assert talk.answers["evidence_type"] == "photo"
    assert talk.at == "photo_ok"


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


@pytest.mark.parametrize(
    "text", ["mi cédula es 001-1234567-8", "llámeme al 809-555-1234", "ana@gob.do", "el caso 12345678"]
)
def test_personal_data_in_free_text_is_withheld(text: str) -> None:
    """Not stored, not answered with itself, deleted from the chat, asked again."""
    talk = Talk(previous=PREVIOUS).tap("Igual que el reporte anterior")
    before = talk.session
    talk.say(text)
    assert talk.session == before
    assert talk.has(Withhold)
    assert text not in talk.rejection()
    assert "dato personal" in talk.rejection()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Acompañar a Yuleisi Peralta", "nombre"),
        ("la niña tiene siete años", "edad"),
        ("rescatada el 3 de mayo", "fecha"),
    ],
)
def test_what_is_said_about_a_restricted_activity_is_read_strictly(text: str, said: str) -> None:
    """As in a referral; the refusal says what to write instead."""
    talk = Talk(previous=PREVIOUS, restricted=True).tap("Igual que el reporte anterior")
    before = talk.session
    talk.say(text)
    assert talk.session == before
    assert talk.has(Withhold)
    assert said in talk.rejection()
    assert "«" in talk.rejection()


@pytest.mark.parametrize(
    ("name", "caption"), [("Cita_de_Yuleisi_Peralta.pdf", ""), ("informe.pdf", "la víctima se llama Yuleisi")]
)
def test_a_file_that_names_somebody_is_not_fetched(name: str, caption: str) -> None:
    """Neither by its name nor by what is written with it; its message goes."""
    talk = Talk(restricted=True)
    talk.happen(Offered("document", "id", "unique", name, "application/pdf", 10, "", 9, caption))
    assert talk.has(Withhold)
    assert not talk.has(Fetch)


@pytest.mark.parametrize("name", ["IMG_20181003_121314.pdf", "Acta firmada 2018.pdf", "scan0001.pdf", "document"])
def test_a_file_with_an_ordinary_name_is_none_that_names_somebody(name: str) -> None:
    """A camera's time and number are no phone."""
    talk = Talk(restricted=True)
    talk.happen(Offered("document", "id", "unique", name, "application/pdf", 10, "", 9))
    assert not talk.has(Withhold)


def test_a_link_is_not_taken_for_personal_data() -> None:
    """Digits and @ in an address of a question for an address."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("Enlace")
    talk.say("https://drive.gob.do/d/12345678/ver?u=@cuenta")
    assert talk.answers["evidence_link"].startswith("https://")


def test_a_restricted_activity_offers_neither_photo_nor_place() -> None:
    """S10: not as a choice, not as a question, not if sent all the same."""
    talk = Talk(code="ASI-201", restricted=True)
    talk.tap("En curso").tap("25").tap("Omitir").tap("No")
    assert "Foto" not in str([b.text for r in talk.card.rows for b in r])
    talk.send_photo()
    assert talk.has(Withhold)
    assert "no usamos fotos" in talk.rejection()
    talk.happen(Located(18.5, -69.9, None, 999))
    assert talk.has(Withhold)
    talk.tap("Documento").send_document("image/png", "foto.png")
    assert talk.has(Withhold)
    talk.send_document()
    assert talk.has(Fetch)
    talk.happen(Fetched("u2", "acta.pdf", "acta.pdf")).tap("Omitir")
    assert talk.at == "next_step"  # no place asked


def test_a_file_too_large_is_refused_before_it_is_fetched() -> None:
    """20 MB is what the Bot API hands out."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto")
    talk.send_photo(size=30_000_000)
    assert not talk.has(Fetch)
    assert "20 MB" in talk.rejection()
    assert talk.at == "evidence_photo"


def test_a_file_that_cannot_be_fetched_leaves_the_question() -> None:
    """The failure says so."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto").send_photo()
    talk.happen(FetchFailed("u1", "file.failed"))
    assert talk.rejection()
    assert talk.at == "evidence_photo"
    assert "Recibiendo" not in talk.text


def test_of_an_album_the_first_file_is_kept_and_the_others_are_named() -> None:
    """A question takes one file."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto").send_photo("u1", album="g1")
    assert talk.has(Fetch)
    talk.send_photo("u9", album="g1")
    assert not talk.has(Fetch)
    assert talk.has(Notice)


def test_a_file_that_arrives_after_going_back_is_ignored() -> None:
    """It was for a question that is no longer asked."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto").send_photo()
    talk.tap("Atrás")
    before = talk.session
    talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg"))
    assert talk.session == before


def test_a_place_is_a_geopoint_with_its_accuracy() -> None:
    """ "lat lon alt accuracy", as ODK writes it; typed coordinates too."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("Sin evidencia").tap("📍")
    assert talk.card.asks_place
    talk.happen(Located(18.47, -69.9, 12.0, 500))
    assert [float(part) for part in talk.answers["gps"].split()] == [18.47, -69.9, 0, 12]


def test_a_place_that_is_sent_where_one_is_asked_whether_answers_both_questions() -> None:
    """ "¿Dónde se hizo?" is a choice; the paperclip is the obvious answer to it. Elsewhere no place is taken."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir")
    talk.happen(Located(18.47, -69.9, None, 500))
    assert "no hace falta una ubicación" in talk.rejection()
    talk.tap("No").tap("Sin evidencia")
    assert talk.at == "place"
    talk.happen(Located(18.47, -69.9, 12.0, 501))
    assert talk.answers["place"] == "gps"
    assert [float(part) for part in talk.answers["gps"].split()] == [18.47, -69.9, 0, 12]
    assert talk.at == "next_step"


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


def test_an_emergency_is_answered_as_one() -> None:
    """No channel for cases: the number to call, and the question again."""
    talk = Talk(previous=PREVIOUS).tap("Igual que el reporte anterior")
    before = talk.session
    talk.say("auxilio, hay una persona en peligro ahora mismo")
    assert Notice("err.emergency") in talk.effects
    assert talk.session == before


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
    """The previous progress is filled by the bot; a fall needs a reason (DOMAIN §6)."""
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


def test_a_name_in_a_referral_form_is_withheld() -> None:
    """Strict patterns: two capitalised words in a row, ages, "se llama"."""
    talk = Talk("incident_free_text", code="", values={"agency": "PGR", "period": "201809"})
    talk.happen(Tap(talk.session.turn, "pick", "0")).say("8").say("0")
    assert talk.at == "gap_text"
    for text in ("la víctima se llama Ana", "hablamos con María Rodríguez", "tiene 15 años"):
        talk.say(text)
        assert talk.has(Withhold), text
        assert talk.at == "gap_text"


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


def test_too_many_numbers_are_counted_not_called_personal_data() -> None:
    """How many are wanted, in the words of the question."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí")
    before = talk.session
    talk.say("1 1 1 1 1 1 1")
    assert talk.session == before
    assert "Escriba 5" in talk.rejection()
    assert not talk.has(Withhold)


def test_a_day_is_not_taken_for_a_count() -> None:
    """ "15 sep" at a number is asked about."""
    talk = Talk().tap("En curso").say("15 sep")
    assert talk.at == "progress"
    assert "¿Cuál quiso decir?" in talk.text
