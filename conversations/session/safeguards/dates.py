"""The day of a birth, or of what happened to somebody, as distinct from a day that is planned or put on paper."""

import re
from collections.abc import Sequence
from functools import cache

from conversations.languages import LANGUAGES, says_yes
from conversations.session.reading.vocabulary import MONTHS, WEEKDAYS, any_phrase, known_words, numbered
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token

_FILE = re.compile(r"\.(?:jpe?g|png|heic|webp|pdf|docx?|xlsx?|pptx?|csv|txt|mp4|ogg|od[st]|zip)$")
"""The end of a name of a file: phones and scanners write the day on which it was made before it."""
_SHORT_YEAR = re.compile(r"[6-9][0-9]")
""" "Clase 98"."""
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def personal_date(folded: str, tokens: Sequence[Token], about: int, *, strict: bool) -> bool:
    """Say whether a text tells such a day. Without `strict`, only a birth, or what happened to a victim so called.

    `about` are the meanings of all its words together.
    """
    if strict and about & Is.BIRTH and _is_born_when(folded, tokens):
        return True
    if strict and about & (Is.BIRTH | Is.TURNS) and _is_birthday_on(folded, tokens):
        return True
    if strict and about & SOMEBODY and any(_is_feast_of(tokens, found.start()) for found in _feast().finditer(folded)):
        return True
    if not any(token.is_number or token.what & Is.MONTH for token in tokens):
        return False
    for at, token in enumerate(tokens) if about & (Is.BIRTH | Is.COHORT) else ():
        if token.what & Is.BIRTH and not _is_held(tokens, at) and _has_year_or_month(tokens, at):
            return True
        if strict and token.what & Is.COHORT and _is_of_year(tokens, at):
            return True
    if (
        strict
        and "'" in folded
        and any(_is_cut_year(tokens, at) for at, token in enumerate(tokens) if token.text == "'")
    ):
        return True
    may_be_year = "19" in folded or "20" in folded
    if strict and may_be_year and any(_is_born(tokens, found.end()) for found in _born_in().finditer(folded)):
        return True
    is_file = _FILE.search(folded) is not None
    for found in _day().finditer(folded) if _may_be_day().search(folded) else ():
        day = next((n for n, token in enumerate(tokens) if token.to > found.start()), None)
        if day is None:
            continue
        about = _about(tokens, day)
        if _due().search(folded[: found.start()]):
            continue
        is_birth = (strict and about & Is.BIRTH and not about & Is.MARKER) or _birth().search(folded[: found.start()])
        if is_birth:
            return True
        if _ends_stretch(tokens, day):
            continue
        if (about & Is.EVENT or _happens(folded, tokens, day)) and (strict or about & Is.VICTIM):
            return True
        if strict and not is_file and _may_be_of_somebody(tokens, day, about):
            return True
    if not strict:
        return False
    days = {found.start() for found in _short_day().finditer(folded)}
    return bool(days) and any(token.at in days and _is_of_event(folded, tokens, at) for at, token in enumerate(tokens))


def _is_of_event(folded: str, tokens: Sequence[Token], day: int) -> bool:
    """Say whether something happened to somebody in the sentence of a day, and nothing is counted there."""
    first, last = sentence_of(tokens, day)
    if any(_counts_several(tokens, at) for at in range(first, last - 1)):
        return False
    return bool(_about(tokens, day) & Is.EVENT) or _happens(folded, tokens, day)


def _happens(folded: str, tokens: Sequence[Token], day: int) -> bool:
    """ "Dio a luz el 5 de agosto": what happens to one person, in the sentence of the day."""
    first, last = sentence_of(tokens, day)
    return _happened().search(folded, tokens[first].at, tokens[last - 1].to) is not None


@cache
def _happened() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.happened')}\b")


def _is_feast_of(tokens: Sequence[Token], start: int) -> bool:
    """ "The accused assaulted her on Easter Sunday": the day has a name instead of a number."""
    at = next((n for n, token in enumerate(tokens) if token.to > start), len(tokens) - 1)
    about = _about(tokens, at)
    return bool(about & (Is.EVENT | Is.FEELS) and about & SOMEBODY)


@cache
def _feast() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.feasts')}\b")


def _is_born_when(folded: str, tokens: Sequence[Token]) -> bool:
    """ "Nació el año del ciclón", "born right after the strike": a birth by what was then, of somebody."""
    for found in _born_when().finditer(folded):
        at = next((n for n, token in enumerate(tokens) if token.to > found.start()), len(tokens) - 1)
        first, last = sentence_of(tokens, at)
        said = 0
        for token in tokens[first:at]:
            said |= token.what
        about = 0
        for token in tokens[first:last]:
            about |= token.what
        is_marked = at > first and tokens[at - 1].what & Is.MARKER
        if said & SOMEBODY or not (said & _OF_WORK or (is_marked and not about & SOMEBODY)):
            return True
    return False


