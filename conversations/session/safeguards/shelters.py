"""Where a shelter is, or a safe house, or a foster family: its place is secret, under all rules and whoever tells it.

A text is read once from left to right. Each word is nothing, or one of the parts of `Part`. A small table of states
says whose place a street, a landmark or a part of a town is: that of the shelter, or of a workshop, a court or a bar
that the same sentence speaks of. What is as wide as a municipality leads to no house.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import cache
from itertools import product

from conversations.languages import phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.addresses import is_position
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.misspelt import misspelt
from conversations.session.safeguards.sentences import ENDS, ends_sentence
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, behind_phrases, is_new, place_at, words_of


class Part(Enum):
    """What a word does for the place of a shelter."""

    SHELTER = auto()
    GOAL = auto()
    """A shelter that is spoken about, or where somebody goes: what was told before is another place."""
    TOPIC = auto()
    """A shelter that a meeting may be about, or whose people come to it."""
    MEETING = auto()
    OTHER = auto()
    """Another house: the places behind it are its own."""
    ASIDE = auto()
    """Somebody, or whose the shelter is: before a shelter their places are their own, behind it they have none."""
    LIES = auto()
    """It stands or moves somewhere."""
    LIES_THERE = auto()
    """The same behind a comma: what stood between two commas is over."""
    LEADS = auto()
    """A street, a landmark, a number."""
    NAMES = auto()
    """A small place by its name alone: it counts where something is said to stand, and right behind the shelter."""
    PASSES = auto()
    """ "After the bridge": of a place where something is said to stand, else of a time."""
    END = auto()


_Said = tuple[Part, int, int]
"""A part, its first word, and the one behind its last."""
_SHELTERS = frozenset({Part.SHELTER, Part.GOAL, Part.TOPIC})
_REACH = 2
"""Sentences behind a shelter that may still tell its place without naming it: "Está detrás de la bomba"."""
_EARLY = 5
"""Words at the beginning of such a sentence among which a street is still the shelter's."""
_NEXT = 3
"""Words between a shelter and the name of a small place."""
_VERB = 2
"""Words between a verb and the shelter that stands or moves."""
_HOUSE = 4
"""Digits of the longest number of a house."""
_NEAR = 5
"""Words between "beside" and what stands there."""
_ON_MAP = 9
"""Words between a map and the name that is looked for on it."""
_LEAST_MISSPELT = 6
_PRONOUN = 4
_SHORT_NAME = 3
_MAY_BE = NAME | Is.COINED | Is.LINK | Is.VILLAGE
_HOLDERS = Is.INSTITUTION | Is.LANDMARK


def speaks_of_shelter(tokens: Sequence[Token]) -> bool:
    """Say whether the text speaks of a shelter at all."""
    return bool(_shelters_in(tokens))


def shelter_place(folded: str, tokens: Sequence[Token]) -> bool:
    """Say whether a text leads to a shelter. It takes time in proportion to the length of the text."""
    shelters = _shelters_in(tokens)
    return bool(shelters) and (is_position(folded) or _is_led_to(_parts(tokens, shelters)))


