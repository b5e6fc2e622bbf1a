"""What somebody wants who writes where nothing is asked: the one reader of such texts.

Two sums are compared: the phrases of the table that a text has (`utterances`), and how likely each meaning is by all of
its words (`likeness`). People write as they speak: "no sirve, le doy al botón y nada"; "quiero mandar el reporte y ver
lo de septiembre". As a whole such a text is no phrase of the table, but its clauses are. Nothing here acts, and nothing
here knows the plan.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from conversations.languages import LANGUAGES, phrases
from conversations.session.reading.likeness import Likely, is_far_ahead, likely, surest, worth_offering
from conversations.session.reading.meanings import (
    AGREED,
    CHAT,
    GREETING,
    MENU,
    OF_REPORTERS,
    POLITE,
    Writer,
    is_harmless,
)
from conversations.session.reading.spelled import beside_words, denial_words
from conversations.session.reading.text import normalise
from conversations.session.reading.utterances import LONGEST, Utterance, count_words, language_of, understood

ANSWER = 8
"""Words of an answer at the most. A longer text with a number in it says something else."""
BESIDE_A_NUMBER = 2
"""Words that an answer has beside each of its numbers at the most: "20 mujeres", "unas 45 mujeres"."""
BARE = 2
"""Words of a command at the most. What has more is a sentence, which may only sound like a command."""
STATEMENT = 5
"""Words that tell something at the least. What has fewer is a wish, or nothing."""
ANSWERED = 0.9
"""The least weight of a wish in what looks like an answer: "I put 12, it should be 120"."""
SELDOM = 0.7
"""How much a meaning counts whose first route this reporter may not take."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text means, if this person writes it."""

    wish: str = ""
    """What is surely wanted. Blank if nothing is."""
    is_all: bool = False
    """Whether the text says nothing else, so that it is followed at once."""
    phrase: str = ""
    """The meaning of the phrase of the table that the text has."""
    said: tuple[str, ...] = ()
    """What was said in phrases, each meaning once for this person. Several are several wishes."""
    likely: tuple[str, ...] = ()
    """What the text may mean by all of its words, the likeliest first."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return what is surely wanted, otherwise what was said."""
        return (self.wish,) if self.wish else tuple(each for each in self.said if each != CHAT)

    @property
    def near(self) -> tuple[str, ...]:
        """Return what is wanted or likely, each once."""
        return tuple(each for each in dict.fromkeys([*self.wanted, *self.likely]) if each != CHAT)


def read(text: str, language: str, writer: Writer) -> Reading:
    """Return what a text means: one wish that is sure, or what was said and what is likely.

    Two wishes are both said, and neither is sure. Of a wish that is far ahead of all others, the others do not count.
    """
    meant = _phrase_in(text, language, writer)
    if meant is not None and meant.is_all and meant.is_whole:
        return Reading(meant.meaning, is_all=True)
    clauses = [meaning for meaning in wishes(text, language) if writer.is_led_by(meaning)]
    said = writer.apart([*([] if meant is None or meant.is_polite else [meant.meaning]), *clauses])
    ranked = _ranked(likely(text, language), writer)
    offered = worth_offering(ranked)
    is_one = len(said) < 2 or (len(clauses) < 2 and is_far_ahead(ranked))
    is_likeliest = meant is not None and offered[:1] in ((), (meant.meaning,))
    if meant is not None and meant.is_all and is_one and (meant.is_polite or is_likeliest):
        return Reading(meant.meaning, is_all=True)
    wish = _surest(text, ranked, writer) if is_one else ""
    if is_one and meant is not None and _is_meant(meant, ranked, is_likeliest=is_likeliest):
        wish = meant.meaning
    return Reading(wish, phrase="" if meant is None else meant.meaning, said=said, likely=offered)


def _surest(text: str, ranked: Sequence[Likely], writer: Writer) -> str:
    """Return the wish that is sure by all words of a text. Blank if there is none, or if it looks like an answer."""
    wish = surest(ranked) if count_words(text) > 1 else ""
    return "" if wish and writer.is_reporter and ranked[0].weight < ANSWERED and is_answer(text) else wish


