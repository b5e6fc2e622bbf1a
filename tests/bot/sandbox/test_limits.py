"""Telegram's sending limits, enforced when they are switched on: per chat, for all chats, and after a 429."""

import pytest

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import Person
from tests.bot.sandbox.methods.calling import ANA, StillClock, buttons


# -------------------------------------------------------------------- limits
@pytest.fixture
def still(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.world, "clock", StillClock(sandbox.world.now()))


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
