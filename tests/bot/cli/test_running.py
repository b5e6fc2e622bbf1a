"""What `enlace run` does before anything else."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.running import share_one_arena
from tests import ROOT
from tests.deadlines import wait_until
from tests.ports import free_port

THREADS = f"""
import ctypes, sys, threading
from {share_one_arena.__module__} import share_one_arena

if "shared" in sys.argv:
    share_one_arena()
library, met = ctypes.CDLL(None), threading.Barrier(4)
library.malloc.restype = ctypes.c_void_p

def take():
    library.malloc(1000)
    met.wait()

threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_of_a_bot_take_memory_from_one_place() -> None:
    """What one of them gives back serves the others; with a place for each of them it would not."""

    def places(*given: str) -> int:
        done = subprocess.run([sys.executable, "-c", THREADS, *given], capture_output=True, text=True, check=True)
        return done.stdout.count("<heap nr=")

    assert places("shared") == 1
    assert places() > 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has its own ways")
def test_a_crash_leaves_no_copy_of_the_memory(tmp_path: Path) -> None:
    """S12, S22: keys, tokens and answers are in it. Also where the operator's shell allows such copies."""
    log = tmp_path / "log"
    line = f"cd {tmp_path}; ulimit -c unlimited || ulimit -c hard; exec {sys.executable} -m bot sandbox"
    given = [f"{line} --port {free_port()} 2>{log}"]
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", *given], os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        wait_until(lambda: log.exists() and "emulated Bot API" in log.read_text(), "it serves", show=log.read_text)
    finally:
        os.kill(pid, signal.SIGSEGV)
        _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.glob("core*"))
