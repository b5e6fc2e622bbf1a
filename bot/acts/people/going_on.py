"""The people of a plan go on in the one that follows it, each by their own tap: nobody has a role there unasked.

No row says that somebody was asked. A question is open for sixty days after the new plan began to follow, while the
person still has the post in which they were asked, and the new plan has their agency. Each may be admitted to the new
plan once this way: a role that its admins have ended is not taken again by an old button.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from bot.acts.people.delegations import joined
from bot.acts.people.people import post_name
from bot.chat.actor import Actor, Notification, told
from conversations.card import Button, Card, italic, line
from conversations.dates import show_day
from conversations.plan.model import Post, Role
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.people.people import Membership, Person
from storage.plan.plans import Plan

LASTS: Final = timedelta(days=60)
"""For how long a question can be answered."""


class Asked(NamedTuple):
    """Who is asked to go on."""

    people: tuple[tuple[Person, Membership], ...]
    """Those who are asked, with the role that they have in the earlier plan."""
    unreached: int
    """How many have such a role and cannot be asked, because no message reaches them."""
    left_out: tuple[str, ...]
    """The agencies of the earlier plan that the new one does not have."""


class Question(NamedTuple):
    """An open question: whether somebody goes on in the new plan, in this post."""

    plan: Plan
    post: Post
    agency_code: str
    until: date


def whom(actor: Actor, agencies: Collection[str], new_id: int | None = None) -> Asked:
    """Return who of the actor's plan is asked, if the new plan has these agencies. `new_id` None: it is not there yet.

    A role that ends on a day does not go on, and nobody is asked who has or had a role in the new plan.
    """
    unit, reached, unreached = actor.unit, [], 0
    for person in unit.people.list(actor.plan_id):
        held = person.memberships[0]
        is_known = new_id is not None and unit.people.post(person.id, new_id) is not None
        if is_known or held.until_on is not None or (held.agency_code and held.agency_code not in agencies):
            continue
        if person.absence is None:
            reached.append((person, held))
        else:
            unreached += 1
    here = (agency.code for agency in unit.plans.agencies(actor.plan_id, on=actor.today))
    return Asked(tuple(reached), unreached, tuple(sorted({*here} - {*agencies})))


def ask_people(actor: Actor, new: Plan) -> tuple[Asked, list[Notification]]:
    """Ask everybody of the actor's plan whether they go on in the new one. Return who is asked, and the questions."""
    today = actor.now.astimezone(ZoneInfo(new.timezone)).date()
    asked = whom(actor, {agency.code for agency in actor.unit.plans.agencies(new.id, on=today)}, new.id)
    earlier, until = actor.unit.plans.by_id(actor.plan_id), _until(actor.now, new)
    return asked, [told(who.telegram_id, _card(wording(who.language), earlier, new, held, until))
                   for who, held in asked.people]  # fmt: skip


def question(actor: Actor, new_id: int) -> Question | None:
    """Return what the actor is asked about this plan, wherever they stand. None if it is not, or no longer, open."""
    unit = actor.unit
    new = next((plan for plan in unit.plans.all() if plan.id == new_id), None)
    if new is None or new.succeeds_id is None or unit.people.post(actor.oneself, new_id) is not None:
        return None
    held = unit.people.by_id(actor.oneself).membership_in(new.succeeds_id)
    asked_at = unit.succession.begun_at(new_id, actor.now - LASTS)
    if held is None or held.until_on is not None or asked_at is None or held.active_from > asked_at:
        return None
    today = actor.now.astimezone(ZoneInfo(new.timezone)).date()
    agencies = {agency.code: agency.id for agency in unit.plans.agencies(new_id, on=today)}
    if held.agency_code and held.agency_code not in agencies:
        return None
    post = Post(held.role, agencies.get(held.agency_code), is_contributor=held.is_contributor)
    return Question(new, post, held.agency_code, _until(asked_at, new))


def go_on(actor: Actor, asked: Question) -> list[Notification]:
    """Give the actor the post in the new plan. Return the notifications for its admins."""
    granted = actor.unit.roles.grant(actor.oneself, asked.plan.id, asked.post, now=actor.now, by=actor.person_id)
    person = actor.unit.people.by_id(actor.oneself)
    admins = actor.unit.people.with_role(asked.plan.id, Role.ADMIN)
    return [joined(admin, person, granted) for admin in admins if admin.id != person.id]


def _card(say: Wording, earlier: Plan, new: Plan, held: Membership, until: date) -> Card:
    titles = {"plan": new.title(say.language), "follows": earlier.title(say.language)}
    text = say("going_on.ask", **titles, post=post_name(say, held.role, held.agency_code))
    how = say("going_on.how", date=show_day(until, say.language))
    rows = (
        (Button(say("going_on.yes"), tap(Route.GO_ON, new.id, "yes"), "primary"),),
        (Button(say("going_on.no"), tap(Route.GO_ON, new.id, "no")),),
    )
    return Card((line(text), line(italic(how))), rows)


def _until(asked_at: datetime, new: Plan) -> date:
    """The last day on which a question can surely be answered: it ends within the next one."""
    return (asked_at + LASTS).astimezone(ZoneInfo(new.timezone)).date() - timedelta(days=1)
