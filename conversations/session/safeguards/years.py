"""Ages by their unit: "quince años", "fifteen years old", "sèt an". A duration, a limit and a sentence are none.

The nearest word before the number that says what it counts decides: the words are walked back one by one.
"""

from collections.abc import Callable, Sequence
from functools import cache

from conversations.session.reading.vocabulary import known_words, known_words_in
from conversations.session.safeguards.beside_ages import ADULT
from conversations.session.safeguards.counted import (
    GUESSED,
    OF,
    comma_before,
    is_guess,
    is_in_place,
    is_said_of_somebody,
    next_word,
    without_inserted,
    word_behind,
)
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import (
    NO_WORD,
    OLDEST,
    SOMEBODY,
    Is,
    Token,
    languages_of,
    number_at,
    number_before,
    word_at,
)

_LOOKED_BACK = 9
"""Words before a number among which its subject is looked for."""
_SINCE = 8
"""Tokens between a birth and the years since."""
_LED_BY = {"a": "es", "to": "en", "à": "fr"}
"""What stands between a judgment and its years, and in which language."""
_OPENS, _CLOSES = frozenset(",("), frozenset((",", ".", ")", ""))
"""What stands before and behind an age that is inserted; the end of a text closes it too."""


class Count:
    """A number of years or months: what stands around it, and what was met on the way back to whose they are."""

    def __init__(self, tokens: Sequence[Token], unit: int, value: int, start: int, whose: int, *, strict: bool) -> None:
        self.tokens, self.unit, self.value, self.start = tokens, unit, value, start
        self.whose, self.strict = whose, strict
        self.is_months = not tokens[unit].what & Is.YEARS
        self.behind = word_behind(tokens, unit)
        self.next = next_word(tokens, unit, 2)
        self.is_old = bool((tokens[unit].what | self.behind.what) & Is.OLD) or _is_told_behind(tokens, unit)
        self.first, _ = sentence_of(tokens, start)
        self.position, self.least = start - 1, max(self.first, start - _LOOKED_BACK)
        self.others = 0
        self.is_tied = self.is_had = self.is_aside = False

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def belongs(self) -> bool:
        """Say whether a word before the number says whose age it is."""
        while self.position >= self.least:
            token = self.token
            met = WORDS_BEFORE.verdict(self, token.what)
            if isinstance(met, bool):
                return met
            is_aside = token.what & Is.DURATION and not token.what & (Is.HAS | Is.TURNS)
            self.is_aside = self.is_aside or (self.is_had and bool(is_aside or token.what & Is.THING))
            if met:
                met(self)
            self.position -= 1
        return NOBODY_BEFORE.verdict(self, ANY) or False


def is_counted(tokens: Sequence[Token], unit: int, whose: int, *, strict: bool) -> bool:
    """Say whether a unit of time and the number before it are the age of one person."""
    if strict and _is_born_since(tokens, unit):
        return True
    found = number_before(tokens, unit, languages_of(tokens[unit], tokens[unit].what & Is.YEARS or Is.MONTHS))
    if found is None:
        return strict and _is_first_year(tokens, unit)
    value, start = found
    if start > 1 and tokens[start - 1].text in ".," and tokens[start - 2].is_number:
        start -= 2 * (tokens[start - 1].to == tokens[start].at)  # "vèsyon 2.1 an"
    count = Count(tokens, unit, value, start, whose, strict=strict)
    is_age = COUNTS.verdict(count, ANY)
    return count.belongs() if is_age is None else is_age


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


def _is_first_year(tokens: Sequence[Token], unit: int) -> bool:
    """ "Tiene año y medio"."""
    before, behind = tokens[unit - 1] if unit else None, next_word(tokens, unit, 1)
    if before is None or not behind.what & Is.JOINS:
        return False
    is_of = unit > 1 and before.what & Is.LINK and tokens[unit - 2].what & (SOMEBODY | Is.TITLE)
    return bool(before.what & (Is.HAS | Is.TURNS) or is_of)


def _is_punished(tokens: Sequence[Token], unit: int) -> bool:
    """ "15 años de prisión", "15 an prizon"."""
    if next_word(tokens, unit, 1).folded == "a":  # "quatre ans à peine"
        return False
    return any(next_word(tokens, unit, number).what & Is.PENALTY for number in (1, 2))


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


def _is_band(tokens: Sequence[Token], start: int, unit: int) -> bool:
    """ "12-17 an 5, granmoun 3": a range of ages and how many have one."""
    is_range = start > 1 and tokens[start - 1].text == "-" and tokens[start - 2].is_number
    return bool(is_range) and unit + 1 < len(tokens) and tokens[unit + 1].is_number


