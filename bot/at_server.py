"""What admins do in chat, done at the server: people, agencies, forms and settings, one unit of work each.

The chat may be what is broken, or nobody in it may be left to ask. Whoever has the server needs no second admin; the
audit log says that it was the server, and whomever it concerns is told as if it had been done in the chat. What is
done is written where the chat does it; here is only what an operator names it by, and what cannot be.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.administration import admin_gone, menu_gone, role_changed
from bot.administration import settle_request as settle
from bot.complaint import Complaint, Misuse
from bot.hands import Hand, tell_later
from bot.observing import set_contributor as give_right
from bot.opening import BOT_USERNAME, open_storage, plan_named
from bot.people import agency_id_of, role_named
from bot.posts import end_delegation as give_back
from bot.settings import Settings
from conversations.plan import Agency, translated
from storage.agencies import LONGEST_NAME, ROLE_TYPES, Belongings
from storage.errors import Conflict, NotFound
from storage.people import Membership, Person
from storage.plans import Plan
from storage.role_requests import REQUEST_TTL, Decision, StoredRequest
from storage.settings import SETTINGS, find
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
Row = dict[str, object]


# ------------------------------------------------------------------ people
def change_role(
    settings: Settings, telegram_id: int, role_name: str, agency_code: str, now: datetime, plan_code: str
) -> None:
    """The role, from now on; the person is told by the bot, in their language, with the menu of it."""
    role = role_named(role_name)

    def work(hand: Hand) -> None:
        who, present = _enrolled(hand, telegram_id)
        if who.is_suspended:
            raise Complaint(f"{telegram_id} is suspended: 'enlace people restore' first.")
        agency_id = agency_id_of(hand.unit, hand.plan_id, agency_code)
        granted = hand.unit.people.grant(who.id, hand.plan_id, role, agency_id=agency_id, now=now)
        tell_later(hand.unit, role_changed(hand, who, present, granted), now)

    in_hand(settings, plan_code, now, work)


def set_suspended(settings: Settings, telegram_id: int, now: datetime, *, is_suspended: bool) -> None:
    """Shut somebody out of every plan, or let them in again. Whoever was an admin is missed aloud."""

    def work(unit: UnitOfWork) -> None:
        who = unit.people.by_telegram_id(telegram_id)
        if who is None:
            raise Complaint(f"Nobody with the Telegram number {telegram_id} is enrolled.")
        if not is_suspended:
            unit.people.restore(who.id, now=now, by=None)
        elif unit.people.suspend(who.id, now=now, by=None):
            tell_later(unit, [menu_gone(who)], now)
            for held in who.memberships:
                tell_later(
                    unit, admin_gone(_hand(settings, unit, held.plan_id, now), who, held, "people.admin_suspended"), now
                )

    _apply(settings, work)


def set_contributor(
    settings: Settings, telegram_id: int, now: datetime, plan_code: str, *, is_contributor: bool
) -> bool:
    """Give an observer the right to report their agency's indicators, or take it away; whether anything changed."""

    def work(hand: Hand) -> bool:
        news = give_right(hand, *_enrolled(hand, telegram_id), is_contributor)
        tell_later(hand.unit, news, now)
        return bool(news)

    return in_hand(settings, plan_code, now, work)


def links(settings: Settings, now: datetime, plan_code: str) -> list[Row]:
    """The links that may still be used."""

    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        return [
            {
                "link": link.id,
                "role": link.role.value,
                "agency": link.agency_code or "-",
                "expires_at": local(link.expires_at, settings),
            }
            for link in unit.invitations.open(plan.id, now)
        ]

    return looked_at(settings, plan_code, look)


def revoke(settings: Settings, link: int, now: datetime, plan_code: str) -> None:
    def work(hand: Hand) -> None:
        if not hand.unit.invitations.revoke(link, plan_id=hand.plan_id, now=now, by=None):
            raise Complaint(f"There is no open link {link}: see 'enlace people links'.")

    in_hand(settings, plan_code, now, work)


def requests(settings: Settings, now: datetime, plan_code: str) -> list[Row]:
    """Roles that admins have asked for in the chat and that wait for a second one."""

    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        return [
            {
                "request": one.id,
                "for": unit.people.by_id(one.person_id).name if one.person_id is not None else "whoever gets the link",
                "role": one.role.value,
                "agency": one.agency_code or "-",
                "asked_by": unit.people.by_id(one.requested_by_id).name,
                "until": local(one.requested_at + REQUEST_TTL, settings),
            }
            for one in unit.role_requests.waiting(plan.id, now)
        ]

    return looked_at(settings, plan_code, look)


