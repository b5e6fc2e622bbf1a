"""Whatever people type becomes a message Telegram accepts, and nothing typed becomes markup (S7).

What is made here is sent to the emulated Bot API's own checks, in process: the schema reads every parameter and the
method cleans, trims and counts as Telegram does.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from bot.sandbox import schema
from bot.sandbox.methods import perform
from bot.sandbox.methods.call import Call
from bot.sandbox.telegram import Person, World
from bot.telegram import render
from bot.telegram.updates import TOKEN_LIMIT, form_head
from conversations.card import Button, Card, Line, Span, Style, bold, italic, line, plain
from tests.taps import command_token, form_token

PIECES = [
    "a", " ", "\n", "<b>", "</b>", "&amp;", "*x*", "_y_", "`z`", "[t](http://e.vil)", "@usuario", "\u202e", "\u200b",
    "\u2066", "\x00", "\x1b", "\ud83d", "\udc00", "😀", "👩‍👩‍👧", "é", "e\u0301", "a\u030a", "=\u0333", "o\u033f",
    "שלום", "مرحبا", "ñ", "\u2028", "\u2029", "\t", "\r\n", "\x0b", "\x85", "\xa0", "\u3000", "%", "{0}", "\ufeff",
    "<script>", "<a href='tg://user?id=1'>", "tg://user?id=1", "#tag", "/cmd", "𝟙", "🇩🇴", "\\", "]", "e.vil", "a@b.do",
    "z" * 300, "😀" * 300, "\u0489" * 40, "||s||", "```\n", "\u00ad", "\u200d", "\u200c", "\U000e0041",
]  # fmt: skip
STYLES: tuple[Style | None, ...] = (None, None, "bold", "italic", "code")
FOUND = {"url", "email", "mention", "hashtag", "cashtag", "bot_command", "phone_number"}
"""What Telegram marks by itself in everything that anybody writes: what is shown is where it leads."""


HEAD = form_head(1, 1)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def part(text: str, entity: dict[str, Any]) -> str:
    """What an entity covers, counted as Telegram counts."""
    start = entity["offset"] * 2
    return text.encode("utf-16-le")[start : start + entity["length"] * 2].decode("utf-16-le")


class Wire:
    """One bot and one chat of an emulated Telegram."""

    def __init__(self) -> None:
        self.world = World()
        self.world.add_person(Person(501, "Ana"), started=True)

    def send(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The message as the phone has it. Refusal if Telegram would not take it."""
        given = json.loads(json.dumps({"chat_id": 501, **payload}))
        params, unknown = schema.read("sendMessage", given, {})
        assert unknown == []
        sent: dict[str, Any] = perform(Call(self.world, self.world.bot, "sendMessage", params, {}))
        return sent


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


def random_text(dice: random.Random) -> str:
    """Pieces that hurt, or any code points there are; now and then far too long."""
    match dice.randrange(10):
        case 0:
            return "".join(chr(dice.randrange(0x110000)) for _ in range(dice.randrange(1, 40)))
        case 1:
            return "".join(chr(dice.randrange(0x3000)) for _ in range(dice.randrange(1, 80)))
        case _:
            longest = 400 if dice.random() < 0.004 else 9
            return "".join(dice.choices(PIECES, k=dice.randrange(1, longest)))


def random_part(dice: random.Random) -> str | Span:
    text, style = random_text(dice), dice.choice(STYLES)
    return text if style is None else Span(text, style)


def random_cards(count: int, seed: int) -> Iterator[Card]:
    dice = random.Random(seed)
    for _ in range(count):
        lines: list[Line] = [
            tuple(random_part(dice) for _ in range(dice.randrange(1, 4))) for _ in range(dice.randrange(1, 4))
        ]
        yield Card(tuple(lines), ((Button(random_text(dice)[:64], "form:send", dice.choice(("", "danger"))),),))


