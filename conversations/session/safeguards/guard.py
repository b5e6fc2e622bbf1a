"""Free text is read before it is stored: text that names, numbers or dates a person is refused.

Survivors are counted, never named, and a chat with a bot is not end-to-end encrypted. No rule finds every name, so a
person still reads restricted text. Names and numbers of the plan itself pass (`known.py`).

There are two families, because there are two ways out. An identifier cannot be written in another way: it always leads
to a person. Text that looks like a name, an age or a date may be a false alarm, and can always be written in another
way.
"""

from functools import cached_property
from typing import Literal

from conversations.session.reading.text import fold
from conversations.session.safeguards import identifiers
from conversations.session.safeguards.addresses import address, is_position
from conversations.session.safeguards.ages import age
from conversations.session.safeguards.characters import seen
from conversations.session.safeguards.dates import personal_date
from conversations.session.safeguards.explained import is_unexplained
from conversations.session.safeguards.known import NOTHING, Known
from conversations.session.safeguards.names import Names, named, named_in_private
from conversations.session.safeguards.officials import is_bare_name
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.shelters import shelter_place, speaks_of_shelter
from conversations.session.safeguards.spelt import plain, words_of_file
from conversations.session.safeguards.victims import (
    counts_people,
    mark_victims,
    speaks_of_victims_alone,
    tells_of_a_case,
)
from conversations.session.safeguards.words import Is, meanings, read_words

Kind = identifiers.Kind | Literal["name", "age", "date", "address", "shelter"]
REWORDED = frozenset({"name", "age", "date", "address", "shelter"})
"""The kinds that may be a false alarm, and can be said in another way."""


def personal_data(
    text: str, *, strict: bool, known: Known = NOTHING, may_give_contact: bool = False, is_answer: bool = True
) -> Kind | None:
    """Return the kind of personal data that a free text seems to contain, or None. The text itself is not kept.

    `strict` is for referrals and for text about a restricted activity. Without it, names of people at work and all
    kinds of days pass, but nothing about a victim and no name of a suspect does. With `may_give_contact` the question
    asks for an institution's phone, address or page. With `strict` that never passes. The place of a shelter never
    does.

    With `is_answer` off, the text answers no question and is not kept. Then only the age of a victim is found, because
    "m gen 54" are 54 of something, and a name only in a case: who greets says who they are.
    """
    shown = plain(seen(text))
    if not shown:
        return None
    if "." in shown and (words := words_of_file(shown)):
        kind = personal_data(words, strict=strict, known=known, may_give_contact=may_give_contact)
        if kind not in (None, "date", "digits"):  # scanners write their day and a number into it
            return kind
    written = Written(
        shown, known, strict=strict, may_give_contact=may_give_contact and not strict, is_answer=is_answer
    )
    if shelter_place(written.folded, written.tokens):
        return "shelter"
    return written.identifier or KINDS.verdict(written, ANY)


class Written:
    """A text that is read for personal data, by one of the two rules."""

    def __init__(self, text: str, known: Known, *, strict: bool, may_give_contact: bool, is_answer: bool) -> None:
        self.text, self.folded, self.known = text, fold(text), known
        self.is_ordinary, self.is_answer, self.may_give_contact = not strict, is_answer, may_give_contact
        self.tokens = tokens = read_words(text, known)
        about = meanings(tokens)
        if not strict and about & (Is.SUFFERED | Is.VICTIMS):
            mark_victims(tokens, about)
            about |= Is.VICTIM if any(token.what & Is.VICTIM for token in tokens) else 0
        self.about, self.names = about, Names(tokens, known)

    @property
    def identifier(self) -> identifiers.Kind | None:
        return identifiers.identifier(
            self.text, self.folded, self.tokens, self.about, self.known, may_give_contact=self.may_give_contact
        )

    @cached_property
    def is_strict(self) -> bool:
        """Say whether whatever is told of somebody counts: by strict rules, or where a victim alone is spoken of."""
        return not self.is_ordinary or bool(self.about & Is.VICTIM and speaks_of_victims_alone(self.tokens))

    @cached_property
    def is_case(self) -> bool:
        return tells_of_a_case(self.tokens)

    def tells_age(self, *, strict: bool) -> bool:
        """Say whether it tells an age. Without `strict`, only a victim's."""
        return age(self.text, self.folded, self.tokens, self.about, strict=strict)


def _is_position(w: Written) -> bool:
    is_told = not w.is_ordinary or not w.about & (Is.THING | Is.PLANNED | Is.INSTITUTION)
    return is_told and is_position(w.folded)


def _has_unexplained(w: Written) -> bool:
    if w.may_give_contact:
        return False
    return is_unexplained(w.folded, w.tokens, w.about, w.known, strict=not w.is_ordinary)


def _is_address(w: Written) -> bool:
    is_victims_home = w.about & Is.VICTIM and w.about & Is.HOME
    return bool(w.is_strict or is_victims_home) and address(w.folded, w.tokens, w.about)


def _is_named_in_private(w: Written) -> bool:
    may_be = w.is_ordinary and (w.is_answer or w.is_case)
    return may_be and named_in_private(w.names, is_case=w.is_case)


def _is_age_in_private(w: Written) -> bool:
    may_be = w.is_ordinary and (w.is_case or not counts_people(w.tokens))
    return may_be and w.tells_age(strict=w.is_answer)


# fmt: off
KINDS: Table[Written, Kind] = Table(
    Rule("a position", "address", ANY, _is_position,
         "lat 18.9412 lon -70.4105"),
    Rule("a number that nothing explains", "digits", ANY, _has_unexplained,
         "+504 es el celular d la mama"),
    Rule("a name", "name", ANY, lambda w: named(w.names, w.about, strict=not w.is_ordinary),
         "Buscar a Yolanda"),
    Rule("an age", "age", ANY, lambda w: w.tells_age(strict=w.is_strict and w.is_answer),
         "edad: 23"),
    Rule("where somebody lives", "address", ANY, _is_address,
         "barrio Capotillo, casa 23"),
    Rule("a day", "date", ANY, lambda w: personal_date(w.folded, w.tokens, w.about, strict=w.is_strict),
         "ddn 21/09/2010"),
    Rule("the name of nobody at work", "name", ANY, _is_named_in_private,
         "Look for Yolanda"),
    Rule("the age of nobody who is counted", "age", ANY, _is_age_in_private,
         "âge : 24"),
)
# fmt: on


def tells_of_shelter(text: str) -> bool:
    """Say whether a text speaks of a shelter: then a point on the map that comes with it is not kept."""
    return speaks_of_shelter(read_words(plain(seen(text))))


def is_name_alone(text: str) -> bool:
    """Say whether a text is a name and nothing else: an answer, if a form asked for one."""
    return is_bare_name(read_words(plain(seen(text))))


def refusal(kind: Kind) -> str:
    """Return the key of the refusal's sentence, which says how else the person can answer."""
    return f"err.pii_{kind}" if kind in REWORDED else "err.pii"
