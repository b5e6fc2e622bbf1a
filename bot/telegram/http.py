"""HTTP to the Bot API over aiohttp, telling what was certainly not sent from what may have been.

`sendMessage` has no idempotency key: after a failed call the only question that matters is whether Telegram
can have acted on it. python-telegram-bot's own transport answers "NetworkError" to a refused connection and to
a reset one alike, and takes most of a bot's processor time (DESIGN §11). So this one raises

    NotSent       refused, no such host, no TLS, no connection in time: Telegram never saw the call
    RefusedFile   413: seen and refused before anything was done
    TimedOut, ConnectionLost, ServerFault, Unreadable      Telegram may have acted

and python-telegram-bot's classes for what Telegram itself says. No exception carries an address: the address
holds the token.
"""

import asyncio
import io
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import IO, Any, Final

import aiohttp
import orjson
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
UPLOAD_TIMEOUT: Final = 120.0

# A connection the server is about to close loses the race against our next call: ours must end first. Telegram
# keeps idle connections for over a minute, small local servers (uvicorn: 5 s) do not.
KEEPALIVE_TLS: Final = 25.0
KEEPALIVE_PLAIN: Final = 3.0

UNTIMED_RETRY: Final = 5
"""Seconds to keep still after a 429 that does not say how long."""

_JSON_HEADERS: Final = {"Content-Type": "application/json"}
_NO_HEADERS: Final[dict[str, str]] = {}


class NotSent(NetworkError):
    """The call certainly never reached Telegram."""


class ConnectionLost(NetworkError):
    """The connection broke before the answer: Telegram may have acted."""


class ServerFault(NetworkError):
    """A 5xx: Telegram, or what stands before it, failed, perhaps after acting."""


class Unreadable(NetworkError):
    """An answer that is not the Bot API's: a proxy's HTML page, or JSON cut off. Telegram may have acted."""


class RefusedFile(NetworkError):
    """413: what was to be uploaded is too large, and always will be."""


class TooManyRequests(RetryAfter):
    """A 429: for `seconds` nothing may be sent. The library's own class raises a deprecation warning."""

    def __init__(self, seconds: int) -> None:
        TelegramError.__init__(self, f"Flood control exceeded. Retry in {seconds} seconds")
        self.seconds = seconds
        self._retry_after = timedelta(seconds=seconds)

    def __reduce__(self) -> tuple[type, tuple[int]]:  # type: ignore[override]
        return self.__class__, (self.seconds,)


class TooLarge(TelegramError):
    """A download that exceeds what we accept; it was broken off."""


File = tuple[str, bytes | IO[bytes], str]
"""Name, content, media type."""


