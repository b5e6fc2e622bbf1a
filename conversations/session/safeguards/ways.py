"""What leads to a house: a street, a number, a landmark, the way there. Whose house it is, `shelters` decides."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import ENDS
from conversations.session.safeguards.shelter_words import SAYS, Shape, Text
from conversations.session.safeguards.words import (
    NAME,
    Is,
    Token,
    number_at,
    without_article,
)

_NEAR = 5
"""Words between "beside" and what stands there."""
_NEXT = 3
_HOUSE = 4
"""Digits of the longest number of a house."""
_ON_MAP = 9
"""Words between a map and the name that is looked for on it."""
_MAY_BE = NAME | Is.COINED | Is.LINK | Is.VILLAGE
_BUILDINGS = Is.LANDMARK | Is.INSTITUTION | Is.HOUSE | SAYS["buildings"]
_BY = Is.BESIDE | SAYS["stands_by"]


class Leads(Enum):
    """How much of the way to a house is told."""

    TO_A_HOUSE = auto()
    """A street, a landmark, a number."""
    ON_THE_WAY = auto()
    """How somebody goes there, also where the shelter is the goal: "doblas en la bomba hasta el refugio"."""
    BY_NAME = auto()
    """A small place by its name alone: it counts where something is said to stand, and right behind the shelter."""
    IN_PASSING = auto()
    """ "After the bridge": of a place where something is said to stand, else of a time."""
    SOMEWHERE = auto()
    """ "In" and what is not known to be no place: it counts right behind the shelter or a word for standing."""
    SOMEWHERE_SAID = auto()
    """The same behind a word for standing alone: "por los rieles"."""
    IN_BUILDING = auto()
    """A building by its name: it counts where something is said to stand in it or to be it, else it is another."""


class Way(NamedTuple):
    """A word of a text that may begin the way to a house. `shelters` are where the words for one stand."""

    text: Text
    at: int
    shelters: Mapping[int, int]
    is_address: bool
    """The sentence says "address" before."""

    @property
    def token(self) -> Token:
        return self.text.tokens[self.at]

    def says(self, *keys: str) -> bool:
        return self.text.says(self.at, *keys)

    def ahead(self, how_far: int) -> range:
        """The positions behind this word, as far as the sentence and no shelter."""
        return range(self.at + 1, min(len(self.text.tokens), self.at + 1 + how_far))

    def is_over(self, at: int) -> bool:
        return at in self.shelters or self.text.tokens[at].text in ENDS


# ------------------------------------------------------------------ streets and numbers
def _is_named_way(w: Way) -> bool:
    return not _is_town(w) and (_has_name(w, 1) or _is_numbered_before(w))


def _is_town(w: Way) -> bool:
    """ "Kafou bezwen dlo"; not "kafou Rita" and not "Delmas 33"."""
    return w.token.is_capitalised and not w.text.at(w.at + 1).is_number and w.text.place_at(w.at)[0] > 0


def _is_numbered_before(w: Way) -> bool:
    """ "45, rue du Centre"."""
    row = [token for token in w.text.tokens[max(0, w.at - 2) : w.at] if token.text != ","]
    is_joined = w.text.at(w.at + 1).what & Is.LINK and w.at + 2 not in w.shelters
    return bool(row) and row[-1].is_number and bool(is_joined)


def _is_way_behind_name(w: Way) -> bool:
    """ "Duarte Street", "5th street"."""
    return _is_ordinal_end(w.text, w.at - 1) or is_name(w.text.at(w.at - 1))


def _is_ordinal_end(text: Text, at: int) -> bool:
    """ "2da", "5th"."""
    return at > 0 and text.tokens[at].folded in known_words("personal.ordinal_ends") and text.tokens[at - 1].is_number


def _has_name(w: Way, ahead: int) -> bool:
    """Say whether the name or the number of a street stands here."""
    at = _behind(w.text, w.at + ahead, ".#:", Is.NUMBERED | Is.LINK)
    token = w.text.at(at)
    if token.is_number:
        return len(token.text) <= _HOUSE
    if at in w.shelters:
        return False
    if token.what & Is.LANDMARK and w.token.what & Is.STREET:  # "calle del cementerio"
        return True
    is_unknown = not token.what & ~(_MAY_BE | Is.SAID) and token.is_word and len(token.text) > 1  # "calle doce"
    behind = w.text.at(at + 1)
    is_numbered = token.is_capitalised and (  # "Calle Central 41", "bd Toussaint"
        behind.is_number or behind.is_capitalised or not token.what & (Is.LINK | Is.INSTITUTION | Is.THING)
    )
    return is_unknown or is_numbered or is_name(token) or _has_number(w.text, at + 1)


def _behind(text: Text, at: int, signs: str, what: int) -> int:
    """The position behind a few such signs and words."""
    last = min(len(text.tokens), at + _NEAR)
    while at < last and (text.tokens[at].text in signs or text.tokens[at].what & what):
        at += 1
    return at


def is_name(token: Token) -> bool:
    """Say whether a word is a name by its capital."""
    is_common = token.what & (Is.COMMON | Is.LINK) and token.folded not in known_words("personal.saints")
    return token.is_word and (token.is_capitalised or token.is_upper) and not is_common


def _is_unknown_name(token: Token) -> bool:
    return token.is_capitalised and not token.is_known and not token.what & ~_MAY_BE


def _is_short_street(w: Way) -> bool:
    return w.token.folded == "c" and w.text.at(w.at + 1).text in ("/", ".", "-") and _has_name(w, 2)


def _is_numbered_house(w: Way) -> bool:
    """ "Edificio 4"; "en la Hostos 45"; not "etapa 2"."""
    is_named = _is_unknown_name(w.token) and w.text.is_introduced(w.at, "located")
    is_house = w.token.what & Is.STREET and not w.says("parts_too")
    return bool(is_named or is_house or w.says("units")) and _has_number(w.text, w.at + 1)


def _has_number(text: Text, at: int) -> bool:
    """Say whether the number of a house stands here. In "etapa 2 del plan" it is another's."""
    at = _behind(text, at, ".#", Is.NUMBERED)
    number, behind, next_one = text.at(at), text.at(at + 1), text.at(at + 2)
    if number.is_upper and len(number.text) == 1:  # "manzana H"
        return True
    if not number.is_number or len(number.text) > _HOUSE:
        return False
    is_joined = behind.what & Is.LINK and not next_one.what & Is.MONTH  # "villa 14 del residencial"
    is_anothers = behind.is_word and behind.text.islower() and behind.at > number.to and not is_joined
    is_decimal = behind.text != "" and behind.text in ".,/%" and next_one.is_number and next_one.at == behind.to
    return not (is_anothers or is_decimal)


