"""Where somebody lives, exactly enough to be found."""

import re
from collections.abc import Sequence
from functools import cached_property

from conversations.session.reading.vocabulary import known_words, pattern
from conversations.session.safeguards.rules import Rule, Table
from conversations.session.safeguards.sentences import SIDE, ahead, sentence_of
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, has_one_of, number_at

_HOUSE = 4
"""Words between a street and the number of its house."""
_NEAR = 9
"""How many tokens may stand between living and the place of the house."""
_MAY_BE = NAME | Is.COINED | Is.LINK
"""What the first word of a place may be besides."""
_WORK = Is.THING | Is.PLANNED | Is.INSTITUTION
"""Words after which a text speaks of work, and not of a house."""


_SOMEBODY_LIVES = SOMEBODY | Is.TITLE | Is.HOME | Is.HOUSE | Is.FEELS | Is.EVENT
_SIGN_OF_POSITION = re.compile(r"\.(?<=[0-9]\.)[0-9]|°|\+|///|w3w|what3words")
"""What each position has. Each way begins with a character of its own: texts without one are passed over quickly."""
_PLUS_CODE = re.compile(r"\b[2-9cfghjmpqrvwx]{4,8}\+[2-9cfghjmpqrvwx]{2,3}\b")
_COORDINATES = re.compile(
    r"\b[ns]\s?[0-9]{1,2}°[^\n]{1,14}[ew]\s?[0-9]{1,3}°"
    r"|\b[ns]\s?[0-9]{1,2} [0-9]{1,2}\.[0-9]+\W{1,3}[ewo]\s?[0-9]{1,3} [0-9]"
    r"|\b[0-9]{1,2}\.[0-9]{2,}°?[ ,;]{1,3}-[0-9]{1,3}\.[0-9]{2,}"
    r"|\b[0-9]{1,2}(?:\.[0-9]{3,}|°[^\n]{1,12})[^\w.]{0,3}[ns]?[^\w.]{1,4}[0-9]{1,3}(?:\.[0-9]{3,}|°)"
)


_THREE_WORDS = re.compile(r"(?:///|\b(?:w3w|what3words)\W{1,4})[^\W\d_]+\.[^\W\d_]+\.[^\W\d_]+")
""" "///mesa.lago.perro": three words are a square of three metres."""


_LEAST_OF_COMPASS = 8
"""Digits of a latitude and a longitude that lead to one street."""


_COMPASS = r"\b[0-9][^;\n]{1,14}?\b<personal.latitude>\b[^;\n]{1,20}?[0-9][^a-z;\n]{0,6}<personal.longitude>\b"
""" "18.4861 norte, 69 con 93 12 oeste"."""
_POSITION = r"\b<personal.position>\b\W{1,4}-?[0-9]{1,3}\.[0-9]+°?[^0-9\n;]{1,12}-?[0-9]{1,3}\.[0-9]+"
""" "GPS 18.47, -69.90", "lat 18.46 long 69.91"."""


def is_position(folded: str) -> bool:
    """Say whether a text tells a latitude with its longitude, or a code for them."""
    if not _SIGN_OF_POSITION.search(folded):
        return False
    if _COORDINATES.search(folded) or ("+" in folded and _PLUS_CODE.search(folded)):
        return True
    if (found := pattern(_COMPASS).search(folded)) and sum(map(str.isdigit, found[0])) >= _LEAST_OF_COMPASS:
        return True
    return "." in folded and bool(_THREE_WORDS.search(folded) or pattern(_POSITION).search(folded))


_MAP_LINK = re.compile(
    r"maps\.(?:app|google|apple)\b|/maps\b|\bwaze\.com|\b(?:osm|openstreetmap)\.org|\bplus\.codes|\bgeo:-?[0-9]"
)


def leads_to_map(folded: str) -> bool:
    """Say whether a text has a link that opens a map at a place."""
    return ("/" in folded or "geo:" in folded) and _MAP_LINK.search(folded) is not None


_OF_ADDRESSES = Is.HOME | Is.HOUSE | Is.STREET | Is.BESIDE | Is.ROOM


class Place:
    """A word of living, of a street or of a landmark, in a text."""

    def __init__(self, tokens: Sequence[Token], at: int, about: int, *, has_directions: bool) -> None:
        self.tokens, self.at, self.about, self.has_directions = tokens, at, about, has_directions
        """The last: the text says which way leads somewhere: "segunda a la derecha, la casa con verja"."""

    @cached_property
    def is_lived_in(self) -> bool:
        """Say whether somebody lives there: "vive", "la casa de la joven", "her new apartment"."""
        what = self.tokens[self.at].what
        is_house = what & Is.HOUSE and (_is_of_somebody(self.tokens, self.at) or _is_hers(self.tokens, self.at))
        return bool(what & Is.HOME or is_house)


