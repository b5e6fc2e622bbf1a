"""What bears the name of a person without being one: a hospital, a street, a saint's parish, a title between quotes."""

from collections.abc import Sequence

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token

_QUOTES = {'"': '"', "“": "”", "«": "»"}
_IN_TITLES = frozenset('-."“”«»')
"""Signs that stand inside the name of an institution or a work."""


def institutions(tokens: Sequence[Token]) -> set[int]:
    """Institutions that are named after a person: "hospital Robert Reid Cabral", "Sheraton Hotel"."""
    masked: set[int] = set()
    for at, token in enumerate(tokens):
        if token.text == "#":  # "#CorazonAzul" is a campaign
            masked.add(at + 1)
        if token.is_capitalised and token.folded in known_words("personal.saints"):
            masked |= _of_saint(tokens, at)
        if not token.what & Is.INSTITUTION and not _is_shelter(tokens, at):
            continue
        position = at + 1
        while position < len(tokens) and _carries_on(tokens, position):
            masked.add(position)
            position += 1
        if token.is_capitalised:
            position = at - 1
            while position >= 0 and tokens[position].is_capitalised and not tokens[position].what & Is.GIVEN:
                masked.add(position)
                position -= 1
    return masked | _quoted(tokens) | _located_with_article(tokens)


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
    masked = {at, name}
    while (name := name + 1) < len(tokens) and (_is_of_place(tokens, name) or tokens[name].is_known):
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
    if not token.is_capitalised or token.folded not in known_words("personal.shelter_names"):
        return False
    return any(0 <= near < len(tokens) and tokens[near].is_capitalised for near in (at - 1, at + 1))


def _located_with_article(tokens: Sequence[Token]) -> set[int]:
    """ "En El Rosario", "in Los Girasoles": an article with a capital, behind a word of place, begins a place."""
    masked: set[int] = set()
    for at in range(1, len(tokens) - 1):
        token = tokens[at]
        is_article = (
            token.is_capitalised and token.what & Is.LINK and tokens[at - 1].folded in known_words("personal.located")
        )
        if is_article and tokens[at + 1].is_capitalised:
            masked.update((at, at + 1))
    return masked


def _quoted(tokens: Sequence[Token]) -> set[int]:
    """ "Spot «No te dejes engañar»": several words between quotes are a title, unless one is a given name or they stand
    behind somebody."""
    masked: set[int] = set()
    for at, token in enumerate(tokens):
        if token.text not in _QUOTES or at in masked:
            continue
        close = next((n for n in range(at + 1, len(tokens)) if tokens[n].text == _QUOTES[token.text]), at)
        within = tokens[at + 1 : close]
        is_title = sum(each.is_word for each in within) > 1 and not any(each.what & Is.GIVEN for each in within)
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
    for token in tokens[at + 1 : at + 4]:
        if token.what & Is.FEELS:
            return True
        if not token.what & (Is.LINK | Is.HAS | Is.NOT | Is.MARKER):
            return False
    return False


def acts(tokens: Sequence[Token], at: int) -> bool:
    """ "Shanelle ran off", "Dayerlin salió": a movement of a body, over small words."""
    for token in tokens[at + 1 : at + 3]:
        if token.folded in known_words("personal.acts"):
            return True
        if not token.what & (Is.NOT | Is.HAS):
            return False
    return False
