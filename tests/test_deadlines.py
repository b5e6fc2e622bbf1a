"""What waits in tests: it gives what came, says what did not, and does not wait for the dead."""

import asyncio
import subprocess
import sys

import pytest

from tests import deadlines
from tests.deadlines import ended, has_ended, until, wait_until


def test_what_came_is_given() -> None:
    """The first look that is true ends the wait."""
    looks = iter([0, "", "here", "too late"])
    assert wait_until(lambda: next(looks), "it comes") == "here"


async def test_a_coroutine_may_look_too() -> None:
    """A look at a database takes time of its own."""
    looks = iter([0, 3])

    async def look() -> int:
        await asyncio.sleep(0)
        return next(looks)

    assert await until(look, "it comes") == 3


def test_what_did_not_come_is_named_with_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads a failure reads the end of the log in it."""
    monkeypatch.setattr(deadlines, "PATIENCE", 0.0)
    with pytest.raises(AssertionError, match=r"“the bot is ready” has not happened in 0 s; what there is:\nthe log"):
        wait_until(lambda: False, "the bot is ready", show=lambda: "the log")


def test_a_process_that_has_ended_is_not_waited_for() -> None:
    """Minutes are for what may still come."""
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        assert ended(process) == 3
        with pytest.raises(AssertionError, match="will not happen: the process has ended with 3"):
            wait_until(lambda: False, "it speaks", unless=has_ended(process))
