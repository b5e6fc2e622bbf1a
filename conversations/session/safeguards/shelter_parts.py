"""What each word of a text does for the place of a shelter: it tells one, leads to a house, or speaks of another house.

A text is read once from left to right. Whose place a way is, `shelters` decides.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import ends_sentence
from conversations.session.safeguards.shelter_words import SAYS, Shape, Text
from conversations.session.safeguards.sheltered import Stay, spans
from conversations.session.safeguards.ways import Leads, Way, is_name, way_told
from conversations.session.safeguards.words import SOMEBODY, Is, Token

_NEXT = 3
"""Words around "there", and before a shelter, that are looked at."""
_SEATED = 7
"""Words between "there" and the shelter that it points to."""
_RENTED = 9
"""Words between what is done with a house and the shelter that it becomes."""
_IS = frozenset(":=>→(")
_HOLDERS = Is.INSTITUTION | Is.LANDMARK


class Part(Enum):
    """What a word does for the place of a shelter."""

    SHELTER = auto()
    GOAL = auto()
    """A shelter that is spoken about, or where somebody goes: what was told before is another place."""
    INSIDE = auto()
    """A shelter in which something is or is done: what was told before is another place, unless it says "there"."""
    TOPIC = auto()
    """A shelter that a meeting may be about, or whose people come to it."""
    PART_OF = auto()
    """A shelter of which something is told that does not move: "la puerta del refugio"."""
    BESIDE = auto()
    """A shelter that something stands by: whatever has a name leads to it."""
    HOUSED = auto()
    """Somebody is housed: behind it their places are the shelter's."""
    HOUSED_THERE = auto()
    """The same of the place that was told before: "ahí las tenemos"."""
    BROUGHT = auto()
    """Somebody is or was brought: a street behind it is the shelter's."""
    MEETING = auto()
    OTHER = auto()
    """Another house: the places behind it are its own."""
    ELSEWHERE = auto()
    """The same, which no shelter stands in: a court, the police."""
    DONE = auto()
    """What was done elsewhere: the way that was told before went there."""
    LIES = auto()
    """It stands or moves somewhere."""
    IS = auto()
    """Right behind a shelter, what follows is it, or where it stands: "refugio: ", "the shelter is"."""
    BUILDING = auto()
    """A building by its name: behind a word for standing it is where the shelter is, else it is another."""
    LODGING = auto()
    """The same where people lodge: also where somebody was brought."""
    CALLED = auto()
    """A name: behind the house that the shelter stands in or by, it is of that house."""
    APART = auto()
    """A comma right behind a shelter: "a la casa de acogida, piso 3"."""
    THE_ONE = auto()
    """Before what tells one shelter from others: "el refugio, el de la Privada", "la que está"."""
    WIDE = auto()
    """A municipality or what is wider. What is told of a shelter is told behind it as well."""
    LEADS = auto()
    ROUTE = auto()
    NAMES = auto()
    PASSES = auto()
    SOMEWHERE = auto()
    SOMEWHERE_SAID = auto()
    END = auto()


class Said(NamedTuple):
    """A part, its first word, and the one behind its last."""

    part: Part
    at: int
    behind: int


_AS_PART = {
    Leads.TO_A_HOUSE: Part.LEADS,
    Leads.ON_THE_WAY: Part.ROUTE,
    Leads.BY_NAME: Part.NAMES,
    Leads.IN_PASSING: Part.PASSES,
    Leads.SOMEWHERE: Part.SOMEWHERE,
    Leads.SOMEWHERE_SAID: Part.SOMEWHERE_SAID,
}
_AS_STAY = {Stay.HOUSED: Part.HOUSED, Stay.HOUSED_THERE: Part.HOUSED_THERE, Stay.BROUGHT: Part.BROUGHT}


class Here(NamedTuple):
    """A word of a text that leads nowhere."""

    text: Text
    at: int
    last: int
    """The word behind the last shelter, 0 if none was told of."""

    @property
    def token(self) -> Token:
        return self.text.tokens[self.at]

    def says(self, *keys: str) -> bool:
        return self.text.says(self.at, *keys)

    @property
    def is_its_name(self) -> bool:
        """Say whether the word stands right behind the shelter: "casa refugio modelo"."""
        return 0 < self.last == self.at


def _is_said(_: Here) -> bool:
    """Say that the word alone decides."""
    return True


def _is_the_one(h: Here) -> bool:
    is_clause = h.text.at(h.at - 1).text in (",", ":", "(")
    return is_clause and h.text.says(h.at + 1, "belongs")


def _is_of_the_street(h: Here) -> bool:
    is_of = h.is_its_name and h.text.says(h.at + 1, "the_street")
    street = h.text.at(h.at + 2)
    return is_of and street.is_capitalised and is_name(street) and not street.what & Is.INSTITUTION


def _is_other(h: Here) -> bool:
    is_street = h.token.what & (Is.STREET | Is.VILLAGE) or h.says("quarters")
    is_wide = h.token.folded in known_words("personal.wide")
    return bool(h.token.what & _HOLDERS and not is_street and not is_wide)


