"""A Telegram on loopback and any number of people who talk to a bot through it, with a stopwatch.

    python tests/benchmarks/load.py --talk form --users 50 --seconds 5 \
        --env BENCH_API={api} --env BENCH_TOKEN={token} -- python tests/benchmarks/peers/ptb.py

The Bot API answers as fast as one core can write, so that what is measured is the bot: the people are callbacks,
not tasks, and nothing is kept but what an edit or a tap needs. It is no sandbox (`enlace sandbox` is one): it
refuses little, and limits nothing.

An interaction is an update, from its delivery until the bot's message or edit with the next question is here. Who
edits the answered card first is not done with that. CPU and memory are the bot process's own, from /proc (Linux).
"""

import argparse
import asyncio
import dataclasses
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httptools
import orjson
from talks import PRESS, TALKS, Rule, Talk

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
        self.address = (host, int(port or 80))
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
            await self.telegram.loop.create_connection(lambda: Delivery(self), *self.address)
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


# ------------------------------------------------------------------ the Bot API
class Update:
    """Something a person did, on its way to the bot."""

    __slots__ = ("content", "id", "person")

    def __init__(self, id: int, content: Json, person: "Person") -> None:
        self.id, self.content, self.person = id, content, person

    def delivered(self) -> None:
        if self.person.update is self and not self.person.delivered_at:
            self.person.delivered_at = now()


