"""How an alarm is raised, kept, told and ended.

Code that notices something calls an `Alarm`, from any thread, again and again while it lasts. The alarm is logged at
once. Then it becomes a fact in the database. The process that adds the fact tells the admins in the same unit; the one
that removes it tells them that the alarm is over. So admins are told once, however often the alarm is raised and by
however many processes. If the database is away, they are told later.

Nobody ends an alarm: it is over when nobody has raised it for as long as its kind says.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import orjson
import structlog

from bot.alarms.standing import KINDS, OTHER, PREFIX, REFRESH, SHAPES, Standing, sentence, standing, words_of
from bot.log import log_alarm
from bot.telegram.handled import Clock
from conversations.plan.model import Role
from conversations.wording import Wording, wording
from storage.database.failures import reason_of
from storage.database.vault import key_unknown
from storage.errors import Unavailable
from storage.messages.outbox import OutboxDraft, OutboxRow
from storage.unit_of_work import UnitOfWork, Units

logger = structlog.get_logger(__name__)

LOOK_EVERY: Final = 5.0
SWEEP_EVERY: Final = 30.0


# ------------------------------------------------------------------ in the database
def keep(unit: UnitOfWork, raised: Standing, now: datetime) -> list[OutboxRow]:
    """Keep an alarm as a fact. Returns the messages to the admins, if nobody has told them yet."""
    name, value = PREFIX + raised.kind, _value(raised.since, raised.reason)
    if unit.facts.add(name, value, raised.raised_at):
        return _tell(unit, raised, now, lambda say, local: f"{SHAPES[raised.severity]} {sentence(raised, say, local)}")
    known = unit.facts.get(name)
    since = raised.since if known is None else datetime.fromisoformat(orjson.loads(known)["since"])
    unit.facts.set(name, _value(since, raised.reason), raised.raised_at)
    return []


def end_what_is_over(unit: UnitOfWork, now: datetime) -> list[OutboxRow]:
    """Remove the alarms that nobody raises any more. Returns the messages to the admins."""
    told: list[OutboxRow] = []
    for one in standing(unit):
        if one.is_over(now) and unit.facts.forget(PREFIX + one.kind):
            logger.info("alarm.over", kind=one.kind)
            title = f"alarm.{words_of(one.kind)}.title"
            told += _tell(unit, one, now, lambda say, _, title=title: say("alarm.over", what=say(title)))  # type: ignore[misc]
    return told


def _value(since: datetime, reason: str) -> str:
    return orjson.dumps({"since": since.isoformat(), "reason": reason}).decode()


def _tell(unit: UnitOfWork, one: Standing, now: datetime, words: Callable[[Wording, datetime], str]) -> list[OutboxRow]:
    """Return the message about an alarm for every admin of every plan, each once."""
    told: dict[int, OutboxRow] = {}
    for plan in unit.plans.all():
        local = now.astimezone(ZoneInfo(plan.timezone))
        for admin in unit.people.with_role(plan.id, Role.ADMIN):
            if admin.id in told:
                continue
            text = words(wording(admin.language), local)
            draft = OutboxDraft(admin.telegram_id, "notice", "sendMessage", {"text": text})
            told[admin.id] = unit.outbox.add(draft, now=now)
    return list(told.values())


# ------------------------------------------------------------------ as a process raises them
@dataclass(slots=True)
class _Raised:
    """An alarm that this process noticed. Its times are of the clock that never jumps.

    `kept_at`: when it was last stored.
    """

    first: float
    last: float
    reason: str
    kept_at: float | None = None


class Alarms:
    """The `Alarm` of one process. Make it inside the event loop.

    `run` stores the raised alarms and tells the admins. `feed` gets their messages as soon as they are committed.
    """

    def __init__(self, units: Units, clock: Clock, feed: Callable[[Sequence[OutboxRow]], None]) -> None:
        self._units = units
        self._clock = clock
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._raised: dict[str, _Raised] = {}
        self._is_new = asyncio.Event()
        self._swept_at = float("-inf")

    def __call__(self, kind: str, reason: str) -> None:
        now = self._clock.monotonic()
        with self._lock:
            one = self._raised.get(kind)
            if one is not None and self._is_on(kind, one, now):
                one.last = now
                return
            self._raised[kind] = _Raised(now, now, reason)
        log_alarm(kind, reason)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the log has it
            self._loop.call_soon_threadsafe(self._is_new.set)

    def raised(self) -> dict[str, str]:
        """The alarms that this process has noticed and that last, with their reasons. It needs no database."""
        now = self._clock.monotonic()
        with self._lock:
            return {kind: one.reason for kind, one in self._raised.items() if self._is_on(kind, one, now)}

    def lost(self, error: BaseException) -> None:
        """Raise the alarm behind a unit that could not be applied. For `Units.on_lost`."""
        locked = key_unknown(error)
        if locked is not None:
            return self("keys", str(locked))
        self("database", reason_of(error))

    def stop(self) -> None:
        """Let `run` look at what `stopping` says."""
        self._is_new.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Store the raised alarms and tell the admins, until told to stop."""
        while not stopping.is_set():
            self._is_new.clear()
            await self.look()
            if not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._is_new.wait()

    async def look(self) -> None:
        """Store the alarms that are due, and end those that are over. Nothing is lost while the database is away."""
        now, at = self._clock.now(), self._clock.monotonic()
        due = self._due(now, at)
        if not due and at - self._swept_at < SWEEP_EVERY:
            return

        def work(unit: UnitOfWork) -> list[OutboxRow]:
            told = [row for one in due for row in keep(unit, one, now)]
            return told + end_what_is_over(unit, now)

        try:
            rows = await self._units.run(None, work)
        except Unavailable:
            return
        except Exception:  # the boundary: what cannot be told has been logged
            logger.exception("alarms.defect")
            return
        self._swept_at = at
        with self._lock:
            for one in due:
                if one.kind in self._raised:
                    self._raised[one.kind].kept_at = at
        self._feed(rows)

    def _due(self, now: datetime, at: float) -> list[Standing]:
        """The alarms that have lasted long enough and were raised again since they were last stored."""
        due = []
        with self._lock:
            for kind, one in list(self._raised.items()):
                is_told = one.kept_at is not None
                if one.last - one.first < KINDS.get(kind, OTHER).after.total_seconds() and not is_told:
                    if not self._is_on(kind, one, at):
                        del self._raised[kind]
                    continue
                if is_told and not self._is_on(kind, one, at):
                    del self._raised[kind]
                    continue
                if one.kept_at is None or (one.last > one.kept_at and at - one.kept_at >= REFRESH.total_seconds()):
                    since, last = (now - timedelta(seconds=at - then) for then in (one.first, one.last))
                    due.append(Standing(kind, since, last, one.reason))
        return due

    @staticmethod
    def _is_on(kind: str, one: _Raised, now: float) -> bool:
        return now - one.last <= KINDS.get(kind, OTHER).lasts.total_seconds()
