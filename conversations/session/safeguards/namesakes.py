"""What bears the name of a person without being one: a hospital, a street, a saint's parish, a title between quotes."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import NamedTuple

from conversations.languages import phrases_of_all
from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.rules import Rule, Table
from conversations.session.safeguards.sentences import reach
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, is_followed, word_at

_QUOTES = {'"': '"', "“": "”", "«": "»"}
_IN_TITLES = frozenset('-."“”«»')
"""Signs that stand inside the name of an institution or a work."""


class Head(NamedTuple):
    """A word behind or before which the name of an institution may stand."""

    tokens: Sequence[Token]
    at: int
    runs: Sequence[int]
    """Where the words in small letters that may be one name end, of those that go on from each position."""

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def before(self) -> Token:
        return word_at(self.tokens, self.at - 1)


_CAPITAL, _UPPER, _BEFORE, _SMALL_BEFORE, _HASH = 1 << 100, 1 << 101, 1 << 102, 1 << 103, 1 << 104
"""How a head is written: with a capital, in capitals, before a capital, the same in small letters, as a sign."""


def institutions(tokens: Sequence[Token]) -> set[int]:
    """Institutions that are named after a person: "hospital Robert Reid Cabral", "Sheraton Hotel"."""
    masked: set[int] = set()
    if not any(each.is_capitalised or each.is_upper for each in tokens) and not any(map(_may_mask, tokens)):
        return masked
    before_capitals, runs = _before_capitals(tokens), _runs(tokens)
    for at, token in enumerate(tokens):
        shape = _CAPITAL if token.is_capitalised else _UPPER if token.is_upper else 0
        if at in before_capitals:
            shape |= _BEFORE if shape else _BEFORE | _SMALL_BEFORE
        if token.text == "#":
            shape |= _HASH
        if token.is_capitalised and _is_shelter(tokens, at):
            shape |= Is.INSTITUTION
        if shape or token.what & Is.INSTITUTION:
            head = Head(tokens, at, runs)
            for positions in HEADS.verdicts(head, token.what | shape):
                masked.update(positions(head))
    return masked | _quoted(tokens) | _located_with_article(tokens)


def _is_in_place(c: Head) -> bool:
    if c.token.folded not in known_words("personal.inside"):
        return False
    return not c.at or not _may_be_in_somebody(c.before)


def _is_seat(c: Head) -> bool:
    """Say whether it is the word for a place, behind where something is: "nan fwontyè"."""
    is_located = c.before.folded in known_words("personal.located")
    return is_located and c.token.folded in known_words("personal.seat")


def _is_of(c: Head) -> bool:
    is_link = c.token.what & Is.LINK or c.token.folded in known_words("personal.for")
    return bool(is_link) and c.at > 0 and not _is_seat(c)


def _behind_house(c: Head) -> range:
    """Return where the name behind a house stands."""
    position, (_, last) = c.at + 1, reach(c.tokens, c.at)
    is_plural = c.token.folded.endswith(("s", "x"))
    while position < last and (_carries_on(c.tokens, position) or (is_plural and c.tokens[position].what & Is.JOINS)):
        position += 1
    return range(c.at + 1, position)


def _before_house(c: Head) -> range:
    position = c.at - 1
    first, _ = reach(c.tokens, c.at)
    while position >= first and c.tokens[position].is_capitalised and _is_before_house(c.tokens, position, c.at):
        position -= 1
    return range(position + 1, c.at)


def _acronym_and_name(c: Head) -> tuple[int, ...]:
    begin = _behind_acronym(c.tokens, c.at)
    return (*range(c.at, begin), *_full_name(c.tokens, begin))


def _may_mask(small: Token) -> bool:
    """Say whether a word or a sign without a capital may have the name of an institution behind it."""
    return small.what & Is.INSTITUTION > 0 or small.text == "#" or small.text in _QUOTES


def _runs(tokens: Sequence[Token]) -> list[int]:
    runs = list(range(len(tokens) + 1))
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].what & NAME and tokens[at].text.islower() and not tokens[at].what & Is.LINK:
            runs[at] = runs[at + 1]
    return runs


def _in_small_letters(c: Head) -> range:
    """ "Hospital jaime mota": a full name at once behind a house, and nothing that is told of somebody."""
    tokens, at = c.tokens, c.at + 1
    end = min(c.runs[at], reach(tokens, at)[1])
    behind = tokens[end : end + 4]
    is_told = bool(behind) and behind[0].text == "," and any(each.what & SOMEBODY for each in behind)
    is_somebody = is_told or feels(tokens, end - 1) or acts(tokens, end - 1)
    return range(at, end if end - at > 1 and not is_somebody else at)


_HEADS = Is.INSTITUTION | Is.THING | Is.COMMON
_NO_HEADS = Is.GIVEN | Is.TITLE | Is.LINK | Is.STREET | SOMEBODY
_NO_OFFICE = Is.GIVEN | Is.COINED


def _of_office(tokens: Sequence[Token], head: int) -> set[int]:
    """ "Economic and Organised Crime Office", "Inite Sikolojik": the other capitals of the name of an office.

    A word that a list has as a given name is somebody's.
    """
    masked: set[int] = set()
    at, (first, last) = head - 1, reach(tokens, head)
    while at >= first and (_is_of_office(tokens[at]) or (tokens[at].text == "-" and masked)):
        masked.add(at)
        at -= 1
        if masked and at > 0 and tokens[at].what & Is.JOINS and _is_of_office(tokens[at - 1]):
            at -= 1
    at = head + 1
    while at < last and tokens[head].what & (Is.INSTITUTION | Is.THING) and _is_of_office(tokens[at]):
        masked.add(at)
        at += 1
    return masked


def _is_of_office(token: Token) -> bool:
    return token.is_capitalised and not token.what & _NO_OFFICE


def _before_capitals(tokens: Sequence[Token]) -> set[int]:
    """Return the positions before each word with a capital, over small words: few of a text."""
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if token.is_capitalised:
            position = at - 1
            while position >= 0 and tokens[position].what & Is.LINK and not tokens[position].is_capitalised:
                found.add(position)
                position -= 1
            found.add(position)
    return found


def _is_before_house(tokens: Sequence[Token], position: int, house: int) -> bool:
    """Say whether a word belongs to the name before a house: "Eric Williams Medical Complex"; not "Maria Hospital"."""
    surname = Is.SURNAME | Is.SURNAME_WORD
    if house - position > 1 and not tokens[position + 1].what:  # "Blas Ople Center"
        return True
    if not tokens[position].what & Is.GIVEN or (tokens[position + 1].what & surname and house - position > 2):
        return True
    is_first = position > 0 and tokens[position - 1].is_capitalised and tokens[position - 1].what & Is.GIVEN
    return bool(is_first and tokens[position].what & surname)


def _behind_acronym(tokens: Sequence[Token], at: int) -> int:
    """Return the position behind "CHU" or "I.E."; 0 if there is none."""
    letters, end, (_, last) = tokens[at].text, at + 1, reach(tokens, at)
    while _is_stop(tokens, end) and end + 1 < last and tokens[end + 1].is_initial:
        letters, end = letters + tokens[end + 1].text, end + 2
    end += _is_stop(tokens, end)
    return end if letters in _acronyms() else 0


@cache
def _acronyms() -> frozenset[str]:
    return frozenset(phrases_of_all("personal.acronyms"))


def _is_stop(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].text == "."


def _full_name(tokens: Sequence[Token], at: int) -> range:
    """Return where a name of several words stands from a position on: a school bears the whole one."""
    end, (_, last) = at, reach(tokens, at)
    while end < last and (tokens[end].is_capitalised or (tokens[end].what & Is.LINK and end > at)):
        end += 1
    return range(at, end if sum(token.is_capitalised for token in tokens[at:end]) > 1 else at)


def _of_place(tokens: Sequence[Token], link: int) -> range:
    """ "Bateyes de Consuelo y Quisqueya", "la mesa de Juan Pablo Duarte, Azua": what names a place behind "of"."""
    head, begin = tokens[link - 1], link + 1
    while begin < len(tokens) and tokens[begin].what & Is.LINK and tokens[begin].text.islower():
        begin += 1
    end = _end_of_places(tokens, begin)
    if end == begin or head.folded in known_words("personal.plural_places"):
        return range(begin, end)
    is_first = end > begin + 1 and tokens[begin].what & Is.GIVEN
    if (
        head.is_upper
        and _is_acronym(head)
        and tokens[link].folded in known_words("personal.before_place")
        and not is_first
    ):
        return range(begin, end)  # "el CAR de Loreto"
    if _is_of_peoples(head) and not any(token.what & (Is.GIVEN | Is.COINED) for token in tokens[begin:end]):
        return range(begin, end)  # "64 ronderos de Acomayo", "las enfermeras del Cabral y Báez"
    is_before_place = end + 1 < len(tokens) and tokens[end].text == "," and tokens[end + 1].is_known
    is_place = head.folded in known_words("personal.seat") and is_before_place and end > begin + 1
    return range(begin, end if is_place else begin)


def _end_of_places(tokens: Sequence[Token], begin: int) -> int:
    """Return where a row of places ends: "Kédougou et de Tambacounda", "Chiriquí, Veraguas y Colón"."""
    end, (_, last) = begin, reach(tokens, begin)
    while end < last:
        ahead = end
        while end > begin and ahead < len(tokens) and _is_between_places(tokens[ahead]):
            ahead += 1
        if ahead >= len(tokens) or not tokens[ahead].is_capitalised:
            break
        if ahead > end and tokens[ahead].what & _NAMES and tokens[ahead - 1].text == ",":  # "en Azua, María dijo"
            break
        end = ahead + 1
    return end


_NAMES = Is.GIVEN | Is.GIVEN_WORD | Is.COINED


def _is_between_places(token: Token) -> bool:
    return token.text in ",-" or bool(token.what & (Is.JOINS | Is.LINK) and token.text.islower())


def _may_be_in_somebody(before: Token) -> bool:
    """ "Confía en María": such a word leads to somebody; behind somebody, "nan" is an article."""
    return bool(before.what & (Is.FEELS | SOMEBODY)) or before.folded in known_words("personal.trusts")


def _inside(tokens: Sequence[Token], begin: int) -> range:
    """Return where a row of places stands behind "in": "in Victoria and Mayaro". Nobody is in somebody."""
    while begin < len(tokens) and tokens[begin].what & Is.LINK and tokens[begin].text.islower():
        begin += 1
    end = _end_of_places(tokens, begin)
    row = tokens[begin:end]
    is_list = any(token.text == "," for token in row)  # "en Madre de Dios, Puno y Loreto"
    for at, token in enumerate(row):
        is_next = is_list and at and _is_between_places(row[at - 1])
        if token.text.endswith(("'s", "’s")) or (at and token.what & Is.GIVEN and not is_next):
            return range(begin, begin)
    return range(begin, begin if end > begin and (feels(tokens, end - 1) or acts(tokens, end - 1)) else end)


def _is_acronym(token: Token) -> bool:
    return token.is_upper and _SHORTEST < len(token.text) <= _LONGEST


_SHORTEST, _LONGEST = 2, 5
"""Letters of the acronym of an office before its place."""


def _is_of_peoples(word: Token) -> bool:
    """Say whether a word means several people, who are of a place: "ronderos", "sages-femmes", "workers"."""
    return word.text.islower() and not word.what & SOMEBODY and _peoples().search(word.folded) is not None


@cache
def _peoples() -> re.Pattern[str]:
    return re.compile(rf"\w{{3}}(?:{'|'.join(known_words('personal.peoples'))})$")


def _of_saint(tokens: Sequence[Token], at: int) -> set[int]:
    """ "St. Elizabeth", "San Pedro Sula", "Saint-Louis": a place, unless somebody is called so: "la joven Santa Ana".

    The name of a saint is a given name.
    """
    before, name = tokens[at - 1] if at else None, at + 1
    while name < len(tokens) and tokens[name].text in ".-":
        name += 1
    if name >= len(tokens) or not (tokens[name].is_capitalised or tokens[name].is_upper):
        return set()
    if before is not None and before.what & (SOMEBODY | Is.TITLE):
        return set()
    what = tokens[name].what
    may_be_name = tokens[at].folded[-1] in "ao"  # Santa and Santo are given names as well
    if may_be_name and what & (Is.SURNAME | Is.SURNAME_WORD) and not what & (Is.GIVEN | Is.GIVEN_WORD):
        return set()
    if may_be_name and (feels(tokens, name) or acts(tokens, name)):
        return set()
    masked, (_, last) = {at, name}, reach(tokens, name)
    while (name := name + 1) < last and (_is_of_place(tokens, name) or tokens[name].is_known):
        masked.add(name)
    return masked


def _is_of_place(tokens: Sequence[Token], at: int) -> bool:
    """ "San Pedro Sula", "Santa Rosa de Copán": the rest of the name of a place, which no list has as a name."""
    token = tokens[at]
    if token.what & Is.LINK and token.text.islower():
        return at + 1 < len(tokens) and tokens[at + 1].is_capitalised and not tokens[at + 1].what & (NAME | Is.COINED)
    return token.is_capitalised and not token.what & (NAME | Is.COINED)


def _is_shelter(tokens: Sequence[Token], at: int) -> bool:
    """ "Casa Rosada", "Hogar Doña Chucha", "Haven House": a house that has a name takes people in."""
    token = tokens[at]
    if token.folded not in known_words("personal.shelter_names"):
        return False
    return any(0 <= near < len(tokens) and tokens[near].is_capitalised for near in (at - 1, at + 1))


def _located_with_article(tokens: Sequence[Token]) -> set[int]:
    """ "En El Rosario", "a La Pampa": an article with a capital, within a sentence, begins a place."""
    masked: set[int] = set()
    located = known_words("personal.located")
    for at in range(1, len(tokens) - 1):
        token = tokens[at]
        if not token.is_capitalised or not token.what & Is.LINK:
            continue
        before = tokens[at - 1]
        is_inside = before.folded in located
        if not (is_inside or before.text.islower()):
            continue
        if tokens[at + 1].is_capitalised and (is_inside or not tokens[at + 1].what & _NO_OFFICE):
            masked.update((at, at + 1))
    return masked


def _quoted(tokens: Sequence[Token]) -> set[int]:
    """ "Spot «No te dejes engañar»": several words between quotes are a title, unless one is a given name or they stand
    behind somebody."""
    masked: set[int] = set()
    for at, token in enumerate(tokens):
        if token.text not in _QUOTES or at in masked:
            continue
        close = next((n for n in range(at + 1, reach(tokens, at)[1]) if tokens[n].text == _QUOTES[token.text]), at)
        within = tokens[at + 1 : close]
        is_title = sum(each.is_word for each in within) > 1 and not any(each.what & Is.GIVEN for each in within)
        if (
            at
            and tokens[at - 1].what & Is.APPEARS
            and any(each.what & SOMEBODY for each in tokens[reach(tokens, at)[0] : at])
        ):
            continue  # "el imputado, conocido como «Papo la Grúa»"
        if is_title and not any(each.what & (SOMEBODY | Is.TITLE) for each in tokens[max(0, at - 3) : at]):
            masked.update(range(at, close + 1))
    return masked


def _carries_on(tokens: Sequence[Token], position: int) -> bool:
    token = tokens[position]
    if token.what & Is.TOWARDS and not token.is_capitalised and token.folded not in known_words("personal.led_by"):
        return False  # "del grupo a Deivi"
    if token.what & (Is.JOINS | Is.TOWARDS | Is.BETWEEN) and not token.is_capitalised:  # "al hospital a Yaritza"
        return position + 1 < len(tokens) and not tokens[position + 1].what & Is.GIVEN
    return token.is_capitalised or token.is_number or bool(token.what & Is.LINK) or token.text in _IN_TITLES


def feels(tokens: Sequence[Token], at: int) -> bool:
    """ "Nurys quiere", "Yokasta se escapó", "Daphne says": what only somebody does follows at once."""
    return is_followed(tokens[at + 1 : at + 4], Is.FEELS, over=Is.LINK | Is.HAS | Is.NOT | Is.MARKER)


def acts(tokens: Sequence[Token], at: int) -> bool:
    """ "Shanelle ran off", "Dayerlin salió": a movement of a body, over small words."""
    for token in tokens[at + 1 : at + 3]:
        if token.folded in known_words("personal.acts"):
            return True
        if not token.what & (Is.NOT | Is.HAS):
            return False
    return False


# fmt: off
HEADS: Table[Head, Callable[[Head], Iterable[int]]] = Table(
    Rule("in a place", lambda c: _inside(c.tokens, c.at + 1), _BEFORE, _is_in_place,
         "Dimos charla en el Rosanna Peguero Mejía."),
    Rule("a campaign", lambda c: (c.at + 1,), _HASH, lambda c: True,
         "#YokastaVive"),
    Rule("a saint", lambda c: _of_saint(c.tokens, c.at), _CAPITAL,
         lambda c: c.token.folded in known_words("personal.saints"),
         "Referral made to the St. Vincent de Paul shelter"),
    Rule("a school that is cut short", _acronym_and_name, _UPPER, lambda c: _behind_acronym(c.tokens, c.at),
         "charla en I.E. José Carlos Mariátegui, 5 aulas"),
    Rule("where a place is", lambda c: _inside(c.tokens, c.at + 1), _SMALL_BEFORE, _is_seat,
         "Pa gen entèprèt kreyòl nan fwontyè Aguas Verdes"),
    Rule("of a place", lambda c: _of_place(c.tokens, c.at), _SMALL_BEFORE, _is_of,
         "Las enfermeras del Cabral y Báez piden kits"),
    Rule("an office", lambda c: _of_office(c.tokens, c.at), _CAPITAL,
         lambda c: c.token.what & _HEADS and not c.token.what & _NO_HEADS,
         "Los Cupos De Acogida Están Llenos Desde Julio."),
    Rule("a full name in small letters", _in_small_letters, Is.INSTITUTION,
         lambda c: c.token.text.islower(),
         "Visita al hospital jaime mota para ver el consultorio nuevo"),
    Rule("behind a house", _behind_house, Is.INSTITUTION, lambda c: True,
         "charla liceo Salomé Ureña"),
    Rule("before a house", _before_house, Is.INSTITUTION, lambda c: c.token.is_capitalised,
         "King Street office close til Wed for painting"),
)
# fmt: on
