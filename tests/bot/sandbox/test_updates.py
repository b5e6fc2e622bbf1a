"""How updates reach the bot: what is kept, forgotten, repeated and kept in order."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from typing import Any

import pytest

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.faults import Fault
from bot.sandbox.refusals import OTHER_POLLER, WEBHOOK_IS_ACTIVE, WEBHOOK_WAS_SET
from bot.sandbox.schema import conform
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import Person
from tests.bot.resting import poll_begun
from tests.bot.sandbox.methods.calling import StillClock
from tests.deadlines import PATIENCE, wait_until

ANA, LUIS = 501, 502


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.world.reset()
    for person in (Person(ANA, "Ana"), Person(LUIS, "Luis")):
        running.world.add_person(person, started=True)
    return running


def until(condition: Callable[[], bool], what: str = "what the test waits for") -> None:
    wait_until(condition, what)


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


# -------------------------------------------------------------------- getUpdates
def test_an_update_comes_until_a_later_one_is_asked_for(sandbox: Sandbox, bot: BotByHand) -> None:
    """The offset is the only acknowledgement; numbers count up by one."""
    for text in ("a", "b", "c"):
        people.say(sandbox.world, ANA, text)
    first = bot.do("getUpdates")
    assert texts(first) == texts(bot.do("getUpdates")) == ["a", "b", "c"]
    conform("Update", first[0])
    numbers = [update["update_id"] for update in first]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert texts(bot.do("getUpdates", offset=numbers[1])) == ["b", "c"]
    assert texts(bot.do("getUpdates", limit=1)) == ["b"]
    assert bot.do("getUpdates", offset=numbers[2] + 1) == []


def test_a_negative_offset_forgets_all_but_the_last(sandbox: Sandbox, bot: BotByHand) -> None:
    """-1 is how bots skip what happened while they slept."""
    for text in ("a", "b", "c"):
        people.say(sandbox.world, ANA, text)
    assert texts(bot.do("getUpdates", offset=-1)) == ["c"]
    assert texts(bot.do("getUpdates")) == ["c"]


def test_an_offset_from_elsewhere_forgets_nothing(sandbox: Sandbox, bot: BotByHand) -> None:
    """Numbers belong to one Bot API: one that is more than ten ahead was learnt at another, and is not believed."""
    people.say(sandbox.world, ANA, "a")
    number = sandbox.world.bot.next_update_id
    assert texts(bot.do("getUpdates", offset=number + 11)) == ["a"]
    assert bot.do("getUpdates", offset=number + 10) == []


def test_after_an_idle_week_numbers_begin_anywhere(sandbox: Sandbox, bot: BotByHand) -> None:
    """So neither "greater" nor "the last one I saw" says whether an update is new."""
    people.say(sandbox.world, ANA, "a")
    sandbox.world.move_clock(by=7 * 86400 - 60)
    people.say(sandbox.world, ANA, "b")
    sandbox.world.move_clock(by=7 * 86400)
    people.say(sandbox.world, ANA, "c")
    people.say(sandbox.world, ANA, "d")
    numbers = [posted.update_id for posted in sandbox.world.updates]
    assert numbers[1] == numbers[0] + 1
    assert abs(numbers[2] - numbers[1]) > 1
    assert numbers[3] == numbers[2] + 1
    assert texts(bot.do("getUpdates")) == ["c", "d"]


def test_a_waiting_poll_ends_with_the_first_update(sandbox: Sandbox, bot: BotByHand) -> None:
    """Long polling, not polling."""
    with ThreadPoolExecutor() as threads:
        with poll_begun(sandbox.world):
            polling = threads.submit(bot.do, "getUpdates", timeout=20)
        assert not polling.done()
        people.say(sandbox.world, ANA, "hola")
        assert texts(polling.result(PATIENCE)) == ["hola"]  # long before its own twenty seconds


def test_a_poll_waits_no_longer_than_it_said(bot: BotByHand) -> None:
    """Then it is empty."""
    assert bot.do("getUpdates", timeout=1) == []


def test_moving_the_clock_ends_the_poll_empty(sandbox: Sandbox, bot: BotByHand) -> None:
    """So the bot sees the new time in the next header at once."""
    with ThreadPoolExecutor() as threads:
        with poll_begun(sandbox.world):
            polling = threads.submit(bot.do, "getUpdates", timeout=20)
        sandbox.world.move_clock(by=86400)
        assert polling.result(PATIENCE) == []


def test_the_older_of_two_pollers_loses(sandbox: Sandbox, bot: BotByHand) -> None:
    """409 in Telegram's words; the newer one goes on waiting."""
    with ThreadPoolExecutor() as threads:
        with poll_begun(sandbox.world):
            older = threads.submit(bot.call, "getUpdates", timeout=20)
        newer = threads.submit(bot.call, "getUpdates", timeout=1)
        assert older.result(PATIENCE) == {"ok": False, "error_code": 409, "description": OTHER_POLLER}
        assert newer.result(PATIENCE) == {"ok": True, "result": []}


