"""What admins and coordinators do about time in the chat, done at the server: periods, schedules, holidays, pauses.

Beside `bot.at_server`, since looking at a schedule takes everything that is said on schedule with it. The rules are
the chat's own (`bot.periods`, `bot.schedules`, `bot.notices`): what no button offers there is refused here.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from bot import exporting, holidays, notices, periods, scheduler, schedules
from bot.at_server import Row, agency_named, in_hand, looked_at
from bot.complaint import Complaint, Misuse
from bot.hands import Hand, tell_later
from bot.preferences import zones_called
from bot.settings import Settings
from bot.taking_out import told_by_dataset
from conversations import safeguards
from conversations.due import ONE_DAY
from conversations.exports import PREVIOUS, Choice, answered, fitted, obstacles
from conversations.plan import Agency, ReportingPeriod, Role
from storage.errors import NotFound
from storage.plans import Plan
from storage.schedule import StoredSchedule
from storage.unit_of_work import UnitOfWork


# ------------------------------------------------------------------ periods
def period_rows(settings: Settings, today: date, plan_code: str) -> list[Row]:
    """Every period with its days, where it stands, and for which agencies it is open again, until when."""

    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        found = unit.periods.reopenings(plan.id, today)
        return [
            {
                "period": period.code,
                "state": period.stage(today),
                "opens": period.opens_on.isoformat(),
                "due": period.due_on.isoformat(),
                "grace_until": period.grace_until_on.isoformat(),
                "locks": period.locks_on.isoformat(),
                "reopened": [
                    f"{one.agency_code}:{(one.until_on - ONE_DAY).isoformat()}"
                    for one in found
                    if one.period_id == period.id and one.until_on is not None
                ],
                "asked": [one.agency_code for one in found if one.period_id == period.id and one.is_asked],
            }
            for period in unit.plans.periods(plan.id)
        ]

    return looked_at(settings, plan_code, look)


def move_period(settings: Settings, code: str, move: str, now: datetime, plan_code: str) -> ReportingPeriod:
    """Its days for everybody as `move` makes them (`open`, `more3`, `lock`)."""

    def work(hand: Hand) -> ReportingPeriod:
        period = _period(hand, code)
        found = periods.moves(hand, period)
        if move not in found:
            can = ", ".join(_option(name) for name in found)
            raise Complaint(f"Period {code} is {_STAGES[period.stage(hand.today)]}: what can be done is {can}.")
        tell_later(hand.unit, periods.set_days(hand, found[move]), now)
        return _period(hand, code)

    return in_hand(settings, plan_code, now, work)


_STAGES = {
    "ahead": "yet to open",
    "open": "open",
    "grace": "in its days of grace",
    "late": "late, and locks soon",
    "locked": "locked",
}


def _option(move: str) -> str:
    return f"--days {move.removeprefix('more')}" if move.startswith("more") else f"--{move}"


def reopen_period(
    settings: Settings, code: str, agency_code: str, days: int, reason: str, now: datetime, plan_code: str
) -> date:
    """Open a locked one for this agency, whose people are told; its last day. Without a reason: the one it gave."""
    if days not in periods.DAYS:
        raise Misuse(f"--days is one of {', '.join(map(str, periods.DAYS))}.")
    reason = safeguards.clean(reason)
    if len(reason) > periods.LONGEST_REASON:
        raise Misuse(f"--reason has {periods.LONGEST_REASON} characters at most; this one has {len(reason)}.")
    if safeguards.personal_data(reason, strict=False) is not None:
        raise Misuse("--reason seems to hold personal data (a document, a phone or an e-mail): say it without.")

    def work(hand: Hand) -> date:
        agency = agency_named(hand.unit, hand.plan_id, agency_code)
        period = _period(hand, code, agency)
        if period.stage(hand.today) != "locked":
            last = (period.locks_on - ONE_DAY).isoformat()
            raise Complaint(f"Period {code} is not locked for {agency.code}: they can report until {last}.")
        standing = periods.standing_of(hand, period, agency)
        given = reason or (standing.reason if standing is not None and standing.is_asked else "")
        if not given:
            raise Misuse(f"{agency.code} has not asked for it: say why with --reason.")
        last_day, news = periods.reopen_for(hand, period, agency, days, given)
        tell_later(hand.unit, news, now)
        return last_day

    return in_hand(settings, plan_code, now, work)


def end_reopening(settings: Settings, code: str, agency_code: str, now: datetime, plan_code: str) -> bool:
    """Locked again for this agency, or its request refused, which is true then; its people are told."""

    def work(hand: Hand) -> bool:
        agency = agency_named(hand.unit, hand.plan_id, agency_code)
        period = _period(hand, code, agency)
        standing = periods.standing_of(hand, period, agency)
        if standing is None:
            raise Complaint(f"Period {code} is not reopened for {agency.code}: see 'enlace periods list'.")
        tell_later(hand.unit, periods.end_reopening(hand, period, agency, standing), now)
        return standing.is_asked

    return in_hand(settings, plan_code, now, work)


def _period(hand: Hand, code: str, agency: Agency | None = None) -> ReportingPeriod:
    try:
        return hand.unit.plans.period(hand.plan_id, code, agency.id if agency else None)
    except NotFound:
        raise Complaint(f"The plan has no period {code!r}: see 'enlace periods list'.") from None


# ------------------------------------------------------------------ schedules
def schedule_rows(settings: Settings, now: datetime, plan_code: str) -> list[Row]:
    """What is said regularly, with the next three times."""

    def work(hand: Hand) -> list[Row]:
        found = scheduler.furnish(hand.unit, hand.plan_id, now)
        return [_row(hand, one) for one in found if scheduler.job_of(one.what) is not None]

    return in_hand(settings, plan_code, now, work)


def _row(hand: Hand, schedule: StoredSchedule) -> Row:
    zone = ZoneInfo(schedule.timezone or hand.timezone)
    job = scheduler.job_of(schedule.what)
    choice = Choice.of(schedule.details)
    return {
        "schedule": schedule.id,
        "what": schedule.what,
        "state": "paused" if schedule.paused_at else "active",
        "days": schedule.days,
        "at": f"{schedule.at:%H:%M}",
        "zone": schedule.timezone or "own",
        "roles": [role.value for role in schedule.roles or sorted(job.roles if job else ())],
        "next": [
            at.astimezone(zone).isoformat(timespec="minutes")
            for at in schedules.upcoming(hand.unit, schedule, hand.now, zone)
        ],
        "export": " ".join(filter(None, choice.kept().values())) or "-",
    }


def add_schedule(
    settings: Settings,
    what: str,
    days: str,
    at: str,
    roles: Collection[str],
    zone: str,
    export: Mapping[str, str],
    now: datetime,
    plan_code: str,
) -> int:
    """Its number. What is not given is the job's usual; `export` answers the questions of a scheduled export."""
    job = scheduler.job_of(what)
    if job is None:
        raise Misuse(f"{what!r} is not said on schedule; {', '.join(one.what for one in scheduler.JOBS)} are.")
    changes: dict[str, object] = {}
    if days:
        if days not in schedules.RECURRENCES:
            raise Misuse(f"--days {days!r} is not one of {', '.join(schedules.RECURRENCES)}.")
        changes["days"] = days
    if at:
        changes["at"] = _hour(at)
    if strange := sorted(set(roles) - {role.value for role in job.roles}):
        raise Misuse(f"--role {strange[0]!r} is not one of {', '.join(sorted(job.roles))}, whom {what} is for.")
    if roles:
        changes["roles"] = ",".join(sorted(set(roles)))
    if zone:
        changes["timezone"] = _zone(zone, settings)
    given = {question: answer for question, answer in export.items() if answer}
    if given and what != exporting.KIND:
        raise Misuse(f"{what} takes nothing out: what is exported is asked of '{exporting.KIND}' alone.")

    def work(hand: Hand) -> int:
        scheduler.furnish(hand.unit, hand.plan_id, now)
        choice = _choice(hand, settings, given) if given else None
        made = schedules.add(hand, job)
        if changes:
            made = schedules.change(hand, made, **changes)
        if choice is not None:
            schedules.set_export(hand, made, choice)
        return made.id

    return in_hand(settings, plan_code, now, work)


