"""What may be shown of small numbers about people, to whoever is not of the plan's own coordination (DOMAIN §2.5).

"Two girls, in March" is a girl that somebody knows. Hiding the two is not enough: whoever is given the total and
the other parts subtracts, and whoever knows the rule knows what it hides. So `suppress` hides a small number, then
further parts until whoever knows every number shown, and this rule, still finds each hidden number possible anywhere
between one and the limit; where the parts do not allow that, the split is hidden as a whole. Chat, picture, PDF and
every export go through it, so that no two of them can be laid over each other.

Zero is no person and is shown. Zero and missing are different: what is missing is not in the parts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from conversations.plan import is_restricted

STANDARD_CELL: Final = 10
"""For restricted figures whose indicator names no limit of its own."""
PLACES: Final = ("national", "region", "province")
PERSONAL: Final = frozenset({"sex_age", "exploitation"})
"""Dimensions that are never crossed with a place."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as it may be shown: itself, `<10`, or only that it is protected."""

    value: int | None
    below: int = 0
    """Set of a small number: it is at least one and less than this."""

    @property
    def is_hidden(self) -> bool:
        return self.value is None

    def text(self, protected: str) -> str:
        """`protected` is said of a number that is hidden without being small."""
        if self.value is not None:
            return str(self.value)
        return f"<{self.below}" if self.below else protected


@dataclass(frozen=True, slots=True)
class Table:
    """A total and its parts as they may be shown; no parts where the split is hidden."""

    total: Figure
    parts: Mapping[str, Figure]


def suppress(total: int, parts: Mapping[str, int] | None = None, *, min_cell: int = STANDARD_CELL) -> Table:
    """A total and how it divides, fit for observers, ministers and the public.

    The parts add up to the total. With `min_cell` 0 or 1 nothing is small.
    """
    parts = parts or {}
    if any(value < 0 for value in parts.values()) or total < 0 or (parts and sum(parts.values()) != total):
        raise ValueError("parts must add up to their total")
    if min_cell <= 1:
        return Table(Figure(total), {name: Figure(value) for name, value in parts.items()})
    if is_small(total, min_cell):
        # All that is known of the parts would be that they are smaller still.
        return Table(Figure(None, min_cell), {})
    if sum(value > 0 for value in parts.values()) < 2:
        return Table(Figure(total), {})  # one category holds everybody: the split says it of each of them
    small = {name for name, value in parts.items() if is_small(value, min_cell)}
    if not small:
        return Table(Figure(total), {name: Figure(value) for name, value in parts.items()})
    others = sorted((value, name) for name, value in parts.items() if name not in small and value > 0)
    covering: set[str] = set()
    for _, name in [(0, ""), *others]:
        if name:
            covering.add(name)
        hidden = sum(parts[each] for each in small | covering)
        if is_safe(hidden, len(small), len(covering), min_cell):
            return Table(
                Figure(total),
                {
                    name: Figure(None, min_cell)
                    if name in small
                    else Figure(None)
                    if name in covering
                    else Figure(value)
                    for name, value in parts.items()
                },
            )
    return Table(Figure(total), {})


def is_small(value: int, min_cell: int) -> bool:
    return 0 < value < min_cell


def is_safe(hidden_sum: int, small: int, covering: int, min_cell: int) -> bool:
    """Whether each of the small numbers could still be anything from 1 to `min_cell` - 1, to who knows their sum.

    They know of each small one that it is 1 to min_cell - 1, and of each covering one that it is at least min_cell.
    """
    most = min_cell - 1
    for value in (1, most):
        rest = hidden_sum - value
        least_of_rest = (small - 1) + covering * min_cell
        most_of_rest = None if covering else (small - 1) * most
        if rest < least_of_rest or (most_of_rest is not None and rest > most_of_rest):
            return False
    return True


def releases(values: Sequence[int], *, min_cell: int = STANDARD_CELL) -> tuple[Figure, ...]:
    """Totals of spans of which each contains the one before (to March, to June, the year), as they may be shown.

    Where one is a small number above another that is shown, the shorter span is not published (DOMAIN §2.5.5).
    """
    shown: list[Figure] = []
    above: int | None = None
    for value in reversed(values):
        if is_small(value, min_cell):
            shown.append(Figure(None, min_cell))
        elif above is not None and is_small(abs(above - value), min_cell):
            shown.append(Figure(None))
        else:
            shown.append(Figure(value))
            above = value
    return tuple(reversed(shown))


def told_until(values: Sequence[int], *, min_cell: int = STANDARD_CELL) -> int | None:
    """Of a running total told period after period: which of the values may be told last; None if none yet.

    What was told cannot be taken back: a total that differs from one told before by a small number waits until it
    has grown further.
    """
    last: int | None = None
    told: list[int] = []
    for at, value in enumerate(values):
        if is_small(value, min_cell) or any(is_small(abs(value - other), min_cell) for other in told):
            continue
        told.append(value)
        last = at
    return last


def finest_place(code: str, sensitivity: str = "public") -> str:
    """How near a place may be named: never a province for what is restricted (ASI, PER-2 and what the plan says)."""
    return "region" if is_restricted(code, sensitivity) else "province"


def may_cross(dimensions: Collection[str]) -> bool:
    """Whether a table may be split by all of these at once: by two at most, and people's own never by place."""
    return len(dimensions) <= 2 and not (PERSONAL & set(dimensions) and set(PLACES) & set(dimensions))


def in_a_row(total: int, parts: Mapping[str, int] | None = None, *, min_cell: int = STANDARD_CELL) -> Table:
    """A total and its parts as one row of many that add up, such as one report of an activity.

    Rows of the same thing are laid beside each other and beside its year: where anything could be small, a number
    that is somebody is not shown at all, neither as `<10`, and zero is. Where one category holds everybody the zeros
    of the others would say so: then none of them is shown (DOMAIN §2.5.6).
    """
    parts = parts or {}
    if min_cell <= 1:
        return Table(Figure(total), {name: Figure(value) for name, value in parts.items()})
    hidden = Figure(None)
    is_of_one = sum(value > 0 for value in parts.values()) < 2
    return Table(
        hidden if total else Figure(0),
        {name: hidden if value or is_of_one else Figure(0) for name, value in parts.items()} if total else {},
    )


def safe_spans(
    amounts: Sequence[tuple[date, int]],
    spans: Sequence[tuple[date, date]],
    *,
    nothing_before: date = date.min,
    min_cell: int = STANDARD_CELL,
) -> tuple[bool, ...]:
    """Which sums over spans of days may be told, decided one after the other, each beside all told before it.

    `amounts` are (day, number); a span has its first and last day. From sums that are told follow others: a year and
    the year to March share nine months. Everything that follows is a difference between two days that told spans
    connect, so a span is told if by it no two connected days come to differ by a small number (DOMAIN §2.5.5). The
    days before `nothing_before` are one: that there was nothing is known.
    """

    def upto(day: date) -> int:
        return sum(number for on, number in amounts if on < day)

    connected: dict[date, set[date]] = {}
    told: list[bool] = []
    for first, last in spans:
        ends = max(first, nothing_before), max(last + timedelta(days=1), nothing_before)
        start, end = (connected.setdefault(day, {day}) for day in ends)
        is_safe_to_tell = start is end or not any(
            is_small(abs(upto(later) - upto(earlier)), min_cell) for earlier in start for later in end
        )
        if is_safe_to_tell and start is not end:
            start |= end
            for day in end:
                connected[day] = start
        told.append(is_safe_to_tell)
    return tuple(told)
