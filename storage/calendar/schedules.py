"""Schedules of regular messages. Admins change them in chat."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, or_, select, update

from conversations.plan.calendar.notices import Recurrence
from conversations.plan.model import Role
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared, insert_or_ignore
from storage.database.unit import Repository


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A message that the bot sends regularly.

    Without a `timezone`, the recipient's own zone counts. Without `roles`, it is for every role of its job.
    `begins_at` is the time of the last change: no window before it counts as missed.
    """

    id: int
    plan_id: int
    what: str
    days: str
    at: time
    timezone: str
    roles: tuple[Role, ...]
    paused_at: datetime | None
    begins_at: datetime
    shipped: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """If it is an export: the request."""

    @property
    def ledger(self) -> str:
        """The schedule's name in the ledger. It never changes, so a window is not told twice.

        A schedule that an admin adds has its own name, so two schedules never block each other.
        """
        return self.what if self.shipped else f"{self.what}.{self.id}"

    def among(self, roles: Collection[Role]) -> frozenset[Role]:
        """Return the roles that get it: those of `roles` (its job's) that an admin chose, or all of them."""
        return frozenset(roles) & set(self.roles) if self.roles else frozenset(roles)

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(self.days, self.at, self.timezone, self.begins_at)

    def zone(self, own: str) -> ZoneInfo:
        """Return the zone of its time, for a recipient in zone `own`."""
        return self.recurrence.zone(own)


_tables = Base.metadata.tables
_schedule = _tables["schedule"]
_plan = _tables["plan"]
_SCHEDULES = (
    select(
        *columns_of(StoredSchedule, _schedule, begins_at=func.coalesce(_schedule.c.begins_at, _schedule.c.created_at))
    )
    .where(_schedule.c.deleted_at.is_(None))
    .order_by(_schedule.c.id)
)
_ALL = Prepared(_SCHEDULES)
_RUNNING = Prepared(
    _SCHEDULES.join(_plan, _plan.c.id == _schedule.c.plan_id).where(
        or_(_plan.c.closes_on.is_(None), _plan.c.closes_on >= bindparam("yesterday"))
    )
)
_OF_PLAN = Prepared(_SCHEDULES.where(_schedule.c.plan_id == bindparam("plan_id")))


def _to_schedule(row: Any) -> StoredSchedule:
    roles = tuple(Role(role) for role in row.roles.split(",") if role)
    more = {"at": time.fromisoformat(row.at), "roles": roles, "details": row.details or {}}
    return StoredSchedule(**row._asdict() | more)


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule to add: which job, on which days, at which time. The other fields are those of `StoredSchedule`."""

    what: str
    days: str
    at: time
    timezone: str = ""
    roles: Collection[Role] = ()
    shipped: str | None = None
    details: Mapping[str, Any] | None = None


class Schedules(Repository):
    """The schedules of every plan."""

    def all(self, plan_id: int | None = None) -> tuple[StoredSchedule, ...]:
        """Return the schedules that are not deleted, paused ones included. Without `plan_id`: of every plan."""
        if plan_id is None:
            return tuple(map(_to_schedule, _ALL.rows(self._connection, {})))
        return tuple(map(_to_schedule, _OF_PLAN.rows(self._connection, {"plan_id": plan_id})))

    def running(self, now: datetime) -> tuple[StoredSchedule, ...]:
        """Return the schedules of every plan, but for the plans that were closed more than a day ago."""
        return tuple(
            map(_to_schedule, _RUNNING.rows(self._connection, {"yesterday": (now - timedelta(days=1)).date()}))
        )

    def get(self, plan_id: int, id: int) -> StoredSchedule | None:
        found = self._connection.execute(_SCHEDULES.where(_schedule.c.plan_id == plan_id, _schedule.c.id == id)).first()
        return None if found is None else _to_schedule(found)

    def add(self, plan_id: int, new: NewSchedule, now: datetime, *, by: int | None = None) -> bool:
        """Add a schedule. A shipped one is added once: if the plan has or had it, return False and change nothing."""
        row: dict[str, object] = {
            "plan_id": plan_id,
            "what": new.what,
            "shipped": new.shipped,
            "days": new.days,
            "at": f"{new.at:%H:%M}",
            "timezone": new.timezone,
            "roles": ",".join(sorted(new.roles)),
            "created_at": now,
            "created_by_id": by,
        }
        if new.details is not None:
            row["details"] = dict(new.details)
        return insert_or_ignore(self._connection, _schedule, row)

    def change(self, plan_id: int, id: int, **values: object) -> bool:
        """Change any column of the schedule. False if it has been deleted.

        When you change the time, set `begins_at` too. Otherwise a window that is past is sent at once.
        """
        if isinstance(values.get("at"), time):
            values["at"] = f"{values['at']:%H:%M}"
        done = self._connection.execute(
            update(_schedule)
            .where(_schedule.c.plan_id == plan_id, _schedule.c.id == id, _schedule.c.deleted_at.is_(None))
            .values(**values)
        )
        return done.rowcount == 1

    def bring_back(self, plan_id: int, shipped: str, days: str, at: time, now: datetime) -> bool:
        """Restore a shipped schedule that was deleted, with these days and this time. False if there is none.

        Its name in the ledger stays the same, so it does not repeat what it has said today.
        """
        done = self._connection.execute(
            update(_schedule)
            .where(_schedule.c.plan_id == plan_id, _schedule.c.shipped == shipped, _schedule.c.deleted_at.is_not(None))
            .values(
                days=days,
                at=f"{at:%H:%M}",
                timezone="",
                roles="",
                begins_at=now,
                paused_at=None,
                deleted_at=None,
            )
        )
        return done.rowcount == 1
