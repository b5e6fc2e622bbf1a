"""Whatever people type becomes a message Telegram accepts, and nothing typed becomes markup (S7)."""

import random

import pytest

from bot.sandbox.client import BotByHand
from bot.sandbox.server import running_sandbox
from bot.sandbox.telegram import Person
from bot.telegram import render
from bot.telegram.updates import TOKEN_LIMIT, command_token, form_token
from conversations.cards import Button, Card, bold, italic, line

PIECES = [
    "a", " ", "\n", "<b>", "</b>", "&amp;", "*x*", "_y_", "`z`", "[t](http://e.vil)", "@usuario", "\u202e", "\u200b",
    "\u2066", "\x00", "\x1b", "\ud83d", "😀", "👩‍👩‍👧", "é", "e\u0301", "שלום", "مرحبا", "ñ", "\u2028", "\t", "%",
    "{0}", "\ufeff",
    "<script>", "tg://user?id=1", "#tag", "/cmd", "𝟙", "🇩🇴",
]  # fmt: skip


def token(tap: str) -> str:
    return command_token("menu", tap[:20])


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_ten_thousand_random_texts_are_accepted_as_they_are() -> None:
    """Each is sent to an emulated Telegram with its own checks: none refused, no entity but the ones asked for."""
    dice = random.Random(71)
    with running_sandbox() as sandbox:
        sandbox.world.add_person(Person(501, "Ana"), started=True)
        bot = BotByHand(sandbox.url, sandbox.token)
        for number in range(10_000):
            texts = ["".join(dice.choices(PIECES, k=dice.randrange(1, 12))) for _ in range(3)]
            card = Card(
                (line(texts[0]), line("x: ", bold(texts[1])), line(italic(texts[2]))), ((Button(texts[0], "x"),),)
            )
            payload = render.message(card, token)
            text, entities = payload["text"], payload.get("entities", [])
            assert text == text.strip()
            assert units(text) <= render.TEXT_LIMIT
            assert {entity["type"] for entity in entities} <= {"bold", "italic"}
            encoded = text.encode("utf-16-le")
            for entity in entities:
                start = entity["offset"] * 2
                shown = encoded[start : start + entity["length"] * 2].decode("utf-16-le")
                assert shown.strip()
                assert shown in (render.cleaned(texts[1]).strip(), render.cleaned(texts[2]).strip())
            if number % 20 == 0:
                sent = bot.do("sendMessage", chat_id=501, **payload)
                assert sent["text"] == text


def test_bidi_and_control_characters_do_not_reach_a_reader() -> None:
    """They can reorder or hide what is read."""
    assert render.cleaned("a\u202eb\u2066c\u200fd\x00e\ufeff") == "abcde"
    assert render.cleaned("ni\u00f1o 😀 \ud83d") == "niño 😀 "


def test_offsets_count_utf16_units() -> None:
    """An emoji is two."""
    payload = render.message(Card((line("😀 ", bold("sí")),)), token)
    assert payload["entities"] == [{"type": "bold", "offset": 3, "length": 2}]


def test_a_text_over_the_limit_is_cut_at_a_lines_end_and_keeps_its_buttons() -> None:
    """4096 UTF-16 units; the buttons are what matters."""
    card = Card(tuple(line("😀" * 50) for _ in range(100)), ((Button("Enviar", "form:send"),),))
    payload = render.message(card, token)
    assert units(payload["text"]) <= render.TEXT_LIMIT
    assert payload["text"].endswith("…")
    assert payload["reply_markup"]["inline_keyboard"][0][0]["text"] == "Enviar"


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\n\n"])
def test_a_blank_text_is_still_a_message(text: str) -> None:
    """Telegram refuses an empty one."""
    assert render.message(Card((line(text),)), token)["text"]


def test_split_loses_nothing() -> None:
    """Pieces of at most the limit, broken at line ends where there are any."""
    dice = random.Random(5)
    for _ in range(200):
        text = "\n".join("😀ab "[dice.randrange(3) :] * dice.randrange(1, 90) for _ in range(dice.randrange(1, 60)))
        pieces = render.split(text, 500)
        assert all(units(piece) <= 500 for piece in pieces)
        assert "".join(pieces).replace("\n", "") == render.cleaned(text).replace("\n", "")


def test_tokens_fit_their_limit() -> None:
    """64 bytes of callback_data, for the largest numbers there are."""
    assert len(form_token(2**48, 2**24, "confirm", "2018-10-03").encode()) <= TOKEN_LIMIT
    assert len(command_token("privacidad", "accept").encode()) <= TOKEN_LIMIT
