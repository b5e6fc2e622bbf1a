"""The transport: what was certainly not sent, what may have been, and no token anywhere.

The servers here are real ones that misbehave: sockets that close, answers that are cut, pages instead of JSON.
"""

import asyncio
import contextlib
import io
import json
import socket
import ssl
import tempfile
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from telegram import Message

from bot.telegram import errors
from bot.telegram.api import Api
from bot.telegram.errors import (
    ConnectionLost,
    NotSent,
    RefusedFile,
    ServerFault,
    TooLarge,
    Unreadable,
)
from bot.telegram.http import ANSWER_LIMIT, LONGEST_RETRY, parse_json
from bot.telegram.outcomes import (
    Ambiguous,
    Gone,
    Migrated,
    NotModified,
    Outcome,
    Rejected,
    RetryAfter,
    Undeliverable,
    Unreachable,
    classify,
)
from bot.telegram.outcomes import NotSent as CertainlyNotSent
from storage.messages.rests import LONGEST_REFUSAL
from tests.bot.telegram.misbehaving import (
    ME,
    OK,
    SENT,
    TOKEN,
    Answer,
    Server,
    certificate,
    keeps_silent,
    refusal,
    resets,
    response,
    serving,
    writes,
)
from tests.deadlines import PATIENCE


@pytest.mark.parametrize(("date", "is_read"), [("Wed, 03 Oct 2018 12:00:00 GMT", True), ("today", False)])
async def test_the_date_of_an_answer_says_by_how_much_our_clock_is_ahead(date: str, is_read: bool) -> None:
    """Telegram's is of the shape that HTTP gives a date (G9); one that cannot be read says nothing."""
    dated = response(OK).replace(b"\r\n\r\n", f"\r\nDate: {date}\r\n\r\n".encode(), 1)
    async with serving(writes(dated)) as (_, api):
        await api.post("sendMessage", {"chat_id": 1, "text": "x"})
        ahead = api.skew(datetime(2018, 10, 3, 13, tzinfo=UTC))
    assert (ahead is not None) == is_read
    assert ahead is None or 3600 - PATIENCE < ahead <= 3600


# ------------------------------------------------------------------ certain and uncertain
@contextlib.contextmanager
def calling(api: Api, server: str) -> Iterator[None]:
    """Calls go to another server than the one that told the bot's name."""
    with api._bot._unfrozen():
        api._bot._base_url = f"{server}/bot{TOKEN}"
    yield


async def test_a_refused_connection_is_certainly_not_sent() -> None:
    """Nobody listens: Telegram cannot have seen it, so it may be repeated whatever it is."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with serving(writes(response(OK))) as (_, api):
            with calling(api, f"http://127.0.0.1:{nobody.getsockname()[1]}"), pytest.raises(NotSent) as failed:
                await api.post("sendMessage", {"chat_id": 1, "text": "x"})
    assert isinstance(classify(failed.value), CertainlyNotSent)


async def test_an_unknown_host_is_certainly_not_sent() -> None:
    """No address, no call."""
    async with serving(writes(response(OK))) as (_, api):
        with calling(api, "http://nowhere.invalid"), pytest.raises(NotSent):
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})


async def test_a_connection_that_does_not_come_in_time_is_certainly_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes no connections any more has not seen the call, though a timeout may have acted elsewhere."""
    monkeypatch.setattr("bot.telegram.http.CONNECT_TIMEOUT", 0.3)
    async with serving(writes(response(OK))) as (_, api):
        with socket.socket() as full, contextlib.ExitStack() as waiting:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(3):
                other = waiting.enter_context(socket.socket())
                other.setblocking(False)
                other.connect_ex(full.getsockname())
            with calling(api, f"http://127.0.0.1:{full.getsockname()[1]}"), pytest.raises(NotSent):
                await api.post("sendMessage", {"chat_id": 1, "text": "x"})


