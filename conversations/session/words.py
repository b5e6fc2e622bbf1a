"""The words for what a respondent may do: go back, skip, add another, yes, no."""

from collections.abc import Mapping
from functools import cache

from conversations.languages import FIRST
from conversations.session.reading.text import normalise
from conversations.wording import wording


@cache
def navigation_words(language: str) -> Mapping[str, str]:
    """Each word for going back, skipping, leaving and sending, in a language and in Spanish."""
    known: dict[str, str] = {}
    for action in ("back", "skip", "leave", "send"):
        for say in (wording(language), wording(FIRST)):
            for word in say(f"words.{action}").split("|"):
                known.setdefault(normalise(word), action)
    return known


@cache
def words_for(language: str, about: str) -> Mapping[str, str]:
    """The words for acts at a repeat, a question or a line, in a language and in Spanish: word → action."""
    actions = {"another": ("done", "add", "edit", "remove"), "sure": ("yes", "no"), "line": ("done", "undo")}[about]
    known: dict[str, str] = {}
    for say in (wording(language), wording(FIRST)):
        for action in actions:
            for word in say(f"words.{action}").split("|"):
                known.setdefault(normalise(word), action)
    if about == "another":
        for answer, action in words_for(language, "sure").items():
            known.setdefault(answer, {"yes": "add", "no": "done"}[action])
    return known


def whole_number(text: str) -> int:
    """Read a text as a whole number. -1 if it is not one."""
    return int(text) if text.isdecimal() and len(text) < 9 else -1
