"""The changes that an import would make. They are shown before anything is changed."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final, Literal, NamedTuple

from conversations.languages import LANGUAGES
from conversations.plan.figures.suppression import protected_below
from conversations.plan.model import is_read_strictly, is_restricted
from conversations.session.reading.text import fold, plain
from conversations.session.reading.vocabulary import any_phrase_in
from conversations.wording import wording
from storage.errors import Conflict
from storage.imports.sheets import Value

NAMED: Final = 20
"""So many activities are named that should be marked."""
DifferenceKind = Literal["added", "changed", "retired", "restored"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `column` is the workbook's header; an added or retired row has none."""

    kind: DifferenceKind
    table: str
    code: str
    column: str = ""
    old: Value = None
    new: Value = None
    lowers_protection: bool = False
    """Whether this change would show outsiders figures or texts that are kept from them now
    (docs/domain.md#restricted-activities).
    """

    def sentence(self, language: str) -> str:
        say = wording(language)
        return say(
            f"plan.difference.{self.kind}",
            table=say(f"plan.table.{self.table}"),
            code=self.code,
            column=self.column,
            old=shown_value(self.old) or say("plan.difference.blank"),
            new=shown_value(self.new) or say("plan.difference.blank"),
        )


class Doubt(NamedTuple):
    """A code that was used before, and whose row may now be another one."""

    table: str
    code: str
    old: Value
    new: Value
    """What it was called, and what it would be called."""

    def sentence(self, language: str) -> str:
        say = wording(language)
        return say("plan.doubt", table=say(f"plan.table.{self.table}"), code=self.code, old=self.old, new=self.new)


class ReusedCodes(Conflict):
    """Codes that may stand for something else now. Reports carry them, so somebody has to say that they do not."""

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        super().__init__(", ".join(each.code for each in doubts))
        self.doubts = tuple(doubts)


def doubtful_title(old: Mapping[str, Value], new: Mapping[str, Value], *, was_retired: bool) -> str:
    """Return the column whose text says that a code may stand for another row now; "" for the same row.

    So it is for a row that was retired and comes back under another title, and for one whose title, lead and area all
    change at once. `new` has the columns of the file, and the area as `area_code`.
    """
    titles = (
        name
        for name in new
        if name.startswith(("name_", "short_")) and old.get(name) and new[name] and old[name] != new[name]
    )
    is_other = was_retired or all(
        old.get(name) and name in new and old[name] != new[name] for name in ("responsible", "area_code")
    )
    return next(titles, "") if is_other else ""


def lowers_protection(column: str, old: Mapping[str, Value], new: Mapping[str, Value], standard: int) -> bool:
    """Whether changing this column of a row from `old` to `new` takes protection away.

    `old` and `new` are whole rows. A blank limit of a restricted row means the plan's limit, `standard`.
    """
    was, is_now = (is_restricted(str(row.get("sensitivity") or "")) for row in (old, new))
    if column == "min_cell":
        before, after = (int(str(row.get("min_cell") or 0)) for row in (old, new))
        return protected_below(after, standard, is_restricted=was) < protected_below(
            before, standard, is_restricted=was
        )
    if column == "meets_victims":
        return _is_read_strictly(old) and not _is_read_strictly(new)
    return column == "sensitivity" and was and not is_now


def is_unmarked(row: Mapping[str, Value]) -> bool:
    """Whether nobody has said whom an activity's reporters meet, and its titles say that it may be a victim."""
    return (
        row.get("meets_victims") is None
        and not is_restricted(str(row.get("sensitivity") or ""))
        and any(
            _signs(language).search(fold(plain(str(row.get(f"{column}_{language}") or ""))))
            for language in LANGUAGES
            for column in ("name", "short")
        )
    )


@cache
def _signs(language: str) -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase_in(language, 'reading.meets_victims')}")


def _is_read_strictly(row: Mapping[str, Value]) -> bool:
    return is_read_strictly(str(row.get("sensitivity") or ""), row.get("meets_victims") is True)


@dataclass(frozen=True, slots=True)
class Differences:
    """The changes of an import, in the order in which they are made. False if there are none."""

    all: tuple[Difference, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    """The codes of which somebody must say that they stand for the same as before."""
    unmarked: tuple[str, ...] = ()
    """The activities of which the plan should say whether their reporters meet victims (`is_unmarked`)."""
    never_was: tuple[str, ...] = ()
    """Codes that rows continue, and that the plan has never had."""

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def counts(self) -> dict[str, dict[str, int]]:
        """Numbers of rows, not of columns: table → kind → count."""
        rows = dict.fromkeys((difference.table, difference.code, difference.kind) for difference in self.all)
        counts: dict[str, dict[str, int]] = {}
        for table, _, kind in rows:
            of_table = counts.setdefault(table, {})
            of_table[kind] = of_table.get(kind, 0) + 1
        return counts

    def summary(self, language: str) -> str:
        """One line for each table, or one line that says that nothing changes; and what the plan should say more."""
        say = wording(language)
        lines = [
            say(
                "plan.summary.line",
                table=say(f"plan.table.{table}"),
                counts=", ".join(say(f"plan.summary.{kind}", n=count) for kind, count in kinds.items()),
            )
            for table, kinds in self.counts().items()
        ]
        if not lines:
            lines = [say("plan.summary.nothing")]
        if self.unmarked:
            more = ", …" * (len(self.unmarked) > NAMED)
            lines.append(say("plan.summary.unmarked", codes=", ".join(self.unmarked[:NAMED]) + more))
        if self.never_was:
            lines.append(say("plan.summary.never_was", codes=", ".join(self.never_was)))
        return "\n".join(lines)

    def fingerprint(self) -> str:
        """Return a text that is the same for the same changes of the same values, and only for these."""
        return hashlib.sha256(repr(self.all).encode()).hexdigest()

    @property
    def lowering(self) -> tuple[Difference, ...]:
        """The changes that would take protection away."""
        return tuple(difference for difference in self.all if difference.lowers_protection)

    def sentences(self, language: str, added: int | None = None) -> Iterator[str]:
        """Return one sentence for each change.

        With `added`: if many rows are added to a table one after another, name only so many, and then say how many more
        there are. A plan's first import has hundreds.
        """
        say = wording(language)
        for (table, kind), changes in groupby(self.all, key=lambda each: (each.table, each.kind)):
            of_table = list(changes)
            shown = added if kind == "added" else None
            yield from (difference.sentence(language) for difference in of_table[:shown])
            if more := len(of_table) - len(of_table[:shown]):
                yield say("plan.difference.more", table=say(f"plan.table.{table}"), n=more)


def shown_value(value: Value) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return ";".join(each if isinstance(each, str) else " ".join(filter(None, each)) for each in value)
        case dict():
            return "; ".join(f"{name}={text}" for name, text in value.items())
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
