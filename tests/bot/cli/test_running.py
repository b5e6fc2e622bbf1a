"""What `enlace run` does before anything else."""

import platform
import subprocess
import sys

import pytest

from bot.cli.running import share_one_arena

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