def test_updates_older_than_a_day_and_taps_older_than_150_seconds_are_gone(sandbox: Sandbox, bot: BotByHand) -> None:
    """By the sandbox clock."""
    sent = bot.do(
        "sendMessage", chat_id=ANA, text="x", reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]}
    )
    people.tap(sandbox.world, ANA, sent["message_id"], text="x")
    people.say(sandbox.world, ANA, "hola")
    assert len(bot.do("getUpdates")) == 2
    sandbox.world.move_clock(by=150)
    assert texts(bot.do("getUpdates")) == ["hola"]
    sandbox.world.move_clock(by=24 * 3600)
    assert bot.do("getUpdates") == []


def test_only_the_kinds_asked_for_are_kept(sandbox: Sandbox, bot: BotByHand) -> None:
    """The choice holds until the next one, and for updates that come after it; an empty one is Telegram's own."""
    bot.do("getUpdates", allowed_updates=["edited_message"])
    said = people.say(sandbox.world, ANA, "a")
    people.edit(sandbox.world, ANA, said["message_id"], "b")
    assert [set(update) - {"update_id"} for update in bot.do("getUpdates")] == [{"edited_message"}]
    bot.do("getUpdates", allowed_updates=[])
    people.say(sandbox.world, ANA, "c")
    assert len(bot.do("getUpdates")) == 2


def test_any_update_can_be_put_in_as_it_stands(sandbox: Sandbox, bot: BotByHand) -> None:
    """With its own number or the next one; unknown kinds, nonsense and repeated numbers included."""
    number = sandbox.world.inject({"message_reaction": {"nonsense": True}})
    sandbox.world.inject({"update_id": number, "from_the_future": [1]})
    assert bot.do("getUpdates") == [
        {"update_id": number, "message_reaction": {"nonsense": True}},
        {"update_id": number, "from_the_future": [1]},
    ]


def test_an_acknowledgement_may_get_lost(sandbox: Sandbox, bot: BotByHand) -> None:
    """The fault `repeat`: the same updates come again, as they do when Telegram's answer or our call was lost."""
    people.say(sandbox.world, ANA, "a")
    number = bot.do("getUpdates")[0]["update_id"]
    fault = sandbox.world.faults.add(Fault("repeat", method="getUpdates", times=1))
    assert texts(bot.do("getUpdates", offset=number + 1)) == ["a"]
    assert bot.do("getUpdates", offset=number + 1) == []
    assert fault.hits == 1


# -------------------------------------------------------------------- webhook
class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it gets, and answers as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.lock = threading.Lock()
        self.held: dict[str, threading.Event] = {}  # texts that are answered only when the event is set
        self.url = f"http://127.0.0.1:{self.server_address[1]}/telegram"


class Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        update = loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = update.get("message", {}).get("text", "")
        if text in self.server.held:
            self.server.held[text].wait(PATIENCE)
        with self.server.lock:  # whoever sees what it got knows that the next answer is for the next one
            status, headers, body = self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
            self.server.headers.append(dict(self.headers))
            self.server.got.append(update)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_gets_updates_with_its_secret(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """And what was waiting before it was set."""
    people.say(sandbox.world, ANA, "antes")
    answer = bot.call("setWebhook", url=hook.url, secret_token="s3cret_-")
    assert answer == {"ok": True, "result": True, "description": "Webhook was set"}
    people.say(sandbox.world, ANA, "después")
    until(lambda: len(hook.got) == 2)
    assert texts(hook.got) == ["antes", "después"]
    assert {headers["X-Telegram-Bot-Api-Secret-Token"] for headers in hook.headers} == {"s3cret_-"}
    until(lambda: bot.do("getWebhookInfo")["pending_update_count"] == 0)
    assert bot.do("getWebhookInfo")["url"] == hook.url


def test_polling_and_a_webhook_exclude_each_other(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """Setting one ends the poll that waits; polling beside it is a conflict; deleting it is not."""
    with ThreadPoolExecutor() as threads:
        with poll_begun(sandbox.world):
            polling = threads.submit(bot.call, "getUpdates", timeout=20)
        bot.do("setWebhook", url=hook.url)
        assert polling.result(PATIENCE)["description"] == WEBHOOK_WAS_SET
    assert bot.call("getUpdates") == {"ok": False, "error_code": 409, "description": WEBHOOK_IS_ACTIVE}
    assert bot.call("deleteWebhook")["description"] == "Webhook was deleted"
    assert bot.call("deleteWebhook")["description"] == "Webhook is already deleted"
    assert bot.do("getUpdates") == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"url": "http://example.org/x"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "https://example.org:99/x"}, "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ({"url": "https://example.org/x", "secret_token": "año"}, "secret token contains unallowed characters"),
    ],
)
def test_a_webhook_telegram_would_not_call_is_refused(bot: BotByHand, params: dict[str, str], words: str) -> None:
    """HTTPS, a port Telegram knows, a secret of plain letters."""
    assert bot.refusal("setWebhook", **params) == f"Bad Request: {words}"


def waiting(sandbox: Sandbox) -> list[str]:
    """What the hook has not accepted, as Telegram knows: an answer is on its way when the hook has got an update."""
    with sandbox.world.lock:
        return [each.body["message"]["text"] for each in sandbox.world.bot.pending]


def carried(sandbox: Sandbox, bot: BotByHand) -> list[str]:
    """What is on its way to the hook once the sandbox has looked at all that was said: before it answers, it has."""
    assert bot.do("getMe")
    with sandbox.world.lock:
        return [each.body["message"]["text"] for each in sandbox.world.bot.pending if each.is_under_way]


