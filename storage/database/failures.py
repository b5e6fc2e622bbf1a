"""How a group or a unit fails (`group_commit`): the errors inside a group, and what its callers are told."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

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


def unavailable(reason: str, error: BaseException) -> Unavailable:
    failure = Unavailable(reason)
    failure.__cause__ = error.__cause__ if isinstance(error, GroupLost) else error
    return failure
