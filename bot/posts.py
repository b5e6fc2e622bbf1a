"""Who has which post: delegated for a time, handed over for good, taken up by a link.

An officer who goes on leave thinks of the bot in the lift, if at all. So a post is left to a colleague in two taps and
comes back by itself; whoever leaves for good is relieved by one person, and what they had begun is not lost with them;
and a link that would take somebody's present role away asks before it does.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.access import REPORTERS
from bot.administration import deep_link, menu_gone, role_news
from bot.exchange import Denied, Exchange, number_of
from bot.hands import Hand, News, message
from bot.preferences import contact
from conversations.cards import Button, Card, Line, bold, italic, line, paragraph
from conversations.due import ONE_DAY, is_quiet
from conversations.engine import show_date
from conversations.plan import AGENCY_ROLES, Role
from conversations.reading import Understood, read_date
from conversations.session import Session
from conversations.wording import Wording, wording
from storage.delegations import StoredDelegation
from storage.errors import NotFound
from storage.outbox import OutboxDraft
from storage.people import Membership, OfferedRole, Person
from storage.plans import Plan
from storage.settings import LINK_HOURS
from storage.unit_of_work import UnitOfWork

DAYS = (3, 7, 14, 30)
LONGEST = 90
"""Days for which a post may be left to somebody; whoever is away for longer hands it over."""
INVITED = "x"
"""Stands for a person who is yet to come, where a colleague's number would stand."""
LISTED = 8
BUTTON = 40


# ------------------------------------------------------------------ delegating
def delegate(ex: Exchange, argument: str) -> None:
    """/delegar: to whom, until when; while it lasts, who has the post and how to take it back."""
    head, _, rest = argument.partition(".")
    standing = _standing(ex)
    if head == "end":
        _hand_back(ex, standing, rest)
    elif head == "drafts":
        _show_drafts(ex)
    elif standing is not None:
        _show_standing(ex, standing)
    elif ex.membership.role != Role.FOCAL_POINT:
        _say(ex, ex.say("delegate.only_focal_point"))
    elif not head:
        _choose_whom(ex)
    elif rest in map(str, DAYS):
        _give(ex, head, ex.today + timedelta(days=int(rest)))
    else:
        _choose_until(ex, head)


def delegate_until(ex: Exchange, argument: str, text: str) -> None:
    """The last day of it, typed."""
    match read_date(text, today=ex.today, language=ex.language, prefer="future"):
        case Understood(value) if ex.today < date.fromisoformat(value[:10]) <= ex.today + timedelta(days=LONGEST):
            _give(ex, argument, date.fromisoformat(value[:10]))
        case _:
            _choose_until(ex, argument, is_again=True)


def _choose_whom(ex: Exchange) -> None:
    rows = [(Button(_cut(one.name), f"command:delegar:{one.id}"),) for one in _colleagues(ex)[:LISTED]]
    rows.append((Button(ex.say("delegate.invite"), f"command:delegar:{INVITED}"),))
    ex.show(Card((line(ex.say("delegate.whom", agency=ex.agency_code)),), (*rows, _home(ex))))
    ex.stand(None)


def _choose_until(ex: Exchange, head: str, *, is_again: bool = False) -> None:
    name = _name_of(ex, head)
    buttons = [
        Button(
            ex.say("delegate.until", n=n, date=_day(ex.today + timedelta(days=n), ex.language)),
            f"command:delegar:{head}.{n}",
        )
        for n in DAYS
    ]
    key = "delegate.when_again" if is_again else "delegate.when"
    lines = (line(ex.say(key, name=name, n=LONGEST)), line(italic(ex.say("delegate.or_type"))))
    ex.show(Card(lines, (tuple(buttons[:2]), tuple(buttons[2:]), (Button(ex.say("nav.back"), "command:delegar:"),))))
    ex.stand(None, awaits=f"delegar:{head}")