def _is_quarter(w: Way) -> bool:
    """ "Barrio Capotillo", "quartier de Fontamara", "el sector los mina"."""
    is_part = bool(w.token.what & Is.STREET)
    for at in w.ahead(_NEXT):
        token, is_first = w.text.tokens[at], at == w.at + 1
        behind, is_wide = w.text.place_at(at)
        if behind:
            return not is_wide or (is_first and token.is_capitalised and is_part)
        if token.text != "." and not token.what & Is.LINK:
            is_called = is_first and is_part and _are_capitals(w.text, at)
            return is_called or (is_name(token) and (token.is_capitalised or w.token.is_upper))
    return False


def _are_capitals(text: Text, at: int) -> bool:
    """ "Sector Pueblo Nuevo"."""
    return text.tokens[at].is_capitalised and text.at(at + 1).is_capitalised


# ------------------------------------------------------------------ the way there
def _is_distance(w: Way) -> bool:
    """ "A 200 metros de la rotonda", "dos cuadras al sur", "three houses past the shop"."""
    is_length = w.says("lengths")
    if w.at in w.shelters:
        return False
    if number_at(w.text.tokens, w.at - 1) is None and not w.text.says(w.at - 1, "few"):
        return False
    if w.text.says(w.at + 1, "further") or (is_length and w.text.any_says(w.at - _NEXT, w.at, "walks")):
        return True
    there = w.text.at(w.at + 2)
    if not is_length:
        return w.text.says(w.at + 1, "away_from", "the") and bool(there.what & Is.LANDMARK)
    is_joined = w.text.says(w.at + 1, "the") or without_article(there.folded) != there.folded
    return is_joined or (w.text.says(w.at + 1, "away_from") and (w.text.says(w.at + 2, "the") or is_name(there)))


