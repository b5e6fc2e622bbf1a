"""`enlace people`: who may use the bot, and in which role."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.acts.people.enrolment import Newcomer
from bot.cli.at_server import Row, act, change, in_unit, local, look, now, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import ContributorOption, JsonOption, LanguageOption, PersonOption, PlanOption, RoleOption
from bot.errors import Complaint, Misuse

if TYPE_CHECKING:
    from bot.chat.actor import Actor, Notification
    from storage.people.joining import Decision
    from storage.people.people import Membership, Person
    from storage.people.role_requests import StoredRequest
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)

_STATES = {None: "active", "suspended": "suspended", "unreachable": "unreachable", "no_privacy": "not_accepted"}
RequestArgument = Annotated[int, typer.Argument(metavar="N", help="Its number in `people requests`.")]


@app.command("list")
def list_people(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List everybody with a role, one a line: how far they have come, and since when nothing reaches them.

    The last line counts the stations, and goes to stderr.
    """
    from conversations.plan.entering import Station, funnel

    chosen, at = settings(), now()

    def rows(unit: "UnitOfWork", plan: "Plan") -> tuple[list[Row], str]:
        ways = {way.person_id: way for way in unit.entering.ways(plan.id)}
        found = funnel(ways.values(), unit.entering.unused_links(plan.id, at), at)
        counted = ", ".join(f"{found.at[station]} {station}" for station in Station)
        return [
            {
                "telegram_id": person.telegram_id,
                "name": person.name,
                "role": membership.role.value,
                "agency": membership.agency_code or "-",
                "state": _STATES[person.absence],
                "language": person.language,
                "station": ways[person.id].station.value,
                "since": local(ways[person.id].stopped_at, chosen) if ways[person.id].is_under_way else "-",
            }
            for person in unit.people.list(plan.id)
            for membership in person.memberships
        ], f"{counted}; {found.silent} whom no message reaches."

    people, counted = look(plan_code, rows, at=chosen)
    print_rows(people, as_json, ("telegram_id", "name", "role", "agency", "state", "station", "since"))
    print(end="", flush=True)  # a full disk is said before anything else
    talk(counted)


@app.command()
def add(
    telegram_id: PersonOption,
    name: Annotated[str, typer.Option(help="As others are to see it.")],
    role: RoleOption,
    agency: Annotated[str, typer.Option(help="Code of the agency.")] = "",
    language: LanguageOption = "",
    contributor: ContributorOption = False,
    plan_code: PlanOption = "",
) -> None:
    """Enrol a person at the server, the privacy notice taken as read: for scripts and tests."""
    from bot.acts.people.enrolment import enrol, role_named
    from conversations.languages import LANGUAGES
    from conversations.session.safeguards.characters import read_name
    from storage.people.people import LONGEST_NAME

    chosen, at = settings(), now()
    granted = role_named(role)
    if not 0 < telegram_id < 2**52:
        raise Misuse(f"{telegram_id} is nobody's number: Telegram's are positive, and below 2^52.")
    name = read_name(name)
    if not name:
        raise Misuse("A person needs a --name in which a letter can be seen.")
    if len(name) > LONGEST_NAME:
        raise Misuse(f"A name has {LONGEST_NAME} characters at most; this one has {len(name)}.")
    if language and language not in LANGUAGES:
        raise Misuse(f"Language {language!r} is not one of {', '.join(LANGUAGES)}.")
    in_unit(
        lambda unit: enrol(
            unit,
            Newcomer(telegram_id, name, granted, agency, language or chosen.language, is_contributor=contributor),
            at,
            chosen.timezone,
            plan_code=plan_code,
        ),
        at=chosen,
    )
    talk(f"Enrolled {telegram_id} as {role}.")


@app.command()
def suspend(telegram_id: PersonOption) -> None:
    """Take somebody's access away at once: role, drafts, pending messages."""
    from bot.acts.people import people

    _in_all_plans(telegram_id, people.suspend)
    talk("Suspended.")


@app.command()
def restore(telegram_id: PersonOption) -> None:
    """Give a suspended person access again. The bot tells them."""
    from bot.acts.people import people

    _in_all_plans(telegram_id, people.restore)
    talk("Restored.")


def _in_all_plans(telegram_id: int, act: "Callable[[Actor, Person], Iterable[Notification]]") -> None:
    from bot.chat.actor import Actor

    chosen = settings()
    zone = ZoneInfo(chosen.timezone)

    def work(unit: "UnitOfWork") -> None:
        actor = Actor(unit, 0, now(), zone.key, zone)  # of no plan
        actor.tell(act(actor, _known(unit, telegram_id)))

    change(work, at=chosen)


