"""`enlace run`."""

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import moment, settings
from bot.cli.console import fail

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer()

_ARENA_MAX: Final = -8
"""M_ARENA_MAX of malloc.h."""


@app.command()
def run(
    clock: Annotated[
        str, typer.Option(metavar="ISO", help="Start the clock at this time. Refused at Telegram's own host.")
    ] = "",
    parent: Annotated[str, typer.Option(help="A pipe; its end is ours.", hidden=True)] = "",
) -> None:
    """Serve the bot: by polling, or by webhook if ENLACE_WEBHOOK_URL is set."""
    gc.disable()  # until the bot is ready (bot.app): what start-up builds stays, and is searched for garbage once
    share_one_arena()
    chosen = settings()
    start = _instant(clock, chosen) if clock else None
    # Of rich structlog wants tracebacks that show local variables, which are answers and tokens (S8), and httpx, of
    # click, a command line of its own: 5 MB that nobody uses.
    with without("rich", "click"):
        from bot.app import StartedClock, WallClock, serve

    serve(chosen, StartedClock(start) if start else WallClock(), parent=int(parent) if parent else None)


def share_one_arena() -> None:
    """Let all threads take memory from the same place, before there are any.

    glibc gives each thread a place of its own. What one thread frees serves no other then, and a page or a picture that
    was made in one stays: 4 MB after start-up, 13 after files were made. Our threads take turns anyway. Other C
    libraries have no such option.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Modules imported meanwhile do not find these packages."""
    found = {package: sys.modules.get(package) for package in packages}
    sys.modules |= dict.fromkeys(packages)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for package, module in found.items():
            del sys.modules[package]
            if module is not None:
                sys.modules[package] = module


def _instant(text: str, chosen: "Settings") -> datetime:
    """The time at which the clock starts. Refused at Telegram's own host, where people live in real time."""
    from bot.settings import TELEGRAM

    if chosen.telegram_api == TELEGRAM:
        fail("--clock is for tests and demonstrations: it is refused against Telegram's own host", 2)
    return moment("--clock", text, ZoneInfo(chosen.timezone))
