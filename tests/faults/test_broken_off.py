"""A command that a signal breaks off while PostgreSQL makes it wait: nothing half made stays, and nobody goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest

from bot.open_storage import open_storage
from bot.settings import Settings, inherited_environment
from bot.signals import INTERRUPTED
from storage.database.facts import HELD
from storage.upkeep.backups import backup
from tests.bot.cli import forked
from tests.deadlines import PATIENCE, ended, has_ended, wait_until
from tests.faults.deployment import Cast, children_of, furnish, settings_in
from tests.storage.database import scratch

pytestmark = pytest.mark.slow
WAITS = {"backup": "ACCESS EXCLUSIVE", "restore": "ACCESS SHARE"}
"""Which lock of a table keeps the command waiting."""


@dataclass(frozen=True, slots=True)
class House:
    """A furnished one on PostgreSQL, and a copy of it. What is broken off changes neither."""

    url: str
    settings: Settings
    copies: Path

    @property
    def environment(self) -> dict[str, str]:
        return inherited_environment() | {
            "ENLACE_DATABASE_URL": self.url,
            "ENLACE_KEYS": str(self.settings.keys),
            "ENLACE_FILES": str(self.settings.files),
        }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    (copies := folder / "copies").mkdir()
    with scratch.schema_or_skip("enlace_faults") as url:
        furnish(folder, Cast(2, 1), url)
        backup(url, copies / "copy")
        yield House(url, settings_in(folder, url), copies)


@dataclass(slots=True)
class Command:
    """One that is made to wait, and what it has said."""

    process: forked.Process | subprocess.Popen[str]
    stderr: IO[bytes]

    def end(self) -> tuple[int, str]:
        code = ended(self.process)
        self.stderr.seek(0)
        return code, self.stderr.read().decode()


@contextlib.contextmanager
def waiting(house: House, holder: psycopg.Connection[Any], *words: str, is_forked: bool = True) -> Iterator[Command]:
    """A command that waits for what `holder` has locked; it is gone afterwards."""
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as stdout:
        process: forked.Process | subprocess.Popen[str]
        if is_forked:
            process = forked.start("db", *words, env=house.environment, stdout=stdout, stderr=stderr)
        else:
            line = [sys.executable, "-m", "bot", "db", *words]
            process = subprocess.Popen(line, env=house.environment, stdout=stdout, stderr=stderr, text=True)
        try:
            wait_until(
                lambda: scratch.is_waited_for(holder.info.backend_pid),
                "the command waits for the table",
                unless=has_ended(process),
                look_again=0.05,
            )
            yield Command(process, stderr)
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("act", "number", "times"),
    [
        ("backup", signal.SIGTERM, 1),
        ("backup", signal.SIGHUP, 1),
        ("backup", signal.SIGINT, 1),
        ("backup", signal.SIGQUIT, 1),
        ("backup", signal.SIGTERM, 20),
        ("restore", signal.SIGTERM, 1),
        ("restore", signal.SIGTERM, 20),
    ],
)
def test_a_copy_that_is_broken_off_leaves_no_program_and_no_file(
    house: House, tmp_path: Path, act: str, number: signal.Signals, times: int
) -> None:
    """SIGTERM killed the command alone: pg_dump went on, and half a copy of everybody's answers stayed.

    A second signal, pressed by somebody who cannot wait, does not break off what the first one has removed.
    """
    out = house.copies if act == "restore" else tmp_path
    before = os.listdir(out)
    with scratch.connected(house.url) as holder:
        holder.execute(f"LOCK TABLE activity IN {WAITS[act]} MODE")
        with waiting(house, holder, act, str(out / "copy"), is_forked=times == 1) as command:
            programs = children_of(command.process.pid)
            assert programs
            for _ in range(times):
                command.process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    command.process.wait(0.005)
            assert command.end() == (INTERRUPTED, "enlace: broken off.\n")
        assert [pid for pid in programs if Path(f"/proc/{pid}").exists()] == []
        assert os.listdir(out) == before
        holder.rollback()
        found = holder.execute("SELECT count(*) FROM fact WHERE name = 'held'").fetchone()
        assert found == (0,)


@pytest.mark.parametrize("act", ["backup", "hold"])
def test_what_a_command_still_waits_for_is_not_done(house: House, tmp_path: Path, act: str) -> None:
    """It said that it was broken off, waited for the lock and did it all the same; a copy was there and not counted."""
    with scratch.connected(house.url) as holder:
        holder.execute("LOCK TABLE fact IN SHARE ROW EXCLUSIVE MODE")
        with waiting(house, holder, act, *([str(tmp_path / "copy")] if act == "backup" else [])) as command:
            command.process.send_signal(signal.SIGTERM)
            assert (*command.end(), os.listdir(tmp_path)) == (INTERRUPTED, "enlace: broken off.\n", [])
        holder.rollback()
        assert holder.execute("SELECT count(*) FROM fact WHERE name = 'held'").fetchone() == (0,)


TOLD_AT = """
import os, signal, sys
from bot.__main__ import main

called_last = {moment[0] for moment in {moments}}

def at(frame, event, called):
    # Asked at each of some million calls.
    if event not in ("call", "c_call"):
        return
    if (called.__name__ if event == "c_call" else frame.f_code.co_name) not in called_last:
        return
    chain = [called.__name__] if event == "c_call" else []
    while frame is not None and len(chain) < 5:
        chain.append(frame.f_code.co_name)
        frame = frame.f_back
    if any(chain[:len(moment)] == moment for moment in {moments}):
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGTERM)

sys.setprofile(at)
main()
"""
"""Runs a command that is told to stop when a function is called by a chain of others."""


def told_at(moments: list[list[str]], settings: Settings, *words: str) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "ENLACE_DATABASE_URL": settings.database_url,
        "ENLACE_KEYS": str(settings.keys),
        "ENLACE_FILES": str(settings.files),
    }
    command = [sys.executable, "-c", TOLD_AT.replace("{moments}", repr(moments)), *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restore_that_is_told_to_stop_at_its_last_step_says_what_it_did(tmp_path: Path, kind: str) -> None:
    """It said "broken off", and the database had been replaced and held."""
    work, copy = tmp_path / "work", tmp_path / "copy"
    work.mkdir()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(scratch.schema_or_skip("enlace_faults")) if kind == "postgresql" else ""
        furnish(work, Cast(2, 1), url)
        settings = settings_in(work, url)
        backup(settings.database_url, copy)
        last = [["_after", "_restore_postgres"], ["backup", "_restore_sqlite"]]
        _, said = (process := told_at(last, settings, "db", "restore", str(copy))).communicate(timeout=PATIENCE)
        assert (process.returncode, said) == (
            0,
            f"Restored from {copy}. Held: nothing is sent of the bot's own accord until `enlace db resume`.\n",
        )
        with open_storage(settings) as database, database.view() as unit:
            assert unit.facts.get(HELD) is not None


def test_a_program_that_is_just_being_begun_is_ended_too(house: House, tmp_path: Path) -> None:
    """The signal came while `pg_dump` was begun: nobody knew it yet, and it went on alone."""
    with scratch.connected(house.url) as holder, contextlib.ExitStack() as stack:
        holder.execute("LOCK TABLE activity IN ACCESS EXCLUSIVE MODE")
        forked_at = [["_close_pipe_fds", "_execute_child", "__init__", "begin", "_dump"]]
        process = told_at(forked_at, house.settings, "db", "backup", str(tmp_path / "copy"))
        stack.callback(_end_group, process.pid)
        _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said, os.listdir(tmp_path)) == (INTERRUPTED, "enlace: broken off.\n", [])
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
