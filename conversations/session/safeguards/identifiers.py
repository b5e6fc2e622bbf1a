"""Numbers that lead to one person: phones, identity documents, files. What is reached by a net is in `online`.

A number is judged by its groups of digits and by the words before it. An amount of money, the reference of a letter, a
year and a count are not identifiers. `phonenumbers` says whether a number can be a phone, and `stdnum` whether its
check digit is that of a document. Both are loaded with the first number that needs them, because most texts have none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from conversations.languages import phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.reading.vocabulary import any_phrase
from conversations.session.safeguards.known import Known
from conversations.session.safeguards.online import Online, online
from conversations.session.safeguards.serials import has_luhn_digit, is_serial
from conversations.session.safeguards.spoken import digits_said, numbers_said, said_again, told_in_pieces, unfused
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, read_words

Kind = Online | Literal["phone", "identity", "digits"]

_REGIONS = ("DO", "HT", "US", "ES", "HN", "SV", "GT", "VE", "CO")
"""Whose phones are written without the number of their country: here, next door, where most relatives live, on the
routes through Central America, and where many come from."""
_DOCUMENTS = frozenset({(3, 7, 1), (3, 2, 4), (3, 3, 3, 1), (8, 1), (4, 5, 4), (4, 4, 5), (2, 2, 2, 4, 2, 5)})
"""Groups of a cédula, a social security number, a NIF of Haiti, a DUI of El Salvador, a CUI of Guatemala, a DNI of
Honduras."""
_FRENCH = 10
"""Digits of a phone of France, which begins with a zero."""
_WRITTEN = frozenset({(3, 2, 2, 2), (3, 3, 3), (3, 3, 2, 2)})
"""Groups of at most three digits, in which phone numbers without an area code are written in Spain and nearby."""
_BEGINNINGS = frozenset({"809", "829", "849", "402"})
"""With these a phone of here or a cédula begins, however its digits are grouped."""
_LEAST = 7
"""Digits of a phone without its area."""
_LEAST_OF = {"personal.documents": 6, "personal.registered": 5, "personal.profile": 9}
"""Digits, and up to two letters, of the number of what is called so."""
_VEHICLES = "personal.vehicles"
_SERIALS = frozenset({(15,), (16,), (2, 6, 6, 1), (6, 2, 6, 1), (8, 6, 1), (4, 6, 5), (4, 4, 4, 3)})
"""Groups of the serial number of a phone, and of a bank card: the last digit checks the others (Luhn)."""
_LEAST_OF_CODE = 3
"""Digits of the shortest number of a document or a plate."""
_LEAST_OF_LOCATOR = 2
_LOCATOR = 6
"""Digits, and characters, of the code of a ticket, which has letters between its digits: "QX7T2M"."""
_TOLL_FREE = re.compile(r"1?(?:809|1)?200[0-9]{4}|1?8(?:00|33|44|55|66|77|88)[0-9]{7}")
"""Lines that cost nothing, of next door too: nobody lives there."""
_HIDDEN_ZERO = re.compile(r"(?<=[0-9])[oO](?=[-0-9\W])|(?<![^\W\d_])[oO](?=[0-9])")
_BETWEEN = r"(?:[^\w,;:\n]|[_lI|]){0,3}"
_NUMBER = re.compile(rf"[+(]?[0-9](?:{_BETWEEN}[0-9])+")
_ALIKE = str.maketrans("oOsSIlBZAEGTg", "0055118243979")
_LIKE = "".join(map(chr, _ALIKE))
_DISGUISED = re.compile(
    rf"(?<!\w)[+(]?(?:[1Il]{_BETWEEN})?[2-9{_LIKE}][0-9{_LIKE}]{{2}}(?:{_BETWEEN}[0-9{_LIKE}]){{7}}(?!\w)"
)
"""A phone number with its area code in which letters stand for some digits: "8O9-5S5-O133"."""
_GROUPS = re.compile(r"[0-9]+")
_MIXED = re.compile(r"[0-9][a-z]{2}|[a-z]{2}[0-9]")
_LEAST_OF_SERIAL = 7
_LEAST_OF_DISGUISED = 5
"""Digits that remain of a phone with letters in it, behind a word such as "tel"."""
_ABROAD = re.compile(r"00(?:[1-9][0-9]{0,2})?|011")
"""What is dialled before the number of another country."""
_AFTER_ITEM = frozenset({" ", ". ", ") ", ".) ", "- ", " - ", ".- "})
"""What stands between the number of an item in a list and the item."""
_SINGLE = re.compile(r"\b[0-9](?:[a-z][0-9]){6,}\b")
""" "8x0x9x5x5x5x0x1x4x2"."""
_MONEY_BEFORE = re.compile(r"(?:rd\$|us\$|\$|€|£|\b(?:dop|usd|eur|htg|rd|us|gdes?))\s?\Z")
_MONEY_AFTER = re.compile(
    r"^(?:[.,][0-9]{1,2})?\s?(?:%|€|\$|(?:millones de |million )?"
    r"(?:pesos?|dolares|dollars?|euros?|gourdes?|goud|dola|dop|usd|htg)\b)"
)
_CODE_BEFORE = re.compile(r"[A-Za-z]{1,6}[-/ .]?\Z|[A-Za-z][-/0-9]*[-/]\Z")
"""Not `$`, which is also before a newline: a phone under a line of words would be a code."""
_NATIONAL = re.compile(r"\b(?:[XYZ]?[0-9]{7,8}[- ]?[A-Z])\b")


@dataclass(frozen=True, slots=True)
class _Number:
    groups: tuple[str, ...]
    between: tuple[str, ...]
    is_international: bool

    @property
    def digits(self) -> str:
        return "".join(self.groups)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(group) for group in self.groups)


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
    if digits >= _LEAST_OF_LOCATOR and about & (Is.FILED | Is.PROFILE) and _is_document(folded, about):
        return "identity"
    numbers = list(_numbers(_without_fillers(text))) if digits >= 6 else []
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
    kind = _kind_in_pieces(folded, tokens, about, known)
    return None if may_give_contact and kind == "phone" else kind


def _kind_in_pieces(folded: str, tokens: Sequence[Token], about: int, known: Known) -> Kind | None:
    """The kind of a number that is told piece by piece: "el 402 y después 1234567 y al final 8"."""
    if about & Is.REPEATED:
        folded = said_again(folded)
    for groups, start, is_worded in told_in_pieces(folded, tokens):
        digits, before = "".join(groups), folded[max(0, start - _PIECES_BEHIND) : start]
        if _MONEY_BEFORE.search(before) or (not is_worded and max(map(len, groups)) > 1):
            continue
        if digits in known.numbers or _TOLL_FREE.fullmatch(digits) or all(map(_is_year, groups)):
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
    return re.compile(
        "|".join(rf"\b{any_phrase(key)}\b" for key in (*_LEAST_OF, _VEHICLES) if key != "personal.profile")
    )


_PIECES_BEHIND = 40
"""Characters before a number among which a word such as "phone" or "passport" is looked for."""
_LEAST_IN_PIECES = 5
_LEAST_SAID = 3
"""Above so many pieces behind a word such as "call", a row is a phone whatever the library says of it."""
_MOST_IN_PIECES = 13


def _is_phone_spoken(folded: str, tokens: Sequence[Token], about: int, known: Known) -> bool:
    if about & Is.REPEATED and (repeated := said_again(folded)) != folded:
        folded, tokens = repeated, read_words(repeated)
    least = _LEAST - (_phone_before_words().search(folded) is not None)
    if any(len(said) >= least and said not in known.numbers for said in digits_said(tokens)):
        return True
    said = list(numbers_said(folded, tokens))
    if any(len("".join(row)) >= _LEAST and any(each == "0" for each in row[:-1]) for row in said):
        return _phone_before_words().search(folded) is not None or any(
            _is_phone("".join(row), _REGIONS) for row in said if "".join(row) not in known.numbers
        )
    rows = (groups for groups in said if not _are_round(groups) and "".join(groups) not in known.numbers)
    return any(len("".join(groups)) > _LEAST and _is_phone("".join(groups), _REGIONS) for groups in rows)


# ------------------------------------------------------------------ numbers
def _numbers(text: str) -> Iterator[tuple[_Number, str, str]]:
    """Each number of some length, with the words before and after it."""
    plain = _HIDDEN_ZERO.sub("0", text) if "o" in text or "O" in text else text
    for found in _NUMBER.finditer(plain):
        groups = tuple(_GROUPS.findall(found[0]))
        between = tuple(piece.strip("+(") for piece in _GROUPS.split(found[0])[1:-1])
        if sum(map(len, groups)) < 6:
            continue
        before = plain[max(0, found.start() - 40) : found.start()]
        is_abroad = _ABROAD.fullmatch(groups[0]) is not None and (
            len(groups[0]) == 3 or sum(map(len, groups)) > _FRENCH
        )
        is_international = found[0].startswith("+") or is_abroad
        after = plain[found.end() : found.end() + 24]
        yield _Number(groups, between, is_international), before, after
        if len(groups[0]) == 1 and between and between[0] in _AFTER_ITEM:  # "1) 402-1234567-8", an item of a list
            yield _Number(groups[1:], between[1:], is_international=False), f"{before}{groups[0]}{between[0]}", after


def _without_fillers(text: str) -> str:
    """ "809 guion 555 guion 0142" with its signs instead of their names."""
    return _filler().sub("-", text) if _FILLED.search(text) else text


_FILLED = re.compile(r"[0-9]\W{0,3}[^\W\d_]{3,10}(?:\W[^\W\d_]+){0,3}\W{1,3}[0-9]")


@cache
def _filler() -> re.Pattern[str]:
    fillers = "|".join(sorted(phrases_of_all("personal.fillers"), key=len, reverse=True))
    return re.compile(rf"(?<=[0-9])\W{{0,3}}(?:(?:{fillers})\W{{1,3}}){{1,3}}(?=[0-9])", re.IGNORECASE)


def _kind_of(number: _Number, before: str, after: str, known: Known) -> Kind | None:
    digits, shape = number.digits, number.shape
    if digits in known.numbers or _TOLL_FREE.fullmatch(digits):
        return None
    if _hotline_before().search(before) and not _is_owned(after):
        return None
    if _document_before().search(before):
        return "identity"
    is_phone_said = _phone_before().search(before) is not None and not _is_reference(number)
    if is_phone_said and len(digits) >= 6 and not (_all_years(number) or _is_date(number) or before[-1:] == "-"):
        return "phone"
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.search(fold(after)):
        return None
    if (
        _CODE_BEFORE.search(before)
        and not re.search(r"(?:^|[\s'’(])[a-z]+[ .]\Z", before)
        and not number.is_international
    ):
        return None
    if shape in _DOCUMENTS and not _all_years(number):
        return "identity"
    if shape == (4, 4, 4, 4) and not _all_years(number):
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
    if _is_amount(number) or _is_range(number) or _is_date(number) or _all_years(number):
        return None
    if max(shape) == 1 and len(digits) >= _LEAST:
        return "phone"
    if _are_counts(number):
        return None
    if shape == (3, 4):
        return "phone" if number.between[0].strip() and not _is_year(number.groups[1]) else None
    if len(digits) >= 8 and (len(shape) <= 5 or digits[:3] in _BEGINNINGS) and _is_phone(digits, _REGIONS):
        return "phone"
    return "identity" if len(digits) == 11 and _has_check_digit(digits) else None


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


def _are_counts(number: _Number) -> bool:
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


def _is_amount(number: _Number) -> bool:
    """Say whether the digits stand in threes, as in 1.250.000 or 1 500 000."""
    first, *others = number.shape
    seps = {each.strip() for each in number.between}
    return first <= 3 and all(n == 3 for n in others) and seps in ({"."}, {""}, {"'"}) and number.digits.endswith("00")


def _is_range(number: _Number) -> bool:
    """Say whether it is "2500-3000 people": two round numbers, the smaller first."""
    first, *others = number.groups
    return len(others) == 1 and first.endswith("0") and others[0].endswith("00") and int(first) < int(others[0])


def _is_date(number: _Number) -> bool:
    return number.shape in ((2, 2, 4), (1, 2, 4), (2, 1, 4), (1, 1, 4), (4, 2, 2), (4, 1, 2), (4, 2, 1)) and any(
        _is_year(group) for group in number.groups
    )


def _is_reference(number: _Number) -> bool:
    """ "112-2025": a short number and a year, in either order."""
    groups = number.groups
    return len(groups) == 2 and any(map(_is_year, groups)) and min(number.shape) <= _LEAST_OF_CODE + 1


def _all_years(number: _Number) -> bool:
    return all(_is_year(group) for group in number.groups)


def _is_year(group: str) -> bool:
    return len(group) == 4 and group[:2] in ("19", "20")


def _is_document(folded: str, about: int) -> bool:
    """Say whether a document, an account, a plate or a file is named and its number follows, letters and all."""
    for key, least in _LEAST_OF.items():
        if any(_is_code(found, least) for found in _code_behind(key).finditer(folded)):
            return True
    if any(
        _is_code(found, _LEAST_OF_FILE) and found[2][0].isalpha() for found in _code_behind(_VEHICLES).finditer(folded)
    ):
        return True
    if any(_is_code(found, _LEAST_OF["personal.documents"]) for found in _code_ahead().finditer(folded)):
        return True
    if any(_is_code(found, _LEAST_OF_FILE) and _is_of_somebody(folded, found) for found in _file().finditer(folded)):
        return True
    if about & Is.BIRTH and _folio().search(folded):
        return True
    return _ending().search(folded) is not None or _registered_birth().search(folded) is not None


def _is_code(found: re.Match[str], least: int) -> bool:
    """Say whether it is long enough, counting the letters in it too; and neither a count, nor a day, nor years."""
    number = _Number(tuple(_GROUPS.findall(found[2])), (), is_international=False)
    letters = sum(map(str.isalpha, found[2]))
    if _all_years(number) or _is_date(number) or _COUNTED.search(found[0]):
        return False
    if not letters and max(number.shape) < _LEAST_OF_CODE and not _PAIRS.fullmatch(found[2]):
        return False  # a line of a budget: "2.2.4.1.01"
    if letters > 1 and len(number.digits) > 1 and found[2].isalnum() and len(found[2]) == _LOCATOR:
        return True
    return len(number.digits) >= _LEAST_OF_CODE and len(number.digits) + min(letters, 2) >= least


@cache
def _file() -> re.Pattern[str]:
    return _code_behind("personal.files")


@cache
def _file_words() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.files')}\b")


def _is_of_somebody(folded: str, found: re.Match[str]) -> bool:
    """ "Expediente 2025-0417-NNA de la niña": the number of a file is one's own only beside its person."""
    if any(token.what & Is.VICTIM for token in read_words(found[1])):  # "el expediente de la menor es 0456-2024"
        return True
    said = folded[max(0, found.start() - _PIECES_BEHIND) : found.start(2)]
    *_, called = _file_words().finditer(said)
    if _is_beside_somebody(read_words(said[: called.start()])):
        return True
    end = found.end()
    row = read_words(folded[end : end + 40])[:_FILE_OF]
    if len(row) > 1 and row[0].text in "(=" and row[1].what & Is.LINK:  # "(la del salón de masajes)"
        return True
    return bool(row) and row[0].text not in ".;\n" and any(token.what & _OWNER for token in row)


