"""What a shelter is called, and how it is told of without a word for it: by those who are housed there.

"La casa de las muchachas", "where we keep the women", "las rescatadas duermen en": each is a shelter as much as
"refugio" is.
"""

from collections.abc import Iterator
from enum import Enum, auto
from functools import cache, lru_cache, reduce
from itertools import product
from operator import or_
from typing import NamedTuple

from conversations.languages import phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.misspelt import misspelt
from conversations.session.safeguards.sentences import ends_sentence
from conversations.session.safeguards.shelter_words import SAYS, Text, about
from conversations.session.safeguards.words import Is, is_new, words_of

_LEAST_MISSPELT, _MOST_MISSPELT = 6, 12
"""Letters of a word that may be one of a shelter, but for a slip."""
_OF_WHOM = 5
"""Words between a house and those who are housed in it: "la casa de las dos muchachas"."""
_SMALL_WORDS = 2
"""Words between a house and what makes a shelter of it: "casa de la acogida"."""
_WHERE = 6
"""Words between "where" and that somebody is kept there: "donde están ahora las muchachas"."""
_BACK = 9
"""Words between those who are housed and how: "las dos hermanas rescatadas en Azua duermen"."""
_AHEAD = 6
"""The same, where how stands first: "ahí duermen ahora las víctimas"."""
_FIRST_WORDS = 2
"""Words of a sentence in which nobody is told: "ya duermen en"."""
_WE = "mos"
""" "Tenemos": who says so houses them. Whoever "tiene" them may be their captor."""


class Stay(Enum):
    """What is said of somebody who is housed."""

    HOUSED = auto()
    """ "Las rescatadas duermen en", "ahí las tenemos", "the girls are lodged at"."""
    HOUSED_THERE = auto()
    """The same of a place that was told before: "alquilamos una casa en Naco para las víctimas"."""
    BROUGHT = auto()
    """ "Llevamos las víctimas a", "las muchachas están en": only a street tells where they live."""


def shelters_in(text: Text) -> dict[int, int]:
    """Return where each shelter begins, by a name for it or by whom it houses → the position behind it."""
    meant = [_as_meant(token.folded) for token in text.tokens]
    found = spans("personal.shelters", meant)
    by_whom = dict(_by_whom_they_house(text)) if about(text) & (SAYS["homes"] | SAYS["where"]) else {}
    by_kind = dict(_by_kind(text)) if about(text) & SAYS["shelter_kinds"] else {}
    return {**by_whom, **found, **by_kind}


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


@lru_cache(maxsize=8_192)
def _as_meant(typed: str) -> str:
    """The word of the name of a shelter that this one is for, but for one slip: "refuguio", "shleter"."""
    if not _LEAST_MISSPELT <= len(typed) <= _MOST_MISSPELT or not is_new(typed):
        return typed
    slips = _slips()
    return next((slips[each] for each in (typed, *_without_one(typed)) if each in slips), typed)


@cache
def _slips() -> dict[str, str]:
    """Each word of the name of a shelter, and what is left of it without one letter or with two that are swapped."""
    words = {word for name in _phrases("personal.shelters").names for word in name if len(word) >= _LEAST_MISSPELT}
    return {typed: word for word in sorted(words) for typed in (*_without_one(word), *misspelt(word), word)}


def _without_one(word: str) -> list[str]:
    return [word[:at] + word[at + 1 :] for at in range(1, len(word))]


# ------------------------------------------------------------------ a house, by its kind and by whom it houses
def _by_kind(text: Text) -> Iterator[tuple[int, int]]:
    """ "Casa de acogida", "fanmi ki akeyi", "safe house": not "familia, emergencia"."""
    for at in range(len(text.tokens)):
        if text.says(at, "shelter_kinds") and text.says(at + 1, "takes_in"):
            yield at, at + 2
        if not text.says(at, "takes_in"):
            continue
        ahead = at + 1
        while ahead <= at + _SMALL_WORDS and _is_small(text, ahead):
            ahead += 1
        if text.says(ahead, "shelter_kinds"):
            yield at, ahead + 1


def _by_whom_they_house(text: Text) -> Iterator[tuple[int, int]]:
    """ "La casa de las muchachas", "the girls' home", "donde las tenemos", "where the women are"."""
    for at in range(len(text.tokens)):
        if text.says(at, "homes") and (behind := _house_behind(text, at)):
            yield at, behind
        if text.says(at, "homes") and _is_ours(text, at):
            yield at, at + 1
        if text.says(at, "where") and (behind := _where_behind(text, at)):
            yield at, behind


def _is_ours(text: Text, at: int) -> bool:
    """ "Mudamos la casa", "ahí mismo es la casa"; not "ahí es la casa de la cultura"."""
    is_moved = any(text.says(before, "keeps") and _do_we_keep(text, before) for before in (at - 1, at - 2))
    is_there = text.any_says(at - _AHEAD, at, "there") and text.any_says(at - 2, at, "is")
    return (is_moved or is_there) and not text.says(at + 1, "belongs")


