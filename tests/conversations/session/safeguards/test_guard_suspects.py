"""Who is no victim and not at work is protected under ordinary rules too: suspects, convicts and private people."""

import pytest

from conversations.session.safeguards.guard import personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Proximo paso: notificar al imputado Jhonatan Sosa", "name"),
        ("El acusado Kelvin Sosa envió un documento", "name"),
        ("The court convicted Ramiro Cáceres", "name"),
        ("Arrested: Carlos Gómez, 45", "name"),
        ("Detienen a Juan Pérez en el muelle", "name"),
        ("Fue arrestado el coronel Ramón Peña", "name"),
        ("follow up with the prosecutor on the arrest of Pedro Peña, the recruiter", "name"),
        ("yo arete mesye Wilner Charles sou fwontye a", "name"),
        ("El dueño del colmado, Rafael Tejeda, dio informaciones", "name"),
        ("La voisine, Mme Paulette Jean, a envoyé le rapport", "name"),
        ("employer Wayne Thompson attended the meeting", "name"),
        ("Stopped truck, driver Santos Feliz w/ 9 minors, no papers", "name"),
        ("Testigo: Ramón Cruz", "name"),
        ("Detenido masculino, 41 a., por captación", "age"),
        ("la víctima declaró y el acusado tiene 45 años", "age"),
        ("The suspect, 38, was taken to court", "age"),
    ],
)
def test_suspects_and_private_people_are_protected(text: str, kind: str) -> None:
    """The law protects whoever is named, also who is accused of something."""
    assert personal_data(text, strict=False) == kind


@pytest.mark.parametrize(
    "text",
    [
        "El acusado no compareció",
        "5 acusados fueron enviados a juicio",
        "El tribunal condenó a los tres acusados a 15 años",
        "La fiscal adjunta Yohanna Bejarán presentó la acusación contra cuatro imputados",
        "La jueza Mercedes Almánzar condenó a dos tratantes a 15 años de prisión",
        "Judge Anita Singh convicted two traffickers",
        "Inspector Ruiz arrested the landlord",
        "Jij Wilbert Saint-Fleur kondane de moun nan mwa out",
        "El abogado del imputado, Lic. Peña, pidió aplazamiento",
        "Driver Pedro brought the banners to the shelter",
    ],
)
def test_who_hears_them_may_be_named_and_nobody_is_counted(text: str) -> None:
    """Officials stand beside suspects in every report of a court."""
    assert personal_data(text, strict=False) is None
