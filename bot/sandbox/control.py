"""The control API: people's phones, the clock, faults and what has happened, as JSON under /sandbox.

The page of phones, and tests in other processes, cannot touch the world directly. This is their only way in, and it can
do everything. It is no part of Telegram: the bot sees nothing of it but its effects. Errors of `Control` are 400
(unreadable), 404 (no such chat) and 409 (no phone would let a person do this).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from inspect import isawaitable
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError, validate_call
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.sandbox import people
from bot.sandbox.clock import rung
from bot.sandbox.faults import Fault
from bot.sandbox.journal import chat_in
from bot.sandbox.methods.profile import commands_for
from bot.sandbox.people import FileKind, ImpossibleError, Sender
from bot.sandbox.refusals import Refusal
from bot.sandbox.schema import Upload
from bot.sandbox.telegram import Chat, Person, World

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]
Act = Callable[..., object]
PAGE: Final = Path(__file__).parent / "page"
SHOWN: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "audio/mpeg", "audio/ogg", "video/mp4",
                          "application/pdf"})  # fmt: skip
SEEN: Final = ("send", "edit", "delete", "answer", "pin", "unpin", "reaction")
"""The kinds of entries that a phone shows."""
SILENT_AFTER: Final = 65.0  # real seconds without a getUpdates after which the bot counts as gone


def as_json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


class NotUnderstoodError(Exception):
    """A control request that the control API does not understand."""


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

    async def update(self, request: Request) -> Response:
        return as_json({"update_id": self.world.inject(await _json(request))})

    def faults(self) -> object:
        return [fault.as_json() for fault in self.world.faults.rules]

    def add_fault(self, **rule: Any) -> object:
        fault = TypeAdapter(Fault).validate_python(rule)
        with self.world.lock:
            self.world.faults.add(fault)
        self.world.tell({"type": "state"})
        return fault.as_json()

    def remove_faults(self, id: int | None = None) -> object:
        """Remove this fault, or all."""
        with self.world.lock:
            self.world.faults.remove(id)
        self.world.tell({"type": "state"})
        return {"ok": True}

    async def supervisor(self) -> object:
        """Show the state of the bot's own process."""
        return await asyncio.to_thread(self._supervised().state)

    async def order(self, do: str = "") -> object:
        return await asyncio.to_thread(self._supervised().order, do)

    def _supervised(self) -> Supervisor:
        if self._supervisor is None:
            raise ImpossibleError("there is no supervisor of the bot here")
        return self._supervisor

    # ---------------------------------------------------------------- what has happened
    def ledger(self, since: int = 0, chat: int | None = None) -> object:
        with self.world.lock:
            return [seen.as_json() for seen in self.world.ledger.since(since, chat)]

    def calls(self, since: int = 0) -> object:
        with self.world.lock:
            return [call.as_json() for call in self.world.calls.since(since)]

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

    async def wait(
        self, chat: int | None = None, after: int = 0, kinds: Sequence[str] = SEEN, timeout: float = 10.0
    ) -> object:
        """Wait for the next thing that this phone is shown after entry `after`; null if `timeout` seconds pass.

        `kinds` selects the kinds. Typing and drafts are left out unless named.
        """
        deadline = time.monotonic() + min(timeout, 60)
        ledger = self.world.ledger
        while True:
            with self.world.lock:
                for seen in ledger.since(after, chat):
                    if seen.what in kinds:
                        return seen.as_json()
                after = ledger.entries.total
                waiter = ledger.bell.waiter()
            left = deadline - time.monotonic()
            if left <= 0 or self.world.is_closing:
                waiter.cancel()
                return None
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

    def act(self, act: Act) -> Handler:
        """The handler of an act: the body's members are its arguments, as its signature wants them."""
        checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(act)

        async def handle(request: Request) -> Response:
            where = [self._chat(request).id] if "id" in request.path_params else []
            done = checked(self.world, *where, **await _json(request))
            done = {"query_id": done} if isinstance(done, str) else done
            return as_json(done if isinstance(done, dict) else {"ok": True})

        return handle

    async def files(self, request: Request) -> Response:
        """Send files that a form holds, beside `as`, their kind, and a caption."""
        async with request.form(max_part_size=64 * 1024 * 1024, max_files=20) as form:
            given = [*form.multi_items()]
            uploads = [await upload_of(value) for _, value in given if isinstance(value, UploadFile)]
            words = {name: value for name, value in given if not isinstance(value, UploadFile)}
        kind, caption = TypeAdapter(FileKind).validate_python(words.get("as", "document")), words.get("caption", "")
        if not uploads:
            raise NotUnderstoodError("a form of files needs a file")
        return as_json(people.send_files(self.world, self._chat(request).id, kind, uploads, caption=caption))


