"""UPKEEP: what the house does for itself, whether anybody writes or not.

A bot that runs for years gathers what nobody needs any more, and the audit log's chain is linked by somebody who is
not in a hurry. Every chore is safe to be done by several replicas at once and to be broken off anywhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.status import BEAT, Vitals, remember
from bot.telegram.delivery import until
from bot.telegram.handled import Clock
from storage import chain
from storage.database import Database
from storage.errors import StorageError, Unavailable
from storage.files import FileStore
from storage.jobs import UNSAY
from storage.outbox import OutboxDraft
from storage.resealing import reseal
from storage.retention import ORPHANS, RETENTION
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0


@dataclass(frozen=True, slots=True)
class Premises:
    """What a chore is done on, and how the process is at this moment."""

    database: Database
    store: FileStore
    vitals: Vitals


@dataclass(frozen=True, slots=True)
class Chore:
    """One row: what is done, how often, and how; in a thread of its own."""

    name: str
    every: timedelta
    do: Callable[[Premises, datetime], None]


def seal_log(premises: Premises, now: datetime) -> None:
    """Link what has been recorded since to the audit log's chain; the log of the process tells its new head (S13)."""
    with premises.database.view() as unit:
        if not chain.is_waiting(unit):
            return
    while (head := premises.database.units.submit(None, chain.seal).result()) is not None:
        logger.info("chain.sealed", position=head.position, head=head.note)


def forget(premises: Premises, now: datetime) -> None:
    """Whatever has been kept as long as RETENTION says, and files that no answer holds (S14)."""
    units = premises.database.units
    for rule in RETENTION:
        while units.submit(None, partial(rule.at, now=now)).result():
            pass
    with premises.database.view() as unit:  # nobody's answer waits while files are counted
        kept = unit.attachments.keys()
    premises.store.sweep(kept, now - ORPHANS)


def renew_seals(premises: Premises, now: datetime) -> None:
    """Put what older keys sealed under the current one, answers and files, so that those keys can be retired (S12)."""
    count = 0
    while done := premises.database.units.submit(None, reseal).result():
        count += done
    count += premises.store.reseal()
    if count:
        logger.info("keys.resealed", count=count)


def unsay(premises: Premises, now: datetime) -> None:
    """Take out of the chats what was restricted and has been there for a day (S15)."""

    def work(unit: UnitOfWork) -> None:
        for job in unit.jobs.claim(now, now + timedelta(minutes=5), limit=100, kinds=(UNSAY,)):
            if unit.outbox.card_message_id(job.payload["card"]) is not None:
                # Queued, not leased: it is the sweep that sends what nobody has just asked for.
                at = now + timedelta(seconds=1)
                draft = OutboxDraft(
                    job.chat_id or 0, "notice", "deleteMessage", {}, card_id=job.payload["card"], not_before=at
                )
                unit.outbox.add(draft, now=now)
            unit.jobs.settle(job, now)

    premises.database.units.submit(None, work).result()


def tell_vitals(premises: Premises, now: datetime) -> None:
    """Leave word of how this process is, for /estado and `enlace status`."""
    premises.database.units.submit(None, lambda unit: remember(unit, premises.vitals, now)).result()


UPKEEP: tuple[Chore, ...] = (
    Chore("tell the vitals", BEAT, tell_vitals),
    Chore("seal the audit log", timedelta(seconds=2), seal_log),
    Chore("forget", timedelta(hours=1), forget),
    Chore("renew seals", timedelta(days=1), renew_seals),
    Chore("take restricted messages out of chats", timedelta(minutes=5), unsay),
)


async def keep_house(
    look: Callable[[], Premises], clock: Clock, stopping: asyncio.Event, *, chores: Sequence[Chore] = UPKEEP
) -> None:
    """Do each chore when its time has come, until told to stop; the one in hand is finished.

    It runs in a thread, which no cancelling ends: who does not wait for this closes the database under it.
    """
    next_at = dict.fromkeys(chores, clock.monotonic())
    while not stopping.is_set():
        for chore in chores:
            if stopping.is_set() or clock.monotonic() < next_at[chore]:
                continue
            next_at[chore] = clock.monotonic() + chore.every.total_seconds()
            try:
                await asyncio.to_thread(chore.do, look(), clock.now())
            except Unavailable as error:
                logger.warning("upkeep.unavailable", chore=chore.name, reason=str(error))
            except StorageError as error:
                logger.critical("alarm", kind="upkeep", chore=chore.name, reason=str(error))
            except Exception:  # the boundary of one chore
                logger.exception("upkeep.defect", chore=chore.name)
        await until(stopping, LOOK_EVERY)
