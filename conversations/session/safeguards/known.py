"""The names and numbers that a plan itself knows: its agencies, places, laws, titles, words and public hotlines.

Writing them exposes nobody, so the guard accepts them, even if they look like a person's name or number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from conversations.session.reading.text import LETTERS, fold

_LONGEST_NAME = 12
"""Words of a text that is taken as one name, too; of a longer one only its words are known."""


@dataclass(frozen=True, slots=True)
class Known:
    """The names of a plan by their first word, its words one by one, and the digits of its hotlines. All folded."""

    names: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def length_at(self, words: list[str], position: int) -> int:
        """Return how many words from this position on are one of the names; 0 if none. The longest counts."""
        for name in self.names.get(words[position], ()):
            if tuple(words[position : position + len(name)]) == name:
                return len(name)
        return 0


NOTHING = Known()


def known_of(texts: Iterable[str], *, hotlines: Iterable[str] = ()) -> Known:
    """Return what these texts of a plan contain: names, titles, codes, in any language; and these public numbers."""
    names, words = _named(tuple(texts))
    return Known(names, words, frozenset("".join(filter(str.isdigit, hotline)) for hotline in hotlines))


@lru_cache(4)  # a plan's lists change more often than its texts, which take a twentieth of a second
def _named(texts: tuple[str, ...]) -> tuple[Mapping[str, tuple[tuple[str, ...], ...]], frozenset[str]]:
    names: dict[str, set[tuple[str, ...]]] = {}
    words: set[str] = set()
    for text in texts:
        said = tuple(fold(word) for word in LETTERS.findall(text))
        words.update(said)
        if 1 <= len(said) <= _LONGEST_NAME:
            names.setdefault(said[0], set()).add(said)
    ordered = {first: tuple(sorted(found, key=len, reverse=True)) for first, found in names.items()}
    return MappingProxyType(ordered), frozenset(words)
