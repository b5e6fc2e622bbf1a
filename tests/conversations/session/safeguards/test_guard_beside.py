"""Numbers, accounts, ages, days and places that are known by what stands beside them, in each language by class."""

from itertools import product

import pytest

from conversations.session.safeguards.guard import personal_data

IDENTIFIERS = {"identity", "phone", "digits", "handle", "email", "link"}
BEDS = {
    "es": "la muchacha de la {} {}|la que está en la {} {} llora|{} {}: quiere irse",
    "en": "the girl in {} {} has fever|the one who sleeps in {} {}|{} {} refuses food",
    "ht": "fi ki nan {} {} la pa dòmi|tifi ki dòmi nan {} {} a",
    "fr": "la fille du {} {} ne mange pas|celle qui dort dans le {} {}|{} {} : veut rentrer",
}
CALLED = {
    "es": ("cama", "litera", "celda", "camilla"),
    "en": ("bed", "bunk", "cell", "cubicle"),
    "ht": ("kabann", "selil"),
    "fr": ("lit", "brancard", "matelas"),
}


@pytest.mark.parametrize("language", BEDS)
def test_the_bed_that_somebody_sleeps_in_leads_to_them(language: str) -> None:
    """However it is called, and however short its number is."""
    frames = BEDS[language].split("|")
    told = [frame.format(called, number) for frame, called, number in product(frames, CALLED[language], ("4", "27"))]
    assert [text for text in told if personal_data(text, strict=False) not in IDENTIFIERS] == []


NUMBERED = """reclusa 0456 lo confirma|el interno 3391 quiere hablar|beneficiaria n° 112 abandonó|usuaria #34 no volvió
la testigo con código 118|el policía con placa 338 estaba allí|inmate 4471 says he knows her|student no 27 is the one
officer with badge 4471 took it|the guard, badge no. 338, was there|constable 1183 was paid|elèv nimewo 14 la
polisye matrikil 4471 te la|détenu 3391 veut parler|gendarme matricule 5512|le patient n° 88 est sorti
plate 4471 HK, white car|placa 4471 del carro negro|su trn es 118402773"""


@pytest.mark.parametrize("text", NUMBERED.replace("\n", "|").split("|"))
def test_a_number_behind_one_person_is_theirs(text: str) -> None:
    """A number of two digits needs a word for it, and one of three does not."""
    assert personal_data(text, strict=False) in IDENTIFIERS


COUNTED = """12 camas nuevas para el hogar|la sala 4 tiene 12 camas|bed 12 and bed 14 need new mattresses
testigo 2 no llegó|víctima 1 y víctima 2 fueron trasladadas|caso 12 en proceso|3 mujeres en la habitación 4
celda 3 sin agua|la reunión es en la habitación 305 del hotel|officer training: 45 attended
room 12 is booked for the training|students 120, teachers 14
la clienta pagó 500 pesos|agente 2018|reparar la cama 4 y la puerta|el interno lleva 3 meses
oficial de enlace 2 días por semana|le poste a 4 lits et 3 chambres|el policía 24 horas"""


@pytest.mark.parametrize("text", COUNTED.replace("\n", "|").split("|"))
def test_a_number_that_counts_beside_a_bed_or_a_person_leads_to_nobody(text: str) -> None:
    """Beds are bought, rooms are booked, and witnesses are told apart by one digit."""
    assert personal_data(text, strict=False) is None


ACCOUNTS = """li rele tèt li Ti Bòs sou facebook|se hace llamar el Patrón en TikTok
he calls himself boss man on telegram|goes by Uncle Biggs on IG|il se fait appeler le Boss sur snap
le dicen la Flaca en Instagram"""


@pytest.mark.parametrize("text", ACCOUNTS.replace("\n", "|").split("|"))
def test_what_somebody_is_called_on_a_network_is_an_account(text: str) -> None:
    """The name stands before its network as often as behind it."""
    assert personal_data(text, strict=False) == "handle"


