"""What a report says about its difficulties, read from its answers.

A digest reads tens of thousands of reports and asks few of them for it, and of most only whether there is a new due
date. So each part is looked for in the text of the answers when it is asked for.
"""

from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import Any

from conversations.plan.figures.standing_records import Detail
from storage.reports.submissions import by_name


class DetailOfAnswers(Detail):
    """A detail whose parts are read from its answers when somebody first asks for them."""

    __slots__ = ("_answers",)

    def __init__(self, answers: str) -> None:
        object.__setattr__(self, "_answers", answers)

    def __getattr__(self, name: str) -> Any:
        """Read this part. Python asks here only for what is not set yet."""
        if name not in _PARTS:
            raise AttributeError(name)
        part = _PARTS[name](self._answers)
        object.__setattr__(self, name, part)
        return part


def detail_of(answers: str) -> Detail:
    """Read all parts of a detail at once."""
    return Detail(*(read(answers) for read in _PARTS.values()))


def _said(answers: str, name: str) -> str:
    """Return what is answered to the question of that name, as `by_name` reads it; "" if nothing is.

    Answers are JSON without spaces. A quote in a text has a backslash before it, so that `":` ends a name.
    """
    asked = f'/{name}":'
    start = answers.rfind(asked) + len(asked)
    if start < len(asked):
        return ""
    if answers[start] != '"' or "\\" in answers or answers.count("{") > 1:  # no text, escapes, or answers of a repeat
        return by_name(answers).get(name, "")
    return answers[start + 1 : answers.index('"', start + 1)]


# Another edition of the form may ask something else here: text that is not a day counts as none.
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


_PARTS: dict[str, Callable[[str], Any]] = {
    "reasons": lambda answers: tuple(_said(answers, "obstacle").split()),
    "needs_decision": lambda answers: _said(answers, "needs_decision") == "yes",
    "decision": lambda answers: _said(answers, "decision_text"),
    "new_due_on": lambda answers: _day(_said(answers, "new_due_date")),
}
assert list(_PARTS) == [field.name for field in fields(Detail)]
