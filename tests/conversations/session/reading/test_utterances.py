"""What people write where nothing is asked, read: the table of each language, and what may differ from it."""

import pytest

from conversations.languages import FIRST, LANGUAGES, phrases, tables
from conversations.session.reading.likeness import likely, surest, worth_offering
from conversations.session.reading.phrase_table import is_nearly, is_related, near_words
from conversations.session.reading.spelled import written_out
from conversations.session.reading.utterances import (
    LONGEST,
    Named,
    foreign_code,
    language_of,
    mentioned_code,
    mentioned_names,
    numbers_an_item,
    told_names,
    understood,
)

MEANT = {
    "es": {
        "greeting": ("Hola!!", "wenas tardes jefe", "Buenos dias, ¿como esta?", "saludos, q tal todo x alla"),
        "thanks": ("mil gracias", "Muchísimas gracias", "gracias por todo"),
        "agreed": ("ok", "👍", "perfecto"),
        "sent": (
            "Ya yo lo mandé la semana pasada",
            "buenas tardes, ya reporté",
            "perdón, ya lo envié ayer",
            "ya termine",
        ),
        "not_today": ("hoy no puedo, tengo una reunión", "estoy en una capacitación", "me pueden dar más plazo"),
        "away": ("estoy de vacasiones hasta el lunes", "Salgo de vacaciones mañana", "tengo licencia médica"),
        "human": ("no me deja enviar", "¿a quién llamo si tengo dudas?", "quisiera hablar con alguien", "no funciona"),
        "not_me": ("ya no trabajo en el ministerio", "Ya no soy la punto focal"),
        "nothing_new": ("sin novedades este mes", "no hubo avances"),
        "pendientes": ("q me falta", "¿qué tengo que hacer?", "cuando es la fecha limite"),
        "progreso": ("quién falta por reportar",),
        "historial": ("historail", "me equivoqué en un número", "ver mis reportes"),
        "exportar": ("deme el excel por favor",),
        "page": ("necesito el pdf",),
        "pausar": ("no me escriban más",),
        "ayuda": ("ayudenme a reportar", "no entiendo nada"),
        "about": ("¿eres una persona?", "con quien tengo el gusto", "de donde sacaron mi numero"),
        "victim": ("una victima necesita ayuda", "tengo un caso"),
        "erase": ("borra ese mensaje", "puse el nombre de una victima"),
        "hours": ("avisame dos dias antes", "no me avises tan temprano"),
        "privacy": ("quien mas ve lo q yo pongo aqui",),
        "menu": ("MENÚ", "volver al menu"),
    },
    "en": {
        "greeting": ("hello there", "Good morning!"),
        "thanks": ("thx", "thanks so much", "cheers, thats all for now"),
        "sent": ("I've already sent it.", "we sent it last week", "did you get my report?"),
        "not_today": ("can't today, sorry", "I need more time please", "I'm in a meeting"),
        "away": ("on holiday till monday", "I am on sick leave"),
        "human": ("can I talk to somebody?", "is anybody there", "it doesn't work"),
        "nothing_new": ("nothing new this month",),
        "pendientes": ("what's left?", "when is the deadline", "what do I have to report this month"),
        "historial": ("histroy", "I made a mistake in my report"),
        "cerrar": ("how do I close the month",),
        "pausar": ("stop sending me messages",),
        "ayuda": ("help!", "I don't understand this", "how does this work?"),
        "menu": ("main menu", "go back"),
    },
    "ht": {
        "greeting": ("bonjou", "Bonswa!"),
        "thanks": ("mesi anpil",),
        "sent": ("m voye l deja", "mwen deja voye rapò a"),
        "not_today": ("mwen pa kapab jodi a", "m ap voye l demen"),
        "away": ("m an vakans", "mwen an konje maladi"),
        "human": ("mwen vle pale ak yon moun", "sa pa mache"),
        "pendientes": ("kisa ki manke m?", "ki dat limit la ye"),
        "historial": ("istwa", "mwen fè yon ere"),
        "ayuda": ("ede m tanpri", "mpa konprann", "wap ede m", "kouman bagay sa mache"),
        "menu": ("meni",),
    },
    "fr": {
        "greeting": ("bonjour madame", "Bonsoir"),
        "thanks": ("merci infiniment", "je vous remercie"),
        "sent": ("j'ai déjà envoyé le rapport", "c'est fait"),
        "not_today": ("pas aujourd'hui", "je l'enverrai demain matin"),
        "away": ("je suis en vacances", "je suis en congé maladie"),
        "human": ("je veux parler à quelqu'un", "ça ne marche pas"),
        "pendientes": ("qu'est-ce qu'il me manque ?", "quelle est la date limite ?"),
        "historial": ("historique", "je me suis trompée"),
        "ayuda": ("comment ça marche", "je ne comprends pas", "jcomprends rien"),
        "menu": ("acceuil", "menu"),
        "cancelar": ("annuler",),
    },
}


