"""The budget of notices (docs/domain.md#reminders). It is enforced for every job when plans become messages.

`conversations.plan.calendar.ledger.withheld` is the rule, and `BESIDE` has its exceptions. Here it is applied: a person
who has had a notice today, of any plan, gets no other, and whoever reports no third in a week or fifth in a month. A
job that is neither the ladder nor one of its carriers waits for these, also in the person's other plans.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.schedule.agenda import outlook_of
from bot.schedule.job import Batch, Moment, Planned
from bot.schedule.reminders import leaving_to_digests
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.calendar.ledger import ASKED_FOR, BESIDE, CARRIERS, LADDER, LONGEST, withheld
from conversations.plan.calendar.notices import concerns, is_meant
from conversations.plan.calendar.working_time import falls_on
from storage.unit_of_work import UnitOfWork


def one_a_day(unit: UnitOfWork, batch: Batch, now: datetime) -> Sequence[Planned]:
    """Return the messages of a batch that may be said now, so that nobody gets more notices than their budget allows.

    What is left out is not recorded. The job finds it again on the next day, if it is not too late then.
    """
    plan_id, what, planned = batch.plan_id, batch.job.what, batch.planned
    people = [one.who for one in planned if one.is_said]
    if not people or what in BESIDE:
        return planned
    rows = unit.ledger.messages_since([who.person_id for who in people], now - LONGEST)
    found = withheld(plan_id, what, rows, now, {who.person_id for who in people if who.reports})
    waiting = set(found.today)
    if what != LADDER and what not in CARRIERS:
        waiting |= _spoken_for(unit, plan_id, people, now)
        numbers = [who.person_id for who in people]
        for other in (plan.id for plan in unit.plans.all() if plan.id != plan_id):
            waiting |= _spoken_for(unit, other, unit.recipients.all(other, numbers), now)
    asked = {one.who.person_id for one in planned if one.reason == ASKED_FOR}
    waiting |= set(found.spent) - asked
    return [one for one in planned if not one.is_said or one.who.person_id not in waiting]


def _spoken_for(unit: UnitOfWork, plan_id: int, people: Sequence[Recipient], now: datetime) -> set[int]:
    """Return the people who get a message of this plan's ladder today (in their zone), or a digest in its place."""
    if not people:
        return set()
    moment = Moment.of(unit, plan_id, now)
    ladders = [one for one in unit.schedules.all(plan_id) if one.what == LADDER and one.paused_at is None]
    outlook = leaving_to_digests(unit, moment, outlook_of(unit, moment), people)

    def is_next(who: Recipient) -> bool:
        day = moment.day_of(who)
        if (who.person_id, day) in outlook.windows:
            return outlook.windows[who.person_id, day] == "told_in_digest"
        return (
            is_meant(who)
            and concerns(outlook, who, day)
            and any(falls_on(one.days, day, outlook.holidays) and one.among([who.role]) for one in ladders)
        )

    return {who.person_id for who in people if is_next(who)}
