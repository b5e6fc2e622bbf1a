"""What is done to the plan as a whole: imported from its workbook, taken back."""

from conversations.wording import Wording
from storage.imports.history import Hanging


def hanging_sentence(one: Hanging, say: Wording) -> str:
    """What hangs on a row that would go, such as "actividad A-199: reportes, 2"."""
    key = f"plan.hangs.{one.what}"
    what = say(key) if key in say else say("plan.hangs.other")
    return f"{say(f'plan.table.{one.table}')} {one.code}: {what}, {one.count}"
