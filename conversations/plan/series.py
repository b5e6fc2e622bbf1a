"""Rows of the plan that continue others under a new code: renamed, merged into one, or split from one.

A code is never given away, and reports keep theirs. So a row that goes on under another code says which codes it
continues, and who reads figures follows them: nothing is added up across codes, because each has its own protection.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar


class Continuing(Protocol):
    """An activity or an indicator."""

    @property
    def code(self) -> str: ...

    @property
    def continues(self) -> str:
        """The codes that it continues, between spaces."""


T = TypeVar("T", bound=Continuing)


def series(rows: Iterable[Continuing]) -> dict[str, str]:
    """Return code → the code under which its series goes on at last; of one that was split, the codes.

    A row that nothing continues goes on under its own code.
    """
    rows = list(rows)
    following: dict[str, list[str]] = {}
    for row in rows:
        for code in row.continues.split():
            following.setdefault(code, []).append(row.code)
    return {row.code: " ".join(_ends(row.code, following)) for row in rows}


def earlier(rows: Mapping[str, T], code: str) -> tuple[T, ...]:
    """Return the rows that this one continues, and those that these continue; the latest first."""
    found: dict[str, T] = {}
    ahead = [code]
    while ahead:
        named = rows[ahead.pop(0)].continues.split()
        new = [each for each in named if each in rows and each != code and each not in found]
        found |= {each: rows[each] for each in new}
        ahead += new
    return tuple(found.values())


def _ends(code: str, following: Mapping[str, list[str]]) -> list[str]:
    """The codes at the end of all that continues this one. In a circle, the code itself."""
    found: dict[str, None] = {}
    seen, ahead = {code}, [code]
    while ahead:
        one = ahead.pop()
        further = [each for each in following.get(one, ()) if each not in seen]
        if not further:
            found[one] = None
        seen.update(further)
        ahead += further
    return sorted(found)
