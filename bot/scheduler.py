"""JOBS: what is said of the bot's own accord, and the loop that looks whether something of it is due.

APScheduler's own job stores cannot be shared, its default forgives one second of lateness, and a wall clock that jumps
stalls or floods it (GUARANTEES §1). So it only wakes: a scan asks the database "what is due at `now`?", and what is
due, and that it was said, are rows. Any number of replicas may scan at once, be killed anywhere, and start again:
whoever inserts the row of the ledger says it, in the same transaction (G8).

Wall clock and monotonic clock that part by more than five minutes mean that somebody has changed the time: until they
have agreed for half an hour nothing more is said, and the operator is told (G9). A clock that follows the sandbox's is
meant to be moved: there the scan comes at once.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot import digests, exporting, posts
from bot.holidays import furnish_calendar
from bot.notices import progress_card
from bot.occasion import Job, Message, Moment, Planned, carry
from bot.reminding import ROLES, look_again, message_of, plan_reminders
from bot.returns import VALIDATED
from bot.telegram.delivery import until
from bot.telegram.handled import Clock
from conversations.due import WORK_BEGINS, instant, is_quiet, next_working_hour
from conversations.engine import show_date
from conversations.plan import Role
from conversations.reminders import OPEN_REASONS, Recipient, silenced
from conversations.wording import wording
from storage import outbox
from storage.database import Database
from storage.errors import Unavailable
from storage.outbox import OutboxDraft, OutboxRow
from storage.schedule import StoredFire, StoredSchedule
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

JOBS: tuple[Job, ...] = (
    Job("reminders", "reminder", ROLES, "workdays", time(9), plan_reminders, look_again, is_only=True),
    digests.WEEKLY,
    digests.MONTHLY,
    VALIDATED,
    exporting.SCHEDULED,
)
"""Everything that is said on schedule. What is not in it is never said."""

_BY_WHAT = {job.what: job for job in JOBS}

LOOK_EVERY: Final = 5.0
PATIENCE: Final = 60.0
"""Seconds after which a scan comes by itself, whatever the wall clock has done to APScheduler."""
PROGRESS_EVERY: Final = 1.0
FIRES_A_UNIT: Final = 25
JUMP: Final = timedelta(minutes=5)
AGREED: Final = 1800.0
DRAFTS_KEPT: Final = timedelta(days=7)
"""After its period has locked a draft waits so long for a reopening, then it is closed as expired."""


def job_of(what: str) -> Job | None:
    """The job of a schedule, or of its name in the ledger (`digest`, `digest.7`)."""
    return _BY_WHAT.get(what.partition(".")[0])


class ClockWatch:
    """Whether the clock can be trusted: wall time must go on as the monotonic time does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._steady = clock.now(), clock.monotonic()
        self._agreed_since: float | None = None

    def look(self) -> timedelta | None:
        """How far the wall clock has just jumped; None if it has not."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        jump = (wall - self._wall) - timedelta(seconds=steady - self._steady)
        self._wall, self._steady = wall, steady
        if abs(jump) > JUMP:
            self._agreed_since = steady
            logger.critical("clock.jumped", seconds=round(jump.total_seconds()), held_for=AGREED)
            return jump
        if self._agreed_since is not None and steady - self._agreed_since >= AGREED:
            self._agreed_since = None
        return None

    @property
    def is_held(self) -> bool:
        """Looked at by whoever asks: what waits would leave in the seconds before the scheduler looks."""
        self.look()
        return self._agreed_since is not None


class Scheduler:
    """`run` until `stop`. `wake` lets it look at once: the clock was moved, somebody pressed "now"."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        timezone: str,
        *,
        said: Callable[[], None],
        feed: Callable[[Sequence[OutboxRow]], None] = lambda rows: None,
        watch: ClockWatch | None = None,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._database = database
        self._clock = clock
        self._timezone = timezone
        self._said = said
        self._feed = feed
        self._patience = PATIENCE
        self._watch = watch
        self._look_every = look_every
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._is_jump_told = False
        self.looked_at: datetime | None = None
        """When it last asked what was due."""
        self.counts: Counter[tuple[str, str]] = Counter()
        """(what, outcome) → how often; for metrics."""

    @property
    def is_held(self) -> bool:
        """Whether nothing is said, since the clock has jumped."""
        return self._watch is not None and self._watch.is_held

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        alarm = AsyncIOScheduler(timezone=UTC)
        alarm.add_job(
            lambda: loop.call_soon_threadsafe(self._wake.set),
            IntervalTrigger(seconds=self._look_every, timezone=UTC),
            coalesce=True,
            misfire_grace_time=None,
            max_instances=1,
        )
        alarm.start()
        try:
            while not self._stop.is_set():
                self._wake.clear()
                await self._look()
                if not self._stop.is_set():
                    await until(self._wake, self._patience)
        finally:
            alarm.shutdown(wait=False)

    async def _look(self) -> None:
        try:
            if not self.is_held:
                self._is_jump_told = False
                await self.scan(self._clock.now())
            elif not self._is_jump_told:
                told = await self._database.units.run(None, partial(tell_of_the_clock, now=self._clock.now()))
                self._is_jump_told = True
                self._feed(told)
        except Unavailable as error:
            logger.warning("scan.unavailable", reason=str(error))
        except Exception:  # the boundary of what all jobs share
            logger.exception("scan.defect")

    async def scan(self, now: datetime) -> int:
        """Say what is due. The number of messages; safe to be called by anybody at any time."""
        units = self._database.units
        self.looked_at = now
        await units.run(None, partial(_begin, now=now))
        planned = await asyncio.to_thread(self._plan, now)
        said = 0
        for plan_id, job, some in _chunks(planned):
            with _one_job(plan_id, job.what):
                made = await units.run(
                    None, partial(carry, plan_id=plan_id, what=job.what, kind=job.kind, planned=some, now=now)
                )
                for outcome, number in made.items():
                    self.counts[job.what, outcome] += number
                said += made["said"]
        edits, goes_on = await units.run(None, partial(show_progress, now=now))
        self._patience = PROGRESS_EVERY if goes_on else PATIENCE
        if edits:
            self._feed(edits)
        if said:
            self._said()
        return said

    def _plan(self, now: datetime) -> list[tuple[int, Job, Sequence[Planned]]]:
        """Read through readers, one a schedule: nobody's answer waits while a plan is looked through."""
        with self._database.view() as unit:
            schedules = unit.schedule.all()
        found: list[tuple[int, Job, Sequence[Planned]]] = []
        for schedule in schedules:
            with _one_job(schedule.plan_id, schedule.ledger), self._database.view() as unit:
                found += due(unit, now, self._timezone, (schedule,))
        return found

    def second_look(self, unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime) -> Sequence[OutboxRow]:
        """For delivery, inside the unit that claims these rows: what is still to be said, in today's words (G8)."""
        kept, dropped = look_at(unit, rows, now, self._timezone)
        for what, number in dropped.items():
            self.counts[what, "cancelled"] += number
        return kept


