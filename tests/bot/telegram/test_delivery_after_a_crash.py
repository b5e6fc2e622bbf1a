"""What a process left behind when it died: taken over by kind, in order, and never what another has in hand (G7)."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram.delivery import Delivery
from storage.errors import Unavailable
from storage.messages.outbox import LEASE, Outbox, OutboxDraft
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.presence import Presence
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    HandClock,
    StillClock,
    WrongClock,
    calls,
    edit_of,
    empty_database,
    opened,
    quiet,
    rows_of,
    running,
    said,
    shown,
    swept,
    texts,
    until,
)


# ------------------------------------------------------------------ what a crash left
async def test_what_a_dead_process_left_is_settled_by_kind(sandbox: Sandbox, database: Database) -> None:
    """Alone, a new process takes over at once: replies again, of the reminders those that were not under way (G7)."""

    def leave(unit: UnitOfWork) -> None:
        now = datetime.now(UTC)
        for chat, kind in ((ANA, "prompt"), (ANA, "reminder"), (LUIS, "reminder")):
            unit.outbox.add(OutboxDraft(chat, kind, "sendMessage", {"text": kind}), now=now)  # type: ignore[arg-type]
        under_way, _ = unit.outbox.claim(now, now + timedelta(seconds=60), 10, ("fan_out",))
        assert unit.outbox.begin(under_way)

    await database.units.run(None, leave)
    async with running(sandbox, database) as bot:
        await bot.commit(*said(ANA, "after"))
        await until(lambda: len(texts(sandbox, ANA)) == 2 and len(texts(sandbox, LUIS)) == 1)
        await quiet(bot)
        assert await bot.states() == ["sent", "ambiguous", "sent", "sent"]
    assert texts(sandbox, ANA) == ["prompt", "after"]


async def test_a_reply_that_is_being_handed_back_is_not_overtaken(sandbox: Sandbox, database: Database) -> None:
    """After a start a chat's new replies wait behind those that a dead process left, until the first sweep.

    One that was handed back, and was seen by that sweep as still in hand, is not in hand any more when the sweep ends.
    """

    def leave(unit: UnitOfWork) -> None:
        unit.outbox.add(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}), now=datetime.now(UTC))

    swept = asyncio.Event()

    class Hurried(Delivery):
        async def start(self) -> None:
            await super().start()
            drafts = said(ANA, "two")
            self.feed(await self._units.run(ANA, lambda unit: rows_of(unit, drafts, datetime.now(UTC))))

        async def _sweep(self) -> None:
            await super()._sweep()
            swept.set()

    await database.units.run(None, leave)
    sandbox.world.faults.add(Fault("slow", method="sendMessage", times=1, delay=0.4))
    async with running(sandbox, database, delivery_class=Hurried) as bot:
        await swept.wait()
        await bot.commit(*said(ANA, "three"))
        await until(lambda: len(texts(sandbox, ANA)) == 3)
    assert texts(sandbox, ANA) == ["one", "two", "three"]


class Beside:
    """Another replica on the same PostgreSQL, which commits and sends nothing."""

    def __init__(self, database: Database, url: str, clock: HandClock) -> None:
        self.database = open_database(url, vault=database.vault)
        self.presence = Presence(self.database, clock.now)
        self.presence.enter()
        self._clock = clock

    async def commit(self, *drafts: OutboxDraft) -> None:
        await self.database.units.run(None, lambda unit: rows_of(unit, drafts, self._clock.now()))

    def die(self) -> None:
        """Its lock is free, as the server frees it when a process is killed; its row stays."""
        self.presence.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[tuple[Database, str]]:
    url = empty_database("postgresql", tmp_path)
    with opened(url, tmp_path) as found:
        yield found, url


async def test_beside_a_replica_a_lease_is_respected_until_it_ends(
    sandbox: Sandbox, postgres: tuple[Database, str]
) -> None:
    """What another may be sending is left to it, and later replies of the chat wait behind it, in every unit."""
    database, url = postgres
    clock = HandClock()
    async with running(sandbox, database, clock=clock) as bot:
        beside = await asyncio.to_thread(Beside, database, url, clock)
        with beside.database:
            await beside.commit(*said(ANA, "theirs"))
            [ours, _] = await bot.commit(*said(ANA, "ours"), *said(LUIS, "free"))
            assert ours.is_behind
            await until(lambda: texts(sandbox, LUIS) == ["free"])
            await swept(bot)
            assert texts(sandbox, ANA) == []
            clock.move(61)
            await until(lambda: len(texts(sandbox, ANA)) == 2)
            beside.presence.leave()
    assert texts(sandbox, ANA) == ["theirs", "ours"]


@pytest.mark.parametrize("by", [timedelta(minutes=15), -timedelta(hours=3), timedelta(days=400)])
async def test_a_clock_that_jumps_ends_no_lease_and_lengthens_none(
    sandbox: Sandbox, postgres: tuple[Database, str], by: timedelta
) -> None:
    """What a living replica sent was sent twice, or counted as in doubt; what a paused one left waited for hours."""
    database, url = postgres
    clock = WrongClock()

    def take(unit: UnitOfWork) -> None:
        unit.outbox.add(OutboxDraft(LUIS, "reminder", "sendMessage", {"text": "under way"}), now=clock.now())
        [under_way] = unit.outbox.claim(clock.now(), clock.now() + LEASE, 10, ("fan_out",))
        assert unit.outbox.begin(under_way)

    async with running(sandbox, database, clock=clock) as bot:
        beside = await asyncio.to_thread(Beside, database, url, clock)
        with beside.database:
            await beside.commit(*said(ANA, "theirs"))
            await beside.database.units.run(None, take)
            await swept(bot)
            clock.set_by(by)
            await swept(bot)
            await swept(bot)
            assert await bot.states() == ["sending", "sending"]

            clock.move(LEASE.total_seconds())
            await until(lambda: texts(sandbox, ANA) == ["theirs"])
            await quiet(bot)
            assert await bot.states() == ["sent", "ambiguous"]
            beside.presence.leave()


async def test_what_a_replica_had_in_hand_when_it_died_is_sent_without_waiting_for_its_lease(
    sandbox: Sandbox, postgres: tuple[Database, str]
) -> None:
    """First its own, then what came later: the clock by which leases run stands still."""
    database, url = postgres
    clock = StillClock()
    async with running(sandbox, database, clock=clock) as bot, asyncio.TaskGroup() as tasks:
        beside = await asyncio.to_thread(Beside, database, url, clock)
        with beside.database:
            await beside.commit(*said(ANA, "theirs"))
            await bot.commit(*said(ANA, "ours"))
            watching = tasks.create_task(bot.presence.run(bot.delivery.wake))
            beside.die()
            await until(lambda: len(texts(sandbox, ANA)) == 2)
            bot.presence.stop()
            await watching
    assert texts(sandbox, ANA) == ["theirs", "ours"]


def silently(database: Database, times: int = 1) -> None:
    """Let the next commits happen and their answers be lost, as when the connection is cut behind COMMIT.

    Of units that say something: the sweep, which commits beside them, has said nothing yet.
    """
    left = [times]
    one_at_a_time = threading.Lock()  # of two that commit together both would be lost, and all after them

    def lose(connection: Any) -> None:
        raw = connection.connection.dbapi_connection
        with one_at_a_time:
            if not left[0] or not raw.execute("SELECT count(*) FROM outbox").fetchone()[0]:
                return
            left[0] -= 1
            raw.execute("COMMIT")
        if database.is_sqlite:
            raise DBAPIError("COMMIT", None, OSError("cut"), connection_invalidated=True)
        raw.close()  # the driver finds out when it asks next

    event.listen(database.engine, "commit", lose)


async def test_what_was_committed_without_our_being_told_is_sent_before_anything_later(
    sandbox: Sandbox, database: Database
) -> None:
    """Its own chat's, and what the same unit said to somebody else; each once, and no lease is waited for."""
    clock = StillClock()
    async with running(sandbox, database, clock=clock) as bot:
        silently(database)
        with pytest.raises(Unavailable):
            await bot.commit(*said(ANA, "one"), *said(LUIS, "for Luis"))
        bot.delivery.look_after(ANA)  # as the intake does
        await bot.commit(*said(ANA, "two"))
        await until(lambda: len(texts(sandbox, ANA)) == 2 and len(texts(sandbox, LUIS)) == 1)
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert (texts(sandbox, ANA), texts(sandbox, LUIS)) == (["one", "two"], ["for Luis"])


