"""Words that people type, as the texts that they are compared with: without accents, in lower case.

They are data of each language (`reading.…` in `conversations/locales/*/language.po`); nothing here is a word.
"""

import re
from collections.abc import Mapping
from functools import cache

from conversations.languages import LANGUAGES, phrases, phrases_of_all
from conversations.session.reading.text import WORD, fold, normalise


@cache
def known_words(key: str) -> frozenset[str]:
    """Return the single words of this key in every language."""
    return frozenset(fold(word) for word in phrases_of_all(key))


@cache
def known_words_in(language: str, key: str) -> frozenset[str]:
    """Return the single words of this key in one language."""
    return frozenset(fold(word) for word in phrases(language, key))


@cache
def said_as(key: str) -> frozenset[str]:
    """Return the phrases of this key in every language, in the form that `normalise` gives to typed text."""
    return frozenset(normalise(phrase) for phrase in phrases_of_all(key))


@cache
def any_phrase(key: str) -> str:
    """Return a regular expression, without a group, for any phrase of this key in any language, folded; the longest
    first.
    """
    return _any_of(tuple(fold(phrase) for phrase in phrases_of_all(key)))


_KEY = re.compile(r"<([a-z]+\.[a-z_]+)>")


@cache
def pattern(template: str) -> re.Pattern[str]:
    """Compile a regular expression in which the name of a key between "<" and ">" stands for any of its phrases."""
    return re.compile(_KEY.sub(lambda found: any_phrase(found[1]), template))


@cache
def any_phrase_in(language: str, key: str) -> str:
    """Return the same for one language. It matches nothing if the language lacks such words."""
    return _any_of(tuple(fold(phrase) for phrase in phrases(language, key)))


def _any_of(folded: tuple[str, ...]) -> str:
    ordered = sorted(dict.fromkeys(folded), key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, ordered))})" if ordered else r"(?!)"


@cache
def numbered(language: str, key: str) -> Mapping[str, int]:
    """Return word → number, by its place in the list: from 0 for number words and weekdays, from 1 for months and
    hundreds.
    """
    start = 1 if key in (MONTHS, HUNDREDS) else 0
    return {
        _as_one_word(spelling): number
        for number, spellings in enumerate(phrases(language, key), start)
        for spelling in spellings.split("/")
    }


def _as_one_word(spelling: str) -> str:
    return "".join(WORD.findall(fold(spelling)))


@cache
def _of_several_words(language: str, keys: tuple[str, ...]) -> re.Pattern[str]:
    spelled = (word for key in keys for spellings in phrases(language, key) for word in spellings.split("/"))
    several = sorted((WORD.findall(fold(word)) for word in spelled), key=len, reverse=True)  # 97 before 90 and 80
    return re.compile("|".join(rf"\b{'[- ]'.join(words)}\b" for words in several if len(words) > 1) or r"(?!)")


def joined_number_words(said: str, language: str, *, with_hundreds: bool = False) -> str:
    """The folded text with a number of several words as one: "dix-sept" is "dixsept" in `numbered`."""
    keys = (NUMBERS, HUNDREDS) if with_hundreds else (NUMBERS,)
    return _of_several_words(language, keys).sub(lambda found: _as_one_word(found[0]), said)


@cache
def numbered_in_all(language: str, key: str) -> Mapping[str, int]:
    """The words of the reader's language. Of the other languages, only long words that nobody abbreviates."""
    others = {w: n for other in LANGUAGES for w, n in numbered(other, key).items() if len(w) > 4}
    return {**others, **numbered(language, key)}


MONTHS, WEEKDAYS, NUMBERS, HUNDREDS = "reading.months", "reading.weekdays", "reading.numbers", "reading.hundreds"


@cache
def number_parts(language: str) -> Mapping[str, int]:
    """Return the words from zero to ninety-nine and the hundreds of a language, with their numbers."""
    return {**{word: 100 * n for word, n in numbered(language, HUNDREDS).items()}, **numbered(language, NUMBERS)}


@cache
def number_words() -> frozenset[str]:
    """Return every number word of every language, without those that usually mean something else."""
    spelled = (word for language in LANGUAGES for word in numbered(language, NUMBERS))
    return frozenset(spelled) - known_words("reading.articles")


@cache
def multipliers() -> Mapping[str, int]:
    """Return the words that multiply the number before them: "mil", "docenas"."""
    return {
        **dict.fromkeys(known_words("reading.thousand"), 1_000),
        **dict.fromkeys(known_words("reading.million"), 1_000_000),
        **{fold(word): int(n) for word, _, n in (each.partition("=") for each in phrases_of_all("reading.groups"))},
    }


@cache
def changing_words() -> frozenset[str]:
    """Return the words that change the number beside them in a way that the bot does not compute."""
    return known_words("reading.beyond").union(multipliers())
