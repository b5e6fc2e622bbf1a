"""Write a file completely or not at all, and never lose the file that was there before.

A new file is written under a temporary name in the same folder. It takes its final name only when it is complete and on
the disk. So an export that was killed, or that filled the disk, leaves the old file. Other kinds of names keep their
meaning: a link leads to its file; a terminal, a pipe and `/dev/null` are written to; `-` is the standard output. A
folder and a disk are refused.

A killed process leaves an unsealed temporary file. A living process holds a lock on the file that it writes. So the
next process in that folder recognises abandoned files, and removes them.
"""

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from storage.errors import StorageError

try:
    import fcntl
except ImportError:  # a system without locks on files: abandoned files stay there until somebody removes them
    fcntl = None  # type: ignore[assignment]

PREFIX = ".enlace-new-"
FOLDERS = ".enlace-making-"
STANDARD_OUTPUT = Path("-")
OWNER_ALONE, AS_USUAL = 0o600, 0o666
"""The modes of a new file. The second is reduced by the umask of the person who runs this."""


@contextlib.contextmanager
def whole_file(out: Path, *, mode: int = OWNER_ALONE) -> Iterator[Path]:
    """Return the path of an empty file to fill. At the end it is moved to `out`.

    If the body raises, `out` stays as it was.

    StorageError if no file can be written at `out`. OSError, with the file's name, if the system refuses.
    """
    found = _stat(out)
    if is_stream(out):
        with _beside(Path(tempfile.gettempdir()), OWNER_ALONE) as made:
            yield made
            with _opened(out) as stream, made.open("rb") as content:
                shutil.copyfileobj(content, stream, 1 << 20)
        return
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise StorageError(f"{out} is a folder: name the file in it.")
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise StorageError(f"{out} is no file but a disk or a socket, and is left as it is: name a file.")
    place = _end_of_links(out)
    with _beside(place.parent, mode) as made:
        yield made
        _sync(made)
        made.replace(place)
        _sync(place.parent)


def is_stream(out: Path) -> bool:
    """Whether content is written directly into it: the standard output by any of its names, a terminal, a pipe."""
    if out == STANDARD_OUTPUT:
        return True
    found = _stat(out)
    if found is None:
        return False
    return stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode) or _is_standard_output(found)


def _is_standard_output(found: os.stat_result) -> bool:
    """Whether `out` is the file into which the shell has sent the standard output. Its content belongs to others."""
    try:
        return os.path.samestat(found, os.fstat(1))
    except OSError:
        return False  # it is closed


def _stat(out: Path) -> os.stat_result | None:
    """Return the state of the file that a link leads to. None if there is none yet."""
    try:
        return out.stat()
    except FileNotFoundError:
        return None


def _end_of_links(out: Path) -> Path:
    return Path(os.path.realpath(out)) if out.is_symlink() else out.absolute()


@contextlib.contextmanager
def _opened(out: Path) -> Iterator[BinaryIO]:
    found = _stat(out) if out != STANDARD_OUTPUT else None
    if out == STANDARD_OUTPUT or (found is not None and _is_standard_output(found)):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with out.open("wb") as stream:
        yield stream


@contextlib.contextmanager
def _beside(folder: Path, mode: int) -> Iterator[Path]:
    """Make a new file in that folder under a lock. It is removed at the end unless it was moved."""

    def make() -> tuple[Path, int]:
        made = folder / f"{PREFIX}{secrets.token_hex(8)}"
        return made, os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, mode)

    _sweep(folder, PREFIX)
    made, handle = _new(make)
    try:
        yield made
    finally:
        made.unlink(missing_ok=True)
        os.close(handle)


def _new(make: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """Return what `make` has made and opened, under a lock."""
    while True:
        made, handle = make()
        if fcntl is None:
            return made, handle
        fcntl.flock(handle, fcntl.LOCK_EX)
        if made.exists():
            return made, handle
        os.close(handle)  # another process removed it before it was locked


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what killed processes have left here. If something cannot be removed, go on all the same."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        for left in folder.glob(f"{prefix}*"):
            with contextlib.suppress(OSError):  # it is another's, or in use
                is_folder = left.is_dir()
                handle = os.open(left, (os.O_RDONLY if is_folder else os.O_RDWR) | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left) if is_folder else left.unlink()
                finally:
                    os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has nothing to wait for
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """Make a folder for temporary files, readable by us alone, and remove it at the end.

    If a killed process left files in its folder, the next process removes them.
    """

    def make() -> tuple[Path, int]:
        while True:
            made = Path(tempfile.mkdtemp(prefix=FOLDERS))
            with contextlib.suppress(FileNotFoundError):  # another process removed it before it was opened
                return made, os.open(made if fcntl else os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    _sweep(Path(tempfile.gettempdir()), FOLDERS)
    made, handle = _new(make)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(handle)
