"""What is kept by another process, or after an unclean end, or while the bot stops: nothing overtakes it (G1, G3)."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import people
from bot.sandbox.server import Sandbox
from bot.telegram import intake
from bot.telegram.handled import Handled
from bot.telegram.waiting import MOST_POSTED
from storage.database.vault import KeyUnknown
from storage.messages.kept import KeptUpdates
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.holding import release, settle_and_hold
from tests.bot.telegram.excess import FLOOD, Slow, flood, kept, numbers, posted, starting
from tests.bot.telegram.wire import ANA, LUIS, Bot, empty_database, opened, pending, quiet, running, texts, until
from tests.deadlines import PATIENCE


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Slow]:
    """The handlers of the bots that this test starts."""
    monkeypatch.setattr(intake, "AGAIN", 0.05)
    return []


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """One database, opened by two processes."""
    url = empty_database("postgresql", tmp_path)
    with opened(url, tmp_path) as one, opened(url, tmp_path) as other:
        yield one, other


async def posted_in_excess(bot: Bot, count: int) -> None:
    """All at once: Telegram itself sends the next one of a chat when this one is acknowledged."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(bot.intake.apply(posted(number)) for number in range(count)))


async def test_by_webhook_too_what_is_in_excess_is_acknowledged_before_its_turn(
    sandbox: Sandbox, database: Database, slow: list[Slow]
) -> None:
    """Whoever sends forty updates of one chat at once has connections for the others again."""
    async with running(sandbox, database, handle=starting(slow, up_to=3), most_waiting=MOST_POSTED) as bot:
        await posted_in_excess(bot, 40)
        slow[0].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == 40)
        assert await bot.heard(ANA) == numbers(40)
        await quiet(bot)
        assert await kept(bot) == []


async def test_what_comes_to_another_process_stands_behind_what_is_kept(
    sandbox: Sandbox, two: tuple[Database, Database], slow: list[Slow]
) -> None:
    """The first one cannot apply it: the second one does so, before the update that was sent to it."""
    async with (
        running(sandbox, two[0], handle=starting(slow, up_to=3), most_waiting=MOST_POSTED) as first,
        running(sandbox, two[1], handle=starting(slow), most_waiting=MOST_POSTED) as second,
    ):
        slow[1].is_open.set()
        await posted_in_excess(first, 40)
        await second.intake.apply(posted(40))
        heard = await second.heard(ANA)
        assert heard == numbers(len(heard)), "it has overtaken what is kept"
        await until(lambda: len(texts(sandbox, ANA)) == 41)
        assert await second.heard(ANA) == numbers(41)
        await second.intake.apply(posted(41))
        await until(lambda: len(texts(sandbox, ANA)) == 42)
        assert await second.heard(ANA) == numbers(42)
        await quiet(first)


async def test_two_that_apply_the_same_backlog_apply_it_once(
    sandbox: Sandbox, two: tuple[Database, Database], slow: list[Slow]
) -> None:
    """Both go through it in its order, and whoever comes second to an update finds it applied."""
    async with (
        running(sandbox, two[0], handle=starting(slow, up_to=3), most_waiting=MOST_POSTED) as first,
        running(sandbox, two[1], handle=starting(slow, up_to=3), most_waiting=MOST_POSTED) as second,
    ):
        await posted_in_excess(first, 60)
        await second.intake.apply(posted(60))
        for each in slow:
            each.is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == 61)
        assert await second.heard(ANA) == numbers(61)
        await quiet(first)
        await quiet(second)


async def test_what_a_process_left_is_taken_over_by_one_that_runs(
    sandbox: Sandbox, two: tuple[Database, Database], slow: list[Slow]
) -> None:
    """Nobody writes in that chat any more. What does not move between two looks belongs to nobody."""
    async with running(sandbox, two[1], handle=starting(slow), most_waiting=MOST_POSTED) as second:
        slow[0].is_open.set()
        async with running(sandbox, two[0], handle=starting(slow, up_to=3), most_waiting=MOST_POSTED) as first:
            await posted_in_excess(first, 40)
            await first.intake.settle(PATIENCE)  # what it commits later would wait for its lease
        await second.intake.take_over()
        await second.intake.take_over()
        await until(lambda: len(texts(sandbox, ANA)) == 40)
        assert await second.heard(ANA) == numbers(40)


