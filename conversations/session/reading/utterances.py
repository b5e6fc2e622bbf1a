"""The meaning of text that is typed where no question is open: a greeting, thanks, "ya lo mandé", a command without its
slash.

It comes from a table, not from a guess: the phrases of `said.…` in each language's `language.po`, and the names of the
commands. Nothing here acts. A person who says "no puedo hoy" is shown what they can do about it. So a phrase that was
misunderstood costs one tap.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, product
from operator import contains, eq

from conversations.languages import FIRST, LANGUAGES, phrases, tables
from conversations.session.reading.text import known, normalise, symbols

LONGEST = 300
"""Characters. A longer message is not searched for a meaning."""
_MONTHS, _WEEKDAYS = "reading.months", "reading.weekdays"
_SAID, _NAMED, _BESIDE, _SHORT, _ELIDED = "said.", "named.", "said.beside", "shortened", "elided"
_ENDING = "elided_after"
POLITE = ("thanks", "greeting", "agreed")
"""If a text has several of these, the first one counts: "gracias, buenas tardes"."""
_TAIL = re.compile(r"(?<=\w)['’](?=(?:t|s|m|ll|ve|re|d)\b)")
"""The apostrophe of "can't", which many leave out."""
_DRAWN = re.compile(r"([a-z])\1{2,}")
"""A letter that is drawn out: "holaaa"."""
_CODE = re.compile(r"\b([a-z]{2,6}) ?([0-9]{1,4})\b")
_DOTTED = re.compile(r"(?<![0-9.,])[0-9]\.[0-9]\.[0-9]{1,2}(?![0-9.])")
_NUMBERED = re.compile(r"(?<=\s)[0-9]\.[0-9]{1,2}(?=[\s,;:!?]|$)(?! ?%)")
_DASHED = re.compile(r"\b[A-Za-z]{2,4}[0-9]?-[A-Za-z]?[0-9]{1,4}\b")
COMMON = 0.5
"""Words that weigh less than this together are in too many phrases. Where they stand apart, they mean nothing."""
TELLING = 0.3
"""The least weight of the words of a name: a word that four names share is too little alone."""
SLIP = 0.8
"""The weight of a word that was typed with a slip."""
DENIES = 3
"""Words of a phrase's left neighbourhood in which a word denies it."""

Words = tuple[str, ...]


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
    if not _words(text):
        return Utterance("agreed", is_all=True) if symbols(text) else None
    languages = _from(language)
    for code in languages:
        if (meaning := _whole(code).get(said_words(text, code))) is not None:
            return Utterance(meaning, is_all=True, is_whole=True)
    found = [each for place, code in enumerate(languages) for each in _within(said_words(text, code), code, place)]
    thanks = [each for each in found if not each.is_more_than_polite]
    best = max((each for each in found if not any(_is_part(each, of) for of in thanks)), default=None)
    if best is None or (best.left_over > 0 and not best.is_more_than_polite):
        gathered = [each for code in languages for each in _gathered(said_words(text, code), code)]
        gathered = [each for each in gathered if each.meaning not in POLITE]
        if gathered:
            first = max(gathered, key=lambda each: (each.words, each.weight))
            return Utterance(first.meaning, first.left_over == 0, first.left_over < first.words)
    return None if best is None else Utterance(best.meaning, best.left_over == 0, best.left_over < best.words)


def language_of(text: str, own: str) -> str:
    """Return the language that knows most of the words of a text. If two know as many, `own` counts."""
    return max(_from(own), key=lambda each: _known_letters(said_words(text, each), each))


def _known_letters(said: Words, language: str) -> int:
    table = _vocabulary(language)
    return sum(len(word) for word in said if word in table)


@cache
def _vocabulary(language: str) -> frozenset[str]:
    """Each word of the phrases of a language. The names of commands count only if they are one word."""
    return frozenset(
        word for words, _, is_name in all_phrases(language) if not (is_name and len(words) > 1) for word in words
    )


def _from(language: str) -> tuple[str, ...]:
    return (language, *(code for code in LANGUAGES if code != language))


def significant(text: str) -> Words:
    """Return the words of a text that may be part of a name. Words that are usual beside a phrase are left out."""
    return tuple(word for word in _words(text) if len(word) > 2 and word not in beside_words())


