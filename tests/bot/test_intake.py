"""The intake by polling: applied and durable first, acknowledged after that; order, poison, floods, alarms (G1–G3)."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from wire import (
    ANA,
    LUIS,
    ROSA,
    Echo,
    HandClock,
    calls,
    empty_database,
    opened,
    people_of,
    quiet,
    running,
    texts,
    until,
)

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox, running_sandbox
from bot.telegram.handled import Handled, TokenRejected
from bot.telegram.intake import WEBHOOK_FACT, Flood, chat_of, update_type
from storage.database import Database
from storage.errors import Unavailable
from storage.unit_of_work import UnitOfWork


@pytest.fixture(scope="module")
def telegram() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(telegram: Sandbox) -> Sandbox:
    people_of(telegram)
    return telegram


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with opened(empty_database(request.param, tmp_path), tmp_path) as found:
        yield found


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """Where the kind of database makes no difference."""
    with opened(empty_database("sqlite", tmp_path), tmp_path) as found:
        yield found


def pending(sandbox: Sandbox) -> int:
    return len(sandbox.world.bot.pending)


class Gate(Echo):  # type: ignore[misc, valid-type]
    """An echo that fails as an absent database would, or waits, until the test lets it through."""

    def __init__(self, bot_id: int) -> None:
        super().__init__(bot_id)
        self.is_away = threading.Event()
        self.is_open = threading.Event()
        self.is_open.set()
        self.slow_chat: int | None = None
        self.attempts: list[int] = []

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        self.attempts.append(raw["update_id"])
        if self.is_away.is_set():
            raise Unavailable("the database is away")
        if chat_of(raw) == self.slow_chat:
            self.is_open.wait(10)
        handled: Handled = super().handle(unit, raw, now)
        return handled


# ------------------------------------------------------------------ acknowledging
async def test_an_update_is_acknowledged_only_after_it_is_durable(sandbox: Sandbox, sqlite: Database) -> None:
    """While the database is away nothing is acknowledged; when it is back everything is applied, in order (G1)."""
    gates: list[Gate] = []

    def handle(bot_id: int) -> Any:
        gates.append(Gate(bot_id))
        gates[0].is_away.set()
        return gates[0].handle

    for number in range(3):
        people.say(sandbox.world, ANA, f"{number}")
        people.say(sandbox.world, LUIS, f"{number}")
    async with running(sandbox, sqlite, polls=True, handle=handle) as bot:
        await until(lambda: len(gates[0].attempts) >= 6)
        assert pending(sandbox) == 6
        assert texts(sandbox, ANA) == []
        gates[0].is_away.clear()
        await until(lambda: len(texts(sandbox, ANA)) == 3 and len(texts(sandbox, LUIS)) == 3)
        await until(lambda: pending(sandbox) == 0)
        assert await bot.heard(ANA) == await bot.heard(LUIS) == ["0", "1", "2"]


async def test_a_redelivered_update_changes_nothing(sandbox: Sandbox, database: Database) -> None:
    """Telegram may deliver anything again: no second effect, no second reply (G2)."""
    rule = sandbox.world.faults.add(Fault("repeat", method="getUpdates", times=4))
    for number in range(5):
        people.say(sandbox.world, ANA, f"{number}")
    async with running(sandbox, database, polls=True) as bot:
        await until(lambda: rule.hits == 4)
        await until(lambda: pending(sandbox) == 0)
        await quiet(bot)
        assert await bot.heard(ANA) == ["0", "1", "2", "3", "4"]
    assert texts(sandbox, ANA) == ["1: 0", "2: 1", "3: 2", "4: 3", "5: 4"]


async def test_a_restart_does_not_repeat_what_was_done(sandbox: Sandbox, database: Database) -> None:
    """The new process begins without an offset; what it is told again it recognises."""
    people.say(sandbox.world, ANA, "once")
    async with running(sandbox, database, polls=True):
        await until(lambda: texts(sandbox, ANA) == ["1: once"])
    await until(lambda: pending(sandbox) == 0)
    people.say(sandbox.world, ANA, "twice")
    async with running(sandbox, database, polls=True) as bot:
        await until(lambda: len(texts(sandbox, ANA)) == 2)
        assert await bot.heard(ANA) == ["once", "twice"]


@pytest.mark.parametrize("kind", ["reset", "timeout", "5xx", "html", "truncated", "429"])
async def test_no_trouble_with_getupdates_loses_anything(sandbox: Sandbox, sqlite: Database, kind: Any) -> None:
    """Whatever breaks on the way, the updates are still with Telegram and come again."""
    rule = sandbox.world.faults.add(Fault(kind, method="getUpdates", times=2, when="after", delay=0.1))
    people.say(sandbox.world, ANA, "hello")
    async with running(sandbox, sqlite, polls=True):
        await until(lambda: texts(sandbox, ANA) == ["1: hello"])
        await until(lambda: pending(sandbox) == 0)
    assert rule.hits == 2


async def test_updates_whose_numbers_start_anew_are_taken(sandbox: Sandbox, sqlite: Database) -> None:
    """After an idle week numbers begin anywhere, lower too: once told, an offset is not insisted on."""
    people.say(sandbox.world, ANA, "before")
    async with running(sandbox, sqlite, polls=True):
        await until(lambda: texts(sandbox, ANA) == ["1: before"])
        await until(lambda: pending(sandbox) == 0)
        before = sandbox.world.bot.next_update_id
        sandbox.world.bot.next_update_id = 17
        people.say(sandbox.world, ANA, "after")
        await until(lambda: len(texts(sandbox, ANA)) == 2)
        await until(lambda: pending(sandbox) == 0)
    sandbox.world.bot.next_update_id = before + 1_000


# ------------------------------------------------------------------ order and poison
async def test_poison_is_set_aside_after_five_tries_and_its_chat_goes_on(sandbox: Sandbox, database: Database) -> None:
    """Its kind and the place of the failure are kept, its content is not (GUARANTEES §1)."""
    for line in ("before", "poison: María", "after"):
        people.say(sandbox.world, ANA, line)
    async with running(sandbox, database, polls=True) as bot:
        await until(lambda: len(texts(sandbox, ANA)) == 2)
        await until(lambda: pending(sandbox) == 0)
        assert await bot.heard(ANA) == ["before", "after"]
        [row] = await bot.poison()
    assert row.update_type == "message"
    assert "Poison at" in row.reason
    assert "María" not in str(row)
    assert texts(sandbox, ANA) == ["1: before", "2: after"]


async def test_while_one_chat_digests_poison_the_others_are_served(sandbox: Sandbox, sqlite: Database) -> None:
    """Later updates of that chat wait for it, and nobody else does (G3)."""
    people.say(sandbox.world, ANA, "poison")
    people.say(sandbox.world, ANA, "after")
    async with running(sandbox, sqlite, polls=True):
        await asyncio.sleep(0.05)
        people.say(sandbox.world, LUIS, "quick")
        await until(lambda: texts(sandbox, LUIS) == ["1: quick"], 0.4)
        assert texts(sandbox, ANA) == []
        await until(lambda: texts(sandbox, ANA) == ["1: after"])


async def test_while_one_update_does_not_commit_others_are_fetched_and_applied(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The offset stays at the unfinished one; what comes again because of it is recognised ."""
    gates: list[Gate] = []

    def handle(bot_id: int) -> Any:
        gates.append(Gate(bot_id))
        gates[0].slow_chat = ANA
        gates[0].is_open.clear()
        return gates[0].handle

    with opened(empty_database("postgresql", tmp_path), tmp_path) as database:
        people.say(sandbox.world, ANA, "slow")
        async with running(sandbox, database, polls=True, handle=handle) as bot:
            for number in range(3):
                await asyncio.sleep(0.3)
                people.say(sandbox.world, LUIS, f"{number}")
                await until(lambda expected=number + 1: len(texts(sandbox, LUIS)) == expected, 2.0)  # type: ignore[misc]
            assert pending(sandbox) == 4
            gates[0].is_open.set()
            await until(lambda: texts(sandbox, ANA) == ["1: slow"])
            await until(lambda: pending(sandbox) == 0)
            assert await bot.heard(LUIS) == ["0", "1", "2"]
    assert len(gates[0].attempts) == 4