async def test_a_redelivered_update_sends_what_its_first_sight_left(sandbox: Sandbox, database: Database) -> None:
    """Absorbed, since it is seen already; what it says is said all the same, before what comes after it, once."""
    update = {"update_id": 1, "message": {"message_id": 1, "chat": {"id": ANA}, "text": "one"}}
    later = {"update_id": 2, "message": {"message_id": 2, "chat": {"id": ANA}, "text": "two"}}
    async with running(sandbox, database, clock=StillClock()) as bot:
        silently(database)
        with pytest.raises(Unavailable):
            await bot.intake.apply(update)
        again, after = bot.intake.apply(update), bot.intake.apply(later)
        assert (await again).is_repeated
        await after
        await until(lambda: len(texts(sandbox, ANA)) == 2)
        await quiet(bot)
        assert await bot.heard(ANA) == ["one", "two"]
    assert texts(sandbox, ANA) == ["1: one", "2: two"]


async def test_without_a_database_the_number_of_a_card_is_waited_for(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nobody can be asked says nothing about the message: it is sent when the database is back."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question"}, card))
        await until(lambda: texts(sandbox, ANA) == ["question"])
        await quiet(bot)
        bot.delivery._calls._cards.clear()
        rows = await database.units.run(
            None, lambda unit: rows_of(unit, [edit_of(ANA, card), *said(ANA, "next")], datetime.now(UTC))
        )
        look_up = Outbox.card_message_id
        is_away = [True]
        asked: list[int] = []

        def away(outbox: Outbox, card_id: int) -> int | None:
            if is_away[0]:
                asked.append(1)
                raise Unavailable("the database is away")
            return look_up(outbox, card_id)

        monkeypatch.setattr(Outbox, "card_message_id", away)
        bot.delivery.feed(rows)
        await until(lambda: len(asked) >= 2)
        is_away[0] = False
        await until(lambda: texts(sandbox, ANA) == ["question", "next"])
        await quiet(bot)
        assert await bot.states() == ["sent"] * 3
    assert [what for what, _ in shown(sandbox, ANA)] == ["send", "edit", "send"]


