"""What people type where no question is open: a greeting, thanks, "ya lo mandé", a command without its slash.

It is a table, not a guess: the phrases of `said.…` in each language's `language.po`, and the names of the commands.
Nothing here acts. Whoever says "no puedo hoy" is shown what they may do about it, so a phrase that is understood
wrongly costs a tap.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from operator import contains, eq

from conversations.languages import FIRST, LANGUAGES, phrases, tables
from conversations.session.reading.text import known, normalise, symbols

LONGEST = 300
"""Characters; a longer message is no utterance."""
_SAID, _NAMED, _BESIDE = "said.", "named.", "said.beside"
_POLITE = frozenset({"greeting", "thanks", "agreed"})

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was meant: the rest of a key of `said.…`, or the value of a route."""

    meaning: str
    is_all: bool
    """Whether nothing else was said, but for words that change nothing."""


def understood(text: str, language: str) -> Utterance | None:
    """What was meant, in whatever language; the person's own decides between two.

    Accents, case, punctuation and a slip of the finger do not matter. A phrase within a longer message counts if few
    words are left over; the longest one counts, and exact before nearly so. None for what is not in the table.
    """
    said = _words(text) if len(text) <= LONGEST else ()
    if not said:
        return Utterance("agreed", is_all=True) if symbols(text) else None
    languages = (language, *(code for code in LANGUAGES if code != language))
    for code in languages:
        if (meaning := _whole(code).get(said)) is not None:
            return Utterance(meaning, is_all=True)
    found = [each for place, code in enumerate(languages) for each in _within(said, code, place)]
    if not found:
        return None
    best = max(found)
    return Utterance(best.meaning, is_all=best.left_over == 0)


def significant(text: str) -> Words:
    """The words of a text that may name something: none of those that stand beside it in any language."""
    return tuple(word for word in _words(text) if len(word) > 2 and word not in _beside_any())


def is_nearly(typed: str, meant: str) -> bool:
    """Whether a word is another with one slip: a letter too many, too few, another, or two changed over.

    Short words have too many neighbours, and numbers are exact.
    """
    if typed == meant:
        return True
    if min(len(typed), len(meant)) < 4 or abs(len(typed) - len(meant)) > 1 or not meant.isalpha():
        return False
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


