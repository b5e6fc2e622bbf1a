"""`enlace status --handover`: what whoever inherits the bot must know.

Nothing is read in a way of its own: each part is the list that a command prints, plan after plan, and the places that
must be kept are the settings that the bot runs with.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.cli.at_server import Row
from bot.cli.calendar.schedules import list_schedules
from bot.cli.console import print_rows
from bot.cli.people.delegations import list_delegations
from bot.cli.people.people import links, list_people, requests
from bot.cli.plan.settings import list_settings
from bot.cli.reports.form import list_forms
from bot.cli.sharing.events import list_receivers
from bot.cli.sharing.tokens import list_tokens

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.unit_of_work import UnitOfWork

OF_A_PLAN: tuple[tuple[str, Callable[..., None]], ...] = (
    ("People: account, name, role, agency, state, privacy, last word", list_people),
    ("Roles that wait for a second administrator", requests),
    ("Links that still let somebody in, and until when", links),
    ("Posts that somebody holds for another, and until when", list_delegations),
    ("Settings", list_settings),
    ("Forms", list_forms),
    ("What is said on schedule", list_schedules),
    ("Receivers of events", list_receivers),
    ("Tokens of the data door, and until when", list_tokens),
)
"""A heading, and the command that prints what stands below it."""


def hand_over(chosen: "Settings") -> None:
    """Print what one must know: where the data and the keys are, the plans, and each plan's people, doors and dates."""
    from bot.open_storage import open_storage

    _head("What must be kept: without the keyring, sealed answers and files are lost for ever")
    print_rows(_places(chosen), False)
    with open_storage(chosen, needs_keys=False) as database, database.view() as unit:
        plans = _plans(unit)
    _head("Plans: code, name, first day, last day, zone, closed after")
    print_rows(plans, False)
    for plan in plans:
        for heading, command in OF_A_PLAN:
            _head(f"{plan['plan']} · {heading}")
            command(plan_code=plan["plan"])


def _head(text: str) -> None:
    print(f"\n# {text}", flush=True)


def _places(chosen: "Settings") -> list[Row]:
    from sqlalchemy import make_url

    return [
        {"what": "keyring (ENLACE_KEYS)", "where": str(chosen.keys.resolve()), "is": _is_there(chosen.keys.exists())},
        {
            "what": "evidence (ENLACE_FILES)",
            "where": str(chosen.files.resolve()),
            "is": _is_there(chosen.files.exists()),
        },
        {
            "what": "database (ENLACE_DATABASE_URL)",
            "where": make_url(chosen.database_url).render_as_string(hide_password=True),
            "is": "answers",
        },
        {"what": "Telegram's token (ENLACE_TELEGRAM_TOKEN)", "where": "@BotFather gives a new one", "is": "secret"},
    ]


def _is_there(is_there: bool) -> str:
    return "there" if is_there else "MISSING"


def _plans(unit: "UnitOfWork") -> list[Row]:
    return [
        {
            "plan": plan.code,
            "name": next(iter(plan.name.values()), ""),
            "from": plan.starts_on.isoformat(),
            "to": plan.ends_on.isoformat(),
            "zone": plan.timezone,
            "closes": plan.closes_on.isoformat() if plan.closes_on else "-",
        }
        for plan in unit.plans.all()
    ]
