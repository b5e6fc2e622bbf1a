"""Who is a victim under ordinary rules, whatever a report calls them."""

import pytest

from conversations.session.safeguards.guard import personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("la joven que rescatamos del bar ya cumplió los 18", "age"),
        ("un señor explotado en la finca, de 34 años, pide su pasaporte", "age"),
        ("the woman rescued on Friday lives at 14 Duarte Street", "address"),
        ("rescatada en la barra: Keilyn Polanco, ya comió", "name"),
        ("Rose Andrée Pierre, one of the girls, needs a doctor", "name"),
        ("nou mennen Widlin Estimé, jèn gason yo te fè travay nan jaden an", "name"),
        ("Fabiola, la femme exploitée, rentre demain", "name"),
        ("se habló con el menor explotado en la finca, Jhonsly Baptiste", "name"),
    ],
)
def test_whoever_was_rescued_or_exploited_is_a_victim(text: str, kind: str) -> None:
    """Few reports use the word, and the rule protects people and not a word."""
    assert personal_data(text, strict=False) == kind


@pytest.mark.parametrize(
    "text",
    [
        "El fiscal Juan Pérez informó que 13 mujeres fueron rescatadas",
        "Sargento Luis Peña rescató a tres personas en el puerto",
        "The trafficker Juan Pérez forced to pay a fine",
        "Rescued: 13. Places: Pasay and Clark. Agencies: two.",
        "La psicóloga Ana Ruiz atendió a una de las víctimas",
        "la víctima declaró y el acusado tiene 45 años",
    ],
)
def test_who_helps_or_harms_is_none(text: str) -> None:
    """The name of an official stands in any ordinary report."""
    assert personal_data(text, strict=False) is None


def test_a_house_may_be_written_in_small_letters() -> None:
    """Its full name follows at once; a person who is explained or does something is none."""
    assert personal_data("visita al hospital jaime mota para pintar", strict=True) is None
    assert personal_data("va al hospital jaime mota, el papá de la niña", strict=True) == "name"
