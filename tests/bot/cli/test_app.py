"""The command line as a whole: help, misuse, what a command loads, and how a run ends.

Each command is a real process; its exit code says whether it worked, and each stream says its own.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import typer.main
from click.testing import CliRunner
from pydantic import SecretStr

from bot.cli import typed
from bot.sandbox.server import running_sandbox
from bot.settings import Settings
from storage.reports import children
from tests.bot.cli import forked, tree
from tests.bot.cli.commands import (
    FORMS,
    NOWHERE,
    TYPED,
    Done,
    contents,
    enlace,
    environment,
    is_one_line,
    options,
    settings_of,
)
from tests.bot.house import Town
from tests.deadlines import PATIENCE, wait_until

pytestmark = pytest.mark.slow


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
    listed = typer.main.get_command(typed.app)
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


SHOWN = (
    ("people", "list"),
    ("audit", "list"),
    ("people", "--help"),
    ("export", "plan", "--format", "csv", "--out", "-"),
)


@pytest.mark.parametrize("line", SHOWN)
def test_what_the_system_refuses_is_one_sentence_whatever_the_command(folder: Path, line: str) -> None:
    """Each command writes somewhere. The interpreter does not fail once more when it ends."""
    command = [sys.executable, "-m", "bot", *line]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(folder, {}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert is_one_line(Done(done.returncode, "", done.stderr)), done.stderr


def test_a_reader_that_has_enough_is_no_failure_that_is_told(folder: Path) -> None:
    """`enlace audit list | head -1`."""
    command = f"{sys.executable} -m bot audit list | true"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment(folder, {}), stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_clock_cannot_be_moved_at_telegrams_own_host(tmp_path: Path) -> None:
    """Reminders of another year would reach real people."""
    done = enlace(tmp_path, "run", "--clock", "2018-10-03T08:00")
    assert (done.code, is_one_line(done)) == (2, True)
    assert "Telegram's own host" in done.err


def test_no_secret_can_be_given_where_everybody_on_the_machine_sees_it() -> None:
    """S22: a command line is in /proc for all to read. Secrets are settings, and no setting shows one when printed."""
    secret = re.compile("token|secret|password|passphrase")
    assert [name for name in options(tree.whole()) if secret.search(name or "")] == []

    fields = {name: field.annotation for name, field in Settings.model_fields.items() if secret.search(name)}
    assert {kind for name, kind in fields.items() if not name.endswith("_file")} == {SecretStr}
    assert "swordfish" not in repr(Settings(database_url="postgresql+psycopg://a:swordfish@b/c"))


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
    """120 MB are a promise (docs/performance.md), and structlog with rich would print local variables: answers."""
    modules = loaded_modules(folder, "run", **NOWHERE)
    found = {name.partition(".")[0] for name in modules}

    assert {"sqlalchemy", "telegram", "aiohttp", "pydantic", "structlog"} <= found
    assert found & {*HEAVY, "click"} == set()
    assert modules & {"sqlalchemy.orm", "sqlalchemy.dialects.postgresql"} == set()  # beside SQLite: 10 MB of the 120


def test_help_loads_next_to_nothing(folder: Path) -> None:
    """Whoever asks how a command is written does not wait for what it would do."""
    found = loaded(folder, "run", "--help")
    assert found & {*HEAVY - {"rich"}, "aiohttp", "babel", "telegram", "sqlalchemy", "structlog"} == set()


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
    assert {name.partition(".")[0] for name in found} & {
        *HEAVY,
        "aiohttp",
        "babel",
        "structlog",
        "telegram",
    } == set()


def test_an_export_is_not_kept_waiting_by_what_serves_telegram(folder: Path) -> None:
    """It loads what it reads and writes."""
    found = loaded(folder, "export", "agencies", "--format", "csv", "--out", "a.csv")
    assert (folder / "a.csv").is_file()
    assert found & {*HEAVY, "aiohttp", "click", "structlog", "telegram"} == set()


def test_the_list_of_commands_loads_none_of_them(folder: Path) -> None:
    """A command more makes no other command slower to begin."""
    found = {name for name in loaded_modules(folder, "--help") if name.startswith("bot.")}
    assert found == {"bot.cli", "bot.cli.app", "bot.cli.console", "bot.cli.nouns", "bot.cli.typed", "bot.errors"}


# ------------------------------------------------------------------ run
PRESSED = """
import os, signal, sys

class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressed())
sys.argv = ["enlace", "db", "check", "--help"]
from bot.__main__ import main
main()
"""


def test_a_command_that_is_broken_off_while_it_loads_shows_no_traceback(folder: Path) -> None:
    """Half a second of imports comes before Typer, which has an answer to Ctrl-C; here it is the same, in one line."""
    command = [sys.executable, "-c", PRESSED]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder, {}), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "enlace: broken off.\n")


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


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import os, sys; print({*os.environ} - {'LC_CTYPE'}, os.getcwd(), os.getsid(0) == os.getpid())", 0),
        ("import sys; print(sys.stdin.buffer.read(6))", 0),
        ("import os; print('said', flush=True); os.kill(os.getpid(), 15)", -15),
        ("print('half', 1 / 0)", 1),
        ("import sys; sys.exit(3)", 3),
    ],
)
def test_a_child_of_a_forked_bot_is_as_one_that_is_a_fresh_interpreter(program: str, code: int) -> None:
    """What opens files has no environment, no folder and no terminal of ours; what it says and how it ends is told."""
    told = []
    for child in (children.begin(program), forked.forked_child(program)):
        try:
            answer = children.exchange(child, "señal".encode(), wall=PATIENCE, longest=10_000)
        finally:
            children.end(child)
        told.append((answer, child.returncode))
    assert told == [(told[0][0], code)] * 2


OF_A_RUN = """
import subprocess, sys
from tests import once
once.share()
for _ in range(2):
    subprocess.run([sys.executable, "-c", sys.argv[1]])
sys.stdin.read()
"""
OF_A_WORKER = """
import os
from tests.bot.cli import forked
child = forked.forked_child("import os; print(os.getppid())")
os.write(1, child.stdout.readline())
os.kill(os.getpid(), 9)
"""


def test_what_is_forked_from_belongs_to_the_run() -> None:
    """A worker that is killed leaves it to the next one, and a run that is killed leaves nothing behind."""
    command = [sys.executable, "-c", OF_A_RUN, OF_A_WORKER]
    with tempfile.TemporaryDirectory() as folder:
        given: dict[str, Any] = {"cwd": forked.ROOT, "env": os.environ | {"TMPDIR": folder}}
        with subprocess.Popen(command, **given, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
            assert run.stdout is not None
            first, second = (int(run.stdout.readline()) for _ in range(2))
            assert first == second
            assert is_there(first)
            run.kill()
    wait_until(lambda: not is_there(first), "what is forked from has ended")


def is_there(pid: int) -> bool:
    """Where nobody asks how it ended, its number stays."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_console_script_is_the_same() -> None:
    """`enlace` and `python -m bot` are one program."""
    script = Path(sys.executable).with_name("enlace")
    if not script.exists():
        pytest.skip("the package is not installed here, only imported")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, "monitoring cycle" in done.stdout) == (0, True)


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