def _give(ex: Exchange, head: str, last: date) -> None:
    unit, plan_id = ex.unit, ex.membership.plan_id
    name = _name_of(ex, head)
    _, giver = unit.people.in_plan(plan_id, ex.person.id)
    if giver.role is not Role.FOCAL_POINT:
        raise Denied
    if head == INVITED:
        ttl = timedelta(hours=unit.settings.number(plan_id, LINK_HOURS))
        token, _ = unit.delegations.invite(giver, last + ONE_DAY, now=ex.now, ttl=ttl)
        for one in _chiefs(ex):
            text = wording(one.language)(
                "delegate.invited_news", name=ex.person.name, agency=ex.agency_code, date=_day(last, one.language)
            )
            ex.tell(one.telegram_id, Card((line(text),)))
        lines = (*_link(ex, token, Role.ALTERNATE, ttl), line(ex.say("delegate.invited", date=_day(last, ex.language))))
        ex.show(Card(lines, ((Button(ex.say("delegate.end"), "command:delegar:end"),), _home(ex))), sensitive=True)
        ex.stand(None)
        return
    made = unit.delegations.begin(giver, number_of(head), last + ONE_DAY, now=ex.now)
    _tell_deputy(ex, made)
    text = ex.say("delegate.begun", name=name, date=_day(last, ex.language))
    ex.show(Card((line(text),), ((Button(ex.say("delegate.end"), "command:delegar:end"),), _home(ex))))
    ex.stand(None)


def _tell_deputy(ex: Exchange, delegation: StoredDelegation) -> None:
    deputy = ex.unit.people.by_id(delegation.deputy_id or 0)
    say = wording(deputy.language)
    drafts = len(ex.unit.sessions.drafts_of(delegation.person_id))
    lines = [
        line(
            say(
                "delegate.told",
                name=ex.person.name,
                agency=ex.agency_code,
                date=_day(delegation.last_day, deputy.language),
            )
        )
    ]
    rows: list[tuple[Button, ...]] = [(Button(say("command.pendientes"), "command:pendientes:", "primary"),)]
    if drafts:
        lines.append(line(say("delegate.drafts_n", n=drafts)))
        rows.append((Button(say("delegate.drafts"), "command:delegar:drafts"),))
    ex.tell(deputy.telegram_id, Card(tuple(lines), tuple(rows)))


def _show_standing(ex: Exchange, delegation: StoredDelegation) -> None:
    rows: list[tuple[Button, ...]] = []
    if delegation.deputy_id == ex.person.id:
        rows.append((Button(ex.say("delegate.drafts"), "command:delegar:drafts"),))
        rows.append((Button(ex.say("delegate.give_back"), f"command:delegar:end.{delegation.id}"),))
    else:
        rows.append((Button(ex.say("delegate.end"), f"command:delegar:end.{delegation.id}"),))
    ex.show(Card((line(standing_line(ex, delegation)),), (*rows, _home(ex))))
    ex.stand(None)


def standing_line(ex: Exchange, delegation: StoredDelegation) -> str:
    """Who has whose post until when, to whoever of the plan asks."""
    people, say = ex.unit.people, ex.say
    values = {"giver": people.by_id(delegation.person_id).name, "date": _day(delegation.last_day, ex.language)}
    if delegation.deputy_id is None:
        return say("delegate.awaited", **values)
    return say("delegate.standing", **values, deputy=people.by_id(delegation.deputy_id).name)


def _hand_back(ex: Exchange, standing: StoredDelegation | None, number: str) -> None:
    """By whoever gave it or has it; of one that is over, the word that it is."""
    if standing is None or (number and number_of(number) != standing.id):
        _say(ex, ex.say("delegate.is_over"))
        return
    ex.pass_on(one for one in end_delegation(ex.hand, standing) if one.chat_id != ex.telegram_id)
    is_giver = standing.person_id == ex.person.id
    ex.show(Card((line(ex.say("delegate.taken_back" if is_giver else "delegate.given_back")),), (_home(ex),)))
    ex.stand(None)


