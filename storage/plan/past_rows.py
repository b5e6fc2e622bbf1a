"""What the rows of a plan said before somebody edited them: the plan's memory.

A locked period goes by the plan as it was on the day on which it locked. Nothing is copied when it locks: that day is
its seal. Whoever edits a row afterwards stores the columns that the edit changes, as they were, and the first day that
goes by the new ones: tomorrow, or the day on which the period opens from which the edit is to hold. So there is one
seal, whoever comes first, after an outage, with two replicas, or from a backup. An edit of which no period that goes by
the old row would tell stores nothing.

What a row said for a period is read backwards: from the row as it is, through the edits that came after the period had
locked (`conversations.plan.versions`). Today's protection of survivors always counts, whatever was sealed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Date, bindparam, delete, func, insert, select

from conversations.plan.model import Activity, Agency, AgencyUnit, Indicator, Target
from conversations.plan.periods import Frequency
from storage.database.facts import Facts
from storage.database.models import Base, UtcDateTime
from storage.database.statements import Prepared
from storage.database.unit import Repository, Unit

_tables = Base.metadata.tables
_plan = _tables["plan"]
_past = _tables["past_row"]
_period = _tables["reporting_period"]
_objective = _tables["objective"]
_area = _tables["strategic_area"]

REMEMBERED: Final = ("strategic_area", "agency", "unit", "objective", "indicator", "activity")
"""The tables whose rows say what was expected, and by which names it is told."""
TARGETS: Final = "targets"
"""Among an indicator's past columns: its rows of the table of targets."""
UNITS: Final = "units"
"""Among an activity's past columns: the units that report on it."""
ONE_DAY: Final = timedelta(days=1)

_AS_THEY_ARE: Final = frozenset(
    ("name", "short_name", "target_quantity", "target_unit", "means_of_verification", "role_type", "level", "unit",
     "direction", "aggregation", "baseline", "baseline_period", "by_exploitation", "computed", "annual_table",
     "continues")
)  # fmt: skip
"""Columns that are fields of the same name. What protects survivors is none of them: today's value always counts."""
_DAYS: Final = frozenset(("start_on", "due_on", "added_on", "retired_on", "active_from", "active_to"))

Row = dict[str, Any]
Rows = Mapping[str, Mapping[int, Row]]
"""The rows of a plan: by table and number, values fit for JSON."""
Pending = dict[str, dict[str, list[tuple[str, Mapping[str, Any], str]]]]
"""Versions that are yet to begin, by table and number, fit for JSON: first day of the next version, columns, reason."""
T = TypeVar("T", Activity, Indicator, Agency, AgencyUnit)


class Past(NamedTuple):
    """The columns that an edit changed, as they were for the periods that locked before `valid_to`."""

    row_id: int
    valid_to: date
    columns: Mapping[str, Any]
    reason: str


_OF_PLAN = Prepared(
    select(_past.c.of_table, *(_past.c[name] for name in Past._fields))
    .where(_past.c.plan_id == bindparam("plan_id"))
    .order_by(_past.c.row_id, _past.c.valid_to.desc())
)
_CODES = {
    of.name: Prepared(select(of.c.id, of.c.code).where(of.c.plan_id == bindparam("plan_id")))
    for of in (_tables["agency"], _tables["indicator"], _area)
}
_OBJECTIVES = Prepared(
    select(_objective.c.id, _objective.c.code, _area.c.code)
    .join(_area, _area.c.id == _objective.c.strategic_area_id)
    .where(_objective.c.plan_id == bindparam("plan_id"))
)
_SEALS = select(func.coalesce(_period.c.sealed_on, _period.c.locks_on))


def as_it_was(edits: Iterable[Past], column: str, value: Any, seals_on: date) -> Any:
    """Return what a column said for the periods that locked on that day. `value` is what it says today."""
    for past in edits:
        if past.valid_to <= seals_on:
            break
        value = past.columns.get(column, value)
    return value


def sealed_late(plan_id: int) -> str:
    """Return the name of the fact that says until which day periods locked before a plan's memory began."""
    return f"sealed_late.{plan_id}"


def plain(value: Any) -> Any:
    """The value as JSON returns it, so that a noted value equals a stored one."""
    return value.isoformat() if isinstance(value, date) else value


def typed(column: Any, value: Any) -> Any:
    """The noted value as its column takes it."""
    if isinstance(value, str) and isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(column.type, Date):
        return date.fromisoformat(value)
    return value


