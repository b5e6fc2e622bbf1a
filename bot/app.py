"""The composition root: the clock, the database, Telegram, and the tasks that connect them.

The only place that makes a clock, opens a TaskGroup, or knows every part. Clean shutdown is an order of steps:
no more updates in, what is in flight committed, what was committed said, then the database closed.
"""

import asyncio
import contextlib
import gc
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
from telegram.error import InvalidToken, NetworkError

from bot import commands
from bot.answers import Answers
from bot.complaint import Complaint
from bot.dispatch import Dispatch
from bot.evidence import Evidence
from bot.exchange import House
from bot.export_worker import ExportWorker, Parcels, look_again
from bot.importing import Importing
from bot.opening import BOT_USERNAME, open_storage
from bot.publishing import Publishing
from bot.redaction import configure_logging
from bot.scheduler import ClockWatch, Scheduler
from bot.settings import Settings
from bot.shelf import Shelf
from bot.status import Vitals, free_bytes
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.handled import BotError, Clock, TokenRejected
from bot.telegram.intake import Flood, Intake, Polling
from bot.upkeep import Premises, keep_house
from bot.uploads import open_upload
from conversations.plan import Role
from conversations.wording import LANGUAGES
from storage.database import Database
from storage.files import FileStore
from storage.outbox import OutboxRow
from storage.unit_of_work import UnitOfWork, Units
from storage.vault import Vault

if TYPE_CHECKING:
    from bot.web.server import HttpServer, Webhook

logger = structlog.get_logger(__name__)


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class StartedClock:
    """A clock that was started at a given instant and follows the sandbox's, if its answers carry one."""

    def __init__(self, start: datetime) -> None:
        self._offset = start - datetime.now(UTC)
        self._ahead = 0.0
        self.on_move: Callable[[], None] = lambda: None
        """Called whenever the clock has been moved: what has become due is due now."""

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def follow(self, header: str) -> None:
        """Stand where the sandbox stands (its header is Unix seconds); small drifts are left alone."""
        try:
            told = datetime.fromtimestamp(float(header), UTC)
        except (ValueError, OverflowError, OSError):
            return
        jump = told - self.now()
        if abs(jump) > timedelta(seconds=2):
            self._offset += jump
            self._ahead += max(0.0, jump.total_seconds())
            self.on_move()


def serve(settings: Settings, clock: Clock) -> None:
    """`enlace run`: check what can be checked first, then serve until told to stop."""
    token = settings.telegram_token.get_secret_value()
    if not token:
        raise Complaint(
            "ENLACE_TELEGRAM_TOKEN is not set. Ask @BotFather for a token, or try `enlace demo` without one."
        )
    secrets = [token, settings.webhook_secret.get_secret_value()]
    configure_logging(settings.log_level, settings.log_format, secrets=[secret for secret in secrets if secret])
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run(settings, clock))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def run(settings: Settings, clock: Clock) -> None:
    """Serve until SIGINT or SIGTERM. Complaint for whatever the operator can mend."""
    database = open_storage(settings)
    api = _api(settings, clock)
    try:
        await _introduce(api, settings)
        await _serve(settings, clock, database, api)
    finally:
        with contextlib.suppress(Exception):
            await api.shutdown()
        database.close()


def _api(settings: Settings, clock: Clock) -> Api:
    follow: Callable[[str], None] | None = clock.follow if isinstance(clock, StartedClock) else None
    return Api(settings.telegram_token, settings.telegram_api, on_clock=follow)


async def _introduce(api: Api, settings: Settings) -> None:
    try:
        await api.initialize()
    except InvalidToken:
        raise Complaint("Telegram does not accept ENLACE_TELEGRAM_TOKEN. Ask @BotFather for the bot's token.") from None
    except NetworkError as error:
        raise Complaint(
            f"{settings.telegram_api} cannot be reached ({type(error).__name__}). "
            "Check ENLACE_TELEGRAM_API and the network."
        ) from None


