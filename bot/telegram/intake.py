"""Updates in: applied and committed first, acknowledged to Telegram after that (G1).

python-telegram-bot's `Updater` queues updates in memory and acknowledges them before any handler has run, so a
kill loses answers; and one update that it cannot parse makes it fetch the same batch for ever. Here Telegram
itself is the inbox. Polling acknowledges by the next call's offset, a webhook by its 200; neither happens before
the unit of work that applied the update has been told that it is durable.

The laws:
* updates of one chat are applied in the order in which they came, the next one only when the one before has
  committed; if one fails because the database is away, those behind it fail with it, and Telegram brings all of
  them again in order (G3);
* an update that fails five times is set aside as poison, with its type and the place of the failure and without
  its content; its chat goes on;
* a chat that waits, retries or floods does not keep the others waiting.
"""

import asyncio
import contextlib
import hmac
import re
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send
from telegram import error as errors

from bot.telegram.api import Api
from bot.telegram.delivery import Delivery, answer_payload, until
from bot.telegram.handled import Alarm, BotError, Clock, Handle, Handled, TokenRejected
from bot.telegram.http import TooManyRequests, parse_json
from storage.errors import Unavailable
from storage.tally import Durations
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)

ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member")
OTHER_UPDATES: Final = "other"
TRIES: Final = 5
WEBHOOK_FACT: Final = "telegram.webhook"

BATCH: Final = 100
"""Updates a getUpdates brings at most; also how far we may run ahead of one that does not commit."""
LONG_POLL: Final = 30
PATIENCE: Final = 0.1
"""Seconds a batch may take before we ask for more without it."""
ALARM_EVERY: Final = 60.0
SECRET_HEADER: Final = b"x-telegram-bot-api-secret-token"
BODY_LIMIT: Final = 1024 * 1024
"""Bytes; an update is a few kilobytes."""


def is_update(given: Any) -> bool:
    """Whether this is an object with a number that a database can hold; anything else never came from Telegram."""
    return isinstance(given, dict) and type(given.get("update_id")) is int and 0 <= given["update_id"] < 2**63


def update_type(update: Mapping[str, Any]) -> str:
    """`message`, `callback_query`, …"""
    return next((name for name in update if name != "update_id"), "nothing")


def chat_of(update: Mapping[str, Any]) -> int | None:
    """The chat in whose order an update stands; of a tap, the chat of its message. None for what has none."""
    for name, content in update.items():
        if name == "update_id" or not isinstance(content, Mapping):
            continue
        message = content.get("message")
        for holder in (content, message if isinstance(message, Mapping) else {}):
            chat = holder.get("chat")
            if isinstance(chat, Mapping) and isinstance(chat.get("id"), int):
                return int(chat["id"])
        sender = content.get("from") or content.get("user")
        if isinstance(sender, Mapping) and isinstance(sender.get("id"), int):
            return int(sender["id"])
    return None