def _is_one_in_row(w: Way) -> bool:
    """ "La segunda casa", "primer portón", "troisième maison"; not "la primera casa de acogida"."""
    if not w.at or w.at in w.shelters:
        return False
    is_ordinal = w.text.tokens[w.at - 1].what & Is.ORDINAL or w.text.says(w.at - 1, "in_order")
    return bool(is_ordinal or _is_ordinal_end(w.text, w.at - 1))


def _is_floor(w: Way) -> bool:
    """ "El segundo piso", "2do nivel"; not "a nivel"."""
    return not _is_article(w.text, w.at - 1) and _is_one_in_row(w)


def _is_walked(w: Way) -> bool:
    """ "Doblas en la bomba", "get off at the water tower", "prenez la rue": not "entra en la fase 2"."""
    is_told = False
    for at in w.ahead(_NEAR):
        token = w.text.tokens[at]
        if w.is_over(at):
            return False
        is_street = token.what & Is.STREET and not w.text.says(at, "parts_too")
        if token.what & Is.LANDMARK or is_street or w.text.says(at, "doors", "ways", "buildings"):
            return True
        if at > w.at + 1 and is_name(token) and not w.text.place_at(at)[0]:
            return not token.what & Is.INSTITUTION
        if not (token.what & (Is.LINK | Is.BESIDE | Is.ORDINAL) or w.text.says(at, "along")):
            if is_told or token.what:
                return False
            is_told = True  # "follow the dirt road"
    return False


def _is_looks(w: Way) -> bool:
    """ "La casa amarilla", "portón verde", "blue door"."""
    return w.at not in w.shelters and (w.text.says(w.at - 1, "colours") or w.text.says(w.at + 1, "colours"))


def _is_whose_house(w: Way) -> bool:
    """ "La casa de doña Chea", "the house of Mr. Diaz"."""
    if w.at in w.shelters or not w.text.at(w.at + 1).what & Is.LINK:
        return False
    token = w.text.at(_behind(w.text, w.at + 1, "", Is.LINK))
    return bool(token.what & Is.TITLE) or (is_name(token) and bool(token.what & NAME))


# ------------------------------------------------------------------ landmarks
def _stands_by(w: Way) -> Leads | None:
    """ "Detrás del colmado", "across from the primary school", "frente a la UASD"."""
    is_time_too, thing = w.says("afterwards"), False
    for at in w.ahead(_NEAR):
        token = w.text.tokens[at]
        if token.what & Is.LANDMARK or w.text.says(at, "buildings"):
            return Leads.IN_PASSING if is_time_too else Leads.TO_A_HOUSE
        if w.is_over(at) or token.text == "," or w.text.says(at, "any_one"):  # "must be near a hospital"
            break
        if token.what & Is.INSTITUTION and not is_time_too:
            return Leads.BY_NAME
        if is_name(token) and not w.text.place_at(at)[0]:
            return Leads.IN_PASSING if is_time_too else Leads.BY_NAME
        thing = thing or (not is_time_too and _is_any_thing(w.text, at))
    return Leads.IN_PASSING if thing else None


def _is_any_thing(text: Text, at: int) -> bool:
    """ "Frente a la envasadora", "al lado del tribunal": not "frente a la crisis", "al lado de las mujeres"."""
    token = text.tokens[at]
    is_house = not token.what & ~_MAY_BE or text.says(at, "elsewhere")
    is_thing = is_house and token.is_word and not token.folded.endswith(tuple(known_words("personal.abstract_ends")))
    return is_thing and not token.what & Is.LINK and text.says(at - 1, "the")


