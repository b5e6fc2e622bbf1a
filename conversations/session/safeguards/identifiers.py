"""Numbers that lead to one person: phones, identity documents, files. What is reached by a net is in `online`.

A number is judged by its groups of digits and by the words before it. An amount of money, the reference of a letter, a
year and a count are not identifiers. `phonenumbers` says whether a number can be a phone, and `stdnum` whether its
check digit is that of a document. Both are loaded with the first number that needs them, because most texts have none.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Final, Literal, NamedTuple

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
from conversations.session.safeguards.rules import ANY, Rule, Table
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
_DIGITS = 1 << 100
"""What a text with digits in it means besides its words."""
_HAS_NUMBER = SOMEBODY | Is.TITLE | Is.ROOM | Is.OF_ONE
"""Meanings of which a text has one that tells a number by who or what stands beside it."""
_LEAST_OF_ACCOUNT = 14
"""Digits of the account of a bank, in groups."""
_MOST_SINGLE = 5
"""Figures by themselves that stand in a row of counts; more are a number that is dictated."""
_LEAST_OF_LOCATOR = 2
"""Digits of the code of a ticket."""
_HIDDEN_ZERO = re.compile(r"(?<=[0-9])[oO](?=[-0-9\W])|(?<![^\W\d_])[oO](?=[0-9])")
_LEAST_OF_NUMBER = 6
_LEAST_IN_PIECES = 5
_CEDULA = 11
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
_WORD_BEFORE = re.compile(r"(?:^|[\s'’(])[a-z]+[ .]\Z")
_NATIONAL = re.compile(r"\b(?:[XYZ]?[0-9]{7,8}[- ]?[A-Z])\b")


class Written:
    """A text as it is read for numbers: how many digits it has, and what its words mean together."""

    def __init__(self, text: str, folded: str, tokens: Sequence[Token], about: int, known: Known) -> None:
        self.text, self.folded, self.tokens, self.about, self.known = text, folded, tokens, about, known
        self.digits = sum(map(str.isdigit, text))

    def rewritten(self, text: str) -> "Written":
        """Return what it is if it is written so."""
        return Written(text, fold(text), read_words(text, self.known), self.about, self.known)

    @cached_property
    def is_document(self) -> bool:
        return is_document(self.folded, self.about)

    @cached_property
    def numbers(self) -> "list[Found]":
        """The numbers of some length."""
        if self.digits < _LEAST_OF_NUMBER:
            return []
        return [Found(*found, self.known) for found in _numbers(_without_fillers(self.text))]


class Found(NamedTuple):
    """A number in a text, and the words before and behind it, those before folded."""

    number: Number
    before: str
    after: str
    known: Known

    @property
    def is_run(self) -> bool:
        """Say whether it is written without a gap."""
        return len(self.number.groups) == 1


def identifier(
    text: str, folded: str, tokens: Sequence[Token], about: int, known: Known, *, may_give_contact: bool
) -> Kind | None:
    """The kind of identifier in a text, as a reader sees it, or None.

    `about` are the meanings of all its words together. With `may_give_contact`, an institution's phone, address or page
    was asked for and passes. An identity document never passes.
    """
    if not may_give_contact and (reached := online(text, folded, tokens, about)):
        return reached
    written = Written(text, folded, tokens, about, known)
    for rewritten, table in ((None, AS_WRITTEN), (_with_digits, WITH_DIGITS), (_without_letters, WITHOUT_LETTERS)):
        written = rewritten(written) if rewritten else written
        if kind := table.verdict(written, about | _DIGITS * (written.digits > 0)):
            return kind
    for found in written.numbers:
        if (number := NUMBERS.verdict(found, ANY)) and not (may_give_contact and number in _OF_CONTACT):
            return number
    folded, tokens = written.folded, written.tokens
    if not may_give_contact and _is_phone_spoken(folded, tokens, about, known):
        return "phone"
    if written.digits >= _LEAST and "\n" in written.text and (row := _ITEM.sub("", folded)) != folded:
        folded, tokens = row, read_words(row, known)
    kind = _kind_in_pieces(folded, tokens, about, known)
    return None if may_give_contact and kind == "phone" else kind


def _with_digits(w: Written) -> Written:
    """Write the digits that are said between figures as figures: "829five55"."""
    if not w.digits or not _MIXED.search(w.folded) or (plain := unfused(w.folded)) == w.folded:
        return w
    return w.rewritten(plain)


def _without_letters(w: Written) -> Written:
    """Write the letters that stand for digits behind a word such as "tel" as digits."""
    if w.digits < _LEAST_OF_LETTERED or not _LETTERED.search(w.text) or not _phone_before_words().search(w.folded):
        return w
    return w.rewritten(_LETTERED.sub(lambda found: found[0].translate(_ALIKE), w.text))


def _is_told_apart(w: Written) -> bool:
    is_apart = _said(w.tokens) > 1 or (w.digits and _APART.search(w.folded))
    if not is_apart:
        return False
    said = said_as_code(w.folded)
    return w.is_document if said == w.folded else is_document(said, w.about)


def _said(tokens: Sequence[Token]) -> int:
    """The count of the words that are those of a number and nothing else."""
    return sum(bool(token.what & Is.SAID and not token.what & Is.LINK) for token in tokens)


class Pieces:
    """A number that is told piece by piece, and the words before it."""

    def __init__(self, groups: tuple[str, ...], before: str, about: int, known: Known, *, is_worded: bool) -> None:
        self.groups, self.before, self.about, self.known, self.is_worded = groups, before, about, known, is_worded
        self.digits = "".join(groups)
        begins = self.digits.removeprefix("1") if len(self.digits) == _CEDULA else self.digits
        self.is_area = len(begins) == _FRENCH and begins[:3] in _BEGINNINGS
        self.is_local = self.is_area and (is_worded or max(map(len, groups)) == 1)
        self.has_zero = is_worded and any(group[0] == "0" for group in groups if group != groups[-1] or group != "0")

    @cached_property
    def is_said(self) -> bool:
        """Say whether a word such as "call" stands before it, and its groups are no round counts."""
        return _phone_before_words().search(self.before) is not None and not _are_round(self.groups)


def _is_named(c: Pieces) -> bool:
    return _named_before().search(c.before) is not None


def _kind_in_pieces(folded: str, tokens: Sequence[Token], about: int, known: Known) -> Kind | None:
    """The kind of a number that is told piece by piece: "el 402 y después 1234567 y al final 8"."""
    if about & Is.REPEATED:
        folded = said_again(folded)
    for groups, start, is_worded in told_in_pieces(folded, tokens):
        pieces = Pieces(groups, folded[max(0, start - BEHIND) : start], about, known, is_worded=is_worded)
        if kind := PIECES.verdict(pieces, ANY):
            return kind
    return None


@cache
def _named_before() -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{any_phrase(key)}\b" for key in (*LEAST_OF, VEHICLES) if key != "personal.profile"))


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
        if sum(map(len, groups)) < _LEAST_OF_NUMBER:
            continue
        before = fold(plain[max(0, found.start() - BEHIND) : found.start()])
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


def _is_line(c: Found) -> bool:
    """Say whether it is that of an office: behind the word for a hotline, or round behind that for a line."""
    is_round = c.number.digits.endswith("00") and _line_before().search(c.before)
    return bool(_hotline_before().search(c.before) or is_round) and not is_owned(c.after)


def _is_phone_said(c: Found) -> bool:
    number = c.number
    if not _phone_before().search(c.before) or c.before[-1:] == "-":
        return False
    return not (is_reference(number) or all_years(number) or is_date(number))


def _is_money(c: Found) -> bool:
    return bool(_MONEY_BEFORE.search(c.before) or _MONEY_AFTER.search(fold(c.after)))


def _is_of_code(c: Found) -> bool:
    """Say whether letters before it make a code of it: "DM-2018-0012345"; not a small word."""
    is_code = _CODE_BEFORE.search(c.before) and not _WORD_BEFORE.search(c.before)
    return bool(is_code) and not c.number.is_international


def _is_serial(c: Found) -> bool:
    return c.number.shape in _SERIALS and len(set(c.number.digits)) > 2 and has_luhn_digit(c.number.digits)


def _is_phone_of_three_and_four(c: Found) -> bool:
    return bool(c.number.between[0].strip()) and not is_year(c.number.groups[1])


def _is_phone_of_region(c: Found) -> bool:
    digits = c.number.digits
    may_be = len(digits) >= 8 and (len(c.number.groups) <= _MOST_SINGLE or digits[:3] in _BEGINNINGS)
    return may_be and _is_phone(digits, _REGIONS)


def _is_account(number: Number) -> bool:
    """Say whether it is that of a bank's account; not the day and time of a photo, nor an amount in threes."""
    is_long = len(number.digits) >= _LEAST_OF_ACCOUNT and len(number.groups) > 1 and max(number.shape) >= _LEAST
    return is_long and not is_year(number.groups[0][:4])


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