async def test_what_only_waits_for_its_turn_is_not_in_doubt_when_we_die(sandbox: Sandbox, database: Database) -> None:
    """A reminder is `sending` when its call begins: of thirty, those in doubt are those that Telegram was asked for."""
    async with running(sandbox, database, rate=2.0) as bot:
        everybody = [OutboxDraft(5_000 + n, "reminder", "sendMessage", {"text": "due"}) for n in range(30)]
        await bot.commit(*everybody)
        for _ in range(3):
            seen = len(bot.delivery.counts)
            await until(lambda seen=seen: len(calls(sandbox, "sendMessage")) > seen)  # type: ignore[misc]
            rows = await bot.outbox()
            begun = [row.state for row in rows].count("sending")
            assert begun <= len(calls(sandbox, "sendMessage")) + 1
        assert "queued" in await bot.states()


async def test_a_reminder_that_telegram_refused_for_now_is_not_in_doubt_while_it_waits(
    sandbox: Sandbox, database: Database
) -> None:
    """Inside the window of a 429 nothing is `sending`: a crash there costs nobody a reminder."""
    sandbox.world.faults.add(Fault("429", method="sendMessage", retry_after=3_600))
    async with running(sandbox, database, clock=HandClock()) as bot:
        await bot.commit(*said(ANA, "due", kind="reminder"))
        await until(lambda: bot.delivery.counts["reminder", "RetryAfter"] == 1)
        await quiet(bot)
        assert await bot.states() == ["queued"]
