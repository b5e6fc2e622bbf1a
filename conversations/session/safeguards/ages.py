"""Finds the age of one person. A duration, a limit, and the ages of a group are something else.

"Una niña de siete años" and "she is 14" are ages. "El plan dura 3 años", "mayores de 18 años" and "jóvenes de 14 a 24
años" are not. The nearest word before the number that says what it counts decides.
"""

from collections.abc import Sequence
from functools import cache

from conversations.session.reading.vocabulary import known_words, known_words_in
from conversations.session.safeguards.beside_ages import (
    ADULT,
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
    comma_before,
    guess_from,
    is_in_place,
    is_of_office,
    is_uncounted,
    next_word,
    without_inserted,
    word_behind,
)
from conversations.session.safeguards.milestones import is_in_school, is_in_year, milestone
from conversations.session.safeguards.words import (
    ENDS,
    OLDEST,
    SOMEBODY,
    Is,
    Token,
    behind_phrases,
    has_one_of,
    languages_of,
    number_at,
    number_before,
    number_from,
    sentence_of,
)

_OF_SCHOOL = Is.GRADE | Is.ORDINAL
_MOST_NEAR = 90
"""The oldest age that somebody is said to be near."""
_NUMBER = Is.SAID | Is.ORDINAL
_TELLING = (
    _NUMBER | Is.YEARS | Is.MONTHS | Is.AGE | Is.HAS | Is.TURNS | Is.SAYS | Is.LABEL | Is.ELDER | Is.BIRTH | SOMEBODY
)
"""Meanings of which a word that tells an age has one, if it does not begin a sentence."""
_LOOKED_BACK = 9
"""Words before a number among which its subject is looked for."""


def age(text: str, folded: str, tokens: Sequence[Token], about: int, *, strict: bool) -> bool:
    """Say whether a text tells the age of one person. Without `strict`, only the age of somebody it calls a victim.

    `about` are the meanings of all its words together.
    """
    if strict and about & Is.AGED:
        return True
    if strict and milestone(text, tokens):
        return True
    numbers = [at for at, token in enumerate(tokens) if token.is_number or token.what & _NUMBER]
    if not numbers:
        return False
    if strict and any(_is_then(tokens, at) for at in behind_phrases("personal.at_age", tokens)):
        return True
    if strict and any(_is_then(tokens, at, is_near=True) for at in behind_phrases("personal.nearing", tokens)):
        return True
    if (
        strict
        and about & Is.ORDINAL
        and any(is_in_year(tokens, at) for at, token in enumerate(tokens) if token.what & Is.ORDINAL)
    ):
        return True
    if (
        strict
        and about & _OF_SCHOOL
        and any(is_in_school(tokens, at) for at, token in enumerate(tokens) if token.what & _OF_SCHOOL)
    ):
        return True
    whose = SOMEBODY | Is.TITLE if strict else Is.VICTIM
    one_of = known_words("personal.one_of")
    telling = _TELLING | whose
    for position, token in enumerate(tokens):
        if not (token.what & telling or token.folded in one_of):
            continue
        if token.what & (Is.YEARS | Is.MONTHS) and _is_counted(tokens, position, whose, strict=strict):
            return True
        if strict and token.what & Is.BIRTH and is_birthday(tokens, position):
            return True
        if position < numbers[-1] and _is_before_number(tokens, position, whose, strict=strict):
            return True
    return strict and (
        any(_is_by_itself(tokens, at, about) for at in numbers if tokens[at].is_number or tokens[at].what & Is.SAID)
        or _is_at_beginning(tokens, about)
    )


def _is_before_number(tokens: Sequence[Token], position: int, whose: int, *, strict: bool) -> bool:
    """Say whether a word and a number somewhere behind it tell an age."""
    what = tokens[position].what
    if what & whose and not what & Is.MONTH and is_beside(tokens, position):
        return True
    if what & (Is.HAS | Is.TURNS) and _is_had(tokens, position, whose, strict=strict):
        return True
    if not strict:
        return False
    if what & Is.AGE and _follows_age(tokens, position):
        return True
    if what & Is.SAYS and _is_claimed(tokens, position):
        return True
    if tokens[position].folded in known_words("personal.one_of") and _is_one_of(tokens, position):
        return True
    if what & Is.LABEL and is_labelled(tokens, position):
        return True
    if what & Is.ELDER and is_beside(tokens, position, is_apart=True):
        return True
    return bool(what & SOMEBODY) and (is_behind_pronoun(tokens, position) or is_baby(tokens, position))


