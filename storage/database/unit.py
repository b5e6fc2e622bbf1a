"""One transaction, as the repositories see it. It does not know the repositories."""

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, Result
from sqlalchemy.exc import SQLAlchemyError

from storage.database.engines import is_unavailable
from storage.database.vault import Vault, VaultError
from storage.errors import ApplyAlone, Unavailable

if TYPE_CHECKING:
    from storage.database.ahead import Known
    from storage.database.journeys import Line
    from storage.database.statements import Prepared, Question

R = TypeVar("R")
T = TypeVar("T")


class ReadFirst(BaseException):
    """Raised to leave a unit that needs a slow read first.

    The read is made beside the writer. Then the unit is applied again.
    """

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self.read = read


class Opening(NamedTuple):
    """The chat and the update with which a unit begins. With it, the unit may share a transaction on PostgreSQL.

    Such a unit locks no other chat. Without a chat it locks none, writes no row that others write, and seals nothing.
    """

    chat_id: int | None = None
    bot_id: int = 0
    update_id: int = 0


class Numbers(Protocol):
    """Numbers for new rows. They were drawn after the chats of the group had been locked."""

    def next(self, table: str) -> int:
        """Return a number greater than any that these chats were given before."""


class Opened(NamedTuple):
    """The rows that were read for a unit before it began."""

    opening: Opening
    is_seen: bool
    """Whether its update was handled before."""
    numbers: Numbers | None = None
    line: "Line | None" = None
    """Where its group writes later. None, as its numbers are: the unit shares with nobody. Its writes are written at
    once and numbered by the database.
    """
    known: "Mapping[str, Known]" = MappingProxyType({})
    """Answers to what it will probably ask."""
    goes_last: bool = False
    """Whether it will probably hold up other groups until COMMIT. Then it is applied after all others of its group."""
    note_last: Callable[[], object] = lambda: None
    """Called if it does."""
    first_kept: int | None = None
    """The first kept update of its chat (storage.messages.kept)."""


class LastWords(NamedTuple):
    """What a unit of a group does last, and the questions that it asks then."""

    say: Callable[[], object]
    asked: "Sequence[Question]"


class Unit:
    """One transaction. It lives as long as the function that gets it, no longer."""

    def __init__(
        self,
        connection: Connection,
        vault: Vault | None = None,
        replica_id: int | None = None,
        opened: Opened | None = None,
    ) -> None:
        self.connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"
        self._vault = vault
        self.replica_id = replica_id
        """The process that applies it, if it is one that sends and works (storage.upkeep.presence)."""
        self._after_commit: list[Callable[[], object]] = []
        self._repositories: dict[Callable[[Unit], Any], Any] = {}
        self.streams: list[Result[Any]] = []
        """Results that are read a page at a time."""
        self.locked_chats: set[int] = set()
        """Chats whose row this unit has locked already (PostgreSQL), so that it is not asked for twice."""
        self.opened = opened
        self._line = None if opened is None else opened.line
        self.is_shared = self._line is not None
        """Whether others are applied in the same transaction, which writes last (PostgreSQL)."""
        if opened is not None and opened.opening.chat_id is not None:
            self.locked_chats.add(opened.opening.chat_id)
        self.last_words: LastWords | None = None
        """What it says when the others of its group have come so far. None: nothing."""
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

    def write(
        self,
        statement: "Prepared",
        values: Mapping[str, Any],
        *,
        rows: int | None = None,
        then: Callable[[Any], None] | None = None,
    ) -> int:
        """Return how many rows it has changed; call `then` with the first row that it returns.

        In a group it is written later, before the next read. Then `rows` is returned at once, and the group is given up
        if the statement changes another number of them. So give `rows` wherever the caller depends on the number.
        """
        if self._line is not None:
            statement.later(self._line, self.connection, values, rows, then)
            return rows or 0
        if then is None:
            return statement.count(self.connection, values)
        then(statement.first(self.connection, values))
        return 1

    def write_each(self, statement: "Prepared", many: Sequence[Mapping[str, Any]]) -> None:
        """Write the statement once for each of these; there is at least one."""
        if self._line is None:
            statement.each(self.connection, many)
            return
        for values in many:
            statement.later(self._line, self.connection, values)

    def add(
        self,
        table: str,
        statement: "Prepared",
        values: dict[str, Any],
        then: Callable[[Any], None] | None = None,
    ) -> int | None:
        """Add a row, and return its number. None, and nothing is done, on PostgreSQL outside a group.

        On PostgreSQL the row is added at the end of the group: the number is put into `values` too, and `then` is
        called with what the statement returns.
        """
        if not self.is_postgresql:
            return statement.number(self.connection, values)
        number = self.drawn_number(table)
        if number is not None:
            values["id"] = number
            self.write(statement, values, rows=1, then=then)
        return number

    def drawn_number(self, table: str) -> int | None:
        """Return the number for a new row, so that the row can be written later. None if the database must give it."""
        numbers = None if self.opened is None else self.opened.numbers
        return None if numbers is None else numbers.next(table)

    def series(self) -> dict[Hashable, Any]:
        """Return what a group counts by itself, behind a lock that it holds until COMMIT; empty outside a group.

        Such a unit holds up other groups, so the next one at this place will be the last of its group.
        """
        if self._line is None:
            return {}
        assert self.opened is not None
        self.opened.note_last()
        return self._line.series

    def say_last(self, say: Callable[[], object], asked: "Sequence[Question]") -> None:
        """Call `say`, with which this unit ends. It asks these questions, and sees what was written before.

        In a group it is called after all units of the group have come so far, because then one journey answers what all
        of them ask. If it fails, the group is given up. So nothing may follow, and whatever the unit returns must
        receive what `say` adds.
        """
        if self.is_shared:
            assert self.last_words is None, "a unit ends once"
            self.last_words = LastWords(say, asked)
        else:
            say()

    def must_lock(self, chat_id: int) -> bool:
        """Whether this chat's row must still be locked. A group has locked its own chats, and waits for no other."""
        if not self.is_postgresql or chat_id in self.locked_chats:
            return False
        if self.is_shared:
            raise ApplyAlone("another chat")
        return True

    def read_first(self, read: Callable[[Any], T]) -> T:
        """Return the result of `read`. It runs in a view beside the writer, so that no other unit waits for it.

        It may take seconds, and its result is a little older than the unit's own view. The unit runs again from its
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
        """Run a part of the unit that may fail alone: then it is undone, its error is raised, and the unit can go on.

        Without it, on PostgreSQL, no statement works after one that failed. If the database is to blame, or the
        transaction itself is gone, Unavailable is raised; the unit cannot go on then.
        """
        if self.is_shared:
            raise ApplyAlone("something may fail alone")
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

    def of(self, repository: Callable[["Unit"], R]) -> R:
        """Return the one repository of this class in this transaction."""
        found: R | None = self._repositories.get(repository)
        if found is None:
            found = self._repositories[repository] = repository(self)
        return found


class Repository:
    """Questions about one subject, and changes of it, in one transaction. A unit has one of each class (`Unit.of`)."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._connection = unit.connection
