"""What a month's closing expects of a whole plan, counted in the plainest way."""

from collections.abc import Collection, Mapping
from datetime import date

from conversations.plan.expected import expected_activities
from conversations.plan.model import Activity
from conversations.plan.periods import PeriodType, period_for


def expected_at_closing(
    activities: Collection[Activity], month_end: date, ended: Mapping[str, date] | None = None
) -> list[Activity]:
    """The reports of every period that ends on that day: September closes 201809 and 2018Q3."""
    periods = [period_for(period_type, month_end) for period_type in PeriodType]
    return [
        activity
        for period in periods
        if period.end_on == month_end
        for activity in expected_activities(activities, period, ended)
    ]
