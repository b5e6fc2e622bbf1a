"""What the scheduler and its jobs say to each other: the moment, the job, and what it has planned for whom.

A job decides and words; it never sends, never writes, and never asks what time it is. The scheduler alone turns what
is planned into rows of the ledger and the outbox, so that a new job (one row of JOBS) cannot say anything twice.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from conversations.due import (
    ONE_DAY,
    WORK_ENDS,
    Rung,
    falls_on,
    hour_there,
    instant,
    is_quiet,
    is_too_late,
    is_working_day,
    windows_until,
)
from conversations.plan import Role
from conversations.reminders import OPEN_REASONS, PAUSED, Agenda, Reason, Recipient, silenced
from storage.outbox import Kind, OutboxDraft
from storage.schedule import UNSAID, NewFire, StoredFire, StoredSchedule
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Moment:
    """One plan at one instant; `today` is the day of the plan's zone."""

    plan_id: int
    now: datetime
    today: date
    is_by_hand: bool = False
    """Somebody has it said now: also to those of whom the ledger says why it was not."""

    @classmethod
    def of(cls, plan_id: int, now: datetime, timezone: str) -> "Moment":
        return cls(plan_id, now, now.astimezone(ZoneInfo(timezone)).date())

    @property
    def gives_way(self) -> Collection[str]:
        """The states of rows of the ledger whose place is taken."""
        return UNSAID if self.is_by_hand else ("open",)

    def day_of(self, who: Recipient) -> date:
        """What day it is where they live."""
        return self.now.astimezone(ZoneInfo(who.timezone)).date()


@dataclass(frozen=True, slots=True)
class Message:
    """A call of the Bot API, as the outbox keeps it. A card can be edited in place by what its buttons lead to."""

    payload: dict[str, Any] = field(repr=False)
    method: str = "sendMessage"
    is_card: bool = False
    rungs: tuple[Rung, ...] = ()
    """The ladder's steps of which it speaks."""


@dataclass(frozen=True, slots=True)
class Planned:
    """For one person and window: what is said or done, or why nothing is. `missed`: windows of which it speaks too."""

    who: Recipient
    window: date
    messages: tuple[Message, ...] = ()
    reason: str = ""
    is_open: bool = False
    rungs: tuple[Rung, ...] = ()
    missed: tuple[date, ...] = ()
    work: Callable[[UnitOfWork], object] | None = None
    """Done instead of saying something, in the unit that notes it: what comes of it is said when it is done."""
    ledger: str = ""
    """Its schedule's name in the ledger, where that is not the job's."""


Scan = Callable[[UnitOfWork, StoredSchedule, Moment], Sequence[Planned]]
"""What is to be said now on account of a schedule, to those of whom the ledger does not know it yet."""
Again = Callable[
    [UnitOfWork, Moment, Agenda, Sequence[tuple[StoredFire, Recipient]]], Mapping[int, Message | str | None]
]
"""The second look at the moment of sending, by the fire's id: the words as they are now, a reason to keep silent,
or None: as it was planned."""
Compose = Callable[[UnitOfWork, Moment, Sequence[Recipient]], Mapping[int, Sequence[Message]]]
"""What each of these people is told, by `person_id`, in order; nothing for whom there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that is said regularly. Every plan begins with a schedule for it, which admins change in chat."""

    what: str
    kind: Kind
    roles: frozenset[Role]
    days: str
    at: time
    scan: Scan
    again: Again
    is_shipped: bool = True
    """Whether every plan begins with one; else admins make them."""
    is_only: bool = False
    """Whether a plan has one schedule of it at most: what it says is all there is to say, whoever asks."""

    def roles_of(self, schedule: StoredSchedule) -> Collection[Role]:
        return self.roles & set(schedule.roles) if schedule.roles else self.roles


