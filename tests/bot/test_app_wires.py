"""What the composition root hands to each part. A part that keeps its stand-in starts, answers, and fails later."""

import asyncio
import contextlib
import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import StartedClock, _api, _Base, _compose, _introduce, _Parts, _version, units_vault
from bot.chat.exchange import Deployment
from bot.chat.form_cache import FormCache
from bot.doors.data import BASE
from bot.open_storage import open_storage
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from bot.settings import SecretStr, Settings
from bot.telegram.waiting import MOST_POSTED, MOST_WAITING
from bot.web.server import HttpServer, Webhook
from bot.workers.exports import REVOKED
from bot.workers.upkeep import UPKEEP
from storage.calendar.ledger import NewFire
from storage.database.models import OutboxMessage, table
from storage.errors import Unavailable
from storage.messages.outbox import Kind, OutboxDraft
from storage.messages.suspects import DEATHS
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from storage.upkeep.holding import Held
from storage.upkeep.presence import Presence
from tests.bot.desk import settings_in
from tests.bot.telegram.wire import WrongClock, swept, texts, until
from tests.deadlines import PATIENCE
from tests.ports import free_port

ANA, PEDRO = 501, 506
"""A focal point and an admin."""
THEN = datetime(2018, 10, 3, 12, tzinfo=UTC)


class Doubtful(Presence):
    """A replica whose database is away while `is_cut` says so."""

    is_cut, asked = False, 0

    def is_sure(self) -> bool:
        self.asked += 1
        return not self.is_cut


@dataclass
class Composed:
    """A bot as `enlace run` composes it. What a test wants to run, it begins."""

    base: _Base
    parts: _Parts
    sandbox: Sandbox
    presence: Doubtful
    clock: WrongClock
    tasks: asyncio.TaskGroup
    sending: asyncio.Task[None] | None = None

    async def send(self) -> None:
        """Begin the delivery: until then it sends what it is fed, and looks for nothing."""
        await self.parts.delivery.start()
        self.sending = self.tasks.create_task(self.parts.delivery.run())

    async def do(self, work: Callable[[UnitOfWork], Any]) -> Any:
        return await self.base.database.units.run(None, work)

    async def say(self, kind: Kind, chat_id: int, text: str) -> int:
        """Commit a message and let it be sent, as whoever says something does."""
        draft = OutboxDraft(chat_id, kind, "sendMessage", {"text": text})
        row = await self.do(lambda unit: unit.outbox.add(draft, now=self.clock.now()))
        self.parts.delivery.feed([row])
        return int(row.id)

    async def outcome(self, id: int) -> tuple[str, str]:
        """What became of a message, once that is known."""
        found: dict[int, tuple[str, str]] = {}

        async def is_settled() -> bool:
            found.update(await self.do(lambda unit: unit.outbox.states([id])))
            return found[id][0] not in ("queued", "sending")

        await _until(is_settled)
        return found[id]

    async def swept(self) -> None:
        await swept(self.parts)  # type: ignore[arg-type]  # it is a bot with a delivery


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@contextlib.asynccontextmanager
async def composed(folder: Path, sandbox: Sandbox, *, clock: Any = None, **settings: Any) -> AsyncIterator[Composed]:
    sandbox.world.reset()
    for number in (ANA, PEDRO):
        sandbox.world.add_person(Person(number, "X"), started=True)
    chosen = Settings.model_validate(settings_in(folder, sandbox.url).model_dump() | settings)
    with open_storage(chosen) as database:
        clock = clock or WrongClock()
        api, store = _api(chosen, clock), FileStore(chosen.files, units_vault(database))
        base = _Base(chosen, clock, database, api, FormCache(chosen.timezone, store))
        await _introduce(base)
        presence = Doubtful(database, clock.now)
        await asyncio.to_thread(presence.enter)
        try:
            async with asyncio.TaskGroup() as tasks:
                made = Composed(base, _compose(base, tasks, presence), sandbox, presence, clock, tasks)
                try:
                    yield made
                finally:
                    made.parts.delivery.stop()
                    if made.sending is not None:
                        await made.sending
        finally:
            presence.close()
            await api.shutdown()


@pytest.fixture
async def bot(tmp_path: Path, furnished: Path, running: Sandbox) -> AsyncIterator[Composed]:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    async with composed(tmp_path, running, send_rate=0.0) as made:
        yield made


