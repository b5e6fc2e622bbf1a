"""/idioma offers what only a published form speaks: the form is asked in it, the rest is said as before."""

from bot.acts.reports.forms import publish
from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.wording import wording
from conversations.xforms.bundle import Bundle
from tests.bot.desk import NOW, Desk, keys, text_of
from tests.bot.house import ANA

FORM = b"""
| survey |
| | type | name | label::Espa\xc3\xb1ol (es) | label::Portugu\xc3\xaas (pt) |
| | text | lugar | \xc2\xbfQu\xc3\xa9 escuelas? | Quais escolas? |
| settings |
| | form_id | form_title | version |
| | escuelas | Escuelas | 1 |
"""


def tap(desk: Desk, who: int, label: str, shown: list[tuple[str, str]]) -> str:
    return text_of(desk.tap(who, next(data for text, data in shown if text.startswith(label))), who)


def test_a_form_is_asked_in_a_language_that_the_bot_does_not_speak(desk: Desk) -> None:
    """Each such language once. What the bot says itself stays in the person's own; one of the bot's undoes it."""
    assert len(keys(desk.say(ANA, "/idioma"), ANA)) == len(LANGUAGES)

    checked = read_xlsform(FORM, "escuelas.md")
    desk.do(lambda unit: publish(unit, Bundle("escuelas.md", FORM), checked, NOW))
    tap(desk, ANA, "Escuelas", keys(desk.say(ANA, "/formularios"), ANA))
    offered = keys(desk.say(ANA, "/idioma"), ANA)
    assert [text for text, _ in offered].count("Português (pt)") == 1

    shown = tap(desk, ANA, "Português", offered)
    assert "Quais escolas?" in shown
    assert desk.do(lambda unit: unit.people.by_telegram_id(ANA)).language == "es"

    again = tap(desk, ANA, "Español", keys(desk.say(ANA, "/idioma"), ANA))
    assert "¿Qué escuelas?" in again

    tap(desk, ANA, "Português", keys(desk.say(ANA, "/idioma"), ANA))
    assert "Español · pt" in text_of(desk.say(ANA, "/ajustes"))


def test_a_button_of_a_form_that_is_gone_offers_the_languages_again(desk: Desk) -> None:
    """What a button says is input: a version or a position that no form has chooses nothing."""
    for forged in ("999999.0", "1.7", "pt"):
        assert wording("es")("language.choose") in text_of(desk.tap(ANA, f"c:idioma:{forged}"), ANA)
    person = desk.do(lambda unit: unit.people.by_telegram_id(ANA))
    assert (person.language, person.form_language) == ("es", "")
