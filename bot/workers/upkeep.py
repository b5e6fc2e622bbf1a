"""The chores that are done regularly, whether anybody writes or not.

A bot that runs for years collects data that nobody needs any more, and the audit log is sealed after it is written.
Several replicas may do a chore at the same time, and a chore may be interrupted at any point. What a chore does because
of the date, and nobody can undo, waits while the clock cannot be trusted: one that was ahead by a year deleted drafts.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from bot.acts.reports.coverage import is_checked, recheck
from bot.acts.sharing.exports import KEPT
from bot.acts.sharing.receivers import locked_lately, record_locks
from bot.acts.upkeep.status import BEAT, DISK_FULL, MIB, Vitals, remember
from bot.chat.form_cache import FormCache
from bot.errors import NO_ROOM
from bot.log import log_alarm
from bot.stopping import until
from bot.telegram.handled import Alarm, Clock
from storage.errors import StorageError, Unavailable
from storage.exports.parcels import Parcels
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from storage.upkeep import chain, lineage
from storage.upkeep.health import health
from storage.upkeep.resealing import reseal
from storage.upkeep.retention import ORPHANS, RETENTION

logger = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0

TELEGRAM_SILENT: Final = 120.0
QUEUE_OLD: Final = timedelta(minutes=15)
HELD_FACT: Final = "held"
"""Set by a restore, empty once somebody has released it."""
DEAF: Final = timedelta(hours=6)
"""A receiver that has failed for so long is reported."""
DEATHS: Final = 3
"""So many unclean ends within an hour are reported."""


@dataclass(frozen=True, slots=True)
class Premises:
    """The things a chore works with, and the state of the process at this moment."""

    database: Database
    store: FileStore
    vitals: Vitals
    alarm: Alarm = log_alarm
    forms: FormCache | None = None
    lineage: Path | None = None
    """The file that notes how far the database has come."""
    parcels: Parcels | None = None


@dataclass(frozen=True, slots=True)
class Chore:
    """One chore: its name, how often it is done, and its function, which runs in a thread."""

    name: str
    every: timedelta
    do: Callable[[Premises, datetime], None]
    trusts_date: bool = False
    """Whether it does, because of the date, what nobody can undo."""


def seal_log(premises: Premises, now: datetime) -> None:
    """Seal the audit entries written since the last time. The new head of the chain is written to the log (S13)."""
    while (head := premises.database.units.submit(None, chain.seal).result()) is not None:
        logger.info("chain.sealed", position=head.position, head=head.note)


def forget(premises: Premises, now: datetime) -> None:
    """Delete data that has been kept as long as RETENTION says, and files that no answer refers to (S14)."""
    units = premises.database.units
    for rule in RETENTION:
        while units.submit(None, partial(rule.at, now=now)).result():
            pass
    with premises.database.view() as unit:  # no answer waits while files are counted
        kept = unit.attachments.keys()
    premises.store.sweep(kept, now - ORPHANS)


def sweep_exports(premises: Premises, now: datetime) -> None:
    """Remove the files of exports that nobody has fetched for long."""
    if premises.parcels is not None:
        # By the machine's clock, as the files are dated: a clock that was moved would take them all.
        premises.parcels.sweep(datetime.now(UTC) - KEPT)


def renew_seals(premises: Premises, now: datetime) -> None:
    """Seal answers and files under the current key, so that older keys can be retired (S12).

    What does not open is left, and does not keep the rest from being renewed.
    """
    count = 0
    unopened: set[tuple[str, int]] = set()
    while done := premises.database.units.submit(None, partial(reseal, unopened=unopened)).result():
        count += done
    files, broken = premises.store.reseal()
    if count + files > len(unopened):
        logger.info("keys.resealed", count=count + files - len(unopened))
    if unopened or broken:
        logger.error("keys.unopened", texts=len(unopened), files=broken)


def clean_chats(premises: Premises, now: datetime) -> None:
    """Delete from the chats the restricted messages that are due, and record which deletions succeeded (S15)."""

    def work(unit: UnitOfWork) -> int:
        unit.restricted.settle(now)
        found = unit.restricted.due(now)
        # Queued without a lease: the delivery's sweep sends calls that nobody waits for.
        at = now + timedelta(seconds=1)
        for one in found:
            draft = OutboxDraft(one.chat_id, "notice", one.method, one.payload, one.card_id, not_before=at)
            unit.restricted.leaves(one, unit.outbox.add(draft, now=now).id)
        return len(found)

    while premises.database.units.submit(None, work).result():
        pass


def tell_vitals(premises: Premises, now: datetime) -> None:
    """Store the state of this process for /estado and `enlace status`, and its key for `enlace keys retire`."""

    def work(unit: UnitOfWork) -> None:
        remember(unit, premises.vitals, now)
        unit.replicas.tell_key(unit.vault.current, now)

    premises.database.units.submit(None, work).result()


def look_after_health(premises: Premises, now: datetime) -> None:
    """Raise alarms for what nobody else notices: a full disk, waiting messages, updates set aside, deaths, silence."""
    vitals, alarm = premises.vitals, premises.alarm
    if vitals.free < DISK_FULL:
        alarm("disk", f"{vitals.free // MIB} MiB are free where evidence is kept")
    try:
        premises.store.try_to_write()
    except OSError as error:
        alarm("disk" if error.errno in NO_ROOM else "files", f"evidence cannot be kept: {error.strerror}")
    if vitals.answered_ago is None or vitals.answered_ago > TELEGRAM_SILENT:
        alarm("telegram", "no call has succeeded for two minutes")
    with premises.database.view() as unit:
        oldest = health(unit, now).oldest_at
        poisoned = unit.inbox.poisoned(now - timedelta(days=1))
        deaths = unit.replicas.deaths(now - timedelta(hours=1))
        is_held = bool(unit.facts.get(HELD_FACT))
        deaf = unit.event_deliveries.troubled(now - DEAF, now - timedelta(days=1))
        try:
            chain.sealed_until(unit)
        except StorageError as error:
            alarm("audit", str(error))
    if is_held:
        alarm("held", "a backup was restored: nothing is sent until somebody has looked at it")
    if oldest is not None and now - oldest > QUEUE_OLD and not vitals.is_held:
        alarm("queue_age", f"a message waits since {oldest.isoformat()}")
    if poisoned:
        alarm("poison", f"{poisoned} updates were set aside within a day")
    if deaf:
        told = ", ".join(f"{one.host} ({one.waiting} wait, {one.dead} dead)" for one in deaf)
        alarm("receivers", f"receivers do not hear: {told}; see 'enlace events list'")
    if deaths >= DEATHS:
        alarm("repeated_deaths", f"{deaths} unclean ends within an hour")


def look_after_coverage(premises: Premises, now: datetime) -> None:
    """Check that a published form can report each item of the plan, whenever the plan, the forms or the bot changed."""
    version = premises.vitals.version
    with premises.database.view() as unit:
        plans = [
            (plan.id, is_checked(unit, plan.id, version), unit.plans.unreportable(plan.id)) for plan in unit.plans.all()
        ]
    for plan_id, is_known, subjects in plans:
        if premises.forms is not None and not is_known:
            check = partial(recheck, forms=premises.forms, plan_id=plan_id, version=version, now=now)
            found = premises.database.units.submit(None, check).result()
            subjects = frozenset(gap.subject for gap in found)
        if subjects:
            alarm = premises.alarm
            alarm("unreportable", f"{len(subjects)} items of the plan have no form: {', '.join(sorted(subjects)[:8])}")


def tell_of_locks(premises: Premises, now: datetime) -> None:
    """Record for receivers that a period has locked. It locks by its calendar, and no act does it."""
    with premises.database.view() as unit:
        if not locked_lately(unit, now):
            return
    premises.database.units.submit(None, partial(record_locks, now=now)).result()


def look_back(premises: Premises, now: datetime) -> None:
    """Hold the database if somebody has put an older one in its place."""
    if premises.lineage is None:
        return
    try:
        found = lineage.look(premises.database, premises.lineage, now)
    except OSError as error:  # a folder that may only be read: then there is nothing to compare with
        logger.info("lineage.not_kept", reason=error.strerror)
        return
    if found is not None:
        premises.alarm("held", str(found))


UPKEEP: tuple[Chore, ...] = (
    Chore("tell the vitals", BEAT, tell_vitals),
    Chore("look after health", timedelta(seconds=30), look_after_health),
    Chore("look after coverage", timedelta(seconds=30), look_after_coverage),
    Chore("seal the audit log", timedelta(seconds=2), seal_log),
    Chore("tell of locks", timedelta(minutes=1), tell_of_locks, trusts_date=True),
    Chore("look back", timedelta(seconds=15), look_back),
    Chore("sweep exports", timedelta(minutes=10), sweep_exports),
    Chore("forget", timedelta(hours=1), forget, trusts_date=True),
    Chore("renew seals", timedelta(days=1), renew_seals),
    Chore("take restricted messages out of chats", timedelta(minutes=1), clean_chats),
)


async def keep_house(
    look: Callable[[], Premises], clock: Clock, stopping: asyncio.Event, *, chores: Sequence[Chore] = UPKEEP
) -> None:
    """Do each chore when its time has come, until told to stop. The chore in hand is finished.

    A chore runs in a thread, which cannot be cancelled. Wait for this before you close the database.
    """
    next_at = dict.fromkeys(chores, clock.monotonic())
    while not stopping.is_set():
        for chore in chores:
            if stopping.is_set() or clock.monotonic() < next_at[chore]:
                continue
            now = clock.now()  # before the look at the clock: no later jump is in it
            try:
                premises = look()
                if chore.trusts_date and premises.vitals.is_held:
                    continue
                next_at[chore] = clock.monotonic() + chore.every.total_seconds()
                await asyncio.to_thread(chore.do, premises, now)
            except Unavailable as error:
                logger.debug("upkeep.unavailable", chore=chore.name, reason=str(error))
            except StorageError as error:
                premises.alarm("upkeep", f"{chore.name}: {error}")
            except Exception:  # the boundary of one chore
                logger.exception("upkeep.defect", chore=chore.name)
        await until(stopping, LOOK_EVERY)
