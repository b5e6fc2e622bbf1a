"""Times as people write them; half a day is asked for, and a moment carries the offset of its zone."""

from zoneinfo import ZoneInfo

import pytest

from conversations.session.reading.results import Understood
from conversations.session.reading.times import read_datetime, read_time
from tests.conversations.session.reading.today import WEDNESDAY, shown


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


@pytest.mark.parametrize(("text", "time"), [("8 heures du soir", "20:00"), ("15 h 30", "15:30"), ("midi", "12:00")])
def test_times_are_read_as_a_language_writes_them(text: str, time: str) -> None:
    assert read_time(text, language="fr") == Understood(f"{time}:00.000")
