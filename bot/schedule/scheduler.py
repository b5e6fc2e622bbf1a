"""The loop that looks for what is due and sends it.

Every schedule is a job of APScheduler (`bot.schedule.timetable`), which wakes this loop at its hour to scan it. Jobs
live in memory: a store of APScheduler's cannot be shared by replicas, and a wall clock that jumps stalls it
(docs/reliability.md#facts-of-the-world). So all schedules are scanned, and the jobs made anew, when the bot starts,
when the calendar has changed, and once a minute. A scan asks the database "what is due at `now`?". What is due, and
what was said, are rows. Any number of replicas may scan at once, be killed anywhere, and start again: the process that
inserts the ledger row sends the message, in the same transaction (G8).

If the wall clock and the monotonic clock differ by more than five minutes, somebody has changed the time. Then nothing
is sent until they have agreed for half an hour, and the operator is told (G9). The same holds while the wall clock and
the date of Telegram's answers differ by as much: then the clock was wrong from the beginning. A clock that follows the
sandbox's is meant to be moved: there the scan comes at once.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from bot.acts.calendar.holidays import add_public_holidays
from bot.acts.people import delegations
from bot.chat.actor import naming_plan
from bot.log import log_alarm
from bot.schedule.agenda import outlook_of
from bot.schedule.by_hand import progress_card
from bot.schedule.job import Batch, Message, Moment
from bot.schedule.jobs import BY_WHAT, JOBS, job_of
from bot.schedule.ledger import write_once
from bot.schedule.reminders import message_of
from bot.schedule.settling import settle
from bot.stopping import until
from bot.telegram.handled import Alarm, Clock
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.calendar.notices import OPEN_REASONS, second_look
from storage.calendar.ledger import StoredFire
from storage.calendar.schedules import NewSchedule, StoredSchedule
from storage.database.vault import KeyUnknown
from storage.errors import Unavailable
from storage.messages import outbox
from storage.messages.leases import since_boot
from storage.messages.outbox import OutboxDraft, OutboxRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.holding import Held, held

if TYPE_CHECKING:
    from bot.schedule.timetable import Hours, Timetable

logger = structlog.get_logger(__name__)

SWEEP_EVERY: Final = 60.0
"""Seconds after which all schedules are scanned, whatever has become of their jobs."""
LOOK_EVERY: Final = 5.0
"""Seconds between two looks at what has arrived, and at whether the database is held. They scan no schedule."""
PROGRESS_EVERY: Final = 1.0
FIRES_A_UNIT: Final = 25
JUMP: Final = timedelta(minutes=5)
AGREED: Final = 1800.0
DRAFTS_KEPT: Final = timedelta(days=7)
"""How long after its period has locked a draft waits for a reopening. Then it is closed as expired."""


class ClockWatch:
    """A watch that says whether the clock can be trusted.

    Wall time must go on as monotonic time does, and agree with Telegram's.
    """

    def __init__(self, clock: Clock, skew: Callable[[], float | None] = lambda: None) -> None:
        """`skew`: seconds by which the clock is ahead of Telegram's, according to Telegram's last answer."""
        self._clock = clock
        self._skew = skew
        self._wall, self._steady = clock.now(), clock.monotonic()
        self._agreed_since: float | None = None

    def look(self) -> timedelta | None:
        """Return by how much the wall clock has jumped since the last look; None if it has not."""
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
        """Look at the clock and return whether sending must wait.

        Without this look, messages would leave before the next scan.
        """
        self.look()
        return self._agreed_since is not None or abs(self._skew() or 0.0) > JUMP.total_seconds()


class Scheduler:
    """`run` until `stop`. `wake` makes it scan at once: the clock was moved, or somebody pressed "now"."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        said: Callable[[], None],
        feed: Callable[[Sequence[OutboxRow]], None] = lambda rows: None,
        watch: ClockWatch | None = None,
        alarm: Alarm = log_alarm,
    ) -> None:
        self._database = database
        self._clock = clock
        self._said = said
        self._feed = feed
        self._patience = LOOK_EVERY
        self._watch = watch
        self._alarm = alarm
        self._timetable: Timetable | None = None
        self._rung: set[int] = set()
        """The schedules whose hour has come since the last look."""
        self._is_swept = False
        """Whether all schedules are to be scanned only when a minute has passed."""
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self.hold: Held | None = None
        """Set after a restore: nothing is sent until somebody has checked the database."""
        self.looked_at: datetime | None = None
        """The last time it looked for messages that are due."""
        self.counts: Counter[tuple[str, str]] = Counter()
        """(what, outcome) → how often; for metrics."""

    @property
    def is_held(self) -> bool:
        """Whether nothing may be sent: the clock has jumped, or the database was restored."""
        return self.hold is not None or self.is_clock_held

    @property
    def is_clock_held(self) -> bool:
        """Whether nothing may be sent because the clock has jumped."""
        return self._watch is not None and self._watch.is_held

    async def learn_hold(self) -> None:
        """Ask whether the database is held: before anything is sent, and before each scan."""
        self.hold = await self._database.units.run(None, held)

    def wake(self) -> None:
        """Scan all schedules at once: the clock was moved, or the calendar has changed."""
        self._is_swept = False
        self._wake.set()

    def _rang(self, schedule_id: int) -> None:
        self._rung.add(schedule_id)
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        self._timetable = await asyncio.to_thread(_timetable, self._clock, self._rang)
        self._timetable.jobs.start()
        swept_at = 0.0
        try:
            while not self._stop.is_set():
                self._wake.clear()
                rung, self._rung = self._rung, set()
                began = since_boot()
                is_sweep = not self._is_swept or began - swept_at >= SWEEP_EVERY
                if is_sweep:
                    swept_at, self._is_swept = began, True
                if not await self.look(None if is_sweep else rung):  # the database was away, or held: soon again
                    self._is_swept = False
                if not self._stop.is_set():
                    await until(self._wake, self._patience)
        finally:
            self._timetable.jobs.shutdown(wait=False)

    async def look(self, only: Collection[int] | None = None) -> bool:
        """Send what is due of these schedules, or of all, unless the database or the clock is held.

        Return whether that was done. An error is logged, never raised.
        """
        try:
            was = self.hold
            await self.learn_hold()
            if was is not None and self.hold is None:
                self._said()  # messages that were held back
            if self.hold is not None:
                self._alarm("held", f"the database was restored as of {self.hold.as_of:%Y-%m-%d %H:%M} UTC")
            if self.is_clock_held:
                self._alarm("clock", "the clock has jumped, or is not Telegram's: nothing is said on schedule")
            if not self.is_held:
                await self.scan(self._clock.now(), only)
                return True
        except Unavailable as error:
            logger.debug("scan.unavailable", reason=str(error))
        except Exception:  # the boundary that all jobs share
            logger.exception("scan.defect")
        return False

    async def scan(self, now: datetime, only: Collection[int] | None = None) -> int:
        """Send what is due of these schedules, or of all. Return the number of messages.

        It may be called at any time, by anybody.
        """
        units = self._database.units
        self.looked_at = now
        replaced = await units.run(None, partial(_begin, now=now))
        planned: list[Batch] = []
        if only is None or only:
            planned, hours = await asyncio.to_thread(self._plan, now, only)
            if hours is not None and self._timetable is not None:
                self._timetable.arrange(hours, now)
        said = 0
        for batch in _chunks(planned):
            with _one_job(batch.plan_id, batch.job.what, self._alarm):
                made = await units.run(None, partial(write_once, batch=batch, now=now))
                for outcome, number in made.items():
                    self.counts[batch.job.what, outcome] += number
                said += made["said"]
        edits, goes_on = await units.run(None, partial(show_progress, now=now))
        self._patience = PROGRESS_EVERY if goes_on else LOOK_EVERY
        if edits:
            self._feed(edits)
        if said or replaced:
            self._said()
        return said

    def _plan(
        self, now: datetime, only: Collection[int] | None = None
    ) -> "tuple[list[Batch], dict[int, Hours] | None]":
        """Plan these schedules, or all, with one reader, so that no answer has to wait. Return the hours of all too."""
        from bot.schedule.timetable import hours_of

        found: list[Batch] = []
        with self._database.view() as unit:
            for schedule in in_turn(unit.schedules.running(now), now):
                if only is None or schedule.id in only:
                    with _one_job(schedule.plan_id, schedule.ledger, self._alarm), unit.aside():
                        found += due(unit, now, (schedule,))
            return found, hours_of(unit) if only is None else None

    def second_look(self, unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime) -> Sequence[OutboxRow]:
        """Return the rows that are still to be sent, in today's words.

        Delivery asks for it inside the unit that claims these rows (G8).
        """
        kept, dropped = look_at(unit, rows, now)
        for what, number in dropped.items():
            self.counts[what, "cancelled"] += number
        return kept


