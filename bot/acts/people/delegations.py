"""A post is left to a deputy for a time, given back, ended, or given to somebody else. Those concerned are notified."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.acts.people.people import Link, link_lives, menu_gone, post_name, role_news
from bot.chat.actor import Actor, Notification, message, told
from conversations.card import Button, Card, home_button, line
from conversations.dates import show_day
from conversations.plan.calendar.working_time import is_quiet
from conversations.plan.model import AGENCY_ROLES, Post, Role
from conversations.plan.periods import ONE_DAY
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.people.delegations import StoredDelegation
from storage.people.people import Membership, Person
from storage.plan.plans import Plan
from storage.unit_of_work import UnitOfWork


# ------------------------------------------------------------------ left to somebody for a time
def delegate(actor: Actor, giver: Membership, deputy_id: int, last_day: date) -> list[Notification]:
    """Leave a post to a colleague of the agency. Return the notification for them.

    Conflict if the giver is no focal point, or the colleague does not belong to the agency.
    """
    made = actor.unit.roles.delegate(giver, deputy_id, last_day + ONE_DAY, now=actor.now)
    deputy = actor.unit.people.by_id(deputy_id)
    say = wording(deputy.language)
    until = show_day(last_day, deputy.language)
    drafts = len(actor.unit.sessions.drafts_of(made.person_id))
    lines = [line(say("delegate.told", name=actor.name, agency=giver.agency_code, date=until))]
    rows: list[tuple[Button, ...]] = [(Button(say("command.pendientes"), tap(Route.DUE), "primary"),)]
    if drafts:
        lines.append(line(say("delegate.drafts_n", n=drafts)))
        rows.append((Button(say("delegate.drafts"), tap(Route.DELEGATE, "drafts")),))
    return [told(deputy.telegram_id, Card(tuple(lines), tuple(rows)))]


def delegate_by_link(actor: Actor, giver: Membership, last_day: date) -> tuple[Link, list[Notification]]:
    """Leave a post to the person who will use the link. Return the link and the notifications for the coordinators.

    If the plan has no coordinator, the admins are notified.
    """
    lives = link_lives(actor)
    token, _ = actor.unit.roles.delegate_by_link(giver, last_day + ONE_DAY, now=actor.now, ttl=lives)
    people = actor.unit.people
    chiefs = people.with_role(actor.plan_id, Role.COORDINATOR) or people.with_role(actor.plan_id, Role.ADMIN)
    news = []
    for one in chiefs:
        until = show_day(last_day, one.language)
        text = wording(one.language)("delegate.invited_news", name=actor.name, agency=giver.agency_code, date=until)
        news.append(told(one.telegram_id, Card((line(text),))))
    return Link(token, actor.now + lives), news


def link_used(unit: UnitOfWork, membership: Membership) -> list[Notification]:
    """Return the notifications when somebody is in by a link: they have used it, and accepted the privacy note.

    They are for the person who made the link, and for the one who left the post by it. Nothing reaches a person who
    has not accepted, so nobody is told before.
    """
    person = unit.people.by_id(membership.person_id)
    if person.absence == "no_privacy":
        return []
    if membership.until_on is None or membership.agency_id is None:
        return _inviter_told(unit, membership, person)
    news = []
    for delegation in unit.delegations.of_agency(membership.agency_id):
        if delegation.deputy_id == membership.person_id:
            giver = unit.people.by_id(delegation.person_id)
            say = wording(giver.language)
            text = say("delegate.begun", name=person.name, date=show_day(delegation.last_day, say.language))
            row = (Button(say("delegate.end"), tap(Route.DELEGATE, "end")),)
            news.append(told(giver.telegram_id, Card((line(text),), (row,)), plan_id=membership.plan_id))
    return news


def _inviter_told(unit: UnitOfWork, membership: Membership, person: Person) -> list[Notification]:
    by = unit.invitations.inviter_of(membership.person_id, membership.plan_id)
    inviter = _inviter(unit, by, person, membership.plan_id)
    return [] if inviter is None else [joined(inviter, person, membership)]


def joined(reader: Person, person: Person, membership: Membership) -> Notification:
    """Return what tells somebody that a person has come into the plan with this role."""
    say = wording(reader.language)
    text = say("invite.joined", name=person.name, post=post_name(say, membership.role, membership.agency_code))
    look = Button(say("invite.look"), tap(Route.PERSON, person.id))
    return told(reader.telegram_id, Card((line(text),), ((look,),)), plan_id=membership.plan_id)


def _inviter(unit: UnitOfWork, by: int | None, person: Person, plan_id: int) -> Person | None:
    """Return who made a link, if somebody else used it and they can still be told."""
    inviter = unit.people.by_id(by) if by is not None and by != person.id else None
    return inviter if inviter and not inviter.is_suspended and inviter.membership_in(plan_id) else None


def in_words(unit: UnitOfWork, delegation: StoredDelegation, say: Wording) -> str:
    """Say who has delegated their post to whom, and until when, in one sentence."""
    until = show_day(delegation.last_day, say.language)
    values = {"giver": unit.people.by_id(delegation.person_id).name, "date": until}
    deputy = unit.people.by_id(delegation.deputy_id) if delegation.deputy_id is not None else None
    if deputy is None or deputy.absence == "no_privacy":
        return say("delegate.awaited", **values)
    return say("delegate.standing", **values, deputy=deputy.name)


# ------------------------------------------------------------------ given back
def end_expired(unit: UnitOfWork, plan: Plan, now: datetime) -> int:
    """End the delegations that have passed their last day, in working hours. Return how many.

    Both people are told, so it waits for working hours.
    """
    zone = ZoneInfo(plan.timezone)
    over = unit.delegations.over(plan.id, now.astimezone(zone).date())
    if not over or is_quiet(now, zone, unit.holidays.days(plan.id)):
        return 0
    for delegation in over:
        actor = Actor(unit, plan.id, now, plan.timezone, zone)
        actor.tell(end_delegation(actor, delegation))
    return len(over)


def end_delegation(actor: Actor, delegation: StoredDelegation) -> list[Notification]:
    """End a delegation. Return the notifications for both people; none if it had ended before."""
    news = list(end_notices(actor.unit, delegation))
    return news if actor.unit.leaving.end_delegation(delegation, now=actor.now, by=actor.person_id) else []


# ------------------------------------------------------------------ ended
def leave_post(actor: Actor, who: Person, held: Membership) -> list[Notification]:
    """A person gives up their own post. Return the notifications for deputies, the heir of the drafts, and admins."""
    return [*end_post(actor, who, held), *vacancy_news(actor, who, held)]


def relieve(actor: Actor, who: Person, held: Membership) -> list[Notification]:
    """A person loses their post. Return the notifications for them, for deputies and for the heir of the drafts."""
    text = wording(who.language)("handover.told", agency=held.agency_code)
    return [*end_post(actor, who, held), told(who.telegram_id, Card((line(text),)))]


def vacancy_news(actor: Actor, who: Person, held: Membership) -> list[Notification]:
    """Return the notifications that ask the admins who takes a post that has become vacant."""
    return [
        told(admin.telegram_id, vacant_card(actor, wording(admin.language), who, held))
        for admin in actor.unit.people.with_role(held.plan_id, Role.ADMIN)
    ]


def vacant_card(actor: Actor, say: Wording, who: Person, held: Membership) -> Card:
    """Return the card with the ways to fill a vacant post: an invitation, or the alternate (`admin.handover`)."""
    agency = held.agency_code
    text = say("admin.handover", name=who.name, agency=agency, role=say(f"role.{held.role}"))
    if held.role is not Role.FOCAL_POINT:
        return Card((line(text),), ((Button(say("handover.invite"), tap(Route.SUCCEED, agency, held.role)),),))
    rows = [(Button(say("handover.invite"), tap(Route.SUCCEED, agency)),)]
    if alternates(actor, held.agency_id or 0):
        rows.append((Button(say("handover.promote"), tap(Route.PROMOTE, agency)),))
    return Card((line(text),), tuple(rows))


def alternates(actor: Actor, agency_id: int) -> list[Person]:
    """Return the alternates of an agency. A deputy for some days is not one of them."""
    there = actor.unit.people.of_agency(actor.plan_id, agency_id)
    return [one for one in there if one.memberships[0].role is Role.ALTERNATE and one.memberships[0].until_on is None]


# ------------------------------------------------------------------ given to somebody else
def promote(actor: Actor, who: Person, agency_id: int) -> list[Notification]:
    """Make an alternate the focal point of their agency. Return the notifications for them."""
    granted = actor.unit.roles.grant(
        who.id, actor.plan_id, Post(Role.FOCAL_POINT, agency_id), now=actor.now, by=actor.person_id
    )
    return role_news(who, granted)


def accept_offer(actor: Actor, invitation_id: int) -> list[Notification] | None:
    """Take the role that a used link offers, in place of the present one. None if the link is void.

    Return the notifications for the person, for the person who left them the post, and for the admins if the former
    post becomes vacant.
    """
    person = actor.unit.people.by_id(actor.oneself)
    held = person.membership_in(actor.plan_id)
    granted = actor.unit.joining.accept(invitation_id, person, actor.now, timezone=actor.timezone)
    if granted is None:
        return None
    news = [*role_news(person, granted), *link_used(actor.unit, granted)]
    if held is not None and held.role in AGENCY_ROLES and held.agency_id != granted.agency_id:
        news += vacancy_news(actor, person, held)
    return news


def decline_offer(actor: Actor, invitation_id: int) -> list[Notification] | None:
    """Keep the present role and make the link void. None if it was void before.

    Return the notification for who made the link, because the person whom they invited can use it no more.
    """
    unit = actor.unit
    declined = unit.invitations.decline(invitation_id, actor.oneself, actor.now)
    if declined is None:
        return None
    person, post = unit.people.by_id(actor.oneself), declined.post
    inviter = _inviter(unit, declined.created_by_id, person, actor.plan_id)
    if inviter is None:
        return []
    say = wording(inviter.language)
    agency = unit.plans.agency_by_id(post.agency_id).code if post.agency_id else ""
    text = say("invite.declined", name=person.name, post=post_name(say, post.role, agency))
    another = tap(Route.DELEGATE) if post.until_on else tap(Route.INVITE, post.role, *filter(None, [agency]))
    return [told(inviter.telegram_id, Card((line(text),), ((Button(say("handover.invite"), another),),)))]


# ------------------------------------------------------------------ inside
def end_post(actor: Actor, who: Person, held: Membership) -> list[Notification]:
    """End somebody's role and everything that depends on it. Return the notifications.

    Deputies are told, and the colleague who inherits the drafts.
    """
    unit = actor.unit
    heir = unit.people.heir(who.id, held)
    drafts = len(unit.sessions.drafts_of(who.id))
    goodbyes = [
        news
        for one in unit.delegations.of_agency(held.agency_id or 0)
        if who.id in (one.person_id, one.deputy_id)
        for news in end_notices(unit, one)
    ]
    unit.leaving.end_membership(who.id, held.plan_id, now=actor.now, by=actor.person_id)
    news = [*(one for one in goodbyes if one.chat_id != who.telegram_id), menu_gone(who)]
    if heir is not None and drafts and unit.people.by_id(heir.id).membership_in(held.plan_id) is not None:
        say = wording(heir.language)
        rows = ((Button(say("command.pendientes"), tap(Route.DUE), "primary"),),)
        text = say("handover.drafts_yours", name=who.name, n=drafts)
        news.append(told(heir.telegram_id, Card((line(text),), rows)))
    return news


def end_notices(unit: UnitOfWork, delegation: StoredDelegation) -> Iterator[Notification]:
    """Return what giver and deputy are told when a delegation ends. Call it before it ends."""
    giver = unit.people.by_id(delegation.person_id)
    deputy = unit.people.by_id(delegation.deputy_id) if delegation.deputy_id else None
    say = wording(giver.language)
    text = say("delegate.back", name=deputy.name) if deputy else say("delegate.nobody_came")
    home = (home_button(say, anew=True),)
    yield Notification(giver.telegram_id, message(Card((line(text),), (home,))))
    if deputy is None:
        return
    say = wording(deputy.language)
    membership = deputy.membership_in(delegation.plan_id)
    if membership is None or membership.until_on is None:
        yield Notification(deputy.telegram_id, message(Card((line(say("delegate.thanks", name=giver.name)),))))
        return
    yield Notification(deputy.telegram_id, message(Card((line(say("delegate.thanks_and_goodbye", name=giver.name)),))))
    yield menu_gone(deputy)
