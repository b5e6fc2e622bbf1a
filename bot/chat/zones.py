"""Time zones as people call them."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from bot.chat.exchange import Exchange
from conversations.session.reading.text import normalise

NEAR = ("America/Port-au-Prince", "America/New_York", "Europe/Madrid")
"""Zones that are offered beside the plan's; all others by typing."""
FOUND = 8


def zone_name(ex: Exchange, zone: str) -> str:
    """A zone and what its clocks show now."""
    return f"{zone.replace('_', ' ')} · {ex.now.astimezone(ZoneInfo(zone)):%H:%M}"


def zones_called(text: str) -> tuple[str, ...]:
    """The zones that somebody means by "Europe/Madrid", "madrid" or "port au prince", the likeliest first.

    Accents and case do not matter. If the text is the whole name of a zone or of its city, only that zone is returned.
    """
    words = spoken(text).split()
    found = [zone for spoken, zone in zone_buttons().items() if words and all(word in spoken for word in words)]
    for exact in (text, text.rpartition("/")[2]):
        named = [zone for zone in found if spoken(exact) in (spoken(zone), spoken(zone.rpartition("/")[2]))]
        if len(named) == 1:
            return tuple(named)
    return tuple(sorted(found, key=lambda zone: (zone.count("/"), zone))[:FOUND])


def is_zone(name: str) -> bool:
    """Whether people live in this zone."""
    return name in zone_buttons().values()


def spoken(name: str) -> str:
    return normalise(name.replace("/", " ").replace("_", " ").replace("-", " "))


@cache
def zone_buttons() -> dict[str, str]:
    """The zones of cities by their names, without `Etc/…` and old abbreviations."""
    return {
        spoken(name): name
        for name in sorted(available_timezones())
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/", "US/"))
    }
