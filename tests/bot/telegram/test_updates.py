"""Whatever field of a message shows words to who holds the phone, the guard reads it."""

from collections import deque
from importlib.resources import files
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from telegram import Chat, Update

from bot.telegram.updates import (
    TEXT_LIMIT,
    TOKEN_LIMIT,
    Command,
    CommandTap,
    Edited,
    Elsewhere,
    FormTap,
    Ignored,
    Incoming,
    Malformed,
    Membership,
    Pressed,
    Reworded,
    Said,
    Secondhand,
    Sender,
    Unsupported,
    form_head,
    read,
    read_token,
    words,
)
from conversations.session.events import Corrected, Located, Offered, Typed

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
        elsewhere = said(text="ella", reply_to_message=replied, external_reply={}, quote={"text": NAME, "position": 0})
        assert NAME in elsewhere


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


# ------------------------------------------------------------------ what each update is
@pytest.mark.parametrize(
    "content",
    [
        {"photo": [{"file_id": "s"}]},
        {"photo": 7},
        {"location": {"latitude": 18.4}},
        {"venue": {"location": {"latitude": 18.4, "longitude": -69.9}}},
        {"document": {"file_id": "d"}},
        {"document": {"file_id": "d", "file_unique_id": "e"}, "date": 1e300},
        {"document": {"file_id": "d", "file_unique_id": "e"}, "date": 2**62},
        {"hologram": {"caption": NAME}},
    ],
    ids=lambda content: orjson.dumps(content).decode(),
)
def test_a_message_that_the_library_cannot_read_answers_nothing(content: dict[str, Any]) -> None:
    """It is acknowledged, so it stops nobody; its words reach the guard."""
    what = read({"update_id": 1, "message": MESSAGE | content | {"novelty": [NAME]}}).what
    assert isinstance(what, Unsupported)
    assert NAME in words(what)


def test_what_stands_beside_a_file_cannot_spoil_it() -> None:
    """A part that the library refuses, in a version of the API that it does not know."""
    beside = {"external_reply": {"x": 1}, "reply_markup": 7, "effect_id": [], "sticker": {}}
    assert MESSAGES["document"][1] == read({"update_id": 1, "message": MESSAGE | {"document": SHEET} | beside}).what


ANA = Sender(7, "Ana", "ht")
FROM = {"id": 7, "is_bot": False, "first_name": "Ana", "language_code": "ht"}
GROUP = {"id": -9, "type": "group"}
SHORT = {"width": 90, "height": 60, "file_id": "s", "file_unique_id": "t"}
LARGE = {"width": 60, "height": 900, "file_id": "l", "file_unique_id": "u", "file_size": 8}
WIDE = {"width": 900, "height": 40, "file_id": "w", "file_unique_id": "v"}
PLACE = {"latitude": 18.4, "longitude": -69.9}
SHEET = {"file_id": "d", "file_unique_id": "e", "file_name": "a.pdf", "mime_type": "application/pdf", "file_size": 9}
TAP = {"id": "77", "from": FROM, "message": {**MESSAGE, "message_id": 4}, "data": "c:menu"}
ITSELF = {"id": 9, "is_bot": True, "first_name": "Enlace"}
BANNED = {"user": ITSELF, "status": "kicked", "until_date": 0}
JOINED = {
    "chat": MESSAGE["chat"],
    "from": FROM,
    "date": 1538568000,
    "old_chat_member": {"user": ITSELF, "status": "left"},
    "new_chat_member": {"user": ITSELF, "status": "member"},
}

