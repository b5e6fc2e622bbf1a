"""How the word of a number is misspelt: as it sounds, or by a slip of a finger.

"Kinse", "diesiseis", "forteen" and "qiunce" are numbers to any reader. Which of these spellings is another word already
is asked of the tables (`words.py`).
"""

import re
from collections.abc import Iterator

_SOUNDS = (("qu", "k"), ("ce", "se"), ("ci", "si"), ("z", "s"), ("v", "b"), ("y", "i"))
"""What sounds alike, as it is spelled and as it is heard."""
_NAME_SOUNDS = (
    ("ph", "f"),
    ("h", ""),
    ("qu", "k"),
    ("y", "i"),
    ("z", "s"),
    ("ce", "se"),
    ("ci", "si"),
    ("c", "k"),
    ("w", "u"),
)
_TWICE = re.compile(r"(.)\1")
_SILENT = re.compile(r"(?<=[^aeiou])e$")
_VOWELS = frozenset("aeiou")
_LEAST_SWAPPED = 6
_LEAST_DROPPED = 7
"""Letters of the shortest word in which a slip still leaves one word alone."""


def misspelt(word: str) -> frozenset[str]:
    """The other spellings of a word, folded: all its sounds as they are heard, or one slip."""
    return frozenset({*_heard(word), *_slipped(word)} - {word})


def as_heard(name: str) -> str:
    """The name as it is heard, so that "Bethania" and "Betania", "Nicol" and "Nicole" are one."""
    for written, sound in _NAME_SOUNDS:
        name = name.replace(written, sound)
    return _SILENT.sub("", _TWICE.sub(r"\1", name))


def _heard(word: str) -> Iterator[str]:
    spellings = {word}
    for written, sound in _SOUNDS:
        spellings |= {each.replace(written, sound) for each in spellings}
    return (each for each in spellings if each == word or len(each) > 3)


def _slipped(word: str) -> Iterator[str]:
    for at in range(1, len(word)):
        if len(word) >= _LEAST_SWAPPED:
            yield word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
            yield word[:at] + word[at - 1 :]
        if len(word) >= _LEAST_DROPPED and (word[at] in _VOWELS or word[at] == word[at - 1]):
            yield word[:at] + word[at + 1 :]
