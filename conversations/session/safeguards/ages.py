"""Finds the age of one person. A duration, a limit, and the ages of a group are something else.

"Una niña de siete años" and "she is 14" are ages. "El plan dura 3 años", "mayores de 18 años" and "jóvenes de 14 a 24
años" are not. The nearest word before the number that says what it counts decides.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.beside_ages import (
    is_baby,
    is_behind_pronoun,
    is_beside,
    is_birthday,
    is_decade,
    is_her_nth,
    is_just_turned,
    is_labelled,
    is_told_first,
    is_with_letter,
    is_with_sex,
)
from conversations.session.safeguards.counted import (
    GUESSED,
    OF,
    guess_from,
    is_guess,
    is_of_office,
    is_said_of_somebody,
    is_uncounted,
)
from conversations.session.safeguards.milestones import is_in_school, is_in_year, milestone
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import ENDS, sentence_of
from conversations.session.safeguards.words import (
    OLDEST,
    SOMEBODY,
    Is,
    Token,
    behind_phrases,
    has_one_of,
    meanings,
    number_at,
    number_from,
    word_at,
)
from conversations.session.safeguards.years import is_counted

_OF_SCHOOL = Is.GRADE | Is.ORDINAL
_MOST_NEAR = 90
"""The oldest age that somebody is said to be near."""
_NUMBER = Is.SAID | Is.ORDINAL
_TURNED = Is.TURNS | Is.SOME | Is.ELDER | SOMEBODY
"""Meanings of which a text has one that tells who has just turned an age."""
_ONE_OF = 1 << 100
"""What "one" means in "one of them"."""
_TELLING = (
    Is.YEARS | Is.MONTHS | Is.AGE | Is.HAS | Is.TURNS | Is.SAYS | Is.LABEL | Is.ELDER | Is.BIRTH | Is.TITLE | SOMEBODY
)
"""Meanings of which a word that tells an age has one, if it does not begin a sentence."""
_BEHIND_NUMBER = Is.YEARS | Is.MONTHS | Is.BIRTH
"""What a word means that tells an age with a number before it. Others have theirs behind them."""


class Told:
    """A text that may tell an age, and where its numbers are."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens = text, tokens
        self.numbers = [at for at, token in enumerate(tokens) if token.is_number or token.what & _NUMBER]

    @cached_property
    def touched(self) -> list[int]:
        """The numbers in figures beside which a word stands that makes an age of one by itself: "f", "s", "her"."""
        touching = known_words("personal.his") | {"f", "m", "a", "s"}
        figures = (at for at in self.numbers if self.tokens[at].is_number)
        return [at for at in figures if has_one_of(self.tokens[max(0, at - 1) : at + 3], touching)]


class Telling(NamedTuple):
    """A word that may tell an age with a number beside it."""

    tokens: Sequence[Token]
    at: int
    whose: int
    strict: bool

    @property
    def what(self) -> int:
        return self.tokens[self.at].what


def age(text: str, folded: str, tokens: Sequence[Token], about: int, *, strict: bool) -> bool:
    """Say whether a text tells the age of one person. Without `strict`, only the age of somebody it calls a victim.

    `about` are the meanings of all its words together.
    """
    told = Told(text, tokens)
    if strict and (WITHOUT_NUMBER.verdict(told, about) or (told.numbers and WITH_NUMBER.verdict(told, about))):
        return True
    if not told.numbers:
        return False
    whose = SOMEBODY | Is.TITLE if strict else Is.VICTIM
    one_of, last = known_words("personal.one_of"), told.numbers[-1]
    telling = [at for at, token in enumerate(tokens) if token.what & _TELLING or token.folded in one_of]
    for at in telling:
        what = tokens[at].what if at < last else tokens[at].what & _BEHIND_NUMBER
        if tokens[at].folded in one_of and at < last:
            what |= _ONE_OF
        if WORDS.verdict(Telling(tokens, at, whose, strict), what):
            return True
    return False


def _has_just_turned(told: Told) -> bool:
    numbers = (at for at in told.numbers if told.tokens[at].is_number or told.tokens[at].what & Is.SAID)
    return any(is_just_turned(told.tokens, at) for at in numbers)


def _any_of(tokens: Sequence[Token], what: int, is_age: Callable[[Sequence[Token], int], bool]) -> bool:
    return any(is_age(tokens, at) for at, token in enumerate(tokens) if token.what & what)


