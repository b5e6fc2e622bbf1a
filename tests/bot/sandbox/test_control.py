"""The control API and the client that tests in other processes use."""

import json
import threading
import urllib.error
import urllib.request
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.sandbox.client import BotByHand, ControlError, NothingSeenError, Phone, SandboxClient
from bot.sandbox.server import Sandbox, running_sandbox
from tests.bot.resting import poll_begun
from tests.deadlines import PATIENCE

ANA = 501


@pytest.fixture
def sandbox(running: Sandbox) -> SandboxClient:
    client = SandboxClient(running.url)
    client.reset()
    return client


@pytest.fixture
def bot(running: Sandbox) -> BotByHand:
    return BotByHand(running.url, running.token)


@pytest.fixture
def ana(sandbox: SandboxClient) -> Phone:
    phone = sandbox.add_person(ANA, "Ana", title="Punto focal", started=True)
    return phone


def test_the_state_tells_what_the_page_needs(
    running: Sandbox, sandbox: SandboxClient, bot: BotByHand, ana: Phone
) -> None:
    """Time, bot, people, faults and switches."""
    state = sandbox.state()
    assert state["now"] == pytest.approx(running.world.now(), abs=PATIENCE)
    assert (state["bot"]["username"], state["bot"]["mode"], state["bot"]["last_seen"]) == (
        "enlace_demo_bot",
        "silent",
        None,
    )
    assert state["people"] == [
        {
            "id": ANA,
            "first_name": "Ana",
            "title": "Punto focal",
            "language_code": "es",
            "started": True,
            "blocked": False,
            "unread": 0,
        }
    ]
    assert (state["faults"], state["down"], state["latency"], state["limits"]) == ([], False, 0.0, False)
    bot.do("getUpdates")
    sandbox.wait_for_bot(PATIENCE)
    assert sandbox.state()["bot"]["mode"] == "polling"


def seen_by(running: Sandbox, path: str) -> Any:
    with urllib.request.urlopen(f"{running.url}/sandbox{path}", timeout=PATIENCE) as answer:
        return json.load(answer)


def test_what_the_bot_has_not_fetched_is_told(running: Sandbox, bot: BotByHand, ana: Phone) -> None:
    """Per phone the messages that still wait, over all phones the latest updates; never what was in them."""
    sent = ana.say("Solo entre Ana y el bot")

    assert ana.chat()["undelivered"] == {"messages": [sent["message_id"]], "taps": []}
    [update] = seen_by(running, "/updates")
    assert (update["kind"], update["chat"], update["waiting"]) == ("message", ANA, True)
    assert "Ana y el bot" not in json.dumps(update)

    bot.do("getUpdates", offset=update["update_id"] + 1)

    assert ana.chat()["undelivered"] == {"messages": [], "taps": []}
    assert [each["waiting"] for each in seen_by(running, "/updates")] == [False]


