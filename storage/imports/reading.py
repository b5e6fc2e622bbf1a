"""Read and check the plan's workbook: every mistake at once, each with its place."""

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import groupby, pairwise
from typing import Any, Literal
from zoneinfo import available_timezones

from conversations.languages import LANGUAGES, language_name
from conversations.plan.model import FOLLOWERS, SUCCESSION
from conversations.session.safeguards.characters import clean
from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.workbook import Book, Sheet, read_book
from storage.imports.sheets import (
    CADENCES,
    CODE_SHEETS,
    EXPLAINS,
    LONGEST_LABEL,
    PARTS,
    READ,
    SETTINGS,
    SHEETS,
    UNITS,
    Column,
    Complain,
    Part,
    Row,
    SheetOf,
    Value,
    leads,
    parts,
)

_READ = tuple(sheet_of.name for sheet_of in READ)
_FREQUENCIES = CADENCES["code"].words
_SMALL = re.compile(r"-?0+\.0*[1-9][0-9]*")
"""A number between -1 and 1 that is not 0."""


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A workbook without errors: rows by table and code, each with a value for every header of the file.

    References are codes, not row numbers. `problems` has the warnings.
    """

    rows: Mapping[str, Mapping[str, Mapping[str, Value]]]
    starts_on: date
    ends_on: date
    sha256: str
    problems: tuple[Problem, ...] = ()
    settings: Mapping[str, Value] = field(default_factory=dict)
    """The plan's own row, with its code. Empty without that sheet."""

    @classmethod
    def of(
        cls,
        rows: Mapping[str, Mapping[str, Mapping[str, Value]]],
        sha256: str,
        problems: tuple[Problem, ...] = (),
        settings: Mapping[str, Value] = {},
    ) -> "PlanDraft":
        """Return a draft of these rows. It begins and ends with the years of its activities."""
        every = (row[name] for row in rows["activity"].values() for name in ("start_date", "due_date"))
        days = [day for day in every if isinstance(day, date)]
        return cls(rows, date(min(days).year, 1, 1), date(max(days).year, 12, 31), sha256, problems, settings)

    @property
    def code(self) -> str:
        return str(self.settings.get("code", ""))


def read_plan(data: bytes, read: Callable[[bytes, Collection[str]], Book] = read_book) -> PlanDraft:
    """Read the plan in a workbook. AuthorError with every problem, if one of them is an error.

    `read` opens the workbook; for a file that somebody sent it is `Confinement.book`.
    """
    return _Reading(read(data, _READ), hashlib.sha256(data).hexdigest()).draft()