def _is_by_itself(tokens: Sequence[Token], at: int, about: int) -> bool:
    """Say whether a number tells an age with what stands at once beside it: "15F", "her 50s", "dieciocho recién"."""
    if about & _TURNED and is_just_turned(tokens, at):
        return True
    if not tokens[at].is_number or not has_one_of(tokens[max(0, at - 1) : at + 3], _touching()):
        return False
    is_of_one = is_with_sex(tokens, at) or is_decade(tokens, at)
    return is_of_one or is_her_nth(tokens, at) or is_with_letter(tokens, at)


_TURNED = Is.TURNS | Is.SOME | Is.ELDER | SOMEBODY
"""Meanings of which a text has one that tells who has just turned an age."""


@cache
def _touching() -> frozenset[str]:
    """The words of which one stands beside a number that is an age by itself: "f", "s", "her"."""
    return known_words("personal.his") | {"f", "m", "a", "s"}


def _is_at_beginning(tokens: Sequence[Token], about: int) -> bool:
    """Say whether a sentence begins with an age: "15, she says", "quince tenía cuando"."""
    may_be_before = about & (SOMEBODY | Is.FEELS)
    may_be_told = has_one_of(tokens, known_words("personal.had"))
    if not (may_be_before or may_be_told):
        return False
    firsts = (at for at in range(len(tokens)) if at == 0 or tokens[at - 1].text in ENDS)
    return any(_is_before(tokens, at) or is_told_first(tokens, at) for at in firsts)


def _is_counted(tokens: Sequence[Token], position: int, whose: int, *, strict: bool) -> bool:
    """A number and its unit: "15 años", "fifteen years old", "sèt an"."""
    unit = tokens[position]
    if strict and _is_born_since(tokens, position):
        return True
    is_months = not unit.what & Is.YEARS
    languages = languages_of(unit, Is.MONTHS if is_months else Is.YEARS)
    found = number_before(tokens, position, languages)
    if found is None:
        return strict and _is_first_year(tokens, position)
    if found[0] > OLDEST:
        return False
    value, start = found
    if (
        start > 1
        and tokens[start - 1].text in ".,"
        and tokens[start - 2].is_number
        and tokens[start - 1].to == tokens[start].at
    ):
        start -= 2  # "vèsyon 2.1 an"
    behind = word_behind(tokens, position)
    is_old = bool(unit.what & Is.OLD) or (behind is not None and bool(behind.what & Is.OLD))
    is_old = is_old or _is_told_behind(tokens, position)
    if is_old and behind is not None and next_word(tokens, position, 2).what & Is.THING:
        return False
    who = next_word(tokens, position, 1 if unit.what & Is.OLD else 2)
    if is_old and who.what & whose and not who.what & Is.LINK:  # "a 14 year old girl", "a 23yo waitress"
        return True
    if _is_sentence(tokens, start) or (
        behind is not None and (behind.what & Is.THING or _is_punished(tokens, position))
    ):
        return False
    if _is_of_work(tokens, position) or _is_since(tokens, start) or _is_or_more(tokens, position):
        return False
    if _is_band(tokens, start, position):
        return False
    if strict and not is_months and _has_months_too(tokens, position):
        return True
    return _belongs(tokens, start, value, whose, is_old=is_old, is_months=is_months, unit=position, strict=strict)


def _is_band(tokens: Sequence[Token], start: int, unit: int) -> bool:
    """ "12-17 an 5, granmoun 3": a range of ages and how many have one."""
    is_range = start > 1 and tokens[start - 1].text == "-" and tokens[start - 2].is_number
    return bool(is_range) and unit + 1 < len(tokens) and tokens[unit + 1].is_number


def _is_first_year(tokens: Sequence[Token], unit: int) -> bool:
    """ "Tiene año y medio"."""
    before, behind = tokens[unit - 1] if unit else None, next_word(tokens, unit, 1)
    if before is None or not behind.what & Is.JOINS:
        return False
    is_of = unit > 1 and before.what & Is.LINK and tokens[unit - 2].what & (SOMEBODY | Is.TITLE)
    return bool(before.what & (Is.HAS | Is.TURNS) or is_of)


