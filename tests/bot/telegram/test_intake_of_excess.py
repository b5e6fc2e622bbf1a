"""What one chat sends in excess: kept and acknowledged, so that Telegram hands out what is behind it (S16, G1, G3)."""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram import intake
from bot.telegram.handled import Handled
from bot.telegram.strangers import Strangers
from bot.telegram.waiting import Line
from storage.errors import Unavailable
from storage.messages.kept import KeptUpdates
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.excess import FLOOD, Slow, flood, kept, numbers, posted, starting
from tests.bot.telegram.wire import ANA, LUIS, Echo, pending, quiet, running, texts, until


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Slow]:
    """The handlers of the bots that this test starts."""
    monkeypatch.setattr(intake, "AGAIN", 0.05)
    return []


async def test_nobody_waits_behind_what_one_chat_sends_in_excess(
    sandbox: Sandbox, database: Database, slow: list[Slow]
) -> None:
    """Whoever has 130 messages of another chat before them is answered while most of those still wait."""
    flood(sandbox)
    people.say(sandbox.world, LUIS, "behind it")
    async with running(sandbox, database, polls=True, handle=starting(slow)) as bot:
        await until(lambda: texts(sandbox, LUIS) == ["1: behind it"])
        await until(lambda: pending(sandbox) == 0)
        waiting = await kept(bot)
        assert len(waiting) >= FLOOD - slow[0].up_to
        assert not any(b"text" in bytes(row.sealed_update) for row in waiting)
        slow[0].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD)
        assert await bot.heard(ANA) == numbers(FLOOD)
        await quiet(bot)
        assert await kept(bot) == []
    assert texts(sandbox, ANA) == [f"{place + 1}: {number}" for place, number in enumerate(numbers(FLOOD))]


async def test_what_had_begun_is_kept_with_the_rest(
    sandbox: Sandbox, sqlite: Database, slow: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits until it ends, so it is acknowledged too; and if it is lost, it is still the first of its chat."""
    monkeypatch.setattr(Slow, "up_to", 0)
    flood(sandbox)
    async with running(sandbox, sqlite, polls=True, handle=starting(slow)) as bot:
        await until(lambda: pending(sandbox) == 0)
        assert await bot.heard(ANA) == []
        slow[0].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD)
        assert await bot.heard(ANA) == numbers(FLOOD)


async def test_planted_without_what_had_begun_the_order_is_another_one(
    sandbox: Sandbox, sqlite: Database, slow: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defect shows: what had begun comes again, and stands behind the rest."""
    keep_excess = Line.keep_excess

    def only_the_rest(self: Line, most: int) -> bool:
        is_any = keep_excess(self, most)
        if self.backlog is not None:
            self.backlog.first.clear()
        return is_any

    monkeypatch.setattr(Line, "keep_excess", only_the_rest)
    flood(sandbox)
    async with running(sandbox, sqlite, polls=True, handle=starting(slow, up_to=0)) as bot:
        await until(lambda: pending(sandbox) == 0)
        slow[0].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD)
        heard = await bot.heard(ANA)
        assert sorted(heard, key=int) == numbers(FLOOD)
        assert heard != numbers(FLOOD)


async def test_what_is_kept_outlives_the_process(sandbox: Sandbox, database: Database, slow: list[Slow]) -> None:
    """Telegram does not send it again, so the next process applies it first, and after it what has come since."""
    flood(sandbox)
    async with running(sandbox, database, polls=True, handle=starting(slow)):
        await until(lambda: pending(sandbox) == 0)
    flood(sandbox, FLOOD, FLOOD + 20)
    async with running(sandbox, database, polls=True, handle=starting(slow)) as bot:
        slow[1].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD + 20)
        assert await bot.heard(ANA) == numbers(FLOOD + 20)


async def test_by_webhook_what_was_kept_goes_first(sandbox: Sandbox, database: Database, slow: list[Slow]) -> None:
    """Who changes from polling to a webhook finds the backlog of a chat before its new updates."""
    flood(sandbox)
    async with running(sandbox, database, polls=True, handle=starting(slow)):
        await until(lambda: pending(sandbox) == 0)
    async with running(sandbox, database, handle=starting(slow)) as bot:
        slow[1].is_open.set()
        await bot.intake.apply(posted(FLOOD))
        assert await bot.heard(ANA) == numbers(FLOOD + 1)


