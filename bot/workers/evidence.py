"""Files that people send: fetched outside any unit, checked, stored, and only then an answer (S10).

A download may take a minute and may fail, and no update waits for it. The update that brought the file committed a job
and was acknowledged. This worker claims the job, and its result is applied in the chat's order like any other event. A
file that arrives twice is stored once, because its name is the hash of its content.

One heavy file must not hold up the files of everybody. So there are two workers. The first gives each file a few
seconds, and whose files took least lately comes first. A file that needs longer, or whose sender has used up a budget,
waits for the second worker, which does nothing else.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from bot.acts.plan import importing
from bot.acts.reports import publishing
from bot.acts.reports.reports import FETCH
from bot.dispatch import Dispatch
from bot.log import log_alarm, place_of
from bot.telegram.api import Api
from bot.telegram.errors import BadRequest, RetryAfter, TelegramError, TooLarge, seconds_of
from bot.telegram.giving_up import if_it_can_be_said
from bot.telegram.handled import Alarm, Clock, Handled
from bot.telegram.intake import Intake
from bot.workers.job_answers import DEADLY
from bot.workers.job_loop import JobLoop, claim_next
from bot.workers.lookout import Lookout
from bot.workers.publishing import Publishing
from bot.workers.turns import Turns
from conversations.session.events import Fetched, FetchFailed
from conversations.xforms.limits import FILE_MB
from storage.messages.jobs import CLAIMS, JobRow
from storage.open_database import Database
from storage.reports.confinement import Confinement, Interrupted, TooSlow
from storage.reports.files import FileStore, NewAttachment, Put
from storage.reports.inspection import Inspected
from storage.reports.refusals import Refused
from storage.reports.sessions import StoredSession
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

KINDS = (FETCH, *publishing.KINDS, *importing.KINDS)
SLOW: Final = "slow:"
"""How the kind of a job begins that the second worker does."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class _Stored:
    inspected: Inspected
    put: Put


