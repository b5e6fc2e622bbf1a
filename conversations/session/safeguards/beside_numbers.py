"""Numbers that lead to one person by who or what stands beside them: an inmate's, a badge, the bed that she sleeps in.

Such a number is short, so its digits say nothing. "El interno 0933", "the officer with badge 447" and "la que duerme en
la cama 14" each lead to somebody. "3 víctimas", "testigo 2", "12 camas" and "the girl, 14" do not.
"""

from collections.abc import Sequence

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.counted import is_no_count
from conversations.session.safeguards.groups import is_year
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import SOMEBODY, Is, Token, word_at

_LEAST_BARE = 3
"""Digits of a number right behind somebody; a shorter one is an age or counts something."""
_LONGEST = 7
"""Digits: a longer number is judged by its shape."""
_SEEN_BACK = 7
"""Tokens before a bed among which somebody is looked for."""
_ONE = SOMEBODY | Is.TITLE
_BETWEEN = Is.LINK | Is.HAS | Is.HOME | Is.NOT | Is.BESIDE | Is.FEELS | Is.TOWARDS | Is.MARKER
_WORK = Is.THING | Is.PLANNED


def is_somebodys_number(tokens: Sequence[Token]) -> bool:
    """Say whether a number is somebody's by its place: behind one person, or behind a bed with somebody beside it."""
    return any(
        _is_of_one(tokens, at) or _is_of_bed(tokens, at) or _is_of_plate(tokens, at) or _is_recorded(tokens, at)
        for at, token in enumerate(tokens)
        if at and token.is_number and len(token.text) <= _LONGEST
    )


def _is_of_one(tokens: Sequence[Token], at: int) -> bool:
    """ "El interno 0933", "beneficiaria nro 47", "el agente con código 21884"."""
    number = tokens[at].text
    owner, is_called = _behind_marks(tokens, at - 1)
    if owner < 0 or (owner and tokens[owner - 1].folded in known_words("personal.files")):
        return False  # "expediente interno 0456"
    if not is_one(tokens[owner]):
        return False
    if is_called:
        return len(number) > 1 and not is_year(number)
    is_long = len(number) >= _LEAST_BARE or (number[0] == "0" and len(number) > 1)
    return owner == at - 1 and is_long and not is_year(number) and _is_alone(tokens, at)


def _behind_marks(tokens: Sequence[Token], at: int) -> tuple[int, bool]:
    """The position of the word before "no.", "#" or "with badge", and whether one of these stands there."""
    called = known_words("personal.number") | known_words("personal.badges")
    is_called, position = False, at
    while position >= 0 and at - position < _SEEN_BACK:
        token = tokens[position]
        is_short = token.folded in ("no", "n") and (position == at or tokens[position + 1].text in ".°º")
        if token.folded in called or token.text == "#" or is_short:
            is_called = True
        elif token.text not in (".", ":", "°", "º", "-", ",", "(") and not (
            is_called and token.what & (Is.LINK | Is.HAS | Is.TOWARDS) and not token.what & SOMEBODY
        ):
            break
        position -= 1
    return position, is_called


def is_one(token: Token) -> bool:
    """Say whether a word is one person's, who may have a number. A case has one as well, and is nobody."""
    if _bare(token) in known_words("personal.numbered_people"):
        return True
    is_one = token.what & _ONE and not token.what & Is.LINK and len(token.text) > 2 and token.folded[-1] != "s"
    return bool(is_one) and token.folded not in known_words("personal.files")


def _bare(token: Token) -> str:
    """Return a word without the article that French joins to it: "l'élève"; not "s'élève"."""
    return token.folded.removeprefix("l'").removeprefix("d'")


