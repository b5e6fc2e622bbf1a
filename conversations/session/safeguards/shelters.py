"""Where a shelter is, or a safe house, or a foster family: its place is secret, under all rules and whoever tells it.

A text is read once from left to right. Each word is nothing, or one of the parts of `Part`: a shelter, somebody who is
housed (`sheltered`), another house, what leads to a house (`ways`). A small table of states says whose place a street,
a landmark or a part of a town is: that of the shelter, or of a workshop, a court or a bar that the same sentence speaks
of. What is as wide as a municipality leads to no house.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.addresses import is_position, leads_to_map
from conversations.session.safeguards.sentences import ends_sentence
from conversations.session.safeguards.shelter_words import Text, text_of
from conversations.session.safeguards.sheltered import Stay, shelters_in, spans, stays_in
from conversations.session.safeguards.ways import Leads, Way, is_name, way_told
from conversations.session.safeguards.words import SOMEBODY, Is, Token, place_at, quarter_at


class Part(Enum):
    """What a word does for the place of a shelter."""

    SHELTER = auto()
    GOAL = auto()
    """A shelter that is spoken about, or where somebody goes: what was told before is another place."""
    INSIDE = auto()
    """A shelter in which something is or is done: what was told before is another place, unless it says "there"."""
    TOPIC = auto()
    """A shelter that a meeting may be about, or whose people come to it."""
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
    ASIDE = auto()
    """Somebody, or whose the shelter is: before a shelter their places are their own, behind it they have none."""
    LIES = auto()
    """It stands or moves somewhere."""
    LIES_THERE = auto()
    """The same behind a comma: what stood between two commas is over."""
    IS = auto()
    """Right behind a shelter, what follows is it, or where it stands: "refugio: ", "the shelter is"."""
    BUILDING = auto()
    """A building by its name: behind a word for standing it is where the shelter is, else it is another."""
    LODGING = auto()
    """The same where people lodge: also where somebody was brought."""
    CALLED = auto()
    """A name: behind the house that the shelter stands in or by, it is of that house."""
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


class _Said(NamedTuple):
    """A part, its first word, and the one behind its last."""

    part: Part
    at: int
    behind: int


_AS_PART = {
    Leads.TO_A_HOUSE: Part.LEADS,
    Leads.ON_THE_WAY: Part.ROUTE,
    Leads.BY_NAME: Part.NAMES,
    Leads.IN_PASSING: Part.PASSES,
    Leads.IN_BUILDING: Part.BUILDING,
    Leads.SOMEWHERE: Part.SOMEWHERE,
    Leads.SOMEWHERE_SAID: Part.SOMEWHERE_SAID,
}
_AS_STAY = {Stay.HOUSED: Part.HOUSED, Stay.HOUSED_THERE: Part.HOUSED_THERE, Stay.BROUGHT: Part.BROUGHT}
_REACH = 2
"""Sentences behind a shelter that may still tell its place without naming it: "Está detrás de la bomba"."""
_EARLY = 5
"""Words at the beginning of such a sentence among which a street is still the shelter's."""
_NEXT = 3
"""Words between a shelter and the name of a small place."""
_VERB = 2
"""Words between a verb and the shelter that stands or moves."""
_SEATED = 7
"""Words between a verb and the building that something stands in."""
_RENTED = 9
"""Words between what is done with a house and the shelter that it becomes."""
_PRONOUN = 4
_SHORT_NAME = 3
_SHELTERS = frozenset({Part.SHELTER, Part.GOAL})
_NEAR_ONLY: Mapping[Part | None, int] = {Part.TOPIC: 2, Part.GOAL: 5}
"""Words between such a shelter and its place."""
_IS = frozenset(":=>→(")
_HOLDERS = Is.INSTITUTION | Is.LANDMARK


def speaks_of_shelter(tokens: Sequence[Token]) -> bool:
    """Say whether the text speaks of a shelter at all."""
    return bool(shelters_in(text_of(tokens)))


def shelter_place(folded: str, tokens: Sequence[Token]) -> bool:
    """Say whether a text leads to a shelter. It takes time in proportion to the length of the text."""
    text = text_of(tokens)
    shelters, stays = shelters_in(text), stays_in(text)
    if not (shelters or stays):  # nearly always
        return False
    is_told = bool(shelters) or Stay.HOUSED in stays.values()
    return (is_told and (is_position(folded) or leads_to_map(folded))) or _is_led_to(_parts(text, shelters, stays))


# ------------------------------------------------------------------ whose place it is
def _is_led_to(parts: Iterable[_Said]) -> bool:
    """Say whether something that leads to a house belongs to a shelter."""
    reading = _Reading()
    return any(_STEPS[said.part](reading, said) for said in parts)


