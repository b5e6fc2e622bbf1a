"""Days as people write them: day first, backwards from today, in every language."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.session.reading.dates import read_date
from conversations.session.reading.results import Ambiguous, NotUnderstood, Understood
from tests.conversations.session.reading.today import WEDNESDAY, shown

# ------------------------------------------------------------------ dates
PAST = {
    "hoy": "2018-10-03",
    "Ayer": "2018-10-02",
    "mañana": "2018-10-04",
    "manana": "2018-10-04",
    "antier": "2018-10-01",
    "pasado mañana": "2018-10-05",
    "hace 3 días": "2018-09-30",
    "hace una semana": "2018-09-26",
    "hace dos días": "2018-10-01",
    "hace treinta y un días": "2018-09-02",
    "ante ayer": "2018-10-01",
    "ayer por la tarde": "2018-10-02",
    "dentro de 2 semanas": "2018-10-17",
    "15/9": "2018-09-15",
    "15-9-2018": "2018-09-15",
    "15.9.2018": "2018-09-15",
    "15 9 2018": "2018-09-15",
    "15/09/18": "2018-09-15",
    "15 sep": "2018-09-15",
    "15sep": "2018-09-15",
    "15 de septiembre de 2018": "2018-09-15",
    "15 de setiembre del 2018": "2018-09-15",
    "sábado 15 de septiembre": "2018-09-15",
    "quince de septiembre": "2018-09-15",
    "1ro de septiembre": "2018-09-01",
    "1º de septiembre": "2018-09-01",
    "primero de septiembre": "2018-09-01",
    "2018-09-15": "2018-09-15",
    "2018/9/15": "2018-09-15",
    "20180915": "2018-09-15",
    "15092018": "2018-09-15",
    "el 15 de septiembre": "2018-09-15",
    "septiembre 15, 2018": "2018-09-15",
    "15/sep/2018": "2018-09-15",
    "lunes": "2018-10-01",
    "el lunes pasado": "2018-10-01",
    "el próximo lunes": "2018-10-08",
    "29/2/2016": "2016-02-29",
    "１５/９/２０１８": "2018-09-15",
    # ------------- confirmed
    "15/12": "2017-12-15|2018-12-15",
    "9/15/2018": "2018-09-15?",
    "15": "2018-09-15?",
    "domingo 15 de septiembre de 2018": "2018-09-15?",
    "miércoles": "2018-10-03|2018-09-26",
    "este lunes": "2018-10-01|2018-10-08",
    "sep 18": "2018-09-18?",
    "18-09-15": "2015-09-18|2018-09-15",
    "29/2": "2016-02-29|2020-02-29",
    # ------------- asked again
    "": "!date",
    "31/02": "!date",
    "31/02/2018": "!date",
    "29/2/2018": "!date",
    "2018-13-01": "!date",
    "1250": "!date",
    "2018": "!date",
    "septiembre": "!date",
    "septiembre 2018": "!date",
    "201809": "!date",
    "hola": "!date",
    "mil": "!date",
    "99/99": "!date",
    "0/0": "!date",
    "15/9/20188": "!date",
    "²": "!date",
}


@pytest.mark.parametrize("typed", PAST)
def test_a_date_is_read_day_first_and_backwards_from_today(typed: str) -> None:
    """Today is Wednesday 3 October 2018."""
    assert shown(read_date(typed, today=WEDNESDAY, language="es")) == PAST[typed]


@pytest.mark.parametrize(
    ("typed", "language", "expected"),
    [
        ("15 septanm 2018", "ht", "2018-09-15"),
        ("de septanm", "ht", "2018-09-02"),
        ("3 jiyè", "ht", "2018-07-03"),
        ("10 out", "ht", "2018-08-10"),
        ("2 me 2018", "ht", "2018-05-02"),
        ("5 mas 2018", "ht", "2018-03-05"),
        ("5 mas", "ht", "2018-03-05|2019-03-05"),
        ("premye janvye 2018", "ht", "2018-01-01"),
        ("jodi a", "ht", "2018-10-03"),
        ("yè", "ht", "2018-10-02"),
        ("demen", "ht", "2018-10-04"),
        ("lendi", "ht", "2018-10-01"),
        ("antye", "ht", "2018-10-01"),
        ("anvan yè", "ht", "2018-10-01"),
        ("sa gen de jou", "ht", "2018-10-01"),
        ("yon semèn de sa", "ht", "2018-09-26"),
        ("two days ago", "en", "2018-10-01"),
        ("avanthier", "fr", "2018-10-01"),
        ("hier soir", "fr", "2018-10-02"),
        ("ya 3 jours", "fr", "2018-09-30"),
        ("lendi k ap vini a", "ht", "2018-10-08"),
        ("September 15th, 2018", "en", "2018-09-15"),
        ("Sep 15", "en", "2018-09-15"),
        ("the 15th of September", "en", "2018-09-15"),
        ("yesterday", "en", "2018-10-02"),
        ("3 days ago", "en", "2018-09-30"),
        ("last Monday", "en", "2018-10-01"),
        ("3/4/2018", "en", "2018-04-03|2018-03-04"),
        ("3/4/2018", "es", "2018-04-03"),
        ("4/4/2018", "en", "2018-04-04"),
        ("hace 2 meses", "es", "2018-08-03?"),
        ("nan de mwa", "ht", "!date"),
    ],
)
def test_dates_are_read_in_every_language(typed: str, language: str, expected: str) -> None:
    """Creole has our own tables; what only dateparser knows is confirmed."""
    assert shown(read_date(typed, today=WEDNESDAY, language=language)) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("30/6", "2019-06-30"),
        ("15/12", "2018-12-15"),
        ("lunes", "2018-10-08"),
        ("lunes pasado", "2018-10-01"),
        ("15", "2018-10-15?"),
        ("31", "2018-10-31?"),
    ],
)
def test_where_a_day_to_come_is_asked_for_a_year_is_added_forwards(typed: str, expected: str) -> None:
    """The new date of a delayed activity lies ahead."""
    assert shown(read_date(typed, today=WEDNESDAY, language="es", prefer="future")) == expected


@given(st.dates(date(1950, 1, 1), date(2046, 12, 31)), st.sampled_from(["es", "ht"]))
def test_a_formatted_date_reads_back(day: date, language: str) -> None:
    """ISO and day/month/year leave no doubt."""
    for typed in (f"{day:%Y-%m-%d}", f"{day:%d/%m/%Y}", f"{day.day}-{day.month}-{day.year}"):
        assert read_date(typed, today=WEDNESDAY, language=language) == Understood(day.isoformat())


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 364))
def test_a_day_without_a_year_is_its_last_one_or_a_question(today: date, ago: int) -> None:
    """Never another day than the one meant is taken without asking."""
    day = today - timedelta(days=ago)
    read = read_date(f"{day.day}/{day.month}", today=today, language="es")
    assert read == Understood(day.isoformat()) or (isinstance(read, Ambiguous) and day.isoformat() in read.readings)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("hier", "2018-10-14"),
        ("aujourd’hui", "2018-10-15"),
        ("avant-hier", "2018-10-13"),
        ("il y a 3 jours", "2018-10-12"),
        ("dans 2 semaines", "2018-10-29"),
        ("lundi dernier", "2018-10-08"),
        ("3 août", "2018-08-03"),
        ("le 1er octobre", "2018-10-01"),
        ("dix-sept août 2018", "2018-08-17"),
    ],
)
def test_days_are_read_as_a_language_writes_them(text: str, day: str) -> None:
    assert read_date(text, today=date(2018, 10, 15), language="fr") == Understood(day)


def test_a_raised_figure_is_no_day() -> None:
    """ "²" is a digit for Python, and no number: it is refused in words, as any other slip."""
    assert read_date("enero ²", today=WEDNESDAY, language="es") == NotUnderstood("err.date")