def _is_beside_somebody(before: Sequence[Token]) -> bool:
    """ "La joven, expediente", "la niña (exp.": only signs stand between. Many have one file: "3 víctimas, caso"."""
    words = [token for token in before if token.is_word and token.what != Is.LINK]
    is_apart = bool(before) and before[-1].text in ",(:-"
    return is_apart and bool(words and words[-1].what & SOMEBODY) and not words[-1].folded.endswith("s")


def _is_owned(behind: str) -> bool:
    """Say whether a number is somebody's: "829-374-0192 (su mamá)", "829-374-0192 de Yesenia"."""
    row = read_words(behind)[:_FILE_OF]
    if not row or not (row[0].text in "(=-,:" or row[0].what & Is.LINK or row[0].folded in ("de", "of")):
        return False
    end = next((at for at, token in enumerate(row) if token.text in ").;\n"), len(row))
    return any(map(_is_owner, row[:end]))


def _is_owner(token: Token) -> bool:
    """Say whether a word is of one person. A line of "mujeres" or of a place is public."""
    is_one = token.what & (_OWNER | NAME) and not token.what & Is.COMMON and not token.is_known
    return bool(is_one and not token.folded.endswith("s"))


_OWNER = Is.VICTIM | Is.PERSON | Is.TITLE
_FILE_OF = 5
"""Words behind the number of a file among which its person is looked for."""
_LEAST_OF_FILE = 5


