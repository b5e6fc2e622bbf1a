"""QUESTION_TYPES: what each type stores, and what it refuses to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.xforms.question_types import QUESTION_TYPES, clean, coerce, type_of


@pytest.mark.parametrize(
    ("kind", "given_", "stored"),
    [
        ("integer", "12", "12"),
        ("integer", "+7", "7"),
        ("integer", "1,250", None),
        ("integer", "2147483647", "2147483647"),
        ("integer", "2147483648", None),
        ("decimal", "3", "3.0"),
        ("decimal", "1e3", "1000.0"),
        ("decimal", "-0", "-0.0"),
        ("decimal", "37,5", None),
        ("decimal", "nan", None),
        ("date", "2018-10-03", "2018-10-03"),
        ("date", "2018-02-29", None),
        ("date", "03/10/2018", None),
        ("time", "7:30", "07:30:00.000"),
        ("time", "07:30:00.000-04:00", "07:30:00.000-04:00"),
        ("time", "24:00", None),
        ("dateTime", "2018-10-03T07:30:00Z", "2018-10-03T07:30:00.000+00:00"),
        ("dateTime", "2018-10-03", "2018-10-03T00:00:00.000"),
        ("geopoint", "18.5 -69.9 12 4.5", "18.5 -69.9 12.0 4.5"),
        ("geopoint", "18.5", None),
        ("geopoint", "91 0", None),
        ("geotrace", "1 1 0 0; 1 2 0 0", "1.0 1.0 0.0 0.0;1.0 2.0 0.0 0.0"),
        ("geotrace", "1 1", None),
        ("geoshape", "1 1;1 2;2 2;1 1", "1.0 1.0;1.0 2.0;2.0 2.0;1.0 1.0"),
        ("geoshape", "1 1;1 2;2 2;2 1", None),
        ("acknowledge", "OK", "OK"),
        ("acknowledge", "sí", None),
        ("text", "a\x00b\ud800c", "abc"),
        ("image", "foto.jpg", "foto.jpg"),
    ],
)
def test_a_value_is_cast_to_what_odk_stores_or_refused(kind, given_, stored):
    """The formats of the ODK XForms specification, "Data types"."""
    assert QUESTION_TYPES[kind].cast(given_, {}) == stored


def test_a_range_keeps_within_its_bounds():
    """Start and end belong to it; its value type decides how it is written."""
    cast = QUESTION_TYPES["range"].cast

    assert cast("4", {"start": "0", "end": "10", "value_type": "int"}) == "4"
    assert cast("12", {"start": "0", "end": "10", "value_type": "int"}) is None
    assert cast("1.5", {"start": "0.5", "end": "2.5", "value_type": "decimal"}) == "1.5"
    assert cast("abc", {"start": "0", "end": "10"}) is None


@pytest.mark.parametrize("kind", QUESTION_TYPES.values(), ids=lambda kind: kind.name)
@given(text=st.text(min_size=1, max_size=30))
def test_casting_twice_is_casting_once(kind, text):
    """What is stored is already as it is stored, and survives UTF-8."""
    stored = kind.cast(text, {"start": "0", "end": "10"})

    if stored:
        assert kind.cast(stored, {"start": "0", "end": "10"}) == stored
        stored.encode("utf-8")


@pytest.mark.parametrize(
    ("value_type", "given_", "stored"),
    [("int", "12.9", "12"), ("int", "abc", ""), ("date", "2018-10-03T10:00:00.000Z", "2018-10-03"),
     ("decimal", "1", "1.0"), ("string", " a ", " a "), ("geopoint", "nonsense", "")],
)  # fmt: skip
def test_calculated_values_are_forgiven_as_the_engines_do(value_type, given_, stored):
    """Cut to fit, or blank: a calculation never stops a form."""
    assert coerce(value_type, given_) == stored


@pytest.mark.parametrize(
    ("control", "value_type", "extra", "name"),
    [
        ("input", "string", {}, "text"),
        ("input", "int", {}, "integer"),
        ("input", "string", {"readonly": True}, "note"),
        ("input", "dateTime", {}, "dateTime"),
        ("select1", "string", {}, "select_one"),
        ("select", "string", {}, "select_multiple"),
        ("rank", "string", {}, "rank"),
        ("trigger", "string", {}, "acknowledge"),
        ("upload", "binary", {"mediatype": "image/*"}, "image"),
        ("upload", "binary", {"mediatype": "application/*"}, "file"),
        ("range", "int", {}, "range"),
        ("submit", "string", {}, ""),
    ],
)
def test_a_type_is_known_by_its_control(control, value_type, extra, name):
    """How an XForm says what XLSForm calls by name."""
    assert type_of(control, value_type, **extra) == name
    assert name == "" or name in QUESTION_TYPES


def test_each_entry_is_found_under_its_own_name():
    """The table is read by name everywhere."""
    assert all(kind.name == name for name, kind in QUESTION_TYPES.items())
    assert all(kind.chat.endswith(".") for kind in QUESTION_TYPES.values())


def test_clean_keeps_line_breaks():
    """Text of several lines stays so."""
    assert clean("a\n\tb\r\x0b") == "a\n\tb\r"
