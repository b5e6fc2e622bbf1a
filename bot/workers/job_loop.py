"""The loop of a worker that works on one job after the other.

A claimed job is a row with a lease, which the loop renews while the job is worked on. If the process dies, another
replica takes the job over at once. If the process stands still, another one takes it over when the lease has run out
(docs/decisions/presence-and-leases.md).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

import structlog

from bot.log import place_of
from bot.telegram.handled import BotError
from bot.workers.lookout import Lookout
from storage.errors import Unavailable
from storage.messages.jobs import CLAIMS, JobRow
from storage.messages.outbox import LEASE
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

HOLD_EVERY = 5.0
"""Seconds between two renewals of the lease: a busy machine may be late with four of them."""

NOBODY: Final[Mapping[int, float]] = MappingProxyType({})

Work = Callable[[JobRow], Awaitable[None]]
"""Does one job to its end."""

Claim = Callable[[datetime], Awaitable[JobRow | None]]
"""Claims the next job; None if there is none."""


def claim_next(
    unit: UnitOfWork, kinds: Sequence[str], now: datetime, used: Mapping[int, float] = NOBODY
) -> list[JobRow]:
    """Claim one job of these kinds, of the chat that has `used` least. Empty if none waits.

    First free the jobs that this process has lost sight of.
    """
    unit.jobs.take_back(kinds, now)
    return unit.jobs.claim(now, now + LEASE, limit=1, kinds=kinds, used=used)


class JobLoop:
    """Claims jobs of these kinds, one at a time, and gives each to `work`, until it is stopped.

    If `work` raises, the job is given to `fail` with the place of the error, and the loop goes on. If the database is
    away, the next claim takes back the jobs that were in hand.
    """

    def __init__(self, name: str, kinds: Sequence[str], lookout: Lookout) -> None:
        self._unavailable = f"{name}.unavailable"
        self._defect = f"{name}.defect"
        self._kinds = kinds
        self._units = lookout.units
        self._clock = lookout.clock
        self._news = lookout.news_of(kinds)
        self.is_stopped = False

    def stop(self) -> None:
        """Claim nothing more."""
        self.is_stopped = True
        self._news.set()

    async def run(
        self,
        work: Work,
        fail: Callable[[JobRow, str], Awaitable[None]],
        *,
        claim: Claim | None = None,
    ) -> None:
        """Work on jobs until `stop`, and wait for the lookout when none is left. `claim` replaces the usual claim."""
        claim = claim or self._claim
        while await self._is_called():
            try:
                while not self.is_stopped and (job := await claim(self._clock.now())) is not None:
                    await self._see_through(job, work, fail)
            except Unavailable:  # the next claim takes back what was in hand
                logger.debug(self._unavailable)
            except BotError:
                raise
            except Exception:  # the boundary that all jobs share
                logger.exception(self._defect)

    async def _is_called(self) -> bool:
        """Wait until there is work, or until it is stopped. False then."""
        await self._news.wait()
        self._news.clear()
        return not self.is_stopped

    async def _claim(self, now: datetime) -> JobRow | None:
        jobs = await self._units.run(CLAIMS, lambda unit: claim_next(unit, self._kinds, now))
        return jobs[0] if jobs else None

    async def _see_through(self, job: JobRow, work: Work, fail: Callable[[JobRow, str], Awaitable[None]]) -> None:
        passed_on: Exception | None = None
        defect = ""
        async with asyncio.TaskGroup() as tasks:  # no exception leaves it: it would come out as one of a group
            holding = tasks.create_task(self._hold(job))
            try:
                await work(job)
            except (Unavailable, BotError) as error:
                passed_on = error
            except Exception as error:  # the boundary of one job
                logger.exception(self._defect, job=job.id, kind=job.kind)
                defect = place_of(error)
            holding.cancel()
        if passed_on is not None:
            raise passed_on
        if defect:
            await fail(job, defect)

    async def _hold(self, job: JobRow) -> None:
        """Renew the lease of a job in hand, until it is another replica's. That is noticed when it is settled."""
        is_ours = True
        while is_ours:
            await asyncio.sleep(HOLD_EVERY)
            lease_until = self._clock.now() + LEASE
            with contextlib.suppress(Unavailable):
                is_ours = await self._units.run(None, partial(_hold, job=job, lease_until=lease_until))


def _hold(unit: UnitOfWork, job: JobRow, lease_until: datetime) -> bool:
    return unit.jobs.hold(job, lease_until)
