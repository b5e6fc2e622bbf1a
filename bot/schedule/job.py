"""What the scheduler and its jobs exchange: the moment, the job, and what it has planned for whom.

A job decides and writes the words. It never sends, never stores, and never reads the clock. Only the scheduler turns a
plan into rows of the ledger and the outbox, so a new job (one row of JOBS) cannot say anything twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from conversations.plan.calendar.agenda import Agenda, Recipient
from conversations.plan.calendar.ladder import Rung
from conversations.plan.calendar.ledger import UNSAID
from conversations.plan.model import Role
from storage.calendar.ledger import StoredFire
from storage.calendar.schedules import StoredSchedule
from storage.messages.outbox import Kind
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Moment:
    """One plan at one instant; `today` is the day of the plan's zone."""

    plan_id: int
    now: datetime
    today: date
    is_by_hand: bool = False
    """Whether somebody sends it by hand. Then people whom the ledger has recorded as skipped may get it too."""

    @classmethod
    def of(cls, unit: UnitOfWork, plan_id: int, now: datetime) -> "Moment":
        return cls(plan_id, now, unit.plans.by_id(plan_id).day_of(now))

    @property
    def replaceable_states(self) -> Collection[str]:
        """The states of ledger rows that a new message replaces."""
        return UNSAID if self.is_by_hand else ("open",)

    def day_of(self, who: Recipient) -> date:
        """The present day in this person's zone."""
        return self.now.astimezone(ZoneInfo(who.timezone)).date()


@dataclass(frozen=True, slots=True)
class Message:
    """A call of the Bot API, as the outbox keeps it. The buttons of a card can edit it in place."""

    payload: dict[str, Any] = field(repr=False)
    method: str = "sendMessage"
    is_card: bool = False
    rungs: tuple[Rung, ...] = ()
    """The steps of the ladder that the message covers."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The messages or the work for one person and window, or the reason why there are none.

    `missed` are earlier windows that this one covers.
    """

    who: Recipient
    window: date
    messages: tuple[Message, ...] = ()
    reason: str = ""
    is_open: bool = False
    rungs: tuple[Rung, ...] = ()
    missed: tuple[date, ...] = ()
    work: Callable[[UnitOfWork], object] | None = None
    """Done instead of a message, in the unit that records it. Its result is sent when it is finished."""
    ledger: str = ""
    """The schedule's name in the ledger, if it is not the job's."""

    @property
    def is_said(self) -> bool:
        """Whether something is said or done. False if only a reason is recorded."""
        return bool(self.messages or self.work)


class Batch(NamedTuple):
    """The messages that one job has planned at a moment, for people of one plan."""

    plan_id: int
    job: "Job"
    planned: Sequence[Planned]


Scan = Callable[[UnitOfWork, StoredSchedule, Moment], Sequence[Planned]]
"""Returns the messages of a schedule at this moment, for people who have no row for them in the ledger yet."""
Again = Callable[
    [UnitOfWork, Moment, Agenda, Sequence[tuple[StoredFire, Recipient]]], Mapping[int, Message | str | None]
]
"""The second look, at the moment of sending, by the fire's id: the present words, a reason to say nothing, or None
for the words as planned.
"""
Compose = Callable[[UnitOfWork, Moment, Sequence[Recipient]], Mapping[int, Sequence[Message]]]
"""The messages for each of these people, by `person_id`, in order. A person without messages is left out."""


@dataclass(frozen=True, slots=True)
class Job:
    """A message that is sent regularly. Every plan begins with a schedule for it, which admins change in the chat."""

    what: str
    kind: Kind
    roles: frozenset[Role]
    days: str
    at: time
    scan: Scan
    again: Again
    is_shipped: bool = True
    """Whether every plan begins with one. Otherwise admins add them."""
    is_only: bool = False
    """Whether a plan has at most one schedule of it, because a second one would have nothing more to say."""
    is_offered: bool = True
    """Whether it can be scheduled. Otherwise another event causes it."""
    sees: Callable[[Recipient], Recipient] = lambda who: who
    """Return a person as the rules of who may be told see them for this job."""

    def roles_of(self, schedule: StoredSchedule) -> Collection[Role]:
        return schedule.among(self.roles)