@pytest.mark.parametrize("way_out", ["its person writes", "the release"])
async def test_after_a_restore_what_was_kept_rests(
    sandbox: Sandbox, database: Database, slow: list[Slow], way_out: str
) -> None:
    """The phone has had its answers long ago. Nothing is said of them until its person writes, or somebody looked."""
    async with running(sandbox, database, handle=starting(slow, up_to=3), most_waiting=MOST_POSTED) as bot:
        await posted_in_excess(bot, 40)
        await until(lambda: len(texts(sandbox, ANA)) == 3)
        await quiet(bot)
        since = bot.clock.now() + timedelta(seconds=1)
    await database.units.run(None, lambda unit: settle_and_hold(unit.connection, since))
    async with running(sandbox, database, handle=starting(slow), most_waiting=MOST_POSTED) as bot:
        slow[1].is_open.set()
        await bot.intake.apply({"update_id": 1, "message": {"message_id": 1, "chat": {"id": LUIS}, "text": "one"}})
        for _ in range(3):
            await bot.intake.take_over()
        await until(lambda: texts(sandbox, LUIS) == ["1: one"])
        await quiet(bot)
        assert len(texts(sandbox, ANA)) == 3
        assert len(await kept(bot)) >= 37
        said = 40
        if way_out == "the release":
            await database.units.run(None, lambda unit: release(unit, since))
            await bot.intake.take_over()
            await bot.intake.take_over()
        else:
            await bot.intake.apply(posted(40))
            said = 41
        await until(lambda: texts(sandbox, ANA)[-1:] == [f"{said}: {said - 1}"])
        assert await bot.heard(ANA) == numbers(said)
        await quiet(bot)
        assert await kept(bot) == []


async def test_after_an_unclean_end_nobody_waits_behind_a_flood_either(
    sandbox: Sandbox, sqlite: Database, slow: list[Slow]
) -> None:
    """Updates are applied alone then, two commits each; what one chat has in excess is kept all the same."""
    flood(sandbox)
    people.say(sandbox.world, LUIS, "behind it")
    async with running(sandbox, sqlite, polls=True, handle=starting(slow, up_to=60), wary_of=10_000) as bot:
        await until(lambda: texts(sandbox, LUIS) == ["1: behind it"])
        slow[0].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD)
        assert await bot.heard(ANA) == numbers(FLOOD)
        await until(lambda: pending(sandbox) == 0)


async def test_nothing_overtakes_what_is_kept_while_the_bot_stops(
    sandbox: Sandbox, sqlite: Database, slow: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update that comes with the signal to stop waits, and is sent again."""
    flood(sandbox)
    async with running(sandbox, sqlite, polls=True, handle=starting(slow, up_to=0)):
        await until(lambda: pending(sandbox) == 0)
    read = intake.Intake._read

    def stopped_meanwhile(self: intake.Intake, *given: Any) -> None:
        read(self, *given)
        self._is_ending = True

    monkeypatch.setattr(intake.Intake, "_read", stopped_meanwhile)
    async with running(sandbox, sqlite, handle=starting(slow, up_to=FLOOD + 1)) as bot:
        late = bot.intake.apply(posted(FLOOD))
        await until(lambda: bot.intake._is_ending)
        for _ in range(3):
            assert await bot.heard(ANA) == []
        assert not late.done()
        assert len(await kept(bot)) == FLOOD


async def test_who_waits_for_a_kept_update_that_needs_a_missing_key_is_told(
    sandbox: Sandbox, sqlite: Database, slow: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is no outcome, and it is applied as soon as the key is there."""
    flood(sandbox)
    async with running(sandbox, sqlite, polls=True, handle=starting(slow, up_to=0)):
        await until(lambda: pending(sandbox) == 0)
    with monkeypatch.context() as locked:

        def missing(self: KeptUpdates, *given: Any) -> Any:
            raise KeyUnknown("k2")

        async with running(sandbox, sqlite, handle=starting(slow, up_to=0)) as bot:
            locked.setattr(KeptUpdates, "first", missing)
            bot.intake._excuse = excused
            await until(lambda: texts(sandbox, ANA) == ["a key is missing"])
            slow[1].is_open.set()
            locked.undo()
            await until(lambda: len(texts(sandbox, ANA)) == FLOOD + 1)
            assert await bot.heard(ANA) == numbers(FLOOD)


def excused(unit: UnitOfWork, chat_id: int, now: datetime) -> Handled:
    draft = OutboxDraft(chat_id, "notice", "sendMessage", {"text": "a key is missing"})
    return Handled((unit.outbox.add(draft, now=now),))
