"""`enlace schedules`: what the bot says by itself, and when.

The rules are those of the chat: what no button offers there is refused here.
"""

from collections.abc import Collection, Mapping
from datetime import time
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import Row, act, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint, Misuse

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from bot.schedule.job import Job
    from bot.settings import Settings
    from conversations.plan.sharing.export_request import Choice
    from storage.calendar.schedules import StoredSchedule

app = typer.Typer(no_args_is_help=True)

ScheduleArgument = Annotated[int, typer.Argument(metavar="N", help="Its number in `schedules list`.")]


@app.command("list")
def list_schedules(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List what is sent regularly: number, what, state, days, time, zone, to whom, and the next three times."""
    from bot.schedule import scheduler
    from bot.schedule.jobs import job_of

    def work(actor: "Actor") -> list[Row]:
        found = scheduler.ensure_schedules(actor.unit, actor.plan_id, actor.now)
        return [_row(actor, one) for one in found if job_of(one.what) is not None]

    print_rows(act(plan_code, work), as_json)


def _row(actor: "Actor", schedule: "StoredSchedule") -> Row:
    from bot.schedule.explain import upcoming
    from bot.schedule.jobs import job_of
    from conversations.plan.sharing.export_request import Choice

    zone = ZoneInfo(schedule.timezone or actor.timezone)
    job = job_of(schedule.what)
    times = upcoming(actor.unit, schedule, actor.now, zone)
    return {
        "schedule": schedule.id,
        "what": schedule.what,
        "state": "paused" if schedule.paused_at else "active",
        "days": schedule.days,
        "at": f"{schedule.at:%H:%M}",
        "zone": schedule.timezone or "own",
        "roles": [role.value for role in schedule.roles or sorted(job.roles if job else ())],
        "next": [at.astimezone(zone).isoformat(timespec="minutes") for at in times],
        "export": " ".join(filter(None, Choice.of(schedule.details).kept().values())) or "-",
    }


@app.command("add")
def add_schedule(
    what: Annotated[str, typer.Argument(help="reminders, digest, card, validated, vacancies, entering or export.")],
    days: Annotated[str, typer.Option(help="workdays, mon to fri, month:1 or month:15; the usual ones.")] = "",
    at: Annotated[str, typer.Option(metavar="HH:MM", help="From 08:00 to 17:30, by the half hour.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="To these roles alone; may be given again.")] = None,
    zone: Annotated[str, typer.Option(help="own: each person's time; plan: that of the plan.")] = "",
    dataset: Annotated[str, typer.Option(help="Of an export: what is taken out.")] = "",
    format: Annotated[str, typer.Option("--format", help="Of an export.")] = "",
    audience: Annotated[str, typer.Option(help="Of an export: internal, observers or public.")] = "",
    period: Annotated[
        str, typer.Option(help="Of an export: previous.month, previous.quarter, previous.year or all.")
    ] = "",
    where: Annotated[str, typer.Option(help="Of an export: an agency, area-CODE, or all.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Add a schedule. By default, an export is of the month before and goes to coordinators."""
    from bot.acts.sharing import exports
    from bot.schedule import scheduler
    from bot.schedule.edit import add, change, set_export
    from bot.schedule.jobs import JOBS, job_of

    chosen = settings()
    job = job_of(what)
    if job is None or not job.is_offered:
        offered = ", ".join(one.what for one in JOBS if one.is_offered)
        raise Misuse(f"{what!r} is not said on schedule; {offered} are.")
    changes: dict[str, object | None] = {
        "days": _days(days),
        "at": _hour(at) if at else None,
        "roles": _roles(job, role or ()),
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    asked = {"what": dataset, "as": format, "who": audience, "when": period, "where": where}
    given = {question: answer for question, answer in asked.items() if answer}
    if given and what != exports.KIND:
        raise Misuse(f"{what} takes nothing out: what is exported is asked of '{exports.KIND}' alone.")

    def work(actor: "Actor") -> int:
        scheduler.ensure_schedules(actor.unit, actor.plan_id, actor.now)
        if zone:
            changes["timezone"] = _zone(zone, actor)
        choice = _choice(actor, chosen, given) if given else None
        made = add(actor, job)
        if changes:
            made = change(actor, made, **changes)
        if choice is not None:
            set_export(actor, made, choice)
        return made.id

    talk(f"Added schedule {act(plan_code, work, at=chosen)}.")


def _days(text: str) -> str | None:
    """The recurrence as it is stored; None for the job's usual one."""
    from bot.schedule.edit import MONTHLY, RECURRENCES

    if text and text not in (*RECURRENCES, *MONTHLY):
        known = ", ".join((*RECURRENCES, MONTHLY[0], f"… {MONTHLY[-2]}", MONTHLY[-1]))
        raise Misuse(f"--days {text!r} is not one of {known}.")
    return text or None


def _roles(job: "Job", roles: Collection[str]) -> str | None:
    """The roles as they are stored; None for all roles of the job."""
    if strange := sorted(set(roles) - {one.value for one in job.roles}):
        raise Misuse(f"--role {strange[0]!r} is not one of {', '.join(sorted(job.roles))}, whom {job.what} is for.")
    return ",".join(sorted(set(roles))) or None


def _zone(text: str, actor: "Actor") -> str:
    """The zone as it is stored; blank for each person's own."""
    from bot.chat.zones import zones_called

    if text in ("own", "plan"):
        return "" if text == "own" else actor.timezone
    found = zones_called(text)
    if len(found) != 1:
        known = f"; it may be {', '.join(found)}" if found else ", such as Europe/Madrid"
        raise Misuse(f"--zone {text!r} is neither own (each person's time), plan ({actor.timezone}) nor a zone{known}.")
    return found[0]


def _hour(text: str) -> time:
    from bot.schedule.edit import HOURS

    for hour in HOURS:
        if text == f"{hour:%H:%M}":
            return hour
    raise Misuse(f"--at {text!r} is not an hour or half hour from {HOURS[0]:%H:%M} to {HOURS[-1]:%H:%M}.")


def _choice(actor: "Actor", chosen: "Settings", given: Mapping[str, str]) -> "Choice":
    """The usual export with these answers. An answer that nobody may have, or that the plan lacks, is refused."""
    from bot.acts.sharing import exports
    from bot.cli.sharing.export import told_by_dataset
    from conversations.plan.model import Role
    from conversations.plan.sharing.export_request import PREVIOUS, answered, fitted, obstacles

    scope = exports.scope_of(actor.unit, actor.plan_id, chosen.language)
    choice: Choice | None = exports.usual()
    for question, answer in given.items():
        choice = answered(question, answer, choice, scope, previous=True) if choice is not None else None
        if choice is None:
            known = {
                "when": ", ".join(("all", *PREVIOUS)),
                "where": ", ".join(("all", *(f"area-{code}" for code in scope.areas), *scope.agencies)),
            }
            raise Misuse(f"{answer!r} is not one of {known.get(question, 'what there is')}.")
    offers = exports.offers_of(Role.COORDINATOR)
    if choice is None or fitted(choice, offers) != choice or obstacles(choice, offers):
        raise Misuse(f"That is not exported; what is:\n{told_by_dataset(offers)}")
    return choice


@app.command()
def pause(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """Pause a schedule: it sends nothing until it is resumed."""
    _set_paused(schedule, plan_code, is_paused=True)
    talk(f"Schedule {schedule} is paused.")


@app.command()
def resume(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """End a schedule's pause."""
    _set_paused(schedule, plan_code, is_paused=False)
    talk(f"Schedule {schedule} goes on.")


def _set_paused(number: int, plan_code: str, *, is_paused: bool) -> None:
    from bot.schedule.edit import change

    def work(actor: "Actor") -> None:
        change(actor, _schedule(actor, number), paused_at=actor.now if is_paused else None)

    act(plan_code, work)


@app.command()
def now(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """Send a schedule's message now to everybody who has not had it today. The running bot sends it."""
    from bot.schedule.edit import run_now

    talk(f"To be sent to {act(plan_code, lambda actor: run_now(actor, _schedule(actor, schedule)))}.")


@app.command()
def remove(schedule: ScheduleArgument, plan_code: PlanOption = "") -> None:
    """Remove a schedule: it sends nothing any more."""
    from bot.schedule import edit

    act(plan_code, lambda actor: edit.remove(actor, _schedule(actor, schedule)))
    talk(f"Schedule {schedule} is removed.")


def _schedule(actor: "Actor", number: int) -> "StoredSchedule":
    from bot.schedule import scheduler
    from bot.schedule.jobs import job_of

    scheduler.ensure_schedules(actor.unit, actor.plan_id, actor.now)
    found = actor.unit.schedules.get(actor.plan_id, number)
    if found is None or job_of(found.what) is None:
        raise Complaint(f"There is no schedule {number}: see 'enlace schedules list'.")
    return found
