"""The plan at the server: made by `enlace init`, begun for a country, imported from a workbook, or refused."""

import io
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest

from conversations.xforms.problems import AuthorError
from storage.imports.reading import read_plan
from storage.seed import seed_workbook
from tests.bot.cli.commands import (
    FORMS,
    Done,
    Installed,
    asked,
    contents,
    counted,
    enlace,
    is_one_line,
)
from tests.storage.database import scratch

pytestmark = pytest.mark.slow


# ------------------------------------------------------------------ init
def test_init_makes_everything_and_tells_on_stderr(installed: Installed) -> None:
    """Tables, keyring, plan and forms; files that hold secrets or reports are the owner's alone."""
    done, folder = installed.init, installed.folder

    assert (done.code, done.out) == (0, "")
    assert [counted(folder, table) for table in ("plan", "form", "form_version", "person")] == [1, 4, 4, 0]
    assert counted(folder, "activity") == 60
    for name in ("keys.json", "enlace.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((folder / "evidence").stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_first_command_hears_of_no_database_that_is_away(tmp_path: Path, kind: str) -> None:
    """The first line that `enlace init` wrote was "database.unavailable": it had looked for sealed data."""
    with ExitStack() as stack:
        url = {"ENLACE_DATABASE_URL": stack.enter_context(scratch.schema_or_skip())} if kind == "postgresql" else {}
        done = enlace(tmp_path, "init", "--empty", **url)
    assert done.code == 0
    assert "unavailable" not in done.err


def test_init_again_changes_nothing(folder: Path) -> None:
    """Not one row, and the same keys; the example, too, is made beside no plan."""
    before, keys = contents(folder), (folder / "keys.json").read_bytes()
    for options in ([], ["--from-today"]):
        assert enlace(folder, "init", *options).code == 0
        assert contents(folder) == before
    assert (folder / "keys.json").read_bytes() == keys


def test_init_again_leaves_a_newer_edition_current(folder: Path) -> None:
    """The forms that the package brings are published once, not gone back to with every upgrade."""
    own = openpyxl.load_workbook(FORMS / "activity_report.xlsx")
    own["settings"].cell(2, [cell.value for cell in own["settings"][1]].index("version") + 1).value = "own"
    own.save(folder / "own.xlsx")
    assert enlace(folder, "form", "publish", "own.xlsx").code == 0
    assert enlace(folder, "init").code == 0

    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        latest = connection.execute("SELECT version FROM form_version ORDER BY published_at DESC, id DESC").fetchone()
    assert latest == ("own",)


def test_init_empty_brings_neither_plan_nor_forms(tmp_path: Path) -> None:
    """Then everything that needs a plan says what is missing."""
    assert enlace(tmp_path, "init", "--empty").code == 0
    assert [counted(tmp_path, table) for table in ("plan", "form")] == [0, 0]
    assert (tmp_path / "keys.json").exists()

    done = enlace(tmp_path, "due")
    assert (done.code, is_one_line(done)) == (1, True)
    assert "enlace plan import" in done.err


@pytest.mark.parametrize("is_imported", [False, True])
def test_a_plan_made_at_the_server_is_of_the_houses_zone(tmp_path: Path, is_imported: bool) -> None:
    """Its days, its hours and its holidays are those of ENLACE_TIMEZONE, be it the shipped one or one that is sent."""
    madrid = {"ENLACE_TIMEZONE": "Europe/Madrid"}
    (tmp_path / "plan.xlsx").write_bytes(seed_workbook())

    assert enlace(tmp_path, "init", *(["--empty"] if is_imported else []), **madrid).code == 0
    if is_imported:
        assert enlace(tmp_path, "plan", "import", "plan.xlsx", **madrid).code == 0

    with closing(sqlite3.connect(tmp_path / "enlace.db")) as connection:
        assert connection.execute("SELECT timezone FROM plan").fetchall() == [("Europe/Madrid",)]


# ------------------------------------------------------------------ plan
def edited_plan(**changes: str | None) -> bytes:
    """The shipped plan with cells changed: `sheet__A2="…"`."""
    book = openpyxl.load_workbook(io.BytesIO(seed_workbook()))
    for place, value in changes.items():
        sheet, _, cell = place.rpartition("__")
        book[sheet][cell] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_plan_is_begun_for_a_country_that_is_one_in_a_language_that_is_one(tmp_path: Path) -> None:
    """One sentence otherwise, and no file."""
    for country, language in (("XX", "es"), ("HN", "xx")):
        options = ("--country", country, "--language", language, "--out", "plan.xlsx")
        done = enlace(tmp_path, "plan", "new", *options)
        assert (done.code, is_one_line(done)) == (1, True)
        assert not (tmp_path / "plan.xlsx").exists()
    done = enlace(tmp_path, "plan", "new", "--country", "hn", "--out", "plan.xlsx")
    assert (done.code, (tmp_path / "plan.xlsx").exists()) == (0, True)
    assert "HNL" in done.err


def test_reading_the_plan_waits_for_nobody_who_writes(folder: Path) -> None:
    """The lists, and what an undo would do, are read while somebody holds the database's lock."""
    (folder / "plan.xlsx").write_bytes(edited_plan(activities__F2="Campaña nueva"))
    assert enlace(folder, "plan", "import", "plan.xlsx").code == 0
    with closing(sqlite3.connect(folder / "enlace.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert enlace(folder, "plan", "lists", "--out", "lists").code == 0
        shown = enlace(folder, "plan", "undo", "--dry-run")
        assert (shown.code, "PRE-101" in shown.out) == (0, True)
        writer.execute("ROLLBACK")
    assert enlace(folder, "plan", "export", "--out", "now.xlsx").code == 0
    assert "Campaña nueva" in str(read_plan((folder / "now.xlsx").read_bytes()))


def test_a_plan_is_shown_then_applied_then_already_there(folder: Path) -> None:
    """--dry-run prints the differences and changes nothing; the import applies them; again there are none."""
    (folder / "plan.xlsx").write_bytes(edited_plan(activities__F2="Campaña nueva", agencies__B2="Cancillería"))
    before = contents(folder)

    shown = enlace(folder, "plan", "import", "plan.xlsx", "--dry-run")
    assert shown.code == 0
    assert contents(folder) == before
    assert "PRE-101" in shown.out
    assert "Campaña nueva" in shown.out
    assert "Cancillería" in shown.out
    assert len(shown.out.splitlines()) == 2
    assert enlace(folder, "plan", "import", "plan.xlsx", "--dry-run", "--all").out == shown.out  # nothing is added

    applied = enlace(folder, "plan", "import", "plan.xlsx")
    assert (applied.code, applied.out) == (0, shown.out)
    assert contents(folder) != before

    after = contents(folder)
    again = enlace(folder, "plan", "import", "plan.xlsx")
    assert (again.code, again.out) == (0, "")
    assert again.err.strip()
    assert contents(folder) == after


def test_a_plan_whose_periods_are_all_locked_says_so(tmp_path: Path) -> None:
    """Tried or imported: nobody could report, and what to look at. A plan with a day to come says nothing of it.

    Nor does one that is imported again without a change.
    """
    assert enlace(tmp_path, "init", "--empty").code == 0
    (tmp_path / "past.xlsx").write_bytes(seed_workbook())
    (tmp_path / "later.xlsx").write_bytes(edited_plan(activities__M2="2099-12-31"))
    warned = [
        "Todos los períodos de este plan ya cerraron" in enlace(tmp_path, "plan", "import", *arguments).err
        for arguments in (("later.xlsx", "--dry-run"), ("past.xlsx", "--dry-run"), ("past.xlsx",), ("past.xlsx",))
    ]
    assert warned == [False, True, True, False]


def test_a_plan_that_takes_protection_away_is_meant_or_not_imported(folder: Path, tmp_path: Path) -> None:
    """Named, refused without the option, applied with it; more protection needs nobody's word."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)

    def attempt(min_cell: int, *options: str) -> Done:
        book = openpyxl.load_workbook(io.BytesIO(seed_workbook()))
        sheet = book["indicators"]
        head = [cell.value for cell in sheet[1]]
        row = next(row for row in sheet.iter_rows() if row[0].value == "IND-20")
        row[head.index("min_cell")].value = min_cell
        book.save(there / "plan.xlsx")
        return enlace(there, "plan", "import", "plan.xlsx", *options)

    assert attempt(25).code == 0

    before = contents(there)
    refused = attempt(5)
    assert (refused.code, refused.out, contents(there)) == (1, "", before)
    assert "IND-20 · min_cell: 25 → 5" in refused.err
    assert "--lower-protection" in refused.err
    assert "IND-20 · min_cell" in attempt(5, "--dry-run").out
    assert attempt(5, "--lower-protection").code == 0
    assert contents(there) != before


def test_a_code_that_says_something_else_now_is_meant_or_not_imported(folder: Path) -> None:
    """Retired, and back under another title: named, and refused until somebody says that it is the same."""

    def attempt(title: str | None, *options: str) -> Done:
        book = openpyxl.load_workbook(io.BytesIO(seed_workbook()))
        sheet = book["activities"]
        row = next(row for row in sheet.iter_rows() if row[0].value == "PRE-102")
        if title is None:
            sheet.delete_rows(row[0].row)
        for cell in row:
            if title is not None and str(sheet.cell(1, cell.column).value).startswith(("name", "short")):
                cell.value = title
        book.save(folder / "plan.xlsx")
        return enlace(folder, "plan", "import", "plan.xlsx", *options)

    assert attempt(None).code == 0
    before = contents(folder)
    refused = attempt("Comprar vehículos")
    assert (refused.code, refused.out, contents(folder)) == (1, "", before)
    assert "--same PRE-102" in refused.err
    assert attempt("Comprar vehículos", "--same", "PRE-102").code == 0


def test_what_was_expected_of_a_locked_period_is_corrected(folder: Path) -> None:
    correct = ("periods", "correct", "201809", "PRE-101", "--reason", "a slip of the workbook", "--set")
    done = enlace(folder, *correct, "target=7")
    assert (done.code, "target" in done.err, "7 now" in done.err) == (0, True, True)
    done = enlace(folder, *correct[:-1], "--lead", "PGR")
    assert (done.code, "PGR now" in done.err) == (0, True)
    before = contents(folder)
    refused = enlace(folder, *correct, "target=many")
    assert (refused.code, is_one_line(refused), contents(folder)) == (1, True, before)


def test_a_plan_is_closed_and_afterwards_nothing_of_it_is_written(folder: Path) -> None:
    """A dry run prints the balance alone; a reason and a day are stored; after the day an import is refused."""
    until = str(date.today() + timedelta(days=30))
    tried = enlace(folder, "plan", "close", "--until", until, "--drop", "PRE-101=otro plan", "--dry-run")
    assert tried.out.startswith("0 de 60 actividades hechas (0%)")
    ends = "SELECT closes_on, (SELECT dropped_because FROM activity WHERE code = 'PRE-101') FROM plan"
    assert asked(folder, ends) == (None, "")
    assert enlace(folder, "plan", "close").code == 2
    assert enlace(folder, "plan", "close", "--until", "2021-01-15").code == 1
    assert "PRE-999" in enlace(folder, "plan", "close", "--drop", "PRE-999=no").err

    assert enlace(folder, "plan", "close", "--until", until, "--drop", "PRE-101=otro plan").code == 0
    assert asked(folder, ends) == (until, "otro plan")
    assert "already" in enlace(folder, "plan", "close", "--until", until).err
    assert enlace(folder, "plan", "close", "--keep").code == 0
    assert asked(folder, ends) == (None, "otro plan")

    with closing(sqlite3.connect(folder / "enlace.db")) as database:
        database.execute("UPDATE plan SET closes_on = '2021-01-31'")
        database.commit()
    refused = enlace(folder, "plan", "close", "--drop", "PRE-101=tarde")
    assert refused.code == 1
    assert "closed on 2021-01-31" in refused.err
    assert is_one_line(refused)


def test_a_broken_plan_is_refused_with_every_problem_at_its_place(folder: Path) -> None:
    """Sheet, cell, sentence and remedy of each, in the plan's language; exit 1 and nothing stored."""
    data = edited_plan(activities__B3="NO-SUCH", activities__L4="someday", indicators__A5="IND-01", agencies__A3=None)
    (folder / "plan.xlsx").write_bytes(data)
    with pytest.raises(AuthorError) as refused:
        read_plan(data)
    before = contents(folder)

    done = enlace(folder, "plan", "import", "plan.xlsx")

    assert (done.code, done.out) == (1, "")
    assert contents(folder) == before
    for problem in refused.value.problems:
        line = (
            f"{problem.severity} {problem.code}: {problem.place('es')}: {problem.sentence('es')} {problem.remedy('es')}"
        )
        assert line in done.said
        assert problem.remedy("es").strip()
    places = {(p.sheet, p.row, p.column) for p in refused.value.problems if p.severity == "error"}
    assert {("activities", 3, "B"), ("activities", 4, "L"), ("indicators", 5, "A"), ("agencies", 3, "A")} <= places
    assert len(done.said) == len(refused.value.problems) + 1
    assert done.said[-1].startswith("enlace: ")


def bomb() -> bytes:
    file = io.BytesIO(seed_workbook())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb", bytes(300_000_000))
    return file.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "workbook.empty": lambda: b"",
    "workbook.csv": lambda: b"code,name\nPRE-101,x\n",
    "workbook.not_xlsx": lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "workbook.unzips_too_far": bomb,
    "workbook.password": lambda: (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    ),
}


@pytest.mark.parametrize("code", HOSTILE)
def test_a_file_that_is_no_workbook_is_refused_with_the_reason(folder: Path, code: str) -> None:
    """Whatever is called .xlsx, as plan and as form: one problem with its remedy, exit 1, nothing stored."""
    (folder / "it.xlsx").write_bytes(HOSTILE[code]())
    before = contents(folder)
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda a: enlace(folder, *a), [("plan", "import", "it.xlsx"), ("form", "check", "it.xlsx")])

    for done in results:
        assert (done.code, done.out) == (1, "")
        assert [line.startswith(f"error {code}: ") for line in done.said] == [True, False]
        assert done.said[-1].startswith("enlace: ")
    assert contents(folder) == before
