"""The plan's cadences: for each periodicity, when reporting opens, is due and ends. Past periods keep theirs.

A plan may change its days, but figures of a past year have been published already. So a period keeps the cadence that
it had on its due day, and its figures are always computed from that one.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, select

from conversations.plan import periods as rules
from conversations.plan.periods import Cadence, Frequency, reporting_period
from storage.database.models import Base
from storage.database.statements import Prepared
from storage.database.unit import Repository

_cadence = Base.metadata.tables["cadence"]
_period = Base.metadata.tables["reporting_period"]
DAYS = ("opening_day", "due_day", "grace_day", "lock_day")
"""The columns of a cadence, in both tables, in the order of the fields of `Cadence`."""


def _days_of(table: Any) -> Select[Any]:
    of_plan = table.c.plan_id == bindparam("plan_id")
    return select(table.c.code, *(table.c[name] for name in DAYS)).where(of_plan).order_by(table.c.id)


_OF_PLAN = Prepared(_days_of(_cadence).where(_cadence.c.retired_on.is_(None)))
_OF_PERIODS = _days_of(_period)


def columns(cadence: Cadence) -> dict[str, int]:
    """Return the cadence as columns of a row, for both tables."""
    return dict(zip(DAYS, (cadence.opening, cadence.due, cadence.grace, cadence.lock), strict=True))


class Cadences(Repository):
    """The cadences of a plan, and those of its periods."""

    def of_plan(self, plan_id: int) -> rules.Cadences:
        """The periodicities that the plan has."""
        rows = _OF_PLAN.rows(self._connection, {"plan_id": plan_id})
        return {Frequency(code).period_type: Cadence(*days) for code, *days in rows}

    def of_periods(self, plan_id: int) -> Mapping[str, Cadence]:
        """Return the cadence of each period, by the period's code."""
        rows = self._connection.execute(_OF_PERIODS, {"plan_id": plan_id})
        return {code: Cadence(*days) for code, *days in rows}

    def locks(self, plan_id: int) -> Mapping[str, date]:
        """Return when each period locks by its cadence alone. Changes by an admin or a holiday do not count."""
        found: dict[str, date] = {}
        for code, cadence in self.of_periods(plan_id).items():
            kind = reporting_period(code).type
            found[code] = reporting_period(code, cadences={kind: cadence}).locks_on
        return found