async def _serve(settings: Settings, clock: Clock, database: Database, api: Api) -> None:
    shelf = Shelf(settings.timezone, FileStore(settings.files, units_vault(database)))
    house = House(
        bot_id=api.bot_id,
        bot_username=lambda: api.username,
        language=settings.language,
        timezone=settings.timezone,
        forms=shelf,
        new_instance_id=lambda: f"uuid:{uuid.uuid4()}",
    )
    dispatch = Dispatch(house)
    units = database.units
    await units.run(None, partial(_learn, username=api.username, now=clock.now()))
    await asyncio.to_thread(_warm, database, shelf)
    await _set_menus(api, settings.language)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    # A clock that was started somewhere follows the sandbox's, and is meant to be moved.
    watch = None if isinstance(clock, StartedClock) else ClockWatch(clock)
    scheduler = Scheduler(
        database,
        clock,
        settings.timezone,
        said=lambda: delivery.wake(),
        feed=lambda rows: delivery.feed(rows),
        watch=watch,
    )
    if isinstance(clock, StartedClock):
        clock.on_move = scheduler.wake
    try:
        async with asyncio.TaskGroup() as tasks:
            store = FileStore(settings.files, units_vault(database))
            parcels = Parcels(settings.files / "exports")
            is_alone = database.is_sqlite or settings.webhook_url is None
            delivery = Delivery(
                api,
                units,
                clock,
                tasks,
                rate=settings.send_rate,
                is_alone=is_alone,
                open_file=partial(open_upload, store, parcels),
                second_look=partial(_second_look, scheduler, settings.timezone),
                is_held=lambda: scheduler.is_held,
            )
            # Pacing is of both directions: a benchmark that sends as fast as it can is not a person who floods.
            flood = Flood() if settings.send_rate else None
            intake = Intake(api.bot_id, units, dispatch.handle, delivery, clock, flood=flood)
            answers = Answers(intake, house, clock)
            forms = Publishing(api, units, answers, Importing(database, answers, store), store, clock)
            evidence = Evidence(api, database, intake, dispatch, store, clock, forms)
            exports = ExportWorker(
                database,
                store,
                parcels,
                clock,
                settings.timezone,
                feed=delivery.feed,
                wake=delivery.wake,
                is_alone=is_alone,
            )
            # Addresses are taken before the outbox: a second copy started by mistake leaves the first one's alone.
            source = _source(settings, api, units, intake, delivery, clock)
            monitoring = _monitoring(settings, database, api, intake, delivery, scheduler)
            for server in monitoring:
                server.listen()
                tasks.create_task(server.run())
            await delivery.start()
            outgoing = tasks.create_task(delivery.run())
            await exports.start()
            fetching = tasks.create_task(evidence.run())
            exporting = tasks.create_task(exports.run())
            calendar = tasks.create_task(scheduler.run())
            started_at = clock.now()

            def look() -> Premises:
                vitals = Vitals(
                    version("enlace"),
                    started_at,
                    api.answered_ago,
                    api.skew(clock.now()),
                    free_bytes(settings),
                    scheduler.looked_at,
                    scheduler.is_held,
                )
                return Premises(database, store, vitals)

            housekeeping = tasks.create_task(keep_house(look, clock, stopping))
            incoming = tasks.create_task(source.run())
            # What start-up built lives as long as the process: the collector need not walk it again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)
            gc.enable()
            logger.info("bot.ready", username=api.username, mode="webhook" if settings.webhook_url else "polling")
            stop = tasks.create_task(stopping.wait())
            await asyncio.wait({stop, incoming}, return_when=asyncio.FIRST_COMPLETED)
            source.stop()
            stopping.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5.0):
                    await incoming
            evidence.stop()
            exports.stop()
            scheduler.stop()
            delivery.stop()
            workers = {fetching, exporting, calendar, housekeeping}
            await asyncio.wait({outgoing, *workers}, timeout=5.0)
            for worker in workers:
                worker.cancel()
            for server in monitoring:
                server.stop()
        logger.info("bot.stopped")
    except* TokenRejected as group:
        raise Complaint(str(group.exceptions[0])) from None
    except* BotError as group:
        raise Complaint(str(group.exceptions[0])) from None


def _second_look(
    scheduler: Scheduler, timezone: str, unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime
) -> Sequence[OutboxRow]:
    """What of the fan-out is still to be sent: each kind of it has its own reasons not to be."""
    return list(look_again(unit, scheduler.second_look(unit, rows, now), now, timezone))


def _source(
    settings: Settings, api: Api, units: Units, intake: Intake, delivery: Delivery, clock: Clock
) -> "Polling | Webhook":
    """Where updates come from; the webhook's address is taken."""
    if settings.webhook_url is None:
        return Polling(api, units, intake, clock)
    from bot.web.server import Webhook  # who polls, needs no web server

    webhook = Webhook(api, units, intake, delivery, clock, settings)
    webhook.listen()
    return webhook


def _monitoring(
    settings: Settings, database: Database, api: Api, intake: Intake, delivery: Delivery, scheduler: Scheduler
) -> "list[HttpServer]":
    """The server at ENLACE_METRICS; none without."""
    if not settings.metrics:
        return []
    from bot.web.server import operations

    return [operations(settings, database, api, intake, delivery, scheduler)]


def units_vault(database: Database) -> Vault:
    vault = database.vault
    if vault is None:
        raise Complaint("The keyring is missing. `enlace init` makes one.")
    return vault


def _learn(unit: UnitOfWork, *, username: str, now: datetime) -> None:
    unit.facts.set(BOT_USERNAME, username, now)


def _warm(database: Database, shelf: Shelf) -> None:
    """Compile the forms in use before the first person waits for one."""
    with database.view() as unit:
        for plan in unit.plans.all():
            for form in unit.forms.list(plan.id):
                shelf.version(unit, form.id)


async def _set_menus(api: Api, default_language: str) -> None:
    """The command menu strangers see: only what starts the conversation."""
    with contextlib.suppress(NetworkError):
        for language in LANGUAGES[:2]:
            menu = [{"command": c, "description": d} for c, d in commands.telegram_menu(Role.READER, language)][:1]
            payload: dict[str, object] = {"commands": menu, "scope": {"type": "all_private_chats"}}
            if language != default_language:
                payload["language_code"] = language
            await api.call("setMyCommands", payload)
