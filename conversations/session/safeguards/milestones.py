"""Ages that are told by what happens at them: a first communion, a vote that must wait, a year of school, a pension.

Nobody writes a number then, and every reader knows it. The phrases are those of `personal.milestones`. They are told of
one person: in "los jubilados" and "charla en el liceo" they are not.
"""

from collections.abc import Sequence
from functools import cache

from conversations.languages import LANGUAGES
from conversations.session.reading.text import normalise
from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.counted import is_of_office, is_uncounted
from conversations.session.safeguards.phrasing import milestone_words, milestones
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import SOMEBODY, Is, Token, has_one_of

_OF_ONE = SOMEBODY | Is.TITLE | Is.FEELS | Is.ELDER
_OF_WORK = Is.THING | Is.PLANNED | Is.INSTITUTION | Is.LIMIT
_LAST_GRADE = 13
_FIRST_WORDS = 4
"""Words at the beginning of a sentence among which a year of school needs no pupil."""
_SCHOOL_BEHIND = 8
"""Words before a year of school among which its pupil is looked for."""


def milestone(text: str, tokens: Sequence[Token]) -> bool:
    """Say whether a sentence tells an age so. `text` is what the tokens were read from."""
    behind, telling = 0, _telling()
    if not has_one_of(tokens, telling):
        return False
    for at, token in enumerate(tokens):
        if at >= behind and token.folded in telling:
            first, behind = sentence_of(tokens, at)
            row = tokens[first:behind]
            if _tells(normalise(text[row[0].at : row[-1].to]), row):
                return True
    return False


@cache
def _telling() -> frozenset[str]:
    return frozenset().union(*map(milestone_words, LANGUAGES))


def _tells(said: str, row: Sequence[Token]) -> bool:
    heard = (language for language in LANGUAGES if has_one_of(row, milestone_words(language)))
    found = next(filter(None, (milestones(language).search(said) for language in heard)), None)
    if found is None:
        return False
    phrase = set(found[0].split())
    about = 0
    for token in row:
        if token.folded not in phrase and not token.what & (Is.YEARS | Is.MONTHS):
            about |= token.what
            if token.is_number or (token.is_upper and len(token.text) > 2):
                about |= Is.LIMIT
    return bool(about & _OF_ONE) or not about & _OF_WORK


def is_in_school(tokens: Sequence[Token], at: int) -> bool:
    """ "Cursa 5to de primaria", "she's in 8th grade", "élève de 4e": the year that one person is in."""
    first, last = sentence_of(tokens, at)
    near = range(max(first, at - 4), min(last, at + 4))
    if at + 2 < last and tokens[at + 1].what & Is.BETWEEN and tokens[at + 2].what & (Is.ORDINAL | Is.GRADE):
        return False  # "de octavo a bachillerato"
    if tokens[at].what & Is.GRADE:
        is_year = any(tokens[other].what & Is.ORDINAL or _is_year_of_school(tokens, other) for other in near)
    else:
        is_year = any(tokens[other].what & Is.GRADE for other in near)
    said = tokens[max(first, at - _SCHOOL_BEHIND) : min(last, at + 3)]
    whose = SOMEBODY | Is.STUDIES | Is.FEELS | Is.EVENT
    others = (token.what for token in said if not token.what & (whose | Is.GRADE | Is.ORDINAL))
    if not is_year or any(what & (Is.THING | Is.INSTITUTION | Is.PLANNED) for what in others):
        return False
    behind = next((token for token in tokens[at + 1 : last + 1] if not _is_of_grade(token)), None)
    if at - first < _FIRST_WORDS and (behind is None or behind.text in ",."):  # "8vo curso, NNA"
        return True
    return any(token.what & whose and not token.what & Is.LIMIT for token in said)


def is_in_year(tokens: Sequence[Token], at: int) -> bool:
    """ "Está en octavo", "pasó a sexto": a year of school by its ordinal alone, behind what a pupil does."""
    first, _ = sentence_of(tokens, at)
    pupil = next((n for n in range(at - 1, max(first, at - 3) - 1, -1) if tokens[n].what & Is.STUDIES), None)
    if pupil is None or not is_uncounted(tokens, at + 1) or is_of_office(tokens, first, pupil):
        return False
    between = tokens[pupil + 1 : at]
    return len(tokens[pupil].text) > 2 and not any(token.is_word and len(token.text) > 2 for token in between)


def _is_of_grade(token: Token) -> bool:
    is_number = token.is_number or token.folded in known_words("personal.ordinal_ends")
    return is_number or bool(token.what & (Is.GRADE | Is.ORDINAL | Is.LINK))


def _is_year_of_school(tokens: Sequence[Token], at: int) -> bool:
    """ "5to", "8th", "4e", "CM2", "grade 8"."""
    if not tokens[at].is_number or not 0 < int(tokens[at].text[:3]) <= _LAST_GRADE:
        return False
    if at and tokens[at - 1].what & Is.GRADE:
        return True
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    return behind is not None and behind.at == tokens[at].to and behind.folded in known_words("personal.ordinal_ends")
