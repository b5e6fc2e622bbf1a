"""Cards → parameters of Bot API calls: the one place where text becomes a message (S7).

Telegram refuses a whole message for one unbalanced tag, and our texts contain what people typed. So texts travel as
plain characters with `entities` beside them, not as HTML: nothing typed can become markup or break it. Offsets and
limits count UTF-16 units, as Telegram does. Source: Bot API, "MessageEntity", "sendMessage".
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from bot.telegram.updates import command_head
from conversations.card import Button, Card, Line, SharedRow, abridged, italic, line
from conversations.routes import split_tap

TEXT_LIMIT = 4096
"""UTF-16 units of a message's text."""
CAPTION_LIMIT = 1024
"""UTF-16 units of the words under a file."""

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f\u0333\u033f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
"""Control and bidi characters. They can reorder or hide text, and Telegram drops some of them without saying so."""
_UNDER, _OVER = "\u0333", "\u033f"
"""The two of them that Python counts as printable."""


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cleaned(text: str) -> str:
    """Text without control and bidi characters, and without lone surrogates, which no encoding can carry."""
    if text.isprintable() and _UNDER not in text and _OVER not in text:
        return text  # neither the others nor lone surrogates are printable
    return _INVISIBLE.sub("", text.replace("\t", " ")).encode("utf-8", "ignore").decode()


def message(card: Card, form_head: str | None = None) -> dict[str, Any]:
    """Return the parameters that show this card. `form_head` begins the callback_data of the buttons of a form.

    Text that does not fit one message is cut, at a line's end if one is near; the buttons always fit.
    """
    text, entities = written(card.lines, TEXT_LIMIT)
    payload: dict[str, Any] = {"text": text, "link_preview_options": {"is_disabled": True}}
    if entities:
        payload["entities"] = entities
    if card.asks_place:
        payload["reply_markup"] = {
            "keyboard": [
                [{"text": card.asks_place, "request_location": True}],
                [{"text": word} for word in card.words],
            ],
            "resize_keyboard": True,
            "one_time_keyboard": True,
        }
    elif card.rows:
        payload["reply_markup"] = keyboard(card.rows, form_head)
    return payload


def in_plan(payload: Mapping[str, Any], title: str, plan_id: int) -> dict[str, Any]:
    """Return the same call for a reader of several plans: the plan's title stands above its words, or under its file.

    A tap on its buttons acts in this plan, if they name no other. What has neither words nor buttons stays as it is.
    """
    made = dict(payload)
    is_file = "text" not in made and ("caption" in made or "@files" in made)
    if is_file or "text" in made:
        words, styles, limit = (
            ("caption", "caption_entities", CAPTION_LIMIT) if is_file else ("text", "entities", TEXT_LIMIT)
        )
        head, [style] = written((line(italic(title)),), limit)
        text, at = f"{head}\n{made.get(words, '')}".strip(), units(head) + 1
        entities = [style, *({**each, "offset": each["offset"] + at} for each in made.get(styles, ()))]
        made[words], made[styles] = (text, entities) if units(text) <= limit else _cut(text, entities, limit)
    if rows := made.get("reply_markup", {}).get("inline_keyboard"):
        made["reply_markup"] = {"inline_keyboard": [[_leading_to(button, plan_id) for button in row] for row in rows]}
    return made


def _leading_to(button: dict[str, Any], plan_id: int) -> dict[str, Any]:
    data = button.get("callback_data", "")
    rest = data.removeprefix(command_head())
    return button if rest == data else {**button, "callback_data": command_head(plan_id) + rest}


def keyboard(rows: Iterable[tuple[Button, ...]], form_head: str | None = None) -> dict[str, Any]:
    made: list[list[dict[str, Any]]] = []
    for row in rows:
        if isinstance(row, SharedRow):
            assert form_head, "only the card of a form has its buttons"
            made.append([{"text": text, "callback_data": form_head + rest} for text, rest in _shared(row)])
        else:
            made.append([_button(button, form_head) for button in row])
    return {"inline_keyboard": made}


