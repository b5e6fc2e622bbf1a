"""Commands in the docs are run: a page is a session at a terminal, played in a clean folder with a Telegram behind it.

What a reader copies must work. Every ```console block of a page runs in one shell, in order; a line that is shown
below a command must be in its output, `…` standing for anything. What cannot run here (systemd, a package manager)
says so above its block, `<!-- not run: why -->`, and is still held to name commands and targets that exist.
"""

import contextlib
import functools
import os
import re
import runpy
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from bot.sandbox.client import Phone, SandboxClient
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from bot.settings import inherited_environment
from tests.bot.cli import forked, tree
from tests.deadlines import PATIENCE, has_ended, wait_until
from tests.storage.database import scratch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    (*(ROOT / name for name in ("README.md", "CONTRIBUTING.md")), *(ROOT / "docs").rglob("*.md")),
)
NOT_RUN = re.compile(r"<!-- not run: (\S.{9,}) -->")
SHOWN = {"", "text", "python", "r", "ini", "nginx", "po", "json", "sql", "{toctree}", "yaml", "diff", "xml", "markdown"}
"""Languages of blocks that are read, not typed."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its language, its text, and why it is not run ("" if it is)."""

    page: str
    line: int
    language: str
    text: str
    not_run: str


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed after one `$ ` prompt, and the lines the page shows as its output."""

    line: int
    typed: str
    shown: tuple[str, ...]


def blocks(page: Path) -> Iterator[Block]:
    before = ""
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type in ("fence", "code_block"):
            language = token.info.split()[0] if token.info else ("" if token.type == "fence" else "indented")
            mark = NOT_RUN.search(before)
            line = (token.map or [0])[0] + 1
            yield Block(str(page.relative_to(ROOT)), line, language, token.content, mark[1] if mark else "")
        before = token.content if token.type == "html_block" else ""


def commands(block: Block) -> list[Command]:
    """The commands of a console block; `> ` continues the one above."""
    found: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:], ()))
        elif line.startswith(("> ", ">")) and found:
            last = found.pop()
            found.append(Command(last.line, f"{last.typed}\n{line[2:]}", last.shown))
        elif line.strip():
            assert found, f"{block.page}:{number}: output before a command"
            last = found.pop()
            found.append(Command(last.line, last.typed, (*last.shown, line)))
    return found


# Each process of a run collects this module, and most pages have nothing to type: they are read by the tests alone.
RUN = {
    str(page.relative_to(ROOT)): [b for b in blocks(page) if b.language == "console" and not b.not_run]
    for page in PAGES
    if "```console" in page.read_text("utf-8")
}


@functools.cache
def all_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks(page)]


# ------------------------------------------------------------------ every block is one kind or the other
def test_whatever_looks_typed_is_run_or_says_why_not() -> None:
    """A block is a console session, or a language that is only read; shell in disguise would never be tried."""
    found = all_blocks()
    strange = [f"{b.page}:{b.line} {b.language}" for b in found if b.language not in SHOWN | {"console"}]
    disguised = [f"{b.page}:{b.line}" for b in found if b.language != "console" and b.text.lstrip().startswith("$ ")]
    idle = [f"{b.page}:{b.line}" for b in found if b.language == "console" and not commands(b)]
    unseen = [f"{b.page}:{b.line}" for b in found if b.language == "console" and b.page not in RUN]
    misplaced = [f"{b.page}:{b.line}" for b in found if b.language != "console" and b.not_run]
    assert (strange, disguised, idle, unseen, misplaced) == ([], [], [], [], [])


def test_a_mark_stands_right_above_its_block() -> None:
    """A mark that has lost its block would excuse nothing, and one that gives no reason convinces nobody."""
    for page in PAGES:
        marks = len(re.findall("^ *<!-- not run", page.read_text("utf-8"), re.MULTILINE))
        held = sum(bool(block.not_run) for block in blocks(page))
        assert marks == held, page.relative_to(ROOT)


def test_the_page_of_commands_says_what_the_command_line_says_of_itself() -> None:
    """`python docs/commands.py` writes it: an option without a sentence, or unknown to the page, fails here."""
    made = runpy.run_path(str(ROOT / "docs" / "commands.py"))
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == made["text"]()
    assert re.findall(r"^- `[^`]*`$", made["text"](), re.MULTILINE) == []


def names(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from names(command, (*path, name))
        else:
            yield (*path, name)


def test_every_command_that_is_named_exists() -> None:
    """`enlace …` and `make …`, also where they are not run: in marked blocks and in the text itself."""
    known = {" ".join(name) for name in names(tree.whole())}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    wrong = []
    for page in PAGES:
        text = page.read_text("utf-8") if page.exists() else ""
        for found in re.finditer(
            r"(?:`|^\$ |&& )(?:sudo -u \w+ )?(enlace|make) ([a-z][a-z ]*[a-z])", text, re.MULTILINE
        ):
            words = found[2].split()
            is_known = words[0] in targets if found[1] == "make" else " ".join(words[:2]) in known or words[0] in known
            if not is_known:
                wrong.append(f"{page.relative_to(ROOT)}: {found[1]} {found[2]}")
    assert wrong == []


# ------------------------------------------------------------------ played
def lay_out(folder: Path) -> None:
    """The project as its reader has it, so that what a page makes is made in this folder and nowhere else."""
    for path in ROOT.iterdir():
        is_made = path.name in ("demo", "evidence", "build", ".git", ".env") or path.suffix in (".db", ".log")
        if not is_made and not path.name.endswith("_cache"):
            (folder / path.name).symlink_to(path)


def script_of(page: str, *, waits: bool = False) -> str:
    """One bash script: each command announced by a line that no program prints, and the first failure is the last.

    `waits`: it ends only when something is written into `gate`.
    """
    lines = ["set -euo pipefail", "exec 2>&1", "trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT"]
    for block in RUN[page]:
        for command in commands(block):
            lines += [f"printf '\\036%s\\n' {command.line}", command.typed]
    if waits:
        lines += ["printf '\\036typed\\n'", "read -r < gate"]
    return "\n".join([*lines, "printf '\\036end\\n'"]) + "\n"


def said_by(output: str) -> dict[str, str]:
    """Line of the page → what its command printed."""
    parts = output.split("\x1e")[1:]
    return {head: rest for head, _, rest in (part.partition("\n") for part in parts)}


def is_shown(line: str, output: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in re.split(r"…", line.strip()))
    return any(re.fullmatch(pattern, printed.strip()) for printed in output.splitlines())


@pytest.mark.parametrize("page", [page for page in RUN if RUN[page]])
def test_the_commands_of_a_page_do_what_the_page_shows(
    page: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In a clean folder, one shell for the page, the bot as a real process when the page starts it."""
    play(page, tmp_path, tmp_path_factory)


