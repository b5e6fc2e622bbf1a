"""The control API: people's phones, the clock, faults and what has happened, as JSON under /sandbox.

The page of phones, and tests in other processes, cannot touch the world directly. This is their only way in, and it can
do everything. It is no part of Telegram: the bot sees nothing of it but its effects. Errors of `Control` are 400
(unreadable), 404 (no such chat) and 409 (no phone would let a person do this).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.sandbox import people
from bot.sandbox.clock import rung
from bot.sandbox.faults import fault_from
from bot.sandbox.journal import chat_in
from bot.sandbox.methods.profile import commands_for
from bot.sandbox.people import ImpossibleError, Sender
from bot.sandbox.refusals import Refusal
from bot.sandbox.schema import Upload
from bot.sandbox.telegram import Chat, Person, World

Json = dict[str, Any]
PAGE: Final = Path(__file__).parent / "page"
SHOWN: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "audio/mpeg", "audio/ogg", "video/mp4",
                          "application/pdf"})  # fmt: skip
SILENT_AFTER: Final = 65.0  # real seconds without a getUpdates after which the bot counts as gone


def as_json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


class NotUnderstoodError(Exception):
    """A control request that the control API does not understand."""


def moment(given: object) -> float:
    """Read Unix seconds, or an ISO date and time (UTC if it names no zone)."""
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    try:
        parsed = datetime.fromisoformat(str(given))
    except ValueError:
        raise NotUnderstoodError(f"not a moment: {given!r}") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


class Supervisor(Protocol):
    """Starts and stops the bot beside the sandbox: the demo. `state` has at least `running`."""

    def state(self) -> Json: ...

    def order(self, what: str) -> Json:
        """Kill, start or restart the bot. ValueError for anything else."""
        ...

    def dismiss(self) -> None:
        """Ask the bot to end, without waiting."""
        ...


class Control:
    """The handlers of /sandbox, each one act on the world."""

    def __init__(self, world: World, supervisor: Supervisor | None) -> None:
        self.world = world
        self._supervisor = supervisor

    # ---------------------------------------------------------------- the whole
    async def state(self, request: Request) -> Response:
        world, bot = self.world, self.world.bot
        with world.lock:
            mode = "silent"
            if bot.webhook is not None:
                mode = "webhook"
            elif bot.polled_at is not None and time.monotonic() - bot.polled_at < SILENT_AFTER:
                mode = "polling"
            return as_json(
                {
                    "now": world.now(),
                    "timezone": world.timezone,
                    "bot": {"username": bot.username, "name": bot.names.get(("name", "")) or bot.first_name,
                            "mode": mode, "last_seen": bot.last_seen, "id": bot.id,
                            "pending": len(bot.pending)},
                    "people": [self._person(chat) for chat in bot.chats.values() if chat.person is not None],
                    "groups": [
                        {"id": chat.id, "title": chat.title, "type": chat.kind, "bot_status": chat.bot_status}
                        for chat in bot.chats.values()
                        if chat.person is None
                    ],
                    "faults": [fault.as_json() for fault in world.faults.rules],
                    "down": world.down,
                    "latency": world.latency,
                    "limits": world.limited,
                    "last": {"ledger": world.ledger.entries.total, "calls": world.calls.total},
                }
            )  # fmt: skip

    def _person(self, chat: Chat) -> Json:
        person = chat.person
        assert person is not None
        return {
            "id": person.id, "first_name": person.first_name, "title": person.title,
            "language_code": person.language_code, "started": chat.started, "blocked": chat.blocked,
            "unread": chat.unread,
        }  # fmt: skip

    async def add_people(self, request: Request) -> Response:
        given = await _json(request)
        if not isinstance(given.get("id"), int) or not given.get("first_name"):
            raise NotUnderstoodError("a person needs an id and a first_name")
        names = ("id", "first_name", "title", "language_code", "last_name", "username")
        person = Person(**{name: given[name] for name in names if name in given})
        self.world.add_person(person, started=bool(given.get("started")))
        if "deactivated" in given:
            self.world.people[person.id].is_deactivated = bool(given["deactivated"])
        return as_json({"ok": True})

    async def add_group(self, request: Request) -> Response:
        given = await _json(request)
        people.add_to_group(
            self.world,
            int(given["id"]),
            str(given.get("title", "Grupo")),
            given.get("members", []),
            kind=given.get("type", "supergroup"),
            by=given.get("by"),
        )
        return as_json({"ok": True})

    async def update(self, request: Request) -> Response:
        return as_json({"update_id": self.world.inject(await _json(request))})

    async def clock(self, request: Request) -> Response:
        given = await _json(request)
        if ("to" in given) == ("by" in given):
            raise NotUnderstoodError("say where to move the clock: to or by")
        if "to" in given:
            self.world.move_clock(to=moment(given["to"]))
        else:
            self.world.move_clock(by=float(given["by"]))
        return as_json({"now": self.world.now()})

    async def faults(self, request: Request) -> Response:
        world = self.world
        if request.method == "GET":
            return as_json([fault.as_json() for fault in world.faults.rules])
        if request.method == "DELETE":
            given = await _json(request)
            number = given.get("id") or request.query_params.get("id")
            with world.lock:
                world.faults.remove(int(number) if number else None)
        else:
            fault = fault_from(await _json(request))
            with world.lock:
                world.faults.add(fault)
            world.tell({"type": "state"})
            return as_json(fault.as_json())
        world.tell({"type": "state"})
        return as_json({"ok": True})

    async def reset(self, request: Request) -> Response:
        self.world.reset()
        return as_json({"ok": True})

    async def switches(self, request: Request) -> Response:
        given = await _json(request)
        self.world.switch(**{name: given[name] for name in ("down", "latency", "limits") if name in given})
        return as_json({"down": self.world.down, "latency": self.world.latency, "limits": self.world.limited})

    async def supervisor(self, request: Request) -> Response:
        """Show the state of the bot's own process; 404 if nothing supervises it."""
        if self._supervisor is None:
            return as_json({"error": "the bot is not supervised here"}, 404)
        if request.method == "GET":
            return as_json(await asyncio.to_thread(self._supervisor.state))
        given = await _json(request)
        return as_json(await asyncio.to_thread(self._supervisor.order, str(given.get("do", ""))))

    # ---------------------------------------------------------------- what has happened
    async def ledger(self, request: Request) -> Response:
        chat = request.query_params.get("chat")
        since = int(request.query_params.get("since", 0))
        with self.world.lock:
            entries = self.world.ledger.since(since, int(chat) if chat else None)
            return as_json([seen.as_json() for seen in entries])

    async def calls(self, request: Request) -> Response:
        since = int(request.query_params.get("since", 0))
        with self.world.lock:
            return as_json([call.as_json() for call in self.world.calls.since(since)])

    async def updates(self, request: Request) -> Response:
        """List the latest updates, oldest first, and whether each still waits for the bot.

        Their content is not shown.
        """
        with self.world.lock:
            waiting = {pending.update_id for pending in self.world.bot.pending}
            return as_json(
                [
                    {"update_id": each.update_id, "at": each.at, "kind": each.kind, "chat": each.chat,
                     "query": each.query, "waiting": each.update_id in waiting}
                    for each in self.world.updates
                ]
            )  # fmt: skip

    async def wait(self, request: Request) -> Response:
        """Wait for the next thing that this phone is shown after entry `after`; null if `timeout` seconds pass.

        `kinds` selects the kinds. Typing and drafts are left out unless named.
        """
        given = await _json(request)
        chat, after = given.get("chat"), int(given.get("after", 0))
        kinds = given.get("kinds", ["send", "edit", "delete", "answer", "pin", "unpin", "reaction"])
        deadline = time.monotonic() + min(float(given.get("timeout", 10)), 60)
        ledger = self.world.ledger
        while True:
            with self.world.lock:
                for seen in ledger.since(after, chat):
                    if seen.what in kinds:
                        return as_json(seen.as_json())
                after = ledger.entries.total
                waiter = ledger.bell.waiter()
            left = deadline - time.monotonic()
            if left <= 0 or self.world.is_closing:
                waiter.cancel()
                return as_json(None)
            await rung(waiter, left)

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self._events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _events(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Json] = asyncio.Queue()

        def hear(event: Json) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, event)

        end = self.world.listen(hear)
        try:
            yield b": hello\n\n"
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event["type"] == "end":
                    return
                yield b"data: " + orjson.dumps(event) + b"\n\n"
        finally:
            end()

    async def file(self, request: Request) -> Response:
        stored = self.world.files.get(request.path_params["file_id"])
        if stored is None:
            return as_json({"error": "no such file"}, 404)
        is_shown = stored.mime in SHOWN  # anything else could be a page that acts on the sandbox
        place = "inline" if is_shown else "attachment"
        return Response(
            stored.data,
            media_type=stored.mime if is_shown else "application/octet-stream",
            headers={
                "Content-Disposition": f"{place}; filename*=utf-8''{quote(stored.name)}",
                "X-Content-Type-Options": "nosniff",
            },
        )

    # ---------------------------------------------------------------- one chat
    async def chat(self, request: Request) -> Response:
        with self.world.lock:
            chat = self._chat(request)
            return as_json(
                {
                    "messages": [
                        {**kept.message, "edited": "edit_date" in kept.message, "from_bot": kept.from_bot,
                         "silent": kept.is_silent, "reactions": kept.reactions}
                        for kept in chat.messages.values()
                    ],
                    "reply_keyboard": chat.reply_keyboard,
                    "force_reply": chat.force_reply,
                    "undelivered": self._undelivered(chat),
                    "commands": commands_for(self.world.bot, chat),
                    "menu_button": chat.menu_button or self.world.bot.menu_button,
                    "typing": chat.typing_until > self.world.now(),
                    "action": chat.action,
                    "draft": chat.draft,
                    "toast": chat.toast,
                    "pinned": chat.pinned,
                    "started": chat.started,
                    "blocked": chat.blocked,
                    "description": self.world.bot.names.get(("description", ""), ""),
                    "seq": self.world.ledger.entries.total,
                }
            )  # fmt: skip

    def _undelivered(self, chat: Chat) -> Json:
        """Messages and taps of this phone that the bot has not fetched yet: message numbers, and query ids."""
        bodies = [(kind, body) for each in self.world.bot.pending for kind, body in each.body.items()]
        ours = [(kind, body) for kind, body in bodies if chat_in(body) == chat.id]
        return {
            "messages": [body["message_id"] for _, body in ours if isinstance(body.get("message_id"), int)],
            "taps": [body.get("id") for kind, body in ours if kind == "callback_query"],
        }

    def _chat(self, request: Request) -> Chat:
        return people.open_chat(self.world, int(request.path_params["id"]))

    async def text(self, request: Request) -> Response:
        given = await _json(request)
        chat = self._chat(request)
        message = people.say(
            self.world, chat.id, str(given.get("text", "")), reply_to=given.get("reply_to"), sender=_sender(given)
        )
        return as_json(message)

    async def tap(self, request: Request) -> Response:
        given = await _json(request)
        chat = self._chat(request)
        query = people.tap(
            self.world, chat.id, int(given["message_id"]), data=given.get("data"), text=given.get("text"),
            person=given.get("from"),
        )  # fmt: skip
        return as_json({"query_id": query})

    async def edit(self, request: Request) -> Response:
        given = await _json(request)
        return as_json(people.edit(self.world, self._chat(request).id, int(given["message_id"]), str(given["text"])))

    async def react(self, request: Request) -> Response:
        given = await _json(request)
        emoji = str(given["emoji"]) if given.get("emoji") else None
        people.react(self.world, self._chat(request).id, int(given["message_id"]), emoji)
        return as_json({"ok": True})

    async def files(self, request: Request) -> Response:
        chat = self._chat(request)
        async with request.form(max_part_size=64 * 1024 * 1024, max_files=20) as form:
            uploads = [
                Upload(value.filename or "", await value.read(), value.content_type or "")
                for name, value in form.multi_items()
                if isinstance(value, UploadFile)
            ]
            kind, caption = str(form.get("as", "document")), str(form.get("caption", ""))
        if kind not in ("photo", "document", "video", "audio", "voice", "sticker") or not uploads:
            raise NotUnderstoodError("a file needs `as` (photo, document, video, audio, voice, sticker) and a `file`")
        return as_json(people.send_files(self.world, chat.id, kind, uploads, caption=caption))  # type: ignore[arg-type]

    async def location(self, request: Request) -> Response:
        given = await _json(request)
        names = ("latitude", "longitude", "horizontal_accuracy")
        place: Json = {name: given[name] for name in names if name in given}
        if len(place) < 2:
            raise NotUnderstoodError("a place needs latitude and longitude")
        chat = self._chat(request)
        if "title" in given:
            message = people.send_venue(self.world, chat.id, place, given["title"], given.get("address", ""))
        else:
            message = people.send_location(self.world, chat.id, place)
        return as_json(message)

    async def contact(self, request: Request) -> Response:
        given = await _json(request)
        return as_json(people.send_contact(self.world, self._chat(request).id, given or None))

    async def forward(self, request: Request) -> Response:
        """Forward a message.

        The request has {"text"} and perhaps {"origin"}, or a whole {"content"} of message fields.
        """
        given = await _json(request)
        content = given.get("content") or {"text": str(given.get("text", ""))}
        return as_json(people.forward(self.world, self._chat(request).id, content, given.get("origin")))

    async def block(self, request: Request) -> Response:
        people.block(self.world, self._chat(request).id)
        return as_json({"ok": True})

    async def unblock(self, request: Request) -> Response:
        people.unblock(self.world, self._chat(request).id)
        return as_json({"ok": True})

    async def start(self, request: Request) -> Response:
        given = await _json(request)
        return as_json(people.start(self.world, self._chat(request).id, str(given.get("payload") or "")))

    async def clear(self, request: Request) -> Response:
        people.clear(self.world, self._chat(request).id)
        return as_json({"ok": True})


