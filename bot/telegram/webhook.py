"""Updates by webhook: a 200 acknowledges what is durable (G1), and somebody watches that the webhook stays ours."""

import asyncio
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
import structlog
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from bot.log import log_alarm
from bot.stopping import until
from bot.telegram import errors
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.handled import Alarm, BotError, Clock, Handled, TokenRejected
from bot.telegram.http import parse_json
from bot.telegram.intake import ALLOWED_UPDATES, WEBHOOK_FACT, Intake
from bot.telegram.methods import answer_payload
from bot.telegram.raw import host_of, is_update
from storage.errors import Unavailable
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)

SECRET_HEADER: Final = b"x-telegram-bot-api-secret-token"
BODY_LIMIT: Final = 1024 * 1024
"""Bytes; an update is a few kilobytes."""


class Reply(NamedTuple):
    """The answer to a request."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def _reply(status: int, body: bytes = b"", *more: tuple[bytes, bytes]) -> Reply:
    return Reply(status, ((b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"), *more), body)


_JSON: Final = (b"content-type", b"application/json")
_CLOSES: Final = (b"connection", b"close")
APPLIED: Final = _reply(200)
NOT_AN_UPDATE: Final = _reply(400)
FORBIDDEN: Final = _reply(403, b"", _CLOSES)
TOO_SLOW: Final = _reply(408, b"", _CLOSES)
TOO_LARGE: Final = _reply(413, b"", _CLOSES)
COME_AGAIN: Final = _reply(503, b"", (b"retry-after", b"2"))


class Applying(NamedTuple):
    """An update that is being applied."""

    handled: "asyncio.Future[Handled]"
    """Whoever waits for the same update has this future too, so do not cancel it."""
    rides: bool
    """Whether the reply to its tap travels in the answer to the request."""

    def reply(self) -> Reply:
        """Return the answer to the request: 200 only after the commit. It may be that nobody waits for it any longer.

        The unit goes on then: its messages are sent, and a repeated update changes nothing.
        """
        handled = self.handled
        if not handled.done() or handled.exception() is not None:
            return COME_AGAIN
        answer = handled.result().answer
        if not self.rides or answer is None:
            return APPLIED
        return _reply(200, orjson.dumps({"method": "answerCallbackQuery", **answer_payload(answer)}), _JSON)


class WebhookEndpoint:
    """`POST /telegram`: 200 only after the commit, 503 if the commit is uncertain, 403 before a byte of the body is
    read.

    An ASGI application. Its answer may carry only the reply to a tap: what travels there has no outcome, so a question
    could be lost for good. `lets_in` and `begin` are for a server that has the whole update already.
    """

    def __init__(
        self,
        intake: Intake,
        delivery: Delivery,
        secret: SecretStr,
        *,
        body_timeout: float = 10.0,
        commit_timeout: float = 25.0,
    ) -> None:
        self._intake = intake
        self._delivery = delivery
        self._secret = secret.get_secret_value().encode()
        if not re.fullmatch(rb"[A-Za-z0-9_-]{1,256}", self._secret):
            raise BotError("ENLACE_WEBHOOK_SECRET must be 1 to 256 characters of A-Z, a-z, 0-9, _ and -")
        if len(self._secret) < 16:
            logger.warning("webhook.short_secret", advice="16 characters or more cannot be guessed")
        self._body_timeout = body_timeout
        self.commit_timeout = commit_timeout
        self.is_open = True
        """Whether updates are applied. While the bot waits for its database, each is answered 503."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, headers, body = await self._answer(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        headers = dict(scope["headers"])
        if not self.lets_in(headers):
            return FORBIDDEN
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return TOO_LARGE
        try:
            async with asyncio.timeout(self._body_timeout):
                body = await _body(receive)
        except TimeoutError:
            return TOO_SLOW
        if body is None:
            return TOO_LARGE
        applying = self.begin(body)
        if applying is None:
            return NOT_AN_UPDATE
        await asyncio.wait([applying.handled], timeout=self.commit_timeout)
        return applying.reply()

    def lets_in(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request with these headers, their names in lower case, comes from Telegram."""
        return hmac.compare_digest(headers.get(SECRET_HEADER, b""), self._secret)

    def begin(self, body: bytes) -> Applying | None:
        """Begin to apply the update in this body. None if there is none."""
        update = _update_in(body)
        if update is None:
            return None
        if not self.is_open:
            return Applying(_not_yet(), rides=False)
        rides = not self._delivery.is_held
        return Applying(self._intake.apply(update, rides=rides), rides)


def _not_yet() -> "asyncio.Future[Handled]":
    handled: asyncio.Future[Handled] = asyncio.get_running_loop().create_future()
    handled.set_exception(Unavailable("the bot waits for its database"))
    return handled


async def _body(receive: Receive) -> bytes | None:
    """The request's body, or None as soon as it is too long."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > BODY_LIMIT:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _update_in(body: bytes) -> dict[str, Any] | None:
    try:
        update = parse_json(body)
    except (ValueError, RecursionError):
        return None
    return update if is_update(update) else None


class WebhookKeeper:
    """Sets our webhook, and watches that it stays ours: another address may mean that somebody has the token."""

    def __init__(
        self,
        api: Api,
        units: Units,
        clock: Clock,
        address: str,
        secret: SecretStr,
        *,
        connections: int = 40,
        alarm: Alarm = log_alarm,
        allowed: Sequence[str] = ALLOWED_UPDATES,
        look_every: float = 5.0,
    ) -> None:
        self._api = api
        self._units = units
        self._clock = clock
        self._address = address
        self._alarm = alarm
        self._look_every = look_every
        self._stop = asyncio.Event()
        self._parameters = {
            "url": address,
            "secret_token": secret.get_secret_value(),
            "max_connections": connections,
            "allowed_updates": list(allowed),
        }

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Watch the webhook until `stop`. It is left in place: updates wait at Telegram for the next start."""
        is_set = False
        while not self._stop.is_set():
            try:
                if not is_set:
                    await self._units.run(None, self._remember)
                    await self._api.call("setWebhook", self._parameters)
                    is_set = True
                info = await self._api.call("getWebhookInfo", {})
                if info.url != self._address:
                    is_set = False
                    self._alarm("foreign_webhook", f"updates go to {host_of(info.url)}")
            except (errors.TelegramError, Unavailable) as error:
                if isinstance(error, errors.InvalidToken) and await self._api.is_rejected():
                    raise TokenRejected from None
                logger.warning("webhook.trouble", reason=f"{type(error).__name__}: {error}")
            await until(self._stop, self._look_every)

    def _remember(self, unit: UnitOfWork) -> None:
        unit.facts.set(WEBHOOK_FACT, self._address, self._clock.now())
