"""Schedules and holidays as their admins see them: rows that are read and changed in chat (/programar, /calendario)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import chain, islice
from zoneinfo import ZoneInfo

from bot import exporting, holidays, notices, preferences, scheduler
from bot.exchange import Denied, Exchange, number_of
from bot.hands import Hand
from bot.occasion import Job, Moment, carry, why_not, window_of_today
from bot.opening import open_storage, plan_named
from bot.reminding import IN_DIGEST, agenda_of, carriers_of, hour_of, is_meant, leaving_to_digests
from bot.settings import Settings
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.due import (
    FOR_COORDINATORS,
    FOR_REPORTERS,
    LAST_DAY,
    ONE_DAY,
    WEEKDAYS,
    all_steps,
    fires_after,
    instant,
    ladder_fires_after,
    next_working_hour,
)
from conversations.engine import show_date
from conversations.exports import (
    Choice,
    Offer,
    answered,
    described,
    filter_rows,
    fit,
    fitted,
    options_card,
    refused,
    title,
)
from conversations.plan import Role
from conversations.reading import Ambiguous, Understood, read_date
from conversations.reminders import LADDER, Pause, Recipient, Say, decide, silenced
from conversations.wording import Wording, wording
from storage.errors import Conflict
from storage.schedule import StoredSchedule
from storage.unit_of_work import UnitOfWork

PREVIEWED = 3
HOURS = tuple(time(hour, minute) for hour in range(8, 18) for minute in (0, 30))
RECURRENCES = ("workdays", *WEEKDAYS[:5])
DAYS_OF_A_MONTH = (*map(str, range(1, 29)), LAST_DAY)
A_WEEK = 7
LISTED = 12
LONGEST_ECHO = 40
"""Of what was typed and not understood, so much is said again."""
READINGS = 4


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


def _show(ex: Exchange, schedule: StoredSchedule, *, note: str = "") -> None:
    say, tap = ex.say, f"command:programar:{schedule.id}"
    job = scheduler.job_of(schedule.what)
    assert job is not None
    roles = schedule.roles or tuple(sorted(job.roles))
    lines: list[Line] = [
        *((line(italic(note)), line("")) if note else ()),
        line(bold(say(f"job.{schedule.what}"))),
        *(_described(schedule, say) if schedule.what == exporting.KIND else ()),
        line(_when(schedule, say)),
        line(say("schedule.for", roles=", ".join(say(f"role.{role}") for role in roles))),
    ]
    if schedule.timezone:
        lines.append(line(say("schedule.zone", zone=schedule.timezone.replace("_", " "))))
        lines.append(line(italic(say("schedule.elsewhere"))))
    else:
        lines.append(line(say("schedule.own_zone")))
    zone = ZoneInfo(schedule.timezone or ex.house.timezone)
    if schedule.paused_at:
        lines.append(line(bold(say("schedule.paused"))))
    elif pause := _pause_of_all(ex.unit, schedule.plan_id, ex.now, zone):
        key = "schedule.all_paused" if pause.until_on else "schedule.all_paused_unlimited"
        until = notices.last_day(pause.until_on, ex.language) if pause.until_on else ""
        lines.append(line(bold(say(key, date=until))))
    coming = upcoming(ex.unit, schedule, ex.now, zone)
    if coming:
        lines += [line(""), line(italic(say("schedule.next")))]
    for at in coming:
        local = at.astimezone(zone)
        lines.append(
            line(f"• {_weekday(local.date(), say)} {show_date(local.date().isoformat(), ex.language)}, {local:%H:%M}")
        )
    rows: list[tuple[Button, ...]] = [
        *(_export_rows(schedule, tap, say) if schedule.what == exporting.KIND else ()),
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
    changes: dict[str, object] = {}
    match act, value:
        case "set", _ if schedule.what == exporting.KIND:
            _set_export(ex, schedule, value)
            return
        case "days", "":
            choices = [(_days(days, say), f"{tap}.days.{days}") for days in RECURRENCES]
            _choose(ex, schedule, [*choices, (say("schedule.each_month"), f"{tap}.days.month")], 3)
            return
        case "days", "month":
            choices = [
                (say("schedule.last_day") if day == LAST_DAY else day, f"{tap}.days.month:{day}")
                for day in DAYS_OF_A_MONTH
            ]
            _choose(ex, schedule, choices, A_WEEK, say("schedule.which_day"))
            return
        case "days", days if days in RECURRENCES or days in {f"month:{day}" for day in DAYS_OF_A_MONTH}:
            changes = {"days": days}
        case "at", "":
            _choose(ex, schedule, [(f"{at:%H:%M}", f"{tap}.at.{at:%H%M}") for at in HOURS], 4)
            return
        case "at", at if at in {f"{hour:%H%M}" for hour in HOURS}:
            changes = {"at": time(int(at[:2]), int(at[2:]))}
        case "zone", "":
            zones = tuple(dict.fromkeys((ex.house.timezone, *preferences.NEAR)))
            _choose_zone(ex, schedule, zones, say("schedule.which_zone"))
            return
        case "zone", name if name == "own" or preferences.is_zone(name):
            changes = {"timezone": "" if name == "own" else name}
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
                change(ex.hand, schedule, roles=",".join(sorted(chosen)))
            _act(ex, repository.get(plan_id, schedule.id) or schedule, "roles", "")
            return
        case "pause", "":
            changes = {"paused_at": ex.now}
        case "resume", "":
            changes = {"paused_at": None}
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
            remove(ex.hand, schedule)
            _list(ex)
            return
        case _:
            raise Denied
    _show(ex, change(ex.hand, schedule, **changes))


def hear_zone(ex: Exchange, argument: str, text: str) -> None:
    """A zone in somebody's own words: set if it can only be one, else chosen among those it may be."""
    number = argument.partition(".")[0]
    schedule = ex.unit.schedule.get(ex.membership.plan_id, number_of(number))
    if schedule is None:
        raise Denied
    found = preferences.zones_called(text)
    if len(found) == 1:
        _act(ex, schedule, "zone", found[0])
        return
    key = "schedule.zone_found" if found else "schedule.zone_none"
    _choose_zone(ex, schedule, found, ex.say(key, text=text[:LONGEST_ECHO]))


