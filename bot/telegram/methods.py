"""What delivery must know of the Bot API's methods: which of them make a message, and what can replace an edit."""

from collections.abc import Mapping
from typing import Any, Final

from bot.telegram.handled import TapAnswer

PROTECTED: Final = {"protect_content": True, "disable_notification": True}
"""Options for restricted messages: they cannot be forwarded or saved, and make no sound (S15, S24)."""


def makes_message(method: str) -> bool:
    """Whether this method makes a message, rather than changing one."""
    return method.startswith(("send", "copy", "forward"))


def anew(method: str, payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The method and payload that send an edit's text as a new message. None if that is not possible."""
    rest = {name: value for name, value in payload.items() if name not in ("message_id", "inline_message_id")}
    if method == "editMessageText" and "text" in rest:
        return "sendMessage", rest
    if method == "editMessageMedia" and isinstance(rest.get("media"), dict):
        media = dict(rest.pop("media"))
        kind, source = str(media.pop("type", "")), str(media.pop("media", ""))
        if kind not in ("photo", "document", "video", "animation", "audio"):
            return None
        if source.startswith("attach://"):
            uploads = dict(rest.get("@files") or {})
            uploads[kind] = uploads.pop(source.removeprefix("attach://"))
            rest["@files"] = uploads
        else:
            rest[kind] = source
        return f"send{kind.capitalize()}", {**media, **rest}
    return None


def in_words(method: str, payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The method and payload that send a picture's caption as a message. None if it has none."""
    if method != "sendPhoto" or not payload.get("caption"):
        return None
    rest = {name: value for name, value in payload.items() if name not in ("caption", "caption_entities", "photo")}
    if "caption_entities" in payload:
        rest["entities"] = payload["caption_entities"]
    return "sendMessage", {**rest, "text": payload["caption"]}


def answer_payload(answer: TapAnswer) -> dict[str, Any]:
    """Parameters of answerCallbackQuery."""
    payload: dict[str, Any] = {"callback_query_id": answer.callback_query_id}
    if answer.text:
        payload["text"] = answer.text
        if answer.show_alert:
            payload["show_alert"] = True
    return payload
