"""After delivery, a ledger row gets the outcome of its message, and an older reminder leaves the chat.

Otherwise four reminders of a week would leave four buttons that begin a report. So when a new one has arrived, the one
before it is deleted. Telegram allows that for 48 hours only: after them, it is edited to a word. Either is an outbox
row in the unit that records the arrival: a crash in between repeats both and loses neither.
"""

from datetime import datetime, timedelta

from bot.chat.actor import message
from conversations.card import Card, line
from conversations.plan.calendar.ladder import FOR_COORDINATORS
from conversations.wording import wording
from storage.messages.outbox import OutboxDraft
from storage.messages.restricted import ALONE, DELETABLE
from storage.unit_of_work import UnitOfWork

SOON = timedelta(seconds=1)
"""Delivery takes it at its next look; nobody needs to hand it over."""
SURELY_DELETABLE = DELETABLE - timedelta(hours=1)
"""The call may be late by an outage of an hour. Refused, it would leave the older reminder with its buttons."""


def settle(unit: UnitOfWork, now: datetime) -> int:
    """Take over the outcomes of messages; return how many older reminders leave.

    Notices to coordinators stay as they are: each is about its own period, and leads there.
    """
    replaced = [
        one
        for one in unit.ledger.replaced(unit.ledger.settle())
        if not FOR_COORDINATORS.intersection(one.rungs.split(","))
    ]
    for one in replaced:
        is_deletable = now - one.fired_at < SURELY_DELETABLE
        payload = {} if is_deletable else message(Card((line(wording(one.language)("remind.replaced")),)))
        method = ALONE if is_deletable else "editMessageText"
        draft = OutboxDraft(one.chat_id, "notice", method, payload, one.card_id, not_before=now + SOON)
        unit.outbox.add(draft, now=now)
    return len(replaced)
