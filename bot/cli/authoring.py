"""An author's mistakes in a form or a plan: every problem on stderr, the worst first, and exit code 1."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.cli.console import fail, talk
from conversations.wording import wording
from conversations.xforms.problems import AuthorError, Problem, worst_first

T = TypeVar("T")


def authored(read: Callable[[], T], language: str) -> T:
    """Return what `read` returns. If the file cannot be used, print each problem and end with exit code 1."""
    try:
        return read()
    except AuthorError as error:
        print_problems(error.problems, language)
        fail(wording(language)("author.refused", n=len(error.problems)))


def print_problems(problems: Sequence[Problem], language: str) -> None:
    for problem in worst_first(problems):
        remedy = problem.remedy(language)
        place = f"{where}: " if (where := problem.place(language)) else ""
        talk(f"{problem.severity} {problem.code}: {place}{problem.sentence(language)} {remedy}".strip())
