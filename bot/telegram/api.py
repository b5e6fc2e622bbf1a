"""The Bot API: calls, updates and downloads as JSON.

Building `Message` objects nobody reads cost a third of a measured bot's throughput (DESIGN §11), so `call`
sends JSON and returns Telegram's raw result. The token is part of every address; so no error, no `repr` and no
log line of ours holds an address.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import orjson

from bot.settings import SecretStr
from bot.telegram.errors import BadRequest, InvalidToken, TelegramError, TimedOut, TooLarge, Unreadable
from bot.telegram.http import TIMEOUT, UPLOAD_TIMEOUT, File, Transport, multipart, result_of

TELEGRAM: Final = "https://api.telegram.org"
DOWNLOAD_LIMIT: Final = 20 * 1024 * 1024
"""Bytes; the Bot API hands out no larger file."""
DOWNLOAD_TIMEOUT: Final = 90.0
CLOCK_HEADER: Final = "X-Sandbox-Clock"
SETTLE: Final = 0.05


class Api:
    """One bot at one server: methods at `{server}/bot{token}/…`, files at `{server}/file/bot{token}/…`.

    `on_clock` gets the sandbox's clock, as the header writes it, whenever an answer carries one.
    """

    def __init__(
        self,
        token: SecretStr,
        server: str = TELEGRAM,
        *,
        connections: int = 128,
        timeout: float = TIMEOUT,
        on_clock: Callable[[str], None] | None = None,
    ) -> None:
        server = server.rstrip("/")
        secret = token.get_secret_value()

        self._time: Callable[[], float] = time.monotonic
        """The event loop's time, once it is known."""
        self._dated: tuple[str, float] | None = None

        def on_headers(header: Callable[[str], str | None]) -> None:
            clock = header(CLOCK_HEADER)
            self._dated = (clock or header("Date") or "", self._time())
            if clock is not None and on_clock is not None:
                on_clock(clock)

        def transport(connections: int, *, fresh: bool = False) -> Transport:
            return Transport(
                connections=connections,
                timeout=timeout,
                fresh=fresh,
                is_plain=server.startswith("http://"),
                on_headers=on_headers,
            )

        self._polling = transport(2)
        self._kept = transport(connections)
        self._fresh = transport(connections, fresh=True)
        self._methods = f"{server}/bot{secret}/"
        self._files = f"{server}/file/bot{secret}/"
        number = secret.partition(":")[0]
        self.bot_id = int(number) if number.isdigit() else 0
        """The number before the token's colon; 0 for a token that has none."""
        self.username = ""

    def __repr__(self) -> str:
        return f"Api(bot {self.bot_id})"

    @property
    def answered_ago(self) -> float | None:
        """Seconds since any call succeeded; None if none has."""
        times = [each.answered_at for each in (self._polling, self._kept, self._fresh) if each.answered_at is not None]
        return self._time() - max(times) if times else None

    def skew(self, now: datetime) -> float | None:
        """Seconds by which our clock is ahead of the server's, by the date of its last answer. None before that.

        From any thread: whoever scrapes the metrics asks in another one than the event loop's.
        """
        if self._dated is None:
            return None
        dated, at = self._dated
        try:
            told: float = float(dated) if dated[:1].isdigit() else parsedate_to_datetime(dated).timestamp()
        except (ValueError, TypeError):
            return None
        ago = self._time() - at
        return now.timestamp() - told - ago

    async def initialize(self) -> None:
        """Open connections and ask for the bot's own name. Raises `InvalidToken`, without the token in its text."""
        self._time = asyncio.get_running_loop().time
        for each in (self._polling, self._kept, self._fresh):
            each.open()
        me = await self.call("getMe", {})
        if not isinstance(me, dict):
            raise Unreadable("getMe told nothing of a bot")
        self.username = str(me.get("username") or "")

    async def is_rejected(self) -> bool:
        """Whether Telegram rejects our token: getMe must say so, twice.

        A proxy that does not know a method, or a path that is wrong for a moment, answers 401 and 404 too.
        """
        for pause in (1.0, 0.0):
            try:
                await self.call("getMe", {})
            except InvalidToken:
                await asyncio.sleep(pause)
            except TelegramError:
                return False  # nobody can say now; whoever fails again asks again
            else:
                return False
        return True

    async def shutdown(self) -> None:
        """Close the connections. No call may be made afterwards."""
        for each in (self._polling, self._kept, self._fresh):
            await each.close()
        # The client's own thread may still be on its way back from the last answer. An interpreter that ends under it
        # aborts: 5 of 100 processes that ended within a millisecond did, none of those that waited for two.
        await asyncio.sleep(SETTLE)

    async def call(
        self,
        method: str,
        payload: Mapping[str, Any],
        files: Mapping[str, File] | None = None,
        *,
        timeout: float | None = None,
        fresh: bool = False,
    ) -> Any:
        """Call a method and return Telegram's raw `result`. Raises the errors of `bot.telegram.errors`.

        `timeout` is in seconds, for the whole call.
        """
        if files:
            body: Any = multipart(payload, files)
            timeout = UPLOAD_TIMEOUT if timeout is None else timeout
        else:
            body = orjson.dumps(payload)
        transport = self._fresh if fresh else self._kept
        return result_of(await transport.exchange(self._methods + method, body, timeout=timeout))

    async def updates(self, offset: int | None, *, limit: int, wait: int, allowed: list[str]) -> Any:
        """Return the next raw updates; wait up to `wait` seconds for the first.

        Telegram deletes all updates below `offset`.
        """
        payload: dict[str, Any] = {"limit": limit, "timeout": wait, "allowed_updates": allowed}
        if offset is not None:
            payload["offset"] = offset
        body = orjson.dumps(payload)
        found = result_of(await self._polling.exchange(self._methods + "getUpdates", body, timeout=wait + TIMEOUT))
        if not isinstance(found, list):
            raise Unreadable("getUpdates told no updates")
        return found

    async def download(self, file_id: str, *, limit: int = DOWNLOAD_LIMIT, timeout: float = DOWNLOAD_TIMEOUT) -> bytes:
        """Download a file that somebody sent.

        `TooLarge` beyond `limit` bytes, `TimedOut` after `timeout` seconds in all. Telegram's `file_path` is used only
        as a part of the address: it is never returned, logged or stored (S10).
        """
        try:
            async with asyncio.timeout(timeout):
                try:
                    file = await self.call("getFile", {"file_id": file_id})
                except BadRequest as error:
                    if "too big" in str(error).lower():
                        raise TooLarge(f"over {limit} bytes") from None
                    raise
                if not isinstance(file, dict):
                    raise Unreadable("getFile told nothing of a file")
                size = file.get("file_size")
                if isinstance(size, int) and size > limit:
                    raise TooLarge(f"over {limit} bytes")
                address = self._files + quote(str(file.get("file_path", "")))
                return await self._kept.exchange(address, None, method="GET", timeout=timeout, limit=limit)
        except TimeoutError:
            raise TimedOut from None
