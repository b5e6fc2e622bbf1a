"""Numbers that are said in words: digit by digit, or in tens and hundreds, as people dictate a phone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from conversations.languages import LANGUAGES, phrases
from conversations.session.reading.text import LETTERS, fold
from conversations.session.reading.vocabulary import NUMBERS, any_phrase, joined_number_words, known_words, numbered
from conversations.session.safeguards.misspelt import misspelt
from conversations.session.safeguards.words import Is, Token, has_one_of, is_new, languages_of_number

_LEAST = 3
"""How many words a spoken number has at least. A number in fewer words is a count."""
_LONG = re.compile(r"\b[a-z]{21}")
"""A word that may be several digits: "ochoceronuevecincocinco"."""
_YEAR = 4
"""Digits of a year. A row of such long numbers is a row of years or of counts."""
_WORDED = re.compile(r"[=a-z\n]")
_ROW = re.compile(r"(?<![0-9=])[0-9=]++(?:[\s,.-]{1,3}[0-9=]++)+")


def said_again(folded: str) -> str:
    """The text with "triple five" and "three times five" as "five five five"."""
    counted = _repeated_times().sub(lambda found: " ".join([found[2]] * _count(found[1])), folded)
    counted = _plural_digit().sub(lambda found: " ".join([_plurals()[found[2]]] * _count(found[1])), counted)
    return _repeated().sub(lambda found: " ".join([found[2]] * _times()[found[1]]), counted)


def _count(said: str) -> int:
    return int(said if said.isdecimal() else _digit_words()[said])


@cache
def _times() -> Mapping[str, int]:
    return {fold(w): n for language in LANGUAGES for n, w in enumerate(phrases(language, "personal.repeated"), 2)}


@cache
def _repeated() -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(_times())})[ -]({_one_digit()})\b")


@cache
def _repeated_times() -> re.Pattern[str]:
    words = "|".join(word for word, digit in _digit_words().items() if digit in "234")
    times, article = any_phrase("personal.times"), any_phrase("personal.link")
    return re.compile(rf"\b({words}|[234]) {times} (?:{article} )?({_one_digit()})\b")


@cache
def _plurals() -> Mapping[str, str]:
    """ "Ceros" → "0", but for what is no plural of its own: "deux", "de"."""
    told = ((fold(w), str(n)) for each in LANGUAGES for n, w in enumerate(phrases(each, "personal.plural_digits")))
    return {word: digit for word, digit in told if word.endswith("s") and word not in _digit_words()}


@cache
def _plural_digit() -> re.Pattern[str]:
    words = "|".join(word for word, digit in _digit_words().items() if digit in "234")
    return re.compile(rf"\b({words}|[234]) ({'|'.join(_plurals())})\b")


@cache
def _one_digit() -> str:
    return "|".join((*sorted(_digit_words(), key=len, reverse=True), "[0-9]"))


def digits_said(tokens: Sequence[Token]) -> Iterator[str]:
    """Each run of digits that is spoken one by one, at least in part: "ocho cero nueve, 555" is 809555."""
    digits, articles = _digit_words(), known_words("reading.articles")
    if not has_one_of(tokens, digits.keys()):
        return
    said = [token.folded for token in tokens if token.folded in digits]
    if len(said) < _LEAST or sum(word not in articles for word in said) < _LEAST - 1:
        return  # "de 18 a 35 en"
    row, words = "", 0
    for token in tokens:
        if token.folded in digits:
            row, words = row + digits[token.folded], words + 1
        elif token.is_number:
            row += token.text
        elif token.text not in ",.-()/" and token.folded not in known_words("personal.fillers"):
            if words >= _LEAST:
                yield row
            row, words = "", 0
    if words >= _LEAST:
        yield row


def numbers_said(folded: str, tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """The same where tens and hundreds are said: "ochocientos nueve, 555" is 809 and 555. So may counts be."""
    words = _number_words()
    if not has_one_of(tokens, words):
        return
    said = [token for token in tokens if token.folded in words]
    if len(said) < _LEAST or all(token.what & Is.LINK for token in said):  # "de" is two in Creole alone
        return
    heard = set(LETTERS.findall(folded))
    for language in LANGUAGES:
        if heard.isdisjoint(_number_words_in(language)) and _thousand(language) not in heard:
            continue
        for row in _ROW.findall(_in_figures(joined_number_words(folded, language), language)):
            groups = tuple(re.findall("[0-9]+", row))
            if "=" in row and min(map(len, groups)) < _YEAR:
                yield groups


def told_in_pieces(folded: str, tokens: Sequence[Token]) -> Iterator[tuple[tuple[str, ...], int, bool]]:
    """Each row of numbers with only small words and signs between: its groups, its beginning, whether it has words.

    "809, luego cinco cinco cinco, y termina en 0142" is 809, 5, 5, 5 and 0142. So may counts be.
    """
    told = (token for token in tokens if token.is_number or (token.what & Is.SAID and not token.what & Is.LINK))
    count = sum(1 for _ in told)
    if count < _LEAST - 1 and not (count and _LONG.search(folded)):
        return
    spoken = _joined_digits().sub(lambda found: " ".join(_digit_word().findall(found[0])), folded)
    articles = known_words("reading.articles")
    spoken_in = 0 if spoken == folded else -1
    for token in tokens:
        if token.what & Is.SAID and not token.what & Is.LINK and token.folded not in articles:
            spoken_in |= languages_of_number(token)
    texts = [
        _in_figures(joined_number_words(spoken, language), language)
        for number, language in enumerate(LANGUAGES)
        if spoken_in & 1 << number
    ]
    for said in texts or [spoken]:
        for row in _pieces().finditer(said):
            groups = tuple(re.findall("[0-9]+", row[0]))
            if len(groups) >= _LEAST - 1:
                yield groups, row.start(), _WORDED.search(row[0]) is not None


@cache
def _pieces() -> re.Pattern[str]:
    words = "|".join(sorted(known_words("personal.between_digits"), key=len, reverse=True))
    sign = r"[^\w;!?:$€]"
    glue = rf"(?:{sign}{{1,4}}(?:(?:{words}|[b-df-np-xz])\b{sign}{{1,3}}){{0,5}}|(?<=[0-9])(?==))"
    return re.compile(rf"(?<![\w$€])[0-9=]+(?:{glue}[0-9=]+)+(?![\w%])")


@cache
def _digit_word() -> re.Pattern[str]:
    words = (word for word in _digit_words() if len(word) > len("oh"))
    return re.compile("|".join(sorted(words, key=len, reverse=True)))


@cache
def _joined_digits() -> re.Pattern[str]:
    """ "cincocincocinco"."""
    return re.compile(rf"\b(?:{_digit_word().pattern}){{2,}}\b")


def said_as_code(folded: str) -> str:
    """The text with what is said of a code as its signs: "plaque A-A deux-neuf-un K-B" is "plaque AA291KB"."""
    said = _said_row().sub(_as_digits, _nato().sub(lambda found: found[0][0], folded))
    said = _sign_said().sub("-", said)
    return _singles().sub(lambda found: re.sub(r"[ -]+", "", found[0]), said)


def _as_digits(found: re.Match[str]) -> str:
    words = re.findall(r"[a-z0-9]+", found[0])
    if sum(len(word) > _SHORT_DIGIT or word.isdigit() for word in words) < _LEAST - 1:
        return found[0]
    return " ".join(_digit_words().get(word, word) for word in words)


_SHORT_DIGIT = 2
"""Letters of a digit that is another word in most languages: "de", "un", "en"."""
_NATO = (
    "alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliet|juliett|kilo|lima|mike|november|oscar|papa|quebec"
    "|romeo|sierra|tango|uniform|victor|whiskey|whisky|xray|yankee|zulu"
)


@cache
def _nato() -> re.Pattern[str]:
    """Two or more words of the alphabet that is spelt on the radio."""
    return re.compile(rf"\b(?:{_NATO})\b(?=[ -]+(?:(?:{_NATO}|dash|[a-z0-9])\b|{_one_digit()}))")


@cache
def _said_row() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_one_digit()})(?:[ -]{{1,3}}(?:{_one_digit()}))+\b")


@cache
def _sign_said() -> re.Pattern[str]:
    fillers = "|".join(sorted(known_words("personal.fillers"), key=len, reverse=True))
    return re.compile(rf" (?:{fillers}) (?=[a-z0-9]\b|[a-z]{{0,3}}[0-9])")


@cache
def _singles() -> re.Pattern[str]:
    return re.compile(r"\b[a-z0-9](?:[ -]{1,3}[a-z0-9]\b){2,}")


def unfused(folded: str) -> str:
    """The text with the names of digits between figures as figures: "829five55 cero142" is "829555 0142"."""
    return _fused().sub(lambda found: _digit_word().sub(lambda word: _digit_words()[word[0]], found[0]), folded)


@cache
def _fused() -> re.Pattern[str]:
    word = _digit_word().pattern
    return re.compile(rf"(?<![\w])(?:[0-9]+(?:{word})|(?:{word})+[0-9])(?:[0-9]|{word})*(?!\w)")


def _in_figures(folded: str, language: str) -> str:
    return _said_in(language).sub(lambda found: f"={_value(found, language)}", folded)


def _value(found: re.Match[str], language: str) -> int:
    below, hundreds = _below_hundred(language), _hundreds(language)
    thousand = 1_000 * below.get(found[1] or "", 1) if found[2] else 0
    return thousand + hundreds.get(found[3] or found[5] or "", 0) + below.get(found[4] or found[6] or found[7] or "", 0)


@cache
def _below_hundred(language: str) -> Mapping[str, int]:
    told = numbered(language, NUMBERS)
    heard = {word.replace("z", "s"): value for word, value in told.items()}  # "disnèf"
    return {**{word: value for word, value in heard.items() if is_new(word)}, **told, **_misheard(language), "oh": 0}


@cache
def _misheard(language: str) -> Mapping[str, int]:
    """ "Sinco" and "sero", unless that is another word."""
    told = numbered(language, NUMBERS)
    digits = ((word, value) for word, value in told.items() if value < 10)
    return {typed: value for word, value in digits for typed in misspelt(word) if typed not in told and is_new(typed)}


@cache
def _said_in(language: str) -> re.Pattern[str]:
    """A number below ten thousand: its thousands, its hundreds and the rest. Any of them may stand alone."""
    hundreds = "|".join(sorted(_hundreds(language), key=len, reverse=True))
    below = "|".join(sorted(_below_hundred(language), key=len, reverse=True))
    units = "|".join(word for word, value in _below_hundred(language).items() if 0 < value < 10)
    return re.compile(
        rf"\b(?:(?:({units})[ -])?({_thousand(language)})(?:[ -]({hundreds}))?(?:[ -]({below}))?"
        rf"|({hundreds})(?:[ -]({below}))?|({below}))\b"
    )


def _thousand(language: str) -> str:
    return fold(phrases(language, "reading.thousand")[0])


@cache
def _hundreds(language: str) -> Mapping[str, int]:
    return {
        fold(spelling): position * 100
        for position, spellings in enumerate(phrases(language, "personal.hundreds"), start=1)
        for spelling in spellings.split("/")
    }


@cache
def _number_words() -> frozenset[str]:
    return frozenset().union(*map(_number_words_in, LANGUAGES))


@cache
def _number_words_in(language: str) -> frozenset[str]:
    words = {word for phrase in _hundreds(language) for word in phrase.split()}
    return frozenset(words.union(_below_hundred(language)))


@cache
def _digit_words() -> Mapping[str, str]:
    told = {w: str(n) for language in LANGUAGES for w, n in _misheard(language).items()}
    said = {w: str(n) for language in LANGUAGES for w, n in numbered(language, NUMBERS).items() if n < 10}
    return told | said | {"oh": "0", "wun": "1", "fower": "4", "fife": "5", "niner": "9"}
