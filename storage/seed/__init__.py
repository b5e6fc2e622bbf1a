"""The plan that is shipped with the bot, as an example to look at and to try."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Final

from conversations.plan.periods import USUAL_CADENCES, Frequency
from conversations.xforms.workbook import Book, Sheet, read_book

SEED_PLAN: Final = "do-trata-2017-2020"
"""Its code, which its sheet `settings` names too."""
EXAMPLE: Final = "ejemplo-"
"""How the code of the example begins. Its years follow."""
_NAMES: Final[Mapping[str, str]] = {"es": "Ejemplo", "en": "Example", "ht": "Egzanp", "fr": "Exemple"}
_BEGINS: Final = date(2018, 8, 1)
"""The first day on which half of the shipped plan's agencies have something to report."""
_LOCKS: Final = 32
"""In the example a period locks when the next month has opened, so that on each day something can be reported."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_PLAN_YEARS = re.compile(r"2017-2020")


def seed_workbook() -> bytes:
    return (files("storage") / "seed" / "plan.xlsx").read_bytes()


class Example:
    """The shipped plan as if it had begun this year. Opens the workbook for `read_plan`, with its rows changed.

    All years move by the same number. It is the largest one with which something can be reported today: before August,
    the activities began last year.
    """

    def __init__(self, today: date) -> None:
        self._years = today.year - _BEGINS.year - (today.month < _BEGINS.month)
        self.code = f"{EXAMPLE}{_BEGINS.year + self._years}-{2020 + self._years}"

    def read(self, data: bytes, names: Collection[str]) -> Book:
        book = read_book(data, names)
        sheets = [
            replace(sheet, rows=tuple((number, self._row(sheet.name, row)) for number, row in sheet.rows))
            for sheet in book.sheets
        ]
        return replace(book, sheets=(*sheets, _cadences()))

    def _row(self, sheet: str, row: Mapping[str, str]) -> dict[str, str]:
        return {header: self._cell(sheet, header, text) for header, text in row.items()}

    def _cell(self, sheet: str, header: str, text: str) -> str:
        if sheet == "settings":
            return self._of_plan(header, text)
        if header.endswith("_date") or header == "baseline_period":
            return self._later(text)
        if sheet == "indicators" and header in ("baseline_source", "note") and _YEAR.search(text):
            return "ejemplo / example"  # what a source says of one year, it does not say of another
        return text

    def _of_plan(self, header: str, text: str) -> str:
        if header == "code":
            return self.code
        name = _NAMES.get(header.removeprefix("name_"))
        return f"{name} · {_PLAN_YEARS.sub(self.code.removeprefix(EXAMPLE), text)}" if name else text

    def _later(self, text: str) -> str:
        return _YEAR.sub(lambda found: str(int(found[0]) + self._years), text)


def _cadences() -> Sheet:
    """The usual days, but the lock comes later."""
    rows = []
    for number, frequency in enumerate(Frequency, 2):
        days = USUAL_CADENCES[frequency.period_type]
        row = {"code": frequency.value, "opening_day": days.opening, "due_day": days.due, "grace_day": days.grace}
        rows.append((number, {header: str(value) for header, value in (row | {"lock_day": _LOCKS}).items()}))
    headers = dict(zip(rows[0][1], "ABCDE", strict=True))
    return Sheet("cadences", 1, headers, tuple(rows))
