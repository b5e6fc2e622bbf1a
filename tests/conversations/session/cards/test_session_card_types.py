"""Golden cards of the screens that the shipped forms do not have: repeats, lines, hours, steppers.

As in test_session_card.py: `--rewrite-golden` after a wanted change, then read the difference.
"""

from collections.abc import Iterator

import pytest

from conversations.card import Card
from conversations.languages import LANGUAGES
from conversations.wording import wording
from tests import ROOT
from tests.conversations.session.phone import Phone, drawn
from tests.forms import compiled

GOLDEN = ROOT / "tests" / "conversations" / "golden"
FORM = """
| survey |
| | type | name | label | required | repeat_count | appearance | parameters |
| | begin repeat | person | Persona | | | | |
| | text | name | ¿Cómo se llama? | yes | | | |
| | integer | age | ¿Qué edad tiene? | | | | |
| | begin repeat | pet | Mascota | | | | |
| | text | petname | ¿Nombre de la mascota? | | | | |
| | end repeat | | | | | | |
| | end repeat | | | | | | |
| | integer | n | ¿Cuántas visitas? | | | | |
| | begin repeat | visit | Visita | | ${n} | | |
| | dateTime | at | ¿Cuándo fue? | | | | |
| | end repeat | | | | | | |
| | begin group | land | Terreno | | | field-list | |
| | date | since | ¿Desde qué mes? | | | month-year | |
| | date | born | ¿Desde qué año? | | | year | |
| | date | day | ¿Qué día? | | | no-calendar | |
| | time | hour | ¿A qué hora? | | | | |
| | end group | | | | | | |
| | geoshape | shape | ¿Qué terreno es? | | | | |
| | range | trust | ¿Cuánta confianza? | | | | start=0 end=100 step=1 |
| | rank needs | rank | ¿En qué orden? | | | | |
| settings |
| | form_title | form_id |
| | El hogar | home |
| choices |
| | list_name | name | label |
| | needs | water | Agua |
| | needs | food | Comida |
"""
LIMITED = ("form:add", "form:which", "form:confirm", "form:cancel", "form:done", "form:undo", "form:back", "form:leave")


def walk(language: str) -> Iterator[tuple[str, Card]]:
    """Every new screen once, in the order one meets them."""
    say = wording(language)
    done = say("words.done").split("|")[0]
    phone = Phone(compiled(FORM).form, language)
    yield "the first question of an instance", phone.card
    phone.say("Ana").say("34")
    yield "of an inner repeat", phone.card
    yield "behind the inner repeat", phone.say("Fido").card
    yield "behind the outer one", phone.tap("form:done").card
    yield "a new instance", phone.tap("form:add").card
    phone.say("Luis").say("5")
    yield "none yet", phone.card
    phone.tap("form:done")
    yield "which to edit", phone.tap("form:which:edit").card
    yield "its answers", phone.tap("form:change:1").card
    phone.tap("form:back")
    yield "which to remove", phone.tap("form:which:remove").card
    yield "what would go", phone.tap("form:remove:1").card
    phone.tap("form:cancel")
    yield "a number that is not there", phone.say(f"{say('words.edit').split('|')[0]} 7").card
    yield "not understood", phone.say("¿¿??").card
    phone.say(done).say("2")
    yield "counted: the day", phone.card
    yield "the hour", phone.tap("form:day:2018-10-02").card
    yield "the minute", phone.tap("form:gather:09").card
    phone.tap("form:minute:30").tap("form:skip")
    yield "a month", phone.card
    yield "a year", phone.tap("form:day:2018-08-01").card
    yield "without a calendar", phone.tap("form:day:2010-01-01").card
    yield "a time", phone.say("2018-10-02").card
    phone.tap("form:gather:07").tap("form:minute:05")
    yield "a shape", phone.card
    yield "one point", phone.locate(18.5, -69.9, 5).card
    yield "too few", phone.say(done).card
    yield "enough", phone.locate(18.6, -69.8).locate(18.4, -69.7).card
    yield "a stepper", phone.say(done).card
    yield "stepped", phone.tap("form:gather:10").card
    yield "a rank", phone.tap("form:value:10").card
    yield "ranked in part", phone.tap("form:on:1").card
    yield "review", phone.tap("form:on:0").card
    yield "which answer to change", phone.tap("form:list").card


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_screens_are_as_they_were_approved(request: pytest.FixtureRequest, language: str) -> None:
    """Text and buttons of each screen, in each language."""
    screens = enumerate(walk(language), 1)
    shown = "\n\n".join(f"== {number}. {what}\n{drawn(card)}" for number, (what, card) in screens)
    file = GOLDEN / f"types.{language}.txt"
    if request.config.getoption("--rewrite-golden"):
        file.write_text(shown + "\n", "utf-8")
    assert shown + "\n" == file.read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_keeps_to_what_a_phone_can_show(language: str) -> None:
    """The bot's own buttons at most 30 characters, 8 in a row, 100 in all; no key, no gap, nothing blank."""
    keys = wording(language).keys()
    for what, card in walk(language):
        buttons = [button for row in card.rows for button in row]
        assert len(buttons) <= 100, what
        assert all(0 < len(row) <= 8 for row in card.rows), what
        own = [button.text for button in buttons if button.tap.startswith(LIMITED)]
        assert all(0 < len(text) <= 30 for text in [*own, card.asks_place, *card.words] if text), what
        assert bool(buttons) != bool(card.asks_place), what
        text = drawn(card)
        assert len(text) < 4096, what
        assert not [key for key in keys if "." in key and key in text], what
        assert "{" not in text, what
