"""Schedules of regular messages. Admins change them in chat."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    func,
    select,
    update,
)

from conversations.plan.calendar.notices import Recurrence
from conversations.plan.model import Role
from storage.database.models import Base
from storage.database.statements import insert_or_ignore
from storage.database.unit import Unit


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """What is said regularly.

    Without a `timezone` each recipient's own counts; without `roles` it is for every role of the job. `begins_at` is
    when it was last changed: windows before that were not missed.
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
    """Of an export, what it holds."""

    @property
    def ledger(self) -> str:
        """Its name in the ledger. It never changes, so that a window is not told twice.

        Each schedule that an admin adds has a name of its own, so that none blocks another.
        """
        return self.what if self.shipped else f"{self.what}.{self.id}"

    def among(self, roles: Collection[Role]) -> frozenset[Role]:
        """To which of the roles that its job is for it speaks: those that an admin left, or all."""
        return frozenset(roles) & set(self.roles) if self.roles else frozenset(roles)

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(self.days, self.at, self.timezone, self.begins_at)

    def zone(self, own: str) -> ZoneInfo:
        """The zone in which it is that time for somebody who lives in `own`."""
        return self.recurrence.zone(own)


_tables = Base.metadata.tables
_schedule = _tables["schedule"]
_SCHEDULES = (
    select(
        _schedule.c.id,
        _schedule.c.plan_id,
        _schedule.c.what,
        _schedule.c.days,
        _schedule.c.at,
        _schedule.c.timezone,
        _schedule.c.roles,
        _schedule.c.paused_at,
        func.coalesce(_schedule.c.begins_at, _schedule.c.created_at).label("begins_at"),
        _schedule.c.shipped,
        _schedule.c.details,
    )
    .where(_schedule.c.deleted_at.is_(None))
    .order_by(_schedule.c.id)
)


def _to_schedule(row: Any) -> StoredSchedule:
    return StoredSchedule(
        id=row.id,
        plan_id=row.plan_id,
        what=row.what,
        days=row.days,
        at=time.fromisoformat(row.at),
        timezone=row.timezone,
        roles=tuple(Role(role) for role in row.roles.split(",") if role),
        paused_at=row.paused_at,
        begins_at=row.begins_at,
        shipped=row.shipped,
        details=row.details or {},
    )


class Schedules:
    """What a plan says regularly."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._connection = unit.connection

    def all(self, plan_id: int | None = None) -> tuple[StoredSchedule, ...]:
        """Those that have not been deleted, the paused ones too; of every plan, if none is named."""
        statement = _SCHEDULES if plan_id is None else _SCHEDULES.where(_schedule.c.plan_id == plan_id)
        return tuple(map(_to_schedule, self._connection.execute(statement)))

    def get(self, plan_id: int, id: int) -> StoredSchedule | None:
        found = self._connection.execute(_SCHEDULES.where(_schedule.c.plan_id == plan_id, _schedule.c.id == id)).first()
        return None if found is None else _to_schedule(found)

    def add(
        self,
        plan_id: int,
        what: str,
        days: str,
        at: time,
        now: datetime,
        *,
        timezone: str = "",
        roles: Collection[Role] = (),
        by: int | None = None,
        shipped: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> bool:
        """A new one. False, and nothing changed, if it is one that the plan was shipped with and has, or had."""
        row: dict[str, object] = {
            "plan_id": plan_id,
            "what": what,
            "shipped": shipped,
            "days": days,
            "at": f"{at:%H:%M}",
            "timezone": timezone,
            "roles": ",".join(sorted(roles)),
            "created_at": now,
            "created_by_id": by,
        }
        if details is not None:
            row["details"] = dict(details)
        return insert_or_ignore(self._connection, _schedule, row)

    def change(self, plan_id: int, id: int, **values: object) -> bool:
        """Change `days`, `at`, `timezone`, `roles`, `details`, `begins_at`, `paused_at` or `deleted_at`; false if gone.

        When you change the time, set `begins_at` too: otherwise it is said at once for a window that is past.
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
        """One that the plan was shipped with and that was deleted, as it was at first; false if there is none.

        It keeps its name in the ledger: what it has said today it does not say again.
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
