"""/programar and /calendario: admins read and change schedules and holidays in the chat."""

from collections.abc import Sequence
from datetime import date, time
from functools import partial
from zoneinfo import ZoneInfo

from bot.acts.calendar.holidays import add_holiday, remove_holiday
from bot.acts.sharing import exports
from bot.chat.exchange import Denied, Exchange
from bot.chat.zones import NEAR, is_zone, zone_name, zones_called
from bot.schedule import scheduler
from bot.schedule.edit import DAYS_OF_A_MONTH, HOURS, MONTHLY, RECURRENCES, add, change, remove, run_now, set_export
from bot.schedule.explain import pause_of_all, upcoming
from bot.schedule.job import Job
from bot.schedule.jobs import JOBS, job_of
from bot.screens.calendar import reminders
from conversations.card import Button, Card, Line, bold, cut, home_button, in_rows, italic, line
from conversations.plan.calendar.ledger import LADDER
from conversations.plan.calendar.working_time import LAST_DAY, WEEKDAYS
from conversations.plan.model import Role
from conversations.plan.sharing.export_progress import title
from conversations.plan.sharing.export_request import (
    Choice,
    Offer,
    answered,
    described,
    filter_rows,
    fit,
    fitted,
    options_card,
    refused,
)
from conversations.routes import ButtonTap, Route, awaiting, tap
from conversations.session.reading.dates import read_date
from conversations.session.reading.results import Ambiguous, Understood
from conversations.wording import Wording
from storage.calendar.schedules import StoredSchedule

A_WEEK = 7
LISTED = 12
LONGEST_ECHO = 40
"""A typed text that was not understood is repeated up to this length."""
READINGS = 4


# ------------------------------------------------------------------ /programar
def schedules(ex: Exchange, which: int | str, act: str, value: str, answer: str) -> None:
    """Show the list of schedules, one schedule, or a change to it.

    The button carries everything. For a new schedule, `act` is its job. `answer` answers a question (`value`) of an
    export's request.
    """
    if which == "new":
        _new(ex, act)
        return
    if not isinstance(which, int):
        _list(ex)
        return
    schedule = ex.unit.schedules.get(ex.membership.plan_id, which)
    if schedule is None or job_of(schedule.what) is None:
        raise Denied
    if act == "set" and schedule.what == exports.KIND:
        _set_export(ex, schedule, value, answer)
    elif answer:
        raise Denied
    elif act:
        _act(ex, schedule, act, value)
    else:
        _show_schedule(ex, schedule)


def _list(ex: Exchange) -> None:
    say = ex.say
    rows: list[tuple[Button, ...]] = []
    for schedule in scheduler.ensure_schedules(ex.unit, ex.membership.plan_id, ex.now):
        if job_of(schedule.what) is None:
            continue
        mark = "⏸ " if schedule.paused_at else ""
        text = f"{mark}{_name(schedule, say)} · {_when(schedule, say)}"
        rows.append((Button(cut(text), tap(Route.SCHEDULES, schedule.id)),))
    rows.append((Button(say("schedule.new"), tap(Route.SCHEDULES, "new")),))
    rows.append(
        (Button(say("command.calendario"), tap(Route.HOLIDAYS)), Button(say("command.pausar"), tap(Route.PAUSE)))
    )
    rows.append((home_button(say),))
    ex.answer(Card((line(bold(say("schedule.title"))),), tuple(rows)))


def _show_schedule(ex: Exchange, schedule: StoredSchedule, *, note: str = "") -> None:
    say, to = ex.say, partial(tap, Route.SCHEDULES, schedule.id)
    job = job_of(schedule.what)
    assert job is not None
    roles = schedule.roles or tuple(sorted(job.roles))
    lines: list[Line] = [
        *((line(italic(note)), line("")) if note else ()),
        line(bold(say(f"job.{schedule.what}"))),
        *(_described(schedule, say) if schedule.what == exports.KIND else ()),
        line(_when(schedule, say)),
        line(say("schedule.for", roles=", ".join(say(f"role.{role}") for role in roles))),
    ]
    if schedule.timezone:
        lines.append(line(say("schedule.zone", zone=schedule.timezone.replace("_", " "))))
        lines.append(line(italic(say("schedule.elsewhere"))))
    else:
        lines.append(line(say("schedule.own_zone")))
    zone = ZoneInfo(schedule.timezone or ex.timezone)
    if schedule.paused_at:
        lines.append(line(bold(say("schedule.paused"))))
    elif pause := pause_of_all(ex.unit, schedule.plan_id, ex.now, zone):
        key = "schedule.all_paused" if pause.until_on else "schedule.all_paused_unlimited"
        until = reminders.last_day(pause.until_on, ex.language) if pause.until_on else ""
        lines.append(line(bold(say(key, date=until))))
    coming = upcoming(ex.unit, schedule, ex.now, zone)
    if coming:
        lines += [line(""), line(italic(say("schedule.next")))]
    for at in coming:
        local = at.astimezone(zone)
        lines.append(line(f"• {_on(ex, local.date())}, {local:%H:%M}"))
    rows: list[tuple[Button, ...]] = [
        *(_export_rows(schedule, say) if schedule.what == exports.KIND else ()),
        (Button(say("schedule.days"), to("days")), Button(say("schedule.at"), to("at"))),
        (Button(say("schedule.roles"), to("roles")), Button(say("schedule.zones"), to("zone"))),
        (
            Button(say("schedule.resume"), to("resume"), "success")
            if schedule.paused_at
            else Button(say("schedule.pause"), to("pause")),
            Button(say("schedule.now"), to("now"), "primary"),
        ),
        (Button(say("schedule.delete"), to("delete"), "danger"), Button(say("nav.back"), tap(Route.SCHEDULES))),
    ]
    ex.answer(Card(tuple(lines), tuple(rows)))


