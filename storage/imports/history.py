"""What an import changed, kept so that the last import can be undone in one step.

A workbook sent by mistake retires half a plan in a second. So each import notes, row by row, what it added and which
columns it changed, with their old values. Undoing reads this list backwards and does nothing else. Later decisions (an
agency renamed in the chat, a period moved) stay.

Laws: only the last import can be undone, and only once. If reports, people or comments depend on a row that would
vanish, nothing is undone, and they are named.
"""

import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Column, RowMapping, delete, func, insert, select, update

from conversations.plan.expected import expected_activities, expected_indicators
from storage.calendar.moving_periods import follow_calendar
from storage.database.audit import Audit
from storage.database.marks import contents, import_mark, protection_mark
from storage.database.models import Base
from storage.database.unit import Unit
from storage.plan.lists import touch
from storage.plan.past_rows import TARGETS, UNITS, PastRows, plain, typed
from storage.plan.plans import Plans

_tables = Base.metadata.tables
_import = _tables["plan_import"]

TABLES = (
    "cadence", "strategic_area", "agency", "unit", "objective", "indicator", "activity", "code", "reporting_period",
)  # fmt: skip
"""In the order in which their rows refer to each other."""
LISTS: Mapping[str, tuple[str, str]] = {
    "target": ("indicator_id", "indicator"),
    "activity_support": ("activity_id", "activity"),
    "resource": ("activity_id", "activity"),
    "activity_unit": ("activity_id", "activity"),
}
"""Tables that are written again with the row they belong to: the column that refers to it, and its table."""
_FOLLOWS = "reporting_period"
"""Days of periods follow from the cadences: they go back together with these."""
_OF_PLAN_ROW = (
    "starts_on",
    "ends_on",
    "imported_at",
    "name",
    "timezone",
    "country",
    "currency",
    "min_cell",
    "hotlines",
    "succeeds_id",
)

