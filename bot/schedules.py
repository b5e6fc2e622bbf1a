"""Schedules and holidays as their admins see them: rows that are read and changed in chat (/programar, /calendario)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import islice
from zoneinfo import ZoneInfo

from bot import exporting, holidays, notices, scheduler
from bot.exchange import Denied, Exchange
from bot.occasion import Moment, carry, why_not
from bot.opening import open_storage
from bot.reminding import LADDER, agenda_of, is_meant
from bot.settings import Settings
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.due import WEEKDAYS, fires_after, instant, is_recurrence, ladder
from conversations.engine import show_date
from conversations.exports import Choice, answered, described, fitted, options_card, title
from conversations.plan import Role
from conversations.reading import Understood, read_date
from conversations.reminders import Recipient, Say, decide
from conversations.wording import Wording, wording
from storage.schedule import StoredSchedule
from storage.unit_of_work import UnitOfWork

PREVIEWED = 3
HOURS = tuple(time(hour, minute) for hour in range(8, 18) for minute in (0, 30))
RECURRENCES = ("workdays", *WEEKDAYS[:5], "month:1", "month:15")
LISTED = 12


# ------------------------------------------------------------------ /programar
def schedules(ex: Exchange, argument: str) -> None:
    """What is said regularly: the list, one of them, or a change to it. Everything about it is in the button."""
    number, _, rest = argument.partition(".")
    if number == "new":
        _new(ex, rest)
        return
    if not number:
        _list(ex)
        return
    if not (number.isascii() and number.isdecimal() and len(number) < 18):
        raise Denied
    schedule = ex.unit.schedule.get(ex.membership.plan_id, int(number))
    if schedule is None or scheduler.job_of(schedule.what) is None:
        raise Denied
    act, _, value = rest.partition(".")
    if act:
        _act(ex, schedule, act, value)
    else:
        _show(ex, schedule)


def _list(ex: Exchange) -> None:
    say = ex.say
    rows: list[tuple[Button, ...]] = []
    for schedule in scheduler.furnish(ex.unit, ex.membership.plan_id, ex.now):
        if scheduler.job_of(schedule.what) is None:
            continue
        mark = "⏸ " if schedule.paused_at else ""
        text = f"{mark}{_name(schedule, say)} · {_when(schedule, say)}"
        rows.append((Button(text if len(text) <= 40 else text[:39] + "…", f"command:programar:{schedule.id}"),))
    rows.append((Button(say("schedule.new"), "command:programar:new"),))
    rows.append(
        (Button(say("command.calendario"), "command:calendario:"), Button(say("command.pausar"), "command:pausar:"))
    )
    rows.append((Button(say("menu.home"), "command:menu:"),))
    ex.show(Card((line(bold(say("schedule.title"))),), tuple(rows)))
    ex.stand(None)


def _show(ex: Exchange, schedule: StoredSchedule) -> None:
    say, tap = ex.say, f"command:programar:{schedule.id}"
    job = scheduler.job_of(schedule.what)
    assert job is not None
    roles = schedule.roles or tuple(sorted(job.roles))
    lines: list[Line] = [
        line(bold(say(f"job.{schedule.what}"))),
        *(described(Choice.of(schedule.details), say) if schedule.what == exporting.KIND else ()),
        line(_when(schedule, say)),
        line(say("schedule.for", roles=", ".join(say(f"role.{role}") for role in roles))),
        line(say("schedule.own_zone") if not schedule.timezone else say("schedule.zone", zone=schedule.timezone)),
    ]
    if schedule.paused_at:
        lines.append(line(bold(say("schedule.paused"))))
    lines += [line(""), line(italic(say("schedule.next")))]
    zone = ZoneInfo(schedule.timezone or ex.house.timezone)
    for at in upcoming(ex.unit, schedule, ex.now, zone):
        local = at.astimezone(zone)
        lines.append(
            line(f"• {_weekday(local.date(), say)} {show_date(local.date().isoformat(), ex.language)}, {local:%H:%M}")
        )
    rows: list[tuple[Button, ...]] = [
        *(_export_rows(tap, say) if schedule.what == exporting.KIND else ()),
        (Button(say("schedule.days"), f"{tap}.days"), Button(say("schedule.at"), f"{tap}.at")),
        (Button(say("schedule.roles"), f"{tap}.roles"), Button(say("schedule.zones"), f"{tap}.zone")),
        (
            Button(say("schedule.resume"), f"{tap}.resume", "success")
            if schedule.paused_at
            else Button(say("schedule.pause"), f"{tap}.pause"),
            Button(say("schedule.now"), f"{tap}.now", "primary"),
        ),
        (Button(say("schedule.delete"), f"{tap}.delete", "danger"), Button(say("nav.back"), "command:programar:")),
    ]
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def _act(ex: Exchange, schedule: StoredSchedule, act: str, value: str) -> None:
    plan_id, repository, say = ex.membership.plan_id, ex.unit.schedule, ex.say
    tap = f"command:programar:{schedule.id}"
    job = scheduler.job_of(schedule.what)
    assert job is not None
    change: dict[str, object] = {}
    match act, value:
        case "set", _ if schedule.what == exporting.KIND:
            _set_export(ex, schedule, value)
            return
        case "days", "":
            _choose(ex, schedule, [(_days(days, say), f"{tap}.days.{days}") for days in RECURRENCES], 3)
            return
        case "days", days if is_recurrence(days) and days in RECURRENCES:
            change = {"days": days}
        case "at", "":
            _choose(ex, schedule, [(f"{at:%H:%M}", f"{tap}.at.{at:%H%M}") for at in HOURS], 4)
            return
        case "at", at if at in {f"{hour:%H%M}" for hour in HOURS}:
            change = {"at": time(int(at[:2]), int(at[2:]))}
        case "zone", "":
            choices = [(say("schedule.own_zone"), f"{tap}.zone.own"), (ex.house.timezone, f"{tap}.zone.plan")]
            _choose(ex, schedule, choices, 1)
            return
        case "zone", "own" | "plan":
            change = {"timezone": "" if value == "own" else ex.house.timezone}
        case "roles", "":
            chosen = set(schedule.roles or job.roles)
            _choose(
                ex,
                schedule,
                [
                    (f"{'☑' if role in chosen else '☐'} {say(f'role.{role}')}", f"{tap}.roles.{role}")
                    for role in sorted(job.roles)
                ],
                1,
            )
            return
        case "roles", role if role in set(job.roles):
            chosen = set(schedule.roles or job.roles) ^ {Role(role)}
            if chosen:
                repository.change(plan_id, schedule.id, roles=",".join(sorted(chosen)))
                _audit(ex, schedule, {"roles": sorted(chosen)})
            _act(ex, repository.get(plan_id, schedule.id) or schedule, "roles", "")
            return
        case "pause", "":
            change = {"paused_at": ex.now}
        case "resume", "":
            change = {"paused_at": None}
        case "now", "":
            _run_now(ex, schedule)
            return
        case "delete", "":
            rows = (
                (Button(say("schedule.delete_yes"), f"{tap}.delete.yes", "danger"),),
                (Button(say("nav.back"), tap),),
            )
            ex.show(Card((line(say("schedule.delete_sure", what=say(f"job.{schedule.what}"))),), rows))
            ex.stand(None)
            return
        case "delete", "yes":
            repository.change(plan_id, schedule.id, deleted_at=ex.now)
            _audit(ex, schedule, {"deleted": True})
            _list(ex)
            return
        case _:
            raise Denied
    repository.change(plan_id, schedule.id, **change)
    _audit(ex, schedule, {name: str(given) for name, given in change.items()})
    _show(ex, repository.get(plan_id, schedule.id) or schedule)


def _choose(ex: Exchange, schedule: StoredSchedule, choices: list[tuple[str, str]], width: int) -> None:
    buttons = [Button(text, tap) for text, tap in choices]
    rows = [tuple(buttons[start : start + width]) for start in range(0, len(buttons), width)]
    rows.append((Button(ex.say("nav.back"), f"command:programar:{schedule.id}"),))
    ex.show(Card((line(bold(ex.say(f"job.{schedule.what}"))), line(_when(schedule, ex.say))), tuple(rows)))
    ex.stand(None)


def _new(ex: Exchange, what: str) -> None:
    job = scheduler.job_of(what)
    if job is None:
        rows = [(Button(ex.say(f"job.{one.what}"), f"command:programar:new.{one.what}"),) for one in scheduler.JOBS]
        rows.append((Button(ex.say("nav.back"), "command:programar:"),))
        ex.show(Card((line(ex.say("schedule.what")),), tuple(rows)))
        ex.stand(None)
        return
    is_export = what == exporting.KIND
    ex.unit.schedule.add(
        ex.membership.plan_id,
        what,
        job.days,
        job.at,
        ex.now,
        by=ex.person.id,
        roles=(Role.COORDINATOR,) if is_export else (),
        details=exporting.usual().kept() if is_export else None,
    )
    made = ex.unit.schedule.all(ex.membership.plan_id)[-1]
    _audit(ex, made, {"added": what})
    _show(ex, made)


def _name(schedule: StoredSchedule, say: Wording) -> str:
    if schedule.what != exporting.KIND:
        return say(f"job.{schedule.what}")
    return f"⬇️ {title(Choice.of(schedule.details), say)}"


def _export_rows(tap: str, say: Wording) -> list[tuple[Button, ...]]:
    """The questions of a request, which this schedule makes again and again."""
    return [
        (
            Button(say("export.what"), f"{tap}.set.what"),
            Button(say("export.use"), f"{tap}.set.who"),
            Button(say("export.as"), f"{tap}.set.as"),
        ),
        (Button(say("export.when"), f"{tap}.set.when"), Button(say("export.where"), f"{tap}.set.where")),
    ]


def _set_export(ex: Exchange, schedule: StoredSchedule, value: str) -> None:
    """Ask one question of the request, or take its answer. Each recipient gets it if their own role may have it."""
    what, _, answer = value.partition(".")
    plan_id = ex.membership.plan_id
    offers = exporting.offers_of(Role.COORDINATOR)
    scope = exporting.scope_of(ex.unit, plan_id, ex.language)
    choice = Choice.of(schedule.details)
    if not answer:
        tap = f"command:programar:{schedule.id}.set."
        card = options_card(what, choice, offers, scope, ex.today, ex.say, tap=tap, previous=True)
        if card is None:
            _show(ex, schedule)
            return
        ex.show(card)
        ex.stand(None)
        return
    changed = answered(what, answer, choice, scope, previous=True)
    changed = fitted(changed, offers) if changed is not None else None
    if changed is None:
        raise Denied
    ex.unit.schedule.change(plan_id, schedule.id, details=changed.kept())
    _audit(ex, schedule, {"export": f"{changed.dataset} {changed.format} {changed.audience} {changed.period}".strip()})
    _show(ex, ex.unit.schedule.get(plan_id, schedule.id) or schedule)


def _run_now(ex: Exchange, schedule: StoredSchedule) -> None:
    """What it says, now, to whom it has not said it today; the ladder's is a reminder of whatever is left."""
    if schedule.what == LADDER:
        notices.chase(ex, "yes")
        return
    job = scheduler.job_of(schedule.what)
    assert job is not None
    moment = Moment.of(schedule.plan_id, ex.now, ex.house.timezone)
    at_once = replace(schedule, days="daily", at=time(0), created_at=datetime.min.replace(tzinfo=UTC))
    planned = job.scan(ex.unit, at_once, moment)
    made = carry(ex.unit, schedule.plan_id, job.what, job.kind, planned, ex.now)
    ex.toast = ex.say("schedule.sent", n=made["said"])
    _show(ex, schedule)


