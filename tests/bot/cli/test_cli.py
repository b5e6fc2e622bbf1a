"""The command line as an operator has it: real processes, exit codes, and which stream says what.

Scripts read stdout and exit codes; people read stderr. An operator at a server has no debugger: whatever can be
mended is one sentence, never a traceback and never a secret.
"""

import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import openpyxl
import pytest
import typer.main
from click.testing import CliRunner
from pydantic import SecretStr

from bot.acts.reports.coverage import shipped_forms
from bot.acts.upkeep.status import Vitals
from bot.cli import app
from bot.open_storage import BOT_USERNAME, open_storage
from bot.sandbox.server import Sandbox, running_sandbox
from bot.settings import Settings, inherited_environment
from bot.workers.upkeep import UPKEEP, Premises
from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.xforms.bundle import stored_bundle
from conversations.xforms.problems import AuthorError
from conversations.xforms.transcript import replay
from storage.database.vault import Vault
from storage.imports.reading import read_plan
from storage.reports.files import FileStore
from storage.seed import seed_workbook
from storage.upkeep import chain
from tests import ROOT
from tests.bot.cli import forked, tree
from tests.bot.house import Town, settings_in
from tests.deadlines import PATIENCE

pytestmark = pytest.mark.slow

FORMS = ROOT / "conversations" / "forms"
CASES = ROOT / "tests" / "conversations" / "data" / "xlsform"
TOKEN = "7000000009:CANARY-token-that-no-line-may-hold"
NOON = datetime(2018, 10, 3, 12, tzinfo=UTC)
SECRETS = ("CANARY", "hunter2", "webhook-secret-of-tests")