def _choose_zone(ex: Exchange, schedule: StoredSchedule, zones: tuple[str, ...], question: str) -> None:
    tap = f"command:programar:{schedule.id}.zone"
    choices = [(preferences.zone_name(ex, zone), f"{tap}.{zone}") for zone in zones]
    awaits = f"programar:{schedule.id}.zone"
    _choose(ex, schedule, [(ex.say("schedule.own_zone"), f"{tap}.own"), *choices], 1, question, awaits)


def _choose(
    ex: Exchange,
    schedule: StoredSchedule,
    choices: list[tuple[str, str]],
    width: int,
    question: str = "",
    awaits: str = "",
) -> None:
    buttons = [Button(text, tap) for text, tap in choices]
    rows = [tuple(buttons[start : start + width]) for start in range(0, len(buttons), width)]
    rows.append((Button(ex.say("nav.back"), f"command:programar:{schedule.id}"),))
    lines = [line(bold(ex.say(f"job.{schedule.what}"))), line(_when(schedule, ex.say))]
    if question:
        lines += [line(""), line(question)]
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits=awaits)


def _new(ex: Exchange, what: str) -> None:
    job, plan_id, repository = scheduler.job_of(what), ex.membership.plan_id, ex.unit.schedule
    if job is None or job.what != what:
        rows = [(Button(ex.say(f"job.{one.what}"), f"command:programar:new.{one.what}"),) for one in scheduler.JOBS]
        rows.append((Button(ex.say("nav.back"), "command:programar:"),))
        ex.show(Card((line(ex.say("schedule.what")),), tuple(rows)))
        ex.stand(None)
        return
    there = [schedule for schedule in repository.all(plan_id) if schedule.what == what]
    if job.is_only and there:
        _show(ex, there[0], note=ex.say("schedule.only_one"))
        return
    _show(ex, add(ex.hand, job))