def test_what_is_not_accepted_comes_again_and_the_chat_waits(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """At once, then when Retry-After says, by the sandbox clock; other chats are not held up."""
    hook.answers = [(503, {}, b""), (503, {"Retry-After": "600"}, b"")]
    bot.do("setWebhook", url=hook.url)
    people.say(sandbox.world, ANA, "a")
    (pending,) = sandbox.world.bot.pending
    until(lambda: pending.fails == 2)
    people.say(sandbox.world, ANA, "b")
    people.say(sandbox.world, LUIS, "c")
    until(lambda: waiting(sandbox) == ["a", "b"])
    assert texts(hook.got) == ["a", "a", "c"]
    assert carried(sandbox, bot) == []
    assert bot.do("getWebhookInfo")["last_error_message"].startswith("Wrong response from the webhook: 503")
    sandbox.world.move_clock(by=600)
    until(lambda: len(hook.got) == 5)
    assert texts(hook.got)[3:] == ["a", "b"]


def test_each_try_is_later_than_the_one_before_and_too_late_is_never(
    sandbox: Sandbox, bot: BotByHand, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, after 2 s, 4 s, 8 s, up to one or two minutes; what would come after its day is dropped."""
    world = sandbox.world
    monkeypatch.setattr(world, "clock", StillClock(world.now()))
    hook.answers = [(500, {}, b"")] * 10
    bot.do("setWebhook", url=hook.url)
    people.say(world, ANA, "a")
    (pending,) = world.bot.pending
    waits = []
    for tries in range(2, 11):
        until(lambda tries=tries: pending.fails >= tries and not pending.is_under_way)  # type: ignore[misc]
        waits.append(round(pending.due_at - world.now()))
        world.move_clock(by=waits[-1] + 1)
    assert waits[:5] == [2, 4, 8, 16, 32]
    assert all(60 <= wait <= 120 for wait in waits[5:])
    until(lambda: bot.do("getWebhookInfo")["pending_update_count"] == 0)
    hook.answers = [(503, {"Retry-After": "3600"}, b"")]
    people.say(world, ANA, "b")
    until(lambda: len(hook.got) == 12)
    (pending,) = world.bot.pending
    until(lambda: not pending.is_under_way)
    pending.expires_at = world.now() + 3700
    hook.answers = [(503, {"Retry-After": "99999"}, b"")]
    world.move_clock(by=3600)
    until(lambda: bot.do("getWebhookInfo")["pending_update_count"] == 0)
    assert texts(hook.got) == ["a"] * 11 + ["b"] * 2


def test_a_new_webhook_is_tried_at_once_and_has_no_errors(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """Setting the same one again changes nothing; what failed at the old address does not wait at the new one."""
    hook.answers = [(503, {"Retry-After": "3600"}, b"")]
    bot.do("setWebhook", url=f"{hook.url}?old")
    people.say(sandbox.world, ANA, "a")
    until(lambda: "last_error_date" in bot.do("getWebhookInfo"))
    assert bot.call("setWebhook", url=f"{hook.url}?old")["description"] == "Webhook is already set"
    info = bot.do("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"
    assert info["last_error_date"] == pytest.approx(sandbox.world.now(), abs=PATIENCE)
    conform("WebhookInfo", info)
    bot.do("setWebhook", url=hook.url, max_connections=7)
    until(lambda: len(hook.got) == 2)
    info = bot.do("getWebhookInfo")
    assert (info["max_connections"], "last_error_date" in info) == (7, False)


def test_no_more_connections_than_the_bot_allows(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """`max_connections`: with one, even different chats come one after the other."""
    hook.held["a"] = threading.Event()
    bot.do("setWebhook", url=hook.url, max_connections=1)
    for person, text in ((ANA, "a"), (LUIS, "b"), (ANA, "c")):
        people.say(sandbox.world, person, text)
    until(lambda: any(pending.is_under_way for pending in sandbox.world.bot.pending))
    assert carried(sandbox, bot) == ["a"]
    assert hook.got == []
    hook.held["a"].set()
    until(lambda: len(hook.got) == 3)
    assert texts(hook.got) == ["a", "b", "c"]


def test_taps_of_a_person_keep_their_order_but_may_overtake_a_text(
    sandbox: Sandbox, bot: BotByHand, hook: Hook
) -> None:
    """Messages are one line, taps another, and so is what the person does to the chat itself (block, unblock)."""
    keyboard = {"inline_keyboard": [[{"text": name, "callback_data": name} for name in "xy"]]}
    card = bot.do("sendMessage", chat_id=ANA, text="?", reply_markup=keyboard)
    hook.held["a"] = threading.Event()
    bot.do("setWebhook", url=hook.url)
    people.say(sandbox.world, ANA, "a")
    people.tap(sandbox.world, ANA, card["message_id"], text="x")
    people.tap(sandbox.world, ANA, card["message_id"], text="y")
    people.block(sandbox.world, ANA)
    until(lambda: len(hook.got) == 3)
    hook.held["a"].set()
    until(lambda: len(hook.got) == 4)
    assert [update["callback_query"]["data"] for update in hook.got if "callback_query" in update] == ["x", "y"]
    assert "message" in hook.got[-1]


def test_one_chat_is_carried_in_order_while_others_overtake(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """Several connections, one line per chat."""
    hook.held["a"] = threading.Event()
    bot.do("setWebhook", url=hook.url)
    for person, text in ((ANA, "a"), (ANA, "b"), (LUIS, "c")):
        people.say(sandbox.world, person, text)
    until(lambda: len(hook.got) == 1)
    hook.held["a"].set()
    until(lambda: len(hook.got) == 3)
    assert texts(hook.got) == ["c", "a", "b"]


def test_a_method_may_ride_on_the_webhooks_answer(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """It is performed, and its outcome told to nobody; a get method is not."""
    reply = dumps({"method": "sendMessage", "chat_id": ANA, "text": "<b>", "parse_mode": "HTML"}).encode()
    good = dumps({"method": "sendMessage", "chat_id": ANA, "text": "pasa"}).encode()
    asking = dumps({"method": "getMe"}).encode()
    hook.answers = [(200, {"Content-Type": "application/json"}, body) for body in (reply, good, asking)]
    bot.do("setWebhook", url=hook.url)
    for text in ("a", "b", "c"):
        people.say(sandbox.world, ANA, text)

    def ridden() -> list[tuple[str, int]]:
        return [(call.method, call.status) for call in sandbox.world.calls if call.via == "webhook"]

    until(lambda: len(ridden()) == 2 and waiting(sandbox) == [])
    assert ridden() == [("sendMessage", 400), ("sendMessage", 200)]
    assert len(sandbox.world.ledger.entries) == 1


def test_a_delivery_can_be_cut_before_or_after_it_arrived(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """Faults on "webhook"; either way the update comes again."""
    bot.do("setWebhook", url=hook.url)
    before = sandbox.world.faults.add(Fault("reset", method="webhook", when="before", times=1))
    people.say(sandbox.world, ANA, "a")
    until(lambda: len(hook.got) == 1)
    after = sandbox.world.faults.add(Fault("reset", method="webhook", when="after", times=1))
    people.say(sandbox.world, ANA, "b")
    until(lambda: len(hook.got) == 3)
    assert texts(hook.got) == ["a", "b", "b"]
    assert (before.hits, after.hits) == (1, 1)


def test_a_delivery_can_be_slow(sandbox: Sandbox, bot: BotByHand, hook: Hook) -> None:
    """It is carried all the same, once."""
    slow = sandbox.world.faults.add(Fault("slow", method="webhook", delay=0.05, times=1))
    bot.do("setWebhook", url=hook.url)
    for text in ("a", "b"):
        people.say(sandbox.world, ANA, text)
    until(lambda: len(hook.got) == 2)
    assert (texts(hook.got), slow.hits) == (["a", "b"], 1)


@pytest.mark.parametrize("method", ["setWebhook", "deleteWebhook"])
def test_what_waits_can_be_dropped(sandbox: Sandbox, bot: BotByHand, hook: Hook, method: str) -> None:
    """`drop_pending_updates`; without it nothing is lost by changing from one way to the other."""
    people.say(sandbox.world, ANA, "a")
    bot.do(method, url="")
    assert texts(bot.do("getUpdates")) == ["a"]
    bot.do(method, drop_pending_updates=True, **({"url": hook.url} if method == "setWebhook" else {}))
    assert bot.do("getWebhookInfo")["pending_update_count"] == 0
    people.say(sandbox.world, ANA, "b")
    bot.do("deleteWebhook")
    assert "a" not in texts(hook.got)


def test_a_webhook_nobody_serves_is_tried_until_it_is(sandbox: Sandbox, bot: BotByHand) -> None:
    """The update waits; the error can be read."""
    bot.do("setWebhook", url="http://127.0.0.1:9/x")
    people.say(sandbox.world, ANA, "a")
    until(lambda: "last_error_message" in bot.do("getWebhookInfo"))
    assert bot.do("getWebhookInfo")["last_error_message"] == "Connection refused"
    assert bot.do("getWebhookInfo")["pending_update_count"] == 1


def test_a_bell_wakes_waiters_of_any_loop() -> None:
    """A ring between looking and waiting is not missed."""
    from bot.sandbox.clock import Bell

    bell = Bell()

    async def wait() -> bool:
        waiter = bell.waiter()
        threading.Timer(0.05, bell.ring).start()
        done, _ = await asyncio.wait([waiter], timeout=PATIENCE)
        return waiter in done

    assert asyncio.run(wait())
