"""Commands that change or read the database: each is one unit of work, in nobody's name.

The chat may be what is broken, or nobody in it may be left to ask. Somebody at the server needs no second admin. The
audit log says that the server did it, and the people concerned are told as if it was done in the chat. Each act is
written once, in `bot.acts`. A command has only the operator's words and the reasons for a refusal.

Everything heavy is imported inside the functions, because `--help` imports this module too.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from bot.cli.console import fail
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from bot.settings import Settings
    from conversations.plan.model import Agency
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

ANSWERS_WITHIN: Final = 2.0
"""Seconds that a sandbox has to tell its time. It is on this machine."""

T = TypeVar("T")
Row = dict[str, object]


def settings() -> "Settings":
    from bot.settings import read_settings

    return read_settings()


# ------------------------------------------------------------------ units of work
def in_unit(work: Callable[["UnitOfWork"], T], *, at: "Settings | None" = None) -> T:
    """Run one unit of work on the configured database and wait for it."""
    from bot.open_storage import open_storage
    from storage.errors import PlanClosed

    with open_storage(at or settings()) as database:
        try:
            return database.units.submit(None, work).result()
        except PlanClosed as error:
            raise Complaint(f"Nothing was changed: {error}.") from None


def change(work: Callable[["UnitOfWork"], T], *, at: "Settings | None" = None) -> T:
    """The same for a change. If the rules refuse it, the reason is one sentence, and nothing has changed."""
    from storage.errors import Conflict

    try:
        return in_unit(work, at=at)
    except (Conflict, ValueError) as error:
        raise Complaint(f"Nothing was changed: {error}.") from None


def act(plan_code: str, work: Callable[["Actor"], T], *, at: "Settings | None" = None) -> T:
    """Change something of a plan, with the server as the actor."""
    from bot.open_storage import plan_named

    return change(lambda unit: work(server(unit, plan_named(unit, plan_code))), at=at)


def server(unit: "UnitOfWork", plan: "Plan") -> "Actor":
    """The server as the actor: of no person, in the plan's zone."""
    from bot.chat.actor import Actor

    return Actor(unit, plan.id, now(), plan.timezone, plan.zone)


def look(plan_code: str, read: Callable[["UnitOfWork", "Plan"], T], *, at: "Settings | None" = None) -> T:
    """Read unsealed data of a plan, without the keyring."""
    from bot.open_storage import open_storage, plan_named

    with open_storage(at or settings(), needs_keys=False) as database, database.view() as unit:
        return read(unit, plan_named(unit, plan_code))


def agency_named(unit: "UnitOfWork", plan_id: int, code: str) -> "Agency":
    from storage.errors import NotFound

    try:
        return unit.plans.agency(plan_id, code)
    except NotFound:
        known = ", ".join(agency.code for agency in unit.plans.agencies(plan_id))
        raise Complaint(f"Agency {code!r} is not in the plan; it has {known}.") from None


# ------------------------------------------------------------------ time
def now() -> datetime:
    """The bot's time: the machine's, or the sandbox's if the bot speaks to one.

    The bot follows the clock of its sandbox. What a command leaves for it under another time would be sent years later.
    """
    from bot.settings import TELEGRAM

    chosen = settings()
    return (_of_sandbox(chosen) if chosen.telegram_api != TELEGRAM else None) or datetime.now(UTC)


def _of_sandbox(chosen: "Settings") -> datetime | None:
    """The time that each answer of a sandbox carries. None if nobody answers, or if it is no sandbox."""
    import http.client
    import urllib.error
    import urllib.request

    from bot.telegram.api import CLOCK_HEADER

    address = f"{chosen.telegram_api}/bot{chosen.telegram_token.get_secret_value()}/getMe"
    try:
        with urllib.request.urlopen(address, timeout=ANSWERS_WITHIN) as answer:  # noqa: S310 - the operator's setting
            told = answer.headers.get(CLOCK_HEADER)
    except urllib.error.HTTPError as refused:
        with refused:
            told = refused.headers.get(CLOCK_HEADER)
    except (OSError, http.client.HTTPException):
        return None
    return datetime.fromtimestamp(float(told), UTC) if told else None


def today(chosen: "Settings") -> date:
    """The present day in ENLACE_TIMEZONE."""
    return now().astimezone(ZoneInfo(chosen.timezone)).date()


def day(option: str, text: str, chosen: "Settings") -> date:
    """The day that an option names; without one, today."""
    try:
        return date.fromisoformat(text) if text else today(chosen)
    except ValueError:
        fail(f"{option} {text!r} is not a day such as 2018-10-05", 2)


def moment(option: str, text: str, zone: ZoneInfo) -> datetime:
    """The ISO instant that an option names. Without an offset it is wall time in this zone."""
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} {text!r} is not an instant such as 2018-10-05T09:00", 2)


def local(at: datetime, chosen: "Settings") -> str:
    """An instant for the operator: wall time in ENLACE_TIMEZONE."""
    return at.astimezone(ZoneInfo(chosen.timezone)).isoformat(timespec="minutes")
