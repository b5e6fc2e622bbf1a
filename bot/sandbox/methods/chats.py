"""What a bot may know of a chat, and leaving it."""

from bot.sandbox.methods.call import Call, Json
from bot.sandbox.refusals import bad_request
from bot.sandbox.telegram import Chat


def known_chat(call: Call) -> Chat:
    """The chat, if the bot has ever had contact with it."""
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
