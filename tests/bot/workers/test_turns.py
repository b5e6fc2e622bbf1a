"""Somebody's heavy files make their own next ones wait, and nobody else's."""

from datetime import UTC, datetime

from bot.workers.turns import BUDGET, WINDOW, Turns


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> datetime:
        return datetime(2018, 10, 3, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.at


def test_what_was_used_is_added_up_by_chat_and_forgotten() -> None:
    """Who has used more than the budget is spent until enough of it is a window old."""
    clock = Hands()
    turns = Turns(clock)
    assert turns.used() == {}
    for chat_id, seconds in ((5, BUDGET), (6, 1.0), (5, 1.0)):
        turns.note(chat_id, seconds)
        clock.at += 10
    assert turns.used() == {5: BUDGET + 1, 6: 1.0}
    assert (turns.is_spent(5), turns.is_spent(6), turns.is_spent(7)) == (True, False, False)

    clock.at += WINDOW - 25
    assert not turns.is_spent(5)
    clock.at += WINDOW
    assert turns.used() == {}