def _firsts(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield where each sentence begins."""
    return (at for at in range(len(tokens)) if at == 0 or tokens[at - 1].text in ENDS)


def _is_before_somebody(told: Told) -> bool:
    return any(_is_before(told.tokens, at) for at in _firsts(told.tokens))


def _is_told_first(told: Told) -> bool:
    is_had = has_one_of(told.tokens, known_words("personal.had"))
    return is_had and any(is_told_first(told.tokens, at) for at in _firsts(told.tokens))


def _follows_age(tokens: Sequence[Token], position: int) -> bool:
    """ "edad: 13", "edad de la víctima: 34", "aged 9", "laj li: 14"; not "aged 14 to 24", nor "average age"."""
    if any(token.what & Is.LIMIT for token in tokens[max(0, position - 2) : position]):
        return False
    for ahead in range(position + 1, min(position + 6, len(tokens))):
        token = tokens[ahead]
        if is_guess(tokens, ahead):
            return True
        if token.what & (Is.LIMIT | Is.PLANNED) or (token.text in ".\n" and not tokens[ahead - 1].what & Is.ABOUT):
            return False
        found = number_from(tokens, ahead)
        if found is not None and (token.is_number or found[0] > 2):
            value, end = found
            behind = word_at(tokens, end)
            is_range = behind.text == "-" or behind.what & (Is.BETWEEN | Is.JOINS)
            to = number_at(tokens, end + 1)
            is_near = is_range and to is not None and 0 < to - value <= GUESSED
            return (is_near or not is_range) and value < OLDEST
    return False


def _is_before(tokens: Sequence[Token], position: int) -> bool:
    """ "Twenty-two, mother of one", "at 13 she": the number opens the sentence, and somebody follows."""
    if tokens[position].folded in known_words("personal.located"):
        said = number_from(tokens, position + 1)
        row = tokens[said[1] : said[1] + 2] if said and said[0] < OLDEST else []
        return any(token.what & SOMEBODY and token.folded in known_words("personal.his") for token in row)
    while position < len(tokens) and tokens[position].what & Is.ABOUT and number_at(tokens, position) is None:
        position += 1  # "maybe fifteen, she won't say"
    found = number_from(tokens, position)
    if found is None or not 0 < found[0] < OLDEST or found[1] >= len(tokens):
        return False
    if not (tokens[found[1]].text == "," or tokens[found[1]].what & Is.JOINS):  # "15 y embarazada"
        return False
    return any(token.what & (SOMEBODY | Is.FEELS) for token in tokens[found[1] + 1 : found[1] + 3])


def _is_claimed(tokens: Sequence[Token], position: int) -> bool:
    """ "Dice 19 pero", "el pasaporte dice 23", "claims to be 15": a number that counts nothing, said of somebody."""
    ahead = position + 1
    while ahead < len(tokens) and ahead - position < 5 and number_at(tokens, ahead) is None:
        if not (tokens[ahead].what & (Is.LINK | Is.HAS | SOMEBODY | Is.ABOUT) or tokens[ahead].text in ':"“«'):
            return False
        ahead += 1
    found = number_from(tokens, ahead)
    if found is None or not 2 < found[0] < OLDEST:
        return False
    first, _ = sentence_of(tokens, position)
    return is_uncounted(tokens, guess_from(tokens, found)[1]) and is_said_of_somebody(tokens, first, position)


def _is_one_of(tokens: Sequence[Token], position: int) -> bool:
    """ "Una de 15 y otra de 12", "la de diecisiete no quiere": where somebody is spoken of and no work."""
    if position + 1 >= len(tokens) or tokens[position + 1].folded not in ("de", "of"):
        return False
    found = number_from(tokens, position + 2)
    if found is None or not 2 < found[0] < OLDEST or not is_uncounted(tokens, found[1]):
        return False
    first, last = sentence_of(tokens, position)
    about = meanings(tokens[first:last])
    is_work = about & (Is.THING | Is.PLANNED | Is.INSTITUTION)
    return bool(about & (SOMEBODY | Is.FEELS | Is.EVENT | Is.ELDER)) and not is_work


def _is_then(tokens: Sequence[Token], position: int, *, is_near: bool = False) -> bool:
    """ "La captaron a los 12": a number alone behind such words, where something is said of somebody.

    What is near an age, as in "going on 15", needs nobody.
    """
    first, last = sentence_of(tokens, position) if position < len(tokens) else (0, 0)
    if is_near and is_of_office(tokens, first, position):
        return False
    if is_near and number_at(tokens, position) is None:
        position += bool(word_at(tokens, position).what & Is.LINK)
    found = number_from(tokens, position)
    if found is None or not 0 < found[0] < (_MOST_NEAR if is_near else OLDEST):
        return False
    ahead = guess_from(tokens, found)[1]
    ahead += bool(word_at(tokens, ahead).what & Is.YEARS)
    behind, about = word_at(tokens, ahead), meanings(tokens[first:last])
    if about & Is.THING and not (is_near and about & SOMEBODY):
        return False
    if behind.what & Is.NOT:  # "a sus treinta y tres nunca"
        return True
    if is_near and behind.what & SOMEBODY:  # "sweet sixteen girl"
        return True
    return is_uncounted(tokens, ahead) and (is_near or bool(about & (SOMEBODY | Is.EVENT | Is.FEELS)))


class Had:
    """A verb of having or turning, the number behind it, and what the sentence says before."""

    def __init__(self, telling: Telling, ahead: int, found: tuple[int, int]) -> None:
        self.tokens, self.at, self.whose, self.strict = telling.tokens, telling.at, telling.whose, telling.strict
        tokens, at = self.tokens, self.at
        self.ahead, self.end = ahead, guess_from(tokens, found)[1]
        self.behind = word_at(tokens, self.end)
        self.is_turning = any(tokens[each].what & Is.TURNS for each in range(at, ahead))
        self.is_aside = self.behind.folded in known_words("personal.aside")
        self.first, _ = sentence_of(tokens, at)
        opened = next((each for each in range(at, self.first, -1) if tokens[each].text == "("), self.first)
        self.said = [token for token in tokens[max(opened, at - 6) : at] if token.is_word]  # "centre (she is 22)"


def _is_had(telling: Telling) -> bool:
    """Say whether a number that counts nothing follows what somebody has or turns: "tiene quince", "cumple 16"."""
    tokens, at = telling.tokens, telling.at
    if tokens[at].what & Is.BETWEEN and number_at(tokens, at - 1) is not None:  # "de 8 a 12"
        return False
    ahead = at + 1
    if number_at(tokens, ahead) == 1 and tokens[ahead].is_word and number_at(tokens, ahead + 1) is not None:
        ahead += 1  # "li gen yon 15 konsa"
    while ahead < len(tokens) and _is_skipped(tokens, ahead, Is.LINK | Is.HAS | Is.TURNS | Is.ABOUT):
        ahead += 1
    found = number_from(tokens, ahead)
    if found is None or not 0 < found[0] < OLDEST or (found[0] < 2 and tokens[ahead].is_word):
        return False
    if tokens[ahead].what & Is.LINK:  # "fè de": two in Creole, "of" elsewhere
        return False
    return HAD.verdict(Had(telling, ahead, found), ANY) or False


def _is_counting(c: Had) -> bool:
    """Say whether it counts what follows; who turns an age does it in a month, "cumple 16 en marzo"."""
    is_turned = c.is_turning and c.behind.what & Is.LINK and c.behind.folded not in OF
    return not (c.is_aside or is_turned or is_uncounted(c.tokens, c.end))


def _are_small(c: Had) -> bool:
    """Say whether only small words stand before it in its clause."""
    clause = next((at for at in range(len(c.said), 0, -1) if c.said[at - 1].what & Is.JOINS), 0)
    return all(map(_is_small, c.said[clause:]))


def _is_small(token: Token) -> bool:
    return bool(token.what & (Is.LINK | Is.NOT | Is.ABOUT)) or token.folded in known_words("personal.auxiliary")


def _is_skipped(tokens: Sequence[Token], at: int, skipped: int) -> bool:
    """Say whether it may stand between a verb and an age; "entre" does before a guess: "entre 14 y 15"."""
    if number_at(tokens, at) is not None:
        return False
    if tokens[at - 1].what & Is.TURNS and tokens[at].folded in known_words("personal.when"):  # "cumplió ayer 17"
        return True
    return bool(tokens[at].what & skipped) or (bool(tokens[at].what & Is.LIMIT) and is_guess(tokens, at))


AGE, NO_AGE = True, False
# fmt: off
WITHOUT_NUMBER: Table[Told, bool] = Table(
    Rule("a word for an age", AGE, Is.AGED, lambda c: True,
         "quinceañera rescatada en el bar"),
    Rule("a milestone", AGE, ANY, lambda c: milestone(c.text, c.tokens),
         "apenas llega a los quince"),
)
WITH_NUMBER: Table[Told, bool] = Table(
    Rule("at an age", AGE, ANY,
         lambda c: any(_is_then(c.tokens, at) for at in behind_phrases("personal.at_age", c.tokens)),
         "la captaron a los 12"),
    Rule("near an age", AGE, ANY,
         lambda c: any(_is_then(c.tokens, at, is_near=True) for at in behind_phrases("personal.nearing", c.tokens)),
         "helper is 13 going on 14"),
    Rule("a year of school by its ordinal", AGE, Is.ORDINAL, lambda c: _any_of(c.tokens, Is.ORDINAL, is_in_year),
         "pasó a sexto"),
    Rule("a year of school", AGE, _OF_SCHOOL, lambda c: _any_of(c.tokens, _OF_SCHOOL, is_in_school),
         "classe de 3e, déscolarisée"),
    Rule("just turned", AGE, _TURNED, _has_just_turned,
         "dieciocho recién cumplidos"),
    Rule("with a sex", AGE, ANY, lambda c: any(is_with_sex(c.tokens, at) for at in c.touched),
         "14/F, en albergue"),
    Rule("a ten of years", AGE, ANY, lambda c: any(is_decade(c.tokens, at) for at in c.touched),
         "a woman in her 50s"),
    Rule("her fifteenth", AGE, ANY, lambda c: any(is_her_nth(c.tokens, at) for at in c.touched),
         "her 18th is in June"),
    Rule("with the letter of years", AGE, ANY, lambda c: any(is_with_letter(c.tokens, at) for at in c.touched),
         "16a, embarazada"),
    Rule("first, before somebody", AGE, SOMEBODY | Is.FEELS, _is_before_somebody,
         "Forty-four, never married, keeps goats."),
    Rule("first, and told behind", AGE, ANY, _is_told_first,
         "quince tenia cuando se la llevaron a la costa"),
)
WORDS: Table[Telling, bool] = Table(
    Rule("years or months", AGE, Is.YEARS | Is.MONTHS, lambda c: is_counted(c.tokens, c.at, c.whose, strict=c.strict),
         "yon fi 23 zan"),
    Rule("a birthday", AGE, Is.BIRTH, lambda c: c.strict and is_birthday(c.tokens, c.at),
         "her 16th bday was monday"),
    Rule("beside somebody", AGE, SOMEBODY | Is.TITLE,
         lambda c: c.what & c.whose and not c.what & Is.MONTH and is_beside(c.tokens, c.at),
         "una nena de seis"),
    Rule("had", AGE, Is.HAS | Is.TURNS, _is_had,
         "su hijo tiene 4"),
    Rule("ordinary rules", NO_AGE, ANY, lambda c: not c.strict,
         "worker aged 27, lost two fingers at the dredge, no pay since"),
    Rule("behind the word for it", AGE, Is.AGE, lambda c: _follows_age(c.tokens, c.at),
         "edad: 13"),
    Rule("claimed", AGE, Is.SAYS, lambda c: _is_claimed(c.tokens, c.at),
         "Elle dit 18, le carnet de vaccination dit 15"),
    Rule("one of several", AGE, _ONE_OF, lambda c: _is_one_of(c.tokens, c.at),
         "la de diecisiete no quiere"),
    Rule("one of several, by number", AGE, Is.LABEL, lambda c: is_labelled(c.tokens, c.at),
         "V1: 26 an, V2: 30 an"),
    Rule("the eldest", AGE, Is.ELDER, lambda c: is_beside(c.tokens, c.at, is_apart=True),
         "la mayor, 17"),
    Rule("behind a pronoun", AGE, SOMEBODY, lambda c: is_behind_pronoun(c.tokens, c.at),
         "ella dieciséis, él veinte"),
    Rule("a baby", AGE, SOMEBODY, lambda c: is_baby(c.tokens, c.at),
         "newborn, 10 d"),
)
HAD: Table[Had, bool] = Table(
    Rule("a goal that is met", NO_AGE, ANY, lambda c: c.is_turning and c.tokens[c.ahead - 1].what & Is.BETWEEN,
         "Meta cumplida al 100, se logró un mes antes de lo planificado"),
    Rule("it counts something", NO_AGE, ANY, _is_counting,
         "cumple 16 martes"),
    Rule("an office has it", NO_AGE, ANY, lambda c: is_of_office(c.tokens, c.first, c.at),
         "la meta era 40 y se llego a 37"),
    Rule("a thing has it", NO_AGE, ANY,
         lambda c: any(each.what & Is.THING and not each.what & (Is.MONTHS | Is.YEARS) for each in c.said),
         "the youngest one in the shelter just turned seven"),
    Rule("a pronoun has it", AGE, ANY,
         lambda c: c.strict and c.at and c.tokens[c.at - 1].folded in known_words("personal.pronoun"),
         'quote on the wall: "I was nine when it started"'),
    Rule("somebody has it", AGE, ANY,
         lambda c: meanings(c.said) & (c.whose | (Is.ELDER | Is.FEELS if c.strict else 0)),
         "la niña tiene nueve"),
    Rule("an ordinary report", NO_AGE, ANY, lambda c: not c.strict,
         "Va a cumplir 18 el próximo 6 de enero"),
    Rule("so many by now", NO_AGE, ANY,
         lambda c: c.is_aside and not c.is_turning and c.tokens[c.at].folded not in known_words("personal.had"),
         "ya van 15 gracias"),
    Rule("it is turned", AGE, ANY, lambda c: c.is_turning,
         "pronto cumple 18, preparar egreso"),
    Rule("small words before it", AGE, ANY, _are_small,
         "apenas tiene doce"),
)
# fmt: on