def regular(compose: Compose, roles: frozenset[Role], nothing: Reason = "nothing_to_tell") -> Scan:
    """The scan of a job that says the same kind of thing in each of its windows: a digest, a monthly card.

    After an outage only the latest window is said, for two working days; earlier ones are recorded as told later. So
    is what a pause kept back. Where the latest is too late, that is recorded.
    `nothing` is the reason noted of those for whom nothing was composed.
    """

    def scan(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
        planned: list[Planned] = []
        holidays = unit.schedule.holidays(moment.plan_id)
        wanted = roles & set(schedule.roles) if schedule.roles else roles
        outlook: Agenda | None = None
        for name in unit.schedule.zones(moment.plan_id):
            own = ZoneInfo(name)
            if is_quiet(moment.now, own, holidays):
                continue
            windows = _windows(schedule, own, moment.now, holidays)
            local = moment.now.astimezone(own).date()
            if not windows:
                continue
            is_late = is_too_late(windows[-1], local, holidays)
            but = () if is_late else moment.gives_way  # of an open row the reason is known
            untold = [
                who
                for who in unit.schedule.untold(moment.plan_id, schedule.ledger, name, windows[-1], wanted, but=but)
                if who.since <= windows[-1]
            ]
            if not untold:
                continue
            outlook = outlook or unit.schedule.outlook(moment.plan_id, moment.today, schedule.ledger)
            untold = [who for who in untold if who.person_id not in outlook.waiting]
            reasons: dict[int, Reason | None] = {
                who.person_id: "told_already"
                if _was_told(outlook, who, windows[-1], local, holidays)
                else "too_late"
                if is_late
                else silenced(outlook, who, moment.now, local)
                for who in untold
            }
            told = [who for who in untold if reasons[who.person_id] is None]
            messages = compose(unit, moment, told) if told else {}
            for who in untold:
                if reasons[who.person_id] in PAUSED:
                    continue  # a pause that ends in time does not take the week with it
                words = tuple(messages.get(who.person_id, ()))
                reason = reasons[who.person_id] or ("" if words else nothing)
                missed = tuple(day for day in windows[-3:-1] if day >= who.since)
                missed = missed if words else ()
                rungs = tuple(rung for message in words for rung in message.rungs)
                planned.append(
                    Planned(who, windows[-1], words, reason, rungs=rungs, missed=missed, ledger=schedule.ledger)
                )
        return planned

    return scan


def _windows(schedule: StoredSchedule, own: ZoneInfo, now: datetime, holidays: Collection[date]) -> list[date]:
    """The windows of a `regular` job that have come for who lives in `own`, the last one to be said if in time.

    None before today's: one that an outage left unsaid is not said an hour before it, that speaks of it too.
    """
    if _is_to_come(schedule, own, now, holidays):
        return []
    zone = schedule.zone(own.key)
    return [
        window
        for window in windows_until(schedule.days, schedule.at, zone, now, holidays, own=own)
        if instant(window, schedule.at, zone) >= schedule.begins_at
    ]


def _was_told(outlook: Agenda, who: Recipient, window: date, today: date, holidays: Collection[date]) -> bool:
    """Whether it was said today, sent by hand and held until now; or on a day before the window that has become a
    holiday since, and moved the window.
    """
    if outlook.windows.get((who.person_id, today)) == "told_today":
        return True
    day = window - ONE_DAY
    while not is_working_day(day, holidays):
        if outlook.windows.get((who.person_id, day)) == "told_today":
            return True
        day -= ONE_DAY
    return False


def _is_to_come(schedule: StoredSchedule, own: ZoneInfo, now: datetime, holidays: Collection[date]) -> bool:
    """Whether a window of it is said later on this day, there."""
    zone, day = schedule.zone(own.key), now.astimezone(own).date()
    at = hour_there(day, schedule.at, zone, own)
    return (
        falls_on(schedule.days, day, holidays)
        and now < instant(day, at, own)
        and at < WORK_ENDS
        and instant(day, schedule.at, zone) >= schedule.begins_at
    )


def window_of_today(schedule: StoredSchedule, own: ZoneInfo, now: datetime, holidays: Collection[date]) -> date | None:
    """The window of which a `regular` job speaks on this day, now or later, to whoever has not been told of it."""
    if _is_to_come(schedule, own, now, holidays):
        return now.astimezone(own).date()
    windows = _windows(schedule, own, now, holidays)
    return windows[-1] if windows and not is_too_late(windows[-1], now.astimezone(own).date(), holidays) else None


def why_not(
    unit: UnitOfWork, schedule: StoredSchedule, everybody: Collection[Recipient], moment: Moment
) -> Mapping[int, str]:
    """Why a `regular` job says nothing at that moment to those of whom its scan has nothing, by `person_id`."""
    holidays = unit.schedule.holidays(moment.plan_id)
    outlook = unit.schedule.outlook(moment.plan_id, moment.today, schedule.ledger)
    known = outlook.windows
    found: dict[int, str] = {}
    for who in everybody:
        own, day = ZoneInfo(who.timezone), moment.day_of(who)
        window = window_of_today(schedule, own, moment.now, holidays)
        is_to_come = _is_to_come(schedule, own, moment.now, holidays)
        if window is None or who.since > window:
            last = _windows(schedule, own, moment.now, holidays)[-1:]
            is_missed = any(known.get((who.person_id, each)) == "too_late" for each in last)
            found[who.person_id] = "too_late" if is_missed else "no_window"
        elif is_to_come and moment.now < instant(day, schedule.at, schedule.zone(who.timezone)):
            found[who.person_id] = "before_the_hour"
        elif (reason := known.get((who.person_id, window))) is not None and reason not in OPEN_REASONS:
            found[who.person_id] = reason if window == day else "no_window"
        elif (silence := silenced(outlook, who, moment.now, day)) is not None:
            found[who.person_id] = silence
        else:
            is_resting = is_to_come or is_quiet(moment.now, own, holidays)
            found[who.person_id] = "quiet_hours" if is_resting else reason or "no_window"
    return found


def as_planned(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, told: Sequence[tuple[StoredFire, Recipient]]
) -> Mapping[int, Message | str | None]:
    """The second look of a job whose words do not age within a day: only role, pause and hour are looked at.

    What was held beyond its day gives way: its window, if it is not too late, is said with today's figures. What
    somebody sent by hand has no other day.
    """

    def is_held_over(fire: StoredFire, who: Recipient) -> bool:
        made_on = replace(moment, now=fire.fired_at).day_of(who)
        return not fire.is_by_hand and made_on < moment.day_of(who)

    return {fire.id: "held_over" for fire, who in told if is_held_over(fire, who)}


def carry(
    unit: UnitOfWork,
    plan_id: int,
    what: str,
    kind: Kind,
    planned: Sequence[Planned],
    now: datetime,
    *,
    is_by_hand: bool = False,
    broadcast_id: int | None = None,
) -> Counter[str]:
    """Rows of the ledger, each with its message, for those who have none yet. How many were said and skipped.

    Nothing else adds a reminder or a digest to the outbox: whatever is added here is added once (G8).
    """
    fires = [
        NewFire(
            person_id=one.who.person_id,
            what=one.ledger or what,
            window=one.window,
            state="queued" if one.messages else "sent" if one.work else "open" if one.is_open else "skipped",
            reason=one.reason,
            rungs=one.rungs,
            drafts=partial(_drafts, unit, one, kind),
        )
        for one in planned
    ]
    made: Counter[str] = Counter()
    missed: list[NewFire] = []
    are_new = unit.schedule.fire_all(plan_id, fires, now, is_by_hand=is_by_hand, broadcast_id=broadcast_id)
    for one, fire, is_new in zip(planned, fires, are_new, strict=True):
        if not is_new:
            continue
        if one.work is not None:
            one.work(unit)
        made["said" if one.messages or one.work else "skipped"] += 1
        missed += [NewFire(fire.person_id, fire.what, day, "skipped", "told_later") for day in one.missed]
    made["skipped"] += sum(unit.schedule.fire_all(plan_id, missed, now))
    return made


def _drafts(unit: UnitOfWork, one: Planned, kind: Kind) -> Iterator[OutboxDraft]:
    """Its rows of the outbox; a card is made only when the row is wanted."""
    for message in one.messages:
        card_id = unit.outbox.new_card(one.who.chat_id) if message.is_card else None
        yield OutboxDraft(one.who.chat_id, kind, message.method, message.payload, card_id)
