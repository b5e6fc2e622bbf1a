"""What may be shown of small numbers about people to readers outside the plan's coordination
(docs/domain.md#small-numbers).

"Two girls, in March" may be girls that somebody knows. Hiding the two is not enough: a reader subtracts the other parts
from the total. So `suppress` hides the small number and a second one that covers it. It does so only if a reader who
knows all shown numbers and this rule still cannot narrow the small number down: it may be any number from one to the
limit. Otherwise the whole split is hidden. Chat, picture, PDF and every export use this function, so comparing two of
them reveals nothing.

Zero means nobody, and is shown. A missing number is not zero: it is not among the parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, product
from operator import or_

from conversations.plan.model import LEAST_CELL, STANDARD_CELL


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as it may be shown: the number itself, `<10`, or only that it is protected."""

    value: int | None
    below: int = 0
    """Set if the number is small: the number is at least one and less than this."""

    @property
    def is_hidden(self) -> bool:
        return self.value is None

    def text(self, protected: str) -> str:
        """Return the figure as text. `protected` is the word for a number that is hidden although it is not small."""
        if self.value is not None:
            return str(self.value)
        return f"<{self.below}" if self.below else protected


@dataclass(frozen=True, slots=True)
class Table:
    """A total and its parts as they may be shown. If the split is hidden, there are no parts."""

    total: Figure
    parts: Mapping[str, Figure]


def suppress(total: int, parts: Mapping[str, int] | None = None, *, min_cell: int = STANDARD_CELL) -> Table:
    """Make a total and its parts fit for observers, ministers and the public.

    The parts add up to the total. Their order must not depend on the numbers: take the order of a form's list. The
    first part that is not small covers the small ones. If the cover was chosen by its size, or if a second cover was
    added when the first is not enough, a reader who knows the rule could compute both. With `min_cell` 0 or 1, no
    number is small.
    """
    parts = parts or {}
    if any(value < 0 for value in parts.values()) or total < 0 or (parts and sum(parts.values()) != total):
        raise ValueError("parts must add up to their total")
    if min_cell <= 1:
        return Table(Figure(total), {name: Figure(value) for name, value in parts.items()})
    if is_small(total, min_cell):
        # Readers would only learn that the parts are even smaller.
        return Table(Figure(None, min_cell), {})
    if sum(value > 0 for value in parts.values()) < 2:
        return Table(Figure(total), {})  # one category holds everybody, so the split would tell it about each person
    small = {name for name, value in parts.items() if is_small(value, min_cell)}
    if not small:
        return Table(Figure(total), {name: Figure(value) for name, value in parts.items()})
    cover = next((name for name, value in parts.items() if value >= min_cell), None)
    hidden = sum(parts[name] for name in small | {cover}) if cover else total
    if not is_safe(hidden, len(small), min_cell, is_covered=cover is not None):
        return Table(Figure(total), {})

    def shown(name: str, value: int) -> Figure:
        if name in small:
            return Figure(None, min_cell)
        return Figure(None if name == cover else value)

    return Table(Figure(total), {name: shown(name, value) for name, value in parts.items()})


def protected_below(min_cell: int, standard: int, *, is_restricted: bool) -> int:
    """The limit below which a figure is small: the indicator's own, or the plan's; 0 if no figure is small.

    If it is restricted, no workbook opens it: the limit is then at least the lowest one that a plan may set.
    """
    return max(min_cell or standard, LEAST_CELL) if is_restricted else min_cell


def is_small(value: int, min_cell: int) -> bool:
    return 0 < value < min_cell


def is_safe(hidden: int, small: int, min_cell: int, *, is_covered: bool) -> bool:
    """Whether a reader who knows the sum of the `small` hidden numbers learns nothing about any of them.

    It is safe if each of them can still be any number from 1 to `min_cell` - 1. `hidden` is that sum. If another number
    is hidden to cover them (`is_covered`), the sum includes it, and the reader knows that it is at least `min_cell`.
    """
    others = small - 1
    least = others + min_cell if is_covered else others
    most = None if is_covered else others * (min_cell - 1)
    rests = (hidden - 1, hidden - (min_cell - 1))
    return all(rest >= least and (most is None or rest <= most) for rest in rests)


