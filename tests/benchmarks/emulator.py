"""A Bot API on loopback that is fast above all, so that what is measured is the bot.

Its people are callbacks, not tasks; nothing is kept but what an edit or a tap needs; it refuses little and limits
nothing (`enlace sandbox` is the faithful one). Polling and webhooks, and any delay of its answers.
"""

import asyncio
import contextlib
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import httptools
import orjson

TOKEN = "4200000042:a-load-driver-hears-this-token-only"
SECRET = "webhook-secret-of-the-load-driver"
ME = {"id": 4200000042, "is_bot": True, "first_name": "Load", "username": "load_bot"}
FIRST_PERSON = 100_001
HOOK_CONNECTIONS = 40
"""Telegram's own default of `max_connections`."""

Json = dict[str, Any]
now = time.perf_counter


class Refused(Exception):
    """What the Bot API says no to: a code and a sentence."""


# ------------------------------------------------------------------ HTTP
class Connection(asyncio.Protocol):
    """The bot's connection to the Bot API. Nobody pipelines: one request, then its answer."""

    def __init__(self, telegram: "Telegram") -> None:
        self.telegram = telegram
        self.parser = httptools.HttpRequestParser(self)
        self.transport: Any = None
        self.path, self.body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.path, self.body = url, b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.telegram.request(self, self.path.rpartition(b"/")[2].decode(), self.body)

    def answer(self, payload: bytes, status: bytes = b"200 OK") -> None:
        self.transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(payload), payload)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.telegram.hang_up(self)


class Delivery(asyncio.Protocol):
    """A connection to the bot's webhook: one update at a time."""

    def __init__(self, hook: "Hook") -> None:
        self.hook = hook
        self.parser = httptools.HttpResponseParser(self)
        self.transport: Any = None
        self.update: Update | None = None
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.hook.idle.append(self)
        self.hook.drain()

    def send(self, update: "Update") -> None:
        self.update, body = update, orjson.dumps(update.content)
        self.transport.write(b"%b%d\r\n\r\n%b" % (self.hook.head, len(body), body))
        update.delivered()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        update, self.update = self.update, None
        body, self.body = self.body, b""
        if self.parser.get_status_code() // 100 != 2:
            self.hook.again(update)
        elif b'"method"' in body:
            self.hook.telegram.ride(orjson.loads(body))
        self.hook.idle.append(self)
        self.hook.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        self.hook.lost(self)


