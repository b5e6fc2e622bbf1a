"""The transaction: one update, one reminder, one outbox row is all or nothing, and is acknowledged only after COMMIT.

A commit that survives a power cut, or a round trip to a server, costs more time than the work of an update. So waiting
units share a transaction ("group commit"). Sharing has a trap: SQLite drops the *whole* transaction if the disk is
full, on an interrupt, and on RAISE(ROLLBACK). Later statements then commit one by one, the final COMMIT has nothing to
do, and updates whose effects are lost would be acknowledged.

On SQLite all units share. On PostgreSQL others write too. There, only units that declare what they read first
(`Opening`) share, in two threads; other units run alone in one of several others (`postgres_writer`).

The laws:
* Only `GroupCommit` begins, commits or rolls back. No unit gets its result before its group has committed.
* An ordinary failure rolls back its own unit. After it and before COMMIT, the writer checks that the transaction still
  exists. If not, the whole group has failed (`Unavailable`).
* If only the whole group can be rolled back, it is, and each of its units is then applied alone.
* A group takes no further unit after `longest` seconds, so a unit waits for the group before it, and for its own, no
  longer than that and one unit each. Lines take turns: no key has two units applied while another waits for its first.
* Units of one key are applied one at a time, in the order in which they were submitted. While one waits for its next
  try, the later ones wait. If one fails as `Unavailable`, or cannot be set aside, those behind it fail as `Unavailable`
  too, because the caller will submit all of them again in order.
* What a unit wants to read first is read in a thread beside the writer. Its key waits and the others go on. Then the
  unit is applied anew with what was read (`Unit.read_first`).
* Where others write at the same time, a group that a new key has overtaken is given up before COMMIT, and applied anew.
* `Unavailable` never counts as a try. A unit that raises it itself (a key is unknown) does not fail the others.
* What a unit says last (`Unit.say_last`) comes after all units of its group. If it fails, the group is given up.
* Hooks of `after_commit` run after COMMIT and before results are given, so that callers see their effects.
"""

import asyncio
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage.database.ahead import Known
from storage.database.durations import Durations
from storage.database.failures import GroupLost, GroupParted, giving_up, outcome, reason_of, unavailable
from storage.database.lines import Awaited, Group, Line, Queue, Submitted, Told, Work
from storage.database.outage import Outage
from storage.database.statements import Prepared
from storage.database.telling import Telling
from storage.database.unit import Opened, Opening, ReadFirst, Unit
from storage.database.vault import Vault
from storage.errors import ApplyAlone, Unavailable

T = TypeVar("T")
U = TypeVar("U", bound=Unit)
logger = logging.getLogger(__name__)


class Writer(Protocol):
    """The operations of a database that `GroupCommit` needs: its transactions, its savepoints, and the meaning of its
    errors.
    """

    group_size: int
    groups: int
    """How many groups are applied at the same time, each in a thread."""
    threads: int
    """How many threads apply the units that share with nobody, beside those of groups. 0: all units share."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Return a connection in a transaction that may write."""

    def open(
        self, connection: Connection, openings: Sequence[Opening | None], *, waits: bool
    ) -> Sequence[Opened | None]:
        """Read what these units begin with, if there are `threads`. None for a unit that does not fit in.

        `waits`: the unit is alone, so it may wait for a lock.
        """

    def begin(self, connection: Connection, known: Mapping[str, Known]) -> None:
        """Open the savepoint of a unit. `known`: answers to what it may ask."""

    def end(self, connection: Connection) -> None:
        """Close the open savepoint. Fail if the unit swallowed an error that spoilt the transaction."""

    def undo(self, connection: Connection) -> bool:
        """Undo the open savepoint, and only that. False if only the whole group can be undone."""

    def finish(self, connection: Connection) -> None:
        """Write everything that the group has not written yet, and commit it, if it shares a transaction."""

    def is_in_transaction(self, connection: Connection) -> bool:
        """Whether the group's work so far still exists and can be committed."""

    def is_unavailable(self, error: BaseException) -> bool:
        """Whether the database is to blame, and not the unit."""

    def is_collision(self, error: BaseException) -> bool:
        """Whether two transactions collided and the database cancelled one of them (deadlock, serialisation)."""

    def distrust(self, connection: Connection) -> None:
        """Drop the connection if its last error says that it may be useless."""


