"""Numbers by their groups of digits: a day, years, a reference."""

import re
from dataclasses import dataclass

GROUPS = re.compile(r"[0-9]+")
LEAST_OF_CODE = 3
"""Digits of the shortest number of a document or a plate."""
TOLL_FREE = re.compile(r"1?(?:809|1)?200[0-9]{4}|1?8(?:00|33|44|55|66|77|88)[0-9]{7}|0?800[0-9]{4,6}")
"""Lines that cost nothing, of next door too: nobody lives there."""


@dataclass(frozen=True, slots=True)
class Number:
    groups: tuple[str, ...]
    between: tuple[str, ...]
    is_international: bool

    @property
    def digits(self) -> str:
        return "".join(self.groups)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(group) for group in self.groups)


def is_date(number: Number) -> bool:
    return number.shape in ((2, 2, 4), (1, 2, 4), (2, 1, 4), (1, 1, 4), (4, 2, 2), (4, 1, 2), (4, 2, 1)) and any(
        is_year(group) for group in number.groups
    )


def is_reference(number: Number) -> bool:
    """ "112-2025": a short number and a year, in either order."""
    groups = number.groups
    return len(groups) == 2 and any(map(is_year, groups)) and min(number.shape) <= LEAST_OF_CODE + 1


def all_years(number: Number) -> bool:
    return all(is_year(group) for group in number.groups)


def is_year(group: str) -> bool:
    return len(group) == 4 and group[:2] in ("19", "20")