def end_over(unit: UnitOfWork, plan: Plan, now: datetime) -> int:
    """Give back the posts whose day has come, in working hours, since both are told; how many there were."""
    zone = ZoneInfo(plan.timezone)
    over = unit.delegations.over(plan.id, now.astimezone(zone).date())
    if not over or is_quiet(now, zone, unit.schedule.holidays(plan.id)):
        return 0
    for delegation in over:
        for one in end_delegation(Hand(unit, plan.id, now, plan.timezone, zone), delegation):
            unit.outbox.add(OutboxDraft(one.chat_id, "notice", one.method, one.payload), now=now)
    return len(over)


def end_delegation(hand: Hand, delegation: StoredDelegation) -> list[News]:
    """The post is the focal point's own again, with what both are told; nothing if it was already."""
    news = list(_farewell(hand.unit, delegation))
    return news if hand.unit.delegations.end(delegation, now=hand.now, by=hand.person_id) else []


def _farewell(unit: UnitOfWork, delegation: StoredDelegation) -> Iterator[News]:
    """What both are told when it ends, as things stand before it does."""
    giver = unit.people.by_id(delegation.person_id)
    deputy = unit.people.by_id(delegation.deputy_id) if delegation.deputy_id else None
    say = wording(giver.language)
    text = say("delegate.back", name=deputy.name) if deputy else say("delegate.nobody_came")
    home = (Button(say("menu.home"), "command:menu:new"),)
    yield News(giver.telegram_id, message(Card((line(text),), (home,))))
    if deputy is None:
        return
    say = wording(deputy.language)
    membership = deputy.membership_in(delegation.plan_id)
    if membership is None or membership.until_on is None:
        yield News(deputy.telegram_id, message(Card((line(say("delegate.thanks", name=giver.name)),))))
        return
    yield News(deputy.telegram_id, message(Card((line(say("delegate.thanks_and_goodbye", name=giver.name)),))))
    yield menu_gone(deputy)


def _show_drafts(ex: Exchange) -> None:
    """What the agency's others have begun, and whoever has left: each can be gone on with."""
    rows = [(Button(_cut(text), f"command:tomar:{number}"),) for number, text in drafts_of_others(ex)]
    ex.show(Card((line(ex.say("delegate.pick_draft" if rows else "delegate.no_drafts")),), (*rows[:LISTED], _home(ex))))
    ex.stand(None)


def drafts_of_others(ex: Exchange, *, only_left: bool = False) -> list[tuple[int, str]]:
    """Number and title of the open drafts of the agency that are not one's own; or just of those who have left."""
    left = [(draft, ex.say("delegate.somebody_left")) for draft in ex.unit.sessions.left_in(ex.agency_id)]
    theirs = (
        []
        if only_left
        else [(draft, one.name) for one in _colleagues(ex) for draft in ex.unit.sessions.drafts_of(one.id)]
    )
    return [
        (draft.id, f"✎ {_title(draft.data, ex.language)} · {name}")
        for draft, name in (*theirs, *left)
        if draft.agency_id == ex.agency_id and draft.expires_at > ex.now
    ]


def _title(data: dict[str, object], language: str) -> str:
    about = Session.from_json(data).about
    return str(about.get("code") or about.get("title", {}).get(language, ""))


# ------------------------------------------------------------------ leaving and handing over
def leave_post(ex: Exchange, argument: str) -> None:
    """Ya no soy yo: after one question the role ends, with everything that hangs on it, and the admins are told."""
    membership = ex.membership
    if argument != "yes":
        rows = (
            (Button(ex.say("relieve.yes"), "command:relevo:yes", "danger"),),
            (Button(ex.say("form.no_leave"), "command:menu:"),),
        )
        ex.show(Card((line(ex.say("relieve.sure", agency=ex.agency_code)),), rows))
        ex.stand(None)
        return
    plan_id, language = membership.plan_id, ex.language
    who, held = ex.unit.people.in_plan(plan_id, ex.person.id)
    ex.show(Card((line(ex.say("relieve.done")),)), is_last=True)
    ex.stand(None)
    _end_post(ex, who, held)
    ex.language = language
    _tell_admins(ex, who, held)


