"""What the bot can call: METHODS, read from top to bottom, is the extent of the emulation.

A method is a function of one `Call` whose parameters have been read by schema.py. It returns what the Bot API document
says it returns, or raises a Refusal before anything has changed: a refused call never has half an effect.
"""

import mimetypes
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from bot.sandbox import keyboards, markup
from bot.sandbox.entities import Text
from bot.sandbox.markup import CAPTION_LIMIT, TEXT_LIMIT
from bot.sandbox.refusals import (
    NOT_MODIFIED,
    QUERY_TOO_OLD,
    WEBHOOK_WAS_SET,
    Refusal,
    absent,
    bad_request,
    not_found,
)
from bot.sandbox.schema import FACTS, MISSING, Upload
from bot.sandbox.telegram import (
    DELETE_LIFETIME,
    DOWNLOAD_LIMIT,
    PHOTO_LIMIT,
    QUERY_LIFETIME,
    TYPING_LIFETIME,
    UPLOAD_LIMIT,
    Bot,
    Chat,
    Kept,
    StoredFile,
    Webhook,
    World,
)
from bot.sandbox.updates import get_updates

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who calls, which method, its parameters as schema.py read them, all files that came along."""

    world: World
    bot: Bot
    method: str
    params: Json
    uploads: Mapping[str, Upload]
    is_counted: bool = False  # against the limits, already
    forgets: bool = True  # getUpdates only; a `repeat` fault makes it false

    def user(self, user_id: int) -> Json | None:
        """Somebody this bot has met."""
        person = self.world.people.get(user_id)
        return person.user() if person is not None else None


@dataclass(frozen=True, slots=True)
class Told:
    """True, with the sentence that Telegram adds to it."""

    description: str


Method = Callable[[Call], Any]


# -------------------------------------------------------------------- the bot itself, updates
def get_me(call: Call) -> Json:
    return {
        **call.bot.user(),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def poll(call: Call) -> Any:
    return get_updates(call.world, call.bot, call.params, forgets=call.forgets)


def set_webhook(call: Call) -> bool | Told:
    """Telegram takes https only; a plain http webhook on this machine is taken too, here."""
    params, bot = call.params, call.bot
    url = params["url"]
    if not url:
        return delete_webhook(call)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if parts.scheme == "https" and (parts.port or 443) not in (443, 80, 88, 8443):
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    secret = params.get("secret_token", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    if "allowed_updates" in params:
        bot.allowed_updates = frozenset(params["allowed_updates"]) or None
    if params.get("drop_pending_updates"):
        bot.pending.clear()
    connections = min(max(params.get("max_connections", 40), 1), 100)
    hook = bot.webhook
    if hook is not None and (hook.url, hook.secret_token, hook.max_connections) == (url, secret, connections):
        return Told("Webhook is already set")
    bot.webhook = Webhook(url, secret, connections)
    for pending in bot.pending:  # a new address owes nothing to the old one's failures
        pending.fails, pending.delay, pending.due_at = 0, 1.0, 0.0
    call.world.end_poll(bot, WEBHOOK_WAS_SET)
    call.world.webhook_bell.ring()
    return Told("Webhook was set")


def delete_webhook(call: Call) -> Told:
    had_one = call.bot.webhook is not None
    call.bot.webhook = None
    if call.params.get("drop_pending_updates"):
        call.bot.pending.clear()
    return Told("Webhook was deleted" if had_one else "Webhook is already deleted")


def get_webhook_info(call: Call) -> Json:
    hook = call.bot.webhook
    call.world.expire(call.bot)
    info: Json = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(call.bot.pending),
    }
    if hook is not None:
        info["max_connections"] = hook.max_connections
        info["ip_address"] = "127.0.0.1"
        if hook.last_error_at is not None:
            info |= {"last_error_date": int(hook.last_error_at), "last_error_message": hook.last_error}
    if call.bot.allowed_updates is not None:
        info["allowed_updates"] = sorted(call.bot.allowed_updates)
    return info


# -------------------------------------------------------------------- sending
def text_of(call: Call, name: str, limit: int, too_long: str, *, mode: str, entities: str) -> Text:
    return markup.formatted(
        call.params.get(name, ""),
        call.params.get(mode),
        call.params.get(entities),
        limit,
        user=call.user,
        now=call.world.now(),
        too_long=too_long,
    )


def text_content(call: Call) -> Json:
    """`text` and what goes with it; never empty."""
    if "rich_message" in call.params:
        raise absent("rich messages")
    if not call.params.get("text"):
        raise bad_request("message text is empty")
    text = text_of(call, "text", TEXT_LIMIT, "message is too long", mode="parse_mode", entities="entities")
    if not text.text:
        raise bad_request("text must be non-empty")
    content: Json = {"text": text.text}
    if text.entities:
        content["entities"] = text.entities
    if "link_preview_options" in call.params:
        content["link_preview_options"] = call.params["link_preview_options"]
    return content


def caption_content(call: Call) -> Json:
    text = text_of(
        call,
        "caption",
        CAPTION_LIMIT,
        "message caption is too long",
        mode="parse_mode",
        entities="caption_entities",
    )
    content: Json = {"caption": text.text} if text.text else {}
    if text.text and text.entities:
        content["caption_entities"] = text.entities
    if text.text and call.params.get("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return content


def send(call: Call, content: Json) -> Json:
    """One new message of the bot in the chat of the call; everything that all send methods have in common."""
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    keyboard = keyboards.checked(call.params["reply_markup"]) if "reply_markup" in call.params else None
    reply = reply_content(call, chat)
    if not call.is_counted:
        count_sent(call, chat)
    return deliver(call, chat, {**reply, **content}, keyboard)


def count_sent(call: Call, chat: Chat, messages: int = 1) -> None:
    """Against Telegram's limits, where they are switched on; raises 429."""
    if call.world.limited:
        call.bot.sent.count(chat, call.world.now(), messages)


