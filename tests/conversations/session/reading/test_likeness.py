"""A text that is no phrase of the table: what it is surely, likely, or not at all."""

import pytest

from conversations.session.reading.likeness import likely, surest
from conversations.session.reading.utterances import Named, told_names, understood


@pytest.mark.parametrize(
    ("text", "language", "meaning"),
    [
        ("oye y hasta qué día es que tengo chance de mandar lo mío", "es", "pendientes"),
        ("could somebody from the coordination give me a ring", "en", "human"),
        ("tanpri efase mesaj m sot voye a, gen non yon moun ladan l", "ht", "erase"),
        ("svp ne me relancez plus tous les jours, une fois par semaine suffit", "fr", "pausar"),
    ],
)
def test_what_is_far_ahead_is_sure(text: str, language: str, meaning: str) -> None:
    """No phrase of the table says it so."""
    meant = understood(text, language)
    assert meant is None or not meant.is_whole
    assert surest(likely(text, language)) == meaning


@pytest.mark.parametrize("text", ["no necesito ayuda", "qwzrtk vlmpf", "45"])
def test_what_is_denied_or_unknown_is_not_sure(text: str) -> None:
    """A phrase without "no" is not followed for a text that has one; nor is anything for a number."""
    assert surest(likely(text, "es")) == ""


def test_short_forms_behind_a_word_are_set_apart() -> None:
    """ "voyel" is "voye l"."""
    found = understood("m fin voyel", "ht")
    assert found is not None
    assert found.meaning == "sent"


@pytest.mark.parametrize(
    ("text", "language", "meaning"),
    [
        ("no sé, eso lo mandé el viernes", "es", "sent"),
        ("vous ne parlez pas le créole chez vous ?", "fr", "idioma"),
    ],
)
def test_a_denial_denies_what_follows_it_and_no_question(text: str, language: str, meaning: str) -> None:
    """In another clause it denies nothing; and who asks "don't you …?" wants it."""
    assert surest(likely(text, language)) == meaning


def test_a_name_makes_no_text_less_alike() -> None:
    """Places and people are in no phrase, and are written with a capital."""
    named, bare = likely("búscame todo lo que diga Xyztown Qwville", "es"), likely("búscame todo lo que diga", "es")
    assert (named[0].meaning, named[0].weight) == (bare[0].meaning, bare[0].weight)


def test_what_is_told_in_the_words_of_titles_leaves_them_their_titles() -> None:
    """ "hoteles" is in a phrase that tells what was done, and still names an activity by itself."""
    plan = [Named("A", ("Convenio con hoteles",)), Named("B", ("Campaña en radio",))]
    assert told_names("abre lo de los hoteles", plan) == ("A",)


def test_each_word_speaks_for_itself() -> None:
    """No phrase is near, and together the words leave one meaning."""
    text = "can the plan be printed on a single sheet for the meeting"
    assert surest(likely(text, "en")) == "page"