def _is_cedula(digits: str) -> bool:
    if len(digits) != _CEDULA:
        return False
    from stdnum.do import cedula

    return bool(cedula.is_valid(digits))


def _is_of_haiti(digits: str) -> bool:
    return len(digits) == _CEDULA and digits.startswith("509") and _is_phone(digits[3:], ("HT",))


def _is_national(number: str) -> bool:
    from stdnum.es import dni, nie

    return bool(dni.is_valid(number) or nie.is_valid(number))


PASSES: Final = ""
_OF_CONTACT = frozenset({"phone", "digits"})
# fmt: off
AS_WRITTEN: Table[Written, Kind] = Table(
    Rule("for machines", "identity", ANY, lambda w: "<<" in w.text and is_serial(w.text),
         "P<DOMPEREZ<<ANA<MARIA<<<<"),
    Rule("given by machines", "identity", _DIGITS, lambda w: w.digits >= _LEAST_OF_SERIAL and is_serial(w.text),
         "registrada desde la 203.0.113.47"),
)
WITH_DIGITS: Table[Written, Kind] = Table(
    Rule("a document", "identity", Is.FILED | Is.PROFILE | Is.NUMBER,
         lambda w: w.digits >= _LEAST_OF_LOCATOR and w.is_document,
         "placa A123456"),
)
WITHOUT_LETTERS: Table[Written, Kind] = Table(
    Rule("somebody's by its place", "identity", _HAS_NUMBER, lambda w: w.digits and is_somebodys_number(w.tokens),
         "el interno 0933"),
    Rule("a secret", "identity", Is.SECRETS, lambda w: w.digits and tells_secret(w.folded),
         "la clave es 4512"),
    Rule("reversed", "phone", _DIGITS, lambda w: w.digits >= _LEAST and _reversed().search(w.folded),
         "0091-555-908 (léanlo al revés) es el celular de la hermana"),
    Rule("a document, told apart", "identity", Is.FILED, _is_told_apart,
         "plate of jeepney T X V 9 1 8 the recruiter rides"),
    Rule("a document of Spain", "identity", _DIGITS,
         lambda w: w.numbers and any(_is_national(found[0]) for found in _NATIONAL.finditer(w.text)),
         "presentó 12345678Z"),
    Rule("figures between letters", "phone", _DIGITS,
         lambda w: w.digits >= _LEAST_OF_NUMBER and _SINGLE.search(w.folded),
         "8x0x9x5x5x5x0x1x4x2"),
    Rule("letters for digits", "phone", _DIGITS,
         lambda w: w.digits >= _LEAST_OF_DISGUISED and any(map(_is_disguised, _DISGUISED.finditer(w.text))),
         "8O9-5S5-O133 dejar mensaje"),
)
NUMBERS: Table[Found, Kind | Literal[""]] = Table(
    Rule("a line of the plan, or one that costs nothing", PASSES, ANY,
         lambda c: c.number.digits in c.known.numbers or TOLL_FREE.fullmatch(c.number.digits),
         "hotline +1 809 200 1202 on flyer"),
    Rule("a line of an office", PASSES, ANY, _is_line,
         "la Línea Vida 809-689-7212 recibió 1,204 llamadas"),
    Rule("behind the word for a document", "identity", ANY, lambda c: _document_before().search(c.before),
         "CURP de la mexicana: LOHM970415MCSPRR02"),
    Rule("behind the word for a phone", "phone", ANY, _is_phone_said,
         "número local 555 0177"),
    Rule("money", PASSES, ANY, _is_money,
         "presupuesto de US$2123344"),
    Rule("an account", "digits", ANY, lambda c: _is_account(c.number),
         "CCI para el reembolso de mis pasajes: 002-193-104482917038-14"),
    Rule("the code of an office", PASSES, ANY, _is_of_code,
         "Ver el documento HH-0123456 del archivo."),
    Rule("grouped as a document", "identity", ANY, lambda c: c.number.shape in _DOCUMENTS and not all_years(c.number),
         "CI 223-0099887-1 verificada en migración"),
    Rule("grouped as a bank card", "digits", ANY, lambda c: c.number.shape == (4, 4, 4, 4) and not all_years(c.number),
         "PhilSys number 4418-2097-3361-5082 verified"),
    Rule("a phone of France", "phone", ANY,
         lambda c: c.number.shape == (2, 2, 2, 2, 2) and re.fullmatch("0[1-9]", c.number.groups[0]),
         "04 00 12 34 56"),
    Rule("a phone with its country", "phone", ANY,
         lambda c: c.number.is_international and 8 <= len(c.number.digits) <= 17,
         "The complainant may be contacted by counsel on +63 (917) 555 0142."),
    Rule("a phone with its area", "phone", ANY,
         lambda c: c.number.shape in ((3, 3, 4), (1, 3, 3, 4)) and c.number.digits[-_FRENCH] in "23456789",
         "Auntie in Bartica can be called on 592-655-0147"),
    Rule("of a machine", "identity", ANY, _is_serial,
         "El IMEI del celular incautado a la víctima, 35 694107 221806 3"),
    Rule("short, in one", PASSES, ANY, lambda c: c.is_run and len(c.number.digits) < _LEAST,
         "Cheque 004512 por RD$85,000"),
    Rule("a phone of here, in one", "phone", ANY,
         lambda c: c.is_run and len(c.number.digits) in (10, 11) and _is_phone(c.number.digits, ("DO", "US")),
         "captura_chat_18495550138.png"),
    Rule("a phone of Haiti, in one", "phone", ANY, lambda c: c.is_run and _is_of_haiti(c.number.digits),
         "videyo_50938550127_temwen.mp4"),
    Rule("a cédula, in one", "identity", ANY, lambda c: c.is_run and _is_cedula(c.number.digits),
         "la suya es 22300998873"),
    Rule("round, in one", PASSES, ANY, lambda c: c.is_run and c.number.digits.endswith("00"),
         "Se imprimieron 1500000 afiches."),
    Rule("in one", "digits", ANY, lambda c: c.is_run,
         "Su permiso de protección temporal es el 5518832."),
    Rule("an amount in threes", PASSES, ANY, lambda c: _is_amount(c.number),
         "Le budget, soit 86 500 000 FCFA"),
    Rule("a range", PASSES, ANY, lambda c: _is_range(c.number),
         "2500-3000 personas"),
    Rule("days and years", PASSES, ANY, lambda c: is_date(c.number) or all_years(c.number),
         "Vence el 31-12-2018."),
    Rule("most digits by themselves", "phone", ANY,
         lambda c: sum(size == 1 for size in c.number.shape) > _MOST_SINGLE,
         "509 4 8 5 5 0 1 9 3"),
    Rule("counts", PASSES, ANY, lambda c: _are_counts(c.number),
         "70 50 10 5 5"),
    Rule("a phone without its area", "phone", ANY,
         lambda c: c.number.shape == (3, 4) and _is_phone_of_three_and_four(c),
         "555-1234 es de la casa"),
    Rule("a phone that the library knows", "phone", ANY, _is_phone_of_region,
         "509 3712 3456 se nimewo manman l"),
    Rule("a cédula", "identity", ANY, lambda c: _is_cedula(c.number.digits),
         "la suya es 2230-0998873"),
)
PIECES: Table[Pieces, Kind | Literal[""]] = Table(
    Rule("money", PASSES, ANY, lambda c: _MONEY_BEFORE.search(c.before),
         "RD$ 809 y luego 555 y 0142"),
    Rule("figures without a word between", PASSES, ANY, lambda c: not c.is_worded and max(map(len, c.groups)) > 1,
         "tel 44, 12, 15, 30"),
    Rule("a line that everybody may call", PASSES, ANY,
         lambda c: c.digits in c.known.numbers or TOLL_FREE.fullmatch(c.digits),
         "marque 809 y 200 y 1202"),
    Rule("years", PASSES, ANY, lambda c: all(map(is_year, c.groups)),
         "pasaporte del 2016 y del 2017"),
    Rule("a paper of an office", PASSES, ANY, lambda c: any(map(is_year, c.groups)) and is_reference_before(c.before),
         "llamar: Decreto 809 de 2016 y 555"),
    Rule("a document that is named", "identity", ANY,
         lambda c: len(c.digits) >= _LEAST_IN_PIECES and c.about & Is.FILED and c.is_worded and _is_named(c),
         "numero de cui del niño tres mil veintidos, 44551, 0901"),
    Rule("too short or too long", PASSES, ANY, lambda c: not _LEAST <= len(c.digits) <= _MOST_IN_PIECES,
         "llame al cinco y 0 y 3 y 4"),
    Rule("a cédula", "identity", ANY,
         lambda c: (c.groups[0] in _BEGINNINGS or c.is_worded) and _is_cedula(c.digits),
         "el 223, después 0099, luego 887 y al final 3"),
    Rule("grouped as a document", "identity", ANY,
         lambda c: c.groups[0] == "402" and c.groups[1:] and tuple(map(len, c.groups)) in _DOCUMENTS,
         "el 402 y después 123 y luego 456 y 1"),
    Rule("called, in many pieces", "phone", ANY,
         lambda c: c.is_worded and len(c.groups) > _LEAST_SAID and (c.has_zero or c.is_local) and c.is_said,
         "rele manman ti fi a sou 37 kat ven de 18 09"),
    Rule("a phone that the library knows", "phone", ANY,
         lambda c: (c.is_local or (c.has_zero and len(c.groups) > 2) or c.is_said) and _is_phone(c.digits, _REGIONS),
         "elle répond au 809 virgule 221 virgule 40 quatre-vingts"),
    Rule("called, and of here", "phone", ANY, lambda c: c.is_area and len(c.digits) == _FRENCH and c.is_said,
         "llame al 402 y luego 155 y 1142"),
)
# fmt: on
