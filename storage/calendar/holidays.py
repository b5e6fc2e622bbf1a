"""Days on which nobody works: those of the country, and those that admins add and remove."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    bindparam,
    select,
    update,
)

from storage.database.models import Base
from storage.database.statements import Prepared, insert_into
from storage.database.unit import Repository


@dataclass(frozen=True, slots=True)
class StoredHoliday:
    on: date
    name: str
    is_removed: bool
    added_by_id: int | None = field(default=None)


_tables = Base.metadata.tables
_holiday = _tables["holiday"]
_OF_PLAN: Any = bindparam("plan_id")
_HOLIDAYS = Prepared(select(_holiday.c.on).where(_holiday.c.plan_id == _OF_PLAN, ~_holiday.c.is_removed))
_CALENDAR = (
    select(_holiday.c.on, _holiday.c.name, _holiday.c.is_removed, _holiday.c.added_by_id)
    .where(_holiday.c.plan_id == _OF_PLAN)
    .order_by(_holiday.c.on)
)


def known_since(plan_id: int) -> str:
    """Return the name of the fact that stores since when the bot keeps a plan's calendar."""
    return f"calendar.{plan_id}"


class Holidays(Repository):
    """The holidays of a plan."""

    def days(self, plan_id: int) -> frozenset[date]:
        return frozenset(row.on for row in _HOLIDAYS.rows(self._connection, {"plan_id": plan_id}))

    def all(self, plan_id: int) -> tuple[StoredHoliday, ...]:
        """Return every day that is or was a holiday, in order."""
        return tuple(StoredHoliday(*row) for row in self._connection.execute(_CALENDAR, {"plan_id": plan_id}))

    def add_all(self, plan_id: int, days: Mapping[date, str]) -> None:
        """Add days of the country's calendar. A day that an admin has removed stays removed."""
        rows = [{"plan_id": plan_id, "on": on, "name": name, "is_removed": False} for on, name in days.items()]
        if rows:
            self._connection.execute(insert_into(self._connection, _holiday).on_conflict_do_nothing(), rows)

    def add(self, plan_id: int, on: date, *, by: int | None) -> None:
        """Add a day, also one that was removed before. `by` None: the server."""
        statement = insert_into(self._connection, _holiday).on_conflict_do_update(
            index_elements=["plan_id", "on"], set_={"is_removed": False, "added_by_id": by}
        )
        row = {"plan_id": plan_id, "on": on, "name": "", "is_removed": False, "added_by_id": by}
        self._connection.execute(statement, row)

    def remove(self, plan_id: int, on: date) -> bool:
        done = self._connection.execute(
            update(_holiday)
            .where(_holiday.c.plan_id == plan_id, _holiday.c.on == on, ~_holiday.c.is_removed)
            .values(is_removed=True)
        )
        return done.rowcount == 1