def count_words(text: str) -> int:
    """Return how many words a text has. Numbers do not count."""
    return sum(not word.isdecimal() for word in _words(text))


def is_nearly(typed: str, meant: str) -> bool:
    """Whether a word is another one with one typing mistake: a letter added, missing or changed, or two letters
    swapped.

    Short words would match too many others, and numbers must be exact.
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


def is_related(typed: str, meant: str) -> bool:
    """Whether a word is another one with a typing mistake or another ending: "mande" and "mandar", "reporto" and
    "reportar".
    """
    if is_nearly(typed, meant):
        return True
    longer = max(len(typed), len(meant))
    alike = next((at for at, (one, other) in enumerate(zip(typed, meant, strict=False)) if one != other), None)
    return (min(len(typed), len(meant)) if alike is None else alike) >= max(4, longer - 4)


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
    said = _words(text) if len(text) <= LONGEST else ()
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


def mentioned_names(text: str, among: Collection[Named], most: int = 3) -> Mentioned:
    """Find whose names contain the words of a text. A rare word counts more than a word that many names have."""
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
    is_telling = len(wanted) > 1 or wanted[0] not in wish_words()
    counts = any(word.isdecimal() for word in _words(text))  # "20 mujeres" is an answer, and opens nothing
    if len(best) == 1 and heard[best[0]] == len(wanted) and is_telling and not counts:
        return Mentioned((best[0],), is_sure=True)
    if max(heard.values()) * 2 < len(wanted):
        return Mentioned((), is_sure=False)  # most of what was said is about something else
    return Mentioned(tuple(best[:most]), is_sure=False)


def told_names(text: str, among: Collection[Named]) -> tuple[str, ...]:
    """Return the codes of the names that a text mentions, among other words.

    Of several, return those with the rarest words.

    If a word is also in a wish of the table, it counts only beside another word of the name: "trabajo" means a
    ministry in "ministerio de trabajo", and not in "ya no trabajo ahí". What was done is told in the words of titles.
    """
    wanted = significant(text) if len(text) <= LONGEST else ()
    words = {one.code: {word for name in one.names for word in known(name).split()} for one in among}
    scores: dict[str, float] = {}
    having = {
        typed: [code for code, its in words.items() if any(_is_of(typed, each) for each in its)] for typed in wanted
    }
    for code in words:
        heard = [typed for typed in having if code in having[typed]]
        if len(heard) > 1 or any(typed not in wish_words() for typed in heard):
            scores[code] = sum(1 / len(having[typed]) for typed in heard)
    best = max(scores.values(), default=0)
    return tuple(code for code, score in scores.items() if score == best) if best > TELLING else ()


def _is_of(typed: str, word: str) -> bool:
    """Whether it is the word, its beginning, or the word with one typing mistake."""
    return (len(typed) > 3 and word.startswith(typed)) or (len(word) > 4 and is_nearly(typed, word))


# ------------------------------------------------------------------ the table
@dataclass(frozen=True, slots=True, order=True)
class _Found:
    """A phrase found in a text. Of two, the greater one counts: "gracias, ya lo envié" means that it was sent."""

    is_more_than_polite: bool
    letters: int
    exact: int
    own: int
    first: int
    meaning: str
    left_over: int
    words: int
    at: int


def _is_part(found: _Found, of: _Found) -> bool:
    """Whether its words are part of a longer phrase: "aide" in "merci pour votre aide"."""
    return of.at <= found.at and found.at + found.words <= of.at + of.words and found.words < of.words


def _within(said: Words, language: str, place: int) -> Iterator[_Found]:
    """Find each phrase of a language in a text, if only few words are left beside it."""
    near = [near_words(word) for word in said]
    beside = [word in beside_words() for word in said]
    table, entries = _beginning(language), all_phrases(language)
    for at, (starts, seconds) in enumerate(zip(near, [*near[1:], frozenset[str]()], strict=True)):
        begun = (table.get((start, second), ()) for start in starts for second in ("", *seconds))
        for rank in chain.from_iterable(begun):
            phrase, meaning, is_alone = entries[rank]
            ends = at + len(phrase)
            if ends > len(said) or not all(map(contains, near[at:ends], phrase)):
                continue
            left_over = beside[:at].count(False) + beside[ends:].count(False)
            is_foreign_word = place > 0 and len(phrase) == 1
            is_of_small_words = meaning not in POLITE and beside_words().issuperset(phrase)
            must_be_alone = is_alone or is_foreign_word or is_of_small_words
            is_inside = at > 0 and ends < len(said) and left_over > 0
            if (meaning == "greeting" and is_inside) or (meaning == "agreed" and at > 0):
                continue  # one greets first or last, and agrees first: "a cómo está el dólar" asks
            if is_alone and len(said) > len(phrase) + 1 and not all(map(eq, said[at:ends], phrase)):
                continue  # a command with a slip stands nearly alone
            if meaning not in POLITE and _is_denied(said[:at], phrase, language):
                continue
            exact = sum(map(eq, said[at:ends], phrase))
            if len(phrase) == 1 and not exact and len(said) > 1:
                continue  # a slip of a lone word: "refuge" among others is not "refusé"
            if left_over <= (0 if must_be_alone else 2 * len(phrase) - 1):
                letters = sum(map(len, phrase))
                yield _Found(meaning not in POLITE, letters, exact, -place, -rank, meaning, left_over, len(phrase), at)


def _is_denied(before: Words, phrase: Words, language: str) -> bool:
    """Whether a phrase that denies nothing itself stands behind a word that denies: "no quiero cancelar"."""
    denials = denial_words(language)
    return not denials.isdisjoint(before[-DENIES:]) and denials.isdisjoint(phrase)


@cache
def denial_words(language: str) -> frozenset[str]:
    """Return the words that deny: "no", "nunca"."""
    return frozenset(word for phrase in phrases(language, "denials") for word in said_words(phrase, language))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A phrase whose words were all said, in any order, with few others."""

    meaning: str
    words: int
    weight: float
    """The weight of its words. A word that no other meaning has counts as one."""
    left_over: int


