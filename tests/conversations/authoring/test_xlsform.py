"""What is wrong with a workbook: everything at once, each with sheet, row, column and remedy, in three languages."""

import io
import re
import zipfile
from datetime import UTC, datetime
from itertools import chain
from string import Formatter
from textwrap import dedent

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from conversations.authoring.sheets import MAX_CELLS
from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.wording import catalogue, wording
from conversations.xforms.bundle import stored_bundle
from conversations.xforms.document.read import read_xform
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.question_types import QUESTION_TYPES
from conversations.xforms.workbook import check_workbook
from tests import ROOT

HEADER = "| | type | name | label | relevant | constraint | calculation | choice_filter | parameters |"


def workbook(**sheets: list[list[str]]) -> bytes:
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def lengthened(data: bytes, sheet: int, row: bytes, times: int) -> bytes:
    """The workbook with a row many times more at the end of its first, second … sheet, as it stands in the file.

    Written cell by cell, half a million of them take seconds.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == f"xl/worksheets/sheet{sheet}.xml":
                part = part.replace(b"</sheetData>", row * times + b"</sheetData>")
            new.writestr(name, part)
    return written.getvalue()


def problems(markdown: str) -> list[Problem]:
    try:
        return list(read_xlsform(dedent(markdown).encode(), "t.md").problems)
    except AuthorError as error:
        return list(error.problems)


def told(markdown: str) -> set[tuple[str, str, int | None, str]]:
    return {(p.code, p.sheet, p.row, p.column) for p in problems(markdown)}


def test_a_workbook_becomes_a_form():
    """An .xlsx with settings: id, version, languages; the XForm is kept beside the form."""
    data = workbook(
        survey=[
            ["type", "name", "label::Español (es)", "label::English (en)"],
            ["integer", "n", "¿Cuántas?", "How many?"],
        ],
        settings=[["form_id", "version", "form_title", "default_language"], ["f", "3", "Formulario", "Español (es)"]],
    )

    published = read_xlsform(data, "anything.xlsx")

    assert (published.form.form_id, published.form.version, published.form.title) == ("f", "3", "Formulario")
    assert published.form.languages == ("Español (es)", "English (en)")
    assert published.xform.startswith("<?xml")
    assert published.problems == ()


def test_a_workbook_without_settings_is_named_after_its_file():
    """As in Kobo and ODK: the file's name is the form's id."""
    data = workbook(survey=[["type", "name", "label"], ["text", "a", "A"]])

    assert read_xlsform(data, "informe.xlsx").form.form_id == "informe"


def test_every_mistake_is_told_with_its_cell():
    """Ten rows, ten mistakes, none hidden by another; pyxform alone would tell one."""
    found = told("""
        | survey |
        | | type | name | label | relevant | constraint | calculation | choice_filter |
        | | text | a | A ${nosuch} | ${zzzz} > 1 | . > 1 and ( | | |
        | | integr | b | B | | | | |
        | | select_one fruits | c | C | | | | |
        | | select_one fruit | d | D | | | | k = nosuch(1) |
        | | calculate | e | | | | | |
        | | text | f g | F | | | | |
        | | text | a | A again | | regex(., '(?=x)') | | |
        | | text | | H | | | | |
        | | begin group | i | I | | | | |
        | | select_one | j | J | | | | |
        | choices |
        | | list_name | name | label | k |
        | | fruit | x | X | 1 |
        | | fruit | x | Y | 2 |
        | | fruit | | Z | 2 |
    """)

    assert found == {
        ("reference.unknown", "survey", 2, "label"),
        ("reference.unknown", "survey", 2, "relevant"),
        ("expression.unfinished", "survey", 2, "constraint"),
        ("survey.unknown_type", "survey", 3, "type"),
        ("choices.list_misspelt", "survey", 4, "type"),
        ("expression.unknown_function", "survey", 5, "choice_filter"),
        ("survey.no_calculation", "survey", 6, "calculation"),
        ("survey.bad_name", "survey", 7, "name"),
        ("survey.duplicate_name", "survey", 8, "name"),
        ("expression.regex", "survey", 8, "constraint"),
        ("survey.no_name", "survey", 9, "name"),
        ("survey.begin_unmatched", "survey", 10, "type"),
        ("survey.select_without_list", "survey", 11, "type"),
        ("choices.duplicate", "choices", 3, "name"),
        ("choices.no_name", "choices", 4, "name"),
    }


def test_rows_and_columns_are_those_of_the_spreadsheet():
    """Empty rows count, and a column is its letter, so that the author finds the cell."""
    data = workbook(
        survey=[["type", "hint", "name", "label", "relevant"], [], [], ["text", "", "a", "A", "${b} = 1 +"]],
    )
    with pytest.raises(AuthorError) as refusal:
        read_xlsform(data, "t.xlsx")

    assert {p.place("es") for p in refusal.value.problems} == {"survey · E4"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("text | a | A | 1 + | | | |", "expression.unfinished"),
        ("text | a | A | (1 | | | |", "expression.unfinished"),
        ("text | a | A | a = #b | | | |", "expression.syntax"),
        ("text | a | A | ${a | | | |", "reference.unclosed"),
        ("text | a | A | ${A} = 1 | | | |", "reference.misspelt"),
        ("text | a | A | | today(1) > . | | |", "expression.arguments"),
        ("text | a | A | | . > date('2018-02-30') | | |", "expression.date"),
        ("text | a | A | | foo(.) | | |", "expression.unknown_function"),
        (r"text | a | A | | regex(., '(a)\1') | | |", "expression.regex"),
        ("calculate | a | | | | jr:choice-name('x', .) | |", "expression.choice_name"),
        ("range | a | A | | | | | start=1 foo=2", "xlsform.pyxform"),
        ("end group | a | | | | | |", "survey.end_unmatched"),
        ("select_one_from_file towns.txt | a | A | | | | |", "choices.file_kind"),
    ],
)
def test_a_mistake_has_a_name(row, code):
    """One row, one mistake, one code."""
    assert code in {p.code for p in problems(f"| survey |\n{HEADER}\n| | {row} |\n")}


def test_an_expression_is_told_of_where_its_author_wrote_it():
    """`at` counts in the cell's own text, not in what ${…} became."""
    (problem,) = problems("""
        | survey |
        | | type | name | label | relevant |
        | | integer | first | A | |
        | | integer | second | B | ${first} > 1 and ${first} < ) 3 |
    """)

    assert problem.values["at"] == len("${first} > 1 and ${first} < ") + 1


@pytest.mark.parametrize("kind", [t.name for t in QUESTION_TYPES.values() if t.support == "unsupported"])
def test_what_a_chat_cannot_do_is_named(kind):
    """A warning with its row, never silence: the form works without it."""
    rows = {
        "osm": "| | osm | a | A |",
        "audit": "| | audit | audit | |",
        "start-geopoint": "| | start-geopoint | a | |",
        "background-audio": "| | background-audio | a | |",
        "entity": "| | text | a | A |\n| entities |\n| | list_name | label |\n| | people | ${a} |",
    }
    found = [
        p for p in problems(f"| survey |\n| | type | name | label |\n| | text | t | T |\n{rows[kind]}\n")
        if p.code in ("type.unsupported", "conform.sheet")
    ]  # fmt: skip

    assert found
    assert {p.severity for p in found} == {"warning"}
    assert kind == "entity" or {p.row for p in found} == {3}


def test_what_a_chat_does_differently_is_noted():
    """A note for a barcode, a trace and a signature; the form is published all the same."""
    found = problems("""
        | survey |
        | | type | name | label | appearance |
        | | barcode | a | A | |
        | | geotrace | b | B | |
        | | image | c | C | signature |
    """)

    assert {(p.code, p.row, p.severity) for p in found} >= {
        ("type.barcode", 2, "note"),
        ("type.geotrace", 3, "note"),
        ("conform.appearance", 4, "note"),
    }


def test_a_missing_attachment_is_a_warning():
    """It may be sent along later; until then the list is empty."""
    found = problems("| survey |\n| | type | name | label |\n| | select_one_from_file towns.csv | a | A |\n")

    assert [(p.code, p.severity, p.values["file"]) for p in found] == [("media.missing", "warning", "towns.csv")]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "t.xlsx", "workbook.empty"),
        (b"PK\x03\x04 broken", "t.xlsx", "workbook.damaged"),
        (b"a,b\n1,2\n", "t.xlsx", "workbook.csv"),
        (b"%PDF-1.4", "t.pdf", "xlsform.file_kind"),
        (b"no table", "t.md", "workbook.no_sheet"),
        (b"<a/>", "t.xml", "xform.not_xform"),
        (workbook(plan=[["a"], ["b"]], other=[["a"], ["b"]]), "t.xlsx", "xlsform.no_survey"),
        (workbook(survey=[["type", "label"], ["text", "A"]]), "t.xlsx", "xlsform.no_column"),
        (workbook(survey=[["type", "name"]]), "t.xlsx", "xlsform.no_questions"),
    ],
)
def test_what_is_no_form_is_refused(data, name, code):
    """An AuthorError that says what to send instead."""
    with pytest.raises(AuthorError) as refusal:
        read_xlsform(data, name)

    assert code in {p.code for p in refusal.value.problems}


