"""Words written so that nobody finds them: letter by letter, with figures for letters, as the name of a file."""

import re

from conversations.session.reading.text import fold
from conversations.session.safeguards.words import NAME, Is, read_words

_HYPHENED = re.compile(r"(?<![\w.-])(?:[^\W\d_]{1,2}-){2,}[^\W\d_]{1,2}(?![\w-])")
_STOPPED = re.compile(r"(?<![\w.-])(?:[^\W\d_]\.){3,}[^\W\d_](?![\w.])")
_SPACED = re.compile(r"(?<![\w.-])[^\W\d_](?: [^\W\d_]){4,}(?![\w.-])")
""" "d-o-c-e", "y.o.h.a.n.n.a", "Y o k a s t a". Initials have a stop behind the last."""
_FOUR_APART = re.compile(r" [^\W\d_](?: [^\W\d_]){3}(?!\w)")
_BLANKS = 4
_STOPS = 3
"""Stops of the shortest word with one behind each letter but the last."""
_LOWER = re.compile(r"[a-zà-ÿ]")
_FIGURES = re.compile(r"(?<![\w])[^\W\d_]+[01345789]+[^\W\d_]+(?:[01345789]+[^\W\d_]+)*(?!\w)")
_FIGURE_WITHIN = re.compile(r"[01345789][^\W\d_]")
_AS_LETTERS = str.maketrans("01345789", "oieastbg")
_ENDINGS = re.compile(
    r"\.(?:jpe?g|png|heic|webp|pdf|docx?|xlsx?|pptx?|csv|txt|mp[34]|ogg|od[st]|zip|m4a|opus)$", re.IGNORECASE
)
_NO_FILE_NAME = re.compile(r"[\s/\\]")
_BETWEEN_WORDS = re.compile(r"[_-]+")


def plain(text: str) -> str:
    """The text with its spelt words whole: "edad: d-o-c-e" is "edad: doce"."""
    if "-" in text:
        text = _HYPHENED.sub(_joined, text)
    if text.count(".") >= _STOPS:
        text = _STOPPED.sub(_joined, text)
    if text.count(" ") >= _BLANKS and _FOUR_APART.search(text):
        text = _SPACED.sub(_joined, text)
    return _FIGURES.sub(_as_name, text) if _FIGURE_WITHIN.search(text) else text


def _joined(found: re.Match[str]) -> str:
    letters = re.sub(r"[-. ]", "", found[0])
    is_initials = "." in found[0] and not _LOWER.search(found[0])
    return found[0] if is_initials else letters


def _as_name(found: re.Match[str]) -> str:
    """ "M0ntás" as a name, if it is one; any other word as it stands."""
    word = fold(found[0]).translate(_AS_LETTERS)
    what = read_words(word)[0].what
    return word if what & (NAME | Is.COINED) and not what & Is.COMMON else found[0]


def words_of_file(text: str) -> str:
    """The words of the name of a file, apart and without its ending; nothing if the text is none."""
    text = text.rstrip()
    ending = _ENDINGS.search(text)
    if ending is None:
        return ""
    *_, name = _NO_FILE_NAME.split(text[: ending.start()])
    if not _BETWEEN_WORDS.search(name):
        return ""
    return text[: ending.start() - len(name)] + _BETWEEN_WORDS.sub(" ", name)
