"""The sentences that the guard is measured on: one table.

`since` is the number of the set that brought a sentence; test_guard_measured.py says how the sets were written.
"""

import csv
import functools
from typing import NamedTuple

from tests import ROOT


class Sentence(NamedTuple):
    """What is written, and the `kind` that the guard has to find in it. `rules` are both, ordinary or strict."""

    sentence: str
    language: str
    rules: str
    kind: str
    since: str


@functools.cache
def sentences(table: str = "guard") -> tuple[Sentence, ...]:
    """Return the rows of a table of sentences."""
    with (ROOT / "tests" / "conversations" / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Sentence(**row) for row in csv.DictReader(file))
