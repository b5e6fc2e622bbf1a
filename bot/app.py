"""The composition root: it makes the clock, the database, Telegram and every other part, and runs their tasks.

Only this module makes a clock, opens a TaskGroup, or knows every part. A clean shutdown has an order: stop taking
updates, commit those in progress, send what was committed, close the database.
"""

import asyncio
import contextlib
import gc
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import structlog

from bot.acts.upkeep.status import Vitals, free_bytes
from bot.alarms.raising import Alarms, keep
from bot.alarms.standing import Standing
from bot.chat.exchange import Deployment
from bot.chat.form_cache import FormCache
from bot.chat.permissions import telegram_menu
from bot.dispatch import Dispatch
from bot.errors import Complaint
from bot.log import configure_logging
from bot.open_storage import BOT_USERNAME, expect_ours, open_unasked
from bot.schedule.scheduler import ClockWatch, Scheduler
from bot.settings import Settings
from bot.starting import answered, count_on, expect_evidence_folder, is_ours, look_back, only_one, outgrown
from bot.stopping import COMMITTING, SENDING, Stopping, until
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.errors import InvalidToken, TelegramError
from bot.telegram.handled import Alarm, BotError, Clock, TokenRejected
from bot.telegram.intake import Intake
from bot.telegram.polling import Polling
from bot.telegram.waiting import LOOK_BEHIND, MOST_POSTED, MOST_WAITING
from bot.workers.events import EventWorker
from bot.workers.evidence import Evidence
from bot.workers.exports import ExportWorker, look_again
from bot.workers.imports import Importing
from bot.workers.job_answers import Answers
from bot.workers.lookout import Lookout
from bot.workers.publishing import Publishing
from bot.workers.trying import Trying
from bot.workers.turns import Turns
from bot.workers.upkeep import Premises, keep_house
from bot.workers.uploads import Uploads
from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from storage.database.vault import Vault
from storage.errors import StorageError, Unavailable, Unmigrated
from storage.exports.parcels import Parcels
from storage.messages.kept import BOT_FACT
from storage.messages.leases import since_boot
from storage.messages.outbox import OutboxRow
from storage.open_database import Database
from storage.reports.confinement import FIRST_TRY, Confinement
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from storage.upkeep import lineage
from storage.upkeep.presence import Presence

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from bot.doors.data import DataDoor
    from bot.web.health import Question
    from bot.web.server import HttpServer, Webhook

logger = structlog.get_logger(__name__)


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return since_boot()


class StartedClock:
    """A clock that was started at a given instant and follows the sandbox's, if its answers carry one."""

    def __init__(self, start: datetime) -> None:
        self._offset = self._began_with = start - datetime.now(UTC)
        self._ahead = 0.0
        self.on_move: Callable[[], None] = lambda: None
        """Called when the clock has been moved, so that everything that is due now is looked for."""

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return since_boot() + self._ahead

    def follow(self, header: str) -> None:
        """Set this clock to the sandbox's time; `header` has its Unix seconds. Small differences are ignored.

        Answers overtake each other. One from before a move sets the clock back, and the next one sets it right again:
        `monotonic` has gone the way once.
        """
        try:
            told = datetime.fromtimestamp(float(header), UTC)
        except (ValueError, OverflowError, OSError):
            return
        jump = told - self.now()
        if abs(jump) > timedelta(seconds=2):
            self._offset += jump
            self._ahead = max(self._ahead, (self._offset - self._began_with).total_seconds())
            self.on_move()


def serve(settings: Settings, clock: Clock, *, parent: int | None = None) -> None:
    """`enlace run`: make all checks that need no start, then serve until told to stop.

    `parent` is a pipe that the starting process holds open. When the pipe ends, the bot stops too.
    """
    if not settings.telegram_token.get_secret_value():
        raise Complaint(
            "ENLACE_TELEGRAM_TOKEN is not set. Ask @BotFather for a token, or try `enlace demo` without one."
        )
    configure_logging(settings.log_level, settings.log_format, secrets=settings.secrets)
    with open_unasked(settings) as database, only_one(settings):
        expect_evidence_folder(settings)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run(settings, clock, database, parent))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


@dataclass(frozen=True, slots=True)
class _Base:
    """The settings, clock, database and connections that all parts of the bot share."""

    settings: Settings
    clock: Clock
    database: Database
    api: Api
    form_cache: FormCache


