"""Choices as people type them: by number, code, label or beginning; never a guess between two."""

from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.languages import LANGUAGES, phrases
from conversations.session.reading.choices import (
    NONE,
    NONE_OF_SEVERAL,
    match_choice,
    match_choices,
    search_choices,
)
from conversations.session.reading.in_letters import LEAST, InLetters
from conversations.session.reading.numbers import read_number
from conversations.session.reading.results import Ambiguous, Understood

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
        ("2", Understood("in_progress")),
        ("2.", Understood("in_progress")),
        ("2️⃣", Understood("in_progress")),
        ("la 2", Understood("in_progress")),
        ("opción 2", Understood("in_progress")),
        ("in_progress", Understood("in_progress")),
        ("EN CURSO", Understood("in_progress")),
        ("en curso!", Understood("in_progress")),
        ("🔵 En curso", Understood("in_progress")),
        ("🔵", Understood("in_progress")),
        ("ret", Understood("delayed")),
        ("c", Ambiguous(("completed", "cancelled"))),
        ("curso", Ambiguous(("in_progress",))),
        ("9", NONE),
        ("-2", NONE),
        ("pendiente", NONE),
        ("", NONE),
        ("🟣", NONE),
    ],
)
def test_a_choice_is_matched_by_number_code_label_or_beginning(typed: str, expected: object) -> None:
    """Accents, case, emoji and punctuation are forgiven; doubt is not."""
    assert match_choice(typed, STATUS) == expected


def test_a_number_that_is_place_of_one_choice_and_code_of_another_is_not_resolved() -> None:
    """ "2" may be the second or the one called 2."""
    assert match_choice("2", [("2", "Dos"), ("1", "Uno")]) == Ambiguous(("2", "1"))
    assert match_choice("18", [("a", "18 años o más")]) == Understood("a")
    assert match_choice("1", [("a", "2 veces"), ("b", "1 vez")]) == Ambiguous(("a", "b"))


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
        ("1, 3 y 4", Understood("shelter legal servitude")),
        ("1 3 4", Understood("shelter legal servitude")),
        ("3,1,3", Understood("shelter legal")),
        ("salud y acogida", Understood("shelter health")),
        ("Salud\nAcogida", Understood("shelter health")),
        ("acogida, servidumbre, incluida la doméstica, salud", Understood("shelter health servitude")),
        ("retorno y reintegración y salud", Understood("health return")),
        ("2", Understood("health")),
        ("1 y 9", NONE_OF_SEVERAL),
        ("1-3", NONE_OF_SEVERAL),
        ("salud y s", Ambiguous(("health", "servitude"))),
        ("", NONE_OF_SEVERAL),
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


class Read(list[tuple[str, str]]):
    """A list that knows how often it was read."""

    times = 0

    def __iter__(self) -> Iterator[tuple[str, str]]:
        self.times += 1
        return super().__iter__()


def test_a_long_list_is_read_as_often_for_many_pieces_as_for_one() -> None:
    """A message of numbers, at a question with thousands of places, made everybody wait for a minute."""
    places = [(f"c{number}", f"Place {number} North") for number in range(400)]
    few, many = Read(places), Read(places)
    assert match_choices("1, 2", few) == Understood("c0 c1")
    assert match_choices(", ".join(map(str, range(1, 201))), many) == Understood(" ".join(f"c{n}" for n in range(200)))
    assert many.times == few.times


@given(st.text("abc ", min_size=1, max_size=12), st.text("abc ", max_size=12))
def test_likeness_is_by_the_letters_in_common(said: str, text: str) -> None:
    """In order, twice, of the letters of both; and each text is as like another as that one is like it."""

    @cache
    def in_common(one: str, other: str) -> int:
        if not one or not other:
            return 0
        if one[0] == other[0]:
            return 1 + in_common(one[1:], other[1:])
        return max(in_common(one[1:], other), in_common(one, other[1:]))

    exactly = 2 * in_common(said, text) / (len(said + text) or 1)
    assert InLetters(said)(text) == InLetters(text)(said) == (exactly if exactly >= LEAST else 0.0)
