"""Read a gettext file: its keys and their sentences."""

import re

_LINE = re.compile(
    r"""[ \t]*(?:
        (msgid[ ]+|msgstr[ ]+|)(")([^"\\\n]*(?:\\.[^"\\\n]*)*)"[ \t\r]*  # a key, a sentence, or more of either
        |(\#.*)?                                                         # a comment, or nothing
        |(.+)                                                            # what does not belong here
    )(?:\n|\Z)""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_SIGNS = {"n": "\n", "t": "\t", "r": "\r"}


def read_catalogue(text: str) -> dict[str, str]:
    """Read the sentences of a gettext file, by key. ValueError for a line that is not a key, a sentence or a comment.

    Sentences that are empty or marked as fuzzy are not finished, so they are left out. The catalogues have no plurals
    and no contexts. One expression finds all lines, for speed: every start and every command reads thousands of them.
    """
    entries: list[tuple[list[str], list[str], bool]] = []
    parts: list[str] = []
    is_fuzzy = False
    for number, (word, quote, said, comment, strange) in enumerate(_LINE.findall(text), 1):
        if not quote and not strange:
            is_fuzzy = is_fuzzy or (comment.startswith("#,") and "fuzzy" in comment)
            continue
        is_key = word.startswith("msgid")
        if strange or not (entries or is_key):
            line = text.split("\n")[number - 1]
            raise ValueError(f"line {number} of a catalogue is neither key, sentence nor comment: {line}")
        if is_key:
            entries.append(([], [], is_fuzzy))
            parts, is_fuzzy = entries[-1][0], False
        elif word:
            parts = entries[-1][1]
        parts.append(said)
    told = ((_unescaped(key), _unescaped(sentence)) for key, sentence, is_unfinished in entries if not is_unfinished)
    return {key: sentence for key, sentence in told if key and sentence}


def _unescaped(parts: list[str]) -> str:
    text = "".join(parts)
    return _ESCAPED.sub(lambda found: _SIGNS.get(found[1], found[1]), text) if "\\" in text else text