def deliver(call: Call, chat: Chat, content: Json, keyboard: Json | None) -> Json:
    message = dict(content)
    if call.params.get("protect_content"):
        message["has_protected_content"] = True
    if "message_effect_id" in call.params:
        message["effect_id"] = call.params["message_effect_id"]
    if keyboard is not None and keyboards.is_inline(keyboard) and keyboard["inline_keyboard"]:
        message["reply_markup"] = keyboard
    is_post = chat.kind == "channel"
    if is_post:
        message["sender_chat"] = chat.brief()
    kept = call.world.keep(call.bot, chat, message, from_bot=True, sender=None if is_post else call.bot.user())
    kept.is_silent = bool(call.params.get("disable_notification"))
    kept.has_other_keyboard = keyboard is not None and not keyboards.is_inline(keyboard)
    if keyboard is not None and "keyboard" in keyboard:
        chat.reply_keyboard = keyboard
    elif keyboard is not None and "remove_keyboard" in keyboard:
        chat.reply_keyboard = None
    if keyboard is not None and keyboard.get("force_reply"):
        hint = keyboard.get("input_field_placeholder", "")
        chat.force_reply = {"message_id": kept.message["message_id"], "input_field_placeholder": hint}
    chat.typing_until = 0.0
    chat.draft = None
    chat.unread += 1
    call.world.show(chat, "send", kept.message, silent=kept.is_silent, keyboard=keyboard)
    return dict(kept.message)


def reply_content(call: Call, chat: Chat) -> Json:
    given = call.params.get("reply_parameters")
    if given is None:
        return {}
    there = chat
    if "chat_id" in given and given["chat_id"] != chat.id:
        there = call.world.chat_of(call.bot, given["chat_id"])
    original = there.messages.get(given["message_id"])
    if original is None:
        if given.get("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found")
    quoted = {name: value for name, value in original.message.items() if name != "reply_to_message"}
    return {"reply_to_message": quoted}


def send_message(call: Call) -> Json:
    return send(call, text_content(call))


