"""The webhook's door: nobody without the secret, 200 only after the commit, and what a supervisor may ask (S9)."""

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr

from bot.alarms.standing import KINDS
from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.telegram.handled import BotError, Handled
from bot.telegram.intake import Intake
from bot.telegram.webhook import WebhookEndpoint
from bot.web.header_limits import LONGEST, ShortHeads
from bot.web.server import HttpServer, Webhook, questions
from storage.errors import Unavailable
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    Bot,
    Echo,
    calls,
    quiet,
    running,
    texts,
    until,
)
from tests.deadlines import PATIENCE
from tests.deadlines import until as come
from tests.ports import free_port
from tests.proxies import is_open

SECRET = "a-secret-that-nobody-guesses_1234"
UPDATE = {"update_id": 1, "message": {"message_id": 1, "chat": {"id": ANA, "type": "private"}, "text": "hola"}}


class Away(Echo):  # type: ignore[misc, valid-type]
    """An echo whose database can be away, and that remembers whether it was asked at all."""

    is_away = False
    is_slow = False
    asked = 0

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        type(self).asked += 1
        if self.is_away:
            raise Unavailable("away")
        handled: Handled = super().handle(unit, raw, now)
        return handled


@pytest.fixture(autouse=True)
def _away_no_more() -> None:
    Away.is_away = False
    Away.asked = 0


@contextlib.asynccontextmanager
async def open_door(
    sandbox: Sandbox, database: Database, url: str = "sqlite://", *, handler: type[Echo] = Away, **options: Any
) -> AsyncIterator[tuple[Bot, Webhook, int]]:
    """A bot with its webhook served and set."""
    port = free_port()
    settings = Settings(
        webhook_url=HttpUrl(f"http://127.0.0.1:{port}/telegram"),
        webhook_secret=SecretStr(SECRET),
        listen=f"127.0.0.1:{port}",
        database_url=url,
    )
    async with running(sandbox, database, handle=lambda bot_id: handler(bot_id).handle) as bot:
        asked = questions(bot.api, database.units, settings)
        webhook = Webhook(
            bot.api, database.units, bot.intake, bot.delivery, bot.clock, settings, asked=asked, **options
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(webhook.server.run())
            tasks.create_task(webhook.run())
            try:
                await until(lambda: sandbox.world.bot.webhook is not None)
                yield bot, webhook, port
            finally:
                webhook.stop()


async def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, read one answer: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1]), headers, body
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def post(body: bytes, *, secret: str = SECRET, length: int | None = None, path: str = "/telegram") -> bytes:
    given = f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\n" if secret else ""
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{given}Content-Length: {size}\r\n\r\n".encode() + body


# ------------------------------------------------------------------ the door
async def test_without_the_secret_nobody_reads_the_body(sandbox: Sandbox, sqlite: Database) -> None:
    """403 at once, although the body has not come (and would be too large), and no word to the database."""
    async with open_door(sandbox, sqlite) as (_, _, port):
        for secret in ("", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper()):
            status, headers, _ = await ask(port, post(b"", secret=secret, length=10_000_000))
            assert status == 403, secret
            assert headers["connection"] == "close"
            status, _, _ = await ask(port, post(json.dumps(UPDATE).encode(), secret=secret))
            assert status == 403, secret
    assert Away.asked == 0


async def test_a_body_over_one_megabyte_is_refused(sandbox: Sandbox, sqlite: Database) -> None:
    """By its announced length before it is read, and by what comes if nothing was announced."""
    async with open_door(sandbox, sqlite) as (_, _, port):
        assert (await ask(port, post(b"", length=1_048_577)))[0] == 413
        head = f"POST /telegram HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n".encode()
        chunks = (b"%x\r\n" % 65_536 + b" " * 65_536 + b"\r\n") * 17
        assert (await ask(port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks))[0] == 413
    assert Away.asked == 0


async def test_what_is_no_update_is_a_bad_request(sandbox: Sandbox, sqlite: Database) -> None:
    """400, and nothing applied."""
    async with open_door(sandbox, sqlite) as (_, _, port):
        for body in (b"", b"{", b"[]", b'"x"', b"{}", b'{"update_id": "1"}', b'{"update_id": true}', b"\xff"):
            assert (await ask(port, post(body)))[0] == 400, body
    assert Away.asked == 0


