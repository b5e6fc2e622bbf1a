"""Ages by class: each frame with each number and each unit, in every language; and the work that looks like an age."""

from collections.abc import Iterator
from itertools import product

import pytest

from conversations.session.safeguards.guard import personal_data
from conversations.session.safeguards.misspelt import misspelt

NUMBERS = {
    "es": ("quince", "15", "kinse", "dieciséis", "diesiseis", "veintidós", "treinta y cuatro", "9", "sesenta y siete"),
    "en": ("fifteen", "15", "fiften", "twenty-two", "thirty four", "9", "sixty-seven"),
    "ht": ("kenz", "15", "sèz", "kens", "vennde", "trant kat", "9", "swasannsèt"),
    "fr": ("quinze", "15", "kinze", "vingt-deux", "trente-quatre", "9", "soixante-sept"),
}
UNITS = {
    "es": ("años", "añitos", "anos", "anios", "añños"),
    "en": ("years", "yrs", "winters"),
    "ht": ("an", "lane", "ane"),
    "fr": ("ans",),
}
WITH_UNIT = {
    "es": """Ella tiene {}|La víctima, de {}, declaró|cumplió {} en el albergue|Le faltan dos meses para cumplir {}|
        de apenas {}|con solo {} la sacaron de la casa|a sus {} la casaron|a los {} la vendieron|entró con {} al hogar|
        recién cumplidos los {}|{} recién cumplidos|Se le calculan {}|Tendrá unos {}|debe tener {}|{} tenía ya|
        Nació hace {}|la rescatada contaba con {}|el pasaporte dice {}""",
    "en": """She is {} old|born {} ago|a girl of {}|her passport says {}""",
    "ht": """li gen {}|Fi a gen {}|yon tifi {}|li fèk fè {}|li poko gen {}|a laj {} yo te mennen l|li di li gen {}|
        li gen apeprè {}|viktim nan, {}, ap tann|manke de mwa pou l gen {}""",
    "fr": """elle a {}|une fille de {}|âgée de {}|elle vient d'avoir {}|à {} elle a été vendue|la victime, {}, attend|
        elle va sur ses {}|née il y a {}|il lui manque deux mois pour avoir {}|le passeport dit {}""",
}
BARE = {
    "es": """Ella tiene {}|cumple {} en marzo|una de {} y otra de doce|la de {} no quiere hablar|la mamá dice que {}|
        dice {} pero el acta dice otra cosa|el pasaporte dice {}, ella jura que no|cumple los {}|anda en los {}|
        le faltan tres meses para los {}|a punto de los {}|pasa de los {}|Todavía no cumple los {}|edad {}""",
    "en": """she's {}|just turned {}|will be {} in May|says she's {}|claims to be {}|girl, {}, no papers|
        passport says {} but she denies it|two months short of {}|aged {}|at {} she was sold|the older one is {}""",
    "ht": """li gen {}|laj: {}|l ap fè {} nan mwa mas|li di li gen {}""",
    "fr": """elle a {}|elle frôle les {}|âge : {}""",
}
GUESSES = ["14-15", "14 o 15", "entre 14 y 15", "14 a 15", "catorce o quince", "16/17"]


def _told(frames: str) -> tuple[str, ...]:
    return tuple(frame.strip() for frame in frames.split("|"))


def _sentences(language: str) -> Iterator[str]:
    for number in NUMBERS[language]:
        for frame, unit in product(_told(WITH_UNIT[language]), UNITS[language]):
            yield frame.replace("{}", f"{number} {unit}")
        for frame in _told(BARE[language]):
            yield frame.format(number)


@pytest.mark.parametrize("language", NUMBERS)
def test_each_frame_holds_for_each_number_and_unit(language: str) -> None:
    """A rule is of a frame, a number or a unit, and not of the sentence in which somebody once met them."""
    missed = [text for text in _sentences(language) if personal_data(text, strict=True) is None]
    assert missed == []


@pytest.mark.parametrize(
    "frame", ["ella tiene {} años", "muchacha de {} años", "de unos {} años, asustada", "tendrá {}"]
)
def test_a_guess_between_two_years_is_the_age_of_one(frame: str) -> None:
    """Of a group the range is wider."""
    assert [guess for guess in GUESSES if personal_data(frame.format(guess), strict=True) != "age"] == []


MILESTONES = {
    "es": """Hizo la primera comunión en mayo|Le celebraron los quince en el albergue|Acaba de sacar la cédula|
        Todavía no tiene cédula, dijo ella|Aún no puede votar|Está en octavo y no quiere volver|Va a la primaria|
        La niña pasó a sexto|Es jubilada y vive sola|Dejó de ir a la primaria cuando la trajeron|Todavía usa pañales|
        Acaba de terminar el bachillerato|La bebé ya gatea|Está mudando los dientes|Es bisabuela|
        Nació el año del huracán Georges|Ella nació cuando el terremoto|La víctima es una adulta mayor""",
    "en": """She made her first communion in May|Just got her driver's license|She is not old enough to vote|
        She can't drive yet|She's in kindergarten|The boy is a first-grader|She's a high school sophomore|
        Dropped out of middle school when they took her|The baby is still in diapers|She came of age at the shelter|
        She was born the year of the earthquake|She is retired and lives alone|Her sweet sixteen was in the shelter""",
    "ht": """Li fè premye kominyon li mwa pase|L ap fè premye kominyon|Li poko gen laj pou l vote|Li nan jaden timoun|
        Ti fi a nan lekòl matènèl|Li nan reto|L ap tete toujou|Li fèt ane tranblemann tè a|Li pran retrèt li""",
    "fr": """Elle a fait sa première communion|Elle n'a pas encore le droit de vote|Elle est en maternelle|
        La petite est en CM2|Elle vient d'avoir le permis|Elle est retraitée|Elle est née l'année du séisme|
        Elle porte encore des couches|Elle entre au lycée""",
}


