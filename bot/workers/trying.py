"""Try a receiver: call it once with a ping, and say in the chat what it answered.

The call takes seconds and happens in no unit, so it is a job like the download of a file.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from bot.acts import receivers
from bot.chat.actor import Actor
from bot.screens.receivers import show_tried
from bot.settings import Network
from bot.stopping import until
from bot.telegram.handled import BotError, Clock
from bot.telegram.intake import place_of
from bot.workers.events import body_of
from bot.workers.job_answers import Answers
from bot.workers.webhooks import Answer, call, calling
from conversations.plan.model import Role
from storage.database.vault import VaultError
from storage.errors import NotFound, Unavailable
from storage.messages.endpoints import Claimed, target_of
from storage.messages.jobs import CLAIMS, JobRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

KINDS = (receivers.TRY,)
LEASE = timedelta(minutes=1)
LOOK_EVERY = 0.5


class Trying:
    """The worker that tries receivers, one at a time."""

    def __init__(self, database: Database, answers: Answers, clock: Clock, inside: Sequence[Network] = ()) -> None:
        self._database = database
        self._units = database.units
        self._answers = answers
        self._clock = clock
        self._inside = inside
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        while not self._stop.is_set():
            try:
                jobs = await self._units.run(CLAIMS, self._claim) if await asyncio.to_thread(self._has_work) else []
                for job in jobs:
                    await self._see_through(job)
            except Unavailable:  # the next claim takes back what was in hand
                logger.warning("trying.unavailable")
            except BotError:
                raise
            except Exception:  # the boundary that all jobs share
                logger.exception("trying.defect")
            await until(self._stop, LOOK_EVERY)

    def _has_work(self) -> bool:
        with self._database.view() as unit:
            return unit.jobs.has_work(self._clock.now(), KINDS, replica=self._units.replica_id)

    def _claim(self, unit: UnitOfWork) -> list[JobRow]:
        now = self._clock.now()
        unit.jobs.take_back(KINDS, now)
        unit.jobs.requeue_expired(now)
        return unit.jobs.claim(now, now + LEASE, limit=1, kinds=KINDS)

    async def _see_through(self, job: JobRow) -> None:
        if job.is_deadly:
            await self._answers.abandon(job)
            return
        try:
            await self._try(job)
        except (Unavailable, BotError):
            raise
        except Exception as error:  # the boundary of one job
            logger.exception("trying.defect", job=job.id)
            await self._answers.fail(job, place_of(error))

    async def _try(self, job: JobRow) -> None:
        ping = await self._units.run(None, partial(self._ping, job=job))
        answer = Answer("keys") if ping is None else await self._call(ping)
        show = partial(show_tried, endpoint_id=job.payload["endpoint_id"], reason=answer.reason, status=answer.status)
        await self._answers.give(job, show, (Role.ADMIN,))

    def _ping(self, unit: UnitOfWork, job: JobRow) -> Claimed | None:
        """The ping, claimed for the call. None if somebody has removed the receiver meanwhile."""
        person = unit.people.by_telegram_id(job.payload["telegram_id"])
        plan_id = job.payload["plan_id"]
        try:
            found = unit.endpoints.get(plan_id, job.payload["endpoint_id"])
        except NotFound:
            return None
        by = person.id if person else None
        zone = unit.plans.by_id(plan_id).timezone
        return receivers.ping(Actor(unit, plan_id, self._clock.now(), zone, ZoneInfo(zone), by), found)

    async def _call(self, ping: Claimed) -> Answer:
        vault = self._database.vault
        try:
            if vault is None:
                return Answer("keys")
            target = target_of(vault, ping)
        except VaultError:
            return Answer("keys")
        async with calling(self._inside) as session:
            return await call(session, target, ping.uid, body_of(ping), self._clock.now)
