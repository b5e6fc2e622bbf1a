"""After a restore: what is held back, and what happens when somebody lets the bot send again.

A restored database believes that it is still the moment of its copy. But its reminders may have been sent since, and
later answers are missing in it. So the bot sends nothing by itself until an admin has looked. Then the windows until
the restore are skipped. People who were writing when the copy was made are asked, once, to check their last answers.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.alarms.standing import PREFIX
from bot.chat.actor import message
from bot.schedule.job import Batch, Message, Planned
from bot.schedule.ledger import write_once
from bot.schedule.restored import RESTORED
from conversations.card import line_card
from conversations.dates import show_day
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.calendar.working_time import is_quiet
from conversations.wording import wording
from storage.unit_of_work import UnitOfWork
from storage.upkeep.holding import Held, concerned, release
from storage.upkeep.lineage import begin_anew

A_QUARTER: Final = timedelta(minutes=15)
LOOKED_BACK: Final = timedelta(days=10)


def resume(unit: UnitOfWork, now: datetime, *, by: int | None = None) -> Held | None:
    """End the hold: skip the windows until the restore, and ask the people concerned to check.

    If the database was not held, do nothing and return None.
    """
    found = release(unit, now)
    if found is not None:
        unit.facts.forget(f"{PREFIX}held")  # the alarm ends now, not when nobody has raised it for a while
        begin_anew(unit, now)
        until = min(found.since, now)
        _skip(unit, until, now)
        _ask(unit, found, until, now)
        for plan in unit.plans.all():
            unit.audit.record("reminders.resumed", by, plan.id, {}, now)
    return found


def _skip(unit: UnitOfWork, until: datetime, now: datetime) -> None:
    """Record as skipped everything that would have been said until then, in each zone at its last working hour."""
    from bot.schedule.scheduler import due  # JOBS holds RESTORED

    for plan in unit.plans.all():
        schedules = unit.schedules.all(plan.id)
        for zone in unit.recipients.zones(plan.id):
            at = _awake(unit, plan.id, until, ZoneInfo(zone))
            for batch in due(unit, at, schedules):
                unsaid = [
                    replace(one, messages=(), work=None, is_open=False, reason="restored", missed=())
                    for one in batch.planned
                    if one.is_said
                ]
                write_once(unit, batch._replace(planned=unsaid), now)


def _awake(unit: UnitOfWork, plan_id: int, until: datetime, zone: ZoneInfo) -> datetime:
    """The last moment until then at which a message may be sent there."""
    holidays, at = unit.holidays.days(plan_id), until
    while is_quiet(at, zone, holidays) and until - at < LOOKED_BACK:
        at -= A_QUARTER
    return at


def _ask(unit: UnitOfWork, found: Held, until: datetime, now: datetime) -> None:
    for plan_id, people in concerned(unit, found.as_of).items():
        recipients = unit.recipients.all(plan_id, people)
        planned = [
            Planned(who, until.astimezone(ZoneInfo(who.timezone)).date(), (_message(who, found.as_of),))
            for who in recipients
        ]
        write_once(unit, Batch(plan_id, RESTORED, planned), now, is_by_hand=True)


def _message(who: Recipient, as_of: datetime) -> Message:
    say, local = wording(who.language), as_of.astimezone(ZoneInfo(who.timezone))
    text = say("restored.look", time=f"{local:%H:%M}", date=show_day(local.date(), who.language))
    return Message(message(line_card(text, say, anew=True)), is_card=True)
