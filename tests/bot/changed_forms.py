"""The shipped form, changed as somebody would in Excel."""

from collections.abc import Callable
from typing import Any

import openpyxl

from tests import ROOT
from tests.bot.house import Town


def publish_changed(town: Town, version: str, change: Callable[[Any], None]) -> None:
    """The shipped activity report, changed as somebody would in Excel, published anew under a version of its own."""
    workbook = openpyxl.load_workbook(ROOT / "conversations" / "forms" / "activity_report.xlsx")
    change(workbook)
    workbook["settings"]["C2"] = version
    changed = town.folder / f"{version}.xlsx"
    workbook.save(changed)
    published = town.enlace("form", "publish", str(changed))
    assert published.returncode == 0, published.stderr