def _act(ex: Exchange, schedule: StoredSchedule, act: str, value: str) -> None:
    """Ask a question about a schedule, change it, run it, or delete it. Denied for anything else."""
    job = job_of(schedule.what)
    assert job is not None
    match act, value:
        case ("days" | "at" | "zone" | "roles" | "delete", "") | ("days", "month"):
            _ask(ex, schedule, job, act, value)
        case "roles", role if role in set(job.roles):
            chosen = set(schedule.roles or job.roles) ^ {Role(role)}
            if chosen:
                schedule = change(ex.actor, schedule, roles=",".join(sorted(chosen)))
            _ask(ex, schedule, job, "roles", "")
        case "now", "":
            _run_now(ex, schedule)
        case "delete", "yes":
            remove(ex.actor, schedule)
            _list(ex)
        case _:
            _show_schedule(ex, change(ex.actor, schedule, **_changed(ex, act, value)))


def _changed(ex: Exchange, act: str, value: str) -> dict[str, object]:
    """The column that a button changes, and its new value. Denied for what no button carries."""
    match act, value:
        case "days", days if days in (*RECURRENCES, *MONTHLY):
            return {"days": days}
        case "at", at if at in {f"{hour:%H%M}" for hour in HOURS}:
            return {"at": time(int(at[:2]), int(at[2:]))}
        case "zone", name if name == "own" or is_zone(name):
            return {"timezone": "" if name == "own" else name}
        case "pause", "":
            return {"paused_at": ex.now}
        case "resume", "":
            return {"paused_at": None}
        case _:
            raise Denied


def _ask(ex: Exchange, schedule: StoredSchedule, job: Job, act: str, value: str) -> None:
    """Show the answers to one question about a schedule."""
    say, to = ex.say, partial(tap, Route.SCHEDULES, schedule.id)
    match act, value:
        case "days", "":
            choices = [(_days(days, say), to("days", days)) for days in RECURRENCES]
            _choose(ex, schedule, [*choices, (say("schedule.each_month"), to("days", "month"))], 3)
        case "days", "month":
            choices = [
                (say("schedule.last_day") if day == LAST_DAY else day, to("days", f"month:{day}"))
                for day in DAYS_OF_A_MONTH
            ]
            _choose(ex, schedule, choices, A_WEEK, say("schedule.which_day"))
        case "at", _:
            _choose(ex, schedule, [(f"{at:%H:%M}", to("at", f"{at:%H%M}")) for at in HOURS], 4)
        case "zone", _:
            zones = tuple(dict.fromkeys((ex.timezone, *NEAR)))
            _choose_zone(ex, schedule, zones, say("schedule.which_zone"))
        case "roles", _:
            chosen = set(schedule.roles or job.roles)
            choices = [
                (f"{'☑' if role in chosen else '☐'} {say(f'role.{role}')}", to("roles", role))
                for role in sorted(job.roles)
            ]
            _choose(ex, schedule, choices, 1)
        case "delete", _:
            rows = (
                (Button(say("schedule.delete_yes"), to("delete", "yes"), "danger"),),
                (Button(say("nav.back"), to()),),
            )
            ex.answer(Card((line(say("schedule.delete_sure", what=say(f"job.{schedule.what}"))),), rows))