def _is_building(w: Way) -> bool:
    """ "Está en la torre Alco", "es el antiguo hotel": not "está en un hotel"."""
    is_old = w.text.is_introduced(w.at, "former") or w.text.says(w.at + 1, "former")
    is_wide = w.token.folded in known_words("personal.wide") or w.text.place_at(w.at)[0]
    is_in = (
        w.token.what & Is.INSTITUTION and not (is_wide or w.says("quarters")) and w.text.is_introduced(w.at, "located")
    )
    if not (w.token.what & Is.LANDMARK or w.says("buildings") or is_in or (is_old and w.token.what & Is.HOUSE)):
        return False
    at = _behind(w.text, w.at + 1, "", Is.LINK)
    token, before = w.text.at(at), w.text.at(w.at - 1)
    is_called = (token.is_capitalised or token.is_upper) and (at == w.at + 1 or not w.text.place_at(at)[0])
    is_called = is_called or (token.is_number and at == w.at + 1) or (is_name(before) and w.at > 1)
    is_called = is_called or (w.says("buildings") and w.text.says(w.at - 1, "the") and _is_of_something(w.text, at))
    return is_old or (is_called and not w.text.is_introduced(w.at, "any_one"))


def _is_in_former(w: Way) -> bool:
    """ "En la antigua escuela", "inside the old railway compound"; not "en el mismo"."""
    if w.says("states"):
        return False
    return w.text.says(w.at - 1, "there_in") or (_is_article(w.text, w.at - 1) and w.text.says(w.at - 2, "there_in"))


def _is_stop(w: Way) -> bool:
    """ "Metro Portazgo", "arrêt Total"."""
    return is_name(w.text.at(w.at + 1))


def _is_number_and_name(w: Way) -> bool:
    """ "At 45 Hostos", ", 22A Waterloo"; not "took in 3 Colombian girls"."""
    if not w.token.is_capitalised or not is_name(w.token) or w.text.place_at(w.at)[0]:
        return False
    number = w.at - 1 - (len(w.text.at(w.at - 1).text) == 1)
    behind = w.text.at(w.at + 1)
    is_apart = w.text.says(number - 1, "there_in") or w.text.at(number - 1).text in (",", ":", "(")
    is_house = w.text.at(number).is_number and len(w.text.at(number).text) <= _HOUSE
    return is_apart and is_house and not behind.text.islower()


def _is_of_something(text: Text, at: int) -> bool:
    """ "El convento de las dominicas"; not "el convento de Azua"."""
    return bool(text.at(at - 1).what & Is.LINK) and text.at(at).is_word and not text.place_at(at)[0]


# ------------------------------------------------------------------ names of places
def _is_on_map(w: Way) -> bool:
    """ "En Google Maps sale como Lavandería Rosa"."""
    return any(is_name(w.text.tokens[at]) or w.text.tokens[at].text in '"«“' for at in w.ahead(_ON_MAP))


def _is_small_place(w: Way) -> bool:
    """ "En Arroyo Hondo", "de Los Prados", "la dirección es Las Palmas": no municipality."""
    behind, is_wide = w.text.place_at(w.at)
    if behind == w.at + 1 and _is_called_as_town(w):
        return True
    if behind and (is_wide or behind >= w.text.quarter_at(w.at)):
        return not is_wide
    if w.text.quarter_at(w.at):
        return True
    if not w.at or not _is_located(w) or _is_on_the(w, "located"):
        return False
    behind = w.at
    while behind < w.at + _NEAR and _is_unknown_name(w.text.at(behind)):
        behind += 1
    is_one_word = behind == w.at + 1  # any town abroad
    return not is_one_word and any(not token.what & Is.LINK for token in w.text.tokens[w.at : behind])


def _is_called_as_town(w: Way) -> bool:
    """ "En la Duarte": a street, called as somebody is and a town as well."""
    return _is_in_the_street(w) and bool(w.token.what & NAME) and not w.token.what & ~(NAME | Is.COINED)


