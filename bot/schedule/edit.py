"""Acts on a schedule: add it, change it, remove it, or run it now."""

from dataclasses import replace
from datetime import UTC, datetime, time

from bot.acts.sharing import exports
from bot.chat.actor import Actor
from bot.schedule.by_hand import remind_now
from bot.schedule.job import Batch, Job, Moment
from bot.schedule.jobs import job_of
from bot.schedule.ledger import write_once
from conversations.plan.calendar.ledger import LADDER
from conversations.plan.calendar.working_time import LAST_DAY, WEEKDAYS
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import Choice
from storage.calendar.schedules import NewSchedule, StoredSchedule
from storage.errors import Conflict

HOURS = tuple(time(hour, minute) for hour in range(8, 18) for minute in (0, 30))
RECURRENCES = ("workdays", *WEEKDAYS[:5])
DAYS_OF_A_MONTH = (*map(str, range(1, 29)), LAST_DAY)
MONTHLY = tuple(f"month:{day}" for day in DAYS_OF_A_MONTH)
"""Times and days that a schedule may have."""


# ------------------------------------------------------------------ what is done to a schedule
def add(actor: Actor, job: Job) -> StoredSchedule:
    """Add a schedule at the job's usual time. For an export: last month's reports, for the coordination.

    A shipped schedule that was deleted comes back. Conflict if a job may have only one schedule and has it.
    """
    repository = actor.unit.schedules
    if job.is_only and any(schedule.what == job.what for schedule in repository.all(actor.plan_id)):
        raise Conflict(f"there is a schedule of {job.what} already, and there is but one")
    if job.is_shipped and repository.bring_back(actor.plan_id, job.what, job.days, job.at, actor.now):
        made = next(schedule for schedule in repository.all(actor.plan_id) if schedule.shipped == job.what)
    else:
        is_export = job.what == exports.KIND
        repository.add(
            actor.plan_id,
            NewSchedule(
                job.what,
                job.days,
                job.at,
                roles=(Role.COORDINATOR,) if is_export else (),
                details=exports.usual().kept() if is_export else None,
            ),
            actor.now,
            by=actor.person_id,
        )
        made = repository.all(actor.plan_id)[-1]
    _audit(actor, made, {"added": job.what})
    return made


def change(actor: Actor, schedule: StoredSchedule, **changes: object) -> StoredSchedule:
    """Store the schedule's new `days`, `at`, `timezone`, `roles` or `paused_at`.

    A window that the change moves into the past is not said at once. The next message is at the next time that is
    shown.
    """
    is_anew = bool({"days", "at", "timezone", "roles"} & set(changes)) or changes.get("paused_at", actor.now) is None
    begins = {"begins_at": actor.now} if is_anew else {}
    actor.unit.schedules.change(schedule.plan_id, schedule.id, **changes, **begins)
    _audit(actor, schedule, {name: str(given) for name, given in changes.items()})
    return actor.unit.schedules.get(schedule.plan_id, schedule.id) or schedule


def set_export(actor: Actor, schedule: StoredSchedule, choice: Choice) -> StoredSchedule:
    """Set the request of a schedule of exports."""
    actor.unit.schedules.change(schedule.plan_id, schedule.id, details=choice.kept())
    told = f"{choice.dataset} {choice.format} {choice.audience} {choice.period}".strip()
    _audit(actor, schedule, {"export": told})
    return actor.unit.schedules.get(schedule.plan_id, schedule.id) or schedule


def remove(actor: Actor, schedule: StoredSchedule) -> None:
    actor.unit.schedules.change(schedule.plan_id, schedule.id, deleted_at=actor.now)
    _audit(actor, schedule, {"deleted": True})


def run_now(actor: Actor, schedule: StoredSchedule) -> int:
    """Send this schedule's message now to everybody who has not had it today. Return how many.

    Only what is sent is recorded: people who get nothing now may still get it in the next window.
    """
    if schedule.what == LADDER:
        return remind_now(actor)
    job = job_of(schedule.what)
    assert job is not None
    moment = Moment(schedule.plan_id, actor.now, actor.today, is_by_hand=True)
    at_once = replace(schedule, days="daily", at=time(0), timezone="", begins_at=datetime.min.replace(tzinfo=UTC))
    planned = [replace(one, missed=()) for one in job.scan(actor.unit, at_once, moment) if one.is_said]
    return write_once(actor.unit, Batch(schedule.plan_id, job, planned), actor.now, is_by_hand=True)["said"]


def _audit(actor: Actor, schedule: StoredSchedule, details: dict[str, object]) -> None:
    actor.unit.audit.record(
        "schedule_changed", actor.person_id, schedule.plan_id, {"schedule": schedule.id, **details}, actor.now
    )
