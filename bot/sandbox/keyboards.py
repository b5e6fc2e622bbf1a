"""Keyboards, and the keyboards that Telegram refuses.

A button's data is at most 64 *bytes*, so a label in Creole may be too long when the English one fits; a refused
keyboard is a refused message. Telegram silently drops a button without text. Here it is refused, because nobody means
it.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from bot.sandbox.entities import checked_url
from bot.sandbox.refusals import bad_request

Json = dict[str, Any]

MAX_DATA_BYTES: Final = 64
MAX_BUTTONS: Final = 100
MAX_IN_A_ROW: Final = 8
MAX_KEYS: Final = 300
MAX_KEYS_IN_A_ROW: Final = 12
STYLES: Final = frozenset({"danger", "success", "primary"})
_USES: Final = (
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
)  # fmt: skip


def checked(markup: Json) -> Json:
    """The keyboard itself, if Telegram would accept it. Raises Refusal."""
    if "inline_keyboard" in markup:
        return {"inline_keyboard": _rows(markup["inline_keyboard"], _inline_button, MAX_BUTTONS)}
    if "keyboard" in markup:
        if not any(markup["keyboard"]):
            raise bad_request("reply keyboard must be non-empty")
        placeholder(markup)
        return {**markup, "keyboard": _rows(markup["keyboard"], _key, MAX_KEYS)}
    if markup.get("remove_keyboard") is False or markup.get("force_reply") is False:
        raise bad_request("can't parse reply markup: field must be True")
    placeholder(markup)
    return markup


def is_inline(markup: Json | None) -> bool:
    return markup is not None and "inline_keyboard" in markup


def placeholder(markup: Json) -> None:
    if len(markup.get("input_field_placeholder", "")) > 64:
        raise bad_request("REPLY_MARKUP_INVALID")


def _rows(rows: list[list[Json]], check: Callable[[Json], Json], limit: int) -> list[list[Json]]:
    widest = MAX_IN_A_ROW if limit == MAX_BUTTONS else MAX_KEYS_IN_A_ROW
    if sum(len(row) for row in rows) > limit or any(len(row) > widest for row in rows):
        raise bad_request("reply markup is too long")
    return [[check(button) for button in row] for row in rows if row]


def _common(button: Json) -> Json:
    if not button["text"].strip():
        raise bad_request("BUTTON_TEXT_INVALID (the sandbox refuses it; Telegram would drop the button)")
    if button.get("style", "primary") not in STYLES:
        raise bad_request("invalid button style specified")
    return button


def _inline_button(button: Json) -> Json:
    uses = [use for use in _USES if button.get(use) is not None]
    if not uses:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(uses) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one of the optional fields must be used")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button:
        url = checked_url(button["url"])
        if url is None:
            raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
        button = {**button, "url": url}
    if "web_app" in button:
        web_app(button, "inline keyboard button")
    if "copy_text" in button and not 1 <= len(button["copy_text"]["text"]) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    return _common(button)


def _key(button: Json) -> Json:
    if "web_app" in button:
        web_app(button, "keyboard button")
    return _common(button)


def web_app(button: Json, spoken: str) -> None:
    """Refuse a page that is not on HTTPS. Pages of this machine are allowed without it."""
    url = button["web_app"]["url"]
    if not re.match(r"https://|http://(localhost|127\.0\.0\.1)[:/]", url):
        raise bad_request(f"{spoken} Web App URL '{url}' is invalid: Only HTTPS links are allowed")
