"""Two languages that nobody speaks, made of the English catalogue, to see what a real one would break.

`xa` is stretched and accented, as far as buttons and sentences may be long: what is cut, or written into the code,
is seen at once. `xb` is written from right to left, in Arabic letters. What people type in them is English.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conversations import languages, wording
from conversations.catalogues import read_catalogue
from conversations.language_check import CHAT, MESSAGE_LIMIT, button_limits
from conversations.languages import LANGUAGES, TABLES, folder_of

STRETCHED, RIGHT_TO_LEFT = "xa", "xb"
PSEUDO = (STRETCHED, RIGHT_TO_LEFT)
_KEPT = re.compile(r"(\{\{.*?\}\}|\{[^{}]*\}|\$\{[^}]*\})")
"""Gaps, and what authors write as `${name}`."""
_ACCENTED = str.maketrans("aceinostuyzACEINOSUYZ", "àçéîñøśţûýžÀÇÉÎÑØŚÛÝŽ")
_ARABIC = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ابثدعفغهيجكلمنوپقرستخڤشطزضابثدعفغهيجكلمنوپقرستخڤشطزض",
)


def stretched(text: str, most: int) -> str:
    """With accents, and a third longer if that is allowed."""
    told = "".join(part if _KEPT.fullmatch(part) else part.translate(_ACCENTED) for part in _KEPT.split(text))
    more = min(len(text) // 3, most - len(text))
    return told + "~" * max(0, more)


def right_to_left(text: str, most: int) -> str:
    """In Arabic letters, with the mark of their direction before the first one."""
    told = "".join(part if _KEPT.fullmatch(part) else part.translate(_ARABIC) for part in _KEPT.split(text))
    return f"\u200f{told}" if len(told) < most else told


_MADE: dict[str, Callable[[str, int], str]] = {STRETCHED: stretched, RIGHT_TO_LEFT: right_to_left}


def make(language: str, folder: Path) -> None:
    """The folder of a pseudo-language: every catalogue, its tables as in English but for its name and its months."""
    folder.mkdir()
    buttons = button_limits()
    for each in folder_of("en").iterdir():
        sentences = dict(read_catalogue(each.read_text("utf-8")))
        for key, sentence in sentences.items():
            if each.name == TABLES and key not in ("language.name", "months.long", "months.short"):
                continue
            limits = [buttons.get(key, 4096), MESSAGE_LIMIT if each.name in CHAT else 4096]
            sentences[key] = _MADE[language](sentence, min(limits))
        entries = (f"msgid {_quoted(key)}\nmsgstr {_quoted(told)}\n" for key, told in sentences.items())
        (folder / each.name).write_text("\n".join(entries), "utf-8")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


@contextmanager
def spoken_pseudo(locales: Path) -> Iterator[Path]:
    """The bot speaks both beside its own languages, as if their folders were among the others."""
    locales.mkdir()
    for language in LANGUAGES:
        (locales / language).symlink_to(Path(str(folder_of(language))))
    for language in PSEUDO:
        make(language, locales / language)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "_LOCALES", locales)
        patch.setattr(languages, "LANGUAGES", (*LANGUAGES, *PSEUDO))
        patch.setattr(wording, "LANGUAGES", (*LANGUAGES, *PSEUDO))
        _forget()
        yield locales
    _forget()


def _forget() -> None:
    """What was read of languages under these codes; everything else stays as it was read."""
    for remembered in (languages.tables, languages.phrases, wording.catalogue, wording.wording):
        remembered.cache_clear()