_PAIRS = re.compile(r"[0-9]{2}([- ])[0-9]{2}\1(?:[0-9]{1,2}|[0-9]{2}\1[0-9]{2})")
""" "88-41-22", as hospitals number their patients."""
_COUNTED = re.compile(r"\b(?:de|of|for|para|pour|pou)\s[0-9]+$")
""" "La historia clínica de 12000 pacientes"."""


@cache
def _code_behind(key: str) -> re.Pattern[str]:
    """The words of this key, what stands between, and the code."""
    gap = r"(?:[^.;!?\n0-9]|(?<=\bno)\.|(?<=\bn)\.|(?<=\bnum)\.|(?<=\bnro)\.|(?<=\bref)\.|(?<=\bexp)\.)"
    masked = r"(?:[-./ ]?[x*]{2,4}){0,3}"
    code = rf"[a-z]{{0,4}}[-./ #]?[0-9](?:{masked}[-./ ]{{0,2}}[a-z]{{0,4}}[-./ ]?[0-9])*[a-z]{{0,3}}(?:-[a-z]{{1,4}})?"
    return re.compile(rf"\b{any_phrase(key)}\b\.?({gap}{{0,30}}?)(?<![a-z])({code})\b")


@cache
def _code_ahead() -> re.Pattern[str]:
    """ "SC7214409 es su pasaporte": the code comes first. A count of passports has no letters."""
    named = f"{any_phrase('personal.documents')}|{any_phrase('personal.registered')}"
    return re.compile(rf"(\b)([a-z]{{1,4}}-?[0-9]{{5,}})\W{{1,3}}(?:\w+\W{{1,2}}){{0,3}}(?:{named})\b")


