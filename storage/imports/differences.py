"""What an import would do, shown before it is done."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from conversations.plan.model import is_restricted
from conversations.plan.suppression import protected_below
from conversations.wording import wording
from storage.imports.sheets import Value

DifferenceKind = Literal["added", "changed", "retired", "restored"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that an import would do. `column` is the workbook's header; added and retired rows name none."""

    kind: DifferenceKind
    table: str
    code: str
    column: str = ""
    old: Value = None
    new: Value = None
    lowers_protection: bool = False
    """Whether by it those outside would be told figures or texts that are kept from them (DOMAIN §2.5, §2.7)."""

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
    """Whether a change of that column of a row, from `old` to `new` as a whole, takes protection away.

    A blank limit of what is restricted is the plan's `standard` one.
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
    """What an import would do, or has done, in the order it does it; false if that is nothing."""

    all: tuple[Difference, ...] = ()

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows, not columns: table → kind → how many."""
        rows = dict.fromkeys((difference.table, difference.code, difference.kind) for difference in self.all)
        counts: dict[str, dict[str, int]] = {}
        for table, _, kind in rows:
            of_table = counts.setdefault(table, {})
            of_table[kind] = of_table.get(kind, 0) + 1
        return counts

    def summary(self, language: str) -> str:
        """One line a table, or one line that says there is nothing to do."""
        say = wording(language)
        lines = [
            say(
                "plan.summary.line",
                table=say(f"plan.table.{table}"),
                **{kind: kinds.get(kind, 0) for kind in ("added", "changed", "retired", "restored")},
            )
            for table, kinds in self.counts().items()
        ]
        return "\n".join(lines) or say("plan.summary.nothing")

    def fingerprint(self) -> str:
        """The same exactly where the same would be changed from and to the same."""
        return hashlib.sha256(repr(self.all).encode()).hexdigest()

    @property
    def lowering(self) -> tuple[Difference, ...]:
        """Those that would take protection away."""
        return tuple(difference for difference in self.all if difference.lowers_protection)

    def sentences(self, language: str) -> Iterator[str]:
        for difference in self.all:
            yield difference.sentence(language)


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
