"""What a text is likely to mean that is no phrase of the table: how alike it is to each phrase.

People say the same in more ways than a table has. Two texts are alike if they share words, and more so if the words
are rare and stand beside each other in both. The likeliest meaning is followed only if it is far ahead of the others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise
from math import exp, log, sqrt

from conversations.session.reading.meanings import POLITE
from conversations.session.reading.phrase_table import PhraseTable, akin_words, near_words, table_of
from conversations.session.reading.spelled import said_words
from conversations.session.reading.text import normalise
from conversations.session.reading.utterances import DENIES, LONGEST, SLIP, language_of

LIKELY = 0.2
"""A meaning is offered if it weighs this much."""
SURE, CLEAR = 0.35, 0.12
"""A meaning is followed if it weighs this much, and so much more than the next one."""
FAR = 0.55
"""So much ahead of the next one, a meaning is the only one."""
SURELY_POLITE = 0.93
"""Thanks need more weight: a reaction is no answer to a wish."""
BESIDE, APART = 1.2, 0.6
"""The weight of two neighbours, and of two words with one between them, beside that of their words."""
PAIR = 1.3
AKIN = 0.6
"""The weight of a word with another ending than the table's."""
UNKNOWN = 0.6
"""The weight of a word that the table lacks, beside that of its rarest words. It makes a text less alike."""
LIKEST = (0.6, 0.25, 0.15)
"""How much the likest phrases of a meaning count, the likest one first."""
SHARED = 0.4
"""How much it counts that the words of a text stand in the phrases of a meaning, wherever."""
EXPECTED, SMOOTH, TEMPER = 0.4, 20, 1.5
"""How much it counts how probable a meaning is by each word alone; how many words are added to those of each meaning,
so that none is impossible; and how much less sure it is, because words do not stand alone."""
DENIED = 0.7
"""How much a phrase counts if only the text denies what it says, or if only the phrase denies something."""
USUAL = 16
"""A word that one of so many phrases has says too little to look for them: it counts only where others were found."""
COMPARED = 80
"""Phrases that are compared word by word: those that share the rarest words with the text."""
START = 4
_CLAUSE = re.compile(r"([^,.;:!?\n]+)([,.;:!?\n]?)")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Likely:
    """What a text may mean. The weight of a text that is a phrase, word for word, is more than one."""

    meaning: str
    weight: float
    is_denied: bool = False
    """Whether the text denies what the likest phrase of this meaning says: "no necesito ayuda"."""


def likely(text: str, language: str) -> tuple[Likely, ...]:
    """Return what a text may mean, in the language that knows most of its words, the likeliest first."""
    if len(text) > LONGEST:
        return ()
    code = language_of(text, language)
    table = table_of(code)
    names = [word for word in _written_as_names(text) if not table.count_meanings(word)]
    said = [word for word in said_words(text, code) if not word.isdecimal() and word not in names]
    meant = {word: _readings(word, table) for word in dict.fromkeys(said)}
    denied = _denied(text, code, table)
    alike = _alike([next(iter(meant[word]), word) for word in said], meant, denied, table)
    shared, expected = _shared(meant, table), _expected(meant, table)
    found = (
        Likely(meaning, weight + SHARED * shared.get(meaning, 0) + EXPECTED * expected[meaning], is_denied)
        for meaning, (weight, is_denied) in alike.items()
    )
    return tuple(sorted(found, key=lambda each: (-each.weight, each.meaning)))


def worth_offering(found: Sequence[Likely]) -> tuple[str, ...]:
    """Return the meanings that are likely enough to be offered. Politeness is left out."""
    return tuple(each.meaning for each in found if each.weight >= LIKELY and each.meaning not in POLITE)


def is_far_ahead(found: Sequence[Likely]) -> bool:
    """Whether the likeliest meaning leaves every other one so far behind that the text has no second wish."""
    first, second = (*found, Likely("", 0), Likely("", 0))[:2]
    return first.weight - second.weight >= FAR


def surest(found: Sequence[Likely]) -> str:
    """Return the likeliest meaning, if no other is nearly as likely. Blank otherwise."""
    first, second = (*found, Likely("", 0), Likely("", 0))[:2]
    least = SURELY_POLITE if first.meaning in POLITE else SURE
    is_sure = first.weight >= least and first.weight - second.weight >= CLEAR
    return first.meaning if is_sure and not first.is_denied else ""


def _readings(word: str, table: PhraseTable) -> Mapping[str, float]:
    """The words of the table that a typed word may be, and how much each counts."""
    if table.count_meanings(word):
        return {word: 1}
    near = {each: SLIP for each in sorted(near_words(word)) if table.count_meanings(each)}
    return near or {each: AKIN for each in akin_words(word, START) if table.count_meanings(each)}


def _shared(meant: Mapping[str, Mapping[str, float]], table: PhraseTable) -> dict[str, float]:
    """Return, for each meaning, the part that it has in the words of a text. Together they are one."""
    parts: dict[int, float] = {}
    for readings in meant.values():
        for word, counts in readings.items():
            # Twice as many phrases count less than twice.
            roots = [(meaning, sqrt(times)) for meaning, times in table.counts_of(word)]
            weight = counts * table.weight(word) / len(readings) / sum(root for _, root in roots)
            for meaning, root in roots:
                parts[meaning] = parts.get(meaning, 0) + weight * root
    together = sum(parts.values())
    return {table.meanings[meaning]: part / together for meaning, part in parts.items()}


