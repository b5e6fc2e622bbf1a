"""Which processes are running, and which ended without a clean stop.

A killed process leaves messages and jobs under leases. They should not wait until the leases run out, because the
process will not come back. So each running process has a row of `replica`. On PostgreSQL it also holds a session
advisory lock with that row's number, on a connection of its own. The server frees the lock when the process dies, and
15 s after its network fails. On SQLite there is one process, so every other row belongs to a process that has ended.

The laws:
* A clean stop removes the row. A row with a free lock belongs to a process that ended uncleanly.
* After a restart of PostgreSQL, a living process takes its free lock again. So a running process declares another one
  dead only after it has seen the lock free twice, `GRACE` apart.
* The process that takes over holds the lock of the dead one meanwhile. So there is one heir, and a dead process that
  comes back waits.
* A paused process keeps its lock and its row. What it holds is freed by the leases (`storage.messages.outbox`).
* A process that was taken for dead and lives learns it when it adds its row again. Until then it cannot know. So it
  calls nobody unless it has held its lock less than `GRACE` ago (`is_sure`): nobody has taken over before that.

Session locks need a session: behind pgbouncer in transaction mode, nobody would hold any lock.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from storage.database.statements import insert_or_ignore
from storage.errors import Unavailable
from storage.messages.leases import since_boot
from storage.messages.replicas import LOCK_CLASS, OTHERS, REPLICA

if TYPE_CHECKING:
    from storage.open_database import Database

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the others."""
HURRY: Final = 0.5
"""The same while somebody is missing, or our own lock is not held."""
GRACE: Final = 2.0
"""For how many seconds a process must have been without its lock. A living process takes it again in less."""
_HOLD = text(f"SELECT pg_advisory_lock({LOCK_CLASS}, CAST(:id AS integer))")
# The server notices within 15 s that this process is gone. Nothing else is ever asked on this connection.
_KEEP_ALIVE = text("SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2")


@dataclass(frozen=True, slots=True)
class Entered:
    """What a process finds when it begins."""

    replica_id: int
    ended: frozenset[int]
    """The processes that ended uncleanly and were removed now."""
    is_alone: bool
    """Whether no other process is running."""


