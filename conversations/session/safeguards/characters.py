"""The characters of what was typed: as they may be stored, and as a reader sees them."""

import re
import unicodedata

_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that show nothing."""
_FIRST_MARK = "\u0300"
"""Marks, and letters without a shape, begin here. Before it nothing that can be printed is taken out or composed."""
_MARKS_KEPT = 3
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SPACES = re.compile(" +")
_EMPTY_LINES = re.compile("\n{3,}")


def clean(text: str) -> str:
    """Return the text as it may be stored and sent back: NFC, without bidi controls or other invisible characters (S7).

    Blanks are collapsed. Line breaks are kept, at most two in a row. Emoji keep the characters that join them.
    """
    if text.isprintable() and "  " not in text and max(text, default="") < _FIRST_MARK:
        return text.strip()
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    is_plain = max(text, default="") < _FIRST_MARK and text.replace("\n", "").isprintable()
    kept = text if is_plain else "".join(_kept(text))
    lines = (_SPACES.sub(" ", line).strip() for line in kept.split("\n"))
    # Taking characters out may bring together what composes.
    return unicodedata.normalize("NFC", _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip())


def _kept(text: str) -> list[str]:
    kept: list[str] = []
    marks = 0
    for position, character in enumerate(text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if character == "\n":
            kept.append(character)
        elif character in _BLANKS or category in ("Zs", "Zl", "Zp") or character in "\t\v\f":
            kept.append(" ")
        elif character == "\u200d":
            following = text[position + 1 : position + 2]
            if kept and _is_pictograph(kept[-1]) and following and _is_pictograph(following):
                kept.append(character)
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn") or marks > _MARKS_KEPT:
            continue
        else:
            kept.append(character)
    return kept


def _is_pictograph(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk") or character == "\ufe0f"


def seen(text: str) -> str:
    """The text as a reader sees it: compatible forms folded, digits in ASCII, one kind of dash."""
    folded = unicodedata.normalize("NFKC", clean(text))
    return folded if folded.isascii() else _NOT_ASCII.sub(_as_seen, folded)


def _as_seen(found: re.Match[str]) -> str:
    character = found[0]
    category = unicodedata.category(character)
    if category == "Pd" or character == "\u2212":
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("No", "Nl"):
        return str(unicodedata.digit(character, character))
    return "" if category in ("Me", "Cf") or character == "\ufe0f" else character
