"""Events arrive: at least once, in order for each report, signed; and never at an address inside the house."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.acts.sharing.receivers import new_secret
from bot.settings import Reach
from bot.workers import events, webhooks
from bot.workers.events import EventWorker
from bot.workers.lookout import Lookout
from conversations.plan.sharing.events import kinds_for
from storage.database.models import Membership, table
from storage.messages import endpoints
from storage.messages.endpoints import NewEndpoint, StoredEndpoint, Target
from storage.messages.leases import Claim
from storage.messages.outbox import LEASE, OutboxRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import empty_database, opened
from tests.bot.workers.receiver import MOODS, Mood, Receiver, receiving
from tests.deadlines import PATIENCE, until
from tests.ports import free_port
from tests.storage.conftest import World, build_world

HERE = Reach((ip_network("127.0.0.0/8"),), range(1, 65536))
SECRET = new_secret()


class Wall:
    """The machine's own clock: a signature is of now."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> str:
    return empty_database(kind, tmp_path)


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    with opened(url, tmp_path) as found:
        yield found


@pytest.fixture
def world(database: Database) -> World:
    made: World = did(database, build_world)
    return made


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is tried again at once, and as often as it needs."""
    monkeypatch.setattr(endpoints, "PAUSES", (timedelta(0),) * 10_000)
    monkeypatch.setattr(events, "GATHER", 0.01)


def did(database: Database, work: Callable[[UnitOfWork], Any]) -> Any:
    return database.units.submit(None, work).result(PATIENCE)


def added(database: Database, world: World, url: str, *, audience: str = "internal", secret: str = SECRET) -> Any:
    def add(unit: UnitOfWork) -> StoredEndpoint:
        now = datetime.now(UTC)
        return unit.endpoints.add(
            world.plan_id,
            NewEndpoint(Target(url, secret), "127.0.0.1", audience=audience, kinds=kinds_for(audience)),
            now,
            by=None,
        )

    return did(database, add)


def reported(database: Database, world: World, code: str, *, corrections: int = 0) -> None:
    """A report that is sent, and corrected so many times."""
    for number in range(corrections + 1):

        def send(unit: UnitOfWork, number: int = number) -> None:
            before = unit.submissions.by_instance(f"uuid:{code}:{number - 1}")
            about = {"subject": f"activity:{code}", "reporting_period_id": world.period_ids[0]}
            old = before.id if before else None
            world.submit(unit, f"uuid:{code}:{number}", supersedes_id=old, now=datetime.now(UTC), **about)

        did(database, send)


def seen(database: Database, look: Callable[[UnitOfWork], Any]) -> Any:
    with database.view() as unit:
        return look(unit)


def counts(database: Database) -> dict[str, int]:
    found: dict[str, int] = {}
    with database.view() as unit:
        for (_, state), count in unit.event_deliveries.counts().items():
            found[state] = found.get(state, 0) + count
    return found


@asynccontextmanager
async def working(
    database: Database,
    reach: Reach = HERE,
    is_sure: Callable[[], bool] = lambda: True,
    feed: Callable[[Sequence[OutboxRow]], None] = lambda _: None,
) -> AsyncIterator[EventWorker]:
    """The worker, until the end of the block; then it ends in order."""
    async with asyncio.TaskGroup() as tasks:
        lookout = Lookout(database.units, Wall())
        worker = EventWorker(database, Wall(), tasks, lookout, reach, is_sure, feed=feed)
        tasks.create_task(lookout.run())
        tasks.create_task(worker.run())
        try:
            yield worker
        finally:
            lookout.stop()
            worker.stop()


def versions(receiver: Receiver) -> dict[str, list[int]]:
    """By activity, the versions that it heard of, in the order in which it first heard of them."""
    found: dict[str, list[int]] = {}
    for body in receiver.kept.values():
        found.setdefault(body["data"]["activity"], []).append(body["data"]["version"])
    return found


# ------------------------------------------------------------------ that it arrives
async def test_what_happens_arrives_signed(database: Database, world: World) -> None:
    """As Standard Webhooks says: their own library verifies it, and finds a forged body."""
    async with receiving(Receiver(SECRET)) as receiver, working(database):
        added(database, world, receiver.url)
        reported(database, world, "A-1", corrections=2)
        await until(lambda: counts(database) == {"delivered": 3}, "all three are delivered")
    assert versions(receiver) == {"A-1": [1, 2, 3]}

    first = next(iter(receiver.kept.values()))
    assert first["type"] == "report.submitted"
    assert first["data"] == {
        "plan": "RD-2017", "receipt": 1, "root_receipt": 1, "version": 1, "form_id": "activity_report",
        "activity": "A-1", "period": "201808", "agency": "MINERD",
    }  # fmt: skip


@pytest.mark.usefixtures("at_once")
async def test_nothing_is_lost_or_out_of_order_whatever_the_receiver_and_the_process_do(
    database: Database, world: World, url: str, tmp_path: Path
) -> None:
    """It fails, redirects, resets, takes and denies it, goes away; the worker is torn out again and again.

    It has a database of its own, which is closed before it is buried: the dead commit nothing.
    """
    dice = random.Random(18)
    receiver = Receiver(SECRET, lambda: dice.choice(MOODS), free_port())
    added(database, world, receiver.url)
    codes = [f"A-{number}" for number in range(20)]
    for number, code in enumerate(codes):
        reported(database, world, code, corrections=number % 4)
    expected = {code: list(range(1, number % 4 + 2)) for number, code in enumerate(codes)}
    kills = 0
    while counts(database) != {"delivered": sum(map(len, expected.values()))}:
        async with contextlib.AsyncExitStack() as stack:
            process = stack.enter_context(opened(url, tmp_path))
            process.units.replica_id = did(process, lambda unit: unit.replicas.add(datetime.now(UTC)))
            is_there = dice.random() < 0.9
            if is_there:
                await stack.enter_async_context(receiving(receiver))
            await _torn_after(process, dice.randint(1, 12), is_recorded=is_there and kills % 2 == 0)
            kills += 1
        did(database, lambda unit: unit.replicas.bury(unit.replicas.all(), datetime.now(UTC)))

    assert kills > 5
    assert versions(receiver) == expected
    assert len(receiver.seen) >= len(receiver.kept)


async def test_two_replicas_tell_each_event_once_and_each_report_in_order(
    database: Database, world: World, url: str, tmp_path: Path
) -> None:
    """Both claim at the same moment; while nothing dies, nothing comes twice."""
    receiver = Receiver(SECRET, lambda: "hold")
    with opened(url, tmp_path) as other:
        async with receiving(receiver), working(database) as one, working(other) as second:
            added(database, world, receiver.url)
            for number in range(70):  # more than one of them takes in hand
                reported(database, world, f"A-{number}", corrections=1)
            await until(lambda: receiver.held == 2 * events.WIDTH, "both are calling")
            receiver.let_go.set()
            await until(lambda: counts(database) == {"delivered": 140}, "everything is delivered")

    assert len(receiver.seen) == 140
    assert set(map(tuple, versions(receiver).values())) == {(1, 2)}
    assert one.counts["delivered"] + second.counts["delivered"] == 140


async def test_who_was_taken_for_dead_calls_nobody_with_what_it_had_claimed(
    database: Database, world: World, url: str, tmp_path: Path
) -> None:
    """Only the calls that were on their way reach the receiver twice; each report is told in order.

    It was stopped, another replica has told its events and the next ones, and it wakes up.
    """
    moods: list[Mood] = ["hold"]
    receiver = Receiver(SECRET, lambda: moods[0])
    is_sure = [True]
    database.units.replica_id = did(database, lambda unit: unit.replicas.add(datetime.now(UTC)))
    with opened(url, tmp_path) as other:
        async with receiving(receiver), working(database, is_sure=lambda: is_sure[0]) as woken:
            added(database, world, receiver.url)
            for number in range(3 * events.WIDTH):
                reported(database, world, f"A-{number}", corrections=1)
            await until(lambda: receiver.held == events.WIDTH, "it is calling")
            is_sure[0], moods[0] = False, "take"
            did(other, lambda unit: unit.replicas.bury(unit.replicas.all(), datetime.now(UTC)))
            async with working(other):
                await until(lambda: counts(database) == {"delivered": 6 * events.WIDTH}, "the other tells everything")
                woken.disown()  # as its presence does, before it is sure again
                is_sure[0] = True
                receiver.let_go.set()
                await until(lambda: len(receiver.seen) >= 7 * events.WIDTH, "what was on its way arrives")

    assert len(receiver.seen) == 7 * events.WIDTH
    assert set(map(tuple, versions(receiver).values())) == {(1, 2)}


async def test_what_was_not_called_in_doubt_is_given_back_and_told(database: Database, world: World) -> None:
    """A database that was away for a moment: nobody has taken anything over, and nothing waits for a lease to end."""
    moods: list[Mood] = ["hold"]
    receiver = Receiver(SECRET, lambda: moods[0])
    is_sure = [True]
    async with receiving(receiver), working(database, is_sure=lambda: is_sure[0]):
        added(database, world, receiver.url)
        for number in range(2 * events.WIDTH):
            reported(database, world, f"A-{number}")
        await until(lambda: receiver.held == events.WIDTH, "it is calling")
        is_sure[0], moods[0] = False, "take"
        receiver.let_go.set()
        await until(lambda: counts(database).get("delivered") == events.WIDTH, "what was on its way is recorded")
        is_sure[0] = True
        await until(lambda: counts(database) == {"delivered": 2 * events.WIDTH}, "the rest is told")

    assert len(receiver.seen) == 2 * events.WIDTH


async def test_what_is_in_hand_stays_in_hand_whatever_the_clock_says(
    database: Database, world: World, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is renewed while the receiver takes its time, and nobody frees what he has seen before that."""
    monkeypatch.setattr(events, "HOLD_EVERY", 0.0)
    receiver, ahead = Receiver(SECRET, lambda: "hold"), [timedelta(0)]
    monkeypatch.setattr(Wall, "now", lambda self: datetime.now(UTC) + ahead[0])

    def leased(unit: UnitOfWork) -> list[Claim]:
        return unit.event_deliveries.leased()

    with opened(url, tmp_path) as other:
        async with receiving(receiver), working(database):
            added(database, world, receiver.url)
            reported(database, world, "A-1")
            await until(lambda: receiver.held == 1, "it is calling")
            [seen] = did(other, leased)
            ahead[0] = timedelta(hours=1)
            await until(lambda: did(other, leased) != [seen], "the claim is renewed")
            assert did(other, lambda unit: unit.event_deliveries.free([seen])) == 0
            assert did(other, lambda unit: unit.event_deliveries.due(Wall().now() + 2 * LEASE)) == []
            receiver.let_go.set()
            await until(lambda: counts(database) == {"delivered": 1}, "it is delivered")
    assert receiver.calls == 1


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-3)])
async def test_what_stands_still_is_anothers_after_a_lease_and_by_no_jump(
    database: Database, world: World, url: str, tmp_path: Path, jump: timedelta
) -> None:
    """The clock was set on, and an event was told twice; or back, and what was left waited for hours."""

    class Wound(Wall):
        at = 0.0

        def now(self) -> datetime:
            return datetime.now(UTC) + (jump if self.at else timedelta(0))

        def monotonic(self) -> float:
            return self.at

    endpoint = added(database, world, "http://127.0.0.1:9/in")
    reported(database, world, "A-1")
    now = datetime.now(UTC)
    [left] = did(database, lambda unit: unit.event_deliveries.claim(endpoint.id, 1, now, now + LEASE))
    clock, claimed = Wound(), []
    with opened(url, tmp_path) as other:
        async with asyncio.TaskGroup() as tasks:
            worker = EventWorker(other, clock, tasks, Lookout(other.units, clock), HERE, feed=lambda _: None)
            for at in (0.0, LEASE.total_seconds() - 1, LEASE.total_seconds(), LEASE.total_seconds()):
                clock.at = at
                claimed.append([(one.id, one.tries) for one in await worker.turn()])
    assert claimed == [[], [], [], [(left.id, 2)]]