def _timetable(clock: Clock, rang: Callable[[int], None]) -> "Timetable":
    """Return the timetable, imported late: APScheduler then looks for plug-ins in all installed packages."""
    from bot.schedule.timetable import Timetable

    return Timetable(clock, rang)


@contextmanager
def _one_job(plan_id: int, what: str, alarm: Alarm = log_alarm) -> Iterator[None]:
    """Log an error of one job and let the others go on. Only a missing database stops all of them.

    Put it around a unit, or around what runs `aside` in a unit or a view: after a failed statement neither can go on.
    """
    try:
        yield
    except KeyUnknown as error:  # sealed data of this job cannot be opened here; other jobs may work
        alarm("keys", str(error))
    except Unavailable:
        raise
    except Exception:  # the boundary of one job
        logger.exception("scan.defect", plan=plan_id, what=what)


def in_turn(schedules: Iterable[StoredSchedule], now: datetime) -> list[StoredSchedule]:
    """Order the schedules so that a different plan comes first each day.

    One notice for each person and day holds over all plans, and the first of two is sent. So a person in two plans
    hears of both in turn.
    """
    by_plan: dict[int, list[StoredSchedule]] = {}
    for schedule in schedules:
        by_plan.setdefault(schedule.plan_id, []).append(schedule)
    plans = sorted(by_plan)
    first = now.toordinal() % len(plans) if plans else 0
    return [schedule for plan in (*plans[first:], *plans[:first]) for schedule in by_plan[plan]]


