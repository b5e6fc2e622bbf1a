"""The plan workbook → the plan: every mistake at once, every difference shown first, all of it or nothing.

The plan lives in a spreadsheet that ministries send each other, and comes back changed: a date moved, an agency
renamed, a line gone. What is gone from the file is not gone from the world: reports were made about it. So a
workbook is checked whole, compared with the database column by column, and applied in one unit of work, in
which nothing is ever deleted: activities and indicators are retired, agencies get an `active_to`.

Laws: a column that the file lacks changes nothing; the same file again changes nothing; the days of a reporting
period that exists are the admin's and are not computed again.
"""

import difflib
import hashlib
import io
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from sqlalchemy import delete, insert, select, update

from conversations.plan import ActivityStatus, Frequency, ValidationState, is_restricted, periods_between
from conversations.problems import AuthorError, Problem
from conversations.wording import LANGUAGES, wording
from conversations.workbook import Sheet, check_workbook, read_sheets
from storage import plan_history
from storage.agencies import ROLE_TYPES
from storage.models import Base
from storage.statements import insert_or_ignore

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

SEED_PLAN = "do-trata-2017-2020"
DEFAULT_TIMEZONE = "America/Santo_Domingo"
PLAN_NAMES: Mapping[str, Mapping[str, str]] = {
    SEED_PLAN: {
        "es": "Plan Nacional de Acción contra la Trata de Personas y el Tráfico Ilícito de Migrantes 2017-2020",
        "en": "National Plan of Action against Human Trafficking and the Smuggling of Migrants 2017-2020",
        "ht": "Plan Aksyon Nasyonal kont Trèt Moun ak Kontrebann Migran 2017-2020",
    }
}
"""The workbook has no line for its own name; another plan is called by its code until it is renamed."""

Value = str | int | bool | date | None | tuple[str, ...] | dict[str, str]
Kind = Literal["code", "text", "date", "number", "whole", "flag", "word", "reference", "references", "sdg", "gcm"]
DifferenceKind = Literal["added", "changed", "retired", "restored"]


def seed_workbook() -> bytes:
    """The plan that is shipped with the bot."""
    return (files("storage") / "seed" / "plan.xlsx").read_bytes()


# ------------------------------------------------------------------ what the workbook looks like
@dataclass(frozen=True, slots=True)
class Field:
    """One column: what its cells may hold, and where it is kept. No `kept` means that it is only checked."""

    header: str
    kept: str = ""
    kind: Kind = "text"
    needed: bool = False
    limit: int = 300
    language: str = ""
    words: tuple[str, ...] = ()
    refers_to: str = ""
    """The sheet whose codes it names."""


@dataclass(frozen=True, slots=True)
class SheetOf:
    """A sheet of the workbook and the table it becomes, in the order in which rows refer to each other."""

    name: str
    table: str
    fields: tuple[Field, ...]
    retired_by: str = ""
    may_be_empty: bool = False

    def __getitem__(self, header: str) -> Field:
        return next(one for one in self.fields if one.header == header)


@dataclass(frozen=True, slots=True)
class CodeSheetOf:
    """A sheet that becomes code lists: one named here, or as many as its column `list_header` names."""

    name: str
    list: str = ""
    list_header: str = ""
    label: str = "label"
    words: tuple[str, ...] = ()


_CODE_LIMIT = 32
_SENSITIVITIES = ("public", "internal", "restricted")
_FREQUENCIES = tuple(frequency.value for frequency in Frequency)
_CODE = Field("code", "code", "code", needed=True, limit=_CODE_LIMIT)
_SOURCE = Field("source", "source")


def _translated(prefix: str, kept: str, limit: int, *, needed: bool = True) -> tuple[Field, ...]:
    """One column a language; Spanish is what must be there."""
    return tuple(
        Field(f"{prefix}_{language}", kept, needed=needed and language == "es", limit=limit, language=language)
        for language in LANGUAGES
    )


