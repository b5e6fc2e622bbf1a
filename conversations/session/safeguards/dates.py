"""The day of a birth, or of what happened to somebody, as distinct from a day that is planned or put on paper."""

import re
from collections.abc import Sequence
from functools import cache

from conversations.languages import LANGUAGES, says_yes
from conversations.session.reading.text import fold
from conversations.session.reading.vocabulary import MONTHS, any_phrase, known_words, numbered
from conversations.session.safeguards.words import Is, Token, sentence_of

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def personal_date(text: str, tokens: Sequence[Token], *, strict: bool) -> bool:
    """Say whether a text tells such a day. Without `strict`, only a birth, or what happened to a victim so called."""
    if not any(token.is_number or token.what & Is.MONTH for token in tokens):
        return False
    if any(token.what & Is.BIRTH and _has_year_or_month(tokens, at) for at, token in enumerate(tokens)):
        return True
    for found in _day().finditer(fold(text)):
        at = next((n for n, token in enumerate(tokens) if token.to > found.start()), None)
        if at is None:
            continue
        first, last = sentence_of(tokens, at)
        about = 0
        for token in tokens[first:last]:
            about |= token.what
        if about & Is.EVENT and (strict or about & Is.VICTIM):
            return True
        if strict and not about & (Is.PLANNED | Is.THING | Is.LIMIT):
            return True
    return False


def _has_year_or_month(tokens: Sequence[Token], position: int) -> bool:
    first, last = sentence_of(tokens, position)
    return any(token.what & Is.MONTH or _YEAR.fullmatch(token.text) for token in tokens[first:last]) or any(
        token.is_number and len(token.text) == 4 for token in tokens[position:]
    )


@cache
def _day() -> re.Pattern[str]:
    """A day and its month, in figures or in words. Month first only where people write so."""
    spelled = {w for language in LANGUAGES for w in numbered(language, MONTHS)}
    other_words = known_words("personal.not_dates") & spelled  # "12 mas" is a day in Creole, and twelve more in Spanish
    months = "|".join(sorted(spelled - other_words, key=len, reverse=True))
    first = "|".join(
        month
        for language in LANGUAGES
        if says_yes(language, "reading.month_first")
        for month in numbered(language, MONTHS)
        if len(month) > 3 or month == "may"
    )
    ordinals, links = any_phrase("reading.ordinals"), any_phrase("personal.date_links")
    return re.compile(
        r"\b[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}\b|\b[0-9]{1,2}[-.][0-9]{1,2}[-.](?:[0-9]{4}|[0-9]{2})\b"
        r"|\b[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}\b"
        rf"|\b[0-9]{{1,2}}(?:st|nd|rd|th|{ordinals})?\W*(?:{links} )?(?:{months})\b"
        rf"|\b[0-9]{{1,2}} (?:{'|'.join(sorted(other_words))}) (?:19|20)[0-9]{{2}}\b"
        rf"|\b(?:{first}) [0-9]{{1,2}}(?:st|nd|rd|th)?\b"
    )
