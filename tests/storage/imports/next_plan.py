"""The plan that follows the shipped one: the same rows eight years later, and what became of each."""

import re

from tests.storage.imports.plan_books import Book

NEXT = "do-trata-2025-2028"
HEAD = ["code", "relation", "new_codes", "reason_es"]


def next_plan(*rows: tuple[str, ...], says_the_rest: bool = True) -> Book:
    """Return its workbook. `rows` are of the sheet `succession`; every other row of the plan continues as it was."""
    book = Book().put("settings", "do-trata-2017-2020", "code", NEXT)
    for sheet, header in (("activities", "start_date"), ("activities", "due_date"), ("indicators", "target_date")):
        position = book.column(sheet, header)
        for row in book.cells[sheet][1:]:
            row[position] = re.sub(r"\d{4}", lambda year: str(int(year[0]) + 8), str(row[position] or ""), count=1)
    told = {row[0] for row in rows}
    every = [row[0] for sheet in ("activities", "indicators") for row in book.cells[sheet][1:]]
    rest = [[code, "continued", code, ""] for code in every if says_the_rest and code not in told]
    book.cells["succession"] = [HEAD, *([*row, "", ""][:4] for row in rows), *rest]
    return book