def _is_small(text: Text, at: int) -> bool:
    is_of_house = text.at(at).what & Is.LINK or text.says(at, "houses_whom")
    return bool(is_of_house) and not text.says(at, "shelter_kinds")


def _are_housed(text: Text, at: int) -> bool:
    """ "Las muchachas"; not "Casa de la Mujer" nor "Ministerio de Mujeres"."""
    return text.says(at, "several") and not text.tokens[at].is_capitalised


def _are_several(text: Text, at: int) -> bool:
    """ "Las víctimas", "viktim yo"; not "viktim nan"."""
    is_one_too = text.says(at, "victim", "housed")
    return text.says(at, "several", "victims") and not (is_one_too and not text.any_says(at + 1, at + 3, "them_behind"))


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
        whom = whom or text.says(ahead, "several", "victims", "lodged")
        if stays and whom:
            return ahead + 1
    return 0


def _do_we_keep(text: Text, at: int) -> bool:
    return text.says(at, "keeps") and (text.tokens[at].folded.endswith(_WE) or text.any_says(at - 2, at, "we"))


def _is_of_them(text: Text, at: int) -> bool:
    """ "Las tenemos", "keep them", "tenemos a las muchachas"."""
    is_beside = text.says(at - 1, "them") or text.says(at + 1, "them_behind")
    return is_beside or text.any_says(at + 1, at + _OF_WHOM, "several")


# ------------------------------------------------------------------ somebody who is housed
class _Said(NamedTuple):
    """What somebody's stay is told by: a word, another before it, and how many words lie between at the most."""

    now: str
    before: str
    reach: int
    stay: Stay
    example: str


_SAID = (
    _Said("kept", "", 0, Stay.HOUSED, "las tenemos en"),
    _Said("lodged", "one", _BACK, Stay.HOUSED, "la víctima está alojada en"),
    _Said("lodged alone", "", 0, Stay.HOUSED, "Hébergées à l'hôtel"),
    _Said("one", "lodged", _AHEAD, Stay.HOUSED, "alojamiento de la víctima:"),
    _Said("stays", "several", _BACK, Stay.HOUSED, "las rescatadas duermen en"),
    _Said("several", "stays", _AHEAD, Stay.HOUSED, "viven las rescatadas en"),
    _Said("rented", "several", _BACK, Stay.HOUSED, "las chicas están en el apto que alquilamos en"),
    _Said("several", "rented", 2 * _AHEAD, Stay.HOUSED_THERE, "alquilamos una casa en Los Prados para las víctimas"),
    _Said("several", "are there", _AHEAD, Stay.HOUSED_THERE, "en la calle 5, ahí están las víctimas"),
    _Said("moves", "one", _BACK, Stay.BROUGHT, "la víctima fue llevada a"),
    _Said("one", "moves", _AHEAD, Stay.BROUGHT, "llevar comida a la víctima, calle"),
    _Said("are", "several", _AHEAD, Stay.BROUGHT, "las víctimas están en"),
)
"""From top to bottom: the first of them that is said counts."""
_WHOM = reduce(or_, (SAYS[key] for key in ("several", "victims", "victim", "housed", "them", "them_behind")))
_HOW = reduce(or_, (SAYS[key] for key in ("stays", "lodged", "keeps", "are", "moves", "rented")))


def stays_in(text: Text) -> dict[int, Stay]:
    """Return where it is said that somebody is housed, and what."""
    words = about(text)
    if not words & _HOW:
        return {}
    found: dict[int, Stay] = {}
    last, began = {"": 0}, 0  # position of each word that was said in this sentence
    for at in range(len(text.tokens)):
        if not text.said[at] & (_WHOM | _HOW):
            if ends_sentence(text.tokens, at):
                last, began = {"": 0}, at + 1
            continue
        heard = _heard(text, at)
        if "lodged" in heard and at - began < _FIRST_WORDS:
            heard.add("lodged alone")
        for said in _SAID:
            if said.now in heard and said.before in last and (not said.reach or at - last[said.before] < said.reach):
                found[at] = said.stay
                break
        last |= dict.fromkeys(heard, at)
    return found


def _heard(text: Text, at: int) -> set[str]:
    """Return what this word says of somebody's stay."""
    heard = {key for key in ("lodged", "stays", "moves", "are") if text.says(at, key)}
    is_several = _are_several(text, at)
    if is_several or text.says(at, "victim", "housed"):
        heard |= {"several", "one"} if is_several else {"one"}
    if "are" in heard and text.any_says(at - 2, at + 2, "there"):
        heard.add("are there")
    if text.says(at, "rented") and not text.says(at, "homes"):
        heard.add("rented")
    if _do_we_keep(text, at) and _is_of_them(text, at):
        heard.add("kept")
    return heard
