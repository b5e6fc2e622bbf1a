"""Read an .xls of Excel 97-2003 as the .xlsx that Excel would save. Many published forms are still .xls files.

xlrd reads it, as it does for pyxform. xlrd trusts the file, so this runs in a child process that the file may crash
(`storage.reports.confinement`). The result is checked like every other .xlsx.
"""

import io
from typing import Any

from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.workbook import MAX_COLUMNS, MAX_ROWS

MAX_CELLS = 500_000


def as_xlsx(data: bytes) -> bytes:
    """Convert the sheets: texts, numbers, dates, booleans, and the results of formulas. AuthorError with a reason."""
    import xlrd  # only for those who send one

    try:
        with xlrd.open_workbook(file_contents=data, on_demand=True, ragged_rows=True) as book:
            return _written(book, xlrd)
    except AuthorError:
        raise
    except Exception as error:  # whatever a damaged file makes the library trip over
        raise AuthorError([Problem("workbook.damaged")]) from error


def _written(book: Any, xlrd: Any) -> bytes:
    import xlsxwriter  # likewise

    made = io.BytesIO()
    left = MAX_CELLS
    with xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as copy:
        as_date = copy.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name in book.sheet_names():
            sheet = book.sheet_by_name(name)
            left -= sum(map(sheet.row_len, range(sheet.nrows)))  # a cell that is formatted and empty is not included
            if sheet.nrows > MAX_ROWS or sheet.ncols > MAX_COLUMNS or left < 0:
                raise AuthorError([Problem("workbook.too_many_cells")])
            target = copy.add_worksheet(name)
            for row in range(sheet.nrows):
                for column, cell in enumerate(sheet.row(row)):
                    if cell.ctype == xlrd.XL_CELL_DATE:
                        since_1900 = cell.value + (1462 if book.datemode else 0)
                        target.write_number(row, column, since_1900, as_date)
                    else:
                        _write_cell(target, row, column, cell, xlrd)
            book.unload_sheet(name)
    return made.getvalue()


def _write_cell(target: Any, row: int, column: int, cell: Any, xlrd: Any) -> None:
    match cell.ctype:
        case xlrd.XL_CELL_TEXT if cell.value.strip():
            target.write_string(row, column, cell.value)
        case xlrd.XL_CELL_NUMBER:
            target.write_number(row, column, cell.value)
        case xlrd.XL_CELL_BOOLEAN:
            target.write_boolean(row, column, bool(cell.value))
