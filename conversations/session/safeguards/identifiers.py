"""Numbers that lead to one person: phones, identity documents, files. What is reached by a net is in `online`.

A number is judged by its groups of digits and by the words before it. An amount of money, the reference of a letter, a
year and a count are not identifiers. `phonenumbers` says whether a number can be a phone, and `stdnum` whether its
check digit is that of a document. Both are loaded with the first number that needs them, because most texts have none.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from conversations.languages import phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.reading.vocabulary import any_phrase
from conversations.session.safeguards.beside_numbers import is_somebodys_number
from conversations.session.safeguards.documents import (
    BEHIND,
    LEAST_OF,
    VEHICLES,
    is_document,
    is_owned,
    tells_secret,
)
from conversations.session.safeguards.explained import is_reference_before
from conversations.session.safeguards.groups import (
    GROUPS,
    TOLL_FREE,
    Number,
    all_years,
    is_date,
    is_reference,
    is_year,
)
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.online import Online, online
from conversations.session.safeguards.serials import has_luhn_digit, is_serial
from conversations.session.safeguards.spoken import (
    digits_said,
    numbers_said,
    said_again,
    said_as_code,
    told_in_pieces,
    unfused,
)
from conversations.session.safeguards.words import SOMEBODY, Is, Token, read_words

Kind = Online | Literal["phone", "identity", "digits"]

_REGIONS = ("DO", "HT", "US", "ES", "HN", "SV", "GT", "VE", "CO", "SN")
"""Whose phones are written without the number of their country: here, next door, where most relatives live, on the
routes through Central America, and where many come from."""
_DOCUMENTS = frozenset({(3, 7, 1), (3, 2, 4), (3, 3, 3, 1), (8, 1), (4, 5, 4), (4, 4, 5), (2, 2, 2, 4, 2, 5)})
"""Groups of a cédula, a social security number, a NIF of Haiti, a DUI of El Salvador, a CUI of Guatemala, a DNI of
Honduras."""
_FRENCH = 10
"""Digits of a phone of France, which begins with a zero."""
_WRITTEN = frozenset({(3, 2, 2, 2), (3, 3, 3), (3, 3, 2, 2), (2, 3, 2, 2)})
"""Groups of at most three digits, in which phone numbers without an area code are written in Spain and Senegal."""
_BEGINNINGS = frozenset({"809", "829", "849", "402"})
"""With these a phone of here or a cédula begins, however its digits are grouped."""
_LEAST = 7
"""Digits of a phone without its area."""
_SERIALS = frozenset({(15,), (16,), (2, 6, 6, 1), (6, 2, 6, 1), (8, 6, 1), (4, 6, 5), (4, 4, 4, 3)})
"""Groups of the serial number of a phone, and of a bank card: the last digit checks the others (Luhn)."""
_HAS_NUMBER = SOMEBODY | Is.TITLE | Is.ROOM | Is.OF_ONE
"""Meanings of which a text has one that tells a number by who or what stands beside it."""
_LEAST_OF_ACCOUNT = 14
"""Digits of the account of a bank, in groups."""
_MOST_SINGLE = 5
"""Figures by themselves that stand in a row of counts; more are a number that is dictated."""
_LEAST_OF_LOCATOR = 2
"""Digits of the code of a ticket."""
_HIDDEN_ZERO = re.compile(r"(?<=[0-9])[oO](?=[-0-9\W])|(?<![^\W\d_])[oO](?=[0-9])")
_BETWEEN = r"(?:[^\w,;:\n]|[_lI|]){0,3}"
_NUMBER = re.compile(rf"[+(]?[0-9](?:{_BETWEEN}[0-9])+")
_ALIKE = str.maketrans("oOsSIlBZAEGTg", "0055118243979")
_LIKE = "".join(map(chr, _ALIKE))
_DISGUISED = re.compile(
    rf"(?<!\w)[+(]?(?:[1Il]{_BETWEEN})?[2-9{_LIKE}][0-9{_LIKE}]{{2}}(?:{_BETWEEN}[0-9{_LIKE}]){{7}}(?!\w)"
)
"""A phone number with its area code in which letters stand for some digits: "8O9-5S5-O133"."""
_MIXED = re.compile(r"[0-9][a-z]{2}|[a-z]{2}[0-9]")
_LEAST_OF_SERIAL = 7
_LEAST_OF_DISGUISED = 5
"""Digits that remain of a phone with letters in it, behind a word such as "tel"."""
_ABROAD = re.compile(r"00(?:[1-9][0-9]{0,2})?|011")
"""What is dialled before the number of another country."""
_AFTER_ITEM = frozenset({" ", ". ", ") ", ".) ", "- ", " - ", ".- "})
"""What stands between the number of an item in a list and the item."""
_ITEM = re.compile(r"^\W{0,2}(?:[a-z]{3,8} )?[0-9]{1,2}[:.)] +", re.MULTILINE)
""" "Step 2: 555-": the number of a line is no part of what is told in lines."""
_APART = re.compile(r"\b[a-z0-9](?:[ -]{1,3}[a-z0-9]\b){3}")
""" "G 4 9 8 - 1 2 1"."""
_LEAST_OF_LETTERED = 4
_LETTERED = re.compile(r"(?<!\w)(?=[OIlSZB]*[0-9][0-9OIlSZB]*[0-9])(?=[0-9]*[OIlSZB])[0-9OIlSZB]{3,5}(?!\w)")
""" "6I5", "O1Z9": letters for digits in a piece of a phone."""
_SINGLE = re.compile(r"\b[0-9](?:[a-z][0-9]){6,}\b")
""" "8x0x9x5x5x5x0x1x4x2"."""
_MONEY_BEFORE = re.compile(r"(?:rd\$|us\$|\$|€|£|\b(?:dop|usd|eur|htg|rd|us|gdes?))\s?\Z")
_MONEY_AFTER = re.compile(
    r"^(?:[.,][0-9]{1,2})?\s?(?:%|€|\$|(?:millones de |million )?"
    r"(?:pesos?|dolares|dollars?|euros?|gourdes?|goud|dola|dop|usd|htg)\b)"
)
_AMOUNT_IN_MILLIONS = re.compile(r"(?<![0-9,])[0-9]{1,3}(?:,[0-9]{3}){2,}(?![0-9])")
_CODE_BEFORE = re.compile(r"[A-Za-z]{1,6}[-/ .]?\Z|[A-Za-z][-/0-9]*[-/]\Z")
"""Not `$`, which is also before a newline: a phone under a line of words would be a code."""
_NATIONAL = re.compile(r"\b(?:[XYZ]?[0-9]{7,8}[- ]?[A-Z])\b")


def identifier(
    text: str, folded: str, tokens: Sequence[Token], about: int, known: Known, *, may_give_contact: bool
) -> Kind | None:
    """The kind of identifier in a text, as a reader sees it, or None.

    `about` are the meanings of all its words together. With `may_give_contact`, an institution's phone, address or page
    was asked for and passes. An identity document never passes.
    """
    digits = sum(map(str.isdigit, text))
    if not may_give_contact and (reached := online(text, folded, tokens, about)):
        return reached
    if (digits >= _LEAST_OF_SERIAL or "<<" in text) and is_serial(text):
        return "identity"
    if digits and _MIXED.search(folded) and (plain := unfused(folded)) != folded:
        text, folded, tokens = plain, plain, read_words(plain, known)
        digits = sum(map(str.isdigit, text))
    if digits >= _LEAST_OF_LOCATOR and about & (Is.FILED | Is.PROFILE | Is.NUMBER) and is_document(folded, about):
        return "identity"
    if digits >= _LEAST_OF_LETTERED and _LETTERED.search(text) and _phone_before_words().search(folded):
        plain = _LETTERED.sub(lambda found: found[0].translate(_ALIKE), text)
        text, folded, tokens = plain, fold(plain), read_words(plain, known)
        digits = sum(map(str.isdigit, text))
    if digits and about & _HAS_NUMBER and is_somebodys_number(tokens):
        return "identity"
    if digits and about & Is.SECRETS and tells_secret(folded):
        return "identity"
    numbers = list(_numbers(_without_fillers(text))) if digits >= 6 else []
    if digits >= _LEAST and _reversed().search(folded):
        return "phone"
    is_told_apart = about & Is.FILED and (_said(tokens) > 1 or (digits and _APART.search(folded)))
    if is_told_apart and is_document(said_as_code(folded), about):
        return "identity"
    if numbers and any(_is_national(found[0]) for found in _NATIONAL.finditer(text)):
        return "identity"
    if digits >= 6 and _SINGLE.search(folded):
        return "phone"
    if digits >= _LEAST_OF_DISGUISED and any(map(_is_disguised, _DISGUISED.finditer(text))):
        return "phone"
    for number, before, after in numbers:
        kind = _kind_of(number, fold(before), after, known)
        if kind and not (may_give_contact and kind in ("phone", "digits")):
            return kind
    if not may_give_contact and _is_phone_spoken(folded, tokens, about, known):
        return "phone"
    if digits >= _LEAST and "\n" in text and (row := _ITEM.sub("", folded)) != folded:
        folded, tokens = row, read_words(row, known)
    kind = _kind_in_pieces(folded, tokens, about, known)
    return None if may_give_contact and kind == "phone" else kind


def _said(tokens: Sequence[Token]) -> int:
    """The count of the words that are those of a number and nothing else."""
    return sum(bool(token.what & Is.SAID and not token.what & Is.LINK) for token in tokens)


def _kind_in_pieces(folded: str, tokens: Sequence[Token], about: int, known: Known) -> Kind | None:
    """The kind of a number that is told piece by piece: "el 402 y después 1234567 y al final 8"."""
    if about & Is.REPEATED:
        folded = said_again(folded)
    for groups, start, is_worded in told_in_pieces(folded, tokens):
        digits, before = "".join(groups), folded[max(0, start - BEHIND) : start]
        if _MONEY_BEFORE.search(before) or (not is_worded and max(map(len, groups)) > 1):
            continue
        if digits in known.numbers or TOLL_FREE.fullmatch(digits) or all(map(is_year, groups)):
            continue
        if any(map(is_year, groups)) and is_reference_before(before):  # "el Decreto 303 de 2016 y la Resolución 27"
            continue
        if is_worded and len(digits) >= _LEAST_IN_PIECES and about & Is.FILED and _named_before().search(before):
            return "identity"
        if not _LEAST <= len(digits) <= _MOST_IN_PIECES:
            continue
        if len(digits) == 11 and (groups[0] in _BEGINNINGS or is_worded) and _has_check_digit(digits):
            return "identity"
        if groups[0] == "402" and groups[1:] and tuple(map(len, groups)) in _DOCUMENTS:
            return "identity"
        begins = digits.removeprefix("1") if len(digits) == 11 else digits
        is_local = len(begins) == 10 and begins[:3] in _BEGINNINGS and (is_worded or max(map(len, groups)) == 1)
        has_zero = is_worded and any(group[0] == "0" for group in groups if group != groups[-1] or group != "0")
        is_said = _phone_before_words().search(before) is not None and not _are_round(groups)
        if is_said and is_worded and len(groups) > _LEAST_SAID and (has_zero or is_local):
            return "phone"
        if (is_local or (has_zero and len(groups) > 2) or is_said) and _is_phone(digits, _REGIONS):
            return "phone"
        if is_said and len(digits) == 10 and begins[:3] in _BEGINNINGS:
            return "phone"
    return None


@cache
def _named_before() -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{any_phrase(key)}\b" for key in (*LEAST_OF, VEHICLES) if key != "personal.profile"))


_LEAST_IN_PIECES = 5
_LEAST_SAID = 3
"""Above so many pieces behind a word such as "call", a row is a phone whatever the library says of it."""
_MOST_IN_PIECES = 13


def _is_phone_spoken(folded: str, tokens: Sequence[Token], about: int, known: Known) -> bool:
    if "," in folded and (rest := _AMOUNT_IN_MILLIONS.sub(" ", folded)) != folded:  # "RD$4,750,000, de los cuales"
        folded, tokens = rest, read_words(rest)
    if about & Is.REPEATED and (repeated := said_again(folded)) != folded:
        folded, tokens = repeated, read_words(repeated)
    rows = list(digits_said(tokens))
    least = _LEAST - (rows != [] and _phone_before_words().search(folded) is not None)
    if any(len(said) >= least and said not in known.numbers for said in rows):
        return True
    said = list(numbers_said(folded, tokens))
    if any(len("".join(row)) >= _LEAST and any(each == "0" for each in row[:-1]) for row in said):
        return _phone_before_words().search(folded) is not None or any(
            _is_phone("".join(row), _REGIONS) for row in said if "".join(row) not in known.numbers
        )
    told = (groups for groups in said if not _are_round(groups) and "".join(groups) not in known.numbers)
    return any(len("".join(groups)) > _LEAST and _is_phone("".join(groups), _REGIONS) for groups in told)


# ------------------------------------------------------------------ numbers
def _numbers(text: str) -> Iterator[tuple[Number, str, str]]:
    """Each number of some length, with the words before and after it."""
    plain = _HIDDEN_ZERO.sub("0", text) if "o" in text or "O" in text else text
    for found in _NUMBER.finditer(plain):
        groups = tuple(GROUPS.findall(found[0]))
        between = tuple(piece.strip("+(") for piece in GROUPS.split(found[0])[1:-1])
        if sum(map(len, groups)) < 6:
            continue
        before = plain[max(0, found.start() - 40) : found.start()]
        is_abroad = _ABROAD.fullmatch(groups[0]) is not None and (
            len(groups[0]) == 3 or sum(map(len, groups)) > _FRENCH
        )
        is_international = found[0].startswith("+") or is_abroad
        after = plain[found.end() : found.end() + 24]
        yield Number(groups, between, is_international), before, after
        if len(groups[0]) == 1 and between and between[0] in _AFTER_ITEM:  # "1) 402-1234567-8", an item of a list
            yield Number(groups[1:], between[1:], is_international=False), f"{before}{groups[0]}{between[0]}", after


def _without_fillers(text: str) -> str:
    """ "809 guion 555 guion 0142" with its signs instead of their names."""
    return _filler().sub("-", text) if _FILLED.search(text) else text


_FILLED = re.compile(r"[0-9]\W{0,3}[^\W\d_]{3,10}(?:\W[^\W\d_]+){0,3}\W{1,3}[0-9]")


@cache
def _filler() -> re.Pattern[str]:
    fillers = "|".join(sorted(phrases_of_all("personal.fillers"), key=len, reverse=True))
    return re.compile(rf"(?<=[0-9])\W{{0,3}}(?:(?:{fillers})\W{{1,3}}){{1,3}}(?=[0-9])", re.IGNORECASE)


def _kind_of(number: Number, before: str, after: str, known: Known) -> Kind | None:
    digits, shape = number.digits, number.shape
    if digits in known.numbers or TOLL_FREE.fullmatch(digits):
        return None
    is_line = _hotline_before().search(before) or (digits.endswith("00") and _line_before().search(before))
    if is_line and not is_owned(after):
        return None
    if _document_before().search(before):
        return "identity"
    is_phone_said = _phone_before().search(before) is not None and not is_reference(number)
    if is_phone_said and len(digits) >= 6 and not (all_years(number) or is_date(number) or before[-1:] == "-"):
        return "phone"
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.search(fold(after)):
        return None
    if _is_account(number):
        return "digits"
    if (
        _CODE_BEFORE.search(before)
        and not re.search(r"(?:^|[\s'’(])[a-z]+[ .]\Z", before)
        and not number.is_international
    ):
        return None
    if shape in _DOCUMENTS and not all_years(number):
        return "identity"
    if shape == (4, 4, 4, 4) and not all_years(number):
        return "digits"  # a bank card
    if shape == (2, 2, 2, 2, 2) and re.fullmatch("0[1-9]", number.groups[0]):
        return "phone"  # of France
    if number.is_international and 8 <= len(digits) <= 17:
        return "phone"
    if shape in ((3, 3, 4), (1, 3, 3, 4)) and digits[-10] in "23456789":
        return "phone"
    if shape in _SERIALS and len(set(digits)) > 2 and has_luhn_digit(digits):
        return "identity"  # a phone's IMEI, a bank card
    if len(shape) == 1:
        return _kind_of_run(digits)
    if _is_amount(number) or _is_range(number) or is_date(number) or all_years(number):
        return None
    if max(shape) == 1 and len(digits) >= _LEAST:
        return "phone"
    if sum(size == 1 for size in shape) > _MOST_SINGLE:  # "509 4 8 5 5 0 1 9 3"
        return "phone"
    if _are_counts(number):
        return None
    if shape == (3, 4):
        return "phone" if number.between[0].strip() and not is_year(number.groups[1]) else None
    if len(digits) >= 8 and (len(shape) <= 5 or digits[:3] in _BEGINNINGS) and _is_phone(digits, _REGIONS):
        return "phone"
    return "identity" if len(digits) == 11 and _has_check_digit(digits) else None


def _is_account(number: Number) -> bool:
    """Say whether it is that of a bank's account; not the day and time of a photo, nor an amount in threes."""
    is_long = len(number.digits) >= _LEAST_OF_ACCOUNT and len(number.groups) > 1 and max(number.shape) >= _LEAST
    return is_long and not is_year(number.groups[0][:4])