async def test_only_post_and_only_there(sandbox: Sandbox, sqlite: Database) -> None:
    """Other methods and paths are not the door."""
    async with open_door(sandbox, sqlite) as (_, _, port):
        assert (await ask(port, b"GET /telegram HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 405
        assert (await ask(port, post(b"{}", path="/other")))[0] == 404


async def test_no_answer_is_taken_for_something_else_or_kept(sandbox: Sandbox, sqlite: Database) -> None:
    """Whoever answers: the endpoint, the router, or the server itself to what it cannot read."""
    asked = (
        (post(json.dumps(UPDATE).encode()), 200),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"this is no HTTP\r\n\r\n", 400),
        (post(b"{"), 400),
        (post(b"{}", secret="wrong"), 403),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"PUT /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
        (post(b"", length=1_048_577), 413),
    )
    async with open_door(sandbox, sqlite) as (_, _, port):
        for request, status in asked:
            found, headers, _ = await ask(port, request)
            assert found == status, request
            assert headers["x-content-type-options"] == "nosniff", request
            assert headers["cache-control"] == "no-store", request


async def test_a_body_that_does_not_come_is_not_waited_for_ever(sandbox: Sandbox, database: Database) -> None:
    """A slow sender must not hold the door open."""
    async with running(sandbox, database) as bot:
        endpoint = WebhookEndpoint(bot.intake, bot.delivery, SecretStr(SECRET), body_timeout=0.2)
        server = HttpServer(endpoint, "127.0.0.1", 0)  # type: ignore[arg-type]
        port = server.listen()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run())
            assert (await ask(port, post(b"{", length=100)))[0] == 408
            server.stop()


# ------------------------------------------------------------------ applying
async def test_200_means_durable(sandbox: Sandbox, database: Database) -> None:
    """When Telegram hears 200, the update is in the database; a repetition changes nothing."""
    async with open_door(sandbox, database) as (bot, _, port):
        for _ in range(3):
            status, _, body = await ask(port, post(json.dumps(UPDATE).encode()))
            assert (status, body) == (200, b"")
            assert await bot.heard(ANA) == ["hola"]
        await quiet(bot)
    assert texts(sandbox, ANA) == ["1: hola"]


def numbered(number: int, text: str = "hola") -> bytes:
    return json.dumps({**UPDATE, "update_id": number, "message": {**UPDATE["message"], "text": text}}).encode()


def chunked(body: bytes) -> bytes:
    head, _, _ = post(b"").partition(b"Content-Length")
    return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "pieces",
    [
        [post(numbered(1))],
        [post(numbered(1)), post(numbered(2))],
        [post(numbered(1)) + post(numbered(2)) + post(numbered(3))],
        [post(numbered(1))[:40], post(numbered(1))[40:-30], post(numbered(1))[-30:]],
        [post(numbered(1)) + post(numbered(2))[:-1], post(numbered(2))[-1:]],
        [chunked(numbered(1)), chunked(numbered(2))[:-9], chunked(numbered(2))[-9:]],
        [post(numbered(1, "a" * 100_000)), post(numbered(2, "a" * 300_000)), post(numbered(3))],
        [post(numbered(1)).replace(b"Host", b"Expect: 100-continue\r\nHost")],
    ],
    ids=["whole", "one after another", "together", "in pieces", "one and a half", "chunked", "large", "expected"],
)
async def test_however_it_comes_an_update_is_applied(
    sandbox: Sandbox, sqlite: Database, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is answered 200 on the connection, which is kept, and each is applied."""
    sent, answers = b"".join(pieces).count(b"POST "), 0
    written, read = bytearray(), bytearray()
    real = ShortHeads.data_received

    def received(self: ShortHeads, data: bytes) -> None:
        read.extend(data)
        real(self, data)

    monkeypatch.setattr(ShortHeads, "data_received", received)
    async with open_door(sandbox, sqlite) as (_, _, port), asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in pieces:
            written.extend(piece)
            writer.write(piece)
            await come(lambda: read.endswith(written), "the server to read what was written")
        while answers < sent:
            head = await reader.readuntil(b"\r\n\r\n")
            answers += head.startswith(b"HTTP/1.1 200 ")
            assert b" 200 " in head or b" 100 " in head
            assert b"connection: close" not in head
        writer.close()
    assert answers == Away.asked == sent


async def test_a_defect_of_ours_is_no_broken_request(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """500, and the log says why. Telegram brings the update again."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async with open_door(sandbox, sqlite) as (_, _, port), asyncio.timeout(PATIENCE):
        monkeypatch.setattr(Intake, "apply", fail)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(numbered(1)))
        assert b" 500 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert "ZeroDivisionError" in caplog.text


