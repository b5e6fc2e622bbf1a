"""One transaction, as the repositories see it. It does not know the repositories."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Result
from sqlalchemy.exc import SQLAlchemyError

from storage.database.engines import is_unavailable
from storage.database.vault import Vault, VaultError
from storage.errors import Unavailable

R = TypeVar("R")
T = TypeVar("T")


class ReadFirst(BaseException):
    """Leaves a unit that first needs something slow to read.

    That is read beside the writer; then the unit is applied anew.
    """

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self.read = read


class Unit:
    """One transaction. It lives as long as the function that gets it, no longer."""

    def __init__(self, connection: Connection, vault: Vault | None = None, replica_id: int | None = None) -> None:
        self.connection = connection
        self._vault = vault
        self.replica_id = replica_id
        """The process that applies it, if it is one that sends and works (storage.upkeep.presence)."""
        self._after_commit: list[Callable[[], object]] = []
        self._repositories: dict[Callable[[Unit], Any], Any] = {}
        self.streams: list[Result[Any]] = []
        """What is read a page at a time."""
        self.locked_chats: set[int] = set()
        """Chats whose row this unit already holds (PostgreSQL), so that it is not asked for twice."""
        self.ahead: tuple[object, Mapping[str, Any], list[Any]] | None = None
        """What was asked before it was needed: statement, values, and the rows that came back."""
        self.found: list[Callable[[], Any]] | None = None
        """What `read_first` has found for this unit. None: nobody reads beside it."""

    @property
    def vault(self) -> Vault:
        """The keyring.

        VaultError if the process was started without one: sensitive data is never stored in the clear.
        """
        if self._vault is None:
            raise VaultError("no keyring: set ENLACE_KEYS, or make one with 'enlace init'")
        return self._vault

    def read_ahead(self, statement: object, values: Mapping[str, Any]) -> list[Any] | None:
        """The rows that were read ahead for exactly this statement and these values.

        Given once; later calls ask the database.
        """
        ahead, self.ahead = self.ahead, None
        return ahead[2] if ahead is not None and ahead[0] is statement and ahead[1] == values else None

    def read_first(self, read: Callable[[Any], T]) -> T:
        """Return what `read` returns. It runs in a view beside the writer, so that no other unit waits for it.

        It may take seconds, and its result is a little older than what this unit sees. The unit runs again from its
        start, so call this before any effect outside the database.
        """
        if self.found is None:
            return read(self)
        if not self.found:
            raise ReadFirst(read)
        result: T = self.found.pop(0)()
        return result

    def after_commit(self, hook: Callable[[], object]) -> None:
        """Call `hook` once this unit is durable; never if it is not. For caches and wake-ups only."""
        self._after_commit.append(hook)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """A part of the unit that may fail alone: it is undone, its error is raised, and the unit can go on.

        Without it, on PostgreSQL, no statement works after one that failed. If the database is to blame, or the
        transaction itself is gone, Unavailable is raised; the unit cannot go on then.
        """
        hooks, locked = len(self._after_commit), set(self.locked_chats)
        savepoint = self.connection.begin_nested()
        try:
            yield
        except BaseException as error:
            del self._after_commit[hooks:]
            self.locked_chats &= locked
            try:
                savepoint.rollback()
            except SQLAlchemyError:
                raise Unavailable("the database dropped the transaction") from error
            if is_unavailable(error):
                raise Unavailable(str(getattr(error, "orig", error)).partition("\n")[0]) from error
            raise
        savepoint.commit()

    def close(self) -> list[Callable[[], object]]:
        """Drop the hooks and repositories.

        Unit and repositories refer to each other, so this frees them without a collector.
        """
        hooks = self._after_commit
        vars(self).clear()
        return hooks

    @property
    def is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def of(self, repository: Callable[["Unit"], R]) -> R:
        """The one repository of this class in this transaction."""
        found: R | None = self._repositories.get(repository)
        if found is None:
            found = self._repositories[repository] = repository(self)
        return found
