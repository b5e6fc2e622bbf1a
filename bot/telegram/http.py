"""HTTP to the Bot API over pyreqwest. It distinguishes what was certainly not sent from what may have been sent.

aiohttp took twice its processor time for a call. pyreqwest's error classes do not tell this difference: a connection
that breaks during a call is a `ConnectError`, as is one that is refused. But the chain of causes tells it: hyper names
the phase that failed, and only what failed while connecting was not sent.
"""

import asyncio
import io
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import IO, Any, Final

os.putenv("MIMALLOC_ALLOW_THP", "0")  # pyreqwest's allocator asks for huge pages when it is loaded: 10 MB, hardly used

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BodyDecodeError, BuilderError, PoolTimeoutError, PyreqwestError, RequestTimeoutError
from pyreqwest.multipart import FormBuilder, PartBuilder
from pyreqwest.response import Response

from bot.telegram.errors import (
    BadRequest,
    ChatMigrated,
    Conflict,
    ConnectionLost,
    Forbidden,
    InvalidToken,
    NotSent,
    RefusedFile,
    ServerFault,
    TelegramError,
    TimedOut,
    TooLarge,
    TooManyRequests,
    Unreadable,
)

CONNECT_TIMEOUT: Final = 5.0
TIMEOUT: Final = 15.0
"""Seconds for all of a call, from the wait for a connection to the last byte of the answer."""
UPLOAD_TIMEOUT: Final = 480.0

# A connection the server is about to close loses the race against our next call: ours must end first. Telegram
# keeps idle connections for over a minute, small local servers (uvicorn: 5 s) do not.
KEEPALIVE_TLS: Final = 25.0
KEEPALIVE_PLAIN: Final = 3.0

LONGEST_RETRY: Final = 24 * 3600
"""Seconds that a 429 is believed. It has asked for three hours; what asks for years is wrong, and no clock holds it."""
UNTIMED_RETRY: Final = 5
"""Seconds to keep still after a 429 that does not say how long."""

CONNECTING: Final = "client error (Connect)"
"""What hyper calls a call that failed before anything of it was written."""

CHUNK: Final = 1 << 18
ANSWER_LIMIT: Final = 32 << 20
"""Bytes of an answer. A hundred updates have less than one million. A proxy that sends without end took 3 GB of memory
in half a minute, before the call's time was over."""
READ_AHEAD: Final = 1 << 16
"""Bytes of an answer that are read before we ask for them: all of nearly every one."""

File = tuple[str, bytes | IO[bytes], str]
"""Name, content, media type."""


