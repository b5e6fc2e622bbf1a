"""The bot's clock while it follows a sandbox's, whose time is moved by hand."""

from datetime import UTC, datetime, timedelta

from bot.app import StartedClock
from bot.telegram.pacer import Window

START = datetime(2018, 10, 5, 9, 0, tzinfo=UTC)
HOUR = 3600.0


def header(seconds: float) -> str:
    """What the sandbox writes into an answer that it gives so long after the start."""
    return f"{(START + timedelta(seconds=seconds)).timestamp():.6f}"


def test_an_answer_that_was_overtaken_moves_the_steady_clock_no_further() -> None:
    """Under load an answer from before a move is read after one from behind it: a window of a 429 ended too early."""
    clock = StartedClock(START)
    window = Window(clock)
    window.close(HOUR)

    for told in (2000.0, 0.0, 2000.0, 3.0, 2000.0):
        clock.follow(header(told))

    assert window.left() > 0.0


def test_the_steady_clock_goes_on_with_each_move() -> None:
    """What is paused for hours is due when the sandbox has been moved by hours, in one move or in two."""
    clock = StartedClock(START)
    window = Window(clock)
    window.close(HOUR)

    clock.follow(header(2000.0))
    clock.follow(header(4000.0))

    assert window.left() == 0.0
