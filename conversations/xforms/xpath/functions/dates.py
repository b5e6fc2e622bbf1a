"""Functions of dates and times. As a number, a date counts days from 1970-01-01."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from conversations.xforms.xpath.compiler import Compiler
from conversations.xforms.xpath.conversions import Compiled
from conversations.xforms.xpath.expression import Scope
from conversations.xforms.xpath.syntax import Call, ExpressionError, Text
from conversations.xforms.xpath.values import DATE_PATTERN, EPOCH, NAN, moment, number_of


def _dated(compiler: Compiler, call: Call) -> Callable[[Scope], Any]:
    """Compile the argument of a date function. A date that the form itself writes must exist."""
    tree = call.arguments[0]
    if isinstance(tree, Text) and DATE_PATTERN.match(tree.value) and moment(tree.value) is None:
        raise ExpressionError("date", call.at, date=tree.value)
    compiled = compiler.compile(tree)
    return compiler.number(compiled) if compiled.kind == "number" else compiler.text(compiled)


def date_function(compiler: Compiler, call: Call) -> Compiled:
    get = _dated(compiler, call)
    return Compiled("string", lambda s: date_text(get(s)))


INVALID_DATE = "Invalid Date"
"""date() of something else: visible instead of silently blank, as in the web engine."""


def date_text(value: str | float) -> str:
    """Write a date as ODK does. A dateTime keeps its time; a number counts days from 1970-01-01."""
    if isinstance(value, str):
        if value == "":
            return ""
        found = moment(value)
        if found is not None:
            return found.text
        value = number_of(value)
    if value != value or not -719_162 <= value < 2_932_897:
        return INVALID_DATE
    return date.fromordinal(math.floor(value) + EPOCH).isoformat()


def date_time(compiler: Compiler, call: Call) -> Compiled:
    get = _dated(compiler, call)

    def date_time(scope: Scope) -> str:
        value = get(scope)
        days = number_of(value) if isinstance(value, str) and moment(value) is None else value
        if isinstance(days, str) or days == math.floor(days if math.isfinite(days) else 0):
            return date_text(days)
        wall = _wall(days)
        if wall is None:
            return INVALID_DATE
        return wall.isoformat(timespec="milliseconds") + scope.session.offset_of(wall)

    return Compiled("string", date_time)


def _wall(days: float) -> datetime | None:
    """The time on the wall at so many days after 1970-01-01. None outside of the years 1 to 9999."""
    if days != days or not -719_162 <= days < 2_932_897:
        return None
    return datetime(1970, 1, 1) + timedelta(milliseconds=round(days * 86_400_000))  # noqa: DTZ001


_TIME_PATTERN = re.compile(r"\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?\s*$")


def decimal_time(text: str) -> float:
    """decimal-time(): a time as a fraction of the day."""
    found = _TIME_PATTERN.match(text)
    if found is None:
        at = moment(text)
        return at.days % 1 if at is not None and at.has_time else NAN
    hour, minute, second, fraction, _ = found.groups()
    return (int(hour) * 3600 + int(minute) * 60 + int(second or 0) + float(f"0.{fraction or 0}")) / 86_400


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORMATS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda w: f"{w.year:04d}",
    "y": lambda w: f"{w.year % 100:02d}",
    "m": lambda w: f"{w.month:02d}",
    "n": lambda w: str(w.month),
    "b": lambda w: _MONTHS[w.month - 1],
    "d": lambda w: f"{w.day:02d}",
    "e": lambda w: str(w.day),
    "W": lambda w: str(w.isocalendar().week),
    "H": lambda w: f"{w.hour:02d}",
    "h": lambda w: str(w.hour),
    "M": lambda w: f"{w.minute:02d}",
    "S": lambda w: f"{w.second:02d}",
    "3": lambda w: f"{w.microsecond // 1000:03d}",
    "a": lambda w: _WEEKDAYS[w.weekday()],
    "%": lambda _w: "%",
}


def format_date(value: str, template: str) -> str:
    """format-date(): ODK's escapes. An unknown escape stays, a blank date stays blank."""
    found = moment(value)
    wall = found.wall if found is not None else _wall(number_of(value))
    if wall is None:
        return ""
    at = wall
    return re.sub(r"%(.)", lambda m: _FORMATS[m[1]](at) if m[1] in _FORMATS else m[0], template)


def now(_compiler: Compiler, _call: Call) -> Compiled:
    return Compiled("string", lambda s: s.session.moment_text())


def today(_compiler: Compiler, _call: Call) -> Compiled:
    return Compiled("string", lambda s: s.session.moment_text()[:10])