SHEETS: Final = (
    SheetOf(
        "strategic_areas",
        "strategic_area",
        (
            _CODE,
            *_translated("name", "name", 200),
            Field("order", "position", "whole", needed=True),
            *_translated("intent", "intent", 500, needed=False),
            _SOURCE,
        ),
    ),
    SheetOf(
        "agencies",
        "agency",
        (
            _CODE,
            *_translated("name", "name", 200),
            Field("role", "mandate", limit=500),
            Field("role_type", "role_type", "word", needed=True, words=ROLE_TYPES),
            Field("member_2018", "founding_member", "flag", words=("yes", "no", "invited")),
            Field("active_from", "active_from", "date"),
            Field("active_to", "active_to", "date"),
            _SOURCE,
        ),
        retired_by="active_to",
    ),
    SheetOf(
        "objectives",
        "objective",
        (
            _CODE,
            Field("area_code", "strategic_area_id", "reference", needed=True, refers_to="strategic_areas"),
            Field("programme_es", "programme"),
            *_translated("name", "name", 300),
            Field("sdg_targets", "sdg_targets", "sdg"),
            Field("gcm_objectives", "gcm_objectives", "gcm"),
            _SOURCE,
        ),
    ),
    SheetOf(
        "indicators",
        "indicator",
        (
            _CODE,
            *_translated("name", "name", 200),
            Field("area_code", "strategic_area_id", "reference", needed=True, refers_to="strategic_areas"),
            Field("level", "level", "word", needed=True, words=("output", "outcome", "impact", "other")),
            Field("unit", "unit", "word", needed=True, words=("people", "count", "percent")),
            Field("direction", "direction", "word", needed=True, words=("increase", "decrease", "contextual")),
            Field("aggregation", "aggregation", "word", needed=True, words=("sum", "latest", "ratio", "average")),
            Field("disaggregation", "disaggregation"),
            Field("frequency", "frequency", "word", needed=True, words=_FREQUENCIES),
            Field("baseline", "baseline", "number"),
            Field("baseline_period", "baseline_period", limit=64),
            Field("baseline_source", "baseline_source"),
            Field("target", "target.value", "number"),
            Field("target_date", "target.target_on", "date"),
            Field("sdg_target", "sdg_target", "sdg"),
            Field("sdg_indicator", "sdg_indicator", limit=64),
            Field("gcm_objective", "gcm_objective", "gcm"),
            Field("responsible", "agency_id", "reference", needed=True, refers_to="agencies"),
            Field("sensitivity", "sensitivity", "word", needed=True, words=_SENSITIVITIES),
            Field("min_cell", "min_cell", "whole"),
            Field("by_exploitation", "by_exploitation", "flag", words=("0", "1", "no", "yes", "FALSE", "TRUE")),
            Field("target_source", "target.source"),
            Field("note", "note", limit=500),
        ),
        retired_by="retired_on",
        may_be_empty=True,
    ),
    SheetOf(
        "activities",
        "activity",
        (
            _CODE,
            Field("objective_code", "objective_id", "reference", needed=True, refers_to="objectives"),
            Field("area_code", "", "reference", refers_to="strategic_areas"),
            *_translated("name", "name", 400),
            *_translated("short", "short_name", 60),
            Field("responsible", "agency_id", "reference", needed=True, refers_to="agencies"),
            Field("supporting", "supporting", "references", refers_to="agencies"),
            Field("start_date", "start_on", "date", needed=True),
            Field("due_date", "due_on", "date", needed=True),
            Field("report_frequency", "report_frequency", "word", needed=True, words=_FREQUENCIES),
            Field("indicator_code", "indicator_id", "reference", refers_to="indicators"),
            Field("target_qty", "target_quantity", "number"),
            *_translated("target_unit", "target_unit", 80, needed=False),
            *_translated("means_of_verification", "means_of_verification", 500, needed=False),
            Field("sensitivity", "sensitivity", "word", needed=True, words=_SENSITIVITIES),
            Field("budget_dop", "budget", "number"),
            Field("budget_status", "budget_status", limit=80),
            _SOURCE,
        ),
        retired_by="retired_on",
    ),
)

CODE_SHEETS: Final = (
    CodeSheetOf("status_codes", list="activity_status", words=tuple(ActivityStatus)),
    CodeSheetOf("validation_states", list="validation_state", words=tuple(ValidationState)),
    CodeSheetOf("codelists", list_header="list"),
    CodeSheetOf("sdg_gcm_reference", list_header="framework", label="title"),
)

EXPLAINS: Final = frozenset({"leame", "readme", "plan", "sources", "export_crosswalk", "reporting_calendar"})
"""Sheets for people: read me, the flat view of the plan, sources, and what is computed here anyway."""

_NEGATIVE_IS_WRONG = frozenset({"target_qty", "budget_dop", "min_cell", "order", "target"})
_CODE_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_YEARS = re.compile(r"\D((?:19|20)\d\d)-((?:19|20)\d\d)$")
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)