def relieve(ex: Exchange, argument: str) -> None:
    """A coordinator or admin takes a post of an agency from whoever has it: one question, then who is next."""
    number, _, answer = argument.partition(".")
    who, held = _whom(ex, number)
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
            (Button(say("handover.yes"), f"command:relevar:{who.id}.yes", "danger"),),
            (Button(say("nav.back"), f"command:persona:{who.id}"),),
        )
        ex.show(Card(tuple(lines), rows))
        ex.stand(None)
        return
    _end_post(ex, who, held)
    ex.tell(who.telegram_id, Card((line(wording(who.language)("handover.told", agency=held.agency_code)),)))
    ex.show(_vacant_card(ex, say, who, held))
    ex.stand(None)


def _end_post(ex: Exchange, who: Person, held: Membership) -> None:
    """The role ends, with everything that hangs on it; whoever goes on with the drafts is told."""
    heir = ex.unit.people.heir(who.id, held)
    drafts = len(ex.unit.sessions.drafts_of(who.id))
    told = [
        news
        for one in ex.unit.delegations.of_agency(held.agency_id or 0)
        if who.id in (one.person_id, one.deputy_id)
        for news in _farewell(ex.unit, one)
    ]
    ex.unit.people.end_membership(who.id, held.plan_id, now=ex.now, by=ex.person.id)
    # Only now: what waited for a deputy's chat has gone with their role.
    ex.pass_on(one for one in told if one.chat_id != who.telegram_id)
    ex.pass_on([menu_gone(who)])
    if heir is not None and drafts and ex.unit.people.by_id(heir.id).membership_in(held.plan_id) is not None:
        say = wording(heir.language)
        rows = ((Button(say("command.pendientes"), "command:pendientes:", "primary"),),)
        ex.tell(heir.telegram_id, Card((line(say("handover.drafts_yours", name=who.name, n=drafts)),), rows))


def _tell_admins(ex: Exchange, who: Person, held: Membership) -> None:
    for admin in ex.unit.people.with_role(held.plan_id, Role.ADMIN):
        ex.tell(admin.telegram_id, _vacant_card(ex, wording(admin.language), who, held))


def _vacant_card(ex: Exchange, say: Wording, who: Person, held: Membership) -> Card:
    """Who replaces them: an invitation, or the alternate for good (`admin.handover`)."""
    agency = held.agency_code
    text = say("admin.handover", name=who.name, agency=agency, role=say(f"role.{held.role}"))
    if held.role is not Role.FOCAL_POINT:
        return Card((line(text),), ((Button(say("handover.invite"), f"command:sucesor:{agency}.{held.role}"),),))
    rows = [(Button(say("handover.invite"), f"command:sucesor:{agency}"),)]
    if _alternates(ex, held.agency_id or 0):
        rows.append((Button(say("handover.promote"), f"command:suplente:{agency}"),))
    return Card((line(text),), tuple(rows))


def promote(ex: Exchange, argument: str) -> None:
    """Dejar al suplente: the alternate of an agency that has no focal point becomes it."""
    code, _, number = argument.partition(".")
    agency_id, plan_id, say = _vacant_agency(ex, code), ex.membership.plan_id, ex.say
    alternates = _alternates(ex, agency_id)
    chosen = [one for one in alternates if number and one.id == number_of(number)] or alternates
    if not chosen:
        _say(ex, say("handover.no_alternate", agency=code))
        return
    if len(chosen) > 1:
        rows = tuple((Button(_cut(one.name), f"command:suplente:{code}.{one.id}"),) for one in chosen[:LISTED])
        ex.show(Card((line(say("handover.which", agency=code)),), (*rows, _home(ex))))
        ex.stand(None)
        return
    granted = ex.unit.people.grant(
        chosen[0].id, plan_id, Role.FOCAL_POINT, agency_id=agency_id, now=ex.now, by=ex.person.id
    )
    ex.pass_on(role_news(chosen[0], granted))
    _say(ex, say("handover.promoted", name=chosen[0].name, agency=code))


