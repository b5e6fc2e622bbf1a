"""`GET /metrics`: how the bot is doing, for Prometheus.

People who read metrics may not read anything else: often another ministry runs the monitoring, and it keeps what it has
read for years. So the values of every label are fixed here or in the code that they come from: kinds of updates, kinds
of messages, classes of outcomes. No label is a name, an agency, a chat, a token or an answer.

The hot path counts in plain integers (`storage.database.durations`); nothing is computed before somebody asks.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.alarms.standing import KINDS, standing
from bot.telegram.delivery import Delivery
from bot.telegram.intake import Intake
from storage.database.durations import BOUNDS, Durations
from storage.errors import Unavailable
from storage.messages.endpoints import STATES
from storage.open_database import Database

if TYPE_CHECKING:
    from bot.schedule.scheduler import Scheduler

OUTCOMES: Final = {
    "Sent": "sent",
    "NotModified": "sent",
    "Gone": "gone",
    "RetryAfter": "retry_after",
    "Unreachable": "unreachable",
    "Undeliverable": "undeliverable",
    "Ambiguous": "ambiguous",
    "NotSent": "not_sent",
    "Migrated": "migrated",
    "Rejected": "rejected",
}
"""The class of a call's outcome, and its name for an operator."""


class Figures(Collector):
    """The figures of one running bot, read when they are asked for."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        delivery: Delivery,
        scheduler: "Scheduler",
        raised: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self._database = database
        self._raised = raised
        self._scheduler = scheduler
        self._intake = intake
        self._delivery = delivery

    def describe(self) -> list[Metric]:
        """Describe nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        intake, delivery, units = self._intake, self._delivery, self._database.units
        updates = CounterMetricFamily("enlace_updates", "Updates taken up; a failed one each time.", labels=["kind"])
        for kind, number in intake.updates.items():
            updates.add_metric([kind], number)
        yield updates
        yield _counter("enlace_updates_dropped", "Updates of strangers in excess, not looked at.", intake.dropped)
        yield _counter("enlace_updates_kept", "Updates of one chat in excess, applied after their turn.", intake.kept)
        yield _counter("enlace_updates_poisoned", "Updates set aside after failing five times.", intake.poisoned)
        yield _counter("enlace_units", "Units of work that are durable.", units.applied)
        yield _histogram("enlace_commit_seconds", "Duration of a commit; many units share one.", units.commits)
        yield _histogram("enlace_update_commit_seconds", "From an update's delivery to its commit.", intake.committing)
        yield _histogram("enlace_commit_reply_seconds", "From the commit to the first reply sent.", delivery.replying)
        calls = CounterMetricFamily(
            "enlace_deliveries", "Calls that deliver messages, by what became of them.", labels=["kind", "outcome"]
        )
        told: Counter[tuple[str, str]] = Counter()
        for (kind, outcome), number in dict(delivery.counts).items():
            told[kind, OUTCOMES[outcome]] += number
        for labels, number in sorted(told.items()):
            calls.add_metric(labels, number)
        yield calls
        yield _counter("enlace_delivery_retries", "Calls to be made once more.", delivery.retries)
        yield GaugeMetricFamily(
            "enlace_retry_after_seconds", "Until Telegram hears us again after a 429; 0: now.", delivery.held_for
        )
        fires = CounterMetricFamily(
            "enlace_fires", "What was due on schedule, by what became of it.", labels=["what", "outcome"]
        )
        for labels, number in sorted(dict(self._scheduler.counts).items()):
            fires.add_metric(labels, number)
        yield fires
        yield GaugeMetricFamily(
            "enlace_clock_held",
            "1 while nothing is said on schedule, since the clock has jumped.",
            self._scheduler.is_clock_held,
        )
        yield GaugeMetricFamily(
            "enlace_restore_held",
            "1 while nothing is said of its own accord, since the database was restored.",
            self._scheduler.hold is not None,
        )
        yield from self._waiting()

    def _alarms(self, kept: Collection[str]) -> Metric:
        """Return the alarms that stand in the database, and those that this process raised and could not store."""
        alarms = GaugeMetricFamily("enlace_alarm", "1 while this kind of alarm stands.", labels=["kind"])
        raised = {*kept, *self._raised()}
        for kind in (*KINDS, *sorted(raised - KINDS.keys())):
            alarms.add_metric([kind], kind in raised)
        return alarms

    def _waiting(self) -> Iterator[Metric]:
        """The figures from the database. They are left out while it is away, because a 0 would look like good news."""
        try:
            with self._database.view() as unit:
                states, jobs = unit.outbox.waiting(), unit.jobs.waiting()
                told = unit.event_deliveries.counts()
                raised = {one.kind for one in standing(unit)}
        except Unavailable:
            yield self._alarms(frozenset())
            return
        yield self._alarms(raised)
        waiting = GaugeMetricFamily("enlace_outbox_rows", "Messages not yet settled.", labels=["state"])
        for state, number in states.items():
            waiting.add_metric([state], number)
        yield waiting
        yield GaugeMetricFamily("enlace_jobs_waiting", "Work that no worker has begun.", jobs)
        events = GaugeMetricFamily("enlace_event_deliveries", "What receivers are told, by state.", labels=["state"])
        for state in STATES:
            events.add_metric([state], sum(number for (_, each), number in told.items() if each == state))
        yield events


def metrics_route(
    database: Database,
    intake: Intake,
    delivery: Delivery,
    scheduler: "Scheduler",
    raised: Callable[[], Collection[str]] = frozenset,
) -> Route:
    """`/metrics` of this bot: its own figures, and its process's memory, processor time and open files."""
    registry = CollectorRegistry()
    registry.register(Figures(database, intake, delivery, scheduler, raised))
    ProcessCollector(registry=registry)

    async def metrics(_: Request) -> Response:
        # In a thread: it reads the database, and writing a thousand lines takes longer than an update may wait.
        return Response(await asyncio.to_thread(generate_latest, registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Route("/metrics", metrics)


def _counter(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(name, help, value)


def _histogram(name: str, help: str, durations: Durations) -> Metric:
    reached, buckets = 0, []
    for bound, number in zip((*map(str, BOUNDS), "+Inf"), list(durations.buckets), strict=True):
        reached += number
        buckets.append((bound, reached))
    return HistogramMetricFamily(name, help, buckets=buckets, sum_value=durations.seconds)