def settle_request(settings: Settings, number: int, decision: Decision, now: datetime, plan_code: str) -> StoredRequest:
    """Grant or refuse it in place of a second admin; whoever asked is told, and gets the link if it was one."""

    def work(hand: Hand) -> StoredRequest:
        bot_username = hand.unit.facts.get(BOT_USERNAME) or ""
        if decision == "granted" and not bot_username:
            raise Complaint("The bot's name, which a link holds, is not known yet: start 'enlace run' once.")
        settled = settle(hand, number, decision, bot_username)
        if settled is None:
            raise Complaint(f"No request {number} waits: see 'enlace people requests'.")
        request, news = settled
        tell_later(hand.unit, news, now)
        return request

    return in_hand(settings, plan_code, now, work)


# ------------------------------------------------------------------ posts in other hands, and what observers say
def delegations(settings: Settings, plan_code: str) -> list[Row]:
    """Posts that somebody has left to somebody else for a time."""

    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        return [
            {
                "delegation": one.id,
                "agency": unit.plans.agency_by_id(one.agency_id).code,
                "of": unit.people.by_id(one.person_id).name,
                "to": unit.people.by_id(one.deputy_id).name if one.deputy_id is not None else "whoever gets the link",
                "last_day": one.last_day.isoformat(),
            }
            for one in unit.delegations.of_plan(plan.id)
        ]

    return looked_at(settings, plan_code, look)


def end_delegation(settings: Settings, number: int, now: datetime, plan_code: str) -> None:
    """The post is the focal point's own again, before its day; both are told."""

    def work(hand: Hand) -> None:
        for one in hand.unit.delegations.of_plan(hand.plan_id):
            if one.id == number:
                tell_later(hand.unit, give_back(hand, one), now)
                return
        raise Complaint(f"No delegation {number} lasts: see 'enlace delegations list'.")

    in_hand(settings, plan_code, now, work)


def comments(settings: Settings, plan_code: str) -> list[Row]:
    """Observers' comments that nobody has settled, without their words: those are the coordination's to read."""

    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        return [
            {
                "comment": one.id,
                "about": one.code or "the plan",
                "agency": one.agency_code or "-",
                "written_at": local(one.written_at, settings),
            }
            for one in unit.comments.waiting(plan.id)
        ]

    return looked_at(settings, plan_code, look)


# ------------------------------------------------------------------ agencies
def agencies(settings: Settings, today: date, plan_code: str) -> list[Row]:
    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
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

    return looked_at(settings, plan_code, look)


def add_agency(
    settings: Settings,
    code: str,
    names: dict[str, str],
    role_type: str,
    on: date,
    now: datetime,
    plan_code: str,
) -> None:
    _check_agency(names, role_type)

    def work(hand: Hand) -> None:
        hand.unit.agencies.add(hand.plan_id, code, names, role_type=role_type, active_from=on, now=now, by=None)

    in_hand(settings, plan_code, now, work)


def change_agency(
    settings: Settings,
    code: str,
    names: dict[str, str],
    role_type: str | None,
    on: date | None,
    now: datetime,
    plan_code: str,
) -> None:
    """Its name in these languages, what it is in the commission, its first day: whatever is given."""
    if not names and role_type is None and on is None:
        raise Misuse("Nothing to change: give a name, --type or --from.")
    _check_agency(names, role_type)

    def work(hand: Hand) -> None:
        agency, change = agency_named(hand.unit, hand.plan_id, code), hand.unit.agencies
        if names:
            agency = change.rename(agency, hand.plan_id, names, now=now, by=None)
        if role_type is not None:
            agency = change.set_type(agency, hand.plan_id, role_type, now=now, by=None)
        if on is not None:
            change.begin(agency, hand.plan_id, on, now=now, by=None)

    in_hand(settings, plan_code, now, work)


def end_agency(settings: Settings, code: str, on: date, now: datetime, plan_code: str) -> Belongings:
    """It takes part no more from that day; what hung on it, for the operator to see to."""

    def work(hand: Hand) -> Belongings:
        agency = agency_named(hand.unit, hand.plan_id, code)
        hand.unit.agencies.end(agency, hand.plan_id, on, now=now, by=None)
        return hand.unit.agencies.belongings(hand.plan_id).get(agency.id, Belongings())

    return in_hand(settings, plan_code, now, work)


def restore_agency(settings: Settings, code: str, now: datetime, plan_code: str) -> None:
    def work(hand: Hand) -> None:
        agency = agency_named(hand.unit, hand.plan_id, code)
        hand.unit.agencies.reactivate(agency, hand.plan_id, now=now, by=None)

    in_hand(settings, plan_code, now, work)


def _check_agency(names: dict[str, str], role_type: str | None) -> None:
    """A name that the chat would refuse, or cut, is refused here too."""
    if role_type is not None and role_type not in ROLE_TYPES:
        raise Misuse(f"--type {role_type!r} is not one of {', '.join(ROLE_TYPES)}.")
    for text in names.values():
        length = len(" ".join(text.split()))
        if length > LONGEST_NAME:
            raise Misuse(f"An agency's name has {LONGEST_NAME} characters at most; this one has {length}.")


