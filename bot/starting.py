"""The checks that `enlace run` makes before it serves. If serving is pointless, a Complaint says why in one sentence.

Troubles that people can work around (little room, a wrong clock, a slow Telegram) are alarms instead, once the bot
runs.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from sqlalchemy import make_url

from bot.errors import Complaint
from bot.settings import Settings
from storage.reports.files import FileStore

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def expect_evidence_folder(settings: Settings) -> None:
    """Complaint if evidence cannot be stored. A full disk is no complaint: it may be emptied while the bot runs."""
    try:
        FileStore(settings.files, None).try_to_write()
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise Complaint(
                f"Evidence cannot be kept in {settings.files} ({error.strerror}). "
                "ENLACE_FILES must name a folder that the bot may write to."
            ) from None


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Complaint if another `enlace run` serves the same SQLite file. Other commands are not affected.

    The system releases the lock when the process ends, however it ends. The lock belongs to the process and not to its
    children, which may live a moment longer.
    """
    file = _sqlite_file(settings.database_url)
    if file is None:
        yield
        return
    lock = file.with_name(file.name + ".running")
    try:
        handle = lock.open("a+")
    except OSError as error:
        raise Complaint(f"The database cannot be written to: {lock.parent} ({error.strerror}).") from None
    with handle:
        _hold(handle, file)
        yield


def _sqlite_file(url: str) -> Path | None:
    parsed = make_url(url)
    if not parsed.drivername.startswith("sqlite") or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def _hold(handle: IO[str], file: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            return  # a file system without locks
        handle.seek(0)
        who = handle.read().strip()
        raise Complaint(
            f"Another `enlace run`{f' (process {who})' if who else ''} serves {file}. "
            "Stop it first; several processes need PostgreSQL."
        ) from None
    with contextlib.suppress(OSError):  # a full disk: the lock is what counts
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
