"""The transaction: one update, one reminder, one outbox row is all or nothing, and is acknowledged only after COMMIT.

A commit that survives a power cut costs more than everything else in an update. So on SQLite, waiting units share one
commit ("group commit"). Sharing has a trap: on a full disk, an interrupt or RAISE(ROLLBACK), SQLite itself drops the
*whole* transaction. Later statements then commit one by one, the final COMMIT has nothing to do, and updates whose
effects are gone would be acknowledged.

The laws:
* Only `GroupCommit` begins, commits or rolls back. No unit learns its result before its group has committed.
* An ordinary failure undoes its own unit only. After a failure, and before COMMIT, the writer asks whether the
  transaction still exists. If not, the whole group has failed (`Unavailable`).
* Units of one key are applied one at a time, in the order in which they were submitted. While one waits for its next
  try, the later ones wait too. If one fails as `Unavailable`, or cannot even be set aside, all units behind it fail
  as `Unavailable`, because the caller will bring all of them again in order.
* What a unit wants to read first is read in a thread beside the writer. Its key waits, other keys go on, and the unit
  is applied anew with what was found (`Unit.read_first`).
* `Unavailable` is never counted as a try. A unit that raises it itself (a key is unknown) does not fail the others.
* Hooks of `after_commit` run after COMMIT and before any caller gets a result, so every caller sees their effects.
"""

import asyncio
import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage.database.durations import Durations
from storage.database.unit import ReadFirst, Unit
from storage.database.vault import Vault
from storage.errors import StorageError, Unavailable

T = TypeVar("T")
U = TypeVar("U", bound=Unit)
logger = logging.getLogger(__name__)


class Writer(Protocol):
    """What `GroupCommit` must know of a database: how it begins, what a savepoint is, what its errors mean."""

    group_size: int
    threads: int

    def connect(self) -> AbstractContextManager[Connection]:
        """Return a connection in a transaction that may write."""

    def begin(self, connection: Connection) -> None:
        """Open the savepoint of one unit."""

    def end(self, connection: Connection) -> None:
        """Close the savepoint. Fail if the unit swallowed an error that spoilt the transaction."""

    def undo(self, connection: Connection) -> None:
        """Undo the open unit, and only that unit."""

    def is_in_transaction(self, connection: Connection) -> bool:
        """Whether the group's work so far still exists and can be committed."""

    def is_unavailable(self, error: BaseException) -> bool:
        """Whether the database is to blame, and not the unit."""

    def is_collision(self, error: BaseException) -> bool:
        """Whether two transactions collided and the database cancelled one of them (deadlock, serialisation)."""

    def distrust(self, connection: Connection) -> None:
        """Drop the connection if its last error says that it may be useless."""

    def close(self) -> None:
        """Give back what was kept between groups. No thread is at work any more."""


