"""Outbox → Bot API: what was committed is sent as soon as Telegram takes it, and what became of it is recorded.

Telegram allows about 30 messages a second, one a second in a chat, answers 429 with hours when that is crossed,
never forgets a message it was sent twice, and often fails without saying whether it has acted. So

* every call passes one gate: an even pacer (a bursting limiter earns refusals), replies before fan-out, and the
  window of a 429, inside which nothing at all is sent;
* each chat has a lane: its rows go out one at a time, in the order in which they were committed, and a chat that
  is slow, blocked or waiting for a retry holds up nobody else;
* `outcomes.classify` alone knows what an error means, `Delivery` what follows from it for which kind of message (G7):
  what was certainly not sent is tried again; what may have been is tried again if it is a reply or can be
  repeated without harm (an edit, a deletion), and otherwise left as ambiguous;
* outcomes are recorded many to a unit. One that is lost with the process costs a reply sent twice, never one
  that was not sent; and since a chat gets no new message before the last one is recorded, it costs one at most.

A row is ours while its lease runs and we live: what a dead replica had is taken over at once
(`storage.upkeep.presence`).
What cannot be sent well before the lease ends is handed back to the outbox
(`queued`, with its `not_before`), and until the sweep has brought it again every later reply to that chat is
handed back behind it, so that order survives. The same for a chat that others have replies of, or of which we may
have committed some without having been told so: those are taken in hand first. Replies and fan-out to one chat are
two lanes, as in the outbox: a reminder that waits holds up no answer.

A long module: lanes, the window of a 429 and the recording decide together what may leave next. Whoever follows one
message from its row to its record reads all of it here.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, Final, assert_never

import structlog
from telegram import error as errors

from bot.log import log_alarm
from bot.telegram.api import Api
from bot.telegram.handled import Alarm, Clock, TapAnswer, TokenRejected
from bot.telegram.http import File, TooManyRequests
from bot.telegram.in_hand import Asked, Note, SecondLook, as_claimed, begin, find_left, lease_of, look, write
from bot.telegram.methods import anew, answer_payload, makes_message
from bot.telegram.outcomes import (
    Ambiguous,
    Gone,
    Migrated,
    NotModified,
    NotSent,
    Outcome,
    Rejected,
    RetryAfter,
    Sent,
    Undeliverable,
    Unreachable,
    classify,
)
from bot.telegram.pacer import Pacer
from storage.database.durations import Durations
from storage.database.vault import key_unknown
from storage.errors import Unavailable
from storage.messages import outbox
from storage.messages.outbox import LEASE, REPLIES, OutboxRow
from storage.unit_of_work import Units

logger = structlog.get_logger(__name__)

MARGIN: Final = timedelta(seconds=16)
"""No call starts with less left of its lease: the longest call (5 s to connect, 10 s to be answered) must fit in."""
UPLOAD_MARGIN: Final = timedelta(minutes=9)

BACK_OFF: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
AMBIGUOUS_TRIES: Final = 10
"""Times a reply is repeated without ever learning whether it arrived; then the chat goes on without it."""
CHAT_INTERVAL: Final = 1.05
"""Seconds between a message of a chat and the next fan-out to it; between replies to one whose burst is used up."""
CHAT_BURST: Final = 20
"""Replies a chat gets as fast as they come. Its own next ones take their time then: a 429 would bind everybody."""
FAN_OUT_IN_HAND: Final = 60
CARDS_REMEMBERED: Final = 20_000
NOTES_A_UNIT: Final = 200
RECORDERS: Final = 2
ANSWERS_IN_FLIGHT: Final = 64
LAST_CALL_FACT: Final = "telegram.last_call_at"
LIFE_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Held:
    """A row in our hands, and until when it surely is."""

    row: OutboxRow
    lease_until: datetime
    fed_at: float = 0.0
    """When it was committed, if it is the first answer to an update; on the event loop's clock."""


@dataclass(slots=True)
class _Unrecorded:
    """Messages of one chat that would be sent twice if we died now."""

    rows: set[int] = field(default_factory=set)
    is_recorded: asyncio.Event = field(default_factory=asyncio.Event)


