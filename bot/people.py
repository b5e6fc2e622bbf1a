"""People and due reports from the command line: one unit of work each."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.complaint import Complaint, Misuse
from bot.opening import BOT_USERNAME, open_storage
from bot.settings import Settings
from conversations.plan import Role
from conversations.wording import LANGUAGES
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.unit_of_work import UnitOfWork


def issue(
    settings: Settings,
    role_name: str,
    agency_code: str,
    ttl: timedelta,
    now: datetime,
    *,
    is_contributor: bool = False,
) -> dict[str, str]:
    """A new invitation: its code, its link (empty until the bot's name is known) and when it expires."""
    from bot.administration import deep_link

    role = role_named(role_name)

    def work(unit: UnitOfWork) -> dict[str, str]:
        plan = unit.plans.only()
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
) -> None:
    """Enrol somebody with the privacy notice taken as read."""
    role = role_named(role_name)
    if not 0 < telegram_id < 2**52:
        raise Misuse(f"{telegram_id} is nobody's number: Telegram's are positive, and below 2^52.")
    if not name.strip():
        raise Misuse("A person needs a name.")
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
) -> Person:
    """The person with this role, inside a unit."""
    plan = unit.plans.only()
    person = unit.people.add(telegram_id, name, language, now, timezone=timezone)
    try:
        agency_id = agency_id_of(unit, plan.id, agency_code)
        unit.people.grant(person.id, plan.id, role, agency_id=agency_id, now=now, is_contributor=is_contributor)
    except (Conflict, ValueError) as error:
        raise Complaint(f"Nobody was enrolled: {error}.") from None
    unit.people.accept_privacy(person.id, now)
    return person


def listed(settings: Settings) -> list[dict[str, object]]:
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        rows: list[dict[str, object]] = []
        for person in unit.people.list(unit.plans.only().id):
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


def set_suspended(settings: Settings, telegram_id: int, now: datetime, *, is_suspended: bool) -> None:
    def work(unit: UnitOfWork) -> None:
        person = unit.people.by_telegram_id(telegram_id)
        if person is None:
            raise Complaint(f"Nobody with the Telegram number {telegram_id} is enrolled.")
        try:
            if is_suspended:
                unit.people.suspend(person.id, now=now, by=None)
            else:
                unit.people.restore(person.id, now=now, by=None)
        except Conflict as error:
            raise Complaint(f"Nothing was changed: {error}.") from None

    with open_storage(settings) as database:
        database.units.submit(None, work).result()


def week_of(settings: Settings, instant: datetime, language: str, *, is_monday: bool) -> str:
    """The coordinator's digest at that instant or, with `is_monday`, on the Monday of its week at 08:30."""
    from bot.digests import WEEK, printed

    zone = ZoneInfo(settings.timezone)
    if is_monday:
        day = instant.astimezone(zone).date()
        instant = datetime.combine(day - timedelta(days=day.weekday()), time(8, 30), zone)
    with open_storage(settings) as database, database.view() as unit:
        plan = unit.plans.only()
        return printed(unit, plan.id, instant, instant - WEEK, settings.timezone, language)


def due_reports(settings: Settings, instant: datetime) -> list[dict[str, str]]:
    """What each agency has still to report at that instant."""
    on = instant.astimezone(ZoneInfo(settings.timezone)).date()
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        plan = unit.plans.only()
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