# ------------------------------------------------------------------ what is mentioned
@dataclass(frozen=True, slots=True)
class Named:
    """Something that has a code and names, one or more, in any language."""

    code: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Codes of what a text speaks of. `is_sure`: there is one, and nothing else of weight was said."""

    codes: tuple[str, ...]
    is_sure: bool


def mentioned_code(text: str, codes: Iterable[str]) -> str | None:
    """The code that stands in a text: "ABC-102", "abc102", "la abc 102"."""
    said = _words(text) if len(text) <= LONGEST else ()
    pieces = {"".join(said[at : at + length]) for length in (1, 2, 3) for at in range(len(said) - length + 1)}
    return next((code for code in codes if normalise(code).replace(" ", "") in pieces), None)


def mentioned_names(text: str, among: Collection[Named], most: int = 3) -> Mentioned:
    """Whose name the words of a text are taken from: a rare word counts for more than one that many names have."""
    wanted = significant(text) if len(text) <= LONGEST else ()
    words = {one.code: {word for name in one.names for word in known(name).split()} for one in among}
    scores = dict.fromkeys(words, 0.0)
    heard: dict[str, int] = dict.fromkeys(words, 0)
    for word in wanted:
        having = [code for code, its in words.items() if any(_is_of(word, each) for each in its)]
        for code in having:
            scores[code] += 1 / len(having)
            heard[code] += 1
    ranked = sorted((code for code in scores if heard[code]), key=lambda code: -scores[code])
    if not ranked:
        return Mentioned((), is_sure=False)
    best = [code for code in ranked if heard[code] == max(heard.values())]
    if len(best) == 1 and heard[best[0]] == len(wanted):
        return Mentioned((best[0],), is_sure=True)
    if max(heard.values()) * 2 < len(wanted):
        return Mentioned((), is_sure=False)  # most of what was said is about something else
    return Mentioned(tuple(best[:most]), is_sure=False)


def _is_of(typed: str, word: str) -> bool:
    """The word, its beginning, or the word with a slip."""
    return (len(typed) > 3 and word.startswith(typed)) or (len(word) > 4 and is_nearly(typed, word))


# ------------------------------------------------------------------ the table
@dataclass(frozen=True, slots=True, order=True)
class _Found:
    """A phrase in a text; of two, the greater one counts: "gracias, ya lo envié" says that it was sent."""

    is_more_than_polite: bool
    letters: int
    exact: int
    own: int
    first: int
    meaning: str
    left_over: int


def _within(said: Words, language: str, place: int) -> Iterator[_Found]:
    """Each phrase of a language that a text has, if few words are left over beside it."""
    near = [_near(word) for word in said]
    beside = [word in _beside_any() for word in said]
    for at, starts in enumerate(near):
        for rank, phrase, meaning, is_alone in (each for word in starts for each in _beginning(language).get(word, ())):
            ends = at + len(phrase)
            if ends > len(said) or not all(map(contains, near[at:ends], phrase)):
                continue
            left_over = beside[:at].count(False) + beside[ends:].count(False)
            is_foreign_word = place > 0 and len(phrase) == 1 and meaning not in _POLITE
            must_be_alone = is_alone or is_foreign_word
            if left_over <= (0 if must_be_alone else 2 * len(phrase) - 1):
                exact = sum(map(eq, said[at:ends], phrase))
                letters = sum(map(len, phrase))
                yield _Found(meaning not in _POLITE, letters, exact, -place, -rank, meaning, left_over)


@cache
def _beginning(language: str) -> Mapping[str, list[tuple[int, Words, str, bool]]]:
    """The phrases of a language by their first word, each with its place in the table."""
    table: dict[str, list[tuple[int, Words, str, bool]]] = {}
    for rank, (words, meaning, is_alone) in enumerate(_phrases(language)):
        table.setdefault(words[0], []).append((rank, words, meaning, is_alone))
    return table


def _near(typed: str) -> frozenset[str]:
    """The words of the table that a word may be, itself among them."""
    close = (word for less in _one_less(typed) for word in _by_one_less().get(less, ()) if is_nearly(typed, word))
    return frozenset((typed, *close))


@cache
def _by_one_less() -> Mapping[str, set[str]]:
    """Every word of the table by itself and by what is left of it without one letter: so a slip is found at once."""
    table: dict[str, set[str]] = {}
    for word in {word for code in LANGUAGES for words, _, _ in _phrases(code) for word in words}:
        for less in _one_less(word):
            table.setdefault(less, set()).add(word)
    return table


def _one_less(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))} if 3 < len(word) < 25 else {word}


@cache
def _phrases(language: str) -> tuple[tuple[Words, str, bool], ...]:
    """What is looked for within a text, what it means, and whether it must be all that is said.

    So must the name of a command: "plan" is in every other sentence.
    """
    return tuple(
        (_words(phrase.replace("_", " ")), key.removeprefix(prefix), prefix == _NAMED)
        for prefix in (_SAID, _NAMED)
        for key in tables(FIRST)
        if key.startswith(prefix) and key != _BESIDE
        for phrase in phrases(language, key)
    )


@cache
def _whole(language: str) -> Mapping[Words, str]:
    """What a whole text is looked up in; what a phrase means goes before the name of a command."""
    return {words: meaning for words, meaning, _ in reversed(_phrases(language))}


@cache
def _beside_any() -> frozenset[str]:
    """Single words that may stand beside a phrase without changing it, in every language."""
    return frozenset(
        word for code in LANGUAGES for phrase in phrases(code, _BESIDE) for word in _words(phrase)
    )  # fmt: skip


def _words(text: str) -> Words:
    return tuple(normalise(text).split())