def _is_new_message(note: Note) -> bool:
    return isinstance(note.outcome, outbox.Sent) and (note.message_id is not None or makes_message(note.row.method))


_LaneKey = tuple[int, bool]


class _Lane:
    """The replies to one chat, or the fan-out to it, that are in our hands, oldest first."""

    __slots__ = ("held", "key")

    def __init__(self, key: _LaneKey) -> None:
        self.key = key
        self.held: deque[_Held] = deque()


OpenFile = Callable[[str], IO[bytes]]


def open_path(path: str) -> IO[bytes]:
    return open(path, "rb")


class Delivery:
    """Sends outbox rows. `start`, then `feed` what has just been committed while `run` goes on until `stop`.

    Tasks live in the group it is handed. `TokenRejected` leaves through the task group.
    """

    def __init__(
        self,
        api: Api,
        units: Units,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        *,
        rate: float = 29.0,
        in_flight: int = 100,
        sweep_every: float = 2.0,
        back_off: Sequence[float] = BACK_OFF,
        open_file: OpenFile = open_path,
        second_look: SecondLook = as_claimed,
        is_held: Callable[[], bool] = lambda: False,
        alarm: Alarm = log_alarm,
    ) -> None:
        self._api = api
        self._units = units
        self._clock = clock
        self._tasks = tasks
        self._sweep_every = sweep_every
        self._back_off = back_off
        self._open_file = open_file
        self._second_look = second_look
        self._is_fan_out_held = is_held
        self._alarm = alarm
        self._pacer = Pacer(rate)
        self._is_paced = rate > 0
        self._reply_slots = asyncio.Semaphore(max(1, in_flight * 4 // 5))
        self._fan_out_slots = asyncio.Semaphore(max(1, in_flight // 8))
        self._fan_out_turn = asyncio.Lock()
        """From a turn to the beginning of its call, so that commits that take their time do not bunch the calls."""

        self._lanes: dict[_LaneKey, _Lane] = {}
        self._in_hand: set[int] = set()
        """Rows in a lane, or whose outcome is not recorded yet: never to be taken up a second time."""
        self._fan_out_in_hand = 0
        self._parked: set[int] = set()
        """Chats with rows in the outbox that must go first, or that may have some."""
        self._doubts = 0
        """Of the units' doubts, those that have been looked into."""
        self._handing_back: Counter[int] = Counter()
        self._cards: OrderedDict[int, int] = OrderedDict()
        self._unrecorded: dict[int, _Unrecorded] = {}
        """Chats with messages that Telegram has and the database does not know of yet."""
        self._migrated: dict[int, int] = {}
        self._last_sent: dict[int, float] = {}
        self._bursts: dict[int, float] = {}
        """The moment at which a chat may get a whole burst again."""
        self._answering = 0

        self._closed_until = float("-inf")
        """End of the 429 window, on the clock that never jumps."""
        self._reopens_at: datetime | None = None

        self._noted_life_at = datetime.min.replace(tzinfo=UTC)
        self._notes: deque[Note] = deque()
        self._recorders = 0
        self._cannot_record = False
        self._recorded = asyncio.Event()
        self._recorded.set()
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._abandon = asyncio.Event()
        self._has_ended = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.counts: Counter[tuple[str, str]] = Counter()
        """(kind, outcome) → how often; for metrics, as what follows."""
        self.retries = 0
        self.replying = Durations()
        """From the commit of an update to the end of the first call that answers it."""

    # -------------------------------------------------------------- life
    async def start(self) -> None:
        """See what waits from before. To be called before the first update is applied."""
        now = self._clock.now()
        chats, reopens_at = await self._units.run(None, partial(find_left, now=now))
        self._parked.update(chats)
        if reopens_at is not None:
            self._closed_until = self._clock.monotonic() + (reopens_at - now).total_seconds()
        self._wake.set()

    async def run(self) -> None:
        """Sweep until `stop`; then send what is in hand for a moment, hand back the rest, and record everything."""
        while not self._stop.is_set():
            await self._wait_for_work()
            if self._stop.is_set():
                break
            try:
                await self._sweep()
                await self._note_life()
            except Unavailable as error:
                logger.warning("outbox.unavailable", reason=str(error))
                await until(self._stop, 1.0)
                self._wake.set()
            except Exception:  # the boundary of what all rows share
                logger.exception("outbox.sweep_defect")
                await until(self._stop, 1.0)
        await until(self._idle, 2.0)
        self._abandon.set()
        await until(self._idle, 2.0)
        await until(self._recorded, 1.0)
        self._has_ended = True

    def stop(self) -> None:
        """Let `run` end. Call it after the intake has stopped, or its last replies wait for the next start."""
        self._stop.set()
        self._wake.set()

    def wake(self) -> None:
        """Look into the outbox now: somebody committed queued rows."""
        self._wake.set()

    def look_after(self, chat_id: int) -> None:
        """What was committed for this chat may be in nobody's hands: look now, and let nothing overtake it."""
        self._parked.add(chat_id)
        self._wake.set()

    @property
    def is_held(self) -> bool:
        """Inside the window of a 429."""
        return self._window() > 0

    @property
    def held_for(self) -> float:
        """Seconds until the window of a 429 ends; 0 outside one."""
        return self._window()

    @property
    def pending(self) -> int:
        """Rows in hand."""
        return len(self._in_hand)

    async def _wait_for_work(self) -> None:
        await until(self._wake, self._sweep_every)
        self._wake.clear()

    async def _note_life(self) -> None:
        """Tell other commands, now and then, when Telegram last answered us."""
        ago = self._api.answered_ago
        now = self._clock.now()
        if ago is None or now - self._noted_life_at < LIFE_EVERY:
            return
        self._noted_life_at = now
        at = (now - timedelta(seconds=ago)).isoformat()
        await self._units.run(None, lambda unit: unit.facts.set(LAST_CALL_FACT, at, now))

    # -------------------------------------------------------------- what comes in
    def feed(self, rows: Iterable[OutboxRow]) -> None:
        """Send these: replies born `sending`, just committed, in order. Returns at once.

        Fan-out among them is born `queued`: it is not ours before the sweep has claimed it. What a slow unit commits
        after the end of `run` is left to the next start, which takes over what it finds.
        """
        if self._has_ended:
            return
        now = asyncio.get_running_loop().time()
        for row in rows:
            if row.kind not in REPLIES:
                self._wake.set()
                continue
            if row.id in self._in_hand:
                continue
            self._take(row)
            if row.is_behind or row.chat_id in self._parked or self._abandon.is_set():
                self._hand_back(row)
            else:
                self._enqueue(_Held(row, row.created_at + LEASE, now))
                now = 0.0

    def answer(self, answer: TapAnswer) -> None:
        """Stop a button's spinner, now and without waiting; what goes wrong with it does not matter."""
        if self._window() > 0 or self._answering >= ANSWERS_IN_FLIGHT or self._abandon.is_set():
            return
        self._answering += 1
        self._tasks.create_task(self._answer(answer))

    async def _answer(self, answer: TapAnswer) -> None:
        try:
            await self._api.call("answerCallbackQuery", answer_payload(answer), timeout=5.0)
        except TooManyRequests as error:
            self._close_window(error.seconds)
        except errors.TelegramError:
            pass  # older than 150 s, answered already, or the network: the button stops by itself
        finally:
            self._answering -= 1

    def _take(self, row: OutboxRow) -> None:
        self._in_hand.add(row.id)
        self._fan_out_in_hand += row.kind not in REPLIES

    def _enqueue(self, held: _Held) -> None:
        key = (held.row.chat_id, held.row.kind in REPLIES)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(key)
            self._idle.clear()
            lane.held.append(held)
            self._tasks.create_task(self._drain(lane))
        else:
            lane.held.append(held)

    async def _sweep(self) -> None:
        """Settle expired leases by kind, and take up what is queued and due."""
        if self._window() > 0:
            return
        if self._cannot_record:
            return  # what is decided but not recorded must not be settled as expired
        now = self._clock.now()
        room = 0 if self._is_fan_out_held() else max(0, FAN_OUT_IN_HAND - self._fan_out_in_hand)
        parked, in_hand = frozenset(self._parked), frozenset(self._in_hand)
        # Of these something is counted as in hand that will not be any more when the unit has ended.
        returning = frozenset(self._handing_back)
        doubts = self._units.doubts
        asked = Asked(room, parked, in_hand, returning, is_in_doubt=doubts != self._doubts)
        found = await self._units.run(None, partial(look, now=now, asked=asked, second_look=self._second_look))
        self._doubts = doubts
        for error in found.locked:
            self._alarm("keys", str(error))
        for row in found.rows:
            if row.id not in self._in_hand:
                self._take(row)
                self._enqueue(_Held(row, now + lease_of(row)))
        self._parked -= parked - found.waiting - returning - self._handing_back.keys()
        if found.is_more:
            self._wake.set()

    # -------------------------------------------------------------- a lane
    async def _drain(self, lane: _Lane) -> None:
        try:
            while lane.held:
                row = lane.held[0].row
                try:
                    await self._send(lane, lane.held[0])
                except TokenRejected:
                    raise
                except Exception as error:  # the boundary of one outbox row
                    logger.exception("outbox.defect", row=row.id, kind=row.kind, method=row.method)
                    self._settle(lane, row, outbox.Undeliverable(f"defect: {type(error).__name__}"))
        finally:
            del self._lanes[lane.key]
            if not self._lanes:
                self._idle.set()

    async def _send(self, lane: _Lane, held: _Held) -> None:
        """See one row through: when this returns it is settled or handed back, and no longer in the lane."""
        row = held.row
        is_reply = row.kind in REPLIES
        slots = self._reply_slots if is_reply else self._fan_out_slots
        tries = 0
        retry_at = 0.0
        is_anew = False
        has_begun = is_reply
        while True:
            if self._abandon.is_set():
                return self._hand_back_lane(lane, 0)
            wait = max(self._window(), retry_at - asyncio.get_running_loop().time(), self._chat_wait(row))
            if not self._has_time(held, wait):
                return self._hand_back_lane(lane, wait)
            if wait > 0:
                # In steps, so that a clock moved by hand is noticed.
                await until(self._abandon, min(wait, 1.0))
                continue
            unrecorded = self._unrecorded.get(row.chat_id)
            if unrecorded is not None and (is_anew or makes_message(row.method)):
                await until(unrecorded.is_recorded, 1.0)
                continue
            async with slots:
                if self._is_shut(
                    held
                ):  # nobody takes a turn without using it: where turns are rare, none would be left
                    continue
                try:
                    if has_begun:
                        await self._pacer.turn(is_reply=is_reply)
                    else:
                        async with self._fan_out_turn:
                            if self._is_shut(held):
                                continue
                            await self._pacer.turn(is_reply=False)
                            # After the turn: what only waits for one is not in doubt if we die.
                            if not self._is_shut(held):
                                has_begun = await self._units.run(None, partial(begin, row=row))
                                if not has_begun:
                                    return self._let_go(lane)
                    if self._is_shut(held):
                        if has_begun and not is_reply:
                            return self._hand_back_lane(lane, 0)
                        continue
                    outcome = await self._attempt(row, is_anew=is_anew)
                except Unavailable as error:  # the database is away, or a key is, which says nothing about this row
                    if (locked := key_unknown(error)) is not None:
                        self._alarm("keys", str(locked))
                    return self._hand_back_lane(lane, 1.0)
            self._count(held, outcome)
            match outcome:
                case Sent(message_id):
                    return self._settle_sent(lane, row, message_id)
                case NotModified():
                    return self._settle_sent(lane, row, None)
                case Gone(reason):
                    if not is_anew and anew(row.method, row.payload) is not None:
                        is_anew = True
                        continue
                    return self._settle(lane, row, outbox.Undeliverable(reason), is_card_gone=row.card_id is not None)
                case Undeliverable(reason):
                    logger.warning("outbox.undeliverable", row=row.id, kind=row.kind, method=row.method, reason=reason)
                    return self._settle(lane, row, outbox.Undeliverable(reason))
                case Unreachable(reason):
                    return self._settle_unreachable(lane, row, reason)
                case Rejected(reason):
                    if await self._api.is_rejected():
                        logger.critical("telegram.token_rejected", reason=reason)
                        raise TokenRejected
                    self._alarm("method_refused", row.method)
                    self.retries += 1
                    tries += 1
                    retry_at = self._retry_at(tries)
                case Migrated(chat_id):
                    if self._migrated.get(row.chat_id) == chat_id:
                        return self._settle(lane, row, outbox.Undeliverable("the chat migrated in circles"))
                    self._migrated[row.chat_id] = chat_id
                case RetryAfter(seconds):
                    self.retries += 1
                    self._close_window(seconds)
                    if not is_reply:  # certainly not sent: it is not to be in doubt while it waits
                        return self._hand_back_lane(lane, seconds)
                case NotSent():
                    self.retries += 1
                    if not is_reply:
                        return self._hand_back_lane(lane, self._pause(row.attempts))
                    tries += 1
                    retry_at = self._retry_at(tries)
                case Ambiguous(reason):
                    tries += 1
                    if not is_reply and (is_anew or makes_message(row.method)):
                        return self._settle(lane, row, outbox.Ambiguous(reason))
                    if row.attempts + tries > AMBIGUOUS_TRIES:
                        logger.error("outbox.given_up", row=row.id, kind=row.kind, method=row.method, reason=reason)
                        return self._settle(lane, row, outbox.Undeliverable(f"given up: {reason}"))
                    self.retries += 1
                    retry_at = self._retry_at(tries)
                case _:
                    assert_never(outcome)

    async def _attempt(self, row: OutboxRow, *, is_anew: bool) -> Outcome:
        """One call for one row."""
        method, payload = row.method, dict(row.payload)
        if row.card_id is not None and not makes_message(method):
            message_id = await self._card(row.card_id)
            if message_id is not None:
                payload["message_id"] = message_id
            else:
                is_anew = True
        if is_anew:
            replacement = anew(method, payload)
            if replacement is None:
                return Gone("its card has no message")
            method, payload = replacement
        payload["chat_id"] = self._migrated.get(row.chat_id, row.chat_id)
        uploads: Mapping[str, Mapping[str, str]] = payload.pop("@files", None) or {}
        opened: list[IO[bytes]] = []
        try:
            files: dict[str, File] = {}
            for field, upload in uploads.items():
                content = await asyncio.to_thread(self._open_file, upload["path"])
                opened.append(content)
                files[field] = (upload["name"], content, upload.get("type", "application/octet-stream"))
            # A kept connection may just have been closed by the server: a reminder must not become doubtful by that.
            fresh = row.kind not in REPLIES
            result = await self._api.call(method, payload, files or None, fresh=fresh)
        except errors.TelegramError as error:
            return classify(error)
        except FileNotFoundError:
            return Undeliverable("the file to send does not exist any more")
        finally:
            for content in opened:
                content.close()
        message_id = result.get("message_id") if isinstance(result, dict) else None
        return Sent(message_id if isinstance(message_id, int) else None)

    async def _card(self, card_id: int) -> int | None:
        """The Telegram number of a card's message, from memory or else from the database."""
        message_id = self._cards.get(card_id)
        if message_id is None:
            message_id = await self._units.run(None, lambda unit: unit.outbox.card_message_id(card_id))
            if message_id is not None:
                self._remember_card(card_id, message_id)
        return message_id

    # -------------------------------------------------------------- what follows
    def _settle_sent(self, lane: _Lane, row: OutboxRow, message_id: int | None) -> None:
        if row.card_id is None:
            return self._settle(lane, row, outbox.Sent(message_id))
        if row.method == "deleteMessage":
            return self._settle(lane, row, outbox.Sent(), is_card_gone=True)
        if message_id is not None:
            if self._cards.get(row.card_id) == message_id:
                return self._settle(lane, row, outbox.Sent())
            self._remember_card(row.card_id, message_id)
        self._settle(lane, row, outbox.Sent(message_id), card_message=message_id)

    def _settle_unreachable(self, lane: _Lane, row: OutboxRow, reason: str) -> None:
        """One attempt was enough: what else is to go out to them by the bot's own will is dropped."""
        logger.info("person.unreachable", row=row.id, kind=row.kind, reason=reason)
        self._settle(lane, row, outbox.Unreachable(reason))
        fan_out = self._lanes.get((row.chat_id, False))
        if fan_out is not None:
            being_sent = 0 if fan_out is lane else 1
            while len(fan_out.held) > being_sent:
                self._note(Note(fan_out.held.pop().row, outbox.Undeliverable(reason)))

    def _settle(
        self,
        lane: _Lane,
        row: OutboxRow,
        outcome: outbox.Outcome,
        *,
        card_message: int | None = None,
        is_card_gone: bool = False,
    ) -> None:
        lane.held.popleft()
        if is_card_gone and row.card_id is not None:
            self._cards.pop(row.card_id, None)
        self._note(Note(row, outcome, card_message, is_card_gone))

    def _let_go(self, lane: _Lane) -> None:
        """The first row of a lane is not ours any more: nothing is sent, nothing recorded."""
        self._forget(Note(lane.held.popleft().row, outbox.Undeliverable("taken back")))

    def _hand_back_lane(self, lane: _Lane, wait: float) -> None:
        """The rows of a lane go back to the outbox: they cannot be sent while they are surely ours."""
        while lane.held:
            self._hand_back(lane.held.popleft().row, wait)

    def _hand_back(self, row: OutboxRow, wait: float = 0.0) -> None:
        if row.kind in REPLIES:
            self._parked.add(row.chat_id)
            self._handing_back[row.chat_id] += 1
        at = self._clock.now() + timedelta(seconds=max(wait, self._window()))
        self._note(Note(row, outbox.RetryAfter(at, "handed back")))

    def _has_time(self, held: _Held, wait: float) -> bool:
        """Whether a call begun after `wait` seconds would end while the row is still ours."""
        margin = UPLOAD_MARGIN if held.row.kind == "export" else MARGIN
        return self._clock.now() + timedelta(seconds=max(0.0, wait)) + margin <= held.lease_until

    def _retry_at(self, tries: int) -> float:
        return asyncio.get_running_loop().time() + self._pause(tries)

    def _pause(self, tries: int) -> float:
        return self._back_off[min(tries, len(self._back_off)) - 1]

    def _is_shut(self, held: _Held) -> bool:
        """Whether a call must not begin just now."""
        return self._window() > 0 or self._abandon.is_set() or not self._has_time(held, 0)

    def _chat_wait(self, row: OutboxRow) -> float:
        if row.kind in REPLIES:
            full_at = self._bursts.get(row.chat_id)
            if full_at is None or not self._is_paced or not makes_message(row.method):
                return 0.0
            return full_at - asyncio.get_running_loop().time() - (CHAT_BURST - 1) * CHAT_INTERVAL
        last = self._last_sent.get(row.chat_id)
        return 0.0 if last is None else last + CHAT_INTERVAL - asyncio.get_running_loop().time()

    def _count(self, held: _Held, outcome: Outcome) -> None:
        row = held.row
        self.counts[row.kind, type(outcome).__name__] += 1
        now = asyncio.get_running_loop().time()
        if held.fed_at and isinstance(outcome, Sent):
            self.replying.add(now - held.fed_at)
        if len(self._last_sent) > 2_000:
            self._last_sent = {chat: at for chat, at in self._last_sent.items() if at > now - CHAT_INTERVAL}
            self._bursts = {chat: at for chat, at in self._bursts.items() if at > now}
        self._last_sent[row.chat_id] = now
        if makes_message(row.method):
            # Whom Telegram has just refused, whatever for, has no burst left: one 429 is enough.
            burst = CHAT_BURST * CHAT_INTERVAL
            full_at = max(self._bursts.get(row.chat_id, now), now) + CHAT_INTERVAL
            self._bursts[row.chat_id] = now + burst if isinstance(outcome, RetryAfter) else full_at

    def _remember_card(self, card_id: int, message_id: int) -> None:
        self._cards[card_id] = message_id
        if len(self._cards) > CARDS_REMEMBERED:
            self._cards.popitem(last=False)

    # -------------------------------------------------------------- the window of a 429
    def _window(self) -> float:
        """Seconds until anything may be sent again; never negative."""
        return max(0.0, self._closed_until - self._clock.monotonic())

    def _close_window(self, seconds: float) -> None:
        """Telegram wants silence: remembered in the database too, since a new start must keep to it."""
        logger.warning("telegram.retry_after", seconds=seconds)
        if seconds > self._window():
            self._closed_until = self._clock.monotonic() + seconds
            self._reopens_at = self._clock.now() + timedelta(seconds=seconds)
            self._start_recording()

    # -------------------------------------------------------------- recording
    def _note(self, note: Note) -> None:
        self._notes.append(note)
        if _is_new_message(note):
            self._unrecorded.setdefault(note.row.chat_id, _Unrecorded()).rows.add(note.row.id)
        self._start_recording()

    def _start_recording(self) -> None:
        """While one unit commits, a second may fill: a chat's next message waits for the record of its last."""
        if self._recorders < RECORDERS:
            self._recorders += 1
            self._recorded.clear()
            self._tasks.create_task(self._record())

    async def _record(self) -> None:
        try:
            while self._notes or self._reopens_at is not None:
                notes = [self._notes.popleft() for _ in range(min(len(self._notes), NOTES_A_UNIT))]
                reopens_at, self._reopens_at = self._reopens_at, None
                if not await self._record_batch(notes, reopens_at):
                    return
        finally:
            self._recorders -= 1
            if not self._recorders:
                self._recorded.set()

    async def _record_batch(self, notes: Sequence[Note], reopens_at: datetime | None) -> bool:
        """False if the database stayed away until there was no more time."""
        while True:
            try:
                await self._write(notes, reopens_at)
            except Unavailable as error:
                self._cannot_record = True
                logger.warning("outbox.unavailable", reason=str(error))
                if self._abandon.is_set():
                    return False
                await until(self._abandon, 1.0)
                continue
            except Exception:  # the boundary of one outbox row
                logger.exception("outbox.not_recorded", rows=len(notes))
                await self._record_singly(notes)
            self._cannot_record = False
            for note in notes:
                self._forget(note)
            return True

    async def _record_singly(self, notes: Sequence[Note]) -> None:
        for note in notes:
            try:
                await self._write([note], None)
            except Exception:  # the boundary of one outbox row
                logger.exception("outbox.not_recorded", row=note.row.id)

    async def _write(self, notes: Sequence[Note], reopens_at: datetime | None) -> None:
        await self._units.run(None, partial(write, notes=notes, reopens_at=reopens_at, now=self._clock.now()))

    def _forget(self, note: Note) -> None:
        row = note.row
        self._in_hand.discard(row.id)
        unrecorded = self._unrecorded.get(row.chat_id)
        if unrecorded is not None:
            unrecorded.rows.discard(row.id)
            if not unrecorded.rows:
                unrecorded.is_recorded.set()
                del self._unrecorded[row.chat_id]
        if row.kind not in REPLIES:
            self._fan_out_in_hand -= 1
            if self._fan_out_in_hand == FAN_OUT_IN_HAND // 3:
                self._wake.set()
        elif isinstance(note.outcome, outbox.RetryAfter):
            self._handing_back[row.chat_id] -= 1
            if not self._handing_back[row.chat_id]:
                del self._handing_back[row.chat_id]
        if row.chat_id in self._parked and self._window() <= 0:
            self._wake.set()


async def until(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, at the longest for so many seconds."""
    if event.is_set():
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
