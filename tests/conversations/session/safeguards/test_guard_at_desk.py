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


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("School shoes were bought for Tevin", "name"),
        ("TI DJO AK SE L MIRLANDE POKO JWENN PLAS NAN SANT LAN", "name"),
        ("Shelter says the survivor (she is 22) wants to go on", "age"),
        ("a boy of 11 was found alone at the gate", "age"),
        ("una estudiante que tiene 15 años me contó que le ofrecieron trabajo", "age"),
        ("Apre sa Mirlande, yon elèv, vin di m matant li vle voye l", "name"),
    ],
)
def test_what_is_told_privately_is_somebodys(text: str, kind: str) -> None:
    """Where nothing speaks of an office, a capital needs no "she" to be a name; a pupil is no prisoner."""
    assert personal_data(text, strict=False) == kind


@pytest.mark.parametrize(
    "text",
    [
        "Case conference held with the DPP's office",
        "Laj: 0-11 an 2, 12-17 an 5",
        "Total trimestre: 11 (9 F, 2 M).",
        "me falta el dato de julio, la muchacha de estadística vuelve el lunes",
    ],
)
def test_an_office_a_band_of_ages_and_a_month_are_nobody(text: str) -> None:
    """Capitals with a possessive, and counts by age and sex."""
    assert personal_data(text, strict=True) is None


def test_a_school_is_called_high() -> None:
    """Behind a name and with a capital it is what the house is."""
    assert personal_data("Session at St. Mary's High with 140 students", strict=False) is None