def test_the_xform_of_a_published_form_is_complete_without_its_attachments():
    """What is stored is one text: the CSV is inside it, and reading it alone gives the same choices."""
    rows = "| survey |\n| | type | name | label |\n| | select_one_from_file towns.csv | town | Town |\n"
    csv = 'name,label,a column,n\nsd,"Santo Domingo & DN",x,1\nsm,Samaná <ok>,y,\n'.encode()

    published = read_xlsform(rows.encode(), "t.md", media={"towns.csv": csv})
    again = read_xform(published.xform)

    assert again.warnings == ()
    instances = [
        Instance.start(f, Filling("x", datetime(2018, 10, 3, tzinfo=UTC), "UTC", "")) for f in (published.form, again)
    ]
    first, second = ([(c.value, c.label) for c in i.choices(i.node("town"))] for i in instances)
    assert first == second == [("sd", "Santo Domingo & DN"), ("sm", "Samaná <ok>")]


CELLS = st.one_of(
    st.sampled_from([
        "", "text", "integer", "select_one l", "select_one", "rank l", "begin group", "end group", "begin repeat",
        "end repeat", "calculate", "note", "a", "b", "${a}", "${a} > 1", "${", "count(${b})", "1 +", "yes", "x y",
        "field-list", "today()", "position(..)", "instance('l')/root/item", "or_other", "range", "${b}[", "[]()",
    ]),
    st.text(alphabet="ab${}()[]'\"/.@=<>+-* \t\nñ\x00", max_size=12),
)  # fmt: skip


