"""A workbook to begin a plan with is a plan: read without a complaint, whatever the country and the language."""

import functools
import io
import re
from datetime import UTC, date, datetime
from importlib.resources import files

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from conversations.languages import LANGUAGES
from conversations.plan.model import ROLE_TYPES, SUCCESSION
from conversations.wording import wording
from storage.imports.applying import apply as plan_apply
from storage.imports.countries import country
from storage.imports.new_workbook import BEGUN, begin_workbook
from storage.imports.reading import read_plan
from storage.imports.sheets import CADENCES, CODE_SHEETS, SETTINGS, without_language
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@functools.cache
def book(code: str, language: str = "es") -> bytes:
    found = country(code)
    assert found is not None
    return begin_workbook(found, language, DAY, has_holidays=True)


def letter_of(sheet: Worksheet, header: str) -> str:
    return get_column_letter([cell.value for cell in sheet[1]].index(header) + 1)


def test_a_continent_without_a_currency_is_no_country_to_plan_in() -> None:
    assert country("AQ") is None


@pytest.mark.parametrize(
    ("code", "language"), [*(("HN", language) for language in LANGUAGES), ("HT", "ht"), ("FR", "fr"), ("SG", "en")]
)
def test_it_is_read_without_a_complaint(code: str, language: str) -> None:
    """With two levels of regions, with one, with none; with one time zone or many.

    A language gives the words of the sheets, and a country what is in them: each is tried, not every pair of them.
    """
    found = country(code)
    assert found is not None
    draft = read_plan(book(code, language))

    assert draft.problems == ()
    assert draft.code == f"{code.lower()}-2026-2028"
    assert (draft.settings["country"], draft.settings["currency"]) == (code, found.place.currency)
    assert {table: len(rows) for table, rows in draft.rows.items() if table != "code"} == {
        sheet_of.table: 4 if sheet_of is CADENCES else 1 for sheet_of in BEGUN
    }


def test_each_header_says_what_belongs_there_and_what_has_words_offers_them() -> None:
    """In the language asked for; codes of another sheet are offered from it."""
    workbook = load_workbook(io.BytesIO(book("HN", "en")))
    say = wording("en")
    for sheet_of in (each for each in (SETTINGS, *BEGUN, *CODE_SHEETS) if each.list != SUCCESSION):
        sheet = workbook[sheet_of.name]
        assert [cell.value for cell in sheet[1] if cell.comment is None] == [], sheet_of.name
    assert say("book.note.responsible") in str(
        workbook["activities"][letter_of(workbook["activities"], "responsible") + "1"].comment
    )

    offered = {
        (sheet.title, str(rule.sqref).split(":")[0]): rule.formula1
        for sheet in workbook
        for rule in sheet.data_validations.dataValidation
    }
    for sheet_of in BEGUN:
        for one in (one for one in sheet_of.fields if one.language in ("", "en")):
            cell = letter_of(workbook[sheet_of.name], one.header) + "2"
            if one.kind in ("word", "flag", "yes_no", "reference", "date"):
                assert (sheet_of.name, cell) in offered, one.header
            if one.kind == "reference":
                assert offered[sheet_of.name, cell] == f"{one.refers_to}!$A$2:$A$1001"
    zone = letter_of(workbook["settings"], "timezone") + "2"
    assert "America/Tegucigalpa" in str(offered["settings", zone])


def test_texts_have_columns_in_the_languages_that_were_asked_for_and_in_no_other() -> None:
    """One language, unless the author asks for more: an author who reads English fills no French column."""
    found = country("HN")
    assert found is not None
    more = begin_workbook(found, "fr", DAY, has_holidays=True, also=["ht"])
    for data, asked in ((book("HN", "en"), {"en"}), (more, {"fr", "ht"})):
        headers = [
            cell.value for sheet in load_workbook(io.BytesIO(data)) for cell in sheet[1] if sheet.title != "README"
        ]
        assert {without_language(str(header))[1] for header in headers} - {""} == asked
        assert read_plan(data).problems == ()


def test_a_note_that_names_words_names_those_that_are_accepted() -> None:
    """The note on the kind of an agency offered words that the import refuses."""
    for language in LANGUAGES:
        note = wording(language)("book.note.role_type")
        assert [word for word in ROLE_TYPES if word not in note] == []
        assert not {"invited", "operational"} & set(re.findall("[a-z]+", note))


def test_a_country_brings_its_regions_and_its_currency() -> None:
    """ISO 3166-2, as CLDR has it; the finer division are the provinces."""
    honduras, france = country("HN"), country("FR")

    assert honduras is not None
    assert france is not None
    assert len(honduras.regions) == 18
    assert (honduras.place.currency, honduras.zones) == ("HNL", ("America/Tegucigalpa",))
    assert honduras.provinces == honduras.regions
    assert "FR-01" in {place.code for place in france.provinces}
    assert "FR-ARA" in {place.code for place in france.regions}
    assert [country(code) for code in ("ZZ", "HN-AT", "", "hn")] == [None] * 4


def test_it_becomes_a_plan_of_its_country(database: Database) -> None:
    """Imported as it is: country, currency, zone and places are the plan's."""
    draft = read_plan(book("HN"))

    def work(unit: UnitOfWork) -> None:
        assert plan_apply(unit, draft, draft.code, None, NOW)
        plan = unit.plans.only()
        assert (plan.country, plan.currency, plan.timezone) == ("HN", "HNL", "America/Tegucigalpa")
        assert (plan.starts_on, plan.ends_on) == (date(2026, 1, 1), date(2028, 12, 31))
        assert {len(unit.plans.code_list(plan.id, name)) for name in ("province", "region")} == {18}
        assert unit.plans.code_list(plan.id, "obstacle")
        assert not plan_apply(unit, draft, draft.code, None, NOW)

    database.units.submit(None, work).result(PATIENCE)


def test_the_table_of_countries_says_whence_it_is_and_under_which_licence() -> None:
    """The notice goes wherever the data goes; the table is read without it."""
    text = (files("storage") / "imports" / "countries.csv").read_text("utf-8")
    for words in ("Unicode CLDR 48", "docs/countries.py", "Unicode-3.0", "Permission is hereby granted"):
        assert words in text
