"""Sending as Telegram answers it: texts, buttons, files, albums; and what it would refuse."""

import urllib.error
import urllib.request
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.schema import Upload, conform
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.methods.calling import ANA, STRANGER, buttons, multipart, picture


# -------------------------------------------------------------------- sending
def test_a_message_is_answered_as_telegram_answers(sandbox: Sandbox, bot: BotByHand) -> None:
    """From the bot, in the chat, dated by the sandbox clock, with entities and inline keyboard; numbers count up."""
    sent = bot.do("sendMessage", chat_id=ANA, text="<b>Hola</b>", parse_mode="HTML", reply_markup=buttons("a"))
    now = int(sandbox.world.now())
    assert sent.pop("date") in (now, now - 1)
    assert sent == {
        "message_id": 1,
        "from": {"id": 7000000001, "is_bot": True, "first_name": "Enlace", "username": "enlace_demo_bot"},
        "chat": {"id": ANA, "type": "private", "first_name": "Ana"},
        "text": "Hola",
        "entities": [{"type": "bold", "offset": 0, "length": 4}],
        "reply_markup": buttons("a"),
    }
    assert bot.do("sendMessage", chat_id=ANA, text="x")["message_id"] == 2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"chat_id": 42}, "Bad Request: chat not found"),
        ({"chat_id": "@nobody"}, "Bad Request: chat not found"),
        ({"chat_id": STRANGER}, "Forbidden: bot can't initiate conversation with a user"),
        ({"text": ""}, "Bad Request: message text is empty"),
        ({"text": " \n"}, "Bad Request: text must be non-empty"),
        ({"text": "a" * 4097}, "Bad Request: message is too long"),
        ({"parse_mode": "html", "text": "<b>"},
         "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ({"reply_parameters": {"message_id": 99}}, "Bad Request: message to be replied not found"),
        ({"reply_markup": buttons("x" * 65)}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"reply_markup": buttons("ñ" * 33)}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"reply_markup": buttons("")}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "x"}]]}},
         "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"reply_markup": buttons(*map(str, range(101)))}, "Bad Request: reply markup is too long"),
        ({"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x", "style": "loud"}]]}},
         "Bad Request: invalid button style specified"),
        ({"reply_markup": {"keyboard": [[]]}}, "Bad Request: reply keyboard must be non-empty"),
    ],
)  # fmt: skip
def test_what_telegram_would_refuse_is_refused(bot: BotByHand, params: dict[str, Any], words: str) -> None:
    """In its words, with no effect."""
    assert bot.refusal("sendMessage", **{"chat_id": ANA, "text": "x", **params}) == words


def test_a_refused_call_changes_nothing(sandbox: Sandbox, bot: BotByHand) -> None:
    """No message, no number used, nothing on the phone."""
    bot.refusal("sendMessage", chat_id=ANA, text="x", reply_markup=buttons(""))
    bot.refusal(
        "sendMediaGroup", chat_id=ANA, media=[{"type": "photo", "media": "no"}, {"type": "photo", "media": "no"}]
    )
    assert sandbox.world.chat(ANA).messages == {}
    assert sandbox.world.ledger.entries == []
    assert bot.do("sendMessage", chat_id=ANA, text="x")["message_id"] == 1


def test_buttons_may_be_styled(bot: BotByHand) -> None:
    """danger, success, primary; 64 bytes of data are allowed."""
    keyboard = {"inline_keyboard": [[{"text": "Enviar", "style": "success", "callback_data": "é" * 32}]]}
    assert bot.do("sendMessage", chat_id=ANA, text="x", reply_markup=keyboard)["reply_markup"] == keyboard