@contextmanager
def _one_job(plan_id: int, what: str) -> Iterator[None]:
    """Whatever fails here is told to the log, and all others go on; only without a database nobody can."""
    try:
        yield
    except Unavailable:
        raise
    except Exception:  # the boundary of one job
        logger.exception("scan.defect", plan=plan_id, what=what)


def due(
    unit: UnitOfWork, now: datetime, timezone: str, schedules: Sequence[StoredSchedule] | None = None
) -> Iterator[tuple[int, Job, Sequence[Planned]]]:
    """By plan and job, whatever is to be said now or recorded as unsaid, on account of these schedules or of all."""
    for schedule in unit.schedule.all() if schedules is None else schedules:
        job = _BY_WHAT.get(schedule.what)
        if job is None or schedule.paused_at is not None:
            continue
        moment = Moment.of(schedule.plan_id, now, timezone)
        planned = job.scan(unit, schedule, moment)
        if planned:
            yield schedule.plan_id, job, planned


def look_at(
    unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime, timezone: str
) -> tuple[list[OutboxRow], Counter[str]]:
    """The rows that are still to be sent, with the words of now; the others are cancelled, and the ledger says why."""
    fires = unit.schedule.of_outbox([row.id for row in rows])
    dropped: Counter[str] = Counter()
    if not fires:
        return list(rows), dropped
    seen: dict[int, Seen] = {}
    for plan_id in sorted({fire.plan_id for fire in fires.values()}):
        of_plan = {fire.id: fire for fire in fires.values() if fire.plan_id == plan_id}
        seen |= _seen(unit, Moment.of(plan_id, now, timezone), list(of_plan.values()))
    kept = []
    for row in rows:
        fire = fires.get(row.id)
        found = seen.get(fire.id) if fire is not None else None
        match found:
            case None:
                kept.append(row)
            case Message(payload, method):
                kept.append(replace(row, payload=payload, method=method))
            case datetime():
                unit.outbox.record(row.id, outbox.RetryAfter(found, "not yet"), now)
            case str(reason):
                assert fire is not None
                unit.outbox.record(row.id, outbox.Undeliverable(f"no longer due: {reason}"), now)
                unit.outbox.withdraw(fire.messages, f"no longer due: {reason}", now)
                unit.schedule.cancel(fire, reason, now, is_open=reason in OPEN_REASONS)
                dropped[fire.what.partition(".")[0]] += 1
    return kept, dropped


Seen = Message | datetime | str | None
"""Of a message at the second look: today's words, when to look again, why it is not said, or as it was planned."""


