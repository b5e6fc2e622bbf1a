"""What admins do in chat, done at the server: roles, links, agencies and settings, one unit of work each.

The chat may be what is broken, or nobody in it may be left to ask. Whoever has the server needs no second admin; the
audit log says that it was the server.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.administration import tell_later
from bot.complaint import Complaint, Misuse
from bot.opening import open_storage
from bot.people import agency_id_of, role_named
from bot.settings import Settings
from conversations.plan import Agency, translated
from storage.agencies import ROLE_TYPES, Belongings
from storage.errors import Conflict, NotFound
from storage.settings import SETTINGS, find
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
Row = dict[str, object]


# ------------------------------------------------------------------ people
def change_role(settings: Settings, telegram_id: int, role_name: str, agency_code: str, now: datetime) -> None:
    """The role, from now on; the person is told by the bot, in their language, with the menu of it."""
    role = role_named(role_name)

    def work(unit: UnitOfWork) -> None:
        plan = unit.plans.only()
        person = unit.people.by_telegram_id(telegram_id)
        if person is None or person.membership_in(plan.id) is None:
            raise Complaint(f"Nobody with the Telegram number {telegram_id} has a role: see 'enlace people list'.")
        try:
            granted = unit.people.grant(
                person.id, plan.id, role, agency_id=agency_id_of(unit, plan.id, agency_code), now=now
            )
        except (Conflict, ValueError) as error:
            raise Complaint(f"Nothing was changed: {error}.") from None
        tell_later(unit, person, granted, now)

    _apply(settings, work)


def links(settings: Settings, now: datetime) -> list[Row]:
    """The links that may still be used."""
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        zone = ZoneInfo(settings.timezone)
        return [
            {
                "link": link.id,
                "role": link.role.value,
                "agency": link.agency_code or "-",
                "expires_at": link.expires_at.astimezone(zone).isoformat(timespec="minutes"),
            }
            for link in unit.invitations.open(unit.plans.only().id, now)
        ]


def revoke(settings: Settings, link: int, now: datetime) -> None:
    def work(unit: UnitOfWork) -> None:
        if not unit.invitations.revoke(link, plan_id=unit.plans.only().id, now=now, by=None):
            raise Complaint(f"There is no open link {link}: see 'enlace people links'.")

    _apply(settings, work)


# ------------------------------------------------------------------ agencies
def agencies(settings: Settings, today: date) -> list[Row]:
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        plan = unit.plans.only()
        counted = unit.agencies.belongings(plan.id)
        rows: list[Row] = []
        for agency in unit.plans.agencies(plan.id):
            held = counted.get(agency.id, Belongings())
            rows.append(
                {
                    "agency": agency.code,
                    "name": translated(agency.name, settings.language),
                    "type": agency.role_type,
                    "from": agency.active_from.isoformat() if agency.active_from else "-",
                    "to": agency.active_to.isoformat() if agency.active_to else "-",
                    "state": "active" if agency.is_active(today) else "inactive",
                    "activities": held.activities,
                    "people": held.people,
                }
            )
        return rows


def add_agency(settings: Settings, code: str, names: dict[str, str], role_type: str, on: date, now: datetime) -> None:
    if role_type not in ROLE_TYPES:
        raise Misuse(f"--type {role_type!r} is not one of {', '.join(ROLE_TYPES)}.")

    def work(unit: UnitOfWork) -> None:
        try:
            unit.agencies.add(unit.plans.only().id, code, names, role_type=role_type, active_from=on, now=now, by=None)
        except (Conflict, ValueError) as error:
            raise Complaint(f"No agency was added: {error}.") from None

    _apply(settings, work)


def end_agency(settings: Settings, code: str, on: date, now: datetime) -> Belongings:
    """It takes part no more from that day; what hung on it, for the operator to see to."""

    def work(unit: UnitOfWork) -> Belongings:
        plan_id = unit.plans.only().id
        agency = _agency(unit, plan_id, code)
        try:
            unit.agencies.end(agency, plan_id, on, now=now, by=None)
        except ValueError as error:
            raise Complaint(f"Nothing was changed: {error}.") from None
        return unit.agencies.belongings(plan_id).get(agency.id, Belongings())

    return _apply(settings, work)


def restore_agency(settings: Settings, code: str, now: datetime) -> None:
    def work(unit: UnitOfWork) -> None:
        plan_id = unit.plans.only().id
        unit.agencies.reactivate(_agency(unit, plan_id, code), plan_id, now=now, by=None)

    _apply(settings, work)


# ------------------------------------------------------------------ settings
def plan_settings(settings: Settings) -> list[Row]:
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        plan = unit.plans.only()
        rows: list[Row] = []
        for setting in SETTINGS:
            value = unit.settings.text(plan.id, setting)
            rows.append({"setting": setting.name, "value": value or "-", "default": setting.default or "-"})
        return rows


def set_setting(settings: Settings, name: str, value: str, now: datetime) -> None:
    """Decide it; a value of "-" is the default again."""
    setting = find(name)
    if setting is None:
        raise Misuse(f"{name!r} is no setting of a plan; there are {', '.join(one.name for one in SETTINGS)}.")

    def work(unit: UnitOfWork) -> None:
        wanted = setting.default if value == "-" else value
        try:
            unit.settings.set(unit.plans.only().id, setting, wanted, now=now, by=None)
        except ValueError:
            raise Complaint(f"{name} was not changed: {setting.told()}.") from None

    _apply(settings, work)


# ------------------------------------------------------------------ inside
def _apply(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    with open_storage(settings) as database:
        return database.units.submit(None, work).result()


def _agency(unit: UnitOfWork, plan_id: int, code: str) -> Agency:
    try:
        return unit.plans.agency(plan_id, code)
    except NotFound:
        known = ", ".join(agency.code for agency in unit.plans.agencies(plan_id))
        raise Complaint(f"Agency {code!r} is not in the plan; it has {known}.") from None
