"""Numbers that nothing explains, and capitals that nobody bears: what a sentence says of them, by class."""

import pytest

from conversations.session.safeguards.guard import personal_data

IDENTIFIERS = {"identity", "phone", "digits", "handle", "email", "link"}

OF_ONE = """la señora quedó con el QR 77-40418-K|the witness has token 5518-0932|tifi a gen manda 40-1188 nan men li
le chauffeur a présenté la vignette KR-4471-ZB|el chofer de la lancha, registro LX-20931
the minor's pupil reference number 4471 0932 118|fanm nan anrejistre anba kòd CPS/V/0918
la joven dijo 402 7 1 5 5 0 9 3 1|nimewo li se 509 3 7 4 1 0 2 8 8"""


@pytest.mark.parametrize("text", OF_ONE.replace("\n", "|").split("|"))
def test_a_number_that_nothing_explains_is_of_the_person_it_stands_beside(text: str) -> None:
    """No list has what the number is called, and none has to."""
    assert personal_data(text, strict=False) in IDENTIFIERS


@pytest.mark.parametrize("text", ["lo del 447109 sigue igual", "see 88214-K about it", "manda 55-40118 nan tiwa a"])
def test_under_strict_rules_such_a_number_needs_nobody_beside_it(text: str) -> None:
    """An ordinary report may have numbers of its own."""
    assert personal_data(text, strict=True) in IDENTIFIERS
    assert personal_data(text, strict=False) is None


EXPLAINED = """la abogada atendió 1204 casos|the officer trained 340 guides|la directora pidió Q95,000 para el albergue
la psicóloga vio 18,500 fichas|the nurse called 911|la jueza citó el artículo 1332|lèt 44710 pou direktris la
la víctima recibió 12500.50 pesos|el fiscal firmó el oficio 2018-44710|the magistrate sat from 1015 to 1130 files
la trabajadora social pagó RD$45000|liy 2940-0000 enstitisyon an resevwa 28 plent|una moto Honda XL200
las edades van de 12 a 17 y cuesta Q95,000|12 450 000 goud pou direktris la"""


@pytest.mark.parametrize("text", EXPLAINED.replace("\n", "|").split("|"))
def test_what_a_number_counts_or_what_paper_it_has_explains_it(text: str) -> None:
    """Also where a person is spoken of."""
    assert personal_data(text, strict=False) is None


PLACES = """New cases came from Kitgum and Arua districts|se reforzaron rutas por Desaguadero
los operativos en Bagua, Jaén y Loreto terminaron|transport back to Enugu City was paid
Places: Taytay, Batac and Ilagan|fon yo soti Akayè ak Lestè|les convois vers Bakel et Kidira ont repris
el operativo llegó a La Esperanza sin novedad|Pòdepè ak Ti Plas resevwa materyèl|Colombia y Surinam enviaron datos
25 minors were moved to Kumasi and Obuasi|NBI Calbayog did two raids|21 women came from Samar and Bogo
las rutas entre Loreto y Nauta|puestos en Bermejo y Villazón (Bolivia) reforzados|según el informe del INDRA de 2019"""


@pytest.mark.parametrize("text", PLACES.replace("\n", "|").split("|"))
def test_where_nobody_is_spoken_of_a_capital_behind_a_small_word_is_a_place(text: str) -> None:
    """No list has the places of every country. People who are counted are nobody in particular."""
    assert personal_data(text, strict=True) is None


OFFICES = """Economic and Financial Crimes Bureau sent a letter|the Southern Legal Aid Commission pays
Kou Siprèm Jistis konfime jijman an|Inite Sosyal la fè 40 seyans|Rule X and Order 43 apply
los hospitales Jaime Mota y Juan Bosch pidieron camas|Senegalese and Gambian delegations signed
15 an pou de moun. Atik 12 lwa a|sa fini nan tribinal la. Mezi yo dire sis mwa"""


@pytest.mark.parametrize("text", OFFICES.replace("\n", "|").split("|"))
def test_the_other_capitals_of_an_office_are_its_own(text: str) -> None:
    """An office has a word for what it is, before its name or behind it; and a stop ends a sentence in Creole too."""
    assert personal_data(text, strict=True) is None


NAMES = """the girl is from Kitgum, ask for Nakiru there|la joven habló con Wendolin|hablé con Rosilda
el fiscal Marmolejos firmó|la alcaldesa Glennys visitó el hogar|the cook, Ludivina, told us
konsil Labossière siyen|el caso de Ana y Wendolin sigue
victim akosua frimpong says no|madam joy ekpere collects the money"""


@pytest.mark.parametrize("text", NAMES.replace("\n", "|").split("|"))
def test_behind_a_word_for_somebody_a_capital_is_a_name(text: str) -> None:
    """So it is between commas, and behind a noun without a small word between."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("la muchacha escapó el martes 9", "date"),
        ("he was arrested last tues the 6th", "date"),
        ("mesye a arete madi 5 la", "date"),
        ("la joven salió la víspera de San Juan y no volvió", "date"),
        ("the accused assaulted her on Boxing Day", "date"),
        ("reunión el martes 9", None),
        ("fueron rescatadas 8 personas el martes 9", None),
        ("se retoma la ruta hacia el norte el 20 de febrero con la PDH", None),
        ("F/19 rescued from the bar", "age"),
        ("About 60 per cent of cases were closed", None),
        ("room 9 of the riverside guesthouse, he is there at night", "address"),
        ("the court in Half-Way-Tree closed, the child-friendly room too", None),
    ],
)
def test_days_ages_and_addresses_without_a_month_a_unit_or_a_street(text: str, kind: str | None) -> None:
    """A weekday with its number, a feast, a letter for the sex and a lodging tell as much."""
    assert personal_data(text, strict=True) == kind


@pytest.mark.parametrize("text", ["they keep her at 5.60372 N 0.18696 W", "la tienen en 18.47861, -69.89132"])
def test_a_position_is_refused_in_an_ordinary_report_too(text: str) -> None:
    """It leads to a door. That of a workshop passes."""
    assert personal_data(text, strict=False) == "address"
    assert personal_data("taller en 18.47861, -69.89132", strict=False) is None


@pytest.mark.parametrize(
    "text",
    [
        "su buzón es luna de mayo 77 en gmail",
        "adrès elektwonik li se wozmen pwen d nan hotmail",
        "mail: sol y mar at gmail",
    ],
)
def test_an_address_in_words_has_its_service(text: str) -> None:
    """Its signs may be left out."""
    assert personal_data(text, strict=False) == "email"
