"""What became of messages becomes of the ledger; and of two reminders in a chat, one can be begun from.

Four reminders of a week lay in a chat with four buttons to begin. So the new one arrives first, and then the one before
it is edited to a line: edited, since Telegram deletes a message for 48 hours only. The edit is a row of the outbox in
the unit that notes the arrival: a crash in between repeats both, and neither is lost.
"""

from datetime import datetime, timedelta

from bot.chat.actor import message
from conversations.card import Card, line
from conversations.plan.ladder import FOR_COORDINATORS
from conversations.wording import wording
from storage.messages.outbox import OutboxDraft
from storage.unit_of_work import UnitOfWork

SOON = timedelta(seconds=1)
"""Delivery takes it up at its next look: what adds it need not hand it over."""


def settle(unit: UnitOfWork, now: datetime) -> int:
    """Take over the outcomes of messages; return how many older reminders become a line.

    A coordinator's notice stays as it is: each is of a period of its own, and leads there.
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
