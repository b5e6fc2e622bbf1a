"""A row of the plan as it was: which of its versions a period goes by.

What is expected for a period is settled on the day on which it locks. Who edits the plan later changes what later
periods expect, and never what a locked one did. So a row has versions, and each holds for the periods that lock within
its days. A reopening moves the day until which a period is reported on, not the day that settled it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol, TypeVar

from conversations.plan.model import Activity, Agency, Indicator
from conversations.plan.periods import ONE_DAY, ReportingPeriod


class Versioned(Protocol):
    """A row of the plan. It holds for the periods that lock from `valid_from` on, and before `valid_to`."""

    @property
    def code(self) -> str: ...

    @property
    def valid_from(self) -> date | None: ...

    @property
    def valid_to(self) -> date | None: ...


T = TypeVar("T", bound=Versioned)
V = TypeVar("V", Activity, Agency)


def period_named(periods: Iterable[ReportingPeriod], name: str) -> ReportingPeriod | None:
    """Return the period with this code; for a day, written 2018-11-01, the first one that ends on it or later."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return next((each for each in periods if each.code == name), None)
    return next((each for each in periods if each.end_on >= day), None)


def changed_on(period: ReportingPeriod, periods: Iterable[ReportingPeriod], today: date) -> date:
    """Return the last day on which a period that locks goes by the plan as it was, if an edit holds from `period` on.

    It is the day before the period opens, so that it does not matter when the periods around it really lock.
    """
    before = (each.seals_on for each in periods if each.type == period.type and each.end_on < period.end_on)
    return min(max(today, period.opens_on - ONE_DAY, *before), period.seals_on - ONE_DAY)


def holds(row: Versioned, seals_on: date) -> bool:
    """Whether a period that locks on that day goes by this version."""
    return (row.valid_from is None or row.valid_from <= seals_on) and (row.valid_to is None or seals_on < row.valid_to)


def was_in_plan(row: Activity | Indicator, day: date, seals_on: date) -> bool:
    """Whether the plan had this version of an item as that day began, for a period that locks on `seals_on`."""
    return (
        (row.added_on is None or row.added_on < day)
        and (row.retired_on is None or row.retired_on >= day)
        and holds(row, seals_on)
    )


def as_of(versions: Sequence[T], seals_on: date) -> T:
    """Return the version by which a period goes that locks on that day. `versions` are those of one row."""
    return next((one for one in versions if holds(one, seals_on)), versions[0])


def until(rows: Iterable[V], seals_on: date) -> tuple[V, ...]:
    """Return the rows with their earlier versions, as if nobody had edited them after a period locked on that day."""
    return tuple(
        replace(row, valid_to=None) if row.valid_to is not None and row.valid_to > seals_on else row
        for row in rows
        if row.valid_from is None or row.valid_from <= seals_on
    )


def by_code(versions: Iterable[T]) -> dict[str, list[T]]:
    """Return code → the versions of its row, the present one first, as they come."""
    found: dict[str, list[T]] = {}
    for one in versions:
        found.setdefault(one.code, []).append(one)
    return found


def version_of(versions: Mapping[str, Sequence[T]], code: str | None, seals_on: date | None) -> T | None:
    """Return the row with this code as a period goes by it; without a period, as it is today. None: no such row."""
    own = versions.get(code or "")
    if not own:
        return None
    return own[0] if seals_on is None else as_of(own, seals_on)
