"""The people of a plan, from a phone: who they are, what they may, and how that changes.

A coordinator finds out on the bus that a focal point has left; the admin who can mend it has no server at hand. So
whoever administers sees and changes people in chat. Two laws guard that power: a role that decides over others takes
a second admin where there is one (`storage.role_requests`), and nobody changes their own. Everything read here is
read again inside the tap's own unit: a button names a person, it proves nothing (S3).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot import observing
from bot.access import REPORTERS
from bot.digests import vacancies
from bot.exchange import Denied, Exchange, number_of
from bot.hands import Hand, News, message, told
from conversations.cards import Button, Card, Line, bold, italic, line, paragraph
from conversations.engine import show_date
from conversations.plan import OF_AN_AGENCY, Agency, Role
from conversations.reading import normalise
from conversations.wording import Wording, wording
from storage.errors import NotFound
from storage.people import Membership, Person
from storage.role_requests import REQUEST_TTL, Decision, StoredRequest
from storage.settings import LINK_HOURS
from storage.unit_of_work import UnitOfWork

ORDER = (Role.ADMIN, Role.COORDINATOR, Role.FOCAL_POINT, Role.ALTERNATE, Role.OBSERVER, Role.READER)
LISTED = 8
"""People on one screen."""
NAMED = 12
"""Agencies without a focal point that are named in the text; the screen of vacancies has them all."""
IN_A_ROW = 3
BUTTON = 40


# ------------------------------------------------------------------ /personas
def people(ex: Exchange, argument: str) -> None:
    """Who is in the plan, vacancies first; or one group of them, `group.page`. What is typed next is looked up."""
    group, _, page = argument.partition(".")
    if group == "vacant":
        _show_vacancies(ex)
    elif group:
        _show_group(ex, group, number_of(page or "0"))
    else:
        _overview(ex)


def _overview(ex: Exchange) -> None:
    say, plan_id = ex.say, ex.membership.plan_id
    everybody = ex.unit.people.list(plan_id)
    vacant = vacancies(ex)
    lines: list[Line] = [line(bold(say("people.title", n=len(everybody))))]
    rows: list[tuple[Button, ...]] = []
    if vacant:
        named = ", ".join(vacant[:NAMED]) + (" …" if len(vacant) > NAMED else "")
        lines.append(line(say("people.vacant", n=len(vacant), agencies=named)))
        rows.append((Button(say("people.vacancies", n=len(vacant)), "command:personas:vacant", "primary"),))
    groups = [
        (key, say(label), len(_in_group(everybody, key)))
        for key, label in (
            *((str(role), f"role.{role}") for role in ORDER),
            ("suspended", "people.suspended"),
            ("unreachable", "people.unreachable"),
        )
    ]
    buttons = [Button(f"{label} ({count})", f"command:personas:{key}.0") for key, label, count in groups if count]
    rows += [tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2)]
    for key in ("unreachable", "suspended"):
        if count := len(_in_group(everybody, key)):
            lines.append(line(say(f"people.{key}_count", n=count)))
    if _may(ex, "invitar"):
        links = len(ex.unit.invitations.open(plan_id, ex.now))
        asked = len(ex.unit.role_requests.waiting(plan_id, ex.now))
        if asked:
            rows.append((Button(say("people.requests", n=asked), "command:solicitudes:", "primary"),))
        row = [Button(say("command.invitar"), "command:invitar:")]
        if links:
            row.append(Button(say("people.links", n=links), "command:enlaces:"))
        rows.append(tuple(row))
    lines += [line(""), line(italic(say("people.search")))]
    _listen(ex, lines, [*rows, (_home(say),)])


def _show_vacancies(ex: Exchange) -> None:
    """Agencies that have something to report and nobody to report it; each is a tap from being somebody's."""
    say = ex.say
    tap = "command:invitar:focal_point." if _may(ex, "invitar") else "command:vacante:"
    buttons = [Button(code, f"{tap}{code}") for code in vacancies(ex)]
    rows = [tuple(buttons[at : at + IN_A_ROW]) for at in range(0, len(buttons), IN_A_ROW)]
    rows.append((Button(say("nav.back"), "command:personas:"),))
    key = "people.vacancies_invite" if _may(ex, "invitar") else "people.vacancies_ask"
    ex.show(Card((line(say(key if buttons else "people.no_vacancies")),), tuple(rows)))
    ex.stand(None)


