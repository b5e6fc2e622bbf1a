"""Whatever field of a message shows words to who holds the phone, the guard reads it."""

from collections import deque
from importlib.resources import files
from typing import Any

import orjson
import pytest

from bot.telegram.updates import Said, read, words
from conversations.session.events import Offered, Typed

NAME = "la víctima Yuleisi Peralta"
TYPES: dict[str, Any] = orjson.loads(files("bot.sandbox").joinpath("bot_api.json").read_bytes())["types"]
ENVELOPE = {"from", "chat", "via_bot", "sender_business_bot", "reply_to_message", "pinned_message"}
CODES = {
    "business_connection_id", "callback_data", "currency", "custom_emoji_id", "effect_id", "emoji", "file_id",
    "file_unique_id", "foursquare_id", "foursquare_type", "google_place_id", "google_place_type", "guest_query_id",
    "id", "invoice_payload", "language_code", "media_group_id", "mime_type", "option_persistent_id", "persistent_id",
    "reply_to_poll_option_id", "type",
}  # fmt: skip
"""What no phone shows as words."""
MESSAGE = {
    "message_id": 5,
    "date": 1538568000,
    "chat": {"id": 7, "type": "private"},
    "from": {"id": 7, "is_bot": False, "first_name": "Ana"},
}


def texts_of_a_message() -> set[tuple[str, ...]]:
    """The ways to each String that a message can hold: of each type, by each field that leads to it."""
    found: set[tuple[str, ...]] = set()
    left: deque[tuple[str, tuple[str, ...]]] = deque([("Message", ())])
    known: set[str] = set()
    while left:
        kind, way = left.popleft()
        steps = [(way, name) for name in TYPES[kind].get("subtypes", ())]
        for field, types, _ in TYPES[kind].get("fields", ()):
            if way or field not in ENVELOPE:
                steps += [((*way, field), one) for one in types]
        for to, one in steps:
            while one.startswith("Array of "):
                to, one = (*to, "[]"), one.removeprefix("Array of ")
            if one == "String" and to[-1] not in CODES:
                found.add(to)
            elif one in TYPES and kind not in known and len(to) < 12:
                left.append((one, to))
        known.add(kind)
    return found


def holding(way: tuple[str, ...]) -> dict[str, Any]:
    """A message with NAME at the end of this way, and with what a file or a place must have."""
    held: Any = NAME
    for step in reversed(way):
        held = [held] if step == "[]" else {step: held}
    needed = {"venue": {"location": {"latitude": 18.4, "longitude": -69.9}}}
    file = {"file_id": "x", "file_unique_id": "y"}
    for kind in ("document", "audio", "video", "voice", "venue"):
        if isinstance(held.get(kind), dict):
            held[kind] = needed.get(kind, file) | held[kind]
    return dict(held)


@pytest.mark.parametrize("beside", [{}, {"text": "hola"}, {"text": "/menu"}], ids=["alone", "text", "command"])
def test_every_text_of_a_message_is_read(beside: dict[str, Any]) -> None:
    """In a message of its own kind, beside a text, and beside a command."""
    ways = texts_of_a_message()
    assert len(ways) > 300
    assert [".".join(way) for way in ways if NAME not in said(**(beside | holding(way)))] == []


def said(**message: Any) -> str:
    return words(read({"update_id": 1, "message": {**MESSAGE, **message}}).what)


def test_a_name_that_is_half_bold_is_one_name() -> None:
    """Rich text is an array of runs."""
    runs = ["la víctima ", {"type": "bold", "text": ["Yuleisi", {"type": "italic", "text": " Pera"}]}, "lta"]
    assert NAME in said(rich_message={"blocks": [{"type": "paragraph", "text": runs}]})


def test_a_quote_is_read_unless_the_bot_wrote_it() -> None:
    """What one wrote oneself may have been deleted, and what one quotes of it stays."""
    for is_bot, is_read in ((True, False), (False, True)):
        replied = {"message_id": 4, "from": {"id": 9, "is_bot": is_bot, "first_name": "X"}}
        found = said(text="ella", reply_to_message=replied, quote={"text": NAME, "position": 0})
        assert (NAME in found) == is_read


def test_a_preview_of_an_address_that_is_typed_says_nothing_new() -> None:
    """Telegram repeats the address with its scheme; a preview of another address is read."""
    shown = {"url": "https://example.org/"}
    assert said(text="vea example.org", link_preview_options=shown).strip() == "vea example.org"
    assert "https://example.org/" in said(text="vea aquí", link_preview_options=shown)


def test_what_a_place_is_called_elsewhere_is_no_number_of_somebody() -> None:
    """A place that was looked for on the phone bears a number of the service that found it."""
    place = {"location": {"latitude": 18.4, "longitude": -69.9}, "title": "Gazcue", "foursquare_id": "4b058804f964a520"}
    assert "4b05" not in said(venue=place)


def test_what_is_longer_than_telegram_allows_is_cut_before_anybody_reads_it() -> None:
    """Only a forged update holds more; what a phone can write is read whole."""
    file = {"file_id": "x", "file_unique_id": "y", "file_name": "n" * 300}
    sent = [{"text": "t" * 5000}, {"document": file, "caption": "c" * 5000}, {"contact": {"first_name": "f" * 50_000}}]
    long, offered, contact = (read({"update_id": 1, "message": MESSAGE | each}).what for each in sent)

    assert isinstance(long, Said)
    assert isinstance(long.event, Typed)
    assert long.event.text == "t" * 4096
    assert isinstance(offered, Said)
    assert isinstance(offered.event, Offered)
    assert (offered.event.name, offered.event.caption) == ("n" * 255, "c" * 4096)
    assert len(words(contact)) == 4 * 4096
    assert words(read({"update_id": 1, "message": MESSAGE | {"text": "t" * 4095 + "ñ"}}).what).startswith(
        "t" * 4095 + "ñ"
    )