def _name(schedule: StoredSchedule, say: Wording) -> str:
    if schedule.what != exporting.KIND:
        return say(f"job.{schedule.what}")
    return f"⬇️ {title(Choice.of(schedule.details), say)}"


def _request_of(schedule: StoredSchedule) -> tuple[Choice, tuple[Offer, ...]]:
    """What this schedule asks for again and again, and what can be asked for."""
    offers = exporting.offers_of(Role.COORDINATOR)
    choice = fitted(Choice.of(schedule.details), offers)
    assert choice is not None
    return choice, offers


def _described(schedule: StoredSchedule, say: Wording) -> list[Line]:
    choice, offers = _request_of(schedule)
    return described(choice, offers, say)


def _export_rows(schedule: StoredSchedule, tap: str, say: Wording) -> list[tuple[Button, ...]]:
    """The questions of its request."""
    choice, offers = _request_of(schedule)
    return [
        (
            Button(say("export.what"), f"{tap}.set.what"),
            Button(say("export.use"), f"{tap}.set.who"),
            Button(say("export.as"), f"{tap}.set.as"),
        ),
        *filter_rows(choice, offers, say, f"{tap}.set."),
    ]


def _set_export(ex: Exchange, schedule: StoredSchedule, value: str) -> None:
    """Ask one question of the request, or take its answer. Each recipient gets it if their own role may have it."""
    what, _, answer = value.partition(".")
    plan_id = ex.membership.plan_id
    choice, offers = _request_of(schedule)
    scope = exporting.scope_of(ex.unit, plan_id, ex.language)
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
    found = fit(changed, offers) if changed is not None else None
    if found is None:
        raise Denied
    changed, left = found
    if left.filters:
        ex.toast, ex.is_alert = refused("filter", changed, ex.say, left.filters), True
    _show(ex, set_export(ex.hand, schedule, changed))


def _run_now(ex: Exchange, schedule: StoredSchedule) -> None:
    """What it says, now, to whom it has not said it today; the ladder's is a reminder of whatever is left, after
    one question that names how many it would reach.
    """
    if schedule.what == LADDER:
        notices.chase(ex, "")
        return
    ex.toast = ex.say("schedule.sent", n=run_now(ex.hand, schedule))
    _show(ex, schedule)


# ------------------------------------------------------------------ what is done to a schedule
def add(hand: Hand, job: Job) -> StoredSchedule:
    """A new one, at the job's usual time; of an export, last month's reports for the coordination.

    A shipped one that was deleted comes back. Conflict for a second one of what there is but once.
    """
    repository = hand.unit.schedule
    if job.is_only and any(schedule.what == job.what for schedule in repository.all(hand.plan_id)):
        raise Conflict(f"there is a schedule of {job.what} already, and there is but one")
    if job.is_shipped and repository.bring_back(hand.plan_id, job.what, job.days, job.at, hand.now):
        made = next(schedule for schedule in repository.all(hand.plan_id) if schedule.shipped == job.what)
    else:
        is_export = job.what == exporting.KIND
        repository.add(
            hand.plan_id,
            job.what,
            job.days,
            job.at,
            hand.now,
            by=hand.person_id,
            roles=(Role.COORDINATOR,) if is_export else (),
            details=exporting.usual().kept() if is_export else None,
        )
        made = repository.all(hand.plan_id)[-1]
    _audit(hand, made, {"added": job.what})
    return made


def change(hand: Hand, schedule: StoredSchedule, **changes: object) -> StoredSchedule:
    """Its `days`, `at`, `timezone`, `roles` or `paused_at`, as it is then.

    What would have been before it was so, is not said at once: the next time is the next one that is shown.
    """
    is_anew = bool({"days", "at", "timezone", "roles"} & set(changes)) or changes.get("paused_at", hand.now) is None
    begins = {"begins_at": hand.now} if is_anew else {}
    hand.unit.schedule.change(schedule.plan_id, schedule.id, **changes, **begins)
    _audit(hand, schedule, {name: str(given) for name, given in changes.items()})
    return hand.unit.schedule.get(schedule.plan_id, schedule.id) or schedule


