"""Free text is read before it is stored: text that names, numbers or dates a person is refused.

Survivors are counted, never named, and a chat with a bot is not end-to-end encrypted. No rule finds every name, so a
person still reads restricted text. Names and numbers of the plan itself pass (`known.py`).

There are two families, because there are two ways out. An identifier cannot be written in another way: it always leads
to a person. Text that looks like a name, an age or a date may be a false alarm, and can always be written in another
way.
"""

from functools import reduce
from operator import attrgetter, or_
from typing import Literal

from conversations.session.reading.text import fold
from conversations.session.safeguards import identifiers
from conversations.session.safeguards.addresses import address, is_position
from conversations.session.safeguards.ages import age
from conversations.session.safeguards.characters import seen
from conversations.session.safeguards.dates import personal_date
from conversations.session.safeguards.explained import is_unexplained
from conversations.session.safeguards.known import NOTHING, Known
from conversations.session.safeguards.names import named, named_in_private
from conversations.session.safeguards.officials import is_bare_name
from conversations.session.safeguards.shelters import shelter_place, speaks_of_shelter
from conversations.session.safeguards.spelt import plain, words_of_file
from conversations.session.safeguards.victims import (
    counts_people,
    mark_victims,
    speaks_of_victims_alone,
    tells_of_a_case,
)
from conversations.session.safeguards.words import Is, read_words

Kind = identifiers.Kind | Literal["name", "age", "date", "address", "shelter"]
_WHAT = attrgetter("what")
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
    folded = fold(shown)
    tokens = read_words(shown, known)
    if shelter_place(folded, tokens):
        return "shelter"
    about = reduce(or_, map(_WHAT, tokens), 0)
    if not strict and about & (Is.SUFFERED | Is.VICTIMS):
        mark_victims(tokens, about)
        about |= Is.VICTIM if any(token.what & Is.VICTIM for token in tokens) else 0
    may_give_contact = may_give_contact and not strict
    if kind := identifiers.identifier(shown, folded, tokens, about, known, may_give_contact=may_give_contact):
        return kind
    if (strict or not about & (Is.THING | Is.PLANNED | Is.INSTITUTION)) and is_position(folded):
        return "address"
    if not may_give_contact and is_unexplained(folded, tokens, about, known, strict=strict):
        return "digits"
    if named(folded, tokens, about, known, strict=strict):
        return "name"
    is_ordinary = not strict
    strict = strict or bool(about & Is.VICTIM and speaks_of_victims_alone(tokens))
    if age(shown, folded, tokens, about, strict=strict and is_answer):
        return "age"
    is_victims_home = about & Is.VICTIM and about & Is.HOME
    if (strict or is_victims_home) and address(folded, tokens, about):
        return "address"
    if personal_date(folded, tokens, about, strict=strict):
        return "date"
    if is_ordinary:
        is_case = tells_of_a_case(tokens)
        if (is_answer or is_case) and named_in_private(tokens, known, is_case=is_case):
            return "name"
        if (is_case or not counts_people(tokens)) and age(shown, folded, tokens, about, strict=is_answer):
            return "age"
    return None


def tells_of_shelter(text: str) -> bool:
    """Say whether a text speaks of a shelter: then a point on the map that comes with it is not kept."""
    return speaks_of_shelter(read_words(plain(seen(text))))


def is_name_alone(text: str) -> bool:
    """Say whether a text is a name and nothing else: an answer, if a form asked for one."""
    return is_bare_name(read_words(plain(seen(text))))


def refusal(kind: Kind) -> str:
    """Return the key of the refusal's sentence, which says how else the person can answer."""
    return f"err.pii_{kind}" if kind in REWORDED else "err.pii"
