"""Read days that people type: in figures, in words, or counted from today."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Literal

from conversations.languages import phrases, says_yes
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood, values_of
from conversations.session.reading.text import WORD, fold, plain
from conversations.session.reading.vocabulary import (
    MONTHS,
    NUMBERS,
    WEEKDAYS,
    any_phrase,
    any_phrase_in,
    joined_number_words,
    known_words,
    known_words_in,
    numbered,
    numbered_in_all,
    said_as,
)

Prefer = Literal["past", "future"]
_RELATIVE = {
    "reading.today": 0,
    "reading.yesterday": -1,
    "reading.tomorrow": 1,
    "reading.day_before_yesterday": -2,
    "reading.day_after_tomorrow": 2,
    "reading.a_week_ago": -7,
    "reading.in_a_week": 7,
}
_MONTH_FIRST = "reading.month_first"
_LAST, _NEXT, _THIS, _BESIDE = "reading.last", "reading.next", "reading.this", "reading.beside_dates"
_IN_FIGURES = re.compile(r"(\d{1,4})(?:\s*+([-/.])\s*+|\s++)(\d{1,2})(?:(?(2)\s*+\2\s*+|\s++)(\d{2}|\d{4}))?\.?")


@cache
def _relative() -> Mapping[str, int]:
    """Return phrase → days from today."""
    return {phrase: days for key, days in _RELATIVE.items() for phrase in said_as(key)}


@cache
def _counted() -> re.Pattern[str]:
    """The pattern of a number of days or weeks, before or after today."""
    return re.compile(
        rf"(?:(?P<back>{any_phrase('reading.ago_before')}) )?(?:(?P<ahead>{any_phrase('reading.ahead')}) )?"
        rf"(?P<n>\d{{1,3}}) (?:(?P<day>{any_phrase('reading.day')})|{any_phrase('reading.week')})"
        rf"(?: (?P<ago>{any_phrase('reading.ago_after')}))?"
    )


@cache
def _before_days() -> re.Pattern[str]:
    """The pattern of a word that counts days or weeks: "dos" in "hace dos días"."""
    return re.compile(rf"\b[^\W\d_]+(?= (?:{any_phrase('reading.day')}|{any_phrase('reading.week')})\b)")


@cache
def _half_of_day() -> re.Pattern[str]:
    """The pattern of what is said behind a day: "ayer en la tarde"."""
    return re.compile(rf" (?:{any_phrase('reading.morning')}|{any_phrase('reading.afternoon')})$")


@cache
def _guessable(language: str) -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase_in(language, 'reading.guessable')}\b")


def read_date(text: str, *, today: date, language: str, prefer: Prefer = "past") -> Read:
    """Read a day as "2018-09-15". The order is day, month, year, as in the Dominican Republic.

    Without a year, it is the nearest such day on the preferred side of today. It must be confirmed if a coming day is
    nearer than the past one. A weekday is the last one before today, or the next one after it. A reading that only
    dateparser found must always be confirmed. Impossible days (31/02) are not understood.
    """
    return day_in(text, today, language, prefer, may_guess=True)


def day_in(text: str, today: date, language: str, prefer: Prefer, *, may_guess: bool) -> Read:
    """Read a day as `read_date` does. With `may_guess`, dateparser is asked at the end."""
    said = fold(plain(text)).strip()
    if not said or len(said) > 60:
        return NotUnderstood("err.date")
    words = " ".join(WORD.findall(said))
    read = (
        _relative_day(words, today, language)
        or _weekday(words, today, language, prefer)
        or _digits_only(said, today, prefer)
        or _date_in_figures(said, today, language, prefer)
        or _date_in_words(said, today, language, prefer)
    )
    if read is None and may_guess:
        read = _guessed(said, today, language, prefer)
    return read or NotUnderstood("err.date")


def _dated(found: Iterable[date | None], *, is_certain: bool = True) -> Read:
    days = list(dict.fromkeys(day.isoformat() for day in found if day is not None and 1900 <= day.year <= 2100))
    if not days:
        return NotUnderstood("err.date")
    return Understood(days[0]) if is_certain and len(days) == 1 else Ambiguous(tuple(days))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _shifted(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def _relative_day(words: str, today: date, language: str) -> Read | None:
    if (days_away := _relative().get(_half_of_day().sub("", words))) is not None:
        return _dated([_shifted(today, days_away)])
    table = numbered(language, NUMBERS)
    said = joined_number_words(words, language)
    counted = _counted().fullmatch(_before_days().sub(lambda found: str(table.get(found[0], found[0])), said))
    if counted is None:
        return None
    is_past = bool(counted["back"] or counted["ago"])
    if is_past == bool(counted["ahead"]):
        return None
    days = int(counted["n"]) * (1 if counted["day"] else 7)
    return _dated([_shifted(today, -days if is_past else days)])


def _weekday(words: str, today: date, language: str, prefer: Prefer) -> Read | None:
    names = numbered_in_all(language, WEEKDAYS)
    past, future, this = known_words(_LAST), known_words(_NEXT), known_words(_THIS)
    spoken = words.split()
    named = [word for word in spoken if word in names]
    rest = {word for word in spoken if word not in names}
    if len(named) != 1 or not rest <= known_words(_BESIDE) | past | future | this:
        return None
    ahead = (names[named[0]] - today.weekday()) % 7
    before = _shifted(today, ahead - 7)
    after = _shifted(today, ahead or 7)
    if rest & this:
        return _dated([before, today if ahead == 0 else None, after], is_certain=False)
    wants_past = bool(rest & past) or (prefer == "past" and not rest & future)
    if ahead == 0 and not rest & (past | future):
        return _dated([today, before if wants_past else after], is_certain=False)
    return _dated([before if wants_past else after])


_MONTH_FIGURES = re.compile(r"(?:(\d{1,2})(?:\s*+[-/.]\s*+|\s++)(\d{4})|(\d{4})(?:\s*+[-/.]\s*+|\s++)(\d{1,2}))")


def read_month(text: str, language: str, *, is_year: bool = False) -> str:
    """Read "octubre 2018", "10/2018" or "2018-10" as the first day of that month. "" if it is not one.

    With `is_year`, read "2018" as the first day of that year. `read_date` reads whole days.
    """
    said = " ".join(fold(plain(text)).split())
    if is_year:
        return f"{said}-01-01" if re.fullmatch(r"[12]\d{3}", said) else ""
    year = month = 0
    if figures := _MONTH_FIGURES.fullmatch(said):
        year, month = int(figures[2] or figures[3]), int(figures[1] or figures[4])
    else:
        pieces = [piece for piece in re.findall(r"\w+", said) if piece not in known_words(_BESIDE)]
        months = numbered_in_all(language, MONTHS)
        years = [piece for piece in pieces if re.fullmatch(r"\d{4}", piece)]
        named = [months[piece] for piece in pieces if piece in months]
        if len(pieces) == 2 and len(years) == len(named) == 1:
            year, month = int(years[0]), named[0]
    return f"{year:04d}-{month:02d}-01" if 1 <= month <= 12 and year else ""


def _digits_only(said: str, today: date, prefer: Prefer) -> Read | None:
    if not said.isdecimal():
        return None
    if len(said) == 8:  # 20180915, 15092018
        return _dated(
            [
                _day(int(said[:4]), int(said[4:6]), int(said[6:])),
                _day(int(said[4:]), int(said[2:4]), int(said[:2])),
            ]
        )
    if len(said) > 2:
        return NotUnderstood("err.date")  # "1250" is no year, whatever dateparser says
    months = [(today.year * 12 + today.month - 1 + shift) for shift in range(-2, 3)]
    days = [day for month in months if (day := _day(month // 12, month % 12 + 1, int(said)))]
    return _dated([_on_side(days, today, prefer)], is_certain=False)


def _on_side(days: list[date], today: date, prefer: Prefer) -> date | None:
    if prefer == "past":
        return max((day for day in days if day <= today), default=None)
    return min((day for day in days if day >= today), default=None)


def _without_year(month: int, day: int, today: date, prefer: Prefer, *, is_certain: bool = True) -> Read:
    days = [found for year in range(today.year - 8, today.year + 9) if (found := _day_within(year, month, day))]
    if not days:
        return NotUnderstood("err.date")
    chosen = _on_side(days, today, prefer)
    nearest = min(days, key=lambda found: abs(found - today))
    if chosen is None or (prefer == "past" and nearest != chosen):
        return _dated([chosen, nearest], is_certain=False)
    return _dated([chosen], is_certain=is_certain and abs(chosen - today).days <= 366)


def _day_within(year: int, month: int, day: int) -> date | None:
    return _day(year, month, day) if 1 <= year <= 9999 else None


def _full_year(figures: str, today: date) -> int:
    """Return the full year of two digits: from 69 years before today's to 30 years after it."""
    if len(figures) == 4:
        return int(figures)
    return today.year - 69 + (int(figures) - (today.year - 69)) % 100