def _seen(unit: UnitOfWork, moment: Moment, fires: Sequence[StoredFire]) -> Mapping[int, Seen]:
    people = {fire.person_id for fire in fires}
    there = {who.person_id: who for who in unit.schedule.recipients(moment.plan_id, people)}
    outlook = unit.schedule.outlook(moment.plan_id, moment.today, people=people)
    schedules = {schedule.ledger: schedule for schedule in unit.schedule.all(moment.plan_id)}
    seen: dict[int, Seen] = {}
    meant: dict[str, list[tuple[StoredFire, Recipient]]] = {}
    for fire in fires:
        who = there.get(fire.person_id)
        job = job_of(fire.what)
        if who is None or job is None or who.role not in job.roles:
            seen[fire.id] = "no_role"
            continue
        zone, schedule = ZoneInfo(who.timezone), schedules.get(fire.what)
        is_meant = schedule is not None and schedule.paused_at is None and who.role in job.roles_of(schedule)
        if not fire.is_by_hand and not is_meant:
            seen[fire.id] = "schedule_paused"
            continue
        if moment.now < instant(fire.on, WORK_BEGINS, zone):  # the clock has gone back behind its day
            seen[fire.id] = moment.now + timedelta(minutes=1)
            continue
        if is_quiet(moment.now, zone, outlook.holidays):
            later = next_working_hour(moment.now, zone, outlook.holidays)
            seen[fire.id] = later if fire.is_by_hand else "quiet_hours"
            continue
        silence = silenced(outlook, who, moment.now, moment.now.astimezone(zone).date())
        if silence is not None:
            seen[fire.id] = silence
            continue
        meant.setdefault(job.what, []).append((fire, who))
    for what, told in meant.items():
        with _one_job(moment.plan_id, what):
            seen |= _BY_WHAT[what].again(unit, moment, outlook, told)
            continue
        # Not said unseen, and nothing else waits for it.
        seen |= dict.fromkeys((fire.id for fire, _ in told), moment.now + timedelta(minutes=1))
    return seen


def _begin(unit: UnitOfWork, now: datetime) -> None:
    """What every scan begins with: schedules in place, what became of the last messages, drafts whose time is over."""
    for plan in unit.plans.all():
        furnish_calendar(unit, plan, now)
        furnish(unit, plan.id, now)
        posts.end_over(unit, plan, now)
    unit.schedule.learn()
    unit.sessions.expire(now - DRAFTS_KEPT)


def tell_of_the_clock(unit: UnitOfWork, now: datetime) -> list[OutboxRow]:
    """A word to every admin, who can have it set right: that nothing is said for a while, and what time it seems to be.

    To be called once a hold; further jumps inside it are in the log.
    """
    told: dict[int, OutboxRow] = {}
    for plan in unit.plans.all():
        for admin in unit.people.with_role(plan.id, Role.ADMIN):
            local = now.astimezone(ZoneInfo(plan.timezone))
            text = wording(admin.language)(
                "clock.jumped", time=f"{local:%H:%M}", date=show_date(local.date().isoformat(), admin.language)
            )
            draft = OutboxDraft(admin.telegram_id, "notice", "sendMessage", {"text": text})
            if admin.id not in told:
                number = unit.outbox.add(draft, now=now)
                told[admin.id] = _row(number, draft, now)
    return list(told.values())


def _row(number: int, draft: OutboxDraft, now: datetime) -> OutboxRow:
    """A reply that was just added, to be handed to delivery."""
    return OutboxRow(number, draft.chat_id, draft.kind, draft.method, draft.payload, draft.card_id, False, 1, now)


def show_progress(unit: UnitOfWork, now: datetime) -> tuple[list[OutboxRow], bool]:
    """Tell those who sent to many how far it is; the edits of their cards, and whether something goes on."""
    edits: list[OutboxRow] = []
    goes_on = False
    for one in unit.schedule.broadcasts():
        is_over = one.waiting == 0
        goes_on = goes_on or not is_over
        shown = f"{one.sent}/{one.total}{'.' if is_over else ''}"
        if is_over:
            unit.schedule.set_broadcast(one.id, ended_at=now)
        if shown == one.shown or one.card_id is None:
            continue
        unit.schedule.set_broadcast(one.id, shown=shown)
        language = unit.people.by_id(one.person_id).language
        card = progress_card(language, one.sent, one.total, is_over=is_over, is_stopped=one.is_stopped, number=one.id)
        draft = OutboxDraft(one.chat_id, "notice", "editMessageText", message_of(card).payload, one.card_id)
        number = unit.outbox.add(draft, now=now)
        edits.append(_row(number, draft, now))
    return edits, goes_on


def furnish(unit: UnitOfWork, plan_id: int, now: datetime) -> tuple[StoredSchedule, ...]:
    """The schedules every plan begins with. A second time changes nothing, also if they were changed or deleted."""
    found = unit.schedule.all(plan_id)
    there = {schedule.shipped for schedule in found}
    missing = [job for job in JOBS if job.is_shipped and job.what not in there]
    if not missing:
        return found
    for job in missing:
        unit.schedule.add(plan_id, job.what, job.days, job.at, now, shipped=job.what)
    return unit.schedule.all(plan_id)


def _chunks(planned: Sequence[tuple[int, Job, Sequence[Planned]]]) -> Iterator[tuple[int, Job, Sequence[Planned]]]:
    for plan_id, job, some in planned:
        for start in range(0, len(some), FIRES_A_UNIT):
            yield plan_id, job, some[start : start + FIRES_A_UNIT]