class Presence:
    """The presence of this process among the others: `enter`, then `run` until `leave`.

    From `enter` on, `units` knows its number.
    """

    def __init__(
        self,
        database: "Database",
        now: Callable[[], datetime],
        *,
        look_every: float = LOOK_EVERY,
        grace: float = GRACE,
        monotonic: Callable[[], float] = since_boot,
    ) -> None:
        self._database = database
        self._units = database.units
        self._now = now
        self._look_every = look_every
        self._grace = grace
        self._monotonic = monotonic
        self.id = 0
        """The number of this process's row, once it has entered."""
        self._started_at = now()
        self._holder: Connection | None = None
        self._guard = threading.Lock()
        """Of the holder: a look may still be under way in its thread when we leave."""
        self._is_over = False
        self._held_at = float("-inf")
        """When our lock was certainly held last, on the clock that never jumps."""
        self._was_buried = False
        self._has_company = False
        """Whether another process held its lock when we looked last."""
        self._missing: dict[int, float] = {}
        """The processes seen without their lock, and since when, on the clock that never jumps."""
        self._stop = asyncio.Event()

    def enter(self) -> Entered:
        """Begin, and remove the processes that ended uncleanly.

        This is done at once: a second look would cost two seconds.

        It blocks. Unavailable if the database is away; then it may be called again.
        """
        self._started_at = self._now()
        self.id = self.id or self._units.submit(None, lambda unit: unit.replicas.add(self._started_at)).result()
        self._units.replica_id = self.id
        asked_at = self._monotonic()
        ended = self._bury(self.others() if self._database.is_sqlite else self._unheld())
        others = self.others()
        self._held_at = asked_at
        if ended:
            logger.warning("ended uncleanly: replicas %s", sorted(ended))
        return Entered(self.id, ended, not others)

    def is_sure(self) -> bool:
        """Whether nobody can have taken over what this process has in hand."""
        return self._database.is_sqlite or self._monotonic() - self._held_at < self._grace

    def is_cut_off(self) -> bool:
        """Whether to leave the work to others: we have lost the database, and another one had it when we looked."""
        return self._has_company and (self._holder is None or not self.is_sure())

    async def run(
        self, on_end: Callable[[], object] = lambda: None, on_return: Callable[[], object] = lambda: None
    ) -> None:
        """Hold the lock and watch the other processes until `stop`.

        `on_end` is called when one has been removed. `on_return` is called when we had been removed ourselves, before
        `is_sure` is true again.
        """
        while not self._stop.is_set():
            is_calm = self._database.is_sqlite
            if not is_calm:
                with contextlib.suppress(Unavailable):
                    asked_at = self._monotonic()
                    buried = await asyncio.to_thread(self.look)
                    if self._was_buried:
                        logger.warning("taken for dead: replica %s", self.id)
                        self._was_buried = False
                        on_return()
                    self._held_at = asked_at
                    if buried:
                        on_end()
                    is_calm = self._holder is not None and not self._missing
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    None if self._database.is_sqlite else self._look_every if is_calm else HURRY
                ):
                    await self._stop.wait()

    def stop(self) -> None:
        """Let `run` end."""
        self._stop.set()

    def look(self) -> frozenset[int]:
        """Remove the processes that have been without their lock for long. Returns them. Unavailable: ours is lost."""
        unheld, at = self._unheld(), self._monotonic()
        self._missing = {id: self._missing.get(id, at) for id in unheld}
        dead = [id for id, since in self._missing.items() if at - since >= self._grace]
        buried = self._bury(dead)
        if buried:
            logger.warning("ended uncleanly: replicas %s", sorted(buried))
        for id in buried:
            self._missing.pop(id, None)
        return buried

    def leave(self) -> None:
        """Leave cleanly: free everything that is still in hand, and remove the row.

        It blocks. Without a database, or with one of another version, nothing is changed.
        """
        with self._guard:
            self._is_over = True  # a look that comes now would add our row again
            with contextlib.suppress(Unavailable, SQLAlchemyError):
                self._bury([self.id] if self.id else [])
            self._let_go()

    def close(self) -> None:
        """End without a clean stop: the lock is free, and the row stays."""
        self._is_over = True
        if self._guard.acquire(blocking=False):  # otherwise the look that is under way lets go
            self._let_go()
            self._guard.release()

    # -------------------------------------------------------------- the lock
    def _unheld(self) -> frozenset[int]:
        """Return the other processes that do not hold their lock at this moment."""
        with self._guard:
            if self._is_over:
                return frozenset()
            try:
                if self._holder is None:
                    self._holder = self._hold()
                others = self._holder.execute(OTHERS, {"me": self.id}).all()
                self._has_company = any(is_held for _, is_held in others)
                return frozenset(id for id, is_held in others if not is_held)
            except SQLAlchemyError as error:
                self._let_go()
                self._missing.clear()  # they may have lost theirs as we have lost ours
                raise Unavailable("the connection that holds the replica's lock is lost") from error
            finally:
                if self._is_over:
                    self._let_go()

    def _hold(self) -> Connection:
        """Return a connection outside the pool that holds our lock. If others had removed our row, add it again."""
        holder = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            holder.execute(_KEEP_ALIVE)
            holder.execute(_HOLD, {"id": self.id})
            self._was_buried |= insert_or_ignore(holder, REPLICA, {"id": self.id, "started_at": self._started_at})
            holder.detach()  # last: invalidated when detached, it would stay open, and the next try wait for its lock
        except BaseException:
            holder.invalidate()
            holder.close()
            raise
        return holder

    def _let_go(self) -> None:
        holder, self._holder = self._holder, None
        if holder is not None:
            with contextlib.suppress(SQLAlchemyError):
                holder.close()

    # -------------------------------------------------------------- the others
    def others(self) -> frozenset[int]:
        """Return the other processes that have a row."""
        return self._units.submit(None, lambda unit: unit.replicas.all()).result() - {self.id}

    def _bury(self, ids: Collection[int]) -> frozenset[int]:
        now = self._now()
        return self._units.submit(None, lambda unit: unit.replicas.bury(ids, now)).result() if ids else frozenset()
