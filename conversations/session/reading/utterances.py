"""The meaning of text that is typed where no question is open: a greeting, thanks, "ya lo mandé", a command without its
slash.

It comes from a table, not from a guess: the phrases of `said.…` in each language's `language.po`, and the names of the
commands. Nothing here acts. A person who says "no puedo hoy" is shown what they can do about it. So a phrase that was
misunderstood costs one tap.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import contains, eq

from conversations.languages import LANGUAGES
from conversations.session.reading.meanings import POLITE
from conversations.session.reading.phrase_table import (
    is_nearly,
    near_words,
    seeking_words,
    table_of,
    table_words,
    wish_words,
)
from conversations.session.reading.spelled import Words, beside_words, denial_words, said_words, words_of
from conversations.session.reading.text import fold, known, normalise, plain, symbols
from conversations.session.reading.vocabulary import any_phrase

LONGEST = 300
"""Characters. A longer message is not searched for a meaning."""
_CODE = re.compile(r"\b([a-z]{2,6}) ?([0-9]{1,4})\b")
_DOTTED = re.compile(r"(?<![0-9.,])[0-9]\.[0-9]\.[0-9]{1,2}(?![0-9.])")
_NUMBERED = re.compile(r"(?<=\s)[0-9]\.[0-9]{1,2}(?=[\s,;:!?]|$)(?! ?%)")
_DASHED = re.compile(r"\b[A-Za-z]{2,4}[0-9]?-[A-Za-z]?[0-9]{1,4}\b")
_UPSET, _PUZZLED = frozenset("😭😢😡🤬😠😤🙄😩😫😞😔😖😣🤦👎😓😰"), frozenset("🤷🤔😕🧐😵🤨🫤🤯")
LITTLE = 4
"""Words that are less than a sentence."""
TELLING = 0.3
"""The least weight of the words of a name: a word that four names share is too little alone."""
SLIP = 0.8
"""The weight of a word that was typed with a slip."""
DENIES = 3
"""Words of a phrase's left neighbourhood in which a word denies it."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """The meaning of a text: the rest of a key of `said.…`, or the value of a route."""

    meaning: str
    is_all: bool
    """Whether nothing else was said, except words that change nothing."""
    is_sure: bool = True
    """Whether less was left over than was understood."""
    is_whole: bool = False
    """Whether the text is a phrase of the table, word for word."""

    @property
    def is_polite(self) -> bool:
        """Whether the text says nothing that could be answered: a greeting, thanks, "ok"."""
        return self.meaning in POLITE


def understood(text: str, language: str) -> Utterance | None:
    """Return what a text means, in any language. If it means something in two, the person's own language counts.

    Accents, case, punctuation, apostrophes, usual short forms and one typing mistake do not matter. A phrase inside a
    longer message counts if few other words are left. Of several phrases, the longest counts; then an exact one before
    a similar one; then one whose words stand in order. None if the table has no such phrase.
    """
    if len(text) > LONGEST:
        return None
    if not words_of(text):
        return _drawn(symbols(text))
    languages = _from(language)
    for code in languages:
        if (meaning := table_of(code).whole(said_words(text, code))) is not None:
            return Utterance(meaning, is_all=True, is_whole=True)
    found = [each for place, code in enumerate(languages) for each in _within(said_words(text, code), code, place)]
    thanks = [each for each in found if each.is_polite]
    candidates = (each for each in found if not any(each.is_part(of) for of in thanks))
    best = max(candidates, key=lambda each: each.order, default=None)
    if best is None:
        return None
    return Utterance(best.meaning, best.left_over == 0, is_sure=best.left_over < len(best.phrase))


def _drawn(faces: frozenset[str]) -> Utterance | None:
    """Return the meaning of a text of nothing but emoji."""
    if not faces:
        return None
    meaning = "human" if faces & _UPSET else "ayuda" if faces & _PUZZLED else "agreed"
    return Utterance(meaning, is_all=True, is_whole=True)


def language_of(text: str, own: str) -> str:
    """Return the language that knows most of the words of a text. If two know as many, `own` counts."""
    return max(_from(own), key=lambda each: _known_letters(said_words(text, each), each))


def _known_letters(said: Words, language: str) -> int:
    table = table_of(language)
    return sum(len(word) for word in said if table.count_meanings(word))


def _from(language: str) -> tuple[str, ...]:
    return (language, *(code for code in LANGUAGES if code != language))


def significant(text: str) -> Words:
    """Return the words of a text that may be part of a name. Words that are usual beside a phrase are left out."""
    return tuple(word for word in words_of(text) if len(word) > 2 and word not in beside_words())


