"""The country's public holidays, and what they move.

The `holidays` library knows 250 countries and weighs as much as the rest of the bot's memory for people: it is asked
once for each span of a plan, and what it said are rows that an admin adds to and takes from.
"""

from dataclasses import replace
from datetime import date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

from conversations.due import ONE_DAY, is_working_day, working_day_from
from conversations.plan import reporting_period
from storage.plans import Plan
from storage.schedule import known_since
from storage.unit_of_work import UnitOfWork


def furnish_calendar(unit: UnitOfWork, plan: Plan, now: datetime) -> None:
    """Give a plan the holidays of its country, once, and more of them once it goes on longer.

    Whatever admins have changed since stays.
    """
    fact, until = known_since(plan.id), f"calendar.{plan.id}.until"
    last = str(plan.ends_on.year + 1)
    known = unit.facts.get(until)
    if known is not None and known >= last:
        return
    unit.schedule.add_holidays(plan.id, public_holidays(plan.timezone, plan.starts_on.year, int(last)))
    reroll(unit, plan.id, now.astimezone(ZoneInfo(plan.timezone)).date(), now)
    if unit.facts.get(fact) is None:
        unit.facts.set(fact, "", now)
    unit.facts.set(until, last, now)


def reroll(unit: UnitOfWork, plan_id: int, today: date, now: datetime) -> None:
    """Let the days to come of the periods that nobody has moved fall where the holidays let them."""
    free = unit.schedule.holidays(plan_id)

    def rolled(day: date, fallen: date, first: date) -> date:
        """Not to before the first day on which it can still be kept; one that is over stays."""
        return working_day_from(max(fallen, first), free) if day >= first else day

    for period in unit.plans.periods(plan_id):
        if period.is_moved:
            continue
        fallen = reporting_period(period.code, free)
        found = replace(
            period,
            due_on=rolled(period.due_on, fallen.due_on, today),
            grace_until_on=rolled(period.grace_until_on, fallen.grace_until_on, today),
            locks_on=rolled(period.locks_on, fallen.locks_on, today + ONE_DAY),
        )
        if found != period:
            unit.periods.roll(found, now=now)


def public_holidays(timezone: str, first: int, last: int) -> dict[date, str]:
    """The public holidays of these years in the zone's country; none where it lies in none, or in one unknown."""
    import holidays

    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    country = next((row.split("\t")[0] for row in table.splitlines() if row.split("\t")[2:3] == [timezone]), "")
    try:
        found = holidays.country_holidays(country, years=range(first, last + 1), language="es")
    except (NotImplementedError, KeyError):
        return {}
    return {day: name for day, name in sorted(found.items()) if is_working_day(day, ())}
