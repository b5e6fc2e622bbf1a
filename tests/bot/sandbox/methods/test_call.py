"""Who may call what, and how: tokens, methods that are not emulated, the ways a request may come."""

import json
import urllib.error
import urllib.request

import pytest

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.methods import EMPTY, METHODS
from bot.sandbox.schema import FACTS
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from tests.bot.sandbox.methods.calling import ANA
from tests.deadlines import PATIENCE


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
