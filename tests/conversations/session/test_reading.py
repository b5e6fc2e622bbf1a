"""What people type, and what it is taken for."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.languages import LANGUAGES, phrases
from conversations.session.reading.choices import (
    Chosen,
    Matched,
    NoMatch,
    Several,
    match_choice,
    match_choices,
    search_choices,
)
from conversations.session.reading.dates import read_date
from conversations.session.reading.numbers import read_number, read_numbers
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood
from conversations.session.reading.text import normalise
from conversations.session.reading.times import read_datetime, read_time

WEDNESDAY = date(2018, 10, 3)


def shown(read: Read) -> str:
    """ "12" understood, "12|1.2" ambiguous, "?" ambiguous with one reading, "!reason" not understood."""
    match read:
        case Understood(value):
            return value
        case Ambiguous((only,)):
            return f"{only}?"
        case Ambiguous(readings):
            return "|".join(readings)
        case NotUnderstood(reason):
            return f"!{reason.removeprefix('err.')}"


# ------------------------------------------------------------------ numbers
INTEGERS = {
    "25": "25",
    " 25. ": "25",
    "007": "7",
    "-5": "-5",
    "−5": "-5",
    "+25": "25",
    "1,250": "1250",
    "1,250,000": "1250000",
    "1.250.000": "1250000",
    "1'250": "1250",
    "1,250.00": "1250",
    "1.250,00": "1250",
    "12 %": "12",
    "12%": "12",
    "12 por ciento": "12",
    "RD$ 1,250.00": "1250",
    "1 250 000": "1250000",
    "1 050": "1050",
    "son 25 personas": "25",
    "25personas": "25",
    "total: 25": "25",
    "２５": "25",
    "٢٥": "25",
    "5️⃣": "5",
    "25 👍": "25",
    "\u200b2\u200b5": "25",
    "2 mil": "2000",
    "2mil": "2000",
    "1.5 millones": "1500000",
    "doce": "12",
    "doce mil": "12000",
    "cero": "0",
    "Una persona": "1",
    "fueron doce personas": "12",
    # ------------- confirmed
    "1.250": "1250|1.25",
    "12.000": "12000|12",
    "1 250": "1250?",
    "12 100 200": "12100200?",
    "1,250.000": "1250|1250000",
    "casi 25": "25?",
    "más de 25": "25?",
    "<10": "10?",
    "25?": "25?",
    "25+": "25?",
    "- 25": "25?",
    "no son 25": "25?",
    "menos 5": "-5|5",
    "ninguna": "0?",
    # ------------- asked again
    "": "!number",
    "   ": "!number",
    "hola": "!number",
    "12 8": "!number",
    "12, 8": "!number",
    "12-8": "!number",
    "15/9": "!number",
    "3:30": "!number",
    "3 de 5": "!number",
    "1 mujer y dos hombres": "!number",
    "PRE-101": "!number",
    "2018Q3": "!number",
    "12h": "!number",
    "2nd": "!number",
    "1e5": "!number",
    "5²": "!number",
    "½": "!number",
    "12.5.3": "!number",
    "1,2,3": "!number",
    "treinta y dos": "32",
    "treinta y cinco mil": "35000",
    "veintiún personas": "21",
    "treinta y 5": "!number",
    "treinta cinco": "!number",
    "ciento treinta": "!number",
    "doscientos treinta y cinco": "!number",
    "mil treinta": "!number",
    "treinta y pico": "!number",
    "seis treinta": "!number",
    "2 docenas": "!number",
    "25 mil 300": "!number",
    "12.5": "!integer",
    "12,8": "!integer",
    "1,250.50": "!integer",
    "1" * 30: "!number",
    "no hubo una reunión": "!number",
}


@pytest.mark.parametrize("typed", INTEGERS)
def test_an_integer_is_read_as_people_write_it(typed: str) -> None:
    """Only what has one reading is understood."""
    assert shown(read_number(typed, integer=True, language="es")) == INTEGERS[typed]


DECIMALS = {
    "1.5": "1.5",
    "1,5": "1.5",
    ".5": "0.5",
    "0,250": "0.25",
    "0.250": "0.25",
    "1250.500": "1250.5",
    "12.0": "12",
    "12.50 %": "12.5",
    "1,250.75": "1250.75",
    "1.250,75": "1250.75",
    "1,250": "1250|1.25",
    "1.250": "1.25|1250",
    "1 250,5": "1250.5?",
    "-0": "0",
}


@pytest.mark.parametrize("typed", DECIMALS)
def test_a_decimal_is_read_with_point_or_comma(typed: str) -> None:
    """Three digits after one mark are a fraction or a thousand: that is asked."""
    assert shown(read_number(typed, integer=False, language="es")) == DECIMALS[typed]


@pytest.mark.parametrize(
    ("typed", "language", "expected"),
    [
        ("twelve", "en", "12"),
        ("douz", "ht", "12"),
        ("de", "ht", "2"),
        ("de moun", "ht", "2"),
        ("apeprè 25", "ht", "25?"),
        ("2 milyon", "ht", "2000000"),
        ("12 pou san", "ht", "12"),
        ("twenty two", "en", "22"),
        ("thirty-five people", "en", "35"),
        ("one hundred five", "en", "!number"),
        ("swasanndis", "ht", "70"),
        ("katreven diznèf", "ht", "99"),
        ("trant senk moun", "ht", "35"),
        ("de san trant", "ht", "!number"),
        ("about 25", "en", "25?"),
        ("a dozen", "en", "!number"),
        ("okenn", "ht", "0?"),
    ],
)
def test_small_number_words_are_read_in_the_language_spoken(typed: str, language: str, expected: str) -> None:
    """Words are a nicety; compounds are never read by half."""
    assert shown(read_number(typed, integer=True, language=language)) == expected


@given(st.integers(-(10**15), 10**15), st.sampled_from(LANGUAGES))
def test_a_formatted_integer_reads_back(number: int, language: str) -> None:
    """Plain or with the comma of thousands, an integer is itself."""
    for typed in (str(number), f"{number:,}"):
        assert read_number(typed, integer=True, language=language) == Understood(str(number))


@given(st.decimals(-(10**9), 10**9, places=2, allow_nan=False), st.sampled_from(LANGUAGES))
def test_a_formatted_decimal_reads_back(number: object, language: str) -> None:
    """Two decimals leave no doubt."""
    expected = f"{number:f}".rstrip("0").rstrip(".")
    for typed in (f"{number:f}", f"{number:f}".replace(".", ","), f"{number:,f}"):
        assert read_number(typed, integer=False, language=language) == Understood("0" if expected == "-0" else expected)


@given(st.integers(1, 999), st.integers(0, 999).map("{:03}".format))
def test_three_digits_after_one_mark_are_never_resolved_silently(whole: int, thousandths: str) -> None:
    """ "1.250" is two numbers in two countries."""
    for mark in ".,":
        read = read_number(f"{whole}{mark}{thousandths}", integer=False, language="es")
        assert isinstance(read, Ambiguous)
        assert f"{whole}{thousandths}" in read.readings
    assert not isinstance(read_number(f"{whole}.{thousandths}", integer=True, language="es"), Understood)


WORDS = re.findall(
    r"\S+",
    "12 8 1.250 1,250 casi mil hoy ayer mañana lunes pasado sep de septiembre 15 15/9 31/02 2018 a las 8 8:30 pm p.m."
    " hace dentro días doce y PRE-101 , - / jodi demen lendi 00:00 24:00 99 0 00 1er 9999 0001",
)
NOISE = st.one_of(
    st.text(max_size=60),
    st.text("0123456789 .,-/'%:²½①٣５\u200b\u202e\ufe0f🔵ñaeimnprt+<>?", max_size=30),
    st.lists(
        st.sampled_from(WORDS),
        max_size=6,
    ).map(" ".join),
)


@settings(max_examples=400, deadline=None)
@given(
    NOISE, st.sampled_from([*LANGUAGES, "xx"]), st.booleans(), st.sampled_from(["past", "future"]), st.integers(1, 5)
)
def test_nothing_raises_whatever_is_typed(text: str, language: str, integer: bool, prefer: str, count: int) -> None:
    """A respondent cannot break the bot; and what is understood is a value ODK accepts."""
    number = read_number(text, integer=integer, language=language)
    if isinstance(number, Understood) and integer:
        assert int(number.value) == int(number.value, 10)
    numbers = read_numbers(text, count)
    assert numbers is None or (len(numbers) == count and all(n.isdecimal() for n in numbers))
    for today in (WEDNESDAY, date.min, date.max):
        day = read_date(text, today=today, language=language, prefer=prefer)
        for value in day.readings if isinstance(day, Ambiguous) else [day.value] if isinstance(day, Understood) else []:
            assert date.fromisoformat(value).isoformat() == value
        read_datetime(text, today=today, language=language, prefer=prefer, zone=ZoneInfo("America/Santo_Domingo"))
    read_time(text, language=language)
    choices = [("a", "Falta de presupuesto"), ("b", "Otro"), ("1", "Sí, 12"), (text, text)]
    match_choice(text, choices)
    match_choices(text, choices)
    search_choices(text, choices)
    assert normalise(normalise(text)) == normalise(text)


# ------------------------------------------------------------------ several numbers
@pytest.mark.parametrize(
    ("typed", "count", "expected"),
    [
        ("12 8 3 4", 4, "12 8 3 4"),
        ("12, 8, 3, 4", 4, "12 8 3 4"),
        ("12,8,3,4", 4, "12 8 3 4"),
        ("12-8-3-4", 4, "12 8 3 4"),
        ("12 - 8 - 3 - 4", 4, "12 8 3 4"),
        ("12/8/3/4", 4, "12 8 3 4"),
        ("12;8;3;4", 4, "12 8 3 4"),
        ("12\n8\n3\n4", 4, "12 8 3 4"),
        ("12, 8, 3 y 4.", 4, "12 8 3 4"),
        ("(12 8)", 2, "12 8"),
        ("mujeres 12 hombres 8", 2, "12 8"),
        ("mujeres: 12, hombres: 8", 2, "12 8"),
        ("12 mujeres y 8 hombres", 2, "12 8"),
        ("1,250 3 4", 3, "1250 3 4"),
        ("1,250, 3, 4", 3, "1250 3 4"),
        ("20 10 110 85", 4, "20 10 110 85"),
        ("１２ ８", 2, "12 8"),
        ("0 0 0 0", 4, "0 0 0 0"),
        ("12 8 3", 4, None),
        ("12 8 3 4 5", 4, None),
        ("1 250", 2, None),
        ("1,250", 2, None),
        ("100 200 300", 3, None),
        ("1.250 3", 2, None),
        ("12.8 3", 2, None),
        ("12 -8", 2, None),
        ("-12 8", 2, None),
        ("casi 12 8", 2, None),
        ("12 mil 8", 2, None),
        ("12 ocho", 2, None),
        ("12 8 y tres", 2, None),
        ("8:30", 2, None),
        ("PRE-101 8", 2, None),
        ("12 8?", 2, None),
        ("12% 8%", 2, None),
        ("", 2, None),
        ("12 08", 2, None),
    ],
)
def test_several_numbers_in_one_message_are_taken_only_when_nothing_else_was_meant(
    typed: str, count: int, expected: str | None
) -> None:
    """All or none (DESIGN §4)."""
    numbers = read_numbers(typed, count)
    assert (" ".join(numbers) if numbers else None) == expected


LABELS = ("Mujeres (18 o más)", "Hombres (18 o más)")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("hombres 8 mujeres 12", ("12", "8")),
        ("8 hombres y 12 mujeres", ("12", "8")),
        ("mujeres 12 hombres 8", ("12", "8")),
        ("12 8", ("12", "8")),
        ("perros 12 gatos 8", None),
        ("mujeres 12 mujeres 8", None),
    ],
)
def test_words_beside_the_numbers_decide_the_order(typed: str, expected: tuple[str, ...] | None) -> None:
    """Men first is not an error, but it must not land on the women."""
    assert read_numbers(typed, 2, labels=LABELS) == expected


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
def test_dates_are_read_in_three_languages(typed: str, language: str, expected: str) -> None:
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


# ------------------------------------------------------------------ times
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("08:30", "08:30:00.000"),
        ("15:00", "15:00:00.000"),
        ("15h30", "15:30:00.000"),
        ("15.30", "15:30:00.000"),
        ("8 pm", "20:00:00.000"),
        ("8:30 p. m.", "20:30:00.000"),
        ("a las 8 de la mañana", "08:00:00.000"),
        ("12 am", "00:00:00.000"),
        ("12:15 pm", "12:15:00.000"),
        ("8 è di maten", "08:00:00.000"),
        ("mediodía", "12:00:00.000"),
        ("midnight", "00:00:00.000"),
        ("08:30:15.250", "08:30:15.250"),
        ("08:30:15.250-04:00", "08:30:15.250-04:00"),
        ("8:30", "08:30:00.000|20:30:00.000"),
        ("8", "08:00:00.000|20:00:00.000"),
        ("24:00", "!time"),
        ("8:75", "!time"),
        ("15 am", "!time"),
        ("hola", "!time"),
        ("", "!time"),
    ],
)
def test_a_time_is_read_and_half_a_day_is_asked_for(typed: str, expected: str) -> None:
    """ "8:30" is morning or evening."""
    assert shown(read_time(typed, language="es")) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("15/9/2018 14:30", "2018-09-15T14:30:00.000"),
        ("ayer a las 3 pm", "2018-10-02T15:00:00.000"),
        ("3 pm ayer", "2018-10-02T15:00:00.000"),
        ("2018-09-15T08:30:00.000", "2018-09-15T08:30:00.000"),
        ("2018-09-15T08:30:00.000-04:00", "2018-09-15T08:30:00.000-04:00"),
        ("15 de septiembre, 08:30", "2018-09-15T08:30:00.000"),
        ("15 sep 8:30", "2018-09-15T08:30:00.000|2018-09-15T20:30:00.000"),
        ("hoy", "!datetime"),
        ("8:30", "!datetime"),
        ("31/02 08:30", "!datetime"),
    ],
)
def test_a_day_and_a_time_are_read_together(typed: str, expected: str) -> None:
    """Both are needed, in any order."""
    assert shown(read_datetime(typed, today=WEDNESDAY, language="es")) == expected


def test_a_moment_carries_the_offset_its_zone_had_then() -> None:
    """ODK stores the offset; Port-au-Prince has a summer time."""
    zone = ZoneInfo("America/Port-au-Prince")
    for typed, offset in (("15/7/2018 08:30", "-04:00"), ("15/1/2018 08:30", "-05:00")):
        read = read_datetime(typed, today=WEDNESDAY, language="es", zone=zone)
        assert isinstance(read, Understood)
        assert read.value.endswith(f"T08:30:00.000{offset}")
    assert read_time("08:30", language="es", offset="-04:00") == Understood("08:30:00.000-04:00")


# ------------------------------------------------------------------ choices
STATUS = [
    ("not_started", "⚪ No iniciada"),
    ("in_progress", "🔵 En curso"),
    ("delayed", "🟠 Retrasada"),
    ("completed", "✅ Completada"),
    ("cancelled", "⛔ Cancelada"),
]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2", Matched("in_progress")),
        ("2.", Matched("in_progress")),
        ("2️⃣", Matched("in_progress")),
        ("la 2", Matched("in_progress")),
        ("opción 2", Matched("in_progress")),
        ("in_progress", Matched("in_progress")),
        ("EN CURSO", Matched("in_progress")),
        ("en curso!", Matched("in_progress")),
        ("🔵 En curso", Matched("in_progress")),
        ("🔵", Matched("in_progress")),
        ("ret", Matched("delayed")),
        ("c", Several(("completed", "cancelled"))),
        ("curso", Several(("in_progress",))),
        ("9", NoMatch()),
        ("-2", NoMatch()),
        ("pendiente", NoMatch()),
        ("", NoMatch()),
        ("🟣", NoMatch()),
    ],
)
def test_a_choice_is_matched_by_number_code_label_or_beginning(typed: str, expected: object) -> None:
    """Accents, case, emoji and punctuation are forgiven; doubt is not."""
    assert match_choice(typed, STATUS) == expected


def test_a_number_that_is_place_of_one_choice_and_code_of_another_is_not_resolved() -> None:
    """ "2" may be the second or the one called 2."""
    assert match_choice("2", [("2", "Dos"), ("1", "Uno")]) == Several(("2", "1"))
    assert match_choice("18", [("a", "18 años o más")]) == Matched("a")
    assert match_choice("1", [("a", "2 veces"), ("b", "1 vez")]) == Several(("a", "b"))


SERVICES = [
    ("shelter", "Acogida"),
    ("health", "Salud"),
    ("legal", "Asistencia legal"),
    ("servitude", "Servidumbre, incluida la doméstica"),
    ("return", "Retorno y reintegración"),
]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1, 3 y 4", Chosen(("shelter", "legal", "servitude"))),
        ("1 3 4", Chosen(("shelter", "legal", "servitude"))),
        ("3,1,3", Chosen(("shelter", "legal"))),
        ("salud y acogida", Chosen(("shelter", "health"))),
        ("Salud\nAcogida", Chosen(("shelter", "health"))),
        ("acogida, servidumbre, incluida la doméstica, salud", Chosen(("shelter", "health", "servitude"))),
        ("retorno y reintegración y salud", Chosen(("health", "return"))),
        ("2", Chosen(("health",))),
        ("1 y 9", NoMatch()),
        ("1-3", NoMatch()),
        ("salud y s", Several(("health", "servitude"))),
        ("", NoMatch()),
    ],
)
def test_several_choices_are_matched_all_or_none(typed: str, expected: object) -> None:
    """One piece that is no choice leaves the answer as it was."""
    assert match_choices(typed, SERVICES) == expected


def test_a_search_finds_by_beginning_word_code_and_misspelling() -> None:
    """Thirty-two provinces do not fit on a keyboard."""
    provinces = [
        ("DO-25", "Santiago"),
        ("DO-26", "Santiago Rodríguez"),
        ("DO-14", "María Trinidad Sánchez"),
        ("DO-24", "Sánchez Ramírez"),
        ("DO-32", "Santo Domingo"),
    ]
    assert [value for value, _ in search_choices("sánchez", provinces)] == ["DO-24", "DO-14"]
    assert [value for value, _ in search_choices("santiago", provinces)] == ["DO-25", "DO-26"]
    assert [value for value, _ in search_choices("DO-32", provinces)] == ["DO-32"]
    assert search_choices("santiajo", provinces)[0] == ("DO-25", "Santiago")
    assert len(search_choices("san", provinces, limit=2)) == 2
    assert search_choices("xyzw", provinces) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_word_of_the_table_is_read_as_its_place(language: str) -> None:
    """Whole, joined by blanks or hyphens; a shorter number in it, such as 80 and 10 in 97, is not read by itself."""
    table = phrases(language, "reading.numbers")
    assert len(table) == 100
    for number, spellings in enumerate(table):
        for spelling in spellings.split("/"):
            for typed in (spelling, spelling.replace("-", " "), spelling.replace(" ", "-").title()):
                assert read_number(typed, integer=True, language=language) == Understood(str(number)), typed


# ------------------------------------------------------------------ French, which is data alone
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("douze", Understood("12")),
        ("dix-sept", Understood("17")),
        ("deux mille", Understood("2000")),
        ("12 mille", Understood("12000")),
        ("trois personnes", Understood("3")),
        ("environ 25", Ambiguous(("25",))),
        ("aucune", Ambiguous(("0",))),
        ("vingt-cinq", Understood("25")),
        ("quatre-vingt-dix", Understood("90")),
        ("soixante et onze", Understood("71")),
        ("quatre vingt dix sept", Understood("97")),
        ("septante-deux mille", Understood("72000")),
        ("deux cent trente", NotUnderstood("err.number")),
    ],
)
def test_numbers_are_read_as_a_language_writes_them(text: str, expected: Read) -> None:
    """From its catalogue: no code knows a word of French."""
    assert read_number(text, integer=True, language="fr") == expected


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


@pytest.mark.parametrize(("text", "time"), [("8 heures du soir", "20:00"), ("15 h 30", "15:30"), ("midi", "12:00")])
def test_times_are_read_as_a_language_writes_them(text: str, time: str) -> None:
    assert read_time(text, language="fr") == Understood(f"{time}:00.000")