async def _torn_after(database: Database, calls: int, *, is_recorded: bool) -> None:
    """The worker, torn out in the middle of what it does after so many calls, or when nothing is left.

    It records its calls a moment after they were answered, and on a busy machine it would never come to that. With
    `is_recorded` it has recorded one at least.
    """
    begun: list[EventWorker] = []
    before = counts(database).get("delivered", 0)

    async def work() -> None:
        async with working(database) as worker:
            begun.append(worker)
            await asyncio.Event().wait()

    torn = asyncio.create_task(work())

    def is_enough() -> bool:
        is_called = bool(begun) and begun[0].counts.total() >= calls
        return is_called and (not is_recorded or counts(database).get("delivered", 0) > before)

    await until(lambda: is_enough() or (begun and "waiting" not in counts(database)), "some calls")
    torn.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await torn


async def test_a_slow_receiver_delays_nobody(database: Database, world: World) -> None:
    """One that never answers has its own calls; what the others are told does not wait for it."""
    async with (
        receiving(Receiver(SECRET, lambda: "hold")) as slow,
        receiving(Receiver(SECRET)) as quick,
        working(database),
    ):
        added(database, world, slow.url)
        added(database, world, quick.url)
        for number in range(50):
            reported(database, world, f"A-{number}")
        await until(lambda: len(quick.kept) == 50, "the quick one has heard all")

        assert slow.kept == {}
        assert slow.held <= 8

        slow.let_go.set()
        await until(lambda: counts(database) == {"delivered": 100}, "the slow one has heard all too")


