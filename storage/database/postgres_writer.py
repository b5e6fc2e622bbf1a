"""A group of units that shares a transaction on PostgreSQL: all reads come first, all writes last.

On PostgreSQL the round trips cost time, not the work of the server. So everything that the units of a group read at
their beginning is read together (`open`): one statement locks their chats without waiting, then come first sights,
visits and numbers for new rows. What the units write is kept until the end, and travels with COMMIT (`journeys`). The
server checks the numbers of changed rows.

Nothing is rolled back in part. If a unit fails, its pending writes are forgotten. If that is not enough (an error of
the server, a row that somebody else changed), the whole transaction is given up and its units are applied one by one. A
unit is also applied alone if its chat is new, if another replica holds its chat, or if it needs the row of another
chat.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from storage.database import journeys
from storage.database.ahead import Known
from storage.database.engines import is_unavailable, sqlstate, status
from storage.database.steady import written
from storage.database.unit import Opened, Opening
from storage.errors import ApplyAlone, StorageError

MOST_UNITS: Final = 25
"""How many units share a group at most. If one group took all that wait, the other thread would find nothing."""
KNOCK_EVERY: Final = 1.0
"""Seconds between two tries to reach a server that has refused a connection."""
Open = Callable[..., tuple[object, list[Opened | None]]]
"""Reads which transaction was the last to change steady tables, and what these openings ask for; None for those that
do not fit into a group (storage.people.opening).
"""


class PostgresWriter:
    """Two threads for groups, and several for units that are applied by themselves."""

    groups = 2
    """While one group waits for the server, the other one is applied."""

    def __init__(
        self,
        engine: Engine,
        open_together: Open,
        group_size: int,
        threads: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.group_size = min(group_size, MOST_UNITS)
        self.threads = threads
        self._open = open_together
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._refused: BaseException | None = None
        """What the driver said when it was refused a connection, until one is given."""
        self._knock_at = 0.0
        event.listen(engine, "before_cursor_execute", _send_what_waits)

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._connected() as connection:
            connection.begin()
            try:
                yield connection
            finally:
                if not connection.invalidated:
                    journeys.line_of(connection).forget()  # the pool may give the connection to anybody

    def _connected(self) -> Connection:
        """Return a connection. Where one has just been refused, refuse without asking: a bot that is cut off from its
        database would try at every update. What waits fails at once, as it would have.
        """
        with self._lock:
            if self._refused is not None:
                if self._monotonic() < self._knock_at:
                    raise OperationalError(None, None, self._refused) from self._refused
                self._knock_at = self._monotonic() + KNOCK_EVERY  # one tries for all
        try:
            connection = self.engine.connect()
        except OperationalError as error:
            with self._lock:
                self._refused, self._knock_at = error.orig, self._monotonic() + KNOCK_EVERY
            raise
        self._refused = None
        return connection

    def open(self, connection: Connection, openings: Sequence[Opening | None], *, waits: bool) -> list[Opened | None]:
        if not waits:
            journeys.line_of(connection).plan_anew()
        version, opened = self._open(connection, [each for each in openings if each is not None], waits=waits)
        if version is not None:
            journeys.line_of(connection).begin_group(version)
        return opened

    def begin(self, connection: Connection, known: Mapping[str, Known]) -> None:
        journeys.line_of(connection).begin_unit(known)

    def end(self, connection: Connection) -> None:
        # PostgreSQL answers COMMIT in a spoilt transaction with ROLLBACK and no error.
        if journeys.line_of(connection).is_spoilt:
            raise StorageError("a unit of work went on after a database error")

    def undo(self, connection: Connection) -> bool:
        return journeys.line_of(connection).undo_unit()

    def finish(self, connection: Connection) -> None:
        journeys.finish(connection)

    def is_in_transaction(self, connection: Connection) -> bool:
        # IDLE: nothing has been asked yet, psycopg begins with the first statement.
        return status(connection) != "UNKNOWN"

    def is_unavailable(self, error: BaseException) -> bool:
        return is_unavailable(error)

    def is_collision(self, error: BaseException) -> bool:
        return (sqlstate(error) or "").startswith("40")

    def distrust(self, connection: Connection) -> None:
        """Do nothing: SQLAlchemy drops broken connections by itself; the others are as good as before."""


def _send_what_waits(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
    """Send waiting writes before SQLAlchemy executes a statement of its own."""
    try:
        journeys.write_what_waits(connection)
    except ApplyAlone as error:  # SQLAlchemy drops the connection after what is no Exception
        raise StorageError("what waits could not be written") from error
    journeys.line_of(connection).note(written(statement))