@pytest.mark.parametrize(
    "text", ["la campaña se llama Corazón Azul en Facebook", "the project goes by Safe Home on Facebook"]
)
def test_a_campaign_may_be_called_so_on_a_network(text: str) -> None:
    """It is no person."""
    assert personal_data(text, strict=False) is None


JOINED = ("dezan", "twazan", "katran", "senkan", "sizan", "sètan", "nevan", "dizan", "kenzan", "ventan")


@pytest.mark.parametrize("age", JOINED)
@pytest.mark.parametrize("frame", ["tifi a gen {}", "ti gason sa a poko gen {}", "li gen {}, li pa vle pale"])
def test_years_in_creole_are_written_with_their_number(frame: str, age: str) -> None:
    """The number sounds otherwise before a vowel."""
    assert personal_data(frame.format(age), strict=True) == "age"


AGES = """quince tenía cuando se la llevaron|catorce apenas tenía|dieciséis tiene la que habló|15 tenía la niña
17 tiene ella|sixteen she was when they took her|16 she is|kenz li te genyen lè sa te kòmanse|14 li genyen
quinze ans elle avait|doce nada más tenía cuando empezó|13 tenía y ya trabajaba
dam nan 31 an, li te travay nan yon kay"""


@pytest.mark.parametrize("text", AGES.replace("\n", "|").split("|"))
def test_an_age_may_stand_before_who_has_it(text: str) -> None:
    """As people stress it."""
    assert personal_data(text, strict=True) == "age"


@pytest.mark.parametrize(
    "text",
    [
        "quince tenía el equipo de guardia",
        "catorce tenía la lista y faltaron dos",
        "12 tiene la oficina",
        "10 li te voye nan biwo a",
        "15 she said would come to the meeting",
        "plan an pare",
    ],
)
def test_what_something_has_is_no_age(text: str) -> None:
    """The subject behind the verb decides."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "ella dio a luz el 5 de agosto",
        "she gave birth on 5 August",
        "il a été rapatrié le 11 juin",
        "li te fè pitit 5 out",
        "fue deportada el 3 de mayo",
        "she was last seen 12 June",
        "le dieron de alta el 4/9/2018",
    ],
)
def test_a_birth_and_a_return_are_of_somebody(text: str) -> None:
    """Told in several words too."""
    assert personal_data(text, strict=True) == "date"


@pytest.mark.parametrize(
    "text",
    ["entregamos 40 kits el 5 de agosto", "kits delivered on 5 August", "15 personas fueron deportadas el 5 de mayo"],
)
def test_the_day_of_what_is_counted_is_of_work(text: str) -> None:
    """August is a name too, but not there."""
    assert personal_data(text, strict=True) is None


PLACES = """St. Andrew and Portland forms are late|parish of St. Catherine sent 3 reports
reunión en San Pedro Sula el lunes|taller en Santa Bárbara y Santa Rosa de Copán
Saint-Louis et Sainte-Marie n'ont pas envoyé le rapport
Sent Ann ak Sen Mak pa voye rapò|Pòdepè ak Ti Rivyè de Nip voye lis yo|Hanover and Trelawny still to report
formation à Ziguinchor et Kédougou|visita a Chontales y Boaco|the Kingston report is late|mesa técnica de San Marcos"""


@pytest.mark.parametrize("text", PLACES.replace("\n", "|").split("|"))
def test_a_saint_a_division_and_a_commune_are_places(text: str) -> None:
    """No plan has those of the next country."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text",
    ["Santa Martínez no quiere declarar", "hablé con Santo Domínguez", "la niña Santa Juana", "Elizabeth called"],
)
def test_who_is_called_like_a_saint_is_somebody(text: str) -> None:
    """Santa and Santo are given names as well."""
    assert personal_data(text, strict=True) == "name"


