"""A form without questions, where a test needs a version that answers can belong to."""

from dataclasses import replace
from typing import Any

from storage.reports.forms import NewForm


def blank_form(plan_id: int, form_id: str = "activity_report", **changes: Any) -> NewForm:
    blank = NewForm(plan_id, form_id, "1", "Reporte", xform="<h:html/>", workbook=b"PK", sha256="0" * 64)
    return replace(blank, **changes)
