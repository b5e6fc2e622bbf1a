"""Where a shelter is, or a safe house, or a foster family: its place is secret, under all rules and whoever tells it.

A text is read once from left to right. Each word is nothing, or one of the parts of `Part`: a shelter, somebody who is
housed (`sheltered`), another house, what leads to a house (`ways`). A small table of states says whose place a street,
a landmark or a part of a town is: that of the shelter, or of a workshop, a court or a bar that the same sentence speaks
of. What is as wide as a municipality leads to no house.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

from conversations.session.safeguards.addresses import is_position, leads_to_map
from conversations.session.safeguards.sentences import ends_sentence
from conversations.session.safeguards.shelter_words import Text, text_of
from conversations.session.safeguards.sheltered import Stay, shelters_in, spans, stays_in
from conversations.session.safeguards.ways import Leads, Way, way_told
from conversations.session.safeguards.words import SOMEBODY, Is, Token, place_at


class Part(Enum):
    """What a word does for the place of a shelter."""

    SHELTER = auto()
    GOAL = auto()
    """A shelter that is spoken about, or where somebody goes: what was told before is another place."""
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
    DONE = auto()
    """What was done elsewhere: the way that was told before went there."""
    ASIDE = auto()
    """Somebody, or whose the shelter is: before a shelter their places are their own, behind it they have none."""
    LIES = auto()
    """It stands or moves somewhere."""
    LIES_THERE = auto()
    """The same behind a comma: what stood between two commas is over."""
    SEAT = auto()
    """A building by its name, right behind a word for standing, or behind the shelter."""
    BUILDING = auto()
    """Another building, by its name."""
    LEADS = auto()
    ROUTE = auto()
    NAMES = auto()
    PASSES = auto()
    END = auto()


_Said = tuple[Part, int, int]
"""A part, its first word, and the one behind its last."""
_SHELTERS = frozenset({Part.SHELTER, Part.GOAL, Part.TOPIC})
_AS_PART = {
    Leads.TO_A_HOUSE: Part.LEADS,
    Leads.ON_THE_WAY: Part.ROUTE,
    Leads.BY_NAME: Part.NAMES,
    Leads.IN_PASSING: Part.PASSES,
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
def _is_led_to(parts: Iterator[_Said]) -> bool:
    """Say whether something that leads to a house belongs to a shelter."""
    owner: Part | None = None
    lies = is_pending = was_pending = is_named = is_beside = is_on_way = is_brought = False
    ago, last, began, stands = _REACH + 1, 0, 0, 0
    for part, at, behind in parts:
        is_next = owner is None and 0 < ago <= _REACH and (lies or at - began < _EARLY)
        if part is Part.END:
            was_pending = is_pending
            is_pending = is_named = is_beside = is_on_way = is_brought = False
            owner, lies, ago, began = None, False, ago + 1, behind
        elif part in _SHELTERS:
            lies = lies and at - stands <= _VERB  # "se mudó el albergue a Naco"; not "are in that shelter at Winneba"
            is_told = is_pending or (lies and is_named) or (was_pending and at - began < _EARLY)
            if is_on_way or (part is not Part.GOAL and is_told):
                return True
            is_brought = False
            if part is Part.SHELTER or owner is not Part.MEETING:
                owner = Part.TOPIC if part is Part.TOPIC else Part.SHELTER
            ago, last, is_pending = 0, behind, False
        elif part is Part.BESIDE:
            if is_pending or is_named or is_on_way:
                return True
            owner, lies, is_beside, ago, last = Part.SHELTER, True, True, 0, behind
        elif part in (Part.HOUSED, Part.HOUSED_THERE, Part.BROUGHT):
            if part is Part.HOUSED_THERE and (is_pending or is_named or is_on_way):
                return True
            if owner is not Part.MEETING:
                owner, ago = Part.SHELTER, (ago if part is Part.BROUGHT else 0)
            is_brought = part is Part.BROUGHT
            lies, last, stands = not is_brought, behind, at
        elif part in (Part.LIES, Part.LIES_THERE):
            lies, stands = not is_brought, at
            if part is Part.LIES_THERE and ago == 0 and owner is Part.OTHER:
                owner = Part.SHELTER
        elif part is Part.SEAT or (part is Part.BUILDING and is_beside):
            if (owner is Part.SHELTER and not is_brought) or is_beside or is_next:
                return True
            is_named, owner = is_named or owner is None, Part.OTHER
        elif part in (Part.OTHER, Part.DONE, Part.MEETING, Part.BUILDING):
            is_on_way = is_on_way and part is not Part.DONE
            is_named = is_named or (part is Part.BUILDING and owner is None)
            owner = Part.MEETING if part is Part.MEETING else Part.OTHER
        elif part is Part.ASIDE:
            owner = owner or part
        elif part in (Part.LEADS, Part.ROUTE) or lies or (part is Part.NAMES and ago == 0 and at - last <= _NEXT):
            is_its = owner is Part.TOPIC and (lies or at - last <= _NEXT)  # not "the driver of the shelter had an …"
            if owner is Part.SHELTER or is_its or is_next or is_beside:
                return True
            is_pending = is_pending or (owner is None and part is not Part.PASSES)
            is_on_way = is_on_way or (part is Part.ROUTE and owner is not Part.MEETING)
        elif part is Part.NAMES:  # "Detrás del estadio Cibao queda la casa segura"
            is_named = is_named or owner is None
    return False


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
            yield Part.ROUTE, at, behind
        if at in shelters:
            has_shelter, behind = True, shelters[at]
            last, is_named = behind, True
            yield _as_mentioned(text, at), at, behind
        elif ends_sentence(tokens, at):
            is_address, is_named, began = False, False, behind
            yield Part.END, at, behind
        elif at in stays and not (is_named and stays[at] is Stay.BROUGHT):
            last = behind
            is_there = text.any_says(at - _NEXT, behind + 1, "there")
            yield (Part.HOUSED_THERE if is_there else _AS_STAY[stays[at]]), at, behind
        else:
            way = Way(text, at, shelters, is_address)
            part = _led(way, last)
            if part is None and 0 < last == at and (text.says(at, "is") or tokens[at].text == ":"):
                part = Part.LIES
            part = part or _part(text, at, is_it=has_shelter and at == began, is_its_name=0 < last == at)
            is_address = is_address or text.says(at, "addresses")
            behind = max(behind, place_at(tokens, at)[0])
            if part:
                yield part, at, behind
        at = behind


def _led(way: Way, last: int) -> Part | None:
    leads = way_told(way)
    if leads is not Leads.IN_BUILDING:
        return _AS_PART.get(leads) if leads else None
    return Part.SEAT if _is_seat(way.text, way.at, last) else Part.BUILDING


def _is_seat(text: Text, at: int, last: int) -> bool:
    """Say whether nothing but small words stands between this building and a word for standing or the shelter."""
    if 0 < last == at:
        return True
    for before in range(at - 1, max(-1, at - 1 - _SEATED), -1):
        if text.says(before, "lies", "stays", "lodged", "keeps", "is") or (
            before == last and text.tokens[before].text in ":("
        ):
            return True
        is_small = text.tokens[before].what & (Is.LINK | Is.BESIDE | Is.ORDINAL) or text.says(
            before, "former", "along", "located", "several"
        )
        if not is_small:
            return False
    return False


def _as_mentioned(text: Text, at: int) -> Part:
    if text.says(at, "where") and text.any_says(at - _NEXT, at, "there", "is"):  # "ahí es donde están las muchachas"
        return Part.HOUSED_THERE
    if text.is_introduced(at, "stands_near"):
        return Part.BESIDE
    is_topic = text.is_introduced(at, "shelter_topic")
    if text.is_introduced(at, "shelter_goal"):
        is_rented = text.any_says(at - _RENTED, at, "rented")  # "se alquiló una casa en Alma Rosa para la casa de …"
        return Part.TOPIC if is_topic and is_rented else Part.GOAL
    if text.says(at - 1 - text.says(at - 1, "any_one"), "located"):  # "ya está protegida en un albergue"
        return Part.GOAL
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
    if (token.what & _HOLDERS and not is_street) or text.says(at, "elsewhere"):
        return None if is_its_name else Part.ASIDE if text.is_introduced(at, "belongs") else Part.OTHER
    if token.what & Is.HOUSE and text.is_introduced(at, "whose"):
        return Part.OTHER
    is_short = len(token.text) <= _PRONOUN
    if token.what & SOMEBODY and not (is_short and (is_it or token.what & Is.LINK)):
        return Part.OTHER if is_clause and is_short else Part.ASIDE  # ", she was found behind the bar"
    return Part.ASIDE if token.is_upper and len(token.text) == _SHORT_NAME else None  # "ONG", "PGR"
