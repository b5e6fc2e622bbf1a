"""The page about the plan's workbook is what the reader of workbooks knows."""

import runpy

from tests import ROOT


def test_the_page_has_every_sheet_column_and_word() -> None:
    """It is made from the table that reads them; whoever changes that makes the page again."""
    made = runpy.run_path(str(ROOT / "docs" / "workbook.py"))
    assert made["OUT"].read_text("utf-8") == made["page"](), "run: python docs/workbook.py"