OFFICE_TYPES: Final[Mapping[str, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "jsonl": "application/jsonl",
    "geojson": "application/geo+json",
}


def mime_of(name: str) -> str:
    """By the name's ending; Telegram does not look into documents."""
    ending = name.rpartition(".")[2].lower()
    return OFFICE_TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_for(call: Call, value: str | Upload, kind: str) -> StoredFile:
    """The file that a parameter means: attached, sent before (file_id), or at a URL, which the sandbox cannot fetch."""
    if isinstance(value, str) and value.startswith("attach://"):
        name = value.removeprefix("attach://")
        if name not in call.uploads:
            is_item = call.method in ("sendMediaGroup", "editMessageMedia")
            raise bad_request("can't parse InputMedia: media not found" if is_item else MISSING[kind])
        value = call.uploads[name]
    if isinstance(value, Upload):
        check_upload(value, PHOTO_LIMIT if kind == "photo" else UPLOAD_LIMIT)
        if kind == "photo":
            return call.world.store_photo(value.data)[-1]
        return call.world.store(kind, value.data, value.name or kind, mime_of(value.name))
    if re.match(r"https?://", value):
        raise bad_request("failed to get HTTP URL content (the sandbox fetches nothing)")
    stored = call.world.files.get(value)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if stored.kind != kind:
        raise bad_request(f"can't use file of type {stored.kind.capitalize()} as {kind.capitalize()}")
    return stored


def check_upload(upload: Upload, limit: int) -> None:
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > UPLOAD_LIMIT:
        raise Refusal(413, "Request Entity Too Large")
    if len(upload.data) > limit:
        raise bad_request(f"file is too big for a photo: {len(upload.data)} bytes, 10 MB are allowed")


def media_content(call: Call, kind: str, value: str | Upload, params: Json) -> Json:
    """The field of a Message that holds a file."""
    stored = file_for(call, value, kind)
    content: Json = {kind: described(call.world, stored, params)}
    if params.get("has_spoiler"):
        content["has_media_spoiler"] = True
    return content


def described(world: World, stored: StoredFile, params: Json) -> Any:
    """A stored file as PhotoSizes, Document, Video, Audio, Voice, …"""
    if stored.kind == "photo":
        return [
            {
                "file_id": size.file_id,
                "file_unique_id": size.unique_id,
                "width": size.facts["width"],
                "height": size.facts["height"],
                "file_size": len(size.data),
            }
            for size in world.albums[stored.file_id]
        ]
    entry: Json = {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": len(stored.data)}
    if stored.kind in ("document", "video", "audio", "animation"):
        entry["file_name"] = stored.name
    if stored.mime and stored.kind not in ("sticker", "video_note"):
        entry["mime_type"] = stored.mime
    if stored.kind in ("video", "animation"):
        entry |= {"width": params.get("width", 320), "height": params.get("height", 320)}
    if stored.kind in ("video", "audio", "voice", "animation", "video_note"):
        entry["duration"] = params.get("duration", 1)
    if stored.kind == "video_note":
        entry["length"] = params.get("length", 240)
    if stored.kind == "audio":
        entry |= {name: params[name] for name in ("performer", "title") if name in params}
    if stored.kind == "sticker":
        entry |= {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
    return entry


def sends(kind: str, *, captioned: bool = True) -> Method:
    """The send method of one kind of file."""

    def send_file(call: Call) -> Json:
        caption = caption_content(call) if captioned else {}
        call.world.chat_to_write(call.bot, call.params["chat_id"])
        return send(call, {**media_content(call, kind, call.params[kind], call.params), **caption})

    return send_file


ALBUM_KINDS: Final = ("photo", "video", "document", "audio")


def send_media_group(call: Call) -> list[Json]:
    items = call.params["media"]
    if not items:
        raise bad_request("there are no messages to send")
    if not 2 <= len(items) <= 10:
        words = "too much messages to send as an album" if len(items) > 10 else "expected 2-10 media in an album"
        raise bad_request(words)
    kinds = {item["type"] for item in items}
    for alone in ("document", "audio"):
        if alone in kinds and len(kinds) > 1:
            raise bad_request(f"{alone.capitalize()} can't be mixed with other media types")
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    reply = reply_content(call, chat)
    contents = [item_content(call, item) for item in items]
    count_sent(call, chat, len(items))
    group = str(call.world.number() + 13_000_000_000_000_000)
    return [deliver(call, chat, {**reply, "media_group_id": group, **content}, None) for content in contents]


def item_content(call: Call, item: Json) -> Json:
    """One InputMedia as the fields of a Message."""
    if item["type"] not in (*ALBUM_KINDS, "animation"):
        raise absent(f"media of type {item['type']}")
    inner = replace(call, params=item)
    return {**media_content(call, item["type"], item["media"], item), **caption_content(inner)}


def place_of(params: Json) -> Json:
    if not -90 <= params["latitude"] <= 90 or not -180 <= params["longitude"] <= 180:
        raise bad_request("wrong location specified")
    names = ("latitude", "longitude", "horizontal_accuracy", "live_period", "heading", "proximity_alert_radius")
    return {name: params[name] for name in names if name in params}


def send_location(call: Call) -> Json:
    return send(call, {"location": place_of(call.params)})


def send_venue(call: Call) -> Json:
    names = ("title", "address", "foursquare_id", "foursquare_type", "google_place_id", "google_place_type")
    place = place_of(call.params)
    venue = {"location": place, **{name: call.params[name] for name in names if name in call.params}}
    return send(call, {"venue": venue, "location": place})


def send_contact(call: Call) -> Json:
    names = ("phone_number", "first_name", "last_name", "vcard")
    return send(call, {"contact": {name: call.params[name] for name in names if name in call.params}})


def send_poll(call: Call) -> Json:
    params = call.params
    options = [option["text"] for option in params["options"]]
    if not 1 <= len(params["question"]) <= 300:
        raise bad_request("poll question must be non-empty" if not params["question"] else "poll question is too long")
    if not 2 <= len(options) <= 12:
        words = "poll must have at least 2 options" if len(options) < 2 else "poll can't have more than 12 options"
        raise bad_request(words)
    if any(not 1 <= len(option) <= 100 for option in options):
        raise bad_request("poll options must be non-empty and have at most 100 characters")
    number = call.world.number()
    question: Json = {
        "id": str(5_000_000_000_000_000_000 + number),
        "question": params["question"],
        "options": [{"persistent_id": str(at), "text": option, "voter_count": 0} for at, option in enumerate(options)],
        "total_voter_count": 0,
        "is_closed": params.get("is_closed", False),
        "is_anonymous": params.get("is_anonymous", True),
        "type": params.get("type", "regular"),
        "allows_multiple_answers": params.get("allows_multiple_answers", False),
        "allows_revoting": params.get("allows_revoting", False),
        "members_only": params.get("members_only", False),
    }
    return send(call, {"poll": question})


# fmt: off
CHAT_ACTIONS: Final = frozenset((
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
))
# fmt: on


def send_chat_action(call: Call) -> bool:
    if call.params["action"] not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    chat.typing_until = call.world.now() + TYPING_LIFETIME
    chat.action = call.params["action"]
    call.world.show(chat, "typing", action=call.params["action"])
    return True


def send_message_draft(call: Call) -> bool:
    """A text that grows on the phone; it is gone with the next message."""
    text = text_of(call, "text", TEXT_LIMIT, "message is too long", mode="parse_mode", entities="entities")
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    chat.draft = {"draft_id": call.params["draft_id"], "text": text.text, "entities": text.entities}
    call.world.show(chat, "draft", draft=chat.draft)
    return True


# -------------------------------------------------------------------- messages that are there already
def edited(call: Call) -> tuple[Chat, Kept]:
    """The message that an edit method means, if the bot may edit it."""
    if "inline_message_id" in call.params:
        raise absent("inline messages")
    if "chat_id" not in call.params:
        raise bad_request("chat_id is empty")
    if "message_id" not in call.params:
        raise bad_request("message identifier is not specified")
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    kept = chat.messages.get(call.params["message_id"])
    if kept is None:
        raise bad_request("message to edit not found")
    if not kept.from_bot or kept.has_other_keyboard or "forward_origin" in kept.message:
        raise bad_request("message can't be edited")
    return chat, kept


def change(call: Call, chat: Chat, kept: Kept, content: Json, replaced: Iterable[str]) -> Json:
    """Put new content into a message; the inline keyboard is the one given, or none. Refuses what changes nothing."""
    keyboard = keyboards.checked(call.params["reply_markup"]) if "reply_markup" in call.params else None
    message = {name: value for name, value in kept.message.items() if name not in {*replaced, "reply_markup"}}
    message |= content
    if keyboard is not None and keyboard["inline_keyboard"]:
        message["reply_markup"] = keyboard
    if message == kept.message:
        raise bad_request(NOT_MODIFIED)
    message["edit_date"] = int(call.world.now())
    kept.message = message
    call.world.show(chat, "edit", message)
    return dict(message)


MEDIA_KINDS: Final = ("photo", "video", "document", "audio", "animation", "voice", "video_note", "sticker")
TEXT_FIELDS: Final = ("text", "entities", "link_preview_options")
CAPTION_FIELDS: Final = ("caption", "caption_entities", "show_caption_above_media")


def edit_message_text(call: Call) -> Json:
    content = text_content(call)
    chat, kept = edited(call)
    if "text" not in kept.message:
        raise bad_request("there is no text in the message to edit")
    return change(call, chat, kept, content, TEXT_FIELDS)


def edit_message_caption(call: Call) -> Json:
    content = caption_content(call)
    chat, kept = edited(call)
    if not any(kind in kept.message for kind in MEDIA_KINDS):
        raise bad_request("there is no caption in the message to edit")
    return change(call, chat, kept, content, CAPTION_FIELDS)


def edit_message_media(call: Call) -> Json:
    chat, kept = edited(call)
    content = item_content(call, call.params["media"])
    return change(call, chat, kept, content, (*TEXT_FIELDS, *MEDIA_KINDS, *CAPTION_FIELDS))


def edit_message_reply_markup(call: Call) -> Json:
    chat, kept = edited(call)
    return change(call, chat, kept, {}, ())


def stop_poll(call: Call) -> Json:
    chat, kept = edited(call)
    if "poll" not in kept.message:
        raise bad_request("message with poll to stop not found")
    if kept.message["poll"]["is_closed"]:
        raise bad_request("poll has already been closed")
    stopped: Json = {**kept.message["poll"], "is_closed": True}
    change(call, chat, kept, {"poll": stopped}, ("poll",))
    return stopped


def deletable(call: Call, chat: Chat, kept: Kept) -> bool:
    """Younger than 48 hours; in private chats anybody's, elsewhere the bot's own (all, for an administrator)."""
    if kept.message["date"] + DELETE_LIFETIME <= call.world.now():
        return False
    return chat.kind == "private" or kept.from_bot or chat.bot_status == "administrator"


def remove(call: Call, chat: Chat, message_id: int) -> None:
    del chat.messages[message_id]
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    call.world.show(chat, "delete", message_id=message_id)


def delete_message(call: Call) -> bool:
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    kept = chat.messages.get(call.params["message_id"])
    if kept is None:
        raise bad_request("message to delete not found")
    if not deletable(call, chat, kept):
        raise bad_request("message can't be deleted for everyone")
    remove(call, chat, call.params["message_id"])
    return True


def delete_messages(call: Call) -> bool:
    """Those that are missing are skipped; one that cannot be deleted any more is left, and nobody is told."""
    message_ids = call.params["message_ids"]
    if not 1 <= len(message_ids) <= 100:
        raise bad_request(
            "too many message identifiers specified" if message_ids else "message identifiers are not specified"
        )
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    for message_id in message_ids:
        kept = chat.messages.get(message_id)
        if kept is not None and deletable(call, chat, kept):
            remove(call, chat, message_id)
    return True


def original(call: Call, verb: str, message_id: int) -> Kept:
    there = call.world.chat_of(call.bot, call.params["from_chat_id"])
    kept = there.messages.get(message_id)
    if kept is None:
        raise bad_request(f"message to {verb} not found")
    if kept.message.get("has_protected_content"):
        raise bad_request("message can't be forwarded" if verb == "forward" else "message can't be copied")
    return kept


# fmt: off
ENVELOPE: Final = frozenset((
    "message_id", "from", "chat", "date", "edit_date", "sender_chat", "author_signature", "reply_to_message",
    "reply_markup", "has_protected_content", "effect_id", "media_group_id", "via_bot", "forward_origin",
))
# fmt: on


def content_of(kept: Kept) -> Json:
    return {name: value for name, value in kept.message.items() if name not in ENVELOPE}


def forward_message(call: Call) -> Json:
    kept = original(call, "forward", call.params["message_id"])
    origin: Json = {"type": "user", "date": kept.message["date"], "sender_user": kept.message.get("from")}
    return send(call, {"forward_origin": kept.message.get("forward_origin", origin), **content_of(kept)})


def copy_message(call: Call) -> Json:
    kept = original(call, "copy", call.params["message_id"])
    content = content_of(kept)
    if "caption" in call.params:
        content = {name: value for name, value in content.items() if name not in CAPTION_FIELDS} | caption_content(call)
    return {"message_id": send(call, content)["message_id"]}


def repeated(one: Method, verb: str) -> Method:
    """The method for several messages, made of the one for one; those that cannot be had are skipped."""

    def several(call: Call) -> list[Json]:
        if not 1 <= len(call.params["message_ids"]) <= 100:
            raise bad_request("too many message identifiers specified")
        chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
        call.world.chat_of(call.bot, call.params["from_chat_id"])
        singles = []
        for message_id in call.params["message_ids"]:
            single = replace(call, params={**call.params, "message_id": message_id}, is_counted=True)
            try:
                original(single, verb, message_id)
            except Refusal:
                continue
            singles.append(single)
        count_sent(call, chat, len(singles))
        return [{"message_id": one(single)["message_id"]} for single in singles]

    return several


# fmt: off
REACTIONS: Final = frozenset((
    "👍", "👎", "❤", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩", "🙏", "👌", "🕊",
    "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾",
    "💋", "🖕", "😈", "😴", "😭", "🤓", "👻", "👨\u200d💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅",
    "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂", "🤷",
    "🤷\u200d♀", "😡",
))
# fmt: on


def set_message_reaction(call: Call) -> bool:
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    if call.params["message_id"] not in chat.messages:
        raise bad_request("message to react not found")
    reactions = call.params.get("reaction", [])
    if any(one["type"] != "emoji" or one["emoji"].rstrip("\ufe0f") not in REACTIONS for one in reactions):
        raise bad_request("REACTION_INVALID")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    chat.messages[call.params["message_id"]].reactions["bot"] = reactions
    call.world.show(chat, "reaction", message_id=call.params["message_id"], reaction=reactions)
    return True


def pin_chat_message(call: Call) -> bool:
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    if call.params["message_id"] not in chat.messages:
        raise bad_request("message to pin not found")
    if call.params["message_id"] not in chat.pinned:
        chat.pinned.append(call.params["message_id"])
        call.world.show(chat, "pin", message_id=call.params["message_id"])
    return True


def unpin_chat_message(call: Call) -> bool:
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    message_id = call.params.get("message_id", chat.pinned[-1] if chat.pinned else None)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    call.world.show(chat, "unpin", message_id=message_id)
    return True


def unpin_all_chat_messages(call: Call) -> bool:
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    chat.pinned.clear()
    return True


def answer_callback_query(call: Call) -> bool:
    """Once, and within 150 seconds of the tap."""
    query = call.bot.queries.get(call.params["callback_query_id"])
    if query is None or query.is_answered or query.at + QUERY_LIFETIME <= call.world.now():
        raise bad_request(QUERY_TOO_OLD)
    text = call.params.get("text", "")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    query.is_answered = True
    chat = call.bot.chats[query.chat_id]
    answer: Json = {"text": text, "show_alert": call.params.get("show_alert", False)}
    if text:
        chat.toast = {**answer, "at": call.world.now()}
    call.world.show(chat, "answer", query_id=query.id, url=call.params.get("url"), **answer)
    return True


# -------------------------------------------------------------------- files
def get_file(call: Call) -> Json:
    stored = call.world.files.get(call.params["file_id"])
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": stored.path,
    }


# -------------------------------------------------------------------- what the bot says of itself
def scope_key(call: Call) -> str:
    """One word for a BotCommandScope; the chat it names must exist."""
    scope = call.params.get("scope", {"type": "default"})
    parts = [scope["type"]]
    if "chat_id" in scope:
        parts.append(str(call.world.chat_of(call.bot, scope["chat_id"]).id))
    if "user_id" in scope:
        parts.append(str(scope["user_id"]))
    return ":".join(parts)


def language(call: Call) -> str:
    code: str = call.params.get("language_code", "")
    if not re.fullmatch(r"([a-z]{2})?", code):
        raise bad_request("LANG_CODE_INVALID")
    return code


def set_my_commands(call: Call) -> bool:
    commands = call.params["commands"]
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    key = scope_key(call), language(call)
    cleaned = [{**command, "command": command["command"].removeprefix("/")} for command in commands]
    if cleaned:
        call.bot.commands[key] = cleaned
    else:
        call.bot.commands.pop(key, None)
    call.world.tell({"type": "state"})
    return True


def get_my_commands(call: Call) -> list[Json]:
    return call.bot.commands.get((scope_key(call), language(call)), [])


def delete_my_commands(call: Call) -> bool:
    call.bot.commands.pop((scope_key(call), language(call)), None)
    return True


def commands_for(bot: Bot, chat: Chat) -> list[Json]:
    """The menu a person sees in a private chat: the narrowest scope first, in each the person's language first."""
    code = chat.person.language_code[:2] if chat.person is not None else ""
    for scope in (f"chat:{chat.id}", "all_private_chats", "default"):
        for lang in (code, ""):
            if (scope, lang) in bot.commands:
                return bot.commands[scope, lang]
    return []


def sets_name(field: str, limit: int) -> Method:
    def set_it(call: Call) -> bool:
        text = call.params.get(field, "")
        if len(text) > limit:
            raise bad_request(f"{field} is too long")
        call.bot.names[field, language(call)] = text
        return True

    return set_it


def gets_name(field: str) -> Method:
    def get_it(call: Call) -> Json:
        default = call.bot.first_name if field == "name" else ""
        names = call.bot.names
        return {field: names.get((field, language(call))) or names.get((field, ""), default)}

    return get_it


def set_chat_menu_button(call: Call) -> bool:
    button = call.params.get("menu_button", {"type": "default"})
    if button["type"] == "web_app":
        keyboards.web_app(button, "menu button")
    if "chat_id" in call.params:
        call.world.chat_of(call.bot, call.params["chat_id"]).menu_button = button
    else:
        call.bot.menu_button = button
    return True


def get_chat_menu_button(call: Call) -> Json:
    if "chat_id" in call.params:
        chat = call.world.chat_of(call.bot, call.params["chat_id"])
        return chat.menu_button or call.bot.menu_button
    return call.bot.menu_button


# -------------------------------------------------------------------- chats
def known_chat(call: Call) -> Chat:
    """The chat, if the bot has ever had to do with it."""
    chat = call.world.chat_of(call.bot, call.params["chat_id"])
    if chat.kind == "private" and not (chat.started or chat.messages):
        raise bad_request("chat not found")
    return chat


def get_chat(call: Call) -> Json:
    chat = known_chat(call)
    full: Json = {
        **chat.brief(),
        "accent_color_id": chat.id % 7 if chat.id > 0 else 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }
    if chat.pinned:
        full["pinned_message"] = chat.messages[chat.pinned[-1]].message
    return full


def member(call: Call, chat: Chat, user_id: int) -> Json:
    if user_id == call.bot.id:
        status = "member" if chat.kind == "private" else chat.bot_status
        entry: Json = {"status": status, "user": call.bot.user()}
        if status == "kicked":
            entry["until_date"] = 0
        return entry
    person = chat.person if chat.kind == "private" and user_id == chat.id else chat.members.get(user_id)
    if person is None:
        if user_id in call.world.people:
            return {"status": "left", "user": call.world.people[user_id].user()}
        raise bad_request("invalid user_id specified")
    return {"status": "member", "user": person.user()}


def get_chat_member(call: Call) -> Json:
    return member(call, known_chat(call), call.params["user_id"])


def get_chat_member_count(call: Call) -> int:
    chat = known_chat(call)
    return 2 if chat.kind == "private" else len(chat.members) + 1


def get_chat_administrators(call: Call) -> list[Json]:
    if known_chat(call).kind == "private":
        raise bad_request("there are no administrators in the private chat")
    return []


def leave_chat(call: Call) -> bool:
    chat = call.world.chat_of(call.bot, call.params["chat_id"])
    if chat.kind == "private":
        raise bad_request("chat member status can't be changed in private chats")
    call.world.chat_to_write(call.bot, chat.id)
    before = member(call, chat, call.bot.id)
    chat.bot_status = "left"
    body: Json = {
        "chat": chat.brief(),
        "from": call.bot.user(),
        "date": int(call.world.now()),
        "old_chat_member": before,
        "new_chat_member": {"status": "left", "user": call.bot.user()},
    }
    call.world.post(call.bot, "my_chat_member", body, line=("member", chat.id))
    call.world.show(chat, "leave")
    return True


def accepted(call: Call) -> bool:
    """Read and checked, and nothing happens."""
    if "chat_id" in call.params:
        call.world.chat_of(call.bot, call.params["chat_id"])
    return True


METHODS: Final[Mapping[str, Method]] = {
    # the bot itself and its updates
    "getMe": get_me,
    "getUpdates": poll,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    # sending
    "sendMessage": send_message,
    "sendPhoto": sends("photo"),
    "sendDocument": sends("document"),
    "sendVideo": sends("video"),
    "sendAudio": sends("audio"),
    "sendVoice": sends("voice"),
    "sendAnimation": sends("animation"),
    "sendVideoNote": sends("video_note", captioned=False),
    "sendSticker": sends("sticker", captioned=False),
    "sendMediaGroup": send_media_group,
    "sendLocation": send_location,
    "sendVenue": send_venue,
    "sendContact": send_contact,
    "sendPoll": send_poll,
    "sendChatAction": send_chat_action,
    "sendMessageDraft": send_message_draft,
    "forwardMessage": forward_message,
    "forwardMessages": repeated(forward_message, "forward"),
    "copyMessage": copy_message,
    "copyMessages": repeated(copy_message, "copy"),
    # messages that are there already
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "stopPoll": stop_poll,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "setMessageReaction": set_message_reaction,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "answerCallbackQuery": answer_callback_query,
    # files
    "getFile": get_file,
    # what the bot says of itself
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": sets_name("name", 64),
    "getMyName": gets_name("name"),
    "setMyDescription": sets_name("description", 512),
    "getMyDescription": gets_name("description"),
    "setMyShortDescription": sets_name("short_description", 120),
    "getMyShortDescription": gets_name("short_description"),
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    # chats
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "getChatAdministrators": get_chat_administrators,
    "leaveChat": leave_chat,
    # read and checked, answered True; nothing happens
    "setMyDefaultAdministratorRights": accepted,
    "setMyProfilePhoto": accepted,
    "removeMyProfilePhoto": accepted,
    "setChatTitle": accepted,
    "setChatDescription": accepted,
    "setChatPhoto": accepted,
    "deleteChatPhoto": accepted,
    "setChatPermissions": accepted,
    "banChatMember": accepted,
    "unbanChatMember": accepted,
    "restrictChatMember": accepted,
    "promoteChatMember": accepted,
    "answerInlineQuery": accepted,
    "answerShippingQuery": accepted,
    "answerPreCheckoutQuery": accepted,
    "setUserEmojiStatus": accepted,
    "logOut": accepted,
    "close": accepted,
}

# Answered with nothing of its kind; every other method of the document is read, checked, and then refused as absent.
EMPTY: Final[Mapping[str, Json | list[Json]]] = {
    "getUserProfilePhotos": {"total_count": 0, "photos": []},
    "getUserProfileAudios": {"total_count": 0, "audios": []},
    "getUserChatBoosts": {"boosts": []},
    "getForumTopicIconStickers": [],
    "getCustomEmojiStickers": [],
    "getMyStarBalance": {"amount": 0},
    "getStarTransactions": {"transactions": []},
    "getAvailableGifts": {"gifts": []},
    "getGameHighScores": [],
}


def perform(call: Call) -> Any:
    """The result of one call; awaitable for getUpdates alone. Raises Refusal."""
    method = METHODS.get(call.method)
    if method is not None:
        return method(call)
    if call.method in EMPTY:
        return EMPTY[call.method]
    if call.method not in FACTS.methods:
        raise not_found("method not found")
    raise absent(call.method)