def _is_born_since(tokens: Sequence[Token], unit: int) -> bool:
    """ "Nació hace quince años", "born 15 years ago", "née il y a 15 ans": of somebody, since nothing else is named."""
    if not tokens[unit].what & Is.YEARS:
        return False
    first, _ = sentence_of(tokens, unit)
    born = next((at for at in range(unit - 1, max(first, unit - _SINCE) - 1, -1) if tokens[at].what & Is.BIRTH), None)
    if born is None or (number_at(tokens, born + 1) is None and not _is_ago(tokens, born, unit)):
        return False
    said = tokens[first:unit]
    return not any(token.what & (Is.THING | Is.LIMIT | Is.INSTITUTION | Is.PLANNED) for token in said)


def _is_ago(tokens: Sequence[Token], born: int, unit: int) -> bool:
    between = " ".join(token.folded for token in tokens[born + 1 : unit])
    return any(between.startswith(f"{phrase} ") for phrase in _agos())


@cache
def _agos() -> frozenset[str]:
    return known_words("personal.ago")


_SINCE = 8
"""Tokens between a birth and the years since."""


def _is_punished(tokens: Sequence[Token], unit: int) -> bool:
    """ "15 años de prisión", "15 an prizon"."""
    if next_word(tokens, unit, 1).folded == "a":  # "quatre ans à peine"
        return False
    return any(next_word(tokens, unit, number).what & Is.PENALTY for number in (1, 2))


_LED_BY = {"a": "es", "to": "en", "à": "fr"}
"""What stands between a judgment and its years, and in which language."""


def _is_sentence(tokens: Sequence[Token], start: int) -> bool:
    """ "Fue condenado a 15 años", "the trafficker got 12 years"."""
    first, _ = sentence_of(tokens, start)
    before = tokens[start - 1] if start > first else None
    if before is None or before.folded in known_words("personal.punished"):
        return before is not None
    punished = known_words_in(_LED_BY[before.text], "personal.punished") if before.text in _LED_BY else frozenset()
    return any(token.folded in punished for token in tokens[first : start - 1])


def _is_of_work(tokens: Sequence[Token], unit: int) -> bool:
    """ "15 years of experience", "15 años de la ley"."""
    one, other, third = (next_word(tokens, unit, number) for number in (1, 2, 3))
    is_of = one.folded in ("de", "del", "of")
    return is_of and bool((other.what | (third.what if other.what & Is.LINK else 0)) & (Is.THING | Is.DURATION))


def _is_or_more(tokens: Sequence[Token], unit: int) -> bool:
    """ "18 an oswa plis", "18 años o más"."""
    one, other = next_word(tokens, unit, 1), next_word(tokens, unit, 2)
    return bool((one.what & Is.JOINS or one.folded in known_words("personal.or")) and other.what & Is.LIMIT)


def _has_months_too(tokens: Sequence[Token], unit: int) -> bool:
    """ "15 años y 4 meses", where nothing lasts: that exact only an age is."""
    row = tokens[unit + 1 : unit + 4]
    if len(row) < 3 or not row[0].what & Is.JOINS or not row[2].what & Is.MONTHS or number_at(tokens, unit + 2) is None:
        return False
    first, last = sentence_of(tokens, unit)
    lasts = Is.DURATION | Is.PENALTY | Is.THING
    said = (each for each in tokens[first:last] if not each.what & (Is.MONTHS | Is.YEARS | Is.HAS | Is.TURNS))
    return not any(each.what & lasts for each in said)


def _is_since(tokens: Sequence[Token], start: int) -> bool:
    """ "Il y a 15 ans, la loi": the years since something, in several words."""
    before = " ".join(token.folded for token in tokens[max(0, start - 3) : start])
    return any(before.endswith(phrase) for phrase in _agos() if " " in phrase)


def _is_told_behind(tokens: Sequence[Token], unit: int) -> bool:
    """ "14 años de edad", "quince años recién cumplidos"."""
    one, other = next_word(tokens, unit, 1), next_word(tokens, unit, 2)
    if one.what & Is.HAS and (other.what | next_word(tokens, unit, 3).what) & SOMEBODY:  # "15 años tiene la muchacha"
        return True
    third = next_word(tokens, unit, 3)
    if one.what & other.what & Is.LINK and third.what & Is.VICTIM:  # "15 años de la sobreviviente"
        return True
    return bool(one.what & Is.TURNS or (one.what & (Is.LINK | Is.HAS) and other.what & (Is.AGE | Is.OLD | Is.TURNS)))