@given(
    rows=st.lists(st.lists(CELLS, min_size=7, max_size=7), min_size=1, max_size=6),
    choices=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=3),
)
def test_no_workbook_is_answered_with_a_crash(rows, choices):
    """Whatever is in the cells: a form, or an AuthorError whose every problem speaks all three languages."""
    header = ["type", "name", "label", "relevant", "calculation", "repeat_count", "choice_filter"]
    lines = ["| survey |"]
    lines += ["| | " + " | ".join(re.sub(r"[|\n\r\x00]", " ", cell) for cell in row) + " |" for row in [header, *rows]]
    lines += ["| choices |", "| | list_name | name | label |"]
    lines += ["| | " + " | ".join(re.sub(r"[|\n\r\x00]", " ", cell) for cell in row) + " |" for row in choices]
    for problem in problems("\n".join(lines)):
        for language in LANGUAGES:
            assert not problem.sentence(language).startswith("problem.")
            assert not problem.remedy(language).startswith("remedy.")


def test_the_catalogue_of_form_problems_is_complete():
    """Every code a form can be given has a sentence and a remedy in each language, with the same values."""
    conversations = ROOT / "conversations"
    modules = chain(*((conversations / folder).glob("*.py") for folder in ("xforms/document", "authoring")))
    sources = "".join(module.read_text(encoding="utf-8") for module in modules)
    codes = set(re.findall(r'(?:Problem|problem|tell)\(\s*"([a-z_]+\.[a-z_-]+)"', sources))
    expression_codes = {
        code
        for module in (conversations / "xforms" / "xpath").rglob("*.py")
        for code in re.findall(r'ExpressionError\(\s*"([a-z_]+)"', module.read_text(encoding="utf-8"))
    }
    codes |= {f"expression.{code}" for code in expression_codes | {"unfinished", "unknown_node", "cycle"}}
    codes |= {f"type.{kind.name}" for kind in QUESTION_TYPES.values() if kind.support == "differs"}
    assert len(codes) > 50
    for code in sorted(codes):
        for key in (f"problem.{code}", f"remedy.{code}"):
            holes = {
                language: {field for _, field, _, _ in Formatter().parse(catalogue(language)[key]) if field}
                for language in LANGUAGES
            }
            assert holes["es"] == holes["en"] == holes["ht"], key