def due(unit: UnitOfWork, now: datetime, schedules: Sequence[StoredSchedule] | None = None) -> Iterator[Batch]:
    """Return, by plan and job, what these schedules (or all) send now, or record as not sent."""
    for schedule in in_turn(unit.schedules.running(now), now) if schedules is None else schedules:
        job = BY_WHAT.get(schedule.what)
        if job is None or schedule.paused_at is not None:
            continue
        moment = Moment.of(unit, schedule.plan_id, now)
        planned = job.scan(unit, schedule, moment)
        if planned:
            yield Batch(schedule.plan_id, job, planned)


def look_at(unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime) -> tuple[list[OutboxRow], Counter[str]]:
    """Return the rows that are still to be sent, with present words.

    The others are cancelled, and the ledger says why.
    """
    fires = unit.ledger.of_outbox([row.id for row in rows])
    dropped: Counter[str] = Counter()
    if not fires:
        return list(rows), dropped
    seen: dict[int, Seen] = {}
    for plan_id in sorted({fire.plan_id for fire in fires.values()}):
        of_plan = {fire.id: fire for fire in fires.values() if fire.plan_id == plan_id}
        seen |= _seen(unit, Moment.of(unit, plan_id, now), list(of_plan.values()))
    kept = []
    for row in rows:
        fire = fires.get(row.id)
        found = seen.get(fire.id) if fire is not None else None
        match found:
            case None:
                kept.append(row)
            case Message(payload, method):
                assert fire is not None
                named = naming_plan(unit, row.chat_id, payload, fire.plan_id)
                kept.append(replace(row, payload=named, method=method))
            case datetime():
                unit.outbox.record(row.id, outbox.RetryAfter(found, "not yet"), now)
            case str(reason):
                assert fire is not None
                unit.outbox.record(row.id, outbox.Undeliverable(f"no longer due: {reason}"), now)
                unit.outbox.withdraw(fire.messages, f"no longer due: {reason}", now)
                unit.ledger.cancel(fire, reason, now, is_open=reason in OPEN_REASONS)
                dropped[fire.what.partition(".")[0]] += 1
    return kept, dropped


