"""What people do on their phones.

A person does not send updates. A person writes, taps, photographs, forwards, blocks, and edits a message from
yesterday, and Telegram makes the updates. Each function here is one such act. It changes the chat as the phone would
show it, posts the update that Telegram would post, and returns.

Acts that a phone would not allow (tapping a button that is not there, writing to a blocked bot) raise ImpossibleError
and change nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from bot.sandbox import markup
from bot.sandbox.methods.changing import REACTIONS
from bot.sandbox.methods.sending import described, mime_of
from bot.sandbox.schema import Upload
from bot.sandbox.telegram import Chat, ChatKind, Kept, Person, Query, World

Json = dict[str, Any]
FileKind = Literal["photo", "document", "video", "audio", "voice", "sticker"]

# Telegram's own accounts: what a group's messages come "from" when a channel or an anonymous administrator writes.
CHANNEL_BOT: Final[Json] = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
GROUP_BOT: Final[Json] = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


class ImpossibleError(Exception):
    """No phone would let a person do this."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The writer of a message, if it is not simply the person of a private chat.

    In a group: one of its members, an administrator who is anonymous behind the group, or a channel. `via_bot` and
    `origin` (a MessageOrigin) say that the words are not the sender's own.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    person: Annotated[int | None, Field(alias="from")] = None
    is_anonymous: Annotated[bool, Field(alias="anonymous")] = False
    channel: Annotated[Json | None, Field(alias="sender_chat")] = None
    via_bot: Json | None = None
    origin: Json | None = None


def open_chat(world: World, chat_id: int) -> Chat:
    """The chat as its person opens it; raises ImpossibleError if there is no such phone."""
    chat = world.bot.chats.get(chat_id)
    if chat is None:
        raise ImpossibleError(f"there is no chat {chat_id}")
    return chat


def arrive(
    world: World, chat: Chat, content: Json, *, sender: Sender | None = None, reply_to: int | None = None
) -> Json:
    """Keep a person's message in the chat and post it to the bot; return it as the bot will see it."""
    sender = sender or Sender()
    if chat.kind == "private" and chat.blocked:
        raise ImpossibleError("the person has blocked the bot")
    if chat.kind != "private" and chat.bot_status in ("left", "kicked"):
        raise ImpossibleError("the bot is not in this chat")
    message: Json = {}
    user: Json | None
    if chat.kind == "channel":
        user = None
        message["sender_chat"] = chat.brief()
    elif sender.is_anonymous:
        user = GROUP_BOT
        message["sender_chat"] = chat.brief()
    elif sender.channel is not None:
        user = CHANNEL_BOT
        message["sender_chat"] = {"type": "channel", **sender.channel}
    elif sender.person is not None:
        user = world.people[sender.person].user()
    elif chat.person is not None:
        user = chat.person.user()
    else:
        raise ImpossibleError("say who writes in a group")
    if sender.origin is not None:
        message["forward_origin"] = sender.origin
    if reply_to is not None:
        original = chat.messages.get(reply_to)
        if original is None:
            raise ImpossibleError(f"there is no message {reply_to} to reply to")
        message["reply_to_message"] = {k: v for k, v in original.message.items() if k != "reply_to_message"}
    if sender.via_bot is not None:
        message["via_bot"] = sender.via_bot
    chat.started = True
    chat.unread = 0
    chat.force_reply = None
    kept = world.keep(world.bot, chat, {**message, **content}, from_bot=False, sender=user)
    kind = "channel_post" if chat.kind == "channel" else "message"
    world.post(world.bot, kind, kept.message, line=("chat", chat.id))
    world.tell({"type": "chat", "id": chat.id})
    return kept.message


def say(world: World, chat_id: int, text: str, *, reply_to: int | None = None, sender: Sender | None = None) -> Json:
    """Write a text. Commands, addresses and mentions in it are marked as Telegram marks them."""
    with world.lock:
        chat = open_chat(world, chat_id)
        parsed = markup.formatted(text, None, None, markup.TEXT_LIMIT)
        if not parsed.text:
            raise ImpossibleError("there is nothing to send")
        content: Json = {"text": parsed.text}
        if parsed.entities:
            content["entities"] = parsed.entities
        message = arrive(world, chat, content, sender=sender, reply_to=reply_to)
        keyboard = chat.reply_keyboard
        if (
            keyboard is not None
            and keyboard.get("one_time_keyboard")
            and any(key["text"] == text for row in keyboard["keyboard"] for key in row)
        ):
            chat.reply_keyboard = None
        return message


