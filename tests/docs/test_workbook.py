"""The page about the plan's workbook, and the schema beside it, are what the reader of workbooks knows."""

import json
import runpy
from typing import Any

import jsonschema
import pytest

from conversations.xforms.workbook import read_book
from storage.imports.sheets import READ
from storage.seed import seed_workbook
from tests import ROOT

MADE = runpy.run_path(str(ROOT / "docs" / "workbook.py"))


@pytest.mark.parametrize(("file", "text"), [("OUT", "page"), ("SCHEMA", "schema")])
def test_the_page_has_every_sheet_column_and_word(file: str, text: str) -> None:
    """It is made from the models that read them; whoever changes those makes the page again."""
    assert MADE[file].read_text("utf-8") == MADE[text](), "run: python docs/workbook.py"


def test_the_schema_is_of_a_workbook_that_is_read() -> None:
    """The shipped plan has its shape, and a plan with a wrong word has not."""
    schema, known = json.loads(MADE["schema"]()), {each.name: each.row.columns for each in READ}
    numbers = {header for columns in known.values() for header, one in columns.items() if one.kind == "whole"}
    book: dict[str, Any] = {
        sheet.name: [
            {name: int(text) if name in numbers else text for name, text in row.items()} for _, row in sheet.rows
        ]
        for sheet in read_book(seed_workbook(), known).sheets
        if sheet.name in known
    }
    jsonschema.validate(book, schema)
    book["indicators"][0]["unit"] = "persons"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(book, schema)
