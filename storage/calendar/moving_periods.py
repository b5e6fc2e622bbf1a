"""Periods follow the plan's cadences and its holidays.

A period that is not due yet has the days that the plan defines today. A period that has come due keeps its cadence, and
only holidays move the days that are left. So nobody is late, or locked out, by a rule that did not exist when they were
asked.
"""

from datetime import date, datetime

from sqlalchemy import bindparam, insert, update

from conversations.plan.calendar.working_time import follow
from conversations.plan.periods import periods_between, reporting_period
from storage.calendar.holidays import Holidays
from storage.database.declared import in_columns
from storage.database.models import Base
from storage.database.unit import Unit
from storage.plan.cadences import Cadences, columns
from storage.plan.periods import Periods
from storage.plan.plans import Plans

_period = Base.metadata.tables["reporting_period"]
_KEEP = update(_period).where(_period.c.id == bindparam("of_period"))


def follow_calendar(unit: Unit, plan_id: int, today: date, now: datetime) -> None:
    """Compute the coming days of periods again, from cadences and holidays. Moved periods stay."""
    free, cadences = unit.of(Holidays).days(plan_id), unit.of(Cadences)
    present, own = cadences.of_plan(plan_id), cadences.of_periods(plan_id)
    for period in unit.of(Plans).periods(plan_id):
        cadence = own[period.code]
        locks_on = reporting_period(period.code, cadences={period.type: cadence}).locks_on
        if today <= period.due_on and today < locks_on and present.get(period.type, cadence) != cadence:
            cadence = present[period.type]
            unit.connection.execute(_KEEP, {"of_period": period.id, **columns(cadence)})
        if period.is_moved:
            continue
        found = follow(period, reporting_period(period.code, free, {period.type: cadence}), today, free)
        if found != period:
            unit.of(Periods).roll(found, now=now)


def add_periods(unit: Unit, plan_id: int, starts_on: date, ends_on: date) -> None:
    """Add the periods that end within these days, of the plan's cadences, and that the plan does not have yet."""
    free, cadences = unit.of(Holidays).days(plan_id), unit.of(Cadences).of_plan(plan_id)
    there = unit.of(Cadences).of_periods(plan_id)
    rows = [
        in_columns(period, _period, but="id")
        | {"plan_id": plan_id, "period_type": period.type.value, **columns(cadences[period.type])}
        for period in periods_between(starts_on, ends_on, types=cadences, holidays=free, cadences=cadences)
        if period.code not in there
    ]
    if rows:
        unit.connection.execute(insert(_period), rows)
