"""Updates by webhook: a 200 acknowledges what is durable (G1), and somebody watches that the webhook stays ours."""

import asyncio
import hmac
import re
from collections.abc import Sequence
from typing import Any, Final

import orjson
import structlog
from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.log import log_alarm
from bot.stopping import until
from bot.telegram import errors
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.handled import Alarm, BotError, Clock, TokenRejected
from bot.telegram.http import parse_json
from bot.telegram.intake import ALLOWED_UPDATES, WEBHOOK_FACT, Intake
from bot.telegram.methods import answer_payload
from bot.telegram.raw import host_of, is_update
from storage.errors import Unavailable
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)


BODY_LIMIT: Final = 1024 * 1024
"""Bytes; an update is a few kilobytes."""
_CLOSES: Final = {"connection": "close"}
_TOO_LARGE: Final = Response(status_code=413, headers=_CLOSES)
_COME_AGAIN: Final = Response(status_code=503, headers={"retry-after": "2"})


class WebhookEndpoint:
    """`POST /telegram`: 200 only after the commit, 503 if the commit is uncertain, 403 before a byte of the body is
    read.

    An ASGI application. Its answer may carry only the reply to a tap: what travels there has no outcome, so a question
    could be lost for good.
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
        self._commit_timeout = commit_timeout
        self.is_open = True
        """Whether updates are applied. While the bot waits for its database, each is answered 503."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = await self._answer(Request(scope, receive))
        await reply(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("x-telegram-bot-api-secret-token", "").encode(), self._secret):
            return Response(status_code=403, headers=_CLOSES)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return _TOO_LARGE
        try:
            async with asyncio.timeout(self._body_timeout):
                body = await _body(request)
        except TimeoutError:
            return Response(status_code=408, headers=_CLOSES)
        if body is None:
            return _TOO_LARGE
        update = _update_in(body)
        if update is None:
            return Response(status_code=400)
        return await self._apply(update) if self.is_open else _COME_AGAIN

    async def _apply(self, update: dict[str, Any]) -> Response:
        """Apply the update, and return 200 only after the commit.

        If nobody waits for it any longer, the unit goes on: its messages are sent, and a repeated update changes
        nothing.
        """
        rides = not self._delivery.is_held  # the reply to its tap travels in the answer
        handled = self._intake.apply(update, rides=rides)  # whoever waits for the same update has it: never cancelled
        await asyncio.wait([handled], timeout=self._commit_timeout)
        if not handled.done() or handled.exception() is not None:
            return _COME_AGAIN
        answer = handled.result().answer
        if not rides or answer is None:
            return Response()
        told = orjson.dumps({"method": "answerCallbackQuery", **answer_payload(answer)})
        return Response(told, media_type="application/json")


async def _body(request: Request) -> bytes | None:
    """The request's body, or None as soon as it is too long. Empty if the client has gone."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > BODY_LIMIT:
                return None
            parts.append(part)
    except ClientDisconnect:
        return b""
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