def address(folded: str, tokens: Sequence[Token], about: int) -> bool:
    """Say whether a text tells one: a word of living and a street, a street and the number of a house, or a landmark.

    "Vive en la calle Sánchez", "manzana 4, apto. 2B", "detrás de la iglesia de Villa Faro". Where an institution is
    spoken of it is of that. `about` are the meanings of all its words together.
    """
    if not about & _OF_ADDRESSES and not has_one_of(tokens, {"c"}):
        return False
    has_directions = about & Is.HOUSE and pattern(r"\b<personal.directions>\b").search(folded) is not None
    for at, token in enumerate(tokens):
        what = (token.what | (Is.STREET if token.folded == "c" else 0)) & _OF_ADDRESSES
        if what and PLACES.verdict(Place(tokens, at, about, has_directions=bool(has_directions)), what):
            return True
    return False


def _has_street_behind(c: Place) -> bool:
    if not c.about & (Is.STREET | Is.VILLAGE):
        return False
    _, last = sentence_of(c.tokens, c.at)
    return any(c.tokens[at].what & Is.STREET or _is_village(c.tokens, at) for at in range(c.at + 1, last))


def _is_of_somebody(tokens: Sequence[Token], at: int) -> bool:
    """ "La casa de la joven"."""
    row = tokens[at + 1 : at + 4]
    said = next((token for token in row if not token.what & Is.LINK or token.what & SOMEBODY), None)
    return len(row) > 1 and bool(row[0].what & Is.LINK) and said is not None and bool(said.what & SOMEBODY)


def _is_hers(tokens: Sequence[Token], at: int) -> bool:
    """ "Her new apartment"."""
    return any(token.folded in known_words("personal.whose") for token in tokens[max(0, at - 2) : at])


def _is_told_address(tokens: Sequence[Token], at: int) -> bool:
    """ "Her address is 12 Orange"."""
    ahead = at + 1
    while ahead < len(tokens) and (tokens[ahead].what & (Is.LINK | Is.HAS) or tokens[ahead].text in ":="):
        ahead += 1
    row = tokens[ahead : ahead + 2]
    return ahead > at + 1 and len(row) == 2 and _is_house(tokens, ahead) and row[1].is_capitalised


def _is_corner(tokens: Sequence[Token], at: int) -> bool:
    """ "C/ Duarte esq. Mella": two streets, where no work is spoken of."""
    crossing = known_words("personal.corner")
    for position in ahead(tokens, at, _NEAR)[1:]:
        if tokens[position].folded in crossing and tokens[position - 1].is_capitalised:
            row = tokens[position + 1 : position + 4]
            before = tokens[sentence_of(tokens, at)[0] : at]
            is_of_work = any(_is_of_work(token) or token.what & Is.INSTITUTION for token in before)
            return not is_of_work and any(token.is_capitalised or token.is_number for token in row)
    return False


def _is_in_row(tokens: Sequence[Token], at: int) -> bool:
    """ "La última casita", "second house past the shop"; not "la primera casa de acogida"."""
    if not at or tokens[at - 1].folded not in known_words("personal.in_row"):
        return False
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    return behind is None or behind.text in ",.;)" or bool(behind.what & Is.BESIDE)


def _is_room(tokens: Sequence[Token], at: int) -> bool:
    """ "Hotel Brisa rm 214": a room with its number, where one lodges."""
    first, last = sentence_of(tokens, at)
    number = next((token for token in tokens[at + 1 : at + 4] if token.is_number), None)
    is_lodged = any(token.what & Is.LANDMARK and token.what & Is.INSTITUTION for token in tokens[first:last])
    return number is not None and is_lodged and not any(token.what & Is.PLANNED for token in tokens[first:last])


def _is_of_work(token: Token) -> bool:
    return bool(token.what & _WORK and not token.what & (Is.HOME | Is.STREET | Is.VILLAGE) and not token.is_known)


