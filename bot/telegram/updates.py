"""Raw update → `Incoming`: the only reader of what Telegram sends.

Anyone may send anything, and new kinds of updates appear with every Bot API version. So the envelope of an update is
read from its JSON, field by field: an update that is not understood becomes `Ignored` (and is acknowledged); one that
lacks a required field raises `Malformed` (and is set aside after a few tries). So are texts and taps, which are nearly
all: an `Update` of python-telegram-bot costs more than the whole conversation step. Other messages are read with its
types. The guard reads the words of every message from the JSON, also of kinds that the library does not know.
Source: Bot API, "Update", "Message", "CallbackQuery".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from telegram import Chat, ChatMember, ChatMemberUpdated, Message

from conversations.session.events import Corrected, Located, Offered, Typed

TOKEN_LIMIT = 64
"""Bytes of callback_data (Bot API, InlineKeyboardButton)."""


TEXT_LIMIT = 4096
"""Characters of a text, and of a caption by those who pay Telegram. What is longer was never written on a phone."""
NAME_LIMIT = 255
"""Characters of a file's name, as on any disk."""
WORDS_LIMIT = 4 * TEXT_LIMIT
"""Characters of all other words of a message, which only the guard reads."""

ILL_FORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError)
"""What is raised where an update is not as the Bot API promises. The last two: a date that no calendar has."""


class Malformed(Exception):
    """An update that lacks something that the Bot API promises. It carries no content."""


class Sender(NamedTuple):
    telegram_id: int
    first_name: str
    language_code: str


@dataclass(frozen=True, slots=True)
class Command:
    """`/name argument`, as a text message; `origin` is the message's number."""

    name: str
    argument: str
    origin: int
    beside: str = field(default="", repr=False)
    """Other words in it, as in `Said`."""


@dataclass(frozen=True, slots=True)
class Invited:
    """`/start CODE`: somebody has tapped the link of an invitation (Bot API, "Deep linking")."""

    token: str = field(repr=False)
    origin: int
    beside: str = field(default="", repr=False)
    """Other words in it, as in `Said`."""


class Pressed(NamedTuple):
    """A tapped button. `data` is input, not proof (S3): it is checked against the database."""

    query_id: str
    data: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message that may answer the open question."""

    event: Typed | Located | Offered
    beside: str = field(default="", repr=False)
    """Other words in it: what it quotes, a place's name, where a link leads. Only the guard reads them."""

    @property
    def origin(self) -> int:
        """The number of the message."""
        return self.event.origin


@dataclass(frozen=True, slots=True)
class Edited:
    event: Corrected
    beside: str = field(default="", repr=False)

    @property
    def origin(self) -> int:
        """The number of the message."""
        return self.event.origin


@dataclass(frozen=True, slots=True)
class Reworded:
    """Words that answer nothing: edited beside a file, or in a message of Telegram's. Only the guard reads them."""

    origin: int
    said: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secondhand:
    """A forward, a message via another bot or on behalf of a chat: never an answer (S4)."""

    origin: int
    said: str = field(default="", repr=False)
    """The words in it. Only the guard against personal data reads them."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A message of a kind that answers nothing: a sticker, a contact, a poll, or one this version does not know."""

    origin: int
    is_contact: bool = False
    """Somebody's name and telephone."""
    said: str = field(default="", repr=False)
    """The words in it. Only the guard against personal data reads them."""


