"""Read choices that people type: by number, code or label; one or several; or searched for."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, cached_property

from conversations.session.reading.in_letters import InLetters
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood
from conversations.session.reading.text import known, normalise, plain, symbols
from conversations.session.reading.vocabulary import any_phrase, known_words

NONE = NotUnderstood("err.choice")
NONE_OF_SEVERAL = NotUnderstood("err.choices")

Choices = Sequence[tuple[str, str]]
"""(value, label) in the order shown."""


class _List:
    """Choices as they are compared with what was typed. Each index is made once, when it is first needed.

    A list may have twenty thousand places, and a message three hundred pieces: whoever reads the list for each piece
    makes everybody else wait for a minute.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    @cached_property
    def labels(self) -> list[str]:
        return [known(label) for _, label in self.choices]

    @cached_property
    def by_label(self) -> dict[str, list[int]]:
        return _positions(self.labels)

    @cached_property
    def by_label_without_joints(self) -> dict[str, list[int]]:
        return _positions(map(_without_joints, self.labels))

    @cached_property
    def by_code(self) -> dict[str, list[int]]:
        return _positions(value for value, _ in self.choices)

    @cached_property
    def by_known_code(self) -> dict[str, list[int]]:
        return _positions(known(value) for value, _ in self.choices)

    @cached_property
    def _sorted(self) -> list[tuple[str, int]]:
        return sorted((label, at) for at, label in enumerate(self.labels))

    @cached_property
    def _by_word(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = defaultdict(set)
        for at, label in enumerate(self.labels):
            for word in label.split():
                found[word].add(at)
        return found

    def begun_with(self, beginning: str) -> list[int]:
        first = bisect_left(self._sorted, (beginning,))
        after = bisect_left(self._sorted, (beginning + LAST_CHARACTER,), lo=first)
        return sorted(at for _, at in self._sorted[first:after])

    def with_words(self, words: Iterable[str]) -> list[int]:
        return sorted(set.intersection(*(self._by_word.get(word, set()) for word in words)))

    def values(self, positions: Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.choices[at][0] for at in positions))


LAST_CHARACTER = "\U0010ffff"


