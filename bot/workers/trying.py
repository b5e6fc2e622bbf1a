"""Try a receiver or a token of other programs, and show the result in the chat.

A receiver is called once with a ping. A token's data is read to its end. Both take seconds and happen outside the
writer's units, so they are jobs, like the download of a file.
"""

import asyncio
from functools import partial
from zoneinfo import ZoneInfo

from bot.acts.sharing import receivers, tokens
from bot.chat.actor import Actor
from bot.screens.sharing.receivers import show_tried
from bot.screens.sharing.tokens import show_read
from bot.settings import Reach
from bot.telegram.handled import Clock
from bot.workers.events import body_of
from bot.workers.job_answers import Answers
from bot.workers.job_loop import JobLoop
from bot.workers.lookout import Lookout
from bot.workers.webhooks import Answer, call, calling
from conversations.plan.model import Role
from storage.database.vault import VaultError
from storage.errors import NotFound
from storage.messages.endpoints import Claimed, target_of
from storage.messages.jobs import JobRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

KINDS = (receivers.TRY, tokens.TRY)


class Trying:
    """The worker that tries receivers and tokens, one at a time."""

    def __init__(
        self,
        database: Database,
        answers: Answers,
        clock: Clock,
        lookout: Lookout,
        reach: Reach,
    ) -> None:
        self._database = database
        self._units = database.units
        self._answers = answers
        self._clock = clock
        self._reach = reach
        self._loop = JobLoop("trying", KINDS, lookout)

    def stop(self) -> None:
        self._loop.stop()

    async def run(self) -> None:
        await self._loop.run(self._work, self._answers.fail)

    async def _work(self, job: JobRow) -> None:
        if job.is_deadly:
            await self._answers.abandon(job)
            return
        await (self._call_receiver(job) if job.kind == receivers.TRY else self._read(job))

    async def _read(self, job: JobRow) -> None:
        prefix = job.payload["prefix"]
        found = await asyncio.to_thread(self._readable, job.payload["plan_id"], prefix)
        await self._answers.give(job, partial(show_read, prefix=prefix, found=found), (Role.ADMIN,))

    def _readable(self, plan_id: int, prefix: str) -> list[tuple[str, int]]:
        with self._database.view() as unit:
            token = unit.tokens.get(plan_id, prefix)
            return tokens.readable(unit, token, self._clock.now())

    async def _call_receiver(self, job: JobRow) -> None:
        ping = await self._units.run(None, partial(self._ping, job=job))
        answer = Answer("keys") if ping is None else await self._call(ping)
        show = partial(show_tried, endpoint_id=job.payload["endpoint_id"], reason=answer.reason, status=answer.status)
        await self._answers.give(job, show, (Role.ADMIN,))

    def _ping(self, unit: UnitOfWork, job: JobRow) -> Claimed | None:
        """The ping, claimed for the call. None if the receiver has been removed, or another replica has the job."""
        if not unit.jobs.is_held(job):
            return None
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
        async with calling(self._reach) as session:
            return await call(session, target, ping.uid, body_of(ping), self._clock.now)
