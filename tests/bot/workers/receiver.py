"""A receiver of events as somebody else would write it, in real HTTP: good, slow, lying, or as a script says.

It checks signatures with the library that the standard's authors publish, and keeps what it has not seen before by its
number, which is all that a receiver has to do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from aiohttp import web
from standardwebhooks import Webhook

Mood = Literal["take", "fail", "busy", "redirect", "reset", "take_and_reset", "take_and_fail", "hold", "flood", "gone"]
MOODS: tuple[Mood, ...] = ("take", "fail", "busy", "redirect", "reset", "take_and_reset", "take_and_fail", "flood")
"""What it may do of itself. `hold` answers when it is let go, and `gone` wants no more calls."""


@dataclass
class Receiver:
    """What has come in, in its order. `kept`: by number, the first time alone."""

    secret: str
    mood: Callable[[], Mood] = lambda: "take"
    port: int = 0
    is_of_today: bool = True
    """Whether the caller's clock shows today: what was signed five minutes ago is refused."""
    calls: int = 0
    seen: list[str] = field(default_factory=list)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        body = await request.read()
        mood, uid = self.mood(), request.headers["webhook-id"]
        if self.is_of_today:
            Webhook(self.secret).verify(body, dict(request.headers))  # raises: 500, and nothing is kept
        else:
            at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
            assert Webhook(self.secret).sign(uid, at, body.decode()) in request.headers["webhook-signature"].split()
        if mood == "hold":
            self.held += 1
            await self.let_go.wait()
        if mood in ("take", "take_and_reset", "take_and_fail", "hold", "flood"):
            self.seen.append(uid)
            self.kept.setdefault(uid, orjson.loads(body))
        if mood in ("reset", "take_and_reset"):
            assert request.transport is not None
            request.transport.abort()
        if mood == "redirect":
            return web.Response(status=307, headers={"Location": self.url.replace("/in", "/elsewhere")})
        if mood == "busy":
            return web.Response(status=503, headers={"Retry-After": "0"})
        if mood == "gone":
            return web.Response(status=410)
        if mood == "flood":
            return web.Response(body=b"x" * 300_000)
        return web.Response(status=500 if mood in ("fail", "take_and_fail", "reset", "take_and_reset") else 204)

    async def elsewhere(self, _: web.Request) -> web.StreamResponse:
        raise AssertionError("nobody follows a redirect")


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Listen on a port of this machine until the end."""
    app = web.Application()
    app.router.add_post("/in", receiver.answer)
    app.router.add_post("/elsewhere", receiver.elsewhere)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", receiver.port)
    await site.start()
    assert site._server is not None
    receiver.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        await runner.cleanup()