def succeed(ex: Exchange, argument: str) -> None:
    """Crear invitación: a link for whoever follows in a post that is vacant."""
    code, _, role_name = argument.partition(".")
    role = Role.ALTERNATE if role_name == Role.ALTERNATE else Role.FOCAL_POINT
    plan_id = ex.membership.plan_id
    agency_id = _agency_id(ex, code) if role is Role.ALTERNATE else _vacant_agency(ex, code)
    ttl = timedelta(hours=ex.unit.settings.number(plan_id, LINK_HOURS))
    token = ex.unit.invitations.issue(role, plan_id=plan_id, agency_id=agency_id, now=ex.now, by=ex.person.id, ttl=ttl)
    ex.show(Card(_link(ex, token, role, ttl, code), (_home(ex),)), sensitive=True)
    ex.stand(None)


def _agency_id(ex: Exchange, code: str) -> int:
    try:
        return ex.unit.plans.agency(ex.membership.plan_id, code).id
    except NotFound:
        raise Denied from None


def _vacant_agency(ex: Exchange, code: str) -> int:
    """Its id, if it has no focal point; Denied otherwise: who has one is relieved first."""
    agency_id = _agency_id(ex, code)
    there = ex.unit.people.of_agency(ex.membership.plan_id, agency_id)
    if any(one.memberships[0].role is Role.FOCAL_POINT for one in there):
        raise Denied
    return agency_id


def _alternates(ex: Exchange, agency_id: int) -> list[Person]:
    """Those who stay; whoever is there for some days only is no successor."""
    there = ex.unit.people.of_agency(ex.membership.plan_id, agency_id)
    return [one for one in there if one.memberships[0].role is Role.ALTERNATE and one.memberships[0].until_on is None]


# ------------------------------------------------------------------ a link that would take another role away
def offer(ex: Exchange, offered: OfferedRole) -> None:
    """What the link gives and what it takes, before anything of it happens."""
    say, unit = ex.say, ex.unit
    _, present = unit.people.in_plan(offered.plan_id, ex.person.id)
    agency = unit.plans.agency_by_id(offered.agency_id).code if offered.agency_id else ""
    before, after = _post(say, present.role, present.agency_code), _post(say, offered.role, agency)
    lines = [line(bold(say("offer.title"))), line(say("offer.sure", before=before, after=after))]
    drafts = len(unit.sessions.drafts_of(ex.person.id))
    if drafts and not ({present.role, offered.role} <= REPORTERS and present.agency_id == offered.agency_id):
        lines.append(line(say("offer.drafts", n=drafts)))
    rows = (
        (Button(say("offer.yes"), f"command:aceptar:{offered.invitation_id}.yes", "primary"),),
        (Button(say("offer.no"), f"command:aceptar:{offered.invitation_id}.no"),),
    )
    ex.show(Card(tuple(lines), rows), anew=True)
    ex.stand(None)


def decide_offer(ex: Exchange, argument: str) -> None:
    """Take the role of a link that was used, in place of the present one; or stay, and the link is void."""
    number, _, answer = argument.partition(".")
    person = ex.unit.people.by_id(ex.person.id)
    if answer == "no":
        is_done = ex.unit.invitations.decline(number_of(number), person.id, ex.now)
        _say(ex, ex.say("offer.declined") if is_done else _void(ex))
        return
    if answer != "yes":
        raise Denied
    held = person.membership_in(ex.membership.plan_id)
    granted = ex.unit.invitations.accept(number_of(number), person, ex.now, timezone=ex.house.timezone)
    if granted is None:
        _say(ex, _void(ex))
        return
    ex.show(Card((line(ex.say("offer.accepted")),)), is_last=True)
    ex.stand(None)
    ex.pass_on(role_news(person, granted))
    tell_who_has_come(ex, granted)
    if held is not None and held.role in AGENCY_ROLES and held.agency_id != granted.agency_id:
        _tell_admins(ex, person, held)