def _phrase_in(text: str, language: str, writer: Writer) -> Utterance | None:
    """Return the phrase that a text has. In a sentence, one that is not sure counts only if it leads somewhere."""
    meant = understood(text, language)
    if meant is not None and meant.meaning == AGREED and "?" in text:
        meant = replace(meant, meaning=GREETING)
    is_whole = meant is not None and meant.is_all and meant.is_whole
    if meant is None or is_whole or meant.is_sure or len(text.split()) <= BARE or writer.is_led_by(meant.meaning):
        return meant
    return None


def _ranked(found: Sequence[Likely], writer: Writer) -> list[Likely]:
    """Rank what a text may mean by who writes: nobody means what only others do, and seldom what only others may do."""
    if writer.is_reporter:
        weighed = [
            each if writer.may_do(each.meaning) else replace(each, weight=each.weight * SELDOM) for each in found
        ]
        ranked = sorted(weighed, key=lambda each: -each.weight)
    else:
        ranked = [each for each in found if each.meaning not in OF_REPORTERS]
    kept = writer.apart(each.meaning for each in ranked)
    return [each for each in ranked if each.meaning in kept]


def _is_meant(meant: Utterance, ranked: Sequence[Likely], *, is_likeliest: bool) -> bool:
    """Whether the text has this meaning. Thanks count only if nothing else is likelier; an act must be certain."""
    if meant.is_polite:
        return not ranked or ranked[0].meaning in POLITE
    return is_likeliest and (meant.is_sure or is_harmless(meant.meaning))


def leaves(text: str, language: str) -> bool:
    """Whether a person who was asked for words wants to leave instead: "cancelar", "menú", and no further word."""
    meant = understood(text, language)
    return meant is not None and meant.is_all and meant.meaning in ("cancelar", MENU)


def is_statement(text: str) -> bool:
    """Whether a text has the words of a sentence, and not of a name."""
    return count_words(text) >= STATEMENT


def wishes(text: str, language: str) -> tuple[str, ...]:
    """Return the meanings of the clauses that are understood by themselves, in the order in which they were said.

    Nothing else may be said in such a clause. A greeting or thanks is no wish. Empty if the text has one clause.
    """
    clauses = _clauses(text, language_of(text, language)) if len(text) <= LONGEST else []
    if len(clauses) < 2:
        return ()
    found = (understood(clause, language) for clause in clauses)
    return tuple(dict.fromkeys(each.meaning for each in found if each and each.is_all and not each.is_polite))


def _clauses(text: str, language: str) -> list[str]:
    """The parts of a text between its marks and its words for "and"."""
    joined = "|".join(re.escape(word) for word in phrases(language, "reading.and_then"))
    parts = re.split(rf"[,.;:!?¡¿\n]+|\b(?:{joined})\b", text, flags=re.IGNORECASE)
    return [part for part in parts if normalise(part)]


def is_answer(text: str) -> bool:
    """Whether a text looks like the answer to a question that is not open: "230", "45 personnes dont 20 femmes".

    What denies something corrects a figure: "it was 30 people not 300".
    """
    said = normalise(text).split()
    if any(not denial_words(code).isdisjoint(said) for code in LANGUAGES):
        return False
    numbers = sum(word.isdecimal() for word in said)
    others = sum(len(word) > 3 and not word.isdecimal() and word not in beside_words() for word in said)
    is_short = 0 < len(said) <= ANSWER
    return is_short and (others <= BESIDE_A_NUMBER * numbers if numbers else _number_words().issuperset(said))


@cache
def _number_words() -> frozenset[str]:
    """The words that numbers are written with, in every language: "doce", "mil"."""
    keys = ("reading.numbers", "reading.thousand", "reading.million")
    told = (phrase for code in LANGUAGES for key in keys for phrase in phrases(code, key))
    return frozenset(word for phrase in told for each in phrase.split("/") for word in normalise(each).split())