def _is_in_the_street(w: Way) -> bool:
    return w.text.says(w.at - 1, "the_street") and w.text.says(w.at - 2, "there_in", "belongs", "walks")


def _is_only_number(w: Way) -> bool:
    """ "En la 17", "la 30 de mayo", "Rosa Duarte #8", "Mon Repos 42"."""
    before, behind = w.text.at(w.at - 1), w.text.at(w.at + 1)
    if not w.token.is_number or len(w.token.text) > _HOUSE:
        return False
    is_counted = behind.text.islower() and not (behind.what & Is.LINK and w.text.at(w.at + 2).what & Is.MONTH)
    if is_counted or behind.text in tuple("%/:"):
        return False
    is_its = before.text == "#" or (before.is_capitalised and is_name(before) and not before.is_known)
    return is_its or _is_in_the_street(w)


def _is_located(w: Way) -> bool:
    before = w.at - 1
    if w.text.says(before, "located") or _is_on_the(w, "located"):
        return True
    if w.is_address and (w.text.tokens[before].what & (Is.LINK | Is.HAS) or w.text.tokens[before].text == ":"):
        return True
    if w.text.says(before, "moves_to") and w.text.says(before - 1, "lies"):
        return True
    return _are_capitals(w.text, w.at) and w.text.says(before, "belongs")


def _is_on_the(w: Way, key: str) -> bool:
    """ "Está en la Núñez de Cáceres"."""
    return w.text.says(w.at - 1, "the") and w.text.says(w.at - 2, key)


def _somewhere(w: Way) -> Leads | None:
    """ "En kapotillo", "en el 28", "at Hostos", "por los rieles": not "en obras", "en Santiago", "en 18 meses"."""
    before = w.at - 1
    while before >= w.at - 2 and _is_article(w.text, before) and not w.text.says(before, "there_in"):
        before -= 1  # "por los", "detrás de la"
    is_there = w.text.says(before, "there_in", "stands_by") or w.text.at(before).what & Is.BESIDE
    if not is_there or not _may_be_place(w.text, w.at):
        return None
    if w.token.is_capitalised and w.text.says(w.at - 1, "located"):  # any town abroad
        return Leads.SOMEWHERE_SAID
    if w.token.is_capitalised or w.token.is_upper or w.token.what & (Is.GIVEN | Is.SURNAME):
        return Leads.SOMEWHERE
    is_verb = w.token.folded.endswith(tuple(known_words("personal.verb_ends")))
    if w.token.is_number or (before < w.at - 1 and not is_verb):
        return Leads.SOMEWHERE_SAID
    return None if is_verb or w.token.folded.endswith("s") else Leads.SOMEWHERE


def _is_article(text: Text, at: int) -> bool:
    return bool(text.at(at).what & Is.LINK) and not text.says(at, "any_one")


def _may_be_place(text: Text, at: int) -> bool:
    token, (behind, is_wide) = text.tokens[at], text.place_at(at)
    if behind:
        return not is_wide or _goes_on(text, behind)
    if token.is_number:
        return len(token.text) < _HOUSE and not text.at(at + 1).is_word and text.at(at + 1).text not in tuple(".,/%:")
    if text.at(at + 1).what & Is.INSTITUTION:  # "the Manila port"
        return False
    if not token.is_word or len(token.text) < _NEXT or token.what & Is.LINK or text.says(at, "states", "quarters"):
        return False
    is_abstract = token.folded.endswith(tuple(known_words("personal.abstract_ends")))
    is_wide = token.folded in known_words("personal.wide") or token.folded in known_words("personal.saints")
    return not is_abstract and not is_wide and not token.what & ~(_MAY_BE | Is.LANDMARK | Is.STREET)


def _goes_on(text: Text, at: int) -> bool:
    """ "Honduras del Oeste"."""
    is_of = text.at(at).what & Is.LINK and not text.at(at).what & Is.JOINS and not text.says(at + 1, "states")
    return bool(is_of) and text.at(at + 1).is_capitalised and not text.place_at(at + 1)[0]