# fmt: off
PARTS: Table[Here, Part | None] = Table(
    Rule("the one of several", Part.THE_ONE, SAYS["the_ones"], _is_the_one,
         "la vivienda de acogida, la de Carabanchel"),
    Rule("of the street", Part.THE_ONE, SAYS["belongs"], _is_of_the_street,
         "albergue de la Tunti Cáceres"),
    Rule("a word for standing", Part.LIES, SAYS["lies"], _is_said,
         "el refugio está en la Núñez de Cáceres"),
    Rule("what people meet for", Part.MEETING, SAYS["gatherings"], _is_said,
         "reyinyon sou refij nan biwo IBESR, avni Magrit"),
    Rule("what was done elsewhere", Part.DONE, SAYS["elsewhere_done"], _is_said,
         "la joven fue captada en Facebook, la tenían en una casa de la avenida España y hoy está en el refugio"),
    Rule("the name of the shelter", None, _HOLDERS | SAYS["elsewhere"],
         lambda h: h.is_its_name and (_is_other(h) or h.says("elsewhere")),
         "casa de acogida modelo 2 ubicada en el ensanche Ozama"),
    Rule("where no shelter is", Part.ELSEWHERE, SAYS["elsewhere"], _is_said,
         "the police on Duke Street call the shelter first"),
    Rule("another house", Part.OTHER, _HOLDERS, _is_other,
         "The ministry at Av. Mexico hosted the launch of the shelter protocol"),
    Rule("a comma", Part.APART, Shape.SIGN, lambda h: h.token.text == ",",
         "a la casa de acogida, piso 3 del edificio Doña Chela"),
    Rule("what it is", Part.IS, SAYS["is"] | Shape.SIGN, lambda h: h.says("is") or h.token.text in _IS,
         "le bâtiment du refuge, c'est l'ancienne ambassade du Libéria"),
    Rule("a municipality", Part.WIDE, ANY, lambda h: h.text.place_at(h.at)[0] > 0,
         "fanmi ki gade ti fi a nan site Okay, dèyè dispansè a"),
    Rule("a name", Part.CALLED, Shape.CAPITAL, lambda h: h.at > 0 and is_name(h.token),
         "las muchachas estan en el refugio de la Fabio Fiallo"),
)
# fmt: on


def parts(text: Text, shelters: Mapping[int, int], stays: Mapping[int, Stay]) -> Iterator[Said]:
    """The parts of a text, in order. `shelters` are where the name of each begins and the position behind it."""
    tokens = text.tokens
    folded = [token.folded for token in tokens]
    leading = {**spans("personal.directions", folded), **spans("personal.leads_on", folded)}
    at = last = 0
    is_address = is_named = False
    while at < len(tokens):
        behind = at + 1
        if at in leading:
            yield Said(Part.ROUTE, at, behind)
        if at in shelters:
            behind = shelters[at]
            if not text.is_introduced(at, "generic"):
                last, is_named = behind, True
                yield Said(_as_mentioned(text, at, behind), at, behind)
        elif ends_sentence(tokens, at):
            is_address = is_named = False
            yield Said(Part.END, at, behind)
        elif at in stays and not (is_named and stays[at] is Stay.BROUGHT):
            last = behind
            is_there = text.any_says(at - _NEXT, behind + 1, "there")
            yield Said(Part.HOUSED_THERE if is_there else _AS_STAY[stays[at]], at, behind)
        else:
            part = _as_way(Way(text, at, shelters, is_address)) or PARTS.verdict(Here(text, at, last), text.said[at])
            is_address = is_address or text.says(at, "addresses")
            behind = max(behind, text.place_at(at)[0], text.quarter_at(at))
            if part:
                yield Said(part, at, behind)
        at = behind


def _as_way(way: Way) -> Part | None:
    leads = way_told(way)
    if leads is not Leads.IN_BUILDING:
        return _AS_PART[leads] if leads else None
    if way.text.any_says(way.at - 1, way.at + 2, "former", "lodgings") or way.token.what & Is.HOUSE:
        return Part.LODGING
    return Part.BUILDING


def _as_mentioned(text: Text, at: int, behind: int) -> Part:
    if text.says(behind, "comes") or _are_many(text, at, behind):
        return Part.TOPIC
    if text.any_says(at - _SEATED, at, "there") and text.any_says(at - _SEATED, at, "is", "lies", "are"):
        return Part.HOUSED_THERE
    if text.says(at, "where") and text.any_says(at - _NEXT, at, "there", "is"):  # "ahí es donde están las muchachas"
        return Part.HOUSED_THERE
    if text.is_introduced(at, "stands_near"):
        return Part.BESIDE
    is_topic = text.is_introduced(at, "shelter_topic")
    if text.is_introduced(at, "shelter_goal"):
        is_rented = text.any_says(at - _RENTED, at, "rented")  # "se alquiló una casa en Alma Rosa para la casa de …"
        return Part.SHELTER if is_topic and is_rented else Part.GOAL
    if text.says(at - 1 - text.says(at - 1, "any_one"), "located"):  # "ya está protegida en un albergue"
        return Part.INSIDE
    if is_topic and _is_of_thing(text, at):
        return Part.PART_OF
    return Part.TOPIC if is_topic else Part.SHELTER


def _are_many(text: Text, at: int, behind: int) -> bool:
    """ "Casas de acogida", "shelters", "refij yo": what is told of them all leads to none."""
    if text.says(behind, "them_behind") and not text.says(behind - 1, "several", "victims", "keeps"):
        return True
    return any(
        text.tokens[each].folded.endswith("s") and (behind == at + 1 or text.says(each, "takes_in"))
        for each in range(at, behind)
    )


def _is_of_thing(text: Text, at: int) -> bool:
    """ "La puerta del refugio"; not "el chofer del refugio", "taller de casas de acogida"."""
    of = next((before for before in range(at - 1, max(-1, at - 1 - _NEXT), -1) if text.says(before, "belongs")), 0)
    owned = text.at(of - 1)
    is_moving = owned.what & (SOMEBODY | Is.TITLE) or text.says(of - 1, "gatherings", "comes", "several")
    return of > 0 and owned.is_word and not is_moving
