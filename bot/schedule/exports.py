"""Exports that are sent regularly."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import partial

from bot.acts.sharing.exports import KIND, Asker, request, wanted_of
from bot.chat.permissions import EXPORT_TAKERS
from bot.schedule.job import Job, Message, Moment, Planned
from bot.schedule.regular import as_planned, regular
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.sharing.export_request import Choice, known_part, previous_period
from storage.calendar.schedules import StoredSchedule
from storage.errors import Conflict, NotFound
from storage.exports.exporters import check_wanted, exporter
from storage.unit_of_work import UnitOfWork


# ------------------------------------------------------------------ on schedule
def plan_exports(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
    """Plan one request in the name of each recipient, once a window.

    If the recipient's role may not have the export, this is recorded as the reason (S5). `previous.month` and the like
    are counted from the day of the window, so an export that is made late is still about the right month.
    """
    planned = regular(_as_job, EXPORT_TAKERS)(unit, schedule, moment)
    periods = unit.plans.periods(moment.plan_id)
    made: list[Planned] = []
    for one in planned:
        found = replace(one, messages=())
        if one.messages:
            kept = Choice.of(schedule.details)
            dated = replace(kept, period=previous_period(periods, kept.period, one.window))
            used = exporter(kept.dataset, kept.format, kept.audience, one.who.role)
            choice = known_part(dated, used.filters) if used is not None else dated
            who = one.who
            asker = Asker(moment.plan_id, who.person_id, who.role, who.chat_id, who.language)
            work = partial(request, choice=choice, asker=asker, now=moment.now)
            is_good = _can_be_had(unit, choice, asker, moment.now) and bool(dated.period) == bool(kept.period)
            found = replace(found, work=work) if is_good else replace(found, reason="not_exported")
        made.append(found)
    return made


def _as_job(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """Give everybody an empty plan of messages: the file comes later."""
    return {who.person_id: (Message({}),) for who in people}


def _can_be_had(unit: UnitOfWork, choice: Choice, asker: Asker, now: datetime) -> bool:
    used = exporter(choice.dataset, choice.format, choice.audience, asker.role)
    if used is None:
        return False
    try:
        check_wanted(unit, used, wanted_of(unit, choice, asker, now))
    except (NotFound, Conflict):
        return False
    return True


SCHEDULED = Job(KIND, "export", EXPORT_TAKERS, "month:16", time(8), plan_exports, as_planned, is_shipped=False)
"""A file that is sent when the month is locked. Admins make as many of these schedules as they need."""
