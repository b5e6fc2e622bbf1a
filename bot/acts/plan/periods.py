"""Acts on the days of a period: open, extend, lock, or reopen for one agency."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from bot.chat.actor import Actor, Notification, told
from conversations.card import Button, Card, line
from conversations.dates import show_day
from conversations.plan.calendar.working_time import closed_early, extended, opened_early
from conversations.plan.expected import expected_activities
from conversations.plan.model import AGENCY_ROLES, Activity, Agency, Indicator, Role
from conversations.plan.periods import ONE_DAY, Frequency, ReportingPeriod, period_name, working_day_from
from conversations.plan.versions import as_of
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.database.marks import told_anew
from storage.errors import Conflict, NotFound
from storage.plan.past_rows import TARGETS, PastRows, plain
from storage.plan.periods import StoredReopening

MORE = (1, 3, 5)
"""By how many days it can be extended for everybody."""
REOPENED_DAYS = (1, 3, 7)
"""For how many days it can be reopened for one agency."""
GRANTED = 3
"""For how many days one button grants an agency's request."""
ASKED = "asked"
"""A button that grants a request carries this instead of a reason. The reason is then the agency's own words."""
LONGEST_REASON = 200
REASONS = ("correction", "missing", "trouble")
"""The reasons that have a button; catalogue keys `reopening.reason.…`. Any other reason is typed."""


def reopen_for(
    actor: Actor, period: ReportingPeriod, agency: Agency, days: int, reason: str
) -> tuple[date, list[Notification]]:
    """Reopen for this agency until a working day, `days` days from today.

    Return that day and the notifications for its people.
    """
    unit, plan_id = actor.unit, actor.plan_id
    last = working_day_from(actor.today + timedelta(days=days), unit.holidays.days(plan_id))
    unit.periods.reopen(plan_id, agency.id, period, last + ONE_DAY, reason=reason, now=actor.now, by=actor.person_id)
    due = unit.plans.due(plan_id, agency.id, actor.today)
    has_left = any(one.period.id == period.id and not one.is_indicator for one in due)
    news: list[Notification] = []
    for one in unit.people.of_agency(plan_id, agency.id):
        if one.memberships[0].role in AGENCY_ROLES:
            say = wording(one.language)
            text = say(
                "reopening.told",
                period_name=period_name(period, one.language),
                agency=agency.code,
                date=show_day(last, one.language),
            )
            start = Button(say("remind.start"), tap(Route.DUE), "primary")
            look = Button(say("menu.history"), tap(Route.HISTORY))
            because = line(say("reopening.because", reason=reason_in_words(say, reason)))
            rows = ((start, look) if has_left else (look,),)
            news.append(told(one.telegram_id, Card((line(text), because), rows)))
    return last, news


def end_reopening(
    actor: Actor, period: ReportingPeriod, agency: Agency, standing: StoredReopening
) -> list[Notification]:
    """End a reopening: lock the period again for the agency, or refuse its request.

    Return the notifications for its people.
    """
    actor.unit.periods.end(standing, now=actor.now, by=actor.person_id)
    key = "reopening.refused" if standing.is_asked else "reopening.ended"
    return [
        told(
            one.telegram_id,
            Card((line(wording(one.language)(key, period_name=period_name(period, one.language))),)),
        )
        for one in actor.unit.people.of_agency(actor.plan_id, agency.id)
        if one.memberships[0].role in AGENCY_ROLES
    ]


def ask_reopening(
    actor: Actor, agency_id: int, agency_code: str, period: ReportingPeriod, reason: str
) -> list[Notification] | None:
    """Ask the coordination to reopen a period for this agency. Return its notifications; None if it has been asked."""
    unit, plan_id = actor.unit, actor.plan_id
    asked = unit.periods.ask(plan_id, agency_id, period, reason, now=actor.now, by=actor.oneself, today=actor.today)
    if asked is None:
        return None
    news = []
    for one in unit.people.with_role(plan_id, Role.COORDINATOR) or unit.people.with_role(plan_id, Role.ADMIN):
        say = wording(one.language)
        to = partial(tap, Route.REOPEN, period.code, agency_code)
        rows = (
            (Button(say("reopening.grant", agency=agency_code, n=GRANTED), to(GRANTED, ASKED), "primary"),),
            (
                Button(say("reopening.refuse"), to("no")),
                Button(say("reopening.look"), tap(Route.PERIODS, period.code)),
            ),
        )
        text = say("reopening.request", agency=agency_code, period_name=period_name(period, one.language))
        because = line(say("reopening.because", reason=reason_in_words(say, reason)))
        news.append(told(one.telegram_id, Card((line(text), because), rows)))
    return news


def close(actor: Actor, agency_id: int, periods: Iterable[ReportingPeriod]) -> None:
    """Close these periods for the agency: everything expected of it is reported."""
    for period in periods:
        actor.unit.closings.close(actor.plan_id, agency_id, period.id, actor.oneself, actor.now)


def set_days(actor: Actor, moved: ReportingPeriod) -> list[Notification]:
    """Set the days of a period for every agency. Return the notifications.

    If the period now closes at the end of today, the agencies that have not closed it are told at once: they knew
    another day, and no reminder comes before the end of it.
    """
    unit = actor.unit
    unit.periods.set_days(moved, now=actor.now, by=actor.person_id)
    if moved.locks_on != actor.today + ONE_DAY:
        return []
    closed, expected = unit.closings.closed_agencies(moved.id), expected_agencies(actor, moved)
    return [
        told(who.telegram_id, last_day_card(moved, who.language))
        for agency in expected
        if agency.id not in closed
        for who in unit.people.of_agency(actor.plan_id, agency.id)
        if who.memberships[0].role in AGENCY_ROLES
    ]


