"""Failures on command.

Bots break less from refusals than from silence: a message was delivered, but the connection broke before the answer. So
a fault has a side. `before`: nothing happened in the world. `after`: everything happened, and only the answer is lost.
A fault that never struck proves nothing, so each rule counts its hits and stays in the list when it is used up: a test
asserts `hits`.

    kind        what the bot gets
    refuse      an error in Telegram's form: status (400) and description
    429         Too Many Requests with retry_after
    5xx         an error in Telegram's form: status (502)
    html        a gateway's page instead of JSON: status (502)
    truncated   the answer's JSON, cut in half
    reset       the connection reset, no answer
    timeout     nothing for `delay` seconds (60), then the connection is closed
    slow        the true answer, `delay` seconds late
    repeat      the true answer; but getUpdates forgets nothing it was told to forget, a webhook update comes twice
"""

import random
import re
from collections.abc import Iterable
from dataclasses import asdict, field
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, ConfigDict
from pydantic.dataclasses import dataclass

Kind = Literal["refuse", "429", "5xx", "html", "truncated", "reset", "timeout", "slow", "repeat"]
When = Literal["before", "after"]
KINDS: Final = frozenset(get_args(Kind))

Json = dict[str, Any]


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(str(error)) from None
    return text


@dataclass(config=ConfigDict(extra="forbid"))
class Fault:
    """One rule. Without `times` and `probability` it strikes every time until it is removed.

    `method` is a regular expression for the whole name; "webhook" and "download" mean deliveries to the bot and /file.
    With `chat`, it strikes only calls for that chat.
    """

    kind: Kind
    method: Annotated[str, AfterValidator(_expression)] = ".*"
    chat: int | None = None
    when: When = "before"
    status: int | None = None
    description: str = ""
    retry_after: int = 1
    delay: float | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    skip: int = 0  # let so many calls pass first
    id: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - repeatable on purpose

    def as_json(self) -> Json:
        return {"id": self.id} | asdict(self)

    def strikes(self, method: str, chat: object) -> bool:
        """Whether this call is hit. A hit is counted."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.chat is not None and str(chat) != str(self.chat):
            return False
        if re.fullmatch(self.method, method, re.IGNORECASE) is None:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1.0 and self._dice.random() >= self.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The present rules. The first that strikes counts."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._next = 1

    def add(self, fault: Fault) -> Fault:
        fault.id = self._next
        self._next += 1
        self.rules.append(fault)
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """Remove one rule, or all."""
        self.rules = [] if fault_id is None else [rule for rule in self.rules if rule.id != fault_id]

    def draw(self, method: str, chat: object) -> Fault | None:
        return next((rule for rule in self.rules if rule.strikes(method, chat)), None)

    def hits(self, ids: Iterable[int] | None = None) -> int:
        return sum(rule.hits for rule in self.rules if ids is None or rule.id in ids)