class GroupCommit(Generic[U]):
    """Applies units of work durably and in order. Its threads start with the first unit and end with `close`."""

    def __init__(
        self,
        writer: Writer,
        make: Callable[..., U],
        vault: Vault | None = None,
        *,
        pause: float = 0.05,
        collisions: int = 5,
        longest: float = 0.1,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._make = make
        self._vault = vault
        self._pause = pause
        self._collisions = collisions
        self._longest = longest
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._lines: dict[Hashable, Line] = {}
        self._scheduled: set[Line] = set()
        """Lines that are ready, being served, resting, or waiting for a read beside the writer."""
        self._together = Queue(self._lock, writer.group_size, writer.groups)
        self._alone = Queue(self._lock, 1, writer.threads)
        self._numbers = itertools.count()
        self._one_reading = threading.Lock()
        self._reading: set[Line] = set()
        """Lines whose first unit waits for a read beside the writer."""
        self._threads: list[threading.Thread] = []
        self._is_closing = False
        self._telling = Telling()
        self._outage = Outage("writer")
        self.view: Callable[[], AbstractContextManager[U]] | None = None
        """Opens a connection for reads beside the writer. Without it, units read everything themselves."""
        self.replica_id: int | None = None
        """The number of this process, once it has entered (storage.upkeep.presence)."""
        self.parted = 0
        """How many groups were given up. Their units were applied one by one."""
        self.doubts = 0
        """Groups of which nobody knows whether they were committed. Perhaps nobody sends their rows."""
        self.on_lost: Callable[[BaseException], object] = lambda error: None
        """Called with the error, in any thread, when units could not be applied: the database or a key is away."""
        self.applied = 0
        """Units that are durable. `commits` counts the groups, so the two tell how many units share a commit."""
        self.commits = Durations()

    # -------------------------------------------------------------- submitting
    def submit(
        self,
        key: Hashable | None,
        work: Callable[[U], T],
        *,
        tries: int = 1,
        give_up: Callable[[U, Exception], T] | None = None,
        opening: Opening | None = None,
    ) -> "Future[T]":
        """Return a future for the result of `work`; it is set once the result is durable.

        `key` None means no order. A unit that fails is applied up to `tries` times. Then `give_up`, in a unit of its
        own, sets it aside; without `give_up` the future gets the last exception. The future gets Unavailable if the
        database cannot commit or nobody knows whether it did; then the caller must not acknowledge anything.
        """
        submitted = Submitted(work, tries, give_up, opening)
        self.enqueue(key, [submitted])
        return submitted.future

    def run(
        self,
        key: Hashable | None,
        work: Callable[[U], T],
        *,
        tries: int = 1,
        give_up: Callable[[U, Exception], T] | None = None,
        opening: Opening | None = None,
    ) -> "asyncio.Future[T]":
        """The same as `submit`, for asyncio: the unit is in its line when this returns.

        All results of one group wake the loop once. Cancelling the future does not undo the unit: it may be committed
        already.
        """
        awaited = Awaited(work, tries, give_up, opening)
        self.enqueue(key, [awaited])
        return awaited.future

    def close(self) -> None:
        """Apply every unit in line that a caller waits for, tell every caller, and stop. Later ones are Unavailable."""
        with self._lock:
            self._is_closing = True
            for line in [line for line in self._reading if not any(work.is_wanted() for work in line.waiting)]:
                self._reading.discard(line)
                line.waiting.clear()
                self._drop(line)
            self._wake_all()
        for thread in self._threads:  # whoever starts another one is in the list before it
            thread.join()

    def enqueue(self, key: Hashable | None, works: Collection[Work]) -> None:
        """Put these units in their line, before any of them is applied. If one is Unavailable, so are all after it."""
        with self._lock:
            if not self._is_closing:
                line = Line(None) if key is None else self._lines.get(key)
                if line is None:
                    line = self._lines[key] = Line(key)
                line.waiting.extend(works)
                if line not in self._scheduled:
                    self._scheduled.add(line)
                    self._make_ready(line)
                return
        self._telling.tell([(work, None, Unavailable("the bot is stopping")) for work in works])

    def _queue_of(self, line: Line) -> Queue:
        return self._together if line.waiting[0].shares or not self._writer.threads else self._alone

    def _make_ready(self, line: Line) -> None:
        queue = self._queue_of(line)
        queue.ready.append(line)
        self._call(queue)

    def _call(self, queue: Queue) -> None:
        """Wake a thread that serves this queue, or start one."""
        if queue.idle:
            queue.changed.notify()
        if queue.threads < queue.limit and len(queue.ready) + len(queue.resting) > queue.idle:
            queue.threads += 1
            thread = threading.Thread(
                target=self._serve, args=(queue,), name=f"units-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _wake_all(self) -> None:
        self._together.changed.notify_all()
        self._alone.changed.notify_all()

    # -------------------------------------------------------------- serving
    def _serve(self, queue: Queue) -> None:
        while (line := self._take(queue)) is not None:
            self._serve_group(queue, line)

    def _take(self, queue: Queue, group: Group | None = None) -> Line | None:
        """The next line that has a unit, for this group; None if there is none. Without a group, wait for one: then
        None means that there will never be one.
        """
        with self._lock:
            while True:
                now = self._monotonic() if queue.resting else 0.0
                while queue.resting and queue.resting[0][0] <= now:
                    queue.ready.append(heapq.heappop(queue.resting)[2])
                while queue.ready:
                    line = queue.ready.popleft()
                    if line.waiting:
                        if group is not None:
                            group.lines.append(line)
                        return line
                    self._drop(line)
                if group is not None or (self._is_closing and not self._scheduled):
                    return None
                queue.idle += 1
                queue.changed.wait(queue.resting[0][0] - now if queue.resting else None)
                queue.idle -= 1

    def _serve_group(self, queue: Queue, first: Line) -> None:
        writer = self._writer
        group = Group()
        group.lines.append(first)
        begun = False
        took = 0.0
        try:
            with writer.connect() as connection:
                begun = True
                key = None if self._vault is None else self._vault.newest()
                try:
                    line: Line | None = first
                    until = self._monotonic() + self._longest
                    while line is not None:
                        if queue is self._together and writer.threads:
                            self._apply_together(connection, queue, group, line)
                        else:
                            self._apply(connection, queue, group, line, None)
                        has_room = len(group) < queue.size and self._monotonic() < until
                        line = self._take(queue, group) if has_room else None
                    while group.last:
                        self._apply(connection, queue, group, *group.last.pop(0))
                    if group.unsaid:
                        self._say_last(connection, group)
                    if group.done:
                        if queue is self._alone and self._vault is not None and self._vault.newest() != key:
                            raise GroupParted("the keyring has a new key")  # `retire_key` may not have seen our rows
                        began = self._monotonic()
                        try:
                            writer.finish(connection)
                        except (ApplyAlone, DBAPIError) as error:
                            raise self._end_of(connection) from error
                        if not writer.is_in_transaction(connection):
                            raise GroupLost("the database dropped the transaction")
                        connection.commit()
                        took = self._monotonic() - began
                except BaseException:
                    writer.distrust(connection)
                    raise
        except GroupParted as error:
            self._part(group, error)
        except Exception as error:  # noqa: BLE001
            # Whatever went wrong outside a unit happened to the whole group: a commit that failed or did not
            # say how it ended, a connection that broke. Telegram will bring these updates again.
            self._lose(group, error, everybody=not begun)
        else:
            self._settle(group, took)

    def _apply_together(self, connection: Connection, queue: Queue, group: Group, first: Line) -> None:
        """Apply the first unit of this line, and of all that are ready, after one look at what they begin with.

        A unit that does not fit into a group is applied alone, later.
        """
        new = [first]
        while len(new) < queue.size - len(group) and (line := self._take(queue, group)) is not None:
            new.append(line)
        try:
            opened = self._writer.open(connection, [line.waiting[0].opening for line in new], waits=False)
        except (ApplyAlone, DBAPIError) as error:
            raise self._end_of(connection) from error
        if self._vault is not None and self._writer.threads:
            self._vault.look_again()  # `retire_key` waits for the chats that are locked now
        for line, each in zip(new, opened, strict=True):
            if each is None:
                group.lines.remove(line)
                with self._lock:
                    self._go_alone(line)
            elif each.goes_last:
                group.last.append((line, each))
            else:
                self._apply(connection, queue, group, line, each)

    def _apply(self, connection: Connection, queue: Queue, group: Group, line: Line, opened: Opened | None) -> None:
        """Run the first unit of `line` inside the open transaction, and note the outcome."""
        writer = self._writer
        work = line.waiting[0]
        if not work.is_wanted():
            self._advance(line)
            return
        try:
            if queue is self._alone and work.opening is not None:
                [opened] = writer.open(connection, [work.opening], waits=True)
            writer.begin(connection, {} if opened is None else opened.known)
            unit = self._make(connection, self._vault, self.replica_id, opened)
            if self.view is not None:
                unit.found = list(work.found)
            result = work.function(unit)
            writer.end(connection)
        except BaseException as error:
            is_shared = queue is self._together and writer.threads > 0
            if not writer.is_in_transaction(connection) or (writer.is_unavailable(error) and not is_shared):
                raise GroupLost from error
            if (not writer.undo(connection) or writer.is_unavailable(error)) and is_shared:
                raise GroupParted from error
            if isinstance(error, StopIteration):  # asyncio refuses it as the outcome of a future
                error = RuntimeError("a unit raised StopIteration")
            # The line stays out of `ready`: no unit of this key runs before this failure is settled.
            group.failed.append((line, work, error))
            return
        group.done.append((line, work, result))
        if unit.last_words is None:
            group.hooks.extend(unit.close())
        else:
            group.unsaid.append((unit, unit.last_words))
        self._advance(line)

    def _say_last(self, connection: Connection, group: Group) -> None:
        """Have units of a group end with what they say last. One journey answers what all of them ask."""
        try:
            self._writer.begin(connection, {})  # what the last one knew is no answer any more
            known = Prepared.known_of_all(connection, [words.asked for _, words in group.unsaid])
            for (unit, words), answers in zip(group.unsaid, known, strict=True):
                self._writer.begin(connection, answers)
                words.say()
                self._writer.end(connection)
                group.hooks.extend(unit.close())
        except BaseException as error:
            raise self._end_of(connection) from error

    def _end_of(self, connection: Connection) -> Exception:
        """Return what becomes of a group for which something could not be read or written.

        If its transaction is still there, each unit is tried again by itself.
        """
        is_there = self._writer.threads and self._writer.is_in_transaction(connection)
        return GroupParted() if is_there else GroupLost()

    def _advance(self, line: Line) -> None:
        """Let the next unit of the line join the same group, after its first unit was applied.

        With several threads, another thread could apply it before this group has committed. So there it waits for the
        commit.
        """
        with self._lock:
            line.waiting.popleft()
            if not self._writer.threads:
                self._go_on(line)

    def _go_on(self, line: Line) -> None:
        if line.waiting:
            self._make_ready(line)
        else:
            self._unschedule(line)

    def _go_alone(self, line: Line) -> None:
        """Have the first unit of the line applied in a transaction of its own."""
        line.waiting[0].shares = False
        self._make_ready(line)

    def _settle(self, group: Group, took: float) -> None:
        """Finish a group that is durable: run the hooks, give results to the units that succeeded, handle those that
        failed.
        """
        for hook in group.hooks:
            try:
                hook()
            except Exception:
                logger.exception("a hook failed after its unit had been committed")
        told: list[Told] = [(work, result, None) for _, work, result in group.done]
        for _, _, error in group.failed:
            if isinstance(error, Unavailable):
                self.on_lost(error)
        with self._lock:
            if group.done:
                self._outage.ends()
                self.applied += len(group.done)
                self.commits.add(took)
            for line, work, error in group.failed:
                told.extend(self._after_failure(line, work, error))
            if self._writer.threads:
                failed = {id(line) for line, _, _ in group.failed}
                for line in group.lines:
                    if id(line) not in failed:
                        self._go_on(line)
            for line in group.lines:
                if line not in self._scheduled and not line.waiting:
                    self._forget(line)
        self._telling.tell(told)

    def _after_failure(self, line: Line, work: Work, error: BaseException) -> list[Told]:
        """Decide what becomes of a unit that failed, and of its line. Return those whose callers are told now."""
        if isinstance(error, Unavailable):
            return self._empty(line, str(error), error)
        if isinstance(error, ApplyAlone):
            self._go_alone(line)
            return []
        if isinstance(error, ReadFirst) and self.view is not None and work.is_wanted():
            self._reading.add(line)
            reading = partial(self._read_first, self.view, error.read, line, work)
            threading.Thread(target=reading, name="reading-first", daemon=True).start()
            return []
        work.shares = False
        if self._writer.is_collision(error):
            work.collisions += 1
            if work.collisions > self._collisions:
                return self._empty(line, reason_of(error), error)
            self._rest(line, self._pause * work.collisions)
            return []
        work.failures += 1
        if isinstance(error, Exception) and work.failures < work.tries:
            self._rest(line, self._pause * work.failures)
            return []
        if isinstance(error, Exception) and work.give_up is not None:
            work.function, work.give_up, work.is_given_up = giving_up(work.give_up, error), None, True
            self._go_on(line)
            return []
        line.waiting.popleft()
        told: list[Told] = [(work, None, error)]
        if work.is_given_up:
            return [*told, *self._empty(line, reason_of(error), error)]
        self._go_on(line)
        return told

    def _part(self, group: Group, error: GroupParted) -> None:
        """Apply each unit of a failed group in a transaction of its own.

        No caller is told: nothing of the group was stored.
        """
        logger.debug("applied one by one: %s", reason_of(error))
        with self._lock:
            self.parted += 1
            for line, work, _ in group.done:
                line.waiting.appendleft(work)
            for line in group.lines:
                if line.waiting:
                    self._go_alone(line)
                else:
                    self._drop(line)

    def _lose(self, group: Group, error: Exception, *, everybody: bool) -> None:
        """Fail the units of a lost group and all in line behind them; with `everybody`, fail all lines.

        Nothing of the group was stored.
        """
        reason = reason_of(error)
        self._outage.lasts(error)
        self.on_lost(error)
        told: list[Told] = [(work, None, unavailable(reason, error)) for _, work, _ in group.done]
        with self._lock:
            self.doubts += bool(group.done)
            if everybody:
                for queue in (self._together, self._alone):
                    group.lines.extend(queue.ready)
                    queue.ready.clear()
            for line in group.lines:
                told.extend(self._empty(line, reason, error))
        self._telling.tell(told)

    def _empty(self, line: Line, reason: str, error: BaseException) -> list[Told]:
        told: list[Told] = [(work, None, unavailable(reason, error)) for work in line.waiting]
        line.waiting.clear()
        if line not in self._together.ready and line not in self._alone.ready:
            self._drop(line)
        return told

    def _read_first(
        self,
        view: Callable[[], AbstractContextManager[U]],
        read: Callable[[U], Any],
        line: Line,
        work: Work,
    ) -> None:
        """Read what the first unit of a line asked for, and let the line go on.

        If reading fails, the unit fails with that error.
        """
        with self._one_reading:  # the machine is small: one at a time
            found = outcome(view, read)
        with self._lock:
            if line in self._reading:
                self._reading.discard(line)
                work.found = (*work.found, found)
                self._make_ready(line)

    def _rest(self, line: Line, pause: float) -> None:
        queue = self._queue_of(line)
        heapq.heappush(queue.resting, (self._monotonic() + pause, next(self._numbers), line))
        self._call(queue)

    def _unschedule(self, line: Line) -> None:
        self._scheduled.discard(line)
        if self._is_closing and not self._scheduled:
            self._wake_all()

    def _drop(self, line: Line) -> None:
        self._unschedule(line)
        self._forget(line)

    def _forget(self, line: Line) -> None:
        if line.key is not None and self._lines.get(line.key) is line:
            del self._lines[line.key]
