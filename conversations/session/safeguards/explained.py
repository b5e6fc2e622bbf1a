"""A number is somebody's unless its sentence explains it: beside a person, and everywhere under strict rules.

Every country and every office has numbers of its own, so no list of documents is ever whole. What explains a number is
the same everywhere: what it counts stands behind it, a currency or the name of a paper before it; or it shows by itself
what it is: a year, a day, an hour, a line of a budget, an amount in threes.
"""

import re
from collections.abc import Sequence

from conversations.session.reading.vocabulary import known_words, pattern
from conversations.session.safeguards.beside_numbers import is_one
from conversations.session.safeguards.groups import LEAST_OF_CODE, TOLL_FREE, is_year
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.sentences import ENDS, sentence_of
from conversations.session.safeguards.words import FILE_ENDINGS, NO_WORD, SOMEBODY, Is, Token, word_at

_SEEN_BACK = 40
"""Characters before a number among which the name of its paper stands."""
_LEAST_OF_ANYBODY = 5
"""Digits of a number that is somebody's though nobody is spoken of."""
_LEAST_OF_ONE = 3
"""Digits of a number in a sentence about one person."""
_NEAR = 6
"""Tokens before a number among which its owner stands."""
_LONGEST_LINE = 4
"""Digits of a line that everybody may call: "911", "la 1818"."""
_LONGEST_COUNT = 4
"""Digits without a sign between. A longer count has one, "14,500 kits", or what it counts in the plural."""
_DATED = (4, 6, 8)
"""Digits of a year, with its month, with its day."""
_MAY_BE_ONE = SOMEBODY | Is.TITLE | Is.OF_ONE
_SIGNS = frozenset("-./#+_,:")
_SMALL = Is.LINK | Is.FEELS | Is.EVENT | Is.HAS | Is.NOT | Is.JOINS | Is.MARKER | Is.APART | Is.TOWARDS | Is.BESIDE
_THREE_DIGITS = re.compile(r"[0-9](?:[-., /]?[0-9]){2}")


def is_unexplained(folded: str, tokens: Sequence[Token], about: int, known: Known, *, strict: bool) -> bool:
    """Say whether a text has a number, or a code with letters in it, that nothing of an office explains.

    `about` are the meanings of all its words together.
    """
    if not _THREE_DIGITS.search(folded):
        return False
    if not about & _MAY_BE_ONE and (not strict or sum(map(str.isdigit, folded)) < _LEAST_OF_ANYBODY):
        return False
    at = 0
    while at < len(tokens):
        if not tokens[at].is_number:
            at += 1
            continue
        first, end = _code_around(tokens, at)
        digits = sum(len(token.text) for token in tokens[first:end] if token.is_number)
        least = _least(tokens, first, strict=strict) if digits >= LEAST_OF_CODE else None
        is_bare = least is not None and _is_bare(tokens[first:end], known, least)
        if is_bare and not EXPLANATIONS.verdict(
            Code(folded, tokens, first, end, is_of_one=least == _LEAST_OF_ONE), ANY
        ):
            return True
        at = max(end, at + 1)
    return False


def _least(tokens: Sequence[Token], at: int, *, strict: bool) -> int | None:
    """The fewest digits of a number that is somebody's in this sentence; None if there any number may stand."""
    first, last = sentence_of(tokens, at)
    files = known_words("personal.files")
    for position in range(first, last):  # "expediente interno 0456" is nobody's
        may_be = tokens[position].what & _MAY_BE_ONE
        if may_be and is_one(tokens[position]) and not (position and tokens[position - 1].folded in files):
            return _LEAST_OF_ONE
    return _LEAST_OF_ANYBODY if strict else None


