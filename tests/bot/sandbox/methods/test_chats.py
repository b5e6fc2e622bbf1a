"""Chats: who blocked the bot, whose account is gone, members, groups that were left."""

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.schema import conform
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.methods.calling import ANA, STRANGER


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
