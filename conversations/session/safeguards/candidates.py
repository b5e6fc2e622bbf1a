"""A word that may be somebody's name: how it is written, and what stands beside it."""

import re
from collections.abc import Sequence
from functools import cache, cached_property
from typing import NamedTuple

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.capitals import may_be_place
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.sentences import begins
from conversations.session.safeguards.words import NAME, NO_WORD, Is, Token, word_at

SHORT_NAME = 3
"""Letters of a given name that is cut short."""
LETTERS = 4
"""Capital letters that a word has at least if it may be a name among small ones: shorter ones are acronyms."""
_NOUN = re.compile(
    r"(?:cion|ciones|idad|idades|miento|mientos|ismo|logia|encias?|ancias?|torios?|tari[oa]s?|tivos?|tivas?|ales"
    r"|tions?|ness|ship|ments?|ology|ing|ings|ists?|ites?|isme|logie|ement|syon|sman|(?:n|l|gu)ese|[bdl]ian|ssian|rainian|[bmr]anian|ean)$"
)
"""How abstract nouns and adjectives end, which titles and offices write with a capital: "Encuesta", "Reforzamiento"."""


class Text(NamedTuple):
    """A text in which names are looked for. `masked` are the positions of names of institutions."""

    tokens: Sequence[Token]
    masked: set[int]
    introduced: Sequence[int]
    known: Known
    is_shouted: bool


class Shape:
    """How a word is written, and what it is by that: meanings besides those of `Is`."""

    NEW = 1 << 100
    """It is in small letters, and means nothing but a name."""
    MAY_BE = 1 << 101
    """It has a capital, or is or looks like a name."""
    SMALL_NAME = 1 << 102
    CAPITAL = 1 << 103
    """It has a capital, where not everything has."""
    CAPITAL_NAME = 1 << 104
    SHOUTING = 1 << 105
    SHORT = 1 << 108
    """It is in capitals, fewer than a name has: initials, an acronym."""
    LISTED = 1 << 106
    """A list of names has it, and no dictionary of everyday words."""
    GIVEN = 1 << 107
    """It is listed, as a given name."""


class Candidate:
    """A word that may be a name, and what stands beside it."""

    def __init__(self, text: Text, at: int) -> None:
        self.text, self.at = text, at
        self.tokens = tokens = text.tokens
        self.token = token = tokens[at]
        self.what = what = token.what
        self.before = tokens[at - 1] if at else NO_WORD
        self.behind = tokens[at + 1] if at + 1 < len(tokens) else NO_WORD
        self.is_capital = token.is_capitalised and not text.is_shouted
        self.is_shouting = token.is_upper and len(token.text) >= LETTERS
        self.shape = self._shape(token, what)

    def _shape(self, token: Token, what: int) -> int:
        shape = 0
        if token.text.islower():
            shape = 0 if what & ~NAME else Shape.NEW
            if not what & (NAME | Is.COINED):
                return shape
            shape |= Shape.SMALL_NAME if what & NAME else 0
        elif self.is_capital:
            shape = Shape.CAPITAL_NAME | Shape.CAPITAL if what & NAME else Shape.CAPITAL
        elif token.is_upper:
            shape = Shape.SHOUTING if self.is_shouting else Shape.SHORT
        if what & NAME and not what & Is.COMMON:
            shape |= Shape.LISTED
            if what & Is.GIVEN and (self.is_capital or token.is_upper or not what & Is.LIMIT):
                shape |= Shape.GIVEN
        return shape | Shape.MAY_BE

    @cached_property
    def begins(self) -> bool:
        """Say whether it begins a sentence, where any word has a capital."""
        return begins(self.tokens, self.at)

    @cached_property
    def is_unheard(self) -> bool:
        return is_unheard(self.token, self.text.known)

    @cached_property
    def has_place_for_sign(self) -> bool:
        """Say whether what stands behind it may show that it is somebody: "the court at Ho gave" tells of a seat."""
        return self.is_unheard and self.before.folded not in _before_seats()

    @cached_property
    def may_be_place(self) -> bool:
        return may_be_place(self.tokens, self.at)

    @cached_property
    def initials(self) -> str:
        """Return the letters with a stop each that begin here: "Y.M.R."; nothing if there is only one."""
        row = self.tokens[self.at : self.at + 4]
        if len(row) < 3 or not (row[0].is_initial and row[1].text == "." and row[2].is_initial):
            return ""
        return "".join(token.text for token in row if token.is_initial)

    @cached_property
    def beside(self) -> list[Token]:
        return beside(self.tokens, self.at, self.text.masked)


def is_unheard(token: Token, known: Known) -> bool:
    """Say whether a capitalised word is unknown: not in the plan, not of an office, not a usual word of reports."""
    if token.is_known or token.what & ~(NAME | Is.TOWARDS | Is.COINED) or token.folded in known.words:
        return False
    return bool(token.what & NAME) or not _NOUN.search(token.folded)


@cache
def _before_seats() -> frozenset[str]:
    return known_words("personal.located") | known_words("personal.seat")


def beside(tokens: Sequence[Token], at: int, masked: set[int]) -> list[Token]:
    """The words on both sides, over "de la", a comma after a surname, a hyphen and the stop of an initial."""
    found = []
    for step in (-1, 1):
        position = at + step
        for _ in range(3):
            if not 0 <= position < len(tokens):
                break
            token = tokens[position]
            if token.is_initial or (token.is_word and len(token.text) > 1 and not token.what & Is.LINK):
                if position not in masked:
                    found.append(token)
                break
            if token.is_word and len(token.text) == 1:  # an initial in small letters: "perla m. rodriguez"
                position += step
                continue
            if not (token.is_word or token.text in ".-,") or (
                token.text == "." and not is_after_initial(tokens, position)
            ):
                break
            position += step
    return found


def is_after_initial(tokens: Sequence[Token], position: int) -> bool:
    before = word_at(tokens, position - 1)
    is_cut = len(before.text) <= SHORT_NAME and before.what & NAME  # "ma. fca. liriano"
    return before.is_word and (len(before.text) == 1 or bool(is_cut))
