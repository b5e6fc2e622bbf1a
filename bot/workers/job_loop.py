"""The loop of a worker that works on one job after the other.

A claimed job is a row with a lease. If the process dies, another replica takes the job back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.stopping import until
from bot.telegram.handled import BotError, Clock
from bot.telegram.intake import place_of
from storage.errors import Unavailable
from storage.messages.jobs import CLAIMS, JobRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks while there is nothing to do."""


def claim_next(unit: UnitOfWork, kinds: Sequence[str], now: datetime, lease: timedelta) -> list[JobRow]:
    """Claim one job of these kinds. Empty if none waits. First free the jobs of dead replicas and of ended leases."""
    unit.jobs.take_back(kinds, now)
    unit.jobs.requeue_expired(now)
    return unit.jobs.claim(now, now + lease, limit=1, kinds=kinds)


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
        self, work: Callable[[JobRow], Awaitable[None]], fail: Callable[[JobRow, str], Awaitable[None]]
    ) -> None:
        while not self.is_stopped:
            try:
                if jobs := await self._claim():
                    await self._see_through(jobs[0], work, fail)
                    continue
            except Unavailable:  # the next claim takes back what was in hand
                logger.warning(self._unavailable)
            except BotError:
                raise
            except Exception:  # the boundary that all jobs share
                logger.exception(self._defect)
            await until(self._stop, LOOK_EVERY)

    async def _claim(self) -> list[JobRow]:
        """Claim the next job. A reader looks first, so that looking takes no turn of the writer."""
        if not await asyncio.to_thread(self._has_work):
            return []
        return await self._database.units.run(
            CLAIMS, lambda unit: claim_next(unit, self._kinds, self._clock.now(), self._lease)
        )

    def _has_work(self) -> bool:
        with self._database.view() as unit:
            return unit.jobs.has_work(self._clock.now(), self._kinds, replica=self._database.units.replica_id)

    async def _see_through(
        self,
        job: JobRow,
        work: Callable[[JobRow], Awaitable[None]],
        fail: Callable[[JobRow, str], Awaitable[None]],
    ) -> None:
        try:
            await work(job)
        except (Unavailable, BotError):
            raise
        except Exception as error:  # the boundary of one job
            logger.exception(self._defect, job=job.id, kind=job.kind)
            await fail(job, place_of(error))
