"""The buttons of dates and times: a calendar, months, years, hours, minutes."""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice

from conversations.card import Button, SharedRow
from conversations.routes import ButtonTap, form_tap
from conversations.session.cards.numbers import keep_rows
from conversations.session.cards.view import View
from conversations.session.shown import calendar_of
from conversations.wording import wording
from conversations.xforms.evaluation.texts import Node

_YEARS = 16


def date_rows(view: View, node: Node) -> list[tuple[Button, ...]]:
    match calendar_of(node.question):
        case "year":
            return _years(view, node)
        case "month-year":
            return _months(view, node)
        case "no-calendar":
            return _quick_days(view, node)
        case _:
            return _calendar(view, node)


def _years(view: View, node: Node) -> list[tuple[Button, ...]]:
    """Sixteen years, most of them past. A year that the form does not accept is a dot."""
    year = min(max(_calendar_month(view, node).year, _YEARS), 9999 - 2)
    buttons = []
    for each in range(year + 3 - _YEARS, year + 3):
        is_open = view.instance.check(node, f"{each:04d}-01-01") is None
        tap = form_tap("day", f"{each:04d}-01-01") if is_open else form_tap("month", f"{year:04d}-01")
        buttons.append((str(each) if is_open else "·", tap))
    back, ahead = max(year - _YEARS, _YEARS), min(year + _YEARS, 9999 - 2)
    turning = (Button("◀", form_tap("month", f"{back:04d}-01")), Button("▶", form_tap("month", f"{ahead:04d}-01")))
    return [*_grid(buttons, 4), turning]


def _months(view: View, node: Node) -> list[tuple[Button, ...]]:
    """The months of a year. A month that the form does not accept is a dot."""
    year = _calendar_month(view, node).year
    back, ahead = max(year - 1, 1), min(year + 1, 9999)
    rows: list[tuple[Button, ...]] = [
        (
            Button("◀", form_tap("month", f"{back:04d}-01")),
            Button(str(year), form_tap("month", f"{year:04d}-01")),
            Button("▶", form_tap("month", f"{ahead:04d}-01")),
        )
    ]
    buttons = []
    for number, name in enumerate(view.say("months.short").split("|"), 1):
        day = f"{year:04d}-{number:02d}-01"
        is_open = view.instance.check(node, day) is None
        buttons.append((name, form_tap("day", day)) if is_open else ("·", form_tap("month", f"{year:04d}-01")))
    return rows + _grid(buttons, 4)


def _quick_days(view: View, node: Node) -> list[tuple[Button, ...]]:
    """Today and yesterday, as far as the form accepts them."""
    quick = [(view.say("date.today"), view.today), (view.say("date.yesterday"), view.today - timedelta(days=1))]
    chips = [Button(t, form_tap("day", d.isoformat())) for t, d in quick if _takes_day(view, node, d)]
    return [tuple(chips)] if chips else []


def moment_rows(view: View, node: Node, kept: str) -> list[tuple[Button, ...]]:
    """Ask for the day of a dateTime, then the hour, then the minute: three cards at most. Each can also be typed."""
    gathered = view.session.marks or ()
    is_time = node.question.type == "time"
    day = "" if is_time or not gathered else f"{gathered[0]}T"
    if len(gathered) > (0 if is_time else 1):
        return _minutes(view, node, day, gathered[-1])
    if gathered:
        return _hours(view, node, day)
    moment = f"{view.here:%H:%M}" if is_time else f"{view.here:%Y-%m-%dT%H:%M}"
    is_open = view.instance.check(node, moment) is None
    now: list[tuple[Button, ...]] = [(Button(view.say("date.now"), form_tap("value", moment)),)] if is_open else []
    first = [*now, *keep_rows(view, node, kept)]
    if is_time:
        return first + _hours(view, node, day)
    return first + (_quick_days if calendar_of(node.question) == "no-calendar" else _calendar)(view, node)


def _hours(view: View, node: Node, day: str) -> list[tuple[Button, ...]]:
    """The hours of a day: "2018-10-03T", or "" for a time. An hour is a dot if the form accepts no minute of it."""
    hours = []
    for hour in (f"{number:02d}" for number in range(24)):
        is_open = any(view.instance.check(node, f"{day}{hour}:{minute}") is None for minute in ("00", "30", "55"))
        hours.append((hour, form_tap("gather", hour)) if is_open else ("·", form_tap("page", 0)))
    return _grid(hours, 6)


def _minutes(view: View, node: Node, day: str, hour: str) -> list[tuple[Button, ...]]:
    """Every fifth minute of an hour. A minute that the form does not accept is a dot."""
    minutes = []
    for minute in (f"{number:02d}" for number in range(0, 60, 5)):
        is_open = view.instance.check(node, f"{day}{hour}:{minute}") is None
        minutes.append((f"{hour}:{minute}", form_tap("minute", minute)) if is_open else ("·", form_tap("gather", hour)))
    return _grid(minutes, 4)