def set_export(hand: Hand, schedule: StoredSchedule, choice: Choice) -> StoredSchedule:
    """What a schedule of exports takes out."""
    hand.unit.schedule.change(schedule.plan_id, schedule.id, details=choice.kept())
    told = f"{choice.dataset} {choice.format} {choice.audience} {choice.period}".strip()
    _audit(hand, schedule, {"export": told})
    return hand.unit.schedule.get(schedule.plan_id, schedule.id) or schedule


def remove(hand: Hand, schedule: StoredSchedule) -> None:
    hand.unit.schedule.change(schedule.plan_id, schedule.id, deleted_at=hand.now)
    _audit(hand, schedule, {"deleted": True})


def run_now(hand: Hand, schedule: StoredSchedule) -> int:
    """Say it now, to whom it was not said today; how many that are.

    Only what is said is noted: the day may be no window, and who is silent today may still be told in the next one.
    """
    if schedule.what == LADDER:
        return notices.remind_now(hand)
    job = scheduler.job_of(schedule.what)
    assert job is not None
    moment = replace(Moment.of(schedule.plan_id, hand.now, hand.timezone), is_by_hand=True)
    at_once = replace(schedule, days="daily", at=time(0), timezone="", begins_at=datetime.min.replace(tzinfo=UTC))
    planned = [replace(one, missed=()) for one in job.scan(hand.unit, at_once, moment) if one.messages or one.work]
    return carry(hand.unit, schedule.plan_id, job.what, job.kind, planned, hand.now, is_by_hand=True)["said"]


def _audit(hand: Hand, schedule: StoredSchedule, details: dict[str, object]) -> None:
    hand.unit.audit.record(
        "schedule_changed", hand.person_id, schedule.plan_id, {"schedule": schedule.id, **details}, hand.now
    )