class PastRows(Repository):
    """The earlier versions of a plan's rows."""

    # -------------------------------------------------------------- reading
    def of_plan(self, plan_id: int) -> dict[str, dict[int, list[Past]]]:
        """Return table → row → what its edits replaced, the latest first. Empty for a plan that nobody has edited."""
        found: dict[str, dict[int, list[Past]]] = {}
        for table, *past in _OF_PLAN.rows(self._connection, {"plan_id": plan_id}):
            found.setdefault(table, {}).setdefault(past[0], []).append(Past(*past))
        return found

    def with_earlier(self, plan_id: int, table: str, rows: Sequence[T]) -> tuple[T, ...]:
        """Return these rows of a table as they are and, behind each, as they were: one value for each version."""
        edits = self.of_plan(plan_id).get(table)
        if not edits:
            return tuple(rows)
        read = _Reader(self._unit, plan_id)
        found: list[T] = []
        for row in rows:
            found += read.versions(row, edits.get(row.id, ()))
        return tuple(found)

    def corrected(self, plan_id: int) -> frozenset[tuple[str, int, date]]:
        """Return the rows, by table and number, that somebody corrected for the periods that locked on a day."""
        return frozenset(
            (table, id, past.valid_to - ONE_DAY)
            for table, rows in self.of_plan(plan_id).items()
            for id, edits in rows.items()
            for past in edits
            if past.reason
        )

    def sealed_late_until(self, plan_id: int) -> date | None:
        """Return until when periods locked before the plan's memory began: they go by the rows of that day."""
        found = self._unit.of(Facts).get(sealed_late(plan_id))
        return date.fromisoformat(found) if found else None

    # -------------------------------------------------------------- writing
    def note(
        self,
        plan_id: int,
        before: Rows,
        after: Rows,
        now: datetime,
        *,
        changed_on: date | None = None,
        pending: Pending | None = None,
    ) -> Pending:
        """Keep what an edit has changed, for the periods that lock on `changed_on` (today, or a later day) or before.

        `before` and `after` are all rows. If an earlier edit of a row is yet to begin, the columns that this edit
        changes say there, too, what they say now. Return such versions as they were before: an undo gives them back as
        `pending`.
        """
        edits, seals = self.of_plan(plan_id), self._seals(plan_id)
        today = self._today(plan_id, now)
        begins_on = (changed_on or today) + ONE_DAY
        found: Pending = {}
        for table in REMEMBERED:
            for id, old in before.get(table, {}).items():
                new, past = after.get(table, {}).get(id), edits.get(table, {}).get(id, ())
                if new is None or new == old:
                    continue
                if still := [each for each in past if each.valid_to > today + ONE_DAY]:
                    found.setdefault(table, {})[str(id)] = [
                        (str(one.valid_to), one.columns, one.reason) for one in still
                    ]
                states = _states(old, past)
                if pending is None:
                    changes = {name: value for name, value in new.items() if old.get(name) != value}
                    later = [each._replace(row=each.row | changes) for each in states]
                else:
                    later = _states(new, (_pending(id, *one) for one in pending.get(table, {}).get(str(id), ())))
                self._store(plan_id, table, id, new, _edited(old, states, begins_on, later), seals)
        return found

    def _today(self, plan_id: int, now: datetime) -> date:
        zone = self._connection.execute(select(_plan.c.timezone).where(_plan.c.id == plan_id)).scalar_one()
        return now.astimezone(ZoneInfo(zone)).date()

    def correct(self, plan_id: int, table: str, id: int, seals_on: date, columns: Row, reason: str) -> Row:
        """Change what a row said for the periods that locked on that day, and for no others; return what it said.

        `columns` are the values that it should have had. `reason` marks every figure that goes by them.
        """
        present = self._present(table, id)
        states = _states(present, self.of_plan(plan_id).get(table, {}).get(id, ()))
        known = {state.valid_to: state for state in states}
        for valid_to in (seals_on, seals_on + ONE_DAY):
            if valid_to not in known:
                later = [state for state in states if state.valid_to > valid_to]
                known[valid_to] = _State(valid_to, later[-1].row if later else present)
        was = known[seals_on + ONE_DAY].row
        known[seals_on + ONE_DAY] = _State(seals_on + ONE_DAY, was | columns, reason)
        in_turn = [known[valid_to] for valid_to in sorted(known, reverse=True)]
        self._store(plan_id, table, id, present, in_turn, self._seals(plan_id))
        return {name: was[name] for name in columns}

    def _seals(self, plan_id: int) -> list[date]:
        return sorted(self._connection.execute(_SEALS.where(_period.c.plan_id == plan_id)).scalars())

    def _present(self, table: str, id: int) -> Row:
        of = _tables[table]
        found = self._connection.execute(select(of).where(of.c.id == id)).mappings().one()
        row = {name: plain(value) for name, value in found.items()}
        if table == "indicator":
            row |= {TARGETS: targets(self._unit, [id]).get(id, [])}
        return row

    def _store(
        self, plan_id: int, table: str, id: int, present: Row, states: Sequence["_State"], seals: Sequence[date]
    ) -> None:
        """Store what a row was, in place of what is stored. A state by which no locked period goes is left out."""
        is_of_row = (_past.c.plan_id == plan_id, _past.c.of_table == table, _past.c.row_id == id)
        self._connection.execute(delete(_past).where(*is_of_row))
        rows: list[Row] = []
        following = present
        for place, state in enumerate(states):
            since = states[place + 1].valid_to if place + 1 < len(states) else date.min
            columns = {name: value for name, value in state.row.items() if following.get(name) != value}
            if not any(since <= seal < state.valid_to for seal in seals) or not (columns or state.reason):
                continue
            rows.append(
                {"plan_id": plan_id, "of_table": table, "row_id": id, "valid_to": state.valid_to, "columns": columns,
                 "reason": state.reason, "agency_id": columns.get("agency_id")}
            )  # fmt: skip
            following = state.row
        if rows:
            self._connection.execute(insert(_past), rows)