@dataclass(frozen=True, slots=True)
class Membership:
    """This person blocked or unblocked the bot (private chats)."""

    is_blocked: bool


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An update that does not come from a private chat.

    `may_leave`: it is from a group or channel that the bot can leave.
    """

    may_leave: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    kind: str


def written(what: "What") -> int | None:
    """Return the number of the message, if the person wrote this as a message."""
    return what.origin if isinstance(what, Written) else None


def words(what: "What") -> str:
    """Return all words of a message, for the guard; "" if it has none."""
    match what:
        case Command(name, argument, beside=beside):
            return f"{name} {argument}\n{beside}"
        case Said(event=Typed(text=text), beside=beside) | Edited(Corrected(text=text), beside):
            return f"{text}\n{beside}"
        case Said(event=Offered(name=name, caption=caption), beside=beside):
            return f"{name}\n{caption}\n{beside}"
        case Invited(beside=said) | Said(beside=said):
            return said
        case Reworded(said=said) | Secondhand(said=said) | Unsupported(said=said):
            return said
    return ""


def typed_in(what: "What") -> Typed | None:
    """Return the typed text of a message, if it is one."""
    return what.event if isinstance(what, Said) and isinstance(what.event, Typed) else None


Written = Command | Invited | Said | Edited | Reworded | Secondhand | Unsupported
What = Written | Pressed | Membership | Elsewhere | Ignored


class Incoming(NamedTuple):
    update_id: int
    chat_id: int
    sender: Sender | None
    what: What
    quoted: int | None = None
    """The message of this chat that it quotes. The quote stays when that message goes."""


def update_type(update: Mapping[str, Any]) -> str:
    """Return `message`, `callback_query`, …; for logs, never content."""
    return next((name for name in update if name != "update_id"), "nothing")[:64]


def read(raw: Mapping[str, Any]) -> Incoming:
    """Read what kind of update this is. Malformed if a promised field is missing or has another type."""
    try:
        return _read(raw)
    except ILL_FORMED as error:
        raise Malformed(f"{update_type(raw)}: {type(error).__name__}") from None


def _read(raw: Mapping[str, Any]) -> Incoming:
    update_id = _integer(raw["update_id"])
    if "message" in raw:
        return _held(update_id, "message", raw["message"], _message)
    if "callback_query" in raw:
        return _callback(update_id, raw["callback_query"])
    if "edited_message" in raw:
        return _held(update_id, "edited_message", raw["edited_message"], _edited)
    if "my_chat_member" in raw:
        return _held(update_id, "my_chat_member", raw["my_chat_member"], _membership)
    if "channel_post" in raw:
        return Incoming(update_id, _integer(raw["channel_post"]["chat"]["id"]), None, Elsewhere(may_leave=True))
    return Incoming(update_id, 0, None, Ignored(update_type(raw)))


def _held(
    update_id: int, kind: str, holder: Mapping[str, Any], read_what: Callable[[Mapping[str, Any]], What]
) -> Incoming:
    chat, sender = holder["chat"], _sender(holder)
    what = Ignored(kind) if _is_anothers(chat, sender) else read_what(holder)
    quoted = (
        holder["reply_to_message"].get("message_id") if "quote" in holder and "reply_to_message" in holder else None
    )
    return Incoming(update_id, _integer(chat["id"]), sender, what, None if quoted is None else _integer(quoted))


def _is_anothers(chat: Mapping[str, Any], sender: Sender | None) -> bool:
    """Whether this is the private chat of somebody else. Telegram gives a private chat the number of its person.

    A forged update could name an officer as its sender and another chat for the answer, and so read what they may read.
    """
    return sender is not None and chat.get("type") == "private" and chat["id"] != sender.telegram_id


def _membership(change: Mapping[str, Any]) -> What:
    update = ChatMemberUpdated.de_json(dict(change))
    is_out = update.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
    return Membership(is_blocked=is_out) if update.chat.type == Chat.PRIVATE else Elsewhere(may_leave=not is_out)


def _edited(message: Mapping[str, Any]) -> What:
    if message["chat"].get("type") != "private":
        return Ignored("edited_message")
    origin = _integer(message["message_id"])
    if isinstance(message.get("text"), str):
        return Edited(Corrected(message["text"][:TEXT_LIMIT], origin), _words_in(message, "text"))
    return Reworded(origin, _words_in(message))


def _callback(update_id: int, query: Mapping[str, Any]) -> Incoming:
    message = query.get("message") or {}
    sender = _sender(query)
    if sender is None:
        raise ValueError("no sender")
    chat = message.get("chat", {"id": sender.telegram_id, "type": "private"})
    chat_id = _integer(chat["id"])
    if chat.get("type") != "private":
        return Incoming(update_id, chat_id, sender, Elsewhere(may_leave=False))
    data = query.get("data")
    if _is_anothers(chat, sender) or not isinstance(data, str) or len(data.encode()) > TOKEN_LIMIT:
        return Incoming(update_id, chat_id, sender, Ignored("callback_query"))
    number = message.get("message_id")
    what = Pressed(str(query["id"]), data, _integer(number) if number is not None else None)
    return Incoming(update_id, chat_id, sender, what)


def _message(message: Mapping[str, Any]) -> What:
    if message["chat"].get("type") != "private":
        return Elsewhere(may_leave=message["chat"].get("type") in ("group", "supergroup", "channel"))
    origin = _integer(message["message_id"])
    if not _SECONDHAND.isdisjoint(message) and any(message.get(mark) for mark in _SECONDHAND):
        return Secondhand(origin, _words_in(message))
    if isinstance(text := message.get("text"), str):
        text = text[:TEXT_LIMIT]
        beside = "" if _is_bare(message) else _words_in(message, "text")
        if text.startswith("/") and len(text) > 1:
            head, _, argument = text[1:].partition(" ")
            name, argument = head.partition("@")[0].lower(), argument.strip()
            is_link = name == "start" and argument
            return Invited(argument, origin, beside) if is_link else Command(name, argument, origin, beside)
        return Said(Typed(text, origin), beside)
    if _SERVICE.intersection(message):
        return Reworded(origin, _words_in(message))
    content = _content(message)
    if content is not None and (place := _place(content)):
        return Said(place, _words_in(message))
    if content is not None and (offer := _offer(content)):
        return Said(offer, _words_in(message, "caption", *(f"{kind}.file_name" for kind in _FILES)))
    return Unsupported(origin, is_contact="contact" in message, said=_words_in(message))


_SECONDHAND = frozenset({"forward_origin", "forward_date", "via_bot", "sender_chat", "is_automatic_forward"})
"""Fields of a message that its sender did not write."""
_BARE = frozenset({"message_id", "from", "chat", "date", "text", "entities"})
"""Fields of a message that is one text and nothing else, as most are."""
_MARK = frozenset({"type", "offset", "length"})
"""Fields of an entity that marks words of the text and brings none: a command, a hashtag, bold."""
_ENVELOPE = frozenset(["from", "chat", "via_bot", "sender_business_bot", "reply_to_message", "pinned_message"])
"""Fields of a message that say who and where, or show what stands in the chat already. Deeper down they are words: a
story has a `chat` too, which shows the name of whoever told it."""
_CODES = frozenset(
    [
        *("id", "type", "mime_type", "language_code", "file_id", "file_unique_id", "media_group_id", "persistent_id"),
        *("custom_emoji_id", "emoji", "inline_message_id", "currency", "invoice_payload", "game_short_name"),
        *("foursquare_id", "foursquare_type", "google_place_id", "google_place_type", "callback_data"),
        *("option_persistent_id", "reply_to_poll_option_id", "effect_id", "business_connection_id", "guest_query_id"),
    ]
)
"""Fields that hold no words, wherever they stand."""


def _is_bare(message: Mapping[str, Any]) -> bool:
    """Whether a text message has no words beside its text."""
    entities = message.get("entities")
    return message.keys() <= _BARE and (not entities or all(entity.keys() <= _MARK for entity in entities))


def _words_in(message: Mapping[str, Any], *without: str) -> str:
    """Return all texts in a message, of kinds that this version does not know too, `without` those of these paths.

    First and last name are one line, as the phone shows them. A quote of what the bot wrote has no new words, and the
    preview of an address that the text shows has none either.
    """
    without += _shown_already(message)
    parts: list[str] = []
    left: list[tuple[str, Any]] = [
        (key, each) for key, each in message.items() if key not in _ENVELOPE and not _is_code(key, each)
    ]
    while left:
        path, value = left.pop()
        if path in without:
            continue
        if isinstance(value, Mapping):
            parts += _full_name(value)
            left += [(f"{path}.{key}", each) for key, each in value.items() if not _is_code(key, each)]
        elif isinstance(value, list):
            if path.endswith("text") and "text[]" not in path:
                parts.append(_in_one(value))
            left += [(f"{path}[]", each) for each in value]
        elif isinstance(value, str) and value:
            parts.append(value)
    return "\n".join(reversed(parts))[:WORDS_LIMIT]


def _shown_already(message: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of texts that stand in the chat already: a quote of the bot's words, the address under a preview."""
    replied, preview = message.get("reply_to_message"), message.get("link_preview_options")
    is_of_bot = "external_reply" not in message and replied and replied.get("from", {}).get("is_bot")
    text = message.get("text")
    is_typed = text and preview and _bare(preview.get("url", "")) in text
    return (*(("quote",) if is_of_bot else ()), *(("link_preview_options.url",) if is_typed else ()))


