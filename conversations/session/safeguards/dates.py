"""The day of a birth, or of what happened to somebody, as distinct from a day that is planned or put on paper."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from conversations.languages import LANGUAGES, says_yes
from conversations.session.reading.vocabulary import MONTHS, WEEKDAYS, any_phrase, known_words, numbered, pattern
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import SIDE, sentence_of
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, meanings, position_of, token_from, word_at

_BEFORE = 200
"""Characters before a day in which what it is of is looked for."""
_FILE = re.compile(r"\.(?:jpe?g|png|heic|webp|pdf|docx?|xlsx?|pptx?|csv|txt|mp4|ogg|od[st]|zip)$")
"""The end of a name of a file: phones and scanners write the day on which it was made before it."""
_SHORT_YEAR = re.compile(r"[6-9][0-9]")
""" "Clase 98"."""
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_OF_FIGURES = frozenset("%/-:")
_BORN_WHEN = r"\b<personal.was_born>\b(?:\W{1,2}\w+){0,3}?\W{1,2}<personal.born_when>\b"


class Dated(NamedTuple):
    """A text that may tell a day."""

    folded: str
    tokens: Sequence[Token]
    strict: bool


class Day:
    """A day in a text, and what its sentence and the words before it say."""

    def __init__(self, dated: Dated, start: int) -> None:
        self.folded, self.tokens, self.strict = dated
        self.at = position_of(self.tokens, start)
        self.before = self.folded[max(0, start - _BEFORE) : start]
        self.about = _about(self.tokens, self.at)


def personal_date(folded: str, tokens: Sequence[Token], about: int, *, strict: bool) -> bool:
    """Say whether a text tells such a day. Without `strict`, only a birth, or what happened to a victim so called.

    `about` are the meanings of all its words together.
    """
    dated = Dated(folded, tokens, strict)
    if strict and WITHOUT_NUMBER.verdict(dated, about):
        return True
    if not any(token.is_number or token.what & Is.MONTH for token in tokens):
        return False
    if WITH_NUMBER.verdict(dated, about):
        return True
    days = _day().finditer(folded) if _may_be_day().search(folded) else ()
    if any(DAYS.verdict(Day(dated, found.start()), ANY) for found in days):
        return True
    return strict and _is_day_of_event(dated)


def _is_day_of_event(c: Dated) -> bool:
    """ "El martes 9 la golpearon": words that are a day only beside something that happened to somebody."""
    days = {found.start() for found in _short_day().finditer(c.folded)}
    return bool(days) and any(
        token.at in days and _is_of_event(c.folded, c.tokens, at) for at, token in enumerate(c.tokens)
    )


def _is_feast(c: Dated) -> bool:
    return any(_is_feast_of(c.tokens, found.start()) for found in pattern(r"\b<personal.feasts>\b").finditer(c.folded))


def _is_year_of_birth(c: Dated) -> bool:
    return any(
        token.what & Is.BIRTH and not _is_held(c.tokens, at) and _has_year_or_month(c.tokens, at)
        for at, token in enumerate(c.tokens)
    )


def _is_of_class(c: Dated) -> bool:
    return any(token.what & Is.COHORT and _is_of_year(c.tokens, at) for at, token in enumerate(c.tokens))


def _has_cut_year(c: Dated) -> bool:
    return any(_is_cut_year(c.tokens, at) for at, token in enumerate(c.tokens) if token.text == "'")


def _is_from_year(c: Dated) -> bool:
    if "19" not in c.folded and "20" not in c.folded:
        return False
    return any(_is_born(c.tokens, found.end()) for found in pattern(r"\b<personal.born_in>\b").finditer(c.folded))


def _is_birth(c: Day) -> bool:
    is_told = c.strict and c.about & Is.BIRTH and not c.about & Is.MARKER
    return bool(is_told or pattern(r"\b<personal.birth_signs>\W{0,3}$").search(c.before))


def _is_event(c: Day) -> bool:
    may_be = c.strict or c.about & Is.VICTIM
    return bool(may_be) and (bool(c.about & Is.EVENT) or _happens(c.folded, c.tokens, c.at))


def _is_of_event(folded: str, tokens: Sequence[Token], day: int) -> bool:
    """Say whether something happened to somebody in the sentence of a day, and nothing is counted there."""
    first, last = sentence_of(tokens, day)
    if any(_counts_several(tokens, at) for at in range(first, last - 1)):
        return False
    return bool(_about(tokens, day) & Is.EVENT) or _happens(folded, tokens, day)


def _happens(folded: str, tokens: Sequence[Token], day: int) -> bool:
    """ "Dio a luz el 5 de agosto": what happens to one person, in the sentence of the day."""
    first, last = sentence_of(tokens, day)
    return pattern(r"\b<personal.happened>\b").search(folded, tokens[first].at, tokens[last - 1].to) is not None


def _is_feast_of(tokens: Sequence[Token], start: int) -> bool:
    """ "The accused assaulted her on Easter Sunday": the day has a name instead of a number."""
    about = _about(tokens, position_of(tokens, start))
    return bool(about & (Is.EVENT | Is.FEELS) and about & SOMEBODY)


def _is_born_when(folded: str, tokens: Sequence[Token]) -> bool:
    """ "Nació el año del ciclón", "born right after the strike": a birth by what was then, of somebody."""
    for found in pattern(_BORN_WHEN).finditer(folded):
        at = position_of(tokens, found.start())
        first, last = sentence_of(tokens, at)
        said, about = meanings(tokens[first:at]), meanings(tokens[first:last])
        is_marked = at > first and tokens[at - 1].what & Is.MARKER
        if said & SOMEBODY or not (said & _OF_WORK or (is_marked and not about & SOMEBODY)):
            return True
    return False


_WORKS = Is.THING | Is.PLANNED | Is.INSTITUTION | Is.COMMON
"""What a sentence about work says before a year. Words of two letters mean too much in four languages."""
_OF_WORK = Is.THING | Is.PLANNED | Is.INSTITUTION


def _is_birthday_on(folded: str, tokens: Sequence[Token]) -> bool:
    """ "Cumple el día de la Altagracia", "cumple en mayo"; not "el plazo se cumple el 5 de mayo"."""
    for found in pattern(r"\b<personal.birthday_on>\b").finditer(folded):
        at = position_of(tokens, found.start())
        first, _ = sentence_of(tokens, at)
        begin = token_from(tokens, found.end())
        behind = next((token for token in tokens[begin : begin + SIDE] if not token.what & Is.LINK), None)
        is_day = behind is not None and bool(
            behind.is_number or behind.what & Is.MONTH or found[0].endswith((" de", " dia"))
        )
        said = tokens[first:at]
        is_work = any(
            (token.what & (_WORKS | Is.DURATION) and len(token.text) > 2) or token.folded == "se" for token in said
        )
        if is_day and (not is_work or any(token.what & SOMEBODY for token in said)):
            return True
    return False


def _about(tokens: Sequence[Token], at: int) -> int:
    """Return the meanings of all words of the sentence that holds this position, as one mask."""
    first, last = sentence_of(tokens, at)
    return meanings(tokens[first:last])


def _may_be_of_somebody(tokens: Sequence[Token], day: int, about: int) -> bool:
    """Say whether a sentence with these words, and a day, may tell what happened to somebody: it is not of work."""
    if about & (Is.PLANNED | Is.THING):
        return False
    first, last = sentence_of(tokens, day)
    if any(token.what & Is.LIMIT for token in tokens[max(first, day - _NEAR_DAY) : min(last, day + _NEAR_DAY)]):
        return False
    if not about & SOMEBODY and any(_counts_several(tokens, at) for at in range(first, last - 1)):
        return False
    said = meanings(
        token  # "August" is a name too
        for token in tokens[first:last]
        if not (token.is_number or token.what & Is.MONTH or token.folded in _weekdays())
    )
    if not said & ~(Is.LINK | Is.SAID | Is.NUMBER):  # "jueves, 4 de octubre"
        return not any(token.folded in _weekdays() for token in tokens[first:last])
    return bool(said & _OF_SOMEBODY) or (last - first <= _SHORT and not said & (Is.COMMON | Is.INSTITUTION))


@cache
def _weekdays() -> frozenset[str]:
    return frozenset(word for language in LANGUAGES for word in numbered(language, WEEKDAYS))


_SHORT = 8
"""Tokens of a note that may leave out whose day it is."""
_NEAR_DAY = 6
"""Tokens around a day among which a word such as "before" makes a limit of it."""


def _counts_several(tokens: Sequence[Token], at: int) -> bool:
    """ "40 kits", "15 personas": what is counted is work."""
    behind = tokens[at + 1]
    is_plural = behind.is_word and behind.text.islower() and behind.text.endswith("s") and len(behind.text) > 3
    return tokens[at].is_number and tokens[at].text != "1" and is_plural and not behind.what & (Is.YEARS | Is.MONTHS)


_OF_SOMEBODY = SOMEBODY | Is.FEELS | Is.HOME | Is.ELDER | NAME


def _ends_stretch(tokens: Sequence[Token], at: int) -> bool:
    """ "Del 2 al 5 de julio": days in a row are of work. What happens to somebody has one day."""
    return at > 1 and bool(tokens[at - 1].what & Is.BETWEEN) and tokens[at - 2].is_number


def _is_held(tokens: Sequence[Token], position: int) -> bool:
    """ "Reyinyon an ap fèt 15 novanm": in Creole, an event is "born" too. The subject of the verb decides."""
    first, _ = sentence_of(tokens, position)
    before = tokens[first:position]
    what = meanings(before)
    is_named = bool(before) and bool(before[-1].what & Is.MARKER)
    if is_named and not before[-1].what & Is.HAS:  # "ap fèt", "pral fèt": what is still to be is held
        return not what & SOMEBODY
    works = Is.PLANNED | Is.THING if is_named else Is.THING
    return bool(what & works) and not what & (Is.VICTIM if is_named else SOMEBODY)


def _is_of_year(tokens: Sequence[Token], position: int) -> bool:
    """ "Clase de 2007": the year follows at once."""
    ahead = position + 1
    while ahead < len(tokens) and (tokens[ahead].what & Is.LINK or tokens[ahead].text in ".:"):
        ahead += 1
    year = word_at(tokens, ahead).text
    return bool(_YEAR.fullmatch(year) or (ahead == position + 1 and _SHORT_YEAR.fullmatch(year)))


def _has_year_or_month(tokens: Sequence[Token], position: int) -> bool:
    first, last = sentence_of(tokens, position)
    if any(_is_short_year(tokens, at) for at in range(position + 1, min(last, position + 5))):
        return True
    return any(token.what & Is.MONTH or _YEAR.fullmatch(token.text) for token in tokens[first:last]) or any(
        token.is_number and len(token.text) == 4 for token in tokens[position : position + SIDE]
    )


def _is_born(tokens: Sequence[Token], end: int) -> bool:
    """ "La joven es de 1999", "es del 2005": a year and nothing behind, and no work in the sentence."""
    at = token_from(tokens, end)
    if at >= len(tokens) or not _YEAR.fullmatch(tokens[at].text):
        return False
    behind = word_at(tokens, at + 1)
    is_alone = not behind.is_word or bool(behind.what & (Is.JOINS | Is.APART))
    first, _ = sentence_of(tokens, at)
    is_work = any(token.what & _WORKS and len(token.text) > 2 for token in tokens[first:at])
    return is_alone and not is_work


def _is_cut_year(tokens: Sequence[Token], at: int) -> bool:
    """ "Fem, '07"."""
    year = word_at(tokens, at + 1)
    is_year = year.is_number and len(year.text) == len("07") and year.at == tokens[at].to
    return is_year and bool(_about(tokens, at) & (SOMEBODY | Is.BIRTH))


def _is_short_year(tokens: Sequence[Token], at: int) -> bool:
    """ "Nació en el 99", "born '05"."""
    if not tokens[at].is_number or len(tokens[at].text) != len("99"):
        return False
    behind = word_at(tokens, at + 1)
    return (not behind.is_word and behind.text not in _OF_FIGURES) or bool(behind.what & Is.JOINS)


@cache
def _short_day() -> re.Pattern[str]:
    """Words that are a day only beside something that happened to somebody: "4/9", "20 out", "el martes 9"."""
    other_words, weekdays = "|".join(sorted(known_words("personal.not_dates"))), "|".join(sorted(_weekdays()))
    links = any_phrase("personal.link")
    return re.compile(
        rf"\b[0-9]{{1,2}}(?:/[0-9]{{1,2}}| (?:{other_words}))\b"
        rf"|\b(?:{weekdays})\.?,? (?:{links} )?(?:[12]?[0-9]|3[01])(?:st|nd|rd|th)?\b(?![:.,/]?[0-9hap])"
    )


@cache
def _months() -> tuple[str, str, tuple[str, ...]]:
    """The words of months: those that are nothing else, those that mean something else too, and those that stand
    first where people write so.
    """
    spelled = {w for language in LANGUAGES for w in numbered(language, MONTHS)}
    other_words = known_words("personal.not_dates") & spelled  # "12 mas" is a day in Creole, and twelve more in Spanish
    first = (
        month
        for language in LANGUAGES
        if says_yes(language, "reading.month_first")
        for month in numbered(language, MONTHS)
        if len(month) > 3 or month == "may"
    )
    months = "|".join(sorted(spelled - other_words, key=len, reverse=True))
    return months, "|".join(sorted(other_words)), tuple(first)


@cache
def _behind_day() -> str:
    """A regular expression for what stands between the figures of a day and its month, and for the month."""
    ordinals, links = any_phrase("reading.ordinals"), any_phrase("personal.date_links")
    return rf"(?:st|nd|rd|th|{ordinals})?[^\w,;:]*(?:{links} )?(?:{_months()[0]})\b"


@cache
def _may_be_day() -> re.Pattern[str]:
    """A figure with something that each day has beside one of its own.

    It begins with a figure, so texts are passed over quickly: `_day` has to be tried at each word.
    """
    _, other_words, first = _months()
    ends = "|".join(sorted({month[-2:] for month in first}))
    return re.compile(rf"[0-9](?:[-./][0-9]|{_behind_day()}| (?:{other_words}) |(?<=(?:{ends}) [0-9]))")


@cache
def _day() -> re.Pattern[str]:
    """A day and its month, in figures or in words. Month first only where people write so."""
    _, other_words, first = _months()
    day, month = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
    either = f"(?:{day}{{0}}{month}|{month}{{0}}{day}){{0}}"
    return re.compile(
        rf"(?<![-./0-9])(?:{either.format('/')}[0-9]{{2,4}}|{either.format('[-.]')}(?:[0-9]{{4}}|[0-9]{{2}}))(?![-./]?[0-9])"
        r"|\b[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}\b"
        rf"|\b{day}{_behind_day()}"
        rf"|\b{day} (?:{other_words}) (?:19|20)[0-9]{{2}}\b"
        rf"|\b(?:{'|'.join(first)}) {day}(?:st|nd|rd|th)?\b"
    )


IS_DATE, PASSES = True, False
# fmt: off
WITHOUT_NUMBER: Table[Dated, bool] = Table(
    Rule("born when something was", IS_DATE, Is.BIRTH, lambda c: _is_born_when(c.folded, c.tokens),
         "nació el mismo año del huracán Georges, según su mamá"),
    Rule("a birthday on a feast", IS_DATE, Is.BIRTH | Is.TURNS, lambda c: _is_birthday_on(c.folded, c.tokens),
         "cumple el día de la Altagracia"),
    Rule("a feast on which it happened", IS_DATE, SOMEBODY, _is_feast,
         "the girl was beaten on Tabaski day"),
)
WITH_NUMBER: Table[Dated, bool] = Table(
    Rule("the year or the month of a birth", IS_DATE, Is.BIRTH, _is_year_of_birth,
         "li fèt an 2010"),
    Rule("of the class of a year", IS_DATE, Is.COHORT, lambda c: c.strict and _is_of_class(c),
         "b. 1994, Colombian, wants to go home"),
    Rule("a year cut short", IS_DATE, ANY, lambda c: c.strict and "'" in c.folded and _has_cut_year(c),
         "ingreso: fem, '07, hait."),
    Rule("from a year", IS_DATE, ANY, lambda c: c.strict and _is_from_year(c),
         "me dijo que es del 2004, pero parece menor"),
)
DAYS: Table[Day, bool] = Table(
    Rule("due", PASSES, ANY, lambda c: pattern(r"\b<personal.due> $").search(c.before),
         "la víctima declara para el 15 de noviembre"),
    Rule("of a birth", IS_DATE, ANY, _is_birth,
         "ddn 21/09/2010"),
    Rule("the end of a stretch", PASSES, ANY, lambda c: _ends_stretch(c.tokens, c.at),
         "rescatadas del 5 al 7 de julio"),
    Rule("something happened", IS_DATE, ANY, _is_event,
         "rescued on July 19 from a bar"),
    Rule("ordinary rules", PASSES, ANY, lambda c: not c.strict,
         "May 3rd"),
    Rule("in the name of a file", PASSES, ANY, lambda c: _FILE.search(c.folded),
         "IMG 12-05-2018.jpg"),
    Rule("somebody's", IS_DATE, ANY, lambda c: _may_be_of_somebody(c.tokens, c.at, c.about),
         "se el 7-9-2003"),
)
# fmt: on
