"""What somebody wants by a text, and answers that come when nothing is asked."""

import pytest

from conversations.routes import Route
from conversations.session.reading.meanings import Writer
from conversations.session.reading.wishes import Reading, is_answer, read, wishes

REPORTER = Writer({Route.DUE, Route.HISTORY, Route.LANGUAGE, Route.HELP, Route.HOME, Route.EXPLAIN}.__contains__, True)
ADMIN = Writer({Route.PEOPLE, Route.INVITE, Route.HELP, Route.HOME}.__contains__, False)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("hola", Reading("greeting", is_all=True)),
        ("¿todo bien?", Reading("greeting", is_all=True)),
        ("todo bien", Reading("agreed", is_all=True)),
    ],
)
def test_a_phrase_that_is_all_is_followed_at_once(text: str, reading: Reading) -> None:
    """What agrees greets if it is a question."""
    assert read(text, "es", REPORTER) == reading


def test_two_wishes_are_both_said_and_none_is_sure() -> None:
    """In the order in which they were said."""
    found = read("póngamelo en inglés y dígame qué me falta", "es", REPORTER)
    assert (found.wish, found.said, found.near[:2]) == ("", ("idioma", "pendientes"), ("idioma", "pendientes"))


@pytest.mark.parametrize(
    ("text", "writer", "wish"),
    [
        ("eran 30 personas no 300", REPORTER, "historial"),
        ("30 personas en la jornada", REPORTER, ""),
        ("oye y hasta qué día es que tengo chance de mandar lo mío", REPORTER, "pendientes"),
    ],
)
def test_what_is_far_ahead_is_wanted_unless_it_looks_like_an_answer(text: str, writer: Writer, wish: str) -> None:
    """A correction of a figure is none."""
    assert read(text, "es", writer).wish == wish


def test_nobody_means_what_only_others_do() -> None:
    """Who does not report has no report to be saved, and has sent none."""
    assert "saved" in read("se fue la luz y no sé si quedó mi reporte", "es", REPORTER).near
    assert "saved" not in read("se fue la luz y no sé si quedó mi reporte", "es", ADMIN).likely


@pytest.mark.parametrize(
    ("language", "text", "meant"),
    [
        ("es", "esta vaina no sirve, le doy al boton y na", ("human",)),
        ("es", "pongamelo en ingles y digame que me falta", ("idioma", "pendientes")),
        ("en", "spanish please, and tell me whats left", ("idioma", "pendientes")),
        ("ht", "mete l an panyol epi di m sa k rete", ("idioma", "pendientes")),
        ("ht", "m vle pale ak yon moun, tanpri", ("human",)),
        ("fr", "en espagnol svp, et dites moi ce quil reste", ("idioma", "pendientes")),
        ("es", "gracias, que tenga buen día", ()),
        ("es", "no me falta nada", ()),
    ],
)
def test_each_clause_may_be_a_wish(language: str, text: str, meant: tuple[str, ...]) -> None:
    """In the order in which they were said; "ak" is "with" too, and separates nothing."""
    assert wishes(text, language) == meant


@pytest.mark.parametrize(
    "text", ["230", "12 8 3 4", "fueron unas 45 mujeres y 12 niños", "about 30 people came", "douz mil", "douze mille"]
)
def test_what_looks_like_an_answer_is_one(text: str) -> None:
    """Numbers, in digits or in words, and few words beside them."""
    assert is_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hola",
        "30 personas, no 300",
        "i have two questions",
        "voy a estar de licencia médica hasta el 15",
        "una persona me dijo",
    ],
)
def test_a_number_in_a_sentence_is_no_answer(text: str) -> None:
    """Whoever says more than a number wants something else."""
    assert not is_answer(text)
