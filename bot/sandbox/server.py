"""The sandbox over HTTP: the Bot API for the bot, the control API and the page for people.

    with running_sandbox() as sandbox:            # a thread of this process, a free port
        sandbox.url, sandbox.token, sandbox.world

    serve(port=8081, start=...)                   # a process of its own: `enlace sandbox`

Bot API paths are `/bot{token}/{method}` and `/file/bot{token}/{path}`; everything else belongs to Starlette. Every
answer carries `X-Sandbox-Clock`, the sandbox's own time, so that a bot that was started with another clock can follow.
"""

import asyncio
import inspect
import logging
import re
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.sandbox import control, schema
from bot.sandbox.clock import rung
from bot.sandbox.control import Supervisor
from bot.sandbox.faults import Fault
from bot.sandbox.methods import perform
from bot.sandbox.methods.call import Call, Described
from bot.sandbox.refusals import Refusal, bad_request, not_found, too_many_requests, unauthorized
from bot.sandbox.schema import Upload
from bot.sandbox.telegram import UPLOAD_LIMIT, Bot, World
from bot.sandbox.updates import Courier, CutError
from bot.signals import on_signal

log = logging.getLogger(__name__)

Json = dict[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GATEWAY_PAGE: Final = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><hr>nginx</body>\r\n</html>\r\n"
TIMEOUT_FAULT: Final = 60.0  # seconds of silence, unless the fault names another number
BODY_LIMIT: Final = UPLOAD_LIMIT + 1024 * 1024  # the file and the fields around it
# Names of this machine for a connection that comes to a loopback address.
OWN_NAMES: Final = re.compile(rb"((.+\.)?localhost|127\.0\.0\.1|\[::1\]|host\.docker\.internal)(:\d+)?", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{3,}")
_PATH: Final = re.compile(r"/(file/)?bot([^/]+)/(.+)")


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol; here a request can also cut its own connection, for faults."""

    is_ended = False

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.scope["sandbox.transport"] = self.transport  # type: ignore[typeddict-unknown-key]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.is_ended:
            reset(transport)

    def end(self) -> None:
        """Reset the connection now. If the port closed before the connection existed, reset it as soon as it exists."""
        self.is_ended = True
        if self.transport is not None and not self.transport.is_closing():
            reset(self.transport)


class Door:
    """A port for the bot, which is closed while Telegram is down.

    A refused and a reset connection differ for a bot: after a refusal it knows that nothing was sent. The port of the
    control API cannot be closed, so there `down` can only reset.
    """

    def __init__(self, world: World, listening: socket.socket) -> None:
        self._world = world
        self._listening: socket.socket | None = listening
        self._address = listening.getsockname()
        self._connections: set[Protocol] = set()
        self.port: int = self._address[1]
        self.uvicorn: uvicorn.Server | None = None  # whose connections these are

    def _protocol(self) -> Protocol:
        assert self.uvicorn is not None
        state = self.uvicorn.server_state
        protocol = Protocol(self.uvicorn.config, state, self.uvicorn.lifespan.state)
        self._connections = {each for each in self._connections if each in state.connections or each.transport is None}
        self._connections.add(protocol)
        return protocol

    async def run(self) -> None:
        """Open and close the port until cancelled."""
        server: asyncio.Server | None = None
        try:
            while True:
                waiter = self._world.switch_bell.waiter()
                if self._world.down and server is not None:
                    server.close()
                    server = None
                    for protocol in self._connections:
                        protocol.end()
                elif not self._world.down and server is None:
                    listening, self._listening = self._listening or listen(*self._address), None
                    server = await asyncio.get_running_loop().create_server(self._protocol, sock=listening)
                await rung(waiter, None)
        finally:
            if server is not None:
                server.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 means any free port."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(1024)
    return listening


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST: the other side gets an error, not an end."""
    line = transport.get_extra_info("socket")
    if line is not None:
        with suppress(OSError, ValueError):  # the other side was faster
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def cut(scope: Scope, receive: Receive) -> None:
    """Break the connection of a request, as a broken network does."""
    reset(scope["sandbox.transport"])
    while (await receive())["type"] != "http.disconnect":  # otherwise uvicorn would answer in our place
        pass


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an HTTP call of the bot."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"

    @classmethod
    def of(cls, result: object) -> "Answer":
        if isinstance(result, Described):
            return cls(200, orjson.dumps({"ok": True, "result": True, "description": result.description}))
        return cls(200, orjson.dumps({"ok": True, "result": result}))

    @classmethod
    def refused(cls, refusal: Refusal) -> "Answer":
        body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
        if refusal.parameters:
            body["parameters"] = refusal.parameters
        return cls(refusal.code, orjson.dumps(body))


class Gateway:
    """The Bot API as an ASGI application. It has one path, and neither routing nor middleware."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.world.down:
            return await cut(scope, receive)
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            return await self._send(send, Answer.refused(not_found()))
        is_file, token, rest = found.groups()
        if _TOKEN.fullmatch(token) is None:
            return await self._send(send, Answer.refused(not_found()))
        with self.world.lock:
            bot = self.world.bot_of(token)
        if bot is None:
            return await self._send(send, Answer.refused(unauthorized()))
        if is_file:
            return await self._file(scope, receive, send, unquote(rest))
        await self._method(scope, receive, send, bot, rest)

    async def _method(self, scope: Scope, receive: Receive, send: Send, bot: Bot, name: str) -> None:
        world = self.world
        given: Json = {}
        uploads: dict[str, Upload] = {}
        fault: Fault | None = None
        unknown: list[str] = []
        method = schema.method_named(name)
        try:
            if method is None:
                raise not_found("method not found")
            given, uploads = await read_body(scope, receive)
            if world.latency:
                await asyncio.sleep(world.latency)
                if world.down:
                    raise CutError
            with world.lock:
                fault = world.faults.draw(method, given.get("chat_id"))
            if fault is not None and fault.kind not in ("slow", "repeat") and fault.when == "before":
                answer = None
            else:
                forgets = fault is None or fault.kind != "repeat"
                answer, unknown = await self.performed(bot, method, given, uploads, forgets=forgets)
        except Refusal as refusal:
            answer = Answer.refused(refusal)
        except ClientDisconnect:
            return
        except CutError:
            self._record(method or name, given, uploads, None, "down", unknown)
            return await cut(scope, receive)
        label = ""
        if fault is not None:
            label = f"{fault.kind} {fault.when} #{fault.id}"
            answer = struck(fault, answer)
        self._record(method or name, given, uploads, answer, label, unknown)
        if fault is not None:
            await asyncio.sleep(patience(fault))
        if answer is None:
            return await cut(scope, receive)
        await self._send(send, answer)

    async def performed(
        self, bot: Bot, method: str, given: Json, uploads: dict[str, Upload], *, forgets: bool = True
    ) -> tuple[Answer, list[str]]:
        """The answer to one call, after its whole effect; and the unknown parameters."""
        unknown: list[str] = []
        try:
            with self.world.lock:
                params, unknown = schema.read(method, given, uploads)
                result = perform(Call(self.world, bot, method, params, uploads, forgets=forgets))
            if inspect.isawaitable(result):
                result = await result
            return Answer.of(result), unknown
        except Refusal as refusal:
            return Answer.refused(refusal), unknown

    async def ride(self, bot: Bot, name: str, given: Json) -> None:
        """Perform and record a method that came in a webhook's answer. Its result is discarded."""
        method = schema.method_named(name)
        if method is None:
            return
        answer, unknown = await self.performed(bot, method, given, {})
        self._record(method, given, {}, answer, "", unknown, via="webhook")

    def _record(
        self,
        method: str,
        given: Json,
        uploads: dict[str, Upload],
        answer: Answer | None,
        fault: str,
        unknown: list[str],
        via: str = "http",
    ) -> None:
        files = {name: {"file_name": upload.name, "size": len(upload.data)} for name, upload in uploads.items()}
        with self.world.lock:
            self.world.record(
                method,
                {**given, **files},
                status=answer.status if answer is not None else 0,
                description=_words(answer),
                fault=fault,
                unknown=unknown,
                via=via,
            )

    async def _file(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        with self.world.lock:
            fault = self.world.faults.draw("download", None)
            stored = self.world.paths.get(path)
        answer: Answer | None = Answer.refused(not_found())
        if stored is not None:
            answer = Answer(200, stored.data, b"application/octet-stream")
        if fault is not None:
            answer = struck(fault, answer)
            await asyncio.sleep(patience(fault))
        if answer is None:
            return await cut(scope, receive)
        await self._send(send, answer)

    async def _send(self, send: Send, answer: Answer) -> None:
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-sandbox-clock", f"{self.world.now():.6f}".encode()),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def struck(fault: Fault, answer: Answer | None) -> Answer | None:
    """The answer after a fault has struck. None if the connection is cut."""
    match fault.kind:
        case "refuse":
            return Answer.refused(Refusal(fault.status or 400, fault.description or "Bad Request: refused on command"))
        case "429":
            return Answer.refused(too_many_requests(fault.retry_after))
        case "5xx":
            status = fault.status or 502
            return Answer.refused(Refusal(status, fault.description or HTTPStatus(status).phrase))
        case "html":
            return Answer(fault.status or 502, GATEWAY_PAGE, b"text/html")
        case "truncated":
            whole = answer.body if answer else orjson.dumps({"ok": True, "result": {"message_id": 1}})
            return Answer(fault.status or 200, whole[: len(whole) // 2])
        case "timeout" | "reset":
            return None
        case "slow" | "repeat":
            return answer


def patience(fault: Fault) -> float:
    """Return how many seconds the bot waits before it gets its answer."""
    if fault.delay is None:
        return TIMEOUT_FAULT if fault.kind == "timeout" else 0.0
    return fault.delay


def _words(answer: Answer | None) -> str:
    if answer is None or answer.status == HTTPStatus.OK or answer.content_type != b"application/json":
        return ""
    return str(orjson.loads(answer.body).get("description", ""))


async def read_body(scope: Scope, receive: Receive) -> tuple[Json, dict[str, Upload]]:
    """The parameters of a call, from the query string and a JSON, form or multipart body; and its files."""
    given: Json = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > BODY_LIMIT:
        raise Refusal(413, "Request Entity Too Large")
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == b"multipart/form-data":
        return await _multipart(scope, receive, given)
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > BODY_LIMIT:
            raise Refusal(413, "Request Entity Too Large")
        if not message.get("more_body"):
            break
    body = b"".join(chunks)
    if kind == b"application/json" and body.strip():
        try:
            fields = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise bad_request("can't parse JSON object") from None
        if not isinstance(fields, dict):
            raise bad_request("can't parse JSON object: object expected")
        given |= fields
    elif body:
        given |= dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    return given, {}


async def _multipart(scope: Scope, receive: Receive, given: Json) -> tuple[Json, dict[str, Upload]]:
    uploads: dict[str, Upload] = {}
    try:
        async with Request(scope, receive).form(max_part_size=BODY_LIMIT, max_files=100) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    uploads[name] = await _upload(value)
                else:
                    given[name] = value
    except MultiPartException as error:
        raise bad_request(f"can't parse the multipart body: {error.message}") from None
    return given, uploads


async def _upload(sent: UploadFile) -> Upload:
    data = await sent.read()
    if len(data) > UPLOAD_LIMIT:
        raise Refusal(413, "Request Entity Too Large")
    return Upload(sent.filename or "", data, sent.content_type or "")


def is_foreign(scope: Scope) -> bool:
    """Whether a page of another site, in a browser on this machine, sent this request.

    Nobody signs in to a sandbox: any client may do everything, so only its own page may reach it. A foreign page is
    recognised by `Origin` or `Sec-Fetch-Site`. A page whose own name was made to point here (DNS rebinding) is
    recognised by a `Host` that does not name this machine. Programs send no `Origin` and no `Sec-Fetch-Site`, and may
    call.
    """
    headers: dict[bytes, bytes] = dict(scope["headers"])
    host = headers.get(b"host", b"")
    is_own_machine = (scope.get("server") or ("",))[0] in ("127.0.0.1", "::1")
    if host and is_own_machine and OWN_NAMES.fullmatch(host) is None:
        return True
    if not scope["path"].startswith(("/sandbox", "/bot", "/file")):  # the page itself: links may lead to it
        return False
    if headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
        return True
    return b"origin" in headers and urlsplit(headers[b"origin"]).netloc != host


def create_app(world: World, supervisor: Supervisor | None = None, door: Door | None = None) -> Any:
    """The ASGI application of one world: Bot API, control API, page. It delivers updates to webhooks while it lives."""
    gateway = Gateway(world)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(Courier(world, gateway.ride).run())]
            if door is not None:
                running.append(tasks.create_task(door.run()))
            yield
            for task in running:
                task.cancel()

    rest = Starlette(routes=control.routes(world, supervisor), lifespan=lifespan)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_foreign(scope):
            await control.as_json({"error": "another site's page has no business here"}, 403)(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(("/bot", "/file/bot")):
            await gateway(scope, receive, send)
        else:
            await rest(scope, receive, send)

    return app


class Server(uvicorn.Server):
    """uvicorn's server. On a signal it first ends what waits: the bot it supervises, polls, and event streams of pages.

    uvicorn would raise the signal again at its end and die of it. Here such an end is normal. The handler stays until
    the process ends, so a second signal changes nothing. It only tells the event loop: whoever was interrupted may hold
    a lock that leaving needs.
    """

    def __init__(self, config: uvicorn.Config, world: World, supervisor: Supervisor | None = None) -> None:
        super().__init__(config)
        self._world = world
        self._supervisor = supervisor

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()

            def hear() -> None:
                with suppress(RuntimeError):  # the loop is closed: the process ends already
                    loop.call_soon_threadsafe(self.leave)

            on_signal(hear)
        yield

    def leave(self) -> None:
        self.should_exit = True
        if self._supervisor is not None:
            self._supervisor.dismiss()
        self._world.close()


def _server(world: World, supervisor: Supervisor | None, door: Door | None) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(world, supervisor, door),
        http=Protocol,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = Server(config, world, supervisor)
    if door is not None:
        door.uvicorn = server
    return server


def serve(
    port: int = 8081,
    host: str = "127.0.0.1",
    *,
    world: World | None = None,
    start: float | None = None,
    supervisor: Supervisor | None = None,
    api_port: int | None = None,
) -> None:
    """Run the sandbox until SIGINT or SIGTERM.

    With `supervisor`, the page can stop and start the bot. The Bot API is on `port` too. At `api_port`, if given,
    connections are refused while Telegram is down, as in reality.
    """
    world = world or World(start=start)
    door = None if api_port is None else Door(world, listen(host, api_port))
    server = _server(world, supervisor, door)
    server.config.host, server.config.port = host, port
    server.run()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that runs in a thread of this process.

    `url`, for people and tests, always answers. `api`, for the bot, refuses connections while Telegram is down.
    """

    url: str
    token: str
    world: World
    api: str


@contextmanager
def running_sandbox(
    world: World | None = None, *, port: int = 0, supervisor: Supervisor | None = None, **settings: Any
) -> Iterator[Sandbox]:
    """A sandbox on a free port, served by a thread until the block ends. The test's thread may use the world.

    `settings` are those of `World`: start, token, username, any_token. Starting takes 10 ms, stopping 200: tests that
    share a sandbox call `world.reset()` between them.
    """
    world = world or World(**settings)
    door = Door(world, listen("127.0.0.1", 0))
    server = _server(world, supervisor, door)
    listening = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def run() -> None:
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listening]))

    serving = threading.Thread(target=run, name="sandbox", daemon=True)
    serving.start()
    while not server.started and serving.is_alive():
        time.sleep(0.002)
    if not server.started:
        raise RuntimeError("the sandbox did not start")
    try:
        yield Sandbox(url, world.bot.token, world, f"http://127.0.0.1:{door.port}")
    finally:
        server.should_exit = True
        world.close()
        serving.join(10)
        listening.close()
