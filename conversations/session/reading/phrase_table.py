"""The phrases of each language as numbers, so that all of them take little memory.

People mix languages, so whoever writes where nothing is asked has the tables of all of them looked into. As tuples of
words in dictionaries they took 28 MB. Here a word is a number, and a phrase is a run of numbers.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from math import log, sqrt

from conversations.languages import LANGUAGES
from conversations.session.reading.spelled import Words, beside_words, denial_words, entries, ways_of_saying

_WORDS = 1 << 16
"""Words that a language may have: a number of two bytes."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Rows of numbers, one row after another."""

    ends: "array[int]"
    numbers: "array[int]"

    @classmethod
    def of(cls, typecode: str, rows: Iterable[Iterable[int]]) -> "_Runs":
        ends, numbers = array("I", [0]), array(typecode)
        for row in rows:
            numbers.extend(row)
            ends.append(len(numbers))
        return cls(ends, numbers)

    def row(self, place: int) -> "array[int]":
        return self.numbers[self.ends[place] : self.ends[place + 1]]

    def length(self, place: int) -> int:
        return self.ends[place + 1] - self.ends[place]


@dataclass(frozen=True, slots=True)
class PhraseTable:
    """The phrases of a language in their order, each by its place."""

    language: str
    words: Sequence[str]
    numbers: Mapping[str, int]
    meanings: Sequence[str]
    said: _Runs
    """The words of each phrase."""
    meant: "array[int]"
    names_from: int
    """The first place of the names of commands. They are whole texts; all phrases before them may be parts."""
    openings: "array[int]"
    """The first two words of each phrase as one number, in ascending order."""
    opened: "array[int]"
    """The phrases, in the order of `openings`."""
    places: _Runs
    """The phrases that have each word, once each."""
    counted: _Runs
    """For each word, the meanings that have it. Longer names do not count."""
    times: _Runs
    """In how many phrases of each of these meanings the word is."""
    told: "array[int]"
    """For each meaning, how many words its phrases have, the same word once a phrase."""
    weights: "array[float]"
    """How much each word weighs: more, the fewer meanings have it."""
    lengths: "array[float]"
    """For each phrase, how much its words weigh together, as a vector. 0: it is no sentence, or has numbers only."""
    denials: frozenset[str]

    def phrase(self, place: int) -> Words:
        words = self.words
        return tuple([words[each] for each in self.said.row(place)])

    def meaning(self, place: int) -> str:
        return self.meanings[self.meant[place]]

    def is_name(self, place: int) -> bool:
        return place >= self.names_from

    def having(self, word: str) -> Sequence[int]:
        """Return the phrases that have a word."""
        number = self.numbers.get(word)
        return () if number is None else self.places.row(number)

    def count_phrases(self, word: str) -> int:
        number = self.numbers.get(word)
        return 0 if number is None else self.places.length(number)

    def beginning(self, first: str, second: str = "") -> Iterator[int]:
        """Return the phrases that begin with these two words, or that are this single word."""
        one, other = self.numbers.get(first), self.numbers.get(second, -1)
        if one is not None and (other >= 0 or not second):
            opening = _opening(one, other)
            at = bisect_left(self.openings, opening)
            while at < len(self.openings) and self.openings[at] == opening:
                yield self.opened[at]
                at += 1

    def counts_of(self, word: str) -> Iterator[tuple[int, int]]:
        """Return each meaning, by its place, that has a word, and in how many phrases. Longer names do not count."""
        number = self.numbers.get(word)
        if number is not None:
            yield from zip(self.counted.row(number), self.times.row(number), strict=True)

    def count_meanings(self, word: str) -> int:
        """Return how many meanings have a word."""
        number = self.numbers.get(word)
        return 0 if number is None else self.counted.length(number)

    def weight(self, word: str) -> float:
        """Return how much a word weighs. 0 if no meaning has it."""
        number = self.numbers.get(word)
        return 0 if number is None else self.weights[number]

    @property
    def rarest(self) -> float:
        """The weight of a word that one meaning has."""
        return log(1 + len(self.meanings))

    def whole(self, said: Words) -> str | None:
        """Return the meaning of a text that is a phrase, word for word. A phrase wins over the name of a command."""
        same = (place for place in self.beginning(*said[:2]) if self.phrase(place) == said)
        place = min(same, default=None)
        return None if place is None else self.meaning(place)


@cache
def table_of(language: str) -> PhraseTable:
    """Return the table of a language. It is made when somebody types for the first time."""
    told, names_from = _phrases(language)
    words = sorted({word for said, _ in told for word in said})
    if len(words) >= _WORDS:
        raise ValueError(f"the table of {language} has more than {_WORDS} words")
    numbers = {word: number for number, word in enumerate(words)}
    meanings = tuple(dict.fromkeys(meaning for _, meaning in told))
    said = [[numbers[word] for word in phrase] for phrase, _ in told]
    meant = array(
        "B", map({meaning: place for place, meaning in enumerate(meanings)}.__getitem__, [m for _, m in told])
    )
    compared = [place < names_from or len(phrase) == 1 for place, phrase in enumerate(said)]
    places, counts = _where_words_are(said, meant, compared, len(words))
    weights = [_weight(word, its, len(meanings)) for word, its in zip(words, counts, strict=True)]
    openings = [_opening(*phrase[:2]) for phrase in said]
    opened = sorted(range(len(said)), key=openings.__getitem__)
    together = sum(counts, Counter[int]())
    return PhraseTable(
        language,
        words,
        numbers,
        meanings,
        _Runs.of("H", said),
        meant,
        names_from,
        array("I", map(openings.__getitem__, opened)),
        array("I", opened),
        _Runs.of("I", places),
        _Runs.of("B", counts),
        _Runs.of("I", map(Counter.values, counts)),
        array("I", map(together.__getitem__, range(len(meanings)))),
        array("f", weights),
        array("f", map(partial(_length, weights), said, compared)),
        denial_words(language),
    )


