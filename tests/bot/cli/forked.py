"""Commands of `enlace`, and bots, as processes of their own, forked from one that has made their imports already.

Of its second and a half a command spends more than one on imports, and the tests give hundreds of commands. So a
process that has imported what they need, and has done nothing else, waits beside the tests. Each command is forked
from it, with a folder, environment, pipes and exit code of its own.

A bot that serves is forked from another such process, which has imported as `run` does, and has been a bot once
(`lived`): what any bot compiles (SQL, forms, words) is there. It has no thread and no loop, and the bot makes its own.
Beside other work that is the difference between one second and half a minute.

Whatever opens a file or draws a page for them (storage.reports.children) is forked from a third one: a form took 0.9 s
of processor, three quarters of it for imports.

A run has one of each for all its workers, begun by the first that wants it, and gone with the run.

What only a fresh interpreter can show stays with `python -m bot`: what is imported when, and terminals. That both ways
answer alike is a test in test_app.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from bot.settings import inherited_environment
from conversations.languages import LANGUAGES
from conversations.wording import wording
from tests import once
from tests.deadlines import PATIENCE

ROOT = Path(__file__).parents[3]
SERVES = ("run", "demo", "sandbox")

IMPORTED = (
    "bot.acts.upkeep.audit",
    "bot.acts.people.delegations",
    "bot.acts.sharing.exports",
    "bot.acts.reports.forms",
    "bot.acts.calendar.holidays",
    "bot.acts.calendar.pauses",
    "bot.acts.people.enrolment",
    "bot.acts.people.people",
    "bot.acts.plan.importing",
    "bot.acts.plan.periods",
    "bot.acts.upkeep.status",
    "bot.cli.app",
    "bot.cli.typed",
    "bot.cli.reports.form_terminal",
    "bot.open_storage",
    "bot.schedule.edit",
    "bot.schedule.explain",
    "bot.schedule.scheduler",
    "bot.setup",
    "conversations.authoring.xlsform",
    "storage.exports.exporters",
    "storage.imports.applying",
    "storage.imports.history",
    "storage.imports.workbook",
    "storage.upkeep.resealing",
    "alembic.command",
    "dateparser",
    "filetype",
    "fpdf",
    "holidays.countries",
    "openpyxl",
    "psycopg",
    "pysqlite3",
    "typer._adapters",
    "typer.rich_utils",
    "xlsxwriter",
)
"""Whatever is not here, the command that needs it imports."""

IMPORTED_TO_SERVE = (
    "apscheduler.schedulers.asyncio",  # looks for plug-ins in all that is installed: a tenth of a second
    "apscheduler.triggers.cron",
    "apscheduler.triggers.interval",
    "bot.cli.app",
    "bot.open_storage",
    "holidays.countries",
    "psycopg",
    "pysqlite3",
    "storage.calendar.broadcasts",
    "uvloop",
)
"""Besides the composition root."""

IMPORTED_BY_CHILDREN = (
    "bot.workers.picture",
    "conversations.authoring.xlsform",
    "conversations.xforms.bundle",
    "conversations.xforms.workbook",
    "storage.exports.files.plan_pages",
    "storage.reports.confined",
    "storage.reports.inspection",
)


# ------------------------------------------------------------------ beside the tests
def run(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, input: str = ""
) -> subprocess.CompletedProcess[str]:
    """`python -m bot …`, as `subprocess.run` tells it: with its output captured as text, and killed after PATIENCE."""
    if arguments and arguments[0] in SERVES:
        return _served(*arguments, env=env, cwd=cwd)
    (stdin, typing), (printing, stdout), (telling, stderr) = os.pipe(), os.pipe(), os.pipe()
    ours, theirs = socket.socketpair()
    with (
        ours,
        ours.makefile("rw", encoding="utf-8") as wire,
        open(printing, encoding="utf-8") as out,
        open(telling, encoding="utf-8") as err,
        ThreadPoolExecutor(2) as readers,
    ):
        _hand_over(_imported("commands"), [theirs.detach(), stdin, stdout, stderr])
        print(json.dumps(["bot", arguments, str(cwd or Path.cwd()), dict(env), False, False]), file=wire, flush=True)
        shown = [readers.submit(stream.read) for stream in (out, err)]
        with contextlib.suppress(BrokenPipeError), open(typing, "w", encoding="utf-8") as keyboard:
            keyboard.write(input)
        process = int(wire.readline())
        ours.settimeout(PATIENCE)
        try:
            code = int(wire.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(arguments, PATIENCE) from None
        return subprocess.CompletedProcess(arguments, code, *(each.result() for each in shown))


def _served(*arguments: str, env: Mapping[str, str], cwd: Path | None) -> subprocess.CompletedProcess[str]:
    """What serves, where it is expected to end by itself."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(*arguments, env=env, cwd=cwd, stdout=out, stderr=err)
        try:
            code = process.wait(PATIENCE)
        finally:
            process.kill()
        shown = [os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0).decode() for stream in (out, err)]
        return subprocess.CompletedProcess(arguments, code, *shown)


