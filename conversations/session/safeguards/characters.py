"""The characters of what was typed: as they may be stored, and as a reader sees them."""

import re
import unicodedata

_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that show nothing."""
_FIRST_MARK = "\u0300"
"""Marks, and letters without a shape, begin here. Before it nothing that can be printed is taken out or composed."""
_MARKS_KEPT = 3
_JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
"""Scripts that write words with an invisible sign between letters, such as Persian and Hindi (Unicode 16, 23.2)."""
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SPACES = re.compile(" +")
_EMPTY_LINES = re.compile("\n{3,}")


def clean(text: str) -> str:
    """Return the text as it may be stored and sent back: NFC, without bidi controls or other invisible characters (S7).

    Blanks are collapsed. Line breaks are kept, at most two in a row. Emoji keep the characters that join them, and so
    do letters whose script needs them.
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
        elif character in "\u200c\u200d":
            if kept and position + 1 < len(text) and _is_needed(character, kept[-1], text[position + 1]):
                kept.append(character)
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn") or marks > _MARKS_KEPT:
            continue
        else:
            kept.append(character)
    return kept


def _is_needed(joiner: str, before: str, behind: str) -> bool:
    """Whether emoji or letters on both sides of an invisible sign are read in another way without it."""
    if _JOINING.match(before) and _JOINING.match(behind):
        return unicodedata.category(before)[0] in "LM" and behind.isalpha()
    return joiner == "\u200d" and _is_pictograph(before) and _is_pictograph(behind)


def read_name(text: str) -> str:
    """Return a name from outside as it is kept, on one line. Blank if it has no letter that can be seen."""
    kept = " ".join(clean(text).split())
    return kept if any(map(str.isalpha, kept)) else ""


def _is_pictograph(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk") or character == "\ufe0f"


def visible(text: str) -> str:
    """Return the text without bidi controls, which show its letters in another order than they have (S7)."""
    return text if text.isprintable() else _BIDI.sub("", text)


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
