"""The Bot API: calls, updates and downloads, through `telegram.Bot`.

Calls are python-telegram-bot's methods, and their results are its objects. What is most of the work stays JSON: stored
rows, which are JSON in the database, and updates (`updates` reads them).
The token is part of every address; so no error, no `repr` and no log line of ours holds an address.
"""

import asyncio
import time
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, Final
from urllib.parse import quote

from pydantic import SecretStr
from telegram import Bot, BotCommand, InputFile
from telegram.warnings import PTBUserWarning

from bot.telegram.errors import BadRequest, InvalidToken, TelegramError, TimedOut, TooLarge, Unreadable
from bot.telegram.http import TIMEOUT, Request
from conversations.xforms.limits import FILE_BYTES

TELEGRAM: Final = "https://api.telegram.org"
DOWNLOAD_TIMEOUT: Final = 90.0
CLOCK_HEADER: Final = "X-Sandbox-Clock"

File = tuple[str, bytes | IO[bytes], str]
"""Name, content, media type."""

# `getUpdates` and stored rows are JSON on purpose, though the library has methods for them.
warnings.filterwarnings("ignore", "Please use 'Bot", PTBUserWarning)


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

        def request(connections: int, *, fresh: bool = False) -> Request:
            return Request(
                connections=connections,
                timeout=timeout,
                fresh=fresh,
                is_plain=server.startswith("http://"),
                on_headers=on_headers,
            )

        def bot(request: Request) -> Bot:
            return Bot(
                secret,
                base_url=lambda token: f"{server}/bot{token}",
                base_file_url=lambda token: f"{server}/file/bot{token}",
                request=request,
                get_updates_request=self._polling,
            )

        self._polling, self._kept, self._fresh = request(2), request(connections), request(connections, fresh=True)
        self._bot, self._careful = bot(self._kept), bot(self._fresh)
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
        """Open connections and ask for the bot's own name. Raises `InvalidToken`, without the token in its text.

        `Bot.initialize` would put the token there.
        """
        self._time = asyncio.get_running_loop().time
        for each in (self._polling, self._kept, self._fresh):
            await each.initialize()
        self.username = (await self.call("getMe", {})).username or ""

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
            await each.shutdown()

    async def call(self, method: str, payload: Mapping[str, Any], *, timeout: float | None = None) -> Any:
        """Call a method of `telegram.Bot` and return its object. Raises the errors of `bot.telegram.errors`.

        `timeout` is in seconds, for the whole call.
        """
        given = dict(payload)
        if "commands" in given:  # the one parameter of ours that it does not take as JSON
            given["commands"] = BotCommand.de_list(given["commands"])
        if timeout is not None:
            given["read_timeout"] = timeout
        calling = getattr(self._bot, method)(**given)  # a parameter that is lacking is noticed here: nothing was sent
        try:
            return await calling
        except TelegramError:
            raise
        except Exception as error:  # noqa: BLE001
            # Telegram answered, and may have acted: the answer lacks something, or has it in another shape.
            raise Unreadable(f"{method} answered something else: {type(error).__name__}") from None

    async def post(
        self, method: str, payload: Mapping[str, Any], files: Mapping[str, File] | None = None, *, fresh: bool = False
    ) -> Any:
        """Make the call of a stored row, which is JSON, and return Telegram's raw result.

        `fresh` makes it on a new connection. Raises the errors of `bot.telegram.errors`.
        """
        given = dict(payload)
        for field, (file_name, content, media_type) in (files or {}).items():
            given[field] = InputFile(content, file_name, read_file_handle=False)
            given[field].mimetype = media_type
        return await (self._careful if fresh else self._bot).do_api_request(method, given)

    async def updates(self, offset: int | None, *, limit: int, wait: int, allowed: list[str]) -> Any:
        """Return the next raw updates; wait up to `wait` seconds for the first.

        Telegram deletes all updates below `offset`.
        """
        payload = {"offset": offset, "limit": limit, "timeout": wait, "allowed_updates": allowed}
        found = await self._bot.do_api_request("getUpdates", payload, read_timeout=wait + TIMEOUT)
        if not isinstance(found, list):
            raise Unreadable("getUpdates told no updates")
        return found

    async def download(self, file_id: str, *, limit: int = FILE_BYTES, timeout: float = DOWNLOAD_TIMEOUT) -> bytes:
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
                if isinstance(file.file_size, int) and file.file_size > limit:
                    raise TooLarge(f"over {limit} bytes")
                folder = f"{self._bot.base_file_url}/"
                address = folder + quote(str(file.file_path or "").removeprefix(folder))
                return await self._kept.fetch(address, timeout=timeout, limit=limit)
        except TimeoutError:
            raise TimedOut from None
