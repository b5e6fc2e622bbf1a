"""Numbers that machines give: of a phone, a card, an account, a car, a computer. Each is known by its shape alone.

Where a standard has check digits, they are asked too, so the reference of a letter is none of these.
"""

import re
from collections.abc import Callable

_LEAST = 12
"""Characters of the shortest of them."""


def is_serial(text: str) -> bool:
    """Say whether a text has such a number."""
    if len(text) < _LEAST:
        return False
    return any(is_valid(found[0]) for pattern, is_valid in _SERIALS for found in pattern.finditer(text))


def has_luhn_digit(digits: str) -> bool:
    """Say whether the last digit checks the others, as in a phone's IMEI or on a bank card."""
    from stdnum import luhn

    return bool(luhn.is_valid(digits))


def _is_iban(found: str) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(found))


def _is_internet_address(found: str) -> bool:
    """Say whether it is "190.167.44.12": a line of a budget, "2.2.8.7", has small numbers, and an amount has zeros."""
    parts = found.split(".")
    is_plain = all(int(part) < 256 and (part == "0" or part[0] != "0") for part in parts)
    return is_plain and sum(len(part) > 2 for part in parts) > 1


def _is_vehicle(found: str) -> bool:
    digits = sum(map(str.isdigit, found))
    return 5 <= digits <= 14 and found[-3:].isdigit()


def _is_chip(found: str) -> bool:
    return has_luhn_digit(re.sub(r"\D", "", found))


def _has_letter(found: str) -> bool:
    """Say whether a number in pairs is no row of counts or times: "10-10-10-10-10-10"."""
    return any(map(str.isalpha, found))


def _is_shape(found: str) -> bool:
    return bool(found)


def _is_phone_in_columns(found: str) -> bool:
    """Say whether it is "829,555,0142": an amount of money has its digits in threes."""
    import phonenumbers

    return bool(phonenumbers.is_valid_number(phonenumbers.parse(re.sub(r"\D", "", found), "DO")))


_SERIALS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b", re.IGNORECASE), _is_iban),
    (re.compile(r"(?<![\w.$€])(?<![$€] )[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![.\w])"), _is_internet_address),
    (re.compile(r"\b(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}\b", re.IGNORECASE), _has_letter),  # a network card
    (re.compile(r"\b[A-HJ-NPR-Z0-9]{17}\b"), _is_vehicle),
    (re.compile(r"\b89[0-9]{2}(?: ?[0-9]){14,16}\b"), _is_chip),
    (
        re.compile(r"\b(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,59}|[13][A-HJ-NP-Za-km-z1-9]{25,34})\b"),
        _is_shape,
    ),  # a wallet
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), _is_shape),
    (re.compile(r"\b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b|\bmac\W{1,3}[0-9a-f]{12}\b", re.IGNORECASE), _has_letter),
    (re.compile(r"\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b|\b[0-9a-f]{3,4}::?[0-9a-f:]*:[0-9a-f]{1,4}\b"), _has_letter),
    (re.compile(r"\b1Z[0-9A-Z]{16}\b"), _is_shape),  # a parcel
    (re.compile(r"\b[0-9]{3}-[0-9]{2}[A-Z][0-9]{5}\b"), _is_shape),  # of the UN, for refugees
    (re.compile(r"(?<![\w.,:$€])[2-9][0-9]{2}([,:;])[0-9]{3}\1[0-9]{4}(?![\w:])"), _is_phone_in_columns),
    (re.compile(r"\b[PIAC][A-Z<][A-Z]{3}[A-Z]+<<"), _is_shape),  # the lines for machines of a passport
)
