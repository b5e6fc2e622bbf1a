"""Who has which post: delegated for a time, handed over for good, or taken by a link.

An officer thinks of the bot only when leaving for a holiday, if at all. So a post is delegated in two taps and comes
back by itself. When somebody leaves for good, one person can relieve them, and their drafts stay with the agency. A
link that would take away somebody's present role asks first.
"""

from datetime import date, timedelta

from bot.acts.people import delegations as acts
from bot.acts.people import going_on
from bot.acts.people.people import Link, issue_link, link_in_words, post_name
from bot.chat.contact import contact
from bot.chat.exchange import Denied, Exchange, existing
from bot.chat.permissions import REPORTERS
from bot.screens.reports.drafts import drafts_of_others, others_of_agency
from conversations.card import Button, Card, Line, bold, cut, home_button, in_rows, italic, line, paragraph
from conversations.plan.model import AGENCY_ROLES, Post, Role
from conversations.routes import Route, tap
from conversations.session.reading.dates import read_date
from conversations.session.reading.results import Understood
from storage.people.delegations import StoredDelegation
from storage.people.joining import OfferedRole
from storage.people.people import Membership, Person

DAYS = (3, 7, 14, 30)
LONGEST = 90
"""The most days of a delegation. Somebody who is away for longer hands the post over."""
INVITED = "x"
"""Stands for a person still to be invited, in place of a colleague's number."""
LISTED = 8


# ------------------------------------------------------------------ delegating
def delegate(ex: Exchange, head: int | str, number: int | None) -> None:
    """/delegar: choose a person and a last day. During a delegation, show who has the post, and how to take it back."""
    standing = _standing(ex)
    if head == "end":
        _hand_back(ex, standing, number)
    elif head == "drafts":
        _show_drafts(ex)
    elif standing is not None:
        _show_standing(ex, standing)
    elif ex.membership.role != Role.FOCAL_POINT:
        ex.answer_line(ex.say("delegate.only_focal_point"))
    elif head == "":
        _choose_whom(ex)
    elif number in DAYS:
        _give(ex, head, ex.today + timedelta(days=number))
    else:
        _choose_until(ex, head)


def delegate_until(ex: Exchange, head: int | str, text: str) -> None:
    """Read the typed last day of a delegation."""
    match read_date(text, today=ex.today, language=ex.language, prefer="future"):
        case Understood(value) if ex.today < date.fromisoformat(value[:10]) <= ex.today + timedelta(days=LONGEST):
            _give(ex, head, date.fromisoformat(value[:10]))
        case _:
            _choose_until(ex, head, is_again=True)


def _choose_whom(ex: Exchange) -> None:
    rows = [(Button(cut(one.name), tap(Route.DELEGATE, one.id)),) for one in others_of_agency(ex)[:LISTED]]
    rows.append((Button(ex.say("delegate.invite"), tap(Route.DELEGATE, INVITED)),))
    ex.answer(Card((line(ex.say("delegate.whom", agency=ex.agency_code)),), (*rows, (home_button(ex.say),))))


def _choose_until(ex: Exchange, head: int | str, *, is_again: bool = False) -> None:
    name = _name_of(ex, head)
    last = [(n, ex.day(ex.today + timedelta(days=n))) for n in DAYS]
    buttons = [Button(ex.say("delegate.until", n=n, date=day), tap(Route.DELEGATE, head, n)) for n, day in last]
    key = "delegate.when_again" if is_again else "delegate.when"
    lines = (line(ex.say(key, name=name, n=LONGEST)), line(italic(ex.say("delegate.or_type"))))
    back = (Button(ex.say("nav.back"), tap(Route.DELEGATE)),)
    ex.ask(Card(lines, (*in_rows(buttons, 2), back)), Route.DELEGATE, head)


def _give(ex: Exchange, head: int | str, last: date) -> None:
    name = _name_of(ex, head)
    _, giver = ex.unit.people.in_plan(ex.membership.plan_id, ex.person.id)
    if giver.role is not Role.FOCAL_POINT:
        raise Denied
    until = ex.day(last)
    rows = ((Button(ex.say("delegate.end"), tap(Route.DELEGATE, "end")),), (home_button(ex.say),))
    if isinstance(head, str):
        link, news = acts.delegate_by_link(ex.actor, giver, last)
        ex.pass_on(news)
        lines = (*_shown_link(ex, link, Role.ALTERNATE, ex.agency_code), line(ex.say("delegate.invited", date=until)))
        ex.answer(Card(lines, rows), sealed=True)
        return
    ex.pass_on(acts.delegate(ex.actor, giver, head, last))
    ex.answer(Card((line(ex.say("delegate.begun", name=name, date=until)),), rows))