def count_words(text: str) -> int:
    """Return how many words a text has. Numbers do not count."""
    return sum(not word.isdecimal() for word in words_of(text))


# ------------------------------------------------------------------ what is mentioned
@dataclass(frozen=True, slots=True)
class Named:
    """Something with a code and with names in one or more languages."""

    code: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mentioned:
    """The codes that a text mentions. `is_sure`: there is one code, and the text says nothing else of weight."""

    codes: tuple[str, ...]
    is_sure: bool


def mentioned_code(text: str, codes: Iterable[str]) -> str | None:
    """Return the code that a text contains: "ABC-102", "abc102", "la abc 102".

    A code that is also a word counts in capitals, or alone: "ONE" is an office, and "one" in a sentence is not.
    """
    said = words_of(text) if len(text) <= LONGEST else ()
    pieces = {"".join(said[at : at + length]) for length in (1, 2, 3) for at in range(len(said) - length + 1)}
    found = (code for code in codes if normalise(code).replace(" ", "") in pieces)
    return next(
        (code for code in found if len(said) == 1 or code in text or normalise(code) not in table_words()), None
    )


def foreign_code(text: str, codes: Iterable[str], *, may_be_number: bool = False) -> str | None:
    """Return a word that is written like these codes, or like most codes: "ABC-902", "PV-3", "2.1.4".

    With `may_be_number`, "3.2" is one too. It does not say whether such a code exists.
    """
    if len(text) > LONGEST:
        return None
    starts = {found[1]: code for code in codes if (found := _CODE.fullmatch(normalise(code)))}
    for found in _CODE.finditer(normalise(text)):
        if (like := starts.get(found[1])) is not None:
            return f"{re.split('[^A-Za-z]', like, maxsplit=1)[0]}-{found[2]}"
    written = _DASHED.search(text) or _DOTTED.search(text) or (_NUMBERED.search(text) if may_be_number else None)
    return written[0].upper() if written else None


def numbers_an_item(text: str) -> bool:
    """Whether a number stands behind the word for what a plan numbers, and little else is said: "actividad 2.3"."""
    number = rf"\b{any_phrase('reading.items')} (?:n\S{{0,2}} )?[0-9]\.[0-9]"
    return count_words(text) < LITTLE and re.search(number, fold(plain(text))) is not None


def mentioned_names(text: str, among: Collection[Named], most: int = 3) -> Mentioned:
    """Find whose names contain the words of a text. A rare word counts more than a word that many names have."""
    wanted = significant(text) if len(text) <= LONGEST else ()
    words = {one.code: {word for name in one.names for word in known(name).split()} for one in among}
    scores = dict.fromkeys(words, 0.0)
    heard: dict[str, int] = dict.fromkeys(words, 0)
    having = _having(wanted, words)
    for word in wanted:
        for code in having[word]:
            scores[code] += 1 / len(having[word])
            heard[code] += 1
    ranked = sorted((code for code in scores if heard[code]), key=lambda code: -scores[code])
    if not ranked:
        return Mentioned((), is_sure=False)
    best = [code for code in ranked if heard[code] == max(heard.values())]
    is_telling = len(wanted) > 1 or wanted[0] not in wish_words()
    counts = any(word.isdecimal() for word in words_of(text))  # "20 mujeres" is an answer, and opens nothing
    if len(best) == 1 and heard[best[0]] == len(wanted) and is_telling and not counts:
        return Mentioned((best[0],), is_sure=True)
    if max(heard.values()) * 2 < len(wanted):
        return Mentioned((), is_sure=False)  # most of what was said is about something else
    return Mentioned(tuple(best[:most]), is_sure=False)


def told_names(text: str, among: Collection[Named], *, is_sought: bool = False) -> tuple[str, ...]:
    """Return the codes of the names that a text mentions, among other words.

    Of several, return those with the rarest words.

    If a word is also in a wish of the table, it counts only beside another word of the name: "trabajo" means a
    ministry in "ministerio de trabajo", and not in "ya no trabajo ahí". What was done is told in the words of titles.
    If a name `is_sought`, only the words for seeking do not count by themselves.
    """
    common = seeking_words() if is_sought else wish_words()
    wanted = significant(text) if len(text) <= LONGEST else ()
    words = {one.code: {word for name in one.names for word in known(name).split()} for one in among}
    scores: dict[str, float] = {}
    having = _having(wanted, words)
    for code in words:
        heard = [typed for typed in having if code in having[typed]]
        if len(heard) > 1 or any(typed not in common for typed in heard):
            scores[code] = sum(1 / len(having[typed]) for typed in heard)
    best = max(scores.values(), default=0)
    return tuple(code for code, score in scores.items() if score == best) if best > TELLING else ()


