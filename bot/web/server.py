"""Serve HTTP inside the bot's own process, with uvicorn.

uvicorn expects to control its process: it catches signals, and it calls `sys.exit` if its address is taken. Here the
composition root owns signals and tasks. So uvicorn's signal handlers are switched off, and an address that is taken
raises a `BotError` that names it.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
import uvicorn
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.acts.upkeep.status import has_room
from bot.alarms.standing import KINDS
from bot.log import log_alarm
from bot.settings import Settings, host_and_port
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.handled import Alarm, BotError, Clock
from bot.telegram.intake import Intake
from bot.telegram.webhook import WebhookEndpoint, WebhookKeeper
from bot.web.header_limits import ShortHeads
from bot.web.health import Question, web_app
from storage.database.migrating import check
from storage.errors import StorageError, Unavailable
from storage.unit_of_work import Units

logger = structlog.get_logger(__name__)

ASKED: Final = "ready.asked"
SILENCE: Final = 120.0
"""Seconds without a successful call after which Telegram counts as not reached."""
PATH: Final = "/telegram"
"""The path to which Telegram delivers updates."""
CLOSING: Final = 3
"""Seconds for the requests in progress when the server is to end."""


class _Server(uvicorn.Server):
    """uvicorn, which closes its address while `is_away`: whoever is in front of it asks another replica then."""

    def __init__(
        self, config: uvicorn.Config, listen: Callable[[], socket.socket], is_away: Callable[[], bool]
    ) -> None:
        super().__init__(config)
        self._listen = listen
        self._is_away = is_away

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        at = asyncio.get_running_loop().time()
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, ShortHeads):
                connection.look(at)
        if self._is_away() and self.servers:
            self._leave()
        elif not self._is_away() and not self.servers:
            await self._come_back()
        return await super().on_tick(counter)

    def _leave(self) -> None:
        """Accept nobody, keep no connection, and answer those who wait that they are to come again."""
        logger.warning("server.left")
        for server in self.servers:
            server.close()
        self.servers = []
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        for task in tuple(self.server_state.tasks):
            task.cancel()

    async def _come_back(self) -> None:
        with contextlib.suppress(BotError):  # somebody has taken the address: it is tried again
            await self.startup(sockets=[self._listen()])
            logger.info("server.came_back")


class HttpServer:
    """Serves an application on an address: `run` until `stop`. Requests in progress are answered first.

    `setting` is the variable that holds the address; errors name it for the operator. `is_away`: whether nobody is to
    be let in at this moment.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        setting: str = "ENLACE_LISTEN",
        is_away: Callable[[], bool] = lambda: False,
    ) -> None:
        config = uvicorn.Config(
            _until_the_end(app),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            headers=[("X-Content-Type-Options", "nosniff")],  # also of what uvicorn and the router answer themselves
            proxy_headers=False,  # bot.doors.credentials decides whose word counts about the client's address
            date_header=False,
            ws="none",
            http=ShortHeads,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=CLOSING,
        )
        self._listen = partial(_listen, host, port, setting)
        self._server = _Server(config, self._listen, is_away)
        self._listening: socket.socket | None = None
        self.ended = asyncio.Event()
        """Set when nobody is answered any more."""

    def listen(self) -> int:
        """Take the address and return its port. Clients that connect from now on are served as soon as `run` runs."""
        if self._listening is None:
            self._listening = self._listen()
        return int(self._listening.getsockname()[1])

    def stop(self) -> None:
        self._server.should_exit = True

    async def run(self) -> None:
        self.listen()
        listening, self._listening = self._listening, None
        assert listening is not None
        try:
            with listening:
                await self._server.serve(sockets=[listening])
        finally:
            self.ended.set()