async def test_a_server_that_is_not_who_it_should_be_is_not_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS, or with a certificate nobody vouches for, there is no call."""
    monkeypatch.setattr("bot.telegram.http.CONNECT_TIMEOUT", 0.5)
    with tempfile.TemporaryDirectory() as folder:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate(Path(folder), "localhost"))
        for context in (None, tls):
            server = Server(writes(response(OK)))
            listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
            api = Api(SecretStr(TOKEN), f"https://localhost:{listening.sockets[0].getsockname()[1]}")
            with pytest.raises(NotSent):
                await api.initialize()
            assert server.heads == []
            await api.shutdown()
            listening.close()
            await server.close()


async def test_whom_the_machine_trusts_is_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An organisation's own authority counts where SSL_CERT_FILE names it."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path, "localhost"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = Server(writes(response(ME)))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    api = Api(SecretStr(TOKEN), f"https://localhost:{listening.sockets[0].getsockname()[1]}")
    await api.initialize()

    assert api.username == "x_bot"

    await api.shutdown()
    listening.close()
    await server.close()


async def test_a_proxy_of_the_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """ENLACE_TELEGRAM_API alone says who is called: a variable meant for other programs hands nobody the token."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(writes(response(OK))) as (_, api):
        assert (await api.post("sendMessage", {"chat_id": 1, "text": "x"}))["message_id"] == 7


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (resets, ConnectionLost),
        (writes(b"", closes=True), ConnectionLost),
        (keeps_silent, errors.TimedOut),
        (writes(response(b"<html>bad gateway</html>", "502 Bad Gateway", "text/html")), ServerFault),
        (writes(response(b"<html>welcome</html>", "200 OK", "text/html")), Unreadable),
        (writes(response(OK[:-5])), Unreadable),
        (writes(response(OK[:-5], length=len(OK)), closes=True), Unreadable),
        (writes(response(b'"text"')), Unreadable),
        (writes(response(b'{"ok": true}')), Unreadable),
        (writes(response(b"[" * 100_000)), Unreadable),
        (writes(refusal("500 Internal Server Error", "Internal Server Error: restart")), ServerFault),
        (writes(b"nonsense\r\n\r\n", closes=True), Unreadable),
    ],
    ids=["reset", "closed", "silent", "502 page", "200 page", "cut JSON", "cut body", "not an object", "no result",
         "brackets", "500", "not HTTP"],
)  # fmt: skip
async def test_what_breaks_after_the_call_has_left_is_ambiguous(
    answer: Answer, expected: type[errors.TelegramError]
) -> None:
    """Reset, silence, a page instead of JSON, JSON cut off: Telegram may have acted, and nobody can know."""
    async with serving(answer, timeout=0.2 if expected is errors.TimedOut else PATIENCE) as (_, api):
        with pytest.raises(expected) as failed:
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})
    assert isinstance(classify(failed.value), Ambiguous)


@pytest.mark.parametrize(
    ("status", "description", "parameters", "expected"),
    [
        ("400 Bad Request", "Bad Request: message is not modified: specified new message content", {}, NotModified),
        ("400 Bad Request", "Bad Request: message to edit not found", {}, Gone),
        ("400 Bad Request", "Bad Request: message can't be edited", {}, Gone),
        ("400 Bad Request", "Bad Request: MESSAGE_ID_INVALID", {}, Gone),
        ("400 Bad Request", "Bad Request: message to delete not found", {}, NotModified),
        ("400 Bad Request", "Bad Request: message can't be deleted for everyone", {}, Undeliverable),
        ("400 Bad Request", "Bad Request: there is no text in the message to edit", {}, Gone),
        ("400 Bad Request", "Bad Request: chat not found", {}, Unreachable),
        ("400 Bad Request", "Bad Request: PEER_ID_INVALID", {}, Unreachable),
        ("403 Forbidden", "Forbidden: bot was blocked by the user", {}, Unreachable),
        ("403 Forbidden", "Forbidden: user is deactivated", {}, Unreachable),
        ("400 Bad Request", "Bad Request: can't parse entities: Unsupported start tag", {}, Undeliverable),
        ("400 Bad Request", "Bad Request: message text is empty", {}, Undeliverable),
        ("413 Request Entity Too Large", "Request Entity Too Large", {}, Undeliverable),
        ("401 Unauthorized", "Unauthorized", {}, Rejected),
        ("404 Not Found", "Not Found", {}, Rejected),
        ("400 Bad Request", "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -100123}, Migrated),
        ("429 Too Many Requests", "Too Many Requests: retry after 10072", {"retry_after": 10072}, RetryAfter),
        ("429 Too Many Requests", "Too Many Requests", {}, RetryAfter),
        ("429 Too Many Requests", "Too Many Requests", {"retry_after": "soon"}, RetryAfter),
        ("418 I'm a teapot", "something new", {}, Undeliverable),
    ],
)
async def test_what_telegram_says_is_understood(
    status: str, description: str, parameters: dict[str, Any], expected: type[Outcome]
) -> None:
    """Telegram tells by number and sentence what it did; each has one meaning."""
    async with serving(writes(refusal(status, description, **parameters))) as (_, api):
        with pytest.raises(errors.TelegramError) as failed:
            await api.post("editMessageText", {"chat_id": 1, "text": "x"})
    assert isinstance(classify(failed.value), expected)


async def test_the_length_of_a_429_is_kept() -> None:
    """Hours have been reported; none may be cut short."""
    refused = refusal("429 Too Many Requests", "Too Many Requests: retry after 10072", retry_after=10072)
    async with serving(writes(refused)) as (_, api):
        with pytest.raises(errors.RetryAfter) as failed:
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})
    assert classify(failed.value) == RetryAfter(10072)


