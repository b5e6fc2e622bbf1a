"""The loop of a worker that works on one job after the other.

A claimed job is a row with a lease. If the process dies, another replica takes the job back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import structlog

from bot.log import place_of
from bot.stopping import until
from bot.telegram.handled import BotError, Clock
from storage.errors import Unavailable
from storage.messages.jobs import CLAIMS, JobRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks while there is nothing to do."""

NOBODY: Final[Mapping[int, float]] = MappingProxyType({})

Work = Callable[[JobRow], Awaitable[None]]
"""Does one job to its end."""

Claim = Callable[[datetime], Awaitable[JobRow | None]]
"""Claims the next job; None if there is none."""


def claim_next(
    unit: UnitOfWork, kinds: Sequence[str], now: datetime, lease: timedelta, used: Mapping[int, float] = NOBODY
) -> list[JobRow]:
    """Claim one job of these kinds, of the chat that has `used` least. Empty if none waits.

    First free the jobs of dead replicas and of ended leases.
    """
    unit.jobs.take_back(kinds, now)
    unit.jobs.requeue_expired(now)
    return unit.jobs.claim(now, now + lease, limit=1, kinds=kinds, used=used)


class JobLoop:
    """Claims jobs of these kinds, one at a time, and gives each to `work`, until it is stopped.

    If `work` raises, the job is given to `fail` with the place of the error, and the loop goes on. If the database is
    away, the next claim takes back the jobs that were in hand.
    """

    def __init__(self, name: str, kinds: Sequence[str], lease: timedelta, database: Database, clock: Clock) -> None:
        self._unavailable = f"{name}.unavailable"
        self._defect = f"{name}.defect"
        self._kinds = kinds
        self._lease = lease
        self._database = database
        self._clock = clock
        self._stop = asyncio.Event()

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stop.set()

    async def run(
        self,
        work: Work,
        fail: Callable[[JobRow, str], Awaitable[None]],
        *,
        claim: Claim | None = None,
        tidy: Callable[[datetime], Awaitable[None]] | None = None,
    ) -> None:
        """Work on jobs until `stop`. `claim` replaces the usual claim of a job. `tidy` is done before each look."""
        claim = claim or self._claim
        while not self.is_stopped:
            try:
                now = self._clock.now()
                if tidy is not None:
                    await tidy(now)
                if await asyncio.to_thread(self._has_work, now) and (job := await claim(now)) is not None:
                    await self._see_through(job, work, fail)
                    continue
            except Unavailable:  # the next claim takes back what was in hand
                logger.debug(self._unavailable)
            except BotError:
                raise
            except Exception:  # the boundary that all jobs share
                logger.exception(self._defect)
            await until(self._stop, LOOK_EVERY)

    def _has_work(self, now: datetime) -> bool:
        """Ask a reader whether there is work, so that looking takes no turn of the writer."""
        with self._database.view() as unit:
            return unit.jobs.has_work(now, self._kinds, replica=self._database.units.replica_id)

    async def _claim(self, now: datetime) -> JobRow | None:
        jobs = await self._database.units.run(CLAIMS, lambda unit: claim_next(unit, self._kinds, now, self._lease))
        return jobs[0] if jobs else None

    async def _see_through(self, job: JobRow, work: Work, fail: Callable[[JobRow, str], Awaitable[None]]) -> None:
        try:
            await work(job)
        except (Unavailable, BotError):
            raise
        except Exception as error:  # the boundary of one job
            logger.exception(self._defect, job=job.id, kind=job.kind)
            await fail(job, place_of(error))
