"""What a bot says of itself: its menu for each person, its name and descriptions."""

from typing import Any

import pytest

from bot.sandbox.client import BotByHand
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.methods.calling import ANA


# -------------------------------------------------------------------- what the bot says of itself
def test_the_menu_a_person_sees_is_the_narrowest(sandbox: Sandbox, bot: BotByHand) -> None:
    """Chat before private chats before default; the person's language first in each."""
    from bot.sandbox.methods.profile import commands_for

    def menu() -> str:
        return ",".join(command["command"] for command in commands_for(sandbox.world.bot, sandbox.world.chat(ANA)))

    def commands(name: str) -> list[dict[str, str]]:
        return [{"command": name, "description": "x"}]

    assert menu() == ""
    bot.do("setMyCommands", commands=commands("default"))
    bot.do("setMyCommands", commands=commands("defecto"), language_code="es")
    assert menu() == "defecto"
    bot.do("setMyCommands", commands=commands("private"), scope={"type": "all_private_chats"})
    assert menu() == "private"
    scope = {"type": "chat", "chat_id": ANA}
    bot.do("setMyCommands", commands=commands("suyo"), scope=scope, language_code="es")
    assert menu() == "suyo"
    assert bot.do("getMyCommands", scope=scope, language_code="es") == commands("suyo")
    assert bot.do("getMyCommands", scope=scope) == []
    bot.do("deleteMyCommands", scope=scope, language_code="es")
    assert menu() == "private"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"commands": [{"command": "Año", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "x", "description": ""}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [], "scope": {"type": "chat", "chat_id": 42}}, "chat not found"),
        ({"commands": [], "language_code": "español"}, "LANG_CODE_INVALID"),
    ],
)
def test_commands_telegram_would_refuse_are_refused(bot: BotByHand, params: dict[str, Any], words: str) -> None:
    """Lower case, digits and underscores; a description; a chat that exists."""
    assert bot.refusal("setMyCommands", **params) == f"Bad Request: {words}"


def test_names_descriptions_and_menu_button_are_kept(bot: BotByHand) -> None:
    """Per language, the general one where a language has none."""
    bot.do("setMyDescription", description="Enlace")
    bot.do("setMyDescription", description="Enlace (es)", language_code="es")
    assert bot.do("getMyDescription", language_code="es") == {"description": "Enlace (es)"}
    assert bot.do("getMyDescription", language_code="ht") == {"description": "Enlace"}
    assert bot.do("getMyName") == {"name": "Enlace"}
    assert bot.do("getChatMenuButton") == {"type": "commands"}
    page = {"type": "web_app", "text": "x", "web_app": {"url": "http://elsewhere.org/"}}
    assert "Only HTTPS links are allowed" in bot.refusal("setChatMenuButton", menu_button=page)
