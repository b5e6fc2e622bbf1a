"""Events arrive: at least once, in order for each report, signed; and never at an address inside the house."""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update
from standardwebhooks import Webhook, WebhookVerificationError

from bot.acts.sharing.addresses import BadAddress, is_callable, read_address
from bot.acts.sharing.receivers import new_secret
from bot.settings import Reach, read_networks
from bot.workers import events, webhooks
from bot.workers.events import EventWorker
from bot.workers.lookout import Lookout
from bot.workers.webhooks import call, calling, signed
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

HERE = Reach(read_networks("127.0.0.0/8"), range(1, 65536))
OUTSIDE_ALONE = Reach()
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


def test_a_signature_is_the_standards() -> None:
    """Checked by the library of the standard's authors; another body, number, time or secret is refused."""
    body, now = b'{"type":"ping"}', datetime.now(UTC)
    headers = signed(SECRET, "evt_1", now, body)

    assert Webhook(SECRET).verify(body, headers) == {"type": "ping"}

    forged = [
        (SECRET, b'{"type":"pong"}', headers),
        (SECRET, body, headers | {"webhook-id": "evt_2"}),
        (SECRET, body, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}),
        (new_secret(), body, headers),
        (SECRET, body, signed(SECRET, "evt_1", now - timedelta(hours=1), body)),
    ]
    for secret, said, heads in forged:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(said, heads)


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
    codes = [f"A-{number}" for number in range(12)]
    for number, code in enumerate(codes):
        reported(database, world, code, corrections=number % 4)
    expected = {code: list(range(1, number % 4 + 2)) for number, code in enumerate(codes)}
    kills = 0
    while counts(database) != {"delivered": sum(map(len, expected.values()))}:
        async with contextlib.AsyncExitStack() as stack:
            process = stack.enter_context(opened(url, tmp_path))
            process.units.replica_id = did(process, lambda unit: unit.replicas.add(datetime.now(UTC)))
            if dice.random() < 0.9:
                await stack.enter_async_context(receiving(receiver))
            await _torn_after(process, dice.randint(1, 12))
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


async def _torn_after(database: Database, calls: int) -> None:
    """The worker, torn out in the middle of what it does after so many calls, or when nothing is left."""
    begun: list[EventWorker] = []

    async def work() -> None:
        async with working(database) as worker:
            begun.append(worker)
            await asyncio.Event().wait()

    torn = asyncio.create_task(work())
    await until(lambda: begun and (begun[0].counts.total() >= calls or "waiting" not in counts(database)), "some calls")
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
    """A restored copy holds events that the original has told, perhaps: somebody looks first (decision 0025)."""
    async with receiving(Receiver(SECRET)) as receiver, working(database) as worker:
        did(database, lambda unit: unit.facts.set("held", "restored", datetime.now(UTC)))
        added(database, world, receiver.url)
        reported(database, world, "A-1")

        for _ in range(3):
            assert await worker.turn() == []
        assert receiver.calls == 0

        did(database, lambda unit: unit.facts.forget("held"))
        await until(lambda: receiver.calls == 1, "it is told afterwards")


# ------------------------------------------------------------------ what a receiver does
@pytest.mark.parametrize(
    ("mood", "reason", "status"),
    [("take", "", 204), ("flood", "", 200), ("fail", "status", 500), ("redirect", "redirect", 307),
     ("busy", "status", 503), ("reset", "reset", None), ("gone", "gone", 410)],
)  # fmt: skip
async def test_what_a_receiver_answers_is_a_status_and_a_word(mood: Any, reason: str, status: int | None) -> None:
    """A redirect is not followed, an answer without end is not read to its end, and no word of it is kept."""
    async with receiving(Receiver(SECRET, lambda: mood)) as receiver, calling(HERE) as session:
        found = await call(session, Target(receiver.url, SECRET), "evt_1", b"{}", Wall().now)
    assert (found.reason, found.status) == (reason, status)
    assert receiver.calls == 1


async def test_a_receiver_that_is_not_there() -> None:
    """Nobody listens, no such name, no TLS where it should be: a word for each."""
    async with receiving(Receiver(SECRET)) as receiver, calling(HERE) as session:
        urls = {
            f"http://127.0.0.1:{free_port()}/in": "connect",
            "https://nowhere.invalid/in": "dns",
            receiver.url.replace("http:", "https:"): "tls",
        }
        found = {url: await call(session, Target(url, SECRET), "evt_1", b"{}", Wall().now) for url in urls}
    assert {url: answer.reason for url, answer in found.items()} == urls


