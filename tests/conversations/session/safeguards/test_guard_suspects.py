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
        ("el condenado tiene 40 años", "age"),
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
        "El acusado fue condenado a 15 años",
        "Condenaron al dueño del bar a diez años",
        "the accused got 12 years",
        "Le suspect condamné à 10 ans",
        "La fiscal adjunta Yohanna Bejarán presentó la acusación contra cuatro imputados",
        "La jueza Mercedes Almánzar condenó a dos tratantes a 15 años de prisión",
        "Judge Anita Singh convicted two traffickers",
        "Inspector Ruiz arrested the landlord",
        "Jij Wilbert Saint-Fleur kondane de moun nan mwa out",
        "El abogado del imputado, Lic. Peña, pidió aplazamiento",
        "Driver Pedro brought the banners to the shelter",
        "Elabora: Luis Peña",
    ],
)
def test_who_hears_them_may_be_named_and_nobody_is_counted(text: str) -> None:
    """Officials stand beside suspects in every report of a court."""
    assert personal_data(text, strict=False) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SE REUNIO CON EL PADRE DEL MENOR, SR. JOSELITO PAULINO", "name"),
        ("NEXT STEP: GET KATIUSKA MONTERO INTO THE VOCATIONAL COURSE", "name"),
        ("La defensa de Starlin Gómez Beltré interpuso recurso de apelación", "name"),
        ("El testigo Manuel Peña presentó el informe", "name"),
        ("falta el informe psicologico de la niña esmeralda de los santos", "name"),
        ("Workshop ended early, a 14 year old girl disclosed abuse", "age"),
        ("complaint came from a 23yo waitress, next step visit the bar", "age"),
        ("SE DETUVO UN ITALIANO DE 58 AÑOS EN EL HOTEL", "age"),
    ],
)
def test_what_two_strange_hands_taught(text: str, kind: str) -> None:
    """A father of a child is no priest; who stands behind an age in years has it, whatever stands before."""
    assert personal_data(text, strict=False) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ti lovensky ak ti sè l nan sant akèy la", "name"),
        ("fanm nan gen ventde lane e li ansent", "age"),
        ("need a Russian or Ukrainian interpreter asap", None),
        ("dato preliminar del SINAI", None),
    ],
)
def test_what_they_taught_of_strict_rules(text: str, kind: str | None) -> None:
    """Letters of an office behind "del", adjectives of countries, and what is called small."""
    assert personal_data(text, strict=True) == kind