@pytest.mark.parametrize(
    ("language", "meaning", "text"),
    [(code, key, text) for code, keys in MEANT.items() for key, texts in keys.items() for text in texts],
)
def test_what_people_write_is_understood(language: str, meaning: str, text: str) -> None:
    """In the person's own language, and in whatever other one they happen to write."""
    for own in dict.fromkeys((language, *LANGUAGES)):
        found = understood(text, own)
        assert found is not None
        if own == language:
            assert found.meaning == meaning


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_the_table_means_what_it_stands_under(language: str) -> None:
    """A phrase under two meanings of one language would be understood by its place in the file."""
    wrong = [
        (phrase, key, found.meaning if found else None)
        for key in tables(FIRST)
        if key.startswith("said.") and key != "said.beside"
        for each in phrases(language, key)
        for phrase in written_out(each)
        if (found := understood(phrase, language)) is None or found.meaning != key.removeprefix("said.")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "asdfgh",
        "let me know",
        "Visitamos doce centros en el plan de la provincia",
        "Se hizo la actividad con ayuda de los técnicos de la regional norte",
        "hola " * LONGEST,
    ],
)
def test_what_is_not_in_the_table_is_not_understood(text: str) -> None:
    """It is a table, not a guess; and a report that was typed in the wrong place is no command."""
    assert understood(text, "es") is None


@pytest.mark.parametrize(
    ("typed", "meant", "is_close"),
    [
        ("historail", "historial", True),
        ("istorial", "historial", True),
        ("historiall", "historial", True),
        ("hostorial", "historial", True),
        ("ihstorial", "historial", True),
        ("historila", "historial", True),
        ("hola", "hora", False),
        ("holaa", "hola", True),
        ("son", "sin", False),
        ("2018", "2019", False),
        ("historico", "historial", False),
    ],
)
def test_one_slip_is_forgiven(typed: str, meant: str, is_close: bool) -> None:
    """Of words that are long enough to have no other neighbour."""
    assert is_nearly(typed, meant) is is_close


@pytest.mark.parametrize("text", ["PER-102", "per102", "la per 102, por favor", "¿y PER 102?"])
def test_a_code_is_found_however_it_is_written(text: str) -> None:
    """It is a code of the plan or none."""
    assert mentioned_code(text, ["PER-101", "PER-102"]) == "PER-102"
    assert mentioned_code(text, ["PER-10", "PER-1"]) is None


def test_words_of_one_title_name_it_and_words_of_several_do_not_decide() -> None:
    """A word that one title alone has is enough, if nothing else of weight was said."""
    plan = [
        Named("A", ("Convenio con hoteles",)),
        Named("B", ("Convenio con escuelas", "Agreement with schools")),
        Named("C", ("Jornadas en escuelas de secundaria",)),
    ]
    assert mentioned_names("hoteles", plan).codes == ("A",)
    assert mentioned_names("hoteles", plan).is_sure
    assert mentioned_names("quiero reportar el convenio de escuelas", plan).codes == ("B",)
    both = mentioned_names("el convenio", plan)
    assert (both.codes, both.is_sure) == (("A", "B"), False)
    assert not mentioned_names("hoteles y restaurantes", plan).is_sure
    assert mentioned_names("la reunión de ayer fue en unos hoteles", plan).codes == ()


@pytest.mark.parametrize(
    ("language", "text", "meaning"),
    [
        ("es", "el reporte ya se lo envié yo ayer mismo", "sent"),
        ("es", "la luz se me fue", "saved"),
        ("es", "q me falta x enviar", "pendientes"),
        ("en", "made a mistake in yesterdays report", "historial"),
        ("en", "cant do it today", "not_today"),
        ("fr", "jai deja envoye", "sent"),
        ("ht", "mw fè yon ere nan rapò a", "historial"),
    ],
)
def test_words_may_stand_elsewhere_and_be_shortened(language: str, text: str, meaning: str) -> None:
    """All words of a phrase, in any order, with few others beside them; with or without an apostrophe."""
    found = understood(text, language)
    assert found is not None
    assert found.meaning == meaning


def test_words_that_stand_in_many_phrases_say_nothing_where_they_stand_apart() -> None:
    """ "ya no estoy en la institución" has "no" and "estoy", and so has every other sentence."""
    found = understood("no estoy seguro", "es")
    assert found is None or found.meaning != "not_me"


