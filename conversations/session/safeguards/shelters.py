"""Where a shelter is, or a safe house, or a foster family: its place is secret, under all rules and whoever tells it.

A text is read once from left to right, part by part (`shelter_parts`): a shelter, somebody who is housed, another
house, what leads to a house. Whatever leads to one is the shelter's, unless the same sentence speaks of another house
before it: a workshop, a court, a bar. What is as wide as a municipality leads to no house.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from conversations.session.safeguards.addresses import is_position, leads_to_map
from conversations.session.safeguards.shelter_parts import Part, Said, parts
from conversations.session.safeguards.shelter_words import Text
from conversations.session.safeguards.sheltered import Stay, shelters_in, stays_in
from conversations.session.safeguards.words import Token

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
_SHELTERS = frozenset({Part.SHELTER, Part.GOAL, Part.PART_OF})
_NEAR_ONLY: Mapping[Part | None, int] = {Part.TOPIC: 2, Part.PART_OF: 7}
"""Words between such a shelter and its place."""


def speaks_of_shelter(tokens: Sequence[Token]) -> bool:
    """Say whether the text speaks of a shelter at all."""
    return bool(shelters_in(Text(tokens)))


def shelter_place(folded: str, tokens: Sequence[Token]) -> bool:
    """Say whether a text leads to a shelter. It takes time in proportion to the length of the text."""
    text = Text(tokens)
    shelters, stays = shelters_in(text), stays_in(text)
    if not (shelters or stays):  # nearly always
        return False
    is_told = bool(shelters) or Stay.HOUSED in stays.values()
    return (is_told and (is_position(folded) or leads_to_map(folded))) or _is_led_to(parts(text, shelters, stays))


# ------------------------------------------------------------------ whose place it is
def _is_led_to(said_parts: Iterable[Said]) -> bool:
    """Say whether something that leads to a house belongs to a shelter."""
    reading = _Reading()
    return any(_STEPS[said.part](reading, said) for said in said_parts)


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
        self.lies = self.is_brought = False
        self.is_open = self.is_elsewhere = False
        """One shelter was told of: what leads somewhere is its own. Something was done elsewhere: then it is not."""
        self.seat = 0
        """The word behind another house that the shelter stands in or by."""
        self.is_way_in_last_sentence, self.is_way = self.is_way, False
        self.is_route = self.is_named = self.is_anything = False
        """What was told before a shelter: how to go, the name of a place, any way at all."""

    def _is_early(self, at: int) -> bool:
        return at - self.began < _EARLY

    def _is_next(self, said: Said) -> bool:
        """Say whether this sentence speaks of nobody's place yet, and one before it spoke of a shelter."""
        if said.part is Part.ROUTE:
            is_its = not self.is_elsewhere
        else:
            is_its = self.owner is None and (self.lies or self._is_early(said.at))
        return is_its and 0 < self.ago <= _REACH

    def _is_its_seat(self, said: Said) -> bool:
        """Say whether another house is what the shelter stands in or by."""
        is_its = self.owner in _SHELTERS or self._is_next(said)
        how_far = _VERB if said.part is Part.ELSEWHERE else _SEATED
        is_there = is_its and self.lies and said.at - self.stands <= how_far
        return is_there and said.part not in (Part.DONE, Part.MEETING)

    def _is_near(self, said: Said) -> bool:
        """ "La puerta del refugio de la calle 5"; not "the driver of the shelter had an accident on"."""
        return self.lies or said.at - self.last <= _NEAR_ONLY.get(self.owner, 0)

    def _is_close(self, said: Said) -> bool:
        return self.owner in _SHELTERS and said.at - self.last < _NEXT

    def _tells_way(self) -> bool:
        return self.is_way or self.is_named or self.is_route or self.is_anything

    def end(self, said: Said) -> bool:
        self.ago = _REACH + 1 if self.owner is Part.MEETING else self.ago + 1
        self._begin(said.behind)
        return False

    def shelter(self, said: Said) -> bool:
        # "se mudó el albergue a Naco"; not "are in that shelter at Winneba"
        self.lies = self.lies and said.at - self.stands <= _VERB
        is_told = self.is_way or (self.lies and self.is_named)
        is_told = is_told or (self.is_way_in_last_sentence and self._is_early(said.at))
        if self.is_route or (said.part not in (Part.GOAL, Part.INSIDE, Part.TOPIC) and is_told):
            return True
        self.is_brought = False
        if said.part in (Part.SHELTER, Part.INSIDE) or self.owner is not Part.MEETING:
            self.owner = said.part if said.part in _NEAR_ONLY else Part.SHELTER
        self.ago, self.last, self.is_way = 0, said.behind, False
        self.is_open = (self.is_open or said.part in (Part.SHELTER, Part.GOAL)) and not self.is_elsewhere
        return False

    def beside(self, said: Said) -> bool:
        self.owner, self.lies, self.is_open, self.ago, self.last = Part.SHELTER, True, True, 0, said.behind
        return self._tells_way()

    def housed(self, said: Said) -> bool:
        if said.part is Part.HOUSED_THERE and self._tells_way():
            return True
        if said.part is Part.BROUGHT and self.lies and self.owner in _SHELTERS:
            return False
        self.is_brought = said.part is Part.BROUGHT
        if self.owner is not Part.MEETING:
            self.owner, self.ago = Part.SHELTER, (self.ago if self.is_brought else 0)
        self.lies, self.last, self.stands = not self.is_brought, said.behind, said.at
        return False

    def lie(self, said: Said) -> bool:
        self.lies, self.stands = not self.is_brought, said.at
        return False

    def wide(self, said: Said) -> bool:
        if said.at - self.last < _NEXT:
            self.last = said.behind
        if said.at - self.stands < _NEXT:
            self.stands = said.behind
        return False

    def is_(self, said: Said) -> bool:
        if (self.ago == 0 and said.at - self.last < _NEXT) or self._is_next(said):
            self.lies, self.stands = True, said.at
        return False

    def building(self, said: Said) -> bool:
        if self.is_open or self._is_its_seat(said):
            return True
        self.is_named, self.owner = self.is_named or self.owner is None, Part.OTHER
        return False

    def apart(self, said: Said) -> bool:
        if self.owner is Part.TOPIC and said.at == self.last:
            self.owner, self.is_open = Part.GOAL, not self.is_elsewhere
        return False

    def lodging(self, said: Said) -> bool:
        is_there = (self.lies or self.is_brought) and said.at - self.last <= _SEATED
        is_its = self.owner in _SHELTERS and (is_there or said.at == self.last)
        return is_its or self.building(said)

    def other(self, said: Said) -> bool:
        if self._is_its_seat(said):  # "resguardadas en finca del km 22"
            self.seat = said.behind
            return False
        if said.part in (Part.MEETING, Part.DONE) and not self._is_close(said):
            self.is_elsewhere, self.is_open = True, False
        self.is_route = self.is_route and said.part is not Part.DONE
        self.owner = Part.MEETING if said.part is Part.MEETING else Part.OTHER
        return False

    def the_one(self, said: Said) -> bool:
        if self.ago == 0:
            self.lies, self.seat, self.stands = True, said.behind, said.at
        return False

    def called(self, said: Said) -> bool:
        return self.seat > 0 and said.at - self.seat < _EARLY

    def name(self, said: Said) -> bool:
        """ "Detrás del estadio Cibao queda la casa segura"."""
        how_far = _SEATED if self.owner is Part.SHELTER else _NEXT
        is_near = said.part is Part.NAMES and self.ago == 0 and said.at - self.last <= how_far
        if self.is_open or self.lies or is_near:
            return self.way(said)
        self.is_named = self.is_named or (said.part is Part.NAMES and self.owner is None)
        return False

    def somewhere(self, said: Said) -> bool:
        """ "El refugio ta en kapotillo", "refugio en capotillo"."""
        is_there = self.lies and said.at - self.stands <= _NEXT
        is_next = self.owner is not Part.PART_OF and said.part is Part.SOMEWHERE and said.at - self.last < _NEXT
        return self.owner in _SHELTERS and not self.is_brought and self.ago == 0 and (is_there or is_next)

    def way(self, said: Said) -> bool:
        self.is_anything = True
        is_near = said.part is Part.ROUTE or self._is_near(said)
        is_its = self.owner is Part.SHELTER or (self.owner in _NEAR_ONLY and is_near)
        if is_its or self._is_next(said) or self.is_open:
            return True
        self.is_way = self.is_way or (self.owner is None and said.part is not Part.PASSES)
        self.is_route = self.is_route or (said.part is Part.ROUTE and self.owner is not Part.MEETING)
        return False


_STEPS: Mapping[Part, Callable[[_Reading, Said], bool]] = {
    Part.END: _Reading.end,
    **dict.fromkeys((Part.SHELTER, Part.GOAL, Part.INSIDE, Part.TOPIC, Part.PART_OF), _Reading.shelter),
    Part.BESIDE: _Reading.beside,
    **dict.fromkeys((Part.HOUSED, Part.HOUSED_THERE, Part.BROUGHT), _Reading.housed),
    Part.LIES: _Reading.lie,
    Part.IS: _Reading.is_,
    Part.WIDE: _Reading.wide,
    Part.APART: _Reading.apart,
    Part.THE_ONE: _Reading.the_one,
    Part.CALLED: _Reading.called,
    Part.BUILDING: _Reading.building,
    Part.LODGING: _Reading.lodging,
    **dict.fromkeys((Part.OTHER, Part.ELSEWHERE, Part.DONE, Part.MEETING), _Reading.other),
    **dict.fromkeys((Part.NAMES, Part.PASSES), _Reading.name),
    **dict.fromkeys((Part.SOMEWHERE, Part.SOMEWHERE_SAID), _Reading.somewhere),
    **dict.fromkeys((Part.LEADS, Part.ROUTE), _Reading.way),
}
