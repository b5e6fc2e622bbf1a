"""Updates in: applied and committed first, acknowledged to Telegram after that (G1).

python-telegram-bot's `Updater` queues updates in memory and acknowledges them before any handler has run, so a kill
loses answers; and one update that it cannot parse makes it fetch the same batch for ever. Here Telegram itself is the
inbox. Polling acknowledges by the next call's offset, a webhook by its 200; neither happens before the unit of work
that applied the update is known to be durable.

The laws:
* The updates of one chat are applied in the order in which they came, each one when the one before has committed. If
  one fails because the database is away, those behind it fail too, and Telegram sends all of them again in order (G3).
* An update that fails five times is set aside as poison, with its type and the place of the failure, but without its
  content. The person is told in the same transaction, and the chat goes on.
* After an unclean end, the updates that may be its cause are applied alone, one at a time over all chats: the first
  to come, and later those that are older than these. Each has a mark that is durable before the update begins
  (`storage.messages.suspects`). An update that has killed the process three times is set aside like poison. After a
  clean end, no update has a mark.
* A chat that waits, retries or floods delays no other chat: the chats take turns, and waiting updates of one chat share
  commits. What a stranger sends in excess is acknowledged without being read (S16). What somebody else sends in excess
  is *kept* (`storage.messages.kept`): it is durable, but not applied yet, when it is acknowledged. Otherwise nobody
  would hear of the updates that Telegram has behind it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog

from bot.log import log_alarm, place_of
from bot.telegram.delivery import Delivery
from bot.telegram.giving_up import Deadly, Unmarked, if_it_can_be_said, no_apology, yield_up
from bot.telegram.handled import Alarm, Clock, Excuse, Handle, Handled, TapAnswer
from bot.telegram.raw import chat_of, update_type
from bot.telegram.strangers import Strangers
from bot.telegram.suspicion import Suspicion
from bot.telegram.waiting import BATCH, TRIES, Backlog, Line, Waiting
from storage.database.durations import Durations
from storage.database.unit import Opening
from storage.database.vault import key_unknown
from storage.errors import Unavailable
from storage.messages.kept import Kept
from storage.messages.suspects import DEATHS
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)

ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member")
OTHER_UPDATES: Final = "other"
WEBHOOK_FACT: Final = "telegram.webhook"

ALONE: Final = "alone"
"""The line of updates that are applied one at a time. The other lines are named by their chats."""
BURST: Final = 16
"""How many updates of one chat are begun together. They may share a commit; other chats wait for no more than these."""
KEPT_BURST: Final = 8
"""How many kept updates of a chat are begun together."""
AGAIN: Final = 1.0
"""Seconds before kept updates are tried again that could not be applied."""
EXCUSED_FOR: Final = 3600.0


class Intake:
    """Applies updates, each in its own unit and in its chat's order. Hands the rows they leave to the delivery."""

    def __init__(
        self,
        bot_id: int,
        units: Units,
        handle: Handle,
        delivery: Delivery,
        clock: Clock,
        *,
        strangers: Strangers | None = None,
        apologise: Handle = no_apology,
        excuse: Excuse | None = None,
        alarm: Alarm = log_alarm,
        most_waiting: int | None = None,
    ) -> None:
        """`most_waiting`: how many updates of one chat wait in memory; the others are kept. None: all do."""
        self._most_waiting = most_waiting
        self._left: dict[int, int] = {}
        """The first kept update of each chat, as it was found last."""
        self._resting: set[int] = set()
        """Chats whose kept updates are of before a restore, and wait until their person writes."""
        self._loop = asyncio.get_running_loop()
        self._is_ending = False
        self._last_alone: int | None = None
        self._bot_id = bot_id
        self._apologise = apologise
        self._excuse = excuse
        self._excused: dict[int, float] = {}
        """When each chat was told last that its own data cannot be opened."""
        self._alarm = alarm
        self._units = units
        self._handle = handle
        self._delivery = delivery
        self._clock = clock
        self._strangers = strangers or Strangers()
        self._lines: dict[int | str | None, Line] = {}
        self._suspicion = Suspicion()
        self._deaths: dict[int, int] = {}
        """Deaths that this process read from the mark of an update in flight. Its own tries do not count."""
        self._in_flight: dict[int, asyncio.Future[Handled]] = {}
        self._idle = asyncio.Event()  # set when it is ending and nothing is open any more
        self._open = 0
        # For metrics (bot.web.metrics).
        self.updates = dict.fromkeys((*ALLOWED_UPDATES, OTHER_UPDATES), 0)
        self.poisoned = 0
        self.dropped = 0
        """Updates of strangers in excess."""
        self.kept = 0
        """Updates that were acknowledged before their turn."""
        self.committing = Durations()
        """From an update's delivery to its commit."""

    def beware(self, updates: int = BATCH) -> None:
        """Apply so many of the next updates alone, and older ones that come later: one may have killed a process."""
        self._suspicion = Suspicion(updates)

    def apply(self, update: Mapping[str, Any], *, rides: bool = False) -> "asyncio.Future[Handled]":
        """Apply an update. The future is done when all its effects are durable; it fails with Unavailable if that is
        unknown.

        An update that is being applied already is not applied again: its future is returned. Its messages are sent
        whether or not anybody waits for the future. With `rides`, the caller sends the reply to its tap.
        """
        update_id = update["update_id"]
        running = self._in_flight.get(update_id)
        if running is not None:
            return running
        chat_id = chat_of(update)
        if chat_id is not None and not self._strangers.admits(chat_id, self._loop.time()):
            return self._drop(update)
        kind = update_type(update)
        self.updates[kind if kind in self.updates else OTHER_UPDATES] += 1
        if chat_id is not None and chat_id in self._resting:
            self._resting.remove(chat_id)
            self._look_behind(chat_id)

        def work(unit: UnitOfWork) -> Handled:
            if chat_id is not None and unit.kept.is_before(self._bot_id, chat_id, update_id):
                unit.kept.keep(self._bot_id, chat_id, [update], self._clock.now())
                return Handled(is_kept=True)
            return self._handle(unit, update, self._clock.now())

        waiting = self._waiting(work, partial(self._set_aside, update), chat_id, update_id)
        waiting.update, waiting.rides = update, rides
        self._in_flight[update_id] = waiting.future
        self._stand_in_line(waiting)
        return waiting.future

    def _drop(self, update: Mapping[str, Any]) -> "asyncio.Future[Handled]":
        """Acknowledge an update and do nothing else: no unit, no call.

        A webhook's own answer also stops the spinner of a tapped button, which costs nothing. A call for each tap would
        let a stranger use up the calls that Telegram allows us.
        """
        self.dropped += 1
        tapped = update.get("callback_query")
        query = tapped.get("id") if isinstance(tapped, Mapping) else None
        future: asyncio.Future[Handled] = self._loop.create_future()
        future.set_result(Handled(answer=TapAnswer(query) if isinstance(query, str) else None))
        return future

    def _set_aside(self, update: Mapping[str, Any], unit: UnitOfWork, error: Exception) -> Handled:
        """Stop trying this update, and tell its person and the operator. Another replica may have done so before."""
        update_id, type_of_update, now = update["update_id"], update_type(update), self._clock.now()
        reason = str(error) if isinstance(error, Deadly) else place_of(error)
        chat_id = chat_of(update)
        if not unit.inbox.set_aside(self._bot_id, update_id, type_of_update, reason, now, chat_id=chat_id):
            return Handled(is_repeated=True)
        kind = "repeated_deaths" if isinstance(error, Deadly) else "poison"
        unit.after_commit(partial(self._tell_poison, kind, update_id, type_of_update, reason))
        if isinstance(error, Deadly) and error.deaths > DEATHS:
            return Handled()  # the process died while it told the person
        return if_it_can_be_said(unit, lambda: self._apologise(unit, update, now))

    def _tell_poison(self, kind: str, update_id: int, type_of_update: str, reason: str) -> None:
        self.poisoned += 1
        logger.error("update.poison", update_id=update_id, type=type_of_update, reason=reason)
        self._alarm(kind, f"update {update_id} ({type_of_update}) was set aside: {reason}")

    def submit(
        self,
        chat_id: int | None,
        work: Callable[[UnitOfWork], Handled],
        give_up: Callable[[UnitOfWork, Exception], Handled],
    ) -> "asyncio.Future[Handled]":
        """Apply something else than an update in a chat's order: a downloaded file, for instance."""
        waiting = self._waiting(work, give_up, chat_id, None)
        self._stand_in_line(waiting)
        return waiting.future

    def _waiting(
        self,
        work: Callable[[UnitOfWork], Handled],
        give_up: Callable[[UnitOfWork, Exception], Handled],
        chat_id: int | None,
        update_id: int | None,
    ) -> Waiting:
        opening = None if update_id is None or chat_id is None else Opening(chat_id, self._bot_id, update_id)
        waiting = Waiting(work, give_up, chat_id, opening, self._done, self._loop)
        waiting.update_id = update_id
        self._open += 1
        return waiting

    def _stand_in_line(self, waiting: Waiting) -> None:
        """Put it at the end of its line. It begins at once if it is alone there."""
        chat_id, most = waiting.chat_id, self._most_waiting
        key = self._line_for(waiting)
        line = self._lines.get(key)
        self._put(key, [waiting])
        if line is None or most is None or chat_id is None:
            return
        if key == ALONE and (excess := line.excess_of(chat_id, most)) is not None:
            line = self._lines[chat_id] = Line(backlog=excess)
            for each in excess.first:
                each.future.add_done_callback(partial(self._taken, chat_id, excess))
            self._keep(chat_id, line)
        elif key != ALONE and line.keep_excess(most):
            self._keep(chat_id, line)

    def _put(self, key: int | str | None, several: list[Waiting]) -> None:
        """Put these at the end of a line. If it is new, they begin."""
        line = self._lines.get(key)
        if line is not None:
            line.waiting.extend(several)
        elif key is None:
            self._start(key, several)
        else:
            self._lines[key] = Line(waiting=deque(several))
            self._go_on(key)

    def _line_for(self, waiting: Waiting) -> int | str | None:
        """The chat's own line, or ALONE for a suspect and for what comes behind one of its chat: nothing overtakes."""
        chat_id, alone = waiting.chat_id, self._lines.get(ALONE)
        if chat_id in self._lines:
            return chat_id
        waiting.is_suspect = self._suspicion.falls_on(waiting.update_id)
        return ALONE if waiting.is_suspect or (alone is not None and alone.has(chat_id)) else chat_id

    async def settle(self, seconds: float) -> None:
        """Begin nothing more that is kept. Wait until nothing is being applied, at most for this many seconds."""
        self._is_ending = True
        self._note_idle()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("intake.unsettled", open=self._open)

    def _go_on(self, key: int | str) -> None:
        """Begin the work that waits in a line, once everything that was begun there is durable.

        The waiting updates begin together, and no more begin until all have ended: otherwise an update could overtake a
        lost one.
        """
        line = self._lines[key]
        if key == ALONE:
            self._go_on_alone(line)
            return
        if line.backlog is None:
            for _ in range(min(len(line.waiting), BURST)):
                line.begun.append(line.waiting.popleft())
        if line.begun:
            self._start(key, line.begun)
        elif line.backlog is not None:
            self._turn_back(int(key), line, line.backlog)
        else:
            del self._lines[key]

    def _go_on_alone(self, line: Line) -> None:
        """Begin the next suspect. The chats take turns. What waits behind none any more goes on in its chat's line."""
        for chat_id in line.behind_no_suspect():
            self._put(chat_id, line.take_of(chat_id))
        if not line.waiting:
            del self._lines[ALONE]
            return
        first = line.next_of_several(self._last_alone)
        assert first.update_id is not None, "a suspect is an update"
        self._last_alone = first.chat_id
        line.begun.append(first)
        marking = self._units.run(None, partial(self._mark, first.update_id, first.was_put_back), tries=TRIES)
        marking.add_done_callback(partial(self._marked, first))

    # -------------------------------------------------------------- what is kept
    async def resume(self) -> None:
        """Take up what an earlier process has kept. Call it before the first update is applied."""
        self._resting.update(await self._units.run(None, lambda unit: unit.kept.resting(self._bot_id)))
        self._left = await self._units.run(None, lambda unit: unit.kept.chats(self._bot_id))
        self._suspicion.widen(KEPT_BURST * len(self._left))
        for chat_id in self._left:
            self._look_behind(chat_id)

    async def take_over(self) -> None:
        """Take up what another process has kept and does not apply: it has ended, or it stands still."""
        left = await self._units.run(None, lambda unit: unit.kept.chats(self._bot_id))
        for chat_id in [chat_id for chat_id, first in left.items() if self._left.get(chat_id) == first]:
            self._look_behind(chat_id)
        self._left = left

    def _look_behind(self, chat_id: int) -> None:
        """Note that there are kept updates of this chat, which come before everything that has not begun."""
        line = self._lines.setdefault(chat_id, Line())
        line.backlog = line.backlog or Backlog()
        line.backlog.is_stored = True
        if not line.begun:
            self._go_on(chat_id)

    def _turn_back(self, chat_id: int, line: Line, behind: Backlog) -> None:
        """Turn to what is kept, now that nothing before it is being applied."""
        if behind.is_taking or (behind.writing and not behind.is_stored):
            return
        if not (behind.is_stored or behind.pending):
            line.backlog = None
            self._go_on(chat_id)
        elif not self._is_ending:
            behind.is_taking = True
            pause = 0.0 if behind.taken_at is None else min(self._loop.time() - behind.taken_at, AGAIN)
            self._loop.call_later(pause, self._read, chat_id, line, behind)

    def _read(self, chat_id: int, line: Line, behind: Backlog) -> None:
        behind.is_stored = False  # until something is found, or more is written
        behind.taken_at = self._loop.time()
        reading = self._units.run(None, lambda unit: unit.kept.first(self._bot_id, chat_id, KEPT_BURST))
        reading.add_done_callback(partial(self._take, chat_id, line, behind))

    def _keep(self, chat_id: int, line: Line) -> None:
        """Write what is in excess, and before it what has been begun: if that is lost, it is applied from here."""
        behind = line.backlog
        if behind is None or behind.writing or not behind.pending:
            return
        behind.writing = [behind.pending.popleft() for _ in range(min(len(behind.pending), BATCH))]
        updates = [each.update for each in (*behind.first, *behind.writing) if each.update is not None]
        now = self._clock.now()
        keeping = self._units.run(None, lambda unit: unit.kept.keep(self._bot_id, chat_id, updates, now), tries=TRIES)
        keeping.add_done_callback(partial(self._kept, chat_id, line, behind))

    def _kept(self, chat_id: int, line: Line, behind: Backlog, keeping: "asyncio.Future[None]") -> None:
        """Let those be acknowledged that are kept. If they could not be, those behind them are not either."""
        written, behind.writing = behind.writing, []
        error = asyncio.CancelledError() if keeping.cancelled() else keeping.exception()
        if error is None:
            behind.is_stored = True
            behind.stored += len(written)
            self.kept += len(written)
            for each in behind.first:
                each.rides = False
                self._resolve(each, Handled())  # it may take long: whoever is behind it does not wait for that either
            behind.first.clear()
            for each in written:
                self._tell(each, Handled())
        else:
            reason = str(error) if isinstance(error, Unavailable) else place_of(error)
            for each in (*written, *behind.pending):
                self._tell(each, Unavailable(reason))
            behind.pending.clear()
        self._keep(chat_id, line)
        if not line.begun:
            self._go_on(chat_id)
        self._note_idle()

    def _take(self, chat_id: int, line: Line, behind: Backlog, reading: "asyncio.Future[list[Kept]]") -> None:
        """Begin the next kept updates; alone, if one of them may have killed a process."""
        error = asyncio.CancelledError() if reading.cancelled() else reading.exception()
        if self._is_ending:
            return  # it is being taken for ever, so that nothing overtakes it
        if error is not None:
            if (locked := key_unknown(error)) is not None:
                self._alarm("keys", str(locked))
                self._tell_locked(chat_id)
            self._take_later(chat_id, behind)
            return
        found = [self._of_backlog(chat_id, behind, kept) for kept in reading.result()]
        behind.stored = max(0, behind.stored - len(found))
        behind.is_stored |= bool(found)
        if found and self._suspicion.falls_on(found[0].update_id, len(found)):
            for each in found:
                each.is_suspect = True
            found[-1].future.add_done_callback(partial(self._taken, chat_id, behind))
            self._put(ALONE, found)
        elif found:
            behind.is_taking = False
            line.begun.extend(found)
            self._start(chat_id, line.begun)
        else:
            self._taken(chat_id, behind)

    def _of_backlog(self, chat_id: int, behind: Backlog, kept: Kept) -> Waiting:
        """Make the work of a kept update: apply it, drop it, or set it aside, and forget it."""
        update = kept.update
        is_dropped = behind.uncounted > 0 and not self._strangers.admits(chat_id, self._loop.time())
        behind.uncounted = max(0, behind.uncounted - 1)
        self.dropped += is_dropped

        def work(unit: UnitOfWork) -> Handled:
            if is_dropped:
                return Handled()
            if kept.broken is not None:
                raise kept.broken
            return self._handle(unit, update, self._clock.now())

        def apply_and_remove(apply: Callable[..., Handled], unit: UnitOfWork, *failure: Exception) -> Handled:
            handled = apply(unit, *failure)
            unit.kept.remove(self._bot_id, kept.update_id)
            return handled

        give_up = partial(apply_and_remove, partial(self._set_aside, update))
        return self._waiting(partial(apply_and_remove, work), give_up, chat_id, kept.update_id)

    def _take_later(self, chat_id: int, behind: Backlog) -> None:
        behind.is_taking = behind.is_stored = True  # nobody sends again what is kept
        self._loop.call_later(AGAIN, self._taken, chat_id, behind)

    def _taken(self, chat_id: int, behind: Backlog, *_: object) -> None:
        behind.is_taking = False
        self._go_on(chat_id)

    def _start(self, key: int | str | None, burst: Sequence[Waiting]) -> None:
        for each in burst:
            each.key = key
            if key == ALONE:
                each.opening, each.shares = None, False
        self._units.enqueue(burst[0].chat_id, burst)

    def _mark(self, update_id: int, was_put_back: bool, unit: UnitOfWork) -> "int | Unmarked":
        """Mark an update and return how often an earlier process died of it alone.

        It is not marked if it is applied already, or if it gives way to the other chats first. If the outcome of the
        commit is unknown, the same value is written again: only another process counts further.
        """
        if unit.inbox.has_seen(self._bot_id, update_id):
            return Unmarked.APPLIED
        if update_id not in self._deaths:
            self._deaths[update_id] = unit.suspects.found("update", self._bot_id, update_id)
        deaths = self._deaths[update_id]
        if deaths == DEATHS - 1 and not was_put_back:
            return Unmarked.LATER
        unit.suspects.mark("update", self._bot_id, [update_id], deaths + 1, self._clock.now())
        return deaths

    def _marked(self, waiting: Waiting, marking: "asyncio.Future[int | Unmarked]") -> None:
        """Begin an update whose mark is durable, or set it aside if it has killed the process too often."""
        error = asyncio.CancelledError() if marking.cancelled() else marking.exception()
        if error is not None:
            self._done(waiting, error)
            return
        deaths, update_id = marking.result(), waiting.update_id
        if deaths is Unmarked.LATER:
            self._put_back(waiting)
            return
        if isinstance(deaths, int) and update_id is not None:
            work, give_up = waiting.function, waiting.give_up
            if deaths >= DEATHS:
                work = partial(yield_up, waiting.give_up, Deadly(deaths))
            waiting.function = partial(self._outlive, update_id, work)
            waiting.give_up = partial(self._outlive, update_id, give_up)
        self._start(ALONE, [waiting])

    def _put_back(self, waiting: Waiting) -> None:
        """Apply the other chats of the line first. What waits of this chat stays behind the update, in its order."""
        line = self._lines[ALONE]
        waiting.was_put_back = True
        line.begun.popleft()
        of_chat = line.take_of(waiting.chat_id)
        line.waiting.extend((waiting, *of_chat))
        self._go_on(ALONE)

    def _outlive(self, update_id: int, apply: Callable[..., Handled], unit: UnitOfWork, *failure: Exception) -> Handled:
        """Apply an update or set it aside, and remove its mark in the same unit."""
        handled = apply(unit, *failure)
        unit.suspects.clear("update", self._bot_id, update_id)
        return handled

    def _done(self, waiting: Waiting, outcome: Handled | BaseException) -> None:
        """Start the consequences of a unit that has ended, committed or not. They start in the order of the commits."""
        if waiting.is_told:  # an earlier update of its line was lost
            return
        if isinstance(outcome, BaseException):
            self._fail(waiting, outcome)
        else:
            self._follow(waiting, outcome)
        self._note_idle()

    def _follow(self, waiting: Waiting, handled: Handled) -> None:
        chat_id, key = waiting.chat_id, waiting.key
        if waiting.update_id is not None:
            self._deaths.pop(waiting.update_id, None)
            self.committing.add(self._loop.time() - waiting.since)
        if handled.answer is not None and not waiting.rides:
            self._delivery.answer(handled.answer)
        if handled.is_repeated and chat_id is not None:
            self._delivery.look_after(chat_id)
        if handled.deliveries:
            self._delivery.feed(handled.deliveries)
        self._tell(waiting, handled)
        if key is None:
            return
        if handled.is_kept and chat_id is not None:
            self._look_behind(chat_id)
        if handled.is_stranger is not None and chat_id is not None:
            self._meet(key, chat_id, is_stranger=handled.is_stranger)
        line = self._lines[key]
        line.begun.popleft()
        if not line.begun:
            self._go_on(key)

    def _fail(self, waiting: Waiting, error: BaseException) -> None:
        chat_id = waiting.chat_id
        if chat_id is not None:
            self._delivery.look_after(chat_id)  # it may have been committed all the same
            if waiting.update_id is not None and key_unknown(error) is not None:
                self._tell_locked(chat_id)
        if not isinstance(error, Unavailable):
            logger.error("update.not_set_aside", reason=place_of(error))
            error = Unavailable("an update could neither be applied nor set aside")
        for each in self._lose(waiting.key, waiting):
            if each.is_suspect:
                self._suspicion.give_back()
            failure = Unavailable(*error.args)
            failure.__cause__ = key_unknown(error) if each.chat_id == chat_id else None
            self._tell(each, failure)

    def _lose(self, key: int | str | None, waiting: Waiting) -> list[Waiting]:
        """Empty a line, and return what was in it. What is kept, and what is behind that, stays."""
        if key is None:
            return [waiting]
        line = self._lines.pop(key)
        lost = [*line.begun, *line.waiting]
        if line.backlog is None:
            return lost
        self._lines[key] = line
        line.begun.clear()
        line.waiting.clear()
        self._take_later(int(key), line.backlog)
        return lost

    def _note_idle(self) -> None:
        if self._is_ending and not self._open:
            self._idle.set()

    def _tell_locked(self, chat_id: int) -> None:
        """Tell the person, now and then, that a key is missing. Telegram repeats the update until the key is there."""
        at = self._loop.time()
        if self._excuse is None or at < self._excused.get(chat_id, float("-inf")) + EXCUSED_FOR:
            return
        self._excused = {chat: when for chat, when in self._excused.items() if at < when + EXCUSED_FOR} | {chat_id: at}
        excuse, now = self._excuse, self._clock.now()
        telling = self._units.run(None, lambda unit: excuse(unit, chat_id, now))
        telling.add_done_callback(self._told)

    def _told(self, telling: "asyncio.Future[Handled]") -> None:
        if not telling.cancelled() and telling.exception() is None:
            self._delivery.feed(telling.result().deliveries)

    def _tell(self, waiting: Waiting, outcome: Handled | Unavailable) -> None:
        self._open -= 1
        waiting.is_told = True
        self._resolve(waiting, outcome)

    def _resolve(self, waiting: Waiting, outcome: Handled | Unavailable) -> None:
        """Give the outcome to whoever waits for it, unless they have one."""
        future, update_id = waiting.future, waiting.update_id
        if update_id is not None and self._in_flight.get(update_id) is future:
            del self._in_flight[update_id]
        if future.done():
            return
        if isinstance(outcome, Unavailable):
            future.set_exception(outcome)
            future.exception()  # nobody may wait (a webhook's client that left): then a failure needs no complaint
        else:
            future.set_result(outcome)

    def _meet(self, key: int | str, chat_id: int, *, is_stranger: bool) -> None:
        """Note whether this chat is a stranger's. If so, drop what waits in it beyond the limit."""
        at = self._loop.time()
        is_new = is_stranger and chat_id not in self._strangers
        self._strangers.meet(chat_id, at, is_stranger=is_stranger)
        if not is_new:
            return
        own = self._lines.get(chat_id)
        if own is not None and (behind := own.backlog) is not None:
            behind.uncounted = behind.stored + len(behind.writing) + len(behind.pending)
        line = self._lines[key].waiting
        for waiting in [line.popleft() for _ in range(len(line))]:
            if waiting.update is None or waiting.chat_id != chat_id or self._strangers.admits(chat_id, at):
                line.append(waiting)
            else:
                self.dropped += 1
                self._tell(waiting, Handled())