def test_two_thousand_random_texts_reach_the_phone_as_they_are(wire: Wire) -> None:
    """None refused; what is shown is what was typed, cleaned; every entity is one we asked for or Telegram found."""
    sent = styled = cut = 0
    for card in random_cards(2_000, 71):
        payload = render.message(card, HEAD)
        whole = render.cleaned(plain(card))
        is_cut = units(whole.strip()) > render.TEXT_LIMIT - 2
        cut += is_cut

        shown = wire.send(payload)

        sent += 1
        assert shown["text"] == payload["text"]
        assert units(shown["text"]) <= render.TEXT_LIMIT
        if is_cut:
            assert whole.strip().startswith(shown["text"].removesuffix("…").rstrip()[:4000])
        else:
            assert shown["text"] == (whole.strip() or "·")
        wanted = [
            (part.style, render.cleaned(part.text).strip())
            for parts in card.lines
            for part in parts
            if isinstance(part, Span) and render.cleaned(part.text).strip()
        ]
        ours = [(e["type"], part(shown["text"], e)) for e in payload.get("entities", ())]
        styled += len(ours)
        assert ours == wanted or (is_cut and ours[:-1] == wanted[: max(0, len(ours) - 1)])
        for entity in shown.get("entities", ()):
            assert entity["type"] in {"bold", "italic", "code"} | FOUND
            assert not entity.keys() - {"type", "offset", "length"}
        kept = [(e["type"], part(shown["text"], e)) for e in shown.get("entities", ()) if e["type"] not in FOUND]
        assert {text for kind, text in kept if kind == "code"} <= {text for kind, text in ours if kind == "code"}
        styles = ("".join(text for k, text in kept if k == kind).split() for kind in ("bold", "italic", "code"))
        asked = ("".join(text for k, text in ours if k == kind).split() for kind in ("bold", "italic", "code"))
        assert [" ".join(words) for words in styles] == [" ".join(words) for words in asked]
    assert sent == 2_000
    assert styled > 1_000
    assert cut > 4