@cache
def _ending() -> re.Pattern[str]:
    """ "Su cédula termina en 5678"."""
    whose = "|".join(any_phrase(f"personal.{key}") for key in ("documents", "registered", "phone", "profile"))
    return re.compile(
        rf"\b{any_phrase('personal.ends_in')}\b[^;!?\n0-9]{{0,20}}\b(?:{whose})\W{{1,3}}[0-9]{{3,6}}\b|"
        rf"\b(?:{whose})\b[^;!?\n0-9]{{0,30}}\b{any_phrase('personal.ends_in')}\W{{1,3}}(?:\w+\W)?[0-9][0-9-]{{2,6}}\b"
    )


@cache
def _folio() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.register_folio')}\b\D{{1,6}}[0-9]")


@cache
def _registered_birth() -> re.Pattern[str]:
    """ "Libro 12, folio 45"."""
    book, folio = any_phrase("personal.register_book"), any_phrase("personal.register_folio")
    return re.compile(rf"\b{book}\b\D{{1,6}}[0-9]+\W{{1,3}}{folio}\b\D{{1,6}}[0-9]")


@cache
def _document_before() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.documents')}\b[^0-9;!?\n]{{0,24}}$")


@cache
def _hotline_before() -> re.Pattern[str]:
    """ "La Línea Vida 809-555-0100"."""
    return re.compile(rf"\b{any_phrase('personal.hotline')}\W{{1,3}}(?:\w{{2,3}}\W{{1,2}})?$")


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
