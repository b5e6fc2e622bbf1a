"""The world behind the API: people, chats, messages, files, updates waiting for the bot, and the time.

In Telegram everything happens in one order, and a bot sees a small part of it. So the sandbox keeps one `World` under
one lock. Three sides change it: the bot (methods/), people (people.py, or a test in the same process) and the clock.
This module does not speak HTTP, and reads the time only from `World.clock`.

What each phone was shown is written down (journal.py), and every call of the bot too (`World.calls`). Tests assert on
these, not on what the bot believes it has sent.
"""

import math
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Literal

from pydantic import ConfigDict

from bot.sandbox.clock import Bell, Clock
from bot.sandbox.faults import Faults
from bot.sandbox.journal import KEPT_ENTRIES, Journal, Ledger, Recorded, Seen, chat_in
from bot.sandbox.photos import photo_sizes
from bot.sandbox.refusals import OTHER_POLLER, bad_request, forbidden, too_many_requests

Json = dict[str, Any]
ChatKind = Literal["private", "group", "supergroup", "channel"]

DEFAULT_TOKEN: Final = "7000000001:SANDBOX-token-for-the-demo-only"  # noqa: S105 - it opens nothing
DEFAULT_USERNAME: Final = "enlace_demo_bot"

UPDATE_LIFETIME: Final = 24 * 3600  # seconds that Telegram keeps an update that nobody fetched
QUERY_LIFETIME: Final = 150  # … and a tap: its update, and the time within which it may be answered
IDLE_WEEK: Final = 7 * 24 * 3600  # seconds without an update, after which update numbers begin anywhere
DELETE_LIFETIME: Final = 48 * 3600  # seconds in which a message can still be deleted
TYPING_LIFETIME: Final = 5
DOWNLOAD_LIMIT: Final = 20 * 1024 * 1024
UPLOAD_LIMIT: Final = 50 * 1024 * 1024
PHOTO_LIMIT: Final = 10 * 1024 * 1024

KEPT_UPDATES: Final = 500  # how many of the latest updates the page can still show
UNASKED: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Updates that a bot gets only if it asks for them by name."""


@dataclass(slots=True)
class Person:
    """A person with a telephone."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: int
    first_name: str
    title: str | dict[str, str] = ""
    """What the page writes above the phone: "Punto focal, Salud"; or that in each language."""
    language_code: str = ""
    last_name: str = ""
    username: str = ""
    is_deactivated: bool = False

    def user(self) -> Json:
        result: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        for name in ("last_name", "username", "language_code"):
            if getattr(self, name):
                result[name] = getattr(self, name)
        return result


@dataclass(slots=True)
class Kept:
    """One message in a chat, as `Message` of the Bot API, and what else Telegram knows about it."""

    message: Json
    from_bot: bool
    is_silent: bool = False
    has_other_keyboard: bool = False  # sent with a keyboard that is not inline: such a message cannot be edited
    reactions: dict[str, list[Json]] = field(default_factory=dict)  # by who set them: "bot", "person"


@dataclass(slots=True)
class Chat:
    """A conversation of one bot: with a person, or in a group or channel it was added to."""

    id: int
    kind: ChatKind
    person: Person | None = None
    title: str = ""
    username: str = ""
    started: bool = False
    blocked: bool = False
    bot_status: str = "member"  # of the bot in a group: member, administrator, left, kicked
    members: dict[int, Person] = field(default_factory=dict)
    migrated_to: int | None = None
    messages: dict[int, Kept] = field(default_factory=dict)
    next_message_id: int = 1
    reply_keyboard: Json | None = None
    force_reply: Json | None = None  # {"message_id"} of the message whose answer box the phone has opened
    typing_until: float = 0.0
    action: str = "typing"  # the action that the chat shows until then
    toast: Json | None = None
    unread: int = 0
    pinned: list[int] = field(default_factory=list)
    menu_button: Json | None = None
    draft: Json | None = None

    def brief(self) -> Json:
        """The chat as messages contain it."""
        if self.kind == "private":
            assert self.person is not None
            names = {"first_name": self.person.first_name, "last_name": self.person.last_name}
            known: Json = {**names, "username": self.person.username}
        else:
            known = {"title": self.title, "username": self.username}
        return {"id": self.id, "type": self.kind, **{name: value for name, value in known.items() if value}}