@pytest.mark.parametrize("way", ["paused", "removed"])
async def test_a_receiver_that_is_taken_away_is_told_nothing_more(
    database: Database, world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Not even what was claimed for it before, and waits behind the calls that are being made."""
    monkeypatch.setattr(events, "LOOK_EVERY", 0.0)
    async with receiving(Receiver(SECRET, lambda: "hold")) as receiver, working(database) as worker:
        found = added(database, world, receiver.url)
        for number in range(20):
            reported(database, world, f"A-{number}")
        await until(lambda: receiver.held == events.WIDTH, "as many calls are being made as may be")
        if way == "paused":
            did(database, lambda unit: unit.endpoints.pause(found, now=datetime.now(UTC), by=None))
        else:
            did(database, lambda unit: unit.endpoints.remove(found, now=datetime.now(UTC), by=None))
        receiver.let_go.set()
        await until(lambda: not worker._lanes[found.id].in_hand, "nothing is in hand any more")
    assert receiver.calls == events.WIDTH


async def test_a_receiver_that_says_it_is_gone_is_called_no_more_until_somebody_resumes_it(
    at_once: None, database: Database, world: World
) -> None:
    """410 Gone (Standard Webhooks): at once, with what is in hand too; admins hear of it once, and nothing is lost."""
    moods: list[Mood] = ["gone"]
    told: list[OutboxRow] = []
    did(database, lambda unit: unit.connection.execute(update(table(Membership)).values(role="admin")))
    async with receiving(Receiver(SECRET, lambda: moods[0])) as gone, receiving(Receiver(SECRET)) as well:
        one = added(database, world, gone.url)
        for number in range(3 * events.WIDTH):
            reported(database, world, f"PRE-{number + 101}")
        async with working(database, feed=told.extend):
            await until(
                lambda: seen(database, lambda unit: unit.endpoints.all(world.plan_id))[0].paused_at, "it is off"
            )
            called = gone.calls
            assert called <= events.WIDTH
            added(database, world, well.url)
            reported(database, world, "ATE-101")
            await until(lambda: well.calls == 1, "another receiver is told")
            assert gone.calls == called
            assert seen(database, lambda unit: unit.event_deliveries.gone(world.plan_id)) == {one.id}
            assert [row.chat_id for row in told] == list(world.telegram_ids)
            acts = [each.act for each in seen(database, lambda unit: unit.audit.latest())]
            assert acts.count("endpoint.gone") == 1

            moods[0] = "take"
            did(database, lambda unit: unit.endpoints.resume(one, now=datetime.now(UTC), by=None))
            await until(lambda: len(gone.kept) == 3 * events.WIDTH + 1, "it is told all that it missed")
            await until(lambda: counts(database) == {"delivered": gone.calls - called + 1}, "all is delivered")
            assert seen(database, lambda unit: unit.event_deliveries.gone(world.plan_id)) == frozenset()


async def test_a_receiver_that_hangs_is_given_up_for_the_moment(
    database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call has one limit for all of it; then it is tried again later."""
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.2)
    async with receiving(Receiver(SECRET, lambda: "hold")) as hanging, working(database) as worker:
        added(database, world, hanging.url)
        reported(database, world, "A-1")
        await until(lambda: worker.counts["timeout"] == 1, "the call is given up")
        await until(lambda: _reason(database) == "timeout", "and that is recorded")


def _reason(database: Database) -> str:
    with database.view() as unit:
        return next(
            unit.event_deliveries.latest(one)[0].reason for plan in unit.plans.all()
            for one in unit.endpoints.all(plan.id)
        )  # fmt: skip


async def test_nothing_is_told_while_the_database_is_held(database: Database, world: World) -> None:
    """A restored copy holds events the original may have told; a person looks first (docs/decisions/restore.md)."""
    async with receiving(Receiver(SECRET)) as receiver, working(database) as worker:
        did(database, lambda unit: unit.facts.set("held", "restored", datetime.now(UTC)))
        added(database, world, receiver.url)
        reported(database, world, "A-1")

        for _ in range(3):
            assert await worker.turn() == []
        assert receiver.calls == 0

        did(database, lambda unit: unit.facts.forget("held"))
        await until(lambda: receiver.calls == 1, "it is told afterwards")
