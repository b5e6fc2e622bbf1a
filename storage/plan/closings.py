""" "Cerrar el mes": an agency says that it has reported everything for a period."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from storage.database.events import Events, is_heard
from storage.database.models import Base
from storage.database.statements import insert_into, prepared
from storage.database.unit import Repository

_tables = Base.metadata.tables
_plan = _tables["plan"]
_agency = _tables["agency"]
_period = _tables["reporting_period"]
_closing = _tables["closing"]

_OF_PLAN: Any = bindparam("plan_id")
_OF_AGENCY: Any = bindparam("agency_id")
_CLOSING = select(_closing.c.closed_at).where(
    _closing.c.agency_id == _OF_AGENCY, _closing.c.reporting_period_id == bindparam("period_id")
)

_CLOSED_BY = select(_closing.c.agency_id).where(_closing.c.reporting_period_id == bindparam("period_id"))

_CLOSED = (
    select(_agency.c.code, _period.c.id, _closing.c.closed_at, _plan.c.timezone)
    .select_from(_closing)
    .join(_period, _period.c.id == _closing.c.reporting_period_id)
    .join(_plan, _plan.c.id == _period.c.plan_id)
    .join(_agency, _agency.c.id == _closing.c.agency_id)
    .where(_period.c.plan_id == _OF_PLAN, _period.c.end_on == bindparam("end_on"))
)


class Closings(Repository):
    """Which agencies have closed which periods, and when."""

    def close(self, plan_id: int, agency_id: int, period_id: int, person_id: int, now: datetime) -> bool:
        """Record that the agency has sent all its reports for the period.

        False, and nothing changed, if it did so before.
        """
        closing = {
            "plan_id": plan_id,
            "agency_id": agency_id,
            "reporting_period_id": period_id,
            "closed_at": now,
            "closed_by_id": person_id,
        }
        connection = self._unit.connection
        add = insert_into(connection, _closing).values(closing).on_conflict_do_nothing()
        made = connection.execute(add.returning(is_heard(_closing))).first()
        if made is not None and made.is_heard:
            self._unit.of(Events).closed(plan_id, agency_id, period_id, now)
        return made is not None

    def is_closed(self, agency_id: int, period_id: int) -> bool:
        return self.closed_at(agency_id, period_id) is not None

    def closed_agencies(self, period_id: int) -> frozenset[int]:
        """Return the agencies that have closed the period."""
        return frozenset(row.agency_id for row in self._rows(_CLOSED_BY, period_id=period_id))

    def closed_at(self, agency_id: int, period_id: int) -> datetime | None:
        for row in self._rows(_CLOSING, agency_id=agency_id, period_id=period_id):
            closed_at: datetime = row.closed_at
            return closed_at
        return None

    def closed(self, plan_id: int, end_on: date) -> dict[tuple[str, int], date]:
        """Return, by code of agency and period, when the periods that ended on that day were closed."""
        return {(row.code, row.id): closed_on(row) for row in self._rows(_CLOSED, plan_id=plan_id, end_on=end_on)}

    def _rows(self, statement: Any, **values: object) -> list[Any]:
        return prepared(statement).rows(self._unit.connection, values)


def closed_on(row: Any) -> date:
    """Return the day of a closing, in the plan's zone."""
    day: date = row.closed_at.astimezone(ZoneInfo(row.timezone)).date()
    return day
