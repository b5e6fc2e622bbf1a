"""The shipped plan's workbook, changed as somebody would in Excel, and short ways to import it."""

import io
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from xlsxwriter import Workbook

from conversations.xforms import workbook
from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.workbook import _sheet
from storage.database.models import PLAN_CHANGED, Base
from storage.imports import applying, history
from storage.imports.differences import Differences
from storage.imports.history import Undo
from storage.imports.reading import PlanDraft, read_plan
from storage.open_database import Database
from storage.seed import SEED_PLAN, seed_workbook
from storage.unit_of_work import UnitOfWork
from tests.storage.database.put_back import is_empty, once_made

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LATER = datetime(2018, 11, 20, 12, 0, tzinfo=UTC)
LATER_STILL = LATER + timedelta(days=1)

Cells = dict[str, list[list[Any]]]
Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@cache
def _seed_cells() -> Cells:
    book = load_workbook(io.BytesIO(seed_workbook()), read_only=True)
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}


@cache
def seed_draft() -> PlanDraft:
    return read_plan(seed_workbook())


class Book:
    """The seed workbook, to be changed as somebody would in Excel."""

    def __init__(self) -> None:
        self.cells = deepcopy(_seed_cells())

    def row(self, sheet: str, code: str) -> int:
        return next(number for number, row in enumerate(self.cells[sheet]) if code in row[:2])

    def column(self, sheet: str, header: str) -> int:
        return self.cells[sheet][0].index(header)

    def put(self, sheet: str, code: str, header: str, value: object) -> "Book":
        self.cells[sheet][self.row(sheet, code)][self.column(sheet, header)] = value
        return self

    def add_column(self, sheet: str, header: str) -> "Book":
        for row in self.cells[sheet]:
            row.append(None)
        self.cells[sheet][0][-1] = header
        return self

    def drop(self, sheet: str, *codes: str) -> "Book":
        self.cells[sheet] = [row for row in self.cells[sheet] if row[0] not in codes]
        return self

    def drop_column(self, sheet: str, header: str) -> "Book":
        position = self.column(sheet, header)
        for row in self.cells[sheet]:
            del row[position]
        return self

    def cadences(self, **days: tuple[int, int, int, int]) -> "Book":
        """With a sheet of these cadences: opening, due, grace, lock."""
        head = ["code", "opening_day", "due_day", "grace_day", "lock_day"]
        self.cells["cadences"] = [head, *([code, *numbers] for code, numbers in days.items())]
        return self

    def data(self) -> bytes:
        file = io.BytesIO()
        how = {"in_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_urls": False}
        with Workbook(file, how) as book:
            for name, rows in self.cells.items():
                sheet = book.add_worksheet(name)
                for number, row in enumerate(rows):
                    sheet.write_row(number, 0, row)
        return file.getvalue()

    def draft(self) -> PlanDraft:
        """The plan in it, without the quarter of a second that it takes to write the file and to read it."""
        sheets = (_sheet(name, enumerate(map(tuple, rows), start=1)) for name, rows in self.cells.items())
        opened = workbook.Book(tuple(sheet for sheet in sheets if sheet is not None))
        return read_plan(repr(self.cells).encode(), lambda data, names: opened)

    def problems(self) -> list[Problem]:
        with pytest.raises(AuthorError) as refused:
            read_plan(self.data())
        return list(refused.value.problems)

    def errors(self) -> list[tuple[str, str]]:
        return [(p.code.removeprefix("plan."), p.place("es")) for p in self.problems() if p.severity == "error"]


def with_targets(*rows: tuple[object, ...]) -> Book:
    book = Book()
    book.cells["targets"] = [["indicator_code", "target_date", "target"], *map(list, rows)]
    return book


def with_resources(*rows: tuple[object, ...]) -> Book:
    book = Book()
    book.cells["resources"] = [["activity_code", "source", "amount", "currency"], *map(list, rows)]
    return book


def with_units(*rows: tuple[object, ...], units: tuple[tuple[object, ...], ...] = ()) -> Book:
    """Return a book in which these units report: (activity, unit, target). All are MIREX's if nothing is said."""
    book = Book()
    units = units or tuple((code, "MIREX", f"Unidad {code}") for code in sorted({str(row[1]) for row in rows}))
    head = ["code", "agency_code", "name_es", "active_from", "active_to"]
    book.cells["units"] = [head, *([*row, None, None][:5] for row in units)]
    book.cells["activity_units"] = [["activity_code", "unit_code", "target"], *([*row, None][:3] for row in rows)]
    return book


def wrong_units() -> Book:
    rows = ("PRE-101", "NY"), ("PRE-101", "NYC"), ("PRE-102", "NY", -1), ("PRE-101", "NY")
    return with_units(*rows, units=(("NY", "MIREX", "Nueva York"), ("SD", "MIREXX", "Santo Domingo")))


def bring(
    draft: PlanDraft, now: datetime = NOW, code: str = SEED_PLAN, *, changed_on: date | None = None, same: str = ""
) -> Callable[[UnitOfWork], Differences]:
    """Import it. What is shipped is put back into a database that is empty: it had been imported into such a one."""

    def work(unit: UnitOfWork) -> Differences:
        def imported(unit: UnitOfWork) -> Differences:
            return applying.apply(unit, draft, code, None, now, changed_on=changed_on, same=same.split())

        if draft is seed_draft() and is_empty(unit):
            return once_made(f"{code}, imported at {now}", unit, imported)
        return imported(unit)

    return work


def told(found: Differences) -> list[tuple[object, ...]]:
    return [(one.kind, one.table, one.code, one.column, one.old, one.new) for one in found]


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for the fact that says which transaction was the last to change the plan."""
    with database.reader() as connection:
        return {
            name: [
                tuple(row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
                if PLAN_CHANGED not in row
            ]
            for name, table in Base.metadata.tables.items()
        }


def take_back(unit: UnitOfWork) -> Undo | None:
    """The last import, if it can be."""
    plan_id = unit.plans.only().id
    found = history.look_back(unit, plan_id, LATER_STILL)
    return found and history.undo(unit, plan_id, found.import_id, actor_id=None, now=LATER_STILL)
