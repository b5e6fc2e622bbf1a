"""The names of persons in a text: of anybody, of a victim alone, or of somebody who is not at work."""

from collections.abc import Sequence
from functools import cached_property

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.candidates import Candidate, Text
from conversations.session.safeguards.capitals import is_after_places
from conversations.session.safeguards.known import NOTHING, Known
from conversations.session.safeguards.name_rules import (
    CLEAR,
    SIGNS_BEHIND,
    is_elided,
    is_name,
    is_new_small,
    is_titled,
)
from conversations.session.safeguards.namesakes import institutions
from conversations.session.safeguards.officials import Work, is_bare_name
from conversations.session.safeguards.sentences import begins, sentence_of
from conversations.session.safeguards.victims import is_beside_victim, tells_of_one
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, behind_phrases, read_words

_MAY_BE = NAME | Is.COINED
"""Meanings of which a word in small letters has one if it may be a name and is in a table."""


class Names:
    """The names in a text, looked for once."""

    def __init__(self, tokens: Sequence[Token], known: Known) -> None:
        self.tokens, self.known = tokens, known

    @cached_property
    def introduced(self) -> list[int]:
        """Return where a name stands by what is said before it: "se llama"."""
        behind = behind_phrases("personal.names", self.tokens)
        return [at for at in behind if not _is_thing_named(self.tokens, at)]

    @cached_property
    def evidence(self) -> list[int]:
        return _evidence(self.tokens, self.known, self.introduced)


def named(names: Names, about: int, *, strict: bool) -> bool:
    """Say whether a text names a person. Without `strict`, only somebody who is called a victim there, or introduced.

    The name of an official stands in any ordinary report. `about` are the meanings of all its words together.
    """
    tokens, introduced = names.tokens, names.introduced
    if strict and introduced:
        return True
    if not strict and not introduced and not _may_name_victim(tokens, about):
        return False
    if (
        strict
        and about & (Is.TITLE | Is.PERSON)
        and any(token.what & (Is.TITLE | Is.PERSON) and _is_always_named(tokens, at) for at, token in enumerate(tokens))
    ):
        return True
    if strict:
        return bool(names.evidence)
    return any(_is_of_victim(tokens, at, introduced) for at in names.evidence)


def named_in_private(names: Names, *, is_case: bool) -> bool:
    """Say whether a text names somebody who is not at work in it. Ordinary rules protect whoever that is.

    Where no case is told (`is_case`), a capital that nothing explains is a place or a brand sooner than a name. A name
    alone is what a form asked for.
    """
    tokens = names.tokens
    if is_bare_name(tokens) or not names.evidence:
        return False
    work = Work(tokens)
    is_told = is_case or tells_of_one(tokens)
    return any(
        not work.names(at, is_case=is_case)
        for at in names.evidence
        if is_told or _is_surely_name(tokens, at) or work.desk.is_personal or work.is_offender(at)
    )


def _is_surely_name(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a list has the word as a name and nothing else, or a sign shows that it is somebody."""
    token = tokens[at]
    is_listed = token.what & (CLEAR | Is.COINED) and not is_elided(token)
    if is_listed and not token.what & Is.COMMON and not is_after_places(tokens, at):
        return True
    before = tokens[at - 1] if at else token
    if token.is_capitalised and before.is_capitalised and before.what & (Is.GIVEN | Is.GIVEN_WORD):  # "Faith Nekesa"
        return not begins(tokens, at - 1) or not before.what & Is.COMMON
    if token.is_capitalised and before.text == "a" and tokens[at - 2].folded not in known_words("personal.goes"):
        return True  # "le cobraban a Adamelis"
    return is_titled(tokens, at) or any(sign(tokens, at) for sign in SIGNS_BEHIND)


def _may_name_victim(tokens: Sequence[Token], about: int) -> bool:
    """Say whether a text speaks of a victim, or of several and has a sign beside which one of them is named."""
    is_one_of = about & Is.VICTIMS and any(token.text in ",:(" for token in tokens)
    return bool(about & Is.VICTIM or is_one_of)


def only_names(text: str) -> frozenset[str]:
    """Return the words of a text that a list of names has and no dictionary does."""
    return frozenset(token.folded for token in read_words(text, NOTHING) if token.what & CLEAR)


def _is_always_named(tokens: Sequence[Token], at: int) -> bool:
    """ "Don cuchito": a title before a name alone, and a word of no table behind it, in small letters too."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    if behind is None or tokens[at].folded not in known_words("personal.strong_title"):
        return False
    if behind.text == "." and at + 2 < len(tokens):  # "mr. alhassan"
        at, behind = at + 1, tokens[at + 2]
    if behind.what & NAME and is_new_small(tokens, at + 2):  # "madam joy osagie"
        return True
    return is_new_small(tokens, at + 1)


def _is_thing_named(tokens: Sequence[Token], at: int) -> bool:
    """ "La campaña se llama Corazón Azul"; "se llama a concurso"."""
    if at < len(tokens) and tokens[at].folded == "a":
        return True
    first, _ = sentence_of(tokens, max(0, at - 1))
    said = tokens[first:at]
    return any(token.what & (Is.THING | Is.INSTITUTION) for token in said) and not any(
        token.what & SOMEBODY for token in said
    )


def _is_of_victim(tokens: Sequence[Token], at: int, introduced: Sequence[int]) -> bool:
    if any(0 <= at - begin <= 2 for begin in introduced) or _is_said_victim(tokens, at):
        return True
    if is_beside_victim(tokens, at):
        return True
    words = 0
    for token in reversed(tokens[max(0, at - 5) : at]):
        if token.what & Is.VICTIM:
            return True
        if token.is_word and not token.what & (Is.LINK | Is.HAS):
            words += 1
        if words > 1 or token.text in ".;\n":
            return False
    return False


def _is_said_victim(tokens: Sequence[Token], at: int) -> bool:
    """ "Keila fue víctima de"."""
    for token in tokens[at + 1 : at + 5]:
        if token.what & Is.VICTIM:
            return True
        if not token.what & (Is.LINK | Is.HAS | NAME):
            return False
    return False


def _evidence(tokens: Sequence[Token], known: Known, introduced: Sequence[int]) -> list[int]:
    """Return the positions of the names."""
    shouted = sum(len(token.text) for token in tokens if token.is_upper and len(token.text) > 2)
    is_shouted = shouted > 0 and shouted * 2 > sum(len(token.text) for token in tokens if token.is_word)
    text = Text(tokens, institutions(tokens), introduced, known, is_shouted)
    may_be = [
        at
        for at, token in enumerate(tokens)
        if token.is_capitalised or token.is_upper or token.what & _MAY_BE or (token.is_word and not token.what)
    ]
    return [at for at in may_be if is_name(Candidate(text, at))]
