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
        "Rescued: 13. Places: Pasay and Clark. Agencies: two.",
        "La psicóloga Ana Ruiz atendió a una de las víctimas",
    ],
)
def test_who_helps_is_none(text: str) -> None:
    """The name of an official stands in any ordinary report."""
    assert personal_data(text, strict=False) is None


def test_a_house_may_be_written_in_small_letters() -> None:
    """Its full name follows at once; a person who is explained or does something is none."""
    assert personal_data("visita al hospital jaime mota para pintar", strict=True) is None
    assert personal_data("va al hospital jaime mota, el papá de la niña", strict=True) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "cuatro mujeres rescatadas, entre ellas Yinet Casilla, reciben atención",
        "Two of the rescued women, Ingrid and Soleil, asked to stay together",
        "Las dos víctimas, Wendy y Sucely, piden quedarse",
        "Viktim nan se Daphnée Louidor, li bezwen papye",
    ],
)
def test_one_of_several_victims_is_named(text: str) -> None:
    """Reports count first, and name some of them then."""
    assert personal_data(text, strict=False) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "Falta de combustible impidió llegar a Caballococha",
        "Aprobaron la partida para el CAR de Loreto",
        "Pa gen entèprèt nan fwontyè Aguas Verdes",
        "Atelier bilatéral Bénin-Nigeria prévu le 4 décembre",
        "Le budget, soit 2,8 millions de gourdes, ne couvre que des besoins urgents",
        "Rankont ak SVET ap fèt nan Gwatemala 8 oktòb, ajanda a gen senk pwen",
        "El presupuesto asciende a RD$4,750,000, de los cuales se ha ejecutado el 38 por ciento",
        "Photo de famille devant le lycée Lamine-Guèye",
        "Meta cumplida al 100, se logró antes",
    ],
)
def test_places_papers_and_sums_are_nobody(text: str) -> None:
    """What strict rules refused for a cause that had nothing to do with anybody."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "la joven scarlet pide cita",
        "la muchacha crismely no vino",
        "le dije a wadner que venga mañana",
        "El imputado, conocido en el barrio como «Papo la Grúa», no vino",
        "llevar a Caballita al médico",
    ],
)
def test_a_name_that_no_list_has_is_found_by_what_leads_to_it(text: str) -> None:
    """By spelling, by quotes, and by a verb of which somebody is the object."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Pendiente: pasaje de regreso para Maribel Quiñones", "name"),
        ("la mamá de Wilkin dice que se lo llevaron a pedir", "name"),
        ("her mother says Britany was promised a job", "name"),
        ("Manman Fabiola di yo te pwomèt li lekòl", "name"),
        ("retour au pays de Farah Jolicoeur prévu vendredi", "name"),
        ("One male, aged 34, freed on a construction site", "age"),
        ("Yon gason 27 an te refere lopital", "age"),
    ],
)
def test_whoever_a_case_is_told_of_is_protected(text: str, kind: str) -> None:
    """An officer tells what became of somebody, and needs no word for what she is."""
    assert personal_data(text, strict=False) == kind


@pytest.mark.parametrize(
    "text",
    [
        "la jueza Maritza Peña recibió las denuncias del mes",
        "Patricia Solano, consultora, revisó el protocolo del albergue",
        "Ambassador Lena Hart visited the shelter",
        "atelier sur les plaintes avec le commandant Serge Lafontant, inspecteur",
        "nuestra colega Ana Ruiz lleva la base de datos de personas asistidas",
        "Reunión con Starlin Peña sobre el presupuesto",
    ],
)
def test_an_officials_name_stands_beside_cases_too(text: str) -> None:
    """Whoever is named by a post is at work, and so is whoever is named where no case is told."""
    assert personal_data(text, strict=False) is None


def test_a_post_without_a_name_is_no_official() -> None:
    """Who needs a doctor has not named one."""
    assert personal_data("rescatamos a Yuleisy, necesita ver a un doctor", strict=False) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "Queda por comprar ropa y zapatos para Estefany, llegó sin nada",
        "El inspector encontró a Jean Robert durmiendo dentro del furgón",
        "Abigail's employer locked the door",
        "The madam had Precious sign a debt, she says",
        "Por fin Dariela firmó la denuncia",
        "Yo te bat Ti Jonas chak fwa",
        "Returned from Muscat last week: Faith Nekesa",
        'Panel had two prosecutors, one NGO and "Flaca" Jiménez, who was sold abroad and now helps us',
    ],
)
def test_whoever_is_named_without_a_post_is_protected(text: str) -> None:
    """What becomes of a victim is told in any words; a post or a boss elsewhere in the text is somebody else's."""
    assert personal_data(text, strict=False) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "La defensora del pueblo, Ximena Valle, vino al puerto",
        "El taller lo facilitó Rafaela Mota, de la OIM",
        "Rafaela Mota impartió el taller de junio",
        "Prepared by Ruth Villanueva",
        "Falta que Karla, de compras, suba la orden",
        "chofè a, mesye Ronald, pote dokiman yo",
        "The Gregorio Luperón school has 30 seats",
        "Se revisó con los diputados Amarilis Tió y Gregorio Sosa",
        "Por iniciativa de la fiscal titular de La Vega, Lcda. Aura Luz García, se abrió la oficina",
        "Trainer was Ms. Hannah Lindqvist, excellent feedback",
        "Col. Bienvenido Ogando and prosecutor Yissel Lora co-chaired the session",
        "Misye Jean-Robert Philogène, direktè IBESR nan Nòdès, te fè diskou louvri",
        "Enspektris Mirlande Augustin (Ministè Travay) fè prezantasyon",
        "Nos visitó Kristin Hollander de la OIM para ver los kits",
        "hablamos con Óscar el de compras y las laptops llegan en mayo",
        "Nos donó los afiches Impresora Batista",
    ],
)
def test_who_is_named_at_work_may_stand_in_a_report(text: str) -> None:
    """By the post, the office, the act of office, or as the name of a house."""
    assert personal_data(text, strict=False) is None


@pytest.mark.parametrize("text", ["Ana", "Rosa Peña y Luis", "Ana de la Cruz", "Misu"])
def test_a_form_may_ask_for_a_name_under_ordinary_rules_alone(text: str) -> None:
    """Nothing is told of anybody then. Under strict rules no list helps a form to ask."""
    assert personal_data(text, strict=False) is None
    assert personal_data(text, strict=True) == ("name" if text != "Misu" else None)


def test_who_greets_says_who_they_are() -> None:
    """Words that answer no question are not kept."""
    assert personal_data("Hola, soy Marisol Peguero", strict=False, is_answer=False) is None
