"""The people of a plan, on a phone: who they are, what they may do, and how that changes.

A coordinator learns on the bus that a focal point has left, and the admin has no server at hand. So admins see and
change people in the chat. Two laws guard that power: a role that decides over others needs a second admin, if there is
one (`storage.people.role_requests`), and nobody changes their own role. A button names a person and proves nothing
(S3), so each tap reads everything again in its own unit.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial

from bot.acts.people import people as people_acts
from bot.acts.people.delegations import in_words
from bot.acts.people.people import invitation_card, post_name, request_in_words, settle_request
from bot.chat.exchange import Denied, Exchange, existing, number_of
from bot.chat.permissions import REPORTERS
from bot.screens.people import contributors
from bot.screens.people.agencies import agency_with
from bot.screens.plan.digests import vacancies
from conversations.card import Button, Card, Line, bold, cut, home_button, in_rows, italic, line, page_of, paragraph
from conversations.dates import day_and_hour
from conversations.languages import language_name
from conversations.plan.entering import UnusedLink, Way, funnel
from conversations.plan.messages.entering import funnel_in_words, where_stopped
from conversations.plan.model import OF_AN_AGENCY, Agency, Post, Role
from conversations.routes import ButtonTap, Route, tap
from conversations.session.reading.text import normalise
from conversations.session.safeguards.guard import personal_data
from conversations.wording import Wording
from storage.people.joining import Decision
from storage.people.people import Membership, Person
from storage.people.role_requests import REQUEST_TTL

ORDER = (Role.ADMIN, Role.COORDINATOR, Role.FOCAL_POINT, Role.ALTERNATE, Role.OBSERVER, Role.READER)
LISTED = 8
"""People on one screen."""
NAMED = 12
"""Agencies without a focal point that the text names. The screen of vacancies has them all."""
IN_A_ROW = 3


# ------------------------------------------------------------------ /personas
def people(ex: Exchange, group: str, page: int) -> None:
    """Show who is in the plan, vacancies first; or one page of a group, `group.page`.

    The next typed text is searched for.
    """
    if group == "vacant":
        _show_vacancies(ex)
    elif group == "entering":
        _show_under_way(ex, page)
    elif group:
        _show_group(ex, group, page)
    else:
        _overview(ex)


def _overview(ex: Exchange) -> None:
    say, plan_id = ex.say, ex.membership.plan_id
    everybody = ex.unit.people.list(plan_id)
    vacant = vacancies(ex)
    links = ex.unit.entering.unused_links(plan_id, ex.now)
    found = funnel(ex.unit.entering.ways(plan_id), links, ex.now)
    stopped = len(ex.unit.entering.stopped(plan_id)) + len(links)
    lines: list[Line] = [line(bold(say("people.title", n=len(everybody)))), line(funnel_in_words(found, say))]
    rows: list[tuple[Button, ...]] = []
    if vacant:
        named = ", ".join(vacant[:NAMED]) + (" …" if len(vacant) > NAMED else "")
        lines.append(line(say("people.vacant", n=len(vacant), agencies=named)))
        rows.append((Button(say("people.vacancies", n=len(vacant)), tap(Route.PEOPLE, "vacant"), "primary"),))
    groups = [
        (key, say(label), len(_in_group(everybody, key)))
        for key, label in (
            *((str(role), f"role.{role}") for role in ORDER),
            ("suspended", "people.suspended"),
            ("unreachable", "people.unreachable"),
        )
    ]
    groups.append(("entering", say("people.entering"), stopped))
    buttons = [Button(f"{label} ({count})", tap(Route.PEOPLE, key, 0)) for key, label, count in groups if count]
    rows += in_rows(buttons, 2)
    for key in ("unreachable", "suspended"):
        if count := len(_in_group(everybody, key)):
            lines.append(line(say(f"people.{key}_count", n=count)))
    if ex.allows(Route.INVITE):
        open_links = len(ex.unit.invitations.open(plan_id, ex.now))
        asked = len(ex.unit.role_requests.waiting(plan_id, ex.now))
        if asked:
            rows.append((Button(say("people.requests", n=asked), tap(Route.ROLE_REQUESTS), "primary"),))
        row = [Button(say("command.invitar"), tap(Route.INVITE))]
        if open_links:
            row.append(Button(say("people.links", n=open_links), tap(Route.LINKS)))
        rows.append(tuple(row))
    lines += [line(""), line(italic(say("people.search")))]
    _listen(ex, lines, [*rows, (home_button(say),)])


def _show_vacancies(ex: Exchange) -> None:
    """Agencies that have something to report and nobody to report it. A tap begins an invitation."""
    say = ex.say
    to = partial(tap, Route.INVITE, Role.FOCAL_POINT) if ex.allows(Route.INVITE) else partial(tap, Route.VACANCY)
    buttons = [Button(code, to(code)) for code in vacancies(ex)]
    rows = in_rows(buttons, IN_A_ROW)
    rows.append((Button(say("nav.back"), tap(Route.PEOPLE)),))
    key = "people.vacancies_invite" if ex.allows(Route.INVITE) else "people.vacancies_ask"
    ex.answer(Card((line(say(key if buttons else "people.no_vacancies")),), tuple(rows)))


def _show_under_way(ex: Exchange, page: int) -> None:
    """Show who has stopped on the way in or receives nothing any more, and since when, the longest first.

    Links that nobody has used are named too.
    """
    say, plan_id = ex.say, ex.membership.plan_id
    ways = sorted(ex.unit.entering.stopped(plan_id), key=lambda way: way.stopped_at)
    found: list[Way | UnusedLink] = [*ways, *ex.unit.entering.unused_links(plan_id, ex.now)]
    shown, following = page_of(found, page, LISTED)
    lines = [line(bold(f"{say('people.entering')} ({len(found)})"))]
    if not found:
        lines.append(line(say("people.nobody")))
    rows: list[tuple[Button, ...]] = []
    for one in shown:
        post = post_name(say, one.role, one.agency_code)
        who = post if isinstance(one, UnusedLink) else f"{one.name} · {post}"
        lines.append(line(f"• {who}{say.colon}{where_stopped(one, ex.zone, say)}"))
        if isinstance(one, Way):
            rows.append((Button(cut(who), tap(Route.PERSON, one.person_id)),))
    if following is not None:
        rows.append((Button(say("people.page"), tap(Route.PEOPLE, "entering", following)),))
    rows.append((Button(say("nav.back"), tap(Route.PEOPLE)),))
    _listen(ex, lines, rows)


def _show_group(ex: Exchange, group: str, page: int) -> None:
    say = ex.say
    found = _in_group(ex.unit.people.list(ex.membership.plan_id), group)
    shown, following = page_of(found, page, LISTED)
    lines = [line(bold(f"{_group_name(ex, group)} ({len(found)})"))]
    if not found:
        lines.append(line(say("people.nobody")))
    rows = [(_person_button(ex, person),) for person in shown]
    if following is not None:
        rows.append((Button(say("people.page"), tap(Route.PEOPLE, group, following)),))
    rows.append((Button(say("nav.back"), tap(Route.PEOPLE)),))
    lines += [line(""), line(italic(say("people.search")))]
    _listen(ex, lines, rows)


def _in_group(everybody: Sequence[Person], group: str) -> list[Person]:
    """Return the people of a group: a role, an agency (`a` and its id), the suspended, or people whom nothing reaches.

    Denied for other groups.
    """
    match group:
        case "suspended":
            found = [person for person in everybody if person.is_suspended]
        case "unreachable":
            found = [person for person in everybody if person.absence in ("unreachable", "no_privacy")]
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
        return agency_with(ex, number_of(group[1:])).code
    return ex.say("people.suspended") if group == "suspended" else ex.say("people.unreachable")


def search(ex: Exchange, text: str) -> None:
    """Find people by name, agency or Telegram number. Accents and the order of words do not matter."""
    say, found = ex.say, who_answer(ex, text)
    if len(found) == 1:
        _show_person(ex, found[0], found[0].memberships[0])
        return
    if found:
        text = say("people.found", n=len(found), text=cut(" ".join(text.split())))
    else:
        # Nobody here has this name, so it may be anybody's: it is not said again, and leaves the chat.
        if ex.typed_message_id is not None and personal_data(text, strict=True, known=ex.known(), is_answer=False):
            ex.delete(ex.typed_message_id)
        text = say("people.not_found")
    lines = [line(text)]
    rows = [(_person_button(ex, person),) for person in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(line(italic(say("people.too_many", n=LISTED))))
    _listen(ex, lines, [*rows, (Button(say("nav.back"), tap(Route.PEOPLE)),)])


def who_answer(ex: Exchange, text: str) -> list[Person]:
    """Return the people whom these words find."""
    words = normalise(text).split()
    names = {agency.id: agency.name.values() for agency in ex.unit.plans.agencies(ex.membership.plan_id)}
    return [
        person
        for person in ex.unit.people.list(ex.membership.plan_id)
        if words and _answers(person, names.get(person.memberships[0].agency_id or 0, ()), words)
    ]


def is_called(ex: Exchange, words: Sequence[str]) -> bool:
    """Whether each word begins a word of the name of a person who may be looked up by name."""
    names = (normalise(person.name).split() for person in ex.unit.people.list(ex.membership.plan_id))
    return any(all(any(each.startswith(word) for each in name) for word in words) for name in names)


def _answers(person: Person, agency_names: Iterable[str], words: list[str]) -> bool:
    """Whether each word begins a word of the name, agency or role, or is the Telegram number."""
    membership = person.memberships[0]
    known = " ".join((person.name, membership.agency_code, *agency_names))
    spoken = [*normalise(known).split(), str(person.telegram_id)]
    return all(any(each.startswith(word) for each in spoken) for word in words)


# ------------------------------------------------------------------ one person
def person(ex: Exchange, person_id: int) -> None:
    """The card of a person, with the acts that are possible."""
    _show_person(ex, *_whom(ex, person_id))


def _show_person(ex: Exchange, who: Person, membership: Membership) -> None:
    say = ex.say
    sent = ex.unit.submissions.of_person(who.id, limit=1, only_current=False)
    lines: list[Line] = [
        line(bold(who.name)),
        line(post_name(say, membership.role, membership.agency_code)),
        line(say("people.since", date=ex.day(membership.active_from))),
        *_for_a_time(ex, who, membership),
        line(say("people.speaks", language=language_name(who.language))),
        *((line(say("people.zone", zone=who.timezone.replace("_", " "))),) if who.timezone != ex.timezone else ()),
        line(say("people.last_report", date=ex.day(sent[0].submitted_at)) if sent else say("people.no_report")),
    ]
    if who.is_suspended and who.suspended_at:
        lines.append(line(bold(say("people.is_suspended", date=ex.day(who.suspended_at)))))
    elif who.unreachable_at:
        lines.append(line(bold(say("people.is_unreachable", date=ex.day(who.unreachable_at)))))
    elif who.absence == "no_privacy":
        opened = say("entering.stopped.opened", date=ex.day(membership.active_from))
        lines.append(line(bold(say("people.has_stopped", what=opened))))
    else:
        lines.append(line(say("people.is_reachable")))
    rows: list[tuple[Button, ...]] = []
    if who.id == ex.person.id:
        lines += [line(""), line(italic(say("people.oneself")))]
    elif ex.allows(Route.CHANGE_ROLE):
        rows = _acts(say, who, membership)
    if ex.allows(Route.RELIEVE) and membership.role in REPORTERS and not who.is_suspended and who.id != ex.person.id:
        rows.append((Button(say("handover.relieve"), tap(Route.RELIEVE, who.id)),))
    rows.append((Button(say("nav.back"), tap(Route.PEOPLE)), home_button(say)))
    _listen(ex, lines, rows)


def _for_a_time(ex: Exchange, who: Person, membership: Membership) -> list[Line]:
    """Say that a role ends by itself, and who holds its post until then."""
    lines: list[Line] = []
    if membership.until_on is not None:
        last = ex.day(membership.until_on - timedelta(days=1))
        lines.append(line(ex.say("people.until", date=last)))
    for one in ex.unit.delegations.of_agency(membership.agency_id or 0):
        if who.id in (one.person_id, one.deputy_id) and ex.today < one.until_on:
            lines.append(line(in_words(ex.unit, one, ex.say)))
    return lines


def _acts(say: Wording, who: Person, membership: Membership) -> list[tuple[Button, ...]]:
    if who.is_suspended:
        return [(Button(say("people.restore"), tap(Route.RESTORE, who.id), "success"),)]
    first = [Button(say("people.change_role"), tap(Route.CHANGE_ROLE, who.id))]
    rows: list[tuple[Button, ...]] = []
    if membership.role in OF_AN_AGENCY:
        first.append(Button(say("people.change_agency"), tap(Route.CHANGE_ROLE, who.id, membership.role)))
        to = tap(Route.INVITE, membership.role, membership.agency_code)
        rows.append((Button(say("people.replace"), to),))
    if membership.role is Role.OBSERVER and membership.agency_id is not None:
        rows.append((Button(say("contributor.right"), tap(Route.CONTRIBUTION, who.id)),))
    rows.append((Button(say("people.suspend"), tap(Route.SUSPEND, who.id), "danger"),))
    return [tuple(first), *rows]


def change_role(ex: Exchange, person_id: int, name: str, agency_id: int | None, answer: str) -> None:
    """Change a role. Each screen asks for what is missing, and the last one for confirmation."""
    who, present = _other(ex, person_id)
    if not name:
        _ask_role(ex, who, present)
        return
    if name not in set(Role):
        raise Denied
    role = Role(name)
    if role in OF_AN_AGENCY and not agency_id:
        _ask_agency(ex, who, present, role)
        return
    agency = _active_agency(ex, agency_id) if role in OF_AN_AGENCY and agency_id else None
    if (role, agency.id if agency else None) == (present.role, present.agency_id):
        _show_person(ex, who, present)
    elif answer != "yes":
        _ask_if_sure(ex, who, present, role, agency)
    elif role is present.role or not _asked(ex, role, agency, who):
        ex.pass_on(people_acts.change_role(ex.actor, who, present, role, agency.id if agency else None))
        ex.toast = ex.say("people.changed")
        _show_person(ex, *ex.unit.people.in_plan(ex.membership.plan_id, who.id))


def _ask_role(ex: Exchange, who: Person, present: Membership) -> None:
    to = partial(tap, Route.CHANGE_ROLE, who.id)
    rows = [(Button(ex.say(f"role.{role}"), to(role)),) for role in ORDER if role is not present.role]
    ex.answer(Card((line(ex.say("people.which_role", name=who.name)),), (*rows, _back(ex, who))))


def _ask_agency(ex: Exchange, who: Person, present: Membership, role: Role) -> None:
    to = partial(tap, Route.CHANGE_ROLE, who.id, role)
    agencies = ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today)
    others = [(a.code, to(a.id)) for a in agencies if (role, a.id) != (present.role, present.agency_id)]
    ex.answer(Card((line(ex.say("invite.agency")),), (*_threes(others), _back(ex, who))))


def _ask_if_sure(ex: Exchange, who: Person, present: Membership, role: Role, agency: Agency | None) -> None:
    """Say what changes, what becomes of the drafts, and whether another admin has to agree."""
    say, code = ex.say, agency.code if agency else ""
    before, after = post_name(say, present.role, present.agency_code), post_name(say, role, code)
    lines = [line(say("people.change_sure", name=who.name, before=before, after=after))]
    drafts = len(ex.unit.sessions.drafts_of(who.id))
    if drafts and not ({present.role, role} <= REPORTERS and agency and agency.id == present.agency_id):
        lines.append(line(say("people.drafts_go", n=drafts)))
    if people_acts.needs_second(ex.actor, role):
        lines.append(line(say("people.second_needed")))
    to = tap(Route.CHANGE_ROLE, who.id, role, agency.id if agency else 0, "yes")
    ex.answer(Card(tuple(lines), ((Button(say("people.change_yes"), to, "primary"),), _back(ex, who))))


def _back(ex: Exchange, who: Person) -> tuple[Button]:
    """The row that leads back to a person."""
    return (Button(ex.say("nav.back"), tap(Route.PERSON, who.id)),)


def suspend(ex: Exchange, person_id: int, answer: str) -> None:
    """Suspend somebody at once, after one question (S17, S18). The last admin cannot be suspended (S19)."""
    say = ex.say
    who, _ = _other(ex, person_id)
    if answer != "yes":
        drafts = len(ex.unit.sessions.drafts_of(who.id))
        lines = [line(say("people.suspend_sure", name=who.name)), line(say("people.suspend_what", drafts=drafts))]
        yes = Button(say("people.suspend_yes"), tap(Route.SUSPEND, who.id, "yes"), "danger")
        ex.answer(Card(tuple(lines), ((yes,), _back(ex, who))))
        return
    if news := people_acts.suspend(ex.actor, who):
        ex.pass_on(news)
        ex.toast = say("people.suspended_now")
    _show_person(ex, *ex.unit.people.in_plan(ex.membership.plan_id, who.id))


def restore(ex: Exchange, person_id: int, answer: str) -> None:
    """Let a suspended person in again, after they were checked in person (S18). No link does this.

    An admin or a coordinator can be restored only at the server, because such a role needs two admins.
    """
    say = ex.say
    who, _ = _other(ex, person_id, is_suspended=True)
    needs_server = any(held.role in (Role.ADMIN, Role.COORDINATOR) for held in who.memberships)
    if answer == "yes" and not needs_server:
        ex.pass_on(people_acts.restore(ex.actor, who))
        _show_person(ex, *ex.unit.people.in_plan(ex.membership.plan_id, who.id))
        return
    checked = (Button(say("people.checked"), tap(Route.RESTORE, who.id, "yes"), "primary"),)
    back = _back(ex, who)
    key = "people.restore_admin" if needs_server else "people.restore_how"
    ex.answer(Card(paragraph(say(key, name=who.name)), (back,) if needs_server else (checked, back)))


# ------------------------------------------------------------------ links
def invite(ex: Exchange, role_name: str, agency_code: str, right: str) -> None:
    """Make a link for one person: role, then agency, then the link, which is shown once.

    For an observer whose agency supplies indicators, it also asks whether they report them.
    """
    say = ex.say
    if role_name not in set(Role):
        rows = tuple((Button(say(f"role.{role}"), tap(Route.INVITE, role)),) for role in Role)
        ex.answer(Card((line(say("invite.role")),), (*rows, (home_button(say),))))
        return
    role = Role(role_name)
    agency = None
    if role in OF_AN_AGENCY:
        agencies = ex.unit.plans.agencies(ex.membership.plan_id, on=ex.today)
        agency = next((a for a in agencies if a.code == agency_code), None)
        if agency is None:
            _choose_agency(ex, role, agencies)
            return
    led = contributors.indicators_led(ex, agency.id) if agency and role is Role.OBSERVER else ()
    if led and not right:
        contributors.ask_right(ex, agency_code, led)
        return
    if _asked(ex, role, agency, None):
        return
    ex.toast = say("invite.how")
    # Sensitive: the link must not be readable in the database either (S1).
    ex.answer(
        invitation_card(
            ex.actor,
            Post(role, agency.id if agency else None, is_contributor=bool(led) and right == "reports"),
            agency.code if agency else "",
            ex.person.id,
            say,
            ex.house.bot_username(),
        ),
        sealed=True,
    )


def _choose_agency(ex: Exchange, role: Role, agencies: Sequence[Agency]) -> None:
    """Choose an agency. Those without a focal point come first, because most invitations are for one of them."""
    say = ex.say
    vacant = set(vacancies(ex)) if role is Role.FOCAL_POINT else set[str]()
    first = [(f"👤 {each.code}", tap(Route.INVITE, role, each.code)) for each in agencies if each.code in vacant]
    others = [(each.code, tap(Route.INVITE, role, each.code)) for each in agencies if each.code not in vacant]
    lines = [line(say("invite.agency")), *([line(italic(say("invite.vacant_first")))] if first else [])]
    ex.answer(Card(tuple(lines), (*_threes(first), *_threes(others), (home_button(say),))))


def links(ex: Exchange, invitation_id: int | None) -> None:
    """The links that can still be used. With a number, that link is revoked first."""
    say, plan_id = ex.say, ex.membership.plan_id
    if invitation_id is not None:
        revoked = people_acts.revoke_link(ex.actor, invitation_id)
        ex.toast = say("links.revoked" if revoked else "links.gone")
    open_ones = ex.unit.invitations.open(plan_id, ex.now)
    lines: list[Line] = [line(bold(say("links.title", n=len(open_ones))))]
    rows: list[tuple[Button, ...]] = []
    for link in open_ones[-LISTED:]:
        post = post_name(say, link.role, link.agency_code)
        by = ex.unit.people.by_id(link.created_by_id).name if link.created_by_id else say("links.server")
        until = day_and_hour(link.expires_at, ex.zone, ex.language)
        lines.append(line("• ", say("links.row", post=post, name=by, date=until)))
        rows.append((Button(cut(say("links.revoke", post=post)), tap(Route.LINKS, link.id), "danger"),))
    lines.append(line(italic(say("links.how" if open_ones else "links.none"))))
    rows.append((Button(say("nav.back"), tap(Route.PEOPLE)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


# ------------------------------------------------------------------ roles that a second admin grants
def _asked(ex: Exchange, role: Role, agency: Agency | None, who: Person | None) -> bool:
    """Ask the other admins if the role needs a second admin. Return True if so; then nothing else happens."""
    if not people_acts.needs_second(ex.actor, role):
        return False
    request, others, news = people_acts.ask_second(ex.actor, role, agency.id if agency else None, who)
    ex.pass_on(news)
    say = ex.say
    until = day_and_hour(request.requested_at + REQUEST_TTL, ex.zone, ex.language)
    names = ", ".join(admin.name for admin in others)
    text = say("requests.sent", names=names) if others else say("requests.alone", n=request.id, date=until)
    withdraw = Button(say("requests.withdraw"), tap(Route.ROLE_REQUEST, request.id, "withdraw"))
    ex.answer(Card((line(text),), ((withdraw,), (home_button(say),))))
    return True


def requests(ex: Exchange) -> None:
    """Requests that wait for a second admin. Those of others can be decided, the person's own can be withdrawn."""
    say = ex.say
    lines: list[Line] = [line(bold(say("requests.title")))]
    rows: list[tuple[Button, ...]] = []
    for number, request in enumerate(ex.unit.role_requests.waiting(ex.membership.plan_id, ex.now)[:LISTED], 1):
        lines.append(line(f"{number}. {request_in_words(ex.unit, request, say)}"))
        if request.requested_by_id == ex.person.id:
            rows.append(
                (Button(f"{number}. {say('requests.withdraw')}", tap(Route.ROLE_REQUEST, request.id, "withdraw")),)
            )
        else:
            yes, no = people_acts.request_card(ex.actor, request, say).rows[0]
            rows.append(
                (Button(f"{number}. {yes.text}", yes.tap, yes.tone), Button(f"{number}. {no.text}", no.tap, no.tone))
            )
    if not rows:
        lines.append(line(say("requests.none")))
    rows.append((Button(say("nav.back"), tap(Route.PEOPLE)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)))