@pytest.mark.parametrize(("text", "is_sure"), [("stop", True), ("stop shouting", False), ("not now please", True)])
def test_what_leaves_as_much_over_as_it_has_is_not_sure(text: str, is_sure: bool) -> None:
    """It is offered beside what is likely, not followed."""
    found = understood(text, "en")
    assert found is not None
    assert found.is_sure is is_sure


@pytest.mark.parametrize(
    ("language", "text", "meaning"),
    [
        ("es", "no hubo nada este mes", "nothing_new"),
        ("es", "ahorita mando eso", "not_today"),
        ("fr", "un collègue peut le faire", "delegar"),
        ("fr", "ca marche pas", "human"),
        ("en", "dont have the figures", "not_today"),
        ("es", "toy en la oficina el viernes", "not_today"),
    ],
)
def test_what_is_near_is_likely(language: str, text: str, meaning: str) -> None:
    """By a part of a phrase, and other endings of its words."""
    assert meaning in worth_offering(likely(text, language))


def test_of_nothing_nothing_is_likely() -> None:
    """Nor of thanks, nor of what is too long."""
    assert [worth_offering(likely(text, "es")) for text in ("qwzrtk", "12", "mandar " * LONGEST)] == [()] * 3


@pytest.mark.parametrize(
    ("typed", "meant", "is_close"),
    [("mande", "mandar", True), ("reporto", "reportar", True), ("plan", "planta", True), ("hora", "horno", False)],
)
def test_another_ending_is_akin(typed: str, meant: str, is_close: bool) -> None:
    """The beginnings are the same for four letters at least, and for all but four."""
    assert is_related(typed, meant) is is_close


@pytest.mark.parametrize(
    ("text", "code"),
    [("per102 ya", "PER-102"), ("la PER 909", "PER-909"), ("puse 20 de 25", None), ("en 2018", None), ("PER", None)],
)
def test_a_code_of_others_is_known_by_how_codes_are_written(text: str, code: str | None) -> None:
    """Not by whether it is there."""
    assert foreign_code(text, ["PER-101", "ASI-201"]) == code


@pytest.mark.parametrize("text", ["aún no me entregan los datos", "mándeme los pendientes", "si mando el día 12"])
def test_an_ending_is_not_as_near_as_the_word(text: str) -> None:
    """ "mando" is near "quién manda", and asks for nobody."""
    found = understood(text, "es")
    assert found is None or found.meaning not in ("human", "access")
    assert not {"human", "access"}.intersection({surest(likely(text, "es"))})


def test_one_ending_of_a_lone_word_is_never_close() -> None:
    """What is answered in words alone follows from what is close."""
    assert surest(likely("mande el libro azul", "es")) != "human"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Dios le bendiga, muchas gracias por la ayuda", "thanks"),
        ("buenas tardes, ya reporté", "sent"),
        ("a como esta el dolar hoy", "chat"),
        ("mi reporte paso", None),
    ],
)
def test_politeness_stands_first_or_last(text: str, meaning: str | None) -> None:
    """What is asked goes before how politely."""
    found = understood(text, "es")
    assert (found and found.meaning) == meaning


@pytest.mark.parametrize(
    ("text", "code"), [("i returned one yesterday", None), ("ONE has not reported", "ONE"), ("one", "ONE")]
)
def test_a_code_that_is_a_word_counts_in_capitals_or_alone(text: str, code: str | None) -> None:
    """Else each "one" of a sentence would be the office."""
    assert mentioned_code(text, ["MIREX", "ONE"]) == code


def test_a_slash_writes_several_ways_of_saying_at_once() -> None:
    """With nothing after the last one, there may also be no word."""
    assert written_out("ya lo/ mandé/envié") == ["ya lo mandé", "ya lo envié", "ya mandé", "ya envié"]


@pytest.mark.parametrize(
    ("text", "language", "meaning"),
    [
        ("borra lo ultimo q puse que ta mal", "es", "historial"),
        ("can this go into a spreadsheet", "en", "exportar"),
        ("yo chanje dat aktivite 2.4 la", "ht", "plan"),
        ("mauvais fichier, je peux le remplacer ?", "fr", "historial"),
        ("spanish please", "es", "idioma"),
    ],
)
def test_every_word_says_what_is_likely(text: str, language: str, meaning: str) -> None:
    """Small words, beginnings and neighbours too; in the language that knows most of the words."""
    assert meaning in worth_offering(likely(text, language))[:3]


