"""Acts on reminders: answer one, postpone it, or pause reminders for oneself or for everybody."""

from datetime import date

from bot.chat.actor import Actor
from conversations.plan.calendar.agenda import PauseKind
from conversations.plan.calendar.ledger import LADDER


def answer(actor: Actor, what: str) -> None:
    """Record a person's answer to the last reminder of the ladder: "tomorrow", "nothing_new", or one of `NEEDS`."""
    actor.unit.ledger.answer(actor.plan_id, actor.oneself, LADDER, what)


def postpone(actor: Actor, until_on: date) -> None:
    """Send oneself no reminders before that day, and record this as the answer to the last one."""
    answer(actor, "tomorrow")
    _begin_own(actor, "snooze", until_on)


def pause_own(actor: Actor, until_on: date | None) -> None:
    """Send oneself no reminders before that day; with None, until it is ended."""
    _begin_own(actor, "own", until_on)


def _begin_own(actor: Actor, kind: PauseKind, until_on: date | None) -> None:
    actor.unit.pauses.begin(actor.plan_id, kind, actor.now, until_on, person_id=actor.oneself, by=actor.oneself)


def resume_own(actor: Actor) -> None:
    actor.unit.pauses.end(actor.plan_id, actor.now, person_id=actor.oneself, kinds=("own",))


def pause_everybody(actor: Actor, until_on: date | None) -> None:
    """Remind nobody in the plan before that day; with None, until it is ended."""
    actor.unit.pauses.begin(actor.plan_id, "everybody", actor.now, until_on, person_id=None, by=actor.person_id)
    details = {"until": until_on.isoformat() if until_on else ""}
    actor.unit.audit.record("reminders.paused", actor.person_id, actor.plan_id, details, actor.now)


def resume_everybody(actor: Actor) -> bool:
    """End everybody's pause; return whether there was one."""
    was = actor.unit.pauses.end(actor.plan_id, actor.now, person_id=None, kinds=("everybody",))
    if was:
        actor.unit.audit.record("reminders.resumed", actor.person_id, actor.plan_id, {}, actor.now)
    return was
