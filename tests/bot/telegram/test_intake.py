"""The intake: applied and durable first, acknowledged after that; order and poison (G1–G3)."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram import polling
from bot.telegram.handled import Handled
from bot.telegram.intake import BURST
from bot.telegram.raw import chat_of, update_type
from bot.telegram.suspicion import Suspicion
from bot.telegram.waiting import BATCH
from storage.database.vault import KeyUnknown
from storage.errors import Unavailable
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    ROSA,
    Echo,
    empty_database,
    opened,
    pending,
    quiet,
    rows_of,
    running,
    said,
    texts,
    until,
)
from tests.deadlines import PATIENCE
from tests.deadlines import until as come


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
            self.is_open.wait(PATIENCE)
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
    """Its kind and the place of the failure are kept, its content is not (docs/reliability.md#facts-of-the-world)."""
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


async def test_who_sent_poison_is_told_in_the_unit_that_sets_it_aside(sandbox: Sandbox, database: Database) -> None:
    """One sentence, in order between the answers around it: silence is never an outcome."""

    def apologise(unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        rows = rows_of(unit, said(chat_of(raw) or 0, "sorry"), now)
        return Handled(tuple(rows))

    for line in ("before", "poison", "after"):
        people.say(sandbox.world, ANA, line)
    async with running(sandbox, database, polls=True, apologise=apologise) as bot:
        await come(lambda: len(texts(sandbox, ANA)) == 3, "an answer to each")
        assert len(await bot.poison()) == 1
    assert texts(sandbox, ANA) == ["1: before", "sorry", "2: after"]


@pytest.mark.parametrize("breaks", ["here", "in the database"])
async def test_what_cannot_even_be_said_is_set_aside_all_the_same(
    sandbox: Sandbox, database: Database, breaks: str
) -> None:
    """A failure while the person is told takes back what was to be said, and nothing else."""

    def apologise(unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        rows_of(unit, said(chat_of(raw) or 0, "sorry"), now)
        if breaks == "here":
            raise ValueError("no words")
        unit.connection.execute(text("SELECT there_is_no_such_function()"))
        return Handled()

    for line in ("poison", "after"):
        people.say(sandbox.world, ANA, line)
    async with running(sandbox, database, polls=True, apologise=apologise) as bot:
        await come(lambda: texts(sandbox, ANA) == ["1: after"], "the chat goes on")
        assert len(await bot.poison()) == 1
        assert len(await bot.outbox()) == 1


async def test_while_one_chat_digests_poison_the_others_are_served(sandbox: Sandbox, sqlite: Database) -> None:
    """Later updates of that chat wait for it, and nobody else does (G3)."""
    people.say(sandbox.world, ANA, "poison")
    people.say(sandbox.world, ANA, "after")
    people.say(sandbox.world, LUIS, "quick")
    async with running(sandbox, sqlite, polls=True):
        await until(lambda: texts(sandbox, ANA) == ["1: after"])

    assert [seen.chat for seen in sandbox.world.ledger.entries] == [LUIS, ANA]


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
                people.say(sandbox.world, LUIS, f"{number}")
                await until(lambda expected=number + 1: len(texts(sandbox, LUIS)) == expected)  # type: ignore[misc]
            assert pending(sandbox) == 4
            gates[0].is_open.set()
            await until(lambda: texts(sandbox, ANA) == ["1: slow"])
            await until(lambda: pending(sandbox) == 0)
            assert await bot.heard(LUIS) == ["0", "1", "2"]
    assert len(gates[0].attempts) == 4


async def test_whose_key_is_not_there_waits_alone_and_in_order(
    sandbox: Sandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are served as ever, it is tried now and then, and nothing of its chat overtakes it (G3)."""
    monkeypatch.setattr(polling, "LOCKED_FOR", 0.05)
    tried: list[str] = []

    class Locked(Echo):  # type: ignore[misc, valid-type]
        is_locked = True

        def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
            if chat_of(raw) == ANA:
                tried.append(raw["message"]["text"])
                if Locked.is_locked and tried[-1] == "sealed":
                    raise KeyUnknown("sealed under the key k9")
            handled: Handled = super().handle(unit, raw, now)
            return handled

    for line in ("before", "sealed", "behind"):
        people.say(sandbox.world, ANA, line)
    async with running(sandbox, sqlite, polls=True, handle=lambda bot_id: Locked(bot_id).handle) as bot:
        await until(lambda: tried.count("sealed") >= 3)
        people.say(sandbox.world, ANA, "last")
        for number in range(3):
            people.say(sandbox.world, LUIS, f"{number}")
            await until(lambda expected=number + 1: len(texts(sandbox, LUIS)) == expected)  # type: ignore[misc]
        assert set(tried) == {"before", "sealed"}
        assert bot.polling is not None
        assert bot.polling._troubles == 0
        assert texts(sandbox, ANA) == ["1: before"]
        Locked.is_locked = False
        await until(lambda: pending(sandbox) == 0)
        assert await bot.heard(ANA) == ["before", "sealed", "behind", "last"]
    assert tried[-3:] == ["sealed", "behind", "last"]


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


async def test_what_waits_in_one_chat_is_begun_together(sandbox: Sandbox, database: Database) -> None:
    """As many as may share a commit, in order; the next ones when all of these have ended."""
    async with running(sandbox, database) as bot:
        sizes: list[int] = []
        enqueue = database.units.enqueue

        def counted(key: Any, works: Any) -> None:
            if key == ANA:
                sizes.append(len(works))
            enqueue(key, works)

        database.units.enqueue = counted  # type: ignore[method-assign]
        count = 2 * BURST + 2
        await asyncio.gather(*(bot.intake.apply(_message(number, ANA, f"{number}")) for number in range(count)))

        assert sizes == [1, BURST, BURST, 1]
        assert await bot.heard(ANA) == [f"{number}" for number in range(count)]


async def test_a_failure_among_those_begun_together_takes_those_behind_it_along(
    sandbox: Sandbox, database: Database
) -> None:
    """In the midst of them, with more waiting: what is brought again is applied once and in order (G3)."""
    numbers = list(range(1, 2 * BURST + 3))
    seen: list[int] = []

    class Breaking(Echo):  # type: ignore[misc, valid-type]
        def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
            seen.append(raw["update_id"])
            if seen.count(5) == 1 and raw["update_id"] == 5:
                raise Unavailable("the database is away")
            handled: Handled = super().handle(unit, raw, now)
            return handled

    async with running(sandbox, database, handle=lambda bot_id: Breaking(bot_id).handle) as bot:
        updates = [_message(number, ANA, f"{number}") for number in numbers]
        told = await asyncio.gather(*(bot.intake.apply(each) for each in updates), return_exceptions=True)
        lost = [number for number, each in zip(numbers, told, strict=True) if isinstance(each, Unavailable)]
        assert lost == numbers[lost[0] - 1 :]
        assert lost[0] <= 5
        assert seen[:5] == [1, 2, 3, 4, 5]
        assert seen[5:] == list(range(5 - len(seen[5:]), 5))  # those that were undone with it, in order, and not it
        await asyncio.gather(*(bot.intake.apply(each) for each in updates))
        assert await bot.heard(ANA) == [f"{number}" for number in numbers]
        assert not bot.intake._lines
        assert bot.intake._open == 0


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


# ------------------------------------------------------------------ after an unclean end
def marks(unit: UnitOfWork) -> dict[int, int]:
    """How often each suspect has killed, as the next process would read it."""
    return {row.number: row.deaths for row in unit.connection.execute(text("SELECT number, deaths FROM suspect"))}


class Looking(Echo):  # type: ignore[misc, valid-type]
    """Notes of each update, in the order in which they are applied, how often its mark says that it has killed."""

    def __init__(self, bot_id: int) -> None:
        super().__init__(bot_id)
        self.seen: list[tuple[int, int]] = []

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        self.seen.append((raw["update_id"], marks(unit).get(raw["update_id"], 0)))
        handled: Handled = super().handle(unit, raw, now)
        return handled


@pytest.fixture
def looking(sandbox: Sandbox) -> Looking:
    return Looking(int(sandbox.token.partition(":")[0]))


async def test_after_an_unclean_end_updates_are_applied_alone_each_under_a_mark(
    sandbox: Sandbox, database: Database, looking: Looking
) -> None:
    """Over all chats, in order; the mark is durable before, and gone with what was applied. Then all is as ever."""
    async with running(sandbox, database, handle=lambda _: looking.handle) as bot:
        bot.intake.beware(5)
        spoken = [(1, ANA, "a"), (2, LUIS, "b"), (3, ANA, "c"), (4, ROSA, "d"), (5, LUIS, "e")]
        await asyncio.gather(*(bot.intake.apply(_message(*each)) for each in spoken))
        assert looking.seen == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]
        await bot.intake.apply(_message(6, ANA, "f"))
        assert looking.seen[5:] == [(6, 0)]
        assert await bot.heard(ANA) == ["a", "c", "f"]
        assert await database.units.run(None, marks) == {}


async def test_who_writes_afterwards_is_no_suspect_and_waits_for_those_of_their_own_chat_alone(
    sandbox: Sandbox, database: Database, looking: Looking
) -> None:
    """Two are suspected: what comes behind them is applied as ever, in its chat's order."""
    async with running(sandbox, database, handle=lambda _: looking.handle) as bot:
        bot.intake.beware(2)
        later = [(number, ANA, f"{number}") for number in range(3, 3 + 2 * BURST)]
        spoken = [(1, ANA, "1"), (2, LUIS, "2"), *later, (90, ROSA, "90")]
        await asyncio.gather(*(bot.intake.apply(_message(*each)) for each in spoken))
        assert {number for number, deaths in looking.seen if deaths} == {1, 2}
        assert await bot.heard(ANA) == ["1", *(each[2] for each in later)]
        assert not bot.intake._lines


async def test_what_is_older_than_the_first_to_come_is_a_suspect_too(
    sandbox: Sandbox, database: Database, looking: Looking
) -> None:
    """By webhook what was in flight at a death comes again long after others. What is newer was sent later."""
    async with running(sandbox, database, handle=lambda _: looking.handle) as bot:
        bot.intake.beware(2)
        for number, chat in ((500, ANA), (700, LUIS), (701, ANA), (600, ROSA), (702, ROSA), (499, LUIS)):
            await bot.intake.apply(_message(number, chat, "x"))
        assert looking.seen == [(500, 1), (700, 1), (701, 0), (600, 1), (702, 0), (499, 1)]


def test_no_more_is_suspected_than_can_have_been_in_flight() -> None:
    """A hundred that come first, and a hundred older ones. What could not be applied comes again: it counts once."""
    suspicion = Suspicion(BATCH)
    assert sum(suspicion.falls_on(1_000 + number) for number in range(500)) == BATCH
    assert suspicion.falls_on(7)
    suspicion.give_back()
    assert sum(suspicion.falls_on(number) for number in range(500)) == BATCH
    assert not Suspicion().falls_on(1)


async def test_what_an_earlier_process_died_of_three_times_is_set_aside_and_told(
    sandbox: Sandbox, database: Database
) -> None:
    """Twice is not yet enough. It is not begun any more; whoever sent it hears of it, and the operator."""
    alarms: list[str] = []

    def apologise(unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        return Handled(tuple(rows_of(unit, said(chat_of(raw) or 0, "sorry"), now)))

    async with running(sandbox, database, apologise=apologise) as bot:
        bot.intake._alarm = lambda kind, reason: alarms.append(kind)
        now = bot.clock.now()
        for update_id, deaths in ((1, 2), (2, 3), (3, 4)):
            await database.units.run(
                None, lambda unit, n=update_id, d=deaths: unit.suspects.mark("update", bot.api.bot_id, [n], d, now)
            )
        bot.intake.beware(9)
        chats = {1: ANA, 2: LUIS, 3: ROSA}
        await asyncio.gather(*(bot.intake.apply(_message(n, chat, "x")) for n, chat in chats.items()))
        await quiet(bot)
        assert (texts(sandbox, ANA), texts(sandbox, LUIS), texts(sandbox, ROSA)) == (["1: x"], ["sorry"], [])
        assert len(await bot.poison()) == len(alarms) == 2, "of the third it died even while saying so"
        assert await database.units.run(None, marks) == {}


async def test_what_may_be_set_aside_at_the_next_death_is_tried_behind_the_other_chats(
    sandbox: Sandbox, database: Database
) -> None:
    """Twice it was at the head when the process died: now everybody else is applied first, and its own chat behind it.

    A process that is killed soon after each start blames another one then. What is alone in the line waits for nobody.
    """
    order: list[str] = []

    class Noting(Echo):  # type: ignore[misc, valid-type]
        def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
            order.append(raw["message"]["text"])
            handled: Handled = super().handle(unit, raw, now)
            return handled

    async with running(sandbox, database, handle=lambda bot_id: Noting(bot_id).handle) as bot:
        now = bot.clock.now()
        await database.units.run(None, lambda unit: unit.suspects.mark("update", bot.api.bot_id, [1, 9], 2, now))
        bot.intake.beware(9)
        spoken = [(1, ANA, "a"), (2, LUIS, "b"), (3, ANA, "c"), (4, ROSA, "d"), (5, LUIS, "e")]
        await asyncio.gather(*(bot.intake.apply(_message(*each)) for each in spoken))
        assert order == ["b", "d", "e", "a", "c"]
        await bot.intake.apply(_message(9, ANA, "f"))
        assert await bot.heard(ANA) == ["a", "c", "f"]
        assert await database.units.run(None, marks) == {}


async def test_a_database_that_is_away_is_no_death(sandbox: Sandbox, database: Database) -> None:
    """What is tried again in the same process has the same mark as before."""
    gates: list[Gate] = []

    def handle(bot_id: int) -> Any:
        gates.append(Gate(bot_id))
        return gates[0].handle

    async with running(sandbox, database, handle=handle) as bot:
        bot.intake.beware()
        gates[0].is_away.set()
        for _ in range(4):
            with pytest.raises(Unavailable):
                await bot.intake.apply(_message(1, ANA, "x"))
            assert await database.units.run(None, marks) == {1: 1}
        gates[0].is_away.clear()
        await bot.intake.apply(_message(1, ANA, "x"))
        assert await bot.heard(ANA) == ["x"]


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