@lru_cache(maxsize=1024)
def _shared(row: SharedRow) -> tuple[tuple[str, str], ...]:
    """The text of each button, and what its callback_data has behind the head of the form."""
    assert not any(button.tone for button in row)
    return tuple((_label(button.text), split_tap(button.tap)[2]) for button in row)


def _button(button: Button, form_head: str | None) -> dict[str, Any]:
    text, tap, tone, copies, opens = button
    made: dict[str, Any] = {"text": text if text.isalnum() else _label(text)}
    if copies:
        made["copy_text"] = {"text": copies}
    elif opens:
        made["url"] = opens
    else:
        is_of_form, plan, rest = split_tap(tap)
        assert form_head or not is_of_form, "only the card of a form has its buttons"
        made["callback_data"] = f"{form_head if is_of_form else command_head(plan)}{rest}"
    if tone:
        made["style"] = tone
    return made


def _label(text: str) -> str:
    return cleaned(text).strip() or "·"


def written(lines: Iterable[Line], limit: int) -> tuple[str, list[dict[str, Any]]]:
    """Text and entities of these lines, at most `limit` UTF-16 units long; blank text becomes one dot."""
    said: list[str] = []
    entities: list[dict[str, Any]] = []
    at = 0
    for parts in lines:
        for part in parts:
            if isinstance(part, str):
                text = cleaned(part)
            else:
                text = cleaned(part.text)
                if core := text.strip():
                    entities.append({"type": part.style, "offset": at + text.index(core), "length": len(core)})
            said.append(text)
            at += len(text)
        said.append("\n")
        at += 1
    whole = "".join(said)
    trimmed = whole.strip()  # as Telegram trims it
    shift = whole.find(trimmed)
    trimmed = trimmed or "·"
    length = units(trimmed)
    if shift or length != len(trimmed):
        entities = [_in_units(trimmed, entity, shift) for entity in entities]
    return (trimmed, entities) if length <= limit else _cut(trimmed, entities, limit)


def _in_units(text: str, entity: dict[str, Any], shift: int) -> dict[str, Any]:
    """An entity that counts characters, of which `shift` were taken from the beginning, as one that counts units."""
    at = entity["offset"] - shift
    return {**entity, "offset": units(text[:at]), "length": units(text[at : at + entity["length"]])}


def _cut(text: str, entities: list[dict[str, Any]], limit: int) -> tuple[str, list[dict[str, Any]]]:
    """Cut a text to what fits, at a line's end if one is near, else at a word's end, and add "…".

    Entities end where the text does.
    """
    kept = _fitting(text, limit - 1)
    at = kept.rfind("\n")
    kept = kept[:at].rstrip() if at > len(kept) // 2 else abridged(text, len(kept)).removesuffix("…")
    end = units(kept)
    within = [entity for entity in entities if entity["offset"] < end]
    return f"{kept}…", [{**entity, "length": min(entity["length"], end - entity["offset"])} for entity in within]


def _fitting(text: str, limit: int) -> str:
    """The longest beginning of at most `limit` UTF-16 units."""
    kept = text[:limit]
    while (over := units(kept) - limit) > 0:
        kept = kept[: -max(1, over // 2)]
    return kept


def split(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Long text in pieces of at most `limit` UTF-16 units, broken at line ends where there are any."""
    pieces: list[str] = []
    rest = cleaned(text)
    while units(rest) > limit:
        piece = _fitting(rest, limit)
        at = rest.rfind("\n", 1, len(piece))
        at = at if at > len(piece) // 2 else len(piece)
        pieces.append(rest[:at])
        rest = rest[at:].lstrip("\n")
    return [*pieces, rest] if rest or not pieces else pieces


def plain_message(text: str, markup: Mapping[str, Any] | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = {"text": split(text)[0].strip() or "·", "link_preview_options": {"is_disabled": True}}
    if markup is not None:
        payload["reply_markup"] = dict(markup)
    return payload