def _full_name(holder: Mapping[str, Any]) -> list[str]:
    name = [holder[key] for key in ("first_name", "last_name") if isinstance(holder.get(key), str)]
    return [" ".join(name)] if len(name) > 1 else []


def _is_code(key: str, value: Any) -> bool:
    return key in _CODES and isinstance(value, str)


def _in_one(runs: list[Any]) -> str:
    """The text of a `RichText` that is an array: a name may be half bold."""
    parts: list[str] = []
    left = list(reversed(runs))
    while left:
        run = left.pop()
        if isinstance(run, list):
            left += reversed(run)
        elif isinstance(run, Mapping):
            left.append(run.get("text"))
        elif isinstance(run, str):
            parts.append(run)
    return "".join(parts)


def _bare(address: str) -> str:
    """An address as people type it: Telegram adds a scheme and a stroke."""
    return address.partition("://")[2].rstrip("/") or address


_SERVICE = frozenset(
    [
        "pinned_message",
        "message_auto_delete_timer_changed",
        "successful_payment",
        "refunded_payment",
        "users_shared",
        "chat_shared",
        "connected_website",
        "write_access_allowed",
        "passport_data",
        "proximity_alert_triggered",
        "boost_added",
        "chat_background_set",
        "web_app_data",
        "new_chat_members",
        "left_chat_member",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
    ]
)
"""Messages that nobody wrote: they get no answer. Some show a name all the same."""

