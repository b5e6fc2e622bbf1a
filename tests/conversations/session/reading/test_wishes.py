"""Several wishes in one message, and answers that come when nothing is asked."""

import pytest

from conversations.session.reading.wishes import is_answer, wishes


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
    "text", ["", "hola", "i have two questions", "voy a estar de licencia médica hasta el 15", "una persona me dijo"]
)
def test_a_number_in_a_sentence_is_no_answer(text: str) -> None:
    """Whoever says more than a number wants something else."""
    assert not is_answer(text)
