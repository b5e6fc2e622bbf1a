"""Texts that are made to be slow to read: a short piece said again and again, grown from the parts of a pattern.

A pattern that tries each beginning with each end takes four times as long for twice the text. Which text makes it do so
depends on the pattern, so `units` takes the pieces from the pattern itself: what each of its repeats may hold, what
stands before it, and what a whole match looks like.
"""

import random
import re
import sys
from collections.abc import Callable, Iterator
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 4096
"""What Telegram allows."""
UNITS = (
    "a.b.", ".", "a", "a@", "a-", "r-r-", "5=0", "1A", "x1x", "a_", "A.B. ", "á.é.", "ñ-", "José-", "«a ", '"a ', "(((",
    "https://a.", "www.a.", "facebook a", "ig luna.", "wa punto ", "kik: a-", "f.ep_. gmail ", "clave a", "ends ",
    "de ", "y ", "la ", "tiene ", "menor ", "víctima ", "la víctima, Ana ", "se llama ", "casa ", "calle ", "detrás ",
    "5 de mayo ", "de 15 ", "La niña tiene quince ", "Yudelka ", "Génesis Peña, ", "Santo Domingo ", "Hosp ",
    "Ensanche ", "condenado Juan ", "entre ellas Ana ", "gracias a Ana ", "nació en 2007 ", "809 555 ",
    "cero uno dos ", "expediente ",
)  # fmt: skip
"""Pieces that were slow once, and words of what the guard looks for."""
_KINDS = {
    ops.CATEGORY_DIGIT: "5",
    ops.CATEGORY_NOT_DIGIT: "x",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_NOT_SPACE: "x",
    ops.CATEGORY_WORD: "a",
    ops.CATEGORY_NOT_WORD: ".",
}
_OTHERS = "a5 .-_,:@/x'éA\n(oO0$<+|#*"
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_FEW = 6
"""Alternatives of which each is tried; of more, so many are drawn."""


def grown(unit: str, length: int, *, before: str = "", behind: str = "") -> str:
    """A text of about this length: the whole unit again and again."""
    return before + unit * max(1, (length - len(before) - len(behind)) // len(unit)) + behind


def units(pattern: re.Pattern[str], dice: random.Random) -> list[tuple[str, str]]:
    """What may stand before, and the piece to be repeated."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    whole = [_sample(tree, dice) for _ in range(4)]
    pieces = [("", each) for each in whole] + [("", f"{each} ") for each in whole] + [(e[:-1], e[-1:]) for e in whole]
    return list(dict.fromkeys((before, unit) for before, unit in (*_parts(tree, dice), *pieces) if unit))


def _parts(tree: Any, dice: random.Random, before: str = "") -> Iterator[tuple[str, str]]:
    said = before
    for op, given in tree:
        inside: Any = ()
        if op in _REPEATS:
            inside = (given[2],)
            yield said, _sample(given[2], dice)
        elif op is ops.BRANCH:
            inside = given[1] if len(given[1]) <= _FEW else dice.sample(given[1], _FEW)
        elif op in (ops.SUBPATTERN, ops.ATOMIC_GROUP):
            inside = (given[3] if op is ops.SUBPATTERN else given,)
        for each in inside:
            yield from _parts(each, dice, said)
        said += _sample([(op, given)], dice)
        yield "", said[len(before) :]


def _sample(tree: Any, dice: random.Random) -> str:
    """A text that such a piece of a pattern may match; what it only looks at is left out."""
    said = ""
    for op, given in tree:
        if op is ops.LITERAL:
            said += chr(given)
        elif op in (ops.NOT_LITERAL, ops.ANY):
            said += dice.choice([each for each in _OTHERS if ord(each) != given])
        elif op is ops.IN:
            said += _one_of(given, dice)
        elif op in _REPEATS:
            least, most, piece = given
            times = dice.randint(least, max(least, min(most, least + 2)))
            said += "".join(_sample(piece, dice) for _ in range(times))
        elif op is ops.BRANCH:
            said += _sample(dice.choice(given[1]), dice)
        elif op is ops.SUBPATTERN:
            said += _sample(given[3], dice)
        elif op is ops.ATOMIC_GROUP:
            said += _sample(given, dice)
    return said


def _one_of(given: Any, dice: random.Random) -> str:
    if given[0][0] is ops.NEGATE:
        others = [each for each in _OTHERS if not any(_is_in(op, what, each) for op, what in given[1:])]
        return dice.choice(others or ["~"])
    op, what = dice.choice(given)
    return _KINDS[what] if op is ops.CATEGORY else chr(what if op is ops.LITERAL else dice.randint(*what))


def _is_in(op: Any, what: Any, character: str) -> bool:
    if op is ops.CATEGORY:
        return (
            re.fullmatch({"5": r"\d", "x": r"\D", " ": r"\s", "a": r"\w", ".": r"\W"}[_KINDS[what]], character)
            is not None
        )
    return chr(what) == character if op is ops.LITERAL else what[0] <= ord(character) <= what[1]


def calls(read: Callable[[str], object], given: str) -> int:
    """Return how many functions are called while the text is read: a cost that no other process changes."""
    count = 0

    def called(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        read(given)
    finally:
        sys.setprofile(before)
    return count
