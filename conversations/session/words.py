"""The words for what a respondent may do: go back, skip, add another, yes, no."""

from collections.abc import Mapping
from functools import cache

from conversations.languages import FIRST
from conversations.session.reading.text import normalise
from conversations.wording import wording

ACTIONS = {
    "navigation": ("back", "skip", "leave", "send"),
    "another": ("done", "add", "edit", "remove"),
    "sure": ("yes", "no"),
    "line": ("done", "undo"),
}
"""What can be said in a word: anywhere, behind a repeat, to a question about an act, of a line of points."""


@cache
def words_for(language: str, about: str) -> Mapping[str, str]:
    """The words for the actions of one row of `ACTIONS`, in a language and in Spanish: word → action."""
    known: dict[str, str] = {}
    for say in (wording(language), wording(FIRST)):
        for action in ACTIONS[about]:
            for word in say(f"words.{action}").split("|"):
                known.setdefault(normalise(word), action)
    if about == "another":
        for answer, action in words_for(language, "sure").items():
            known.setdefault(answer, {"yes": "add", "no": "done"}[action])
    return known


def whole_number(text: str) -> int:
    """Read a text as a whole number. -1 if it is not one."""
    return int(text) if text.isdecimal() and len(text) < 9 else -1
