"""`enlace run`. Its options are in the table of the command line."""

import contextlib
import gc
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from bot.cli.at_server import moment, settings
from bot.cli.console import fail

if TYPE_CHECKING:
    from bot.settings import Settings


def run(clock: str = "", parent: str = "") -> None:
    """Serve the bot: by polling, or by webhook if ENLACE_WEBHOOK_URL is set."""
    gc.disable()  # until the bot is ready (bot.app): what start-up builds stays, and is searched for garbage once
    chosen = settings()
    start = _instant(clock, chosen) if clock else None
    # Of rich structlog wants tracebacks that show local variables, which are answers and tokens (S8), and httpx, of
    # click, a command line of its own: 5 MB that nobody uses.
    with without("rich", "click"):
        from bot.app import StartedClock, WallClock, serve

    serve(chosen, StartedClock(start) if start else WallClock(), parent=int(parent) if parent else None)


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
    return moment("--clock", text, chosen)