def test_reactions_of_both_sides_stay_with_their_message(running: Sandbox, bot: BotByHand, ana: Phone) -> None:
    """The bot hears of a person's only if it asked; what no phone offers is refused and changes nothing."""
    bot.do("getUpdates", allowed_updates=["message", "message_reaction"])
    number = bot.do("sendMessage", chat_id=ANA, text="Hola")["message_id"]
    bot.do("setMessageReaction", chat_id=ANA, message_id=number, reaction=[{"type": "emoji", "emoji": "🎉"}])

    ana.react(number, "👍")
    with pytest.raises(ControlError, match="does not offer"):
        ana.react(number, "🥑")

    [message] = ana.chat()["messages"]
    assert message["reactions"] == {
        "bot": [{"type": "emoji", "emoji": "🎉"}],
        "person": [{"type": "emoji", "emoji": "👍"}],
    }
    [update] = bot.do("getUpdates")
    assert update["message_reaction"]["new_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    assert update["message_reaction"]["old_reaction"] == []


def test_a_question_can_ask_to_be_answered_as_a_reply(running: Sandbox, bot: BotByHand, ana: Phone) -> None:
    """ForceReply opens the answer box of its message until the person has written something."""
    markup = {"force_reply": True, "input_field_placeholder": "Un número"}
    number = bot.do("sendMessage", chat_id=ANA, text="¿Cuántas?", reply_markup=markup)["message_id"]
    asked = {"message_id": number, "input_field_placeholder": "Un número"}
    assert ana.chat()["force_reply"] == asked

    ana.say("12")

    assert ana.chat()["force_reply"] is None


def test_the_page_is_asked_for_anew_each_time(running: Sandbox) -> None:
    """A browser that keeps one module of an older version would show a broken page."""
    with urllib.request.urlopen(f"{running.url}/page/app.js", timeout=PATIENCE) as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_a_conversation_can_be_held_from_outside(bot: BotByHand, ana: Phone) -> None:
    """Text, tap, edit, answer; the phone waits for each next thing."""
    ana.start("codigo")
    keyboard = {"inline_keyboard": [[{"text": "Sí", "callback_data": "y"}]]}
    bot.do("sendMessage", chat_id=ANA, text="¿?", reply_markup=keyboard)
    card = ana.wait(PATIENCE)
    query = ana.tap(card["message_id"], "Sí")
    bot.do("answerCallbackQuery", callback_query_id=query, text="Listo")
    bot.do("editMessageText", chat_id=ANA, message_id=card["message_id"], text="✓")
    assert ana.wait(PATIENCE)["text"] == "✓"
    said = ana.say("12", reply_to=card["message_id"])
    assert ana.edit(said["message_id"], "13")["text"] == "13"
    chat = ana.chat()
    assert [(message["from_bot"], message["edited"]) for message in chat["messages"]] == [
        (False, False),
        (True, True),
        (False, True),
    ]
    assert (chat["toast"]["text"], chat["toast"]["show_alert"]) == ("Listo", False)
    assert ana.last()["text"] == "✓"
    kinds = [list(update)[1] for update in bot.do("getUpdates")]
    assert kinds == ["message", "callback_query", "message", "edited_message"]


def test_waiting_ends_when_something_is_shown_or_time_is_up(bot: BotByHand, ana: Phone) -> None:
    """The other phones' messages do not count."""
    timer = threading.Timer(0.1, bot.do, ("sendMessage",), {"chat_id": ANA, "text": "tarde"})
    timer.start()
    assert ana.wait_until("TARDE", PATIENCE)["text"] == "tarde"
    timer.join()
    with pytest.raises(NothingSeenError, match="phone 501 was shown no send"):
        ana.wait(0.1)
    with pytest.raises(NothingSeenError, match="was not shown 'nunca'"):
        ana.wait_until("nunca", 0.1)


def test_files_places_and_the_rest_can_be_sent(sandbox: SandboxClient, bot: BotByHand, ana: Phone) -> None:
    """Albums too; the page gets bytes back, never as a page of their own."""
    buffer = BytesIO()
    Image.new("RGB", (50, 50)).save(buffer, "PNG")
    photo, _ = ana.send_files("photo", ("a.png", buffer.getvalue()), ("b.png", buffer.getvalue()), caption="dos")
    assert photo["caption"] == "dos"
    (document,) = ana.send_files("document", ("año <1>.html", b"<script>"))
    assert document["document"]["file_name"] == "año <1>.html"
    for file, kind in ((photo["photo"][0], "image/jpeg"), (document["document"], "application/octet-stream")):
        with urllib.request.urlopen(f"{sandbox.url}/sandbox/files/{file['file_id']}") as answer:
            assert answer.headers["Content-Type"] == kind
    assert ana.send_location(18.5, -69.9, 10)["location"]["horizontal_accuracy"] == 10
    assert ana.send_contact()["contact"]["user_id"] == ANA
    assert "forward_origin" in ana.forward("ajeno")
    assert len(bot.do("getUpdates")) == 6


def test_what_no_phone_would_do_is_409_and_an_unknown_chat_404(sandbox: SandboxClient, ana: Phone) -> None:
    """With the reason."""
    with pytest.raises(ControlError, match=r"404 .*there is no chat 42"):
        sandbox.phone(42).say("x")
    with pytest.raises(ControlError, match=r"409 .*there never was a message 7"):
        ana.tap(7, data="x")
    ana.block()
    with pytest.raises(ControlError, match=r"409 .*blocked"):
        ana.say("x")
    ana.unblock()
    assert ana.say("x")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/clock", {}),
        ("POST", "/clock", {"to": "never"}),
        ("POST", "/clock", {"by": -5}),
        ("POST", "/people", {"id": "x"}),
        ("POST", "/people", {"id": 1, "first_name": "Ana", "name": "Ana"}),
        ("POST", "/faults", {"kind": "explode"}),
        ("POST", "/chats/501/text", {"txt": "x"}),
        ("POST", "/chats/501/edit", {"message_id": 1, "text": "x", "txt": "x"}),
        ("POST", "/chats/501/tap", {}),
        ("POST", "/chats/501/location", {"latitude": 1}),
        ("POST", "/chats/x/text", {"text": "x"}),
        ("GET", "/ledger?since=x", None),
    ],
)
def test_what_cannot_be_understood_is_400(
    sandbox: SandboxClient, ana: Phone, method: str, path: str, body: Any
) -> None:
    """Never a 500."""
    with pytest.raises(ControlError, match=r"^400 "):
        sandbox.ask(method, path, body)