def start(world: World, chat_id: int, payload: str = "") -> Json:
    """Press Start, or follow a deep link: /start with the link's parameter (1 to 64 of A-Z a-z 0-9 _ -)."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,64}", payload):
        raise ImpossibleError("Telegram does not open a deep link with such a payload")
    with world.lock:
        chat = open_chat(world, chat_id)
        if chat.blocked:
            unblock(world, chat_id)
        return say(world, chat_id, f"/start {payload}".strip())


def tap(
    world: World,
    chat_id: int,
    message_id: int,
    *,
    data: str | None = None,
    text: str | None = None,
    person: Annotated[int | None, Field(alias="from")] = None,
) -> str:
    """Tap a button of a message; return the number of the query.

    By its text, the button must be on the message now. By its data, it need not be: a phone may still show an old
    keyboard or a deleted message (then the bot gets an inaccessible message).
    """
    with world.lock:
        chat = open_chat(world, chat_id)
        kept = chat.messages.get(message_id)
        if text is not None:
            data = button_data(kept, text)
        if data is None:
            raise ImpossibleError("say which button: its data or its text")
        if kept is None and not 1 <= message_id < chat.next_message_id:
            raise ImpossibleError(f"there never was a message {message_id}")
        if kept is not None and not kept.from_bot:
            raise ImpossibleError("only messages of the bot have buttons")
        if chat.blocked:
            raise ImpossibleError("the person has blocked the bot")
        user = world.people[person] if person is not None else chat.person
        if user is None:
            raise ImpossibleError("say who taps in a group")
        query = Query(str(4_000_000_000_000_000_000 + world.number()), chat.id, world.now())
        world.bot.queries[query.id] = query
        chat.unread = 0
        message = kept.message if kept is not None else {"chat": chat.brief(), "message_id": message_id, "date": 0}
        body: Json = {
            "id": query.id,
            "from": user.user(),
            "message": message,
            "chat_instance": str(-(10**18) - chat.id),
            "data": data,
        }
        world.post(world.bot, "callback_query", body, line=("tap", user.id))
        return query.id


def button_data(kept: Kept | None, text: str) -> str | None:
    if kept is None:
        raise ImpossibleError("the message is gone")
    rows = kept.message.get("reply_markup", {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    fitting = [button for button in buttons if button["text"] == text]
    fitting = fitting or [button for button in buttons if text.casefold() in button["text"].casefold()]
    if len(fitting) != 1 or "callback_data" not in fitting[0]:
        shown = ", ".join(button["text"] for button in buttons) or "none"
        raise ImpossibleError(f"there is no single button {text!r} to tap; there are: {shown}")
    return str(fitting[0]["callback_data"])


def edit(world: World, chat_id: int, message_id: int, text: str) -> Json:
    """Change the text of the person's own message, or the caption of their file."""
    with world.lock:
        chat = open_chat(world, chat_id)
        kept = chat.messages.get(message_id)
        if kept is None or kept.from_bot:
            raise ImpossibleError(f"message {message_id} is not one the person can edit")
        parsed = markup.formatted(text, None, None, markup.TEXT_LIMIT)
        field, entities = ("text", "entities") if "text" in kept.message else ("caption", "caption_entities")
        changed = {name: value for name, value in kept.message.items() if name not in (field, entities)}
        changed |= {"edit_date": int(world.now()), field: parsed.text}
        if parsed.entities:
            changed[entities] = parsed.entities
        kept.message = changed
        kind = "edited_channel_post" if chat.kind == "channel" else "edited_message"
        world.post(world.bot, kind, changed, line=("chat", chat.id))
        world.tell({"type": "chat", "id": chat.id})
        return changed


def react(world: World, chat_id: int, message_id: int, emoji: str | None = None) -> None:
    """Set the person's reaction to a message, or remove it. The bot gets it if it asked for `message_reaction`."""
    with world.lock:
        chat = open_chat(world, chat_id)
        kept = chat.messages.get(message_id)
        if kept is None or chat.person is None:
            raise ImpossibleError(f"there is no message {message_id} to react to")
        if emoji and emoji.rstrip("\ufe0f") not in REACTIONS:
            raise ImpossibleError(f"a phone does not offer {emoji!r} as a reaction")
        before = kept.reactions.get("person", [])
        after: list[Json] = [{"type": "emoji", "emoji": emoji}] if emoji else []
        kept.reactions["person"] = after
        body: Json = {
            "chat": chat.brief(),
            "message_id": message_id,
            "user": chat.person.user(),
            "date": int(world.now()),
            "old_reaction": before,
            "new_reaction": after,
        }
        world.post(world.bot, "message_reaction", body, line=("chat", chat.id))
        world.tell({"type": "chat", "id": chat.id})


