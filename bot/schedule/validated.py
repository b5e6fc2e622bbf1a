"""The note to reporters that their reports were validated."""

from collections.abc import Sequence
from datetime import time, timedelta

from bot.chat.actor import message
from bot.chat.permissions import REPORTERS
from bot.schedule.job import Job, Message, Moment
from bot.schedule.regular import as_planned, regular
from conversations.card import Card, line
from conversations.plan.calendar.agenda import Recipient
from conversations.wording import wording
from storage.unit_of_work import UnitOfWork

LOOKED_BACK = timedelta(days=7)
"""Older validations are not news."""
LISTED = 8


# ------------------------------------------------------------------ what was validated
def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """Return, for the scheduler, one silent line to each person about all validations since their last line."""
    untold = unit.reviews.validations_to_tell(moment.plan_id, VALIDATED.what, moment.now, LOOKED_BACK)
    made: dict[int, tuple[Message, ...]] = {}
    for who in people:
        codes = list(dict.fromkeys(untold.get(who.person_id, ())))
        if not codes:
            continue
        say = wording(who.language)
        if len(codes) == 1:
            text = say("validated", code=codes[0])
        elif len(codes) <= LISTED:
            text = say("validated.several", codes=say.listed(codes))
        else:
            text = say("validated.many", codes=", ".join(codes[:LISTED]), n=len(codes) - LISTED)
        payload = message(Card((line(text),)))
        made[who.person_id] = (Message(payload | {"disable_notification": True}),)
    return made


VALIDATED = Job(
    "validated",
    "digest",
    REPORTERS,
    "workdays",
    time(17),
    regular(compose, REPORTERS, "nothing_validated"),
    as_planned,
    is_only=True,
)
"""At the end of the day: sixty validations become one line, without those that were taken back."""