def _show_standing(ex: Exchange, delegation: StoredDelegation) -> None:
    rows: list[tuple[Button, ...]] = []
    if delegation.deputy_id == ex.person.id:
        rows.append((Button(ex.say("delegate.drafts"), tap(Route.DELEGATE, "drafts")),))
        rows.append((Button(ex.say("delegate.give_back"), tap(Route.DELEGATE, "end", delegation.id)),))
    else:
        rows.append((Button(ex.say("delegate.end"), tap(Route.DELEGATE, "end", delegation.id)),))
    ex.answer(Card((line(acts.in_words(ex.unit, delegation, ex.say)),), (*rows, (home_button(ex.say),))))


def _hand_back(ex: Exchange, standing: StoredDelegation | None, number: int | None) -> None:
    """End a delegation, for the giver or the deputy. If it is over already, say so."""
    if standing is None or number not in (None, standing.id):
        ex.answer_line(ex.say("delegate.is_over"))
        return
    ex.pass_on(one for one in acts.end_delegation(ex.actor, standing) if one.chat_id != ex.telegram_id)
    is_giver = standing.person_id == ex.person.id
    ex.answer_line(ex.say("delegate.taken_back" if is_giver else "delegate.given_back"))


def _show_drafts(ex: Exchange) -> None:
    """Show the drafts of colleagues and of people who have left. Each can be continued."""
    rows = [(Button(cut(text), tap(Route.TAKE_OVER, number)),) for number, text in drafts_of_others(ex)]
    text = ex.say("delegate.pick_draft" if rows else "delegate.no_drafts")
    ex.answer(Card((line(text),), (*rows[:LISTED], (home_button(ex.say),))))


# ------------------------------------------------------------------ leaving and handing over
def leave_post(ex: Exchange, answer: str) -> None:
    """Ya no soy yo: after one question the role ends, with all that depends on it, and the admins are notified."""
    membership = ex.membership
    if answer != "yes":
        rows = (
            (Button(ex.say("relieve.yes"), tap(Route.LEAVE_POST, "yes"), "danger"),),
            (Button(ex.say("form.no_leave"), tap(Route.HOME)),),
        )
        ex.answer(Card((line(ex.say("relieve.sure", agency=ex.agency_code)),), rows))
        return
    plan_id, language = membership.plan_id, ex.language
    who, held = ex.unit.people.in_plan(plan_id, ex.person.id)
    ex.answer(Card((line(ex.say("relieve.done")),)), is_last=True)
    ex.pass_on(acts.leave_post(ex.actor, who, held))
    ex.language = language


def relieve(ex: Exchange, person_id: int, answer: str) -> None:
    """A coordinator or admin takes an agency's post from its holder: one question, then who is next."""
    who, held = _whom(ex, person_id)
    if who.id == ex.person.id or held.role not in AGENCY_ROLES:
        raise Denied
    say = ex.say
    if answer != "yes":
        heir = ex.unit.people.heir(who.id, held)
        drafts = len(ex.unit.sessions.drafts_of(who.id))
        lines = [line(say("handover.sure", name=who.name, role=say(f"role.{held.role}"), agency=held.agency_code))]
        if drafts:
            key = "handover.drafts_go" if heir else "handover.drafts_stay"
            lines.append(line(say(key, n=drafts, name=heir.name if heir else "")))
        rows = (
            (Button(say("handover.yes"), tap(Route.RELIEVE, who.id, "yes"), "danger"),),
            (Button(say("nav.back"), tap(Route.PERSON, who.id)),),
        )
        ex.answer(Card(tuple(lines), rows))
        return
    ex.pass_on(acts.relieve(ex.actor, who, held))
    ex.answer(acts.vacant_card(ex.actor, say, who, held))


def promote(ex: Exchange, code: str, person_id: int | None) -> None:
    """Dejar al suplente: the alternate becomes focal point of an agency that has none."""
    agency_id, say = _vacant_agency(ex, code), ex.say
    alternates = acts.alternates(ex.actor, agency_id)
    chosen = [one for one in alternates if one.id == person_id] or alternates
    if not chosen:
        ex.answer_line(say("handover.no_alternate", agency=code))
        return
    if len(chosen) > 1:
        rows = tuple((Button(cut(one.name), tap(Route.PROMOTE, code, one.id)),) for one in chosen[:LISTED])
        ex.answer(Card((line(say("handover.which", agency=code)),), (*rows, (home_button(ex.say),))))
        return
    ex.pass_on(acts.promote(ex.actor, chosen[0], agency_id))
    ex.answer_line(say("handover.promoted", name=chosen[0].name, agency=code))


def succeed(ex: Exchange, code: str, role_name: str) -> None:
    """Crear invitación: make a link for the next holder of a vacant post."""
    role = Role.ALTERNATE if role_name == Role.ALTERNATE else Role.FOCAL_POINT
    agency_id = _agency_id(ex, code) if role is Role.ALTERNATE else _vacant_agency(ex, code)
    link = issue_link(ex.actor, Post(role, agency_id), ex.person.id)
    ex.answer(Card(_shown_link(ex, link, role, code), ((home_button(ex.say),),)), sealed=True)