@dataclass(frozen=True, slots=True)
class Done:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        return self.err.splitlines()


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    ours = {
        "ENLACE_TELEGRAM_TOKEN": TOKEN,
        "ENLACE_DATABASE_URL": "sqlite:///enlace.db",
        "ENLACE_KEYS": "keys.json",
        "ENLACE_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    return inherited_environment() | ours | dict(given)


def enlace(folder: Path, *arguments: str, say: str = "", **given: str) -> Done:
    """Run `python -m bot …` in this folder; `given` is environment, `say` what is typed."""
    done = forked.run(*arguments, cwd=folder, env=environment(folder, given), input=say)
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    return Done(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> list[str]:
    """Every row of every table."""
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        return list(connection.iterdump())


def counted(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def is_one_line(done: Done) -> bool:
    return len(done.said) == 1 and done.err.startswith("enlace: ") and "Traceback" not in done.err


@dataclass(frozen=True, slots=True)
class Installed:
    folder: Path
    init: Done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A deployment right after its first `enlace init`; tests work on copies."""
    folder = tmp_path_factory.mktemp("installed")
    return Installed(folder, enlace(folder, "init"))


@pytest.fixture
def folder(installed: Installed, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed.folder, tmp_path / "deployment"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


# ------------------------------------------------------------------ help and misuse
@pytest.mark.parametrize("path", [(), ("form",), ("form", "replay"), ("run",)], ids=" ".join)
def test_help_is_everywhere(tmp_path: Path, path: tuple[str, ...]) -> None:
    """A command explains itself on stdout, with exit code 0 and in a folder where nothing is set up."""
    done = enlace(tmp_path, *path, "--help")
    assert (done.code, done.err) == (0, "")
    assert "Usage:" in done.out
    assert "--help" in done.out


def test_every_command_has_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of each, where the tests are: what a process adds is the same for all."""
    monkeypatch.chdir(tmp_path)
    group = tree.whole()
    paths = list(tree.paths(group))
    assert ("form", "replay") in paths
    for path in paths:
        done = CliRunner().invoke(group, [*path, "--help"])
        assert (done.exit_code, done.stderr) == (0, ""), path
        assert "Usage:" in done.stdout, path
        assert "--help" in done.stdout, path
    assert list(tmp_path.iterdir()) == []


def test_every_command_says_what_it_does() -> None:
    """A command without a sentence in the list of commands fails here."""
    group = tree.whole()
    for path in tree.paths(group):
        assert (tree.found(group, path).help or "").strip(), path


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    """The list is printed without importing a command, so its sentence is written twice: both are one."""
    listed = typer.main.get_command(app.app)
    for name, command in tree.whole().commands.items():
        unloaded: Any = listed.commands[name]
        assert unloaded.get_short_help_str(1000) == command.get_short_help_str(1000)
        assert (unloaded.help, command.name) == (command.help.partition("\n\n")[0], name)


MISUSED = [
    ("nosuch",),
    ("db",),
    ("db", "backup"),
    ("plan", "import"),
    ("plan", "import", "a.xlsx", "--nosuch"),
    ("form", "replay", str(FORMS / "activity_report.xlsx")),
    ("form", "replay", "a.xlsx", "b.json", "--mode", "some"),
    ("form", "try", str(FORMS / "activity_report.xlsx"), "--language", "pt"),
    ("invite",),
    ("invite", "--role", "king"),
    ("invite", "--role", "reader", "--ttl", "soon"),
    ("invite", "--role", "reader", "--ttl", "0h"),
    ("people", "add", "--telegram-id", "abc", "--name", "A", "--role", "reader"),
    ("people", "add", "--telegram-id", "-3", "--name", "A", "--role", "reader"),
    ("people", "add", "--telegram-id", "3", "--name", " ", "--role", "reader"),
    ("people", "add", "--telegram-id", "3", "--name", "A", "--role", "reader", "--language", "pt"),
    ("due", "--at", "soon"),
    ("due", "--at", "0001-01-01T00:00+14:00"),
    ("run", "--clock", "2018-10-03T08:00"),  # refused against Telegram's own host
    ("sandbox", "--port", "0"),
]


def test_misuse_is_exit_code_2(folder: Path) -> None:
    """Said on stderr; nothing on stdout, nothing stored."""
    before = contents(folder)
    with ThreadPoolExecutor(4) as pool:
        for given, done in zip(MISUSED, pool.map(lambda a: enlace(folder, *a), MISUSED), strict=True):
            assert done.code == 2, (given, done)
            assert "Traceback" not in done.err, given
            if len(given) > 1:
                assert (done.out, bool(done.err)) == ("", True), given
    assert contents(folder) == before


def test_the_clock_cannot_be_moved_at_telegrams_own_host(tmp_path: Path) -> None:
    """Reminders of another year would reach real people."""
    done = enlace(tmp_path, "run", "--clock", "2018-10-03T08:00")
    assert (done.code, is_one_line(done)) == (2, True)
    assert "Telegram's own host" in done.err


# ------------------------------------------------------------------ init
def test_init_makes_everything_and_tells_on_stderr(installed: Installed) -> None:
    """Tables, keyring, plan and forms; files that hold secrets or reports are the owner's alone."""
    done, folder = installed.init, installed.folder
    assert (done.code, done.out) == (0, "")
    assert [counted(folder, table) for table in ("plan", "form", "form_version", "person")] == [1, 3, 3, 0]
    assert counted(folder, "activity") == 60
    for name in ("keys.json", "enlace.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((folder / "evidence").stat().st_mode) == 0o700


def test_init_again_changes_nothing(folder: Path) -> None:
    """Not one row, and the same keys."""
    before, keys = contents(folder), (folder / "keys.json").read_bytes()
    done = enlace(folder, "init")
    assert done.code == 0
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

    applied = enlace(folder, "plan", "import", "plan.xlsx")
    assert (applied.code, applied.out) == (0, shown.out)
    assert contents(folder) != before

    after = contents(folder)
    again = enlace(folder, "plan", "import", "plan.xlsx")
    assert (again.code, again.out) == (0, "")
    assert again.err.strip()
    assert contents(folder) == after


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


# ------------------------------------------------------------------ forms
def test_the_shipped_forms_have_no_problem(tmp_path: Path) -> None:
    """Not even a note; exit 0 in strict mode too."""
    names = [name for name, _ in shipped_forms()]
    with ThreadPoolExecutor(3) as pool:
        for done in pool.map(lambda name: enlace(tmp_path, "form", "check", str(FORMS / name), "--strict"), names):
            assert (done.code, done.out, len(done.said)) == (0, "", 1)


BROKEN = dedent("""
    | survey |
    | | type | name | label | relevant | constraint | calculation |
    | | integr | n | How many? | | | |
    | | select_one nolist | pick | Pick | | | |
    | | text | a b | Name | ${nowhere} = 1 | | |
    | | integer | age | Age | | . >= ( | |
    | | calculate | c | | | | |
    | choices |
    | | list_name | name | label |
    | | yn | yes | Yes |
    | | yn | yes | Yes again |
""")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_of_a_broken_form_is_told_in_the_operators_language(tmp_path: Path, language: str) -> None:
    """Code, sheet, row, column, sentence and remedy of each: one trip to the spreadsheet mends them all."""
    (tmp_path / "broken.md").write_text(BROKEN, "utf-8")
    with pytest.raises(AuthorError) as refused:
        read_xlsform(BROKEN.encode(), "broken.md")
    problems = refused.value.problems
    assert len({problem.code for problem in problems}) >= 5

    done = enlace(tmp_path, "form", "check", "broken.md", ENLACE_LANGUAGE=language)

    assert (done.code, done.out) == (1, "")
    assert len(done.said) == len(problems) + 1
    for problem, line in zip(problems, done.said, strict=False):
        assert line.startswith(f"{problem.severity} {problem.code}: {problem.sheet}")
        assert problem.row is None or str(problem.row) in line
        assert problem.sentence(language) in line
        assert line.endswith(problem.remedy(language))
        assert problem.remedy(language)


def test_strict_refuses_warnings(tmp_path: Path) -> None:
    """For an author's own checks: a warning is exit 1 there, and 0 otherwise."""
    form = "| survey |\n| | type | name | label |\n| | select_one_from_file gone.csv | a | A |\n"
    (tmp_path / "warned.md").write_text(form, "utf-8")
    assert enlace(tmp_path, "form", "check", "warned.md").code == 0
    strict = enlace(tmp_path, "form", "check", "warned.md", "--strict")
    assert strict.code == 1
    assert "warning media.missing" in strict.err


@pytest.mark.parametrize("mode", ["full", "diff"])
def test_a_script_is_played_as_the_engine_plays_it(tmp_path: Path, mode: str) -> None:
    """JSON Lines on stdout, in both modes; files beside the form are its media."""
    name = "10-external"
    source, script = CASES / "forms" / f"{name}.md", CASES / "scripts" / f"{name}.json"
    media = {path.name: path.read_bytes() for path in (CASES / "forms").glob("*.csv")}
    form = read_xlsform(source.read_bytes(), source.name, media=media).form

    done = enlace(tmp_path, "form", "replay", str(source), str(script), "--mode", mode)

    assert (done.code, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines == list(replay(form, json.loads(script.read_text("utf-8")), mode=mode))
    assert lines[0]["missing"] == []
    assert lines[-1]["final"] is True


def test_a_replayed_script_agrees_with_the_reference_engine(tmp_path: Path) -> None:
    """Relevance and values of each question after each step, as ODK Web Forms recorded them."""
    name = "04-cascade"
    recorded = (CASES / "expected" / f"{name}.jsonl").read_text("utf-8").splitlines()
    files = CASES / "forms" / f"{name}.md", CASES / "scripts" / f"{name}.json"
    done = enlace(tmp_path, "form", "replay", *map(str, files))

    compared = 0
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for here, there in zip(map(json.loads, done.out.splitlines()), map(json.loads, recorded), strict=True):
        theirs |= {node["ref"]: node for node in there.get("nodes", there.get("changed", ()))}
        ours |= {node["ref"]: node for node in here.get("nodes", here.get("changed", ()))}
        for ref, node in theirs.items():
            if "value" in node and not ref.endswith("instanceID"):
                assert (ours[ref]["relevant"], ours[ref]["value"]) == (node["relevant"], node["value"]), ref
                compared += 1
    assert compared > 20


def test_what_is_no_script_is_one_line(tmp_path: Path) -> None:
    """Broken JSON, another shape, no instant, no zone, no text."""
    scripts = [b"{", b"[1]", b"7", b'{"now": "soon"}', b'{"tz": "Mars/Base"}', b"\xff"]
    for number, script in enumerate(scripts):
        (tmp_path / f"script-{number}.json").write_bytes(script)

    def played(number: int) -> Done:
        return enlace(tmp_path, "form", "replay", str(FORMS / "indicator_update.xlsx"), f"script-{number}.json")

    with ThreadPoolExecutor(4) as pool:
        for number, done in enumerate(pool.map(played, range(len(scripts)))):
            assert (done.code, done.out, is_one_line(done)) == (1, "", True), scripts[number]
            assert f"script-{number}.json" in done.err


TYPED = """
| survey |
| | type | name | label::Español (es) | label::English (en) | required | constraint | constraint_message | relevant |
| | text | what | ¿Qué? | What? | yes | | | |
| | integer | n | ¿Cuántas? | How many? | yes | . <= 50 | Hasta 50. | |
| | select_one yn | more | ¿Más? | More? | yes | | | |
| | date | when | ¿Cuándo? | When? | yes | | | ${more} = 'yes' |
| | hidden | kept | | | | | | |
| choices |
| | list_name | name | label::Español (es) | label::English (en) |
| | yn | yes | Sí | Yes |
| | yn | no | No | No |
| settings |
| | form_id | version | default_language |
| | tried | 1 | Español (es) |
"""


VISIT = """
| survey |
| | type | name | label::Español (es) | label::English (en) | relevant | calculation |
| | text | place | ¿Dónde? | Where? | | |
| | begin repeat | person | Persona | Person | | |
| | text | who | ¿Quién? | Who? | | |
| | integer | age | ¿Edad? | Age? | | |
| | end repeat | | | | | |
| | select_one yn | more | ¿Más? | More? | | |
| | text | why | ¿Por qué? | Why? | ${more} = 'yes' | |
| | calculate | said | | | | jr:choice-name(${more}, '${more}') |
| | calculate | people | | | | count(${person}) |
| choices |
| | list_name | name | label::Español (es) | label::English (en) |
| | yn | yes | Sí | Yes |
| | yn | no | No | No |
| settings |
| | form_id | version | default_language |
| | visit | 1 | Español (es) |
"""


def test_a_form_is_filled_through_a_pipe(tmp_path: Path) -> None:
    """Cards on stderr, the submission alone on stdout; what was answered replays to the same submission."""
    (tmp_path / "tried.md").write_text(TYPED, "utf-8")
    said = "taller\n60\n12\nsí\n2018-10-03\nenviar\n"

    done = enlace(tmp_path, "form", "try", "tried.md", "--save", "script.json", say=said)

    assert done.code == 0
    assert done.out.startswith("<data id=")
    assert len(done.out.splitlines()) == 1
    for tag in ("<what>taller</what>", "<n>12</n>", "<when>2018-10-03</when>"):
        assert tag in done.out
    assert "¿Cuántas?" in done.err
    assert "⚠️ Hasta 50." in done.err

    played = enlace(tmp_path, "form", "replay", "tried.md", "script.json", "--mode", "diff")
    final = json.loads(played.out.splitlines()[-1])
    assert (final["failedSteps"], final["status"]) == (0, "ready")
    assert "<when>2018-10-03</when>" in final["xml"]


def test_what_was_tried_replays_to_the_same_submission(tmp_path: Path) -> None:
    """Repeats added and removed, an answer that made another fall away, a language: the transcript has it all."""
    (tmp_path / "visit.md").write_text(VISIT, "utf-8")
    said = "\n".join(
        ("Azua", "Ana", "30", "/1", "Luis", "9", "/1", "Eva", "8", "/3", "/2", "/1", "Listo", "yes", "why not", "send")
    )

    done = enlace(tmp_path, "form", "try", "visit.md", "--language", "en", "--save", "s.json", say=f"{said}\n")

    assert done.code == 0, done.err
    played = enlace(tmp_path, "form", "replay", "visit.md", "s.json", "--mode", "diff")
    final = json.loads(played.out.splitlines()[-1])
    assert final["failedSteps"] == 0
    assert final["xml"].replace("uuid:replay-1", "uuid:try") == done.out.strip()


def test_a_form_that_is_left_ends_without_a_submission(tmp_path: Path) -> None:
    """End of input, or "salir": exit 1 and nothing on stdout."""
    (tmp_path / "tried.md").write_text(TYPED, "utf-8")
    for said in ("taller\n", "taller\nsalir\n"):
        done = enlace(tmp_path, "form", "try", "tried.md", say=said)
        assert (done.code, done.out) == (1, "")
        assert "Traceback" not in done.err


def test_a_form_is_filled_at_a_terminal_in_another_language(tmp_path: Path) -> None:
    """The same by hand, buttons pressed by their numbers."""
    (tmp_path / "tried.md").write_text(TYPED, "utf-8")
    theirs, ours = pty.openpty()
    arguments = [sys.executable, "-m", "bot", "form", "try", "tried.md", "--language", "en"]
    with subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(tmp_path, {}), stdin=ours, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        os.close(ours)
        assert process.stderr is not None
        assert process.stdout is not None
        shown = ""
        for answer in ("workshop", "12", "No", "send"):
            card = ""
            while not card.endswith("> "):
                letter = process.stderr.read(1)
                assert letter, card
                card += letter
            numbered = {text: number for number, text in re.findall(r"/(\d+) (.+)", card)}
            pressed = next((f"/{number}" for text, number in numbered.items() if text == answer), answer)
            os.write(theirs, f"{pressed}\n".encode())
            shown += card
        out, _ = process.communicate(timeout=PATIENCE)
    os.close(theirs)
    assert process.returncode == 0
    assert "How many?" in shown
    assert "<more>no</more>" in out


def test_a_form_is_published_once(folder: Path) -> None:
    """The same content again changes nothing; a new one is the version new sessions begin with."""
    before = contents(folder)
    again = enlace(folder, "form", "publish", str(FORMS / "activity_report.xlsx"))
    assert (again.code, again.out) == (0, "")
    assert contents(folder) == before
    (folder / "tried.md").write_text(TYPED, "utf-8")
    assert enlace(folder, "form", "publish", "tried.md").code == 0
    assert [counted(folder, table) for table in ("form", "form_version")] == [4, 4]


def test_a_form_is_published_with_the_pictures_beside_it(folder: Path) -> None:
    """What is named and lies beside it goes along; what does not is named, as a warning."""
    header = "| survey |\n| | type | name | label | media::image |\n"
    (folder / "shown.md").write_text(header + "| | note | a | A | map.png |\n| | note | b | B | x.png |\n", "utf-8")
    (folder / "map.png").write_bytes(b"a picture")
    published = enlace(folder, "form", "publish", "shown.md")
    assert published.code == 0
    assert "x.png" in published.err
    assert "map.png" not in published.err
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        [[content]] = connection.execute("SELECT workbook FROM form_version ORDER BY id DESC LIMIT 1")
    assert stored_bundle("shown", content).media == {"map.png": b"a picture"}


# ------------------------------------------------------------------ people
def learn_name(folder: Path) -> None:
    with open_storage(settings_of(folder)) as database:
        database.units.submit(
            None, lambda unit: unit.facts.set(BOT_USERNAME, "enlace_demo_bot", datetime.now(UTC))
        ).result()


def settings_of(folder: Path) -> Any:
    return settings_in(folder).model_copy(update={"keys": folder / "keys.json"})


def test_an_invitation_is_a_code_and_then_a_link(folder: Path) -> None:
    """One line on stdout; 256 bits, kept nowhere in the database as they are (S1)."""
    code = enlace(folder, "invite", "--role", "focal_point", "--agency", "MINERD")
    assert (code.code, len(code.out.splitlines())) == (0, 1)
    assert len(code.out.strip()) == 43
    learn_name(folder)
    told = enlace(folder, "invite", "--role", "observer", "--agency", "IJM", "--ttl", "3d", "--json")
    made = json.loads(told.out)
    assert made["link"] == f"https://t.me/enlace_demo_bot?start={made['code']}"
    assert (made["role"], made["agency"]) == ("observer", "IJM")
    expires = datetime.fromisoformat(made["expires_at"])
    assert timedelta(hours=71) < expires - datetime.now(UTC) <= timedelta(hours=72)
    dump = "\n".join(contents(folder))
    assert code.out.strip() not in dump
    assert made["code"] not in dump


def test_the_first_admin_has_15_minutes_and_the_second_is_invited_in_the_chat(folder: Path) -> None:
    """S19: whoever holds the server makes one admin, not many."""
    made = json.loads(enlace(folder, "invite", "--role", "admin", "--ttl", "72h", "--json").out)
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=13) < left <= timedelta(minutes=15)

    assert enlace(folder, "people", "add", "--telegram-id", "5", "--name", "Ana", "--role", "admin").code == 0
    second = enlace(folder, "invite", "--role", "admin")
    assert (second.code, second.out, is_one_line(second)) == (1, "", True)
    assert "in the chat" in second.err


def test_roles_and_agencies_must_fit(folder: Path) -> None:
    """An agency the plan does not have is answered with those it has; a focal point needs one."""
    wrong = enlace(folder, "invite", "--role", "focal_point", "--agency", "NOPE")
    assert (wrong.code, is_one_line(wrong)) == (1, True)
    assert "MINERD" in wrong.err
    without = enlace(folder, "invite", "--role", "focal_point")
    assert (without.code, is_one_line(without)) == (1, True)
    assert counted(folder, "invitation") == 0


def test_people_are_added_listed_suspended_and_restored(folder: Path) -> None:
    """One a line, tab-separated or as JSON; the last admin stays."""
    admin = ("people", "add", "--telegram-id", "506", "--name", "Pedro Núñez", "--role", "admin")
    focal = ("people", "add", "--telegram-id", "501", "--name", "Ana\tLía", "--role", "alternate", "--agency", "PN")
    assert [enlace(folder, *each).code for each in (admin, focal)] == [0, 0]

    lines = enlace(folder, "people", "list").out.splitlines()
    assert "506\tPedro Núñez\tadmin\t-\tactive" in lines
    assert all(line.count("\t") == 4 for line in lines)

    last, unknown = (enlace(folder, "people", "suspend", "--telegram-id", number) for number in ("506", "999"))
    assert (last.code, is_one_line(last)) == (1, True)
    assert enlace(folder, "people", "suspend", "--telegram-id", "501").code == 0
    states = {row["telegram_id"]: row["state"] for row in json.loads(enlace(folder, "people", "list", "--json").out)}
    assert states == {506: "active", 501: "suspended"}
    assert enlace(folder, "people", "restore", "--telegram-id", "501").code == 0
    assert "501\tAna Lía\talternate\tPN\tactive" in enlace(folder, "people", "list").out
    assert (unknown.code, is_one_line(unknown)) == (1, True)


def test_what_admins_do_in_chat_is_done_at_the_server_too(folder: Path) -> None:
    """Roles, links, agencies and settings; what is refused is one line with its remedy, and changes nothing."""
    focal = ("people", "add", "--telegram-id", "501", "--name", "Ana Lía", "--role", "alternate", "--agency", "PN")
    assert enlace(folder, *focal).code == 0
    role = ("people", "role", "--telegram-id", "501", "--role")
    assert enlace(folder, *role, "focal_point", "--agency", "PN").code == 0
    assert "501\tAna Lía\tfocal_point\tPN\tactive" in enlace(folder, "people", "list").out
    assert counted(folder, "outbox") == 2  # the menu of the role, and what it is
    assert enlace(folder, "invite", "--role", "reader").code == 0
    (link,) = json.loads(enlace(folder, "people", "links", "--json").out)
    assert link["role"] == "reader"
    assert enlace(folder, "people", "revoke", "--link", str(link["link"])).code == 0
    assert enlace(folder, "agencies", "add", "--code", "fiscal", "--name", "Fiscalía", "--from", "2018-01-01").code == 0
    assert "people: 1" in enlace(folder, "agencies", "end", "--code", "PN", "--on", "2018-12-01").err
    states = {row["agency"]: row["state"] for row in json.loads(enlace(folder, "agencies", "list", "--json").out)}
    assert (states["FISCAL"], states["PN"], states["PGR"]) == ("active", "inactive", "active")
    assert enlace(folder, "agencies", "restore", "--code", "PN").code == 0
    assert enlace(folder, "settings", "set", "link_hours", "24").code == 0
    assert "link_hours\t24\t72" in enlace(folder, "settings", "list").out
    refused = [
        (1, (*role, "focal_point")),
        (1, ("people", "role", "--telegram-id", "999", "--role", "reader")),
        (2, (*role, "king")),
        (1, ("people", "revoke", "--link", str(link["link"]))),
        (1, ("agencies", "add", "--code", "PGR", "--name", "x")),
        (2, ("agencies", "add", "--code", "ZZ", "--name", "x", "--type", "king")),
        (1, ("agencies", "end", "--code", "NOPE")),
        (2, ("agencies", "end", "--code", "PN", "--on", "someday")),
        (1, ("settings", "set", "link_hours", "500")),
        (2, ("settings", "set", "min_cell", "1")),
    ]
    with ThreadPoolExecutor(2) as pool:
        for (code, given), done in zip(refused, pool.map(lambda each: enlace(folder, *each[1]), refused), strict=True):
            assert (done.code, done.out, is_one_line(done)) == (code, "", True), given


def test_what_is_left_to_report_depends_on_the_instant(folder: Path) -> None:
    """One report a line; the same as JSON; nothing before the plan began."""
    given = [("--at", "2018-10-05T09:00"), ("--at", "2018-10-05T09:00", "--json"), ("--at", "2001-01-01", "--json")]
    with ThreadPoolExecutor(3) as pool:
        on, same, early = pool.map(lambda a: enlace(folder, "due", "--reports", *a), given)
    rows = json.loads(same.out)
    assert on.code == 0
    assert len(on.out.splitlines()) == len(rows) > 20
    assert {row["period"] for row in rows} >= {"201809", "2018Q3"}
    assert all(line.count("\t") == 4 for line in on.out.splitlines())
    assert early.out.strip() == "[]"


# ------------------------------------------------------------------ database and keys
def test_a_backup_is_restored_elsewhere(folder: Path, tmp_path: Path) -> None:
    """The copy is one file, the owner's alone; restored it is the same, and passes `db check`."""
    assert enlace(folder, "db", "backup", "copy.db").code == 0
    assert stat.S_IMODE((folder / "copy.db").stat().st_mode) == 0o600
    there = tmp_path / "elsewhere"
    there.mkdir()

    assert enlace(there, "db", "restore", str(folder / "copy.db")).code == 0

    assert enlace(there, "db", "check").code == 0
    # What says of a database that it is a copy, and how far it has come, is each one's own.
    own = ("'held'", "'lineage'")
    kept, restored = ([row for row in contents(at) if not any(name in row for name in own)] for at in (folder, there))
    assert restored == kept
    shutil.copy(folder / "keys.json", there)
    assert "The bot speaks again." in enlace(there, "db", "resume").err
    assert "It was not held." in enlace(there, "db", "resume").err


def test_the_operator_says_by_hand_that_a_database_went_back(folder: Path, tmp_path: Path) -> None:
    """A snapshot of the whole machine takes every trace along: only who put it back knows."""
    there = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert enlace(there, "db", "hold").code == 0
    assert "restored" in enlace(there, "status").out
    assert enlace(there, "db", "resume").code == 0
    assert "restored" not in enlace(there, "status").out


def test_a_backup_never_replaces_its_own_database(folder: Path) -> None:
    """The bot would go on writing into a file that is no longer there."""
    number = (folder / "enlace.db").stat().st_ino
    done = enlace(folder, "db", "backup", "enlace.db")
    assert (done.code, is_one_line(done)) == (1, True)
    assert (folder / "enlace.db").stat().st_ino == number


def test_the_audit_log_is_verified_and_a_noted_head_finds_what_was_cut_off(folder: Path, tmp_path: Path) -> None:
    """Exit 0 and where it ends; exit 1 names the entry. A backup's line holds a head to compare with."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)
    settings = settings_in(there)
    with open_storage(settings) as database, database.view() as unit:
        head = chain.stored_head(unit)
    assert head is not None
    whole = enlace(there, "audit", "verify")
    assert (whole.code, whole.out) == (0, "")
    assert f"{head.position} sealed entries, up to {head.note}" in whole.err
    assert head.note in enlace(there, "db", "backup", "copy.db").err
    assert enlace(there, "audit", "verify", "--head", head.note).code == 0
    assert enlace(there, "audit", "verify", "--head", "yesterday").code == 1

    with closing(sqlite3.connect(there / "enlace.db")) as connection, connection:
        for name in ("audit_entry_undeleted", "audit_entry_unchanged"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit_entry SET act = 'exported' WHERE position = 1")
        connection.execute("DELETE FROM audit_entry WHERE position = ?", (head.position,))
    broken = enlace(there, "audit", "verify", "--head", head.note)
    assert broken.code == 1
    kinds = [row.split("\t")[:2] for row in broken.out.splitlines()]
    end = f"entry {head.position}"
    assert kinds == [["altered", "entry 1"], ["truncated", end], ["noted", end]]


def test_upgrade_makes_the_tables_and_again_changes_nothing(tmp_path: Path) -> None:
    """`db check` says so before and after."""
    before = enlace(tmp_path, "db", "check")
    assert (before.code, is_one_line(before)) == (1, True)
    assert not (tmp_path / "enlace.db").exists()
    assert enlace(tmp_path, "db", "upgrade").code == 0
    tables = contents(tmp_path)
    assert enlace(tmp_path, "db", "upgrade").code == 0
    assert contents(tmp_path) == tables
    assert enlace(tmp_path, "db", "check").code == 0


def test_a_new_key_is_used_and_old_ones_still_open(tmp_path: Path) -> None:
    """`keys new` never overwrites; after `rotate` what was sealed before is readable."""
    path = tmp_path / "keys.json"
    assert enlace(tmp_path, "keys", "new").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sealed, ring = Vault.load(path).seal("restringido", "row:1"), path.read_bytes()
    again = enlace(tmp_path, "keys", "new")
    assert (again.code, is_one_line(again), path.read_bytes()) == (1, True, ring)

    assert enlace(tmp_path, "keys", "rotate").code == 0

    vault = Vault.load(path)
    assert vault.open(sealed, "row:1") == "restringido"
    assert len(vault.key_ids) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def options(group: Any) -> Iterator[str]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from options(command)
        else:
            yield from (parameter.name for parameter in command.params)


def test_no_secret_can_be_given_where_everybody_on_the_machine_sees_it() -> None:
    """S22: a command line is in /proc for all to read. Secrets are settings, and no setting shows one when printed."""
    secret = re.compile("token|secret|password|passphrase")
    assert [name for name in options(tree.whole()) if secret.search(name or "")] == []
    fields = {name: field.annotation for name, field in Settings.model_fields.items() if secret.search(name)}
    assert {kind for name, kind in fields.items() if not name.endswith("_file")} == {SecretStr}
    assert "swordfish" not in repr(Settings(_env_file=None, database_url="postgresql+psycopg://a:swordfish@b/c"))


def test_what_is_done_at_the_server_is_linked_before_the_command_ends(folder: Path, tmp_path: Path) -> None:
    """No bot need be running: an entry of a moment ago that is taken out is missed (S13)."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)
    assert enlace(there, "people", "add", "--telegram-id", "4711", "--name", "Eva", "--role", "reader").code == 0
    with closing(sqlite3.connect(there / "enlace.db")) as connection:
        assert connection.execute("SELECT count(*) FROM audit_entry WHERE hash IS NULL").fetchone() == (0,)
        assert enlace(there, "audit", "verify").code == 0
        connection.execute("DROP TRIGGER audit_entry_undeleted")
        connection.execute("DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)")
        connection.commit()
    assert enlace(there, "audit", "verify").code == 1


def test_an_old_key_is_thrown_away_when_nothing_needs_it_any_more(folder: Path, tmp_path: Path) -> None:
    """Answers and files first come under the new key, as the running bot does it; until then the key stays."""
    there = tmp_path / "copy"
    shutil.copytree(folder, there)
    settings = settings_in(there)
    vault = Vault.load(settings.keys)
    store = FileStore(settings.files, vault)
    store.put(b"evidence", sensitive=True)
    assert enlace(there, "keys", "rotate").code == 0
    assert enlace(there, "keys", "retire", "k1", ENLACE_FILES=str(settings.files)).code == 1
    with open_storage(settings) as database:
        premises = Premises(
            database, FileStore(settings.files, database.vault), Vitals("", NOON, None, None, 0, None, False)
        )
        for chore in UPKEEP:
            chore.do(premises, NOON)
    done = enlace(there, "keys", "retire", "k1", ENLACE_FILES=str(settings.files))
    assert (done.code, Vault.load(settings.keys).key_ids) == (0, {"k2"})
    assert enlace(there, "keys", "retire", "k2", ENLACE_FILES=str(settings.files)).code == 1
    assert enlace(there, "audit", "verify").code == 0


# ------------------------------------------------------------------ what can be mended is one line
def nothing(_: Path) -> None: ...


def no_keys(folder: Path) -> None:
    (folder / "keys.json").unlink()


def open_keys(folder: Path) -> None:
    (folder / "keys.json").chmod(0o644)


def torn_keys(folder: Path) -> None:
    (folder / "keys.json").write_bytes(b"\xff\xfe{")


def no_database(folder: Path) -> None:
    (folder / "enlace.db").unlink()


def older_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "enlace.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")


def junk_database(folder: Path) -> None:
    (folder / "enlace.db").write_bytes(b"this is not a database, whatever it is called" * 100)


def a_file_in_the_way(folder: Path) -> None:
    (folder / "file").write_text("x")


def dotenv(text: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / ".env").write_bytes(text)

    return write


POSTGRES = {"ENLACE_DATABASE_URL": "postgresql+psycopg://enlace:hunter2@127.0.0.1:1/x"}
NOWHERE = {"ENLACE_TELEGRAM_API": "http://127.0.0.1:1"}

MENDABLE: dict[str, tuple[Callable[[Path], None], tuple[str, ...], dict[str, str], str]] = {
    # what is wrong: how it comes about, the command, its environment, a word of the remedy
    "no token": (nothing, ("run",), {"ENLACE_TELEGRAM_TOKEN": ""}, "ENLACE_TELEGRAM_TOKEN"),
    "nobody answers": (nothing, ("run",), NOWHERE, "ENLACE_TELEGRAM_API"),
    "no database server": (nothing, ("run",), POSTGRES | NOWHERE, "ENLACE_DATABASE_URL"),
    "no database server to upgrade": (nothing, ("db", "upgrade"), POSTGRES, "ENLACE_DATABASE_URL"),
    "no folder": (
        nothing, ("db", "upgrade"), {"ENLACE_DATABASE_URL": "sqlite:////no/such/x.db"}, "ENLACE_DATABASE_URL",
    ),
    "a file for a folder": (
        a_file_in_the_way, ("db", "upgrade"), {"ENLACE_DATABASE_URL": "sqlite:///file/x.db"}, "ENLACE_DATABASE_URL",
    ),
    "a folder nobody may write": (
        nothing, ("db", "upgrade"), {"ENLACE_DATABASE_URL": "sqlite:////proc/x.db"}, "ENLACE_DATABASE_URL",
    ),
    "another kind of database": (nothing, ("db", "check"), {"ENLACE_DATABASE_URL": "mysql://a:hunter2@h/x"}, "sqlite:///"),
    "no address of a database": (nothing, ("db", "check"), {"ENLACE_DATABASE_URL": "hunter2"}, "ENLACE_DATABASE_URL"),
    "no database yet": (no_database, ("run",), NOWHERE, "enlace init"),
    "an older database": (older_database, ("people", "list"), {}, "enlace db upgrade"),
    "no database at all": (junk_database, ("people", "list"), {}, "ENLACE_DATABASE_URL"),
    "no keyring": (no_keys, ("run",), NOWHERE, "enlace init"),
    "no keyring to invite with": (no_keys, ("invite", "--role", "reader"), {}, "enlace init"),
    "no keyring to rotate": (no_keys, ("keys", "rotate"), {}, "enlace keys new"),
    "a keyring others can read": (open_keys, ("people", "suspend", "--telegram-id", "1"), {}, "chmod 600"),
    "a keyring others can read, to rotate": (open_keys, ("keys", "rotate"), {}, "chmod 600"),
    "a torn keyring": (torn_keys, ("people", "suspend", "--telegram-id", "1"), {}, "keyring"),
    "no address of the API": (nothing, ("run",), {"ENLACE_TELEGRAM_API": "ftp://x"}, "ENLACE_TELEGRAM_API"),
    "no address of the webhook": (nothing, ("run",), {"ENLACE_WEBHOOK_URL": "zzz"}, "ENLACE_WEBHOOK_URL"),
    "no address to listen on": (nothing, ("run",), {"ENLACE_LISTEN": "all"}, "ENLACE_LISTEN"),
    "no address of the metrics": (nothing, ("run",), {"ENLACE_METRICS": ":9"}, "ENLACE_METRICS"),
    "no such zone": (nothing, ("due",), {"ENLACE_TIMEZONE": "Mars/Base"}, "ENLACE_TIMEZONE"),
    "no such language": (nothing, ("due",), {"ENLACE_LANGUAGE": "pt"}, "ENLACE_LANGUAGE"),
    "a wrong .env": (dotenv(b"ENLACE_SEND_RATE=CANARY\n"), ("due",), {}, "ENLACE_SEND_RATE"),
    "a .env that is not text": (dotenv(b"\xff\xfe\x00CANARY\x81"), ("due",), {}, ".env"),
    "a .env with a torn line": (dotenv(b"ENLACE_LANGUAGE=es\n\nCANARY = 'x\n"), ("due",), {}, "line 3"),
    "no file": (nothing, ("form", "check", "no.xlsx"), {}, "no.xlsx"),
    "a folder for a file": (nothing, ("plan", "import", "evidence"), {}, "evidence"),
    "no script": (nothing, ("form", "replay", str(FORMS / "activity_report.xlsx"), "no.json"), {}, "no.json"),
    "no place for a backup": (nothing, ("db", "backup", "/no/such/copy.db"), {}, "/no/such"),
    "no backup": (nothing, ("db", "restore", "no.db"), {}, "no.db"),
    "no such plan": (
        nothing, ("form", "publish", str(FORMS / "activity_report.xlsx"), "--plan", "zz"), {}, "zz",
    ),
    "no place for evidence": (a_file_in_the_way, ("init",), {"ENLACE_FILES": "file/evidence"}, "ENLACE_FILES"),
}  # fmt: skip


def test_whatever_the_operator_can_mend_is_one_line(installed: Installed, tmp_path: Path) -> None:
    """Exit 1, stdout empty, on stderr one line `enlace: …` with the remedy; no traceback, no secret."""

    def tried(what: str) -> Done:
        prepare, command, given, _ = MENDABLE[what]
        folder = Path(shutil.copytree(installed.folder, tmp_path / re.sub(r"\W", "-", what)))
        prepare(folder)
        return enlace(folder, *command, **given)

    with ThreadPoolExecutor(4) as pool:
        for what, done in zip(MENDABLE, pool.map(tried, MENDABLE), strict=True):
            if MENDABLE[what][1] == ("init",):
                done = Done(done.code, done.out, done.said[-1])  # init tells what it did before
            assert (done.code, done.out, is_one_line(done)) == (1, "", True), (what, done)
            assert MENDABLE[what][3] in done.err, (what, done.err)


def test_a_token_telegram_does_not_know_is_one_line(folder: Path, sandbox: Sandbox) -> None:
    """Telegram answers 401; the line names the variable and not its value."""
    done = enlace(folder, "run", ENLACE_TELEGRAM_API=sandbox.url)
    assert (done.code, done.out, is_one_line(done)) == (1, "", True)
    assert "ENLACE_TELEGRAM_TOKEN" in done.err


def test_an_address_in_use_is_one_line(folder: Path, sandbox: Sandbox) -> None:
    """ENLACE_LISTEN is taken: said, and Telegram is not told to deliver there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = enlace(
            folder,
            "run",
            ENLACE_TELEGRAM_API=sandbox.url,
            ENLACE_TELEGRAM_TOKEN=sandbox.token,
            ENLACE_WEBHOOK_URL=f"http://127.0.0.1:{port}/telegram",
            ENLACE_WEBHOOK_SECRET="webhook-secret-of-tests",
            ENLACE_LISTEN=f"127.0.0.1:{port}",
        )
        for command in ("sandbox", "demo"):
            busy = enlace(folder, command, "--port", str(port))
            assert (busy.code, busy.out, is_one_line(busy)) == (1, "", True)
        unwatched = enlace(
            folder,
            "run",
            ENLACE_TELEGRAM_API=sandbox.url,
            ENLACE_TELEGRAM_TOKEN=sandbox.token,
            ENLACE_METRICS=f"127.0.0.1:{port}",
        )
    for refused, setting in ((done, "ENLACE_LISTEN"), (unwatched, "ENLACE_METRICS")):
        assert (refused.code, refused.out, is_one_line(refused)) == (1, "", True)
        assert setting in refused.err
    assert sandbox.world.bot.webhook is None or not sandbox.world.bot.webhook.url


# ------------------------------------------------------------------ what is loaded
HEAVY = {"PIL", "alembic", "dateparser", "holidays", "openpyxl", "prometheus_client", "pyxform", "rich", "uvicorn"}
"""Needed by what happens seldom: the first photograph, an author's workbook, tables of an older version."""


LISTS_MODULES = """
import atexit, sys
atexit.register(lambda: print(*sorted(name for name, module in sys.modules.items() if module), sep="\\n"))
from bot.cli.app import main
main()
"""


def loaded(folder: Path, *arguments: str, **given: str) -> set[str]:
    """The packages that this command has imported by its end."""
    return {name.partition(".")[0] for name in loaded_modules(folder, *arguments, **given)}


def loaded_modules(folder: Path, *arguments: str, **given: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LISTS_MODULES, *arguments],
        cwd=folder,
        env=environment(folder, given),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return set(done.stdout.splitlines())


def test_the_bot_loads_only_what_its_ordinary_day_needs(folder: Path) -> None:
    """120 MB are a promise (DESIGN §11), and structlog with rich would print local variables: answers."""
    modules = loaded_modules(folder, "run", **NOWHERE)
    found = {name.partition(".")[0] for name in modules}
    assert {"sqlalchemy", "pyreqwest", "structlog"} <= found
    assert found & {*HEAVY, "aiohttp", "click"} == set()
    assert modules & {"sqlalchemy.orm", "sqlalchemy.dialects.postgresql"} == set()  # beside SQLite: 10 MB of the 120


def test_help_loads_next_to_nothing(folder: Path) -> None:
    """Whoever asks how a command is written does not wait for what it would do."""
    found = loaded(folder, "run", "--help")
    assert (
        found & {*HEAVY - {"rich"}, "aiohttp", "babel", "pydantic_settings", "pyreqwest", "sqlalchemy", "structlog"}
        == set()
    )


def test_the_status_loads_what_it_reads_and_no_more(folder: Path) -> None:
    """Whoever asks how the bot is wants to know now: neither forms nor Telegram, neither logging nor the chat."""
    found = loaded_modules(folder, "status")
    strange = (
        "bot.telegram",
        "bot.chat",
        "bot.schedule",
        "conversations.xforms",
        "conversations.session",
        "storage.reports",
    )
    table = {"conversations.session", "conversations.session.profiles"}  # a table alone, and the package it lies in
    assert [name for name in sorted(found - table) if name.startswith(strange)] == []
    assert {name.partition(".")[0] for name in found} & {*HEAVY, "aiohttp", "babel", "pyreqwest", "structlog"} == set()


def test_the_list_of_commands_loads_none_of_them(folder: Path) -> None:
    """A command more makes no other command slower to begin."""
    found = {name for name in loaded_modules(folder, "--help") if name.startswith("bot.")}
    assert found == {"bot.cli", "bot.cli.app", "bot.cli.console", "bot.errors"}


# ------------------------------------------------------------------ run
def test_run_ends_cleanly_when_told_to(folder: Path, record_property: Callable[[str, object], None]) -> None:
    """SIGTERM: in flight is committed, then exit 0, with "bot.stopped" as the last word."""
    with running_sandbox() as sandbox:
        town = Town(sandbox, folder)
        town.settings = settings_of(folder).model_copy(update={"telegram_api": sandbox.url})
        began = time.monotonic()
        town.start()
        record_property("seconds_until_ready", round(time.monotonic() - began, 2))
        assert town.process is not None
        town.process.send_signal(signal.SIGTERM)
        assert town.process.wait(PATIENCE) == 0
        assert "bot.stopped" in town.logged().splitlines()[-1]
        assert "Traceback" not in town.logged()
        assert sandbox.token not in town.logged()


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (("form", "--help"), ""),
        (("form", "publish"), ""),
        (("form", "try", "tried.md"), "taller\n12\nno\nenviar\n"),
        (("db", "restore", "no.db"), ""),
        (("export", "agencies", "--format", "csv", "--out", "agencies.csv"), ""),
        (("digest", "--week", "2018-10-15"), ""),
        (("schedules", "list", "--json"), ""),
        (("run",), ""),
        (("sandbox", "--port", "no"), ""),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_a_command_answers_as_one_that_is_a_fresh_interpreter(
    folder: Path, arguments: tuple[str, ...], typed: str
) -> None:
    """Most tests give their commands to a process that has imported already; code and both streams are the same."""
    (folder / "tried.md").write_text(TYPED, "utf-8")
    nowhere = {"ENLACE_LISTEN": "all"}
    fresh = forked.by_itself(*arguments, cwd=folder, env=environment(folder, nowhere), input=typed)
    assert enlace(folder, *arguments, say=typed, **nowhere) == Done(fresh.returncode, fresh.stdout, fresh.stderr)
    assert fresh.stdout + fresh.stderr


def test_the_console_script_is_the_same() -> None:
    """`enlace` and `python -m bot` are one program."""
    script = Path(sys.executable).with_name("enlace")
    if not script.exists():
        pytest.skip("the package is not installed here, only imported")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, "monitoring cycle" in done.stdout) == (0, True)


def test_submissions_are_taken_out_as_one_file(tmp_path: Path) -> None:
    """A ZIP for its owner alone, with an audit entry; what is not declared is misuse and leaves no file."""
    assert enlace(tmp_path, "init").code == 0

    nobodys = enlace(tmp_path, "export", "submissions", "--format", "xml-zip", "--out", "all.zip")
    assert (nobodys.code, "--role coordinator" in nobodys.err, (tmp_path / "all.zip").exists()) == (2, True, False)
    theirs = ("export", "submissions", "--format", "xml-zip", "--role", "coordinator")
    done = enlace(tmp_path, *theirs, "--out", "all.zip")
    refused = enlace(tmp_path, "export", "submissions", "--format", "xml-zip", "--audience", "public", "--out", "p.zip")

    several = enlace(tmp_path, "export", "answers", "--format", "csv", "--out", "answers.csv")
    misspelt = enlace(tmp_path, "export", "reports", "--format", "csv", "--agency", "MMUJERES", "--out", "r.csv")

    assert done.code == 0
    assert (tmp_path / "all.zip").stat().st_mode & 0o777 == 0o600
    assert (refused.code, (tmp_path / "p.zip").exists()) == (2, False)
    assert (several.code, "end --out in .zip" in several.err) == (2, True)
    assert (misspelt.code, "no agency 'MMUJERES'; there are:" in misspelt.err) == (1, True)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".csv" or path.name.startswith(".enlace-new-")]
    with sqlite3.connect(tmp_path / "enlace.db") as connection:
        acts = [act for (act,) in connection.execute("SELECT act FROM audit_entry WHERE act = 'exported'")]
    assert acts == ["exported"]


def test_what_a_language_lacks_is_printed(folder: Path, tmp_path: Path) -> None:
    """A line a gap on stdout, exit code 1 while there is one; a folder elsewhere is checked before it is moved in."""
    whole = enlace(folder, "language", "check", "ht")
    assert (whole.code, whole.out) == (0, "")
    waiting = enlace(folder, "language", "check", "fr")
    assert (waiting.code, "native reader" in waiting.err) == (0, True)
    (tmp_path / "pt").mkdir()
    gaps = enlace(folder, "language", "check", "pt", "--folder", str(tmp_path / "pt"))
    assert gaps.code == 1
    assert "language.po" in gaps.out
    for wrong in ("pt", "../es", ""):
        refused = enlace(folder, "language", "check", wrong)
        assert (refused.code, refused.out) == (2, "")