Seen = Message | datetime | str | None
"""The result of the second look at a message: new words, a later time, a reason to drop it, or None for as planned."""


def _seen(unit: UnitOfWork, moment: Moment, fires: Sequence[StoredFire]) -> Mapping[int, Seen]:
    people = {fire.person_id for fire in fires}
    there = {who.person_id: who for who in unit.recipients.all(moment.plan_id, people)}
    outlook = outlook_of(unit, moment, people=people)
    schedules = {schedule.ledger: schedule for schedule in unit.schedules.all(moment.plan_id)}
    seen: dict[int, Seen] = {}
    meant: dict[str, list[tuple[StoredFire, Recipient]]] = {}
    for fire in fires:
        who = there.get(fire.person_id)
        job = job_of(fire.what)
        if who is None or job is None or who.role not in job.roles:
            seen[fire.id] = "no_role"
            continue
        schedule = schedules.get(fire.what)
        is_meant = schedule is not None and schedule.paused_at is None and who.role in job.roles_of(schedule)
        if not fire.is_by_hand and not is_meant:
            seen[fire.id] = "schedule_paused"
            continue
        found = second_look(outlook, job.sees(who), moment.now, fire.on, is_by_hand=fire.is_by_hand)
        if found is not None:
            seen[fire.id] = found
            continue
        meant.setdefault(job.what, []).append((fire, who))
    for what, told in meant.items():
        with _one_job(moment.plan_id, what), unit.aside():
            seen |= BY_WHAT[what].again(unit, moment, outlook, told)
            continue
        # It is only sent after the second look, and nothing else waits for it.
        seen |= dict.fromkeys((fire.id for fire, _ in told), moment.now + timedelta(minutes=1))
    return seen


def _begin(unit: UnitOfWork, now: datetime) -> int:
    """Begin a scan: make missing schedules, settle the last messages, expire old drafts.

    Return how many older reminders were shortened to a line.
    """
    for plan in unit.plans.all():
        add_public_holidays(unit, plan, now)
        ensure_schedules(unit, plan.id, now)
        delegations.end_expired(unit, plan, now)
    replaced = settle(unit, now)
    unit.sessions.expire(now - DRAFTS_KEPT)
    return replaced


def show_progress(unit: UnitOfWork, now: datetime) -> tuple[list[OutboxRow], bool]:
    """Show the progress of broadcasts to their senders.

    Return the number of edits, and whether any broadcast goes on.
    """
    edits: list[OutboxRow] = []
    goes_on = False
    for one in unit.broadcasts.going_on():
        is_over = one.waiting == 0
        goes_on = goes_on or not is_over
        shown = f"{one.sent}/{one.total}{'.' if is_over else ''}"
        if is_over:
            unit.broadcasts.change(one.id, ended_at=now)
        if shown == one.shown or one.card_id is None:
            continue
        unit.broadcasts.change(one.id, shown=shown)
        language = unit.people.by_id(one.person_id).language
        card = progress_card(language, one.sent, one.total, is_over=is_over, is_stopped=one.is_stopped, number=one.id)
        payload = naming_plan(unit, one.chat_id, message_of(card).payload, one.plan_id)
        draft = OutboxDraft(one.chat_id, "notice", "editMessageText", payload, one.card_id)
        edits.append(unit.outbox.add(draft, now=now))
    return edits, goes_on


def ensure_schedules(unit: UnitOfWork, plan_id: int, now: datetime) -> tuple[StoredSchedule, ...]:
    """Make the schedules that every plan begins with.

    A second time changes nothing, also if they were changed or deleted.
    """
    found = unit.schedules.all(plan_id)
    there = {schedule.shipped for schedule in found}
    missing = [job for job in JOBS if job.is_shipped and job.what not in there]
    if not missing:
        return found
    for job in missing:
        unit.schedules.add(plan_id, NewSchedule(job.what, job.days, job.at, shipped=job.what), now)
    return unit.schedules.all(plan_id)


def _chunks(planned: Sequence[Batch]) -> Iterator[Batch]:
    for batch in planned:
        for start in range(0, len(batch.planned), FIRES_A_UNIT):
            yield batch._replace(planned=batch.planned[start : start + FIRES_A_UNIT])
