"""Deliver events to receivers outside.

The events that each receiver must still get are rows (`storage.messages.endpoints`). This worker claims a few for each
receiver, calls, and records the outcomes. Several outcomes and the next claims share one unit, because the writer has
people's answers to apply. Every receiver has its own calls, so a slow one delays nobody else. A receiver that fails
gets one call at a time until it answers again. If the process dies, the replica that notices it frees the claimed
events. The receiver recognises a repetition by its number. A process that was taken for dead and lives on calls nobody
with what it had claimed: another one may have sent it, and later events of the same report
(docs/decisions/presence-and-leases.md).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from bot.acts.sharing.receivers import switch_off
from bot.settings import Reach
from bot.stopping import until
from bot.telegram.handled import Clock
from bot.workers.lookout import EVENTS, LOOK_EVERY, Lookout
from bot.workers.webhooks import TIMEOUT, Answer, call, calling
from conversations.plan.sharing.events import payload
from storage.database.vault import VaultError
from storage.errors import Unavailable
from storage.messages.endpoints import GONE, Claimed, Outcome, target_of
from storage.messages.leases import Claim, Watch
from storage.messages.outbox import LEASE, OutboxRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    import aiohttp

logger = structlog.get_logger(__name__)

HOLD_EVERY: Final = 5.0
"""Seconds between two renewals of the leases of what is in hand: BATCH calls, WIDTH at a time, outlast a lease."""
GATHER: Final = 0.25
"""So long the worker waits for further outcomes, to record several together."""
BATCH: Final = 32
WIDTH: Final = 8
"""Simultaneous calls to one receiver."""

_Taken = tuple[list[Claimed], frozenset[tuple[int, int]], list[OutboxRow]]
"""What was claimed, the claims whose leases were renewed, and messages for admins."""


def body_of(one: Claimed) -> bytes:
    """Return the body of the call: the same bytes at every try."""
    return orjson.dumps(payload(one.kind, one.data, one.at, one.audience, one.plan))


class _Lane:
    """The calls to one receiver: how many are claimed, whether the last one failed, and when it said that it is gone.

    The unit that records this pauses the receiver. So what is claimed later is claimed because somebody resumed it.
    """

    def __init__(self) -> None:
        self.in_hand = 0
        self.is_failing = False
        self.gone_at = float("-inf")
        self.turn = asyncio.Semaphore(WIDTH)

    @property
    def room(self) -> int:
        """Return how many more events may be claimed for it."""
        return max(0, (1 if self.is_failing else BATCH) - self.in_hand)


class EventWorker:
    """Calls receivers until it is stopped. `counts` has the number of each outcome, for the metrics."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        lookout: Lookout,
        reach: Reach,
        is_sure: Callable[[], bool] = lambda: True,
        *,
        feed: Callable[[Sequence[OutboxRow]], None],
    ) -> None:
        """`is_sure`: whether nobody can have taken over what this process has claimed. `feed` sends messages."""
        self._database = database
        self._units = database.units
        self._clock = clock
        self._tasks = tasks
        self._reach = reach
        self._is_sure = is_sure
        self._feed = feed
        self._lanes: dict[int, _Lane] = {}
        self._held_at: dict[tuple[int, int], float] = {}
        """When each claim in hand was certainly ours last, on the clock that never jumps."""
        self._watch = Watch()
        self._done: list[Outcome] = []
        self._given_back: list[Claimed] = []
        self._news = lookout.news_of((EVENTS,))
        self._stop = asyncio.Event()
        self._disowned_at = float("-inf")
        """When everything claimed until then had been taken over, on the clock that never jumps."""
        self.counts: Counter[str] = Counter()

    def disown(self) -> None:
        """Begin no call of what is claimed now: another replica has taken it over, and may have told it."""
        self._disowned_at = self._clock.monotonic()

    def stop(self) -> None:
        """Claim nothing more. A call in progress is recorded, or repeated after the next start."""
        self._stop.set()
        self._news.set()

    async def run(self) -> None:
        session: aiohttp.ClientSession | None = None
        async with contextlib.AsyncExitStack() as connections:
            while await self._is_called():
                try:
                    claimed = await self.turn()
                    if claimed and session is None:
                        session = await connections.enter_async_context(calling(self._reach))
                    for one in claimed:
                        assert session is not None
                        self._lanes[one.endpoint_id].in_hand += 1
                        self._tasks.create_task(self._tell(session, one))
                except Unavailable:  # an event that was claimed and has no outcome is free when its claim has run out
                    logger.debug("events.unavailable")
                except Exception:  # the boundary that all calls share
                    logger.exception("events.defect")
            with contextlib.suppress(Unavailable):
                await self._units.run(None, self._taking({}))

    async def _is_called(self) -> bool:
        """Wait for an outcome or for the lookout; then a moment more, for other outcomes. False if it is stopped."""
        if not self._done and not self._given_back:
            await self._news.wait()
        self._news.clear()
        if self._done or self._given_back:
            await until(self._stop, GATHER)
        return not self._stop.is_set()

    async def turn(self) -> list[Claimed]:
        """Record the outcomes, renew leases, free claims that have run out, and claim the next events, in one unit.

        A reader says first whether there is anything to do.
        """
        now = self._clock.monotonic()
        done, given_back = len(self._done), len(self._given_back)
        due, run_out = await asyncio.to_thread(self._look, tuple(id for id, _ in self._held_at))
        lanes = {id: self._lanes.setdefault(id, _Lane()) for id in (self._lanes if done or given_back else due)}
        room = {id: lane.room for id, lane in lanes.items() if lane.room and self._is_sure()}
        ageing = [id for (id, _), held_at in self._held_at.items() if now - held_at >= HOLD_EVERY]
        if not done and not given_back and not room and not ageing and not run_out:
            return []
        claimed, held, news = await self._units.run(None, self._taking(room, ageing, run_out))
        self._held_at |= dict.fromkeys(held & self._held_at.keys(), now)
        self._held_at |= {(one.id, one.tries): now for one in claimed}
        self._feed(news)
        del self._done[:done]
        del self._given_back[:given_back]
        return claimed

    def _taking(
        self, room: dict[int, int], ageing: Sequence[int] = (), run_out: Sequence[Claim] = ()
    ) -> Callable[[UnitOfWork], _Taken]:
        return partial(
            _take,
            done=tuple(self._done),
            given_back=tuple(self._given_back),
            room=room,
            ageing=ageing,
            run_out=run_out,
            now=self._clock.now(),
        )

    def _look(self, in_hand: Collection[int]) -> tuple[list[int], list[Claim]]:
        """Return the receivers that something is due for, and the claims that have run out, but for those in hand."""
        with self._database.view() as unit:
            due = unit.event_deliveries.due(self._clock.now())
            held = unit.event_deliveries.leased(in_hand)
        return due, self._watch.run_out(held, self._clock.monotonic())

    async def _tell(self, session: "aiohttp.ClientSession", one: Claimed) -> None:
        lane = self._lanes[one.endpoint_id]
        claimed_at = self._held_at[one.id, one.tries]
        answer = Answer("reset")
        try:
            async with lane.turn:
                if self._stop.is_set():
                    return
                if not self._is_ours(one, claimed_at) or not await self._is_wanted(one, claimed_at):
                    self._given_back.append(one)
                    return
                answer = await self._call(session, one)
            lane.is_failing = bool(answer.reason)
            if answer.reason == GONE:
                lane.gone_at = self._clock.monotonic()
            self.counts[answer.reason or "delivered"] += 1
            self._done.append(Outcome(one, answer.reason, answer.status, answer.not_before))
            if answer.reason:
                logger.info("events.failed", endpoint=one.endpoint_id, reason=answer.reason, status=answer.status)
        finally:
            lane.in_hand -= 1
            del self._held_at[one.id, one.tries]
            self._news.set()

    def _is_ours(self, one: Claimed, claimed_at: float) -> bool:
        """Whether a call that begins now ends before anybody else can claim its event, and its receiver is not gone."""
        left = self._held_at[one.id, one.tries] + LEASE.total_seconds() - self._clock.monotonic()
        is_current = claimed_at > max(self._disowned_at, self._lanes[one.endpoint_id].gone_at)
        return self._is_sure() and is_current and left > TIMEOUT

    async def _is_wanted(self, one: Claimed, claimed_at: float) -> bool:
        """Whether its receiver is still to be called: an admin may have removed it since the event was claimed."""
        if self._clock.monotonic() - claimed_at < LOOK_EVERY:
            return True

        def ask() -> bool:
            with contextlib.suppress(Unavailable), self._database.view() as unit:
                return unit.event_deliveries.is_wanted(one.endpoint_id)
            return False

        return await asyncio.to_thread(ask)

    async def _call(self, session: "aiohttp.ClientSession", one: Claimed) -> Answer:
        vault = self._database.vault
        try:
            if vault is None:
                return Answer("keys")
            return await call(session, target_of(vault, one), one.uid, body_of(one), self._clock.now)
        except VaultError:
            return Answer("keys")
        except Exception:  # the boundary of one event
            logger.exception("events.defect", delivery=one.id, kind=one.kind)
            return Answer("reset")


def _take(
    unit: UnitOfWork,
    done: Sequence[Outcome],
    given_back: Sequence[Claimed],
    room: dict[int, int],
    ageing: Collection[int],
    run_out: Collection[Claim],
    now: datetime,
) -> _Taken:
    """Record the outcomes, free what was not called and what has run out, renew what is ageing, and claim events.

    A receiver that says it is gone is switched off before anything more is claimed for it. Nothing is claimed while the
    database is held: the original may have sent these events.
    """
    unit.event_deliveries.settle(done, now)
    news: list[OutboxRow] = []
    for plan_id, endpoint_id in {(one.claimed.plan_id, one.claimed.endpoint_id) for one in done if one.reason == GONE}:
        news += switch_off(unit, plan_id, endpoint_id, now)
    unit.event_deliveries.give_back(given_back)
    unit.event_deliveries.free(run_out)
    held = unit.event_deliveries.hold(ageing, now + LEASE)
    if not room or unit.facts.is_held():
        return [], held, news
    claimed = [unit.event_deliveries.claim(id, most, now, now + LEASE) for id, most in room.items()]
    return [one for each in claimed for one in each], held, news
