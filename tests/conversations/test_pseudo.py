"""Screens in a stretched and in a right-to-left language: whatever is written into the code shows here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.chat.permissions import telegram_menu
from conversations.card import Card
from conversations.language_check import check_language
from conversations.languages import language_name
from conversations.plan.messages.plan_state import spoken
from conversations.plan.model import Role
from conversations.wording import wording
from tests.conversations.plan.messages.digest_screens import screens
from tests.conversations.plan.messages.state_pages import READERS, page
from tests.conversations.session.cards import shipped_screens, type_screens
from tests.conversations.session.phone import drawn
from tests.pseudo import PSEUDO, RIGHT_TO_LEFT, STRETCHED

pytestmark = pytest.mark.usefixtures("pseudo")
MOST, IN_A_ROW, BUTTONS, TAP = 4096, 8, 100, 64
"""Telegram's: characters of a message, buttons of a row and of a message, bytes behind a button."""


def forms(language: str) -> Iterator[tuple[str, Card]]:
    for form_name in shipped_screens.BEGUN:
        yield from shipped_screens.walk(form_name, language)


@pytest.mark.parametrize("walk", [forms, type_screens.walk])
@pytest.mark.parametrize("language", PSEUDO)
def test_every_screen_can_be_shown(language: str, walk: Callable[[str], Iterator[tuple[str, Card]]]) -> None:
    """None raises, none is more than Telegram takes, and no gap stays open."""
    for what, card in walk(language):
        text = drawn(card)
        buttons = [button for row in card.rows for button in row]
        assert 0 < len(text) <= MOST, what
        assert "{" not in text, what
        assert len(buttons) <= BUTTONS, what
        assert all(0 < len(row) <= IN_A_ROW for row in card.rows), what
        assert all(button.text and len(button.tap.encode()) <= TAP for button in buttons), what


@pytest.mark.parametrize("language", PSEUDO)
def test_digests_and_the_page_of_the_plan_can_be_read(language: str) -> None:
    told = [screens(language), *("\n".join(spoken(page(reader, language))) for reader in READERS)]
    assert all("{" not in each and each.strip() for each in told)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("language", PSEUDO)
def test_a_menu_is_one_that_telegram_takes(language: str, role: Role) -> None:
    """Commands stay Latin in a language that is not; descriptions are its own."""
    for command, description in telegram_menu(role, language):
        assert command.isascii()
        assert 1 <= len(command) <= 32
        assert 1 <= len(description) <= 256


@pytest.mark.parametrize("language", PSEUDO)
def test_they_are_whole_languages(language: str, pseudo: Path) -> None:
    """So what these tests show is what a language that the check lets pass does."""
    assert [str(gap) for gap in check_language(language, pseudo / language)] == []
    assert language_name(language) != language
    assert wording(language)("menu.home") != wording("en")("menu.home")


def test_they_are_what_they_are_for() -> None:
    assert len(wording(STRETCHED)("denied")) > 1.2 * len(wording("en")("denied"))
    assert "\u200f" in wording(RIGHT_TO_LEFT)("denied")
