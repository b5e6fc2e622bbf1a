"""Conversations by rules: what a person answers to which question, and how one knows that an answer was lost.

A load driver that only counts messages calls a bot fast that has lost its place. So a conversation is checked as
it goes: a question nobody expects, one asked twice, one left out, or a last screen that does not show what was
typed ends it as failed.
"""

import re
from dataclasses import dataclass

PRESS = "press:"


@dataclass(frozen=True, slots=True)
class Rule:
    """A question, known by a regular expression, and its answer.

    The answer is typed, or `press:REGEX` names the button. `{n}` in it becomes a number of this conversation's
    own; a question that `recalls` must show everything that was typed with one.
    """

    asked: str
    answer: str
    recalls: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: how it begins, its questions in order, and the message that ends it."""

    start: str
    rules: tuple[Rule, ...]
    done: str

    def compiled(self) -> list[tuple[re.Pattern[str], Rule]]:
        return [(re.compile(rule.asked), rule) for rule in self.rules]


FORM = (
    Rule(r"Q1\. What do you report", "press:Water"),
    Rule(r"Q2\. How many", "{n}"),
    Rule(r"Q3\. Describe it", "pump {n} is dry"),
    Rule(r"Q4\. On which date", "2018-09-15"),
    Rule(r"Q5\. Is it urgent", "press:Yes"),
    Rule(r"Q6\. Save it", "press:Save", recalls=True),
)
"""The form that every bot of the comparison plays: six questions, seven interactions."""

TALKS = {
    "form": Talk("/start", FORM, r"Saved as number"),
    "enlace-form": Talk("/referrals", FORM, r"Receipt no\. \d+"),
}
