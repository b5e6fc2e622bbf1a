"""Failures on command: before or after the effect, counted, and seen by the bot as a network shows them."""

import asyncio
import json
import socket
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import TypeAdapter

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.server import Sandbox, reset
from bot.sandbox.telegram import Person
from tests.bot.resting import poll_begun
from tests.deadlines import PATIENCE, wait_until

ANA = 501


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.world.reset()
    running.world.add_person(Person(ANA, "Ana"), started=True)
    return running


def raw(sandbox: Sandbox, method: str, params: dict[str, Any]) -> tuple[int, bytes]:
    """Status and body of one call; network errors as they are."""
    parts = urlsplit(sandbox.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/bot{sandbox.token}/{method}", json.dumps(params), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["refuse", "429", "5xx", "html", "truncated"])
def test_a_fault_spoils_the_answer_before_or_after_the_effect(
    sandbox: Sandbox, kind: Any, when: Any, arrived: int
) -> None:
    """`after`: the phone was shown the message although the bot is told of a failure. Once, and counted."""
    fault = sandbox.world.faults.add(Fault(kind, method="sendMessage", when=when, times=1, retry_after=7))
    status, body = raw(sandbox, "sendMessage", {"chat_id": ANA, "text": "x"})
    expected = {"refuse": 400, "429": 429, "5xx": 502, "html": 502, "truncated": 200}
    assert status == expected[kind]
    match kind:
        case "429":
            assert json.loads(body)["parameters"] == {"retry_after": 7}
        case "5xx":
            assert json.loads(body) == {"ok": False, "error_code": 502, "description": "Bad Gateway"}
        case "html" | "truncated":
            with pytest.raises(ValueError):
                json.loads(body)
    assert len(sandbox.world.ledger.entries) == arrived
    assert fault.hits == 1
    assert sandbox.world.calls[-1].fault == f"{kind} {when} #{fault.id}"
    assert raw(sandbox, "sendMessage", {"chat_id": ANA, "text": "y"})[0] == 200


@pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(("kind", "delay"), [("reset", None), ("timeout", 0.2)])
def test_a_connection_can_be_cut(sandbox: Sandbox, kind: Any, delay: float | None, when: Any, arrived: int) -> None:
    """At once or after a silence; nothing is answered."""
    fault = sandbox.world.faults.add(Fault(kind, method="send.*", when=when, times=1, delay=delay))
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        raw(sandbox, "sendMessage", {"chat_id": ANA, "text": "x"})
    assert len(sandbox.world.ledger.entries) == arrived
    assert fault.hits == 1
    assert sandbox.world.calls[-1].status == 0


def test_a_slow_answer_is_the_true_one(sandbox: Sandbox, bot: BotByHand) -> None:
    """Only late."""
    sandbox.world.faults.add(Fault("slow", delay=0.2))
    began = time.monotonic()
    assert bot.do("getMe")["is_bot"]
    assert time.monotonic() - began > 0.1  # half: an event loop's clock is coarser than this one


def test_a_fault_strikes_its_method_and_chat_only(sandbox: Sandbox, bot: BotByHand) -> None:
    """The whole name, in any case; the chat given."""
    sandbox.world.add_person(Person(502, "Luis"), started=True)
    fault = sandbox.world.faults.add(
        Fault("refuse", method="sendmessage", chat=ANA, status=403, description="Forbidden: x")
    )
    assert bot.call("sendMessage", chat_id=502, text="x")["ok"]
    assert bot.call("sendChatAction", chat_id=ANA, action="typing")["ok"]
    assert bot.call("sendMessage", chat_id=ANA, text="x") == {
        "ok": False,
        "error_code": 403,
        "description": "Forbidden: x",
    }
    assert fault.hits == 1


def test_the_poll_can_fail_too(sandbox: Sandbox, bot: BotByHand) -> None:
    """A reset after the effect loses the updates' way, not the updates."""
    people.say(sandbox.world, ANA, "hola")
    sandbox.world.faults.add(Fault("reset", method="getUpdates", when="after", times=1))
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        raw(sandbox, "getUpdates", {})
    assert len(bot.do("getUpdates")) == 1


def test_a_download_can_fail(sandbox: Sandbox) -> None:
    """The method is called "download"."""
    stored = sandbox.world.store("document", b"x", "a.txt", "text/plain")
    fault = sandbox.world.faults.add(Fault("html", method="download", times=1))
    url = f"{sandbox.url}/file/bot{sandbox.token}/{stored.path}"
    with pytest.raises(urllib.error.HTTPError, match="502") as refused:
        urllib.request.urlopen(url)
    refused.value.close()
    assert fault.hits == 1
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"x"


def test_chance_is_repeatable() -> None:
    """The same seed strikes the same calls; skipped calls and used-up rules strike none."""

    def struck(seed: int) -> list[bool]:
        fault = Fault("reset", probability=0.5, seed=seed)
        return [fault.strikes("sendMessage", None) for _ in range(50)]

    assert struck(1) == struck(1) != struck(2)
    assert 10 < sum(struck(1)) < 40
    once = Fault("reset", times=1, skip=2)
    assert [once.strikes("x", None) for _ in range(4)] == [False, False, True, False]


def test_used_up_rules_stay_to_be_counted() -> None:
    """Until they are removed."""
    faults = Faults()
    rule = faults.add(Fault("reset", times=1))
    assert faults.draw("x", None) is rule
    assert faults.draw("x", None) is None
    assert faults.hits() == 1
    faults.remove()
    assert faults.rules == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "explode"},
        {"kind": "reset", "when": "never"},
        {"kind": "reset", "method": "("},
        {"kind": "reset", "x": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    """With the reason."""
    with pytest.raises(ValueError):
        TypeAdapter(Fault).validate_python(given)


def test_down_cuts_every_connection_and_the_poll_that_waits(sandbox: Sandbox, bot: BotByHand) -> None:
    """As if Telegram were gone; the control API stays, and nothing that was there is lost."""
    people.say(sandbox.world, ANA, "hola")
    number = sandbox.world.bot.pending[-1].update_id
    parts = urlsplit(sandbox.url)
    polling = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE)
    query = f"GET /bot{sandbox.token}/getUpdates?timeout=20&offset={number + 1} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with poll_begun(sandbox.world):
        polling.sendall(query.encode())
    sandbox.world.switch(down=True)
    with pytest.raises(ConnectionResetError):
        polling.recv(100)
    polling.close()
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        raw(sandbox, "getMe", {})
    with urllib.request.urlopen(f"{sandbox.url}/sandbox/state") as answer:
        assert json.load(answer)["down"] is True
    sandbox.world.switch(down=False)
    people.say(sandbox.world, ANA, "otra vez")
    assert [update["message"]["text"] for update in bot.do("getUpdates")] == ["otra vez"]