def _belongs(
    tokens: Sequence[Token],
    start: int,
    value: int,
    whose: int,
    *,
    is_old: bool,
    is_months: bool,
    unit: int,
    strict: bool,
) -> bool:
    """Walk back from a number to the word that says whose it is."""
    first, _ = sentence_of(tokens, start)
    others = 0
    is_tied = False
    is_had = is_aside = False
    position, least = start - 1, max(first, start - _LOOKED_BACK)
    while position >= least:
        token = tokens[position]
        if is_had and token.text == "," and (comma := comma_before(tokens, first, position)):
            position, least = comma - 1, max(first, comma - _LOOKED_BACK)  # "l'enfant, qui ne sait rien, doit avoir"
            continue
        what = token.what
        if what & Is.ELDER and is_had and strict and not what & Is.LIMIT:  # "pi gran nan yo gen 52 an"
            return True
        if what & Is.LIMIT and not _is_of_one(tokens, position, value) and not _is_guess(tokens, position):
            return False
        is_place = is_had and (what & Is.THING) and is_in_place(tokens, position)
        if is_had and what & Is.DURATION and not what & (Is.HAS | Is.TURNS):  # "captada en abril tiene quince años"
            is_aside = True
        elif what & Is.DURATION and not what & (Is.HAS | Is.TURNS):
            return False
        if what & Is.BETWEEN and (other := number_at(tokens, position - 1)) is not None:
            if not 0 < value - other <= GUESSED:
                return False
            position -= 2
            continue
        if what & Is.JOINS and number_at(tokens, position - 1) is not None:
            position -= 2
            continue
        is_aside = is_aside or bool(is_place)
        if what & Is.THING and not is_place:
            return False
        if what & whose and (not is_months or others == 0 or is_old):
            return is_old or is_had or others <= 1 or is_tied
        if (
            what & SOMEBODY and not what & (whose | Is.LINK) and is_had
        ):  # "la víctima declaró y el acusado tiene 45 años"
            return False
        if what & (Is.HAS | Is.TURNS) and others <= 1:
            is_had = True
            if what & Is.TURNS:
                return strict and not is_months and _is_turned(tokens, first, position, unit)
        elif what & Is.SAYS and others <= 1 and _is_said_of_somebody(tokens, first, position):
            is_had = True
        elif token.is_word and not what & Is.LINK:
            others += 1
        elif position == start - 1 and (token.text in ",(" or token.folded in ("de", "of")):
            is_tied = True
        position -= 1
    if is_old:
        return strict or bool(next_word(tokens, unit, 2).what & whose)
    if not strict or is_months:
        return False
    if is_had:
        return not is_aside and not _is_of_something(tokens, unit)
    before = tokens[start - 1] if start > first else None
    behind = tokens[unit + 1] if unit + 1 < len(tokens) else None
    if before is None and _is_born_behind(tokens, unit):
        return True
    if before is not None and before.folded == "de" and start - 1 > first and tokens[start - 2].text == ",":
        before = tokens[start - 2]  # "el administrador del bar, de 44 años,"
    return (before is not None and before.text in ",(" and (behind is None or behind.text in ",.)")) or (
        before is None and start == 0 and behind is not None and behind.text == ","
    )


def _is_turned(tokens: Sequence[Token], first: int, position: int, unit: int) -> bool:
    """ "Cumplió quince años en el albergue"; not "El reglamento cumple 10 años", "La ONU cumple 70 años en mayo"."""
    said = without_inserted(tokens, first, position)
    if any(each.what & (Is.THING | Is.INSTITUTION | Is.COMMON) or each.is_upper or each.is_known for each in said):
        return False
    behind = word_behind(tokens, unit)
    is_of = behind is not None and behind.folded in ("de", "del", "of")
    return not is_of or bool(next_word(tokens, unit, 2).what & (Is.AGE | Is.OLD | Is.MONTH))


def _is_said_of_somebody(tokens: Sequence[Token], first: int, position: int) -> bool:
    """ "Dice", "el pasaporte dice", "la mamá dice"; not "el informe dice": who or what says it is of one person."""
    if is_of_office(tokens, first, position):
        return False
    about = 0
    for token in tokens[max(first, position - 6) : position]:
        about |= token.what
    if about & Is.PLANNED and not about & SOMEBODY:
        return False
    return bool(about & (SOMEBODY | Is.FILED | Is.TITLE)) or position == first


