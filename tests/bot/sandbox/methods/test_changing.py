"""Editing, deleting, forwarding and copying, and the answer to a tap."""

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.refusals import NOT_MODIFIED, QUERY_TOO_OLD
from bot.sandbox.schema import conform
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.methods.calling import ANA, buttons, multipart, picture


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