def _kind_of_run(digits: str) -> Kind | None:
    """The kind of a number that is written without a gap."""
    if len(digits) < _LEAST:
        return None
    if len(digits) in (10, 11) and _is_phone(digits, ("DO", "US")):
        return "phone"
    if len(digits) == 11 and (digits.startswith("509") and _is_phone(digits[3:], ("HT",))):
        return "phone"
    if len(digits) == 11 and _has_check_digit(digits):
        return "identity"
    return None if digits.endswith("00") else "digits"


def _is_disguised(found: re.Match[str]) -> bool:
    """Say whether letters stand for digits in a phone. A group of letters alone is an acronym, but behind "tel."."""
    text = found[0]
    digits = "".join(filter(str.isalnum, text)).translate(_ALIKE)
    is_said = _phone_before().search(fold(found.string[max(0, found.start() - 40) : found.start()])) is not None
    has_acronym = any(group.isalpha() for group in re.findall(r"[^\W_]+", text))
    least = _LEAST_OF_DISGUISED if is_said else 6
    is_mixed = text.translate(_ALIKE) != text and sum(map(str.isdigit, text)) >= least
    return is_mixed and (is_said or not has_acronym) and _is_phone(digits, ("DO", "US"))


def _are_counts(number: Number) -> bool:
    """Say whether it is "70 50 10 5 5": small numbers side by side, grouped as nobody groups a phone.

    A count has no zero before it. Pairs are a phone of next door, unless all of them are round.
    """
    groups = number.groups
    if number.is_international or max(number.shape) > 3 or any(group[0] == "0" for group in groups if group != "0"):
        return False
    if _are_round(groups):
        return True
    if number.shape == (2, 2, 2, 2):
        return not _is_phone(number.digits, ("HT",))
    return number.shape not in _WRITTEN and number.digits[:3] not in _BEGINNINGS


