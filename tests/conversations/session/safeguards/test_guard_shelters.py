"""The place of a shelter, a safe house or a foster family is refused under all rules, and work about shelters passes.

Sets 41 to 43 and 48 to 51 of `guard_shelters.csv` (`since`) are by hands that wrote the rule, the others by two that
did not. Each was measured once before the rule was improved with it, the last one and a quarter of 47 only measured:
docs/guard.md tells these first readings.
"""

import csv
from collections.abc import Sequence

import pytest

from conversations.languages import LANGUAGES
from conversations.session.reading.text import fold
from conversations.session.safeguards.guard import personal_data, refusal, tells_of_shelter
from conversations.session.safeguards.shelters import shelter_place
from conversations.session.safeguards.words import read_words
from conversations.wording import wording
from tests import ROOT
from tests.grown import calls

TABLE = ROOT / "tests" / "conversations" / "data" / "guard_shelters.csv"
COLUMNS = ["sentence", "language", "rules", "kind", "since"]
LEAST_FOUND = {
    ("41", "42", "43"): 0.99,
    ("44",): 0.96,
    ("45",): 0.98,
    ("46",): 0.96,
    ("47",): 0.92,
    ("48",): 0.92,
    ("49",): 0.82,
    ("50",): 0.76,
    ("51",): 0.69,
}
"""Of these sets together. 0.95 of unknown sentences is the goal; the last set tells how far from it the rule is."""
MOST_FALSE = 0.02


def sentences(kind: str, since: Sequence[str] = ()) -> Sequence[str]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == kind]
    return [row["sentence"] for row in rows if not since or row["since"] in since]


def test_the_table_has_enough_of_each_language_and_no_sentence_twice() -> None:
    """A share of ten sentences says nothing."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        rows = list(reader)
    assert len({row["sentence"] for row in rows}) == len(rows)
    assert {row["kind"] for row in rows} == {"shelter", "none"}
    assert {row["since"] for row in rows} == {each for sets in LEAST_FOUND for each in sets}
    for language in LANGUAGES:
        assert sum(row["language"] == language for row in rows) >= 80


@pytest.mark.parametrize("since", LEAST_FOUND, ids="+".join)
@pytest.mark.parametrize("strict", [False, True])
def test_the_place_of_a_shelter_is_found_under_both_rules(strict: bool, since: tuple[str, ...]) -> None:
    """It is its own kind, so that the refusal says why."""
    told = sentences("shelter", since)
    missed = [text for text in told if personal_data(text, strict=strict) != "shelter"]
    assert len(told) - len(missed) >= LEAST_FOUND[since] * len(told), missed


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_said_about_shelters_without_their_place_is_none(strict: bool) -> None:
    """A municipality, what they need, whose place another street is."""
    told = sentences("none")
    refused = [text for text in told if personal_data(text, strict=strict) == "shelter"]
    assert len(refused) <= MOST_FALSE * len(told), refused


@pytest.mark.parametrize(
    "text",
    [
        "El refugio está en la calle 5 no. 18 de Arroyo Hondo",
        "nueva sede de la casa de acogida: C/ Las Mercedes 23",
        "casa de acojida en los guaricanos",
        "albergue 18.4861, -69.9312",
        "the foster family lives next to the clinic",
        "le foyer se trouve rue Capois, 14",
        "refij la dèyè mache a",
        "the shleter is opposite the park",
        "se mudó el albergue a la urb. Los Maestros",
        "Visitamos el refugio. Queda detrás del colmado.",
        "El refugio está en la Núñez de Cáceres",
        "Detrás del estadio Cibao queda la casa segura",
        "la casa de acogida está frente a la envasadora",
        "El equipo visitó la casa de acogida del barrio Libertad",
        "refugio en la calle doce",
        "La casa de acogida comparte pared con la clínica Unión Médica",
    ],
)
def test_no_question_may_ask_for_the_place_of_a_shelter(text: str) -> None:
    """Neither where a contact is asked for nor at rest."""
    assert personal_data(text, strict=False, may_give_contact=True) == "shelter"
    assert personal_data(text, strict=False, is_answer=False) == "shelter"


@pytest.mark.parametrize(
    "text",
    [
        "capacitamos a tres casas de acogida en Santiago",
        "Casa de la Mujer de Villa Mella",
        "Taller para casas de acogida en el Hotel Lina, av. Máximo Gómez",
        "El operativo en la calle El Conde terminó con dos mujeres en el refugio",
        "El refugio está frente a la crisis",
        "La casa de acogida está en la Fase Dos",
        "la casa de acogida en zona Santiago",
        "Frente a la iglesia San Juan explicamos que existen refugios",
    ],
)
def test_a_town_or_the_place_of_something_else_passes(text: str) -> None:
    """What leads to no shelter is no secret of one."""
    assert personal_data(text, strict=False) is None


@pytest.mark.parametrize(
    ("language", "secret", "instead"),
    [
        ("es", "secreto", "una casa de acogida en Azua"),
        ("en", "secret", "a shelter in Azua"),
        ("ht", "sekrè", "yon sant akèy nan Azua"),
        ("fr", "secret", "un refuge à Azua"),
    ],
)
def test_the_refusal_says_why_and_what_to_write_instead(language: str, secret: str, instead: str) -> None:
    """What it proposes is accepted."""
    said = wording(language)(refusal("shelter"))
    assert secret in said
    assert instead in said.replace("\u00a0", " ")
    assert personal_data(instead, strict=True) is None


def test_only_what_speaks_of_a_shelter_takes_its_map_away() -> None:
    """A point on the map is kept beside other words."""
    assert tells_of_shelter("Visita al refujio")
    assert not tells_of_shelter("Casa de la Mujer de Villa Mella")


@pytest.mark.parametrize(
    "piece", ["casa de ", "calle ", "en Los ", "c/. ", "detrás de la ", "cuadras de ", "45, rue ", "está a ", "a.b."]
)
def test_the_time_of_reading_grows_as_the_text_does(piece: str) -> None:
    """Four times the text is four times the calls, and not sixteen."""
    short, long = (_calls("refugio " + piece * (length // len(piece))) for length in (1_024, 4_096))
    assert long <= 4.5 * short


def _calls(text: str) -> int:
    tokens, folded = read_words(text), fold(text)
    shelter_place(folded, tokens)  # the tables are made once
    return calls(lambda given: shelter_place(given, tokens), folded)