def _gathered(said: Words, language: str) -> Iterator[_Gathered]:
    """Find the phrases of a language whose words were all said. Words that change nothing are ignored."""
    wanted = dict.fromkeys(word for word in said if word not in beside_words())
    near = {word: near_words(word) for word in wanted}
    heard = {each for some in near.values() for each in some}
    weights, having = _weights(language)
    denials = denial_words(language)
    for words, beside, meaning in dict.fromkeys(phrase for each in sorted(heard) for phrase in having.get(each, ())):
        weight = sum(weights[word] * (1 if word in wanted else SLIP) for word in words)
        if not heard.issuperset(words) or sum(map(len, words)) <= 4 or weight < COMMON:
            continue
        left_over = sum(near[word].isdisjoint(words) for word in wanted)
        is_denied = not denials.isdisjoint(said) and denials.isdisjoint((*words, *beside))
        if left_over <= (2 * len(words) - 1 if len(words) > 1 else 0) and not is_denied:
            yield _Gathered(meaning, len(words), weight, left_over)


@cache
def _weights(language: str) -> tuple[Mapping[str, float], Mapping[str, list[tuple[Words, Words, str]]]]:
    """Return, for each word of the phrases, its weight and the phrases that have it.

    A word is separated from its neighbours. That counts only if the phrase has a single weighty word.
    """
    having: dict[str, dict[tuple[Words, Words, str], None]] = {}
    for words, meaning, is_alone in all_phrases(language):
        its = tuple(dict.fromkeys(word for word in words if word not in beside_words()))
        beside = tuple(word for word in words if word not in its) if len(its) == 1 else ()
        for word in () if is_alone and len(its) > 1 else its:
            having.setdefault(word, {})[its, beside, meaning] = None
    weights = {word: 1 / len({meaning for _, _, meaning in some}) for word, some in having.items()}
    return weights, {word: list(some) for word, some in having.items()}


@cache
def table_words() -> frozenset[str]:
    """Each word of the table, in every language."""
    return beside_words().union(word for code in LANGUAGES for words, _, _ in all_phrases(code) for word in words)


@cache
def wish_words() -> frozenset[str]:
    """Each word of the table that wants something: all but those that only tell what was done."""
    wishes = (words for code in LANGUAGES for words, meaning, _ in all_phrases(code) if meaning != "told")
    return beside_words().union(word for words in wishes for word in words)


