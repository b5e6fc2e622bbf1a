"""From the outbox to the Bot API: committed rows are sent as soon as Telegram takes them, and outcomes are recorded.

* Every call passes one gate (`pacer`): an even pace, replies before fan-out, and the window of a 429.
* Each chat has a lane (`lanes`): its rows go out one at a time, in the order in which they were committed.
* A call is prepared and made (`calls`), `verdict` decides by its outcome, and the decision is recorded (`recording`).
* What a call needs is read, drawn and opened first. Then comes its turn, then the database learns that it begins, then
  it is made at once. So if we die, only what was really on its way is in doubt.

A row is ours while its lease runs and we live. The rows of a dead replica are taken over at once
(`storage.upkeep.presence`). Whether we count as living we know only while our presence is sure. While it is not, no
call begins. If we were taken for dead, what we had in hand is handed back; no row that another has claimed is changed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, assert_never

import structlog

from bot.log import log_alarm
from bot.settings import SEND_RATE
from bot.stopping import until
from bot.telegram import errors
from bot.telegram.api import Api
from bot.telegram.calls import Call, Calls, OpenFile, open_path
from bot.telegram.handled import Alarm, Clock, TapAnswer, TokenRejected
from bot.telegram.in_hand import (
    Asked,
    Note,
    SecondLook,
    as_claimed,
    find_left,
    is_taken_back,
    lease_of_call,
    look,
)
from bot.telegram.lanes import Held, Lane, Lanes
from bot.telegram.methods import answer_payload
from bot.telegram.outcomes import NotSent, Outcome, Rejected, RetryAfter
from bot.telegram.pacer import ChatPace, Pacer, Slots, Window
from bot.telegram.recording import Recorder
from bot.telegram.verdict import BACK_OFF, Again, HandBack, LetGo, Settle, Verdict, weigh
from storage.database.durations import Durations
from storage.database.vault import key_unknown
from storage.errors import Unavailable
from storage.messages import outbox
from storage.messages.leases import Watch
from storage.messages.outbox import LEASE, REPLIES, Ambiguous, OutboxRow, Sent, Undeliverable, Unreachable
from storage.unit_of_work import Units

logger = structlog.get_logger(__name__)

ANSWERS_IN_FLIGHT: Final = 64
LAST_CALL_FACT: Final = "telegram.last_call_at"
LIFE_EVERY: Final = 30.0
RENEWED_WITH: Final = 20.0
"""Seconds: what waits in our hands gets a new lease when it has fewer left. Every few seconds, not at every look."""
SURE_AGAIN: Final = 0.1
"""Seconds between two looks whether our presence is sure again."""


class Delivery:
    """Sends outbox rows.

    Call `start`, then `feed` with rows that were just committed, while `run` goes on until `stop`. Its tasks live in
    the group that it is given. `TokenRejected` ends that group.
    """

    def __init__(
        self,
        api: Api,
        units: Units,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        *,
        rate: float = SEND_RATE,
        in_flight: int = 100,
        sweep_every: float = 2.0,
        back_off: Sequence[float] = BACK_OFF,
        open_file: OpenFile = open_path,
        second_look: SecondLook = as_claimed,
        is_held: Callable[[], bool] = lambda: False,
        is_sure: Callable[[], bool] = lambda: True,
        alarm: Alarm = log_alarm,
    ) -> None:
        """`is_sure`: whether nobody can have taken over what we have in hand."""
        self._api = api
        self._units = units
        self._clock = clock
        self._tasks = tasks
        self._sweep_every = sweep_every
        self._back_off = back_off
        self._second_look = second_look
        self._is_fan_out_held = is_held
        self._is_sure = is_sure
        self._alarm = alarm
        self._time = asyncio.get_running_loop().time

        self._window = Window(clock)
        self._pacer = Pacer(rate)
        self._pace = ChatPace(is_paced=rate > 0)
        self._reply_slots = Slots(max(1, in_flight * 4 // 5))
        self._fan_out_slots = Slots(max(1, in_flight // 8))
        self._fan_out_turn = asyncio.Lock()
        """Held from a turn until its call begins, so that slow commits do not bring the calls together."""

        self._lanes = Lanes()
        self._doubts = 0
        """How many commits in doubt have been checked."""
        self._answering = 0
        self._noted_life_at = float("-inf")
        self._watch = Watch()
        self._recorded_meanwhile: list[Note] | None = None
        """What was recorded while we look into the outbox; None: we do not look."""
        self._pauses: dict[int, tuple[float, datetime]] = {}
        """Until when each row rests that we handed back: on the clock that never jumps, and as the database has it."""

        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._abandon = asyncio.Event()
        self._calls = Calls(api, units, open_file, lambda: not self._abandon.is_set())
        self._has_ended = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._recorder = Recorder(units, clock, tasks, self._abandon, self._recorded)
        self.counts: Counter[tuple[str, str]] = Counter()
        """(kind, outcome) → how often. This and the next ones are for metrics."""
        self.retries = 0
        self.replying = Durations()
        """From the commit of an update to the end of the first call that answers it."""

    # -------------------------------------------------------------- life
    async def start(self) -> None:
        """Find the rows that wait from before. Call it before the first update is applied."""
        now = self._clock.now()
        chats, reopens_at = await self._units.run(None, partial(find_left, now=now))
        for chat_id in chats:
            self._lanes.park(chat_id)
        if reopens_at is not None:
            self._window.restore((reopens_at - now).total_seconds())
        self._wake.set()

    async def run(self) -> None:
        """Sweep until `stop`. Then send the rows in hand for a moment, hand back the rest, and record all outcomes."""
        try:
            await self._sweep_until_stopped()
            await until(self._idle, 2.0)
            self._abandon.set()
            await until(self._idle, 2.0)
            await until(self._recorder.idle, 1.0)
        finally:  # also if the stop was broken off: nobody sends what is committed from now on
            self._abandon.set()
            self._has_ended = True

    async def _sweep_until_stopped(self) -> None:
        while not self._stop.is_set():
            await self._wait_for_work()
            if self._stop.is_set():
                break
            try:
                await self._sweep()
                await self._note_life()
            except Unavailable as error:
                logger.debug("outbox.unavailable", reason=str(error))
                await until(self._stop, 1.0)
                self._wake.set()
            except Exception:  # the boundary of what all rows share
                logger.exception("outbox.sweep_defect")
                await until(self._stop, 1.0)

    def stop(self) -> None:
        """Let `run` end. Call it after the intake has stopped; otherwise its last replies wait for the next start."""
        self._stop.set()
        self._wake.set()

    def wake(self) -> None:
        """Look into the outbox now: somebody committed queued rows."""
        self._wake.set()

    def look_after(self, chat_id: int) -> None:
        """Look for rows of this chat now: committed rows may exist that nobody has in hand.

        Let no later row overtake them.
        """
        self._lanes.park(chat_id)
        self._wake.set()

    def disown(self) -> None:
        """Begin no call for what is in hand: we were taken for dead, and another process may have taken it over.

        It is handed back. What was committed since is still ours then, and the rest is sent by whoever has claimed it.
        """
        self._lanes.disown()

    @property
    def is_held(self) -> bool:
        """Whether a 429 forbids every call at this moment."""
        return self._window.left() > 0

    @property
    def held_for(self) -> float:
        """Seconds until the window of a 429 ends; 0 outside one."""
        return self._window.left()

    @property
    def pending(self) -> int:
        """Rows in hand."""
        return len(self._lanes.rows)

    async def _wait_for_work(self) -> None:
        await until(self._wake, self._sweep_every)
        self._wake.clear()

    async def _note_life(self) -> None:
        """Store, now and then, when Telegram last answered us, for other commands."""
        ago = self._api.answered_ago
        steady = self._clock.monotonic()
        if ago is None or steady - self._noted_life_at < LIFE_EVERY:
            return
        self._noted_life_at = steady
        now = self._clock.now()
        at = (now - timedelta(seconds=ago)).isoformat()
        await self._units.run(None, lambda unit: unit.facts.set(LAST_CALL_FACT, at, now))

    # -------------------------------------------------------------- what comes in
    def feed(self, rows: Iterable[OutboxRow]) -> None:
        """Send these rows: replies born `sending`, just committed, in order. Returns at once.

        Fan-out among them is born `queued`: it is not ours before the sweep has claimed it. If a slow unit commits
        after the end of `run`, the next start takes over its rows.
        """
        if self._has_ended:
            return
        fed_at = self._time()
        now, ours_until = self._clock.now(), self._clock.monotonic() + LEASE.total_seconds()
        for row in rows:
            if row.kind not in REPLIES:
                self._wake.set()
                continue
            if self._lanes.is_found(row) or not self._lanes.take(row):
                continue
            if row.is_behind or row.chat_id in self._lanes.parked or self._abandon.is_set():
                self._hand_back(row)
            else:
                age = max(0.0, (now - row.created_at).total_seconds())
                self._enqueue(Held(row, ours_until - age, fed_at))
                fed_at = 0.0

    def answer(self, answer: TapAnswer) -> None:
        """Stop a button's spinner at once, without waiting. A failure does not matter."""
        if self._answering >= ANSWERS_IN_FLIGHT or self._abandon.is_set():
            return
        self._answering += 1
        self._tasks.create_task(self._answer(answer))

    async def _answer(self, answer: TapAnswer) -> None:
        try:
            if not self.is_held:  # asked here: a 429 may have come since the tap
                await self._api.call("answerCallbackQuery", answer_payload(answer), timeout=5.0)
        except errors.RetryAfter as error:
            self._close_window(errors.seconds_of(error))
        except errors.TelegramError:
            pass  # older than 150 s, answered already, or the network: the button stops by itself
        finally:
            self._answering -= 1

    def _enqueue(self, held: Held) -> None:
        lane = self._lanes.put(held)
        if lane is not None:
            self._idle.clear()
            self._tasks.create_task(self._drain(lane))

    async def _sweep(self) -> None:
        """Look into the outbox, unless we may send nothing or do not know what was sent.

        The look may read a row just before its outcome is recorded, and we may hear of the record first (PostgreSQL has
        two connections). So what is recorded meanwhile stays in hand until we have heard of the look.
        """
        if self.is_held and not self._window.is_in_doubt:
            return
        if self._recorder.is_stuck:
            return  # an outcome that is not recorded yet must not be settled as expired
        meanwhile: list[Note] = []
        self._recorded_meanwhile = meanwhile
        try:
            await self._look()
        finally:
            self._recorded_meanwhile = None
            self._recorded(meanwhile)

    async def _look(self) -> None:
        """Settle expired leases by kind, and claim rows that are queued and due."""
        now, steady = self._clock.now(), self._clock.monotonic()
        lanes = self._lanes
        is_silent = self.is_held or self._window.is_in_doubt
        room = 0 if self._is_fan_out_held() or is_silent else lanes.room
        parked, in_hand = dict(lanes.parked), frozenset(lanes.rows)
        # Rows of these chats are counted as in hand, but will not be when the unit has ended.
        returning = frozenset(lanes.returning)
        doubts = self._units.doubts
        over = {id: at for id, (ends_at, at) in self._pauses.items() if ends_at <= steady}
        overslept = tuple(id for id, at in over.items() if at > now)
        waiting = {held.row.id: held for held in lanes.waiting(steady + RENEWED_WITH)}
        asked = Asked(
            room,
            frozenset(parked),
            in_hand,
            returning,
            is_in_doubt=doubts != self._doubts,
            overslept=overslept,
            waiting=tuple(waiting),
        )
        found = await self._units.run(
            None,
            partial(
                look,
                now=now,
                asked=asked,
                watch=self._watch,
                steady=self._clock.monotonic,
                second_look=self._second_look,
            ),
        )
        self._doubts = doubts
        for id in over:
            self._pauses.pop(id, None)
        for error in found.locked:
            self._alarm("keys", str(error))
        for id, attempts in found.renewed.items():
            held = waiting[id]
            if attempts == held.row.attempts and not held.has_begun:
                held.ours_until = steady + LEASE.total_seconds()
        for row in found.rows:
            if lanes.find(row) if row.id in found.ours else lanes.take(row):
                self._enqueue(Held(row, steady + LEASE.total_seconds()))
        lanes.unpark({chat: number for chat, number in parked.items() if chat not in found.waiting | returning})
        if found.is_more:
            self._wake.set()

    # -------------------------------------------------------------- a lane
    async def _drain(self, lane: Lane) -> None:
        """Send the rows of a lane, the oldest first. When this returns, all are settled or handed back."""
        try:
            while lane.held:
                held = lane.held[0]
                try:
                    self._follow(lane, held, await self._try(held))
                except TokenRejected:
                    raise
                except Exception as error:  # the boundary of one outbox row
                    row = held.row
                    logger.exception("outbox.defect", row=row.id, kind=row.kind, method=row.method)
                    self._settle(lane, Settle(Undeliverable(f"defect: {type(error).__name__}")))
        finally:
            self._lanes.end(lane)
            if not self._lanes:
                self._idle.set()

    def _follow(self, lane: Lane, held: Held, verdict: Verdict) -> None:
        """Do what the verdict says of the first row of a lane. The row leaves the lane, unless it is tried again."""
        match verdict:
            case Settle():
                self._settle(lane, verdict)
            case HandBack(pause, is_retry):
                self.retries += is_retry
                self._hand_back_lane(lane, pause, held.tried.doubts)
            case LetGo():
                self._let_go(lane)
            case Again(tried, pause, is_retry):
                self.retries += is_retry
                if is_retry:
                    tried = replace(tried, has_failed=True)
                held.tried = replace(tried, retry_at=self._time() + pause) if pause else tried
            case _:
                assert_never(verdict)

    async def _try(self, held: Held) -> Verdict:
        """Make the call if it may be made now. Otherwise wait, for a moment or until nothing prevents it."""
        held.asks = held.is_reply and self._window.ask(held.row.chat_id)  # somebody waits for it
        try:
            hindrance = self._hindrance(held)
            if hindrance is None:
                if (call := self._calls.at_hand(held)) is not None:
                    return await self._call_in_turn(held, call)
                return await self._prepare(held)
            if isinstance(hindrance, HandBack):
                return hindrance
            await until(*hindrance)
            return Again(held.tried)
        except Unavailable as error:  # the database is away, or a key is, which says nothing about this row
            if (locked := key_unknown(error)) is not None:
                self._alarm("keys", str(locked))
            return HandBack(1.0)
        finally:
            if held.asks:
                self._window.asked()

    def _hindrance(self, held: Held) -> HandBack | tuple[asyncio.Event, float] | None:
        """Return what prevents the call: an event to wait for, for so many seconds at most. None: nothing does."""
        if self._abandon.is_set():
            return HandBack()
        row, tried = held.row, held.tried
        wait = max(0.0, self._window.left(row.chat_id), self._chat_wait(held))
        if tried.retry_at:
            wait = max(wait, tried.retry_at - self._time())
        is_for_later = not held.has_begun and self._window.is_in_doubt  # else its lease would be renewed for hours
        if is_for_later or not held.has_time(self._clock.monotonic() + wait):
            return HandBack(wait)
        if wait > 0:
            return self._abandon, min(wait, 1.0)  # in steps, so that a clock moved by hand is noticed
        if not self._is_sure():
            return self._abandon, SURE_AGAIN
        last_is_recorded = self._recorder.unrecorded(row.chat_id) if held.makes_message or tried.is_anew else None
        return None if last_is_recorded is None else (last_is_recorded, 1.0)

    async def _prepare(self, held: Held) -> Verdict:
        """Read, draw and open what the call needs, then make it in its turn."""
        row, tried = held.row, held.tried
        if tried.has_failed and await self._units.run(None, partial(is_taken_back, row=row)):
            return HandBack()
        with ExitStack() as opened:
            call = await self._calls.prepare(row, opened, is_anew=tried.is_anew)
            if isinstance(call, Call):
                return await self._call_in_turn(held, call, has_waited=True)
            self._count(held, call)
            return weigh(row, call, tried, self._back_off)

    async def _call_in_turn(self, held: Held, call: Call, *, has_waited: bool = False) -> Verdict:
        """Wait for a turn, make the call, and decide by its outcome.

        `has_waited`: since it was asked what prevents the call, so it is asked again.
        """
        slots = self._reply_slots if held.is_reply else self._fan_out_slots
        if (slot := slots.take()) is not None:
            await slot
            has_waited = True
        try:
            # Take no turn without using it: if turns are rare, none would be left.
            if has_waited and self._is_shut(held):
                return Again(held.tried)
            if not held.has_begun:
                if (verdict := await self._begin(held)) is not None:
                    return verdict
                has_waited = True
            elif (turn := self._pacer.turn(is_reply=held.is_reply)) is not None:
                await turn
                has_waited = True
            if has_waited and self._is_shut(held):
                return Again(held.tried) if held.is_reply else HandBack()
            held.called_at = self._clock.now()
            outcome = await self._calls.make(call)
        finally:
            slots.give()
        self._count(held, outcome)
        if held.asks or not isinstance(outcome, Sent):
            await self._heed(held, outcome)
        return weigh(held.row, outcome, held.tried, self._back_off)

    async def _begin(self, held: Held) -> Verdict | None:
        """Wait for the turn of fan-out, and note in the database that its call begins. A verdict: it must not."""
        row = held.row
        async with self._fan_out_turn:
            if self._is_shut(held):
                return Again(held.tried)
            if (turn := self._pacer.turn(is_reply=False)) is not None:
                await turn
            # After the turn: a row that still waits for a turn is not in doubt if we die.
            if self._is_shut(held):
                return Again(held.tried)
            steady, lasts = self._clock.monotonic(), lease_of_call(row)
            lease_until = self._clock.now() + lasts
            if not await self._units.run(None, lambda unit: unit.outbox.begin(row, lease_until)):
                return LetGo()
            held.begins(steady + lasts.total_seconds())
            return None

    async def _heed(self, held: Held, outcome: Outcome) -> None:
        """Learn from an outcome for other calls. Stop them if Telegram wants silence, or does not know our token."""
        row = held.row
        match outcome:
            case RetryAfter(seconds):
                self._close_window(seconds, row.chat_id)
                if held.makes_message:
                    self._pace.refused(row.chat_id, self._time())
            case Rejected(reason):
                if await self._api.is_rejected():
                    logger.critical("telegram.token_rejected", reason=reason)
                    raise TokenRejected
                self._alarm("method_refused", row.method)
            case NotSent() | Ambiguous():
                pass
            case _ if held.asks:
                self._window.heard()
                logger.warning("telegram.retry_after_of_one_chat")
                self._wake.set()

    # -------------------------------------------------------------- what follows
    def _settle(self, lane: Lane, verdict: Settle) -> None:
        held = lane.held.popleft()
        row = held.row
        self._recorder.note(self._calls.note(held, verdict.outcome, is_card_gone=verdict.is_card_gone))
        match verdict.outcome:
            case Undeliverable(reason):
                logger.warning("outbox.undeliverable", row=row.id, kind=row.kind, method=row.method, reason=reason)
            case Unreachable(reason):
                # One attempt was enough: drop everything else that the bot wanted to send them by itself.
                logger.info("person.unreachable", row=row.id, kind=row.kind, reason=reason)
                for dropped in self._lanes.drop_fan_out(row.chat_id, lane):
                    self._recorder.note(Note(dropped, Undeliverable(reason)))

    def _let_go(self, lane: Lane) -> None:
        """Drop the first row of a lane, which is not ours any more: nothing is sent, nothing recorded."""
        self._forget(lane.held.popleft().row, None)

    def _hand_back_lane(self, lane: Lane, wait: float, doubts: int) -> None:
        """Hand the rows of a lane back to the outbox: they cannot be sent while they are certainly ours.

        `doubts`: how often the first of them may have been delivered meanwhile.
        """
        while lane.held:
            self._hand_back(lane.held.popleft().row, wait, doubts)
            doubts = 0

    def _hand_back(self, row: OutboxRow, wait: float = 0.0, doubts: int = 0) -> None:
        self._lanes.returns(row)
        at, pause = None, max(wait, self._window.left(row.chat_id))
        if pause > 0:
            at = self._clock.now() + timedelta(seconds=pause)
            self._pauses[row.id] = self._clock.monotonic() + pause, at
        self._recorder.note(Note(row, outbox.RetryAfter(at, "handed back", doubts)))

    def _recorded(self, notes: Sequence[Note]) -> None:
        if self._recorded_meanwhile is not None:
            self._recorded_meanwhile.extend(notes)
            return
        for note in notes:
            self._forget(note.row, note.outcome)

    def _forget(self, row: OutboxRow, outcome: outbox.Outcome | None) -> None:
        if self._lanes.forget(row, outcome) and not self.is_held:
            self._wake.set()

    # -------------------------------------------------------------- when
    def _is_shut(self, held: Held) -> bool:
        """Whether a call must not begin just now."""
        is_ours = held.has_time(self._clock.monotonic()) and self._is_sure()
        return not is_ours or self._window.left(held.row.chat_id) > 0 or self._abandon.is_set()

    def _chat_wait(self, held: Held) -> float:
        if not held.is_reply:
            return self._pace.fan_out_wait(held.row.chat_id)
        return self._pace.reply_wait(held.row.chat_id) if held.makes_message else 0.0

    def _close_window(self, seconds: float, chat_id: int | None = None) -> None:
        """Send nothing for so many seconds, because Telegram wants silence: at least to this chat."""
        reopens_at = self._window.close(seconds, chat_id)
        logger.warning("telegram.retry_after", seconds=seconds, is_for_all=not self._window.is_in_doubt)
        if reopens_at is not None:
            self._recorder.note_window(reopens_at)

    def _count(self, held: Held, outcome: Outcome) -> None:
        row = held.row
        self.counts[row.kind, type(outcome).__name__] += 1
        now = self._time()
        if held.fed_at and isinstance(outcome, Sent):
            self.replying.add(now - held.fed_at)
        self._pace.called(row.chat_id, now, made_message=held.makes_message)
