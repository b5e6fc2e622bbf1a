"""What a text is likely to mean that is no phrase of the table: how alike it is to each phrase.

People say the same in more ways than a table has. Two texts are alike if they share words, and more so if the words
are rare and stand beside each other in both. The likeliest meaning is followed only if it is far ahead of the others.
"""

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nlargest
from itertools import pairwise
from math import log, sqrt

from conversations.session.reading.text import normalise
from conversations.session.reading.utterances import (
    DENIES,
    LONGEST,
    POLITE,
    SLIP,
    Words,
    all_phrases,
    denial_words,
    is_related,
    language_of,
    near_words,
    said_words,
)

LIKELY = 0.2
"""A meaning is offered if it weighs this much."""
SURE, CLEAR = 0.35, 0.08
"""A meaning is followed if it weighs this much, and so much more than the next one."""
FAR = 0.3
"""So much ahead of the next one, a meaning is the only one."""
SURELY_POLITE = 0.65
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
SHARED = 0.5
"""How much it counts that the words of a text stand in the phrases of a meaning, wherever."""
DENIED = 0.7
"""How much a phrase counts if only the text denies what it says, or if only the phrase denies something."""
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


@dataclass(frozen=True, slots=True)
class _Index:
    """The phrases of a language, and where each word stands."""

    phrases: Sequence[tuple[Words, str]]
    lengths: Sequence[float]
    """For each phrase, how much its words weigh together, as a vector."""
    places: Mapping[str, Sequence[int]]
    shares: Mapping[str, Mapping[str, float]]
    """For each word, the part of it that each meaning has."""
    weights: Mapping[str, float]
    """A word weighs more, the fewer meanings have it."""
    starts: Mapping[str, Sequence[str]]
    rarest: float
    denials: frozenset[str]


