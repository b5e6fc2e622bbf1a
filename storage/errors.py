"""The errors of this floor, in five classes.

A caller can do exactly five things: say that something does not exist, show who was faster, say that the plan has been
closed, answer "later" to Telegram without acknowledging, or refuse to start. So there are five classes and no more. A
database driver's own classes leave this package only inside an ordinary failure of one unit. `ApplyAlone` is none of
the five: it never leaves the transaction.
"""


class StorageError(Exception):
    """Anything `storage` refuses or cannot do."""


class NotFound(StorageError):
    """The thing that was asked for does not exist, or no longer exists."""


class Conflict(StorageError):
    """Somebody else was faster: an old version, a second holder, the same key with other content.

    Raised before anything was written, so the transaction it happened in is still good and can say so.
    """


class PlanClosed(StorageError):
    """The plan has been closed, and this would write something of it. What was written before it was seen is undone."""


class Unavailable(StorageError):
    """The database is down, locked, full, or did not say whether it committed. Nothing may be acknowledged.

    What was committed nevertheless is recognised when it is delivered again (`processed_update`, G2).
    """


class Unmigrated(StorageError):
    """The tables are not those of this version of the program."""


class ApplyAlone(BaseException):
    """Raised to leave a unit that cannot share its transaction with others after all: it is undone, and applied alone.

    It does not count as a try. No `except Exception` on the way may catch it.
    """