def _agency_id(ex: Exchange, code: str) -> int:
    return existing(ex.unit.plans.agency, ex.membership.plan_id, code).id


def _vacant_agency(ex: Exchange, code: str) -> int:
    """The id of an agency without a focal point whom messages reach. Denied otherwise: that one is relieved first."""
    agency_id = _agency_id(ex, code)
    there = ex.unit.people.of_agency(ex.membership.plan_id, agency_id)
    if any(one.memberships[0].role is Role.FOCAL_POINT and one.absence is None for one in there):
        raise Denied
    return agency_id


# ------------------------------------------------------------------ a link that would take another role away
def offer(ex: Exchange, offered: OfferedRole) -> None:
    """Show what the link gives and what it takes away, before anything happens."""
    say, unit = ex.say, ex.unit
    _, present = unit.people.in_plan(offered.plan_id, ex.person.id)
    agency = unit.plans.agency_by_id(offered.agency_id).code if offered.agency_id else ""
    before, after = post_name(say, present.role, present.agency_code), post_name(say, offered.role, agency)
    lines = [line(bold(say("offer.title"))), line(say("offer.sure", before=before, after=after))]
    drafts = len(unit.sessions.drafts_of(ex.person.id))
    if drafts and not ({present.role, offered.role} <= REPORTERS and present.agency_id == offered.agency_id):
        lines.append(line(say("offer.drafts", n=drafts)))
    rows = (
        (Button(say("offer.yes"), tap(Route.OFFERED_ROLE, offered.invitation_id, "yes"), "primary"),),
        (Button(say("offer.no"), tap(Route.OFFERED_ROLE, offered.invitation_id, "no")),),
    )
    ex.answer(Card(tuple(lines), rows), anew=True)


def decide_offer(ex: Exchange, invitation_id: int, answer: str) -> None:
    """Take the role of a used link in place of the present one; or keep the present one, and the link is void."""
    if answer == "no":
        told = acts.decline_offer(ex.actor, invitation_id)
        ex.answer_line(_void(ex) if told is None else ex.say("offer.declined"))
        ex.pass_on(told or [])
        return
    news = acts.accept_offer(ex.actor, invitation_id)
    if news is None:
        ex.answer_line(_void(ex))
        return
    ex.answer(Card((line(ex.say("offer.accepted")),)), is_last=True)
    ex.pass_on(news)


def _void(ex: Exchange) -> str:
    return ex.say("code_bad", contact=contact(ex.unit, ex.language))


# ------------------------------------------------------------------ into the plan that follows
def go_on(ex: Exchange, plan_id: int, answer: str) -> None:
    """Go on in the plan that follows, or not. Whoever said no may still say yes while the question is open."""
    say, asked = ex.say, going_on.question(ex.actor, plan_id)
    if asked is not None and answer == "no":
        text = say("going_on.declined", plan=asked.plan.title(ex.language), date=ex.day(asked.until))
        rows = ((Button(say("going_on.yes"), tap(Route.GO_ON, plan_id, "yes")),), (home_button(say),))
        ex.answer(Card((line(text),), rows))
        return
    if asked is not None:
        ex.pass_on(going_on.go_on(ex.actor, asked))
    held = ex.unit.people.by_id(ex.person.id).membership_in(plan_id)  # also of somebody who taps it again
    if held is None:
        ex.answer_line(say("going_on.void", contact=contact(ex.unit, ex.language, ex.membership.plan_id)))
        return
    plan = ex.unit.plans.by_id(plan_id).title(ex.language)
    ex.answer_line(say("going_on.done", plan=plan, post=post_name(say, held.role, held.agency_code)))


# ------------------------------------------------------------------ inside
def _standing(ex: Exchange) -> StoredDelegation | None:
    """Return the delegation that this person has given or received and that lasts now."""
    for one in ex.unit.delegations.of_agency(ex.agency_id):
        if ex.person.id in (one.person_id, one.deputy_id) and ex.today < one.until_on:
            return one
    return None


def _name_of(ex: Exchange, head: int | str) -> str:
    """Return the name of the colleague that a button names. Denied for anybody else."""
    if head == INVITED:
        return ex.say("delegate.whoever_comes")
    for one in others_of_agency(ex):
        if one.id == head:
            return one.name
    raise Denied


def _whom(ex: Exchange, person_id: int) -> tuple[Person, Membership]:
    return existing(ex.unit.people.in_plan, ex.membership.plan_id, person_id)


def _shown_link(ex: Exchange, link: Link, role: Role, agency_code: str) -> tuple[Line, ...]:
    return paragraph(link_in_words(ex.actor, link, role, agency_code, ex.house.bot_username(), ex.say))
