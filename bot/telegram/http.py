"""HTTP to the Bot API over aiohttp. It distinguishes what was certainly not sent from what may have been sent.

`telegram.Bot` hands each call to a `Request`. An answer outside 2xx becomes an error here, not in python-telegram-bot:
that reads a captive portal's 403 page as "blocked by this person", and writes what it cannot parse to the log.
"""

import asyncio
import io
import json
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import orjson
from telegram.request import BaseRequest, RequestData

from bot.telegram.errors import (
    BadRequest,
    ChatMigrated,
    Conflict,
    ConnectionLost,
    Forbidden,
    InvalidToken,
    NotSent,
    RefusedFile,
    RetryAfter,
    ServerFault,
    TelegramError,
    TimedOut,
    TooLarge,
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

ANSWER_LIMIT: Final = 32 << 20
"""Bytes of an answer. A hundred updates have less than one million. A proxy that sends without end took 3 GB of memory
in half a minute, before the call's time was over."""

_UNSET: Final = BaseRequest.DEFAULT_NONE
_JSON: Final = {"Content-Type": "application/json"}
_ALWAYS: Final = {"User-Agent": "Enlace", "Accept-Encoding": "identity"}


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
            return RetryAfter(UNTIMED_RETRY)
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
            return RetryAfter(UNTIMED_RETRY)
        return RetryAfter(min(retry_after, LONGEST_RETRY))
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


class Request(BaseRequest):
    """Connections to one server, for `telegram.Bot`.

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
        self._is_plain = is_plain
        self._keepalive = None if fresh else KEEPALIVE_PLAIN if is_plain else KEEPALIVE_TLS
        self._on_headers = on_headers
        self._session: aiohttp.ClientSession | None = None
        self._time: Callable[[], float] = time.monotonic
        """The event loop's time, once it is open."""
        self.answered_at: float | None = None
        """The event loop's time of the last answer that was a success."""

    @property
    def read_timeout(self) -> float:
        return self._timeout

    async def initialize(self) -> None:
        """Open the connections."""
        if self._session is not None:
            return
        self._time = asyncio.get_running_loop().time
        kept = {"force_close": True} if self._keepalive is None else {"keepalive_timeout": self._keepalive}
        # aiohttp's own context was made when it was imported: SSL_CERT_FILE is read here.
        trusts = True if self._is_plain else ssl.create_default_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=trusts, **kept),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_ALWAYS,
            auto_decompress=False,
            trust_env=False,
        )

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse a 2xx answer: an object with a `result`."""
        try:
            answer = parse_json(payload)
        except ValueError:
            raise Unreadable("an answer that is not JSON") from None
        if not (isinstance(answer, dict) and answer.get("ok") is True and "result" in answer):
            raise Unreadable("JSON, but not an answer of the Bot API")
        return answer

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = _UNSET,
        write_timeout: Any = _UNSET,
        connect_timeout: Any = _UNSET,
        pool_timeout: Any = _UNSET,
    ) -> tuple[int, bytes]:
        """Return status and body of a 2xx answer. Any other answer raises.

        `read_timeout` is in seconds, for the whole call.
        """
        body: bytes | aiohttp.FormData
        if request_data is not None and request_data.contains_files:
            body, headers, usual = _form(request_data), None, UPLOAD_TIMEOUT
        else:
            body, headers, usual = _json(request_data), _JSON, self._timeout
        seconds = usual if read_timeout is _UNSET else read_timeout
        try:
            return await self._exchange(method, url, body, headers, seconds, ANSWER_LIMIT)
        except TooLarge:
            raise Unreadable("an answer without an end") from None

    async def fetch(self, url: str, *, timeout: float, limit: int) -> bytes:
        """Return the file at this address, in `timeout` seconds. `TooLarge` beyond `limit` bytes."""
        return (await self._exchange("GET", url, None, None, timeout, limit))[1]

    async def _exchange(
        self, method: str, url: str, body: Any, headers: dict[str, str] | None, seconds: float, limit: int
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise NotSent("the connection is not open")
        limits = aiohttp.ClientTimeout(total=seconds, connect=CONNECT_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=limits,
                allow_redirects=False,  # one would be handed the token
            ) as response:
                payload = await _at_most(response, limit)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            raise _meaning(error) from None
        if self._on_headers is not None:
            self._on_headers(response.headers.get)
        if not 200 <= response.status < 300:
            raise error_of(response.status, payload)
        self.answered_at = self._time()
        return response.status, payload


def _meaning(error: Exception) -> TelegramError:
    """The error that a failed call means, if no answer came.

    aiohttp's message may contain the address, and the address contains the token. So only the class of the error is
    passed on.
    """
    name = type(error).__name__
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.InvalidURL():
            return NotSent(name)
        case TimeoutError():
            return TimedOut()
        case aiohttp.ClientPayloadError():
            return Unreadable("an answer cut off")
        case aiohttp.ClientResponseError():
            return Unreadable("an answer that is not HTTP")
    return ConnectionLost(name)


async def _at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body of an answer. TooLarge as soon as it has, or announces, more than `limit` bytes."""
    promised = response.content_length
    if promised is None:
        payload = bytearray()
        while part := await response.content.readany():
            payload += part
            if len(payload) > limit:
                break
        else:
            return bytes(payload)
    elif promised <= limit:
        return await response.read()
    response.close()
    raise TooLarge(f"over {limit} bytes")


def _json(data: RequestData | None) -> bytes:
    try:
        return orjson.dumps(data.parameters if data is not None else {})
    except TypeError as error:  # our defect: it will not be better the next time
        raise BadRequest(f"no JSON: {error}") from None


def _form(data: RequestData) -> aiohttp.FormData:
    """A body with files. Texts stay as they are, other parameters are JSON, as the Bot API wants."""
    form = aiohttp.FormData(quote_fields=False)  # else "año.xlsx" arrives as "a%C3%B1o.xlsx"
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (file_name, content, kind) in data.multipart_data.items():
        # aiohttp warns of more than a megabyte of bytes, which it would write in one piece.
        streamed = io.BytesIO(content) if isinstance(content, bytes) else content
        form.add_field(name, streamed, filename=_header_safe(file_name), content_type=kind)
    return form


def _header_safe(name: str) -> str:
    return "".join(each for each in name if each.isprintable()) or "file"
