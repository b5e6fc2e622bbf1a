"""What the long sentences of a report tell: registers, documents far from their number, rows of places, by class."""

import pytest

from conversations.session.safeguards.guard import personal_data

IDENTIFIERS = {"identity", "phone", "digits", "handle", "email", "link"}

RECORDED = """La residente registrada en el albergue con el número 31|La niña inscrita como caso 018
The resident recorded as number 9 in the shelter log|Anfan ki enskri sou nimewo 52 nan rejis sant lan
La pensionnaire inscrite sous le numéro 17|le détenu d'écrou 3386 a continué|regimental number 17744 took the cash
La carpetilla 2023-0047-8812, relativa a la ciudadana rescatada, fue trasladada|the number 447120 belonging to the girl
la licencia profesional del médico que firmó el informe, número 512-08|prévenir sa tante au 77 418 26 53
en Facebook el denominado «Reina Del Sur»"""


@pytest.mark.parametrize("text", RECORDED.replace("\n", "|").split("|"))
def test_a_number_in_a_register_is_somebodys(text: str) -> None:
    """Whose it is stands some words before it, or behind it."""
    assert personal_data(text, strict=False) in IDENTIFIERS


OFFICES = """15 mujeres registradas con el número de caso|la denuncia registrada con el número 31
nota 112233 de la reunión|El Decreto 303 de 2016 y la Resolución 27 sirvieron de base para la propuesta de ley
Calls to 800-4288 rose by a third|la página denominada «Corazón Azul» en Facebook|le projet enregistré sous le numéro 17
the vehicle registered as number 9|plan inscrito con el número 12 en el banco de proyectos
oficio 447120 relativo a la compra"""


@pytest.mark.parametrize("text", OFFICES.replace("\n", "|").split("|"))
def test_what_an_office_registers_leads_to_nobody(text: str) -> None:
    """A complaint, a plan and a car are in registers too; a line of seven digits may cost nothing."""
    assert personal_data(text, strict=False) is None


PLACES = """En las provincias de Chiriquí, Veraguas y Colón se instalaron mesas
inspections in Chaguanas, Arima and Point Fortin|atelye nan Ench ak Mibalè
sessions in Victoria and Mayaro|discussed in Scarborough by 22 delegates|régions de Kédougou et de Tambacounda
at the Eric Williams Medical Sciences Complex|Trafficking in Persons Act, Chap. 12:10
taller en Consuelo y Victoria con 30 docentes"""


@pytest.mark.parametrize("text", PLACES.replace("\n", "|").split("|"))
def test_what_stands_behind_in_is_a_place_and_so_is_its_neighbour(text: str) -> None:
    """Nobody is in somebody."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "confía en María y en nadie más",
        "trust in Natasha",
        "en Azua, María dijo que no",
        "in Kingston, Maria said no",
        "in Maria's room",
        "Planned at four in Santo Domingo, Carmen is in Madrid",
        "dans Kaolack Mariama pleure",
        "la doctora Pimentel",
        "The second accused, t. sookdeo, entered a plea",
        "Auntie Baby has the shop",
    ],
)
def test_who_is_trusted_titled_or_behind_a_comma_is_somebody(text: str) -> None:
    """The same word leads to a person behind such a verb."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("el lactante de cinco meses llegó", "age"),
        ("La testigo abandonó el albergue el domingo 14 de julio, sin información sobre su destino", "date"),
        ("L'auteur présumé a été interpellé le 18 juin", "date"),
        ("sesión sobre trata el 14 de julio", None),
        ("informe sobre niñez, 14 de julio", None),
        ("lunes, 15 de octubre de 2018", None),
        ("la rescatamos el lunes 15 de octubre", "date"),
        ("Mete yon lòt enstitisyon responsab", None),
        ("she remained in the safe house on Saddle Road, Maraval", "shelter"),
        ("yo mete tifi a nan kay akèy ki dèyè legliz la", "shelter"),
        ("her new apartment is on Hibiscus Avenue", "address"),
        ("su casa matriz está en Santiago", None),
        ("yo fè reyinyon dèyè legliz la", None),
    ],
)
def test_an_age_a_day_and_a_shelter_in_a_long_sentence(text: str, kind: str | None) -> None:
    """What limits or explains a word stands near it."""
    assert personal_data(text, strict=True) == kind


@pytest.mark.parametrize(
    "text",
    [
        "Trinidad's Counter Trafficking Unit visited Cedros and Icacos after two boats landed",
        "Se instaló la mesa de Leticia con autoridades de Tabatinga y Santa Rosa para compartir alertas",
        "Durante el semestre la Fiscalía de Loreto y la Marina de Guerra realizaron once operativos",
        "The council inspected four bars along the Philip Goldson Highway and in San Ignacio",
        "The secretariat held a workshop in Busia and Malaba with officers from Bungoma",
        "El equipo técnico de Panamá visitó Darién, Metetí y Bajo Chiquito en tres jornadas",
    ],
)
def test_a_long_sentence_of_offices_names_nobody_by_a_capital_alone(text: str) -> None:
    """A report of a far country is full of places that no list has."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "The unit and the council went on to visit Wambui after two weeks",
        "El equipo técnico de Panamá fue a visitar a Wambui en tres jornadas",
        "The Counter Trafficking Unit says that she met Wambui in Cedros again",
        "The Counter Trafficking Unit wrote to Superintendent Cedros about two boats",
    ],
)
def test_whoever_is_visited_or_titled_in_such_a_sentence_is_somebody(text: str) -> None:
    """A verb of which somebody is the object, a pronoun or a title says so."""
    assert personal_data(text, strict=True) == "name"
