"""The lookout: one look at the database for all workers of the process, twice a second.

Most of the time there is no work. Each worker that asked for itself opened a view, and ten views a second were nine
tenths of what an idle bot cost. So one short unit asks what there is to do, by kind, and each worker sleeps until there
is something for it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from bot.stopping import until
from bot.telegram.handled import Clock
from storage.errors import Unavailable
from storage.messages.jobs import CLAIMS
from storage.messages.leases import Watch
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)

LOOK_EVERY: Final = 0.5
"""Seconds between two looks."""
EVENTS: Final = "events"
"""The kind of work that events for receivers are."""


class Lookout:
    """Looks until it is stopped, and wakes those who wait for work of the kinds that it finds.

    It also frees the jobs whose claims have run out: a replica that stands still keeps nothing
    (docs/decisions/presence-and-leases.md).
    """

    def __init__(self, units: Units, clock: Clock, replan: Callable[[], None] = lambda: None) -> None:
        """`replan` is called when somebody has changed what is sent on schedule, in whatever process."""
        self.units = units
        self.clock = clock
        self._watch = Watch()
        self._news: dict[str, asyncio.Event] = {}
        self._replan = replan
        self._told: tuple[int, int] | None = None
        """The last act and the last broadcast that the calendar was told of."""
        self._stop = asyncio.Event()

    def news_of(self, kinds: Iterable[str]) -> asyncio.Event:
        """Return an event that is set whenever there is work of these kinds. Who waits for it clears it."""
        news = asyncio.Event()
        self._news |= dict.fromkeys(kinds, news)
        return news

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        while not self._stop.is_set():
            try:
                await self.look()
            except Unavailable:
                logger.debug("lookout.unavailable")
            except Exception:  # the boundary of one look
                logger.exception("lookout.defect")
            await until(self._stop, LOOK_EVERY)

    async def look(self) -> None:
        """Look once."""
        kinds, told = await self.units.run(CLAIMS, self._look)
        for kind in kinds:
            if kind in self._news:
                self._news[kind].set()
        if self._told is not None and told != self._told:
            self._replan()
        self._told = told

    def _look(self, unit: UnitOfWork) -> tuple[list[str], tuple[int, int]]:
        """Free the jobs whose claims have run out. Return the kinds of which there is work, and the calendar's last
        act and broadcast.
        """
        held = unit.jobs.leased()
        unit.jobs.requeue_expired(self._watch.run_out(held, self.clock.monotonic()))
        kinds = unit.jobs.kinds_with_work(self.clock.now())
        told = unit.audit.last_on_calendar(self._told and self._told[0]), unit.broadcasts.last()
        return ([*kinds, EVENTS] if unit.event_deliveries.is_any_waiting() else kinds), told