async def upload_of(sent: UploadFile) -> Upload:
    return Upload(sent.filename or "", await sent.read(), sent.content_type or "")


def read(handler: Callable[..., object]) -> Handler:
    """A handler whose arguments are the members of the query and of the body, as its signature wants them."""
    checked = validate_call(handler)

    async def handle(request: Request) -> Response:
        found = checked(**{**request.query_params, **await _json(request)})
        return as_json(await found if isawaitable(found) else found)

    return handle


async def _json(request: Request) -> Json:
    return TypeAdapter(Json).validate_json((await request.body()).strip() or b"{}")


# ------------------------------------------------------------------ acts: their arguments are the members of a body
def _add_person(world: World, started: bool = False, deactivated: bool | None = None, **person: Any) -> None:
    made = TypeAdapter(Person).validate_python(person)
    world.add_person(made, started=started)
    if deactivated is not None:
        world.people[made.id].is_deactivated = deactivated


def _move_clock(world: World, to: datetime | None = None, by: float | None = None) -> Json:
    """Move it by seconds, or to Unix seconds or an ISO date and time (UTC if it names no zone)."""
    if (to is None) == (by is None):
        raise NotUnderstoodError("say where to move the clock: to or by")
    moment = None if to is None else (to if to.tzinfo else to.replace(tzinfo=UTC)).timestamp()
    world.move_clock(to=moment, by=by or 0.0)
    return {"now": world.now()}


def _switch(world: World, **switches: Any) -> Json:
    validate_call(world.switch)(**switches)
    return {"down": world.down, "latency": world.latency, "limits": world.limited}


def _say(world: World, chat_id: int, text: str = "", reply_to: int | None = None, **sender: Any) -> Json:
    return people.say(world, chat_id, text, reply_to=reply_to, sender=TypeAdapter(Sender).validate_python(sender))


def _locate(
    world: World,
    chat_id: int,
    latitude: float,
    longitude: float,
    horizontal_accuracy: float | None = None,
    title: str = "",
    address: str = "",
) -> Json:
    place = {"latitude": latitude, "longitude": longitude}
    place |= {} if horizontal_accuracy is None else {"horizontal_accuracy": horizontal_accuracy}
    if title:
        return people.send_venue(world, chat_id, place, title, address)
    return people.send_location(world, chat_id, place)


def _share_contact(world: World, chat_id: int, **contact: Any) -> Json:
    return people.send_contact(world, chat_id, contact or None)


def _forward(
    world: World, chat_id: int, text: str = "", content: Json | None = None, origin: Json | None = None
) -> Json:
    """Forward a text, or the fields of a whole message as `content`."""
    return people.forward(world, chat_id, content or {"text": text}, origin)


ACTS: Final[Mapping[str, Act]] = {
    "/people": _add_person,
    "/groups": people.add_to_group,
    "/clock": _move_clock,
    "/switches": _switch,
    "/reset": World.reset,
    "/chats/{id:path}/text": _say,
    "/chats/{id:path}/tap": people.tap,
    "/chats/{id:path}/edit": people.edit,
    "/chats/{id:path}/react": people.react,
    "/chats/{id:path}/location": _locate,
    "/chats/{id:path}/contact": _share_contact,
    "/chats/{id:path}/forward": _forward,
    "/chats/{id:path}/block": people.block,
    "/chats/{id:path}/unblock": people.unblock,
    "/chats/{id:path}/start": people.start,
    "/chats/{id:path}/clear": people.clear,
}


class Fresh(StaticFiles):
    """Files that a browser must ask for again each time. A page made of modules of two versions does not run."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ImpossibleError as error:
            return as_json({"error": str(error)}, 404 if str(error).startswith("there is no ") else 409)
        except Refusal as refusal:
            return as_json({"error": refusal.description}, 409)
        except ValidationError as error:
            said = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            return as_json({"error": "; ".join(said)}, 400)
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
        *(route(path, control.act(act), "POST") for path, act in ACTS.items()),
        route("/chats/{id:path}/files", control.files, "POST"),
        route("/chats/{id:path}", control.chat, "GET"),
        route("/update", control.update, "POST"),
        route("/faults", read(control.faults), "GET"),
        route("/faults", read(control.add_fault), "POST"),
        route("/faults", read(control.remove_faults), "DELETE"),
        route("/supervisor", read(control.supervisor), "GET"),
        route("/supervisor", read(control.order), "POST"),
        route("/ledger", read(control.ledger), "GET"),
        route("/calls", read(control.calls), "GET"),
        route("/updates", control.updates, "GET"),
        route("/wait", read(control.wait), "POST"),
        route("/events", control.events, "GET"),
        route("/files/{file_id}", control.file, "GET"),
        Route("/", index, methods=["GET"]),
        Mount("/page", Fresh(directory=PAGE, check_dir=False)),
    ]