async def test_a_429_of_centuries_is_believed_for_a_day() -> None:
    """No clock holds its end: the reply was taken for a defect and lost, and its chat waited for ever (G7)."""
    refused = refusal("429 Too Many Requests", "Too Many Requests", retry_after=10**12)
    async with serving(writes(refused)) as (_, api):
        with pytest.raises(errors.RetryAfter) as failed:
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})
    assert classify(failed.value) == RetryAfter(LONGEST_RETRY)
    assert timedelta(seconds=LONGEST_RETRY) <= LONGEST_REFUSAL, "no row that waits for it is taken for a wrong one"


@pytest.mark.parametrize("status", ["403 Forbidden", "400 Bad Request", "404 Not Found", "401 Unauthorized"])
async def test_a_proxys_refusal_is_not_telegrams(status: str) -> None:
    """A captive portal's 403 must not mark a person as having blocked the bot, nor its 401 stop the bot."""
    async with serving(writes(response(b"<html>log in first</html>", status, "text/html"))) as (_, api):
        with pytest.raises(Unreadable) as failed:
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})
    assert isinstance(classify(failed.value), Ambiguous)


async def test_a_redirect_is_not_followed() -> None:
    """Following one would hand the token to wherever it points."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with serving(writes(moved)) as (server, api):
        with pytest.raises(errors.TelegramError):
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})
        assert len(server.heads) == 2  # getMe, sendMessage


def test_what_is_recorded_of_a_refusal_does_not_quote_the_message() -> None:
    """ "can't parse entities" repeats a piece of the text, which may be sensitive."""
    refused = errors.BadRequest('Can\'t parse entities: unsupported start tag "María Pérez" at byte offset 12')
    outcome = classify(refused)

    assert isinstance(outcome, Undeliverable)
    assert "María" not in outcome.reason
    assert "parse entities" in outcome.reason


# ------------------------------------------------------------------ the token
@pytest.mark.parametrize(
    "answer", [resets, keeps_silent, writes(response(b"<html>", "502 Bad Gateway")), writes(response(OK[:-5])),
               writes(refusal("401 Unauthorized", "Unauthorized"))],
    ids=["reset", "silent", "page", "cut", "unauthorized"],
)  # fmt: skip
async def test_no_exception_holds_the_token(answer: Answer) -> None:
    """Neither message, cause, context nor traceback: all of it ends up in a log some day (S8)."""
    async with serving(answer, timeout=0.2) as (_, api):
        for call in (
            lambda: api.post("sendMessage", {"chat_id": 1, "text": "x"}),
            lambda: api.download("file"),
            lambda: api.updates(None, limit=1, wait=-14, allowed=[]),
        ):
            with pytest.raises(errors.TelegramError) as failed:
                await call()
            assert "CANARY" not in "".join(traceback.format_exception(failed.value))


async def test_a_rejected_token_is_not_quoted() -> None:
    """python-telegram-bot's own `initialize` puts the token into the message."""
    server = Server(writes(refusal("401 Unauthorized", "Unauthorized")))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    api = Api(SecretStr(TOKEN), f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    with pytest.raises(errors.InvalidToken) as failed:
        await api.initialize()
    await api.shutdown()
    listening.close()
    await server.close()

    assert "CANARY" not in "".join(traceback.format_exception(failed.value))
    assert "CANARY" not in repr(api)


# ------------------------------------------------------------------ connections
async def test_a_connection_is_kept_but_not_for_a_reminder() -> None:
    """Keeping is fast; a fresh one cannot have been closed by the server a moment ago."""
    async with serving(writes(response(OK))) as (server, api):
        for _ in range(3):
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})
        assert server.connections == 1
        for _ in range(3):
            await api.post("sendMessage", {"chat_id": 1, "text": "x"}, fresh=True)
        assert server.connections == 4


@pytest.mark.parametrize("ends", [resets, writes(b"", closes=True)], ids=["reset", "closed"])
async def test_a_kept_connection_that_ends_under_a_call_is_not_tried_again_by_the_client(ends: Answer) -> None:
    """The call has been read: a client that repeats it by itself would say everything twice."""
    async with serving(writes(response(OK))) as (server, api):
        await api.post("sendMessage", {"chat_id": 1, "text": "first"})
        good, server.answer = server.answer, ends
        with pytest.raises(ConnectionLost) as failed:
            await api.post("sendMessage", {"chat_id": 1, "text": "second"})
        assert isinstance(classify(failed.value), Ambiguous)
        server.answer = good
        await api.post("sendMessage", {"chat_id": 1, "text": "third"})
    assert [json.loads(body)["text"] for body in server.bodies[1:]] == ["first", "second", "third"]


