"""Errors that an operator can mend, each told in one line."""

import errno
from typing import Final

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Complaint(Exception):
    """An error for the operator. Its sentence is shown unchanged. It says what is wrong and what to do."""


class Misuse(Complaint):
    """The command was not given as it must be: exit code 2, and nothing was tried."""


def refused(error: OSError) -> str:
    """Return the sentence for what the system did not let a command do: a full disk, a folder that may only be read."""
    where = f"{error.filename}: " if error.filename else ""
    remedy = "Make room" if error.errno in NO_ROOM else "Mend that"
    return f"{where}{error.strerror or error}. {remedy}, then give the command again."


def unavailable(error: Exception) -> str:
    """Return the sentence for a database that did not answer: what is wrong, and where to look for it."""
    reason = str(error)
    if any(sign in reason for sign in ("is full", "No space left", "DiskFull")):
        return f"The disk is full ({reason}). Make room, then give the command again."
    if "locked" in reason or "LockNotAvailable" in reason:
        return f"The database is busy ({reason}). Another program holds it: wait for that one, then try again."
    return f"The database cannot be reached: {reason}. Check ENLACE_DATABASE_URL."
