"""Text from somebody who seems to be in danger. Nobody reads the chat in real time, and the bot must say so at once."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from conversations.languages import LANGUAGES, phrases, phrases_of_all
from conversations.session.reading.text import normalise
from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.characters import seen
from conversations.session.safeguards.phrasing import phrases_pattern, telling_piece

_NAMED_LISTS = ("people", "now", "harmed", "held")
"""What `{people}` in a phrase of `emergency.says` stands for: any phrase of `emergency.people`."""


@cache
def _cries() -> frozenset[str]:
    return known_words("emergency.cries")


@cache
def _calls_for_help(language: str) -> re.Pattern[str]:
    """The sentences that say, in this language, that somebody is in danger now.

    language.po explains how its phrases are read.
    """
    return phrases_pattern(language, "emergency.says", _lists_in(language))


def _lists_in(language: str) -> Mapping[str, tuple[str, ...]]:
    return {name: phrases(language, f"emergency.{name}") for name in _NAMED_LISTS}


@cache
def _telling_words() -> frozenset[str]:
    """Words of which every call for help contains at least one.

    Most texts contain none, and are not examined further.
    """
    return frozenset(
        word
        for language in LANGUAGES
        for phrase in phrases(language, "emergency.says")
        for word in telling_piece(phrase, _lists_in(language))
    )


@cache
def _conditions(language: str) -> re.Pattern[str]:
    """Words that leave nobody in danger wherever they stand in a clause: "si", "nadie"."""
    return _any_of(each for each in phrases(language, "emergency.denied") if each not in phrases(language, "denials"))


@cache
def _denials(language: str) -> re.Pattern[str]:
    """Words that deny only what follows them: in "la tienen encerrada y no come", "no" denies nothing of it."""
    return _any_of(each for each in phrases(language, "emergency.denied") if each in phrases(language, "denials"))


def _any_of(told: Iterable[str]) -> re.Pattern[str]:
    ways = "|".join(sorted(map(normalise, told), key=len, reverse=True))
    return re.compile(rf"\b(?:{ways})\b" if ways else r"(?!)")


@cache
def _no_denials() -> re.Pattern[str]:
    """ "sí" is not "si"."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases_of_all('emergency.not_denied')))})\b", re.IGNORECASE)


_CLAUSE_ENDS = re.compile(r"[,.;:!?¡¿\n]")


def emergency(text: str) -> bool:
    """Say whether somebody seems to be in danger now, in any language that the bot knows (`err.emergency`).

    Reports speak of victims, danger and emergencies all day. So only a cry for help counts, or a person in danger in
    the present. "No hay nadie en peligro" and "si alguien está en peligro" do not count.
    """
    shown = _no_denials().sub("", seen(text))
    whole = normalise(shown)
    words = whole.split()
    if len(words) <= 4 and not _cries().isdisjoint(words):
        return True
    if _telling_words().isdisjoint(words):
        return False
    clauses = {normalise(clause) for clause in _CLAUSE_ENDS.split(shown)}
    return any(_calls(said, language) for language in LANGUAGES for said in {*clauses, whole})


def _calls(said: str, language: str) -> bool:
    """Whether a clause, or the whole text, calls for help in this language, and nothing in it denies that."""
    if _conditions(language).search(said):
        return False
    found = _calls_for_help(language).search(said)
    return found is not None and not _denials(language).search(said, 0, found.start())
