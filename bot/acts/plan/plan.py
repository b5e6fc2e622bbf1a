"""Acts on the whole plan."""

from conversations.wording import Wording
from storage.imports.history import Hanging


def hanging_sentence(one: Hanging, say: Wording) -> str:
    """What depends on a row that would vanish, such as "actividad A-199: reportes, 2"."""
    key = f"plan.hangs.{one.what}"
    what = say(key) if key in say else say("plan.hangs.other")
    return f"{say(f'plan.table.{one.table}')} {one.code}: {what}, {one.count}"