PAPERS = """la señora de la ficha 2211 no vino|el joven del expediente 7719 declaró|the lady with chart 3391 left
el hombre con fotocheck 5561 cobraba|moun ki gen fich 1182 a|la dame de la fiche 2204|l'élève n° 34 du registre
expediente de la mujer: FPE-NAG/2024/118|su cuenta interbancaria 003-194-20455512907-18
transferir a 0102-0345-11-0100223344"""
NAMED_THERE = """la agregó un "Papi Fuego Lara" por face|the Facebook profile "Bigga Money Trini" messaged her
un compte "Belle Étoile 229" sur tiktok l'a contactée|yon kont "Bèl Fanm Lakay" sou facebook ap chèche fi
sube fotos como reina.delsur en tiktok|posts as sweet.dreamz on IG"""


@pytest.mark.parametrize("text", f"{PAPERS}|{NAMED_THERE}".replace("\n", "|").split("|"))
def test_a_paper_an_account_and_a_quoted_name_are_somebodys_beside_them(text: str) -> None:
    """By any name that the paper has, and on whichever side of the network the name stands."""
    assert personal_data(text, strict=False) in IDENTIFIERS


OFFICES = """Le budget s'élève à 1 250 000 gourdes|video "No estás sola" en Instagram con 340 vistas
publicamos "Alto a la Trata" en Facebook|la campaña "Corazón Azul" en Facebook alcanzó 1200 personas
expediente interno 0456 de compras|expediente SEG/2024/0118 enviado|los agentes de la ruta 1200 cobraron
cuenta presupuestaria 2.2.8.7.01|IMG_20180914_101522.jpg|12 000 000 000 000 francs"""


@pytest.mark.parametrize("text", OFFICES.replace("\n", "|").split("|"))
def test_papers_and_titles_of_an_office_lead_to_nobody(text: str) -> None:
    """A video has a title, and an office has files of its own."""
    assert personal_data(text, strict=False) is None


PEOPLES = """64 ronderos de Acomayo capacitados|las promotoras de Tocoa y Trujillo pidieron material
two officers from Linden joined|les enseignants de Djougou ont demandé des guides|extra social workers for Bartica
CHU Hubert Koutoukou Maga : 20 sages-femmes|alumnos de la IE Francisco Bolognesi|jingle from Carnival to Easter
C.E.G. Mathieu Bouké demande 30 affiches|barrios de Consuelo y Esperanza sin luz|bateyes de Rosario y Mercedes
la mesa de Juan Pablo Duarte, Elías Piña, pidió motos|las enfermeras del Moscoso Puello piden kits
Of. Circular 0071-2025 recibido|Inf. Técnico 0034-2025 enviado"""


@pytest.mark.parametrize("text", PEOPLES.replace("\n", "|").split("|"))
def test_what_several_people_are_of_is_a_place_or_a_house(text: str) -> None:
    """One person is never of several places, and a school bears a whole name."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text",
    ["sheriluz k. quiere volver", "los hijos de Yorleny lloran", "support for Darlenys", "CS dice que Yorleny no vino"],
)
def test_who_is_of_nobodys_place_is_somebody(text: str) -> None:
    """Children, support and an acronym lead to no place."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "bebé 3 m con bajo peso",
        "newborn 10 d, no mother",
        "la joven cumplió hoy 17",
        "mi patrocinada tiene 20 recién",
        "fillette, six ans à peine",
        "connacional de 36 a., quiere retorno",
    ],
)
def test_an_age_in_the_words_of_an_office_is_one(text: str) -> None:
    """A consul, a lawyer and a nurse call people otherwise."""
    assert personal_data(text, strict=True) == "age"


@pytest.mark.parametrize("text", ["plan de 10 ans, validé", "el muro mide 3 m", "la mesa cumplió ayer 17 sesiones"])
def test_the_same_units_of_a_thing_are_no_age(text: str) -> None:
    """A wall has metres."""
    assert personal_data(text, strict=True) is None


def test_where_a_victim_is_sheltered_is_an_address() -> None:
    """The house before the street explains it for a meeting, not for her."""
    assert personal_data("la menor está en el hogar, calle 5 no. 12", strict=True) == "address"
    assert personal_data("la reunión con la madre es en el centro, calle 5 no. 12", strict=True) is None
