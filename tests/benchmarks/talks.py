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

ACTIVITY = (
    Rule(r"left to report", r"press:B\d+-\d+"),
    Rule(r"How is the activity going", "press:In progress"),
    Rule(r"What percentage is done", "press:50"),
    Rule(r"How many units so far", "{n}"),
    Rule(r"Did this activity reach people", "press:Yes"),
    Rule(r"How many people in total", "100"),
    Rule(r"How many women", "40"),
    Rule(r"How many men", "30"),
    Rule(r"How many girls", "20"),
    Rule(r"How many boys", "10"),
    Rule(r"Whom did it mainly reach", "press:Skip"),
    Rule(r"What evidence", "press:later"),
    Rule(r"Where did it take place", "press:Nationwide"),
    Rule(r"What is the next step", "the next {n} spots go on air"),
    Rule(r"Please check", "press:Send", recalls=True),
)
"""The monthly report of one activity, from the due list."""

REFERRAL = (
    Rule(r"I will not write names", "press:Understood"),
    Rule(r"From which region", "press:Ozama"),
    Rule(r"How many people were referred", "12"),
    Rule(r"Women \(18 or over\)", "5 4 2 1 0"),
    Rule(r"Already receive at least one service", "6 4 1 1"),
    Rule(r"Which services were activated", "press:Health"),
    Rule(r"Which services were activated", "press:Done"),
    Rule(r"Which were missing", "press:Skip"),
    Rule(r"Who made the referrals", "press:Police"),
    Rule(r"Who made the referrals", "press:Done"),
    Rule(r"What would improve the response", "press:Skip"),
    Rule(r"What level of care", "press:Restricted"),
    Rule(r"there are no names or data", "press:Understood"),
    Rule(r"Please check", "press:Send"),
)
"""The monthly totals of referrals: sealed, and every text read for personal data."""

TALKS = {
    "form": Talk("/start", FORM, r"Saved as number"),
    "enlace-form": Talk("/referrals", FORM, r"Receipt no\. \d+"),
    "activity": Talk("/pending", ACTIVITY, r"Receipt no\. \d+"),
    "referral": Talk("/referrals", REFERRAL, r"Receipt no\. \d+"),
}