def _positions(texts: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        found[text].append(at)
    return found


def match_choice(text: str, choices: Choices) -> Read:
    """Find the choice that was typed: by its number from 1, its code or its label.

    Accents, case and emoji do not matter. The beginning of a label is enough if only one label begins so. Other words
    of a label only suggest it. If two ways of reading give different choices, none is taken: "2" may be the code of
    the first.
    """
    return NONE if len(text) > 1_000 else _match(text, _List(choices))


def _match(text: str, among: _List) -> Read:
    said = normalise(text)
    if not said:
        shown = symbols(text)
        return _one_of(value for value, label in among.choices if shown and shown <= symbols(label))
    exact = among.by_label.get(said, [])
    exact = exact + (among.by_code.get(text.strip()) or among.by_known_code.get(said, []))
    if (position := _position().fullmatch(said)) and not re.match(r"\s*-\d", plain(text)):
        exact += [at for at in (int(position[1]) - 1,) if 0 <= at < len(among.choices)]
        exact += among.begun_with(f"{said} ")
    if found := exact or among.begun_with(said):
        return _one_of(among.values(found))
    within = among.values(among.with_words(said.split())) if len(said) >= 4 else ()
    return Ambiguous(within) if within else NONE


def _one_of(values: Iterable[str]) -> Read:
    found = tuple(dict.fromkeys(values))
    if not found:
        return NONE
    return Understood(found[0]) if len(found) == 1 else Ambiguous(found)


_STRONG = re.compile(r"[,;\n/|+&•]+")


@cache
def _position() -> re.Pattern[str]:
    return re.compile(rf"(?:{any_phrase('reading.choice_number')} ){{0,4}}(\d{{1,3}})")


@cache
def _weak() -> re.Pattern[str]:
    """The pattern of what joins two choices, between blanks."""
    return re.compile(rf"(?<!\s)\s++(?:{any_phrase('reading.and')}|{any_phrase('reading.or')})\s++", re.IGNORECASE)


@cache
def _leading() -> re.Pattern[str]:
    """The pattern of what joins the last choice to those before it, after a comma."""
    return re.compile(rf"^\s*{any_phrase('reading.and')}\s+", re.IGNORECASE)


def match_choices(text: str, choices: Choices) -> Read:
    """Find the choices of a select_multiple: "1, 3 y 4", "1 3 4", labels between commas or on lines.

    They are read in the order of the list, each once, with blanks between. A label may contain commas and "y". So the
    longest run of words that is a choice counts. If one piece is no choice, nothing is chosen. If one piece may be
    several choices, they are named.
    """
    if len(text) > 1_000:
        return NONE_OF_SEVERAL
    among = _List(choices)
    whole = _match(text, among)
    if isinstance(whole, Understood):
        return whole
    if not re.search(r"\d\s*-\s*\d", plain(text)):  # "1-3": a range, or two?
        picked = _pick(_pieces(text), among)
        if isinstance(picked, Ambiguous):
            return picked
        if picked:
            return Understood(" ".join(dict.fromkeys(value for value, _ in choices if value in picked)))
    return whole if isinstance(whole, Ambiguous) else NONE_OF_SEVERAL


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for strong in _STRONG.split(text):
        for weak in _weak().split(strong):
            if re.fullmatch(r"\s*\d+(?:\s+\d+)+\s*", plain(weak)):
                pieces += weak.split()
            elif weak.strip():
                pieces.append(_leading().sub("", weak).strip())
    return pieces


def _pick(pieces: list[str], among: _List) -> set[str] | Ambiguous:
    """Return the choice of each piece, or the choices that one piece may be. Empty if one is no choice."""
    picked: set[str] = set()
    doubt: Ambiguous | None = None
    at = 0
    while at < len(pieces):
        length, matched = _longest(pieces[at : at + 4], among)
        at += length
        match matched:
            case Understood(value):
                picked.add(value)
            case Ambiguous():
                doubt = doubt or matched
            case NotUnderstood():
                return set()
    return picked if doubt is None else doubt


def _longest(pieces: list[str], among: _List) -> tuple[int, Read]:
    """Return how many of these pieces are one choice, and which. Otherwise what the first piece is by itself.

    Joined pieces must be a whole label: a beginning would swallow its neighbours.
    """
    for length in range(len(pieces), 1, -1):
        joined = _without_joints(normalise(" ".join(pieces[:length])))
        matched = _one_of(among.values(among.by_label_without_joints.get(joined, ())))
        if isinstance(matched, Understood):
            return length, matched
    return 1, _match(pieces[0], among)


def _without_joints(normalised: str) -> str:
    joints = known_words("reading.and") | known_words("reading.or")
    return " ".join(word for word in normalised.split() if word not in joints)


def search_choices(text: str, choices: Choices, limit: int = 8) -> tuple[tuple[str, str], ...]:
    """Search a long list. The best come first: equal, same beginning, words with the same beginning, similar."""
    said = normalise(text)[:100]
    if not said or limit < 1:
        return ()
    words = said.split()
    ranked: list[tuple[float, int]] = []
    for position, (value, label) in enumerate(choices):
        shown = known(label)
        if said in (shown, known(value)):
            rank = 0.0
        elif shown.startswith(said):
            rank = 1.0
        elif all(any(w.startswith(word) for w in shown.split()) for word in words):
            rank = 2.0
        elif said in shown or said in known(value):
            rank = 3.0
        else:
            continue
        ranked.append((rank, position))
    if not ranked and len(said) >= 4:
        likeness = InLetters(said)
        for position, (_, label) in enumerate(choices):
            shown = known(label)[:100]
            if alike := max(map(likeness, (shown, shown[: len(said)], *shown.split())), default=0.0):
                ranked.append((4 - alike, position))
    return tuple(choices[position] for _, position in sorted(ranked)[:limit])