def _expected(meant: Mapping[str, Mapping[str, float]], table: PhraseTable) -> dict[str, float]:
    """Return, for each meaning, how probable it is if each word says by itself what is meant (naive Bayes).

    A word speaks against a meaning that has many words and not this one; a word with a slip says less. All meanings are
    equally usual beforehand.
    """
    words = [next(iter(readings.items())) for readings in meant.values() if readings]
    together = sum(table.told)
    count = sum(sureness for _, sureness in words)
    logs = [count * log(SMOOTH / (times + SMOOTH)) for times in table.told]
    for word, sureness in words:
        counts = list(table.counts_of(word))
        usual = SMOOTH * sum(times for _, times in counts) / together
        for meaning, times in counts:
            logs[meaning] += sureness * log(1 + times / usual)
    most = max(logs)
    odds = [exp((each - most) / TEMPER) for each in logs]
    all_odds = sum(odds)
    return {meaning: each / all_odds for meaning, each in zip(table.meanings, odds, strict=True)}


def _alike(
    said: Sequence[str], meant: Mapping[str, Mapping[str, float]], denied: frozenset[str], table: PhraseTable
) -> dict[str, tuple[float, bool]]:
    """Return, for each meaning, how alike its likest phrases are to a text: the cosine of their words and pairs.

    And whether the text denies what the likest one says: a denial elsewhere in the text ("I did it, do not write any
    more") says nothing about it.
    """
    weights = {word: counts * table.weight(word) ** 2 for its in meant.values() for word, counts in its.items()}
    pairs = dict(_pairs(said))
    length = sum(max(map(table.weight, each), default=UNKNOWN * table.rarest) ** 2 for each in meant.values())
    length += _of_pairs(pairs, table)
    denies = not table.denials.isdisjoint(said)
    found: dict[str, list[tuple[float, bool]]] = {}
    for place in _nearest(weights, table):
        words = [word for word in table.phrase(place) if not word.isdecimal()]
        its = dict(_pairs(words))
        both = sum(its[pair] * pairs[pair] * _pair_weight(pair, table) ** 2 for pair in its.keys() & pairs.keys())
        shared = sum(weights.get(word, 0) for word in dict.fromkeys(words))
        is_denied = table.denials.isdisjoint(words) and not denied.isdisjoint(words)
        differs = is_denied or not (denies or table.denials.isdisjoint(words))
        long = table.lengths[place] ** 2 + _squares(table.language, place)
        cosine = (DENIED if differs else 1) * (shared + both) / sqrt(long * length)
        found.setdefault(table.meaning(place), []).append((cosine, is_denied))
    return {meaning: _likest(some) for meaning, some in found.items()}


def _nearest(weights: Mapping[str, float], table: PhraseTable) -> list[int]:
    """Return the phrases to compare a text with: those that share the weightiest words with it.

    A word that very many phrases have finds none, unless the text has no other words.
    """
    rare = [word for word in weights if table.count_phrases(word) * USUAL <= len(table.meant)]
    scores: dict[int, float] = {}
    for word in rare or weights:
        for place in table.having(word):
            scores[place] = scores.get(place, 0) + weights[word]
    lengths = table.lengths
    ranked = [(score / lengths[place], -place) for place, score in scores.items() if lengths[place]]
    return [-place for _, place in nlargest(COMPARED, ranked)]


def _likest(some: list[tuple[float, bool]]) -> tuple[float, bool]:
    """Add up how alike the likest phrases of a meaning are."""
    likest = sorted(some, reverse=True)
    return sum(each * counts for (each, _), counts in zip(likest, LIKEST, strict=False)), likest[0][1]


def _denied(text: str, language: str, table: PhraseTable) -> frozenset[str]:
    """The words that stand behind a word that denies, in the same clause.

    A question denies nothing: "¿no hay una persona ahí?".
    """
    found: set[str] = set()
    for clause, mark in _CLAUSE.findall(text):
        said = said_words(clause, language) if mark != "?" else ()
        found.update(*(said[at + 1 : at + 1 + DENIES] for at, word in enumerate(said) if word in table.denials))
    return frozenset(found)


def _written_as_names(text: str) -> frozenset[str]:
    """The words behind the first one that are written with a capital. What they name says nothing about the wish."""
    capitals = (word for word in text.split()[1:] if word[:1].isupper())
    return frozenset() if text.isupper() else frozenset(part for word in capitals for part in normalise(word).split())


def _pairs(words: Sequence[str]) -> Iterator[tuple[Pair, float]]:
    """Two words with one between them, then neighbours: of the same two, the latter count."""
    yield from ((pair, APART) for pair in zip(words, words[2:], strict=False))
    yield from ((pair, BESIDE) for pair in pairwise(words))


def _of_pairs(pairs: Mapping[Pair, float], table: PhraseTable) -> float:
    """The part that its pairs have in the square of a text's length."""
    return sum((each * _pair_weight(pair, table)) ** 2 for pair, each in pairs.items())


@lru_cache(maxsize=4_096)
def _squares(language: str, place: int) -> float:
    """The same of a phrase."""
    table = table_of(language)
    return _of_pairs(dict(_pairs([word for word in table.phrase(place) if not word.isdecimal()])), table)


def _pair_weight(pair: Pair, table: PhraseTable) -> float:
    one, other = map(table.weight, pair)
    return PAIR * (one + other) / 2 if one and other else table.rarest / 3