class Hook:
    """Posts updates over a few connections, as Telegram does; what is not answered with 2xx comes again."""

    def __init__(self, telegram: "Telegram", url: str, secret: str, limit: int) -> None:
        scheme_host, _, path = url.partition("://")[2].partition("/")
        host, _, port = scheme_host.partition(":")
        self.telegram, self.limit = telegram, limit
        self.host, self.ports = host, itertools.cycle(telegram.replicas or (int(port or 80),))
        self.queue: deque[Update] = deque()
        self.idle: deque[Delivery] = deque()
        self.open = 0
        self.head = (
            f"POST /{path} HTTP/1.1\r\nHost: {scheme_host}\r\nX-Telegram-Bot-Api-Secret-Token: {secret}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def push(self, update: "Update") -> None:
        self.queue.append(update)
        self.drain()

    def drain(self) -> None:
        while self.queue and self.idle:
            self.idle.popleft().send(self.queue.popleft())
        if self.queue and self.open < self.limit:
            self.open += 1
            self.telegram.loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await self.telegram.loop.create_connection(lambda: Delivery(self), self.host, next(self.ports))
        except OSError:
            self.open -= 1
            self.telegram.loop.call_later(0.2, self.drain)

    def again(self, update: "Update | None") -> None:
        if update is not None:
            self.telegram.errors["webhook answered without 2xx"] += 1
            self.telegram.loop.call_later(0.5, self.push, update)

    def lost(self, delivery: Delivery) -> None:
        self.open -= 1
        if delivery in self.idle:
            self.idle.remove(delivery)
        self.again(delivery.update)
        self.drain()


# ------------------------------------------------------------------ people and what they do
class Person:
    """Somebody in the middle of a conversation."""

    __slots__ = ("acted_at", "delivered_at", "id", "position", "told", "update", "user")

    def __init__(self, id: int) -> None:
        self.id = id
        self.user = {"id": id, "is_bot": False, "first_name": f"Person {id}", "language_code": "en"}
        self.position = 0
        """How many questions have been answered; -1 between conversations."""
        self.told: list[str] = []
        self.update: Update | None = None
        self.delivered_at = self.acted_at = 0.0


class Update:
    """Something a person did, on its way to the bot."""

    __slots__ = ("content", "id", "person")

    def __init__(self, id: int, content: Json, person: "Person") -> None:
        self.id, self.content, self.person = id, content, person

    def delivered(self) -> None:
        if self.person.update is self and not self.person.delivered_at:
            self.person.delivered_at = now()


# ------------------------------------------------------------------ the Bot API
class Telegram:
    """Enough of the Bot API for a bot that asks and is answered."""

    def __init__(self, latency: float, loop: asyncio.AbstractEventLoop, replicas: Sequence[int] = ()) -> None:
        self.latency, self.loop = latency, loop
        self.replicas = replicas
        """Ports among which connections to a webhook are divided, as by a balancer."""
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.is_ready = asyncio.Event()
        self.hear: Callable[[int, Json, bool], None] = lambda chat_id, message, is_edit: None
        self._queue: deque[Update] = deque()
        self._poll: tuple[Connection, int] | None = None
        self._poll_timer: asyncio.TimerHandle | None = None
        self._is_flushing = False
        self._hook: Hook | None = None
        self._shown: dict[int, dict[int, Json]] = {}
        self._written: set[int] = set()
        self._queries: set[str] = set()
        self._update_ids, self._message_ids = itertools.count(1000), itertools.count(1)
        self._methods: Mapping[str, Callable[[Json], Any]] = {
            "getMe": lambda parameters: ME,
            "sendMessage": self._send,
            "editMessageText": self._edit,
            "deleteMessage": self._delete,
            "deleteMessages": self._delete_all,
            "answerCallbackQuery": self._answer_query,
            "setWebhook": self._set_webhook,
            "getWebhookInfo": lambda parameters: {
                "url": "",
                "has_custom_certificate": False,
                "pending_update_count": 0,
            },
        }

    # -------------------------------------------------------------- calls
    def request(self, connection: Connection, method: str, body: bytes) -> None:
        self.calls[method] += 1
        parameters = _parameters(body)
        if method == "getUpdates":
            self._get_updates(connection, parameters)
            return
        payload, status = self._perform(method, parameters)
        if self.latency:
            self.loop.call_later(self.latency, connection.answer, payload, status)
        else:
            connection.answer(payload, status)

    def ride(self, parameters: Json) -> None:
        """A call that came in the webhook's own answer: performed, and nobody is told how it went."""
        method = parameters.pop("method")
        self.calls[f"{method} (in a webhook answer)"] += 1
        self._perform(method, parameters)

    def _perform(self, method: str, parameters: Json) -> tuple[bytes, bytes]:
        handler = self._methods.get(method)
        try:
            return orjson.dumps({"ok": True, "result": True if handler is None else handler(parameters)}), b"200 OK"
        except Refused as refusal:
            self.errors[f"{method}: {refusal}"] += 1
            told = {"ok": False, "error_code": 400, "description": f"Bad Request: {refusal}"}
            return orjson.dumps(told), b"400 Bad Request"

    def _send(self, parameters: Json) -> Json:
        chat_id = int(parameters["chat_id"])
        return self._show(chat_id, next(self._message_ids), parameters, is_edit=False)

    def _edit(self, parameters: Json) -> Json:
        chat_id, message_id = int(parameters["chat_id"]), int(parameters["message_id"])
        before = self._shown.get(chat_id, {}).get(message_id)
        if before is None:
            raise Refused("message to edit not found")
        return self._show(chat_id, message_id, parameters, is_edit=True)

    def _show(self, chat_id: int, message_id: int, parameters: Json, *, is_edit: bool) -> Json:
        text, markup = parameters.get("text", ""), parameters.get("reply_markup")
        if not text:
            raise Refused("message text is empty")
        message: Json = {
            "message_id": message_id,
            "from": ME,
            "chat": _chat(chat_id),
            "date": int(time.time()),
            "text": text,
        }
        if markup and "inline_keyboard" in (markup := orjson.loads(markup) if isinstance(markup, str) else markup):
            message["reply_markup"] = markup
        shown = self._shown.setdefault(chat_id, {})
        shown[message_id] = message
        if len(shown) > 30:
            del shown[next(iter(shown))]
        # After the answer to the bot: a person's next act is never faster than that.
        self.loop.call_soon(self.hear, chat_id, message, is_edit)
        return message

    def _delete(self, parameters: Json) -> bool:
        message_id = int(parameters["message_id"])
        if message_id in self._written:
            self._written.remove(message_id)
        elif self._shown.get(int(parameters["chat_id"]), {}).pop(message_id, None) is None:
            raise Refused("message to delete not found")
        return True

    def _delete_all(self, parameters: Json) -> bool:
        """What is not there is skipped."""
        numbers = parameters["message_ids"]  # python-telegram-bot's own client writes JSON in a form
        for message_id in orjson.loads(numbers) if isinstance(numbers, str) else numbers:
            with contextlib.suppress(Refused):
                self._delete({"chat_id": parameters["chat_id"], "message_id": message_id})
        return True

    def _answer_query(self, parameters: Json) -> bool:
        if parameters["callback_query_id"] not in self._queries:
            raise Refused("query is too old and response timeout expired or query ID is invalid")
        self._queries.remove(parameters["callback_query_id"])
        return True

    def _set_webhook(self, parameters: Json) -> bool:
        if url := parameters.get("url"):
            limit = int(parameters.get("max_connections") or HOOK_CONNECTIONS)
            self._hook = Hook(self, url, parameters.get("secret_token", ""), limit)
            if self.calls["setWebhook"] >= len(self.replicas):
                self.loop.call_later(0.3, self.is_ready.set)  # some set it before they listen
        return True

    # -------------------------------------------------------------- updates
    def say(self, person: "Person", text: str) -> None:
        message_id = next(self._message_ids)
        self._written.add(message_id)
        message: Json = {
            "message_id": message_id,
            "from": person.user,
            "chat": _chat(person.id),
            "date": int(time.time()),
            "text": text,
        }
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.partition(" ")[0])}]
        self._push(person, {"message": message})

    def press(self, person: "Person", message: Json, data: str) -> None:
        number = next(self._update_ids)
        query = str(number)
        self._queries.add(query)
        content = {"id": query, "from": person.user, "message": message, "chat_instance": str(person.id), "data": data}
        self._push(person, {"callback_query": content})

    def act(self, person: "Person", content: Json) -> None:
        """Any other update, whose chat and author are this person's."""
        [inner] = content.values()
        inner["from"] = person.user
        inner.get("message", inner)["chat"] = _chat(person.id)
        if "callback_query" in content:
            self._queries.add(inner["id"])
        self._push(person, content)

    def _push(self, person: "Person", content: Json) -> None:
        update = Update(next(self._update_ids), content, person)
        content["update_id"] = update.id
        person.update, person.delivered_at = update, 0.0
        if self._hook is not None:
            self._hook.push(update)
            return
        self._queue.append(update)
        self._flush_soon()

    def _get_updates(self, connection: Connection, parameters: Json) -> None:
        offset, limit, wait = (
            int(parameters.get(name) or usual) for name, usual in (("offset", 0), ("limit", 100), ("timeout", 0))
        )
        while self._queue and self._queue[0].id < offset:
            self._queue.popleft()
        self._poll = (connection, limit)
        self._poll_timer = self.loop.call_later(wait, self._flush)
        self.is_ready.set()
        if self._queue:
            self._flush_soon()

    def _flush_soon(self) -> None:
        """What several people do in the same moment comes in one answer."""
        if self._poll is not None and not self._is_flushing:
            self._is_flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        if self._poll is None:
            return
        (connection, limit), self._poll = self._poll, None
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        batch = list(itertools.islice(self._queue, limit))
        if self.latency:
            self.loop.call_later(self.latency, self._hand_over, connection, batch)
        else:
            self._hand_over(connection, batch)

    def _hand_over(self, connection: Connection, batch: list[Update]) -> None:
        connection.answer(orjson.dumps({"ok": True, "result": [update.content for update in batch]}))
        for update in batch:
            update.delivered()

    def hang_up(self, connection: Connection) -> None:
        if self._poll is not None and self._poll[0] is connection:
            self._poll = None


def _parameters(body: bytes) -> Json:
    """JSON or a form's fields. By the first byte: looking at headers would cost more than all the rest."""
    if not body:
        return {}
    if body.startswith(b"{"):
        found: Json = orjson.loads(body)
        return found
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _chat(chat_id: int) -> Json:
    return {"id": chat_id, "type": "private", "first_name": f"Person {chat_id}"}
