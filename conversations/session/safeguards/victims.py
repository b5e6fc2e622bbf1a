"""Who is a victim in a text, whatever it calls them: by what was done to them, or by who is called one beside them.

Ordinary rules protect victims most. Few reports call them so: they write "la joven que sacamos del bar", "a man freed
from the farm". Marked as victims, such people have the age, the day, the home and the name that no report may tell.
"""

from collections.abc import Sequence
from functools import cache

from conversations.session.reading.vocabulary import known_words, known_words_in
from conversations.session.safeguards.sentences import begins, sentence_of
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, behind_phrases

_BACK = 6
"""Tokens before what was done among which stands to whom: "la joven que sacamos del"."""
_AHEAD = 4
"""Tokens behind a name among which stands who it is: ", one of the girls"."""
_NEAR = 9
"""Tokens behind the word for several among which the name of one stands."""
_BESIDE = 3
"""How far an official's name stands from the post: "jueza Maritza", "Solano, consultora"."""
_MAY_BE = SOMEBODY | Is.TITLE
_IN_NAME = NAME | Is.COINED | Is.LINK


def mark_victims(tokens: Sequence[Token], about: int) -> None:
    """Mark whoever was rescued or exploited as a victim, and one of several. Who did it is none.

    `about` are the meanings of all words together.
    """
    offenders, one_of = known_words("personal.offenders"), known_words("personal.one_of")
    for end in behind_phrases("personal.suffered", tokens) if about & Is.SUFFERED else ():
        first, last = sentence_of(tokens, end - 1)
        near = [*range(end - 1, max(first, end - _BACK) - 1, -1), *range(end, min(last, end + _AHEAD))]
        who = next((at for at in near if tokens[at].what & _MAY_BE and tokens[at].text[2:].islower()), None)
        if who is not None and tokens[who].folded not in offenders and not _is_official(tokens[who]):
            tokens[who].what |= Is.VICTIM
        elif begins(tokens, end - 1) and end < last and tokens[end].is_word:  # "Rescued: 13" counts
            tokens[end - 1].what |= Is.VICTIM
    for at, token in enumerate(tokens) if about & Is.VICTIMS else ():
        if token.what & Is.VICTIMS:
            before = at - 1
            while before > 0 and tokens[before].what & Is.LINK and tokens[before].folded not in one_of:
                before -= 1
            if 0 <= before < at - 1 and tokens[before].folded in one_of:  # "one of the girls"
                token.what |= Is.VICTIM


def _is_official(token: Token) -> bool:
    """ "Sargento Peña", "Dra. Ruiz"; not "la señora"."""
    return bool(token.what & Is.TITLE) and token.is_capitalised


def speaks_of_victims_alone(tokens: Sequence[Token]) -> bool:
    """Say whether a text speaks of a victim and of nobody else: what it tells of somebody is hers."""
    return not any(
        token.what & _MAY_BE and not token.what & (Is.VICTIM | Is.LINK | Is.MONTH) and len(token.text) > 2
        for token in tokens
    )


def tells_of_a_case(tokens: Sequence[Token]) -> bool:
    """Say whether a text tells what became of somebody, and names no official: whoever it names is protected.

    "Rescued: 13" counts, and "foyer Mère Delia" is a house. Who "needs a doctor" has not named one.
    """
    if all(_tells_of_nobody(tokens, end) for end in behind_phrases("personal.case", tokens)):
        return False
    officials = known_words("personal.officials")
    return not any(token.folded in officials and _has_name_beside(tokens, at) for at, token in enumerate(tokens))


def tells_of_one(tokens: Sequence[Token]) -> bool:
    """Say whether a text tells of one person: "she", or what only somebody does. An office has something too: "su"."""
    return any(token.what & Is.FEELS or token.folded in _of_one() for token in tokens)


def counts_people(tokens: Sequence[Token]) -> bool:
    """Say whether the ages of a text are of nobody: it counts several people."""
    return not tells_of_one(tokens) and _counts(tokens)


