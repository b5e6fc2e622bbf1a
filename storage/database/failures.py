"""How a group or a unit fails (`group_commit`): the errors inside a group, and what its callers are told."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError

from storage.errors import StorageError, Unavailable

U = TypeVar("U")


class GroupLost(Exception):
    """The transaction is gone. This exception never leaves `GroupCommit`."""


class GroupParted(Exception):
    """The transaction was given up: its units are applied one by one. This exception never leaves `GroupCommit`."""


def outcome(view: Callable[[], AbstractContextManager[U]], read: Callable[[U], Any]) -> Callable[[], Any]:
    """Return a function that gives the unit the result of the read, or raises the error of the read."""

    def fail() -> Any:
        raise failure

    try:
        with view() as unit:
            result = read(unit)
    except DBAPIError as error:  # an error of another connection says nothing about the unit's own transaction
        failure: Exception = StorageError(f"could not be read: {reason_of(error)}")
        return fail
    except Exception as error:  # noqa: BLE001 - the unit fails with it
        failure = error
        return fail
    return lambda: result


def giving_up(give_up: Callable[[Any, Exception], Any], failure: Exception) -> Callable[[Any], Any]:
    return lambda unit: give_up(unit, failure)


def reason_of(error: BaseException) -> str:
    """One line for the log: the class and the driver's first line, never a statement's parameters."""
    original = original_of(error)
    first = str(original).partition("\n")[0]
    return f"{type(original).__name__}: {first}" if first else type(original).__name__


def original_of(error: BaseException) -> BaseException:
    """Return the driver's own error, if one is behind this."""
    cause = error.__cause__ if isinstance(error, GroupLost | GroupParted) and error.__cause__ else error
    return getattr(cause, "orig", None) or cause


REFUSALS: Final = (
    "authentication failed", "autentificación", "authentification", "no password supplied", "does not exist",
    "no existe", "n'existe pas", "pg_hba.conf", "not permitted to log in", "permission denied", "SSL", "certificate",
)  # fmt: skip
"""What a server says that runs and lets us in under no circumstances. At a connection the driver has no code for it."""
HELD_BY_OTHERS: Final = (5, 6)
"""SQLITE_BUSY and SQLITE_LOCKED. A file that cannot be used otherwise does not mend itself."""


def is_worth_waiting(error: Unavailable) -> bool:
    """Whether the database may answer without anybody's hand: it is not up yet, it was cut, or others hold it."""
    original = original_of(error.__cause__ or error)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in HELD_BY_OTHERS
    is_up = getattr(original, "sqlstate", None)  # a server that has said this much goes on talking
    return bool(is_up) or not any(said in str(original) for said in REFUSALS)


def unavailable(reason: str, error: BaseException) -> Unavailable:
    failure = Unavailable(reason)
    failure.__cause__ = error.__cause__ if isinstance(error, GroupLost) else error
    return failure