# ------------------------------------------------------------------ whose place it is
def _is_led_to(parts: Iterator[_Said]) -> bool:
    """Say whether something that leads to a house belongs to a shelter."""
    owner: Part | None = None
    lies = is_pending = was_pending = is_named = False
    ago, last, began, stands = _REACH + 1, 0, 0, 0
    for part, at, behind in parts:
        if part is Part.END:
            was_pending, is_pending, is_named = is_pending, False, False
            owner, lies, ago, began = None, False, ago + 1, behind
        elif part in _SHELTERS:
            lies = lies and at - stands <= _VERB  # "se mudó el albergue a Naco"; not "are in that shelter at Winneba"
            is_told = is_pending or (lies and is_named) or (was_pending and at - began < _EARLY)
            if part is not Part.GOAL and is_told:
                return True
            if part is Part.SHELTER or owner is not Part.MEETING:
                owner = Part.TOPIC if part is Part.TOPIC else Part.SHELTER
            ago, last, is_pending = 0, behind, False
        elif part in (Part.LIES, Part.LIES_THERE):
            lies, stands = True, at
            if part is Part.LIES_THERE and ago == 0 and owner is Part.OTHER:
                owner = Part.SHELTER
        elif part in (Part.OTHER, Part.MEETING):
            owner = part
        elif part is Part.ASIDE:
            owner = owner or part
        elif part is Part.LEADS or lies or (part is Part.NAMES and ago == 0 and at - last <= _NEXT):
            is_next = 0 < ago <= _REACH and (lies or at - began < _EARLY)
            is_its = owner is Part.TOPIC and (lies or at - last <= _NEXT)  # not "the driver of the shelter had an …"
            if owner is Part.SHELTER or is_its or (owner is None and is_next):
                return True
            is_pending = is_pending or (owner is None and part is not Part.PASSES)
        elif part is Part.NAMES:  # "Detrás del estadio Cibao queda la casa segura"
            is_named = is_named or owner is None
    return False


def _parts(tokens: Sequence[Token], shelters: Mapping[int, int]) -> Iterator[_Said]:
    """The parts of a text, in order. `shelters` are where the name of each begins and the position behind it."""
    leading = {*behind_phrases("personal.leads_on", tokens), *behind_phrases("personal.directions", tokens)}
    at = began = 0
    is_address = has_shelter = False
    while at < len(tokens):
        if behind := shelters.get(at, 0):
            has_shelter = True
            yield _as_mentioned(tokens, at), at, behind
        elif ends_sentence(tokens, at):
            behind, is_address = at + 1, False
            yield Part.END, at, behind
            began = behind
        else:
            part, behind = _lead(tokens, at, shelters, is_address=is_address)
            part = part or _part(tokens, at, is_it=has_shelter and at == began)
            is_address = is_address or tokens[at].folded in known_words("personal.addresses")
            if part:
                yield part, at, behind
        if any(each in leading for each in range(at + 1, behind + 1)):
            yield Part.LEADS, at, behind
        at = behind


def _as_mentioned(tokens: Sequence[Token], at: int) -> Part:
    if _is_introduced(tokens, at, "personal.shelter_goal"):
        is_topic = _is_introduced(tokens, at, "personal.shelter_topic")
        return Part.TOPIC if is_topic and _is_rented(tokens, at) else Part.GOAL
    return Part.TOPIC if _is_introduced(tokens, at, "personal.shelter_topic") else Part.SHELTER


def _is_rented(tokens: Sequence[Token], at: int) -> bool:
    """ "Se alquiló una casa en Alma Rosa para la casa de acogida"."""
    return any(token.folded in known_words("personal.rented") for token in tokens[max(0, at - _ON_MAP) : at])


def _part(tokens: Sequence[Token], at: int, *, is_it: bool) -> Part | None:
    """Return what a word that leads nowhere does. With `is_it`, a pronoun here is the shelter's: "Li dèyè mache a"."""
    token = tokens[at]
    is_clause = at > 0 and tokens[at - 1].text == ","
    if token.folded in known_words("personal.lies"):
        return Part.LIES_THERE if is_clause else Part.LIES
    if token.folded in known_words("personal.gatherings"):
        return Part.MEETING
    is_street = token.what & (Is.STREET | Is.VILLAGE) or token.folded in known_words("personal.quarters")
    if (token.what & _HOLDERS and not is_street) or token.folded in known_words("personal.elsewhere"):
        return Part.ASIDE if _is_introduced(tokens, at, "personal.belongs") else Part.OTHER
    if token.what & Is.HOUSE and _is_introduced(tokens, at, "personal.whose"):
        return Part.OTHER
    is_short = len(token.text) <= _PRONOUN
    if token.what & SOMEBODY and not (is_short and (is_it or token.what & Is.LINK)):
        return Part.OTHER if is_clause and is_short else Part.ASIDE  # ", she was found behind the bar"
    return Part.ASIDE if token.is_upper and len(token.text) == _SHORT_NAME else None  # "ONG", "PGR"