def _void(ex: Exchange) -> str:
    return ex.say("code_bad", contact=contact(ex.unit, ex.language))


def tell_who_has_come(ex: Exchange, membership: Membership) -> None:
    """Whoever left their post to the bearer of a link learns who that is."""
    if membership.until_on is None or membership.agency_id is None:
        return
    for delegation in ex.unit.delegations.of_agency(membership.agency_id):
        if delegation.deputy_id == membership.person_id:
            giver = ex.unit.people.by_id(delegation.person_id)
            say, name = wording(giver.language), ex.unit.people.by_id(membership.person_id).name
            text = say("delegate.begun", name=name, date=_day(delegation.last_day, giver.language))
            ex.tell(giver.telegram_id, Card((line(text),), ((Button(say("delegate.end"), "command:delegar:end"),),)))


# ------------------------------------------------------------------ inside
def _standing(ex: Exchange) -> StoredDelegation | None:
    """The delegation that concerns this person now: given, or in their hands."""
    for one in ex.unit.delegations.of_agency(ex.agency_id):
        if ex.person.id in (one.person_id, one.deputy_id) and ex.today < one.until_on:
            return one
    return None


def _colleagues(ex: Exchange) -> list[Person]:
    there = ex.unit.people.of_agency(ex.membership.plan_id, ex.agency_id)
    return [one for one in there if one.id != ex.person.id and one.memberships[0].role in AGENCY_ROLES]


def _name_of(ex: Exchange, head: str) -> str:
    """The colleague a button names. Denied for anybody else."""
    if head == INVITED:
        return ex.say("delegate.whoever_comes")
    for one in _colleagues(ex):
        if one.id == number_of(head):
            return one.name
    raise Denied


def _whom(ex: Exchange, number: str) -> tuple[Person, Membership]:
    try:
        return ex.unit.people.in_plan(ex.membership.plan_id, number_of(number))
    except NotFound:
        raise Denied from None


def _chiefs(ex: Exchange) -> tuple[Person, ...]:
    people, plan_id = ex.unit.people, ex.membership.plan_id
    return people.with_role(plan_id, Role.COORDINATOR) or people.with_role(plan_id, Role.ADMIN)


def _link(ex: Exchange, token: str, role: Role, ttl: timedelta, agency_code: str = "") -> tuple[Line, ...]:
    """The link, which is shown once and is readable nowhere else (S1)."""
    until = (ex.now + ttl).astimezone(ex.zone)
    text = ex.say(
        "invite.done",
        agency=agency_code or ex.agency_code,
        role=ex.say(f"role.{role}"),
        date=f"{_day(until.date(), ex.language)}, {until:%H:%M}",
        link=deep_link(ex.house.bot_username(), token),
    )
    return paragraph(text)


def _post(say: Wording, role: Role, agency_code: str) -> str:
    return f"{say(f'role.{role}')} · {agency_code}" if agency_code else say(f"role.{role}")


def _day(on: date, language: str) -> str:
    return show_date(on.isoformat(), language)


def _cut(text: str) -> str:
    return text if len(text) <= BUTTON else text[: BUTTON - 1] + "…"


def _home(ex: Exchange) -> tuple[Button, ...]:
    return (Button(ex.say("menu.home"), "command:menu:"),)


def _say(ex: Exchange, text: str) -> None:
    ex.show(Card((line(text),), (_home(ex),)))
    ex.stand(None)
