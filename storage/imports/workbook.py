"""Write the stored plan as a workbook that can be imported again.

A coordinator edits the plan in Excel, but the file that was imported a year ago is out of date. So the stored plan is
written in the importer's own sheets and columns, from the same table of fields. Imported again, it makes no difference.

Retired rows are left out, as an author would have removed them. Agencies have their `active_to`.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from conversations.languages import LANGUAGES
from conversations.wording import wording
from storage.database.unit import Unit
from storage.imports.applying import Kept, kept_rows
from storage.imports.sheets import CODE_SHEETS, PARTS, SETTINGS, SHEETS, Column, SheetOf, Value, sheet_of_list

_WIDTHS = {
    "code": 14,
    "date": 12,
    "number": 12,
    "whole": 9,
    "flag": 11,
    "yes_no": 14,
    "word": 14,
    "reference": 14,
    "leads": 14,
}


def plan_workbook(unit: Unit, plan_code: str, now: datetime) -> bytes:
    """Return the .xlsx of the plan. Imported again, it changes nothing."""
    import xlsxwriter

    kept = kept_rows(unit, plan_code)
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": plan_code, "created": now.replace(tzinfo=None)})
    looks = _Looks(book)
    about = book.add_worksheet("LEAME")
    about.set_column(0, 0, 110)
    for number, text in enumerate(
        (plan_code, f"{now:%Y-%m-%d %H:%M} UTC", *(wording(each)("book.exported") for each in LANGUAGES))
    ):
        about.write_string(number, 0, text)
    looks.fill(book.add_worksheet(SETTINGS.name), *_settings(kept["plan"][plan_code]))
    for sheet_of in SHEETS:
        headers = [one.header for one in sheet_of.fields]
        widths = [_WIDTHS.get(one.kind, 40 if one.limit > 100 else 20) for one in sheet_of.fields]
        rows = [
            _row(sheet_of, code, one, kept) for code, one in kept[sheet_of.table].items() if _is_there(sheet_of, one)
        ]
        if rows or not sheet_of.may_be_missing:
            looks.fill(book.add_worksheet(sheet_of.name), headers, widths, rows)
    for part_of in PARTS:
        if part_rows := list(_parts(part_of, kept)):
            headers = [one.header for one in part_of.fields]
            looks.fill(book.add_worksheet(part_of.name), headers, [20] * len(headers), part_rows)
    for code_sheet_of in CODE_SHEETS:
        headers, code_rows = _codes(code_sheet_of, kept["code"])
        if code_rows:
            widths = [14 if header in ("code", code_sheet_of.list_header) else 30 for header in headers]
            looks.fill(book.add_worksheet(code_sheet_of.name), headers, widths, code_rows)
    book.close()
    return file.getvalue()


class _Looks:
    """Formats of cells.

    A text stays a text, even if it begins like a formula (S6). Days and numbers keep their types.
    """

    def __init__(self, book: Any) -> None:
        self._head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})

    def fill(self, sheet: Any, headers: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Value]]) -> None:
        for position, (header, width) in enumerate(zip(headers, widths, strict=True)):
            sheet.set_column(position, position, width)
            sheet.write_string(0, position, header, self._head)
        sheet.freeze_panes(1, 1)
        number = 0
        for number, row in enumerate(rows, start=1):
            for position, value in enumerate(row):
                self._write(sheet, number, position, value)
        sheet.autofilter(0, 0, number, len(headers) - 1)

    def _write(self, sheet: Any, row: int, column: int, value: Value) -> None:
        match value:
            case None | "" | ():
                return
            case bool():
                sheet.write_string(row, column, "yes" if value else "no")
            case int():
                sheet.write_number(row, column, value)
            case date():
                sheet.write_datetime(row, column, value, self._day)
            case tuple():
                sheet.write_string(row, column, ";".join(map(str, value)))
            case _:
                sheet.write_string(row, column, str(value))


def _settings(plan: Kept) -> tuple[list[str], list[int], list[list[Value]]]:
    """Headers, widths and the row of the plan itself."""
    row: list[Value] = []
    for one in SETTINGS.fields:
        value = plan.values[one.kept]
        row.append(value.get(one.language, "") if one.language and isinstance(value, dict) else value)
    return [one.header for one in SETTINGS.fields], [40 if one.limit > 100 else 20 for one in SETTINGS.fields], [row]


def _is_there(sheet_of: SheetOf, one: Kept) -> bool:
    is_column = any(field.kept == sheet_of.retired_by for field in sheet_of.fields)
    return is_column or one.retired_on is None


def _row(sheet_of: SheetOf, code: str, one: Kept, kept: Mapping[str, Mapping[str, Kept]]) -> list[Value]:
    values: list[Value] = []
    for field in sheet_of.fields:
        value = code if field.header == "code" else one.values.get(field.header)
        if field.header == "area_code" and not field.kept:  # an activity shows its objective's, for readers
            value = kept["objective"][str(one.values["objective_code"])].values["area_code"]
        values.append(_typed(field, value))
    return values


def _parts(part_of: SheetOf, kept: Mapping[str, Mapping[str, Kept]]) -> Iterator[list[Value]]:
    """The rows of a sheet whose rows belong to others: each begins with the code of its owner."""
    owners = next(sheet_of for sheet_of in SHEETS if sheet_of.name == part_of.owners)
    for code, one in kept[owners.table].items():
        for part in one.values[part_of.name] if _is_there(owners, one) else ():  # type: ignore[union-attr]
            values = zip(part_of.fields, (code, *part), strict=True)
            yield [_typed(field, text) for field, text in values]


def _typed(field: Column, value: Value) -> Value:
    """The value with its type: a day, or a whole number if it would be read as the same text again."""
    if not isinstance(value, str):
        return value
    is_whole = value.isascii() and value.isdecimal() and len(value) <= 15 and str(int(value)) == value
    if field.kind == "date" and value:
        return date.fromisoformat(value)
    return int(value) if field.kind == "number" and is_whole else value


def _codes(sheet_of: SheetOf, kept: Mapping[str, Kept]) -> tuple[list[str], list[list[Value]]]:
    """Headers and rows of the lists on this sheet, each list in its order."""
    own = [(key, one) for key, one in kept.items() if sheet_of_list(key.partition("/")[0]) == sheet_of.name]
    lists = list(dict.fromkeys(key.partition("/")[0] for key, _ in own))
    own.sort(key=lambda row: (lists.index(row[0].partition("/")[0]), row[1].values["position"]))
    extra = dict.fromkeys(sheet_of.attributes)
    for _, one in own:
        attributes = one.values["attributes"]
        if isinstance(attributes, dict):
            extra |= dict.fromkeys(attributes)
    named = [sheet_of.list_header] if sheet_of.list_header else []
    headers = [*named, "code", *(f"{sheet_of.label}_{language}" for language in LANGUAGES), *extra]
    rows: list[list[Value]] = []
    for key, one in own:
        name, _, code = key.partition("/")
        attributes = one.values["attributes"]
        texts = attributes if isinstance(attributes, dict) else {}
        labels = [one.values[f"label_{language}"] for language in LANGUAGES]
        rows.append([*([name] if named else []), code, *labels, *(texts.get(header, "") for header in extra)])
    return headers, rows