def _show_group(ex: Exchange, group: str, page: int) -> None:
    say = ex.say
    found = _in_group(ex.unit.people.list(ex.membership.plan_id), group)
    pages = max(1, -(-len(found) // LISTED))
    page %= pages
    lines = [line(bold(f"{_group_name(ex, group)} ({len(found)})"))]
    if not found:
        lines.append(line(say("people.nobody")))
    rows = [(_person_button(ex, person),) for person in found[page * LISTED : (page + 1) * LISTED]]
    if pages > 1:
        rows.append((Button(say("people.page"), f"command:personas:{group}.{page + 1}"),))
    rows.append((Button(say("nav.back"), "command:personas:"),))
    lines += [line(""), line(italic(say("people.search")))]
    _listen(ex, lines, rows)


def _in_group(everybody: Sequence[Person], group: str) -> list[Person]:
    """By role, by agency (`a` and its id), the suspended, those whom Telegram does not reach. Denied for others."""
    match group:
        case "suspended":
            found = [person for person in everybody if person.is_suspended]
        case "unreachable":
            found = [person for person in everybody if person.unreachable_at and not person.is_suspended]
        case role if role in set(Role):
            found = [person for person in everybody if not person.is_suspended and _role(person) == role]
        case agency if agency.startswith("a"):
            found = [person for person in everybody if person.memberships[0].agency_id == number_of(agency[1:])]
        case _:
            raise Denied
    return sorted(found, key=lambda person: (person.memberships[0].agency_code, ORDER.index(_role(person)), person.id))


def _group_name(ex: Exchange, group: str) -> str:
    if group in set(Role):
        return ex.say(f"role.{group}")
    if group.startswith("a"):
        return _agency(ex, number_of(group[1:])).code
    return ex.say("people.suspended") if group == "suspended" else ex.say("people.unreachable")


def search(ex: Exchange, argument: str, text: str) -> None:
    """Whoever is called so, belongs to such an agency, or has this Telegram number; accents and order forgiven."""
    say = ex.say
    words = normalise(text).split()
    names = {agency.id: agency.name.values() for agency in ex.unit.plans.agencies(ex.membership.plan_id)}
    found = [
        person
        for person in ex.unit.people.list(ex.membership.plan_id)
        if words and _answers(person, names.get(person.memberships[0].agency_id or 0, ()), words)
    ]
    if len(found) == 1:
        _show_person(ex, found[0], found[0].memberships[0])
        return
    lines = [line(say("people.found" if found else "people.not_found", n=len(found), text=" ".join(text.split())[:40]))]
    rows = [(_person_button(ex, person),) for person in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(line(italic(say("people.too_many", n=LISTED))))
    _listen(ex, lines, [*rows, (Button(say("nav.back"), "command:personas:"),)])


def _answers(person: Person, agency_names: Iterable[str], words: list[str]) -> bool:
    """Whether each word begins a word of the name, the agency or the role's holder, or is their number."""
    membership = person.memberships[0]
    known = " ".join((person.name, membership.agency_code, *agency_names))
    spoken = [*normalise(known).split(), str(person.telegram_id)]
    return all(any(each.startswith(word) for each in spoken) for word in words)


# ------------------------------------------------------------------ one person
def person(ex: Exchange, argument: str) -> None:
    """Somebody's card, with what may be done about them."""
    _show_person(ex, *_whom(ex, argument))


def _show_person(ex: Exchange, who: Person, membership: Membership) -> None:
    say = ex.say
    sent = ex.unit.submissions.of_person(who.id, limit=1, only_current=False)
    lines: list[Line] = [
        line(bold(who.name)),
        line(_post(say, membership.role, membership.agency_code)),
        line(say("people.since", date=_day(ex, membership.active_from))),
        *_for_a_time(ex, who, membership),
        line(say(f"people.speaks.{who.language}")),
        *(
            (line(say("people.zone", zone=who.timezone.replace("_", " "))),)
            if who.timezone != ex.house.timezone
            else ()
        ),
        line(say("people.last_report", date=_day(ex, sent[0].submitted_at)) if sent else say("people.no_report")),
    ]
    if who.is_suspended and who.suspended_at:
        lines.append(line(bold(say("people.is_suspended", date=_day(ex, who.suspended_at)))))
    elif who.unreachable_at:
        lines.append(line(bold(say("people.is_unreachable", date=_day(ex, who.unreachable_at)))))
    else:
        lines.append(line(say("people.is_reachable")))
    rows: list[tuple[Button, ...]] = []
    if who.id == ex.person.id:
        lines += [line(""), line(italic(say("people.oneself")))]
    elif _may(ex, "funcion"):
        rows = _acts(say, who, membership)
    if _may(ex, "relevar") and membership.role in REPORTERS and not who.is_suspended and who.id != ex.person.id:
        rows.append((Button(say("handover.relieve"), f"command:relevar:{who.id}"),))
    rows.append((Button(say("nav.back"), "command:personas:"), _home(say)))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits="personas:")


def _for_a_time(ex: Exchange, who: Person, membership: Membership) -> list[Line]:
    """A role that ends by itself, and whose post is in whose hands."""
    from bot.posts import standing_line  # which sends links and news of roles from here

    lines: list[Line] = []
    if membership.until_on is not None:
        last = show_date((membership.until_on - timedelta(days=1)).isoformat(), ex.language)
        lines.append(line(ex.say("people.until", date=last)))
    for one in ex.unit.delegations.of_agency(membership.agency_id or 0):
        if who.id in (one.person_id, one.deputy_id) and ex.today < one.until_on:
            lines.append(line(standing_line(ex, one)))
    return lines


def _acts(say: Wording, who: Person, membership: Membership) -> list[tuple[Button, ...]]:
    if who.is_suspended:
        return [(Button(say("people.restore"), f"command:restaurar:{who.id}", "success"),)]
    first = [Button(say("people.change_role"), f"command:funcion:{who.id}")]
    rows: list[tuple[Button, ...]] = []
    if membership.role in OF_AN_AGENCY:
        first.append(Button(say("people.change_agency"), f"command:funcion:{who.id}.{membership.role}"))
        tap = f"command:invitar:{membership.role}.{membership.agency_code}"
        rows.append((Button(say("people.replace"), tap),))
    if membership.role is Role.OBSERVER and membership.agency_id is not None:
        rows.append((Button(say("contributor.right"), f"command:aporta:{who.id}"),))
    rows.append((Button(say("people.suspend"), f"command:suspender:{who.id}", "danger"),))
    return [tuple(first), *rows]


def change_role(ex: Exchange, argument: str) -> None:
    """`person.role.agency.yes`: each screen asks for what is still missing, the last one whether it is meant."""
    say = ex.say
    who, present = _other(ex, argument)
    _, name, number, answer = ([*argument.split("."), "", "", ""])[:4]
    tap = f"command:funcion:{who.id}"
    back = (Button(say("nav.back"), f"command:persona:{who.id}"),)
    if not name:
        rows = [(Button(say(f"role.{role}"), f"{tap}.{role}"),) for role in ORDER if role is not present.role]
        ex.show(Card((line(say("people.which_role", name=who.name)),), (*rows, back)))
        ex.stand(None)
        return
    if name not in set(Role):
        raise Denied
    role = Role(name)
    if role in OF_AN_AGENCY and not number:
        agencies = ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today)
        agencies = tuple(a for a in agencies if (role, a.id) != (present.role, present.agency_id))
        ex.show(
            Card((line(say("invite.agency")),), (*_threes([(a.code, f"{tap}.{role}.{a.id}") for a in agencies]), back))
        )
        ex.stand(None)
        return
    agency = _active_agency(ex, number) if role in OF_AN_AGENCY else None
    if (role, agency.id if agency else None) == (present.role, present.agency_id):
        _show_person(ex, who, present)
        return
    code = agency.code if agency else ""
    if answer != "yes":
        before, after = _post(say, present.role, present.agency_code), _post(say, role, code)
        lines = [line(say("people.change_sure", name=who.name, before=before, after=after))]
        drafts = len(ex.unit.sessions.drafts_of(who.id))
        if drafts and not ({present.role, role} <= REPORTERS and agency and agency.id == present.agency_id):
            lines.append(line(say("people.drafts_go", n=drafts)))
        if ex.unit.role_requests.needs_second(ex.membership.plan_id, role, ex.person.id, ex.now):
            lines.append(line(say("people.second_needed")))
        yes = Button(say("people.change_yes"), f"{tap}.{role}.{agency.id if agency else 0}.yes", "primary")
        ex.show(Card(tuple(lines), ((yes,), back)))
        ex.stand(None)
        return
    if role is not present.role and _asked(ex, role, agency, who):
        return
    plan_id = ex.membership.plan_id
    granted = ex.unit.people.grant(
        who.id, plan_id, role, agency_id=agency.id if agency else None, now=ex.now, by=ex.person.id
    )
    ex.pass_on(role_changed(ex.hand, who, present, granted))
    ex.toast = say("people.changed")
    _show_person(ex, *ex.unit.people.in_plan(plan_id, who.id))


def suspend(ex: Exchange, argument: str) -> None:
    """Shut somebody out at once, after one question (S17, S18). Who is left to administer stays (S19)."""
    say = ex.say
    who, present = _other(ex, argument)
    if argument.partition(".")[2] != "yes":
        drafts = len(ex.unit.sessions.drafts_of(who.id))
        lines = [line(say("people.suspend_sure", name=who.name)), line(say("people.suspend_what", drafts=drafts))]
        rows = (
            (Button(say("people.suspend_yes"), f"command:suspender:{who.id}.yes", "danger"),),
            (Button(say("nav.back"), f"command:persona:{who.id}"),),
        )
        ex.show(Card(tuple(lines), rows))
        ex.stand(None)
        return
    if ex.unit.people.suspend(who.id, now=ex.now, by=ex.person.id):
        # Nothing is said there: the phone may be in somebody else's hands.
        ex.pass_on([menu_gone(who), *admin_gone(ex.hand, who, present, "people.admin_suspended")])
        ex.toast = say("people.suspended_now")
    _show_person(ex, *ex.unit.people.in_plan(ex.membership.plan_id, who.id))


def restore(ex: Exchange, argument: str) -> None:
    """How somebody suspended comes back: by a new link, given to them after they were checked in person (S18)."""
    say = ex.say
    who, present = _other(ex, argument, is_suspended=True)
    code = present.agency_code if present.role in OF_AN_AGENCY else ""
    rows = (
        (Button(say("people.checked"), f"command:invitar:{present.role}.{code}", "primary"),),
        (Button(say("nav.back"), f"command:persona:{who.id}"),),
    )
    ex.show(Card(paragraph(say("people.restore_how", name=who.name)), rows))
    ex.stand(None)


# ------------------------------------------------------------------ links
def invite(ex: Exchange, argument: str) -> None:
    """A link for one person: role, then agency, then the link, which is shown once.

    Of an observer whose agency supplies indicators it is asked between whether they also report them.
    """
    role_name, agency_code, right = (*argument.split("."), "", "")[:3]
    say = ex.say
    if role_name not in set(Role):
        rows = tuple((Button(say(f"role.{role}"), f"command:invitar:{role}"),) for role in Role)
        ex.show(Card((line(say("invite.role")),), (*rows, (_home(say),))))
        ex.stand(None)
        return
    role = Role(role_name)
    agency = None
    if role in OF_AN_AGENCY:
        agencies = ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today)
        agency = next((a for a in agencies if a.code == agency_code), None)
        if agency is None:
            threes = _threes([(a.code, f"command:invitar:{role}.{a.code}") for a in agencies])
            ex.show(Card((line(say("invite.agency")),), (*threes, (_home(say),))))
            ex.stand(None)
            return
    led = observing.indicators_led(ex, agency.id) if agency and role is Role.OBSERVER else ()
    if led and right not in ("observes", "reports"):
        observing.ask_right(ex, f"command:invitar:{role}.{agency_code}", led)
        return
    if _asked(ex, role, agency, None):
        return
    # Sensitive: the link must not be readable in the database either (S1).
    ex.show(
        _link_card(
            ex.hand,
            role,
            agency.id if agency else None,
            agency.code if agency else "",
            ex.person.id,
            say,
            ex.house.bot_username(),
            is_contributor=bool(led) and right == "reports",
        ),
        sensitive=True,
    )
    ex.stand(None)


