"""What may be shown of small numbers about people, to whoever is not of the plan's own coordination (DOMAIN §2.5).

"Two girls, in March" is a girl that somebody knows. Hiding the two is not enough: whoever is given the total and
the other parts subtracts, and whoever knows the rule knows what it hides. So `suppress` hides a small number, then
further parts until whoever knows every number shown, and this rule, still finds each hidden number possible anywhere
between one and the limit; where the parts do not allow that, the split is hidden as a whole. Chat, picture, PDF and
every export go through it, so that no two of them can be laid over each other.

Zero is no person and is shown. Zero and missing are different: what is missing is not in the parts.
"""

from collections.abc import Collection, Mapping
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


class Releases:
    """Sums over spans of days, told one after the other while what is known of the days still changes.

    Whoever keeps every release adds and subtracts them all: the year and the year to March, today's year and
    yesterday's, between which one late month came in. So everything that is ever known is an event, in its order; a
    day at a moment is the set of events before that day known by then, and a told sum is the difference of two such
    sets. What follows from all that was told is linear algebra: two sets whose difference follows leave the same rest
    (`_rests`) when what was told is taken out of them. A sum is told unless by it two of these sets, one within the
    other, come to leave the same rest while a small number of people lies between them (DOMAIN §2.5.5).
    """

    def __init__(self, min_cell: int) -> None:
        self._min_cell = min_cell
        self._events: list[tuple[date, int]] = []
        self._days: dict[date, int] = {}
        """Day → the set of events before it. A set is a number whose bits are its events, the first the lowest."""
        self._people: dict[int, int] = {0: 0}
        self._rests: dict[int, _Row] = {0: {}}
        self._alike: dict[int, frozenset[tuple[int, int]]] = {0: frozenset()}
        """Each set's rest, to be compared."""
        self._rows: dict[int, _Row] = {}
        """What was told, reduced: by an event that occurs in none of the other rows."""
        self._told: dict[tuple[date, date], int] = {}

    def learn(self, on: date, people: int) -> None:
        """So many more are known of that day, or fewer: a figure that came in, or one that was corrected."""
        self._days.setdefault(on + timedelta(days=1), self._before(on + timedelta(days=1)))
        event = 1 << len(self._events)
        self._events.append((on, people))
        for day, before in self._days.items():
            if day > on and before | event not in self._rests:
                self._people[before | event] = self._people[before] + people
                self._put(before | event, self._rest(before | event))
        self._days = {day: before | event if day > on else before for day, before in self._days.items()}

    def tell(self, first: date, last: date) -> bool:
        """Whether the sum over these days may be told as it is known now; if so, it is told from now on."""
        told = self._between(first, last)
        rest = self._rest(told)
        if rest:
            pivot = max(rest)
            scale = pow(rest[pivot], -1, _PRIME)
            row = {event: share * scale % _PRIME for event, share in rest.items()}
            left = {events: _without(rest, pivot, row) for events, rest in self._rests.items() if pivot in rest}
            if self._tells(left):
                return False
            for events, rest in left.items():
                self._put(events, rest)
            self._rows = {one: _without(other, pivot, row) for one, other in self._rows.items()} | {pivot: row}
        self._told[first, last] = told
        return True

    def is_told(self, first: date, last: date) -> bool:
        """Whether the sum over these days was told just as it is known now."""
        return self._told.get((first, last)) == self._between(first, last)

    def _before(self, day: date) -> int:
        return sum(1 << number for number, (on, _) in enumerate(self._events) if on < day)

    def _between(self, first: date, last: date) -> int:
        return self._before(last + timedelta(days=1)) & ~self._before(first)

    def _put(self, events: int, rest: "_Row") -> None:
        self._rests[events], self._alike[events] = rest, frozenset(rest.items())

    def _rest(self, events: int) -> "_Row":
        """What of a set's sum does not follow from what was told."""
        rest: dict[int, int] = {}
        for number in range(len(self._events)):
            if events >> number & 1:
                for event, share in self._rows[number].items() if number in self._rows else ((number, -1),):
                    rest[event] = (rest.get(event, 0) - share) % _PRIME
        return {event: share for event, share in rest.items() if share and event not in self._rows}

    def _tells(self, left: "Mapping[int, _Row]") -> bool:
        """Whether a small number follows that did not before, if these sets leave these rests."""
        alike: dict[frozenset[tuple[int, int]], list[int]] = {}
        for events, before in self._alike.items():
            alike.setdefault(frozenset(left[events].items()) if events in left else before, []).append(events)
        return any(
            self._alike[one] != self._alike[other] and self._is_few(one, other)
            for group in alike.values()
            for one in group
            if one in left
            for other in group
        )

    def _is_few(self, one: int, other: int) -> bool:
        is_within = one & other in (one, other)
        return is_within and is_small(abs(self._people[one] - self._people[other]), self._min_cell)


_Row = Mapping[int, int]
"""A sum of events, each with its share, modulo a prime: exact enough, and faster than fractions."""
_PRIME: Final = (1 << 61) - 1


def _without(rest: _Row, pivot: int, row: _Row) -> _Row:
    """`rest` less so many times `row`, which has one of `pivot`, that nothing of that is left."""
    times = rest.get(pivot)
    if times is None:
        return rest
    shares = dict(rest)
    for event, share in row.items():
        shares[event] = (shares.get(event, 0) - times * share) % _PRIME
    return {event: share for event, share in shares.items() if share}
