"""After delivery, a ledger row gets the outcome of its message, and an older reminder in the chat loses its button.

Otherwise four reminders of a week would leave four buttons that begin a report. So when a new one has arrived, the one
before it is edited to a line. It is not deleted, because Telegram allows that for 48 hours only. The edit is an outbox
row in the unit that records the arrival: a crash in between repeats both and loses neither.
"""

from datetime import datetime, timedelta

from bot.chat.actor import message
from conversations.card import Card, line
from conversations.plan.calendar.ladder import FOR_COORDINATORS
from conversations.wording import wording
from storage.messages.outbox import OutboxDraft
from storage.unit_of_work import UnitOfWork

SOON = timedelta(seconds=1)
"""Delivery takes it at its next look; nobody needs to hand it over."""


def settle(unit: UnitOfWork, now: datetime) -> int:
    """Take over the outcomes of messages; return how many older reminders become a line.

    Notices to coordinators stay as they are: each is about its own period, and leads there.
    """
    replaced = [
        one
        for one in unit.ledger.replaced(unit.ledger.settle())
        if not FOR_COORDINATORS.intersection(one.rungs.split(","))
    ]
    for one in replaced:
        payload = message(Card((line(wording(one.language)("remind.replaced")),)))
        draft = OutboxDraft(one.chat_id, "notice", "editMessageText", payload, one.card_id, not_before=now + SOON)
        unit.outbox.add(draft, now=now)
    return len(replaced)
