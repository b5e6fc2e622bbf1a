"""Updates by getUpdates: the next call's offset acknowledges what is durable (G1)."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, Final

import structlog

from bot.log import log_alarm
from bot.stopping import Breakable, until
from bot.telegram import errors
from bot.telegram.api import Api
from bot.telegram.handled import Alarm, Clock, Handled, TokenRejected
from bot.telegram.intake import ALLOWED_UPDATES, WEBHOOK_FACT, Intake
from bot.telegram.raw import chat_of, host_of, is_update
from bot.telegram.waiting import BATCH
from storage.database.vault import key_unknown
from storage.errors import Unavailable
from storage.unit_of_work import Units

logger = structlog.get_logger(__name__)

LONG_POLL: Final = 30
PATIENCE: Final = 0.1
"""Seconds a batch may take before we ask for more without it."""


LONGEST_SILENCE: Final = 3600.0
"""Seconds that a 429 on getUpdates is believed: Telegram keeps messages for a day, and deletes them then."""
LOCKED_FOR: Final = 5.0
"""Seconds before an update is tried again that needs a missing key. Its chat waits as long."""


class _State(Enum):
    APPLYING = auto()
    DURABLE = auto()
    FAILED = auto()
    LOCKED = auto()


_APPLYING, _DURABLE, _FAILED, _LOCKED = _State.APPLYING, _State.DURABLE, _State.FAILED, _State.LOCKED


class Polling:
    """Fetches updates with getUpdates and acknowledges one only when it, and all before it, are durable.

    While an update does not commit, later ones of other chats are fetched and applied all the same: the offset stays at
    the first unfinished one, and what Telegram therefore brings again is recognised by its number. Everybody waits only
    when a whole batch stands behind it. An update that needs a missing key is tried again now and then, and later
    updates of its chat wait. Other chats are not delayed.
    """

    def __init__(
        self,
        api: Api,
        units: Units,
        intake: Intake,
        clock: Clock,
        *,
        alarm: Alarm = log_alarm,
        allowed: Sequence[str] = ALLOWED_UPDATES,
        wait: int = LONG_POLL,
    ) -> None:
        self._api = api
        self._units = units
        self._intake = intake
        self._clock = clock
        self._alarm = alarm
        self._allowed = list(allowed)
        self._wait = wait
        self._stop = asyncio.Event()
        self._settled = asyncio.Event()
        self._call = Breakable()
        self._unacknowledged: OrderedDict[int, _State] = OrderedDict()
        """In the order in which they came."""
        self._unfinished = 0
        self._locked: dict[int | None, float] = {}
        """By chat, when the update that needs a missing key is tried again."""
        self._offset: int | None = None
        self._failed: str | None = None
        """Why an update could not be applied. It is to be fetched again."""
        self._troubles = 0

    def stop(self) -> None:
        """Let `run` end: fetch nothing more, but commit the updates that were fetched."""
        self._stop.set()
        self._call.end()

    async def run(self) -> None:
        """Fetch and apply until `stop`. Raises TokenRejected if Telegram does not accept our token any more."""
        await self._leave_own_webhook()
        repeats = 0
        while not self._stop.is_set():
            batch = await self._fetch()
            if batch is None:
                continue
            is_new = self._apply(batch)
            repeats = 0 if is_new else repeats + 1
            if self._unfinished or (self._locked and not is_new):
                # Telegram answers at once while anything is unacknowledged: asking again takes a pause.
                self._settled.clear()
                await until(self._settled, min(PATIENCE * 1.25**repeats, 0.5))
            if self._failed is not None:
                reason, self._failed = self._failed, None
                await self._rest("database", reason)
            elif self._troubles:
                self._recover()
        await self._intake.settle(1.8)
        await self._acknowledge()

    # -------------------------------------------------------------- fetching
    async def _fetch(self) -> list[dict[str, Any]] | None:
        """Fetch the next batch. None after a failure and its pause, or when it is time to stop."""
        self._advance()
        offset = self._offset
        wait = 0 if self._unacknowledged else self._wait
        batch: Any = None
        try:
            async with self._call.work():
                batch = await self._api.updates(offset, limit=BATCH, wait=wait, allowed=self._allowed)
        except errors.InvalidToken as error:
            if await self._api.is_rejected():
                raise TokenRejected from None
            self._alarm("method_refused", "getUpdates")
            await self._rest("telegram", f"{type(error).__name__}: {error}")
            return None
        except errors.Conflict as error:
            await self._on_conflict(error)
            return None
        except errors.RetryAfter as error:
            seconds = errors.seconds_of(error)
            logger.warning("telegram.retry_after", seconds=seconds, method="getUpdates")
            await until(self._stop, min(seconds, LONGEST_SILENCE))
            return None
        except errors.TelegramError as error:
            await self._rest("telegram", f"{type(error).__name__}: {error}")
            return None
        if batch is None:  # stop() broke it off
            return None
        if offset is not None and offset == self._offset:
            # Acknowledged. Numbers may start anywhere after an idle week, so the next one may be any number.
            self._offset = None
        return [update for update in batch if is_update(update)]

    def _apply(self, batch: list[dict[str, Any]]) -> bool:
        """Hand over the updates that are new or have failed, in order. Returns whether there were any."""
        is_new = False
        at = asyncio.get_running_loop().time()
        self._locked = {chat_id: until_time for chat_id, until_time in self._locked.items() if at < until_time}
        for update in batch:
            update_id: int = update["update_id"]
            if self._unacknowledged.get(update_id, _FAILED) not in (_FAILED, _LOCKED):
                continue
            if self._locked and chat_of(update) in self._locked:
                self._unacknowledged[update_id] = _LOCKED
                continue
            is_new = True
            self._unacknowledged[update_id] = _APPLYING
            self._unfinished += 1
            self._intake.apply(update).add_done_callback(partial(self._on_done, update))
        return is_new

    def _on_done(self, update: dict[str, Any], future: "asyncio.Future[Handled]") -> None:
        update_id: int = update["update_id"]
        self._unfinished -= 1
        error = future.exception() if not future.cancelled() else Unavailable("stopped")
        if error is None:
            self._unacknowledged[update_id] = _DURABLE
        elif key_unknown(error) is not None:
            self._unacknowledged[update_id] = _LOCKED
            self._locked[chat_of(update)] = asyncio.get_running_loop().time() + LOCKED_FOR
        else:
            # The offset cannot pass it, so Telegram brings it again, and all after it.
            self._unacknowledged[update_id] = _FAILED
            self._failed = str(error)
        if not self._unfinished or error is not None:
            self._settled.set()

    def _advance(self) -> None:
        """Move the offset past everything durable, up to the first update that is not."""
        while self._unacknowledged:
            update_id, state = next(iter(self._unacknowledged.items()))
            if state is not _DURABLE:
                self._offset = update_id
                return
            del self._unacknowledged[update_id]
            self._offset = update_id + 1

    async def _acknowledge(self) -> None:
        """Send the last offset, so that the next start does not fetch the same updates again.

        A failure loses nothing.
        """
        self._advance()
        if self._offset is not None:
            with contextlib.suppress(errors.TelegramError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._api.updates(self._offset, limit=1, wait=0, allowed=self._allowed)

    # -------------------------------------------------------------- trouble
    async def _rest(self, what: str, reason: str) -> None:
        """Wait before the next try, longer each time. Log one line when the waiting begins."""
        self._troubles += 1
        if self._troubles == 1:
            logger.warning("intake.trouble", what=what, reason=reason)
        await until(self._stop, min(0.25 * 2 ** min(self._troubles - 1, 6), 5.0))

    def _recover(self) -> None:
        logger.info("intake.recovered", after=self._troubles)
        self._troubles = 0

    async def _on_conflict(self, error: errors.Conflict) -> None:
        """Handle a 409: a second copy of the bot runs, or somebody has its token."""
        if "webhook" in str(error).lower() and await self._leave_own_webhook():
            return
        kind = "foreign_webhook" if "webhook" in str(error).lower() else "second_poller"
        self._alarm(kind, str(error))
        await until(self._stop, 3.0)

    async def _leave_own_webhook(self) -> bool:
        """Remove the webhook if we set it ourselves. A webhook of somebody else stays and raises an alarm."""
        try:
            own = await self._units.run(None, lambda unit: unit.facts.get(WEBHOOK_FACT))
            info = await self._api.call("getWebhookInfo", {})
            address = info.url
            if not address:
                return False
            if address != own:
                self._alarm("foreign_webhook", f"updates go to {host_of(address)}")
                return False
            await self._api.call("deleteWebhook", {})
            await self._units.run(None, lambda unit: unit.facts.set(WEBHOOK_FACT, "", self._clock.now()))
        except (errors.TelegramError, Unavailable) as error:
            if isinstance(error, errors.InvalidToken) and await self._api.is_rejected():
                raise TokenRejected from None
            logger.warning("intake.trouble", what="webhook", reason=f"{type(error).__name__}: {error}")
            return False
        logger.info("webhook.removed")
        return True