def test_the_drills_do_the_same_on_postgresql(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Backup, restore, resume and the others: a newcomer follows the same page, whichever database it is."""
    with scratch.schema_or_skip(bots=1) as url:
        play("docs/guide/drills.md", tmp_path, tmp_path_factory, ENLACE_DATABASE_URL=url)


def play(
    page: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    meanwhile: Callable[[Sandbox, Path], None] | None = None,
    **settings: str,
) -> None:
    """Run the page's commands. `meanwhile` is called after the last one, while what they started still runs."""
    lacking = [
        tool for tool in ("bash", "curl", "make") if f"{tool} " in script_of(page) and shutil.which(tool) is None
    ]
    if lacking:
        pytest.skip(f"{', '.join(lacking)} is not installed: the commands of {page} are not run")
    lay_out(tmp_path)
    bin = tmp_path_factory.mktemp("path") / "bin"
    with running_sandbox(any_token=True) as sandbox:
        environment = inherited_environment() | {
            "PATH": os.pathsep.join([str(forked.typed(bin)), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "ENLACE_TELEGRAM_API": sandbox.url,
            "ENLACE_TELEGRAM_TOKEN": sandbox.token,
            "ENLACE_LANGUAGE": "en",
            **settings,
        }
        script = tmp_path / "session.sh"
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        script.write_text(script_of(page, waits=meanwhile is not None), "utf-8")
        with (tmp_path / "session.log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", script],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[forked.wire()],
            )
        try:
            if meanwhile:
                said = tmp_path / "session.log"
                wait_until(lambda: "\x1etyped" in said.read_text("utf-8"), "all is typed", unless=has_ended(process))
                meanwhile(sandbox, said)
                gate.write_text("\n")
            code = process.wait(5 * PATIENCE)  # a page is many commands
        finally:
            # The shell ends what the page left running; this is for a shell that could not.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    output = (tmp_path / "session.log").read_text("utf-8", "replace")
    assert (code, "\x1eend" in output) == (0, True), output[-3000:]
    said = said_by(output)
    for block in RUN[page]:
        for command in commands(block):
            for line in command.shown:
                assert is_shown(line, said[str(command.line)]), (
                    f"{page}:{command.line} does not print {line!r} but\n{said[str(command.line)]}"
                )


# ------------------------------------------------------------------ a newcomer's first five minutes
class Newcomer:
    """A phone that presses what the page, or the bot, says."""

    def __init__(self, sandbox: Sandbox, number: int, name: str) -> None:
        sandbox.world.add_person(Person(number, name, language_code="es"))
        self.phone: Phone = SandboxClient(sandbox.url).phone(number)

    def shows(self, words: str) -> str:
        """Wait until the chat has these words, in a text or on a button; return all of it."""
        return wait_until(lambda: all_ if words in (all_ := str(self.phone.messages())) else "", f"{words!r} is shown")

    def tap(self, words: str) -> None:
        """Tap the newest button with these words in it."""

        def found() -> tuple[int, str] | None:
            for message in reversed(self.phone.messages()):
                for row in (message.get("reply_markup") or {}).get("inline_keyboard", []):
                    for button in row:
                        if words in button["text"]:
                            return message["message_id"], button["text"]
            return None

        self.phone.tap(*wait_until(found, f"there is a button {words!r}", show=lambda: self.phone.messages()[-2:]))

    def join(self, link: str) -> None:
        self.phone.start(link)
        for words in ("Español", "Entendido", "De acuerdo"):
            self.tap(words)


def test_the_path_of_the_readme_with_a_real_token_ends_at_a_first_report(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On the day on which it is tried: the page's commands, two phones, and an activity that is due is reported."""

    def report(sandbox: Sandbox, log: Path) -> None:
        codes = re.findall(r"[\w-]{43}", log.read_text("utf-8"))
        admin = Newcomer(sandbox, 900, "Olga")
        admin.join(codes[-1])
        admin.phone.say("/invitar")
        admin.tap("Punto focal")
        admin.tap("MMUJER")
        link = re.findall(r"start=([\w-]{43})", admin.shows("start="))[-1]

        officer = Newcomer(sandbox, 901, "Ana")
        officer.join(link)
        officer.tap("PRE-101")
        officer.tap("No iniciada")
        officer.shows("próximo paso")
        officer.phone.say("Firmar el contrato de la pauta")
        officer.tap("Enviar ahora")
        officer.shows("Enviado")

    play("README.md", tmp_path, tmp_path_factory, report)
    with contextlib.closing(sqlite3.connect(tmp_path / "enlace.db")) as connection:
        assert connection.execute("SELECT subject FROM submission").fetchall() == [("activity:PRE-101",)]