def _until_the_end(app: ASGIApp) -> ASGIApp:
    """Wrap the application: a request that is cancelled because the server ends is answered 503.

    Such a request may be waiting for a database that is away. Telegram repeats every update that gets no 200. No cache
    may keep an answer, unless the application says so.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(_kept_by_no_cache(message))

        try:
            await app(scope, receive, sending)
        except asyncio.CancelledError:
            if not has_begun:
                headers = [(b"content-length", b"0"), (b"connection", b"close"), (b"retry-after", b"2")]
                await sending({"type": "http.response.start", "status": 503, "headers": headers})
                await send({"type": "http.response.body", "body": b""})

    return answered


def _kept_by_no_cache(message: Message) -> Message:
    headers = message.get("headers")
    if headers is None or any(name == b"cache-control" for name, _ in headers):
        return message
    return {**message, "headers": [*headers, (b"cache-control", b"no-store")]}


def _listen(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise BotError(f"cannot listen on {host}:{port} ({error.strerror}): see {setting}") from None
    return listening


def questions(
    api: Api, units: Units, settings: Settings, raised: Callable[[], Collection[str]] = frozenset
) -> dict[str, Question]:
    """The questions of `/readyz`. `raised` returns the kinds of alarms that stand."""

    async def database() -> bool:
        """Check that the database can be written: a full disk is as bad as one that is away or lacks our tables."""
        try:
            await units.run(None, lambda unit: unit.facts.set(ASKED, "", datetime.now(UTC)))
        except Unavailable:
            return False
        return True

    async def migrations() -> bool:
        try:
            await asyncio.to_thread(check, settings.database_url)
        except StorageError:
            return False
        return True

    async def telegram() -> bool:
        ago = api.answered_ago
        return ago is not None and ago < SILENCE

    async def disk() -> bool:
        return has_room(settings) and "disk" not in raised()

    async def is_quiet(kind: str) -> bool:
        return kind not in raised()

    asked: dict[str, Question] = {"database": database, "migrations": migrations, "telegram": telegram, "disk": disk}
    stopping = (name for name, kind in KINDS.items() if kind.stops_work and name not in asked)
    return asked | {name: partial(is_quiet, name) for name in stopping}


def operations(settings: Settings, metrics: BaseRoute, asked: Mapping[str, Question]) -> HttpServer:
    """The server for monitoring, at ENLACE_METRICS: `/healthz`, `/readyz` and, nowhere else, `/metrics`.

    It has its own address, because the address of the webhook is open to the world.
    """
    assert settings.metrics is not None
    host, port = host_and_port(settings.metrics)
    return HttpServer(web_app([metrics], asked), host, port, setting="ENLACE_METRICS")


def alone(settings: Settings, routes: Sequence[BaseRoute], asked: Mapping[str, Question]) -> HttpServer:
    """The server for other programs, at ENLACE_LISTEN, while the bot polls Telegram."""
    return HttpServer(web_app(routes, asked), *host_and_port(settings.listen))


class Webhook:
    """Brings updates by webhook, as `Polling` does by polling: `run` until `stop`, while its `server` runs.

    The server runs first: it answers a supervisor while the bot waits for its database. `asked` are the questions of
    `/readyz`. `is_away`: whether another replica is to be asked at this moment.
    """

    def __init__(
        self,
        api: Api,
        units: Units,
        intake: Intake,
        delivery: Delivery,
        clock: Clock,
        settings: Settings,
        *,
        asked: Mapping[str, Question],
        routes: Sequence[BaseRoute] = (),
        alarm: Alarm = log_alarm,
        is_away: Callable[[], bool] = lambda: False,
        look_every: float = 5.0,
    ) -> None:
        self._intake = intake
        self._endpoint = WebhookEndpoint(intake, delivery, settings.webhook_secret)
        self._endpoint.is_open = False
        endpoint: Any = self._endpoint
        app = web_app([Route(PATH, endpoint, methods=["POST"]), *routes], asked)
        self.server = HttpServer(app, *host_and_port(settings.listen), is_away=is_away)
        address = str(settings.webhook_url)
        self.keeper = WebhookKeeper(
            api, units, clock, address, settings.webhook_secret, alarm=alarm, look_every=look_every
        )

    async def run(self) -> None:
        self._endpoint.is_open = True
        await self.keeper.run()  # Telegram is told where to deliver only when somebody opens there
        await self.server.ended.wait()
        await self._intake.settle(3.0)

    def stop(self) -> None:
        self.keeper.stop()
        self.server.stop()