# ------------------------------------------------------------------ every option is handed in
def held_by(root: object) -> list[object]:
    """Everything of ours that is reached from here: by attributes, collections, and what functions close over."""
    seen: dict[int, object] = {}
    todo = [root]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        match one:
            case tuple() | list() | frozenset():
                todo += one
            case dict():
                todo += one.values()
            case partial():
                todo += [one.func, one.args, one.keywords]
            case MethodType():
                todo.append(one.__self__)
            case FunctionType():
                todo += [cell.cell_contents for cell in one.__closure__ or ()]
            case _ if type(one).__module__.startswith(("bot.", "storage.upkeep.presence")):
                todo += attributes(one).values()
    return list(seen.values())


def attributes(one: object) -> dict[str, object]:
    slots = [name for base in type(one).__mro__ for name in getattr(base, "__slots__", ())]
    return {name: getattr(one, name) for name in (*getattr(one, "__dict__", ()), *slots) if hasattr(one, name)}


def left_as_they_are(parts: _Parts) -> set[str]:
    """The options of all parts that have their default: by name, and stand-ins wherever they are."""
    held = [one for one in held_by((parts, parts.look())) if type(one).__module__.startswith("bot.")]
    values = {id(value) for one in held for value in attributes(one).values()}
    found = set()
    for one in held:
        if isinstance(one, FunctionType | MethodType | type | Settings):
            continue
        for name, option in inspect.signature(type(one)).parameters.items():
            if option.default is option.empty:
                continue
            value = attributes(one).get(f"_{name}", attributes(one).get(name, option.empty))
            if value is option.default or (callable(option.default) and id(option.default) in values):
                found.add(f"{type(one).__name__}.{name}")
    return found


TUNED = {
    "Delivery.back_off", "Delivery.sweep_every", "Evidence.is_slow", "ExportWorker.limit", "ExportWorker.show_every",
    "HttpServer.is_away", "HttpServer.setting", "Polling.wait", "Request.connections", "Request.fresh",
    "Request.timeout", "Strangers.known", "WebhookEndpoint.body_timeout",
    "WebhookEndpoint.commit_timeout", "WebhookKeeper.look_every",
}  # fmt: skip
"""How fast, how many, which of two: what tests turn, and the shipped bot leaves."""


def addresses(by_webhook: bool) -> dict[str, Any]:
    """A bot with all that listens."""
    at = f"127.0.0.1:{free_port()}"
    webhook = {"webhook_url": f"http://{at}/telegram", "webhook_secret": SecretStr("x" * 16)} if by_webhook else {}
    return {"listen": at, "metrics": f"127.0.0.1:{free_port()}", "app_url": "http://127.0.0.1"} | webhook


def servers_of(parts: _Parts) -> list[HttpServer]:
    """The one that is open to the world, and the one for monitoring."""
    metrics, *door = (each for each in parts.servers if each is not getattr(parts.source, "server", None))
    return [parts.source.server if isinstance(parts.source, Webhook) else door[0], metrics]


async def served(server: HttpServer, *paths: str) -> list[int]:
    """The status of each path, while it serves."""

    def ask(port: int, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    port = server.listen()
    serving = asyncio.create_task(server.run())
    try:
        return [await asyncio.to_thread(ask, port, path) for path in paths]
    finally:
        server.stop()
        await serving


@pytest.mark.parametrize("by_webhook", [False, True])
async def test_programs_and_monitoring_find_their_door(
    tmp_path: Path, furnished: Path, running: Sandbox, by_webhook: bool
) -> None:
    """Whichever way updates come. What stops the bot's work is told to whoever asks whether it is ready."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    async with composed(tmp_path, running, **addresses(by_webhook)) as made:
        world, metrics = servers_of(made.parts)
        assert await served(world, "/healthz", BASE, "/metrics") == [200, 401, 404]
        assert await served(metrics, "/metrics", "/readyz") == [200, 200]


@pytest.mark.parametrize("by_webhook", [False, True])
async def test_every_option_of_a_part_is_handed_in(
    tmp_path: Path, furnished: Path, running: Sandbox, by_webhook: bool
) -> None:
    """What a constructor has a default for is forgotten without an error: a second look, an alarm, a hold."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    chosen: dict[str, Any] = addresses(by_webhook) | {
        "events_inside": "10.0.0.0/8",  "language": "fr", "send_rate": 7.0, "timezone": "America/Port-au-Prince",
    }  # fmt: skip
    async with composed(tmp_path, running, **chosen) as made:
        assert left_as_they_are(made.parts) - TUNED == set()
        assert made.parts.intake._most_waiting == (MOST_POSTED if by_webhook else MOST_WAITING)
        assert made.parts.delivery._pacer._interval == pytest.approx(1 / 7)
        [house] = [one for one in held_by(made.parts) if isinstance(one, Deployment)]
        assert (house.language, house.timezone) == (chosen["language"], chosen["timezone"])
        for server in servers_of(made.parts):
            await served(server, "/healthz")