async def test_a_failure_takes_those_behind_it_along(sandbox: Sandbox, sqlite: Database) -> None:
    """What stands behind an update that could not be applied must not overtake it (G3)."""
    gates: list[Gate] = []

    def handle(bot_id: int) -> Any:
        gates.append(Gate(bot_id))
        return gates[0].handle

    async with running(sandbox, sqlite, handle=handle) as bot:
        gates[0].is_away.set()
        updates = [_message(number, ANA, f"{number}") for number in (1, 2, 3)]
        failed = await asyncio.gather(*(bot.intake.apply(update) for update in updates), return_exceptions=True)
        assert [type(each) for each in failed] == [Unavailable] * 3
        gates[0].is_away.clear()
        await asyncio.gather(*(bot.intake.apply(update) for update in updates))
        assert await bot.heard(ANA) == ["1", "2", "3"]


async def test_an_update_that_is_being_applied_is_not_applied_again(sandbox: Sandbox, sqlite: Database) -> None:
    """Telegram repeats a webhook's delivery that takes long: both wait for the same commit."""
    gates: list[Gate] = []

    def handle(bot_id: int) -> Any:
        gates.append(Gate(bot_id))
        return gates[0].handle

    async with running(sandbox, sqlite, handle=handle) as bot:
        update = _message(1, ANA, "x")
        first, second = bot.intake.apply(update), bot.intake.apply(update)
        assert first is second
        await first
    assert gates[0].attempts == [1]