class _Reading:
    """Whose place is told, word after word. Each step takes one part, and says whether a shelter's place is told."""

    def __init__(self) -> None:
        self.ago = _REACH + 1
        """Sentences since a shelter was told of."""
        self.last = 0
        """The word behind that shelter."""
        self.is_way_in_last_sentence = self.is_way = False
        self.stands = 0
        self._begin(0)

    def _begin(self, at: int) -> None:
        self.began = at
        self.owner: Part | None = None
        self.lies = self.is_brought = self.is_beside = False
        self.seat = 0
        """The word behind another house that the shelter stands in or by."""
        self.is_way_in_last_sentence, self.is_way = self.is_way, False
        self.is_route = self.is_named = self.is_anything = False
        """What was told before a shelter: how to go, the name of a place, any way at all."""

    def _is_early(self, at: int) -> bool:
        return at - self.began < _EARLY

    def _is_next(self, at: int) -> bool:
        """Say whether this sentence speaks of nobody's place yet, and one before it spoke of a shelter."""
        return self.owner is None and 0 < self.ago <= _REACH and (self.lies or self._is_early(at))

    def _is_its_seat(self, said: _Said) -> bool:
        """Say whether another house is what the shelter stands in or by."""
        is_its = self.owner in _SHELTERS or self._is_next(said.at)
        is_there = is_its and self.lies and said.at - self.stands <= _SEATED
        return is_there and said.part not in (Part.DONE, Part.MEETING, Part.ELSEWHERE)

    def _is_near(self, said: _Said) -> bool:
        """ "La puerta del refugio de la calle 5"; not "the driver of the shelter had an accident on"."""
        return self.lies or said.at - self.last <= _NEAR_ONLY.get(self.owner, 0)

    def _is_close(self, said: _Said) -> bool:
        return self.owner in _SHELTERS and said.at - self.last < _NEXT

    def _tells_way(self) -> bool:
        return self.is_way or self.is_named or self.is_route or self.is_anything

    def end(self, said: _Said) -> bool:
        self.ago = _REACH + 1 if self.owner is Part.MEETING else self.ago + 1
        self._begin(said.behind)
        return False

    def shelter(self, said: _Said) -> bool:
        # "se mudó el albergue a Naco"; not "are in that shelter at Winneba"
        self.lies = self.lies and said.at - self.stands <= _VERB
        is_told = self.is_way or (self.lies and self.is_named)
        is_told = is_told or (self.is_way_in_last_sentence and self._is_early(said.at))
        if self.is_route or (said.part not in (Part.GOAL, Part.INSIDE) and is_told):
            return True
        self.is_brought = False
        if said.part in (Part.SHELTER, Part.INSIDE) or self.owner is not Part.MEETING:
            self.owner = said.part if said.part in _NEAR_ONLY else Part.SHELTER
        self.ago, self.last, self.is_way = 0, said.behind, False
        return False

    def beside(self, said: _Said) -> bool:
        self.owner, self.lies, self.is_beside, self.ago, self.last = Part.SHELTER, True, True, 0, said.behind
        return self._tells_way()

    def housed(self, said: _Said) -> bool:
        if said.part is Part.HOUSED_THERE and self._tells_way():
            return True
        self.is_brought = said.part is Part.BROUGHT
        if self.owner is not Part.MEETING:
            self.owner, self.ago = Part.SHELTER, (self.ago if self.is_brought else 0)
        self.lies, self.last, self.stands = not self.is_brought, said.behind, said.at
        return False

    def lie(self, said: _Said) -> bool:
        self.lies, self.stands = not self.is_brought, said.at
        if said.part is Part.LIES_THERE and self.ago == 0 and self.owner is Part.OTHER:
            self.owner = Part.SHELTER
        return False

    def wide(self, said: _Said) -> bool:
        if said.at - self.last < _NEXT:
            self.last = said.behind
        if said.at - self.stands < _NEXT:
            self.stands = said.behind
        return False

    def is_(self, said: _Said) -> bool:
        if (self.ago == 0 and said.at - self.last < _NEXT) or self._is_next(said.at):
            self.lies, self.stands = True, said.at
        return False

    def building(self, said: _Said) -> bool:
        if self.is_beside or self._is_its_seat(said):
            return True
        if self._is_close(said):  # "refugio en Punta Cana, Plaza Progreso local 8"
            return False
        self.is_named, self.owner = self.is_named or self.owner is None, Part.OTHER
        return False

    def lodging(self, said: _Said) -> bool:
        is_there = (self.lies or self.is_brought) and said.at - self.last <= _SEATED
        is_its = self.owner in _SHELTERS and (is_there or said.at == self.last)
        return is_its or self.building(said)

    def other(self, said: _Said) -> bool:
        if self._is_its_seat(said):  # "resguardadas en finca del km 22"
            self.seat = said.behind
            return False
        self.is_route = self.is_route and said.part is not Part.DONE
        self.owner = Part.MEETING if said.part is Part.MEETING else Part.OTHER
        return False

    def the_one(self, said: _Said) -> bool:
        if self.ago == 0:
            self.lies, self.seat, self.stands = True, said.behind, said.at
        return False

    def called(self, said: _Said) -> bool:
        is_its = self.owner in _SHELTERS or self.owner is Part.TOPIC
        return is_its and 0 < self.seat and said.at - self.seat < _EARLY

    def aside(self, said: _Said) -> bool:
        self.owner = self.owner or said.part
        return False

    def name(self, said: _Said) -> bool:
        """ "Detrás del estadio Cibao queda la casa segura"."""
        how_far = _SEATED if self.owner is Part.SHELTER else _NEXT
        is_near = said.part is Part.NAMES and self.ago == 0 and said.at - self.last <= how_far
        if self.lies or is_near:
            return self.way(said)
        self.is_named = self.is_named or (said.part is Part.NAMES and self.owner is None)
        return False

    def somewhere(self, said: _Said) -> bool:
        """ "El refugio ta en kapotillo", "refugio en capotillo"."""
        is_there = self.lies and said.at - self.stands <= _NEXT
        is_next = said.part is Part.SOMEWHERE and said.at - self.last < _NEXT
        return self.owner in _SHELTERS and not self.is_brought and self.ago == 0 and (is_there or is_next)

    def way(self, said: _Said) -> bool:
        self.is_anything = True
        is_near = said.part is Part.ROUTE or self._is_near(said)
        is_its = self.owner is Part.SHELTER or (self.owner in _NEAR_ONLY and is_near)
        if is_its or self._is_next(said.at) or self.is_beside:
            return True
        self.is_way = self.is_way or (self.owner is None and said.part is not Part.PASSES)
        self.is_route = self.is_route or (said.part is Part.ROUTE and self.owner is not Part.MEETING)
        return False


