"""The worker that makes the files people asked for. No file arrives twice.

An export may take minutes, and the process may die during that time. So it is a job with a lease. A thread makes it
with a connection that only reads: no answer waits for it, and nothing counts until one unit puts the documents into the
outbox. A worker that has lost the lease by then puts nothing there, so a request never brings two files. Role and right
are checked at the request, before the documents are queued, and in the unit that claims them for sending (S5).

The files lie sealed on disk until Telegram has them (`storage.exports.parcels`); only while one is made is it in the
clear, readable by the bot's user alone. If it is in doubt whether one arrived, it stays for a few hours, in case the
person asks for it again. The bot itself never repeats an export (G7).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from bot.acts.sharing.exports import KIND, Asker, send_part, wanted_of
from bot.chat.actor import naming_plan
from bot.log import log_alarm
from bot.schedule.reminders import message_of
from bot.telegram import render
from bot.telegram.handled import Alarm, Clock
from bot.workers.job_answers import DEADLY
from bot.workers.job_loop import JobLoop, claim_next
from bot.workers.lookout import Lookout
from conversations.card import Card, line
from conversations.dates import day_and_hour
from conversations.languages import translated
from conversations.plan.model import Role
from conversations.plan.sharing.export_progress import (
    Made,
    caption,
    done_card,
    doubt_card,
    ended_card,
    part_lines,
    sending_card,
    working_card,
)
from conversations.plan.sharing.export_request import Choice, known_part
from conversations.wording import wording
from storage.database.marks import protection_mark
from storage.database.vault import key_unknown
from storage.errors import NotFound, Unavailable
from storage.exports.exporters import exporter
from storage.exports.parcels import Parcels
from storage.exports.parts import Making, TooLarge, Whole, write_parts
from storage.exports.wanted import Wanted
from storage.messages import outbox
from storage.messages.jobs import CLAIMS, JobRow, StoredJob
from storage.messages.outbox import LEASE, OutboxDraft, OutboxRow
from storage.open_database import Database
from storage.people.people import Person
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

LIMIT: Final = 45_000_000
"""Bytes of a document; a bot may send 50 MB (Bot API, sendDocument), the rest of the request included."""
TRIES: Final = 3
"""How often an export is begun while the database is away."""
SHOW_EVERY: Final = 2.0
"""Seconds between two edits of a message: Telegram takes one a second in a chat, and others want to write too."""
REVOKED: Final = "no longer allowed"
CHANGED: Final = "the plan protects other things now"
"""Why a file is not sent that was made before an import said what else is restricted, or raised a limit."""


class _Stopped(Exception):
    """The thread must stop: the export is cancelled, the lease is lost, or the process ends."""


@dataclass(slots=True)
class InProgress:
    """What the thread and the event loop share about one export."""

    done: int = 0
    total: int = 0
    is_stopped: bool = False
    protects: str = ""
    """The mark of what the plan protected when it was read."""

    def progress(self, done: int, total: int) -> None:
        if self.is_stopped:
            raise _Stopped
        self.done, self.total = done, total


class ExportWorker:
    """Makes exports: `start`, then `run` until `stop`.

    One at a time, because an export is heavy and the machine is small. `feed` sends replies that were just committed.
    `wake` lets delivery look for documents that were queued.
    """

    def __init__(
        self,
        database: Database,
        store: FileStore,
        parcels: Parcels,
        clock: Clock,
        lookout: Lookout,
        *,
        feed: Callable[[Sequence[OutboxRow]], None],
        wake: Callable[[], None],
        limit: int = LIMIT,
        show_every: float = SHOW_EVERY,
        alarm: Alarm = log_alarm,
    ) -> None:
        self._alarm = alarm
        self._database = database
        self._units = database.units
        self._store = store
        self._parcels = parcels
        self._clock = clock
        self._feed = feed
        self._wake = wake
        self._limit = limit
        self._show_every = show_every
        self._loop = JobLoop("exports", (KIND,), lookout)
        self._making: InProgress | None = None

    def stop(self) -> None:
        self._loop.stop()
        if self._making is not None:
            self._making.is_stopped = True

    async def start(self, *, is_alone: bool = True) -> None:
        """Make the folder and remove files that nobody needs: beside another replica, only old ones."""
        await asyncio.to_thread(self._parcels.make)
        if is_alone:
            kept = await self._units.run(None, _kept)
            await asyncio.to_thread(self._parcels.sweep, datetime.fromtimestamp(0, UTC), kept)

    async def run(self) -> None:
        await self._loop.run(self.make, lambda job, why: self._end(job, "failed", why), claim=self.claim)

    async def claim(self, now: datetime) -> JobRow | None:
        """Settle the exports that were sent, and claim the next job."""

        def look(unit: UnitOfWork) -> tuple[list[JobRow], list[OutboxRow], list[str]]:
            edits: list[OutboxRow] = []
            useless: list[str] = []
            for sent in unit.jobs.of_kind(KIND, states=("sending",)):
                useless += settle(unit, sent, now, edits)
            return claim_next(unit, (KIND,), now), edits, useless

        jobs, edits, useless = await self._units.run(CLAIMS, look)
        self._feed(edits)
        await asyncio.to_thread(self._parcels.remove, useless)
        return jobs[0] if jobs else None

    # -------------------------------------------------------------- one job
    async def make(self, job: JobRow) -> None:
        """Make the files of a claimed export and hand them over, or say how it ended."""
        if job.is_deadly:
            self._alarm("repeated_deaths", f"job {job.id} ({job.kind}): {DEADLY}")
            await self._end(job, "failed", DEADLY)
            return
        making = self._making = InProgress()
        loop = asyncio.get_running_loop()
        building = loop.run_in_executor(None, self.build, job, making)
        shown = ""
        try:
            while not building.done():
                await asyncio.wait({building}, timeout=self._show_every)
                if building.done():
                    break
                if self._loop.is_stopped:
                    making.is_stopped = True
                    continue
                shown = await self._hold(job, making, shown)
            whole = building.result()
        except _Stopped:
            if self._loop.is_stopped:  # the process ends: the next one begins the export again, at once
                await self._units.run(None, lambda unit: unit.jobs.put_back(job, "stopped"))
            return
        except TooLarge:
            await self._end(job, "too_large", "too large")
            return
        except Unavailable as error:
            if (locked := key_unknown(error)) is not None:
                self._alarm("keys", str(locked))
            if job.tries >= TRIES:  # also what takes the database too long
                await self._end(job, "failed", "unavailable")
                return
            now = self._clock.now()
            await self._units.run(None, lambda unit: unit.jobs.retry(job, "unavailable", now, tries=TRIES))
            return
        finally:
            making.is_stopped = True
            self._making = None
            building.cancel()  # if nobody waits for the thread any more, nobody asks how it ended
        if whole is None:
            await self._end(job, "revoked", REVOKED)
            return
        await self.hand_over(job, whole, making.protects)

    def build(self, job: JobRow, making: InProgress) -> Whole | None:
        """Make the files in a thread, on a connection that only reads. None if the person may no longer have them."""
        with self._database.view() as unit:
            asked = allowed(unit, job)
            if asked is None:
                return None
            used = exporter(asked.choice.dataset, asked.choice.format, asked.choice.audience, asked.wanted.role)
            assert used is not None
            making.protects = protection_mark(unit, job.payload["plan"])
            parts = Making(unit, self._store, used, making.progress)
            return write_parts(parts, asked.wanted, self._parcels.folder, self._limit)

    async def _hold(self, job: JobRow, making: InProgress, shown: str) -> str:
        """Renew the lease and show the progress. If the lease is lost, tell the thread to stop."""
        choice, now = Choice.of(job.payload["choice"]), self._clock.now()
        done, total = making.done, making.total

        def hold(unit: UnitOfWork) -> tuple[bool, list[OutboxRow], str]:
            if not unit.jobs.hold(job, now + LEASE):
                return False, [], shown
            say = wording(unit.people.by_id(job.payload["person"]).language)
            card = working_card(choice, job.id, done, total, say)
            looks = str(card)
            edits = _edit(unit, job, card, now) if total and looks != shown else []
            return True, edits, looks

        try:
            is_mine, edits, looks = await self._units.run(None, hold)
        except Unavailable:
            return shown
        making.is_stopped = making.is_stopped or not is_mine
        self._feed(edits)
        return looks

    async def hand_over(self, job: JobRow, whole: Whole, protects: str) -> None:
        """Put the documents into the outbox, if the job is still ours and the person may still have them.

        If the plan protects other things by now, the export is made anew.
        """
        now = self._clock.now()
        names = [f"{job.id}-{job.attempts}-{number}.part" for number in range(len(whole.parts))]

        def hand_over(unit: UnitOfWork) -> tuple[bool, list[OutboxRow]]:
            if not unit.jobs.hold(job, now + LEASE):
                return False, []
            asked = allowed(unit, job)
            if asked is None:
                unit.jobs.fail(job, REVOKED, now)
                return False, _farewell(unit, job, "revoked", now)
            if protection_mark(unit, job.payload["plan"]) != protects:
                unit.jobs.put_back(job, CHANGED)
                return False, []
            parts = []
            for number, (part, name) in enumerate(zip(whole.parts, names, strict=True), 1):
                made = {
                    "file": name,
                    "name": part.name,
                    "caption": _caption(asked, whole, number, part.agency),
                    "restricted": asked.wanted.sees_restricted,
                }
                parts.append({**made, "outbox": send_part(unit, asked.person.telegram_id, made, now)})
            more = {
                "parts": parts,
                "protects": protects,
                "count": whole.written.count,
                "lacking": list(whole.written.lacking)[:20],
            }
            unit.jobs.hand_over(job.id, job.payload | more)
            card = sending_card(asked.choice, len(parts), wording(asked.person.language))
            return True, _edit(unit, job, card, now)

        await asyncio.to_thread(self._keep, whole, names)
        try:
            is_sent, edits = await self._units.run(None, hand_over)
        except Unavailable:
            # It may have been committed: then the files are needed. Otherwise they are swept and the job begins again.
            return
        if not is_sent:
            await asyncio.to_thread(self._parcels.remove, names)
        logger.info("exports.made", job=job.id, parts=len(names), rows=whole.written.count, is_sent=is_sent)
        self._feed(edits)
        self._wake()

    def _keep(self, whole: Whole, names: Sequence[str]) -> None:
        try:
            for part, name in zip(whole.parts, names, strict=True):
                self._parcels.keep(part.path, name)
        except BaseException:  # the disk is full
            for part in whole.parts:
                part.path.unlink(missing_ok=True)
            self._parcels.remove(names)
            raise

    async def _end(self, job: JobRow, reason: str, error: str) -> None:
        now = self._clock.now()

        def end(unit: UnitOfWork) -> list[OutboxRow]:
            return _farewell(unit, job, reason, now) if unit.jobs.fail(job, error, now) else []

        self._feed(await self._units.run(None, end))


# ------------------------------------------------------------------ inside a unit
@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the person who made it."""

    choice: Choice
    person: Person
    wanted: Wanted
    plan_name: str