def _is_born_behind(tokens: Sequence[Token], unit: int) -> bool:
    """ "Quince años tenía cuando llegó", "15 ans à peine"."""
    one, other = next_word(tokens, unit, 1), next_word(tokens, unit, 2)
    if one.folded in known_words("personal.had"):
        return not any(token.what & Is.THING for token in (other, next_word(tokens, unit, 3)))
    alone = tokens[unit + 1 : unit + 4]
    return bool(alone) and len(alone) < 3 and all(token.what & (Is.HAS | Is.LINK) for token in alone if token.is_word)


def _is_guess(tokens: Sequence[Token], position: int) -> bool:
    """ "Entre 14 y 15": a range of next to nothing is what somebody's age is thought to be."""
    one, other = number_at(tokens, position + 1), number_at(tokens, position + 3)
    is_joined = position + 2 < len(tokens) and tokens[position + 2].what & (Is.JOINS | Is.BETWEEN)
    return bool(is_joined and one is not None and other is not None and 0 < other - one <= GUESSED)


def _is_of_one(tokens: Sequence[Token], position: int, value: int) -> bool:
    """ "Menor de 15 años", "una señora mayor de 62 años", "li poko gen 18 an": a limit of one person is an age.

    The law's limit is 18.
    """
    folded = tokens[position].folded
    if position and tokens[position - 1].folded in known_words("personal.his"):
        return True
    if tokens[position].what & Is.NOT and tokens[position].what & Is.MARKER:  # "gason sa a poko gen 18 an"
        at = position - 1
        while at > 0 and tokens[at].what & Is.LINK and tokens[at].folded != "ki":
            at -= 1
        return at >= 0 and bool(tokens[at].what & (SOMEBODY | Is.TITLE))
    if value == ADULT:
        return False
    is_said = position > 0 and bool(tokens[position - 1].what & (SOMEBODY | Is.TITLE))
    return folded == "menor" or (folded == "mayor" and is_said)


def _is_of_something(tokens: Sequence[Token], unit: int) -> bool:
    """Say whether "de" and another word than "edad" follow: "4 años de ejecución"."""
    behind = word_behind(tokens, unit)
    if next_word(tokens, unit, 2).what & Is.MONTH:  # "elle aura 18 ans en mai"
        return False
    is_of = behind is not None and (behind.folded in ("de", "del", "of", "para") or bool(behind.what & Is.DURATION))
    return is_of and not next_word(tokens, unit, 2).what & Is.AGE


def _follows_age(tokens: Sequence[Token], position: int) -> bool:
    """ "edad: 13", "edad de la víctima: 34", "aged 9", "laj li: 14"; not "aged 14 to 24", nor "average age"."""
    if any(token.what & Is.LIMIT for token in tokens[max(0, position - 2) : position]):
        return False
    for ahead in range(position + 1, min(position + 6, len(tokens))):
        token = tokens[ahead]
        if _is_guess(tokens, ahead):
            return True
        if token.what & (Is.LIMIT | Is.PLANNED) or (token.text in ".\n" and not tokens[ahead - 1].what & Is.ABOUT):
            return False
        found = number_from(tokens, ahead)
        if found is not None and (token.is_number or found[0] > 2):
            value, end = found
            behind = tokens[end] if end < len(tokens) else None
            is_range = behind is not None and (behind.text == "-" or behind.what & (Is.BETWEEN | Is.JOINS))
            to = number_at(tokens, end + 1)
            is_guess = is_range and to is not None and 0 < to - value <= GUESSED
            return (is_guess or not is_range) and value < OLDEST
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
    return is_uncounted(tokens, guess_from(tokens, found)[1]) and _is_said_of_somebody(tokens, first, position)


def _is_one_of(tokens: Sequence[Token], position: int) -> bool:
    """ "Una de 15 y otra de 12", "la de diecisiete no quiere": where somebody is spoken of and no work."""
    if position + 1 >= len(tokens) or tokens[position + 1].folded not in ("de", "of"):
        return False
    found = number_from(tokens, position + 2)
    if found is None or not 2 < found[0] < OLDEST or not is_uncounted(tokens, found[1]):
        return False
    first, last = sentence_of(tokens, position)
    about = 0
    for token in tokens[first:last]:
        about |= token.what
    is_work = about & (Is.THING | Is.PLANNED | Is.INSTITUTION)
    return bool(about & (SOMEBODY | Is.FEELS | Is.EVENT | Is.ELDER)) and not is_work


