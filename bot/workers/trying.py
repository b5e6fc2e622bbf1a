"""Try a receiver: call it once with a ping, and say in the chat what it answered.

The call takes seconds and happens in no unit, so it is a job like the download of a file.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.acts import receivers
from bot.chat.actor import Actor
from bot.screens.receivers import show_tried
from bot.settings import Network
from bot.telegram.handled import Clock
from bot.workers.events import body_of
from bot.workers.job_answers import Answers
from bot.workers.job_loop import JobLoop
from bot.workers.webhooks import Answer, call, calling
from conversations.plan.model import Role
from storage.database.vault import VaultError
from storage.errors import NotFound
from storage.messages.endpoints import Claimed, target_of
from storage.messages.jobs import JobRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

KINDS = (receivers.TRY,)
LEASE = timedelta(minutes=1)


class Trying:
    """The worker that tries receivers, one at a time."""

    def __init__(self, database: Database, answers: Answers, clock: Clock, inside: Sequence[Network] = ()) -> None:
        self._database = database
        self._units = database.units
        self._answers = answers
        self._clock = clock
        self._inside = inside
        self._loop = JobLoop("trying", KINDS, LEASE, database, clock)

    def stop(self) -> None:
        self._loop.stop()

    async def run(self) -> None:
        await self._loop.run(self._work, self._answers.fail)

    async def _work(self, job: JobRow) -> None:
        await (self._answers.abandon(job) if job.is_deadly else self._try(job))

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
