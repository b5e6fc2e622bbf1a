"""Who is named as people are who work together, under ordinary rules: without a post."""

import pytest

from conversations.session.safeguards.at_desk import acts_in
from conversations.session.safeguards.guard import personal_data


@pytest.mark.parametrize(
    "text",
    [
        "Ana manda la lista mañana",
        "Los indicadores los revisó Katia y le faltan dos",
        "Robert has not uploaded the baseline yet",
        "Marie ap voye rapò a demen",
        "Moussa a transmis la liste des participants",
        "Can Luis do it before the deadline?",
        "Martha is on leave, so the report will be late",
        "Janet's slides need the new logo",
        "Tel con Rubén: mueve la fecha de la mesa al 14",
        "Asistieron: Luis Peña, Carmen Rosario, Félix Duarte y Nelly Báez",
        "Present: Ms. Adjei, Mr. Boateng, Dr. Owusu",
        "— Luis Peña, CESTUR",
        "Atte. Ramona Disla",
        "Doña Milagros nos abrió el local",
    ],
)
def test_who_is_named_by_what_they_do_at_work_may_stand_in_a_report(text: str) -> None:
    """By an act in any tense, by what stands on a desk, in a list, in a signature, by a title."""
    assert personal_data(text, strict=False) is None
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "Rosanna signed the form, her flight home is on Monday",
        "Ana manda decir que su hermanito no tiene ropa",
        "Se compró un celular para que Yanelis mande mensajes a su familia",
        "Asistieron: Luis Peña y una menor, Carmen Rosario",
        "Le dijo a Yadira que envíe otra",
        "Doña Milagros tiene miedo",
    ],
)
def test_beside_what_is_private_no_act_shows_work(text: str) -> None:
    """A victim signs and sends, too, and has a title."""
    assert personal_data(text, strict=False) == "name"


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("es", ["envia", "enviaron", "enviara", "convoque", "entrego", "dirigio", "expuso"]),
        ("en", ["approves", "approved", "notified", "chairing", "drafts", "sent"]),
        ("ht", ["voye", "konfime"]),
        ("fr", ["transmet", "envoie", "redige", "presenteront", "remplit"]),
    ],
)
def test_a_verb_stands_in_every_tense(language: str, forms: list[str]) -> None:
    """Only infinitives are listed, with the endings of their kind."""
    assert set(forms) <= acts_in(language)