def _is_introduced(tokens: Sequence[Token], at: int, key: str) -> bool:
    """Say whether one of these words stands before this one, with small words between at the most."""
    for token in reversed(tokens[max(0, at - _NEXT) : at]):
        if token.folded in known_words(key):
            return True
        if not token.is_word or not token.what & Is.LINK:
            return False
    return False


# ------------------------------------------------------------------ what a shelter is called
@cache
def _names() -> Known:
    """Each name, as a plan's names are kept."""
    names = {
        tuple(word for piece in chosen for word in words_of(fold(piece)))
        for phrase in phrases_of_all("personal.shelters")
        for chosen in product(*(piece.split("/") for piece in phrase.split(" ")))
    }
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[0], set()).add(len(name))
    return Known({first: tuple(sorted(each, reverse=True)) for first, each in lengths.items()}, frozenset(names))


@cache
def _as_meant() -> dict[str, str]:
    """A misspelt word of such a name → the word."""
    words = {word for name in _names().names for word in name}
    return {
        typed: word
        for word in sorted(words)
        if len(word) >= _LEAST_MISSPELT
        for typed in misspelt(word)
        if typed not in words and is_new(typed)
    }


def _shelters_in(tokens: Sequence[Token]) -> dict[int, int]:
    """Return where the name of each shelter begins → the position behind it."""
    meant = [_as_meant().get(token.folded, token.folded) for token in tokens]
    names = _names()
    if names.lengths.keys().isdisjoint(meant):  # nearly always
        return {}
    found = ((at, names.length_at(meant, at)) for at, word in enumerate(meant) if word in names.lengths)
    return {at: at + length for at, length in found if length}


# ------------------------------------------------------------------ what leads there
def _lead(
    tokens: Sequence[Token], at: int, shelters: Mapping[int, int], *, is_address: bool
) -> tuple[Part | None, int]:
    """Return what leads to a house from this word on, and the position behind it. If nothing does, the next one."""
    token = tokens[at]
    if behind := _street_behind(tokens, at):
        return Part.LEADS, behind
    if token.what & Is.BESIDE or token.folded in known_words("personal.stands_by"):
        return _beside(tokens, at, shelters)
    if token.folded in known_words("personal.maps") and _is_on_map(tokens, at):
        return Part.LEADS, at + 1
    if behind := _small_place_behind(tokens, at, is_address=is_address):
        is_listed = place_at(tokens, at)[0] > 0
        is_one_word = behind == at + 1 and not is_listed  # any town abroad
        return (Part.PASSES if is_one_word or (not is_listed and _is_on_the(tokens, at)) else Part.NAMES), behind
    return None, at + 1


def _street_behind(tokens: Sequence[Token], at: int) -> int:
    """The position behind a street, a part of a town or a number of a house that begins here; 0 if none does."""
    token = tokens[at]
    is_way = token.folded in known_words("personal.ways") and not _is_town(tokens, at)
    if is_way and (behind := _named_behind(tokens, at + 1)):
        return behind
    if is_way and _is_numbered_before(tokens, at):
        return at + 1
    if token.folded in known_words("personal.ways_behind") and at and _is_named_before(tokens, at):
        return at + 1
    if token.folded == "c" and at + 1 < len(tokens) and tokens[at + 1].text in "/.-":
        return _named_behind(tokens, at + 2)
    if token.folded in known_words("personal.quarters") and (behind := _quarter_behind(tokens, at)):
        return behind
    is_part_too = token.folded in known_words("personal.parts_too")
    is_named = _is_unknown_name(token) and _is_introduced(tokens, at, "personal.located")  # "en la Hostos 45"
    if is_named or (token.what & Is.STREET and not is_part_too):
        return _number_behind(tokens, at + 1)
    return 0


