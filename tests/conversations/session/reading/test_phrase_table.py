"""The tables of phrases as numbers: they say what the catalogues say."""

import pytest

from conversations.languages import LANGUAGES
from conversations.session.reading.phrase_table import (
    akin_words,
    is_nearly,
    is_related,
    near_words,
    table_of,
    table_words,
)
from conversations.session.reading.spelled import beside_words, entries, said_words, ways_of_saying, written_out


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_the_catalogue_is_in_the_table(language: str) -> None:
    """Written out, once for each of its meanings, and found by its first two words; and nothing else is."""
    table = table_of(language)
    told = {(said, meaning) for phrase, meaning, _ in entries(language) for said in ways_of_saying(phrase, language)}
    places = range(len(table.meant))
    assert {(table.phrase(place), table.meaning(place)) for place in places} == told
    assert all(place in table.beginning(*table.phrase(place)[:2]) for place in places)
    assert all(place in table.having(word) for place in places[::50] for word in table.phrase(place))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phrase_is_written_out_as_a_text_is_read(language: str) -> None:
    """Also where a language has short forms for its words, and where they are two words."""
    for phrase, _, _ in [*entries(language)][::7]:
        assert set(ways_of_saying(phrase, language)) == {said_words(each, language) for each in written_out(phrase)}


@pytest.mark.parametrize("typed", ["enviadoo", "repote", "erport", "mesage", "rapo", "hla", "aktivte", "vacacione"])
def test_a_slip_is_looked_for_in_the_whole_table(typed: str) -> None:
    """The halves of a word find what a comparison with each word would."""
    words = table_words() - beside_words() | {word for each in LANGUAGES for word in table_of(each).words}
    assert near_words(typed) == {typed} | {word for word in words if len(typed) > 3 and is_nearly(typed, word)}
    assert set(akin_words(typed, 4)) == {
        word for word in words if len(typed) > 3 and word.startswith(typed[:4]) and is_related(typed, word)
    }