@cache
def _beginning(language: str) -> Mapping[tuple[str, str], list[int]]:
    """Return the places in the table of the phrases that begin with these two words (a single word by itself)."""
    table: dict[tuple[str, str], list[int]] = {}
    for rank, (words, _, _) in enumerate(all_phrases(language)):
        table.setdefault((words[0], words[1] if len(words) > 1 else ""), []).append(rank)
    return table


@lru_cache(maxsize=4_096)
def near_words(typed: str) -> frozenset[str]:
    """Return the words of the table that a typed word may mean, the word itself included."""
    close = (
        word for less in _one_less(typed) for word in _by_one_less().get(less, "").split() if is_nearly(typed, word)
    )
    return frozenset((typed, *close))


@cache
def _by_one_less() -> Mapping[str, str]:
    """Return each word of the table under itself and under each form that lacks one letter.

    So a typing mistake is found at once. Words of the same form have a blank between them: 40 000 sets, nearly all of
    one word, would be a quarter of what the tables of all languages take.
    """
    table: dict[str, str] = {}
    for word in sorted({word for code in LANGUAGES for words, _, _ in all_phrases(code) for word in words}):
        for less in _one_less(word):
            table[less] = f"{table[less]} {word}" if less in table else word
    return table


def _one_less(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))} if 3 < len(word) < 25 else {word}


def _entries(language: str) -> Iterator[tuple[str, str, bool]]:
    """Return the phrases to look for in a text, their meanings, and whether a phrase must be the whole text.

    The name of a command must be the whole text, because "plan" is in every other sentence.
    """
    for prefix in (_SAID, _NAMED):
        for key in tables(FIRST):
            if key.startswith(prefix) and key != _BESIDE:
                for phrase in phrases(language, key):
                    yield phrase.replace("_", " "), key.removeprefix(prefix), prefix == _NAMED


def written_out(phrase: str) -> list[str]:
    """Return each way of saying a phrase. A slash separates words of which any may be used: "ya lo/la/ mandé".

    If nothing follows the last slash, the word may also be missing.
    """
    return [" ".join(filter(None, words)) for words in product(*(piece.split("/") for piece in phrase.split(" ")))]


@cache
def all_phrases(language: str) -> tuple[tuple[Words, str, bool], ...]:
    """The entries of a language, written out, as words."""
    return tuple(
        (said_words(each, language), meaning, is_alone)
        for phrase, meaning, is_alone in _entries(language)
        for each in written_out(phrase)
    )


@cache
def _whole(language: str) -> Mapping[Words, str]:
    """Return whole texts → their meaning. A phrase wins over the name of a command."""
    return {words: meaning for words, meaning, _ in reversed(all_phrases(language))}


@cache
def beside_words() -> frozenset[str]:
    """Return the single words that may stand beside a phrase without changing it, in every language; names of months
    too.
    """
    said = (phrase for code in LANGUAGES for phrase in (*phrases(code, _BESIDE), *_spelled(code, _MONTHS)))
    return frozenset(word for phrase in said for word in _words(phrase))


def _spelled(language: str, key: str) -> list[str]:
    """The days or months of a language, each in its longest spelling."""
    return [each.split("/")[0] for each in phrases(language, key)]


@cache
def _short(language: str) -> Mapping[str, str]:
    """Return the short forms that people write for a word or two, with the word: "q=que".

    All weekdays count as the same word here, and so do all months.
    """
    days = [normalise(each) for each in _spelled(language, _WEEKDAYS)]
    months = [normalise(each) for each in _spelled(language, _MONTHS)]
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


def said_words(text: str, language: str) -> Words:
    """The words of a text as this language writes them out."""
    short, words = _short(language), _words(text)
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
    told = (phrase for entry, _, _ in _entries(language) for phrase in written_out(entry))
    return frozenset(
        word for phrase in (*told, *phrases(language, _BESIDE), *_short(language)) for word in _words(phrase)
    )


def _words(text: str) -> Words:
    return tuple(word for piece in text.split() for word in _words_of(piece))


@lru_cache(maxsize=4_096)
def _words_of(piece: str) -> Words:
    """The words between two blanks. The phrases of a language are thousands of combinations of few of them."""
    return tuple(_DRAWN.sub(r"\1", normalise(_TAIL.sub("", piece))).split())
