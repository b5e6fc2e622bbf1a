"""Read a gettext file: its keys and their sentences."""

import re

_ESCAPED = re.compile(r"\\(.)")
_SIGNS = {"n": "\n", "t": "\t", "r": "\r"}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def read_catalogue(text: str) -> dict[str, str]:
    """Read the sentences of a gettext file, by key. ValueError for a line that is not a key, a sentence or a comment.

    Sentences that are empty or marked as fuzzy are not finished, so they are left out. The catalogues have no plurals
    and no contexts. This takes a tenth of babel's time, at each start of each command.
    """
    entries: list[tuple[list[str], list[str], bool]] = []
    parts: list[str] = []
    is_fuzzy = False
    for number, line in enumerate(text.split("\n"), 1):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            is_fuzzy = is_fuzzy or (word == "#," and "fuzzy" in rest)
            continue
        is_continued = word.startswith('"') and entries
        quoted = _QUOTED.fullmatch(line.strip() if is_continued else rest.strip())
        if quoted is None or not (word == "msgid" or (word == "msgstr" and entries) or is_continued):
            raise ValueError(f"line {number} of a catalogue is neither key, sentence nor comment: {line}")
        if word == "msgid":
            entries.append(([], [], is_fuzzy))
            parts, is_fuzzy = entries[-1][0], False
        elif word == "msgstr":
            parts = entries[-1][1]
        parts.append(quoted[1])
    told = ((_unescaped(key), _unescaped(sentence)) for key, sentence, is_unfinished in entries if not is_unfinished)
    return {key: sentence for key, sentence in told if key and sentence}


def _unescaped(parts: list[str]) -> str:
    return _ESCAPED.sub(lambda found: _SIGNS.get(found[1], found[1]), "".join(parts))