def hear_zone(ex: Exchange, number: int, _: str, text: str) -> None:
    """Read a zone in words: set it if only one fits, otherwise offer those that fit."""
    schedule = ex.unit.schedules.get(ex.membership.plan_id, number)
    if schedule is None:
        raise Denied
    found = zones_called(text)
    if len(found) == 1:
        _act(ex, schedule, "zone", found[0])
        return
    key = "schedule.zone_found" if found else "schedule.zone_none"
    _choose_zone(ex, schedule, found, ex.say(key, text=cut(text, LONGEST_ECHO)))


def _choose_zone(ex: Exchange, schedule: StoredSchedule, zones: tuple[str, ...], question: str) -> None:
    to = partial(tap, Route.SCHEDULES, schedule.id, "zone")
    choices = [(zone_name(ex, zone), to(zone)) for zone in zones]
    awaits = awaiting(Route.SCHEDULES, schedule.id, "zone")
    _choose(ex, schedule, [(ex.say("schedule.own_zone"), to("own")), *choices], 1, question, awaits)


def _choose(
    ex: Exchange,
    schedule: StoredSchedule,
    choices: Sequence[tuple[str, ButtonTap]],
    width: int,
    question: str = "",
    awaits: str = "",
) -> None:
    buttons = [Button(text, each) for text, each in choices]
    rows = in_rows(buttons, width)
    rows.append((Button(ex.say("nav.back"), tap(Route.SCHEDULES, schedule.id)),))
    lines = [line(bold(ex.say(f"job.{schedule.what}"))), line(_when(schedule, ex.say))]
    if question:
        lines += [line(""), line(question)]
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits=awaits)


def _new(ex: Exchange, what: str) -> None:
    job, plan_id, repository = job_of(what), ex.membership.plan_id, ex.unit.schedules
    if job is None or job.what != what or not job.is_offered:
        offered = [one.what for one in JOBS if one.is_offered]
        rows = [(Button(ex.say(f"job.{one}"), tap(Route.SCHEDULES, "new", one)),) for one in offered]
        rows.append((Button(ex.say("nav.back"), tap(Route.SCHEDULES)),))
        ex.answer(Card((line(ex.say("schedule.what")),), tuple(rows)))
        return
    there = [schedule for schedule in repository.all(plan_id) if schedule.what == what]
    if job.is_only and there:
        _show_schedule(ex, there[0], note=ex.say("schedule.only_one"))
        return
    _show_schedule(ex, add(ex.actor, job))


def _name(schedule: StoredSchedule, say: Wording) -> str:
    if schedule.what != exports.KIND:
        return say(f"job.{schedule.what}")
    return f"⬇️ {title(Choice.of(schedule.details), say)}"


def _request_of(schedule: StoredSchedule) -> tuple[Choice, tuple[Offer, ...]]:
    """The request of this schedule of exports, and the exports that may be asked for."""
    offers = exports.offers_of(Role.COORDINATOR)
    choice = fitted(Choice.of(schedule.details), offers)
    assert choice is not None
    return choice, offers


def _described(schedule: StoredSchedule, say: Wording) -> list[Line]:
    choice, offers = _request_of(schedule)
    return described(choice, offers, say)


def _export_rows(schedule: StoredSchedule, say: Wording) -> list[tuple[Button, ...]]:
    """Buttons for the questions of its request."""
    choice, offers = _request_of(schedule)
    to = partial(tap, Route.SCHEDULES, schedule.id, "set")
    return [
        (
            Button(say("export.what"), to("what")),
            Button(say("export.use"), to("who")),
            Button(say("export.as"), to("as")),
        ),
        *filter_rows(choice, offers, say, to),
    ]


def _set_export(ex: Exchange, schedule: StoredSchedule, what: str, answer: str) -> None:
    """Ask one question of the request, or take its answer.

    Each recipient gets the file only if their own role may have it.
    """
    plan_id = ex.membership.plan_id
    choice, offers = _request_of(schedule)
    scope = exports.scope_of(ex.unit, plan_id, ex.language)
    if not answer:
        to = partial(tap, Route.SCHEDULES, schedule.id, "set")
        card = options_card(what, choice, offers, scope, ex.today, ex.say, to=to, previous=True)
        if card is None:
            _show_schedule(ex, schedule)
            return
        ex.answer(card)
        return
    changed = answered(what, answer, choice, scope, previous=True)
    found = fit(changed, offers) if changed is not None else None
    if found is None:
        raise Denied
    changed, left = found
    if left.filters:
        ex.toast, ex.is_alert = refused("filter", changed, ex.say, left.filters), True
    _show_schedule(ex, set_export(ex.actor, schedule, changed))


def _run_now(ex: Exchange, schedule: StoredSchedule) -> None:
    """Send this schedule's message now to everybody who has not had it today.

    The ladder's message is one reminder of all that is left. It first asks, naming the number of people.
    """
    if schedule.what == LADDER:
        reminders.chase(ex)
        return
    ex.toast = ex.say("schedule.sent", n=run_now(ex.actor, schedule))
    _show_schedule(ex, schedule)


