"""What the scheduler and its jobs say to each other: the moment, the job, and what it has planned for whom.

A job decides and words; it never sends, never writes, and never asks what time it is. The scheduler alone turns what
is planned into rows of the ledger and the outbox, so that a new job (one row of JOBS) cannot say anything twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from conversations.plan.agenda import Agenda, Recipient
from conversations.plan.ladder import Rung
from conversations.plan.ledger import UNSAID
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
    """Somebody sends it now, also to people for whom the ledger has a reason why it was not said."""

    @classmethod
    def of(cls, plan_id: int, now: datetime, timezone: str) -> "Moment":
        return cls(plan_id, now, now.astimezone(ZoneInfo(timezone)).date())

    @property
    def gives_way(self) -> Collection[str]:
        """The states of ledger rows that a new message replaces."""
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
    """The ladder's steps that the message covers."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What is said or done for one person and window, or why nothing is. `missed` are earlier windows it covers."""

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

    @property
    def is_said(self) -> bool:
        """Whether something is said or done, and not only noted why not."""
        return bool(self.messages or self.work)


Scan = Callable[[UnitOfWork, StoredSchedule, Moment], Sequence[Planned]]
"""What a schedule says now, to people who have no row for it in the ledger yet."""
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
    """Whether a plan has at most one schedule of it: a second one would have nothing more to say."""
    is_offered: bool = True
    """Whether it is said on a schedule at all: else it has an occasion of its own."""

    def roles_of(self, schedule: StoredSchedule) -> Collection[Role]:
        return schedule.among(self.roles)