def in_a_row(total: int, parts: Mapping[str, int] | None = None, *, min_cell: int = STANDARD_CELL) -> Table:
    """A total and its parts, shown as one row among others that add up, such as one report of an activity.

    Readers compare the rows of an activity with each other and with its year. So a number above zero is hidden
    completely, not even shown as `<10`; zero is shown. If one category holds everybody, the zeros of the others would
    reveal it, so none of them is shown (docs/domain.md#small-numbers).
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
    """Sums over spans of days that are told one after another, while the figures of the days still change.

    A reader who keeps every release can add and subtract them: this year and the year to March, or today's figure and
    yesterday's, between which one late month came in. So each figure and each correction is an event, in order. The
    sums that were told divide the events into blocks. A new sum is told only if it joins whole blocks and adds one
    event, or if it cuts one block in two. Then a reader can compute only sums of whole blocks, and each block counts
    nobody or many people.

    A sum that is not told is known to be of few. Two such sets together are not told either: of two that are 18 people,
    each is nine. Nor is a sum that divides one, whatever it is: to be refused it would have to be more than nobody.

    A correction may take people away. So two more things are refused: blocks about the same days, such as a figure and
    its correction, that are few people together; and two sums that differ by few people, if one of them contains all
    events of the other (docs/domain.md#small-numbers).
    """

    def __init__(self, min_cell: int) -> None:
        self._min_cell = min_cell
        self._events: list[tuple[date, int]] = []
        """The events. A set of them is a number with a bit for each event; the first event is the lowest bit."""
        self._blocks: list[int] = []
        self._told: dict[tuple[date, date], int] = {}
        self._sums = {0}
        """Every set of events whose sum was told at some time."""
        self._few: set[int] = set()
        """Sets of events that are few people, as a reader concludes when their sum is not told."""

    def limit(self, min_cell: int) -> None:
        """Change what counts as few. What was told, and what was known to be few, stays so."""
        self._min_cell = min_cell

    def learn(self, on: date, people: int) -> None:
        """Add a new figure of a day, or a correction up or down."""
        self._events.append((on, people))

    def tell(self, first: date, last: date) -> bool:
        """Whether the sum over these days may be told as it is known now. If so, it counts as told from now on."""
        wanted = self._between(first, last)
        cut = [block for block in self._blocks if block & wanted and block & ~wanted]
        untold = wanted & ~sum(self._blocks)
        if not cut:
            new = [untold] if untold else []
        elif len(cut) == 1 and not untold:
            new = [cut[0] & wanted, cut[0] & ~wanted]
        else:
            return False
        blocks = [block for block in self._blocks if block not in cut] + new
        if self._limits_few(wanted, untold):
            return False
        if any(self._tells_of_few(block, blocks) for block in new) or any(
            self._is_few(wanted, other) for other in self._sums
        ):
            if not cut:  # of two parts, nobody knows which one is of few
                self._few |= self._known_few(untold, blocks)
            return False
        self._blocks = blocks
        self._sums.add(wanted)
        self._told[first, last] = wanted
        return True

    def is_told(self, first: date, last: date) -> bool:
        """Whether the sum over these days was told exactly as it is known now."""
        return self._told.get((first, last)) == self._between(first, last)

    def _between(self, first: date, last: date) -> int:
        return sum(1 << number for number, (on, _) in enumerate(self._events) if first <= on <= last)

    def _limits_few(self, wanted: int, untold: int) -> bool:
        """Whether this sum divides a set that is known to be few people, or is of two such sets together."""
        known = [events for events in self._few if events & wanted]
        fresh = [events for events in known if events & untold]
        return any(events & ~wanted for events in known) or any(
            not one & other and all(not block & ~(one | other) for block in self._blocks if block & (one | other))
            for one, other in product(fresh, known)
        )

    def _tells_of_few(self, new: int, blocks: Sequence[int]) -> bool:
        """Whether this block counts few people, alone or together with blocks that share days with it."""
        sums = {self._people(new)}
        for block in self._linked(new, blocks):
            sums |= {people + self._people(block) for people in sums}
        return any(is_small(abs(people), self._min_cell) for people in sums)

    def _known_few(self, new: int, blocks: Sequence[int]) -> set[int]:
        """Return what of this is of few people: the block, or it with one that shares its days, or with several."""
        linked = self._linked(new, blocks)
        found = {new, *(new | block for block in linked), *accumulate(linked, or_, initial=new)}
        return {events for events in found if is_small(abs(self._people(events)), self._min_cell)}

    def _is_few(self, one: int, other: int) -> bool:
        """Whether one of the two sums contains the other, and only few people more."""
        return one & other in (one, other) and is_small(abs(self._people(one) - self._people(other)), self._min_cell)

    def _linked(self, new: int, blocks: Sequence[int]) -> list[int]:
        """Return the other blocks that share a day with this one, directly or through blocks between them."""
        days, found, left = self._days(new), [], [block for block in blocks if block != new]
        while near := [block for block in left if self._days(block) & days]:
            found += near
            left = [block for block in left if block not in near]
            days = days.union(*map(self._days, near))
        return found

    def _people(self, block: int) -> int:
        return sum(people for number, (_, people) in enumerate(self._events) if block >> number & 1)

    def _days(self, block: int) -> set[date]:
        return {on for number, (on, _) in enumerate(self._events) if block >> number & 1}