def likely(text: str, language: str) -> tuple[Likely, ...]:
    """Return what a text may mean, in the language that knows most of its words, the likeliest first."""
    if len(text) > LONGEST:
        return ()
    code = language_of(text, language)
    index = _index(code)
    names = _written_as_names(text).difference(index.weights)
    said = [word for word in said_words(text, code) if not word.isdecimal() and word not in names]
    meant = {word: _readings(word, index) for word in dict.fromkeys(said)}
    denied = _denied(text, code, index)
    alike = _alike([next(iter(meant[word]), word) for word in said], meant, denied, index)
    shared = _shared(meant, index)
    found = (
        Likely(meaning, weight + SHARED * shared.get(meaning, 0), is_denied)
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


def _readings(word: str, index: _Index) -> Mapping[str, float]:
    """The words of the table that a typed word may be, and how much each counts."""
    if word in index.weights:
        return {word: 1}
    near = {each: SLIP for each in sorted(near_words(word)) if each in index.weights}
    akin = index.starts.get(word[:START], ())
    return near or {each: AKIN for each in akin if is_related(word, each)}


def _shared(meant: Mapping[str, Mapping[str, float]], index: _Index) -> dict[str, float]:
    """Return, for each meaning, the part that it has in the words of a text. Together they are one."""
    parts: dict[str, float] = {}
    for readings in meant.values():
        for word, counts in readings.items():
            for meaning, share in index.shares[word].items():
                parts[meaning] = parts.get(meaning, 0) + counts * share * index.weights[word] / len(readings)
    together = sum(parts.values())
    return {meaning: part / together for meaning, part in parts.items()}


def _alike(
    said: Sequence[str], meant: Mapping[str, Mapping[str, float]], denied: frozenset[str], index: _Index
) -> dict[str, tuple[float, bool]]:
    """Return, for each meaning, how alike its likest phrases are to a text: the cosine of their words and pairs.

    And whether the text denies what the likest one says: a denial elsewhere in the text ("I did it, do not write any
    more") says nothing about it.
    """
    scores: dict[int, float] = {}
    length = 0.0
    for readings in meant.values():
        length += max((index.weights[word] for word in readings), default=UNKNOWN * index.rarest) ** 2
        for word, counts in readings.items():
            weight = counts * index.weights[word] ** 2
            for place in index.places[word]:
                scores[place] = scores.get(place, 0) + weight
    pairs = dict(_pairs(said))
    length += sum((each * _pair_weight(pair, index)) ** 2 for pair, each in pairs.items())
    ahead = nlargest(COMPARED, scores, key=lambda place: scores[place] / index.lengths[place])
    denies = not index.denials.isdisjoint(said)
    found: dict[str, list[tuple[float, bool]]] = {}
    for place in ahead:
        words, meaning = index.phrases[place]
        its = dict(_pairs(words))
        long = index.lengths[place] ** 2 + sum((each * _pair_weight(pair, index)) ** 2 for pair, each in its.items())
        both = sum(its[pair] * pairs[pair] * _pair_weight(pair, index) ** 2 for pair in its.keys() & pairs.keys())
        is_denied = index.denials.isdisjoint(words) and not denied.isdisjoint(words)
        differs = is_denied or not (denies or index.denials.isdisjoint(words))
        counts = DENIED if differs else 1
        cosine = counts * (scores[place] + both) / sqrt(long * length)
        found.setdefault(meaning, []).append((cosine, is_denied))
    return {
        meaning: (sum(each * counts for (each, _), counts in zip(ranked, LIKEST, strict=False)), ranked[0][1])
        for meaning, some in found.items()
        if (ranked := sorted(some, reverse=True))
    }


def _denied(text: str, language: str, index: _Index) -> frozenset[str]:
    """The words that stand behind a word that denies, in the same clause.

    A question denies nothing: "¿no hay una persona ahí?".
    """
    found: set[str] = set()
    for clause, mark in _CLAUSE.findall(text):
        said = said_words(clause, language) if mark != "?" else ()
        found.update(*(said[at + 1 : at + 1 + DENIES] for at, word in enumerate(said) if word in index.denials))
    return frozenset(found)


def _written_as_names(text: str) -> frozenset[str]:
    """The words behind the first one that are written with a capital. What they name says nothing about the wish."""
    capitals = (word for word in text.split()[1:] if word[:1].isupper())
    return frozenset() if text.isupper() else frozenset(part for word in capitals for part in normalise(word).split())


def _pairs(words: Sequence[str]) -> Iterator[tuple[Pair, float]]:
    """Two words with one between them, then neighbours: of the same two, the latter count."""
    yield from ((pair, APART) for pair in zip(words, words[2:], strict=False))
    yield from ((pair, BESIDE) for pair in pairwise(words))


def _pair_weight(pair: Pair, index: _Index) -> float:
    one, other = (index.weights.get(word) for word in pair)
    return PAIR * (one + other) / 2 if one and other else index.rarest / 3


@cache
def _index(language: str) -> _Index:
    phrases = [
        (bare, meaning)
        for words, meaning, is_name in all_phrases(language)
        if (bare := tuple(word for word in words if not word.isdecimal())) and not (is_name and len(words) > 1)
    ]
    places: dict[str, list[int]] = {}
    having: dict[str, dict[str, int]] = {}
    for place, (words, meaning) in enumerate(phrases):
        for word in set(words):
            places.setdefault(word, []).append(place)
            times = having.setdefault(word, {})
            times[meaning] = times.get(meaning, 0) + 1
    meanings = len({meaning for _, meaning in phrases})
    starts: dict[str, list[str]] = {}
    for word in having:
        if len(word) >= START:
            starts.setdefault(word[:START], []).append(word)
    weights = {word: log(1 + meanings / len(times)) for word, times in having.items()}
    return _Index(
        phrases,
        array("d", (sqrt(sum(weights[word] ** 2 for word in set(words))) for words, _ in phrases)),
        places,
        {word: _parts(times) for word, times in having.items()},
        weights,
        starts,
        log(1 + meanings),
        denial_words(language),
    )


def _parts(times: Mapping[str, int]) -> Mapping[str, float]:
    """The part that each meaning has in a word. Twice as many phrases count less than twice."""
    roots = {meaning: sqrt(each) for meaning, each in times.items()}
    together = sum(roots.values())
    return {meaning: root / together for meaning, root in roots.items()}
