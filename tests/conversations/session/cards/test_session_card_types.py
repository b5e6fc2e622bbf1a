"""Golden cards of the screens that the shipped forms do not have: repeats, lines, hours, steppers.

As in test_session_card.py: `--rewrite-golden` after a wanted change, then read the difference.
"""

import pytest

from conversations.languages import LANGUAGES
from conversations.wording import wording
from tests import ROOT
from tests.conversations.session.cards.type_screens import walk
from tests.conversations.session.phone import drawn

GOLDEN = ROOT / "tests" / "conversations" / "golden"
LIMITED = ("form:add", "form:which", "form:confirm", "form:cancel", "form:done", "form:undo", "form:back", "form:leave")


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
