"""Text from somebody who seems to be in danger. Nobody reads the chat in real time, and the bot must say so at once."""

import re
from collections.abc import Mapping
from functools import cache

from conversations.languages import LANGUAGES, phrases, phrases_of_all
from conversations.session.reading.text import normalise
from conversations.session.reading.vocabulary import known_words, said_pattern_in
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
def _denials(language: str) -> re.Pattern[str]:
    return re.compile(rf"\b{said_pattern_in(language, 'emergency.denied')}\b")


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
    if 1 <= len(whole.split()) <= 4 and _cries().intersection(whole.split()):
        return True
    if _telling_words().isdisjoint(whole.split()):
        return False
    # A "no" denies its own clause; a match across clauses must stand without any.
    clauses = {normalise(clause) for clause in _CLAUSE_ENDS.split(shown)}
    return any(
        _calls_for_help(language).search(said) and not _denials(language).search(said)
        for language in LANGUAGES
        for said in {*clauses, whole}
    )
