"""Write a day in words."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from conversations.wording import wording

MOMENT: Final = timedelta.resolution


def short_date(day: date, language: str) -> str:
    """Day and short month: `30 oct`. For places where the year is plain."""
    return f"{day.day} {wording(language)('months.short').split('|')[day.month - 1]}"


def last_day(end: datetime, zone: ZoneInfo, language: str) -> str:
    """Return the last day of something that ends at an instant. If it ends at midnight, that is the day before."""
    return show_day((end - MOMENT).astimezone(zone).date(), language)


def day_and_hour(at: datetime, zone: ZoneInfo, language: str) -> str:
    """An instant in a zone: `30 oct 2018, 08:30`."""
    local = at.astimezone(zone)
    return f"{show_day(local, language)}, {local:%H:%M}"


def show_day(day: date, language: str) -> str:
    """Day, short month and year: `30 oct 2018`."""
    return f"{short_date(day, language)} {day.year}"


def show_date(value: str, language: str) -> str:
    """A stored date as `show_day` writes it. Any other text is returned unchanged."""
    try:
        return show_day(date.fromisoformat(value[:10]), language)
    except ValueError:
        return value