def by_itself(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, input: str = ""
) -> subprocess.CompletedProcess[str]:
    """The same by an interpreter of its own."""
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=env, input=input, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False
    )


def typed(folder: Path) -> Path:
    """A folder for PATH whose `enlace` is forked too, for whoever gives commands in a shell that inherits WIRE.

    What serves is by itself: a shell stops it by the number of its process.
    """
    folder.mkdir()
    enlace = folder / "enlace"
    enlace.write_text(
        f"""#!/bin/sh
case "$1" in {"|".join(SERVES)}) exec {sys.executable} -m bot "$@" ;; esac
exec {sys.executable} -I -S -c '{HAND_OVER}' {wire()} "$@"
"""
    )
    enlace.chmod(0o755)
    return folder


def wire() -> int:
    """The number under which a process must inherit what `typed` needs."""
    return _imported("commands").fileno()


HAND_OVER = """
import json, os, socket, sys
wire, theirs = socket.socketpair()
socket.send_fds(socket.socket(fileno=int(sys.argv[1])), [b"."], [theirs.fileno(), 0, 1, 2])
theirs.close()
told = wire.makefile("rw", encoding="utf-8")
print(json.dumps(["bot", sys.argv[2:], os.getcwd(), dict(os.environ), False, False]), file=told, flush=True)
told.readline()
code = int(told.readline())
sys.exit(code if code >= 0 else 128 - code)
"""
"""An interpreter that imports next to nothing gives its streams to the command, and ends as that does."""