def _zone(text: str, settings: Settings) -> str:
    """Blank: each person's own."""
    if text in ("own", "plan"):
        return "" if text == "own" else settings.timezone
    found = zones_called(text)
    if len(found) != 1:
        known = f"; it may be {', '.join(found)}" if found else ", such as Europe/Madrid"
        raise Misuse(
            f"--zone {text!r} is neither own (each person's time), plan ({settings.timezone}) nor a zone{known}."
        )
    return found[0]


def _hour(text: str) -> time:
    for hour in schedules.HOURS:
        if text == f"{hour:%H:%M}":
            return hour
    first, last = (f"{schedules.HOURS[at]:%H:%M}" for at in (0, -1))
    raise Misuse(f"--at {text!r} is not an hour or half hour from {first} to {last}.")


def _choice(hand: Hand, settings: Settings, given: Mapping[str, str]) -> Choice:
    """The usual request with these answers; what nobody may have, or the plan does not, is no silent usual."""
    scope = exporting.scope_of(hand.unit, hand.plan_id, settings.language)
    choice: Choice | None = exporting.usual()
    for question, answer in given.items():
        choice = answered(question, answer, choice, scope, previous=True) if choice is not None else None
        if choice is None:
            known = {
                "when": ", ".join(("all", *PREVIOUS)),
                "where": ", ".join(("all", *(f"area-{code}" for code in scope.areas), *scope.agencies)),
            }
            raise Misuse(f"{answer!r} is not one of {known.get(question, 'what there is')}.")
    offers = exporting.offers_of(Role.COORDINATOR)
    if choice is None or fitted(choice, offers) != choice or obstacles(choice, offers):
        raise Misuse(f"That is not exported; what is:\n{told_by_dataset(offers)}")
    return choice


