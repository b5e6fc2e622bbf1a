"""A command that a signal breaks off while PostgreSQL makes it wait: nothing half made stays, and nobody goes on."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bot.signals import INTERRUPTED
from storage.upkeep.backups import backup
from tests.deadlines import PATIENCE, wait_until
from tests.faults.deployment import Cast, dsn_of, furnish, settings_in
from tests.storage.database import scratch

pytestmark = pytest.mark.slow
WAITS = {"backup": "ACCESS EXCLUSIVE", "restore": "ACCESS SHARE"}
"""Which lock of a table keeps the command waiting."""


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == pid:
                found.append(int(name.split()[0]))
    return found


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
        holder = stack.enter_context(psycopg.connect(dsn_of(url)))
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
        holder = stack.enter_context(psycopg.connect(dsn_of(url)))
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
