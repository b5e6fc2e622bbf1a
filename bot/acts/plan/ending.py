"""Acts on the end of a plan: close it, agree to it, keep it open, and say what is not carried on."""

from collections.abc import Callable, Container
from datetime import date, timedelta
from typing import Final

from bot.acts.reports.coverage import publish_shipped
from bot.chat.actor import Actor, Notification, told
from bot.chat.permissions import ADMINS, ENROLLED, JUDGES
from conversations.card import Button, Card, line
from conversations.dates import show_date
from conversations.plan.figures.balance import Balance, Outcome, balance
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.calendar.figures import Figures
from storage.calendar.moving_periods import add_periods
from storage.errors import Conflict
from storage.plan.endings import REQUEST_TTL

LATE_DAYS: Final = (15, 30, 60, 90)
"""For how many days late reports may be received; each has a button."""
LONGEST: Final = timedelta(days=366)
"""Nobody waits longer for late reports."""
LONGEST_REASON: Final = 200


def close_plan(actor: Actor, closes_on: date) -> tuple[bool, list[Notification]]:
    """Close the plan after this day, or ask the other admin if there is one. Return whether it is closed, and the news.

    Conflict if the day has passed or is too far, or if the plan is closed already. The server asks nobody.
    """
    unit, plan_id = actor.unit, actor.plan_id
    if not actor.today <= closes_on <= actor.today + LONGEST:
        raise Conflict(f"late reports are received for a year at most, from today: not until {closes_on}")
    if unit.plans.by_id(plan_id).closes_on is not None:
        raise Conflict("it has been decided already that the plan closes")
    if actor.person_id is not None and unit.people.had_admin_besides(plan_id, actor.person_id, actor.now - REQUEST_TTL):
        unit.endings.ask(plan_id, closes_on, now=actor.now, by=actor.person_id)
        return False, _tell(actor, lambda say: request_card(actor, closes_on, say), ADMINS)
    return True, _close(actor, closes_on)


def agree(actor: Actor) -> tuple[date, list[Notification]] | None:
    """Agree to another admin's request. None if it has been settled, is too old, or is the actor's own."""
    asked = actor.unit.endings.asked(actor.plan_id, actor.now)
    if asked is None or asked.asked_by_id == actor.person_id:
        return None
    closes_on = max(asked.closes_on, actor.today)
    return closes_on, _close(actor, closes_on)


def keep_open(actor: Actor) -> list[Notification] | None:
    """Refuse or withdraw a request, or take the decision back before its day. None if there is nothing of it.

    The periods that were removed come back. Those that got more days keep them.
    """
    unit, plan_id = actor.unit, actor.plan_id
    plan = unit.plans.by_id(plan_id)
    if plan.closes_on is None and unit.endings.asked(plan_id, actor.now) is None:
        return None
    unit.endings.keep_open(plan_id, now=actor.now, by=actor.person_id)
    if plan.closes_on is None:
        return _tell(actor, lambda say: Card((line(say("ending.refused", name=actor.named(say))),)), ADMINS)
    add_periods(unit, plan_id, plan.starts_on, plan.ends_on)
    return _tell(actor, lambda say: Card((line(say("ending.kept")),)))


def drop(actor: Actor, code: str, because: str) -> None:
    """Say why an activity is not carried on into the next plan. Without a reason, it is carried on after all."""
    if len(because) > LONGEST_REASON:
        raise ValueError(f"a reason has {LONGEST_REASON} characters at most")
    actor.unit.endings.drop(actor.plan_id, code, because, now=actor.now, by=actor.person_id)


def balance_of(actor: Actor) -> Balance:
    records = Figures(actor.unit).records(actor.plan_id, actor.now, actor.plan_zone, is_whole=True)
    return balance(records, actor.now, actor.plan_zone)


def open_activities(found: Balance) -> list[str]:
    """Return the codes of the activities that are neither done nor cancelled."""
    return [each.code for each, became in found.activities if became in (Outcome.IN_PART, Outcome.NOT_BEGUN)]


def request_card(actor: Actor, closes_on: date, say: Wording) -> Card:
    """The request to close the plan, as another admin sees it."""
    text = say("ending.request", name=actor.named(say), date=show_date(closes_on.isoformat(), say.language))
    rows = (
        (Button(say("ending.agree"), tap(Route.END_PLAN, "agree"), "success"),
         Button(say("ending.refuse"), tap(Route.END_PLAN, "keep"), "danger")),
        (Button(say("ending.look"), tap(Route.END_PLAN)),),
    )  # fmt: skip
    return Card((line(text), line(say("ending.forever"))), rows)


def _close(actor: Actor, closes_on: date) -> list[Notification]:
    """Close the plan. Everybody hears until when late reports are received, and who judges it is asked to.

    A plan from before there was a form for that gets it.
    """
    actor.unit.endings.close(actor.plan_id, closes_on, today=actor.today, now=actor.now, by=actor.person_id)
    publish_shipped(actor.unit, actor.plan_id, actor.now, by=actor.person_id)

    def card(say: Wording, *keys: str) -> Card:
        return Card(tuple(line(say(key, date=show_date(closes_on.isoformat(), say.language))) for key in keys))

    def asking(say: Wording) -> Card:
        rows = ((Button(say("evaluation.title"), tap(Route.EVALUATE)),),)
        return card(say, "ending.told", "evaluation.told")._replace(rows=rows)

    return [
        *_tell(actor, asking, JUDGES),
        *_tell(actor, lambda say: card(say, "ending.told"), ENROLLED - JUDGES),
    ]


def _tell(actor: Actor, card: Callable[[Wording], Card], roles: Container[str] = ENROLLED) -> list[Notification]:
    """Return what everybody of the plan is told who has one of these roles; not the actor."""
    return [
        told(who.chat_id, card(wording(who.language)))
        for who in actor.unit.recipients.all(actor.plan_id)
        if who.absence is None and who.person_id != actor.person_id and who.role in roles
    ]