def pause_schedule(settings: Settings, number: int, now: datetime, plan_code: str, *, is_paused: bool) -> None:
    def work(hand: Hand) -> None:
        schedules.change(hand, _schedule(hand, number), paused_at=now if is_paused else None)

    in_hand(settings, plan_code, now, work)


def run_schedule(settings: Settings, number: int, now: datetime, plan_code: str) -> int:
    """What it says, now; to how many people."""
    return in_hand(settings, plan_code, now, lambda hand: schedules.run_now(hand, _schedule(hand, number)))


def remove_schedule(settings: Settings, number: int, now: datetime, plan_code: str) -> None:
    in_hand(settings, plan_code, now, lambda hand: schedules.remove(hand, _schedule(hand, number)))


def _schedule(hand: Hand, number: int) -> StoredSchedule:
    scheduler.furnish(hand.unit, hand.plan_id, hand.now)
    found = hand.unit.schedule.get(hand.plan_id, number)
    if found is None or scheduler.job_of(found.what) is None:
        raise Complaint(f"There is no schedule {number}: see 'enlace schedules list'.")
    return found


# ------------------------------------------------------------------ holidays
def holiday_rows(settings: Settings, since: date, now: datetime, plan_code: str) -> list[Row]:
    """Days from then on, on which nobody is expected to work."""

    def work(hand: Hand) -> list[Row]:
        _furnish(hand)
        return [
            {"day": day.on.isoformat(), "name": day.name or "added by an administrator"}
            for day in hand.unit.schedule.calendar(hand.plan_id)
            if day.on >= since and not day.is_removed
        ]

    return in_hand(settings, plan_code, now, work)


def add_holiday(settings: Settings, day: date, now: datetime, plan_code: str) -> None:
    def work(hand: Hand) -> None:
        _furnish(hand)
        schedules.add_holiday(hand, day)

    in_hand(settings, plan_code, now, work)


def remove_holiday(settings: Settings, day: date, now: datetime, plan_code: str) -> None:
    def work(hand: Hand) -> None:
        _furnish(hand)
        if not schedules.remove_holiday(hand, day):
            raise Complaint(f"{day.isoformat()} is no holiday: see 'enlace holidays list'.")

    in_hand(settings, plan_code, now, work)


def _furnish(hand: Hand) -> None:
    """The country's calendar is there before anybody changes it, also where the bot has not run yet."""
    plan = hand.unit.plans.by_id(hand.plan_id)
    holidays.furnish_calendar(hand.unit, plan, hand.now)


# ------------------------------------------------------------------ everybody's pause
def pause(settings: Settings, until: date | None, now: datetime, plan_code: str) -> None:
    """Nobody is reminded of anything before that day; without one, until it is ended."""

    def work(hand: Hand) -> None:
        if until is not None and until <= hand.today:
            raise Misuse(f"--until {until.isoformat()} is over: it is the first day on which reminders go out again.")
        notices.pause_everybody(hand, until)

    in_hand(settings, plan_code, now, work)


def resume(settings: Settings, now: datetime, plan_code: str) -> bool:
    """End it; whether there was one."""
    return in_hand(settings, plan_code, now, notices.resume_everybody)