def _link_card(
    hand: Hand,
    role: Role,
    agency_id: int | None,
    agency_code: str,
    by: int,
    say: Wording,
    bot_username: str,
    *,
    is_contributor: bool = False,
) -> Card:
    """A new link, issued in the name of whoever asked for it, in the words of whoever gets it."""
    ttl = timedelta(hours=hand.unit.settings.number(hand.plan_id, LINK_HOURS))
    token = hand.unit.invitations.issue(
        role, plan_id=hand.plan_id, agency_id=agency_id, now=hand.now, by=by, ttl=ttl, is_contributor=is_contributor
    )
    text = say(
        "invite.done",
        agency=agency_code or say("unit.no_agency"),
        role=say(f"role.{role}"),
        date=_day_and_hour(hand.zone, hand.now + ttl, say.language),
        link=deep_link(bot_username, token),
    )
    return Card(paragraph(text), ((Button(say("people.all_links"), "command:enlaces:"), _home(say)),))


def deep_link(bot_username: str, token: str) -> str:
    """Source: Bot API, "Deep linking"."""
    return f"https://t.me/{bot_username}?start={token}"


def links(ex: Exchange, argument: str) -> None:
    """The links that may still be used; with a number, that one is made useless first."""
    say, plan_id = ex.say, ex.membership.plan_id
    if argument:
        revoked = ex.unit.invitations.revoke(number_of(argument), plan_id=plan_id, now=ex.now, by=ex.person.id)
        ex.toast = say("links.revoked" if revoked else "links.gone")
    open_ones = ex.unit.invitations.open(plan_id, ex.now)
    lines: list[Line] = [line(bold(say("links.title", n=len(open_ones))))]
    rows: list[tuple[Button, ...]] = []
    for link in open_ones[-LISTED:]:
        post = _post(say, link.role, link.agency_code)
        by = ex.unit.people.by_id(link.created_by_id).name if link.created_by_id else say("links.server")
        until = _day_and_hour(ex.zone, link.expires_at, ex.language)
        lines.append(line("• ", say("links.row", post=post, name=by, date=until)))
        rows.append((Button(_cut(say("links.revoke", post=post)), f"command:enlaces:{link.id}", "danger"),))
    lines.append(line(italic(say("links.how" if open_ones else "links.none"))))
    rows.append((Button(say("nav.back"), "command:personas:"), _home(say)))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


