"""People and due reports from the command line: one unit of work each."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.complaint import Complaint, Misuse
from bot.opening import BOT_USERNAME, open_storage, plan_named
from bot.settings import Settings
from conversations.plan import Role
from conversations.wording import LANGUAGES
from storage.errors import Conflict, NotFound
from storage.people import LONGEST_NAME, Person
from storage.unit_of_work import UnitOfWork


def issue(
    settings: Settings,
    role_name: str,
    agency_code: str,
    ttl: timedelta,
    now: datetime,
    *,
    is_contributor: bool = False,
    plan_code: str = "",
) -> dict[str, str]:
    """A new invitation: its code, its link (empty until the bot's name is known) and when it expires."""
    from bot.administration import deep_link

    role = role_named(role_name)

    def work(unit: UnitOfWork) -> dict[str, str]:
        plan = plan_named(unit, plan_code)
        agency_id = agency_id_of(unit, plan.id, agency_code)
        try:
            code = unit.invitations.issue(
                role, plan_id=plan.id, agency_id=agency_id, now=now, ttl=ttl, is_contributor=is_contributor
            )
        except (Conflict, ValueError) as error:
            raise Complaint(f"No link was made: {error}.") from None
        username = unit.facts.get(BOT_USERNAME)
        lives = min(ttl, timedelta(minutes=15)) if role is Role.ADMIN else ttl
        expires = (now + lives).astimezone(ZoneInfo(settings.timezone))
        link = deep_link(username, code) if username else ""
        return {
            "code": code,
            "link": link,
            "role": role.value,
            "agency": agency_code,
            "expires_at": expires.isoformat(timespec="minutes"),
        }

    with open_storage(settings) as database:
        return database.units.submit(None, work).result()


def add(
    settings: Settings,
    telegram_id: int,
    name: str,
    role_name: str,
    agency_code: str,
    language: str,
    now: datetime,
    *,
    is_contributor: bool = False,
    plan_code: str = "",
) -> None:
    """Enrol somebody with the privacy notice taken as read."""
    role = role_named(role_name)
    if not 0 < telegram_id < 2**52:
        raise Misuse(f"{telegram_id} is nobody's number: Telegram's are positive, and below 2^52.")
    name = " ".join(name.split())
    if not name:
        raise Misuse("A person needs a name.")
    if len(name) > LONGEST_NAME:
        raise Misuse(f"A name has {LONGEST_NAME} characters at most; this one has {len(name)}.")
    if language and language not in LANGUAGES:
        raise Misuse(f"Language {language!r} is not one of {', '.join(LANGUAGES)}.")
    with open_storage(settings) as database:
        database.units.submit(
            None,
            lambda unit: enrol(
                unit,
                telegram_id,
                name,
                role,
                agency_code,
                language or settings.language,
                now,
                settings.timezone,
                is_contributor=is_contributor,
                plan_code=plan_code,
            ),
        ).result()


def enrol(
    unit: UnitOfWork,
    telegram_id: int,
    name: str,
    role: Role,
    agency_code: str,
    language: str,
    now: datetime,
    timezone: str,
    *,
    is_contributor: bool = False,
    plan_code: str = "",
) -> Person:
    """The person with this role, inside a unit."""
    plan = plan_named(unit, plan_code)
    person = unit.people.add(telegram_id, name, language, now, timezone=timezone)
    try:
        agency_id = agency_id_of(unit, plan.id, agency_code)
        unit.people.grant(person.id, plan.id, role, agency_id=agency_id, now=now, is_contributor=is_contributor)
    except (Conflict, ValueError) as error:
        raise Complaint(f"Nobody was enrolled: {error}.") from None
    unit.people.accept_privacy(person.id, now)
    return person


def listed(settings: Settings, plan_code: str) -> list[dict[str, object]]:
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        rows: list[dict[str, object]] = []
        for person in unit.people.list(plan_named(unit, plan_code).id):
            for membership in person.memberships:
                rows.append(
                    {
                        "telegram_id": person.telegram_id,
                        "name": person.name,
                        "role": membership.role.value,
                        "agency": membership.agency_code or "-",
                        "state": "suspended"
                        if person.is_suspended
                        else ("unreachable" if person.unreachable_at else "active"),
                        "language": person.language,
                    }
                )
        return rows


def week_of(settings: Settings, instant: datetime, language: str, plan_code: str, *, is_monday: bool) -> str:
    """The coordinator's digest at that instant or, with `is_monday`, on the Monday of its week at 08:30."""
    from bot.digests import WEEK, printed

    zone = ZoneInfo(settings.timezone)
    if is_monday:
        day = instant.astimezone(zone).date()
        instant = datetime.combine(day - timedelta(days=day.weekday()), time(8, 30), zone)
    with open_storage(settings) as database, database.view() as unit:
        plan = plan_named(unit, plan_code)
        return printed(unit, plan.id, instant, instant - WEEK, language)


def due_reports(settings: Settings, instant: datetime, plan_code: str) -> list[dict[str, str]]:
    """What each agency has still to report at that instant."""
    on = instant.astimezone(ZoneInfo(settings.timezone)).date()
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        plan = plan_named(unit, plan_code)
        return [
            {
                "agency": agency.code,
                "code": due.code,
                "period": due.period.code,
                "due_on": due.period.due_on.isoformat(),
                "title": due.item.title(settings.language),
            }
            for agency in unit.plans.agencies(plan.id)
            for due in unit.plans.due(plan.id, agency.id, on)
        ]


def role_named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Misuse(f"Role {name!r} is not one of {', '.join(Role)}.") from None


def agency_id_of(unit: UnitOfWork, plan_id: int, code: str) -> int | None:
    if not code:
        return None
    try:
        return unit.plans.agency(plan_id, code).id
    except NotFound:
        known = ", ".join(agency.code for agency in unit.plans.agencies(plan_id))
        raise Complaint(f"Agency {code!r} is not in the plan; it has {known}.") from None
