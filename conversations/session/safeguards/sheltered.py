"""What a shelter is called, and how it is told of without a word for it: by those who are housed there.

"La casa de las muchachas", "where we keep the women", "las rescatadas duermen en": each is a shelter as much as
"refugio" is.
"""

from collections.abc import Iterator
from enum import Enum, auto
from functools import cache
from itertools import product

from conversations.languages import phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.misspelt import misspelt
from conversations.session.safeguards.sentences import ends_sentence
from conversations.session.safeguards.shelter_words import SAYS, Text, about
from conversations.session.safeguards.words import Is, is_new, words_of

_LEAST_MISSPELT = 6
_OF_WHOM = 5
"""Words between a house and those who are housed in it: "la casa de las dos muchachas"."""
_WHERE = 6
"""Words between "where" and that somebody is kept there: "donde están ahora las muchachas"."""
_BACK = 9
"""Words between those who are housed and how: "las dos hermanas rescatadas en Azua duermen"."""
_AHEAD = 6
"""The same, where how stands first: "ahí duermen ahora las víctimas"."""
_WE = "mos"
""" "Tenemos": who says so houses them. Whoever "tiene" them may be their captor."""


class Stay(Enum):
    """What is said of somebody who is housed."""

    HOUSED = auto()
    """ "Las rescatadas duermen en", "ahí las tenemos", "the girls are lodged at"."""
    BROUGHT = auto()
    """ "Llevamos las víctimas a", "las muchachas están en": only a street tells where they live."""


def shelters_in(text: Text) -> dict[int, int]:
    """Return where each shelter begins, by a name for it or by whom it houses → the position behind it."""
    meant = [_as_meant().get(token.folded, token.folded) for token in text.tokens]
    found = spans("personal.shelters", meant)
    by_whom = dict(_by_whom_they_house(text)) if about(text) & (SAYS["homes"] | SAYS["where"]) else {}
    return {**by_whom, **found}


def spans(key: str, words: list[str]) -> dict[int, int]:
    """Return where each phrase of a key begins → the position behind it. The longest counts."""
    known = _phrases(key)
    if known.lengths.keys().isdisjoint(words):  # nearly always
        return {}
    found = ((at, known.length_at(words, at)) for at, word in enumerate(words) if word in known.lengths)
    return {at: at + length for at, length in found if length}


@cache
def _phrases(key: str) -> Known:
    """Each phrase, as a plan's names are kept. A slash stands between words for one place; nothing behind it: the word
    may lack.
    """
    names = {
        tuple(word for piece in chosen for word in words_of(fold(piece)))
        for phrase in phrases_of_all(key)
        for chosen in product(*(piece.split("/") for piece in phrase.split(" ")))
    }
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[0], set()).add(len(name))
    return Known({first: tuple(sorted(each, reverse=True)) for first, each in lengths.items()}, frozenset(names))


@cache
def _as_meant() -> dict[str, str]:
    """A misspelt word of the name of a shelter → the word."""
    words = {word for name in _phrases("personal.shelters").names for word in name}
    return {
        typed: word
        for word in sorted(words)
        if len(word) >= _LEAST_MISSPELT
        for typed in misspelt(word)
        if typed not in words and is_new(typed)
    }


# ------------------------------------------------------------------ a house, by whom it houses
def _by_whom_they_house(text: Text) -> Iterator[tuple[int, int]]:
    """ "La casa de las muchachas", "the girls' home", "donde las tenemos", "where the women are"."""
    for at in range(len(text.tokens)):
        if text.says(at, "homes") and (behind := _house_behind(text, at)):
            yield at, behind
        if text.says(at, "where") and (behind := _where_behind(text, at)):
            yield at, behind


def _are_housed(text: Text, at: int) -> bool:
    """ "Las muchachas"; not "Casa de la Mujer" nor "Ministerio de Mujeres"."""
    return text.says(at, "several") and not text.tokens[at].is_capitalised


def _are_several(text: Text, at: int) -> bool:
    """ "Las víctimas", "viktim yo"; not "viktim nan"."""
    is_one_too = text.says(at, "victim", "housed")
    return text.says(at, "several", "victims") and not (is_one_too and not text.any_says(at + 1, at + 3, "them"))


def _house_behind(text: Text, at: int) -> int:
    """The position behind a house that begins here and those who are housed in it; 0 if none does."""
    before = at - 1 - (at > 0 and text.tokens[at - 1].text in "'’")
    if _are_housed(text, before):  # "the girls' home"
        return at + 1
    for ahead in range(at + 1, min(len(text.tokens), at + 1 + _OF_WHOM)):
        token = text.tokens[ahead]
        if ahead > at + 1 and _are_housed(text, ahead):
            return ahead + 1
        if not (token.what & Is.LINK or token.is_number or text.says(ahead, "houses_whom")):
            return 0
    return 0


def _where_behind(text: Text, at: int) -> int:
    """The position behind "where" and that somebody is kept there; 0 if that does not begin here."""
    stays = whom = False
    for ahead in range(at + 1, min(len(text.tokens), at + 1 + _WHERE)):
        if ends_sentence(text.tokens, ahead) or text.tokens[ahead].text == ",":
            return 0
        if _do_we_keep(text, ahead):
            return ahead + 1
        stays = stays or text.says(ahead, "stays", "lodged", "are")
        whom = whom or text.says(ahead, "several", "victims")
        if stays and whom:
            return ahead + 1
    return 0


def _do_we_keep(text: Text, at: int) -> bool:
    return text.says(at, "keeps") and (text.tokens[at].folded.endswith(_WE) or text.any_says(at - 2, at, "we"))


# ------------------------------------------------------------------ somebody who is housed
_WHOM = SAYS["several"] | SAYS["victims"] | SAYS["victim"] | SAYS["housed"] | SAYS["them"]
_HOW = SAYS["stays"] | SAYS["lodged"] | SAYS["keeps"] | SAYS["are"] | SAYS["moves"]


def stays_in(text: Text) -> dict[int, Stay]:
    """Return where it is said that somebody is housed, and what."""
    words = about(text)
    if not (words & _WHOM and words & _HOW):
        return {}
    found: dict[int, Stay] = {}
    nothing = -_BACK
    one = several = lodged = stays = moved = there = nothing  # where each was said last
    for at in range(len(text.tokens)):
        if ends_sentence(text.tokens, at):
            one = several = lodged = stays = moved = there = nothing
            continue
        is_several = _are_several(text, at)
        several = at if is_several else several
        one = at if is_several or text.says(at, "victim", "housed") else one
        is_lodged, is_stay = text.says(at, "lodged"), text.says(at, "stays")
        is_moved, is_are = text.says(at, "moves"), text.says(at, "are")
        if (
            (
                _do_we_keep(text, at)
                and text.any_says(at - 1, at + 2 + (text.says(at + 1, "any_one")), "them", "several")
            )
            or (is_lodged and at - one < _BACK)
            or (is_stay and at - several < _BACK)
            or (one == at and (at - lodged < _AHEAD or (is_several and at - stays < _AHEAD)))
        ):
            found[at] = Stay.HOUSED
        elif (
            (is_moved and at - one < _BACK) or (one == at and at - moved < _AHEAD) or (is_are and at - several < _AHEAD)
        ):
            found[at] = Stay.BROUGHT
        elif is_several and at - there < _AHEAD:
            found[at] = Stay.HOUSED
        lodged = at if is_lodged else lodged
        stays = at if is_stay else stays
        moved = at if is_moved else moved
        there = at if is_are and text.any_says(at - 2, at + 2, "there") else there
    return found