# ------------------------------------------------------------------ roles that a second admin grants
def _asked(ex: Exchange, role: Role, agency: Agency | None, who: Person | None) -> bool:
    """Whether this waits for another admin, who is told so; then nothing else has happened."""
    plan_id, asked = ex.membership.plan_id, ex.unit.role_requests
    if not asked.needs_second(plan_id, role, ex.person.id, ex.now):
        return False
    request = asked.ask(
        plan_id,
        role,
        person_id=who.id if who else None,
        agency_id=agency.id if agency else None,
        now=ex.now,
        by=ex.person.id,
    )
    others = [admin for admin in ex.unit.people.with_role(plan_id, Role.ADMIN) if admin.id != ex.person.id]
    for admin in others:
        ex.tell(admin.telegram_id, _request_card(ex, request, wording(admin.language)))
    say = ex.say
    until = _day_and_hour(ex.zone, request.requested_at + REQUEST_TTL, ex.language)
    names = ", ".join(admin.name for admin in others)
    text = say("requests.sent", names=names) if others else say("requests.alone", n=request.id, date=until)
    rows = (
        (Button(say("requests.withdraw"), f"command:solicitud:{request.id}.withdraw"),),
        (_home(say),),
    )
    ex.show(Card((line(text),), rows))
    ex.stand(None)
    return True


