"""The words of a text about a shelter, each with what the catalogues say of it where the way to a house is told."""

from collections.abc import Sequence
from functools import cache, lru_cache, partial, reduce
from operator import or_
from typing import Final

from conversations.languages import phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.safeguards.words import NO_WORD, Is, Token, place_at, quarter_at, without_article

_KEYS = """
homes takes_in shelter_kinds several houses_whom victim victims housed lodged stays keeps we them them_behind are
moves where there is lies addresses gatherings elsewhere elsewhere_done belongs any_one shelter_goal
shelter_topic stands_near rented located the moves_to ways ways_behind quarters units parts_too stands_by afterwards
buildings former lengths counted_houses few further away_from doors in_order walks along colours maps there_in
states lodgings floors generic the_street the_ones transit comes
"""
_OF_IS = max(what for name, what in vars(Is).items() if name.isupper()).bit_length()
SAYS: Final = {key: 1 << number for number, key in enumerate(_KEYS.split(), start=_OF_IS)}
"""The keys `personal.…` that are asked for, each with a bit behind those of `Is`. language.po explains them."""
_NEXT = 3
_OUTSIDE = (0,) * 32
"""Nothing is said before the first word, where positions are below 0, nor behind the last."""


class Shape:
    """How a word is written: bits behind those of SAYS."""

    NUMBER = 1 << 192
    CAPITAL = 1 << 193
    SIGN = 1 << 194


class Text:
    """The words of a text, and what each says and means, as a mask of SAYS and `Is`."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        said = (token.what | _said(token.folded) | _shape(token) for token in tokens)
        self.said = [*said, *_OUTSIDE]
        self.place_at = cache(partial(place_at, tokens))
        self.quarter_at = cache(partial(quarter_at, tokens))

    def at(self, position: int) -> Token:
        return self.tokens[position] if 0 <= position < len(self.tokens) else NO_WORD

    def says(self, position: int, *keys: str) -> bool:
        """Say whether the word there is one of these. Outside the text none is."""
        return self.said[position] & _mask(keys) != 0

    def any_says(self, first: int, behind: int, *keys: str) -> bool:
        """Say whether one of the words from the first position to the one before `behind` is one of these."""
        return reduce(or_, self.said[max(0, first) : max(0, behind)], 0) & _mask(keys) != 0

    def is_introduced(self, position: int, key: str) -> bool:
        """Say whether such a word stands before this one, with small words between at the most."""
        for at in range(position - 1, max(-1, position - 1 - _NEXT), -1):
            if self.says(at, key):
                return True
            if not self.tokens[at].is_word or not self.tokens[at].what & Is.LINK:
                return False
        return False


def about(text: Text) -> int:
    """Return what all words say together."""
    return reduce(or_, text.said, 0)


@cache
def _mask(keys: tuple[str, ...]) -> int:
    return reduce(or_, (SAYS[key] for key in keys))


def _shape(token: Token) -> int:
    if token.is_number:
        return Shape.NUMBER
    if not token.is_word:
        return Shape.SIGN
    return Shape.CAPITAL if token.is_capitalised or token.is_upper else 0


@lru_cache(maxsize=8_192)
def _said(folded: str) -> int:
    table = _table()
    return table.get(folded, 0) or table.get(without_article(folded), 0)


@cache
def _table() -> dict[str, int]:
    table: dict[str, int] = {}
    for key, bit in SAYS.items():
        for word in map(fold, phrases_of_all(f"personal.{key}")):
            table[word] = table.get(word, 0) | bit
    return table