class Telegram:
    """Enough of the Bot API for a bot that asks and is answered."""

    def __init__(self, latency: float, loop: asyncio.AbstractEventLoop) -> None:
        self.latency, self.loop = latency, loop
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
        self._queries: set[str] = set()
        self._update_ids, self._message_ids = itertools.count(1000), itertools.count(1)
        self._methods: Mapping[str, Callable[[Json], Any]] = {
            "getMe": lambda parameters: ME,
            "sendMessage": self._send,
            "editMessageText": self._edit,
            "deleteMessage": self._delete,
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
        if self._shown.get(int(parameters["chat_id"]), {}).pop(int(parameters["message_id"]), None) is None:
            raise Refused("message to delete not found")
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
            self.loop.call_later(0.3, self.is_ready.set)  # some set it before they listen
        return True

    # -------------------------------------------------------------- updates
    def say(self, person: "Person", text: str) -> None:
        message: Json = {
            "message_id": next(self._message_ids),
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


# ------------------------------------------------------------------ people
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


class Crowd:
    """People who begin their talk again as soon as it has ended, and what was seen of the bot meanwhile."""

    def __init__(self, telegram: Telegram, talk: Talk, users: int, *, patience: float, trace: bool, seed: int) -> None:
        self.telegram, self.talk, self.patience, self.trace = telegram, talk, patience, trace
        self.people = {FIRST_PERSON + number: Person(FIRST_PERSON + number) for number in range(users)}
        self.rules = talk.compiled()
        self.done = re.compile(talk.done)
        self.dice = random.Random(seed)
        self.completed = 0
        self.failures: Counter[str] = Counter()
        self.first_failure = ""
        self.waits: list[float] | None = None
        """Seconds of each interaction; None while nothing is measured."""
        telegram.hear = self.heard

    def begin(self, person: Person) -> None:
        person.position, person.told = 0, []
        self._say(person, self.talk.start)

    def heard(self, chat_id: int, message: Json, is_edit: bool) -> None:
        """The bot wrote in this chat, or edited. An edit without buttons only tidies up."""
        person = self.people.get(chat_id)
        if person is None or person.position < 0:
            return
        text = message["text"]
        if self.trace:
            buttons = [button["text"] for button in _buttons(message)]
            print(f"{chat_id} < {'edit' if is_edit else 'send'} {text!r} {buttons}", file=sys.stderr)
        if is_edit and "reply_markup" not in message:
            return
        if person.update is None:
            self.fail(person, "a message nobody asked for", text)
            return
        expected = self.rules[person.position] if person.position < len(self.rules) else None
        if expected is None and self.done.search(text):
            self._lap(person)
            self.completed += 1
            person.position = -1
            self.telegram.loop.call_soon(self.begin, person)
        elif expected is not None and expected[0].search(text):
            rule = expected[1]
            if rule.recalls and (missing := [word for word in person.told if word not in text]):
                self.fail(person, f"an answer forgotten at {rule.asked}", f"no {missing[0]!r} in {text!r}")
                return
            self._lap(person)
            person.position += 1
            self._answer(person, rule, message)
        else:
            wanted = "the end" if expected is None else expected[1].asked
            self.fail(person, f"something else instead of {wanted}", text)

    def _lap(self, person: Person) -> None:
        if self.waits is not None and person.delivered_at:
            self.waits.append(now() - person.delivered_at)
        person.update = None

    def _answer(self, person: Person, rule: Rule, message: Json) -> None:
        if rule.answer.startswith(PRESS):
            wanted = rule.answer[len(PRESS) :]
            data = next((b["callback_data"] for b in _buttons(message) if re.search(wanted, b["text"])), None)
            if data is None:
                self.fail(person, f"no button {wanted!r} at {rule.asked}", message["text"])
                return
            if self.trace:
                print(f"{person.id} > [{wanted}]", file=sys.stderr)
            person.acted_at = now()
            self.telegram.press(person, message, data)
            return
        answer = rule.answer.format(n=self.dice.randrange(1, 1000))
        if "{n}" in rule.answer:
            person.told.append(answer)
        self._say(person, answer)

    def _say(self, person: Person, text: str) -> None:
        if self.trace:
            print(f"{person.id} > {text}", file=sys.stderr)
        person.acted_at = now()
        self.telegram.say(person, text)

    def fail(self, person: Person, reason: str, text: str = "") -> None:
        self.failures[reason] += 1
        self.first_failure = self.first_failure or f"{reason}: {text[:300]!r}"
        person.position, person.update = -1, None
        # Not at once: a bot that answers everything wrongly would keep the driver busy and the clock still.
        self.telegram.loop.call_later(0.5, self.begin, person)

    def sweep(self) -> None:
        """Whoever has waited in vain has failed."""
        for person in self.people.values():
            if person.position >= 0 and person.update is not None and now() - person.acted_at > self.patience:
                self.fail(person, "no answer in time")


def _buttons(message: Json) -> list[Json]:
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", ()) for button in row]


# ------------------------------------------------------------------ measuring
@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. Templates of the environment may name {api}, {token}, {secret}, {hook_url}, {hook_port}."""

    talk: Talk
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    users: int = 50
    seconds: float = 5.0
    ramp: float = 1.0
    """Seconds over which people begin: all at once, they would walk in step."""
    warmup: float = 1.0
    """Seconds after the ramp that are not measured."""
    rounds: int = 0
    """Conversations after which to stop, instead of after `seconds`; for tests."""
    latency: float = 0.0
    """Seconds until the Bot API answers."""
    patience: float = 10.0
    pin: tuple[int, int] | None = None
    """The cores of the bot and of the driver."""
    log: Path | None = None
    trace: bool = False
    seed: int = 1
    hook_port: int = 0
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen. Of the measured seconds only; but failures, calls and errors of the whole run."""

    label: str
    users: int
    seconds: float
    interactions: int
    interactions_per_s: float
    conversations: int
    failed: int
    failures: dict[str, int]
    first_failure: str
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: float
    """Of the bot, an interaction."""
    cpu_percent: float
    driver_percent: float
    """Near 100, the driver is what was measured."""
    peak_rss_mb: float
    start_s: float
    """From the start of the process to its first getUpdates, or 0.3 s after setWebhook."""
    calls_per_interaction: float
    calls: dict[str, int]
    errors: dict[str, int]


async def measure(plan: Plan) -> Report:
    """Start the bot, let the people talk to it, stop it. RuntimeError if it never comes or dies."""
    loop = asyncio.get_running_loop()
    telegram = Telegram(plan.latency, loop)
    crowd = Crowd(telegram, plan.talk, plan.users, patience=plan.patience, trace=plan.trace, seed=plan.seed)
    server = await loop.create_server(lambda: Connection(telegram), "127.0.0.1", 0, backlog=1024)
    api = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    started_at = now()
    bot = _launch(plan, api)
    try:
        await _until_ready(telegram, bot)
        start_s = now() - started_at
        for number, person in enumerate(crowd.people.values()):
            loop.call_later(number * plan.ramp / plan.users, crowd.begin, person)
        await _watch(crowd, bot, 0 if plan.rounds else plan.ramp + plan.warmup)
        crowd.waits, completed, calls_before = [], crowd.completed, telegram.calls.total()
        before = (now(), _cpu(bot.pid), time.process_time())
        await _watch(crowd, bot, plan.seconds, rounds=plan.rounds)
        after = (now(), _cpu(bot.pid), time.process_time())
        waits, crowd.waits, calls = crowd.waits, None, telegram.calls.total() - calls_before
        span, cpu, own = (later - earlier for later, earlier in zip(after, before, strict=True))
        waits.sort()
        count = max(len(waits), 1)
        return Report(
            label=plan.label,
            users=plan.users,
            seconds=round(span, 2),
            interactions=len(waits),
            interactions_per_s=round(len(waits) / span, 1),
            conversations=crowd.completed - completed,
            failed=crowd.failures.total(),
            failures=dict(crowd.failures),
            first_failure=crowd.first_failure,
            p50_ms=_percentile(waits, 0.5),
            p99_ms=_percentile(waits, 0.99),
            max_ms=_percentile(waits, 1.0),
            cpu_ms=round(1000 * cpu / count, 3),
            cpu_percent=round(100 * cpu / span, 1),
            driver_percent=round(100 * own / span, 1),
            peak_rss_mb=_peak(bot.pid),
            start_s=round(start_s, 2),
            calls_per_interaction=round(calls / count, 2),
            calls=dict(telegram.calls.most_common()),
            errors=dict(telegram.errors),
        )
    finally:
        await _stop(bot)
        server.close()


def _launch(plan: Plan, api: str) -> subprocess.Popen[bytes]:
    names = {
        "api": api,
        "token": TOKEN,
        "secret": SECRET,
        "hook_port": plan.hook_port,
        "hook_url": f"http://127.0.0.1:{plan.hook_port}/telegram",
    }
    environment = os.environ | {name: value.format_map(names) for name, value in plan.environment.items()}
    log = plan.log.open("ab") if plan.log is not None else subprocess.DEVNULL
    if plan.pin is not None:
        os.sched_setaffinity(0, {plan.pin[0]})  # the child inherits it, from its first instruction
    bot = subprocess.Popen(plan.command, env=environment, stdout=log, stderr=log, cwd=plan.folder)
    if plan.pin is not None:
        os.sched_setaffinity(0, {plan.pin[1]})
    return bot


async def _until_ready(telegram: Telegram, bot: subprocess.Popen[bytes]) -> None:
    deadline = now() + 60
    while not telegram.is_ready.is_set():
        if bot.poll() is not None or now() > deadline:
            raise RuntimeError("the bot did not come: it called neither getUpdates nor setWebhook")
        await asyncio.sleep(0.01)


async def _watch(crowd: Crowd, bot: subprocess.Popen[bytes], seconds: float, *, rounds: int = 0) -> None:
    deadline = now() + seconds
    while rounds or (left := deadline - now()) > 0:
        if rounds and crowd.completed + crowd.failures.total() >= rounds:
            return
        await asyncio.sleep(0.02 if rounds else min(left, 0.25))
        crowd.sweep()
        if bot.poll() is not None:
            raise RuntimeError(f"the bot ended with {bot.returncode}")


async def _stop(bot: subprocess.Popen[bytes]) -> None:
    if bot.poll() is None:
        bot.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(bot.wait, 10)
    except subprocess.TimeoutExpired:
        bot.kill()
        await asyncio.to_thread(bot.wait)


def _percentile(waits: list[float], part: float) -> float:
    return round(1000 * waits[min(len(waits) - 1, int(len(waits) * part))], 2) if waits else 0.0


def _cpu(pid: int) -> float:
    """Seconds of processor this process and all its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """The most memory the process has had, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1000, 1) if found else 0.0


# ------------------------------------------------------------------ command line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talk", choices=TALKS, default="form", help="what people say; see talks.py")
    parser.add_argument("--start", default="", help="begin with this instead")
    parser.add_argument("--done", default="", help="regular expression of the message that ends a conversation")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--ramp", type=float, default=1.0, help="seconds over which people begin")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds after the ramp left out")
    parser.add_argument("--rounds", type=int, default=0, help="stop after so many conversations instead")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds until the Bot API answers")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds after which a silent bot has failed")
    parser.add_argument("--pin", default="", metavar="BOT:DRIVER", help="cores, such as 0:1")
    parser.add_argument("--hook-port", type=int, default=0, help="for {hook_port} and {hook_url}")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=TEMPLATE", help="for the bot; " + Plan.__doc__
    )
    parser.add_argument("--log", type=Path, help="the bot's own output")
    parser.add_argument("--trace", action="store_true", help="print the conversations")
    parser.add_argument("command", nargs="+", help="starts the bot")
    given = parser.parse_args()
    talk = TALKS[given.talk]
    if given.start or given.done:
        talk = dataclasses.replace(talk, start=given.start or talk.start, done=given.done or talk.done)
    plan = Plan(
        talk=talk,
        command=given.command,
        environment=dict(item.split("=", 1) for item in given.env),
        users=given.users,
        seconds=given.seconds,
        ramp=given.ramp,
        warmup=given.warmup,
        rounds=given.rounds,
        latency=given.latency / 1000,
        patience=given.patience,
        pin=tuple(map(int, given.pin.split(":"))) if given.pin else None,
        log=given.log,
        trace=given.trace,
        hook_port=given.hook_port,
    )
    print(json.dumps(dataclasses.asdict(run(plan)), indent=1, ensure_ascii=False))


def run(plan: Plan) -> Report:
    """`measure` on the fastest loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(measure(plan))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(plan))


if __name__ == "__main__":
    main()
