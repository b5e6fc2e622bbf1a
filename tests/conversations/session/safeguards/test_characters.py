"""How text is cleaned, and what looks like somebody in danger."""

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.languages import LANGUAGES, phrases
from conversations.session.safeguards.characters import clean, read_name, visible
from conversations.session.safeguards.emergencies import emergency


@given(st.text(max_size=80))
def test_no_text_is_too_strange_to_be_cleaned(text: str) -> None:
    """Nothing raises; cleaning is done once and for all."""
    assert clean(clean(text)) == clean(text)
    emergency(text)


@given(st.text(st.characters(categories=["Cf", "Cc", "Cs", "Co", "Zs", "Lu", "Ll", "Nd", "Mn"]), max_size=60))
def test_cleaned_text_holds_nothing_invisible(text: str) -> None:
    """Bidi controls could make a stored answer read otherwise (S7)."""
    for character in clean(text):
        assert character == "\n" or unicodedata.category(character) not in {"Cf", "Cc", "Cs", "Co"}


def test_cleaning_keeps_what_people_meant_to_write() -> None:
    """Emoji, ñ and line breaks are content."""
    assert (
        clean("  Campaña\u00a0 en\tradio \r\n\r\n\r\n\r\n👩\u200d👧 👍🏽 ❤\ufe0f ")
        == "Campaña en radio\n\n👩\u200d👧 👍🏽 ❤\ufe0f"
    )
    assert clean("ac\u202etxt.exe") == "actxt.exe"
    assert clean("n\u0303") == "ñ"
    assert clean("a" + "\u0301" * 50) == "á" + "\u0301" * 3
    assert clean("\u3164\u2800") == ""


PERSIAN, HINDI = "می\u200cخواهم", "क्\u200dष"
"""Read in another way without the invisible sign in them."""


def test_an_invisible_sign_stays_between_letters_that_are_read_by_it_alone() -> None:
    for word in (PERSIAN, HINDI):
        assert clean(word) == word
    for word in ("a\u200cb", "\u200cم", "م\u200d", "م\u200c\u202eخ", "5\u200c6", "а\u200dб"):
        assert not {"\u200c", "\u200d"} & set(clean(word)), word


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ana\u202e zeréP\u200b\n", "Ana zeréP"), ("\u2066Ana\u2069\ufeff", "Ana"), ("Ana 🌸", "Ana 🌸"),
        ("Nú\u00adñez", "Núñez"),
        (PERSIAN, PERSIAN), ("李", "李"), ("\u200b\u200c", ""), ("\u202e", ""),
        ("🌸", ""), ("809 555", ""), ("–", ""), ("\u3164", ""),
    ],
)  # fmt: skip
def test_a_name_is_what_can_be_seen_of_it_and_has_a_letter(typed: str, kept: str) -> None:
    assert read_name(typed) == kept


def test_what_is_shown_outside_has_no_sign_that_turns_it_around() -> None:
    """Its letters, line breaks and joiners stay (S7)."""
    turned = "".join(map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
    assert visible(f"a{turned}b\n{PERSIAN} ñ") == f"ab\n{PERSIAN} ñ"


EMERGENCIES = [
    "Auxilio!!",
    "socorro",
    "Anmwe!",
    "hay una niña, está en peligro",
    "estoy en peligro",
    "Sí, ella está en peligro ahora",
    "La van a matar",
    "la están golpeando",
    "me tienen encerrada",
    "necesito ayuda urgente",
    "es una emergencia",
    "help me please now",
    "someone is in danger",
    "she is being beaten",
    "this is an emergency",
    "Une femme est en danger",
    "quelqu’un est en danger",
    "on va me tuer",
    "elle est séquestrée",
    "à l’aide !",
    "aidez-nous s'il vous plaît",
    "mwen an danje",
    "yon tifi an danje kounye a",
    "se yon ijans",
    "y ap bat li",
    "No sé qué hacer, la están golpeando",
    "no se que hacer la estan golpeando",
    "hay una muchacha encerrada aqui y no la dejan salir",
    "el dueño no las deja salir",
    "me quitaron el pasaporte",
    "there is a girl being held in a hotel",
    "he doesnt let us out",
    "someone is threatening me",
    "gen yon timoun yo kenbe fos nan yon kay",
    "yo pa kite m soti",
    "yo menase m",
    "map mouri",
    "jai besoin daide tout de suite",
    "on me menace",
    "elle est enfermée et ne mange pas",
    "ils ne nous laissent pas sortir",
]
CALM = [
    "Número de víctimas en peligro atendidas",
    "Campaña: llame al 9-1-1 ante una emergencia",
    "Emergencia (huracán)",
    "Kantite moun an danje",
    "Mujeres en peligro: 25",
    "No hay nadie en peligro",
    "si alguien está en peligro, usar los canales",
    "Las llamadas de emergencia aumentaron",
    "Personne n'est en danger",
    "Si une femme est en danger, appelez le 9-1-1",
    "S'il y a une femme en danger",
    "à l'aide de ce guide",
    "au secours des victimes",
    "L'équipe est en danger de retard",
    "El proyecto está en peligro por falta de presupuesto",
    "They are in danger of missing the deadline",
    "ayuda",
    "ayúdame con el formulario",
    "Ayuda humanitaria entregada a 25 personas",
    "Se atendió a víctimas golpeadas",
    "estamos trabajando en el plan de emergencia",
    "no hay ninguna muchacha encerrada",
    "no me deja salir del formulario",
    "la ley nos obliga a reportar",
    "la crisis nos golpea",
    "it won't let me leave this page",
    "la loi nous oblige à publier",
    "lwa a fòse nou pibliye",
    "elle n'est pas enfermée",
    "25",
    "",
]


@pytest.mark.parametrize("text", EMERGENCIES)
def test_a_person_in_danger_now_is_noticed(text: str) -> None:
    """The bot reads nothing in real time, and must say so at once."""
    assert emergency(text)


@pytest.mark.parametrize("text", CALM)
def test_reports_about_danger_are_not_emergencies(text: str) -> None:
    """A bot that cries wolf at every report is not listened to."""
    assert not emergency(text)


def test_a_text_is_cleaned_alike_whether_or_not_it_is_read_character_by_character() -> None:
    """Only texts with something to take out are read so; a bidi control is always something to take out."""
    texts = [f"a{chr(code) * 5}b" for code in range(0x1000)]

    assert [clean(text) for text in texts] == [clean(f"{text}\u202e") for text in texts]


def spelt_out(language: str) -> Iterator[str]:
    """What each phrase of `emergency.says` stands for: every alternative once, every word of a list once."""
    for phrase in phrases(language, "emergency.says"):
        pieces = [piece for piece in phrase.split(" ") if piece != "." and not piece.startswith("!")]
        ways = [
            phrases(language, f"emergency.{piece[1:-1]}") if piece.startswith("{") else piece.split("/")
            for piece in pieces
        ]
        for number in range(max(map(len, ways))):
            yield " ".join(way[number % len(way)] for way in ways)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_call_for_help_of_a_language_is_heard(language: str) -> None:
    """As its catalogue spells it: a phrase that nothing hears would be a promise that nobody keeps."""
    assert [said for said in spelt_out(language) if not emergency(said)] == []