class _Reading:
    """One workbook being read. It collects problems and goes on."""

    def __init__(self, book: Book, sha256: str) -> None:
        self._sha256 = sha256
        self._sheets = {sheet.name.casefold(): sheet for sheet in book.sheets}
        self._formulas = book.formulas
        self._problems: list[Problem] = []
        self._letters: dict[str, dict[str, str]] = {}
        self._rows: dict[str, dict[str, dict[str, Value]]] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def draft(self) -> PlanDraft:
        self._look_at_sheets()
        self._find_formulas()
        for sheet_of in (SETTINGS, *SHEETS):
            if sheet_of.name in self._sheets:
                self._read(sheet_of, self._sheets[sheet_of.name])
        codes: dict[str, dict[str, Value]] = {}
        for code_sheet_of in CODE_SHEETS:
            if code_sheet_of.name in self._sheets:
                self._read_codes(code_sheet_of, self._sheets[code_sheet_of.name], codes)
        for sheet_of in SHEETS:
            self._check_references(sheet_of, codes)
        for part_of in PARTS:
            if part_of.name in self._sheets:
                self._read_parts(part_of, self._sheets[part_of.name])
        self._check_units()
        self._check_shares()
        self._put_targets_in_turn()
        self._check_activities()
        self._check_who_leads()
        self._check_settings()
        self._check_cadences()
        problems = sorted(self._problems, key=self._order)
        if any(problem.severity == "error" for problem in problems):
            raise AuthorError(problems)
        rows = {sheet_of.table: rows for sheet_of in SHEETS if (rows := self._rows.get(sheet_of.name)) is not None}
        settings = next(iter(self._rows.get(SETTINGS.name, {}).values()), {})
        return PlanDraft.of(rows | {"code": codes}, self._sha256, tuple(problems), settings)

    def _order(self, problem: Problem) -> tuple[int, int, int, str]:
        position = _READ.index(problem.sheet) if problem.sheet in _READ else len(_READ)
        return position, problem.row or 0, len(problem.column), problem.column

    # -------------------------------------------------------------- sheets and columns
    def _look_at_sheets(self) -> None:
        for sheet_of in SHEETS:
            sheet = self._sheets.get(sheet_of.name)
            if sheet is None and sheet_of.may_be_missing:
                continue
            if sheet is None:
                self._say("missing_sheet", sheet_of.name, values={"sheet": sheet_of.name})
            elif not sheet.rows and not sheet_of.may_be_empty:
                self._say("empty_sheet", sheet_of.name, values={"sheet": sheet_of.name})
        for folded, sheet in self._sheets.items():
            if folded not in _READ and folded not in EXPLAINS:
                expected = difflib.get_close_matches(folded, _READ, 1) or _READ
                values = {"sheet": sheet.name, "expected": ", ".join(expected)}
                self._say("unread_sheet", sheet.name, values=values, severity="warning")
            elif folded in _READ:
                self._problems.extend(sheet.problems)

    def _columns(self, name: str, sheet: Sheet, of: type[Row], more: Iterable[str]) -> dict[str, str]:
        """Map the sheet's headers to the names we know. Notes a problem for a missing or unknown header."""
        known = [*of.columns, *more]
        needed = [one.header for one in of.columns.values() if one.needed and not one.language]
        aliases = {alias: one.header for one in of.columns.values() for alias in one.aliases}
        columns: dict[str, str] = {}
        self._letters[name] = letters = {}
        unknown: dict[str, str] = {}
        for header, letter in sheet.headers.items():
            plain = header.casefold().replace(" ", "_")
            plain = aliases.get(plain, plain)
            if plain in known and plain not in letters:
                columns[header] = plain
                letters[plain] = letter
            else:
                unknown[header] = letter
        missing = [header for header in needed if header not in letters]
        if not columns:
            self._say("no_headers", name, sheet.header_row, values={"columns": ", ".join(missing)})
            return columns
        for header, letter in unknown.items():
            close = difflib.get_close_matches(header.casefold().replace(" ", "_"), known, 3)
            values = {"column": header, "expected": ", ".join(close or missing or sorted(known))}
            self._say("unknown_column", name, sheet.header_row, letter, values, "warning")
        for header in missing:
            self._say("missing_column", name, sheet.header_row, values={"column": header})
        return columns

    def _find_formulas(self) -> None:
        """Note a problem for each formula: its value depends on who saved the file last, so plans may not have one."""
        found: dict[tuple[str, str], list[int]] = {}
        for name, letter, number in self._formulas:
            found.setdefault((name, letter), []).append(number)
        for (name, letter), rows in found.items():
            self._say("formula", name, rows[0], letter, {"count": len(rows)})

    # -------------------------------------------------------------- rows
    def _rows_in(
        self, name: str, sheet: Sheet, of: type[Row], more: Iterable[str] = ()
    ) -> Iterator[tuple[int, dict[str, str], dict[str, Any]]]:
        """Yield each row's number, texts and values. Columns in `more` are known, and have only texts."""
        columns = self._columns(name, sheet, of, more)
        if not columns:
            return
        rows = [
            (number, {columns[header]: clean(text) for header, text in cells.items() if header in columns})
            for number, cells in sheet.rows
        ]
        translated = [one.header for one in of.columns.values() if one.language and one.needed]
        led = self._led(name, sheet, translated, columns.values(), [texts for _, texts in rows])
        for number, texts in rows:
            complain: Complain = partial(self._complain, name, number, led)
            row = of.model_validate({header: texts.get(header, "") for header in of.columns}, context=complain)
            yield number, texts, {header: value for header, value in row if header in self._letters[name]}

    def _complain(self, sheet: str, row: int, led: Mapping[str, str], one: Column, text: str, problem: str) -> None:
        """Note the problem of a cell, if it is in a column of the file."""
        if one.header not in self._letters[sheet]:
            return
        if problem:
            values = {
                "value": text,
                "column": one.header,
                "limit": one.limit,
                "length": one.limit if one.kind == "iso" else len(text),
                "least": one.least,
                "most": one.most,
                "expected": ", ".join(one.words),
            }
            if one.kind == "zone":
                values["suggestion"] = next(iter(difflib.get_close_matches(text, available_timezones(), 1)), "")
            self._say(problem, sheet, row, one.header, values)
        elif one.mark.blank:
            self._say(one.mark.blank, sheet, row, one.header, {"column": one.header}, "note")
        elif led.get(one.header) == one.header or (one.needed and not one.language):
            self._say("missing_value", sheet, row, one.header, {"column": one.header})
        elif one.header in led and one.kept in ("name", "short_name"):
            values = {"language": language_name(one.language), "column": one.header}
            self._say("untranslated", sheet, row, one.header, values, "note")

    def _read(self, sheet_of: SheetOf, sheet: Sheet) -> None:
        rows: dict[str, dict[str, Value]] = {}
        numbers: dict[str, int] = {}
        folded: dict[str, str] = {}
        for number, _, row in self._rows_in(sheet_of.name, sheet, sheet_of.row):
            code = str(row.get("code") or "")
            other = folded.setdefault(code.casefold(), code)
            if code in numbers:
                self._say_duplicate(sheet_of.name, number, code, numbers[code])
            elif code:
                rows[code] = row
                numbers[code] = number
                if other != code:
                    values = {"value": code, "other": other, "first": numbers[other]}
                    self._say("similar_code", sheet_of.name, number, "code", values, "warning")
        if self._letters[sheet_of.name]:
            self._rows[sheet_of.name] = rows
            self._numbers[sheet_of.name] = numbers

    def _read_codes(self, sheet_of: SheetOf, sheet: Sheet, codes: dict[str, dict[str, Value]]) -> None:
        first: dict[str, int] = {}
        counts: Counter[str] = Counter()
        known = {header.casefold().replace(" ", "_") for header in sheet.headers}
        for number, texts, row in self._rows_in(sheet_of.name, sheet, sheet_of.row, known):
            attributes = {header: text for header, text in texts.items() if header not in sheet_of.row.columns}
            attributes = {header: row[header] for header in sheet_of.attributes if row.get(header)} | attributes
            for header, text in attributes.items():
                if len(text) > LONGEST_LABEL:
                    values = {"length": len(text), "limit": LONGEST_LABEL}
                    self._say("too_long", sheet_of.name, number, header, values)
            name, code = sheet_of.list or row.get(sheet_of.list_header, ""), row.get("code", "")
            key = f"{name}/{code}"
            if key in first:
                self._say_duplicate(sheet_of.name, number, code, first[key])
                continue
            first[key] = number
            counts[name] += 1
            if name == SUCCESSION:
                self._check_succession(number, row, texts)
            named = {each: f"{sheet_of.label}_{each}" for each in LANGUAGES}
            labels = {f"label_{each}": row[header] for each, header in named.items() if header in row}
            codes[key] = {**labels, "attributes": attributes, "position": counts[name]}

    def _check_succession(self, number: int, row: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        """Check how many rows of this plan a row of the earlier one became, that they are there, and why it ended."""
        relation, codes = str(row.get("relation")), str(row.get("new_codes") or "").split()
        least, most = FOLLOWERS.get(relation, (0, len(codes)))
        if not least <= len(codes) <= most:
            values: dict[str, object] = {"value": relation, "count": least, "codes": len(codes)}
            self._say("wrong_successors", SUCCESSION, number, "new_codes", values)
        known = [*self._rows.get("activities", {}), *self._rows.get("indicators", {})]
        for code in codes:
            if known and code not in known:
                values = {"value": code, "suggestion": next(iter(difflib.get_close_matches(code, known, 1)), "")}
                self._say("unknown_successor", SUCCESSION, number, "new_codes", values)
        if relation == "dropped" and not any(text for header, text in texts.items() if header.startswith("reason_")):
            self._say("no_reason", SUCCESSION, number, "relation", {"value": row["code"]})

    def _read_parts(self, part_of: SheetOf, sheet: Sheet) -> None:
        """Give each row of the owners' sheet its rows of this sheet, in the order of their second columns."""
        owner, key, *_ = part_of.fields
        found: dict[str, dict[str, Part]] = {}
        first: dict[str, int] = {}
        self._numbers[part_of.name] = first
        for number, _, row in self._rows_in(part_of.name, sheet, part_of.row):
            code, *texts = (str(row.get(one.header) or "") for one in part_of.fields)
            for one, text in zip(part_of.fields, (code, *texts), strict=True):
                if one.refers_to in self._rows:
                    self._check_named(part_of.name, number, one, [text])
            named = f"{code} {texts[0]}"
            if named in first:
                values = {"value": named, "column": key.header, "first": first[named]}
                self._say("repeated_part", part_of.name, number, key.header, values)
            first.setdefault(named, number)
            found.setdefault(code, {})[texts[0]] = tuple(texts)
        for code, owned in self._rows.get(owner.refers_to, {}).items():
            owned[part_of.name] = tuple(part for _, part in sorted(found.get(code, {}).items()))

    def _put_targets_in_turn(self) -> None:
        """Whichever sheet they stand in: the last of an indicator's targets is its own, the others are on the way."""
        for code, row in self._rows.get("indicators", {}).items():
            if not (listed := parts(row, "targets")):
                continue
            day = row.get("target_date")
            every = {part[0]: part for part in listed}
            if row.get("target"):
                own = str(day or ""), str(row["target"]), str(row.get("target_source") or "")
                if own[0] in every and every[own[0]][1] != own[1]:
                    values = {"value": f"{code} {own[0]}", "column": "target_date", "other": every[own[0]][1]}
                    self._say("other_target", "indicators", self._numbers["indicators"][code], "target", values)
                every[own[0]] = own
            *before, last = (every[on] for on in sorted(every, key=lambda on: on or "9999"))
            row["targets"] = tuple(before)
            row["target"], row["target_date"] = last[1], date.fromisoformat(last[0]) if last[0] else None
            row |= {"target_source": last[2]} if last[2] else {}

    # -------------------------------------------------------------- cells
    def _led(
        self,
        name: str,
        sheet: Sheet,
        translated: Iterable[str],
        columns: Collection[str],
        rows: Collection[Mapping[str, str]],
    ) -> dict[str, str]:
        """Return, for each required text in several languages, its filled column → the column of the sheet's language.

        The sheet's language is the first of the bot's languages in which half of the rows have the text. A text in no
        language is a problem.
        """
        leading: dict[str, str] = {}
        for _, headers in groupby(translated, key=lambda header: header.rpartition("_")[0]):
            known = list(headers)
            filled = Counter(header for row in rows for header in known if row.get(header))
            there = [header for header in known if header in columns]
            if not there:
                self._say("missing_column", name, sheet.header_row, values={"column": known[0]})
                continue
            if rows and not filled:
                self._say("no_text", name, sheet.header_row, values={"columns": ", ".join(there)})
                continue
            first = next((each for each in there if rows and 2 * filled[each] >= len(rows)), None)
            first = first or max(there, key=lambda each: filled[each])
            leading |= {header: first for header in there if filled[header] or header == first}
        return leading

    # -------------------------------------------------------------- between rows
    def _check_references(self, sheet_of: SheetOf, codes: Mapping[str, Mapping[str, Value]]) -> None:
        for code, row in self._rows.get(sheet_of.name, {}).items():
            number = self._numbers[sheet_of.name][code]
            for header, value in row.items():
                one = sheet_of[header]
                named = tuple(map(str, value)) if isinstance(value, tuple) else (str(value or ""),)
                if one.kind == "leads" and len(named := self._leads(named[0])) > 1:
                    row[header] = ";".join(named)
                    values = {"first": named[0], "others": ", ".join(named[1:])}
                    self._say("joint_leads", sheet_of.name, number, header, values, "note")
                if one.refers_to and one.refers_to in self._rows:
                    self._check_named(sheet_of.name, number, one, named)
                elif one.kind in ("sdg", "gcm"):
                    self._check_titles(sheet_of.name, number, one, str(value or ""), codes)

    def _leads(self, text: str) -> tuple[str, ...]:
        """The agency that reports as it stands first, and in order those that lead with it."""
        first, *others = _several(text, self._rows.get("agencies", {}))
        return first, *sorted({*others} - {first})

    def _check_named(self, sheet: str, number: int, one: Column, names: Sequence[str]) -> None:
        """Check that each name is a code of the sheet that the column refers to; suggest the most similar one."""
        known = self._rows[one.refers_to]
        for name in names:
            if one.kind == "reference" and len(several := _several(name, known)) > 1:
                values: dict[str, object] = {"value": name, "first": several[0]}
                self._say("one_code", sheet, number, one.header, values)
            elif name and name not in known:
                close = difflib.get_close_matches(name, known, 1)
                values = {"value": name, "suggestion": next(iter(close), "")}
                self._say(_UNKNOWN[one.refers_to], sheet, number, one.header, values)

    def _check_titles(
        self, sheet: str, number: int, one: Column, text: str, codes: Mapping[str, Mapping[str, Value]]
    ) -> None:
        if "sdg_gcm_reference" not in self._sheets:
            return
        name = "sdg_target" if one.kind == "sdg" else "gcm_objective"
        for part in (part.strip() for part in re.split(r";|,(?!\d)", text)):
            if part and f"{name}/{part}" not in codes:
                self._say("unknown_reference", sheet, number, one.header, {"value": part}, "warning")

    def _check_activities(self) -> None:
        leading = {str(row.get("responsible")) for row in self._rows.get("indicators", {}).values()}
        for code, row in self._rows.get("activities", {}).items():
            number = self._numbers["activities"][code]
            leading |= (leads_it := {*leads(row.get("responsible"))})
            start, due = row.get("start_date"), row.get("due_date")
            if isinstance(start, date) and isinstance(due, date) and start > due:
                values: dict[str, object] = {"start": start.isoformat(), "due": due.isoformat()}
                self._say("start_after_due", "activities", number, "due_date", values)
            supporting = {*parts(row, "supporting")}
            if both := sorted(leads_it & supporting):
                row["supporting"] = tuple(sorted(supporting - leads_it))
                self._say("supports_itself", "activities", number, "supporting", {"value": ", ".join(both)}, "warning")
            area = str(row.get("area_code") or "")
            objective = str(row.get("objective_code") or "")
            expected = str(self._rows.get("objectives", {}).get(objective, {}).get("area_code") or "")
            if area and expected in self._rows.get("strategic_areas", {}) and area != expected:
                values = {"value": area, "objective": objective, "expected": expected}
                self._say("area_mismatch", "activities", number, "area_code", values)
        for code, row in self._rows.get("agencies", {}).items():
            is_idle = bool(self._rows.get("activities")) and code not in leading
            if row.get("role_type") in ("chair", "member") and is_idle:
                self._say("no_activity", "agencies", self._numbers["agencies"][code], "code", {"value": code}, "note")

    def _check_units(self) -> None:
        """Check that a unit that reports on an activity is of an agency that leads or supports it."""
        if "activity_units" in self._numbers and UNITS.name not in self._rows:
            self._say("missing_sheet", UNITS.name, values={"sheet": UNITS.name})
        for code, row in self._rows.get("activities", {}).items():
            theirs = {*leads(row.get("responsible")), *parts(row, "supporting")}
            for unit, _ in parts(row, "activity_units"):
                agency = self._rows.get(UNITS.name, {}).get(unit, {}).get("agency_code")
                if agency and agency not in theirs:
                    number = self._numbers["activity_units"][f"{code} {unit}"]
                    values = {"value": unit, "agency": agency, "activity": code}
                    self._say("unit_of_another", "activity_units", number, "unit_code", values)

    def _check_shares(self) -> None:
        """Warn of a share below one per cent: a cell that Excel shows as 80 % contains 0.8."""
        for code, row in self._rows.get("indicators", {}).items():
            found = [("indicators", code, header, row.get(header)) for header in ("baseline", "target")]
            found += [("targets", f"{code} {on}", "target", value) for on, value, _ in parts(row, "targets")]
            for sheet, key, header, value in found if row.get("unit") == "percent" else ():
                if _SMALL.fullmatch(str(value or "")):
                    self._say("small_share", sheet, self._numbers[sheet][key], header, {"value": value}, "warning")

    def _check_who_leads(self) -> None:
        """Check that each leading agency takes part in the plan at that time; for an indicator, always."""
        for sheet in ("activities", "indicators"):
            for code, row in self._rows.get(sheet, {}).items():
                responsible = leads(row.get("responsible"))[0]
                agency = self._rows.get("agencies", {}).get(responsible, {})
                first, last = row.get("start_date"), row.get("due_date")
                begins, ends = agency.get("active_from"), agency.get("active_to")
                gap = agency["role_type"] if agency.get("role_type") == "proposed" else ""
                if isinstance(first, date) and isinstance(begins, date) and first < begins:
                    gap = f"active_from {begins}"
                if isinstance(ends, date) and (not isinstance(last, date) or ends <= last):
                    gap = f"active_to {ends}"
                if gap and not row.get("computed"):
                    values: dict[str, object] = {"agency": responsible, "gap": gap}
                    self._say("led_by_nobody", sheet, self._numbers[sheet][code], "responsible", values, "warning")

    def _check_settings(self) -> None:
        """Check that the sheet has one row: a second row would be lost."""
        for number in list(self._numbers.get(SETTINGS.name, {}).values())[1:]:
            self._say("second_plan", SETTINGS.name, number, "code")

    def _check_cadences(self) -> None:
        """Check that each cadence has its days in order, and that everything reported has a cadence."""
        cadences = self._rows.get(CADENCES.name)
        if cadences is None:
            return
        days = [one.header for one in CADENCES.fields if one.kind == "whole"]
        for code, row in cadences.items():
            number = self._numbers[CADENCES.name][code]
            numbers = {header: day for header in days if isinstance(day := row.get(header), int)}
            for first, second in pairwise(days):
                least = numbers.get(first, 0) + (second == "lock_day")
                if second in numbers and numbers[second] < least:
                    values: dict[str, object] = {
                        "first": first,
                        "day": numbers[first],
                        "second": second,
                        "value": numbers[second],
                    }
                    key = "lock_in_grace" if second == "lock_day" else "days_out_of_order"
                    self._say(key, CADENCES.name, number, second, values)
        for sheet, header in (("activities", "report_frequency"), ("indicators", "frequency")):
            for code, row in self._rows.get(sheet, {}).items():
                word = str(row.get(header) or "")
                if word in _FREQUENCIES and word not in cadences:
                    self._say("no_cadence", sheet, self._numbers[sheet][code], header, {"value": word})

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


def _several(text: str, known: Collection[str]) -> Sequence[str]:
    """Return the codes that somebody wrote in a cell for one code; the text itself if it is one, or none of `known`."""
    parts = [part.strip() for part in re.split(r"[;,/&+|]", text) if part.strip()]
    if text in known or any(part in known for part in parts):
        return [text] if text in known else parts
    words = text.split()
    return words if len(words) > 1 and all(word in known for word in words) else [text]


_UNKNOWN = {
    "agencies": "unknown_agency",
    "objectives": "unknown_objective",
    "strategic_areas": "unknown_area",
    "indicators": "unknown_indicator",
    "activities": "unknown_activity",
    "units": "unknown_unit",
}