def _request_card(ex: Exchange, request: StoredRequest, say: Wording) -> Card:
    rows = (
        (
            Button(say("requests.grant"), f"command:solicitud:{request.id}.yes", "success"),
            Button(say("requests.refuse"), f"command:solicitud:{request.id}.no", "danger"),
        ),
    )
    until = _day_and_hour(ex.zone, request.requested_at + REQUEST_TTL, say.language)
    return Card((line(_wanted(ex.unit, request, say)), line(italic(say("requests.until", date=until)))), rows)


def _wanted(unit: UnitOfWork, request: StoredRequest, say: Wording) -> str:
    post = _post(say, request.role, request.agency_code)
    by = unit.people.by_id(request.requested_by_id).name
    if request.person_id is None:
        return say("requests.link", name=by, post=post)
    return say("requests.role", name=by, person=unit.people.by_id(request.person_id).name, post=post)


def requests(ex: Exchange, argument: str) -> None:
    """What waits for a second admin: others' to decide, one's own to take back."""
    say = ex.say
    lines: list[Line] = [line(bold(say("requests.title")))]
    rows: list[tuple[Button, ...]] = []
    for number, request in enumerate(ex.unit.role_requests.waiting(ex.membership.plan_id, ex.now)[:LISTED], 1):
        lines.append(line(f"{number}. {_wanted(ex.unit, request, say)}"))
        if request.requested_by_id == ex.person.id:
            rows.append((Button(f"{number}. {say('requests.withdraw')}", f"command:solicitud:{request.id}.withdraw"),))
        else:
            yes, no = _request_card(ex, request, say).rows[0]
            rows.append(
                (Button(f"{number}. {yes.text}", yes.tap, yes.tone), Button(f"{number}. {no.text}", no.tap, no.tone))
            )
    if not rows:
        lines.append(line(say("requests.none")))
    rows.append((Button(say("nav.back"), "command:personas:"), _home(say)))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def decide(ex: Exchange, argument: str) -> None:
    """Grant, refuse or take back a request; of one that is over, the word that it is."""
    say, plan_id, asked = ex.say, ex.membership.plan_id, ex.unit.role_requests
    number, _, answer = argument.partition(".")
    if answer not in ("yes", "no", "withdraw"):
        raise Denied
    ex.return_to_tapped()
    home = ((Button(say("command.personas"), "command:personas:"), _home(say)),)
    if answer == "withdraw":
        is_done = asked.withdraw(plan_id, number_of(number), now=ex.now, by=ex.person.id)
        ex.show(Card((line(say("requests.withdrawn" if is_done else "requests.over")),), home))
        ex.stand(None)
        return
    decision: Decision = "granted" if answer == "yes" else "refused"
    settled = settle_request(ex.hand, number_of(number), decision, ex.house.bot_username())
    if settled is None:
        ex.show(Card((line(say("requests.over")),), home))
        ex.stand(None)
        return
    request, news = settled
    ex.pass_on(news)
    ex.show(Card((line(_wanted(ex.unit, request, say)), line(bold(say(f"requests.{decision}")))), home))
    ex.stand(None)