async def test_while_the_database_is_away_telegram_is_told_to_come_again(sandbox: Sandbox, database: Database) -> None:
    """503 with Retry-After, never 200 without a commit (G1); afterwards the same update is applied."""
    async with open_door(sandbox, database) as (bot, _, port):
        Away.is_away = True
        status, headers, _ = await ask(port, post(json.dumps(UPDATE).encode()))
        assert status == 503
        assert int(headers["retry-after"]) > 0

        Away.is_away = False
        assert (await ask(port, post(json.dumps(UPDATE).encode())))[0] == 200
        assert await bot.heard(ANA) == ["hola"]


async def test_poison_is_accepted_once_it_is_set_aside(sandbox: Sandbox, database: Database) -> None:
    """Otherwise Telegram would bring it for a day."""
    poison = {**UPDATE, "message": {**UPDATE["message"], "text": "poison"}}  # type: ignore[dict-item]
    async with open_door(sandbox, database) as (bot, _, port):
        assert (await ask(port, post(json.dumps(poison).encode())))[0] == 200
        assert len(await bot.poison()) == 1


async def test_the_whole_way_by_webhook(sandbox: Sandbox, database: Database) -> None:
    """Telegram delivers, the bot answers; what a tap is answered rides on the reply, and nothing else."""
    async with open_door(sandbox, database) as (bot, _, _):
        people.say(sandbox.world, ANA, "card")
        await until(lambda: texts(sandbox, ANA) == ["1: card"])
        number = sandbox.world.ledger.entries[0].message_id
        assert number is not None
        people.tap(sandbox.world, ANA, number, text="uno")
        await until(lambda: len(sandbox.world.ledger.entries) >= 2)
        await quiet(bot)
        await until(lambda: bool(calls(sandbox, "answerCallbackQuery")))
    [answer] = calls(sandbox, "answerCallbackQuery")

    assert answer.via == "webhook"
    assert answer.status == 200
    assert [call.method for call in list(sandbox.world.calls) if call.via == "webhook"] == ["answerCallbackQuery"]