class Process:
    """A bot that serves, as `subprocess.Popen` shows a process."""

    def __init__(self, pid: int, wire: socket.socket, stdout: IO[bytes] | None) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = stdout
        self._wire = wire

    def poll(self) -> int | None:
        """Its exit code if it has ended."""
        with contextlib.suppress(BlockingIOError):
            self._hear(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        try:
            self._hear(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing if it has ended: its number may be another's."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and nobody has said so yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _hear(self, timeout: float | None) -> None:
        if self.returncode is None:
            self._wire.settimeout(timeout)
            self.returncode = int(self._wire.recv(20))
            self._wire.close()


class Child(Process):
    """What `storage.reports.children` begins: asked by one thread, and killed by another that hears nothing of it."""

    def __init__(self, pid: int, wire: socket.socket, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        super().__init__(pid, wire, stdout)
        self.stdin = stdin

    def kill(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def start(
    *arguments: str,
    env: Mapping[str, str],
    stdout: Any,
    stderr: IO[bytes],
    program: str = "",
    cwd: Path | None = None,
    is_taken_apart: bool = False,
    leads: bool = False,
) -> Process:
    """`python -m bot …`, or another program that serves; stdout is a file or `subprocess.PIPE`, stdin is empty.

    A command that does not serve, and that a test does not wait for, is forked from where `run` forks it.

    `is_taken_apart`: in the end Python takes all apart, as in a process of its own (see `left_to_the_system`).
    `leads`: it leads a group of processes of its own, as a terminal gives it one.
    """
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe() if stdout == subprocess.PIPE else (-1, os.dup(stdout.fileno()))
    with open(os.devnull, "rb") as nothing:
        handed = [theirs.detach(), os.dup(nothing.fileno()), writing, os.dup(stderr.fileno())]
    serves = bool(program) or arguments[0] in SERVES
    if serves and env.get("ENLACE_DATABASE_URL", "").startswith("postgresql"):
        _live_on_postgresql()
    _hand_over(_imported("serving" if serves else "commands"), handed)
    pid = _told(ours, [program or "bot", arguments, str(cwd or Path.cwd()), dict(env), is_taken_apart, leads])
    return Process(pid, ours, open(reading, "rb") if reading >= 0 else None)


def _told(ours: socket.socket, asked: list[object]) -> int:
    """The number of the process that was asked for."""
    ours.sendall(json.dumps(asked).encode() + b"\n")
    told = b""
    while not told.endswith(b"\n"):
        told += ours.recv(1)
    return int(told)


def forked_child(program: str) -> Child:
    """A child as a forked bot has it."""
    return begin_child(_imported("children"), program)


def begin_child(imported: socket.socket, program: str) -> Child:
    """As `storage.reports.children.begin`, in a process that has imported what such a program needs."""
    (stdin, writing), (reading, stdout) = os.pipe(), os.pipe()
    ours, theirs = socket.socketpair()
    _hand_over(imported, [theirs.detach(), stdin, stdout, os.open(os.devnull, os.O_WRONLY)])
    pid = _told(ours, ["-c", [program], os.sep, {}, False, True])
    return Child(pid, ours, open(writing, "wb", 0), open(reading, "rb"))


def _hand_over(imported: socket.socket, handed: list[int]) -> None:
    """Ask for a process: what tells about it, and its streams, are its own from here on."""
    socket.send_fds(imported, [b"."], handed)
    for descriptor in handed:
        os.close(descriptor)


@functools.cache
def _imported(what: str) -> socket.socket:
    """Where that process is asked for another one."""
    asking = _connected(_at(what), socket.SOCK_DGRAM)
    atexit.register(asking.close)
    return asking


def _at(what: str) -> str:
    """Its socket. It takes datagrams: it has nobody to accept, and what several ask at once is not mixed."""

    def begin(folder: Path) -> None:
        children = [] if what == "children" else [_at("children")]
        given = [str(folder / "asked"), once.lasting(), *children, *_furnished(what)]
        # Pipes, as a command has: Python's own streams are made once, and then lie over the pipes of each command.
        begun = subprocess.run(
            [sys.executable, "-P", __file__, what, *given],
            env=inherited_environment() | {"PYTHONPATH": str(ROOT)},
            input=b"",
            capture_output=True,
            check=False,
        )
        assert begun.returncode == 0, begun.stderr.decode()

    return str(once.made_once(f"imported-{what}", begin) / "asked")


def _connected(address: str, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, kind)
    made.connect(address)
    return made


def _furnished(what: str) -> list[str]:
    """For what serves, a town to be a bot in, and a plan as it is shipped: nobody changes anything in them."""
    if what != "serving":
        return []
    from tests.bot.house import install
    from tests.faults.deployment import Cast, furnish

    return [
        str(once.made_once("lived", lambda folder: furnish(folder, Cast(2, 1)))),
        str(once.made_once("plan of a bot", install)),
    ]


def _live_on_postgresql() -> None:
    """The same over the other database, for the first bot that wants it: three quarters of what is compiled is SQL."""
    from tests.faults.deployment import Cast, furnish
    from tests.storage.database import scratch

    def live(folder: Path) -> None:
        ours, theirs = socket.socketpair()
        with ours, scratch.schema() as url:
            furnish(folder, Cast(2, 1), url)
            socket.send_fds(_imported("serving"), [b"l"], [theirs.fileno()])
            theirs.close()
            ours.sendall(json.dumps([str(folder), url]).encode() + b"\n")
            assert ours.recv(1) == b"."

    once.made_once("lived-on-postgresql", live)


# ------------------------------------------------------------------ the process that has imported
def import_to_serve() -> None:
    """As `enlace run` does, whose tracebacks must not be rich's (S8)."""
    from bot.cli.running import without

    with without("rich", "click"):
        for name in ("bot.app", *IMPORTED_TO_SERVE):
            importlib.import_module(name)


def live_once(town: str, url: str = "") -> None:
    """Be a bot once, in a copy of this town."""
    from tests.bot.cli import lived

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(town, folder, dirs_exist_ok=True)
        lived.live_once(Path(folder), url)


def compile_forms(plan: str) -> None:
    """The forms of the shipped plan: those of a town ask for other agencies."""
    from tests.bot.cli import lived

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(plan, folder, dirs_exist_ok=True)
        lived.compile_forms(Path(folder))


def set_up_once() -> None:
    """The same for commands, of which every second one is `init`."""
    from bot.demo.cast import BEGINS
    from bot.setup import set_up
    from tests.bot.desk import settings_in

    with tempfile.TemporaryDirectory() as folder:
        for _ in set_up(settings_in(Path(folder)), BEGINS):
            pass


def import_for_children() -> None:
    sys.modules["numpy"] = None  # type: ignore[assignment]  # as where the bot is installed
    for name in IMPORTED_BY_CHILDREN:
        importlib.import_module(name)
    freeze()


def prepare(what: str, furnished: list[str]) -> None:
    """Do what every process that is forked from here would do."""
    if what == "children":
        return  # when the first is asked for: most tests want none
    if what == "serving":
        import_to_serve()
        town, plan = furnished
        live_once(town)
        compile_forms(plan)
    else:
        for name in IMPORTED:
            importlib.import_module(name)
        set_up_once()
    for language in sorted(LANGUAGES):
        wording(language)
    freeze()


def go_on_alone() -> None:
    """Let go of the worker that has begun this: it takes its end for being prepared."""
    if os.fork():
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.close(nothing)


def fork_commands(asked: socket.socket, lasting: socket.socket, what: str) -> tuple[str, bool]:
    """For everything that is asked for, return once, in a process that is its own: program and `is_taken_apart`.

    Ends with the run. Tells whoever asked the number of the process, and its exit code when it has ended.
    """
    under_way: dict[int, tuple[int, socket.socket]] = {}
    while True:
        ready = select.select([asked, lasting, *under_way], [], [])[0]
        if lasting in ready:
            sys.exit()
        for watched in under_way.keys() & ready:
            tell_end(*under_way.pop(watched))
            os.close(watched)
        if asked not in ready:
            continue
        wanted, handed, _, _ = socket.recv_fds(asked, 1, 4)
        if wanted == b"l":
            with socket.socket(fileno=handed[0]) as wire, wire.makefile(encoding="utf-8") as told:
                live_once(*json.loads(told.readline()))
                freeze()
                wire.sendall(b".")
            continue
        if what == "children" and "numpy" not in sys.modules:
            import_for_children()
        asker, streams = socket.socket(fileno=handed[0]), handed[1:]
        if not (command := os.fork()):
            for each in (asked, lasting, *(other for _, other in under_way.values())):
                each.close()
            for watched in under_way:
                os.close(watched)
            return become_command(asker, streams)
        for descriptor in streams:
            os.close(descriptor)
        with contextlib.suppress(OSError):  # nobody asks any more
            asker.sendall(f"{command}\n".encode())
        under_way[os.pidfd_open(command)] = command, asker


def tell_end(command: int, asker: socket.socket) -> None:
    """Tell the exit code of a process that has ended to whoever asked for it, if they are still there."""
    _, status = os.waitpid(command, 0)
    with asker, contextlib.suppress(OSError):
        asker.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def freeze() -> None:
    """A command takes apart what it has made, not what all of them share: half a second each."""
    assert threading.active_count() == 1
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def become_command(asker: socket.socket, streams: list[int]) -> tuple[str, bool]:
    """Go on as Python does that was just started."""
    with asker, asker.makefile(encoding="utf-8") as wire:
        program, arguments, folder, environment, is_taken_apart, leads = json.loads(wire.readline())
    if leads:
        os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path.insert(0, folder)
    sys.argv[1:] = arguments
    return program, is_taken_apart


def become_program(program: str) -> None:
    """`python -m bot`, `python -c …`, or a file."""
    if program == "bot":
        runpy.run_module("bot", run_name="__main__", alter_sys=True)
    elif program == "-c":
        exec(sys.argv[1], {})
    else:
        runpy.run_path(program, run_name="__main__")


def left_to_the_system(run: Callable[[], object]) -> None:
    """Run it, and end as it does, but leave to the system what all processes share.

    Python would take the modules apart one by one, and every page of them be copied for it: half of what a short
    command costs, a sixth of a bot's whole life. What was registered to be done at the end is done.
    """
    try:
        run()
        code = 0
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        code = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    os._exit(code & 0xFF)


def fork_children(imported: socket.socket) -> None:
    """Let the program in this process fork its children too. Who wants a process of its own has its own children."""
    from storage.exports.files import drawing_process
    from storage.reports import confinement

    for module in (confinement, drawing_process):
        module.begin = functools.partial(begin_child, imported)  # type: ignore[attr-defined]


if __name__ == "__main__":
    what, address, run_at, *given = sys.argv[1:]
    lasting = _connected(run_at, socket.SOCK_STREAM)
    children = None if what == "children" else _connected(given.pop(0), socket.SOCK_DGRAM)
    prepare(what, given)
    asked = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    asked.bind(address)
    go_on_alone()
    program, is_taken_apart = fork_commands(asked, lasting, what)
    if children is not None and not is_taken_apart:
        fork_children(children)
    if is_taken_apart:
        become_program(program)
    else:
        left_to_the_system(functools.partial(become_program, program))
