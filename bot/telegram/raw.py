"""Facts about a raw update, before anything is known of its content."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def is_update(given: Any) -> bool:
    """Whether this is an object with a number that a database can hold; anything else never came from Telegram."""
    return isinstance(given, dict) and type(given.get("update_id")) is int and 0 <= given["update_id"] < 2**63


def update_type(update: Mapping[str, Any]) -> str:
    """Return `message`, `callback_query`, …"""
    for name in update:
        if name != "update_id":
            return name
    return "nothing"


def chat_of(update: Mapping[str, Any]) -> int | None:
    """The chat in whose order this update is applied.

    For a tap it is the chat of its message. None if it has no chat.
    """
    for name, content in update.items():
        if name == "update_id" or not isinstance(content, dict):  # not Mapping, which asks three functions
            continue
        for holder in (content, content.get("message")):
            chat = holder.get("chat") if isinstance(holder, dict) else None
            if isinstance(chat, dict) and isinstance(chat.get("id"), int):
                return int(chat["id"])
        sender = content.get("from") or content.get("user")
        if isinstance(sender, dict) and isinstance(sender.get("id"), int):
            return int(sender["id"])
    return None


def host_of(address: str) -> str:
    """The host of an address, without the path, which may be a secret."""
    return urlsplit(address).netloc.rpartition("@")[2] or "an unknown place"