def _message(update_id: int, chat_id: int, text: str) -> dict[str, Any]:
    return {"update_id": update_id, "message": {"message_id": update_id, "chat": {"id": chat_id}, "text": text}}


@pytest.mark.parametrize(
    ("update", "kind", "chat"),
    [
        ({"update_id": 1, "message": {"chat": {"id": 5}, "from": {"id": 6}}}, "message", 5),
        ({"update_id": 1, "callback_query": {"from": {"id": 6}, "message": {"chat": {"id": 5}}}}, "callback_query", 5),
        ({"update_id": 1, "callback_query": {"from": {"id": 6}, "inline_message_id": "x"}}, "callback_query", 6),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": 5}, "from": {"id": 6}}}, "my_chat_member", 5),
        ({"update_id": 1, "poll": {"id": "7"}}, "poll", None),
        ({"update_id": 1, "message": 5}, "message", None),
        ({"update_id": 1, "message": {"chat": {"id": "five"}}}, "message", None),
        ({"update_id": 1}, "nothing", None),
    ],
)
def test_an_updates_chat_is_found_whatever_it_is(update: dict[str, Any], kind: str, chat: int | None) -> None:
    """Order is per chat; a malformed update has none, and is still applied (and set aside)."""
    assert (update_type(update), chat_of(update)) == (kind, chat)


# ------------------------------------------------------------------ floods
def test_a_flood_is_slowed_and_never_dropped() -> None:
    """Thirty at once pass; then three a second (S16)."""
    flood = Flood(30, 10.0)
    waits = [flood.wait(ANA, 100.0) for _ in range(33)]
    assert waits[:30] == [0.0] * 30
    assert waits[30:] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert flood.wait(LUIS, 100.0) == 0.0
    assert flood.wait(ANA, 200.0) == 0.0


def test_a_flood_does_not_fill_telegrams_queue() -> None:
    """More than half a batch is not held back: everybody else would wait behind it."""
    flood = Flood(1, 10.0, held=5)
    waits = [flood.wait(ANA, 100.0) for _ in range(20)]
    assert sum(1 for wait in waits if wait > 0) == 5
    for _ in range(5):
        flood.released()
    assert flood.wait(ANA, 100.0) > 0


async def test_one_person_flooding_does_not_keep_others_waiting(sandbox: Sandbox, sqlite: Database) -> None:
    """Everything of the flood is answered, later; the others at once."""
    for number in range(60):
        people.say(sandbox.world, ANA, f"{number}")
    async with running(sandbox, sqlite, polls=True, flood=Flood(20, 0.5, held=50)) as bot:
        await until(lambda: len(texts(sandbox, ANA)) >= 20)
        people.say(sandbox.world, LUIS, "quick")
        await until(lambda: texts(sandbox, LUIS) == ["1: quick"], 0.5)
        assert len(texts(sandbox, ANA)) < 60
        await until(lambda: len(texts(sandbox, ANA)) == 60)
        assert await bot.heard(ANA) == [f"{number}" for number in range(60)]


