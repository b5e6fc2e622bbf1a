"""A row of the plan as it was: which of its versions a period goes by.

What is expected for a period is settled on the day on which it locks. Who edits the plan later changes what later
periods expect, and never what a locked one did. So a row has versions, and each holds for the periods that lock within
its days. A reopening moves the day until which a period is reported on, not the day that settled it.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol, TypeVar


class Versioned(Protocol):
    """A row of the plan. It holds for the periods that lock from `valid_from` on, and before `valid_to`."""

    @property
    def valid_from(self) -> date | None: ...

    @property
    def valid_to(self) -> date | None: ...


T = TypeVar("T", bound=Versioned)


def holds(row: Versioned, seals_on: date) -> bool:
    """Whether a period that locks on that day goes by this version."""
    return (row.valid_from is None or row.valid_from <= seals_on) and (row.valid_to is None or seals_on < row.valid_to)


def as_of(versions: Sequence[T], seals_on: date) -> T:
    """Return the version by which a period goes that locks on that day. `versions` are those of one row."""
    return next((one for one in versions if holds(one, seals_on)), versions[0])


def present(versions: Iterable[T]) -> tuple[T, ...]:
    """Return the versions that are in the plan today."""
    return tuple(one for one in versions if one.valid_to is None)
