"""An author's mistakes: everything that is wrong with a workbook, at once, each with its place and its remedy.

Forms and plans are written in a spreadsheet by people who are not programmers. Each round trip through Excel costs them
time. So readers collect `Problem`s and go on, and a refused file is refused with the whole list (CONTRIBUTING.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from conversations.wording import wording

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a workbook; `row` counts from 1 as the spreadsheet shows it.

    The sentence and the remedy are catalogue entries `problem.CODE` and `remedy.CODE`, filled from `values`,
    so that the same problem is told in the reader's language.
    """

    code: str
    sheet: str = ""
    row: int | None = None
    column: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = "error"

    def place(self, language: str) -> str:
        """Return the sheet and the cell, as the spreadsheet names it; without a column, the sheet and the row."""
        parts = [self.sheet, f"{self.column}{self.row}" if _is_letter(self.column) and self.row else ""]
        if not parts[1]:
            parts[1:] = [wording(language)("author.row", row=self.row) if self.row else "", self.column]
        return " · ".join(part for part in parts if part)

    def sentence(self, language: str) -> str:
        return wording(language)(f"problem.{self.code}", **self._said(language))

    def remedy(self, language: str) -> str:
        return wording(language)(f"remedy.{self.code}", **self._said(language))

    def _said(self, language: str) -> dict[str, object]:
        """Return the values for the sentences. Values that are words themselves are translated."""
        say = wording(language)
        values = dict(self.values)
        if "way" in values:
            values["how"] = say(f"way.{values['way']}")
        if nearest := values.get("suggestion"):
            values["suggestion"] = say("author.suggestion", value=nearest)
        return values


def worst_first(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then the rest, each in the order of the author's file."""
    return sorted(problems, key=lambda problem: get_args(Severity).index(problem.severity))


def _is_letter(column: str) -> bool:
    return len(column) <= 3 and column.isalpha() and column.isupper()


class AuthorError(Exception):
    """A workbook that cannot be used. `problems` has everything that was found, never just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s): {', '.join(sorted({p.code for p in problems}))}")
        self.problems = tuple(problems)