async def _json(request: Request) -> Json:
    body = await request.body()
    if not body.strip():
        return {}
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotUnderstoodError(f"not JSON: {error}") from None
    if not isinstance(given, dict):
        raise NotUnderstoodError("an object is expected")
    return given


def _sender(given: Json) -> Sender:
    return Sender(
        person=given.get("from"),
        is_anonymous=bool(given.get("anonymous")),
        channel=given.get("sender_chat"),
        via_bot=given.get("via_bot"),
        origin=given.get("origin"),
    )


class Fresh(StaticFiles):
    """Files that a browser must ask for again each time. A page made of modules of two versions does not run."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response


Handler = Callable[[Request], Awaitable[Response]]


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ImpossibleError as error:
            return as_json({"error": str(error)}, 404 if str(error).startswith("there is no chat") else 409)
        except Refusal as refusal:
            return as_json({"error": refusal.description}, 409)
        except (NotUnderstoodError, KeyError, ValueError, TypeError) as error:
            return as_json({"error": f"{type(error).__name__}: {error}"}, 400)

    return guarded


def routes(world: World, supervisor: Supervisor | None = None) -> list[BaseRoute]:
    """Every path of the control API, and the page."""
    control = Control(world, supervisor)

    def route(path: str, handler: Handler, *methods: str) -> Route:
        return Route(f"/sandbox{path}", _guarded(handler), methods=list(methods))

    async def index(request: Request) -> Response:
        if not (PAGE / "index.html").exists():
            return as_json({"error": "the page is not installed; the control API is under /sandbox"}, 404)
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-store"})

    return [
        route("/state", control.state, "GET"),
        route("/people", control.add_people, "POST"),
        route("/groups", control.add_group, "POST"),
        route("/chats/{id:path}/text", control.text, "POST"),
        route("/chats/{id:path}/tap", control.tap, "POST"),
        route("/chats/{id:path}/edit", control.edit, "POST"),
        route("/chats/{id:path}/react", control.react, "POST"),
        route("/chats/{id:path}/files", control.files, "POST"),
        route("/chats/{id:path}/location", control.location, "POST"),
        route("/chats/{id:path}/contact", control.contact, "POST"),
        route("/chats/{id:path}/forward", control.forward, "POST"),
        route("/chats/{id:path}/block", control.block, "POST"),
        route("/chats/{id:path}/unblock", control.unblock, "POST"),
        route("/chats/{id:path}/start", control.start, "POST"),
        route("/chats/{id:path}/clear", control.clear, "POST"),
        route("/chats/{id:path}", control.chat, "GET"),
        route("/update", control.update, "POST"),
        route("/clock", control.clock, "POST"),
        route("/faults", control.faults, "GET", "POST", "DELETE"),
        route("/reset", control.reset, "POST"),
        route("/switches", control.switches, "POST"),
        route("/supervisor", control.supervisor, "GET", "POST"),
        route("/ledger", control.ledger, "GET"),
        route("/calls", control.calls, "GET"),
        route("/updates", control.updates, "GET"),
        route("/wait", control.wait, "POST"),
        route("/events", control.events, "GET"),
        route("/files/{file_id}", control.file, "GET"),
        Route("/", index, methods=["GET"]),
        Mount("/page", Fresh(directory=PAGE, check_dir=False)),
    ]
