"""How updates reach the bot: by getUpdates, or at its webhook.

Telegram keeps an update until the bot confirms it, by asking for a later one or by answering the webhook with 2xx.
Until then the update comes again. A bot has no other inbox, so its tests mean something only if updates are kept,
dropped, repeated and ordered here as Telegram does it. (After tdlib/telegram-bot-api: Client, WebhookActor.)
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
import orjson

from bot.sandbox.clock import rung
from bot.sandbox.faults import Fault
from bot.sandbox.refusals import OTHER_POLLER, WEBHOOK_IS_ACTIVE, Refusal
from bot.sandbox.telegram import Bot, Pending, Webhook, World

Json = dict[str, Any]

MAX_BATCH: Final = 100
MAX_TIMEOUT: Final = 50
WEBHOOK_TIMEOUT: Final = 60.0  # real seconds that Telegram waits for a webhook's answer
MAX_RETRY_DELAY: Final = 60  # most seconds between tries; by chance up to twice that
OFFSET_AHEAD: Final = 10  # an offset is believed up to so far beyond the next update's number
MAX_RETRY_AFTER: Final = 3600.0
# What a webhook's reply may not ask for; nor anything that begins with "get".
UNRIDEABLE: Final = frozenset({"setwebhook", "deletewebhook", "close", "logout"})


class CutError(Exception):
    """Telegram became unreachable while the bot waited."""


BETWEEN_POLLS = 1.0
"""Seconds within which a bot that polls continuously begins its next getUpdates."""


async def get_updates(world: World, bot: Bot, params: Json, *, forgets: bool = True) -> list[Json]:
    """The next updates, oldest first. Waits for the first one up to `timeout` seconds.

    A positive `offset` drops everything before it; a negative one everything but the last so many. One that is far
    beyond the next number (from another Bot API, or from before an idle week) drops nothing. A waiting call that a
    newer one replaces ends with 409. A waiting call ends empty when the clock is moved.
    """
    with world.lock:
        if bot.webhook is not None:
            raise Refusal(409, WEBHOOK_IS_ACTIVE)
        is_between_polls = bot.polled_at is not None and time.monotonic() - bot.polled_at < BETWEEN_POLLS
        is_clock_known, bot.moves_known = bot.moves_known == world.moves, world.moves
        _seen(world, bot)
        if "allowed_updates" in params:
            bot.allowed_updates = frozenset(params["allowed_updates"]) or None
        limit = min(max(params.get("limit", MAX_BATCH), 1), MAX_BATCH)
        timeout = min(max(params.get("timeout", 0), 0), MAX_TIMEOUT)
        if forgets:
            known = len(bot.pending)
            _forget(bot, params.get("offset", 0))
            if len(bot.pending) < known:
                world.tell({"type": "taken"})
        batch = _batch(world, bot, limit)
        if batch or timeout == 0 or world.is_closing:
            return batch
        if is_between_polls and not is_clock_known:
            return []  # moved while nobody waited: otherwise the bot would learn of it only after this poll
        world.end_poll(bot, OTHER_POLLER)
        mine = bot.poll
        waiter = bot.bell.waiter()
    deadline = time.monotonic() + timeout
    try:
        while True:
            await rung(waiter, deadline - time.monotonic())
            with world.lock:
                if world.down:
                    raise CutError
                if bot.poll != mine:
                    if bot.poll_ended_by:
                        raise Refusal(409, bot.poll_ended_by)
                    bot.moves_known = world.moves
                    return []
                batch = _batch(world, bot, limit)
                if batch or time.monotonic() >= deadline or world.is_closing:
                    return batch
                waiter = bot.bell.waiter()
    finally:
        waiter.cancel()
        _seen(world, bot)


def _seen(world: World, bot: Bot) -> None:
    bot.polled_at = time.monotonic()
    bot.last_seen = world.now()


def _forget(bot: Bot, offset: int) -> None:
    if offset > bot.next_update_id + OFFSET_AHEAD:
        return
    if offset > 0:
        bot.pending = [pending for pending in bot.pending if pending.update_id >= offset]
    elif offset < 0:
        bot.pending = bot.pending[offset:]


def _batch(world: World, bot: Bot, limit: int) -> list[Json]:
    world.expire(bot)
    return [{"update_id": pending.update_id, **pending.body} for pending in bot.pending[:limit]]


Perform = Callable[[Bot, str, Json], Awaitable[object]]


class Courier:
    """Courier that delivers updates to webhooks: several lines at once, the updates of one line one after the other.

    An update that is not answered with 2xx is delivered again, at once and then after delays that double up to one or
    two minutes, or after `Retry-After`. Its line waits, and updates that are too old are dropped. A method in the
    answer is performed; its result is discarded.
    """

    def __init__(self, world: World, perform: Perform) -> None:
        self._world = world
        self._perform = perform
        self._dice = random.Random(0)  # noqa: S311 - repeatable on purpose

    async def run(self) -> None:
        """Run until cancelled."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
            while True:
                with self._world.lock:
                    waiter = self._world.webhook_bell.waiter()
                    ready, pause = self._ready()
                for bot, webhook, pending in ready:
                    tasks.create_task(self._carry(session, bot, webhook, pending))
                await rung(waiter, pause)

    def _ready(self) -> tuple[list[tuple[Bot, Webhook, Pending]], float | None]:
        ready: list[tuple[Bot, Webhook, Pending]] = []
        pause: float | None = None
        if self._world.down:
            return ready, pause
        now = self._world.now()
        for bot in self._world.bots.values():
            if bot.webhook is None:
                continue
            self._world.expire(bot)
            under_way = sum(pending.is_under_way for pending in bot.pending)
            lines = set()
            for pending in bot.pending:
                if pending.line in lines:
                    continue
                lines.add(pending.line)
                if pending.is_under_way or under_way >= bot.webhook.max_connections:
                    continue
                if pending.due_at > now:
                    pause = min(pause or pending.due_at - now, pending.due_at - now)
                    continue
                pending.is_under_way = True
                under_way += 1
                ready.append((bot, bot.webhook, pending))
        return ready, pause

    async def _carry(self, session: aiohttp.ClientSession, bot: Bot, webhook: Webhook, pending: Pending) -> None:
        world = self._world
        with world.lock:
            fault = world.faults.draw("webhook", pending.line[1])
        reply: Json | None = None
        error, retry_after = "", 0.0
        try:
            error, retry_after, reply = await self._send_through(fault, session, webhook, pending)
        except TimeoutError:
            error = "Read timeout expired"
        except aiohttp.ClientConnectorError:
            error = "Connection refused"
        except aiohttp.ClientError:
            error = "Webhook connection closed"
        with world.lock:
            pending.is_under_way = False
            if error:
                self._put_off(bot, webhook, pending, error, retry_after)
            else:
                _seen(world, bot)
                bot.pending = [other for other in bot.pending if other is not pending]
                world.tell({"type": "taken"})
        world.webhook_bell.ring()
        if not error and reply is not None:
            method = str(reply.pop("method", "")).lower()
            if method and method not in UNRIDEABLE and not method.startswith("get"):
                await self._perform(bot, method, reply)

    async def _send_through(
        self, fault: Fault | None, session: aiohttp.ClientSession, webhook: Webhook, pending: Pending
    ) -> tuple[str, float, Json | None]:
        """Send it as this fault lets it through: late, twice, or with a connection that breaks before or after."""
        if fault is None:
            return await self._send(session, webhook, pending)
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay or 0)
            return await self._send(session, webhook, pending)
        if fault.kind == "repeat":
            await self._send(session, webhook, pending)
            return await self._send(session, webhook, pending)
        if fault.when == "after":
            await self._send(session, webhook, pending)
        raise aiohttp.ClientConnectionError("fault")

    async def _send(
        self, session: aiohttp.ClientSession, webhook: Webhook, pending: Pending
    ) -> tuple[str, float, Json | None]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate"}
        if webhook.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret_token
        body = orjson.dumps({"update_id": pending.update_id, **pending.body})
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT)
        headers["X-Sandbox-Clock"] = f"{self._world.now():.6f}"
        async with session.post(webhook.url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as got:
            text = await got.read()
            if 200 <= got.status <= 299:
                return "", 0.0, _method_in(got.content_type, text)
            wait = got.headers.get("Retry-After", "")
            reason = f"Wrong response from the webhook: {got.status} {got.reason}"
            return reason, min(float(wait), MAX_RETRY_AFTER) if wait.isdigit() else 0.0, None

    def _put_off(self, bot: Bot, webhook: Webhook, pending: Pending, error: str, retry_after: float) -> None:
        now = self._world.now()
        webhook.last_error, webhook.last_error_at = error, now
        wait = retry_after
        if not retry_after and pending.fails:
            pending.delay = min(self._dice.randint(MAX_RETRY_DELAY, MAX_RETRY_DELAY * 2), pending.delay * 2)
            wait = pending.delay
        pending.fails += 1
        pending.due_at = now + wait
        if pending.due_at > pending.expires_at:
            bot.pending = [other for other in bot.pending if other is not pending]


def _method_in(content_type: str, text: bytes) -> Json | None:
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text.decode(errors="replace")))
    try:
        answer = orjson.loads(text) if text.strip() else None
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None
