"""What the bot calls: effects, answers of the promised types, and refusals in Telegram's words."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.clock import Clock
from bot.sandbox.methods import EMPTY, METHODS
from bot.sandbox.refusals import NOT_MODIFIED, QUERY_TOO_OLD
from bot.sandbox.schema import FACTS, Upload, conform
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from tests.deadlines import PATIENCE

ANA, STRANGER = 501, 777
START = 1_538_553_600


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox(start=START) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The module's sandbox with a chat with Ana that has just begun."""
    world = running.world
    world.reset()
    world.add_person(Person(ANA, "Ana", language_code="es"), started=True)
    world.add_person(Person(STRANGER, "Nadie"))
    return running


@pytest.fixture
def bot(sandbox: Sandbox) -> BotByHand:
    return BotByHand(sandbox.url, sandbox.token)


def multipart(sandbox: Sandbox, method: str, fields: dict[str, Any], **files: tuple[str, bytes]) -> dict[str, Any]:
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + (value if isinstance(value, str) else json.dumps(value)).encode()
        for name, value in fields.items()
    ]
    parts += [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode() + data
        for name, (file, data) in files.items()
    ]
    request = urllib.request.Request(
        f"{sandbox.url}/bot{sandbox.token}/{method}",
        b"\r\n".join(parts) + b"\r\n--edge--\r\n",
        {"Content-Type": "multipart/form-data; boundary=edge"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return dict(json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return dict(json.loads(error.read()))


def picture(width: int = 1000, height: int = 500, **save: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, save.pop("format", "JPEG"), **save)
    return buffer.getvalue()


def buttons(*data: str) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": f"botón {one[:5]}", "callback_data": one}] for one in data]}


# -------------------------------------------------------------------- who may call what
def test_a_foreign_token_is_unauthorized(sandbox: Sandbox) -> None:
    """401 for one that could be a token, 404 for what never was one; the sandbox knows one bot."""
    assert BotByHand(sandbox.url, "7000000001:another").call("getMe") == {
        "ok": False,
        "error_code": 401,
        "description": "Unauthorized",
    }
    assert BotByHand(sandbox.url, "token").call("getMe")["error_code"] == 404


def test_an_unknown_method_is_not_found(bot: BotByHand) -> None:
    """404, as at Telegram."""
    assert bot.call("sendMesage")["description"] == "Not Found: method not found"


def test_what_is_not_emulated_says_so(bot: BotByHand) -> None:
    """Never in words that could be Telegram's."""
    assert bot.refusal("getBusinessConnection", business_connection_id="x").endswith(
        "the sandbox does not emulate getBusinessConnection"
    )


def test_with_any_token_each_is_a_bot_of_its_own() -> None:
    """Two bots share people and files, but neither chats nor updates: the phones talk to the first that came."""
    with running_sandbox(any_token=True) as sandbox:
        sandbox.world.add_person(Person(ANA, "Ana"))
        people.start(sandbox.world, ANA)
        first, second = (BotByHand(sandbox.url, token) for token in ("11:aaa", "22:bbb"))
        assert [bot.do("getMe")["id"] for bot in (first, second)] == [11, 22]
        assert [update["message"]["text"] for update in first.do("getUpdates")] == ["/start"]
        assert second.do("getUpdates") == []
        assert second.refusal("sendMessage", chat_id=ANA, text="x").endswith(
            "bot can't initiate conversation with a user"
        )
        sandbox.world.reset()
        assert BotByHand(sandbox.url, "33:ccc").do("getMe")["id"] == sandbox.world.bot.id == 33


def test_a_request_may_come_as_query_form_or_json(sandbox: Sandbox) -> None:
    """And in a method name of any case."""
    base = f"{sandbox.url}/bot{sandbox.token}/"
    with urllib.request.urlopen(f"{base}sendmessage?chat_id={ANA}&text=a%20b") as answer:
        assert json.load(answer)["result"]["text"] == "a b"
    with urllib.request.urlopen(f"{base}sendMessage", data=f"chat_id={ANA}&text=%C3%B1".encode()) as answer:
        assert json.load(answer)["result"]["text"] == "ñ"
        assert float(answer.headers["X-Sandbox-Clock"]) == pytest.approx(sandbox.world.now(), abs=PATIENCE)


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


# -------------------------------------------------------------------- editing and deleting
def test_an_edit_replaces_text_entities_and_keyboard(sandbox: Sandbox, bot: BotByHand) -> None:
    """A keyboard that is not repeated is gone; edit_date says when."""
    sent = bot.do("sendMessage", chat_id=ANA, text="<b>a</b>", parse_mode="HTML", reply_markup=buttons("a"))
    edited = bot.do("editMessageText", chat_id=ANA, message_id=sent["message_id"], text="b")
    assert edited["text"] == "b"
    assert not {"entities", "reply_markup"} & set(edited)
    assert edited["edit_date"] >= sent["date"]
    assert [seen.what for seen in sandbox.world.ledger.entries] == ["send", "edit"]


def test_an_edit_that_changes_nothing_is_refused(bot: BotByHand) -> None:
    """Same text, entities and keyboard; another keyboard alone is a change."""
    sent = bot.do("sendMessage", chat_id=ANA, text="a", reply_markup=buttons("a"))
    same = {"chat_id": ANA, "message_id": sent["message_id"], "text": "a", "reply_markup": buttons("a")}
    assert bot.refusal("editMessageText", **same) == f"Bad Request: {NOT_MODIFIED}"
    assert bot.do("editMessageText", **{**same, "reply_markup": buttons("b")})
    assert bot.do("editMessageReplyMarkup", chat_id=ANA, message_id=sent["message_id"])
    assert "not modified" in bot.refusal("editMessageReplyMarkup", chat_id=ANA, message_id=sent["message_id"])


def test_an_edit_takes_only_an_inline_keyboard(bot: BotByHand) -> None:
    """Others belong to the chat, not to a message."""
    sent = bot.do("sendMessage", chat_id=ANA, text="x")
    at = {"chat_id": ANA, "message_id": sent["message_id"]}
    assert bot.refusal("editMessageText", **at, text="y", reply_markup={"keyboard": [["a"]]}) == (
        "Bad Request: inline keyboard expected"
    )


def test_only_the_bots_own_messages_can_be_edited(sandbox: Sandbox, bot: BotByHand) -> None:
    """Not a person's, not one sent with a keyboard that is not inline, not one that never was."""
    said = people.say(sandbox.world, ANA, "hola")
    forced = bot.do("sendMessage", chat_id=ANA, text="x", reply_markup={"force_reply": True})
    for message in (said, forced):
        assert bot.refusal("editMessageText", chat_id=ANA, message_id=message["message_id"], text="y") == (
            "Bad Request: message can't be edited"
        )
    assert (
        bot.refusal("editMessageText", chat_id=ANA, message_id=99, text="y") == "Bad Request: message to edit not found"
    )
    assert bot.refusal("editMessageText", chat_id=ANA, text="y") == "Bad Request: message identifier is not specified"


def test_text_and_caption_are_edited_by_their_own_methods(sandbox: Sandbox, bot: BotByHand) -> None:
    """A photo has no text; its caption and itself can be changed."""
    photo = multipart(sandbox, "sendPhoto", {"chat_id": ANA, "caption": "a"}, photo=("a.jpg", picture()))["result"]
    at = {"chat_id": ANA, "message_id": photo["message_id"]}
    assert bot.refusal("editMessageText", **at, text="x") == "Bad Request: there is no text in the message to edit"
    assert bot.do("editMessageCaption", **at, caption="b")["caption"] == "b"
    file_id = photo["photo"][-1]["file_id"]
    changed = bot.do("editMessageMedia", **at, media={"type": "photo", "media": file_id, "caption": "c"})
    assert changed["caption"] == "c"
    text = bot.do("sendMessage", chat_id=ANA, text="x")
    assert "no caption" in bot.refusal("editMessageCaption", chat_id=ANA, message_id=text["message_id"], caption="c")


def test_a_message_can_be_deleted_for_48_hours(sandbox: Sandbox, bot: BotByHand) -> None:
    """Anybody's in a private chat; afterwards nobody's."""
    said = people.say(sandbox.world, ANA, "secreto")
    old = bot.do("sendMessage", chat_id=ANA, text="x")
    assert bot.do("deleteMessage", chat_id=ANA, message_id=said["message_id"]) is True
    assert bot.refusal("deleteMessage", chat_id=ANA, message_id=said["message_id"]) == (
        "Bad Request: message to delete not found"
    )
    sandbox.world.move_clock(by=48 * 3600)
    assert bot.refusal("deleteMessage", chat_id=ANA, message_id=old["message_id"]) == (
        "Bad Request: message can't be deleted for everyone"
    )
    assert old["message_id"] in sandbox.world.chat(ANA).messages


def test_several_are_deleted_and_missing_ones_skipped(sandbox: Sandbox, bot: BotByHand) -> None:
    """deleteMessages tells nothing of those it could not delete."""
    ids = [bot.do("sendMessage", chat_id=ANA, text="x")["message_id"] for _ in range(3)]
    assert bot.do("deleteMessages", chat_id=ANA, message_ids=[*ids[:2], 99]) is True
    assert list(sandbox.world.chat(ANA).messages) == ids[2:]
    assert "too many" in bot.refusal("deleteMessages", chat_id=ANA, message_ids=list(range(101)))


def test_messages_can_be_forwarded_and_copied(sandbox: Sandbox, bot: BotByHand) -> None:
    """A forward names its origin, a copy does not; what is protected can be neither."""
    said = people.say(sandbox.world, ANA, "hola")
    at = {"chat_id": ANA, "from_chat_id": ANA, "message_id": said["message_id"]}
    forwarded = bot.do("forwardMessage", **at)
    conform("Message", forwarded)
    assert forwarded["forward_origin"]["sender_user"]["id"] == ANA
    copied = bot.do("copyMessage", **at)["message_id"]
    assert sandbox.world.chat(ANA).messages[copied].message["text"] == "hola"
    guarded = bot.do("sendMessage", chat_id=ANA, text="x", protect_content=True)["message_id"]
    assert "can't be copied" in bot.refusal("copyMessage", chat_id=ANA, from_chat_id=ANA, message_id=guarded)
    assert len(bot.do("copyMessages", chat_id=ANA, from_chat_id=ANA, message_ids=[said["message_id"], 99])) == 1


# -------------------------------------------------------------------- taps
def test_a_tap_is_answered_once_and_in_time(sandbox: Sandbox, bot: BotByHand) -> None:
    """150 seconds by the sandbox clock; a second answer, a late one and a forged one are refused alike."""
    sent = bot.do("sendMessage", chat_id=ANA, text="x", reply_markup=buttons("a"))
    query = people.tap(sandbox.world, ANA, sent["message_id"], data="a")
    assert bot.do("answerCallbackQuery", callback_query_id=query, text="Hecho", show_alert=True) is True
    toast = sandbox.world.chat(ANA).toast
    assert toast is not None
    assert (toast["text"], toast["show_alert"]) == ("Hecho", True)
    late = people.tap(sandbox.world, ANA, sent["message_id"], data="a")
    sandbox.world.move_clock(by=150)
    for stale in (query, late, "12345", ""):
        assert bot.refusal("answerCallbackQuery", callback_query_id=stale) == f"Bad Request: {QUERY_TOO_OLD}"
    soon = people.tap(sandbox.world, ANA, sent["message_id"], data="a")
    assert bot.refusal("answerCallbackQuery", callback_query_id=soon, text="x" * 201) == "Bad Request: MESSAGE_TOO_LONG"


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


# -------------------------------------------------------------------- chats
def test_who_blocked_the_bot_is_refused(sandbox: Sandbox, bot: BotByHand) -> None:
    """Sends, edits, deletions and actions alike; /start brings the person back."""
    sent = bot.do("sendMessage", chat_id=ANA, text="x")
    people.block(sandbox.world, ANA)
    for method, params in [
        ("sendMessage", {"text": "x"}),
        ("sendChatAction", {"action": "typing"}),
        ("editMessageText", {"message_id": sent["message_id"], "text": "y"}),
    ]:
        assert bot.call(method, chat_id=ANA, **params) == {
            "ok": False,
            "error_code": 403,
            "description": "Forbidden: bot was blocked by the user",
        }
    people.start(sandbox.world, ANA)
    assert bot.do("sendMessage", chat_id=ANA, text="x")


def test_whose_account_is_gone_is_refused(sandbox: Sandbox, bot: BotByHand) -> None:
    """403, and nothing brings them back."""
    sandbox.world.people[ANA].is_deactivated = True
    assert bot.refusal("sendMessage", chat_id=ANA, text="x") == "Forbidden: user is deactivated"


def test_chats_and_members_conform_to_the_document(sandbox: Sandbox, bot: BotByHand) -> None:
    """ChatFullInfo, ChatMember; a chat that never began does not exist."""
    chat = bot.do("getChat", chat_id=ANA)
    conform("ChatFullInfo", chat)
    assert chat["first_name"] == "Ana"
    member = bot.do("getChatMember", chat_id=ANA, user_id=ANA)
    conform("ChatMember", member)
    assert member["status"] == "member"
    assert bot.do("getChatMemberCount", chat_id=ANA) == 2
    assert bot.refusal("getChat", chat_id=STRANGER) == "Bad Request: chat not found"


def test_a_group_that_was_left_refuses_the_bot(sandbox: Sandbox, bot: BotByHand) -> None:
    """And one that became a supergroup gives its new number."""
    people.add_to_group(sandbox.world, -100123, "Ministerio", [ANA])
    assert bot.do("leaveChat", chat_id=-100123) is True
    assert bot.refusal("sendMessage", chat_id=-100123, text="x") == (
        "Forbidden: bot is not a member of the supergroup chat"
    )
    people.add_to_group(sandbox.world, -5, "Pequeño", [ANA], kind="group")
    people.migrate(sandbox.world, -5, -1005)
    assert bot.call("sendMessage", chat_id=-5, text="x") == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": -1005},
    }
    assert bot.refusal("leaveChat", chat_id=ANA).startswith("Bad Request")


def test_small_signs_reach_the_phone(sandbox: Sandbox, bot: BotByHand) -> None:
    """Typing for five seconds, a reaction, a pin, a draft."""
    sent = bot.do("sendMessage", chat_id=ANA, text="x")
    at = {"chat_id": ANA, "message_id": sent["message_id"]}
    bot.do("sendChatAction", chat_id=ANA, action="upload_document")
    bot.do("setMessageReaction", **at, reaction=[{"type": "emoji", "emoji": "👍"}])
    bot.do("pinChatMessage", **at)
    bot.do("unpinChatMessage", **at)
    bot.do("sendMessageDraft", chat_id=ANA, draft_id=1, text="Escri")
    assert [seen.what for seen in sandbox.world.ledger.entries] == [
        "send", "typing", "reaction", "pin", "unpin", "draft"
    ]  # fmt: skip
    assert bot.refusal("setMessageReaction", **at, reaction=[{"type": "emoji", "emoji": "ñ"}]).endswith(
        "REACTION_INVALID"
    )
    assert bot.refusal("sendChatAction", chat_id=ANA, action="dance").endswith("wrong parameter action in request")


# -------------------------------------------------------------------- limits
class Still(Clock):
    """Moved by hand alone: what is counted by the second is counted whatever the machine has to do."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at

    def move_by(self, seconds: float) -> None:
        self._at += seconds


@pytest.fixture
def still(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.world, "clock", Still(sandbox.world.now()))


@pytest.mark.usefixtures("still")
def test_limits_are_enforced_when_switched_on(sandbox: Sandbox, bot: BotByHand) -> None:
    """A small burst to one chat, then one a second; 20 a minute to a group; off, nothing is counted."""
    sandbox.world.switch(limits=True)
    answers = [bot.call("sendMessage", chat_id=ANA, text="x") for _ in range(4)]
    assert [answer["ok"] for answer in answers] == [True, True, True, False]
    assert answers[3]["error_code"] == 429
    assert answers[3]["parameters"] == {"retry_after": 1}
    assert answers[3]["description"] == "Too Many Requests: retry after 1"
    sandbox.world.move_clock(by=1)
    assert bot.call("sendMessage", chat_id=ANA, text="x")["ok"]
    people.add_to_group(sandbox.world, -100123, "Grupo", [ANA])
    for _ in range(20):
        assert bot.call("sendMessage", chat_id=-100123, text="x")["ok"]
        sandbox.world.move_clock(by=2)
    assert bot.call("sendMessage", chat_id=-100123, text="x")["parameters"]["retry_after"] == 20


@pytest.mark.usefixtures("still")
def test_thirty_a_second_is_the_limit_for_all_chats(sandbox: Sandbox, bot: BotByHand) -> None:
    """The thirty-first in one second is refused, whomever it is for."""
    for number in range(40):
        sandbox.world.add_person(Person(1000 + number, "P"), started=True)
    sandbox.world.switch(limits=True)
    sandbox.world.move_clock(by=2)
    sent = [bot.call("sendMessage", chat_id=1000 + number, text="x")["ok"] for number in range(40)]
    assert sent[:30] == [True] * 30
    assert not any(sent[30:])


@pytest.mark.usefixtures("still")
def test_a_429_binds_everything_until_it_is_over(sandbox: Sandbox, bot: BotByHand) -> None:
    """Every chat, and edits too, are told the seconds that are left; a tap may be answered, and reading is free."""
    world = sandbox.world
    world.add_person(Person(502, "Luis"), started=True)
    sent = bot.do("sendMessage", chat_id=ANA, text="x", reply_markup=buttons("a"))
    query = people.tap(world, ANA, sent["message_id"], text="a")
    world.add_person(Person(503, "Rosa"), started=True)
    world.switch(limits=True)
    for _ in range(3):
        bot.do("sendMessage", chat_id=503, text="x")
    assert bot.call("sendMessage", chat_id=503, text="x")["parameters"] == {"retry_after": 1}
    for refused in (
        bot.call("sendMessage", chat_id=502, text="x"),
        bot.call("editMessageText", chat_id=ANA, message_id=sent["message_id"], text="y"),
        bot.call("deleteMessage", chat_id=ANA, message_id=sent["message_id"]),
    ):
        assert refused["parameters"] == {"retry_after": 1}
    assert bot.do("answerCallbackQuery", callback_query_id=query)
    assert bot.do("getMe")
    world.move_clock(by=1)
    assert bot.do("sendMessage", chat_id=502, text="x")
    assert [seen.chat for seen in world.ledger.since(0) if seen.what == "send"] == [ANA, 503, 503, 503, 502]


@pytest.mark.usefixtures("still")
def test_who_waits_as_long_as_told_is_not_told_to_wait_again(sandbox: Sandbox, bot: BotByHand) -> None:
    """`retry_after` is enough, to one person and to a group; switching limits off and on forgets what was sent."""
    world = sandbox.world
    people.add_to_group(world, -100123, "Grupo", [ANA])
    world.switch(limits=True)
    for chat in (ANA, -100123):
        waits = []
        for _ in range(60):
            answer = bot.call("sendMessage", chat_id=chat, text="x")
            if not answer["ok"]:
                waits.append(answer["parameters"]["retry_after"])
                world.move_clock(by=waits[-1])
                assert bot.call("sendMessage", chat_id=chat, text="x")["ok"]
        assert waits
    bot.call("sendMessage", chat_id=ANA, text="x")
    world.switch(limits=False)
    world.switch(limits=True)
    assert all(bot.call("sendMessage", chat_id=ANA, text="x")["ok"] for _ in range(3))


# -------------------------------------------------------------------- the whole table
@pytest.mark.parametrize("method", sorted(set(FACTS.methods) - set(METHODS) - set(EMPTY)))
def test_every_other_method_is_refused_and_nothing_else(bot: BotByHand, method: str) -> None:
    """Known to the document, absent here: a 400, never a crash."""
    assert bot.call(method)["error_code"] == 400


@pytest.mark.parametrize("method", sorted((set(METHODS) | set(EMPTY)) - {"logOut", "close"}))
def test_no_emulated_method_breaks_when_called_with_nothing(bot: BotByHand, method: str) -> None:
    """A result or a refusal."""
    answer = bot.call(method)
    assert answer["ok"] or answer["error_code"] in (400, 403)
