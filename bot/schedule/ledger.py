"""Write the planned messages as rows of the ledger and the outbox, in one transaction.

So nothing is said twice (G8).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from bot.chat.actor import naming_plan
from bot.schedule.job import Batch, Planned
from bot.schedule.one_a_day import one_a_day
from storage.calendar.ledger import NewFire
from storage.messages.outbox import Kind, OutboxDraft
from storage.unit_of_work import UnitOfWork


def write_once(
    unit: UnitOfWork, batch: Batch, now: datetime, *, is_by_hand: bool = False, broadcast_id: int | None = None
) -> Counter[str]:
    """Write ledger rows and messages for those who have none yet. Return how many were said, skipped and held back.

    Nothing else adds a reminder or a digest to the outbox, and each is added once (G8). It is the only notice of a
    person's day, except for what somebody sends by hand (docs/domain.md#reminders).
    """
    plan_id, job, wanted = batch
    planned = wanted if is_by_hand else one_a_day(unit, batch, now)
    fires = [
        NewFire(
            person_id=one.who.person_id,
            what=one.ledger or job.what,
            window=one.window,
            state="queued" if one.messages else "sent" if one.work else "open" if one.is_open else "skipped",
            reason=one.reason,
            rungs=one.rungs,
            drafts=partial(_drafts, unit, plan_id, one, job.kind),
        )
        for one in planned
    ]
    made: Counter[str] = Counter()
    if len(planned) < len(wanted):
        made["held"] = len(wanted) - len(planned)
    missed: list[NewFire] = []
    are_new = unit.ledger.fire_all(plan_id, fires, now, is_by_hand=is_by_hand, broadcast_id=broadcast_id)
    for one, fire, is_new in zip(planned, fires, are_new, strict=True):
        if not is_new:
            continue
        if one.work is not None:
            one.work(unit)
        made["said" if one.is_said else "skipped"] += 1
        missed += [NewFire(fire.person_id, fire.what, day, "skipped", "told_later") for day in one.missed]
    made["skipped"] += sum(unit.ledger.fire_all(plan_id, missed, now))
    return made


def _drafts(unit: UnitOfWork, plan_id: int, one: Planned, kind: Kind) -> Iterator[OutboxDraft]:
    """The outbox rows of one plan. A card is made only if its row is needed."""
    for message in one.messages:
        card_id = unit.outbox.new_card(one.who.chat_id) if message.is_card else None
        payload = naming_plan(unit, one.who.chat_id, message.payload, plan_id)
        yield OutboxDraft(one.who.chat_id, kind, message.method, payload, card_id)