def _is_town(tokens: Sequence[Token], at: int) -> bool:
    """ "Kafou bezwen dlo"; not "kafou Rita" and not "Delmas 33"."""
    is_numbered = at + 1 < len(tokens) and tokens[at + 1].is_number
    return tokens[at].is_capitalised and not is_numbered and place_at(tokens, at)[0] > 0


def _is_numbered_before(tokens: Sequence[Token], at: int) -> bool:
    """ "45, rue du Centre"."""
    row = [token for token in tokens[max(0, at - 2) : at] if token.text != ","]
    return bool(row) and row[-1].is_number and at + 1 < len(tokens) and bool(tokens[at + 1].what & Is.LINK)


def _is_named_before(tokens: Sequence[Token], at: int) -> bool:
    """ "Duarte Street", "5th street"."""
    is_ordinal = at > 1 and tokens[at - 1].folded in known_words("personal.ordinal_ends") and tokens[at - 2].is_number
    return is_ordinal or _is_name(tokens[at - 1])


def _named_behind(tokens: Sequence[Token], at: int) -> int:
    """The position behind the name or the number of a street; 0 if none stands here."""
    at = _behind(tokens, at, ".#:", Is.NUMBERED | Is.LINK)
    if at >= len(tokens):
        return 0
    token = tokens[at]
    if token.is_number:
        return at + 1 if len(token.text) <= _HOUSE else 0
    is_unknown = not token.what & ~(_MAY_BE | Is.SAID) and token.is_word and len(token.text) > 1  # "calle doce"
    is_next = token.is_capitalised and at + 1 < len(tokens)
    is_numbered = is_next and (tokens[at + 1].is_number or tokens[at + 1].is_capitalised)  # "Calle Central 41"
    return at + 1 if is_unknown or is_numbered or _is_name(token) or _number_behind(tokens, at + 1) else 0


def _behind(tokens: Sequence[Token], at: int, signs: str, what: int) -> int:
    """The position behind a few such signs and words."""
    last = min(len(tokens), at + _NEAR)
    while at < last and (tokens[at].text in signs or tokens[at].what & what):
        at += 1
    return at


def _is_name(token: Token) -> bool:
    is_common = token.what & (Is.COMMON | Is.LINK) and token.folded not in known_words("personal.saints")
    return token.is_word and (token.is_capitalised or token.is_upper) and not is_common


def _is_unknown_name(token: Token) -> bool:
    return token.is_capitalised and not token.is_known and not token.what & ~_MAY_BE


def _quarter_behind(tokens: Sequence[Token], at: int) -> int:
    """ "Barrio Capotillo", "quartier de Fontamara", "el sector los mina"."""
    for ahead in range(at + 1, min(len(tokens), at + 1 + _NEXT)):
        behind, is_wide = place_at(tokens, ahead)
        if behind:
            return 0 if is_wide and not (ahead == at + 1 and _is_called(tokens, at)) else behind
        if tokens[ahead].text != "." and not tokens[ahead].what & Is.LINK:
            if (
                ahead == at + 1 and tokens[at].what & Is.STREET and _are_capitals(tokens, ahead)
            ):  # "sector Pueblo Nuevo"
                return ahead + 2
            is_name = _is_name(tokens[ahead]) and (tokens[ahead].is_capitalised or tokens[at].is_upper)
            return ahead + 1 if is_name else 0
    return 0


def _are_capitals(tokens: Sequence[Token], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at].is_capitalised and tokens[at + 1].is_capitalised


def _is_called(tokens: Sequence[Token], at: int) -> bool:
    """ "Barrio Libertad", not "zona Santiago": a part of a town that is called as a town is."""
    return tokens[at + 1].is_capitalised and bool(tokens[at].what & Is.STREET)