def test_the_clock_moves_to_a_moment_or_by_seconds(sandbox: SandboxClient) -> None:
    """ISO with its zone, or UTC."""
    assert sandbox.move_clock(to="2018-10-08T08:30:00-04:00") == pytest.approx(1_539_001_800, abs=30)
    assert sandbox.move_clock(by=60) == pytest.approx(1_539_001_860, abs=30)
    assert sandbox.move_clock(to="2018-10-09T00:00:00") == pytest.approx(1_539_043_200, abs=30)


def test_faults_and_switches_can_be_set_and_read(sandbox: SandboxClient, bot: BotByHand) -> None:
    """And taken back."""
    number = sandbox.add_fault("refuse", method="getMe", times=1)
    bot.refusal("getMe")
    assert sandbox.fault_hits(number) == 1
    sandbox.remove_faults()
    assert sandbox.state()["faults"] == []
    sandbox.switch(limits=True, latency=0.01)
    assert (sandbox.state()["limits"], sandbox.state()["latency"]) == (True, 0.01)


def test_calls_are_written_down_without_the_token(sandbox: SandboxClient, bot: BotByHand, running: Sandbox) -> None:
    """Method, parameters, outcome; misspelt parameters are named."""
    bot.call("sendMessage", chat_id=42, text="x", parsemode="HTML")
    (call,) = sandbox.calls()
    assert (call["method"], call["status"], call["ok"]) == ("sendMessage", 400, False)
    assert call["description"] == "Bad Request: chat not found"
    assert call["unknown"] == ["parsemode"]
    assert running.token.partition(":")[2] not in json.dumps(sandbox.calls() + sandbox.ledger())
    assert sandbox.calls(since=1) == []


def test_the_ledger_can_be_read_by_phone_and_from_where_one_was(
    sandbox: SandboxClient, bot: BotByHand, ana: Phone
) -> None:
    """Oldest first, numbered."""
    sandbox.add_person(502, "Luis", started=True)
    for chat in (ANA, 502, ANA):
        bot.do("sendMessage", chat_id=chat, text=f"a {chat}")
    assert [(seen["seq"], seen["what"]) for seen in sandbox.ledger(chat=ANA)] == [(1, "send"), (3, "send")]
    assert [seen["chat"] for seen in sandbox.ledger(since=1)] == [502, ANA]


def test_a_sandbox_that_runs_for_weeks_remembers_the_latest_and_counts_all() -> None:
    """Numbers go on; who asks for what is forgotten gets what is left; a phone that waits misses nothing."""
    with running_sandbox(keep=10) as running:
        client, bot = SandboxClient(running.url), BotByHand(running.url, running.token)
        ana = client.add_person(ANA, "Ana", started=True)
        for number in range(1, 31):
            bot.do("sendMessage", chat_id=ANA, text=str(number))
        assert client.state()["last"] == {"ledger": 30, "calls": 30}
        for entries in (client.ledger(), client.ledger(since=3), client.calls(since=3)):
            assert 10 <= len(entries) <= 12
            assert entries[-1]["seq"] == 30
        assert [seen["message"]["text"] for seen in client.ledger(since=28)] == ["29", "30"]
        ana.seen = 29
        assert ana.wait(PATIENCE)["text"] == "30"
        client.reset()
        assert client.state()["last"] == {"ledger": 0, "calls": 0}