def parse_json(payload: bytes) -> Any:
    """What the body says; `ValueError` when it is not JSON.

    A message may contain lone surrogates, which orjson refuses. They become U+FFFD: Telegram would deliver an
    update that cannot be read for ever, and with it everything behind it.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return _without_surrogates(json.loads(payload.decode("utf-8", "replace")))


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
    """What an answer outside 2xx means."""
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
        return TooManyRequests(retry_after if isinstance(retry_after, int) and retry_after > 0 else UNTIMED_RETRY)
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


class AiohttpRequest(BaseRequest):
    """python-telegram-bot's transport, and `exchange` beside it for calls whose results nobody turns into objects.

    `fresh` opens a connection for each call, so that a kept connection which the server has just closed cannot
    make a reminder ambiguous. `on_headers` sees the headers of every answer.
    """

    def __init__(
        self,
        *,
        connections: int = 128,
        read_timeout: float = READ_TIMEOUT,
        fresh: bool = False,
        is_plain: bool = False,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        self._connections = connections
        self._read_timeout = read_timeout
        self._fresh = fresh
        self._keepalive = KEEPALIVE_PLAIN if is_plain else KEEPALIVE_TLS
        self._on_headers = on_headers
        self._timeouts: dict[tuple[float | None, float | None], aiohttp.ClientTimeout] = {}
        self._session: aiohttp.ClientSession | None = None
        self.answered_at: float | None = None
        """The event loop's time of the last answer that was a success."""

    @property
    def read_timeout(self) -> float | None:
        return self._read_timeout

    async def initialize(self) -> None:
        if self._session is not None:
            return
        connector = (
            aiohttp.TCPConnector(limit=self._connections, force_close=True)
            if self._fresh
            else aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=self._keepalive)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
        )

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        return {"result": result_of(payload)}

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body for python-telegram-bot's own methods; raises for anything but 2xx."""
        body: bytes | aiohttp.FormData | None = None
        if request_data is not None:
            if request_data.contains_files:
                files = {field: _file(field, given) for field, given in request_data.multipart_data.items()}
                body = _form(request_data.json_parameters, files)
            else:
                body = orjson.dumps(request_data.parameters)
        reading = self._read_timeout if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        connecting = CONNECT_TIMEOUT if connect_timeout is BaseRequest.DEFAULT_NONE else connect_timeout
        return 200, await self.exchange(url, body, method=method, read_timeout=reading, connect_timeout=connecting)

    async def exchange(
        self,
        url: str,
        body: bytes | aiohttp.FormData | None,
        *,
        method: str = "POST",
        read_timeout: float | None = None,
        connect_timeout: float | None = CONNECT_TIMEOUT,
        limit: int | None = None,
    ) -> bytes:
        """The body of a 2xx answer, at most `limit` bytes of it; anything else raises. Seconds."""
        session = self._session
        if session is None:
            raise NotSent("the connection is not open")
        key = (self._read_timeout if read_timeout is None else read_timeout, connect_timeout)
        timeout = self._timeouts.get(key)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_read=key[0], sock_connect=key[1], connect=key[1])
            self._timeouts[key] = timeout
        headers = _JSON_HEADERS if isinstance(body, bytes) else _NO_HEADERS
        try:
            async with session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if self._on_headers is not None:
                    self._on_headers(response.headers)
                if limit is not None:
                    payload = await _at_most(response, limit)
                else:
                    payload = await response.read()
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # What aiohttp says may hold the address, and the address the token: only the class is told on.
            raise NotSent(type(error).__name__) from None
        except aiohttp.InvalidURL:
            raise NotSent("not an address") from None
        except TimeoutError:
            raise TimedOut from None
        except aiohttp.ClientPayloadError:
            raise Unreadable("an answer cut off") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost(type(error).__name__) from None
        if 200 <= status < 300:
            self.answered_at = asyncio.get_running_loop().time()
            return payload
        raise error_of(status, payload)


async def _at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if response.content_length is not None and response.content_length > limit:
        raise TooLarge(f"over {limit} bytes")
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(1 << 16):
        size += len(part)
        if size > limit:
            raise TooLarge(f"over {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _file(field: str, given: Any) -> File:
    if isinstance(given, tuple):
        name, content, *kind = given
        return name, content, kind[0] if kind and kind[0] else "application/octet-stream"
    return field, given, "application/octet-stream"


def _form(parameters: Mapping[str, str], files: Mapping[str, File]) -> aiohttp.FormData:
    # Quoted, "año.xlsx" arrives as "a%C3%B1o.xlsx"; and bytes over 1 MiB are complained of with their content.
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in parameters.items():
        form.add_field(name, value)
    for field, (file_name, content, kind) in files.items():
        readable = io.BytesIO(content) if isinstance(content, bytes) else content
        form.add_field(field, readable, filename=_header_safe(file_name), content_type=kind)
    return form


def multipart(parameters: Mapping[str, Any], files: Mapping[str, File]) -> aiohttp.FormData:
    """A request body with files. Text parameters stay as they are, the others become JSON, as the Bot API wants."""
    return _form(
        {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in parameters.items()},
        files,
    )


def _header_safe(name: str) -> str:
    return "".join(each for each in name if each.isprintable()) or "file"