# ------------------------------------------------------------------ forms
def forms(settings: Settings, now: datetime, plan_code: str) -> list[Row]:
    """Every version of every published form, the current one first, with the drafts that are on it."""

    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        drafts = unit.forms.open_drafts(plan.id, now)
        return [
            {
                "form": version.form_id,
                "version": version.version,
                "state": "current" if version.id == form.id else "earlier",
                "published_at": local(version.published_at, settings),
                "drafts": drafts.get(form.form_key, {}).get(version.id, 0),
                "title": version.title or "-",
            }
            for form in unit.forms.list(plan.id)
            for version in unit.forms.versions(plan.id, form.form_id)
        ]

    return looked_at(settings, plan_code, look)


def form_source(settings: Settings, form_id: str, version: str, plan_code: str) -> tuple[str, bytes]:
    """The version that is meant, and what it was published from: the workbook, or a ZIP of it and its files."""

    def look(unit: UnitOfWork, plan: Plan) -> tuple[str, bytes]:
        found = unit.forms.versions(plan.id, form_id)
        if not found:
            known = ", ".join(form.form_id for form in unit.forms.list(plan.id)) or "none"
            raise Complaint(f"There is no form {form_id!r}; published are: {known}.")
        current = unit.forms.current(plan.id, form_id)
        for one in found:
            if one.version == version or (not version and one == current):
                return one.version, unit.forms.workbook(one.id)
        known = ", ".join(one.version for one in found)
        raise Complaint(f"{form_id} has no version {version!r}; it has {known}.")

    return looked_at(settings, plan_code, look)


# ------------------------------------------------------------------ settings
def plan_settings(settings: Settings, plan_code: str) -> list[Row]:
    def look(unit: UnitOfWork, plan: Plan) -> list[Row]:
        rows: list[Row] = []
        for setting in SETTINGS:
            value = unit.settings.text(plan.id, setting)
            rows.append({"setting": setting.name, "value": value or "-", "default": setting.default or "-"})
        return rows

    return looked_at(settings, plan_code, look)


def set_setting(settings: Settings, name: str, value: str, now: datetime, plan_code: str) -> None:
    """Decide it; a value of "-" is the default again."""
    setting = find(name)
    if setting is None:
        raise Misuse(f"{name!r} is no setting of a plan; there are {', '.join(one.name for one in SETTINGS)}.")

    def work(hand: Hand) -> None:
        wanted = setting.default if value == "-" else value
        try:
            hand.unit.settings.set(hand.plan_id, setting, wanted, now=now, by=None)
        except ValueError:
            raise Complaint(f"{name} was not changed: {setting.told()}.") from None

    in_hand(settings, plan_code, now, work)


# ------------------------------------------------------------------ the server's hand
def in_hand(settings: Settings, plan_code: str, now: datetime, work: Callable[[Hand], T]) -> T:
    """Do it in one unit, by nobody's hand. What the rules refuse is one sentence, and nothing has changed."""

    def do(unit: UnitOfWork) -> T:
        return work(_hand(settings, unit, plan_named(unit, plan_code).id, now))

    return _apply(settings, do)


def looked_at(settings: Settings, plan_code: str, look: Callable[[UnitOfWork, Plan], T]) -> T:
    """What is read of a plan; nothing of it is sealed."""
    with open_storage(settings, needs_keys=False) as database, database.view() as unit:
        return look(unit, plan_named(unit, plan_code))


def _hand(settings: Settings, unit: UnitOfWork, plan_id: int, now: datetime) -> Hand:
    return Hand(unit, plan_id, now, settings.timezone, ZoneInfo(settings.timezone))


def _apply(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    with open_storage(settings) as database:
        try:
            return database.units.submit(None, work).result()
        except (Conflict, ValueError) as error:
            raise Complaint(f"Nothing was changed: {error}.") from None


def _enrolled(hand: Hand, telegram_id: int) -> tuple[Person, Membership]:
    """Somebody with a role in the plan, the suspended too."""
    who = hand.unit.people.by_telegram_id(telegram_id)
    for held in who.memberships if who is not None else ():
        if who is not None and held.plan_id == hand.plan_id:
            return who, held
    raise Complaint(f"Nobody with the Telegram number {telegram_id} has a role: see 'enlace people list'.")


def agency_named(unit: UnitOfWork, plan_id: int, code: str) -> Agency:
    try:
        return unit.plans.agency(plan_id, code)
    except NotFound:
        known = ", ".join(agency.code for agency in unit.plans.agencies(plan_id))
        raise Complaint(f"Agency {code!r} is not in the plan; it has {known}.") from None


def local(at: datetime, settings: Settings) -> str:
    """An instant as the operator reads it: wall time in ENLACE_TIMEZONE."""
    return at.astimezone(ZoneInfo(settings.timezone)).isoformat(timespec="minutes")
