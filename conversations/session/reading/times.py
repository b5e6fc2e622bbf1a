"""Read times of day, and days with a time."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, tzinfo
from functools import cache
from itertools import product

from conversations.session.reading.dates import day_in
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood, values_of
from conversations.session.reading.text import fold, plain
from conversations.session.reading.vocabulary import any_phrase, said_as

_ISO_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,3})\d*)?(z|[+-]\d{2}:\d{2})?")
_ISO_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::.*)?)")


@cache
def _halves() -> tuple[str, str]:
    """Return the patterns of before noon and after noon. "a. m." and "p. m." are known in every language."""
    return rf"a\.? ?m\.?|{any_phrase('reading.morning')}", rf"p\.? ?m\.?|{any_phrase('reading.afternoon')}"


@cache
def _time() -> re.Pattern[str]:
    before, after = _halves()
    hours = any_phrase("reading.hours")
    return re.compile(
        rf"(?:{any_phrase('reading.at')} )?(?P<h>\d{{1,2}})"
        rf"(?:(?: ?[:.] ?| ?{hours} ?)(?P<m>\d{{2}})(?::(?P<s>\d{{2}}))?)?(?P<unit> ?{hours}\.?)?"
        rf" ?(?:(?P<am>{before})|(?P<pm>{after}))?"
    )


@cache
def _sure_time() -> re.Pattern[str]:
    """The pattern of what only a time has: a colon, an hour's unit, a half of the day."""
    before, after = _halves()
    hours, at = any_phrase("reading.hours"), any_phrase("reading.at")
    return re.compile(rf":|\d ?{hours}(?:\b|\d)|^{at} (?=\d)|\b(?:{before}|{after})$")


@cache
def _trailing() -> re.Pattern[str]:
    return re.compile(rf"(?<!\s)\s++{any_phrase('reading.at')}$")


@cache
def _named_times() -> Mapping[str, time]:
    return {
        **dict.fromkeys(said_as("reading.noon"), time(12)),
        **dict.fromkeys(said_as("reading.midnight"), time(0)),
    }


def read_time(text: str, *, language: str) -> Read:
    """Read a time of day as "08:30:00.000", followed by its offset if it has one.

    "08:30", "15:00" and "8 p. m." have one reading. "8:30" and "8" may be in the morning or in the evening.
    """
    said = " ".join(fold(plain(text)).split())
    if not said or len(said) > 40:
        return NotUnderstood("err.time")
    if iso := _ISO_TIME.fullmatch(said):
        hour, minute, second = (int(iso[part]) for part in (1, 2, 3))
        if hour > 23 or minute > 59 or second > 59:
            return NotUnderstood("err.time")
        return Understood(f"{iso[1]}:{iso[2]}:{iso[3]}.{(iso[4] or '').ljust(3, '0')}{(iso[5] or '').upper()}")
    times = _times(said)
    if times is None:
        return NotUnderstood("err.time")
    values = tuple(f"{found.isoformat()}.000" for found in times)
    return Understood(values[0]) if len(values) == 1 else Ambiguous(values)


def _times(said: str) -> list[time] | None:
    if (named := _named_times().get(said)) is not None:
        return [named]
    match = _time().fullmatch(said)
    if match is None:
        return None
    hour, minute, second = int(match["h"]), int(match["m"] or 0), int(match["s"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    if match["am"] or match["pm"]:
        if (match["am"] and hour > 12) or hour == 0:
            return None
        hour = hour % 12 + (12 if match["pm"] else 0) if hour <= 12 else hour
        return [time(hour, minute, second)]
    is_exact = hour in (0, 12) or hour > 12 or bool(match["unit"]) or (match["m"] and match["h"].startswith("0"))
    hours = [hour] if is_exact else [hour, hour + 12]
    return [time(hour, minute, second) for hour in hours]


def read_datetime(text: str, *, today: date, language: str, zone: tzinfo | None = None) -> Read:
    """Read a day and a time as "2018-09-15T08:30:00.000". With a `zone`, its offset at that time is added."""
    said = " ".join(plain(text).replace(",", " ").split())
    if len(said) > 80:
        return NotUnderstood("err.datetime")
    found: dict[str, None] = {}
    is_certain = True
    for day_text, time_text in _day_and_time(said):
        days = day_in(day_text, today, language, "past", may_guess=False)
        times = read_time(time_text, language=language)
        for day, at in product(values_of(days), values_of(times)):
            found[f"{day}T{at}{_offset(f'{day}T{at}', zone)}"] = None
            is_certain = is_certain and isinstance(days, Understood) and isinstance(times, Understood)
    if not found:
        return NotUnderstood("err.datetime")
    return Understood(next(iter(found))) if is_certain and len(found) == 1 else Ambiguous(tuple(found))


def _day_and_time(said: str) -> Iterable[tuple[str, str]]:
    """Every way to cut a text into a day and something that can only be a time."""
    folded = fold(said)
    if iso := _ISO_DATETIME.fullmatch(folded):
        yield iso[1], iso[2]
        return
    words = folded.split()[:12]
    for cut in range(1, len(words)):
        left, right = " ".join(words[:cut]), " ".join(words[cut:])
        for day, at in ((left, right), (right, left)):
            if at in _named_times() or _sure_time().search(at):
                yield _trailing().sub("", day), at


def _offset(moment: str, zone: tzinfo | None) -> str:
    if zone is None or re.search(r"(?:Z|[+-]\d{2}:\d{2})$", moment):
        return ""
    return datetime.fromisoformat(moment).replace(tzinfo=zone).isoformat(timespec="milliseconds")[len(moment) :]