def _audit(ex: Exchange, schedule: StoredSchedule, details: dict[str, object]) -> None:
    ex.unit.audit.record(
        "schedule_changed", ex.person.id, schedule.plan_id, {"schedule": schedule.id, **details}, ex.now
    )


def upcoming(unit: UnitOfWork, schedule: StoredSchedule, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The next three instants at which it says something; the ladder's are those of its steps."""
    free = unit.schedule.holidays(schedule.plan_id)
    if schedule.what != LADDER:
        found = fires_after(schedule.days, schedule.at, zone, now, free)
        return [at for _, at in islice(found, PREVIEWED)]
    days = {on for period in unit.plans.periods(schedule.plan_id) for on in ladder(period, free).values()}
    return sorted(at for at in (instant(day, schedule.at, zone) for day in days) if at > now)[:PREVIEWED]


def _when(schedule: StoredSchedule, say: Wording) -> str:
    return f"{_days(schedule.days, say)}, {schedule.at:%H:%M}"


def _days(days: str, say: Wording) -> str:
    if days.startswith("month:"):
        return say("schedule.monthly", day=days.removeprefix("month:"))
    if days in ("daily", "workdays"):
        return say(f"recurrence.{days}")
    return ", ".join(say(f"weekday.{day}") for day in days.split(","))


def _weekday(day: date, say: Wording) -> str:
    return say(f"weekday.{WEEKDAYS[day.weekday()]}")


# ------------------------------------------------------------------ /calendario
def calendar(ex: Exchange, argument: str) -> None:
    """The days on which nobody is expected to work; a typed date adds one, a button takes one away.

    Due, grace and lock days that are still to come move with them.
    """
    plan_id, say = ex.membership.plan_id, ex.say
    if argument:
        is_removal = argument.startswith("-")
        day = _day(argument.removeprefix("-"), ex)
        if day is None:
            ex.toast = say("err.date")
        elif is_removal:
            if ex.unit.schedule.remove_holiday(plan_id, day):
                _moved(ex, day, "removed")
        else:
            ex.unit.schedule.add_holidays(plan_id, {day: ""}, by=ex.person.id)
            _moved(ex, day, "added")
    lines: list[Line] = [line(bold(say("calendar.title")))]
    rows: list[tuple[Button, ...]] = []
    coming = [day for day in ex.unit.schedule.calendar(plan_id) if day.on >= ex.today and not day.is_removed]
    for holiday in coming[:LISTED]:
        on = show_date(holiday.on.isoformat(), ex.language)
        text = f"{_weekday(holiday.on, say)} {on}"
        lines.append(line("• ", text, f" · {holiday.name}" if holiday.name else f" · {say('calendar.own')}"))
        rows.append((Button(say("calendar.remove", date=on), f"command:calendario:-{holiday.on.isoformat()}"),))
    lines += [line(""), line(italic(say("calendar.how")))]
    ex.show(Card(tuple(lines), (*rows, (Button(say("nav.back"), "command:programar:"),))))
    ex.stand(None)


def _day(text: str, ex: Exchange) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    match read_date(text, today=ex.today, language=ex.language, prefer="future"):
        case Understood(value):
            return date.fromisoformat(value)
        case _:
            return None


def _moved(ex: Exchange, day: date, how: str) -> None:
    holidays.reroll(ex.unit, ex.membership.plan_id, ex.today, ex.now)
    ex.unit.audit.record(
        "holiday_changed", ex.person.id, ex.membership.plan_id, {"on": day.isoformat(), "how": how}, ex.now
    )


# ------------------------------------------------------------------ enlace due
@dataclass(frozen=True, slots=True)
class Explained:
    """One line of `enlace due`: what somebody is told, or why not."""

    what: str
    who: Recipient
    is_said: bool
    reason: str
    text: str = ""
    at: time = time(0)
    """The hour of its schedule."""

    def why(self, say: Wording) -> str:
        if self.is_said:
            return self.text
        if self.reason == "before_the_hour":
            return say("due.not_before", at=f"{self.at:%H:%M}")
        return say(f"due.reason.{self.reason}")


def explained(unit: UnitOfWork, now: datetime, timezone: str) -> Iterator[Explained]:
    """Of every schedule and everybody it could be for: what would be said at that instant, or why nothing."""
    for schedule in unit.schedule.all():
        job = scheduler.job_of(schedule.what)
        if job is None:
            continue
        moment = Moment.of(schedule.plan_id, now, timezone)
        roles = job.roles_of(schedule)
        everybody = [who for who in unit.schedule.recipients(schedule.plan_id) if who.role in roles]
        if schedule.what == LADDER:
            everybody = [who for who in everybody if is_meant(who)]
        said = {one.who.person_id: one for one in job.scan(unit, schedule, moment)}
        reasons = _reasons(unit, schedule, everybody, moment)
        for who in everybody:
            one = said.get(who.person_id)
            if schedule.paused_at is not None:
                yield Explained(schedule.what, who, False, "schedule_paused")
            elif one is not None and one.messages:
                text = next((str(m.payload["text"]) for m in one.messages if "text" in m.payload), "")
                yield Explained(schedule.what, who, True, "", text)
            else:
                reason = one.reason if one is not None else reasons.get(who.person_id, "no_window")
                yield Explained(schedule.what, who, False, reason, at=schedule.at)


def _reasons(
    unit: UnitOfWork, schedule: StoredSchedule, everybody: list[Recipient], moment: Moment
) -> Mapping[int, str]:
    """Why nothing is planned for somebody."""
    if schedule.what != LADDER:
        ledger = f"{exporting.KIND}.{schedule.id}" if schedule.what == exporting.KIND else schedule.what
        return why_not(unit, schedule, everybody, moment, ledger)
    agenda = agenda_of(unit, moment, unit.schedule.outlook(moment.plan_id, moment.today), everybody)
    found = {}
    for who in everybody:
        verdict = decide(agenda, who, moment.now, schedule.at, schedule.zone(who.timezone))
        found[who.person_id] = "" if isinstance(verdict, Say) else verdict.reason
    return found


def due_messages(settings: Settings, now: datetime) -> list[dict[str, str]]:
    """`enlace due`: a row for each schedule and person it is for; what is said comes first."""
    say = wording(settings.language)
    with open_storage(settings) as database:
        database.units.submit(None, lambda unit: _furnish_all(unit, now)).result()
        with database.view() as unit:
            unit.plans.only()
            found = sorted(explained(unit, now, settings.timezone), key=lambda one: not one.is_said)
    return [
        {
            "verdict": say("due.said" if one.is_said else "due.not_said"),
            "what": one.what,
            "name": one.who.name,
            "role": one.who.role.value,
            "agency": one.who.agency_code or "-",
            "why": one.why(say),
        }
        for one in found
    ]


def _furnish_all(unit: UnitOfWork, now: datetime) -> None:
    for plan in unit.plans.all():
        scheduler.furnish(unit, plan.id, now)
