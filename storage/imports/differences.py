"""The changes that an import would make. They are shown before anything is changed."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from conversations.plan.figures.suppression import protected_below
from conversations.plan.model import is_restricted
from conversations.wording import wording
from storage.imports.sheets import Value

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
    """Whether this change would show outsiders figures or texts that are kept from them now (DOMAIN §2.5, §2.7)."""

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
    return column == "sensitivity" and was and not is_now


@dataclass(frozen=True, slots=True)
class Differences:
    """The changes of an import, in the order in which they are made. False if there are none."""

    all: tuple[Difference, ...] = ()

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
        """One line for each table, or one line that says that nothing changes."""
        say = wording(language)
        lines = [
            say(
                "plan.summary.line",
                table=say(f"plan.table.{table}"),
                counts=", ".join(say(f"plan.summary.{kind}", n=count) for kind, count in kinds.items()),
            )
            for table, kinds in self.counts().items()
        ]
        return "\n".join(lines) or say("plan.summary.nothing")

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
            return ";".join(value)
        case dict():
            return "; ".join(f"{name}={text}" for name, text in value.items())
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
