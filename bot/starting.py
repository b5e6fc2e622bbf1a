"""The checks that `enlace run` makes before it serves. If serving is pointless, a Complaint says why in one sentence.

Troubles that people can work around (little room, a wrong clock, a slow Telegram) are alarms instead, once the bot
runs. A database that is away (not up yet, or cut) is waited for, as later: a supervisor is answered meanwhile, that
the process lives and is not ready. Only what somebody must mend ends the process: a wrong password, an unknown
database, other tables.
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Final, TypeVar

import structlog
from sqlalchemy import make_url

from bot.errors import NO_ROOM, Complaint, unavailable
from bot.open_storage import expect_ours
from bot.settings import Settings
from bot.stopping import until
from storage.database.failures import is_worth_waiting
from storage.database.migrating import expect_own_tables
from storage.errors import Unavailable, Unmigrated
from storage.open_database import Database
from storage.reports.files import FileStore
from storage.upkeep import lineage

logger = structlog.get_logger(__name__)

TRY_EVERY: Final = 1.0
"""Seconds after which a database that was away at the start is asked again."""
LOOK_EVERY: Final = 5.0
"""Seconds between two looks at whose the tables are."""
AWAITED: Final = "see that the database runs and that ENLACE_DATABASE_URL leads to it; the bot goes on by itself"

T = TypeVar("T")


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


# ------------------------------------------------------------------ the database
def is_ours(settings: Settings, database: Database) -> bool:
    """Whether the database has answered that it is ours. False while it is away; a Complaint if it is another's."""
    try:
        expect_ours(settings, database)
    except Unavailable as error:
        _expect_hope(error)
        return False
    return True


async def answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what `ask` reads, however long the database is away. Why it waits is logged once.

    `Stopping.breaking` ends the wait. A Complaint if somebody must mend something.
    """
    is_told = False
    while True:
        try:
            found = await ask()
        except Unavailable as error:
            _expect_hope(error)
            if not is_told:
                logger.warning("database.awaited", reason=str(error), remedy=AWAITED)
            is_told = True
            await asyncio.sleep(TRY_EVERY)
        else:
            if is_told:
                logger.info("database.answers")
            return found


def _expect_hope(error: Unavailable) -> None:
    if not is_worth_waiting(error):
        raise Complaint(unavailable(error)) from None


async def outgrown(database: Database, stopping: asyncio.Event) -> Unmigrated | None:
    """Return why this version has nothing to do here any more: the tables are another version's now.

    None if the process is told to stop before. An operator upgrades under a running bot, or another replica's start
    does; what cannot be written any more is neither acknowledged nor given up meanwhile.
    """
    while not stopping.is_set():
        try:
            await asyncio.to_thread(_expect_own_tables, database)
        except Unmigrated as error:
            return error
        except Unavailable:
            pass
        await until(stopping, LOOK_EVERY)
    return None


def _expect_own_tables(database: Database) -> None:
    with database.reader() as connection:
        expect_own_tables(connection)


def count_on(settings: Settings, database: Database, now: datetime) -> None:
    """Count the database once more at the end: an earlier copy of it is behind from now on."""
    with contextlib.suppress(Unavailable):
        look_back(settings, database, now)


def look_back(settings: Settings, database: Database, now: datetime) -> None:
    """Hold the database, before anything is sent, if it is older than the one that was served from here."""
    try:
        found = lineage.look(database, lineage.beside(settings.keys), now)
    except OSError as error:
        logger.info("lineage.not_kept", reason=error.strerror)
        return
    if found is not None:
        logger.critical("database.went_back", reason=str(found), remedy="look at it, then: enlace db resume")
