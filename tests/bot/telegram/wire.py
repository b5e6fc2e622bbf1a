"""For tests of the wire: databases of both kinds, a clock wound by hand, a bot in pieces that a test holds.

Nothing of ours is replaced: Telegram's end is the sandbox over real sockets, the database is a real one.
"""

import asyncio
import atexit
import contextlib
import functools
import importlib.util
import selectors
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot.log import log_alarm
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import Person
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.giving_up import no_apology
from bot.telegram.handled import Alarm, Handle
from bot.telegram.intake import Intake
from bot.telegram.polling import Polling
from bot.telegram.strangers import Strangers
from bot.telegram.waiting import MOST_WAITING
from storage.database.models import OutboxMessage, PoisonUpdate, table
from storage.database.vault import Vault
from storage.messages.outbox import REPLIES, OutboxDraft, OutboxRow
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.presence import Presence
from tests import ROOT, deadlines
from tests.storage.database import scratch

ANA, LUIS, ROSA = 501, 502, 503
BACK_OFF = (0.03, 0.06, 0.1)


def _load_echo_bot() -> ModuleType:
    file = ROOT / "tests" / "faults" / "echo_bot.py"
    spec = importlib.util.spec_from_file_location("echo_bot", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["echo_bot"] = module
    spec.loader.exec_module(module)
    return module


echo_bot = _load_echo_bot()
Echo = echo_bot.Echo
heard_by = echo_bot.heard_by


class HandClock:
    """Runs with real time, and jumps when told."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return self._ahead.total_seconds() + time.monotonic()

    def move(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


class WrongClock(HandClock):
    """Somebody sets its wall time, by hand or from elsewhere; what is measured on it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._wrong_by = timedelta()

    def now(self) -> datetime:
        return super().now() + self._wrong_by

    def set_by(self, by: timedelta) -> None:
        self._wrong_by = by


class StillClock(HandClock):
    """Its wall time stands still: no lease ever ends."""

    def __init__(self) -> None:
        super().__init__()
        self._at = datetime.now(UTC)

    def now(self) -> datetime:
        return self._at


# ------------------------------------------------------------------ databases
@functools.cache
def _migrated_postgres() -> str:
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    try:
        url = stack.enter_context(scratch.schema("enlace_wire"))
    except OperationalError:
        return ""
    scratch.migrate(url)
    return url


def empty_database(kind: str, folder: Path) -> str:
    """The URL of migrated, empty tables; skips, saying so, where there is no PostgreSQL."""
    if kind == "sqlite":
        shutil.copyfile(scratch.migrated_sqlite(), folder / "wire.db")
        return f"sqlite:///{folder / 'wire.db'}"
    url = _migrated_postgres()
    if not url:
        pytest.skip(scratch.UNREACHABLE)
    scratch.empty(url)
    return url


@contextlib.contextmanager
def opened(url: str, folder: Path) -> Iterator[Database]:
    keys = folder / "keys.json"
    vault = Vault.load(keys) if keys.exists() else Vault.create(keys)
    with open_database(url, vault=vault) as database:
        # What is added before a bot is `running` is of a process that has died since.
        now = datetime.now(UTC)
        database.units.replica_id = database.units.submit(None, lambda unit: unit.replicas.add(now)).result()
        yield database


def people_of(sandbox: Sandbox) -> None:
    """A fresh world with three people in it."""
    sandbox.world.reset()
    for number, name in ((ANA, "Ana"), (LUIS, "Luis"), (ROSA, "Rosa")):
        sandbox.world.add_person(Person(number, name), started=True)


def rows_of(unit: UnitOfWork, drafts: Sequence[OutboxDraft], now: datetime) -> list[OutboxRow]:
    """These, added to the outbox."""
    return [unit.outbox.add(draft, now=now) for draft in drafts]


# ------------------------------------------------------------------ the bot in pieces
class Bot:
    """The parts of a running bot."""

    def __init__(self, api: Api, database: Database, delivery: Delivery, clock: HandClock) -> None:
        self.api = api
        self.database = database
        self.delivery = delivery
        self.clock = clock
        self.intake: Intake
        self.presence: Presence
        self.polling: Polling | None = None

    async def commit(self, *drafts: OutboxDraft) -> list[OutboxRow]:
        """Commit these rows and hand the replies among them over, as the intake does."""

        rows = await self.database.units.run(None, lambda unit: rows_of(unit, drafts, self.clock.now()))
        self.delivery.feed(row for row in rows if row.kind in REPLIES)
        self.delivery.wake()
        return rows

    async def card(self, chat_id: int) -> int:
        return await self.database.units.run(None, lambda unit: unit.outbox.new_card(chat_id))

    async def outbox(self) -> list[Any]:
        """Every outbox row as it is in the database."""
        columns = table(OutboxMessage).c
        query = select(columns.id, columns.kind, columns.state, columns.not_before, columns.error, columns.payload)
        return await self.database.units.run(
            None, lambda unit: list(unit.connection.execute(query.order_by(columns.id)))
        )

    async def states(self) -> list[str]:
        return [row.state for row in await self.outbox()]

    async def poison(self) -> list[Any]:
        return await self.database.units.run(
            None, lambda unit: list(unit.connection.execute(select(table(PoisonUpdate))))
        )

    async def heard(self, chat_id: int) -> list[str]:
        said: list[str] = await self.database.units.run(None, lambda unit: heard_by(unit, chat_id))
        return said


@contextlib.asynccontextmanager
async def running(
    sandbox: Sandbox,
    database: Database,
    *,
    clock: HandClock | None = None,
    polls: bool = False,
    handle: Callable[[int], Handle] | None = None,
    apologise: Handle = no_apology,
    alarm: Alarm = log_alarm,
    server: str = "",
    delivery_class: type[Delivery] = Delivery,
    timeout: float = deadlines.PATIENCE,
    strangers: Strangers | None = None,
    wary_of: int = 0,
    most_waiting: int | None = None,
    **options: Any,
) -> AsyncIterator[Bot]:
    """A bot on this sandbox and database: delivery, intake, and polling if wanted. Stopped cleanly at the end."""
    clock = clock or HandClock()
    api = Api(SecretStr(sandbox.token), server or sandbox.url, timeout=timeout)
    settings: dict[str, Any] = {"rate": 0, "sweep_every": 0.1, "back_off": BACK_OFF} | options
    await api.initialize()
    presence = Presence(database, clock.now)
    try:
        async with asyncio.TaskGroup() as tasks:
            delivery = delivery_class(api, database.units, clock, tasks, **settings)
            bot = Bot(api, database, delivery, clock)
            bot.presence = presence
            await asyncio.to_thread(presence.enter)
            await delivery.start()
            sending = tasks.create_task(delivery.run())
            applies = handle(api.bot_id) if handle is not None else Echo(api.bot_id).handle
            bot.intake = Intake(
                api.bot_id,
                database.units,
                applies,
                delivery,
                clock,
                apologise=apologise,
                strangers=strangers,
                most_waiting=MOST_WAITING if polls else most_waiting,
            )
            bot.intake.beware(wary_of)
            await bot.intake.resume()
            try:
                if polls:
                    bot.polling = Polling(api, database.units, bot.intake, clock, alarm=alarm, wait=2)
                    fetching = tasks.create_task(bot.polling.run())
                yield bot
                if bot.polling is not None:
                    bot.polling.stop()
                    await fetching
                else:  # a bot that is gone must not go on with what is kept
                    await bot.intake.settle(1.8)
            except BaseException:
                # A failed assertion is not to wait for tasks that have no reason to end.
                if bot.polling is not None:
                    bot.polling.stop()
                delivery.stop()
                delivery._abandon.set()
                raise
            delivery.stop()
            await sending
    finally:
        presence.close()
        await api.shutdown()


class _LeapingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.at += timeout or 0.0
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its time stands still while anything is to be done, and leaps to the next timer when nothing is.

    For what is nothing but asyncio and time: an hour passes at once, and no busy machine makes it longer.
    """

    def __init__(self) -> None:
        self._passing = _LeapingSelector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.at


def leap(work: Coroutine[Any, Any, None]) -> None:
    """Run it in time that leaps."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(work)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it, however long that takes: within how many seconds it should have come is nobody's law."""
    await deadlines.until(holds, "what the test waits for")


async def quiet(bot: Bot) -> None:
    """Until everything in hand is sent and recorded."""
    await deadlines.until(lambda: bot.delivery.pending == 0, "nothing is in hand", show=lambda: bot.delivery.pending)


async def swept(bot: Bot) -> None:
    """Until it has looked into the outbox once more, and all that it found there is sent and recorded."""
    sweep, looked = bot.delivery._sweep, asyncio.Event()

    async def noting() -> None:
        await sweep()
        looked.set()

    bot.delivery._sweep = noting  # type: ignore[method-assign]
    bot.delivery.wake()
    await deadlines.until(looked.is_set, "a look into the outbox")
    bot.delivery._sweep = sweep  # type: ignore[method-assign]
    await quiet(bot)


def shown(sandbox: Sandbox, chat_id: int) -> list[tuple[str, str]]:
    """What a phone was shown: (send | edit | delete, text), in order."""
    return [
        (seen.what, str((seen.message or {}).get("text", "")))
        for seen in list(sandbox.world.ledger.since(0, chat=chat_id))
    ]


def texts(sandbox: Sandbox, chat_id: int) -> list[str]:
    return [text for what, text in shown(sandbox, chat_id) if what == "send"]


def calls(sandbox: Sandbox, *methods: str) -> list[Any]:
    """The bot's calls of these methods, oldest first."""
    return [call for call in list(sandbox.world.calls) if call.method in methods]


def said(chat_id: int, *lines: str, kind: Any = "prompt") -> Sequence[OutboxDraft]:
    """One message a line."""
    return [OutboxDraft(chat_id, kind, "sendMessage", {"text": line}) for line in lines]


def edit_of(chat_id: int, card: int) -> OutboxDraft:
    return OutboxDraft(chat_id, "prompt", "editMessageText", {"text": "edited"}, card)


def pending(sandbox: Sandbox) -> int:
    return len(sandbox.world.bot.pending)
