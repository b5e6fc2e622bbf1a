"""Read the sheets of a form: from a workbook that was measured first, or from tables in Markdown."""

import re

from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.workbook import Sheet, Size

MAX_SURVEY_ROWS = 5_000
MAX_CHOICE_ROWS = 60_000
MAX_CELLS = 500_000
"""Filled cells of a workbook, in all sheets: each is built twice, here and by the converter."""
MAX_LINES = 130_000
"""Rows of all its sheets, also the empty ones that some programs write."""
MAX_MARKDOWN_BYTES = 8 * 1024 * 1024
MAX_MARKDOWN_CELLS = 400_000


def check_size(size: Size) -> None:
    """AuthorError for a size that no form has, before anything is built."""
    survey = next((name for name in size.rows if len(size.rows) == 1 or name.casefold() == "survey"), None)
    for name, rows in size.rows.items():
        limit = MAX_SURVEY_ROWS if name == survey else MAX_CHOICE_ROWS
        if rows > limit + 1:  # the header
            raise AuthorError([Problem("xlsform.too_long", name, values={"limit": limit})])
    if size.cells > MAX_CELLS or size.lines > MAX_LINES:
        raise AuthorError([Problem("workbook.too_many_cells")])


def markdown_sheets(data: bytes) -> tuple[Sheet, ...]:
    sheets: list[Sheet] = []
    name, header, rows, number = "", list[str](), list[tuple[int, dict[str, str]]](), 0
    if len(data) > MAX_MARKDOWN_BYTES:
        values = {"size": -(-len(data) // 2**20), "limit": MAX_MARKDOWN_BYTES // 2**20}
        raise AuthorError([Problem("workbook.too_big", values=values)])
    if data.count(b"|") > MAX_MARKDOWN_CELLS:
        raise AuthorError([Problem("workbook.too_many_cells")])
    for line in data.decode("utf-8-sig", "replace").splitlines():
        line = line.strip()
        if not line.startswith("|"):
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if cells and cells[0]:
            if name:
                sheets.append(_markdown_sheet(name, header, rows))
            name, header, rows, number = cells[0], [], [], 0
        elif name and cells and not all(re.fullmatch(r":?-*:?", cell) for cell in cells if cell):
            number += 1
            if not header:
                header = cells[1:]
            else:
                row = {title: cell for title, cell in zip(header, cells[1:], strict=False) if title and cell}
                rows.append((number, row))
    if name:
        sheets.append(_markdown_sheet(name, header, rows))
    if not sheets:
        raise AuthorError([Problem("workbook.no_sheet")])
    return tuple(sheets)


def _markdown_sheet(name: str, header: list[str], rows: list[tuple[int, dict[str, str]]]) -> Sheet:
    return Sheet(name, 1, {title: title for title in header if title}, tuple(row for row in rows if row[1]))