class _State(NamedTuple):
    """What a row said, whole, for the periods that lock before `valid_to` and after the state before it."""

    valid_to: date
    row: Row
    reason: str = ""


def _states(present: Row, edits: Iterable[Past]) -> list[_State]:
    """Return the states of a row before the present one, the latest first."""
    states: list[_State] = []
    row = present
    for past in edits:
        row = row | dict(past.columns)
        states.append(_State(past.valid_to, row, past.reason))
    return states


def _pending(id: int, valid_to: str, columns: Mapping[str, Any], reason: str) -> Past:
    return Past(id, date.fromisoformat(valid_to), columns, reason)


def _edited(old: Row, states: Sequence[_State], begins_on: date, later: Sequence[_State]) -> list[_State]:
    """Return the states of a row after an edit that holds from `begins_on` on: there the `later` ones take over."""
    held = [each for each in states if each.valid_to >= begins_on]
    last = held[-1] if held else _State(begins_on, old)
    until = _State(begins_on, last.row, last.reason if last.valid_to == begins_on else "")
    return [
        *(each for each in later if each.valid_to > begins_on),
        until,
        *(each for each in states if each.valid_to < begins_on),
    ]


def in_turn(found: Iterable[Target]) -> tuple[Target, ...]:
    """Return targets in the order of their days. One without a day is of the whole plan, and the last."""
    return tuple(sorted(found, key=lambda each: each.on or date.max))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def targets(unit: Unit, ids: Iterable[int]) -> dict[int, list[Row]]:
    """Return the targets of these indicators, as `TARGETS` holds them."""
    target = _tables["target"]
    found: dict[int, list[Row]] = {}
    statement = select(target).where(target.c.indicator_id.in_(sorted(ids))).order_by(target.c.id)
    for row in unit.connection.execute(statement).mappings():
        values = {name: plain(value) for name, value in row.items() if name != "id"}
        found.setdefault(row["indicator_id"], []).append(values)
    return found


class _Reader:
    """Makes the earlier versions of the values that the plan's readers know."""

    def __init__(self, unit: Unit, plan_id: int) -> None:
        values = {"plan_id": plan_id}
        self._codes = {name: dict(of.rows(unit.connection, values)) for name, of in _CODES.items()}
        self._objectives = {id: (code, area) for id, code, area in _OBJECTIVES.rows(unit.connection, values)}

    def versions(self, row: T, edits: Sequence[Past]) -> list[T]:
        """Return the row with the day from which it holds, and what it was before."""
        found: list[T] = []
        for past in edits:
            found.append(replace(row, valid_from=past.valid_to))
            row = replace(row, valid_to=past.valid_to, **dict(self._fields(past.columns)))
        found.append(row)
        return found

    def _fields(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The fields of the value that these columns fill."""
        for name, value in columns.items():
            match name:
                case "agency_id":
                    yield "agency_code", self._codes["agency"].get(value, "")
                case "indicator_id":
                    yield "indicator_code", self._codes["indicator"].get(value, "")
                case "strategic_area_id":
                    yield "area_code", self._codes["strategic_area"].get(value, "")
                case "objective_id":
                    code, area = self._objectives.get(value, ("", ""))
                    yield from (("objective_code", code), ("area_code", area))
                case "report_frequency" | "frequency":
                    yield "frequency", Frequency(value)
                case "targets":
                    yield "targets", in_turn(Target(one["value"], _day(one["target_on"])) for one in value)
                case _ if name in _AS_THEY_ARE:
                    yield name, value
                case _ if name in _DAYS:
                    yield name, _day(value)
