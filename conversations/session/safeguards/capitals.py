"""What a word with a capital is that is nobody's name: a place, an office, a paper.

A report of a far country has places and offices that no list has. What stands before such a word, and whether the
sentence speaks of somebody, says what it is.
"""

from collections.abc import Sequence
from functools import cache

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.sentences import reach, sentence_of
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token

_LETTERS = 4
"""Letters of the longest acronym before the place of an office."""
_BEFORE_PLACE = frozenset(",/(&")
_TO_A_PLACE = frozenset({"à", "À"})
_CUT = 6
"""Letters of the longest acronym of an office."""
_LONG = 9
"""Tokens of the shortest sentence that says whether it tells of somebody."""
_SEEN_BACK = 9
"""Tokens before a place among which the office that is there is looked for."""


def may_be_place(tokens: Sequence[Token], at: int) -> bool:
    """ "From Volta and Ashanti", "por Tacna": behind a small word or a comma, where nobody is spoken of."""
    if tokens[at].what & (Is.GIVEN_WORD | Is.COINED):
        return False
    first, (begin, _) = at, reach(tokens, at)
    while first > begin and (
        tokens[first - 1].is_capitalised or tokens[first - 1].is_upper or tokens[first - 1].text == "-"
    ):
        first -= 1
    if is_in_row_of_places(tokens, at):
        return True
    is_led = first > 0 and _leads_to_place(tokens, first - 1) and not _is_inserted(tokens, first, at)
    is_seat = (
        2 < len(tokens[first].text) <= _LETTERS and tokens[first].is_upper and not tokens[at].what
    )  # "NBI Cagayan"
    return (is_led or (is_seat and first < at)) and not _is_somebody_told(tokens, at)


def _is_inserted(tokens: Sequence[Token], first: int, at: int) -> bool:
    """ "The cook, Nenita, told": who it is, between two commas."""
    end, (_, last) = at + 1, reach(tokens, at)
    while end < last and tokens[end].is_capitalised:
        end += 1
    is_between = tokens[first - 1].text == "," and end < len(tokens) and tokens[end].text == ","
    return is_between and first > 1 and tokens[first - 2].text.islower()


def is_in_row_of_places(tokens: Sequence[Token], at: int) -> bool:
    """ "Thies, Mbour and Saint-Louis": a word among several, of which one is a place that a list has."""
    first, last = reach(tokens, at)
    for step in (-1, 1):
        position, signs = at + step, 0
        while first <= position < last:
            token = tokens[position]
            is_between = _is_between(token)
            signs += step > 0 and token.text == "("  # "Puerto Iguazú (Argentina)"
            if token.is_known and signs:
                return True
            if not (is_between or token.is_capitalised or (step > 0 and token.text == "(")):
                break
            signs += is_between
            position += step
    return False


def is_place_of_row(tokens: Sequence[Token], at: int) -> bool:
    """ "From Samar and Leyte": a given name in a row of places behind such a word, and nobody is spoken of."""
    neighbours = []
    for step in (-1, 1):
        position = at + step
        if 0 <= position < len(tokens) and tokens[position].what & Is.JOINS and tokens[position].text.islower():
            neighbours.append(position + step)
    rows = [other for other in neighbours if 0 <= other < len(tokens) and _may_be_of_row(tokens[other])]
    if not rows:
        return False
    before = tokens[max(0, min(at, *rows) - 1)]
    is_led = before.folded in _leading() and not before.what & Is.LINK  # "el caso de Ana y Wendolin"
    end = max(at, *rows) + 1
    if end < len(tokens) and tokens[end].what & Is.FEELS:  # "in Kingston and Maria said"
        return False
    return is_led and not _is_somebody_told(tokens, at)


def is_after_places(tokens: Sequence[Token], at: int) -> bool:
    """ "To Sabah through Tawi-Tawi", "Places: Pasay and Clark": a word alone that is led to as places are."""
    first, (begin, _) = at, reach(tokens, at)
    while first > begin and (tokens[first - 1].is_capitalised or _is_between(tokens[first - 1])):
        first -= 1
    if not first or any(tokens[other].what & NAME for other in (at - 1, at + 1) if 0 <= other < len(tokens)):
        return False
    before = tokens[first - 1]
    is_listed = before.text == ":" and first > 1 and tokens[first - 2].folded in known_words("personal.plural_places")
    return is_listed or (before.folded in _leading() and before.folded not in known_words("reading.articles") | _OF)


_OF = frozenset({"de", "of", "nan", "from", "en", "par"})
"""What leads to somebody as well as to a place."""


def _is_between(token: Token) -> bool:
    return token.text == "," or bool(token.what & Is.JOINS and token.text.islower())


def _may_be_of_row(token: Token) -> bool:
    return token.is_capitalised and (token.is_known or not token.what)


@cache
def _leading() -> frozenset[str]:
    return known_words("personal.before_place") | known_words("personal.located")


def _leads_to_place(tokens: Sequence[Token], at: int) -> bool:
    before = tokens[at]
    if before.text in _BEFORE_PLACE:
        return True
    if before.text == ":" and at and tokens[at - 1].folded in known_words("personal.plural_places"):  # "Places: Pasay"
        return True
    if not before.text.islower():
        return False
    if before.folded in _leading():
        return True
    if before.what & Is.TOWARDS and at and tokens[at - 1].folded in known_words("personal.goes"):  # "llegar a"
        return True
    if before.what & Is.JOINS and at and tokens[at - 1].is_known:  # "Senegal ak Benen"
        return True
    return bool(before.what & (Is.LINK | Is.JOINS | Is.BETWEEN)) and not before.what & Is.TOWARDS