async def test_the_answer_to_a_call_that_was_given_up_is_nobodys() -> None:
    """It comes late, and must not be taken for the next call's."""
    has_come, is_given_up = asyncio.Event(), asyncio.Event()

    async def waits(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if b"slow" not in body:
            return writer.write(response(OK))
        has_come.set()
        await is_given_up.wait()
        writer.write(response(OK.replace(b"7", b"8")))

    async with serving(waits) as (_, api):
        call = asyncio.create_task(api.post("sendMessage", {"chat_id": 1, "text": "slow"}))
        await has_come.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        is_given_up.set()
        assert (await api.post("sendMessage", {"chat_id": 1, "text": "x"}))["message_id"] == 7


async def test_a_call_that_is_closed_under_is_ambiguous() -> None:
    """At the end of the process, calls that have not ended are broken off; afterwards none begins."""
    has_come = asyncio.Event()

    async def waits(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        has_come.set()
        await asyncio.Event().wait()

    async with serving(waits) as (_, api):
        call = asyncio.create_task(api.post("sendMessage", {"chat_id": 1, "text": "x"}))
        await has_come.wait()
        await api.shutdown()
        with pytest.raises(ConnectionLost):
            await call
        with pytest.raises(NotSent):
            await api.post("sendMessage", {"chat_id": 1, "text": "x"})


async def test_an_idle_connection_ends_before_the_servers_patience() -> None:
    """A small local server closes after 5 s: a call must never go out on a connection that old."""
    async with serving(writes(response(OK))) as (_, api):
        assert api._kept._keepalive < 5
    assert Api(SecretStr(TOKEN))._kept._keepalive < 60


async def test_a_stored_row_is_json_both_ways_and_every_other_call_has_objects() -> None:
    """A row may have parameters that the library does not know; a list that it wants as objects is made of them."""
    menu = {"commands": [{"command": "menu", "description": "x"}], "scope": {"type": "default"}}
    row = {"chat_id": 1, "text": "ñandú", "new": {"in": [10, 4]}, "reaction": []}
    async with serving(writes(response(OK))) as (server, api):
        assert await api.post("sendMessage", row) == SENT
        assert isinstance(await api.call("sendMessage", {"chat_id": 1, "text": "x"}), Message)
        server.answer = writes(response(b'{"ok": true, "result": true}'))
        assert await api.call("setMyCommands", menu) is True
    assert [json.loads(body) for body in server.bodies[1:]] == [row, {"chat_id": 1, "text": "x"}, menu]


@pytest.mark.parametrize(
    "answer",
    [OK.replace(b'"date"', b'"day"'), OK.replace(b'"date": 1', b'"date": 1e300'), b'{"ok": true, "result": 7}'],
    ids=["no date", "no day", "a number"],
)
async def test_an_answer_that_the_library_cannot_read_comes_after_the_deed(answer: bytes) -> None:
    """It stumbles when Telegram has acted already. A stored row is told as sent: its answer is not read so closely."""
    async with serving(writes(response(answer))) as (_, api):
        with pytest.raises(Unreadable) as failed:
            await api.call("sendMessage", {"chat_id": 1, "text": "x"})
        assert isinstance(classify(failed.value), Ambiguous)
        await api.post("sendMessage", {"chat_id": 1, "text": "x"})


async def test_a_parameter_that_is_lacking_is_our_defect() -> None:
    """Nothing was sent, so nothing is in doubt."""
    async with serving(writes(response(OK))) as (server, api):
        with pytest.raises(TypeError):
            await api.call("sendMessage", {"chat_id": 1})
        with pytest.raises(errors.BadRequest):
            await api.post("sendMessage", {"chat_id": 1, "text": "\ud800"})
        assert len(server.heads) == 1  # getMe


async def test_the_sandbox_clock_is_told_on() -> None:
    """Each answer of the sandbox carries its time; the demo's bot follows it."""
    told: list[str] = []
    stamped = response(OK).replace(b"\r\n\r\n", b"\r\nX-Sandbox-Clock: 1538553600\r\n\r\n", 1)
    async with serving(writes(stamped), on_clock=told.append) as (_, api):
        await api.post("sendMessage", {"chat_id": 1, "text": "x"})
    assert told == ["1538553600"]


# ------------------------------------------------------------------ files
async def test_a_file_name_arrives_as_it_is_written() -> None:
    """Percent-encoded, "año.xlsx" would be shown as "a%C3%B1o.xlsx"."""
    async with serving(writes(response(json.dumps({"ok": True, "result": SENT}).encode()))) as (server, api):
        await api.post("sendDocument", {"chat_id": 1}, {"document": ("reporte del año.xlsx", b"PK", "application/zip")})
        await api.post("sendDocument", {"chat_id": 1}, {"document": ('a"b\n.xlsx', b"PK", "application/zip")})
    assert 'filename="reporte del año.xlsx"'.encode() in server.bodies[-2]
    assert rb'filename="a\"b.xlsx"' in server.bodies[-1]


async def test_a_large_file_is_sent_whole(tmp_path: Path) -> None:
    """An export is read piece by piece, and its length is told beforehand; some servers take no other."""
    content = b"x" * (2 * 1024 * 1024)
    (tmp_path / "a.bin").write_bytes(b"-" + content)
    async with serving(writes(response(OK))) as (server, api):
        await api.post("sendDocument", {"chat_id": 1, "caption": "é"}, {"document": ("a.bin", content, "x/y")})
        for opened in (io.BytesIO(b"-" + content), (tmp_path / "a.bin").open("rb")):
            with opened:
                opened.read(1)
                await api.post("sendDocument", {"chat_id": 1}, {"document": ("a.bin", opened, "x/y")})

    assert all(b"\r\n\r\n" + content + b"\r\n" in body for body in server.bodies[1:])
    assert all(b"content-length:" in head.lower() for head in server.heads[1:])


async def test_a_download_that_is_too_large_is_broken_off() -> None:
    """Neither an honest length nor a stream without one may fill the memory."""

    async def answer(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if b"/getFile" in head:
            writer.write(
                response(b'{"ok": true, "result": {"file_id": "f", "file_unique_id": "u", "file_path": "documents/1"}}')
            )
        else:
            assert head.startswith(f"GET /file/bot{TOKEN}/documents/1 ".encode())
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n")
            await asyncio.sleep(5)

    async with serving(answer) as (_, api):
        with pytest.raises(TooLarge):
            await api.download("f", limit=1000)


async def test_an_answer_that_never_ends_is_broken_off() -> None:
    """A proxy that goes mad filled the memory until the call's time was over: 3 GB in half a minute."""
    sent = 0

    async def answer(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while sent < 4 * ANSWER_LIMIT:
                writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
                await writer.drain()
                sent += 0x100000

    async with serving(answer, timeout=PATIENCE) as (_, api):
        for call in (
            lambda: api.updates(None, limit=1, wait=30, allowed=[]),
            lambda: api.post("sendMessage", {"chat_id": 1, "text": "x"}),
        ):
            sent = 0
            with pytest.raises(errors.Unreadable):
                await call()
            assert sent < 2 * ANSWER_LIMIT


@pytest.mark.parametrize("told", [b"true", b"null", b'"banana"', b"7"])
async def test_an_answer_of_another_kind_is_no_updates_and_no_file(told: bytes) -> None:
    """A proxy says 200 to everything: `true` for updates ended the bot, `null` had it ask without a pause."""
    async with serving(writes(response(b'{"ok": true, "result": ' + told + b"}"))) as (_, api):
        with pytest.raises(errors.Unreadable):
            await api.updates(None, limit=1, wait=30, allowed=[])
        with pytest.raises(errors.Unreadable):
            await api.download("f")


async def test_a_download_ends_in_time() -> None:
    """A trickle must not hold a worker for ever."""

    async def answer(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    async with serving(answer) as (_, api):
        with pytest.raises(errors.TimedOut):
            await api.download("f", timeout=0.3)


async def test_an_upload_that_is_too_large_is_given_up() -> None:
    """413 is final: nothing of it was done, and it will not fit the next time either."""
    async with serving(writes(response(b"<html>too large</html>", "413 Request Entity Too Large"))) as (_, api):
        with pytest.raises(RefusedFile):
            await api.post("sendDocument", {"chat_id": 1}, {"document": ("a.bin", b"x", "x/y")})


def test_a_lone_surrogate_does_not_make_an_update_unreadable() -> None:
    """One odd message would otherwise be delivered again for ever, and with it everything behind it."""
    body = rb'{"ok": true, "result": [{"update_id": 1, "message": {"text": "a\ud800b \ud83d\ude00"}}]}'
    assert parse_json(body)["result"][0]["message"]["text"] == "a�b 😀"
    with pytest.raises(ValueError, match=r".+"):
        parse_json(b'{"ok": tr')
