"""Phrases with alternatives, as the catalogues write what people say: "está/están {harmed} a".

A slash stands between the words that may stand in one place, and a name in braces for any phrase of another list. A
full stop at one end is the end of the text; "!no/si" at the end says what must not follow. language.po explains the
lists.
"""

import re
from collections.abc import Mapping
from functools import cache

from conversations.languages import phrases
from conversations.session.reading.text import normalise

Lists = Mapping[str, tuple[str, ...]]


def phrases_pattern(language: str, key: str, lists: Lists) -> re.Pattern[str]:
    """The phrases of a key in one language, for a text as `normalise` leaves it. It matches nothing without any."""
    ready = {name: _any_of(told) for name, told in lists.items()}
    return re.compile("|".join(_as_pattern(phrase, ready) for phrase in phrases(language, key)) or r"(?!)")


def _any_of(told: tuple[str, ...]) -> str:
    ordered = sorted({normalise(phrase) for phrase in told}, key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, ordered))})" if ordered else r"(?!)"


def _as_pattern(phrase: str, lists: Mapping[str, str]) -> str:
    """ "está/están {harmed} a" → `\\b(?:esta |estan )(?:(?:…) )(?:a)\\b`."""
    pieces = phrase.split(" ")
    begins = r"^" if pieces[0] == "." else r"\b"
    ends = r"$" if pieces[-1] == "." else r"\b"
    if pieces[-1].startswith("!"):
        ends += rf"(?! (?:{pieces.pop()[1:].replace('/', '|')})\b)"
    ways = [
        [lists[piece[1:-1]]] if piece.startswith("{") else [normalise(each) for each in piece.split("/")]
        for piece in pieces
        if piece != "."
    ]
    body = "".join(f"(?:{'|'.join(map(_before_another, each))})" for each in ways[:-1])
    return f"{begins}{body}(?:{'|'.join(ways[-1])}){ends}"


def _before_another(way: str) -> str:
    """A letter by itself is often written with the next word: "jai", "map", "im"."""
    return f"{way} ?" if len(way) == 1 else f"{way} "


def telling_piece(phrase: str, lists: Lists) -> frozenset[str]:
    """The longest word of each alternative, for the piece of a phrase that has the rarest words."""
    pieces = (piece for piece in phrase.split(" ") if piece != "." and not piece.startswith("!"))
    alternatives = (lists[piece[1:-1]] if piece.startswith("{") else piece.split("/") for piece in pieces)
    words = [frozenset(max(normalise(each).split(), key=len) for each in one) for one in alternatives]
    return max(words, key=lambda each: min(map(len, each)))


_OF_MILESTONES = ("not_yet", "entitled", "starts", "school", "in_grade")
"""What a name in braces stands for in `personal.milestones`."""


@cache
def milestones(language: str) -> re.Pattern[str]:
    """The ages that are told by what happens at them, in this language."""
    return phrases_pattern(language, "personal.milestones", _lists_of_milestones(language))


@cache
def milestone_words(language: str) -> frozenset[str]:
    """Words of which every milestone of this language has one."""
    return frozenset(
        word
        for phrase in phrases(language, "personal.milestones")
        for word in telling_piece(phrase, _lists_of_milestones(language))
    )


def _lists_of_milestones(language: str) -> Lists:
    return {name: phrases(language, f"personal.{name}") for name in _OF_MILESTONES}
