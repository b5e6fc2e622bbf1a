"""Answers that came before their question, because a journey to PostgreSQL is dearer than a statement in it.

A group reads for all its units at once what they begin with, and what they say last (`Unit.say_last`). Each answer is
given once, to exactly this question. It is dropped as soon as the unit writes a table that it was read from; then the
question is asked as any other.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from storage.database.steady import UNKNOWN


class Known(NamedTuple):
    """The rows that answer a question."""

    bound: tuple[Any, ...]
    """The parameters of the question, as the driver writes them."""
    rows: list[Any]
    tables: frozenset[str]
    """What they were read from."""


class Ahead:
    """What is known before the present unit asks for it: an answer for each SQL."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}

    def begin(self, known: Mapping[str, Known]) -> None:
        """Begin a unit with these answers, and with nothing that was left by the one before."""
        self.known = dict(known)

    def take(self, sql: str, bound: tuple[Any, ...]) -> list[Any] | None:
        """Return the rows that answer this question; None if it must be asked."""
        found = self.known.get(sql)
        if found is None or found.bound != bound:
            return None
        del self.known[sql]
        return found.rows

    def note(self, writes: str) -> None:
        """Note that this table is about to be changed; blank for none, UNKNOWN if in doubt."""
        if writes and self.known:
            kept = {} if writes == UNKNOWN else self.known
            self.known = {sql: known for sql, known in kept.items() if writes not in known.tables}