async def run(settings: Settings, clock: Clock, database: Database, parent: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM. A Complaint tells the operator what to mend."""
    stopping = Stopping()
    stopping.listen()
    if parent is not None:
        _end_with(parent, stopping)
    api = _api(settings, clock)
    form_cache = FormCache(settings.timezone, FileStore(settings.files, units_vault(database)))
    base = _Base(settings, clock, database, api, form_cache)
    try:
        async with stopping.breaking():
            is_known = await asyncio.to_thread(is_ours, settings, database)
            await _introduce(base)
        if not stopping.is_asked:
            await _serve(base, stopping, is_known=is_known)
        logger.info("bot.stopped")
    finally:
        with contextlib.suppress(Exception):
            await api.shutdown()


def _end_with(parent: int, stopping: Stopping) -> None:
    """Stop when the pipe ends: the process that held it open is gone, perhaps without telling us."""
    loop = asyncio.get_running_loop()

    def over() -> None:
        loop.remove_reader(parent)
        stopping.ask()

    loop.add_reader(parent, over)


def _api(settings: Settings, clock: Clock) -> Api:
    follow: Callable[[str], None] | None = clock.follow if isinstance(clock, StartedClock) else None
    return Api(settings.telegram_token, settings.telegram_api, on_clock=follow)


async def _introduce(base: _Base) -> None:
    try:
        await base.api.initialize()
    except InvalidToken:
        await asyncio.to_thread(_remember_rejection, base.database, base.clock)
        raise Complaint("Telegram does not accept ENLACE_TELEGRAM_TOKEN. Ask @BotFather for the bot's token.") from None
    except TelegramError as error:
        raise Complaint(
            f"{base.settings.telegram_api} cannot be reached ({type(error).__name__}). "
            "Check ENLACE_TELEGRAM_API and the network."
        ) from None


def _remember_rejection(database: Database, clock: Clock) -> None:
    """Store that Telegram rejects the token, for `enlace status` and later for the admins' chat."""
    now = clock.now()
    rejected = Standing("token_rejected", now, now, "Telegram does not accept the bot's token")
    with contextlib.suppress(StorageError):
        database.units.submit(None, partial(keep, raised=rejected, now=now)).result()


async def _serve(base: _Base, stopping: Stopping, *, is_known: bool) -> None:
    """Run all tasks until the bot stops. A process that ends before this returns has ended uncleanly."""
    presence = Presence(base.database, base.clock.now)
    reason: Unmigrated | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            parts = _compose(base, tasks, presence)
            for server in parts.servers:
                server.listen()  # before the outbox: a second copy started by mistake leaves the first one's alone
                tasks.create_task(server.run())
            async with stopping.breaking():
                await _take_over(parts, base, is_known=is_known)
            if not stopping.is_asked:
                running = _begin(parts, base, stopping, tasks)
                mode = "webhook" if base.settings.webhook_url else "polling"
                logger.info("bot.ready", username=base.api.username, mode=mode)
                tasks.create_task(_settle_in(base, stopping))
                stop = tasks.create_task(stopping.event.wait())
                outdated = tasks.create_task(outgrown(base.database, stopping.event))
                await asyncio.wait({stop, outdated, running.incoming}, return_when=asyncio.FIRST_COMPLETED)
                reason = outdated.result() if outdated.done() else None
                await _end(parts, running, stopping)
            _cancel_others()
        if reason is None and presence.id:
            await asyncio.to_thread(count_on, base.settings, base.database, base.clock.now())
        await asyncio.to_thread(presence.leave)
    except* (BotError, Complaint, StorageError) as group:
        if group.subgroup(TokenRejected) is not None:
            await asyncio.to_thread(_remember_rejection, base.database, base.clock)
        await asyncio.to_thread(presence.leave)
        raise Complaint(str(group.exceptions[0])) from None
    finally:
        presence.close()
    if reason is not None:
        raise Complaint(f"{reason}.")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of the bot, made and not begun."""

    source: "Polling | Webhook"
    door: "DataDoor | None"
    intake: Intake
    delivery: Delivery
    exports: ExportWorker
    events: EventWorker
    workers: Sequence[Lookout | Evidence | ExportWorker | EventWorker | Trying]
    """All that work on jobs and events, these two among them."""
    scheduler: Scheduler
    servers: "Sequence[HttpServer]"
    """They answer a supervisor from the beginning, also while the bot waits for its database."""
    alarms: Alarms
    look: Callable[[], Premises]
    presence: Presence

    def disown(self) -> None:
        """Send and call nothing of what is in hand: this process was taken for dead."""
        self.delivery.disown()
        self.events.disown()


@dataclass(frozen=True, slots=True)
class _Running:
    """The running tasks."""

    incoming: asyncio.Task[None]
    outgoing: asyncio.Task[None]
    workers: frozenset[asyncio.Task[None]]


def _compose(base: _Base, tasks: asyncio.TaskGroup, presence: Presence) -> _Parts:
    """Make every part. Some know each other: the scheduler feeds the delivery, which asks the scheduler."""
    settings, clock, database, api = base.settings, base.clock, base.database, base.api
    units = database.units
    house = _deployment(base)
    dispatch = Dispatch(house)
    vault = units_vault(database)
    store, parcels = FileStore(settings.files, vault), Parcels(settings.files / "exports", vault)
    alarms = Alarms(units, clock, lambda rows: delivery.feed(rows))
    units.on_lost = alarms.lost
    scheduler = _scheduler(base, alarms, said=lambda: delivery.wake(), feed=lambda rows: delivery.feed(rows))
    delivery = Delivery(
        api,
        units,
        clock,
        tasks,
        rate=settings.send_rate,
        open_file=Uploads(store, parcels).open,
        second_look=partial(_second_look, scheduler),
        is_held=lambda: scheduler.is_held,
        is_sure=presence.is_sure,
        alarm=alarms,
    )
    intake = Intake(
        api.bot_id,
        units,
        dispatch.handle,
        delivery,
        clock,
        apologise=dispatch.apologise,
        excuse=dispatch.cannot_open,
        alarm=alarms,
        most_waiting=MOST_WAITING if settings.webhook_url is None else MOST_POSTED,
    )
    answers = Answers(intake, house, clock, alarms)
    turns, lookout = Turns(clock), Lookout(units, clock, scheduler.wake)

    def opener(room: Confinement, *, is_slow: bool) -> Evidence:
        plans = Importing(database, answers, store, room)
        forms = Publishing(api, units, answers, plans, store, clock, room)
        return Evidence(
            api, database, intake, dispatch, store, clock, forms, room, turns, lookout, alarms, is_slow=is_slow
        )

    evidence = (opener(Confinement(FIRST_TRY), is_slow=False), opener(Confinement(), is_slow=True))
    feed, wake = delivery.feed, delivery.wake
    exports = ExportWorker(database, store, parcels, clock, lookout, feed=feed, wake=wake, alarm=alarms)
    door = _door(base)
    asked = _readiness(base, alarms)
    source = _source(base, intake, delivery, alarms, door, asked, presence.is_cut_off)
    servers = _monitoring(base, door, asked, partial(_metrics, base, intake, delivery, scheduler, alarms))
    if not isinstance(source, Polling):
        servers.append(source.server)
    events = EventWorker(database, clock, tasks, lookout, house.reach, presence.is_sure, feed=feed)
    trying = Trying(database, answers, clock, lookout, house.reach)
    workers = (lookout, *evidence, exports, events, trying)
    look = _premises(base, store, parcels, alarms, scheduler)
    return _Parts(source, door, intake, delivery, exports, events, workers, scheduler, servers, alarms, look, presence)


def _deployment(base: _Base) -> Deployment:
    return Deployment(
        bot_id=base.api.bot_id,
        bot_username=lambda: base.api.username,
        language=base.settings.language,
        timezone=base.settings.timezone,
        forms=base.form_cache,
        new_instance_id=lambda: f"uuid:{uuid.uuid4()}",
        reach=base.settings.reach,
        origin=base.settings.origin,
    )


def _premises(
    base: _Base, store: FileStore, parcels: Parcels, alarms: Alarms, scheduler: Scheduler
) -> Callable[[], Premises]:
    """Return a function with which the chores read the present state of the bot's parts."""
    settings, api = base.settings, base.api
    started_at = base.clock.now()

    def look() -> Premises:
        vitals = Vitals(
            _version(),
            started_at,
            api.answered_ago,
            api.skew(base.clock.now()),
            free_bytes(settings),
            scheduler.looked_at,
            scheduler.is_clock_held,
        )
        beside = lineage.beside(settings.keys)
        return Premises(base.database, store, vitals, alarms, base.form_cache, beside, parcels)

    return look


@cache
def _version() -> str:
    """The version of the installed package; "unknown" if the bot runs from a folder."""
    try:
        return version("enlace-plan")
    except PackageNotFoundError:
        return "unknown"


def _scheduler(
    base: _Base, alarm: Alarm, *, said: Callable[[], None], feed: Callable[[Sequence[OutboxRow]], None]
) -> Scheduler:
    clock, api = base.clock, base.api
    # A clock that was started somewhere follows the sandbox's, and is meant to be moved.
    watch = None if isinstance(clock, StartedClock) else ClockWatch(clock, lambda: api.skew(clock.now()))
    scheduler = Scheduler(base.database, clock, said=said, feed=feed, watch=watch, alarm=alarm)
    if isinstance(clock, StartedClock):
        clock.on_move = scheduler.wake
    return scheduler


async def _take_over(parts: _Parts, base: _Base, *, is_known: bool) -> None:
    """Ask the database for everything that is asked once, and take over the work of an earlier process.

    All of it before the first update is applied. It may be broken off at any point.
    """
    units, api = base.database.units, base.api
    if not is_known:
        await answered(partial(asyncio.to_thread, expect_ours, base.settings, base.database))
    await answered(lambda: units.run(None, partial(_learn, api=api, now=base.clock.now())))
    await answered(partial(asyncio.to_thread, look_back, base.settings, base.database, base.clock.now()))
    entered = await answered(partial(asyncio.to_thread, parts.presence.enter))
    await answered(parts.scheduler.learn_hold)
    if entered.ended:
        parts.intake.beware()
    await answered(parts.delivery.start)
    await answered(parts.intake.resume)
    await answered(partial(parts.exports.start, is_alone=entered.is_alone))


def _begin(parts: _Parts, base: _Base, stopping: Stopping, tasks: asyncio.TaskGroup) -> _Running:
    """Begin all parts; their loops bear with a database that goes away."""
    outgoing = tasks.create_task(parts.delivery.run())
    workers = [
        parts.presence.run(parts.delivery.wake, parts.disown),
        *(worker.run() for worker in parts.workers),
        parts.scheduler.run(),
        parts.alarms.run(stopping.event),
        keep_house(parts.look, base.clock, stopping.event),
    ]
    if not base.database.is_sqlite or parts.scheduler.is_held:
        workers.append(_inherit(parts.intake, stopping.event))
    begun = frozenset(tasks.create_task(worker) for worker in workers)
    return _Running(tasks.create_task(parts.source.run()), outgoing, begun)


async def _inherit(intake: Intake, stop: asyncio.Event) -> None:
    """Apply what another process has kept and left behind, or what rests after a restore once that is over."""
    while not stop.is_set():
        await until(stop, LOOK_BEHIND)
        with contextlib.suppress(Unavailable):
            await intake.take_over()


async def _settle_in(base: _Base, stopping: Stopping) -> None:
    """Prepare what makes later answers quicker. It runs beside the answers, so nobody waits for it."""
    with contextlib.suppress(StorageError):
        await asyncio.to_thread(_warm, base.database, base.form_cache, stopping)
    _settle_memory()
    await _set_menus(base.api, base.settings.language)


def _settle_memory() -> None:
    """Exclude the objects that start-up made from garbage collection: they live as long as the process.

    Collection was off until now. They are not searched for garbage first: of 200 000 objects 700 were garbage, and
    nobody gets an answer while the search runs.
    """
    gc.freeze()
    gc.set_threshold(10_000, 10, 20)  # with 50 000 all chats waited 30 ms for one search, every few seconds
    gc.enable()


async def _end(parts: _Parts, running: _Running, stopping: Stopping) -> None:
    """End in order: stop taking updates, commit those in progress, send what was committed. Each step has a limit.

    Calls that are still in progress after that are cancelled. The next start settles them by their kind, as after a
    crash.
    """
    parts.source.stop()
    stopping.set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(COMMITTING):
            await running.incoming
    for worker in parts.workers:
        worker.stop()
    parts.scheduler.stop()
    parts.alarms.stop()
    parts.delivery.stop()
    running.outgoing.add_done_callback(lambda _: parts.presence.stop())  # what is sent last needs it
    for server in parts.servers:
        server.stop()
    if parts.door is not None:
        parts.door.close()
    await asyncio.wait({running.outgoing, *running.workers}, timeout=SENDING)


def _cancel_others() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


def _second_look(
    scheduler: Scheduler, unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime
) -> Sequence[OutboxRow]:
    """Return the claimed rows that are still to be sent. Each kind of message has its own reasons to be dropped."""
    return list(look_again(unit, scheduler.second_look(unit, rows, now), now))


def _readiness(base: _Base, alarms: Alarms) -> "Mapping[str, Question]":
    """The questions of `/readyz`, if something listens."""
    settings = base.settings
    if not (settings.webhook_url or settings.metrics or settings.origin):
        return {}
    from bot.web.server import questions  # a bot that only polls needs no web server

    return questions(base.api, base.database.units, settings, alarms.raised)


def _source(
    base: _Base,
    intake: Intake,
    delivery: Delivery,
    alarms: Alarms,
    door: "DataDoor | None",
    asked: "Mapping[str, Question]",
    is_away: Callable[[], bool],
) -> "Polling | Webhook":
    """The source of updates: polling, or the webhook."""
    settings, api, units, clock = base.settings, base.api, base.database.units, base.clock
    if settings.webhook_url is None:
        return Polling(api, units, intake, clock, alarm=alarms)
    from bot.web.server import Webhook

    routes = door.routes() if door is not None else ()
    return Webhook(
        api, units, intake, delivery, clock, settings, asked=asked, routes=routes, alarm=alarms, is_away=is_away
    )


def _monitoring(
    base: _Base, door: "DataDoor | None", asked: "Mapping[str, Question]", metrics: "Callable[[], BaseRoute]"
) -> "list[HttpServer]":
    """The servers beside the webhook: for monitoring, if ENLACE_METRICS is set, and for the door of a polling bot."""
    settings = base.settings
    servers = []
    if settings.metrics:
        from bot.web.server import operations

        servers.append(operations(settings, metrics(), asked))
    if door is not None and settings.webhook_url is None:
        from bot.web.server import alone

        servers.append(alone(settings, door.routes(), asked))
    return servers


def _metrics(base: _Base, intake: Intake, delivery: Delivery, scheduler: Scheduler, alarms: Alarms) -> "BaseRoute":
    from bot.web.metrics import metrics_route  # prometheus-client, for those who have a Prometheus

    return metrics_route(base.database, intake, delivery, scheduler, alarms.raised)


def _door(base: _Base) -> "DataDoor | None":
    """The data door for other programs. None unless ENLACE_APP_URL opens it."""
    settings = base.settings
    if not settings.origin:
        return None
    from bot.doors.data import DataDoor

    return DataDoor(base.database, base.clock, settings.language, settings.origin)


def units_vault(database: Database) -> Vault:
    vault = database.vault
    if vault is None:
        raise Complaint("The keyring is missing. `enlace init` makes one.")
    return vault


def _learn(unit: UnitOfWork, *, api: Api, now: datetime) -> None:
    unit.facts.set(BOT_USERNAME, api.username, now)
    unit.facts.set(BOT_FACT, str(api.bot_id), now)


def _warm(database: Database, form_cache: FormCache, stopping: Stopping) -> None:
    with database.view() as unit:
        form_cache.warm(unit, lambda: stopping.is_asked)


async def _set_menus(api: Api, default_language: str) -> None:
    """Set the command menu for strangers: only what starts the conversation.

    Telegram keeps the menus, so nobody has to wait for them to be set again, nor for the catalogues of all languages.
    """
    menus = await asyncio.to_thread(_menus, default_language)
    with contextlib.suppress(TelegramError):
        for menu in menus:
            await api.call("setMyCommands", menu)


def _menus(default_language: str) -> list[dict[str, object]]:
    """The parameters of setMyCommands, for each language."""
    menus = []
    for language in LANGUAGES:
        first = [{"command": c, "description": d} for c, d in telegram_menu(Role.READER, language)][:1]
        menu: dict[str, object] = {"commands": first, "scope": {"type": "all_private_chats"}}
        menus.append(menu if language == default_language else menu | {"language_code": language})
    return menus