async def test_telegram_is_told_the_secret_and_what_is_wanted(sandbox: Sandbox, database: Database) -> None:
    """setWebhook carries the secret, the kinds of updates, and how many may come at once."""
    async with open_door(sandbox, database) as (_, _, port):
        [call] = calls(sandbox, "setWebhook")

    assert call.params["url"] == f"http://127.0.0.1:{port}/telegram"
    assert call.params["secret_token"] == SECRET
    assert call.params["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert call.params["max_connections"] == 40


async def test_a_webhook_that_was_changed_is_an_alarm_and_set_again(sandbox: Sandbox, database: Database) -> None:
    """Somebody else with our token: told within 10 s (T6), and updates come to us again."""
    alarms: list[str] = []
    async with open_door(sandbox, database, alarm=lambda kind, _: alarms.append(kind), look_every=0.2) as door:
        port = door[2]
        thief = BotByHand(sandbox.url, sandbox.token)
        await asyncio.to_thread(thief.call, "setWebhook", url="http://127.0.0.1:9/x")
        await until(lambda: "foreign_webhook" in alarms)
        hook = f"http://127.0.0.1:{port}/telegram"
        await until(lambda: len([call for call in calls(sandbox, "setWebhook") if call.params["url"] == hook]) == 2)


async def test_a_secret_telegram_would_not_take_is_refused_at_the_start(sandbox: Sandbox, sqlite: Database) -> None:
    """An empty secret would open the door to everybody."""
    async with running(sandbox, sqlite) as bot:
        for secret in ("", "with space", "ñ", "x" * 257):
            with pytest.raises(BotError, match="ENLACE_WEBHOOK_SECRET"):
                WebhookEndpoint(bot.intake, bot.delivery, SecretStr(secret))


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    """With the setting that names it, and without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BotError, match=f"127.0.0.1:{port}.*ENLACE_LISTEN"):
            HttpServer(None, "127.0.0.1", port).listen()  # type: ignore[arg-type]


@pytest.mark.parametrize("begun", [b"", b"POST /telegram HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_headers_that_never_end_are_cut_off(
    sandbox: Sandbox, database: Database, url: str, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server in front: a connection that says nothing, or goes on with its headers for ever (S9)."""
    monkeypatch.setattr(ShortHeads, "within", 0.05)
    async with open_door(sandbox, database, url) as (_, _, port), asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        assert await reader.read() == b""
        writer.close()


async def test_headers_that_are_long_are_cut_off(sandbox: Sandbox, database: Database, url: str) -> None:
    """At once, however long they would have been; a second request on a kept connection is counted for itself."""
    async with open_door(sandbox, database, url) as (_, _, port), asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (LONGEST * 2 // 3) + b"\r\n\r\n")
            assert (await reader.readuntil(b"\r\n")).split()[1] == b"200"
            await reader.readuntil(b"ok")
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-Long: a\r\n" * LONGEST)
            await writer.drain()
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["silent", "kept"])
async def test_connections_that_ask_for_nothing_make_room(
    sandbox: Sandbox, database: Database, url: str, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many a stranger holds, there is room for the next, and the bot has files left to open (S9, S16)."""
    monkeypatch.setattr(ShortHeads, "most", 5)
    async with open_door(sandbox, database, url) as (_, _, port), asyncio.timeout(PATIENCE):
        held = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            if said:
                await reader.readuntil(b"ok")
            held.append((reader, writer))
        for reader, _ in held[:12]:
            assert await reader.read() == b""
        assert (await ask(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200
        for _, writer in held:
            writer.close()


async def test_a_body_that_nobody_reads_does_not_hold_its_connection(
    sandbox: Sandbox, database: Database, url: str
) -> None:
    """Its answer is said, and still it comes: chunks without end, or trailers, which would be kept in memory."""
    async with open_door(sandbox, database, url) as (_, _, port), asyncio.timeout(PATIENCE):
        for part in (b"5\r\nhello\r\n", b"0\r\nX-Trailer: x\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            await reader.readuntil(b"ok")
            with contextlib.suppress(ConnectionError):
                writer.write(part)
                await writer.drain()
                assert await reader.read() == b""
            writer.close()


# ------------------------------------------------------------------ health
async def test_a_supervisor_hears_whether_the_bot_lives_and_whether_it_can_work(
    sandbox: Sandbox, database: Database, url: str
) -> None:
    """/healthz is the process; /readyz is the database, its migrations, and Telegram's last answer."""
    async with open_door(sandbox, database, url) as (bot, _, port):
        assert (await ask(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))[::2] == (200, b"ok")

        status, _, body = await ask(port, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        told = json.loads(body)
        assert (status, set(told.values())) == (200, {"ok"})
        stopping = {name for name, kind in KINDS.items() if kind.stops_work}
        assert set(told) == {"database", "migrations", "telegram", *stopping}

        for transport in (bot.api._kept, bot.api._polling, bot.api._fresh):
            transport.answered_at = None
        sandbox.world.faults.add(Fault("5xx"))
        status, _, body = await ask(port, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (status, json.loads(body)["telegram"]) == (503, "failing")


async def test_who_floods_the_door_holds_no_connection_for_long(sandbox: Sandbox, database: Database) -> None:
    """All forty of Telegram's connections and many more from one chat: others are answered before its line is done."""
    for number in range(100):
        people.say(sandbox.world, ANA, f"{number}")
    people.say(sandbox.world, LUIS, "quick")
    async with open_door(sandbox, database) as (bot, _, _):
        await come(lambda: texts(sandbox, LUIS) == ["1: quick"], "the other's answer")
        await come(lambda: not sandbox.world.bot.pending, "everything is acknowledged")
        assert sorted(map(int, await bot.heard(ANA))) == list(range(100))


class Doorman(Echo):  # type: ignore[misc, valid-type]
    """Ana is a stranger."""

    looked_at = 0

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        if raw["message"]["chat"]["id"] != ANA:
            return super().handle(unit, raw, now)._replace(is_stranger=False)
        type(self).looked_at += 1
        unit.inbox.first_sight(self._bot_id, raw["update_id"], now)
        return Handled(is_stranger=True)


async def test_a_stranger_who_floods_the_door_is_acknowledged_and_makes_no_unit(
    sandbox: Sandbox, database: Database
) -> None:
    """Thirty are looked at and three a second; 200 for the rest, and others are answered (S16)."""
    Doorman.looked_at = 0
    begun = asyncio.get_running_loop().time()
    for number in range(100):
        people.say(sandbox.world, ANA, f"{number}")
    people.say(sandbox.world, LUIS, "quick")
    async with open_door(sandbox, database, handler=Doorman) as (bot, _, _):
        await come(lambda: texts(sandbox, LUIS) == ["1: quick"], "the other's answer")
        await come(lambda: not sandbox.world.bot.pending, "everything is acknowledged")
        assert bot.intake.dropped > 0
        assert Doorman.looked_at + bot.intake.dropped == 100
        assert Doorman.looked_at <= 30 + 3 * (asyncio.get_running_loop().time() - begun) + 2
        assert texts(sandbox, ANA) == []


async def test_a_request_that_is_broken_off_at_the_end_is_told_to_come_again() -> None:
    """The server ends while a commit is waited for: 503, and no traceback in the log."""
    waiting = asyncio.Event()

    async def never(scope: object, receive: object, send: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    server = HttpServer(never, "127.0.0.1", 0)  # type: ignore[arg-type]
    port = server.listen()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.run())
        asked = tasks.create_task(ask(port, post(b"{}")))
        await waiting.wait()
        server.stop()
    status, headers, _ = asked.result()

    assert (status, headers["retry-after"]) == (503, "2")


class Stuck(Echo):  # type: ignore[misc, valid-type]
    """An echo whose unit lasts until it may go on."""

    has_begun = threading.Event()
    may_go_on = threading.Event()

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        self.has_begun.set()
        self.may_go_on.wait(PATIENCE)
        handled: Handled = super().handle(unit, raw, now)
        return handled


@contextlib.asynccontextmanager
async def first_come(
    sandbox: Sandbox, database: Database, handler: type[Echo], *, commit_timeout: float = 25.0, kept_for: float = 75
) -> AsyncIterator[tuple[WebhookEndpoint, int]]:
    """A server that hands updates to their endpoint, and its port."""
    async with running(sandbox, database, handle=lambda bot_id: handler(bot_id).handle) as bot:
        endpoint: Any = WebhookEndpoint(bot.intake, bot.delivery, SecretStr(SECRET), commit_timeout=commit_timeout)
        server = HttpServer(endpoint, "127.0.0.1", 0)
        server._server.config.timeout_keep_alive = kept_for  # type: ignore[assignment]
        port = server.listen()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run())
            try:
                yield endpoint, port
            finally:
                server.stop()


async def test_a_commit_that_takes_long_is_not_waited_for_ever(sandbox: Sandbox, sqlite: Database) -> None:
    """503 on a connection that is kept. The update is applied once: who brings it again waits for the same commit."""
    Stuck.has_begun.clear()
    Stuck.may_go_on.clear()
    async with first_come(sandbox, sqlite, Stuck, commit_timeout=0.1) as (endpoint, port), asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for status in (503, 503, 200):
            writer.write(post(numbered(1)))
            if status == 200:
                endpoint._commit_timeout = PATIENCE
                Stuck.may_go_on.set()
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert b"connection: close" not in head
        writer.close()
    assert texts(sandbox, ANA) == ["1: hola"]


async def test_who_is_cut_off_lets_nobody_in_and_keeps_nobody_until_it_is_back(
    sandbox: Sandbox, sqlite: Database
) -> None:
    """Who waits is told to come again, who is idle is hung up on, who comes is refused: another replica is asked."""
    Stuck.has_begun.clear()
    Stuck.may_go_on.clear()
    cut = asyncio.Event()
    async with open_door(sandbox, sqlite, handler=Stuck, is_away=cut.is_set) as (*_, port), asyncio.timeout(PATIENCE):
        idle, kept = await asyncio.open_connection("127.0.0.1", port)
        waiting, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(numbered(1)))
        await come(Stuck.has_begun.is_set, "its unit has begun")
        cut.set()
        assert re.match(rb"HTTP/1.1 503 .*\r\nretry-after: 2\r\n", await waiting.read(), re.DOTALL)
        assert await idle.read() == b""
        assert not is_open(port)
        cut.clear()
        Stuck.may_go_on.set()
        await come(lambda: is_open(port), "it listens again")
        assert (await ask(port, post(numbered(1))))[0] == 200
        for each in (kept, writer):
            each.close()
    assert texts(sandbox, ANA) == ["1: hola"]


async def test_a_connection_on_which_no_update_comes_any_more_is_closed(sandbox: Sandbox, sqlite: Database) -> None:
    """Telegram opens another one."""
    async with first_come(sandbox, sqlite, Away, kept_for=0.1) as (_, port), asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(numbered(1)))
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b""
        writer.close()


async def test_an_update_that_is_broken_off_at_the_end_is_told_to_come_again(
    sandbox: Sandbox, sqlite: Database
) -> None:
    """The server ends while its commit is waited for: 503, and the connection is closed."""
    Stuck.has_begun.clear()
    Stuck.may_go_on.clear()
    async with open_door(sandbox, sqlite, handler=Stuck) as (_, webhook, port):
        asked = asyncio.create_task(ask(port, post(json.dumps(UPDATE).encode())))
        await come(Stuck.has_begun.is_set, "the unit to begin")
        webhook.stop()
        status, headers, _ = await asked
        Stuck.may_go_on.set()

    assert (status, headers["retry-after"], headers["connection"]) == (503, "2", "close")
    assert headers["cache-control"] == "no-store"