def _is_village(tokens: Sequence[Token], at: int) -> bool:
    """ "El paraje El Rosario", "comunidad de"; not "la comunidad intervenida"."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    return bool(tokens[at].what & Is.VILLAGE and behind and (behind.is_capitalised or behind.what & Is.LINK))


def _is_found_by_landmark(tokens: Sequence[Token], at: int) -> bool:
    """ "Lives up the hill from the school": one sentence, and nothing that somebody does between."""
    for position in ahead(tokens, at, _NEAR)[1:]:
        token = tokens[position]
        if token.what & Is.LANDMARK and tokens[position - 1].what & Is.LINK:
            return not any(map(_is_of_work, tokens[sentence_of(tokens, at)[0] : at]))
        if token.what & Is.JOINS or token.text == ",":
            return False
    return False


def _is_in_small_place(tokens: Sequence[Token], at: int) -> bool:
    """ "Stays in Los Girasoles": no list of places has it, so it is smaller than a municipality."""
    for position in ahead(tokens, at, _NEAR):
        if _is_of_work(tokens[position]):  # "held a workshop in Busia"
            return False
        if tokens[position].folded in known_words("personal.located"):
            row = tokens[position + 1 : position + 4]
            place = next((token for token in row if not token.what & Is.LINK or token.is_capitalised), None)
            if place is not None and place.is_capitalised and not place.is_known and not place.what & ~_MAY_BE:
                return True
    return False


def _is_street_of(tokens: Sequence[Token], at: int) -> bool:
    """ "En casa de su tía, calle Ozama": a street by its name, and somebody before it."""
    if at + 1 >= len(tokens) or not tokens[at + 1].is_capitalised:
        return False
    said = tokens[sentence_of(tokens, at)[0] : at]
    return not any(_is_of_work(token) for token in said) and any(token.what & (SOMEBODY | Is.TITLE) for token in said)


def _is_told_street(tokens: Sequence[Token], at: int) -> bool:
    """Say whether this is a street, and a house, somebody or a corner is told with it."""
    if not (tokens[at].what & Is.STREET and not tokens[at].is_known) and not _is_short_street(tokens, at):
        return False
    if tokens[at].folded in known_words("personal.saints") and _is_saint(tokens, at):
        return False
    if at and tokens[at - 1].text == "-" and tokens[at - 1].to == tokens[at].at:  # "Half-Way-Tree"
        return False
    return _is_numbered(tokens, at) or _is_street_of(tokens, at) or _is_corner(tokens, at)


def _is_saint(tokens: Sequence[Token], at: int) -> bool:
    """ "St. Elizabeth"; not "45 Duarte St."."""
    row = [token for token in tokens[at + 1 : at + 3] if token.text != "."]
    return bool(row and row[0].is_capitalised) and not (at and tokens[at - 1].is_capitalised)


def _is_short_street(tokens: Sequence[Token], at: int) -> bool:
    """ "C/ Duarte", "c/ 5", "c-Restauracion"."""
    behind = tokens[at + 1 : at + 3]
    is_cut = tokens[at].folded == "c" and len(behind) == 2 and behind[0].text in "/-"
    return is_cut and (behind[1].is_capitalised or (behind[1].is_number and behind[0].text == "/"))


def _is_beside_landmark(tokens: Sequence[Token], at: int) -> bool:
    """ "Behind the car wash": a landmark beside which a house stands. After a word of work, it is a place of work."""
    first, _ = sentence_of(tokens, at)
    before = tokens[first:at]
    housed = known_words("personal.shelter_names")
    is_housed = any(token.what & Is.HOME or token.folded in housed for token in before)
    is_shelter = is_housed and any(token.what & Is.VICTIM for token in before)
    is_shown = any(token.what & Is.COMMON and len(token.text) > _HOUSE for token in before) and not any(
        token.what & _SOMEBODY_LIVES for token in before
    )
    if not is_shelter and (is_shown or any(_is_of_work(token) for token in before)):  # "photo devant le lycée"
        return False
    words = 0
    for token in tokens[at + 1 + (at + 1 < len(tokens) and tokens[at + 1].text == ".") : at + SIDE]:
        if token.what & Is.LANDMARK:
            return True
        if token.is_word and not token.what & (Is.LINK | Is.TOWARDS | Is.BESIDE):
            words += 1
        if words > 1 or not token.is_word:
            return False
    return False


def _is_numbered(tokens: Sequence[Token], at: int) -> bool:
    """A short number, or one with a letter, beside a street or a word for one, that is of no institution."""
    first, last = sentence_of(tokens, at)
    if not _has_number_beside(tokens, at, first, last):
        return False
    before = tokens[first:at]
    is_house = any(token.what & Is.INSTITUTION and not token.what & Is.STREET for token in before)
    return not is_house or any(token.what & Is.VICTIM for token in before)  # where a victim is, is kept secret


def _has_number_beside(tokens: Sequence[Token], at: int, first: int, last: int) -> bool:
    """Days of a month do not count."""
    if tokens[at].is_capitalised and any(_is_house(tokens, before) for before in range(max(first, at - 3), at)):
        return True  # "22 Mella Avenue"
    if at - first > 1 and tokens[at - 1].is_capitalised and _is_house(tokens, at - 2):
        return True  # "45 Duarte st"
    if _is_numbered_before(tokens, first, at):
        return True
    words = 0
    for position in range(at + 1, last):
        token = tokens[position]
        if token.is_number:
            if _is_name_of_street(tokens, position):
                continue
            return _is_house(tokens, position)
        if token.is_word and not token.what & (Is.LINK | Is.NUMBERED):
            words += 1
            if not (token.is_capitalised or len(token.text) < _HOUSE or token.what & Is.STREET) or words > _HOUSE:
                return False
    return False


def _is_name_of_street(tokens: Sequence[Token], position: int) -> bool:
    """ "Calle 4ta no. 18", "ri 12 nimewo 34": streets are numbered too."""
    behind = tokens[position + 1] if position + 1 < len(tokens) else None
    if behind is None:
        return False
    is_ordinal = behind.folded in known_words("personal.ordinal_ends") and behind.at == tokens[position].to
    return is_ordinal or bool(behind.what & Is.NUMBERED)


def _is_numbered_before(tokens: Sequence[Token], first: int, at: int) -> bool:
    """ "14, rue Capois": the number comes first, and the name of the street follows it."""
    position = at - 1
    while position > first and (tokens[position].text == "," or tokens[position].what & Is.LINK):
        position -= 1
    name = at + 1
    while name < len(tokens) and tokens[name].what & Is.LINK:
        name += 1
    is_called = (
        name < len(tokens)
        and (tokens[name].is_capitalised or tokens[name].is_upper)
        and not tokens[name].what & Is.COMMON
    )
    return is_called and position >= first and _is_short_number(tokens, position)


def _is_short_number(tokens: Sequence[Token], position: int) -> bool:
    """ "14, rue Capois", "la diecinueve de la calle Proyecto"."""
    token = tokens[position]
    if token.is_number:
        return len(token.text) <= _HOUSE
    return not token.what & Is.LINK and len(token.text) > _HOUSE and number_at(tokens, position) is not None


def _is_house(tokens: Sequence[Token], position: int) -> bool:
    """Say whether a short number is that of a house.

    In "5 de octubre" and "12 talleres" it belongs to the word after it.
    """
    token = tokens[position]
    behind = tokens[position + 1] if position + 1 < len(tokens) else None
    is_named = behind is not None and (behind.what & (Is.APART | Is.STREET | Is.INSTITUTION) or behind.is_known)
    is_crossing = behind is not None and behind.text == "x" and position + 2 < len(tokens)  # "rue 10 x 15"
    is_counted = behind is not None and behind.text.islower() and not (is_named or is_crossing)
    return token.is_number and len(token.text) <= 4 and not is_counted


# fmt: off
PLACES: Table[Place, bool] = Table(
    Rule("lived in, and a street", True, Is.HOME | Is.HOUSE, lambda c: c.is_lived_in and _has_street_behind(c),
         "li rete nan ri kapwa nimewo 12."),
    Rule("lived in, by a landmark", True, Is.HOME | Is.HOUSE,
         lambda c: c.is_lived_in and _is_found_by_landmark(c.tokens, c.at),
         "family lives up the hill from the school in Jimaní"),
    Rule("lived in, in a small place", True, Is.HOME | Is.HOUSE,
         lambda c: c.is_lived_in and _is_in_small_place(c.tokens, c.at),
         "she stays at her aunt's in Los Girasoles"),
    Rule("lived in, and a number", True, Is.HOME | Is.HOUSE,
         lambda c: c.is_lived_in and _is_told_address(c.tokens, c.at),
         "Her address is 12 Santiago"),
    Rule("a street, and a house, somebody or a corner", True, Is.STREET,
         lambda c: not c.is_lived_in and _is_told_street(c.tokens, c.at),
         "barrio Capotillo, casa 23"),
    Rule("a house in a row", True, Is.HOUSE, lambda c: _is_in_row(c.tokens, c.at),
         "la joven está en la última casita"),
    Rule("a house by the way to it", True, Is.HOUSE, lambda c: c.has_directions,
         "segunda a la derecha, la única casa de block"),
    Rule("beside a landmark", True, Is.BESIDE, lambda c: _is_beside_landmark(c.tokens, c.at),
         "frente al colmado La Bendición"),
    Rule("a room by its number", True, Is.ROOM, lambda c: _is_room(c.tokens, c.at),
         "you can find him every nite in room 9 of the sunset guesthouse"),
)
# fmt: on
