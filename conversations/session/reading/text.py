"""Make texts comparable: the same word gives the same text, whatever the keyboard or the spelling."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")
LETTERS = re.compile(r"[^\W\d_]+")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_SAME = {**dict.fromkeys(_DASHES, "-"), "\u066b": ".", "\u066c": ",", **dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'")}


class _Characters(dict[int, str]):
    """A table for str.translate. It computes a character when it first meets it."""

    def __init__(self, of: Callable[[str], str]) -> None:
        self._of = of

    def __missing__(self, code: int) -> str:
        made = self._of(chr(code))
        if len(self) < 8_192:
            self[code] = made
        return made


def _plain_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() or character == "\n" else " "
    if character in _SAME:
        return _SAME[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("Cf", "Cc", "Cs", "Co", "Cn", "Me") or "\ufe00" <= character <= "\ufe0f":
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if "\uff01" <= character <= "\uff5e":
        return unicodedata.normalize("NFKC", character)
    return character


_PLAIN = _Characters(_plain_character)
_UNACCENTED = _Characters(lambda character: "" if unicodedata.combining(character) else character)


def normalise(text: str) -> str:
    """The words in lower case between single spaces: no accents, emoji or punctuation. "" if nothing remains."""
    return " ".join(WORD.findall(text.lower() if text.isascii() else fold(plain(text))))


@lru_cache(maxsize=4_096)
def known(text: str) -> str:
    """`normalise`, remembered: for the labels and codes that every answer is compared with."""
    return normalise(text)


def plain(text: str) -> str:
    """Return the same text in ASCII digits and signs: full-width, Arabic-Indic and keycap digits, dashes, quotes.

    It does not use NFKC, which would turn "5²" into 52.
    """
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def fold(text: str) -> str:
    """The text without accents and in lower case."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFD", text.casefold()).translate(_UNACCENTED)


def symbols(text: str) -> frozenset[str]:
    return frozenset(c for c in text if unicodedata.category(c) in ("So", "Sm", "Sc"))