def test_how_a_message_is_sent_is_kept_with_it(sandbox: Sandbox, bot: BotByHand) -> None:
    """Protected, silent, as a reply, with an effect and a preview."""
    first = bot.do("sendMessage", chat_id=ANA, text="1")
    sent = bot.do(
        "sendMessage",
        chat_id=ANA,
        text="https://gob.do",
        protect_content=True,
        disable_notification=True,
        message_effect_id="5",
        link_preview_options={"is_disabled": True},
        reply_parameters={"message_id": first["message_id"]},
    )
    assert sent["has_protected_content"] is True
    assert sent["effect_id"] == "5"
    assert sent["link_preview_options"] == {"is_disabled": True}
    assert sent["reply_to_message"]["text"] == "1"
    assert sandbox.world.ledger.entries[-1].details["silent"] is True


def test_a_keyboard_below_the_text_stays_until_it_is_removed(sandbox: Sandbox, bot: BotByHand) -> None:
    """It belongs to the chat, not to the message, which does not repeat it."""
    keyboard = {"keyboard": [[{"text": "📍", "request_location": True}]], "one_time_keyboard": True}
    sent = bot.do("sendMessage", chat_id=ANA, text="¿Dónde?", reply_markup=keyboard)
    assert "reply_markup" not in sent
    assert sandbox.world.chat(ANA).reply_keyboard == keyboard
    bot.do("sendMessage", chat_id=ANA, text="x", reply_markup={"remove_keyboard": True})
    assert sandbox.world.chat(ANA).reply_keyboard is None


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("sendLocation", {"latitude": 18.5, "longitude": -69.9, "horizontal_accuracy": 12.5}, "location"),
        ("sendVenue", {"latitude": 18.5, "longitude": -69.9, "title": "IJM", "address": "x"}, "venue"),
        ("sendContact", {"phone_number": "1809", "first_name": "Ana"}, "contact"),
        ("sendPoll", {"question": "¿?", "options": [{"text": "sí"}, {"text": "no"}]}, "poll"),
    ],
)
def test_every_kind_of_message_conforms_to_the_document(
    bot: BotByHand, method: str, params: dict[str, Any], field: str
) -> None:
    """The answer is a Message as Bot API 10.1 describes it."""
    sent = bot.do(method, chat_id=ANA, **params)
    assert field in sent
    conform("Message", sent)