def _are_round(groups: Sequence[str]) -> bool:
    return all(group[-1] in "05" and group[0] != "0" for group in groups)


def _is_amount(number: Number) -> bool:
    """Say whether the digits stand in threes, as in 1.250.000 or 1 500 000."""
    first, *others = number.shape
    seps = {each.strip() for each in number.between}
    return first <= 3 and all(n == 3 for n in others) and seps in ({"."}, {""}, {"'"}) and number.digits.endswith("00")


def _is_range(number: Number) -> bool:
    """Say whether it is "2500-3000 people": two round numbers, the smaller first."""
    first, *others = number.groups
    return len(others) == 1 and first.endswith("0") and others[0].endswith("00") and int(first) < int(others[0])


@cache
def _document_before() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.documents')}\b[^0-9;!?\n]{{0,24}}$")


@cache
def _hotline_before() -> re.Pattern[str]:
    """ "La Línea Vida 809-555-0100"."""
    return re.compile(rf"\b{any_phrase('personal.hotline')}\W{{1,3}}(?:\w{{2,3}}\W{{1,2}})?$")


@cache
def _line_before() -> re.Pattern[str]:
    """ "Liy 2940-0000": a round number behind such a word is that of an office."""
    return re.compile(rf"\b{any_phrase('personal.lines')}\W{{1,3}}$")


@cache
def _reversed() -> re.Pattern[str]:
    """ "Léanlo al revés"."""
    return re.compile(rf"\b{any_phrase('personal.reversed')}\b")


@cache
def _phone_before_words() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.phone')}\b")


@cache
def _phone_before() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.phone')}\b[^0-9;!?\n]{{0,24}}$")


# ------------------------------------------------------------------ what the libraries know
def _is_phone(digits: str, regions: Sequence[str]) -> bool:
    import phonenumbers

    for region in ("FR",) if len(digits) == _FRENCH and digits[0] == "0" else regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(digits, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _has_check_digit(digits: str) -> bool:
    from stdnum.do import cedula

    return bool(cedula.is_valid(digits))


def _is_national(number: str) -> bool:
    from stdnum.es import dni, nie

    return bool(dni.is_valid(number) or nie.is_valid(number))
