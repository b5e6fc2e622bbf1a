"""The plan workbook → the plan: first every difference is shown, then all of it is applied or nothing.

The plan is a spreadsheet that ministries send each other. It comes back changed: a date moved, an agency renamed, a
line gone. A line that is gone may have reports. So a whole workbook is checked, compared with the database column by
column, and applied in one unit of work. Nothing is deleted: activities and indicators are retired, agencies get an
`active_to`.

Laws: a column that the file lacks changes nothing; the same file again changes nothing; the days of an existing
reporting period belong to the admin and are not computed again.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, delete, insert, select, update

from conversations.languages import FIRST, LANGUAGES
from conversations.plan.model import STANDARD_CELL
from conversations.plan.periods import USUAL_CADENCES, Cadence, Cadences, Frequency, periods_between
from storage.calendar.moving_periods import add_periods, follow_calendar
from storage.database.audit import Audit
from storage.database.marks import contents, protection_mark
from storage.database.models import Base
from storage.database.statements import insert_or_ignore
from storage.database.unit import Unit
from storage.errors import Conflict
from storage.imports import history
from storage.imports.differences import (
    Difference,
    DifferenceKind,
    Differences,
    Doubt,
    ReusedCodes,
    doubtful_title,
    is_unmarked,
    lowers_protection,
    shown_value,
)
from storage.imports.reading import PlanDraft
from storage.imports.sheets import PARTS, SETTINGS, SHEETS, Part, SheetOf, Value, leads, parts, table_of
from storage.plan.cadences import DAYS, columns
from storage.plan.lists import touch

DEFAULT_TIMEZONE = "America/Santo_Domingo"

_YEARS = re.compile(r"\D((?:19|20)\d\d)-((?:19|20)\d\d)$")


def differences(unit: Unit, draft: PlanDraft, plan_code: str) -> Differences:
    """Return what `apply` would change. Writes nothing."""
    return _Comparison(unit, draft, plan_code).differences()


def apply(
    unit: Unit,
    draft: PlanDraft,
    plan_code: str,
    actor_id: int | None,
    now: datetime,
    *,
    timezone: str = DEFAULT_TIMEZONE,
    shown: str | None = None,
    changed_on: date | None = None,
    same: Collection[str] = (),
    succeeds_id: int | None = None,
) -> Differences:
    """Make the plan what the draft says, and return the changes. Without changes there is no audit entry.

    Periods that lock until `changed_on` go by the plan as it was: until today, if nobody names a later day.
    ReusedCodes, and nothing is changed, for codes that may stand for something else and are not in `same`.

    `shown` is the fingerprint of the differences that somebody has confirmed. If the differences are no longer these,
    nothing is applied, and the present differences are returned.

    If there is no plan with this code, it is made; `timezone` is used if the workbook names none. Its reporting periods
    are made too, with days that respect the plan's holidays. With `succeeds_id` it follows that plan, and its
    first import, too, can be undone: nothing but the row of a plan that was never imported is left.
    """
    connection = unit.connection
    starts_on, ends_on = _span(draft, plan_code)
    is_new = insert_or_ignore(
        connection,
        _tables["plan"],
        {
            "code": plan_code,
            "name": {FIRST: plan_code},
            "starts_on": starts_on,
            "ends_on": ends_on,
            "timezone": timezone,
            **_of_plan(draft.settings),
        },
    )
    # If two imports run at once, the second compares after the first has committed.
    plan = _tables["plan"]
    connection.execute(select(plan.c.id).where(plan.c.code == plan_code).with_for_update(key_share=True)).all()
    comparison = _Comparison(unit, draft, plan_code)
    found = comparison.differences(is_new=is_new)
    if not found or (shown is not None and shown != found.fingerprint()):
        return found
    if unsaid := [each for each in found.doubts if each.code not in same]:
        raise ReusedCodes(unsaid)
    before = None if is_new and succeeds_id is None else history.take(unit, comparison.plan_id)
    comparison.apply(found, now, changed_on, succeeds_id)
    noted: dict[str, object] = {}
    if before is not None:
        noted = history.record(
            unit, comparison.plan_id, before, draft.sha256, actor_id=actor_id, now=now, changed_on=changed_on
        )
    details: dict[str, object] = {
        "plan": plan_code,
        "workbook": draft.sha256,
        "rows": found.counts(),
        "changes": [
            [one.table, one.code, one.column, shown_value(one.old), shown_value(one.new)]
            for one in found
            if one.kind == "changed"
        ],
        "protects": protection_mark(unit, comparison.plan_id),
        "contents": contents(unit, comparison.plan_id),
        **noted,
    }
    unit.of(Audit).record("plan.imported", actor_id=actor_id, plan_id=comparison.plan_id, details=details, now=now)
    return found


_tables = Base.metadata.tables


def _of_plan(settings: Mapping[str, Value], name: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The columns of the plan's own row that the workbook sets. The code is left out: the caller has chosen it.

    A blank cell changes nothing: a plan always has a time zone, and `name` keeps the languages that the file lacks.
    """
    columns: dict[str, Any] = {"name": dict(name)} if name else {}
    for one in SETTINGS.fields:
        value = settings.get(one.header)
        if not value or one.header == "code":
            continue
        if one.language:
            columns.setdefault(one.kept, {})[one.language] = value
        else:
            columns[one.kept] = value
    return columns


