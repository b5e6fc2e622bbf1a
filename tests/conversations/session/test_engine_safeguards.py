"""Personal data in a conversation is withheld before it is stored, and a cry for help is answered as one."""

import pytest

from conversations.session import engine
from conversations.session.effects import Fetch, Notice, Withhold
from conversations.session.events import Event, Located, Offered, Tap, Typed
from conversations.session.safeguards.known import Known, known_of
from tests.conversations.session.phone import NOW, Phone, made
from tests.conversations.session.talk import PREVIOUS, Talk


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


def test_an_emergency_is_answered_as_one() -> None:
    """No channel for cases: the number to call, and the question again."""
    talk = Talk(previous=PREVIOUS).tap("Igual que el reporte anterior")
    before = talk.session
    talk.say("auxilio, hay una persona en peligro ahora mismo")

    assert Notice("err.emergency") in talk.effects
    assert talk.session == before


def test_a_name_in_a_referral_form_is_withheld() -> None:
    """Strict patterns: two capitalised words in a row, ages, "se llama"."""
    talk = Talk("incident_free_text", code="", values={"agency": "PGR", "period": "201809"})
    talk.happen(Tap(talk.session.turn, "pick", "0")).say("8").say("0")
    assert talk.at == "gap_text"
    for text in ("la víctima se llama Ana", "hablamos con María Rodríguez", "tiene 15 años"):
        talk.say(text)
        assert talk.has(Withhold), text
        assert talk.at == "gap_text"


def test_the_names_of_the_plan_are_asked_for_where_a_free_text_is_read() -> None:
    """They are no personal data there. A tap and a number do without, so that nobody reads the plan for them."""
    asked: list[Event] = []

    def act(talk: Talk, event: Event) -> bool:
        """Whether the event was withheld."""

        def known() -> Known:
            asked.append(event)
            return known_of(["María Rodríguez"])

        talk.taken = engine.step(talk.form, talk.session, event, now=NOW, known=known)
        return talk.has(Withhold)

    talk = Talk("incident_free_text", code="", values={"agency": "PGR", "period": "201809"})
    text = Typed("hablamos con María Rodríguez", 4)
    without_words = [Tap(talk.session.turn, "pick", "0"), Typed("8", 1), Typed("0", 2)]

    assert not any(act(talk, event) for event in without_words)
    assert asked == []
    assert talk.happen(text).has(Withhold)
    assert not act(talk, text)
    assert asked == [text]


def test_too_many_numbers_are_counted_not_called_personal_data() -> None:
    """How many are wanted, in the words of the question."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("Sí")
    before = talk.session
    talk.say("1 1 1 1 1 1 1")

    assert talk.session == before
    assert "Escriba 5" in talk.rejection()
    assert not talk.has(Withhold)


VISIT = """
    geopoint | where | ¿Dónde?  | | | |
    text     | what  | ¿Qué?    | | | |
"""


@pytest.mark.parametrize("key", ["name", "title"])
def test_no_point_on_the_map_is_kept_of_an_activity_about_shelters(key: str) -> None:
    """Shared or typed; the refusal says why, and the message goes."""
    phone = Phone(made(VISIT), about={key: {"es": "Equipar dos casas de acogida"}})
    for place in (Located(18.47, -69.9, 12.0, 500), Typed("18.47, -69.9", 501)):
        phone.happen(place)
        assert "secreto" in phone.rejection()
        assert phone.has(Withhold)
        assert phone.at.endswith("where")


@pytest.mark.parametrize("name", ["Equipar dos oficinas", "Casa de la Mujer de Villa Mella"])
def test_a_text_about_a_shelter_and_a_point_on_the_map_are_not_kept_together(name: str) -> None:
    """Whichever comes first; beside other words the point stays."""
    phone = Phone(made(VISIT), about={"name": {"es": name}}).locate(18.47, -69.9)
    assert phone.at.endswith("what")
    phone.happen(Typed("Equipar el refugio", 502))
    assert "secreto" in phone.rejection()
    assert phone.has(Withhold)
    phone.happen(Typed("Equipar la cocina", 503))
    assert not phone.has(Withhold)


def test_a_file_that_tells_where_a_shelter_is_is_refused_with_the_reason() -> None:
    """By what is written with it too."""
    talk = Talk()
    talk.happen(
        Offered("document", "id", "unique", "informe.pdf", "application/pdf", 10, "", 9, "Refugio, calle Hostos 14")
    )
    assert "secreto" in talk.rejection()
    assert talk.has(Withhold)
    assert not talk.has(Fetch)