def _is_told_behind(tokens: Sequence[Token], unit: int) -> bool:
    """ "14 años de edad", "quince años recién cumplidos"."""
    one, other = next_word(tokens, unit, 1), next_word(tokens, unit, 2)
    if one.what & Is.HAS and (other.what | next_word(tokens, unit, 3).what) & SOMEBODY:  # "15 años tiene la muchacha"
        return True
    third = next_word(tokens, unit, 3)
    if one.what & other.what & Is.LINK and third.what & Is.VICTIM:  # "15 años de la sobreviviente"
        return True
    return bool(one.what & Is.TURNS or (one.what & (Is.LINK | Is.HAS) and other.what & (Is.AGE | Is.OLD | Is.TURNS)))


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


def _is_turned(c: Count) -> bool:
    """ "Cumplió quince años en el albergue"; not "El reglamento cumple 10 años", "La ONU cumple 70 años en mayo"."""
    said = without_inserted(c.tokens, c.first, c.position)
    if any(each.what & (Is.THING | Is.INSTITUTION | Is.COMMON) or each.is_upper or each.is_known for each in said):
        return False
    return c.behind.folded not in OF or bool(c.next.what & (Is.AGE | Is.OLD | Is.MONTH))


def _is_born_behind(tokens: Sequence[Token], unit: int) -> bool:
    """ "Quince años tenía cuando llegó", "15 ans à peine"."""
    one, other = next_word(tokens, unit, 1), next_word(tokens, unit, 2)
    if one.folded in known_words("personal.had"):
        return not any(token.what & Is.THING for token in (other, next_word(tokens, unit, 3)))
    alone = tokens[unit + 1 : unit + 4]
    return bool(alone) and len(alone) < 3 and all(token.what & (Is.HAS | Is.LINK) for token in alone if token.is_word)


def _is_of_something(c: Count) -> bool:
    """Say whether "de" and another word than "edad" follow: "4 años de ejecución"."""
    if c.next.what & (Is.MONTH | Is.AGE):  # "elle aura 18 ans en mai"
        return False
    return c.behind.folded in (*OF, "para") or bool(c.behind.what & Is.DURATION)


def _is_old_of(c: Count) -> bool:
    """Say whether who is so old follows: "a 14 year old girl", "a 23yo waitress"."""
    who = next_word(c.tokens, c.unit, 1) if c.tokens[c.unit].what & Is.OLD else c.next
    return c.is_old and bool(who.what & c.whose) and not who.what & Is.LINK


def _is_inserted(c: Count) -> int:
    return c.is_had and c.token.text == "," and comma_before(c.tokens, c.first, c.position)


def _is_between_numbers(c: Count) -> bool:
    return number_at(c.tokens, c.position - 1) is not None


def _is_far_apart(c: Count) -> bool:
    other = number_at(c.tokens, c.position - 1)
    return other is not None and not 0 < c.value - other <= GUESSED


def _is_limit(c: Count) -> bool:
    return not _is_of_one(c.tokens, c.position, c.value) and not is_guess(c.tokens, c.position)


def _is_whose(c: Count) -> bool:
    is_near = c.is_old or c.is_had or c.others <= 1 or c.is_tied
    return bool(c.token.what & c.whose) and is_near and (not c.is_months or c.others == 0 or c.is_old)


def _before(c: Count) -> Token:
    """The word before the number in its sentence, but for "de" behind a comma: "el administrador, de 44 años,"."""
    before = c.tokens[c.start - 1] if c.start > c.first else NO_WORD
    if before.folded == "de" and c.start - 1 > c.first and c.tokens[c.start - 2].text == ",":
        return c.tokens[c.start - 2]
    return before


def _pass_clause(c: Count) -> None:
    c.position = comma_before(c.tokens, c.first, c.position)
    c.least = max(c.first, c.position - _LOOKED_BACK)


def _pass_number(c: Count) -> None:
    c.position -= 1


def _note_had(c: Count) -> None:
    c.is_had = True


def _note_other(c: Count) -> None:
    c.others += 1


def _note_tie(c: Count) -> None:
    c.is_tied = True


