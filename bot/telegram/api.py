"""The Bot API: python-telegram-bot's `Bot` for what is rare, `call` for what is done a thousand times a second.

Building `Message` objects nobody reads cost a third of a measured bot's throughput (DESIGN §11), so `call`
sends JSON and returns Telegram's raw result. The token is part of every address; so no error, no `repr` and no
log line of ours holds an address.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
import telegram
from pydantic import SecretStr
from telegram.error import BadRequest, InvalidToken, TelegramError, TimedOut

from bot.telegram.http import READ_TIMEOUT, UPLOAD_TIMEOUT, AiohttpRequest, File, TooLarge, multipart, result_of

TELEGRAM: Final = "https://api.telegram.org"
DOWNLOAD_LIMIT: Final = 20 * 1024 * 1024
"""Bytes; the Bot API hands out no larger file."""
DOWNLOAD_TIMEOUT: Final = 90.0
CLOCK_HEADER: Final = "X-Sandbox-Clock"


class Api(telegram.Bot):
    """One bot at one server: methods at `{server}/bot{token}/…`, files at `{server}/file/bot{token}/…`.

    `on_clock` gets the sandbox's clock, as the header writes it, whenever an answer carries one.
    """

    def __init__(
        self,
        token: SecretStr,
        server: str = TELEGRAM,
        *,
        connections: int = 128,
        read_timeout: float = READ_TIMEOUT,
        on_clock: Callable[[str], None] | None = None,
    ) -> None:
        server = server.rstrip("/")
        secret = token.get_secret_value()

        self._dated: tuple[str, float] | None = None

        def on_headers(headers: Mapping[str, str]) -> None:
            clock = headers.get(CLOCK_HEADER)
            self._dated = (clock or headers.get("Date", ""), asyncio.get_running_loop().time())
            if clock is not None and on_clock is not None:
                on_clock(clock)

        def transport(connections: int, *, fresh: bool = False) -> AiohttpRequest:
            return AiohttpRequest(
                connections=connections,
                read_timeout=read_timeout,
                fresh=fresh,
                is_plain=server.startswith("http://"),
                on_headers=on_headers,
            )

        self._polling = transport(2)
        self._kept = transport(connections)
        self._fresh = transport(connections, fresh=True)
        super().__init__(
            token=secret,
            base_url=f"{server}/bot",
            base_file_url=f"{server}/file/bot",
            request=self._kept,
            get_updates_request=self._polling,
        )
        self._methods = f"{server}/bot{secret}/"
        self._files = f"{server}/file/bot{secret}/"
        self._is_telegram = server == TELEGRAM

    def __repr__(self) -> str:
        return f"Api(bot {self.bot_id})"

    @property
    def bot_id(self) -> int:
        """The number before the token's colon; 0 for a token that has none."""
        number = self._token.partition(":")[0]
        return int(number) if number.isdigit() else 0

    @property
    def answered_ago(self) -> float | None:
        """Seconds since any call succeeded; None if none has."""
        times = [each.answered_at for each in (self._polling, self._kept, self._fresh) if each.answered_at is not None]
        return asyncio.get_running_loop().time() - max(times) if times else None

    def skew(self, now: datetime) -> float | None:
        """Seconds that our clock is ahead of the server's, as its last answer was dated; None if none was."""
        if self._dated is None:
            return None
        dated, at = self._dated
        try:
            told: float = float(dated) if dated[:1].isdigit() else parsedate_to_datetime(dated).timestamp()
        except (ValueError, TypeError):
            return None
        ago: float = asyncio.get_running_loop().time() - at
        return now.timestamp() - told - ago

    async def initialize(self) -> None:
        """Open connections and learn who we are; `InvalidToken` without the token in it."""
        for each in (self._polling, self._kept, self._fresh):
            await each.initialize()
        self._requests_initialized = True
        await self.get_me()
        self._bot_initialized = True

    async def is_rejected(self) -> bool:
        """Whether Telegram rejects our token: by getMe's own word, and twice.

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
        for each in (self._polling, self._kept, self._fresh):
            await each.shutdown()
        self._requests_initialized = self._bot_initialized = False

    async def call(
        self,
        method: str,
        payload: Mapping[str, Any],
        files: Mapping[str, File] | None = None,
        *,
        timeout: float | None = None,
        fresh: bool = False,
    ) -> Any:
        """Telegram's raw `result`. Raises what `bot.telegram.http` lists; `timeout` is seconds without a byte."""
        if files:
            body: Any = multipart(payload, files)
            timeout = UPLOAD_TIMEOUT if timeout is None else timeout
        else:
            body = orjson.dumps(payload)
        transport = self._fresh if fresh else self._kept
        return result_of(await transport.exchange(self._methods + method, body, read_timeout=timeout))

    async def updates(self, offset: int | None, *, limit: int, wait: int, allowed: list[str]) -> Any:
        """The next updates, raw; waits up to `wait` seconds for the first. An offset forgets all below it."""
        payload: dict[str, Any] = {"limit": limit, "timeout": wait, "allowed_updates": allowed}
        if offset is not None:
            payload["offset"] = offset
        body = orjson.dumps(payload)
        return result_of(await self._polling.exchange(self._methods + "getUpdates", body, read_timeout=wait + 10.0))

    async def download(self, file_id: str, *, limit: int = DOWNLOAD_LIMIT, timeout: float = DOWNLOAD_TIMEOUT) -> bytes:
        """A file somebody sent; `TooLarge` beyond `limit` bytes, `TimedOut` after `timeout` seconds in all.

        Telegram's `file_path` is only ever part of an address here: it is neither returned, logged nor kept (S10).
        """
        try:
            async with asyncio.timeout(timeout):
                try:
                    file = await self.call("getFile", {"file_id": file_id})
                except BadRequest as error:
                    if "too big" in str(error).lower():
                        raise TooLarge(f"over {limit} bytes") from None
                    raise
                if int(file.get("file_size") or 0) > limit:
                    raise TooLarge(f"over {limit} bytes")
                address = self._files + quote(str(file.get("file_path", "")))
                return await self._kept.exchange(address, None, method="GET", limit=limit)
        except TimeoutError:
            raise TimedOut from None
