"""The words of a text that is typed where nothing is asked, in the form in which texts are compared.

Each language writes its short forms out, and sets apart what people write together (`shortened`, `elided`,
`elided_after` in its `language.po`).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import chain, product

from conversations.languages import FIRST, LACKING, LANGUAGES, phrases, tables
from conversations.session.reading.text import normalise

SAID, NAMED, BESIDE = "said.", "named.", "said.beside"
"""The keys of what people say, of the names of commands, and of the words that change nothing beside a phrase."""
_MONTHS, _WEEKDAYS = "reading.months", "reading.weekdays"
_SHORT, _ELIDED, _ENDING = "shortened", "elided", "elided_after"
_TAIL = re.compile(r"(?<=\w)['’](?=(?:t|s|m|ll|ve|re|d)\b)")
"""The apostrophe of "can't", which many leave out."""
_DRAWN = re.compile(r"([a-z])\1{2,}")
"""A letter that is drawn out: "holaaa"."""

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """Return the words of a text: no case, accents or marks, no apostrophe of "can't", no letter drawn out."""
    return tuple(word for piece in text.split() for word in _words_of(piece))


@lru_cache(maxsize=4_096)
def _words_of(piece: str) -> Words:
    """The words between two blanks. The phrases of a language are thousands of combinations of few of them."""
    return tuple(_DRAWN.sub(r"\1", normalise(_TAIL.sub("", piece))).split())


def said_words(text: str, language: str) -> Words:
    """The words of a text as this language writes them out."""
    short, words = _short(language), words_of(text)
    if _spelled_words(language).issuperset(words) and _short_starts(language).isdisjoint(words):
        return words  # as nearly every phrase of the table
    said: list[str] = []
    at = 0
    while at < len(words):
        pair = short.get(" ".join(words[at : at + 2]))
        each = [pair] if pair else [short.get(word, word) for word in _apart(words[at], language)]
        said += " ".join(each).split()
        at += 2 if pair else 1
    return tuple(said)


def entries(language: str) -> Iterator[tuple[str, str, bool]]:
    """Return the phrases to look for in a text, their meanings, and whether a phrase must be the whole text.

    The name of a command must be the whole text, because "plan" is in every other sentence.
    """
    told = tables(language)
    for prefix in (SAID, NAMED):
        for key in tables(FIRST):
            if key.startswith(prefix) and key != BESIDE and (said := told.get(key, LACKING)) != LACKING:
                meaning = key.removeprefix(prefix)
                for phrase in said.split("|"):
                    yield phrase, meaning, prefix == NAMED


def written_out(phrase: str) -> list[str]:
    """Return each way of saying a phrase. A slash separates words of which any may be used: "ya lo/la/ mandé".

    If nothing follows the last slash, the word may also be missing. Words of one choice are joined: "sa/ki_rapò ki".
    """
    if "/" not in phrase:
        return [phrase]
    return [" ".join(filter(None, words)) for words in product(*(piece.split("/") for piece in phrase.split(" ")))]


def ways_of_saying(phrase: str, language: str) -> Iterator[Words]:
    """Return each way of saying a phrase of the table, as the words that the language writes out."""
    pieces = [[_words_of(word) for word in piece.split("/")] for piece in phrase.split(" ")]
    starts = _short_starts(language)
    if all(starts.isdisjoint(words) for piece in pieces for words in piece):
        yield from (tuple(chain.from_iterable(chosen)) for chosen in product(*pieces))
    else:
        yield from (said_words(each, language) for each in written_out(phrase))


@cache
def beside_words() -> frozenset[str]:
    """Return the single words that may stand beside a phrase without changing it, in every language; names of months
    too.
    """
    said = (phrase for code in LANGUAGES for phrase in (*phrases(code, BESIDE), *_longest(code, _MONTHS)))
    return frozenset(word for phrase in said for word in words_of(phrase))


@cache
def denial_words(language: str) -> frozenset[str]:
    """Return the words that deny: "no", "nunca"."""
    return frozenset(word for phrase in phrases(language, "denials") for word in said_words(phrase, language))


def _longest(language: str, key: str) -> list[str]:
    """The days or months of a language, each in its longest spelling."""
    return [each.split("/")[0] for each in phrases(language, key)]


@cache
def _short(language: str) -> Mapping[str, str]:
    """Return the short forms that people write for a word or two, with the word: "q=que".

    All weekdays count as the same word here, and so do all months.
    """
    days = [normalise(each) for each in _longest(language, _WEEKDAYS)]
    months = [normalise(each) for each in _longest(language, _MONTHS)]
    same = dict.fromkeys(days, days[0]) | dict.fromkeys(months, months[0])
    return same | dict(_both_sides(phrase) for phrase in phrases(language, _SHORT))


def _both_sides(phrase: str) -> tuple[str, str]:
    """Return both sides of "q=que", in the form in which texts are compared."""
    short, _, word = phrase.partition("=")
    return normalise(short), normalise(word)


@cache
def _short_starts(language: str) -> frozenset[str]:
    """The first word of each short form."""
    return frozenset(short.partition(" ")[0] for short in _short(language))


def _apart(word: str, language: str) -> Words:
    """Split an unknown word that begins or ends with the short form of another: "jcomprends", "voyel", "mandarlo"."""
    known_here = _spelled_words(language)
    if word in known_here:
        return (word,)
    for start in phrases(language, _ELIDED):
        if word.startswith(start) and (rest := word.removeprefix(start)) in known_here and len(rest) > 1:
            return start, rest
    for end in phrases(language, _ENDING):
        if word.endswith(end) and (rest := word.removesuffix(end)) in known_here and len(rest) > 1:
            return rest, end
    return (word,)


@cache
def _spelled_words(language: str) -> frozenset[str]:
    """Each word of the table of a language, as it is spelled there, and each of its short forms."""
    pieces = {piece for phrase, _, _ in entries(language) for piece in phrase.split(" ")}
    told = {word for piece in pieces for word in piece.split("/")}
    return frozenset(word for each in (*told, *phrases(language, BESIDE), *_short(language)) for word in words_of(each))