def test_events_tell_the_page_what_to_read_again(sandbox: SandboxClient, ana: Phone) -> None:
    """Server-sent: chat, clock, state."""
    with urllib.request.urlopen(f"{sandbox.url}/sandbox/events") as stream:
        assert stream.readline() == b": hello\n"
        ana.say("x")
        sandbox.move_clock(by=1)
        sandbox.switch(latency=0)
        lines = [stream.readline() for _ in range(7)]
    told = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]
    assert told == [{"type": "chat", "id": ANA}, {"type": "clock"}, {"type": "state"}]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/sandbox/state", {}, 200),
        ("/sandbox/state", {"Origin": "{own}"}, 200),
        ("/sandbox/state", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("/sandbox/state", {"Sec-Fetch-Site": "none"}, 200),
        ("/sandbox/state", {"Host": "localhost:1"}, 200),
        ("/sandbox/state", {"Origin": "http://elsewhere.org"}, 403),
        ("/sandbox/state", {"Origin": "null"}, 403),
        ("/sandbox/state", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/sandbox/state", {"Sec-Fetch-Site": "same-site"}, 403),
        ("/sandbox/state", {"Host": "elsewhere.org", "Origin": "http://elsewhere.org"}, 403),
        ("/bot{token}/getMe", {}, 200),
        ("/bot{token}/getMe", {"Origin": "http://elsewhere.org"}, 403),
        ("/bot{token}/getMe", {"Host": "elsewhere.org"}, 403),
        ("/page/style.css", {"Sec-Fetch-Site": "cross-site"}, 200),
        ("/page/style.css", {"Host": "elsewhere.org"}, 403),
    ],
)
def test_other_pages_in_the_browser_are_kept_out(
    running: Sandbox, path: str, headers: dict[str, str], status: int
) -> None:
    """Neither by their own requests nor by a name that was bent to point here; programs and the page itself pass."""
    given = {name: value.replace("{own}", running.url) for name, value in headers.items()}
    request = urllib.request.Request(running.url + path.replace("{token}", running.token), headers=given)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        assert answer.status == status


def test_a_form_of_another_page_does_nothing(running: Sandbox, sandbox: SandboxClient, ana: Phone) -> None:
    """A browser sends such a form without asking; it says where it comes from."""
    for headers in ({"Origin": "http://elsewhere.org"}, {"Sec-Fetch-Site": "cross-site"}):
        request = urllib.request.Request(f"{sandbox.url}/sandbox/chats/{ANA}/block", b"", headers, method="POST")
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(request)
        refused.value.close()
    assert running.world.chat(ANA).blocked is False


def test_groups_and_raw_updates_can_be_made(sandbox: SandboxClient, bot: BotByHand, ana: Phone) -> None:
    """For what a bot must refuse: groups, hidden senders, strange updates."""
    sandbox.ask("POST", "/groups", {"id": -100123, "title": "Mesa", "members": [ANA]})
    sandbox.phone(-100123).say("hola", anonymous=True)
    sandbox.phone(-100123).say("hola", **{"from": ANA})
    assert sandbox.update({"update_id": 5, "strange": 1}) == 5
    assert [list(update)[-1] for update in bot.do("getUpdates")] == [
        "my_chat_member", "message", "message", "message", "strange"
    ]  # fmt: skip
    assert sandbox.state()["groups"][0]["title"] == "Mesa"


def test_nobody_supervises_the_bot_of_a_test(sandbox: SandboxClient) -> None:
    """404; the demo has a supervisor."""
    with pytest.raises(ControlError, match=r"^404"):
        sandbox.ask("GET", "/supervisor")


def test_a_supervisor_gets_the_pages_orders() -> None:
    """State and orders, in its own words; what it does not understand is 400."""

    class Nurse:
        running = True

        def state(self) -> dict[str, Any]:
            return {"running": self.running}

        def order(self, what: str) -> dict[str, Any]:
            if what != "kill":
                raise ValueError(what)
            self.running = False
            return self.state()

        def dismiss(self) -> None:
            self.running = False

    with running_sandbox(supervisor=Nurse()) as running:
        client = SandboxClient(running.url)
        assert client.ask("GET", "/supervisor") == {"running": True}
        assert client.ask("POST", "/supervisor", {"do": "kill"}) == {"running": False}
        with pytest.raises(ControlError, match=r"^400"):
            client.ask("POST", "/supervisor", {"do": "dance"})


def test_a_sandbox_stops_under_a_waiting_poll() -> None:
    """The poll ends with it, long before its own fifty seconds: tests start hundreds."""
    with running_sandbox() as sandbox:
        bot = BotByHand(sandbox.url, sandbox.token)
        polling = threading.Thread(target=bot.call, args=("getUpdates",), kwargs={"timeout": 50})
        with poll_begun(sandbox.world):
            polling.start()
    polling.join(PATIENCE)
    assert not polling.is_alive()