@pytest.mark.parametrize(
    ("text", "own", "language"), [("who are you", "es", "en"), ("ed mwen souple", "fr", "ht"), ("ok", "fr", "fr")]
)
def test_a_text_is_in_the_language_that_knows_its_words(text: str, own: str, language: str) -> None:
    """Between two that know it, in the person's own."""
    assert language_of(text, own) == language


def test_a_letter_that_is_drawn_out_is_one() -> None:
    """ "holaaaa" greets."""
    found = understood("Holaaaaa", "es")
    assert found is not None
    assert found.meaning == "greeting"


@pytest.mark.parametrize(
    ("text", "language", "meaning"),
    [("Bondye beni w, mèsi pou èd la", "ht", "thanks"), ("aidez-moi", "fr", "ayuda")],
)
def test_a_word_of_thanks_asks_for_nothing(text: str, language: str, meaning: str) -> None:
    """ "èd" asks only where it is no part of a longer thanks; and what is agreed stands together."""
    found = understood(text, language)
    assert found is not None
    assert found.meaning == meaning


def test_a_name_is_told_by_a_word_of_its_own_or_by_two() -> None:
    """ "trabajo" is in many a sentence; "ministerio de trabajo" is an institution."""
    plan = [Named("MT", ("Ministerio de Trabajo",)), Named("MITUR", ("Ministerio de Turismo",))]
    assert told_names("recuérdele a turismo que no ha mandado nada", plan) == ("MITUR",)
    assert told_names("cómo va el ministerio de trabajo", plan) == ("MT",)
    assert told_names("ya no trabajo ahí", plan) == ()


def test_a_count_opens_no_report() -> None:
    """An answer that was typed at the wrong time names an item at most."""
    plan = [Named("A", ("Acogida para mujeres",)), Named("B", ("Campaña en radio",))]
    assert mentioned_names("20 mujeres", plan).codes == ("A",)
    assert not mentioned_names("20 mujeres", plan).is_sure


@pytest.mark.parametrize(
    ("text", "language", "meaning"),
    [
        ("quién es", "es", "about"),
        ("cómo es", "es", "ayuda"),
        ("when is it", "en", "pendientes"),
        ("et pour quand", "fr", "pendientes"),
    ],
)
def test_small_words_alone_say_what_is_likely(text: str, language: str, meaning: str) -> None:
    """They change nothing beside a phrase, and where there is no phrase they say most of what is meant."""
    assert worth_offering(likely(text, language))[0] == meaning


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("no necesito ayuda", "es"),
        ("i dont need help", "en"),
        ("j'ai pas besoin d'aide", "fr"),
        ("m pa bezwen èd", "ht"),
    ],
)
def test_what_is_denied_is_not_understood(text: str, language: str) -> None:
    """A phrase that denies nothing itself means nothing behind a word that denies."""
    meant = understood(text, language)
    assert meant is None or meant.meaning != "ayuda"


def test_a_phrase_among_small_words_is_not_the_whole_text() -> None:
    """ "el lunes" is a phrase, and what stands beside it are small words: still another thing is said."""
    meant = understood("pero si eso yo lo reporté el viernes", "es")
    assert meant is None or not meant.is_whole
    assert worth_offering(likely("pero si eso yo lo reporté el viernes", "es"))[0] == "sent"


def test_a_slip_may_be_of_several_words_and_finds_all_of_them() -> None:
    """Words of two languages that lack the same letter share a place in the table."""
    assert {"urgence", "urgente"} <= near_words("urgene")
    assert {"acostada", "acostado"} <= near_words("acostad")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("👍", "agreed"), ("❤️🙏", "agreed"), ("😭😭😭", "human"), ("🙄", "human"), ("🤷‍♀️", "ayuda"), ("🤔", "ayuda")],
)
def test_a_face_says_more_than_yes(text: str, meaning: str) -> None:
    """Who is upset or puzzled is not nodded at."""
    found = understood(text, "es")
    assert found is not None
    assert (found.meaning, found.is_whole) == (meaning, True)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("actividad 2.3", True), ("Activité n° 2.2", True), ("aktivite 1.4", True), ("2.3", False), ("puse 2.3", False)],
)
def test_a_number_behind_the_word_for_an_activity_is_its_number(text: str, is_one: bool) -> None:
    """By itself it is an answer."""
    assert numbers_an_item(text) is is_one


def test_what_is_sought_is_named_by_any_word_but_those_for_seeking() -> None:
    """ "radio" is in other wishes, and names an activity where one is looked for."""
    plan = [Named("A", ("Campaña en radio",)), Named("B", ("Convenio con hoteles",))]
    assert told_names("busca lo de la radio", plan, is_sought=True) == ("A",)
    assert told_names("busca el plan", [*plan, Named("C", ("Plan de salud",))], is_sought=True) == ()
