"""Acts on people's roles, and the notifications of everybody concerned."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from bot.chat.actor import Actor, Notification, told
from bot.chat.permissions import menu_of
from conversations.card import Button, Card, home_button, italic, line, paragraph
from conversations.dates import day_and_hour
from conversations.languages import translated
from conversations.plan.model import Post, Role
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.people.invitations import FIRST_ADMIN_TTL
from storage.people.joining import Decision
from storage.people.people import Membership, Person
from storage.people.role_requests import REQUEST_TTL, StoredRequest
from storage.plan.settings import LINK_HOURS
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Link:
    """A link that works once. Its token is shown once and cannot be read anywhere (S1)."""

    token: str = field(repr=False)
    expires_at: datetime


def link_lives(actor: Actor) -> timedelta:
    """Return how long a link of this plan can be used."""
    return timedelta(hours=actor.unit.settings.number(actor.plan_id, LINK_HOURS))


def issue_link(actor: Actor, post: Post, by: int | None, *, lives: timedelta | None = None) -> Link:
    """Issue a link, in the name of `by`. A link for an admin made at the server lives at most a quarter of an hour.

    Conflict and ValueError as of `Invitations.issue`.
    """
    lives = link_lives(actor) if lives is None else lives
    token = actor.unit.invitations.issue(post, plan_id=actor.plan_id, now=actor.now, by=by, ttl=lives)
    is_short = post.role is Role.ADMIN and by is None
    return Link(token, actor.now + (min(lives, FIRST_ADMIN_TTL) if is_short else lives))


def link_in_words(actor: Actor, link: Link, role: Role, agency: str, bot_username: str, say: Wording) -> str:
    """The text for the person who is invited, complete, so that it only needs to be forwarded."""
    return say(
        "invite.done",
        plan=translated(actor.unit.plans.by_id(actor.plan_id).name, say.language),
        agency=agency,
        role=say(f"role.{role}"),
        date=day_and_hour(link.expires_at, actor.zone, say.language),
        link=deep_link(bot_username, link.token),
    )


def invitation_card(actor: Actor, post: Post, agency_code: str, by: int, say: Wording, bot_username: str) -> Card:
    """Issue a link in the name of `by`. Return the card that shows it, in the language of its reader."""
    link = issue_link(actor, post, by)
    text = link_in_words(actor, link, post.role, agency_code or say("unit.no_agency"), bot_username, say)
    rows = (
        invitation_row(bot_username, link, text, say),
        (Button(say("people.all_links"), tap(Route.LINKS)), home_button(say)),
    )
    return Card(paragraph(text), rows)


def invitation_row(bot_username: str, link: Link, text: str, say: Wording) -> tuple[Button, ...]:
    """The buttons with which the phone forwards an invitation. Source: core.telegram.org/widgets/share."""
    address = deep_link(bot_username, link.token)
    words = "\n".join(part for part in text.split("\n") if part != address)
    share = f"https://t.me/share/url?url={quote(address, safe='')}&text={quote(words, safe='')}"
    return Button(say("invite.copy"), copies=address), Button(say("invite.share"), opens=share)


def deep_link(bot_username: str, token: str) -> str:
    """The link that opens the bot with this token. Source: Bot API, "Deep linking"."""
    return f"https://t.me/{bot_username}?start={token}"


def request_in_words(unit: UnitOfWork, request: StoredRequest, say: Wording) -> str:
    post = post_name(say, request.role, request.agency_code)
    by = unit.people.by_id(request.requested_by_id).name
    if request.person_id is None:
        return say("requests.link", name=by, post=post)
    return say("requests.role", name=by, person=unit.people.by_id(request.person_id).name, post=post)


def settle_request(
    actor: Actor, id: int, decision: Decision, bot_username: str
) -> tuple[StoredRequest, list[Notification]] | None:
    """Grant or refuse a request for a role. Return it with the notifications; None if it is decided already.

    If the request is for a link, the notification for the person who asked is the link.
    """
    unit, plan_id = actor.unit, actor.plan_id
    before = role_before(actor, id)
    request = unit.joining.decide(plan_id, id, decision, now=actor.now, by=actor.person_id)
    if request is None:
        return None
    requester = unit.people.by_id(request.requested_by_id)
    theirs = wording(requester.language)
    if decision == "granted" and request.person_id is None:
        card = invitation_card(
            actor, Post(request.role, request.agency_id), request.agency_code, requester.id, theirs, bot_username
        )
        return request, [told(requester.telegram_id, card, sealed=True)]
    text = theirs(f"requests.was_{decision}", name=actor.named(theirs), what=request_in_words(unit, request, theirs))
    news = [told(requester.telegram_id, Card((line(text),)))]
    if decision == "granted" and request.person_id is not None:
        who, granted = unit.people.in_plan(plan_id, request.person_id)
        news += role_changed(actor, who, before, granted)
    return request, news


def needs_second(actor: Actor, role: Role) -> bool:
    """Whether another admin must agree before this one gives somebody this role."""
    return actor.unit.role_requests.needs_second(actor.plan_id, role, actor.oneself, actor.now)


def ask_second(
    actor: Actor, role: Role, agency_id: int | None, who: Person | None
) -> tuple[StoredRequest, tuple[Person, ...], list[Notification]]:
    """Ask the other admins to give somebody this role. Return the request, those asked, and their notifications.

    `who` is None if the role is for the person who will use a link.
    """
    request = actor.unit.role_requests.ask(
        actor.plan_id, role, person_id=who.id if who else None, agency_id=agency_id, now=actor.now, by=actor.oneself
    )
    admins = actor.unit.people.with_role(actor.plan_id, Role.ADMIN)
    others = tuple(admin for admin in admins if admin.id != actor.person_id)
    news = [told(one.telegram_id, request_card(actor, request, wording(one.language))) for one in others]
    return request, others, news


def request_card(actor: Actor, request: StoredRequest, say: Wording) -> Card:
    """A request, as another admin sees it."""
    rows = (
        (
            Button(say("requests.grant"), tap(Route.ROLE_REQUEST, request.id, "yes"), "success"),
            Button(say("requests.refuse"), tap(Route.ROLE_REQUEST, request.id, "no"), "danger"),
        ),
    )
    until = day_and_hour(request.requested_at + REQUEST_TTL, actor.zone, say.language)
    lines = (line(request_in_words(actor.unit, request, say)), line(italic(say("requests.until", date=until))))
    return Card(lines, rows)


def withdraw_request(actor: Actor, id: int) -> bool:
    """Withdraw the actor's own request. False if it is decided already, or if somebody else made it."""
    return actor.unit.role_requests.withdraw(actor.plan_id, id, now=actor.now, by=actor.oneself)


