"""Under which limits small numbers were told before. An import notes what it changes (`storage.imports.history`).

Files that left under a limit of ten say `<10`. If a workbook then lowers the limit to five, the same reports under the
new limit would be a second answer about the same people. So the limit of a report is the one of its day.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import func, select

from conversations.plan.figures.suppression import protected_below
from conversations.plan.model import Indicator, is_restricted
from storage.database.models import PlanImport, table
from storage.database.unit import Unit
from storage.errors import StorageError
from storage.plan.plans import Plans

_M = table(PlanImport)


@dataclass(frozen=True, slots=True)
class _Before:
    """What one import changed, as it was before: the plan's limit, and by indicator its own limit and sensitivity."""

    standard: int | None
    indicators: Mapping[int, Mapping[str, Any]]

    def __bool__(self) -> bool:
        return self.standard is not None or bool(self.indicators)


def changed_at(unit: Unit, plan_id: int) -> datetime:
    """Return when a workbook was last applied to the plan, or its import undone. The earliest of times if never."""
    times = unit.connection.execute(
        select(func.max(_M.c.imported_at), func.max(_M.c.undone_at)).where(_M.c.plan_id == plan_id)
    ).one()
    return max((at for at in times if at is not None), default=datetime.min.replace(tzinfo=UTC))


class PastLimits:
    """The limits of a plan's indicators at earlier moments. False if no import has changed any."""

    def __init__(self, unit: Unit, plan_id: int) -> None:
        """Imports that were undone count as never made."""
        found = unit.connection.execute(
            select(_M.c.imported_at, _M.c.before)
            .where(_M.c.plan_id == plan_id, _M.c.undone_at.is_(None))
            .order_by(_M.c.id.desc())
        )
        self._imports = [(at, noted) for at, before in found if (noted := _noted(bytes(before)))]
        self._indicators: dict[str, Indicator] = {}
        if self._imports:
            present = unit.of(Plans).indicators(plan_id, include_retired=True)
            self._indicators = {each.subject: each for each in present}

    def __bool__(self) -> bool:
        return bool(self._imports)

    def at(self, subject: str, at: datetime, *, is_sealed: bool = False) -> int:
        """Return the number below which this indicator's figures were small then; 0 if none was.

        `is_sealed`: a report of it was restricted then, whatever the plan said.
        """
        indicator = self._indicators.get(subject)
        if indicator is None:
            return 0
        own, standard, sensitivity = indicator.min_cell, indicator.standard_cell, indicator.sensitivity
        for imported_at, before in self._imports:
            if imported_at <= at:
                break
            if before.standard is not None:
                standard = before.standard
            changed = before.indicators.get(indicator.id, {})
            own, sensitivity = changed.get("min_cell", own), changed.get("sensitivity", sensitivity)
        return protected_below(own, standard, is_restricted=is_sealed or is_restricted(sensitivity))

    def noted(self) -> Iterator[tuple[datetime, str, str, str]]:
        """Return each change: when, the indicator's code (blank for the plan), the column, and the value of before."""
        codes = {each.id: each.code for each in self._indicators.values()}
        for at, before in self._imports:
            if before.standard is not None:
                yield at, "", "min_cell", str(before.standard)
            for id, columns in before.indicators.items():
                yield from ((at, codes.get(id, ""), name, str(old)) for name, old in columns.items())

    def highest(self, subject: str, since: datetime) -> int:
        """Return the highest limit that held at that moment or later, before today's."""
        moments = [since, *(at for at, _ in self._imports if at > since)]
        return max(self.at(subject, moment) for moment in moments)


@lru_cache(maxsize=64)
def _noted(before: bytes) -> _Before:
    try:
        changed = orjson.loads(zlib.decompress(before))["changed"]
    except (zlib.error, ValueError, KeyError, TypeError):
        raise StorageError("what an import changed cannot be read: run 'enlace audit verify --data'") from None
    standard = next(
        (columns["min_cell"][0] for columns in changed.get("plan", {}).values() if "min_cell" in columns), None
    )
    indicators = {
        int(id): {name: columns[name][0] for name in ("min_cell", "sensitivity") if name in columns}
        for id, columns in changed.get("indicator", {}).items()
    }
    return _Before(standard, {id: old for id, old in indicators.items() if old})