def may_be_acronym(tokens: Sequence[Token], at: int) -> bool:
    """ "At NAIA Terminal 1", "a GRETA report": capitals behind such a small word, where nobody is spoken of."""
    before = tokens[at - 1].folded if at and tokens[at - 1].text.islower() else ""
    if before not in known_words("personal.located") and before not in known_words("reading.articles"):
        return False
    return not _is_somebody_told(tokens, at)


def _is_somebody_told(tokens: Sequence[Token], at: int) -> bool:
    """Say whether another word of the sentence means somebody."""
    first, last = sentence_of(tokens, at)
    return any(_is_one(tokens, other) for other in range(first, last) if other != at)


def _is_one(tokens: Sequence[Token], at: int) -> bool:
    """ "La joven"; not "5 moun", "140 talibe children"."""
    is_counted = at > 0 and tokens[at - 1].is_number and tokens[at - 1].text != "1"
    return bool(tokens[at].what & SOMEBODY) and len(tokens[at].text) > 2 and not is_counted


def is_told_of_offices(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a long sentence tells of offices and places, and of nobody: a capital that no list knows is another.

    "The unit visited Cedros and Icacos". What is done to somebody needs no word for them: "visitar a Wambui".
    """
    first, last = sentence_of(tokens, at)
    is_object = tokens[at - 1].what & Is.TOWARDS and at > first and not _leads_to_place(tokens, at - 1)
    is_in_row = at + 2 < last and _is_between(tokens[at + 1]) and tokens[at + 2].is_capitalised  # "visitó Darién, Yape"
    if last - first < _LONG or (is_object and not is_in_row):
        return False
    officials = known_words("personal.officials")
    if any(token.what & Is.TITLE or token.folded in officials for token in tokens[max(0, at - 3) : at]):
        return False
    about = 0
    is_office = False
    offices = _offices()
    for token in tokens[first:last]:
        about |= token.what & ~(_OF_ONE if token.text[:1].isupper() else 0)
        is_acronym = token.is_upper and 2 < len(token.text) <= _CUT and not token.what & NAME
        is_office = is_office or is_acronym or token.is_known or token.folded in offices
    is_of_one = about & _OF_ONE or any(token.folded in _one() for token in tokens[first:last])
    return not is_of_one and bool(is_office or about & Is.INSTITUTION)


_OF_ONE = SOMEBODY | Is.FEELS | Is.ELDER
"""What is said of somebody. With a capital such a word is part of a place or an office: "the Revenue Authority"."""


@cache
def _offices() -> frozenset[str]:
    return known_words("personal.offices") | known_words("personal.seat")


_MANY = frozenset({"yo", "ou"})
"""In Creole the article of several things, and in French "or"."""


@cache
def _one() -> frozenset[str]:
    return known_words("personal.pronoun") | known_words("personal.his") - _MANY


def is_located(tokens: Sequence[Token], at: int) -> bool:
    """ "En el Malecón", "nan Malpas": what follows such a word, and no list has as a name, is a place."""
    if tokens[at].what & (NAME | Is.COINED):
        return False
    before, (begin, _) = at - 1, reach(tokens, at)
    while before >= begin and (
        (tokens[before].is_capitalised and not tokens[before].what & (NAME | Is.COINED))
        or (tokens[before].what & Is.LINK and tokens[before].folded not in known_words("personal.located"))
    ):
        before -= 1
    is_article = before > 0 and tokens[before - 1].what & SOMEBODY  # "viktim nan se"
    return before >= 0 and not is_article and tokens[before].folded in known_words("personal.located")


def is_seat(tokens: Sequence[Token], at: int) -> bool:
    """ "La fiscalía de Danlí", "équipes de Saraya et Bandafassi", "the Dangriga office": a place, and what is there.

    A word that a list has as a name is none.
    """
    if tokens[at].what & (NAME | Is.COINED) and not (_stands_alone(tokens, at) and is_told_of_offices(tokens, at)):
        return False
    seats = known_words("personal.seat")
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    if behind is not None and behind.folded in seats and behind.text.islower():
        return True
    for position in range(at - 1, max(-1, at - _SEEN_BACK), -1):
        token = tokens[position]
        if token.what & (SOMEBODY | Is.TITLE):
            return False
        is_adjective = token.text.islower() and 0 < position < at - 1  # "mesa local de Comayagua"
        if token.folded in seats or (is_adjective and tokens[position - 1].folded in seats):
            return True
        if token.text in _TO_A_PLACE:
            return not position or _goes_to_place(tokens, position - 1)
        is_other = token.is_capitalised and not token.what & (NAME | Is.COINED)
        if not (is_other or token.what & (Is.LINK | Is.JOINS) or token.text in ",-"):
            return False
    return False


def _stands_alone(tokens: Sequence[Token], at: int) -> bool:
    """ "La mesa de Leticia con": no other capital beside it, and no sign."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    return at > 0 and tokens[at - 1].text.islower() and (behind is None or behind.text.islower())


def _goes_to_place(tokens: Sequence[Token], at: int) -> bool:
    """Say whether "à" behind this word leads to a place: "rendus à Kolda"; not "parlé à Coumba"."""
    given = known_words("personal.given_to")
    return tokens[at].folded not in given and not tokens[at].what & (Is.FEELS | SOMEBODY)