def allowed(unit: UnitOfWork, job: JobRow) -> Asked | None:
    """The request of this job.

    None if its person lost the role in which they made it, or the role may not have it (S5).
    """
    payload, choice = job.payload, Choice.of(job.payload["choice"])
    role = Role(payload["role"])
    try:
        person = unit.people.by_id(payload["person"])
    except NotFound:
        return None
    membership = person.membership_in(payload["plan"])
    if membership is None or membership.role is not role:
        return None
    used = exporter(choice.dataset, choice.format, choice.audience, role)
    if used is None:
        return None
    choice = known_part(choice, used.filters)  # requested under an older edition: it would be claimed and not applied
    asker = Asker(payload["plan"], person.id, role, person.telegram_id, person.language)
    wanted = wanted_of(unit, choice, asker, datetime.fromisoformat(payload["at"]))
    plan = unit.plans.by_id(payload["plan"])
    return Asked(choice, person, wanted, translated(plan.name, person.language) or plan.code)


def look_again(unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime) -> Iterator[OutboxRow]:
    """Return the rows that may still be sent.

    A person who has lost the role since then gets no document. Nor does anybody get one that was made before the plan
    protected what it protects now.
    """
    files = {row.id: row.payload["@files"]["document"]["path"] for row in rows if row.kind == KIND}
    if not files:
        yield from rows
        return
    for row in rows:
        if row.id in files and (why := _why_not(unit, files[row.id])):
            unit.outbox.record(row.id, outbox.Undeliverable(why), now)
        else:
            yield row