async def test_whoever_raises_an_alarm_raises_it_where_admins_are_told(bot: Composed) -> None:
    """Every part that may raise one, and the units that could not be applied; told at once, not at the next look."""
    raise_here = {id(one): one for part in held_by(bot.parts) for one in [attributes(part).get("_alarm")] if one}
    assert list(raise_here.values()) == [bot.parts.alarms]
    assert bot.parts.look().alarm is bot.parts.alarms

    bot.base.database.units.on_lost(Unavailable("away"))
    bot.parts.alarms("disk", "full")
    assert set(bot.parts.alarms.raised()) == {"database", "disk"}

    await bot.parts.alarms.look()
    await until(lambda: len(texts(bot.sandbox, PEDRO)) == 1)


# ------------------------------------------------------------------ where it leads
async def test_what_is_no_longer_due_is_not_sent(bot: Composed) -> None:
    """Delivery asks the schedule once more, in the unit that claims a message (G8)."""
    await bot.send()
    draft = OutboxDraft(ANA, "reminder", "sendMessage", {"text": "Hoy vence"})

    def fire(unit: UnitOfWork) -> int:
        plan, person = unit.plans.only(), unit.people.by_telegram_id(ANA)
        assert person is not None
        told = NewFire(person.id, "reminders", THEN.date(), drafts=lambda: [draft])
        unit.ledger.fire_all(plan.id, [told], THEN)
        return max(row for (row,) in unit.connection.exec_driver_sql("SELECT id FROM outbox"))

    row = await bot.do(fire)
    bot.parts.delivery.wake()
    state, reason = await bot.outcome(row)
    assert (state, reason.partition(":")[0]) == ("undeliverable", "no longer due")
    assert texts(bot.sandbox, ANA) == []


async def test_an_export_is_not_sent_to_who_may_not_have_it(bot: Composed) -> None:
    """Delivery asks the exports once more, in the unit that claims a file (S5)."""
    await bot.send()
    upload = {"@files": {"document": {"path": "export:99-1-0", "name": "x.csv", "type": "text/csv"}}}
    draft = OutboxDraft(ANA, "export", "sendDocument", upload)
    row = await bot.do(lambda unit: unit.outbox.add(draft, now=bot.clock.now()))
    bot.parts.delivery.wake()
    assert await bot.outcome(row.id) == ("undeliverable", REVOKED)


@pytest.mark.parametrize("why", ["the clock has jumped", "the database was restored"])
async def test_what_nobody_asked_for_waits_while_the_schedule_is_held(bot: Composed, why: str) -> None:
    """Replies go; reminders wait, until the hold is over (G9)."""
    await bot.send()
    if why == "the clock has jumped":
        bot.clock.set_by(timedelta(hours=1))
    else:
        bot.parts.scheduler.hold = Held(THEN, THEN)
    await bot.say("reminder", ANA, "due")
    await bot.say("prompt", ANA, "asked")
    await bot.swept()
    assert texts(bot.sandbox, ANA) == ["asked"]
    assert bot.parts.look().vitals.is_held == (bot.parts.scheduler.hold is None)


async def test_a_replica_that_may_have_been_taken_for_dead_sends_nothing(bot: Composed) -> None:
    """Another one may have what it has in hand (G7). It goes on when it is sure again."""
    bot.presence.is_cut = True
    await bot.say("prompt", ANA, "one")
    await until(lambda: bot.presence.asked > 2)
    assert texts(bot.sandbox, ANA) == []

    bot.presence.is_cut = False
    await until(lambda: texts(bot.sandbox, ANA) == ["one"])


async def test_a_stored_file_is_sent_as_it_was_before_it_was_sealed(bot: Composed) -> None:
    """Delivery opens evidence with the keys of the house."""
    key = FileStore(bot.base.settings.files, units_vault(bot.base.database)).put(b"%PDF-1.7", True)
    upload = {"@files": {"document": {"path": f"evidence:{key}", "name": "x.pdf", "type": "application/pdf"}}}
    draft = OutboxDraft(ANA, "prompt", "sendDocument", upload)
    row = await bot.do(lambda unit: unit.outbox.add(draft, now=bot.clock.now()))
    bot.parts.delivery.feed([row])
    assert (await bot.outcome(row.id))[0] == "sent"


def said(update_id: int, text: str) -> dict[str, Any]:
    who = {"id": ANA, "type": "private", "is_bot": False, "first_name": "X"}
    return {
        "update_id": update_id,
        "message": {"message_id": update_id, "date": int(THEN.timestamp()), "chat": who, "from": who, "text": text},
    }