def send_files(
    world: World,
    chat_id: int,
    kind: FileKind,
    uploads: Sequence[Upload],
    *,
    caption: str = "",
    sender: Sender | None = None,
    reply_to: int | None = None,
) -> list[Json]:
    """Send files; several at once are an album, one message each. Photos lose their metadata, documents nothing."""
    with world.lock:
        chat = open_chat(world, chat_id)
        stored = [
            world.store_photo(upload.data)[-1]
            if kind == "photo"
            else world.store(kind, upload.data, upload.name, upload.mime or mime_of(upload.name))
            for upload in uploads
        ]
        parsed = markup.formatted(caption, None, None, markup.CAPTION_LIMIT)
        group: Json = {"media_group_id": str(13_000_000_000_000_000 + world.number())} if len(stored) > 1 else {}
        messages = []
        for at, file in enumerate(stored):
            content: Json = {**group, kind: described(world, file, {})}
            if at == 0 and parsed.text:
                content["caption"] = parsed.text
                if parsed.entities:
                    content["caption_entities"] = parsed.entities
            messages.append(arrive(world, chat, content, sender=sender, reply_to=reply_to))
        return messages


def send_location(world: World, chat_id: int, place: Json) -> Json:
    with world.lock:
        return arrive(world, open_chat(world, chat_id), {"location": place})


def send_venue(world: World, chat_id: int, place: Json, title: str, address: str) -> Json:
    with world.lock:
        venue = {"location": place, "title": title, "address": address}
        return arrive(world, open_chat(world, chat_id), {"venue": venue, "location": place})


def send_contact(world: World, chat_id: int, contact: Json | None = None) -> Json:
    """Share a contact: the person's own number, as the contact button does, or somebody else's."""
    with world.lock:
        chat = open_chat(world, chat_id)
        own: Json = {}
        if chat.person is not None:
            own = {
                "phone_number": f"1809{chat.person.id % 10_000_000:07d}",
                "first_name": chat.person.first_name,
                "user_id": chat.person.id,
            }
        return arrive(world, chat, {"contact": contact or own})


def forward(world: World, chat_id: int, content: Json, origin: Json | None = None) -> Json:
    """Forward somebody else's message into the chat. By default its author's account is hidden."""
    with world.lock:
        hidden: Json = {"type": "hidden_user", "date": int(world.now()) - 3600, "sender_user_name": "Alguien"}
        return arrive(world, open_chat(world, chat_id), content, sender=Sender(origin=origin or hidden))


def block(world: World, chat_id: int) -> None:
    """Stop the bot. Every later call of the bot to this chat is refused with 403."""
    with world.lock:
        chat = open_chat(world, chat_id)
        if not chat.blocked:
            chat.blocked = True
            member_changed(world, chat, "member", "kicked")


def unblock(world: World, chat_id: int) -> None:
    with world.lock:
        chat = open_chat(world, chat_id)
        if chat.blocked:
            chat.blocked = False
            member_changed(world, chat, "kicked", "member")


def member_changed(world: World, chat: Chat, before: str, after: str, by: Person | None = None) -> None:
    def status(name: str) -> Json:
        entry: Json = {"user": world.bot.user(), "status": name}
        return {**entry, "until_date": 0} if name == "kicked" else entry

    person = by or chat.person
    body: Json = {
        "chat": chat.brief(),
        "from": person.user() if person is not None else GROUP_BOT,
        "date": int(world.now()),
        "old_chat_member": status(before),
        "new_chat_member": status(after),
    }
    world.post(world.bot, "my_chat_member", body, line=("member", chat.id))
    world.tell({"type": "state"})


def clear(world: World, chat_id: int) -> None:
    """Delete the history on the phone. The bot is not told, and the numbers go on."""
    with world.lock:
        chat = open_chat(world, chat_id)
        chat.messages.clear()
        chat.pinned.clear()
        chat.reply_keyboard = None
        chat.toast = None
        chat.unread = 0
    world.tell({"type": "chat", "id": chat_id})


def add_to_group(
    world: World,
    chat_id: Annotated[int, Field(alias="id")],
    title: str = "Grupo",
    members: Sequence[int] = (),
    *,
    kind: Annotated[ChatKind, Field(alias="type")] = "supergroup",
    by: int | None = None,
) -> Chat:
    """Make a group or channel and add the bot to it. The bot gets the updates that Telegram sends."""
    with world.lock:
        people = {person: world.people[person] for person in members}
        chat = world.bot.chats[chat_id] = Chat(chat_id, kind, title=title, members=people, started=True)
        adder = world.people[by] if by is not None else next(iter(people.values()), None)
        if kind == "channel":
            chat.bot_status = "administrator"
        member_changed(world, chat, "left", "member", adder)
        if kind != "channel" and adder is not None:
            arrive(world, chat, {"new_chat_members": [world.bot.user()]}, sender=Sender(person=adder.id))
        return chat


def migrate(world: World, chat_id: int, new_id: int) -> None:
    """A group becomes a supergroup: calls to the old number are refused with the new one."""
    with world.lock:
        old = open_chat(world, chat_id)
        world.bot.chats[new_id] = Chat(new_id, "supergroup", title=old.title, members=old.members, started=True)
        arrive(world, old, {"migrate_to_chat_id": new_id}, sender=Sender(is_anonymous=True))
        old.migrated_to = new_id


__all__ = ["ImpossibleError", "Sender"]