def _is_then(tokens: Sequence[Token], position: int, *, is_near: bool = False) -> bool:
    """ "La captaron a los 12": a number alone behind such words, where something is said of somebody.

    What is near an age, as in "going on 15", needs nobody.
    """
    first, last = sentence_of(tokens, position) if position < len(tokens) else (0, 0)
    if is_near and is_of_office(tokens, first, position):
        return False
    if is_near and position < len(tokens) and number_at(tokens, position) is None and tokens[position].what & Is.LINK:
        position += 1
    found = number_from(tokens, position)
    if found is None or not 0 < found[0] < (_MOST_NEAR if is_near else OLDEST):
        return False
    ahead = guess_from(tokens, found)[1]
    if ahead < len(tokens) and tokens[ahead].what & Is.YEARS:
        ahead += 1
    behind = tokens[ahead] if ahead < len(tokens) else None
    about = 0
    for token in tokens[first:last]:
        about |= token.what
    if about & Is.THING and not (is_near and about & SOMEBODY):
        return False
    if behind is not None and behind.what & Is.NOT:  # "a sus treinta y tres nunca"
        return True
    if is_near and behind is not None and behind.what & SOMEBODY:  # "sweet sixteen girl"
        return True
    return is_uncounted(tokens, ahead) and (is_near or bool(about & (SOMEBODY | Is.EVENT | Is.FEELS)))


def _is_had(tokens: Sequence[Token], position: int, whose: int, *, strict: bool) -> bool:
    """ "tiene quince", "she is 14", "cumple 16 en marzo", "dice tener 19 pero": a number that counts nothing."""
    if tokens[position].what & Is.BETWEEN and number_at(tokens, position - 1) is not None:  # "de 8 a 12"
        return False
    ahead = position + 1
    if number_at(tokens, ahead) == 1 and tokens[ahead].is_word and number_at(tokens, ahead + 1) is not None:
        ahead += 1  # "li gen yon 15 konsa"
    skipped = Is.LINK | Is.HAS | Is.TURNS | Is.ABOUT
    while ahead < len(tokens) and _is_skipped(tokens, ahead, skipped):
        ahead += 1
    found = number_from(tokens, ahead)
    if found is None or not 0 < found[0] < OLDEST or (found[0] < 2 and tokens[ahead].is_word):
        return False
    if tokens[ahead].what & Is.LINK:  # "fè de": two in Creole, "of" elsewhere
        return False
    found = guess_from(tokens, found)
    behind = tokens[found[1]] if found[1] < len(tokens) else None
    is_turning = any(tokens[each].what & Is.TURNS for each in range(position, ahead))
    if is_turning and tokens[ahead - 1].what & Is.BETWEEN:  # "meta cumplida al 100"
        return False
    is_of = behind is not None and behind.folded in ("de", "del", "of")
    is_aside = behind is not None and behind.folded in known_words("personal.aside")
    if not (
        is_uncounted(tokens, found[1]) or is_aside or (behind and behind.what & Is.LINK and is_turning and not is_of)
    ):
        return False
    first, _ = sentence_of(tokens, position)
    if is_of_office(tokens, first, position):
        return False
    first = next((at for at in range(position, first, -1) if tokens[at].text == "("), first)  # "centre (she is 22)"
    said = [token for token in tokens[max(first, position - 6) : position] if token.is_word]
    if any(token.what & Is.THING and not token.what & (Is.MONTHS | Is.YEARS) for token in said):
        return False
    if strict and position and tokens[position - 1].folded in known_words("personal.pronoun"):  # "I was nine when"
        return True
    if any(token.what & (whose | (Is.ELDER | Is.FEELS if strict else 0)) for token in said):
        return True
    if is_aside and not (is_turning or tokens[position].folded in known_words("personal.had")):  # "ya van 15 gracias"
        return False
    clause = next((at for at in range(len(said), 0, -1) if said[at - 1].what & Is.JOINS), 0)
    return strict and (is_turning or all(map(_is_small, said[clause:])))


def _is_small(token: Token) -> bool:
    return bool(token.what & (Is.LINK | Is.NOT | Is.ABOUT)) or token.folded in known_words("personal.auxiliary")


def _is_skipped(tokens: Sequence[Token], at: int, skipped: int) -> bool:
    """Say whether it may stand between a verb and an age; "entre" does before a guess: "entre 14 y 15"."""
    if number_at(tokens, at) is not None:
        return False
    if tokens[at - 1].what & Is.TURNS and tokens[at].folded in known_words("personal.when"):  # "cumplió ayer 17"
        return True
    return bool(tokens[at].what & skipped) or (bool(tokens[at].what & Is.LIMIT) and _is_guess(tokens, at))