MESSAGES: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({"text": "hola"}, Said(Typed("hola", 5))),
    "command": ({"text": "/Menu@enlace_bot  a b "}, Command("menu", "a b", 5)),
    "a stroke": ({"text": "/"}, Said(Typed("/", 5))),
    "forward": ({"text": "x", "forward_origin": {"type": "hidden_user"}}, Secondhand(5, "x")),
    "place": ({"location": PLACE | {"horizontal_accuracy": 12}}, Said(Located(18.4, -69.9, 12.0, 5))),
    "place on a map": (
        {"venue": {"location": PLACE, "title": "Tú", "address": "Vía"}},
        Said(Located(18.4, -69.9, None, 5), "Tú\nVía"),
    ),
    "photo": (
        {"photo": [SHORT, LARGE, WIDE], "caption": "c", "media_group_id": "m"},
        Said(Offered("photo", "l", "u", "photo.jpg", "image/jpeg", 8, "m", 5, "c")),
    ),
    "document": ({"document": SHEET}, Said(Offered("document", "d", "e", "a.pdf", "application/pdf", 9, "", 5, ""))),
    "voice without a name": (
        {"voice": {"file_id": "d", "file_unique_id": "e", "duration": 3}},
        Said(Offered("voice", "d", "e", "voice", "", None, "", 5, "")),
    ),
    "contact": (
        {"contact": {"phone_number": "809", "first_name": "X", "last_name": "Y"}},
        Unsupported(5, True, "809\nX\nY\nX Y"),
    ),
    "sticker": ({"sticker": {"file_id": "d"}}, Unsupported(5, False, "")),
    "service": ({"new_chat_title": "N"}, Reworded(5, "N")),
    "in a group": ({"chat": GROUP, "text": "x"}, Elsewhere(may_leave=True)),
    "in a chat of another kind": ({"chat": GROUP | {"type": "x"}, "text": "x"}, Elsewhere(may_leave=False)),
    "from another's chat": ({"from": FROM | {"id": 8}, "text": "x"}, Ignored("message")),
}  # fmt: skip
EDITED: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({"text": "hola"}, Edited(Corrected("hola", 5))),
    "text with a link": (
        {"text": "vea", "entities": [{"type": "text_link", "offset": 0, "length": 3, "url": "https://x.y/Ana"}]},
        Edited(Corrected("vea", 5), "https://x.y/Ana"),
    ),
    "caption": ({"caption": "hola", "photo": [SHORT]}, Reworded(5, "hola")),
    "in a group": ({"chat": GROUP, "text": "x"}, Ignored("edited_message")),
    "from another's chat": ({"from": FROM | {"id": 8}, "text": "x"}, Ignored("edited_message")),
}
TAPS: dict[str, tuple[dict[str, Any], Any]] = {
    "button": ({}, Pressed("77", "c:menu", 4)),
    "button of a message that is gone": ({"message": None}, Pressed("77", "c:menu", None)),
    "longest": ({"data": "x" * TOKEN_LIMIT}, Pressed("77", "x" * TOKEN_LIMIT, 4)),
    "too long": ({"data": "é" * TOKEN_LIMIT}, Ignored("callback_query")),
    "game": ({"data": None}, Ignored("callback_query")),
    "another's": ({"from": FROM | {"id": 8}}, Ignored("callback_query")),
    "in a group": ({"message": {**MESSAGE, "chat": GROUP}}, Elsewhere(may_leave=False)),
}
MEMBERS: dict[str, tuple[dict[str, Any], Any]] = {
    "back": ({}, Membership(is_blocked=False)),
    "blocked": ({"new_chat_member": BANNED}, Membership(is_blocked=True)),
    "invited": ({"chat": GROUP}, Elsewhere(may_leave=True)),
    "thrown out": ({"chat": GROUP, "new_chat_member": {"user": ITSELF, "status": "left"}}, Elsewhere(may_leave=False)),
    "another's": ({"from": FROM | {"id": 8}}, Ignored("my_chat_member")),
}
UPDATES = {
    "message": (MESSAGE | {"from": FROM}, MESSAGES),
    "edited_message": (MESSAGE | {"from": FROM}, EDITED),
    "callback_query": (TAP, TAPS),
    "my_chat_member": (JOINED, MEMBERS),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, (_, cases) in UPDATES.items() for name in cases], ids=str
)
def test_each_update_is_read_as_what_it_is(kind: str, name: str) -> None:
    """With who sent it, in which chat, under which number."""
    usual, cases = UPDATES[kind]
    changes, what = cases[name]
    holder: dict[str, Any] = usual | changes
    chat = holder.get("chat") or (holder.get("message") or MESSAGE)["chat"]
    sender = ANA._replace(telegram_id=holder["from"]["id"])
    assert read({"update_id": 3, kind: holder}) == Incoming(3, chat["id"], sender, what)


def test_an_update_of_nobody_or_of_no_known_kind_is_acknowledged() -> None:
    """A channel speaks for nobody; what is lacking is set aside."""
    assert read({"update_id": 3, "channel_post": {"chat": {"id": -9}}}) == Incoming(3, -9, None, Elsewhere(True))
    assert read({"update_id": 3, "poll": {}}) == Incoming(3, 0, None, Ignored("poll"))
    bot = MESSAGE | {"from": FROM | {"is_bot": True}, "text": "x"}
    assert read({"update_id": 3, "message": bot}).sender is None
    for lacking in (
        {"message": {"text": "x"}},
        {"callback_query": TAP | {"from": None}},
        {"message": MESSAGE | {"message_id": "5"}},
    ):
        with pytest.raises(Malformed):
            read({"update_id": 3, **lacking})