@app.command("role")
def change_role(
    telegram_id: PersonOption,
    role: RoleOption,
    agency: Annotated[str, typer.Option(help="Code of the agency.")] = "",
    plan_code: PlanOption = "",
) -> None:
    """Give somebody another role, or their role in another agency. The bot tells them."""
    from bot.acts.people import people
    from bot.acts.people.enrolment import agency_id_of, role_named

    wanted = role_named(role)

    def work(actor: "Actor") -> None:
        who, present = _enrolled(actor, telegram_id)
        if who.is_suspended:
            raise Complaint(f"{telegram_id} is suspended: 'enlace people restore' first.")
        agency_id = agency_id_of(actor.unit, actor.plan_id, agency)
        actor.tell(people.change_role(actor, who, present, wanted, agency_id))

    act(plan_code, work)
    talk(f"{telegram_id} is {role} now.")


@app.command()
def links(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the invitations that can still be used, one a line."""
    chosen, at = settings(), now()

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        return [
            {
                "link": link.id,
                "role": link.role.value,
                "agency": link.agency_code or "-",
                "expires_at": local(link.expires_at, chosen),
            }
            for link in unit.invitations.open(plan.id, at)
        ]

    print_rows(look(plan_code, rows, at=chosen), as_json)


@app.command()
def revoke(
    link: Annotated[int, typer.Option(help="Its number in `people links`.")], plan_code: PlanOption = ""
) -> None:
    """Make an invitation useless."""
    from bot.acts.people.people import revoke_link

    def work(actor: "Actor") -> None:
        if not revoke_link(actor, link):
            raise Complaint(f"There is no open link {link}: see 'enlace people links'.")

    act(plan_code, work)
    talk("Revoked.")


@app.command("contributor")
def set_contributor(
    telegram_id: PersonOption,
    contributes: Annotated[bool, typer.Option("--yes/--no", help="Give them the right, or take it away.")],
    plan_code: PlanOption = "",
) -> None:
    """Set whether an observer also reports the indicators that their agency leads. The bot tells them."""
    from bot.acts.people import people

    def work(actor: "Actor") -> bool:
        news = people.set_contributor(actor, *_enrolled(actor, telegram_id), contributes)
        actor.tell(news)
        return bool(news)

    if act(plan_code, work):
        talk(f"{telegram_id} reports their agency's indicators{'' if contributes else ' no more'}.")
    else:
        talk("Nothing was changed: it was so.")


# ------------------------------------------------------------------ roles that wait for a second admin
@app.command()
def requests(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the roles that an admin has asked for in the chat and that wait for a second admin."""
    from storage.people.role_requests import REQUEST_TTL

    chosen, at = settings(), now()

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        return [
            {
                "request": one.id,
                "for": unit.people.by_id(one.person_id).name if one.person_id is not None else "whoever gets the link",
                "role": one.role.value,
                "agency": one.agency_code or "-",
                "asked_by": unit.people.by_id(one.requested_by_id).name,
                "until": local(one.requested_at + REQUEST_TTL, chosen),
            }
            for one in unit.role_requests.waiting(plan.id, at)
        ]

    print_rows(look(plan_code, rows, at=chosen), as_json)


@app.command()
def grant(request: RequestArgument, plan_code: PlanOption = "") -> None:
    """Grant a role that waits for a second admin. The admin who asked is told, and gets the link if it is for one."""
    talk(f"Granted: {_settled(request, 'granted', plan_code).role}.")


@app.command()
def refuse(request: RequestArgument, plan_code: PlanOption = "") -> None:
    """Refuse a role that waits for a second admin. The admin who asked is told."""
    talk(f"Refused: {_settled(request, 'refused', plan_code).role}.")


def _settled(number: int, decision: "Decision", plan_code: str) -> "StoredRequest":
    from bot.acts.people.people import settle_request
    from bot.open_storage import BOT_USERNAME

    def work(actor: "Actor") -> "StoredRequest":
        bot_username = actor.unit.facts.get(BOT_USERNAME) or ""
        if decision == "granted" and not bot_username:
            raise Complaint("The bot's name, which a link holds, is not known yet: start 'enlace run' once.")
        settled = settle_request(actor, number, decision, bot_username)
        if settled is None:
            raise Complaint(f"No request {number} waits: see 'enlace people requests'.")
        request, news = settled
        actor.tell(news)
        return request

    return act(plan_code, work)


def _known(unit: "UnitOfWork", telegram_id: int) -> "Person":
    who = unit.people.by_telegram_id(telegram_id)
    if who is None:
        raise Complaint(f"Nobody with the Telegram number {telegram_id} is enrolled.")
    return who


def _enrolled(actor: "Actor", telegram_id: int) -> "tuple[Person, Membership]":
    """A person with a role in the plan, also a suspended one."""
    who = actor.unit.people.by_telegram_id(telegram_id)
    for held in who.memberships if who is not None else ():
        if who is not None and held.plan_id == actor.plan_id:
            return who, held
    raise Complaint(f"Nobody with the Telegram number {telegram_id} has a role: see 'enlace people list'.")