# ------------------------------------------------------------------ where it is never called
INSIDE = (
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "2001:db8::1",
    "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1", "2001:0:0:0:0:0:f5ff:fffe", "words",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101")


def test_only_public_addresses_are_called() -> None:
    """Private, local, shared, reserved, metadata of clouds; also inside IPv6, in each of the ways to write that."""
    assert [address for address in INSIDE if is_callable(address)] == []
    assert [address for address in OUTSIDE if not is_callable(address)] == []
    house = read_networks("10.0.0.0/8, fd00::/8")
    assert [address for address in INSIDE if is_callable(address, house)] == [
        "10.0.0.1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1",
        "2001:0:0:0:0:0:f5ff:fffe",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "at.localhost",
        "127.0.0.1.",
        "0177.0.0.1",
        "0x7f.1",
        "017700000001",
        "127。0。0。1",
        "127．0．0．1",
        "①②⑦.0.0.1",
        "ⓛocalhost",
        "%31%32%37.0.0.1",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[::1%25lo]",
        "[::ffff:0:127.0.0.1]",
        "user@127.0.0.1",
        "example.org:80@127.0.0.1",
    ],
)
async def test_no_socket_is_opened_to_an_address_inside(host: str) -> None:
    """However it is written: what is looked at is the address that is connected to."""
    with _listening() as (port, connected):
        async with calling(OUTSIDE_ALONE) as session:
            for scheme in ("http", "https"):
                found = await call(session, Target(f"{scheme}://{host}:{port}/in", SECRET), "evt_1", b"{}", Wall().now)
                assert found.reason in ("inside", "dns", "connect"), (host, found)
        assert not connected()


async def test_nothing_is_called_on_a_port_that_the_operator_does_not_name() -> None:
    """A name may get another meaning, and a receiver may have been added before: the socket's port is looked at."""
    async with receiving(Receiver(SECRET)) as receiver:
        found = []
        for ports in (Reach().ports, [receiver.port]):
            async with calling(Reach(HERE.inside, ports)) as session:
                found.append(await call(session, Target(receiver.url, SECRET), "evt_1", b"{}", Wall().now))
        assert ([answer.reason for answer in found], receiver.calls) == (["port", ""], 1)


@contextlib.contextmanager
def _listening() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A port on every address of this machine, and whether anybody has come."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.setblocking(False)

        def connected() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], connected


async def test_a_name_that_changes_its_address_is_no_way_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when it was looked at, inside when it is connected to. It is looked at there."""
    with _listening() as (port, connected):
        resolved = iter([["93.184.216.34", "127.0.0.1"], ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]])

        async def resolve(_: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
            found = next(resolved)
            return [
                {"hostname": host, "host": address, "port": port, "proto": 0, "flags": socket.AI_NUMERICHOST,
                 "family": socket.AF_INET6 if ":" in address else socket.AF_INET}
                for address in found[-1:]
            ]  # fmt: skip

        monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", resolve)
        for _ in range(4):
            async with calling(OUTSIDE_ALONE) as session:
                target = Target(f"https://hooks.example.org:{port}/in", SECRET)
                assert (await call(session, target, "evt_1", b"{}", Wall().now)).reason == "inside"

        assert not connected()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/x", "scheme"), ("http://example.org/x", "scheme"), ("example.org/x", "scheme"),
        ("https://", "url"), ("https:///x", "url"), ("https://example.org:99999/", "url"), ("https://[::1/", "url"),
        ("https://a b.org/", "url"), ("https://example.org/\n", "ok"), ("https://ex\u202eample.org/", "url"),
        ("https://user:pass@example.org/", "login"), ("https://user@example.org/", "login"),
        ("https://example.org/" + "x" * 1000, "long"), ("https://127.0.0.1/", "inside"),
        ("http://127.0.0.1/", "scheme"), ("https://localhost/", "inside"), ("https://[::1]/", "inside"),
        ("https://10.1.2.3/", "inside"), ("https://[fd00::1]/", "inside"), ("https://169.254.169.254/", "inside"),
        ("https://example.org/in?key=1#frag", "ok"), ("javascript:alert(1)", "scheme"),
        ("https://example.org:22/", "port"), ("https://example.org:6379/in", "port"),
        ("https://10.1.2.3:22/", "inside"),
        ("https://example.org:8443/in", "ok"), ("https://example.org:80/in", "ok"), ("https://example.org:0/", "url"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused_with_its_reason(url: str, why: str) -> None:
    """When it is typed, before anything is called."""
    if why == "ok":
        assert read_address(url, OUTSIDE_ALONE)[1] == "example.org"
    else:
        with pytest.raises(BadAddress) as refused:
            read_address(url, OUTSIDE_ALONE)
        assert refused.value.why == why


def test_http_is_for_this_machine_alone_and_only_if_the_operator_says_so() -> None:
    """ENLACE_EVENTS_INSIDE=127.0.0.1/32: a receiver beside the bot."""
    assert read_address("http://127.0.0.1:8000/in", HERE) == ("http://127.0.0.1:8000/in", "127.0.0.1")
    assert read_address("http://localhost:8000/in", HERE)[1] == "localhost"
    with pytest.raises(BadAddress, match="port"):
        read_address("http://127.0.0.1:8000/in", Reach(HERE.inside))
    with pytest.raises(BadAddress):
        read_address("http://10.0.0.1/in", Reach(read_networks("10.0.0.0/8")))
