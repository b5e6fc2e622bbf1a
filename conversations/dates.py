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
    return show_date((end - MOMENT).astimezone(zone).date().isoformat(), language)


def show_date(value: str, language: str) -> str:
    """A stored date as day, short month and year: `30 oct 2018`. Any other text is returned unchanged."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return value
    return f"{day.day} {wording(language)('months.short').split('|')[day.month - 1]} {day.year}"