def settle_request(
    hand: Hand, id: int, decision: Decision, bot_username: str
) -> tuple[StoredRequest, list[News]] | None:
    """Grant or refuse it, with the news for whoever asked and whomever it makes something else; None if it is over.

    Of a link that is granted the news is the link itself.
    """
    unit, plan_id = hand.unit, hand.plan_id
    before = _meant_by(hand, id)
    request = unit.role_requests.decide(plan_id, id, decision, now=hand.now, by=hand.person_id)
    if request is None:
        return None
    requester = unit.people.by_id(request.requested_by_id)
    theirs = wording(requester.language)
    if decision == "granted" and request.person_id is None:
        card = _link_card(
            hand, request.role, request.agency_id, request.agency_code, requester.id, theirs, bot_username
        )
        return request, [told(requester.telegram_id, card, sensitive=True)]
    text = theirs(f"requests.was_{decision}", name=hand.named(theirs), what=_wanted(unit, request, theirs))
    news = [told(requester.telegram_id, Card((line(text),)))]
    if decision == "granted" and request.person_id is not None:
        who, granted = unit.people.in_plan(plan_id, request.person_id)
        news += role_changed(hand, who, before, granted)
    return request, news


def _meant_by(hand: Hand, request_id: int) -> Membership | None:
    """The role that whoever a request is about has before it is decided."""
    for request in hand.unit.role_requests.waiting(hand.plan_id, hand.now):
        if request.id == request_id and request.person_id is not None:
            return hand.unit.people.by_id(request.person_id).membership_in(request.plan_id)
    return None


# ------------------------------------------------------------------ what people are told
def role_changed(hand: Hand, who: Person, before: Membership | None, granted: Membership) -> list[News]:
    """What follows from somebody's new role: theirs, and that of an admin who is one no more."""
    gone = admin_gone(hand, who, before) if before is not None and granted.role is not Role.ADMIN else []
    return [*gone, *role_news(who, granted)]


