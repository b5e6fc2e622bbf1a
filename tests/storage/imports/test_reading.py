"""A plan in one language, whichever it is: its workbook is read, and what it lacks is said of its own language."""

from dataclasses import replace
from datetime import date

import pytest

from conversations.languages import LANGUAGES, translated
from conversations.xforms.problems import AuthorError
from storage.imports.reading import read_plan
from storage.imports.sheets import SHEETS
from storage.seed import seed_workbook
from tests.storage.imports.plan_books import Book, seed_draft

TEXTS = ("name", "short", "label", "title", "intent", "target_unit", "means_of_verification")


def in_french() -> Book:
    """The seed, its Spanish columns as if they were French, and no other language."""
    book = Book()
    for rows in book.cells.values():
        header = rows[0]
        for at in reversed(range(len(header))):
            base, _, language = str(header[at] or "").rpartition("_")
            if base in TEXTS and language == "es":
                header[at] = f"{base}_fr"
            elif base in TEXTS and language in LANGUAGES:
                for row in rows:
                    del row[at]
    return book


def test_a_plan_in_french_alone_is_a_plan() -> None:
    """No column in Spanish is asked for, and nothing is noted as lacking."""
    draft = read_plan(in_french().data())
    assert [problem.code for problem in draft.problems if problem.code == "plan.untranslated"] == []

    spanish = seed_draft().rows["agency"]["PGR"]["name_es"]
    assert draft.rows["agency"]["PGR"]["name_fr"] == spanish
    assert translated({"fr": str(spanish)}, "ht") == spanish

    label = next(row["label_fr"] for key, row in draft.rows["code"].items() if key.startswith("activity_status/"))
    assert label


def test_a_draft_is_what_the_file_says() -> None:
    """Dates, numbers, texts and gaps: what the tests of the plan make without a file is what the file gives."""
    assert read_plan(seed_workbook()).rows == Book().draft().rows

    book = in_french().put("activities", "PRE-101", "due_date", "2021-03-31").put("indicators", "IND-01", "target", 7.5)
    file = read_plan(book.data())
    assert replace(file, sha256="") == replace(book.draft(), sha256="")
    assert file.rows["activity"]["PRE-101"]["due_date"] == date(2021, 3, 31)


def test_what_the_sheets_own_language_lacks_is_refused() -> None:
    """The row and the column of the language that the sheet is in."""
    book = in_french().put("agencies", "PGR", "name_fr", None)
    with pytest.raises(AuthorError) as refused:
        read_plan(book.data())
    [problem] = [each for each in refused.value.problems if each.severity == "error"]
    assert (problem.code, problem.sheet, problem.values["column"]) == ("plan.missing_value", "agencies", "name_fr")


def test_a_text_in_no_language_is_a_missing_column() -> None:
    book = in_french().drop_column("agencies", "name_fr")
    with pytest.raises(AuthorError) as refused:
        read_plan(book.data())
    assert "plan.missing_column" in {each.code for each in refused.value.problems}


def test_a_text_is_what_can_be_seen_of_it() -> None:
    """A sign that turns a text around, or that nobody sees, is left out; a name of nothing else is a missing one."""
    book = Book().put("activities", "PRE-101", "name_es", "Jornada\u202e de\u200b  formación")
    assert book.draft().rows["activity"]["PRE-101"]["name_es"] == "Jornada de formación"
    assert Book().put("activities", "PRE-101", "name_es", "\u200b\u202e").errors()[0][0] == "missing_value"


def test_every_language_has_its_columns() -> None:
    """In the workbook that is written as in the one that is read."""
    for sheet_of in SHEETS:
        headers = {one.header for one in sheet_of.fields}
        assert {f"name_{language}" for language in LANGUAGES} <= headers or "name_es" not in headers