AGE, NO_AGE = True, False
# fmt: off
COUNTS: Table[Count, bool] = Table(
    Rule("older than anybody", NO_AGE, ANY, lambda c: c.value > OLDEST,
         "la víctima tiene 150 años"),
    Rule("an old thing", NO_AGE, ANY, lambda c: c.is_old and c.behind is not NO_WORD and c.next.what & Is.THING,
         "The girl entered a 10 year old building"),
    Rule("somebody so old", AGE, ANY, _is_old_of,
         "complaint came from a 23yo waitress in Bavaro"),
    Rule("what a court gave", NO_AGE, ANY, lambda c: _is_sentence(c.tokens, c.start),
         "Condenado el dueño del bar La Roca a diez años."),
    Rule("years of a thing", NO_AGE, ANY, lambda c: c.behind.what & Is.THING,
         "A five-year strategy was approved"),
    Rule("years of prison", NO_AGE, ANY, lambda c: c.behind is not NO_WORD and _is_punished(c.tokens, c.unit),
         "Tribinal la kondane de trafikan a 15 an prizon."),
    Rule("years of work", NO_AGE, ANY, lambda c: _is_of_work(c.tokens, c.unit),
         "La señora tiene 20 años de servicio"),
    Rule("years since", NO_AGE, ANY, lambda c: _is_since(c.tokens, c.start),
         "Victime rescapée il y a 15 ans"),
    Rule("so many or more", NO_AGE, ANY, lambda c: _is_or_more(c.tokens, c.unit),
         "Fanm ki gen 18 an oswa plis te reponn sondaj la"),
    Rule("a range and how many", NO_AGE, ANY, lambda c: _is_band(c.tokens, c.start, c.unit),
         "Tifi 12-13 an 5"),
    Rule("years and months", AGE, ANY, lambda c: c.strict and not c.is_months and _has_months_too(c.tokens, c.unit),
         "Examen médico: 15 años y 4 meses"),
)
WORDS_BEFORE: Table[Count, bool | Callable[[Count], None]] = Table(
    Rule("an inserted clause", _pass_clause, ANY, _is_inserted,
         "El niño, que la fiscal llevó al centro de salud, tiene ocho años"),
    Rule("the eldest has it", AGE, Is.ELDER, lambda c: c.is_had and c.strict and not c.token.what & Is.LIMIT,
         "la mas chiquita tenia 9 años"),
    Rule("a limit", NO_AGE, Is.LIMIT, _is_limit,
         "La medida aplica a mayores de 18 años."),
    Rule("a duration", NO_AGE, Is.DURATION, lambda c: not c.is_had and not c.token.what & (Is.HAS | Is.TURNS),
         "Nan dènye 10 an yo, plent yo double."),
    Rule("a range", NO_AGE, Is.BETWEEN, _is_far_apart,
         "Jèn ki gen 15 a 24 an patisipe"),
    Rule("a guess", _pass_number, Is.BETWEEN | Is.JOINS, _is_between_numbers,
         "nena como de 6 o 7 años pidiendo en el semaforo"),
    Rule("a thing", NO_AGE, Is.THING, lambda c: not (c.is_had and is_in_place(c.tokens, c.position)),
         "The court gave the recruiter a sentence of ten years."),
    Rule("somebody near", AGE, SOMEBODY | Is.TITLE, _is_whose,
         "yon fanm 34 an"),
    Rule("somebody else", NO_AGE, SOMEBODY, lambda c: c.is_had and not c.token.what & (c.whose | Is.LINK),
         "la víctima declaró y el acusado tiene 45 años"),
    Rule("turned", AGE, Is.TURNS, lambda c: c.others <= 1 and c.strict and not c.is_months and _is_turned(c),
         "elle aura 18 ans en juin"),
    Rule("turned by a thing", NO_AGE, Is.TURNS, lambda c: c.others <= 1,
         "el mas pequeño d los hermanos cumplio 5 añitos en el hogar"),
    Rule("had", _note_had, Is.HAS, lambda c: c.others <= 1,
         "tiene siete años"),
    Rule("said to be", _note_had, Is.SAYS,
         lambda c: c.others <= 1 and is_said_of_somebody(c.tokens, c.first, c.position),
         "el pasaporte dice 15 años"),
    Rule("another word", _note_other, ANY, lambda c: c.token.is_word and not c.token.what & Is.LINK,
         "la niña cree que el muro mide tres años"),
    Rule("a tie", _note_tie, ANY,
         lambda c: c.position == c.start - 1 and (c.token.text in ",(" or c.token.folded in ("de", "of")),
         "El informe describe a la madre como una persona de treinta y cuatro años"),
)
NOBODY_BEFORE: Table[Count, bool] = Table(
    Rule("old", AGE, ANY, lambda c: c.is_old and (c.strict or c.next.what & c.whose),
         "16 y/o in the shelter"),
    Rule("an ordinary text", NO_AGE, ANY, lambda c: c.is_old or not c.strict,
         "This is a 63 yr old gentleman who had not been paid since 2019"),
    Rule("months", NO_AGE, ANY, lambda c: c.is_months,
         "lapli kraze wout la, lekòl la fèmen 1 semèn"),
    Rule("nobody has it", NO_AGE, ANY, lambda c: c.is_had and (c.is_aside or _is_of_something(c)),
         "tiene 4 años de ejecución"),
    Rule("it is had", AGE, ANY, lambda c: c.is_had,
         "tiene diecisiete años y está embarazada"),
    Rule("first, and had behind", AGE, ANY, lambda c: c.start == c.first and _is_born_behind(c.tokens, c.unit),
         "15 ans à peine"),
    Rule("between commas", AGE, ANY,
         lambda c: _before(c).text in _OPENS and word_at(c.tokens, c.unit + 1).text in _CLOSES,
         "Llegó anoche, 14 años, con fiebre."),
    Rule("first, before a comma", AGE, ANY, lambda c: c.start == 0 and word_at(c.tokens, c.unit + 1).text == ",",
         "20 años, soltera, sin documentos"),
)
# fmt: on