def role_news(who: Person, membership: Membership) -> list[News]:
    """Calls of the Bot API that tell somebody their new role, and give their chat the menu of it."""
    from bot.commands import menu_of  # the table that this module's handlers are in

    say = wording(who.language)
    text = say("people.your_role", post=_post(say, membership.role, membership.agency_code))
    card = Card((line(text),), ((Button(say("menu.home"), "command:menu:new", "primary"),),))
    menu = menu_of(who.telegram_id, membership.role, who.language, is_contributor=membership.is_contributor)
    return [News(who.telegram_id, menu, "setMyCommands"), News(who.telegram_id, message(card))]


def menu_gone(who: Person) -> News:
    """Takes the commands out of a chat whose owner has no role any more."""
    scope = {"scope": {"type": "chat", "chat_id": who.telegram_id}}
    return News(who.telegram_id, scope, "deleteMyCommands")


def admin_gone(hand: Hand, who: Person, before: Membership, how: str = "people.admin_went") -> list[News]:
    """Power that is taken from an admin is seen by all who coordinate or administer: it must not be a quiet act.

    `how` they went is a sentence of the catalogue.
    """
    if before.role is not Role.ADMIN:
        return []
    news: list[News] = []
    for role in (Role.ADMIN, Role.COORDINATOR):
        for other in hand.unit.people.with_role(before.plan_id, role):
            if other.id not in (hand.person_id, who.id):
                say = wording(other.language)
                text = say(how, name=who.name, by=hand.named(say))
                news.append(told(other.telegram_id, Card((line(text),))))
    return news


# ------------------------------------------------------------------ inside
def _may(ex: Exchange, name: str) -> bool:
    """Whether this person's role may use that command: what they may not is not offered either."""
    from bot import commands  # the table that this module's handlers are in

    command = commands.find(name)
    return command is not None and command.allows(ex)


def _whom(ex: Exchange, argument: str) -> tuple[Person, Membership]:
    """The person a button names, and their role in this plan. Denied for anybody else."""
    try:
        return ex.unit.people.in_plan(ex.membership.plan_id, number_of(argument.partition(".")[0]))
    except NotFound:
        raise Denied from None


def _other(ex: Exchange, argument: str, *, is_suspended: bool = False) -> tuple[Person, Membership]:
    """Somebody else than oneself: nobody changes their own role."""
    who, membership = _whom(ex, argument)
    if who.id == ex.person.id or who.is_suspended is not is_suspended:
        raise Denied
    return who, membership


def _agency(ex: Exchange, id: int) -> Agency:
    for agency in ex.unit.plans.agencies(ex.membership.plan_id):
        if agency.id == id:
            return agency
    raise Denied


def _active_agency(ex: Exchange, number: str) -> Agency:
    agency = _agency(ex, number_of(number))
    if not agency.is_active(ex.today):
        raise Denied
    return agency


def _role(who: Person) -> Role:
    return who.memberships[0].role


def _post(say: Wording, role: Role, agency_code: str) -> str:
    """A role as people say it: "Punto focal · MMUJER"."""
    return f"{say(f'role.{role}')} · {agency_code}" if agency_code else say(f"role.{role}")


def _person_button(ex: Exchange, who: Person) -> Button:
    membership, say = who.memberships[0], ex.say
    mark = (
        say("people.mark.suspended")
        if who.is_suspended
        else say("people.mark.unreachable")
        if who.unreachable_at
        else ""
    )
    return Button(
        _cut(f"{mark}{who.name} · {_post(say, membership.role, membership.agency_code)}"), f"command:persona:{who.id}"
    )


def _threes(choices: Sequence[tuple[str, str]]) -> tuple[tuple[Button, ...], ...]:
    buttons = [Button(text, tap) for text, tap in choices]
    return tuple(tuple(buttons[at : at + IN_A_ROW]) for at in range(0, len(buttons), IN_A_ROW))


def _listen(ex: Exchange, lines: Sequence[Line], rows: Sequence[tuple[Button, ...]]) -> None:
    """Show this, and look up what is typed next."""
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits="personas:")


def _day(ex: Exchange, at: datetime) -> str:
    return show_date(at.astimezone(ex.zone).date().isoformat(), ex.language)


def _day_and_hour(zone: ZoneInfo, at: datetime, language: str) -> str:
    local = at.astimezone(zone)
    return f"{show_date(local.date().isoformat(), language)}, {local:%H:%M}"


def _home(say: Wording) -> Button:
    return Button(say("menu.home"), "command:menu:")


def _cut(text: str) -> str:
    return text if len(text) <= BUTTON else text[: BUTTON - 1] + "…"