async def test_what_is_kept_is_suspected_like_everything_after_an_unclean_end(
    sandbox: Sandbox, database: Database, slow: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept may be what killed the process: it is applied alone, under a mark, and in its order."""
    marked: list[int] = []
    mark = intake.Intake._mark

    def noting(self: intake.Intake, update_id: int, was_put_back: bool, unit: UnitOfWork) -> Any:
        marked.append(update_id)
        return mark(self, update_id, was_put_back, unit)

    flood(sandbox)
    async with running(sandbox, database, polls=True, handle=starting(slow)) as bot:
        await until(lambda: pending(sandbox) == 0)
    waiting = [row.update_id for row in await kept(bot)]
    # What had begun was kept with the rest, and may have been applied since: then the next process passes over it.
    del waiting[: len(waiting) + len(await bot.heard(ANA)) - FLOOD]
    monkeypatch.setattr(intake.Intake, "_mark", noting)
    people.say(sandbox.world, LUIS, "and I")
    async with running(sandbox, database, polls=True, handle=starting(slow), wary_of=20) as bot:
        slow[1].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD)
        assert await bot.heard(ANA) == numbers(FLOOD)
        assert texts(sandbox, LUIS) == ["1: and I"]
    assert [each for each in marked if each in waiting][:20] == waiting[:20]


async def test_what_comes_again_is_not_applied_again(sandbox: Sandbox, database: Database, slow: list[Slow]) -> None:
    """A batch that was kept may be sent once more, if Telegram did not hear that it was."""
    rule = sandbox.world.faults.add(Fault("repeat", method="getUpdates", times=8))
    flood(sandbox)
    async with running(sandbox, database, polls=True, handle=starting(slow)) as bot:
        await until(lambda: rule.hits == 8)
        slow[0].is_open.set()
        await until(lambda: pending(sandbox) == 0 and len(texts(sandbox, ANA)) == FLOOD)
        await quiet(bot)
        assert await bot.heard(ANA) == numbers(FLOOD)


async def test_nothing_is_acknowledged_that_could_not_be_kept(
    sandbox: Sandbox, database: Database, slow: list[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database takes nothing, Telegram keeps what is in excess; afterwards it comes again, in order (G1)."""
    is_away = threading.Event()
    is_away.set()
    tried: list[int] = []
    keep = KeptUpdates.keep

    def away(self: KeptUpdates, *given: Any) -> None:
        tried.append(len(given[2]))
        if is_away.is_set():
            raise Unavailable("the disk is full")
        keep(self, *given)

    monkeypatch.setattr(KeptUpdates, "keep", away)
    flood(sandbox)
    async with running(sandbox, database, polls=True, handle=starting(slow)) as bot:
        slow[0].is_open.set()
        await until(lambda: len(tried) >= 2)
        assert await kept(bot) == []
        is_away.clear()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD)
        await until(lambda: pending(sandbox) == 0)
        assert await bot.heard(ANA) == numbers(FLOOD)


async def test_a_kept_update_that_was_altered_is_set_aside(
    sandbox: Sandbox, database: Database, slow: list[Slow]
) -> None:
    """Its seal does not open: the operator is told, and the chat goes on with the next one."""
    flood(sandbox)
    async with running(sandbox, database, polls=True, handle=starting(slow)) as bot:
        await until(lambda: pending(sandbox) == 0)
        broken = (await kept(bot))[90]  # of 130 the first 32 may be applied by now, and are not kept then
        cut = {"sealed": bytes(broken.sealed_update)[:-1], "id": broken.id}
        alter = text("UPDATE kept_update SET sealed_update = :sealed WHERE id = :id")
        await database.units.run(None, lambda unit: unit.connection.execute(alter, cut).close())
        slow[0].is_open.set()
        await until(lambda: len(texts(sandbox, ANA)) == FLOOD - 1)
        assert [row.update_id for row in await bot.poison()] == [broken.update_id]
        await quiet(bot)
        assert await kept(bot) == []


async def test_what_a_stranger_sends_in_excess_is_dropped_also_where_it_was_kept(
    sandbox: Sandbox, database: Database
) -> None:
    """Who they are is known when the first update is applied; what was kept until then counts like the rest."""
    heard: list[int] = []

    class Strange(Echo):  # type: ignore[misc, valid-type]
        def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
            handled: Handled = super().handle(unit, raw, now)
            heard.append(raw["update_id"])
            return Handled(handled.deliveries, is_stranger=True)

    flood(sandbox)
    async with running(
        sandbox, database, polls=True, handle=lambda bot_id: Strange(bot_id).handle, strangers=Strangers(30, 1e6)
    ) as bot:
        await until(lambda: pending(sandbox) == 0)
        await until(lambda: bot.intake.dropped + len(set(heard)) == FLOOD)
        assert len(set(heard)) in (30, 31)
        await quiet(bot)
        assert bot.intake.kept > 0
        assert await kept(bot) == []
