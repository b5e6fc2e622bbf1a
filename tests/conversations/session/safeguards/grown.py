"""Texts that are grown from the parts of a regular expression: what would make it read the same signs many times."""

import importlib
import inspect
import pkgutil
import random
import re
from collections.abc import Iterator
from re import _constants as C  # type: ignore[attr-defined]
from re import _parser as P  # type: ignore[attr-defined]
from typing import Any

from conversations.languages import LANGUAGES

PACKAGES = ("conversations.session", "bot.screens.everyone", "bot.telegram")
SIGNS = "a5 .-_,:@/x'éA\n([oO0$<+|#*"
CATEGORIES = {
    C.CATEGORY_DIGIT: str.isdigit,
    C.CATEGORY_SPACE: str.isspace,
    C.CATEGORY_WORD: lambda sign: sign.isalnum() or sign == "_",
    C.CATEGORY_NOT_DIGIT: lambda sign: not sign.isdigit(),
    C.CATEGORY_NOT_SPACE: lambda sign: not sign.isspace(),
    C.CATEGORY_NOT_WORD: lambda sign: not (sign.isalnum() or sign == "_"),
}
REPEATS = {C.MAX_REPEAT, C.MIN_REPEAT, C.POSSESSIVE_REPEAT}


def patterns() -> dict[str, re.Pattern[str]]:
    """The patterns of every module that reads text from outside, by name, those too that a cached function makes."""
    found: dict[str, re.Pattern[str]] = {}
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                for at, each in enumerate(held(value)):
                    found.setdefault(each.pattern, (f"{module.name}.{name}.{at}", each))  # type: ignore[arg-type]
    return dict(found.values())  # type: ignore[arg-type]


def held(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from held(each)
    elif isinstance(value, dict):
        yield from held(list(value.values()))
    elif hasattr(value, "cache_info") and "Pattern" in str(inspect.signature(value).return_annotation):
        asked = list(inspect.signature(value).parameters)
        for given in [()] if not asked else [(each,) for each in LANGUAGES] if asked == ["language"] else []:
            yield from held(value(*given))


def units(pattern: re.Pattern[str], *, rounds: int = 2, whole: int = 8) -> set[tuple[str, str]]:
    """What may stand before, and what is repeated: each part that the pattern repeats, each beginning, matches."""
    dice = random.Random(pattern.pattern)
    tree = P.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    found = {pair for _ in range(rounds) for pair in parts(tree, dice)}
    for _ in range(whole):
        match = sample(tree, dice)
        found |= {("", match), ("", match + " "), ("", match[: len(match) // 2]), (match[:-1], match[-1:])}
    return {(before, unit) for before, unit in found if unit}


def parts(tree: Any, dice: random.Random, before: str = "") -> Iterator[tuple[str, str]]:
    run = before
    for what, given in tree:
        if what in REPEATS:
            yield run, sample(given[2], dice)
            yield from parts(given[2], dice, run)
        elif what is C.BRANCH:
            for way in dice.sample(given[1], min(6, len(given[1]))):
                yield from parts(way, dice, run)
        elif what is C.SUBPATTERN:
            yield from parts(given[3], dice, run)
        run += sample([(what, given)], dice)
    yield "", run[len(before) :]


def sample(tree: Any, dice: random.Random) -> str:
    """A text that the pattern may match."""
    made = ""
    for what, given in tree:
        if what is C.LITERAL:
            made += chr(given)
        elif what is C.NOT_LITERAL:
            made += dice.choice([sign for sign in SIGNS if ord(sign) != given])
        elif what is C.ANY:
            made += dice.choice(SIGNS)
        elif what is C.IN:
            made += one_of(given, dice)
        elif what in REPEATS:
            least, most, repeated = given
            made += "".join(
                sample(repeated, dice) for _ in range(dice.randint(least, max(least, min(most, least + 2))))
            )
        elif what is C.BRANCH:
            made += sample(dice.choice(given[1]), dice)
        elif what is C.SUBPATTERN:
            made += sample(given[3], dice)
    return made


def one_of(kinds: Any, dice: random.Random) -> str:
    if kinds[0][0] is C.NEGATE:
        return dice.choice([sign for sign in SIGNS if not any(holds(*kind, sign) for kind in kinds[1:])] or ["~"])
    what, given = dice.choice(kinds)
    if what is C.LITERAL:
        return chr(given)
    if what is C.RANGE:
        return chr(dice.randint(*given))
    return dice.choice([sign for sign in SIGNS if holds(what, given, sign)])


def holds(what: Any, given: Any, sign: str) -> bool:
    if what is C.LITERAL:
        return ord(sign) == given
    if what is C.RANGE:
        return bool(given[0] <= ord(sign) <= given[1])
    return bool(CATEGORIES[given](sign))


def text(before: str, unit: str, length: int, end: str = "") -> str:
    return (before + unit * (length // len(unit) + 1))[: length - len(end)] + end