def revoke_link(actor: Actor, invitation_id: int) -> bool:
    """Make a link useless. False if it was used or withdrawn, or belongs to another plan."""
    return actor.unit.invitations.revoke(invitation_id, plan_id=actor.plan_id, now=actor.now, by=actor.person_id)


def role_before(actor: Actor, request_id: int) -> Membership | None:
    """Return the present role of the person whom a request is about."""
    for request in actor.unit.role_requests.waiting(actor.plan_id, actor.now):
        if request.id == request_id and request.person_id is not None:
            return actor.unit.people.by_id(request.person_id).membership_in(request.plan_id)
    return None


def change_role(
    actor: Actor, who: Person, present: Membership, role: Role, agency_id: int | None
) -> list[Notification]:
    """Give somebody another role or agency. Return the notifications for them and for the admins."""
    granted = actor.unit.roles.grant(who.id, actor.plan_id, Post(role, agency_id), now=actor.now, by=actor.person_id)
    return role_changed(actor, who, present, granted)


def suspend(actor: Actor, who: Person) -> list[Notification]:
    """Suspend somebody in every plan at once. Return the notifications for the admins; none if they were suspended.

    The person is told nothing: somebody else may hold the phone (S17).
    """
    if not actor.unit.leaving.suspend(who.id, now=actor.now, by=actor.person_id):
        return []
    gone = [news for held in who.memberships for news in admin_gone(actor, who, held, "people.admin_suspended")]
    return [menu_gone(who), *gone]


def restore(actor: Actor, who: Person) -> list[Notification]:
    """Give somebody suspended access again, with the roles of before. Return what tells them so."""
    if not actor.unit.roles.restore(who.id, now=actor.now, by=actor.person_id):
        return []
    return [news for held in who.memberships for news in role_news(who, held, "people.access_back")]


# ------------------------------------------------------------------ what people are told
def role_changed(actor: Actor, who: Person, before: Membership | None, granted: Membership) -> list[Notification]:
    """The notifications after a change of role: for the person, and for all admins if an admin is lost."""
    gone = admin_gone(actor, who, before) if before is not None and granted.role is not Role.ADMIN else []
    return [*gone, *role_news(who, granted)]


def role_news(who: Person, membership: Membership, key: str = "people.your_role") -> list[Notification]:
    """Calls of the Bot API that tell somebody their role and set their chat's menu. `key` is the sentence."""
    say = wording(who.language)
    text = say(key, post=post_name(say, membership.role, membership.agency_code))
    card = Card((line(text),), ((Button(say("menu.home"), tap(Route.HOME, "new"), "primary"),),))
    menu = menu_of(who.telegram_id, membership.role, who.language, is_contributor=membership.is_contributor)
    return [
        Notification(who.telegram_id, menu, "setMyCommands"),
        told(who.telegram_id, card, plan_id=membership.plan_id),
    ]


def menu_gone(who: Person) -> Notification:
    """Remove the command menu from the chat of a person who has no role any more."""
    scope = {"scope": {"type": "chat", "chat_id": who.telegram_id}}
    return Notification(who.telegram_id, scope, "deleteMyCommands")


def admin_gone(actor: Actor, who: Person, before: Membership, how: str = "people.admin_went") -> list[Notification]:
    """Losing an administrator is announced to everybody who coordinates or administers: it must not be a quiet act.

    `how` is the sentence of the catalogue that says how.
    """
    if before.role is not Role.ADMIN:
        return []
    news: list[Notification] = []
    for role in (Role.ADMIN, Role.COORDINATOR):
        for other in actor.unit.people.with_role(before.plan_id, role):
            if other.id not in (actor.person_id, who.id):
                say = wording(other.language)
                text = say(how, name=who.name, by=actor.named(say))
                news.append(told(other.telegram_id, Card((line(text),)), plan_id=before.plan_id))
    return news


def post_name(say: Wording, role: Role, agency_code: str) -> str:
    """A role as people call it: "Punto focal · AGENCY"."""
    return f"{say(f'role.{role}')} · {agency_code}" if agency_code else say(f"role.{role}")


def set_contributor(actor: Actor, who: Person, membership: Membership, is_contributor: bool) -> list[Notification]:
    """Give an observer the right to report, or remove it. Return the notification for that person.

    Return nothing if they had it already, or had it not. ValueError if the person is not an observer of an agency.
    """
    if not actor.unit.roles.set_contributor(
        who.id, membership.plan_id, is_contributor, now=actor.now, by=actor.person_id
    ):
        return []
    say = wording(who.language)
    text = say("contributor.granted" if is_contributor else "contributor.ended", agency=membership.agency_code)
    return [told(who.telegram_id, Card((line(text),), ((home_button(say, anew=True),),)))]