def _why_not(unit: UnitOfWork, path: str) -> str:
    try:
        job = unit.jobs.get(int(path.removeprefix(f"{KIND}:").partition("-")[0]))
    except (NotFound, ValueError):
        return REVOKED
    if allowed(unit, job) is None:
        return REVOKED
    protects = protection_mark(unit, job.payload["plan"])
    return "" if job.payload.get("protects", protects) == protects else CHANGED


def settle(unit: UnitOfWork, job: StoredJob, now: datetime, edits: list[OutboxRow]) -> list[str]:
    """Settle an export once the outcome of all its documents is known, and tell its person.

    Several replicas look at the same exports. Whoever ends one tells its person, and no other does.
    """
    parts = job.payload["parts"]
    states = unit.outbox.states([part["outbox"] for part in parts])
    if any(state in ("queued", "sending") for state, _ in states.values()):
        return []
    open_parts, reasons = [], []
    for part in parts:
        state, error = states.get(part["outbox"], ("ambiguous", ""))
        if state != "sent":
            open_parts.append(part)
            reasons.append(REVOKED if error in (REVOKED, "cancelled") else CHANGED if error == CHANGED else state)
    choice, say = Choice.of(job.payload["choice"]), wording(_language(unit, job))
    if not open_parts:
        if not unit.jobs.over(job.id, "", now):
            return []
        edits += _edit(unit, job, done_card(choice, job.payload["count"], job.payload["lacking"], say), now)
        return [part["file"] for part in parts]
    for why, said in ((REVOKED, "revoked"), (CHANGED, "replanned")):
        if why in reasons:
            if not unit.jobs.over(job.id, why, now):
                return []
            edits += _farewell(unit, job, said, now)
            return [part["file"] for part in parts]
    if not unit.jobs.over(job.id, "ambiguous" if "ambiguous" in reasons else "undeliverable", now):
        return []
    unit.jobs.note(job.id, job.payload | {"parts": open_parts})
    card = doubt_card(choice, job.id, say, is_refused="ambiguous" not in reasons)
    edits += _edit(unit, job, card, now)
    kept = {part["file"] for part in open_parts}
    return [part["file"] for part in parts if part["file"] not in kept]


