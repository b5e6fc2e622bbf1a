"""The bot's clock while it follows a sandbox's, whose time is moved by hand."""

import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import StartedClock, WallClock
from bot.schedule.scheduler import ClockWatch
from bot.telegram.pacer import Window
from tests.bot.schedule.wound import Wound

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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has its own ways")
@pytest.mark.parametrize("clock", [WallClock(), StartedClock(START)])
def test_the_steady_clock_goes_on_while_the_machine_is_suspended(
    monkeypatch: pytest.MonkeyPatch, clock: WallClock | StartedClock
) -> None:
    """As the wall clock does. Otherwise whoever closes a laptop for ten minutes has changed the time (G9)."""
    wound, since_boot, slept = Wound(), time.clock_gettime, 0.0
    monkeypatch.setattr(time, "clock_gettime", lambda which: since_boot(which) + slept)
    wound.monotonic = clock.monotonic  # type: ignore[method-assign]
    watch = ClockWatch(wound)
    slept = 600.0
    wound.wall += timedelta(seconds=slept)
    assert watch.look() is None