_STEPS: Mapping[Part, Callable[[_Reading, _Said], bool]] = {
    Part.END: _Reading.end,
    **dict.fromkeys((Part.SHELTER, Part.GOAL, Part.INSIDE, Part.TOPIC), _Reading.shelter),
    Part.BESIDE: _Reading.beside,
    **dict.fromkeys((Part.HOUSED, Part.HOUSED_THERE, Part.BROUGHT), _Reading.housed),
    **dict.fromkeys((Part.LIES, Part.LIES_THERE), _Reading.lie),
    Part.IS: _Reading.is_,
    Part.WIDE: _Reading.wide,
    Part.THE_ONE: _Reading.the_one,
    Part.CALLED: _Reading.called,
    Part.BUILDING: _Reading.building,
    Part.LODGING: _Reading.lodging,
    **dict.fromkeys((Part.OTHER, Part.ELSEWHERE, Part.DONE, Part.MEETING), _Reading.other),
    Part.ASIDE: _Reading.aside,
    **dict.fromkeys((Part.NAMES, Part.PASSES), _Reading.name),
    **dict.fromkeys((Part.SOMEWHERE, Part.SOMEWHERE_SAID), _Reading.somewhere),
    **dict.fromkeys((Part.LEADS, Part.ROUTE), _Reading.way),
}


