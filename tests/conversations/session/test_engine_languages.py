"""A form in a language that the bot does not speak: its own words in its language, the bot's in the person's."""

import pytest

from conversations.languages import LANGUAGES
from conversations.session.session import REVIEW
from conversations.wording import wording
from conversations.xforms.form import Form
from tests.conversations.session.phone import Phone, made
from tests.forms import compiled

PORTUGUESE = """
| survey |
| | type | name | label::Português (pt){more} | hint::Português (pt) | constraint | constraint_message::Português (pt) |
| | integer | escolas | Quantas escolas? {other} | Só totais. | . < 100 | No máximo 99. |
| | select_one sn | pronto | Está pronto? {other} | | | |
| choices |
| | list_name | name | label::Português (pt){more} |
| | sn | sim | Sim {other} |
| | sn | nao | Não {other} |
"""


def form(more: str = "", other: str = "") -> Form:
    return compiled(PORTUGUESE.format(more=more, other=other)).form


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_filled_in_its_own_language(language: str) -> None:
    """Labels, hints, choices and refusals are the form's; buttons and what else is said are the bot's."""
    say = wording(language)
    phone = Phone(form(), language)
    assert "Quantas escolas?" in phone.text
    assert "Só totais." in phone.text
    assert say("nav.leave") in [button.text for button in phone.buttons]
    assert "No máximo 99." in phone.say("120").text

    phone.say("12")
    assert {"Sim", "Não"} <= {button.text for button in phone.buttons}

    phone.say("sim")
    assert phone.at == REVIEW
    assert say("form.review") in phone.text
    assert "Quantas escolas" in phone.text
    assert phone.answers == {"escolas": "12", "pronto": "sim"}


def test_whoever_speaks_another_of_its_languages_is_asked_in_that_one() -> None:
    """Everybody else in its first."""
    both = form(" | label::Français (fr)", "| (fr)")
    assert "(fr)" in Phone(both, "fr").text
    assert "Quantas escolas?" in Phone(both, "ht").text


@pytest.mark.parametrize(
    ("language", "labels", "typed", "chosen"),
    [
        ("es", ["Sí", "No"], "claro que sí", "c0"),
        ("es", ["Sí", "No"], "todavía no", "c1"),
        ("en", ["Yes", "No", "Don't know"], "yep", "c0"),
        ("en", ["Yes", "No", "Don't know"], "don't know", "c2"),
        ("ht", ["Wi", "Non"], "se sa", "c0"),
        ("ht", ["Wi", "Non"], "poko", "c1"),
        ("fr", ["Oui", "Non"], "bien sûr", "c0"),
        ("fr", ["Oui", "Non"], "nan", "c1"),
    ],
)
def test_yes_and_no_are_chosen_in_other_words(language: str, labels: list[str], typed: str, chosen: str) -> None:
    """A choice whose label says yes is meant by every word for it; a label itself goes first."""
    phone = Phone(made("select_one sn | ok | ¿? | | | |\ntext | rest | ¿Más? | | | |", {"sn": labels}), language)
    phone.say(typed)
    assert phone.answers == {"ok": chosen}


@pytest.mark.parametrize(
    ("language", "typed"),
    [
        ("es", "no aplica"),
        ("es", "después"),
        ("es", "no sé"),
        ("en", "n/a"),
        ("en", "dunno"),
        ("ht", "m pa konnen"),
        ("ht", "pita"),
        ("fr", "sans objet"),
        ("fr", "je sais pas"),
    ],
)
def test_who_does_not_know_passes_what_may_be_left_out(language: str, typed: str) -> None:
    """And goes back in as many words."""
    phone = Phone(made("integer | n | ¿Cuántas? | | | |\ninteger | m | ¿Y? | | | |"), language)
    first = phone.at
    phone.say(typed)
    assert phone.at != first

    back = {"es": "pa atrás", "en": "go back", "ht": "fè bak", "fr": "en arrière"}
    phone.say(back[language])
    assert phone.at == first
