"""What a text names in the plan is found by whoever may read it."""

import pytest

from tests.bot.desk import Desk, keys, tap, text_of
from tests.bot.house import CARMEN, GRACE, PEDRO


@pytest.mark.parametrize(("who", "may_read"), [(CARMEN, True), (PEDRO, False), (GRACE, False)])
@pytest.mark.parametrize("typed", ["Investigar explotación en línea", "lo de la complicidad"])
def test_a_word_of_a_restricted_title_leads_nobody_there_who_may_not_read_it(
    desk: Desk, who: int, may_read: bool, typed: str
) -> None:
    """Neither the title, nor that it has this word; by its code everybody finds it."""
    tap(desk, who, "idioma", "es")
    handled = desk.say(who, typed)
    shown = f"{text_of(handled, who)}\n{keys(handled, who)}"
    assert ("PER-203" in shown or "PER-205" in shown) is may_read, shown
    handled = desk.say(who, "PER-203")
    assert "PER-203" in text_of(handled, who)
    assert ("explotación" in text_of(handled, who)) is may_read