def test_nothing_that_hides_or_turns_text_reaches_a_reader() -> None:
    """Bidi marks, zero-width spaces, controls and halves of characters go; joiners stay, or families fall apart."""
    assert render.cleaned("a\u202eb\u2066c\u200fd\x00e\ufeff\u200bf") == "abcdef"
    assert render.cleaned("niño 😀 \ud83d") == "niño 😀 "
    assert render.cleaned("👩‍👩‍👧 می‌خواهم שלום") == "👩‍👩‍👧 می‌خواهم שלום"
    assert render.cleaned("a\tb\r\nc") == "a b\nc"
    marks = (0x7F, 0x333, 0x33F, 0x61C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
    for hidden in map(chr, (*range(9), *range(11, 32), *marks)):
        assert render.cleaned(f"a{hidden}ñ") == "añ", hex(ord(hidden))


@pytest.mark.parametrize(
    ("lines", "text", "entities"),
    [
        ((line(bold("sí")),), "sí", [("bold", 0, 2)]),
        ((line("😀 ", bold("sí")),), "😀 sí", [("bold", 3, 2)]),
        ((line(bold("😀")),), "😀", [("bold", 0, 2)]),
        ((line("👩‍👩‍👧 ", italic("𝟙2")),), "👩‍👩‍👧 𝟙2", [("italic", 9, 3)]),
        ((line("e\u0301 ", bold("ñ")),), "e\u0301 ñ", [("bold", 3, 1)]),
        ((line("🇩🇴"), line(bold("a"), " ", italic("b"))), "🇩🇴\na b", [("bold", 5, 1), ("italic", 7, 1)]),
        ((line("  "), line(""), line(bold(" a "))), "a", [("bold", 0, 1)]),
        ((line(" "), line("😀 ", bold("ñ😀"), " ", italic("x"))), "😀 ñ😀 x", [("bold", 3, 3), ("italic", 7, 1)]),
        ((line(bold(" \u202e "), "x"),), "x", []),
        ((line(bold("a\u200b\u202eb"), "c"),), "abc", [("bold", 0, 2)]),
        ((line("<b>x</b> ", bold("&lt;")),), "<b>x</b> &lt;", [("bold", 9, 4)]),
    ],
)
def test_offsets_count_utf16_units_of_what_remains(
    wire: Wire, lines: tuple[Line, ...], text: str, entities: list[tuple[str, int, int]]
) -> None:
    """An emoji is two; what is cleaned or trimmed away is not counted."""
    payload = render.message(Card(lines), HEAD)
    assert payload["text"] == text
    assert [(e["type"], e["offset"], e["length"]) for e in payload.get("entities", [])] == entities

    shown = wire.send(payload)
    assert (shown["text"], shown.get("entities", [])) == (text, payload.get("entities", []))


def test_a_text_over_the_limit_is_cut_at_a_lines_end_and_keeps_its_buttons(wire: Wire) -> None:
    """4096 UTF-16 units; the buttons are what matters."""
    card = Card(tuple(line("😀" * 50) for _ in range(100)), ((Button("Enviar", "form:send"),),))
    payload = render.message(card, HEAD)

    assert 3900 < units(payload["text"]) <= render.TEXT_LIMIT
    assert payload["text"].endswith("…")
    assert wire.send(payload)["reply_markup"]["inline_keyboard"][0][0]["text"] == "Enviar"


@pytest.mark.parametrize("letter", ["a", "😀"])
def test_one_line_over_the_limit_is_cut_within_it(wire: Wire, letter: str) -> None:
    """What fits is shown, never half a character; what was marked is still marked."""
    payload = render.message(Card((line("Antes"), line("x", bold(letter * 5000)), line("después"))), HEAD)
    shown = wire.send(payload)
    assert 4090 <= units(shown["text"]) <= render.TEXT_LIMIT
    assert shown["text"].startswith(f"Antes\nx{letter}{letter}")
    assert shown["text"].endswith(f"{letter}…")

    [entity] = shown["entities"]
    assert set(part(shown["text"], entity)) == {letter}


@pytest.mark.parametrize("length", [4093, 4094, 4095, 4096, 4097])
def test_the_limit_is_met_to_the_unit(wire: Wire, length: int) -> None:
    """A text that just fits is shown whole."""
    payload = render.message(Card((line("a" * length),)), HEAD)
    shown = wire.send(payload)["text"]
    assert units(shown) <= render.TEXT_LIMIT
    assert (shown == "a" * length) == (length <= render.TEXT_LIMIT)


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\n\n", "\ud83d", "\u202e\u202c"])
def test_a_blank_text_is_still_a_message(wire: Wire, text: str) -> None:
    """Telegram refuses an empty one; and a button without text."""
    payload = render.message(Card((line(text),), ((Button(text, "x"),),)), HEAD)
    assert wire.send(payload)["text"] == "·"
    assert wire.send(render.plain_message(text))["text"] == "·"


def test_split_loses_nothing() -> None:
    """Pieces of at most the limit, never half a character, broken at line ends where there are any."""
    dice = random.Random(5)
    for _ in range(300):
        text = "\n".join("😀ab "[dice.randrange(3) :] * dice.randrange(1, 90) for _ in range(dice.randrange(1, 60)))
        pieces = render.split(text, 500)
        assert all(0 < units(piece) <= 500 for piece in pieces)
        assert "".join(pieces).replace("\n", "") == render.cleaned(text).replace("\n", "")
    for card in random_cards(500, 6):
        text = plain(card)
        pieces = render.split(text * 3)
        assert all(units(piece) <= render.TEXT_LIMIT for piece in pieces)
        assert "".join(pieces).replace("\n", "") == render.cleaned(text * 3).replace("\n", "")


def test_a_text_that_is_too_long_ends_with_its_last_line_or_word() -> None:
    """With the line, if no more than half of the text is lost by it."""
    for first, kept in ((60, "a" * 60 + "…"), (40, "a" * 40 + "\nbb bb bb")):
        text, _ = render.written([line("a" * first), line("bb " * 100)], 100)
        assert text.startswith(kept)
        assert units(text) <= 100
    assert text.endswith("bb…")


def test_every_piece_of_a_split_text_is_a_message(wire: Wire) -> None:
    """Exactly at the limit, too."""
    for text in ("😀" * 5000, "a" * 4096, "a\n" * 5000, "x" * 4095 + "😀", "a" * 4000 + "\n" + "X" * 200):
        pieces = render.split(text)
        assert "".join(wire.send(render.plain_message(piece))["text"] for piece in pieces).replace("\n", "") == (
            text.replace("\n", "")
        )


def test_the_button_that_matters_most_is_seen_to_be_it(wire: Wire) -> None:
    """By the style that Telegram draws; a button without one is drawn as ever."""
    rows = ((Button("Enviar", "form:send", "primary"),), (Button("Volver", "form:back"),))
    [[first], [second]] = render.keyboard(rows, "f:1:1:")["inline_keyboard"]
    assert (first.get("style"), second.get("style")) == ("primary", None)


def test_a_place_is_asked_for_with_a_keyboard_of_words(wire: Wire) -> None:
    """Only a reply keyboard can share a location."""
    payload = render.message(Card((line("¿Dónde?"),), asks_place="📍 Enviar", words=("Atrás", "Salir")), HEAD)
    wire.send(payload)
    assert payload["reply_markup"]["keyboard"] == [
        [{"text": "📍 Enviar", "request_location": True}],
        [{"text": "Atrás"}, {"text": "Salir"}],
    ]


def test_tokens_fit_their_limit() -> None:
    """64 bytes of callback_data, for the largest numbers there are."""
    assert len(form_token(2**48, 2**24, "confirm", "2018-10-03").encode()) <= TOKEN_LIMIT
    assert len(command_token("privacidad", "accept").encode()) <= TOKEN_LIMIT