def correct(
    actor: Actor, period: ReportingPeriod, code: str, changes: Mapping[str, str], reason: str
) -> dict[str, str]:
    """Correct what was expected of an activity or indicator in a locked period; return what it said, by field.

    `changes` are values by field (CORRECTED). Conflict for a period that has not locked: until then, the plan itself
    says it. ValueError for a field or a value that the row cannot have. Figures that go by the correction are marked,
    and the log names who made it, why, and what was there before.
    """
    unit, plan_id = actor.unit, actor.plan_id
    if period.seals_on > actor.today:
        raise Conflict(f"{period.code} has not locked")
    every: list[Activity | Indicator] = [*unit.plans.activities_ever(plan_id), *unit.plans.indicators_ever(plan_id)]
    versions = [each for each in every if each.code == code]
    if not versions:
        raise NotFound(f"no activity or indicator {code!r}")
    was: Activity | Indicator = as_of(versions, period.seals_on)
    said: dict[str, str] = {}
    columns: dict[str, Any] = {}
    for field, value in changes.items():
        said[field] = _said(was, field, period)
        columns |= _columns(actor, was, field, value, period)
    table = was.subject.partition(":")[0]
    with told_anew(unit, plan_id, "past_row") as details:
        unit.of(PastRows).correct(plan_id, table, versions[0].id, period.seals_on, columns, reason)
    details |= {"code": code, "period": period.code, "was": said, "is": dict(changes), "reason": reason}
    unit.audit.record("plan.corrected", actor.person_id, plan_id, details, actor.now)
    return said


CORRECTED = ("lead", "cadence", "target", "start_date", "due_date")
"""What can be corrected. An indicator has no start_date and no due_date."""


def _said(row: Activity | Indicator, field: str, period: ReportingPeriod) -> str:
    is_activity = isinstance(row, Activity)
    match field:
        case "lead":
            return row.agency_code
        case "cadence":
            return row.frequency.value
        case "target":
            return row.target_quantity if isinstance(row, Activity) else row.target_of(period.end_on.year).value
        case "start_date" | "due_date" if isinstance(row, Activity):
            day = row.start_on if field == "start_date" else row.due_on
            return day.isoformat() if day else ""
    raise ValueError(
        f"{field}: what can be corrected of {row.code} is {', '.join(CORRECTED[: None if is_activity else 3])}"
    )


def _columns(
    actor: Actor, row: Activity | Indicator, field: str, value: str, period: ReportingPeriod
) -> dict[str, Any]:
    """The columns of the row's table that say the value."""
    match field:
        case "lead":
            return {"agency_id": actor.unit.plans.agency(actor.plan_id, value).id}
        case "cadence":
            return {"report_frequency" if isinstance(row, Activity) else "frequency": Frequency(value).value}
        case "due_date" if not value:
            return {"due_on": None}
        case "start_date" | "due_date":
            return {"start_on" if field == "start_date" else "due_on": date.fromisoformat(value).isoformat()}
    if not value.replace(".", "", 1).isdecimal():
        raise ValueError(f"target: {value!r} is no number")
    if isinstance(row, Activity):
        return {"target_quantity": value}
    corrected = row.target_of(period.end_on.year)
    of_row = {"plan_id": actor.plan_id, "indicator_id": row.id, "source": ""}
    return {
        TARGETS: [
            of_row | {"value": value if each == corrected else each.value, "target_on": plain(each.on)}
            for each in row.targets or (corrected,)
        ]
    }


def last_day_card(period: ReportingPeriod, language: str) -> Card:
    say = wording(language)
    text = say("periods.last_day", period_name=period_name(period, language))
    return Card((line(text),), ((Button(say("remind.start"), tap(Route.DUE), "primary"),),))


def moves(actor: Actor, period: ReportingPeriod) -> dict[str, ReportingPeriod]:
    """Return the changes that are possible today (`open`, `more3`, `lock`), each with the period's days after it."""
    stage = period.stage(actor.today)
    if stage == "ahead":
        return {"open": opened_early(period, actor.today)}
    holidays = actor.unit.holidays.days(actor.plan_id)
    found = {f"more{days}": extended(period, days, actor.today, holidays) for days in MORE}
    if stage != "locked" and period.locks_on > actor.today + ONE_DAY:
        found["lock"] = closed_early(period, actor.today)
    return found


def standing_of(actor: Actor, period: ReportingPeriod, agency: Agency) -> StoredReopening | None:
    """Return the reopening that this agency has asked for or has now."""
    found = actor.unit.periods.reopenings(actor.plan_id, actor.today)
    return next((one for one in found if (one.period_id, one.agency_id) == (period.id, agency.id)), None)


def expected_agencies(actor: Actor, period: ReportingPeriod) -> list[Agency]:
    plans, plan_id = actor.unit.plans, actor.plan_id
    due = expected_activities(plans.activities_ever(plan_id), period, plans.ended(plan_id))
    codes = {activity.agency_code for activity in due}
    return [agency for agency in plans.agencies(plan_id) if agency.code in codes]


def reason_in_words(say: Wording, reason: str) -> str:
    return say(f"reopening.reason.{reason}") if reason in REASONS else reason
