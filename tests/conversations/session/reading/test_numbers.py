"""Numbers as people write them: separators, words, several in one message; what can be read two ways is asked."""

import re
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.languages import LANGUAGES
from conversations.session.reading.choices import (
    match_choice,
    match_choices,
    search_choices,
)
from conversations.session.reading.dates import read_date
from conversations.session.reading.numbers import read_number, read_numbers
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood
from conversations.session.reading.text import normalise
from conversations.session.reading.times import read_datetime, read_time
from tests.conversations.session.reading.today import WEDNESDAY, shown

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
    "ciento treinta": "130",
    "doscientos treinta y cinco": "235",
    "mil treinta": "1030",
    "dos mil quinientos": "2500",
    "doscientos treinta y cinco mil cien": "235100",
    "treinta y pico": "30?",
    "unas treinta": "30?",
    "entre veinte y treinta": "!number",
    "doce cien": "!number",
    "cien doscientos": "!number",
    "mil dos mil": "!number",
    "miles": "!number",
    "miles de personas": "!number",
    "una docena": "12",
    "seis treinta": "!number",
    "2 docenas": "24",
    "docenas": "!number",
    "25 mil 300": "25300",
    "mas o menos 40": "40?",
    "no hubo": "0?",
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
        ("one hundred and five", "en", "105"),
        ("swasanndis", "ht", "70"),
        ("katreven diznèf", "ht", "99"),
        ("trant senk moun", "ht", "35"),
        ("de san trant", "ht", "230"),
        ("san", "ht", "100?"),
        ("pa gen moun", "ht", "0?"),
        ("about 25", "en", "25?"),
        ("a dozen", "en", "12"),
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


@given(st.text("0123456789", min_size=1, max_size=25), st.sampled_from(LANGUAGES), st.booleans())
def test_bare_digits_are_read_as_the_same_digits_among_blanks(digits: str, language: str, integer: bool) -> None:
    """Digits alone are read by a way of their own, which is to give what the long one does: "007" is 7."""
    bare = read_number(digits, integer=integer, language=language)
    assert bare == read_number(f" {digits}", integer=integer, language=language)


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
        read_datetime(text, today=today, language=language, zone=ZoneInfo("America/Santo_Domingo"))
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
    """All or none (docs/domain.md#a-report)."""
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
        ("deux cent trente", Understood("230")),
        ("deux mille cinq cents", Understood("2500")),
        ("une trentaine", Ambiguous(("30",))),
        ("deux trois", NotUnderstood("err.number")),
    ],
)
def test_numbers_are_read_as_a_language_writes_them(text: str, expected: Read) -> None:
    """From its catalogue: no code knows a word of French."""
    assert read_number(text, integer=True, language="fr") == expected
