"""Names by class: as they are spelled, where only somebody can stand, and the words that names are too."""

import pytest

from conversations.session.safeguards.guard import personal_data
from conversations.session.safeguards.misspelt import as_heard


def test_a_name_is_heard_alike_however_it_is_spelled() -> None:
    """Parents and clerks spell as they hear."""
    for one, other in (("betania", "bethania"), ("nicole", "nicol"), ("estefani", "estephany")):
        assert as_heard(one) == as_heard(other)


@pytest.mark.parametrize("word", ["victoria", "mercedes", "santa", "consuelo"])
@pytest.mark.parametrize("frame", ["la pequeña {} llora de noche", "la muchacha {} se escapó", "su hermana {} huyó"])
def test_a_word_that_is_a_name_too_is_one_where_only_somebody_can_stand(word: str, frame: str) -> None:
    """In small letters nothing else tells it from the word."""
    found = personal_data(frame.format(word), strict=True)
    assert found == "name" or word == "santa"  # no list of names has it


@pytest.mark.parametrize(
    "text",
    [
        "acompañar a mercedes al juzgado",
        "Please book a therapist for hope, the girl from last week",
        "Elías Piña, el padrastro de la niña, sigue allí",
        "yorgelis rondón wants to phone her kids",
        "la niña bethania espera",
    ],
)
def test_who_is_explained_or_acts_is_somebody(text: str) -> None:
    """A province, a virtue and a rare name alike."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize(
    "text",
    [
        "La victoria del equipo fue celebrada",
        "Se solicitó amparo al tribunal",
        "Mercedes Benz donó",
        "We hope for better results, the team said",
        "Fête de la victoire",
        "La fe de la comunidad",
        "Yolas decomisadas: 4",
        "Wide coverage in the press",
        "En Elías Piña, la víctima fue atendida",
        "La Línea Vida 809-555-0123 recibió 45 llamadas",
        "la idea nació en 2016 en una reunión",
        "Fanm ki gen 18 an oswa plis te reponn",
    ],
)
def test_the_same_words_at_work_pass(text: str) -> None:
    """Victory, hope and a province are spoken of in any report."""
    assert personal_data(text, strict=True) is None


@pytest.mark.parametrize(
    "text", ["peralta, yudelka - pendiente", "Shanelle walked in", "la venezolana dayerlin se fue"]
)
def test_a_new_name_is_known_beside_a_surname_or_by_its_shape(text: str) -> None:
    """New names are in no list; what stands beside them is."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize("text", ["se separó del grupo a Deivi", "Ti Frè pran lajan an", "on a parlé à Ndeye hier"])
def test_a_name_behind_an_office_or_a_verb_is_no_place(text: str) -> None:
    """What leads to somebody stands between."""
    assert personal_data(text, strict=True) == "name"


PLACES = """La fiscalía de Danlí abrió una unidad|Mesa local de Comayagua activa|Los equipos de Juticalpa y Catacamas
The Dangriga office reopened|Mopan and Garifuna speakers needed|No Q'eqchi' interpreter available
Atelier à Kédougou avec 30 gendarmes|Retours depuis Tambacounda vers la Guinée|Le poste de Kidira est fermé
Ekip Maltipas la jwenn machin|formation de relais à Saraya et Bandafassi|Cámara Gesell en reparación
Cursos de Repostería Comercial y Auxiliar de Farmacia"""


@pytest.mark.parametrize("text", PLACES.replace("\n", "|").split("|"))
def test_where_an_office_is_needs_no_list_of_places(text: str) -> None:
    """A country that the lists do not know has offices too."""
    assert personal_data(text, strict=True) is None


SPELT = """T.a.m.i.k.a is back|let's say "J-a-s-l-e-e-n"|C-H-R-I-S-T-E-L-L-E te siyen|y.o.h.a.n.n.a dijo que sí
Y o k a s t a volvió|audio-testigo-don-cuchito.ogg"""
NOT_SPELT = """H1N1 y COVID19|Acuerdo_MMujer_OIM_2025-118_firmado.docx
Hogar Doña Chucha pide pañales|Haven House is full|La Maison Rose manque de savon|a, e, i, o, u"""


@pytest.mark.parametrize("text", SPELT.replace("\n", "|").split("|"))
def test_a_name_that_is_spelt_is_read_whole(text: str) -> None:
    """Letter by letter, with figures for letters, or as the name of a file."""
    assert personal_data(text, strict=True) == "name"


@pytest.mark.parametrize("text", NOT_SPELT.replace("\n", "|").split("|"))
def test_initials_of_offices_and_names_of_houses_pass(text: str) -> None:
    """What takes people in has a name of its own."""
    assert personal_data(text, strict=True) is None
