"""A plan follows another at the server: what the sheet does not say is asked, and one undo takes all of it back."""

import shutil
from pathlib import Path

import pytest

from tests.bot.cli.commands import Installed, asked, contents, counted, enlace, is_one_line
from tests.storage.imports.next_plan import NEXT, next_plan

pytestmark = pytest.mark.slow

OLD = "do-trata-2017-2020"


@pytest.fixture
def folder(installed: Installed, tmp_path: Path) -> Path:
    shutil.copytree(installed.folder, tmp_path / "there")
    return tmp_path / "there"


def add(folder: Path, number: int, role: str, *more: str) -> None:
    done = enlace(folder, "people", "add", "--telegram-id", str(number), "--name", "Ana", "--role", role, *more)
    assert done.code == 0, done


def write(folder: Path, *rows: tuple[str, ...], without: tuple[str, ...] = ()) -> None:
    book = next_plan(*rows)
    book.drop("succession", *without)
    (folder / "next.xlsx").write_bytes(book.data())


def test_what_the_sheet_does_not_say_is_asked_row_by_row(folder: Path) -> None:
    """Until it can be read; Enter says that the same code goes on. Then everything is one import with one undo."""
    write(folder, ("PRE-102", "merged", "PRE-101"), without=("PRE-101", "PRE-103", "IND-01"))
    add(folder, 501, "focal_point", "--agency", "MMUJER")
    typed = "\nmoved PRE-103\nsplit PRE-101 PRE-999\ndropped Lo hace ahora el ministerio\ncontinued IND-01\n"
    done = enlace(folder, "plan", "succeed", OLD, "next.xlsx", say=typed)

    assert done.code == 0, done
    assert done.err.count("Not understood") == 2
    assert f"{NEXT} follows {OLD}" in done.err
    assert "Asked whether they go on: 1. Cannot be reached: 0.\nUntil an admin says yes, nobody" in done.err
    assert counted(folder, "membership") == 1
    assert asked(folder, "SELECT count(*) FROM outbox WHERE chat_id = 501 AND payload LIKE '%seguir%'") == (1,)
    old, new = (asked(folder, f"SELECT id FROM plan WHERE code = '{code}'")[0] for code in (OLD, NEXT))
    assert asked(folder, f"SELECT succeeds_id FROM plan WHERE id = {new}") == (old,)
    of_list = f"FROM code WHERE plan_id = {new} AND list = 'succession' AND code = "
    assert "continued" in str(asked(folder, f"SELECT attributes {of_list} 'PRE-101'"))
    assert "Lo hace ahora" in str(asked(folder, f"SELECT label {of_list} 'PRE-103'"))
    assert counted(folder, "activity") == 120

    assert enlace(folder, "plan", "export", "--out", "same.xlsx", "--plan", NEXT).code == 0
    same = enlace(folder, "plan", "import", "same.xlsx", "--dry-run")
    assert (same.code, same.out) == (0, ""), same

    undone = enlace(folder, "plan", "undo", "--plan", NEXT)
    assert undone.code == 0, undone
    assert counted(folder, "activity") == 60
    assert "There is no plan" in enlace(folder, "people", "list", "--plan", NEXT).err
    assert enlace(folder, "status").code in (0, 1)

    again = enlace(folder, "plan", "succeed", OLD, "next.xlsx", say=typed)
    assert (again.code, counted(folder, "activity")) == (0, 120)
    add(folder, 506, "admin", "--plan", NEXT)
    undone = enlace(folder, "plan", "undo", "--plan", NEXT)
    assert (undone.code, counted(folder, "activity")) == (1, 120)
    assert "Corrija el libro" in undone.err or "Correct the workbook" in undone.err


def test_what_would_be_is_printed_and_nothing_is_changed(folder: Path) -> None:
    """Also how many would be asked to go on, and which agencies the new plan does not have."""
    book = next_plan().drop("succession", "PRE-103").add_column("agencies", "active_to")
    (folder / "next.xlsx").write_bytes(book.put("agencies", "MMUJER", "active_to", "2025-12-31").data())
    add(folder, 501, "focal_point", "--agency", "MMUJER")
    add(folder, 506, "admin")
    before = contents(folder)
    done = enlace(folder, "plan", "succeed", OLD, "next.xlsx", "--dry-run")

    assert done.code == 0, done
    assert "? activity PRE-103" in done.out or "? actividad PRE-103" in done.out
    assert "1 rows are still to be told. Nothing was changed." in done.err
    assert "Asked whether they go on: 1. Cannot be reached: 0.\nNot asked are the people of MMUJER" in done.err
    assert contents(folder) == before


def test_an_input_that_ends_too_soon_changes_nothing(folder: Path) -> None:
    write(folder, without=("PRE-103", "PRE-104"))
    before = contents(folder)
    done = enlace(folder, "plan", "succeed", OLD, "next.xlsx", say="continued PRE-103\n")

    assert done.code == 1
    assert "Nothing was changed: not every row was answered." in done.err
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("PRE-999", "dropped", "", "no"), f"The plan {OLD} never had: PRE-999."),
        (("PRE-101", "split", "PRE-101"), "new_codes"),
        (("PRE-101", "continued", "PRE-1O1"), "PRE-101"),
        (("PRE-101", "dropped"), "reason_"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused_with_its_remedy(folder: Path, row: tuple[str, ...], told: str) -> None:
    write(folder, row)
    done = enlace(folder, "plan", "succeed", OLD, "next.xlsx")

    assert done.code == 1, done
    assert told in done.out + done.err
    assert counted(folder, "plan") == 1


def test_a_second_plan_is_asked_about_and_one_that_is_there_already_follows_nobody(folder: Path) -> None:
    """An import under a new code is refused with its remedy; nothing is changed before somebody says it is meant."""
    write(folder)
    before = contents(folder)
    refused = enlace(folder, "plan", "import", "next.xlsx")
    assert (refused.code, f"NUEVO al lado de {OLD}" in refused.err, "--new-plan" in refused.err) == (1, True, True)
    tried = enlace(folder, "plan", "import", "next.xlsx", "--dry-run")
    assert (tried.code, f"NUEVO al lado de {OLD}" in tried.err) == (0, True)
    assert contents(folder) == before

    assert enlace(folder, "plan", "import", "next.xlsx", "--new-plan").code == 0
    done = enlace(folder, "plan", "succeed", OLD, "next.xlsx")
    assert (done.code, is_one_line(done)) == (1, True)
    assert "is there already and does not follow this one" in done.err
