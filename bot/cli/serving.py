"""Commands that serve beside `run`, and the one that prepares it: `demo`, `sandbox`, `init`."""

from typing import Annotated

import typer

from bot.cli.at_server import now, settings
from bot.cli.console import fail, talk

app = typer.Typer()

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the page of phones is served.")]


@app.command()
def demo(
    port: PortOption = 8080,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier demos stored.")] = False,
) -> None:
    """Serve a demonstration at http://localhost:PORT: an emulated Telegram, the bot and a plan. Without internet."""
    from bot.demo.demo import serve_demo

    _expect_free(port)
    serve_demo(port, fresh=fresh)


@app.command()
def sandbox(
    port: PortOption = 8081,
    limits: Annotated[bool, typer.Option("--limits", help="Answer 429 where Telegram would.")] = False,
) -> None:
    """Serve the emulated Bot API alone, for any bot in any language."""
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
    from_today: Annotated[
        bool, typer.Option("--from-today", help="The shipped plan as an example that has begun this year.")
    ] = False,
) -> None:
    """Prepare a deployment: database, keyring, shipped plan and forms. A second run changes nothing."""
    from bot.setup import set_up

    if empty and from_today:
        fail("--empty makes no plan, and --from-today makes the example: use one of them", 2)
    for sentence in set_up(settings(), now(), is_empty=empty, is_from_today=from_today):
        talk(sentence)