def _span(draft: PlanDraft, plan_code: str) -> tuple[date, date]:
    """The years in the plan's code (`…-2017-2020`), otherwise those of the activities; wide enough for all of these."""
    found = _YEARS.search(plan_code)
    if found is None:
        return draft.starts_on, draft.ends_on
    first, last = sorted((int(found[1]), int(found[2])))
    return min(date(first, 1, 1), draft.starts_on), max(date(last, 12, 31), draft.ends_on)


@dataclass(slots=True)
class Kept:
    """A stored row: values by header, references as codes."""

    id: int
    values: dict[str, Value]
    retired_on: date | None = None


_LISTED: Mapping[str, tuple[str, ...]] = {
    "target": ("target", "target_date", "target_source", "targets"),
    "activity_support": ("responsible", "supporting"),
    "resource": ("resources",),
    "activity_unit": ("activity_units",),
}
"""The tables of rows that belong to another row (`history.LISTS`), and the headers from which they are made."""
_NOTHING = PlanDraft({}, date.max, date.min, "")


def _target_part(values: Mapping[str, Value]) -> Part:
    """An indicator's own target, as the sheet `targets` has the others."""
    return str(values.get("target_date") or ""), str(values["target"]), str(values.get("target_source") or "")


@dataclass(slots=True)
class _Comparison:
    """A draft beside the plan in the database."""

    unit: Unit
    draft: PlanDraft
    plan_code: str
    plan_id: int = 0
    _timezone: str = DEFAULT_TIMEZONE
    _starts_on: date | None = None
    _ends_on: date | None = None
    _settings: dict[str, Any] = field(default_factory=dict)
    _is_first: bool = True
    """The plan is new: rows of its first import count as there from its beginning."""
    _kept: dict[str, dict[str, Kept]] = field(default_factory=dict)
    _wanted: dict[str, Mapping[str, Mapping[str, Value]]] = field(default_factory=dict)
    """The rows that the plan will have."""
    _periods: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        plan = _tables["plan"]
        row = self.unit.connection.execute(select(plan).where(plan.c.code == self.plan_code)).one_or_none()
        if row is not None:
            self.plan_id, self._timezone = row.id, row.timezone
            self._starts_on, self._ends_on = row.starts_on, row.ends_on
            self._settings = {one.kept: getattr(row, one.kept) for one in SETTINGS.fields}
            self._is_first = row.imported_at is None
        for sheet_of in SHEETS:
            self._kept[sheet_of.table] = self._load(sheet_of) if self.plan_id else {}
        self._kept["code"] = self._load_codes() if self.plan_id else {}
        if self.plan_id:
            self._kept["plan"] = {self.plan_code: Kept(self.plan_id, self._settings)}
        self._wanted = {**self.draft.rows, "cadence": self._wanted_cadences()}
        period = _tables["reporting_period"]
        codes = self.unit.connection.execute(select(period.c.code).where(period.c.plan_id == self.plan_id))
        self._periods = frozenset(codes.scalars())

    @property
    def kept(self) -> Mapping[str, Mapping[str, Kept]]:
        return self._kept

    # -------------------------------------------------------------- what is there
    def _load(self, sheet_of: SheetOf) -> dict[str, Kept]:
        table = _tables[sheet_of.table]
        ids = {
            one.kept: {kept.id: code for code, kept in self._kept[table_of(one)].items()}
            for one in sheet_of.fields
            if one.kind in ("reference", "leads") and one.kept
        }
        codes = {
            name: {kept.id: code for code, kept in self._kept.get(name, {}).items()} for name in ("agency", "unit")
        }
        listed = {
            name: history.rows_of(self.unit, self.plan_id, name)
            for name in _LISTED
            if history.LISTS[name][1] == sheet_of.table
        }
        kept: dict[str, Kept] = {}
        statement = select(table).where(table.c.plan_id == self.plan_id).order_by(table.c.id)
        for row in self.unit.connection.execute(statement).mappings():
            values: dict[str, Value] = {}
            for one in sheet_of.fields:
                if one.kept in ids:
                    values[one.header] = ids[one.kept].get(row[one.kept], "")
                elif one.language:
                    values[one.header] = row[one.kept].get(one.language, "")
                elif one.kept in row:
                    values[one.header] = row[one.kept]
                elif one.kept:
                    values[one.header] = one.blank
            retired_on = row[sheet_of.retired_by] if sheet_of.retired_by else None
            values |= {part_of.name: () for part_of in PARTS if part_of.owners == sheet_of.name}
            for name, found in listed.items():
                if row["id"] in found:
                    values |= self._shown(name, found[row["id"]], values, codes)
            kept[row["code"]] = Kept(row["id"], values, retired_on)
        return kept

    @staticmethod
    def _shown(
        name: str, rows: Sequence[RowMapping], values: Mapping[str, Value], codes: Mapping[str, Mapping[int, str]]
    ) -> dict[str, Value]:
        """Return what the workbook says of a row's own rows in one of `_LISTED`. `codes`: table → row → code."""
        if name == "activity_support":
            jointly, helping = (
                sorted(codes["agency"][row["agency_id"]] for row in rows if row["leads"] is it) for it in (True, False)
            )
            return {"responsible": ";".join((str(values["responsible"]), *jointly)), "supporting": tuple(helping)}
        if name == "resource":
            return {"resources": tuple(sorted((row["source"], row["amount"], row["currency"]) for row in rows))}
        if name == "activity_unit":
            return {"activity_units": tuple(sorted((codes["unit"][row["unit_id"]], row["target"]) for row in rows))}
        every = [
            {"target": row["value"], "target_date": row["target_on"], "target_source": row["source"]}
            for row in sorted(rows, key=lambda row: row["target_on"] or date.max)
        ]
        return every[-1] | {"targets": tuple(map(_target_part, every[:-1]))}

    def _load_codes(self) -> dict[str, Kept]:
        table = _tables["code"]
        statement = select(table).where(table.c.plan_id == self.plan_id).order_by(table.c.id)
        return {
            f"{row.list}/{row.code}": Kept(
                row.id,
                {f"label_{language}": row.label.get(language, "") for language in LANGUAGES}
                | {"attributes": row.attributes, "position": row.position},
            )
            for row in self.unit.connection.execute(statement)
        }

    # -------------------------------------------------------------- what differs
    def differences(self, *, is_new: bool | None = None) -> Differences:
        found: list[Difference] = []
        starts_on, ends_on = _span(self.draft, self.plan_code)
        if is_new or not self.plan_id:
            found.append(Difference("added", "plan", self.plan_code))
        else:
            if self._starts_on is not None and starts_on < self._starts_on:
                found.append(Difference("changed", "plan", self.plan_code, "starts_on", self._starts_on, starts_on))
            if self._ends_on is not None and ends_on > self._ends_on:
                found.append(Difference("changed", "plan", self.plan_code, "ends_on", self._ends_on, ends_on))
            found.extend(
                Difference(
                    "changed",
                    "plan",
                    self.plan_code,
                    column,
                    self._settings[column],
                    value,
                    lowers_protection=column == "min_cell" and int(value) < int(self._settings[column]),
                )
                for column, value in self._plan_columns().items()
                if value != self._settings[column]
            )
        for sheet_of in SHEETS:
            found.extend(self._compare(sheet_of.table, sheet_of))
        found.extend(self._compare("code", None))
        found.extend(
            Difference("added", "reporting_period", period.code)
            for period in periods_between(starts_on, ends_on, types=self._cadences())
            if period.code not in self._periods
        )
        return Differences(
            tuple(found), tuple(self._doubts()), tuple(self._unmarked()), tuple(sorted(self._never_was()))
        )

    def _never_was(self) -> set[str]:
        """The codes that rows continue, and that the plan has never had."""
        return {
            code
            for table in ("indicator", "activity")
            for row in self._wanted.get(table, {}).values()
            for code in str(row.get("continues") or "").split()
            if code not in self._kept[table] and code not in self._wanted[table]
        }

    def _doubts(self) -> Iterator[Doubt]:
        kept = {code: each.values["area_code"] for code, each in self._kept["objective"].items()}
        wanted = {code: row.get("area_code") for code, row in self._wanted.get("objective", {}).items()}
        for table in ("agency", "indicator", "activity"):
            for code, row in self._wanted.get(table, {}).items():
                if (present := self._kept[table].get(code)) is None:
                    continue
                old, new = self._with_area(present.values, kept), self._with_area(row, wanted)
                was_retired = present.retired_on is not None and not row.get("active_to")
                if header := doubtful_title(old, new, was_retired=was_retired):
                    yield Doubt(table, code, old[header], new[header])

    @staticmethod
    def _with_area(row: Mapping[str, Value], areas: Mapping[str, Value]) -> Mapping[str, Value]:
        """The row, an activity's with the area of its objective."""
        area = areas.get(str(row.get("objective_code")))
        return row if area is None else {**row, "area_code": area}

    def _unmarked(self) -> Iterator[str]:
        kept = self._kept["activity"]
        for code, row in self._wanted.get("activity", {}).items():
            if is_unmarked({**(kept[code].values if code in kept else {}), **row}):
                yield code

    def _plan_columns(self) -> dict[str, Any]:
        return _of_plan(self.draft.settings, self._settings["name"])

    @property
    def _standard_cell(self) -> int:
        return int(self._settings.get("min_cell") or STANDARD_CELL)

    def _compare(self, table: str, sheet_of: SheetOf | None) -> Iterator[Difference]:
        kept, wanted = self._kept[table], self._wanted.get(table, {})
        retired_by = sheet_of.retired_by if sheet_of else ""
        checked_only = {one.header for one in sheet_of.fields if not one.kept} if sheet_of else set()
        for code, row in wanted.items():
            present = kept.get(code)
            if present is None:
                yield Difference("added", table, code)
                continue
            if present.retired_on is not None and retired_by not in row:
                yield Difference("restored", table, code, retired_by, present.retired_on)
            for header, value in row.items():
                if header not in checked_only and header != "code" and present.values[header] != value:
                    yield Difference(
                        "changed",
                        table,
                        code,
                        header,
                        present.values[header],
                        value,
                        lowers_protection(header, present.values, present.values | dict(row), self._standard_cell),
                    )
        if retired_by and table in self._wanted:
            for code, present in kept.items():
                if code not in wanted and present.retired_on is None:
                    yield Difference("retired", table, code)

    def _wanted_cadences(self) -> Mapping[str, Mapping[str, Value]]:
        """The cadences in the workbook. Without that sheet, those of the plan stay, and a new plan gets the usual ones.

        A periodicity that is reported always has a cadence: the usual one if the workbook has none.
        """
        if "cadence" in self.draft.rows:
            return self.draft.rows["cadence"]
        kept = self._kept["cadence"]
        named = {str(row.get("report_frequency")) for row in self.draft.rows.get("activity", {}).values()}
        named |= {str(row.get("frequency")) for row in self.draft.rows.get("indicator", {}).values()}
        found: dict[str, Mapping[str, Value]] = {}
        for word in Frequency:
            if word not in kept and (word in named or not kept):
                found[word.value] = {"code": word.value, **columns(USUAL_CADENCES[word.period_type])}
            elif word in kept and (kept[word].retired_on is None or word in named):
                found[word.value] = kept[word].values
        return found

    def _cadences(self) -> Cadences:
        """The periodicities that the plan will have."""
        return {
            Frequency(code).period_type: Cadence(*(int(str(row[name])) for name in DAYS))
            for code, row in self._wanted["cadence"].items()
        }

    # -------------------------------------------------------------- making it so
    def apply(self, found: Differences, now: datetime, changed_on: date | None, succeeds_id: int | None) -> None:
        today = now.astimezone(ZoneInfo(self._timezone)).date()
        touched: dict[str, dict[str, set[DifferenceKind]]] = {}
        for one in found:
            touched.setdefault(one.table, {}).setdefault(one.code, set()).add(one.kind)
        for sheet_of in SHEETS:
            for code, kinds in touched.get(sheet_of.table, {}).items():
                self._write(sheet_of, code, kinds, changed_on or today)
        self._write_codes(touched.get("code", {}))
        if touched.get("reporting_period"):
            add_periods(self.unit, self.plan_id, *_span(self.draft, self.plan_code))
        if touched.get("cadence"):
            follow_calendar(self.unit, self.plan_id, today, now)
        plan = _tables["plan"]
        starts_on, ends_on = _span(self.draft, self.plan_code)
        self.unit.connection.execute(
            update(plan)
            .where(plan.c.id == self.plan_id)
            .values(
                starts_on=min(starts_on, self._starts_on or starts_on),
                ends_on=max(ends_on, self._ends_on or ends_on),
                imported_at=now,
                **({} if succeeds_id is None else {"succeeds_id": succeeds_id}),
                **self._plan_columns(),
            )
        )
        touch(self.unit, self.plan_id)

    def _write(self, sheet_of: SheetOf, code: str, kinds: Collection[DifferenceKind], changed_on: date) -> None:
        table = _tables[sheet_of.table]
        kept = self._kept[sheet_of.table].get(code)
        if "retired" in kinds:
            if kept is not None:
                statement = update(table).where(table.c.id == kept.id).values({sheet_of.retired_by: changed_on})
                self.unit.connection.execute(statement)
            return
        old = kept.values if kept else {}
        values = old | dict(self._wanted[sheet_of.table][code])
        columns = self._columns(sheet_of, values)
        if "restored" in kinds:
            columns[sheet_of.retired_by] = None
        if kept is None:
            if "added_on" in table.c and not self._is_first:
                columns["added_on"] = changed_on
            row = {"plan_id": self.plan_id, **columns}
            # With the values apart, a sheet's rows are one statement for SQLAlchemy: half the time of an import.
            kept = Kept(self.unit.connection.execute(insert(table).returning(table.c.id), row).scalar_one(), {})
            self._kept[sheet_of.table][code] = kept
        else:
            self.unit.connection.execute(update(table).where(table.c.id == kept.id).values(columns))
        for name, headers in _LISTED.items():
            parent, owner = history.LISTS[name]
            if owner == sheet_of.table and any((values.get(each) or ()) != (old.get(each) or ()) for each in headers):
                self._write_list(name, {parent: kept.id}, values, is_new=not old)

    def _columns(self, sheet_of: SheetOf, values: Mapping[str, Value]) -> dict[str, Any]:
        """The values as columns of the table. A column that neither file nor database has gets its blank value."""
        table = _tables[sheet_of.table]
        columns: dict[str, Any] = {}
        for one in sheet_of.fields:
            value = values.get(one.header, one.blank)
            if one.kept not in table.c:
                continue
            if one.language:
                texts = columns.setdefault(one.kept, {})
                if value:
                    texts[one.language] = value
            elif one.kind in ("reference", "leads"):
                columns[one.kept] = self._kept[table_of(one)][leads(value)[0]].id if value else None
            else:
                columns[one.kept] = value
        return columns

    def _write_list(self, name: str, owner: dict[str, int], values: Mapping[str, Value], *, is_new: bool) -> None:
        table = _tables[name]
        if not is_new:
            self.unit.connection.execute(delete(table).filter_by(**owner))
        if rows := [owner | row for row in self._listed(name, values)]:
            self.unit.connection.execute(insert(table), rows)

    def _listed(self, name: str, values: Mapping[str, Value]) -> Iterator[dict[str, Any]]:
        """Yield the rows of one of `_LISTED` that belong to a row with these values."""
        if name == "activity_support":
            beside = [(code, False) for code in parts(values, "supporting")]
            for code, leads_too in (*beside, *((code, True) for code in leads(values["responsible"])[1:])):
                yield {"agency_id": self._kept["agency"][str(code)].id, "leads": leads_too}
        elif name == "resource":
            for part in parts(values, "resources"):
                yield dict(zip(("source", "amount", "currency"), part, strict=True))
        elif name == "activity_unit":
            for code, target in parts(values, "activity_units"):
                yield {"unit_id": self._kept["unit"][code].id, "target": target}
        else:
            own = (_target_part(values),) if values.get("target") else ()
            for on, value, source in (*parts(values, "targets"), *own):
                day = date.fromisoformat(on) if on else None
                yield {"plan_id": self.plan_id, "value": value, "target_on": day, "source": source}

    def _write_codes(self, touched: Mapping[str, Collection[DifferenceKind]]) -> None:
        table = _tables["code"]
        added: list[dict[str, Any]] = []
        for key in touched:
            name, _, code = key.partition("/")
            kept = self._kept["code"].get(key)
            row = {**(kept.values if kept else {}), **self._wanted["code"][key]}
            labels = ((language, row.get(f"label_{language}")) for language in LANGUAGES)
            columns = {
                "label": {language: label for language, label in labels if label},
                "attributes": row["attributes"],
                "position": row["position"],
            }
            if kept is None:
                added.append({"plan_id": self.plan_id, "list": name, "code": code, **columns})
            else:
                self.unit.connection.execute(update(table).where(table.c.id == kept.id).values(columns))
        if added:
            self.unit.connection.execute(insert(table), added)