def _number_behind(tokens: Sequence[Token], at: int) -> int:
    """The position behind the number of a house; 0 if none stands here. In "etapa 2 del plan" it is another's."""
    at = _behind(tokens, at, ".#", Is.NUMBERED)
    if at >= len(tokens) or not tokens[at].is_number or len(tokens[at].text) > _HOUSE:
        return 0
    row = tokens[at + 1 : at + 3]
    is_anothers = bool(row) and row[0].is_word and row[0].text.islower() and row[0].at > tokens[at].to
    is_decimal = len(row) > 1 and row[0].text in ".,/%" and row[1].is_number and row[1].at == row[0].to
    return 0 if is_anothers or is_decimal else at + 1


def _beside(tokens: Sequence[Token], at: int, shelters: Mapping[int, int]) -> tuple[Part | None, int]:
    """ "Detrás del colmado", "across from the primary school", "frente a la UASD"."""
    is_time_too, thing = tokens[at].folded in known_words("personal.afterwards"), 0
    for ahead in range(at + 1, min(len(tokens), at + 1 + _NEAR)):
        token = tokens[ahead]
        if token.what & Is.LANDMARK:
            return (Part.PASSES if is_time_too else Part.LEADS), ahead + 1
        if token.text in ENDS or token.text == "," or ahead in shelters:
            break
        if token.folded in known_words("personal.any_one"):  # "must be near a hospital"
            break
        if token.what & Is.INSTITUTION and not is_time_too:
            return Part.NAMES, ahead + 1
        if _is_name(token) and not place_at(tokens, ahead)[0]:
            return (Part.PASSES if is_time_too else Part.NAMES), ahead + 1
        if not thing and not is_time_too and _is_any_thing(tokens, ahead):
            thing = ahead + 1
    return (Part.PASSES, thing) if thing else (None, at + 1)


def _is_any_thing(tokens: Sequence[Token], at: int) -> bool:
    """ "Frente a la envasadora", "al lado del tribunal": not "frente a la crisis", "al lado de las mujeres"."""
    token = tokens[at]
    is_house = not token.what & ~_MAY_BE or token.folded in known_words("personal.elsewhere")
    is_thing = is_house and token.is_word and not token.folded.endswith(tuple(known_words("personal.abstract_ends")))
    return is_thing and not token.what & Is.LINK and tokens[at - 1].folded in known_words("personal.the")


def _is_on_map(tokens: Sequence[Token], at: int) -> bool:
    """ "En Google Maps sale como Lavandería Rosa"."""
    return any(_is_name(token) or token.text in '"«“' for token in tokens[at + 1 : at + 1 + _ON_MAP])


def _small_place_behind(tokens: Sequence[Token], at: int, *, is_address: bool) -> int:
    """The position behind the name of a place that is no municipality and begins here; 0 if none does."""
    behind, is_wide = place_at(tokens, at)
    if behind:
        return 0 if is_wide else behind
    if not at or not _is_located(tokens, at, is_address=is_address):
        return 0
    behind = at
    while behind < min(len(tokens), at + _NEAR) and _is_unknown_name(tokens[behind]):
        behind += 1
    return behind if any(not token.what & Is.LINK for token in tokens[at:behind]) else 0


def _is_located(tokens: Sequence[Token], at: int, *, is_address: bool) -> bool:
    """ "En Arroyo Hondo", "de Los Prados", "la dirección es Las Palmas"."""
    before, token = tokens[at - 1], tokens[at]
    if before.folded in known_words("personal.located") or _is_on_the(tokens, at):
        return True
    if is_address and before.what & (Is.LINK | Is.HAS):
        return True
    if before.folded in known_words("personal.moves_to") and tokens[at - 2].folded in known_words("personal.lies"):
        return at > 1
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    is_called = behind is not None and behind.is_capitalised
    return is_called and token.is_capitalised and before.folded in known_words("personal.belongs")


def _is_on_the(tokens: Sequence[Token], at: int) -> bool:
    """ "Está en la Núñez de Cáceres"."""
    is_the = tokens[at - 1].folded in known_words("personal.the")
    return at > 1 and is_the and tokens[at - 2].folded in known_words("personal.located")
