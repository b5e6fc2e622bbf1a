"""Reminders that somebody sends by hand, and their progress."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.chat.actor import Actor
from bot.schedule.job import Batch, Moment, Planned
from bot.schedule.ledger import write_once
from bot.schedule.reminders import REMINDERS, by_agency, to_chase, worded
from bot.schedule.settling import settle
from conversations.card import Button, Card, home_button, line
from conversations.plan.calendar.agenda import Agenda, Recipient, Topic
from conversations.routes import Route, tap
from conversations.wording import wording


def remind_now(actor: Actor) -> int:
    """Send the reminders without a progress display. Returns how many people are reminded."""
    agenda, found = to_chase(actor.unit, Moment(actor.plan_id, actor.now, actor.today))
    return remind(actor, agenda, found.meant, None)


def begin_broadcast(actor: Actor, total: int) -> int:
    """Begin a broadcast to so many people; return its number. Its sender's phone shows the progress."""
    return actor.unit.broadcasts.begin(actor.plan_id, actor.oneself, None, total, actor.now)


def show_broadcast_on(actor: Actor, number: int, card_id: int | None, total: int) -> None:
    """Show the progress of a broadcast on this card, which says 0 of `total`."""
    actor.unit.broadcasts.change(number, card_id=card_id, shown=f"0/{total}")


def stop_broadcast(actor: Actor, number: int) -> int | None:
    """Take back the messages that are not yet on their way; return how many. None if it is over, or somebody else's."""
    found = actor.unit.broadcasts.going_on(number)
    if not found or found[0].plan_id != actor.plan_id or found[0].person_id != actor.person_id:
        return None
    dropped = actor.unit.broadcasts.stop(found[0].id, actor.now)
    settle(actor.unit, actor.now)
    return dropped


def remind(
    actor: Actor, agenda: Agenda, meant: Sequence[tuple[Recipient, tuple[Topic, ...]]], broadcast_id: int | None
) -> int:
    told = by_agency(who for who, _ in meant)
    planned = [
        Planned(
            who,
            actor.now.astimezone(ZoneInfo(who.timezone)).date(),
            (worded(topics, who, agenda, told),),
        )
        for who, topics in meant
    ]
    batch = Batch(actor.plan_id, REMINDERS, planned)
    made = write_once(actor.unit, batch, actor.now, is_by_hand=True, broadcast_id=broadcast_id)
    return made["said"]


def progress_card(language: str, sent: int, total: int, *, is_over: bool, is_stopped: bool, number: int) -> Card:
    """The progress of a broadcast, as its sender sees it."""
    say = wording(language)
    if not is_over:
        row = (Button(say("chase.stop"), tap(Route.STOP_BROADCAST, number), "danger"),)
        return Card((line(say("chase.sending", sent=sent, total=total)),), (row,))
    if is_stopped:
        key = "chase.stopped" if sent < total else "chase.stopped_late"
    elif sent < total:
        key = "chase.done_some"
    else:
        key = "chase.done" if sent != 1 else "chase.done_one"
    return Card((line(say(key, n=sent, total=total)),), ((home_button(say, anew=True),),))
