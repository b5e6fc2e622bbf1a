"""What many tests begin with is made once for all processes of a run: the first that wants it makes it.

    template = made_once("furnished", furnish)     # a folder; whoever changes anything copies it first

A run inside a test (tests/docs) has other code than the one around it, so it makes its own.
"""

import atexit
import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

SHARED = "ENLACE_TESTS_SHARE"
"""The variable that names the folder of the run: its workers inherit it."""


MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""What all tests of a run have there at once is a fourth of it."""


def work_in_memory() -> None:
    """Let the files of a run lie in memory where it has room, unless TMPDIR says where else.

    Each commit is synced: on a disk it waits four milliseconds, and no test cuts the machine's power.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    found = os.statvfs(MEMORY)  # a container gives 64 MB of it, in which no program may run
    if found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def share() -> None:
    """Begin a run: it begins with nothing, and leaves nothing."""
    os.environ[SHARED] = tempfile.mkdtemp(prefix="enlace-tests-")
    atexit.register(shutil.rmtree, os.environ[SHARED], ignore_errors=True)
    run = socket.socket(socket.AF_UNIX)
    run.bind(lasting())
    run.listen(100)
    atexit.register(run.close)


def lasting() -> str:
    """A socket at which nobody is ever answered: who is connected is let go when the run has ended, even by a kill."""
    return str(Path(os.environ[SHARED]) / "run")


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills. Whoever comes meanwhile waits; what fails is tried by the next one.

    Another function that gives the same name is refused: it would find what it has not made.
    """
    if SHARED not in os.environ:  # a benchmark, which is no run of tests
        share()
    folder = Path(os.environ[SHARED]) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        maker, made_by = f"{make.__module__}.{make.__qualname__}", folder.with_suffix(".by")
        if not folder.exists():
            making = Path(tempfile.mkdtemp(dir=folder.parent))
            make(making)
            made_by.write_text(maker)
            making.rename(folder)
        elif made_by.read_text() != maker:
            raise ValueError(f"{name!r} was made by {made_by.read_text()}, and {maker} wants it")
    return folder