def _phrases(language: str) -> tuple[list[tuple[Words, str]], int]:
    """The phrases of a language, written out, each once for a meaning; and how many of them are no names."""
    of_each: tuple[dict[tuple[Words, str], None], dict[tuple[Words, str], None]] = {}, {}
    for phrase, meaning, is_name in entries(language):
        for said in ways_of_saying(phrase, language):
            of_each[is_name][said, meaning] = None
    return [*of_each[False], *of_each[True]], len(of_each[False])


def _where_words_are(
    said: Sequence[Sequence[int]], meant: Sequence[int], compared: Sequence[bool], words: int
) -> tuple[list[list[int]], list[Counter[int]]]:
    """Return, for each word, the phrases that have it; and in how many phrases of each meaning that are `compared`."""
    places: list[list[int]] = [[] for _ in range(words)]
    counts = [Counter[int]() for _ in range(words)]
    for place, phrase in enumerate(said):
        for word in set(phrase):
            places[word].append(place)
            if compared[place]:
                counts[word][meant[place]] += 1
    return places, counts


def _opening(first: int, second: int = -1) -> int:
    return first * _WORDS + second + 1


def _weight(word: str, its: Counter[int], meanings: int) -> float:
    return log(1 + meanings / len(its)) if its and not word.isdecimal() else 0


def _length(weights: Sequence[float], said: Sequence[int], is_compared: bool) -> float:
    return sqrt(sum(weights[word] ** 2 for word in set(said))) if is_compared else 0


def prepare() -> None:
    """Make the tables of all languages, so that nobody waits for them while a text is read."""
    for make in (wish_words, table_words, _both_ways):
        make()


# ------------------------------------------------------------------ words
@cache
def table_words() -> frozenset[str]:
    """Each word of the table, in every language."""
    return beside_words().union(*(table_of(code).words for code in LANGUAGES))


@cache
def wish_words() -> frozenset[str]:
    """Each word of the table that wants something: all but those that only tell what was done."""
    return _words_of(lambda meaning: meaning != "told")


@cache
def seeking_words() -> frozenset[str]:
    """Each word with which something is looked for."""
    return _words_of(lambda meaning: meaning == "buscar")


def _words_of(is_wanted: Callable[[str], bool]) -> frozenset[str]:
    """The words of the phrases of some meanings, in every language, and those that may stand beside any phrase."""
    return beside_words().union(
        word
        for table in map(table_of, LANGUAGES)
        for word in table.words
        if any(is_wanted(table.meaning(place)) for place in table.having(word))
    )


def is_nearly(typed: str, meant: str) -> bool:
    """Whether a word is another one with one typing mistake: a letter added, missing or changed, or two letters
    swapped.

    Short words would match too many others, and numbers must be exact.
    """
    if typed == meant:
        return True
    if not -1 <= len(typed) - len(meant) <= 1 or min(len(typed), len(meant)) < 4 or not meant.isalpha():
        return False
    if typed[0] != meant[0] and typed[-1] != meant[-1]:
        return False  # one mistake leaves the first letter or the last one: three of four words are compared no further
    start = next((at for at, (one, other) in enumerate(zip(typed, meant, strict=False)) if one != other), None)
    if start is None:
        return True  # the last letter is missing, or one too many
    ends = 0
    while ends < min(len(typed), len(meant)) - start and typed[-1 - ends] == meant[-1 - ends]:
        ends += 1
    one, other = typed[start : len(typed) - ends], meant[start : len(meant) - ends]
    if len(one) == len(other) == 1:
        return len(meant) > 4  # another letter: "hora" is not "hola"
    return one == other[::-1] if len(one) == len(other) == 2 else not (one and other)


def is_related(typed: str, meant: str) -> bool:
    """Whether a word is another one with a typing mistake or another ending: "mande" and "mandar", "reporto" and
    "reportar".
    """
    if is_nearly(typed, meant):
        return True
    longer = max(len(typed), len(meant))
    alike = next((at for at, (one, other) in enumerate(zip(typed, meant, strict=False)) if one != other), None)
    return (min(len(typed), len(meant)) if alike is None else alike) >= max(4, longer - 4)


@lru_cache(maxsize=4_096)
def near_words(typed: str) -> frozenset[str]:
    """Return the words of the table that a typed word may mean, the word itself included.

    A mistake is at one place. So what stands before it or what stands behind it, in the halves of the word, is right.
    """
    if len(typed) < 4:
        return frozenset((typed,))
    half = (len(typed) - 1) // 2
    forward, backward = _both_ways()
    alike = (*_starting(forward, typed[:half]), *(each[::-1] for each in _starting(backward, typed[half + 1 :][::-1])))
    return frozenset((typed, *(word for word in alike if is_nearly(typed, word))))


def akin_words(typed: str, letters: int) -> Iterator[str]:
    """Return the words of the tables that are another form of a typed one, and begin with the same letters."""
    if len(typed) >= letters:
        yield from (word for word in _starting(_both_ways()[0], typed[:letters]) if is_related(typed, word))


def _starting(ordered: Sequence[str], start: str) -> Sequence[str]:
    return ordered[bisect_left(ordered, start) : bisect_right(ordered, f"{start}\uffff")]


@cache
def _both_ways() -> tuple[Sequence[str], Sequence[str]]:
    """The words of all tables in alphabetical order, and so backwards."""
    words = sorted({word for code in LANGUAGES for word in table_of(code).words})
    return words, sorted(word[::-1] for word in words)