# ------------------------------------------------------------------ one person flooding (S16)
@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Flood:
    """Slows a chat down that sends more than `burst` updates in `seconds`; never drops anything.

    At most `held` updates are kept waiting in all: beyond that, Telegram's queue would fill with the flood and
    everybody would wait behind it, so they are let through, still one at a time.
    """

    def __init__(self, burst: int = 30, seconds: float = 10.0, *, held: int = BATCH // 2) -> None:
        self._burst = burst
        self._pace = burst / seconds
        self._held_at_most = held
        self._held = 0
        self._buckets: OrderedDict[int, _Bucket] = OrderedDict()

    def wait(self, chat_id: int, at: float) -> float:
        """Seconds to wait before this chat's next update is looked at; counts that update."""
        bucket = self._buckets.get(chat_id)
        if bucket is None:
            bucket = self._buckets[chat_id] = _Bucket(float(self._burst), at)
            if len(self._buckets) > 10_000:
                self._buckets.popitem(last=False)
        bucket.left = min(float(self._burst), bucket.left + (at - bucket.at) * self._pace)
        bucket.at = at
        bucket.left -= 1.0
        if bucket.left >= 0:
            return 0.0
        if self._held >= self._held_at_most:
            bucket.left = 0.0
            return 0.0
        self._held += 1
        return -bucket.left / self._pace

    def released(self) -> None:
        """One that waited has been let through."""
        self._held -= 1


# ------------------------------------------------------------------ applying
@dataclass(slots=True)
class _Waiting:
    """Something to apply in a chat's order."""

    work: Callable[[UnitOfWork], Handled]
    give_up: Callable[[UnitOfWork, Exception], Handled]
    future: "asyncio.Future[Handled]"
    is_update: bool
    rides: bool
    since: float


class Intake:
    """Applies updates, each in a unit of its own, in each chat's order, and hands what they cause to the delivery."""

    def __init__(
        self,
        bot_id: int,
        units: Units,
        handle: Handle,
        delivery: Delivery,
        clock: Clock,
        *,
        flood: Flood | None = None,
    ) -> None:
        self._bot_id = bot_id
        self._units = units
        self._handle = handle
        self._delivery = delivery
        self._clock = clock
        self._flood = flood
        self._lines: dict[int, deque[_Waiting]] = {}
        self._in_flight: dict[int, asyncio.Future[Handled]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = 0
        # For metrics (bot.web.metrics).
        self.updates = dict.fromkeys((*ALLOWED_UPDATES, OTHER_UPDATES), 0)
        self.poisoned = 0
        self.committing = Durations()
        """From an update's delivery to its commit."""

    def apply(self, update: Mapping[str, Any], *, rides: bool = False) -> "asyncio.Future[Handled]":
        """Done once everything the update causes is durable; fails with Unavailable if nobody knows.

        An update that is being applied already is not applied again: its future is returned. What it causes is
        sent whether or not anybody waits for the future. With `rides`, the reply to its tap is left to the caller.
        """
        update_id = update["update_id"]
        running = self._in_flight.get(update_id)
        if running is not None:
            return running
        type_of_update = update_type(update)
        self.updates[type_of_update if type_of_update in self.updates else OTHER_UPDATES] += 1

        def work(unit: UnitOfWork) -> Handled:
            return self._handle(unit, update, self._clock.now())

        def give_up(unit: UnitOfWork, error: Exception) -> Handled:
            reason = place_of(error)
            unit.inbox.set_aside(self._bot_id, update_id, type_of_update, reason, self._clock.now())
            unit.after_commit(partial(self._tell_poison, update_id, type_of_update, reason))
            return Handled()

        future = self.submit(chat_of(update), work, give_up, is_update=True, rides=rides)
        self._in_flight[update_id] = future
        future.add_done_callback(lambda _: self._in_flight.pop(update_id, None))
        return future

    def _tell_poison(self, update_id: int, type_of_update: str, reason: str) -> None:
        self.poisoned += 1
        logger.error("update.poison", update_id=update_id, type=type_of_update, reason=reason)

    def submit(
        self,
        chat_id: int | None,
        work: Callable[[UnitOfWork], Handled],
        give_up: Callable[[UnitOfWork, Exception], Handled],
        *,
        is_update: bool = False,
        rides: bool = False,
    ) -> "asyncio.Future[Handled]":
        """Apply something else in a chat's order: a downloaded file, for instance."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Handled] = loop.create_future()
        # Nobody may be waiting (a webhook's client that went away): then a failure is not worth a complaint.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        waiting = _Waiting(work, give_up, future, is_update, rides, loop.time())
        self._open += 1
        self._idle.clear()
        if chat_id is None:
            self._begin(None, waiting)
        elif (line := self._lines.get(chat_id)) is not None:
            line.append(waiting)
        else:
            self._lines[chat_id] = deque()
            self._begin_in_time(chat_id, waiting)
        return future

    async def settle(self, seconds: float) -> None:
        """Wait until nothing is being applied, at the longest for so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("intake.unsettled", open=self._open)

    def _begin_in_time(self, chat_id: int, waiting: _Waiting) -> None:
        if self._flood is not None and waiting.is_update:
            loop = asyncio.get_running_loop()
            wait = self._flood.wait(chat_id, loop.time())
            if wait > 0:
                loop.call_later(wait, self._begin_late, chat_id, waiting)
                return
        self._begin(chat_id, waiting)

    def _begin_late(self, chat_id: int, waiting: _Waiting) -> None:
        if self._flood is not None:
            self._flood.released()
        self._begin(chat_id, waiting)

    def _begin(self, chat_id: int | None, waiting: _Waiting) -> None:
        unit = self._units.begin(chat_id, waiting.work, tries=TRIES, give_up=waiting.give_up)
        unit.add_done_callback(partial(self._done, chat_id, waiting))

    def _done(self, chat_id: int | None, waiting: _Waiting, unit: "asyncio.Future[Handled]") -> None:
        """Committed, or not. Everything that follows from it starts here, in the order of the commits."""
        self._open -= 1
        error = asyncio.CancelledError() if unit.cancelled() else unit.exception()
        if error is None:
            if waiting.is_update:
                self.committing.add(asyncio.get_running_loop().time() - waiting.since)
            handled = unit.result()
            if handled.answer is not None and not waiting.rides:
                self._delivery.answer(handled.answer)
            if handled.deliveries:
                self._delivery.feed(handled.deliveries)
            if not waiting.future.done():
                waiting.future.set_result(handled)
            if chat_id is not None:
                line = self._lines[chat_id]
                if line:
                    self._begin_in_time(chat_id, line.popleft())
                else:
                    del self._lines[chat_id]
        else:
            if not isinstance(error, Unavailable):
                logger.error("update.not_set_aside", reason=place_of(error))
                error = Unavailable("an update could neither be applied nor set aside")
            failed = [waiting, *(self._lines.pop(chat_id) if chat_id is not None else ())]
            self._open -= len(failed) - 1
            for each in failed:
                if not each.future.done():
                    each.future.set_exception(Unavailable(*error.args))
        if not self._open:
            self._idle.set()


def place_of(error: BaseException) -> str:
    """Where something failed, without its message, which may quote what a person wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-4:]]
    return f"{type(error).__name__} at {' > '.join(places) or 'an unknown place'}"


# ------------------------------------------------------------------ alarms
def log_alarm(kind: str, reason: str) -> None:
    """The alarm of last resort: one line that an operator's monitoring can look for."""
    logger.critical("alarm", kind=kind, reason=reason)


class Alarms:
    """Raises each kind of alarm at once and again while it lasts, but not every second."""

    def __init__(self, tell: Alarm = log_alarm) -> None:
        self._tell = tell
        self._raised: dict[str, float] = {}

    def __call__(self, kind: str, reason: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._raised.get(kind, float("-inf")) < ALARM_EVERY:
            return
        self._raised[kind] = now
        log_alarm(kind, reason)
        if self._tell is not log_alarm:
            self._tell(kind, reason)

    def over(self, kind: str) -> None:
        self._raised.pop(kind, None)


# ------------------------------------------------------------------ polling
class _State(Enum):
    APPLYING = auto()
    DURABLE = auto()
    FAILED = auto()


_APPLYING, _DURABLE, _FAILED = _State.APPLYING, _State.DURABLE, _State.FAILED


class Polling:
    """Fetches updates with getUpdates and acknowledges one only when it, and all before it, are durable.

    While an update does not commit, later ones of other chats are fetched and applied all the same: the offset
    stays at the first unfinished one, and what Telegram therefore brings again is recognised by its number. Only
    when a whole batch stands behind it does everybody wait.
    """

    def __init__(
        self,
        api: Api,
        units: Units,
        intake: Intake,
        clock: Clock,
        *,
        alarm: Alarm = log_alarm,
        allowed: Sequence[str] = ALLOWED_UPDATES,
        wait: int = LONG_POLL,
    ) -> None:
        self._api = api
        self._units = units
        self._intake = intake
        self._clock = clock
        self._alarms = Alarms(alarm)
        self._allowed = list(allowed)
        self._wait = wait
        self._stop = asyncio.Event()
        self._settled = asyncio.Event()
        self._call: asyncio.Timeout | None = None
        self._unacknowledged: OrderedDict[int, _State] = OrderedDict()
        """In the order in which they came."""
        self._unfinished = 0
        self._offset: int | None = None
        self._failed: str | None = None
        """Why the last update that could not be applied could not; it is to be brought again."""
        self._troubles = 0

    def stop(self) -> None:
        """Let `run` end: nothing more is fetched, what was fetched is still committed."""
        self._stop.set()
        if self._call is not None:
            self._call.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Fetch and apply until `stop`. Leaves by TokenRejected if Telegram does not know us any more."""
        await self._leave_own_webhook()
        repeats = 0
        while not self._stop.is_set():
            batch = await self._fetch()
            if batch is None:
                continue
            is_new = self._apply(batch)
            repeats = 0 if is_new else repeats + 1
            if self._unfinished:
                # Telegram answers at once while anything is unacknowledged: asking again takes a pause.
                self._settled.clear()
                await until(self._settled, min(PATIENCE * 1.25**repeats, 0.5))
            if self._failed is not None:
                reason, self._failed = self._failed, None
                await self._rest("database", reason)
            elif self._troubles:
                self._recover()
        await self._intake.settle(3.0)
        await self._acknowledge()

    # -------------------------------------------------------------- fetching
    async def _fetch(self) -> list[dict[str, Any]] | None:
        """The next batch; None after trouble, which has been waited for, or when it is time to stop."""
        self._advance()
        offset = self._offset
        wait = 0 if self._unacknowledged else self._wait
        try:
            async with asyncio.timeout(None) as self._call:
                batch = await self._api.updates(offset, limit=BATCH, wait=wait, allowed=self._allowed)
        except TimeoutError:  # stop() ended it
            return None
        except errors.InvalidToken:
            raise TokenRejected from None
        except errors.Conflict as error:
            await self._on_conflict(error)
            return None
        except TooManyRequests as error:
            await until(self._stop, error.seconds)
            return None
        except errors.TelegramError as error:
            await self._rest("telegram", f"{type(error).__name__}: {error}")
            return None
        finally:
            self._call = None
        self._alarms.over("second_poller")
        self._alarms.over("foreign_webhook")
        if offset is not None and offset == self._offset:
            # Told and heard. Numbers may start anywhere after an idle week: nothing is demanded of the next one.
            self._offset = None
        return [update for update in batch if is_update(update)]

    def _apply(self, batch: list[dict[str, Any]]) -> bool:
        """Hand over what is new or has failed, in order; whether anything was."""
        is_new = False
        for update in batch:
            update_id: int = update["update_id"]
            if self._unacknowledged.get(update_id, _FAILED) is not _FAILED:
                continue
            is_new = True
            self._unacknowledged[update_id] = _APPLYING
            self._unfinished += 1
            self._intake.apply(update).add_done_callback(partial(self._on_done, update_id))
        return is_new

    def _on_done(self, update_id: int, future: "asyncio.Future[Handled]") -> None:
        self._unfinished -= 1
        error = future.exception() if not future.cancelled() else Unavailable("stopped")
        if error is None:
            self._unacknowledged[update_id] = _DURABLE
        else:
            # The offset cannot pass it, so Telegram brings it again, and all after it.
            self._unacknowledged[update_id] = _FAILED
            self._failed = str(error)
        if not self._unfinished or error is not None:
            self._settled.set()

    def _advance(self) -> None:
        """Move the offset over everything durable, up to the first that is not."""
        while self._unacknowledged:
            update_id, state = next(iter(self._unacknowledged.items()))
            if state is not _DURABLE:
                self._offset = update_id
                return
            del self._unacknowledged[update_id]
            self._offset = update_id + 1

    async def _acknowledge(self) -> None:
        """The last offset, so that the next start is not told again what is done. Lost without harm."""
        self._advance()
        if self._offset is not None:
            with contextlib.suppress(errors.TelegramError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._api.updates(self._offset, limit=1, wait=0, allowed=self._allowed)

    # -------------------------------------------------------------- trouble
    async def _rest(self, what: str, reason: str) -> None:
        """Wait before the next try, longer each time; one line when it begins."""
        self._troubles += 1
        if self._troubles == 1:
            logger.warning("intake.trouble", what=what, reason=reason)
        await until(self._stop, min(0.25 * 2 ** min(self._troubles - 1, 6), 5.0))

    def _recover(self) -> None:
        logger.info("intake.recovered", after=self._troubles)
        self._troubles = 0

    async def _on_conflict(self, error: errors.Conflict) -> None:
        """409: a second copy of the bot, or somebody who has its token."""
        if "webhook" in str(error).lower() and await self._leave_own_webhook():
            return
        kind = "foreign_webhook" if "webhook" in str(error).lower() else "second_poller"
        self._alarms(kind, str(error))
        await until(self._stop, 3.0)

    async def _leave_own_webhook(self) -> bool:
        """Take off the webhook if we have set it ourselves; another's is an alarm, and not ours to remove."""
        try:
            own = await self._units.run(None, lambda unit: unit.facts.get(WEBHOOK_FACT))
            info = await self._api.call("getWebhookInfo", {})
            address = str(info.get("url", ""))
            if not address:
                return False
            if address != own:
                self._alarms("foreign_webhook", f"updates go to {_host(address)}")
                return False
            await self._api.call("deleteWebhook", {})
            await self._units.run(None, lambda unit: unit.facts.set(WEBHOOK_FACT, "", self._clock.now()))
        except errors.InvalidToken:
            raise TokenRejected from None
        except (errors.TelegramError, Unavailable) as error:
            logger.warning("intake.trouble", what="webhook", reason=f"{type(error).__name__}: {error}")
            return False
        logger.info("webhook.removed")
        return True


def _host(address: str) -> str:
    """Who it is, without the path, which may be a secret."""
    return urlsplit(address).netloc.rpartition("@")[2] or "an unknown place"


# ------------------------------------------------------------------ webhook
class WebhookEndpoint:
    """`POST /telegram`: 200 only after the commit, 503 while nobody knows, 403 before a byte of the body is read.

    An ASGI application. What a tap is answered may ride on the reply, and nothing else: of what rides there is
    no outcome, and a question that is lost with it would be lost for good.
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == SECRET_HEADER), b"")
        if not hmac.compare_digest(given, self._secret):
            return await _reply(send, 403, closes=True)
        try:
            async with asyncio.timeout(self._body_timeout):
                body = await _body(scope, receive)
        except TimeoutError:
            return await _reply(send, 408, closes=True)
        if body is None:
            return await _reply(send, 413, closes=True)
        try:
            update = parse_json(body)
        except (ValueError, RecursionError):
            return await _reply(send, 400)
        if not is_update(update):
            return await _reply(send, 400)
        rides = not self._delivery.is_held
        try:
            async with asyncio.timeout(self._commit_timeout):
                # The unit goes on if this wait does not: what it causes is sent, and its repetition changes nothing.
                handled = await asyncio.shield(self._intake.apply(update, rides=rides))
        except (Unavailable, TimeoutError):
            return await _reply(send, 503, retry_after=True)
        if rides and handled.answer is not None:
            riding = {"method": "answerCallbackQuery", **answer_payload(handled.answer)}
            return await _reply(send, 200, orjson.dumps(riding))
        await _reply(send, 200)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The request's body; None as soon as it is known to be too long."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > BODY_LIMIT):
            return None
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


async def _reply(
    send: Send, status: int, body: bytes = b"", *, closes: bool = False, retry_after: bool = False
) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    if body:
        headers.append((b"content-type", b"application/json"))
    if closes:
        headers.append((b"connection", b"close"))
    if retry_after:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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
        self._alarms = Alarms(alarm)
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
        """Until `stop`. The webhook is left in place: updates wait at Telegram for the next start."""
        is_set = False
        while not self._stop.is_set():
            try:
                if not is_set:
                    await self._units.run(None, self._remember)
                    await self._api.call("setWebhook", self._parameters)
                    is_set = True
                info = await self._api.call("getWebhookInfo", {})
                if info.get("url") != self._address:
                    is_set = False
                    self._alarms("foreign_webhook", f"updates go to {_host(str(info.get('url', '')))}")
            except errors.InvalidToken:
                raise TokenRejected from None
            except (errors.TelegramError, Unavailable) as error:
                logger.warning("webhook.trouble", reason=f"{type(error).__name__}: {error}")
            await until(self._stop, self._look_every)

    def _remember(self, unit: UnitOfWork) -> None:
        unit.facts.set(WEBHOOK_FACT, self._address, self._clock.now())