def _counts(tokens: Sequence[Token]) -> bool:
    """ "34 se minè, 5 gen siy trèt": several numbers, of people or of work."""
    numbers = sum(
        token.is_number or (token.what & Is.SAID and not token.what & (Is.LINK | Is.DURATION)) > 0 for token in tokens
    )
    return numbers > 1 and any(token.what & (Is.VICTIMS | Is.THING | Is.INSTITUTION | Is.PLANNED) for token in tokens)


@cache
def _of_one() -> frozenset[str]:
    return known_words("personal.pronoun") | known_words_in("en", "personal.his")


def _tells_of_nobody(tokens: Sequence[Token], end: int) -> bool:
    """Say whether a number follows what was done, also behind a colon, or the name of a house its kind."""
    at = end + (end < len(tokens) and tokens[end].text == ":")
    if at == len(tokens):
        return False
    is_house = tokens[end - 1].folded in known_words("personal.sheltered_in") and tokens[end].is_capitalised
    return tokens[at].is_number or is_house


def _has_name_beside(tokens: Sequence[Token], at: int) -> bool:
    near = range(max(0, at - _BESIDE), min(len(tokens), at + 1 + _BESIDE))
    return any(_is_of_name(tokens[each]) and not begins(tokens, each) for each in near if each != at)


def is_beside_victim(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a sign stands between a name and the victim that it is: "Ana Ruiz, the girl who", "girl: Ana"."""
    first, last = sentence_of(tokens, at)
    if any(begin <= at < begin + _NEAR for begin in are_among_victims(tokens)):
        return True
    begin, end = at, at + 1
    while begin > first and _is_of_name(tokens[begin - 1]):
        begin -= 1
    while end < last and _is_of_name(tokens[end]):
        end += 1
    if end < last and tokens[end].text in ",(" and _is_victim_behind(tokens, end + 1, last):
        return True
    sign = tokens[begin - 1].text if begin > first else ""
    while end + 1 < last and tokens[end].what & Is.JOINS and _is_of_name(tokens[end + 1]):  # ", Wendy y Sucely,"
        end += 2
    is_closed = end >= last or not tokens[end].is_word
    if sign == "," and is_closed and tokens[begin - 2].what & Is.VICTIMS:
        return True
    return (sign == ":" or (sign == "," and is_closed)) and _is_victim_before(tokens, first, begin - 1)


def are_among_victims(tokens: Sequence[Token]) -> list[int]:
    """Return where names of some of several victims may begin: "cuatro mujeres, entre ellas", "two of the women,"."""
    found = []
    for begin in behind_phrases("personal.among", tokens):
        first, last = sentence_of(tokens, begin - 1)
        several = [at for at in range(first, last) if tokens[at].what & Is.VICTIMS]
        if several:
            found.append(begin if several[0] < begin - 1 else several[0])
    return found


def _is_of_name(token: Token) -> bool:
    return token.is_capitalised or token.is_upper or token.text == "-" or bool(token.what & _IN_NAME & ~Is.LINK)


def _is_victim_behind(tokens: Sequence[Token], at: int, last: int) -> bool:
    """ ", victima de", ", one of the girls", ", jèn gason yo"."""
    one_of = known_words("personal.one_of")
    for token in tokens[at : min(last, at + _AHEAD)]:
        if token.what & (Is.VICTIM | Is.VICTIMS):
            return True
        if not (token.what & (Is.LINK | SOMEBODY | Is.YEARS) or token.is_number or token.folded in one_of):
            return False
    return False


def _is_victim_before(tokens: Sequence[Token], first: int, comma: int) -> bool:
    """ "Al menor explotado en la finca," and the name: nobody else stands between."""
    for at in range(comma - 1, first - 1, -1):
        if tokens[at].what & Is.VICTIM:
            return True
        if tokens[at].what & (_MAY_BE | Is.JOINS) and not tokens[at].what & Is.LINK:
            return False
    return False
