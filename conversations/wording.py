"""The sentences of the bot in the reader's language: gettext catalogues, Spanish first.

Catalogue keys are names (`menu.nothing_due`), not sentences. The Spanish sentences are edited as often as the others,
and a name survives that. All `*.po` files of a language's folder make one catalogue.
"""

from collections.abc import Sequence
from functools import cache

from conversations.catalogues import read_catalogue
from conversations.languages import FIRST, LANGUAGES, folder_of


class Wording:
    """The sentences of one language.

    A missing sentence is taken from Spanish; a key without any sentence is returned itself.
    """

    def __init__(self, language: str, sentences: dict[str, str]) -> None:
        self.language = language
        self._sentences = sentences
        self.colon = self("sign.colon")
        """The sign between a name and its value. French has a space before the colon."""

    def __call__(self, key: str, /, **values: object) -> str:
        sentence = self._sentences.get(key, key)
        return sentence.format_map(values) if values else sentence

    def listed(self, names: Sequence[str]) -> str:
        """Name several things in a sentence: "enero, febrero y marzo"."""
        first = [", ".join(names[:-1])] if names[1:] else []
        return f" {self('sign.and')} ".join([*first, *names[-1:]])

    def percent(self, n: object) -> str:
        """A share of a hundred with its sign. French sets a space before it."""
        return self("sign.percent", n=n)

    def __contains__(self, key: str) -> bool:
        return key in self._sentences

    def keys(self) -> frozenset[str]:
        return frozenset(self._sentences)


@cache
def catalogue(language: str) -> dict[str, str]:
    """The sentences of this language alone, without the fallback."""
    sentences: dict[str, str] = {}
    for resource in sorted(folder_of(language).iterdir(), key=lambda r: r.name):
        if resource.name.endswith(".po"):
            sentences |= read_catalogue(resource.read_text("utf-8"))
    return sentences


@cache
def wording(language: str) -> Wording:
    """The wording of a language, read once; an unknown language gets Spanish."""
    code = language if language in LANGUAGES else FIRST
    return Wording(code, {**catalogue(FIRST), **catalogue(code)})