class Evidence:
    """A worker that fetches evidence and forms, one at a time: there are few, and 20 MB need memory.

    With `is_slow` it does what the other one has set aside.
    """

    def __init__(
        self,
        api: Api,
        database: Database,
        intake: Intake,
        dispatch: Dispatch,
        store: FileStore,
        clock: Clock,
        forms: Publishing,
        confinement: Confinement,
        turns: Turns,
        lookout: Lookout,
        alarm: Alarm = log_alarm,
        *,
        is_slow: bool = False,
    ) -> None:
        self._api = api
        self._database = database
        self._units = database.units
        self._intake = intake
        self._dispatch = dispatch
        self._store = store
        self._clock = clock
        self._forms = forms
        self._confinement = confinement
        self._alarm = alarm
        self._turns = turns
        self._is_slow = is_slow
        self._kinds = tuple(f"{SLOW}{kind}" for kind in KINDS) if is_slow else KINDS
        self._loop = JobLoop("evidence", self._kinds, lookout)

    def stop(self) -> None:
        """Begin nothing more. A file in hand is fetched again after the next start."""
        self._loop.stop()
        self._confinement.close()

    async def run(self) -> None:
        await self._loop.run(self._do, self._fail, claim=self._claim)

    async def _claim(self, now: datetime) -> JobRow | None:
        used = self._turns.used()
        jobs = await self._units.run(CLAIMS, lambda unit: claim_next(unit, self._kinds, now, used))
        return replace(jobs[0], kind=jobs[0].kind.removeprefix(SLOW)) if jobs else None

    async def _do(self, job: JobRow) -> None:
        begun_at = self._clock.monotonic()
        try:
            if not self._is_slow and self._turns.is_spent(job.chat_id or 0):
                raise TooSlow("its chat has used up its budget")
            if job.is_deadly:
                await self._give_up(job)
            else:
                await (self._work(job) if job.kind == FETCH else self._forms.work(job))
        except Interrupted as error:
            if self._loop.is_stopped:
                await self._units.run(None, lambda unit: unit.jobs.put_back(job, "interrupted"))
            elif job.tries < TRIES:
                now, reason = self._clock.now(), str(error)
                await self._units.run(None, lambda unit: unit.jobs.retry(job, reason, now, at=now))
            else:  # somebody ends our children again and again
                await self._fail(job, str(error))
        except TooSlow as error:
            kind, reason = f"{SLOW}{job.kind}", str(error)
            await self._units.run(None, lambda unit: unit.jobs.set_aside(job, kind, reason))
        finally:
            self._turns.note(job.chat_id or 0, self._clock.monotonic() - begun_at)

    async def _give_up(self, job: JobRow) -> None:
        """Fail a job that the process has died of too often, and tell its person."""
        if job.kind == FETCH:
            await self._feed(job, FetchFailed(job.payload["unique_id"], "file.deadly"))
        else:
            await self._forms.abandon(job)

    async def _fail(self, job: JobRow, reason: str) -> None:
        """Fail a job for a reason on our side, and tell its person."""
        if job.kind == FETCH:
            await self._feed(job, FetchFailed(job.payload["unique_id"], "file.failed"), reason)
        else:
            await self._forms.fail(job, reason)

    async def _work(self, job: JobRow) -> None:
        """Fetch, check and store the file, and apply the result.

        If the file cannot be had, that is a result too: its question stays open.
        """
        payload = job.payload
        try:
            data = await self._api.download(payload["file_id"])
        except TooLarge:
            await self._feed(job, FetchFailed(payload["unique_id"], "report.file_big", (("max_mb", str(FILE_MB)),)))
            return
        except RetryAfter as error:
            at = self._clock.now() + timedelta(seconds=seconds_of(error))
            await self._units.run(None, lambda unit: unit.jobs.put_back(job, "retry after", at=at))
            return
        except TelegramError as error:
            reason, now = type(error).__name__, self._clock.now()
            is_final = isinstance(error, BadRequest)  # the file is gone or was never ours: asking again does not help
            if self._loop.is_stopped and not is_final:  # nothing is known of the file: it is fetched after the start
                await self._units.run(None, lambda unit: unit.jobs.put_back(job, "stopped"))
                return
            if job.tries < TRIES and not is_final:
                logger.warning("evidence.retry", reason=reason, attempt=job.tries)
                at = now + timedelta(seconds=1)
                await self._units.run(None, lambda unit: unit.jobs.retry(job, reason, now, at=at))
                return
            await self._feed(job, FetchFailed(payload["unique_id"], "file.failed"))
            return
        try:
            outcome = await asyncio.to_thread(self._keep, payload, data)
        except OSError as error:
            logger.error("evidence.not_stored", reason=place_of(error))
            await self._feed(job, FetchFailed(payload["unique_id"], "file.failed"))
            return
        if isinstance(outcome, Refused):
            values = tuple((str(k), str(v)) for k, v in outcome.values.items())
            await self._feed(job, FetchFailed(payload["unique_id"], outcome.reason, values))
            return
        await self._feed(job, outcome)

    def _keep(self, payload: dict[str, Any], data: bytes) -> "_Stored | Refused":
        found = self._confinement.inspect(
            data,
            claimed_name=payload["name"],
            claimed_mime=payload["mime_type"],
            accept=payload["accept"],
            max_pixels=payload["max_pixels"],
        )
        if isinstance(found, Refused):
            return Refused(f"file.{found.reason}", found.values)
        if payload["is_restricted"] and found.mime_type.startswith(("image/", "video/")):
            return Refused("report.evidence_sensitive")
        return _Stored(found, self._store.put_for_now(found.data, sensitive=payload["is_sensitive"]))

    async def _feed(self, job: JobRow, result: "FetchFailed | _Stored", failure: str = "") -> None:
        """Settle the job and apply the event in one unit, in the chat's order. `failure` is for the operator."""
        now = self._clock.now()
        failure = DEADLY if job.is_deadly else failure

        def work(unit: UnitOfWork) -> Handled:
            is_ours = unit.jobs.fail(job, failure, now) if failure else unit.jobs.settle(job, now)
            if not is_ours:
                return Handled()  # the lease has ended and another worker has it
            if job.is_deadly:
                unit.after_commit(partial(self._alarm, "repeated_deaths", f"job {job.id} ({job.kind}): {DEADLY}"))
            return self._dispatch.fetched(unit, job.payload, job.chat_id or 0, partial(take, unit), now)

        def take(unit: UnitOfWork, session: StoredSession) -> Fetched | FetchFailed | None:
            return result if isinstance(result, FetchFailed) else self._attach(unit, session, job, result)

        def give_up(unit: UnitOfWork, error: Exception) -> Handled:
            unit.jobs.fail(job, place_of(error), now)
            logger.error("evidence.poison", job=job.id, reason=place_of(error))
            return if_it_can_be_said(unit, lambda: self._dispatch.not_fetched(unit, job.chat_id or 0, now))

        await self._intake.submit(job.chat_id, work, give_up)
        if isinstance(result, _Stored):
            await asyncio.to_thread(self._take_back, result.put)

    def _take_back(self, put: Put) -> None:
        """Remove the file from the folder if no answer took it: its sender was suspended, or went back."""
        with self._database.view() as unit:
            is_named = unit.attachments.is_named(put.key)
        if not is_named:
            self._store.take_back(put)

    def _attach(self, unit: UnitOfWork, session: StoredSession, job: JobRow, stored: _Stored) -> Fetched | None:
        payload = job.payload
        if (session.data.get("fetching"), session.data.get("at")) != (payload["unique_id"], payload["ref"]):
            return None  # they went back or sent another file: this answer stays as it is
        attachment = unit.attachments.add(
            NewAttachment(
                plan_id=session.plan_id,
                instance_id=session.instance_id,
                ref=payload["ref"],
                inspected=stored.inspected,
                sensitive=session.sensitive,
                is_compressed=payload["is_compressed"],
            ),
            self._clock.now(),
        )
        return Fetched(payload["unique_id"], attachment.file_name, attachment.original_name, payload["is_compressed"])
