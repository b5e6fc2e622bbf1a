"""Commands of `enlace` as processes of their own, forked from one that has made their imports already.

Of its second and a half a command spends more than one on imports, and the tests give hundreds of commands. So a
process that has imported what they need, and has done nothing else, waits beside the tests. Each command is forked
from it, with a folder, environment, pipes and exit code of its own, and ends as any Python ends.

What only a fresh interpreter can show stays with `python -m bot`: what is imported when, signals, terminals, and
what serves (`run` chooses what it imports). That both ways answer alike is a test in test_cli.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.settings import inherited_environment

ROOT = Path(__file__).parents[2]
SERVES = ("run", "demo", "sandbox")

IMPORTED = (
    "bot.at_server",
    "bot.calendar_at_server",
    "bot.cli",
    "bot.forms",
    "bot.holidays",
    "bot.opening",
    "bot.people",
    "bot.schedules",
    "bot.setup",
    "bot.status",
    "bot.taking_out",
    "storage.imports",
    "storage.plan_history",
    "storage.plan_workbook",
    "storage.resealing",
    "alembic.command",
    "babel.messages.pofile",
    "dateparser",
    "filetype",
    "fpdf",
    "holidays",
    "psycopg",
    "pysqlite3",
    "typer.rich_utils",
    "xlsxwriter",
)
"""Whatever is not here, the command that needs it imports."""


# ------------------------------------------------------------------ beside the tests
def run(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, input: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """`python -m bot …`, as `subprocess.run` tells it: with its output captured as text, and killed after `timeout`."""
    if arguments and arguments[0] in SERVES:
        return by_itself(*arguments, env=env, cwd=cwd, input=input, timeout=timeout)
    (stdin, typing), (printing, stdout), (telling, stderr) = os.pipe(), os.pipe(), os.pipe()
    ours, theirs = socket.socketpair()
    with (
        ours,
        ours.makefile("rw", encoding="utf-8") as wire,
        open(printing, encoding="utf-8") as out,
        open(telling, encoding="utf-8") as err,
        ThreadPoolExecutor(2) as readers,
    ):
        handed = [theirs.detach(), stdin, stdout, stderr]
        with _one_at_a_time:
            socket.send_fds(_imported(), [b"."], handed)
        for descriptor in handed:
            os.close(descriptor)
        print(json.dumps([arguments, str(cwd or Path.cwd()), dict(env)]), file=wire, flush=True)
        shown = [readers.submit(stream.read) for stream in (out, err)]
        with contextlib.suppress(BrokenPipeError), open(typing, "w", encoding="utf-8") as keyboard:
            keyboard.write(input)
        process = int(wire.readline())
        ours.settimeout(timeout)
        try:
            code = int(wire.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(arguments, timeout) from None
        return subprocess.CompletedProcess(arguments, code, *(each.result() for each in shown))


def by_itself(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, input: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """The same by an interpreter of its own."""
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=env, input=input, capture_output=True, encoding="utf-8", timeout=timeout, check=False
    )


_one_at_a_time = threading.Lock()


@functools.cache
def _imported() -> socket.socket:
    """Where that process is asked for another one; it ends when this end is closed, or gone with the tests."""
    ours, theirs = socket.socketpair()
    # Pipes, as a command has: Python's own streams are made once, and then lie over the pipes of each command.
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, str(theirs.fileno())],
        env=inherited_environment() | {"PYTHONPATH": str(ROOT)},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    theirs.close()
    assert ours.recv(1), process.communicate()[1].decode()

    def end() -> None:
        ours.close()
        process.communicate()

    atexit.register(end)
    return ours


# ------------------------------------------------------------------ the process that has imported
def fork_commands(asked: socket.socket) -> None:
    """For every command that is asked for, return once: in a process that is its own."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a command takes apart what it has made, not what all of them share: half a second each
    asked.sendall(b".")
    while True:
        _, handed, _, _ = socket.recv_fds(asked, 1, 4)
        if not handed:
            sys.exit()
        if not os.fork():
            asked.close()
            return become_command(socket.socket(fileno=handed[0]), handed[1:])
        for descriptor in handed:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def become_command(asker: socket.socket, streams: list[int]) -> None:
    """Fork once more: one waits and tells the exit code, the other goes on as Python does that was just started."""
    if command := os.fork():
        asker.sendall(f"{command}\n".encode())
        _, status = os.waitpid(command, 0)
        asker.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    with asker, asker.makefile(encoding="utf-8") as wire:
        arguments, folder, environment = json.loads(wire.readline())
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path.insert(0, folder)
    sys.argv[1:] = arguments


if __name__ == "__main__":
    fork_commands(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("bot", run_name="__main__", alter_sys=True)