@dataclass(slots=True)
class Pending:
    """One update that Telegram still keeps for the bot."""

    update_id: int
    body: Json  # the update without its number
    line: tuple[str, int]  # updates of one line are delivered one after the other
    expires_at: float
    fails: int = 0
    delay: float = 1.0
    due_at: float = 0.0
    is_under_way: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """An update that was made: its kind and chat, without its content."""

    update_id: int
    at: float
    kind: str
    chat: int | None
    query: str | None = None  # of a tap


@dataclass(slots=True)
class Query:
    """A tap that waits for its answer."""

    id: str
    chat_id: int
    at: float
    is_answered: bool = False


@dataclass(slots=True)
class Webhook:
    url: str
    secret_token: str = ""
    max_connections: int = 40
    last_error_at: float | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes that Telegram keeps. `file_id` names them for this bot."""

    file_id: str
    unique_id: str
    path: str
    data: bytes
    name: str = ""
    mime: str = ""
    kind: str = "document"
    facts: Json = field(default_factory=dict)


@dataclass(slots=True)
class Bot:
    """All that the world knows of one token: its chats, its updates, and its settings."""

    token: str
    id: int
    username: str
    first_name: str = "Enlace"
    chats: dict[int, Chat] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    next_update_id: int = 100_000_001
    last_update_at: float | None = None
    allowed_updates: frozenset[str] | None = None
    webhook: Webhook | None = None
    bell: Bell = field(default_factory=Bell)
    poll: int = 0  # the number of the newest getUpdates that waits; an older one gets a conflict
    poll_ended_by: str = OTHER_POLLER
    polled_at: float | None = None  # monotonic, of the last getUpdates begun or ended
    moves_known: int = 0  # moves of the clock that a getUpdates has told
    last_seen: float | None = None
    sent: "Sent" = field(default_factory=lambda: Sent())
    queries: dict[str, Query] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    menu_button: Json = field(default_factory=lambda: {"type": "commands"})
    rights: dict[bool, Json] = field(default_factory=dict)

    def user(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": self.first_name, "username": self.username}


class Sent:
    """The messages that one bot has sent lately, and how long it must wait: Telegram's limits, if they are switched on.

    At most 30 messages a second for all chats together; one a second to one chat, after a burst of three; 20 a minute
    to a group or channel. Telegram publishes these figures but not how it counts, and allows short bursts. A 429 holds
    for all chats: until it is over nothing is sent anywhere, and each try is told the seconds that are left.
    """

    OVERALL: Final = 30
    CHAT_BURST: Final = 3
    GROUP: Final = 20

    def __init__(self) -> None:
        self._all: deque[float] = deque()
        self._chats: dict[int, float] = {}
        self._groups: dict[int, deque[float]] = {}
        self._held_until = 0.0

    def expect_free(self, now: float) -> None:
        """Raise 429 while an earlier one lasts."""
        if now < self._held_until:
            raise too_many_requests(math.ceil(self._held_until - now))

    def count(self, chat: Chat, now: float, messages: int = 1) -> None:
        """Count messages about to be sent. If there are too many, raise 429 and count nothing."""
        while self._all and self._all[0] <= now - 1:
            self._all.popleft()
        group = self._groups.setdefault(chat.id, deque()) if chat.kind != "private" else deque[float]()
        while group and group[0] <= now - 60:
            group.popleft()
        # A bucket of CHAT_BURST that refills once a second, kept as the moment at which it would be full again.
        full_at = max(self._chats.get(chat.id, now), now) + messages
        waits = [full_at - now - self.CHAT_BURST]
        if len(self._all) + messages > self.OVERALL:
            waits.append(self._all[0] + 1 - now if self._all else 1.0)
        if len(group) + messages > self.GROUP:
            waits.append(group[0] + 60 - now if group else 60.0)
        if max(waits) > 0:
            seconds = math.ceil(max(waits))
            self._held_until = now + seconds
            raise too_many_requests(seconds)
        self._all.extend([now] * messages)
        group.extend([now] * messages)
        self._chats[chat.id] = full_at


class World:
    """Everything, under one lock: `with world.lock:` around anything that reads twice or writes."""

    def __init__(
        self,
        *,
        token: str = DEFAULT_TOKEN,
        username: str = DEFAULT_USERNAME,
        start: float | None = None,
        any_token: bool = False,
        timezone: str = "America/Santo_Domingo",
        limited: bool = False,
        keep: int = KEPT_ENTRIES,
    ) -> None:
        self.timezone = timezone  # of the phones on the page; Telegram itself knows none
        self.is_closing = False
        self.lock = threading.RLock()
        self.clock = Clock(start)
        self.moves = 0
        self.any_token = any_token
        self.people: dict[int, Person] = {}
        self.bot = Bot(token, int(token.partition(":")[0]), username)
        self.bots: dict[str, Bot] = {token: self.bot}
        self.ledger = Ledger(keep)
        self.calls: Journal[Recorded] = Journal(keep)
        self.updates: deque[Posted] = deque(maxlen=KEPT_UPDATES)
        self.webhook_bell = Bell()
        self.switch_bell = Bell()
        self.files: dict[str, StoredFile] = {}
        self.albums: dict[str, list[StoredFile]] = {}  # all sizes of a photo, by the file_id of each
        self.paths: dict[str, StoredFile] = {}
        self.faults = Faults()
        self.limited = limited  # whether Telegram's sending limits are enforced
        self.down = False
        self.latency = 0.0
        self._is_adopted = not any_token
        self._dice = random.Random(0)  # noqa: S311 - repeatable on purpose
        self._numbers = count(1)
        self._listeners: list[Callable[[Json], None]] = []

    # ---------------------------------------------------------------- time and switches
    def now(self) -> float:
        return self.clock.now()

    def move_clock(self, *, to: float | None = None, by: float = 0.0) -> None:
        """Move the clock forward. Every waiting getUpdates ends at once, empty: the bot learns the new time from it."""
        with self.lock:
            if to is not None:
                self.clock.move_to(to)
            else:
                self.clock.move_by(by)
            self.moves += 1
            for bot in self.bots.values():
                self.expire(bot)
                self.end_poll(bot, "")
        self.webhook_bell.ring()
        self.tell({"type": "clock"})

    def switch(self, *, down: bool | None = None, latency: float | None = None, limits: bool | None = None) -> None:
        """Make Telegram unreachable or slow, or switch its limits on."""
        with self.lock:
            if down is not None:
                self.down = down
                for bot in self.bots.values():
                    bot.bell.ring()
                self.webhook_bell.ring()
                self.switch_bell.ring()
            if latency is not None:
                self.latency = latency
            if limits is not None:
                self.limited = limits
                for bot in self.bots.values():
                    bot.sent = Sent()
        self.tell({"type": "state"})

    def reset(self) -> None:
        """Delete everything but the time: people, chats, updates, files, faults, the journal.

        Update numbers go on, so that a bot that remembers them is not confused. For tests that share a sandbox.
        """
        with self.lock:
            for bot in self.bots.values():
                self.end_poll(bot, "")
            fresh = Bot(self.bot.token, self.bot.id, self.bot.username, next_update_id=self.bot.next_update_id)
            self.bot, self.bots = fresh, {fresh.token: fresh}
            self.faults.remove()
            self._is_adopted = not self.any_token
            self.limited, self.down, self.latency = False, False, 0.0
            for kept in (
                self.people,
                self.calls,
                self.updates,
                self.ledger.entries,
                self.files,
                self.paths,
                self.albums,
            ):
                kept.clear()
        self.webhook_bell.ring()
        self.switch_bell.ring()
        self.tell({"type": "state"})

    def close(self) -> None:
        """Shut down: wake everybody who waits."""
        with self.lock:
            self.is_closing = True
            for bot in self.bots.values():
                bot.bell.ring()
        self.ledger.bell.ring()
        self.tell({"type": "end"})

    def listen(self, listener: Callable[[Json], None]) -> Callable[[], None]:
        """Call `listener` at every change, in the thread that made it. Calling the result ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, event: Json) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def number(self) -> int:
        """The next number of this world. Identifiers are made of them, so that a run can be repeated."""
        return next(self._numbers)

    # ---------------------------------------------------------------- bots, people, chats
    def bot_of(self, token: str) -> Bot | None:
        """The bot that owns a token.

        With `any_token` every token is valid. The first one belongs to the bot whose chat the phones show. Each further
        token makes a bot of its own.
        """
        bot = self.bots.get(token)
        if bot is None and self.any_token:
            bot_id = int(token.partition(":")[0])
            if self._is_adopted:
                bot = Bot(token, bot_id, f"sandbox{bot_id}_bot")
            else:
                bot = self.bots.pop(self.bot.token)
                bot.token, bot.id, bot.username = token, bot_id, f"sandbox{bot_id}_bot"
                self.tell({"type": "state"})
            self.bots[token] = bot
        if bot is self.bot:
            self._is_adopted = True
        return bot

    def add_person(self, person: Person, *, started: bool = False) -> Chat:
        """Add a person with a phone, and the empty chat with the bot. Adding again renames them; the chat stays."""
        with self.lock:
            known = self.people.get(person.id)
            if known is None:
                self.people[person.id] = known = person
            else:
                for name in ("first_name", "title", "language_code", "last_name", "username"):
                    setattr(known, name, getattr(person, name) or getattr(known, name))
            chat = self.private_chat(self.bot, known)
            chat.started = chat.started or started
        self.tell({"type": "state"})
        return chat

    def private_chat(self, bot: Bot, person: Person) -> Chat:
        chat = bot.chats.get(person.id)
        if chat is None:
            chat = bot.chats[person.id] = Chat(person.id, "private", person)
        return chat

    def chat(self, chat_id: int) -> Chat:
        """A chat of the first bot; KeyError if there is none."""
        return self.bot.chats[chat_id]

    def chat_to_write(self, bot: Bot, chat_id: int | str) -> Chat:
        """The chat, if the bot may write to it. Otherwise raises Telegram's refusal for the reason."""
        if self.limited:
            bot.sent.expect_free(self.now())
        chat = self.chat_of(bot, chat_id)
        if chat.migrated_to is not None:
            raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
        if chat.kind == "private":
            if chat.person is not None and chat.person.is_deactivated:
                raise forbidden("user is deactivated")
            if chat.blocked:
                raise forbidden("bot was blocked by the user")
            if not chat.started:
                raise forbidden("bot can't initiate conversation with a user")
        elif chat.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {chat.kind} chat")
        elif chat.bot_status == "left":
            raise forbidden(f"bot is not a member of the {chat.kind} chat")
        return chat

    def chat_of(self, bot: Bot, chat_id: int | str) -> Chat:
        """The chat with this number or name, even if the bot may not write to it."""
        if isinstance(chat_id, str):
            name = chat_id.removeprefix("@").lower()
            for chat in bot.chats.values():
                if chat_id.startswith("@") and name and chat.username.lower() == name:
                    return chat
            raise bad_request("chat not found")
        found = bot.chats.get(chat_id)
        if found is None:
            person = self.people.get(chat_id)
            if person is None:
                raise bad_request("chat not found")
            found = self.private_chat(bot, person)
        return found

    # ---------------------------------------------------------------- messages
    def keep(self, bot: Bot, chat: Chat, message: Json, *, from_bot: bool, sender: Json | None) -> Kept:
        """Give a message its number, date and chat, and keep it. The message is completed in Telegram's field order."""
        head: Json = {"message_id": chat.next_message_id}
        chat.next_message_id += 1
        if sender is not None:
            head["from"] = sender
        for name in ("sender_chat", "author_signature"):
            if name in message:
                head[name] = message.pop(name)
        head["chat"] = chat.brief()
        head["date"] = int(self.now())
        kept = Kept({**head, **message}, from_bot)
        chat.messages[head["message_id"]] = kept
        return kept

    def show(self, chat: Chat, what: str, message: Json | None = None, **details: Any) -> Seen:
        """Record that a phone was shown something, and notify pages and waiting tests."""
        seen = self.ledger.write(self.now(), chat.id, what, None if message is None else dict(message), **details)
        self.tell({"type": "chat", "id": chat.id})
        return seen

    # ---------------------------------------------------------------- updates
    def post(self, bot: Bot, kind: str, body: Json, *, line: tuple[str, int]) -> int | None:
        """Put an update into the bot's queue, unless the bot has said that it does not want this kind."""
        with self.lock:
            wanted = bot.allowed_updates
            if kind in UNASKED if wanted is None else kind not in wanted:
                return None
            now = self.now()
            if bot.last_update_at is not None and now - bot.last_update_at >= IDLE_WEEK:
                bot.next_update_id = self._dice.randrange(100_000_001, 900_000_000)
            bot.last_update_at = now
            update_id = bot.next_update_id
            bot.next_update_id += 1
            lifetime = QUERY_LIFETIME if kind == "callback_query" else UPDATE_LIFETIME
            bot.pending.append(Pending(update_id, {kind: body}, line, self.now() + lifetime))
            self.updates.append(
                Posted(update_id, self.now(), kind, chat_in(body), body.get("id") if line[0] == "tap" else None)
            )
        self.ring(bot)
        return update_id

    def ring(self, bot: Bot) -> None:
        """Wake the bot's getUpdates, or the courier of its webhook: there is something for the bot."""
        bot.bell.ring()
        if bot.webhook is not None:
            self.webhook_bell.ring()

    def inject(self, update: Json) -> int:
        """Post any update unchanged. Only a missing update_id is filled in."""
        kind = next((name for name in update if name != "update_id"), "")
        chat_id = chat_in(update.get(kind))
        given = update.get("update_id")
        with self.lock:
            update_id = given if isinstance(given, int) else self.bot.next_update_id
            self.bot.pending.append(
                Pending(
                    update_id,
                    {name: value for name, value in update.items() if name != "update_id"},
                    ("raw", chat_id or 0),
                    self.now() + UPDATE_LIFETIME,
                )
            )
            self.updates.append(Posted(update_id, self.now(), kind, chat_id))
            self.bot.next_update_id = max(self.bot.next_update_id, update_id + 1)
        self.ring(self.bot)
        return update_id

    def expire(self, bot: Bot) -> None:
        """Drop what Telegram would no longer keep."""
        now = self.now()
        if bot.pending and any(pending.expires_at <= now for pending in bot.pending):
            bot.pending = [pending for pending in bot.pending if pending.expires_at > now or pending.is_under_way]
        while bot.queries and (oldest := next(iter(bot.queries.values()))).at + QUERY_LIFETIME <= now:
            del bot.queries[oldest.id]

    def end_poll(self, bot: Bot, because: str) -> None:
        """End the waiting getUpdates: with this conflict, or with no updates."""
        bot.poll += 1
        bot.poll_ended_by = because
        bot.bell.ring()

    # ---------------------------------------------------------------- files
    def store(self, kind: str, data: bytes, name: str, mime: str, facts: Json | None = None) -> StoredFile:
        """Keep bytes. The folder and the first letters of the identifier tell the kind, as Telegram's do."""
        number = self.number()
        folder, head = _FOLDERS[kind]
        dot = name.rpartition(".")[2] if "." in name else ""
        path = f"{folder}/file_{number}" + (f".{dot}" if dot else "")
        stored = StoredFile(
            f"{head}AAMCAQADGQ{number:010d}AAE", f"AQAD{number:08d}AE", path, data, name, mime, kind, facts or {}
        )
        self.files[stored.file_id] = stored
        self.paths[path] = stored
        return stored

    def store_photo(self, data: bytes) -> list[StoredFile]:
        """Keep a photo as Telegram does: JPEG in several sizes, upright, without metadata.

        Raises Refusal if it is no image, or has an impossible size.
        """
        sizes = []
        for jpeg, width, height in photo_sizes(data):
            sizes.append(self.store("photo", jpeg, "photo.jpg", "image/jpeg", {"width": width, "height": height}))
        self.albums.update((size.file_id, sizes) for size in sizes)
        return sizes

    # ---------------------------------------------------------------- what was called
    def record(
        self,
        method: str,
        params: Json,
        *,
        status: int,
        description: str = "",
        fault: str = "",
        unknown: Iterable[str] = (),
        via: str = "http",
    ) -> None:
        chat = params.get("chat_id")
        self.calls.add(
            Recorded(
                self.calls.total + 1, self.now(), method, chat, params, status, description, fault, list(unknown), via
            )
        )


_FOLDERS: Final = {
    "photo": ("photos", "AgAC"),
    "document": ("documents", "BQAC"),
    "video": ("videos", "BAAC"),
    "audio": ("music", "CQAC"),
    "voice": ("voice", "AwAC"),
    "animation": ("animations", "CgAC"),
    "sticker": ("stickers", "CAAC"),
    "video_note": ("video_notes", "DQAC"),
    "thumbnail": ("thumbnails", "AAMC"),
}