# ------------------------------------------------------------------ the draft
@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A workbook found good: rows by table and code, each header that the file has with its value.

    References are codes, not row numbers. `problems` holds what is worth saying but stops nothing.
    """

    rows: Mapping[str, Mapping[str, Mapping[str, Value]]]
    starts_on: date
    ends_on: date
    sha256: str
    problems: tuple[Problem, ...] = ()


def read_plan(data: bytes) -> PlanDraft:
    """The plan in the workbook. AuthorError with every problem, if one of them is an error."""
    return _Reading(data).draft()


class _Reading:
    """One workbook being read; collects problems and goes on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sheets = {sheet.name.casefold(): sheet for sheet in read_sheets(data)}
        self._problems: list[Problem] = []
        self._letters: dict[str, dict[str, str]] = {}
        self._rows: dict[str, dict[str, dict[str, Value]]] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def draft(self) -> PlanDraft:
        self._look_at_sheets()
        self._find_formulas()
        for sheet_of in SHEETS:
            if sheet_of.name in self._sheets:
                self._read(sheet_of, self._sheets[sheet_of.name])
        codes: dict[str, dict[str, Value]] = {}
        for code_sheet_of in CODE_SHEETS:
            if code_sheet_of.name in self._sheets:
                self._read_codes(code_sheet_of, self._sheets[code_sheet_of.name], codes)
        for sheet_of in SHEETS:
            self._check_references(sheet_of, codes)
        self._check_activities()
        problems = sorted(self._problems, key=self._order)
        if any(problem.severity == "error" for problem in problems):
            raise AuthorError(problems)
        days = [
            day
            for row in self._rows["activities"].values()
            for day in (row["start_date"], row["due_date"])
            if isinstance(day, date)
        ]
        return PlanDraft(
            rows={sheet_of.table: self._rows.get(sheet_of.name, {}) for sheet_of in SHEETS} | {"code": codes},
            starts_on=date(min(days).year, 1, 1),
            ends_on=date(max(days).year, 12, 31),
            sha256=hashlib.sha256(self._data).hexdigest(),
            problems=tuple(problems),
        )

    def _order(self, problem: Problem) -> tuple[int, int, int, str]:
        names = [sheet_of.name for sheet_of in (*SHEETS, *CODE_SHEETS)]
        position = names.index(problem.sheet) if problem.sheet in names else len(names)
        return position, problem.row or 0, len(problem.column), problem.column

    # -------------------------------------------------------------- sheets and columns
    def _look_at_sheets(self) -> None:
        names = [sheet_of.name for sheet_of in (*SHEETS, *CODE_SHEETS)]
        for sheet_of in SHEETS:
            sheet = self._sheets.get(sheet_of.name)
            if sheet is None:
                self._say("missing_sheet", sheet_of.name, values={"sheet": sheet_of.name})
            elif not sheet.rows and not sheet_of.may_be_empty:
                self._say("empty_sheet", sheet_of.name, values={"sheet": sheet_of.name})
        for folded, sheet in self._sheets.items():
            if folded not in names and folded not in EXPLAINS:
                expected = difflib.get_close_matches(folded, names, 1) or names
                values = {"sheet": sheet.name, "expected": ", ".join(expected)}
                self._say("unread_sheet", sheet.name, values=values, severity="warning")
            elif folded in names:
                self._problems.extend(sheet.problems)

    def _columns(self, name: str, sheet: Sheet, known: Collection[str], needed: Iterable[str]) -> dict[str, str]:
        """The headers of the sheet as they are written → as they are known here; says which are missing or unknown."""
        columns: dict[str, str] = {}
        self._letters[name] = letters = {}
        for header, letter in sheet.headers.items():
            plain = header.casefold().replace(" ", "_")
            if plain in known and plain not in letters:
                columns[header] = plain
                letters[plain] = letter
            else:
                values = {
                    "column": header,
                    "expected": ", ".join(difflib.get_close_matches(plain, known, 3) or sorted(known)),
                }
                self._say("unknown_column", name, sheet.header_row, letter, values, "warning")
        for header in needed:
            if header not in letters:
                self._say("missing_column", name, sheet.header_row, values={"column": header})
        return columns

    def _find_formulas(self) -> None:
        """Formulas: what they show depends on who saved the file last, so no plan is built on them."""
        names = {sheet_of.name for sheet_of in (*SHEETS, *CODE_SHEETS)}
        found: dict[tuple[str, str], list[int]] = {}
        try:
            for name, letter, number in _formulas(self._data, names):
                found.setdefault((name, letter), []).append(number)
        except _DAMAGE as error:
            raise AuthorError([Problem("workbook.damaged")]) from error
        for (name, letter), rows in found.items():
            self._say("formula", name, rows[0], letter, {"count": len(rows)})

    # -------------------------------------------------------------- rows
    def _read(self, sheet_of: SheetOf, sheet: Sheet) -> None:
        known = {one.header: one for one in sheet_of.fields}
        columns = self._columns(sheet_of.name, sheet, known, [one.header for one in sheet_of.fields if one.needed])
        rows: dict[str, dict[str, Value]] = {}
        numbers: dict[str, int] = {}
        for number, cells in sheet.rows:
            texts = {columns[header]: text for header, text in cells.items() if header in columns}
            row = {
                header: self._value(sheet_of.name, number, known[header], texts.get(header, ""))
                for header in columns.values()
            }
            code = texts.get("code", "")
            if code in numbers:
                self._say_duplicate(sheet_of.name, number, code, numbers[code])
            elif code:
                rows[code] = row
                numbers[code] = number
        self._rows[sheet_of.name] = rows
        self._numbers[sheet_of.name] = numbers

    def _read_codes(self, sheet_of: CodeSheetOf, sheet: Sheet, codes: dict[str, dict[str, Value]]) -> None:
        labels = {f"{sheet_of.label}_{language}": f"label_{language}" for language in LANGUAGES}
        known = {header.casefold().replace(" ", "_") for header in sheet.headers}
        needed = ["code", f"{sheet_of.label}_es", *([sheet_of.list_header] if sheet_of.list_header else [])]
        columns = self._columns(sheet_of.name, sheet, known, needed)
        first: dict[str, int] = {}
        counts: Counter[str] = Counter()
        for number, cells in sheet.rows:
            texts = {columns[header]: text for header, text in cells.items() if header in columns}
            for header in needed:
                if header in columns.values() and not texts.get(header):
                    self._say("missing_value", sheet_of.name, number, header, {"column": header})
            name = sheet_of.list or texts.get(sheet_of.list_header, "").casefold().replace(" ", "_")
            code = texts.get("code", "")
            for header, text in ((sheet_of.list_header, name), ("code", code)):
                if text:
                    self._check_code(sheet_of.name, number, header, text, 64)
            if sheet_of.words and code and code not in sheet_of.words:
                values = {"value": code, "column": "code", "expected": ", ".join(sheet_of.words)}
                self._say("unknown_word", sheet_of.name, number, "code", values)
            for header, text in texts.items():
                self._check_length(sheet_of.name, number, header, text, 1000)
            key = f"{name}/{code}"
            if key in first:
                self._say_duplicate(sheet_of.name, number, code, first[key])
                continue
            first[key] = number
            counts[name] += 1
            row: dict[str, Value] = {kept: texts.get(header, "") for header, kept in labels.items()}
            row["attributes"] = {
                header: text
                for header, text in texts.items()
                if header not in labels and header not in ("code", sheet_of.list_header)
            }
            row["position"] = counts[name]
            codes[key] = row

    # -------------------------------------------------------------- cells
    def _value(self, sheet: str, row: int, one: Field, text: str) -> Value:
        if not text:
            if one.needed:
                self._say("missing_value", sheet, row, one.header, {"column": one.header})
            elif one.language and one.language != "es" and one.kept in ("name", "short_name"):
                values = {"language": one.language, "column": one.header}
                self._say("untranslated", sheet, row, one.header, values, "note")
            return _BLANK.get(one.kind, "")
        match one.kind:
            case "code":
                self._check_code(sheet, row, one.header, text, one.limit)
            case "date":
                return self._date(sheet, row, one, text)
            case "number" | "whole":
                return self._number(sheet, row, one, text)
            case "flag":
                self._check_word(sheet, row, one, text)
                return text in ("yes", "1", "TRUE")
            case "word":
                self._check_word(sheet, row, one, text)
            case "references":
                return tuple(sorted({part for part in re.split(r"[;,\s]+", text) if part}))
            case "text" | "reference" | "sdg" | "gcm":
                self._check_length(sheet, row, one.header, text, one.limit)
        return text

    def _date(self, sheet: str, row: int, one: Field, text: str) -> date | None:
        try:
            day = date.fromisoformat(text) if len(text) == 10 else None
        except ValueError:
            day = None
        if day is None:
            self._say("bad_date", sheet, row, one.header, {"value": text})
        elif not _EARLIEST <= day <= _LATEST:
            self._say("far_date", sheet, row, one.header, {"value": text})
        return day

    def _number(self, sheet: str, row: int, one: Field, text: str) -> Value:
        is_whole = one.kind == "whole"
        if _NUMBER.fullmatch(text) is None or len(text) > 18 or (is_whole and ("." in text or len(text) > 9)):
            self._say("bad_number", sheet, row, one.header, {"value": text})
            return _BLANK.get(one.kind, "")
        if text.startswith("-") and one.header in _NEGATIVE_IS_WRONG:
            self._say("negative_number", sheet, row, one.header, {"value": text})
        return int(text) if is_whole else text

    def _check_code(self, sheet: str, row: int, header: str, text: str, limit: int) -> None:
        if len(text) > limit or _CODE_SHAPE.fullmatch(text) is None:
            self._say("bad_code", sheet, row, header, {"value": text, "limit": limit})

    def _check_word(self, sheet: str, row: int, one: Field, text: str) -> None:
        if text not in one.words:
            values = {"value": text, "column": one.header, "expected": ", ".join(one.words)}
            self._say("unknown_word", sheet, row, one.header, values)

    def _check_length(self, sheet: str, row: int, header: str, text: str, limit: int) -> None:
        if len(text) > limit:
            self._say("too_long", sheet, row, header, {"length": len(text), "limit": limit})

    # -------------------------------------------------------------- between rows
    def _check_references(self, sheet_of: SheetOf, codes: Mapping[str, Mapping[str, Value]]) -> None:
        for code, row in self._rows.get(sheet_of.name, {}).items():
            number = self._numbers[sheet_of.name][code]
            for header, value in row.items():
                one = sheet_of[header]
                named = value if isinstance(value, tuple) else (str(value or ""),)
                if one.refers_to and one.refers_to in self._rows:
                    known = self._rows[one.refers_to]
                    for name in named:
                        if name and name not in known:
                            close = difflib.get_close_matches(name, known, 1)
                            values = {"value": name, "suggestion": f" (¿{close[0]}?)" if close else ""}
                            self._say(_UNKNOWN[one.refers_to], sheet_of.name, number, header, values)
                elif one.kind in ("sdg", "gcm"):
                    self._check_titles(sheet_of.name, number, one, str(value or ""), codes)

    def _check_titles(
        self, sheet: str, number: int, one: Field, text: str, codes: Mapping[str, Mapping[str, Value]]
    ) -> None:
        if "sdg_gcm_reference" not in self._sheets:
            return
        name = "sdg_target" if one.kind == "sdg" else "gcm_objective"
        for part in (part.strip() for part in text.split(";")):
            if part and f"{name}/{part}" not in codes:
                self._say("unknown_reference", sheet, number, one.header, {"value": part}, "warning")

    def _check_activities(self) -> None:
        leading = {str(row.get("responsible")) for row in self._rows.get("indicators", {}).values()}
        for code, row in self._rows.get("activities", {}).items():
            number = self._numbers["activities"][code]
            responsible = str(row.get("responsible") or "")
            leading.add(responsible)
            start, due = row.get("start_date"), row.get("due_date")
            if isinstance(start, date) and isinstance(due, date) and start > due:
                values: dict[str, object] = {"start": start.isoformat(), "due": due.isoformat()}
                self._say("start_after_due", "activities", number, "due_date", values)
            supporting = row.get("supporting")
            if responsible and isinstance(supporting, tuple) and responsible in supporting:
                self._say("supports_itself", "activities", number, "supporting", {"value": responsible}, "warning")
            area = str(row.get("area_code") or "")
            objective = str(row.get("objective_code") or "")
            expected = str(self._rows.get("objectives", {}).get(objective, {}).get("area_code") or "")
            if area and expected in self._rows.get("strategic_areas", {}) and area != expected:
                values = {"value": area, "objective": objective, "expected": expected}
                self._say("area_mismatch", "activities", number, "area_code", values)
        for code, row in self._rows.get("agencies", {}).items():
            if row.get("role_type") in ("chair", "member") and code not in leading:
                self._say("no_activity", "agencies", self._numbers["agencies"][code], "code", {"value": code}, "note")

    def _say_duplicate(self, sheet: str, number: int, code: str, first: int) -> None:
        self._say("duplicate_code", sheet, number, "code", {"value": code, "first": first})

    def _say(
        self,
        code: str,
        sheet: str,
        row: int | None = None,
        column: str = "",
        values: Mapping[str, object] | None = None,
        severity: Literal["error", "warning", "note"] = "error",
    ) -> None:
        letter = self._letters.get(sheet, {}).get(column, column)
        self._problems.append(Problem(f"plan.{code}", sheet, row, letter, values or {}, severity))


