"""Holidays: the country's and the plan's. Days of future periods move with them."""

from datetime import date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

from bot.chat.actor import Actor
from conversations.plan.periods import is_working_day
from storage.calendar.holidays import known_since
from storage.calendar.moving_periods import follow_calendar
from storage.plan.plans import Plan
from storage.unit_of_work import UnitOfWork


def add_public_holidays(unit: UnitOfWork, plan: Plan, now: datetime) -> None:
    """Give a plan the holidays of its country, once. Add further years when the plan is extended.

    Holidays that admins have changed stay as they are.
    """
    fact, until = known_since(plan.id), f"calendar.{plan.id}.until"
    last = str(plan.ends_on.year + 1)
    known = unit.facts.get(until)
    if known is not None and known >= last:
        return
    unit.holidays.add_all(
        plan.id, public_holidays(plan.country or country_of(plan.timezone), plan.starts_on.year, int(last))
    )
    follow_calendar(unit, plan.id, now.astimezone(ZoneInfo(plan.timezone)).date(), now)
    if unit.facts.get(fact) is None:
        unit.facts.set(fact, "", now)
    unit.facts.set(until, last, now)


def country_of(timezone: str) -> str:
    """The country of a zone, as an ISO 3166-1 code; blank if the zone has none."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    return next((row.split("\t")[0] for row in table.splitlines() if row.split("\t")[2:3] == [timezone]), "")


def public_holidays(country: str, first: int, last: int) -> dict[date, str]:
    """The public holidays of these years. Empty for an unknown country."""
    import holidays

    try:
        own = holidays.country_holidays(country).default_language  # without a language, names would be in the server's
        found = holidays.country_holidays(country, years=range(first, last + 1), language=own)
    except (NotImplementedError, KeyError):
        return {}
    return {day: name for day, name in sorted(found.items()) if is_working_day(day, ())}


def add_holiday(actor: Actor, day: date) -> None:
    """Add a day on which nobody works. Days of future periods move."""
    actor.unit.holidays.add(actor.plan_id, day, by=actor.person_id)
    _moved(actor, day, "added")


def remove_holiday(actor: Actor, day: date) -> bool:
    """Remove a holiday. False if the day was none."""
    is_gone = actor.unit.holidays.remove(actor.plan_id, day)
    if is_gone:
        _moved(actor, day, "removed")
    return is_gone


def _moved(actor: Actor, day: date, how: str) -> None:
    follow_calendar(actor.unit, actor.plan_id, actor.today, actor.now)
    details = {"on": day.isoformat(), "how": how}
    actor.unit.audit.record("holiday_changed", actor.person_id, actor.plan_id, details, actor.now)