def _grid(buttons: Sequence[tuple[str, ButtonTap]], width: int) -> list[tuple[Button, ...]]:
    made = [Button(text, each) for text, each in buttons]
    return [tuple(made[i : i + width]) for i in range(0, len(made), width)]


def _takes_day(view: View, node: Node, day: date) -> bool:
    """Whether the form accepts some time of this day: its beginning, noon and end are tried."""
    if _takes_every_day(view, node):
        return True
    if node.question.type == "date":
        return view.instance.check(node, day.isoformat()) is None
    return any(view.instance.check(node, f"{day}T{at}") is None for at in ("00:00", "12:00", "23:55"))


def _takes_every_day(view: View, node: Node) -> bool:
    return view.form.logic[node.place].constraint is None


def _calendar(view: View, node: Node) -> list[tuple[Button, ...]]:
    """A month of days. A day that the form does not accept is a dot, so nobody taps it and is refused."""
    month, today = _calendar_month(view, node), view.today
    language, takes_all = view.session.language, _takes_every_day(view, node)
    quick, days = _days_near(today), _days_of(month)
    if takes_all:
        return [*_chips(language, quick[:2]), *_month(language, month, today, days)]
    taken = islice((each for each in quick if _takes_day(view, node, each[1])), 2)
    chips = _chips(language, tuple(taken))
    accepted = frozenset(day for day in days if _takes_day(view, node, month.replace(day=day)))
    return [*chips, *_month(language, month, today, accepted)]


@lru_cache(maxsize=128)
def _days_of(month: date) -> frozenset[int]:
    return frozenset(range(1, calendar.monthrange(month.year, month.month)[1] + 1))


@lru_cache(maxsize=16)
def _days_near(today: date) -> tuple[tuple[str, date], ...]:
    """Days with the key of what each is called. The first two that the form accepts have a button of their own."""
    return (
        ("date.today", today),
        ("date.yesterday", today - timedelta(days=1)),
        ("date.in_a_month", _months_later(today, 1)),
        ("date.in_three_months", _months_later(today, 3)),
    )


@lru_cache(maxsize=128)
def _chips(language: str, days: tuple[tuple[str, date], ...]) -> tuple[SharedRow, ...]:
    """A row with these days to choose, or none."""
    say = wording(language)
    chips = SharedRow(Button(say(key), form_tap("day", day.isoformat())) for key, day in days)
    return (chips,) if chips else ()


@lru_cache(maxsize=128)
def _month(language: str, month: date, today: date, days: frozenset[int]) -> tuple[tuple[Button, ...], ...]:
    """The month with its name and its weekdays, and these days to choose. It is the same for all who see it today."""
    say = wording(language)
    stay = form_tap("month", f"{month:%Y-%m}")
    title = f"{say('months.long').split('|')[month.month - 1]} {month.year}"
    turning = (
        Button("◀", form_tap("month", f"{_months_later(month, -1):%Y-%m}")),
        Button(title, stay),
        Button("▶", form_tap("month", f"{_months_later(month, 1):%Y-%m}")),
    )
    weekdays = tuple(Button(day, stay) for day in say("weekdays.narrow").split("|"))
    return tuple(map(SharedRow, (turning, weekdays, *_weeks(month, today, days))))


def _weeks(month: date, today: date, days: frozenset[int]) -> list[tuple[Button, ...]]:
    """Return the weeks of a month that have a day to choose. A tap on any other week would do nothing."""
    stay = form_tap("month", f"{month:%Y-%m}")
    rows = []
    for week in calendar.Calendar(firstweekday=0).monthdayscalendar(month.year, month.month):
        row = []
        for number in week:
            if number not in days:
                row.append(Button("·" if number else " ", stay))
                continue
            day = month.replace(day=number)
            row.append(Button(f"[{number}]" if day == today else str(number), form_tap("day", day.isoformat())))
        if not days.isdisjoint(week):
            rows.append(tuple(row))
    return rows


def _calendar_month(view: View, node: Node) -> date:
    """Return the month on the calendar: the one that was turned to, the answer's, or this month."""
    turned_to = view.session.month and f"{view.session.month}-01"
    for text in filter(None, (turned_to, node.value[:10])):
        try:
            return date.fromisoformat(text).replace(day=1)
        except ValueError:
            continue
    return view.today.replace(day=1)


def _months_later(day: date, months: int) -> date:
    index = min(max(day.year * 12 + day.month - 1 + months, 12), 9999 * 12 + 11)  # years 1 to 9999, as `date` has them
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
