"""What the bot says of itself: its commands, names and menu button."""

import re

from bot.sandbox import keyboards
from bot.sandbox.methods.call import Call, Json, Method
from bot.sandbox.refusals import bad_request
from bot.sandbox.telegram import Bot, Chat


def scope_key(call: Call) -> str:
    """Return one word for a BotCommandScope. The chat that the scope names must exist."""
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
    """The menu that a person sees in a private chat.

    The narrowest scope comes first, and in each scope the person's language.
    """
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
