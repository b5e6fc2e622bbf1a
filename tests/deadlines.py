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
LOOK_AGAIN = 0.01
"""Seconds between two looks at what cannot tell by itself that it has changed."""

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
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        _expect_time_left(deadline, what, show, unless)
        time.sleep(look_again)
    return found


async def until(
    holds: Callable[[], T | Awaitable[T]], what: str, *, show: Show | None = None, unless: Show | None = None
) -> T:
    """The same while an event loop runs."""
    deadline = time.monotonic() + PATIENCE
    while True:
        looked = holds()
        found: Any = await looked if inspect.isawaitable(looked) else looked
        if found:
            return found  # type: ignore[no-any-return]
        _expect_time_left(deadline, what, show, unless)
        await asyncio.sleep(LOOK_AGAIN / 2)


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


def _expect_time_left(deadline: float, what: str, show: Show | None, unless: Show | None) -> None:
    if unless is not None and (reason := unless()):
        _fail(what, f"will not happen: {reason}", show)
    if time.monotonic() > deadline:
        _fail(what, f"has not happened in {PATIENCE:.0f} s", show)


def _fail(what: str, why: str, show: Show | None) -> NoReturn:
    """With the end of what there is to see: what went wrong stands last in a log."""
    shown = "" if show is None else str(show())
    raise AssertionError(f"“{what}” {why}" + (f"; what there is:\n{shown[-6000:]}" if shown else ""))