def test_what_is_quoted_is_known_by_its_number() -> None:
    """A quote stays in the chat when its message goes; an answer without one shows nothing of it."""
    replied = {"reply_to_message": {"message_id": 4}}
    assert [
        read({"update_id": 3, "message": MESSAGE | {"text": "x"} | more}).quoted
        for more in (replied | {"quote": {"text": "y"}}, replied, {"quote": {"text": "y"}})
    ] == [4, None, None]


@pytest.mark.parametrize(
    ("data", "tap"),
    [
        (form_head(0xABC, 0x1F) + "pick:a:b", FormTap(0xABC, 0x1F, "pick", "a:b")),
        (f"f:{'f' * 15}:{'f' * 8}:x:", FormTap(0xFFFFFFFFFFFFFFF, 0xFFFFFFFF, "x", "")),
        (f"f:{'0' * 16}:1:x:", None),
        (f"f:1:{'0' * 9}:x:", None),
        ("f:1:2:x", None),
        ("f:g:2:x:", None),
        ("c:menu", CommandTap("menu", "")),
        ("c:plan:a:b", CommandTap("plan", "a:b")),
        ("x:1", None),
    ],
)
def test_a_button_says_what_its_data_say(data: str, tap: object) -> None:
    """Numbers too long for a row of ours are nobody's; an argument may have colons."""
    assert read_token(data) == tap


# ------------------------------------------------------------------ as the library reads them
IDS = st.integers(1, 2**52)
USERS = st.fixed_dictionaries(
    {"id": IDS, "is_bot": st.just(False), "first_name": st.text(max_size=70)},
    optional={
        "language_code": st.sampled_from(["es", "ht", "pt-br", ""]),
        "last_name": st.text(),
        "is_premium": st.just(True),
    },
)
TEXTS = st.text(min_size=1, max_size=TEXT_LIMIT) | st.from_regex(
    r"/[a-zA-Z_]{1,9}(@\w{1,9})?( .{0,9})?", fullmatch=True
)


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    """A text, an edited text or a tap, as Telegram sends them."""
    sender, number, chat_kind = draw(USERS), draw(IDS), draw(st.sampled_from(["private", "group"]))
    chat = {"id": sender["id"] if chat_kind == "private" else -number, "type": chat_kind}
    message: dict[str, Any] = {"message_id": number, "date": draw(st.integers(0, 2**31)), "chat": chat}
    if draw(st.booleans()):
        quoted = {"message_id": number + 1, "date": 1, "chat": chat, "from": ITSELF, "text": "x"}
        message |= {"reply_to_message": quoted, "quote": {"text": "x", "position": 0}}
    kind = draw(st.sampled_from(["message", "edited_message", "callback_query"]))
    if kind == "callback_query":
        tapped = {"id": str(number), "from": sender, "chat_instance": "1", "data": draw(st.text(max_size=80))}
        holder = tapped | draw(st.sampled_from([{}, {"message": message | {"from": ITSELF, "text": "x"}}]))
    else:
        holder = message | {"from": sender, "text": draw(TEXTS)}
    return {"update_id": draw(IDS), kind: holder}


@given(updates())
@example({"update_id": 1, "message": MESSAGE | {"from": FROM | {"first_name": ""}, "text": "/"}})
def test_texts_and_taps_are_read_as_the_library_reads_them(raw: dict[str, Any]) -> None:
    """They are read from the JSON, for their number; an `Update` says the same."""
    incoming, update = read(raw), Update.de_json(raw)
    query, message, user = update.callback_query, update.message or update.edited_message, update.effective_user
    assert user is not None
    chat = update.effective_chat or Chat(user.id, Chat.PRIVATE)
    assert incoming[:3] == (update.update_id, chat.id, Sender(user.id, user.first_name[:64], user.language_code or ""))
    if message is not None:
        replied = message.reply_to_message if message.quote else None
        assert incoming.quoted == (replied and replied.message_id)
    match incoming.what:
        case Command(name, argument, origin):
            assert message is not None
            assert message.text is not None
            said = message.text.split(" ", 1)
            assert (name, argument, origin) == (
                said[0][1:].split("@")[0].lower(),
                "".join(said[1:]).strip(),
                message.message_id,
            )
        case Said(Typed(text, origin)) | Edited(Corrected(text, origin)):
            assert message is not None
            assert (text, origin) == (message.text, message.message_id)
            assert isinstance(incoming.what, Edited) == (update.edited_message is not None)
        case Pressed(id, data, number):
            assert query is not None
            assert (id, data, number) == (query.id, query.data, query.message and query.message.message_id)
        case Elsewhere():
            assert chat.type == Chat.GROUP
        case Ignored("callback_query"):
            assert query is not None
            assert len((query.data or "").encode()) > TOKEN_LIMIT
        case what:
            assert what == Ignored("edited_message")
            assert chat.type == Chat.GROUP