def decide(ex: Exchange, request_id: int, answer: str) -> None:
    """Grant, refuse or take back a request. If it is settled already, say so."""
    say = ex.say
    ex.return_to_tapped()
    home = ((Button(say("command.personas"), tap(Route.PEOPLE)), home_button(say)),)
    if answer == "withdraw":
        is_done = people_acts.withdraw_request(ex.actor, request_id)
        ex.answer(Card((line(say("requests.withdrawn" if is_done else "requests.over")),), home))
        return
    decision: Decision = "granted" if answer == "yes" else "refused"
    settled = settle_request(ex.actor, request_id, decision, ex.house.bot_username())
    if settled is None:
        ex.answer(Card((line(say("requests.over")),), home))
        return
    request, news = settled
    ex.pass_on(news)
    ex.answer(Card((line(request_in_words(ex.unit, request, say)), line(bold(say(f"requests.{decision}")))), home))


# ------------------------------------------------------------------ inside
def _whom(ex: Exchange, person_id: int) -> tuple[Person, Membership]:
    """Return the person that a button names, with their role in this plan. Denied for anybody else."""
    return existing(ex.unit.people.in_plan, ex.membership.plan_id, person_id)


def _other(ex: Exchange, person_id: int, *, is_suspended: bool = False) -> tuple[Person, Membership]:
    """Return a person other than oneself: nobody changes their own role."""
    who, membership = _whom(ex, person_id)
    if who.id == ex.person.id or who.is_suspended is not is_suspended:
        raise Denied
    return who, membership


def _active_agency(ex: Exchange, agency_id: int) -> Agency:
    agency = agency_with(ex, agency_id)
    if not agency.is_active(ex.today):
        raise Denied
    return agency


def _role(who: Person) -> Role:
    return who.memberships[0].role


def _person_button(ex: Exchange, who: Person) -> Button:
    membership, say = who.memberships[0], ex.say
    mark = say(f"people.mark.{who.absence}") if who.absence else ""
    return Button(
        cut(f"{mark}{who.name} · {post_name(say, membership.role, membership.agency_code)}"), tap(Route.PERSON, who.id)
    )


def _threes(choices: Sequence[tuple[str, ButtonTap]]) -> tuple[tuple[Button, ...], ...]:
    return tuple(in_rows([Button(text, each) for text, each in choices], IN_A_ROW))


def _listen(ex: Exchange, lines: Sequence[Line], rows: Sequence[tuple[Button, ...]]) -> None:
    """Show this, and search for the next typed text."""
    ex.ask(Card(tuple(lines), tuple(rows)), Route.PEOPLE)