@pytest.mark.parametrize(
    "method", ["sendPhoto", "sendDocument", "sendVideo", "sendAudio", "sendVoice", "sendAnimation", "sendVideoNote"]
)
def test_every_kind_of_file_is_kept_described_and_sendable_again(sandbox: Sandbox, bot: BotByHand, method: str) -> None:
    """By its file_id, without uploading; and as nothing else than it is."""
    kind = {"sendVideoNote": "video_note"}.get(method, method.removeprefix("send").lower())
    name = "informe año.xlsx" if kind == "document" else f"a.{kind}"
    answer = multipart(
        sandbox, method, {"chat_id": str(ANA), "caption": "<b>x</b>", "parse_mode": "HTML"}, **{kind: (name, picture())}
    )
    assert answer["ok"], answer
    sent = answer["result"]
    conform("Message", sent)
    file_id = (sent[kind][-1] if kind == "photo" else sent[kind])["file_id"]
    assert conform("Message", bot.do(method, chat_id=ANA, **{kind: file_id}))
    if kind == "document":
        assert sent[kind]["file_name"] == name
        assert sent[kind]["mime_type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        assert sent["caption_entities"] == [{"type": "bold", "offset": 0, "length": 1}]
        assert "can't use file of type Document as Photo" in bot.refusal("sendPhoto", chat_id=ANA, photo=file_id)


@pytest.mark.parametrize(
    ("method", "field", "data", "words"),
    [
        ("sendDocument", "document", b"", "Bad Request: file must be non-empty"),
        ("sendPhoto", "photo", b"%PDF-1.4", "Bad Request: IMAGE_PROCESS_FAILED"),
        ("sendPhoto", "photo", picture(9000, 2000), "Bad Request: PHOTO_INVALID_DIMENSIONS"),
    ],
)
def test_files_telegram_would_refuse_are_refused(
    sandbox: Sandbox, method: str, field: str, data: bytes, words: str
) -> None:
    """Empty ones, photos that are none, photos of impossible size."""
    assert multipart(sandbox, method, {"chat_id": ANA}, **{field: ("x", data)})["description"] == words


def test_over_50_mb_nothing_is_taken(sandbox: Sandbox) -> None:
    """413, as Telegram's gateway says it."""
    answer = multipart(sandbox, "sendDocument", {"chat_id": ANA}, document=("x", bytes(50 * 1024 * 1024 + 1)))
    assert (answer["error_code"], answer["description"]) == (413, "Request Entity Too Large")


def test_a_url_or_a_strange_file_id_is_refused(bot: BotByHand) -> None:
    """The sandbox fetches nothing from anywhere."""
    assert "failed to get HTTP URL content" in bot.refusal("sendPhoto", chat_id=ANA, photo="https://a.do/x.jpg")
    assert bot.refusal("sendPhoto", chat_id=ANA, photo="AgACxx") == (
        "Bad Request: wrong file identifier/HTTP URL specified"
    )


def test_an_album_is_several_messages_of_one_group(sandbox: Sandbox) -> None:
    """`attach://` names the files; documents and photos do not mix."""
    media = [{"type": "photo", "media": "attach://a", "caption": "uno"}, {"type": "photo", "media": "attach://b"}]
    answer = multipart(
        sandbox, "sendMediaGroup", {"chat_id": ANA, "media": media}, a=("a", picture()), b=("b", picture())
    )
    first, second = answer["result"]
    assert first["media_group_id"] == second["media_group_id"]
    assert (first["caption"], "caption" in second) == ("uno", False)
    mixed = [media[0], {"type": "document", "media": "attach://b"}]
    refused = multipart(
        sandbox, "sendMediaGroup", {"chat_id": ANA, "media": mixed}, a=("a", picture()), b=("b", picture())
    )
    assert refused["description"] == "Bad Request: Document can't be mixed with other media types"
    lost = multipart(sandbox, "sendMediaGroup", {"chat_id": ANA, "media": media}, a=("a", picture()))
    assert lost["description"] == "Bad Request: can't parse InputMedia: media not found"


def test_photos_are_jpeg_in_several_sizes_without_metadata(sandbox: Sandbox) -> None:
    """The longest side of each is at most 90, 320, 800, 1280; the original's Exif is gone."""
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    answer = multipart(sandbox, "sendPhoto", {"chat_id": ANA}, photo=("a.jpg", picture(2000, 1000, exif=exif)))
    sizes = answer["result"]["photo"]
    assert [(size["width"], size["height"]) for size in sizes] == [(90, 45), (320, 160), (800, 400), (1280, 640)]
    stored = sandbox.world.files[sizes[-1]["file_id"]].data
    assert b"SECRETCAMERA" not in stored
    assert not Image.open(BytesIO(stored)).getexif()


def test_a_file_can_be_fetched_by_its_path(sandbox: Sandbox, bot: BotByHand) -> None:
    """getFile names the path under /file/bot{token}/; bytes come back as they were."""
    sent = multipart(sandbox, "sendDocument", {"chat_id": ANA}, document=("á.csv", b"1;2\r\n"))["result"]
    file = bot.do("getFile", file_id=sent["document"]["file_id"])
    conform("File", file)
    with urllib.request.urlopen(f"{sandbox.url}/file/bot{sandbox.token}/{file['file_path']}") as answer:
        assert answer.read() == b"1;2\r\n"
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        urllib.request.urlopen(f"{sandbox.url}/file/bot{sandbox.token}/documents/none")
    missing.value.close()


def test_over_20_mb_a_file_cannot_be_fetched(sandbox: Sandbox, bot: BotByHand) -> None:
    """People may send it, the bot cannot get it."""
    (message,) = people.send_files(sandbox.world, ANA, "document", [Upload("big.bin", bytes(20 * 1024 * 1024 + 1))])
    assert bot.refusal("getFile", file_id=message["document"]["file_id"]) == "Bad Request: file is too big"
