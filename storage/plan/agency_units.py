"""The units of agencies: who is asked for a share of which activity, as each period goes by the plan."""

from typing import Any, Final

from sqlalchemy import bindparam, select

from conversations.plan.model import AgencyUnit
from conversations.plan.periods import ReportingPeriod
from conversations.plan.versions import as_of
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared
from storage.database.unit import Repository
from storage.plan.past_rows import UNITS, PastRows, as_it_was

_tables = Base.metadata.tables
_agency, _unit, _link, _activity = (_tables[name] for name in ("agency", "unit", "activity_unit", "activity"))

_OF_PLAN: Final = Prepared(
    select(*columns_of(AgencyUnit, _unit, agency_code=_agency.c.code))
    .join(_agency, _agency.c.id == _unit.c.agency_id)
    .where(_unit.c.plan_id == bindparam("plan_id"))
    .order_by(_unit.c.code)
)
_LINKS: Final = Prepared(
    select(_link.c.activity_id, _link.c.unit_id)
    .join(_activity, _activity.c.id == _link.c.activity_id)
    .where(_activity.c.plan_id == bindparam("plan_id"))
)


class AgencyUnits(Repository):
    """The units of every plan. Nothing here writes."""

    def all(self, plan_id: int) -> tuple[AgencyUnit, ...]:
        """Return the units as they are today, by code."""
        return tuple(_OF_PLAN.made(self._connection, {"plan_id": plan_id}, _to_unit))

    def asked(self, plan_id: int, period: ReportingPeriod) -> dict[int, tuple[AgencyUnit, ...]]:
        """Return activity → the units that are asked for their share of that period, by code; in a plan without, {}.

        They are those that report on its last day. A period that has locked goes by the plan as it was.
        """
        units = self.all(plan_id)
        if not units:
            return {}
        past = self._unit.of(PastRows)
        versions: dict[int, list[AgencyUnit]] = {}
        for one in past.with_earlier(plan_id, "unit", units):
            versions.setdefault(one.id, []).append(one)
        now: dict[int, list[dict[str, int]]] = {}
        for activity_id, unit_id in _LINKS.rows(self._connection, {"plan_id": plan_id}):
            now.setdefault(activity_id, []).append({"unit_id": unit_id})
        edits = past.of_plan(plan_id).get("activity", {})
        found = {}
        for id in now.keys() | edits.keys():
            listed = as_it_was(edits.get(id, ()), UNITS, now.get(id, []), period.seals_on)
            there = [as_of(versions[row["unit_id"]], period.seals_on) for row in listed if row["unit_id"] in versions]
            if asked := [one for one in there if one.is_active(period.end_on)]:
                found[id] = tuple(sorted(asked, key=lambda one: one.code))
        return found


def _to_unit(row: Any) -> AgencyUnit:
    return AgencyUnit(**row._asdict())