def upcoming(unit: UnitOfWork, schedule: StoredSchedule, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The next three instants at which it says something, by the rules that decide it; the ladder's are its steps'.

    A window that everybody has been told already is none that comes. None comes while it is paused, nor before
    everybody's pause is over.
    """
    job = scheduler.job_of(schedule.what)
    assert job is not None
    if schedule.paused_at is not None:
        return []
    if (pause := _pause_of_all(unit, schedule.plan_id, now, zone)) is not None:
        if pause.until_on is None:
            return []
        now = instant(pause.until_on, time(0), zone)
    free, today = unit.schedule.holidays(schedule.plan_id), now.astimezone(zone).date()
    wanted = job.roles_of(schedule)
    opens = next_working_hour(now, zone, free)
    if schedule.what != LADDER:
        owed = window_of_today(schedule, zone, opens, free)
        done = _told_to_all(unit, schedule, min(today, owed or today), wanted)
        coming_ones = fires_after(schedule.days, schedule.at, zone, now, free)
        if owed is not None and instant(owed, schedule.at, zone) <= now:
            coming_ones = chain([(owed, opens)], coming_ones)
        return [at for _, at in islice((one for one in coming_ones if one[0] not in done), PREVIEWED)]
    moment = Moment(schedule.plan_id, opens, opens.astimezone(zone).date())
    people = [who for who in unit.schedule.recipients(schedule.plan_id) if who.role in wanted and is_meant(who)]
    outlook = unit.schedule.outlook(schedule.plan_id, moment.today)
    outlook = leaving_to_digests(unit, moment, outlook, people)
    every_step = all_steps(outlook.periods, free)
    carriers = [(one.days, one.at, one.zone(zone.key), roles) for one, roles in carriers_of(unit, schedule.plan_id)]
    kinds = set()
    for who in people:
        day = moment.day_of(who)
        reason = outlook.windows.get((who.person_id, day))
        told = outlook.told_until.get(who.person_id, date.min)
        rungs = FOR_REPORTERS if who.reports else FOR_COORDINATORS
        spoken = tuple((days, at, there) for days, at, there, roles in carriers if who.role in roles)
        kinds.add((rungs, max(told, day) if reason == IN_DIGEST else told, day if reason else None, spoken))
    coming: set[datetime] = set()
    for rungs, told, over, spoken in kinds:
        meant = [step for step in every_step if step.rung in rungs]
        since = instant(over + ONE_DAY, time(0), zone) if over else now
        fires = ladder_fires_after(meant, schedule.days, schedule.at, zone, since, free, told, spoken)
        coming |= {at for _, at in islice(fires, PREVIEWED)}
    return sorted(coming)[:PREVIEWED]


def _pause_of_all(unit: UnitOfWork, plan_id: int, now: datetime, zone: ZoneInfo) -> Pause | None:
    """Everybody's pause, while there is one: nothing that is said on schedule comes through it."""
    today = now.astimezone(zone).date()
    found = (stored.pause for stored in unit.schedule.pauses(plan_id, today) if stored.person_id is None)
    return next((pause for pause in found if pause.holds(0, now, today)), None)


def _told_to_all(unit: UnitOfWork, schedule: StoredSchedule, today: date, wanted: Collection[Role]) -> set[date]:
    """Windows in the ledger, from today on, that leave nobody out."""
    repository, plan_id = unit.schedule, schedule.plan_id
    zones = repository.zones(plan_id)
    return {
        on
        for on in {fire.on for fire in repository.fires(plan_id, today, schedule.ledger)}
        if not any(
            who.since <= on
            for name in zones
            for who in repository.untold(plan_id, schedule.ledger, name, on, wanted, but=("open",))
        )
    }


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


def _weekday(day: date, say: Wording) -> str:
    return say(f"weekday.{WEEKDAYS[day.weekday()]}")


# ------------------------------------------------------------------ /calendario
def calendar(ex: Exchange, argument: str) -> None:
    """The days on which nobody is expected to work; a typed date adds one, a button takes one away.

    Due, grace and lock days that are still to come move with them. A day that is past is added only when asked for
    twice (`+`): it moves nothing any more, and is a slip of the finger more often than not.
    """
    say = ex.say
    note: list[Line] = []
    if argument:
        sign, text = (argument[0], argument[1:]) if argument[0] in "+-" else ("", argument)
        day, others = _day(text, ex)
        if day is None:
            _ask_which(ex, text, others)
            return
        on = f"{_weekday(day, say)} {show_date(day.isoformat(), ex.language)}"
        if sign == "-":
            if remove_holiday(ex.hand, day):
                note = [line(say("calendar.removed", date=on))]
        elif day < ex.today and sign != "+":
            _ask_if_past(ex, day, on)
            return
        else:
            add_holiday(ex.hand, day)
            note = [line(say("calendar.added", date=on))]
    _show_calendar(ex, note)


def hear_day(ex: Exchange, argument: str, text: str) -> None:
    """A day typed below the calendar."""
    calendar(ex, text.lstrip("+-") or "?")


def _show_calendar(ex: Exchange, note: list[Line], rows: tuple[tuple[Button, ...], ...] = ()) -> None:
    plan_id, say = ex.membership.plan_id, ex.say
    lines: list[Line] = [*note, line("")] if note else []
    lines.append(line(bold(say("calendar.title"))))
    buttons = list(rows)
    coming = [day for day in ex.unit.schedule.calendar(plan_id) if day.on >= ex.today and not day.is_removed]
    for holiday in coming[:LISTED]:
        on = show_date(holiday.on.isoformat(), ex.language)
        text = f"{_weekday(holiday.on, say)} {on}"
        lines.append(line("• ", text, f" · {holiday.name}" if holiday.name else f" · {say('calendar.own')}"))
        if not rows:
            tap = f"command:calendario:-{holiday.on.isoformat()}"
            buttons.append((Button(say("calendar.remove", date=on), tap),))
    lines += [line(""), line(italic(say("calendar.how")))]
    back = "command:calendario:" if rows else "command:programar:"
    ex.show(Card(tuple(lines), (*buttons, (Button(say("nav.back"), back),))))
    ex.stand(None, awaits="calendario:day")


def _ask_which(ex: Exchange, text: str, others: tuple[date, ...]) -> None:
    """What was not understood, and how to write it; what can be read two ways is one of these buttons."""
    key = "calendar.which" if others else "calendar.not_a_day"
    rows = tuple(
        (Button(f"{_weekday(day, ex.say)} {show_date(day.isoformat(), ex.language)}", f"command:calendario:{day}"),)
        for day in others
    )
    _show_calendar(ex, [line(ex.say(key, text=text[:LONGEST_ECHO]))], rows)


def _ask_if_past(ex: Exchange, day: date, on: str) -> None:
    yes = Button(ex.say("calendar.past_yes"), f"command:calendario:+{day.isoformat()}", "danger")
    no = Button(ex.say("nav.back"), "command:calendario:")
    ex.show(Card((line(ex.say("calendar.past", date=on)),), ((yes,), (no,))))
    ex.stand(None, awaits="calendario:day")


def _day(text: str, ex: Exchange) -> tuple[date | None, tuple[date, ...]]:
    """The day that is meant; or, if it can be read more than one way, the days it may be."""
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


def add_holiday(hand: Hand, day: date) -> None:
    """Nobody works on that day; days of periods that are still to come move with it."""
    hand.unit.schedule.add_holiday(hand.plan_id, day, by=hand.person_id)
    _moved(hand, day, "added")


def remove_holiday(hand: Hand, day: date) -> bool:
    """It is a day like others; false if it was."""
    is_gone = hand.unit.schedule.remove_holiday(hand.plan_id, day)
    if is_gone:
        _moved(hand, day, "removed")
    return is_gone


def _moved(hand: Hand, day: date, how: str) -> None:
    holidays.reroll(hand.unit, hand.plan_id, hand.today, hand.now)
    details = {"on": day.isoformat(), "how": how}
    hand.unit.audit.record("holiday_changed", hand.person_id, hand.plan_id, details, hand.now)


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


def explained(unit: UnitOfWork, now: datetime, timezone: str, plan_id: int | None = None) -> Iterator[Explained]:
    """Of every schedule, and everybody it could be for: what would be said at that instant, or why nothing."""
    for schedule in unit.schedule.all(plan_id):
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
        return why_not(unit, schedule, everybody, moment)
    outlook = leaving_to_digests(unit, moment, unit.schedule.outlook(moment.plan_id, moment.today), everybody)
    agenda = agenda_of(unit, moment, outlook, everybody)
    found: dict[int, str] = {}
    for who in everybody:
        own = ZoneInfo(who.timezone)
        at = hour_of(schedule, moment.now.astimezone(own).date(), own)
        verdict = decide(agenda, who, moment.now, at, own)
        if isinstance(verdict, Say):  # and the scan has nothing: it is none of its days
            found[who.person_id] = "no_window"
        elif verdict.reason == IN_DIGEST:
            found[who.person_id] = silenced(agenda, who, moment.now, moment.day_of(who)) or IN_DIGEST
        else:
            found[who.person_id] = verdict.reason
    return found


def due_messages(settings: Settings, now: datetime, plan_code: str) -> list[dict[str, str]]:
    """`enlace due`: a row for each schedule and person it is for; what is said comes first."""
    say = wording(settings.language)
    with open_storage(settings) as database:
        plan_id = database.units.submit(None, lambda unit: _furnished(unit, plan_code, now)).result()
        with database.view() as unit:
            found = sorted(explained(unit, now, settings.timezone, plan_id), key=lambda one: not one.is_said)
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


def _furnished(unit: UnitOfWork, plan_code: str, now: datetime) -> int:
    plan = plan_named(unit, plan_code)
    scheduler.furnish(unit, plan.id, now)
    return plan.id