# fmt: off
WAYS: Table[Way, Leads] = Table(
    Rule("a street by its name or number", Leads.TO_A_HOUSE, SAYS["ways"], _is_named_way,
         "refugio en la calle doce"),
    Rule("a street behind its name", Leads.TO_A_HOUSE, SAYS["ways_behind"], _is_way_behind_name,
         "the shelter on Duarte Street"),
    Rule("a street that is cut short", Leads.TO_A_HOUSE, ANY, _is_short_street,
         "ojo vecinos del refugio en la c/ 17"),
    Rule("a part of a town", Leads.TO_A_HOUSE, SAYS["quarters"], _is_quarter,
         "El equipo visitó la casa de acogida del barrio Libertad"),
    Rule("the number of a house", Leads.TO_A_HOUSE, Shape.CAPITAL | Is.STREET | SAYS["units"], _is_numbered_house,
         "refugio: apto. 12"),
    Rule("so far from somewhere", Leads.ON_THE_WAY, SAYS["lengths"] | SAYS["counted_houses"], _is_distance,
         "el refugio, a dos cuadras de la gallera"),
    Rule("a floor", Leads.BY_NAME, SAYS["floors"], _is_floor,
         "el refugio está en el segundo piso"),
    Rule("one of a row", Leads.ON_THE_WAY, SAYS["doors"], _is_one_in_row,
         "para ir al refugio: la segunda casa"),
    Rule("the way to go", Leads.ON_THE_WAY, SAYS["walks"], _is_walked,
         "para ir al refugio doblas en la bomba"),
    Rule("what it looks like", Leads.BY_NAME, SAYS["doors"] | Is.HOUSE, _is_looks,
         "el refugio es la puerta verde"),
    Rule("whose house it was", Leads.IN_BUILDING, Is.HOUSE, _is_whose_house,
         "el refugio queda en la casa de doña Chea"),
    Rule("by a landmark", Leads.TO_A_HOUSE, _BY, lambda w: _stands_by(w) is Leads.TO_A_HOUSE,
         "el refugio, detrás del colmado"),
    Rule("by what has a name", Leads.BY_NAME, _BY, lambda w: _stands_by(w) is Leads.BY_NAME,
         "El refugio está frente a la UASD"),
    Rule("by a thing, or after something", Leads.IN_PASSING, _BY, lambda w: _stands_by(w) is Leads.IN_PASSING,
         "el refugio está detrás de la sastrería"),
    Rule("on a map", Leads.TO_A_HOUSE, SAYS["maps"], _is_on_map,
         'busque waze "Villa Serena 3" ese es el refugio'),
    Rule("a number alone", Leads.BY_NAME, Shape.NUMBER, _is_only_number,
         "refugio de la 17"),
    Rule("a number and a name", Leads.BY_NAME, Shape.CAPITAL, _is_number_and_name,
         "delivered to the refuge, 22A Waterloo"),
    Rule("a stop", Leads.TO_A_HOUSE, SAYS["transit"], _is_stop,
         "elles sont dans un appart à Belleville, métro Couronnes, c'est notre refuge"),
    Rule("a house that was another", Leads.BY_NAME, SAYS["former"], _is_in_former,
         "the shelter is inside the old railway compound"),
    Rule("a building by its name", Leads.IN_BUILDING, _BUILDINGS, _is_building,
         "el refugio está en la torre Alco"),
    Rule("a small place", Leads.BY_NAME, ANY, _is_small_place,
         "le refuge est à Turgeau"),
    Rule("in what is called so", Leads.SOMEWHERE, ANY, lambda w: _somewhere(w) is Leads.SOMEWHERE,
         "refugio en kapotillo"),
    Rule("in whatever it is", Leads.SOMEWHERE_SAID, ANY, lambda w: _somewhere(w) is Leads.SOMEWHERE_SAID,
         "la casa d acogia ta en el 28"),
)
# fmt: on


def way_told(way: Way) -> Leads | None:
    """Return how much of a way begins at this word, or None."""
    return WAYS.verdict(way, way.text.said[way.at])