def _code_around(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """The tokens without a blank between them that hold this number, and the groups of digits behind them."""
    first, end = at, at + 1
    while first > 0 and tokens[first - 1].to == tokens[first].at and _may_belong(tokens[first - 1]):
        first -= 1
    while end < len(tokens):
        gap = tokens[end].at - tokens[end - 1].to
        is_group = gap == 1 and tokens[end].is_number and tokens[end - 1].is_number
        if not (is_group or (gap == 0 and _may_belong(tokens[end]))):
            break
        end += 1
    while not (tokens[end - 1].is_number or tokens[end - 1].is_word):
        end -= 1
    while not (tokens[first].is_number or tokens[first].is_word):
        first += 1
    return first, end


def _may_belong(token: Token) -> bool:
    return token.is_word or token.is_number or token.text in _SIGNS


def _is_bare(code: Sequence[Token], known: Known, least: int) -> bool:
    """Say whether a code of so many digits does not show by itself what it is."""
    groups = [token.text for token in code if token.is_number]
    digits = "".join(groups)
    if len(digits) < least or digits in known.numbers or TOLL_FREE.fullmatch(digits):
        return False
    is_of_one = least < _LEAST_OF_ANYBODY
    is_plate = is_of_one and len(groups) == 1 and code[0].is_word and code[-1].is_word  # "AS-1947-X"
    if len(groups) <= LEAST_OF_CODE and any(map(_is_dated, groups)) and not is_plate:
        return False
    if any(token.is_word for token in code):
        return _is_bare_with_letters(code, groups, is_of_one=is_of_one)
    if digits.endswith("00") and digits[0] != "0":
        return False
    return not _is_row_or_amount(groups, {token.text for token in code if not token.is_number})


def _is_dated(group: str) -> bool:
    return is_year(group[:4]) and len(group) in _DATED


def _is_bare_with_letters(code: Sequence[Token], groups: Sequence[str], *, is_of_one: bool) -> bool:
    words = [token for token in code if token.is_word]
    letters = sum(len(token.text) for token in words)
    if code[0].is_number and code[-1].is_word and code[-1].text.islower():  # "150kg", "120x80cm"
        return False
    if code[-1].folded in FILE_ENDINGS or (letters == 1 and code[0].is_word and _is_in_threes(groups)):  # "Q95,000"
        return False
    if not is_of_one and (letters > sum(map(len, groups)) or (len(words) == 1 < letters and code[0].is_word)):
        return False  # "HH-0123456" is a paper of an office
    return max(map(len, groups)) >= LEAST_OF_CODE


def _is_row_or_amount(groups: Sequence[str], signs: set[str]) -> bool:
    """ "2.1.4", "15/09/25", "6:30", "120 145 130 90", "2.2.8.7.01", "1,250,000", "12500.50"."""
    longest = max(map(len, groups))
    if longest < LEAST_OF_CODE or (not signs and longest == LEAST_OF_CODE < len(groups)):
        return True
    if "." in signs and len(groups) > LEAST_OF_CODE and len(groups[0]) == 1:
        return True
    is_amount = signs and signs <= {".", ","} and groups[0][0] != "0"
    return bool(is_amount) and (_is_in_threes(groups) or len(groups[-1]) < LEAST_OF_CODE)


def _is_in_threes(groups: Sequence[str]) -> bool:
    first, *others = map(len, groups)
    return bool(others) and first <= LEAST_OF_CODE and set(others) == {LEAST_OF_CODE}


def _is_behind_one(tokens: Sequence[Token], at: int) -> bool:
    """ "The minor's learner reference number": whose it is stands before what the number is called."""
    return any(token.text.endswith(("'s", "’s")) and is_one(token) for token in tokens[max(0, at - _NEAR) : at])


class Code:
    """A number or a code in a text, and what stands before and behind it."""

    def __init__(self, folded: str, tokens: Sequence[Token], first: int, end: int, *, is_of_one: bool) -> None:
        self.tokens, self.first, self.end = tokens, first, end
        self.code = tokens[first:end]
        self.before = folded[max(0, self.code[0].at - _SEEN_BACK) : self.code[0].at]
        self.behind = word_at(tokens, end)
        self.digits = sum(len(token.text) for token in self.code if token.is_number)
        self.is_hers = is_of_one and _is_behind_one(tokens, first)


def _is_line(c: Code) -> bool:
    may_be = c.digits <= _LONGEST_LINE or c.code[-1].text.endswith("00")
    return may_be and (c.before[-1:] == "*" or pattern(_LINE_BEFORE).search(c.before) is not None)


def _is_between(c: Code) -> bool:
    return bool(c.behind.what & (Is.BETWEEN | Is.JOINS)) and word_at(c.tokens, c.end + 1).is_number


def _may_count(c: Code) -> bool:
    return c.digits <= _LONGEST_COUNT or c.behind.folded.endswith(("s", "x")) or len(c.code) > 1


_AMOUNT = re.compile(r"(?:[$€£]|\b(?:rd|us|usd|eur|htg|dop|fcfa|gy|tt|ghs|php|total|s/))\.?\s?$|[0-9][., ]$")


def is_reference_before(before: str) -> bool:
    """Say whether these words before a number are of a paper of an office."""
    return pattern(r"\b<personal.references>\b[^;!?\n]{0,24}$").search(before) is not None


_LINE_BEFORE = r"\b(?:<personal.hotline>|<personal.lines>|<personal.phone>)\b[^;!?\n0-9]{0,24}$"


EXPLAINED, BARE = True, False
# fmt: off
EXPLANATIONS: Table[Code, bool] = Table(
    Rule("an amount", EXPLAINED, ANY, lambda c: _AMOUNT.search(c.before),
         "la víctima recibió RD$45123 ayer"),
    Rule("a paper of an office", EXPLAINED, ANY, lambda c: not c.is_hers and is_reference_before(c.before),
         "loi n° 137-03, art. 9"),
    Rule("letters, or a zero before it", BARE, ANY,
         lambda c: c.code[0].text[0] == "0" or any(token.is_word or token.text in "/#" for token in c.code),
         "rele tonton l nan 0133"),
    Rule("a line that everybody may call", EXPLAINED, ANY, _is_line,
         "Liy 188 la resevwa 31 apèl, 4 sou trafik moun"),
    Rule("at the end", BARE, ANY, lambda c: c.behind is NO_WORD or c.behind.text in ENDS,
         "moun nan pa vle sèvis la, nou ba l nimewo 188"),
    Rule("before the sign of what it is", EXPLAINED, ANY, lambda c: c.behind.text in "%$€£°",
         "la abogada pagó 12345 $"),
    Rule("before another sign", BARE, ANY, lambda c: not c.behind.is_word,
         "Biwo Lethem nan bay 70 318 44, pa gen lòt bagay"),
    Rule("a range", EXPLAINED, ANY, _is_between,
         "la jueza vio 12015 a 12030 casos"),
    Rule("before a small word", BARE, ANY,
         lambda c: c.behind.what & _SMALL and not c.behind.what & (Is.YEARS | Is.MONTHS),
         "+504 es el celular d la mama"),
    Rule("a count", EXPLAINED, ANY, _may_count,
         "120 moun te patisipe nan Okap"),
)
# fmt: on
