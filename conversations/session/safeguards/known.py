"""The names and numbers that a plan itself knows: its agencies, places, laws, titles, words and public hotlines.

Writing them exposes nobody, so the guard accepts them, even if they look like a person's name or number.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from conversations.session.reading.text import LETTERS, fold

_LONGEST_NAME = 12
"""Words of a text that is taken as one name, too; of a longer one only its words are known."""


@dataclass(frozen=True, slots=True)
class Known:
    """The names of a plan, its words one by one, and the digits of its hotlines. All folded.

    `lengths` are how many words the names with this first word have, the longest first.
    """

    lengths: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: frozenset[tuple[str, ...]] = frozenset()
    words: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def length_at(self, words: list[str], position: int) -> int:
        """Return how many words from this position on are one of the names; 0 if none. The longest counts."""
        for length in self.lengths.get(words[position], ()):
            said = tuple(words[position : position + length])
            if said in self.names:
                return len(said)
        return 0


NOTHING = Known()

Asked = Callable[[], Known]
"""Returns what is known, for who reads a free text: most events of a session bring none."""


def nothing() -> Known:
    """Return that no name and no number is known."""
    return NOTHING


def known_of(texts: Iterable[str], *, hotlines: Iterable[str] = ()) -> Known:
    """Return what these texts of a plan contain: names, titles, codes, in any language; and these public numbers."""
    lengths, names, words = _named(tuple(texts))
    return Known(lengths, names, words, frozenset("".join(filter(str.isdigit, hotline)) for hotline in hotlines))


@lru_cache(4)  # a plan's lists change more often than its texts, which take a twentieth of a second
def _named(
    texts: tuple[str, ...],
) -> tuple[Mapping[str, tuple[int, ...]], frozenset[tuple[str, ...]], frozenset[str]]:
    names: set[tuple[str, ...]] = set()
    lengths: dict[str, set[int]] = {}
    words: set[str] = set()
    for text in texts:
        said = tuple(fold(word) for word in LETTERS.findall(text))
        words.update(said)
        if 1 <= len(said) <= _LONGEST_NAME:
            names.add(said)
            lengths.setdefault(said[0], set()).add(len(said))
    ordered = {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()}
    return MappingProxyType(ordered), frozenset(names), frozenset(words)