_WORKS = Is.THING | Is.PLANNED | Is.INSTITUTION | Is.COMMON
"""What a sentence about work says before a year. Words of two letters mean too much in four languages."""
_OF_WORK = Is.THING | Is.PLANNED | Is.INSTITUTION


def _is_birthday_on(folded: str, tokens: Sequence[Token]) -> bool:
    """ "Cumple el día de la Altagracia", "cumple en mayo"; not "el plazo se cumple el 5 de mayo"."""
    for found in _birthday_on().finditer(folded):
        at = next((n for n, token in enumerate(tokens) if token.to > found.start()), len(tokens) - 1)
        first, _ = sentence_of(tokens, at)
        behind = next((token for token in tokens if token.at >= found.end() and not token.what & Is.LINK), None)
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


@cache
def _birthday_on() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.birthday_on')}\b")


@cache
def _born_when() -> re.Pattern[str]:
    return re.compile(
        rf"\b{any_phrase('personal.was_born')}\b(?:\W{{1,2}}\w+){{0,3}}?\W{{1,2}}{any_phrase('personal.born_when')}\b"
    )


def _about(tokens: Sequence[Token], at: int) -> int:
    """Return the meanings of all words of the sentence that holds this position, as one mask."""
    first, last = sentence_of(tokens, at)
    about = 0
    for token in tokens[first:last]:
        about |= token.what
    return about


def _may_be_of_somebody(tokens: Sequence[Token], day: int, about: int) -> bool:
    """Say whether a sentence with these words, and a day, may tell what happened to somebody: it is not of work."""
    if about & (Is.PLANNED | Is.THING):
        return False
    first, last = sentence_of(tokens, day)
    if any(token.what & Is.LIMIT for token in tokens[max(first, day - _NEAR_DAY) : min(last, day + _NEAR_DAY)]):
        return False
    if not about & SOMEBODY and any(_counts_several(tokens, at) for at in range(first, last - 1)):
        return False
    said = 0
    for token in tokens[first:last]:
        is_of_day = token.is_number or token.what & Is.MONTH or token.folded in _weekdays()  # "August" is a name too
        said |= 0 if is_of_day else token.what
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
    what = 0
    for token in before:
        what |= token.what
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
    is_short = ahead == position + 1 and ahead < len(tokens) and _SHORT_YEAR.fullmatch(tokens[ahead].text) is not None
    return is_short or (ahead < len(tokens) and _YEAR.fullmatch(tokens[ahead].text) is not None)


def _has_year_or_month(tokens: Sequence[Token], position: int) -> bool:
    first, last = sentence_of(tokens, position)
    if any(_is_short_year(tokens, at) for at in range(position + 1, min(last, position + 5))):
        return True
    return any(token.what & Is.MONTH or _YEAR.fullmatch(token.text) for token in tokens[first:last]) or any(
        token.is_number and len(token.text) == 4 for token in tokens[position:]
    )


def _is_born(tokens: Sequence[Token], end: int) -> bool:
    """ "La joven es de 1999", "es del 2005": a year and nothing behind, and no work in the sentence."""
    at = next((n for n, token in enumerate(tokens) if token.at >= end), len(tokens))
    if at >= len(tokens) or not _YEAR.fullmatch(tokens[at].text):
        return False
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    is_alone = behind is None or not behind.is_word or bool(behind.what & (Is.JOINS | Is.APART))
    first, _ = sentence_of(tokens, at)
    is_work = any(token.what & _WORKS and len(token.text) > 2 for token in tokens[first:at])
    return is_alone and not is_work


def _is_cut_year(tokens: Sequence[Token], at: int) -> bool:
    """ "Fem, '07"."""
    year = tokens[at + 1] if at + 1 < len(tokens) else None
    is_year = year is not None and year.is_number and len(year.text) == len("07") and year.at == tokens[at].to
    return is_year and bool(_about(tokens, at) & (SOMEBODY | Is.BIRTH))


def _is_short_year(tokens: Sequence[Token], at: int) -> bool:
    """ "Nació en el 99", "born '05"."""
    if not tokens[at].is_number or len(tokens[at].text) != len("99"):
        return False
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    return behind is None or (not behind.is_word and behind.text not in "%/-:") or bool(behind.what & Is.JOINS)


@cache
def _born_in() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.born_in')}\b")


@cache
def _birth() -> re.Pattern[str]:
    """ "F/N 22-08-99"."""
    return re.compile(rf"\b{any_phrase('personal.birth_signs')}\W{{0,3}}$")


@cache
def _due() -> re.Pattern[str]:
    """ "Para el 15 de noviembre"."""
    return re.compile(rf"\b{any_phrase('personal.due')} $")


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
