"""Methods and parameters, read from the document's own facts."""

from typing import Any

import pytest

from bot.sandbox.methods import EMPTY, METHODS
from bot.sandbox.refusals import Refusal
from bot.sandbox.schema import FACTS, Upload, conform, method_named, read


def refusal(method: str, **given: Any) -> str:
    with pytest.raises(Refusal) as caught:
        read(method, given, {})
    return caught.value.description


def test_everything_emulated_is_in_the_document() -> None:
    """METHODS and EMPTY name methods of Bot API 10.1, and none twice."""
    assert FACTS.version == "Bot API 10.1"
    assert set(METHODS) | set(EMPTY) <= set(FACTS.methods)
    assert not set(METHODS) & set(EMPTY)


@pytest.mark.parametrize("method", sorted(EMPTY))
def test_empty_answers_are_of_the_type_the_document_promises(method: str) -> None:
    """A library builds objects of them."""
    conform(FACTS.returns[method][0], EMPTY[method])


def test_method_names_are_found_in_any_case() -> None:
    """As at Telegram."""
    assert method_named("SENDMESSAGE") == "sendMessage"
    assert method_named("sendMesage") is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": "", "text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": 1}, "Bad Request: message text is empty"),
        ({"chat_id": 1, "text": None}, "Bad Request: message text is empty"),
        ({"chat_id": 1, "text": ["x"]}, 'Bad Request: field "text" must be of type String'),
        ({"chat_id": 1, "text": "x", "message_thread_id": "many"},
         'Bad Request: field "message_thread_id" must be of type Number'),
        ({"chat_id": 1, "text": "x", "disable_notification": "perhaps"},
         'Bad Request: field "disable_notification" must be of type Boolean'),
        ({"chat_id": 1, "text": "x", "reply_markup": "{"},
         "Bad Request: can't parse reply keyboard markup JSON object"),
        ({"chat_id": 1, "text": "x", "reply_markup": []}, "Bad Request: object expected as reply markup"),
        ({"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"callback_data": "1"}]]}},
         "Bad Request: can't parse inline keyboard button: Can't find field \"text\""),
        ({"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": 1.5, "callback_data": []}]]}},
         "Bad Request: can't parse inline keyboard button: Field \"callback_data\" must be of type String"),
        ({"chat_id": 1, "text": "x", "entities": [{"type": "bold", "offset": "0"}]},
         "Bad Request: can't parse MessageEntity: Can't find field \"length\""),
    ],
)  # fmt: skip
def test_a_missing_or_mistyped_parameter_is_refused(given: dict[str, Any], words: str) -> None:
    """The first that is wrong is named."""
    assert refusal("sendMessage", **given) == words


def test_a_method_without_its_own_words_names_the_parameter() -> None:
    """Telegram's general sentence."""
    assert refusal("setWebhook") == 'Bad Request: parameter "url" is required'


def test_forms_and_json_give_the_same_parameters() -> None:
    """Numbers, booleans and objects may all be text."""
    spoken = {"chat_id": "-100", "text": "x", "protect_content": "true", "reply_markup": '{"force_reply":true}'}
    plain = {"chat_id": -100, "text": "x", "protect_content": True, "reply_markup": {"force_reply": True}}
    assert read("sendMessage", spoken, {}) == read("sendMessage", plain, {}) == (plain, [])


def test_parameters_nobody_knows_are_told() -> None:
    """Telegram ignores them; a test need not."""
    _, unknown = read("sendMessage", {"chat_id": 1, "text": "x", "parsemode": "HTML", "method": "sendMessage"}, {})
    assert unknown == ["parsemode"]


def test_a_file_stands_where_its_field_is() -> None:
    """Multipart names are parameter names."""
    upload = Upload("a.txt", b"x")
    assert read("sendDocument", {"chat_id": 1}, {"document": upload})[0]["document"] is upload
    assert refusal("sendDocument", chat_id=1) == "Bad Request: there is no document in the request"


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("setMyCommands", {"commands": [], "scope": {"type": "all_private_chats"}}),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat", "chat_id": 5}}),
        ("setChatMenuButton", {"menu_button": {"type": "web_app", "text": "x", "web_app": {"url": "https://a.do"}}}),
        ("setMessageReaction", {"chat_id": 1, "message_id": 1, "reaction": [{"type": "emoji", "emoji": "👍"}]}),
        ("sendMediaGroup", {"chat_id": 1, "media": [{"type": "photo", "media": "attach://a"}]}),
        ("editMessageMedia", {"chat_id": 1, "message_id": 1, "media": {"type": "document", "media": "x"}}),
        ("sendMessage", {"chat_id": 1, "text": "x",
                         "reply_markup": {"keyboard": [[{"text": "a", "request_location": True}]]}}),
    ],
)  # fmt: skip
def test_types_with_variants_are_told_apart_by_what_they_say(method: str, given: dict[str, Any]) -> None:
    """BotCommandScope, MenuButton, InputMedia, ReactionType, keyboards."""
    assert read(method, given, {}) == (given, [])


def test_a_plain_string_may_stand_for_a_key() -> None:
    """KeyboardButton, and only that."""
    params, _ = read("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": {"keyboard": [["a"]]}}, {})
    assert params["reply_markup"] == {"keyboard": [[{"text": "a"}]]}


def test_an_unknown_variant_is_refused() -> None:
    """No kind of that name."""
    assert refusal("setMyCommands", commands=[], scope={"type": "everybody"}) == (
        "Bad Request: can't parse BotCommandScope: Unsupported type specified"
    )


@pytest.mark.parametrize("method", sorted(FACTS.methods))
def test_every_method_of_the_document_can_be_read(method: str) -> None:
    """With nothing given, either nothing is required or the first thing required is asked for."""
    required = [field.name for field in FACTS.methods[method] if field.is_required]
    if required:
        with pytest.raises(Refusal):
            read(method, {}, {})
    else:
        assert read(method, {}, {}) == ({}, [])
