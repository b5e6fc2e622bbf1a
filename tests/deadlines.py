"""How long a test waits for what must come: until it is there, or until nobody would wait any longer.

Such a deadline matters only when something is wrong, so it is minutes, whatever else the machine has to do, and it is
here alone. A test that meets it says what it waited for, and shows what there was instead: a log, a phone.

    wait_until(lambda: "bot.ready" in town.logged(), "the bot is ready", show=town.logged)
    card = wait_until(lambda: ana.card_saying("Recibo"), "a receipt")    # what was waited for
    await until(lambda: rule.hits == 1, "the fault strikes")             # in a coroutine; `holds` may be one too
    assert ended(process, show=town.logged) == 0
    database.units.submit(None, work).result(PATIENCE)

That nothing comes is not shown by waiting a moment: ask whether all that could bring it is over (house.Town.rest,
faults' `settle`), then look.
"""

import asyncio
import inspect
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol, TypeVar

PATIENCE = 400.0
"""Seconds."""
LOOK_AGAIN = 0.005
"""Seconds between the first two looks at what cannot tell by itself that it has changed."""
SELDOM = 0.25
"""The same after a while: beside other work a test waits for seconds, and a look may ask a database."""

T = TypeVar("T")
Show = Callable[[], object]


def wait_until(
    holds: Callable[[], T],
    what: str,
    *,
    show: Show | None = None,
    unless: Show | None = None,
    look_again: float = LOOK_AGAIN,
) -> T:
    """What `holds` gives once that is true; fails at once where `unless` gives a reason why it never will be."""
    began = time.monotonic()
    while not (found := holds()):
        time.sleep(_pause(began, look_again, what, show, unless))
    return found


async def until(
    holds: Callable[[], T | Awaitable[T]], what: str, *, show: Show | None = None, unless: Show | None = None
) -> T:
    """The same while an event loop runs."""
    began = time.monotonic()
    while True:
        looked = holds()
        found: Any = await looked if inspect.isawaitable(looked) else looked
        if found:
            return found  # type: ignore[no-any-return]
        await asyncio.sleep(_pause(began, LOOK_AGAIN, what, show, unless))


class Process(Protocol):
    """What `subprocess.Popen` is, and what is forked instead (tests/bot/cli/forked.py)."""

    pid: int
    returncode: Any

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


def ended(process: Process, *, show: Show | None = None) -> int:
    """The exit code of a process, once it has ended."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        _fail(f"process {process.pid} ends", "has not happened", show)


def has_ended(process: Process) -> Show:
    """For `unless`: a process that has ended brings nothing any more."""
    return lambda: process.poll() is not None and f"the process has ended with {process.returncode}"


def _pause(began: float, look_again: float, what: str, show: Show | None, unless: Show | None) -> float:
    """Until the next look: a tenth of what was waited so far, so that a wait is a tenth longer at most."""
    if unless is not None and (reason := unless()):
        _fail(what, f"will not happen: {reason}", show)
    waited = time.monotonic() - began
    if waited > PATIENCE:
        _fail(what, f"has not happened in {PATIENCE:.0f} s", show)
    return max(look_again, min(waited / 10, SELDOM))


def _fail(what: str, why: str, show: Show | None) -> NoReturn:
    """With the end of what there is to see: what went wrong stands last in a log."""
    shown = "" if show is None else str(show())
    raise AssertionError(f"“{what}” {why}" + (f"; what there is:\n{shown[-6000:]}" if shown else ""))