def one_cell(unit: Unit, plan_code: str, table: str, code: str, header: str, old: str, new: str) -> PlanDraft:
    """Return the plan as its workbook has it, with one cell changed. Imported, it changes nothing else.

    Conflict if the cell says something else than `old`, or if the plan has its row no more. The plan is locked, so that
    nothing comes in between.
    """
    plan = _tables["plan"]
    unit.connection.execute(select(plan.c.id).where(plan.c.code == plan_code).with_for_update(key_share=True)).all()
    rows = {
        name: {key: dict(one.values) for key, one in kept.items() if one.retired_on is None or name == "agency"}
        for name, kept in kept_rows(unit, plan_code).items()
        if name != "plan"
    }
    row = rows[table].get(code)
    if row is None or shown_value(row[header]) != old:
        raise Conflict(f"{code} does not say {old!r} under {header}")
    is_day = next(each for each in SHEETS if each.table == table)[header].kind == "date"
    row[header] = date.fromisoformat(new) if is_day else new
    return PlanDraft.of(rows, hashlib.sha256(f"{code}\n{header}\n{new}".encode()).hexdigest())


def kept_rows(unit: Unit, plan_code: str) -> Mapping[str, Mapping[str, Kept]]:
    """The stored plan, by table and code, with its retired rows. Empty if there is no such plan."""
    return _Comparison(unit, _NOTHING, plan_code).kept