def _is_alone(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a number counts nothing that follows it, and is no part of a longer one."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    if behind is None:
        return True
    if not behind.is_word:
        is_joined = behind.text in "-/.,:" and at + 2 < len(tokens) and tokens[at + 2].is_number
        return not is_joined and behind.text not in "%$€°"
    is_small = behind.what & (Is.LINK | Is.FEELS | Is.EVENT | Is.HAS | Is.NOT | Is.JOINS | Is.MARKER | Is.APART)
    return bool(is_small) and not behind.what & (Is.YEARS | Is.MONTHS)


def _is_of_bed(tokens: Sequence[Token], at: int) -> bool:
    """ "La que duerme en la cama 14", "the girl in room 6", "bed 12 refuses food"."""
    bed = _called_so(tokens, at)
    if bed < 0:
        return False
    is_bed = tokens[bed].folded in known_words("personal.beds")
    if not is_bed and not tokens[bed].what & Is.ROOM:
        return False
    first, _ = sentence_of(tokens, at)
    behind = tokens[at + 1 : at + 3]
    if not is_bed and any(token.what & _WORK and not token.what & Is.HOME for token in [*tokens[first:bed], *behind]):
        return False
    return _is_somebody_there(tokens, first, bed) or _feels_next(tokens, at)


def _is_of_plate(tokens: Sequence[Token], at: int) -> bool:
    """ "Plate 4471 HK": letters may follow, but nothing that is counted."""
    plate, number = _called_so(tokens, at), tokens[at].text
    if plate < 0 or _bare(tokens[plate]) not in known_words("personal.plates"):
        return False
    behind = word_at(tokens, at + 1)
    has_letters = behind.is_upper and len(behind.text) <= _LEAST_BARE
    is_free = has_letters or _is_alone(tokens, at) or is_no_count(behind)
    return len(number) >= _LEAST_BARE and not is_year(number) and is_free


def _is_recorded(tokens: Sequence[Token], at: int) -> bool:
    """ "La residente registrada en el albergue con el número 31": one person, and that they are in a register."""
    first, _ = sentence_of(tokens, at)
    called = known_words("personal.number") | known_words("personal.files") | known_words("personal.register_folio")
    if not any(token.folded in called for token in tokens[max(first, at - 2) : at]):
        return False
    recorded = known_words("personal.recorded")
    verb = next((n for n in range(at - 2, max(first, at - _SEEN_BACK) - 1, -1) if tokens[n].folded in recorded), -1)
    if verb < 0:
        return False
    before = tokens[max(first, verb - 4) : verb]
    return any(is_one(token) or token.folded in known_words("personal.anybody") for token in before)


def _called_so(tokens: Sequence[Token], at: int) -> int:
    """The position of the word before a number, over "no." and "#"; below zero if there is none."""
    before = at - 1
    while before >= 0 and (tokens[before].text in "#.:°º" or tokens[before].what & Is.NUMBERED):
        before -= 1
    return before


def _is_somebody_there(tokens: Sequence[Token], first: int, bed: int) -> bool:
    one_of = known_words("personal.one_of")
    for position in range(bed - 1, max(first - 1, bed - _SEEN_BACK), -1):
        token = tokens[position]
        if is_one(token) or token.folded in known_words("personal.pronoun"):
            return True
        if token.folded in one_of and position < bed - 1 and tokens[position + 1].folded in _relatives():
            return True
        is_place = token.folded in known_words("personal.located")
        if not (token.what & _BETWEEN or is_place or token.folded in _relatives()):
            return False
    return False


def _relatives() -> frozenset[str]:
    """Return what leads from "the one" to where she is: "la de la cama 14", "the one who sleeps in bed 4"."""
    return known_words("personal.relatives")


def _feels_next(tokens: Sequence[Token], at: int) -> bool:
    """ "Bed 12 refuses food", "kama 7 : pa vle manje": what only somebody does follows at once."""
    for token in tokens[at + 1 : at + 4]:
        if token.what & Is.FEELS:
            return True
        if not (token.what & (Is.NOT | Is.HAS | Is.MARKER | Is.LINK) or token.text in ":,"):
            return False
    return False
