"""What arrives as "the Excel" and what is read from it (S11)."""

import io
import random
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from conversations.languages import LANGUAGES
from conversations.wording import catalogue
from conversations.xforms import workbook
from conversations.xforms.problems import AuthorError, Problem, worst_first


def rows_in(data: bytes) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """Sheet name → (row number as Excel shows it, header → text) of each non-empty row."""
    return {sheet.name: list(sheet.rows) for sheet in workbook.read_sheets(data)}


def a_workbook(**sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


GOOD = a_workbook(plan=[["code", "name"], ["PRE-101", "Campaña"]])


def with_parts(parts: dict[str, bytes], base: bytes = GOOD) -> bytes:
    """The workbook with parts replaced or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(base)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return file.getvalue()


def codes(data: bytes) -> set[str]:
    with pytest.raises(AuthorError) as caught:
        workbook.check_workbook(data)
    return {problem.code for problem in caught.value.problems}


# ------------------------------------------------------------------ what is refused
BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12))
    + b"]><workbook>&m;</workbook>"
)
EXTERNAL_ENTITY = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><workbook>&e;</workbook>'


STYLES = b"<styleSheet>" + b"".join(b"<xf n='%d'/>" % n for n in range(250_001)) + b"</styleSheet>"
SHEETS = (
    b'<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    b'<sheet name="a" sheetId="1" r:id="rId1"/><sheet name="b" sheetId="2" r:id="rId1"/></sheets></workbook>'
)


def encrypted_flag(data: bytes) -> bytes:
    return data.replace(b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    )


def many_entries() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"xl/{number}", b"")
    return file.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "workbook.empty"),
    "text": (lambda: "code;name\nPRE-101;Campaña\n".encode(), "workbook.csv"),
    "text in UTF-8 with a mark": (lambda: b"\xef\xbb\xbfcode,name\n", "workbook.csv"),
    "a web page": (lambda: b"  <html><table></table></html>", "workbook.html"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "workbook.not_xlsx"),
    "an old .xls": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook.old_xls"),
    "a password": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        "workbook.password",
    ),
    "encrypted entries": (lambda: encrypted_flag(GOOD), "workbook.password"),
    "over 20 MB": (lambda: GOOD + bytes(20 * 1024 * 1024), "workbook.too_big"),
    "macros": (lambda: with_parts({"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"}), "workbook.macros"),
    "a binary workbook": (lambda: with_parts({"xl/workbook.bin": b"\x83\x01"}), "workbook.old_xls"),
    "a text document": (lambda: word_document(), "workbook.not_xlsx"),
    "half a file": (lambda: GOOD[: len(GOOD) // 2], "workbook.damaged"),
    "a broken part": (lambda: with_parts({"xl/worksheets/sheet1.xml": b"<worksheet><row>"[:9]}), "workbook.damaged"),
    "a part that is not XML": (lambda: with_parts({"xl/workbook.xml": b"workbook"}), "workbook.damaged"),
    "no cells": (lambda: a_workbook(empty=[]), "workbook.no_sheet"),
    "billion laughs": (lambda: with_parts({"xl/workbook.xml": BILLION_LAUGHS}), "workbook.doctype"),
    "billion laughs under another name": (lambda: with_parts({"xl/x.png": BILLION_LAUGHS}), "workbook.doctype"),
    "billion laughs in UTF-16": (
        lambda: with_parts({"xl/workbook.xml": BILLION_LAUGHS.decode().encode("utf-16")}),
        "workbook.doctype",
    ),
    "an external entity": (lambda: with_parts({"xl/styles.xml": EXTERNAL_ENTITY}), "workbook.doctype"),
    "100 000 entries": (many_entries, "workbook.too_many_entries"),
    "styles without end": (lambda: with_parts({"xl/styles.xml": STYLES}), "workbook.too_many_cells"),
    "one part as many sheets": (lambda: with_parts({"xl/workbook.xml": SHEETS}), "workbook.damaged"),
    "a zip bomb": (lambda: with_parts({"xl/media/a": bytes(300_000_000)}), "workbook.unzips_too_far"),
    "a ratio of a thousand": (lambda: with_parts({"xl/media/a": bytes(20_000_000)}), "workbook.unzips_too_far"),
}


def word_document() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    return file.getvalue()


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_readable_workbook_is_refused_and_says_why(what: str) -> None:
    """Each refusal has its own code, so that its remedy fits."""
    make, code = REFUSED[what]
    data = make()
    assert codes(data) == {code}


def test_a_workbook_of_more_marks_than_memory_allows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree costs by the element, not by the byte."""
    monkeypatch.setattr(workbook, "MAX_TAGS", 1_000)
    assert codes(a_workbook(s=[["h"], *([n] for n in range(400))])) == {"workbook.too_many_cells"}


def test_a_sheet_of_more_columns_than_a_form_has_is_refused_not_cut() -> None:
    """Nothing is dropped silently."""
    with pytest.raises(AuthorError) as caught:
        rows_in(a_workbook(s=[[*range(1_001)]]))
    assert [problem.code for problem in caught.value.problems] == ["workbook.too_many_cells"]


def test_a_bomb_is_refused_in_bounded_memory() -> None:
    """300 MB of zeros never exist at once."""
    data = with_parts({"xl/media/a": bytes(60_000_000)})
    tracemalloc.start()
    try:
        codes(data)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_header_that_lies_about_its_size_does_not_help_a_bomb() -> None:
    """Sizes are measured: an entry that declares one byte is not trusted with more."""
    bomb = bytes(30_000_000)
    data = with_parts({"xl/media/a": bomb})
    lied = data.replace(struct.pack("<L", len(bomb)), struct.pack("<L", 1))
    assert lied != data
    assert codes(lied) <= {"workbook.damaged", "workbook.unzips_too_far"}


def test_overlapping_entries_are_counted_each_time_they_unpack() -> None:
    """One compressed block under many names is a bomb although the file is small."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(random.Random(2).randbytes(50_000) * 20) + compressor.flush()
    raw = random.Random(2).randbytes(50_000) * 20
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("xl/media/0", raw)
        shared = new.getinfo("xl/media/0")
        assert shared.compress_size <= len(packed) * 2
        for _ in range(200):
            new.filelist.append(shared)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert codes(file.getvalue()) <= {"workbook.unzips_too_far", "workbook.damaged"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_of_any_kind_is_an_author_error_or_a_readable_workbook(data: st.DataObject) -> None:
    """Whatever bytes arrive, nothing but AuthorError comes out."""
    broken = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows_in(bytes(broken))
    except AuthorError:
        return


def test_a_row_number_without_end_does_not_read_without_end() -> None:
    """A sheet may claim row 9 999 999 999: there is no such row in Excel."""
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row>'
        b'<row r="9999999999"><c r="A9999999999"><v>1</v></c></row></sheetData></worksheet>'
    )
    assert rows_in(with_parts({"xl/worksheets/sheet1.xml": sheet})) == {"plan": []}


# ------------------------------------------------------------------ what is read
def test_cells_become_the_text_a_person_sees() -> None:
    """No ".0", no time on a day, no exponent, no stray blanks."""
    data = a_workbook(
        s=[
            ["a", "b", "c", "d", "e", "f", "g", "h"],
            [12.0, 0.1 + 0.2, date(2018, 9, 1), datetime(2018, 9, 1, 8, 30), True, "  con\xa0ñ \n línea ", 1e20, -0.5],
            [clock_time(8, 30), timedelta(hours=30), "007", "=1+1", 20180901000000000, "a_x000D_\nb", "", None],
        ]
    )
    assert rows_in(data)["s"] == [
        (
            2,
            {
                "a": "12",
                "b": "0.3",
                "c": "2018-09-01",
                "d": "2018-09-01T08:30:00",
                "e": "TRUE",
                "f": "con ñ \n línea",
                "g": "100000000000000000000",
                "h": "-0.5",
            },
        ),
        (3, {"a": "08:30:00", "b": "30:00:00", "c": "007", "e": "20180901000000000", "f": "a\nb"}),
    ]


def test_rows_keep_the_number_excel_shows_and_empty_ones_are_skipped() -> None:
    """A problem must be found where it is said to be."""
    data = a_workbook(s=[[], ["code", None, " two  words "], [], ["A"], [None, "no header above"], ["B", None, 2]])
    [sheet] = workbook.read_sheets(data)
    assert sheet.header_row == 2
    assert sheet.headers == {"code": "A", "two words": "C"}
    assert sheet.rows == ((4, {"code": "A"}), (6, {"code": "B", "two words": "2"}))
    assert workbook.headers(data) == {"s": {"code": "A", "two words": "C"}}


def test_of_two_columns_with_one_header_the_first_is_read_and_the_other_named() -> None:
    """Nothing is dropped silently."""
    [sheet] = workbook.read_sheets(a_workbook(s=[["code", "code"], ["A", "B"]]))
    assert sheet.rows == ((2, {"code": "A"}),)
    [problem] = sheet.problems
    assert (problem.code, problem.place("en"), problem.severity) == ("workbook.duplicate_header", "s · B1", "warning")


def test_sheets_without_cells_are_left_out_and_the_others_keep_their_order() -> None:
    """A tab nobody filled is not a sheet of the plan."""
    assert list(rows_in(a_workbook(z=[["h"], ["1"]], empty=[], a=[["h"], ["1"]]))) == ["z", "a"]


def test_a_sheet_that_reaches_the_last_row_of_excel_is_read_quickly() -> None:
    """LibreOffice ends sheets with an empty row 1048576."""
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1"/><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c></row>'
        b'<row r="2"><c r="A2" t="inlineStr"><is><t>X</t></is></c></row>'
        b'<row r="1048576"><c r="A1048576"/></row></sheetData></worksheet>'
    )
    assert rows_in(with_parts({"xl/worksheets/sheet1.xml": sheet})) == {"plan": [(2, {"code": "X"})]}


def test_every_problem_of_a_workbook_has_a_sentence_and_a_remedy_in_every_language() -> None:
    """An officer reads what is wrong in her own language."""
    raised = {code for _, code in REFUSED.values()} | {"workbook.duplicate_header", "workbook.too_many_cells"}
    for language in LANGUAGES:
        keys = catalogue(language).keys()
        assert {f"problem.{code}" for code in raised} | {f"remedy.{code}" for code in raised} <= keys


def test_what_must_be_mended_is_told_first() -> None:
    """Errors before warnings before notes; each kind as the author wrote it: a screen shows the first few."""
    found = [Problem("a", severity="note"), Problem("b"), Problem("c", severity="warning"), Problem("d")]
    assert [problem.code for problem in worst_first(found)] == ["b", "d", "c", "a"]


# ------------------------------------------------------------------ formulas
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "iso-8859-1"])
@pytest.mark.parametrize(("cell", "formulas"), [("=1+1", (("plan", "A", 2),)), ("1+1", ())])
def test_a_formula_is_found_whatever_its_part_is_written_in(encoding: str, cell: str, formulas: object) -> None:
    """Where no part looks like one the sheets are not read again; what cannot be looked at is read."""
    base = a_workbook(plan=[["code"], [cell]])
    with zipfile.ZipFile(io.BytesIO(base)) as archive:
        part = archive.read("xl/worksheets/sheet1.xml").decode()
    name = "utf-16" if encoding == "utf-16-le" else encoding
    declared = f'<?xml version="1.0" encoding="{name}"?>{part}'.encode(encoding)
    data = with_parts({"xl/worksheets/sheet1.xml": declared}, base)

    assert workbook.read_book(data, {"plan"}).formulas == formulas