def _date_in_figures(said: str, today: date, language: str, prefer: Prefer) -> Read | None:
    match = _IN_FIGURES.fullmatch(said)
    if match is None:
        return None
    first, second, third = match[1], int(match[3]), match[4]
    if len(first) > 2:
        if len(first) == 3 or third is None or len(third) != 2:
            return NotUnderstood("err.date")
        return _dated([_day(int(first), second, int(third))])
    a = int(first)
    # Where people write the month first, both are possible; elsewhere, only if there is no such month.
    month_first = says_yes(language, _MONTH_FIRST)
    is_swappable = a != second and (month_first or second > 12)
    if third is None:
        own = _without_year(second, a, today, prefer) if second <= 12 else NotUnderstood("err.date")
        other = _without_year(a, second, today, prefer) if is_swappable and a <= 12 else NotUnderstood("err.date")
        if isinstance(other, NotUnderstood):
            return own
        return Ambiguous(tuple(dict.fromkeys(value for read in (own, other) for value in values_of(read))))
    year = _full_year(third, today)
    days = [_day_within(year, second, a)]
    swapped = _day_within(year, a, second) if is_swappable else None
    if len(third) == 2 and abs(year - today.year) > 1:
        iso = _day_within(_full_year(first, today) if len(first) == 2 else 0, second, int(third))
        swapped = iso if iso is not None and abs(iso.year - today.year) <= 1 else swapped
    return _dated([*days, swapped], is_certain=swapped is None)


