"""What a report says about its difficulties, read from its answers.

A digest reads tens of thousands of reports and asks few of them for it. So answers are parsed when they are asked for.
"""

from dataclasses import fields
from datetime import date
from typing import Any

from conversations.plan.figures.standing_records import Detail
from storage.reports.submissions import by_name


class DetailOfAnswers(Detail):
    """A detail that is read from its answers when somebody first asks for a part of it."""

    __slots__ = ("_answers",)

    def __init__(self, answers: str) -> None:
        object.__setattr__(self, "_answers", answers)

    def __getattr__(self, name: str) -> Any:
        """Read all of it. Python asks here only for what is not set yet."""
        if name not in _PARTS:
            raise AttributeError(name)
        Detail.__init__(self, *parts_of(self._answers))
        return object.__getattribute__(self, name)


_PARTS = frozenset(each.name for each in fields(Detail))


def parts_of(answers: str) -> tuple[tuple[str, ...], bool, str, date | None]:
    """Read the parts of a detail from the answers of a report, in their order."""
    said = by_name(answers)
    return (
        tuple(said.get("obstacle", "").split()),
        said.get("needs_decision") == "yes",
        said.get("decision_text", ""),
        _day(said["new_due_date"]) if "new_due_date" in said else None,
    )


# Another edition of the form may ask something else here: text that is not a day counts as none.
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