_FILES: tuple[Literal["document", "video", "audio", "voice"], ...] = ("document", "video", "audio", "voice")
_CONTENT = frozenset(["message_id", "date", "chat", "caption", "media_group_id", "location", "venue", "photo", *_FILES])
"""The fields of a message that are read with the library's types. What stands beside them cannot spoil them."""


def _content(message: Mapping[str, Any]) -> Message | None:
    """The message as an object of the library. None if the library cannot read it."""
    try:
        return Message.de_json({name: message[name] for name in _CONTENT.intersection(message)})
    except ILL_FORMED:
        return None


def _place(message: Message) -> Located | None:
    location = message.location or (message.venue.location if message.venue else None)
    if location is None:
        return None
    accuracy = location.horizontal_accuracy
    return Located(
        float(location.latitude),
        float(location.longitude),
        None if accuracy is None else float(accuracy),
        message.message_id,
    )


def _offer(message: Message) -> Offered | None:
    # The library does not check that a text is one.
    album, caption = str(message.media_group_id or ""), str(message.caption or "")[:TEXT_LIMIT]
    origin = message.message_id
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        ids = str(largest.file_id), str(largest.file_unique_id)
        return Offered("photo", *ids, "photo.jpg", "image/jpeg", largest.file_size, album, origin, caption)
    for kind in _FILES:
        if file := getattr(message, kind):
            ids = str(file.file_id), str(file.file_unique_id)
            name, media_type = str(getattr(file, "file_name", None) or kind)[:NAME_LIMIT], str(file.mime_type or "")
            return Offered(kind, *ids, name, media_type, file.file_size, album, origin, caption)
    return None


def _sender(holder: Mapping[str, Any]) -> Sender | None:
    user = holder.get("from")
    if not user or user.get("is_bot"):
        return None
    return Sender(_integer(user["id"]), str(user.get("first_name", ""))[:64], str(user.get("language_code") or ""))


def _integer(value: Any) -> int:
    if type(value) is not int:  # a truth value is not one
        raise TypeError("not an integer")
    return value


# ------------------------------------------------------------------ tap tokens
def command_head(plan: str | int | None = None) -> str:
    """The beginning of the callback_data of every other button. Of somebody in several plans, it names the plan."""
    return f"c{plan or ''}:"


def form_head(session_id: int, turn: int) -> str:
    """The beginning of the callback_data of a form's button: session and turn."""
    return f"f:{session_id:x}:{turn:x}:"


class FormTap(NamedTuple):
    session_id: int
    turn: int
    action: str
    argument: str


class CommandTap(NamedTuple):
    name: str
    argument: str
    plan_id: int | None = None


def read_token(data: str) -> FormTap | CommandTap | None:
    """Read the data of a button. None if this bot never wrote it."""
    kind, _, rest = data.partition(":")
    try:
        if kind == "f":
            session, turn, action, argument = rest.split(":", 3)
            if len(session) > 15 or len(turn) > 8:
                return None
            return FormTap(int(session, 16), int(turn, 16), action, argument)
        if re.fullmatch("c[0-9]{0,17}", kind, re.ASCII):
            name, _, argument = rest.partition(":")
            return CommandTap(name, argument, int(kind[1:]) if kind[1:] else None)
    except ValueError:
        pass
    return None
