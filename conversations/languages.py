"""The languages that the bot speaks, each a folder of `conversations/locales`, and the words that people type in them.

A language is data: the sentences of the bot (all `*.po` files of its folder) and the words that it understands
(`language.po`: months, number words, names of commands, the words of an emergency). To add a language, add a folder.

People mix languages, and a phone may be set to another language than its owner's. So words are looked up in all
languages, the person's own first. Only the `language.po` files are read for that, when somebody types for the first
time.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from conversations.catalogues import read_catalogue

FIRST = "es"
"""The language in which each sentence is written first. If another language lacks a sentence, this one is used."""
TABLES = "language.po"
LACKING = "—"
"""Stands in place of words that a language does not have."""
_LOCALES = files("conversations") / "locales"


def folder_of(language: str) -> Traversable:
    return _LOCALES / language


def _found() -> tuple[str, ...]:
    codes = sorted(each.name for each in _LOCALES.iterdir() if (each / TABLES).is_file())
    return (FIRST, *(code for code in codes if code != FIRST))


LANGUAGES = _found()
"""Their codes, as BCP 47 has them; the first is `FIRST`."""


@cache
def tables(language: str) -> dict[str, str]:
    """The entries of the language's `language.po`."""
    return read_catalogue((folder_of(language) / TABLES).read_text("utf-8"))


def language_name(language: str) -> str:
    """Return what its speakers call the language. For a language that the bot does not speak, return its code."""
    return tables(language).get("language.name", language) if language in LANGUAGES else language


@cache
def phrases(language: str, key: str) -> tuple[str, ...]:
    """The words or phrases of this key in one language, in their order. Empty if the language lacks them.

    For a language that the bot does not speak, those of `FIRST`.
    """
    told = tables(language if language in LANGUAGES else FIRST).get(key, LACKING)
    return () if told == LACKING else tuple(told.split("|"))


@cache
def phrases_of_all(key: str) -> tuple[str, ...]:
    """The phrases of this key in every language, each once."""
    return tuple(dict.fromkeys(phrase for language in LANGUAGES for phrase in phrases(language, key)))


def says_yes(language: str, key: str) -> bool:
    """Whether a language answers this key with yes."""
    return phrases(language, key) == ("yes",)


def translated(texts: Mapping[str, str], language: str) -> str:
    """The text in that language. If there is none: in `FIRST`, in any language, or blank."""
    return texts.get(language) or texts.get(FIRST) or next((text for text in texts.values() if text), "")