class _Work:
    """One submitted unit on its way."""

    __slots__ = (
        "collisions", "failures", "found", "function", "future", "give_up", "is_given_up", "is_started", "loop",
        "tries",
    )  # fmt: skip

    def __init__(
        self,
        function: Callable[[Any], Any],
        tries: int,
        give_up: Callable[[Any, Exception], Any] | None,
        future: "Future[Any] | asyncio.Future[Any]",
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.function = function
        self.tries = tries
        self.give_up = give_up
        self.future = future
        self.loop = loop
        self.failures = 0
        self.collisions = 0
        self.found: tuple[Callable[[], Any], ...] = ()
        """What has been read for it beside the writer, in the order in which it asks."""
        self.is_given_up = False
        """What is tried now is to set it aside."""
        self.is_started = False

    def is_wanted(self) -> bool:
        """Return False if the caller cancelled before it began. After this call the unit cannot be cancelled."""
        if self.is_started or not isinstance(self.future, Future):
            return True
        self.is_started = True
        return self.future.set_running_or_notify_cancel()


class _Line:
    """The units of one key, in order. `is_scheduled` is True while the line is ready, being served, or resting."""

    __slots__ = ("is_scheduled", "key", "waiting")

    def __init__(self, key: Hashable | None) -> None:
        self.key = key
        self.waiting: deque[_Work] = deque()
        self.is_scheduled = False


class _GroupLost(Exception):
    """The transaction is gone. This exception never leaves the module."""


class _Group:
    """The units of one transaction whose callers have no result yet."""

    __slots__ = ("done", "failed", "hooks", "lines")

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.done: list[tuple[_Work, Any]] = []
        self.failed: list[tuple[_Line, _Work, BaseException]] = []
        self.hooks: list[Callable[[], object]] = []

    def __len__(self) -> int:
        return len(self.done) + len(self.failed)


_Told = tuple[_Work, Any, BaseException | None]


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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._make = make
        self._vault = vault
        self._pause = pause
        self._collisions = collisions
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._lines: dict[Hashable, _Line] = {}
        self._ready: deque[_Line] = deque()
        self._resting: list[tuple[float, int, _Line]] = []
        self._numbers = itertools.count()
        self._reading = 0
        """Lines whose first unit waits for what is read beside the writer."""
        self._one_reading = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_closing = False
        self._letters: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
        self._letters_lock = threading.Lock()
        self.view: Callable[[], AbstractContextManager[U]] | None = None
        """Opens what is read beside the writer. Without it units read everything themselves."""
        self.replica_id: int | None = None
        """Of this process, once it has entered (storage.upkeep.presence)."""
        self.doubts = 0
        """Groups of which nobody knows whether they were committed: what they left may be in nobody's hands."""
        self.on_lost: Callable[[BaseException], object] = lambda error: None
        """Called with why, in whatever thread, when units could not be applied: the database is away, or a key is."""
        self.applied = 0
        """Units that are durable. With `commits`, whose count is the number of groups, it tells how many share one."""
        self.commits = Durations()

    # -------------------------------------------------------------- submitting
    def submit(
        self,
        key: Hashable | None,
        work: Callable[[U], T],
        *,
        tries: int = 1,
        give_up: Callable[[U, Exception], T] | None = None,
    ) -> "Future[T]":
        """Return a future for the result of `work`; it is set once the result is durable.

        `key` None means no order. A unit that fails is applied up to `tries` times. Then `give_up`, in a unit of its
        own, sets it aside; without `give_up` the future gets the last exception. The future gets Unavailable if the
        database cannot commit or nobody knows whether it did; then the caller must not acknowledge anything.
        """
        future: Future[T] = Future()
        self._enqueue(key, [_Work(work, tries, give_up, future, None)])
        return future

    async def run(
        self,
        key: Hashable | None,
        work: Callable[[U], T],
        *,
        tries: int = 1,
        give_up: Callable[[U, Exception], T] | None = None,
    ) -> T:
        """The same as `submit`, for asyncio. All results of one group wake the loop once.

        Cancelling the waiting task does not undo the unit: it may be committed already.
        """
        return await self.begin(key, work, tries=tries, give_up=give_up)

    def begin(
        self,
        key: Hashable | None,
        work: Callable[[U], T],
        *,
        tries: int = 1,
        give_up: Callable[[U, Exception], T] | None = None,
    ) -> "asyncio.Future[T]":
        """The same as `run`, but the unit is in its line when this returns."""
        [future] = self.begin_all(key, [(work, give_up)], tries=tries)
        return future

    def begin_all(
        self,
        key: Hashable | None,
        works: Sequence[tuple[Callable[[U], T], Callable[[U, Exception], T] | None]],
        *,
        tries: int = 1,
    ) -> "list[asyncio.Future[T]]":
        """The same as `begin`, for several units that enter the line before any is applied.

        If one is Unavailable, so are all after it.
        """
        loop = asyncio.get_running_loop()
        line = [_Work(work, tries, give_up, loop.create_future(), loop) for work, give_up in works]
        self._enqueue(key, line)
        return [work.future for work in line]  # type: ignore[misc]

    def close(self) -> None:
        """Apply every unit in line, tell every caller, and stop. Units that come later are Unavailable."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join()
        self._writer.close()

    def _enqueue(self, key: Hashable | None, works: list[_Work]) -> None:
        with self._changed:
            if not self._is_closing:
                line = _Line(None) if key is None else self._lines.get(key)
                if line is None:
                    line = self._lines[key] = _Line(key)
                line.waiting.extend(works)
                if not line.is_scheduled:
                    line.is_scheduled = True
                    self._ready.append(line)
                    self._changed.notify()
                    if len(self._ready) > self._idle and len(self._threads) < self._writer.threads:
                        self._start_thread()
                return
        self._tell([(work, None, Unavailable("the bot is stopping")) for work in works])

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"units-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    # -------------------------------------------------------------- serving
    def _serve(self) -> None:
        while (line := self._take(wait=True)) is not None:
            self._serve_group(line)

    def _take(self, *, wait: bool) -> _Line | None:
        """The next line that has a unit. None if there is none; with `wait`, None only if there will never be one."""
        with self._changed:
            while True:
                now = self._monotonic() if self._resting else 0.0
                while self._resting and self._resting[0][0] <= now:
                    self._ready.append(heapq.heappop(self._resting)[2])
                while self._ready:
                    line = self._ready.popleft()
                    if line.waiting:
                        return line
                    self._drop(line)
                if not wait or (self._is_closing and not self._resting and not self._reading):
                    return None
                self._idle += 1
                self._changed.wait(self._resting[0][0] - now if self._resting else None)
                self._idle -= 1

    def _serve_group(self, line: _Line | None) -> None:
        writer = self._writer
        group = _Group()
        begun = False
        took = 0.0
        try:
            with writer.connect() as connection:
                begun = True
                try:
                    while line is not None:
                        self._apply(connection, line, group)
                        line = self._take(wait=False) if len(group) < writer.group_size else None
                    if group.done:
                        if not writer.is_in_transaction(connection):
                            raise _GroupLost("the database dropped the transaction")
                        began = self._monotonic()
                        connection.commit()
                        took = self._monotonic() - began
                except BaseException:
                    writer.distrust(connection)
                    raise
        except Exception as error:  # noqa: BLE001
            # An error outside a unit concerns the whole group: a commit that failed or did not report its end, or a
            # broken connection. Telegram will bring these updates again.
            if line is not None and line not in group.lines:
                group.lines.append(line)
            self._lose(group, error, everybody=not begun)
            return
        self._settle(group, took)

    def _apply(self, connection: Connection, line: _Line, group: _Group) -> None:
        """Run the first unit of `line` inside the open transaction, and note the outcome."""
        writer = self._writer
        work = line.waiting[0]
        group.lines.append(line)
        if not work.is_wanted():
            self._advance(line)
            return
        unit = self._make(connection, self._vault, self.replica_id)
        if self.view is not None:
            unit.found = list(work.found)
        try:
            writer.begin(connection)
            result = work.function(unit)
            writer.end(connection)
        except BaseException as error:
            if not writer.is_in_transaction(connection) or writer.is_unavailable(error):
                raise _GroupLost from error
            writer.undo(connection)
            if isinstance(error, StopIteration):  # asyncio refuses it as the outcome of a future
                error = RuntimeError("a unit raised StopIteration")
            # The line stays out of `ready`: no unit of this key runs before this failure is settled.
            group.failed.append((line, work, error))
            return
        group.done.append((work, result))
        group.hooks.extend(unit.close())
        self._advance(line)

    def _advance(self, line: _Line) -> None:
        """The first unit of the line was applied: the next one may join the same group.

        With several threads, another thread would apply it before this group has committed. So there it waits for the
        commit.
        """
        with self._changed:
            line.waiting.popleft()
            if self._writer.threads == 1:
                self._go_on(line)

    def _go_on(self, line: _Line) -> None:
        if line.waiting:
            self._ready.append(line)
            self._changed.notify()
        else:
            line.is_scheduled = False

    def _settle(self, group: _Group, took: float) -> None:
        """The group is durable: run the hooks, give results to the units that succeeded, handle those that failed."""
        for hook in group.hooks:
            try:
                hook()
            except Exception:
                logger.exception("a hook failed after its unit had been committed")
        told: list[_Told] = [(work, result, None) for work, result in group.done]
        for _, _, error in group.failed:
            if isinstance(error, Unavailable):
                self.on_lost(error)
        with self._changed:
            if group.done:
                self.applied += len(group.done)
                self.commits.add(took)
            for line, work, error in group.failed:
                if isinstance(error, Unavailable):
                    told.extend(self._empty(line, str(error), error))
                    continue
                if isinstance(error, ReadFirst) and self.view is not None:
                    self._reading += 1
                    reading = partial(self._read_first, self.view, error.read, line, work)
                    threading.Thread(target=reading, name="reading-first", daemon=True).start()
                    continue
                if self._writer.is_collision(error):
                    work.collisions += 1
                    if work.collisions > self._collisions:
                        told.extend(self._empty(line, _reason(error), error))
                    else:
                        self._rest(line, self._pause * work.collisions)
                    continue
                work.failures += 1
                if isinstance(error, Exception) and work.failures < work.tries:
                    self._rest(line, self._pause * work.failures)
                    continue
                if isinstance(error, Exception) and work.give_up is not None:
                    work.function = _giving_up(work.give_up, error)
                    work.give_up = None
                    work.is_given_up = True
                else:
                    line.waiting.popleft()
                    told.append((work, None, error))
                    if work.is_given_up:
                        told.extend(self._empty(line, _reason(error), error))
                        continue
                self._ready.append(line)
            if self._writer.threads > 1:
                failed = {id(line) for line, _, _ in group.failed}
                for line in group.lines:
                    if id(line) not in failed:
                        self._go_on(line)
            for line in group.lines:
                if not line.is_scheduled and not line.waiting:
                    self._drop(line)
        self._tell(told)

    def _lose(self, group: _Group, error: Exception, *, everybody: bool) -> None:
        """Nothing of the group exists: its units and all in line behind them fail; with `everybody`, all lines fail."""
        reason = _reason(error)
        logger.warning("unavailable: %s", reason)
        self.on_lost(error)
        told: list[_Told] = [(work, None, _unavailable(reason, error)) for work, _ in group.done]
        with self._changed:
            self.doubts += bool(group.done)
            if everybody:
                group.lines.extend(self._ready)
                self._ready.clear()
            for line in group.lines:
                told.extend(self._empty(line, reason, error))
        self._tell(told)

    def _empty(self, line: _Line, reason: str, error: BaseException) -> list[_Told]:
        told: list[_Told] = [(work, None, _unavailable(reason, error)) for work in line.waiting]
        line.waiting.clear()
        if line not in self._ready:
            self._drop(line)
        return told

    def _read_first(
        self,
        view: Callable[[], AbstractContextManager[U]],
        read: Callable[[U], Any],
        line: _Line,
        work: _Work,
    ) -> None:
        """Read what the first unit of a line asked for, and let the line go on.

        If reading fails, the unit fails with that error.
        """
        with self._one_reading:  # the machine is small: one at a time
            found = _outcome(view, read)
        with self._changed:
            work.found = (*work.found, found)
            self._reading -= 1
            self._ready.append(line)
            self._changed.notify_all()

    def _rest(self, line: _Line, pause: float) -> None:
        heapq.heappush(self._resting, (self._monotonic() + pause, next(self._numbers), line))

    def _drop(self, line: _Line) -> None:
        line.is_scheduled = False
        if line.key is not None and self._lines.get(line.key) is line:
            del self._lines[line.key]

    # -------------------------------------------------------------- telling
    def _tell(self, told: list[_Told]) -> None:
        """Give out results. The results for one asyncio loop travel together and wake it once."""
        travelling: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
        for work, result, error in told:
            if work.loop is None:
                _answer(work, result, error)
            else:
                travelling.setdefault(work.loop, []).append((work, result, error))
        for loop, letters in travelling.items():
            with self._letters_lock:
                waiting = self._letters.get(loop)
                if waiting is not None:
                    waiting.extend(letters)
                    continue
                self._letters[loop] = letters
            try:
                loop.call_soon_threadsafe(self._deliver, loop)
            except RuntimeError:  # the loop is closed: nobody waits there any more
                with self._letters_lock:
                    self._letters.pop(loop, None)

    def _deliver(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._letters_lock:
            letters = self._letters.pop(loop)
        for work, result, error in letters:
            _answer(work, result, error)


def _answer(work: _Work, result: Any, error: BaseException | None) -> None:
    future = work.future
    if future.cancelled() or future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _outcome(view: Callable[[], AbstractContextManager[U]], read: Callable[[U], Any]) -> Callable[[], Any]:
    """A function for the unit that returns what was read, or raises what went wrong."""

    def fail() -> Any:
        raise failure

    try:
        with view() as unit:
            result = read(unit)
    except DBAPIError as error:  # of another connection: it says nothing about the unit's own transaction
        failure: Exception = StorageError(f"could not be read: {_reason(error)}")
        return fail
    except Exception as error:  # noqa: BLE001 - the unit fails with it
        failure = error
        return fail
    return lambda: result


def _giving_up(give_up: Callable[[Any, Exception], Any], failure: Exception) -> Callable[[Any], Any]:
    return lambda unit: give_up(unit, failure)


def _reason(error: BaseException) -> str:
    """One line for the log: the class and the driver's first line, never the parameters of a statement."""
    cause = error.__cause__ if isinstance(error, _GroupLost) and error.__cause__ else error
    original = getattr(cause, "orig", None) or cause
    first = str(original).partition("\n")[0]
    return f"{type(original).__name__}: {first}" if first else type(original).__name__


def _unavailable(reason: str, error: BaseException) -> Unavailable:
    failure = Unavailable(reason)
    failure.__cause__ = error.__cause__ if isinstance(error, _GroupLost) else error
    return failure