def test_latency_holds_up_every_answer(sandbox: Sandbox, bot: BotByHand) -> None:
    """Seconds, for all methods."""
    sandbox.world.switch(latency=0.15)
    began = time.monotonic()
    bot.do("getMe")
    assert time.monotonic() - began > 0.07


def test_tests_that_share_a_sandbox_begin_with_an_empty_one(sandbox: Sandbox, bot: BotByHand) -> None:
    """`reset` forgets all but the time, and update numbers go on."""
    world = sandbox.world
    world.faults.add(Fault("refuse", method="getMe"))
    world.switch(latency=0.1, limits=True)
    people.say(world, ANA, "a")
    number = bot.do("getUpdates")[0]["update_id"]
    now = world.now()
    world.reset()
    assert (world.people, world.calls, world.faults.rules, world.latency, world.limited) == (
        {},
        [],
        [],
        0.0,
        False,
    )
    assert bot.do("getUpdates") == []
    world.add_person(Person(ANA, "Ana"))
    people.start(world, ANA)
    assert bot.do("getUpdates")[0]["update_id"] == number + 1
    assert world.now() >= now


def test_at_its_own_port_the_bot_api_refuses_connections_while_down(sandbox: Sandbox) -> None:
    """What was refused was certainly not sent; open connections are reset. Up again, it is at the same port."""
    parts = urlsplit(sandbox.api)
    own = BotByHand(sandbox.api, sandbox.token)
    idle = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    idle.request("GET", f"/bot{sandbox.token}/getMe")
    assert idle.getresponse().read()
    sandbox.world.switch(down=True)
    with pytest.raises(ConnectionResetError):
        idle.sock.recv(100)
    idle.close()

    def answer() -> object:
        try:
            return own.do("getMe")["is_bot"]
        except (urllib.error.URLError, ConnectionError) as error:
            return getattr(error, "reason", error)

    wait_until(lambda: isinstance(answer(), ConnectionRefusedError), "connections are refused", show=answer)
    sandbox.world.switch(down=False)
    wait_until(lambda: answer() is True, "it answers again", show=answer)


def test_a_connection_that_has_gone_by_itself_is_no_trouble() -> None:
    """The door shuts and opens whatever became of those who had come in: what is left of one is let go."""
    let_go: list[bool] = []

    class Gone(asyncio.Transport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            line = socket.socket()
            line.close()
            return line

        def abort(self) -> None:
            let_go.append(True)

    reset(Gone())
    assert let_go == [True]
