"""What authors write into labels is shown as ODK's apps show it, and as plain words on buttons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.card import Span
from conversations.session.markup import marked, spoken


def written(text: str) -> list[list[tuple[str, str]]]:
    return [
        [("plain", part) if isinstance(part, str) else (part.style, part.text) for part in one] for one in marked(text)
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("¿Cuántas **mujeres**?", [[("plain", "¿Cuántas "), ("bold", "mujeres"), ("plain", "?")]]),
        ("*Solo* una, __por favor__", [[("italic", "Solo"), ("plain", " una, "), ("bold", "por favor")]]),
        ("# Parte 1\nNombre", [[("bold", "Parte 1")], [("plain", "Nombre")]]),
        ("<b>Uno</b><br/>dos", [[("bold", "Uno")], [("plain", "dos")]]),
        ('<span style="color:red">Ojo</span>', [[("plain", "Ojo")]]),
        ("Vea [la guía](https://a.do/g)", [[("plain", "Vea "), ("plain", "la guía (https://a.do/g)")]]),
        ('<a href="https://a.do">https://a.do</a>', [[("plain", "https://a.do")]]),
        (r"2 \* 3", [[("plain", "2 "), ("plain", "*"), ("plain", " 3")]]),
        ("Tom &amp; Ana", [[("plain", "Tom & Ana")]]),
    ],
)
def test_styles_are_shown(text: str, lines: list[list[tuple[str, str]]]) -> None:
    assert written(text) == lines


@pytest.mark.parametrize("text", ["1 < 2", "2 * 3 * 4", "2*3*4", "snake_case_name", "a*", "[x]", "N.º #3", "<18 años"])
def test_what_is_no_style_is_left_as_it_is(text: str) -> None:
    assert spoken(text) == text
    assert written(text) == [[("plain", text)]]


def test_a_button_has_the_words_alone() -> None:
    assert spoken("**Sí**, [acepto](https://a.do)<br>") == "Sí, acepto\n"
    assert spoken("<font color='red'>**No _todavía_**</font>") == "No todavía"


@given(st.text(alphabet="ab *_#[]()<>/&\\\n1b", max_size=60))
def test_no_text_raises_and_no_letter_is_lost(text: str) -> None:
    """Whatever an author types: letters stay, in their order."""
    letters = [c for c in text if c == "a"]
    assert [c for c in spoken(text) if c == "a"] == letters or "<" in text or "](" in text
    assert all(isinstance(part, str | Span) for one in marked(text) for part in one)