async def test_who_sent_what_is_set_aside_is_told(bot: Composed) -> None:
    """An update that has killed the process is not tried again: its person hears of it, and so do admins (G3)."""

    def has_killed(unit: UnitOfWork) -> None:
        unit.suspects.mark("update", bot.base.api.bot_id, [1], DEATHS, bot.clock.now())

    await bot.do(has_killed)
    bot.parts.intake.beware(updates=1)
    await bot.parts.intake.apply(said(1, "/menu"))
    await until(lambda: len(texts(bot.sandbox, ANA)) == 1)
    assert set(bot.parts.alarms.raised()) == {"repeated_deaths"}


async def test_whose_draft_cannot_be_opened_is_told_so(bot: Composed) -> None:
    """Its key is missing here: nothing is lost, and the update comes again."""
    bot.parts.intake._tell_locked(ANA)
    await until(lambda: len(texts(bot.sandbox, ANA)) == 1)


async def test_an_update_is_answered(bot: Composed) -> None:
    """The intake hands it to the dispatch, and what it says to the delivery."""
    await bot.parts.intake.apply(said(1, "/menu"))
    await until(lambda: len(texts(bot.sandbox, ANA)) == 1)


async def test_a_clock_that_is_moved_wakes_the_schedule(tmp_path: Path, furnished: Path, running: Sandbox) -> None:
    """The one that follows the sandbox's, so that what is due then is said at once."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    clock = StartedClock(THEN)
    async with composed(tmp_path, running, clock=clock) as made:
        made.parts.scheduler._wake.clear()
        clock.follow(str(clock.now().timestamp() + 3600))
        assert made.parts.scheduler._wake.is_set()


async def test_what_a_hold_kept_back_is_sent_when_it_is_over(bot: Composed) -> None:
    """The schedule wakes the delivery, and raises what holds it."""
    await bot.do(lambda unit: unit.facts.set("held", THEN.isoformat(), THEN))
    await bot.parts.scheduler.look()
    assert set(bot.parts.alarms.raised()) == {"held"}

    bot.parts.delivery._wake.clear()
    await bot.do(lambda unit: unit.facts.set("held", "", THEN))
    await bot.parts.scheduler.look()
    assert bot.parts.delivery._wake.is_set()


async def test_who_was_taken_for_dead_calls_nobody_with_what_it_had(bot: Composed) -> None:
    """What it had in hand is handed back, and claimed anew before it is sent; receivers are not called either."""
    await bot.send()
    bot.presence.is_cut = True
    row = await bot.say("prompt", ANA, "one")
    await until(lambda: bot.presence.asked > 0)
    before = bot.clock.monotonic()
    bot.parts.disown()
    bot.presence.is_cut = False
    assert await bot.outcome(row) == ("sent", "")
    claims = select(table(OutboxMessage).c.attempts).where(table(OutboxMessage).c.id == row)
    assert await bot.do(lambda unit: unit.connection.execute(claims).scalar_one()) == 2
    assert bot.parts.events._disowned_at >= before


async def test_who_says_something_has_it_sent_at_once(bot: Composed) -> None:
    """Nobody waits for the next look into the outbox: rows are fed, and the delivery is woken."""
    made = held_by(bot.parts)
    feeds = {type(one).__name__: attributes(one)["_feed"] for one in made if "_feed" in attributes(one)}
    assert set(feeds) == {"Alarms", "EventWorker", "ExportWorker", "Scheduler"}
    for name, feed in feeds.items():
        draft = OutboxDraft(ANA, "prompt", "sendMessage", {"text": name})
        feed([await bot.do(lambda unit, draft=draft: unit.outbox.add(draft, now=bot.clock.now()))])  # type: ignore[operator]
    await until(lambda: texts(bot.sandbox, ANA) == list(feeds))

    for wake in (bot.parts.exports._wake, bot.parts.scheduler._said):
        bot.parts.delivery._wake.clear()
        wake()
        assert bot.parts.delivery._wake.is_set()


async def test_the_chores_see_the_parts_that_run(bot: Composed) -> None:
    """What `/estado` says of this process is of its own parts."""
    await bot.parts.scheduler.scan(bot.clock.now())
    seen = bot.parts.look()
    assert seen.vitals.version == _version()
    assert seen.vitals.looked_at == bot.parts.scheduler.looked_at is not None
    assert None not in (seen.vitals.answered_ago, seen.vitals.skew)
    assert seen.vitals.free > 0
    assert (seen.forms, seen.database) == (bot.base.form_cache, bot.base.database)
    for chore in UPKEEP:
        await asyncio.to_thread(chore.do, seen, bot.clock.now())
    assert set(bot.parts.alarms.raised()) == set()