Row = dict[str, Any]
Rows = dict[str, dict[int, Row]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The plan's rows by table and number, and its lists by the row they belong to. Values fit JSON."""

    rows: Rows
    lists: dict[str, dict[int, list[Row]]]

    def remembered(self) -> Rows:
        """Return the rows of which locked periods tell; indicators with their targets, activities with their units."""
        return self.rows | {
            table: {id: row | {name: self.lists[of].get(id, [])} for id, row in self.rows[table].items()}
            for table, name, of in (("indicator", TARGETS, "target"), ("activity", UNITS, "activity_unit"))
        }


@dataclass(frozen=True, slots=True)
class Hanging:
    """Rows that depend on a row that would vanish: `what` is their table and their number."""

    table: str
    code: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Undo:
    """The effect of undoing an import, done or to be done: rows as (table, code).

    If `hanging` has rows, nothing is done.
    """

    import_id: int
    imported_at: datetime
    imported_by_id: int | None
    removed: tuple[tuple[str, str], ...] = ()
    restored: tuple[tuple[str, str], ...] = ()
    kept: tuple[tuple[str, str, str], ...] = ()
    """Columns that somebody has changed since: table, code, column."""
    hanging: tuple[Hanging, ...] = ()

    @property
    def is_possible(self) -> bool:
        return not self.hanging


# ------------------------------------------------------------------ noting an import
def _refers_to(column: Column[Any], table: str) -> bool:
    """Whether a column names rows of a table. One that a table got later has no foreign key: its name says it."""
    return column.name == f"{table}_id" or any(key.column.table.name == table for key in column.foreign_keys)


def _is_still(rows: Sequence[Row], noted: Sequence[Row]) -> bool:
    """Whether rows are what was noted. A column that has come since says nothing of that."""
    return len(rows) == len(noted) and all(row | then == row for row, then in zip(rows, noted, strict=True))


def take(unit: Unit, plan_id: int) -> Snapshot:
    """Return the plan as it is at this moment of the unit."""
    connection = unit.connection
    plan = _tables["plan"]
    found = connection.execute(select(plan).where(plan.c.id == plan_id)).mappings().one()
    rows: Rows = {"plan": {plan_id: {name: plain(found[name]) for name in _OF_PLAN_ROW}}}
    for name in TABLES:
        table = _tables[name]
        each = connection.execute(select(table).where(table.c.plan_id == plan_id)).mappings()
        rows[name] = {row["id"]: {column: plain(value) for column, value in row.items()} for row in each}
    lists = {
        name: {
            owner: [{column: plain(value) for column, value in row.items() if column != "id"} for row in found]
            for owner, found in rows_of(unit, plan_id, name).items()
        }
        for name in LISTS
    }
    return Snapshot(rows, lists)


def rows_of(unit: Unit, plan_id: int, name: str) -> dict[int, list[RowMapping]]:
    """Return the plan's rows of one of LISTS, by the row they belong to."""
    parent, parent_table = LISTS[name]
    table, owner = _tables[name], _tables[parent_table]
    statement = select(table).join(owner, owner.c.id == table.c[parent]).where(owner.c.plan_id == plan_id)
    found: dict[int, list[RowMapping]] = {}
    for row in unit.connection.execute(statement.order_by(*table.primary_key.columns)).mappings():
        found.setdefault(row[parent], []).append(row)
    return found


def record(
    unit: Unit,
    plan_id: int,
    before: Snapshot,
    sha256: str,
    *,
    actor_id: int | None,
    now: datetime,
    changed_on: date | None = None,
) -> dict[str, object]:
    """Note the changes since `before` as those of the last import. Return what its audit entry says of the note."""
    after = take(unit, plan_id)
    pending = unit.of(PastRows).note(plan_id, before.remembered(), after.remembered(), now, changed_on=changed_on)
    added: dict[str, list[int]] = {}
    changed: dict[str, dict[str, dict[str, tuple[Any, Any]]]] = {}
    for name, rows in after.rows.items():
        for id, row in rows.items():
            old = before.rows[name].get(id)
            if old is None:
                added.setdefault(name, []).append(id)
            elif name != _FOLLOWS and old != row:
                columns = {column: (old[column], row[column]) for column in row if old[column] != row[column]}
                changed.setdefault(name, {})[str(id)] = columns
    lists: dict[str, dict[str, tuple[list[Row], list[Row]]]] = {}
    for name, (_, parent_table) in LISTS.items():
        for id in before.rows[parent_table]:
            old_list, new_list = before.lists[name].get(id, []), after.lists[name].get(id, [])
            if old_list != new_list:
                lists.setdefault(name, {})[str(id)] = (old_list, new_list)
    noted = zlib.compress(orjson.dumps({"added": added, "changed": changed, "lists": lists, "pending": pending}))
    values = {
        "plan_id": plan_id,
        "imported_at": now,
        "imported_by_id": actor_id,
        "sha256": sha256,
        "before": noted,
    }
    number = unit.connection.execute(insert(_import).values(values).returning(_import.c.id)).scalar_one()
    return {"import": number, "before": import_mark(unit.vault, noted)}


# ------------------------------------------------------------------ taking it back
def look_back(unit: Unit, plan_id: int, now: datetime) -> Undo | None:
    """Return what `undo` would do now; None if there is nothing to undo."""
    found = _Undoing.of_last(unit, plan_id, now)
    return None if found is None else found.told()


def undo(unit: Unit, plan_id: int, import_id: int, *, actor_id: int | None, now: datetime) -> Undo | None:
    """Undo that import. None, and nothing is changed, if it is not the last one or is undone already."""
    plan = _tables["plan"]
    unit.connection.execute(select(plan.c.id).where(plan.c.id == plan_id).with_for_update(key_share=True)).all()
    found = _Undoing.of_last(unit, plan_id, now)
    if found is None or found.import_id != import_id:
        return None
    told = found.told()
    if not told.is_possible:
        return told
    before = found.current.remembered()
    found.write()
    pending = found.noted.get("pending", {})  # what an earlier version of the bot noted has none
    unit.of(PastRows).note(plan_id, before, take(unit, plan_id).remembered(), now, pending=pending)
    if found.restoring.get("cadence") or found.added.get("cadence"):
        follow_calendar(unit, plan_id, found.today, now)
    touch(unit, plan_id)
    unit.connection.execute(
        update(_import).where(_import.c.id == import_id).values(undone_at=now, undone_by_id=actor_id)
    )
    details = {
        "import": import_id,
        "removed": [list(row) for row in told.removed],
        "restored": [list(row) for row in told.restored],
        "kept": [list(row) for row in told.kept],
        "protects": protection_mark(unit, plan_id),
        "contents": contents(unit, plan_id),
    }
    unit.of(Audit).record("plan.undone", actor_id=actor_id, plan_id=plan_id, details=details, now=now)
    return told


@dataclass(slots=True)
class _Undoing:
    """An import, compared with the plan as it is now."""

    unit: Unit
    plan_id: int
    today: date
    import_id: int
    imported_at: datetime
    imported_by_id: int | None
    noted: Mapping[str, Any]
    current: Snapshot
    added: dict[str, frozenset[int]] = field(default_factory=dict)
    restoring: dict[str, dict[int, Row]] = field(default_factory=dict)
    kept: list[tuple[str, int, str]] = field(default_factory=list)
    lists: dict[str, dict[int, list[Row]]] = field(default_factory=dict)

    @classmethod
    def of_last(cls, unit: Unit, plan_id: int, now: datetime) -> "_Undoing | None":
        statement = select(_import).where(_import.c.plan_id == plan_id).order_by(_import.c.id.desc()).limit(1)
        row = unit.connection.execute(statement).first()
        if row is None or row.undone_at is not None:
            return None
        noted = orjson.loads(zlib.decompress(row.before))
        today = now.astimezone(ZoneInfo(unit.of(Plans).by_id(plan_id).timezone)).date()
        found = cls(unit, plan_id, today, row.id, row.imported_at, row.imported_by_id, noted, take(unit, plan_id))
        found._compare()
        return found

    def _compare(self) -> None:
        """Restore a value if it is still as the import left it. Leave it if somebody has changed it since."""
        for table, ids in self.noted["added"].items():
            self.added[table] = frozenset(id for id in ids if id in self.current.rows[table])
        for table, rows in self.noted["changed"].items():
            for key, columns in rows.items():
                row = self.current.rows[table].get(int(key))
                for column, (old, new) in columns.items():
                    if row is None or row[column] != new:
                        self.kept.append((table, int(key), column))
                    else:
                        self.restoring.setdefault(table, {}).setdefault(int(key), {})[column] = old
        for table, lists in self.noted["lists"].items():
            for key, (old, new) in lists.items():
                if _is_still(self.current.lists[table].get(int(key), []), new):
                    self.lists.setdefault(table, {})[int(key)] = old
                else:
                    self.kept.append((LISTS[table][1], int(key), table))

    # -------------------------------------------------------------- what it does
    def told(self) -> Undo:
        removed = [(table, self._code(table, id)) for table in TABLES for id in sorted(self.added.get(table, ()))]
        restored = dict.fromkeys(
            (table, self._code(table, id)) for table in TABLES for id in self.restoring.get(table, {})
        )
        restored |= dict.fromkeys(
            (LISTS[table][1], self._code(LISTS[table][1], id)) for table, lists in self.lists.items() for id in lists
        )
        kept = tuple((table, self._code(table, id), column) for table, id, column in self.kept if table != "plan")
        return Undo(
            self.import_id,
            self.imported_at,
            self.imported_by_id,
            tuple(removed),
            tuple(restored),
            kept,
            tuple(self._hanging()),
        )

    def _code(self, table: str, id: int) -> str:
        row = self.current.rows[table].get(id, {})
        return f"{row['list']}/{row['code']}" if table == "code" and row else str(row.get("code", id))

    def _hanging(self) -> Iterator[Hanging]:
        """Rows that refer to a row that would vanish, and do not vanish themselves."""
        if self.restoring.get("plan", {}).get(self.plan_id, {}).get("imported_at", self) is None:
            held = _tables["membership"]
            statement = select(func.count()).select_from(held).where(held.c.plan_id == self.plan_id)
            if count := self.unit.connection.execute(statement).scalar_one():
                yield Hanging("plan", self.unit.of(Plans).by_id(self.plan_id).code, "membership", count)
        for table in TABLES:
            ids = self.added.get(table, frozenset())
            if not ids:
                continue
            for other in Base.metadata.sorted_tables:
                for column in other.columns:
                    if _refers_to(column, table):
                        yield from self._named_by(table, ids, other.name, column.name)
            yield from self._remembered_by(table, ids)
            if table in ("activity", "indicator"):
                yield from self._reported_on(table, ids)
            if table in ("activity", "indicator", "unit"):
                yield from self._expected_by(table, ids)

    def _named_by(self, table: str, ids: Collection[int], other: str, column: str) -> Iterator[Hanging]:
        names = _tables[other].c[column]
        if other in TABLES or other in LISTS:
            counts: dict[int, int] = {}
            for id in self._staying(other, column, ids):
                counts[id] = counts.get(id, 0) + 1
        else:
            statement = select(names, func.count()).where(names.in_(sorted(ids))).group_by(names)
            counts = {row[0]: row[1] for row in self.unit.connection.execute(statement)}
        for id, count in sorted(counts.items()):
            yield Hanging(table, self._code(table, id), other, count)

    def _staying(self, other: str, column: str, ids: Collection[int]) -> Iterator[int]:
        """The references from rows of the plan that stay to rows that would be removed."""
        if other in LISTS:
            parent, parent_table = LISTS[other]
            for owner, rows in self.current.lists[other].items():
                if owner in self.added.get(parent_table, ()):
                    continue
                for row in self.lists.get(other, {}).get(owner, rows):
                    if column != parent and row[column] in ids:
                        yield row[column]
            return
        for id, row in self.current.rows[other].items():
            if id not in self.added.get(other, ()):
                value = self.restoring.get(other, {}).get(id, {}).get(column, row[column])
                if value is not None and value in ids:
                    yield value

    def _reported_on(self, table: str, ids: Collection[int]) -> Iterator[Hanging]:
        subjects = {f"{table}:{self._code(table, id)}": self._code(table, id) for id in ids}
        for other in ("submission", "session", "comment"):
            named = _tables[other]
            statement = (
                select(named.c.subject, func.count())
                .where(named.c.plan_id == self.plan_id, named.c.subject.in_(sorted(subjects)))
                .group_by(named.c.subject)
                .order_by(named.c.subject)
            )
            if other == "session":
                statement = statement.where(named.c.state == "open")
            for subject, count in self.unit.connection.execute(statement):
                yield Hanging(table, subjects[subject], other, count)

    def _remembered_by(self, table: str, ids: Collection[int]) -> Iterator[Hanging]:
        """Earlier versions of rows that stay: a locked period goes by them."""
        columns = {column.name for name in TABLES for column in _tables[name].columns if _refers_to(column, table)}
        edits = self.unit.of(PastRows).of_plan(self.plan_id)
        named = Counter(
            past.columns[column]
            for rows in edits.values()
            for of_row in rows.values()
            for past in of_row
            for column in columns & past.columns.keys()
            if past.columns[column] in ids
        )
        for id, count in sorted(named.items()):
            yield Hanging(table, self._code(table, id), "past_row", count)

    def _expected_by(self, table: str, ids: Collection[int]) -> Iterator[Hanging]:
        """Periods that have locked since, and expected something about the row."""
        plans, removed = self.unit.of(Plans), self.added.get("reporting_period", ())
        there = (each for each in plans.periods(self.plan_id) if each.id not in removed)
        locked = [each for each in there if each.seals_on <= self.today]
        if table in ("activity", "unit"):
            activities = plans.activities(self.plan_id, include_retired=True)
            named = {each.id: [each.code] for each in activities if table == "activity" and each.id in ids}
            if table == "unit":  # it was there for all that has locked since
                since = self.imported_at.astimezone(plans.zone(self.plan_id)).date()
                locked = [each for each in locked if each.seals_on > since]
                for id, rows in self.current.lists["activity_unit"].items():
                    named[id] = [self._code(table, row["unit_id"]) for row in rows if row["unit_id"] in ids]
            expected = [each for period in locked for each in expected_activities(activities, period)]
            asked = [code for each in expected for code in named.get(each.id, ())]
        else:
            indicators = [each for each in plans.indicators(self.plan_id, include_retired=True) if each.id in ids]
            asked = [each.code for period in locked for each in expected_indicators(indicators, period)]
        for code, count in sorted(Counter(asked).items()):
            yield Hanging(table, code, "reporting_period", count)

    # -------------------------------------------------------------- doing it
    def write(self) -> None:
        connection = self.unit.connection
        for name, rows in self.restoring.items():
            table = _tables[name]
            for id, columns in rows.items():
                values = {column: typed(table.c[column], value) for column, value in columns.items()}
                connection.execute(update(table).where(table.c.id == id).values(values))
        for name, (parent, parent_table) in LISTS.items():
            table = _tables[name]
            lists = self.lists.get(name, {})
            gone = sorted({*lists, *self.added.get(parent_table, ())})
            if gone:
                connection.execute(delete(table).where(table.c[parent].in_(gone)))
            again = [
                {column: typed(table.c[column], value) for column, value in row.items()}
                for rows_ in lists.values()
                for row in rows_
            ]
            if again:
                connection.execute(insert(table), again)
        for name in reversed(TABLES):
            if ids := self.added.get(name):
                connection.execute(delete(_tables[name]).where(_tables[name].c.id.in_(sorted(ids))))
