"""A workbook to begin a plan with: every sheet that is read, drop-downs, a note in each header, and one example row.

The author of a plan has a spreadsheet and no programmer. So the workbook itself explains what belongs where, offers the
known words and codes, and contains the country's regions, currency and time zone. `enlace plan import` reads it as it
is: the examples are rows of a plan, and the author writes over them.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any, Final

from conversations.languages import language_name
from conversations.plan.model import STANDARD_CELL
from conversations.plan.periods import USUAL_CADENCES, Frequency
from conversations.session.safeguards.characters import visible
from conversations.wording import wording
from storage.imports.countries import Country, Place
from storage.imports.reading import read_plan
from storage.imports.sheets import (
    CADENCES,
    CODE_SHEETS,
    READ,
    SETTINGS,
    SHEETS,
    UNITS,
    Column,
    SheetOf,
    Value,
    sheet_of_list,
    without_language,
)
from storage.plan.cadences import columns
from storage.seed import seed_workbook

ROWS: Final = 1000
"""The last row of the drop-downs and of the codes they offer."""
_PAGE: Final = 180
"""So many characters of columns can still be read on one page of A4."""
YEARS: Final = 3
"""How many years the plan of the examples lasts."""
_OWN: Final = ("nationality", "province", "region")
"""Code lists of the shipped plan that belong to its country. Forms of any country ask the other lists."""
_EXAMPLES: Final[Mapping[str, Mapping[str, Value]]] = {
    "strategic_areas": {"code": "A", "order": 1},
    "agencies": {"code": "AGENCY", "role_type": "member", "founding_member": True, "referrals": True},
    "objectives": {"code": "A-1", "area_code": "A", "sdg_targets": "16.2"},
    "indicators": {
        "code": "I-1",
        "area_code": "A",
        "level": "output",
        "unit": "people",
        "direction": "increase",
        "aggregation": "sum",
        "disaggregation": "sex;age_group",
        "frequency": "monthly",
        "target": "1000",
        "responsible": "AGENCY",
        "sensitivity": "public",
        "min_cell": 0,
        "by_exploitation": False,
        "annual_table": "prevention",
    },
    "activities": {
        "code": "A-101",
        "objective_code": "A-1",
        "area_code": "A",
        "responsible": "AGENCY",
        "report_frequency": "monthly",
        "indicator_code": "I-1",
        "target_qty": "12",
        "sensitivity": "public",
        "meets_victims": False,
    },
}
"""One example row for each sheet. Its texts are in the catalogues."""


BEGUN: Final = tuple(each for each in SHEETS if each is not UNITS)
"""The sheets of rows that a new workbook has."""
NOTED: Final = frozenset(one.note for sheet_of in READ for one in sheet_of.fields)
"""The notes that explain a column in every language (`book.note.…`)."""


def begin_workbook(of: Country, language: str, today: date, *, has_holidays: bool, also: Iterable[str] = ()) -> bytes:
    """Return the .xlsx with notes in that language. Texts have a column in it, and in each of `also`."""
    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    languages = tuple(dict.fromkeys((language, *also)))
    writing = _Writing(book, languages)
    say = wording(language)
    about = book.add_worksheet("README")
    about.set_column(0, 0, 78, book.add_format({"text_wrap": True, "valign": "top"}))
    about.set_paper(9)
    about.fit_to_pages(1, 0)
    names = {"country": of.place.name(language), "currency": of.place.currency}
    holidays = say("book.holidays" if has_holidays else "book.no_holidays", **names)
    for number, text in enumerate((*say("book.about", **names).split("\n"), holidays)):
        about.write_string(number, 0, text)
    writing.sheet(SETTINGS, [_settings(of, language, today)], {"timezone": of.zones} if of.zones else {})
    for sheet_of in BEGUN:
        writing.sheet(sheet_of, _examples(sheet_of, language, today))
    shipped = read_plan(seed_workbook()).rows["code"]
    for code_sheet_of in (each for each in CODE_SHEETS if not each.may_be_missing):
        writing.sheet(code_sheet_of, _codes(code_sheet_of, shipped, of, languages))
    book.close()
    return file.getvalue()


class _Writing:
    """Writes sheets: their headers, drop-downs below them, and rows."""

    def __init__(self, book: Any, languages: Sequence[str]) -> None:
        self._book = book
        self._languages = ("", *languages)
        self._say = wording(languages[0])
        self._head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
        self._needed = book.add_format({"bold": True, "bg_color": "#CFE0F1", "bottom": 1})
        self._cell_look = book.add_format({"text_wrap": True, "valign": "top"})
        self._day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})

    def sheet(
        self, sheet_of: SheetOf, rows: Iterable[Mapping[str, Value]], offered: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Write a sheet. What its rows have besides its columns follows, as the attributes of codes do."""
        rows = tuple(rows)
        sheet, width = self._book.add_worksheet(sheet_of.name), 0
        own = (one.header for one in sheet_of.fields if one.language in self._languages)
        for column, header in enumerate(dict.fromkeys([*own, *chain(*rows)])):
            one = sheet_of.row.columns.get(header)
            is_needed = one is not None and one.needed and one.language in ("", self._say.language)
            wide = 40 if one is None or (one.kind == "text" and one.limit > 100) else 14
            width += self._header(sheet, column, header, is_needed, wide, one.note if one else header)
            if one and (rule := _rule(one, (offered or {}).get(header, ()))):
                sheet.data_validation(1, column, ROWS, column, rule)
            for number, row in enumerate(rows, 1):
                self._cell(sheet, number, column, row.get(header))
        self._on_paper(sheet, width)
        sheet.freeze_panes(1, 2 if sheet_of.list_header else 1)

    def _on_paper(self, sheet: Any, width: int) -> None:
        """Set up printing: as many pages as it can be read on, with the header and the code on each."""
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(-(-width // _PAGE), 0)
        sheet.repeat_rows(0)
        sheet.repeat_columns(0)
        sheet.hide_gridlines(0)

    def _header(self, sheet: Any, column: int, header: str, needed: bool, width: int, about: str) -> int:
        """Write a header; return the width of its column."""
        width = max(width, len(header) + 3)
        sheet.set_column(column, column, width, self._cell_look)
        sheet.write_string(0, column, header, self._needed if needed else self._head)
        _, language = without_language(header)
        note = self._say(f"book.note.{about if about in NOTED else 'other'}")
        if language:
            note += " " + self._say("book.in_language", language=language_name(language))
        note += "\n" + self._say("book.needed" if needed else "book.optional")
        sheet.write_comment(0, column, note, {"x_scale": 2, "y_scale": 1.4})
        return width

    def _cell(self, sheet: Any, row: int, column: int, value: Value) -> None:
        match value:
            case None | "":
                return
            case bool():
                sheet.write_string(row, column, "yes" if value else "no")
            case int():
                sheet.write_number(row, column, value, self._cell_look)
            case date():
                sheet.write_datetime(row, column, value, self._day)
            case _:
                sheet.write_string(row, column, visible(str(value)), self._cell_look)


def _rule(one: Column, offered: Sequence[str]) -> dict[str, Any] | None:
    """The validation of a cell below this header. None: any text."""
    words = offered or one.words
    if one.kind == "flag":
        words = tuple(word for word in one.words if word in ("yes", "no", "invited"))
    if one.kind in ("reference", "leads"):
        source = f"={one.refers_to}!$A$2:$A${ROWS + 1}"
        return {"validate": "list", "source": source, "show_error": one.kind == "reference"}
    if words and len(",".join(words)) <= 255:
        return {"validate": "list", "source": list(words)}
    if one.kind == "whole" and one.most:
        return {"validate": "integer", "criteria": "between", "minimum": one.least, "maximum": one.most}
    if one.kind == "date":
        return {"validate": "date", "criteria": "between", "minimum": date(2000, 1, 1), "maximum": date(2100, 12, 31)}
    return None


# ------------------------------------------------------------------ what stands in it
def _settings(of: Country, language: str, today: date) -> dict[str, Value]:
    code = f"{of.place.code.lower()}-{today.year}-{today.year + YEARS - 1}"
    zone = of.zones[0] if of.zones else ""
    return {
        "code": code,
        f"name_{language}": wording(language)("book.plan_name", country=of.place.name(language)),
        "country": of.place.code,
        "currency": of.place.currency,
        "timezone": zone,
        "min_cell": STANDARD_CELL,
    }


def _examples(sheet_of: SheetOf, language: str, today: date) -> Iterator[Mapping[str, Value]]:
    """The example rows of a sheet: one row; for cadences, all of them with their usual days."""
    if sheet_of is CADENCES:
        for word in Frequency:
            yield {"code": word.value, **columns(USUAL_CADENCES[word.period_type])}
    else:
        yield _example(sheet_of, language, today)


def _example(sheet_of: SheetOf, language: str, today: date) -> dict[str, Value]:
    """The example in one language only, so that an author who writes over it leaves no other text beside it."""
    row = dict(_EXAMPLES[sheet_of.name])
    for one in sheet_of.fields:
        if one.language == language:
            base, _ = without_language(one.header)
            what = f"{sheet_of.name}.{base}"
            row[one.header] = wording(one.language)(f"book.example.{what}")
    if sheet_of.name == "activities":
        row |= {"start_date": date(today.year, 1, 1), "due_date": date(today.year + YEARS - 1, 12, 31)}
    if sheet_of.name == "indicators":
        row |= {"target_date": date(today.year + YEARS - 1, 12, 31)}
    return row


def _codes(
    sheet_of: SheetOf, shipped: Mapping[str, Mapping[str, Value]], of: Country, languages: Sequence[str]
) -> Iterator[dict[str, str]]:
    """The shipped plan's code lists that forms ask, and the country's places."""
    for key, row in shipped.items():
        name, _, code = key.partition("/")
        if name not in _OWN and sheet_of_list(name) == sheet_of.name:
            # Official titles have not been translated into every language: the author translates the English one.
            labels = {
                f"{sheet_of.label}_{each}": str(row.get(f"label_{each}") or row["label_en"]) for each in languages
            }
            named = {sheet_of.list_header: name} if sheet_of.list_header else {}
            more = row["attributes"] if isinstance(row["attributes"], dict) else {}
            yield {**named, "code": code, **labels, **more}
    if sheet_of.name == "codelists":
        for name, places in (("nationality", (of.place,)), ("province", of.provinces), ("region", of.regions)):
            yield from _places(name, places, languages)


def _places(name: str, places: Iterable[Place], languages: Sequence[str]) -> Iterator[dict[str, str]]:
    for place in places:
        yield {"list": name, "code": place.code, **{f"label_{each}": place.name(each) for each in languages}}