def _parts(text: Text, shelters: Mapping[int, int], stays: Mapping[int, Stay]) -> Iterator[_Said]:
    """The parts of a text, in order. `shelters` are where the name of each begins and the position behind it."""
    tokens = text.tokens
    folded = [token.folded for token in tokens]
    leading = {**spans("personal.directions", folded), **spans("personal.leads_on", folded)}
    at = began = last = 0
    is_address = has_shelter = is_named = False
    while at < len(tokens):
        behind = at + 1
        if at in leading:
            yield _Said(Part.ROUTE, at, behind)
        if at in shelters and text.is_introduced(at, "generic"):
            behind = shelters[at]
        elif at in shelters:
            has_shelter, behind = True, shelters[at]
            last, is_named = behind, True
            yield _Said(_as_mentioned(text, at), at, behind)
        elif ends_sentence(tokens, at):
            is_address, is_named, began = False, False, behind
            yield _Said(Part.END, at, behind)
        elif at in stays and not (is_named and stays[at] is Stay.BROUGHT):
            last = behind
            is_there = text.any_says(at - _NEXT, behind + 1, "there")
            yield _Said(Part.HOUSED_THERE if is_there else _AS_STAY[stays[at]], at, behind)
        else:
            way = Way(text, at, shelters, is_address)
            leads = way_told(way)
            is_lodging = text.any_says(at - 1, at + 2, "former", "lodgings") or tokens[at].what & Is.HOUSE
            if leads is Leads.IN_BUILDING and is_lodging:
                part = Part.LODGING
            else:
                is_it, is_its_name = has_shelter and at == began, 0 < last == at
                part = _AS_PART[leads] if leads else _part(text, at, is_it=is_it, is_its_name=is_its_name)
            is_address = is_address or text.says(at, "addresses")
            if (_is_the_one(text, at) or (at == last and _is_of_the_street(text, at))) and (not part or part is Part.ASIDE):
                part = Part.THE_ONE
            if part is None and (text.says(at, "is") or tokens[at].text in _IS):
                part = Part.IS
            if part is None:
                part = _as_called(text, at)
            behind = max(behind, place_at(tokens, at)[0], quarter_at(tokens, at))
            if part:
                yield _Said(part, at, behind)
        at = behind


def _is_the_one(text: Text, at: int) -> bool:
    """ ", la de la Rafael Castillo", "albergue de la Tunti Cáceres"."""
    before = text.at(at - 1).text
    return text.says(at, "the_ones") and text.says(at + 1, "belongs") and before in (",", ":", "(")


def _is_of_the_street(text: Text, at: int) -> bool:
    is_the = text.says(at, "belongs") and text.says(at + 1, "the_street")
    street = text.at(at + 2)
    return is_the and street.is_capitalised and is_name(street) and not street.what & Is.INSTITUTION


def _as_called(text: Text, at: int) -> Part | None:
    behind, is_wide = place_at(text.tokens, at)
    if behind and is_wide:
        return Part.WIDE
    return Part.CALLED if is_name(text.tokens[at]) and at else None


def _as_mentioned(text: Text, at: int) -> Part:
    if text.any_says(at - _SEATED, at, "there") and text.any_says(at - _SEATED, at, "is", "lies", "are"):
        return Part.HOUSED_THERE
    if text.says(at, "where") and text.any_says(at - _NEXT, at, "there", "is"):  # "ahí es donde están las muchachas"
        return Part.HOUSED_THERE
    if text.is_introduced(at, "stands_near"):
        return Part.BESIDE
    is_topic = text.is_introduced(at, "shelter_topic")
    if text.is_introduced(at, "shelter_goal"):
        is_rented = text.any_says(at - _RENTED, at, "rented")  # "se alquiló una casa en Alma Rosa para la casa de …"
        return Part.TOPIC if is_topic and is_rented else Part.GOAL
    if text.says(at - 1 - text.says(at - 1, "any_one"), "located"):  # "ya está protegida en un albergue"
        return Part.INSIDE
    return Part.TOPIC if is_topic else Part.SHELTER


def _part(text: Text, at: int, *, is_it: bool, is_its_name: bool) -> Part | None:
    """Return what a word that leads nowhere does. With `is_it`, a pronoun here is the shelter's: "Li dèyè mache a".

    With `is_its_name`, the word stands right behind the shelter: "casa refugio modelo".
    """
    token = text.tokens[at]
    is_clause = at > 0 and text.tokens[at - 1].text == ","
    if text.says(at, "lies"):
        return Part.LIES_THERE if is_clause else Part.LIES
    if text.says(at, "gatherings"):
        return Part.MEETING
    if text.says(at, "elsewhere_done"):
        return Part.DONE
    is_street = token.what & (Is.STREET | Is.VILLAGE) or text.says(at, "quarters")
    is_wide = token.folded in known_words("personal.wide")
    if (token.what & _HOLDERS and not is_street and not is_wide) or text.says(at, "elsewhere"):
        is_elsewhere = text.says(at, "elsewhere")
        other = Part.ELSEWHERE if is_elsewhere else Part.OTHER
        return None if is_its_name else Part.ASIDE if text.is_introduced(at, "belongs") else other
    if token.what & Is.HOUSE and text.is_introduced(at, "whose"):
        return Part.OTHER
    is_short = len(token.text) <= _PRONOUN
    if token.what & SOMEBODY and not (is_short and (is_it or token.what & Is.LINK)):
        return Part.OTHER if is_clause and is_short else Part.ASIDE  # ", she was found behind the bar"
    return Part.ASIDE if token.is_upper and len(token.text) == _SHORT_NAME else None  # "ONG", "PGR"