# ------------------------------------------------------------------ alarms
async def test_a_second_poller_is_an_alarm_within_ten_seconds(sandbox: Sandbox, sqlite: Database) -> None:
    """A 409 may be a thief with the token: the operator is told, and the bot goes on (T6)."""
    alarms: list[str] = []
    thief = BotByHand(sandbox.url, sandbox.token)
    async with running(sandbox, sqlite, polls=True, alarm=lambda kind, _: alarms.append(kind)):
        begun = asyncio.get_running_loop().time()
        while not alarms:
            assert asyncio.get_running_loop().time() - begun < 10
            await asyncio.to_thread(thief.call, "getUpdates", timeout=1)
            await asyncio.sleep(0.2)
        people.say(sandbox.world, ANA, "still there?")
        await until(lambda: texts(sandbox, ANA) == ["1: still there?"], 6)
    assert alarms == ["second_poller"]


async def test_a_foreign_webhook_is_an_alarm_and_not_removed(sandbox: Sandbox, sqlite: Database) -> None:
    """Updates go to somebody else: told at once, without the path, which may be that somebody's secret."""
    alarms: list[tuple[str, str]] = []
    thief = BotByHand(sandbox.url, sandbox.token)
    await asyncio.to_thread(thief.call, "setWebhook", url="http://127.0.0.1:9/thiefs-secret")
    async with running(sandbox, sqlite, polls=True, alarm=lambda *alarm: alarms.append(alarm)):
        await until(lambda: bool(alarms), 10)
        assert alarms == [("foreign_webhook", "updates go to 127.0.0.1:9")]
        assert sandbox.world.bot.webhook is not None
        await asyncio.to_thread(thief.call, "deleteWebhook")
        people.say(sandbox.world, ANA, "back")
        await until(lambda: texts(sandbox, ANA) == ["1: back"], 6)


async def test_our_own_webhook_is_taken_off_when_we_poll(sandbox: Sandbox, sqlite: Database) -> None:
    """The operator changed from webhook to polling: what we set ourselves we remove ourselves."""
    ours = "http://127.0.0.1:9/telegram"
    await asyncio.to_thread(BotByHand(sandbox.url, sandbox.token).call, "setWebhook", url=ours)
    await sqlite.units.run(None, lambda unit: unit.facts.set(WEBHOOK_FACT, ours, HandClock().now()))
    people.say(sandbox.world, ROSA, "hello")
    async with running(sandbox, sqlite, polls=True, alarm=lambda *_: pytest.fail("no alarm")):
        await until(lambda: texts(sandbox, ROSA) == ["1: hello"])


async def test_a_rejected_token_ends_polling(sandbox: Sandbox, sqlite: Database) -> None:
    """401: the bot stops, and says which setting it is."""
    sandbox.world.faults.add(Fault("refuse", method="getUpdates", status=401, description="Unauthorized"))
    with pytest.RaisesGroup(pytest.RaisesExc(TokenRejected)):
        async with running(sandbox, sqlite, polls=True):
            await asyncio.sleep(5)


async def test_only_what_we_handle_is_asked_for(sandbox: Sandbox, sqlite: Database) -> None:
    """Without a list Telegram sends what an earlier bot of this token asked for."""
    async with running(sandbox, sqlite, polls=True):
        await until(lambda: bool(calls(sandbox, "getUpdates")))
    assert calls(sandbox, "getUpdates")[0].params["allowed_updates"] == [
        "message", "edited_message", "callback_query", "my_chat_member",
    ]  # fmt: skip


async def test_stopping_commits_and_acknowledges_what_was_fetched(sandbox: Sandbox, database: Database) -> None:
    """A clean stop ends the long poll at once; nothing is left half done."""
    for number in range(30):
        people.say(sandbox.world, ANA, f"{number}")
    begun = asyncio.get_running_loop().time()
    async with running(sandbox, database, polls=True):
        await until(lambda: len(texts(sandbox, ANA)) >= 1)
    assert asyncio.get_running_loop().time() - begun < 5
    assert len(texts(sandbox, ANA)) == 30 - pending(sandbox)