@dataclass(slots=True)
class _Spoken:
    """What is said of a day in words: a month, a weekday, and one or two numbers: the day, perhaps the year."""

    month: int | None = None
    weekday: int | None = None
    numbers: list[str] = field(default_factory=list)
    is_month_second: bool = False
    """Whether one number stood before the month."""


def _spoken(said: str, language: str) -> _Spoken | None:
    """Return the parts of a day in words. None if another word is among them."""
    if re.search(r"[^\w\s,./'()-]|_", said.replace("º", "").replace("°", "")):
        return None
    months, weekdays = numbered_in_all(language, MONTHS), numbered_in_all(language, WEEKDAYS)
    spelled, own_beside = numbered(language, NUMBERS), known_words_in(language, _BESIDE)
    ignored = known_words(_BESIDE) | known_words("reading.ordinals")
    found = _Spoken()
    for piece in re.findall(r"\d+|[^\W\d_]+", joined_number_words(said, language).replace("º", " ")):
        if piece.isdecimal():
            found.numbers.append(piece)
        elif piece in known_words("reading.first"):
            found.numbers.append("1")
        elif piece in months and found.month is None:
            found.month, found.is_month_second = months[piece], len(found.numbers) == 1
        elif piece in weekdays and found.weekday is None:
            found.weekday = weekdays[piece]
        elif piece in spelled and piece not in own_beside:
            found.numbers.append(str(spelled[piece]))
        elif piece not in ignored:
            return None
    return found


def _date_in_words(said: str, today: date, language: str, prefer: Prefer) -> Read | None:
    spoken = _spoken(said, language)
    if spoken is None or spoken.month is None or any(len(each) not in (1, 2, 4) for each in spoken.numbers):
        return None
    match spoken.numbers:
        case [day]:
            return _day_of_month(day, spoken.month, spoken, today, language, prefer)
        case [first, second]:
            return _day_of_year(first, second, spoken.month, spoken.weekday, today)
        case _:
            return None


def _day_of_month(day: str, month: int, spoken: _Spoken, today: date, language: str, prefer: Prefer) -> Read:
    """Read a day without a year. A weekday finds the year in which it fits."""
    if len(day) == 4:
        return NotUnderstood("err.date")  # a month, not a day
    years = [_day_within(today.year + shift, month, int(day)) for shift in (-1, 0, 1)]
    fitting = [found for found in years if found is not None and found.weekday() == spoken.weekday]
    if fitting:
        return _dated([min(fitting, key=lambda found: abs(found - today))])
    # "sep 18" is what others write for September 2018.
    is_certain = spoken.weekday is None and (spoken.is_month_second or says_yes(language, _MONTH_FIRST))
    return _without_year(month, int(day), today, prefer, is_certain=is_certain)


def _day_of_year(first: str, second: str, month: int, weekday: int | None, today: date) -> Read:
    """Read a day with its year, which has four digits or stands last. Another weekday makes it uncertain."""
    if len(first) == 4:
        first, second = second, first
    if len(first) == 4 or len(second) == 1:
        return NotUnderstood("err.date")
    found = _day_within(_full_year(second, today), month, int(first))
    return _dated([found], is_certain=weekday is None or (found is not None and found.weekday() == weekday))


def _guessed(said: str, today: date, language: str, prefer: Prefer) -> Read | None:
    """Ask dateparser about the phrases that it reads well ("hace dos meses"). It lacks some languages."""
    its_own = phrases(language, "reading.dateparser")
    if not its_own or len(said) > 40 or not _guessable(language).search(said) or re.search(r"\d{3}", said):
        return None
    import dateparser  # slow to load, and seldom needed

    try:
        found = dateparser.parse(
            said,
            languages=list(its_own),
            settings={
                "RELATIVE_BASE": datetime.combine(today, time(12)),
                "DATE_ORDER": "DMY",
                "PREFER_DATES_FROM": prefer,
                "RETURN_AS_TIMEZONE_AWARE": False,
                "REQUIRE_PARTS": ["day"],
            },
        )
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # its own tables trip over some texts
    return _dated([found.date()], is_certain=False) if found else None