def _when(schedule: StoredSchedule, say: Wording) -> str:
    return f"{_days(schedule.days, say)}, {schedule.at:%H:%M}"


def _days(days: str, say: Wording) -> str:
    if days == f"month:{LAST_DAY}":
        return say("schedule.monthly_last")
    if days.startswith("month:"):
        return say("schedule.monthly", day=days.removeprefix("month:"))
    if days in ("daily", "workdays"):
        return say(f"recurrence.{days}")
    return ", ".join(say(f"weekday.{day}") for day in days.split(","))


def _on(ex: Exchange, day: date) -> str:
    """A day with its weekday."""
    return f"{ex.say(f'weekday.{WEEKDAYS[day.weekday()]}')} {ex.day(day)}"


# ------------------------------------------------------------------ /calendario
def calendar(ex: Exchange, argument: str) -> None:
    """Show the days on which nobody is expected to work. A typed date adds one, a button removes one.

    Due, grace and lock days that are still to come move with them. A past day is added only when asked for twice (`+`):
    it moves nothing any more and is mostly a mistake.
    """
    say = ex.say
    note: list[Line] = []
    if argument:
        sign, text = (argument[0], argument[1:]) if argument[0] in "+-" else ("", argument)
        day, others = _holiday_in(text, ex)
        if day is None:
            _ask_which(ex, text, others)
            return
        on = _on(ex, day)
        if sign == "-":
            if remove_holiday(ex.actor, day):
                note = [line(say("calendar.removed", date=on))]
        elif day < ex.today and sign != "+":
            _ask_if_past(ex, day, on)
            return
        else:
            add_holiday(ex.actor, day)
            note = [line(say("calendar.added", date=on))]
    _show_calendar(ex, note)


def hear_day(ex: Exchange, _: str, text: str) -> None:
    """Read a day that was typed below the calendar."""
    calendar(ex, text.lstrip("+-") or "?")


def _show_calendar(ex: Exchange, note: list[Line], rows: tuple[tuple[Button, ...], ...] = ()) -> None:
    plan_id, say = ex.membership.plan_id, ex.say
    lines: list[Line] = [*note, line("")] if note else []
    lines.append(line(bold(say("calendar.title"))))
    buttons = list(rows)
    coming = [day for day in ex.unit.holidays.all(plan_id) if day.on >= ex.today and not day.is_removed]
    for holiday in coming[:LISTED]:
        lines.append(line(f"• {_on(ex, holiday.on)} · {holiday.name or say('calendar.own')}"))
        if not rows:
            to = tap(Route.HOLIDAYS, f"-{holiday.on.isoformat()}")
            buttons.append((Button(say("calendar.remove", date=ex.day(holiday.on)), to),))
    lines += [line(""), line(italic(say("calendar.how")))]
    back = tap(Route.HOLIDAYS) if rows else tap(Route.SCHEDULES)
    ex.ask(Card(tuple(lines), (*buttons, (Button(say("nav.back"), back),))), Route.HOLIDAYS, "day")


def _ask_which(ex: Exchange, text: str, others: tuple[date, ...]) -> None:
    """Say which words were not understood, and how to write a day.

    If a date has two readings, offer both as buttons.
    """
    key = "calendar.which" if others else "calendar.not_a_day"
    rows = tuple((Button(_on(ex, day), tap(Route.HOLIDAYS, day)),) for day in others)
    _show_calendar(ex, [line(ex.say(key, text=cut(text, LONGEST_ECHO)))], rows)


def _ask_if_past(ex: Exchange, day: date, on: str) -> None:
    yes = Button(ex.say("calendar.past_yes"), tap(Route.HOLIDAYS, f"+{day.isoformat()}"), "danger")
    no = Button(ex.say("nav.back"), tap(Route.HOLIDAYS))
    ex.ask(Card((line(ex.say("calendar.past", date=on)),), ((yes,), (no,))), Route.HOLIDAYS, "day")


def _holiday_in(text: str, ex: Exchange) -> tuple[date | None, tuple[date, ...]]:
    """Return the day that the text means. If it can be read in several ways, return the possible days instead."""
    try:
        return date.fromisoformat(text), ()
    except ValueError:
        pass
    match read_date(text, today=ex.today, language=ex.language, prefer="future"):
        case Understood(value):
            return date.fromisoformat(value), ()
        case Ambiguous(values):
            return None, tuple(map(date.fromisoformat, values[:READINGS]))
        case _:
            return None, ()