# What openpyxl raises on a formula that is none; the rest of the file has been read without complaint by now.
_DAMAGE = (SyntaxError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


def _formulas(data: bytes, names: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Sheet, column letter and row of every formula in these sheets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns about what it does not keep; nothing is written back
        book = load_workbook(io.BytesIO(data), read_only=True)
        try:
            for worksheet in book.worksheets:
                name = worksheet.title.strip().casefold()
                if name in names:
                    worksheet.reset_dimensions()
                    for number, cells in enumerate(worksheet.iter_rows(), start=1):
                        for position, cell in enumerate(cells, start=1):
                            if cell.data_type == "f":
                                yield name, get_column_letter(position), number
        finally:
            book.close()


_BLANK: Mapping[str, Value] = {"date": None, "whole": 0, "flag": False, "references": ()}
_UNKNOWN = {
    "agencies": "unknown_agency",
    "objectives": "unknown_objective",
    "strategic_areas": "unknown_area",
    "indicators": "unknown_indicator",
}


# ------------------------------------------------------------------ differences
@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that an import would do. `column` is the workbook's header; added and retired rows name none."""

    kind: DifferenceKind
    table: str
    code: str
    column: str = ""
    old: Value = None
    new: Value = None

    @property
    def lowers_protection(self) -> bool:
        """Whether by it those outside would be told figures or texts that are kept from them (DOMAIN §2.5, §2.7)."""
        old, new = str(self.old or ""), str(self.new or "")
        if self.kind != "changed":
            return False
        if self.column == "min_cell":
            return int(new or 0) < int(old or 0)
        return self.column == "sensitivity" and is_restricted("", old) and not is_restricted("", new)

    def sentence(self, language: str) -> str:
        say = wording(language)
        return say(
            f"plan.difference.{self.kind}",
            table=say(f"plan.table.{self.table}"),
            code=self.code,
            column=self.column,
            old=_shown(self.old) or say("plan.difference.blank"),
            new=_shown(self.new) or say("plan.difference.blank"),
        )


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


def differences(unit: "UnitOfWork", draft: PlanDraft, plan_code: str) -> Differences:
    """What `apply` would change. Writes nothing."""
    return _Comparison(unit, draft, plan_code).differences()


def is_plan_workbook(data: bytes) -> bool:
    """Whether a file is meant as a plan, by the names of its sheets: whatever else is wrong with it is said later."""
    try:
        names = {name.strip().casefold() for name in check_workbook(data).rows}
    except AuthorError:
        return False
    return "survey" not in names and len(names & {sheet_of.name for sheet_of in SHEETS}) >= 2


def apply(
    unit: "UnitOfWork",
    draft: PlanDraft,
    plan_code: str,
    actor_id: int | None,
    now: datetime,
    *,
    timezone: str = DEFAULT_TIMEZONE,
    shown: str | None = None,
) -> Differences:
    """Make the plan what the draft says, and tell what that changed; if nothing, there is not even an audit entry.

    With `shown`, only if the differences still have this fingerprint, of what somebody was shown; else nothing happens,
    and what they are by now is returned.

    Makes the plan if there is none with this code, which is what `timezone` is for, and the reporting periods of its
    span, their days where the plan's holidays let them fall.
    """
    connection = unit.connection
    starts_on, ends_on = _span(draft, plan_code)
    is_new = insert_or_ignore(
        connection,
        _tables["plan"],
        {
            "code": plan_code,
            "name": dict(PLAN_NAMES.get(plan_code, {"es": plan_code})),
            "starts_on": starts_on,
            "ends_on": ends_on,
            "timezone": timezone,
        },
    )
    # Two imports at once: the second one compares when the first has committed.
    plan = _tables["plan"]
    connection.execute(select(plan.c.id).where(plan.c.code == plan_code).with_for_update(key_share=True)).all()
    comparison = _Comparison(unit, draft, plan_code)
    found = comparison.differences(is_new=is_new)
    if not found or (shown is not None and shown != found.fingerprint()):
        return found
    before = None if is_new else plan_history.take(unit, comparison.plan_id)
    comparison.apply(found, now)
    if before is not None:
        plan_history.record(unit, comparison.plan_id, before, draft.sha256, actor_id=actor_id, now=now)
    details: dict[str, object] = {
        "plan": plan_code,
        "workbook": draft.sha256,
        "rows": found.counts(),
        "changes": [
            [one.table, one.code, one.column, _shown(one.old), _shown(one.new)]
            for one in found
            if one.kind == "changed"
        ],
    }
    unit.audit.record("plan.imported", actor_id=actor_id, plan_id=comparison.plan_id, details=details, now=now)
    return found


_tables = Base.metadata.tables


def _span(draft: PlanDraft, plan_code: str) -> tuple[date, date]:
    """The years in the plan's code (`…-2017-2020`), else those of the activities; always wide enough for these."""
    found = _YEARS.search(plan_code)
    if found is None:
        return draft.starts_on, draft.ends_on
    first, last = sorted((int(found[1]), int(found[2])))
    return min(date(first, 1, 1), draft.starts_on), max(date(last, 12, 31), draft.ends_on)


def _shown(value: Value) -> str:
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


@dataclass(slots=True)
class Kept:
    """A row as the database has it: values by header, references as codes."""

    id: int
    values: dict[str, Value]
    retired_on: date | None = None


_TARGET = ("target", "target_date", "target_source")
_NOTHING = PlanDraft({}, date.max, date.min, "")


@dataclass(slots=True)
class _Comparison:
    """A draft beside the plan in the database."""

    unit: "UnitOfWork"
    draft: PlanDraft
    plan_code: str
    plan_id: int = 0
    _timezone: str = DEFAULT_TIMEZONE
    _starts_on: date | None = None
    _ends_on: date | None = None
    _is_first: bool = True
    """What the first import brings has been in the plan from its beginning."""
    _kept: dict[str, dict[str, Kept]] = field(default_factory=dict)
    _periods: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        plan = _tables["plan"]
        row = self.unit.connection.execute(
            select(plan.c.id, plan.c.timezone, plan.c.starts_on, plan.c.ends_on, plan.c.imported_at).where(
                plan.c.code == self.plan_code
            )
        ).one_or_none()
        if row is not None:
            self.plan_id, self._timezone, self._starts_on, self._ends_on, imported_at = row
            self._is_first = imported_at is None
        for sheet_of in SHEETS:
            self._kept[sheet_of.table] = self._load(sheet_of) if self.plan_id else {}
        self._kept["code"] = self._load_codes() if self.plan_id else {}
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
            one.kept: {kept.id: code for code, kept in self._kept[_table_of(one)].items()}
            for one in sheet_of.fields
            if one.kind == "reference" and one.kept
        }
        extras = self._load_targets() if sheet_of.table == "indicator" else {}
        if sheet_of.table == "activity":
            extras = self._load_supporting()
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
                    values[one.header] = _BLANK.get(one.kind, "")
            retired_on = row[sheet_of.retired_by] if sheet_of.retired_by else None
            kept[row["code"]] = Kept(row["id"], values | extras.get(row["id"], {}), retired_on)
        return kept

    def _load_targets(self) -> dict[int, dict[str, Value]]:
        target = _tables["target"]
        statement = select(target).where(target.c.plan_id == self.plan_id).order_by(target.c.target_on)
        return {
            row.indicator_id: {"target": row.value, "target_date": row.target_on, "target_source": row.source}
            for row in self.unit.connection.execute(statement)
        }

    def _load_supporting(self) -> dict[int, dict[str, Value]]:
        support, activity = _tables["activity_support"], _tables["activity"]
        codes = {kept.id: code for code, kept in self._kept["agency"].items()}
        found: dict[int, list[str]] = {}
        statement = (
            select(support.c.activity_id, support.c.agency_id)
            .join(activity, activity.c.id == support.c.activity_id)
            .where(activity.c.plan_id == self.plan_id)
        )
        for activity_id, agency_id in self.unit.connection.execute(statement):
            found.setdefault(activity_id, []).append(codes[agency_id])
        return {activity_id: {"supporting": tuple(sorted(names))} for activity_id, names in found.items()}

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
        for sheet_of in SHEETS:
            found.extend(self._compare(sheet_of.table, sheet_of))
        found.extend(self._compare("code", None))
        found.extend(
            Difference("added", "reporting_period", period.code)
            for period in periods_between(starts_on, ends_on)
            if period.code not in self._periods
        )
        return Differences(tuple(found))

    def _compare(self, table: str, sheet_of: SheetOf | None) -> Iterator[Difference]:
        kept, wanted = self._kept[table], self.draft.rows[table]
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
                    yield Difference("changed", table, code, header, present.values[header], value)
        if retired_by:
            for code, present in kept.items():
                if code not in wanted and present.retired_on is None:
                    yield Difference("retired", table, code)

    # -------------------------------------------------------------- making it so
    def apply(self, found: Differences, now: datetime) -> None:
        today = now.astimezone(ZoneInfo(self._timezone)).date()
        touched: dict[str, dict[str, set[DifferenceKind]]] = {}
        for one in found:
            touched.setdefault(one.table, {}).setdefault(one.code, set()).add(one.kind)
        for sheet_of in SHEETS:
            for code, kinds in touched.get(sheet_of.table, {}).items():
                self._write(sheet_of, code, kinds, today)
        self._write_codes(touched.get("code", {}))
        self._write_periods(touched.get("reporting_period", {}))
        plan = _tables["plan"]
        starts_on, ends_on = _span(self.draft, self.plan_code)
        self.unit.connection.execute(
            update(plan)
            .where(plan.c.id == self.plan_id)
            .values(
                starts_on=min(starts_on, self._starts_on or starts_on),
                ends_on=max(ends_on, self._ends_on or ends_on),
                imported_at=now,
            )
        )

    def _write(self, sheet_of: SheetOf, code: str, kinds: Collection[DifferenceKind], today: date) -> None:
        table = _tables[sheet_of.table]
        kept = self._kept[sheet_of.table].get(code)
        if "retired" in kinds:
            if kept is not None:
                statement = update(table).where(table.c.id == kept.id).values({sheet_of.retired_by: today})
                self.unit.connection.execute(statement)
            return
        old = kept.values if kept else {}
        values = old | dict(self.draft.rows[sheet_of.table][code])
        columns = self._columns(sheet_of, values)
        if "restored" in kinds:
            columns[sheet_of.retired_by] = None
        if kept is None:
            if "added_on" in table.c and not self._is_first:
                columns["added_on"] = today
            statement_with_id = insert(table).values(plan_id=self.plan_id, **columns).returning(table.c.id)
            kept = Kept(self.unit.connection.execute(statement_with_id).scalar_one(), {})
            self._kept[sheet_of.table][code] = kept
        else:
            self.unit.connection.execute(update(table).where(table.c.id == kept.id).values(columns))
        if sheet_of.table == "indicator" and any(values.get(name) != old.get(name) for name in _TARGET):
            self._write_target(kept.id, values)
        elif sheet_of.table == "activity" and (values.get("supporting") or ()) != (old.get("supporting") or ()):
            self._write_supporting(kept.id, values.get("supporting"))

    def _columns(self, sheet_of: SheetOf, values: Mapping[str, Value]) -> dict[str, Any]:
        """The values as columns of the table; what neither file nor database has gets its blank."""
        table = _tables[sheet_of.table]
        columns: dict[str, Any] = {}
        for one in sheet_of.fields:
            value = values.get(one.header, _BLANK.get(one.kind, ""))
            if one.kept not in table.c:
                continue
            if one.language:
                texts = columns.setdefault(one.kept, {})
                if value:
                    texts[one.language] = value
            elif one.kind == "reference":
                columns[one.kept] = self._kept[_table_of(one)][str(value)].id if value else None
            else:
                columns[one.kept] = value
        return columns

    def _write_target(self, indicator_id: int, values: Mapping[str, Value]) -> None:
        target = _tables["target"]
        self.unit.connection.execute(delete(target).where(target.c.indicator_id == indicator_id))
        if values.get("target"):
            self.unit.connection.execute(
                insert(target).values(
                    plan_id=self.plan_id,
                    indicator_id=indicator_id,
                    value=values["target"],
                    target_on=values.get("target_date"),
                    source=values.get("target_source") or "",
                )
            )

    def _write_supporting(self, activity_id: int, names: Value) -> None:
        support = _tables["activity_support"]
        self.unit.connection.execute(delete(support).where(support.c.activity_id == activity_id))
        rows = [
            {"activity_id": activity_id, "agency_id": self._kept["agency"][name].id}
            for name in (names if isinstance(names, tuple) else ())
        ]
        if rows:
            self.unit.connection.execute(insert(support), rows)

    def _write_codes(self, touched: Mapping[str, Collection[DifferenceKind]]) -> None:
        table = _tables["code"]
        added: list[dict[str, Any]] = []
        for key in touched:
            name, _, code = key.partition("/")
            row = self.draft.rows["code"][key]
            columns = {
                "label": {language: row[f"label_{language}"] for language in LANGUAGES if row[f"label_{language}"]},
                "attributes": row["attributes"],
                "position": row["position"],
            }
            kept = self._kept["code"].get(key)
            if kept is None:
                added.append({"plan_id": self.plan_id, "list": name, "code": code, **columns})
            else:
                self.unit.connection.execute(update(table).where(table.c.id == kept.id).values(columns))
        if added:
            self.unit.connection.execute(insert(table), added)

    def _write_periods(self, codes: Collection[str]) -> None:
        starts_on, ends_on = _span(self.draft, self.plan_code)
        holidays = self.unit.schedule.holidays(self.plan_id)
        rows: Sequence[dict[str, Any]] = [
            {
                "plan_id": self.plan_id,
                "code": period.code,
                "period_type": period.type.value,
                "start_on": period.start_on,
                "end_on": period.end_on,
                "opens_on": period.opens_on,
                "due_on": period.due_on,
                "grace_until_on": period.grace_until_on,
                "locks_on": period.locks_on,
            }
            for period in periods_between(starts_on, ends_on, holidays=holidays)
            if period.code in codes
        ]
        if rows:
            self.unit.connection.execute(insert(_tables["reporting_period"]), rows)


def _table_of(one: Field) -> str:
    return next(sheet_of.table for sheet_of in SHEETS if sheet_of.name == one.refers_to)


def kept_rows(unit: "UnitOfWork", plan_code: str) -> Mapping[str, Mapping[str, Kept]]:
    """The plan as it is stored, by table and code; what is retired too. Nothing for a plan that is not there."""
    return _Comparison(unit, _NOTHING, plan_code).kept