def _having(wanted: Collection[str], words: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Return for each word of a text the codes of the names that have it.

    Most words are in many names: each is compared once.
    """
    every = set[str]().union(*words.values())
    alike = {typed: {word for word in every if _is_of(typed, word)} for typed in wanted}
    return {typed: [code for code, its in words.items() if not its.isdisjoint(found)] for typed, found in alike.items()}


def _is_of(typed: str, word: str) -> bool:
    """Whether it is the word, its beginning, or the word with one typing mistake."""
    return (len(typed) > 3 and word.startswith(typed)) or (len(word) > 4 and is_nearly(typed, word))


# ------------------------------------------------------------------ the table
@dataclass(frozen=True, slots=True)
class _Found:
    """A phrase of a language that stands in a text, perhaps with slips."""

    said: Words
    language: str
    foreignness: int
    """0: it is the person's own language."""
    at: int
    phrase: Words
    meaning: str
    rank: int
    is_name: bool

    @property
    def ends(self) -> int:
        return self.at + len(self.phrase)

    @property
    def is_polite(self) -> bool:
        return self.meaning in POLITE

    @property
    def exact(self) -> int:
        """Return how many of its words are spelled as in the table."""
        return sum(map(eq, self.said[self.at : self.ends], self.phrase))

    @property
    def left_over(self) -> int:
        """Return how many words beside it change something."""
        return sum(word not in beside_words() for word in (*self.said[: self.at], *self.said[self.ends :]))

    @property
    def must_be_alone(self) -> bool:
        """Whether it means nothing in a sentence: a command, one word of another language, small words only."""
        is_of_small_words = not self.is_polite and beside_words().issuperset(self.phrase)
        return self.is_name or is_of_small_words or (self.foreignness > 0 and len(self.phrase) == 1)

    @property
    def is_denied(self) -> bool:
        """Whether it denies nothing itself and stands behind a word that denies: "no quiero cancelar"."""
        denials = denial_words(self.language)
        return not denials.isdisjoint(self.said[: self.at][-DENIES:]) and denials.isdisjoint(self.phrase)

    @property
    def order(self) -> tuple[bool, int, int, int, int]:
        """Return what decides between two phrases; the greater counts: in "gracias, ya lo envié", that it was sent."""
        return not self.is_polite, sum(map(len, self.phrase)), self.exact, -self.foreignness, -self.rank

    def is_part(self, of: "_Found") -> bool:
        """Whether its words are part of a longer phrase: "aide" in "merci pour votre aide"."""
        return of.at <= self.at and self.ends <= of.ends and len(self.phrase) < len(of.phrase)


NOT_MEANT: tuple[Callable[[_Found], bool], ...] = (
    # one greets first or last, and agrees first: "a cómo está el dólar" asks
    lambda it: it.meaning == "greeting" and it.at > 0 and it.ends < len(it.said) and it.left_over > 0,
    lambda it: it.meaning == "agreed" and it.at > 0,
    # a command with a slip stands nearly alone
    lambda it: it.is_name and len(it.said) > len(it.phrase) + 1 and it.exact < len(it.phrase),
    # a slip of a lone word: "refuge" among others is not "refusé"
    lambda it: len(it.phrase) == 1 < len(it.said) and not it.exact,
    lambda it: not it.is_polite and it.is_denied,
    # as much as the phrase is left over: the text is about something else
    lambda it: it.left_over > (0 if it.must_be_alone else 2 * len(it.phrase) - 1),
)
"""Why a phrase that stands in a text is not what the text means."""


def _within(said: Words, language: str, foreignness: int) -> Iterator[_Found]:
    """Find each phrase of a language that a text means."""
    near = [near_words(word) for word in said]
    table = table_of(language)
    for at, (starts, seconds) in enumerate(zip(near, [*near[1:], frozenset[str]()], strict=True)):
        begun = (table.beginning(start, second) for start in starts for second in ("", *seconds))
        for rank in chain.from_iterable(begun):
            phrase = table.phrase(rank)
            if at + len(phrase) <= len(said) and all(map(contains, near[at:], phrase)):
                it = _Found(said, language, foreignness, at, phrase, table.meaning(rank), rank, table.is_name(rank))
                if not any(rule(it) for rule in NOT_MEANT):
                    yield it
