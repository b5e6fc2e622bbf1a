"""`enlace status`: how the bot is, worst first; with `--handover`, what whoever inherits it must know.

Nothing of a handover is read in a way of its own: each part is the list that a command prints, plan after plan, and the
places that must be kept are the settings that the bot runs with.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import Row, now, settings
from bot.cli.calendar.schedules import list_schedules
from bot.cli.console import expect_language, fail, print_rows
from bot.cli.options import JsonOption, LanguageOption
from bot.cli.people.delegations import list_delegations
from bot.cli.people.people import links, list_people, requests
from bot.cli.plan.settings import list_settings
from bot.cli.reports.form import list_forms
from bot.cli.sharing.events import list_receivers
from bot.cli.sharing.tokens import list_tokens

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.unit_of_work import UnitOfWork


app = typer.Typer()


@app.command()
def status(
    language: LanguageOption = "",
    as_json: JsonOption = False,
    handover: Annotated[
        bool, typer.Option("--handover", help="Then what whoever inherits this must know: plans, people, doors, keys.")
    ] = False,
) -> None:
    """Print the state of the bot, worst first: a word, a subject and a sentence. Exit 1 if something does not work."""
    if handover and as_json:
        fail("--handover is for people: each of its lists has --json of its own", 2)
    chosen = settings()
    expect_language(language)
    rows = status_rows(chosen, language or chosen.language, now())
    for row in rows:
        print(json.dumps(row, ensure_ascii=False) if as_json else "\t".join((row["state"], row["what"], row["told"])))
    if handover:
        _hand_over(chosen)
    if any(row["state"] == "bad" for row in rows):
        raise SystemExit(1)


def status_rows(settings: "Settings", language: str, now: datetime) -> list[dict[str, Any]]:
    """Return what /estado says in the chat. The disk, however, is checked on this machine."""
    from bot.acts.upkeep.status import free_bytes, look, readings, sentence
    from bot.open_storage import open_storage
    from conversations.wording import wording

    with open_storage(settings) as database, database.view() as unit:
        seen = look(unit, now)
    if seen.vitals is not None:
        seen = replace(seen, vitals=replace(seen.vitals, free=free_bytes(settings)))
    say, zone = wording(language), ZoneInfo(settings.timezone)
    return [
        {"what": name, "state": reading.state, "told": sentence(name, reading, say, zone), **_plain(reading.values)}
        for name, reading in readings(seen)
    ]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case timedelta():
            return round(value.total_seconds())
        case date():  # an instant too
            return value.isoformat()
    return value


# ------------------------------------------------------------------ for whoever inherits it
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


def _hand_over(chosen: "Settings") -> None:
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