def test_a_remedy_may_show_braces():
    """${…} in a remedy is shown as it is to be written."""
    problem = Problem("reference.unknown", "survey", 2, "E", {"name": "x"})

    assert "${…}" in problem.remedy("en")
    assert wording("en")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook.damaged"),
        ("b.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "workbook.password"),
        ("a.csv", b"type,name,label\ntext,a,A\n", "workbook.csv"),
        ("a.xlsx", b"PK" + bytes(50_000_000), "workbook.too_big"),
        ("a.md", b"| survey |\n" + b"| | text | a | A |\n" * 1_200_000, "workbook.too_big"),
        ("a.md", b"| survey |\n" + b"| | text | a | A |\n" * 300_000, "workbook.too_many_cells"),
        ("a.md", b"| survey |\n" + b"a" * 9_000_000, "workbook.too_big"),
        ("a.xml", b"<a>" + b"<b/>" * 1_000_001 + b"</a>", "xform.too_many_nodes"),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_read(name, data, code):
    """Neither a parser nor the converter sees it: one problem, at once."""
    with pytest.raises(AuthorError) as refusal:
        read_xlsform(data, name)

    assert [p.code for p in refusal.value.problems] == [code]


def test_a_workbook_of_excel_97_is_read_like_todays():
    """Numbers without ".0", a zero that stays, a date, and curly quotes in expressions, as the converter takes them."""
    data = (ROOT / "tests" / "conversations" / "data" / "old_form.xls").read_bytes()
    checked = read_xlsform(data, "old_form.xls")
    assert checked.problems == ()
    assert checked.form.version == "7"
    instance = Instance.start(checked.form, Filling("uuid:1", datetime(2018, 10, 3, tzinfo=UTC), "UTC", ""))
    assert [choice.value for choice in instance.choices(instance.node("agrees"))] == ["1", "0"]
    instance.answer("agrees", "1")
    assert instance.node("age").value == "0"
    assert not instance.node("why").is_relevant
    instance.answer("agrees", "0")
    assert instance.node("why").is_relevant
    assert stored_bundle("old_form", data).name == "old_form.xls"


def test_a_question_may_be_called_as_the_converter_calls_the_root():
    """`data` is a date in Portuguese, and its form is no other for it: rules, labels and the submission hold it."""
    checked = read_xlsform(
        b"""
        | survey |
        | | type | name | label | relevant | constraint |
        | | date | data | Data da visita? | | . <= today() |
        | | integer | form0 | Quantas pessoas em ${data}? | ${data} != '' | |
        | | note | fim | Obrigado | | |
        """,
        "visita.md",
    )
    assert checked.form.root.name == "form1"
    instance = Instance.start(checked.form, Filling("uuid:1", datetime(2026, 1, 1, tzinfo=UTC), "UTC", "default"))
    assert not instance.node("/form1/form0").is_relevant
    instance.answer("/form1/data", "2025-12-31")
    assert instance.node("/form1/form0").is_relevant
    named = b"""
        | survey |
        | | type | name | label |
        | | date | data | Data |
        | settings |
        | | form_id | instance_name |
        | | visita | concat('v', ${data}) |
        """
    assert read_xlsform(named, "visita.md").form.root.name == "form0"
    plain = read_xlsform(b"| survey |\n| | type | name | label |\n| | date | data | Data |\n", "visita.md")
    assert plain.form.root.name == "data"


def test_what_the_converter_passes_over_refuses_no_form():
    """A choice of no list is in none, and a list of tags comes with its map editor: both are named."""
    form = (
        "| survey |\n| | type | name | label |\n| | select_one l | q | Q |\n| | osm tags | b | B |\n"
        "| choices |\n| | list_name | name | label |\n| | l | a | A |\n| | | z | Z |\n"
        "| osm |\n| | list_name | name | label |\n| | tags | name | Name |\n"
    )
    checked = read_xlsform(form.encode(), "f.md")
    assert {"choices.no_list_name", "type.unsupported"} <= {problem.code for problem in checked.problems}


SURVEY = [["type", "name", "label"], ["select_one l", "q", "Q"]]


CELL = b"<c><v>1</v></c>"


@pytest.mark.parametrize(
    ("sheets", "more", "problem"),
    [
        ({"survey": SURVEY}, (1, b"<row>%b</row>" % CELL, 5_000), ("xlsform.too_long", "survey")),
        ({"Hoja1": SURVEY}, (1, b"<row>%b</row>" % CELL, 5_000), ("xlsform.too_long", "Hoja1")),
        (
            {"survey": SURVEY, "choices": [["list_name", "name"]]},
            (2, b"<row>%b</row>" % CELL, 60_001),
            ("xlsform.too_long", "choices"),
        ),
        ({"survey": SURVEY}, (1, b"<row>%b</row>" % (CELL * 900), 560), ("workbook.too_many_cells", "")),
        # Some programs write a million empty rows down; openpyxl builds each.
        ({"survey": SURVEY}, (1, b"<row/>", 130_000), ("workbook.too_many_cells", "")),
    ],
)
def test_a_workbook_of_too_much_is_refused_before_it_is_built(monkeypatch, sheets, more, problem):
    """Counted while it is unzipped: openpyxl, which would take seconds and builds it all, does not see it."""
    data = lengthened(workbook(**sheets), *more)
    monkeypatch.setattr(openpyxl, "load_workbook", None)
    with pytest.raises(AuthorError) as refusal:
        read_xlsform(data, "a.xlsx")

    assert [(p.code, p.sheet) for p in refusal.value.problems] == [problem]


def test_the_largest_published_forms_are_within_the_limits():
    """5 000 questions, and 20 000 choices under five languages, are no attack."""
    row = b"<row>%b</row>" % (CELL * 10)
    survey = lengthened(workbook(survey=SURVEY[:1], choices=[["list_name", "name"]]), 1, row, 5_000)
    size = check_workbook(lengthened(survey, 2, row, 20_000))

    assert size.rows == {"survey": 5_001, "choices": 20_001}
    assert size.cells < MAX_CELLS


def test_a_survey_of_too_many_rows_is_not_converted():
    """The converter would take minutes: the limit is all that is said."""
    rows = "".join(f"| | text | q{number} | Q |\n" for number in range(5_001))
    assert [p.code for p in problems(f"| survey |\n| | type | name | label |\n{rows}")] == ["xlsform.too_long"]
