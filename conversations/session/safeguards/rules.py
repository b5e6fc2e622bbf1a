"""Rules that are read from top to bottom: the first that applies decides, or each that does adds something.

Each has the sentence that it is for, and none is there for nothing: a test takes each rule out of its table, and its
sentence is then judged otherwise.
"""

from collections.abc import Callable
from functools import lru_cache, reduce
from operator import or_
from typing import Any, Generic, NamedTuple, TypeVar

Case = TypeVar("Case")
Verdict = TypeVar("Verdict")
ANY = 1 << 255
"""What every case means."""


class Rule(NamedTuple, Generic[Case, Verdict]):
    """What is decided for which case. `of` are meanings of which such a case has one; the example is a whole text."""

    name: str
    verdict: Verdict
    of: int
    applies: Callable[[Case], object]
    example: str


class Table(Generic[Case, Verdict]):
    def __init__(self, *rules: Rule[Case, Verdict]) -> None:
        self.rules = rules
        self._of = reduce(or_, (rule.of for rule in rules), 0)

    def verdict(self, case: Case, what: int) -> Verdict | None:
        """Return the verdict of the first rule that applies, or None. `what` are the meanings of the case."""
        for verdict, applies in _of_meanings(self, what & self._of):
            if applies(case):
                return verdict  # type: ignore[no-any-return]
        return None

    def verdicts(self, case: Case, what: int) -> list[Verdict]:
        """Return the verdicts of all rules that apply."""
        return [verdict for verdict, applies in _of_meanings(self, what & self._of) if applies(case)]


@lru_cache(maxsize=4_096)
def _of_meanings(table: Table[Any, Any], what: int) -> tuple[tuple[Any, Callable[[Any], object]], ...]:
    """Return the rules that may apply: a case with no meaning of theirs is not asked for each of fifty."""
    return tuple((rule.verdict, rule.applies) for rule in table.rules if rule.of & (what | ANY))
