"""What a bot sends: text, files, places, polls, and that it is typing."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bot.sandbox import keyboards, markup
from bot.sandbox.entities import Text
from bot.sandbox.markup import CAPTION_LIMIT, TEXT_LIMIT
from bot.sandbox.methods.call import Call, Json, Method
from bot.sandbox.refusals import Refusal, absent, bad_request
from bot.sandbox.schema import MISSING, Upload
from bot.sandbox.telegram import PHOTO_LIMIT, TYPING_LIFETIME, UPLOAD_LIMIT, Chat, StoredFile, World


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
    """`text` and its options; never empty."""
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
    """Send one new message to the chat of the call: what all send methods share."""
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    keyboard = keyboards.checked(call.params["reply_markup"]) if "reply_markup" in call.params else None
    reply = reply_content(call, chat)
    if not call.is_counted:
        count_sent(call, chat)
    return deliver(call, chat, {**reply, **content}, keyboard)


def count_sent(call: Call, chat: Chat, messages: int = 1) -> None:
    """Count against Telegram's limits, if they are switched on. Raises 429."""
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
    """The media type by the name's ending. Telegram does not look into documents."""
    ending = name.rpartition(".")[2].lower()
    return OFFICE_TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_for(call: Call, value: str | Upload, kind: str) -> StoredFile:
    """The file that a parameter names: attached, sent before (file_id), or at a URL, which the sandbox cannot fetch."""
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
    """The field of a Message that contains a file."""
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
    """Make the send method of one kind of file."""

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
    """Show a text that grows on the phone. The next message replaces it."""
    text = text_of(call, "text", TEXT_LIMIT, "message is too long", mode="parse_mode", entities="entities")
    chat = call.world.chat_to_write(call.bot, call.params["chat_id"])
    chat.draft = {"draft_id": call.params["draft_id"], "text": text.text, "entities": text.entities}
    call.world.show(chat, "draft", draft=chat.draft)
    return True
