"""PostgreSQL's own programs as children of a command. None outlives it, whenever a signal breaks it off."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence

from sqlalchemy import URL

from storage.errors import StorageError

Program = subprocess.Popen[bytes]


class Programs:
    """The programs that one command has begun, for one database."""

    def __init__(self, url: URL) -> None:
        self._environment = dict(os.environ)  # noqa: TID251  where libpq finds its certificates
        password = url.password or url.query.get("password")
        if password:
            self._environment["PGPASSWORD"] = str(password)
        self._begun: list[Program] = []

    def begin(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
    ) -> Program:
        with _told_later():  # a program that runs is known to us, or nobody would end it
            program = subprocess.Popen(
                command, env=self._environment, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, pass_fds=pass_fds
            )
            self._begun.append(program)
        return program

    def end(self) -> None:
        for program in self._begun:
            if program.poll() is None:
                program.kill()
            program.wait()
            for pipe in (program.stdin, program.stdout, program.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


@contextlib.contextmanager
def programs(url: URL) -> Iterator[Programs]:
    """See to it that no program is at work any more at the end, also if a signal has broken us off."""
    made = Programs(url)
    try:
        yield made
    finally:
        made.end()


def finish(program: Program, name: str) -> None:
    """Wait for the program to end. StorageError with the first line of its complaint, which holds no data."""
    assert program.stderr is not None
    with program.stderr as stderr:
        said = stderr.read().decode("utf-8", "replace")
    if program.wait() != 0:
        raise StorageError(f"{name}: {_complaint(said)}")


def _complaint(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if "error" in line.lower()] or said.splitlines()
    first = lines[0] if lines else "it ended without a word"
    return re.sub(r"^(?:pg_dump|pg_restore|psql)\S*:\s*(?:\S+:\d+:\s*)?(?:(?i:error):\s*)?", "", first)[:300]


@contextlib.contextmanager
def _told_later() -> Iterator[None]:
    """Let a signal that comes within the block be handled at its end. Only the main thread handles signals."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
    is_main = threading.current_thread() is threading.main_thread()
    usual = {number: handler for number in numbers if is_main and callable(handler := signal.getsignal(number))}
    try:
        for number in usual:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
