"""Existing messages: edit, delete, forward, pin them; and answer a tap."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.sandbox import keyboards
from bot.sandbox.methods.call import Call, Json, Method
from bot.sandbox.methods.sending import caption_content, count_sent, item_content, send, text_content
from bot.sandbox.refusals import NOT_MODIFIED, QUERY_TOO_OLD, Refusal, absent, bad_request
from bot.sandbox.telegram import DELETE_LIFETIME, QUERY_LIFETIME, Chat, Kept


def edited(call: Call) -> tuple[Chat, Kept]:
    """The message of an edit method, if the bot may edit it."""
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
    """Put new content into a message.

    Its inline keyboard becomes the given one, or none. Refuses an edit without a change.
    """
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
    """Whether it can be deleted.

    It must be younger than 48 hours; in groups it must be the bot's own, unless the bot is an administrator.
    """
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
    """Delete messages. Missing ones are skipped; one that cannot be deleted any more stays, without an error."""
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
    """Make the method for several messages from the method for one. Messages that are missing are skipped."""

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
    """Answer a tap: once, and within 150 seconds."""
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