def _farewell(unit: UnitOfWork, job: JobRow, reason: str, now: datetime) -> list[OutboxRow]:
    """Say how the export ended. A person without a role in the plan is told nothing."""
    try:
        person = unit.people.by_id(job.payload["person"])
    except NotFound:
        return []
    if person.membership_in(job.payload["plan"]) is None:
        return []
    card = ended_card(Choice.of(job.payload["choice"]), reason, wording(person.language))
    return _edit(unit, job, card, now)


def _language(unit: UnitOfWork, job: JobRow) -> str:
    return unit.people.by_id(job.payload["person"]).language


def _edit(unit: UnitOfWork, job: JobRow, card: Card, now: datetime) -> list[OutboxRow]:
    """Return the row that shows this card in the message of the request, or in a new message if there is none."""
    payload = naming_plan(unit, job.chat_id or 0, message_of(card).payload, job.payload["plan"])
    card_id = job.payload.get("card")
    method = "sendMessage" if card_id is None else "editMessageText"
    return [unit.outbox.add(OutboxDraft(job.chat_id or 0, "notice", method, payload, card_id), now=now)]


def _caption(asked: Asked, whole: Whole, number: int, agency: str) -> dict[str, Any]:
    say, zone = wording(asked.person.language), ZoneInfo(asked.person.timezone)
    when = day_and_hour(asked.wanted.now, zone, asked.person.language)
    made = Made(asked.choice, asked.plan_name, whole.written.count, when, asked.wanted.role)
    lines = (*caption(made, say), *part_lines(number, len(whole.parts), agency, say))
    if asked.wanted.sees_restricted:
        lines = (*lines, line(say("export.leaves")))
    text, entities = render.written(lines, render.CAPTION_LIMIT)
    return {"caption": text, "caption_entities": entities} if entities else {"caption": text}


def _kept(unit: UnitOfWork) -> frozenset[str]:
    """Return the files that are still to be sent or may be requested again."""
    kept = unit.jobs.of_kind(KIND, states=("sending", "done"))
    return frozenset(part["file"] for job in kept for part in job.payload.get("parts", ()))