@pytest.mark.parametrize("text", [text for told in MILESTONES.values() for text in _told(told)])
def test_what_happens_at_an_age_tells_it(text: str) -> None:
    """Nobody needs a number to say how old somebody is."""
    assert personal_data(text, strict=True) in {"age", "date"}


WORK = """El proyecto cumple 3 años en diciembre|CONANI cumple 40 años en octubre|La red cumple 10 años de trabajo
Se cumplen 15 años de la Ley 137-03|El informe dice 45|La encuesta dice que 15 de cada 100|La meta pasa de los 200 casos
Faltan tres meses para los 15 talleres|Una de 15 salas tiene cámara|El taller de 20 y el de 30 se unieron
La sesión de la mañana y la de 15 en la tarde|Vehículos con 5 años de vida útil|Niñas de 10 a 14 años
Adolescentes de 15 a 17 años: 12|Jóvenes de 14 y 15 años participaron en la charla|Menores de 14 a 16 años
La consultora tiene 15 años de experiencia|El contrato es por dos años y medio|Entró en vigor hace 15 años
El programa nació hace 15 años|La mesa nació hace 5 años en Santiago|Registro de nacimiento de mayores de 16 años
El cuadro pone 23 y el acta 25|MINERD indica 30 escuelas|Cumple 3 de 5 requisitos|Cumplió con 12 de las 15 actividades
Participaron entre 14 y 15 instituciones|El fiscal lleva quince años en la institución|Sus 15 miembros votaron
The report says 45 cases|The agreement turns 10 this year|The network was born 10 years ago|We hit 50 trainings
Will be 15 in total|Girls aged 10 to 14|She has 15 years of experience in the office|Their 4th report is late
Lwa a gen 15 an|Pwojè a fèt sa gen 5 an|Rapò a di 45|Timoun ki gen mwens pase 12 an|Manke de mwa pou fini
Le rapport dit 45|La commission est née il y a 10 ans|Il y a 15 ans, la loi fut votée|Dans les 15 jours
Le consultant doit avoir 15 ans d'expérience|Se tramita su cédula con la JCE|Entrega de cédulas|Inspectores jubilados
Un general retirado presidió la mesa|Kindergarten teachers were trained|Driver's licences were checked at the border
Taller para estudiantes de octavo|Alumnos de octavo a bachillerato|Maestras de kínder capacitadas|Pansyone yo
Se donaron pañales al albergue|El plan nació el año de la reforma|La unidad se creó el año del terremoto de Haití
Les élèves de terminale ont reçu le guide|Jaden timoun yo|Voting is on Monday|Va en el octavo lugar|Es menor de edad"""


@pytest.mark.parametrize("text", WORK.replace("\n", "|").split("|"))
def test_durations_terms_and_groups_are_no_ages(text: str) -> None:
    """A plan speaks of years, of schools and of pensions all day."""
    assert personal_data(text, strict=True) is None


def test_a_misspelt_number_is_no_other_word() -> None:
    """One slip or a sound; a number of few letters stays as it is, since another word is near."""
    assert {"kinse", "quinse", "kince", "qiunce"} <= misspelt("quince")
    assert "sixten" in misspelt("sixteen")
    assert misspelt("de") == misspelt("seis") == frozenset()


SHORT = """tiene 15 ok|tiene 15 pobrecita|cumplió 15 ayer|she is 15 lol|shes fifteen|im 15|li gen 15 mesi
elle a 15 je crois|16a, embarazada|fem: 16a|ella 22 el 45|ella 15, el novio 40|la niña 12 y el hermano 9
La fille accueillie en avril n'a que quinze ans|Tifi nou te jwenn nan mache a gen sèlman douz an
L'enfant, qui ne connaît pas sa date, doit avoir huit ans|We celebrated her sixteenth birthday|va fêter ses dix-huit ans
edad: d-o-c-e|Âge ? d-i-x-s-e-p-t|menor_femenina_16a_alta.docx|20 la mamá y 3 el nene|client: f, thirteen & 1/2
"I was nine when it started"|«cuando cumplí trece mi madrina»|« j'avais onze ans quand mon oncle »
le faltan 3 meses pa los dieciocho y ya|es del mismo año del terremoto
f/15 from corozal|her 16th bday|her 18th is in June|le faltan 2 años para los 18|15 y embarazada|es bajita y tiene 12
ddn 2009"""
SHORT_WORK = """tiene 15 talleres|ya van 15 gracias|la meta es 15 creo|ella coordina 3 talleres|she leads 5 teams
sèvi ak vèsyon 2.1 an|El plan, aprobado en abril, tiene 3 años|El programa en Azua tiene 3 años
Sikològ la vini lendi ak vandredi, 9è a 1è|jen 4, jiyè 7, out 2 = 13 retou|hasta las 5 el acusado, dijo
agenda: 1a, 2a y 3a sesión|15a reunión de la mesa|she has 15 from CONANI|el plan cumplió 2 años ayer
elle a 15 dossiers"""


@pytest.mark.parametrize("text", SHORT.replace("\n", "|").split("|"))
def test_an_age_may_have_a_word_behind_it_that_it_cannot_count(text: str) -> None:
    """Thanks, opinions and times are not counted."""
    assert personal_data(text, strict=True) in {"age", "date"}


@pytest.mark.parametrize("text", SHORT_WORK.replace("\n", "|").split("|"))
def test_a_number_that_counts_in_a_short_note_is_no_age(text: str) -> None:
    """What is counted stands behind it, or nobody has it."""
    assert personal_data(text, strict=True) is None
