"""Commands that serve, and the one that prepares it: `run`, `demo`, `sandbox`, `init`."""

import contextlib
import gc
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import moment, now, settings
from bot.cli.console import fail, talk

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer()

ClockOption = Annotated[
    str, typer.Option("--clock", metavar="ISO", help="Start the clock there; never against Telegram's own host.")
]
ParentOption = Annotated[str, typer.Option("--parent", hidden=True, help="A pipe; its end is ours.")]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the page of phones is served.")]


@app.command()
def run(clock: ClockOption = "", parent: ParentOption = "") -> None:
    """Serve: by polling, or by webhook when ENLACE_WEBHOOK_URL is set."""
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


@app.command()
def demo(
    port: PortOption = 8080,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier demos stored.")] = False,
) -> None:
    """Sandbox, bot and seeded plan: a Telegram to talk to at http://localhost:PORT, without token or internet."""
    from bot.demo.demo import serve_demo

    _expect_free(port)
    serve_demo(port, fresh=fresh)


@app.command()
def sandbox(
    port: PortOption = 8081,
    limits: Annotated[bool, typer.Option("--limits", help="Answer 429 where Telegram would.")] = False,
) -> None:
    """The emulated Bot API alone, for any bot in any language."""
    from bot.sandbox.server import serve
    from bot.sandbox.telegram import World

    _expect_free(port)
    world = World(any_token=True, limited=limits)
    talk(
        f"The emulated Bot API is at http://127.0.0.1:{port}/bot<token>/… (any token is good), "
        f"its page of phones at http://127.0.0.1:{port}/"
    )
    serve(port, world=world)


def _expect_free(port: int) -> None:
    """Refuse a port in use now, instead of a page that never opens."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            fail(f"Port {port} cannot be used ({error.strerror}). Choose another with --port.")


@app.command()
def init(
    empty: Annotated[bool, typer.Option("--empty", help="Neither the shipped plan nor the shipped forms.")] = False,
) -> None:
    """Database up to date, keyring made, shipped plan and forms in place. A second run changes nothing."""
    from bot.setup import set_up

    for sentence in set_up(settings(), now(), is_empty=empty):
        talk(sentence)