def parse_json(payload: bytes) -> Any:
    """Parse the body; `ValueError` if it is not JSON.

    A message may contain lone surrogates, which orjson refuses. They become U+FFFD. Otherwise Telegram would deliver
    the same unreadable update, and everything behind it, for ever.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            return _without_surrogates(json.loads(payload.decode("utf-8", "replace")))
        except RecursionError:  # a thousand brackets, of a proxy or of somebody in its place, ended the bot
            raise ValueError("nested too deeply") from None


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_without_surrogates(each) for each in value]
        case dict():
            return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return value


def error_of(status: int, payload: bytes) -> TelegramError:
    """The error that an answer outside 2xx means."""
    try:
        answer = parse_json(payload)
    except ValueError:
        answer = None
    if not (isinstance(answer, dict) and answer.get("ok") is False):
        # A 403 page of a captive portal must not read as "this person blocked the bot".
        if status == 429:
            return TooManyRequests(UNTIMED_RETRY)
        if status == 413:
            return RefusedFile("Request Entity Too Large")
        return ServerFault(f"HTTP {status}") if status >= 500 else Unreadable(f"HTTP {status} from something else")
    said = str(answer.get("description") or f"HTTP {status}")
    parameters = answer.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    migrated, retry_after = parameters.get("migrate_to_chat_id"), parameters.get("retry_after")
    if isinstance(migrated, int):
        return ChatMigrated(migrated)
    if status == 429:
        if not isinstance(retry_after, int) or retry_after <= 0:
            return TooManyRequests(UNTIMED_RETRY)
        return TooManyRequests(min(retry_after, LONGEST_RETRY))
    match status:
        case 400:
            return BadRequest(said)
        case 401 | 404:  # a well-formed token nobody has, a malformed one
            return InvalidToken(said)
        case 403:
            return Forbidden(said)
        case 409:
            return Conflict(said)
        case 413:
            return RefusedFile(said)
    return ServerFault(said) if status >= 500 else BadRequest(said)


def result_of(payload: bytes) -> Any:
    """The `result` of a 2xx answer."""
    try:
        answer = parse_json(payload)
    except ValueError:
        raise Unreadable("an answer that is not JSON") from None
    if not (isinstance(answer, dict) and answer.get("ok") is True and "result" in answer):
        raise Unreadable("JSON, but not an answer of the Bot API")
    return answer["result"]


class Transport:
    """Connections to one server.

    `fresh` opens a connection for each call, so that a kept connection which the server has just closed cannot make a
    reminder ambiguous. `on_headers` is called with a function that reads the headers of an answer.
    """

    def __init__(
        self,
        *,
        connections: int = 128,
        timeout: float = TIMEOUT,
        fresh: bool = False,
        is_plain: bool = False,
        on_headers: Callable[[Callable[[str], str | None]], None] | None = None,
    ) -> None:
        self._connections = connections
        self._timeout = timeout
        self._fresh = fresh
        self._keepalive = KEEPALIVE_PLAIN if is_plain else KEEPALIVE_TLS
        self._on_headers = on_headers
        self._client: Client | None = None
        self._time: Callable[[], float] = time.monotonic
        """The event loop's time, once it is open."""
        self.answered_at: float | None = None
        """The event loop's time of the last answer that was a success."""

    def open(self) -> None:
        if self._client is not None:
            return
        self._time = asyncio.get_running_loop().time
        self._client = (
            ClientBuilder()
            .max_connections(self._connections)
            .pool_timeout(timedelta(seconds=CONNECT_TIMEOUT))
            .connect_timeout(timedelta(seconds=CONNECT_TIMEOUT))
            .timeout(timedelta(seconds=self._timeout))
            .pool_idle_timeout(timedelta(seconds=self._keepalive))
            .pool_max_idle_per_host(0 if self._fresh else self._connections)
            .follow_redirects(False)  # one would be handed the token
            .no_proxy()
            .referer(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .user_agent("Enlace")
            .build()
        )

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def exchange(
        self,
        url: str,
        body: bytes | FormBuilder | None,
        *,
        method: str = "POST",
        timeout: float | None = None,
        limit: int | None = None,
    ) -> bytes:
        """Return the body of a 2xx answer, which may have `limit` bytes: TooLarge. Any other answer raises.

        `timeout` is in seconds, for the whole call. Without `limit`, an answer longer than any of the Bot API is
        Unreadable.
        """
        if self._client is None:
            raise NotSent("the connection is not open")
        try:
            request = self._client.request(method, url)
        except ValueError:
            raise NotSent("not an address") from None
        if timeout is not None:
            request.timeout(timedelta(seconds=timeout))
        # A download shows each piece as it comes: a trickle would take long to fill what is read ahead.
        request.streamed_read_buffer_limit(READ_AHEAD if limit is None else 0)
        if isinstance(body, bytes):
            request.header("Content-Type", "application/json").body_bytes(body)
        elif body is not None:
            request.multipart(body)
        try:
            async with request.build_streamed() as response:
                payload = await _at_most(response, ANSWER_LIMIT if limit is None else limit)
        except PyreqwestError as error:
            raise _meaning(error) from None
        except TooLarge as error:
            raise error if limit is not None else Unreadable("an answer without an end") from None
        if self._on_headers is not None:
            self._on_headers(response.get_header)
        status = response.status
        if not 200 <= status < 300:
            raise error_of(status, payload)
        self.answered_at = self._time()
        return payload


def _meaning(error: PyreqwestError) -> TelegramError:
    """The error that a failed call means, if no answer came.

    pyreqwest's message may contain the address, and the address contains the token. So only the class of the error is
    passed on.
    """
    name, details = type(error).__name__, getattr(error, "details", None) or {}
    if isinstance(error, PoolTimeoutError | BuilderError):
        return NotSent(name)
    if any(cause["message"] == CONNECTING for cause in details.get("causes") or ()):
        return NotSent(name)
    if isinstance(error, RequestTimeoutError):
        return TimedOut()
    if isinstance(error, BodyDecodeError):
        return Unreadable("an answer cut off")
    return ConnectionLost(name)


async def _at_most(response: Response, limit: int) -> bytes:
    """Return the body of an answer. TooLarge as soon as it has, or announces, more than `limit` bytes."""
    promised = response.get_header("Content-Length") or ""
    if promised.isdecimal() and int(promised) > limit:
        raise TooLarge(f"over {limit} bytes")
    payload = bytearray()
    while (part := await response.body_reader.read_chunk()) is not None:
        payload += part
        if len(payload) > limit:
            raise TooLarge(f"over {limit} bytes")
    return bytes(payload)


def multipart(parameters: Mapping[str, Any], files: Mapping[str, File]) -> FormBuilder:
    """A request body with files. Text parameters stay as they are, the others become JSON, as the Bot API wants."""
    form = FormBuilder().percent_encode_noop()  # else "año.xlsx" arrives as "a%C3%B1o.xlsx"
    for name, value in parameters.items():
        form.text(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    for field, (file_name, content, kind) in files.items():
        part = PartBuilder.from_bytes(content) if isinstance(content, bytes) else _streamed(content)
        form.part(field, part.file_name(_header_safe(file_name)).mime(kind))
    return form


def _streamed(content: IO[bytes]) -> PartBuilder:
    async def parts() -> AsyncIterator[bytes]:
        while part := await asyncio.to_thread(content.read, CHUNK):
            yield part

    begin = content.tell()
    length = content.seek(0, io.SEEK_END) - begin
    content.seek(begin)
    return PartBuilder.from_stream_with_length(parts(), length)


def _header_safe(name: str) -> str:
    return "".join(each for each in name if each.isprintable()) or "file"
