"""A command that a signal breaks off while PostgreSQL makes it wait: nothing half made stays, and nobody goes on."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from bot.settings import Settings
from bot.signals import INTERRUPTED
from storage.database.facts import HELD
from storage.upkeep.backups import backup
from tests.deadlines import PATIENCE, wait_until
from tests.faults.deployment import Cast, children_of, furnish, settings_in
from tests.storage.database import scratch

pytestmark = pytest.mark.slow
WAITS = {"backup": "ACCESS EXCLUSIVE", "restore": "ACCESS SHARE"}
"""Which lock of a table keeps the command waiting."""


@pytest.mark.parametrize(
    ("number", "times"),
    [(signal.SIGTERM, 1), (signal.SIGHUP, 1), (signal.SIGINT, 1), (signal.SIGQUIT, 1), (signal.SIGTERM, 20)],
)
@pytest.mark.parametrize("act", WAITS)
def test_a_copy_that_is_broken_off_leaves_no_program_and_no_file(
    tmp_path: Path, act: str, number: signal.Signals, times: int
) -> None:
    """SIGTERM killed the command alone: pg_dump went on, and half a copy of everybody's answers stayed.

    A second signal, pressed by somebody who cannot wait, does not break off what the first one has removed.
    """
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    with scratch.schema_or_skip("enlace_faults") as url, contextlib.ExitStack() as stack:
        furnish(work, Cast(2, 1), url)
        settings = settings_in(work, url)
        if act == "restore":
            backup(url, out / "copy")
        holder = stack.enter_context(scratch.connected(url))
        holder.execute(f"LOCK TABLE activity IN {WAITS[act]} MODE")
        command = [sys.executable, "-m", "bot", "db", act, str(out / "copy")]
        environment = os.environ | {
            "ENLACE_DATABASE_URL": url,
            "ENLACE_KEYS": str(settings.keys),
            "ENLACE_FILES": str(settings.files),
        }
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        wait_until(
            lambda: scratch.is_waited_for(holder.info.backend_pid),
            "the command waits for the table",
            unless=lambda: process.poll() is not None,
        )
        programs = children_of(process.pid)
        assert programs
        for _ in range(times):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.005)
        _, said = process.communicate(timeout=PATIENCE)

        assert (process.returncode, said) == (INTERRUPTED, "enlace: broken off.\n")
        assert [pid for pid in programs if Path(f"/proc/{pid}").exists()] == []
        assert os.listdir(out) == (["copy"] if act == "restore" else [])
        holder.rollback()
        found = holder.execute("SELECT count(*) FROM fact WHERE name = 'held'").fetchone()
        assert found == (0,)


@pytest.mark.parametrize("act", ["backup", "hold"])
def test_what_a_command_still_waits_for_is_not_done(tmp_path: Path, act: str) -> None:
    """It said that it was broken off, waited for the lock and did it all the same; a copy was there and not counted."""
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    with scratch.schema_or_skip("enlace_faults") as url, contextlib.ExitStack() as stack:
        furnish(work, Cast(2, 1), url)
        settings = settings_in(work, url)
        holder = stack.enter_context(scratch.connected(url))
        holder.execute("LOCK TABLE fact IN SHARE ROW EXCLUSIVE MODE")
        environment = os.environ | {
            "ENLACE_DATABASE_URL": url,
            "ENLACE_KEYS": str(settings.keys),
            "ENLACE_FILES": str(settings.files),
        }
        command = [sys.executable, "-m", "bot", "db", act, *([str(out / "copy")] if act == "backup" else [])]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        wait_until(
            lambda: scratch.is_waited_for(holder.info.backend_pid),
            "the command waits for the table",
            unless=lambda: process.poll() is not None,
        )
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said, os.listdir(out)) == (INTERRUPTED, "enlace: broken off.\n", [])
        holder.rollback()
        assert holder.execute("SELECT count(*) FROM fact WHERE name = 'held'").fetchone() == (0,)


TOLD_AT = """
import os, signal, sys
from bot.__main__ import main

def at(frame, event, called):
    chain = [called.__name__] if event == "c_call" else []
    while frame is not None and len(chain) < 5:
        chain.append(frame.f_code.co_name)
        frame = frame.f_back
    if event in ("call", "c_call") and any(chain[:len(moment)] == moment for moment in {moments}):
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


def test_a_program_that_is_just_being_begun_is_ended_too(tmp_path: Path) -> None:
    """The signal came while `pg_dump` was begun: nobody knew it yet, and it went on alone."""
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    with scratch.schema_or_skip("enlace_faults") as url, contextlib.ExitStack() as stack:
        furnish(work, Cast(2, 1), url)
        holder = stack.enter_context(scratch.connected(url))
        holder.execute("LOCK TABLE activity IN ACCESS EXCLUSIVE MODE")
        forked = [["_close_pipe_fds", "_execute_child", "__init__", "begin", "_dump"]]
        process = told_at(forked, settings_in(work, url), "db", "backup", str(out / "copy"))
        stack.callback(_end_group, process.pid)
        _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said, os.listdir(out)) == (INTERRUPTED, "enlace: broken off.\n", [])
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
